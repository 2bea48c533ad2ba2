r"""e⁺e⁻ → ℓ⁺ℓ⁻ of massless leptons by photon, Z and Z′ at tree level."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import Theory


class Amplitudes(NamedTuple):
    """A_ij of the currents of hand i and j; A_RL = A_LR."""

    left: Array
    right: Array
    crossed: Array


def amplitudes(p: Theory, q2: ArrayLike, product: ArrayLike, m_gamma: ArrayLike) -> Amplitudes:
    r"""A_ij(q²) = e²/q² + g_ig_j/(q² − M_Z²) + c_ec_ℓ/(q² − m² + imΓ), g_i = e (s_W² − ½ δ_iL)/(s_Wc_W).   [1/GeV²]

    Args     product: c_ec_ℓ of the Z′; m_gamma: mΓ, 0 for q² < 0
    Domain   q² off the Z, whose width is left out
    """
    s2w, m2_z = p.sm.coupling["s2w"], p.sm.mass["Z"] ** 2
    e2 = 4.0 * jnp.pi * p.sm.coupling["alpha_e_MZ"]
    unit, left, right = e2 / (s2w * (1.0 - s2w)), s2w - 0.5, s2w
    vector = e2 / q2 + product / (q2 - p.z_prime.mass**2 + 1j * m_gamma)
    of = lambda hands: vector + unit * hands / (q2 - m2_z)
    return Amplitudes(of(left**2), of(right**2), of(left * right))
