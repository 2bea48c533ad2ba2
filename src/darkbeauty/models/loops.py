r"""Loop functions of the leptoquark models: Z′ penguin, dipole, boxes, and the Standard Model's S₀.

Everything is built from the remainders of the logarithm at x = 1,

    R_n(x) = [ln x − Σ_{k=1}^{n−1} (−1)^{k+1} (x−1)^k/k] / (x−1)^n,   n = 1 … 4

(R₁ = ln x/(x−1)), which are smooth on x > 0. For x in [1/3, 3] they come from the atanh series of ln x in s = (x−1)/(x+1), outside from
their definition. The closed forms are rewritten so that nothing cancels at x → 1, and two-argument functions are divided
differences of functions that vanish at x → 0, so that nothing cancels there either.
"""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.numerics.divided_difference import divided_difference

_SERIES_TERMS = 32  # s² ≤ 1/4: the first term left out is below 1e-20


def _by_region(
    near: Callable[[Array], Array],
    away: Callable[[Array], Array],
    x: ArrayLike,
    at_zero: ArrayLike = 0.0,
    slope: float = 0.0,
) -> Array:
    """near(s) on [1/3, 3], away(x) outside, at_zero + slope·x for x ≤ 0; no branch sees the arguments of another."""
    x = jnp.asarray(x, dtype=float)
    is_near = jnp.abs(x - 1.0) <= 0.5 * (x + 1.0)
    positive = x > 0.0
    x_near = jnp.where(is_near, x, 1.0)
    x_away = jnp.where(positive & ~is_near, x, 4.0)
    value = jnp.where(is_near, near((x_near - 1.0) / (x_near + 1.0)), away(x_away))
    return jnp.where(positive, value, at_zero + slope * x)


def _atanh_tail(s: Array) -> Array:
    """Σ_n s^{2n}/(2n+5), so that ln x = 2s + 2s³/3 + 2s⁵·tail at x = (1+s)/(1−s)."""
    step = (s * s)[..., None]
    powers = jnp.ones_like(step)
    while powers.shape[-1] < _SERIES_TERMS:  # doubling: a small graph, where Horner's rule would be a long one
        powers = jnp.concatenate([powers, powers * step], axis=-1)
        step = step * step
    odd = (2.0 * np.arange(_SERIES_TERMS) + 5.0).reshape((1,) * s.ndim + (-1,))
    return jnp.sum(powers / odd, axis=-1)


def _r1_near(s: Array) -> Array:
    q = s * s
    return (1.0 - s) * (1.0 + q * (1.0 / 3.0 + q * _atanh_tail(s)))


def _r2_near(s: Array) -> Array:
    return -0.5 * (1.0 - s) * (1.0 - s * (1.0 - s) * (1.0 / 3.0 + s * s * _atanh_tail(s)))


def _r3_near(s: Array) -> Array:
    return 0.25 * (1.0 - s) * (1.0 + (1.0 - s) ** 2 * (1.0 / 3.0 + s * s * _atanh_tail(s)))


def _r4_near(s: Array) -> Array:
    return 0.125 * (1.0 - s) * (-2.0 + s - s * s / 3.0 + s * (1.0 - s) ** 3 * _atanh_tail(s))


def _x_of(s: Array) -> Array:
    return (1.0 + s) / (1.0 - s)


def k(x: ArrayLike) -> Array:
    r"""k(x) = x² ln x/(x−1), k(0) = 0, k(1) = 1.

    Source   the formulas of the slides behind the models (arXiv:2106.03735, arXiv:2409.16961)
    Domain   x ≥ 0 (x < 0 gives 0), elementwise
    Accuracy relative 1e-14, value and gradient
    """
    return _by_region(lambda s: _x_of(s) ** 2 * _r1_near(s), lambda t: t * (t * jnp.log(t) / (t - 1.0)), x)


def j(x: ArrayLike) -> Array:
    r"""j(x) = x ln x/(x−1), j(0) = 0, j(1) = 1.

    Source   the formulas of the slides behind the models (arXiv:2106.03735, arXiv:2409.16961)
    Domain   x ≥ 0 (x < 0 gives 0), elementwise; j′ → −ln x at x → 0, and is taken as 0 at x = 0 itself
    Accuracy relative 1e-14, value and gradient
    """
    return _by_region(lambda s: _x_of(s) * _r1_near(s), lambda t: t * jnp.log(t) / (t - 1.0), x)


