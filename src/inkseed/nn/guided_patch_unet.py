"""The fast network with guidance as an input, so that a guided prediction is one evaluation."""

import math
from typing import Any

import torch
from torch import Tensor

from inkseed.nn.patch_unet import PatchUnet, silent
from inkseed.registry import NETWORKS


@NETWORKS.register("guided_patch_unet")
class GuidedPatchUnet(PatchUnet):
    """A `PatchUnet` that is told the strength of guidance beside all else.

    Args:
        guide: the largest guide_w that it is taught.
        settings: `PatchUnet`'s own.

    Raises:
        ValueError: for a `guide` that is not above 0, and as `PatchUnet` does.

    Source:
        Meng and others, [2210.03142](https://arxiv.org/abs/2210.03142), section 3.1.
    """

    edges = PatchUnet.edges | {"guide"}

    def __init__(self, guide: float, **settings: Any) -> None:
        super().__init__(**settings)
        if not 0 < guide < math.inf:
            raise ValueError(f"guide must be above 0, not {guide}")
        self.most_guide_w = guide
        self.guide = silent(2, self.mix.in_features)

    def forward(
        self,
        x: Tensor,
        c: Tensor,
        t: Tensor,
        context_mask: Tensor,
        style: Tensor | None = None,
        hand: Tensor | None = None,
        bend: Tensor | None = None,
        guide_w: Tensor | None = None,
    ) -> Tensor:
        """Return the network's own prediction.

        Args:
            x: this and all others up to `bend` as in `PatchUnet.forward`.
            c: class indices (N,).
            t: log noise levels (N,).
            context_mask: (N,), 1 where the label is dropped.
            style: (N, S), NaN where free.
            hand: (N, length + 1), a row of NaN where free.
            bend: (N, 6), how the image was bent.
            guide_w: (N,), the strength of guidance, 0 or more; None is 0.

        Returns:
            (N, C, H, W).

        Raises:
            ValueError: for sides not divisible by 4.
        """
        told = self.told(c, t, context_mask, style, hand, bend)
        if guide_w is not None:
            told = told + self.guide(torch.stack((guide_w.log1p(), guide_w), 1))[:, None]
        return self.predict(x, told)
