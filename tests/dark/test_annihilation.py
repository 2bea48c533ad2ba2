"""Annihilation of Majorana pairs against sums over explicit spinors, and its massless limit at low velocity."""

from __future__ import annotations

from itertools import product

import jax.numpy as jnp
import numpy as np
import pytest
from spinors import GAMMA, METRIC, averaged, bar, exchange_amplitude, momenta, scalar_amplitude, u, v, z_prime_amplitude

from darkbeauty.dark.annihilation import Resonance, exchange_channel, interference, scalar_channel, vector_channel
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.sectors import Channels, Exchange

VECTOR = [
    (16.3, (1.7, 1.7), 0.106, 4.0, 1e-3, 2e-3, 0.0),
    (16.3, (1.7, 1.7), 1.777, 4.0, 0.1, -2e-3, 0.0),
    (16.3, (1.7, 1.7), 1.777, 3.0, 0.1, 0.3, -0.7),
    (0.45, (0.3, 0.3), 0.2, 5.0, 0.3, 0.0, 1.1),
    (3.0e5, (250.0, 250.0), 172.5, 671.0, 4.9, 0.4, 0.9),
    (16.3, (1.7, 2.1), 1.777, 3.0, 0.1, 0.3, -0.7),
    (7.0e5, (286.0, 500.0), 172.5, 671.0, 4.9, 0.4, 0.9),
    (0.45, (0.1, 0.5), 0.2, 5.0, 0.3, 0.0, 1.1),
]
EXCHANGE = [
    (12.0, (1.7, 1.7), (0.0047, 0.0047), 1200.0),
    (80.0, (1.7, 1.7), (4.18, 4.18), 1200.0),
    (80.0, (4.0, 4.0), (4.18, 4.18), 30.0),
    (4.0e5, (286.0, 286.0), (172.5, 172.5), 1200.0),
    (1.4e6, (300.0, 300.0), (172.5, 172.5), 1200.0),
    (1.0, (0.3, 0.3), (0.093, 0.093), 2.0),
    (35.0, (1.7, 1.7), (0.093, 4.18), 60.0),
    (4e5, (286.0, 286.0), (1.27, 172.5), 1200.0),
    (3.0, (0.3, 0.3), (0.5, 0.9), 3.0),
    (80.0, (1.7, 5.0), (4.18, 4.18), 30.0),
    (1.4e6, (286.0, 500.0), (172.5, 172.5), 1200.0),
    (7e5, (286.0, 500.0), (1.27, 172.5), 1200.0),
    (3.0, (0.3, 0.7), (0.5, 0.9), 3.0),
]
INTERFERENCE = [
    (16.3, (1.7, 1.7), 0.106, 4.0, 1e-3, 0.3, 0.0, 9.0),
    (16.3, (1.7, 1.7), 1.777, 4.1, 0.2, -0.3, 0.0, 9.0),
    (16.3, (1.7, 1.7), 1.777, 3.0, 0.1, 0.3, -0.7, 7.0),
    (16.3, (1.7, 1.7), 0.0, 4.2, 0.1, 0.15, -0.15, 30.0),
    (3.6e5, (286.0, 286.0), 172.5, 671.0, 4.9, 0.2, 0.5, 700.0),
    (16.3, (1.5, 2.2), 1.777, 3.0, 0.1, 0.3, -0.7, 7.0),
    (7e5, (286.0, 500.0), 172.5, 671.0, 4.9, 0.2, 0.5, 900.0),
]


def test_spinors():
    """Completeness: Σ u ū = p̸ + m and Σ v v̄ = p̸ − m."""
    p, m = np.array([0.0, 0.3, -0.4, 1.2]), 0.7
    p[0] = np.sqrt(m**2 + p[1:] @ p[1:])
    slash = np.tensordot(METRIC * p, GAMMA, 1)
    for spinor, sign in ((u, 1.0), (v, -1.0)):
        total = sum(np.outer(spinor(p, m, spin), bar(spinor(p, m, spin))) for spin in (0, 1))
        np.testing.assert_allclose(total, slash + sign * m * np.eye(4), atol=1e-14)


@pytest.mark.parametrize(("s", "initial", "m_f", "m_zp", "width", "g_v", "g_a"), VECTOR)
def test_vector_channel(s, initial, m_f, m_zp, width, g_v, g_a):
    coupling, propagator = 0.37, 1.0 / (s - m_zp**2 + 1j * m_zp * width)
    amplitude = lambda p, spins: z_prime_amplitude(p, spins, initial, m_f, coupling, m_zp, propagator, g_v, g_a)
    final = Channels(m_f, 3.0, g_v, g_a, 4.0 * m_f**2, 0.0, ("ff",))
    value = vector_channel(s, initial, Resonance(coupling, m_zp, propagator), final)
    assert float(value) == pytest.approx(3.0 * averaged(amplitude, s, initial, (m_f, m_f), n=4), rel=1e-12, abs=0.0)


