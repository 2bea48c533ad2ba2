"""Amplitudes of `spinors` for arrays of momenta: all spins of many points at once, shape (n, 2, 2, 2, 2) for the spins of particles 1, 2, 3, 4."""

from __future__ import annotations

import numpy as np
from spinors import CHARGE, GAMMA, GAMMA5, LEFT, METRIC, RIGHT

Momenta = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Masses = tuple[float, float]
AXIAL = GAMMA @ GAMMA5
FROM_LEFT = GAMMA @ LEFT


def momenta(s: np.ndarray, cosine: np.ndarray, initial: Masses, final: Masses) -> Momenta:
    """In the centre-of-mass frame, each of shape (n, 4)."""
    root, out = np.sqrt(s), []
    for (a, b), along, across in ((initial, 1.0, 0.0), (final, cosine, np.sqrt(1.0 - cosine**2))):
        size = np.sqrt((s - (a + b) ** 2) * (s - (a - b) ** 2) / (4.0 * s))
        for mass, other, sign in ((a, b, 1.0), (b, a, -1.0)):
            energy = (s + mass**2 - other**2) / (2.0 * root)
            out.append(np.stack([energy, sign * size * across, 0.0 * size, sign * size * along], axis=-1))
    return tuple(out)


def spinors(p: np.ndarray, mass: float) -> np.ndarray:
    """u of both spins, shape (n, 4, 2)."""
    slash = np.einsum("ni,iab->nab", p * METRIC, GAMMA)
    return ((slash + mass * np.eye(4)) / np.sqrt(p[:, 0] + mass)[:, None, None])[:, :, :2]


def bar(spinor: np.ndarray) -> np.ndarray:
    """Shape (n, 2, 4)."""
    return np.conj(np.swapaxes(spinor, 1, 2)) @ GAMMA[0]


def conjugate(spinor: np.ndarray) -> np.ndarray:
    """v = C ū^T, shape (n, 4, 2)."""
    return CHARGE @ np.swapaxes(bar(spinor), 1, 2)


def summed(amplitude: np.ndarray) -> np.ndarray:
    """Σ|M|² over all spins, shape (n,)."""
    return np.sum(np.abs(amplitude) ** 2, axis=(1, 2, 3, 4))


def mass2(p: np.ndarray) -> np.ndarray:
    return p**2 @ METRIC


def current(left: np.ndarray, vertices: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Shape (n, 2, 2, 4)."""
    return np.einsum("nas,mst,ntb->nabm", left, vertices, right, optimize=True)


def annihilation_by_vector(p: Momenta, m_dm: float, m_f: float, m_zp: float, vertex: np.ndarray) -> np.ndarray:
    """N N → f f̄ by a Z′, couplings and propagator left out."""
    one, two, three, four = (spinors(q, m) for q, m in zip(p, (m_dm, m_dm, m_f, m_f)))
    dark = current(bar(conjugate(two)), AXIAL, one)
    light = current(bar(three), vertex, conjugate(four))
    q = (p[0] + p[1]) * METRIC
    long = np.einsum("nm,nbam->nba", q, dark)[..., None, None] * np.einsum("nm,ncdm->ncd", q, light)[:, None, None]
    total = -np.einsum("nbam,m,ncdm->nbacd", dark, METRIC, light) + long / m_zp**2
    return np.swapaxes(total, 1, 2)


def annihilation_by_exchange(p: Momenta, m_dm: float, m_f: float, mediator: float) -> np.ndarray:
    """N N → q q̄ by a scalar with −f̄ P_R N S: t minus u."""
    one, two, three, four = (spinors(q, m) for q, m in zip(p, (m_dm, m_dm, m_f, m_f)))

    def graph(a: np.ndarray, b: np.ndarray, transfer: np.ndarray) -> np.ndarray:
        quark, antiquark = bar(three) @ RIGHT @ a, bar(conjugate(b)) @ LEFT @ conjugate(four)
        return np.einsum("nca,nbd->nabcd", quark, antiquark) / (transfer - mediator**2)[:, None, None, None, None]

    crossed = np.swapaxes(graph(two, one, mass2(p[2] - p[1])), 1, 2)
    return graph(one, two, mass2(p[2] - p[0])) - crossed


def scattering_by_vector(p: Momenta, m_dm: float, m_f: float, m_zp: float, vertex: np.ndarray) -> np.ndarray:
    """N f → N f by a Z′, couplings left out."""
    one, two, three, four = (spinors(q, m) for q, m in zip(p, (m_dm, m_f, m_dm, m_f)))
    dark, light = current(bar(three), AXIAL, one), current(bar(four), vertex, two)
    q = (p[0] - p[2]) * METRIC
    long = np.einsum("nm,ncam->nca", q, dark)[:, :, :, None, None] * np.einsum("nm,ndbm->ndb", q, light)[:, None, None]
    total = -np.einsum("ncam,m,ndbm->ncadb", dark, METRIC, light) + long / m_zp**2
    return np.einsum("ncadb->nabcd", total) / (mass2(p[0] - p[2]) - m_zp**2)[:, None, None, None, None]


def scattering_by_exchange(p: Momenta, m_dm: float, m_f: float, mediator: float) -> np.ndarray:
    """N q → N q by a scalar with −f̄ P_R N S + h.c.: s minus u."""
    one, two, three, four = (spinors(q, m) for q, m in zip(p, (m_dm, m_f, m_dm, m_f)))
    over = lambda square: 1.0 / (square - mediator**2)[:, None, None, None, None]
    pair = np.einsum("ndc,nab->nabcd", bar(four) @ RIGHT @ conjugate(three), bar(conjugate(one)) @ LEFT @ two)
    crossed = np.einsum("nda,ncb->nabcd", bar(four) @ RIGHT @ one, bar(three) @ LEFT @ two)
    return pair * over(mass2(p[0] + p[1])) - crossed * over(mass2(p[0] - p[3]))


def scattering_on_meson(p: Momenta, m_dm: float, m_vector: float) -> np.ndarray:
    """N̄γ^μγ₅N (p + p′)_μ with a vector meson in the form factor; spins of a scalar have one value."""
    one, three = spinors(p[0], m_dm), spinors(p[2], m_dm)
    total = np.einsum("ncam,nm->nac", current(bar(three), AXIAL, one), (p[1] + p[3]) * METRIC)
    return (total / (1.0 - mass2(p[0] - p[2]) / m_vector**2)[:, None, None])[:, :, None, :, None]
