"""Commands on points of effective theories: what a WCxf file says, and what is said of one that is none."""

from __future__ import annotations

import json
import warnings

import pytest
import yaml

import darkbeauty as db
from darkbeauty.report.wcxf import read_wcxf
from test_cli import problems, run, run_json

POINT = {"C9_bsmumu": -0.8, "C10_bsmumu": 0.3}
FIT = """
name = "small"
model = "wet"
priors = { C10_bsmumu = { kind = "uniform", lower = -2, upper = 2 } }
likelihood = { terms = ["BR(Bs->mumu)"] }
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "point.yaml"
    path.write_text(yaml.safe_dump({"eft": "WET", "basis": "flavio", "scale": 4.8, "values": POINT}, sort_keys=False))
    return path


@pytest.fixture
def fit_file(tmp_path):
    (tmp_path / "small.toml").write_text(FIT)
    return tmp_path / "small.toml"


def test_wcxf_prints_coefficients_and_writes_them(file, tmp_path):
    result = run("wcxf", str(file), "--to", str(tmp_path / "again.json"))
    assert result.exit_code == 0, result.output
    assert [line.split() for line in result.stdout.splitlines()[1:3]] == [[n, str(v)] for n, v in POINT.items()]
    assert json.loads((tmp_path / "again.json").read_text())["values"] == POINT
    assert read_wcxf(tmp_path / "again.json") == POINT


def test_wcxf_predicts_and_judges_as_the_library_does(file, fit_file):
    label = "BR(Bs->mumu)"
    result = run_json("wcxf", str(file), "--observable", label, "C9(bsmumu)[4]", "--fit", str(fit_file))
    assert result["coefficients"] == POINT
    assert result["predictions"][label] == pytest.approx(db.predict("wet", POINT, [label])[label], rel=1e-12)
    assert result["predictions"]["C9(bsmumu)[4]"] == {"re": -0.8, "im": 0.0}
    lik = db.likelihood("wet", terms=[label])
    log_l, log_l_sm = float(lik.log_prob(POINT)), float(lik.log_prob({}))
    verdict = result["likelihood"]
    assert verdict["log_likelihood"] == pytest.approx(log_l, rel=1e-12)
    assert verdict["delta_chi2"] == pytest.approx(2.0 * (log_l - log_l_sm), rel=1e-9)
    (pull,) = verdict["pulls"]
    assert pull["pull"] == pytest.approx(lik.explain(POINT)[0].pull, rel=1e-12)


def test_every_problem_of_wcxf_is_told_at_once(file, fit_file, tmp_path):
    file.write_text("eft: WET\nbasis: flavio\nscale: 4.8\nvalues: {C9_bsmumu: x}")
    lines = problems("wcxf", str(file), "--obs", "C9", "--fit", str(tmp_path / "none.toml"))
    assert lines[0] == "error: 3 problems with the input"
    assert "values.C9_bsmumu: 'x' is not a finite number" in lines[1]
    other = (
        FIT.replace('"wet"', '"lmu_ltau_s1"').replace("C10_bsmumu", "y").replace("-2", "0.1")
        + "\n[fixed]\ng = 0.01\nm_zp = 4\nm_dm = 1"
    )
    fit_file.write_text(other)
    file.write_text("{eft: WET, basis: flavio, scale: 4.8, values: {C9_bsmumu: 1}}".replace("{", "{ "))
    assert any("malformed JSON" in line for line in problems("wcxf", str(file)))
    file.write_text(json.dumps({"eft": "WET", "basis": "flavio", "scale": 4.8, "values": POINT}))
    assert any("is a fit of 'lmu_ltau_s1'" in line for line in problems("wcxf", str(file), "--fit", str(fit_file)))
    both = problems("wcxf", str(file), "--fit", str(fit_file), "--preset", "global")
    assert any("one of --fit and --preset" in line for line in both)
    assert any("unknown preset 'all'" in line for line in problems("wcxf", str(file), "--preset", "all"))


def test_smeft_has_the_coefficients_that_are_given():
    with warnings.catch_warnings():  # an extension module of it crashes where warnings are errors
        warnings.simplefilter("ignore")
        pytest.importorskip("wilson")
    result = run_json("predict", "smeft", "lq1_2223=1e-9", "--scale", "2000", "--obs", "C9(bsmumu)[4.8]")
    assert result["C9(bsmumu)[4.8]"]["re"] == pytest.approx(-0.567, rel=0.02)
    slopes = run_json("gradient", "smeft", "lq1_2223=1e-9", "--obs", "BR(Bs->mumu)")
    assert slopes["BR(Bs->mumu)"]["lq1_2223"] < 0.0
    lines = problems("predict", "smeft", "lq1_2223=1e-9", "lq9_1=1", "--scale", "10", "--obs", "BR(Bs->mumu)")
    assert [line.split(":")[0] for line in lines[1:]][::2] == ["scale", "coefficients.lq9_1"]
    assert any(
        "model 'wet' has no such choice" in line
        for line in problems("predict", "wet", "--scale", "9", "--obs", "BR(Bs->mumu)")
    )
