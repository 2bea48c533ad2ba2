"""Helicity amplitudes of e⁺e⁻ → ℓ⁺ℓ⁻ with explicit Dirac matrices, for massless leptons."""

from __future__ import annotations

import itertools

import numpy as np

ALPHA, S2W, M_Z = 0.00781549, 0.23121, 91.1876

_SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_ZERO, _ONE = np.zeros((2, 2)), np.eye(2)
GAMMA = [np.block([[_ZERO, _ONE], [_ONE, _ZERO]]), *(np.block([[_ZERO, s], [-s, _ZERO]]) for s in _SIGMA)]
GAMMA5 = np.diag([-1.0, -1.0, 1.0, 1.0])
METRIC = (1.0, -1.0, -1.0, -1.0)


def spinors(p: np.ndarray) -> list[np.ndarray]:
    """The two spinors of a massless particle (the same for u and v up to a phase), from the projector p̸."""
    slash = sum(m * x * g for m, x, g in zip(METRIC, p, GAMMA))
    vectors = []
    for hand in (-1.0, 1.0):
        projector = 0.5 * (np.eye(4) + hand * GAMMA5) @ slash @ GAMMA[0]
        value, vector = np.linalg.eigh(0.5 * (projector + projector.conj().T))
        vectors.append(vector[:, -1] * np.sqrt(value[-1]))
    return vectors


def cross_section(energy: float, cosine: float, product: float, mass: float, width: float, exchanged: bool) -> float:
    """dσ/dcosθ up to a constant: |s-channel − t-channel|² (exchanged: e⁺e⁻ → e⁺e⁻) or |s-channel|² summed over spins."""
    e, sine = 0.5 * energy, np.sqrt(1.0 - cosine**2)
    p1, p2 = np.array([e, 0, 0, e]), np.array([e, 0, 0, -e])
    p3, p4 = np.array([e, e * sine, 0, e * cosine]), np.array([e, -e * sine, 0, -e * cosine])
    s, t = energy**2, -0.5 * energy**2 * (1.0 - cosine)
    e2 = 4.0 * np.pi * ALPHA
    left, right = 0.5 * (np.eye(4) - GAMMA5), 0.5 * (np.eye(4) + GAMMA5)
    weak = np.sqrt(e2 / (S2W * (1.0 - S2W))) * ((S2W - 0.5) * left + S2W * right)
    vertices = [(np.eye(4), e2, 0.0, 0.0), (weak, 1.0, M_Z**2, 0.0), (np.eye(4), product, mass**2, mass * width)]
    current = lambda a, m, vertex, b: a.conj() @ GAMMA[0] @ GAMMA[m] @ vertex @ b
    total = 0.0
    for u1, v2, u3, v4 in itertools.product(*(spinors(p) for p in (p1, p2, p3, p4))):
        amplitude = 0.0
        for vertex, coupling, m2, m_gamma in vertices:
            in_s = sum(METRIC[m] * current(v2, m, vertex, u1) * current(u3, m, vertex, v4) for m in range(4))
            in_t = sum(METRIC[m] * current(u3, m, vertex, u1) * current(v2, m, vertex, v4) for m in range(4))
            amplitude += coupling * (in_s / (s - m2 + 1j * m_gamma) - exchanged * in_t / (t - m2))
        total += abs(amplitude) ** 2
    return total
