r"""b → s, b → d and missing energy: νν̄ (Standard Model and Z′ penguin), the Majorana pair N_ℓN_ℓ, and the Z′ on its mass shell.

For K, K*, φ, π and ρ alike, with the amplitudes of `b_to_p_ll` and `b_to_v_ll`. Rates come as dΓ and its part with a longitudinal meson, which is
all of it for K.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.common import integrate_pair
from darkbeauty.flavour.currents import (
    Current,
    majorana_current,
    neutrino_current,
    vector_current,
    violating_neutrino_current,
    weak_phase,
)
from darkbeauty.flavour.modes import MODES, PSEUDOSCALARS
from darkbeauty.models.sectors import LEPTONS, Pole, Theory


def amplitude_code(mode: str) -> ModuleType:
    """Module of the amplitudes of a mode: `b_to_p_ll` or `b_to_v_ll`."""
    return b_to_p_ll if mode in PSEUDOSCALARS else b_to_v_ll


class InvisibleRates(NamedTuple):
    """CP-averaged dΓ/dq² of a pair (or its integral), and its part with a longitudinal meson.   [GeV⁻¹, or GeV]"""

    rate: Array
    longitudinal: Array


def rates(
    p: Theory, mode: str, m_f: Array | float, q2: ArrayLike, current: Callable[..., Current], *weak: Any
) -> InvisibleRates:
    """`InvisibleRates` of a pair with any current.   [GeV⁻¹]"""
    isospin = MODES[mode].isospin
    if mode in PSEUDOSCALARS:
        whole = isospin * b_to_p_ll.pair_density(p, mode, m_f, q2, current, *weak).rate
        return InvisibleRates(whole, whole)
    average = b_to_v_ll.pair_density(p, mode, m_f, q2, current, *weak).average
    return InvisibleRates(isospin * average.rate, isospin * average.longitudinal)


def neutrino_density(p: Theory, mode: str, q2: ArrayLike, propagator: ArrayLike) -> InvisibleRates:
    """`rates` of νν̄, summed over flavours.   [GeV⁻¹]"""
    quarks = MODES[mode].quarks
    current = lambda i: partial(neutrino_current, p, i, propagator, quarks=quarks)
    w = p.wilson.of(quarks)
    flavour = lambda i: rates(p, mode, 0.0, q2, current(i), w)
    total = jax.tree.map(lambda by_flavour: by_flavour.sum(0), jax.vmap(flavour)(jnp.arange(len(LEPTONS))))
    for pair, _ in enumerate(w.violating_neutrinos()):
        other = rates(p, mode, 0.0, q2, partial(violating_neutrino_current, p, pair), w)
        total = jax.tree.map(jnp.add, total, other)
    return total


def majorana_density(p: Theory, mode: str, q2: ArrayLike, propagator: Array | float) -> InvisibleRates:
    r"""`rates` of N_ℓN_ℓ: half (identical particles) those of an axial pair, G(q²) = g_eff c P(q²), c the axial coupling of N_ℓ.   [GeV⁻¹]"""
    zp, dark, quarks = p.z_prime, p.dark_matter, MODES[mode].quarks
    coupling = zp.quark_vertex(quarks) * dark.coupling * zp.pair_factor * weak_phase(p, quarks)
    distinct = rates(p, mode, dark.mass, q2, partial(majorana_current, p, propagator), coupling)
    return jax.tree.map(lambda rate: 0.5 * rate, distinct)


def on_shell(p: Theory, mode: str) -> InvisibleRates:
    r"""Γ(B → MZ′) on the mass shell, g_eff² Σ_λ|H_λ|² √λ/(16π m_B³), and its longitudinal part; time-integrated for B_s.   [GeV]

    For a pseudoscalar g_eff² f₊²(m²) λ^{3/2}/(64π m_B³ m²). Computed as (12π²/m²) dΓ/dq² at q² = m² of a massless pair with vector coupling
    g_eff, because a narrow Z′ of unit coupling gives ∫ |P|² dq² Γ(Z′ → f f̄) = π/(mΓ) · m/(12π).

    Domain   m_zp < m_B − m_M, exactly 0 with zero gradient above
    Omits    the width of the Z′ and kinetic mixing of its coupling to quarks
    """
    m2, quarks = p.z_prime.mass**2, MODES[mode].quarks
    coupling = p.z_prime.quark_vertex(quarks) * weak_phase(p, quarks)
    massless = rates(p, mode, 0.0, m2, partial(vector_current, p), coupling)
    return jax.tree.map(lambda rate: 12.0 * jnp.pi**2 / m2 * rate, massless)


_DENSITIES: dict[str, Callable[..., InvisibleRates]] = {"nunu": neutrino_density, "NN": majorana_density}


def density(p: Theory, mode: str, pair: str, q2: ArrayLike, propagator: ArrayLike) -> InvisibleRates:
    """`neutrino_density` or `majorana_density`, pair = "nunu" or "NN"."""
    return _DENSITIES[pair](p, mode, q2, propagator)


def phase_space(p: Theory, mode: str, pair: str) -> tuple[Array | float, Array | float]:
    """Lower and upper end of q².   [GeV²]"""
    return amplitude_code(mode).phase_space(p, mode, p.dark_matter.mass if pair == "NN" else 0.0)


def pole_of(p: Theory, mode: str, pair: str) -> Pole | None:
    """The pole that a pair sees: neutrinos that of the Wilson coefficients, dark matter the Z′'s."""
    return p.z_prime.pole if pair == "NN" else p.wilson.of(MODES[mode].quarks).pole


def differential(p: Theory, q2: Array | float, mode: str, pair: str) -> InvisibleRates:
    """`density` at q²."""
    pole = pole_of(p, mode, pair)
    return density(p, mode, pair, q2, 0.0 if pole is None else pole.at(q2))


def binned(p: Theory, q2min: Array | float, q2max: Array | float, mode: str, pair: str) -> InvisibleRates:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy relative 1e-8 with the Z′ pole anywhere, Γ/m ≥ 1e-8
    """
    f = lambda q2, propagator: density(p, mode, pair, q2, propagator)
    return integrate_pair(pole_of(p, mode, pair), f, (q2min, q2max), phase_space(p, mode, pair), photon=False)


def under_tent(
    p: Theory, left: Array | float, peak: Array | float, right: Array | float, mode: str, pair: str
) -> InvisibleRates:
    """∫ density dq² weighted with a tent: 1 at its peak, falling linearly to 0 at both ends. Tents from peak to peak add up to 1.   [GeV]

    Accuracy as `binned`
    """

    def f(q2: Array, propagator: Array) -> InvisibleRates:
        tent = jnp.clip(jnp.minimum((q2 - left) / (peak - left), (right - q2) / (right - peak)), 0.0)
        return jax.tree.map(lambda rate: rate * tent, density(p, mode, pair, q2, propagator))

    return integrate_pair(pole_of(p, mode, pair), f, (left, peak, right), phase_space(p, mode, pair), photon=False)


def total(p: Theory, mode: str, pair: str) -> InvisibleRates:
    """∫ density dq² over all of phase space; exactly 0 with zero gradient for a closed pair.   [GeV]"""
    return binned(p, *phase_space(p, mode, pair), mode, pair)
