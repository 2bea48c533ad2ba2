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

from darkbeauty.dark.annihilation import exchange_channel, interference, vector_channel
from darkbeauty.models.base import Channels, DarkSector, Exchange
from darkbeauty.numerics.bessel import k1e_large, k2e_large
from darkbeauty.numerics.quadrature import pole_rule

LEVELS = (0.0, 0.3, 0.8, 1.5, 3.2)
"""Panel edges in t/2M for x around 20: beyond the last the Boltzmann factor is below 1e-18 for x ≥ 9."""
X_REFERENCE = 20.0
NODES = 24
FLOOR = 1e-24


class Spectrum(NamedTuple):
    """⟨σv⟩(x) = Σ weight · kernel(x, excess): excess = √s/2M − 1 and weight [GeV⁻²], flat over channels and nodes."""

    excess: Array
    weight: Array


def spectrum(dark: DarkSector, scale: ArrayLike = 1.0) -> Spectrum:
    """Nodes and weights of all channels; `scale` stretches the panels (√(20/x) for an x far from 20).

    Args     dark: masses, couplings and channels of the model
    Returns  arrays of shape (n,), n = (Z′ channels · 5 + exchange channels · 4) · 24
    """
    edges = 2.0 * dark.mass * scale * jnp.asarray(LEVELS)
    vector = jax.vmap(lambda channel: _vector_nodes(dark, edges, channel))(dark.channels)
    scalar = jax.vmap(lambda channel: _exchange_nodes(dark, edges, channel))(dark.exchange)
    return Spectrum(*(jnp.concatenate([a.ravel(), b.ravel()]) for a, b in zip(vector, scalar)))


def channel_averages(dark: DarkSector, x: ArrayLike) -> dict[str, Array]:
    """⟨σv⟩ at x by final state.   [GeV⁻²]"""
    nodes = spectrum(dark, jnp.sqrt(X_REFERENCE / x))
    contributions = nodes.weight * thermal_kernel(x, nodes.excess)
    vector = len(dark.channels.finals)
    cut = vector * (len(LEVELS)) * NODES
    rows = jnp.concatenate(
        [
            contributions[:cut].reshape(vector, -1).sum(1),
            contributions[cut:].reshape(len(dark.exchange.finals), -1).sum(1),
        ]
    )
    totals: dict[str, Array] = {}
    for final, row in zip((*dark.channels.finals, *dark.exchange.finals), rows):
        totals[final] = totals.get(final, 0.0) + row
    return totals


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


def _vector_nodes(dark: DarkSector, edges: Array, channel: Channels) -> tuple[Array, Array]:
    zp, m_f = dark.mediator, channel.mass
    lowest = jnp.maximum(4.0 * dark.mass**2, channel.s_min)
    pole = jnp.sqrt(zp.mass**2 - lowest - 1j * zp.pole.m_gamma)
    rule = pole_rule(edges, pole.real, -pole.imag, NODES)
    propagator = 1.0 / ((rule.offset - 1j * pole.imag) * (rule.node + pole))
    s = lowest + rule.node**2
    resonance = dark.coupling, zp.mass, propagator, m_f
    value = vector_channel(s, dark.mass, *resonance, channel.colours, channel.g_v, channel.g_a)
    value = value + exchange_channel(s, dark.mass, m_f, m_f, 1.0, channel.eta_coupling**2, dark.eta_mass)
    value = value + interference(
        s, dark.mass, *resonance, channel.g_v, channel.g_a, channel.eta_coupling, dark.eta_mass
    )
    return _measure(dark.mass, lowest, m_f, m_f, rule.node, s, rule.weight * value)


def _exchange_nodes(dark: DarkSector, edges: Array, channel: Exchange) -> tuple[Array, Array]:
    m_1, m_2 = channel.mass_1, channel.mass_2
    lowest = jnp.maximum(4.0 * dark.mass**2, (m_1 + m_2) ** 2)
    rule = pole_rule(edges, -edges[-1], edges[-1], NODES)
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
