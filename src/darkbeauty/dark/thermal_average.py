r"""Thermal average of the annihilation cross section, exact at a resonance however narrow.

With s = 4M²q², ⟨σv⟩(x) = x/(8M⁵K₂²(x)) ∫ ds σ (s−4M²) √s K₁(2xq) (Gondolo, Gelmini, Nucl. Phys. B360 (1991) 145). Each channel is integrated
in t, s = s_> + t², from its own threshold s_> (of the dark matter or of the final state, the higher one), where the integrand is smooth; the Z′ pole
sits at t* = √(m² − s_> − imΓ) and nodes gather around it (`darkbeauty.numerics.quadrature`). The nodes and the cross sections on
them do not depend on temperature, so one set serves every x of interest: a `Spectrum`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.dark.annihilation import exchange_channel, resonant_channel
from darkbeauty.models.base import Channels, DarkSector, Exchange
from darkbeauty.numerics.bessel import k1e_large, k2e_large
from darkbeauty.numerics.quadrature import pole_rule

LEVELS = (0.0, 0.3, 0.8, 1.5, 3.2)
"""Panel edges in t/2M for x around 20: beyond the last the Boltzmann factor is below 1e-18 for x ≥ 9."""
X_REFERENCE = 20.0
NODES, COARSE_NODES = 24, 16
ROUNDING = 1e-10
FLOOR = 1e-24


class Spectrum(NamedTuple):
    """⟨σv⟩(x) = Σ weight · kernel(x, excess): excess = √s/2M − 1 and weight [GeV⁻²], flat over channels and nodes."""

    excess: Array
    weight: Array


def spectrum(dark: DarkSector, scale: ArrayLike = 1.0, n: int = NODES) -> Spectrum:
    """Nodes and weights of all channels; `scale` stretches the panels (√(20/x) for an x far from 20).

    Args     dark: masses, couplings and channels of the model; n: nodes per panel
    Returns  flat arrays of (Z′ channels · 5 + exchange channels · 4) · n numbers
    """
    edges = 2.0 * dark.mass * scale * jnp.asarray(LEVELS)
    vector = jax.vmap(lambda channel: _vector_nodes(dark, edges, channel, n))(dark.channels)
    scalar = jax.vmap(lambda channel: _exchange_nodes(dark, edges, channel, n))(dark.exchange)
    return Spectrum(*(jnp.concatenate([a.ravel(), b.ravel()]) for a, b in zip(vector, scalar)))


def thermal_kernel(x: ArrayLike, excess: ArrayLike) -> Array:
    """x K₁(2xq)/K₂²(x), q = 1 + excess, for x ≥ 1."""
    return x * k1e_large(2.0 * x * (1.0 + excess)) / k2e_large(x) ** 2 * jnp.exp(-2.0 * x * excess)


def average(nodes: Spectrum, x: ArrayLike) -> Array:
    """⟨σv⟩(x) from a spectrum made for x of this size.   [GeV⁻²]"""
    return jnp.sum(nodes.weight * thermal_kernel(x, nodes.excess))


def sigma_v(dark: DarkSector, x: ArrayLike) -> Array:
    r"""⟨σv⟩ at x = m_dm/T.   [GeV⁻²]

    Domain   x ≥ 1
    Accuracy relative 1e-7, for Γ/m of the Z′ down to 1e-9
    """
    return average(spectrum(dark, jnp.sqrt(X_REFERENCE / x)), x)


def sigma_v_with_error(dark: DarkSector, x: ArrayLike) -> tuple[Array, Array]:
    r"""⟨σv⟩ at x = m_dm/T and a bound on its numerical error.   [GeV⁻²]

    The error is the distance to a rule with 2/3 of the nodes, plus 1e-10 of the value for the Bessel functions and the cut of the spectrum.
    """
    scale = jnp.sqrt(X_REFERENCE / x)
    value, coarse = (average(spectrum(dark, scale, n), x) for n in (NODES, COARSE_NODES))
    return value, jnp.abs(value - coarse) + ROUNDING * value


def channel_averages(dark: DarkSector, x: ArrayLike) -> dict[str, Array]:
    """⟨σv⟩ at x by final state.   [GeV⁻²]"""
    nodes = spectrum(dark, jnp.sqrt(X_REFERENCE / x))
    parts = nodes.weight * thermal_kernel(x, nodes.excess)
    split = len(dark.channels.finals) * len(LEVELS) * NODES
    vector, exchange = (
        parts[:split].reshape(-1, len(LEVELS) * NODES),
        parts[split:].reshape(len(dark.exchange.finals), -1),
    )
    return by_final(dark, jnp.concatenate([vector.sum(axis=1), exchange.sum(axis=1)]))


def by_final(dark: DarkSector, rows: Array) -> dict[str, Array]:
    """One number per channel, summed to one per final state."""
    totals: dict[str, Array] = {}
    for final, row in zip((*dark.channels.finals, *dark.exchange.finals), rows):
        totals[final] = totals.get(final, 0.0) + row
    return totals


def _vector_nodes(dark: DarkSector, edges: Array, channel: Channels, n: int) -> tuple[Array, Array]:
    zp, m_f = dark.mediator, channel.mass
    lowest = jnp.maximum(4.0 * dark.mass**2, channel.s_min)
    pole = jnp.sqrt(zp.mass**2 - lowest - 1j * zp.pole.m_gamma)
    rule = pole_rule(edges, pole.real, -pole.imag, n)
    propagator = 1.0 / ((rule.offset - 1j * pole.imag) * (rule.node + pole))
    s = lowest + rule.node**2
    value = resonant_channel(dark, channel, s, propagator)
    return _measure(dark.mass, lowest, m_f, m_f, rule.node, s, rule.weight * value)


def _exchange_nodes(dark: DarkSector, edges: Array, channel: Exchange, n: int) -> tuple[Array, Array]:
    m_1, m_2 = channel.mass_1, channel.mass_2
    lowest = jnp.maximum(4.0 * dark.mass**2, (m_1 + m_2) ** 2)
    rule = pole_rule(edges, -edges[-1], edges[-1], n)
    s = lowest + rule.node**2
    value = exchange_channel(s, dark.mass, m_1, m_2, channel.colours, channel.coupling2, channel.mediator)
    return _measure(dark.mass, lowest, m_1, m_2, rule.node, s, rule.weight * value)


def _measure(
    m: Array, lowest: Array, m_1: Array, m_2: Array, t: Array, s: Array, weighted: Array
) -> tuple[Array, Array]:
    """√s/2M − 1, and from w(s) = σ s β_i/β_f the weight of σ(s−4M²)√s ds/(8M⁵) = w β_f β_i √s · 2t dt/(8M⁵)."""
    t2 = t**2 + FLOOR * s  # a node can fall on the threshold itself, where roots have no derivative
    above = lowest - 4.0 * m**2 + t2
    root = jnp.sqrt(s)
    flux = jnp.sqrt(above * (lowest - (m_1 + m_2) ** 2 + t2) * (1.0 - (m_1 - m_2) ** 2 / s)) / s
    return above / (2.0 * m * (root + 2.0 * m)), weighted * flux * root * t / (4.0 * m**5)
