"""Maximum of the likelihood inside the prior, from several starts (optax)."""

from __future__ import annotations

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from darkbeauty.inference.coordinates import make_coordinates
from darkbeauty.likelihood import Fit, TermReport

STEPS, LEARNING_RATE = 300, 0.05


@dataclass(frozen=True)
class Optimum:
    """Best point: parameters, log-likelihood, the log-likelihood reached from every start, and the pulls there."""

    parameters: dict[str, float]
    log_likelihood: float
    starts: tuple[float, ...]
    pulls: tuple[TermReport, ...]


def optimise(fit: Fit, seed: int | None = None) -> Optimum:
    """The point of the prior box with the highest likelihood (for flat priors: the posterior mode in the prior's own coordinate).

    Adam on the coordinates of the fit, all starts side by side; the best visited point of each start counts.
    """
    lik = fit.likelihood()
    coordinates = make_coordinates(fit, lik)
    key = jax.random.key(fit.file.seed if seed is None else seed)
    starts = 0.5 * jax.random.logistic(key, (fit.file.sampler.starts, len(fit.parameters)), float)

    @eqx.filter_jit
    def descend(lik, coordinates, starts):
        optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, STEPS))

        def loss(q):
            return -jnp.maximum(lik.log_prob(coordinates.to_parameters(q)[0]), -1e30)

        def step(carry, _):
            q, state, best, best_loss = carry
            value, slope = jax.value_and_grad(loss)(q)
            better = value < best_loss
            best, best_loss = jnp.where(better, q, best), jnp.where(better, value, best_loss)
            slope = slope / (1.0 + 0.1 * jnp.linalg.norm(slope))
            updates, state = optimizer.update(slope, state, q)
            return (optax.apply_updates(q, updates), state, best, best_loss), None

        def run(q):
            (_, _, best, best_loss), _ = jax.lax.scan(step, (q, optimizer.init(q), q, jnp.inf), None, length=STEPS)
            return best, -best_loss

        return jax.lax.map(run, starts)

    best, values = descend(lik, coordinates, starts)
    q = best[int(jnp.argmax(values))]
    parameters = {name: float(value) for name, value in coordinates.to_parameters(q)[0].items()}
    ordered = {name: parameters[name] for name in fit.parameters}
    return Optimum(
        ordered, float(jnp.max(values)), tuple(float(v) for v in np.asarray(values)), tuple(lik.explain(ordered))
    )
