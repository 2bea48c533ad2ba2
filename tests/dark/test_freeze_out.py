"""Thermal average and freeze-out against adaptive quadrature of the formulas of physics.md §7, and its check values."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import kve

from darkbeauty.dark import freeze_out, thermal_average, thermo
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model

M_PLANCK = 1.22089e19
A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
A_II = {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8, "chi": 0.0}
NAMES = tuple(A_I)
MODEL = resolve_model("lmu_ltau_s1")


@pytest.fixture(scope="module")
def solve():
    """point → FreezeOut, compiled once."""
    compiled = eqx.filter_jit(lambda values: freeze_out.freeze_out(MODEL.at(dict(zip(NAMES, values)))))
    return lambda point: compiled([jnp.asarray(point[name], float) for name in NAMES])


@pytest.fixture(scope="module")
def sigma_v():
    """(point, x) → ⟨σv⟩, compiled once."""
    compiled = jax.jit(lambda values, x: thermal_average.sigma_v(MODEL.at(dict(zip(NAMES, values))).dark_sector(), x))
    return lambda point, x: float(compiled([jnp.asarray(point[name], float) for name in NAMES], float(x)))


# -- the formulas once more, for scipy ---------------------------------------------------------------------------------------------------

LEPTONS = (0.00051099895, 0.1056583755, 1.77686)
MESONS = (
    (0.13957039, 2.0),
    (1.86484, 4.0 / 3.0),
    (5.27966, 1.0 / 3.0),
)  # lightest pair of each step of R(s), and the step
QUARKS = (0.0047, 0.093, 4.18)
M_LQ, SIN_MIX = 1200.0, 0.5


class Oracle:
    """⟨σv⟩ of the Lμ−Lτ ⊕ S1 model by adaptive quadrature, in pieces around the pole and from each threshold."""

    def __init__(self, y: float, g: float, m_zp: float, m_dm: float, chi: float):
        self.y, self.m, self.m_dm, self.charge = y, m_zp, m_dm, g * (1.0 - 2.0 * SIN_MIX**2)
        epsilon = np.sqrt(4.0 * np.pi * 0.00756908489598792 * (1.0 - 0.23121)) * np.tan(chi)
        vector = zip(LEPTONS, (epsilon, g + epsilon, -g + epsilon))
        self.channels = [(m, 1.0, c, 0.0, 2.0 * m) for m, c in vector]
        self.channels.append((0.0, 2.0, g / 2.0, g / 2.0, 0.0))
        self.channels += [(0.0, rise, epsilon, 0.0, 2.0 * meson) for meson, rise in MESONS]
        self.width = sum(self.partial_width(*channel) for channel in self.channels)
        if m_zp > 2.0 * m_dm:
            self.width += self.charge**2 * m_zp / (24.0 * np.pi) * (1.0 - 4.0 * (m_dm / m_zp) ** 2) ** 1.5

    def partial_width(self, m_f: float, colours: float, g_v: float, g_a: float, threshold: float) -> float:
        if self.m <= threshold:
            return 0.0
        r = (m_f / self.m) ** 2
        shape = g_v**2 * (1.0 + 2.0 * r) + g_a**2 * (1.0 - 4.0 * r)
        return colours * self.m / (12.0 * np.pi) * np.sqrt(1.0 - 4.0 * r) * shape

    def vector(
        self, m_f: float, colours: float, g_v: float, g_a: float, s: float, above: float, propagator2: float
    ) -> float:
        """σ (s − 4M²)/β_i = σ s β_i, with above = s − 4M² and propagator2 = |P|²."""
        spin_1 = above * (g_v**2 * (s + 2.0 * m_f**2) + g_a**2 * (s - 4.0 * m_f**2))
        spin_0 = 12.0 * g_a**2 * m_f**2 * self.m_dm**2 * (1.0 - s / self.m**2) ** 2
        beta_f = np.sqrt(max(1.0 - 4.0 * m_f**2 / s, 0.0))
        return colours * self.charge**2 / (12.0 * np.pi) * propagator2 * (spin_1 + spin_0) * beta_f

    def exchange(self, m_q: float, s: float, above: float) -> float:
        coupling, m2 = self.y * np.sqrt(1.0 - SIN_MIX**2), self.m_dm**2 + m_q**2
        beta_i, beta_f = np.sqrt(above / s), np.sqrt(max(1.0 - 4.0 * m_q**2 / s, 0.0))
        cosine, weight = np.polynomial.legendre.leggauss(10)
        t, u = (m2 - 0.5 * s * (1.0 - sign * beta_i * beta_f * cosine) for sign in (1.0, -1.0))
        squares = ((m2 - t) / (t - M_LQ**2)) ** 2 + ((m2 - u) / (u - M_LQ**2)) ** 2
        cross = 2.0 * self.m_dm**2 * (s - 2.0 * m_q**2) / ((t - M_LQ**2) * (u - M_LQ**2))
        return 3.0 * coupling**4 / (128.0 * np.pi) * beta_f * (weight @ (squares - cross))

    def sigma_v(self, x: float) -> float:
        total = 0.0
        for m_f, colours, g_v, g_a, threshold in self.channels:
            channel = partial(self.vector, m_f, colours, g_v, g_a)
            total += self.integral(channel, max(threshold, 2.0 * self.m_dm), x, True)
        for m_q in QUARKS:
            channel = lambda s, above, _, m_q=m_q: self.exchange(m_q, s, above)
            total += self.integral(channel, 2.0 * max(m_q, self.m_dm), x, False)
        return total

    def integral(self, channel, root_s_min: float, x: float, resonant: bool) -> float:
        """∫ ds σ (s−4M²) √s K₁(x√s/M) · x/(8M⁵K₂²) from one threshold, in e with s = s_min + (e + e₀)², (e₀)² = m² − s_min."""
        s_min = root_s_min**2
        distance = (self.m - root_s_min) * (self.m + root_s_min)
        centre = np.sqrt(max(distance, 0.0))
        m_gamma = self.m * self.width

        def integrand(e: float) -> float:
            t = centre + e
            s = s_min + t**2
            offset = e * (e + 2.0 * centre) if distance > 0.0 else t**2 - distance
            above = s_min - 4.0 * self.m_dm**2 + t**2
            root = np.sqrt(s)
            excess = above / (2.0 * self.m_dm * (root + 2.0 * self.m_dm))
            bessel = kve(1, x * root / self.m_dm) / kve(2, x) ** 2 * np.exp(-2.0 * x * excess)
            propagator2 = 1.0 / (offset**2 + m_gamma**2) if resonant else 1.0
            return (
                channel(s, above, propagator2) * np.sqrt(above / s) * root * bessel * 2.0 * t * x / (8.0 * self.m_dm**5)
            )

        scale = m_gamma / (2.0 * centre) if centre**2 > m_gamma else np.sqrt(max(abs(distance), m_gamma))
        end = 2.0 * self.m_dm * np.sqrt((1.0 + 30.0 / x) ** 2 - 1.0) + root_s_min
        around = scale * 10.0 ** np.arange(-1.0, 12.0) if resonant else np.array([])
        cuts = np.concatenate([-around, around, np.linspace(0.05, 1.0, 6) * end - centre, [0.0]])
        edges = [-centre, *sorted({float(e) for e in cuts if -centre < e < end - centre}), end - centre]
        return sum(quad(integrand, a, b, epsabs=0.0, epsrel=1e-10, limit=200)[0] for a, b in pairwise(edges))


# -- thermal average ---------------------------------------------------------------------------------------------------------------------

RATIOS = (0.9, 0.99, 0.999, 1.0, 1.001, 1.01, 1.2, 2.0)
POINTS = [
    *(
        (ratio, {"y": 0.05, "g": 1.4e-4, "m_dm": 1.3, "chi": 0.0}, x)
        for ratio, x in zip(RATIOS, (20, 20, 15, 25, 30) * 2)
    ),
    *(
        (ratio, {"y": 1.0, "g": 4e-3, "m_dm": 0.8, "chi": 1e-3}, x)
        for ratio, x in zip(RATIOS, (10, 20, 40, 20, 20) * 2)
    ),
    *(
        (ratio, {"y": 2.0, "g": 1e-2, "m_dm": 2.4, "chi": 1e-3}, x)
        for ratio, x in zip(RATIOS[2:6], (1.5, 20, 200, 2000))
    ),
]


@pytest.mark.parametrize(("ratio", "rest", "x"), POINTS)
def test_thermal_average(sigma_v, ratio, rest, x):
    """Below, at and above the resonance, Γ/m from 1e-9 to 8e-6; 4e-6 measured for the narrowest one far above threshold."""
    point = {**rest, "m_zp": 2.0 * ratio * rest["m_dm"]}
    oracle = Oracle(**point)
    limit = 5e-6 if ratio == 2.0 and oracle.width < 1e-8 * oracle.m else 1e-6
    assert sigma_v(point, x) == pytest.approx(oracle.sigma_v(x), rel=limit, abs=0.0)


def test_narrow_resonance_limit(sigma_v):
    """|P|² → π δ(s − m²)/(mΓ): the average is that of the cross section at s = m²; the continuum is negligible here."""
    point = {"y": 1e-3, "g": 1e-4, "m_zp": 3.2, "m_dm": 1.5, "chi": 0.0}
    oracle, x, m, m_dm = Oracle(**point), 20.0, 3.2, 1.5
    strength = sum(
        oracle.vector(*channel[:4], m**2, m**2 - 4.0 * m_dm**2, 1.0) for channel in oracle.channels if m > channel[4]
    )
    bessel = kve(1, x * m / m_dm) / kve(2, x) ** 2 * np.exp(-x * (m / m_dm - 2.0))
    beta_i = np.sqrt(1.0 - (2.0 * m_dm / m) ** 2)
    expected = x / (8.0 * m_dm**5) * np.pi / (m * oracle.width) * strength * beta_i * m * bessel
    assert sigma_v(point, x) == pytest.approx(expected, rel=1e-6, abs=0.0)


# -- freeze-out --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "x_f", "j", "omega_h2"),
    [(A_I, 20.3276, 5.19139e-11, 0.41130), (A_II, 18.6539, 5.78654e-12, 3.6249)],
)
def test_benchmarks(solve, point, x_f, j, omega_h2):
    """Check values of physics.md §7."""
    found = solve(point)
    assert bool(found.ok)
    assert float(found.x_f) == pytest.approx(x_f, rel=5e-6, abs=0.0)
    assert float(found.j) == pytest.approx(j, rel=2e-5, abs=0.0)
    assert float(found.omega_h2) == pytest.approx(omega_h2, rel=2e-5, abs=0.0)


TAIL = [
    A_I,
    A_II,
    {"y": 0.3, "g": 1e-3, "m_zp": 2.0, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 1e-3, "m_zp": 2.002, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 1e-3, "m_zp": 2.04, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.3, "g": 2e-3, "m_zp": 1.9, "m_dm": 1.0, "chi": 1e-3},
    {"y": 0.1, "g": 5e-3, "m_zp": 3.0, "m_dm": 1.0, "chi": 0.0},
    {"y": 0.1, "g": 1e-2, "m_zp": 1.0, "m_dm": 2.3, "chi": 0.0},
]


@pytest.mark.parametrize("point", TAIL)
def test_solution(solve, sigma_v, point):
    """x_f solves its equation, J = ∫ ⟨σv⟩/x² dx, and Ωh² follows: each with ⟨σv⟩ from `sigma_v`, itself checked above."""
    found = solve(point)
    x_f, m_dm, average = float(found.x_f), point["m_dm"], partial(sigma_v, point)
    assert bool(found.ok)
    sm = load_sm().thermodynamics
    g_star = np.interp(np.log10(m_dm / x_f), sm.log_t / np.log(10.0), sm.g_rho)
    assert np.log(0.076 * M_PLANCK * m_dm * average(x_f) / np.sqrt(g_star * x_f)) == pytest.approx(
        x_f, rel=1e-7, abs=0.0
    )
    in_log = lambda v: average(np.exp(v)) * np.exp(-v)
    edges = np.log(x_f) + np.array([0.0, 0.3, 1.0, 2.0, 4.0, 7.0, 11.0, 15.0, 18.0, 21.0, 25.0])
    j = sum(quad(in_log, a, b, epsabs=0.0, epsrel=1e-8)[0] for a, b in pairwise(edges))
    assert float(found.j) == pytest.approx(j, rel=2e-7, abs=0.0)
    assert float(found.omega_h2) == pytest.approx(
        1.07e9 / (np.sqrt(g_star) * M_PLANCK * float(found.j)), rel=1e-9, abs=0.0
    )


def test_early_freeze_out(solve, sigma_v):
    """Where x_f falls below 9 the panels made for x = 20 lose accuracy, but not the answer (Ωh² is of the order of 10³ and more there)."""
    point = {"y": 0.3, "g": 2e-4, "m_zp": 1.98, "m_dm": 1.0, "chi": 1e-3}
    found = solve(point)
    x_f = float(found.x_f)
    assert bool(found.ok) and 2.0 < x_f < 9.0
    g_star = np.interp(
        np.log10(1.0 / x_f), load_sm().thermodynamics.log_t / np.log(10.0), load_sm().thermodynamics.g_rho
    )
    assert np.log(0.076 * M_PLANCK * sigma_v(point, x_f) / np.sqrt(g_star * x_f)) == pytest.approx(x_f, abs=5e-4)


def test_never_in_equilibrium(solve):
    """Nothing annihilates: no solution for x_f, which is said, and finite numbers."""
    found = solve({"y": 0.01, "g": 1e-12, "m_zp": 5.0, "m_dm": 0.1, "chi": 0.0})
    assert not bool(found.ok) and float(found.x_f) == 1.0
    assert np.isfinite(float(found.omega_h2)) and float(found.omega_h2) > 1e3


def test_relic_density_scales_with_the_coupling(solve):
    """Far above the resonance ⟨σv⟩ ∝ g⁴/x (p wave, up to 1/x): J ∝ g⁴/x_f², and x_f grows by about ln 16."""
    point = {"y": 1e-3, "g": 5e-3, "m_zp": 1.0, "m_dm": 2.5, "chi": 0.0}
    weak, strong = solve(point), solve({**point, "g": 1e-2})
    assert float(strong.j / weak.j * (strong.x_f / weak.x_f) ** 2) == pytest.approx(16.0, rel=0.08)
    assert float(strong.x_f - weak.x_f) == pytest.approx(np.log(16.0), rel=0.15)


# -- degrees of freedom ------------------------------------------------------------------------------------------------------------------

KNOTS = {
    "BORSANYI2016": [(1e-2, 10.76, 10.7548), (1.0, 73.48, 72.1963)],
    "SS2018": [(9.9294421e-06, 3.383084, 3.930936), (1.3028990e-01, 21.914715, 20.946109)],
}


@pytest.mark.parametrize("table", ["BORSANYI2016", "SS2018"])
def test_degrees_of_freedom(table):
    """Exact at the knots, between its neighbours everywhere, constant beyond the ends."""
    sm = load_sm(table)
    data = sm.thermodynamics
    inner = np.linspace(0.0, 1.0, 7)[1:-1]
    for function, column in ((thermo.g_star, data.g_rho), (thermo.h_star, data.g_s)):
        many = jax.jit(partial(function, sm))
        np.testing.assert_allclose(many(np.exp(data.log_t)), column, rtol=1e-10)
        between = data.log_t[:-1, None] + np.diff(data.log_t)[:, None] * inner
        values = np.asarray(many(np.exp(between.ravel()))).reshape(between.shape)
        low, high = np.minimum(column[:-1], column[1:])[:, None], np.maximum(column[:-1], column[1:])[:, None]
        assert np.all(values >= low - 1e-12) and np.all(values <= high + 1e-12)
        steps = np.diff(np.hstack([column[:-1, None], values, column[1:, None]]), axis=1)
        assert np.all(steps * np.sign(np.diff(column))[:, None] >= -1e-10)
        assert float(many(1e-9)) == pytest.approx(column[0]) and float(many(1e6)) == pytest.approx(column[-1])


@pytest.mark.parametrize("table", ["BORSANYI2016", "SS2018"])
def test_published_degrees_of_freedom(table):
    """Values as published (Nature 539 (2016) 69, table S2; JCAP 05 (2018) 035)."""
    sm = load_sm(table)
    for temperature, g_rho, g_s in KNOTS[table]:
        assert float(thermo.g_star(sm, temperature)) == pytest.approx(g_rho, rel=1e-9, abs=0.0)
        assert float(thermo.h_star(sm, temperature)) == pytest.approx(g_s, rel=1e-9, abs=0.0)
