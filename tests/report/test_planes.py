"""Planes as physicists draw them: regions of a profile likelihood at the right heights, a posterior beside them, lines of experiments where these are."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from stored_runs import FIT, write
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.inference.fitting.profile import Profile
from darkbeauty.inference.reading import parse_fit
from darkbeauty.models import resolve_model
from darkbeauty.report.inference_figures import check_posterior, plane, words_of_plane
from darkbeauty.report.limit_lines import draw_lines, has_lines, levels
from darkbeauty.report.pictures import numbers
from darkbeauty.report.result import read_result

NAMES = ("C9_bsmumu", "C10_bsmumu")
SIGMA = np.array([0.5, 0.2])


@pytest.fixture(scope="module")
def fit():
    return parse_fit(FIT, "two_terms.toml")


@pytest.fixture(scope="module")
def profile():
    """A parabola with the errors SIGMA."""
    x, y = np.linspace(-2.0, 2.0, 161), np.linspace(-1.0, 1.0, 161)
    delta = (x[:, None] / SIGMA[0]) ** 2 + (y[None] / SIGMA[1]) ** 2
    return Profile(NAMES, (x, y), delta, {"C9p_bsmumu": delta}, dict.fromkeys(NAMES, 0.0), -1.0, ())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write(folder, [])
    return folder


def rows_of(figure: Figure, series: str) -> list[tuple[float, float, str]]:
    rows = csv.DictReader(io.StringIO(numbers(figure)))
    return [(float(row["x"]), float(row["y"]), row["z"]) for row in rows if row["series"] == series]


def test_regions_are_at_the_heights_of_two_parameters(fit, profile, run):
    """Δχ² = −2 ln(1 − p): 2.30 and 5.99."""
    figure = plane(fit, profile, read_result(run))
    points = rows_of(figure, "profile likelihood")
    assert {z for *_, z in points} == {"2.3", "5.99"}
    for x, y, z in points:
        height = (x / SIGMA[0]) ** 2 + (y / SIGMA[1]) ** 2
        assert height == pytest.approx(float(z), rel=0.02)
    assert figure.axes[0].get_xlabel() == r"$C_{9}^{bs\mu \mu}$"
    assert any("few draws" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


def test_the_caption_says_what_is_profiled(fit, profile):
    words = words_of_plane(fit, profile)
    assert "2.3, 5.99" in words and "profiled: $C_{9'}^{bs\\mu \\mu}$" in words and "2 terms" in words


def test_a_posterior_of_something_else_is_refused(fit, run, tmp_path):
    result = read_result(run)
    assert check_posterior(fit, NAMES, result) == []
    (problem,) = check_posterior(parse_fit(FIT.replace(', "BR(Bs->mumu)"', ""), "other"), NAMES, result)
    assert "other likelihood terms" in problem.message
    (problem,) = check_posterior(fit, ("C9_bsmumu", "C9_bsee"), result)
    assert "C9_bsee" in problem.message
    file = tmp_path / "two_terms.toml"
    file.write_text(FIT)
    args = ["profile", str(file), "--param", "C9_bsmumu", "--posterior", str(tmp_path)]
    refused = CliRunner().invoke(cli.app, args)
    assert refused.exit_code == 2 and "holds no posterior.nc" in refused.stderr


def test_where_there_are_lines():
    assert has_lines(resolve_model("lmu_ltau_s1"), ("m_zp", "g")) and has_lines(
        resolve_model("le_lmu_r2"), ("m_zp", "g")
    )
    assert not has_lines(resolve_model("lmu_ltau_s1"), ("m_dm", "y")) and not has_lines(
        resolve_model("wet"), ("m_zp", "g")
    )
    assert {"CCFR", "BaBar 4mu", "Belle II invisible 2019", "DUNE (projection)"} <= set(levels())


def test_a_line_is_where_its_observable_has_its_level():
    figure = Figure()
    draw_lines(figure.subplots(), resolve_model("lmu_ltau_s1"), {"y": 0.1, "m_dm": 1.9}, (1.0, 6.0), (1e-4, 1e-1))
    observable, level = levels()["CCFR"]
    points = rows_of(figure, "CCFR")
    assert len(points) > 20
    for m_zp, g, _ in points[:: len(points) // 4]:
        point = {"y": 0.1, "m_dm": 1.9, "m_zp": m_zp, "g": g}
        assert db.predict("lmu_ltau_s1", point, [observable])[observable] == pytest.approx(level, rel=0.01)
