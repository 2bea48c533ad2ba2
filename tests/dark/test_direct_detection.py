"""Scattering off nucleons against the formulas of physics.md §7, written once more with plain numbers."""

from __future__ import annotations

import numpy as np
import pytest

from darkbeauty.dark.direct_detection import sigma_sd, sigma_si
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7}
B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
UP, DOWN, STRANGE = 0.8578, -0.4178, -0.035
CM2 = 3.893793721e-28
PROTON, NEUTRON = 0.938272089, 0.939565422


def spin_dependent(a: float, deltas: float, m_dm: float, nucleon: float) -> float:
    reduced = m_dm * nucleon / (m_dm + nucleon)
    return 16.0 * reduced**2 / np.pi * (a * deltas) ** 2 * 0.75 * CM2


def test_down_quarks():
    """Model A: d and s only, cos²β of the light state; the neutron's d is the proton's u."""
    a = 4.0 * 0.75 / (8.0 * (1200.0**2 - 1.7**2))
    expected = spin_dependent(a, DOWN + STRANGE, 1.7, PROTON), spin_dependent(a, UP + STRANGE, 1.7, NEUTRON)
    np.testing.assert_allclose(sigma_sd(LmuLtauS1().at(A_I).derive()), expected, rtol=1e-9)


def test_quark_doublets():
    """Model B: u, d, s, the same for both nucleons up to their mass."""
    a = 1.1**2 * 0.22**2 / (8.0 * (1200.0**2 - 286.0**2))
    total = UP + DOWN + STRANGE
    expected = spin_dependent(a, total, 286.0, PROTON), spin_dependent(a, total, 286.0, NEUTRON)
    np.testing.assert_allclose(sigma_sd(LeLmuR2().at(B).derive()), expected, rtol=1e-9)


def test_split_couplings():
    a = 0.75 / (8.0 * (1200.0**2 - 1.7**2))
    found = sigma_sd(LmuLtauS1().at({**A_I, "y": 1.0, "r_d": 0.5, "r_s": 3.0}).derive())
    np.testing.assert_allclose(found[0], spin_dependent(a, 0.25 * DOWN + 9.0 * STRANGE, 1.7, PROTON), rtol=1e-9)


def test_printed():
    """A: a_q = y²cos²β/4(M² − m²). B: y²sin²δ/4M² and Δd twice."""
    a = 4.0 * 0.75 / (4.0 * (1200.0**2 - 1.7**2))
    found = sigma_sd(LmuLtauS1(convention="printed").at(A_I).derive())
    np.testing.assert_allclose(found[0], spin_dependent(a, DOWN + STRANGE, 1.7, PROTON), rtol=1e-9)
    a = 1.1**2 * 0.22**2 / (4.0 * 1200.0**2)
    found = sigma_sd(LeLmuR2(convention="printed").at(B).derive())
    np.testing.assert_allclose(found[0], spin_dependent(a, 2.0 * DOWN + STRANGE, 286.0, PROTON), rtol=1e-9)


@pytest.mark.parametrize(("model", "point", "u2"), [(LmuLtauS1(), A_I, 0.75), (LeLmuR2(), B, 0.22**2)])
def test_spin_independent(model, point, u2):
    """λ_N from the mass matrix itself: −½(φ/v₂) N̄ diag(M₁₁, M₂₂) N in the flavour basis, rotated to the light state."""
    heavy, vev = 500.0, point["m_zp"] / (2.0 * point["g"])
    rotation = np.array([[np.sqrt(u2), np.sqrt(1.0 - u2)], [-np.sqrt(1.0 - u2), np.sqrt(u2)]])
    mass_matrix = rotation.T @ np.diag([point["m_dm"], heavy]) @ rotation
    coupling = (rotation @ np.diag(np.diag(mass_matrix)) @ rotation.T)[0, 0] / vev
    v = (np.sqrt(2.0) * 1.1663788e-5) ** -0.5
    a = coupling * 5e-3 * np.sqrt(1.0 - 25e-6) * (1.0 / 125.0**2 - 1.0 / 500.0**2) / (2.0 * v)
    quarks = 0.01812 + 0.03411 + 0.05638
    f_p = PROTON * a * (quarks + 3.0 * 2.0 / 27.0 * (1.0 - quarks))
    reduced = point["m_dm"] * PROTON / (point["m_dm"] + PROTON)
    expected = 4.0 * reduced**2 * f_p**2 / np.pi * CM2
    assert float(sigma_si(model.at(point).derive())) == pytest.approx(expected, rel=1e-6, abs=0.0)
