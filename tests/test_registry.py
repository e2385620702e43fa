"""The registries: names without imports, owners of names, help."""

import re
import subprocess
import sys

import pytest

from inkseed import registry
from inkseed.errors import InkseedError
from inkseed.named_files import MODELS, RECIPES
from inkseed.registry import (
    NETWORKS,
    PREDICTIONS,
    SAMPLERS,
    SCHEDULES,
    SPACINGS,
    STRATEGIES,
    TRAINING_TIMES,
)

KINDS = (SAMPLERS, STRATEGIES, SCHEDULES, PREDICTIONS, SPACINGS, NETWORKS, TRAINING_TIMES)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_the_names_in_the_sources_are_those_that_are_registered(kind, forget):
    for module in sorted((registry.PACKAGE / kind.room).glob("*.py")):
        if module.stem != "__init__":
            __import__(f"inkseed.{kind.room}.{module.stem}")
    built_in = {name for name, home in kind._homes.items() if home.startswith("inkseed.")}
    assert set(kind.declared) == built_in
    assert {name: told.module for name, told in kind.declared.items()} == {
        name: kind._homes[name] for name in built_in
    }


def test_help_prints_the_names_of_every_registry_without_torch():
    probe = (
        "import sys; from inkseed.cli import main\n"
        "try: main()\nfinally: print('torch' in sys.modules)"
    )
    wanted = {
        "sample": [*SAMPLERS.declared, *STRATEGIES.declared, *SPACINGS.declared],
        "train": RECIPES.names(),
    }
    for command, names in wanted.items():
        done = subprocess.run(
            [sys.executable, "-c", probe, command, "--help"], capture_output=True, text=True
        )
        words = re.sub("[,;.]", " ", done.stdout).split()
        assert set(names) <= set(words), done.stdout
        assert "{" not in done.stdout.split("\n", 2)[2]
        assert words[-1] == "False"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_name_is_its_owners(kind, forget):
    taken = next(iter(kind.declared))
    with pytest.raises(InkseedError, match=f"already a {kind.kind} '{taken}': take another name"):
        kind.register(taken)(lambda: None)
    with pytest.raises(InkseedError, match="made of a-z"):
        kind.register("My own")
    with pytest.raises(InkseedError, match="under a name"):
        kind.register(lambda: None)
    with pytest.raises(InkseedError, match="a function or a class"):
        kind.register("mine")(3)
    for unknown in ("mine", None, ["mine"]):
        with pytest.raises(InkseedError, match=f"no {kind.kind} .*give one of .*{taken}"):
            kind.find(unknown)
    assert "mine" not in kind
    kind.register("mine")(test_a_name_is_its_owners)
    assert kind.find("mine") is kind["mine"] is test_a_name_is_its_owners
    assert list(kind)[-1] == "mine"


def test_a_built_in_name_is_taken_before_its_module_is_imported():
    """Whoever comes first: a file that is run before the room is imported takes no name of it."""
    probe = (
        "from inkseed.registry import NETWORKS\nimport sys\n"
        "try: NETWORKS.register('patch_unet')(print)\nexcept Exception as error: print(error)\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)
    assert done.stdout == "there is already a network 'patch_unet': take another name\nFalse\n"


@pytest.mark.parametrize(("kind", "known"), [(MODELS, "digits"), (RECIPES, "quick")])
def test_bundled_files_go_by_their_names_and_others_by_their_paths(kind, known, tmp_path):
    assert known in kind.names()
    assert kind.find(known).name == f"{known}{kind.suffix}"
    own = tmp_path / "mine"
    own.write_text("")
    assert kind.find(own) == kind.find(str(own)) == own
    for unknown in ("mine", "x" * 300, "", "\0"):
        with pytest.raises(InkseedError, match=f"no {kind.kind} '.*give one of .*{known}") as told:
            kind.find(unknown)
        assert len(str(told.value)) < 250
    with pytest.raises(InkseedError, match=f"no such {kind.kind} file: .*mine"):
        kind.find(tmp_path / f"mine{kind.suffix}")
