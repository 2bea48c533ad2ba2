"""Tables and pictures of profile likelihoods and calibrations."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from darkbeauty.errors import Problem
from darkbeauty.files import write
from darkbeauty.inference.checking.calibrate import Calibration
from darkbeauty.inference.fitting.profile import LEVELS, Profile
from darkbeauty.inference.storage.output import prepare_folder
from darkbeauty.likelihoods import Fit
from darkbeauty.report.deck.product import benchmarks_of
from darkbeauty.report.figures import DPI, regions_of
from darkbeauty.report.limit_lines import draw_lines, has_lines
from darkbeauty.report.pictures import COLUMN, FILL, INK, LIGHT, THEORY, UNLISTED, numbers, save, styled
from darkbeauty.report.result import Result

PLANE_LEVELS = (2.30, 5.99)
"""Δχ² of 68.3 % and 95 % for two parameters."""
HIGHEST = 9.0


def profile_places(names: Sequence[str], folder: Path) -> list[Path]:
    """Where table, pictures and the numbers that they show of a profile likelihood are written."""
    return [folder / f"{'-'.join(('profile', *names))}.{ending}" for ending in ("parquet", "png", "pdf", "csv")]


def calibration_places(folder: Path) -> list[Path]:
    """Where table and picture of a calibration are written."""
    return [folder / f"calibration.{ending}" for ending in ("parquet", "png")]


def write_profile(fit: Fit, profile: Profile, folder: Path, posterior: Result | None = None) -> list[Path]:
    """profile-NAMES.parquet (grid, Δχ², the other parameters), .png, .pdf and .csv (what is drawn) in a folder; returns their paths."""
    prepare_folder(folder)
    mesh = dict(zip(profile.names, np.meshgrid(*profile.grid, indexing="ij")))
    columns = {**mesh, "delta_chi2": profile.delta_chi2, **profile.others}
    table, *pictures, drawn = profile_places(profile.names, folder)
    _write_table({name: column.ravel() for name, column in columns.items()}, table)
    figure = curve(fit, profile) if len(profile.names) == 1 else plane(fit, profile, posterior)
    for picture in pictures:
        save(figure, picture, dpi=DPI)
    write(drawn, numbers(figure))
    return [table, *pictures, drawn]


def write_calibration(fit: Fit, calibration: Calibration, folder: Path) -> list[Path]:
    """calibration.parquet (one rank per simulation and parameter) and calibration.png in a folder; returns their paths."""
    prepare_folder(folder)
    table, picture = calibration_places(folder)
    _write_table(calibration.ranks, table)
    save(ranks(fit, calibration), picture, dpi=130)
    return [table, picture]


def _write_table(columns: Mapping[str, np.ndarray], path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), buffer)
    write(path, buffer.getvalue())


@styled
def ranks(fit: Fit, calibration: Calibration) -> Figure:
    """Histograms of ranks, with the band that holds 99 % of uniform ones."""
    n = len(calibration.counts)
    figure = Figure(figsize=(2.6 * n, 2.4))
    axes = figure.subplots(1, n, squeeze=False, sharey=True)[0]
    for axis, (parameter, counts) in zip(axes, calibration.counts.items()):
        low, high = binom(int(counts.sum()), 1.0 / len(counts)).ppf([0.005, 0.995])
        axis.axhspan(low, high, color="0.9")
        axis.bar(np.arange(len(counts)), counts, width=1.0, color=FILL, edgecolor=INK, linewidth=0.4)
        axis.set_title(f"{fit.model.axis(parameter)}\np = {calibration.p_values[parameter]:.2g}", fontsize=8)
        axis.set_xticks([])
        axis.set_xlabel("rank", fontsize=8)
    figure.suptitle(f"{fit.name}: simulation-based calibration around the {calibration.around}", fontsize=9, y=1.12)
    return figure


@styled
def curve(fit: Fit, profile: Profile) -> Figure:
    """Δχ² along one parameter, with the levels of its intervals."""
    figure = Figure(figsize=(COLUMN, 2.5))
    axis = figure.subplots()
    axis.plot(profile.grid[0], profile.delta_chi2, color=INK)
    for name, level in LEVELS.items():
        axis.axhline(level, color="0.6", linewidth=0.8)
        axis.annotate(name, (1.0, level), xycoords=("axes fraction", "data"), fontsize=7, color="0.4")
    axis.set_ylim(0.0, HIGHEST)
    axis.set_ylabel(r"$\Delta\chi^2$")
    _axes(axis, fit, profile)
    return figure


@styled
def plane(fit: Fit, profile: Profile, posterior: Result | None = None) -> Figure:
    """68 and 95 % regions of two parameters, the best fit, lines of experiments and the slides' benchmarks where there are any; those of a posterior beside them."""
    figure = Figure(figsize=(COLUMN, 0.9 * COLUMN))
    axis = figure.subplots()
    x, y = profile.grid
    height = np.where(np.isfinite(profile.delta_chi2), profile.delta_chi2, np.inf).clip(max=10.0 * PLANE_LEVELS[1])
    axis.contourf(x, y, height.T, levels=[-1.0, *PLANE_LEVELS], colors=[FILL, LIGHT]).set_gid(UNLISTED)
    axis.contour(x, y, height.T, levels=PLANE_LEVELS, colors=INK, linewidths=0.7).set_gid("profile likelihood")
    axis.plot([], [], color=INK, label="profile likelihood")
    if posterior is not None:
        _posterior(axis, posterior, profile.names)
    if has_lines(fit.model, profile.names):
        others = {name: value for name, value in profile.best.items() if name not in profile.names}
        draw_lines(axis, fit.model, others, (x[0], x[-1]), (y[0], y[-1]))
    axis.plot(*(profile.best[name] for name in profile.names), "x", color=INK, label="best fit")
    for name, point in benchmarks_of(fit.model.name).items():
        at = [point[parameter] for parameter in profile.names if parameter in point]
        if len(at) == 2 and x[0] <= at[0] <= x[-1] and y[0] <= at[1] <= y[-1]:
            axis.plot(*at, "*", markersize=7, markerfacecolor="white", markeredgecolor="black")
            axis.annotate(name, (at[0], at[1]), xytext=(4, 4), textcoords="offset points", fontsize=7)
    _axes(axis, fit, profile)
    axis.set_title(f"{fit.name}: {words_of_plane(fit, profile)}", fontsize=6)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=6)
    return figure


