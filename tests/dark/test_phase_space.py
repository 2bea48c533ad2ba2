"""The full momentum distribution against the check values of physics_2.md §15 (an independent scipy code, scattering on leptons alone), limits, conservation, gradients."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoupling import A_I, FUNNEL, NAMES, NO_LEPTOQUARK, POINTS, theory_at
from scipy.integrate import quad

from darkbeauty.dark import boltzmann, kinetic, phase_space
from darkbeauty.dark.fixed_nodes import laid_on_nodes
from darkbeauty.dark.phase_space_grid import pair_matrix
from darkbeauty.dark.phase_space_steps import Bath, Cells, differences, march, scattering
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

CHECKED = (5.94, 3.52, 2.854, 2.56, 0.193, 1458.0, 3.96e-3, 1.2729e-2, 0.2437, 12.04, 0.1073)
"""Ωh² at POINTS."""
SECOND = resolve_model("le_lmu_r2")
SECOND_POINTS = (
    (1.1, 0.3, 671.0, 286.0, 0.0),
    (2.0, 0.5, 1500.0, 300.0, 0.0),
    (1.5, 0.2, 1000.0, 495.0, 0.0),
    (0.5, 0.3, 150.0, 60.0, 0.0),
    (0.5, 0.1, 400.0, 190.0, 0.0),
)
"""Of the second model: its benchmark, far from the resonance, on it, light, and close to it."""


@pytest.fixture(scope="module")
def solve():
    """(point (5,), factor of γ) → Ωh², status, and its gradient by the point."""

    def log_omega(values, scale):
        result = phase_space.phase_space(theory_at(values, NO_LEPTOQUARK), scale)
        return jnp.log(result.omega_h2), result.status

    compiled = jax.jit(jax.value_and_grad(log_omega, has_aux=True))

    def run(point, scale=1.0):
        (value, status), slope = compiled(jnp.array(point), scale)
        return float(jnp.exp(value)), int(status), np.asarray(slope)

    return run


@pytest.mark.parametrize(("point", "omega"), list(zip(POINTS, CHECKED)))
def test_checked_values(solve, point, omega):
    value, status, _ = solve(point)
    assert status == Status.SUCCESS
    assert value == pytest.approx(omega, rel=5e-3)


def test_strong_scattering_is_the_boltzmann_equation(solve):
    assert solve(A_I, 1e4)[0] == pytest.approx(0.36157, rel=5e-3)


@pytest.mark.parametrize("point", [A_I, FUNNEL(1.01)])
def test_gradient(solve, point):
    """Against central differences, by g and the masses; steps that are large beside the 3·10⁻⁵ that a move of the start of the equation is worth in ln Ωh²."""
    gradient = solve(point)[2]
    for i, step in ((1, 1e-2), (2, 1e-3), (3, 1e-3)):
        move = np.array(point) * step * np.eye(5)[i]
        difference = np.log(solve(point + move)[0] / solve(point - move)[0]) / (2.0 * point[i] * step)
        assert gradient[i] == pytest.approx(difference, rel=2e-2), NAMES[i]
    assert np.all(np.isfinite(gradient))


def test_second_model_stays_in_equilibrium(equilibrium):
    """There dark matter is as warm as the plasma until it has long stopped to annihilate: the Boltzmann equation holds, however far the grid has to reach."""
    for point, (omega, expected, status) in equilibrium.items():
        assert status == Status.SUCCESS, point
        assert omega == pytest.approx(expected, rel=2e-3), point


def test_momenta_beyond_the_grid_have_a_status(monkeypatch):
    """With a grid that ends as low as it does for the first model."""
    monkeypatch.setattr(phase_space, "LATE_HEAT", (1.8, 1.8))
    solved = jax.jit(lambda values: phase_space.phase_space(SECOND.at(dict(zip(NAMES, values))).derive()))
    assert int(solved(jnp.array(SECOND_POINTS[0])).status) == Status.BEYOND_GRID


@pytest.fixture(scope="module")
def equilibrium():
    """Ωh² of the second model from the distribution and from the Boltzmann equation, and how the former ended, by point."""

    def both(values):
        p = SECOND.at(dict(zip(NAMES, values))).derive()
        result = phase_space.phase_space(p)
        return result.omega_h2, boltzmann.boltzmann(p).omega_h2, result.status

    compiled = jax.jit(both)
    return {point: [float(number) for number in compiled(jnp.array(point))] for point in SECOND_POINTS}


MOMENTA = 3.0 * np.exp(-0.06 * np.arange(110)[::-1])


@pytest.mark.parametrize("excess", [3e-4, 0.05, 0.3])
def test_a_line_in_the_spectrum(excess):
    """σ a line at s₀ = 4M²(1 + excess)², f = e^{−8(E−1)}: Γ by quadrature over the partner's energy, whose ends are those of a boost."""
    node, sharpness = np.array([excess]), 8.0
    matrix = pair_matrix(jnp.asarray(MOMENTA), laid_on_nodes(jnp.asarray(node), jnp.ones((1, 1)))[0])
    energy = np.hypot(1.0, MOMENTA)
    rate = np.asarray(matrix) @ np.exp(-sharpness * (energy - 1.0))
    relative = 2.0 * (1.0 + excess) ** 2 - 1.0  # Lorentz factor of one seen from the other
    for i in (40, 60, 75):
        reach = MOMENTA[i] * np.sqrt(relative**2 - 1.0)
        ends = relative * energy[i] - reach, min(relative * energy[i] + reach, energy[-1])
        integral = quad(lambda e: np.exp(-sharpness * (e - 1.0)), *ends, epsrel=1e-10)[0]
        expected = integral / (MOMENTA[i] * energy[i] * np.sqrt((1.0 + excess) ** 2 - 1.0))
        assert rate[i] == pytest.approx(expected, rel=2e-3)


