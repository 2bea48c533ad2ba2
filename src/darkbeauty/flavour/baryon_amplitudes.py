r"""Transversity amplitudes of Λ_b → Λ or Λ*(1520) ℓ⁺ℓ⁻ from those of the currents of quarks, for massless leptons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.charm_loops import effective_coefficients
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.models.sectors import Theory


def transversity(
    p: Theory, q2: Array, propagator: ArrayLike, lepton: str, helicity: Sequence[Array]
) -> tuple[Array, Array]:
    r"""A_⊥ = √2 [C⁺ H^V − (2m_b/q²)(C₇+C₇′) H^T], A_∥ = −√2 [C⁻ H^A + (2m_b/q²)(C₇−C₇′) H^{T5}] without N, shape (2, 2, n, …) each.

    C^± = (C₉ ± C₉′) ∓′ (C₁₀ ± C₁₀′) with ∓′ = − for L and + for R. Axes: Λ_b and its antiparticle; left- and right-handed lepton current; helicities.
    Args     q2 and the Z′ propagator P(q²) at it; helicity: √2 H^V, √2 H^A, √2 H^T, √2 H^{T5}, shape (n, …) each
    """
    sm, i = p.sm, LEPTON_INDEX[lepton]
    ratio_u = sm.ckm.xi("u") / sm.ckm.xi("t")
    effective = effective_coefficients(sm, q2[None], jnp.stack([ratio_u, jnp.conj(ratio_u)]).reshape(2, *[1] * q2.ndim))
    shift = new_physics(p, q2, propagator, i)
    c9, c9p, c10, c10p = effective.c9 + shift.c9, shift.c9p, sm.wilson["C10"] + shift.c10, shift.c10p
    dipole = 2.0 * sm.quark["mb_4.8"] / q2[None]
    c7, c7p = dipole * (effective.c7 + shift.c7), dipole * (sm.wilson["C7effp"] + shift.c7p)
    h_v, h_a, h_t, h_t5 = helicity
    chiral = lambda vector, axial: jnp.stack([vector - axial, vector + axial], axis=1)[:, :, None]
    perp = chiral(c9 + c9p, c10 + c10p) * h_v[None, None] - (c7 + c7p)[:, None, None] * h_t[None, None]
    para = -chiral(c9 - c9p, c10 - c10p) * h_a[None, None] - (c7 - c7p)[:, None, None] * h_t5[None, None]
    return perp, para


class Shifts(NamedTuple):
    """C₉, C₉′, C₁₀, C₁₀′, C₇, C₇′ of a process and its CP conjugate, shape (2, …) or (2, 1, …) each."""

    c9: Array
    c9p: Array
    c10: Array
    c10p: Array
    c7: Array
    c7p: Array


def new_physics(p: Theory, q2: Array, propagator: ArrayLike, flavour: int) -> Shifts:
    """New physics in the coefficients of the process and of its CP conjugate."""
    wilsons = (p.wilson, p.wilson.conjugate())
    lepton = [w.lepton(name, flavour, propagator) for name in ("C9", "C9p", "C10", "C10p") for w in wilsons]
    dipole = [w.dipole(name) for name in ("C7", "C7p") for w in wilsons]
    values = jnp.stack(jnp.broadcast_arrays(*lepton, *dipole))
    return Shifts(*values.reshape(6, 2, *(values.shape[1:] or [1] * q2.ndim)))
