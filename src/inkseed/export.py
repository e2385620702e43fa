"""Generated images to files: an .npz, a labelled folder, a figure, or a GIF of the way there."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from inkseed import __version__
from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.files import TEMPORARY, write_atomically
from inkseed.model import Samples
from inkseed.pictures import PAPER, Band, draw_bands, save_gif, save_picture

FRAMES = 60


def save_samples(
    groups: Sequence[Samples], class_names: Sequence[str], columns: int, path: str | Path
) -> None:
    """Write groups of samples, one guide_w each, in the format of the path's suffix.

    `.npz` holds `images` uint8 (N, H, W) with ink 255, `labels`, `seeds`, `guide_w` and `nfe`, each
    (N, ...), labels by name unless the names are 0 to n - 1; how they were drawn, `sampler`,
    `steps`, `spacing`, `guide_interval` (N, 2) and `precision`; and what by, one text each:
    `weights_sha256`, and the versions of `inkseed` and `torch`. `.png` is a figure with a band for
    each group, `columns` images wide; a folder holds `<label>/<number>.png`, dark ink on light
    paper, as `inkseed.data.read_folder` reads it.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(group, name) for group in groups])
            for name in ("images", "labels", "seeds", "guide_w")
        }
        if list(class_names) != [str(k) for k in range(len(class_names))]:
            arrays["labels"] = np.array(class_names)[arrays["labels"]]
        arrays |= _made(groups)
        write_atomically(path, lambda temporary: np.savez_compressed(temporary, **arrays))
    elif suffix == ".png":
        bands = [Band(_caption(group), group.images) for group in groups]
        save_picture(draw_bands(bands, columns), path)
    else:
        _save_folder(groups, class_names, path)


def _made(groups: Sequence[Samples]) -> dict[str, np.ndarray]:
    """How the images were drawn, one row an image, and by which weights and versions."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        rows += [{**group.how.facts(), "nfe": group.nfe}] * len(group.labels)
    names = ("nfe", "sampler", "steps", "spacing", "precision")
    arrays = {name: np.array([row[name] for row in rows]) for name in names}
    arrays["guide_interval"] = np.concatenate(
        [np.tile(group.how.guide_interval, (len(group.labels), 1)) for group in groups]
    )
    by = {"weights_sha256": groups[0].weights_sha256 or "", "inkseed": __version__}
    by["torch"] = str(torch.__version__)
    return arrays | {name: np.array(text) for name, text in by.items()}


def save_trace(groups: Sequence[Samples], columns: int, path: str | Path) -> None:
    """Draw traced groups on their way from noise to digits: a GIF of about 60 frames."""
    count = len(groups[0].steps)
    chosen = np.unique(np.linspace(0, count, FRAMES + 1).round().astype(int))
    frames = []
    for k in chosen:  # 0 is the starting noise
        bands = [
            Band(_caption(group), to_uint8(group.steps[k - 1] if k else group.noise))
            for group in groups
        ]
        frames.append(draw_bands(bands, columns))
    save_gif(frames, path)


def _caption(group: Samples) -> str:
    return f"guide_w = {group.guide_w[0]:g}"


def _save_folder(groups: Sequence[Samples], class_names: Sequence[str], path: Path) -> None:
    """Fill a temporary folder beside `path`, then rename it: all of the set appears, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=TEMPORARY))
    try:
        number = 0
        for group in groups:
            for image, label in zip(group.images, group.labels, strict=True):
                picture = Image.fromarray(PAPER - image)
                folder = temporary / class_names[label]
                folder.mkdir(exist_ok=True)
                picture.save(folder / f"{number:06d}.png")
                number += 1
        temporary.chmod(0o755)
        temporary.replace(path)  # an empty folder of that name gives way
    except OSError as error:
        raise InkseedError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
