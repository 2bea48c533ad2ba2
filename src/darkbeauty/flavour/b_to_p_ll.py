r"""B → P and a pair of fermions: one amplitude code for ℓ⁺ℓ⁻, νν̄ and Majorana NN.

The pair enters through its current: vector and axial (spin 1) and timelike axial (spin 0), each an effective coupling times a form factor.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.charm_loops import effective_coefficients
from darkbeauty.flavour.common import abs2, integrate, kallen, normalisation
from darkbeauty.flavour.form_factors import b_to_k
from darkbeauty.flavour.modes import LEPTON_INDEX, PSEUDOSCALAR
from darkbeauty.models.base import Model, Wilson


class PairCurrent(NamedTuple):
    """Effective couplings of the pair times form factors [GeV⁻²]: F_V (with C₇), F_A multiply f₊, F_0 multiplies f₀."""

    vector: ArrayLike
    axial: ArrayLike
    timelike: ArrayLike


class Rate(NamedTuple):
    """dΓ/dq² [GeV⁻¹] and its part flat in the lepton angle."""

    total: Array
    flat: Array


def pair_rate(q2: ArrayLike, m_b: ArrayLike, m_p: ArrayLike, m_f: ArrayLike, current: PairCurrent) -> Rate:
    r"""dΓ/dq² = √λ β/(128π³ m_B³) { λ/6 [(1+2m²/q²)|F_V|² + β²|F_A|²] + (m²/q²)(m_B²−m_P²)²|F_0|² }   (arXiv:0709.4174, by spin)

    Flat part: λ (m²/q²)|F_V|² + (m²/q²)(m_B²−m_P²)²|F_0|² in the same braces; F_H = flat/total. For distinct fermions of mass m_f.

    Domain   4m_f² ≤ q² ≤ (m_B − m_P)²; exactly 0 with zero gradient outside
    """
    inside = (q2 > 4.0 * m_f**2) & (q2 < (m_b - m_p) ** 2)
    safe_q2 = jnp.where(inside, q2, 0.5 * (4.0 * m_f**2 + (m_b - m_p) ** 2))
    r = m_f**2 / safe_q2
    lam, beta2 = kallen(m_b**2, m_p**2, safe_q2), 1.0 - 4.0 * r
    spin_1 = (1.0 + 2.0 * r) * abs2(current.vector) + beta2 * abs2(current.axial)
    spin_0 = r * (m_b**2 - m_p**2) ** 2 * abs2(current.timelike)
    factor = jnp.where(inside, jnp.sqrt(lam * beta2) / (128.0 * jnp.pi**3 * m_b**3), 0.0)
    return Rate(factor * (lam / 6.0 * spin_1 + spin_0), factor * (lam * r * abs2(current.vector) + spin_0))


def lepton_current(
    p: Model, w: Wilson, mode: str, lepton: str, q2: ArrayLike, propagator: ArrayLike, ratio_u: ArrayLike
) -> PairCurrent:
    """Current of ℓ⁺ℓ⁻: SM with non-local effects, new physics and the subleading nuisances."""
    sm, i = p.sm, LEPTON_INDEX[lepton]
    m_b, m_k = meson_masses(p, mode)
    f = b_to_k(sm, q2)
    effective = effective_coefficients(sm, q2, ratio_u)
    c7 = effective.c7 + sm.wilson["C7effp"] + w.c7 + w.c7p
    c9 = effective.c9 + w.lepton("C9", i, propagator) + w.lepton("C9p", i, propagator) + subleading_c9(p, mode, q2)
    c10 = sm.wilson["C10"] + w.lepton("C10", i, propagator) + w.lepton("C10p", i, propagator)
    n = normalisation(p)
    vector = n * (c9 * f.plus + 2.0 * sm.quark["mb_4.8"] / (m_b + m_k) * c7 * f.tensor)
    return PairCurrent(vector, n * c10 * f.plus, n * c10 * f.zero)


def subleading_c9(p: Model, mode: str, q2: ArrayLike) -> Array:
    """Nuisance shift of C₉: a + b q² up to 9 GeV², c above 14 GeV² (centrally 0)."""
    names, prefix = p.sm.subleading, f"{PSEUDOSCALAR[mode].b}->{PSEUDOSCALAR[mode].final} deltaC9 "
    a, b, c = (names[f"{prefix}{x} Re"] + 1j * jnp.asarray(names[f"{prefix}{x} Im"]) for x in "abc")
    q2 = jnp.asarray(q2)
    return jnp.where(q2 <= 9.0, a + b * q2, jnp.where(q2 > 14.0, c, 0.0))


def meson_masses(p: Model, mode: str) -> tuple[ArrayLike, ArrayLike]:
    """Masses of the B meson and of the final meson of a mode.   [GeV]"""
    return p.sm.mass[PSEUDOSCALAR[mode].b], p.sm.mass[PSEUDOSCALAR[mode].final]


def density(p: Model, mode: str, lepton: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    r"""CP-averaged dΓ/dq², its flat part, and half the CP difference of dΓ/dq², stacked: shape (3, …).   [GeV⁻¹]

    Args     q2 and the Z′ propagator P(q²) at it (given apart, because near the pole q² alone has lost the digits)
    """
    m_b, m_k = meson_masses(p, mode)
    ratio_u, w = p.sm.ckm.xi("u") / p.sm.ckm.xi("t"), p.wilson()

    def rate(w: Wilson, ratio_u: Array) -> Rate:
        return pair_rate(q2, m_b, m_k, p.sm.mass[lepton], lepton_current(p, w, mode, lepton, q2, propagator, ratio_u))

    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), (w, ratio_u), (w.conjugate(), jnp.conj(ratio_u)))
    (b, b_bar), flat = jax.vmap(rate)(*both)
    return jnp.stack([0.5 * (b + b_bar), 0.5 * (flat[0] + flat[1]), 0.5 * (b - b_bar)])


def differential(p: Model, q2: ArrayLike, mode: str, lepton: str) -> Array:
    """`density` at q², shape (3,)."""
    return density(p, mode, lepton, q2, p.wilson().propagator(q2))


def binned(p: Model, q2min: ArrayLike, q2max: ArrayLike, mode: str, lepton: str) -> Array:
    """∫ density dq² over the part of the bin inside phase space, shape (3,).   [GeV]

    Accuracy relative 1e-9 with the Z′ pole anywhere, however narrow
    """
    m_b, m_k = meson_masses(p, mode)
    lo, hi = jnp.maximum(q2min, 4.0 * p.sm.mass[lepton] ** 2), jnp.minimum(q2max, (m_b - m_k) ** 2)
    return integrate(p, lambda q2, propagator: density(p, mode, lepton, q2, propagator), lo, hi)
