"""Lμ−Lτ ⊕ S1: check values of physics.md §§2–4, scaling laws, and what is refused."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.models import resolve_model

MODEL = resolve_model("lmu_ltau_s1")
A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
A_II = {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8, "chi": 0.0}
NAMES = (*A_I, "m_heavy", "sin_mix", "r_s")
DEFAULTS = {"chi": 1e-3, "m_heavy": 500.0, "sin_mix": 0.5, "r_s": 1.0}
LEPTON_MASSES = (0.00051099895, 0.1056583755, 1.77686)


def summary(values: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Everything that is tested, at one point."""
    model = MODEL.at(values)
    p = model.derive()
    zp, w = p.z_prime, p.wilson
    propagator = w.propagator(6.0)
    c7p, c8p = model.dipoles()
    return {
        "width": zp.width,
        "partial": zp.partial,
        "inv": zp.partial_width("inv"),
        "alpha": zp.mixing_angle,
        "couplings": zp.lepton,
        "charges": model.charge_matrix,
        "v_sb": p.leptoquark.penguin,
        "C9p": w.lepton("C9p", slice(None), propagator),
        "CR": w.lepton("CR", slice(None), propagator),
        "others": jnp.concatenate(
            [jnp.full(3, w.lepton(name, slice(None), propagator), complex) for name in ("C9", "C10", "C10p", "CL")]
            + [jnp.array([w.dipole("C7"), w.dipole("C8")], complex)]
        ),
        "dipoles": jnp.array([c7p, c8p]),
        "C7p at 4.8": w.dipole("C7p"),
        "mixing": jnp.array([model.meson_mixing_at_leptoquark_scale()["bs"], w.meson_mixing_of("bs")]),
        "xi_t": p.sm.ckm.xi("t"),
    }


@pytest.fixture(scope="module")
def at():
    """point → summary, compiled once."""
    compiled = jax.jit(lambda vector: summary(dict(zip(NAMES, vector))))

    def evaluate(**point: float) -> dict:
        values = {**DEFAULTS, **point}
        return jax.tree.map(np.asarray, compiled(jnp.array([float(values[name]) for name in NAMES])))

    return evaluate


# -- spectrum and widths -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("point", "width"), [(A_I, 1.128274e-6), (A_II, 2.357113e-5)])
def test_total_width(at, point, width):
    found = at(**point)
    assert found["width"] == pytest.approx(width, rel=1e-6, abs=0.0)
    decays = sum(found["partial"].values())
    assert decays == pytest.approx(found["width"], rel=1e-14, abs=0.0)
    invisible = found["partial"]["nunu"] + found["partial"]["NN"]
    assert found["inv"] == pytest.approx(invisible, rel=1e-14, abs=0.0)


def test_partial_widths(at):
    """Γ = m c²/(12π) √(1−4r)(1+2r), two neutrinos of half a Dirac width, (g Q_ℓℓ)² m/(24π) β³, and R(s) = 10/3."""
    g, m, m_dm, chi = 0.002, 4.0, 1.7, 1e-3
    found = at(**{**A_I, "chi": chi})["partial"]
    epsilon = np.sqrt(4.0 * np.pi / 132.116 * (1.0 - 0.23121)) * np.tan(chi)
    unit = m / (12.0 * np.pi)
    for name, mass, c in zip(("ee", "mumu", "tautau"), LEPTON_MASSES, (epsilon, g + epsilon, -g + epsilon)):
        r = (mass / m) ** 2
        expected = unit * c**2 * np.sqrt(1.0 - 4.0 * r) * (1.0 + 2.0 * r)
        assert found[name] == pytest.approx(expected, rel=1e-5, abs=0.0), name
    assert found["nunu"] == pytest.approx(unit * g**2, rel=1e-12, abs=0.0)
    expected = 0.5 * unit * (0.5 * g) ** 2 * (1.0 - 4.0 * (m_dm / m) ** 2) ** 1.5
    assert found["NN"] == pytest.approx(expected, rel=1e-12, abs=0.0)
    assert found["hadrons"] == pytest.approx(10.0 / 3.0 * unit * epsilon**2, rel=1e-5, abs=0.0)
    assert found["NNheavy"] == 0.0


def test_decay_to_both_majorana_states(at):
    """Charge-basis sum rule: with M_ℓ = M_h → 0 all pairs together are N_μN_μ and N_τN_τ, 2 · g² m/(24π)."""
    found = at(y=1.0, g=0.01, m_zp=10.0, m_dm=1e-3, m_heavy=1.001e-3, sin_mix=0.3)
    pairs = found["partial"]["NN"] + found["partial"]["NNheavy"]
    assert pairs == pytest.approx(2.0 * 0.01**2 * 10.0 / (24.0 * np.pi), rel=1e-6, abs=0.0)


