"""A model with its sampler's steps as one ONNX graph, which draws without torch or inkseed."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from copy import copy
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from inkseed import __version__
from inkseed.checks import brief
from inkseed.data.labelled import as_uint8
from inkseed.diffusion.condition import Condition
from inkseed.diffusion.denoiser import Denoiser, NetworkDenoiser
from inkseed.diffusion.guidance import ClassifierFreeGuidance, GuidanceInterval
from inkseed.diffusion.schedule import Schedule
from inkseed.errors import InkseedError
from inkseed.files import write_atomically
from inkseed.model.hand import knows_hands
from inkseed.model.model import Model
from inkseed.model.sampling import LEAST_GUIDE_W, MOST_GUIDE_W, SamplingOptions
from inkseed.samplers import Noise, Step

if TYPE_CHECKING:
    import onnx

OPSET = 20
MOST_STEPS = 50  # each is a copy of the network's nodes, and a minute's work to export
NEEDED = ("onnx", "onnxscript")
LEAST_HALVED = 64  # numbers in a tensor, for which it is worth a node that widens them
HANDS = ("hand_mean", "hand_factor")
WIDENED = ".float16"  # at the end of the name of what is stored so


class Drawing(nn.Module):
    """All of a request's drawing as one module: noise and conditions in, uint8 images out."""

    def __init__(self, model: Model, asked: SamplingOptions) -> None:
        super().__init__()
        if not isinstance(model.denoiser, NetworkDenoiser) or model.device.type != "cpu":
            raise InkseedError("export a model as it is loaded: on the CPU, with its own denoiser")
        self.own = model.denoiser.uncompiled()
        self.network = model.network
        self.schedule = _remembering(model.schedule)
        self.how = model.settle(replace(asked, precision="float32"))
        if self.how.steps > MOST_STEPS:
            raise InkseedError(
                f"a graph holds each step by itself, at most {MOST_STEPS}, not {self.how.steps}:"
                " give fewer steps"
            )
        self.times = self.how.times(self.schedule)
        for t in self.times:
            self.schedule.level(t)
        self.noises = self._count()

    def forward(
        self,
        noise: Tensor,
        label: Tensor,
        guide_w: Tensor,
        style: Tensor | None = None,
        hand: Tensor | None = None,
    ) -> Tensor:
        """Draw N images.

        Args:
            noise: unit noise (N, noises, C, H, W): what images begin with, then what each step
                adds, for samplers that add any.
            label: int64 (N,), class indices, -1 where free.
            guide_w: (N,), the strength of guidance; 0 is off.
            style: (N, S), in the order of the styles' names, NaN where free.
            hand: (N, length + 1), as `inkseed.model.hand.tell_hands` gives it, NaN where free.

        Returns:
            uint8 (N, H, W), ink 255.
        """
        told = replace(Condition.of(label, style), hand=hand)
        denoiser: Denoiser = self.own
        if self.how.taught:
            told = replace(told, guide_w=guide_w)
        else:
            guided = ClassifierFreeGuidance(self.own, guide_w[:, None, None, None])
            denoiser = GuidanceInterval(guided, self.own, self.schedule, *self.how.guide_interval)
        begin, *added = noise.unbind(1)
        fresh = iter(added)
        x_T = self.schedule.start_scale * begin
        for step in self._walk(denoiser, x_T, told, lambda: next(fresh)):
            x = step.x
        return as_uint8(x)

    def _walk(
        self, denoiser: Denoiser, x_T: Tensor, told: Condition, noise: Noise
    ) -> Iterator[Step]:
        """The sampler's steps, with times that are numbers rather than tensors in the graph."""

        def at(x_t: Tensor, t: Any, condition: Condition) -> Tensor:
            return denoiser(x_t, torch.tensor(float(t), dtype=torch.float64), condition)

        times: Any = self.times.tolist()
        return self.how.walk(at, self.schedule, x_T, told, times, noise)

    def _count(self) -> int:
        """How many noises an image takes: its own, and one for each call of the sampler's."""
        x, drawn = torch.zeros(1, 1, 1, 1), [1]

        def noise() -> Tensor:
            drawn.append(1)
            return x

        told = Condition.of(torch.zeros(1, dtype=torch.int64))
        for _ in self._walk(lambda x_t, t, condition: x_t, x, told, noise):
            pass
        return len(drawn)


def _remembering(schedule: Schedule) -> Schedule:
    """The same schedule, which has at hand the levels that it was asked for before.

    While torch traces, a level that comes out of a table is no number that a sampler can compute
    with.
    """
    found, level = copy(schedule), cache(schedule.level)
    found.level = lambda t: level(float(t))  # type: ignore[method-assign]
    return found


