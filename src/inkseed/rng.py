"""Portable randomness: the same numbers with or without torch, or in a browser.

Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011) turns a key and a counter into four 32-bit words. The key is the seed, its low word first.
The counter is (block of four numbers, image, candidate, purpose + 256 draw), so the numbers of any
image can be had without those before them. docs/streams.md has the algorithm and test vectors.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

ROUNDS = 10
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = 0x9E3779B9, 0xBB67AE85  # added to the key's words in each round
WORD, MASK = np.uint64(32), np.uint64(0xFFFFFFFF)
DRAWS = 2**24  # per purpose and image
LAST_WORD = 2**32 - 1
LAST_SEED = 2**63 - 1
LAST_IMAGE = LAST_WORD  # an image's number is one 32-bit word of its stream's counter
AT_ONCE = 2**20  # numbers, whose making takes a hundred bytes each


class Purpose(IntEnum):
    """What random numbers are drawn for; no two purposes share a stream."""

    NOISE = 0  # the unit noise that an image, or a candidate for it, begins with
    SAMPLER = 1  # what a sampler adds at its steps
    RENOISED = 2  # the chain and the fresh noise of the report's stability score
    RESAMPLING = 3  # which particles of Feynman-Kac steering survive
    STYLE = 4  # an image's slant and thickness
    GAP = 5  # the paper between a number's digits
    INITIAL = 6  # a network's initial weights
    ORDER = 7  # of the images in a pass of training
    LOSS = 8  # noise, times and dropout of a training step
    CHOICE_ORDER = 9  # these two: the same for the choice among weight averages
    CHOICE_LOSS = 10
    COMPOSITES = 11  # two-digit images to learn from
    CHOICE_COMPOSITES = 12  # and to choose an average by
    CLASSIFIER_INITIAL = 13  # a judge's, or a classifier's of usefulness
    CLASSIFIER_ORDER = 14
    CLASSIFIER_DROPOUT = 15
    WRITER = 16  # an image's hand, or a whole number's
    FELLOWS = 17  # which digits come with a training image as its hand
    BENDS = 18  # how training images are bent
    PATHS = 19  # a teacher's paths to learn from
    CHOICE_PATHS = 20  # and to choose an average by
    PLACE = 21  # where a set's numbers stand on their paper
    SCENE = 22  # what is printed around them
    WEAR = 23  # how much each image is worn, and in what way
    GRAIN = 24  # the noise of each of its pixels
    LABEL = 25  # what a number of a set says
    LOOK = 26  # a set's number: its slant and thickness, in ranges
    HANDED = 27  # which hand of a folder it is in
    SET_GAP = 28  # the paper between its digits


Key = tuple[int, ...]
"""The name of a stream: (k,) is image k's own, (k, j) that of its candidate j."""

Keys = Iterable[Key] | np.ndarray
"""Names of streams; as an array, whole numbers (N, 2) with candidate 0 for an image's own."""


def philox(counter: Sequence[np.ndarray | int], key: tuple[int, int]) -> np.ndarray:
    """Philox 4x32-10: four counter words, arrays that broadcast, and a key -> uint32 (..., 4)."""
    c0, c1, c2, c3 = (np.asarray(word, np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(ROUNDS):
        p0, p1 = MULTIPLIERS[0] * c0, MULTIPLIERS[1] * c2
        c0, c2 = (p1 >> WORD) ^ c1 ^ np.uint64(k0), (p0 >> WORD) ^ c3 ^ np.uint64(k1)
        c1, c3 = p1 & MASK, p0 & MASK
        k0, k1 = (k0 + WEYL[0]) & LAST_WORD, (k1 + WEYL[1]) & LAST_WORD
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), -1).astype(np.uint32)


def uniforms(seed: int, purpose: Purpose, keys: Keys, count: int, draw: int = 0) -> np.ndarray:
    """`count` numbers in (0, 1) for each key, float64 (N, count): (word + 1/2) / 2^32, exactly.

    `draw`, from 0 to 2^24 - 1, numbers the successive draws of one purpose.
    """
    named = _named(keys)
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    counter = (blocks, named[:, :1], named[:, 1:], int(purpose) + 256 * draw)
    words = philox(counter, (seed & LAST_WORD, seed >> 32))
    return (words.reshape(len(named), 4 * len(blocks))[:, :count] + 0.5) / 2.0**32


def normals(
    seed: int,
    keys: Keys,
    shape: Sequence[int],
    purpose: Purpose = Purpose.NOISE,
    draw: int = 0,
) -> np.ndarray:
    """Unit Gaussian noise of `shape` for each key, float32 (N, *shape).

    Box and Muller (1958) in double precision: numbers 2i and 2i + 1 are sqrt(-2 log u) times the
    cosine and the sine of 2 pi v, where u and v are uniform numbers 2i and 2i + 1.
    """
    named, count = _named(keys), int(np.prod(shape))
    found = np.empty((len(named), count), np.float32)
    rows = max(1, AT_ONCE // max(count, 1))
    for first in range(0, len(named), rows):
        part = slice(first, first + rows)
        u = uniforms(seed, purpose, named[part], count + count % 2, draw)
        radius, angle = np.sqrt(-2 * np.log(u[:, ::2])), 2 * np.pi * u[:, 1::2]
        pairs = np.stack((radius * np.cos(angle), radius * np.sin(angle)), -1)
        found[part] = pairs.reshape(u.shape)[:, :count]
    return found.reshape(len(named), *shape)


def _named(keys: Keys) -> np.ndarray:
    """(image, candidate) of each key, uint64 (N, 2)."""
    pairs = keys if isinstance(keys, np.ndarray) else [(*key, 0)[:2] for key in keys]
    return np.asarray(pairs, np.uint64).reshape(-1, 2)


def state(seed: int, purpose: Purpose, *index: int) -> int:
    """64 bits to seed another generator, for draws that no other program needs to repeat.

    `index` is up to three numbers below 2^32, such as that of a training step.
    """
    words = philox((*index, *[0] * (3 - len(index)), int(purpose)), (seed & LAST_WORD, seed >> 32))
    return int(words[0]) | int(words[1]) << 32


def stream(seed: int, purpose: Purpose, *index: int) -> "torch.Generator":
    """A torch generator on the CPU, seeded by `state`, to draw for a whole batch or pass."""
    import torch  # here, so that noise can be made where torch is absent

    return torch.Generator().manual_seed(state(seed, purpose, *index))
