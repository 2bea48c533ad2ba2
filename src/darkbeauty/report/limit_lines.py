"""Lines of experiments in the plane of the mass and the coupling of a Z′: above them the model is excluded, or would be; inside of them where a search sees kinetic mixing, at windows of mass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes

from darkbeauty.inputs.limits import limit_observable, limit_records, searches
from darkbeauty.likelihoods import TERMS
from darkbeauty.likelihoods.term import gaussian
from darkbeauty.models import Model
from darkbeauty.models.base import sectors_of
from darkbeauty.report.many_points import evaluate

PLANE = ("m_zp", "g")
MASSES, COUPLINGS = 40, 60
DIRECT = ("g", "epsilon")
"""What searches limit that look for the Z′ itself."""


def has_lines(model: Model, names: tuple[str, ...]) -> bool:
    """Whether there are lines in a plane of a model."""
    return names == PLANE and sectors_of(model).z_prime is not None


def levels() -> dict[str, tuple[str, float]]:
    """Name of every line → observable, and its value on the line: 2σ above the measured trident, a measurement of it by DUNE 2σ above 1, 3σ above the measured (g−2)_μ, 1 of a limit."""
    measured = {term.name: term.data() for term in gaussian(TERMS[name] for name in ("trident CCFR", "a_mu"))}
    above = lambda name, n: float(measured[name].values[0] + n * measured[name].covariance[0, 0] ** 0.5)
    projected = float(limit_records()["DUNE trident"]["value"])
    lines = {
        "CCFR": ("trident(CCFR)", above("trident CCFR", 2.0)),
        "DUNE (projection)": ("trident(DUNE)", 1.0 + 2.0 * projected),
        r"$(g-2)_\mu$, $3\sigma$": ("a_mu(NP)", above("a_mu", 3.0)),
    }
    direct = [search.name for search in searches() if search.quantity in DIRECT]
    return lines | {name: (limit_observable(name), 1.0) for name in direct}


def draw_lines(
    axis: Axes, model: Model, others: Mapping[str, float], mass: tuple[float, float], coupling: tuple[float, float]
) -> None:
    """Every line that crosses the plane, with a label.

    Args     others: values of the other parameters; mass, coupling: ends of the axes
    """
    masses, couplings = np.linspace(*mass, MASSES), np.geomspace(*coupling, COUPLINGS)
    x, y = (grid.ravel() for grid in np.meshgrid(masses, couplings))
    points = {"m_zp": x, "g": y, **{name: np.full(x.shape, value) for name, value in others.items()}}
    lines = levels()
    table = evaluate(model, tuple(observable for observable, _ in lines.values()), points)
    for (name, (_, level)), column, colour in zip(lines.items(), table.T, colormaps["tab20"].colors):  # pyright: ignore[reportAttributeAccessIssue]
        height = np.ma.masked_invalid(column.reshape(COUPLINGS, MASSES) / level)
        if height.min() < 1.0 < height.max():
            axis.contour(masses, couplings, height, levels=[1.0], colors=[colour], linewidths=1.0).set_gid(name)
            axis.plot([], [], color=colour, label=name)
