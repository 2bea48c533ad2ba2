"""Freeze-out against quadrature over the thermal average (itself checked in test_thermal_average), and the check values of physics.md §7."""

from __future__ import annotations

from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import M_PLANCK

from darkbeauty.dark import freeze_out, thermal_average, thermo
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
A_II = {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8, "chi": 0.0}
NAMES = tuple(A_I)
MODEL = resolve_model("lmu_ltau_s1")


@pytest.fixture(scope="module")
def solve():
    """point → FreezeOut, compiled once."""
    compiled = eqx.filter_jit(lambda values: freeze_out.freeze_out(MODEL.at(dict(zip(NAMES, values))).derive()))
    return lambda point: compiled([jnp.asarray(point[name], float) for name in NAMES])


@pytest.fixture(scope="module")
def sigma_v():
    """(point, many x) → ⟨σv⟩, compiled once per length of x."""
    one = lambda values, x: thermal_average.sigma_v(MODEL.at(dict(zip(NAMES, values))).derive().dark_matter, x)
    many = jax.jit(jax.vmap(one, in_axes=(None, 0)))
    return lambda point, x: np.asarray(many([jnp.asarray(point[name], float) for name in NAMES], x))


# -- freeze-out --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "x_f", "j", "omega_h2"),
    [(A_I, 20.3276, 5.19139e-11, 0.41130), (A_II, 18.6539, 5.78654e-12, 3.6249)],
)
def test_benchmarks(solve, point, x_f, j, omega_h2):
    """Check values of physics.md §7."""
    found = solve(point)
    assert found.status == Status.SUCCESS
    assert float(found.x_f) == pytest.approx(x_f, rel=5e-6, abs=0.0)
    assert float(found.j) == pytest.approx(j, rel=2e-5, abs=0.0)
    assert float(found.omega_h2) == pytest.approx(omega_h2, rel=2e-5, abs=0.0)


TAIL = [
    A_I,
    A_II,
    {"y": 0.3, "g": 1e-3, "m_zp": 2.0, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 1e-3, "m_zp": 2.002, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 1e-3, "m_zp": 2.04, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 2e-3, "m_zp": 1.9, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.1, "g": 5e-3, "m_zp": 3.0, "m_dm": 1.0, "chi": 0.0},
    {"y": 0.1, "g": 1e-2, "m_zp": 1.0, "m_dm": 2.3, "chi": 0.0},
    {"y": 0.3, "g": 2e-4, "m_zp": 1.98, "m_dm": 1.0, "chi": 1e-3},  # x_f = 3
    {"y": 0.05, "g": 5e-4, "m_zp": 4.0, "m_dm": 0.8, "chi": 0.0},  # a resonance far off rules at x_f = 7
    {"y": 0.3, "g": 2e-3, "m_zp": 4.0, "m_dm": 0.39, "chi": 0.0},  # and hands over to the continuum
    {"y": 0.3, "g": 2e-3, "m_zp": 4.0, "m_dm": 0.4853, "chi": 0.0},
]
LOG_EDGES = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 7.0, 9.0, 11.0, 13.0, 15.0, 18.0, 21.0, 25.0])


