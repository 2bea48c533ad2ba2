r"""Relic density from the Boltzmann equation for the yield Y = n/s of a Majorana particle.

With t = ln x, x = m/T (Gondolo, Gelmini, Nucl. Phys. B360 (1991) 145):

    dY/dt = −Λ (Y² − Y_eq²),   Λ = √(π/45) M_Pl m g_*^{1/2} ⟨σv⟩/x,   g_*^{1/2} = (h/√g)(1 + ⅓ dln h/dln T),
    Y_eq = 45 · 2 x²K₂(x)/(4π⁴h),   Ωh² = 2.744·10⁸ (m/GeV) Y(∞);

with co-annihilation Y counts every particle, ⟨σv⟩ is the effective one and Y_eq has the population of `thermal_average` as a factor.

It is solved from Y(x=1) = Y_eq to x = 10⁶ for v = ln(Y/Y_eq), tiny while the equation is stiff, up to an estimate of freeze-out, and for the logarithm
of Y over Y_eq there, which soon is constant, from then on. Λ and Y_eq enter as polynomials on panels that end at the knots
of the table of h and are finest around freeze-out.

Derivatives do not go through the solver. To first order in a change δΛ, δY_eq at fixed temperature, with f the right-hand side for W = ln Y,

    δW(end) = ∫ a(t) δf(t, W(t)) dt,   a(t) = exp ∫_t^end ∂f/∂W dt′,

a quadrature on the same panels: linear in the change, so forward and reverse mode both follow from it, and no step is stored. Second
derivatives are not those of the equation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, cast

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import optimistix
from jax import Array
from jax.lax import stop_gradient
from jax.typing import ArrayLike

from darkbeauty.dark.freeze_out import DEGREES, OMEGA_PER_YIELD, tail_integral
from darkbeauty.dark.thermal_average import X_REFERENCE, population, spectrum
from darkbeauty.dark.thermo import g_star, h_star
from darkbeauty.dark.yield_table import LOG_X_END, X_END, log_rate, rate_table
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory
from darkbeauty.numerics.bessel import k2e
from darkbeauty.numerics.quadrature import gauss_legendre
from darkbeauty.status import Status, status_if

TOLERANCE = 1e-6
MAX_STEPS = 2048
PANEL_NODES = 8
EDGES = (-20.0, -8.0, -6.0, -4.5, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 7.0, 11.0)
"""Panel edges in x − x_f; from x_f + 11 on every factor of 1.7."""
RATIO = 1.7
LATE = 20
FORGOTTEN = 1e-3
"""The answer counts as independent of the start if a change of ln Y(x=1) shows up in ln Y(∞) with less than this."""

LogRate = Callable[[Array], Array]
"""ln x → ln(⟨σv⟩ GeV²), elementwise."""


class Boltzmann(NamedTuple):
    """Ωh², Y(∞), and how it ended."""

    omega_h2: Array
    y_infinity: Array
    status: Array


class YieldCurve(NamedTuple):
    """Y and Y_eq at several x, and how the solver ended."""

    y: Array
    equilibrium: Array
    status: Array


class Relic(NamedTuple):
    """A particle for the equation: ln⟨σv⟩, ∫ ⟨σv⟩ dx/x² from x = 10⁶ on [GeV⁻²], its mass, and M_h/M where a heavier one co-annihilates."""

    log_sigma_v: LogRate
    late: ArrayLike
    mass: Array
    ratio: Array | None = None


class Ingredients(NamedTuple):
    """ln Λ, ln Y_eq, d ln Y_eq/dt at temperatures."""

    log_rate: Array
    log_equilibrium: Array
    slope: Array


class Panels(NamedTuple):
    """Panel edges in t, shape (m+1,), Gauss–Legendre nodes, shape (m, n), half widths, shape (m,)."""

    edges: Array
    nodes: Array
    half: Array


class Equation(NamedTuple):
    """The right-hand side: panel edges, coefficients of the ingredients in powers of the panel's own variable, shape (m, n, 3), t and ln Y_eq
    about freeze-out."""

    edges: Array
    coefficients: Array
    t_f: Array
    log_floor: Array


def boltzmann(p: Theory) -> Boltzmann:
    """Relic density of the dark matter of a model.

    Accuracy relative 1e-5 (solver 1e-6, ⟨σv⟩ 1e-6); derivatives 1e-4
    Domain   where the particle never was in equilibrium, or the solver gives up, the status says so and the numbers are finite
    """
    relic = _relic(p)
    y_infinity, status = relic_yield(relic, p.sm)
    return Boltzmann(OMEGA_PER_YIELD * relic.mass * y_infinity, y_infinity, status)


def yield_curve(p: Theory, x: ArrayLike) -> YieldCurve:
    """Y and Y_eq at x, for a plot: not differentiable.

    Args     x: increasing, 1 ≤ x ≤ 10⁶, shape (n,)
    Accuracy relative 1e-5
    """
    relic = _relic(p)
    equation, *_ = _set_up(relic, p.sm)
    log_x = jnp.clip(jnp.log(jnp.asarray(x, float)), 0.0, LOG_X_END)
    log_y, solved = _solve(equation, log_x, log_x)
    equilibrium = jnp.exp(_ingredients(relic, p.sm, log_x).log_equilibrium)
    return YieldCurve(jnp.exp(log_y), equilibrium, status_if(~solved, Status.STEPS_EXHAUSTED))


def relic_yield(relic: Relic, sm: SMInputs) -> tuple[Array, Array]:
    """Y(∞) and how the solver ended, for any ⟨σv⟩; differentiable in what `log_sigma_v` holds and in the rest.

    From 10⁶ on 1/Y grows by ∫ Λ dt, which matters where a resonance is within 10⁻⁵ of the threshold.
    """
    equation, panels, here = _set_up(relic, sm)
    log_y, solved = stop_gradient(_solve(equation, jnp.append(panels.nodes.ravel(), LOG_X_END)))
    log_end, memory = _differentiable(here, panels, log_y[:-1].reshape(panels.nodes.shape), log_y[-1])
    strength = _ingredients(relic._replace(log_sigma_v=lambda log_x: log_x), sm, jnp.asarray(LOG_X_END)).log_rate
    return 1.0 / (jnp.exp(-log_end) + jnp.exp(strength) * relic.late), jnp.where(
        solved, status_if(~(memory < FORGOTTEN), Status.NEVER_IN_EQUILIBRIUM), int(Status.STEPS_EXHAUSTED)
    )


def _relic(p: Theory) -> Relic:
    dark = p.dark_matter
    table = rate_table(dark)
    last = spectrum(dark, np.sqrt(X_REFERENCE / X_END))
    return Relic(lambda log_x: log_rate(table, log_x), tail_integral(last, X_END), dark.mass, last.ratio)


def _ingredients(relic: Relic, sm: SMInputs, t: Array) -> Ingredients:
    """At the temperatures T = m e^{−t}, which stay where they are when m is varied (so that the kinks of h(T) do not move)."""
    log_temperature = jnp.log(stop_gradient(relic.mass)) - t
    log_x = jnp.log(relic.mass) - log_temperature
    log_h = lambda log_t: jnp.log(h_star(sm, jnp.exp(log_t)))
    h, growth = jax.jvp(log_h, (log_temperature,), (jnp.ones_like(log_x),))
    density, slope = jax.jvp(lambda log_x: _log_density(relic, jnp.exp(log_x)), (log_x,), (jnp.ones_like(log_x),))
    root_g = h - 0.5 * jnp.log(g_star(sm, jnp.exp(log_temperature))) + jnp.log1p(growth / 3.0)
    expansion = jnp.log(jnp.sqrt(jnp.pi / 45.0) * sm.cosmology["M_Planck"] * relic.mass)
    return Ingredients(expansion + root_g + relic.log_sigma_v(log_x) - log_x, density - h, slope + growth)


def _log_density(relic: Relic, x: Array) -> Array:
    """ln(Y_eq h), with all that co-annihilates."""
    return jnp.log(45.0 * DEGREES / (4.0 * jnp.pi**4) * x**2 * k2e(x) * population(x, relic.ratio)) - x


def _set_up(relic: Relic, sm: SMInputs) -> tuple[Equation, Panels, Ingredients]:
    """The equation on its panels, without derivatives, and the ingredients on the nodes, with them."""
    coarse = jnp.linspace(0.0, np.log(100.0), 200)
    t_f, log_floor = _freeze_out(coarse, _ingredients(relic, sm, coarse))
    panels = stop_gradient(_panels(t_f, jnp.asarray(relic.mass, float), sm))
    here = _ingredients(relic, sm, panels.nodes)
    to_powers = np.linalg.inv(np.vander(gauss_legendre(PANEL_NODES)[0], increasing=True))
    equation = Equation(panels.edges, cast(Array, to_powers @ jnp.stack(here, axis=-1)), t_f, log_floor)
    return stop_gradient(equation), panels, here


def _freeze_out(t: Array, early: Ingredients) -> tuple[Array, Array]:
    """t and ln Y_eq where Λ Y_eq last falls below x, on a grid of t: only steers panels and variable. t = 0 if it never was above."""
    excess = early.log_rate + early.log_equilibrium - t
    index = jnp.max(jnp.where(excess[:-1] > 0.0, jnp.arange(1, t.size), 0))
    return t[index], early.log_equilibrium[index]


def _panels(t_f: Array, mass: Array, sm: SMInputs) -> Panels:
    """Panels from x = 1 to 10⁶, some of zero width where edges fall together."""
    x = jnp.exp(t_f) + jnp.asarray(EDGES)
    late = jnp.log(x[-1]) + np.log(RATIO) * np.arange(1, LATE + 1)
    edges = jnp.concatenate([jnp.log(jnp.maximum(x, 1.0)), late, jnp.array([0.0, LOG_X_END])])
    knots = jnp.log(mass) - jnp.asarray(sm.thermodynamics.log_t)
    edges = jnp.sort(jnp.clip(jnp.concatenate([edges, knots]), 0.0, LOG_X_END))
    half = 0.5 * (edges[1:] - edges[:-1])
    nodes = edges[:-1, None] + half[:, None] * (1.0 + gauss_legendre(PANEL_NODES)[0])[None]
    return Panels(edges, jnp.minimum(nodes, LOG_X_END), half)


def _solve(equation: Equation, t: Array, stop_at: Array | None = None) -> tuple[Array, Array]:
    """ln Y at increasing t, and whether the solver got there.

    Between its steps the solver interpolates, well where the equation is not stiff; at stop_at it ends a step. It ends one at every panel edge, where
    the right-hand side may jump. Newton's method in full: the chord method of diffrax's default fails in nearly every stiff step.
    """
    steps = diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE)
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, v, equation: _velocity(equation, t, v)),
        diffrax.Kvaerno4(root_finder=diffrax.with_stepsize_controller_tols(optimistix.Newton)()),
        0.0,
        LOG_X_END,
        1e-3,
        jnp.zeros(()),
        args=equation,
        saveat=diffrax.SaveAt(dense=True),
        stepsize_controller=diffrax.ClipStepSizeController(steps, step_ts=stop_at, jump_ts=equation.edges[1:-1]),
        adjoint=diffrax.ForwardMode(),
        max_steps=MAX_STEPS,
        throw=False,
    )
    v, solved = jax.vmap(solution.evaluate)(t), solution.result == diffrax.RESULTS.successful
    return _reference(equation, t) + jnp.where(jnp.isfinite(v), v, 0.0), solved


def _reference(equation: Equation, t: Array) -> Array:
    """ln Y_eq until freeze-out, its value there afterwards."""
    return jnp.where(t < equation.t_f, _at(equation, t)[..., 1], equation.log_floor)


def _velocity(equation: Equation, t: ArrayLike, v: Array) -> Array:
    """dv/dt; written for the digits of a small v, with which a large Λ is multiplied."""
    log_rate, equilibrium, slope = _at(equation, t)
    is_early = t < equation.t_f
    departure = jnp.where(is_early, v, equation.log_floor - equilibrium + v)
    loss = -jnp.exp(log_rate + equilibrium + departure) * jnp.expm1(-2.0 * departure)
    return -loss - jnp.where(is_early, slope, 0.0)


def _at(equation: Equation, t: ArrayLike) -> Array:
    """ln Λ, ln Y_eq, d ln Y_eq/dt at t, shape (..., 3)."""
    edges = equation.edges
    index = jnp.clip(jnp.searchsorted(edges, t, side="right", method="compare_all") - 1, 0, edges.size - 2)
    low, high = edges[index], edges[index + 1]
    u = jnp.where(high > low, (2.0 * t - low - high) / jnp.where(high > low, high - low, 1.0), 0.0)
    c = equation.coefficients[index]
    total = c[..., PANEL_NODES - 1, :]
    for k in range(PANEL_NODES - 2, -1, -1):
        total = total * u[..., None] + c[..., k, :]
    return total


def _differentiable(here: Ingredients, panels: Panels, log_y: Array, log_end: Array) -> tuple[Array, Array]:
    """ln Y at the end with its derivatives, and what is left there of a change of ln Y at the start."""
    loss = jnp.exp(here.log_rate + log_y)
    gain = jnp.exp(here.log_rate + 2.0 * here.log_equilibrium - log_y)
    influence, memory = _adjoint(stop_gradient(loss + gain), panels)
    weight = influence * panels.half[:, None] * gauss_legendre(PANEL_NODES)[1][None]
    change = gain - loss
    start = here.log_equilibrium[0, 0]
    first_order = jnp.sum(weight * (change - stop_gradient(change))) + memory * (start - stop_gradient(start))
    return log_end + first_order, memory


def _adjoint(decay: Array, panels: Panels) -> tuple[Array, Array]:
    """a(t) at the nodes and at t = 0; exactly 0 in panels whose end already has a < 1e-17, where the integrand is not resolved."""
    x, w = gauss_legendre(PANEL_NODES)
    totals = panels.half * (decay @ w)
    after = jnp.cumsum(totals[::-1])[::-1] - totals
    rest = panels.half[:, None] * (decay @ _integrate_to_end(x).T)
    seen = after < 40.0
    exponent = jnp.where(seen[:, None], after[:, None] + rest, 0.0)
    return jnp.where(seen[:, None], jnp.exp(-exponent), 0.0), jnp.exp(-jnp.sum(totals))


def _integrate_to_end(x: np.ndarray) -> np.ndarray:
    """Matrix of ∫_{x_i}^1 of the polynomial through values at the nodes x_j."""
    powers = np.arange(1, x.size + 1)
    integrals = (1.0 - x[:, None] ** powers) / powers
    return integrals @ np.linalg.inv(np.vander(x, increasing=True))
