"""What stands at axes, and the numbers behind pictures."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.mathtext import MathTextParser

from darkbeauty.models import MODELS, resolve_model
from darkbeauty.observables import REGISTRY
from darkbeauty.observables.observable import Request
from darkbeauty.prediction import parse
from darkbeauty.report.pictures import UNLISTED, numbers
from darkbeauty.units import on_axis

PARSER = MathTextParser("path")


def test_matplotlib_reads_every_symbol():
    arguments = lambda observable: tuple(float(i + 1) for i, _ in enumerate(observable.arguments))
    symbols = [Request("", observable, arguments(observable)).tex for observable in REGISTRY]
    symbols += [parameter.tex for name in MODELS for parameter in resolve_model(name).parameters]
    for symbol in symbols:
        assert symbol
        PARSER.parse(f"${symbol}$")


@pytest.mark.parametrize(
    ("label", "axis"),
    [
        ("<Rmue>(B+->Kll)[1.1,6.0]", r"$\langle R_{\mu/e}\rangle(B^{+} \to K^{+}\ell^{+}\ell^{-})[1.1,6]$"),
        ("Omega_h2", r"$\Omega h^2$"),
        ("sigmav(NN->mumu)(x=20)[cm3/s]", r"$\langle\sigma v\rangle_{\mu \mu}(x=20)$ [cm$^{3}$/s]"),
        ("sigma_SD(p)", r"$\sigma_{\rm SD}^p$ [cm$^{2}$]"),
        ("C9p(bsmumu)[6]", r"$C_{9'}^{bs\mu \mu}[6]$"),
        ("2*BR(Bs->mumu)**2", r"$2\cdot B(B_s\to \mu^{+}\mu^{-})^{2}$"),
        ("log(BR(Bs->ee))", r"$\mathrm{log}(B(B_s\to e^{+}e^{-}))$"),
    ],
)
def test_axis_of_an_observable(label, axis):
    (request,) = parse(resolve_model("lmu_ltau_s1"), [label])
    assert request.axis == axis
    PARSER.parse(request.axis)


def test_axis_of_a_parameter():
    model = resolve_model("lmu_ltau_s1")
    assert (
        model.axis("m_dm") == r"$m_\mathrm{DM}$ [GeV]" and model.axis("y") == "$y$" and model.axis("other") == "other"
    )
    assert resolve_model("wet").axis("C10p_bsmumu") == r"$C_{10'}^{bs\mu \mu}$"


def test_exponents_of_units_are_raised():
    assert on_axis("a", "") == "a"
    assert on_axis("a", "GeV^-2") == "a [GeV$^{-2}$]"
    assert on_axis("a", "cm3/s/GeV") == "a [cm$^{3}$/s/GeV]"


def test_numbers_behind_a_picture():
    """Lines, bars, points, contours and cells in data coordinates; spans and draws are left out."""
    figure = Figure()
    line, cells = figure.subplots(1, 2)
    line.plot([1.0, 2.0], [3.0, np.nan], label="a line")
    line.axhline(7.0)
    line.plot([9.0], [9.0], gid=UNLISTED)
    line.bar([5.0], [2.0], width=1.0, label="bars")
    line.set(xlabel="x", ylabel="y, too")
    cells.pcolormesh([0.0, 1.0, 2.0], [0.0, 1.0], [[4.0, 6.0]], label="cells")
    x = np.linspace(-2.0, 2.0, 41)
    cells.contour(x, x, x[:, None] ** 2 + x**2, levels=[1.0]).set_gid("circle")
    rows = list(csv.DictReader(io.StringIO(numbers(figure))))
    of = lambda name: [(float(row["x"]), float(row["y"]), row["z"]) for row in rows if row["series"] == name]
    assert of("a line") == [(1.0, 3.0, "")]
    assert rows[0]["panel"] == "1 | x | y, too"
    assert of("cells") == [(0.5, 0.5, "4"), (1.5, 0.5, "6")]
    assert all(abs(a * a + b * b - 1.0) < 0.02 and z == "1" for a, b, z in of("circle")) and len(of("circle")) > 20
    assert {a for a, _, _ in of("bars")} == {4.5, 5.5}
    assert {row["series"] for row in rows} <= {"a line", "cells", "circle", "bars"}
