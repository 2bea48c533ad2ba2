"""Missing-energy spectra of a run: dBR/dq² of B → K, K* and B_s → φ with νν̄ and dark matter, over draws of the posterior."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from darkbeauty.flavour.spectrum import smeared
from darkbeauty.models import Model, resolve_model
from darkbeauty.numerics.compiled import compiled
from darkbeauty.report.figures import FILL, INK
from darkbeauty.report.result import Result

MODES = {
    "B+->K": r"$B^+\to K^+ E_\mathrm{miss}$",
    "B0->K*": r"$B^0\to K^{*0} E_\mathrm{miss}$",
    "Bs->phi": r"$B_s\to \phi\, E_\mathrm{miss}$",
}
DRAWS, POINTS, RESOLUTION, END = 60, 96, 0.5, 24.0
"""Draws of a band, points in q², Gaussian resolution of q² [GeV²] (for the picture: no experiment's), upper end of the axis [GeV²]."""


def spectrum(model: Model, points: dict[str, np.ndarray], q2: np.ndarray, mode: str, pair: str) -> np.ndarray:
    """Smeared dBR/dq² at every parameter point, shape (n, len(q2)).   [GeV⁻²]"""

    def at_point(model: Model, values: dict[str, jax.Array]) -> jax.Array:
        p = model.at(values).derive()
        return jax.vmap(lambda x: smeared(p, x, RESOLUTION, mode, pair))(jnp.asarray(q2))

    run = compiled(lambda model, points: jax.lax.map(lambda v: at_point(model, v), points))
    return np.asarray(run(model, {name: jnp.asarray(values) for name, values in points.items()}))


def spectra(result: Result) -> Figure:
    """Median, 68 % and 95 % band of every mode, and the Standard Model."""
    draws = result.points(DRAWS)
    points = {name: np.array([draw[name] for draw in draws]) for name in draws[0]}
    q2 = np.linspace(0.0, END, POINTS)
    figure = Figure(figsize=(11.0, 3.4), layout="constrained")
    for axis, (mode, title) in zip(figure.subplots(1, len(MODES)), MODES.items()):
        table = spectrum(result.fit.model, points, q2, mode, "inv")
        for (low, high), alpha, label in (((2.5, 97.5), 0.25, "95 %"), ((16.0, 84.0), 0.5, "68 %")):
            a, b = np.percentile(table, [low, high], axis=0)
            axis.fill_between(q2, a, b, color=FILL, alpha=alpha, linewidth=0, label=f"posterior {label}")
        axis.plot(q2, np.median(table, axis=0), color=INK, linewidth=1.4, label="median")
        axis.plot(q2, standard_model(q2, mode), color="black", linewidth=1.0, linestyle="--", label="Standard Model")
        axis.set_title(title, fontsize=10)
        axis.set_xlabel(r"$q^2$ [GeV$^2$]")
        axis.set_yscale("log")
        axis.set_ylim(1e-8, 3.0 * max(float(np.max(np.percentile(table, 97.5, axis=0))), 1e-6))
    figure.axes[0].set_ylabel(r"dBR/d$q^2$ [GeV$^{-2}$]")
    figure.axes[0].legend(fontsize=8, frameon=False)
    return figure


def standard_model(q2: np.ndarray, mode: str) -> np.ndarray:
    """Smeared dBR/dq² of νν̄ in the Standard Model.   [GeV⁻²]"""
    return spectrum(resolve_model("wet"), {"C9_bsmumu": np.zeros(1)}, q2, mode, "nunu")[0]
