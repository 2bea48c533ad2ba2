"""e^z K_n(z) against mpmath: value, first and second derivative, forward and reverse, and what happens outside the domain."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkbeauty.numerics import bessel

FUNCTIONS = {0: bessel.k0e, 1: bessel.k1e, 2: bessel.k2e}
LARGE = {0: bessel.k0e_large, 1: bessel.k1e_large, 2: bessel.k2e_large}
JITTED = {n: jax.jit(f) for n, f in FUNCTIONS.items()}
JITTED_SLOPE = {n: jax.jit(jax.grad(f)) for n, f in FUNCTIONS.items()}
AROUND_THE_SWITCH = [1.9, 2.0 - 1e-9, np.nextafter(2.0, 0.0), 2.0, np.nextafter(2.0, 3.0), 2.0 + 1e-9, 2.1]
POINTS = np.sort(np.concatenate([np.geomspace(1e-3, 1e4, 400), AROUND_THE_SWITCH]))


def scaled_k(n: int, z: float) -> tuple[mp.mpf, mp.mpf, mp.mpf]:
    """Value, first and second derivative of e^z K_n(z); 30 digits leave enough of those that cancel (z⁻²) in the derivatives."""
    with mp.workdps(30):
        x = mp.mpf(z)
        scale = mp.exp(x)
        order = [scale * mp.besselk(0, x), scale * mp.besselk(1, x)]
        for m in (1, 2, 3):
            order.append(order[m - 1] + 2 * m * order[m] / x)
        value, slope, bend = (
            order[n],
            -(order[abs(n - 1)] + order[n + 1]) / 2,
            (order[abs(n - 2)] + 2 * order[n] + order[n + 2]) / 4,
        )
        return value, value + slope, value + 2 * slope + bend


@pytest.fixture(scope="module")
def reference() -> dict[int, list[tuple[mp.mpf, mp.mpf, mp.mpf]]]:
    return {n: [scaled_k(n, z) for z in POINTS] for n in FUNCTIONS}


def worst(values: np.ndarray, exact: list[mp.mpf]) -> float:
    return max(abs(float(mp.mpf(float(v)) / e - 1)) for v, e in zip(values, exact, strict=True))


@pytest.mark.parametrize("n", FUNCTIONS)
@pytest.mark.parametrize(("derivative", "tolerance"), [(0, 5e-15), (1, 5e-14), (2, 1e-12)])
def test_value_and_derivatives_against_mpmath(n, derivative, tolerance, reference):
    exact = [point[derivative] for point in reference[n]]
    for differentiate in (jax.grad, jax.jacfwd):
        f = FUNCTIONS[n]
        for _ in range(derivative):
            f = differentiate(f)
        assert worst(np.asarray(jax.jit(jax.vmap(f))(POINTS)), exact) < tolerance


@pytest.mark.parametrize("n", FUNCTIONS)
def test_large_branch_is_the_same_function_above_two(n):
    z = POINTS[POINTS >= 2.0]
    np.testing.assert_allclose(jax.jit(LARGE[n])(z), jax.jit(FUNCTIONS[n])(z), rtol=1e-15)


@pytest.mark.parametrize("n", FUNCTIONS)
@pytest.mark.parametrize("z", [1e-150, 1e-100, 1e-30, 1e-8])
def test_tiny_arguments(n, z):
    exact = scaled_k(n, z)
    computed, representable = [JITTED[n](z)], [exact[0]]
    if abs(exact[1]) < 1e308:
        computed.append(JITTED_SLOPE[n](z))
        representable.append(exact[1])
    assert worst(np.array(computed), representable) < 1e-14


@pytest.mark.parametrize("n", FUNCTIONS)
def test_huge_arguments_follow_the_leading_asymptotics(n):
    for z in (1e20, 1e100):
        leading = np.sqrt(np.pi / 2) / np.sqrt(z)
        np.testing.assert_allclose(JITTED[n](z), leading, rtol=1e-15)
        np.testing.assert_allclose(JITTED_SLOPE[n](z), -0.5 * leading / z, rtol=1e-15)
    assert float(JITTED[n](jnp.inf)) == 0.0
    assert float(JITTED_SLOPE[n](jnp.inf)) == 0.0


@pytest.mark.parametrize("n", FUNCTIONS)
def test_arguments_out_of_domain_do_not_reach_other_lanes(n):
    z = np.array([-1.0, 0.0, 0.5, 3.0])

    def total_inside(scale):
        values = JITTED[n](scale * z)
        return jnp.sum(jnp.where(z > 0.0, values, 0.0))

    slope = jax.grad(total_inside)(1.0)
    assert np.isfinite(slope)
    np.testing.assert_allclose(slope, float(0.5 * scaled_k(n, 0.5)[1] + 3 * scaled_k(n, 3.0)[1]), rtol=1e-13)
    assert np.all(np.isposinf(JITTED[n](z)[:2]))
    np.testing.assert_array_equal(jax.vmap(JITTED_SLOPE[n])(z)[:2], 0.0)
    assert np.isnan(JITTED[n](jnp.nan))


def test_integers_and_python_floats_are_accepted():
    assert bessel.k1e(3).dtype == jnp.float64
    assert float(bessel.k1e(3)) == float(bessel.k1e(3.0))


@settings(max_examples=30, deadline=None)
@given(st.floats(-3.0, 4.0).map(lambda e: 10.0**e))
def test_derivative_identities(z):
    """K0e′ = K0e − K1e and K1e′ = K1e (1 − 1/z) − K0e, up to what the identities themselves lose at large z."""
    k0, k1 = float(JITTED[0](z)), float(JITTED[1](z))
    assert float(JITTED_SLOPE[0](z)) == pytest.approx(k0 - k1, abs=1e-14 * k1)
    assert float(JITTED_SLOPE[1](z)) == pytest.approx(k1 * (1 - 1 / z) - k0, abs=1e-14 * k1 * (1 + 1 / z))


@settings(max_examples=30, deadline=None)
@given(st.floats(-3.0, 4.0).map(lambda e: 10.0**e))
def test_ordered_positive_and_decreasing(z):
    k0, k1, k2 = (float(JITTED[n](z)) for n in (0, 1, 2))
    assert 0 < k0 < k1 < k2
    assert all(float(JITTED_SLOPE[n](z)) < 0 for n in (0, 1, 2))
