"""The U(1)′ ⊕ leptoquark family: its two members of the slides, symmetries that relate others to them, and what gauge invariance refuses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.models import resolve_model
from darkbeauty.models.u1_member import LEPTOQUARKS, QUARKS, read_member

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0, "sin_mix": 0.22, "chi": 0.0}
SLIDES = {
    "lmu_ltau_s1": {"charges": {"mu": 1, "tau": -1}, "leptoquark": "S1", "couples": "mu"},
    "le_lmu_r2": {
        "charges": {"e": 1, "mu": -1},
        "leptoquark": "(3,2,1/6)",
        "couples": "mu",
        "light": "e",
        "kinetic_mixing": False,
    },
}
BOXES = {
    "lmu_ltau_s1": {"y": (0.05, 2.0), "g": (1e-3, 0.01), "m_zp": (1.0, 6.0), "m_dm": (0.1, 2.5), "chi": (-1e-3, 1e-3)},
    "le_lmu_r2": {"y": (0.05, 3.0), "g": (0.05, 1.0), "m_zp": (100.0, 2e3), "m_dm": (50.0, 490.0), "chi": (0.0, 0.0)},
}
COMMON = {
    "sin_mix": (-0.9, 0.9),
    "m_lq": (600.0, 3e3),
    "m_heavy": (500.0, 900.0),
    "r_d": (-2.0, 2.0),
    "sin_zeta": (0.0, 0.1),
}
LABELS = [
    "V_sb",
    "Gamma_Zp",
    "BR(Zp->inv)",
    "C9(bsmumu)[4]",
    "C9p(bsmumu)[4]",
    "DeltaM_s",
    "DeltaM_d",
    "BR(K+->pinunu)",
    "sigma_SD(p)",
    "sigma_SI(p)",
    "a_mu(NP)",
    "BR(h->ZpZp)",
    "Omega_h2",
]


def family(**member):
    return resolve_model("u1_leptoquark", member=member)


def points(name: str, count: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(21)
    return {key: rng.uniform(*ends, count) for key, ends in (BOXES[name] | COMMON).items()}


@pytest.mark.parametrize("name", SLIDES)
@pytest.mark.parametrize(
    "choices", [{}, {"extra_channels": ("flavour_violating", "higgs", "coannihilation", "z_prime_pairs")}]
)
def test_the_slides_models_are_members(name, choices):
    """The whole of what observables see is the same at 24 points, and so is every observable there is or will be."""
    models = resolve_model(name, **choices), resolve_model("u1_leptoquark", member=SLIDES[name], **choices)
    one, other = (jax.jit(jax.vmap(lambda p, model=model: model.at(p).derive()))(points(name, 24)) for model in models)
    assert jax.tree.structure(one) == jax.tree.structure(other)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=0.0), one, other)


def test_predictions_of_a_member_are_those_of_the_slides_model():
    """One number or more of every room, at 20 points."""
    values = [
        jax.jit(jax.vmap(db.predictor(model, LABELS)))(points("lmu_ltau_s1", 20))
        for model in ("lmu_ltau_s1", family(**SLIDES["lmu_ltau_s1"]))
    ]
    assert np.all(np.isfinite(values[0][:, :-1]))
    np.testing.assert_allclose(values[1], values[0], rtol=1e-12, atol=0.0)


# -- other members ------------------------------------------------------------------------------------------------------------------------


def theory(point, **member):
    return family(**member).at(point).derive()


def coefficients(p, q2):
    w = p.wilson
    at_q2 = {name: w.lepton(name, slice(None), w.propagator(q2)) for name in ("C9", "C9p", "CL", "CR")}
    return {name: np.broadcast_to(np.asarray(value, complex), 3) for name, value in at_q2.items()}


MU_TAU = {"mu": 1, "tau": -1}
POINT = {**A_I, "y": 0.3, "m_heavy": 90.0, "r_d": 0.4, "sin_zeta": 0.01}


def test_right_handed_quarks_have_the_check_value_and_left_handed_ones_its_opposite():
    """C₉′^μ = +0.70 of physics.md §4 at A-I; N_μ in the loop is of opposite charge for the quark doublets of R̃2, where it is C₉."""
    right, left = (theory(A_I, leptoquark=name) for name in ("S1", "R2~"))
    ours = (
        coefficients(right, 6.0)["C9p"][1] * right.sm.ckm.xi("t") / (-0.0405) * right.sm.coupling["alpha_e_4.8"] * 133.0
    )
    assert complex(ours).real == pytest.approx(0.70, abs=0.005)
    np.testing.assert_allclose(coefficients(left, 6.0)["C9"], -coefficients(right, 6.0)["C9p"], rtol=1e-14)
    np.testing.assert_allclose(coefficients(left, 6.0)["CL"], -coefficients(right, 6.0)["CR"], rtol=1e-14)
    assert not np.any(coefficients(left, 6.0)["C9p"]) and not np.any(coefficients(right, 6.0)["C9"])
    assert complex(left.wilson.dipole("C7")) == pytest.approx(complex(right.wilson.dipole("C7p")), rel=1e-14)


def test_doublets_of_a_heavy_z_prime_lower_the_coefficient_of_their_own_lepton():
    """C₉ of the flavour of N_q is that of benchmark B, −0.857 (physics.md §4), whichever flavour that is and whatever the sign of its charge."""
    for charges, couples, light, index in (
        ({"e": 1, "mu": -1}, "mu", "e", 1),
        ({"e": -1, "mu": 1}, "mu", "e", 1),
        ({"e": 1, "mu": -1}, "e", "mu", 0),
        ({"mu": 1, "tau": -1}, "tau", "mu", 2),
    ):
        p = theory(B, charges=charges, leptoquark="R2~", couples=couples, light=light)
        c9 = coefficients(p, 1.0)["C9"] * p.sm.ckm.xi("t") / (-0.0411997)
        assert complex(c9[index]).real == pytest.approx(-0.857, abs=1e-3)
        assert complex(jnp.sum(c9)) == pytest.approx(0.0, abs=1e-12)


def test_signs_of_all_charges_are_those_of_the_coupling():
    """With g → −g; without kinetic mixing nothing but couplings linear in g sees it, and no rate."""
    one, other = (theory(POINT, charges=charges) for charges in (MU_TAU, {"mu": -1, "tau": 1}))
    np.testing.assert_allclose(other.z_prime.lepton, -one.z_prime.lepton, rtol=1e-14)
    np.testing.assert_allclose(other.dark_matter.coupling, -one.dark_matter.coupling, rtol=1e-14)
    for name, value in coefficients(one, 3.0).items():
        np.testing.assert_allclose(coefficients(other, 3.0)[name], value, rtol=1e-14)
    assert float(other.z_prime.width) == pytest.approx(float(one.z_prime.width), rel=1e-14)


@pytest.mark.parametrize("size", [2, "1/3", 0.7])
def test_only_the_product_of_charge_and_coupling_counts(size):
    """Charges k times as large are g k times as large, also in masses of N, widths of φ₂ and pairs of leptoquarks."""
    point = {**B, "m_lq": 300.0, "g": 0.2}
    scale = float(read_member({"charges": {"mu": size, "tau": f"-{size}"}}).charge)
    large = theory(point, charges={"mu": size, "tau": f"-{size}"})
    usual = theory({**point, "g": 0.2 * scale}, charges=MU_TAU)
    assert float(large.z_prime.partial["LQLQ"]) > 0.0
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-300), usual, large)


def test_relabelled_leptons():
    """Le − Lτ with N_e is Lμ − Lτ with N_μ but for the mass of the lepton."""
    one, other = theory(POINT), theory(POINT, charges={"e": 1, "tau": -1}, couples="e")
    swapped = np.array([1, 0, 2])
    for name, value in coefficients(one, 3.0).items():
        np.testing.assert_allclose(coefficients(other, 3.0)[name], value[swapped], rtol=1e-5)
    np.testing.assert_allclose(other.z_prime.neutrino, one.z_prime.neutrino[swapped], rtol=1e-15)
    assert float(other.z_prime.partial["ee"]) == pytest.approx(0.002**2 * 4.0 / (12.0 * np.pi), rel=1e-6)
    assert float(other.z_prime.partial["mumu"]) == 0.0
    assert other.dark_matter.channels.finals[:3] == ("ee", "mumu", "tautau")
    assert float(other.wilson.meson_mixing_of("bs")) == float(one.wilson.meson_mixing_of("bs"))


RELICS = [
    ({"leptoquark": "R2~", "light": "tau", "kinetic_mixing": False}, B, 0.11927),
    ({"charges": {"e": 1, "tau": -1}, "couples": "e", "kinetic_mixing": False}, A_I, 0.41130),
    (
        {"charges": {"e": 1, "mu": -1}, "leptoquark": "R2~", "couples": "e", "light": "mu", "kinetic_mixing": False},
        B,
        0.11927,
    ),
]
OTHERS = ["Omega_h2", "DeltaM_s", "BR(B+->Knunu)", "Gamma_Zp", "sigma_SD(n)", "a_mu(NP)", "trident(CCFR)"]


@pytest.mark.parametrize(("member", "point", "omega"), RELICS, ids=["mu-tau R2~", "e-tau S1", "e-mu R2~ with N_e"])
def test_relic_density_of_other_members(member, point, omega):
    """physics.md §7 has it of two members; with other leptons, whose masses do not matter here, it is the same. Everything else is finite."""
    values = db.predict(family(**member), point, OTHERS)
    assert values["Omega_h2"] == pytest.approx(omega, rel=2e-3)
    assert all((np.isfinite(value) and value != 0.0) or name == "a_mu(NP)" for name, value in values.items())


# -- what there is not --------------------------------------------------------------------------------------------------------------------


def words(**member) -> str:
    with pytest.raises(db.InputError) as refused:
        family(**member)
    return str(refused.value)


def test_leptoquarks_that_couple_to_n():
    """N has no quantum numbers: its leptoquark has those of a quark. Q = T₃ + Y of the partner of the d quark is −1/3."""
    coupled = {name for name, kind in LEPTOQUARKS.items() if kind.triplet in QUARKS}
    assert coupled == {"S1", "R2~", "S1bar"}
    assert read_member({"leptoquark": "S1"}).chirality == "R" and read_member({"leptoquark": "R̃2"}).chirality == "L"
    for name in ("S3", "S̃1", "(3,2,7/6)", "(3bar, 3, 1/3)", "(3,1,-4/3)"):
        assert "no gauge-invariant coupling of a quark to N" in words(leptoquark=name), name
    assert "nothing of b → s" in words(leptoquark="(3bar,1,-2/3)")
    assert read_member({"leptoquark": "(3,1,-1/3)"}).leptoquark == "S1"  # the conjugate


def test_every_anomaly_is_named():
    assert words(charges={"mu": 1}).splitlines()[:2] == [
        "member.charges: the U(1)′ is anomalous: SU(2)²U(1)′ adds up to 1, not 0",
        "member.charges: the U(1)′ is anomalous: U(1)_Y²U(1)′ adds up to -1/2, not 0",
    ]
    assert "adds up to -3/10000" in words(charges={"tau": -3, "quarks": 0.3333}, couples="tau")


def test_charges_of_quarks_are_not_computed():
    """B − 3Lτ and B − L are free of anomalies; no number is given for them."""
    for charges in ({"tau": -3, "quarks": "1/3"}, {"e": -1, "mu": -1, "tau": -1, "quarks": "1/3"}):
        said = words(charges=charges, couples="tau")
        assert "anomalous" not in said and "couples to quarks at tree level is not computed here" in said


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ({"charges": {"e": 1, "tau": -1}}, "N_mu has no charge"),
        ({"charges": {"e": 1, "mu": 1, "tau": -2}}, "mixes with one N of the opposite charge: there are 0"),
        ({"light": "e"}, "the lighter state is N_mu or N_tau"),
        ({"charges": {"mu": "1e99999"}}, "is no charge"),
        ({"charges": {"mu": float("nan")}}, "is no charge"),
        ({"charges": {"mu": True, "tau": -1}}, "is no charge"),
        ({"charges": 3}, "is no table of charges"),
        ({"kinetic_mixing": 1}, "is neither true nor false"),
        ({"couples": ["mu"]}, "unknown flavour"),
        ({"leptoquark": None}, "unknown leptoquark"),
        ({"mixes": "tau"}, "unknown setting 'mixes'"),
    ],
)
def test_settings_that_make_no_member(member, said):
    assert said in words(**member)


@pytest.mark.parametrize(
    "value",
    [1.5, b"x", 10**5000, np.ones(2), jnp.ones(2), [None], {1: 2}, "", "\u0303", "mu\n"],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("setting", ["charges", "mu", "leptoquark", "couples", "light", "kinetic_mixing"])
def test_no_setting_takes_another_type(setting, value):
    said = words(**({"charges": {"mu": value}} if setting == "mu" else {setting: value}))
    assert f"member.{'charges' if setting == 'mu' else setting}" in said


def test_all_problems_at_once():
    with pytest.raises(db.InputError) as refused:
        resolve_model("u1_leptoquark", member={"charges": {"mu": 1}, "leptoquark": "S3", "x": 1}, convention="printed")
    assert len(refused.value.problems) == 6
    with pytest.raises(db.InputError, match="no such choice"):
        resolve_model("lmu_ltau_s1", member=SLIDES["lmu_ltau_s1"])


def test_no_kinetic_mixing_where_there_is_none():
    model = family(kinetic_mixing=False)
    with pytest.raises(db.InputError, match=r"point.chi: kinetic mixing 0.001 in a member without it"):
        db.predict(model, {**A_I, "chi": 1e-3}, ["V_sb"])
    with pytest.raises(db.InputError, match="loop_mixing"):
        resolve_model("u1_leptoquark", member={"kinetic_mixing": False}, loop_mixing=True)
