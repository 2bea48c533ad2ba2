"""The Boltzmann equation against scipy's Radau at 1e-10, built from scipy's Bessel functions and interpolation, and against textbook limits."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.special import kve

from darkbeauty.dark import boltzmann, freeze_out, rate_table, riccati, thermal_average
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

M_PLANCK = 1.22089e19
NAMES = ("y", "g", "m_zp", "m_dm", "chi")
MODELS = {"BORSANYI2016": resolve_model("lmu_ltau_s1")}
MODELS["SS2018"] = eqx.tree_at(lambda model: model.sm, MODELS["BORSANYI2016"], load_sm("SS2018"))


def resonance(ratio: float, m_dm: float, g: float, y: float = 0.05, chi: float = 1e-3) -> dict[str, float]:
    """A point by m_Z′/2m_dm."""
    return {"y": y, "g": g, "m_zp": 2.0 * ratio * m_dm, "m_dm": m_dm, "chi": chi}


A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
A_II = {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8, "chi": 0.0}
BOX = [
    A_I,
    A_II,
    resonance(0.9, 1.3, 2e-3),
    resonance(0.97, 0.7, 8e-4, 0.3),
    resonance(0.99, 2.4, 4e-3, 1.5),
    resonance(0.998, 1.0, 5e-4),
    resonance(1.0, 1.6, 1e-3),
    resonance(1.0003, 1.2, 3e-4, 0.01, 0.0),
    resonance(1.001, 2.2, 1e-4, 0.01, 0.0),
    resonance(1.005, 0.6, 2e-4),
    resonance(1.02, 2.0, 1.5e-4, 0.02, 0.0),
    resonance(1.05, 1.4, 1e-3, 1.0),
    resonance(1.1, 0.9, 3e-4),
    resonance(1.15, 2.5, 6e-4, 0.3),
    resonance(1.2, 1.8, 1e-3),
    resonance(1.25, 0.55, 4e-3),
    resonance(1.3, 2.1, 2e-3, 0.8),
    {"y": 0.2, "g": 9e-3, "m_zp": 1.2, "m_dm": 2.3, "chi": 1e-3},
    {"y": 1.9, "g": 9e-3, "m_zp": 5.8, "m_dm": 0.8, "chi": 0.0},
    {"y": 0.7, "g": 6e-3, "m_zp": 2.4, "m_dm": 0.3, "chi": 1e-3},
    resonance(0.998, 1.7, 2e-3, 0.3, 0.0),
    resonance(1.0001, 1.7, 2e-3, 0.3, 0.0),
    resonance(1.0001, 0.9, 1e-4, 0.1),
    resonance(1.001, 1.7, 6.7e-4, 0.3),
    resonance(1.001, 1.1, 8e-3),
    resonance(1.2, 1.7, 2e-3, 0.3, 0.0),
    resonance(1.2, 0.8, 8e-3, 1.5),
    resonance(2.0, 1.7, 6.7e-4, 0.3, 0.0),
    resonance(2.0, 1.2, 5e-3, 0.02),
    resonance(2.5, 1.7, 6.7e-4, 0.3, 0.0),
    resonance(2.5, 1.0, 3e-3, 0.01),
    resonance(1.7, 1.5, 1e-3, 0.01, 0.0),
    resonance(1.4, 2.0, 5e-4, 0.02, 0.0),
    resonance(1.01, 1.3, 9e-3, 2.0),
    resonance(0.95, 2.3, 9e-3, 2.0, 0.0),
    resonance(0.7, 2.4, 8e-3, 1.2),
    resonance(0.5, 2.5, 9e-3, 1.9, 0.0),
    resonance(3.5, 0.8, 9e-3, 0.5, 0.0),
    {"y": 1.5, "g": 5e-3, "m_zp": 5.9, "m_dm": 2.45, "chi": 1e-3},
    {"y": 0.326, "g": 1.68e-3, "m_zp": 3.69, "m_dm": 1.62, "chi": 1e-3},
]


def vector(point: dict[str, float]) -> jax.Array:
    return jnp.array([point[name] for name in NAMES])


def model_at(values: jax.Array, table: str = "BORSANYI2016"):
    return MODELS[table].at(dict(zip(NAMES, values))).derive()


@pytest.fixture(scope="module")
def solve():
    """(table, fineness) → Boltzmann of all points, compiled once each."""
    kept: dict[tuple[str, int], boltzmann.Boltzmann] = {}

    def cached(table: str = "BORSANYI2016", fineness: int = boltzmann.FINENESS) -> boltzmann.Boltzmann:
        if (table, fineness) not in kept:
            one = lambda v: boltzmann.boltzmann(model_at(v, table), fineness)
            many = jax.jit(lambda many: jax.lax.map(one, many))(jnp.stack([vector(point) for point in BOX]))
            kept[table, fineness] = jax.tree.map(np.asarray, many)
        return kept[table, fineness]

    return cached


# -- the equation once more, for scipy -----------------------------------------------------------------------------------------------------


class Oracle:
    """ln Y(x = 10¹²) by Radau to 10⁶ and integration: ln(Y/Y_eq) up to 2, ln Y from there, stopping at every kink of h(T)."""

    def __init__(self, log_sigma_v, mass: float, thermodynamics, degrees: float = 2.0):
        self.log_sigma_v, self.mass, self.degrees = log_sigma_v, mass, degrees
        self.log_t = np.asarray(thermodynamics.log_t)
        self.values = [np.asarray(thermodynamics.g_rho), np.asarray(thermodynamics.g_s)]
        self.linear = thermodynamics.method == "linear"
        self.cubic = [PchipInterpolator(self.log_t, values) for values in self.values]
        self.segment = 0.0

    def plasma(self, t: float) -> tuple[float, float, float]:
        """g, h, dh/dln T at ln x = t; the slope of a linear table is that of the segment being integrated."""
        log_t = np.log(self.mass) - t
        if self.linear:
            g, h = (np.interp(log_t, self.log_t, values) for values in self.values)
            return g, h, self.segment
        inside = self.log_t[0] < log_t < self.log_t[-1]
        at = np.clip(log_t, self.log_t[0], self.log_t[-1])
        return self.cubic[0](at), self.cubic[1](at), self.cubic[1](at, 1) if inside else 0.0

    def rate(self, t: float) -> float:
        """ln Λ."""
        g, h, slope = self.plasma(t)
        root = h / np.sqrt(g) * (1.0 + slope / (3.0 * h))
        return np.log(np.sqrt(np.pi / 45.0) * M_PLANCK * self.mass * root) - t + self.log_sigma_v(t)

    def equilibrium(self, t: float) -> tuple[float, float]:
        """ln Y_eq and its derivative."""
        _, h, slope = self.plasma(t)
        x = np.exp(t)
        value = np.log(45.0 * self.degrees * x**2 * kve(2, x) / (4.0 * np.pi**4 * h)) - x
        return value, slope / h - x * kve(1, x) / kve(2, x)

    def early(self, t: float, ratio: np.ndarray) -> list[float]:
        value, slope = self.equilibrium(t)
        return [-2.0 * np.exp(self.rate(t) + value) * np.sinh(ratio[0]) - slope]

    def early_jacobian(self, t: float, ratio: np.ndarray) -> list[list[float]]:
        return [[-2.0 * np.exp(self.rate(t) + self.equilibrium(t)[0]) * np.cosh(ratio[0])]]

    def late(self, t: float, log_y: np.ndarray) -> list[float]:
        rate, value = self.rate(t), self.equilibrium(t)[0]
        return [-np.exp(rate + log_y[0]) + np.exp(rate + 2.0 * value - log_y[0])]

    def segments(self) -> list[tuple[float, float, float]]:
        """(start, end, dh/dln T of a linear table) in t."""
        knots = np.log(self.mass) - self.log_t[::-1]
        slopes = np.concatenate([[0.0], (np.diff(self.values[1]) / np.diff(self.log_t))[::-1], [0.0]])
        edges = np.concatenate([[-np.inf], knots, [np.inf]])
        clipped = [(max(a, 0.0), min(b, END), slope) for a, b, slope in zip(edges[:-1], edges[1:], slopes)]
        return [(a, b, slope) for a, b, slope in clipped if b > a]

    def log_yield(self) -> float:
        settings = {"method": "Radau", "rtol": 1e-10, "atol": 1e-12}
        departure = lambda t, ratio: ratio[0] - 2.0
        departure.terminal = True
        y, is_early = [0.0], True
        for start, end, slope in self.segments():
            self.segment = slope
            if is_early:
                jacobian = self.early_jacobian
                run = solve_ivp(
                    self.early, (start, end), y, events=departure, jac=jacobian, first_step=1e-9, **settings
                )
                assert run.status >= 0
                y, start, is_early = run.y[:, -1], run.t[-1], run.status == 0
                if not is_early:
                    y = [y[0] + self.equilibrium(start)[0]]
            if not is_early and end > start:
                run = solve_ivp(self.late, (start, end), y, **settings)
                assert run.status == 0
                y = run.y[:, -1]
        assert not is_early
        later = quad(lambda t: np.exp(self.rate(t)), END, np.log(1e12), epsrel=1e-8, limit=200)[0]
        return -np.log(np.exp(-y[0]) + later)


END = np.log(1e6)
GRID = np.concatenate(
    [np.linspace(0.0, 5.0, 500), np.linspace(5.0, END, 150)[1:], np.linspace(END, np.log(1e12), 60)[1:]]
)
SOLVED = GRID.size - 59


@pytest.fixture(scope="module")
def dense():
    """point → ln⟨σv⟩ on GRID by `sigma_v`, checked against adaptive quadrature in test_freeze_out."""

    def one(values: jax.Array, t: jax.Array) -> jax.Array:
        dark = model_at(values).dark_matter
        return jax.lax.map(lambda t: jnp.log(thermal_average.sigma_v(dark, jnp.exp(t))), t)

    compiled = jax.jit(one)
    kept: dict[tuple, np.ndarray] = {}

    def cached(point: dict[str, float]) -> np.ndarray:
        key = tuple(point.values())
        if key not in kept:
            kept[key] = np.asarray(compiled(vector(point), jnp.asarray(GRID)))
        return kept[key]

    return cached


# -- ⟨σv⟩ as a table -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tabulated():
    """ln⟨σv⟩ by the table for all of BOX, from x = 1 to 10⁶."""
    one = lambda values: rate_table.log_rate(
        rate_table.rate_table(model_at(values).dark_matter).coefficients, jnp.asarray(GRID[:SOLVED])
    )
    return np.asarray(jax.jit(lambda many: jax.lax.map(one, many))(jnp.stack([vector(point) for point in BOX])))


FAST = (0, 3, 7, 8, 10, 17, 19)
INDICES = [index if index in FAST else pytest.param(index, marks=pytest.mark.slow) for index in range(len(BOX))]


@pytest.mark.parametrize("index", INDICES)
def test_table(tabulated, dense, index):
    """Through all that a resonance does, however narrow: 3e-6 up to x = 60; from x = 15 on 1e-5 of all that annihilates, and 1e-3 at every x while 1e-4 of it is to come."""
    table, exact, early = tabulated[index], dense(BOX[index])[:SOLVED], GRID[:SOLVED] < np.log(60.0)
    np.testing.assert_allclose(table[early], exact[early], rtol=0.0, atol=3e-6)
    rate = lambda logarithm: np.exp(logarithm - GRID[:SOLVED])
    late = GRID[:SOLVED] > np.log(15.0)
    off = np.trapezoid(np.abs(rate(table) - rate(exact))[late], GRID[:SOLVED][late])
    whole = np.trapezoid(rate(exact)[late], GRID[:SOLVED][late])
    assert off < 1e-5 * whole
    to_come = np.cumsum((rate(exact) * np.gradient(GRID[:SOLVED]))[::-1])[::-1]
    matters = late & (to_come > 1e-4 * whole)
    np.testing.assert_allclose(table[matters], exact[matters], rtol=0.0, atol=1e-3)


# -- the relic density ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", INDICES)
def test_against_radau(solve, dense, index):
    """2·10⁻⁴ with half the steps of the default, 2·10⁻⁵ with these, 10⁻⁴ exactly on the resonance, where annihilation never ends."""
    point = BOX[index]
    expected = Oracle(CubicSpline(GRID, dense(point)), point["m_dm"], load_sm().thermodynamics).log_yield()
    on_resonance = point["m_zp"] == 2.0 * point["m_dm"]
    for fineness, tolerance in ((2, 2e-4), (4, 1e-4 if on_resonance else 2e-5)):
        solved = solve(fineness=fineness)
        assert solved.status[index] == Status.SUCCESS
        assert np.log(solved.y_infinity[index]) == pytest.approx(expected, abs=tolerance)
    assert solve().omega_h2[index] == pytest.approx(2.744e8 * point["m_dm"] * solve().y_infinity[index], rel=1e-12)


@pytest.mark.parametrize("index", [17, *(pytest.param(index, marks=pytest.mark.slow) for index in (0, 3, 9, 14))])
def test_other_table(solve, dense, index):
    """Saikawa and Shirai's degrees of freedom, monotone cubics between 150 knots."""
    point = BOX[index]
    solved = solve("SS2018")
    oracle = Oracle(CubicSpline(GRID, dense(point)), point["m_dm"], load_sm("SS2018").thermodynamics)
    assert solved.status[index] == Status.SUCCESS
    assert np.log(solved.y_infinity[index]) == pytest.approx(oracle.log_yield(), abs=5e-4)
    assert solved.omega_h2[index] != pytest.approx(solve().omega_h2[index], rel=1e-3)


