r"""Annihilation cross sections of a Majorana pair, without the flux factor where it would be singular (physics.md §7).

Every function returns w(s) = σ(s) · (β_i/β_f) s for one channel, β_i = √(1−4M²/s), β_f = √(1−4m_f²/s): smooth in s at both thresholds.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.base import Channels, DarkSector
from darkbeauty.numerics.quadrature import gauss_legendre

ANGLES = 12


def vector_channel(
    s: ArrayLike,
    m_dm: ArrayLike,
    coupling: ArrayLike,
    m_zp: ArrayLike,
    propagator: ArrayLike,
    m_f: ArrayLike,
    colours: ArrayLike,
    g_v: ArrayLike,
    g_a: ArrayLike,
) -> Array:
    r"""N N → Z′ → f f̄: N_c c²/(12π) |P|² { (s−4M²)[g_V²(s+2m²) + g_A²(s−4m²)] + 12 g_A² m² M² (1−s/m_Z′²)² }.   [dimensionless]

    Args     coupling: c of −½ c N̄γγ₅N Z′; propagator: P(s) = 1/(s − m_Z′² + i m_Z′Γ); g_v, g_a: couplings of the final fermion
    """
    spin_1 = (s - 4.0 * m_dm**2) * (g_v**2 * (s + 2.0 * m_f**2) + g_a**2 * (s - 4.0 * m_f**2))
    spin_0 = 12.0 * g_a**2 * m_f**2 * m_dm**2 * (1.0 - s / m_zp**2) ** 2
    propagator = jnp.asarray(propagator)
    return colours * coupling**2 / (12.0 * jnp.pi) * (propagator.real**2 + propagator.imag**2) * (spin_1 + spin_0)


def exchange_channel(
    s: ArrayLike,
    m_dm: ArrayLike,
    m_1: ArrayLike,
    m_2: ArrayLike,
    colours: ArrayLike,
    coupling2: ArrayLike,
    mediator: ArrayLike,
) -> Array:
    r"""N N → f₁ f̄₂ by a scalar exchanged in the t and u channels, exact in all masses.   [dimensionless]

    N_c/(128π) ∫₋₁¹ dcosθ Σ|M|², Σ|M|² = (y₁y₂)² { (M²+m₁²−t)(M²+m₂²−t)/D_t² + (t→u) − 2M²(s−m₁²−m₂²)/(D_t D_u) }, D_t = t − m_S².
    Args     coupling2: y₁y₂ of −y_i f̄_i P N S (one chirality); mediator: m_S
    Accuracy 12-point Gauss–Legendre in cosθ, 1e-12 for √s ≤ m_S
    """
    s, t, u, weight = _angles(jnp.asarray(s), m_dm, m_1, m_2)
    masses = m_dm**2 + m_1**2, m_dm**2 + m_2**2
    pole_t, pole_u = t - mediator**2, u - mediator**2
    squares = (masses[0] - t) * (masses[1] - t) / pole_t**2 + (masses[0] - u) * (masses[1] - u) / pole_u**2
    amplitude2 = squares - 2.0 * m_dm**2 * (s - m_1**2 - m_2**2) / (pole_t * pole_u)
    return colours * coupling2**2 / (128.0 * jnp.pi) * (amplitude2 @ weight)


def interference(
    s: ArrayLike,
    m_dm: ArrayLike,
    coupling: ArrayLike,
    m_zp: ArrayLike,
    propagator: ArrayLike,
    m_f: ArrayLike,
    g_v: ArrayLike,
    g_a: ArrayLike,
    eta_coupling: ArrayLike,
    m_eta: ArrayLike,
) -> Array:
    r"""Interference of Z′ and scalar exchange in N N → f f̄, the scalar coupling to f_L (−y f̄_L N η).   [dimensionless]

    1/(128π) ∫₋₁¹ dcosθ ½ c y² Re P { X_t/D_t + X_u/D_u } with D_t = t − m_η² and
    X_t = 8(g_V−g_A)[(M²+m²−t)² − M²(s−2m²)] + 8m²(g_V+g_A)(s−6M²) + 32 g_A m² M² s/m_Z′².
    Derived from the Fierz-transformed exchange amplitude; checked against explicit spinors.
    """
    s, t, u, weight = _angles(jnp.asarray(s), m_dm, m_f, m_f)
    left, right, mass2 = g_v - g_a, g_v + g_a, m_dm**2 + m_f**2
    common = 8.0 * m_f**2 * (right * (s - 6.0 * m_dm**2) + 4.0 * g_a * m_dm**2 * s / m_zp**2)
    common = common - 8.0 * left * m_dm**2 * (s - 2.0 * m_f**2)
    graphs = sum((8.0 * left * (mass2 - v) ** 2 + common) / (v - m_eta**2) for v in (t, u))
    strength = 0.5 * coupling * eta_coupling**2 * jnp.asarray(propagator).real
    return strength / (128.0 * jnp.pi) * (graphs @ weight)


def resonant_channel(dark: DarkSector, channel: Channels, s: ArrayLike, propagator: ArrayLike) -> Array:
    """Z′ and η exchange with their interference, for one row of the model's channels; P(s) is given.   [dimensionless]"""
    resonance = dark.coupling, dark.mediator.mass, propagator, channel.mass
    value = vector_channel(s, dark.mass, *resonance, channel.colours, channel.g_v, channel.g_a)
    y, m_f = channel.eta_coupling, channel.mass
    value = value + exchange_channel(s, dark.mass, m_f, m_f, 1.0, y**2, dark.eta_mass)
    return value + interference(s, dark.mass, *resonance, channel.g_v, channel.g_a, y, dark.eta_mass)


def _angles(s: Array, m_dm: ArrayLike, m_1: ArrayLike, m_2: ArrayLike) -> tuple[Array, Array, Array, np.ndarray]:
    """s, t and u with an axis of angles, and the weights of ∫₋₁¹ dcosθ of a function that is even in cosθ."""
    cosine, weight = (half[ANGLES // 2 :] for half in gauss_legendre(ANGLES))
    s = s[..., None]
    low, high = 1.0 - (m_1 + m_2) ** 2 / s, 1.0 - (m_1 - m_2) ** 2 / s
    momenta = jnp.sqrt(jnp.maximum((1.0 - 4.0 * m_dm**2 / s) * low * high, 1e-300))
    t, u = (m_dm**2 + m_1**2 - 0.5 * (s + m_1**2 - m_2**2 - sign * s * momenta * cosine) for sign in (1.0, -1.0))
    return s, t, u, 2.0 * weight
