"""The fast network: what its conditions mean, and what it refuses."""

import math

import pytest
import torch

from inkseed.nn import PatchUnet, network_from
from inkseed.nn.patch_unet import _cosines, spread

STYLES = {"thickness": (2.4, 0.6), "slant": (6.0, 15.0)}
NAN = float("nan")


@pytest.fixture
def network() -> PatchUnet:
    torch.manual_seed(0)
    network = PatchUnet(1, 10, (16, 64), 1, STYLES).eval()
    for parameter in network.parameters():  # the zero-initialised ones would hide everything
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def inputs(n: int = 3, height: int = 28, width: int = 28) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 1, height, width, generator=generator)
    return x, torch.arange(n), torch.linspace(-1.5, 1.0, n), torch.zeros(n)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 16), (4, 8)])
def test_shape_follows_the_image(network, height, width):
    x, c, t, mask = inputs(2, height, width)
    assert network(x, c, t, mask).shape == x.shape


@pytest.mark.parametrize(("height", "width"), [(30, 28), (28, 2)])
def test_sides_that_cannot_be_folded_are_refused(network, height, width):
    with pytest.raises(ValueError, match="divisible by 4"):
        network(*inputs(1, height, width))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"widths": (20, 64)}, {"widths": (16, 50)}, {"blocks": 0}),
        *({"styles": {"slant": (0, 0)}}, {"waves": -1}, {"waves": 1.0}),
    ],
)
def test_networks_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match=r"widths|style|waves|blocks"):
        PatchUnet(1, 10, **wrong)


def test_waves_tell_each_column_where_it_is(network):
    told = PatchUnet(1, 10, (16, 64), 1, STYLES, waves=12).eval()
    told.load_state_dict({**told.state_dict(), **network.state_dict()})
    images = inputs()
    assert torch.equal(told(*images), network(*images))  # a layer that has learned nothing
    torch.nn.init.normal_(told.where.weight)
    added = (told(*images) - network(*images)).abs().mean((0, 1, 2))
    assert (added > 0.01).all()
    cosines = torch.linalg.qr(_cosines(28, 12, torch.device("cpu")).double()).R.diagonal()
    assert cosines.abs() == pytest.approx(math.sqrt(14))  # orthogonal: no two say the same


def test_every_condition_is_heard(network):
    x, c, t, mask = inputs()
    style = torch.tensor([[20.0, 3.0]] * 3)
    plain = network(x, c, t, mask, style)
    for other in (
        network(x, (c + 1) % 10, t, mask, style),
        network(x, c, t + 0.5, mask, style),
        network(x, c, t, mask + 1, style),
        network(x, c, t, mask, style + torch.tensor([5.0, 0.0])),
        network(x, c, t, mask, style + torch.tensor([0.0, 0.5])),
    ):
        assert (other - plain).abs().amax((1, 2, 3)).min() > 1e-4


def test_free_styles_are_no_styles(network):
    x, c, t, mask = inputs()
    free = torch.full((3, 2), NAN)
    torch.testing.assert_close(network(x, c, t, mask, free), network(x, c, t, mask))
    half = torch.tensor([[20.0, NAN]] * 3)
    torch.testing.assert_close(network(x, c, t, mask, half), network(x, c, t, mask, half.clone()))
    assert not torch.allclose(network(x, c, t, mask, half), network(x, c, t, mask))


def test_a_dropped_label_does_not_matter(network):
    x, c, t, mask = inputs()
    dropped = mask + 1
    torch.testing.assert_close(network(x, c, t, dropped), network(x, c * 0 + 7, t, dropped))


def test_images_of_a_batch_do_not_mix(network):
    x, c, t, mask = inputs()
    together = network(x, c, t, mask)
    alone = torch.cat([network(*(each[k : k + 1] for each in (x, c, t, mask))) for k in range(3)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_a_fresh_network_predicts_nothing():
    network = network_from({"name": "patch_unet", "in_channels": 1, "n_classes": 10})
    assert not network(*inputs()).any()  # EDM's skip alone is the first estimate


@pytest.fixture
def two_places() -> PatchUnet:
    torch.manual_seed(0)
    network = PatchUnet(1, 100, (16, 64), 1, STYLES, places=2).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network


def test_each_place_is_told_of_its_own_digit_from_one_table(two_places):
    assert len(two_places.label.weight) == 11
    vectors = two_places.told(torch.tensor([7, 70, 77]), torch.zeros(3), torch.tensor([0, 0, 1]))
    assert vectors.shape[:2] == (3, 2)
    assert torch.equal(vectors[0, 0], vectors[1, 1])  # 0
    assert torch.equal(vectors[0, 1], vectors[1, 0])  # 7
    assert torch.equal(vectors[2, 0], vectors[2, 1])  # no label
    assert not torch.equal(vectors[0, 0], vectors[2, 0])


def test_a_network_of_places_hears_both_digits(two_places):
    x, _, t, mask = inputs(1, 28, 56)
    of = {c: two_places(x, torch.tensor([c]), t, mask) for c in (7, 8, 17)}
    assert (of[7] - of[8]).abs().max() > 1e-3
    assert (of[7] - of[17]).abs().max() > 1e-3
    left, right = (of[7] - of[8]).abs().mean((0, 1, 2)).split(28)
    assert right.mean() > left.mean()  # the units stand on the right


@pytest.mark.parametrize("places", [1, 2, 3, 5])
def test_places_share_the_width_and_fade_into_each_other(places):
    values = torch.eye(places)[None]  # place p is the vector with a 1 at p
    weights = spread(values, 60)[0, :, 0]
    assert torch.allclose(weights.sum(0), torch.ones(weights.shape[1]))
    if places > 1:
        assert weights.sum(1).tolist() == pytest.approx([60 / places] * places)
        for p in range(places):
            assert weights[p, 60 * p // places + 30 // places] == 1


def test_classes_that_are_no_places_are_refused():
    with pytest.raises(ValueError, match="places"):
        PatchUnet(1, 99, places=2)
