r"""B → V νν̄, V = K*, φ: Standard Model and Z′ penguin, with the amplitudes of `b_to_v_ll` for massless pairs."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.b_to_v_ll import Amplitudes, Current, Hadronic, amplitudes, pair_density, phase_space
from darkbeauty.flavour.common import integrate_pair, normalisation
from darkbeauty.models.base import LEPTONS, Model, Wilson


def density(p: Model, mode: str, q2: ArrayLike, propagator: ArrayLike) -> Array:
    r"""`pair_density` of νν̄ summed over flavours, shape (20, …).   [GeV⁻¹]

    A flavour is a pair of massless fermions with C₉ → C_L, C₁₀ → −C_L, primes: C_R; C_L(SM) = −(X_t/s_W²) α(M_Z)/α(4.8 GeV).
    """
    sm = p.sm
    c_sm = -sm.nunu["Xt"] / sm.coupling["s2w"] * sm.coupling["alpha_e_MZ"] / sm.coupling["alpha_e_4.8"]

    def flavour(index: Array) -> Array:
        def build(f: Hadronic, w: Wilson, ratio_u: Array) -> Amplitudes:
            couplings = (c_sm + w.lepton("CL", index, propagator), w.lepton("CR", index, propagator))
            vector = normalisation(p) * jnp.stack([jnp.broadcast_to(c, f.q2.shape) for c in couplings])
            return amplitudes(f, 0.0, Current(vector, -vector, jnp.zeros_like(vector), -vector))

        return pair_density(p, mode, 0.0, q2, build)

    return jax.vmap(flavour)(jnp.arange(len(LEPTONS))).sum(0)


def differential(p: Model, q2: ArrayLike, mode: str) -> Array:
    """`density` at q², shape (20,)."""
    return density(p, mode, q2, p.wilson().propagator(q2))


def binned(p: Model, q2min: ArrayLike, q2max: ArrayLike, mode: str) -> Array:
    """∫ density dq² over the part of the bin inside phase space, shape (20,).   [GeV]"""
    ends = phase_space(p, mode, 0.0)
    return integrate_pair(p, lambda q2, pole: density(p, mode, q2, pole), (q2min, q2max), ends, photon=False)


def total(p: Model, mode: str) -> Array:
    """∫ density dq² over all of phase space, shape (20,).   [GeV]"""
    return binned(p, *phase_space(p, mode, 0.0), mode)