@pytest.mark.parametrize(("s", "initial", "final", "m_lq"), EXCHANGE)
def test_exchange_channel(s, initial, final, m_lq):
    even = initial[0] == initial[1] or final[0] == final[1]
    amplitude = lambda p, spins: 0.35 * exchange_amplitude(p, spins, initial, *final, m_lq)
    value = exchange_channel(s, initial, Exchange(*final, 3.0, 0.35, m_lq, ("ff",)), even=even)
    assert float(value) == pytest.approx(3.0 * averaged(amplitude, s, initial, final), rel=1e-10, abs=0.0)


@pytest.mark.parametrize(("s", "initial", "m_f", "m_zp", "width", "g_v", "g_a", "m_eta"), INTERFERENCE)
@pytest.mark.parametrize("y2", [0.81, -0.81])
def test_interference(s, initial, m_f, m_zp, width, g_v, g_a, m_eta, y2):
    """|Z′ + η|² = |Z′|² + |η|² + interference. Relative sign: −½cN̄γγ₅N·J/m_Z′² and −(y²/4m_η²)N̄γγ₅N·f̄γP_Lf of the heavy limits add."""
    coupling, propagator, final = 0.4, 1.0 / (s - m_zp**2 + 1j * m_zp * width), (m_f, m_f)

    def amplitude(p, spins):
        resonant = z_prime_amplitude(p, spins, initial, m_f, coupling, m_zp, propagator, g_v, g_a)
        return resonant - y2 * exchange_amplitude(p, spins, initial, m_f, m_f, m_eta)

    resonance, channel = Resonance(coupling, m_zp, propagator), Channels(m_f, 1.0, g_v, g_a, 4.0 * m_f**2, y2, ("ff",))
    value = vector_channel(s, initial, resonance, channel)
    value += exchange_channel(s, initial, Exchange(*final, 1.0, y2, m_eta, ("ff",)))
    value += interference(s, initial, resonance, channel, m_eta)
    assert float(value) == pytest.approx(averaged(amplitude, s, initial, final), rel=1e-10, abs=0.0)


def test_relative_sign_of_the_graphs():
    """With both mediators heavy the amplitudes are c P(0) A·J and −y²(…) in the convention of the graphs above: compare them with the
    contact Lagrangian −(c/2m_Z′²) N̄γγ₅N·J − (y²/4m_η²) N̄γγ₅N·f̄γP_Lf obtained by Fierz rearrangement of anticommuting fields."""
    s, initial, m_f, heavy = 16.3, (1.7, 1.7), 0.4, 1e5
    p = momenta(s, initial, (m_f, m_f), 0.3)
    for spins in product((0, 1), repeat=4):
        contact = z_prime_amplitude(p, spins, initial, m_f, 1.0, 1e9, -1.0 / heavy**2, 0.5, -0.5)
        exchanged = exchange_amplitude(p, spins, initial, m_f, m_f, heavy)
        # −(1/4m²)·A·(V−A)/2·2 for y = 1 against −(c/2m²)·A·J with J = (V−A)/2: half of it
        assert -exchanged == pytest.approx(0.5 * contact, rel=1e-7, abs=1e-18)


def test_exchange_of_massless_quarks_at_low_velocity():
    """σv = N_c y⁴ r² (1 − 2r + 2r²) v²/(48π M²), r = M²/(M² + M_LQ²); σv = 2w/s."""
    for m_dm, m_lq, beta in ((1.7, 1200.0, 1e-3), (300.0, 400.0, 1e-4), (2.0, 3.0, 1e-4)):
        s, r, velocity = 4.0 * m_dm**2 / (1.0 - beta**2), m_dm**2 / (m_dm**2 + m_lq**2), 2.0 * beta
        expected = 3.0 * 0.6**4 * r**2 * (1.0 - 2.0 * r + 2.0 * r**2) * velocity**2 / (48.0 * np.pi * m_dm**2)
        value = 2.0 * exchange_channel(s, (m_dm, m_dm), Exchange(0.0, 0.0, 3.0, 0.6**2, m_lq, ("ff",))) / s
        assert float(value) == pytest.approx(expected, rel=10.0 * beta**2 + 1e-7, abs=0.0)


def test_exchange_of_massive_quarks_has_an_s_wave():
    """At rest the rate is s-wave and ∝ m_q² (helicity suppression); for a heavy scalar σv/β_f = N_c y⁴ m²/(32π M_LQ⁴)."""
    m_dm, m_lq = 50.0, 1e5
    for m_f in (4.18, 0.01):
        s = 4.0 * m_dm**2
        value = 2.0 * exchange_channel(s, (m_dm, m_dm), Exchange(m_f, m_f, 3.0, 0.6**2, m_lq, ("ff",))) / s
        expected = 3.0 * 0.6**4 * m_f**2 / (32.0 * np.pi * m_lq**4)
        assert float(value) == pytest.approx(expected, rel=1e-5, abs=0.0)


