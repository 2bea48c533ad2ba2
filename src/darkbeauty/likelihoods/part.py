"""What a likelihood is a sum of: one small interface, and the Gaussian of all measured numbers behind it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


class Row(NamedTuple):
    """A line of a report: what is compared, prediction, measurement, its error, and the pull."""

    observable: str
    prediction: float
    measured: float
    sigma: float
    pull: float


class Part(eqx.Module):
    """−2 ln L of the predictions that it reads, the others being no business of its; a pytree, the argument of compiled functions.

    data: what was measured, of the shape that `simulate` gives again; size: how many numbers χ² compares.
    """

    data: eqx.AbstractVar[Array | np.ndarray]

    @property
    def size(self) -> int:
        """How many measured numbers there are."""
        return self.data.shape[-1]

    @abstractmethod
    def log_prob_of(self, predictions: Array) -> Array:
        """log L of finite predictions (…, n), shape (…)."""

    @abstractmethod
    def residuals(self, predictions: Array) -> Array:
        """Numbers of which the sum of squares is −2 ln L up to a constant, of predictions (n,); their Jacobian gives its curvature."""

    @abstractmethod
    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        """Σ residual² of predictions (…, n), shape (…): as χ² of `size` numbers where the model is right."""

    @abstractmethod
    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        """Data as they might have been, one row for each of the predictions (m, n)."""

    @abstractmethod
    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """How predictions (n,) of these names compare with the data."""

    def worst(self, predictions: np.ndarray) -> np.ndarray:
        """How far each of many predictions (m, n) is from the data, in standard deviations: √Δ(−2 ln L) from the best of them."""
        chi2 = self.chi2(predictions)
        return np.sqrt(chi2 - np.min(chi2[np.isfinite(chi2)], initial=np.inf))

    def alone(self, own: slice) -> Part:
        """The part of one term, which has these of its predictions."""
        return self


class Gaussian(Part):
    """Measured numbers with one covariance; a limit is a number, too."""

    data: Array | np.ndarray
    covariance: np.ndarray
    whitening: np.ndarray
    log_normalisation: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, covariance: np.ndarray) -> Self:
        """With the whitening (L⁻¹ of the covariance) and what log L has besides the residuals."""
        whitening, log_normalisation = whiten(covariance)
        return cls(values, covariance, whitening, np.asarray(log_normalisation))

    def residuals(self, predictions: Array) -> Array:
        return jnp.asarray(self.whitening) @ (predictions - self.data)

    def log_prob_of(self, predictions: Array) -> Array:
        data = self.data.reshape((1,) * (jnp.ndim(predictions) - 1) + (-1,))
        residual = (predictions - data) @ self.whitening.T
        return -0.5 * jnp.sum(residual**2, axis=-1) + self.log_normalisation

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        return np.sum(((predictions - np.asarray(self.data)) @ self.whitening.T) ** 2, axis=-1)

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        noise = np.asarray(jax.random.normal(key, predictions.shape, float))
        return predictions + noise @ np.linalg.cholesky(self.covariance).T

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        sigma, data = np.sqrt(np.diag(self.covariance)), np.asarray(self.data)
        columns: Any = (predictions, data, sigma, (predictions - data) / sigma)
        return [Row(label, *map(float, numbers)) for label, *numbers in zip(labels, *columns)]

    def worst(self, predictions: np.ndarray) -> np.ndarray:
        """The largest |pull|."""
        return np.max(np.abs(predictions - np.asarray(self.data)) / np.sqrt(np.diag(self.covariance)), axis=-1)

    def alone(self, own: slice) -> Gaussian:
        return Gaussian.of(np.asarray(self.data)[own], self.covariance[own, own])


class SumOfParts(eqx.Module):
    """Parts, each with its own span of the predictions."""

    parts: tuple[Part, ...]
    spans: tuple[tuple[int, int], ...] = eqx.field(static=True)

    @property
    def data(self) -> tuple[Any, ...]:
        """What was measured, of every part."""
        return tuple(part.data for part in self.parts)

    def with_data(self, data: Sequence[Any]) -> Self:
        """The same for other data, one array for each part."""
        return eqx.tree_at(lambda sum_of: [part.data for part in sum_of.parts], self, list(data))

    def log_prob_of(self, predictions: Array | np.ndarray) -> Array:
        """log L of given predictions, shape (…, n); −inf where one of them has no value."""
        ok = jnp.all(jnp.isfinite(predictions), axis=-1)
        safe = jnp.where(ok[..., None], predictions, 0.0)
        values = [part.log_prob_of(own) for part, own in self._by_part(safe)]
        return jnp.where(ok, sum(values[1:], values[0]), -jnp.inf)

    def residuals(self, predictions: Array) -> Array:
        """Numbers of which −½ the sum of squares is log L up to a constant, of finite predictions (n,)."""
        return jnp.concatenate([part.residuals(own) for part, own in self._by_part(predictions)])

    def simulate(self, key: Array, predictions: np.ndarray) -> tuple[np.ndarray, ...]:
        """Data of every part as they might have been, one row for each of the predictions (m, n)."""
        keys = jax.random.split(key, len(self.parts))
        return tuple(part.simulate(k, own) for k, (part, own) in zip(keys, self._by_part(predictions)))

    def _by_part(self, predictions: Any) -> list[tuple[Part, Any]]:
        """Every part with its own predictions."""
        return [(part, predictions[..., start:stop]) for part, (start, stop) in zip(self.parts, self.spans)]


def whiten(covariance: np.ndarray) -> tuple[np.ndarray, float]:
    """L⁻¹ of the covariance, and what log L has besides the residuals. Of the correlations: variances span thirty orders of magnitude."""
    sigma = np.sqrt(np.diag(covariance))
    root = np.linalg.cholesky(covariance / np.outer(sigma, sigma))
    log_volume = np.sum(np.log(np.diag(root)) + np.log(sigma))
    return np.linalg.inv(root) / sigma, float(-log_volume - 0.5 * len(sigma) * np.log(2.0 * np.pi))
