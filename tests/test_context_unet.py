import pytest
import torch

from inkseed.nn import ContextUnet, ResidualConvBlock, UnetDown, UnetUp


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(0))


def test_residual_joins_the_input_where_channels_agree(x):
    block = ResidualConvBlock(4, 4).eval()
    x1 = block.conv1(x)
    assert torch.equal(block(x), (x + block.conv2(x1)) / 1.414)


def test_residual_joins_the_first_convolution_where_they_do_not(x):
    block = ResidualConvBlock(4, 6).eval()
    x1 = block.conv1(x)
    assert torch.equal(block(x), (x1 + block.conv2(x1)) / 1.414)


def test_down_halves_by_taking_the_largest(x):
    down = UnetDown(4, 6).eval()
    features = down.model[0](x)
    blocks = features.unfold(2, 2, 2).unfold(3, 2, 2)
    assert torch.equal(down(x), blocks.amax((-1, -2)))
    assert down(x).shape == (2, 6, 4, 6)


def test_up_doubles_what_it_concatenates(x):
    up = UnetUp(8, 6).eval()
    skip = torch.ones_like(x)
    assert up(x, skip).shape == (2, 6, 16, 24)
    assert torch.equal(up(x, skip), up.model(torch.cat((x, skip), 1)))


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (28, 56), (4, 4), (64, 20)])
@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 100)])
def test_any_size_divisible_by_four(size, channels, classes):
    network = ContextUnet(channels, n_feat=8, n_classes=classes).eval()
    x = torch.randn(2, channels, *size)
    t = torch.tensor([0.1, 0.9])
    out = network(x, torch.tensor([0, classes - 1]), t, torch.zeros(2))
    assert out.shape == x.shape
    assert torch.equal(
        out, network(x, torch.tensor([0, classes - 1]), t[:, None, None, None], torch.zeros(2))
    )


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="divisible by 4"):
        ContextUnet(1, 8)(
            torch.zeros(1, 1, 28, 30), torch.zeros(1).long(), torch.ones(1), torch.zeros(1)
        )


def test_mask_one_hides_the_label_and_only_then(tiny_network):
    x = torch.randn(10, 1, 28, 28, generator=torch.Generator().manual_seed(1))[:1].repeat(
        10, 1, 1, 1
    )
    labels, t = torch.arange(10), torch.full((10,), 0.5)
    hidden = tiny_network(x, labels, t, torch.ones(10))
    shown = tiny_network(x, labels, t, torch.zeros(10))
    assert torch.allclose(hidden, hidden[:1].expand_as(hidden), atol=1e-6)
    assert (shown - shown[:1]).abs().amax((1, 2, 3))[1:].min() > 1e-4
    assert (shown - hidden).abs().amax((1, 2, 3)).min() > 1e-4


def test_time_matters(tiny_network):
    x, c, mask = torch.zeros(1, 1, 28, 28), torch.zeros(1).long(), torch.zeros(1)
    early, late = (tiny_network(x, c, torch.tensor([t]), mask) for t in (0.1, 0.9))
    assert (early - late).abs().max() > 1e-4


def test_the_reports_size_has_the_reports_number_of_parameters():
    assert sum(p.numel() for p in ContextUnet(1, 128).parameters()) == 6_585_601
