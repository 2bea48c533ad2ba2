r"""Annihilation cross sections of Majorana pairs, without the flux factor where it would be singular.

Every function returns w(s) = σ(s) · (β_i/β_f) s for one channel, β = λ^{1/2}(s, m₁², m₂²)/s of the initial and the final pair: smooth in s at both
thresholds. `initial` is (m_a, m_b), twice the same for N_ℓN_ℓ.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.models.sectors import Channels, DarkMatter, Exchange, InitialState
from darkbeauty.models.z_prime import squared
from darkbeauty.numerics.quadrature import gauss_legendre

ANGLES = 12
Masses = tuple[Array, Array]


class Resonance(NamedTuple):
    """A Z′ in the s channel: c_ab of −½ c_ij N̄_iγγ₅N_j Z′, its mass, and P(s) = 1/(s − m² + imΓ)."""

    coupling: Array
    mass: Array
    propagator: Array


def vector_channel(s: Array, initial: Masses, resonance: Resonance, final: Channels) -> Array:
    r"""N_a N_b → Z′ → f f̄.   [dimensionless]

    N_c c²/(12π) |P|² { (s−S²)(1+D²/2s)[g_V²(s+2m²) + g_A²(s−4m²)] + 3 g_A² m² S² (1−D²/s)(1−s/m_Z′²)² }, S = m_a+m_b, D = m_a−m_b.
    Args     final: one final state, its mass, colours, g_v and g_a
    """
    m2, v2, a2 = final.mass**2, squared(final.g_v), final.g_a**2
    sum2, gap2 = (initial[0] + initial[1]) ** 2, (initial[0] - initial[1]) ** 2 / s
    spin_1 = (s - sum2) * (1.0 + 0.5 * gap2) * (v2 * (s + 2.0 * m2) + a2 * (s - 4.0 * m2))
    spin_0 = 3.0 * a2 * m2 * sum2 * (1.0 - gap2) * (1.0 - s / resonance.mass**2) ** 2
    propagator = jnp.asarray(resonance.propagator)
    strength = final.colours * resonance.coupling**2 / (12.0 * jnp.pi)
    return strength * (propagator.real**2 + propagator.imag**2) * (spin_1 + spin_0)


def exchange_channel(s: Array, initial: Masses, final: Exchange, even: bool = True) -> Array:
    r"""N_a N_b → f₁ f̄₂ by a scalar exchanged in the t and u channels, exact in all masses.   [dimensionless]

    N_c/(128π) ∫₋₁¹ dcosθ Σ|M|², Σ|M|² = (y₁y₂)² { (m_a²+m₁²−t)(m_b²+m₂²−t)/D_t² + (m_b²+m₁²−u)(m_a²+m₂²−u)/D_u² − 2m_am_b(s−m₁²−m₂²)/(D_tD_u) }.
    Args     final: one final state; its coupling2 is y₁y₂ of −y_i f̄_i P N S (one chirality), the same for N_a f₁, N_b f₂ and N_b f₁, N_a f₂; D_t = t − m_S²
             even: m_a = m_b or m₁ = m₂, so that forward and backward are the same
    Accuracy 12-point Gauss–Legendre in cosθ, 1e-12 for √s ≤ m_S
    """
    masses = final.mass_1, final.mass_2
    s, t, u, weight = _angles(jnp.asarray(s), initial, masses, even)
    (a, b), (first, second) = ((m**2 for m in pair) for pair in (initial, masses))
    pole_t, pole_u = t - final.scalar_mass**2, u - final.scalar_mass**2
    squares = (a + first - t) * (b + second - t) / pole_t**2 + (b + first - u) * (a + second - u) / pole_u**2
    amplitude2 = squares - 2.0 * initial[0] * initial[1] * (s - first - second) / (pole_t * pole_u)
    return final.colours * final.coupling2**2 / (128.0 * jnp.pi) * (amplitude2 @ weight)


def interference(s: Array, initial: Masses, resonance: Resonance, final: Channels, m_eta: Array) -> Array:
    r"""Interference of Z′ and scalar exchange in N_a N_b → f f̄, the scalar coupling to f_L (−y_i f̄_L N_i η).   [dimensionless]

    1/(128π) ∫₋₁¹ dcosθ ½ c y_ay_b Re P { X_t/D_t + X_u/D_u } with D_t = t − m_η² and, S = m_a+m_b, D = m_a−m_b,
    X_t = 8(g_V−g_A)[(m_a²+m²−t)(m_b²+m²−t) − m_am_b(s−2m²)] + 8m²(g_V+g_A)(s−m_a²−m_b²−4m_am_b) + 8 g_A m² S²(s−D²)/m_Z′².
    Derived from the trace of the two amplitudes; checked against explicit spinors. Left out: the absorptive part of g_V.
    """
    m_f, g_v, g_a = final.mass, jnp.real(final.g_v), final.g_a
    s, t, u, weight = _angles(jnp.asarray(s), initial, (m_f, m_f), True)
    (a, b), product = (m**2 for m in initial), initial[0] * initial[1]
    left, right, sum2, gap2 = g_v - g_a, g_v + g_a, a + b + 2.0 * product, a + b - 2.0 * product
    common = right * (s - a - b - 4.0 * product) + g_a * sum2 * (s - gap2) / resonance.mass**2
    common = 8.0 * m_f**2 * common - 8.0 * left * product * (s - 2.0 * m_f**2)
    graphs = sum((8.0 * left * (a + m_f**2 - v) * (b + m_f**2 - v) + common) / (v - m_eta**2) for v in (t, u))
    strength = 0.5 * resonance.coupling * final.eta_coupling2 * jnp.asarray(resonance.propagator).real
    return strength / (128.0 * jnp.pi) * (graphs @ weight)


def resonant_channel(dark: DarkMatter, state: InitialState, final: Channels, s: Array, propagator: Array) -> Array:
    """Z′ and η exchange with their interference, for one final state of an initial one; P(s) is given.   [dimensionless]"""
    resonance = Resonance(state.coupling, dark.z_prime.mass, propagator)
    value = vector_channel(s, state.masses, resonance, final)
    if dark.eta_mass is None:
        return value
    exchange = Exchange(final.mass, final.mass, jnp.ones(()), final.eta_coupling2, dark.eta_mass, final.finals)
    value = value + exchange_channel(s, state.masses, exchange)
    return value + interference(s, state.masses, resonance, final, dark.eta_mass)


def scalar_channel(s: Array, m_dm: Array, coupling: Array, propagators2: Array, polynomial: tuple[Array, ...]) -> Array:
    r"""N N → H1, H2 → X: κ²/(64π) |P₂ − P₁|² (s − 4M²)(c₀ + c₁s + c₂s²), from σ = λ²β_i |P|² √s Γ(h → X)/2.   [dimensionless]

    Fermions: c₁ = 4N_c m², c₀ = −4m² c₁; W and Z: c = δ(12m⁴, −4m², 1), δ = 2 and 1. There is no interference with a Z′ (another J or P); that with scalar
    exchange, of order m_f² M s/(v m_S⁴), is left out.

    Args     coupling: κ = λ sin ζ cos ζ/v of L = −½ λ N̄N φ₂ [1/GeV]; propagators2: |P₂ − P₁|²; polynomial: c₀, c₁, c₂ of X
    """
    c0, c1, c2 = polynomial
    return coupling**2 / (64.0 * jnp.pi) * propagators2 * (s - 4.0 * m_dm**2) * (c0 + (c1 + c2 * s) * s)


def _angles(s: Array, initial: Masses, final: Masses, even: bool) -> tuple[Array, Array, Array, np.ndarray]:
    """s, t and u with an axis of angles, and the weights of ∫₋₁¹ dcosθ; half of the angles for a function that is even in cosθ."""
    cosine, weight = gauss_legendre(ANGLES)
    if even:
        cosine, weight = cosine[ANGLES // 2 :], 2.0 * weight[ANGLES // 2 :]
    s = s[..., None]
    shrink = [1.0 - (m[0] + sign * m[1]) ** 2 / s for m in (initial, final) for sign in (1.0, -1.0)]
    root = jnp.sqrt(jnp.maximum(shrink[0] * shrink[1] * shrink[2] * shrink[3], 1e-300))
    step = 0.5 * s * root * cosine.reshape((1,) * (s.ndim - 1) + (-1,))
    (a, b), (first, second) = ((m**2 for m in masses) for masses in (initial, final))
    middle, skew = 0.5 * (a + b + first + second - s), 0.5 * (a - b) * (first - second) / s
    return s, middle - skew + step, middle + skew - step, weight
