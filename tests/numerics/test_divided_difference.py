"""Divided differences against mpmath at every distance of the two arguments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkbeauty.numerics.divided_difference import divided_difference

# name: (jnp function, mpmath function); none has a large constant part
FUNCTIONS = {
    "log": (jnp.log, mp.log),
    "square": (lambda x: x * x, lambda x: x**2),
    "root": (jnp.sqrt, mp.sqrt),
    "x log x": (lambda x: x * jnp.log(x), lambda x: x * mp.log(x)),
    "inverse": (lambda x: 1.0 / x, lambda x: 1 / x),
    "rational": (lambda x: x / (1.0 + x), lambda x: x / (1 + x)),
    "log1p": (jnp.log1p, lambda x: mp.log1p(x)),
}
SCALES = [1e-12, 1e-5, 0.3, 1.0, 7.0]
DISTANCES = [0.0, *(sign * 10.0**-e for e in range(1, 17) for sign in (1, -1)), 0.999999, 1.0, 1.000001, 3.0, 1e3]
PAIRS = np.array([(y * (1.0 + d), y) for y in SCALES for d in DISTANCES])


def exact(f, x: float, y: float) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """Value and both gradients; x = y is approached to 1e-40, which leaves 1e-40."""
    with mp.workdps(150):
        a, b = mp.mpf(float(x)), mp.mpf(float(y))
        if a == b:
            a *= 1 + mp.mpf(10) ** -40
        ratio = (f(a) - f(b)) / (a - b)
        return ratio, (mp.diff(f, a) - ratio) / (a - b), (ratio - mp.diff(f, b)) / (a - b)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_gradient_at_all_distances(name):
    f, f_exact = FUNCTIONS[name]
    x, y = PAIRS.T
    dd = lambda a, b: divided_difference(f, a, b)
    values = np.asarray(jax.jit(jax.vmap(dd))(x, y))
    reverse = np.asarray(jax.jit(jax.vmap(jax.grad(dd, (0, 1))))(x, y)).T
    forward = np.asarray(jax.jit(jax.vmap(jax.jacfwd(dd, (0, 1))))(x, y)).T
    for a, b, value, slopes, slopes_forward in zip(x, y, values, reverse, forward, strict=True):
        reference = exact(f_exact, a, b)
        assert abs(value / reference[0] - 1) < 1e-13, (a, b)
        for slope, slope_forward, target, argument in zip(slopes, slopes_forward, reference[1:], (a, b), strict=True):
            # relative, unless f is so nearly linear that ∂(dd) is far below dd/x
            tolerance = 1e-13 * max(abs(target), 1e-2 * abs(reference[0]) / argument)
            assert abs(slope - target) < tolerance, (a, b)
            assert abs(slope_forward - target) < tolerance, (a, b)


def test_known_values():
    square = lambda x: x * x
    assert float(divided_difference(square, 3.0, 3.0)) == pytest.approx(6.0, rel=1e-15)
    assert float(divided_difference(square, 3.0, 5.0)) == pytest.approx(8.0, rel=1e-15)
    assert float(divided_difference(jnp.log, 1.0, jnp.e)) == pytest.approx(1 / (np.e - 1), rel=1e-15)


def test_zero_is_allowed_where_the_function_is_finite_there():
    square = lambda x: x * x
    assert float(divided_difference(square, 0.0, 0.0)) == 0.0
    assert float(divided_difference(square, 0.0, 2.0)) == 2.0
    assert jax.grad(lambda x, y: divided_difference(square, x, y), (0, 1))(0.0, 2.0) == (1.0, 1.0)


def test_the_branch_not_taken_produces_no_nan_or_inf():
    """Eager, so that every intermediate of value and gradient is looked at."""
    x, y = np.array([1.0, 1.0, 3.0, 2.0]), np.array([1.0, 1.5, 1e-30, 1.0])
    with jax.debug_nans(True), jax.debug_infs(True):
        jax.grad(lambda scale: jnp.sum(divided_difference(jnp.log, scale * x, scale * y)))(1.0)


def test_elementwise_equals_vmap():
    x, y = PAIRS.T
    both = jax.jit(lambda a, b: divided_difference(jnp.log, a, b))(x, y)
    np.testing.assert_allclose(
        both, jax.jit(jax.vmap(lambda a, b: divided_difference(jnp.log, a, b)))(x, y), rtol=1e-14
    )


LOG_RATIO = jax.jit(lambda x, y: divided_difference(jnp.log, x, y))
EXPONENT = st.floats(-10.0, 10.0).map(lambda e: 10.0**e)


@settings(max_examples=30, deadline=None)
@given(EXPONENT, st.floats(0.1, 10.0))
def test_symmetric_scaling_and_between_the_slopes(x, ratio):
    y = x * ratio
    value = float(LOG_RATIO(x, y))
    assert value == pytest.approx(float(LOG_RATIO(y, x)), rel=1e-14)
    assert float(LOG_RATIO(3 * x, 3 * y)) == pytest.approx(value / 3, rel=1e-13)
    low, high = sorted((1 / x, 1 / y))
    assert low * (1 - 1e-13) <= value <= high * (1 + 1e-13)
