"""Scans: what is in the files, resume, and the same bytes for any number of devices and processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference import scan as scan_module
from darkbeauty.inference.scan import PART, scan
from darkbeauty.likelihoods import load_fit

pytestmark = pytest.mark.optimised  # as other processes compile, for the same bytes

SOURCES = Path(__file__).resolve().parents[2] / "src"
TOY = """
name = "toy"
model = "wet"
seed = 5
[priors]
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C7_bs = { kind = "normal", mean = 0.0, sigma = 0.05 }
[likelihood]
terms = ["BR(Bs->mumu)", "BR(B->Xsgamma)"]
"""
POINTS = PART + 300
MAIN = "from darkbeauty.cli import main; main()"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scan")
    (folder / "toy.toml").write_text(TOY)
    return folder


@pytest.fixture(scope="module")
def fit(folder):
    return load_fit(folder / "toy.toml")


@pytest.fixture(scope="module")
def table(fit, folder):
    found = scan(fit, POINTS, folder / "one")
    assert (found.points, found.files) == (POINTS, ("part-000000.parquet", "part-000001.parquet"))
    return pq.read_table(folder / "one")


def test_rows_are_what_the_library_says(fit, table):
    lik = fit.likelihood()
    assert table.num_rows == POINTS
    names = ["C10_bsmumu", "C7_bs", "log_likelihood", "log_likelihood(BR(Bs->mumu))", "log_likelihood(BR(B->Xsgamma))"]
    assert table.column_names == [*names, "BR(Bs->mumu)", "BR(B->Xsgamma)", "cause"]
    for i in (0, 17, PART + 5):
        row = {name: table[name][i].as_py() for name in table.column_names}
        point = {name: row[name] for name in fit.parameters}
        expected = db.predict("wet", point, ["BR(Bs->mumu)", "BR(B->Xsgamma)"])
        assert all(row[name] == pytest.approx(value, rel=1e-10) for name, value in expected.items())
        logs = [
            stats.norm.logpdf(value, lik.values[k], np.sqrt(lik.covariance[k, k]))
            for k, value in enumerate(expected.values())
        ]
        assert row["log_likelihood(BR(Bs->mumu))"] == pytest.approx(logs[0], rel=1e-9)
        assert row["log_likelihood"] == pytest.approx(sum(logs), rel=1e-9)
        assert row["cause"] == ""


def test_points_fill_the_prior(table):
    c10, c7 = (np.asarray(table[name]) for name in ("C10_bsmumu", "C7_bs"))
    assert stats.kstest(c10, stats.uniform(-2.0, 4.0).cdf).statistic < 0.005
    assert stats.kstest(c7, stats.norm(0.0, 0.05).cdf).statistic < 0.005


def test_a_point_without_prediction_has_no_likelihood(fit):
    lik = fit.likelihood()
    found = lik.by_term(np.array([lik.values, [np.nan, lik.values[1]]]))
    assert np.isfinite(found["BR(Bs->mumu)"][0]) and found["BR(Bs->mumu)"][1] == -np.inf
    assert found["BR(B->Xsgamma)"][0] == found["BR(B->Xsgamma)"][1]


def test_a_longer_scan_goes_on_and_a_different_one_is_refused(fit, folder, table, monkeypatch):
    out = folder / "grown"
    scan(fit, 100, out)
    with pytest.raises(InputError, match="holds 1 parts of a scan"):
        scan(fit, 100, out)
    with pytest.raises(InputError, match="--resume: seed: 5 in the run to be resumed, 6 now"):
        scan(fit, 100, out, seed=6, resume=True)
    scan(fit, POINTS, out, resume=True)
    assert pq.read_table(out).equals(table)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    scan(fit, POINTS, out, resume=True)
    assert before["part-000000.parquet"] == (out / "part-000000.parquet").stat().st_mtime_ns
    monkeypatch.setattr(scan_module, "write_atomically", full)
    with pytest.raises(InputError, match="No space left on device; --resume"):
        scan(fit, 2 * PART, out, resume=True)


def full(*_):
    raise OSError(28, "No space left on device")


def start(folder, out, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    command = [sys.executable, "-c", MAIN, "scan", "toy.toml", "-n", str(POINTS), "--out", out, "--json"]
    env |= {"PYTHONPATH": str(SOURCES), **variables}
    return subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def content(folder):
    return [path.read_bytes() for path in sorted(folder.glob("*.parquet"))]


@pytest.mark.slow
def test_four_devices_write_the_same_bytes(folder, table):
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"
    process = start(folder, "four", XLA_FLAGS=flags)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    assert json.loads(output)["points"] == POINTS
    assert content(folder / "four") == content(folder / "one")


@pytest.mark.slow
def test_two_processes_write_the_same_bytes(folder, table):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    run = {"COORDINATOR_ADDRESS": address, "NUM_PROCESSES": "2"}
    both = [start(folder, "two", PROCESS_ID=str(number), **run) for number in range(2)]
    (output, errors), (silent, more) = (process.communicate() for process in both)
    assert [process.returncode for process in both] == [0, 0], errors + more
    assert json.loads(output)["points"] == POINTS
    assert silent == ""
    assert content(folder / "two") == content(folder / "one")
