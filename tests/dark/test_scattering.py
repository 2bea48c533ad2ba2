"""Momentum transfer against the check values of physics_2.md §15 (leptons), explicit spinors integrated over the plasma, and massless limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from spinors import GAMMA, GAMMA5, LEFT, METRIC, RIGHT, bar, momenta, u, v

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
LEPTONS, QUARKS, MESONS = range(3)


@pytest.fixture(scope="module")
def theory():
    return MODEL.at(MEDIAN).derive()


def only(theory, lepton: tuple[float, float, float], neutrino: tuple[float, float, float]):
    """The theory with other couplings of its Z′."""
    where = lambda p: (p.dark_matter.z_prime.lepton, p.dark_matter.z_prime.neutrino)
    return eqx.tree_at(where, theory, (jnp.array(lepton), jnp.array(neutrino)))


def leptons(theory, temperatures):
    return scattering.parts(theory, jnp.array(temperatures))[:, LEPTONS]


def test_checked_values(theory):
    np.testing.assert_allclose(leptons(theory, list(CHECKED)), list(CHECKED.values()), rtol=1e-6)


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


def plasma(m_dm: float, m_f: float, temperature: float, sum2: Callable[[float, float], float], statistics=1.0) -> float:
    """γ of one particle and its antiparticle by nested quadrature of Σ|M|²(s, t)."""
    node, weight = np.polynomial.legendre.leggauss(4)

    def transfer(k: float) -> float:
        """∫ dτ τ ½Σ|M|²; a polynomial of low degree over (τ + m²)², smooth here."""
        omega = np.hypot(k, m_f)
        s = m_dm**2 + m_f**2 + 2.0 * m_dm * omega
        largest = 4.0 * m_dm**2 * k**2 / s
        tau = 0.5 * largest * (1.0 + node)
        return 0.5 * largest * sum(w * x * 0.5 * sum2(s, -x) for x, w in zip(tau, weight))

    def integrand(k: float) -> float:
        omega = np.hypot(k, m_f)
        occupied = 1.0 / (np.exp(omega / temperature) + statistics)
        spread = occupied * (1.0 - statistics * occupied)
        return k**2 / (2.0 * np.pi**2) * spread / (64.0 * np.pi * m_dm**2 * k * omega) * transfer(k)

    end = 30.0 * temperature + 2.0 * np.sqrt(30.0 * temperature * m_f)
    point, share = np.polynomial.legendre.leggauss(50)
    rate = 0.5 * end * sum(w * integrand(0.5 * end * (1.0 + x)) for x, w in zip(point, share))
    return 2.0 * rate / (3.0 * m_dm * temperature)


@pytest.mark.parametrize(
    ("m_f", "chiral", "temperature"), [(0.1056583745, False, 0.05), (1.77686, False, 0.3), (1e-9, True, 0.1)]
)
def test_against_explicit_spinors(theory, m_f, chiral, temperature):
    """γ of one lepton by nested quadrature of amplitudes summed over spins."""
    m_dm, m_zp = MEDIAN["m_dm"], MEDIAN["m_zp"]
    expected = plasma(m_dm, m_f, temperature, lambda s, t: squared(s, t, m_dm, m_f, m_zp, chiral))
    sector = scattering._rate(jnp.asarray(m_dm), jnp.asarray(m_zp), jnp.asarray(m_f), jnp.array([temperature]))[0]
    sector = sector * (0.5 if chiral else 1.0) / (3.0 * m_dm * temperature)
    assert float(sector) == pytest.approx(expected, rel=1e-3)


def by_exchange(p, spins, m_dm: float, masses: tuple[float, float], m_lq: float) -> complex:
    """N f₁ → N f₂ by a scalar with −f̄ P_R N S + h.c.: s minus u, for N̄ annihilates as N does and exchanging the two costs a sign."""
    one, two, three, four = p
    a, b, c, d = spins
    mass2 = lambda q: q @ (METRIC * q)
    pair = bar(u(four, masses[1], d)) @ RIGHT @ v(three, m_dm, c) * (bar(v(one, m_dm, a)) @ LEFT @ u(two, masses[0], b))
    crossed = (
        bar(u(four, masses[1], d)) @ RIGHT @ u(one, m_dm, a) * (bar(u(three, m_dm, c)) @ LEFT @ u(two, masses[0], b))
    )
    return pair / (mass2(one + two) - m_lq**2) - crossed / (mass2(one - four) - m_lq**2)


def by_contact(p, spins, m_dm: float, masses: tuple[float, float]) -> complex:
    """¼ N̄γ^μγ₅N f̄₂γ_μPf₁, twice that for a Majorana particle."""
    one, two, three, four = p
    dark = np.array([bar(u(three, m_dm, spins[2])) @ g @ GAMMA5 @ u(one, m_dm, spins[0]) for g in GAMMA])
    light = np.array([bar(u(four, masses[1], spins[3])) @ g @ LEFT @ u(two, masses[0], spins[1]) for g in GAMMA])
    return complex(0.5 * (dark * METRIC) @ light)


ALL_SPINS = list(np.ndindex(2, 2, 2, 2))


@pytest.mark.parametrize("masses", [(1e-9, 1e-9), (0.0047, 0.093), (0.093, 0.093)])
def test_leptoquark_exchange_is_contact_interaction(masses):
    """Amplitude by amplitude, up to a phase, with 1/(M_LQ² − M²); what is left is 2Mω/M_LQ²."""
    m_dm, m_lq = MEDIAN["m_dm"], 1200.0
    p = momenta((m_dm + 0.9) ** 2, (m_dm, masses[0]), (m_dm, masses[1]), 0.3)
    exchanged = np.array([by_exchange(p, spins, m_dm, masses, m_lq) for spins in ALL_SPINS])
    contact = np.array([by_contact(p, spins, m_dm, masses) for spins in ALL_SPINS]) / (m_lq**2 - m_dm**2)
    overlap = np.vdot(contact, exchanged)
    np.testing.assert_allclose(exchanged, contact * overlap / abs(overlap), rtol=0.0, atol=1e-5 * np.abs(contact).max())


def test_quarks_against_explicit_spinors(theory):
    """d and s in all four ways, of three colours, by exchange of the leptoquark; the mass of the strange quark is worth 2 %."""
    m_dm, t = MEDIAN["m_dm"], 0.16

    def sum2(mass: float, m_lq: float) -> Callable[[float, float], float]:
        def at(s: float, t: float) -> float:
            k2 = (s - (m_dm + mass) ** 2) * (s - (m_dm - mass) ** 2) / (4.0 * s)
            p = momenta(s, (m_dm, mass), (m_dm, mass), 1.0 + t / (2.0 * k2))
            return 3.0 * sum(abs(by_exchange(p, spins, m_dm, (mass, mass), m_lq)) ** 2 for spins in ALL_SPINS)

        return at

    y2 = MEDIAN["y"] ** 2 * 0.75
    massless = 4.0 * y2**2 * plasma(m_dm, 1e-9, t, sum2(1e-9, 1200.0))
    value = float(scattering.parts(theory, jnp.array([t]))[0, QUARKS])
    assert value == pytest.approx(massless, rel=1e-3)
    massive = y2**2 * (2.0 * plasma(m_dm, 0.093, t, sum2(0.093, 1200.0))) + 0.5 * massless
    assert massive == pytest.approx(value, rel=0.02)


def test_share_of_quarks(theory):
    """§15: 10 % of γ at y = 0.326, just above the transition (from d → d and s → s; d ↔ s doubles it); ∝ y⁴."""
    above = scattering.parts(theory, jnp.array([0.16]))[0]
    assert 0.5 * float(above[QUARKS] / above[LEPTONS]) == pytest.approx(0.12, abs=0.03)
    strong = scattering.parts(MODEL.at({**MEDIAN, "y": 2.0}).derive(), jnp.array([0.16]))[0]
    assert float(strong[QUARKS] / above[QUARKS]) == pytest.approx((2.0 / 0.326) ** 4, rel=1e-12)


def test_massless_limit_of_quarks(theory):
    """Three colours times the 25.4 (c_N c_f/m²)² T⁶/M of a left-handed fermion, c_N c_f/m² = y²u²/(2M_LQ²), four ways."""
    t = 1e-4
    strength = MEDIAN["y"] ** 2 * 0.75 / (2.0 * 1200.0**2)
    expected = 4.0 * 3.0 * 25.4 * strength**2 * t**6 / MEDIAN["m_dm"]
    assert float(scattering.parts(theory, jnp.array([t]))[0, QUARKS]) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("y_s", [0.0, 1.0])
def test_mesons_against_explicit_spinors(y_s):
    """π± alone, and with K± and the six d ↔ s: N̄γ^μγ₅N (p + p′)_μ, a vector meson in the form factor, Bose's f(1 + f)."""
    model = MODEL.at({**MEDIAN, "r_s": y_s}).derive()
    m_dm, t = MEDIAN["m_dm"], 0.12

    def sum2(mass: float, pole: float) -> Callable[[float, float], float]:
        def at(s: float, t: float) -> float:
            k2 = (s - (m_dm + mass) ** 2) * (s - (m_dm - mass) ** 2) / (4.0 * s)
            one, two, three, four = momenta(s, (m_dm, mass), (m_dm, mass), 1.0 + t / (2.0 * k2))
            slash = np.tensordot(METRIC * (two + four), GAMMA, 1)
            spins = np.ndindex(2, 2)
            total = sum(abs(bar(u(three, m_dm, c)) @ slash @ GAMMA5 @ u(one, m_dm, a)) ** 2 for a, c in spins)
            return total / (1.0 - t / pole**2) ** 2

        return at

    of = lambda mass, pole: plasma(m_dm, mass, t, sum2(mass, pole), -1.0)
    sm = model.sm.mass
    # ½ of the quark current is a vector, ±(p + p′)_μ of it; ¼ N̄γγ₅N counts twice
    unit = (0.25 * MEDIAN["y"] ** 2 * 0.75 / (1200.0**2 - m_dm**2)) ** 2
    kaons = 1.0 if y_s == 0.0 else 7.0  # K0 by its d quark alone; K± and 6 of flavour change, K0 cancels
    expected = unit * (of(sm["pi+"], sm["rho0"]) + kaons * of(sm["K+"], sm["K*0"]))
    assert float(scattering.parts(model, jnp.array([t]))[0, MESONS]) == pytest.approx(expected, rel=2e-3)


