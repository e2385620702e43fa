"""Streams are portable: published vectors, exact uniforms, noise without torch, none shared."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from inkseed.rng import Purpose, normals, philox, state, stream, uniforms

# Random123's known answers for philox4x32-10: counter, key, result
VECTORS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), VECTORS)
def test_the_published_vectors(counter, key, words):
    assert philox(counter, key).tolist() == list(words)


def test_uniforms_follow_from_the_vector():
    first = uniforms(0, Purpose.NOISE, [(0,)], 4)[0]
    assert first.tolist() == [(word + 0.5) / 2**32 for word in VECTORS[0][2]]


def test_normals_follow_from_the_vector():
    """Box and Muller by hand, from the words of the vector."""
    u = [(word + 0.5) / 2**32 for word in VECTORS[0][2]]
    by_hand = [
        np.sqrt(-2 * np.log(a)) * f(2 * np.pi * b)
        for a, b in (u[:2], u[2:])
        for f in (np.cos, np.sin)
    ]
    assert normals(0, [(0,)], (4,))[0] == pytest.approx(by_hand, rel=1e-7)


def test_the_page_has_these_numbers():
    page = (Path(__file__).parents[1] / "docs" / "streams.md").read_text("utf-8")
    for value in uniforms(0, Purpose.NOISE, [(0,)], 4)[0]:
        assert f"{value:.12f}" in page
    for value in normals(0, [(0,)], (4,))[0]:
        assert f"{value:.8f}" in page


def test_an_images_noise_depends_on_its_key_alone():
    keys = [(3,), (0,), (3, 1), (2**32 - 1,)]
    together = normals(2**63 - 1, keys, (1, 5, 5))
    for row, key in enumerate(keys):
        assert np.array_equal(normals(2**63 - 1, [key], (1, 5, 5))[0], together[row])
    assert np.array_equal(normals(7, [(1,)], (3,))[0], normals(7, [(1,)], (8,))[0, :3])
    assert normals(7, [], (1, 28, 28)).shape == (0, 1, 28, 28)


def test_no_two_streams_are_the_same():
    """Seeds, images, candidates, purposes and draws: each changes every number."""
    values = [
        normals(seed, [key], (8,), purpose, draw).tobytes()
        for seed in (0, 1, 2**32)
        for key in ((0,), (1,), (0, 1))
        for purpose in Purpose
        for draw in (0, 1)
    ]
    assert len(set(values)) == len(values)
    states = [state(0, purpose, k) for purpose in Purpose for k in range(20)]
    assert len(set(states)) == len(states)
    assert len({int(purpose) for purpose in Purpose}) == len(Purpose) <= 256


def test_normals_are_normal():
    drawn = normals(11, [(k,) for k in range(100)], (784,))
    assert stats.kstest(drawn.ravel(), "norm").pvalue > 0.01
    neighbours = np.corrcoef(drawn[:-1].ravel(), drawn[1:].ravel())[0, 1]
    assert abs(neighbours) < 0.02


def test_a_torch_generator_is_begun_from_the_state():
    assert stream(5, Purpose.LOSS, 9).initial_seed() == state(5, Purpose.LOSS, 9)


def test_noise_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from inkseed.rng import normals\n"
        "print(normals(7, [(0,)], (1, 28, 28)).tobytes().hex()[:64])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == normals(7, [(0,)], (1, 28, 28)).tobytes().hex()[:64]
