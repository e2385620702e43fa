"""What fits in memory is found out first, and a set holds little beside its images."""

import shutil
from collections import namedtuple
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

import inkseed as package
from inkseed import memory
from inkseed.errors import InkseedError
from inkseed.model.redraw import sample_confident
from inkseed.model.request import MOST_CANDIDATES, Request
from inkseed.model.sampling import SamplingOptions
from inkseed.noise import Start, Streams
from inkseed.rng import AT_ONCE, normals

PIXELS = 28 * 28
QUICK = SamplingOptions(0.0, "ddim", 1)


@pytest.fixture
def little(monkeypatch):
    """Sets how many bytes can be had."""

    def have(count: int) -> None:
        monkeypatch.setattr(memory, "comfortable", lambda: count)

    return have


def held(value: object) -> int:
    """The bytes of all arrays and tensors that an object holds."""
    return sum(each.nbytes for each in vars(value).values() if hasattr(each, "nbytes"))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (7.3e8, "730 MB"),
        (1.23e9, "1.2 GB"),
        (999.7e6, "1.0 GB"),
    ],
)
def test_bytes_as_people_say_them(count, words):
    assert memory.size(count) == words


def test_a_request_that_does_not_fit_says_what_would(little):
    little(12_345_000)
    memory.require_each(1000, 10_000, "1,000 pictures")
    with pytest.raises(InkseedError) as refused:
        memory.require_each(2000, 10_000, "2,000 pictures")
    assert str(refused.value) == (
        "2,000 pictures would take 20 MB of memory, where 12 MB can be had: at most 1,200 fit"
    )
    with pytest.raises(InkseedError, match="not one fits"):
        memory.require_each(1, 1e9, "a picture")


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "PROCESS", tmp_path / "cgroup")
    monkeypatch.setattr(memory, "GROUPS", tmp_path / "groups")
    (tmp_path / "cgroup").write_text("0::/batch/job\n3:cpu,memory:/old\n")
    new, old = tmp_path / "groups" / "batch" / "job", tmp_path / "groups" / "memory"
    new.mkdir(parents=True)
    old.mkdir()  # a container sees its own group as the root
    (new / "memory.max").write_text("max\n")
    (new.parent / "memory.max").write_text("9000000\n")
    for group in (new, new.parent):
        (group / "memory.current").write_text("3000000\n")
        (group / "memory.stat").write_text("anon 1\ninactive_file 1000000\n")
    assert memory.comfortable() == int(memory.COMFORT * 7_000_000)
    (old / "memory.limit_in_bytes").write_text("5000000\n")
    (old / "memory.usage_in_bytes").write_text("1000000\n")
    (old / "memory.stat").write_text("total_inactive_file 0\n")
    assert memory.comfortable() == int(memory.COMFORT * 4_000_000)


def test_the_limit_of_a_process_counts(monkeypatch):
    resource = pytest.importorskip("resource")
    most = psutil.Process().memory_info().vms + 8_000_000
    monkeypatch.setattr(resource, "getrlimit", lambda _: (most, most))
    assert memory.comfortable() <= memory.COMFORT * 8_000_000


def test_a_set_holds_little_beside_its_images(tiny_model):
    drawn = package.load(tiny_model).sample([3] * 200, 5, 0.0, "ddim", 1)
    assert held(drawn) < 200 * (PIXELS + 100)
    assert drawn.steps == drawn.guesses == []
    assert torch.equal(drawn.noise, torch.from_numpy(normals(5, drawn.streams, (1, 28, 28))))


def test_noise_that_no_stream_draws_again_is_kept(tiny_model):
    model = package.load(tiny_model)
    how = {"guide_w": 0.0, "sampler": "ddim", "steps": 1, "batch_size": 2}
    plain, pairs = (model.sample([3] * 5, 5, **how, noise=n) for n in ("gaussian", "antithetic"))
    assert torch.equal(pairs.noise[::2], plain.noise[::2])
    assert torch.equal(pairs.noise[1::2], -plain.noise[:4:2])

    def mixed(task):
        """The images' own streams, of which the odd ones are scaled."""
        odd = torch.tensor(task.numbers) % 2 == 1
        return Start(task.gaussian() * (1 - odd.float() / 2)[:, None, None, None], task.keys)

    drawn = model.sample([3] * 5, 5, **how, noise=mixed)
    assert drawn.streams[:, 0].tolist() == [0, -1, 2, -1, 4]
    assert torch.equal(drawn.noise[::2], plain.noise[::2])
    assert torch.equal(drawn.noise[1::2], plain.noise[1::2] / 2)


