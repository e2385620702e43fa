"""Files of every kind that inkseed reads, damaged at random: python -m tests.fuzz KIND EXAMPLES

Whatever is in a file, reading it gives a sound answer or raises InkseedError in one line. Run like
this, it also ends with an error where one file takes more than 10 seconds or the process more than
2 GB. `tests/test_fuzz.py` runs a few examples of each kind quickly, and a thousand as a slow test.
"""

import faulthandler
import gzip
import io
import json
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from inkseed.checkpoint import save_tensors
from inkseed.data import read_digits, read_images
from inkseed.errors import InkseedError
from inkseed.evaluation.sets import natural_labels, read_sets
from inkseed.model import catalogue
from inkseed.model.config import ModelConfig
from inkseed.model.hand import load_hand
from inkseed.model.loading import load
from inkseed.named_files import MODELS
from inkseed.nn import network_from
from inkseed.study import StudySettings
from inkseed.study.study import _Drawing
from inkseed.training.objective import objective_of
from inkseed.training.recipes import Recipe, load_recipe
from inkseed.training.run import Run
from inkseed.training.run_folder import SETTINGS, open_log, open_run
from tests.conftest import TINY
from tests.small_runs import OURS, REPORTS

SECONDS, BYTES = 10, 2 << 30
PATCH = {
    **TINY,
    "network": {
        "name": "patch_unet",
        "in_channels": 1,
        "n_classes": 10,
        "widths": [16, 64],
        "styles": {"slant": [6.0, 15.0], "thickness": [2.4, 0.6]},
        "hand": 8,
    },
    "schedule": {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
    "prediction": {"name": "edm"},
    "sampling": {"sampler": "ddim", "steps": 2, "guide_w": 0.5, "one_hand": True},
    "styles": {"slant": [6.0, 15.0], "thickness": [2.4, 0.6]},
    "training": {"recipe": "mine", "data": "mine", "images_seen": 10, "from": {"images_seen": 3}},
}
TOKENS = (
    *(b"\xff" * 8, b"\0" * 8, b"\x7f\xff\xff\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xb2\x80"),
    *(b"9" * 400, b"1e999", b"-1", b"NaN", b"Infinity", b"null", b"true", b"[", b"{", b'"', b","),
    *(b"[" * 2000, b"\n", b"\x1b[31m", "\u0663".encode(), b"0" * 5000, b"inf", b"word"),
)
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([0, -1, 1, 2**31, 2**63, 10**400, -(10**400), 0.5, 1e308, "3", "\u0663"])
    | st.integers(-(10**6), 10**6)
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)


class Kind(NamedTuple):
    """A kind of file: how it is called, sound examples, another way to spoil one, and its reader.

    The reader is given the file's path; what it returns or raises is judged by `tried`.
    """

    name: str
    sound: list[bytes]
    read: Callable[[Path], object]
    spoilt: st.SearchStrategy[bytes] = st.nothing()


@st.composite
def damaged(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """Bytes of a sound file that were overwritten, cut, doubled, exchanged or joined by others."""
    content = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content))) if draw(st.booleans()) else 0
        at = min(at or draw(st.integers(0, 400)), len(content))
        match draw(st.integers(0, 4)):
            case 0:
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                content = content[:at]
            case 2:
                content[at:at] = draw(st.sampled_from(TOKENS))
            case 3:
                content[at : at + draw(st.integers(1, 8))] = draw(st.sampled_from(TOKENS))
            case 4:
                content[at:at] = content[draw(st.integers(0, at)) : at]
    return bytes(content)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document with some of its values, at any depth, replaced, removed or renamed."""
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        inside, place = document, None
        while isinstance(inside, dict | list) and inside and (place is None or draw(st.booleans())):
            keys = [*inside] if isinstance(inside, dict) else [*range(len(inside))]
            parent, place = inside, draw(st.sampled_from(keys))
            inside = parent[place]
        if place is None:
            return draw(ODD)
        match draw(st.integers(0, 5)):
            case 0:
                del parent[place]
            case 1 if isinstance(parent, dict):
                parent[draw(st.text(max_size=8))] = parent.pop(place)
            case _:
                parent[place] = draw(ODD)
    return document


def as_model(tensors: dict[str, torch.Tensor]) -> Callable[[Any], bytes]:
    """Writes a model file of these tensors and whatever configuration."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.safetensors"
        save_tensors(path, tensors, {})
        raw = path.read_bytes()
    (n,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + n])

    def written(config: Any) -> bytes:
        own = {"format": 1, **config} if isinstance(config, dict) else config
        text = json.dumps({**header, "__metadata__": {"inkseed": json.dumps(own)}}).encode()
        return struct.pack("<Q", len(text)) + text + raw[8 + n :]

    return written


