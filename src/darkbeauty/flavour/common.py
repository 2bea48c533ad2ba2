"""What the b → s processes share: kinematics, CP conjugation, the normalisation of the effective Hamiltonian, q² integrals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import Pole, Theory, Wilson
from darkbeauty.numerics.pair_map import ResonanceRule, pair_map

BIN_NODES, PHOTON_NODES, CLOSE, NARROW = 32, 24, 0.3, 1e-7
LEFT, RIGHT = range(2)
"""Places of the chirality of the quarks along the leading axis of a `Current`."""
DECAY, CONJUGATE = range(2)
"""Places of a decay and of its CP conjugate along the leading axis of `with_conjugate`."""


def kallen(a: Array | float, b: ArrayLike, c: ArrayLike) -> Array:
    """λ(a, b, c) = a² + b² + c² − 2(ab + ac + bc), as a product of differences that keeps its digits at threshold."""
    root_b, root_c = jnp.sqrt(b), jnp.sqrt(c)
    return (a - (root_b + root_c) ** 2) * (a - (root_b - root_c) ** 2)


def abs2(z: ArrayLike) -> Array:
    """|z|², differentiable at 0."""
    z = jnp.asarray(z)
    return z.real**2 + z.imag**2


def inside_phase_space(q2: Array, m_b: Array | float, m_m: Array | float, m_f: Array | float) -> Array:
    """Whether 4m_f² < q² < (m_B − m_M)², strictly in floating point too: λ and β² are then positive."""
    lo = 4.0 * m_f**2
    positive = (q2 > lo) & (q2 > 0.0)
    q2 = jnp.where(positive, q2, 0.5 * (m_b - m_m) ** 2)
    return positive & (q2 < (m_b - m_m) ** 2) & (kallen(m_b**2, m_m**2, q2) > 0.0) & (lo / q2 < 1.0)


def with_conjugate(*weak: Any) -> tuple:
    """What carries weak phases (Wilson coefficients, numbers), stacked with its CP conjugate."""
    conjugate = tuple(x.conjugate() for x in weak)
    return jax.tree.map(lambda x, y: jnp.stack([jnp.asarray(x), jnp.asarray(y)]), weak, conjugate)


def weak_inputs(p: Theory, quarks: str = "bs") -> tuple[Wilson, Array]:
    """New-physics Wilson coefficients and ξ_u/ξ_t: all weak phases of b → sℓℓ or b → dℓℓ relative to ξ_t."""
    return p.wilson.of(quarks), p.sm.ckm.xi("u", quarks) / p.sm.ckm.xi("t", quarks)


def normalisation(p: Theory, quarks: str = "bs") -> Array:
    """|N| = (4G_F/√2) |ξ_t| α/(4π) at 4.8 GeV, ξ_t = V_tbV_ts* or V_tbV_td*.   [GeV⁻²]"""
    coupling = p.sm.coupling
    return jnp.sqrt(2.0) * coupling["GF"] * jnp.abs(p.sm.ckm.xi("t", quarks)) * coupling["alpha_e_4.8"] / (2.0 * jnp.pi)


def integrate_pair(
    pole: Pole | None,
    f: Callable,
    edges: Sequence[Array | float] | Array,
    ends: tuple[ArrayLike, ArrayLike],
    photon: bool,
) -> Any:
    """∫ f(q², P(q²)) dq² over the part of a bin inside the phase space `ends` of a pair of fermions, of every array that f gives.

    Args     pole: of the propagator P; edges: lower end of the bin, points where f has a kink, upper end; photon: f may go like 1/q² at small q²
    Accuracy relative 1e-8 (3e-7 with a photon pole) for Γ/m ≥ 1e-8 with the Z′ pole anywhere, as far as f is smooth; what f has beside
             the pole loses digits when Γ/m is smaller still, 1e-5 at 5e-12
    """
    variable = pair_map(*ends, None if pole is None else (pole.m2, pole.m_gamma), photon)
    rule = variable.rule(edges, PHOTON_NODES, CLOSE) if photon else variable.rule(edges, BIN_NODES)
    rule = of_narrow_bin(rule, edges[0], edges[-1], ends, pole)
    return jax.tree.map(lambda values: values @ rule.weight, f(rule.s, rule.propagator))


def of_narrow_bin(
    rule: ResonanceRule, q2min: ArrayLike, q2max: ArrayLike, ends: tuple[ArrayLike, ArrayLike], pole: Pole | None
) -> ResonanceRule:
    """The rule, or all of its nodes in the middle of a bin so narrow that its edges hardly differ in another variable, far from ends and pole."""
    start, end = ends
    low, high = jnp.clip(q2min, start, end), jnp.clip(q2max, start, end)
    middle, width = 0.5 * (low + high), high - low
    propagator = jnp.zeros(()) if pole is None else pole.at(middle)
    away = jnp.minimum(middle - start, end - middle)
    far = (width < NARROW * away) & (width * jnp.abs(propagator) < NARROW)
    pick = lambda flat, nodes: jnp.where(far & (width > 0.0), flat, nodes)
    weight = width / rule.weight.size
    return ResonanceRule(pick(middle, rule.s), pick(propagator, rule.propagator), pick(weight, rule.weight))
