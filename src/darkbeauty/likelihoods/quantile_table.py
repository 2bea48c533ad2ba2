"""Quantiles of a density of one variable that has no quantile function: from its cumulative distribution, by a table that is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import logit

FARTHEST, KNOTS = 23.0, (921, 3681, 14721)
"""A table goes from logit u = −23 to 23 (a share of 10⁻¹⁰ on either side), in as many steps as its accuracy needs, 0.05 wide or finer."""
BISECTIONS = 200
ACCURACY = 1e-6
"""Largest error of u at a tabulated quantile, relative to u and to 1 − u, that is accepted half way between knots."""
PANELS, PANEL_NODES, TOTAL = 240, 16, 1e-8
"""Panels of an integrated density, nodes in each, and how far from 1 its integral may be."""


class QuantileTable(NamedTuple):
    """Quantiles and their slopes dx/dq at even steps of q = logit u: cubic in between, constant outside. trouble: what keeps it from being used."""

    values: np.ndarray
    slopes: np.ndarray
    trouble: str = ""

    def __call__(self, u: Array) -> Array:
        last = len(self.values) - 1
        step = 2.0 * FARTHEST / last
        place = (jnp.clip(logit(u), -FARTHEST, FARTHEST) + FARTHEST) / step
        k = jnp.clip(jnp.floor(place).astype(int), 0, last - 1)
        t, values, slopes = place - k, jnp.asarray(self.values), step * jnp.asarray(self.slopes)
        rise = values[k + 1] - values[k]
        left, right = slopes[k] - rise, rise - slopes[k + 1]
        return values[k] + t * rise + t * (1.0 - t) * ((1.0 - t) * left + t * right)


class Cumulative(NamedTuple):
    """∫ p dx from the lower end of a finite support: Gauss–Legendre in panels that shrink towards both ends, where a density may be singular."""

    log_density: Callable[[Array], Array]
    edges: np.ndarray
    below: np.ndarray

    @classmethod
    def of(cls, log_density: Callable[[Array], Array], support: tuple[float, float]) -> Cumulative:
        """Errors   ValueError where the support is not finite, or the density is not normalised on it"""
        low, high = support
        if not np.isfinite(high - low):
            raise ValueError("NumPyro has no cumulative distribution of it")
        inner = low + (high - low) / (1.0 + np.exp(-np.linspace(-33.0, 33.0, PANELS - 1)))
        edges = np.unique(np.concatenate([[low], inner, [high]]))
        shares = np.asarray(_integral(log_density, jnp.asarray(edges[:-1]), jnp.asarray(edges[1:])))
        below = np.concatenate([[0.0], np.cumsum(shares)])
        if not abs(below[-1] - 1.0) < TOTAL:
            raise ValueError(f"its density integrates to {below[-1]:.9g}")
        return cls(log_density, edges, below)

    def __call__(self, value: Array) -> Array:
        edges = jnp.asarray(self.edges)
        k = jnp.clip(jnp.searchsorted(edges, value) - 1, 0, len(self.edges) - 2)
        return jnp.asarray(self.below)[k] + _integral(self.log_density, edges[k], value)


def _integral(log_density: Callable[[Array], Array], low: Array, high: Array) -> Array:
    """∫ p dx between pairs of points."""
    half = 0.5 * (high - low)
    along_last = lambda row: row.reshape((1,) * half.ndim + (-1,))
    nodes, weights = map(along_last, np.polynomial.legendre.leggauss(PANEL_NODES))
    x = low[..., None] + half[..., None] * (1.0 + nodes)
    return half * jnp.sum(weights * jnp.exp(log_density(x)), axis=-1)


def tabulate(
    cdf: Callable[[Array], Array], density: Callable[[Array], Array], ends: tuple[float, float]
) -> QuantileTable:
    """The table of a distribution between two ends, with as many knots as it needs."""
    cdf = jax.jit(cdf)
    table = _table(cdf, density, ends, KNOTS[0])
    for knots in KNOTS[1:]:
        table = _table(cdf, density, ends, knots) if table.trouble else table
    return table


def _table(
    cdf: Callable[[Array], Array], density: Callable[[Array], Array], ends: tuple[float, float], knots: int
) -> QuantileTable:
    """The same with some number of knots, checked half way between them."""
    q = np.linspace(-FARTHEST, FARTHEST, knots)
    values = _invert(cdf, 1.0 / (1.0 + np.exp(-q)), ends)
    with np.errstate(all="ignore"):  # what has no value is told below
        slopes = np.exp(-np.logaddexp(0.0, q) - np.logaddexp(0.0, -q)) / np.asarray(density(jnp.asarray(values)))
    table = QuantileTable(values, slopes)
    if not (np.all(np.isfinite(values)) and np.all(np.isfinite(slopes))):
        return table._replace(trouble="its quantiles cannot be tabulated: the density has no value in the tails")
    between = 1.0 / (1.0 + np.exp(-0.5 * (q[1:] + q[:-1])))
    error = np.abs(np.asarray(cdf(table(jnp.asarray(between)))) - between)
    resolved = np.minimum(between, 1.0 - between) + 1e-8
    worst = float(np.max(error / resolved))
    return (
        table if worst < ACCURACY else table._replace(trouble=f"its quantiles cannot be tabulated: error {worst:.1g}")
    )


def _invert(cdf: Callable[[Array], Array], u: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """Values with cdf = u, by bisection in a coordinate that reaches infinite ends."""
    value, low, high = _stretched(ends, np.shape(u))
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        above = np.asarray(cdf(jnp.asarray(value(middle)))) > u
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return value(0.5 * (low + high))


def _stretched(
    ends: tuple[float, float], shape: tuple[int, ...]
) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray, np.ndarray]:
    """x(s) that covers what lies between two ends, logarithmic towards each of them, and the first and last s."""
    low, high = ends
    if np.isfinite(low) and np.isfinite(high):
        size = high - low
        value = lambda s: np.where(s < 0.0, low + size / (1.0 + np.exp(-s)), high - size / (1.0 + np.exp(s)))
        reach = 300.0
    elif np.isfinite(low):
        value, reach = (lambda s: low + np.exp(s)), 690.0
    elif np.isfinite(high):
        value, reach = (lambda s: high - np.exp(-s)), 690.0
    else:
        value, reach = np.sinh, 690.0
    return value, np.full(shape, -reach), np.full(shape, reach)
