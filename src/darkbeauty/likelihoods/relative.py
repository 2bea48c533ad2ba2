r"""A positive number d that was measured, against a prediction that comes with its own error: Gaussian in the logarithm.

With a prediction Ω ± δ and a constant relative error σ₀ of everything else,

    −2 ln L = r² + 2 ln σ + const.,   r = ln(Ω/d)/σ,   σ² = σ₀² + (δ/Ω)²,

normalised in d: a point whose prediction says little pays for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.likelihoods.part import Part, Row

FLAT = 1e-3
"""(δ/Ωσ₀)² below which a logarithm is a series."""


class Relative(Part):
    """Predictions: Ω and δ. data: d, shape (1,); constant: σ₀."""

    data: Array | np.ndarray
    constant: np.ndarray

    @classmethod
    def of(cls, value: float, variance: float, relative_theory: float) -> Relative:
        """Args     variance: of the data; relative_theory: what of the theory error is a fraction of any value"""
        return cls(np.array([value]), np.asarray(np.hypot(variance**0.5 / value, relative_theory)))

    def log_prob_of(self, predictions: Array) -> Array:
        pull, sigma = self._compared(predictions)
        return -0.5 * pull**2 - jnp.log(sigma * jnp.asarray(self.data)[0] * np.sqrt(2.0 * np.pi))

    def residuals(self, predictions: Array) -> Array:
        """r, and √(2 ln σ/σ₀) with the sign of δ, smooth where that is 0."""
        share = self._share(predictions) / self.constant
        excess = share**2
        near = excess < FLAT
        far = jnp.where(near, 1.0, excess)
        shape = jnp.where(near, 1.0 - excess / 2.0 + excess**2 / 3.0, jnp.log1p(far) / far)
        return jnp.stack([self._compared(predictions)[0], share * jnp.sqrt(shape)])

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        return np.asarray(self._compared(jnp.asarray(predictions))[0]) ** 2

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        noise = np.asarray(jax.random.normal(key, (len(predictions), 1), float))
        sigma = np.asarray(self._compared(jnp.asarray(predictions))[1])
        return predictions[:, :1] * np.exp(sigma[:, None] * noise)

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """One: prediction and data, the error that both have together, the pull in it."""
        pull, sigma = map(float, self._compared(jnp.asarray(predictions)))
        measured = float(np.asarray(self.data)[0])
        return [Row(labels[0], float(predictions[0]), measured, sigma * measured, pull)]

    def worst(self, predictions: np.ndarray) -> np.ndarray:
        """|r|"""
        return np.sqrt(self.chi2(predictions))

    def _compared(self, predictions: Array) -> tuple[Array, Array]:
        """r and σ of predictions (…, 2), shape (…)."""
        size = predictions[..., 0]
        positive = jnp.where(size == 0.0, 1.0, size)  # predictions that failed are 0
        sigma = jnp.sqrt(self.constant**2 + self._share(predictions) ** 2)
        return jnp.log(positive / jnp.asarray(self.data)[0]) / sigma, sigma

    def _share(self, predictions: Array) -> Array:
        """δ/Ω"""
        size = predictions[..., 0]
        return predictions[..., 1] / jnp.where(size == 0.0, 1.0, size)