def test_freeze_out_is_not_far(solve):
    """Instantaneous freeze-out is within a factor of two, and a few per cent where no resonance and no change of g_* is near."""
    estimate = jax.jit(lambda many: jax.lax.map(lambda v: freeze_out.freeze_out(model_at(v)).omega_h2, many))
    ratio = solve().omega_h2 / np.asarray(estimate(jnp.stack([vector(point) for point in BOX])))
    assert np.all((ratio[:18] > 0.5) & (ratio[:18] < 2.2))


def test_particle_that_never_was_in_equilibrium(derivatives):
    """Said, with finite numbers and derivatives: Y stays Y_eq(x = 1), up to the change of h after that."""
    point = {"y": 0.0, "g": 0.0, "m_zp": 5.0, "m_dm": 0.5, "chi": 0.0}
    found, forward, _ = derivatives(point)
    h = np.interp(np.log(0.5), load_sm().thermodynamics.log_t, load_sm().thermodynamics.g_s)
    expected = 45.0 * 2.0 * kve(2, 1.0) * np.exp(-1.0) / (4.0 * np.pi**4 * h)
    assert found.status == Status.NEVER_IN_EQUILIBRIUM
    assert float(found.y_infinity) == pytest.approx(expected, rel=1e-6)
    assert np.all(np.isfinite(forward))


