r"""Relic density from the momentum distribution f(p) of dark matter itself, without assuming its shape (arXiv:1706.07433, fBE there).

    ∂f/∂t − H p ∂f/∂p = f_eq (A f_eq) − f (A f) + (γ/2) p⁻² ∂_p [p² (T E ∂_p f + p f)],   A f = ∫ g d³p′/(2π)³ σ v_Møl f(p′)

on a grid that moves with the expansion (`phase_space_grid`), by fixed implicit steps in ln a (`phase_space_steps`), from where f is still that of equilibrium.
Scattering is that of `kinetic`, small momenta handed on often. `kinetic` is this equation with f taken to be Maxwell and Boltzmann's.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient
from jax.typing import ArrayLike

from darkbeauty.dark.boltzmann import relic_yield
from darkbeauty.dark.fixed_nodes import laid_on_nodes
from darkbeauty.dark.freeze_out import OMEGA_PER_YIELD
from darkbeauty.dark.kinetic import Problem, medium, set_up
from darkbeauty.dark.phase_space_grid import pair_matrix
from darkbeauty.dark.phase_space_steps import ORDER, Bath, Cells, Marched, differences, march
from darkbeauty.dark.rate_table import LOG_X_END, wide_spectrum
from darkbeauty.dark.thermal_average import Spectrum, population
from darkbeauty.dark.thermo import h_star
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.bessel import k2e
from darkbeauty.status import Status, status_if, worst

SPACING = 0.045
"""Of ln p between nodes, and the length of the shortest steps in ln a."""
LENGTHS = ((96, 1), (32, 2), (19, 4))
"""(number of steps, their length in units of the spacing): from x = 14 to 600, 2000 and 10⁵."""
HOTTEST, SPAN = 30.0, 7.4
"""Upper end of the grid: a kinetic energy of 30 T at the start, and more because scattering keeps dark matter warm (LATE_HEAT); ln of it over the lower end."""
LATE_HEAT, WARM_SEARCHED = (1.8, 2.9), 200
"""Bounds of ln of that more, ½ ln(x_kd/x at the start): e^2.9 serves annihilation until x = 10⁴ (beyond, f at the start would underflow); points at which x_kd is looked for."""
EARLIEST, LATEST_START, SEARCHED = 1.5, 60.0, 400
CLOSELY = 11.0
"""The equation begins where Λ Y_eq/x is e^11; e^8, where Y still is Y_eq to 3·10⁻⁴, would make 2·10⁻³ of Ωh² at A-I."""
CONVERGED = 1e-3
"""The last move of Newton's method in ln Y has to be smaller."""
STRONGEST = 1e8
"""γ/H beyond this counts as this: f is thermal all the same, and in larger rates nothing but rounding is left of the number of particles."""
TABLE_END, TABLE_POINTS = 16.0, 4000
"""Of the table of ln a in ln x."""
AT_THE_END, MATTERS = 1e-3, 2e-3
"""No more than this part of the particles may be in the last cell while annihilation is faster than this, in units of the expansion; what is left of it then changes Ωh² by less."""


class PhaseSpace(NamedTuple):
    """Ωh², Y(∞), and how it ended."""

    omega_h2: Array
    y_infinity: Array
    status: Array


class Distribution(NamedTuple):
    """At several x and momenta, shape (n, k): f of one spin state, and f of equilibrium with as many particles; T_χ/T, shape (n,); how the solver ended."""

    occupation: Array
    thermal: Array
    temperature: Array
    status: Array


class History(NamedTuple):
    """The bath and the cells at the ends of steps, u there and before, comoving volumes of the cells, and times ln x."""

    bath: Bath
    cells: Cells
    marched: Marched
    volume: Array
    log_x: Array


def phase_space(p: Theory, scale: ArrayLike = 1.0) -> PhaseSpace:
    """Relic density of the dark matter of a model, from f(p).

    Args     scale: a factor of γ
    Accuracy relative 5e-3 (grid and steps), derivatives 1e-2; what scattering is uncertain by is more: the error of `kinetic`
    Domain   never in equilibrium, not resolved, or momenta beyond the grid while it matters: the status says so
    """
    return solve(p.sm, set_up(p), wide_spectrum(p.dark_matter), scale)


