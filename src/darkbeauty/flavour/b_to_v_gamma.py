r"""B → Vγ, V = K*, φ: the photon pole of the amplitudes of `b_to_v_ll`, with their form factors, charm loops, spectator scattering and nuisances."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour.b_to_v_ll import amplitudes, hadronic, meson_mixing_phase, non_factorisable
from darkbeauty.flavour.common import CONJUGATE, DECAY, abs2, weak_inputs, with_conjugate
from darkbeauty.flavour.currents import lepton_current
from darkbeauty.flavour.meson_mixing import mixing_phase
from darkbeauty.flavour.modes import VECTOR
from darkbeauty.flavour.vector_angles import PARA, PERP
from darkbeauty.models.sectors import Theory, Wilson

AT_THE_POLE = 1e-6
"""q² [GeV²] that stands for 0, the first knot of the tables: what has no photon pole is a millionth there."""


class PhotonRates(NamedTuple):
    """Γ of B → Vγ: CP average, average over the decay time too, half the CP difference, and what mixing adds to the average, cosine and sine.   [GeV]"""

    average: Array
    integrated: Array
    difference: Array
    cosine: Array
    sine: Array


def rates(p: Theory, mode: str) -> PhotonRates:
    r"""`PhotonRates`; A_CP = difference/average, A_ΔΓ = cosine/average, S = sine/average.   [GeV]

    Γ = (m_B² − m_V²)/(64π²α m_B³) Σ_λ |q²H_λ|² at q² = 0; H_− = −2N m_b (m_B² − m_V²) C₇T₁(0)/q² + …, H₊ = 2N m_b (m_B² − m_V²) C₇′T₁(0)/q² + …;
    cosine + i sine = −(q/p) Σ_λ H_λ H̄_{−λ}*; integrated = (average − y cosine)/(1 − y²), y = ΔΓ/2Γ, for B_s.

    Source   arXiv:hep-ph/0609037, arXiv:0802.0876, with the signs of flavio 2.7.1: S(K*γ) = −2(m_s/m_b) sin 2β to leading order
    Accuracy relative 3e-4 of flavio's; α at 4.8 GeV as there, although a real photon has α(0), 3.6 % less
    Omits    Γ₁₂ in the phase of mixing (3·10⁻⁴); K⁰ mixing in K* → K_Sπ⁰
    """
    sm, of = p.sm, VECTOR[mode]
    m_b, m_v = sm.mass[of.b], sm.mass[of.final]
    factor = (m_b**2 - m_v**2) / (64.0 * jnp.pi**2 * sm.coupling["alpha_e_4.8"] * m_b**3)
    both = helicities(p, mode)
    decay, conjugate = factor * jnp.sum(abs2(both), axis=1)
    average = 0.5 * (decay + conjugate)
    mixed = -factor * q_over_p(p, of.b) * jnp.sum(both[DECAY] * jnp.conj(both[CONJUGATE][::-1]))
    y = 0.5 * sm.lifetime["DeltaGamma/Gamma_Bs"] if of.b == "Bs" else 0.0
    integrated = (average - y * mixed.real) / (1.0 - y**2)
    return PhotonRates(average, integrated, 0.5 * (decay - conjugate), mixed.real, mixed.imag)


def helicities(p: Theory, mode: str) -> Array:
    """q²H_−, q²H₊ at q² = 0 without the CKM phase, of B̄ and (rows) of its CP conjugate.   [GeV]"""
    q2 = jnp.asarray(AT_THE_POLE)
    f = hadronic(p.sm, mode, q2)

    def decay(w: Wilson, ratio_u: Array) -> Array:
        current = lepton_current(p, "e", 0.0, q2, w, ratio_u)
        a = q2 * (amplitudes(f, 0.0, current).vector + non_factorisable(p, mode, f, w, ratio_u))
        return jnp.stack([a[PARA] - a[PERP], a[PARA] + a[PERP]]) / jnp.sqrt(2.0)

    return jax.vmap(decay, axis_size=2)(*with_conjugate(*weak_inputs(p)))


def q_over_p(p: Theory, meson: str) -> Array:
    """q/p times the squared CKM phase of b → s; 1 for B_s in the Standard Model. Of B⁺, which does not mix, that of B⁰ stands here."""
    if meson == "Bs":
        return jnp.conj(meson_mixing_phase(p))
    xi = p.sm.ckm.xi("t")
    return jnp.conj(mixing_phase(p, "B0")) * xi**2 / abs2(xi)
