r"""B → P and a pair of fermions: one amplitude code for ℓ⁺ℓ⁻, νν̄, Majorana NN and the Z′ on its mass shell.

The pair enters through its `Current`; vector and axial couplings (spin 1) go with f₊, the timelike one (spin 0) with f₀.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.common import (
    CONJUGATE,
    DECAY,
    LEFT,
    RIGHT,
    abs2,
    inside_phase_space,
    integrate_pair,
    kallen,
    weak_inputs,
    with_conjugate,
)
from darkbeauty.flavour.currents import Current, lepton_current
from darkbeauty.flavour.form_factors import b_to_p
from darkbeauty.flavour.form_factors.bsz import PseudoscalarFormFactors
from darkbeauty.flavour.modes import PSEUDOSCALAR, PSEUDOSCALARS
from darkbeauty.models.sectors import Theory


class PairCurrent(NamedTuple):
    """Effective couplings of the pair times form factors: F_V (with C₇), F_A multiply f₊, F_0 multiplies f₀ [GeV⁻²]; F_S, F_P, with f₀, too, F_T and F_T5, f_T/(m_B+m_P) [GeV⁻³]."""

    vector: ArrayLike
    axial: ArrayLike
    timelike: ArrayLike
    scalar: Array | None = None
    pseudoscalar: Array | None = None
    tensor: tuple[Array, Array] | None = None


class Rate(NamedTuple):
    """dΓ/dq² [GeV⁻¹] of one decay, its part flat in the lepton angle, and forward minus backward rate."""

    total: Array
    flat: Array
    forward: Array


class PairRates(NamedTuple):
    """CP-averaged dΓ/dq² (or its integral), its flat part, half the CP difference of dΓ/dq², and the CP-averaged forward minus backward rate.   [GeV⁻¹, or GeV]"""

    rate: Array
    flat: Array
    difference: Array
    forward: Array


def pair_rate(q2: Array, m_b: Array | float, m_p: Array | float, m_f: Array | float, current: PairCurrent) -> Rate:
    r"""dΓ/dq² = √λ β/(128π³ m_B³) { λ/6 [(1+2m²/q²)|F_V|² + β²|F_A|²] + s }   (arXiv:0709.4174, by spin)

    s = (m_B²−m_P²)² [|mF_0 + q²F_P/2|² + β²|q²F_S/2|²]/q². Flat part: λ (m²/q²)|F_V|² + s in the same braces; F_H = flat/total. Forward minus backward, with
    flavio's sign: −½ m β √λ (m_B²−m_P²) Re F_V F_S*. For distinct fermions of mass m_f.

    Domain   4m_f² ≤ q² ≤ (m_B − m_P)²; exactly 0 with zero gradient outside
    """
    inside = inside_phase_space(q2, m_b, m_p, m_f)
    safe_q2 = jnp.where(inside, q2, 0.5 * (m_b - m_p) ** 2)
    r, gap = jnp.where(inside, m_f**2, 0.0) / safe_q2, m_b**2 - m_p**2
    lam, beta2 = kallen(m_b**2, m_p**2, safe_q2), 1.0 - 4.0 * r
    spin_1 = (1.0 + 2.0 * r) * abs2(current.vector) + beta2 * abs2(current.axial)
    if current.pseudoscalar is None:
        spin_0 = r * gap**2 * abs2(current.timelike)
    else:
        spin_0 = gap**2 / safe_q2 * abs2(m_f * current.timelike + 0.5 * safe_q2 * current.pseudoscalar)
    factor = jnp.where(inside, jnp.sqrt(lam * beta2) / (128.0 * jnp.pi**3 * m_b**3), 0.0)
    forward = jnp.zeros_like(factor)
    if current.scalar is not None:
        spin_0 = spin_0 + 0.25 * beta2 * safe_q2 * gap**2 * abs2(current.scalar)
        interference = jnp.real(current.vector * jnp.conj(current.scalar))
        forward = -0.5 * factor * m_f * jnp.sqrt(lam * beta2) * gap * interference
    rate = Rate(factor * (lam / 6.0 * spin_1 + spin_0), factor * (lam * r * abs2(current.vector) + spin_0), forward)
    if current.tensor is None:
        return rate
    return jax.tree.map(jnp.add, rate, tensor_rate(safe_q2, lam, m_f, gap, factor, current, *current.tensor))


def tensor_rate(
    q2: Array,
    lam: Array,
    m_f: Array | float,
    gap: Array | float,
    factor: Array,
    current: PairCurrent,
    t: Array,
    t5: Array,
) -> Rate:
    r"""What tensor operators add: λ { 4q²/3 [(1+8m²/q²)|F_T|² + β²|F_T5|²] + 4m Re F_VF_T* } in the braces of `pair_rate` (arXiv:1506.03970, arXiv:0709.4174).

    Flat part: λ { 4q² [|F_T|² + β²|F_T5|²] + 4m Re F_VF_T* }; forward minus backward: −β √λ (m_B²−m_P²) Re[q²F_TF_S* + F_T5(q²F_P + 2mF_0)*].
    flavio 2.7.1 has no tensors here, and in its general formula a factor of √2 less in the amplitude of F_T5.
    """
    beta2 = 1.0 - 4.0 * m_f**2 / q2
    scalar = jnp.zeros_like(t) if current.scalar is None else current.scalar
    timelike = 2.0 * m_f * current.timelike
    timelike = timelike if current.pseudoscalar is None else timelike + q2 * current.pseudoscalar
    interference = 4.0 * m_f * jnp.real(current.vector * jnp.conj(t))
    total = 4.0 / 3.0 * q2 * ((1.0 + 8.0 * m_f**2 / q2) * abs2(t) + beta2 * abs2(t5)) + interference
    flat = 4.0 * q2 * (abs2(t) + beta2 * abs2(t5)) + interference
    odd = jnp.real(q2 * t * jnp.conj(scalar) + t5 * jnp.conj(timelike))
    root = jnp.sqrt(lam * jnp.where(beta2 > 0.0, beta2, 1.0))
    return Rate(factor * lam * total, factor * lam * flat, -factor * root * gap * odd)


def with_form_factors(p: Theory, mode: str, f: PseudoscalarFormFactors, current: Current) -> PairCurrent:
    """A pseudoscalar sees the vector part of the quark current, the sum of both chiralities."""
    vector, axial, timelike = (c[LEFT] + c[RIGHT] for c in (current.vector, current.axial, current.timelike))
    spin_0 = lambda c: None if c is None else (c[LEFT] + c[RIGHT]) * f.zero
    vector = vector * f.plus
    if current.dipole is not None:
        tensor = 2.0 * p.sm.quark["mb_4.8"] / sum(meson_masses(p, mode)) * f.tensor
        vector = vector + (current.dipole[LEFT] + current.dipole[RIGHT]) * tensor
    tensor = None
    if current.tensor is not None:
        f_t = f.tensor / sum(meson_masses(p, mode))
        tensor = (current.tensor[0] * f_t, current.tensor[1] * f_t)
    scalar, pseudoscalar = spin_0(current.scalar), spin_0(current.pseudoscalar)
    return PairCurrent(vector, axial * f.plus, timelike * f.zero, scalar, pseudoscalar, tensor)


def pair_density(
    p: Theory, mode: str, m_f: Array | float, q2: ArrayLike, current: Callable[..., Current], *weak: Any
) -> PairRates:
    r"""`PairRates` of any pair of fermions at q².   [GeV⁻¹]

    Args     current(q², *weak): couplings of the pair; called once more with everything in `weak` conjugated
    Domain   4m_f² < q² < (m_B − m_P)²; exactly 0 with zero gradient outside
    """
    m_b, m_p = meson_masses(p, mode)
    q2 = jnp.asarray(q2)
    safe_q2 = jnp.where(inside_phase_space(q2, m_b, m_p, m_f), q2, 0.5 * (m_b - m_p) ** 2)
    f = b_to_p(p.sm, PSEUDOSCALARS[mode].transition, safe_q2)

    def rate(*weak: Any) -> Rate:
        return pair_rate(q2, m_b, m_p, m_f, with_form_factors(p, mode, f, current(safe_q2, *weak)))

    (b, b_bar), flat, forward = jax.vmap(rate, axis_size=2)(*with_conjugate(*weak))
    mean = lambda x: 0.5 * (x[DECAY] + x[CONJUGATE])
    return PairRates(0.5 * (b + b_bar), mean(flat), 0.5 * (b - b_bar), mean(forward))


def meson_masses(p: Theory, mode: str) -> tuple[Array | float, Array | float]:
    """Masses of the B meson and of the final meson of a mode.   [GeV]"""
    return p.sm.mass[PSEUDOSCALARS[mode].b], p.sm.mass[PSEUDOSCALARS[mode].final]


def subleading_c9(p: Theory, mode: str, q2: ArrayLike) -> Array:
    """Nuisance shift of C₉ with a K: a + b q² up to 9 GeV², c above 14 GeV² (centrally 0); none with a π."""
    if mode not in PSEUDOSCALAR:
        return jnp.zeros(jnp.shape(q2))
    names, prefix = p.sm.subleading, f"{PSEUDOSCALAR[mode].b}->{PSEUDOSCALAR[mode].final} deltaC9 "
    a, b, c = (names[f"{prefix}{x} Re"] + 1j * jnp.asarray(names[f"{prefix}{x} Im"]) for x in "abc")
    q2 = jnp.asarray(q2)
    return jnp.where(q2 <= 9.0, a + b * q2, jnp.where(q2 > 14.0, c, 0.0))


def density(p: Theory, mode: str, lepton: str, q2: ArrayLike, propagator: ArrayLike) -> PairRates:
    r"""`pair_density` of ℓ⁺ℓ⁻.   [GeV⁻¹]

    Args     q2 and the Z′ propagator P(q²) at it (given apart, because near the pole q² alone has lost the digits)
    Accuracy charm loops as at 22.9 GeV² above that, 1 % of B⁺ → π⁺ℓℓ at 25 GeV²
    Omits    weak annihilation and the ρ and ω of light-quark loops, which B⁺ → π⁺ℓℓ has without suppression by CKM below 2 GeV²
    """
    quarks = PSEUDOSCALARS[mode].quarks
    current = partial(lepton_current, p, lepton, propagator, shift=subleading_c9(p, mode, q2), quarks=quarks)
    return pair_density(p, mode, p.sm.mass[lepton], q2, current, *weak_inputs(p, quarks))


def differential(p: Theory, q2: Array | float, mode: str, lepton: str) -> PairRates:
    """`density` at q²."""
    return density(p, mode, lepton, q2, p.wilson.of(PSEUDOSCALARS[mode].quarks).propagator(q2))


def binned(p: Theory, q2min: Array | float, q2max: Array | float, mode: str, lepton: str) -> PairRates:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy relative 1e-6 (1e-5 in bins wider than 5 GeV², or with a narrow Z′ pole at an edge), limited by the kinks of the tables
    """
    ends = phase_space(p, mode, p.sm.mass[lepton])
    f = lambda q2, propagator: density(p, mode, lepton, q2, propagator)
    pole = p.wilson.of(PSEUDOSCALARS[mode].quarks).pole
    return integrate_pair(pole, f, (q2min, q2max), ends, photon=True)


def total(p: Theory, mode: str, lepton: str) -> PairRates:
    """`binned` over all of phase space.   [GeV]"""
    return binned(p, *phase_space(p, mode, p.sm.mass[lepton]), mode, lepton)


def phase_space(p: Theory, mode: str, m_f: Array | float) -> tuple[Array | float, Array | float]:
    """(4m_f², (m_B − m_P)²).   [GeV²]"""
    m_b, m_p = meson_masses(p, mode)
    return 4.0 * m_f**2, (m_b - m_p) ** 2