# -- derivatives ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def derivatives():
    """point → (Boltzmann, d ln Ωh² forward, the same in reverse mode), compiled once."""

    def value(values: jax.Array):
        found = boltzmann.boltzmann(model_at(values))
        return jnp.log(found.omega_h2), found

    def both(values: jax.Array):
        reverse, found = jax.grad(value, has_aux=True)(values)
        return found, jax.jacfwd(lambda v: value(v)[0])(values), reverse

    compiled = jax.jit(both)
    return lambda point: jax.tree.map(np.asarray, compiled(vector(point)))


@pytest.mark.parametrize("index", [0, 7, 11, 15])
def test_derivatives(derivatives, solve, index):
    """Forward and reverse mode against differences of two step sizes, extrapolated; A-I freezes out among the kinks of h(T)."""
    point = BOX[index]
    found, forward, reverse = derivatives(point)
    assert float(found.omega_h2) == pytest.approx(float(solve().omega_h2[index]), rel=1e-9)
    np.testing.assert_allclose(reverse, forward, rtol=1e-9)
    omega = lambda name, factor: np.log(derivatives({**point, name: point[name] * factor})[0].omega_h2)
    for i, name in enumerate(NAMES[:4]):
        step = 2e-5 if name in ("m_zp", "m_dm") and point["m_zp"] < 2.01 * point["m_dm"] else 2e-3
        one, two = ((omega(name, 1.0 + h) - omega(name, 1.0 - h)) / (2.0 * h) for h in (step, 2.0 * step))
        assert forward[i] * point[name] == pytest.approx(one + (one - two) / 3.0, rel=1e-3, abs=1e-4)


