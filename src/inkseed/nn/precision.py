"""Where bfloat16 pays: matrix units on the processor, or a GPU that has it."""

from contextlib import AbstractContextManager, nullcontext

import torch


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies matrices in bfloat16 faster than in float32 (AMX, AVX512-BF16)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def autocast(device: torch.device, enabled: bool = True) -> AbstractContextManager:
    """A context in which matrix work runs in bfloat16, if `enabled` and the device is fast in it."""
    if enabled and has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()
