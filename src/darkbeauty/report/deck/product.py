"""What a figure of the slides is made of, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import qmc

from darkbeauty.likelihoods import Likelihood
from darkbeauty.numerics.compiled import compiled
from darkbeauty.report.many_points import BATCH

BENCHMARKS = {
    "I": {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7},
    "II": {"y": 2.0, "g": 0.008, "m_zp": 4.8, "m_dm": 1.8},
}
BENCHMARK_B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
"""The points of the slides' tables."""


def benchmarks_of(model: str) -> Mapping[str, Mapping[str, float]]:
    """The slides' points of a model, by their names."""
    return {"lmu_ltau_s1": BENCHMARKS, "le_lmu_r2": {"benchmark": BENCHMARK_B}}.get(model, {})


FOUND, RELIC, REST = "#aed6f1", "#e59866", "#943126"
"""Colours of points that pass the first, the second and the last set of constraints."""


@dataclass(frozen=True)
class Product:
    """A recomputed figure, with the numbers it shows as a table."""

    figure: Figure
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Exhibit:
    """One figure of the slides: its name, what it is, and how it is made."""

    name: str
    title: str
    make: Callable[[], Product]


def pulls(lik: Likelihood, points: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Largest |pull| of every term (term → (n,)), and predictions (n, observables)."""
    batch = compiled(lambda lik, points: jax.lax.map(lik.predictions, points, batch_size=BATCH))
    table = np.asarray(batch(lik, {name: jnp.asarray(values) for name, values in points.items()}))
    size = {term.name: lik.alone(span).worst(table[:, slice(*span)]) for term, span in zip(lik.terms, lik.slices)}
    return size, table


def allowed(size: np.ndarray, decoupled: int, within: float = 2.0) -> np.ndarray:
    """Points within so many standard deviations, or no worse than the Standard Model, which is the point at `decoupled`."""
    return size <= max(within, 1.001 * size[decoupled])


def sobol(n: int, ranges: Mapping[str, tuple[float, float, bool]]) -> dict[str, np.ndarray]:
    """n even points of a box, n a power of two; ranges: name → (low, high, logarithmic)."""
    shift = np.random.default_rng(1).random(len(ranges))
    unit = (qmc.Sobol(len(ranges), scramble=False).random(n) + shift) % 1.0
    columns = zip(ranges.items(), unit.T)
    return {name: low * (high / low) ** u if log else low + u * (high - low) for (name, (low, high, log)), u in columns}


def numbers(*values: float) -> tuple[str, ...]:
    """Three significant digits."""
    return tuple(f"{value:.3g}" for value in values)


def span(values: np.ndarray) -> str:
    """Smallest to largest, or what is said where there is none."""
    return f"{values.min():.3g} – {values.max():.3g}" if values.size else "none"
