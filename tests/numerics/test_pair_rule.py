"""The quadrature rule of a pair of fermions on integrals with exact values: two thresholds, photon pole, narrow propagator."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from darkbeauty.numerics.quadrature import pair_rule

S_MAX = 19.2
NODES, RTOL = 24, 3e-7


def shape(s, s_min):
    """√((s − s_min)(S_MAX − s))"""
    return jnp.sqrt((s - s_min) * (S_MAX - s))


def stieltjes(z, s_min) -> mp.mpc:
    """∫ shape/(s − z) ds over phase space = π [(a + b)/2 − z + √(z − a) √(z − b)]"""
    a, b, z = mp.mpf(s_min), mp.mpf(S_MAX), mp.mpmathify(z)
    return mp.pi * ((a + b) / 2 - z + mp.sqrt(z - a) * mp.sqrt(z - b))


@pytest.mark.parametrize("s_min", [1.04e-6, 0.0447, 12.6])
def test_thresholds_and_photon_pole(s_min):
    rule = pair_rule((0.0, 30.0), s_min, S_MAX, None, NODES, photon=True)
    exact = 0.5 * np.pi * (np.sqrt(S_MAX) - np.sqrt(s_min)) ** 2
    np.testing.assert_allclose(jnp.sum(rule.weight * shape(rule.s, s_min) / rule.s), exact, rtol=1e-10)


@pytest.mark.parametrize(
    ("s_min", "photon"), [(1.04e-6, True), (0.0447, True), (12.6, True), (0.0, False), (4.0, False)]
)
@pytest.mark.parametrize("m2", [-3.0, 1e-4, 0.0447, 1.0, 9.0, 12.6, 19.2, 50.0])
@pytest.mark.parametrize("ratio", [1e-8, 1e-3])
def test_propagator(s_min, photon, m2, ratio):
    """∫ shape |P|² and ∫ shape Re P, P = 1/(s − m² + imΓ), wherever the pole is."""
    m_gamma = ratio * max(abs(m2), 1.0)
    rule = pair_rule((0.0, 30.0), s_min, S_MAX, (m2, m_gamma), NODES, photon)
    with mp.workdps(50):
        value = stieltjes(mp.mpc(m2, -m_gamma), s_min)
        square, real = float(-value.imag / mp.mpf(m_gamma)), float(value.real)
    f = rule.weight * shape(rule.s, s_min)
    np.testing.assert_allclose(jnp.sum(f * jnp.abs(rule.propagator) ** 2), square, rtol=RTOL)
    np.testing.assert_allclose(jnp.sum(f * rule.propagator.real), real, rtol=RTOL, atol=RTOL * S_MAX)


def test_ends_of_phase_space_have_finite_gradients():
    def integral(s_min, s_max):
        rule = pair_rule((0.0, 30.0), s_min, s_max, (4.0, 1e-6), NODES, photon=True)
        return jnp.sum(rule.weight * jnp.sqrt((rule.s - s_min) * (s_max - rule.s)) / rule.s)

    slope = jax.grad(integral, (0, 1))(0.04, S_MAX)
    root = np.sqrt(S_MAX / 0.04)
    np.testing.assert_allclose(slope, (-0.5 * np.pi * (root - 1.0), 0.5 * np.pi * (1.0 - 1.0 / root)), rtol=1e-6)


def test_closed_bins_are_empty():
    for lo, hi in ((0.0, 0.04), (20.0, 25.0), (5.0, 4.0)):
        assert jnp.all(pair_rule((lo, 0.1, hi), 0.04, S_MAX, None, NODES, photon=True).weight == 0.0)


@pytest.mark.parametrize("pole", [None, (4.0, 1e-6)])
def test_closed_phase_space_is_empty(pole):
    weights = lambda s_min: pair_rule((0.0, 30.0), s_min, S_MAX, pole, NODES, photon=True).weight
    value, slope = jax.jvp(weights, (25.0,), (1.0,))
    assert jnp.all(value == 0.0) and jnp.all(slope == 0.0)
