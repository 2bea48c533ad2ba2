"""The Standard Model beside a model: its likelihood of the same data, and the Bayes factor."""

from __future__ import annotations

from typing import Any

import numpy as np

from darkbeauty.likelihoods import Fit, Likelihood
from darkbeauty.likelihoods.standard_model import standard_model_log_prob
from darkbeauty.models import Model
from darkbeauty.models.base import sectors_of
from darkbeauty.numerics.compiled import compiled

COUPLINGS = ("y", "g", "chi", "y_eta", "sin_zeta")
"""What is 0 where a model with new particles is the Standard Model."""


def with_bayes_factor(fit: Fit, lik: Likelihood, evidence: dict[str, Any]) -> dict[str, Any]:
    """The evidence with log_likelihood_sm and log_bayes_factor = ln Z − ln L_SM added.

    The Standard Model has no free parameters here: hadronic and CKM uncertainties are in the covariance of both.
    """
    log_l = standard_model_log_likelihood(fit, lik)
    return evidence | {"log_likelihood_sm": log_l, "log_bayes_factor": evidence["log_evidence"] - log_l}


def standard_model_log_likelihood(fit: Fit, lik: Likelihood) -> float:
    """ln L at the point without couplings, normalised in the data as ln Z is.

    Signals that limits are set on are 0. The Standard Model has no dark matter: Ωh² is taken as measured there, as if something else were all of it,
    which is the least favourable to the model.
    """
    effective = standard_model_log_prob(lik, fit.parameters)
    if effective is not None:
        return effective
    point = no_couplings(fit, lik.model)
    predictions = np.array(compiled(lambda lik, values: lik.predictions(values))(lik, point))
    for i, request in enumerate(lik.requests):
        if request.label.startswith("limit("):
            predictions[i] = 0.0
    for i, value in lik.as_measured().items():
        predictions[i] = value
    return float(lik.log_prob_of(predictions))


def no_couplings(fit: Fit, model: Model) -> dict[str, float]:
    """The point of a fit's model that is the Standard Model, masses in the middle of their priors."""
    if sectors_of(model).z_prime is None:
        return dict.fromkeys(model.parameter_names(), 0.0)
    middle = {name: float(prior.quantile(0.5)) for name, prior in fit.priors.items()}
    names = [parameter.name for parameter in model.parameters if parameter.name in COUPLINGS]
    return middle | dict.fromkeys(names, 0.0)
