r"""Annihilation cross sections of a Majorana pair, without the flux factor where it would be singular (physics.md §7).

Every function returns w(s) = σ(s) · (β_i/β_f) s for one channel, β_i = √(1−4M²/s), β_f = √(1−4m_f²/s): smooth in s at both thresholds.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

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
    s: ArrayLike, m_dm: ArrayLike, m_f: ArrayLike, colours: ArrayLike, coupling: ArrayLike, m_lq: ArrayLike
) -> Array:
    r"""N N → f f̄ by a scalar of mass m_lq in the t and u channels, exact in all masses.   [dimensionless]

    N_c/(128π) ∫₋₁¹ dcosθ Σ|M|², Σ|M|² = y⁴ { (M²+m²−t)²/(t−m_lq²)² + (t→u) − 2M²(s−2m²)/((t−m_lq²)(u−m_lq²)) }.
    Accuracy 12-point Gauss–Legendre in cosθ, 1e-12 for √s ≤ m_lq
    """
    cosine, weight = gauss_legendre(ANGLES)
    s = jnp.asarray(s)[..., None]
    mass2 = m_dm**2 + m_f**2
    beta = jnp.sqrt(jnp.maximum((1.0 - 4.0 * m_dm**2 / s) * (1.0 - 4.0 * m_f**2 / s), 1e-300))
    t, u = (mass2 - 0.5 * s * (1.0 - sign * beta * cosine) for sign in (1.0, -1.0))
    pole_t, pole_u = t - m_lq**2, u - m_lq**2
    squares = ((mass2 - t) / pole_t) ** 2 + ((mass2 - u) / pole_u) ** 2
    amplitude2 = squares - 2.0 * m_dm**2 * (s - 2.0 * m_f**2) / (pole_t * pole_u)
    return colours * coupling**4 / (128.0 * jnp.pi) * (amplitude2 @ weight)
