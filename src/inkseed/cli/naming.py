"""Help that prints names from the registries, which are read only when help is asked for."""

from typing import Any

from typer.core import TyperCommand, TyperGroup

from inkseed.named_files import RECIPES
from inkseed.registry import FORMATS, SAMPLERS, SPACINGS, STRATEGIES
from inkseed.say import shown

NAMES = {
    "formats": FORMATS.names,
    "recipes": RECIPES.names,
    "samplers": SAMPLERS.names,
    "spacings": SPACINGS.names,
}
FREE = ("SAME", "CHANGED")  # how the sources spell the kinds that cost nothing extra


class ShowingGroup(TyperGroup):
    """Commands whose help prints whatever the encoding of standard output is."""

    def get_help(self, ctx: Any) -> str:
        """The help as typer writes it, in characters that standard output has."""
        return shown(super().get_help(ctx))


class NamingCommand(TyperCommand):
    """A command whose help fills in names for `{samplers}` and the like."""

    def get_help(self, ctx: Any) -> str:
        """The help as typer writes it, in characters that standard output has."""
        return shown(super().get_help(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Fill in the names, then write the help as typer does."""
        names = _Names()
        helped: list[Any] = [each for each in self.params if getattr(each, "help", None)]
        texts = [each.help for each in helped]
        try:
            for each in helped:
                each.help = each.help.format_map(names)
            super().format_help(ctx, formatter)
        finally:  # what has been filled in once may have braces of its own
            for each, text in zip(helped, texts, strict=True):
                each.help = text


class _Names(dict[str, str]):
    """The names for each word, found when they are first needed."""

    def __missing__(self, word: str) -> str:
        if word == "installed":
            more = [name for name in STRATEGIES.names() if name not in STRATEGIES.declared]
            self[word] = "; installed: " * bool(more) + ", ".join(more)
        else:
            self[word] = ", ".join(_names(word))
        return self[word]


def _names(word: str) -> list[str]:
    if word in ("free", "searches"):
        told = {name: source.facts for name, source in STRATEGIES.declared.items()}
        free = sorted(
            (name for name in told if told[name] in FREE), key=lambda x: FREE.index(told[x])
        )
        return free if word == "free" else [name for name in told if name not in free]
    return NAMES[word]()
