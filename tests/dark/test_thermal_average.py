"""Thermal average against adaptive quadrature of the formulas of physics.md §7, below, at and above the resonance, and its error estimate."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import Oracle
from scipy.special import kve

from darkbeauty.dark import thermal_average
from darkbeauty.models import resolve_model

RATIOS = (0.9, 0.99, 0.999, 1.0, 1.001, 1.01, 1.2, 2.0)
"""m_zp/2m_dm."""
TEMPERATURES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 1e3, 1e6)
NAMES = ("y", "g", "m_zp", "m_dm", "chi", "y_eta", "m_eta")
DEFAULTS = {"chi": 0.0, "y_eta": 0.0, "m_eta": 400.0}
# Γ/m from 8e-10 to 8e-2; masses at the thresholds of τ and t; η with its interference
POINTS = {
    "lmu_ltau_s1": (
        {"y": 0.05, "g": 1.4e-4, "m_dm": 1.3},
        {"y": 1.0, "g": 4e-3, "m_dm": 0.8, "chi": 1e-3},
        {"y": 2.0, "g": 1e-2, "m_dm": 2.4, "chi": 1e-3},
        {"y": 0.3, "g": 1e-3, "m_dm": 1.7768, "chi": 1e-3, "y_eta": 1.5, "m_eta": 200.0},
    ),
    "le_lmu_r2": (
        {"y": 1.1, "g": 0.3, "m_dm": 286.0},
        {"y": 0.5, "g": 1e-4, "m_dm": 100.0},
        {"y": 2.0, "g": 0.9, "m_dm": 172.6},
        {"y": 0.01, "g": 1e-2, "m_dm": 450.0, "y_eta": 1.0, "m_eta": 800.0},
    ),
}
CASES = [
    (name, i, j, (2 * i + 3 * j + 5 * k) % 8)
    for k, name in enumerate(POINTS)
    for i in range(len(RATIOS))
    for j in range(4)
]


def point(name: str, i: int, j: int) -> dict[str, float]:
    rest = POINTS[name][j]
    return {**rest, "m_zp": 2.0 * RATIOS[i] * rest["m_dm"]}


@pytest.fixture(scope="module")
def computed():
    """(name, ratio, point, temperature) → value and error, one compilation per model."""
    table = {}
    for name in POINTS:
        model = resolve_model(name)
        names = [n for n in NAMES if n != "chi" or name == "lmu_ltau_s1"]
        function = lambda v, x, m=model, n=names: thermal_average.sigma_v_with_error(
            m.at(dict(zip(n, v))).derive().dark_matter, x
        )
        cases = [case for case in CASES if case[0] == name]
        values = np.array([[{**DEFAULTS, **point(*case[:3])}[n] for n in names] for case in cases])
        found = jax.jit(jax.vmap(function))(values, np.array([TEMPERATURES[case[3]] for case in cases]))
        table |= {case: (float(value), float(error)) for case, value, error in zip(cases, found.value, found.error)}
    return table


@pytest.mark.parametrize("case", CASES)
def test_thermal_average(computed, case):
    """1e-6 (3e-7 measured), and an error estimate that is neither smaller than the error nor absurd."""
    oracle, x = Oracle(case[0], **point(*case[:3])), TEMPERATURES[case[3]]
    expected = oracle.sigma_v(x)
    value, error = computed[case]
    assert oracle.error < 1e-8 * expected
    assert value == pytest.approx(expected, rel=1e-6, abs=0.0)
    assert abs(value - expected) <= error <= 1e-5 * value


def test_narrow_resonance_limit(computed):
    """|P|² → π δ(s − m²)/(mΓ): the average is that of the cross section at s = m²; the continuum is negligible here."""
    name, rest, x = "lmu_ltau_s1", {"y": 1e-3, "g": 1e-4, "m_zp": 3.2, "m_dm": 1.5, "chi": 0.0}, 20.0
    model = resolve_model(name)
    value = jax.jit(lambda v: thermal_average.sigma_v(model.at(dict(zip(rest, v))).derive().dark_matter, x))(
        list(rest.values())
    )
    oracle, m, m_dm = Oracle(name, **rest), 3.2, 1.5
    beta = lambda mass: np.sqrt(1.0 - (2.0 * mass / m) ** 2)
    strength = sum(oracle.vector(0, 0, c, m**2, 1.0) * beta(c[0]) for c in oracle.channels if m > c[4])
    bessel = kve(1, x * m / m_dm) / kve(2, x) ** 2 * np.exp(-x * (m / m_dm - 2.0))
    expected = x / (8.0 * m_dm**5) * np.pi / (m * oracle.width) * strength * beta(m_dm) * m * bessel
    assert float(value) == pytest.approx(expected, rel=1e-6, abs=0.0)


@pytest.mark.parametrize("mass", [0.093, 0.1056583755, 1.77686, 1.86484])
def test_slope_on_a_threshold(log_sigma_v, mass):
    """With m_dm exactly a mass of a final state the slope is that of its neighbours: the average is smooth there."""
    step = 1e-4 * mass
    near = [log_sigma_v(mass + k * step)[0] for k in (-2, -1, 1, 2)]
    difference = (near[0] - 8.0 * near[1] + 8.0 * near[2] - near[3]) / (12.0 * step)
    assert float(log_sigma_v(mass)[1]) == pytest.approx(float(difference), rel=1e-5, abs=0.0)


@pytest.fixture(scope="module")
def log_sigma_v():
    """m_dm → ln⟨σv⟩ at x = 5 and its slope, with every channel of comparable size."""
    model = resolve_model("lmu_ltau_s1")
    point = {"y": 3.0, "g": 2e-3, "m_zp": 30.0, "m_lq": 100.0, "chi": 1e-2}
    log_rate = lambda m: jnp.log(thermal_average.sigma_v(model.at({**point, "m_dm": m}).derive().dark_matter, 5.0))
    return jax.jit(jax.value_and_grad(log_rate))
