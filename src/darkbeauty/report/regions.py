"""Credible regions of two parameters from draws: smallest areas that hold a share of the probability, with shares that are true also for thin, curved and bounded posteriors.

The density is a sum of Gaussian kernels, each shaped by the covariance of its draw's neighbours, so that a thin sheet stays thin however it is turned and bent, and far
draws make no islands; draws are mirrored at the ends of the priors. The height of a contour is not read off that density, which is too flat, but is the height that the
share of the draws exceeds where each draw counts the kernels of all others (leave one out): so smoothing changes a region's outline, not its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import binary_fill_holes, label, map_coordinates
from scipy.spatial import KDTree

SHARES = (0.68, 0.95)
FEWEST, LEAST_EFFECTIVE = 1000, 400.0
"""Draws, and effective draws, below which no region is drawn."""
MOST = 1500
"""Draws that have kernels."""
MARGIN, CELLS, REACH, LEAST, EDGE, STEPS = 0.1, 256, 4.0, 1e-12, 1e-6, 12
"""Free share of an axis on both sides; its cells; where kernels end, in standard deviations; least density of a cell; least |ln| that is not on an edge; bisections of a height."""
NEIGHBOURS, WIDTH, POWER, SHARPEST = (4.0, 2.0, 1.0, 0.5), 0.65, 2.0 / 3.0, 1.0
"""How many times n^POWER draws are the neighbours of a draw (fewer if that predicts the others better); width of a kernel in standard deviations of these; its smallest
standard deviation in cells."""
BETTER, LEAST_NEAR = 0.03, 10
"""By how much ln of the density at a draw, of the kernels of all others, must grow for half the neighbours to be taken; fewest of these."""
SMALL = 0.01
"""Share of the draws below which a piece of a region, or of what a region leaves out inside, is noise."""


@dataclass(frozen=True)
class Regions:
    """Grid axes x (columns) and y (rows) in the coordinates of the picture; by share a field whose contour at 0 surrounds the region, (rows, columns)."""

    x: np.ndarray
    y: np.ndarray
    fields: Mapping[float, np.ndarray]

    def inside(self, share: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points are inside the region of a share."""
        return _at(self.fields[share], self.x, self.y, x, y) >= 0.0


def regions(
    x: np.ndarray,
    y: np.ndarray,
    x_bounds: tuple[float, float],
    y_bounds: tuple[float, float],
    effective: float | None = None,
    shares: Sequence[float] = SHARES,
) -> Regions | None:
    """Regions of draws x, y; None of fewer than FEWEST, or where all draws lie on a line.

    Args     x, y: shape (n,), in the coordinates of the picture (logarithms for a logarithmic axis); bounds: where the prior ends, in the same; effective: effective
             sample size, where that is not n
    """
    points = np.column_stack([x, y])
    effective = len(points) if effective is None else effective
    if len(points) < FEWEST or effective < LEAST_EFFECTIVE or np.any(np.ptp(points, axis=0) == 0.0):
        return None
    axes = [_axis(column, bounds) for column, bounds in zip(points.T, (x_bounds, y_bounds))]
    low, step = np.array([axis[0] for axis in axes]), np.array([axis[1] - axis[0] for axis in axes])
    cells = (points - low) / step
    ends = (np.array([x_bounds, y_bounds]) - low[:, None]) / step[:, None]
    density, heights = _smoothed(cells, ends, NEIGHBOURS[0], effective)
    for neighbours in NEIGHBOURS[1:]:
        sharper = _smoothed(cells, ends, neighbours, effective)
        if np.mean(sharper[1]) < np.mean(heights) + BETTER:
            break
        density, heights = sharper
    fields = {share: _field(density, heights, cells, share) for share in shares}
    return Regions(axes[0], axes[1], fields)


