"""Mixing of Z′ and photon through loops of charged leptons."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array

_SERIES = 12
_NEAR = 0.4


def loop_mixing(q2: Array, couplings: Array, masses: Array) -> Array:
    r"""ε_loop(q²)/e = −(1/2π²) Σ_ℓ c_ℓ ∫₀¹ dz z(1−z) ln(m_ℓ² − z(1−z)q² − i0), complex above a threshold 4m_ℓ².

    For L_i − L_j it is finite: (g/2π²) ∫ z(1−z) ln[(m_j² − z(1−z)q²)/(m_i² − z(1−z)q²)]. From Π of the vacuum polarisation (Peskin, Schroeder, eq. 7.90) with the
    charge of one vertex replaced by c; particles of charge Q then couple as −e² Q (ε_loop/e) f̄γ^μf Z′_μ.

    Args     couplings, masses: c_ℓ of L = −c_ℓ ℓ̄γ^μℓ Z′_μ, Σ_ℓ c_ℓ = 0, and m_ℓ > 0, shape (n,)
    """
    return -jnp.sum(couplings * (jnp.log(masses**2) / 6.0 + vacuum_polarisation(q2 / masses**2))) / (2.0 * jnp.pi**2)


def vacuum_polarisation(x: Array) -> Array:
    r"""∫₀¹ dz z(1−z) ln(1 − z(1−z)x − i0) = (1/6)[−5/3 − τ + (1+τ/2) β ln((β+1)/(β−1))], τ = 4/x, β = √(1−τ); x ≥ 0.

    Accuracy 1e-13; for x < 0.4 from its series
    """
    is_near, is_open = x < _NEAR, x > 4.0
    tau = 4.0 / jnp.where(is_near, 1.0, x)
    root = jnp.sqrt(jnp.where(tau == 1.0, 1e-30, jnp.abs(1.0 - tau)))
    above, below = jnp.where(is_open, root, 0.5), jnp.where(is_open, 0.5, root)
    logarithm = jnp.where(is_open, 2.0 * above * jnp.arctanh(above), 2.0 * below * jnp.arctan2(1.0, below))
    real = (-5.0 / 3.0 - tau + (1.0 + 0.5 * tau) * logarithm) / 6.0
    imaginary = jnp.where(is_open, -jnp.pi * (1.0 + 0.5 * tau) * above / 6.0, 0.0)
    small, series = jnp.where(is_near, x, 0.0), 0.0
    for n in reversed(range(1, _SERIES + 1)):  # ∫ [z(1−z)]^{n+1} dz = ((n+1)!)²/(2n+3)!
        series = small * (series - math.factorial(n + 1) ** 2 / math.factorial(2 * n + 3) / n)
    return jnp.where(is_near, series, real) + 1j * imaginary
