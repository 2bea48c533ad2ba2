r"""Simplified series expansion of form factors (Bharucha, Straub, Zwicky, arXiv:1503.05534, eq. 15):

F(q²) = 1/(1 − q²/m_R²) Σ_k a_k (z(q²) − z(0))^k,  z = (√(t₊−q²) − √(t₊−t₀))/(√(t₊−q²) + √(t₊−t₀)), t± = (m_B ± m_M)², t₀ = t₊(1 − √(1 − t₋/t₊)).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs


class PseudoscalarFormFactors(NamedTuple):
    """f₊, f₀, f_T of B → P, dimensionless."""

    plus: Array
    zero: Array
    tensor: Array


def b_to_k(sm: SMInputs, q2: ArrayLike) -> PseudoscalarFormFactors:
    """B → K form factors of arXiv:2305.06301; f₀(0) = f₊(0) by construction.

    Args     q2: 0 ≤ q² ≤ (m_B − m_K)²   [GeV²]
    Accuracy neutral-meson masses for every charge mode, as the coefficients were used in flavio
    """
    a = jnp.asarray(sm.form_factor["B->K"])
    dz = z_difference(q2, sm.mass["B0"], sm.mass["K0"])
    vector, scalar = sm.form_factor_pole["1-"], sm.form_factor_pole["0+"]
    return PseudoscalarFormFactors(
        plus=series(q2, dz, a[0:3], vector),
        zero=series(q2, dz, jnp.stack([a[0], a[3], a[4]]), scalar),
        tensor=series(q2, dz, a[5:8], vector),
    )


class VectorFormFactors(NamedTuple):
    """V, A₀, A₁, A₁₂, T₁, T₂, T₂₃ of B → V, dimensionless."""

    v: Array
    a0: Array
    a1: Array
    a12: Array
    t1: Array
    t2: Array
    t23: Array


_MESONS = {"B->K*": ("B0", "K*0"), "Bs->phi": ("Bs", "phi"), "B->rho": ("B0", "rho0")}
# where a₀, a₁, a₂ of each form factor are in the vector of coefficients, 19 standing for the constrained a₀ of A₁₂
_ORDER = np.array([[8, 9, 10], [0, 1, 2], [3, 4, 5], [19, 6, 7], [11, 12, 13], [11, 14, 15], [16, 17, 18]])
_SPIN_PARITY = ("1-", "0-", "1+", "1+", "1-", "1+", "1+")


def b_to_v(sm: SMInputs, transition: str, q2: ArrayLike) -> VectorFormFactors:
    r"""B → K*, B_s → φ and B → ρ form factors of arXiv:1503.05534 (light-cone sum rules and lattice).

    Coefficients a₀…a₂ of A₀, A₁, then a₁, a₂ of A₁₂, a₀…a₂ of V, T₁, a₁, a₂ of T₂, a₀…a₂ of T₂₃ (19 numbers). The exact relations at
    q² = 0 (eq. 16) fix A₁₂(0) = A₀(0)(m_B² − m_V²)/(8 m_B m_V) and T₂(0) = T₁(0).

    Args     transition: "B->K*", "Bs->phi" or "B->rho"; q2: 0 ≤ q² ≤ (m_B − m_V)²   [GeV²]
    Accuracy neutral-meson masses for every charge mode, as the coefficients were fitted
    """
    m_b, m_v = (sm.mass[name] for name in _MESONS[transition])
    a = jnp.asarray(sm.form_factor[transition])
    a = jnp.append(a, a[0] * (m_b**2 - m_v**2) / (8.0 * m_b * m_v))
    q2 = jnp.asarray(q2)
    dz = z_difference(q2, m_b, m_v)
    sums = jnp.tensordot(a[_ORDER], jnp.stack([jnp.ones_like(dz), dz, dz**2]), 1)
    of = " B->rho" if transition == "B->rho" else ""
    masses = jnp.stack([jnp.asarray(sm.form_factor_pole[name + of]) for name in _SPIN_PARITY])
    return VectorFormFactors(*(sums / (1.0 - jnp.multiply.outer(masses**-2, q2))))


def z_difference(q2: ArrayLike, m_b: Array | float, m_m: Array | float) -> Array:
    """z(q²) − z(0)."""
    return z_of(q2, m_b, m_m) - z_of(0.0, m_b, m_m)


def z_of(q2: ArrayLike, m_b: Array | float, m_m: Array | float) -> Array:
    """z(q²) with the optimal t₀."""
    t_plus, t_minus = (m_b + m_m) ** 2, (m_b - m_m) ** 2
    t_0 = t_plus * (1.0 - jnp.sqrt(1.0 - t_minus / t_plus))
    here, there = jnp.sqrt(t_plus - q2), jnp.sqrt(t_plus - t_0)
    return (here - there) / (here + there)


def series(q2: ArrayLike, dz: Array, a: Array, m_pole: ArrayLike) -> Array:
    """One form factor from its coefficients a, shape (3,)."""
    return (a[0] + dz * (a[1] + dz * a[2])) / (1.0 - q2 / m_pole**2)
