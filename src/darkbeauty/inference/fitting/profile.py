"""Profile likelihood in one or two parameters, all others re-optimised at every point of a grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inference.fitting.forecast import forecast
from darkbeauty.inference.fitting.least_squares import Best, Minimiser, lowest, to_x
from darkbeauty.inference.posterior import Posterior
from darkbeauty.likelihoods import Fit, Likelihood, checked_seed
from darkbeauty.likelihoods.fit_schema import MOST_STARTS, count_problems

LEVELS = {"68.3 %": 1.0, "95 %": 3.84}
"""Δχ² of one parameter at which an interval of this confidence ends (Wilks)."""
PASSES, IMPROVED = 20, 1e-3
FINE, MOST_POINTS = 200, 10**4
SIGMAS, CLOSER = 3.0, 13
"""Half the range of a parameter with a Gaussian prior, in its σ, and of the points added to a coarse grid, in errors; how many these are."""


@dataclass(frozen=True)
class Interval:
    """Where Δχ² stays below a level; an end at the edge of the grid is no limit (`open`)."""

    confidence: str
    low: float
    high: float
    low_open: bool
    high_open: bool


@dataclass(frozen=True)
class Profile:
    """Δχ² (from the best fit) over the grid of the named parameters, the others' best values there, the best fit, and intervals (of one parameter).

    grid: one axis per name; delta_chi2 and every entry of others: shape of the grid.
    """

    names: tuple[str, ...]
    grid: tuple[np.ndarray, ...]
    delta_chi2: np.ndarray
    others: dict[str, np.ndarray]
    best: dict[str, float]
    log_likelihood: float
    intervals: tuple[Interval, ...]


def profile(
    fit: Fit,
    names: Sequence[str],
    points: int = 41,
    starts: int | None = None,
    progress: Callable[[str], None] = lambda stage: None,
) -> Profile:
    """Profile a fit's likelihood on an even grid over the prior (in the logarithm for log_uniform; ±3σ of a Gaussian prior).

    Of one parameter whose error is smaller than the spacing of the grid, points around the best fit are added.
    Every point begins at `starts` places all over the prior; then minima pass from neighbour to neighbour until none improves. Gaussian priors of
    parameters count as external measurements of them, flat ones only as bounds; theory errors that the fit samples count as correlated ones.
    Errors   InputError for unknown parameters, or more than two
    """
    starts = check(fit, names, points, starts)
    lik = Posterior.of(fit, marginal=True).likelihood
    axes = tuple(fit.priors[name].spaced(points, SIGMAS) for name in names)
    free = tuple(name for name in fit.parameters if name not in names)
    minimiser = Minimiser(lik, fit.priors, free)
    best, point, chi2 = _on_grid(fit, lik, minimiser, dict(zip(names, axes)), starts, progress)
    if len(names) == 1 and (closer := _around(fit, lik, names[0], axes[0], point)).size:
        axes = (np.union1d(axes[0], closer),)
        best, point, chi2 = _on_grid(fit, lik, minimiser, dict(zip(names, axes)), starts, progress)
    shape = tuple(axis.size for axis in axes)
    delta = (best.chi2 - chi2).reshape(shape)
    prior = fit.priors[names[0]]
    intervals = find_intervals(axes[0], delta, prior.logarithmic) if len(names) == 1 else ()
    others = {name: best.values[name].reshape(shape) for name in free}
    return Profile(tuple(names), axes, delta, others, point, float(lik.log_prob(point)), intervals)


def _on_grid(
    fit: Fit,
    lik: Likelihood,
    minimiser: Minimiser,
    axes: Mapping[str, np.ndarray],
    starts: int,
    progress: Callable[[str], None],
) -> tuple[Best, dict[str, float], float]:
    """The minima at every point of a grid, and the best fit with its χ²."""
    mesh = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij")))
    columns = {name: axis.ravel() for name, axis in mesh.items()}
    shape = tuple(axis.size for axis in axes.values())
    total = math.prod(shape)
    progress("starts")
    given = {name: np.repeat(column, starts) for name, column in columns.items()}
    best = lowest(minimiser(np.tile(minimiser.starts(starts, fit.seed), (total, 1)), given), total)
    progress("neighbours")
    best = spread_minima(minimiser, best, columns, shape)
    constraints = [
        fit.priors[name].pull(column) ** 2 for name, column in columns.items() if fit.priors[name].constraint
    ]
    best = best._replace(chi2=np.sum([best.chi2, *constraints], axis=0))
    progress("best fit")
    return best, *best_fit(fit, lik, best, mesh, starts)


def _around(fit: Fit, lik: Likelihood, name: str, axis: np.ndarray, point: dict[str, float]) -> np.ndarray:
    """Values within three errors of the best fit, if the grid is too coarse to see these."""
    error, spacing = forecast(lik, fit.priors, point).errors[name], np.interp(point[name], axis[:-1], np.diff(axis))
    if not error < spacing:
        return np.zeros(0)
    values = point[name] + error * np.linspace(-SIGMAS, SIGMAS, CLOSER)
    return values[(values > axis[0]) & (values < axis[-1])]


def check(fit: Fit, names: Sequence[str], points: int, starts: int | None) -> int:
    """How many starts a point has: the fit's, where that is None.

    Errors   InputError unless one or two different free parameters are named, and for numbers of points and starts that are not allowed
    """
    checked_seed(fit, None)
    starts = fit.sampler.starts if starts is None else starts
    problems = count_problems("points", points, 2, MOST_POINTS) + count_problems("starts", starts, 1, MOST_STARTS)
    names = [names] if isinstance(names, str) else names
    problems += [unknown("--param", "free parameter", name, fit.parameters) for name in names if name not in fit.priors]
    if len(set(names)) != len(names) or not 1 <= len(names) <= 2:
        problems.append(Problem("--param", "one or two different parameters are needed"))
    raise_if_any(problems)
    return starts


def spread_minima(minimiser: Minimiser, best: Best, given: dict[str, np.ndarray], shape: tuple[int, ...]) -> Best:
    """Begin again at the minima of the neighbours on the grid, until that finds nothing lower."""
    if not minimiser.free:
        return best
    place = np.arange(best.chi2.size).reshape(shape)
    for _ in range(PASSES):
        trials = [best]
        for axis in range(len(shape)):
            for shift in (-1, 1):
                neighbour = np.clip(np.indices(shape)[axis] + shift, 0, shape[axis] - 1)
                index = np.take_along_axis(place, neighbour, axis).ravel()
                trials.append(minimiser(best.x[index], given))
        joined = Best(
            np.stack([trial.x for trial in trials], 1).reshape(-1, best.x.shape[1]),
            {name: np.stack([trial.values[name] for trial in trials], 1).ravel() for name in best.values},
            np.stack([trial.chi2 for trial in trials], 1).ravel(),
        )
        new = lowest(joined, best.chi2.size)
        if np.all(new.chi2 > best.chi2 - IMPROVED):
            return new
        best = new
    return best


def best_fit(
    fit: Fit, lik: Likelihood, best: Best, mesh: dict[str, np.ndarray], starts: int
) -> tuple[dict[str, float], float]:
    """The lowest χ² with everything free, and where: from the best points of the grid, and from the starts."""
    everything = Minimiser(lik, fit.priors, fit.parameters)
    order = np.argsort(best.chi2)[:starts]
    columns = {**best.values, **{name: axis.ravel() for name, axis in mesh.items()}}
    x = [to_x(fit.priors[name], columns[name][order]) for name in fit.parameters]
    minimum = lowest(everything(np.concatenate([np.stack(x, 1), everything.starts(starts, fit.seed)]), {}), 1)
    i = int(order[0])
    if best.chi2[i] < minimum.chi2[0]:
        return {name: float(columns[name][i]) for name in fit.parameters}, float(best.chi2[i])
    return {name: float(minimum.values[name][0]) for name in fit.parameters}, float(minimum.chi2[0])


def find_intervals(grid: np.ndarray, delta: np.ndarray, logarithmic: bool) -> tuple[Interval, ...]:
    """Ranges of the parameter with Δχ² below each level, from a monotone cubic through the grid."""
    x = np.log(grid) if logarithmic else grid
    fine = np.unique(np.concatenate([x, np.linspace(x[0], x[-1], FINE * len(x))]))
    curve = PchipInterpolator(x, delta)(fine)
    back = np.exp if logarithmic else (lambda value: value)
    intervals = []
    for confidence, level in LEVELS.items():
        inside = np.concatenate([[False], curve <= level, [False]])
        for low, high in zip(np.flatnonzero(~inside[:-1] & inside[1:]), np.flatnonzero(inside[:-1] & ~inside[1:])):
            ends = _crossing(fine, curve, low - 1, level), _crossing(fine, curve, high - 1, level)
            intervals.append(
                Interval(
                    confidence, float(back(ends[0])), float(back(ends[1])), bool(low == 0), bool(high == len(fine))
                )
            )
    return tuple(intervals)


def _crossing(x: np.ndarray, curve: np.ndarray, i: int | np.integer, level: float) -> float:
    """Where the curve crosses the level between points i and i + 1; the end itself at an end."""
    if not 0 <= i < len(x) - 1:
        return float(x[0] if i < 0 else x[-1])
    return float(x[i] + (level - curve[i]) / (curve[i + 1] - curve[i]) * (x[i + 1] - x[i]))
