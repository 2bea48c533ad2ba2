"""Second derivatives of functions that are long to compile."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array


def hessian(function: Callable[[Array], Array], x: Array) -> Array:
    """Second derivatives at x (n,), shape (n, n).

    Forward over reverse, a column after the other: `jax.hessian` does all of them at once, and compiles several times longer.
    """
    column = lambda direction: jax.jvp(jax.grad(function), (x,), (direction,))[1]
    return jax.lax.map(column, jnp.eye(len(x)))
