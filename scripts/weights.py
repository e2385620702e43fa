"""Train everything that is bundled, in order: python scripts/weights.py [--device cuda]

    python scripts/weights.py --device cuda --minutes 9
    python scripts/weights.py --only judge-b hands
    python scripts/weights.py --only digits --from my_digits.safetensors
    python scripts/weights.py --only digits-fast --from my_student.safetensors

Finished weights lie in --out (runs/weights) as files of the kind that is bundled: judges, to be
copied into src/inkseed/judges/files (run scripts/kept.py after that), and models, into
src/inkseed/model/weights. What is finished
there is not made again and an unfinished run continues, so the command may be stopped and repeated.
With --minutes each job gets its share of the time, and learns less where that is not enough. It
runs from source: besides torch it needs what the training imports, pydantic among it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from bundle import bundle
from torch import nn

from inkseed import say
from inkseed.checkpoint import load_header, load_tensors, save_tensors
from inkseed.cli import mistakes_in_one_line
from inkseed.data import LabelledImages, split_mnist
from inkseed.judges.fit import Course, fit_classifier
from inkseed.judges.judge import read_digits
from inkseed.judges.networks import PlainNet, ResidualNet
from inkseed.judges.teach import (
    DISTILLED,
    MEMBER,
    MEMBERS,
    Lesson,
    calibration_error,
    logits_of,
    teach_judge,
)
from inkseed.judges.teach_hands import COURSE, teach_writer_judge
from inkseed.model.config import ModelConfig
from inkseed.nn.device import find_device
from inkseed.training.data import A_PASS
from inkseed.training.loop import train
from inkseed.training.recipes import Recipe, load_recipe, recipe_from
from inkseed.training.run_folder import SETTINGS

OUT = Path(__file__).parents[1] / "runs" / "weights"
TRIED = 20  # steps, the latter half of which tells how fast a machine is
AGAIN = 0.4  # of a trial's time, mostly compiling, that the run takes before it is as fast
LEAST_STEPS = 20
WRITING = 0.9  # of a share of the time, for training: the rest is choosing and writing


@dataclass(frozen=True)
class Job:
    """What a job is told: where to write, where to compute, what to begin at, and for how long."""

    out: Path
    device: torch.device
    begin: Path | None
    recipes: Path | None
    seconds: float | None  # None is as long as it takes

    @property
    def where(self) -> str:
        """The device in words, for the metadata."""
        on_gpu = self.device.type == "cuda"
        return torch.cuda.get_device_name(self.device) if on_gpu else str(self.device)


def shortened(course: Course, seconds: float | None, per_step: float) -> Course:
    """The same course in fewer steps, if `seconds` are too few for it."""
    if seconds is None:
        return course
    return replace(course, steps=max(LEAST_STEPS, min(course.steps, int(seconds / per_step))))


def judge(name: str, build: Callable[[], nn.Module], role: str, part: int) -> Callable[[Job], None]:
    """A job that teaches a judge on a part of the split."""

    def make(job: Job) -> None:
        split = split_mnist()
        source, validation = split[part], split.validation
        began = time.perf_counter()
        fit_classifier(build, source, Course(TRIED, MEMBER.batch_size), 0, Lesson(), job.device)
        per_step = (time.perf_counter() - began) / TRIED
        whole = MEMBERS * MEMBER.steps + 2 * DISTILLED.steps  # its teachers read every batch too
        share = None if job.seconds is None else WRITING * job.seconds / whole
        course, distilled = (
            shortened(each, share and share * each.steps, per_step) for each in (MEMBER, DISTILLED)
        )
        members = [member(name, k, build, source, course, job) for k in range(MEMBERS)]
        network, temperature = teach_judge(
            build, source, validation, members, distilled, job.device
        )
        right = float((read_digits(network, validation.images) == validation.labels).mean())
        labels = torch.from_numpy(validation.labels)
        error = calibration_error(logits_of(network, validation).softmax(1), labels)
        training = {
            "members": MEMBERS,
            "member_steps": course.steps,
            "steps": distilled.steps,
            "batch_size": distilled.batch_size,
            "temperature": round(temperature, 2),
            "device": job.where,
            "validation_accuracy": right,
            "calibration_error": error,
        }
        facts = {"judge": name, "role": role, "network": type(network).__name__}
        words = f"part {'AB'[part]} of the split of MNIST's training digits by writer"
        save_tensors(
            job.out / f"judge-{name}.safetensors",
            network.state_dict(),
            {**facts, "data": f"{words}, {len(source):,} images", "training": training},
        )
        say.out(f"judge {name}: {right:.2%} on validation, calibration error {error:.2%}")

    return make


def member(
    name: str,
    number: int,
    build: Callable[[], nn.Module],
    source: LabelledImages,
    course: Course,
    job: Job,
) -> nn.Module:
    """One of a judge's teachers, as it was kept or taught now."""
    path = job.out / "members" / f"{name}{number}.safetensors"
    if path.exists():
        network = build()
        network.load_state_dict(load_tensors(path)[0])
        return network.to(job.device).eval().requires_grad_(False)
    network = fit_classifier(build, source, course, number, Lesson(), job.device)
    save_tensors(path, network.state_dict(), {"steps": course.steps})
    say.out(f"judge {name}: teacher {number + 1} of {MEMBERS}")
    return network


