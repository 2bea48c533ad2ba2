"""N N → Z′Z′ and Z′H against explicit spinors and polarisation vectors, their limits, their thermal average, and the check values of physics_2.md §17."""

from __future__ import annotations

from itertools import pairwise, product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import kve
from spinors import GAMMA5, METRIC, bar, exchanged, momenta, polarisations, slashed, u, v

from darkbeauty.dark import freeze_out, thermal_average, today
from darkbeauty.dark.z_prime_pairs import z_prime_and_scalar, z_prime_pair
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import ZPrimePairs

NAMES = ("y", "g", "m_zp", "m_dm")
A, B, B_EDGE = (0.1, 0.01, 1.2, 2.4), (0.1, 0.3, 200.0, 400.0), (0.1, 0.3, 400.0, 480.0)
# √s, M_ℓ, M_h, m, m_H, (c_ℓℓ, c_ℓh), (λ_ℓℓ, λ_ℓh), 1/v₂, P: at the threshold, near and far above, light and heavy Z′
POINTS = [
    (2.0002, 1.0, 3.0, 0.4, 1.5, (0.3, -0.7), (0.4, 0.9), 0.8, 0.3 - 0.2j),
    (2.60005, 1.0, 1.001, 1.3, 1.2, (1.0, 0.3), (-0.4, 0.2), 1.5, -0.1),
    (5.0, 1.0, 50.0, 0.7, 3.0, (0.5, 0.8), (0.4, 7.0), 0.5, 0.01 + 0.3j),
    (9.0, 1.7, 1.7, 0.2, 2.0, (0.2, 0.8), (0.1, 0.3), 0.5, 0.02),
    (6.0, 0.3, 2.0, 1.0, 0.1, (0.4, 0.6), (0.2, -0.5), 0.9, 0.04 - 0.01j),
]


def pairs_of(point) -> ZPrimePairs:
    _, m_dm, m_heavy, m, m_h, vector, scalar, inverse_vacuum, _ = point
    both = jnp.array([m_h, m_h])
    arrays = [jnp.asarray(x) for x in (m, (m_dm, m_heavy), vector, scalar, inverse_vacuum)]
    return ZPrimePairs(*arrays, both, 0.1 * both, jnp.array([-0.3, 0.95]))


def amplitude_zz(p, spins, polarised, point, order=(0, 1)) -> complex:
    """Vertices −c γγ₅; −½λN̄Nφ₂ and (m²/v₂)Z′Z′φ₂ have Feynman rules λ and 2m²/v₂."""
    _, m_dm, m_heavy, m, _, vector, scalar, inverse_vacuum, propagator = point
    vertices = [(k, [c * slashed(e) @ GAMMA5 for c in vector]) for k, e in zip(p[2:], polarised)]
    dark = bar(v(p[order[1]], m_dm, spins[order[1]])) @ u(p[order[0]], m_dm, spins[order[0]])
    contracted = polarised[0] @ (METRIC * polarised[1])
    resonant = 2.0 * scalar[0] * m**2 * inverse_vacuum * propagator * contracted * dark
    return resonant - exchanged(p, spins, order, m_dm, vertices, (m_dm, m_heavy))


def amplitude_zh(p, spins, polarised, point, order=(0, 1)) -> complex:
    """The same with φ₂ outgoing, and c γγ₅ with a Z′ in unitary gauge in the s channel."""
    root_s, m_dm, m_heavy, m, _, vector, scalar, inverse_vacuum, _ = point
    e, q = polarised[0], p[0] + p[1]
    vertices = [(p[2], [c * slashed(e) @ GAMMA5 for c in vector]), (p[3], [x * np.eye(4) for x in scalar])]
    spinor, antispinor = u(p[order[0]], m_dm, spins[order[0]]), bar(v(p[order[1]], m_dm, spins[order[1]]))
    unitary = slashed(e) - slashed(q) * (q @ (METRIC * e)) / m**2
    strength = 2.0 * vector[0] * m**2 * inverse_vacuum / (root_s**2 - m**2)
    return strength * antispinor @ unitary @ GAMMA5 @ spinor + exchanged(
        p, spins, order, m_dm, vertices, (m_dm, m_heavy)
    )


def summed(amplitude, point, final, vectors: int, n: int = 24) -> float:
    """∫₋₁¹ dcosθ Σ|M|², by angles on one side: |M|² is even."""
    total, (root_s, m_dm) = 0.0, point[:2]
    for cosine, weight in zip(*np.polynomial.legendre.leggauss(n)):
        if cosine > 0.0:
            p = momenta(root_s**2, (m_dm, m_dm), final, cosine)
            for polarised in product(*(polarisations(k, point[3]) for k in p[2 : 2 + vectors])):
                for spins in product((0, 1), repeat=2):
                    total += 2.0 * weight * abs(amplitude(p, spins, polarised, point)) ** 2
    return total


