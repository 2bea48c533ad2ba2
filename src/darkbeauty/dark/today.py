r"""Annihilation at rest: the s-wave part that indirect detection and the cosmic microwave background see."""

from __future__ import annotations

from itertools import product
from typing import cast

import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.dark.annihilation import exchange_channel, resonant_channel
from darkbeauty.dark.thermal_average import add_by_final
from darkbeauty.models.sectors import Channels, DarkMatter, Exchange, Theory
from darkbeauty.numerics.interpolation import monotone
from darkbeauty.units import CM3_S_PER_INVERSE_GEV2

LEPTON_PAIRS = {lepton + other: (lepton, other) for lepton, other in product(("e", "mu", "tau"), repeat=2)}
TYPICAL_FRACTION = 0.3
"""Energy of a secondary electron over the mass of the dark matter."""


def s_wave(dark: DarkMatter) -> dict[str, Array]:
    """lim_{v→0} σv by final state: 2 w(4M²) β_f/(4M²).   [GeV⁻²]

    For a Majorana particle it is suppressed by m_f²; it is exact for the amplitudes of `annihilation`. The scalars H1 and H2 add none.
    """
    s, zp, (state, *_) = 4.0 * dark.mass**2, dark.z_prime, dark.states()
    propagator = 1.0 / (s - zp.mass**2 + 1j * zp.pole.m_gamma)

    def resonant(c: Channels) -> Array:
        return _phase_space(s, c.mass, c.mass, s > c.s_min) * resonant_channel(dark, state, c, s, propagator)

    def exchanged(e: Exchange) -> Array:
        is_open = s > (e.mass_1 + e.mass_2) ** 2
        return _phase_space(s, e.mass_1, e.mass_2, is_open) * exchange_channel(s, state.masses, e)

    totals = add_by_final({}, dark.channels.finals, 2.0 / s * jax.vmap(resonant)(dark.channels))
    if dark.exchange is None:
        return totals
    return add_by_final(totals, dark.exchange.finals, 2.0 / s * jax.vmap(exchanged)(dark.exchange))


def sigma_v_at_rest(p: Theory) -> Array:
    """lim_{v→0} σv of all channels.   [GeV⁻²]"""
    return cast(Array, sum(s_wave(p.dark_matter).values()))


def p_ann(p: Theory) -> Array:
    r"""f_eff⟨σv⟩/M around recombination.   [cm³ s⁻¹ GeV⁻¹]

    f_eff of e⁺e⁻ at E = M from arXiv:1506.03811; of other final states the share of the energy that ends in e± and γ, times the same function at
    0.3 M. Neutrinos count nothing. Accuracy 30 % where a channel other than e⁺e⁻ dominates.
    """
    inputs = p.sm.energy_injection
    dark = p.dark_matter
    efficiency = lambda energy: monotone(jnp.log10(energy) + 9.0, inputs["log10_energy"], inputs["f_electron"])
    direct, secondary = efficiency(dark.mass), efficiency(TYPICAL_FRACTION * dark.mass)
    of_lepton = {
        name: inputs[f"share_{2 * name}"] * (direct if name == "e" else secondary) for name in ("e", "mu", "tau")
    }

    def of_pair(final: str) -> Array | float:
        if final == "nunu":
            return 0.0
        if final not in LEPTON_PAIRS:
            return inputs["share_hadrons"] * secondary
        return 0.5 * sum(of_lepton[name] for name in LEPTON_PAIRS[final])

    total = sum(rate * of_pair(final) for final, rate in s_wave(dark).items())
    return total / dark.mass * CM3_S_PER_INVERSE_GEV2


def _phase_space(s: Array, m_1: Array, m_2: Array, is_open: Array) -> Array:
    """λ^{1/2}(s, m₁², m₂²)/s, 0 where closed."""
    product = (1.0 - (m_1 + m_2) ** 2 / s) * (1.0 - (m_1 - m_2) ** 2 / s)
    return jnp.where(is_open, jnp.sqrt(jnp.where(is_open & (product > 0.0), product, 1.0)), 0.0)
