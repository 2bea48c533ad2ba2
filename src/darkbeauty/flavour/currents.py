r"""What a pair of fermions couples to in b → s and b → d: the one input in which ℓ⁺ℓ⁻, νν̄, dark matter and a Z′ differ from each other.

All couplings are coefficients of [s̄γ^μP_{L,R}b][f̄γ_μ(1, γ₅)f] without the CKM phase of the Standard Model, which the amplitudes factor out.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.charm_loops import effective_coefficients
from darkbeauty.flavour.common import normalisation
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.models.sectors import TENSOR, Theory, Wilson, ZPrime


class Current(NamedTuple):
    """Couplings of a pair [GeV⁻²]; the leading axis of size 2 is the chirality of the quarks, left (unprimed) and right (primed).

    timelike is the axial coupling of the spin-0 part of the pair; dipole multiplies m_b σ^μν q_ν/q² as C₇ does; scalar and pseudoscalar [GeV⁻³] are those of
    m_b (s̄P_{R,L}b)(f̄(1, γ₅)f), the unprimed one, with P_R, first; tensor those of [s̄σ^μνb][f̄σ_μν(1, γ₅)f]; None where there is none.
    """

    vector: Array
    axial: Array
    timelike: Array
    dipole: Array | None = None
    scalar: Array | None = None
    pseudoscalar: Array | None = None
    tensor: Array | None = None


def lepton_current(
    p: Theory,
    lepton: str,
    propagator: ArrayLike,
    q2: Array,
    w: Wilson,
    ratio_u: ArrayLike,
    shift: ArrayLike = 0.0,
    quarks: str = "bs",
) -> Current:
    """ℓ⁺ℓ⁻: Standard Model with non-local effects, and new physics.

    Args     propagator: P(q²) of the Z′; w, ratio_u: Wilson coefficients and ξ_u/ξ_t, conjugated for the CP-conjugate decay;
             shift: added to C₉
    Omits    m_d: b → d has no right-handed dipole in the Standard Model
    """
    sm, i = p.sm, LEPTON_INDEX[lepton]
    effective = effective_coefficients(sm, q2, ratio_u)
    new = lambda name: w.lepton(name, i, propagator)
    pair = partial(_pair, p, q2, quarks=quarks)
    spin_0 = lambda name: pair(new(name), new(f"{name}p")) if w.fills(name, f"{name}p") else None
    right_dipole = sm.wilson["C7effp"] if quarks == "bs" else 0.0
    axial = pair(sm.wilson["C10"] + new("C10"), new("C10p"))
    return Current(
        vector=pair(effective.c9 + new("C9") + shift, new("C9p")),
        axial=axial,
        timelike=axial,
        dipole=pair(effective.c7 + w.dipole("C7"), right_dipole + w.dipole("C7p")),
        scalar=spin_0("CS"),
        pseudoscalar=spin_0("CP"),
        tensor=pair(new("CT"), new("CT5")) if w.fills(*TENSOR) else None,
    )


def neutrino_current(
    p: Theory, flavour: int | Array, propagator: ArrayLike, q2: Array, w: Wilson, quarks: str = "bs"
) -> Current:
    """νν̄ of one flavour: C₉ → C_L, C₁₀ → −C_L, primes: C_R; C_L(SM) = −(X_t/s_W²) α(M_Z)/α(4.8 GeV)."""
    coupling = p.sm.coupling
    c_sm = -p.sm.nunu["Xt"] / coupling["s2w"] * coupling["alpha_e_MZ"] / coupling["alpha_e_4.8"]
    left = _pair(p, q2, c_sm + w.lepton("CL", flavour, propagator), w.lepton("CR", flavour, propagator), quarks)
    return Current(left, -left, -left)


def violating_neutrino_current(p: Theory, pair: int, q2: Array, w: Wilson) -> Current:
    """Two different neutrinos, which the Standard Model does not make; pair: its place in `Wilson.violating_neutrinos`."""
    left = _pair(p, q2, *w.violating_neutrinos()[pair])
    return Current(left, -left, -left)


def majorana_current(p: Theory, propagator: Array | float, q2: Array, coupling: Array) -> Current:
    """N_ℓN_ℓ: axial, G = coupling · P(q²); its spin-0 part times 1 − q²/m² from the unitary-gauge propagator (printed: vector)."""
    axial = _on_chirality(p.z_prime, coupling * propagator * jnp.ones_like(q2))
    if p.convention == "printed":
        return Current(axial, 0.0 * axial, 0.0 * axial)
    return Current(0.0 * axial, axial, axial * (1.0 - q2[None] / p.z_prime.mass**2))


def vector_current(p: Theory, q2: Array, coupling: Array) -> Current:
    """A vector coupling to the quarks that the loop involves, as of an on-shell Z′."""
    vector = _on_chirality(p.z_prime, coupling * jnp.ones_like(q2))
    return Current(vector, 0.0 * vector, 0.0 * vector)


def weak_phase(p: Theory, quarks: str) -> Array:
    """ξ_t*/|ξ_t|: phase of a real coupling of new physics in a `Current`, where the CKM phase of the Standard Model is factored out."""
    xi = p.sm.ckm.xi("t", quarks)
    return jnp.conj(xi) / jnp.abs(xi)


def _pair(p: Theory, q2: Array, left: ArrayLike, right: ArrayLike, quarks: str = "bs") -> Array:
    """N times two Wilson coefficients, shape (2, …)."""
    return normalisation(p, quarks) * jnp.stack(
        [jnp.broadcast_to(jnp.asarray(c, complex), q2.shape) for c in (left, right)]
    )


def _on_chirality(z_prime: ZPrime, coupling: Array) -> Array:
    """A coupling on the chirality of the quarks that the Z′ couples to, 0 on the other, shape (2, …)."""
    both = [coupling, jnp.zeros_like(coupling)]
    return jnp.stack(both if z_prime.chirality == "L" else both[::-1])