def test_second_derivatives(power_law_yield):
    """Against a central difference of first ones: they are those of the steps, not of an adjoint."""
    log_y = lambda log_a: jnp.log(power_law_yield(log_a, jnp.asarray(1.0), jnp.asarray(4.0), plasma())[0])
    first, second = jax.jit(jax.grad(log_y)), jax.jit(jax.grad(jax.grad(log_y)))
    a, h = np.log(3e-8), 1e-3
    assert float(second(a)) == pytest.approx(float(first(a + h) - first(a - h)) / (2.0 * h), rel=1e-4)
    assert float(second(a)) != 0.0


# -- one step ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("c", "equilibrium", "start", "h"), [(3.0, 0.5, 2.0, 0.7), (1e6, 1e-3, 0.5, 2.0), (2.0, 1e-150, 1.0, 3.0)]
)
def test_step_is_exact_for_constant_coefficients(c, equilibrium, start, h):
    """Y = E (Y₀ + E tanh cEh)/(E + Y₀ tanh cEh), and Y₀/(1 + cY₀h) without a gain; slopes finite."""
    two = lambda value: jnp.full((1, 2), np.log(value))
    last = lambda log_start: riccati.march(log_start, two(c), two(equilibrium), jnp.array([h])).log_y[-1]
    tanh = np.tanh(c * equilibrium * h)
    exact = (
        start / (1.0 + c * start * h)
        if tanh < 1e-12
        else equilibrium * (start + equilibrium * tanh) / (equilibrium + start * tanh)
    )
    value, slope = jax.value_and_grad(last)(np.log(start))
    assert float(value) == pytest.approx(np.log(exact), rel=1e-12, abs=1e-12)
    memory = riccati.march(np.log(start), two(c), two(equilibrium), jnp.array([h])).memory
    assert float(memory) == pytest.approx(float(slope), rel=1e-9, abs=1e-12)


