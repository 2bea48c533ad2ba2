r"""b → s and missing energy: νν̄ (Standard Model and Z′ penguin), the Majorana pair N_ℓN_ℓ, and the Z′ on its mass shell.

For K, K* and φ alike, with the amplitudes of `b_to_p_ll` and `b_to_v_ll`. Rates come as dΓ and its part with a longitudinal meson, which is
all of it for K.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.common import integrate_pair
from darkbeauty.flavour.currents import Current, majorana_current, neutrino_current, vector_current, weak_phase
from darkbeauty.flavour.modes import PSEUDOSCALAR
from darkbeauty.models.base import LEPTONS, Model
from darkbeauty.models.portal import Portal


def amplitude_code(mode: str) -> ModuleType:
    """Module of the amplitudes of a mode: `b_to_p_ll` or `b_to_v_ll`."""
    return b_to_p_ll if mode in PSEUDOSCALAR else b_to_v_ll


def rates(p: Model, mode: str, m_f: Array | float, q2: ArrayLike, current: Callable[..., Current], *weak: Any) -> Array:
    """CP-averaged dΓ/dq² of a pair, and its part with a longitudinal meson, shape (2, …).   [GeV⁻¹]"""
    if mode in PSEUDOSCALAR:
        whole = b_to_p_ll.pair_density(p, mode, m_f, q2, current, *weak)[0]
        return jnp.stack([whole, whole])
    return b_to_v_ll.pair_density(p, mode, m_f, q2, current, *weak, names=("rate", "longitudinal"))[:2]


def neutrino_density(p: Model, mode: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    """`rates` of νν̄, summed over flavours.   [GeV⁻¹]"""
    flavour = lambda i: rates(p, mode, 0.0, q2, partial(neutrino_current, p, i, propagator), p.wilson())
    return jax.vmap(flavour)(jnp.arange(len(LEPTONS))).sum(0)


def majorana_density(p: Portal, mode: str, q2: ArrayLike, propagator: Array | float) -> Array:
    r"""`rates` of N_ℓN_ℓ: half (identical particles) those of an axial pair, G(q²) = g_eff g Q_ℓℓ P(q²).   [GeV⁻¹]"""
    coupling = p.majorana_pair_coupling() * weak_phase(p)
    return 0.5 * rates(p, mode, p.m_dm, q2, partial(majorana_current, p, propagator), coupling)


def on_shell(p: Portal, mode: str) -> Array:
    r"""Γ(B → MZ′) on the mass shell, g_eff² Σ_λ|H_λ|² √λ/(16π m_B³), and its longitudinal part; time-integrated for B_s.   [GeV]

    For a pseudoscalar g_eff² f₊²(m²) λ^{3/2}/(64π m_B³ m²). Computed as (12π²/m²) dΓ/dq² at q² = m² of a massless pair with vector coupling
    g_eff, because a narrow Z′ of unit coupling gives ∫ |P|² dq² Γ(Z′ → f f̄) = π/(mΓ) · m/(12π).

    Domain   m_zp < m_B − m_M, exactly 0 with zero gradient above
    Omits    the width of the Z′ and kinetic mixing of its coupling to quarks
    """
    m2 = jnp.asarray(p.m_zp, float) ** 2
    coupling = p.quark_pair_coupling() * weak_phase(p)
    return 12.0 * jnp.pi**2 / m2 * rates(p, mode, 0.0, m2, partial(vector_current, p), coupling)


_DENSITIES: dict[str, Callable[..., Array]] = {"nunu": neutrino_density, "NN": majorana_density}


def density(p: Model, mode: str, pair: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    """`neutrino_density` or `majorana_density`, pair = "nunu" or "NN"."""
    return _DENSITIES[pair](p, mode, q2, propagator)


def phase_space(p: Model, mode: str, pair: str) -> tuple[Array | float, Array | float]:
    """Lower and upper end of q².   [GeV²]"""
    return amplitude_code(mode).phase_space(p, mode, jnp.asarray(cast(Portal, p).m_dm, float) if pair == "NN" else 0.0)


def differential(p: Model, q2: Array | float, mode: str, pair: str) -> Array:
    """`density` at q²."""
    return density(p, mode, pair, q2, p.wilson().propagator(q2))


def binned(p: Model, q2min: Array | float, q2max: Array | float, mode: str, pair: str) -> Array:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy relative 1e-8 with the Z′ pole anywhere, Γ/m ≥ 1e-8
    """
    f = lambda q2, propagator: density(p, mode, pair, q2, propagator)
    return integrate_pair(p, f, (q2min, q2max), phase_space(p, mode, pair), photon=False)


def total(p: Model, mode: str, pair: str) -> Array:
    """∫ density dq² over all of phase space; exactly 0 with zero gradient for a closed pair.   [GeV]"""
    return binned(p, *phase_space(p, mode, pair), mode, pair)
