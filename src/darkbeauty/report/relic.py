"""Ωh² along one parameter (with the share of every annihilation channel below) or over a plane of two, the funnel resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.dark.freeze_out import annihilation_shares, freeze_out
from darkbeauty.errors import Problem, raise_if_any
from darkbeauty.likelihoods import TERMS
from darkbeauty.models import Model, resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.observables.relic import FINALS
from darkbeauty.prediction import arrays
from darkbeauty.report.figures import FILL, INK, TEX
from darkbeauty.report.pictures import save
from darkbeauty.status import Status

START, BATCH, ROUNDS = 192, 64, 6
"""Points of a line before refinement, points added per round, rounds."""
ROWS, COLUMNS, MOVES = 96, 72, 2
"""Points of a plane, and how often those of a row are moved to where Ωh² changes."""
LOWEST, HIGHEST = -4.0, 2.0
"""Range of log₁₀ Ωh² that a plane shows."""
WIDE = 30.0
"""Ratio of the ends of a range above which its points are spaced logarithmically."""


@dataclass(frozen=True)
class Line:
    """Ωh² (NaN where dark matter never was in equilibrium) and the share of every final state at increasing values of one parameter."""

    name: str
    values: np.ndarray
    omega_h2: np.ndarray
    fractions: dict[str, np.ndarray]


@dataclass(frozen=True)
class Plane:
    """Ωh² over two parameters at x, shape (rows, columns), closest in every row where Ωh² changes most, and y, shape (rows,)."""

    names: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]
    omega_h2: np.ndarray


def over_ranges(
    model: str | Model, point: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]
) -> Line | Plane:
    """Ωh² along one range or over two, everything else at `point`.

    Errors   InputError listing everything wrong with the point (at both ends of the ranges) or the ranges
    """
    model = resolve_model(model)
    raise_if_any(check(model, point, ranges))
    names = tuple(ranges)
    run = _runner(model, point, ranges)
    if len(names) == 1:
        return _line(run, names[0], *ranges[names[0]])
    return _plane(run, (names[0], names[1]), ranges)


def check(model: Model, point: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> list[Problem]:
    """Everything wrong with the point or the ranges."""
    problems = [
        Problem(f"point.{name}", f"range {low:g}:{high:g} is not increasing")
        for name, (low, high) in ranges.items()
        if not low < high
    ]
    if sectors_of(model).dark_matter is None:
        problems.append(Problem("model", f"model {model.name!r} has no dark matter"))
    if len(ranges) not in (1, 2):
        problems.append(Problem("point", f"{len(ranges)} ranges given", "one or two parameters as name=low:high"))
    for end in (0, 1):
        at_end = model.check({**point, **{name: pair[end] for name, pair in ranges.items()}})
        problems += [problem for problem in at_end if problem not in problems]
    return problems


def _runner(model: Model, point: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> Callable:
    """(n, parameters) → Ωh² (n,) and {final: share (n,)}, BATCH points at a time."""
    start = arrays(model.at({**point, **{name: low for name, (low, _) in ranges.items()}}))
    batch = _compiled(tuple(ranges))

    def run(values: np.ndarray) -> Any:
        padded = np.concatenate([values, np.repeat(values[-1:], -len(values) % BATCH, axis=0)])
        parts = [batch(start, part) for part in np.split(padded, len(padded) // BATCH)]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(values)], *parts)

    return run


@lru_cache(maxsize=4)
def _compiled(names: tuple[str, ...]) -> Callable[..., Any]:
    """For every model and point, as these are arguments: (model, values of the parameters (BATCH, n)) → what a run gives."""

    def omega_and_shares(model: Model, values: jax.Array):
        p = model.with_values(dict(zip(names, values))).derive()
        result = freeze_out(p)
        omega = jnp.where(result.status == int(Status.SUCCESS), result.omega_h2, jnp.nan)
        return omega, annihilation_shares(p).by_final

    return jax.jit(jax.vmap(omega_and_shares, in_axes=(None, 0)))


def _line(run, name: str, low: float, high: float) -> Line:
    """New points in every round lie evenly along the curve of ln Ωh² drawn so far."""
    values = _spaced(low, high, START)
    omega, shares = run(values[:, None])
    for turn in range(ROUNDS):
        offset = (0.5 + 0.618 * turn) % 1.0
        middle = _along(values, np.log(np.where(np.isfinite(omega), omega, 1e6)), (np.arange(BATCH) + offset) / BATCH)
        more, more_shares = run(middle[:, None])
        order = np.argsort(np.concatenate([values, middle]), kind="stable")
        values, omega = (np.concatenate(pair)[order] for pair in ((values, middle), (omega, more)))
        shares = {final: np.concatenate([shares[final], more_shares[final]])[order] for final in shares}
    return Line(name, values, omega, shares)


def _plane(run, names: tuple[str, str], ranges: Mapping[str, tuple[float, float]]) -> Plane:
    """Every row keeps its number of points; they are moved to lie evenly along its curve of log Ωh², in the range shown."""
    y = _spaced(*ranges[names[1]], ROWS)
    x = np.tile(_spaced(*ranges[names[0]], COLUMNS), (ROWS, 1))
    evaluate = lambda x: run(np.stack([x, np.broadcast_to(y[:, None], x.shape)], axis=-1).reshape(-1, 2))[0]
    omega = evaluate(x).reshape(x.shape)
    for _ in range(MOVES):
        height = np.clip(np.log10(np.where(np.isfinite(omega), omega, 1e6)), LOWEST, HIGHEST)
        x = _smooth(np.stack([_along(*row, np.linspace(0.0, 1.0, COLUMNS)) for row in zip(x, height)]))
        omega = evaluate(x).reshape(x.shape)
    return Plane(names, (x, y), omega)


def _smooth(x: np.ndarray) -> np.ndarray:
    """Columns without jumps where the funnel enters or leaves the range: running means over rows, which leave straight columns as they are."""
    reach = len(x) // 6
    weight = np.hanning(2 * reach + 3)[1:-1]
    before, after = 2.0 * x[:1] - x[reach:0:-1], 2.0 * x[-1:] - x[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, x, after])
    smooth = np.stack([np.convolve(column, weight / weight.sum(), mode="valid") for column in padded.T], axis=1)
    smooth[:, [0, -1]] = x[:, [0, -1]]
    return np.sort(np.clip(smooth, x[0, 0], x[0, -1]), axis=1)


def _along(values: np.ndarray, height: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Values at fractions of the length of the curve drawn so far."""
    steps = np.hypot(np.diff(values) / np.ptp(values), np.diff(height) / max(np.ptp(height), 1e-3))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(fractions * length[-1], length, values)


