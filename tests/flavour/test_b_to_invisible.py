"""B → K and missing energy, with the Z′ pole anywhere, against adaptive quadrature of the formulas of physics.md §6."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import darkbeauty as db
from darkbeauty.flavour.b_to_p_ll import PairCurrent, meson_masses, pair_rate
from darkbeauty.flavour.common import integrate_pair
from darkbeauty.flavour.form_factors import b_to_k
from darkbeauty.models import resolve_model

MODEL = resolve_model("lmu_ltau_s1")
NAMES = ("y", "g", "m_zp", "m_dm", "chi")
A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
A_II = {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8, "chi": 0.0}
M_B, M_K, TAU = 5.27934, 0.493677, 2488800398208.06
LABELS = (
    "BR(B+->KNN)",
    "BR(B+->KZp)",
    "BR(B+->Knunu)",
    "BR(B+->Kinv)",
    "BR(Zp->NN)",
    "BR(Zp->nunu)",
    "Gamma_Zp",
    "V_sb",
)
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "b_to_k.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def predict():
    """point → {label: value}, and the gradient, compiled once."""
    values = jax.jit(lambda vector: db.predictor(MODEL, LABELS)(dict(zip(NAMES, vector))))
    return lambda **point: dict(zip(LABELS, np.asarray(values(jnp.array([float(point[name]) for name in NAMES])))))


@pytest.fixture(scope="module")
def slopes():
    """point → ∂/∂m_zp of every label, forward mode, compiled once."""

    def along(vector: jax.Array) -> jax.Array:
        function = lambda m_zp: db.predictor(MODEL, LABELS)(dict(zip(NAMES, vector.at[2].set(m_zp))))
        return jax.jvp(function, (vector[2],), (jnp.ones(()),))[1]

    compiled = jax.jit(along)
    return lambda **point: dict(zip(LABELS, np.asarray(compiled(jnp.array([float(point[name]) for name in NAMES])))))


# -- the formulas once more, for scipy ---------------------------------------------------------------------------------------------------


def form_factor(q2: float, coefficients: tuple[float, ...], m_pole: float) -> float:
    """BSZ expansion with neutral-meson masses (arXiv:1503.05534, eq. 15)."""
    plus, minus = (5.27966 + 0.497611) ** 2, (5.27966 - 0.497611) ** 2
    t_0 = plus * (1.0 - np.sqrt(1.0 - minus / plus))
    z = lambda t: (np.sqrt(plus - t) - np.sqrt(plus - t_0)) / (np.sqrt(plus - t) + np.sqrt(plus - t_0))
    return sum(a * (z(q2) - z(0.0)) ** k for k, a in enumerate(coefficients)) / (1.0 - q2 / m_pole**2)


def f_plus(q2: float) -> float:
    return form_factor(q2, (0.33196382, -0.96403506, -0.30273752), 5.415)


def f_zero(q2: float) -> float:
    return form_factor(q2, (0.33196382, 0.33478906, 0.00372445), 5.63)


def coupling(y: float, g: float, v_sb: float, chi: float, m_zp: float) -> float:
    """G/P of §6 with Q_ℓℓ = cos 2β = 1/2."""
    m_z, s2w = 91.1876, 0.23121
    tan_2a = 2.0 * m_z**2 * np.sqrt(s2w) * np.sin(chi) * np.cos(chi)
    tan_2a /= m_z**2 * (np.cos(chi) ** 2 - s2w * np.sin(chi) ** 2) - m_zp**2
    return y**2 * g**2 * 0.5 * np.cos(0.5 * np.arctan(tan_2a)) / np.cos(chi) / (16.0 * np.pi**2) * v_sb


def br_majorana(point: dict[str, float], width: float, v_sb: float, spin_0: bool = True) -> float:
    """BR(B⁺ → K⁺NN) by adaptive quadrature in the distance from the pole, in pieces of a decade."""
    m, m_dm = point["m_zp"], point["m_dm"]
    g2 = coupling(point["y"], point["g"], v_sb, point["chi"], m) ** 2
    lo, hi, gamma = 4.0 * m_dm**2 - m**2, (M_B - M_K) ** 2 - m**2, m * width

    def integrand(offset: float) -> float:
        q2 = m**2 + offset
        lam = (q2 - (M_B + M_K) ** 2) * (offset - hi)
        beta = np.sqrt((offset - lo) / q2)
        braces = 4.0 / 3.0 * (offset - lo) * f_plus(q2) ** 2 * lam / q2
        if spin_0:
            braces += 8.0 * m_dm**2 * f_zero(q2) ** 2 * (M_B**2 - M_K**2) ** 2 / q2 * (offset / m**2) ** 2
        phase_space = np.sqrt(lam) / (16.0 * np.pi * M_B**3) / (2.0 * np.pi) * beta / (8.0 * np.pi)
        return 0.5 * phase_space * g2 / (offset**2 + gamma**2) / 4.0 * braces

    around = gamma * 10.0 ** np.arange(-1.0, 12.0)
    near_ends = (hi - lo) * np.array([1e-8, 1e-5, 1e-3, 0.03])
    cuts = [*-around, 0.0, *around, *(lo + near_ends), *(hi - near_ends), *np.linspace(lo, hi, 5)]
    edges = [lo, *sorted({float(cut) for cut in cuts if lo < cut < hi}), hi]
    return TAU * sum(quad(integrand, a, b, epsabs=0.0, epsrel=1e-9, limit=200)[0] for a, b in pairwise(edges))


def random_points() -> list[dict[str, float]]:
    """Pole below (7), at the lower edge (4), inside (9), at the upper edge (4) and above the range (6)."""
    rng = np.random.default_rng(2106)
    edge_hi = M_B - M_K
    points = []
    for kind, count in (("below", 7), ("low edge", 4), ("inside", 9), ("high edge", 4), ("above", 6)):
        for i in range(count):
            m_dm = rng.uniform(0.4, 2.2)
            m_zp = {
                "below": rng.uniform(0.4, 1.95) * m_dm,
                "low edge": 2.0 * m_dm * (1.0, 1.0 + 1e-9, 1.0 - 1e-6, 1.0 + 1e-4)[i % 4],
                "inside": rng.uniform(2.0 * m_dm, edge_hi),
                "high edge": edge_hi * (1.0, 1.0 - 1e-9, 1.0 + 1e-6, 1.0 - 1e-4)[i % 4],
                "above": rng.uniform(edge_hi, 8.0),
            }[kind]
            points.append(
                {
                    "y": 10.0 ** rng.uniform(-1.5, 0.3),
                    "g": 10.0 ** rng.uniform(-4.0, -2.0),
                    "m_zp": float(m_zp),
                    "m_dm": float(m_dm),
                    "chi": (0.0, 1e-3)[i % 2],
                }
            )
    return points


# -- tests -------------------------------------------------------------------------------------------------------------------------------


def test_form_factors_agree_with_flavio():
    reference = REFERENCE["form_factors"]
    found = b_to_k(MODEL.sm, jnp.array(reference["q2"]))._asdict()
    for name, field in (("f+", "plus"), ("f0", "zero"), ("fT", "tensor")):
        np.testing.assert_allclose(found[field], reference[name], rtol=1e-12)
    np.testing.assert_allclose([f_plus(q2) for q2 in reference["q2"]], reference["f+"], rtol=1e-7)
    np.testing.assert_allclose([f_zero(q2) for q2 in reference["q2"]], reference["f0"], rtol=1e-7)


@pytest.mark.parametrize("point", random_points())
def test_majorana_pair(predict, point):
    found = predict(**point)
    expected = br_majorana(point, found["Gamma_Zp"], found["V_sb"])
    assert found["BR(B+->KNN)"] == pytest.approx(expected, rel=1e-6, abs=0.0)


@pytest.mark.parametrize(("point", "br_nn"), [(A_I, 4.138e-4), (A_II, 8.87e-8)])
def test_spin_1_check_values(point, br_nn):
    """BR(B⁺ → K⁺NN) of §6, which leaves out the spin-0 part."""

    @eqx.filter_jit
    def spin_1(p):
        zp, m_dm = p.z_prime, p.dark_matter.mass
        coupling = zp.quark_vertex("bs") * p.dark_matter.coupling
        m_b, m_k = meson_masses(p, "B+->K")

        def density(q2, propagator):
            current = PairCurrent(0.0, coupling * propagator * b_to_k(p.sm, q2).plus, 0.0)
            return 0.5 * pair_rate(q2, m_b, m_k, m_dm, current).total

        ends = (4.0 * m_dm**2, (m_b - m_k) ** 2)
        return p.sm.lifetime["B+"] * integrate_pair(zp.pole, density, ends, ends, photon=False)

    assert float(spin_1(MODEL.at(point).derive())) == pytest.approx(br_nn, rel=1e-3, abs=0.0)


def test_on_shell_check_value(predict):
    """BR(B⁺ → K⁺Z′) = 0.0602 at A-I (§6), and 0 when the Z′ is too heavy."""
    assert predict(**A_I)["BR(B+->KZp)"] == pytest.approx(0.0602, rel=1e-3)
    assert predict(**A_II)["BR(B+->KZp)"] == 0.0


def test_on_shell_formula(predict):
    """g_eff² f₊²(m²) λ^{3/2}/(64π m_B³ m²) with V_sb = 0.05523827414145."""
    m2 = 16.0
    lam = (m2 - (M_B + M_K) ** 2) * (m2 - (M_B - M_K) ** 2)
    g_eff = 4.0 * 0.002 * 0.05523827414145 / (16.0 * np.pi**2)
    expected = TAU * g_eff**2 * f_plus(m2) ** 2 * lam**1.5 / (64.0 * np.pi * M_B**3 * m2)
    assert predict(**A_I)["BR(B+->KZp)"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("m_zp", "m_dm"), [(1.5, 0.3), (2.5, 1.0), (3.9, 1.2), (4.4, 0.5)])
def test_narrow_width(predict, m_zp, m_dm):
    """BR(KNN) → BR(KZ′) BR(Z′→NN), and the same for νν̄ once the Standard Model is subtracted."""
    point = {"y": 2.0, "g": 1e-4, "m_zp": m_zp, "m_dm": m_dm, "chi": 0.0}
    found = predict(**point)
    assert found["Gamma_Zp"] < 3e-9 * m_zp
    on_shell = found["BR(B+->KZp)"]
    assert found["BR(B+->KNN)"] == pytest.approx(on_shell * found["BR(Zp->NN)"], rel=1e-6, abs=0.0)
    standard_model = predict(**{**point, "y": 0.0})["BR(B+->Knunu)"]
    excess = found["BR(B+->Knunu)"] - standard_model
    assert excess == pytest.approx(on_shell * found["BR(Zp->nunu)"], rel=1e-6, abs=0.0)
    assert found["BR(B+->Kinv)"] == pytest.approx(found["BR(B+->Knunu)"] + found["BR(B+->KNN)"], rel=1e-12, abs=0.0)


def test_narrow_width_with_kinetic_mixing(predict):
    """The same Z′ is made and decays: no coupling of N knows more of χ than the others."""
    found = predict(y=2.0, g=1e-4, m_zp=3.9, m_dm=1.2, chi=0.1)
    assert found["BR(B+->KNN)"] == pytest.approx(found["BR(B+->KZp)"] * found["BR(Zp->NN)"], rel=1e-3, abs=0.0)


@pytest.mark.parametrize("m_dm", [0.7, 1.9])
@pytest.mark.parametrize("g", [3e-4, 5e-3])
def test_smooth_through_the_threshold_of_the_pole(predict, slopes, m_dm, g):
    """Continuous in m_zp where the Z′ starts to decay to NN, with finite slopes that agree with differences on both sides."""
    base = {"y": 1.0, "g": g, "m_dm": m_dm, "chi": 1e-3}
    step = 1e-7
    for delta in (-1e-3, -1e-4, 1e-4, 1e-3):
        m_zp = 2.0 * m_dm * (1.0 + delta)
        up, down = (predict(**base, m_zp=m_zp + sign * step)["BR(B+->KNN)"] for sign in (1.0, -1.0))
        slope = slopes(**base, m_zp=m_zp)["BR(B+->KNN)"]
        assert slope == pytest.approx((up - down) / (2.0 * step), rel=1e-6, abs=1e-6 * up)
    at = [predict(**base, m_zp=2.0 * m_dm * (1.0 + d))["BR(B+->KNN)"] for d in (-1e-9, 0.0, 1e-9)]
    np.testing.assert_allclose(at, at[1], rtol=1e-3)
    assert np.all(np.isfinite(list(slopes(**base, m_zp=2.0 * m_dm).values())))


def test_closed_channels_are_zero_with_zero_slope(predict, slopes):
    point = {"y": 1.0, "g": 1e-3, "m_zp": 5.5, "m_dm": 2.45, "chi": 0.0}
    for name in ("BR(B+->KNN)", "BR(B+->KZp)"):
        assert predict(**point)[name] == 0.0 and slopes(**point)[name] == 0.0
