"""Whether digits keep a hand: how well the writer judge tells a writer's sets from others'."""

import numpy as np
from torch import Tensor

from inkseed.evaluation.intervals import RESAMPLES, Estimate, Z
from inkseed.judges.hands import alike

ROUNDS = 20  # of sets drawn for each writer


def two_sets(writers: np.ndarray, digits: int, seed: int, rounds: int = ROUNDS) -> np.ndarray:
    """Two sets of different digits for each writer, in each round: int64 (rounds, 2, W, digits).

    Args:
        writers: who wrote each image, (N,); those with fewer than twice as many digits are left
            out.
        digits: images in a set.
        seed: decides which.
        rounds: how often sets are drawn.

    Returns:
        Indices into the images, the writers in the order of their numbers.
    """
    rng = np.random.default_rng(seed)
    own = [np.flatnonzero(writers == each) for each in np.unique(writers)]
    own = [each for each in own if len(each) >= 2 * digits]
    sets = [
        [rng.permutation(each)[: 2 * digits].reshape(2, digits) for each in own]
        for _ in range(rounds)
    ]
    return np.array(sets).transpose(0, 2, 1, 3)


def hand_auc(codes: Tensor, others: Tensor, seed: int = 0) -> Estimate:
    """`auc_of_writers` by the writer judge.

    Args:
        codes: of sets of digits that are to be in W writers' hands, (rounds, W, k, 64).
        others: of sets that the same writers wrote, (rounds, W, l, 64).
        seed: decides the interval's resamples.
    """
    return auc_of_writers(alike(codes, others).double().numpy(), seed)


def auc_of_writers(likeness: np.ndarray, seed: int = 0) -> Estimate:
    """The area under the ROC curve of "by one hand", with an interval over writers.

    It is the chance that a set is more like another of its own writer than like one of another
    writer (Hanley and McNeil 1982); 0.5 says nothing of hands, 1 tells them all apart. The interval
    is 1.96 standard deviations of 200 resamples of the writers either side.

    Args:
        likeness: (rounds, W, W), sets of writer i in row i, others of writer j in column j.
        seed: decides the resamples.
    """
    writers = likeness.shape[1]
    same = np.eye(writers, dtype=bool)
    first, second = np.nonzero(~same)
    rounds = []
    for each in likeness:
        strange = each[~same]
        order = np.argsort(strange, kind="stable")
        below, through = (
            np.searchsorted(strange[order], each[same], side) for side in ("left", "right")
        )
        rounds.append((order, below, through))

    def area(counts: np.ndarray) -> float:
        """The area where writer i was drawn `counts[i]` times."""
        pairs = counts[first] * counts[second]
        areas = []
        for order, below, through in rounds:
            passed = np.concatenate(([0.0], np.cumsum(pairs[order])))
            won = (passed[below] + passed[through]) / 2 / passed[-1]
            areas.append((won * counts).sum() / counts.sum())
        return float(np.mean(areas))

    rng = np.random.default_rng(seed)
    value = area(np.ones(writers))
    drawn = rng.multinomial(writers, np.full(writers, 1 / writers), RESAMPLES)
    reach = Z * float(np.std([area(counts.astype(float)) for counts in drawn], ddof=1))
    return Estimate(value, max(0.0, value - reach), min(1.0, value + reach))
