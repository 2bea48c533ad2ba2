"""Momentum transfer against the check values of physics_2.md §15, explicit spinors integrated by scipy, and its massless limit."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from spinors import GAMMA, GAMMA5, LEFT, METRIC, bar, momenta, u

from darkbeauty.dark import scattering
from darkbeauty.models import resolve_model

MEDIAN = {"y": 0.326, "g": 0.00168, "m_zp": 3.69, "m_dm": 1.62, "chi": 0.0}
CHECKED = {
    0.2: 3.205689e-18,
    0.1: 1.239586e-19,
    0.05: 3.268305e-21,
    0.02: 1.558884e-23,
    0.005: 4.682091e-27,
    0.001: 3.291473e-31,
}
MODEL = resolve_model("lmu_ltau_s1")


@pytest.fixture(scope="module")
def theory():
    return MODEL.at(MEDIAN).derive()


def only(theory, lepton: tuple[float, float, float], neutrino: tuple[float, float, float]):
    """The theory with other couplings of its Z′."""
    where = lambda p: (p.dark_matter.z_prime.lepton, p.dark_matter.z_prime.neutrino)
    return eqx.tree_at(where, theory, (jnp.array(lepton), jnp.array(neutrino)))


def test_checked_values(theory):
    np.testing.assert_allclose(
        scattering.momentum_transfer(theory, jnp.array(list(CHECKED))), list(CHECKED.values()), rtol=1e-6
    )


def squared(s: float, t: float, m_dm: float, m_f: float, m_zp: float, chiral: bool) -> float:
    """Σ|M|² over all spins of N f → N f from explicit spinors: vertices γγ₅ of N, γ of f (times P_L)."""
    k2 = (s - (m_dm + m_f) ** 2) * (s - (m_dm - m_f) ** 2) / (4.0 * s)
    one, two, three, four = momenta(s, (m_dm, m_f), (m_dm, m_f), 1.0 + t / (2.0 * k2))
    q = METRIC * (one - three)
    total = 0.0
    for spins in np.ndindex(2, 2, 2, 2):
        dark = np.array([bar(u(three, m_dm, spins[2])) @ g @ GAMMA5 @ u(one, m_dm, spins[0]) for g in GAMMA])
        side = LEFT if chiral else np.eye(4)
        light = np.array([bar(u(four, m_f, spins[3])) @ g @ side @ u(two, m_f, spins[1]) for g in GAMMA])
        total += abs((-(dark * METRIC) @ light + (q @ dark) * (q @ light) / m_zp**2) / (t - m_zp**2)) ** 2
    return float(total)


@pytest.mark.parametrize(
    ("m_f", "chiral", "temperature"), [(0.1056583745, False, 0.05), (1.77686, False, 0.3), (1e-9, True, 0.1)]
)
def test_against_explicit_spinors(theory, m_f, chiral, temperature):
    """γ of one fermion by nested quadrature of amplitudes summed over spins."""
    m_dm, m_zp = MEDIAN["m_dm"], MEDIAN["m_zp"]
    node, weight = np.polynomial.legendre.leggauss(4)

    def transfer(k: float) -> float:
        """∫ dτ τ ½Σ|M|²; a polynomial of low degree over (τ + m²)², smooth here."""
        omega = np.hypot(k, m_f)
        s = m_dm**2 + m_f**2 + 2.0 * m_dm * omega
        largest = 4.0 * m_dm**2 * k**2 / s
        tau = 0.5 * largest * (1.0 + node)
        return 0.5 * largest * sum(w * x * 0.5 * squared(s, -x, m_dm, m_f, m_zp, chiral) for x, w in zip(tau, weight))

    def integrand(k: float) -> float:
        omega = np.hypot(k, m_f)
        occupied = 1.0 / (np.exp(omega / temperature) + 1.0)
        return (
            k**2 / (2.0 * np.pi**2) * occupied * (1.0 - occupied) / (64.0 * np.pi * m_dm**2 * k * omega) * transfer(k)
        )

    end = 30.0 * temperature + 2.0 * np.sqrt(30.0 * temperature * m_f)
    point, share = np.polynomial.legendre.leggauss(50)
    rate = 0.5 * end * sum(w * integrand(0.5 * end * (1.0 + x)) for x, w in zip(point, share))
    expected = 2.0 * rate / (3.0 * m_dm * temperature)
    sector = scattering._rate(jnp.asarray(m_dm), jnp.asarray(m_zp), jnp.asarray(m_f), jnp.array([temperature]))[0]
    sector = sector * (0.5 if chiral else 1.0) / (3.0 * m_dm * temperature)
    assert float(sector) == pytest.approx(expected, rel=1e-3)


def test_massless_limit(theory):
    """25.4 (c_N c/m²)² T⁶/M per neutrino flavour; a massless Dirac fermion counts twice."""
    t = 1e-4
    neutrino = scattering.momentum_transfer(only(theory, (0.0, 0.0, 0.0), (0.0, 0.7, 0.0)), jnp.array([t]))[0]
    expected = 25.4 * (0.7 * theory.dark_matter.coupling / MEDIAN["m_zp"] ** 2) ** 2 * t**6 / MEDIAN["m_dm"]
    assert float(neutrino) == pytest.approx(float(expected), rel=2e-3)
    massless = eqx.tree_at(lambda p: p.sm.mass["e"], theory, 1e-12)
    electron = scattering.momentum_transfer(only(massless, (0.7, 0.0, 0.0), (0.0, 0.0, 0.0)), jnp.array([t]))[0]
    assert float(electron) == pytest.approx(2.0 * float(neutrino), rel=1e-6)


def test_moments_across_the_series():
    """Against scipy on both sides of the change of formula, and smooth."""
    r = np.array([1e-8, 1e-3, 0.0499, 0.0501, 1.0, 30.0])
    for n, column in enumerate(scattering._moments(jnp.asarray(r)), start=1):
        exact = [quad(lambda v, n=n: v**n / (1.0 + v) ** 2, 0.0, end, epsabs=0.0, epsrel=1e-12)[0] for end in r]
        np.testing.assert_allclose(column, exact, rtol=2e-8)


def test_heavy_fermions_die_out(theory):
    """Nothing but taus far below their mass: e^{−m/T}, finite slopes down to where it underflows."""
    taus = only(theory, (0.0, 0.0, 1.0), (0.0, 0.0, 0.0))
    rates = scattering.momentum_transfer(taus, jnp.array([0.1, 0.05, 1e-4]))
    assert float(jnp.log(rates[0] / rates[1])) == pytest.approx(1.77686 * (1 / 0.05 - 1 / 0.1), rel=0.2)
    assert float(rates[2]) == 0.0
    slope = jax.grad(lambda t: scattering.momentum_transfer(taus, t[None])[0])(jnp.asarray(1e-4))
    assert np.isfinite(float(slope))
