"""Devices: one good message where one is missing, and mps where torch has it."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from inkseed.ddpm import NoiseStrategyDiffusion
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.loss import TrainingLoss
from inkseed.diffusion.predictions import EpsDenoiser
from inkseed.diffusion.schedule import LinearBetas
from inkseed.diffusion.training_times import Uniform
from inkseed.errors import InkseedError
from inkseed.model.loading import load
from inkseed.nn import ContextUnet
from inkseed.nn.device import find_device
from inkseed.nn.precision import has_fast_bfloat16
from inkseed.training.loop import train
from inkseed.training.recipes import load_recipe

MISSING = "cuda:99"
NO_DEVICE = "no device 'cuda:99' on this machine: use cpu"


def test_a_missing_device_is_told_in_the_same_line_everywhere(
    inkseed, tiny_network, tiny_model, tmp_path
):
    ddpm = NoiseStrategyDiffusion(tiny_network, (1e-3, 0.3), 12, "cpu")
    takers = (
        lambda: NoiseStrategyDiffusion(tiny_network, (1e-3, 0.3), 12, MISSING),
        lambda: ddpm.sample(2, (1, 28, 28), MISSING),
        lambda: ddpm.noise_selection(2, 3, (1, 28, 28), MISSING),
        lambda: load(tiny_model, MISSING),
        lambda: train(load_recipe("smoke"), "smoke", tmp_path / "run", device=MISSING),
    )
    for take in takers:
        with pytest.raises(InkseedError, match=NO_DEVICE):
            take()
    out = tmp_path / "n.png"
    for command in (
        ("write", 1, "--model", tiny_model, "--out", out),
        ("train", "smoke", "--out", tmp_path / "run"),
    ):
        result = inkseed(*command, "--device", MISSING)
        assert (result.status, NO_DEVICE in result.err) == (2, True)
    assert list(tmp_path.iterdir()) == []


NO_DEVICES = ["hpu", "xpu", "meta", "privateuseone", "mkldnn", "vulkan", "cuda:-1", "cpu:7", " cpu"]
NO_DEVICES += ["", "CPU", "cpu\0", "cuda:\u0663", "cuda: 1", "cuda:9" * 40, "\x1b[31m", "\udcff"]


@pytest.mark.parametrize("name", NO_DEVICES, ids=ascii)
def test_a_device_of_another_kind_is_one_line(inkseed, tiny_model, tmp_path, name):
    sample = ("sample", "--model", tiny_model, "--out", tmp_path / "s.npz", "--device", name)
    for command in (sample, ("train", "smoke", "--out", tmp_path / "run", "--device", name)):
        refused = inkseed(*command)
        assert refused.status == 2
        assert "device" in refused.err
        assert len(refused.err.strip().splitlines()) == 1
    for given in (name, None, 5, object()):
        with pytest.raises(InkseedError, match=r"no device .* on this machine: use cpu"):
            find_device(given)
    assert find_device("cpu:0").type == find_device(torch.device("cpu")).type == "cpu"
    assert list(tmp_path.iterdir()) == []


def test_mps_is_a_device_where_torch_has_it(monkeypatch):
    if not torch.backends.mps.is_available():
        with pytest.raises(InkseedError, match="no device 'mps' on this machine"):
            find_device("mps")
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)  # a machine that has all devices
    assert find_device("mps") == torch.device("mps")
    with pytest.raises(InkseedError, match="no device 'meta'"):
        find_device("meta")
    assert not has_fast_bfloat16(torch.device("mps"))


class NoDoublePrecision(TorchDispatchMode):
    """Lets no float64 tensor come to be on the device `meta`, as mps lets none."""

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        made = operation(*arguments, **(options or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and tensor.device.type == "meta":
                assert tensor.dtype != torch.float64, operation
        return made


def test_double_precision_stays_on_the_processor():
    denoiser = EpsDenoiser(ContextUnet(1, 8).to("meta"), LinearBetas((1e-3, 0.3), 12))
    x = torch.zeros(2, 1, 28, 28, device="meta")
    c = torch.zeros(2, dtype=torch.long, device="meta")
    with NoDoublePrecision():
        assert denoiser(x, torch.tensor(0.5, dtype=torch.float64), c).shape == x.shape
        assert TrainingLoss(denoiser, Uniform(), 0.1)(x, Condition.of(c)).shape == ()