@pytest.mark.parametrize("point", POINTS)
def test_pair_against_spinors(point):
    root_s, m_dm, _, m = point[:4]
    value = z_prime_pair(jnp.asarray(root_s**2), m_dm, pairs_of(point), jnp.asarray(point[-1], complex))
    expected = summed(amplitude_zz, point, (m, m), 2, n=80) / (256.0 * np.pi)
    assert float(value) == pytest.approx(expected, rel=1e-10 if root_s < 10.0 * m_dm else 1e-8, abs=0.0)


@pytest.mark.parametrize("point", [point for point in POINTS if point[0] > point[3] + point[4]])
def test_with_a_scalar_against_spinors(point):
    root_s, m_dm, _, m, m_h = point[:5]
    value = z_prime_and_scalar(jnp.asarray(root_s**2), m_dm, pairs_of(point), m_h, jnp.asarray(0.7))
    expected = 0.49 * summed(amplitude_zh, point, (m, m_h), 1, n=80) / (128.0 * np.pi)
    assert float(value) == pytest.approx(expected, rel=1e-10 if root_s < 10.0 * m_dm else 1e-8, abs=0.0)


@pytest.mark.parametrize(("amplitude", "vectors"), [(amplitude_zz, 2), (amplitude_zh, 1)])
def test_majorana_particles_are_the_same_in_either_order(amplitude, vectors):
    """Which of the two N begins the fermion line changes a sign, no more."""
    point = POINTS[2]
    p = momenta(point[0] ** 2, (1.0, 1.0), (0.7, 0.7 if vectors == 2 else 3.0), 0.3)
    for polarised in product(*(polarisations(k, 0.7) for k in p[2 : 2 + vectors])):
        for spins in product((0, 1), repeat=2):
            there, back = (amplitude(p, spins, polarised, point, order) for order in ((0, 1), (1, 0)))
            assert back == pytest.approx(-there, rel=1e-10, abs=1e-12)


def dark_of(name: str, values, extra_channels=("z_prime_pairs",)):
    return resolve_model(name, extra_channels=extra_channels).at(dict(zip(NAMES, values))).derive().dark_matter


def propagator(pairs: ZPrimePairs, s) -> jax.Array:
    return jnp.sum(pairs.contents**2 / (s - pairs.scalar_mass**2 + 1j * pairs.scalar_m_gamma))


@pytest.mark.parametrize(
    ("name", "values", "root_s", "expected"),
    [
        ("lmu_ltau_s1", A, 4.9, 1.1542615e-10),
        ("lmu_ltau_s1", A, 5.5, 7.7461656e-10),
        ("lmu_ltau_s1", A, 7.0, 3.1399001e-9),
        ("le_lmu_r2", B, 810.0, 1.1010616e-3),
        ("le_lmu_r2", B, 900.0, 7.1379283e-3),
    ],
)
def test_check_values(name, values, root_s, expected):
    """physics_2.md §17: σ s β_i (there with widths of H2 of five digits)."""
    dark, s = dark_of(name, values), jnp.asarray(root_s**2)
    value = z_prime_pair(s, dark.mass, dark.z_prime_pairs, propagator(dark.z_prime_pairs, s))
    assert float(value) * np.sqrt(1.0 - 4.0 * values[2] ** 2 / root_s**2) == pytest.approx(expected, rel=2e-6, abs=0.0)


def test_scalars_keep_unitarity():
    """Without φ₂ Σ|M|² grows like s, at √s = 10⁵ GeV 5.5e7; with it, it does not."""
    dark = dark_of("lmu_ltau_s1", A)
    at = lambda root_s, with_scalar: float(
        z_prime_pair(
            jnp.asarray(root_s**2),
            dark.mass,
            dark.z_prime_pairs,
            with_scalar * propagator(dark.z_prime_pairs, root_s**2),
        )
    )
    assert 128.0 * np.pi * at(1e5, 0.0) == pytest.approx(5.51e7, rel=2e-3)
    assert at(1e5, 0.0) / at(1e4, 0.0) == pytest.approx(100.0, rel=0.05)
    assert at(1e6, 1.0) / at(1e5, 1.0) < 2.0


@pytest.mark.parametrize(("name", "values"), [("lmu_ltau_s1", A), ("le_lmu_r2", B)])
def test_at_rest(name, values):
    """(1/16πM²)(1−r)^{3/2} [Σ_j c_j² 2M²/(M_j² + M² − m²)]², with N_ℓ alone c⁴(1−r)^{3/2}/(16πM²(1−r/2)²); and the cold limit of the thermal average."""
    dark = dark_of(name, values)
    m, m_dm, pairs = values[2], values[3], dark.z_prime_pairs
    r, masses = (m / m_dm) ** 2, np.array([m_dm, 500.0])
    both = np.sum(np.asarray(pairs.vector) ** 2 * 2.0 * m_dm**2 / (masses**2 + m_dm**2 - m**2))
    expected = (1.0 - r) ** 1.5 * both**2 / (16.0 * np.pi * m_dm**2)
    parts = today.s_wave(dark)
    assert float(parts["ZpZp"]) == pytest.approx(expected, rel=1e-10, abs=0.0)
    if name == "lmu_ltau_s1":
        assert expected == pytest.approx(
            (0.5 * values[1]) ** 4 * (1.0 - r) ** 1.5 / (16.0 * np.pi * m_dm**2 * (1.0 - 0.5 * r) ** 2), rel=1e-3
        )
        assert parts["ZpH2"] == 0.0
    cold = float(jax.jit(lambda dark: thermal_average.sigma_v(dark, 1e10))(dark))
    assert float(sum(parts.values())) == pytest.approx(cold, rel=1e-5, abs=0.0)


