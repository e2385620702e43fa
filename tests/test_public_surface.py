"""What README and docs use is there, is declared, and comes after a plain `import inkseed`."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import inkseed as package

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("data", "ddpm", "evaluation", "judges", "nn", "noise", "samplers", "study")
DESCRIBED = (  # the calls that people use most, and the longest
    "load",
    "write",
    "Number",
    "Model.sample",
    "Model.settings",
    "Model.cost",
    "Request",
    "SamplingOptions",
    "Samples",
    "evaluate",
    "train",
    "load_recipe",
    "training.recipes.Recipe",
    "model.config.ModelConfig",
    "diffusion.condition.Condition",
    "load_hand",
    "Hand",
    "data.read_images",
    "data.read_folder",
    "data.read_digits",
    "data.create_mnist_dataloaders",
    "data.Split",
    "evaluation.read_sets",
    "noise.register",
    "noise.find_strategy",
    "noise.Task",
    "noise.Tries",
    "noise.Tries.best",
    "noise.Start",
    "noise.Streams",
    "samplers.register",
    "samplers.find_sampler",
    "samplers.posterior",
    "samplers.ancestral",
    "samplers.ddim",
    "samplers.heun",
    "samplers.dpm_solver",
    "samplers.invert",
    "samplers.invert_fixed_point",
    "diffusion.guidance.ClassifierFreeGuidance",
    "diffusion.guidance.GuidanceInterval",
    "diffusion.guidance.guided",
    "diffusion.guidance.warn_untaught",
    "diffusion.schedule.LinearBetas",
    "diffusion.schedule.VarianceExploding",
    "diffusion.schedule.schedule_from",
    "diffusion.schedule.times",
    "diffusion.counter.Counter",
    "study.run_study",
    "nn.ContextUnet",
    "nn.ContextUnet.forward",
    "nn.PatchUnet",
    "nn.PatchUnet.forward",
    "judges.JudgeB.read",
    "ddpm.SimpleDiffusion",
    "ddpm.SimpleDiffusion.forward",
    "ddpm.SimpleDiffusion.sample",
    "ddpm.SimpleDiffusion.save",
    "ddpm.NoiseStrategyDiffusion",
    "ddpm.NoiseStrategyDiffusion.noise_selection",
    "ddpm.generate_samples",
)


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def imports_of(code: str) -> Iterator[tuple[str, str]]:
    """(module, name) of each `from inkseed... import name`, and of each `inkseed.name` used."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "inkseed":
            yield from ((str(node.module), each.name) for each in node.names)
        if isinstance(node, ast.Attribute) and dotted(node).startswith("inkseed."):
            module, name = dotted(node).rsplit(".", 1)
            yield module, name


def dotted(node: ast.AST) -> str:
    """`inkseed.noise.available` as it is written; "" for anything but names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def resolved(path: str) -> Any:
    """What a dotted path names: modules are imported as far as it goes, the rest are attributes."""
    found: Any = package
    for length, part in enumerate(path.split(".")[1:], start=2):
        if not hasattr(found, part):
            importlib.import_module(".".join(path.split(".")[:length]))
        found = getattr(found, part)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_in_a_pages_code_is_public(page):
    for block in blocks(page):
        for module, name in imports_of(block):
            room = importlib.import_module(module)
            assert hasattr(room, name), f"{page.name}: {module} has no {name}"
            public = getattr(room, "__all__", [name])
            assert name in public, f"{page.name}: {name} is not in {module}.__all__"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_in_a_pages_text_exists(page):
    text = page.read_text("utf-8")
    imports = re.findall(r"`from (inkseed[.\w]*) import (\w+)`", text)
    for path in re.findall(r"`(inkseed(?:\.[A-Za-z_]\w*)+)", text) + list(map(".".join, imports)):
        resolved(path)


def test_everything_declared_is_there_after_a_plain_import():
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert callable(package.evaluate)
    assert callable(package.train)
    assert "gaussian" in package.noise.available()
    assert "heun" in package.samplers.SAMPLERS
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = package.nonsense


def test_types_and_attributes_agree():
    """What mypy and editors are told is what `__getattr__` gives."""
    tree = ast.parse(Path(str(package.__file__)).read_text("utf-8"))
    told = {
        each.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }
    assert sorted(told) == sorted(package.__all__)
    for name, module in told.items():
        given = getattr(package, name)
        if isinstance(given, ModuleType):
            assert given.__name__ == f"{module}.{name}"
        else:
            assert given is getattr(importlib.import_module(str(module)), name)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_declares_what_is_there_with_a_docstring(room):
    module = importlib.import_module(f"inkseed.{room}")
    for name in module.__all__:
        public = getattr(module, name)
        if callable(public) and getattr(public, "__module__", "").startswith("inkseed"):
            assert public.__doc__, f"inkseed.{room}.{name} has no docstring"


def test_every_public_name_has_its_place_in_the_api_pages():
    pages = {page.stem: page.read_text("utf-8") for page in (ROOT / "docs" / "api").glob("*.md")}
    directives = {
        name: re.findall(r"^::: (\S+)", text, re.MULTILINE) for name, text in pages.items()
    }
    for name in package.__all__:
        page = name if isinstance(getattr(package, name), ModuleType) else "inkseed"
        assert f"inkseed.{name}" in directives[page], f"docs/api/{page}.md lacks inkseed.{name}"


@pytest.mark.parametrize("path", DESCRIBED)
def test_a_described_call_describes_every_argument(path):
    call = resolved(f"inkseed.{path}")
    section = r"\n(?:Args|Attributes):\n(.*?)(?:\n\n|$)"  # of a value, its fields
    described = re.search(section, str(inspect.getdoc(call)), re.DOTALL)
    assert described is not None, f"{path} has no section Args"
    named = re.findall(r"^    (\w+):", described[1], re.MULTILINE)
    assert named == [name for name in inspect.signature(call).parameters if name != "self"]


def test_nothing_heavy_is_imported_until_it_is_asked_for():
    code = (
        "import sys, inkseed\n"
        "dir(inkseed)\n"
        "heavy = {'torch', 'numpy', 'accelerate', 'typer', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert inkseed.samplers.__name__ == 'inkseed.samplers'\n"
        "assert inkseed.noise.available()\n"
        "assert not {'accelerate', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_writing_a_number_imports_no_more_than_it_needs(tmp_path):
    command = ["write", "7", "--model", "digits-fast", "--out", str(tmp_path / "n.png")]
    code = (
        "import sys\n"
        "from inkseed.cli import main\n"
        "try:\n"
        f"    main({command!r})\n"
        "finally:\n"
        "    idle = {'torch._dynamo', 'sympy', 'scipy', 'matplotlib', 'accelerate', 'contourpy'}\n"
        "    assert not idle & set(sys.modules), idle & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
