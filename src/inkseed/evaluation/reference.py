"""The reference of real digits that `evaluate` and the study measure against."""

from functools import cached_property
from typing import ClassVar

import numpy as np
from torch import Tensor

from inkseed.data.split import Split, split_mnist
from inkseed.evaluation.frechet import fit_gaussian
from inkseed.evaluation.intervals import stacked_resamples
from inkseed.evaluation.judged import Judged, Tell, judge_images
from inkseed.evaluation.kept import features_of
from inkseed.evaluation.kernel import KernelReference
from inkseed.evaluation.mix import Mix, choose
from inkseed.evaluation.neighbours import Draws, Neighbourhood, radii
from inkseed.judges import JudgeB

MOST = 10_000  # images in neighbour metrics, whose cost grows with the square


class Reference:
    """Part A of MNIST's training digits, read by judge B, which never learned from it.

    Fréchet distances are taken to its Gaussian, and classes are weighted to its mix of labels.
    Precision, recall, density and coverage compare with as many of its images as the set has.
    `split` replaces inkseed's own split.
    """

    _shared: ClassVar["Reference | None"] = None

    def __init__(
        self, judge: JudgeB, tell: Tell = lambda _: None, split: Split | None = None
    ) -> None:
        if not isinstance(judge, JudgeB):
            raise TypeError("only judge B evaluates: judge A is for selectors")
        self.judge, self.split = judge, split or split_mnist()
        self.labels = self.split.part_a.labels
        self.mix = Mix.of(self.labels)
        self.features: Tensor = features_of(judge, self.split.part_a.images, tell)
        self.gaussian = fit_gaussian(self.features)
        self._near: dict[int, Neighbourhood] = {}

    @classmethod
    def shared(cls, tell: Tell = lambda _: None) -> "Reference":
        """This process's one reference, read once, since neither judge B nor part A changes."""
        if cls._shared is None:
            cls._shared = cls(JudgeB(), tell)
        else:
            tell(len(cls._shared.labels))
        return cls._shared

    @cached_property
    def kernel(self) -> KernelReference:
        """The reference of kernel distances."""
        return KernelReference(self.features[choose(self.labels, MOST)])

    def judged(self, images: np.ndarray, tell: Tell = lambda _: None) -> Judged:
        """What judge B reads in uint8 images (N, H, W), ink 255."""
        return judge_images(self.judge, images, tell)

    def weights(self, labels: np.ndarray) -> np.ndarray:
        """Weights that bring labels (N,) to the reference's mix; 1 if they have it already."""
        return np.ones(len(labels)) if self.mix.holds(labels) else self.mix.weights(labels)

    def near(self, count: int) -> Neighbourhood:
        """A fixed random choice of `count` images, in the reference's mix, with their balls."""
        if count not in self._near:
            chosen = choose(self.labels, count)
            features = self.features[chosen]
            self._near[count] = Neighbourhood(features, self.labels[chosen], radii(features))
        return self._near[count]

    def draws(self, labels: np.ndarray, seed: int) -> Draws:
        """200 resamples of images with these labels (N,), and of as many real ones."""
        theirs = self.near(len(labels)).labels
        return Draws(stacked_resamples(labels, seed), stacked_resamples(theirs, seed + 1))
