"""Things in numbered groups: a random member of any group, for many groups at once."""

import numpy as np


class Groups:
    """Things numbered from 0, each in one of `count` groups: `of` (N,) says which."""

    def __init__(self, of: np.ndarray, count: int) -> None:
        self.of = of
        self.sizes = np.bincount(of, minlength=count)
        self._first = self.sizes.cumsum() - self.sizes  # where in `_order` a group begins
        self._order = np.argsort(of, kind="stable")  # all of one group side by side
        self._place = np.empty(len(of), np.int64)  # within the group
        self._place[self._order] = np.arange(len(of)) - self._first[of[self._order]]

    def draw(self, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A random member of each group, shaped as `groups`; none of them may be empty."""
        return self._member(groups, rng.random(groups.shape) * self.sizes[groups])

    def others(self, than: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """How many members of each group (n,) are another thing than `than` (n,)."""
        return np.asarray(self.sizes[groups] - (self.of[than] == groups))

    def draw_other(
        self, than: np.ndarray, groups: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """A random member of each group (n,), another than `than` (n,); there must be one."""
        within = (rng.random(groups.shape) * self.others(than, groups)).astype(np.int64)
        return self._member(
            groups, within + ((self.of[than] == groups) & (within >= self._place[than]))
        )

    def next(self, things: np.ndarray) -> np.ndarray:
        """The next member of each thing's own group, itself where it is alone."""
        own = self.of[things]
        return self._member(own, (self._place[things] + 1) % self.sizes[own])

    def _member(self, groups: np.ndarray, within: np.ndarray) -> np.ndarray:
        return np.asarray(self._order[self._first[groups] + within.astype(np.int64)])
