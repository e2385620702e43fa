import pytest
import torch

from inkseed.nn import ContextUnet, EmbedFC, ResidualConvBlock, UnetDown, UnetUp, network_from


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


def test_a_block_as_the_report_builds_it(x):
    block = ResidualConvBlock(4, 64, is_res=True).eval()
    assert torch.equal(block(x), (block.conv1(x) + block.conv2(block.conv1(x))) / 1.414)
    plain = ResidualConvBlock(4, 4, is_res=False).eval()
    assert torch.equal(plain(x), plain.conv2(plain.conv1(x)))
    assert plain.state_dict().keys() == ResidualConvBlock(4, 4).state_dict().keys()


def test_only_the_first_block_is_residual_where_asked():
    network = network_from({"in_channels": 1, "n_feat": 8, "n_classes": 10, "is_res": False})
    blocks = {
        name: part.is_res
        for name, part in network.named_modules()
        if isinstance(part, ResidualConvBlock)
    }
    assert len(blocks) == 7
    assert [name for name, residual in blocks.items() if residual] == ["init_conv"]
    assert network.state_dict().keys() == ContextUnet(1, 8).state_dict().keys()


def test_an_embedding_takes_times_of_any_shape_and_one_hot_labels():
    embed = EmbedFC(1, 6)
    t = torch.tensor([0.1, 0.9])
    assert embed(t[:, None, None, None]).shape == (2, 6)
    assert torch.equal(embed(t), embed(t[:, None]))
    assert EmbedFC(10, 6)(torch.eye(10)).shape == (10, 6)
    assert [*embed.state_dict()] == ["0.weight", "0.bias", "2.weight", "2.bias"]


@pytest.mark.parametrize(
    ("sizes", "word"),
    [((0, 8), "in_channels"), ((1, 8, 0), "n_classes"), ((1, "64"), "n_feat")],
)
def test_sizes_that_no_network_has(sizes, word):
    with pytest.raises(ValueError, match=word):
        ContextUnet(*sizes)


def test_inputs_that_do_not_fit_are_told_in_one_line(tiny_network):
    x, one = torch.zeros(2, 1, 28, 28), torch.zeros(2)
    for images, labels in ((x.repeat(1, 3, 1, 1), one.long()), (x, one.long()[:, None])):
        with pytest.raises(ValueError, match=r"must be \(N, 1, H, W\) and c \(N,\)"):
            tiny_network(images, labels, one, one)


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
