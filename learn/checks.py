"""The checks of the exercises: each takes a student's function and says what is off, or None."""

import math

import numpy as np
import torch

TOLERANCE = 1e-4


def against(truth, *cases):
    """A check that compares a function with `truth` on each of `cases`, tuples of arguments."""

    def compare(answer):
        for case in cases:
            found, wanted = answer(*case), truth(*case)
            if any(part is None or part is ... for part in _tuple(found)):
                return "Nothing is returned yet."
            pairs = zip(_parts(found), _parts(wanted), strict=False)
            if len(_parts(found)) != len(_parts(wanted)):
                return f"Return {len(_parts(wanted))} values."
            for ours, theirs in pairs:
                if ours.shape != theirs.shape:
                    return f"The shape is {ours.shape}; it should be {theirs.shape}."
                if not np.allclose(ours, theirs, atol=TOLERANCE, rtol=TOLERANCE):
                    shown = ", ".join(_short(each) for each in case)
                    return f"For ({shown}) it is {_short(ours)}; it should be {_short(theirs)}."
        return None

    return compare


def _tuple(value):
    return value if isinstance(value, tuple) else (value,)


def _parts(value):
    return [np.asarray(part, dtype=float) for part in _tuple(value)]


def _short(value):
    value = np.asarray(value, dtype=float)
    if value.ndim == 0:
        return f"{float(value):.4g}"
    first = ", ".join(f"{each:.4g}" for each in value.ravel()[:4])
    return f"[{first}{', ...' if value.size > 4 else ''}]"


def _tensor(*values):
    return torch.tensor(values, dtype=torch.float64)


def _scales(betas):
    abar = np.cumprod(1 - np.asarray(betas))
    return np.sqrt(abar), np.sqrt(1 - abar)


def _added(alpha_t, sigma_t, alpha_s, sigma_s):
    return sigma_t**2 - (alpha_t / alpha_s * sigma_s) ** 2


def _two_points(x_t, alpha, sigma, p):
    """E[x_0 | x_t] for x_0 = 1 with probability p, else -1."""
    up = p * np.exp(-((x_t - alpha) ** 2) / (2 * sigma**2))
    down = (1 - p) * np.exp(-((x_t + alpha) ** 2) / (2 * sigma**2))
    return (up - down) / (up + down)


def _step_back(x_t, x_0, alpha_t, sigma_t, alpha_s, sigma_s):
    a, b = alpha_t / alpha_s, _added(alpha_t, sigma_t, alpha_s, sigma_s)
    variance = sigma_s**2 * b / sigma_t**2
    return variance * (a * x_t / b + alpha_s * x_0 / sigma_s**2), math.sqrt(variance)


def _equation_2(x_t, eps, beta, abar):
    return (x_t - beta / math.sqrt(1 - abar) * eps) / math.sqrt(1 - beta)


def _ddim(x_t, guess, alpha_t, sigma_t, alpha_s, sigma_s):
    return alpha_s * guess + sigma_s * (x_t - alpha_t * guess) / sigma_t


def _line(now, before, h, h_before):
    return now + h / (2 * h_before) * (now - before)


def _wilson(right, n, z=1.96):
    share = right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return centre - reach, centre + reach


def _best_of(answer):
    """Luck in d dimensions: the mean of the best of K cosines of unrelated noise."""
    for k, wanted in ((1, 0.0), (10, 0.055), (100, 0.0895)):
        found = answer(k, 784)
        if found is None or found is ...:
            return "Nothing is returned yet."
        if abs(float(found) - wanted) > 0.004:
            return f"For K = {k} it is {float(found):.4f}; it should be near {wanted:.4f}."
    return None


def _closer(distances, held_out):
    below = (distances[:, None] < held_out[None]).mean(1)
    ties = (distances[:, None] == held_out[None]).mean(1)
    return float((below + ties / 2).mean())


A, B = (0.8, 0.6, 0.9, math.sqrt(0.19)), (0.3, math.sqrt(0.91), 0.6, 0.8)  # alpha, sigma at t, s

CHECKS = {
    "1.1": against(_scales, (np.array([0.1, 0.2]),), (np.linspace(1e-4, 0.02, 400),)),
    "1.2": against(_added, A, B, (1.0, 3.0, 1.0, 2.0)),
    "2.2": against(
        lambda x_t, eps, alpha, sigma: (x_t - sigma * eps) / alpha,
        *((_tensor(0.5, -1.0), _tensor(1.0, 0.2), *level) for level in ((0.8, 0.6), (1.0, 3.0))),
    ),
    "2.1": against(_two_points, (0.3, 0.8, 0.6, 0.5), (0.3, 0.8, 0.6, 0.9), (-1.0, 0.5, 1.0, 0.2)),
    "3.1": against(_step_back, (0.5, 1.0, *A), (-1.0, 0.3, *B)),
    "3.2": against(_equation_2, (0.5, 1.0, 0.02, 0.3), (-1.0, 0.3, 0.1, 0.9)),
    "4.1": against(_ddim, (0.5, 1.0, *A), (-1.0, 0.3, *B), (2.0, 0.3, 0.6, 0.8, 1.0, 0.0)),
    "4.2": against(_line, (1.0, 0.8, 0.5, 0.5), (0.3, 0.8, 0.2, 0.6)),
    "5.1": against(
        lambda with_label, without, w: (1 + w) * with_label - w * without,
        *((_tensor(1.0, 2.0), _tensor(0.5, 3.0), w) for w in (0.0, 1.0, -1.0, 2.5)),
    ),
    "5.2": against(
        lambda x_t, guess, alpha, sigma: (alpha * guess - x_t) / sigma**2,
        *((_tensor(0.5, -1.0), _tensor(1.0, 0.2), *level) for level in ((0.8, 0.6), (1.0, 3.0))),
    ),
    "6.1": against(
        lambda a, b: float((a * b).sum() / (a.norm() * b.norm())),
        (_tensor(1.0, 0.0), _tensor(1.0, 1.0)),
        (_tensor(1.0, 2.0, 3.0), _tensor(-3.0, 0.5, 2.0)),
    ),
    "6.2": _best_of,
    "7.1": against(_wilson, (95, 100), (500, 500), (1, 2)),
    "7.2": against(
        _closer,
        (np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.5])),
        (np.array([0.0, 2.0]), np.array([1.0, 2.0, 3.0, 4.0])),
    ),
}