def test_stiff_steps_forget():
    """Through an equilibrium that falls by e^{−5} a step, c E far above 1: within the mean of a step, whatever the start, and no memory."""
    log_e = -jnp.array([[1.0, 4.0], [6.0, 9.0]])
    runs = [riccati.march(start, jnp.full((2, 2), 40.0), log_e, jnp.ones(2)) for start in (0.0, -30.0)]
    assert float(runs[0].log_y[-1]) == pytest.approx(float(runs[1].log_y[-1]), rel=1e-12)
    assert -9.0 <= float(runs[0].log_y[-1]) <= -6.0
    assert float(runs[0].memory) == 0.0


# -- textbook limits -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def power_law_yield():
    """(ln a, n, m, plasma) → Y(∞), status for ⟨σv⟩ = a x^{−n}; `plasma` replaces the table."""

    def one(log_a, n, mass, thermodynamics):
        sm = eqx.tree_at(lambda sm: sm.thermodynamics, load_sm(), thermodynamics)
        late = jnp.exp(log_a) * 1e6 ** (-n - 1.0) / (n + 1.0)
        return boltzmann.relic_yield(boltzmann.Relic(lambda log_x: log_a - n * log_x, late, mass), sm)

    return one


@pytest.fixture(scope="module")
def power_law(power_law_yield):
    """The same, compiled once."""
    compiled = jax.jit(power_law_yield)
    return lambda log_a, n, mass, plasma: tuple(map(float, compiled(log_a, float(n), float(mass), plasma)))


def plasma(g: float | None = None):
    """The default table, or a constant number of degrees of freedom."""
    table = load_sm().thermodynamics
    if g is None:
        return table
    constant = np.full_like(table.g_s, g)
    return eqx.tree_at(lambda t: (t.g_rho, t.g_s), table, (constant, constant))


