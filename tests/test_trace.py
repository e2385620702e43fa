"""The GIF of a trace: frames where there is something to see, the guess of x_0 beside the state."""

from types import SimpleNamespace

import numpy as np
import torch
from PIL import Image

from inkseed import load
from inkseed.data import to_uint8
from inkseed.export.samples import FRAMES, save_trace, visible_progress
from inkseed.pictures import MARGIN

STEPS = 400


def chain(sigma_max: float = 1.0) -> SimpleNamespace:
    """A bar that appears as late as the report's chain shows its digits: after three in four steps.

    The guess is grey before, and the bar afterwards.
    """
    rng = torch.Generator().manual_seed(0)
    bar = -torch.ones(2, 1, 28, 28)
    bar[..., 12:16] = 1.0
    left = torch.linspace(1, 0, STEPS + 1)  # the share of steps to go
    signal = (1 - 4 * left).clamp(min=0)
    guesses = [bar * share for share in signal[:-1]]
    noises = [sigma_max * torch.randn(bar.shape, generator=rng) for _ in left]
    states = [
        share * bar + (1 - share) * noise for share, noise in zip(signal, noises, strict=True)
    ]
    traced = {"noise": noises[0] / sigma_max, "steps": states[1:], "guesses": guesses}
    return SimpleNamespace(guide_w=np.zeros(2), **traced)


def frames_of(path) -> tuple[list[np.ndarray], list[int]]:
    with Image.open(path) as gif:
        shown, durations = [], []
        for k in range(gif.n_frames):
            gif.seek(k)
            shown.append(np.asarray(gif.convert("L")).astype(int))
            durations.append(gif.info["duration"])
    return shown, durations


def test_a_long_chain_is_shown_where_its_digits_appear(tmp_path):
    save_trace([chain()], 2, tmp_path / "way.gif")
    shown, durations = frames_of(tmp_path / "way.gif")
    assert FRAMES // 2 < len(shown) <= FRAMES
    final = shown[-1][:, : shown[-1].shape[1] // 2]
    like = [np.corrcoef(frame[:, : final.shape[1]].ravel(), final.ravel())[0, 1] for frame in shown]
    assert np.mean(np.array(like) > 0.5) > 0.5  # evenly by step it was one in four
    assert 3000 < sum(durations[:-1]) < 6000


def test_the_guess_stands_beside_the_state(tiny_model, tmp_path):
    drawn = load(tiny_model).sample([3, 4, 5], 1, sampler="ddim", steps=4, trace=True)
    assert len(drawn.guesses) == len(drawn.steps) == 4
    save_trace([drawn], 3, tmp_path / "way.gif")
    shown, _ = frames_of(tmp_path / "way.gif")
    assert len(shown) == 5
    width = shown[0].shape[1] // 2
    for frame, guess in zip(shown, [*drawn.guesses, drawn.steps[-1]], strict=True):
        right = frame[-MARGIN - 56 : -MARGIN, width + MARGIN : -MARGIN]
        row = np.concatenate(list(255 - to_uint8(guess)), 1).repeat(2, 0).repeat(2, 1)
        assert abs(right - row).mean() < 5  # fewer greys
    final = shown[-1]
    assert np.array_equal(final[30:, :width], final[30:, width:])  # below the captions


def test_the_guess_is_the_one_made_from_the_state_before_it(tiny_model):
    drawn = load(tiny_model).sample([3], 1, guide_w=0.0, sampler="ddim", steps=3, trace=True)
    model = load(tiny_model)
    how = model.settings(sampler="ddim", steps=3)
    for k, t in enumerate(how.times(model.schedule)[:-1]):
        state = drawn.steps[k - 1] if k else drawn.noise
        told = model.denoiser(state, t, torch.tensor([3]))
        assert torch.allclose(told, drawn.guesses[k], atol=0.05)


def test_progress_rises_from_noise_to_digits_even_where_nothing_is_seen():
    one = (np.zeros((5, 1, 4, 4), np.uint8),) * 2
    for ways in ([one], [one, one]):
        found = visible_progress(ways)
        assert found[0] == 0
        assert found[-1] == 1
        assert (np.diff(found) > 0).all()


def test_a_state_noisier_than_one_is_scaled_and_not_clipped_to_black_and_white(tmp_path):
    save_trace([chain(sigma_max=80.0)], 2, tmp_path / "way.gif")
    shown, _ = frames_of(tmp_path / "way.gif")
    state = shown[1][30:-MARGIN, MARGIN : shown[1].shape[1] // 2 - MARGIN]
    assert np.mean((state < 8) | (state > 247)) < 0.5
