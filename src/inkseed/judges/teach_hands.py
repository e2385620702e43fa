"""How the writer judge is taught: to find, among 96 writers, who wrote a second set of digits."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.errors import InkseedError
from inkseed.judges.distort import thicken
from inkseed.judges.fit import CPU, Course
from inkseed.judges.hands import WriterNet, alike
from inkseed.nn.precision import autocast, place
from inkseed.rng import Purpose, stream

COURSE = Course(1_600, 96, 3e-3)  # a step is of 96 writers
DIGITS = (1, 2, 4, 8)  # in each of a writer's two sets
BENT = 0.7  # of the writers, who become others
ANGLE, SIZE, SLANT, SHIFT = 0.06, 0.06, 0.15, 0.04
WEIGHT_DECAY = 0.05
SHARPNESS = math.log(10)  # what cosines are multiplied by, at first: it is learned


def teach_writer_judge(
    part: LabelledImages,
    course: Course = COURSE,
    seed: int = 0,
    device: torch.device = CPU,
    on_step: Callable[[int], object] | None = None,
) -> WriterNet:
    """The writer judge's network, taught on the writers of `part`; on the CPU, in eval mode.

    In each step two sets of digits of each of 96 writers are to be matched, by the cosine of their
    mean codes (InfoNCE: van den Oord et al., [1807.03748](https://arxiv.org/abs/1807.03748)). Most
    writers' digits are bent or thickened alike first, which makes other writers of them.

    Raises InkseedError for images of unknown or too few writers.
    """
    if part.writers is None:
        raise InkseedError("the writer judge learns from images whose writers are known")
    numbers, of = np.unique(part.writers, return_inverse=True)
    own = [np.flatnonzero(of == k) for k in range(len(numbers))]
    own = [each for each in own if len(each) >= 2 * max(DIGITS)]
    if len(own) < course.batch_size:
        raise InkseedError(f"there are {len(own)} writers: {course.batch_size} are needed")
    x = to_tensor(part.images).to(device)
    generator = stream(seed, Purpose.CLASSIFIER_ORDER)
    rng = np.random.default_rng(generator.initial_seed())
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(stream(seed, Purpose.CLASSIFIER_INITIAL).initial_seed())
        network = place(WriterNet(), device).train()
        sharpness = nn.Parameter(torch.tensor(SHARPNESS, device=device))
        optimizer = torch.optim.AdamW(
            [*network.parameters(), sharpness], weight_decay=WEIGHT_DECAY, fused=True
        )
        for step in range(course.steps):
            optimizer.param_groups[0]["lr"] = course.rate(step)
            digits = int(rng.choice(DIGITS))
            who = rng.choice(len(own), course.batch_size, replace=False)
            chosen = np.stack([rng.choice(own[k], 2 * digits, replace=False) for k in who])
            shown = as_others(x[torch.from_numpy(chosen).to(device)])
            with autocast(device):
                codes = network(shown.flatten(0, 1)).float()
            first, second = codes.view(len(who), 2, digits, -1).unbind(1)
            logits = sharpness.exp() * alike(first, second)
            right = torch.arange(len(who), device=device)
            losses = [nn.functional.cross_entropy(each, right) for each in (logits, logits.T)]
            optimizer.zero_grad()
            (sum(losses, torch.zeros((), device=device)) / 2).backward()
            optimizer.step()
            if on_step:
                on_step(1)
    return network.cpu().eval().requires_grad_(False)


def as_others(x: Tensor) -> Tensor:
    """Digits (W, k, 1, H, W) of writers: those of most are bent alike and thickened alike.

    Each digit is also shifted for itself: where it stands says nothing of a hand. Draws from
    torch's default generators, as `distort` does.
    """
    writers, digits = x.shape[:2]
    draws = torch.randn(4, writers, device=x.device).clamp(-2, 2)
    draws = draws * (torch.rand(writers, device=x.device) < BENT)
    angle, shear = ANGLE * draws[0], SLANT * draws[1]
    across, down = 1 + SIZE * draws[2], 1 + SIZE * draws[3]
    zero = torch.zeros_like(angle)
    rows = (
        torch.stack((across * angle.cos(), shear - angle.sin(), zero), -1),
        torch.stack((angle.sin(), down * angle.cos(), zero), -1),
    )
    affine = torch.stack(rows, 1)[:, None].repeat(1, digits, 1, 1)
    affine[..., 2] += SHIFT * torch.randn(writers, digits, 2, device=x.device)
    flat = x.flatten(0, 1)
    grid = nn.functional.affine_grid(affine.flatten(0, 1), list(flat.shape), align_corners=False)
    moved = nn.functional.grid_sample(flat + 1, grid, align_corners=False) - 1
    stroke = torch.rand(writers, device=x.device) - 0.5
    stroke = stroke * (torch.rand(writers, device=x.device) < 0.5)
    return thicken(moved, stroke.repeat_interleave(digits)).view_as(x)
