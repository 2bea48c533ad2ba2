r"""Relic density without the assumption of kinetic equilibrium: the yield and the temperature T_χ of dark matter together.

With t = ln x, x = M/T, L = ln Y, θ = ln(T_χ/T), q = 1 + ⅓ dln h/dln T, H̃ = H/q, p₄(T) = ⟨p⁴/E³⟩/T, ρ = ⟨σv⟩₂/⟨σv⟩ (arXiv:1706.07433, 2103.01944):

    L′ = gain − loss,   loss = s⟨σv⟩(T_χ) Y/H̃,   gain = s⟨σv⟩(T) Y_eq²/(Y H̃),
    θ′ = (γ/H̃)(e^{−θ} − 1)(1 − p₄(T_χ)/6) + loss [1 − ρ(T_χ)] + gain [e^{−θ}ρ(T) − 1] + q p₄(T_χ)/3 − (2q − 1)

The last terms are the expansion (T_χ falls like a⁻² without γ). Dark matter is taken to have a Maxwell–Boltzmann distribution at T_χ. Where γ ≫ H this is
`boltzmann` again.

Solved by the implicit steps of `kinetic_steps`, on those of `boltzmann`, from x_f − 7 on, where Y = Y_eq and T_χ = T.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient
from jax.typing import ArrayLike

from darkbeauty.dark.averages import LOG_COLDEST, Averages, averages, look_up
from darkbeauty.dark.boltzmann import CLOSELY, FORGOTTEN, Relic, ingredients, mass_ratio, step_edges
from darkbeauty.dark.freeze_out import OMEGA_PER_YIELD
from darkbeauty.dark.kinetic_steps import NODES, Medium, rates, states_along
from darkbeauty.dark.rate_table import LOG_X_END, abscissae, at_log_x, to_coefficients
from darkbeauty.dark.scattering import log_total, parts
from darkbeauty.dark.thermo import g_star
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory
from darkbeauty.status import Status, status_if, worst

FINENESS = 2
"""Of the steps, as in `boltzmann`."""
RESOLVED = 0.05
"""ln Y(∞) by half as many steps has to be as close; the error is about an eighth of that."""
GAMMA_PANELS, GAMMA_DEGREE = 10, 5
"""Panels of a table of ln γ in ln x, one column for each of its parts, of polynomials of this degree: 3·10⁻⁴ of γ."""
NO_RATE = 1e-280
"""Added to the parts of γ [GeV], whose logarithms are tabulated."""
DECOUPLING_POINTS = 400
MATTERS = 1e-3
"""Annihilation below this rate, in units of the expansion, may happen at a T_χ beyond the table."""


class Kinetic(NamedTuple):
    """Ωh², Ωh² with γ/2 and with 2γ, shape (2,), half their distance, Y(∞), how it ended, and how the two did."""

    omega_h2: Array
    band: Array
    error: Array
    y_infinity: Array
    status: Array
    error_status: Array


class Decoupling(NamedTuple):
    """x and T [GeV] where γ falls below H, and whether it does."""

    x_kd: Array
    t_kd: Array
    status: Array


class KineticCurve(NamedTuple):
    """Y, T_χ/T and γ/H at several x, and how the solver ended."""

    y: Array
    temperature: Array
    exchange: Array
    status: Array


class Problem(NamedTuple):
    """Thermal averages, Chebyshev coefficients of ln γ in ln x by its parts, the particle."""

    averages: Averages
    log_gamma: Array
    relic: Relic


class Path(NamedTuple):
    """ln Y and ln(T_χ/T) at the ends of steps, shape (m, 2), what is left of a change of ln Y at the start, and whether T_χ stayed on the table."""

    state: Array
    memory: Array
    on_table: Array


def kinetic(p: Theory, fineness: int = FINENESS) -> Kinetic:
    """Relic density of the dark matter of a model, with its own temperature.

    Accuracy relative 1e-3 in solving the equations; what they leave out is more: the error for what scattering is uncertain by, and the shape of the distribution
    Domain   never in equilibrium, not resolved, or T_χ beyond the table while it matters: the status says so, that of the error where γ/2 or 2γ does it
    """
    problem = set_up(p)
    log_y, status = _solved(problem, p.sm, 1.0, fineness)
    slow_and_fast, error_status = _uncertain(problem, p.sm, fineness)
    per_yield = OMEGA_PER_YIELD * p.dark_matter.mass
    band = per_yield * slow_and_fast
    error = 0.5 * (band[0] - band[1])
    return Kinetic(per_yield * jnp.exp(log_y), band, error, jnp.exp(log_y), status, error_status)


def _uncertain(problem: Problem, sm: SMInputs, fineness: int) -> tuple[Array, Array]:
    """Y(∞) with γ/2 and with 2γ, and whether T_χ stayed on the table."""
    edges = step_edges(problem.relic, sm, fineness)
    both = jax.vmap(lambda scale: along(problem, sm, scale, edges))(jnp.array([0.5, 2.0]))
    return jnp.exp(both.state[:, -1, 0]), status_if(~jnp.all(both.on_table), Status.ERROR_UNKNOWN)


def decoupling(p: Theory) -> Decoupling:
    """When dark matter stops to scatter often enough: the last x = M/T at which γ = H.

    Accuracy relative 1e-4
    Domain   NO_ROOT where γ is below H from x = 1 on, or above it until 10⁶
    """
    mass = p.dark_matter.mass
    log_gamma = _log_gamma(p)
    t = jnp.linspace(0.0, LOG_X_END, DECOUPLING_POINTS)
    excess = _log_gamma_over_h(log_gamma, mass, p.sm, t)
    last = jnp.max(jnp.where(excess[:-1] > 0.0, jnp.arange(t.size - 1), -1))
    falls = (last >= 0) & (excess[-1] < 0.0)
    low = jnp.maximum(last, 0)
    drop = jnp.where(falls, excess[low] - excess[low + 1], 1.0)
    x = jnp.exp(t[low] + (t[1] - t[0]) * jnp.where(falls, excess[low] / drop, 0.0))
    return Decoupling(x, mass / x, status_if(~falls, Status.NO_ROOT))


def temperature_curve(p: Theory, x: ArrayLike) -> KineticCurve:
    """Y, T_χ/T and γ/H at x, for a plot.

    Args     x: 1 ≤ x ≤ 10⁶, shape (n,)
    """
    problem = set_up(p)
    log_x = jnp.clip(jnp.log(jnp.asarray(x, float)), 0.0, LOG_X_END)
    edges = jnp.sort(jnp.concatenate([step_edges(problem.relic, p.sm, FINENESS), log_x]))
    state = along(problem, p.sm, 1.0, edges).state[jnp.searchsorted(edges, log_x)]
    exchange = jnp.exp(_log_gamma_over_h(problem.log_gamma, problem.relic.mass, p.sm, log_x))
    _, status = _solved(problem, p.sm, 1.0, FINENESS)
    return KineticCurve(jnp.exp(state[:, 0]), jnp.exp(state[:, 1]), exchange, status)


def _solved(problem: Problem, sm: SMInputs, scale: ArrayLike, fineness: int) -> tuple[Array, Array]:
    """ln Y(∞) and how the solver ended."""
    fine, coarse = (along(problem, sm, scale, step_edges(problem.relic, sm, n)) for n in (fineness, fineness // 2))
    log_y = fine.state[-1, 0]
    return log_y, worst(
        status_if(~(fine.memory < FORGOTTEN), Status.NEVER_IN_EQUILIBRIUM),
        status_if(~(jnp.abs(log_y - stop_gradient(coarse.state[-1, 0])) < RESOLVED), Status.NOT_RESOLVED),
        status_if(~fine.on_table, Status.BEYOND_TABLE),
    )


def set_up(p: Theory) -> Problem:
    """Everything that does not depend on the steps."""
    dark = p.dark_matter
    tabulated = averages(dark)
    relic = Relic(lambda log_x: look_up(tabulated, log_x)[0], 0.0, dark.mass, mass_ratio(dark))
    return Problem(tabulated, _log_gamma(p), relic)


def along(problem: Problem, sm: SMInputs, scale: ArrayLike, edges: Array) -> Path:
    """From x = 1 on, with γ times a number; the stiff beginning is passed over, Y and T_χ being those of equilibrium."""
    lengths = edges[1:] - edges[:-1]
    stages = medium(problem, sm, scale, edges[:-1, None] + lengths[:, None] * NODES[None])
    last = jax.tree.map(lambda values: values[:, -1], stages)
    follows = last.log_strength + last.log_sigma_v + last.log_equilibrium - last.log_x > CLOSELY
    equilibrium = jnp.stack([last.log_equilibrium, jnp.zeros_like(lengths)], axis=-1)
    start = jnp.stack([ingredients(problem.relic, sm, edges[0]).log_equilibrium, jnp.zeros(())])
    steps = (stages, equilibrium, lengths, follows)
    states = states_along(problem.averages, start, steps)
    loss, gain, _ = rates(problem.averages, last, stop_gradient(states))
    log_xc = last.log_x - states[:, 1]
    on_table = follows | ((log_xc >= 0.0) & ((log_xc <= LOG_COLDEST) | (loss < MATTERS)))
    memory = jnp.exp(-jnp.sum(lengths * (loss + gain)))
    return Path(jnp.concatenate([start[None], states]), stop_gradient(memory), jnp.all(on_table))


def medium(problem: Problem, sm: SMInputs, scale: ArrayLike, t: Array) -> Medium:
    """All that depends on the time alone."""
    relic = problem.relic
    here = ingredients(relic._replace(log_sigma_v=jnp.zeros_like), sm, t)
    log_x = t + jnp.log(relic.mass) - stop_gradient(jnp.log(relic.mass))
    log_sigma_v, ratio, _ = look_up(problem.averages, log_x)
    exchange = jnp.asarray(scale) * here.heating * jnp.exp(_log_gamma_over_h(problem.log_gamma, relic.mass, sm, log_x))
    return Medium(log_x, here.log_rate, here.log_equilibrium, log_sigma_v, ratio, exchange, here.heating)


def _log_gamma(p: Theory) -> Array:
    """Chebyshev coefficients of ln γ in ln x, of each of its parts."""
    log_x = abscissae(GAMMA_PANELS, GAMMA_DEGREE)
    columns = parts(p, p.dark_matter.mass * np.exp(-log_x.ravel()))
    return to_coefficients(jnp.log(columns + NO_RATE).reshape(*log_x.shape, -1))


def _log_gamma_over_h(log_gamma: Array, mass: Array, sm: SMInputs, log_x: Array) -> Array:
    temperature = mass * jnp.exp(-log_x)
    hubble = jnp.sqrt(4.0 * jnp.pi**3 / 45.0 * g_star(sm, temperature)) * temperature**2 / sm.cosmology["M_Planck"]
    return log_total(sm, at_log_x(log_gamma, log_x), temperature) - jnp.log(hubble)
