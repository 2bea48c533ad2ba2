"""Rules for a bin and for a whole phase space with a pole anywhere, against exact values in high precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from darkbeauty.numerics.quadrature import bin_rule, gauss_legendre, legendre_rule, phase_space_rule, pole_rule

N, RTOL = 32, 1e-8
EDGE_RTOL = 1e-7  # 5e-8 for Γ/m = 1e-9 on the lower end of phase space
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
BIN = jax.jit(lambda *args: bin_rule(*args, N))
PHASE_SPACE = jax.jit(lambda *args: phase_space_rule(*args, N))


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
    rule = BIN(LO, HI, m2, m_gamma)
    with mp.workdps(60):
        squares, reals = moments(LO, HI, m2, m_gamma)
    for k in range(3):
        f = rule.weight * rule.s**k
        np.testing.assert_allclose(f @ jnp.abs(rule.propagator) ** 2, float(squares[k]), rtol=RTOL)
        np.testing.assert_allclose(f @ rule.propagator.real, float(reals[k]), rtol=RTOL, atol=RTOL * HI**k)


@pytest.mark.parametrize("where", ["far below", "below", "lower edge", "just above", "inside", "upper edge", "above"])
@pytest.mark.parametrize("width", WIDTHS)
def test_phase_space(where, width):
    """∫ √((s−a)(b−s)) |P|² and Re P: −Im and Re of ∫ = π [(a + b)/2 − z + √(z−a) √(z−b)]."""
    m2 = POLES[where]
    m_gamma = width * m2
    rule = PHASE_SPACE(LO, HI, m2, m_gamma)
    with mp.workdps(60):
        a, b, z = mp.mpf(LO), mp.mpf(HI), mp.mpc(m2, -m_gamma)
        exact = mp.pi * ((a + b) / 2 - z + mp.sqrt(z - a) * mp.sqrt(z - b))
        square, real = float(-exact.imag / mp.mpf(m_gamma)), float(exact.real)
    f = rule.weight * jnp.sqrt(jnp.maximum((rule.s - LO) * (HI - rule.s), 0.0))
    np.testing.assert_allclose(f @ jnp.abs(rule.propagator) ** 2, square, rtol=EDGE_RTOL)
    np.testing.assert_allclose(f @ rule.propagator.real, real, rtol=RTOL, atol=RTOL * HI)


@pytest.mark.parametrize("m2", [-3.0, 2.0, 40.0])
def test_smooth_integrals(m2):
    """A pole that the integrand does not have does no harm."""
    rule = BIN(LO, HI, m2, 1e-6)
    np.testing.assert_allclose(jnp.exp(-rule.s) @ rule.weight, np.exp(-LO) - np.exp(-HI), rtol=1e-9)
    np.testing.assert_allclose((1.0 / rule.s) @ rule.weight, np.log(HI / LO), rtol=1e-9)
    rule = PHASE_SPACE(LO, HI, m2, 1e-6)
    np.testing.assert_allclose(jnp.exp(-rule.s) @ rule.weight, np.exp(-LO) - np.exp(-HI), rtol=1e-9)
    s, weight = legendre_rule(LO, HI, 16)
    np.testing.assert_allclose(jnp.exp(-s) @ weight, np.exp(-LO) - np.exp(-HI), rtol=1e-13)


def test_nodes_are_inside_and_distances_exact():
    edges = jnp.array([0.0, 1.0, 3.0])
    rule = pole_rule(edges, 1.7, 1e-9, 12)
    assert rule.node.shape == rule.weight.shape == (36,)
    assert jnp.all((rule.node >= 0.0) & (rule.node <= 3.0)) and jnp.all(rule.weight > 0.0)
    np.testing.assert_allclose(rule.node - 1.7, rule.offset, atol=1e-15)
    assert jnp.min(jnp.abs(rule.offset)) < 1e-9


def test_gauss_legendre():
    for n in (1, 2, 5):
        x, w = gauss_legendre(n)
        for power in range(2 * n):
            assert x**power @ w == pytest.approx((1.0 + (-1.0) ** power) / (power + 1.0), abs=1e-15)


def test_an_empty_bin():
    assert float(jnp.sum(BIN(2.0, 2.0, 1.5, 1e-6).weight)) == 0.0


# -- gradients with respect to the position of the pole ----------------------------------------------------------------------------------

GAMMA = 1e-3
CROSSING = [1.0, 1.09, 1.0999, 1.1, 1.1001, 1.11, 2.0, 4.0, 5.99, 5.999999999, 6.000000001, 6.0001, 6.01, 7.0]


def exact_slope(m2: float, m_gamma: float) -> float:
    """d/dm² of [arctan((HI − m²)/mΓ) − arctan((LO − m²)/mΓ)]/mΓ at fixed mΓ."""
    lorentz = lambda s: 1.0 / ((s - m2) ** 2 + m_gamma**2)
    return lorentz(LO) - lorentz(HI)


def constant_integrand(m2: jax.Array, m_gamma: float) -> jax.Array:
    rule = bin_rule(LO, HI, m2, m_gamma, N)
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
        np.testing.assert_allclose(value, expected, rtol=RTOL)
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
        rule = phase_space_rule(LO, HI, m2, GAMMA, N)
        return (rule.weight * jnp.sqrt((rule.s - LO) * (HI - rule.s))) @ rule.propagator.real

    slope = jax.jit(jax.grad(integral))
    for m2 in (0.5, 1.1, 3.3, 5.9, 6.0, 8.0):
        with mp.workdps(40):
            z = mp.mpc(m2, -GAMMA)
            root = mp.sqrt(z - mp.mpf(LO)) * mp.sqrt(z - mp.mpf(HI))
            expected = float((mp.pi * (-1 + (z - (mp.mpf(LO) + mp.mpf(HI)) / 2) / root)).real)
        np.testing.assert_allclose(slope(m2), expected, rtol=1e-6, atol=1e-6)