@pytest.mark.parametrize(
    ("a", "n", "mass", "g"), [(2e-9, 0, 100.0, None), (3e-8, 1, 4.0, None), (1e-9, 0, 3.0, 80.0), (1e-6, 2, 40.0, 80.0)]
)
def test_power_law_against_radau(power_law, a, n, mass, g):
    """s, p and d wave."""
    y_infinity, status = power_law(np.log(a), n, mass, plasma(g))
    assert status == Status.SUCCESS
    assert np.log(y_infinity) == pytest.approx(
        Oracle(lambda t: np.log(a) - n * t, mass, plasma(g)).log_yield(), abs=2e-4
    )


@pytest.mark.parametrize("n", [0, 1])
@pytest.mark.parametrize("a", [1e-10, 1e-8, 1e-6])
def test_textbook(power_law, a, n):
    """Y(∞) = 3.79 (n+1) x_f^{n+1}/[√g_* M_Pl m a], x_f = L − (n+½) ln L, L = ln[0.038 (n+1) 2/√g_* M_Pl m a] (Kolb and Turner, §5.2)."""
    mass, g = 100.0, 90.0
    log = np.log(0.038 * (n + 1) * 2.0 / np.sqrt(g) * M_PLANCK * mass * a)
    x_f = log - (n + 0.5) * np.log(log)
    expected = 3.79 * (n + 1) * x_f ** (n + 1) / (np.sqrt(g) * M_PLANCK * mass * a)
    assert power_law(np.log(a), n, mass, plasma(g))[0] == pytest.approx(expected, rel=0.05)


def test_abundance_falls_like_one_over_the_cross_section(power_law):
    """Y a/x_f, with x_f growing by ln 10 per decade, is nearly constant."""
    y = np.array([power_law(np.log(a), 0, 100.0, plasma(90.0))[0] * a for a in (1e-10, 1e-9, 1e-8, 1e-7)])
    x_f = 19.2 + np.log(10.0) * np.arange(4)
    np.testing.assert_allclose(y / y[0], x_f / x_f[0], rtol=0.03)


# -- the curve -----------------------------------------------------------------------------------------------------------------------------


def yields(oracle: Oracle, x: np.ndarray) -> np.ndarray:
    """Y at x > 10 by Radau, from equilibrium there."""
    log_y, rows = [oracle.equilibrium(np.log(10.0))[0]], []
    for start, end, slope in oracle.segments():
        oracle.segment, low = slope, max(start, np.log(10.0))
        inside = np.log(x[(np.log(x) > low) & (np.log(x) <= end)])
        if end > low:
            run = solve_ivp(oracle.late, (low, end), log_y, method="Radau", rtol=1e-8, t_eval=[*inside, end])
            log_y = run.y[:, -1]
            rows.append(run.y[0, :-1])
    return np.exp(np.concatenate(rows))


def test_curve(solve, dense):
    """Y = Y_eq early, falling, late equal to the relic density, and scipy's all the way."""
    x = np.geomspace(1.0, 1e6, 121)
    curve = jax.jit(lambda v: boltzmann.yield_curve(model_at(v), x))(vector(A_I))
    y, equilibrium = np.asarray(curve.y), np.asarray(curve.equilibrium)
    assert curve.status == Status.SUCCESS
    assert np.all(np.diff(y)[x[1:] > 2.0] <= 0.0)
    np.testing.assert_allclose(y[x < 8.0], equilibrium[x < 8.0], rtol=1e-3)
    assert y[-1] == pytest.approx(float(solve().y_infinity[0]), rel=1e-4)
    oracle = Oracle(CubicSpline(GRID, dense(A_I)), 1.7, load_sm().thermodynamics)
    later = (x > 12.0) & (x < 1e3)
    np.testing.assert_allclose(y[later], yields(oracle, x[later]), rtol=1e-3)
    inside = x < 500.0
    h = np.interp(np.log(1.7 / x[inside]), load_sm().thermodynamics.log_t, load_sm().thermodynamics.g_s)
    expected = 45.0 * 2.0 * x[inside] ** 2 * kve(2, x[inside]) * np.exp(-x[inside]) / (4.0 * np.pi**4 * h)
    np.testing.assert_allclose(equilibrium[inside], expected, rtol=1e-10)
