"""Find the device that a network computes on."""

import torch

from inkseed.errors import InkseedError


def find_device(name: str | torch.device) -> torch.device:
    """`cpu`, `cuda`, `cuda:1` or `mps` -> the device. Raises InkseedError if there is none."""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu") from error
    if device.type not in ("cpu", "cuda", "mps"):
        raise InkseedError(f"no device {str(name)!r} on this machine: use cpu")
    return device
