"""What data say of a point of the b → s coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from darkbeauty.errors import InputError, Problem, raise_if_any
from darkbeauty.likelihoods import Fit, Likelihood, TermReport, likelihood
from darkbeauty.likelihoods.standard_model import standard_model_log_prob
from darkbeauty.models.wet import Wet


@dataclass(frozen=True)
class Verdict:
    """log L at a point and in the Standard Model, Δχ² = 2 (log L − log L_SM), and every pull."""

    log_likelihood: float
    log_likelihood_sm: float
    delta_chi2: float
    pulls: tuple[TermReport, ...]


def likelihood_of(fit: Fit | None, preset: str | None, point: Mapping[str, Any]) -> Likelihood:
    """The likelihood of a fit of `wet`, or of a preset of that model, at points with the coefficients of this one.

    Errors   InputError for both, for none, and for a fit of another model
    """
    if (fit is None) == (preset is None):
        raise InputError([Problem("--fit", "one of --fit and --preset says which data")])
    model = Wet().opened(point)
    if fit is None:
        return likelihood(model, preset)
    wrong = fit.model.name != Wet.name
    raise_if_any([Problem("--fit", f"{fit.name!r} is a fit of {fit.model.name!r}", "a fit of wet")] if wrong else [])
    return fit.likelihood(model)


def judge(lik: Likelihood, point: Mapping[str, Any]) -> Verdict:
    """The verdict of a likelihood on a point, all other coefficients being 0."""
    here, log_l_sm = lik.computed(point), standard_model_log_prob(lik, tuple(point))
    assert log_l_sm is not None  # `wet` has nothing but effective couplings
    log_l = float(lik.log_prob_of(here[0]))
    return Verdict(log_l, log_l_sm, 2.0 * (log_l - log_l_sm), tuple(lik.report(*here)))
