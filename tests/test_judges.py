import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

import inkseed as package
from inkseed.data import split_mnist
from inkseed.evaluation.reference import Reference
from inkseed.judges import JudgeA, JudgeB
from inkseed.judges.distort import distort, paper
from inkseed.judges.fit import Course, fit_classifier
from inkseed.judges.judge import read_digits
from inkseed.judges.loading import FOLDER
from inkseed.judges.teach import Lesson, calibration_error, logits_of, teach_judge

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


def seeded(seed, draw):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return draw()


def test_distortion_keeps_the_paper_and_never_flips():
    x = torch.full((32, 1, 28, 28), -1.0)
    x[:, :, 8:20, 18:23] = 1.0  # a block right of the middle stays there
    moved = seeded(0, lambda: distort(x))
    assert moved.min() >= -1
    assert moved.max() <= 1 + 1e-5
    ink = moved[:, 0] + 1
    centre = (ink.sum(1) * torch.arange(28)).sum(1) / ink.sum((1, 2))
    assert (centre > 14).all()


def test_a_judge_sees_no_digit_on_paper():
    blank = np.zeros((1, 28, 28), np.uint8)
    dirty = ((seeded(1, lambda: paper(200, 28, torch.device("cpu"))) + 1) * 127.5).byte()[:, 0]
    seen = np.concatenate((blank, dirty.numpy()))
    assert JudgeA().probabilities(seen).max() < 0.3
    assert JudgeB().read(seen)[0].max() < 0.3


def test_a_judges_confidence_means_what_it_says():
    validation = split_mnist().validation
    labels = torch.from_numpy(validation.labels)
    for probabilities in (
        JudgeA().probabilities(validation.images),
        JudgeB().read(validation.images)[0],
    ):
        assert calibration_error(probabilities, labels) <= 0.005


def test_calibration_error_against_what_can_be_counted():
    probabilities = torch.tensor([[0.9, 0.1]] * 10 + [[0.4, 0.6]] * 10)
    labels = torch.tensor([0] * 7 + [1] * 3 + [1] * 9 + [0])
    # 0.9 sure and right 7 times in 10, 0.6 sure and right 9 times in 10
    assert calibration_error(probabilities, labels) == pytest.approx((0.2 + 0.3) / 2, abs=1e-6)


class Pixels(torch.nn.Linear):
    """The least network that can learn: one dense layer."""

    def __init__(self):
        super().__init__(784, 10)

    def forward(self, x):
        return super().forward(x.flatten(1))


def test_a_judge_learns_from_its_teachers_and_is_calibrated():
    split = split_mnist()
    part, held_out = split.part_a.subset(np.arange(512)), split.validation.subset(np.arange(512))
    course = Course(60, 64)
    teachers = [fit_classifier(Pixels, part, course, seed, Lesson()) for seed in range(2)]
    assert not torch.equal(teachers[0].weight, teachers[1].weight)
    again = fit_classifier(Pixels, part, course, 0, Lesson())
    assert torch.equal(again.weight, teachers[0].weight)
    judge, temperature = teach_judge(Pixels, part, held_out, teachers, course)
    labels = torch.from_numpy(held_out.labels)
    logits = logits_of(judge, held_out)
    losses = [float(cross_entropy(logits * scale, labels)) for scale in (0.9, 1.0, 1.1)]
    assert losses[1] == min(losses), temperature  # no other temperature fits better
    assert (logits.argmax(1) == labels).double().mean() > 0.4