def _spaced(low: float, high: float, n: int) -> np.ndarray:
    return np.geomspace(low, high, n) if low > 0.0 and high / low > WIDE else np.linspace(low, high, n)


def draw(result: Line | Plane, path: Path, title: str) -> Path:
    """The figure of a curve or a plane, PNG, PDF or SVG by the ending of `path`."""
    figure = _draw_line(result) if isinstance(result, Line) else _draw_plane(result)
    figure.suptitle(title, fontsize=10, y=0.95)
    save(figure, path, dpi=150)
    return path


def measured() -> tuple[float, float]:
    """Measured Ωh² and its error with the theory error of the likelihood term."""
    term: Any = TERMS["Omega_h2"]
    data = term.data()
    value = float(data.values[0])
    return value, float(np.hypot(np.sqrt(data.covariance[0, 0]), term.relative_theory * value))


def _draw_line(line: Line) -> Figure:
    figure = Figure(figsize=(6.4, 6.0))
    top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 2), "hspace": 0.06})
    value, error = measured()
    top.axhspan(value - error, value + error, color=FILL, alpha=0.5, label=rf"$\Omega h^2 = {value:g} \pm {error:.3f}$")
    top.plot(line.values, line.omega_h2, color=INK, lw=1.3)
    top.set_yscale("log")
    top.set_ylabel(r"$\Omega h^2$")
    top.legend(frameon=False)
    shown = {final: share for final, share in line.fractions.items() if np.nanmax(share) > 0.01}
    bottom.stackplot(
        line.values, list(shown.values()), labels=[FINALS.get(final, final) for final in shown], alpha=0.85
    )
    bottom.set_ylim(0.0, 1.0)
    bottom.set_ylabel("share at freeze-out")
    bottom.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)
    bottom.set_xlabel(TEX.get(line.name, line.name))
    bottom.set_xlim(line.values[0], line.values[-1])
    _scale(bottom.set_xscale, line.values)
    return figure


def _draw_plane(plane: Plane) -> Figure:
    figure = Figure(figsize=(6.4, 5.0))
    axis: Axes = figure.subplots()
    x, y = plane.values[0], np.broadcast_to(plane.values[1][:, None], plane.values[0].shape)
    height = np.ma.masked_invalid(np.log10(plane.omega_h2))
    shown = np.ma.clip(height, LOWEST, HIGHEST)
    image = axis.pcolormesh(x, y, shown, cmap="RdBu_r", vmin=LOWEST, vmax=HIGHEST, shading="gouraud", rasterized=True)
    figure.colorbar(image, ax=axis, label=r"$\log_{10} \Omega h^2$", extend="max")
    value, error = measured()
    axis.contour(x, y, height, levels=[np.log10(value)], colors=[INK], linewidths=1.5)
    axis.contour(
        x, y, height, levels=np.log10([value - error, value + error]), colors=[INK], linewidths=0.7, linestyles="--"
    )
    axis.set_xlabel(TEX.get(plane.names[0], plane.names[0]))
    axis.set_ylabel(TEX.get(plane.names[1], plane.names[1]))
    _scale(axis.set_xscale, x[0])
    _scale(axis.set_yscale, plane.values[1])
    return figure


def _scale(setter, values: np.ndarray) -> None:
    if values[0] > 0.0 and values[-1] / values[0] > WIDE:
        setter("log")
