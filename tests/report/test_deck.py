"""Figures of the slides: numbers in their tables against closed formulas and the specification's values; files, names and the page that shows them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.report.deck import EXHIBITS, Exhibit, Product, allowed_a, allowed_b, choose, detection, table, write
from darkbeauty.report.deck.product import allowed, sobol

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deck.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("deck")
    result = CliRunner().invoke(cli.app, ["figures", "--only", "spin_dependent", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert [line.strip() for line in result.stdout.splitlines()[1:]] == [
        str(out / f"spin_dependent.{ending}") for ending in ("png", "pdf", "md")
    ]
    return out


def rows(text: str) -> list[list[str]]:
    """Cells of a Markdown table, head and rule left out."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_spin_dependent_cross_sections(folder):
    """σ = (16μ²/π)[Σ a_q Δ_q]² ¾ with a_q = y² u²/8(M_LQ² − M²), by hand; the printed a_q is twice as large."""
    delta = {"u": 0.8578, "d": -0.4178, "s": -0.035}
    proton, neutron = delta, {**delta, "u": delta["d"], "d": delta["u"]}
    cases = {"lmu_ltau_s1": (2.0, 0.75, 1.7, "ds"), "le_lmu_r2": (1.1, 0.22**2, 286.0, "uds")}
    found = {
        (row[0], row[1]): [float(cell) for cell in row[2:]] for row in rows((folder / "spin_dependent.md").read_text())
    }
    for name, (y, content, mass, quarks) in cases.items():
        a = y**2 * content / (8.0 * (1200.0**2 - mass**2))
        for value, mass_n, spins in zip(found[name, "canonical"], (0.938272, 0.939565), (proton, neutron)):
            reduced = mass * mass_n / (mass + mass_n)
            expected = 12.0 * reduced**2 / np.pi * (a * sum(spins[q] for q in quarks)) ** 2 * 0.3893794e-27
            assert value == pytest.approx(expected, rel=6e-3)
    assert found["lmu_ltau_s1", "printed"][0] == pytest.approx(4.0 * found["lmu_ltau_s1", "canonical"][0], rel=6e-3)


def test_spin_independent_cross_section_goes_with_the_mixing():
    made = detection.spin_independent()
    low, high = (float(row[1]) for row in made.rows)
    assert high / low == pytest.approx(100.0, rel=0.01)
    assert low < 1e-47 < 1e-46


def test_a_box_is_filled():
    points = sobol(256, {"a": (1e-3, 1e1, True), "b": (2.0, 5.0, False)})
    assert np.all((points["b"] >= 2.0) & (points["b"] <= 5.0))
    assert np.median(np.log10(points["a"])) == pytest.approx(-1.0, abs=0.02)
    for module in (allowed_a, allowed_b):
        for name, values in module._points().items():
            low, high, _ = module.RANGES[name]
            assert np.all((values >= low) & (values <= high)), name


def test_allowed_is_within_two_sigma_or_no_worse_than_the_standard_model():
    np.testing.assert_array_equal(allowed(np.array([1.9, 2.1, 0.5]), -1), [True, False, True])
    np.testing.assert_array_equal(allowed(np.array([1.9, 2.6, 2.8, 2.65]), -1), [True, True, False, True])


def test_files_of_an_entry(tmp_path):
    figure = Figure()
    figure.subplots().plot([1, 2])
    entry = Exhibit("one", "a figure", lambda: Product(figure, ("a", "b"), (("1", "2"),)))
    paths = write(entry, tmp_path / "new")
    assert [path.name for path in paths] == ["one.png", "one.pdf", "one.md"]
    assert paths[0].read_bytes().startswith(b"\x89PNG") and paths[1].read_bytes().startswith(b"%PDF")
    assert paths[2].read_text() == "| a | b |\n| --- | --- |\n| 1 | 2 |\n" == table(entry.make())


def test_names():
    assert [entry.name for entry in choose(["b_lambda", "a_relic"])] == ["a_relic", "b_lambda"]
    assert choose([]) == EXHIBITS
    with pytest.raises(InputError, match="a_relik"):
        choose(["a_relik"])
    result = CliRunner().invoke(cli.app, ["figures", "--only", "a_relik", "--out", "/dev/null/here"])
    assert result.exit_code == 2 and "error: 2 problems" in result.stderr and "a_relic" in result.stderr


@pytest.mark.parametrize("entry", EXHIBITS, ids=lambda entry: entry.name)
def test_the_page_shows_every_figure(entry):
    picture = ROOT / "docs" / "pictures" / f"deck_{entry.name}.png"
    assert f"(pictures/{picture.name})" in PAGE
    assert picture.stat().st_size < 100_000


def test_the_page_says_claim_and_finding_of_each():
    assert len(re.findall(r"^\*The slides\*", PAGE, flags=re.MULTILINE)) == len(EXHIBITS)
    assert len(re.findall(r"^\*Here\*", PAGE, flags=re.MULTILINE)) == len(EXHIBITS)


@pytest.mark.slow
def test_relic_densities_of_the_benchmarks():
    """Against the independent numbers of the physics specification, canonical and printed, χ = 0 there and 10⁻³ here."""
    made = next(entry for entry in EXHIBITS if entry.name == "a_relic").make()
    found = {(row[0], row[1]): float(row[2]) for row in made.rows}
    expected = {
        ("I", "canonical"): 0.4113,
        ("II", "canonical"): 3.625,
        ("I", "printed"): 0.3086,
        ("II", "printed"): 3.248,
    }
    assert found == pytest.approx(expected, rel=0.02)
