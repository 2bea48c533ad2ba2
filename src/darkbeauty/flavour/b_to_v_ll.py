r"""B → V and a pair of fermions, V = K*, φ: one amplitude code for ℓ⁺ℓ⁻, νν̄, Majorana NN and the Z′ on its mass shell.

The pair enters through its `Current`. Amplitudes carry the polarisation of V: perpendicular, parallel,
longitudinal (A_⊥, A_∥, A_0, with H_± = (A_∥ ± A_⊥)/√2), in units of i times the CKM phase of N. Formulas: arXiv:1506.03970, section 2 and
appendix C, for equal masses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour import meson_mixing
from darkbeauty.flavour.charm_loops import interpolate
from darkbeauty.flavour.common import (
    CONJUGATE,
    DECAY,
    LEFT,
    RIGHT,
    abs2,
    inside_phase_space,
    integrate_pair,
    kallen,
    normalisation,
    weak_inputs,
    with_conjugate,
)
from darkbeauty.flavour.currents import Current, lepton_current
from darkbeauty.flavour.form_factors import b_to_v
from darkbeauty.flavour.modes import VECTOR, VECTORS
from darkbeauty.flavour.vector_angles import (
    Amplitudes,
    AngularCoefficients,
    VectorRates,
    angular_coefficients,
)
from darkbeauty.inputs import SMInputs
from darkbeauty.inputs.sm import Spectator
from darkbeauty.models.sectors import Theory, Wilson

SPECTATOR_END, LOW_RECOIL_START, LARGE_RECOIL_END = 8.9, 14.0, 9.0


class Hadronic(NamedTuple):
    """What multiplies the couplings in A_⊥, A_∥, A_0 (leading axis; dipole = m_b tensor) and in the timelike amplitude (per fermion mass); q² and masses."""

    q2: Array
    m_b: ArrayLike
    root_lambda: Array
    current: Array
    dipole: Array
    timelike: Array
    tensor: Array


# -- amplitudes ------------------------------------------------------------------------------------------------------------------------


def hadronic(sm: SMInputs, mode: str, q2: Array) -> Hadronic:
    r"""Form factors as they enter the amplitudes.

    current: √λ V/(√2(m_B+m_V)), −(m_B+m_V) A₁/√2, 4m_Bm_V A₁₂/√q²      dipole: √2 m_b √λ T₁/q², −√2 m_b (m_B²−m_V²) T₂/q²,
    4m_Bm_V m_b T₂₃/((m_B+m_V)√q²)      timelike: √λ A₀/q²
    """
    m_b, m_v = sm.mass[VECTORS[mode].b], sm.mass[VECTORS[mode].final]
    f = b_to_v(sm, VECTORS[mode].transition, q2)
    root_lambda = jnp.sqrt(kallen(m_b**2, m_v**2, q2))
    root_2, plus, m_q = jnp.sqrt(2.0), m_b + m_v, sm.quark["mb_4.8"]
    long = 4.0 * m_b * m_v / jnp.sqrt(q2)
    current = [root_lambda * f.v / (root_2 * plus), -plus * f.a1 / root_2, long * f.a12]
    dipole = [
        root_2 * root_lambda * f.t1 / q2,
        -root_2 * (m_b**2 - m_v**2) * f.t2 / q2,
        long * f.t23 / plus,
    ]
    tensor = jnp.stack(dipole)
    return Hadronic(q2, m_b, root_lambda, jnp.stack(current), m_q * tensor, root_lambda * f.a0 / q2, tensor)


def amplitudes(f: Hadronic, m_f: Array | float, current: Current) -> Amplitudes:
    """A_⊥ goes with the sum of both quark chiralities, A_∥, A_0, the timelike and the scalar amplitude with their difference."""
    odd = lambda c: c[LEFT] - c[RIGHT]
    total = lambda c: jnp.stack([c[LEFT] + c[RIGHT], odd(c), odd(c)])
    vector, timelike = total(current.vector) * f.current, m_f * odd(current.timelike)
    if current.pseudoscalar is not None:
        timelike = timelike + 0.5 * f.q2 * odd(current.pseudoscalar)
    return Amplitudes(
        vector if current.dipole is None else vector + total(current.dipole) * f.dipole,
        total(current.axial) * f.current,
        timelike * f.timelike,
        None if current.scalar is None else 0.5 * f.q2 * odd(current.scalar) * f.timelike,
        None if current.tensor is None else tensor_amplitudes(f, *current.tensor),
    )


def tensor_amplitudes(f: Hadronic, t: Array, t5: Array) -> Array:
    r"""H^T and H^{Tt} of a pair f̄σ_ijf and f̄σ_0if, shape (2, 3, …): −i√q² (√2 (C_T5, C_T, C_T), (C_T, C_T5, C_T5)) times √2 √λ T₁/q² and so on, as in `hadronic`."""
    magnetic, electric = jnp.stack([t5, t, t]), jnp.stack([t, t5, t5])
    both = jnp.stack([jnp.sqrt(2.0) * magnetic, electric])
    return -1j * jnp.sqrt(f.q2) * both * f.tensor[None]


def non_factorisable(p: Theory, mode: str, f: Hadronic, w: Wilson, ratio_u: Array) -> Array:
    """What ℓ⁺ℓ⁻ has beside its `Current`, in the vector amplitudes: spectator scattering and the subleading nuisances."""
    return normalisation(p) * (spectator_scattering(p.sm, mode, f.q2, ratio_u) + subleading(p.sm, mode, f))


def spectator_scattering(sm: SMInputs, mode: str, q2: Array, ratio_u: Array) -> Array:
    """QCD-factorisation amplitudes (weak annihilation, O₈, quark loops) below 8.9 GeV², in units of iN, linear between knots."""
    table = _spectator_table(sm, mode)
    columns = (table.minus_t, table.minus_u, table.zero_t, table.zero_u)
    minus_t, minus_u, zero_t, zero_u = interpolate(q2, table.q2, columns)
    minus = (minus_t + ratio_u * minus_u) / (jnp.sqrt(2.0) * q2)
    zero = (zero_t + ratio_u * zero_u) / jnp.sqrt(q2)
    return jnp.where(q2 < SPECTATOR_END, jnp.stack([-minus, minus, zero]), 0.0)


def _spectator_table(sm: SMInputs, mode: str) -> Spectator:
    return sm.spectator[f"{VECTOR[mode].b}->{VECTOR[mode].final}"]


def subleading(sm: SMInputs, mode: str, f: Hadronic) -> Array:
    r"""Nuisance amplitudes (centrally 0) in units of iN.

    Below 9 GeV²: C₇ shifted by (a + b q²/m_B²) m_B/2m_b in H_0 and H_−, C₇′ in H_+. Above 14 GeV²: C₉ shifted by c in each helicity.
    """
    prefix = f"{VECTOR[mode].b}->{VECTOR[mode].final}"
    number = lambda name: sm.subleading[f"{prefix} {name} Re"] + 1j * jnp.asarray(sm.subleading[f"{prefix} {name} Im"])
    x = f.q2 / f.m_b**2
    linear = lambda c, h: (number(f"{c} a_{h}") + number(f"{c} b_{h}") * x) * f.m_b / (2.0 * sm.quark["mb_4.8"])
    plus, minus = linear("delta_C7p", "+"), linear("delta_C7", "-")
    perp, para, zero = f.dipole
    low = jnp.stack(
        [
            0.5 * (plus + minus) * (perp - para),
            0.5 * (minus - plus) * (para - perp),
            linear("delta_C7", "0") * zero,
        ]
    )
    c_0, c_plus, c_minus = (number(f"deltaC9 c_{h}") for h in "0+-")
    even, odd = 0.5 * (c_plus + c_minus), 0.5 * (c_plus - c_minus)
    perp, para, zero = f.current
    high = jnp.stack([even * perp + odd * para, even * para + odd * perp, c_0 * zero])
    return jnp.where(f.q2 <= LARGE_RECOIL_END, low, jnp.where(f.q2 > LOW_RECOIL_START, high, 0.0))


# -- rates -----------------------------------------------------------------------------------------------------------------------------


def pair_density(
    p: Theory,
    mode: str,
    m_f: Array | float,
    q2: ArrayLike,
    current: Callable[..., Current],
    *weak: Any,
    beside: Callable[..., Array] | None = None,
) -> VectorRates:
    r"""`VectorRates` of any pair of fermions at q².   [GeV⁻¹]

    Args     current(q², *weak): couplings of the pair; called once more with everything in `weak` conjugated;
             beside(hadronic, *weak): amplitudes of the vector current to be added
    B_s      averages are integrated over the decay time, untagged (arXiv:1502.05509, eqs. 42, 48); differences are those without B_s mixing
    Domain   4m_f² < q² < (m_B − m_V)²; exactly 0 with zero gradient outside
    """
    m_b, m_v = p.sm.mass[VECTORS[mode].b], p.sm.mass[VECTORS[mode].final]
    q2 = jnp.asarray(q2)
    inside = inside_phase_space(q2, m_b, m_v, m_f)
    q2 = jnp.where(inside, q2, 0.5 * (m_b - m_v) ** 2)
    f, beta = hadronic(p.sm, mode, q2), jnp.sqrt(jnp.where(inside, 1.0 - 4.0 * m_f**2 / q2, 1.0))

    def decay(*weak: Any) -> Amplitudes:
        a = amplitudes(f, m_f, current(q2, *weak))
        return a if beside is None else a._replace(vector=a.vector + beside(f, *weak))

    both = jax.vmap(decay, axis_size=2)(*with_conjugate(*weak))
    coefficients = jax.vmap(partial(angular_coefficients, beta=beta, lightness=m_f / jnp.sqrt(q2)))
    factor = jnp.where(inside, f.root_lambda * beta * q2 / (512.0 * jnp.pi**3 * f.m_b**3), 0.0)
    if VECTORS[mode].b == "Bs":
        j, average = with_meson_mixing(p, both, coefficients)
    else:
        j = coefficients(both)
        average = jax.tree.map(lambda j: 0.5 * (j[DECAY] + j[CONJUGATE]), j)
    return VectorRates(
        jax.tree.map(lambda j: factor * j, average),
        jax.tree.map(lambda j: factor * (0.5 * (j[DECAY] - j[CONJUGATE])), j),
    )


def with_meson_mixing(
    p: Theory, both: Amplitudes, coefficients: Callable[[Amplitudes], AngularCoefficients]
) -> tuple[AngularCoefficients, AngularCoefficients]:
    r"""J of the two CP-conjugate decays (leading axis), and ½[J + J̄ − y h]/(1 − y²), y = ΔΓ/2Γ.

    h is the interference of B̄_s → f with B_s → B̄_s → f: J is quadratic in the amplitudes, so h = J[A + Ã] − J[A] − J[Ã], where Ã is
    the conjugate decay into the same final state (A_⊥, the scalar amplitude, and of H^T all but H_⊥ change sign) times the mixing phase.
    """
    phase = meson_mixing_phase(p)
    sign = phase * jnp.array([-1.0, 1.0, 1.0]).reshape((3,) + (1,) * (both.vector.ndim - 2))
    decay, conjugate = (jax.tree.map(lambda leaf, k=k: leaf[k], both) for k in (DECAY, CONJUGATE))
    scalar = None if conjugate.scalar is None else -phase * conjugate.scalar
    tensor = None if conjugate.tensor is None else jnp.stack([-sign * conjugate.tensor[0], sign * conjugate.tensor[1]])
    tilde = Amplitudes(sign * conjugate.vector, sign * conjugate.axial, phase * conjugate.timelike, scalar, tensor)
    interfering = jax.tree.map(jnp.add, decay, tilde)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), decay, conjugate, tilde, interfering)
    every = coefficients(stacked)
    y = 0.5 * p.sm.lifetime["DeltaGamma/Gamma_Bs"]
    average = lambda j, j_bar, j_tilde, j_sum: 0.5 * (j + j_bar - y * (j_sum - j - j_tilde)) / (1.0 - y**2)
    return jax.tree.map(lambda j: j[:2], every), jax.tree.map(lambda j: average(*j), every)


def meson_mixing_phase(p: Theory) -> Array:
    r"""Weak phase between B̄_s → f and B_s → B̄_s → f for an amplitude with the phase of ξ_t: M₁₂/M₁₂(SM) over its modulus, so 1 in the SM.

    The branch with a positive real part, as ΔΓ_s > 0 (heavy state longer-lived) is measured. flavio 2.7.1 has q/p in place of its conjugate
    here, which leaves exp(−4i arg(−ξ_t)) = exp(0.072i) in the SM and depends on the phase convention.
    """
    sm_part = meson_mixing.sm_coefficient(p, "Bs")
    ratio = (sm_part + p.wilson.meson_mixing_of("bs")) / sm_part
    ratio = jnp.where(ratio.real < 0.0, -ratio, ratio)
    size = abs2(ratio)
    return jnp.where(size > 0.0, ratio / jnp.sqrt(jnp.where(size > 0.0, size, 1.0)), 1.0)


# -- observables -----------------------------------------------------------------------------------------------------------------------


def phase_space(p: Theory, mode: str, m_f: Array | float) -> tuple[Array | float, Array | float]:
    """(4m_f², (m_B − m_V)²).   [GeV²]"""
    return 4.0 * m_f**2, (p.sm.mass[VECTORS[mode].b] - p.sm.mass[VECTORS[mode].final]) ** 2


def density(p: Theory, mode: str, lepton: str, q2: ArrayLike, propagator: ArrayLike) -> VectorRates:
    r"""`pair_density` of ℓ⁺ℓ⁻.   [GeV⁻¹]

    Args     q2 and the Z′ propagator P(q²) at it (given apart, because near the pole q² alone has lost the digits)
    """
    current = partial(lepton_current, p, lepton, propagator)
    beside = partial(non_factorisable, p, mode)
    return pair_density(p, mode, p.sm.mass[lepton], q2, current, *weak_inputs(p), beside=beside)


def differential(p: Theory, q2: Array | float, mode: str, lepton: str) -> VectorRates:
    """`density` at q²."""
    return density(p, mode, lepton, q2, p.wilson.propagator(q2))


def binned(p: Theory, q2min: Array | float, q2max: Array | float, mode: str, lepton: str) -> VectorRates:
    """∫ density dq² over the part of the bin inside phase space.   [GeV]

    Accuracy relative 1e-6 (1e-5 in bins wider than 5 GeV²), limited by kinks of the tables; their strongest, where spectator scattering
             leaves its first knots, is a panel edge
    """
    ends = phase_space(p, mode, p.sm.mass[lepton])
    kink = _spectator_table(p.sm, mode).q2[1]
    f = lambda q2, propagator: density(p, mode, lepton, q2, propagator)
    return integrate_pair(p.wilson.pole, f, (q2min, kink, q2max), ends, photon=True)


def total(p: Theory, mode: str, lepton: str) -> VectorRates:
    """`binned` over all of phase space.   [GeV]"""
    return binned(p, *phase_space(p, mode, p.sm.mass[lepton]), mode, lepton)
