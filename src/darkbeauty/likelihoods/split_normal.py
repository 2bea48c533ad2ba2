r"""A number with different errors to both sides, d +σ↑ −σ↓: −2 ln L = ((x − d)/σ)², σ = σ↑ where the prediction x lies above d, σ↓ below.

As a density in d it is normalised, 2/(√(2π)(σ↑ + σ↓)). Its slope is continuous at d, its curvature is not.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.likelihoods.part import Part, Row


class SplitNormal(Part):
    """One prediction. data: d, shape (1,); up, down: σ↑ and σ↓ with the theory error in quadrature."""

    data: Array | np.ndarray
    up: np.ndarray
    down: np.ndarray

    @classmethod
    def of(cls, value: float, up: float, down: float, theory: float) -> SplitNormal:
        """Args     theory: error of the prediction"""
        return cls(np.array([value]), np.hypot(up, theory), np.hypot(down, theory))

    def residuals(self, predictions: Array) -> Array:
        return self._pull(predictions)[None]

    def log_prob_of(self, predictions: Array) -> Array:
        volume = jnp.sqrt(jnp.pi / 2.0) * (self.up + self.down)
        return -0.5 * self._pull(predictions) ** 2 - jnp.log(volume)

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        return np.asarray(self._pull(jnp.asarray(predictions))) ** 2

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        """d below x by σ↑ |ν| or above it by σ↓ |ν|, with probabilities as σ↑ to σ↓."""
        for_side, for_size = jax.random.split(key)
        share = float(self.up / (self.up + self.down))
        below = np.asarray(jax.random.uniform(for_side, (len(predictions), 1), float)) < share
        size = np.abs(np.asarray(jax.random.normal(for_size, (len(predictions), 1), float)))
        return predictions[:, :1] + np.where(below, -self.up, self.down) * size

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """One, with the error of the side that the prediction is on."""
        x, measured = float(predictions[0]), float(np.asarray(self.data)[0])
        sigma = float(self.up if x > measured else self.down)
        return [Row(labels[0], x, measured, sigma, (x - measured) / sigma)]

    def worst(self, predictions: np.ndarray) -> np.ndarray:
        """|pull|"""
        return np.sqrt(self.chi2(predictions))

    def _pull(self, predictions: Array) -> Array:
        """(x − d)/σ of predictions (…, 1), shape (…)."""
        distance = predictions[..., 0] - jnp.asarray(self.data)[0]
        return distance / jnp.where(distance > 0.0, self.up, self.down)
