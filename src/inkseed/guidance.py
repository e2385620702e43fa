"""Classifier-free guidance (Ho and Salimans, arXiv 2207.12598): a denoiser in, a denoiser out."""

import torch
from torch import Tensor

from inkseed.denoiser import NULL_LABEL, Denoiser


class ClassifierFreeGuidance:
    """Equation (3) of the report: `(1 + w) * conditional - w * unconditional`.

    The equation mixes predictions of eps; x_0 is affine in eps, so mixing x_0 is the same. At
    `guide_w` 0 the conditional prediction is returned as it is, for one evaluation; otherwise one
    doubled batch costs two. Other libraries' `guidance_scale` is `1 + guide_w`.
    """

    def __init__(self, denoiser: Denoiser, guide_w: float) -> None:
        self.denoiser, self.guide_w = denoiser, guide_w

    @property
    def evaluations(self) -> int:
        """Network evaluations that one call costs for each image."""
        return 1 if self.guide_w == 0 else 2

    def __call__(self, x_t: Tensor, t: Tensor, label: Tensor) -> Tensor:
        if self.guide_w == 0:
            return self.denoiser(x_t, t, label)
        t = t.expand(len(x_t))
        labels = torch.cat((label, torch.full_like(label, NULL_LABEL)))
        doubled = self.denoiser(torch.cat((x_t, x_t)), torch.cat((t, t)), labels)
        conditional, unconditional = doubled.chunk(2)
        return (1 + self.guide_w) * conditional - self.guide_w * unconditional
