"""`inkseed export`."""

import json
from pathlib import Path
from typing import Annotated

from inkseed import say
from inkseed.cli.options import (
    Json,
    ModelName,
    SamplerName,
    Spacing,
    Steps,
    load_model,
    output_option,
)
from inkseed.model.weights import DEFAULT_MODEL


def export(
    out: Annotated[Path, output_option("The .onnx file to write.")],
    model: ModelName = DEFAULT_MODEL,
    sampler: SamplerName = None,
    steps: Steps = None,
    spacing: Spacing = None,
    as_json: Json = False,
) -> None:
    """Write a model and its sampler as one ONNX graph, to draw without Python: takes minutes."""
    from inkseed.files import check_writable

    check_writable(out, (".onnx",))
    loaded = load_model(model, "cpu", None)
    from inkseed.export.onnx import export_onnx
    from inkseed.model.sampling import SamplingOptions

    name = Path(model).stem if Path(model).suffix else model
    asked = SamplingOptions(sampler=sampler, steps=steps, spacing=spacing)
    told = {"out": str(out), **export_onnx(loaded, out, name, asked)}
    size = out.stat().st_size
    if as_json:
        say.out(json.dumps({**told, "bytes": size}))
        return
    say.out(out)
    steps_said = f"{told['steps']} steps" if told["steps"] > 1 else "1 step"
    say.note(f"{size / 1e6:.1f} MB; {told['sampler']}, {steps_said}; opset {told['opset']}")
