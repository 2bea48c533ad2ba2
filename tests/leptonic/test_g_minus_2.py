"""Magnetic moments against mpmath, their two limits, and where the couplings come from."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from darkbeauty.leptonic.g_minus_2 import a_lepton, loop
from darkbeauty.models import resolve_model

RATIOS = np.array([1e-12, 1e-7, 1e-3, 0.3, 3.9, 4.0, 4.1, 90.0, 1e4, 1e9, 1e15])
POINT = {"y": 0.3, "g": 1e-3, "m_zp": 2.5, "m_dm": 1.0}
MUON, ELECTRON = 0.1056583755, 0.00051099895


@eqx.filter_jit
def moments(model, params):
    p = model.at(params).derive()
    return jnp.stack([a_lepton(p, flavour) for flavour in ("e", "mu")])


def test_loop_against_mpmath():
    found = jax.jit(loop)(RATIOS)
    for x, value in zip(RATIOS, found):
        with mpmath.workdps(30):
            x = mpmath.mpf(float(x))
            cuts = sorted(
                {
                    0,
                    1,
                    *(min(c / x, mpmath.mpf(1) / 2) for c in (1, 100)),
                    *(1 - min(c * mpmath.sqrt(x), 0.4) for c in (1, 30)),
                }
            )
            exact = mpmath.quad(lambda z, x=x: z * (1 - z) ** 2 / ((1 - z) ** 2 + x * z), cuts)
        assert float(value) == pytest.approx(float(exact), rel=1e-10), float(x)


def test_gradient_of_the_loop():
    for x in (1e-6, 0.5, 4.0, 1e8):
        step = 1e-4 * x
        difference = (loop(x + step) - loop(x - step)) / (2.0 * step)
        assert float(jax.grad(loop)(x)) == pytest.approx(float(difference), rel=1e-5)


def test_light_and_heavy_limits():
    model = resolve_model("lmu_ltau_s1")
    light = moments(model, POINT | {"m_zp": 1e-3, "chi": 0.0})[1]
    assert float(light) == pytest.approx(1e-6 / (8.0 * np.pi**2), rel=0.03)
    heavy = moments(model, POINT | {"m_zp": 1e3, "chi": 0.0})[1]
    assert float(heavy) == pytest.approx(1e-6 * MUON**2 / (12.0 * np.pi**2 * 1e6), rel=1e-6)


def test_electron_of_the_second_model_and_through_kinetic_mixing():
    point = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    electron, muon = moments(resolve_model("le_lmu_r2"), point)
    assert float(electron) == pytest.approx(0.09 * ELECTRON**2 / (12.0 * np.pi**2 * 671.0**2), rel=1e-8)
    assert float(muon / electron) == pytest.approx((MUON / ELECTRON) ** 2, rel=1e-5)
    mixed = moments(resolve_model("lmu_ltau_s1"), POINT | {"chi": 1e-3})[0]
    epsilon = np.sqrt(4.0 * np.pi / 132.1164) * np.sqrt(1.0 - 0.23121) * np.tan(1e-3)
    assert float(mixed) == pytest.approx(epsilon**2 * ELECTRON**2 / (12.0 * np.pi**2 * 2.5**2), rel=1e-4)


def test_gradient_is_finite_without_couplings():
    model = resolve_model("lmu_ltau_s1")
    slope = jax.jacfwd(lambda g: moments(model, POINT | {"g": g, "chi": 0.0}))(0.0)
    np.testing.assert_array_equal(slope, np.zeros(2))
