"""Limit curves: smooth across the ends of their windows and across vetoes."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from darkbeauty.inputs.limits import load_limits
from darkbeauty.numerics.limit_curves import coupling_strength, excess, grid_strength, inside, strength

LIMITS = load_limits()
SIGNALS = {
    "BaBar 4mu": lambda m: coupling_strength(LIMITS["BaBar 4mu"], m, 1e-6),
    "LHCb pp->mumu": lambda m: coupling_strength(LIMITS["LHCb pp->mumu"], m, 1e-6),
    "PICO-60 SDp": lambda m: strength(LIMITS["PICO-60 SDp"], m, 1e-40),
    "LHCb B+->KX(mumu)": lambda m: grid_strength(LIMITS["LHCb B+->KX(mumu)"], m, 1e-5, 1e-8),
    "Belle II B+->KX(inv)": lambda m: excess(LIMITS["Belle II B+->KX(inv)"], m, 1e-5),
}


def test_window():
    """0 outside, 1 inside, and (3u² − 2u³) over 2 % of the mass in between."""
    value = jax.vmap(lambda m: inside(np.array([1.0, 10.0]), m))
    mass = np.array([0.5, 1.0, 1.01, 1.02, 5.0, 9.8, 9.9, 10.0, 11.0])
    np.testing.assert_allclose(value(mass), [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("name", SIGNALS)
def test_continuous_with_its_derivative_at_every_end(name):
    """A step of 1e-7 across an end changes value and slope in proportion; a jump of either would not."""
    limit = LIMITS[name]
    ends = np.concatenate([np.ravel(limit.windows if hasattr(limit, "windows") else limit.window)])
    tapered = np.concatenate([ends, ends * 1.02, ends * 0.98])
    points = np.concatenate([tapered * (1.0 - 1e-7), tapered * (1.0 + 1e-7)])
    value, slope = jax.jit(jax.vmap(jax.value_and_grad(SIGNALS[name])))(points)
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope))
    scale = np.max(value)
    below, above = np.asarray(slope).reshape(2, -1) * tapered
    np.testing.assert_allclose(above, below, atol=1e-3 * 100.0 * scale)
    jumps = np.abs(np.diff(np.asarray(value).reshape(2, -1), axis=0))
    assert np.all(jumps < 1e-4 * scale)


@pytest.mark.parametrize("name", SIGNALS)
def test_positive_inside_and_zero_outside(name):
    limit = LIMITS[name]
    windows = np.atleast_2d(limit.windows if hasattr(limit, "windows") else limit.window)
    value = jax.jit(jax.vmap(SIGNALS[name]))
    assert np.all(value(windows.mean(axis=1)) > 0.0)
    outside = np.array([0.99 * windows[0, 0], 1.01 * windows[-1, -1]])
    np.testing.assert_array_equal(value(outside), [0.0, 0.0])


def test_linear_in_the_signal():
    for factor in (0.0, 2.0, 1e6):
        assert float(strength(LIMITS["LZ SI"], 40.0, factor * 2e-48)) == pytest.approx(
            factor * float(strength(LIMITS["LZ SI"], 40.0, 2e-48)), rel=1e-12
        )
