"""Kinetic decoupling against the check values of physics_2.md §15 (an independent scipy code, scattering on leptons alone), limits, gradients, statuses."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from decoupling import A_I, FUNNEL, M_LQ, MEDIAN, NAMES, NO_LEPTOQUARK, POINTS, theory_at
from scipy.interpolate import CubicSpline

from darkbeauty.dark import averages, boltzmann, fixed_nodes, kinetic
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

CHECKED = (3.6272, 3.0237, 1.7504, 1.6046, 0.17109, 1455.3, 3.9396e-3, 1.2104e-2, 0.18877, 7.2436, 0.10440)
"""Ωh² at POINTS."""
NEVER = (0.0, 0.0, 5.0, 0.5, 0.0)
B = resolve_model("le_lmu_r2")


@pytest.fixture(scope="module")
def solve():
    """(points (n, 5), factors of γ (n,), mass of the leptoquark) → Ωh², status, compiled for sixteen points."""

    def one(values, scale, m_lq):
        p = theory_at(values, m_lq)
        return kinetic._solved(kinetic.set_up(p), p.sm, scale, kinetic.FINENESS)

    compiled = jax.jit(jax.vmap(one))

    def run(points, scales=1.0, m_lq=M_LQ):
        points = np.array(points)
        scales = np.broadcast_to(scales, len(points))
        padded = np.resize(points, (16, 5)), np.resize(scales, 16), np.full(16, m_lq)
        log_y, status = compiled(*map(jnp.asarray, padded))
        return 2.744e8 * points[:, 3] * np.exp(log_y[: len(points)]), np.asarray(status[: len(points)])

    return run


def test_checked_values(solve):
    omega, status = solve(POINTS, m_lq=NO_LEPTOQUARK)
    assert set(status) == {Status.SUCCESS}
    np.testing.assert_allclose(omega, CHECKED, rtol=3e-3)


def test_strong_leptoquark_keeps_dark_matter_warm(solve):
    """A-I, y = 2: scattering on quarks and mesons leaves two thirds of Ωh²; nothing of the kind at the median. Smooth and monotonic in y."""
    y = np.linspace(0.1, 2.0, 14)
    points = [MEDIAN, *((value, *A_I[1:]) for value in y)]
    omega, status = solve(points)
    bare, _ = solve(points, m_lq=NO_LEPTOQUARK)
    assert set(status) == {Status.SUCCESS}
    ratio = omega / bare
    assert ratio[0] == pytest.approx(1.0, abs=2e-3)
    assert np.all(np.diff(ratio[1:]) < 0.0) and 0.5 < ratio[-1] < 0.8
    # less than equilibrium would leave it cannot be
    assert omega[-1] > solve([A_I], 1e4)[0][0]


def test_limits_of_the_scattering_rate(solve):
    """10⁴ times γ is the Boltzmann equation; a factor two either way is the band quoted for the median; none at all overshoots."""
    omega, _ = solve([A_I, MEDIAN, MEDIAN, MEDIAN], [1e4, 2.0, 0.5, 1.0], NO_LEPTOQUARK)
    np.testing.assert_allclose(omega[:3], [0.36157, 1.09, 2.31], rtol=5e-3)
    assert omega[1] < omega[3] < omega[2]


@pytest.fixture(scope="module")
def complete():
    """(points (n, 5), ln x at the cold end of the table of averages (n,)) → all of `kinetic`."""

    def one(given):
        values, coldest = given
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kinetic, "LOG_COLDEST", coldest)
            return kinetic.kinetic(theory_at(values))

    return lambda points, coldest: jax.jit(lambda *given: jax.lax.map(one, given))(
        jnp.array(points), jnp.array(coldest)
    )


def test_error(solve, complete):
    """Half the distance of what γ/2 and 2γ give, of the median and of the resonance. Between the tables that reach far enough for γ alone and for γ/2 too, the error is not known and the value is."""
    points = [MEDIAN, FUNNEL(1.01)]
    slow, fast = (solve(points, scale)[0] for scale in (0.5, 2.0))
    ends = np.linspace(4.1, 4.2, 62)
    result = complete([*points, *[MEDIAN] * 62], [averages.LOG_COLDEST] * 2 + [*ends])
    np.testing.assert_allclose(result.error[:2], 0.5 * (slow - fast), rtol=1e-6)
    assert 0.5 * (slow - fast)[0] == pytest.approx(0.5 * (2.31 - 1.09), rel=1e-2)
    of_value, of_error = np.asarray(result.status[2:]), np.asarray(result.error_status[2:])
    assert set(of_value) == {Status.SUCCESS, Status.BEYOND_TABLE}
    assert set(of_error) == {Status.SUCCESS, Status.ERROR_UNKNOWN}
    assert np.all(of_error[of_value != Status.SUCCESS] == Status.ERROR_UNKNOWN)
    assert np.any((of_value == Status.SUCCESS) & (of_error == Status.ERROR_UNKNOWN))


def test_prior_draws_have_a_number(solve):
    """All that ever was in equilibrium: everywhere in the box, and crowding the resonance from 10⁻¹² to 10⁻¹."""
    random = np.random.default_rng(5)
    u = random.random((320, 4))
    y, g = (low * (high / low) ** u[:, i] for i, (low, high) in enumerate(((0.01, 2.0), (1e-4, 1e-2))))
    m_dm = 0.5 + 2.0 * u[:, 3]
    close = 1.0 + random.choice([-1.0, 0.0, 1.0], 320) * 10.0 ** random.uniform(-12.0, -1.0, 320)
    m_zp = np.where(np.arange(320) < 160, 1.0 + 5.0 * u[:, 2], 2.0 * m_dm * close)
    points = np.stack([y, g, m_zp, m_dm, np.zeros(320)], axis=1)
    omega, status = (np.concatenate(rows) for rows in zip(*(solve(points[i : i + 16]) for i in range(0, 320, 16))))
    assert np.all(np.isfinite(omega))
    assert set(status) <= {Status.SUCCESS, Status.NEVER_IN_EQUILIBRIUM}
    assert np.mean(status == Status.SUCCESS) > 0.9


@pytest.mark.parametrize("point", [(0.3, 0.008, 2.02 * 1.01 * 1.77686, 1.01 * 1.77686, 0.0), A_I])
def test_no_noise(solve, point):
    """Smooth where points are 10⁻⁸ apart, though steps end at kinks of h(T)."""
    scales = 1.0 + 1e-8 * np.arange(16)
    omega, _ = solve([(*point[:2], point[2] * scale, point[3] * scale, 0.0) for scale in scales])
    assert np.abs(np.diff(np.log(omega), 2)).max() < 1e-9


def test_never_in_equilibrium(solve):
    assert solve([NEVER])[1][0] == Status.NEVER_IN_EQUILIBRIUM


def test_ratio_of_the_moments():
    """⟨σv⟩₂/⟨σv⟩ at A-I (check values), 1 for an s wave and 4/3 for a p wave at low velocity, down to x = 10¹²."""
    x = jnp.array([5.0, 20.0, 100.0, 1000.0])
    ratio = averages.look_up(averages.averages(theory_at(jnp.array(A_I)).dark_matter), jnp.log(x))[1]
    np.testing.assert_allclose(ratio, [0.929106, 2.570175, 1.323354, 1.249942], rtol=1e-5)
    for row in (500, 1000):
        cold = np.exp(averages.log_x()[row])
        kernel, moment = averages._matrix(np.array([[cold]]))[:, 0]
        nodes = fixed_nodes.excesses(fixed_nodes.COLD)[: len(kernel)]
        fine = np.geomspace(1e-3, 60.0, 4000) / cold  # s and p wave: weights ε^½ and ε^{3/2} dε at low velocity
        for power, expected in ((0.5, 1.0), (1.5, 4.0 / 3.0)):
            weight = fine ** (power + 1.0)
            rows = [np.trapezoid(weight * CubicSpline(nodes, row)(fine), np.log(fine)) for row in (kernel, moment)]
            assert rows[1] / rows[0] == pytest.approx(expected, rel=2e-3)


@pytest.fixture(scope="module")
def slopes():
    """values → ln Ωh² and its gradient in reverse mode."""
    return jax.jit(jax.value_and_grad(lambda values: jnp.log(kinetic.kinetic(theory_at(values), 4).omega_h2)))


RATIOS = (0.97, 0.99, 1.0, 1.0 + 1e-9, 1.001, 1.01, 1.03, 1.07, 1.12, 1.2)
LIGHT = (0.1056583755, 1.77686)


@pytest.mark.parametrize("ratio", RATIOS)
def test_gradient(slopes, ratio):
    """Against central differences, by y, g and the masses, through the resonance; finite where dark matter has the mass of a lepton."""
    points = [A_I] if ratio == RATIOS[0] else []
    points += [(0.3, g, 2.0 * m * ratio, m, 0.0) for g, m in ((2e-3, 1.7), (5e-4, 0.8))]
    for point in points:
        values = jnp.array(point)
        gradient = slopes(values)[1]
        assert np.all(np.isfinite(gradient))
        apart = abs(values[2] / (2.0 * values[3]) - 1.0)
        for i, step in ((0, 1e-3), (1, 1e-3), (2, min(1e-5, 0.02 * apart)), (3, min(1e-5, 0.02 * apart))):
            if step < 1e-7:
                continue  # a difference of masses there has no digits
            move = values[i] * step * jnp.eye(5)[i]
            difference = (slopes(values + move)[0] - slopes(values - move)[0]) / (2.0 * values[i] * step)
            scale = float(jnp.abs(difference) + 1e-2 / values[i])
            assert abs(float(gradient[i]) - float(difference)) < 1e-2 * scale, (point, NAMES[i])
    for mass in LIGHT:
        assert np.all(np.isfinite(slopes(jnp.array((0.3, 2e-3, 2.0 * mass * ratio, mass, 0.0)))[1]))


def test_model_b_stays_in_kinetic_equilibrium():
    point = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    theory = B.at(point).derive()
    both = jax.jit(lambda p: (boltzmann.boltzmann(p).omega_h2, kinetic.kinetic(p, 4).omega_h2))(theory)
    assert float(both[1]) == pytest.approx(float(both[0]), rel=2e-3)


def test_curve():
    """T_χ = T before decoupling and ∝ a⁻² after it; γ = H at x_kd; the last Y is the relic density."""
    x = np.geomspace(2.0, 1e5, 60)
    run = jax.jit(lambda p: (kinetic.temperature_curve(p, x), kinetic.decoupling(p)))
    curve, decoupled = run(theory_at(jnp.array(FUNNEL(0.97))))
    assert curve.status == Status.SUCCESS and decoupled.status == Status.SUCCESS
    temperature = np.asarray(curve.temperature)
    np.testing.assert_allclose(temperature[x < 10.0], 1.0, rtol=0.02)
    late = x > 1e4
    np.testing.assert_allclose(np.diff(np.log(temperature[late])) / np.diff(np.log(x[late])), -1.0, atol=0.1)
    crossing = np.exp(np.interp(0.0, -np.log(curve.exchange), np.log(x)))
    assert crossing == pytest.approx(float(decoupled.x_kd), rel=5e-3)
    assert float(decoupled.t_kd * decoupled.x_kd) == pytest.approx(1.7)
    assert 2.744e8 * 1.7 * float(curve.y[-1]) == pytest.approx(1455.3, rel=2e-3)


def test_without_couplings_nothing_decouples():
    quiet = eqx.tree_at(lambda p: p.dark_matter.coupling, theory_at(jnp.array((0.0, *A_I[1:]))), jnp.zeros(()))
    assert jax.jit(kinetic.decoupling)(quiet).status == Status.NO_ROOT
