r"""Λ_b → Λ*(1520)(→ pK⁻) ℓ⁺ℓ⁻: transversity amplitudes, the twelve angular coefficients K and what is made of them.

Descotes-Genon and Novoa-Brunet, arXiv:1903.00448, with its correction of 2020. Leptons are massless but for their threshold, Λ_b is
unpolarised, Λ* is narrow. K of the CP-conjugate decay is defined with the same formulas from conjugated weak phases.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.baryon_amplitudes import transversity
from darkbeauty.flavour.common import CONJUGATE, DECAY, LEFT, RIGHT, normalisation
from darkbeauty.flavour.form_factors.lambdab_lambda1520 import BaryonFormFactors, lambdab_to_lambda1520
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.pair_map import PairMap, pair_map

BIN_NODES = 32


class AngularCoefficients(NamedTuple):
    """The twelve K of the angular distribution."""

    k1c: Array
    k1cc: Array
    k1ss: Array
    k2c: Array
    k2cc: Array
    k2ss: Array
    k3ss: Array
    k4ss: Array
    k5s: Array
    k5sc: Array
    k6s: Array
    k6sc: Array


class BaryonRates(NamedTuple):
    """CP averages of K, and half their CP differences.   [GeV⁻¹, integrated GeV]"""

    average: AngularCoefficients
    difference: AngularCoefficients


def density(p: Theory, q2: ArrayLike, propagator: ArrayLike, lepton: str, ff: str) -> BaryonRates:
    r"""`BaryonRates` at q².   [GeV⁻¹]

    K = |N|² q² √λ/(3072π³ m_Λb³) BR(Λ* → pK⁻) × bilinears of the amplitudes.
    Args     q2 and the Z′ propagator P(q²) at it; ff: set of form factors, "LatticeQCD" or "MCN"
    Domain   4m_ℓ² < q² < (m_Λb − m_Λ*)²; exactly 0 with zero gradient outside
    """
    mass = p.sm.mass
    m_b, m = mass["Lambdab"], mass["Lambda(1520)"]
    lo, hi = 4.0 * mass[lepton] ** 2, (m_b - m) ** 2
    q2 = jnp.asarray(q2)
    inside = (q2 > lo) & (q2 < hi)
    q2 = jnp.where(inside, q2, 0.5 * (lo + hi))
    root_lambda = jnp.sqrt(((m_b + m) ** 2 - q2) * (hi - q2))
    norm = normalisation(p) ** 2 * q2 * root_lambda / (3072.0 * jnp.pi**3 * m_b**3) * branching_pk(p)
    both = angular_coefficients(*transversity_amplitudes(p, q2, propagator, lepton, ff))
    factor = 0.5 * jnp.where(inside, norm, 0.0)
    average = jax.tree.map(lambda k: factor * (k[DECAY] + k[CONJUGATE]), both)
    return BaryonRates(average, jax.tree.map(lambda k: factor * (k[DECAY] - k[CONJUGATE]), both))


def branching_pk(p: Theory) -> ArrayLike:
    """BR(Λ* → pK⁻): half of BR(Λ* → NK̄) by isospin."""
    return 0.5 * p.sm.branching["Lambda(1520)->NKbar"]


def transversity_amplitudes(p: Theory, q2: Array, propagator: ArrayLike, lepton: str, ff: str) -> tuple[Array, Array]:
    r"""Perpendicular and parallel amplitudes without their common normalisation, shape (2, 2, 3, …) each.

    Axes: Λ_b and its antiparticle; left- and right-handed lepton current; A₀, A₁, B₁.
    A_⊥ = √2 [C⁺ H^V − (2m_b/q²)(C₇+C₇′) H^T], A_∥ = −√2 [C⁻ H^A + (2m_b/q²)(C₇−C₇′) H^{T5}], C^± = (C₉ ± C₉′) ∓′ (C₁₀ ± C₁₀′) with ∓′ = − for L
    and + for R (arXiv:1903.00448, eqs. 3.18, 3.20).
    """
    sm = p.sm
    f = lambdab_to_lambda1520(sm, q2, ff)
    helicity = helicity_amplitudes(f, q2, sm.mass["Lambdab"], sm.mass["Lambda(1520)"])
    return transversity(p, q2, propagator, lepton, helicity)


def helicity_amplitudes(
    f: BaryonFormFactors, q2: Array, m_b: Array | float, m: Array | float
) -> tuple[Array, Array, Array, Array]:
    r"""√2 H^V, √2 H^A, √2 H^T, √2 H^{T5} of the transitions (q: 0, Λ*: ½), (q: +, ½), (q: +, 3/2), shape (3, …) each.

    arXiv:1903.00448, eqs. 3.8, 3.9, 3.15; checked with explicit Rarita–Schwinger spinors in the tests.
    """
    s_plus, s_minus = (m_b + m) ** 2 - q2, (m_b - m) ** 2 - q2
    root_q2, root_plus, root_minus = jnp.sqrt(q2), jnp.sqrt(s_plus), jnp.sqrt(s_minus)
    plus, minus, ones, root_2 = m_b + m, m_b - m, jnp.ones_like(q2), math.sqrt(2.0)
    long, perp = 1.0 / (math.sqrt(3.0) * m), math.sqrt(2.0 / 3.0) / m
    even = lambda zero, half: root_plus[None] * jnp.stack([long * s_minus * zero, perp * s_minus * half, root_2 * ones])
    odd = lambda zero, half: root_minus[None] * jnp.stack([long * s_plus * zero, perp * s_plus * half, -root_2 * ones])
    return (
        even(-plus / root_q2, -1.0) * f.vector,
        odd(-minus / root_q2, 1.0) * f.axial,
        -even(-root_q2, -plus) * f.tensor,
        odd(-root_q2, minus) * f.pseudotensor,
    )


def angular_coefficients(perp: Array, para: Array) -> AngularCoefficients:
    """K from the amplitudes (axes: CP, lepton chirality, A₀ A₁ B₁), shape (CP, …) each (arXiv:1903.00448, eq. 4.2)."""
    total = lambda x: x[:, LEFT] + x[:, RIGHT]
    odd = lambda x: x[:, LEFT] - x[:, RIGHT]
    perp_0, perp_1, perp_b = perp[:, :, 0], perp[:, :, 1], perp[:, :, 2]
    para_0, para_1, para_b = (jnp.conj(para[:, :, i]) for i in range(3))
    squares = total(perp.real**2 + perp.imag**2 + para.real**2 + para.imag**2)
    a_0, a_1, b_1 = squares[:, 0], squares[:, 1], squares[:, 2]
    # interference of B with A: ∥∥ − ⊥⊥ in two of its three appearances, ⊥∥ − ∥⊥ in the others
    same_1 = jnp.conj(para_b) * para_1 - perp_b * jnp.conj(perp_1)
    same_0 = jnp.conj(para_b) * para_0 - perp_b * jnp.conj(perp_0)
    cross_1 = perp_b * para_1 - jnp.conj(para_b * perp_1)
    cross_0 = perp_b * para_0 - jnp.conj(para_b * perp_0)
    forward_1, forward_b = odd((perp_1 * para_1).real), odd((perp_b * para_b).real)
    root_3, root_32 = math.sqrt(3.0), math.sqrt(1.5)
    k3ss = 0.5 * root_3 * total(same_1.real)
    return AngularCoefficients(
        k1c=-2.0 * forward_1,
        k1cc=a_1,
        k1ss=a_0 + 0.5 * a_1,
        k2c=-0.5 * (forward_1 + 3.0 * forward_b),
        k2cc=0.25 * (a_1 + 3.0 * b_1),
        k2ss=0.125 * (2.0 * a_0 + a_1 + 3.0 * b_1) - 0.5 * k3ss,
        k3ss=k3ss,
        k4ss=0.5 * root_3 * total(cross_1.imag),
        k5s=root_32 * odd(cross_0.real),
        k5sc=-root_32 * total(same_0.real),
        k6s=root_32 * odd(same_0.imag),
        k6sc=-root_32 * total(cross_0.imag),
    )


# -- rates ------------------------------------------------------------------------------------------------------------------------------


def phase_space(p: Theory, lepton: str) -> tuple[ArrayLike, ArrayLike, PairMap]:
    """Lower and upper end of q² [GeV²], and the variable to integrate over it."""
    mass, pole = p.sm.mass, p.wilson.pole
    lo, hi = 4.0 * mass[lepton] ** 2, (mass["Lambdab"] - mass["Lambda(1520)"]) ** 2
    return lo, hi, pair_map(lo, hi, None if pole is None else (pole.m2, pole.m_gamma), photon=True)


def differential(p: Theory, q2: Array | float, lepton: str = "mu", ff: str = "LatticeQCD") -> BaryonRates:
    """`density` at q²."""
    return density(p, q2, p.wilson.propagator(q2), lepton, ff)


def binned(
    p: Theory, q2min: Array | float, q2max: Array | float, lepton: str = "mu", ff: str = "LatticeQCD"
) -> BaryonRates:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy 1e-6 relative (kinks of the interpolated two-loop table) with the Z′ pole anywhere, however narrow; 1e-3 when the bin
             holds the open-charm threshold at 4m_c² = 11.3 GeV², where the SM amplitude has a cusp
    """
    *_, variable = phase_space(p, lepton)
    rule = variable.rule((q2min, q2max), BIN_NODES)
    return jax.tree.map(lambda k: k @ rule.weight, density(p, rule.s, rule.propagator, lepton, ff))


def rate(k: AngularCoefficients) -> Array:
    """dΓ/dq² = (K1cc + 2 K1ss + 2 K2cc + 4 K2ss + 2 K3ss)/3."""
    return (k.k1cc + 2.0 * k.k1ss + 2.0 * k.k2cc + 4.0 * k.k2ss + 2.0 * k.k3ss) / 3.0


def longitudinal(k: AngularCoefficients) -> Array:
    """F_L dΓ/dq² = dΓ/dq² − (2/3)(K1cc + 2 K2cc)."""
    return rate(k) - (2.0 * k.k1cc + 4.0 * k.k2cc) / 3.0


def forward_backward(k: AngularCoefficients) -> Array:
    """A_FB^ℓ dΓ/dq² = (K1c + 2 K2c)/2: rate at cos θ_ℓ > 0 minus rate at cos θ_ℓ < 0."""
    return 0.5 * (k.k1c + 2.0 * k.k2c)