def other_headers(raw: bytes) -> st.SearchStrategy[bytes]:
    """A safetensors file whose header says something else of its tensors."""
    (n,) = struct.unpack("<Q", raw[:8])

    def written(header: Any) -> bytes:
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + raw[8 + n :]

    return changed(json.loads(raw[8 : 8 + n])).map(written)


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def saved(save: Callable[..., object], *what: Any, **how: Any) -> bytes:
    """What a function writes into an open file."""
    stream = io.BytesIO()
    save(stream, *what, **how)
    return stream.getvalue()


def digits(count: int) -> np.ndarray:
    """`count` pictures, each with a stroke of ink, uint8 (N, 28, 28)."""
    images = np.zeros((count, 28, 28), np.uint8)
    for k, image in enumerate(images):
        image[4:24, 6 + k % 12 : 10 + k % 12] = 255 - k
    return images


def models() -> Kind:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        configs = [TINY, PATCH]
        write = [as_model(network_from(each["network"]).state_dict()) for each in configs]

    def read(path: Path) -> object:
        model = load(path)
        styles = {name: 1e-3 + moments[0] for name, moments in model.styles.items()}
        assert model.sample([0], sampler="ddim", steps=1).images.dtype == np.uint8
        return model.sample([0], sampler="ddim", steps=1, **styles)

    sound = [made(config) for made, config in zip(write, configs, strict=True)]
    each = [changed(config).map(made) for made, config in zip(write, configs, strict=True)]
    return Kind("model.safetensors", sound, read, st.one_of(*each, *map(other_headers, sound)))


def hands() -> Kind:
    def written(images: np.ndarray, config: Any) -> bytes:
        return as_model({"images": torch.from_numpy(images)})(config)

    some = st.sampled_from([digits(3), digits(1)[:, :20], np.zeros((2, 28, 28), np.uint8)])
    other = some | arrays.arrays(
        st.sampled_from(["u1", "i8", "f2", "f4", "?"]), arrays.array_shapes(max_side=28)
    )
    spoilt = st.builds(written, other, changed({"kind": "hand"}) | st.just({"kind": "hand"}))
    sound = written(digits(3), {"kind": "hand"})
    return Kind("hand.safetensors", [sound], load_hand, spoilt | other_headers(sound))


def recipes() -> Kind:
    def read(path: Path) -> object:
        recipe = load_recipe(path)
        network = {**recipe.network, "in_channels": 1, "n_classes": 10}
        config = ModelConfig(network, recipe.schedule, (28, 28), TINY["class_names"])
        with torch.device("meta"):
            made = network_from(config.network)
        return objective_of(made, config, recipe)

    sound = [each.format(epochs=1).encode() for each in (REPORTS, OURS)]
    with_bom = [b"\xef\xbb\xbf" + each for each in sound]
    return Kind("recipe.toml", sound + with_bom, read)


def a_run(folder: Path) -> tuple[Run, Recipe, dict[str, Any]]:
    """A small run of one step, and what its settings say."""
    (folder / "r.toml").write_text(REPORTS.format(epochs=1))
    recipe = load_recipe(folder / "r.toml")
    network = {**recipe.network, "in_channels": 1, "n_classes": 2}
    config = ModelConfig(network, recipe.schedule, (28, 28), ("a", "b"), recipe.prediction)
    run = Run.fresh(recipe, config, torch.device("cpu"), None)
    inputs = torch.zeros(2, 1, 28, 28), torch.zeros(2).long(), *torch.zeros(2, 2)
    run.network(*inputs).sum().backward()
    run.optimizer.at(1e-3)
    run.optimizer.step()
    facts = {"data": "mine", "class_names": ["a", "b"], "image_size": [28, 28]}
    return run, recipe, {"recipe": asdict(recipe), **facts, "images_sha256": "0", "from": None}


def run_settings() -> Kind:
    with tempfile.TemporaryDirectory() as folder:
        asked = a_run(Path(folder))[2]

    def read(path: Path) -> object:
        open_run(path.parent, asked, True)
        return path

    return Kind(SETTINGS, [as_json(asked)], read, changed(asked).map(as_json))


