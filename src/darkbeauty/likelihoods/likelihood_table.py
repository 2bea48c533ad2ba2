r"""−2 ln L as it was published: a table over one prediction or two, read between its knots, with no likelihood outside of it.

With the table F, its lowest point x₀ and Δ = F − F(x₀), log L = −½ Δ(x) − ln ∫ e^{−Δ/2}. Of simulated data the same table, moved: what was measured
is x₀, and L depends on x − x₀.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.optimize import minimize

from darkbeauty.likelihoods.part import Part, Row
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.interpolation import monotone

FINE = {1: 64, 2: 16}
"""Points between knots, by dimension, at which the lowest value is looked for and the normalisation is summed."""
CLOSE = 1e-10
"""Squared distance to x₀, in errors, below which √Δ is a straight line."""
STEP = 1e-2
"""Half the distance of the differences that give the curvature at x₀, in errors."""

Method = Literal["cubic", "linear"]


class LikelihoodTable(Part):
    """One or two predictions. data: x₀, as it was published but for simulated data; axes: knots; table: F − F(x₀) at these; scale: unit of each
    prediction; root: with u = root (x − x₀), Δ ≈ u·u close to x₀."""

    data: Array | np.ndarray
    best: np.ndarray
    axes: tuple[np.ndarray, ...]
    table: np.ndarray
    root: np.ndarray
    log_volume: np.ndarray
    method: Method = eqx.field(static=True)

    @classmethod
    def of(cls, axes: Sequence[np.ndarray], table: np.ndarray, method: Method) -> LikelihoodTable:
        """Args     axes: increasing knots of each prediction; table: −2 ln L up to a constant, shape of the axes"""
        fine = tuple(_refined(axis, FINE[len(axes)]) for axis in axes)
        scale = np.array([axis[-1] - axis[0] for axis in axes])
        unit = cls(scale, scale, tuple(axes), table, np.eye(len(axes)), np.zeros(()), method)
        points = np.stack(np.meshgrid(*fine, indexing="ij"), axis=-1)
        values = np.asarray(_table(unit, jnp.asarray(points.reshape(-1, len(axes))))).reshape(points.shape[:-1])
        best = _lowest(unit, points.reshape(-1, len(axes))[np.argmin(values)], scale)
        lowest = float(_table(unit, jnp.asarray(best)[None])[0])
        volume = np.exp(-0.5 * (values - lowest))
        for axis in reversed(fine):
            volume = np.trapezoid(volume, axis, axis=-1)
        moved = eqx.tree_at(lambda part: part.table, unit, table - lowest)
        root = _root(moved, best, _errors(points, values - lowest))
        return cls(best, best, tuple(axes), table - lowest, root, np.log(volume), method)

    def log_prob_of(self, predictions: Array) -> Array:
        x, inside = self._inside(predictions)
        return jnp.where(inside, -0.5 * self.delta(x) - self.log_volume, -jnp.inf)

    def residuals(self, predictions: Array) -> Array:
        """u √(Δ/u·u): where Δ is a parabola, u itself; outside of the table a parabola through x₀ and the edge, so that a minimiser finds back."""
        place = predictions - jnp.asarray(self.data) + self.best
        x, _ = self._inside(predictions)
        root = jnp.asarray(self.root)
        u, at_edge = root @ (place - self.best), root @ (x - self.best)
        squared = jnp.sum(at_edge**2)
        far = squared > CLOSE
        delta = jnp.where(far, jnp.maximum(self.delta(x), CLOSE * squared), 1.0)
        return u * jnp.sqrt(jnp.where(far, delta / jnp.where(far, squared, 1.0), 1.0))

    def chi2(self, predictions: np.ndarray) -> np.ndarray:
        """Δ, infinite outside of the table."""
        x, inside = self._inside(jnp.asarray(predictions))
        return np.where(np.asarray(inside), np.asarray(self.delta(x)), np.inf)

    def simulate(self, key: Array, predictions: np.ndarray) -> np.ndarray:
        """x − (u − x₀), u being drawn with the density e^{−Δ/2}."""
        axes = [_refined(axis, FINE[len(self.axes)]) for axis in self.axes]
        middles = [0.5 * (axis[1:] + axis[:-1]) for axis in axes]
        points = np.array(list(product(*middles)))
        density = np.exp(-0.5 * np.asarray(_table(self, jnp.asarray(points))))
        widths = np.array(list(product(*map(np.diff, axes))))
        cells = density * np.prod(widths, axis=1)
        for_cell, for_place = jax.random.split(key)
        uniform = np.asarray(jax.random.uniform(for_cell, (len(predictions),), float))
        cell = np.minimum(np.searchsorted(np.cumsum(cells) / np.sum(cells), uniform), len(points) - 1)
        within = np.asarray(jax.random.uniform(for_place, predictions.shape, float)) - 0.5
        return predictions - (points[cell] + widths[cell] * within) + self.best

    def rows(self, labels: Sequence[str], predictions: np.ndarray) -> list[Row]:
        """x₀ of every prediction with its error from the curvature there; the pull is ±√Δ, of several that of all together."""
        errors = np.sqrt(np.diag(np.linalg.inv(self.root.T @ self.root)))
        data, pull = np.asarray(self.data), np.sqrt(np.maximum(self.chi2(predictions), 0.0))
        numbers = zip(labels, predictions, data, errors)
        return [Row(label, float(x), float(d), float(e), float(np.sign(x - d) * pull)) for label, x, d, e in numbers]

    def delta(self, x: Array) -> Array:
        """Δ of points inside the table (…, n), shape (…)."""
        return _read(self, x.reshape(-1, x.shape[-1])).reshape(x.shape[:-1])

    def _inside(self, predictions: Array) -> tuple[Array, Array]:
        """Places in the table, at its edge for what is outside, and whether they are inside."""
        along = lambda array: jnp.asarray(array).reshape((1,) * (predictions.ndim - 1) + (-1,))
        place = predictions - along(self.data) + along(self.best)
        low, high = (along(np.array([axis[end] for axis in self.axes])) for end in (0, -1))
        within = (place >= low) & (place <= high)
        return jnp.where(within, place, jnp.clip(jax.lax.stop_gradient(place), low, high)), jnp.all(within, axis=-1)


def _read(part: LikelihoodTable, points: Array) -> Array:
    """The table at points (m, n) inside of it, shape (m,)."""
    if len(part.axes) == 1:
        return monotone(points[:, 0], part.axes[0], part.table, part.method)
    along = lambda point: jax.vmap(lambda row: monotone(point[1], part.axes[1], row, part.method))(
        jnp.asarray(part.table)
    )
    return jax.vmap(lambda point: monotone(point[0], part.axes[0], along(point), part.method))(points)


_table = compiled(_read)


def _refined(axis: np.ndarray, count: int) -> np.ndarray:
    """Knots with points between them."""
    inner = axis[:-1, None] + np.diff(axis)[:, None] * np.arange(count)[None] / count
    return np.append(inner.ravel(), axis[-1])


def _lowest(part: LikelihoodTable, start: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """The lowest point of the table close to a start; the start itself where nothing is lower."""
    bounds = [((axis[0] - s) / w, (axis[-1] - s) / w) for axis, s, w in zip(part.axes, start, scale)]
    at = lambda t: np.clip(start + scale * t, [axis[0] for axis in part.axes], [axis[-1] for axis in part.axes])
    value = lambda t: float(_table(part, jnp.asarray(at(t))[None])[0])
    simplex = np.concatenate([np.zeros((1, len(start))), 1e-3 * np.eye(len(start))])
    options: Any = {"xatol": 1e-9, "fatol": 1e-12, "initial_simplex": np.clip(simplex, *np.array(bounds).T)}
    moved = minimize(value, np.zeros(len(start)), method="Nelder-Mead", bounds=bounds, options=options)
    return at(moved.x) if moved.fun < value(np.zeros(len(start))) else start


def _errors(points: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Half the width of Δ ≤ 1 along every axis; of a narrower minimum, the distance of two points."""
    close = points[delta <= 1.0]
    width = 0.5 * (close.max(axis=0) - close.min(axis=0))
    spacing = np.array([np.min(np.diff(np.unique(points[..., i]))) for i in range(points.shape[-1])])
    return np.maximum(width, spacing)


