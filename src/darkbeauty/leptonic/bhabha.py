r"""e⁺e⁻ → e⁺e⁻ above the Z with a Z′ in the s and t channels: the LEP-II test of an electron coupling."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.leptonic.exchange import amplitudes
from darkbeauty.models.sectors import E, Theory
from darkbeauty.numerics.quadrature import legendre_rule

COSINE_NODES = 12


def ratio_to_sm(p: Theory, energy: ArrayLike, cos_min: Array | float, cos_max: Array | float) -> Array:
    r"""σ/σ_SM of e⁺e⁻ → e⁺e⁻ at a centre-of-mass energy [GeV] in a bin of cos θ.   [1]

    dσ/dcosθ ∝ Σ_{h=L,R} u²|A_hh(s) + A_hh(t)|² + 2t²|A_LR(s)|² + 2s²|A_LR(t)|² with the A_ij of `exchange`, imΓ in the s channel. For m² ≫ s a
    contact interaction −(c_e²/2m²)(ēγe)² (Λ⁻_VV of the LEP convention).
    Domain   any m_zp, also below the energy; √s a few GeV off the Z
    Accuracy tree level in the ratio, 1 % of the Z′ effect; a resonance narrower than the spread of energies or reached by radiative return
             is not described
    """
    cosine, weight = legendre_rule(cos_min, cos_max, COSINE_NODES)
    coupling2 = p.z_prime.lepton[E].real ** 2
    return weight @ _density(p, energy, cosine, coupling2) / (weight @ _density(p, energy, cosine, 0.0))


def _density(p: Theory, energy: ArrayLike, cosine: Array, coupling2: ArrayLike) -> Array:
    s = jnp.asarray(energy, float) ** 2
    t, u = -0.5 * s * (1.0 - cosine), -0.5 * s * (1.0 + cosine)
    in_s, in_t = amplitudes(p, s, coupling2, p.z_prime.pole.m_gamma), amplitudes(p, t, coupling2, 0.0)
    same = jnp.abs(in_s.left + in_t.left) ** 2 + jnp.abs(in_s.right + in_t.right) ** 2
    return u**2 * same + 2.0 * t**2 * jnp.abs(in_s.crossed) ** 2 + 2.0 * s**2 * jnp.abs(in_t.crossed) ** 2