def hands(job: Job) -> None:
    """Teach the writer judge."""
    part_b = split_mnist().part_b
    began = time.perf_counter()
    teach_writer_judge(part_b, replace(COURSE, steps=TRIED), device=job.device)
    per_step = (time.perf_counter() - began) / TRIED
    course = shortened(COURSE, job.seconds and WRITING * job.seconds, per_step)
    network = teach_writer_judge(part_b, course, device=job.device)
    training = {"steps": course.steps, "writers_a_step": course.batch_size, "device": job.where}
    words = f"part B of the split of MNIST's training digits by writer, {len(part_b):,} images"
    facts = {"judge": "hands", "role": "evaluation of hands", "network": type(network).__name__}
    save_tensors(
        job.out / "hands.safetensors",
        network.state_dict(),
        {**facts, "data": words, "training": training},
    )


def model(name: str) -> Callable[[Job], None]:
    """A job that trains a model by its recipe, and bundles it."""

    def make(job: Job) -> None:
        own = None if job.recipes is None else job.recipes / f"{name}.toml"
        recipe = load_recipe(name if own is None else own)
        begin, known = job.begin, recipe.start or recipe.teacher
        made = job.out / f"{known}.safetensors"  # by this command: better than what is bundled
        fresh = made if made.exists() else None
        begin = begin or fresh
        if recipe.teacher and begin is not None:
            teacher = fresh if is_student(begin) else begin
            recipe = replace(recipe, teacher=str(teacher or recipe.teacher))
        run = job.out / "runs" / name
        resume = (run / SETTINGS).exists()
        if resume:
            kept = json.loads((run / SETTINGS).read_text("utf-8"))["recipe"]
            recipe = recipe_from(kept, str(run / SETTINGS))
        elif job.seconds is not None:
            recipe = shorter(recipe, name, job, begin)
        train(recipe, name, run, resume, job.device, compile_network=True, start=begin)
        bundle(run, recipe, job.out / f"{name}.safetensors", device=job.where)

    return make


def is_student(path: Path) -> bool:
    """Whether a model is a student, whose training goes on, rather than a teacher of one."""
    config = ModelConfig.of(load_header(path).config, str(path))
    return config.prediction.get("name") == "consistency"


def shorter(recipe: Recipe, name: str, job: Job, begin: Path | None) -> Recipe:
    """The same recipe over as many images as the job's seconds are enough for."""
    assert job.seconds is not None
    began = time.perf_counter()
    trial = replace(recipe, epochs=1, images=TRIED * recipe.batch_size, pictures=1)
    tried = job.out / "tried" / f"{name}-{time.time_ns()}"
    train(trial, name, tried, False, job.device, compile_network=True, start=begin)
    rows = (tried / "loss.csv").read_text("utf-8").splitlines()[-TRIED // 2 :]
    per_image = sum(1 / float(row.rsplit(",", 1)[1]) for row in rows) / len(rows)
    spent = time.perf_counter() - began
    images = int(WRITING * max(0.0, job.seconds - (1 + AGAIN) * spent) / per_image)
    if images < A_PASS:
        return replace(recipe, epochs=1, images=max(images, recipe.batch_size))
    return replace(recipe, epochs=min(recipe.epochs, images // A_PASS))


JOBS: dict[str, tuple[float, Callable[[Job], None]]] = {  # with its share of the time
    "judge-a": (1.0, judge("a", PlainNet, "selection", 0)),
    "judge-b": (1.3, judge("b", ResidualNet, "evaluation", 1)),
    "hands": (0.3, hands),
    "digits": (4.0, model("digits")),
    "digits-fast": (1.5, model("digits-fast")),
    "pairs": (1.2, model("pairs")),
    "report": (1.0, model("report")),
    "report-pairs": (0.4, model("report-pairs")),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Make what is asked for and not finished yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=JOBS, metavar="NAME", default=[*JOBS])
    parser.add_argument("--from", dest="begin", type=Path, help="a model file to begin at")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, help="for everything together")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--recipes", type=Path, help="a folder of recipes instead of the bundled")
    asked = parser.parse_args(arguments)
    began = time.monotonic()
    todo = [
        name
        for name in JOBS
        if name in asked.only and not (asked.out / f"{name}.safetensors").exists()
    ]
    for place, name in enumerate(todo):
        seconds = None
        if asked.minutes is not None:
            left = 60 * asked.minutes - (time.monotonic() - began)
            seconds = max(left, 0) * JOBS[name][0] / sum(JOBS[each][0] for each in todo[place:])
        say.out(f"{name}: {'to the end' if seconds is None else f'{seconds:.0f} s'}")
        device = find_device(asked.device)
        JOBS[name][1](Job(asked.out, device, asked.begin, asked.recipes, seconds))


if __name__ == "__main__":
    with mistakes_in_one_line():
        sys.exit(main())
