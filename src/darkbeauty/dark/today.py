r"""Annihilation at rest: the s-wave part that indirect detection and the cosmic microwave background see."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import cast

import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.dark.annihilation import exchange_channel, resonant_channel
from darkbeauty.dark.thermal_average import add_by_final
from darkbeauty.dark.z_prime_pairs import z_prime_and_scalar, z_prime_pair
from darkbeauty.models.sectors import Channels, DarkMatter, Exchange, Theory, ZPrimePairs
from darkbeauty.numerics.interpolation import monotone
from darkbeauty.units import CM3_S_PER_INVERSE_GEV2

LEPTON_PAIRS = {lepton + other: (lepton, other) for lepton, other in product(("e", "mu", "tau"), repeat=2)}
TYPICAL_FRACTION = 0.3
"""Energy of a secondary electron over the mass of the dark matter."""


def s_wave(dark: DarkMatter) -> dict[str, Array]:
    """lim_{v→0} σv by final state: 2 w(4M²) β_f/(4M²).   [GeV⁻²]

    To fermions, that of a Majorana particle is suppressed by m_f²; to Z′Z′ (with N_ℓ alone (c⁴/16πM²)(1−r)^{3/2}/(1−r/2)², r = m_Z′²/M²) and Z′H it is not. It is
    exact for the amplitudes of `annihilation` and `z_prime_pairs`. The scalars H1 and H2 add none.
    """
    s, zp, (state, *_) = 4.0 * dark.mass**2, dark.z_prime, dark.states()
    propagator = 1.0 / (s - zp.mass**2 + 1j * zp.pole.m_gamma)

    def resonant(c: Channels) -> Array:
        return _phase_space(s, c.mass, c.mass, s > c.s_min) * resonant_channel(dark, state, c, s, propagator)

    def exchanged(e: Exchange) -> Array:
        is_open = s > (e.mass_1 + e.mass_2) ** 2
        return _phase_space(s, e.mass_1, e.mass_2, is_open) * exchange_channel(s, state.masses, e)

    totals = add_by_final({}, dark.channels.finals, 2.0 / s * jax.vmap(resonant)(dark.channels))
    if dark.exchange is not None:
        totals = add_by_final(totals, dark.exchange.finals, 2.0 / s * jax.vmap(exchanged)(dark.exchange))
    return totals if dark.z_prime_pairs is None else totals | _z_prime_pairs_at_rest(dark, dark.z_prime_pairs)


def _z_prime_pairs_at_rest(dark: DarkMatter, pairs: ZPrimePairs) -> dict[str, Array]:
    """The same of Z′Z′, Z′H1 and Z′H2."""
    s, m = 4.0 * dark.mass**2, dark.mass
    propagator = jnp.sum(pairs.contents**2 / (s - pairs.scalar_mass**2 + 1j * pairs.scalar_m_gamma))

    def limit(m_2: Array, w: Callable[[Array], Array]) -> Array:
        is_open = 2.0 * m > pairs.mass + m_2
        inside = jnp.where(is_open, s, 1.1 * (jnp.maximum(pairs.mass + m_2, 2.0 * m)) ** 2)
        return 2.0 / s * _phase_space(s, pairs.mass, m_2, is_open) * w(inside)

    rates = {"ZpZp": limit(pairs.mass, lambda s: z_prime_pair(s, m, pairs, propagator))}
    for name, m_h, content in zip(("ZpH1", "ZpH2"), pairs.scalar_mass, pairs.contents):
        rates[name] = limit(m_h, lambda s, m_h=m_h, f=content: z_prime_and_scalar(s, m, pairs, m_h, f))
    return rates


def sigma_v_at_rest(p: Theory) -> Array:
    """lim_{v→0} σv of all channels.   [GeV⁻²]"""
    return cast(Array, sum(s_wave(p.dark_matter).values()))


def p_ann(p: Theory) -> Array:
    r"""f_eff⟨σv⟩/M around recombination.   [cm³ s⁻¹ GeV⁻¹]

    f_eff of e⁺e⁻ at E = M from arXiv:1506.03811; of other final states the share of the energy that ends in e± and γ, times the same function at
    0.3 M. Neutrinos and dark matter count nothing. A Z′ of energy M decays by its branching fractions, to particles of M/2; H1 and H2 count as hadrons.
    Accuracy 30 % where a channel other than e⁺e⁻ dominates.
    """
    dark = p.dark_matter
    decays = [(final, dark.z_prime.branching(final)) for final in dark.z_prime.partial]
    of_z_prime = sum(share * _efficiency(p, final, 0.5 * dark.mass) for final, share in decays)

    def of_final(final: str) -> Array | float:
        if not final.startswith("Zp"):
            return _efficiency(p, final, dark.mass)
        other = of_z_prime if final == "ZpZp" else _efficiency(p, "hadrons", dark.mass)
        return 0.5 * (of_z_prime + other)

    total = sum(rate * of_final(final) for final, rate in s_wave(dark).items())
    return total / dark.mass * CM3_S_PER_INVERSE_GEV2


def _efficiency(p: Theory, final: str, energy: Array) -> Array | float:
    """f_eff of a pair of particles of this energy each."""
    inputs = p.sm.energy_injection
    if final in ("nunu", "NN", "NNheavy"):
        return 0.0
    of_electron = lambda energy: monotone(jnp.log10(energy) + 9.0, inputs["log10_energy"], inputs["f_electron"])
    direct, secondary = of_electron(energy), of_electron(TYPICAL_FRACTION * energy)
    if final not in LEPTON_PAIRS:
        return inputs["share_hadrons"] * secondary
    of_lepton = lambda name: inputs[f"share_{2 * name}"] * (direct if name == "e" else secondary)
    return 0.5 * sum(of_lepton(name) for name in LEPTON_PAIRS[final])


def _phase_space(s: Array, m_1: Array, m_2: Array, is_open: Array) -> Array:
    """λ^{1/2}(s, m₁², m₂²)/s, 0 where closed."""
    product = (1.0 - (m_1 + m_2) ** 2 / s) * (1.0 - (m_1 - m_2) ** 2 / s)
    return jnp.where(is_open, jnp.sqrt(jnp.where(is_open & (product > 0.0), product, 1.0)), 0.0)
