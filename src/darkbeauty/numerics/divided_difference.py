"""Divided difference of a smooth function, exact at every distance of its two arguments."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.numerics.quadrature import gauss_legendre

_AVERAGE_NODES = 12
_NEAR = 2.0


def divided_difference(f: Callable[[Array], Array], x: ArrayLike, y: ArrayLike) -> Array:
    r"""(f(x) − f(y))/(x − y), and f′(x) at x = y.

    Within a factor 2 of each other: ∫₀¹ f′(y + s(x − y)) ds by Gauss–Legendre with 12 nodes, which converges like 5.8⁻²⁴ for any f
    analytic off the negative axis; farther apart, the plain difference.

    Args     f: scalar function, written elementwise, differentiable by jax.jvp as often as needed plus one; x, y: same shape
    Domain   x, y > 0, and 0 where f and f′ are finite there; f must also hold at 1 and 2 (used in the branch not taken)
    Accuracy relative 1e-14 in value, 1e-13 in gradient, for f without a constant much larger than its variation (the plain
             difference subtracts it: take it off f first)
    """
    x, y = jnp.asarray(x, dtype=float), jnp.asarray(y, dtype=float)
    near = jnp.maximum(x, y) <= _NEAR * jnp.minimum(x, y)

    ones = jnp.ones_like(x)
    x_near, y_near = jnp.where(near, x, ones), jnp.where(near, y, ones)
    middle, half = 0.5 * (x_near + y_near), 0.5 * (x_near - y_near)
    nodes, weights = gauss_legendre(_AVERAGE_NODES)

    def slope(node: Array) -> Array:
        t = middle + node * half
        return jax.jvp(f, (t,), (jnp.ones_like(t),))[1]

    mean_slope = jnp.tensordot(jnp.asarray(0.5 * weights), jax.vmap(slope)(jnp.asarray(nodes)), axes=1)

    x_far, y_far = jnp.where(near, 2.0 * ones, x), jnp.where(near, ones, y)
    f_far = jax.vmap(f)(jnp.stack(jnp.broadcast_arrays(x_far, y_far)))
    return jnp.where(near, mean_slope, (f_far[0] - f_far[1]) / (x_far - y_far))
