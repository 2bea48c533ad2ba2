"""Tables for jelli: polynomials and covariances give our predictions and our likelihood again, by arithmetic that knows nothing of them; by jelli where it is installed."""

from __future__ import annotations

import ast
import json

import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.report.popxf import labels_of, make, write_popxf

FIT = """
name = "small"
model = "wet"
priors = { C9_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 } }
likelihood = { terms = ["BR(Bs->mumu)", "R_K"] }
"""
OWN = """[], own = [
    { name = "ratio", observable = "BR(Bs->mumu)/BR(Bs->ee)", value = 4e4, error = 1e3, theory = 0.0 },
] }"""
NAMES = ("C7_bs", "C9_bsmumu", "C9p_bsmumu", "C10_bsmumu", "C10p_bsmumu", "C9_bsee", "C10p_bsee")
RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    (path / "small.toml").write_text(FIT)
    for format in ("popxf", "pdfxf"):
        result = CliRunner().invoke(cli.app, ["export", str(path / "small.toml"), "--to", format, "--out", str(path)])
        assert result.exit_code == 0, result.output
    return path


@pytest.fixture(scope="module")
def lik():
    return db.likelihood("wet", terms=["BR(Bs->mumu)", "R_K"])


def random_point() -> dict[str, complex]:
    return {name: complex(*RANDOM.normal(size=2)) * (0.05 if name == "C7_bs" else 0.7) for name in NAMES}


def predictions(table: dict, point: dict[str, complex]) -> dict[str, float]:
    """POPxf as its definition has it: monomials of real and imaginary parts, polynomials, expressions."""
    part = lambda name, kind: (
        1.0 if name == "" else getattr(complex(point.get(name, 0.0)), {"R": "real", "I": "imag"}[kind])
    )
    meta, polynomials = table["metadata"], np.zeros(len(table["metadata"]["polynomial_names"]))
    for key, row in table["data"]["polynomial_central"].items():
        first, second, kinds = ast.literal_eval(key)
        polynomials += part(first, kinds[0]) * part(second, kinds[1]) * np.array(row)
    values = dict(zip(meta["polynomial_names"], polynomials))
    written = [
        eval(e["expression"], {"sqrt": np.sqrt}, {name: values[of] for name, of in e["terms"].items()})
        for e in meta["observable_expressions"]
    ]
    return dict(zip(meta["observable_names"], written))


def log_l(measurements: dict, predicted: dict[str, float]) -> float:
    """PDFxf: normal distributions, without the constants."""
    total = 0.0
    for name, constraints in measurements.items():
        for entry in constraints if name != "$schema" else ():
            center, sigma = (np.atleast_1d(entry[key]) for key in ("central_value", "standard_deviation"))
            pull = (np.array([predicted[label] for label in entry["observables"]]) - center) / sigma
            total -= 0.5 * pull @ np.linalg.solve(np.array(entry.get("correlation", [[1.0]])), pull)
    return total


def test_predictions_and_likelihood_come_back(folder, lik):
    table, measurements = (json.loads((folder / f"small.{kind}.json").read_text()) for kind in ("popxf", "pdfxf"))
    standard = float(lik.log_prob(dict.fromkeys(NAMES, 0.0))) - log_l(measurements, predictions(table, {}))
    for _ in range(10):
        point = random_point()
        ours = np.asarray(lik.predictions(point))
        predicted = predictions(table, point)
        assert list(predicted.values()) == pytest.approx(ours.tolist(), rel=1e-9)
        assert log_l(measurements, predicted) + standard == pytest.approx(float(lik.log_prob(point)), abs=1e-6)


def test_the_head_says_what_it_is(folder):
    table = json.loads((folder / "small.popxf.json").read_text())
    assert table["$schema"].endswith("popxf-1.0.json") and table["metadata"]["scale"] == 4.8
    assert table["metadata"]["basis"]["wcxf"] == {"eft": "WET", "basis": "flavio", "sectors": ["sb", "sbnunu"]}
    assert set(NAMES) <= set(table["metadata"]["parameters"])
    assert table["data"]["observable_central"]["('', '', 'RR')"][0] == pytest.approx(3.6289315e-09, rel=1e-6)


def test_what_is_measured_twice_has_two_names():
    terms = [db.own_term(name, observable="BR(Bs->mumu)", value=3e-9, error=5e-10) for name in ("one", "two")]
    lik = db.likelihood("wet", terms=terms)
    assert labels_of(lik) == ["BR(Bs->mumu)", "BR(Bs->mumu) #2"]
    table = make(lik, ["C10_bsmumu"])
    assert list(table.observables) == labels_of(lik) and len(table.names) == 1


@pytest.mark.slow
def test_jelli_gives_the_same_likelihood(folder, lik):
    """jelli 0.1 (with rgevolve 0.1): Δ log L at ten points."""
    jelli = pytest.importorskip("jelli")
    jelli.GlobalLikelihood.load(str(folder))
    theirs = jelli.GlobalLikelihood(eft="WET", basis="flavio")
    standard = float(lik.log_prob(dict.fromkeys(NAMES, 0.0)))
    for _ in range(10):
        point = random_point()
        delta = theirs.parameter_point(point, 4.8).log_likelihood_dict()["global"]
        assert float(delta) == pytest.approx(float(lik.log_prob(point)) - standard, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('"wet"', '"lmu_ltau_s1"'), "is a fit of 'lmu_ltau_s1'"),
        (('"R_K"', '"limit Belle B+->pinunu"'), "observables.limit(Belle_B+->pinunu): is no expression of polynomials"),
        (('["BR(Bs->mumu)", "R_K"] }', OWN), "observables.BR(Bs->mumu)/BR(Bs->ee): is arithmetic of observables"),
    ],
)
def test_what_cannot_be_written_is_said(change, expected, tmp_path):
    text = FIT.replace(*change)
    if "lmu" in text:
        text = text.replace("C9_bsmumu", "y").replace("-2.0", "0.1").replace("2.0", "1.0")
        text += "fixed = { g = 0.01, m_zp = 4.0, m_dm = 1.0 }\n"
    (tmp_path / "other.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        write_popxf(tmp_path / "other.toml", tmp_path)
    assert expected in str(caught.value)
