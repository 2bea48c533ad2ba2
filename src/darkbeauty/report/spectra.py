"""Missing-energy spectra of a run: dBR/dq² of B → K, K* and B_s → φ with νν̄ and dark matter, over draws of the posterior."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from darkbeauty.flavour.spectrum import smeared
from darkbeauty.models import Model, resolve_model
from darkbeauty.numerics.compiled import compiled
from darkbeauty.report.pictures import FILL, INK, LIGHT, PAGE, styled
from darkbeauty.report.result import Result

MODES = {
    "B+->K": r"$B^+\to K^+ E_\mathrm{miss}$",
    "B0->K*": r"$B^0\to K^{*0} E_\mathrm{miss}$",
    "Bs->phi": r"$B_s\to \phi\, E_\mathrm{miss}$",
}
FEWEST, DRAWS, BATCH, SHOWN, POINTS, RESOLUTION, END = 500, 1500, 20, 30, 64, 0.5, 24.0
"""Draws of a band, at least and at most, and at once; those drawn as lines where there is none; points in q², Gaussian resolution of q² [GeV²] (for the picture: no experiment's),
upper end of the axis [GeV²]."""


def spectrum(model: Model, points: dict[str, np.ndarray], q2: np.ndarray, mode: str, pair: str) -> np.ndarray:
    """Smeared dBR/dq² at every parameter point, shape (n, len(q2)).   [GeV⁻²]"""

    def at_point(model: Model, values: dict[str, jax.Array]) -> jax.Array:
        p = model.at(values).derive()
        return jax.vmap(lambda x: smeared(p, x, RESOLUTION, mode, pair))(jnp.asarray(q2))

    run = compiled(lambda model, points: jax.lax.map(lambda v: at_point(model, v), points, batch_size=BATCH))
    return np.asarray(run(model, {name: jnp.asarray(values) for name, values in points.items()}))


@styled
def spectra(result: Result) -> Figure:
    """Median, 68 % and 95 % band of every mode, and the Standard Model; of fewer than FEWEST draws, some of them instead of bands."""
    draws = result.points(DRAWS)
    points = {name: np.array([draw[name] for draw in draws]) for name in draws[0]}
    q2 = np.linspace(0.0, END, POINTS)
    figure = Figure(figsize=(PAGE, 2.4), layout="constrained")
    for axis, (mode, title) in zip(figure.subplots(1, len(MODES)), MODES.items()):
        table = spectrum(result.fit.model, points, q2, mode, "inv")
        if has_bands(result):
            _bands(axis, q2, table)
        else:
            axis.plot(q2, table[:: -(-len(table) // SHOWN)].T, color=FILL, linewidth=0.5)
        axis.plot(q2, standard_model(q2, mode), color="black", linestyle="--", label="Standard Model")
        axis.set(title=title, xlabel=r"$q^2$ [GeV$^2$]", yscale="log", xlim=(0.0, END))
        axis.set_ylim(1e-8, 3.0 * max(float(np.max(np.percentile(table, 97.5, axis=0))), 1e-6))
    figure.axes[0].set_ylabel(r"$dB/dq^2$ [GeV$^{-2}$]")
    figure.axes[0].legend()
    return figure


def has_bands(result: Result) -> bool:
    """Whether there are draws enough for bands."""
    return next(iter(result.draws.values())).size >= FEWEST


def _bands(axis: Axes, q2: np.ndarray, table: np.ndarray) -> None:
    for (low, high), colour, label in (((2.5, 97.5), LIGHT, "95 %"), ((16.0, 84.0), FILL, "68 %")):
        a, b = np.percentile(table, [low, high], axis=0)
        axis.fill_between(q2, a, b, color=colour, linewidth=0, label=label)
    axis.plot(q2, np.median(table, axis=0), color=INK, label="median")


def standard_model(q2: np.ndarray, mode: str) -> np.ndarray:
    """Smeared dBR/dq² of νν̄ in the Standard Model.   [GeV⁻²]"""
    return spectrum(resolve_model("wet"), {"C9_bsmumu": np.zeros(1)}, q2, mode, "nunu")[0]
