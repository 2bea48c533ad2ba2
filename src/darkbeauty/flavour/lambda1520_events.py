r"""Events of Λ_b → Λ*(1520)(→ pK⁻) ℓ⁺ℓ⁻: q² and the three angles, drawn by inversion, one variable after the other.

Nothing is rejected, so shapes are fixed: `generate` and `generate_bin` can be jitted (n static) and vmapped over models.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour.lambdab_to_lambda1520_ll import AngularCoefficients, density, differential, phase_space, rate
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.quadrature import gauss_legendre

CELLS = 256
BISECTIONS = 52


class Angles(NamedTuple):
    """cos θ_ℓ, cos θ_Λ in [−1, 1] and φ in [0, 2π], shape (n,) each."""

    cos_l: Array
    cos_lambda: Array
    phi: Array


def generate(key: Array, p: Theory, q2: Array | float, n: int, lepton: str = "mu", ff: str = "LatticeQCD") -> Angles:
    """n events of the CP-averaged angular distribution at fixed q².

    Domain   q² inside phase space
    Accuracy exact inversion to 1e-15
    """
    k = jax.tree.map(lambda k: k[None], differential(p, q2, lepton, ff).average)
    return sample_angles(jax.random.uniform(key, (3, n)), k)


def generate_bin(
    key: Array, p: Theory, q2min: ArrayLike, q2max: ArrayLike, n: int, lepton: str = "mu", ff: str = "LatticeQCD"
) -> tuple[Array, Angles]:
    """n events of the CP-averaged distribution in q² and the angles; q² in the part of the bin inside phase space, shape (n,).

    Accuracy angles exact given q²; q² from 256 cells with exact contents, linear inside a cell (and even around a narrow Z′)
    """
    u = jax.random.uniform(key, (4, n))
    q2, propagator = sample_q2(u[3], p, q2min, q2max, lepton, ff)
    return q2, sample_angles(u[:3], density(p, q2, propagator, lepton, ff).average)


def sample_q2(u: Array, p: Theory, q2min: ArrayLike, q2max: ArrayLike, lepton: str, ff: str) -> tuple[Array, Array]:
    """q² of the rate in a bin and the Z′ propagator there, from uniform u; shape (n,) each."""
    start, end, variable = phase_space(p, lepton)
    lo = jnp.clip(q2min, start, end)
    edges = jnp.linspace(variable.x(lo), variable.x(jnp.clip(q2max, lo, end)), CELLS + 1)
    x, w = gauss_legendre(4)
    half = 0.5 * (edges[1:] - edges[:-1])
    rule = variable.at((edges[:-1, None] + half[:, None] * (1.0 + x)[None]).ravel())
    values = rate(density(p, rule.s, rule.propagator, lepton, ff).average) * rule.weight
    content, tilt = (values.reshape(CELLS, 4) @ jnp.stack([w, 3.0 * w * x], axis=1)).T * half[None]
    total = jnp.cumsum(content)
    target = u * total[-1]
    cell = jnp.clip(jnp.searchsorted(total, target, side="right"), 0, CELLS - 1)
    divisor = jnp.where(content > 0.0, content, 1.0)[cell]
    v = jnp.clip((target - total[cell]) / divisor + 1.0, 0.0, 1.0)
    # density (1 + s t)/2 on −1 < t < 1
    s = jnp.clip(tilt[cell] / divisor, -1.0, 1.0)
    t = (4.0 * v - 2.0 + s) / (1.0 + jnp.sqrt((1.0 - s) ** 2 + 4.0 * s * v))
    event = variable.at(edges[cell] + half[cell] * (1.0 + t))
    return event.s, event.propagator


def sample_angles(u: Array, k: AngularCoefficients) -> Angles:
    """Angles from uniform u, shape (3, n), for coefficients k, shape (n,) or (1,) each: θ_Λ, then θ_ℓ given it, then φ given both."""
    k1c, k1cc, k1ss, k2c, k2cc, k2ss, k3ss, k4ss, k5s, k5sc, k6s, k6sc = k
    along, across = k1cc + 2.0 * k1ss, k2cc + 2.0 * k2ss + k3ss
    c = invert(lambda x: across * (x + 1.0) + (along - across) * (x**3 + 1.0) / 3.0, u[0], -1.0, 1.0)
    c2, s2 = c * c, 1.0 - c * c
    linear = k1c * c2 + k2c * s2
    flat = k1ss * c2 + (k2ss + 0.5 * k3ss) * s2
    square = k1cc * c2 + k2cc * s2 - flat
    z = invert(lambda x: flat * (x + 1.0) + 0.5 * linear * (x * x - 1.0) + square * (x**3 + 1.0) / 3.0, u[1], -1.0, 1.0)
    z2 = 1.0 - z * z
    mixed = jnp.sqrt(z2 * s2) * c
    even = (k1c * z + k1cc * z * z + k1ss * z2) * c2 + (k2c * z + k2cc * z * z + k2ss * z2) * s2
    cos2, cossin = k3ss * z2 * s2, k4ss * z2 * s2
    cos, sin = (k5s + k5sc * z) * mixed, (k6s + k6sc * z) * mixed
    cdf = lambda x: (
        (even + 0.5 * cos2) * x
        + 0.25 * cos2 * jnp.sin(2.0 * x)
        + 0.5 * cossin * jnp.sin(x) ** 2
        + cos * jnp.sin(x)
        + 2.0 * sin * jnp.sin(0.5 * x) ** 2
    )
    return Angles(z, c, invert(cdf, u[2], 0.0, 2.0 * jnp.pi))


def invert(cdf: Callable[[Array], Array], u: Array, lo: ArrayLike, hi: ArrayLike) -> Array:
    """x with cdf(x) = u cdf(hi) by bisection, for an increasing cdf that vanishes at lo."""
    lo, hi = jnp.full_like(u, lo), jnp.full_like(u, hi)
    target = u * cdf(hi)

    def halve(_: Array, bracket: tuple[Array, Array]) -> tuple[Array, Array]:
        middle = 0.5 * (bracket[0] + bracket[1])
        below = cdf(middle) < target
        return jnp.where(below, middle, bracket[0]), jnp.where(below, bracket[1], middle)

    lo, hi = jax.lax.fori_loop(0, BISECTIONS, halve, (lo, hi))
    return cast(Array, 0.5 * (lo + hi))
