r"""Relic density by instantaneous freeze-out.

x_f = ln[0.038 · g · M_Pl M ⟨σv⟩(x_f)/√(g_* x_f)],   Ωh² = 1.07·10⁹ GeV⁻¹/(√g_* M_Pl J),   J = ∫_{x_f}^∞ ⟨σv⟩ dx/x²,

g = 2, times the population of `thermal_average` where heavier particles co-annihilate (Griest, Seckel, Phys. Rev. D43 (1991) 3191).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import erfc

from darkbeauty.dark.thermal_average import (
    FINE_LEVELS,
    X_REFERENCE,
    Spectrum,
    average,
    channel_averages,
    population,
    spectrum,
    thermal_kernel,
)
from darkbeauty.dark.thermo import g_star, h_star
from darkbeauty.models.sectors import DarkMatter, Theory
from darkbeauty.numerics.bessel import k1e_large, k2e_large
from darkbeauty.numerics.quadrature import kept, legendre_rule, total
from darkbeauty.status import Status, status_if

DEGREES = 2.0
X_MIN, X_MAX = 1.0, 100.0
GRID, FINER, ITERATIONS, SMALL_STEP = 16, 8, 4, 1e-6
ESTIMATE_NODES = 8
TAIL_NODES = 8
TAIL_EDGES = (0.0, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 14.0)
"""Panels in ln(x/x_f) for what co-annihilation takes off the tail."""
CONVERGED, LEAST_SLOPE = 1e-10, 0.2
OMEGA_PER_YIELD = 2.744e8
"""s₀/(ρ_c/h²) today [1/GeV]: 2891.2 cm⁻³ over 1.05371e-5 GeV cm⁻³ (PDG)."""


class FreezeOut(NamedTuple):
    """x_f, J [GeV⁻²], Ωh², and how it ended."""

    x_f: Array
    j: Array
    omega_h2: Array
    status: Array


def freeze_out(p: Theory) -> FreezeOut:
    """Freeze-out of the dark matter of a model.

    Method   freeze-out at once, 5 to 25 % from the Boltzmann equation away from the resonance, a factor 2 on it and far above it: Omega_h2(boltzmann)
    Accuracy relative 1e-7 in J for x_f ≥ 3, 4e-5 at x_f = 1; where the particle never was in equilibrium (no solution with x_f > 1) the status says so, x_f is held at 1
             and Ωh² is the overabundance of `never_in_equilibrium`
    """
    dark = p.dark_matter
    x_f, status, nodes = solve_x_f(p, dark)
    j = tail_integral(nodes, x_f)
    root_g = jnp.sqrt(g_star(p.sm, dark.mass / x_f))
    thermal = dark.omega_constant / (root_g * p.sm.cosmology["M_Planck"] * j)
    solved = status != Status.NEVER_IN_EQUILIBRIUM
    return FreezeOut(x_f, j, jnp.where(solved, thermal, never_in_equilibrium(p, dark.mass)), status)


def never_in_equilibrium(p: Theory, mass: Array) -> Array:
    """Ωh² = 2.744·10⁸ (m/GeV) Y, Y = 45 g x²K₂(x)/(4π⁴ h(m/x)) at x = 2: the abundance of a relic that stops annihilating there."""
    x = 2.0
    y_equilibrium = 45.0 * DEGREES * x**2 * k2e_large(x) * jnp.exp(-x) / (4.0 * jnp.pi**4 * h_star(p.sm, mass / x))
    return OMEGA_PER_YIELD * mass * y_equilibrium


def solve_x_f(p: Theory, dark: DarkMatter) -> tuple[Array, Array, Spectrum]:
    """x_f, how the search for it ended, and a spectrum made for it.

    A coarse spectrum that reaches to x = 1 (a resonance far above threshold may rule there) gives the estimate for which the good one is made. x_f is an
    implicit function of what the residual holds: its derivatives of every order are exact.
    """
    crosses, estimate = _estimate(*jax.lax.stop_gradient((p, dark)))
    nodes = spectrum(dark, jnp.sqrt(X_REFERENCE / estimate))
    x, left = jax.lax.custom_root(partial(_residual, p, dark, nodes), estimate, _search, _implicitly, has_aux=True)
    ok = jnp.abs(left) < CONVERGED * x
    failed = status_if(~ok, Status.NO_ROOT)
    status = jnp.where(ok | (crosses & (x > X_MIN)), failed, int(Status.NEVER_IN_EQUILIBRIUM))
    return jnp.where(ok, x, X_MIN), status, nodes


def _estimate(p: Theory, dark: DarkMatter) -> tuple[Array, Array]:
    """Whether the residual changes sign, and where last: on a grid, on a finer one, then between two points of that; 1 if nowhere.

    Newton's method by itself gets lost where a resonance takes over from a continuum.
    """
    nodes = spectrum(dark, np.sqrt(X_REFERENCE / X_MIN), ESTIMATE_NODES, FINE_LEVELS)
    residuals = jax.vmap(partial(_residual, p, dark, nodes))
    grid = jnp.geomspace(X_MIN, X_MAX, GRID)
    crosses, (low, high), _ = _last_change(grid, residuals(grid))
    finer = low * (high / low) ** np.linspace(0.0, 1.0, FINER)
    _, (low, high), (below, above) = _last_change(finer, residuals(finer))
    return crosses, jnp.where(crosses, low + (high - low) * jnp.clip(below / (below - above), 0.0, 1.0), X_MIN)


def _last_change(x: Array, values: Array) -> tuple[Array, tuple[Array, Array], tuple[Array, Array]]:
    """Whether one of the values but the last is negative, and the last such one and its successor: where they are, what they are."""
    last = jnp.max(jnp.where(values[:-1] < 0.0, jnp.arange(len(x) - 1), -1))
    here = jnp.maximum(last, 0)
    return last >= 0, (x[here], x[here + 1]), (values[here], values[here + 1])


def _search(residual: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """A root, and the residual before the last step to it: at most so many Newton steps, fewer where one was so small that the next is the last."""

    def move(state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        count, x, _ = state
        value, slope = _step(residual, x)
        new = jnp.clip(x - value / slope, X_MIN, X_MAX)
        return count + 1, new, jnp.abs(new - x) > SMALL_STEP * x

    under_way = lambda state: (state[0] < ITERATIONS) & state[2]
    x = jax.lax.while_loop(under_way, move, (jnp.asarray(0), x, jnp.asarray(True)))[1]
    value, slope = _step(residual, x)
    return jnp.clip(x - value / slope, X_MIN, X_MAX), value


def _step(residual: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
    """The residual and its slope."""
    value, slope = jax.jvp(residual, (x,), (jnp.ones_like(x),))
    return value, jnp.maximum(slope, LEAST_SLOPE)


def _implicitly(along: Callable[[Array], Array], change: Array) -> Array:
    """How far x moves when the residual changes."""
    return change / jnp.maximum(along(jnp.ones_like(change)), LEAST_SLOPE)


def _residual(p: Theory, dark: DarkMatter, nodes: Spectrum, x: Array) -> Array:
    """x − ln[…]"""
    degrees = DEGREES * population(x, nodes.ratio)
    rate = 0.038 * degrees * p.sm.cosmology["M_Planck"] * dark.mass * average(nodes, x)
    return x - jnp.log(rate / jnp.sqrt(g_star(p.sm, dark.mass / x) * x) + 1e-300)


def tail_integral(nodes: Spectrum, x_f: Array | float) -> Array:
    r"""J = ∫_{x_f}^∞ ⟨σv⟩ dx/x².   [GeV⁻²]

    For each node of the spectrum the x integrand is x^{−1/2} e^{−bx} h(x_f/x), b = 2(q−1), with h smooth: a polynomial of degree 7 in x_f/x
    whose moments are incomplete gamma functions. Co-annihilation divides by population(x)², which goes to 1: what it takes off is integrated
    numerically in ln x, up to x = 10⁶ x_f.
    """
    whole = total(nodes.weight * _shares(nodes.excess, jnp.asarray(x_f, float)))
    return whole if nodes.ratio is None else whole - _taken_off(nodes, x_f)


def _tail_shares(excess: Array, x_f: Array) -> Array:
    """∫_{x_f}^∞ kernel(x, excess) dx/x² of every node, in one loop over the nodes: nothing is stacked, or XLA would compute it once for every row."""
    q, b = 1.0 + excess, 2.0 * excess
    v = 0.5 * (1.0 - np.cos(np.pi * (np.arange(TAIL_NODES) + 0.5) / TAIL_NODES))
    to_powers = np.linalg.inv(np.vander(v, increasing=True))
    x = [x_f / fraction for fraction in v]
    h = [k1e_large(2.0 * x_i * q) / (jnp.sqrt(x_i) * k2e_large(x_i) ** 2) for x_i in x]
    # ∫_{x_f}^∞ x^{−1/2} (x_f/x)^k e^{−bx} dx, from k = 0 up
    exponential, argument = jnp.sqrt(x_f) * jnp.exp(-b * x_f), b * x_f
    moment = jnp.sqrt(jnp.pi / b) * erfc(jnp.sqrt(argument))
    share = jnp.zeros_like(excess)
    for k, row in enumerate(to_powers):
        share += moment * sum(c * value for c, value in zip(row, h))
        moment = (exponential - argument * moment) / (k + 0.5)
    return share


_shares = jax.custom_jvp(_tail_shares)


@_shares.defjvp
def _(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    """The slope of every node is computed beside its value, so that reverse mode keeps nothing else; the lower end of the integral moves."""
    excess, x_f = primals
    value, slope = jax.jvp(lambda excess: _tail_shares(excess, x_f), (excess,), (jnp.ones_like(excess),))
    return kept(value), kept(slope) * tangents[0] - kept(thermal_kernel(x_f, excess)) / x_f**2 * tangents[1]


def _taken_off(nodes: Spectrum, x_f: Array | float) -> Array:
    """∫_{x_f}^∞ (1 − 1/population²) Σ weight · kernel dx/x²."""

    def integrand(log_x: Array) -> Array:
        x = x_f * jnp.exp(log_x)
        return total(nodes.weight * thermal_kernel(x, nodes.excess)) * (1.0 - population(x, nodes.ratio) ** -2) / x

    log_x, weight = (
        jnp.concatenate(column) for column in zip(*(legendre_rule(a, b, 8) for a, b in pairwise(TAIL_EDGES)))
    )
    return weight @ jax.lax.map(integrand, log_x)


class Shares(NamedTuple):
    """Share of every final state in ⟨σv⟩ at freeze-out, and how the search for freeze-out ended."""

    by_final: dict[str, Array]
    status: Array


def annihilation_shares(p: Theory) -> Shares:
    """What the dark matter annihilates into at freeze-out."""
    dark = p.dark_matter
    x_f, status, _ = solve_x_f(p, dark)
    rates = channel_averages(dark, x_f)
    whole = jnp.asarray(sum(rates.values()))
    divisor = jnp.where(whole > 0.0, whole, 1.0)
    return Shares({final: rate / divisor for final, rate in rates.items()}, status)
