"""Bhabha scattering with a Z′ against a spin sum with explicit Dirac matrices."""

from __future__ import annotations

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.leptonic.bhabha import ratio_to_sm
from darkbeauty.models import resolve_model

POINT = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
ALPHA, S2W, M_Z = 0.00781549, 0.23121, 91.1876

_SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
_ZERO, _ONE = np.zeros((2, 2)), np.eye(2)
GAMMA = [np.block([[_ZERO, _ONE], [_ONE, _ZERO]]), *(np.block([[_ZERO, s], [-s, _ZERO]]) for s in _SIGMA)]
GAMMA5 = np.diag([-1.0, -1.0, 1.0, 1.0])
METRIC = (1.0, -1.0, -1.0, -1.0)


@eqx.filter_jit
def ratio(model, params, energy, low, high):
    return ratio_to_sm(model.at(params).derive(), energy, low, high)


@pytest.fixture(scope="module")
def model():
    return resolve_model("le_lmu_r2")


def spinors(p: np.ndarray) -> list[np.ndarray]:
    """The two spinors of a massless particle (the same for u and v up to a phase), from the projector p̸."""
    slash = sum(m * x * g for m, x, g in zip(METRIC, p, GAMMA))
    found = []
    for hand in (-1.0, 1.0):
        projector = 0.5 * (np.eye(4) + hand * GAMMA5) @ slash @ GAMMA[0]
        value, vector = np.linalg.eigh(0.5 * (projector + projector.conj().T))
        found.append(vector[:, -1] * np.sqrt(value[-1]))
    return found


def cross_section(energy: float, cosine: float, c2: float, mass: float, width: float) -> float:
    """dσ/dcosθ up to a constant: |s-channel − t-channel|² summed over spins."""
    e, sine = 0.5 * energy, np.sqrt(1.0 - cosine**2)
    p1, p2 = np.array([e, 0, 0, e]), np.array([e, 0, 0, -e])
    p3, p4 = np.array([e, e * sine, 0, e * cosine]), np.array([e, -e * sine, 0, -e * cosine])
    s, t = energy**2, -0.5 * energy**2 * (1.0 - cosine)
    e2 = 4.0 * np.pi * ALPHA
    left, right = 0.5 * (np.eye(4) - GAMMA5), 0.5 * (np.eye(4) + GAMMA5)
    weak = np.sqrt(e2 / (S2W * (1.0 - S2W))) * ((S2W - 0.5) * left + S2W * right)
    vertices = [(np.eye(4), e2, 0.0, 0.0), (weak, 1.0, M_Z**2, 0.0), (np.eye(4), c2, mass**2, mass * width)]
    current = lambda a, m, vertex, b: a.conj() @ GAMMA[0] @ GAMMA[m] @ vertex @ b
    total = 0.0
    for u1, v2, u3, v4 in itertools.product(*(spinors(p) for p in (p1, p2, p3, p4))):
        amplitude = 0.0
        for vertex, coupling, m2, m_gamma in vertices:
            in_s = sum(METRIC[m] * current(v2, m, vertex, u1) * current(u3, m, vertex, v4) for m in range(4))
            in_t = sum(METRIC[m] * current(u3, m, vertex, u1) * current(v2, m, vertex, v4) for m in range(4))
            amplitude += coupling * (in_s / (s - m2 + 1j * m_gamma) - in_t / (t - m2))
        total += abs(amplitude) ** 2
    return total


@pytest.mark.parametrize("params", [{}, {"m_zp": 195.0, "g": 0.1}, {"m_zp": 100.0, "g": 0.05}])
@pytest.mark.parametrize(("energy", "cosine"), [(207.0, -0.81), (189.0, 0.3), (192.0, 0.85)])
def test_against_explicit_spinors(model, params, energy, cosine):
    point = POINT | params
    width = float(model.at(point).derive().z_prime.width)
    new = cross_section(energy, cosine, point["g"] ** 2, point["m_zp"], width)
    expected = new / cross_section(energy, cosine, 0.0, 1.0, 0.0)
    assert float(ratio(model, point, energy, cosine - 1e-4, cosine + 1e-4)) == pytest.approx(expected, rel=1e-6)


def test_bins_are_integrated(model):
    """Against a fine trapezoid of the point-like cross-section."""
    c = np.linspace(0.81, 0.9, 201)
    width = float(model.at(POINT).derive().z_prime.width)
    new, old = (np.trapezoid([cross_section(207.0, x, c2, 671.0, width) for x in c], c) for c2 in (0.09, 0.0))
    assert float(ratio(model, POINT, 207.0, 0.81, 0.9)) == pytest.approx(new / old, rel=1e-6)


def test_contact_limit(model):
    """A heavy Z′ enters as c²/m² only."""
    heavy = [ratio(model, POINT | {"m_zp": m, "g": 1e-4 * m}, 200.0, 0.27, 0.36) - 1.0 for m in (6000.0, 3000.0)]
    assert float(heavy[0]) == pytest.approx(float(heavy[1]), rel=0.02)


def test_no_coupling_is_the_standard_model_with_finite_slope(model):
    assert float(ratio(model, POINT | {"g": 0.0}, 200.0, 0.27, 0.36)) == pytest.approx(1.0, rel=1e-14)
    slope = jax.grad(lambda g: jnp.sum(ratio(model, POINT | {"g": g}, 200.0, 0.27, 0.36)))(0.0)
    assert float(slope) == 0.0
