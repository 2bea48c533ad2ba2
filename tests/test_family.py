"""A model from a fit file alone: `member` in files, from Python and on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.likelihoods.fit_file import parse_fit

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "family.md").read_text(encoding="utf-8")
FILE = re.search(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)[1]
E_TAU = {"charges": {"e": 1, "tau": -1}, "couples": "e"}
REST = {"priors": {"y": db.Uniform(0.05, 1.0)}, "fixed": {"g": 0.002, "m_zp": 4.0, "m_dm": 1.7}, "terms": ["DeltaM_s"]}


def test_the_fit_file_of_the_docs():
    fit = parse_fit(FILE, "family.md")
    assert fit.parameters == ("y", "g", "m_zp", "m_dm")
    assert (fit.model.member.charges, fit.model.member.light) == ((1.0, 0.0, -1.0), "e")
    assert fit.model.loop_mixing and fit.model.chi == 1e-4 and fit.model.r_d == 0.0


@pytest.mark.parametrize("charges", [{"e": 1, "tau": -1}, {"e": "1/3", "tau": "-1/3"}, {"e": 0.7, "tau": -0.7}])
def test_the_text_gives_the_fit_again(charges):
    """Also of an object, and with switches as TOML writes them."""
    fit = db.Fit(model="u1_leptoquark", member={**E_TAU, "charges": charges}, loop_mixing=True, **REST)
    again = parse_fit(fit.text, "again.toml")
    assert again.content() == fit.content() and again.model.member == fit.model.member
    of_object = db.Fit(model=fit.model, **{**REST, "fixed": {}})
    assert of_object.content() == fit.content() and of_object.text == fit.text


def test_different_members_are_different_fits():
    contents = [
        db.Fit(model="u1_leptoquark", member={**E_TAU, "leptoquark": name}, **REST).content() for name in ("S1", "R2~")
    ]
    assert contents[0] != contents[1]


def test_every_problem_of_a_file_at_once():
    text = FILE.replace("tau = -1", "tau = -2").replace('"S1"', '"R2"').replace("m_dm =", "m_dark =", 1)
    with pytest.raises(db.InputError) as refused:
        parse_fit(text, "bad.toml")
    paths = [problem.path for problem in refused.value.problems]
    assert {path.removeprefix("bad.toml: ") for path in paths} == {
        "member.charges",
        "member.leptoquark",
        "priors.m_dark",
        "priors",
    }
    assert paths.count("bad.toml: member.charges") == 3  # two anomalies, and no N of the opposite charge
    with pytest.raises(db.InputError, match="model 'wet' has no such choice"):
        db.Fit(model="wet", member=E_TAU, priors={"C9_bsmumu": db.Uniform(-1, 1)}, terms=["R_K"])


def run(*arguments: str):
    return CliRunner().invoke(
        cli.app, ["predict", "u1_leptoquark", "y=0.1", "g=0.002", "m_zp=4", "m_dm=1.7", *arguments]
    )


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("charges = { e = 1 }", "anomalous"),
        ("charges = { e = 1", "is not as in a fit file"),
        ("coupled = 'e'", "unknown setting 'coupled'"),
    ],
)
def test_bad_settings_on_the_command_line(member, said):
    result = run("--member", member, "--obs", "DeltaM_s")
    assert result.exit_code == 2 and said in result.output


def test_it_is_listed():
    assert "u1_leptoquark" in db.list_models()
    assert "by settings" in CliRunner().invoke(cli.app, ["list", "models"]).output
