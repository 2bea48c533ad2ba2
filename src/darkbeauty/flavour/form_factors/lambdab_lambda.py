r"""Form factors of Λ_b → Λ from lattice QCD (Detmold and Meinel, arXiv:1602.01399), helicity basis."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.inputs import SMInputs

TRANSITION = "Lambdab->Lambda"
_ORDER = np.array([[0, 1], [2, 3], [4, 5], [4, 6], [7, 8], [9, 10], [11, 12], [11, 13]])
"""Where a₀ and a₁ of f₊, f_⊥, g₊, g_⊥, h₊, h_⊥, h̃₊, h̃_⊥ are in the vector of coefficients: g and h̃ share their a₀, for they are equal at the end point."""


class HalfBaryonFormFactors(NamedTuple):
    """Of helicity 0 (f₊) and ±1 (f_⊥) of the vector, axial, tensor and pseudotensor currents, shape (2, …) each, dimensionless."""

    vector: Array
    axial: Array
    tensor: Array
    pseudotensor: Array


def lambdab_to_lambda(sm: SMInputs, q2: ArrayLike) -> HalfBaryonFormFactors:
    r"""F(q²) = (a₀ + a₁ z)/(1 − q²/m_pole²), t₊ = (m_B + m_K)², t₀ = (m_Λb − m_Λ)² (eqs. 34, 49): the nominal fit.

    Accuracy statistical errors alone are in the covariance; at low q², far from the lattice points, the systematic ones (by the higher-order fit) are as large
    flavio 2.7.1 takes a₀ and a₁ of the higher-order fit and leaves out its a₂ z², so that its f₊(0) is 0.107 instead of 0.160 (nominal) or 0.202 (higher order).
    """
    q2 = jnp.asarray(q2)
    a = jnp.asarray(sm.form_factor[TRANSITION])[_ORDER]
    t_plus, t_0 = (sm.mass["B+"] + sm.mass["K+"]) ** 2, (sm.mass["Lambdab"] - sm.mass["Lambda"]) ** 2
    here, there = jnp.sqrt(t_plus - q2), jnp.sqrt(t_plus - t_0)
    z = (here - there) / (here + there)
    natural, unnatural = (1.0 - q2 / sm.form_factor_pole[f"{spin} {TRANSITION}"] ** 2 for spin in ("1-", "1+"))
    pole = jnp.stack([x for x in (natural, unnatural, natural, unnatural) for _ in range(2)])
    f = (jnp.multiply.outer(a[:, 0], jnp.ones_like(z)) + jnp.multiply.outer(a[:, 1], z)) / pole
    return HalfBaryonFormFactors(*f.reshape(4, 2, *q2.shape))