def k_divided(x: ArrayLike, y: ArrayLike) -> Array:
    """k(x, y) = (k(x) − k(y))/(x − y), k′(x) at x = y.   Accuracy 1e-13, value and gradient."""
    return divided_difference(k, x, y)


def j_divided(x: ArrayLike, y: ArrayLike) -> Array:
    """j(x, y) = (j(x) − j(y))/(x − y), j′(x) at x = y.   Accuracy 1e-13, value and gradient."""
    return divided_difference(j, x, y)


def _safe_sqrt(x: Array) -> Array:
    return jnp.where(x > 0.0, jnp.sqrt(jnp.where(x > 0.0, x, 1.0)), 0.0)


def v_sb(chi: ArrayLike, u: ArrayLike) -> Array:
    r"""Z′ penguin of two mixed Majorana states in the loop with the leptoquark.   [dimensionless]

    V = ½ + Σ_ij u_i u_j Q_ij [½ k(χ_i,χ_j) + √(χ_iχ_j) j(χ_i,χ_j)] − ½ Σ_i u_i² k(χ_i,1),   Q_ij = 2u_iu_j − δ_ij

    evaluated with ½ − ½ Σ u_i² k(χ_i,1) = −½ Σ u_i² χ_i j(χ_i,1), which uses Σ u_i² = 1: the Ward identity (V = 0 for massless N) then
    holds to the last digit, and a small V keeps its relative accuracy. R(a, b) of the talk is this function.

    Args     chi: (χ_light, χ_heavy), χ = M²/M_LQ²; u: (u_light, u_heavy), the contents of the flavour that couples to quarks, Σ u² = 1
             (A: cos β, sin β; B: sin δ, cos δ). Derivatives along the circle Σ u² = 1 are exact; off it V has no meaning.
    Domain   χ ≥ 0. ∂V/∂χ_light grows like χ_light^(−1/2) at χ_light → 0 (V is smooth in the masses), taken as 0 in that term at χ = 0
    Accuracy relative 1e-14 for any masses (60-digit closed form), unless the mixing makes V pass through zero
    """
    chi, u = jnp.asarray(chi, dtype=float), jnp.asarray(u, dtype=float)
    light, heavy = chi[0], chi[1]
    u_squared = u * u
    ones = jnp.ones_like(light)
    # every j(x, y) at once, and k(x, y) = ½[j(x) + j(y)] + ½(x + y) j(x, y), a sum of positive terms: one graph instead of nine
    j_pairs = j_divided(jnp.stack([light, heavy, light, heavy, light]), jnp.stack([light, heavy, ones, ones, heavy]))
    j_slope, j_one, j_mixed = j_pairs[0:2], j_pairs[2:4], j_pairs[4]
    j_chi = j(chi)

    same = u_squared * (2.0 * u_squared - 1.0) * (0.5 * j_chi + 1.5 * chi * j_slope)
    leptoquark_line = -0.5 * u_squared * chi * j_one
    root = _safe_sqrt(light) * _safe_sqrt(heavy)
    mixed = 0.25 * (j_chi[0] + j_chi[1]) + (0.25 * (light + heavy) + root) * j_mixed
    return jnp.sum(same + leptoquark_line) + 4.0 * u_squared[0] * u_squared[1] * mixed


def dipole_j1(x: ArrayLike) -> Array:
    r"""Dipole function J₁(x) = (1 − 6x + 3x² + 2x³ − 6x² ln x)/(12(1−x)⁴) = ½ ∫₀¹ z²(1−z)/(z + x(1−z)) dz.

    J₁(0) = 1/12, J₁(1) = 1/24, J₁ → 1/(6x). Near x = 1 it is −(2x − 1 + 6x² R₄)/12.

    Source   the formulas of the slides behind the models (arXiv:2106.03735, arXiv:2409.16961)
    Domain   0 ≤ x < 1e70 elementwise (x < 0 gives the tangent at 0)
    Accuracy relative 1e-13, value and gradient
    """

    def near(s: Array) -> Array:
        t = _x_of(s)
        return -(2.0 * t - 1.0 + 6.0 * t * t * _r4_near(s)) / 12.0

    def away(t: Array) -> Array:
        return (1.0 + t * (-6.0 + t * (3.0 + 2.0 * t - 6.0 * jnp.log(t)))) / (12.0 * (1.0 - t) ** 4)

    return _by_region(near, away, x, at_zero=1.0 / 12.0, slope=-1.0 / 6.0)


