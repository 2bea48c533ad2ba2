"""Pictures of how a run went: traces, ranks, energies."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import rankdata

from darkbeauty.inference.checking.diagnostics import bfmi
from darkbeauty.report.pictures import COLUMN, FILL, INK, PAGE, UNLISTED, styled
from darkbeauty.report.result import Result

RANK_BINS = 20


@styled
def chains(result: Result) -> Figure:
    """Trace of every parameter, and how the ranks of its draws spread in every chain: flat if all chains see the same posterior."""
    n = len(result.draws)
    figure = Figure(figsize=(PAGE, 1.2 * n + 0.4), layout="constrained")
    axes = figure.subplots(n, 2, squeeze=False, width_ratios=(2, 1), sharex="col")
    for (trace, ranks), (name, values) in zip(axes, result.draws.items()):
        for chain in values:
            trace.plot(chain, linewidth=0.4, alpha=0.8, rasterized=True, gid=UNLISTED)
        trace.set_ylabel(result.fit.model.axis(name))
        if result.fit.priors[name].logarithmic:
            trace.set_yscale("log")
        expected = values.shape[1] / RANK_BINS
        for row in rankdata(values).reshape(values.shape):
            counts, edges = np.histogram(row, RANK_BINS, (0.5, values.size + 0.5))
            ranks.stairs(counts / expected, edges / values.size)
        ranks.axhline(1.0, color="0.6", linewidth=0.8)
        ranks.set_ylim(bottom=0.0)
    axes[-1, 0].set_xlabel("draw")
    axes[-1, 1].set_xlabel("rank among all draws / number of draws")
    axes[0, 1].set_title("density of ranks")
    return figure


@styled
def energy(result: Result) -> Figure:
    """Energy of the chains beside its change from draw to draw: as wide, if momentum resampling reaches the tails."""
    level = result.stats["energy"]
    figure = Figure(figsize=(COLUMN, 2.2))
    axis = figure.subplots()
    around, change = (level - level.mean()).ravel(), np.diff(level, axis=1).ravel()
    low, high = np.percentile(np.concatenate([around, change]), [0.1, 99.9])
    edges = np.linspace(low, high, 40)
    axis.hist(around, edges, density=True, color=FILL, alpha=0.7, label="energy − mean")
    axis.hist(change, edges, density=True, histtype="step", color=INK, label="change per draw")
    axis.set_yticks([])
    axis.legend()
    axis.set_title(f"E-BFMI of the chains: {', '.join(f'{value:.2f}' for value in bfmi(level))}")
    return figure
