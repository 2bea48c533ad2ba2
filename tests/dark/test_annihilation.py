"""Annihilation of a Majorana pair against sums over explicit spinors, and its massless limit at low velocity."""

from __future__ import annotations

from itertools import product

import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.dark.annihilation import exchange_channel, interference, vector_channel

# Dirac representation
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ONE, ZERO = np.eye(2), np.zeros((2, 2))
GAMMA = np.array([np.block([[ONE, ZERO], [ZERO, -ONE]]), *(np.block([[ZERO, s], [-s, ZERO]]) for s in SIGMA)])
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
CHARGE = 1j * GAMMA[2] @ GAMMA[0]
LEFT, RIGHT = (np.eye(4) - GAMMA5) / 2, (np.eye(4) + GAMMA5) / 2
METRIC = np.array([1.0, -1.0, -1.0, -1.0])


def u(p: np.ndarray, m: float, spin: int) -> np.ndarray:
    """(p̸ + m) (χ, 0)/√(E + m)"""
    slash = np.tensordot(METRIC * p, GAMMA, 1)
    return (slash + m * np.eye(4)) @ np.eye(4)[spin] / np.sqrt(p[0] + m)


def bar(spinor: np.ndarray) -> np.ndarray:
    return spinor.conj() @ GAMMA[0]


def v(p: np.ndarray, m: float, spin: int) -> np.ndarray:
    """Charge conjugate C ū^T of u."""
    return CHARGE @ bar(u(p, m, spin))


def momenta(s: float, m_dm: float, masses: tuple[float, float], cosine: float) -> tuple[np.ndarray, ...]:
    """Incoming p₁, p₂ and outgoing k₁, k₂ in the centre-of-mass frame."""
    energy = np.sqrt(s) / 2.0
    first, second = (energy + sign * (masses[0] ** 2 - masses[1] ** 2) / (4.0 * energy) for sign in (1.0, -1.0))
    p, k = np.sqrt(energy**2 - m_dm**2), np.sqrt(first**2 - masses[0] ** 2)
    axis, out = np.array([0.0, 0.0, 1.0]), np.array([np.sqrt(1.0 - cosine**2), 0.0, cosine])
    pairs = ((energy, p * axis), (energy, -p * axis), (first, k * out), (second, -k * out))
    return tuple(np.array([e, *x]) for e, x in pairs)


def averaged(amplitude, s: float, m_dm: float, *masses: float, n: int = 24) -> float:
    """w(s) = σ s β_i/β_f = 1/(128π) ∫ dcosθ Σ|M|²; `amplitude` maps momenta and spinors to M."""
    total = 0.0
    for cosine, weight in zip(*np.polynomial.legendre.leggauss(n)):
        p = momenta(s, m_dm, masses if len(masses) == 2 else 2 * masses, cosine)
        for spins in product((0, 1), repeat=4):
            total += weight * abs(amplitude(p, spins)) ** 2
    return total / (128.0 * np.pi)


def z_prime_amplitude(p, spins, m_dm, m_f, coupling, m_zp, propagator, g_v, g_a) -> complex:
    """½ c N̄γγ₅N has Feynman rule c γγ₅: the two N are identical; unitary-gauge propagator −g + qq/m²."""
    q = METRIC * (p[0] + p[1])
    initial = np.array([bar(v(p[1], m_dm, spins[1])) @ gamma @ GAMMA5 @ u(p[0], m_dm, spins[0]) for gamma in GAMMA])
    vertex = g_v * np.eye(4) + g_a * GAMMA5
    final = np.array([bar(u(p[2], m_f, spins[2])) @ gamma @ vertex @ v(p[3], m_f, spins[3]) for gamma in GAMMA])
    contracted = -(initial * METRIC) @ final + (q @ initial) * (q @ final) / m_zp**2
    return coupling * propagator * contracted


def exchange_amplitude(p, spins, m_dm, m_1, m_2, mediator) -> complex:
    """−y f̄ P_R N S for both vertices, y = 1; t minus u: exchanging the two Majorana particles costs a sign."""

    def graph(one, two):
        momentum = p[2] - p[one]
        transfer = momentum @ (METRIC * momentum)
        quark = bar(u(p[2], m_1, spins[2])) @ RIGHT @ u(p[one], m_dm, spins[one])
        antiquark = bar(v(p[two], m_dm, spins[two])) @ LEFT @ v(p[3], m_2, spins[3])
        return quark * antiquark / (transfer - mediator**2)

    return graph(0, 1) - graph(1, 0)


