"""Annihilation amplitudes from explicit spinors and Dirac matrices, for the cross sections to be compared with."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

# Dirac representation
SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
ONE, ZERO = np.eye(2), np.zeros((2, 2))
GAMMA = np.array([np.block([[ONE, ZERO], [ZERO, -ONE]]), *(np.block([[ZERO, s], [-s, ZERO]]) for s in SIGMA)])
GAMMA5 = 1j * GAMMA[0] @ GAMMA[1] @ GAMMA[2] @ GAMMA[3]
CHARGE = 1j * GAMMA[2] @ GAMMA[0]
LEFT, RIGHT = (np.eye(4) - GAMMA5) / 2, (np.eye(4) + GAMMA5) / 2
METRIC = np.array([1.0, -1.0, -1.0, -1.0])
Masses = tuple[float, float]


def u(p: np.ndarray, m: float, spin: int) -> np.ndarray:
    """(p̸ + m) (χ, 0)/√(E + m)"""
    slash = np.tensordot(METRIC * p, GAMMA, 1)
    return (slash + m * np.eye(4)) @ np.eye(4)[spin] / np.sqrt(p[0] + m)


def bar(spinor: np.ndarray) -> np.ndarray:
    return spinor.conj() @ GAMMA[0]


def v(p: np.ndarray, m: float, spin: int) -> np.ndarray:
    """Charge conjugate C ū^T of u."""
    return CHARGE @ bar(u(p, m, spin))


def momenta(s: float, initial: Masses, final: Masses, cosine: float) -> tuple[np.ndarray, ...]:
    """Incoming p₁, p₂ and outgoing k₁, k₂ in the centre-of-mass frame."""
    energy = np.sqrt(s) / 2.0
    directions = np.array([0.0, 0.0, 1.0]), np.array([np.sqrt(1.0 - cosine**2), 0.0, cosine])
    vectors = []
    for masses, axis in zip((initial, final), directions):
        energies = [energy + sign * (masses[0] ** 2 - masses[1] ** 2) / (4.0 * energy) for sign in (1.0, -1.0)]
        size = np.sqrt(energies[0] ** 2 - masses[0] ** 2)
        vectors += [np.array([e, *(sign * size * axis)]) for e, sign in zip(energies, (1.0, -1.0))]
    return tuple(vectors)


def averaged(amplitude: Callable, s: float, initial: Masses, final: Masses, n: int = 24) -> float:
    """w(s) = σ s β_i/β_f = 1/(128π) ∫ dcosθ Σ|M|²; `amplitude` maps momenta and spins to M."""
    total = 0.0
    for cosine, weight in zip(*np.polynomial.legendre.leggauss(n)):
        p = momenta(s, initial, final, cosine)
        for spins in product((0, 1), repeat=4):
            total += weight * abs(amplitude(p, spins)) ** 2
    return total / (128.0 * np.pi)


def z_prime_amplitude(p, spins, initial, m_f, coupling, m_zp, propagator, g_v, g_a) -> complex:
    """½ c_ij N̄_iγγ₅N_j has Feynman rule c γγ₅, for i = j and i ≠ j alike; unitary-gauge propagator −g + qq/m²."""
    q = METRIC * (p[0] + p[1])
    one, two = u(p[0], initial[0], spins[0]), bar(v(p[1], initial[1], spins[1]))
    current = np.array([two @ gamma @ GAMMA5 @ one for gamma in GAMMA])
    vertex = g_v * np.eye(4) + g_a * GAMMA5
    fermions = np.array([bar(u(p[2], m_f, spins[2])) @ gamma @ vertex @ v(p[3], m_f, spins[3]) for gamma in GAMMA])
    contracted = -(current * METRIC) @ fermions + (q @ current) * (q @ fermions) / m_zp**2
    return coupling * propagator * contracted


def exchange_amplitude(p, spins, initial, m_1, m_2, mediator) -> complex:
    """−y f̄ P_R N S for both vertices, y = 1; t minus u: exchanging the two Majorana particles costs a sign."""

    def graph(one: int, two: int) -> complex:
        momentum = p[2] - p[one]
        transfer = momentum @ (METRIC * momentum)
        quark = bar(u(p[2], m_1, spins[2])) @ RIGHT @ u(p[one], initial[one], spins[one])
        antiquark = bar(v(p[two], initial[two], spins[two])) @ LEFT @ v(p[3], m_2, spins[3])
        return quark * antiquark / (transfer - mediator**2)

    return graph(0, 1) - graph(1, 0)


def scalar_amplitude(p, spins, initial, m_f, strength) -> complex:
    """−½ λ N̄N φ₂ and −κ f̄f h have Feynman rules λ and κ (identical N); strength: λκ times the propagator."""
    dark = bar(v(p[1], initial[1], spins[1])) @ u(p[0], initial[0], spins[0])
    return strength * dark * (bar(u(p[2], m_f, spins[2])) @ v(p[3], m_f, spins[3]))


def polarisations(k: np.ndarray, m: float) -> list[np.ndarray]:
    """Out of the plane of the scattering, in it, longitudinal."""
    size = np.linalg.norm(k[1:])
    axis, out = k[1:] / size, np.array([0.0, 1.0, 0.0])
    return [
        np.array([0.0, *out]),
        np.array([0.0, *np.cross(out, axis)]),
        np.array([size, *(k[0] * axis)]) / m,
    ]


def slashed(p: np.ndarray) -> np.ndarray:
    return np.tensordot(METRIC * p, GAMMA, 1)


def exchanged(p, spins, order, m_dm, vertices, states) -> complex:
    """Both graphs of N N → X₁X₂ with (momentum, vertex of N_ℓN_j) of X₁ and X₂; N of p[order[0]] is the incoming line, the other one runs backwards."""
    one, two = order
    spinor, antispinor = u(p[one], m_dm, spins[one]), bar(v(p[two], m_dm, spins[two]))
    total = 0.0
    for first, second in (vertices, vertices[::-1]):
        line = p[one] - first[0]
        for j, mass in enumerate(states):
            propagator = (slashed(line) + mass * np.eye(4)) / (line @ (METRIC * line) - mass**2)
            total += antispinor @ second[1][j] @ propagator @ first[1][j] @ spinor
    return total
