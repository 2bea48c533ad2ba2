"""Maximum of the likelihood inside the prior, from several starts (optax), finished by least squares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array

from darkbeauty.inference.fitting.forecast import forecast
from darkbeauty.inference.fitting.least_squares import Minimiser, to_x
from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.relic_map.coordinates import relic_coordinates
from darkbeauty.likelihoods import Fit, Likelihood, TermReport, checked_seed
from darkbeauty.likelihoods.priors import Prior
from darkbeauty.likelihoods.standard_model import pull, standard_model_log_prob
from darkbeauty.numerics.compiled import compiled

STEPS, LEARNING_RATE = 300, 0.05
FLOOR = -5e29
"""log L below which a point has none."""


@dataclass(frozen=True)
class Optimum:
    """Best point: parameters, log-likelihood, what every start reached (log L − ½ Σ pull² of Gaussian priors), the pulls there, and errors from the
    curvature, with reasons where there is none. Where no start has a likelihood, log L is −∞ and the point means nothing."""

    parameters: dict[str, float]
    log_likelihood: float
    starts: tuple[float, ...]
    pulls: tuple[TermReport, ...]
    errors: dict[str, float] = field(default_factory=dict)
    correlation: tuple[tuple[float, ...], ...] = ()
    log_evidence_laplace: float | None = None
    reasons: dict[str, str] = field(default_factory=dict)
    delta_chi2: float | None = None
    """2 (log L − log L of the Standard Model), where that is the point of the model at which every parameter is 0."""
    pull: float | None = None
    """The same as a deviation of a Gaussian variable, for as many degrees of freedom as there are free parameters."""


def optimise(fit: Fit, seed: int | None = None) -> Optimum:
    """The point of the prior box with the highest likelihood, Gaussian priors counting as measurements (the posterior mode in the prior's own coordinate).

    Theory errors that the fit samples count as correlated ones.
    Adam on the coordinates of the fit, all starts side by side; the best visited point of each start counts, and Levenberg–Marquardt ends the best of them.
    """
    key = jax.random.key(checked_seed(fit, seed))
    posterior = Posterior.of(fit, coordinates=relic_coordinates, marginal=True)
    lik = posterior.likelihood
    starts = 0.5 * jax.random.logistic(key, (fit.sampler.starts, posterior.size), float)

    @compiled
    def descend(posterior, starts):
        optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, STEPS))

        def loss(q):
            values = posterior.to_parameters(q)
            log_prob = posterior.likelihood.log_prob(values)
            return 0.5 * constraints(fit.priors, values) - jnp.maximum(log_prob, 2.0 * FLOOR)

        def step(carry, _):
            q, state, best, best_loss = carry
            value, slope = jax.value_and_grad(loss)(q)
            better = value < best_loss
            best, best_loss = jnp.where(better, q, best), jnp.where(better, value, best_loss)
            slope = slope / (1.0 + 0.1 * jnp.linalg.norm(slope))
            updates, state = optimizer.update(slope, state, q)
            return (optax.apply_updates(q, updates), state, best, best_loss), None

        @jax.numpy_dtype_promotion("standard")  # optax mixes integers and floats
        def run(q):
            (_, _, best, best_loss), _ = jax.lax.scan(step, (q, optimizer.init(q), q, jnp.inf), None, length=STEPS)
            return best, -best_loss

        return jax.lax.map(run, starts)

    best, values = descend(posterior, starts)
    q = best[int(jnp.argmax(values))]
    parameters = {name: float(value) for name, value in posterior.to_parameters(q).items()}
    ordered = {name: parameters[name] for name in fit.parameters}
    reached = tuple(float(v) if v > FLOOR else -np.inf for v in np.asarray(values))
    if not any(map(np.isfinite, reached)):
        return Optimum(ordered, -np.inf, reached, ())
    ordered, log_likelihood = polish(fit, lik, ordered)
    curvature = forecast(lik, fit.priors, ordered)
    return Optimum(
        ordered,
        log_likelihood,
        reached,
        tuple(lik.explain(ordered)),
        curvature.errors,
        tuple(tuple(row) for row in curvature.correlation.tolist()),
        curvature.log_evidence,
        curvature.reasons,
        *against_standard_model(fit, lik, log_likelihood),
    )


def against_standard_model(fit: Fit, lik: Likelihood, log_likelihood: float) -> tuple[float | None, float | None]:
    """Δχ² of the best point and its pull; None where the Standard Model is no point of the model."""
    standard = standard_model_log_prob(lik, fit.parameters)
    if standard is None:
        return None, None
    delta_chi2 = 2.0 * (log_likelihood - standard)
    return delta_chi2, pull(delta_chi2, len(fit.parameters))


def polish(fit: Fit, lik: Likelihood, parameters: dict[str, float]) -> tuple[dict[str, float], float]:
    """The end of the descent by Levenberg–Marquardt, where that finds a higher likelihood (with its constraints)."""
    x = np.stack([to_x(prior, np.array([parameters[name]])) for name, prior in fit.priors.items()], axis=1)
    minimum = Minimiser(lik, fit.priors, fit.parameters)(x, {})
    better = {name: float(minimum.values[name][0]) for name in fit.parameters}
    log_l = lambda values: float(lik.log_prob_of(lik.computed(values)[0]))
    height = lambda values: log_l(values) - 0.5 * float(constraints(fit.priors, values))
    best = better if height(better) > height(parameters) else parameters
    return best, log_l(best)


def constraints(priors: Mapping[str, Prior], values: Mapping[str, Any]) -> Array:
    """Σ ((θ − mean)/σ)² of the parameters with Gaussian priors."""
    pulls = [prior.pull(values[name]) for name, prior in priors.items() if prior.constraint]
    return jnp.sum(jnp.square(jnp.asarray(pulls, float)))
