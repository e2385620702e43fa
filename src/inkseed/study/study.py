"""Run a study: draw what is missing, measure, and compare at equal cost."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inkseed.data.arrays import NpzFile
from inkseed.data.mnist import DIGITS as CLASSES
from inkseed.diffusion.counter import OverspentError
from inkseed.errors import InkseedError
from inkseed.evaluation.reference import Reference
from inkseed.evaluation.sets import digits_to_labels, natural_labels
from inkseed.files import write_atomically, write_text
from inkseed.held import claimed, is_free
from inkseed.model.drawing import check_room
from inkseed.model.model import Model
from inkseed.model.redraw import JUDGED
from inkseed.noise import SAME, find_strategy
from inkseed.study.pool import SCORES, Pool, draw_pool, pool_cost
from inkseed.study.real import measure_real
from inkseed.study.result import Result, Study
from inkseed.study.rows import EQUAL, PLAIN, STRATEGY, Row, rows_of
from inkseed.study.ruler import Measure, Ruler
from inkseed.study.scores import correlations, rank_agreement, rank_cost
from inkseed.study.settings import StudySettings
from inkseed.study.variance import (
    DIGITS,
    GROUPS,
    draw_means,
    relative_variance,
    shape_of_means,
)

SETTINGS, READINGS = "settings.json", "readings.npz"

Tell = Callable[[int], object]
Layout = dict[str, tuple[type[np.generic], tuple[int, ...]]]  # types and shapes of named arrays


def run_study(
    model: Model, settings: StudySettings, folder: Path, tell: Tell = lambda _: None
) -> Study:
    """Draw with every strategy, measure, and compare at equal network evaluations.

    Images are kept in `folder`, so that a stopped study continues there, and so is judge B's
    reading of each image, in readings.npz (`Study.readings`).

    Args:
        model: a model of the digits 0 to 9.
        settings: what to study.
        folder: where the study is kept.
        tell: called with network evaluations as they are spent.

    Returns:
        The study.

    Raises:
        InkseedError: for a model of other classes, a folder that holds anything but this study or
            in which another process is at it, more images than fit in memory, or a strategy that
            spends more than its budget.
    """
    if set(model.class_names) != set(CLASSES):
        raise InkseedError("a study needs a model of the digits 0 to 9, which the judges read")
    check_room(settings.n * settings.candidates, model.shape, copies=1 + JUDGED)
    _open(folder, settings, write=False)
    with claimed(folder):
        _open(folder, settings, write=True)
        return _run(model, settings, folder, tell)


def _run(model: Model, settings: StudySettings, folder: Path, tell: Tell) -> Study:
    began = time.perf_counter()
    rows = rows_of(model, settings.how, settings.candidates, settings.strategies)
    digits = natural_labels(settings.n).reshape(settings.seeds, settings.count)
    drawing = _Drawing(model, settings, digits, folder, tell)
    pools = []
    drawn: dict[str, list[Mapping[str, np.ndarray]]] = defaultdict(list)  # lists over seeds
    for seed in range(settings.seeds):
        pools.append(drawing.pool(seed))
        for row in rows:
            if row.selector is None:
                drawn[row.key].append(drawing.row(row, seed))
    means = {row.name: drawing.means(row) for row in _same(rows)}
    pool = Pool.join(pools)
    ruler = Ruler(pool.labels, Reference.shared())
    flat = pool.images.reshape(-1, *pool.images.shape[2:])
    oracle, right = ruler.read(flat, np.repeat(pool.labels, settings.candidates))
    shape = (len(pool.labels), settings.candidates)
    pool = Pool(pool.labels, pool.images, {**pool.scores, "oracle": oracle.reshape(shape)})
    spent, measures = [], []
    for row in rows:
        if row.selector is None:
            own = drawn[row.key]
            spent.append(row._replace(nfe=max(int(each["nfe"]) for each in own)))
            measures.append(ruler.measure(np.concatenate([each["images"] for each in own])))
        else:
            seen = pool.prefix(row.asked["candidates"])
            spent.append(row)
            measures.append(ruler.measure(seen.pick(row.selector.score(seen))))
    study = Study(
        settings,
        _results(spent, measures),
        measure_real(ruler),
        pool,
        right.reshape(shape),
        correlations(pool, right.reshape(shape)),
        rank_agreement(model, digits[0], settings.candidates, settings.how, tell),
        {name: relative_variance(each, means[PLAIN]) for name, each in means.items()},
        time.perf_counter() - began,
    )
    arrays: dict[str, Any] = study.readings()
    write_atomically(folder / READINGS, lambda opened: np.savez_compressed(opened, **arrays))
    return study


def evaluations_of(model: Model, settings: StudySettings) -> int:
    """All network evaluations that a study costs."""
    rows = rows_of(model, settings.how, settings.candidates, settings.strategies)
    drawn = sum(row.nfe for row in rows if row.selector is None)
    pooled = pool_cost(model, settings.how, settings.candidates)
    means = sum(row.nfe for row in _same(rows)) * GROUPS * len(DIGITS)
    ranked = rank_cost(settings.count, settings.candidates)
    return settings.count * settings.seeds * (drawn + pooled) + means + ranked


def _same(rows: list[Row]) -> list[Row]:
    """The strategies that keep the distribution."""
    free = [row for row in rows if row.budget is None and row.role == STRATEGY]
    return [row for row in free if find_strategy(row.name).kind == SAME]


def _results(rows: list[Row], measures: list[Measure]) -> list[Result]:
    by_name = {(row.name, row.budget): m for row, m in zip(rows, measures, strict=True)}
    plain = by_name[PLAIN, None]
    return [
        Result(row, measure, plain, by_name.get((EQUAL, row.budget), plain))
        for row, measure in zip(rows, measures, strict=True)
    ]


def _open(folder: Path, settings: StudySettings, write: bool) -> None:
    """Check that a study can start in a folder or go on in it; if `write`, also start it."""
    path, text = folder / SETTINGS, json.dumps(settings.as_json(), indent=1) + "\n"
    if path.exists():
        if path.read_text("utf-8", errors="replace") != text:
            raise InkseedError(
                f"{folder} holds a study with other settings or strategies: give another --out"
            )
        return
    if folder.exists() and not is_free(folder):
        raise InkseedError(f"{folder} exists and is not a study's folder: give another --out")
    if write:
        write_text(path, text, exclusive=True)


@dataclass(frozen=True)
class _Drawing:
    """Draws what a study needs, seed by seed, and keeps it in the folder."""

    model: Model
    settings: StudySettings
    digits: np.ndarray  # int64 (seeds, count): in MNIST's own mix over all seeds
    folder: Path
    tell: Tell

    def pool(self, seed: int) -> Pool:
        """The candidates of one seed's images."""
        how, candidates = self.settings.how, self.settings.candidates

        def draw() -> Mapping[str, np.ndarray]:
            pool = draw_pool(self.model, self.digits[seed], seed, candidates, how, self.tell)
            return pool.arrays()

        spent = self.settings.count * pool_cost(self.model, how, candidates)
        each = self.settings.count, candidates
        layout: Layout = {"labels": (np.int64, each[:1])}
        layout |= {"images": (np.uint8, (*each, *self.model.image_size))}
        layout |= dict.fromkeys(SCORES, (np.float64, each))
        pool = Pool.from_arrays(self._kept(f"seed_{seed}/pool", draw, spent, layout))
        if not np.array_equal(pool.labels, self.digits[seed]):
            raise _damaged(self.folder / f"seed_{seed}" / "pool.npz")
        return pool

    def row(self, row: Row, seed: int) -> Mapping[str, np.ndarray]:
        """The `images` of one seed in a row that draws its own, and the `nfe` of each."""

        def draw() -> Mapping[str, np.ndarray]:
            labels, budget = digits_to_labels(self.model, self.digits[seed]), row.budget or row.nfe
            try:
                drawn = self.model.sample(
                    labels, seed, **row.asked, budget=budget, on_evaluations=self.tell
                )
            except OverspentError as error:
                raise InkseedError(
                    f"{row.name} spends more than the {budget} evaluations it has: in a study, the"
                    " cost of a strategy must not depend on what it sees"
                ) from error
            return {"images": drawn.images, "nfe": np.array(drawn.nfe)}

        shape = (self.settings.count, *self.model.image_size)
        layout: Layout = {"images": (np.uint8, shape), "nfe": (np.int64, ())}
        spent = self.settings.count * row.nfe
        return self._kept(f"seed_{seed}/{row.key}", draw, spent, layout)

    def means(self, row: Row) -> np.ndarray:
        """The measurements of a strategy's images of each digit, group by group."""

        def draw() -> Mapping[str, np.ndarray]:
            return {"values": draw_means(self.model, self.settings.how, row.name, self.tell)}

        spent = row.nfe * GROUPS * len(DIGITS)
        layout: Layout = {"values": (np.float64, shape_of_means())}
        return self._kept(f"means/{row.key}", draw, spent, layout)["values"]

    def _kept(
        self, name: str, draw: Callable[[], Mapping[str, Any]], spent: int, layout: Layout
    ) -> Mapping[str, np.ndarray]:
        """The arrays of this layout in the file, which is drawn first if it is missing."""
        path = self.folder / f"{name}.npz"
        if path.exists():
            self.tell(spent)
        else:
            arrays = draw()
            write_atomically(path, lambda opened: np.savez_compressed(opened, **arrays))
        try:
            kept = NpzFile(path)
            claims = {each: kept.claim(each) for each in kept.names}
            if layout == {each: (claim.dtype, claim.shape) for each, claim in claims.items()}:
                return {each: kept[each] for each in layout}
        except InkseedError as error:
            raise _damaged(path) from error
        raise _damaged(path)


def _damaged(path: Path) -> InkseedError:
    return InkseedError(f"{path} is damaged, or another study's: remove it to draw it again")
