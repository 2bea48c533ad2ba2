"""Ωh² with kinetic decoupling against the whole calculation done a second time (`second_solution`): amplitudes, averages, scattering rates, and both equations by scipy's Radau."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import Oracle
from second_solution import Second

from darkbeauty.dark import kinetic
from darkbeauty.models import resolve_model
from darkbeauty.status import Status

NAMES = ("y", "g", "m_zp", "m_dm")
A, B = "lmu_ltau_s1", "le_lmu_r2"
POINTS = {
    A: (
        (2.0, 0.002, 4.0, 1.7),
        (0.326, 0.00168, 3.69, 1.62),
        (0.3, 0.002, 3.4 * 0.97, 1.7),
        (0.3, 0.0006, 3.4 * 1.01, 1.7),
        (1.2, 0.0012, 2.0 * 1.04 * 2.3, 2.3),
        (0.3, 0.002, 3.4 * 1.1, 1.7),
        (0.1, 0.006, 2.0 * 1.2 * 1.1, 1.1),
        (2.0, 0.008, 4.8, 1.8),
        (1.0, 0.009, 2.0 * 1.6 * 1.4, 1.4),
        (0.7, 0.01, 2.0 * 2.5 * 1.1, 1.1),
    ),
    B: (
        (0.43, 0.098, 869.0, 406.0),
        (0.43, 0.03, 830.0, 406.0),
        (0.2, 0.01, 2.0 * 1.01 * 300.0, 300.0),
        (0.8, 0.3, 0.97 * 2.0 * 420.0, 420.0),
        (0.1, 0.05, 2.0 * 1.1 * 200.0, 200.0),
        (1.1, 0.3, 671.0, 286.0),
        (0.3, 0.2, 2.0 * 1.4 * 450.0, 450.0),
        (1.5, 0.5, 2.0 * 2.0 * 350.0, 350.0),
        (2.5, 0.9, 2.0 * 2.5 * 150.0, 150.0),
        (0.6, 0.4, 500.0, 480.0),
    ),
}
QUICK = {A: (1, 7), B: (0,)}


@pytest.fixture(scope="module")
def solved():
    """model → Ωh² and status at its points, compiled when asked for."""
    kept = {}

    def run(name: str) -> tuple[np.ndarray, np.ndarray]:
        if name not in kept:
            model = resolve_model(name)

            def one(values):
                p = model.at({**dict(zip(NAMES, values)), "chi": 0.0}).derive()
                return kinetic._solved(kinetic.set_up(p), p.sm, 1.0, kinetic.FINENESS)

            points = np.array(POINTS[name])
            log_y, status = jax.jit(jax.vmap(one))(jnp.asarray(points))
            kept[name] = 2.744e8 * points[:, 3] * np.exp(log_y), np.asarray(status)
        return kept[name]

    return run


CASES = [
    pytest.param(name, index, marks=() if index in QUICK[name] else pytest.mark.slow)
    for name in POINTS
    for index in range(10)
]


@pytest.mark.parametrize(("name", "index"), CASES)
def test_relic_density(solved, name, index):
    omega, status = solved(name)
    assert status[index] == Status.SUCCESS
    assert omega[index] == pytest.approx(Second(name, *POINTS[name][index]).omega(), rel=5e-3)


@pytest.mark.parametrize(("name", "x"), [(A, 20.0), (B, 20.0)])
def test_averages_from_spinors_are_those_of_the_formulas(name, x):
    point = POINTS[name][QUICK[name][0]]
    by_spinors = np.exp(Second(name, *point).averages[0](np.log(x)))
    assert by_spinors == pytest.approx(Oracle(name, *point).sigma_v(x), rel=1e-5)
