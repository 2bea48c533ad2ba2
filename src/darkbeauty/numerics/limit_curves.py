r"""Strength of a signal against an upper limit.

A limit's strength is s = signal/limit, for a signal proportional to a rate or to a coupling squared, tapered to exactly 0 outside the masses
where the limit was set. A one-sided half-normal in s, calibrated so that s ≤ 1 holds the limit's confidence level CL, is a Gaussian of mean 0
and standard deviation 1/Φ⁻¹((1 + CL)/2) restricted to s ≥ 0: so a limit enters a likelihood like a measurement of s = 0.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs.limits import Band, Curve, Grid
from darkbeauty.numerics.interpolation import monotone

TAPER = 0.02
"""Width of the taper inside an end of a window, relative to the mass there."""


def strength(curve: Curve, mass: ArrayLike, signal: ArrayLike) -> Array:
    """signal/limit at a mass.   [1], shape of mass

    Args     signal: in the limit's own quantity (a coupling squared over `curve` of the coupling: use `coupling_strength`)
    Domain   the limit's windows; 0 outside, with a C¹ taper over 2 % of the mass inside their ends
    Accuracy monotone cubic in the logarithms; digitised curves are good to about 10 %
    """
    return _within(curve.windows, mass) * signal * jnp.exp(-_log_limit(curve, mass))


def coupling_strength(curve: Curve, mass: ArrayLike, coupling2: ArrayLike) -> Array:
    """coupling²/limit² for a curve that limits the coupling; otherwise as `strength`."""
    return _within(curve.windows, mass) * coupling2 * jnp.exp(-2.0 * _log_limit(curve, mass))


def grid_strength(grid: Grid, mass: ArrayLike, lifetime_ps: ArrayLike, signal: ArrayLike) -> Array:
    """signal/limit at a mass and a lifetime; the limit is constant below the shortest lifetime and grows like τ above the longest.

    Domain   the windows of mass between vetoes, tapered as in `strength`
    """
    log_mass = jnp.log(jnp.asarray(mass))
    row = jax.vmap(partial(monotone, log_mass, grid.log_mass), in_axes=1)(grid.log_value)
    log_lifetime = jnp.log(jnp.asarray(lifetime_ps))
    beyond = jnp.maximum(log_lifetime - grid.log_lifetime_ps[-1], 0.0)
    log_limit = monotone(log_lifetime, grid.log_lifetime_ps, row) + beyond
    return _within(grid.windows, mass) * signal * jnp.exp(-log_limit)


def excess(band: Band, mass: ArrayLike, signal: ArrayLike) -> Array:
    """(signal − best fit)/σ where the signal exceeds the best fit, else 0: one-sided, so that a vanishing signal costs nothing at any mass.

    Domain   the band's window, tapered as in `strength`
    """
    at = lambda values: monotone(mass, band.mass, values, method="linear")
    return inside(band.window, mass) * jnp.maximum(signal - at(band.best), 0.0) / at(band.up)


def inside(window: ArrayLike, mass: ArrayLike) -> Array:
    """1 inside a window (lower, upper), 0 outside, with a C¹ taper inside each end."""
    lower, upper = jnp.asarray(window)
    width = lambda end: jnp.minimum(TAPER * end, 0.25 * (upper - lower))
    return _step((mass - lower) / width(lower)) * _step((upper - mass) / width(upper))


def _within(windows: ArrayLike, mass: ArrayLike) -> Array:
    """1 inside any of some windows that do not overlap, shape (k, 2), 0 outside, tapered."""
    return jnp.sum(jax.vmap(lambda window: inside(window, mass))(jnp.asarray(windows)), axis=0)


def _log_limit(curve: Curve, mass: ArrayLike) -> Array:
    return monotone(jnp.log(jnp.asarray(mass)), curve.log_mass, curve.log_value)


def _step(x: ArrayLike) -> Array:
    x = jnp.clip(x, 0.0, 1.0)
    return x * x * (3.0 - 2.0 * x)