def boxes(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    r"""Box functions F(x, y) = ∫₀^∞ t² dt/((t+x)(t+y)(t+1)²) and G(x, y) = ∫₀^∞ t dt/((t+x)(t+y)(t+1)²).

    Divided differences of x γ(x) and of −γ(x), γ(x) = (x ln x + 1 − x)/(x−1)² = 1 + x R₂; where γ → 1 dominates, the 1 is split off.

    Source   the formulas of the slides behind the models (arXiv:2106.03735, arXiv:2409.16961)
    Domain   x, y ≥ 0, elementwise; G diverges like −ln max(x, y), at 0, 0 itself it is returned as 0
    Accuracy relative 1e-13, value and gradient
    """
    x, y = jnp.broadcast_arrays(jnp.asarray(x, dtype=float), jnp.asarray(y, dtype=float))
    small = jnp.maximum(x, y) < 0.5
    split_off = jnp.where(small, 1.0, 0.0)
    is_f = np.array([True, False]).reshape(2, *(1,) * x.ndim)
    pair = lambda t: jnp.where(is_f, t, -1.0) * _gamma(t, small[None])
    f, g = divided_difference(pair, jnp.stack([x, x]), jnp.stack([y, y]))
    return split_off + f, g


def w_boxes(x: ArrayLike, y: ArrayLike) -> Array:
    r"""Box of two W bosons and two up-type quarks, (1 + xy/4) F(x, y) + 2xy G(x, y), x, y = m²/m_W²: S₀(x) of meson mixing is its F(x, x) + F(0, 0) − 2F(x, 0).

    Source   Inami and Lim, Prog. Theor. Phys. 65 (1981) 297
    Domain   x, y ≥ 0, elementwise
    """
    f, g = boxes(x, y)
    product = jnp.asarray(x) * jnp.asarray(y)
    return (1.0 + 0.25 * product) * f + 2.0 * product * g


def box_f(x: ArrayLike, y: ArrayLike) -> Array:
    """F(x, y) of `boxes`, F(0, 0) = 1."""
    f, _ = boxes(x, y)
    return f


def box_g(x: ArrayLike, y: ArrayLike) -> Array:
    """G(x, y) of `boxes`."""
    _, g = boxes(x, y)
    return g


def _gamma(x: Array, less_one: Array) -> Array:
    """γ(x) = j(x,1) = ∫₀^∞ t dt/((t+x)(t+1)²), γ(0) = 1, or γ(x) − 1 = x R₂ without the cancellation at x → 0."""
    base = jnp.where(less_one, 0.0, 1.0)

    def away(t: Array) -> Array:
        numerator = jnp.where(less_one, t * (jnp.log(t) + 1.0 - t), t * jnp.log(t) + 1.0 - t)
        return numerator / (t - 1.0) ** 2

    return _by_region(lambda s: base + _x_of(s) * _r2_near(s), away, x, at_zero=base)


def inami_lim_s0(x: ArrayLike) -> Array:
    r"""Inami–Lim function of meson mixing, S₀(x) = (4x − 11x² + x³)/(4(1−x)²) − 3x³ ln x/(2(1−x)³), x = m_t²/m_W².

    S₀(0) = 0, S₀(1) = 3/4, S₀ → x/4. Near x = 1 it is x(4 − 3x + 6x² R₃)/4.

    Source   Inami and Lim, Prog. Theor. Phys. 65 (1981) 297
    Domain   x ≥ 0, elementwise (x < 0 gives the tangent at 0)
    Accuracy relative 1e-13, value and gradient
    """

    def near(s: Array) -> Array:
        t = _x_of(s)
        return 0.25 * t * (4.0 - 3.0 * t + 6.0 * t * t * _r3_near(s))

    def away(t: Array) -> Array:
        d = 1.0 - t
        return 0.25 * t * ((4.0 + t * (t - 11.0)) - 6.0 * t * t * jnp.log(t) / d) / (d * d)

    return _by_region(near, away, x, slope=1.0)
