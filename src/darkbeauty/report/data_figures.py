"""Pictures of a run's predictions: pulls of every term, and binned observables against q² with theory bands."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.report.pictures import FILL, INK, PAGE, THEORY, styled
from darkbeauty.report.result import Result, TermFit
from darkbeauty.units import on_axis

_BINNED = re.compile(r"^(?P<name>.*)\[(?P<low>[\d.]+),(?P<high>[\d.]+)\]$")
LEAST_BINS, PANELS_PER_ROW = 3, 3


@styled
def pulls(result: Result, terms: list[TermFit]) -> Figure:
    """Every observable's pull at the best draw, one row per term; beside it χ² over the number of observables."""
    figure = Figure(figsize=(PAGE, 0.28 * len(terms) + 0.7))
    axis = figure.subplots()
    axis.axvspan(-2.0, 2.0, color="0.95")
    axis.axvspan(-1.0, 1.0, color="0.88")
    axis.axvline(0.0, color="0.5", linewidth=0.8)
    widest = max(3.0, 1.1 * max(abs(term.worst_pull) for term in terms))
    for row, term in enumerate(reversed(terms)):
        of_term = list(term.pulls.values())
        height = row + 0.5 * (np.linspace(-0.5, 0.5, len(of_term)) if len(of_term) > 1 else np.zeros(1))
        axis.plot(of_term, height, "o", color=INK, markersize=5 if len(of_term) < 20 else 2.5, alpha=0.8)
        axis.text(1.02 * widest, row, f"χ² = {term.chi2:.1f} / {term.size}", va="center", fontsize=7)
    axis.set_yticks(range(len(terms)), [term.name for term in reversed(terms)])
    axis.set_xlim(-widest, widest)
    axis.set_ylim(-0.6, len(terms) - 0.4)
    axis.set_xlabel("(prediction − data) / σ at the best draw")
    return figure


def panels(result: Result) -> dict[str, list[int]]:
    """Binned observables with at least LEAST_BINS bins: name → places of its bins."""
    bins: dict[str, list[int]] = {}
    for place in result.measured:
        if match := _BINNED.match(result.labels[place]):
            bins.setdefault(match["name"], []).append(place)
    return {name: places for name, places in bins.items() if len(places) >= LEAST_BINS}


@styled
def against_q2(result: Result, bins: Mapping[str, list[int]]) -> Figure:
    """Data with experimental errors, and in every bin the posterior's median with its theory error and 68 % range."""
    rows = -(-len(bins) // PANELS_PER_ROW)
    figure = Figure(figsize=(PAGE, 1.8 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, PANELS_PER_ROW, squeeze=False).ravel()
    for axis in axes[len(bins) :]:
        axis.set_axis_off()
    for axis, places in zip(axes, bins.values()):
        _panel(axis, result, places)
        axis.set_title(symbol(result, places[0]))
    figure.supxlabel(r"$q^2$ [GeV$^2$]", fontsize=8)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def symbol(result: Result, place: int) -> str:
    """Symbol and unit of a binned observable without its bin."""
    observable = result.requests[place].observable
    return on_axis(f"${observable.tex}$" if observable.tex else observable.name, observable.unit)


def _panel(axis: Axes, result: Result, places: list[int]) -> None:
    bins = np.array([result.labels[i].rstrip("]").rsplit("[", 1)[1].split(",") for i in places], float)
    table = result.predictions.reshape(-1, len(result.labels))[:, places]
    low, middle, high = np.percentile(table, [16.0, 50.0, 84.0], axis=0)
    theory = result.theory[places]
    centre, width = bins.mean(1), np.diff(bins, axis=1)[:, 0]
    bar = {"width": width, "align": "center", "linewidth": 0}
    axis.bar(centre, 2.0 * theory, bottom=middle - theory, color=THEORY, alpha=0.25, label="theory error (1σ)", **bar)
    axis.bar(centre, high - low, bottom=low, color=FILL, alpha=0.8, label="posterior 68 %", **bar)
    axis.errorbar(
        centre,
        result.values[places],
        result.experiment[places],
        width / 2.0,
        fmt=".",
        color="black",
        markersize=3,
        linewidth=0.9,
        label="data",
    )
