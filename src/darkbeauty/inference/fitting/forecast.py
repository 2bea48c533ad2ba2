"""Errors and evidence from the curvature of the likelihood at one point: Fisher matrix and Laplace's approximation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.priors import Prior
from darkbeauty.numerics.compiled import compiled

FLAT, BLIND = 1e-12, 1e-3
"""Eigenvalue of a Fisher matrix of unit diagonal that is none, and part of such a direction in a parameter that is one."""
INSIDE = 2.0
"""Distance from a bound, in errors, from which on Laplace's approximation is trusted."""
AT_END, WITHOUT_EFFECT, SHARED = 1e-6, 1e-6, 0.1
"""Distance from a bound, in widths of the prior, that is none; effect of a whole prior, in errors of the data, that is none; part in a flat direction
(of the largest) from which on a parameter is named."""


@dataclass(frozen=True)
class Forecast:
    """Standard deviation of every parameter (infinite where the data do not constrain it inside its prior), their correlation, and ln Z by Laplace.

    log_evidence: None where the approximation has no meaning: a parameter without error, or too close to a bound. reasons: why a parameter has no error.
    """

    errors: dict[str, float]
    correlation: np.ndarray
    log_evidence: float | None
    reasons: dict[str, str]


def forecast(lik: Likelihood, priors: Mapping[str, Prior], values: Mapping[str, float]) -> Forecast:
    """Fisher matrix JᵀJ of the residuals at a point (JᵀΣ⁻¹J of measured numbers), plus the Gaussian priors, inverted.

    Exact curvature where predictions are linear or residuals vanish; second derivatives of predictions are left out, so it is never negative.
    """
    names, width = tuple(priors), np.array([prior.width for prior in priors.values()])

    @compiled
    def jacobian(lik, x):
        def residuals(x):
            predictions = lik.predictions(dict(zip(names, x)))
            return lik.residuals(predictions), predictions

        return jax.jacfwd(residuals, has_aux=True)(x)

    slopes, predictions = jacobian(lik, jnp.array([values[name] for name in names]))
    scaled = np.asarray(slopes) * width
    if not np.all(np.isfinite(scaled)):
        return _without_curvature(names)
    normal = [(w / prior.constraint[1]) ** 2 if prior.constraint else 0.0 for prior, w in zip(priors.values(), width)]
    fisher = scaled.T @ scaled + np.diag(normal)
    directions = _directions(fisher)
    covariance = directions.covariance()
    sigma = np.sqrt(np.diag(covariance))
    known = (sigma < 1.0) & ~directions.blind
    errors = {name: float(w * s) if k else float("inf") for name, w, s, k in zip(names, width, sigma, known)}
    log_evidence = None
    if all(
        np.isfinite(errors[name]) and is_inside(prior, values[name], errors[name]) for name, prior in priors.items()
    ):
        log_prior = sum(float(prior.log_density(values[name])) for name, prior in priors.items())
        volume = 0.5 * np.linalg.slogdet(2.0 * np.pi * covariance)[1] + np.sum(np.log(width))
        log_evidence = float(lik.log_prob_of(predictions)) + log_prior + float(volume)
    return Forecast(
        errors, covariance / np.outer(sigma, sigma), log_evidence, _reasons(priors, values, errors, directions)
    )


class Directions(NamedTuple):
    """Fisher matrix in units of the priors' widths, taken apart: scale (root of its diagonal), and eigenvalues and eigenvectors of what that leaves."""

    scale: np.ndarray
    eigenvalues: np.ndarray
    vectors: np.ndarray

    @property
    def blind(self) -> np.ndarray:
        """Which parameters lie in a direction that the data do not see."""
        return np.any(np.abs(self.vectors[:, self.eigenvalues < FLAT]) > BLIND, axis=1)

    def covariance(self) -> np.ndarray:
        """The inverse, finite also in directions that the data do not see."""
        inverse = self.vectors / np.maximum(self.eigenvalues, FLAT) @ self.vectors.T
        return inverse / np.outer(self.scale, self.scale)


def _directions(fisher: np.ndarray) -> Directions:
    scale = np.maximum(np.sqrt(np.diag(fisher)), WITHOUT_EFFECT)
    return Directions(scale, *np.linalg.eigh(fisher / np.outer(scale, scale)))


def _without_curvature(names: tuple[str, ...]) -> Forecast:
    reason = "a prediction or its slope has no value at this point"
    return Forecast(
        dict.fromkeys(names, float("inf")),
        np.full((len(names), len(names)), np.nan),
        None,
        dict.fromkeys(names, reason),
    )


def _reasons(
    priors: Mapping[str, Prior], values: Mapping[str, float], errors: Mapping[str, float], directions: Directions
) -> dict[str, str]:
    """Why parameters have no error."""
    names, variances = tuple(priors), directions.vectors**2 / np.maximum(directions.eigenvalues, FLAT)
    reasons = {}
    for i, (name, prior) in enumerate(priors.items()):
        if np.isfinite(errors[name]):
            continue
        flat = np.abs(directions.vectors[:, np.argmax(variances[i])])
        others = [other for j, other in enumerate(names) if j != i and flat[j] > SHARED * flat.max()]
        alone = directions.scale[i]
        if alone <= WITHOUT_EFFECT:
            reason = "no prediction changes with it at this point"
        elif alone < 1.0:
            reason = "the data change by less than their errors over its whole prior"
        else:
            reason = f"flat direction: changes of {', '.join(others)} make up for it"
        value, (low, high) = values[name], prior.bounds
        at_end = min(value - low, high - value) < AT_END * prior.width
        reasons[name] = f"{reason}; the best value is at an end of its prior" if at_end else reason
    return reasons


def is_inside(prior: Prior, value: float, error: float) -> bool:
    """Whether a value is far enough from the bounds of its prior."""
    low, high = prior.ends
    return min(value - low, high - value) > INSIDE * error
