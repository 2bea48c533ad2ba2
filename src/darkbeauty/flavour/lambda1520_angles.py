r"""The angular distribution of Λ_b → Λ*(1520)(→ pK⁻) ℓ⁺ℓ⁻, at a point or with any of its angles integrated.

d⁴Γ/(dq² dcosθ_ℓ dcosθ_Λ dφ) = (3/8π) Σ_i K_i(q²) ℓ_i(θ_ℓ) h_i(θ_Λ) a_i(φ)   (arXiv:1903.00448, eq. 4.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.lambdab_to_lambda1520_ll import AngularCoefficients, differential
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.quadrature import legendre_rule

Angle = Array | float | tuple[Array | float, Array | float] | Literal["all"]
ANGLE_NODES = 24


def lepton_factors(theta: ArrayLike) -> Array:
    """ℓ_i(θ_ℓ), shape (12, …)."""
    c, s = jnp.cos(theta), jnp.sin(theta)
    return jnp.stack([c, c * c, s * s, c, c * c, s * s, s * s, s * s, s, s * c, s, s * c])


def hyperon_factors(theta: ArrayLike) -> Array:
    """h_i(θ_Λ), shape (12, …)."""
    c, s = jnp.cos(theta), jnp.sin(theta)
    return jnp.stack([c * c] * 3 + [s * s] * 5 + [s * c] * 4)


def azimuth_factors(phi: ArrayLike, printed: bool = False) -> Array:
    """a_i(φ), shape (12, …); printed: with cos φ instead of cos² φ beside K3ss."""
    c, s = jnp.cos(phi), jnp.sin(phi)
    return jnp.stack([jnp.ones_like(c)] * 6 + [c if printed else c * c, s * c, c, c, s, s])


def distribution(
    k: AngularCoefficients, cos_l: Angle = "all", cos_lambda: Angle = "all", phi: Angle = "all", printed: bool = False
) -> Array:
    r"""The distribution in the angles given as numbers, the others integrated.   [unit of k]

    Args     each angle: a number; a pair (lo, hi), integrated over this range; "all", over its whole range;
             printed: 3/8 and cos φ beside K3ss, as in the slides: no longer a distribution whose integral is dΓ/dq²
    Domain   −1 ≤ cos θ ≤ 1, 0 ≤ φ ≤ 2π (any φ: periodic)
    Accuracy Gauss–Legendre in the angles themselves, exact to rounding
    """
    polar = (-1.0, 1.0)
    parts = (
        _factor(lepton_factors, cos_l, polar, jnp.arccos),
        _factor(hyperon_factors, cos_lambda, polar, jnp.arccos),
        _factor(partial(azimuth_factors, printed=printed), phi, (0.0, 2.0 * math.pi), None),
    )
    prefactor = 0.375 if printed else 0.375 / math.pi
    return prefactor * jnp.sum(jnp.stack(k) * parts[0] * parts[1] * parts[2])


def _factor(
    function: Callable[[ArrayLike], Array],
    angle: Angle,
    whole: tuple[float, float],
    from_cosine: Callable[[ArrayLike], Array] | None,
) -> Array:
    """Factors at an angle, or integrated over a range of its cosine (from_cosine) or of itself; shape (12,)."""
    value = whole if isinstance(angle, str) else angle
    if not isinstance(value, tuple):
        return function(from_cosine(value) if from_cosine else value)
    ends = value if from_cosine is None else (from_cosine(value[1]), from_cosine(value[0]))
    theta, weight = legendre_rule(*ends, ANGLE_NODES)
    return function(theta) @ (weight if from_cosine is None else weight * jnp.sin(theta))


def four_fold(
    p: Theory,
    q2: Array | float,
    cos_l: Angle,
    cos_lambda: Angle,
    phi: Angle,
    lepton: str = "mu",
    ff: str = "LatticeQCD",
) -> Array:
    """d⁴B/(dq² dcosθ_ℓ dcosθ_Λ dφ), CP-averaged; any angle may be a range or "all", as in `distribution`.   [GeV⁻²]"""
    k = differential(p, q2, lepton, ff).average
    return p.sm.lifetime["Lambdab"] * distribution(k, cos_l, cos_lambda, phi, p.convention == "printed")
