"""The draws of a run in other programs: what GetDist, Arrow and NumPy read is what was drawn."""

from __future__ import annotations

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from stored_runs import COVARIANCE, SHAPE, VALUES, write
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.commands.export import FORMATS
from darkbeauty.report.export import WRITERS


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    return folder, write(folder, [])


@pytest.fixture(scope="module", params=["getdist", "parquet", "csv"])
def exported(request, run):
    result = CliRunner().invoke(cli.app, ["export", str(run[0]), "--to", request.param, "--json"])
    assert result.exit_code == 0, result.output
    return request.param, json.loads(result.stdout)["files"], run[1]


def columns(kind: str, files: list[str]) -> dict[str, np.ndarray]:
    """What another program reads."""
    if kind == "getdist":
        getdist = pytest.importorskip("getdist")
        samples = getdist.loadMCSamples(files[0].removesuffix("_1.txt"), settings={"ignore_rows": 0})
        names = samples.getParamNames().list()
        return {**{name: samples.samples[:, i] for i, name in enumerate(names)}, "log_likelihood": -samples.loglikes}
    if kind == "parquet":
        table = pq.read_table(files[0])
        return {name: table[name].to_numpy() for name in table.column_names}
    with open(files[0], newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def test_the_draws_are_there(exported):
    kind, files, made = exported
    read = columns(kind, files)
    for name in ("C9_bsmumu", "C10_bsmumu"):
        np.testing.assert_allclose(read[name], made["posterior"][name].values.ravel(), rtol=1e-9)
    predictions = made["posterior_predictive"]["prediction"].values.reshape(-1, 3)
    for label, column in zip(made["observed_data"]["observable"].values, predictions.T):
        np.testing.assert_allclose(read[str(label)], column, rtol=1e-9)


def test_likelihood_is_half_of_chi2(exported):
    kind, files, made = exported
    pulls = made["posterior_predictive"]["prediction"].values.reshape(-1, 3) - VALUES
    expected = -0.5 * np.einsum("ni,ij,nj->n", pulls, np.linalg.inv(COVARIANCE), pulls)
    np.testing.assert_allclose(columns(kind, files)["log_likelihood"], expected, rtol=1e-6)


def test_getdist_knows_symbols_and_ends_of_priors(run, tmp_path):
    getdist = pytest.importorskip("getdist")
    result = CliRunner().invoke(cli.app, ["export", str(run[0]), "--to", "getdist", "--out", str(tmp_path)])
    assert result.exit_code == 0 and str(tmp_path / "two_terms.paramnames") in result.stdout
    samples = getdist.loadMCSamples(str(tmp_path / "two_terms"), settings={"ignore_rows": 0})
    assert samples.parLabel("C9_bsmumu") == r"C_{9}^{bs\mu \mu}"
    assert samples.ranges.getLower("C9_bsmumu") == -2.0 and samples.ranges.getUpper("C10_bsmumu") == 4.5  # 9σ
    assert samples.getParamNames().parWithName("BR(Bs->mumu)").isDerived
    assert len(samples.getSeparateChains()) == SHAPE[0]


def test_parquet_tells_tex_and_units(run, tmp_path):
    CliRunner().invoke(cli.app, ["export", str(run[0]), "--to", "parquet", "--out", str(tmp_path)])
    schema = pq.read_schema(tmp_path / "two_terms.parquet")
    assert schema.field("BR(Bs->mumu)").metadata[b"tex"] == rb"B(B_s\to \mu^{+}\mu^{-})"
    assert schema.metadata[b"fit_name"] == b"two_terms" and schema.names[:2] == ["chain", "draw"]


def test_bad_input(tmp_path):
    result = CliRunner().invoke(cli.app, ["export", str(tmp_path), "--to", "excel"])
    assert result.exit_code == 2 and "unknown format 'excel'" in result.stderr and "getdist" in result.stderr
    result = CliRunner().invoke(cli.app, ["export", str(tmp_path), "--to", "csv"])
    assert result.exit_code == 2 and "holds no posterior.nc" in result.stderr


def test_every_writer_has_its_name():
    assert set(WRITERS) <= set(FORMATS)
