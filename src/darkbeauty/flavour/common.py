"""What the b → s processes share: kinematics, the normalisation of the effective Hamiltonian, q² integrals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.base import Model
from darkbeauty.numerics.quadrature import bin_rule, legendre_rule, pair_rule, phase_space_rule

NODES, PAIR_NODES = 32, 24


def kallen(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Array:
    """λ(a, b, c) = a² + b² + c² − 2(ab + ac + bc), as a product of differences that keeps its digits at threshold."""
    root_b, root_c = jnp.sqrt(b), jnp.sqrt(c)
    return (a - (root_b + root_c) ** 2) * (a - (root_b - root_c) ** 2)


def abs2(z: ArrayLike) -> Array:
    """|z|², differentiable at 0."""
    z = jnp.asarray(z)
    return z.real**2 + z.imag**2


def normalisation(p: Model) -> Array:
    """|N| = (4G_F/√2) |V_tbV_ts*| α/(4π) at 4.8 GeV.   [GeV⁻²]"""
    coupling = p.sm.coupling
    return jnp.sqrt(2.0) * coupling["GF"] * jnp.abs(p.sm.ckm.xi("t")) * coupling["alpha_e_4.8"] / (2.0 * jnp.pi)


def integrate(p: Model, f: Callable, lo: ArrayLike, hi: ArrayLike, whole_range: bool = False) -> Array:
    """∫ f(q², P(q²)) dq² over [lo, hi]; whole_range: the ends are those of phase space."""
    hi = jnp.maximum(hi, lo)
    pole = p.wilson().pole
    if pole is None and not whole_range:
        q2, weight = legendre_rule(lo, hi, NODES)
        return f(q2, 0.0) @ weight
    m2, m_gamma = (-hi, hi) if pole is None else (pole.m2, pole.m_gamma)
    rule = (phase_space_rule if whole_range else bin_rule)(lo, hi, m2, m_gamma, NODES)
    return f(rule.s, 0.0 if pole is None else rule.propagator) @ rule.weight


def integrate_pair(
    p: Model, f: Callable, edges: Sequence[ArrayLike], ends: tuple[ArrayLike, ArrayLike], photon: bool
) -> Array:
    """∫ f(q², P(q²)) dq² over the part of a bin inside the phase space `ends` of a pair of fermions.

    Args     edges: as in `pair_rule`; photon: f may go like 1/q² at small q²
    """
    pole = p.wilson().pole
    rule = pair_rule(edges, *ends, None if pole is None else (pole.m2, pole.m_gamma), PAIR_NODES, photon)
    return f(rule.s, rule.propagator) @ rule.weight
