"""The results of a study: each row beside the one it is compared with, and real digits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inkseed.evaluation.intervals import Estimate, Z
from inkseed.outline import Outlined
from inkseed.study.pool import Pool
from inkseed.study.rows import Row
from inkseed.study.ruler import METRICS, Measure
from inkseed.study.scores import summary
from inkseed.study.settings import StudySettings

CHANCE, Z_999 = 0.001, 3.290527


@dataclass(frozen=True, repr=False)
class Result(Outlined):
    """A row and its figures; `equal` are those of Gaussian noise at nearly the same cost."""

    row: Row
    measure: Measure
    plain: Measure
    equal: Measure

    def same(self, metric: str) -> bool:
        """Whether nothing differs from `equal`, neither the figure nor any resample."""
        mine, theirs = self.measure, self.equal
        return mine.values[metric] == theirs.values[metric] and np.array_equal(
            mine.replicates[metric], theirs.replicates[metric]
        )

    def difference(self, metric: str) -> tuple[float, float]:
        """The paired difference from `equal`, and half its 95 % interval."""
        return self.measure.values[metric] - self.equal.values[metric], Z * self._spread(metric)

    def certain(self, metric: str) -> bool:
        """Whether the difference from `equal` would occur by chance less than once in 1,000.

        Accuracy has McNemar's exact test, which also works at 100 %. The other figures have no
        exact test of "no better on average": swapping the images of two rows at random tests
        whether the rows differ in anything at all. They use a 99.9 % bootstrap interval, and claim
        nothing if the resamples have no spread.
        """
        if metric == "accuracy":
            return self.measure.sign_test(self.equal) < CHANCE
        spread = self._spread(metric)
        return bool(0 < Z_999 * spread < abs(self.difference(metric)[0]))

    def _spread(self, metric: str) -> float:
        gaps = self.measure.replicates[metric] - self.equal.replicates[metric]
        return float(np.std(gaps, ddof=1))

    def as_json(self) -> dict[str, Any]:
        """Figures, intervals, and paired differences from Gaussian noise."""
        row = self.row
        described = {"name": row.name, "role": row.role, "budget": row.budget, "nfe": row.nfe}
        metrics: dict[str, dict[str, Any]] = {}
        for name in METRICS:
            metrics[name] = {
                **self.measure.estimate(name)._asdict(),
                "minus_gaussian": self.measure.minus(self.plain, name)._asdict(),
                "minus_equal_nfe": self.measure.minus(self.equal, name)._asdict(),
                "same": self.same(name),
                "certain": self.certain(name),
            }
        metrics["accuracy"]["sign_test"] = self.measure.sign_test(self.equal)
        asked = {key: value for key, value in row.asked.items() if value is not None}
        return {**described, "asked": asked, "metrics": metrics}


@dataclass(frozen=True, repr=False)
class Study(Outlined):
    """All results; `real` are the figures of as many held-out real digits."""

    settings: StudySettings
    results: list[Result]
    real: Measure
    pool: Pool
    right: np.ndarray  # bool (N, K): does judge B read each candidate of the pool as labelled?
    correlations: dict[str, dict[str, Estimate]]
    rank_agreement: dict[str, float]
    variance: dict[str, dict[str, Estimate]]
    seconds: float

    @property
    def n(self) -> int:
        """Images per row."""
        return self.settings.n

    def as_json(self) -> dict[str, Any]:
        """One object: settings, rows, and how good the selectors' scores are."""
        real = {name: self.real.estimate(name)._asdict() for name in METRICS}
        return {
            "settings": self.settings.as_json(),
            "n": self.n,
            "judge": "B",
            "real": {"of": "validation", "n": len(self.real.right), "metrics": real},
            "rows": [result.as_json() for result in self.results],
            "scores": {name: _intervals(kinds) for name, kinds in self.correlations.items()},
            "stability": summary(self.pool),
            "rank_agreement": self.rank_agreement,
            "variance_of_a_mean": {
                name: _intervals(kinds) for name, kinds in self.variance.items()
            },
            "seconds": round(self.seconds, 1),
        }

    def readings(self) -> dict[str, np.ndarray]:
        """Judge B's reading of every image by itself, as the arrays of readings.npz.

        Image i of a row is image `number[i]` of the request with seed `seed[i]`, and its label is
        `label[i]`. Row r is `row[r]` at `budget[r]` evaluations (0 for one plain draw). In its
        image i judge B reads `read[r, i]`, and gives the label the probability `probability[r, i]`.
        `real_label`, `real_read` and `real_probability` are those of the real digits,
        `candidate_right[i, k]` and `candidate_probability[i, k]` those of the pool's candidates.
        """
        count, seeds = self.settings.count, self.settings.seeds
        measures = [result.measure for result in self.results]
        return {
            "label": self.pool.labels,
            "seed": np.repeat(np.arange(seeds), count),
            "number": np.tile(np.arange(count), seeds),
            "row": np.array([result.row.name for result in self.results]),
            "budget": np.array([result.row.budget or 0 for result in self.results]),
            "read": np.stack([measure.read for measure in measures]),
            "probability": np.stack([measure.probability for measure in measures]),
            "real_label": self.pool.labels[: len(self.real.read)],
            "real_read": self.real.read,
            "real_probability": self.real.probability,
            "candidate_right": self.right,
            "candidate_probability": self.pool.scores["oracle"],
        }


def _intervals(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float]]:
    return {name: estimate._asdict() for name, estimate in estimates.items()}