def solve(sm: SMInputs, problem: Problem, nodes: Spectrum, scale: ArrayLike = 1.0) -> PhaseSpace:
    """The same of any particle of two states, given its scattering and, twice, how it annihilates: by averages and by a spectrum."""
    history = evolve(sm, problem, nodes, scale)
    y = history.volume @ jnp.exp(history.marched.log_y[-1])
    return PhaseSpace(OMEGA_PER_YIELD * problem.relic.mass * y, y, _status(sm, problem, history))


def distribution(p: Theory, x: ArrayLike, momentum: ArrayLike) -> Distribution:
    """f(p) for a plot, where the equation has begun: from about x = 13 on.

    Args     x: shape (n,); momentum: p/T, shape (n, k)
    Accuracy relative 1e-2 (linear between steps and nodes in ln f); the ends of the grid beyond them
    """
    problem = set_up(p)
    history = evolve(p.sm, problem, wide_spectrum(p.dark_matter))
    log_x = jnp.log(jnp.asarray(x, float))
    place = jnp.interp(log_x, history.log_x, jnp.arange(history.log_x.size, dtype=float))
    first = jnp.clip(jnp.floor(place).astype(int), 0, history.log_x.size - 2)
    between = lambda rows: _between(rows, first, place - first.astype(float))
    u, nodes, to_f = map(between, (history.marched.log_y, jnp.log(history.cells.momentum), _log_f_over_y(history)))
    square, at = jnp.exp(2.0 * nodes), jnp.exp(log_x)
    number = jnp.exp(u + 3.0 * nodes) * SPACING
    density = jnp.sum(number, axis=1)
    mean = jnp.sum(number * square / jnp.sqrt(1.0 + square), axis=1) / density
    wanted = jnp.log(jnp.asarray(momentum, float)) - log_x[:, None]
    occupied = jax.vmap(jnp.interp)(wanted, nodes, u) + to_f[:, None]
    thermal = to_f + jnp.log(density * at / k2e(at))
    kinetic_energy = jnp.exp(2.0 * wanted) / (1.0 + jnp.sqrt(1.0 + jnp.exp(2.0 * wanted)))
    shape = jnp.exp(thermal[:, None] - at[:, None] * kinetic_energy)
    return Distribution(jnp.exp(occupied), shape, mean * at / 3.0, _status(p.sm, problem, history))


def _log_f_over_y(history: History) -> Array:
    """The same for all nodes, so from the equilibrium of the first one, f = e^{−E/T}."""
    return -history.bath.x * history.cells.energy[:, 0] - history.bath.log_equilibrium[:, 0]


def _between(rows: Array, first: Array, share: Array) -> Array:
    """Linear between rows."""
    share = share.reshape(share.shape + (1,) * (rows.ndim - 1))
    return (1.0 - share) * rows[first] + share * rows[first + 1]


def evolve(sm: SMInputs, problem: Problem, spectrum: Spectrum, scale: ArrayLike = 1.0) -> History:
    """All steps, with γ times a number."""
    nodes = _nodes()
    log_x0 = _start(problem, sm)
    tau = SPACING * nodes
    t = _log_x_at(problem.relic.mass, sm, log_x0, tau)
    top = jnp.sqrt((1.0 + HOTTEST * jnp.exp(-log_x0)) ** 2 - 1.0) * jnp.exp(_late_heat(problem, sm, scale, log_x0))
    size = round(SPAN / SPACING)
    every = top * jnp.exp(-SPACING * jnp.arange(size + nodes[-1])[::-1].astype(float))
    weights = laid_on_nodes(spectrum.excess, spectrum.weight[None])[0]
    momentum = every[-size:][None] * np.exp(-tau)[:, None]
    bath = _bath(problem, sm, scale, t, tau, momentum)
    cells = Cells(jnp.asarray(nodes), momentum, jnp.hypot(1.0, momentum))
    later = lambda tree: jax.tree.map(lambda leaf: leaf[ORDER:], tree)
    marched = march(
        pair_matrix(every, weights),
        bath.log_equilibrium[:ORDER],
        later(bath),
        later(cells),
        jnp.asarray(differences(tuple(nodes))) / SPACING,
    )
    return History(later(bath), later(cells), marched, every[-size:] ** 3 * SPACING, t[ORDER:])


