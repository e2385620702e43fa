"""What several tests share: a small untrained model file, a small classifier, the command line."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from inkseed import registry
from inkseed.checkpoint import save_tensors
from inkseed.cli import main
from inkseed.data import split_mnist
from inkseed.evaluation import evaluation
from inkseed.evaluation.measure import RealDigits
from inkseed.evaluation.reference import Reference
from inkseed.nn import ContextUnet

# As in a terminal, whatever the tests run under: nohup and background jobs ignore these.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

TINY = {
    "network": {"in_channels": 1, "n_feat": 8, "n_classes": 10},
    "schedule": {"betas": [1e-3, 0.3], "n_T": 12},
    "image_size": [28, 28],
    "class_names": list("0123456789"),
    "training": {"epochs_done": 0},
}


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture(scope="session")
def tiny_network() -> ContextUnet:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return ContextUnet(**TINY["network"]).eval()


@pytest.fixture(scope="session")
def tiny_model(tiny_network: ContextUnet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid model file that takes milliseconds to sample from; it draws noise, not digits."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_tensors(path, tiny_network.state_dict(), TINY)
    return path


@pytest.fixture
def inkseed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run the command line in this process, as typed."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Outcome(int(stopped.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def real_digits() -> RealDigits:
    """Real digits read by judge B, to measure sets against: making one takes half a minute."""
    return RealDigits(split_mnist().validation, Reference.shared())


@pytest.fixture
def ready(real_digits: RealDigits, monkeypatch: pytest.MonkeyPatch) -> None:
    """`evaluate` takes the session's real_digits."""
    monkeypatch.setattr(evaluation, "RealDigits", lambda *_: real_digits)


@pytest.fixture
def forget():
    """What a test registers, of whatever kind, is forgotten after it."""
    kinds = [each for each in vars(registry).values() if isinstance(each, registry.Registry)]
    for kind in kinds:
        list(kind.values())  # a module registers once: what is built in must be there before
    before = [(dict(kind.registered), dict(kind._homes)) for kind in kinds]
    yield
    for kind, (registered, homes) in zip(kinds, before, strict=True):
        kind.registered, kind._homes = registered, homes