def test_scattering_keeps_equilibrium_and_particles():
    p, x = jnp.asarray(MOMENTA), 20.0
    energy = jnp.hypot(1.0, p)
    at = Bath(jnp.asarray(x), jnp.zeros(()), jnp.asarray(1e3), jnp.zeros_like(p))
    cells = Cells(jnp.asarray(0), p, energy)
    (in_above, to_above), (in_below, to_below) = scattering(at, cells, -x * energy)
    np.testing.assert_allclose(in_above, to_above, rtol=1e-12)
    np.testing.assert_allclose(in_below, to_below, rtol=1e-12)
    (in_above, to_above), (in_below, to_below) = scattering(at, cells, -2.0 * x * energy)
    change = p**3 * jnp.exp(-2.0 * x * energy) * (in_above - to_above + in_below - to_below)
    assert abs(float(jnp.sum(change))) < 1e-12 * float(jnp.sum(jnp.abs(change)))


def test_without_annihilation_particles_stay_and_warm():
    """Distribution of temperature T/2, fixed bath, γ = H and no expansion of the grid: θ' = … so T − T_χ falls like e^{−τ} (non-relativistic)."""
    x, spacing, steps = 1e4, 0.045, 44
    p = jnp.asarray(0.12 * np.exp(-spacing * np.arange(140)[::-1]))
    energy, nodes = jnp.hypot(1.0, p), tuple(range(-3, steps + 1))
    maxwell = lambda ratio: -0.5 * p**2 * x / ratio - 1.5 * jnp.log(ratio)
    ratio = lambda tau: 1.0 - 0.5 * np.exp(-tau)
    start = jnp.stack([maxwell(ratio(spacing * node)) for node in nodes[:4]])
    same = lambda value: jnp.broadcast_to(value, (steps, *jnp.shape(value)))
    bath = Bath(same(x), same(0.0), same(1.0), same(jnp.zeros_like(p)))
    cells = Cells(same(0), same(p), same(energy))
    weights = jnp.asarray(differences(nodes)) / spacing
    last = march(jnp.zeros((140, 140)), start, bath, cells, weights).log_y[-1]
    number = lambda u: float(jnp.sum(p**3 * jnp.exp(u)))
    assert number(last) == pytest.approx(number(start[3]), rel=3e-4)
    warmth = float(jnp.sum(p**5 * jnp.exp(last))) * x / 3.0 / number(last)
    assert warmth == pytest.approx(ratio(spacing * steps), rel=2e-3)


def test_distribution_is_hollow_where_annihilation_eats():
    """At A-I after freeze-out: as many particles as the thermal shape of the same density has, fewer fast ones, T_χ near that of the coupled equations."""
    momentum = np.geomspace(0.05, 60.0, 400)
    x, theory = np.array([22.0, 60.0]), theory_at(A_I, NO_LEPTOQUARK)
    result = jax.jit(phase_space.distribution)(theory, x, np.stack([momentum] * 2))
    assert int(result.status) == Status.SUCCESS
    number = np.trapezoid(momentum**3 * np.asarray(result.occupation), np.log(momentum), axis=1)
    thermal = np.trapezoid(momentum**3 * np.asarray(result.thermal), np.log(momentum), axis=1)
    np.testing.assert_allclose(number, thermal, rtol=1e-2)
    ratio = np.asarray(result.occupation / result.thermal)[0]
    fast = np.searchsorted(momentum, 22.0 * np.sqrt((2.0 / 1.7) ** 2 - 1.0))  # half the resonance's mass is its energy
    assert ratio[0] > 1.2 and ratio[fast] < 0.5
    assert float(result.temperature[1]) == pytest.approx(
        float(jax.jit(kinetic.temperature_curve)(theory, x).temperature[1]), rel=0.05
    )
