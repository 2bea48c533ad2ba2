"""Model Lμ−Lτ: allowed regions in (m_Z′, g) and (m_DM, y), and the table of allowed ranges."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from darkbeauty.likelihoods import likelihood
from darkbeauty.models import resolve_model
from darkbeauty.report.deck.product import (
    BENCHMARKS,
    FOUND,
    RELIC,
    REST,
    Product,
    allowed,
    pulls,
    sobol,
    span,
)
from darkbeauty.report.limit_lines import draw_lines
from darkbeauty.units import percent

MODEL = "lmu_ltau_s1"
FLAVOUR = ("R_K", "R_K*", "BR(B->Xsgamma)")
LATER = (
    *("DeltaM_s", "BR(B+->Knunu)", "trident CCFR", "a_mu", "limit BaBar 4mu", "limit Belle II invisible 2019"),
    *("limit LHCb B+->KX(mumu)", "limit LHCb B0->K*X(mumu)", "limit BaBar B->KX(inv)", "limit BaBar B->K*X(inv)"),
)
"""What the slides' allowed regions do not use."""
POINTS, CELLS = 2**15, 25
DECOUPLED = {"y": 1e-6, "g": 1e-4, "m_zp": 6.0, "m_dm": 1.0}
RANGES = {"y": (0.01, 2.0, True), "g": (1e-4, 1e-2, True), "m_zp": (1.0, 6.0, False), "m_dm": (0.1, 2.5, False)}


def make() -> Product:
    """Sobol points of the slides' box that pass, one after the other, their flavour data, the relic density, and everything else."""
    lik = likelihood(MODEL, None, terms=(*FLAVOUR, "Omega_h2", *LATER))
    points = {name: np.append(values, DECOUPLED[name]) for name, values in _points().items()}
    size, _ = pulls(lik, points)
    points = {name: values[:-1] for name, values in points.items()}
    passed = {name: allowed(size[name], -1)[:-1] for name in size} | {"Omega_h2": size["Omega_h2"][:-1] < 2.0}
    flavour = np.all([passed[name] for name in FLAVOUR], axis=0)
    stages = {
        r"$R_{K^{(*)}}$, $B\to X_s\gamma$": (flavour, FOUND),
        "and relic density": (flavour & passed["Omega_h2"], RELIC),
        "and all else": (np.all(list(passed.values()), axis=0), REST),
    }
    rows: list[tuple[str, ...]] = [("slides", "0 – 2.0", "0 – 0.01", "0 – 2.5", "1 – 6", "")]
    for label, (inside, _) in zip(("flavour data of the slides", "and Ωh²", "and all else"), stages.values()):
        spans = (span(points[name][inside]) for name in ("y", "g", "m_dm", "m_zp"))
        rows.append((label, *spans, percent(inside.mean())))
    columns = ("constraints", "y", "g", "m_dm [GeV]", "m_zp [GeV]", "of the points")
    return Product(_draw(points, stages), columns, tuple(rows))


def _points() -> dict[str, np.ndarray]:
    """Even in the box; half of the points moved to masses near the resonance, where the relic density can be right."""
    points = sobol(POINTS, {**RANGES, "r": (-0.25, 0.1, False), "pick": (0.0, 1.0, False)})
    near = points["m_zp"] / 2.0 * (1.0 + points.pop("r"))
    moved = (points.pop("pick") < 0.5) & (near < RANGES["m_dm"][1])
    return {**points, "m_dm": np.where(moved, near, points["m_dm"])}


def _draw(points: dict[str, np.ndarray], stages: dict) -> Figure:
    axis_of = resolve_model(MODEL).axis
    figure = Figure(figsize=(10.4, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    (words, (flavour, _)), *later = stages.items()
    for axis, x, y in ((left, "m_zp", "g"), (right, "m_dm", "y")):
        axis.set(xlabel=axis_of(x), ylabel=axis_of(y), yscale="log", xlim=RANGES[x][:2])
        image = _shade(axis, points[x], points[y], RANGES[x], RANGES[y], flavour)
        for size, (label, (inside, colour)) in zip((2.5, 4.0), later):
            axis.plot(points[x][inside], points[y][inside], ".", ms=size, color=colour, label=label, rasterized=True)
        for name, point in BENCHMARKS.items():
            axis.plot(point[x], point[y], "*", ms=11, mfc="white", mec="black")
            axis.annotate(name, (point[x], point[y]), xytext=(5, -11), textcoords="offset points", fontsize=9)
    left.set_ylim(1e-4, 1e-2)
    right.set_ylim(1e-2, 2.2)
    draw_lines(left, resolve_model(MODEL), {"y": 0.0, "m_dm": 1.0}, RANGES["m_zp"][:2], RANGES["g"][:2])
    figure.colorbar(image, ax=[left, right], label=f"share of points with {words}")
    for axis in (left, right):
        axis.legend(fontsize=7, markerscale=3, loc="lower right")
    return figure


def _shade(axis: Axes, x: np.ndarray, y: np.ndarray, x_range: tuple, y_range: tuple, inside: np.ndarray) -> QuadMesh:
    """Share of the points of every cell that are inside."""
    edges = np.linspace(x_range[0], x_range[1], CELLS + 1), np.geomspace(y_range[0], y_range[1], CELLS + 1)
    kept, every = (np.histogram2d(x[of], y[of], edges)[0] for of in (inside, slice(None)))
    return axis.pcolormesh(
        *edges, (kept / np.maximum(every, 1)).T, cmap="Blues", alpha=0.6, vmin=0.0, vmax=1.0, rasterized=True
    )
