"""What a model file claims is compared with what is in it, before anything is built or read."""

import json
import struct
from pathlib import Path

import pytest
import torch

import inkseed as package
from inkseed import checkpoint, memory
from inkseed.checkpoint import load_header, load_tensors, save_tensors
from inkseed.errors import InkseedError
from inkseed.model import loading
from inkseed.model.hand import KIND
from inkseed.model.request import Request
from inkseed.nn import ContextUnet, PatchUnet
from inkseed.nn.footprint import layer_bytes

from .conftest import TINY

PATCHED = {
    **TINY,
    "network": {"name": "patch_unet", "in_channels": 1, "n_classes": 10, "widths": [16, 64]},
    "prediction": {"name": "x0"},
}


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    with torch.random.fork_rng():
        return PatchUnet(1, 10, (16, 64)).state_dict()


@pytest.fixture
def unread(monkeypatch):
    """A test in which no tensor may be read."""

    def read(*_):
        raise AssertionError("the tensors were read")

    monkeypatch.setattr(loading, "load_tensors", read)


def hollow(path: Path, shapes: dict[str, tuple[int, ...]], config: dict) -> None:
    """A model file of tensors that take no disk, since nothing was written there."""
    header, end = {"__metadata__": {"inkseed": json.dumps({"format": 1, **config})}}, 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * torch.Size(shape).numel()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as raw:
        raw.write(struct.pack("<Q", len(text)) + text)
        raw.truncate(8 + len(text) + end)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({"blocks": 100_000_000}, "blocks must be from 1 to 32"),
        ({"widths": [16 * 10**8, 64 * 10**8]}, "widths must be from 1 to 4096"),
        ({"places": 10**9}, "places must be from 1 to 8"),
        ({"waves": 10**9}, "waves must be from 0 to 1024"),
        ({"hand": 10**9}, "hand must be from 0 to 1024"),
        ({"in_channels": 10**9}, "in_channels must be from 1 to 4096"),
        ({"blocks": 32, "widths": [4096, 4096]}, "its tensors and its metadata disagree"),
        ({"blocks": 2}, "its tensors and its metadata disagree"),
        ({"widths": [16, 128]}, "its tensors and its metadata disagree"),
    ],
)
def test_a_network_that_the_file_does_not_hold_is_never_built(
    tensors, tmp_path, unread, claim, words
):
    path = tmp_path / "claims.safetensors"
    save_tensors(path, tensors, {**PATCHED, "network": {**PATCHED["network"], **claim}})
    with pytest.raises(InkseedError, match=words) as refused:
        package.load(path)
    assert str(refused.value).startswith(str(path))
    assert len(str(refused.value).splitlines()) == 1


def test_the_same_file_without_the_claim_is_a_model(tensors, tmp_path):
    path = tmp_path / "fine.safetensors"
    save_tensors(path, tensors, PATCHED)
    assert package.load(path).sample([1], steps=1).images.shape == (1, 28, 28)


def test_weights_that_do_not_fit_are_refused_before_they_are_read(tmp_path, monkeypatch):
    """A model of 27 GB that takes no disk."""
    with torch.device("meta"):
        whole = {k: tuple(v.shape) for k, v in ContextUnet(1, 4096).state_dict().items()}
    path = tmp_path / "huge.safetensors"
    hollow(path, whole, {**TINY, "network": {"in_channels": 1, "n_feat": 4096, "n_classes": 10}})
    monkeypatch.setattr(memory, "comfortable", lambda: 10**9)
    for read in (package.load, load_header, load_tensors):
        with pytest.raises(InkseedError) as refused:
            read(path)
        assert str(refused.value).startswith(f"{path} would take 27 GB of memory, where 1.0 GB")


@pytest.mark.parametrize("length", [checkpoint.LONGEST + 8, 2**40, 2**64 - 1])
def test_a_header_that_would_fill_memory_is_not_read(tmp_path, length):
    path = tmp_path / "long.safetensors"
    with path.open("wb") as raw:
        raw.write(struct.pack("<Q", length) + b"{}")
        raw.truncate(min(length, 2**30) + 8)
    with pytest.raises(InkseedError, match="is not a safetensors file, or is damaged"):
        package.load(path)


def test_a_hand_of_a_million_digits_is_refused_by_its_header(tmp_path):
    path = tmp_path / "hand.safetensors"
    hollow(path, {"images": (10**6, 28, 28)}, {"kind": KIND})
    with pytest.raises(InkseedError, match="a hand is up to 1,000 digits"):
        package.load_hand(path)


@pytest.mark.parametrize(("side", "rows"), [(28, 64), (128, 64), (256, 16), (1024, 1)])
def test_large_images_are_drawn_few_at_a_time(side, rows):
    assert Request([0] * 100).rows((1, side, side)) == rows
    assert Request([0] * 100).rows((1, side, side), "cuda") == 16 * rows
    assert Request([0] * 100, batch_size=7).rows((1, side, side), "cuda") == 7


def test_batches_that_do_not_fit_are_refused(tmp_path, tiny_network, monkeypatch):
    path = tmp_path / "large.safetensors"
    save_tensors(path, tiny_network.state_dict(), {**TINY, "image_size": [1024, 1024]})
    model = package.load(path)
    monkeypatch.setattr(memory, "comfortable", lambda: 10**9)
    assert len(model.bind(Request([0])).condition) == 1
    for more in ({"batch_size": 64}, {"noise": "best_of", "candidates": 100}):
        with pytest.raises(InkseedError, match="of 1024x1024 at once would take"):
            model.bind(Request([0] * 64, **more))


def test_what_layers_put_out_grows_with_the_image(tiny_network):
    tiny_network.train()
    before = {k: v.clone() for k, v in tiny_network.state_dict().items()}
    small, large = (layer_bytes(tiny_network, (1, side, side)) for side in (32, 320))
    assert small > 32 * 32 * 8 * 4 * 2
    assert large == 100 * small
    assert tiny_network.training
    assert all(torch.equal(v, before[k]) for k, v in tiny_network.state_dict().items())
    tiny_network.eval()
    assert layer_bytes(torch.nn.Bilinear(2, 2, 2), (1, 28, 28)) == 0
