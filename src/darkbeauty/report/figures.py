"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from darkbeauty.inference.run import Run
from darkbeauty.likelihoods.prior import Prior
from darkbeauty.report.pictures import COLUMN, FILL, INK, LIGHT, PAGE, THEORY, UNLISTED, save, styled
from darkbeauty.report.regions import MARGIN, Regions, regions
from darkbeauty.report.result import Result, result_of

BINS, FEWEST, DPI = 40, 5, 200
PANEL = 1.05
"""Smallest width of a panel of a corner plot.   [inch]"""


def places(folder: Path) -> list[Path]:
    """Where the pictures of a run are written."""
    return [folder / "corner.png", folder / "predictions.png"]


def write_figures(run: Run, folder: Path) -> list[Path]:
    """Corner plot and predictions-versus-data plot as PNG; returns their paths."""
    paths, result = places(folder), result_of(run.data, run.fit)
    for path, figure in zip(paths, (corner(result), predictions(result))):
        save(figure, path, dpi=DPI)
    return paths


@styled
def corner(result: Result) -> Figure:
    """Every pair of parameters: 68 % and 95 % regions, or the draws where these are too few; log axes for log-uniform priors."""
    priors, axis_of = result.fit.priors, result.fit.model.axis
    columns = {name: result.draws[name].ravel() for name in priors}
    shown, n = {name: _shown(result, name) for name in columns}, len(columns)
    side = max(PAGE if n > 2 else COLUMN, PANEL * n)
    figure = Figure(figsize=(side, side))
    axes = figure.subplots(n, n, squeeze=False)
    figure.subplots_adjust(wspace=0.06, hspace=0.06)
    for i, below in enumerate(columns):
        for j, left in enumerate(columns):
            axis = axes[i, j]
            if j > i:
                axis.set_axis_off()
                continue
            _scale(axis, priors[left], None if i == j else priors[below])
            axis.set_xlim(shown[left])
            if i == j:
                _histogram(axis, columns[below], priors[below].logarithmic)
            else:
                draw_regions(axis, columns[left], columns[below], regions_of(result, left, below))
                axis.set_ylim(shown[below])
            axis.set_xlabel(axis_of(left) if i == n - 1 else "")
            axis.set_ylabel(axis_of(below) if i and not j else "")
            axis.tick_params(labelbottom=i == n - 1, labelleft=bool(i) and not j)
            axis.tick_params(axis="x", rotation=45)
    figure.align_labels()
    figure.suptitle(f"{result.fit.name}: {'NOT converged' if result.missed else 'converged'}", y=0.91)
    return figure


def regions_of(result: Result, left: str, below: str) -> Regions | None:
    """Regions of two parameters of a run, in the coordinates of their axes (logarithms of log-uniform ones); None of too few draws."""
    at = lambda name, values: np.log(values) if result.fit.priors[name].logarithmic else np.asarray(values, float)
    bounds = [tuple(at(name, np.array(result.fit.priors[name].bounds))) for name in (left, below)]
    ess = {row.name: row.ess_bulk for row in result.summary}
    x, y = (at(name, result.draws[name].ravel()) for name in (left, below))
    made = regions(x, y, *bounds, effective=min(ess[left], ess[below], x.size))
    if made is None:
        return None
    back = lambda name, grid: np.exp(grid) if result.fit.priors[name].logarithmic else grid
    return Regions(back(left, made.x), back(below, made.y), made.fields)


def draw_regions(axis: Axes, x: np.ndarray, y: np.ndarray, made: Regions | None) -> None:
    """Regions, or the draws x, y where there are none."""
    if made is None:
        axis.plot(x, y, ".", color=FILL, markersize=1.5, rasterized=True, gid=UNLISTED)
        return
    for (share, field), colour in zip(sorted(made.fields.items(), reverse=True), (LIGHT, FILL)):
        axis.contourf(made.x, made.y, field, levels=[0.0, np.inf], colors=[colour]).set_gid(UNLISTED)
        lines = axis.contour(made.x, made.y, field, levels=[0.0], colors=INK, linewidths=0.7)
        lines.set_gid(f"{100 * share:g} %")


