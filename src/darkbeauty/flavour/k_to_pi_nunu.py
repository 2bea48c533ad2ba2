r"""K → πνν̄: Standard Model and Z′ penguin.

B(K⁺→π⁺νν̄) = κ₊ (|V_us|/0.225)⁸ ⅓ Σ_ν ⟨|a_ν|²⟩/|V_us|¹⁰,   B(K_L→π⁰νν̄) = κ_L (…)⁸ ⅓ Σ_ν ⟨|½(a_ν − ā_ν)|²⟩/|V_us|¹⁰,
a_ν = ξ_t X_t + ξ_c |V_us|⁴ (P_c + δP_cu),   ξ_q = V_qsV_qd*,

ā that of the antikaon; averaged over the spectrum λ^{3/2}(m_K², m_π², q²) f₊²(q²) of the pair (hep-ph/0603079, arXiv:0705.2025).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.common import abs2, integrate_pair, kallen
from darkbeauty.models.sectors import LEPTONS, Theory, Wilson

KAPPA_ALPHA, KAPPA_S2W, KAPPA_VUS = 1.0 / 127.9, 0.231, 0.225
"""α(M_Z), sin²θ_W, |V_us| with which κ₊ and κ_L were computed (arXiv:0705.2025)."""


class Kaon(NamedTuple):
    """A decay: its κ, and the masses of the mesons."""

    kappa: str
    kaon: str
    pion: str


DECAYS = {"K+": Kaon("kappa_plus", "K+", "pi+"), "KL": Kaon("kappa_L", "K0", "pi0")}


def branching(p: Theory, decay: str) -> Array:
    r"""Branching fraction, summed over neutrinos; of K_L, only what violates CP.

    Accuracy relative 1e-8 of the average over q². flavio 2.7.1 takes α at 2 GeV instead of M_Z in the charm part, which makes it 4 % smaller (K⁺ as a whole 2.5 %)
    Omits    dark matter in the final state, which needs m_dm < 0.18 GeV; kinetic mixing of the Z′ with the Z
    """
    of, sm = DECAYS[decay], p.sm
    end = (sm.mass[of.kaon] - sm.mass[of.pion]) ** 2
    w, xi_c, xi_t = p.wilson.of("sd"), sm.ckm.xi("c", "sd"), sm.ckm.xi("t", "sd")

    def density(q2: Array, propagator: ArrayLike) -> tuple[Array, Array]:
        spectrum = _spectrum(p, of, q2)
        kaon = amplitudes(p, w, xi_c, xi_t, propagator)
        antikaon = amplitudes(p, w.conjugate(), jnp.conj(xi_c), jnp.conj(xi_t), propagator)
        seen = abs2(kaon) if decay == "K+" else abs2(0.5 * (kaon - antikaon))
        return spectrum * jnp.sum(jnp.broadcast_to(seen, (len(LEPTONS), q2.size)), axis=0), spectrum

    rate, whole = integrate_pair(w.pole, density, (0.0, end), (0.0, end), photon=False)
    return _prefactor(p, of) / 3.0 * rate / whole


def amplitudes(p: Theory, w: Wilson, xi_c: Array, xi_t: Array, propagator: ArrayLike) -> Array:
    r"""a_ν of ν_e, ν_μ, ν_τ, shape (3, 1) or (3, n), given P(q²) of the Z′: with new physics X_t → X_t − s_W² (C_L + C_R) α(4.8 GeV)/α(M_Z)."""
    sm, c = p.sm, p.sm.coupling
    each = jnp.arange(len(LEPTONS))[:, None]
    new = sum(w.lepton(name, each, jnp.atleast_1d(propagator)[None]) for name in ("CL", "CR"))
    top = sm.nunu["Xt"] - c["s2w"] * c["alpha_e_4.8"] / c["alpha_e_MZ"] * (new + jnp.zeros(each.shape))
    return xi_t * top + xi_c * sm.ckm.Vus**4 * (charm_part(p) + sm.kaon["delta_P_cu"])


def charm_part(p: Theory) -> Array:
    """P_c(X) = 0.379 (m_c/1.3 GeV)^2.155 (α_s(M_Z)/0.1187)^−1.417.

    Source   hep-ph/0603079, eq. 14
    """
    return 0.379 * (p.sm.quark["mc_mc"] / 1.3) ** 2.155 * (p.sm.coupling["alpha_s_MZ"] / 0.1187) ** -1.417


def _spectrum(p: Theory, of: Kaon, q2: Array) -> Array:
    """λ^{3/2} f₊², f₊ with the pole of the K*."""
    size = kallen(p.sm.mass[of.kaon] ** 2, p.sm.mass[of.pion] ** 2, q2)
    positive = size > 0.0
    power = jnp.where(positive, jnp.where(positive, size, 1.0) ** 1.5, 0.0)
    return power / (1.0 - q2 / p.sm.mass["K*+"] ** 2) ** 2


def _prefactor(p: Theory, of: Kaon) -> Array:
    """κ (|V_us|/0.225)⁸/|V_us|¹⁰ with the couplings in use."""
    c, v_us = p.sm.coupling, p.sm.ckm.Vus
    electroweak = (c["alpha_e_MZ"] / KAPPA_ALPHA * KAPPA_S2W / c["s2w"]) ** 2
    return p.sm.kaon[of.kappa] * electroweak / (KAPPA_VUS**8 * v_us**2)