def test_spinors():
    """Completeness: Σ u ū = p̸ + m and Σ v v̄ = p̸ − m."""
    p, m = np.array([0.0, 0.3, -0.4, 1.2]), 0.7
    p[0] = np.sqrt(m**2 + p[1:] @ p[1:])
    slash = np.tensordot(METRIC * p, GAMMA, 1)
    for spinor, sign in ((u, 1.0), (v, -1.0)):
        total = sum(np.outer(spinor(p, m, spin), bar(spinor(p, m, spin))) for spin in (0, 1))
        np.testing.assert_allclose(total, slash + sign * m * np.eye(4), atol=1e-14)


@pytest.mark.parametrize(
    ("s", "m_dm", "m_f", "m_zp", "width", "g_v", "g_a"),
    [
        (16.3, 1.7, 0.106, 4.0, 1e-3, 2e-3, 0.0),
        (16.3, 1.7, 1.777, 4.0, 0.1, -2e-3, 0.0),
        (16.3, 1.7, 1.777, 3.0, 0.1, 0.3, -0.7),
        (0.45, 0.3, 0.2, 5.0, 0.3, 0.0, 1.1),
        (3.0e5, 250.0, 172.5, 671.0, 4.9, 0.4, 0.9),
    ],
)
def test_vector_channel(s, m_dm, m_f, m_zp, width, g_v, g_a):
    coupling, propagator = 0.37, 1.0 / (s - m_zp**2 + 1j * m_zp * width)
    amplitude = lambda p, spins: z_prime_amplitude(p, spins, m_dm, m_f, coupling, m_zp, propagator, g_v, g_a)
    value = vector_channel(s, m_dm, coupling, m_zp, propagator, m_f, 3.0, g_v, g_a)
    assert float(value) == pytest.approx(3.0 * averaged(amplitude, s, m_dm, m_f, n=4), rel=1e-12, abs=0.0)


@pytest.mark.parametrize(
    ("s", "m_dm", "m_f", "m_lq"),
    [
        (12.0, 1.7, 0.0047, 1200.0),
        (80.0, 1.7, 4.18, 1200.0),
        (80.0, 4.0, 4.18, 30.0),
        (4.0e5, 286.0, 172.5, 1200.0),
        (1.4e6, 300.0, 172.5, 1200.0),
        (1.0, 0.3, 0.093, 2.0),
    ],
)
def test_exchange_channel(s, m_dm, m_f, m_lq):
    amplitude = lambda p, spins: 0.8**2 * exchange_amplitude(p, spins, m_dm, m_f, m_f, m_lq)
    value = exchange_channel(s, m_dm, m_f, m_f, 3.0, 0.8**2, m_lq)
    assert float(value) == pytest.approx(3.0 * averaged(amplitude, s, m_dm, m_f), rel=1e-10, abs=0.0)


@pytest.mark.parametrize(
    ("s", "m_dm", "m_1", "m_2", "m_lq"),
    [(35.0, 1.7, 0.093, 4.18, 60.0), (4e5, 286.0, 1.27, 172.5, 1200.0), (3.0, 0.3, 0.5, 0.9, 3.0)],
)
def test_exchange_to_two_masses(s, m_dm, m_1, m_2, m_lq):
    amplitude = lambda p, spins: 0.35 * exchange_amplitude(p, spins, m_dm, m_1, m_2, m_lq)
    value = exchange_channel(s, m_dm, m_1, m_2, 6.0, 0.35, m_lq)
    assert float(value) == pytest.approx(6.0 * averaged(amplitude, s, m_dm, m_1, m_2), rel=1e-10, abs=0.0)


