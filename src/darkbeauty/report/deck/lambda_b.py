"""Model Le−Lμ: Λ_b → Λ*(1520)(→ pK⁻) μ⁺μ⁻ in the Standard Model and at the benchmark."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from darkbeauty.prediction import predict
from darkbeauty.report.deck.product import BENCHMARK_B, Product
from darkbeauty.report.many_points import evaluate

PROCESS = "Lambdab->Lambda(1520)mumu"
SHOWN = {"dBR/dq2": r"dB/d$q^2$ [GeV$^{-2}$]", "FL": r"$F_L$", "AFBl": r"$A_{FB}^\ell$"}
WINDOWS, LATTICE = ((0.2, 8.5), (10.1, 12.8), (14.0, 16.7)), ((16.0, 16.7),)
"""q² [GeV²] away from the charmonia, and where the lattice form factors are trustworthy."""
BINS = ((1.1, 6.0), (16.0, 16.8))


def make() -> Product:
    """dB/dq², F_L and A_FB: quark-model form factors over all q², lattice ones near the end point."""
    figure = Figure(figsize=(11.5, 3.6), layout="constrained")
    axes = figure.subplots(1, len(SHOWN))
    points = {name: np.array([0.0 if name == "y" else value, value]) for name, value in BENCHMARK_B.items()}
    for suffix, windows, style in ((";MCN", WINDOWS, "-"), ("", LATTICE, "--")):
        for window in windows:
            q2 = np.linspace(*window, 24)
            labels = tuple(f"{name}({PROCESS}{suffix})[{x:.6g}]" for name in SHOWN for x in q2)
            table = evaluate("le_lmu_r2", labels, points).reshape(2, len(SHOWN), len(q2))
            for axis, (sm, new) in zip(axes, table.swapaxes(0, 1)):
                first = window == windows[0]
                kind = "lattice" if not suffix else "quark model"
                axis.plot(q2, sm, style, color="black", label=f"SM, {kind}" if first else None)
                axis.plot(q2, new, style, color="#c0392b", label=f"benchmark, {kind}" if first else None)
    for axis, label in zip(axes, SHOWN.values()):
        axis.set(xlabel=r"$q^2$ [GeV$^2$]", ylabel=label)
    axes[0].legend(fontsize=7)
    return Product(figure, ("observable", "Standard Model", "benchmark"), tuple(_table()))


def _table() -> list[tuple[str, ...]]:
    def label(name: str, low: float, high: float) -> str:
        suffix = ";MCN" if high < 14.0 else ""
        return f"<{name}>({PROCESS}{suffix})[{low:g},{high:g}]"

    labels = [label(name, *edges) for edges in BINS for name in SHOWN]
    sm, new = (predict("le_lmu_r2", {**BENCHMARK_B, **change}, labels) for change in ({"y": 0.0}, {}))
    return [(f"`{name}`", f"{sm[name]:.3g}", f"{new[name]:.3g}") for name in labels]
