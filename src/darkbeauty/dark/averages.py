r"""⟨σv⟩ and ⟨σv⟩₂ of dark matter as hot as the plasma or as cold as it becomes without it: x from 1 to 10¹², on an even grid of ln x.

⟨σv⟩₂, weighted with p²/(3ET) of one of the two particles (arXiv:1706.07433), has in place of K₁(z), z = √s/T, the kernel
½ z² ∫₁^∞ dE e^{−zE} [Er/3 − (1−β²)/(6β) ln((E+βr)/(E−βr))], r = √(E²−1), β² = 1 − 4M²/s: 1 (s wave), 4/3 (p wave) times ⟨σv⟩ for x → ∞.

As in `rate_table` one spectrum lies on nodes that are the same for all points; averages at all x of the grid are then a product with constant matrices, of which
those for late x end where e^{−2xε} does.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient
from scipy.special import kve

from darkbeauty.dark.fixed_nodes import COLD, excesses, laid_on_nodes
from darkbeauty.dark.thermal_average import X_REFERENCE, Spectrum, population, spectrum
from darkbeauty.models.sectors import DarkMatter
from darkbeauty.numerics.quadrature import kept

LOG_COLDEST = float(np.log(1e12))
STEPS = 1120
"""Of the grid in ln x."""
LEVELS = (0.0, 5e-7, 5e-6, 5e-5, 5e-4, 3e-3, 0.015, 0.06, 0.25, 1.0)
"""Panel edges of the spectrum, in units of the last one; a Boltzmann factor at x has its width at 0.03/√x."""
AROUND, PANEL_NODES = 0.006, 18
"""Panels of their own on both sides of a pole, in the same units; nodes of a panel."""
BLOCKS = (0, 180, 380, 560, 840, STEPS + 1)
"""First row of every matrix."""
DIED = 80.0
"""2xε beyond which a matrix has no nodes."""
TINY = 1e-250
MOMENT_NODES, MOMENT_END = 26, 6.5
"""Nodes in v, E = √s(1 + v²/z), and the last one."""
LARGE = 1e5
"""Argument from which on K_n has two terms of its asymptotic series."""


class Averages(NamedTuple):
    """ln⟨σv⟩, ln⟨σv⟩₂ and ln p₄, p₄ = ⟨p⁴/E³⟩/T, at even steps of ln x, shape (n, 3)."""

    grid: Array


def averages(dark: DarkMatter) -> Averages:
    """The grid of a point.

    Accuracy of ⟨σv⟩ and ⟨σv⟩₂: 1e-5 of all that annihilates from x = 15 on, which says little of a resonance that has died out
    """
    return averages_of(spectrum(dark, np.sqrt(X_REFERENCE), PANEL_NODES, LEVELS, AROUND))


def averages_of(nodes: Spectrum) -> Averages:
    """The grid of any cross section, given as a spectrum that is good for all x."""
    weights = kept(laid_on_nodes(kept(nodes.excess), kept(nodes.weight)[None], COLD)[0])
    sums = jnp.concatenate([jnp.asarray(matrix) @ weights[: matrix.shape[-1]] for matrix in _matrices()], axis=-1)
    logarithms = jnp.log(jnp.maximum(sums, TINY))
    if nodes.ratio is not None:
        logarithms -= 2.0 * jnp.log(population(np.exp(log_x()), nodes.ratio))[None]
    return Averages(jnp.stack([*logarithms, jnp.asarray(_log_p4())], axis=-1))


def look_up(averages: Averages, at: Array) -> tuple[Array, Array, Array]:
    """ln⟨σv⟩, ρ = ⟨σv⟩₂/⟨σv⟩ and p₄ at ln x, by cubics through four points of the grid; constant beyond its ends."""
    position = jnp.clip(at * (STEPS / LOG_COLDEST), 0.0, STEPS)
    first = jnp.clip(jnp.floor(stop_gradient(position)).astype(int) - 1, 0, STEPS - 3)
    u = (position - first.astype(float))[..., None]
    values = [averages.grid[first + i] for i in range(4)]
    before, after = (u - 2.0) * (u - 3.0), u * (u - 1.0)
    columns = before * (0.5 * u * values[1] - (u - 1.0) / 6.0 * values[0])
    columns += after * ((u - 2.0) / 6.0 * values[3] - 0.5 * (u - 3.0) * values[2])
    return columns[..., 0], jnp.exp(columns[..., 1] - columns[..., 0]), jnp.exp(columns[..., 2])


def log_x() -> np.ndarray:
    """Of the grid."""
    return np.linspace(0.0, LOG_COLDEST, STEPS + 1)


@lru_cache(maxsize=1)
def _matrices() -> tuple[np.ndarray, ...]:
    """Kernels of ⟨σv⟩ and ⟨σv⟩₂, shape (2, rows, nodes), block by block."""
    return tuple(_matrix(np.exp(log_x()[start:stop, None])) for start, stop in pairwise(BLOCKS))


def _matrix(x: np.ndarray) -> np.ndarray:
    """Both kernels at x, shape (n, 1), and all nodes that matter there."""
    excess = excesses(COLD)[None]
    excess = excess[:, : int(np.searchsorted(2.0 * x[0, 0] * excess[0], DIED))]
    kernel = x * _scaled(1, 2.0 * x * (1.0 + excess)) / _scaled(2, x) ** 2 * np.exp(-2.0 * x * excess)
    return np.stack([kernel, kernel * np.concatenate([_moment_ratio(row, excess) for row in x])])


def _scaled(n: int, z: np.ndarray) -> np.ndarray:
    """e^z K_n(z)."""
    series = np.sqrt(0.5 * np.pi / z) * (1.0 + (4.0 * n**2 - 1.0) / (8.0 * z))
    return np.where(z < LARGE, kve(n, np.minimum(z, LARGE)), series)


def _moment_ratio(x: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """Kernel of ⟨σv⟩₂ over that of ⟨σv⟩, by E = 1 + v²/z; ln((E+βr)/(E−βr))/(2β) = (r/E) artanh(a)/a, a = βr/E."""
    node, weight = np.polynomial.legendre.leggauss(MOMENT_NODES)
    v, weight = 0.5 * MOMENT_END * (1.0 + node), weight * np.exp(-((0.5 * MOMENT_END * (1.0 + node)) ** 2))
    z = (2.0 * x[:, None] * (1.0 + excess))[..., None]
    slowness = (1.0 / (1.0 + excess) ** 2)[..., None]
    above = v**2 / z
    energy = 1.0 + above
    r = np.sqrt(above * (2.0 + above))
    a = np.maximum(np.sqrt(1.0 - slowness) * r / energy, 1e-8)
    bracket = energy * r / 3.0 - slowness * r / (3.0 * energy) * np.arctanh(a) / a
    return 0.5 * z[..., 0] * ((bracket * v) @ weight) / ((r * v) @ weight)


@lru_cache(maxsize=1)
def _log_p4() -> np.ndarray:
    """ln p₄ on the grid; p = Mu, weight u² e^{−x(E−1)}."""
    x = np.exp(log_x())[:, None]
    node, weight = np.polynomial.legendre.leggauss(80)
    s = 0.5 * (1.0 + node)
    u = np.sqrt(45.0 / x * (2.0 + 45.0 / x)) * s**1.5
    energy = np.sqrt(1.0 + u**2)
    density = u**2 * np.exp(-x * u**2 / (energy + 1.0)) * s**0.5 * weight
    return np.log(x[:, 0] * np.sum(u**4 / energy**3 * density, axis=-1) / np.sum(density, axis=-1))
