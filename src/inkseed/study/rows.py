"""What a study compares: strategies and controls, each at what a budget buys."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from inkseed.model import Model
from inkseed.noise import SEARCH, strategies
from inkseed.study.pool import Pool

MOST_STEPS = 1000
STRATEGY, CONTROL, CEILING = "strategy", "control", "ceiling"
PLAIN, EQUAL = "gaussian", "gaussian, more steps"
RAISED = 1.0  # how much the control of guidance adds to guide_w


class Selector(NamedTuple):
    """A way to choose from a pool: the highest `score` wins; it costs what `cost_of` costs."""

    name: str
    role: str
    cost_of: str
    score: Callable[[Pool], np.ndarray]


def _random(pool: Pool) -> np.ndarray:
    return np.random.default_rng(0).random(pool.scores["ink"].shape)


SELECTORS = (
    Selector("best_of", STRATEGY, "best_of", lambda pool: pool.scores["judge"]),
    Selector("stability", STRATEGY, "stability", lambda pool: pool.scores["stability"]),
    Selector(
        "stability_renoise", STRATEGY, "stability_renoise", lambda pool: pool.scores["renoise"]
    ),
    Selector("least stable", CONTROL, "stability", lambda pool: -pool.scores["stability"]),
    Selector("random pick", CONTROL, "best_of", _random),
    Selector("thinnest", CONTROL, "best_of", lambda pool: -pool.scores["ink"]),
    Selector("boldest", CONTROL, "best_of", lambda pool: pool.scores["ink"]),
    Selector("oracle, judge B", CEILING, "best_of", lambda pool: pool.scores["oracle"]),
)
IN_POOL = {selector.cost_of for selector in SELECTORS}


class Row(NamedTuple):
    """One line of the study. `budget` is None where there is none: `nfe` is what it costs."""

    name: str
    role: str
    budget: int | None
    nfe: int
    asked: dict[str, Any]  # of Model.sample; for a selector `candidates` alone
    selector: Selector | None = None

    @property
    def key(self) -> str:
        """A file's name for what is drawn."""
        bought = "" if self.budget is None else f"_{self.budget}"
        return "".join(c if c.isalnum() else "_" for c in self.name) + bought


def rows_of(
    model: Model, how: dict[str, Any], candidates: int, names: Sequence[str] | None = None
) -> list[Row]:
    """All rows: what costs one draw; what each budget buys; selectors dearer than the last.

    A budget is what best-of-K costs, for K doubling from 2 to `candidates`, the pool's size.
    Strategies by `names`, or all.
    """
    draw = model.cost(**how)
    found = list(_free(model, how))
    for budget in (draw * 2**k for k in range(1, candidates.bit_length())):
        found += _controls(model, how, budget)
        found += _searching(model, how, budget, candidates)
    found += _whole_pool(found, model, how, candidates)
    wanted = None if names is None else {PLAIN, *names}
    return [r for r in found if wanted is None or r.role != STRATEGY or r.name in wanted]


def _free(model: Model, how: dict[str, Any]) -> Iterator[Row]:
    for named in strategies().values():
        if named.promise != SEARCH:
            asked = {**how, "noise": named.name}
            yield Row(named.name, STRATEGY, None, model.cost(**asked), asked)


def _controls(model: Model, how: dict[str, Any], budget: int) -> Iterator[Row]:
    """Gaussian noise at the same cost: more steps; and more steps and more guidance."""
    settled = model.settings(**how)
    guided = settled.guide_w + RAISED
    for name, w in ((EQUAL, settled.guide_w), (f"guide_w {guided:g}, more steps", guided)):
        asked = {**how, "guide_w": w}
        steps = most(partial(_cost_of_steps, model, asked), budget, MOST_STEPS)
        if steps:
            asked["steps"] = steps
            yield Row(name, CONTROL, budget, model.cost(**asked), asked)


def _cost_of_steps(model: Model, asked: dict[str, Any], steps: int) -> int:
    return model.cost(**{**asked, "steps": steps})


def _searching(model: Model, how: dict[str, Any], budget: int, candidates: int) -> Iterator[Row]:
    """What the budget buys of each search; a selector of one candidate selects nothing."""

    def afforded(name: str) -> int:
        return most(lambda n: model.cost(**how, noise=name, candidates=n), budget, budget)

    in_pool = {name: min(afforded(name), candidates) for name in sorted(IN_POOL)}
    for selector in SELECTORS:
        if (tried := in_pool[selector.cost_of]) > 1:
            nfe = model.cost(**how, noise=selector.cost_of, candidates=tried)
            yield Row(*(selector.name, selector.role, budget, nfe, {"candidates": tried}, selector))
    for named in strategies().values():
        if named.promise == SEARCH and named.name not in IN_POOL and (n := afforded(named.name)):
            asked = {**how, "noise": named.name, "candidates": n}
            yield Row(named.name, STRATEGY, budget, model.cost(**asked), asked)


def _whole_pool(
    found: list[Row], model: Model, how: dict[str, Any], candidates: int
) -> Iterator[Row]:
    """Selectors that see the whole pool, whatever it costs, where no budget has bought it."""
    bought = {row.name for row in found if row.selector and row.asked["candidates"] == candidates}
    for selector in SELECTORS:
        if selector.name not in bought:
            nfe = model.cost(**how, noise=selector.cost_of, candidates=candidates)
            asked = {"candidates": candidates}
            yield Row(selector.name, selector.role, None, nfe, asked, selector)


def most(cost: Callable[[int], int], budget: int, limit: int) -> int:
    """The largest n from 1 to `limit` with cost(n) <= budget, for a cost that rises; 0: none."""
    low, high = 0, 1
    while high <= limit and cost(high) <= budget:
        low, high = high, 2 * high
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle)
    return low
