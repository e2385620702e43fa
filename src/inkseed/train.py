"""The training loop: a recipe in, a run's folder out, resumable after every epoch.

A run's folder holds `settings.json` from the start, `loss.csv`, `samples/epoch_00.png` and so on,
`state/last.safetensors` (weights and optimiser after the last whole epoch), and at the end
`model.safetensors`, also under the report's name: `model_19.safetensors` after epochs 0 to 19.
"""

import copy
import csv
import dataclasses
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from inkseed.checkpoint import load_tensors, save_tensors
from inkseed.data import create_loader, load_mnist
from inkseed.data.labelled import LabelledImages
from inkseed.denoiser import EpsDenoiser, eps_loss
from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.model import Model
from inkseed.nn import ContextUnet
from inkseed.nn.precision import place
from inkseed.pictures import Band, draw_bands, save_picture
from inkseed.recipes import Recipe, recipe_from
from inkseed.rng import stream
from inkseed.schedule import schedule_from
from inkseed.weights import DEFAULT_GUIDE_W

STATE = Path("state", "last.safetensors")
PROGRESS = ("epochs_done", "images_seen", "last_epoch_loss", "date")
INITIAL, ORDER, LOSS = range(3)  # what a random stream of the run is for
LOG_COLUMNS = ("epoch", "step", "loss", "learning_rate", "images_per_second")
SAMPLE_SEED = 0  # the grids of all epochs begin from the same noise


def train(
    recipe: Recipe,
    name: str,
    out: str | Path,
    resume: bool = False,
    device: torch.device | None = None,
    compile_network: bool = False,
) -> Path:
    """Train by `recipe` into the folder `out`; return the path of the finished model.

    With `resume` an unfinished run goes on after its last whole epoch; the recipe must be the one
    that it was started with. Raises InkseedError where the folder and the request do not fit, or
    the loss is not finite any more.
    """
    out = Path(out)
    device = device or torch.device("cpu")
    source = _training_digits(recipe)
    config = _config(recipe, name, source)
    schedule = schedule_from(config["schedule"])
    run = _Run.fresh(recipe, config, device)
    if resume:
        _check_settings(recipe, out)
        run.restore(out)
    else:
        _start_folder(recipe, out)
    forward = torch.compile(run.network) if compile_network else run.network
    denoiser = EpsDenoiser(forward, schedule, mixed_precision=True)

    with _progress() as progress:
        for epoch in range(run.epochs_done, recipe.epochs):
            losses = _train_epoch(run, denoiser, recipe, source, epoch, out, progress)
            run.finish_epoch(epoch, losses, len(source))
            _draw_samples(run, out / "samples" / f"epoch_{epoch:02d}.png", epoch)
            run.save(out)
    final = out / f"model_{recipe.epochs - 1}.safetensors"
    for path in (final, out / "model.safetensors"):
        save_tensors(path, run.network.state_dict(), run.config)
    return final


@dataclasses.dataclass
class _Run:
    """What changes as training goes on, and must outlive the process."""

    network: ContextUnet
    optimizer: torch.optim.Adam
    config: dict[str, Any]
    device: torch.device

    @classmethod
    def fresh(cls, recipe: Recipe, config: dict[str, Any], device: torch.device) -> "_Run":
        with torch.random.fork_rng(devices=[]):  # torch's initialisers know no generator
            torch.manual_seed(stream(recipe.seed, INITIAL).initial_seed())
            network = ContextUnet(**config["network"])
        network = place(network, device)
        optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate, fused=True)
        return cls(network, optimizer, config, device)

    @property
    def epochs_done(self) -> int:
        return self.config["training"]["epochs_done"]

    def finish_epoch(self, epoch: int, losses: list[float], images: int) -> None:
        loss, today = round(sum(losses) / len(losses), 6), datetime.now(UTC).date().isoformat()
        values = (epoch + 1, (epoch + 1) * images, loss, today)
        self.config["training"].update(zip(PROGRESS, values, strict=True))

    def save(self, out: Path) -> None:
        tensors = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"adam.{key}.{name}"] = value
        save_tensors(out / STATE, tensors, self.config)

    def restore(self, out: Path) -> None:
        """Take up the last whole epoch; a run that was stopped before one begins anew."""
        if not (out / STATE).exists():
            return
        tensors, config = load_tensors(out / STATE)
        own = self.config["training"]
        try:
            progress = {key: config["training"][key] for key in PROGRESS}
            if recipe_from(config["training"]["settings"], "state") != Recipe(**own["settings"]):
                raise KeyError("settings")
            self.network.load_state_dict(network_part(tensors))
            for name, parameter in self.network.named_parameters():
                # the fused update walks raw memory: the moments must lie as their parameter lies
                moments = {
                    key: torch.empty_like(parameter).copy_(tensors[f"adam.{key}.{name}"])
                    for key in ("exp_avg", "exp_avg_sq")
                }
                step = tensors[f"adam.step.{name}"].to(self.device)
                self.optimizer.state[parameter] = {"step": step, **moments}
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InkseedError(
                f"{out / STATE} does not fit {out}'s settings: start anew"
            ) from error
        own.update(progress)