@pytest.mark.parametrize(
    ("s", "m_dm", "m_f", "m_zp", "width", "g_v", "g_a", "m_eta"),
    [
        (16.3, 1.7, 0.106, 4.0, 1e-3, 0.3, 0.0, 9.0),
        (16.3, 1.7, 1.777, 4.1, 0.2, -0.3, 0.0, 9.0),
        (16.3, 1.7, 1.777, 3.0, 0.1, 0.3, -0.7, 7.0),
        (16.3, 1.7, 0.0, 4.2, 0.1, 0.15, -0.15, 30.0),
        (3.6e5, 286.0, 172.5, 671.0, 4.9, 0.2, 0.5, 700.0),
    ],
)
def test_interference(s, m_dm, m_f, m_zp, width, g_v, g_a, m_eta):
    """|Z′ + η|² = |Z′|² + |η|² + interference. Relative sign: −½cN̄γγ₅N·J/m_Z′² and −(y²/4m_η²)N̄γγ₅N·f̄γP_Lf of the heavy limits add."""
    coupling, y, propagator = 0.4, 0.9, 1.0 / (s - m_zp**2 + 1j * m_zp * width)

    def amplitude(p, spins):
        resonant = z_prime_amplitude(p, spins, m_dm, m_f, coupling, m_zp, propagator, g_v, g_a)
        return resonant - y**2 * exchange_amplitude(p, spins, m_dm, m_f, m_f, m_eta)

    resonance = coupling, m_zp, propagator, m_f
    value = vector_channel(s, m_dm, *resonance, 1.0, g_v, g_a) + exchange_channel(s, m_dm, m_f, m_f, 1.0, y**2, m_eta)
    value += interference(s, m_dm, *resonance, g_v, g_a, y, m_eta)
    assert float(value) == pytest.approx(averaged(amplitude, s, m_dm, m_f), rel=1e-10, abs=0.0)


def test_relative_sign_of_the_graphs():
    """With both mediators heavy the amplitudes are c P(0) A·J and −y²(…) in the convention of the graphs above: compare them with the
    contact Lagrangian −(c/2m_Z′²) N̄γγ₅N·J − (y²/4m_η²) N̄γγ₅N·f̄γP_Lf obtained by Fierz rearrangement of anticommuting fields."""
    s, m_dm, m_f, heavy = 16.3, 1.7, 0.4, 1e5
    p = momenta(s, m_dm, (m_f, m_f), 0.3)
    for spins in product((0, 1), repeat=4):
        contact = z_prime_amplitude(p, spins, m_dm, m_f, 1.0, 1e9, -1.0 / heavy**2, 0.5, -0.5)
        exchanged = exchange_amplitude(p, spins, m_dm, m_f, m_f, heavy)
        # −(1/4m²)·A·(V−A)/2·2 for y = 1 against −(c/2m²)·A·J with J = (V−A)/2: half of it
        assert -exchanged == pytest.approx(0.5 * contact, rel=1e-7, abs=1e-18)


def test_exchange_of_massless_quarks_at_low_velocity():
    """σv = N_c y⁴ r² (1 − 2r + 2r²) v²/(48π M²), r = M²/(M² + M_LQ²); σv = 2w/s."""
    for m_dm, m_lq, beta in ((1.7, 1200.0, 1e-3), (300.0, 400.0, 1e-4), (2.0, 3.0, 1e-4)):
        s, r, velocity = 4.0 * m_dm**2 / (1.0 - beta**2), m_dm**2 / (m_dm**2 + m_lq**2), 2.0 * beta
        expected = 3.0 * 0.6**4 * r**2 * (1.0 - 2.0 * r + 2.0 * r**2) * velocity**2 / (48.0 * np.pi * m_dm**2)
        value = 2.0 * exchange_channel(s, m_dm, 0.0, 0.0, 3.0, 0.6**2, m_lq) / s
        assert float(value) == pytest.approx(expected, rel=10.0 * beta**2 + 1e-7, abs=0.0)


def test_exchange_of_massive_quarks_has_an_s_wave():
    """At rest the rate is s-wave and ∝ m_q² (helicity suppression); for a heavy scalar σv/β_f = N_c y⁴ m²/(32π M_LQ⁴)."""
    m_dm, m_lq = 50.0, 1e5
    for m_f in (4.18, 0.01):
        value = 2.0 * exchange_channel(4.0 * m_dm**2, m_dm, m_f, m_f, 3.0, 0.6**2, m_lq) / (4.0 * m_dm**2)
        expected = 3.0 * 0.6**4 * m_f**2 / (32.0 * np.pi * m_lq**4)
        assert float(value) == pytest.approx(expected, rel=1e-5, abs=0.0)


def test_broadcasting():
    s = jnp.linspace(13.0, 40.0, 5)
    many = exchange_channel(s, 1.7, 0.1, 0.1, 3.0, 0.25, 1200.0)
    one = [float(exchange_channel(x, 1.7, 0.1, 0.1, 3.0, 0.25, 1200.0)) for x in s]
    np.testing.assert_allclose(many, one, rtol=1e-14)