def test_below_threshold_at_rest():
    """Exactly zero, with zero slope."""
    rate = lambda m: today.s_wave(dark_of("le_lmu_r2", (0.1, 0.3, m, 150.0)))["ZpZp"]
    value, slope = jax.value_and_grad(rate)(151.0)
    assert value == 0.0 and slope == 0.0


# -- thermal average ---------------------------------------------------------------------------------------------------------------------

AVERAGES = [(0.1, 0.3, 200.0, 190.0), (0.1, 0.05, 230.0, 235.0), (0.1, 0.3, 200.0, 400.0)]
"""Below threshold, with H2 on the tail, above."""


@pytest.fixture(scope="module")
def averages():
    model = resolve_model("le_lmu_r2", extra_channels=("z_prime_pairs",))

    def both(values, x):
        dark = model.at(dict(zip(NAMES, values))).derive().dark_matter
        rates = lambda m: thermal_average.channel_averages(eqx.tree_at(lambda d: d.mass, dark, m), x)
        return rates(dark.mass)

    return jax.jit(both)


@pytest.mark.parametrize("values", AVERAGES)
@pytest.mark.parametrize("x", [5.0, 20.0])
def test_thermal_average(averages, values, x):
    """Spinors at every s of an adaptive quadrature in t, s = s_> + t², cut at the pole of H2."""
    dark = dark_of("le_lmu_r2", values)
    pairs, m, m_dm = dark.z_prime_pairs, values[2], values[3]
    lowest = 4.0 * max(m, m_dm) ** 2
    arrays = [np.asarray(x) for x in (pairs.vector, pairs.scalar)]

    def integrand(t: float) -> float:
        s = lowest + t**2
        point = (np.sqrt(s), m_dm, 500.0, m, 0.0, *arrays, 2.0 * values[1] / m, complex(propagator(pairs, s)))
        w = summed(amplitude_zz, point, (m, m), 2, n=10) / (256.0 * np.pi)
        flux = np.sqrt((1.0 - 4.0 * m**2 / s) * (1.0 - 4.0 * m_dm**2 / s) * s)
        root = np.sqrt(s) / m_dm
        bessel = kve(1, x * root) / kve(2, x) ** 2 * np.exp(-x * (root - 2.0))
        return w * flux * bessel * 2.0 * t * x / (8.0 * m_dm**5)

    end = np.sqrt((2.0 * max(m, m_dm) + 30.0 * m_dm / x) ** 2 - lowest)
    pole, width = 500.0**2 - lowest, float(pairs.scalar_m_gamma[1])
    near = [np.sqrt(max(pole + k * width, 0.0)) for k in (-30.0, -3.0, 0.0, 3.0, 30.0)]
    edges = sorted({0.0, 0.15 * end, 0.4 * end, end, *(t for t in near if 0.0 < t < end)})
    expected = sum(quad(integrand, a, b, epsrel=1e-7, limit=30)[0] for a, b in pairwise(edges))
    assert float(averages(values, x)["ZpZp"]) == pytest.approx(expected, rel=2e-6, abs=0.0)


@pytest.mark.parametrize(
    ("name", "values", "alone", "together"),
    [("le_lmu_r2", B, 3.359, None), ("le_lmu_r2", B_EDGE, 3.811, 0.111)],
)
def test_relic_density(name, values, alone, together):
    """physics_2.md §17; Z′H2 takes B from 0.0638 to 0.0091."""
    omega = {}
    for channels in ((), ("z_prime_pairs",)):
        model = resolve_model(name, extra_channels=channels)
        run = eqx.filter_jit(lambda v, m=model: freeze_out.freeze_out(m.at(dict(zip(NAMES, v))).derive()).omega_h2)
        omega[channels] = float(run([jnp.asarray(x) for x in values]))
    assert omega[()] == pytest.approx(alone, rel=2e-4)
    together_found = omega["z_prime_pairs",]
    assert together_found < 0.03 * alone if together is None else together_found == pytest.approx(together, rel=5e-3)


# -- the switch --------------------------------------------------------------------------------------------------------------------------


def test_what_has_these_channels():
    for channels in ((), ("z_prime_pairs",)):
        assert (dark_of("le_lmu_r2", B, extra_channels=channels).z_prime_pairs is not None) is bool(channels)
