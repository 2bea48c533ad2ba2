"""The Standard Model as the point of a model of effective couplings where all of these are 0."""

from __future__ import annotations

from collections.abc import Sequence

import equinox as eqx
import numpy as np
from scipy.special import gammaln, ndtri_exp
from scipy.stats import chi2

from darkbeauty.likelihoods.build import Likelihood
from darkbeauty.likelihoods.tied import untied
from darkbeauty.models.base import sectors_of

FAR = 500.0
"""Δχ² from which on the tail is its asymptotic series: SciPy's underflows."""


def standard_model_log_prob(lik: Likelihood, free: Sequence[str]) -> float | None:
    """log L where every parameter is 0, of a likelihood with these free ones; None in models that are more than coefficients of effective operators."""
    theory = sectors_of(lik.model)
    if theory.z_prime is not None or theory.leptoquark is not None or theory.dark_matter is not None:
        return None
    model = untied(lik.model)
    names = model.parameter_names()
    if model.check(dict.fromkeys(names, 0.0)):
        return None
    lik = eqx.tree_at(lambda lik: lik.model, lik, model.with_values(dict.fromkeys(names, 0.0)))
    predictions, _ = lik.computed({name: 0.0 for name in free if name in names})
    return float(lik.log_prob_of(predictions))


def pull(delta_chi2: float, parameters: int) -> float:
    """The deviation of a Gaussian variable, in standard deviations, that is as improbable as Δχ² of so many parameters."""
    x, half = max(delta_chi2, 0.0), 0.5 * parameters
    far = (
        (half - 1.0) * np.log(0.5 * max(x, FAR)) - 0.5 * x - gammaln(half) + np.log1p((parameters - 2.0) / max(x, FAR))
    )
    log_tail = far if x > FAR else chi2.logsf(x, parameters)
    return float(-ndtri_exp(log_tail - np.log(2.0)))
