r"""A variable for the q² of a three-body decay in which rates are smooth: at both ends of phase space and at a pole.

Rates end like powers of √(q²_max − q²) and begin with a photon pole 1/q². With q² = q²_max/cosh²y the first become powers of tanh y, and the
second is absorbed by dq² = −2q² tanh y dy. A narrow pole 1/(q² − m² + imΓ), at y = c + iw up to the sign of w, then spreads out with
y = c + w sinh ξ, as in `darkbeauty.numerics.quadrature`.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.numerics.quadrature import ResonanceRule, gauss_legendre


class DecayMap(NamedTuple):
    """q²(ξ) for 0 < q² ≤ q2_max; pole: m² − imΓ and y at it, None without one."""

    q2_max: Array
    pole: Array | None = None
    y_pole: Array | None = None

    def xi(self, q2: ArrayLike) -> Array:
        """ξ at q², decreasing; the end point q2_max (or anything above it) has zero gradient."""
        inside = q2 < self.q2_max
        q2 = jnp.where(inside, q2, self.q2_max)
        t = jnp.where(inside, jnp.sqrt(jnp.where(inside, 1.0 - q2 / self.q2_max, 1.0)), 0.0)
        y = jnp.log1p(t) - 0.5 * jnp.log(q2 / self.q2_max)
        if self.y_pole is None:
            return y
        return jnp.arcsinh((y - self.y_pole.real) / jnp.abs(self.y_pole.imag))

    def at(self, xi: Array) -> ResonanceRule:
        """q², the propagator there (0 without a pole) and |dq²/dξ|."""
        if self.y_pole is None:
            q2 = self.q2_max / jnp.cosh(xi) ** 2
            return ResonanceRule(q2, jnp.zeros_like(q2), 2.0 * q2 * jnp.tanh(xi))
        width = jnp.abs(self.y_pole.imag)
        offset = width * jnp.sinh(xi)
        y = self.y_pole.real + offset
        q2 = self.q2_max / jnp.cosh(y) ** 2
        # q² − m² + imΓ as a product, because the difference has no digits left near the pole
        product = jnp.sinh(1j * self.y_pole.imag - offset) * jnp.sinh(y + self.y_pole)
        propagator = self.q2_max / (q2 * self.pole * product)
        return ResonanceRule(q2, propagator, 2.0 * q2 * jnp.tanh(y) * width * jnp.cosh(xi))

    def rule(self, lo: ArrayLike, hi: ArrayLike, n: int) -> ResonanceRule:
        """Gauss–Legendre rule of ∫_lo^hi dq², n nodes, or 2n with a pole: n on each side of it.

        Accuracy relative 1e-10 for n = 32 if the rest of the integrand is as smooth as rates are, 1e-7 with a pole 1e-9 of the range wide
        """
        ends = jnp.stack([self.xi(hi), self.xi(lo)])
        edges = ends if self.y_pole is None else jnp.stack([ends[0], jnp.clip(0.0, *ends), ends[1]])
        x, w = gauss_legendre(n)
        half = 0.5 * (edges[1:] - edges[:-1])[:, None]
        rule = self.at((edges[:-1, None] + half * (1.0 + x)).ravel())
        return rule._replace(weight=(half * w).ravel() * rule.weight)


def decay_map(q2_max: ArrayLike, pole: Array | None = None) -> DecayMap:
    """The map for phase space up to q2_max and, if there is one, a pole at q² = m² − imΓ, given as this complex number."""
    q2_max = jnp.asarray(q2_max)
    if pole is None:
        return DecayMap(q2_max)
    t = jnp.sqrt(1.0 - pole / q2_max)
    beyond = pole / (q2_max * (1.0 + t))  # 1 − t, with its digits when the pole is near 0
    real = 0.5 * (jnp.log(jnp.abs(1.0 + t)) - jnp.log(jnp.abs(beyond)))
    imag = 0.5 * (jnp.angle(1.0 + t) - jnp.angle(beyond))
    return DecayMap(q2_max, pole, real + 1j * imag)
