r"""Fixed-node quadrature, with nodes that gather around a pole however narrow it is.

A propagator 1/(s − m² + imΓ) with Γ/m = 10⁻⁷ hides from any rule that does not know where it is. Here the variable v of an
integral is mapped as v = c + w sinh ξ, with c + iw (up to the sign of w) the complex position of the pole: nodes are then
spaced logarithmically in their distance to the pole, down to its width, and evenly far away. The distance v − c is returned beside
v, because recomputing it as a difference would cost all its digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike


@lru_cache(maxsize=64)
def gauss_legendre(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of the n-point Gauss–Legendre rule on [−1, 1]."""
    return np.polynomial.legendre.leggauss(n)


def legendre_rule(lo: ArrayLike, hi: ArrayLike, n: int) -> tuple[Array, Array]:
    """Nodes and weights, shape (n,), of ∫_lo^hi for an integrand that is smooth there."""
    x, w = gauss_legendre(n)
    half = 0.5 * (jnp.asarray(hi) - lo)
    return lo + half * (1.0 + x), half * w


class PoleRule(NamedTuple):
    """∫ f(v) dv ≈ Σ weight · f(node), with `offset` = node − centre to full relative accuracy."""

    node: Array
    offset: Array
    weight: Array


def pole_rule(edges: Array, centre: ArrayLike, width: ArrayLike, n: int) -> PoleRule:
    """Composite rule over [edges[0], edges[-1]] for an integrand with a pole at centre ± i·width.

    Args     edges: increasing panel edges, shape (m,); centre, width > 0: scalars; n: nodes per panel
    Returns  m panels (the one that holds the pole is cut there), n nodes each, flat arrays of shape (m·n,)
    Accuracy relative 1e-9 for n = 24 and width/range ≥ 1e-9, wherever the pole is: inside, at an edge, outside
    """
    x, w = gauss_legendre(n)
    low, high = edges[0], edges[-1]
    cut = jnp.where(centre < low, low, jnp.where(centre > high, high, centre))
    ordered = jnp.sort(jnp.concatenate([edges[:1], cut[None], edges[1:]]))  # on a tie with an end, cut stays inside
    xi = jnp.arcsinh((ordered - centre) / width)
    half = 0.5 * (xi[1:] - xi[:-1])[:, None]
    nodes = xi[:-1, None] + half * (1.0 + x)
    offset = (width * jnp.sinh(nodes)).ravel()
    return PoleRule(centre + offset, offset, (half * w * width * jnp.cosh(nodes)).ravel())


class ResonanceRule(NamedTuple):
    """∫ f(s, P(s)) ds ≈ Σ weight · f(s, propagator) with propagator = 1/(s − m² + imΓ)."""

    s: Array
    propagator: Array
    weight: Array


def bin_rule(lo: ArrayLike, hi: ArrayLike, m2: ArrayLike, m_gamma: ArrayLike, n: int) -> ResonanceRule:
    """Rule for a bin [lo, hi] in s whose integrand is smooth but for the propagator.   nodes: 2n"""
    rule = pole_rule(jnp.stack([jnp.asarray(lo), jnp.asarray(hi)]), m2, m_gamma, n)
    return ResonanceRule(rule.node, 1.0 / (rule.offset + 1j * m_gamma), rule.weight)


def phase_space_rule(lo: ArrayLike, hi: ArrayLike, m2: ArrayLike, m_gamma: ArrayLike, n: int) -> ResonanceRule:
    r"""Rule for a whole kinematic range, where the integrand goes like half-integer powers of (s−lo) and (hi−s).

    s = (lo+hi)/2 − (hi−lo)/2 · cos φ makes the end points smooth; the pole sits at the complex φ* with s(φ*) = m² − imΓ.   nodes: 2n
    """
    middle, half = 0.5 * (jnp.asarray(hi) + lo), 0.5 * (jnp.asarray(hi) - lo)
    pole = _arccos((middle - m2 + 1j * m_gamma) / half)
    rule = pole_rule(jnp.array([0.0, jnp.pi]), pole.real, jnp.abs(pole.imag), n)
    s = middle - half * jnp.cos(rule.node)
    near = rule.offset - 1j * pole.imag
    distance = 2.0 * half * jnp.sin(0.5 * (rule.node + pole)) * jnp.sin(0.5 * near)
    return ResonanceRule(s, 1.0 / distance, rule.weight * half * jnp.sin(rule.node))