def export_onnx(
    model: Model, path: str | Path, name: str, asked: SamplingOptions | None = None
) -> dict[str, Any]:
    """Write a model with its sampler as an ONNX file, whole or not at all; return what it says.

    Args:
        model: on the CPU, as it was loaded.
        path: where to write, a .onnx.
        name: what the file calls the model.
        asked: sampler, steps and spacing, if they are not to be the model's own.

    Returns:
        The file's metadata, which `inkseed` in its `metadata_props` has as JSON.

    Raises:
        InkseedError: without the packages that ONNX needs, and for a network or a sampler that
            cannot be exported.
    """
    check_onnx()
    drawing = Drawing(model, asked or SamplingOptions())
    made = _graph(drawing, _examples(drawing, model))
    _halve(made)
    told = _told(drawing, model, name)
    _note(made, "inkseed", told)
    if knows_hands(model.network):
        spread = {each: getattr(model.network, each).double().tolist() for each in HANDS}
        _note(made, "inkseed_hands", spread)
    made.producer_name, made.producer_version = "inkseed", __version__
    write_atomically(path, lambda opened: opened.write(made.SerializeToString()))
    return told


def check_onnx() -> None:
    """Raise InkseedError unless the packages that write ONNX files are there."""
    if not all(map(find_spec, NEEDED)):
        raise InkseedError(
            f"ONNX files need {' and '.join(NEEDED)}: pip install {' '.join(NEEDED)}"
        )


def _examples(drawing: Drawing, model: Model) -> dict[str, Tensor]:
    """What the graph is traced with: three images, of which everything is free."""
    count = 3
    given = {
        "noise": torch.zeros(count, drawing.noises, *model.shape),
        "label": torch.full((count,), -1),
        "guide_w": torch.full((count,), drawing.how.guide_w),
    }
    if model.styles:
        given["style"] = torch.full((count, len(model.styles)), torch.nan)
    if knows_hands(model.network):
        given["hand"] = torch.full((count, len(model.network.hand_mean) + 1), torch.nan)
    return given


def _graph(drawing: Drawing, given: dict[str, Tensor]) -> "onnx.ModelProto":
    """The graph of a drawing, for any number of images."""
    batch = torch.export.Dim("images")
    shapes = {name: {0: batch} for name in given}
    try:
        with _quiet(), torch.no_grad():
            traced = torch.export.export(
                drawing.eval(), (), given, dynamic_shapes=shapes, strict=False
            )
            made = torch.onnx.export(
                traced,
                input_names=list(given),
                output_names=["images"],
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except InkseedError:
        raise
    except Exception as error:  # whatever stops torch's tracing is the network's or the sampler's
        why = brief(str(error).strip().splitlines()[0] if str(error).strip() else type(error))
        raise InkseedError(
            f"{type(drawing.network).__name__} with {brief(drawing.how.facts()['sampler'])} cannot"
            f" be exported: {why}"
        ) from error
    graph: onnx.ModelProto = made.model_proto  # type: ignore[union-attr]
    return graph


def _halve(made: "onnx.ModelProto") -> None:
    """Store the weights that float16 holds exactly as float16, which is widened when they load."""
    from onnx import TensorProto, helper, numpy_helper

    kept = list(made.graph.initializer)
    widened = []
    for k, each in enumerate(kept):
        values = numpy_helper.to_array(each)
        if values.dtype != np.float32 or values.size < LEAST_HALVED:
            continue
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        kept[k] = numpy_helper.from_array(half, each.name + WIDENED)
        own = [kept[k].name], [each.name]
        widened.append(helper.make_node("Cast", *own, to=TensorProto.FLOAT))
    rest = list(made.graph.node)
    for field, entries in ((made.graph.initializer, kept), (made.graph.node, [*widened, *rest])):
        del field[:]
        field.extend(entries)


def _told(drawing: Drawing, model: Model, name: str) -> dict[str, Any]:
    """What the file says of itself, as plain values."""
    how, schedule = drawing.how, drawing.schedule
    ratios = [schedule.ratio(t) for t in drawing.times]
    most = getattr(model.network, "most_guide_w", 0.0)
    between = [0.0, most] if how.taught else [LEAST_GUIDE_W, MOST_GUIDE_W]
    own = {key: value for key, value in how.facts().items() if key != "precision"}
    return {
        "model": name,
        "weights_sha256": model.weights_sha256,
        "inkseed": __version__,
        "opset": OPSET,
        **own,
        "levels": [ratio if np.isfinite(ratio) else None for ratio in ratios],
        "noises": drawing.noises,
        "class_names": list(model.class_names),
        "image_size": list(model.image_size),
        "styles": {key: list(model.styles[key]) for key in sorted(model.styles)},
        "guide_w": how.guide_w,
        "guide_w_between": between,
    }


def _note(made: "onnx.ModelProto", key: str, value: Any) -> None:
    entry = made.metadata_props.add()
    entry.key, entry.value = key, json.dumps(value)


@contextmanager
def _quiet() -> Iterator[None]:
    """A context in which torch keeps its notes, and the graphs that it cannot trace, to itself."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