@styled
def predictions(result: Result, of: Sequence[int] | None = None) -> Figure:
    """Data with experimental error, theory error around the median, and the 68 % and 95 % range of the mean predictions, in units of the total error."""
    places = list(result.measured if of is None else of)
    values, sigma = result.values[places], result.sigma[places]
    pulls = (result.predictions.reshape(-1, len(result.labels))[:, places] - values) / sigma
    middle, theory = np.median(pulls, axis=0), (result.theory[places] / sigma)
    figure = Figure(figsize=(PAGE, 0.4 * len(places) + 1.0))
    axis = figure.subplots()
    rows = np.arange(len(places))[::-1]
    axis.axvspan(-1.0, 1.0, color="0.92", label="data ± 1σ (experiment ⊕ theory)")
    axis.axvline(0.0, color="0.5", linewidth=0.8)
    axis.barh(rows, 2.0 * theory, 0.5, middle - theory, color=THEORY, alpha=0.35, label="theory error (1σ)")
    for width, (low, high), label in ((2.0, (2.5, 97.5), "posterior 95 %"), (7.0, (16.0, 84.0), "posterior 68 %")):
        a, b = np.percentile(pulls, [low, high], axis=0)
        axis.hlines(rows, a, b, color=INK if width < 5 else FILL, linewidth=width, label=label)
    axis.plot(middle, rows, "o", color=INK, markersize=4, label="median")
    names = [f"{result.requests[i].axis}\n{v:.4g} ± {s:.2g}" for i, v, s in zip(places, values, sigma)]
    axis.set_yticks(rows, names)
    axis.autoscale()
    axis.margins(x=0.03)
    axis.set_xlabel("(prediction − data) / σ")
    axis.set_title(f"{result.fit.name}: predictions and data")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    return figure


def _shown(result: Result, name: str) -> tuple[float, float]:
    """Ends of a parameter's axis: around the draws, inside of the prior."""
    prior, values = result.fit.priors[name], result.draws[name]
    there, back = (np.log, np.exp) if prior.logarithmic else (np.asarray, np.asarray)
    low, high = there(np.min(values)), there(np.max(values))
    more = MARGIN * (high - low) or 1.0
    return float(max(back(low - more), prior.bounds[0])), float(min(back(high + more), prior.bounds[1]))


def _histogram(axis: Axes, values: np.ndarray, logarithmic: bool) -> None:
    """Draws of one parameter, those of the central 68 % darker."""
    low, high = np.min(values), np.max(values)
    bins = min(BINS, max(int(np.sqrt(values.size)), FEWEST))
    edges = np.geomspace(low, high, bins + 1) if logarithmic else np.linspace(low, high, bins + 1)
    counts, edges = np.histogram(values, edges)
    axis.stairs(counts, edges, fill=True, color=LIGHT)
    ends = np.percentile(values, [16.0, 84.0])
    inner = np.unique(np.concatenate([ends, edges[(edges > ends[0]) & (edges < ends[1])]]))
    if inner.size > 1:
        middle = 0.5 * (inner[1:] + inner[:-1])
        places = np.clip(np.searchsorted(edges, middle) - 1, 0, bins - 1)
        axis.stairs(counts[places], inner, fill=True, color=FILL)
    axis.stairs(counts, edges, color=INK, linewidth=0.7)
    axis.set_ylim(bottom=0.0)
    axis.set_yticks([])


def _scale(axis: Axes, left: Prior, below: Prior | None) -> None:
    """Linear or logarithmic axes with few ticks."""
    for prior, setter, ticks in ((left, axis.set_xscale, axis.xaxis), (below, axis.set_yscale, axis.yaxis)):
        if prior is not None:
            setter("log" if prior.logarithmic else "linear")
            ticks.set_major_locator(LogLocator(numticks=4) if prior.logarithmic else MaxNLocator(4, prune="both"))
    axis.minorticks_off()
