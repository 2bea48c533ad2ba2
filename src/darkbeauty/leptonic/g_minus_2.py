r"""Anomalous magnetic moments of e and μ from a Z′ with vector couplings."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import LEPTONS, Theory

_STEP = 0.3
_LOGIT = _STEP * np.arange(-100, 121)
_Z, _REST = 1.0 / (1.0 + np.exp(_LOGIT)), 1.0 / (1.0 + np.exp(-_LOGIT))
_WEIGHT = _STEP * _Z**2 * _REST**3


def loop(x: ArrayLike) -> Array:
    r"""I(x) = ∫₀¹ dz z(1−z)²/((1−z)² + x z), x = m_Z′²/m_f²: ½ for x → 0, 1/(3x) for x → ∞.

    In ln((1−z)/z) the integrand is analytic in a strip of half-width ≥ π/2 for every x, so the trapezoidal rule converges exponentially.
    Shape of x; domain 1e-12 ≤ x ≤ 1e20; accuracy 1e-10 relative.
    """
    x = jnp.asarray(x, float)[..., None]
    z, rest, weight = (row.reshape((1,) * (x.ndim - 1) + (-1,)) for row in (_Z, _REST, _WEIGHT))
    return jnp.sum(weight / (rest**2 + x * z), axis=-1)


def a_lepton(p: Theory, flavour: str) -> Array:
    r"""Δa_f = (c²/4π²) I(m²/m_f²), c the vector coupling of f = e, μ or τ, kinetic mixing included.   [1]

    c²/8π² for m ≪ m_f and c² m_f²/12π²m² for m ≫ m_f. Source: J.P. Leveille, Nucl. Phys. B137 (1978) 63. Omits   leptoquarks (they couple to no
    charged lepton) and the inert doublet.
    """
    coupling = p.z_prime.lepton[LEPTONS.index(flavour)].real
    return coupling**2 / (4.0 * jnp.pi**2) * loop((p.z_prime.mass / p.sm.mass[flavour]) ** 2)
