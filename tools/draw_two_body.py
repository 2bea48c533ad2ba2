"""Draw docs/pictures/belle2_two_body.png: what Belle II's counts say of B⁺ → K⁺X, an invisible particle beside the Standard Model's neutrinos, in the plane (m_X, BR).

python tools/draw_two_body.py           draws, and prints the best fit and upper limits for Markdown
"""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
from matplotlib.figure import Figure

jax.config.update("jax_enable_x64", True)

from darkbeauty.likelihoods import TERMS  # noqa: E402
from darkbeauty.likelihoods.counts import Counts  # noqa: E402
from darkbeauty.report.pictures import save  # noqa: E402

PICTURE = Path(__file__).parents[1] / "docs/pictures/belle2_two_body.png"
MASSES, BRANCHINGS = np.arange(0.0, 4.76, 0.025), np.arange(0.0, 3.001e-5, 2e-7)
LEVELS = (2.30, 5.99)
"""Δ(−2 ln L) of 68 % and 95 % in two dimensions."""
LIMIT = 2.706
"""Of a one-sided upper limit of 95 %."""
CHARMONIA = ((2.93, 3.20), (3.61, 3.77))
"""m_X that LHCb's search for B → K(*)X(→ μμ) leaves out [GeV]."""
PUBLISHED = (2.1, (0.1, 0.2), 9.2e-6, (3.4e-6, 1.8e-6))
"""m_X and BR with their errors (lower, upper), Γ_X = 0.1 GeV, arXiv:2507.12393."""


def deviances() -> np.ndarray:
    """−2 ln L, shape (masses, branchings): the line at q² = m² is shared by the tents that hold it."""
    histogram = TERMS["Belle II B+->K+nunu"].read()
    density = np.concatenate([np.zeros(2), histogram.reference, np.zeros(2)])
    neutrinos = (density[:-2] + 6.0 * density[1:-1] + density[2:]) / 8.0
    tents = np.array([np.interp(MASSES**2, histogram.knots, row) for row in np.eye(len(histogram.knots))]).T
    spectra = neutrinos + BRANCHINGS[:, None] * tents[:, None, :]
    part = Counts.of(histogram, "BR(B+->Knunu)")
    return -2.0 * np.asarray(jax.jit(jax.vmap(jax.vmap(part.log_prob_of)))(spectra))


def draw(value: np.ndarray) -> Figure:
    figure = Figure(figsize=(5.2, 3.6))
    axes = figure.subplots()
    relative = (value - value.min()).T
    axes.contourf(MASSES, 1e5 * BRANCHINGS, relative, levels=(0.0, *LEVELS), colors=("#33658a", "#a9c4db"))
    at_best = value.min(axis=1)
    limit = [
        np.interp(LIMIT, (row - low)[np.argmin(row) :], BRANCHINGS[np.argmin(row) :], right=np.nan)
        for row, low in zip(value, at_best)
    ]
    axes.plot(MASSES, 1e5 * np.array(limit), color="black", lw=1.2, label="upper limit at this mass, 95 %")
    m, m_error, branching, error = PUBLISHED
    axes.errorbar(
        [m],
        [1e5 * branching],
        xerr=np.array(m_error)[:, None],
        yerr=1e5 * np.array(error)[:, None],
        color="#d1495b",
        marker="s",
        ms=4,
        lw=1.2,
        label="Belle II's own, Γ = 0.1 GeV",
    )
    i, j = np.unravel_index(np.argmin(value), value.shape)
    axes.plot(MASSES[i], 1e5 * BRANCHINGS[j], "+", color="white", ms=9, mew=2)
    for low, high in CHARMONIA:
        axes.axvspan(low, high, color="0.85", zorder=0, lw=0)
    axes.set(xlim=(0.0, MASSES[-1]), ylim=(0.0, 3.0), xlabel="$m_X$ [GeV]", ylabel=r"BR$(B^+\to K^+X)\ [10^{-5}]$")
    axes.legend(frameon=False, loc="upper left", fontsize=8)
    rows = [0.0, 1.0, 2.0, 2.5, 3.1, 3.7, 4.2]
    print(
        f"best: m_X = {MASSES[i]:.2f} GeV, BR = {BRANCHINGS[j]:.2e}; below the Standard Model by {value[0, 0] - value.min():.1f}"
    )
    for mass in rows:
        place = int(np.argmin(np.abs(MASSES - mass)))
        best = int(np.argmin(value[place]))
        print(
            f"| {mass:g} | {BRANCHINGS[best]:.1e} | {value[place, 0] - value[place, best]:.1f} | {limit[place]:.1e} |"
        )
    return figure


if __name__ == "__main__":
    save(draw(deviances()), PICTURE, 150)