def log_rule(n: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Nodes ln(x/x_f) and weights, panel by panel."""
    x, w = np.polynomial.legendre.leggauss(n)
    middle, half = 0.5 * (LOG_EDGES[1:] + LOG_EDGES[:-1])[:, None], 0.5 * np.diff(LOG_EDGES)[:, None]
    return (middle + half * x).ravel(), (half * w).ravel()


@pytest.mark.parametrize("point", TAIL)
def test_solution(solve, sigma_v, point):
    """x_f solves its equation, J = ∫ ⟨σv⟩/x² dx, and Ωh² follows: each with ⟨σv⟩ from `sigma_v`, itself checked elsewhere."""
    found = solve(point)
    x_f, m_dm = float(found.x_f), point["m_dm"]
    assert found.status == Status.SUCCESS
    sm = load_sm().thermodynamics
    g_star = np.interp(np.log10(m_dm / x_f), sm.log_t / np.log(10.0), sm.g_rho)
    log_x, weight = log_rule()
    rates = sigma_v(point, np.append(x_f * np.exp(log_x), x_f))
    assert np.log(0.076 * M_PLANCK * m_dm * rates[-1] / np.sqrt(g_star * x_f)) == pytest.approx(x_f, rel=1e-9, abs=0.0)
    j = weight @ (rates[:-1] * np.exp(-log_x)) / x_f
    assert float(found.j) == pytest.approx(j, rel=2e-7, abs=0.0)
    expected = 1.07e9 / (np.sqrt(g_star) * M_PLANCK * float(found.j))
    assert float(found.omega_h2) == pytest.approx(expected, rel=1e-9, abs=0.0)


@pytest.fixture(scope="module")
def solve_many():
    """Points, shape (n, 5) with n a multiple of 32, → FreezeOut, compiled once per n."""
    one = lambda values: freeze_out.freeze_out(MODEL.at(dict(zip(NAMES, values))).derive())
    return jax.jit(lambda points: jax.lax.map(one, points, batch_size=32))


def test_a_solution_is_found_wherever_there_is_one(solve_many, sigma_v):
    """m/T where the rate falls below expansion, on a grid: in half of the box it is below 8, and a resonance can set it on its own."""
    random = np.random.default_rng(4)
    y, g = 10.0 ** random.uniform((-2.0, -4.0), (0.3, -2.0), (256, 2)).T
    points = np.column_stack([y, g, random.uniform(1.0, 6.0, 256), random.uniform(0.05, 2.5, 256), np.zeros(256)])
    found = solve_many(points)
    x, sm = np.geomspace(1.0, 100.0, 41), load_sm().thermodynamics
    solved = 0
    for k, values in enumerate(points):
        m_dm = values[3]
        g_star = np.interp(np.log10(m_dm / x), sm.log_t / np.log(10.0), sm.g_rho)
        rate = 0.076 * M_PLANCK * m_dm * sigma_v(dict(zip(NAMES, values)), x) / np.sqrt(g_star * x)
        early = np.nonzero(np.log(rate) > x)[0]
        assert found.status[k] == (Status.SUCCESS if early.size else Status.NEVER_IN_EQUILIBRIUM), values
        if early.size:
            solved += 1
            assert x[early[-1]] * (1.0 - 1e-9) < found.x_f[k] < x[early[-1] + 1] * (1.0 + 1e-9), values
    assert 200 < solved < 250


def test_smooth_where_the_resonance_leaves_the_integral(solve_many):
    """Above √s = 2m(1 + 30/x_f) nothing is integrated; 2106.03735's box with m_zp = 4 and m_dm from 0.45 to 0.8 crosses that at 0.55."""
    m_dm = np.linspace(0.45, 0.8, 416)
    points = np.column_stack([np.full(416, value) for value in (2.0, 0.01, 4.0)] + [m_dm, np.zeros(416)])
    found = solve_many(points)
    outside = 2.0 * m_dm * (1.0 + 30.0 / np.asarray(found.x_f)) < 4.0
    assert np.all(found.status == Status.SUCCESS) and outside.any() and not outside.all()
    assert np.max(np.abs(np.diff(np.log(found.j), 4))) < 2e-9


def test_never_in_equilibrium(solve):
    """Nothing annihilates: no solution for x_f, which is said, and finite numbers."""
    found = solve({"y": 0.01, "g": 1e-12, "m_zp": 5.0, "m_dm": 0.1, "chi": 0.0})
    assert found.status == Status.NEVER_IN_EQUILIBRIUM and float(found.x_f) == 1.0
    assert np.isfinite(float(found.omega_h2)) and float(found.omega_h2) > 1e3


def test_relic_density_scales_with_the_coupling(solve):
    """Far above the resonance ⟨σv⟩ ∝ g⁴/x (p wave, up to 1/x): J ∝ g⁴/x_f², and x_f grows by about ln 16."""
    point = {"y": 1e-3, "g": 5e-3, "m_zp": 1.0, "m_dm": 2.5, "chi": 0.0}
    weak, strong = solve(point), solve({**point, "g": 1e-2})
    assert float(strong.j / weak.j * (strong.x_f / weak.x_f) ** 2) == pytest.approx(16.0, rel=0.08)
    assert float(strong.x_f - weak.x_f) == pytest.approx(np.log(16.0), rel=0.15)


# -- degrees of freedom ------------------------------------------------------------------------------------------------------------------

KNOTS = {
    "BORSANYI2016": [(1e-2, 10.76, 10.7548), (1.0, 73.48, 72.1963)],
    "SS2018": [(9.9294421e-06, 3.383084, 3.930936), (1.3028990e-01, 21.914715, 20.946109)],
}


@pytest.mark.parametrize("table", ["BORSANYI2016", "SS2018"])
def test_degrees_of_freedom(table):
    """Exact at the knots, between its neighbours everywhere, constant beyond the ends."""
    sm = load_sm(table)
    data = sm.thermodynamics
    inner = np.linspace(0.0, 1.0, 7)[1:-1]
    for function, column in ((thermo.g_star, data.g_rho), (thermo.h_star, data.g_s)):
        many = jax.jit(partial(function, sm))
        np.testing.assert_allclose(many(np.exp(data.log_t)), column, rtol=1e-10)
        between = data.log_t[:-1, None] + np.diff(data.log_t)[:, None] * inner
        values = np.asarray(many(np.exp(between.ravel()))).reshape(between.shape)
        low, high = np.minimum(column[:-1], column[1:])[:, None], np.maximum(column[:-1], column[1:])[:, None]
        assert np.all(values >= low - 1e-12) and np.all(values <= high + 1e-12)
        steps = np.diff(np.hstack([column[:-1, None], values, column[1:, None]]), axis=1)
        assert np.all(steps * np.sign(np.diff(column))[:, None] >= -1e-10)
        assert float(many(1e-9)) == pytest.approx(column[0]) and float(many(1e6)) == pytest.approx(column[-1])


@pytest.mark.parametrize("table", ["BORSANYI2016", "SS2018"])
def test_published_degrees_of_freedom(table):
    """Values as published (Nature 539 (2016) 69, table S2; JCAP 05 (2018) 035)."""
    sm = load_sm(table)
    for temperature, g_rho, g_s in KNOTS[table]:
        assert float(thermo.g_star(sm, temperature)) == pytest.approx(g_rho, rel=1e-9, abs=0.0)
        assert float(thermo.h_star(sm, temperature)) == pytest.approx(g_s, rel=1e-9, abs=0.0)
