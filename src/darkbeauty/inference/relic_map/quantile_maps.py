r"""Nested conditional quantile functions of a tabulated posterior: from logistic coordinates to (m_zp, r, y, g).

m_zp; r = m_zp/2m_dm given m_zp; y given both; g given all three: coordinates distributed logistically give (about) the posterior. m_zp and r,
which may have several modes, come from densities that are linear between knots; y and g, which move from grid point to grid point, from tables
of the logits of their prior fractions at the logits of the cumulative distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike
from scipy.special import expit, logit

from darkbeauty.likelihoods.priors import Prior
from darkbeauty.numerics.interpolation import monotone

LOGITS = np.linspace(-9.0, 9.0, 37)
RESOLUTION = 3e-4
"""Distance to the resonance, in r, down to which the grid is logarithmic."""


@dataclass(frozen=True)
class RelicNames:
    """Which parameters play the coupling g, the Z′ mass, the dark-matter mass and (if it is free) the quark coupling."""

    coupling: str
    z_prime: str
    dark: str
    quark: str | None


class RelicPriors(NamedTuple):
    """The priors of these parameters; quark: None where y is not free."""

    coupling: Prior
    z_prime: Prior
    dark: Prior
    quark: Any


class RelicMaps(eqx.Module):
    """Tables over m_zp, b = asinh((r−1)/RESOLUTION) and the prior fraction of y: densities of m_zp and of b, and tables of y and g."""

    names: RelicNames = eqx.field(static=True)
    priors: RelicPriors = eqx.field(static=True)
    masses: np.ndarray
    stretched: np.ndarray
    quarks: np.ndarray
    mass_density: np.ndarray
    ratio_density: np.ndarray
    quark_table: np.ndarray
    coupling_table: np.ndarray

    def to_parameters(self, at: Mapping[str, Array]) -> tuple[dict[str, Array], Array]:
        """The parameters at coordinates (by the same names), and log|∂θ/∂q|."""
        names = self.names
        mass, log_mass = value_and_log_slope(self.mass_quantile, at[names.z_prime])
        ratio, log_ratio = value_and_log_slope(lambda q: self.ratio_quantile(mass, q), at[names.dark])
        dark = mass / (2.0 * ratio)
        values = {names.z_prime: mass, names.dark: dark}
        total = log_mass + log_ratio + jnp.log(dark / ratio)
        quark = None
        if names.quark:
            quark, log_quark = value_and_log_slope(lambda q: self.quark_quantile(mass, ratio, q), at[names.quark])
            values[names.quark], total = quark, total + log_quark
        coupling, log_coupling = value_and_log_slope(
            lambda q: self.coupling_quantile(mass, ratio, quark, q), at[names.coupling]
        )
        return {**values, names.coupling: coupling}, total + log_coupling

    def _row(self, mass: Array) -> tuple[Array, Array]:
        return neighbours(jnp.log(mass), jnp.log(self.masses))

    def mass_quantile(self, q: Array) -> Array:
        """m_zp of a coordinate q."""
        return piecewise_quantile(jax.nn.sigmoid(q), self.masses, self.mass_density, *self.priors.z_prime.bounds)

    def ratio_quantile(self, mass: Array, q: Array) -> Array:
        """r given m_zp, inside the prior of the dark-matter mass."""
        density = blend(self.ratio_density, self._row(mass))
        low, high = (stretch(mass / (2.0 * dark)) for dark in self.priors.dark.bounds[::-1])
        b = piecewise_quantile(jax.nn.sigmoid(q), self.stretched, density, low, high)
        return 1.0 + RESOLUTION * jnp.sinh(b)

    def quark_quantile(self, mass: Array, ratio: Array, q: Array) -> Array:
        """y given m_zp and r."""
        row = blend(self.quark_table, self._row(mass), neighbours(stretch(ratio), self.stretched))
        return self.priors.quark.quantile(jax.nn.sigmoid(monotone_extended(q, LOGITS, row)))

    def coupling_quantile(self, mass: Array, ratio: Array, quark: Array | None, q: Array) -> Array:
        """g given m_zp, r and y: linear between the grid points, but its median follows a cubic in b, along which the sheet is curved."""
        row, column = self._row(mass), neighbours(stretch(ratio), self.stretched)
        fraction = jnp.zeros(()) if quark is None else self.priors.quark.cdf(quark)
        line = neighbours(fraction, self.quarks)
        median = blend(jnp.moveaxis(jnp.asarray(self.coupling_table)[..., len(LOGITS) // 2], 1, -1), row, line)
        bend = cubic(stretch(ratio), self.stretched, median) - blend(median, column)
        table = blend(self.coupling_table, row, column, line)
        return self.priors.coupling.quantile(jax.nn.sigmoid(monotone_extended(q, LOGITS, table) + bend))


def value_and_log_slope(function: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """An increasing function and the logarithm of its derivative."""
    value, slope = jax.jvp(function, (x,), (jnp.ones_like(x),))
    return value, jnp.log(jnp.maximum(slope, 1e-300))


# -- interpolation ------------------------------------------------------------------------------------------------------------------------


def neighbours(x: Array, knots: np.ndarray | Array) -> tuple[Array, Array]:
    """Index of the knot below x, and how far x is on the way to the next; held at the ends."""
    if len(knots) == 1:
        return jnp.zeros((), int), jnp.zeros(())
    knots = jnp.asarray(knots)
    i = jnp.clip(jnp.searchsorted(knots, x) - 1, 0, len(knots) - 2)
    return i, jnp.clip((x - knots[i]) / (knots[i + 1] - knots[i]), 0.0, 1.0)


def blend(table: np.ndarray | Array, *places: tuple[Array, Array]) -> Array:
    """Linear interpolation of a table along its leading axes."""
    table = jnp.asarray(table)
    rest = table.shape[len(places) :]
    starts = [jnp.asarray(i, jnp.int32) for i in (*(i for i, _ in places), *(0 for _ in rest))]
    corner = jax.lax.dynamic_slice(table, starts, (*(min(2, size) for size in table.shape[: len(places)]), *rest))
    for _, t in places:
        corner = (1.0 - t) * corner[0] + t * corner[-1]
    return corner


def piecewise_quantile(
    u: Array, knots: np.ndarray | Array, density: np.ndarray | Array, low: ArrayLike, high: ArrayLike
) -> Array:
    """x below which lies a fraction u of a density that is linear between knots, cut off outside [low, high]."""
    knots, density = jnp.asarray(knots), jnp.asarray(density)
    widths = jnp.diff(knots)
    cumulative = jnp.concatenate([jnp.zeros(1), jnp.cumsum(0.5 * (density[1:] + density[:-1]) * widths)])

    def below(x: ArrayLike) -> Array:
        i, t = neighbours(jnp.asarray(x), knots)
        return cumulative[i] + widths[i] * t * (density[i] + 0.5 * t * (density[i + 1] - density[i]))

    start, end = below(low), below(high)
    target = start + u * (end - start)
    i = jnp.clip(jnp.searchsorted(cumulative, target) - 1, 0, len(knots) - 2)
    s = jnp.maximum(target - cumulative[i], 0.0) / widths[i]
    root = jnp.sqrt(jnp.maximum(density[i] ** 2 + 2.0 * (density[i + 1] - density[i]) * s, 1e-300))
    return knots[i] + widths[i] * jnp.clip(2.0 * s / (density[i] + root), 0.0, 1.0)


def cubic(x: Array, knots: np.ndarray, values: Array) -> Array:
    """Cubic through a line of values, C¹, held at the ends."""
    return monotone(x, knots, values, method="cubic") if len(knots) > 3 else jnp.interp(x, jnp.asarray(knots), values)


def monotone_extended(x: Array, knots: np.ndarray, values: Array) -> Array:
    """Monotone interpolation, continued with the slope of the outermost intervals."""
    values = jnp.asarray(values)
    inner = monotone(x, knots, values)
    below = (x - knots[0]) * (values[1] - values[0]) / (knots[1] - knots[0])
    above = (x - knots[-1]) * (values[-1] - values[-2]) / (knots[-1] - knots[-2])
    return inner + jnp.where(x < knots[0], below, 0.0) + jnp.where(x > knots[-1], above, 0.0)


def stretch(ratio: ArrayLike) -> Array:
    """b(r) = asinh((r − 1)/RESOLUTION): logarithmic in the distance to the resonance on both sides."""
    return jnp.arcsinh((ratio - 1.0) / RESOLUTION)


def unstretch(b: np.ndarray) -> np.ndarray:
    """r(b), the inverse of `stretch`."""
    return 1.0 + RESOLUTION * np.sinh(b)


# -- making of tables -------------------------------------------------------------------------------------------------------------------


def quantiles(x: np.ndarray, density: np.ndarray, floor: float) -> np.ndarray:
    """x at the LOGITS of the cumulative distribution of a tabulated density (with a floor, so that it is strictly increasing)."""
    steps = np.diff(x) * (0.5 * (density[1:] + density[:-1]) + floor * density.max() + 1e-300)
    cumulative = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(expit(LOGITS), cumulative / cumulative[-1], x)


def bounded_logit(u: np.ndarray) -> np.ndarray:
    """log u/(1−u) of a fraction, held 1e-7 away from 0 and 1."""
    return logit(np.clip(u, 1e-7, 1.0 - 1e-7))
