"""A workspace that a user brings: from Python and from a fit file, the same likelihood as the packaged one; refused with its place where it is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.likelihoods.fit_file import parse_fit

EXAMPLE = Path(__file__).parents[2] / "examples" / "belle2_knunu"
OWN = {
    "name": "mine",
    "workspace": str(EXAMPLE / "workspace.json"),
    "densities": str(EXAMPLE / "densities.csv"),
    "signal": ["signal", "sgn_1_had"],
    "spectrum": "B+->Knunu",
    "dataset": ["Belle II B+->Knunu"],
}
FIT = {"model": "wet", "priors": {"CR_bsnumunumu": db.Uniform(-20, 20)}}


@pytest.fixture(scope="module")
def fit():
    return db.Fit(**FIT, terms=["BR(Bs->mumu)"], histfactory=[OWN])


def test_a_fit_brings_a_term(fit):
    """Beside named ones and after them; its text gives it again, and what it is, is its numbers."""
    assert fit.terms == ("BR(Bs->mumu)", "mine")
    again = parse_fit(fit.text, "again.toml")
    assert again.terms == fit.terms and again.content() == fit.content()
    assert len(fit.content()["term mine (sha256)"]) == 64
    alone = db.Fit(**FIT, histfactory=[OWN])
    assert alone.terms == ("mine",)


def test_it_is_the_packaged_likelihood(fit):
    own, packaged = fit.likelihood(), db.likelihood("wet", None, terms=["Belle II B+->K+nunu"])
    spectra = np.array([0.5, 4.0])[:, None] * np.linspace(6e-8, 1e-8, 102)
    found, expected = own.parts[1].log_prob_of(spectra), packaged.parts[0 + 1].log_prob_of(spectra)
    np.testing.assert_allclose(found, expected, atol=2e-3)
    assert [row.observable for row in own.report(np.concatenate([[3.5e-9], spectra[0]]))][1] == "BR(B+->Knunu)"


def refused(**changes) -> str:
    with pytest.raises(db.InputError) as caught:
        db.Fit(**FIT, histfactory=[{**OWN, **changes}])
    return str(caught.value)


def test_what_is_wrong_is_named_with_its_place(tmp_path):
    place = "likelihood.histfactory.0"
    assert f"{place}.spectrum: unknown process 'B+->Kll'" in refused(spectrum="B+->Kll")
    missing = refused(workspace=str(tmp_path / "none.json"), spectrum="B+->Kll")
    assert "none.json: cannot be read" in missing and "unknown process" in missing
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    assert "bad.json: malformed JSON" in refused(workspace=str(tmp_path / "bad.json"))
    assert "signal 'sgn': no channel has this sample" in refused(signal=["sgn"])
    assert "already a term 'R_K'" in refused(name="R_K")
    assert f"{place}.signal" in refused(signal=3)
    with pytest.raises(db.InputError, match="two terms 'mine'"):
        db.Fit(**FIT, histfactory=[OWN, OWN])
    with pytest.raises(db.InputError, match="measured from the same data"):
        db.Fit(**FIT, terms=["BR(B+->Knunu)"], histfactory=[OWN])
