"""Tables and progress bars on the terminal: text in them is data, never markup or escapes."""

from collections.abc import Iterable
from typing import Any

import rich.console
from rich.segment import Segment
from rich.text import Text

from inkseed.say import fitting, plain


class Console(rich.console.Console):
    """rich's, but it shows all text as `inkseed.say` does: `[v1]` and `:pen:` as they are written.

    It writes to standard output, or to standard error if `stderr` is set.
    """

    def __init__(self, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Plain text, as it will be shown, so that tables make room for that."""
        return super().render_str(self._shown(text), **how)

    def render(self, *renderable: Any, **how: Any) -> Iterable[Segment]:
        """The segments of anything that rich can show."""
        for text, style, control in super().render(*renderable, **how):
            yield Segment(text if control else self._shown(text), style, control)

    def _shown(self, text: str) -> str:
        return fitting(plain(text, kept="\n"), self.encoding)
