r"""Relic density from the Boltzmann equation for the yield Y = n/s of a Majorana particle.

With t = ln x, x = m/T (Gondolo, Gelmini, Nucl. Phys. B360 (1991) 145):

    dY/dt = −Λ (Y² − Y_eq²),   Λ = √(π/45) M_Pl m g_*^{1/2} ⟨σv⟩/x,   g_*^{1/2} = (h/√g)(1 + ⅓ dln h/dln T),
    Y_eq = 45 · 2 x²K₂(x)/(4π⁴h),   Ωh² = 2.744·10⁸ (m/GeV) Y(∞);

with co-annihilation Y counts every particle, ⟨σv⟩ is the effective one and Y_eq has the population of `thermal_average` as a factor.

It is solved from Y(x=1) = Y_eq to x = 10⁶ by a fixed number of steps of `riccati`, which are closest around freeze-out and end at the knots of the table
of h. Derivatives of every order are those of the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.lax import stop_gradient
from jax.typing import ArrayLike

from darkbeauty.dark.freeze_out import DEGREES, OMEGA_PER_YIELD
from darkbeauty.dark.rate_table import LOG_X_END, X_END, log_rate, rate_table
from darkbeauty.dark.riccati import March, gauss_points, march
from darkbeauty.dark.thermal_average import population
from darkbeauty.dark.thermo import g_star, h_star
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import DarkMatter, Theory
from darkbeauty.numerics.bessel import k2e
from darkbeauty.status import Status, status_if, worst

FINENESS = 4
"""Steps per unit of what follows."""
EARLY = (-14.0, -10.0)
"""Step edges before anything has to be resolved; like all of them in s(x − x_f), e^{−s(x − x_f)} being how fast the equation changes at freeze-out."""
BEFORE, BEFORE_STEPS = -7.0, 6
STRETCH, AFTER_STEPS = 3.0, 30
"""Steps are even up to x_f, and in arcsinh[s(x − x_f)/3] from there on."""
FORGOTTEN = 1e-3
"""The answer counts as independent of the start if a change of ln Y(x=1) shows up in ln Y(∞) with less than this."""
RESOLVED = 0.01
"""ln Y(∞) by half as many steps has to be as close; the error, sixteen times smaller, then is below 10⁻³."""
CLOSELY = 7.0
"""Where Λ Y_eq/x is above e^7 Y follows Y_eq to 10⁻³, and steps need not resolve it."""
STEADY, CURVE_STEPS = 5.0, 2000
"""The same of a curve, which knows how far it is behind; steps of a curve up to x = 100."""
SEARCHED, SEARCH_END = 96, 100.0
"""Points at which freeze-out is looked for, and x of the last one."""

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
    """ln Λ, ln Y_eq and 1 + ⅓ dln h/dln T at temperatures."""

    log_rate: Array
    log_equilibrium: Array
    heating: Array


def boltzmann(p: Theory, fineness: int = FINENESS) -> Boltzmann:
    """Relic density of the dark matter of a model.

    Accuracy relative 2e-5 (6e-5 where m_Z′ = 2M exactly) with the default number of steps, 2e-4 with half as many (fineness = 2; an even number)
    Domain   where the particle never was in equilibrium, or the steps do not resolve the equation, the status says so and the numbers are finite
    """
    relic = relic_of(p)
    y_infinity, status = relic_yield(relic, p.sm, fineness)
    return Boltzmann(OMEGA_PER_YIELD * relic.mass * y_infinity, y_infinity, status)


def yield_curve(p: Theory, x: ArrayLike) -> YieldCurve:
    """Y and Y_eq at x, for a plot.

    Y is Y_eq √(1 + ε), ε = −(d ln Y_eq/dt)/(ΛY_eq), where it follows closely; then by steps of their own until long after freeze-out.
    Args     x: 1 ≤ x ≤ 10⁶, shape (n,)
    Accuracy relative 1e-3
    """
    relic = relic_of(p)
    log_x = jnp.clip(jnp.log(jnp.asarray(x, float)), 0.0, LOG_X_END)
    fine = jnp.linspace(0.0, np.log(SEARCH_END), CURVE_STEPS)
    edges = jnp.sort(jnp.concatenate([step_edges(relic, p.sm, FINENESS), fine, log_x]))
    log_y = _log_yield(relic, p.sm, edges).log_y[jnp.searchsorted(edges, log_x)]
    log_equilibrium = lambda t: ingredients(relic, p.sm, t).log_equilibrium
    here, (_, slope) = ingredients(relic, p.sm, log_x), jax.jvp(log_equilibrium, (log_x,), (jnp.ones_like(log_x),))
    excess = here.log_rate + here.log_equilibrium
    lag = jnp.maximum(-slope * jnp.exp(-excess), 0.0)
    steady = here.log_equilibrium + 0.5 * jnp.log1p(lag)
    _, status = relic_yield(relic, p.sm)
    return YieldCurve(jnp.exp(jnp.where(excess - log_x > STEADY, steady, log_y)), jnp.exp(here.log_equilibrium), status)


def relic_yield(relic: Relic, sm: SMInputs, fineness: int = FINENESS) -> tuple[Array, Array]:
    """Y(∞) and how the solver ended, for any ⟨σv⟩; differentiable in what `log_sigma_v` holds and in the rest.

    From 10⁶ on 1/Y grows by ∫ Λ dt, which matters where a resonance is within 10⁻⁵ of the threshold.
    """
    fine, coarse = (_log_yield(relic, sm, step_edges(relic, sm, n)) for n in (fineness, fineness // 2))
    log_y = fine.log_y[-1]
    status = worst(
        status_if(~(fine.memory < FORGOTTEN), Status.NEVER_IN_EQUILIBRIUM),
        status_if(~(jnp.abs(log_y - stop_gradient(coarse.log_y[-1])) < RESOLVED), Status.NOT_RESOLVED),
    )
    strength = ingredients(relic._replace(log_sigma_v=lambda log_x: log_x), sm, jnp.asarray(LOG_X_END)).log_rate
    return 1.0 / (jnp.exp(-log_y) + jnp.exp(strength) * relic.late), status


def relic_of(p: Theory) -> Relic:
    """The dark matter of a model."""
    dark = p.dark_matter
    table = rate_table(dark)
    return Relic(lambda log_x: log_rate(table.coefficients, log_x), table.late, dark.mass, mass_ratio(dark))


def mass_ratio(dark: DarkMatter) -> Array | None:
    """M_h/M where a heavier state co-annihilates."""
    return None if dark.heavy_mass is None else dark.heavy_mass / dark.mass


def ingredients(relic: Relic, sm: SMInputs, t: Array) -> Ingredients:
    """At the temperatures T = m e^{−t}, which stay where they are when m is varied (so that the kinks of h(T) do not move)."""
    log_temperature = jnp.log(stop_gradient(relic.mass)) - t
    log_x = jnp.log(relic.mass) - log_temperature
    log_h = lambda log_t: jnp.log(h_star(sm, jnp.exp(log_t)))
    h, growth = jax.jvp(log_h, (log_temperature,), (jnp.ones_like(log_x),))
    root_g = h - 0.5 * jnp.log(g_star(sm, jnp.exp(log_temperature))) + jnp.log1p(growth / 3.0)
    expansion = jnp.log(jnp.sqrt(jnp.pi / 45.0) * sm.cosmology["M_Planck"] * relic.mass)
    x = jnp.exp(log_x)
    density = jnp.log(45.0 * DEGREES / (4.0 * jnp.pi**4) * x**2 * k2e(x) * population(x, relic.ratio)) - x
    return Ingredients(expansion + root_g + relic.log_sigma_v(log_x) - log_x, density - h, 1.0 + growth / 3.0)


def step_edges(relic: Relic, sm: SMInputs, fineness: int) -> Array:
    """Edges of the steps in t from x = 1 to 10⁶, some of length zero where edges fall together; without derivatives."""
    t = jnp.linspace(0.0, np.log(SEARCH_END), SEARCHED)
    x_f, slope = map(stop_gradient, _freeze_out(t, ingredients(relic, sm, t)))
    before = np.concatenate([EARLY, np.linspace(BEFORE, 0.0, BEFORE_STEPS * fineness + 1)])
    whole = jnp.arcsinh((X_END - x_f) * slope / STRETCH)
    after = STRETCH * jnp.sinh(whole * np.linspace(0.0, 1.0, AFTER_STEPS * fineness + 1)[1:])
    x = jnp.clip(x_f + jnp.concatenate([jnp.asarray(before), after]) / slope, 1.0, X_END)
    knots = jnp.clip(jnp.log(stop_gradient(relic.mass)) - jnp.asarray(sm.thermodynamics.log_t), 0.0, LOG_X_END)
    edges = jnp.sort(jnp.concatenate([jnp.zeros(1), jnp.log(x), knots]))
    return stop_gradient(edges)


def _log_yield(relic: Relic, sm: SMInputs, edges: Array) -> March:
    here = ingredients(relic, sm, gauss_points(edges))
    start = ingredients(relic, sm, edges[0]).log_equilibrium
    return march(start, here.log_rate, here.log_equilibrium, edges[1:] - edges[:-1])


def _freeze_out(t: Array, early: Ingredients) -> tuple[Array, Array]:
    """x where Λ Y_eq last falls below x, on a grid of t (1 if it never was above), and −d ln(Λ Y_eq)/dx there, at least 1: only steers steps."""
    excess = early.log_rate + early.log_equilibrium - t
    index = jnp.max(jnp.where(excess[:-1] > 0.0, jnp.arange(1, t.size), 0))
    x, start = jnp.exp(t), jnp.maximum(index - 1, 0)
    slope = (excess[start] - excess[start + 1]) / (x[start + 1] - x[start])
    return x[index], jnp.maximum(slope, 1.0)