def _bath(problem: Problem, sm: SMInputs, scale: ArrayLike, t: Array, tau: np.ndarray, momentum: Array) -> Bath:
    relic, here = problem.relic, medium(problem, sm, scale, t)
    x = jnp.exp(here.log_x)
    strength = 0.5 * jnp.exp(here.log_strength + 3.0 * tau) / here.heating / population(x, relic.ratio) ** 2
    norm = here.log_equilibrium - jnp.log(k2e(x) / x) - 3.0 * tau
    boltzmann = -x[:, None] * momentum**2 / (1.0 + jnp.hypot(1.0, momentum))
    exchange = jnp.minimum(here.exchange / here.heating, STRONGEST)
    return Bath(x, strength, exchange, norm[:, None] + boltzmann)


def _nodes() -> np.ndarray:
    """Times in units of the spacing: three before the start, 0, the ends of steps."""
    lengths = np.concatenate([np.full(count, length) for count, length in LENGTHS])
    return np.concatenate([[-3, -2, -1, 0], np.cumsum(lengths)])


def _start(problem: Problem, sm: SMInputs) -> Array:
    """ln x of the last time at which Y follows Y_eq closely."""
    t = jnp.linspace(np.log(EARLIEST), np.log(LATEST_START), SEARCHED)
    here = medium(problem, sm, 1.0, t)
    excess = here.log_strength + here.log_sigma_v + here.log_equilibrium - here.log_x - CLOSELY
    last = jnp.max(jnp.where(excess[:-1] > 0.0, jnp.arange(SEARCHED - 1), 0))
    share = jnp.clip(excess[last] / (excess[last] - excess[last + 1]), 0.0, 1.0)
    return stop_gradient(t[last] + share * (t[1] - t[0]))


def _late_heat(problem: Problem, sm: SMInputs, scale: ArrayLike, log_x0: Array) -> Array:
    """By how much more than they cool momenta grow in units of those of the start, logarithm: while γ > H the temperature is that of the plasma, T ~ 1/a, and p a ~ √a."""
    t = jnp.linspace(np.log(EARLIEST), LOG_X_END, WARM_SEARCHED)
    excess = jnp.log(medium(problem, sm, scale, t).exchange)
    last = jnp.max(jnp.where(excess[:-1] > 0.0, jnp.arange(WARM_SEARCHED - 1), 0))
    share = jnp.clip(excess[last] / (excess[last] - excess[last + 1]), 0.0, 1.0)
    warm_until = t[last] + share * (t[1] - t[0])
    return stop_gradient(jnp.clip(0.5 * (warm_until - log_x0), *LATE_HEAT))


def _log_x_at(mass: Array, sm: SMInputs, log_x0: Array, tau: np.ndarray) -> Array:
    """ln x at τ after the start, from T³ h(T) a³ = constant; without derivatives."""
    log_m = jnp.log(mass)
    log_x = jnp.linspace(0.0, TABLE_END, TABLE_POINTS)
    log_a = log_x - jnp.log(h_star(sm, jnp.exp(log_m - log_x))) / 3.0
    return stop_gradient(jnp.interp(jnp.interp(log_x0, log_x, log_a) + tau, log_a, log_x))


def _status(sm: SMInputs, problem: Problem, history: History) -> Array:
    _, before = relic_yield(problem.relic, sm)
    number = history.volume[None] * jnp.exp(history.marched.log_y)
    at_end = number[:, -1] / jnp.sum(number, axis=1)
    log_y = jnp.log(jnp.sum(number, axis=1))
    speed = jnp.abs(jnp.diff(log_y, append=log_y[-1:])) / jnp.diff(history.log_x, append=history.log_x[-1:] + 1.0)
    beyond = jnp.any((at_end > AT_THE_END) & (speed > MATTERS))
    return worst(
        before,
        status_if(~(jnp.max(history.marched.moves) < CONVERGED), Status.NOT_RESOLVED),
        status_if(beyond, Status.BEYOND_GRID),
    )
