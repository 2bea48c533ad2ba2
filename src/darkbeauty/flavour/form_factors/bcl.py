r"""Form factors of B → π (Leljak, Melić, van Dyk, arXiv:2102.07233, eqs. 2.15–2.17), light-cone sum rules and lattice:

f₊(q²) = f₊(0)/(1 − q²/m₁²) {1 + Σ_{k=1}^{3} b_k [z^k − z₀^k − (−1)^{k−4} (k/4)(z⁴ − z₀⁴)]}, f_T alike with f_T(0),
f₀(q²) = f₊(0)/(1 − q²/m₀²) {1 + Σ_{k=1}^{4} b_k (z^k − z₀^k)},   z = z(q²), z₀ = z(0).
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.form_factors.bsz import PseudoscalarFormFactors, z_of
from darkbeauty.inputs import SMInputs

M_B, M_PI = 5.279, 0.135
"""Masses [GeV] that the coefficients were fitted with."""


def b_to_pi(sm: SMInputs, q2: ArrayLike) -> PseudoscalarFormFactors:
    """B → π form factors; f₀(0) = f₊(0) by construction.

    Args     q2: 0 ≤ q² ≤ (m_B − m_π)²   [GeV²]
    """
    a = jnp.asarray(sm.form_factor["B->pi"])
    z, z_0 = z_of(q2, M_B, M_PI), z_of(0.0, M_B, M_PI)
    powers = jnp.stack([z**k - z_0**k for k in (1, 2, 3, 4)])
    pole = lambda name: 1.0 / (1.0 - jnp.asarray(q2) / sm.form_factor_pole[name] ** 2)
    vector, scalar = pole("1- B->pi"), pole("0+ B->pi")
    return PseudoscalarFormFactors(
        plus=a[0] * vector * _truncated(a[1:4], powers),
        zero=a[0] * scalar * (1.0 + jnp.tensordot(a[4:8], powers, 1)),
        tensor=a[8] * vector * _truncated(a[9:12], powers),
    )


def _truncated(b: Array, powers: Array) -> Array:
    """The series whose imaginary part starts at threshold like that of a P wave (arXiv:0807.2722)."""
    k = np.arange(1, 4)
    fixed = jnp.sum(b * (-1.0) ** (k - 4) * k / 4.0)
    return 1.0 + jnp.tensordot(b, powers[:3], 1) - fixed * powers[3]
