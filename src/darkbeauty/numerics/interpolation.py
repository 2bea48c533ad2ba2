"""Interpolation of tables."""

from __future__ import annotations

import interpax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


def monotone(x: ArrayLike, knots: ArrayLike, values: ArrayLike, method: str = "monotonic") -> Array:
    """Interpolation without overshoot between knots, constant outside them.

    Args     method: "monotonic" (Fritsch–Carlson cubic, C¹) or "linear"
    """
    knots, values = jnp.asarray(knots), jnp.asarray(values)
    inside = jnp.clip(jnp.asarray(x), knots[0], knots[-1])
    return interpax.interp1d(inside.ravel(), knots, values, method=method).reshape(inside.shape)
