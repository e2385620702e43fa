"""What a request must respect if the network was taught to jump, or to guide itself."""

from dataclasses import replace

from inkseed.diffusion.denoiser import Denoiser
from inkseed.errors import InkseedError
from inkseed.model.sampling import Sampling, SamplingOptions
from inkseed.nn import Network
from inkseed.samplers import consistency
from inkseed.samplers.registry import named_sampler


def as_taught(
    how: Sampling, asked: SamplingOptions, network: Network, denoiser: Denoiser
) -> Sampling:
    """The settings of a request as this network was taught to follow them.

    A network that takes guide_w as an input was taught it up to some strength, in its teacher's
    guidance interval. One that names the ends of paths is no posterior mean, which most samplers
    need, but not `consistency`. Raises InkseedError for a request that asks for anything else.
    """
    named = named_sampler(how.sampler)
    if named and named.posterior_mean and not names_posterior_means(denoiser):
        raise needs_posterior_mean(f"sampler {named.name}")
    if how.walk is consistency and names_posterior_means(denoiser):
        raise InkseedError(
            "sampler consistency would draw averages with this model, which denoises step by step:"
            " use a model that jumps, such as digits-fast, or another sampler"
        )
    most = getattr(network, "most_guide_w", 0.0)
    if not most:
        return how
    if asked.guidance is not None or asked.guide_interval is not None:
        raise InkseedError(
            "this model was taught its guidance, interval and all: give guide_w alone, or draw"
            " with its teacher"
        )
    if not 0 <= how.guide_w <= most:
        raise InkseedError(
            f"this model was taught guide_w from 0 to {most:g}, not {how.guide_w:g}: give one"
            " between them, or draw with its teacher"
        )
    return replace(how, taught=True)


def names_posterior_means(denoiser: Denoiser) -> bool:
    """Whether a denoiser predicts E[x_0 | x_t]; one of a user's own is taken to."""
    return bool(getattr(denoiser, "posterior_mean", True))


def needs_posterior_mean(what: str) -> InkseedError:
    """The error for `what`, which a consistency model cannot do."""
    return InkseedError(
        f"{what} needs a model that denoises step by step, and this one jumps to the end of its"
        ' path (sampler "consistency"): use its teacher, such as digits'
    )