def logs() -> Kind:
    rows = [f"{k},{64 * k},0.{k}23456,0.001,64.0" for k in range(9)]
    sound = "\n".join(["step,images,loss,learning_rate,images_per_second", *rows, ""]).encode()

    def read(path: Path) -> object:
        open_log(path.parent, 5).close()
        for line in path.read_text("utf-8").splitlines()[1:]:
            assert len([*map(float, line.split(","))]) == 5
        return path

    return Kind("loss.csv", [sound], read)


def states() -> Kind:
    with tempfile.TemporaryDirectory() as name:
        run, recipe, _ = a_run(Path(name))
        run.save(Path(name) / "state.safetensors", recipe)
        sound = (Path(name) / "state.safetensors").read_bytes()
        fresh = a_run(Path(name))[0]

    def read(path: Path) -> object:
        fresh.restore(path)
        assert fresh.step >= 0
        return fresh

    return Kind("state.safetensors", [sound], read, other_headers(sound))


def qualities() -> Kind:
    figure = {"value": 0.5, "low": 0.4, "high": 0.6, "baseline": 0.9}
    drawn = {"sampler": "ddim", "steps": 2, "guide_w": 0, "nfe": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = as_model(network_from(TINY["network"]).state_dict())(TINY)

    def read(path: Path) -> object:
        (path.parent / "tiny.safetensors").write_bytes(model)
        before, MODELS.folder = MODELS.folder, path.parent
        try:
            return catalogue.bundled()
        finally:
            MODELS.folder = before

    sound = {"sha256": "0", "n": 20, "metrics": {"accuracy": figure}, "sampling": drawn}
    return Kind("tiny.json", [as_json(sound)], read, changed(sound).map(as_json))


def pools() -> Kind:
    settings = StudySettings("tiny", "0", {"steps": 1, "sampler": "ddim"}, 25, 2, 2)
    labels = natural_labels(settings.n).reshape(2, 25)
    scores = {name: np.zeros((25, 2)) for name in ("stability", "renoise", "judge", "ink")}
    pool = {"labels": labels[0], "images": np.zeros((25, 2, 28, 28), np.uint8), **scores}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "m.safetensors"
        path.write_bytes(models().sound[0])
        model = load(path)

    def read(path: Path) -> object:
        (path.parent / "seed_0").mkdir(exist_ok=True)
        (path.parent / "seed_0" / "pool.npz").write_bytes(path.read_bytes())
        found = _Drawing(model, settings, labels, path.parent, lambda _: None).pool(0)
        assert found.images.shape == pool["images"].shape
        assert {score.shape for score in found.scores.values()} == {(25, 2)}
        return found

    other = st.dictionaries(st.sampled_from([*pool]), any_array(), max_size=3)
    spoilt = other.map(lambda more: saved(np.savez_compressed, **{**pool, **more}))
    return Kind("pool.npz", [saved(np.savez_compressed, **pool)], read, spoilt)


def any_array() -> st.SearchStrategy[np.ndarray]:
    """Small arrays of any type that an .npz holds without pickles."""
    types = ["?", "u1", "i8", "u8", "f2", "f4", "f8", "c8", "U2", "S2", "M8[s]", ">i4", "g"]
    return arrays.arrays(st.sampled_from(types), arrays.array_shapes(min_dims=0, max_side=30))


def npz_sets() -> Kind:
    named = {"images": digits(20), "labels": np.arange(20) % 10, "guide_w": np.zeros(20)}
    sound = [saved(np.savez, **named), saved(np.savez_compressed, **named)]
    images = arrays.arrays(
        st.sampled_from(["?", "u1", "i2", "u4", "f2", "f4", "f8", "g"]), (20, 5, 5)
    )
    labels = arrays.arrays(st.sampled_from(["u1", "i8", "f8", "U2", "S2"]), (20,))
    other = st.fixed_dictionaries(
        {}, optional={"images": images, "labels": labels | any_array(), "guide_w": any_array()}
    )
    spoilt = other.map(lambda more: saved(np.savez, **{**named, **more}))
    return Kind("set.npz", sound, read_sets, spoilt)


def idx_pairs() -> Kind:
    images = struct.pack(">BBBBIII", 0, 0, 8, 3, 20, 28, 28) + digits(20).tobytes()
    labels = struct.pack(">BBBBI", 0, 0, 8, 1, 20) + bytes(k % 10 for k in range(20))

    def read(path: Path) -> object:
        path.with_name("mine-labels-idx1").write_bytes(labels)
        return read_images(path)

    spoilt = damaged([labels])

    def swapped(path: Path) -> object:
        content = path.read_bytes()
        if content[:4] == labels[:4]:
            path.with_name("mine-labels-idx1").write_bytes(content)
            path.write_bytes(images)
            return read_images(path)
        return read(path)

    return Kind("mine-images-idx3", [images, gzip.compress(images)], swapped, spoilt)


def csvs() -> Kind:
    rows = [f"{k % 10},{','.join(map(str, image[::4, ::4].ravel()))}"
            for k, image in enumerate(digits(20))]  # fmt: skip
    head = "label," + ",".join(f"p{k}" for k in range(49))
    sound = ["\n".join(rows).encode(), "\r\n".join([head, *rows]).encode()]
    return Kind("set.csv", sound, read_images)


def in_all_formats(pixels: np.ndarray) -> list[bytes]:
    """A picture as every format that Pillow writes."""
    found = []
    deep = [pixels, pixels.astype(np.uint16) * 257, pixels.astype(np.int32)]
    for each in (*deep, pixels.astype(np.float32), np.stack([pixels] * 4, -1)):
        picture = Image.fromarray(each)
        for form in ("PNG", "TIFF", "BMP", "GIF", "JPEG", "WEBP", "PPM", "TGA", "ICO", "PCX", "SGI",
                     "JPEG2000", "DDS", "MSP", "XBM", "SPIDER", "ICNS", "AVIF"):  # fmt: skip
            try:
                found.append(saved(picture.save, form))
            except (OSError, ValueError, KeyError):  # not of this depth, or not on this machine
                continue
    return found


def pictures() -> Kind:
    def read(path: Path) -> object:
        folder = path.parent / "set" / "3"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "one").write_bytes(path.read_bytes())  # without a suffix: its content says what
        return read_images(folder.parent, (28, 28))

    @st.composite
    def odd(draw: st.DrawFn) -> bytes:
        shape = draw(arrays.array_shapes(min_dims=2, max_dims=2, max_side=40))
        kind = draw(st.sampled_from(["u1", "u2", "i4", "f4", "?"]))
        picture = Image.fromarray(draw(arrays.arrays(kind, shape)))
        return saved(picture.save, "TIFF")

    return Kind("picture", in_all_formats(255 - digits(1)[0]), read, odd())


