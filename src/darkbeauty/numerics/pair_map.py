r"""A variable for the invariant mass squared s of a pair of fermions in which decay rates are smooth: at both thresholds and at poles.

Rates begin and end like powers of √(s − s_min) and √(s_max − s), may contain a photon pole 1/s, and a propagator 1/(s − m² + imΓ) as
narrow as Γ/m = 10⁻⁷. Each is removed by a change of variables, after which few Gauss–Legendre nodes are enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.numerics.quadrature import gauss_legendre


class ResonanceRule(NamedTuple):
    """∫ f(s, P(s)) ds ≈ Σ weight · f(s, propagator) with propagator = 1/(s − m² + imΓ)."""

    s: Array
    propagator: Array
    weight: Array


class PairMap(NamedTuple):
    r"""s(x), increasing: s = s_min + 2 half sin²(θ/2), θ = w sinh ξ (θ = ξ without a photon pole), ξ = c + v sinh x (ξ = x without a propagator).

    θ makes both thresholds smooth. s(θ = iw) = 0 is the photon pole: 1/s is smooth in ξ, and nodes are even in ln s. c ± iv is the position
    of the propagator's pole in ξ: nodes are even in the logarithm of the distance from it, down to its width.
    """

    s_min: Array
    half: Array
    is_open: Array
    w: Array | None = None
    theta_pole: Any = None
    xi_pole: Array | None = None

    def x(self, s: Array | float) -> Array:
        """x at s; an end of phase space (or anything outside) has zero gradient."""
        x = _angle((s - self.s_min) / (2.0 * self.half))
        if self.w is not None:
            x = jnp.arcsinh(x / self.w)
        if self.xi_pole is not None:
            x = jnp.arcsinh((x - self.xi_pole.real) / jnp.abs(self.xi_pole.imag))
        return x

    def at(self, x: Array) -> ResonanceRule:
        """s, the propagator there (0 without one) and ds/dx at x."""
        jacobian, offset = self.half, jnp.zeros(())
        if self.xi_pole is not None:
            width = jnp.abs(self.xi_pole.imag)
            offset, jacobian = width * jnp.sinh(x), jacobian * width * jnp.cosh(x)
            x = self.xi_pole.real + offset
        theta = x
        if self.w is not None:
            theta, jacobian = self.w * jnp.sinh(x), jacobian * self.w * jnp.cosh(x)
        s = self.s_min + 2.0 * self.half * jnp.sin(0.5 * theta) ** 2
        weight = jnp.where(self.is_open, jacobian * jnp.sin(theta), 0.0)
        return ResonanceRule(s, self._propagator(x, theta, offset), weight)

    def rule(self, edges: Sequence[Array | float] | Array, n: int, close: float = 0.0) -> ResonanceRule:
        """Composite Gauss–Legendre rule of the part of a bin inside phase space.

        Args     edges: lower end of the bin, points where the integrand has a kink (moved to the ends if outside), upper end;
                 close: distance in ξ from the propagator's pole, up to which it gets panels of its own
        Returns  n nodes per panel; all weights 0 if phase space is closed
        Accuracy with mΓ/m² ≥ 1e-8, relative to the scale of the integral: 1e-9 for n = 32, 3e-7 for n = 24 and close = 0.3 with a photon pole
        """
        x = jnp.stack([self.x(s) for s in edges])
        x = jnp.clip(x, x[0], jnp.maximum(x[-1], x[0]))
        if self.xi_pole is not None:
            cuts = jnp.arcsinh(jnp.array([-close, 0.0, close] if close else [0.0]) / jnp.abs(self.xi_pole.imag))
            x = jnp.sort(jnp.append(x, jnp.clip(cuts, x[0], x[-1])))
        nodes, weights = gauss_legendre(n)
        step = 0.5 * (x[1:] - x[:-1])[:, None]
        rule = self.at((x[:-1, None] + step * (1.0 + nodes)[None]).ravel())
        return rule._replace(weight=(step * weights[None]).ravel() * rule.weight)

    def _propagator(self, xi: Array, theta: Array, offset: Array) -> Array:
        """From s − m² + imΓ as a product of distances, because the difference has no digits left near the pole."""
        if self.xi_pole is None:
            return jnp.zeros(())
        near = offset - 1j * self.xi_pole.imag
        if self.w is not None:
            near = 2.0 * self.w * jnp.cosh(0.5 * (xi + self.xi_pole)) * jnp.sinh(0.5 * near)
        return 1.0 / (2.0 * self.half * jnp.sin(0.5 * (theta + self.theta_pole)) * jnp.sin(0.5 * near))


def pair_map(
    s_min: ArrayLike, s_max: ArrayLike, pole: tuple[Array, Array] | None = None, photon: bool = False
) -> PairMap:
    """The map of phase space [s_min, s_max], s_min = 4m².

    Args     pole: (m², mΓ) of a propagator; photon: the integrand may go like 1/s (needs s_min > 0)
    Domain   s_min ≥ s_max: closed, all weights 0
    """
    s_max = jnp.asarray(s_max)
    is_open = s_max > s_min
    s_min = jnp.where(is_open, s_min, 0.5 * s_max)
    half = 0.5 * (s_max - s_min)
    w: Any = 2.0 * jnp.arcsinh(jnp.sqrt(0.5 * s_min / half)) if photon else None
    if pole is None:
        return PairMap(s_min, half, is_open, w)
    m2, m_gamma = pole
    theta = _arccos_between((m2 - s_min - 1j * m_gamma) / half, (s_max - m2 + 1j * m_gamma) / half)
    return PairMap(s_min, half, is_open, w, theta, _arcsinh(theta / w) if photon else theta)


def _angle(x: Array) -> Array:
    """θ with x = sin²(θ/2); 0 below 0, π above 1, with zero gradient there."""
    inside = (x > 0.0) & (x < 1.0)
    safe = jnp.where(inside, x, 0.5)
    return jnp.where(inside, 2.0 * jnp.arctan2(jnp.sqrt(safe), jnp.sqrt(1.0 - safe)), jnp.where(x < 0.5, 0.0, jnp.pi))


def _arcsinh(z: Array) -> Array:
    """arcsinh of a complex number, accurate in a tiny imaginary part (W. Kahan)."""
    root_plus, root_minus = jnp.sqrt(1.0 + 1j * z), jnp.sqrt(1.0 - 1j * z)
    real = jnp.arcsinh(root_plus.real * root_minus.imag - root_plus.imag * root_minus.real)
    return -real + 1j * jnp.arctan2(z.imag, (root_plus * root_minus).real)


def _arccos_between(below: Array, above: Array) -> Array:
    """arccos z from 1 − z and 1 + z, either of which may be tiny (W. Kahan)."""
    root_minus, root_plus = jnp.sqrt(below), jnp.sqrt(above)
    real = 2.0 * jnp.arctan2(root_minus.real, root_plus.real)
    imag = jnp.arcsinh((jnp.conj(root_plus) * root_minus).imag)
    return real + 1j * imag
