"""Interpolation of tables."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike


def monotone(x: ArrayLike, knots: ArrayLike, values: ArrayLike, method: str = "monotonic") -> Array:
    """Interpolation between knots, constant outside them.

    Args     method: "monotonic" (Fritsch–Carlson cubic, C¹, without overshoot; three knots at least), "linear", or "cubic" (C¹, the slope at a knot is the mean of
             the chords beside it; it may overshoot)
    """
    knots, values = jnp.asarray(knots), jnp.asarray(values)
    inside = jnp.clip(jnp.asarray(x), knots[0], knots[-1])
    last = knots.shape[0] - 2
    along_last = lambda row: row.reshape((1,) * inside.ndim + (-1,))
    # comparing with all knots is a smaller graph, and on tables of this size no slower, than a search
    interval = jnp.clip(jnp.sum(along_last(knots[:-1]) <= inside[..., None], axis=-1) - 1, 0, last)
    # the interval and its neighbours, side by side along the last axis
    near = jnp.clip(interval[..., None] + along_last(np.array([-1, 0, 1])), 0, last)
    take = lambda table, index: table.at[index].get(mode="promise_in_bounds")
    start, width = take(knots, near), take(knots, near + 1) - take(knots, near)
    value, rise = take(values, near), take(values, near + 1) - take(values, near)
    t = (inside - start[..., 1]) / width[..., 1]
    if method == "linear":
        return value[..., 1] + t * rise[..., 1]
    chord = rise / width
    middle, sides = (width[..., 1:2], chord[..., 1:2]), (width[..., ::2], chord[..., ::2])
    if method == "cubic":
        slopes = 0.5 * (middle[1] + sides[1])  # at an end both are the same chord
    else:
        at_end = interval[..., None] == along_last(np.array([0, last]))
        slopes = jnp.where(at_end, _end_slope(middle, tuple(x[..., ::-1] for x in sides)), _slope(middle, sides))
    left, right = jnp.moveaxis(slopes * width[..., 1:2] - rise[..., 1:2], -1, 0)
    return value[..., 1] + t * rise[..., 1] + t * (1.0 - t) * ((1.0 - t) * left - t * right)


def _slope(own: tuple[Array, Array], other: tuple[Array, Array]) -> Array:
    """Slope at the knot between two intervals, from their widths and chords: weighted harmonic mean of the chords, 0 at an extremum."""
    (h, m), (h_other, m_other) = own, other
    same = m * m_other > 0.0
    m, m_other = jnp.where(same, m, 1.0), jnp.where(same, m_other, 1.0)
    mean = 3.0 * (h + h_other) / ((2.0 * h_other + h) / m + (h_other + 2.0 * h) / m_other)
    return jnp.where(same, mean, 0.0)


def _end_slope(own: tuple[Array, Array], other: tuple[Array, Array]) -> Array:
    """Slope at the end of a table: that of a parabola through three knots, as far as it keeps the shape."""
    (h, m), (h_other, m_other) = own, other
    slope = ((2.0 * h + h_other) * m - h * m_other) / (h + h_other)
    steep = (m * m_other <= 0.0) & (jnp.abs(slope) > 3.0 * jnp.abs(m))
    return jnp.where(slope * m <= 0.0, 0.0, jnp.where(steep, 3.0 * m, slope))


def lagrange(s: Any, count: int) -> Any:
    """Lagrange's polynomials of the nodes 0 … count − 1 at s, numbers of NumPy or of JAX, on a last axis.

    Products of what is before and after, written out: a cumulative product has slow derivatives.
    """
    places = np.arange(count)
    divisors = np.prod(places[:, None] - places[None] + np.eye(count), axis=1)
    module = jnp if isinstance(s, Array) else np
    before, after = [module.ones_like(s)], [module.ones_like(s)]
    for k in range(count - 1):
        before.append(before[-1] * (s - k))
        after.append(after[-1] * (s - (count - 1 - k)))
    return module.stack([b * a / divisor for b, a, divisor in zip(before, reversed(after), divisors)], axis=-1)
