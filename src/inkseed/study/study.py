"""Run a study: draw what is missing, measure, compare at equal network evaluations."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.data.mnist import DIGITS
from inkseed.errors import InkseedError
from inkseed.evaluate.intervals import Estimate
from inkseed.evaluate.sets import natural_labels
from inkseed.files import write_atomically
from inkseed.model import Model
from inkseed.study.pool import Pool, digits_to_labels, draw_pool, pool_cost
from inkseed.study.rows import EQUAL, PLAIN, Row, rows_of
from inkseed.study.ruler import METRICS, Measure, Ruler
from inkseed.study.scores import correlations, rank_agreement, summary

Tell = Callable[[int], object]


@dataclass(frozen=True)
class StudySettings:
    """What is studied: `how` are settings of `Model.sample`, `count` images for each seed.

    A budget is what best-of-K costs, for K doubling from 2 to `candidates`.
    """

    model: str
    sha256: str
    how: dict[str, Any]
    count: int = 40
    seeds: int = 5
    candidates: int = 8
    strategies: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        names = None if self.strategies is None else list(self.strategies)
        kept = {"model": self.model, "sha256": self.sha256, "how": self.how, "count": self.count}
        return {**kept, "seeds": self.seeds, "candidates": self.candidates, "strategies": names}


@dataclass(frozen=True)
class Result:
    """A row and its figures; `equal` is Gaussian noise for as many evaluations, or nearly."""

    row: Row
    measure: Measure
    plain: Measure
    equal: Measure

    def as_json(self) -> dict[str, Any]:
        """Figures, intervals, and paired differences from Gaussian noise."""
        row = self.row
        described = {"name": row.name, "role": row.role, "budget": row.budget, "nfe": row.nfe}
        metrics = {}
        for name in METRICS:
            metrics[name] = {
                **_interval(self.measure.estimate(name)),
                "minus_gaussian": _interval(self.measure.minus(self.plain, name)),
                "minus_equal_nfe": _interval(self.measure.minus(self.equal, name)),
            }
        asked = {key: value for key, value in row.asked.items() if value is not None}
        return {**described, "asked": asked, "metrics": metrics}


@dataclass(frozen=True)
class Study:
    """All that was found."""

    settings: StudySettings
    results: list[Result]
    pool: Pool
    correlations: dict[str, dict[str, Estimate]]
    rank_agreement: dict[str, float]
    seconds: float

    @property
    def n(self) -> int:
        """Images a row."""
        return self.settings.count * self.settings.seeds

    def as_json(self) -> dict[str, Any]:
        """One object: settings, rows, and what the selectors' scores are worth."""
        return {
            "settings": self.settings.as_json(),
            "n": self.n,
            "judge": "B",
            "rows": [result.as_json() for result in self.results],
            "scores": {
                name: {kind: _interval(estimate) for kind, estimate in kinds.items()}
                for name, kinds in self.correlations.items()
            },
            "stability": summary(self.pool),
            "rank_agreement": self.rank_agreement,
            "seconds": round(self.seconds, 1),
        }


def run_study(
    model: Model, settings: StudySettings, folder: Path, tell: Tell = lambda _: None
) -> Study:
    """Draw, measure and compare. What is drawn is kept in `folder`: a stopped study goes on there.

    `tell` hears of network evaluations; `evaluations_of` says how many there are in all. Raises
    InkseedError for a model of other classes, or a folder that holds another study.
    """
    began = time.perf_counter()
    if set(model.class_names) != set(DIGITS):
        raise InkseedError("the study needs a model of the digits 0 to 9: the judges read those")
    _claim(folder, settings)
    rows, digits = _rows(model, settings), natural_labels(settings.count)
    pools, drawn = [], []
    for seed in range(settings.seeds):
        pools.append(_pool(model, settings, digits, seed, folder, tell))
        drawn.append([_images(model, row, digits, seed, folder, tell) for row in rows])
    pool = Pool.join(pools)
    ruler = Ruler(pool.labels)
    flat = pool.images.reshape(-1, *pool.images.shape[2:])
    each = np.repeat(pool.labels, settings.candidates)
    oracle, right = ruler.read(flat, each)
    shape = (len(pool.labels), settings.candidates)
    pool = Pool(pool.labels, pool.images, {**pool.scores, "oracle": oracle.reshape(shape)})
    measures = []
    for k, row in enumerate(rows):
        if row.selector is None:
            images = np.concatenate([own[k] for own in drawn])
        else:
            seen = pool.prefix(row.asked["candidates"])
            images = seen.pick(row.selector.score(seen))
        measures.append(ruler.measure(images))
    return Study(
        settings,
        _results(rows, measures),
        pool,
        correlations(pool, right.reshape(shape)),
        rank_agreement(model, digits, 0, settings.candidates),
        time.perf_counter() - began,
    )


