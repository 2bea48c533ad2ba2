"""What happens to dark matter at one point of a model: Y(x), T_χ/T, γ/H and f(p), and Ωh² by every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.dark.boltzmann import YieldCurve, yield_curve
from darkbeauty.dark.kinetic import KineticCurve, temperature_curve
from darkbeauty.dark.phase_space import Distribution, distribution
from darkbeauty.errors import raise_if_any
from darkbeauty.models import Model, resolve_model
from darkbeauty.prediction import arrays
from darkbeauty.report.pictures import save
from darkbeauty.report.relic import check
from darkbeauty.report.relic_methods import COLOURS, KINETIC, METHODS, PHASE_SPACE, WORDS, Estimate
from darkbeauty.status import Status

X = np.geomspace(2.0, 1e5, 240)
X_SHOWN = (20.0, 40.0, 100.0, 400.0)
"""At which f(p) is drawn."""
X_FULL = np.unique(np.concatenate([X_SHOWN, np.geomspace(16.0, 1e4, 40)]))
MOMENTA = np.geomspace(0.1, 60.0, 160)
"""p/T"""
SHADES = ("#f5b041", "#b9770e", "#78281f", "#1b2631")
PARTS = {
    "boltzmann": lambda p: yield_curve(p, X),
    KINETIC: lambda p: temperature_curve(p, X),
    PHASE_SPACE: lambda p: distribution(p, X_FULL, np.tile(MOMENTA, (len(X_FULL), 1))),
}


@dataclass(frozen=True)
class History:
    """Ωh² by method; at X the yields, T_χ/T and γ/H; at X_FULL and MOMENTA the distribution; None for methods that were not asked for."""

    estimates: dict[str, Estimate]
    boltzmann: YieldCurve | None
    kinetic: KineticCurve | None
    phase_space: Distribution | None


def at_point(model: str | Model, point: Mapping[str, float], methods: Sequence[str] = ()) -> History:
    """The history of dark matter at a point, by all methods unless some are named.

    Errors   InputError listing everything wrong with the point or the methods
    """
    model = resolve_model(model)
    raise_if_any(check(model, point, {}, methods))
    names = tuple(methods or METHODS)
    estimates, parts = _compiled(names)(arrays(model.at(point)))
    return History({name: estimates[name] for name in names}, *(parts.get(method) for method in PARTS))


@lru_cache(maxsize=4)
def _compiled(methods: tuple[str, ...]) -> Any:
    def run(model: Model) -> Any:
        p = model.derive()
        parts = {method: PARTS[method](p) for method in methods if method in PARTS}
        return {method: METHODS[method](p) for method in methods}, parts

    return jax.jit(run)


def rows(history: History) -> list[tuple[str, str, str, str]]:
    """Of a table: method, Ωh², what the theory error makes of it, and why there is none."""
    lines = []
    for method, estimate in history.estimates.items():
        low, high = np.asarray(estimate.band)
        band = "" if np.isnan(low) else f"{low:.4g} to {high:.4g}"
        status = Status(int(estimate.status))
        words = "" if status == Status.SUCCESS else status.words
        lines.append((WORDS[method], f"{float(estimate.omega_h2):.5g}", band, words))
    return lines


def as_mapping(history: History) -> dict[str, Any]:
    """Everything in it by name, with the x and momenta that it is at."""
    named = {name: getattr(history, name) for name in PARTS}
    curves = {name: part._asdict() for name, part in named.items() if part is not None}
    omega = {method: estimate._asdict() for method, estimate in history.estimates.items()}
    return {"x": X, "x_distribution": X_FULL, "p_over_T": MOMENTA, "Omega_h2": omega, **curves}


def draw(history: History, path: Path, title: str) -> Path:
    """Four panels (without f(p) three), PNG, PDF or SVG by the ending of `path`."""
    panels = [_yields, _temperature, _exchange, _momenta]
    drawn = [panel for panel, there in zip(panels, _there(history)) if there]
    figure = Figure(figsize=(10.0, 3.6 * ((len(drawn) + 1) // 2)))
    axes = np.atleast_1d(figure.subplots((len(drawn) + 1) // 2, 2 if len(drawn) > 1 else 1)).ravel()
    for axis, panel in zip(axes, drawn):
        panel(axis, history)
    for axis in axes[len(drawn) :]:
        axis.set_axis_off()
    figure.subplots_adjust(wspace=0.28, hspace=0.3)
    figure.suptitle(title, fontsize=10, y=0.95)
    save(figure, path, dpi=150)
    return path


def _there(history: History) -> tuple[bool, ...]:
    full, kinetic = history.phase_space is not None, history.kinetic is not None
    return history.boltzmann is not None or kinetic, kinetic or full, kinetic, full


def _yields(axis: Axes, history: History) -> None:
    if history.boltzmann:
        axis.plot(X, history.boltzmann.equilibrium, color="0.6", ls="--", lw=1.0, label="equilibrium")
        axis.plot(X, history.boltzmann.y, color=COLOURS["boltzmann"], label=WORDS["boltzmann"])
    curves = [curve.y for curve in (history.boltzmann, history.kinetic) if curve is not None]
    if history.kinetic:
        axis.plot(X, history.kinetic.y, color=COLOURS[KINETIC], label=WORDS[KINETIC])
    axis.set_ylim(0.3 * min(float(curve[-1]) for curve in curves), 3.0 * max(float(np.max(curve)) for curve in curves))
    _finish(axis, "$Y = n/s$", "log")


def _temperature(axis: Axes, history: History) -> None:
    if history.kinetic:
        axis.plot(X, history.kinetic.temperature, color=COLOURS[KINETIC], label=WORDS[KINETIC])
    if history.phase_space:
        axis.plot(
            X_FULL, history.phase_space.temperature, "o", ms=2.5, color=COLOURS[PHASE_SPACE], label=WORDS[PHASE_SPACE]
        )
    axis.axhline(1.0, color="0.6", ls="--", lw=1.0)
    _finish(axis, r"$T_\chi/T$", "log")


def _exchange(axis: Axes, history: History) -> None:
    assert history.kinetic is not None
    axis.plot(X, history.kinetic.exchange, color=COLOURS[KINETIC])
    axis.axhline(1.0, color="0.6", ls="--", lw=1.0)
    _finish(axis, r"$\gamma/H$", "log")


def _momenta(axis: Axes, history: History) -> None:
    full = history.phase_space
    assert full is not None
    for x, shade in zip(X_SHOWN, SHADES):
        row = int(np.searchsorted(X_FULL, x))
        density = MOMENTA**3 * np.stack([full.occupation[row], full.thermal[row]])
        density = density / np.trapezoid(density[1], np.log(MOMENTA))
        axis.plot(MOMENTA, density[0], color=shade, lw=1.2, label=f"$x = {x:g}$")
        axis.plot(MOMENTA, density[1], color=shade, lw=0.8, ls="--")
    axis.set_ylim(1e-5, 3.0)
    _finish(axis, "$p^3 f(p)$, normalised", "log")
    axis.set_xlabel("$p/T$  (dashed: thermal, at $T$)")


def _finish(axis: Axes, label: str, scale: str) -> None:
    axis.set_xscale("log")
    axis.set_yscale(scale)
    axis.set_xlabel("$x = m_{\\mathrm{DM}}/T$")
    axis.set_ylabel(label)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(frameon=False, fontsize=8)
