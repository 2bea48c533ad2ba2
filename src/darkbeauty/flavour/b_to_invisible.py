r"""B → K and missing energy: νν̄ (Standard Model and Z′ penguin), the Majorana pair N_ℓN_ℓ, and the Z′ on its mass shell (physics.md §6)."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_p_ll import PairCurrent, meson_masses, pair_rate
from darkbeauty.flavour.common import integrate, kallen, normalisation
from darkbeauty.flavour.form_factors import b_to_k
from darkbeauty.flavour.modes import PSEUDOSCALAR
from darkbeauty.models.base import Model


def nunu_density(p: Model, mode: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    r"""dΓ/dq² of B → Kνν̄, summed over flavours.   [GeV⁻¹]

    Each flavour is a pair of massless fermions with F_V = −F_A = N (C_L + C_R) f₊, C_L(SM) = −(X_t/s_W²) α(M_Z)/α(4.8 GeV).
    """
    sm, w = p.sm, p.wilson()
    m_b, m_k = meson_masses(p, mode)
    c_sm = -sm.nunu["Xt"] / sm.coupling["s2w"] * sm.coupling["alpha_e_MZ"] / sm.coupling["alpha_e_4.8"]
    amplitude = normalisation(p) * b_to_k(sm, q2).plus
    c_l_plus_r = jax.vmap(lambda i: c_sm + w.lepton("CL", i, propagator) + w.lepton("CR", i, propagator) + 0.0 * q2)
    coupling = amplitude * c_l_plus_r(jnp.arange(3))
    return jnp.sum(pair_rate(q2, m_b, m_k, 0.0, PairCurrent(coupling, -coupling, 0.0)).total, axis=0)


def majorana_density(p: Model, mode: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    r"""dΓ/dq² of B → K N_ℓN_ℓ.   [GeV⁻¹]

    Half (identical particles) the rate of an axial pair with G(q²) = g_eff g Q_ℓℓ (cos α/cos χ) P(q²); the unitary-gauge propagator
    gives the spin-0 part a factor 1 − q²/m².
    """
    m_b, m_k = meson_masses(p, mode)
    f = b_to_k(p.sm, q2)
    coupling = p.majorana_pair_coupling() * propagator
    timelike = coupling * (1.0 - q2 / jnp.asarray(p.m_zp) ** 2) * f.zero
    return 0.5 * pair_rate(q2, m_b, m_k, p.m_dm, PairCurrent(0.0, coupling * f.plus, timelike)).total


def width_b_to_k_zp(p: Model, mode: str) -> Array:
    r"""Γ(B → KZ′) = g_eff² f₊²(m²) λ^{3/2}/(64π m_B³ m²) on the mass shell.   [GeV]

    Domain   m_zp < m_B − m_K, exactly 0 with zero gradient above
    """
    m_b, m_k = meson_masses(p, mode)
    m = jnp.asarray(p.m_zp, float)
    is_open = m < m_b - m_k
    m2 = jnp.where(is_open, m, 0.5 * (m_b - m_k)) ** 2
    shape = b_to_k(p.sm, m2).plus ** 2 * kallen(m_b**2, m_k**2, m2) ** 1.5
    return jnp.where(is_open, p.quark_pair_coupling() ** 2 * shape / (64.0 * jnp.pi * m_b**3 * m2), 0.0)


def br_nunu(p: Model, mode: str) -> Array:
    """BR(B → Kνν̄)."""
    m_b, m_k = meson_masses(p, mode)
    return lifetime(p, mode) * integrate(
        p, lambda q2, pole: nunu_density(p, mode, q2, pole), 0.0, (m_b - m_k) ** 2, True
    )


def br_nunu_binned(p: Model, q2min: ArrayLike, q2max: ArrayLike, mode: str) -> Array:
    """∫ dBR/dq²(B → Kνν̄) dq² over a bin."""
    m_b, m_k = meson_masses(p, mode)
    hi = jnp.minimum(q2max, (m_b - m_k) ** 2)
    return lifetime(p, mode) * integrate(p, lambda q2, pole: nunu_density(p, mode, q2, pole), q2min, hi)


def br_majorana(p: Model, mode: str) -> Array:
    """BR(B → K N_ℓN_ℓ) over all q²; exactly 0 above m_dm = (m_B − m_K)/2."""
    m_b, m_k = meson_masses(p, mode)
    hi = (m_b - m_k) ** 2
    lo = jnp.minimum(4.0 * jnp.asarray(p.m_dm) ** 2, hi * (1.0 - 1e-12))
    value = lifetime(p, mode) * integrate(p, lambda q2, pole: majorana_density(p, mode, q2, pole), lo, hi, True)
    return jnp.where(2.0 * p.m_dm < m_b - m_k, value, 0.0)


def br_invisible(p: Model, mode: str) -> Array:
    """BR(B → K E̸) = νν̄ ⊕ N_ℓN_ℓ."""
    return br_nunu(p, mode) + br_majorana(p, mode)


def br_zp(p: Model, mode: str) -> Array:
    """BR(B → KZ′)."""
    return lifetime(p, mode) * width_b_to_k_zp(p, mode)


def dbr_nunu(p: Model, q2: ArrayLike, mode: str) -> Array:
    """dBR/dq²(B → Kνν̄).   [GeV⁻²]"""
    return lifetime(p, mode) * nunu_density(p, mode, q2, p.wilson().propagator(q2))


def dbr_majorana(p: Model, q2: ArrayLike, mode: str) -> Array:
    """dBR/dq²(B → K N_ℓN_ℓ).   [GeV⁻²]"""
    return lifetime(p, mode) * majorana_density(p, mode, q2, p.wilson().propagator(q2))


def dbr_invisible(p: Model, q2: ArrayLike, mode: str) -> Array:
    """dBR/dq²(B → K E̸).   [GeV⁻²]"""
    return dbr_nunu(p, q2, mode) + dbr_majorana(p, q2, mode)


def lifetime(p: Model, mode: str) -> ArrayLike:
    """Lifetime of the B meson of a mode.   [1/GeV]"""
    return p.sm.lifetime[PSEUDOSCALAR[mode].b]
