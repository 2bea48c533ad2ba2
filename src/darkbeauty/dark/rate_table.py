r"""ln⟨σv⟩ as a function of ln x from x = 1 to 10⁶, tabulated once per point so that a solver can ask for it at any x.

One spectrum that reaches from x = 1 to 10⁶ is laid on nodes that are the same for all points (`fixed_nodes`); ⟨σv⟩ at all x of the table is then one product with
a constant matrix. 28 panels, even in ln x (a factor of 1.6 each), have a Chebyshev polynomial of degree 13. Where a resonance above threshold dies out like
e^{−2xε}, ε = m_Z′/2M − 1, the logarithm of the sum has a kink, which a polynomial does not follow: what lies below half-way to the resonance and the rest are
therefore two sums with two smooth logarithms.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.special import kve

from darkbeauty.dark.fixed_nodes import excesses, laid_on_nodes
from darkbeauty.dark.thermal_average import X_REFERENCE, Spectrum, population, spectrum
from darkbeauty.models.sectors import DarkMatter

X_END, LATEST = 1e6, 1e12
LOG_X_END = float(np.log(X_END))
PANELS, DEGREE = 28, 13
LEVELS = (0.0, 5e-4, 3e-3, 0.015, 0.06, 0.25, 1.0)
"""Panel edges of the spectrum, in units of the last one; a Boltzmann factor at x has its width at 0.03/√x."""
AROUND = 0.006
"""Panels of their own on both sides of a pole, in the same units."""
NODES = 18
TINY = 1e-250
FAINT, BRIGHT_UNTIL = (1e-25, 1e-12), 60.0
"""The second sum counts from this part of the first one on, before and after this x: below, it is the rounding of what has died out."""


class RateTable(NamedTuple):
    """Chebyshev coefficients of the two logarithms of ⟨σv⟩, shape (28, 14, 2), and ∫ ⟨σv⟩ dx/x² from x = 10⁶ to 10¹² [GeV⁻²]."""

    coefficients: Array
    late: Array


def rate_table(dark: DarkMatter) -> RateTable:
    """The table of a point.

    Accuracy of ⟨σv⟩: 3e-6 for x ≤ 60; later 1e-5 of all that annihilates from x = 15 on, which says little of a resonance that has died out
    """
    nodes = wide_spectrum(dark)
    weights = _two_sums(dark, nodes)
    logarithms = _logarithms(jnp.asarray(_kernel_matrix()) @ weights.T)
    if nodes.ratio is not None:
        logarithms -= 2.0 * jnp.log(population(_abscissae(), nodes.ratio))[..., None]
    return RateTable(to_coefficients(logarithms), jnp.sum(_late_shares() @ weights.T))


def wide_spectrum(dark: DarkMatter) -> Spectrum:
    """Nodes and weights good for all x from 1 to 10⁶."""
    return spectrum(dark, np.sqrt(X_REFERENCE), NODES, LEVELS, AROUND)


def log_rate(coefficients: Array, log_x: Array) -> Array:
    """ln(⟨σv⟩ GeV²) at ln x, elementwise.

    Domain   1 ≤ x ≤ 10⁶, constant beyond
    """
    both = at_log_x(coefficients, log_x)
    return jnp.logaddexp(both[..., 0], both[..., 1])


def at_log_x(coefficients: Array, log_x: Array) -> Array:
    """The columns of a table at ln x, shape (..., k), by Clenshaw's recurrence; constant below x = 1 and above 10⁶."""
    panels, degree = coefficients.shape[0], coefficients.shape[1] - 1
    position = jnp.clip(log_x * (panels / LOG_X_END), 0.0, panels)
    index = jnp.clip(jnp.floor(jax.lax.stop_gradient(position)).astype(int), 0, panels - 1)
    u = 2.0 * (position - index.astype(float)) - 1.0
    c = coefficients[index]
    last, before = jnp.zeros_like(c[..., 0, :]), jnp.zeros_like(c[..., 0, :])
    for k in range(degree, 0, -1):
        last, before = c[..., k, :] + 2.0 * u[..., None] * last - before, last
    return c[..., 0, :] + u[..., None] * last - before


def _two_sums(dark: DarkMatter, nodes: Spectrum) -> Array:
    """Weights of what is below and above half-way to the resonance, on the fixed nodes, shape (2, nodes)."""
    half_way = 0.5 * jnp.maximum(0.5 * dark.z_prime.mass / dark.mass - 1.0, 0.0)
    near = nodes.excess < half_way
    return laid_on_nodes(
        nodes.excess, jnp.stack([jnp.where(near, nodes.weight, 0.0), jnp.where(near, 0.0, nodes.weight)])
    )


def _logarithms(sums: Array) -> Array:
    """ln of two sums."""
    faint = np.where(_abscissae()[:, :1] < BRIGHT_UNTIL, *FAINT)
    near = jnp.maximum(sums[..., 0], TINY)
    return jnp.log(jnp.stack([near, jnp.maximum(sums[..., 1], faint * near)], axis=-1))


def to_coefficients(values: Array) -> Array:
    """Chebyshev coefficients of a table, from values at the abscissae, shape (panels, degree + 1, k)."""
    return jnp.asarray(coefficients_matrix(values.shape[1])) @ values


def coefficients_matrix(count: int) -> np.ndarray:
    """From values at the Chebyshev nodes of a panel to coefficients."""
    return np.linalg.inv(np.polynomial.chebyshev.chebvander(np.cos(_angles(count)), count - 1))


def abscissae(panels: int, degree: int) -> np.ndarray:
    """ln x at the Chebyshev nodes of all panels from x = 1 to 10⁶, shape (panels, degree + 1)."""
    inside = 0.5 * (1.0 + np.cos(_angles(degree + 1)))
    return LOG_X_END / panels * (np.arange(panels)[:, None] + inside[None])


def _angles(count: int) -> np.ndarray:
    return np.pi * (np.arange(count) + 0.5) / count


def _abscissae() -> np.ndarray:
    return np.exp(abscissae(PANELS, DEGREE))


@lru_cache(maxsize=1)
def _kernel_matrix() -> np.ndarray:
    """`thermal_kernel` at all x and all fixed nodes, shape (28, 14, nodes)."""
    x, excess = _abscissae()[..., None], excesses()
    return x * kve(1, 2.0 * x * (1.0 + excess)) / kve(2, x) ** 2 * np.exp(-2.0 * x * excess)


@lru_cache(maxsize=1)
def _late_shares() -> np.ndarray:
    """∫ thermal_kernel dx/x² from 10⁶ to 10¹², with K_n(z) = √(π/2z) e^{−z} (1 + (4n²−1)/8z), at the fixed nodes."""
    u, weight = np.polynomial.legendre.leggauss(128)
    x, q = X_END * np.exp(0.5 * np.log(LATEST / X_END) * (1.0 + u[:, None])), 1.0 + excesses()
    kernel = x**1.5 / np.sqrt(np.pi * q) * (1.0 + 3.0 / (16.0 * x * q)) / (1.0 + 15.0 / (8.0 * x)) ** 2
    return 0.5 * np.log(LATEST / X_END) * (weight @ (kernel / x * np.exp(-2.0 * x * excesses())))