def pair_rule(
    edges: Sequence[ArrayLike],
    s_min: ArrayLike,
    s_max: ArrayLike,
    pole: tuple[ArrayLike, ArrayLike] | None,
    n: int,
    photon: bool,
) -> ResonanceRule:
    r"""Rule for the part of a bin inside the phase space [s_min, s_max] of a pair of fermions, s_min = 4m².

    s = s_min + (s_max − s_min) sin²(θ/2) makes both thresholds smooth. photon: also θ = w sinh ξ, with s(iw) = 0 the photon pole, so that
    1/s is smooth too (needs s_min > 0; nodes are even in ln s). pole = (m², mΓ): a propagator, treated as in `bin_rule`, with panels of
    its own close by.

    Args     edges: lower end of the bin, points where the integrand has a kink (moved to the ends if outside), upper end
    Returns  n nodes per panel and the propagator at them (0 without a pole); all weights 0 if s_min ≥ s_max
    Accuracy relative 3e-7 for n = 24 and mΓ/m² ≥ 1e-8, 1e-8 nearly everywhere
    """
    is_open = jnp.asarray(s_max) > s_min
    s_min = jnp.where(is_open, s_min, 0.5 * s_max)
    half = 0.5 * (s_max - s_min)
    w = 2.0 * jnp.arcsinh(jnp.sqrt(0.5 * s_min / half)) if photon else 1.0
    xi = jnp.stack([_angle(s, s_min, s_max) for s in edges])
    xi = jnp.arcsinh(xi / w) if photon else xi
    xi = jnp.clip(xi, xi[0], jnp.maximum(xi[-1], xi[0]))
    if pole is None:
        x, weights = gauss_legendre(n)
        step = 0.5 * (xi[1:] - xi[:-1])[:, None]
        xi, weight = (xi[:-1, None] + step * (1.0 + x)).ravel(), (step * weights).ravel()
    else:
        theta_pole = _arccos_between((pole[0] - s_min - 1j * pole[1]) / half, (s_max - pole[0] + 1j * pole[1]) / half)
        xi_pole = _arcsinh(theta_pole / w) if photon else theta_pole
        around = jnp.clip(xi_pole.real + jnp.array([-0.3, 0.3]), xi[0], xi[-1])
        xi, offset, weight = pole_rule(jnp.sort(jnp.append(xi, around)), xi_pole.real, jnp.abs(xi_pole.imag), n)
    theta, jacobian = (w * jnp.sinh(xi), w * jnp.cosh(xi)) if photon else (xi, 1.0)
    s = s_min + 2.0 * half * jnp.sin(0.5 * theta) ** 2
    weight = jnp.where(is_open, weight * jacobian * half * jnp.sin(theta), 0.0)
    if pole is None:
        return ResonanceRule(s, jnp.zeros(()), weight)
    near = offset - 1j * xi_pole.imag
    if photon:
        near = 2.0 * w * jnp.cosh(0.5 * (xi + xi_pole)) * jnp.sinh(0.5 * near)
    distance = 2.0 * half * jnp.sin(0.5 * (theta + theta_pole)) * jnp.sin(0.5 * near)
    return ResonanceRule(s, 1.0 / distance, weight)


def _angle(s: ArrayLike, s_min: ArrayLike, s_max: ArrayLike) -> Array:
    """θ with s = s_min + (s_max − s_min) sin²(θ/2); 0 below, π above, with zero gradient there."""
    x = (s - s_min) / (jnp.asarray(s_max) - s_min)
    inside = (x > 0.0) & (x < 1.0)
    safe = jnp.where(inside, x, 0.5)
    return jnp.where(inside, 2.0 * jnp.arctan2(jnp.sqrt(safe), jnp.sqrt(1.0 - safe)), jnp.where(x < 0.5, 0.0, jnp.pi))


def _arcsinh(z: Array) -> Array:
    """arcsinh of a complex number, accurate in a tiny imaginary part (W. Kahan)."""
    root_plus, root_minus = jnp.sqrt(1.0 + 1j * z), jnp.sqrt(1.0 - 1j * z)
    real = jnp.arcsinh(root_plus.real * root_minus.imag - root_plus.imag * root_minus.real)
    return -real + 1j * jnp.arctan2(z.imag, (root_plus * root_minus).real)


def _arccos(z: Array) -> Array:
    """arccos of a complex number off the real axis, accurate in its (possibly tiny) imaginary part."""
    return _arccos_between(1.0 - z, 1.0 + z)


def _arccos_between(below: Array, above: Array) -> Array:
    """arccos z from 1 − z and 1 + z, either of which may be tiny (W. Kahan)."""
    root_minus, root_plus = jnp.sqrt(below), jnp.sqrt(above)
    real = 2.0 * jnp.arctan2(root_minus.real, root_plus.real)
    imag = jnp.arcsinh((jnp.conj(root_plus) * root_minus).imag)
    return real + 1j * imag
