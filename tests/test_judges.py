import ast
from pathlib import Path

import pytest
import torch

import inkseed as package
from inkseed.data import split_mnist
from inkseed.evaluation.reference import Reference
from inkseed.judges import JudgeA, JudgeB
from inkseed.judges.fit import distort
from inkseed.judges.judge import FOLDER, read_digits

SOURCE = Path(package.__file__).parent


@pytest.mark.parametrize(("judge", "name"), [(JudgeA, "a"), (JudgeB, "b")])
def test_a_judge_reads_validation(judge, name):
    validation = split_mnist().validation
    right = read_digits(judge().network, validation.images) == validation.labels
    assert right.mean() >= 0.992
    assert (FOLDER / f"{name}.safetensors").stat().st_size <= 1.5e6


def test_the_judges_cannot_be_mixed_up():
    assert not hasattr(JudgeA, "read")
    assert not hasattr(JudgeB, "probabilities")
    with pytest.raises(TypeError, match="only judge B evaluates"):
        Reference(JudgeA())


def test_only_evaluation_knows_judge_b_and_it_does_not_know_judge_a():
    for path in SOURCE.rglob("*.py"):
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        room = path.relative_to(SOURCE).parts[0]
        if room == "judges":
            continue
        assert "JudgeB" not in names or room == "evaluation", path
        if room in ("evaluation", "study"):
            assert not names & {"JudgeA", "sample_screened"}, path


def test_judge_b_reads_the_same_in_any_batch():
    images, judge = split_mnist().validation.images[:300], JudgeB()
    together = judge.read(images)
    apart = [
        torch.cat(pair) for pair in zip(judge.read(images[:7]), judge.read(images[7:]), strict=True)
    ]
    for a, b in zip(together, apart, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_distortion_keeps_the_paper_and_never_flips():
    x = torch.full((8, 1, 28, 28), -1.0)
    x[:, :, 8:20, 16:22] = 1.0  # a block right of the middle stays there
    moved = distort(x, torch.Generator().manual_seed(0))
    assert moved.min() >= -1
    assert moved.max() <= 1
    ink = moved[:, 0] + 1
    centre = (ink.sum(1) * torch.arange(28)).sum(1) / ink.sum((1, 2))
    assert (centre > 14).all()
