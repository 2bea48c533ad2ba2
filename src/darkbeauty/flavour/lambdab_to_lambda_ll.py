r"""Λ_b → Λ(→ pπ⁻) ℓ⁺ℓ⁻: transversity amplitudes, the ten angular coefficients K and what is made of them.

Böer, Feldmann and van Dyk, arXiv:1410.2115. Leptons are massless but for their threshold, Λ_b is unpolarised. K of the CP-conjugate decay is defined with the
same formulas from conjugated weak phases.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.baryon_amplitudes import transversity
from darkbeauty.flavour.common import CONJUGATE, DECAY, LEFT, RIGHT, abs2, integrate_pair, normalisation
from darkbeauty.flavour.form_factors.lambdab_lambda import HalfBaryonFormFactors, lambdab_to_lambda
from darkbeauty.models.sectors import Theory

LONG, TRANSVERSE = range(2)
"""Places of the helicity of the pair, 0 and ±1, in amplitudes."""


class AngularCoefficients(NamedTuple):
    """The ten K of the angular distribution."""

    k1ss: Array
    k1cc: Array
    k1c: Array
    k2ss: Array
    k2cc: Array
    k2c: Array
    k3sc: Array
    k3s: Array
    k4sc: Array
    k4s: Array


class BaryonRates(NamedTuple):
    """CP averages of K, and half their CP differences.   [GeV⁻¹, integrated GeV]"""

    average: AngularCoefficients
    difference: AngularCoefficients


def density(p: Theory, q2: ArrayLike, propagator: ArrayLike, lepton: str) -> BaryonRates:
    r"""`BaryonRates` at q²: N² q² √λ/(3072π³ m_Λb³) × bilinears of the amplitudes, without BR(Λ → pπ⁻).   [GeV⁻¹]

    Args     q2 and the Z′ propagator P(q²) at it
    Domain   4m_ℓ² < q² < (m_Λb − m_Λ)²; exactly 0 with zero gradient outside
    Omits    spectator scattering and other effects of the charm loop beyond form factors; scalar operators; lepton masses
    """
    m_b, m = p.sm.mass["Lambdab"], p.sm.mass["Lambda"]
    lo, hi = phase_space(p, lepton)
    q2 = jnp.asarray(q2)
    inside = (q2 > lo) & (q2 < hi)
    q2 = jnp.where(inside, q2, 0.5 * (lo + hi))
    root_lambda = jnp.sqrt(((m_b + m) ** 2 - q2) * (hi - q2))
    norm = normalisation(p) ** 2 * q2 * root_lambda / (3072.0 * jnp.pi**3 * m_b**3)
    helicity = helicity_amplitudes(lambdab_to_lambda(p.sm, q2), q2, m_b, m)
    perp, para = transversity(p, q2, propagator, lepton, helicity)
    both = angular_coefficients(perp, para, p.sm.decay_parameter["Lambda->ppi"])
    factor = 0.5 * jnp.where(inside, norm, 0.0)
    average = jax.tree.map(lambda k: factor * (k[DECAY] + k[CONJUGATE]), both)
    return BaryonRates(average, jax.tree.map(lambda k: factor * (k[DECAY] - k[CONJUGATE]), both))


def helicity_amplitudes(
    f: HalfBaryonFormFactors, q2: Array, m_b: Array | float, m: Array | float
) -> tuple[Array, Array, Array, Array]:
    r"""√2 H^V, √2 H^A, √2 H^T, √2 H^{T5} of helicity 0 and 1 of the pair, shape (2, …) each (arXiv:1410.2115, eqs. 3.12–3.15)."""
    root_q2, plus, minus, root_2 = jnp.sqrt(q2), m_b + m, m_b - m, math.sqrt(2.0)
    even, odd = (jnp.sqrt(2.0 * (mass**2 - q2))[None] for mass in (minus, plus))
    pair = lambda long, transverse: jnp.stack([long, transverse * jnp.ones_like(q2)])
    return (
        even * pair(plus / root_q2, -root_2) * f.vector,
        odd * pair(minus / root_q2, -root_2) * f.axial,
        even * pair(-root_q2, root_2 * plus) * f.tensor,
        odd * pair(root_q2, -root_2 * minus) * f.pseudotensor,
    )


def angular_coefficients(perp: Array, para: Array, alpha: ArrayLike) -> AngularCoefficients:
    """K from the amplitudes (axes: CP, lepton chirality, helicity) and the asymmetry of Λ → pπ⁻, shape (CP, …) each (arXiv:1410.2115, eqs. 3.29–3.32)."""
    total = lambda x: x[:, LEFT] + x[:, RIGHT]
    odd = lambda x: x[:, RIGHT] - x[:, LEFT]
    perp_0, perp_1, para_0, para_1 = (a[:, :, i] for a in (perp, para) for i in (LONG, TRANSVERSE))
    long, transverse = abs2(perp_0) + abs2(para_0), abs2(perp_1) + abs2(para_1)
    both_1, both_0 = (perp_1 * jnp.conj(para_1)).real, (perp_0 * jnp.conj(para_0)).real
    cross = (perp_1 * jnp.conj(para_0) - para_1 * jnp.conj(perp_0)) * alpha / math.sqrt(2.0)
    same = (perp_1 * jnp.conj(perp_0) - para_1 * jnp.conj(para_0)) * alpha / math.sqrt(2.0)
    return AngularCoefficients(
        k1ss=0.25 * total(transverse + 2.0 * long),
        k1cc=0.5 * total(transverse),
        k1c=-odd(both_1),
        k2ss=0.5 * alpha * total(both_1 + 2.0 * both_0),
        k2cc=alpha * total(both_1),
        k2c=-0.5 * alpha * odd(transverse),
        k3sc=total(same.imag),
        k3s=odd(cross.imag),
        k4sc=total(cross.real),
        k4s=odd(same.real),
    )


# -- rates ------------------------------------------------------------------------------------------------------------------------------


def phase_space(p: Theory, lepton: str) -> tuple[ArrayLike, ArrayLike]:
    """(4m_ℓ², (m_Λb − m_Λ)²).   [GeV²]"""
    return 4.0 * p.sm.mass[lepton] ** 2, (p.sm.mass["Lambdab"] - p.sm.mass["Lambda"]) ** 2


def differential(p: Theory, q2: Array | float, lepton: str) -> BaryonRates:
    """`density` at q²."""
    return density(p, q2, p.wilson.propagator(q2), lepton)


def binned(p: Theory, q2min: Array | float, q2max: Array | float, lepton: str) -> BaryonRates:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy 1e-6 relative, 1e-3 when the bin holds the open-charm threshold at 4m_c² = 11.3 GeV², where the amplitude has a cusp
    """
    f = lambda q2, propagator: density(p, q2, propagator, lepton)
    return integrate_pair(p.wilson.pole, f, (q2min, q2max), phase_space(p, lepton), photon=True)


def rate(k: AngularCoefficients) -> Array:
    """dΓ/dq² = 2 K1ss + K1cc."""
    return 2.0 * k.k1ss + k.k1cc


def longitudinal(k: AngularCoefficients) -> Array:
    """F_L dΓ/dq² = 2 K1ss − K1cc."""
    return 2.0 * k.k1ss - k.k1cc


def lepton_asymmetry(k: AngularCoefficients) -> Array:
    """A_FB^ℓ dΓ/dq² = (3/2) K1c."""
    return 1.5 * k.k1c


def hadron_asymmetry(k: AngularCoefficients) -> Array:
    """A_FB^Λ dΓ/dq² = K2ss + K2cc/2."""
    return k.k2ss + 0.5 * k.k2cc


def double_asymmetry(k: AngularCoefficients) -> Array:
    """A_FB^{ℓΛ} dΓ/dq² = (3/4) K2c."""
    return 0.75 * k.k2c
