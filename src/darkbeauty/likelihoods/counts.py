r"""Counts in bins whose signal follows the predicted spectrum, all nuisances at their best: −2 ln L of a HistFactory workspace.

With p = (α, z), expected events E_ib of rows i, β_b = Σ_i E_ib, and v_b, the variance of simulation,

  λ_b = ½[(β_b − v_b) + √((β_b − v_b)² + 4 n_b v_b)]      the best expectation, all errors of simulation eliminated exactly
  −2 ln L = min_p Σ_b {2[λ − n − n ln(λ/n)] + (λ − β)²/v} + p·p,

the saturated deviance and all pulls: the minimum is a goodness of fit. Six Gauss–Newton steps lead from p = 0 to the minimum, in the curvature
2 J (v + λ²/n)⁻¹ Jᵀ + 2; derivatives by the spectrum are taken at fixed p (envelope theorem), those of residuals along the last step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.optimize import minimize_scalar

from darkbeauty.inputs.histogram import Histogram
from darkbeauty.likelihoods.part import Part, Row
from darkbeauty.numerics.compiled import compiled

STEPS, LONGEST = 6, 1.0
"""Gauss–Newton steps, and the longest step of a nuisance in standard deviations."""
STEP = 0.1
"""Half the distance of the differences that give the error of a strength, in √counts."""
FAINT = 1e-4
"""Relative error of simulation that every bin has at least: without any, λ would be β."""
FLAT, NOTHING = 1e-3, 1e-300
"""|λ/n − 1| below which the root of the deviance is a series, and what keeps 0/0 away."""


class Expected(NamedTuple):
    """Of every bin: β, v, and their derivatives by the nuisances, shape (nuisances, B)."""

    mean: Array
    variance: Array
    mean_slope: Array
    variance_slope: Array


class Counts(Part):
    """A `Histogram` as a part of a likelihood. Predictions: the spectrum under every tent.

    data: counts (B,), then where simulation and nuisances were measured to be, in standard deviations (B + A + K,), 0 but for simulated data; response (S, B, n) and fixed (S, B): events of the signals; yields (R − S, B) of the backgrounds; high, low: logarithms;
    inner (6, A, R): coefficients of the interpolation for |α| < 1.
    """

    data: Array | np.ndarray
    response: np.ndarray
    fixed: np.ndarray
    yields: np.ndarray
    high: np.ndarray
    low: np.ndarray
    inner: np.ndarray
    shapes: np.ndarray
    statistical: np.ndarray
    total: str = eqx.field(static=True)

    @classmethod
    def of(cls, histogram: Histogram, total: str) -> Counts:
        """Args     total: name of the sum of the spectrum, for reports"""
        signals = len(histogram.density)
        aside = np.zeros(len(histogram.observed) + len(histogram.high) + len(histogram.shapes))
        return cls(
            np.concatenate([histogram.observed, aside]),
            histogram.response(),
            histogram.fixed,
            histogram.nominal[: len(histogram.nominal) - signals],
            np.log(histogram.high),
            np.log(histogram.low),
            inner_coefficients(histogram.high, histogram.low),
            histogram.shapes,
            histogram.statistical,
            total,
        )

    @property
    def size(self) -> int:
        """How many bins there are."""
        return self.fixed.shape[-1]

    @property
    def counts(self) -> Array:
        """Of every bin."""
        return jnp.asarray(self.data)[: self.size]

    @property
    def centres(self) -> Array:
        """Of the nuisances."""
        return jnp.asarray(self.data)[2 * self.size :]

    def log_prob_of(self, predictions: Array) -> Array:
        return _log_prob(self, jnp.asarray(predictions))

    def residuals(self, predictions: Array) -> Array:
        yields = self.all_yields(predictions)
        start = jax.lax.stop_gradient(self.nuisances(jax.lax.stop_gradient(yields)))
        return self._residuals(yields, start + self._step(yields, start))

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        return -2.0 * np.asarray(self.log_prob_of(jnp.asarray(predictions)))

    def all_yields(self, spectrum: Array, strength: Array | float = 1.0) -> Array:
        """Events of every row without nuisances, shape (R, B), the signal times a strength."""
        signal = strength * (self.fixed + self.response @ spectrum)
        return jnp.concatenate([jnp.asarray(self.yields), signal])

    def minus_two_log(self, yields: Array) -> Array:
        """−2 ln L with nuisances at their best."""
        p = jax.lax.stop_gradient(self.nuisances(jax.lax.stop_gradient(yields)))
        return jnp.sum(self._residuals(yields, p) ** 2)

    def nuisances(self, yields: Array) -> Array:
        """The best p = (α, z), by STEPS from 0: the counts know more of most than the measurements beside them."""
        step = lambda _, p: p + jnp.clip(self._step(yields, p), -LONGEST, LONGEST)
        return jax.lax.fori_loop(0, STEPS, step, jnp.zeros_like(self.centres))

    def _step(self, yields: Array, p: Array) -> Array:
        """A Gauss–Newton step; differentiated by the yields at fixed curvature, it moves p with them."""
        at = self.expected(yields, p)
        best = _best(at.mean, at.variance, self.counts)
        pull = (best - at.mean) / at.variance
        slope = -2.0 * at.mean_slope @ pull - at.variance_slope @ pull**2 + 2.0 * (p - self.centres)
        weight = self.counts / (self.counts * at.variance + best**2 + NOTHING)
        curvature = 2.0 * (at.mean_slope * weight[None]) @ at.mean_slope.T + 2.0 * jnp.eye(len(p))
        return -jnp.linalg.solve(jax.lax.stop_gradient(curvature), slope)

    def expected(self, yields: Array, p: Array) -> Expected:
        """Mean and variance of every bin at the nuisances p."""
        alpha, z = p[: len(self.high)], p[len(self.high) :]
        factor, slope = jax.jvp(self._factors, (alpha,), (jnp.ones_like(alpha),))
        scaled = jnp.prod(factor, axis=0)[:, None] * yields
        events = scaled * (1.0 + jnp.tensordot(z, jnp.asarray(self.shapes), 1))
        grouped = jnp.einsum("gib,ib->gb", self.statistical, events)
        back = 2.0 * jnp.einsum("gib,gb->ib", self.statistical, grouped)
        by_alpha = lambda x: (slope / factor) @ x
        by_z = lambda x: jnp.einsum("kib,ib->kb", self.shapes, x)
        mean = events.sum(0)
        variance = jnp.sum(grouped**2, axis=0) + (FAINT * mean) ** 2
        back = back + 2.0 * FAINT**2 * mean[None]
        mean_slope = jnp.concatenate([by_alpha(events), by_z(scaled)])
        variance_slope = jnp.concatenate([by_alpha(events * back), by_z(scaled * back)])
        error, aside = jnp.sqrt(variance), jnp.asarray(self.data)[self.size : 2 * self.size]
        moved = variance_slope * (0.5 * aside / error)[None]
        return Expected(mean + error * aside, variance, mean_slope + moved, variance_slope)

    def _factors(self, alpha: Array) -> Array:
        """HistFactory's interpolation code 4 of every normalisation, shape (A, R)."""
        alpha = alpha[:, None]
        inside = jnp.abs(alpha) < 1.0
        near = jnp.where(inside, alpha, 0.0)
        powers = near[None] ** np.arange(1.0, 7.0)[:, None, None]
        far = jnp.where(inside, 0.0, alpha)
        outer = jnp.exp(jnp.where(far > 0.0, far * self.high, -far * self.low))
        return jnp.where(inside, 1.0 + jnp.sum(self.inner * powers, axis=0), outer)

    def _residuals(self, yields: Array, p: Array) -> Array:
        at = self.expected(yields, p)
        best = _best(at.mean, at.variance, self.counts)
        error = jnp.sqrt(at.variance)
        return jnp.concatenate([_root_deviance(best, self.counts), (best - at.mean) / error, p - self.centres])

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        """Experiments with nuisances and simulation as they are best for the data there are: counts, and where these are measured to be."""
        keys = jax.random.split(key, len(predictions))
        return np.asarray(_simulated(self, keys, jnp.asarray(predictions)))

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """One: the sum of the spectrum, against what the data make of a spectrum of this shape; the pull is ±√Δ(−2 ln L) to the best strength."""
        total, size = float(np.sum(predictions)), float(np.sum(self.fixed + self.response @ predictions))
        if not (np.isfinite(total) and size > 0.0):
            return [Row(self.total, total, np.nan, np.nan, np.nan)]
        unit = float(np.sqrt(np.sum(self.counts))) / size
        at = lambda x: float(_at_strength(self, jnp.asarray(predictions), jnp.asarray(unit * x)))
        best = minimize_scalar(at, bracket=(0.0, 1.0), tol=1e-6)
        error = 1.0 / np.sqrt(max(0.5 * (at(best.x + STEP) + at(best.x - STEP) - 2.0 * best.fun) / STEP**2, NOTHING))
        pull = np.sign(1.0 - unit * best.x) * np.sqrt(max(at(1.0 / unit) - best.fun, 0.0))
        return [Row(self.total, total, unit * best.x * total, unit * error * total, float(pull))]


