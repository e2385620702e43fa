"""The training loop: a recipe in, a run's folder out, resumable to exactly the same weights.

All randomness of step k depends only on (seed, k), and is drawn for the whole batch. So what is
learned does not depend on where a run was interrupted, or on how many processes share it.
"""

import contextlib
import csv
import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from accelerate import Accelerator

from inkseed.checkpoint import save_tensors
from inkseed.data import HowToRead
from inkseed.errors import InkseedError
from inkseed.held import claimed
from inkseed.interrupt import deferred
from inkseed.model.loading import load
from inkseed.model.model import Model
from inkseed.nn.device import find_device
from inkseed.pictures import Band, draw_bands, save_picture
from inkseed.progress import training_bar
from inkseed.say import note
from inkseed.training.averages import choose_average, with_weights
from inkseed.training.data import TrainingData, model_config, training_data
from inkseed.training.hands import fit_hands
from inkseed.training.lessons import lessons_of
from inkseed.training.objective import Drawn, objective_of
from inkseed.training.paths import load_teacher
from inkseed.training.recipes import Recipe
from inkseed.training.run import Run
from inkseed.training.run_folder import MODEL, STATE, check_run, draw_loss, open_log, open_run
from inkseed.training.step import SharedStep, Step, ahead

SAMPLE_SEED = 0  # all grids of a run start from the same noise
STATE_SECONDS = 60.0
MOST_DRAWN = 20  # classes in a grid of samples


def train(
    recipe: Recipe,
    name: str,
    out: str | Path,
    resume: bool = False,
    device: str | torch.device | None = None,
    compile_network: bool = False,
    data: Path | None = None,
    size: tuple[int, int] | None = None,
    start: str | Path | None = None,
    how: HowToRead | None = None,
) -> Path:
    """Train a model by a recipe, in a folder of its own.

    Under `torchrun` the processes share each batch. A line on standard error says what was read of
    `data`.

    Args:
        recipe: the settings of the run; `inkseed.load_recipe` reads one.
        name: the recipe's name, kept in the model file.
        out: the run's folder: new or empty, unless `resume` is set.
        resume: continue an unfinished run; everything else must be as it was.
        device: where to train, for example "cuda"; None is the CPU.
        compile_network: compile the network first, which pays off in long runs.
        data: your own images, in any form that `inkseed.data.read_images` reads.
        size: (height, width) to resize your own images to.
        start: a model to start from, instead of the recipe's.
        how: how to read your own images.

    Returns:
        The path of the finished model.

    Raises:
        InkseedError: if the folder, the images and the request do not fit together, if the device
            is missing, if another run is going on in the folder, or if the loss is no longer
            finite.
    """
    out, start = Path(out), start or recipe.start or recipe.teacher or None
    device = None if device is None else find_device(device)
    engine = Accelerator(cpu=device is None or device.type == "cpu")
    if recipe.batch_size % engine.num_processes:
        raise InkseedError(
            f"{engine.num_processes} processes cannot share batches of {recipe.batch_size} evenly"
        )
    source = training_data(recipe, data, size, how)
    place_on = engine.device if engine.num_processes > 1 or device is None else device
    begin = None if start is None else load(start)
    teacher = load_teacher(recipe, place_on)
    config = model_config(recipe, name, source, bool(begin.styles) if begin else recipe.styles)
    run = Run.fresh(recipe, config, place_on, begin)
    asked = {
        "recipe": dataclasses.asdict(recipe),
        **source.identity(),
        "from": begin and begin.weights_sha256,
    }
    check_run(out, asked, resume)  # all processes look before one writes
    engine.wait_for_everyone()
    with claimed(out) if engine.is_main_process else contextlib.nullcontext():
        if engine.is_main_process:
            open_run(out, asked, resume)
            if source.reading:
                note(source.reading)
        if resume and (out / STATE).exists():
            run.restore(out / STATE)
        _loop(run, recipe, source, out, engine, compile_network, teacher)
        engine.wait_for_everyone()
        if engine.is_main_process:
            _finish(run, recipe, source, out, teacher)
    engine.end_training()
    return out / MODEL


def _finish(
    run: Run, recipe: Recipe, source: TrainingData, out: Path, teacher: Model | None
) -> None:
    """Choose an average, and write the model."""
    run.describe(recipe)
    averages = {f"ema_{decay}": each for decay, each in run.averages.averages.items()}
    weights, chosen = choose_average(
        run.network, run.config, averages, recipe, source, out, teacher
    )
    if recipe.hands and teacher is None:
        finished = with_weights(run.network, weights)
        fit_hands(finished, source.examples.digits or source.source)
        weights = finished.state_dict()
    save_tensors(out / MODEL, weights, run.config.trained(chosen).plain())


