r"""Mixing of B_s, B⁰, K⁰ and D⁰ mesons: M₁₂ = (C_SM + C_NP) m f² B/3 of H = C (q̄γ^μP q′)², either chirality.

K⁰: u–t unitarity (arXiv:1911.06822). Of ΔM_K and of D⁰ mixing only the short-distance new physics is computed: what the Standard Model adds is long-distance.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models import loops
from darkbeauty.models.sectors import Theory


class Meson(NamedTuple):
    """A meson that mixes: its pair of generations, and where the inputs have its decay constant, bag parameter and mass."""

    pair: str
    decay_constant: str
    bag: str
    mass: str


MESONS = {
    "Bs": Meson("bs", "f_Bs", "bag_Bs", "Bs"),
    "B0": Meson("bd", "f_B0", "bag_B0", "B0"),
    "K0": Meson("sd", "f_K0", "bag_K0", "K0"),
    "D0": Meson("cu", "f_D0", "bag_D0", "D0"),
}


def sm_coefficient(p: Theory, meson: str) -> Array:
    r"""C_SM of B_s or B⁰ at 4.2 GeV: G_F² M_W²/(4π²) ξ_t² S₀(x_t) η b(μ), ξ_t = V_tbV_ts* or V_tbV_td*.   [GeV⁻²]

    Source   hep-ph/9512380
    """
    sm, elements = p.sm, p.sm.mixing
    box = loops.inami_lim_s0(_mass_ratio(p, elements["mt_mt"]))
    return (
        _short_distance(p) * sm.ckm.xi("t", MESONS[meson].pair) ** 2 * box * elements["eta_tt"] * elements["msbar2rgi"]
    )


def kaon_sm_coefficient(p: Theory) -> Array:
    r"""C_SM of K⁰ at 2 GeV: G_F² M_W²/(4π²) b(μ) [η_tt ξ_t² S(t,t) + 2η_ut ξ_uξ_t S(u,t) + η_uu ξ_u² S(u,u)], ξ_q = V_qsV_qd*.   [GeV⁻²]

    Source   arXiv:1911.06822: S with the charm quark in the place of unitarity. Its real part is no prediction of ΔM_K.
    """
    elements, xi_u, xi_t = p.sm.mixing, p.sm.ckm.xi("u", "sd"), p.sm.ckm.xi("t", "sd")
    charm, top = _mass_ratio(p, p.sm.quark["mc_mc"]), _mass_ratio(p, elements["mt_mt"])
    up = jnp.zeros(())
    boxes = loops.w_boxes(jnp.stack([top, up, up, charm, top, up]), jnp.stack([top, top, up, charm, charm, charm]))
    tt, ut, uu, cc, tc, uc = boxes
    terms = (
        elements["eta_tt_K0"] * xi_t**2 * (tt + cc - 2.0 * tc)
        + 2.0 * elements["eta_ut_K0"] * xi_u * xi_t * (ut + cc - uc - tc)
        + elements["eta_uu_K0"] * xi_u**2 * (uu + cc - 2.0 * uc)
    )
    return _short_distance(p) * terms * elements["msbar2rgi_K0"]


def matrix_element(p: Theory, meson: str) -> Array:
    """⟨(q̄γ^μPq′)²⟩/2m = m f² B/3, at the scale of C.   [GeV³]"""
    sm, of = p.sm, MESONS[meson]
    return sm.mass[of.mass] * sm.decay_constant[of.decay_constant] ** 2 * sm.mixing[of.bag] / 3.0


def mass_difference(p: Theory, meson: str) -> Array:
    r"""ΔM = 2|M₁₂| of B_s or B⁰.   [GeV]

    Source   hep-ph/9512380
    Accuracy Γ₁₂ neglected, relative 1e-5
    """
    return 2.0 * matrix_element(p, meson) * jnp.abs(_whole_coefficient(p, meson))


def s_psi_k(p: Theory) -> Array:
    r"""S of B⁰ → ψK_S: sin arg(M₁₂/ξ_c²), ξ_c = V_cbV_cd*, in the Standard Model sin 2β; with new physics sin(2β + arg(1 + C_NP/C_SM)).

    Source   hep-ph/9512380
    Omits    penguins, and Γ₁₂ (3·10⁻⁴)
    """
    xi = p.sm.ckm.xi("c", "bd")
    return (mixing_phase(p, "B0") * jnp.conj(xi) ** 2).imag / jnp.abs(xi) ** 2


def eps_k(p: Theory) -> Array:
    r"""|ε_K| = κ_ε Im M₁₂/(√2 ΔM_K), ΔM_K as measured.

    Source   arXiv:1911.06822, arXiv:1111.1699
    """
    m12 = matrix_element(p, "K0") * (kaon_sm_coefficient(p) + p.wilson.meson_mixing_of("sd"))
    return p.sm.mixing["kappa_epsilon"] * m12.imag / (jnp.sqrt(2.0) * p.sm.mixing["DeltaM_K"])


def new_mass_difference(p: Theory, meson: str) -> Array:
    r"""2|M₁₂(NP)|, the short-distance new physics alone.   [GeV]

    Source   hep-ph/9512380
    """
    return 2.0 * matrix_element(p, meson) * jnp.abs(p.wilson.meson_mixing_of(MESONS[meson].pair))


def x12_d(p: Theory) -> Array:
    r"""x₁₂ = 2|M₁₂|/Γ of D⁰ mesons from short-distance new physics alone.

    Source   arXiv:hep-ph/0703204 for the definition
    """
    return new_mass_difference(p, "D0") * p.sm.lifetime["D0"]


def mixing_phase(p: Theory, meson: str) -> Array:
    """M₁₂/|M₁₂| of B_s or B⁰, 0 where nothing mixes."""
    whole = _whole_coefficient(p, meson)
    size = jnp.abs(whole)
    return jnp.where(size > 0.0, whole / jnp.where(size > 0.0, size, 1.0), 0.0)


def _whole_coefficient(p: Theory, meson: str) -> Array:
    return sm_coefficient(p, meson) + p.wilson.meson_mixing_of(MESONS[meson].pair)


def _short_distance(p: Theory) -> Array:
    """G_F² M_W²/(4π²).   [GeV⁻²]"""
    return p.sm.coupling["GF"] ** 2 * p.sm.mass["W"] ** 2 / (4.0 * jnp.pi**2)


def _mass_ratio(p: Theory, mass: ArrayLike) -> Array:
    """(m/M_W)²."""
    return jnp.asarray(mass / p.sm.mass["W"]) ** 2
