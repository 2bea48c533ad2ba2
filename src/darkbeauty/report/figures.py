"""Pictures of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from darkbeauty.inference.run import Run
from darkbeauty.report.pictures import save
from darkbeauty.report.result import Result, result_of

TEX = {
    "m_zp": r"$m_{Z'}$ [GeV]",
    "m_dm": r"$m_{\mathrm{DM}}$ [GeV]",
    "m_lq": r"$m_{\mathrm{LQ}}$ [GeV]",
    "y": "$y$",
    "g": "$g$",
}
BINS, PLANE_BINS, FEWEST, LEVELS = 40, 64, 5, (0.68, 0.95)
SMOOTH = 20_000
"""Draws from which on densities of a plane are smoothed over one bin where the draws fill an axis; over more, if there are fewer."""
INK, FILL, THEORY = "#1b4f72", "#5dade2", "#b9770e"


def places(folder: Path) -> list[Path]:
    """Where the pictures of a run are written."""
    return [folder / "corner.png", folder / "predictions.png"]


def write_figures(run: Run, folder: Path) -> list[Path]:
    """Corner plot and predictions-versus-data plot as PNG; returns their paths."""
    paths, result = places(folder), result_of(run.data, run.fit)
    for path, figure in zip(paths, (corner(result), predictions(result))):
        save(figure, path, dpi=130)
    return paths


def corner(result: Result) -> Figure:
    """Every pair of parameters: 68 % and 95 % regions and draws; log axes for log-uniform priors."""
    priors = result.fit.priors
    columns = {name: result.draws[name].ravel() for name in priors}
    n = len(columns)
    figure = Figure(figsize=(2.4 * n, 2.4 * n))
    axes = figure.subplots(n, n, squeeze=False)
    few = max(int(np.sqrt(len(next(iter(columns.values()))))), FEWEST)
    counts = (min(BINS, few), min(PLANE_BINS, few))
    edges, plane = ({name: _edges(v, priors[name].logarithmic, n) for name, v in columns.items()} for n in counts)
    for i, below in enumerate(columns):
        for j, left in enumerate(columns):
            axis = axes[i, j]
            if j > i:
                axis.set_axis_off()
                continue
            if i == j:
                axis.hist(columns[below], bins=edges[below], color=FILL, edgecolor=INK, linewidth=0.4)
                axis.set_yticks([])
            else:
                _plane(axis, columns[left], columns[below], plane[left], plane[below])
            _scale(axis, left, below, priors, i, j, n)
    figure.suptitle(f"{result.fit.name}: {'NOT converged' if result.missed else 'converged'}", y=0.93)
    return figure


def predictions(result: Result, of: Sequence[int] | None = None) -> Figure:
    """Data with experimental error, theory error around the median, and the 68 % and 95 % range of the mean predictions, in units of the total error."""
    places = list(result.measured if of is None else of)
    values, sigma = result.values[places], result.sigma[places]
    pulls = (result.predictions.reshape(-1, len(result.labels))[:, places] - values) / sigma
    middle, theory = np.median(pulls, axis=0), (result.theory[places] / sigma)
    figure = Figure(figsize=(8.0, 0.55 * len(places) + 1.6))
    axis = figure.subplots()
    rows = np.arange(len(places))[::-1]
    axis.axvspan(-1.0, 1.0, color="0.92", label="data ± 1σ (experiment ⊕ theory)")
    axis.axvline(0.0, color="0.5", linewidth=0.8)
    axis.barh(rows, 2.0 * theory, 0.5, middle - theory, color=THEORY, alpha=0.35, label="theory error (1σ)")
    for width, (low, high), label in ((2.0, (2.5, 97.5), "posterior 95 %"), (7.0, (16.0, 84.0), "posterior 68 %")):
        a, b = np.percentile(pulls, [low, high], axis=0)
        axis.hlines(rows, a, b, color=INK if width < 5 else FILL, linewidth=width, label=label)
    axis.plot(middle, rows, "o", color=INK, markersize=4, label="median")
    names = [f"{result.labels[i]}\n{v:.4g} ± {s:.2g}" for i, v, s in zip(places, values, sigma)]
    axis.set_yticks(rows, names, fontsize=8)
    axis.autoscale()
    axis.margins(x=0.03)
    axis.set_xlabel("(prediction − data) / σ")
    axis.set_title(f"{result.fit.name}: predictions and data")
    axis.legend(fontsize=7, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def _edges(values: np.ndarray, logarithmic: bool, bins: int) -> np.ndarray:
    low, high = np.min(values), np.max(values)
    return np.geomspace(low, high, bins + 1) if logarithmic else np.linspace(low, high, bins + 1)


def _plane(axis, x: np.ndarray, y: np.ndarray, x_edges: np.ndarray, y_edges: np.ndarray) -> None:
    """Regions that hold 68 % and 95 % of the draws (smoothed histogram), over the draws themselves."""
    axis.plot(x, y, ".", color=FILL, markersize=1.0, alpha=0.5, rasterized=True)
    counts, _, _ = np.histogram2d(x, y, bins=(x_edges, y_edges))
    filled = (counts.sum() ** 2 / np.sum(counts.sum(1 - i) ** 2) / counts.shape[i] for i in (0, 1))
    smooth = gaussian_filter(
        counts, [max(0.7, (SMOOTH / x.size) ** (1.0 / 3.0) * part) for part in filled], mode="reflect"
    )
    ordered = np.sort(smooth.ravel())[::-1]
    cumulative = np.cumsum(ordered) / ordered.sum()
    levels = sorted({float(ordered[np.searchsorted(cumulative, level)]) for level in LEVELS})
    middle = lambda edges: 0.5 * (edges[1:] + edges[:-1])
    axis.contour(middle(x_edges), middle(y_edges), smooth.T, levels=levels, colors=INK, linewidths=0.9)


def _scale(axis, left: str, below: str, priors: dict, i: int, j: int, n: int) -> None:
    axis.set_xscale("log" if priors[left].logarithmic else "linear")
    if i != j:
        axis.set_yscale("log" if priors[below].logarithmic else "linear")
    if i == n - 1:
        axis.set_xlabel(TEX.get(left, left))
    else:
        axis.tick_params(labelbottom=False)
    if j == 0 and i:
        axis.set_ylabel(TEX.get(below, below))
    elif j:
        axis.tick_params(labelleft=False)
    axis.minorticks_off()
