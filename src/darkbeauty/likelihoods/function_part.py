r"""log L as a function of one's own, of predictions (n,) and, where it has any, of data: function(predictions[, data]) → log L, in JAX.

A minimiser wants squares. With g and H the first and second derivatives of −log L, H kept positive, and H = L Lᵀ,

    r = (L⁻¹ g, √(REACH − 2 log L − gᵀ H⁻¹ g)),   the last one held constant,

has the value, the slope and the curvature of −2 ln L.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem
from darkbeauty.likelihoods.part import Part, Row
from darkbeauty.numerics.compiled import compiled

REACH = 1e4
"""What keeps the last residual real."""
LEAST = 1e-12
"""Least curvature, relative to the largest."""


class FunctionPart(Part):
    """data: what the function is given beside predictions, empty where it takes none; largest: its largest value, which χ² is counted from."""

    data: Array | np.ndarray
    largest: np.ndarray
    function: Callable[..., Array] = eqx.field(static=True)
    simulated: Callable[..., Array] | None = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Data, or one where there are none."""
        return self.data.size or 1

    def log_prob_of(self, predictions: Array) -> Array:
        flat = jnp.reshape(predictions, (-1, predictions.shape[-1]))
        return jax.vmap(self.log_prob_at)(flat).reshape(predictions.shape[:-1])

    def log_prob_at(self, predictions: Array) -> Array:
        """log L of predictions (n,); −∞ where the function has no finite value."""
        given = (predictions, jnp.asarray(self.data)) if self.data.size else (predictions,)
        value = jnp.reshape(jnp.asarray(self.function(*given), float), ())
        return jnp.where(jnp.isfinite(value), value, -jnp.inf)

    def residuals(self, predictions: Array) -> Array:
        at = jax.lax.stop_gradient(predictions)
        slope = -jax.grad(self.log_prob_at)(at)
        value, vector = jnp.linalg.eigh(-jax.hessian(self.log_prob_at)(at))
        root = jnp.sqrt(jnp.maximum(jnp.abs(value), LEAST * jnp.max(jnp.abs(value)) + 1e-300))
        linear = (slope @ vector) / root + (root * (vector.T @ (predictions - at)))
        rest = REACH - 2.0 * (self.log_prob_at(at) - self.largest) - jnp.sum(((slope @ vector) / root) ** 2)
        return jnp.append(linear, jnp.sqrt(jnp.maximum(rest, 0.0)))

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        return -2.0 * np.asarray(_log_prob(self, jnp.asarray(predictions)) - self.largest)

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        """As the function beside it says: simulate(key, predictions (n,)) → data."""
        if self.simulated is None:
            words = "says nothing of what else might have been measured"
            raise InputError([Problem("likelihood.own", f"a function of log L {words}", "simulate, a function")])
        keys = jax.random.split(key, len(predictions))
        return np.asarray(jax.vmap(self.simulated)(keys, jnp.asarray(predictions)))

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """Predictions; nothing that they could be compared with one by one."""
        return [Row(label, float(x), np.nan, np.nan, np.nan) for label, x in zip(labels, predictions)]


@compiled
def _log_prob(part: FunctionPart, predictions: Array) -> Array:
    return part.log_prob_of(predictions)