def words_of_plane(fit: Fit, profile: Profile) -> str:
    """What the regions are, and what was profiled."""
    others = ", ".join(fit.model.axis(name).partition(" [")[0] for name in profile.others) or "nothing"
    terms = fit.terms[0] if len(fit.terms) == 1 else f"{len(fit.terms)} terms"
    return (
        rf"68 and 95 % by $\Delta\chi^2$ = {PLANE_LEVELS[0]:g}, {PLANE_LEVELS[1]:g}"
        + f"\nof {terms}; profiled: {others}"
    )


def _posterior(axis: Axes, result: Result, names: Sequence[str]) -> None:
    """Outlines of the regions of a posterior, or its draws."""
    made = regions_of(result, *names)
    if made is None:
        at = (result.draws[name].ravel() for name in names)
        axis.plot(*at, ".", color=THEORY, markersize=1.5, rasterized=True, gid=UNLISTED, label="posterior (few draws)")
        return
    for field in made.fields.values():
        axis.contour(made.x, made.y, field, levels=[0.0], colors=THEORY, linewidths=0.9, linestyles="--")
    axis.plot([], [], "--", color=THEORY, label="posterior")


def check_posterior(fit: Fit, names: Sequence[str], result: Result) -> list[Problem]:
    """What keeps the posterior of a run from being drawn beside the profile of a fit."""
    if result.fit.model.name != fit.model.name:
        return [Problem("--posterior", f"is of model {result.fit.model.name!r}, and the fit of {fit.model.name!r}")]
    if missing := [name for name in names if name not in result.draws]:
        return [Problem("--posterior", f"has no draws of {', '.join(missing)}", ", ".join(result.draws))]
    if sorted(result.fit.terms) != sorted(fit.terms):
        return [Problem("--posterior", "is of other likelihood terms than the fit", "a run of this fit")]
    return []


def _axes(axis, fit: Fit, profile: Profile) -> None:
    for name, label, scale in zip(
        profile.names, (axis.set_xlabel, axis.set_ylabel), (axis.set_xscale, axis.set_yscale)
    ):
        label(fit.model.axis(name))
        scale("log" if fit.priors[name].logarithmic else "linear")
    axis.set_title(f"{fit.name}: profile likelihood", fontsize=9)
