"""Ωh² along one parameter by several methods, with the share of every annihilation channel, or over a plane of two, the funnel resolved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax import Array

from darkbeauty.dark.freeze_out import annihilation_shares
from darkbeauty.errors import Problem, raise_if_any
from darkbeauty.models import Model, resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.prediction import arrays
from darkbeauty.report.relic_methods import METHODS, PHASE_SPACE, QUICK, Estimate, check_methods
from darkbeauty.status import Status

START, BATCH, ROUNDS = 192, 64, 6
"""Points of a line before refinement, points added per round, rounds."""
COSTLY = 24
"""Points of a line by a method of seconds, one at a time."""
ROWS, COLUMNS, MOVES = 96, 72, 2
"""Points of a plane, and how often those of a row are moved to where Ωh² changes."""
LOWEST, HIGHEST = -4.0, 2.0
"""Range of log₁₀ Ωh² that a plane shows."""
WIDE = 30.0
"""Ratio of the ends of a range above which its points are spaced logarithmically."""


@dataclass(frozen=True)
class Curve:
    """Ωh² by one method at increasing values of the parameter, NaN where there is none; the band of its theory error, shape (n, 2), NaN without one."""

    values: np.ndarray
    omega_h2: np.ndarray
    band: np.ndarray


@dataclass(frozen=True)
class Line:
    """Curves by method, the share of every final state at `values`, and by method how many points have no Ωh², and why."""

    name: str
    values: np.ndarray
    curves: dict[str, Curve]
    fractions: dict[str, np.ndarray]
    without_value: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Plane:
    """Ωh² by one method over two parameters at x, shape (rows, columns), closest in every row where Ωh² changes most, and y, shape (rows,)."""

    names: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]
    omega_h2: np.ndarray
    method: str


def over_ranges(
    model: str | Model,
    point: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    methods: Sequence[str] = (),
) -> Line | Plane:
    """Ωh² along one range or over two, everything else at `point`.

    Args     methods: names of METHODS; without, along a range those that cost milliseconds, over two freeze-out
    Errors   InputError listing everything wrong with the point (at both ends of the ranges), the ranges, or the methods
    """
    model = resolve_model(model)
    raise_if_any(check(model, point, ranges, methods))
    names = tuple(ranges)
    if len(names) == 1:
        return _line(_runner(model, point, ranges), names[0], *ranges[names[0]], tuple(methods or QUICK))
    method = methods[0] if methods else QUICK[0]
    return _plane(_runner(model, point, ranges), (names[0], names[1]), ranges, method)


def check(
    model: Model, point: Mapping[str, float], ranges: Mapping[str, tuple[float, float]], methods: Sequence[str] = ()
) -> list[Problem]:
    """Everything wrong with the point, the ranges or the methods."""
    problems = [
        Problem(f"point.{name}", f"range {low:g}:{high:g} is not increasing")
        for name, (low, high) in ranges.items()
        if not low < high
    ]
    if sectors_of(model).dark_matter is None:
        problems.append(Problem("model", f"model {model.name!r} has no dark matter"))
    if len(ranges) > 2:
        problems.append(Problem("point", f"{len(ranges)} ranges given", "one or two parameters as name=low:high"))
    problems += check_methods(methods)
    if len(ranges) == 2 and (len(methods) > 1 or PHASE_SPACE in methods):
        problems.append(Problem("method", f"{', '.join(methods)} over two ranges", f"one of {', '.join(QUICK)}"))
    for end in (0, 1):
        at_end = model.check({**point, **{name: pair[end] for name, pair in ranges.items()}})
        problems += [problem for problem in at_end if problem not in problems]
    return problems


Run = Callable[[np.ndarray, tuple[str, ...]], tuple[dict[str, Estimate], dict[str, np.ndarray]]]
"""(n, parameters), methods → what each of these gives, and {final: share (n,)}."""


def _runner(model: Model, point: Mapping[str, float], ranges: Mapping[str, tuple[float, float]]) -> Run:
    """BATCH points at a time, by a costly method COSTLY."""
    start = arrays(model.at({**point, **{name: low for name, (low, _) in ranges.items()}}))

    def run(values: np.ndarray, methods: tuple[str, ...]) -> Any:
        batch, size = _compiled(tuple(ranges), methods), COSTLY if PHASE_SPACE in methods else BATCH
        padded = np.concatenate([values, np.repeat(values[-1:], -len(values) % size, axis=0)])
        parts = [batch(start, part) for part in np.split(padded, len(padded) // size)]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves)[: len(values)], *parts)

    return run


@lru_cache(maxsize=8)
def _compiled(names: tuple[str, ...], methods: tuple[str, ...]) -> Callable[..., Any]:
    """For every model and point, as these are arguments: (model, values of the parameters (n, k)) → what a run gives; point after point by a costly method."""

    def estimates_and_shares(model: Model, values: Array) -> tuple[dict[str, Estimate], dict[str, Array]]:
        p = model.with_values(dict(zip(names, values))).derive()
        return {method: METHODS[method](p) for method in methods}, annihilation_shares(p).by_final

    if PHASE_SPACE in methods:
        return jax.jit(lambda model, many: jax.lax.map(lambda values: estimates_and_shares(model, values), many))
    return jax.jit(jax.vmap(estimates_and_shares, in_axes=(None, 0)))


def _line(run: Run, name: str, low: float, high: float, methods: tuple[str, ...]) -> Line:
    """New points in every round lie evenly along the curve of ln Ωh² drawn so far, by one method after the other."""
    together = tuple(method for method in methods if method != PHASE_SPACE) or QUICK[:1]
    values = _spaced(low, high, START)
    estimates, shares = run(values[:, None], together)
    for turn in range(ROUNDS):
        offset = (0.5 + 0.618 * turn) % 1.0
        height = _height(estimates[together[turn % len(together)]].omega_h2)
        middle = _along(values, height, (np.arange(BATCH) + offset) / BATCH)
        order = np.argsort(np.concatenate([values, middle]), kind="stable")
        more = run(middle[:, None], together)
        join = lambda old, new, order=order: np.concatenate([old, new])[order]
        estimates, shares = jax.tree.map(join, (estimates, shares), more)
        values = join(values, middle)
    of = {method: (values, estimates[method]) for method in together if method in methods}
    if PHASE_SPACE in methods:
        at = _along(values, _height(estimates[together[-1]].omega_h2), np.linspace(0.0, 1.0, COSTLY))
        of[PHASE_SPACE] = at, run(at[:, None], (PHASE_SPACE,))[0][PHASE_SPACE]
    curves = {method: Curve(at, estimate.omega_h2, estimate.band) for method, (at, estimate) in of.items()}
    causes = {method: _causes(estimate.status) for method, (_, estimate) in of.items()}
    return Line(name, values, curves, shares, {method: count for method, count in causes.items() if count})


def _height(omega_h2: np.ndarray) -> np.ndarray:
    """ln Ωh², large where there is none."""
    return np.log(np.where(np.isfinite(omega_h2), omega_h2, 1e6))


def _causes(status: np.ndarray) -> dict[str, int]:
    return dict(Counter(Status(int(ended)).words for ended in status if ended != Status.SUCCESS))


def _plane(run: Run, names: tuple[str, str], ranges: Mapping[str, tuple[float, float]], method: str) -> Plane:
    """Every row keeps its number of points; they are moved to lie evenly along its curve of log Ωh², in the range shown."""
    y = _spaced(*ranges[names[1]], ROWS)
    x = np.tile(_spaced(*ranges[names[0]], COLUMNS), (ROWS, 1))

    def evaluate(x: np.ndarray) -> np.ndarray:
        points = np.stack([x, np.broadcast_to(y[:, None], x.shape)], axis=-1).reshape(-1, 2)
        return run(points, (method,))[0][method].omega_h2.reshape(x.shape)

    omega = evaluate(x)
    for _ in range(MOVES):
        height = np.clip(_height(omega) / np.log(10.0), LOWEST, HIGHEST)
        x = _smooth(np.stack([_along(*row, np.linspace(0.0, 1.0, COLUMNS)) for row in zip(x, height)]))
        omega = evaluate(x)
    return Plane(names, (x, y), omega, method)


def _smooth(x: np.ndarray) -> np.ndarray:
    """Columns without jumps where the funnel enters or leaves the range: running means over rows, which leave straight columns as they are."""
    reach = len(x) // 6
    weight = np.hanning(2 * reach + 3)[1:-1]
    before, after = 2.0 * x[:1] - x[reach:0:-1], 2.0 * x[-1:] - x[-2 : -reach - 2 : -1]
    padded = np.concatenate([before, x, after])
    smooth = np.stack([np.convolve(column, weight / weight.sum(), mode="valid") for column in padded.T], axis=1)
    smooth[:, [0, -1]] = x[:, [0, -1]]
    return np.sort(np.clip(smooth, x[0, 0], x[0, -1]), axis=1)


def _along(values: np.ndarray, height: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Values at fractions of the length of the curve drawn so far."""
    steps = np.hypot(np.diff(values) / np.ptp(values), np.diff(height) / max(np.ptp(height), 1e-3))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    return np.interp(fractions * length[-1], length, values)


def _spaced(low: float, high: float, n: int) -> np.ndarray:
    return np.geomspace(low, high, n) if low > 0.0 and high / low > WIDE else np.linspace(low, high, n)
