"""Pictures of Ωh² along one parameter by every method, with the share of every annihilation channel below, or over two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.likelihoods import TERMS
from darkbeauty.observables.relic import FINALS
from darkbeauty.report.pictures import FILL, INK, save
from darkbeauty.report.relic import HIGHEST, LOWEST, WIDE, Line, Plane
from darkbeauty.report.relic_methods import COLOURS, PHASE_SPACE, WORDS


def draw(result: Line | Plane, path: Path, title: str, axis_of: Callable[[str], str] = str) -> Path:
    """The figure of a curve or a plane, PNG, PDF or SVG by the ending of `path`; axis_of: what stands at the axis of a parameter."""
    figure = _draw_line(result, axis_of) if isinstance(result, Line) else _draw_plane(result, axis_of)
    figure.suptitle(title, fontsize=10, y=0.95)
    save(figure, path, dpi=150)
    return path


def measured() -> tuple[float, float]:
    """Measured Ωh² and its error with the theory error of the likelihood term."""
    term: Any = TERMS["Omega_h2"]
    data = term.data()
    value = float(data.values[0])
    return value, float(np.hypot(np.sqrt(data.covariance[0, 0]), term.relative_theory * value))


def _draw_line(line: Line, axis_of: Callable[[str], str]) -> Figure:
    figure = Figure(figsize=(6.4, 6.0))
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 2), "hspace": 0.06})
    value, error = measured()
    top.axhspan(value - error, value + error, color=FILL, alpha=0.5, label=rf"$\Omega h^2 = {value:g} \pm {error:.3f}$")
    for method, curve in line.curves.items():
        style: Any = {"marker": "o", "ms": 3.5, "ls": ""} if method == PHASE_SPACE else {"lw": 1.3}
        top.plot(curve.values, curve.omega_h2, color=COLOURS[method], label=WORDS[method], **style)
        if np.any(np.isfinite(curve.band)):
            label = "its error by scattering"
            top.fill_between(curve.values, *curve.band.T, color=COLOURS[method], alpha=0.25, lw=0.0, label=label)
    top.set_yscale("log")
    top.set_ylabel(r"$\Omega h^2$")
    top.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    shown = {final: share for final, share in line.fractions.items() if np.nanmax(share) > 0.01}
    bottom.stackplot(
        line.values, list(shown.values()), labels=[FINALS.get(final, final) for final in shown], alpha=0.85
    )
    bottom.set_ylim(0.0, 1.0)
    bottom.set_ylabel("share at freeze-out")
    bottom.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    bottom.set_xlabel(axis_of(line.name))
    bottom.set_xlim(line.values[0], line.values[-1])
    _scale(bottom.set_xscale, line.values)
    return figure


def _draw_plane(plane: Plane, axis_of: Callable[[str], str]) -> Figure:
    figure = Figure(figsize=(6.4, 5.0))
    axis: Axes = figure.subplots()
    x, y = plane.values[0], np.broadcast_to(plane.values[1][:, None], plane.values[0].shape)
    height = np.ma.masked_invalid(np.log10(plane.omega_h2))
    shown = np.ma.clip(height, LOWEST, HIGHEST)
    image = axis.pcolormesh(x, y, shown, cmap="RdBu_r", vmin=LOWEST, vmax=HIGHEST, shading="gouraud", rasterized=True)
    figure.colorbar(image, ax=axis, label=rf"$\log_{{10}} \Omega h^2$ by {WORDS[plane.method]}", extend="max")
    value, error = measured()
    axis.contour(x, y, height, levels=[np.log10(value)], colors=[INK], linewidths=1.5)
    axis.contour(
        x, y, height, levels=np.log10([value - error, value + error]), colors=[INK], linewidths=0.7, linestyles="--"
    )
    axis.set_xlabel(axis_of(plane.names[0]))
    axis.set_ylabel(axis_of(plane.names[1]))
    _scale(axis.set_xscale, x[0])
    _scale(axis.set_yscale, plane.values[1])
    return figure


def _scale(setter, values: np.ndarray) -> None:
    if values[0] > 0.0 and values[-1] / values[0] > WIDE:
        setter("log")
