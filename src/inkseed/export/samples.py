"""Write generated images to an .npz, a labelled folder, a figure, or a GIF of how they formed."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from inkseed import __version__, memory
from inkseed.data.labelled import to_uint8
from inkseed.errors import InkseedError
from inkseed.files import write_atomically, write_folder
from inkseed.model.model import Samples
from inkseed.pictures import PAPER, Band, beside, draw_bands, save_gif, save_picture

FRAMES = 60  # of a GIF, at most
PACKED = 0.2  # bytes a pixel of digits, compressed
BLOCK = 4096  # bytes of disk that a small file takes


def save_samples(
    groups: Sequence[Samples], class_names: Sequence[str], columns: int, path: str | Path
) -> None:
    """Write groups of samples, each of one guide_w, in the format of the path's suffix.

    An `.npz` holds `images` uint8 (N, H, W), ink 255; `labels`, by name unless the names are 0 to
    n - 1; `seeds`, `streams`, `guide_w` and `nfe` of each image; how each was drawn (`sampler`,
    `steps`, `spacing`, `guide_interval` (N, 2), `precision`, and `hand`, a name as
    `inkseed.model.hand` gives them, empty where it was free); and, as text, `weights_sha256` and
    the versions of `inkseed` and `torch`. A `.png` is a figure with a band for each group,
    `columns` images wide. A folder holds `<label>/<number>.png`, dark ink on light paper, which
    `inkseed.data.read_folder` reads.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays: dict[str, Any] = {
            name: _joined([getattr(group, name) for group in groups])
            for name in ("images", "labels", "seeds", "streams", "guide_w")
        }
        if list(class_names) != [str(k) for k in range(len(class_names))]:
            arrays["labels"] = np.array(class_names)[arrays["labels"]]
        arrays |= _made(groups)
        write_atomically(path, lambda opened: np.savez_compressed(opened, **arrays))
    elif suffix == ".png":
        bands = [Band(_caption(group), group.images) for group in groups]
        save_picture(draw_bands(bands, columns), path)
    else:
        write_folder(path, lambda folder: _fill(folder, groups, class_names))


def check_disk(path: Path, count: int, shape: tuple[int, int, int]) -> None:
    """Raise InkseedError unless the disk of `path` has room for `count` images of (C, H, W)."""
    height, width = shape[1:]
    folder = path.absolute().parent
    while not folder.exists():
        folder = folder.parent
    needed = count * (BLOCK if path.suffix == "" else height * width * PACKED)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InkseedError(
            f"{path}: {count:,} images would take about {memory.size(needed)} of disk, where "
            f"{memory.size(free)} is free: lower --count, or write elsewhere"
        )


def _made(groups: Sequence[Samples]) -> dict[str, np.ndarray]:
    """How the images were drawn, one row per image, and by which weights and versions."""
    facts = [
        {**group.how.facts(), "nfe": group.nfe, "guide_interval": group.how.guide_interval}
        for group in groups
    ]
    names = ("nfe", "sampler", "steps", "spacing", "precision", "guide_interval")
    made = {
        name: _joined(
            [_for_all(each[name], group) for each, group in zip(facts, groups, strict=True)]
        )
        for name in names
    }
    made["hand"] = _joined([_hands(group) for group in groups])
    by = {"weights_sha256": groups[0].weights_sha256 or "", "inkseed": __version__}
    by["torch"] = str(torch.__version__)
    return made | {name: np.array(text) for name, text in by.items()}


def _hands(group: Samples) -> np.ndarray:
    """The name of each image's hand, empty where it was free."""
    names = {each: "" if each is None else each.name for each in dict.fromkeys(group.hands)}
    if len(names) == 1:
        return _for_all(next(iter(names.values())), group)
    return np.array([names[each] for each in group.hands])


def _for_all(fact: Any, group: Samples) -> np.ndarray:
    """A fact of all images of a group, a row for each; it takes the memory of one."""
    one = np.array(fact)
    return np.broadcast_to(one, (len(group.labels), *one.shape))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The rows of all parts; a single part is not copied."""
    return parts[0] if len(parts) == 1 else np.ascontiguousarray(np.concatenate(parts))


def save_trace(groups: Sequence[Samples], columns: int, path: str | Path) -> None:
    """Write traced groups as a GIF, of at most 60 frames, of the way from noise to digits.

    On the left is the state x_t, scaled down to unit deviation if it has more; on the right the x_0
    predicted from it. Frames are chosen and timed by visible progress (`visible_progress`), since a
    chain shows mere noise for most of its steps.
    """
    ways = [_way(group) for group in groups]
    progress = visible_progress(ways)
    chosen = np.arange(len(progress))
    if len(chosen) > FRAMES:
        chosen = np.unique(np.searchsorted(progress, np.linspace(0, 1, FRAMES)))
    frames = []
    for k in chosen:
        captions = [_caption(group) for group in groups]
        shown = [(states[k], guesses[k]) for states, guesses in ways]
        left = [Band(f"{c}: x_t", x) for c, (x, _) in zip(captions, shown, strict=True)]
        right = [Band("predicted x_0", x_0) for _, x_0 in shown]
        frames.append(beside(draw_bands(left, columns), draw_bands(right, columns)))
    save_gif(frames, path, np.diff(progress[chosen]).tolist())


def visible_progress(ways: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """How far each frame is on the way from noise to digits, (K + 1,), rising from 0 to 1.

    `ways` has states and predictions as they are shown, uint8 (K + 1, N, H, W) each. Half of the
    progress is how far the prediction has moved, half how much of the noise in the state, its
    difference from the prediction, is gone.
    """
    moved, noise = np.zeros(len(ways[0][0])), np.zeros(len(ways[0][0]))
    for states, guesses in ways:
        seen = guesses.astype(np.float32)
        moved[1:] += abs(np.diff(seen, axis=0)).mean((1, 2, 3))
        noise += abs(states - seen).mean((1, 2, 3))
    gone = np.maximum.accumulate(noise[0] - noise)
    steps = np.linspace(0, 1, len(moved))  # by steps, if there is nothing to see
    parts = [part / part[-1] if part[-1] > 0 else steps for part in (moved.cumsum(), gone)]
    return (parts[0] + parts[1]) / 2


def _way(group: Samples) -> tuple[np.ndarray, np.ndarray]:
    """States and predictions as shown, uint8 (K + 1, N, H, W): noise first, digits last."""
    *noisy, final = [group.noise, *group.steps]
    left = [to_uint8(x / max(1.0, float(x.std()))) for x in noisy]
    right = [to_uint8(x) for x in group.guesses]
    return np.stack([*left, to_uint8(final)]), np.stack([*right, to_uint8(final)])


def _caption(group: Samples) -> str:
    return f"guide_w = {group.guide_w[0]:g}"


def _fill(folder: Path, groups: Sequence[Samples], class_names: Sequence[str]) -> None:
    """Write each image as `<label>/<number>.png`."""
    number = 0
    for group in groups:
        for image, label in zip(group.images, group.labels, strict=True):
            home = folder / class_names[label]
            home.mkdir(exist_ok=True)
            Image.fromarray(PAPER - image).save(home / f"{number:06d}.png")
            number += 1
