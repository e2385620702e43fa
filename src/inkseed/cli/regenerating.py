"""`inkseed regenerate`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from inkseed import say
from inkseed.cli.options import PATH, Json, load_model, output_option
from inkseed.errors import InkseedError


def regenerate(
    folder: Annotated[Path, typer.Argument(help="The folder of a set.")],
    row: Annotated[int, typer.Option(help="The number's place in the set, from 0.", min=0)],
    out: Annotated[Path | None, output_option("Also save its picture, as a .png.")] = None,
    model: Annotated[
        str | None, typer.Option(help="The set's model, if it has moved. [as in settings.json]")
    ] = None,
    hands: Annotated[
        Path | None,
        typer.Option(
            help="The set's hands, if they have moved. [as in settings.json]", metavar=PATH
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Draw one number of a set again, and compare it with the set's files, byte for byte."""
    from inkseed.files import check_writable
    from inkseed.sets.settings import read_settings

    if out is not None:
        check_writable(out, (".png",))
    settings = read_settings(folder)
    moved: dict[str, Any] = {"model": model, "hands_from": None if hands is None else str(hands)}
    settings = replace(settings, **{k: v for k, v in moved.items() if v is not None})
    loaded = load_model(settings.model, settings.device, None)
    from PIL import Image

    from inkseed.pictures import save_picture
    from inkseed.sets.regenerating import regenerate as again

    found = again(folder, settings, loaded, row)
    if out is not None:
        save_picture(Image.fromarray(found.number.image), out)
    same = found.same and found.same_file is not False
    if as_json:
        told = {"row": found.row, "same": found.same, "same_file": found.same_file}
        say.out(json.dumps(told))
    else:
        say.out(f"{row} {found.number.label} {'the same bytes' if same else 'other bytes'}")
    if not same:
        raise InkseedError(
            f"number {row:,} differs from the one in {folder}: on another machine or with other"
            " libraries that is rounding; on the same, the files have been changed"
        )
