"""Noise from streams that are named one by one, so that images can be drawn again."""

from collections.abc import Sequence

import numpy as np

from inkseed.errors import InkseedError
from inkseed.noise.task import Start, Task
from inkseed.rng import LAST_WORD, Key


class Streams:
    """A strategy that takes each image's Gaussian noise from a stream that you name.

    `Samples.streams` names the streams that images came from. The same labels, seed, styles and
    settings with `noise=Streams(samples.streams)` draw them again.

    Args:
        streams: whole numbers (N, 2), (image, candidate) for each image of the request.

    Raises:
        InkseedError: for anything else.
    """

    def __init__(self, streams: Sequence[Sequence[int]] | np.ndarray) -> None:
        named = np.asarray(streams)
        if named.ndim != 2 or named.shape[1] != 2 or named.dtype.kind not in "iu":
            raise InkseedError("streams must be whole numbers (image, candidate) for each image")
        if named.min(initial=0) < 0 or named.max(initial=0) > LAST_WORD:
            raise InkseedError(
                "streams must be from 0 to 2^32 - 1: -1 marks an image without a stream of its own,"
                " which needs the strategy that it was drawn by"
            )
        self.keys: list[Key] = [(int(image), int(candidate)) for image, candidate in named]

    def __call__(self, task: Task) -> Start:
        if max(task.rows) >= len(self.keys):
            raise InkseedError(f"{len(self.keys)} streams are too few: name one for each image")
        keys = [self.keys[row] for row in task.rows]
        return Start(task.noise(keys), keys)