def test_mixed_pair_width(at):
    """(g Q_ℓh)² m/(12π) λ^{1/2} [1 − (r_ℓ+r_h)/2 − (r_ℓ−r_h)²/2 − 3√(r_ℓr_h)], the rest being h h."""
    m, light, heavy, g, s = 10.0, 1.0, 3.0, 0.01, 0.5
    found = at(y=1.0, g=g, m_zp=m, m_dm=light, m_heavy=heavy, sin_mix=s)["partial"]["NNheavy"]
    a, b = (light / m) ** 2, (heavy / m) ** 2
    root = np.sqrt((1.0 - a - b) ** 2 - 4.0 * a * b)
    mixed = (2.0 * s * np.sqrt(1.0 - s**2)) ** 2 / 12.0 * root
    mixed *= 1.0 - (a + b) / 2.0 - (a - b) ** 2 / 2.0 - 3.0 * np.sqrt(a * b)
    both = (1.0 - 2.0 * s**2) ** 2 / 24.0 * (1.0 - 4.0 * b) ** 1.5
    assert found == pytest.approx(g**2 * m / np.pi * (mixed + both), rel=1e-12, abs=0.0)


def test_charges(at):
    for s in (0.0, 0.3, 0.5, 0.9):
        q = at(**A_I, sin_mix=s)["charges"]
        two_beta = 2.0 * np.arcsin(s)
        expected = [[np.cos(two_beta), np.sin(two_beta)], [np.sin(two_beta), -np.cos(two_beta)]]
        np.testing.assert_allclose(q, expected, atol=1e-15)


def test_kinetic_mixing_of_the_leptons(at):
    """e: ε, μ: g + ε, τ: −g + ε, ε = e c_W tan χ with α = 1/132.116."""
    epsilon = np.sqrt(4.0 * np.pi / 132.116 * (1.0 - 0.23121)) * np.tan(1e-3)
    found = at(**{**A_I, "chi": 1e-3})["couplings"]
    np.testing.assert_allclose(found, [epsilon, 0.002 + epsilon, -0.002 + epsilon], rtol=5e-6)
    np.testing.assert_array_equal(at(**A_I)["couplings"], [0.0, 0.002, -0.002])


def test_z_mixing(at):
    """10⁴ α from 4.81 to 4.83 for m_zp = 1 … 6 GeV."""
    low, high = (1e4 * at(y=1.0, g=1e-3, m_zp=m, m_dm=0.4)["alpha"] for m in (1.0, 6.0))
    assert low == pytest.approx(4.81, abs=5e-3) and high == pytest.approx(4.83, abs=5e-3)


# -- Wilson coefficients -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("point", "v_sb"), [(A_I, 0.05523827414145), (A_II, 0.05529560471358)])
def test_penguin_function(at, point, v_sb):
    assert at(**point)["v_sb"] == pytest.approx(v_sb, rel=1e-10, abs=0.0)


def test_c9p(at):
    """+0.70 for α = 1/133 and V_tbV_ts* = −0.0405; with the inputs of the model by the formula of §4."""
    found = at(**A_I)
    muon = found["C9p"][1]
    check = muon * found["xi_t"] / 132.116 / (-0.0405 / 133.0)
    assert check.real == pytest.approx(0.70, abs=5e-3)
    pole = 6.0 - 16.0 + 1j * 4.0 * 1.128274e-6
    alpha = 0.00756908489598792
    expected = np.sqrt(2.0) / (16.0 * np.pi * 1.1663788e-5 * alpha * found["xi_t"])
    expected *= 4.0 * 0.002**2 * 0.05523827414145 / pole
    np.testing.assert_allclose(muon, expected, rtol=1e-9)
    np.testing.assert_allclose(found["C9p"], muon * np.array([0.0, 1.0, -1.0]), atol=1e-15)


def test_neutrinos(at):
    """C_R^{ν_μ} = −C_R^{ν_τ} = C₉′^μ/2 at χ = 0; kinetic mixing does not reach neutrinos."""
    found, mixed = at(**A_I), at(**{**A_I, "chi": 1e-3})
    np.testing.assert_allclose(found["CR"], found["C9p"] / 2.0, rtol=1e-12, atol=1e-18)
    assert mixed["CR"][0] == 0.0 and mixed["CR"][1] == -mixed["CR"][2]


def test_nothing_else_is_generated(at):
    assert np.all(at(y=1.0, g=1e-3, m_zp=3.0, m_dm=1.0)["others"] == 0.0)


def test_dipoles(at):
    """C₇′ = −√2 y²/(24 G_F ξ_t M_LQ²) Σ u_i² J₁(χ_i) and C₈′ = −3 C₇′ at M_LQ; QCD shrinks C₇′ on the way down."""
    x = (500.0 / 1200.0) ** 2
    j_1 = (1.0 - 6.0 * x + 3.0 * x**2 + 2.0 * x**3 - 6.0 * x**2 * np.log(x)) / (12.0 * (1.0 - x) ** 4)
    found = at(**A_I)
    expected = -np.sqrt(2.0) * 4.0 / (24.0 * 1.1663788e-5 * found["xi_t"] * 1200.0**2) * (0.75 / 12.0 + 0.25 * j_1)
    c7p, c8p = found["dipoles"]
    np.testing.assert_allclose(c7p, expected, rtol=1e-5)
    np.testing.assert_allclose(c8p, -3.0 * c7p, rtol=1e-14)
    assert 0.1 < (found["C7p at 4.8"] / c7p).real < 0.6


