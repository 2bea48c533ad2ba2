"""Model Lμ−Lτ: relic density against the mass of dark matter, as printed and as it is."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from darkbeauty.models import resolve_model
from darkbeauty.report.deck.product import BENCHMARKS, Product, numbers
from darkbeauty.report.many_points import evaluate
from darkbeauty.report.relic_figures import measured

CURVES = {"I": "#c0392b", "II": "#2471a3"}
SIDE = 90


def make() -> Product:
    """Ωh² along m_DM with the rest of each benchmark; nodes gather at the resonance m_Z′ = 2 m_DM."""
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axis = figure.subplots()
    value, error = measured()
    axis.axhspan(value - error, value + error, color="0.8", label=rf"$\Omega h^2 = {value:g} \pm {error:.3f}$")
    rows = []
    for convention, style in (("canonical", "-"), ("printed", ":")):
        model = resolve_model("lmu_ltau_s1", convention=convention)
        for name, colour in CURVES.items():
            point = BENCHMARKS[name]
            mass = _masses(point["m_zp"] / 2.0, point["m_dm"])
            table = evaluate(
                model, ("Omega_h2", "x_f"), {**{k: v + 0.0 * mass for k, v in point.items()}, "m_dm": mass}
            )
            axis.plot(mass, table[:, 0], style, color=colour, label=f"benchmark {name}, {convention}")
            here = int(np.argmin(np.abs(mass - point["m_dm"])))
            axis.plot(point["m_dm"], table[here, 0], "*", color=colour, markersize=9)
            rows.append((name, convention, *numbers(*table[here]), _crossings(mass, table[:, 0], value)))
    axis.set(
        yscale="log",
        ylim=(1e-4, 1e5),
        xlim=(0.1, 3.0),
        xlabel=resolve_model("lmu_ltau_s1").axis("m_dm"),
        ylabel=r"$\Omega h^2$",
    )
    axis.legend(fontsize=8)
    return Product(figure, ("benchmark", "convention", "Ωh²", "x_f", "m_dm [GeV] of the measured Ωh²"), tuple(rows))


def _masses(resonance: float, marked: float) -> np.ndarray:
    """Masses from 0.1 to 3 GeV, dense on both sides of the resonance, the marked one among them."""
    distance = np.geomspace(1e-4, 1.0, SIDE)
    below, above = resonance - (resonance - 0.1) * distance, resonance + (3.0 - resonance) * distance
    return np.unique(np.concatenate([below, above, [resonance, marked]]))


def _crossings(mass: np.ndarray, omega: np.ndarray, value: float) -> str:
    height = np.log(omega / value)
    places = np.flatnonzero(height[1:] * height[:-1] < 0.0)
    crossings = mass[places] - height[places] * np.diff(mass)[places] / np.diff(height)[places]
    return ", ".join(f"{crossing:.5g}" for crossing in crossings)
