"""What better measurements would do: the Fisher matrix of a fit with other errors, and its posterior reweighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from darkbeauty.errors import Problem, attempt, raise_if_any, unknown
from darkbeauty.inference.fitting.forecast import Forecast, forecast
from darkbeauty.inference.storage.arviz_groups import groups_of, predictions_of
from darkbeauty.likelihoods import Fit, Likelihood
from darkbeauty.likelihoods.build import with_covariance
from darkbeauty.likelihoods.term import gaussian
from darkbeauty.prediction import visible

FEW = 100.0
"""Effective draws below which a reweighted posterior is not to be trusted."""


@dataclass(frozen=True)
class Reweighted:
    """A posterior with weights (chains, draws), which sum to 1; how many draws they are worth; mean and standard deviation of every parameter, before and after."""

    weights: np.ndarray
    effective_draws: float
    before: dict[str, tuple[float, float]]
    after: dict[str, tuple[float, float]]

    @property
    def words(self) -> str:
        """How far to trust it."""
        size = f"{self.effective_draws:.0f} of {self.weights.size} draws are left"
        return size if self.effective_draws >= FEW else f"{size}: too few, the fit has to be run again"


def fisher(fit: Fit, point: Mapping[str, float], with_error: Mapping[str, float] | None = None) -> Forecast:
    """Standard deviations and correlation of the free parameters from the curvature of the likelihood at a point, and ln Z by Laplace.

    Args     point: every free parameter; with_error: other experimental errors of measured numbers, by observable, theory errors staying
    Errors   InputError naming parameters that are missing or none, and observables without a measured number
    """
    problems = [Problem(f"point.{name}", "is missing") for name in fit.parameters if name not in point]
    problems += [
        unknown(f"point.{name}", "free parameter", name, fit.parameters) for name in point if name not in fit.priors
    ]
    raise_if_any(problems)
    lik = with_errors(fit.likelihood(), with_error or {})
    lik.model.at({name: float(point[name]) for name in fit.parameters})
    return forecast(lik, fit.priors, {name: float(point[name]) for name in fit.parameters})


def reweighted(fit: Fit, data: Any, with_error: Mapping[str, float]) -> Reweighted:
    """The posterior that a run gave, as it would be with other experimental errors, the measured values staying.

    Args     data: what `run_fit` gives; with_error: as of `fisher`
    """
    lik = fit.likelihood()
    better = with_errors(lik, with_error)
    predictions = np.asarray(predictions_of(groups_of(data)))
    log_weight = np.asarray(better.log_prob_of(predictions)) - np.asarray(lik.log_prob_of(predictions))
    weights = np.exp(log_weight - np.max(log_weight))
    weights /= np.sum(weights)
    draws = {name: np.asarray(data.posterior[name].values) for name in fit.parameters}
    flat = np.full(weights.shape, 1.0 / weights.size)
    before, after = ({name: _moments(values, w) for name, values in draws.items()} for w in (flat, weights))
    return Reweighted(weights, float(1.0 / np.sum(weights**2)), before, after)


def with_errors(lik: Likelihood, errors: Mapping[str, float]) -> Likelihood:
    """A likelihood with other experimental errors of some measured numbers; correlations of data and theory errors stay.

    Errors   InputError naming what has no measured number, or several, and errors that are not positive
    """
    problems: list[Problem] = []
    scale = np.ones(len(lik.values))
    data = _experimental(lik)
    for label, error in errors.items():
        path = f"with_error.{label}"
        place = attempt(lambda label=label, path=path: _place(lik, label, path), problems)
        if isinstance(error, bool) or not isinstance(error, int | float) or not 0.0 < error < np.inf:
            problems.append(Problem(path, f"{error!r} is no positive number"))
        elif place is not None:
            scale[place] = error / np.sqrt(data[place, place])
    raise_if_any(problems)
    return with_covariance(lik, lik.covariance + data * (np.outer(scale, scale) - 1.0)) if errors else lik


def _experimental(lik: Likelihood) -> np.ndarray:
    """Covariance of the data alone, shape (n, n)."""
    whole, start = np.zeros_like(lik.covariance), 0
    for term in gaussian(lik.terms):
        block = term.data().covariance
        stop = start + len(block)
        whole[start:stop, start:stop] = block
        start = stop
    return whole


def _place(lik: Likelihood, label: str, path: str) -> int:
    """Where the measured number of an observable is."""
    labels = [request.label for request in lik.requests[: len(lik.values)]]
    places = [i for i, known in enumerate(labels) if known in (label, visible(lik.model, label))]
    if not places:
        raise_if_any([unknown(path, "measured number", label, labels)])
    if len(places) > 1:
        raise_if_any([Problem(path, f"is measured by {len(places)} terms of the fit", "a fit with one of them")])
    return places[0]


def _moments(values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    mean = float(np.sum(weights * values))
    return mean, float(np.sqrt(np.sum(weights * (values - mean) ** 2)))