def _root(part: LikelihoodTable, best: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Root of half the second derivatives at x₀, or 1/errors where these are no errors: at an edge, or at a kink."""
    size, unit = len(best), np.diag(errors)
    inside = all(axis[0] + e * STEP < b < axis[-1] - e * STEP for axis, b, e in zip(part.axes, best, errors))
    if not inside or part.method == "linear":
        return np.diag(1.0 / errors)
    steps = [
        (s * unit[i] + t * unit[j]) * STEP for i in range(size) for j in range(size) for s in (1, -1) for t in (1, -1)
    ]
    values = np.asarray(_table(part, jnp.asarray(np.clip(best[None] + 0.5 * np.array(steps), *_ends(part)))))
    parts = values.reshape(size, size, 4)
    curvature = 0.5 * (parts[..., 0] - parts[..., 1] - parts[..., 2] + parts[..., 3]) / STEP**2
    curvature = 0.5 * (curvature + curvature.T)
    if np.linalg.eigvalsh(curvature)[0] <= 0.1:  # in units of 1/errors², where 1 is a parabola
        return np.diag(1.0 / errors)
    return np.linalg.cholesky(curvature).T / errors[None]


def _ends(part: LikelihoodTable) -> tuple[np.ndarray, np.ndarray]:
    return np.array([axis[0] for axis in part.axes]), np.array([axis[-1] for axis in part.axes])
