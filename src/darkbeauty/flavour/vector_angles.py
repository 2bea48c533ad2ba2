r"""Angular coefficients of B → V and a pair of fermions from its amplitudes (arXiv:1506.03970, appendix C), with the signs of LHCb."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from darkbeauty.flavour.common import abs2

PERP, PARA, ZERO = range(3)
"""Places of A_⊥, A_∥, A_0 along the leading axis of amplitudes."""


class Amplitudes(NamedTuple):
    """A_⊥, A_∥, A_0 (leading axis) for the vector and axial current, the timelike amplitude with what a pseudoscalar adds to it, a scalar's, and H^T
    and H^{Tt} of a tensor, shape (2, 3, …)."""

    vector: Array
    axial: Array
    timelike: Array
    scalar: Array | None = None
    tensor: Array | None = None


class AngularCoefficients(NamedTuple):
    """dΓ/dq², its part with a longitudinal meson, the angular coefficients J_i, and J_6s + J_6c/2, which is 4/3 of forward minus backward."""

    rate: Array
    longitudinal: Array
    j2s: Array
    j2c: Array
    j3: Array
    j4: Array
    j5: Array
    j6s: Array
    j6c: Array
    forward: Array
    j7: Array
    j8: Array
    j9: Array


class VectorRates(NamedTuple):
    """CP averages, and half the CP differences.   [GeV⁻¹, integrated GeV]"""

    average: AngularCoefficients
    difference: AngularCoefficients


def angular_coefficients(a: Amplitudes, beta: Array, lightness: Array) -> AngularCoefficients:
    r"""dΓ/dq² and J_i without their common factor √λ β q²/(512π³m_B³).

    β² = 1 − 4m²/q², lightness m/√q²; for distinct fermions of mass m; for one decay, no CP average
    """
    j = of_spin_1(a, beta)
    if a.scalar is not None:
        j = jax.tree.map(jnp.add, j, of_scalar(a, a.scalar, beta, lightness))
    if a.tensor is not None:
        j = jax.tree.map(jnp.add, j, of_tensor(a, a.tensor[0], a.tensor[1], beta, lightness))
    return j


def of_spin_1(a: Amplitudes, beta: Array) -> AngularCoefficients:
    """`angular_coefficients` of vector, axial and timelike amplitudes."""
    v, x = a.vector, a.axial
    same = lambda i, j: v[i] * jnp.conj(v[j]) + x[i] * jnp.conj(x[j])
    mixed = lambda i, j: v[i] * jnp.conj(x[j]) + x[i] * jnp.conj(v[j])
    vv, perp, para, zero = abs2(v), *(abs2(v) + abs2(x))
    beta2, root_2 = beta**2, jnp.sqrt(2.0)
    total = lambda vector, both: (
        ((3.0 - 3.0 * beta2) * vector + 2.0 * beta2 * both + 3.0 * abs2(a.timelike)) * 4.0 / 3.0
    )
    j6s = 16.0 / 3.0 * beta * mixed(PERP, PARA).real
    return AngularCoefficients(
        rate=total(vv.sum(0), perp + para + zero),
        longitudinal=total(vv[ZERO], zero),
        j2s=2.0 / 3.0 * beta2 * (perp + para),
        j2c=-8.0 / 3.0 * beta2 * zero,
        j3=4.0 / 3.0 * beta2 * (perp - para),
        j4=4.0 / 3.0 * root_2 * beta2 * same(PARA, ZERO).real,
        j5=8.0 / 3.0 * root_2 * beta * mixed(PERP, ZERO).real,
        j6s=j6s,
        j6c=jnp.zeros_like(j6s),
        forward=j6s,
        j7=8.0 / 3.0 * root_2 * beta * mixed(PARA, ZERO).imag,
        j8=4.0 / 3.0 * root_2 * beta2 * same(0, 2).imag,
        j9=-8.0 / 3.0 * beta2 * same(0, 1).imag,
    )


def of_scalar(a: Amplitudes, s: Array, beta: Array, lightness: Array) -> AngularCoefficients:
    """What a scalar amplitude adds: a rate with longitudinal mesons, and, where leptons have mass, interference with the vector amplitudes."""
    nothing, rate = jnp.zeros_like(s.real), 4.0 * beta**2 * abs2(s)
    perp, para, zero = (beta * lightness * v * jnp.conj(s) for v in a.vector)
    j6c, root_2 = -64.0 / 3.0 * zero.real, jnp.sqrt(2.0)
    nowhere = dict.fromkeys(("j2s", "j2c", "j3", "j4", "j6s", "j8", "j9"), nothing)
    j5, j7 = 16.0 / 3.0 * root_2 * para.real, 16.0 / 3.0 * root_2 * perp.imag
    return AngularCoefficients(rate=rate, longitudinal=rate, j5=j5, j6c=j6c, forward=0.5 * j6c, j7=j7, **nowhere)


def of_tensor(a: Amplitudes, h: Array, ht: Array, beta: Array, lightness: Array) -> AngularCoefficients:
    r"""What tensor amplitudes H^T (h) and H^{Tt} (ht) add: in J₂ … J₉ they come as −2H^TH^T* − 4H^{Tt}H^{Tt}* where vectors have HH*."""
    beta2, root_2 = beta**2, jnp.sqrt(2.0)
    scalar = jnp.zeros_like(a.timelike) if a.scalar is None else a.scalar
    same = lambda i, j: -2.0 * h[i] * jnp.conj(h[j]) - 4.0 * ht[i] * jnp.conj(ht[j])
    perp, para, zero = (same(i, i).real for i in (PERP, PARA, ZERO))
    size = 8.0 / 3.0 * (beta2 * abs2(h) + 2.0 * (1.0 + 8.0 * lightness**2) * abs2(ht))
    size = size + 32.0 * lightness * (a.vector * jnp.conj(ht)).imag
    cross = lambda i, j: (a.axial[i] * jnp.conj(ht[j])).imag
    j6s = 64.0 / 3.0 * beta * lightness * (cross(PARA, PERP) + cross(PERP, PARA))
    spin_0 = root_2 * h[ZERO] * jnp.conj(a.timelike) + 2.0 * ht[ZERO] * jnp.conj(scalar)
    j6c = 32.0 / 3.0 * beta * spin_0.imag
    g = 8.0 / 3.0 * beta * _between_helicities(a, h, ht, scalar, lightness)
    return AngularCoefficients(
        rate=size.sum(0),
        longitudinal=size[ZERO],
        j2s=2.0 / 3.0 * beta2 * (perp + para),
        j2c=-8.0 / 3.0 * beta2 * zero,
        j3=4.0 / 3.0 * beta2 * (perp - para),
        j4=4.0 / 3.0 * root_2 * beta2 * same(PARA, ZERO).real,
        j5=g.real,
        j6s=j6s,
        j6c=j6c,
        forward=j6s + 0.5 * j6c,
        j7=g.imag,
        j8=4.0 / 3.0 * root_2 * beta2 * same(PERP, ZERO).imag,
        j9=-8.0 / 3.0 * beta2 * same(PERP, PARA).imag,
    )


def _between_helicities(a: Amplitudes, h: Array, ht: Array, scalar: Array, lightness: Array) -> Array:
    """What J₅ and J₇ are made of: tensors with spin 0, and with the axial amplitudes where leptons have mass."""
    plus, minus = (lambda x: x[PARA] + x[PERP]), (lambda x: x[PARA] - x[PERP])
    with_spin_0 = lambda s, x: s * jnp.conj(minus(x)) - plus(x) * jnp.conj(s)
    with_axial = plus(a.axial) * jnp.conj(ht[ZERO]) + ht[ZERO] * jnp.conj(minus(a.axial))
    with_axial = with_axial - plus(ht) * jnp.conj(a.axial[ZERO]) - a.axial[ZERO] * jnp.conj(minus(ht))
    root_2 = jnp.sqrt(2.0)
    return -1j * (with_spin_0(a.timelike, h) + root_2 * with_spin_0(scalar, ht) + 2.0 * root_2 * lightness * with_axial)
