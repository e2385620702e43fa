"""Do real digits score as real? python benchmarks/real_sets.py [--count 1000] [--draws 100]

Draws sets of real validation digits whose labels are mixed in several ways, and measures their
Fréchet distance as `inkseed evaluate` does. For each mix it prints, over the draws, the mean
distance if every image weighs the same, the mean with classes weighed, the baseline, in how many
draws the interval of what lies above real holds 0, and the distance at infinite N.
"""

import argparse
from collections.abc import Callable

import numpy as np

from inkseed.data import split_mnist
from inkseed.evaluation.extrapolate import LEAST, endless_frechet
from inkseed.evaluation.frechet import fit_gaussian, frechet, frechet_distance
from inkseed.evaluation.metrics import Metric
from inkseed.evaluation.mix import Mix, effective_size
from inkseed.judges import JudgeB

Draw = Callable[[np.random.Generator], np.ndarray]  # indices of validation images


class Bench:
    """Judge B's features of validation, and part A to measure them against."""

    def __init__(self) -> None:
        split, judge = split_mnist(), JudgeB()
        self.features, self.labels = judge.read(split.validation.images)[1], split.validation.labels
        self.reference = fit_gaussian(judge.read(split.part_a.images)[1])
        self.mix = Mix.of(split.part_a.labels)

    def row(self, draw: Draw, draws: int) -> str:
        """One line of the table."""
        plain, weighed, baselines, within, endless, sizes = [], [], [], 0, [], []
        for k in range(draws):
            rows = draw(np.random.default_rng(k))
            labels = self.labels[rows]
            weights = self.mix.weights(labels)
            found = frechet(self.features[rows], labels, self.reference, 0, weights)
            real = self.mix.like(labels, self.labels)
            own = self.mix.weights(self.labels[real])
            baseline = frechet(self.features[real], self.labels[real], self.reference, 0, own)
            baselines.append(baseline.value)
            excess = Metric(*found, *baseline).excess
            within += excess.low <= 0 <= excess.high
            plain.append(frechet_distance(fit_gaussian(self.features[rows]), self.reference))
            weighed.append(found.value)
            sizes.append(effective_size(weights))
            if sizes[-1] >= LEAST:
                how = (labels, self.reference, 0, weights)
                endless.append(endless_frechet(self.features[rows], *how).value)
        far = f"{np.mean(endless):.4f} ± {np.std(endless):.4f}" if endless else ""
        return (
            f"{np.mean(sizes):,.0f} | {np.mean(plain):.3f} | {np.mean(weighed):.3f} ±"
            f" {np.std(weighed):.3f} | {np.mean(baselines):.3f} | {within} of {draws} | {far}"
        )

    def mixes(self, n: int) -> dict[str, Draw]:
        """How labels may be mixed, from what a user does to what nobody should."""

        def at_random(rng: np.random.Generator) -> np.ndarray:
            return rng.choice(len(self.labels), n, replace=False)

        def counted(counts: np.ndarray) -> Draw:
            def draw(rng: np.random.Generator) -> np.ndarray:
                own = [np.flatnonzero(self.labels == digit) for digit in range(10)]
                return np.concatenate(
                    [
                        rng.choice(rows, min(count, len(rows)), replace=False)
                        for rows, count in zip(own, counts, strict=True)
                    ]
                )

            return draw

        digits, even = np.arange(10), np.full(10, n // 10)
        return {
            "drawn at random": at_random,
            "as many of each": counted(even),
            "half are 1": counted(np.where(digits == 1, n // 2, n // 18)),
            "a tenth of the 4": counted(np.where(digits == 4, n // 100, even)),
            "three 4": counted(np.where(digits == 4, 3, even)),
            "one 4": counted(np.where(digits == 4, 1, even)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000, help="images of a set")
    parser.add_argument("--draws", type=int, default=100, help="sets for each mix")
    asked = parser.parse_args()
    bench = Bench()
    print(f"N = {asked.count:,}")
    print("| labels | effective N | equal weights | weighed | real | 0 above real | infinite N |")
    print("| --- " * 7 + "|")
    for name, draw in bench.mixes(asked.count).items():
        print(f"| {name} | {bench.row(draw, asked.draws)} |", flush=True)


if __name__ == "__main__":
    main()