def test_an_image_drawn_again_brings_its_own_noise(tiny_model):
    model = package.load(tiny_model)
    request = Request([3] * 5, 5, QUICK, noise="antithetic")
    before = model.sample_request(request)

    def confidence(images, rows):
        """Of what begins from a stream enough; at first the second and the last image do not."""
        changed = (images[rows] != before.images[rows]).any((1, 2))
        return np.where(changed | ~np.isin(rows, [1, 4]), 1.0, 0.0)

    found = sample_confident(model, request, confidence, 0.5).samples
    assert found.streams[:, 0].tolist() == [-1, 1, -1, -1, 4]
    assert torch.equal(found.noise[[0, 2, 3]], before.noise[[0, 2, 3]])
    again = Streams([(1, MOST_CANDIDATES + 1), (4, MOST_CANDIDATES + 1)])
    drawn = model.sample_request(Request([3] * 2, 5, QUICK, noise=again))
    assert torch.equal(found.noise[[1, 4]], drawn.noise)


def test_noise_is_made_in_parts_and_is_the_same(monkeypatch):
    keys = [(k, k % 3) for k in range(20)]
    whole = normals(7, keys, (3, 5, 7))
    assert whole.size < AT_ONCE
    monkeypatch.setattr("inkseed.rng.AT_ONCE", 250)
    assert np.array_equal(normals(7, np.array(keys), (3, 5, 7)), whole)


@pytest.mark.parametrize("more", [{}, {"noise": "antithetic"}, {"trace": True}])
def test_images_that_do_not_fit_are_refused_before_they_are_drawn(tiny_model, little, more):
    model, spent = package.load(tiny_model), []
    little(1_000_000)
    most = {"": 800, "noise": 200, "trace": 40}["".join(more)]
    request = replace(Request([3], 5, SamplingOptions(0.0, "ddim", 2)), **more)
    model.sample_request(replace(request, labels=[3] * most))
    with pytest.raises(InkseedError, match=r"drawing 1,000 images .* at most [1-9][0-9]+ fit$"):
        model.sample_request(replace(request, labels=[3] * 1000), spent.append)
    assert sum(spent) <= 2 * 64  # the first batch shows that its noise has to be kept


def test_the_noise_of_many_images_is_refused_when_looked_at(tiny_model, little):
    drawn = package.load(tiny_model).sample([3] * 200, 5, 0.0, "ddim", 1)
    little(500_000)
    with pytest.raises(InkseedError, match="the noise would take 627 KB of memory"):
        _ = drawn.noise


@pytest.mark.parametrize("more", [(), ("--guide-w", "0,1"), ("--check",)])
def test_sample_says_what_would_fit(tiny_model, tmp_path, inkseed, little, more):
    little(10_000_000)
    out = tmp_path / "set.npz"
    asked = ("sample", "--labels", 3, "--count", 1_000_000, "--out", out, "--model", tiny_model)
    refused = inkseed(*asked, *more)
    assert refused.status == 2
    (line,) = refused.err.splitlines()
    assert line.startswith(f"inkseed: drawing {1 + (more[:1] == ('--guide-w',)):,},000,000 images")
    assert " GB of memory, where 10 MB can be had: at most " in line
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_found_before_drawing(tiny_model, tmp_path, inkseed, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1_000_000))
    asked = ("sample", "--labels", 3, "--model", tiny_model, "--steps", 1)
    for out, count, needed in (("set", 1000, "4.1 MB"), ("set.npz", 10_000, "1.6 MB")):
        refused = inkseed(*asked, "--count", count, "--out", tmp_path / out)
        assert refused.status == 2
        assert f"{count:,} images would take about {needed} of disk" in refused.err
        assert len(refused.err.splitlines()) == 1
    assert inkseed(*asked, "--count", 3, "--out", tmp_path / "few").status == 0


def test_a_figure_has_an_end(tiny_model, tmp_path, inkseed):
    asked = ("--labels", 3, "--count", 20_001, "--model", tiny_model)
    refused = inkseed("sample", *asked, "--out", tmp_path / "set.png")
    assert refused.status == 2
    assert "a .png shows at most 20,000 images" in refused.err
