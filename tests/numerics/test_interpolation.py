"""Interpolation of tables against SciPy's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from darkbeauty.numerics.interpolation import monotone

KNOTS = np.array([-1.0, -0.3, 0.0, 0.9, 1.0, 2.5, 4.0])
TABLES = {
    "rising": np.array([0.0, 0.1, 2.0, 2.1, 2.2, 7.0, 7.01]),
    "wavy": np.array([1.0, -2.0, 0.5, 0.5, 3.0, -1.0, -0.9]),
    "steep at an end": np.array([0.0, 1.0, 0.9, -8.0, -8.1, -8.2, 5.0]),
}
X = np.linspace(-0.999, 3.999, 1001)
value = jax.jit(monotone, static_argnums=3)
slope = jax.jit(jax.vmap(jax.grad(monotone), in_axes=(0, None, None)))


@pytest.mark.parametrize("name", TABLES)
def test_monotonic(name):
    exact = PchipInterpolator(KNOTS, TABLES[name])
    np.testing.assert_allclose(value(X, KNOTS, TABLES[name]), exact(X), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(slope(X, KNOTS, TABLES[name]), exact.derivative()(X), rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("name", TABLES)
def test_linear(name):
    expected = np.interp(X, KNOTS, TABLES[name])
    np.testing.assert_allclose(value(X, KNOTS, TABLES[name], "linear"), expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", TABLES)
def test_cubic(name):
    chords = np.diff(TABLES[name]) / np.diff(KNOTS)
    slopes = np.concatenate([chords[:1], 0.5 * (chords[1:] + chords[:-1]), chords[-1:]])
    exact = CubicHermiteSpline(KNOTS, TABLES[name], slopes)
    np.testing.assert_allclose(value(X, KNOTS, TABLES[name], "cubic"), exact(X), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("method", ["monotonic", "linear", "cubic"])
def test_knots_are_met_and_ends_are_held(method):
    table = TABLES["wavy"]
    np.testing.assert_allclose(value(KNOTS, KNOTS, table, method), table, rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(value(jnp.array([-9.0, 9.0]), KNOTS, table, method), table[[0, -1]])


def test_shapes():
    table = jnp.asarray(TABLES["rising"])
    assert monotone(0.3, KNOTS, table).shape == ()
    assert monotone(np.zeros((2, 3)), KNOTS, table).shape == (2, 3)


def test_values_may_be_traced():
    weight = jax.jit(jax.grad(lambda table: monotone(0.45, KNOTS, table, "linear")))(jnp.asarray(TABLES["wavy"]))
    np.testing.assert_allclose(weight, [0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0], atol=1e-15)
