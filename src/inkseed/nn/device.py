"""Find the device that a network computes on."""

import re

import torch

from inkseed.checks import brief
from inkseed.errors import InkseedError

NAMES = re.compile("cpu(:0)?|(cuda|mps)(:[0-9]{1,3})?")  # torch knows more, and fails at some


def find_device(name: str | torch.device) -> torch.device:
    """`cpu`, `cuda`, `cuda:1` or `mps` -> the device. Raises InkseedError if there is none."""
    reason: Exception | None = None
    if NAMES.fullmatch(str(name)):
        device = torch.device(name)
        try:
            torch.empty(1, device=device)
            return device
        except Exception as error:  # a driver's, of any kind
            reason = error
    raise InkseedError(f"no device {brief(str(name))} on this machine: use cpu") from reason
