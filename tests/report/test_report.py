"""The report page: made from posterior.nc alone, complete, self-contained, and right about χ², theory errors and citations."""

from __future__ import annotations

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.integrate import trapezoid
from stored_runs import COVARIANCE, SHAPE, VALUES, groups, write
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.inference.checking.diagnostics import bfmi
from darkbeauty.inputs.limits import limit_records
from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.likelihoods import TERMS
from darkbeauty.observables import REGISTRY
from darkbeauty.report import spectra
from darkbeauty.report.bibliography import bibtex, entries
from darkbeauty.report.result import read_result


class Page(HTMLParser):
    """Tags left open, addresses that a browser would fetch, pictures, and text."""

    VOID = frozenset({"meta", "img", "link", "br"})

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.pictures: list[bytes] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "src" and value and value.startswith("data:image/png;base64,"):
                self.pictures.append(base64.b64decode(value.split(",", 1)[1]))
            elif name in ("src", "srcset", "data") or (tag == "link" and name == "href" and value != "data:,"):
                self.fetched.append(f"{tag} {value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    made = write(folder, ["ESS(C9_bsmumu) = 60 < 400"])
    printed = CliRunner().invoke(cli.app, ["report", str(folder)])
    assert printed.exit_code == 0, printed.output
    return folder, made, printed.stdout, Page((folder / "report.html").read_text(encoding="utf-8"))


def test_verdict_comes_first(run, tmp_path):
    _, _, printed, page = run
    assert page.text.strip().splitlines()[0] == "NOT converged: ESS(C9_bsmumu) = 60 < 400"
    assert printed.startswith("two_terms: NOT converged: ESS(C9_bsmumu) = 60 < 400")
    write(tmp_path, [])
    assert read_result(tmp_path).headline == "converged"


def test_page_is_whole_and_needs_no_network(run):
    _, _, _, page = run
    assert page.open == [] and page.fetched == []
    assert "a test with <angles> & ampersands" in page.text
    assert all(one.startswith(b"\x89PNG") for one in page.pictures)


def test_figures_are_files_too(run):
    folder, _, printed, page = run
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names == {path.stem for path in (folder / "figures").glob("*.pdf")}
    assert names == {path.stem for path in (folder / "figures").glob("*.csv")}
    assert {"corner", "pulls", "predictions", "chains", "energy"} == names
    assert sorted((folder / "figures" / f"{name}.png").read_bytes() for name in names) == sorted(page.pictures)
    assert all(f"figures/{name}.png" in printed for name in names)


@pytest.mark.parametrize(
    "told",
    [
        "C9_bsmumu",
        "uniform, -2 to 2",
        "normal, 0 ± 0.5",
        "0123abcd",
        "darkbeauty==0.1.0 jax==0.10.2",
        "darkbeauty fit two_terms.toml --seed 5 --chains 2 --draws 30",
        'terms = ["R_K", "BR(Bs->mumu)"]',
        "eprint = {2212.09152}",
        "eprint = {1204.1737}",
    ],
)
def test_page_tells(run, told):
    assert told in run[3].text


def test_chi2_has_the_correlations(run):
    folder, made, _, page = run
    result = read_result(folder)
    table = made["posterior_predictive"]["prediction"].values.reshape(-1, 3)
    by_hand = [(row - VALUES) @ np.linalg.solve(COVARIANCE, row - VALUES) for row in table]
    best = int(np.argmin(by_hand))
    assert result.best == np.unravel_index(best, SHAPE)
    assert sum(term.chi2 for term in result.terms()) == pytest.approx(by_hand[best], rel=1e-9)
    assert [term.name for term in result.terms()] == ["R_K", "BR(Bs->mumu)"]
    assert f"χ² = {by_hand[best]:.1f} at the best draw" in page.text


def test_theory_errors_are_what_the_experiment_lacks(run):
    np.testing.assert_allclose(read_result(run[0]).theory, [1e-2, 1e-2, 1e-10], rtol=1e-6)


def test_energy_fraction():
    """White noise changes by √2 of its width from draw to draw; a random walk hardly changes."""
    noise = np.random.default_rng(1).normal(size=(2, 4000))
    np.testing.assert_allclose(bfmi(noise), 2.0, rtol=0.1)
    assert np.all(bfmi(np.cumsum(noise, axis=1)) < 0.05)


@pytest.mark.parametrize("content", [None, b"no netCDF"])
def test_a_folder_without_a_run_is_refused(tmp_path, content):
    if content:
        (tmp_path / "posterior.nc").write_bytes(content)
    result = CliRunner().invoke(cli.app, ["report", str(tmp_path)])
    assert result.exit_code == 2 and "error: 1 problem" in result.stderr


def test_unfinished_run_is_refused(tmp_path):
    for i, (name, data) in enumerate(groups([]).items()):
        data = data.drop_vars("prediction", errors="ignore")
        data.to_netcdf(tmp_path / "posterior.nc", mode="a" if i else "w", group=name, engine="h5netcdf")
    with pytest.raises(InputError, match="unfinished"):
        read_result(tmp_path)


def test_json(run, monkeypatch):
    monkeypatch.setattr(Figure, "savefig", lambda self, *args, **kwargs: None)
    monkeypatch.setattr(Path, "write_bytes", lambda self, data: len(data))
    result = CliRunner().invoke(cli.app, ["report", str(run[0]), "--json"])
    told = json.loads(result.stdout)
    assert told["converged"] is False and told["missed"] == ["ESS(C9_bsmumu) = 60 < 400"]
    assert told["files"][0].endswith("report.html")


# -- spectra ------------------------------------------------------------------------------------------------------------------------------


def test_spectrum_integrates_to_the_branching_fraction():
    q2 = np.linspace(-3.0, 27.0, 241)
    curve = spectra.standard_model(q2, "B+->K")
    expected = db.predict("wet", {}, ["BR(B+->Knunu)"])["BR(B+->Knunu)"]
    assert trapezoid(curve, q2) == pytest.approx(expected, rel=1e-4)


# -- citations ----------------------------------------------------------------------------------------------------------------------------


def test_every_reference_has_an_entry():
    used = {reference for one in REGISTRY for reference in one.references}
    used |= {reference for block in load_measurements().values() for reference in block.references}
    used |= {reference for record in limit_records().values() for reference in record["references"]}
    used |= {reference for term in TERMS.values() for reference in term.references}
    assert sorted(used - set(entries())) == []


def test_entries_are_bibtex():
    """Balanced braces, one key each, an eprint that is the arXiv number of its name, and the year that number says."""
    keys = []
    for name, entry in entries().items():
        assert entry.count("{") == entry.count("}"), name
        keys.append(re.match(r"@(?:article|misc)\{([^,\s]+),\n", entry)[1])
        if match := re.search(r"eprint = \{(.*)\}", entry):
            number, year = match[1], re.search(r"year = \{(\d+)\}", entry)[1]
            assert name in (f"arXiv:{number}", number, keys[-1])
            assert year[2:] == re.search(r"(?:^|/)(\d\d)", number)[1]
    assert len(set(keys)) == len(set(entries().values()))


def test_unknown_reference_is_said():
    assert bibtex(["arXiv:1810.08132", "nobody:1999"]).endswith("% nobody:1999: no entry")