def evaluations_of(model: Model, settings: StudySettings) -> int:
    """Network evaluations that the drawing costs in all."""
    drawn = sum(row.nfe for row in _rows(model, settings) if row.selector is None)
    pooled = pool_cost(model, settings.how, settings.candidates)
    return settings.count * settings.seeds * (drawn + pooled)


def _rows(model: Model, settings: StudySettings) -> list[Row]:
    return rows_of(model, settings.how, settings.candidates, settings.strategies)


def _results(rows: list[Row], measures: list[Measure]) -> list[Result]:
    by_name = {(row.name, row.budget): m for row, m in zip(rows, measures, strict=True)}
    plain = by_name[PLAIN, None]
    return [
        Result(row, measure, plain, by_name.get((EQUAL, row.budget), plain))
        for row, measure in zip(rows, measures, strict=True)
    ]


def _claim(folder: Path, settings: StudySettings) -> None:
    """Begin the folder, or go on in one of the very same settings."""
    path, text = folder / "settings.json", json.dumps(settings.as_json(), indent=1) + "\n"
    if path.exists():
        if path.read_text("utf-8") != text:
            raise InkseedError(f"{folder} holds a study of other settings: give another --out")
        return
    write_atomically(path, lambda temporary: temporary.write_text(text, "utf-8"))


def _pool(
    model: Model,
    settings: StudySettings,
    digits: np.ndarray,
    seed: int,
    folder: Path,
    tell: Tell,
) -> Pool:
    def draw() -> Mapping[str, np.ndarray]:
        return draw_pool(model, digits, seed, settings.candidates, settings.how, tell).arrays()

    spent = settings.count * pool_cost(model, settings.how, settings.candidates)
    return Pool.from_arrays(_kept(folder / f"seed_{seed}" / "pool.npz", draw, spent, tell))


def _images(
    model: Model, row: Row, digits: np.ndarray, seed: int, folder: Path, tell: Tell
) -> np.ndarray | None:
    """A row's images for one seed; None for a selector, which takes them from the pool."""
    if row.selector is not None:
        return None

    def draw() -> Mapping[str, np.ndarray]:
        labels = digits_to_labels(model, digits)
        return {"images": model.sample(labels, seed, **row.asked, on_evaluations=tell).images}

    path = folder / f"seed_{seed}" / f"{row.key}.npz"
    return _kept(path, draw, len(digits) * row.nfe, tell)["images"]


def _kept(
    path: Path, draw: Callable[[], Mapping[str, Any]], spent: int, tell: Tell
) -> Mapping[str, np.ndarray]:
    """The arrays in the file, drawn first if it is not there."""
    if path.exists():
        tell(spent)
    else:
        arrays = draw()
        write_atomically(path, lambda temporary: np.savez_compressed(temporary, **arrays))
    try:
        with np.load(path, allow_pickle=False) as opened:
            return {name: opened[name] for name in opened.files}
    except Exception as error:  # zip, zlib and numpy's header parser raise a dozen kinds
        raise InkseedError(f"{path} is damaged: remove it, and it is drawn again") from error


def _interval(estimate: Estimate) -> dict[str, float]:
    return estimate._asdict()