def test_no_pions_by_an_isospin_singlet():
    """Doublets couple u and d alike: π± see nothing."""
    dark = resolve_model("le_lmu_r2").at({"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}).derive().dark_matter
    assert float(scattering._contact(dark, "u") - scattering._contact(dark, "d")) == 0.0


def test_transition():
    """Quarks above, mesons below, nothing jumps, and slopes are finite; without a leptoquark there are leptons alone."""
    theory = MODEL.at({**MEDIAN, "y": 2.0}).derive()
    t = jnp.linspace(0.05, 0.3, 251)
    total, parts = scattering.momentum_transfer(theory, t), scattering.parts(theory, t)
    np.testing.assert_allclose(total[-1], parts[-1, LEPTONS] + parts[-1, QUARKS], rtol=1e-6)
    np.testing.assert_allclose(total[0], parts[0, LEPTONS] + parts[0, MESONS], rtol=1e-3)
    steps = np.diff(np.log(total))
    assert np.all(steps > 0.0) and steps.max() < 0.2
    slope = jax.vmap(jax.grad(lambda x: jnp.log(scattering.momentum_transfer(theory, x[None])[0])))(t)
    np.testing.assert_allclose(slope[1:-1], (np.log(total[2:]) - np.log(total[:-2])) / 0.002, rtol=0.05)
    alone = eqx.tree_at(lambda p: p.dark_matter, theory, replace(theory.dark_matter, exchange=None))
    np.testing.assert_allclose(scattering.momentum_transfer(alone, t), parts[:, LEPTONS], rtol=1e-12)


def test_massless_limit(theory):
    """25.4 (c_N c/m²)² T⁶/M per neutrino flavour; a massless Dirac fermion counts twice."""
    t = 1e-4
    neutrino = leptons(only(theory, (0.0, 0.0, 0.0), (0.0, 0.7, 0.0)), [t])[0]
    expected = 25.4 * (0.7 * theory.dark_matter.coupling / MEDIAN["m_zp"] ** 2) ** 2 * t**6 / MEDIAN["m_dm"]
    assert float(neutrino) == pytest.approx(float(expected), rel=2e-3)
    massless = eqx.tree_at(lambda p: p.sm.mass["e"], theory, 1e-12)
    electron = leptons(only(massless, (0.7, 0.0, 0.0), (0.0, 0.0, 0.0)), [t])[0]
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
    rates = leptons(taus, [0.1, 0.05, 1e-4])
    assert float(jnp.log(rates[0] / rates[1])) == pytest.approx(1.77686 * (1 / 0.05 - 1 / 0.1), rel=0.2)
    assert float(rates[2]) == 0.0
    slope = jax.grad(lambda t: scattering.momentum_transfer(taus, t[None])[0])(jnp.asarray(1e-4))
    assert np.isfinite(float(slope))