def _loop(
    run: Run,
    recipe: Recipe,
    data: TrainingData,
    out: Path,
    engine: Accelerator,
    compiled: bool,
    teacher: Model | None,
) -> None:
    steps = steps_of(recipe, data.a_pass)
    pictures = {round(steps * k / recipe.pictures) for k in range(1, recipe.pictures + 1)}
    # not if alone, since Accelerate would move it to the first GPU
    network = engine.prepare(run.network) if engine.num_processes > 1 else run.network
    fast = torch.compile(network, dynamic=False) if compiled else network
    encoder = getattr(run.network, "encoder", None)
    objective = objective_of(fast, run.config, recipe, encoder)
    if teacher is not None and compiled:
        teacher.compile()
    lessons = lessons_of(recipe, data.of_pass, bool(run.config.styles), objective, teacher)
    learn: Callable[[Drawn, float], float]
    if engine.num_processes == 1:
        learn = Step(objective, run.optimizer, recipe.max_grad_norm)
    else:
        learn = SharedStep(objective, run.optimizer, recipe.max_grad_norm, engine)
    main = engine.is_main_process
    # a teacher's paths are walked on the device itself, between two steps
    waits_on = run.device if teacher is None else torch.device("cpu")
    run.network.train()
    saved = time.monotonic()

    with (
        open_log(out, run.step) if main else contextlib.nullcontext() as log,
        training_bar(steps, run.step, recipe.batch_size, main) as tell,
        deferred(engine.num_processes == 1, insisting=True) as interrupted,
        ahead(lessons, range(run.step, steps), waits_on) as drawn_steps,
    ):
        began = time.perf_counter()
        for step, drawn in drawn_steps:
            rate = learning_rate(recipe, step, steps)
            value = learn(drawn, rate)
            if not math.isfinite(value):
                raise InkseedError(
                    f"the loss is {value} at step {step}: in a new folder, lower learning_rate or,"
                    " if it is the first step, correct p_mean and p_std"
                )
            run.averages.update(step, run.network.state_dict())
            run.step = step + 1
            ended = time.perf_counter()
            speed = recipe.batch_size / (ended - began)  # with the wait for what it learned from
            began = ended
            tell(value, speed)
            if log is None:
                continue
            row = (
                step,
                run.step * recipe.batch_size,
                f"{value:.6f}",
                f"{rate:.3g}",
                f"{speed:.1f}",
            )
            csv.writer(log).writerow(row)
            if run.step in pictures:  # before the state, from which a killed run goes on
                log.flush()
                _draw_samples(run, recipe, out / "samples" / f"step_{run.step:06d}.png")
                draw_loss(out)
            stopping = interrupted()  # asked once, so that a later Ctrl-C waits for the next step
            due = run.step in pictures or run.step == steps
            if stopping or due or time.monotonic() - saved > STATE_SECONDS:
                log.flush()
                run.save(out / STATE, recipe)
                saved = time.monotonic()
            if stopping:
                break


def steps_of(recipe: Recipe, images: int) -> int:
    """How many batches a run over so many images takes, rounded up."""
    return -(-recipe.epochs * images // recipe.batch_size)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Rises over the warm-up, stays level, and falls linearly to 0 from `decay_start` on."""
    rising = min(1.0, (step + 1) / max(recipe.warm_up, 1))
    falling = min(1.0, (1 - step / steps) / max(1 - recipe.decay_start, 1e-9))
    return recipe.learning_rate * rising * falling


def _draw_samples(run: Run, recipe: Recipe, path: Path) -> None:
    """Two images a class, of 20 at most, from the first average, always from the same noise."""
    weights = next(iter(run.averages.averages.values()), run.network.state_dict())
    model = Model(with_weights(run.network, weights), run.config, run.device)
    every = -(-len(model.class_names) // MOST_DRAWN)
    classes = [*range(0, len(model.class_names), every)]
    try:
        drawn = model.sample(classes * 2, SAMPLE_SEED)
    except InkseedError:  # early weights may draw nothing finite: then there is no picture
        return
    caption = f"after {run.step * recipe.batch_size:,} images"
    save_picture(draw_bands([Band(caption, drawn.images)], len(classes)), path)
