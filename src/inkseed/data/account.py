"""An account of what was read of a set and what was not, in one line."""

from dataclasses import dataclass, field

from inkseed.say import plain


@dataclass
class Named:
    """How many there are of a kind, and the name of the first."""

    count: int = 0
    first: str = ""

    def add(self, name: str) -> None:
        """Count one more."""
        self.first = self.first or shown(name)
        self.count += 1

    def said(self, kind: str) -> list[str]:
        """`7 blank (first: 4/img_12.png)`, or nothing if there are none."""
        if not self.count:
            return []
        which = "first: " if self.count > 1 else ""
        return [f"{self.count:,} {kind} ({which}{self.first})"]


@dataclass
class Account:
    """What became of a set: of `given` pictures, `used` gave `images`."""

    noun: str  # "pictures" or "images"
    given: int = 0
    used: int = 0
    images: int = 0
    blank: Named = field(default_factory=Named)
    blank_used: bool = False  # blank ones are among the used, as generated sets are measured
    unreadable: Named = field(default_factory=Named)
    others: Named = field(default_factory=Named)  # files that are not pictures
    sheets: Named = field(default_factory=Named)  # pictures of several digits
    moving: Named = field(default_factory=Named)  # of several frames or pages
    light: int = 0  # pictures on light paper, and on dark
    dark: int = 0
    mended: int = 0
    formed: int = 0
    untold: bool = False  # ink could not be told from paper
    shapes: set[tuple[int, int]] = field(default_factory=set)
    size: tuple[int, int] = (0, 0)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing was left out."""
        return self.used == self.given and not self.others.count

    def line(self) -> str:
        """`340 pictures, 333 used; 7 blank (first: 4/img_12.png); light paper; ...`"""
        used = "all" if self.used == self.given else f"{self.used:,}"
        one = self.noun if self.given != 1 else self.noun.removesuffix("s")
        parts = [f"{self.given:,} {one}, {used} used", *self.left_out()]
        if self.sheets.count:
            parts.append(f"{self.images:,} digits, some of sheets (first: {self.sheets.first})")
        parts += self.moving.said("with several frames or pages, of which the first counts")
        return "; ".join([*parts, self._paper(), self._size(), *self._changes(), *self.notes])

    def left_out(self) -> list[str]:
        """What was not used, and why."""
        return [
            *self.blank.said("of them blank" if self.blank_used else "blank"),
            *self.unreadable.said("unreadable"),
            *self.others.said("other file" + "s" * (self.others.count > 1)),
        ]

    def _paper(self) -> str:
        if self.untold:
            return "ink could not be told from paper: left as they are"
        if self.light and self.dark:
            return f"light paper ({self.light:,}) and dark ({self.dark:,})"
        return "light paper" if self.light else "dark paper"

    def _size(self) -> str:
        sides = [side for shape in self.shapes for side in shape]
        if len(self.shapes) == 1:
            ((height, width),) = self.shapes
            found = f"{height}x{width} pixels"
        else:
            found = f"{min(sides, default=0)} to {max(sides, default=0)} pixels"
        height, width = self.size
        wanted = f"{height}" if height == width else f"{height}x{width}"
        return found if self.shapes <= {self.size} else f"{found}, resized to {wanted}"

    def _changes(self) -> list[str]:
        changes = []
        if self.mended:
            changes.append(f"contrast corrected in {self.mended:,}")
        if self.formed:
            changes.append(f"{self.formed:,} brought to MNIST's form")
        return changes


def shown(name: str) -> str:
    """A file name that fits in a line: of characters that print, and not too long."""
    clean = plain(name)
    return clean if len(clean) <= 80 else "..." + clean[-77:]
