"""Memory layout and number format of a network, so that convolutions are fast."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import torch
from torch import nn

from inkseed.nn.network import Network

N = TypeVar("N", bound=nn.Module | Network)
FLOAT32, BFLOAT16 = PRECISIONS = ("float32", "bfloat16")
_ASKED: ContextVar[str | None] = ContextVar("precision", default=None)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether `device` multiplies matrices faster in bfloat16 (AMX, AVX512-BF16, most GPUs)."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def fast_precision(device: torch.device) -> str:
    """The faster one of `PRECISIONS` on `device`."""
    return BFLOAT16 if has_fast_bfloat16(device) else FLOAT32


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """A context in which every denoiser's network computes in `precision`, one of `PRECISIONS`.

    Do not use it in a generator: between its values, the caller would compute in it too.
    """
    token = _ASKED.set(precision)
    try:
        yield
    finally:
        _ASKED.reset(token)


def network_context(device: torch.device, mixed: bool) -> AbstractContextManager:
    """The context that a denoiser's network runs in: the precision of `computing_in`.

    Outside of that, bfloat16 if `mixed` and fast on the device, and otherwise whatever torch is set
    to.
    """
    asked = _ASKED.get()
    if asked is None:
        return autocast(device, mixed)
    return torch.autocast(device.type, torch.bfloat16, enabled=asked == BFLOAT16)


def autocast(device: torch.device, enabled: bool = True) -> AbstractContextManager:
    """A context in which matrix work uses bfloat16, if `enabled` and fast on the device."""
    if enabled and has_fast_bfloat16(device):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def place(network: N, device: torch.device) -> N:
    """Move a network to `device`, its weights in the channels-last order (1.25 times as fast)."""
    moved: N = cast(Any, network).to(device).to(memory_format=torch.channels_last)
    return moved
