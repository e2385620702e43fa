"""Find models and recipes: bundled ones by name, a user's own by path."""

from pathlib import Path

from inkseed.checks import brief
from inkseed.errors import InkseedError

PACKAGE = Path(__file__).parent


class NamedFiles:
    """The bundled files of one kind, by their names.

    Args:
        kind: what a file is called in errors.
        room: the folder.
        suffix: how the files' names end, with the dot.
        hint: what else to say if there is no file at a path.
    """

    def __init__(self, kind: str, room: str, suffix: str, hint: str = "") -> None:
        self.kind, self.folder, self.suffix, self.hint = kind, PACKAGE / room, suffix, hint

    def names(self) -> list[str]:
        """The bundled names."""
        return sorted(path.stem for path in self.folder.glob(f"*{self.suffix}"))

    def find(self, name: str | Path) -> Path:
        """The bundled file of that name, or the file at that path.

        Raises InkseedError if there is none.
        """
        names = self.names()
        path = self.folder / f"{name}{self.suffix}" if str(name) in names else Path(str(name))
        try:
            found = path.is_file()
        except OSError:  # a name longer than any file's
            found = False
        if found:
            return path
        if path.suffix == self.suffix:
            raise InkseedError(f"no such {self.kind} file: {str(name)[-200:]}{self.hint}")
        known = f"{', '.join(names)}, or a {self.suffix} file's path"
        raise InkseedError(f"no {self.kind} {brief(str(name))}: give one of {known}")


MODELS = NamedFiles(
    "model",
    "model/weights",
    ".safetensors",
    "; a run that was stopped has none yet: finish it with `train --resume`",
)
RECIPES = NamedFiles("recipe", "training/recipes", ".toml")