def test_broadcasting():
    s, final = jnp.linspace(13.0, 40.0, 5), Exchange(0.1, 0.1, 3.0, 0.25, 1200.0, ("ff",))
    many = exchange_channel(s, (1.7, 1.7), final)
    one = [float(exchange_channel(x, (1.7, 1.7), final)) for x in s]
    np.testing.assert_allclose(many, one, rtol=1e-14)


# -- H1 and H2 ---------------------------------------------------------------------------------------------------------------------------

ZETA, VACUUM = 0.3, (np.sqrt(2.0) * 1.1663788e-5) ** -0.5


@pytest.fixture(scope="module")
def scalars():
    """Model B with a large mixing of H1 and H2, and what they lead to."""
    model = LeLmuR2(extra_channels=("higgs",))
    at = model.at({"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 55.0, "sin_zeta": ZETA, "m_h2": 400.0})
    return at, at.derive().dark_matter.scalar_channels


def strength(at, channels, s: float) -> complex:
    """λ (−sin ζ cos ζ P₁ + cos ζ sin ζ P₂)/v of φ₂ = −sin ζ H1 + cos ζ H2, h = cos ζ H1 + sin ζ H2."""
    first, second = 1.0 / (s - np.asarray(channels.m2) + 1j * np.asarray(channels.m_gamma))
    return float(at.scalar_couplings[0, 0]) * ZETA * np.sqrt(1.0 - ZETA**2) * (second - first) / VACUUM


def scalar_value(at, channels, s: float, final: str) -> float:
    first, second = 1.0 / (s - channels.m2 + 1j * channels.m_gamma)
    row = channels.finals.index(final)
    polynomial = channels.c0[row], channels.c1[row], channels.c2[row]
    return float(scalar_channel(s, at.m_dm, channels.scalars.coupling, abs(second - first) ** 2, polynomial))


@pytest.mark.parametrize(
    ("final", "m_f", "colours"), [("mumu", 0.1056583755, 1.0), ("bb", 4.18, 3.0), ("tt", 172.5, 3.0)]
)
@pytest.mark.parametrize("s", [125.0**2 + 0.1, 1.3e5, 1.9e5])
def test_fermions_of_the_scalars(scalars, final, m_f, colours, s):
    at, channels = scalars
    initial, factor = (at.m_dm, at.m_dm), m_f * strength(*scalars, s)
    amplitude = lambda momentum, spins: scalar_amplitude(momentum, spins, initial, m_f, factor)
    if s > 4.0 * m_f**2:
        expected = colours * averaged(amplitude, s, initial, (m_f, m_f), n=4)
        assert scalar_value(at, channels, s, final) == pytest.approx(expected, rel=1e-10, abs=0.0)


@pytest.mark.parametrize(("final", "mass", "identical"), [("WW", 80.379, 1.0), ("ZZ", 91.1876, 0.5)])
def test_vectors_of_the_scalars(scalars, final, mass, identical):
    """Σ|M|² of polarised vectors from the coupling (2m²/v) g^{μν}, Σεε* = −g + kk/m²; and the textbook width of a heavy Higgs boson."""
    at, channels = scalars
    s, m_dm = 1.3e5, at.m_dm
    k = momenta(s, (m_dm, m_dm), (mass, mass), 0.2)[2:]
    sums = [np.outer(x, x) / mass**2 - np.diag(METRIC) for x in k]
    vectors = METRIC @ (sums[0] * sums[1]) @ METRIC
    fermions = 2.0 * (s - 4.0 * m_dm**2)
    amplitude2 = abs(strength(*scalars, s)) ** 2 * fermions * (2.0 * mass**2) ** 2 * vectors * identical
    assert scalar_value(at, channels, s, final) == pytest.approx(amplitude2 / (64.0 * np.pi), rel=1e-10, abs=0.0)
    row, m = channels.finals.index(final), 400.0
    r = (mass / m) ** 2
    textbook = m**3 / (16.0 * np.pi * VACUUM**2) * identical * np.sqrt(1.0 - 4.0 * r) * (1.0 - 4.0 * r + 12.0 * r**2)
    found = np.sqrt(1.0 - 4.0 * r) * (channels.c0[row] + channels.c1[row] * m**2 + channels.c2[row] * m**4)
    assert float(found) / (32.0 * np.pi * VACUUM**2 * m) == pytest.approx(textbook, rel=1e-10, abs=0.0)
