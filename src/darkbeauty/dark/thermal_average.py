r"""Thermal average of the annihilation cross section, exact at a resonance however narrow.

With s = 4M²q², ⟨σv⟩(x) = x/(8M⁵K₂²(x)) ∫ ds σ (s−4M²) √s K₁(2xq) (Gondolo, Gelmini, Nucl. Phys. B360 (1991) 145). Each channel is integrated
in t, s = s_> + t², from its own threshold s_> (of the initial or of the final state, the higher one), where the integrand is smooth; the pole of a
resonance sits at t* = √(m² − s_> − imΓ) and nodes gather around it (`darkbeauty.numerics.quadrature`). The nodes and the cross sections on
them do not depend on temperature, so one set serves every x of interest: a `Spectrum`.

With co-annihilation the sum goes over pairs N_iN_j, with λ(s, m_i², m_j²)/s for s−4M², and [K₂(x) + r²K₂(rx)]² for K₂², r = M_h/M (Edsjö, Gondolo,
hep-ph/9704361).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.dark.annihilation import exchange_channel, resonant_channel, scalar_channel
from darkbeauty.dark.z_prime_pairs import scalar_part, smooth_part, z_prime_and_scalar
from darkbeauty.models.sectors import Channels, DarkMatter, Exchange, InitialState, ScalarChannels, ZPrimePairs
from darkbeauty.numerics.bessel import k1e_large, k2e_large
from darkbeauty.numerics.quadrature import PoleRule, inserted, kept, legendre_rule, pole_rule, total

LEVELS = (0.0, 0.3, 1.0)
"""Panel edges in t, in units of the last one."""
FINE_LEVELS = (0.0, 0.01, 0.03, 0.1, 0.3, 1.0)
"""The same for one spectrum that serves every x ≥ 1."""
EXPONENT = 30.0
"""The last edge is at √s = 2M(1 + 30/x), where the Boltzmann factor has fallen by e^{−60}."""
AROUND = 0.06
"""Panels of their own on both sides of a pole, in the same units."""
X_REFERENCE = 20.0
PANEL_NODES, COARSE_PANEL_NODES = 22, 17
ROUNDING = 3e-10
FLOOR = 1e-24


class Spectrum(NamedTuple):
    """⟨σv⟩(x) = Σ weight · kernel(x, excess)/population(x)²: excess = √s/2M − 1 and weight [GeV⁻²], flat over channels and nodes.

    ratio: M_h/M where heavier particles co-annihilate.
    """

    excess: Array
    weight: Array
    ratio: Array | None = None


class ThermalAverage(NamedTuple):
    """⟨σv⟩ and a bound on its numerical error.   [GeV⁻²]"""

    value: Array
    error: Array


class Block(NamedTuple):
    """Nodes of several channels, arrays of shape (channels, nodes), and their final states."""

    finals: tuple[str, ...]
    excess: Array
    weight: Array


def spectrum(
    dark: DarkMatter,
    scale: ArrayLike = 1.0,
    n: int = PANEL_NODES,
    levels: tuple[float, ...] = LEVELS,
    around: float = AROUND,
) -> Spectrum:
    """Nodes and weights of all channels, good for x ≥ 20/scale² (below, what is beyond the last edge is missing); n: nodes per panel.

    Returns  flat arrays of (resonant channels · 5 + exchange channels · 2) · n numbers (for LEVELS)
    """
    blocks = _blocks(dark, X_REFERENCE / jnp.asarray(scale) ** 2, n, levels, around)
    excess = jnp.concatenate([block.excess.ravel() for block in blocks])
    weight = jnp.concatenate([block.weight.ravel() for block in blocks])
    return Spectrum(excess, weight, None if dark.heavy_mass is None else dark.heavy_mass / dark.mass)


def thermal_kernel(x: Array | float, excess: ArrayLike) -> Array:
    """x K₁(2xq)/K₂²(x), q = 1 + excess, for x ≥ 1."""
    return x * k1e_large(2.0 * x * (1.0 + excess)) / k2e_large(x) ** 2 * jnp.exp(-2.0 * x * excess)


def population(x: ArrayLike, ratio: ArrayLike | None) -> ArrayLike:
    """Equilibrium density of all that co-annihilates over that of the light state: 1 + r² K₂(rx)/K₂(x)."""
    if ratio is None:
        return 1.0
    return 1.0 + ratio**2 * k2e_large(ratio * x) / k2e_large(x) * jnp.exp(-(ratio - 1.0) * x)


def average(nodes: Spectrum, x: Array | float) -> Array:
    """⟨σv⟩(x) from a spectrum made for x of this size.   [GeV⁻²]"""
    rate = total(nodes.weight * thermal_kernel(x, nodes.excess))
    return rate if nodes.ratio is None else rate / population(x, nodes.ratio) ** 2


def sigma_v(dark: DarkMatter, x: Array | float) -> Array:
    r"""⟨σv⟩ at x = m_dm/T; with co-annihilation the effective one, Σ_ij ⟨σ_ijv⟩n_in_j/(Σ_i n_i)².   [GeV⁻²]

    Domain   x ≥ 1
    Accuracy relative 1e-7, for Γ/m of a resonance down to 1e-9
    """
    return average(spectrum(dark, jnp.sqrt(X_REFERENCE / x)), x)


def sigma_v_with_error(dark: DarkMatter, x: Array | float) -> ThermalAverage:
    r"""⟨σv⟩ at x = m_dm/T and a bound on its numerical error.   [GeV⁻²]

    The error is the distance to a rule with 17 nodes a panel for 22, plus 3e-10 of the value for the Bessel functions and the cut of the spectrum.
    """
    scale = jnp.sqrt(X_REFERENCE / x)
    value, coarse = (average(spectrum(dark, scale, n), x) for n in (PANEL_NODES, COARSE_PANEL_NODES))
    return ThermalAverage(value, jnp.abs(value - coarse) + ROUNDING * value)


def channel_averages(dark: DarkMatter, x: Array | float) -> dict[str, Array]:
    """⟨σv⟩ at x by final state.   [GeV⁻²]"""
    ratio = None if dark.heavy_mass is None else dark.heavy_mass / dark.mass
    totals: dict[str, Array] = {}
    for finals, excess, weight in _blocks(dark, x, PANEL_NODES, LEVELS, AROUND):
        rows = total(weight * thermal_kernel(x, excess)) / population(x, ratio) ** 2
        totals = add_by_final(totals, finals, rows)
    return totals


def add_by_final(totals: dict[str, Array], finals: tuple[str, ...], rows: Array) -> dict[str, Array]:
    """One number per channel, added to one per final state."""
    totals = dict(totals)
    for final, row in zip(finals, rows):
        totals[final] = totals.get(final, 0.0) + row
    return totals


def _blocks(dark: DarkMatter, x: ArrayLike, n: int, levels: tuple[float, ...], around: float) -> list[Block]:
    heights = jnp.asarray(levels) * jnp.sqrt((1.0 + EXPONENT / x) ** 2 - 1.0)
    blocks = []
    for state in dark.states():
        edges = heights * (state.mass_a + state.mass_b)
        vector_nodes = jax.checkpoint(partial(_vector_nodes, dark, state, edges, n=n, around=around))
        blocks.append(Block(state.channels.finals, *jax.lax.map(vector_nodes, state.channels)))
        if state.exchange is not None:
            exchange_nodes = jax.checkpoint(partial(_exchange_nodes, dark, state, edges, n=n))
            blocks.append(Block(state.exchange.finals, *jax.lax.map(exchange_nodes, state.exchange)))
    if dark.scalar_channels is not None:
        edges = 2.0 * dark.mass * heights
        blocks += [_scalar_block(dark, dark.scalar_channels, edges, which, n, around) for which in (0, 1)]
    if dark.z_prime_pairs is not None:
        blocks += _z_prime_pair_blocks(dark, dark.z_prime_pairs, 2.0 * dark.mass * heights, n, around)
    return blocks


def _vector_nodes(
    dark: DarkMatter, state: InitialState, edges: Array, channel: Channels, n: int, around: float
) -> tuple[Array, Array]:
    zp, m_f = dark.z_prime, channel.mass
    lowest = jnp.maximum((state.mass_a + state.mass_b) ** 2, channel.s_min)
    rule, s, propagator = _resonant_rule(edges, lowest, zp.mass**2, zp.pole.m_gamma, n, around)
    value = resonant_channel(dark, state, channel, s, propagator)
    return _measure(dark.mass, state, lowest, (m_f, m_f), rule.node, s, rule.weight * value)


def _exchange_nodes(
    dark: DarkMatter, state: InitialState, edges: Array, channel: Exchange, n: int
) -> tuple[Array, Array]:
    final = channel.mass_1, channel.mass_2
    lowest = jnp.maximum((state.mass_a + state.mass_b) ** 2, (final[0] + final[1]) ** 2)
    t, weight = _legendre_panels(edges, n)
    s = lowest + t**2
    value = exchange_channel(s, state.masses, channel, even=state.identical)
    return _measure(dark.mass, state, lowest, final, t, s, weight * value)


def _scalar_block(dark: DarkMatter, channels: ScalarChannels, edges: Array, which: int, n: int, around: float) -> Block:
    """The part |P₁P₂|² · |D_o|²/(|D₁|²+|D₂|²) of |P₂−P₁|² = |D₁−D₂|² |P₁P₂|², o the other one: it has one narrow pole, and the two parts add up."""
    state, *_ = dark.states()
    m2, m_gamma = channels.m2[which], channels.m_gamma[which]
    apart = (channels.m2[which] - channels.m2[1 - which]) - 1j * (channels.m_gamma[which] - channels.m_gamma[1 - which])
    square = lambda z: z.real**2 + z.imag**2

    def row(m_f: Array, *polynomial: Array) -> tuple[Array, Array]:
        lowest = jnp.maximum(4.0 * dark.mass**2, 4.0 * m_f**2)
        rule, s, propagator = _resonant_rule(edges, lowest, m2, m_gamma, n, around)
        near = square(propagator)
        other = square(1.0 + apart * propagator)  # |D_o|² |P|²
        value = scalar_channel(
            s, dark.mass, channels.scalars.coupling, square(apart) * near**2 / (1.0 + other), polynomial
        )
        return _measure(dark.mass, state, lowest, (m_f, m_f), rule.node, s, rule.weight * value)

    return Block(channels.finals, *jax.vmap(row)(channels.mass, channels.c0, channels.c1, channels.c2))


def _z_prime_pair_blocks(dark: DarkMatter, pairs: ZPrimePairs, edges: Array, n: int, around: float) -> list[Block]:
    """Z′Z′, of which what has the poles of H1 and H2 has nodes of its own, and Z′H1 and Z′H2. Without a narrow pole of the Z′ fewer nodes are as good: 1e-7."""
    t, weight = _legendre_panels(edges, 2 * n // 3)

    def smooth(w: Callable[..., Array], last: Array, *more: Array) -> tuple[Array, Array]:
        lowest = jnp.maximum(2.0 * dark.mass, pairs.mass + last) ** 2
        s = lowest + t**2
        value = w(s, dark.mass, pairs, *more)
        return _measure(dark.mass, dark.states()[0], lowest, (pairs.mass, last), t, s, weight * value)

    two = jax.checkpoint(partial(smooth, smooth_part))(pairs.mass)
    scalar = jax.checkpoint(lambda h: smooth(z_prime_and_scalar, h[0], *h))
    with_scalar = jax.lax.map(scalar, (pairs.scalar_mass, pairs.contents))
    near_pole = jax.checkpoint(partial(_scalar_part_nodes, dark, pairs, edges, n=3 * n // 4, around=around))
    return [
        Block(("ZpZp",), *(column[None] for column in two)),
        Block(("ZpH1", "ZpH2"), *with_scalar),
        Block(("ZpZp", "ZpZp"), *jax.lax.map(near_pole, jnp.arange(2))),
    ]


def _scalar_part_nodes(
    dark: DarkMatter, pairs: ZPrimePairs, edges: Array, which: Array, n: int, around: float
) -> tuple[Array, Array]:
    """|D_o|²/(|D₁|²+|D₂|²) of what the scalars do to Z′Z′, for each of H1 and H2, o the other one: it has one narrow pole, and the two parts add up."""
    m2, m_gamma, share = pairs.scalar_mass**2, pairs.scalar_m_gamma, pairs.contents**2
    lowest = 4.0 * jnp.maximum(dark.mass, pairs.mass) ** 2
    rule, s, near = _resonant_rule(edges, lowest, m2[which], m_gamma[which], n, around)
    ratio = 1.0 + jax.lax.complex(m2[which] - m2[1 - which], m_gamma[1 - which] - m_gamma[which]) * near  # D_o P
    value = scalar_part(s, dark.mass, pairs, near * (share[which] + share[1 - which] / ratio))
    part = ratio.real**2 + ratio.imag**2
    weighted = rule.weight * value * part / (1.0 + part)
    return _measure(dark.mass, dark.states()[0], lowest, (pairs.mass, pairs.mass), rule.node, s, weighted)


def _legendre_panels(edges: Array, n: int) -> tuple[Array, Array]:
    """Nodes and weights of a composite rule."""
    panels = [legendre_rule(edges[k], edges[k + 1], n) for k in range(edges.size - 1)]
    node, weight = (jnp.concatenate(column) for column in zip(*panels))
    return node, weight


def _resonant_rule(
    edges: Array, lowest: Array, m2: Array, m_gamma: Array, n: int, around: float
) -> tuple[PoleRule, Array, Array]:
    """Rule in t, s at its nodes, and 1/(s − m² + imΓ) there."""
    pole = jnp.sqrt(m2 - lowest - 1j * m_gamma)
    centre, width = kept(pole.real), kept(-pole.imag)
    for side in (-around, around):
        edges = inserted(edges, jnp.clip(centre + side * edges[-1], 0.0, edges[-1]))
    rule = pole_rule(edges, centre, width, n)
    gap = rule.offset * (rule.node + centre) + width**2  # s − m² to its last digit
    square = gap**2 + m_gamma**2
    return rule, lowest + rule.node**2, jax.lax.complex(gap / square, -m_gamma / square)


def _measure(
    m: Array, state: InitialState, lowest: Array, final: tuple[Array, Array], t: Array, s: Array, weighted: Array
) -> tuple[Array, Array]:
    """√s/2M − 1, and from w(s) = σ s β_i/β_f the weight of σ λ_i/√s ds/(8M⁵) = w β_f β_i √s · 2t dt/(8M⁵)."""
    (a, b), (first, second) = (state.mass_a, state.mass_b), final
    t2 = t**2 + FLOOR * s  # a node can fall on the threshold itself, where roots have no derivative
    above = lambda threshold: _not_negative(lowest - threshold) + t2
    root = jnp.sqrt(s)
    shrink = 1.0 - (first - second) ** 2 / s
    if not state.identical:
        shrink = shrink * (1.0 - (a - b) ** 2 / s)
    flux = jnp.sqrt(above((a + b) ** 2) * above((first + second) ** 2) * shrink) / root
    return above(4.0 * m**2) / (2.0 * m * (root + 2.0 * m)), state.count * weighted * flux * t / (4.0 * m**5)


def _not_negative(difference: Array) -> Array:
    """What may round to less than 0, with its own slope even where it is 0: maximum would halve that slope for m_dm on a mass of a final state."""
    return difference + jax.lax.stop_gradient(jnp.maximum(difference, 0.0) - difference)
