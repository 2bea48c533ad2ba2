"""Model Le−Lμ: regions allowed by dark matter, by b → sμμ, and by what the slides leave out, with their benchmark."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from darkbeauty.likelihoods import likelihood
from darkbeauty.models import resolve_model
from darkbeauty.prediction import predict
from darkbeauty.report.deck.product import BENCHMARK_B, FOUND, RELIC, REST, Product, allowed, pulls, sobol, span
from darkbeauty.units import percent

MODEL = "le_lmu_r2"
LATER = ("DeltaM_s", "BR(B->Xsgamma)", "R_K", "R_K*", "BR(B+->Knunu)", "trident CCFR", "LEP-II Bhabha")
IMPROVED = 5.99
"""Δχ² of two degrees of freedom at 95 %."""
POINTS = 2**14
RANGES = {
    "y": (0.1, 3.5449, False),
    "g": (0.01, 1.0, False),
    "m_zp": (100.0, 2000.0, False),
    "m_dm": (50.0, 499.0, False),
}
PLANES = (("m_zp", "g"), ("m_dm", "y"), ("m_zp", "m_dm"))


def make() -> Product:
    """Sobol points of the slides' box (m_DM below the heavier state) that pass one set of constraints after the other."""
    lik = likelihood(MODEL, None, terms=("b->smumu", "Omega_h2", *LATER))
    ends = {name: [value * (name != "y"), value] for name, value in BENCHMARK_B.items()}
    points = {name: np.append(values, ends[name]) for name, values in _points().items()}
    size, table = pulls(lik, points)
    chi2 = _chi2(lik, table)
    relic = (size["Omega_h2"] < 2.0) & (points["y"] > 0.0)
    flavour = relic & (chi2["b->smumu"] < chi2["b->smumu"].min() + IMPROVED)
    rest = flavour & np.all([allowed(size[name], -2) for name in LATER if name != "LEP-II Bhabha"], axis=0)
    rest &= chi2["LEP-II Bhabha"] < chi2["LEP-II Bhabha"].min() + 4.0
    stages = {"relic density": (relic, FOUND), r"and $b\to s\mu\mu$": (flavour, RELIC), "and all else": (rest, REST)}
    rows = []
    for label, (inside, _) in zip(("Ωh²", "and b → sμμ", "and all else"), stages.values()):
        spans = (span(points[name][inside]) for name in ("y", "g", "m_zp", "m_dm"))
        rows.append((label, *spans, percent(inside.mean())))
    rows += _benchmark(lik, table[-1], {name: (values[-2], values[-1]) for name, values in chi2.items()})
    columns = ("constraints", "y", "g", "m_zp [GeV]", "m_dm [GeV]", "of the points")
    return Product(_draw(points, stages), columns, tuple(rows))


def _points() -> dict[str, np.ndarray]:
    """Even in the box; half of the points moved to masses near the resonance."""
    points = sobol(POINTS, {**RANGES, "r": (-0.3, 0.3, False), "pick": (0.0, 1.0, False)})
    near = points["m_zp"] / 2.0 * (1.0 + points.pop("r"))
    moved = (points.pop("pick") < 0.5) & (near > 50.0) & (near < 499.0)
    return {**points, "m_dm": np.where(moved, near, points["m_dm"])}


def _chi2(lik, table: np.ndarray) -> dict[str, np.ndarray]:
    return {term.name: lik.alone(span).chi2(table[:, slice(*span)]) for term, span in zip(lik.terms, lik.slices)}


def _benchmark(lik, predictions: np.ndarray, chi2: dict[str, tuple[float, float]]) -> list[tuple[str, ...]]:
    """The benchmark of the slides: its coordinates, and χ² of every term that it misses by more than 2σ and the Standard Model does not."""
    number = dict(zip((request.label for request in lik.requests), predictions))
    c9 = predict(MODEL, BENCHMARK_B, ["C9(bsmumu)[6]"])["C9(bsmumu)[6]"].real
    point = tuple(f"{BENCHMARK_B[name]:g}" for name in ("y", "g", "m_zp", "m_dm"))
    rows = [("benchmark", *point, f"Ωh² = {number['Omega_h2']:.3f}, C₉ = {c9:.2f}")]
    missed = {name: pair for name, pair in chi2.items() if pair[1] > max(4.0, 1.01 * pair[0]) and name in LATER}
    words = "χ² = {1:.3g}, in the Standard Model {0:.3g}"
    return rows + [("benchmark against", name, words.format(*pair), "", "", "") for name, pair in missed.items()]


def _draw(points: dict[str, np.ndarray], stages: dict) -> Figure:
    axis_of = resolve_model(MODEL).axis
    figure = Figure(figsize=(12.0, 3.9), layout="constrained")
    for axis, (x, y) in zip(figure.subplots(1, len(PLANES)), PLANES):
        for size, (label, (inside, colour)) in zip((3.0, 5.0, 6.0), stages.items()):
            axis.plot(points[x][inside], points[y][inside], ".", ms=size, color=colour, label=label, rasterized=True)
        axis.plot(BENCHMARK_B[x], BENCHMARK_B[y], "*", ms=12, mfc="white", mec="black")
        axis.set(xlabel=axis_of(x), ylabel=axis_of(y), xlim=RANGES[x][:2], ylim=RANGES[y][:2])
    figure.axes[0].legend(fontsize=7)
    return figure
