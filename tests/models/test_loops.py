"""Loop functions against mpmath, against their defining integrals, and against the printed numbers of physics.md §3."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from darkbeauty.models import loops

M_LQ = 1200.0

# 0, tiny, ordinary, the edges of the series at 1/3 and 3, and x → 1 from both sides down to the last bit
HARD_POINTS = np.array(
    [1e-150, 1e-30, 1e-16, 1e-12, 1e-9, 1e-6, 1e-3, 0.02, 0.1736, 0.3, 1 / 3 - 1e-12, 1 / 3, 1 / 3 + 1e-12, 0.5, 0.9]
    + [1.0 + sign * 10.0**-e for e in range(1, 17) for sign in (1, -1)]
    + [1.0, 1.5, 2.9999999, 3.0, 3.0000001, 4.13, 20.0, 1e3, 1e6]
)


def s0_exact(x):
    return (4 * x - 11 * x**2 + x**3) / (4 * (1 - x) ** 2) - 3 * x**3 * mp.log(x) / (2 * (1 - x) ** 3)


def j1_exact(x):
    return (1 - 6 * x + 3 * x**2 + 2 * x**3 - 6 * x**2 * mp.log(x)) / (12 * (1 - x) ** 4)


ONE_ARGUMENT = {
    "k": (loops.k, lambda x: x**2 * mp.log(x) / (x - 1)),
    "j": (loops.j, lambda x: x * mp.log(x) / (x - 1)),
    "dipole_j1": (loops.dipole_j1, j1_exact),
    "inami_lim_s0": (loops.inami_lim_s0, s0_exact),
}


def box_f_exact(x, y):
    g = lambda t: (t**2 * mp.log(t) / (t - 1) - 1) / (t - 1)
    return (g(x) - g(y)) / (x - y)


def box_g_exact(x, y):
    g = lambda t: (t * mp.log(t) / (t - 1) - 1) / (t - 1)
    return -(g(x) - g(y)) / (x - y)


def dd_exact(f):
    return lambda x, y: (f(x) - f(y)) / (x - y)


TWO_ARGUMENTS = {
    "k_divided": (loops.k_divided, dd_exact(ONE_ARGUMENT["k"][1])),
    "j_divided": (loops.j_divided, dd_exact(ONE_ARGUMENT["j"][1])),
    "box_f": (loops.box_f, box_f_exact),
    "box_g": (loops.box_g, box_g_exact),
}


ALL = {name: f for name, (f, _) in {**ONE_ARGUMENT, **TWO_ARGUMENTS}.items()}
JITTED = {name: jax.jit(f) for name, f in ALL.items()}
GRADIENT = {name: jax.jit(jax.grad(f, 0 if name in ONE_ARGUMENT else (0, 1))) for name, f in ALL.items()}


def near(x: float, label: int) -> mp.mpf:
    """x in high precision, pushed off the removable singularities at 1 and at equal arguments by far less than the tolerance."""
    return mp.mpf(float(x)) * (1 + label * mp.mpf(10) ** -30)


def value_and_slopes(f, *x: float) -> list[mp.mpf]:
    with mp.workdps(260):
        at = [near(a, i + 1) for i, a in enumerate(x)]
        step = mp.mpf(10) ** -60
        out = [f(*at)]
        for i, a in enumerate(at):
            up, down = ([*at[:i], a * (1 + sign * step), *at[i + 1 :]] for sign in (1, -1))
            out.append((f(*up) - f(*down)) / (2 * a * step))
        return out


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_value_and_gradient_at_hard_points(name):
    f, f_exact = ONE_ARGUMENT[name]
    values = np.asarray(JITTED[name](HARD_POINTS))
    reverse = np.asarray(jax.jit(jax.vmap(jax.grad(f)))(HARD_POINTS))
    forward = np.asarray(jax.jit(jax.vmap(jax.jacfwd(f)))(HARD_POINTS))
    for x, value, slope, slope_forward in zip(HARD_POINTS, values, reverse, forward, strict=True):
        exact, exact_slope = value_and_slopes(f_exact, x)
        assert abs(value - exact) <= 2e-14 * abs(exact), x
        assert abs(slope - exact_slope) <= 1e-13 * abs(exact_slope), x
        assert abs(slope_forward - exact_slope) <= 1e-13 * abs(exact_slope), x


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_second_derivative_near_one(name):
    """The Hessian of a fit passes through here; the series gives it, a quotient of small numbers would not."""
    f, f_exact = ONE_ARGUMENT[name]
    bend = jax.jit(jax.vmap(jax.grad(jax.grad(f))))(np.array([0.999, 1.0, 1.0 + 1e-8]))
    with mp.workdps(200):
        exact = [mp.diff(f_exact, near(x, 1), 2, h=mp.mpf(10) ** -20) for x in (0.999, 1.0, 1.0 + 1e-8)]
    np.testing.assert_allclose(bend, [float(e) for e in exact], rtol=1e-11)


LADDER = [1e-20, 1e-12, 1e-9, 1e-4, 0.05, 0.1736, 0.34, 0.49999, 0.50001, 1.0, 1.9, 5.0, 1e3]
PAIRS = np.array(
    [(x, y) for x in LADDER for y in LADDER]
    + [(y * (1 + d), y) for y in LADDER for d in (1e-1, 1e-3, 1e-6, 1e-9, 1e-12, 1e-15, -1e-15, -1e-9, -1e-4)]
    + [(2.0 * y * (1 + d), y) for y in LADDER for d in (-1e-9, 0.0, 1e-9)]
)


@pytest.mark.parametrize("name", TWO_ARGUMENTS)
def test_two_argument_value_and_gradient(name):
    f_exact = TWO_ARGUMENTS[name][1]
    x, y = PAIRS.T
    values = np.asarray(JITTED[name](x, y))
    slopes = np.asarray(jax.jit(jax.vmap(GRADIENT[name]))(x, y)).T
    for a, b, value, slope in zip(x, y, values, slopes, strict=True):
        exact, *exact_slopes = value_and_slopes(f_exact, a, b)
        assert abs(value - exact) <= 2e-14 * abs(exact), (a, b)
        for i in (0, 1):
            assert abs(slope[i] - exact_slopes[i]) <= 2e-13 * abs(exact_slopes[i]), (a, b, i)


def test_limits_at_zero_and_one():
    limits = {"k": (0.0, 1.0), "j": (0.0, 1.0), "inami_lim_s0": (0.0, 0.75), "dipole_j1": (1 / 12, 1 / 24)}
    for name, (zero, one) in limits.items():
        assert float(JITTED[name](0.0)) == zero
        assert float(JITTED[name](1.0)) == pytest.approx(one, rel=1e-15)
    assert float(JITTED["box_f"](0.0, 0.0)) == 1.0
    assert float(GRADIENT["dipole_j1"](0.0)) == pytest.approx(-1 / 6, rel=1e-15)
    assert float(GRADIENT["inami_lim_s0"](0.0)) == 1.0


@pytest.mark.parametrize("name", ALL)
def test_zero_itself_is_finite_with_finite_gradient(name):
    points = [(0.0,)] if name in ONE_ARGUMENT else [(0.0, 0.0), (0.0, 0.3), (0.3, 0.0), (0.0, 1.0)]
    for point in points:
        assert np.isfinite(JITTED[name](*point))
        assert np.all(np.isfinite(GRADIENT[name](*point)))


def log_trapezoid(integrand, low: float = -60.0, high: float = 60.0, step: float = 0.1) -> float:
    """∫₀^∞ by the trapezoidal rule in ln t, exponentially convergent for integrands rational in t."""
    t = np.exp(np.arange(low, high, step))
    return float(step * np.sum(integrand(t) * t))


BOX_PAIRS = np.array(
    [(0.1736, 0.05), (0.3, 0.3), (1.0, 1.0), (1e-6, 0.2), (1e-7, 1e-7), (2.0, 0.999), (7.0, 40.0), (1e-9, 1e-5)]
)


def test_boxes_against_their_integrals():
    f, g = JITTED["box_f"](*BOX_PAIRS.T), JITTED["box_g"](*BOX_PAIRS.T)
    for (x, y), f_xy, g_xy in zip(BOX_PAIRS, f, g, strict=True):
        weight = lambda t, x=x, y=y: 1 / ((t + x) * (t + y) * (t + 1) ** 2)
        assert float(f_xy) == pytest.approx(log_trapezoid(lambda t, w=weight: t**2 * w(t)), rel=1e-12)
        assert float(g_xy) == pytest.approx(log_trapezoid(lambda t, w=weight: t * w(t)), rel=1e-12)


def test_boxes_at_the_point_of_physics_md():
    assert float(JITTED["box_f"](0.1736, 0.05)) == pytest.approx(0.71574113, abs=6e-9)
    assert float(JITTED["box_g"](0.1736, 0.05)) == pytest.approx(0.98457315, abs=6e-9)


def test_dipole_against_its_parameter_integral():
    z, w = np.polynomial.legendre.leggauss(60)
    z, w = 0.5 * (1 + z), 0.5 * w
    for x in (0.05, 0.2, 0.7, 1.0, 1.3, 4.0, 12.0):
        integral = 0.5 * np.sum(w * z**2 * (1 - z) / (z + x * (1 - z)))
        assert float(JITTED["dipole_j1"](x)) == pytest.approx(integral, rel=1e-13)


def test_s0_at_the_top():
    """S₀ ≈ 0.784 x_t^0.76 (Buras, hep-ph/9806471), good to 2 % around the top mass."""
    for x in (3.8, 4.1, 4.4):
        assert float(JITTED["inami_lim_s0"](x)) == pytest.approx(0.784 * x**0.76, rel=0.02)


# ---- the Z′ penguin ---------------------------------------------------------------------------------------------------------


def penguin_integral(chi, u) -> float:
    """The Euclidean integral of physics.md §3, literally, by the trapezoidal rule in ln K with 40 digits."""
    with mp.workdps(40):
        chi, u = [mp.mpf(float(c)) for c in chi], [mp.mpf(float(a)) for a in u]
        norm = mp.sqrt(u[0] ** 2 + u[1] ** 2)
        u = [a / norm for a in u]
        q = [[2 * u[a] * u[b] - (a == b) for b in (0, 1)] for a in (0, 1)]
        low, high, step = min(float(mp.log(c)) for c in chi) - 25, 45.0, 0.3
        total = mp.mpf(0)
        for n in range(int((high - low) / step)):
            big_k = mp.exp(mp.mpf(low) + n * mp.mpf(step))
            p, one = [1 / (big_k + c) for c in chi], 1 / (big_k + 1)
            both = sum(
                u[a]
                * u[b]
                * q[a][b]
                * ((big_k * p[a] * p[b] * one - one / big_k) / 2 - mp.sqrt(chi[a] * chi[b]) * p[a] * p[b] * one)
                for a in (0, 1)
                for b in (0, 1)
            )
            leptoquark = sum(u[a] ** 2 * (big_k * p[a] * one**2 - one**2) for a in (0, 1)) / 2
            total -= big_k**2 * (both - leptoquark)
        return float(total * mp.mpf(step))


def contents(angle) -> np.ndarray:
    return np.array([np.cos(angle), np.sin(angle)])


V_SB = jax.jit(loops.v_sb)


def penguin_exact(m_light: float, m_heavy: float, sin_mix: str, light_is_cos: bool) -> mp.mpf:
    """The closed form of physics.md §3, as it stands there, with 60 digits."""
    with mp.workdps(60):
        sine = mp.mpf(sin_mix)
        cosine = mp.sqrt(1 - sine**2)
        u = (cosine, sine) if light_is_cos else (sine, cosine)
        chi = [(mp.mpf(m) / mp.mpf(M_LQ)) ** 2 for m in (m_light, m_heavy)]
        k, j = ONE_ARGUMENT["k"][1], ONE_ARGUMENT["j"][1]
        divided = lambda f, x, y: mp.diff(f, x) if x == y else (f(x) - f(y)) / (x - y)
        total = mp.mpf(1) / 2 - sum(u[a] ** 2 * (k(chi[a]) - 1) / (chi[a] - 1) for a in (0, 1)) / 2
        for a in (0, 1):
            for b in (0, 1):
                bracket = divided(k, chi[a], chi[b]) / 2 + mp.sqrt(chi[a] * chi[b]) * divided(j, chi[a], chi[b])
                total += u[a] * u[b] * (2 * u[a] * u[b] - (a == b)) * bracket
        return total


@pytest.mark.parametrize(
    ("m_light", "m_heavy", "sin_mix", "light_is_cos", "printed"),
    [
        (1.7, 500.0, "0.5", True, 0.05523827414145),
        (1.8, 500.0, "0.5", True, 0.05529560471358),
        (286.0, 500.0, "0.22", False, 0.45804941602961),
    ],
)
def test_penguin_benchmarks(m_light, m_heavy, sin_mix, light_is_cos, printed):
    u = contents(np.arcsin(float(sin_mix)))
    value = float(V_SB(np.array([m_light, m_heavy]) ** 2 / M_LQ**2, u if light_is_cos else u[::-1]))
    assert value == pytest.approx(float(penguin_exact(m_light, m_heavy, sin_mix, light_is_cos)), rel=2e-15)
    # physics.md §3 prints 14 digits, of which the first 11 are right (2.3e-12 off the 60-digit value)
    assert value == pytest.approx(printed, rel=3e-12)


def test_penguin_against_its_euclidean_integral():
    rng = np.random.default_rng(20210603)
    chi = 10.0 ** rng.uniform(-7.0, 1.5, (50, 2))
    u = contents(rng.uniform(0.0, 2 * np.pi, 50)).T
    values = jax.jit(jax.vmap(loops.v_sb))(chi, u)
    for c, a, value in zip(chi, u, values, strict=True):
        assert float(value) == pytest.approx(penguin_integral(c, a), rel=1e-9, abs=1e-15), (c, a)


def test_penguin_gradient_in_masses_and_angle_against_the_integral():
    def v(point):
        m_light, m_heavy, angle = point
        return loops.v_sb(jnp.stack([m_light, m_heavy]) ** 2 / M_LQ**2, jnp.stack([jnp.cos(angle), jnp.sin(angle)]))

    gradient = jax.jit(jax.grad(v))
    for point in ([1.7, 500.0, 0.5236], [286.0, 500.0, 1.349], [400.0, 400.0, 0.3], [1200.0, 300.0, 2.0]):
        computed = gradient(jnp.array(point))
        for i in range(3):
            shifted = [np.array(point), np.array(point)]
            step = 3e-4 * max(point[i], 0.1)
            # four-point difference: error step⁴, far below the tolerance
            differences = []
            for width in (step, 2 * step):
                up, down = shifted[0].copy(), shifted[1].copy()
                up[i] += width
                down[i] -= width
                values = [penguin_integral(p[:2] ** 2 / M_LQ**2, contents(p[2])) for p in (up, down)]
                differences.append((values[0] - values[1]) / (2 * width))
            expected = (4 * differences[0] - differences[1]) / 3
            assert float(computed[i]) == pytest.approx(expected, rel=1e-7, abs=1e-13)


def test_ward_identity_massless_states_do_not_couple():
    u = contents(0.7)
    assert float(V_SB(np.zeros(2), u)) == 0.0
    assert all(np.all(np.isfinite(g)) for g in jax.jit(jax.grad(loops.v_sb, (0, 1)))(np.zeros(2), u))
    for scale in (1e-4, 1e-8, 1e-12, 1e-16):
        # V → O(χ ln χ): falls with the masses, and is still relatively exact when it is tiny
        chi = np.array([0.3, 1.0]) * scale
        assert abs(float(V_SB(chi, u))) < 10 * scale * abs(np.log(scale))
        assert float(V_SB(chi, u)) == pytest.approx(penguin_integral(chi, u), rel=1e-11)


def test_penguin_without_mixing_is_the_single_state_function():
    """u = (1, 0): V = ½ + ½k′ + χ j′ − ½ k(χ,1), whatever the decoupled state weighs."""
    values = [float(V_SB(np.array([0.2, heavy]), np.array([1.0, 0.0]))) for heavy in (1e-8, 0.2, 1.0, 30.0)]
    with mp.workdps(40):
        chi = mp.mpf(0.2)
        k, j = ONE_ARGUMENT["k"][1], ONE_ARGUMENT["j"][1]
        exact = (1 + mp.diff(k, chi)) / 2 + chi * mp.diff(j, chi) - (k(chi) - 1) / (chi - 1) / 2
    np.testing.assert_allclose(values, float(exact), rtol=1e-13)


CHI = st.floats(-10.0, 2.0).map(lambda e: 10.0**e)
ANGLE = st.floats(0.0, 6.3)


@settings(max_examples=30, deadline=None)
@given(CHI, CHI, ANGLE)
def test_penguin_does_not_care_about_order_and_signs_of_the_states(chi_light, chi_heavy, angle):
    chi, u = np.array([chi_light, chi_heavy]), contents(angle)
    value = float(V_SB(chi, u))
    size = 1e-14 * (abs(value) + chi.max() * (1 + abs(np.log(chi.max()))))
    assert float(V_SB(chi[::-1], u[::-1])) == pytest.approx(value, abs=size)
    assert float(V_SB(chi, u * np.array([1.0, -1.0]))) == pytest.approx(value, abs=size)


@settings(max_examples=30, deadline=None)
@given(CHI, CHI)
def test_boxes_are_symmetric_positive_and_ordered(x, y):
    f, g = float(JITTED["box_f"](x, y)), float(JITTED["box_g"](x, y))
    np.testing.assert_allclose([JITTED[b](y, x) for b in ("box_f", "box_g")], [f, g], rtol=1e-13)
    assert 0 < f < 1
    assert g > 0
    # t²/(t+x)(t+y) = t/(t+x) − y·t/((t+x)(t+y)): F = γ(x) − y G, γ(x) = G's one-propagator integral
    gamma = (x * np.log(x) + 1 - x) / (x - 1) ** 2 if abs(x - 1) > 1e-2 else None
    if gamma is not None:
        assert f + y * g == pytest.approx(gamma, rel=1e-10)


@pytest.mark.parametrize("name", ALL)
def test_functions_are_elementwise(name):
    x = np.array([[0.0, 0.3], [1.0, 5.0]])
    arguments = (x,) if name in ONE_ARGUMENT else (x, x[::-1])
    one_by_one = [float(JITTED[name](*point)) for point in zip(*(a.ravel() for a in arguments), strict=True)]
    np.testing.assert_allclose(np.ravel(JITTED[name](*arguments)), one_by_one, rtol=1e-14)
