"""How a judge is taught: several networks learn from its part, and one network learns from them.

Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network"
([1503.02531](https://arxiv.org/abs/1503.02531)).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.judges.distort import distort, paper
from inkseed.judges.fit import CPU, Course, fit_classifier
from inkseed.nn.precision import autocast

N = TypeVar("N", bound=nn.Module)

MEMBERS = 5
MEMBER = Course(4_000, 256)  # about 40 passes over a part
DISTILLED = Course(10_000, 256)
PAPER = 32  # one image in so many holds no digit, and is to be read as any digit alike
SOFTENED = 3.0  # the temperature at which a teacher's second thoughts are learned
TEMPERATURES = torch.arange(0.5, 2.0, 0.01, dtype=torch.float64)
BATCH = 500


class Lesson:
    """Distorted digits and some paper; targets are the labels or, with teachers, what they read."""

    def __init__(self, teachers: Sequence[nn.Module] = ()) -> None:
        self.teachers = teachers

    def __call__(self, network: nn.Module, x: Tensor, c: Tensor) -> Tensor:
        """The loss of a batch: cross-entropy; with teachers also at a temperature of 3."""
        blank = len(x) // PAPER
        digits = distort(x)
        shown = torch.cat((digits[: len(x) - blank], paper(blank, x.shape[-1], x.device)))
        shown = shown.contiguous(memory_format=torch.channels_last)
        with autocast(x.device):
            logits = network(shown).float()
            with torch.no_grad():
                taught = [teacher(shown).float() for teacher in self.teachers]
        if not taught:
            targets = _beside_paper(_one_hot(c, logits.shape[1]), blank)
            return nn.functional.cross_entropy(logits, targets)
        loss = torch.zeros((), device=x.device)
        for temperature in (1.0, SOFTENED):
            targets = torch.stack([(z / temperature).softmax(1) for z in taught]).mean(0)
            targets = _beside_paper(targets, blank)
            softened = nn.functional.cross_entropy(logits / temperature, targets)
            loss = loss + temperature * softened
        return loss


def teach_judge(
    build: Callable[[], N],
    part: LabelledImages,
    validation: LabelledImages,
    members: Sequence[nn.Module],
    course: Course = DISTILLED,
    device: torch.device = CPU,
) -> tuple[N, float]:
    """The judge that `members` teach, calibrated, on the CPU; and the temperature that it took.

    Its last layer is divided by the temperature at which validation's labels are likeliest
    (Guo et al., [1706.04599](https://arxiv.org/abs/1706.04599)).
    """
    network = fit_classifier(build, part, course, MEMBERS, Lesson(members), device).to("cpu")
    logits = logits_of(network, validation).double()
    labels = torch.from_numpy(validation.labels)
    losses = [nn.functional.cross_entropy(logits / each, labels) for each in TEMPERATURES]
    temperature = float(TEMPERATURES[int(torch.stack(losses).argmin())])
    last = [each for each in network.modules() if isinstance(each, nn.Linear)][-1]
    last.weight.data /= temperature
    last.bias.data /= temperature
    return network, temperature


@torch.no_grad()
def logits_of(network: nn.Module, source: LabelledImages) -> Tensor:
    """What a network on the CPU says of labelled images, float32 (N, K)."""
    x = to_tensor(source.images)
    return torch.cat([network(part) for part in x.split(BATCH)])


def calibration_error(probabilities: Tensor, labels: Tensor, bins: int = 15) -> float:
    """How far confidence is from accuracy, on average over `bins` equal ranges of confidence.

    Source:
        Expected calibration error: Guo et al., [1706.04599](https://arxiv.org/abs/1706.04599),
        equation 3.
    """
    confidence, digits = probabilities.double().max(1)
    right = (digits == labels).double()
    of_bin = (confidence * bins).long().clamp(max=bins - 1)
    zeros = torch.zeros(bins, dtype=torch.float64)
    difference = zeros.index_add(0, of_bin, right - confidence)
    return float(difference.abs().sum() / len(labels))


def _one_hot(c: Tensor, classes: int) -> Tensor:
    return (c[:, None] == torch.arange(classes, device=c.device)).float()


def _beside_paper(targets: Tensor, blank: int) -> Tensor:
    """Targets (B, K), those of the last `blank` images even over all classes."""
    even = torch.full_like(targets[:blank], 1 / targets.shape[1])
    return torch.cat((targets[: len(targets) - blank], even))
