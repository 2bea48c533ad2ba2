r"""Implicit steps of fixed length for the momentum distribution of dark matter on a comoving grid.

With τ = ln a the unknowns are u_i = ln y_i, y_i the occupation of node i such that Y = Σ p_i³ δ y_i; physical momenta fall like p e^{−τ}, δ the spacing of ln p:

    u_i′ = [ε_i (K ε)_i/y_i − (K y)_i] S + (scattering)_i/y_i,   S = n-density factor s e^{3τ}/2H,   ε = y of equilibrium,

K being `phase_space_grid.pair_matrix`, of which a step that is a whole number of δ long only takes another part. Scattering is the Fokker–Planck operator
(γ/2) p⁻² ∂_p [p² (T E ∂_p f + p f)] as fluxes between cells (Scharfetter and Gummel's): nothing is lost at the ends or between, and f = e^{−E/T} has none.

Backward differences of fourth order in ln y, which in and near equilibrium is a far smoother function of τ than y. Newton's method is not differentiated; one
more iteration, linear about what it gave, has the implicit derivative.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient

ORDER = 4
NEWTON = 3
"""Iterations that are not differentiated."""
LARGEST_FALL, LARGEST_RISE = 0.9, 20.0
"""Of y in one of them, relative."""
SLOWEST = 0.7
"""y(u′ − rate) = 0 is what is solved, linear in y where scattering rules; its slope by y is kept positive by this."""
MAX_FALL, MAX_RISE = -3.0, 1.0
"""Of ln y in a step, as first guessed."""


class Cells(NamedTuple):
    """What a step needs, of every step: number of shifts of the grid, p/M and E/M at its end, shape (n,)."""

    shift: Array
    momentum: Array
    energy: Array


class Bath(NamedTuple):
    """At the ends of steps: x = M/T, S, γ/H, and u of equilibrium, shape (m, n)."""

    x: Array
    strength: Array
    exchange: Array
    log_equilibrium: Array


class Marched(NamedTuple):
    """u at the ends of steps, and the last moves of Newton's method, in ln Y."""

    log_y: Array
    moves: Array


@lru_cache(maxsize=4)
def differences(nodes: tuple[int, ...]) -> np.ndarray:
    """Weights of u at a node and the four before it, oldest first, in its derivative there, for every node from the fifth on, shape (m, 5)."""
    rows = []
    for last in range(ORDER, len(nodes)):
        t = np.array(nodes[last - ORDER : last + 1], float) - nodes[last]
        rows.append(np.linalg.solve(np.vander(t, increasing=True).T, np.eye(ORDER + 1)[1]))
    return np.array(rows)


def march(matrix: Array, start: Array, bath: Bath, cells: Cells, weights: Array) -> Marched:
    """All steps from the first four states, shape (4, n).

    Args     matrix: K on the nodes of all steps, its last n rows and columns those of shift 0; weights: of `differences`, over the spacing
    """
    steps = (bath, cells, weights)
    solved = _newton(*jax.tree.map(stop_gradient, (matrix, start, steps)))
    return _linear(matrix, start, steps, solved)


def _part(matrix: Array, shift: Array, n: int) -> Array:
    first = matrix.shape[0] - n - shift
    return jax.lax.dynamic_slice(matrix, (first, first), (n, n))


def _rate(matrix: Array, at: Bath, cells: Cells, u: Array) -> tuple[Array, Array]:
    """u′ without the expansion, and its derivative by u, shape (n, n)."""
    pairs = at.strength * _part(matrix, cells.shift, u.size)
    loss = pairs * jnp.exp(u)[None]
    gain = jnp.exp(at.log_equilibrium - u) * (pairs @ jnp.exp(at.log_equilibrium))
    up, down = scattering(at, cells, u)
    change = gain - jnp.sum(loss, axis=1) + up[0] - up[1] + down[0] - down[1]
    diagonal = gain + up[0] + down[0]
    slope = jnp.diag(up[0][:-1], 1) + jnp.diag(down[0][1:], -1) - jnp.diag(diagonal) - loss
    return change, slope


def scattering(at: Bath, cells: Cells, u: Array) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """What comes into a cell from the one above and goes back there; the same for the one below; over y of the cell."""
    p, energy = cells.momentum, cells.energy
    spacing = jnp.log(p[1] / p[0])
    gap = (p[1:] ** 2 - p[:-1] ** 2) / (energy[1:] + energy[:-1]) * at.x
    middle = jnp.sqrt(p[1:] * p[:-1])
    flow = 0.5 * at.exchange * middle * jnp.hypot(1.0, middle) / (at.x * spacing)
    half = (middle**2 - p[:-1] ** 2) / (jnp.hypot(1.0, middle) + energy[:-1]) * at.x
    sink = flow * (gap / -jnp.expm1(-gap) + 2.0 * jnp.exp(gap - half)) / 3.0
    climb = sink * jnp.exp(-gap)
    volume, ratio = p**3 * spacing, jnp.exp(u[1:] - u[:-1])
    pad_end, pad_start = (lambda v: jnp.concatenate([v, jnp.zeros(1)])), (lambda v: jnp.concatenate([jnp.zeros(1), v]))
    above = pad_end(sink * ratio / volume[:-1]), pad_end(climb / volume[:-1])
    below = pad_start(climb / ratio / volume[1:]), pad_start(sink / volume[1:])
    return above, below


def _newton(matrix: Array, start: Array, steps: tuple[Bath, Cells, Array]) -> Array:
    """u at the ends of all steps, without derivatives."""

    def move(past: Array, step: tuple[Bath, Cells, Array]) -> tuple[Array, Array]:
        at, cells, weight = step
        known = weight[:-1] @ past

        def iterate(_: int, u: Array) -> Array:
            change, slope = _rate(matrix, at, cells, u)
            speed = weight[-1] * u + known
            residual = speed - change
            linear = residual + jnp.maximum(-SLOWEST * weight[-1] - speed, 0.0)
            part = jnp.linalg.solve(jnp.diag(weight[-1] + linear) - slope, -residual)
            return u + jnp.log1p(jnp.clip(part, -LARGEST_FALL, LARGEST_RISE))

        guess = past[-1] + jnp.clip(past[-1] - past[-2], MAX_FALL, MAX_RISE)
        u = jax.lax.fori_loop(0, NEWTON, iterate, guess)
        return jnp.concatenate([past[1:], u[None]]), u

    return jax.lax.scan(move, start, steps)[1]


def _linear(matrix: Array, start: Array, steps: tuple[Bath, Cells, Array], solved: Array) -> Marched:
    """One more iteration of all steps, with derivatives."""

    @jax.checkpoint
    def move(past: Array, step: tuple[tuple[Bath, Cells, Array], Array]) -> tuple[Array, tuple[Array, Array]]:
        (at, cells, weight), near = step
        change, slope = _rate(matrix, at, cells, near)
        residual = weight[-1] * near + weight[:-1] @ past - change
        shift = jnp.linalg.solve(stop_gradient(weight[-1] * jnp.eye(near.size) - slope), residual)
        number = stop_gradient(cells.momentum**3 * jnp.exp(near))
        last = jnp.abs(number @ stop_gradient(shift)) / jnp.sum(number)
        u = near - shift
        return jnp.concatenate([past[1:], u[None]]), (u, last)

    log_y, moves = jax.lax.scan(move, start, (steps, solved))[1]
    return Marched(log_y, moves)
