r"""e⁺e⁻ → μ⁺μ⁻, τ⁺τ⁻ above the Z with a Z′: the LEP-II test of the product of two couplings."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.leptonic.exchange import amplitudes
from darkbeauty.models.sectors import LEPTONS, E, Theory


def ratio_to_sm(p: Theory, energy: ArrayLike, flavour: str) -> Array:
    r"""σ/σ_SM of e⁺e⁻ → ℓ⁺ℓ⁻ at a centre-of-mass energy [GeV], flavour = "mu" or "tau".   [1]

    σ ∝ |A_LL|² + |A_RR|² + 2|A_LR|² with the A_ij(s) of `exchange`.
    Domain   any m_zp, also below the energy; √s a few GeV off the Z
    Accuracy as in Bhabha scattering: tree level in the ratio; nothing of radiative return
    """
    total = lambda product: jnp.add(*_hands(p, energy, product))
    return total(_product(p, flavour)) / total(0.0)


def asymmetry(p: Theory, energy: ArrayLike, flavour: str) -> Array:
    r"""Forward-backward asymmetry of e⁺e⁻ → ℓ⁺ℓ⁻: ¾ (|A_LL|² + |A_RR|² − 2|A_LR|²)/(|A_LL|² + |A_RR|² + 2|A_LR|²).   [1]

    Accuracy tree level: 0.001 to 0.002 below the Standard Model of LEP (s′/s > 0.85) at 183 to 207 GeV
    """
    same, opposite = _hands(p, energy, _product(p, flavour))
    return 0.75 * (same - opposite) / (same + opposite)


def _product(p: Theory, flavour: str) -> Array:
    """c_ec_ℓ, without the absorptive parts of loops."""
    return p.z_prime.lepton[E].real * p.z_prime.lepton[LEPTONS.index(flavour)].real


def _hands(p: Theory, energy: ArrayLike, product: ArrayLike) -> tuple[Array, Array]:
    """What goes with (1 + cos θ)², and what with (1 − cos θ)²."""
    a = amplitudes(p, jnp.asarray(energy, float) ** 2, product, p.z_prime.pole.m_gamma)
    return jnp.abs(a.left) ** 2 + jnp.abs(a.right) ** 2, 2.0 * jnp.abs(a.crossed) ** 2
