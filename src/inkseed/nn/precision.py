"""How a network lies in memory and what it computes in, so that convolutions are fast."""

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import torch
from torch import nn

N = TypeVar("N", bound=nn.Module)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies matrices faster in bfloat16 (AMX, AVX512-BF16, most GPUs)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def autocast(device: torch.device, enabled: bool = True) -> AbstractContextManager:
    """A context in which matrix work runs in bfloat16, if `enabled` and fast on the device."""
    if enabled and has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def place(network: N, device: torch.device) -> N:
    """Move a network to `device`, its weights in the channels-last order (1.25 times as fast)."""
    return network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