def sheets() -> Kind:
    sheet = np.full((80, 200), 255, np.uint8)
    for k, image in enumerate(digits(5)):
        sheet[20:48, 10 + 36 * k : 38 + 36 * k] = 255 - image
    sound = [saved(Image.fromarray(sheet).save, form) for form in ("PNG", "JPEG", "TIFF")]
    return Kind("sheet.png", sound, read_digits)


KINDS = {
    make.__name__: make
    for make in (
        *(models, hands, recipes, run_settings, logs, states, qualities, pools),
        *(npz_sets, idx_pairs, csvs, pictures, sheets),
    )
}


def tried(kind: Kind, path: Path, content: bytes) -> bool:
    """Whether the file could be read; fails unless that gave an answer or one line of InkseedError.

    Images that were read are as they are promised to be.
    """
    path.write_bytes(content)
    try:
        found = kind.read(path)
    except InkseedError as error:
        refused = str(error)
    else:
        refused = ""
    assert len(refused.splitlines()) <= 1, refused
    assert len(refused) < 1000, refused
    if refused:
        return False
    assert found is not None
    images = getattr(found, "images", None)
    if hasattr(images, "class_names"):
        assert images.images.dtype == np.uint8
        assert len(images) > 0
    return True


@contextmanager
def bounded(seconds: int | None) -> Iterator[None]:
    """A context that ends the process if it is not left in time."""
    if seconds is not None:
        faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def fuzz(name: str, examples: int, seconds: int | None = None, derandomize: bool = False) -> None:
    """Read sound files of a kind, then so many damaged ones."""
    kind = KINDS[name]()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / kind.name

        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=derandomize,
            print_blob=True,
            suppress_health_check=[*HealthCheck],
        )
        @given(content=damaged(kind.sound) | kind.spoilt)
        def each(content: bytes) -> None:
            with bounded(seconds), redirect_stderr(io.StringIO()):
                tried(kind, path, content)

        for content in kind.sound:
            assert tried(kind, path, content), name
        each()


if __name__ == "__main__":
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (2 * BYTES, 2 * BYTES))
    fuzz(sys.argv[1], int(sys.argv[2]), SECONDS)
    most = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert most < BYTES, f"{sys.argv[1]} took {most / 1e9:.1f} GB"
