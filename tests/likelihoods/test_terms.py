"""A measurement is one block and one reference, its term and presets included; terms from the same data are not used together."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inputs.library import Library, library
from darkbeauty.likelihoods import PRESETS, TERMS
from darkbeauty.likelihoods import build as building
from darkbeauty.likelihoods.build import build, choose_terms
from darkbeauty.likelihoods.term import ordered
from darkbeauty.likelihoods.terms import PresetsOf, Terms, declarations, shared_data
from darkbeauty.models import MODELS, resolve_model
from darkbeauty.report import bibliography

PAGE = Path(__file__).resolve().parents[2] / "docs" / "adding.md"
BLOCK = re.search(r"```toml\n(\[\[measurement\]\].*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)[1]


@pytest.fixture
def data(tmp_path):
    """The package's data and one block more."""
    shutil.copytree(str(library().folder), tmp_path / "data")
    (tmp_path / "data" / "99_new.toml").write_text(BLOCK, encoding="utf-8")
    return Library(tmp_path / "data")


def refused(*arguments, **choice) -> str:
    with pytest.raises(InputError) as caught:
        db.likelihood(*arguments, **choice)
    return str(caught.value)


def test_a_block_is_a_term_of_a_preset(data):
    """σ₂ = √(0.03² + 0.05·0.032) = 0.05; covariance 0.25·0.05²; log L of the data themselves is the normalisation."""
    terms, presets = Terms(lambda: data), PresetsOf(lambda: data)
    assert list(terms) == [*TERMS, "R_K, two bins"]
    assert presets["wet", "new"] == ("R_K, two bins",)
    assert presets["wet", "global"] == (*PRESETS["wet", "global"], "R_K, two bins")
    term = terms["R_K, two bins"]
    np.testing.assert_allclose(term.data().covariance, 0.05**2 * np.array([[1.0, 0.25], [0.25, 1.0]]))
    lik = build(resolve_model("wet"), (term,))
    expected = 0.05**2 * np.array([[1.0, 0.25], [0.25, 1.0]]) + np.diag([0.0096**2, 0.0098**2])
    np.testing.assert_allclose(lik.covariance, expected)
    log_prob = lik.log_prob_of(np.array([0.96, 0.98]))
    np.testing.assert_allclose(log_prob, -np.log(2.0 * np.pi) - 0.5 * np.log(np.linalg.det(expected)))
    assert [one for one in term.data().references if one not in bibliography.entries()] == []


def test_the_new_term_is_refused_beside_the_old_one(data, monkeypatch):
    monkeypatch.setattr(building, "TERMS", Terms(lambda: data))
    _, problems = choose_terms(resolve_model("wet"), None, ["R_K", "R_K, two bins", "R_K*"])
    assert len(problems) == 1
    for words in ("'R_K'", "'R_K, two bins'", "LHCb Run 2 B+->Kee", 'drop = ["R_K"]', 'drop = ["R_K, two bins"]'):
        assert words in str(problems[0])


def test_a_name_stands_for_one_term(data):
    file = data.folder / "99_new.toml"
    file.write_text(BLOCK.replace("R_K, two bins", "R_K"), encoding="utf-8")
    with pytest.raises(InputError, match="term 'R_K' is already in 20_lepton_universality"):
        declarations(Library(data.folder))


def test_every_term_names_its_data():
    for name, term in TERMS.items():
        assert term.dataset and all(term.dataset), name
        assert term.dataset == tuple(dict.fromkeys(term.dataset)), name
        assert [other for other in term.independent_of if other not in TERMS] == [], name


def test_presets_are_of_models_and_use_data_once():
    for (model, preset), names in PRESETS.items():
        assert model in MODELS
        chosen, problems = choose_terms(resolve_model(model), preset, None)
        assert chosen == tuple(term.name for term in ordered(TERMS[name] for name in names)), (model, preset)
        assert problems == [], (model, preset)


def test_only_the_preset_of_the_d_quark_asks_for_it():
    """Mixing of B_d, K and D, K → π and b → d: in global_dsb, in nothing else that is global."""
    of_the_d_quark = {"DeltaM_d", "S_psiK", "eps_K", "limit(DeltaM_K)", "BR(K+->pinunu)", "limit(KOTO_KL->pinunu)"}
    of_the_d_quark |= {f"limit(Belle_{decay}nunu)" for decay in ("B+->pi", "B0->pi", "B+->rho", "B0->rho")}
    for model, more in (("lmu_ltau_s1", set()), ("le_lmu_r2", {"limit(x12_D)"})):
        without, everything = (
            {label for name in PRESETS[model, preset] for label in TERMS[name].observables}
            for preset in ("global_sb", "global_dsb")
        )
        assert everything - without == of_the_d_quark | more and not without & (of_the_d_quark | more)


def test_what_is_declared_independent_shares_data():
    """A declaration that excuses nothing is out of date."""
    for name, term in TERMS.items():
        for other in term.independent_of:
            assert set(term.dataset) & set(TERMS[other].dataset), (name, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BR(B+->Knunu)", "limit Belle II B+->KX(inv)"),  # arXiv:2311.14647 and its reinterpretation 2507.12393
        ("limit LZ SI", "limit LZ SDn"),  # arXiv:2410.17036
        ("limit XENONnT SI", "limit XENONnT light SI"),  # both of SR0 and SR1: arXiv:2502.18005, 2409.17868
        ("limit CDMSlite SDp", "limit CDMSlite SDn"),  # arXiv:1707.01632
        ("limit CRESST-III SDp", "limit CRESST-III SDn"),  # arXiv:2207.07640
    ],
)
def test_the_same_data_twice_are_refused(one, other):
    message = refused("lmu_ltau_s1", None, terms=[one, "DeltaM_s", other])
    assert f"likelihood.terms: {one!r} and {other!r} are measured from the same data" in message
    assert f'drop = ["{one}"] or drop = ["{other}"]' in message and "DeltaM_s" not in message
    assert message in refused("lmu_ltau_s1", None, terms=[one], add=[other])
    assert choose_terms(resolve_model("lmu_ltau_s1"), None, [one, other], drop=[one])[1] == []


def test_the_same_experiment_is_not_the_same_data():
    for one, other in (
        ("limit BaBar B->KX(inv)", "limit BaBar B->K*X(inv)"),
        ("limit XENONnT SI", "limit LZ SI"),
        ("R_K", "R_K*"),
    ):
        assert shared_data([TERMS[one], TERMS[other]], "terms") == []


READ = """
from darkbeauty.inputs.library import library
from darkbeauty.likelihoods import TERMS
assert not [name for kind, name in library()._blocks if kind == "measurement"]
TERMS["R_K"].data()
read = [name for kind, name in library()._blocks if kind == "measurement"]
assert "LHCb RK RK* 2022" in read and not [name for name in read if library().measurement(name).term == ()], read
"""


def test_what_is_not_asked_for_is_not_read():
    """Importing reads no measurement; a term reads those that are terms themselves, not what other terms are joined from."""
    subprocess.run([sys.executable, "-c", READ], check=True)