def inner_coefficients(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """Of 1 + Σ c_n αⁿ, n = 1 … 6, that meets highᵅ at 1 and low⁻ᵅ at −1 with two derivatives, shape (6, …) (HistFactory's code 4)."""
    n = np.arange(1.0, 7.0)
    ends = np.array([sign**k * f for k, f in enumerate((1.0 + 0.0 * n, n, n * (n - 1.0))) for sign in (1.0, -1.0)])
    sides = ends.reshape(3, 2, 6) * np.array([np.ones(6), (-1.0) ** n])[None]
    matrix = sides.transpose(1, 0, 2).reshape(6, 6)
    log_high, log_low = np.log(high), np.log(low)
    right = [high - 1.0, high * log_high, high * log_high**2, low - 1.0, -low * log_low, low * log_low**2]
    return np.tensordot(np.linalg.inv(matrix), np.array(right), 1)


def _best(mean: Array, variance: Array, counts: Array) -> Array:
    """λ, as the root of a quadratic equation that keeps its digits on either side."""
    gap = mean - variance
    root = jnp.sqrt(gap**2 + 4.0 * counts * variance)
    up = gap > 0.0
    return jnp.where(up, 0.5 * (gap + root), 2.0 * counts * variance / jnp.where(up, 1.0, root - gap))


def _root_deviance(mean: Array, counts: Array) -> Array:
    """±√(2[λ − n − n ln(λ/n)]), smooth through 0; √(2λ) where nothing was counted."""
    some = counts > 0.0
    n = jnp.where(some, counts, 1.0)
    x = jnp.where(some, mean, 1.0) / n - 1.0
    near = jnp.abs(x) < FLAT
    far = jnp.where(near, 1.0, x)
    series = x * (1.0 - x / 3.0 + 7.0 / 36.0 * x**2)
    root = jnp.where(near, series, jnp.sign(far) * jnp.sqrt(2.0 * (far - jnp.log1p(far))))
    return jnp.where(some, jnp.sqrt(n) * root, jnp.sqrt(2.0 * jnp.where(some, 1.0, mean + NOTHING)))


@compiled
def _log_prob(part: Counts, predictions: Array) -> Array:
    flat = jnp.reshape(predictions, (-1, predictions.shape[-1]))
    value = lambda spectrum: -0.5 * part.minus_two_log(part.all_yields(spectrum))
    return jax.vmap(value)(flat).reshape(predictions.shape[:-1])


@compiled
def _at_strength(part: Counts, spectrum: Array, strength: Any) -> Array:
    return part.minus_two_log(part.all_yields(spectrum, strength))


@compiled
def _simulated(part: Counts, keys: Array, predictions: Array) -> Array:
    def experiment(key: Array, spectrum: Array) -> Array:
        for_counts, for_aside = jax.random.split(key)
        yields = part.all_yields(spectrum)
        p = part.nuisances(yields)
        at = part.expected(yields, p)
        mean = _best(at.mean, at.variance, part.counts)
        true = jnp.concatenate([(mean - at.mean) / jnp.sqrt(at.variance), p])
        aside = true + jax.random.normal(for_aside, true.shape, float)
        return jnp.concatenate([jax.random.poisson(for_counts, mean).astype(float), aside])

    return jax.vmap(experiment)(keys, predictions)
