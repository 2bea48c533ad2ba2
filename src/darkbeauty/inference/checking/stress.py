"""How a likelihood behaves all over its prior: points without likelihood and why, values that are not finite, and what is slow."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.inference.checking.failures import name_causes
from darkbeauty.inference.coordinates import prior_points
from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.sharding import Spread
from darkbeauty.likelihoods import Fit, Likelihood, checked_seed
from darkbeauty.numerics.compiled import compiled

Point = dict[str, float]
SLOW, SHOWN, MOST = 5.0, 5, 10**7
"""A point is slow where it takes so many times the median; so many of the slowest are shown."""


@dataclass(frozen=True)
class SlowSpot:
    """A slow point: its time [ms] (the best of three), and its parameters."""

    milliseconds: float
    point: Point


@dataclass(frozen=True)
class Stress:
    """Prior draws and what became of them.

    without_likelihood: how many have log L = −∞, by cause; not_finite: how many have a value (other than −∞) or a gradient that is not finite, by
    cause, and `worst`, the first few of these; milliseconds: median and 99 % of the time of value and gradient at one point.
    """

    points: int
    without_likelihood: dict[str, int]
    not_finite: dict[str, int]
    worst: tuple[Point, ...]
    milliseconds: tuple[float, float]
    slow: tuple[SlowSpot, ...]

    @property
    def passed(self) -> bool:
        """Whether everything is finite that must be."""
        return not self.not_finite


def stress(
    fit: Fit, points: int, seed: int | None = None, progress: Callable[[int], None] = lambda done: None
) -> Stress:
    """Value and gradient of the log-likelihood at draws of the prior, one by one, so that each has its time."""
    key = jax.random.key(checked_seed(fit, seed, {"points": (points, 1, MOST)}))
    lik = Posterior.of(fit, marginal=True).likelihood
    table = prior_points(fit.priors, jax.random.uniform(key, (points, len(fit.priors)), float))
    rows = [{name: jnp.asarray(column[i]) for name, column in table.items()} for i in range(points)]
    both = compiled(lambda lik, values: jax.value_and_grad(lik.log_prob)(values))
    jax.block_until_ready(both(lik, rows[0]))
    values, slopes, seconds = np.zeros(points), np.zeros((points, len(table))), np.zeros(points)
    for i, row in enumerate(rows):
        value, slope = _timed(both, lik, row, seconds, i)
        values[i], slopes[i] = value, [slope[name] for name in table]
        progress(i + 1)
    steep = ~np.all(np.isfinite(slopes), axis=1)
    bad = np.flatnonzero(steep | np.isnan(values) | (values == np.inf))
    dead = np.flatnonzero(values == -np.inf)
    worst = tuple({name: float(column[i]) for name, column in table.items()} for i in bad[:SHOWN])
    median = float(np.median(seconds))
    slow = [i for i in np.argsort(-seconds)[:SHOWN] if seconds[i] > SLOW * median]
    spots = [SlowSpot(1e3 * _again(both, lik, rows[i]), {name: float(c[i]) for name, c in table.items()}) for i in slow]
    return Stress(
        points,
        _causes(lik, table, dead),
        {f"value or gradient: {cause}": count for cause, count in _causes(lik, table, bad).items()},
        worst,
        (1e3 * median, 1e3 * float(np.quantile(seconds, 0.99))),
        tuple(spot for spot in spots if spot.milliseconds > 1e3 * SLOW * median),
    )


def _timed(function: Callable, lik: Likelihood, row: dict, seconds: np.ndarray, i: int) -> tuple:
    begun = time.perf_counter()
    result = jax.block_until_ready(function(lik, row))
    seconds[i] = time.perf_counter() - begun
    return result


def _again(function: Callable, lik: Likelihood, row: dict) -> float:
    """Best of three times, so that a slow spot is one of the likelihood and not of the machine."""
    seconds = np.zeros(3)
    for i in range(3):
        _timed(function, lik, row, seconds, i)
    return float(seconds.min())


def _causes(lik: Likelihood, table: dict[str, np.ndarray], places: np.ndarray) -> dict[str, int]:
    """Causes of the points at some places, most frequent first; the predictions are compiled only if there is something to explain."""
    if not len(places):
        return {}
    ended = Spread(lambda lik, values: lik.evaluate(values), lik)(
        {name: column[places] for name, column in table.items()}
    )
    return dict(Counter(name_causes(lik, ended.value, ended.status)).most_common())
