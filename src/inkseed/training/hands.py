"""How the hands of training's writers are spread, so that new ones can be drawn."""

import numpy as np
import torch

from inkseed.data.labelled import LabelledImages, to_tensor
from inkseed.nn import Network, PatchUnet
from inkseed.nn.hand_encoder import TYPICAL_DIGITS, hands_of
from inkseed.nn.precision import autocast

BATCH = 1000
RIDGE = 1e-4  # of a code's variance of 1: layer normalisation leaves none in one direction


@torch.no_grad()
def fit_hands(network: Network, source: LabelledImages, seed: int = 0) -> None:
    """Keep in the network the mean and the covariance of its writers' codes, ten digits each.

    Every writer's digits are dealt into sets of ten, so that those who wrote more count for more,
    as they do among the images. A network without hands is left alone. `source` tells its writers.
    """
    if not isinstance(network, PatchUnet) or network.encoder is None or source.writers is None:
        return
    rng, sets = np.random.default_rng(seed), []
    for writer in np.unique(source.writers):
        own = rng.permutation(np.flatnonzero(source.writers == writer))
        whole = len(own) // TYPICAL_DIGITS
        sets.append(own[: whole * TYPICAL_DIGITS].reshape(whole, TYPICAL_DIGITS))
    chosen = np.concatenate(sets)
    x = to_tensor(source.images[chosen.reshape(-1)]).to(network.hand_mean.device)
    with autocast(x.device):
        codes = torch.cat([network.encoder(part) for part in x.split(BATCH)]).float()
    counts = torch.full((len(chosen),), TYPICAL_DIGITS, device=codes.device)
    owner = torch.arange(len(chosen), device=codes.device).repeat_interleave(TYPICAL_DIGITS)
    hands = hands_of(codes, owner, counts)[:, :-1].double().cpu()
    network.hand_mean.copy_(hands.mean(0))
    network.hand_factor.copy_(
        torch.linalg.cholesky(torch.cov(hands.T) + RIDGE * torch.eye(len(hands.T)))
    )
