"""Tables and pictures of profile likelihoods and calibrations."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from scipy.stats import binom

from darkbeauty.files import write
from darkbeauty.inference.checking.calibrate import Calibration
from darkbeauty.inference.fitting.profile import LEVELS, Profile
from darkbeauty.inference.storage.output import prepare_folder
from darkbeauty.likelihoods import Fit
from darkbeauty.report.pictures import FILL, INK, save

PLANE_LEVELS = (2.30, 5.99)
"""Δχ² of 68.3 % and 95 % for two parameters."""
HIGHEST = 9.0


def profile_places(names: Sequence[str], folder: Path) -> list[Path]:
    """Where table and picture of a profile likelihood are written."""
    return [folder / f"{'-'.join(('profile', *names))}.{ending}" for ending in ("parquet", "png")]


def calibration_places(folder: Path) -> list[Path]:
    """Where table and picture of a calibration are written."""
    return [folder / f"calibration.{ending}" for ending in ("parquet", "png")]


def write_profile(fit: Fit, profile: Profile, folder: Path) -> list[Path]:
    """profile-NAMES.parquet (grid, Δχ², the other parameters) and .png in a folder; returns their paths."""
    prepare_folder(folder)
    mesh = dict(zip(profile.names, np.meshgrid(*profile.grid, indexing="ij")))
    columns = {**mesh, "delta_chi2": profile.delta_chi2, **profile.others}
    table, picture = profile_places(profile.names, folder)
    _write_table({name: column.ravel() for name, column in columns.items()}, table)
    figure = curve(fit, profile) if len(profile.names) == 1 else plane(fit, profile)
    save(figure, picture, dpi=130)
    return [table, picture]


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


def curve(fit: Fit, profile: Profile) -> Figure:
    """Δχ² along one parameter, with the levels of its intervals."""
    figure = Figure(figsize=(5.0, 3.6))
    axis = figure.subplots()
    axis.plot(profile.grid[0], profile.delta_chi2, color=INK)
    for name, level in LEVELS.items():
        axis.axhline(level, color="0.6", linewidth=0.8)
        axis.annotate(name, (1.0, level), xycoords=("axes fraction", "data"), fontsize=7, color="0.4")
    axis.set_ylim(0.0, HIGHEST)
    axis.set_ylabel(r"$\Delta\chi^2$")
    _axes(axis, fit, profile)
    return figure


def plane(fit: Fit, profile: Profile) -> Figure:
    """68 % and 95 % regions of two parameters, and the best fit."""
    figure = Figure(figsize=(5.0, 4.2))
    axis = figure.subplots()
    x, y = profile.grid
    shown = np.minimum(profile.delta_chi2, HIGHEST)
    filled = axis.contourf(x, y, shown.T, levels=np.linspace(0.0, HIGHEST, 19), cmap="Blues_r")
    axis.contour(x, y, shown.T, levels=PLANE_LEVELS, colors=INK, linewidths=1.2)
    axis.plot(*(profile.best[name] for name in profile.names), "x", color=INK)
    figure.colorbar(filled, label=r"$\Delta\chi^2$")
    _axes(axis, fit, profile)
    return figure


def _axes(axis, fit: Fit, profile: Profile) -> None:
    for name, label, scale in zip(
        profile.names, (axis.set_xlabel, axis.set_ylabel), (axis.set_xscale, axis.set_yscale)
    ):
        label(fit.model.axis(name))
        scale("log" if fit.priors[name].logarithmic else "linear")
    axis.set_title(f"{fit.name}: profile likelihood", fontsize=9)
