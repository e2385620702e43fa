"""`inkseed train` with each prediction that could only be sampled before, to a model that draws."""

import pytest

from inkseed.model.loading import load

TINY = """
epochs = 1
batch_size = 32
learning_rate = 1e-3
drop_prob = 0.1
images = 64
pictures = 1
{times}
[network]
name = "patch_unet"
widths = [16, 64]
[schedule]
name = "{schedule}"
[prediction]
name = "{kind}"
[sampling]
sampler = "dpm_solver"
steps = 2
"""


@pytest.mark.parametrize(
    ("kind", "schedule", "times"),
    [
        ("v", "cosine", ""),
        ("x0", "flow", 'times = "log_normal"\np_mean = -1.2\np_std = 1.2'),
        ("eps", "variance_exploding", ""),
    ],
)
def test_a_model_is_trained_and_drawn_with(inkseed, tmp_path, kind, schedule, times):
    recipe, out = tmp_path / "tiny.toml", tmp_path / "run"
    recipe.write_text(TINY.format(kind=kind, schedule=schedule, times=times))
    assert inkseed("train", recipe, "--out", out).status == 0
    model = load(out / "model.safetensors")
    assert model.config.prediction["name"] == kind
    assert model.sample([3, 8], seed=1).images.shape == (2, 28, 28)
