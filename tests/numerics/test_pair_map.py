"""The variable of a pair of fermions on integrals with exact values: thresholds, photon pole, narrow propagator, bins, derivatives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from darkbeauty.numerics.pair_map import ResonanceRule, pair_map

S_MAX = 19.2
NODES, PHOTON_NODES, CLOSE = 32, 24, 0.3  # as the decay rates use them


def pair_rule(edges, s_min, s_max, pole, photon) -> ResonanceRule:
    variable = pair_map(s_min, s_max, pole, photon)
    return variable.rule(edges, PHOTON_NODES, CLOSE) if photon else variable.rule(edges, NODES)


def shape(s, s_min):
    """√((s − s_min)(S_MAX − s))"""
    return jnp.sqrt((s - s_min) * (S_MAX - s))


def stieltjes(z, s_min) -> mp.mpc:
    """∫ shape/(s − z) ds over phase space = π [(a + b)/2 − z + √(z − a) √(z − b)]"""
    a, b, z = mp.mpf(s_min), mp.mpf(S_MAX), mp.mpmathify(z)
    return mp.pi * ((a + b) / 2 - z + mp.sqrt(z - a) * mp.sqrt(z - b))


@pytest.mark.parametrize("s_min", [1.04e-6, 0.0447, 12.6])
def test_thresholds_and_photon_pole(s_min):
    rule = pair_rule((0.0, 30.0), s_min, S_MAX, None, photon=True)
    exact = 0.5 * np.pi * (np.sqrt(S_MAX) - np.sqrt(s_min)) ** 2
    np.testing.assert_allclose(jnp.sum(rule.weight * shape(rule.s, s_min) / rule.s), exact, rtol=1e-10)


@pytest.mark.parametrize(
    ("s_min", "photon"), [(1.04e-6, True), (0.0447, True), (12.6, True), (0.0, False), (4.0, False)]
)
@pytest.mark.parametrize("m2", [-3.0, 1e-4, 0.0447, 1.0, 9.0, 12.6, 19.2, 50.0])
@pytest.mark.parametrize("ratio", [1e-8, 1e-3])
def test_propagator(s_min, photon, m2, ratio):
    """∫ shape |P|² and ∫ shape Re P, P = 1/(s − m² + imΓ), wherever the pole is."""
    m_gamma, rtol = ratio * max(abs(m2), 1.0), 3e-7 if photon else 1e-8
    rule = pair_rule((0.0, 30.0), s_min, S_MAX, (m2, m_gamma), photon)
    with mp.workdps(50):
        value = stieltjes(mp.mpc(m2, -m_gamma), s_min)
        square, real = float(-value.imag / mp.mpf(m_gamma)), float(value.real)
    f = rule.weight * shape(rule.s, s_min)
    np.testing.assert_allclose(jnp.sum(f * jnp.abs(rule.propagator) ** 2), square, rtol=rtol)
    np.testing.assert_allclose(jnp.sum(f * rule.propagator.real), real, rtol=rtol, atol=rtol * S_MAX)


def test_ends_of_phase_space_have_finite_gradients():
    def integral(s_min, s_max):
        rule = pair_rule((0.0, 30.0), s_min, s_max, (4.0, 1e-6), photon=True)
        return jnp.sum(rule.weight * jnp.sqrt((rule.s - s_min) * (s_max - rule.s)) / rule.s)

    slope = jax.grad(integral, (0, 1))(0.04, S_MAX)
    root = np.sqrt(S_MAX / 0.04)
    np.testing.assert_allclose(slope, (-0.5 * np.pi * (root - 1.0), 0.5 * np.pi * (1.0 - 1.0 / root)), rtol=1e-6)


def test_closed_bins_are_empty():
    for lo, hi in ((0.0, 0.04), (20.0, 25.0), (5.0, 4.0)):
        assert jnp.all(pair_rule((lo, 0.1, hi), 0.04, S_MAX, None, photon=True).weight == 0.0)


@pytest.mark.parametrize("pole", [None, (4.0, 1e-6)])
def test_closed_phase_space_is_empty(pole):
    weights = lambda s_min: pair_rule((0.0, 30.0), s_min, S_MAX, pole, photon=True).weight
    value, slope = jax.jvp(weights, (25.0,), (1.0,))
    assert jnp.all(value == 0.0) and jnp.all(slope == 0.0)


def test_there_and_back():
    s = np.array([0.041, 0.05, 3.0, 16.0, 19.1999])
    for pole in (None, (4.0, 1e-6), (30.0, 1.0)):
        for photon in (False, True):
            variable = pair_map(0.04, S_MAX, pole, photon)
            np.testing.assert_allclose(variable.at(variable.x(s)).s, s, rtol=1e-9)


def test_propagator_without_its_rounding():
    """Far from the pole the product form is 1/(s − m² + imΓ)."""
    for photon in (False, True):
        rule = pair_rule((1.0, 18.0), 0.04, S_MAX, (4.0, 1e-6), photon)
        far = np.abs(rule.s - 4.0) > 1e-3
        direct = 1.0 / (rule.s - 4.0 + 1e-6j)
        np.testing.assert_allclose(np.asarray(rule.propagator)[far], np.asarray(direct)[far], rtol=1e-9)


# -- bins inside phase space -------------------------------------------------------------------------------------------------------------

LO, HI = 1.1, 6.0
POLES = {
    "far below": 0.04,
    "below": 1.0,
    "just below": LO * (1.0 - 1e-9),
    "lower edge": LO,
    "just above": LO * (1.0 + 1e-7),
    "inside": 3.3,
    "upper edge": HI,
    "above": 6.5,
    "far above": 40.0,
}
WIDTHS = (1e-9, 1e-7, 1e-4, 1e-2)
BIN = jax.jit(lambda m2, m_gamma: pair_rule((LO, HI), 0.0, S_MAX, (m2, m_gamma), photon=False))


def moments(lo: float, hi: float, m2: float, m_gamma: float) -> tuple[list[mp.mpf], list[mp.mpf]]:
    """∫ sᵏ |P|² ds and ∫ sᵏ Re P ds, k = 0, 1, 2, by P = 1/(s − z), z = m² − imΓ, |P|² = −Im P/mΓ."""
    z, a, b = mp.mpc(m2, -m_gamma), mp.mpf(lo), mp.mpf(hi)
    log = mp.log(b - z) - mp.log(a - z)
    raw = [log, (b - a) + z * log, (b**2 - a**2) / 2 + z * (b - a) + z**2 * log]
    return [-value.imag / mp.mpf(m_gamma) for value in raw], [value.real for value in raw]


@pytest.mark.parametrize("where", POLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_bin(where, width):
    """∫ sᵏ |P|² and ∫ sᵏ Re P; the real part changes sign at the pole, so its error is measured against the bin."""
    m2 = POLES[where]
    m_gamma = width * m2
    rtol = 1e-8 if width > 1e-9 else 2e-7  # an edge has 16 digits of s, not of its distance from the pole
    rule = BIN(m2, m_gamma)
    with mp.workdps(60):
        squares, reals = moments(LO, HI, m2, m_gamma)
    for k in range(3):
        f = rule.weight * rule.s**k
        np.testing.assert_allclose(f @ jnp.abs(rule.propagator) ** 2, float(squares[k]), rtol=rtol)
        np.testing.assert_allclose(f @ rule.propagator.real, float(reals[k]), rtol=rtol, atol=1e-8 * HI**k)


@pytest.mark.parametrize("m2", [-3.0, 2.0, 40.0])
def test_smooth_integrals(m2):
    """A pole that the integrand does not have does no harm."""
    rule = BIN(m2, 1e-6)
    np.testing.assert_allclose(jnp.exp(-rule.s) @ rule.weight, np.exp(-LO) - np.exp(-HI), rtol=1e-9)
    np.testing.assert_allclose((1.0 / rule.s) @ rule.weight, np.log(HI / LO), rtol=1e-9)


# -- gradients with respect to the position of the pole ----------------------------------------------------------------------------------

GAMMA = 1e-3
CROSSING = [1.0, 1.09, 1.0999, 1.1, 1.1001, 1.11, 2.0, 4.0, 5.99, 5.999999999, 6.000000001, 6.0001, 6.01, 7.0]


def exact_slope(m2: float, m_gamma: float) -> float:
    """d/dm² of [arctan((HI − m²)/mΓ) − arctan((LO − m²)/mΓ)]/mΓ at fixed mΓ."""
    lorentz = lambda s: 1.0 / ((s - m2) ** 2 + m_gamma**2)
    return lorentz(LO) - lorentz(HI)


def constant_integrand(m2: jax.Array, m_gamma: float) -> jax.Array:
    rule = pair_rule((LO, HI), 0.0, S_MAX, (m2, m_gamma), photon=False)
    return rule.weight @ jnp.abs(rule.propagator) ** 2


@pytest.mark.parametrize("m_gamma", [1e-5, GAMMA, 0.1])
def test_gradient_as_the_pole_crosses_a_bin_edge(m_gamma):
    """Value and slope against the arctan formula, with the pole well outside, on, and within a width of both edges."""
    both = jax.jit(jax.value_and_grad(lambda m2: constant_integrand(m2, m_gamma)))
    for m2 in CROSSING:
        value, slope = both(m2)
        with mp.workdps(40):
            upper, lower = ((mp.mpf(edge) - mp.mpf(m2)) / m_gamma for edge in (HI, LO))
            expected = float((mp.atan(upper) - mp.atan(lower)) / m_gamma)
        np.testing.assert_allclose(value, expected, rtol=1e-8)
        scale = np.pi / m_gamma**2
        np.testing.assert_allclose(slope, exact_slope(m2, m_gamma), rtol=1e-6, atol=1e-9 * scale)


def test_gradient_is_continuous_through_an_edge():
    slope = jax.jit(jax.grad(lambda m2: constant_integrand(m2, GAMMA)))
    for edge in (LO, HI * (1.0 - 1e-9), HI * (1.0 + 1e-9)):
        below, on, above = (float(slope(edge * (1.0 + d))) for d in (-1e-10, 0.0, 1e-10))
        assert below == pytest.approx(on, rel=1e-5) and above == pytest.approx(on, rel=1e-5)


def test_gradient_exactly_on_the_upper_edge():
    slope = jax.grad(lambda m2: constant_integrand(m2, GAMMA))(HI)
    assert float(slope) == pytest.approx(exact_slope(HI, GAMMA), rel=1e-6)


def test_gradient_of_phase_space():
    """d/dm² of Re ∫ √((s−a)(b−s)) P ds at fixed mΓ, from the closed form."""

    def integral(m2: jax.Array) -> jax.Array:
        rule = pair_rule((0.0, 30.0), LO, HI, (m2, GAMMA), photon=False)
        return (rule.weight * jnp.sqrt((rule.s - LO) * (HI - rule.s))) @ rule.propagator.real

    slope = jax.jit(jax.grad(integral))
    for m2 in (0.5, 1.1, 3.3, 5.9, 6.0, 8.0):
        with mp.workdps(40):
            z = mp.mpc(m2, -GAMMA)
            root = mp.sqrt(z - mp.mpf(LO)) * mp.sqrt(z - mp.mpf(HI))
            expected = float((mp.pi * (-1 + (z - (mp.mpf(LO) + mp.mpf(HI)) / 2) / root)).real)
        np.testing.assert_allclose(slope(m2), expected, rtol=1e-6, atol=1e-6)