def network_part(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The network's weights in a training state."""
    prefix = "network."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _train_epoch(
    run: _Run,
    denoiser: EpsDenoiser,
    recipe: Recipe,
    source: LabelledImages,
    epoch: int,
    out: Path,
    progress: Progress,
) -> list[float]:
    """One pass over the digits. Its randomness hangs on (seed, epoch) alone: it can be redone."""
    order = stream(recipe.seed, ORDER, epoch).initial_seed()
    loader = create_loader(source, recipe.batch_size, shuffle_seed=order)
    generator = stream(recipe.seed, LOSS, epoch)
    rate = recipe.learning_rate * (1 - epoch / recipe.epochs)
    for group in run.optimizer.param_groups:
        group["lr"] = rate
    run.network.train()
    task = progress.add_task(f"epoch {epoch}", total=len(source), loss="", speed="")
    losses: list[float] = []
    with _open_log(out / "loss.csv", epoch) as log:
        rows = csv.writer(log)
        for step, (x, c) in enumerate(loader):
            began = time.perf_counter()
            x = x.to(run.device, memory_format=torch.channels_last)
            loss = eps_loss(denoiser, x, c.to(run.device), recipe.drop_prob, generator)
            run.optimizer.zero_grad()
            loss.backward()
            run.optimizer.step()
            losses.append(loss.item())
            if not torch.isfinite(loss):
                raise InkseedError(
                    f"the loss is {losses[-1]} in epoch {epoch}: lower learning_rate"
                )
            speed = len(x) / (time.perf_counter() - began)
            rows.writerow((epoch, step, f"{losses[-1]:.6f}", f"{rate:.3g}", f"{speed:.1f}"))
            log.flush()
            recent = sum(losses[-50:]) / len(losses[-50:])
            progress.update(task, advance=len(x), loss=f"loss {recent:.4f}", speed=f"{speed:.0f}/s")
    return losses


def _draw_samples(run: _Run, path: Path, epoch: int) -> None:
    """Two digits a class, from the same noise after every epoch."""
    model = Model(copy.deepcopy(run.network), run.config, run.device)
    classes = len(model.class_names)
    drawn = model.sample([*range(classes)] * 2, SAMPLE_SEED)
    caption = f"after epoch {epoch}, guide_w = {DEFAULT_GUIDE_W}"
    save_picture(draw_bands([Band(caption, drawn.images)], classes), path)


def _training_digits(recipe: Recipe) -> LabelledImages:
    mnist = load_mnist(train=True)
    count = recipe.images or len(mnist)
    return LabelledImages(mnist.images[:count], mnist.labels[:count], mnist.class_names)


def _config(recipe: Recipe, name: str, source: LabelledImages) -> dict[str, Any]:
    return {
        "network": {
            "in_channels": 1,
            "n_feat": recipe.n_feat,
            "n_classes": len(source.class_names),
        },
        "schedule": {"name": "linear_betas", "betas": recipe.betas, "n_T": recipe.n_T},
        "prediction": {"name": "eps"},
        "image_size": source.images.shape[1:],
        "class_names": source.class_names,
        "training": {
            "recipe": name,
            "settings": dataclasses.asdict(recipe),
            "data": f"MNIST, the first {len(source)} of its 60,000 training digits",
            "epochs_done": 0,
        },
    }


def _start_folder(recipe: Recipe, out: Path) -> None:
    if (out / "settings.json").exists():
        raise InkseedError(f"{out} holds a run already: add --resume, or give another --out")
    if out.exists() and (
        not out.is_dir()
        or any(path for path in out.iterdir() if not path.name.startswith(".inkseed-"))
    ):
        raise InkseedError(f"{out} exists and is not a run's folder: give another --out")
    settings = json.dumps({"recipe": dataclasses.asdict(recipe)}, indent=2)
    write_atomically(out / "settings.json", lambda path: path.write_text(settings + "\n"))


def _check_settings(recipe: Recipe, out: Path) -> None:
    """Refuse to resume a run by another recipe than it was started with."""
    path = out / "settings.json"
    if not path.is_file():
        raise InkseedError(f"{out} holds no run to resume: leave --resume out to start one")
    try:
        settings = json.loads(path.read_text("utf-8"))["recipe"]
    except (KeyError, TypeError, ValueError) as error:
        raise InkseedError(f"{path} is damaged: start anew in another folder") from error
    started = recipe_from(settings, str(path))
    for field in dataclasses.fields(Recipe):
        was, now = getattr(started, field.name), getattr(recipe, field.name)
        if was != now:
            raise InkseedError(
                f"{out} was started with {field.name} {was}, not {now}: resume by the same recipe"
            )


def _open_log(path: Path, epoch: int) -> Any:
    """The loss log, open to append `epoch`; rows that an earlier, broken try left are dropped."""
    kept = [",".join(LOG_COLUMNS)]
    if path.exists():
        rows = path.read_text("utf-8").splitlines()[1:]
        kept += [
            row for row in rows if row.split(",")[0].isdecimal() and int(row.split(",")[0]) < epoch
        ]
    write_atomically(path, lambda temporary: temporary.write_text("\n".join(kept) + "\n"))
    return path.open("a", newline="", encoding="utf-8")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[speed]}"),
        TextColumn("{task.fields[loss]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
