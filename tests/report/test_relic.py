"""The relic-density picture: the funnel is resolved, shares add up, bad ranges are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.report import relic
from darkbeauty.report.relic import draw, measured, over_ranges

POINT = {"y": 0.2, "g": 0.002, "m_zp": 4.0}


@pytest.fixture(scope="module")
def line():
    return over_ranges("lmu_ltau_s1", POINT, {"m_dm": (1.5, 2.3)})


def test_line_is_the_observable(line):
    for i in (0, len(line.values) // 2, len(line.values) - 1):
        expected = db.predict("lmu_ltau_s1", {**POINT, "m_dm": float(line.values[i])}, ["Omega_h2", "BR(NN->mumu)"])
        assert line.omega_h2[i] == pytest.approx(expected["Omega_h2"], rel=1e-9)
        assert line.fractions["mumu"][i] == pytest.approx(expected["BR(NN->mumu)"], rel=1e-9)
    np.testing.assert_allclose(sum(line.fractions.values()), 1.0, rtol=1e-12)


def test_funnel_is_resolved(line):
    """Points gather at the resonance m_zp = 2 m_dm, where Ωh² changes by four orders of magnitude within one part in a thousand."""
    assert np.all(np.diff(line.values) > 0.0)
    steps = np.abs(np.diff(np.log(line.omega_h2)))
    assert np.max(steps) < 0.7
    assert np.min(np.diff(line.values)) < 1e-4


def test_plane_follows_the_funnel(tmp_path, monkeypatch):
    """Values are the observable's; every row has its points where Ωh² falls through the measured one on both sides of m_zp = 2 m_dm."""
    monkeypatch.setattr(relic, "ROWS", 8)
    monkeypatch.setattr(relic, "COLUMNS", 48)
    plane = over_ranges("lmu_ltau_s1", {"y": 0.2, "g": 0.002}, {"m_dm": (1.0, 2.4), "m_zp": (2.5, 4.5)})
    x, y = plane.values
    assert x.shape == plane.omega_h2.shape == (8, 48) and y.shape == (8,)
    assert np.all(np.diff(x, axis=1) > 0.0) and np.all(x[:, 0] == 1.0) and np.all(x[:, -1] == 2.4)
    for i, j in ((0, 0), (3, 20), (7, 47)):
        expected = db.predict("lmu_ltau_s1", {"y": 0.2, "g": 0.002, "m_dm": x[i, j], "m_zp": y[i]}, ["Omega_h2"])
        assert plane.omega_h2[i, j] == pytest.approx(expected["Omega_h2"], rel=1e-9)
    crosses = np.diff(np.sign(plane.omega_h2 - 0.12), axis=1) != 0.0
    assert np.all(crosses.sum(axis=1) == 2)
    far = [np.diff(x[i])[np.nonzero(crosses[i])[0][1]] for i in range(8)]
    assert max(far) < 0.004  # a grid of 48 has steps of 0.03
    assert draw(plane, tmp_path / "plane.png", "title").stat().st_size > 10_000


def test_measured_band():
    value, error = measured()
    assert value == pytest.approx(0.12, rel=0.02) and error == pytest.approx(0.012, rel=0.05)


def test_command(tmp_path, line):
    picture = tmp_path / "relic.png"
    args = [f"{name}={value}" for name, value in POINT.items()]
    result = CliRunner().invoke(
        cli.app, ["relic", "lmu_ltau_s1", *args, "m_dm=1.5:2.3", "--out", str(picture), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 10_000
    assert json.loads(result.stdout)["values"] == list(line.values)
    assert draw(line, tmp_path / "relic.pdf", "title").exists()


@pytest.mark.parametrize(
    ("model", "args", "told"),
    [
        ("wet", ["C9_bsmumu=0:1"], "has no dark matter"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.002", "m_zp=4", "m_dm=1"], "0 ranges given"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.002", "m_zp=4", "m_dm=2:1"], "not increasing"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.002", "m_zp=4", "m_dm=1:600"], "not lighter than m_heavy"),
    ],
)
def test_bad_ranges(model, args, told):
    result = CliRunner().invoke(cli.app, ["relic", model, *args])
    assert result.exit_code == 2 and told in result.stderr


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("relic.xyz", "does not end like a picture"),
        ("relic", "does not end like a picture"),
        ("file/relic.png", "is a file, not a folder"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_at_once(tmp_path, out, told):
    (tmp_path / "file").write_text("")
    args = ["relic", "lmu_ltau_s1", "y=0.2", "g=0.002", "m_zp=-4", "m_dm=1:2", "--out", str(tmp_path / out)]
    result = CliRunner().invoke(cli.app, args)
    assert result.exit_code == 2 and "2 problems" in result.stderr
    assert told in result.stderr and "point.m_zp" in result.stderr


def test_folders_of_a_picture_are_made(tmp_path, line):
    assert draw(line, tmp_path / "new" / "relic.svg", "title").exists()
