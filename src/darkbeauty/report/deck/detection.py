"""Both models: cross sections on nucleons against the mass of dark matter, with the limits of experiments."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.inputs.limits import limit_records
from darkbeauty.models import resolve_model
from darkbeauty.report.deck.product import BENCHMARK_B, BENCHMARKS, Product
from darkbeauty.report.many_points import evaluate

SPREAD = {"lmu_ltau_s1": (0.1, 0.3, 1.0, 2.0), "le_lmu_r2": (0.3, 1.1, 3.0)}
MASSES = {"lmu_ltau_s1": (0.3, 10.0), "le_lmu_r2": (50.0, 499.0)}
ZETA = (1e-3, 1e-2)
"""Range of sin ζ in the slides."""


def spin_dependent() -> Product:
    """σ_SD on protons and neutrons for several y."""
    figure = Figure(figsize=(10.5, 4.2), layout="constrained")
    rows = []
    for axis, (name, bench) in zip(
        figure.subplots(1, 2), (("lmu_ltau_s1", BENCHMARKS["I"]), ("le_lmu_r2", BENCHMARK_B))
    ):
        low, high = MASSES[name]
        mass = np.geomspace(low, high, 60)
        for y in SPREAD[name]:
            points = {**{k: v + 0.0 * mass for k, v in bench.items()}, "m_dm": mass, "y": y + 0.0 * mass}
            table = evaluate(name, ("sigma_SD(p)", "sigma_SD(n)"), points)
            (line,) = axis.plot(mass, table[:, 0], label=f"y = {y:g}")
            axis.plot(mass, table[:, 1], "--", color=line.get_color())
        _limits(axis, "sigma_SD(p)", low, high, "-")
        _limits(axis, "sigma_SD(n)", low, high, "--")
        axis.set(
            xscale="log",
            yscale="log",
            xlabel=resolve_model("lmu_ltau_s1").axis("m_dm"),
            ylabel=r"$\sigma_{SD}$ [cm$^2$]",
            title=name,
        )
        axis.plot([], [], "--", color="0.3", label="on neutrons")
        axis.legend(fontsize=7, loc="upper right" if name == "lmu_ltau_s1" else "lower right")
        for convention in ("canonical", "printed"):
            model = resolve_model(name, convention=convention)
            sigma = evaluate(model, ("sigma_SD(p)", "sigma_SD(n)"), {k: np.array([v]) for k, v in bench.items()})[0]
            rows.append((name, convention, *(f"{value:.2e}" for value in sigma)))
    return Product(figure, ("benchmark of", "convention", "σ_SD(p) [cm²]", "σ_SD(n) [cm²]"), tuple(rows))


def spin_independent() -> Product:
    """σ_SI of model Le−Lμ through H1 and H2, for the slides' range of the scalar mixing."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axis = figure.subplots()
    low, high = MASSES["le_lmu_r2"]
    mass = np.geomspace(low, high, 60)
    rows = []
    for zeta in ZETA:
        points = {**{k: v + 0.0 * mass for k, v in BENCHMARK_B.items()}, "m_dm": mass, "sin_zeta": zeta + 0.0 * mass}
        table = evaluate("le_lmu_r2", ("sigma_SI(p)",), points)[:, 0]
        axis.plot(mass, table, label=rf"$\sin\zeta = {zeta:g}$")
        rows.append((f"{zeta:g}", f"{np.interp(BENCHMARK_B['m_dm'], mass, table):.2e}"))
    _limits(axis, "sigma_SI", low, high, "-")
    axis.axvline(BENCHMARK_B["m_dm"], color="0.6", linewidth=0.8)
    axis.set(
        xscale="log", yscale="log", xlabel=resolve_model("lmu_ltau_s1").axis("m_dm"), ylabel=r"$\sigma_{SI}^p$ [cm$^2$]"
    )
    axis.legend(fontsize=7)
    return Product(figure, ("sin ζ", "σ_SI(p) at the benchmark [cm²]"), tuple(rows))


def _limits(axis: Axes, quantity: str, low: float, high: float, style: str) -> None:
    """Every limit on a quantity that was read in a source, where its masses overlap the picture's."""
    for number, (name, record) in enumerate(limit_records().items()):
        if record["quantity"] == quantity and record["use"] == "fit":
            mass, value = np.array(record["mass"]), np.array(record["value"])
            inside = (mass > 0.7 * low) & (mass < 1.4 * high)
            if inside.sum() > 1:
                axis.plot(mass[inside], value[inside], style, color="0.45", linewidth=0.9)
                place = np.flatnonzero(inside)[len(mass[inside]) * (1 + number % 3) // 4]
                axis.annotate(name.rsplit(" ", 1)[0], (mass[place], value[place]), fontsize=6, color="0.35")
    axis.set_xlim(low, high)