def test_bs_mixing(at):
    """C = 7.68109e-9 GeV⁻² at M_LQ, and a leading-log factor near 0.8."""
    high, low = at(**A_I)["mixing"]
    assert high == pytest.approx(7.68109e-9, rel=1e-6, abs=0.0)
    assert low / high == pytest.approx(0.8, abs=0.05)


def test_scaling_laws(at):
    base = {"y": 0.7, "g": 1e-3, "m_zp": 3.1, "m_dm": 0.9, "chi": 0.0}
    found = at(**base)
    doubled_y, doubled_g = at(**{**base, "y": 1.4}), at(**{**base, "g": 2e-3})
    np.testing.assert_allclose(doubled_y["C9p"], 4.0 * found["C9p"], rtol=1e-12)
    # Γ ∝ g² moves the pole: exact once the propagator is divided out
    pole = lambda point, values: 6.0 - point["m_zp"] ** 2 + 1j * point["m_zp"] * values["width"]
    np.testing.assert_allclose(
        doubled_g["C9p"] * pole(base, doubled_g), 4.0 * found["C9p"] * pole(base, found), rtol=1e-12
    )
    np.testing.assert_allclose(doubled_y["mixing"], 16.0 * found["mixing"], rtol=1e-12)
    np.testing.assert_allclose(doubled_g["mixing"], found["mixing"], rtol=1e-14)
    np.testing.assert_allclose(doubled_y["dipoles"], 4.0 * found["dipoles"], rtol=1e-12)
    np.testing.assert_allclose(doubled_g["width"], 4.0 * found["width"], rtol=1e-12)
    split = at(**base, r_s=-2.0)
    np.testing.assert_allclose(split["C9p"], -2.0 * found["C9p"], rtol=1e-12)
    np.testing.assert_allclose(split["mixing"], 4.0 * found["mixing"], rtol=1e-12)


def test_no_coupling_no_effect(at):
    found = at(y=0.0, g=0.0, m_zp=3.0, m_dm=1.0, chi=0.0)
    for name in ("C9p", "CR", "dipoles", "mixing"):
        assert np.all(found[name] == 0.0), name
    assert found["width"] == 0.0


def test_closed_channels_are_zero_with_zero_gradient():
    partial = lambda m_zp, m_dm: MODEL.at({"y": 1.0, "g": 1e-3, "m_zp": m_zp, "m_dm": m_dm}).derive().z_prime.partial
    both = eqx.filter_jit(lambda *x: (partial(*x), jax.jacfwd(partial, (0, 1))(*x)))
    for m_zp in (1.0, 2.0 * 1.1, 0.2):
        values, slopes = both(jnp.asarray(m_zp), jnp.asarray(1.1))
        closed = {"NN", "NNheavy", "tautau", *(("mumu", "hadrons") if m_zp < 0.21 else ())}
        for name in closed:
            assert values[name] == 0.0 and all(slope == 0.0 for slope in slopes[name]), name
        assert all(np.isfinite(slope) for pair in slopes.values() for slope in pair)


# -- refused input -----------------------------------------------------------------------------------------------------------------------


def problems(point: dict) -> dict[str, str]:
    with pytest.raises(db.InputError) as caught:
        db.predict("lmu_ltau_s1", point, ["V_sb"])
    return {problem.path: str(problem) for problem in caught.value.problems}


def test_every_problem_is_listed():
    found = problems({"y": -1.0, "m_zp": "heavy", "m_dm": np.nan, "m_qr": 3.0, "sin_mix": 1.5})
    assert set(found) == {"point.y", "point.g", "point.m_zp", "point.m_dm", "point.m_qr", "point.sin_mix"}
    assert "missing" in found["point.g"] and "0 to 3.5" in found["point.g"]
    assert "outside" in found["point.y"] and "not finite" in found["point.m_dm"]
    assert "heavy" in found["point.m_zp"]
    assert "unknown parameter 'm_qr'" in found["point.m_qr"]
    assert "-1 to 1" in found["point.sin_mix"]


@pytest.mark.parametrize("change", [{"m_dm": 500.0}, {"m_dm": 600.0}, {"m_heavy": 1.7}])
def test_order_of_the_majorana_states(change):
    assert "m_heavy" in problems({**A_I, **change})["point.m_dm"]


def test_dark_matter_lighter_than_the_leptoquark():
    assert "leptoquark" in problems({**A_I, "m_dm": 1300.0, "m_heavy": 5000.0})["point.m_dm"]


def test_complex_values_are_refused():
    assert "point.y" in problems({**A_I, "y": 1.0 + 1.0j})
