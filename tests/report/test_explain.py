"""Explanations: slopes and errors against scaling laws, finite differences and the likelihood's own covariance; formulas for the whole registry."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.evaluation import lay_out
from darkbeauty.inputs import load_sm
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods.theory import theory_covariance
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1
from darkbeauty.models.wet import Wet
from darkbeauty.observables import REGISTRY
from darkbeauty.prediction import parse
from darkbeauty.report import explain as explain_module
from darkbeauty.report.docstrings import formulas, left_out
from darkbeauty.report.explain import explain
from darkbeauty.status import Status

POINT = {"y": 0.2, "g": 0.002, "m_zp": 4.0, "m_dm": 1.9, "chi": 0.0}


@pytest.fixture(scope="module")
def leptonic():
    return explain("BR(Bs->mumu)").numbers


@pytest.fixture(scope="module")
def coefficient():
    return explain("C9p(bsmumu)[6]", "lmu_ltau_s1", POINT).numbers


def test_value_is_the_prediction(leptonic, coefficient):
    assert leptonic.value == pytest.approx(db.predict("wet", {}, ["BR(Bs->mumu)"])["BR(Bs->mumu)"], rel=1e-12)
    expected = db.predict("lmu_ltau_s1", POINT, ["C9p(bsmumu)[6]"])["C9p(bsmumu)[6]"]
    assert coefficient.value == pytest.approx(expected, rel=1e-12)


def test_effects_of_inputs(leptonic):
    """BR ∝ f_Bs² exactly; |V_cb| by a finite difference of predictions."""
    effect = {one.path: one.effect / leptonic.value for one in leptonic.inputs}
    f = parameter_records()["decay_constant.f_Bs"]
    assert effect["decay_constant.f_Bs"] == pytest.approx(2.0 * f["error"] / f["value"], rel=1e-9)
    v = parameter_records()["ckm.Vcb"]
    ends = [
        db.predict(Wet(sm=load_sm().replace({"ckm.Vcb": v["value"] + sign * 1e-2 * v["error"]})), {}, ["BR(Bs->mumu)"])
        for sign in (1, -1)
    ]
    slope = (ends[0]["BR(Bs->mumu)"] - ends[1]["BR(Bs->mumu)"]) / (2e-2 * leptonic.value)
    assert effect["ckm.Vcb"] == pytest.approx(abs(slope), rel=1e-6)
    assert list(effect.values()) == sorted(effect.values(), reverse=True)


def test_inputs_that_follow_another(leptonic):
    """C₁₀ ∝ m_t^1.53 (arXiv:1311.0903), and the rate goes with its square."""
    m = parameter_records()["quark.mt_pole"]
    effect = next(one.effect for one in leptonic.inputs if one.path == "quark.mt_pole")
    assert effect / leptonic.value == pytest.approx(2.0 * 1.53 * m["error"] / m["value"], rel=1e-9)


def test_budget_adds_up(leptonic):
    assert math.sqrt(sum(error**2 for error in leptonic.budget.values())) == pytest.approx(leptonic.error, rel=1e-6)
    assert leptonic.error == pytest.approx(math.sqrt(theory_covariance(("BR(Bs->mumu)",))[0, 0]), rel=1e-9)


def test_form_factors_count_with_their_covariance():
    label = "dBR/dq2(B+->Knunu)[5]"
    found = explain(label).numbers
    assert found.error == pytest.approx(math.sqrt(theory_covariance((label,))[0, 0]), rel=1e-9)
    assert next(iter(found.budget)) == "form factors"
    row = next(one for one in found.inputs if one.path == "form_factor.B->K")
    assert row.value is None and "2305.06301" in row.source


def test_slopes_are_scaling_laws(coefficient):
    """C₉′ ∝ y² g² and, far above its width, 1/(q² − m²)."""
    relative = {one.parameter: one.relative for one in coefficient.slopes}
    m2 = POINT["m_zp"] ** 2
    assert relative["y"] == pytest.approx(2.0, rel=1e-9)
    assert relative["g"] == pytest.approx(2.0, rel=1e-6)
    assert relative["m_zp"] == pytest.approx(-2.0 * m2 / (m2 - 6.0), rel=1e-6)
    assert relative["r_s"] == pytest.approx(1.0, rel=1e-9)
    by = db.gradient("lmu_ltau_s1", POINT, ["C9p(bsmumu)[6]"])["C9p(bsmumu)[6]"]["m_dm"]
    derivative = next(one.derivative for one in coefficient.slopes if one.parameter == "m_dm")
    value = coefficient.value
    assert derivative == pytest.approx((np.conj(value) * by).real / abs(value), rel=1e-9)


def test_slopes_of_what_is_negative_have_their_sign():
    label = "P5p(B0->K*mumu)[5]"
    found = explain(label).numbers
    slopes = {one.parameter: one for one in found.slopes}
    exact = db.gradient("wet", {"C9_bsmumu": 0.0, "C10p_bsmumu": 0.0}, [label])[label]
    assert found.value < 0.0
    for name in exact:
        assert slopes[name].derivative == pytest.approx(float(np.real(exact[name])), rel=1e-9)


def test_a_closed_channel_is_zero_and_certain():
    found = explain("BR(B+->KZp)", "lmu_ltau_s1", {**POINT, "m_zp": 5.5}).numbers
    assert (found.value, found.error, found.slopes, found.inputs, found.budget) == (0.0, 0.0, [], [], {})


def test_what_is_not_to_be_trusted_says_so(leptonic):
    assert leptonic.warnings == ()
    told = run("P5p(B0->K*mumu)[8]").stdout
    assert "\nq² between 6 and 14.18 GeV², next to the charmonia, is not predicted reliably\n" in told


def test_a_number_without_a_value_has_a_reason(monkeypatch, leptonic):
    """The status of the computation ends in words; there is no error, slope or input of what is not there."""
    monkeypatch.setattr(
        explain_module, "_jacobian", lambda *args: (complex("nan"), Status.NEVER_IN_EQUILIBRIUM, {}, {})
    )
    found = explain("BR(Bs->mumu)").numbers
    assert found.warnings == (Status.NEVER_IN_EQUILIBRIUM.words,)
    assert math.isnan(found.value) and math.isnan(found.error) and not (found.slopes or found.inputs or found.budget)
    told = run("BR(Bs->mumu)").stdout
    assert told.endswith(f"no value: {Status.NEVER_IN_EQUILIBRIUM.words}\n")
    numbers = json.loads(run("BR(Bs->mumu)", "wet", "--json").stdout)["numbers"]
    assert numbers["value"] is None and numbers["warnings"] == [Status.NEVER_IN_EQUILIBRIUM.words]


def test_other_points_and_arguments_compile_nothing(coefficient):
    """The fixture compiled it."""
    before = explain_module._compiled.cache_info().misses
    other = explain("C9p(bsmumu)[5]", "lmu_ltau_s1", {**POINT, "g": 0.001, "r_s": 0.5}).numbers
    assert explain_module._compiled.cache_info().misses == before
    (program,) = {explain_module._compiled(lay_out(parse(LmuLtauS1(), ["C9p(bsmumu)[4]"]))[0])}
    assert program._cache_size() == 1
    expected = db.predict("lmu_ltau_s1", {**POINT, "g": 0.001, "r_s": 0.5}, ["C9p(bsmumu)[5]"])["C9p(bsmumu)[5]"]
    assert other.value == pytest.approx(expected, rel=1e-12)


def test_without_a_point_there_are_no_numbers():
    found = explain("Omega_h2")
    assert found.numbers is None and found.model == "lmu_ltau_s1"
    assert any("1.07·10⁹" in text for _, text in found.formulas)


def test_limits_are_quoted():
    assert ("Omits", "Γ₁₂ in the phase of mixing (3·10⁻⁴)") in explain("BR(Bs->mumu)").left_out


def test_every_observable_has_words():
    """A formula, or where there is none an input or a table that the listing names; most have one."""
    without = [one.name for one in REGISTRY if not formulas(one)]
    assert len(without) < 0.05 * len(REGISTRY), without
    for one in REGISTRY:
        assert all(label in ("Omits", "Accuracy") and words for label, words in left_out(one))


# -- command ------------------------------------------------------------------------------------------------------------------------------


def run(*args: str):
    return CliRunner().invoke(cli.app, ["explain", *args])


def test_command(leptonic):
    told = run("BR(Bs->mumu)").stdout
    assert told.startswith("BR(Bs->mumu): time-integrated branching fraction")
    assert "references: arXiv:1204.1737" in told
    assert f"{leptonic.value:.8g} ± {leptonic.error:.3g} (from inputs)" in told
    assert "decay_constant.f_Bs" in told and "0.0013" in told
    assert told.splitlines()[-1].split()[:1] == ["together"]
    assert "numbers need a point" in run("Omega_h2").stdout


def test_command_json(leptonic, coefficient):
    told = json.loads(run("BR(Bs->mumu)", "wet", "--json").stdout)
    assert told["numbers"]["error"] == leptonic.error
    assert told["formulas"][0][0] == "flavour.bs_to_ll.br_bs_ll"
    args = [f"{name}={value}" for name, value in POINT.items()]
    told = json.loads(run("C9p(bsmumu)[6]", "lmu_ltau_s1", *args, "--json").stdout)
    assert complex(*told["numbers"]["value"].values()) == pytest.approx(coefficient.value)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["Omega_h3"], ["unknown observable 'Omega_h3'"]),
        (["Omega_h2", "wet"], ["has no dark matter"]),
        (["Omega_h2", "no_model"], ["no_model"]),
        (["Omega_h2", "lmu_ltau_s1"], ["point.y", "point.g", "point.m_zp", "point.m_dm"]),
        (["Omega_h2", "lmu_ltau_s1", "y=1", "mass=2", "foo"], ["point.mass", "point.foo", "point.g"]),
        (["<P5p>(B0->K*mumu)[4,12]"], ["vetoed"]),
    ],
)
def test_bad_input(args, told):
    result = run(*args)
    assert result.exit_code == 2
    assert all(text in result.stderr for text in told)


def test_bad_input_in_python():
    with pytest.raises(InputError, match="unknown observable"):
        explain("nothing")


def test_every_group_of_inputs_has_a_family():
    assert {path.split(".", 1)[0] for path in parameter_records()} <= set(explain_module.FAMILIES)
