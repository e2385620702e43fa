"""The rows of a study: strategies and controls, each with what its budget buys."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from inkseed.diffusion.schedule import MAX_STEPS
from inkseed.errors import InkseedError
from inkseed.model.model import Model
from inkseed.model.request import MOST_CANDIDATES
from inkseed.model.sampling import MOST_GUIDE_W
from inkseed.noise import SEARCH, Named, find_strategy, strategies
from inkseed.study.pool import Pool

STRATEGY, CONTROL, CEILING = "strategy", "control", "ceiling"
PLAIN, EQUAL = "gaussian", "gaussian, more steps"
STEERED = "fk_steering"  # the one search that with one candidate is not plain noise
RAISED = 1.0  # what the control with more guidance adds to guide_w


class Selector(NamedTuple):
    """A way to choose from a pool: the highest `score` wins, at the cost of strategy `cost_of`."""

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
    Selector("least ink", CONTROL, "best_of", lambda pool: -pool.scores["ink"]),
    Selector("most ink", CONTROL, "best_of", lambda pool: pool.scores["ink"]),
    Selector("oracle, judge B", CEILING, "best_of", lambda pool: pool.scores["oracle"]),
)
IN_POOL = {selector.cost_of for selector in SELECTORS}


class Row(NamedTuple):
    """One line of the study: `nfe` is its predicted cost; `budget` is None for one plain draw."""

    name: str
    role: str
    budget: int | None
    nfe: int
    asked: dict[str, Any]  # arguments of Model.sample; for a selector only `candidates`
    selector: Selector | None = None

    @property
    def cost_of(self) -> str | None:
        """The strategy whose cost it has; None for plain noise with other settings."""
        return self.selector.cost_of if self.selector else self.asked.get("noise")

    @property
    def key(self) -> str:
        """A file name for what is drawn."""
        bought = "" if self.budget is None else f"_{self.budget}"
        return "".join(c if c.isalnum() else "_" for c in self.name) + bought


def rows_of(
    model: Model, how: Mapping[str, Any], candidates: int, names: Sequence[str] | None = None
) -> list[Row]:
    """All rows: what costs one draw, what each budget buys, and selectors that see the whole pool.

    Budgets are the costs of best-of-K, for K doubling from 2 to `candidates`, the size of the pool;
    those of costlier selectors that see the whole pool; and those of two candidates of a search, if
    no other budget buys as much. Strategies by `names`, or all. Raises InkseedError for one that is
    registered as free and is not.
    """
    known = strategies() if names is None else {name: find_strategy(name) for name in names}

    @cache  # each is a dry run, and budgets need the same ones repeatedly
    def cost(name: str, count: int) -> int:
        return model.cost(**how, noise=name, candidates=count)

    maker = _Rows(model, how, candidates, {PLAIN: find_strategy(PLAIN), **known}, cost)
    draw = model.cost(**how)
    found = list(maker.free(draw))
    for budget in (draw * 2**k for k in range(1, candidates.bit_length())):
        found += [*maker.controls(budget), *maker.selectors(budget), *maker.searches(budget)]
    for budget, costly in sorted(maker.costly(found).items()):
        chosen = (*maker.selectors(budget), *maker.searches(budget))
        rows = [row for row in chosen if row.cost_of in costly]
        found += [*maker.controls(budget), *rows] if rows else []
    return found


@dataclass(frozen=True)
class _Rows:
    """Makes the rows of a study."""

    model: Model
    how: Mapping[str, Any]
    candidates: int
    known: Mapping[str, Named]
    cost: Callable[[str, int], int]  # of a search, by its candidates

    def free(self, draw: int) -> Iterator[Row]:
        """Rows that cost no more than a draw."""
        for named in self.known.values():
            asked = {**self.how, "noise": named.name}
            if named.kind != SEARCH:
                nfe = self.model.cost(**asked)
                if nfe > draw:
                    raise InkseedError(
                        f"{named.name} is registered as {named.kind!r}, but costs {nfe} "
                        f"evaluations where a draw costs {draw}: register it as {SEARCH!r}"
                    )
                yield Row(named.name, STRATEGY, None, nfe, asked)
            elif named.name == STEERED:
                asked["candidates"] = 1
                yield Row(f"{STEERED}, one path", CONTROL, None, self.model.cost(**asked), asked)

    def costly(self, found: Sequence[Row]) -> dict[int, set[str]]:
        """Budgets for strategies that no row in `found` has at their best, or at all."""
        whole = {row.cost_of for row in found if row.asked.get("candidates") == self.candidates}
        bought = {row.cost_of for row in found if row.budget is not None}
        budgets = defaultdict(set)
        for name in IN_POOL - whole:
            budgets[self.cost(name, self.candidates)].add(name)
        for named in self.known.values():
            if named.kind == SEARCH and named.name not in IN_POOL | bought:
                budgets[self.cost(named.name, 2)].add(named.name)
        return budgets

    def controls(self, budget: int) -> Iterator[Row]:
        """Gaussian noise at the same cost: with more steps, and with more steps and guidance."""
        plain = self.model.settings(**self.how).guide_w
        raised = min(plain + RAISED, MOST_GUIDE_W)
        for name, w in ((EQUAL, plain), (f"guide_w {raised:g}, more steps", raised)):
            asked = {**self.how, "guide_w": w}
            if steps := most(partial(self._cost_of_steps, asked), budget, MAX_STEPS):
                asked["steps"] = steps
                yield Row(name, CONTROL, budget, self.model.cost(**asked), asked)

    def _cost_of_steps(self, asked: Mapping[str, Any], steps: int) -> int:
        return self.model.cost(**{**asked, "steps": steps})

    def selectors(self, budget: int) -> Iterator[Row]:
        """Choices from the pool, of two candidates or more."""
        tried = {name: min(self._bought(name, budget), self.candidates) for name in sorted(IN_POOL)}
        for selector in SELECTORS:
            count = tried[selector.cost_of]
            if count > 1 and (selector.role != STRATEGY or selector.name in self.known):
                nfe = self.cost(selector.cost_of, count)
                asked = {"candidates": count}
                yield Row(selector.name, selector.role, budget, nfe, asked, selector)

    def searches(self, budget: int) -> Iterator[Row]:
        """Searches without the pool; with one candidate they are plain noise."""
        for named in self.known.values():
            if named.kind == SEARCH and named.name not in IN_POOL:
                count = self._bought(named.name, budget)
                if count > 1:
                    asked = {**self.how, "noise": named.name, "candidates": count}
                    yield Row(named.name, STRATEGY, budget, self.cost(named.name, count), asked)

    def _bought(self, name: str, budget: int) -> int:
        return most(partial(self.cost, name), budget, min(budget, MOST_CANDIDATES))


def most(cost: Callable[[int], int], budget: int, limit: int) -> int:
    """The largest n from 1 to `limit` with cost(n) <= budget, for a rising cost; 0 if none."""
    low, high = 0, 1
    while high <= limit and cost(high) <= budget:
        low, high = high, 2 * high
    high = min(high, limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= budget else (low, middle)
    return low
