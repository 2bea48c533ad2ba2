r"""Simplified series expansion of form factors (Bharucha, Straub, Zwicky, arXiv:1503.05534, eq. 15):

F(q²) = 1/(1 − q²/m_R²) Σ_k a_k (z(q²) − z(0))^k,  z = (√(t₊−q²) − √(t₊−t₀))/(√(t₊−q²) + √(t₊−t₀)), t± = (m_B ± m_M)², t₀ = t₊(1 − √(1 − t₋/t₊)).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
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


def z_difference(q2: ArrayLike, m_b: ArrayLike, m_m: ArrayLike) -> Array:
    """z(q²) − z(0) with the optimal t₀."""
    t_plus, t_minus = (m_b + m_m) ** 2, (m_b - m_m) ** 2
    t_0 = t_plus * (1.0 - jnp.sqrt(1.0 - t_minus / t_plus))
    z = lambda t: (jnp.sqrt(t_plus - t) - jnp.sqrt(t_plus - t_0)) / (jnp.sqrt(t_plus - t) + jnp.sqrt(t_plus - t_0))
    return z(q2) - z(0.0)


def series(q2: ArrayLike, dz: Array, a: Array, m_pole: ArrayLike) -> Array:
    """One form factor from its coefficients a, shape (3,)."""
    return (a[0] + dz * (a[1] + dz * a[2])) / (1.0 - q2 / m_pole**2)
