"""Model Lμ−Lτ: b → s and missing energy of the two benchmarks."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from darkbeauty.models import resolve_model
from darkbeauty.prediction import predict
from darkbeauty.report.deck.product import BENCHMARKS, Product
from darkbeauty.report.spectra import END, MODES, RESOLUTION, spectrum, standard_model

RATES = {"B+->K": "BR(B+->K{})", "B0->K*": "BR(B0->K*{})", "Bs->phi": "BR(Bs->phi{})"}
COLOURS = {"I": "#c0392b", "II": "#2471a3"}


def make() -> Product:
    """dBR/dq², smeared as everywhere here so that an on-shell Z′ can be drawn, and the branching fractions."""
    q2 = np.linspace(0.0, END, 160)
    figure = Figure(figsize=(11.0, 3.4), layout="constrained")
    axes = figure.subplots(1, len(MODES))
    points = {name: np.array([point[name] for point in BENCHMARKS.values()]) for name in BENCHMARKS["I"]}
    for axis, (mode, title) in zip(axes, MODES.items()):
        table = spectrum(resolve_model("lmu_ltau_s1"), points, q2, mode, "inv")
        axis.plot(q2, standard_model(q2, mode), color="black", linestyle="--", label="Standard Model")
        for name, row in zip(BENCHMARKS, table):
            axis.plot(q2, row, color=COLOURS[name], label=f"benchmark {name}")
        axis.set(yscale="log", ylim=(1e-8, 5.0 * table.max()), xlabel=r"$q^2$ [GeV$^2$]", title=title)
    axes[0].set_ylabel(r"dBR/d$q^2$ [GeV$^{-2}$], " + rf"$\sigma(q^2) = {RESOLUTION}$ GeV$^2$", fontsize=8)
    axes[0].legend(fontsize=8, frameon=False)
    return Product(figure, ("mode", "Standard Model", "I", "of it N N", "II", "of it N N"), tuple(_table()))


def _table() -> list[tuple[str, ...]]:
    labels = [form.format(pair) for form in RATES.values() for pair in ("nunu", "inv", "NN")]
    sm = predict("wet", {}, [form.format("nunu") for form in RATES.values()])
    by_benchmark = {name: predict("lmu_ltau_s1", point, labels) for name, point in BENCHMARKS.items()}
    rows = []
    for mode, form in RATES.items():
        cells = [sm[form.format("nunu")]]
        for result in by_benchmark.values():
            cells += [result[form.format("inv")], result[form.format("NN")]]
        rows.append((f"{mode} E_miss", *(f"{cell:.2e}" for cell in cells)))
    return rows
