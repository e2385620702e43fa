"""A sampler of one's own, by name and by file, as typed."""

from pathlib import Path

import numpy as np
import pytest

from inkseed import load
from inkseed.diffusion.schedule import LinearBetas
from inkseed.errors import InkseedError
from inkseed.model.sampling import SamplingOptions, settle
from inkseed.noise import find_strategy
from inkseed.samplers import SAMPLERS, ddim, find_sampler, register
from inkseed.study import StudySettings

SCHEDULE = LinearBetas((1e-3, 0.3), 12)
EULER = """from inkseed.samplers import Step, ddim_step, register


@register("{name}", steps={steps})
def walk(denoiser, schedule, x, label, times, noise):
    for t, s in zip(times[:-1], times[1:]):
        x_0 = denoiser(x, t, label)
        x = {scale} * ddim_step(schedule, x, x_0, t, s)
        yield Step(float(s), x, x_0)
"""


pytestmark = pytest.mark.usefixtures("forget")


def own_file(path, name="mine", steps=3, scale=1.0):
    path.write_text(EULER.format(name=name, steps=steps, scale=scale))
    return path


def test_a_file_of_ones_own_works_as_typed(inkseed, tiny_model, tmp_path):
    own = own_file(tmp_path / "mine.py")
    outs = [tmp_path / f"{k}.npz" for k in range(3)]
    command = ("sample", "--count", 1, "--model", tiny_model, "--guide-w", 0)
    assert inkseed(*command, "--sampler", own, "--out", outs[0]).status == 0
    assert inkseed(*command, "--sampler", "mine", "--out", outs[1]).status == 0  # known by now
    assert inkseed(*command, "--sampler", "ddim", "--steps", 3, "--out", outs[2]).status == 0
    images = []
    for out in outs:
        with np.load(out) as saved:
            assert set(saved["nfe"]) == {3}
            images.append(saved["images"])
    assert np.array_equal(images[0], images[1])
    number = ("write", "2026", "--model", tiny_model, "--out", tmp_path / "n.png")
    assert inkseed(*number, "--sampler", own, "--steps", 2).status == 0


def test_the_steps_of_the_file_and_the_models_spacing_are_taken():
    register("own", steps=7)(ddim_like)
    register("spaced", steps=7, spacing="karras")(ddim_like)
    model = {"sampler": "heun", "steps": 4}
    assert settle(model, SCHEDULE, SamplingOptions(sampler="own")).steps == 7
    assert settle(model, SCHEDULE, SamplingOptions(sampler="own")).spacing == "log_snr"  # heun's
    assert (
        settle({**model, "spacing": "quadratic"}, SCHEDULE, SamplingOptions(sampler="own")).spacing
        == "quadratic"
    )
    assert settle(model, SCHEDULE, SamplingOptions(sampler="spaced")).spacing == "karras"
    assert (
        settle(model, SCHEDULE, SamplingOptions(sampler="own", spacing="uniform", steps=2)).spacing
        == "uniform"
    )
    assert settle({**model, "sampler": "own"}, SCHEDULE).walk is ddim_like


def ddim_like(denoiser, schedule, x_T, label, times, noise):
    """As ddim."""
    return ddim(denoiser, schedule, x_T, label, times)


def test_a_mistake_is_told_in_one_line(inkseed, tiny_model, tmp_path):
    own, out = tmp_path / "mine.py", tmp_path / "n.png"
    command = ("write", 2, "--model", tiny_model, "--steps", 2, "--out", out, "--sampler", own)
    wrong = {
        "no such file": None,
        "registers no sampler": "x = 1\n",
        "mine.py failed: ValueError: no": "raise ValueError('no')\n",
        "there is already a sampler 'heun'": EULER.format(name="heun", steps=3, scale=1),
        "made of a-z": EULER.format(name="My own", steps=3, scale=1),
        "steps must be from 1": EULER.format(name="mine", steps=0, scale=1),
        "the sampler failed: NameError": EULER.format(name="mine", steps=3, scale="scale"),
        "of another shape": EULER.format(name="mine", steps=3, scale=1).replace(
            "float(s), x,", "float(s), x[:, :, 1:],"
        ),
    }
    for words, text in wrong.items():
        if text is not None:
            own.write_text(text)
        done = inkseed(*command)
        assert (done.status, words in done.err) == (2, True), (words, done.err)
        assert len(done.err.strip().splitlines()) == 1
    assert "a .py file" in inkseed(*command[:-1], "euler").err
    with pytest.raises(InkseedError, match="no spacing 'even'"):
        register("own", steps=3, spacing="even")
    with pytest.raises(InkseedError, match="under a name"):
        register(ddim_like, steps=3)


def test_a_model_file_cannot_name_a_file_to_run(tmp_path):
    own = own_file(tmp_path / "mine.py")
    with pytest.raises(InkseedError, match="no sampler"):
        settle({"sampler": str(own)}, SCHEDULE)
    assert "mine" not in SAMPLERS


def test_one_file_of_a_sampler_and_a_strategy_is_run_once(tmp_path):
    own = own_file(tmp_path / "both.py", name="both")
    own.write_text(
        own.read_text()
        + "\n\nfrom inkseed.noise import CHANGED, register as strategy\n\n"
        + "@strategy('both', CHANGED)\ndef both(task):\n    return task.gaussian()\n"
    )
    named, sampler = find_strategy(str(own)), find_sampler(str(own))
    assert (named.name, sampler.name) == ("both", "both")
    assert named.choose.__globals__ is sampler.walk.__globals__


def test_a_sampler_that_changed_makes_another_study(tmp_path):
    digests = []
    for scale in (1.0, 0.9):
        find_sampler(str(own_file(tmp_path / "mine.py", scale=scale)))
        settings = StudySettings("tiny", "0", {"sampler": "mine"}, strategies=("sobol",))
        digests.append(settings.as_json()["sources"])
    assert digests[0] != digests[1]


def test_a_study_takes_a_sampler_of_ones_own(inkseed, tiny_model, tmp_path, monkeypatch):
    def stop(model, settings, *_):
        raise InkseedError(
            f"would study {settings.how['sampler']} for {model.cost(**settings.how)}"
        )

    monkeypatch.setattr("inkseed.study.run_study", stop)
    command = ("noise-study", "--model", tiny_model, "--guide-w", 0, "--candidates", 2)
    own = own_file(tmp_path / "mine.py")
    assert "would study mine for 3" in inkseed(*command, "--sampler", own, "--noise", "sobol").err


def test_the_bundled_example(tiny_model):
    example = Path(__file__).parents[1] / "examples" / "my_sampler.py"
    drawn = load(tiny_model).sample([3, 4], 1, guide_w=0.0, sampler=str(example))
    assert drawn.nfe == 20
