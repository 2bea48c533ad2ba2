r"""B_s–B̄_s mixing."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from darkbeauty.models import loops
from darkbeauty.models.sectors import Theory


def sm_coefficient(p: Theory) -> Array:
    r"""C_SM of H = C (s̄γ^μP_Lb)² at 4.2 GeV: G_F² M_W²/(4π²) (V_tbV_ts*)² S₀(x_t) η b(μ).   [GeV⁻²]"""
    sm, elements = p.sm, p.sm.mixing
    x_t = (elements["mt_mt"] / sm.mass["W"]) ** 2
    short_distance = (
        sm.coupling["GF"] ** 2 * sm.mass["W"] ** 2 / (4.0 * jnp.pi**2) * sm.ckm.xi("t") ** 2 * loops.inami_lim_s0(x_t)
    )
    return short_distance * elements["eta_tt"] * elements["msbar2rgi"]


def delta_m_s(p: Theory) -> Array:
    r"""ΔM_s = 2|M₁₂|, M₁₂ = (C_SM + C_NP) m f² B₁/3.   [GeV]

    Accuracy Γ₁₂ neglected, relative 1e-5
    """
    sm = p.sm
    element = sm.mass["Bs"] * sm.decay_constant["f_Bs"] ** 2 * sm.mixing["bag_Bs"] / 3.0
    return 2.0 * element * jnp.abs(sm_coefficient(p) + p.wilson.meson_mixing_of("bs"))
