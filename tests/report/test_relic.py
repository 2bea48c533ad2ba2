"""The relic-density pictures: the funnel is resolved, every method is its observable, shares add up, bad ranges are refused; the history at a point."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.report import relic, relic_history
from darkbeauty.report.relic import over_ranges
from darkbeauty.report.relic_figures import draw, measured
from darkbeauty.status import Status

POINT = {"y": 0.2, "g": 0.002, "m_zp": 4.0}


@pytest.fixture(scope="module")
def line():
    return over_ranges("lmu_ltau_s1", POINT, {"m_dm": (1.5, 2.3)})


OBSERVABLES = {"freeze_out": "Omega_h2", "boltzmann": "Omega_h2(boltzmann)", "kinetic": "Omega_h2(kinetic)"}


def test_line_is_the_observable(line):
    labels = [*OBSERVABLES.values(), "BR(NN->mumu)"]
    assert list(line.curves) == list(OBSERVABLES) and line.without_value == {}
    for i in (0, len(line.values) // 2, len(line.values) - 1):
        expected = db.predict("lmu_ltau_s1", {**POINT, "m_dm": float(line.values[i])}, labels)
        for method, label in OBSERVABLES.items():
            assert line.curves[method].omega_h2[i] == pytest.approx(expected[label], rel=1e-7)
        assert line.fractions["mumu"][i] == pytest.approx(expected["BR(NN->mumu)"], rel=1e-9)
    np.testing.assert_allclose(sum(line.fractions.values()), 1.0, rtol=1e-12)


def test_band_is_around_the_curve(line):
    """Only kinetic decoupling has a band: wide where annihilation needs fast particles, closed on the other side of the resonance."""
    kinetic = line.curves["kinetic"]
    low, high = kinetic.band.T
    assert np.all(low <= high)
    assert np.mean((low <= 1.01 * kinetic.omega_h2) & (kinetic.omega_h2 <= 1.01 * high)) > 0.95
    apart = np.interp([1.75, 2.25], line.values, np.log(high / low))
    assert apart[0] > 0.3 and apart[1] < 0.1
    assert np.all(np.isnan(line.curves["boltzmann"].band))


def test_funnel_is_resolved(line):
    """Points gather at the resonance m_zp = 2 m_dm, where Ωh² changes by four orders of magnitude within one part in a thousand."""
    assert np.all(np.diff(line.values) > 0.0)
    steps = np.abs(np.diff(np.log(line.curves["freeze_out"].omega_h2)))
    assert np.max(steps) < 0.7
    assert np.min(np.diff(line.values)) < 1e-4


def test_points_without_a_value_are_counted():
    """Dark matter that never was in equilibrium, at the weak end of a range: said, with gaps in the curve."""
    line = over_ranges("lmu_ltau_s1", {**POINT, "m_dm": 0.3, "y": 0.01}, {"g": (1e-7, 1e-3)}, ["freeze_out"])
    missing = int(np.sum(np.isnan(line.curves["freeze_out"].omega_h2)))
    assert 0 < missing < line.values.size
    assert line.without_value == {"freeze_out": {Status.NEVER_IN_EQUILIBRIUM.words: missing}}


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
    told = json.loads(result.stdout)
    assert told["values"] == list(line.values)
    assert told["curves"]["kinetic"]["omega_h2"] == list(line.curves["kinetic"].omega_h2)
    assert draw(line, tmp_path / "relic.pdf", "title").exists()


@pytest.mark.parametrize(
    ("model", "args", "told"),
    [
        ("wet", ["C9_bsmumu=0:1"], "has no dark matter"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.001:0.002", "m_zp=4:5", "m_dm=1:2"], "3 ranges given"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.002", "m_zp=4:5", "m_dm=1:2", "--method", "phase_space"], "one of freeze_out"),
        ("lmu_ltau_s1", ["y=0.2", "g=0.002", "m_zp=4", "m_dm=1:2", "--method", "exact"], "unknown way to compute"),
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


A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}


def test_history_at_a_point(tmp_path):
    """Both yields freeze out, the temperatures part after decoupling, the numbers are the observables'; table and picture."""
    picture, args = tmp_path / "history.png", [f"{name}={value}" for name, value in A_I.items()]
    methods = ["--method", "boltzmann", "--method", "kinetic"]
    result = CliRunner().invoke(cli.app, ["relic", "lmu_ltau_s1", *args, *methods, "--out", str(picture), "--json"])
    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 10_000
    told = json.loads(result.stdout)
    x, kinetic = np.array(told["x"]), {name: np.array(column) for name, column in told["kinetic"].items()}
    assert told["Omega_h2"]["boltzmann"]["omega_h2"] == pytest.approx(0.361411, rel=1e-3)
    assert 2.744e8 * 1.7 * kinetic["y"][-1] == pytest.approx(told["Omega_h2"]["kinetic"]["omega_h2"], rel=5e-3)
    assert np.all(kinetic["temperature"][x < 8.0] > 0.98) and kinetic["temperature"][-1] < 1e-2
    assert np.all(np.diff(np.log(kinetic["exchange"])[x > 15.0]) < 0.0)
    low, high = told["Omega_h2"]["kinetic"]["band"]
    assert low < told["Omega_h2"]["kinetic"]["omega_h2"] < high


@pytest.mark.slow
def test_history_with_the_momentum_distribution(tmp_path):
    """All methods, printed as a table; f(p) has as many particles as the thermal shape beside it."""
    args = [f"{name}={value}" for name, value in A_I.items()]
    result = CliRunner().invoke(cli.app, ["relic", "lmu_ltau_s1", *args, "--out", str(tmp_path / "history.pdf")])
    assert result.exit_code == 0, result.output
    for words in relic_history.WORDS.values():
        assert words in result.stdout
    full = relic_history.at_point("lmu_ltau_s1", A_I).phase_space
    number = lambda f: np.trapezoid(relic_history.MOMENTA**3 * np.asarray(f), np.log(relic_history.MOMENTA), axis=1)
    early = relic_history.X_FULL < 300.0
    np.testing.assert_allclose(number(full.occupation)[early], number(full.thermal)[early], rtol=2e-2)
