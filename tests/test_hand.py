"""Hands: given as digits, kept, or drawn; what is drawn in them, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import inkseed as package
from inkseed.checkpoint import save_tensors
from inkseed.data import LabelledImages, split_mnist
from inkseed.diffusion.guidance import ClassifierFreeGuidance
from inkseed.errors import InkseedError
from inkseed.model.hand import MOST_KEPT, DrawnHand, Hand, knows_hands, load_hand, tell_hands
from inkseed.model.model import Model
from inkseed.model.redraw import sample_confident
from inkseed.model.request import Request
from inkseed.model.sampling import SamplingOptions
from inkseed.nn import network_from
from inkseed.nn.hand_encoder import MOST_DIGITS, hands_of
from inkseed.noise import available

LABELS = np.arange(6)
HOW = SamplingOptions(0.0, "dpm_solver_sde", 3, precision="float32")
CONFIG = {
    "network": {
        **{"name": "patch_unet", "in_channels": 1, "n_classes": 10, "widths": [16, 64], "hand": 8},
        "styles": {"slant": [6.0, 15.0], "thickness": [2.4, 0.6]},
    },
    "schedule": {"name": "variance_exploding", "sigma_max": 20.0, "sigma_min": 0.02},
    "prediction": {"name": "edm"},
    "sampling": {"sampler": "ddim", "steps": 2, "guide_w": 0.0},
    "image_size": [28, 28],
    "class_names": list("0123456789"),
    "training": {},
}


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A model that knows hands; what it draws is noise, but it hears all that it is told."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = network_from(CONFIG["network"])
        for name, parameter in network.named_parameters():
            if not name.startswith("encoder"):  # the silent layers would hide the hand
                torch.nn.init.normal_(parameter, std=0.1)
        torch.nn.init.normal_(network.hand.weight, std=3.0)
        network.hand_mean.normal_()
    path = tmp_path_factory.mktemp("hands") / "hands.safetensors"
    save_tensors(path, network.state_dict(), CONFIG)
    return path


@pytest.fixture
def model(file) -> Model:
    return package.load(file)


@pytest.fixture(scope="module")
def digits() -> LabelledImages:
    """Digits of several validation writers."""
    return split_mnist().validation


@pytest.fixture(scope="module")
def hands(digits) -> list[Hand]:
    """Of three writers, with five digits each."""
    writers = np.unique(digits.writers)[:3]
    return [Hand(digits.images[digits.writers == writer][:5]) for writer in writers]


def drawn(model: Model, **asked: object) -> np.ndarray:
    return model.sample_request(Request(LABELS, 3, HOW, **asked)).images


def far(a: np.ndarray, b: np.ndarray) -> int:
    return int(abs(a.astype(int) - b).max())


def test_a_hand_is_heard_and_given_twice_draws_the_same(model, hands):
    one = drawn(model, hand=hands[0])
    assert np.array_equal(one, drawn(model, hand=Hand(hands[0].images)))
    assert far(one, drawn(model, hand=hands[1])) > 8
    assert far(one, drawn(model)) > 8


def test_the_order_of_the_digits_does_not_matter(model, digits):
    images = digits.images[:7]
    one, other = Hand(images), Hand(images[::-1])
    assert one.name == other.name != Hand(images[:6]).name
    assert torch.equal(tell_hands(model.network, [one]), tell_hands(model.network, [other]))
    assert np.array_equal(drawn(model, hand=one), drawn(model, hand=other))


def test_all_digits_count_and_more_than_sixteen_are_told_as_sixteen(model, digits):
    codes = model.network.encoder(torch.from_numpy(digits.images[:40, None] / 127.5 - 1).float())
    for k in (1, MOST_DIGITS, 40):
        (told,) = tell_hands(model.network, [Hand(digits.images[:k])])
        (mean,) = hands_of(codes[:k], torch.zeros(k, dtype=torch.int64), torch.tensor([k]))
        torch.testing.assert_close(told[:-1], mean[:-1])
        assert told[-1] == pytest.approx(min(k, MOST_DIGITS) ** -0.5)


def test_an_images_hand_does_not_depend_on_the_others(model, hands):
    each = [hands[0], None, hands[1], DrawnHand(4), hands[0], hands[2]]
    told = tell_hands(model.network, each)
    for row, hand in zip(told, each, strict=True):
        alone = tell_hands(model.network, [hand])
        assert row.isnan().all() if alone is None else torch.equal(row, alone[0])
    together = drawn(model, hand=each)
    for k, hand in enumerate(each):
        apart = Request(LABELS[k : k + 1], 3, HOW, hand=hand, first=k)
        assert far(model.sample_request(apart).images, together[k : k + 1]) <= 1
    for batch_size in (1, 2, 4):
        assert far(drawn(model, hand=each, batch_size=batch_size), together) <= 1


def test_samples_tell_their_hands_and_draw_again_from_them(model, hands):
    each = (hands[0], None, DrawnHand(4), None, None, hands[1])
    first = model.sample_request(Request(LABELS, 3, HOW, hand=each))
    assert first.hands == each
    assert np.array_equal(drawn(model, hand=first.hands), first.images)
    free = model.sample_request(Request(LABELS, 3, HOW))
    assert free.hands == (None,) * 6


def test_guidance_contrasts_with_no_hand(model, hands):
    run = model.bind(Request(LABELS, 3, HOW, hand=hands[0]))
    seen = []

    def denoiser(x, t, condition):
        seen.append(condition.hand)
        return x

    x = torch.zeros(6, 1, 28, 28)
    ClassifierFreeGuidance(denoiser, 1.0)(x, torch.tensor(0.5), run.condition)
    asked, null = seen[0].chunk(2)
    assert torch.equal(asked, run.condition.hand)
    assert null.isnan().all()


@pytest.mark.parametrize("noise", available())
def test_strategies_draw_in_the_hand(model, hands, noise):
    found = model.sample(LABELS[:2], 3, 0.5, steps=2, noise=noise, hand=hands[0])
    other = model.sample(LABELS[:2], 3, 0.5, steps=2, noise=found.noise, hand=hands[1])
    assert far(found.images, other.images) > 8


def test_what_is_inverted_is_told_its_hand(model, hands):
    run = model.bind(Request(LABELS, 3, HOW, hand=list(hands) * 2))
    z = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    x = run.ddim(z, 40)
    others = replace(run.condition, hand=run.condition.hand.roll(1, 0))
    own, strange = ((run.undo(x, 40, told) - z).square().mean() for told in (None, others))
    assert own < strange


def test_what_is_drawn_again_keeps_its_hand(model, hands):
    request = Request(LABELS, 3, HOW, hand=list(hands) * 2)
    tries = iter([np.zeros(6), np.array([0, 1, 1, 1, 1, 1.0])])

    def confidence(images, rows):
        return next(tries)[rows] if len(rows) == 6 else np.ones(len(rows))

    found = sample_confident(model, request, confidence, 0.5)
    again = package.noise.Streams(found.samples.streams)
    assert (found.samples.streams[:, 1] > 0).any()
    assert far(drawn(model, hand=list(hands) * 2, noise=again), found.samples.images) <= 1


def test_a_hand_of_ones_own_is_one_of_the_models(model, hands):
    assert (model.hand_of(hands[0].images).images == hands[0].images).all()
    assert len(model.hand_of(hands[0].images)) == 5


WRONG = [
    (lambda x: x[0], r"uint8 \(k, 28, 28\), ink 255, not uint8 \(28x28\)"),
    (lambda x: x[:, :20], r"not uint8 \(5x20x28\): inkseed.data.read_digits"),
    (lambda x: x / 255, r"not float64 \(5x28x28\)"),
    (lambda x: x[:0], "1 to 1,000 digits of one writer, not 0"),
    (lambda x: np.repeat(x, 201, 0), "not 1,005"),
    (lambda x: 255 - x, "give 255 - images"),
    (lambda x: x * (np.arange(5) != 2)[:, None, None].astype(np.uint8), "number 3 of 5 has none"),
    (lambda x: "digits", "a hand is digits as uint8"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_what_is_no_hand_is_refused(model, hands, change, words):
    with pytest.raises(InkseedError, match=words) as refused:
        model.hand_of(change(hands[0].images))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("wrong", ["me", 7, np.zeros((3, 28, 28)), ["me"] * 6, [None] * 5])
def test_a_request_takes_hands_alone(wrong):
    with pytest.raises(InkseedError, match="hand must be one hand, or one for each of the 6"):
        Request(LABELS, hand=wrong)


def test_a_model_that_knows_no_hand_says_so(tiny_model, hands, inkseed, tmp_path, monkeypatch):
    model = package.load(tiny_model)
    monkeypatch.setattr("inkseed.model.hand.models_of_hands", lambda: ["quills"])
    for ask in (
        lambda: model.sample([3], hand=hands[0]),
        lambda: model.hand_of(hands[0].images),
        lambda: package.write("3", model=model, hand=hands[0]),
    ):
        with pytest.raises(InkseedError, match=r"no hand: .* such as quills"):
            ask()
    hands[0].save(tmp_path / "me.safetensors")
    asked = ("--model", tiny_model, "--hand", tmp_path / "me.safetensors")
    refused = inkseed("write", "3", *asked, "--out", tmp_path / "x.png")
    assert refused.status == 2
    assert "quills" in refused.err
    assert len(refused.err.splitlines()) == 1


def test_a_hand_is_kept_as_its_digits(model, hands, tmp_path):
    path = tmp_path / "me.safetensors"
    hands[0].save(path)
    kept = load_hand(path)
    assert np.array_equal(kept.images, hands[0].images)
    assert np.array_equal(drawn(model, hand=kept), drawn(model, hand=hands[0]))
    with pytest.raises(ValueError, match="read-only"):
        kept.images[0] = 0
    with pytest.raises(InkseedError, match=r"hand is kept as [.]safetensors: end"):
        hands[0].save(tmp_path / "me.png")


def test_files_that_keep_no_hand_are_refused(file, hands, tmp_path):
    def kept(name: str, tensors: dict[str, torch.Tensor], told: dict[str, object]) -> Path:
        save_tensors(tmp_path / name, tensors, told)
        return tmp_path / name

    hand = {"kind": "hand"}
    images = torch.from_numpy(hands[0].images.copy())
    empty = tmp_path / "empty.safetensors"
    empty.write_bytes(b"")
    for path, words in (
        (tmp_path / "none.safetensors", "no such hand file"),
        (empty, "not a safetensors file, or is damaged"),
        (file, "is no hand: give a file that hand.save wrote"),
        (kept("other", {"digits": images}, hand), "is no hand"),
        (kept("small", {"images": images[:, :9]}, hand), "is damaged: a hand is digits"),
        (kept("blank", {"images": images * 0}, hand), "is damaged: .* need ink"),
        (kept("half", {"images": images.bfloat16()}, hand), "is damaged"),
    ):
        with pytest.raises(InkseedError, match=words) as refused:
            load_hand(path)
        assert len(str(refused.value).splitlines()) == 1
    hands[0].save(tmp_path / "me.safetensors")
    with pytest.raises(InkseedError, match="is a hand, not a model"):
        package.load(tmp_path / "me.safetensors")


def test_a_number_is_in_one_hand_which_the_seed_draws(model, hands):
    number = package.write("0421", 5, model=model)
    assert number.hand == DrawnHand(5)
    assert number.samples.hands == (DrawnHand(5),) * 4
    assert (number.slant, number.thickness) == (None, None)
    assert package.write("7", 5, model=model).hand == number.hand
    assert number.facts()["hand"] == "drawn 5 0"
    goes_on = package.write("421", 9, model=model, hand=number.hand)
    assert goes_on.samples.hands == (DrawnHand(5),) * 3
    given = package.write("0421", 5, model=model, hand=hands[0], slant=20)
    assert given.hand is hands[0]
    assert (given.facts()["hand"], given.slant) == (hands[0].name, 20)


def test_what_is_doubted_in_a_number_keeps_its_hand(model, monkeypatch):
    plain = package.write("0421", 5, model=model)
    told = []
    bind = Model.bind

    def listening(self, request, on_evaluations=None):
        told.append(bind(self, request, on_evaluations))
        return told[-1]

    monkeypatch.setattr(Model, "bind", listening)
    checked = package.write("0421", 5, model=model, check=True)
    assert checked.redrawn > 0
    rows = torch.cat([run.condition.hand for run in told])
    assert torch.equal(rows, rows[:1].expand_as(rows))
    assert plain.hand == checked.hand


def test_what_is_left_free_is_drawn_first_where_the_model_says_so(model, hands):
    free = drawn(model)
    sampling = {**model.config.sampling, "one_hand": True}
    model.config = replace(model.config, sampling=sampling)
    own = [DrawnHand(3, 10 + k) for k in range(6)]
    found = model.sample_request(Request(LABELS, 3, HOW, first=10))
    assert found.hands == tuple(own)
    assert np.array_equal(drawn(model, hand=own, first=10), found.images)
    assert far(drawn(model), free) > 8
    half = model.sample_request(Request(LABELS, 3, HOW, hand=[hands[0], *[None] * 5], first=10))
    assert half.hands == (hands[0], *own[1:])


def test_drawn_hands_are_spread_as_the_network_says(model):
    network = model.network
    torch.manual_seed(1)
    network.hand_factor.copy_(torch.randn(8, 8).tril())
    told = tell_hands(network, [DrawnHand(1, k) for k in range(4000)]).double()
    assert (told[:, -1] == 10**-0.5).all() or told[0, -1] == pytest.approx(10**-0.5)
    raw = network.hand_mean + torch.randn(4000, 8) @ network.hand_factor.T
    raw = torch.nn.functional.layer_norm(raw, (8,)).double()
    assert (told[:, :-1].mean(0) - raw.mean(0)).abs().max() < 0.1
    assert (torch.cov(told[:, :-1].T) - torch.cov(raw.T)).abs().max() < 0.1
    other = tell_hands(network, [DrawnHand(2, k) for k in range(4)])
    assert (other != told[:4]).any(1).all()


def test_networks_say_whether_they_know_hands(model, tiny_network):
    assert knows_hands(model.network)
    assert not knows_hands(tiny_network)
    assert tell_hands(tiny_network, [None, None]) is None
    assert MOST_KEPT >= MOST_DIGITS


def as_pictures(folder: Path, images: np.ndarray, large: bool = False) -> Path:
    folder.mkdir(parents=True)
    for k, image in enumerate(images):
        picture = Image.fromarray(255 - image)
        picture.resize((90, 90) if large else (28, 28)).save(folder / f"{k}.png")
    return folder


def test_a_hand_as_typed(inkseed, file, model, hands, tmp_path):
    out, kept = tmp_path / "n.png", tmp_path / "me.safetensors"
    folder = as_pictures(tmp_path / "mine", hands[0].images)
    asked = ("write", "042", "--model", file, "--out", out, "--json")
    told = inkseed(*asked, "--hand", folder, "--save-hand", kept)
    assert told.status == 0
    assert told.err.startswith("inkseed: a hand of 5 digits: 5 pictures, all used")
    assert len(told.err.strip().splitlines()) == 1
    assert json.loads(told.out)["hand"] == hands[0].name
    picture = out.read_bytes()
    again = inkseed(*asked, "--hand", kept)
    assert again.err.strip() == "inkseed: a hand of 5 digits: me.safetensors"
    assert out.read_bytes() == picture
    assert json.loads(inkseed(*asked).out)["hand"] == "drawn 0 0"
    assert out.read_bytes() != picture


def test_a_set_in_a_hand_as_typed(inkseed, file, hands, tmp_path):
    folder, out = as_pictures(tmp_path / "mine", hands[0].images), tmp_path / "set.npz"
    asked = ("sample", "--model", file, "--labels", "3,8", "--count", 2, "--out", out, "--json")
    told = inkseed(*asked, "--hand", folder)
    assert "a hand of 5 digits" in told.err
    assert json.loads(told.out)["hand"] == hands[0].name
    with np.load(out) as saved:
        assert saved["hand"].tolist() == [hands[0].name] * 4
    assert json.loads(inkseed(*asked).out)["hand"] is None
    with np.load(out) as saved:
        assert saved["hand"].tolist() == [""] * 4


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("--hand", "nowhere"), "no such file or folder: nowhere"),
        (("--save-hand", "me.safetensors"), "--hand: give that, too"),
        (("--hand", "empty", "--save-hand", "me.png"), "must end in .safetensors"),
        (("--hand", "empty"), "holds no pictures"),
        (("--hand", "notes.txt"), "is not a set"),
        (("--hand", "blank.png"), "none of the 1 pictures can be used: 1 blank"),
    ],
)
def test_what_is_wrong_with_a_hand_is_said_in_one_line(
    inkseed, file, tmp_path, monkeypatch, words, status
):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    Path("notes.txt").write_text("hello")
    Image.new("L", (200, 200), 255).save("blank.png")
    refused = inkseed("write", "3", "--model", file, *words)
    assert refused.status == 2
    assert status in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not Path("3.png").exists()


def test_a_refused_command_leaves_a_kept_hand_as_it_was(inkseed, file, hands, tmp_path):
    kept, folder = tmp_path / "me.safetensors", as_pictures(tmp_path / "mine", hands[0].images)
    hands[1].save(kept)
    before = kept.read_bytes()
    asked = ("write", "3", "--model", file, "--out", tmp_path / "3.png")
    for wrong in (("--sampler", "none"), ("--noise", "none"), ("--slant", 400), ("--steps", 0)):
        refused = inkseed(*asked, "--hand", folder, "--save-hand", kept, *wrong)
        assert refused.status == 2
        assert kept.read_bytes() == before


@pytest.mark.parametrize("command", [("write", "3"), ("sample", "--labels", "3")])
def test_what_is_drawn_never_becomes_a_part_of_the_hand(inkseed, file, hands, tmp_path, command):
    folder = as_pictures(tmp_path / "mine", hands[0].images)
    sheet = folder / "0.png"
    before = sheet.read_bytes()
    for hand, out in (
        (sheet, sheet),
        (folder, folder / "9.png"),
        (folder, folder / "own" / "9.png"),
    ):
        refused = inkseed(*command, "--model", file, "--hand", hand, "--out", out)
        assert (refused.status, len(refused.err.splitlines())) == (2, 1)
        assert "would be a part of --hand" in refused.err
    assert sheet.read_bytes() == before
    assert len([*folder.iterdir()]) == len(hands[0])


@pytest.mark.parametrize("empty", [("--hand", ""), ("--hand=",)])
def test_an_empty_argument_is_no_folder(inkseed, file, tmp_path, monkeypatch, empty):
    monkeypatch.chdir(as_pictures(tmp_path / "mine", np.full((1, 28, 28), 9, np.uint8)))
    refused = inkseed("write", "3", "--model", file, *empty)
    assert (refused.status, "is empty" in refused.err) == (2, True)


def test_a_number_is_in_one_hand(model, hands):
    with pytest.raises(InkseedError, match="one hand"):
        package.write("42", model=model, hand=[hands[0], hands[1]])


@pytest.mark.parametrize(
    "images",
    [
        "a folder",
        None,
        [np.zeros((28, 28)), np.zeros((28, 20))],
        torch.rand(3, 28, 28).requires_grad_(),
    ],
    ids=["text", "nothing", "ragged", "gradient"],
)
def test_what_is_no_digits_says_where_to_get_some(model, images):
    with pytest.raises(InkseedError, match="read_digits"):
        model.hand_of(images)


@pytest.mark.parametrize("where", [(-1, 0), (2**63, 0), (0, -1), (0, 2**32), ("a", 0), (1.5, 0)])
def test_a_drawn_hand_has_a_seed_and_a_number_that_an_image_can_have(where):
    with pytest.raises(InkseedError):
        DrawnHand(*where)