def _smoothed(
    cells: np.ndarray, ends: np.ndarray, neighbours: float, effective: float
) -> tuple[np.ndarray, np.ndarray]:
    """ln of the density on the grid, and at every draw, there of the kernels of all others."""
    kernels = _kernels(cells[:: -(-len(cells) // MOST)], neighbours * effective ** (POWER - 1.0))
    logarithm = np.log(np.maximum(_density(kernels, ends), LEAST))
    others = np.exp(_interpolated(logarithm, cells)) - _own(kernels, cells)
    return logarithm, np.log(np.maximum(others, LEAST))


@dataclass(frozen=True)
class _Kernels:
    """Where they are (n, 2) in cells, their covariances (n, 2, 2), how many draws each stands for, over the number of all."""

    centres: np.ndarray
    covariances: np.ndarray
    weights: np.ndarray


def _axis(values: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Grid over the draws and some more, but not beyond the prior."""
    low, high = values.min(), values.max()
    more = MARGIN * (high - low)
    return np.linspace(max(low - more, bounds[0]), min(high + more, bounds[1]), CELLS)


def _kernels(points: np.ndarray, share: float) -> _Kernels:
    """Kernels of different draws, equal ones together: covariance of the nearest draws by distance in whitened coordinates."""
    centres, counts = np.unique(points, axis=0, return_counts=True)
    near = int(np.clip(share * len(points), LEAST_NEAR, len(centres)))
    root = np.linalg.cholesky(np.cov(points.T))
    white = np.linalg.solve(root, centres.T).T
    _, index = KDTree(white).query(white, near)
    around = centres[index]
    around = around - around.mean(axis=1, keepdims=True)
    covariances = WIDTH**2 * np.einsum("nki,nkj->nij", around, around) / near
    return _Kernels(centres, covariances + SHARPEST**2 * np.eye(2), counts / counts.sum())


def _density(kernels: _Kernels, ends: np.ndarray) -> np.ndarray:
    """Sum of the kernels and of their mirror images at the ends of the priors, at the grid's points, per cell."""
    density = np.zeros((CELLS, CELLS))
    reach = REACH * np.sqrt(np.diagonal(kernels.covariances, axis1=1, axis2=2))
    inverse = np.linalg.inv(kernels.covariances)
    peak = kernels.weights * np.sqrt(np.linalg.det(inverse)) / (2.0 * np.pi)
    for centre, size, inv, top in zip(kernels.centres, reach, inverse, peak):
        for place, sign in _images(centre, size, ends):
            first = np.maximum(np.ceil(place - size), 0).astype(int)
            last = np.minimum(np.floor(place + size), CELLS - 1).astype(int) + 1
            if np.any(first >= last):
                continue
            u, v = (np.arange(a, b) - c for a, b, c in zip(first, last, place))
            squares = inv[0, 0] * u * u + (inv[1, 1] * v * v)[:, None] + (2.0 * sign * inv[0, 1]) * u * v[:, None]
            density[first[1] : last[1], first[0] : last[0]] += top * np.exp(-0.5 * squares)
    return density


def _images(centre: np.ndarray, size: np.ndarray, ends: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """A kernel's centre and its mirror images that reach over the ends, each with the sign that its correlation has."""
    mirrored = [[2.0 * end - c for end in pair if abs(end - c) < s] for c, s, pair in zip(centre, size, ends)]
    for i, x in enumerate([centre[0], *mirrored[0]]):
        for j, y in enumerate([centre[1], *mirrored[1]]):
            yield np.array([x, y]), -1.0 if bool(i) != bool(j) else 1.0


def _own(kernels: _Kernels, cells: np.ndarray) -> np.ndarray:
    """What the kernel of every draw adds at the draw itself; 0 where it has none."""
    peak = kernels.weights / (2.0 * np.pi * np.sqrt(np.linalg.det(kernels.covariances)))
    distance, index = KDTree(kernels.centres).query(cells)
    return np.where(distance == 0.0, peak[index], 0.0)


def _field(density: np.ndarray, heights: np.ndarray, cells: np.ndarray, share: float) -> np.ndarray:
    """ln density over the height that the share of the draws exceeds, without pieces and holes that are noise; the height is found for what is left."""
    low, high = np.quantile(heights, [max(0.0, 0.8 - share), min(1.0, 1.2 - share)])
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.mean(_held(density, heights, cells, middle)) > share else (low, middle)
    height = 0.5 * (low + high)
    whole = _cleaned(density >= height, cells)
    return np.where(whole, np.maximum(density - height, EDGE), np.minimum(density - height, -EDGE))


def _held(density: np.ndarray, heights: np.ndarray, cells: np.ndarray, height: float) -> np.ndarray:
    """Which draws are inside of the cleaned region above a height."""
    above = density >= height
    cleaned = _cleaned(above, cells)
    nearest = tuple(np.rint(cells.T[::-1]).astype(int))
    changed = (above != cleaned)[nearest]
    return np.where(changed, cleaned[nearest], heights >= height)


def _cleaned(above: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """A region without the pieces and holes that hold a share of the draws below SMALL."""
    nearest = tuple(np.rint(cells.T[::-1]).astype(int))

    def large(mask: np.ndarray) -> np.ndarray:
        labelled: Any = label(mask)
        pieces, count = labelled
        held = np.bincount(pieces[nearest], minlength=count + 1) / len(cells)
        return mask & (held >= SMALL)[pieces]

    kept = large(above)
    holes = binary_fill_holes(kept) & ~kept
    return kept | (holes & ~large(holes))


def _interpolated(field: np.ndarray, cells: np.ndarray) -> np.ndarray:
    return map_coordinates(field, cells.T[::-1], order=1, mode="nearest")


def _at(field: np.ndarray, x_axis: np.ndarray, y_axis: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    cells = [(v - axis[0]) / (axis[1] - axis[0]) for axis, v in ((x_axis, x), (y_axis, y))]
    inside = np.all([(c >= 0.0) & (c <= CELLS - 1) for c in cells], axis=0)
    return np.where(inside, _interpolated(field, np.column_stack(cells)), -np.inf)
