r"""Best fits under constraints, by Levenberg–Marquardt from many starts at once.

−2 ln L is a sum of squares of residuals, as every part of a likelihood gives it, and Gauss–Newton steps follow thin curved valleys that gradient descent
does not. A bounded parameter is θ = quantile(½(1 + sin x)), which reaches its bounds at finite x; one with a Gaussian prior is an external
measurement: θ = mean + σ x, with x as one more residual.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.stats import qmc

from darkbeauty.inference.sharding import Spread
from darkbeauty.likelihoods import Likelihood
from darkbeauty.likelihoods.priors import Prior

WALL = 1e4
"""Residual of a point without likelihood: any point that has one is better."""
BLOCK = 128
"""Starts that are followed in one call."""
STEPS, TOLERANCE, FLOOR = 100, 1e-7, 1e-9
"""Most steps; gain in χ² that is none; damping of directions that change nothing, relative to the steepest."""


class Best(NamedTuple):
    """Minima: x (points, n) of the free parameters, their values (points,) by name, and χ² = Σ residual²."""

    x: np.ndarray
    values: dict[str, np.ndarray]
    chi2: np.ndarray


class Minimiser:
    """Minimises over the `free` parameters, the others being given point by point.

    χ² is −2 ln L up to the normalisation, plus x² of the free parameters with a Gaussian prior.
    """

    def __init__(self, lik: Likelihood, priors: Mapping[str, Prior], free: tuple[str, ...]):
        self.priors, self.free = {name: priors[name] for name in free}, free

        def minimise(lik: Likelihood, point: dict[str, Any]) -> tuple[Array, dict[str, Array], Array]:
            residuals = lambda x: self._residuals(lik, point["given"], point["data"], x)
            if not free:
                return point["x"], {}, jnp.sum(residuals(point["x"]) ** 2)
            x, chi2 = levenberg_marquardt(residuals, point["x"])
            return x, self.parameters(x), chi2

        self._run, self._measured = Spread(minimise, lik, block=BLOCK), lik.data

    def __call__(
        self, x: np.ndarray, given: Mapping[str, np.ndarray], data: Sequence[np.ndarray] | None = None
    ) -> Best:
        """Minima from starts x (points, n), at given values of the other parameters (points,); data: of every part, instead of the measured ones, one row each."""
        if data is None:
            data = tuple(np.broadcast_to(column, (len(x), len(column))) for column in self._measured)
        x = x if self.free else np.zeros((len(x), 1))  # an axis of length 0 cannot be divided among devices
        return Best(*self._run({"x": x, "given": dict(given), "data": data}))

    def starts(self, count: int, seed: int) -> np.ndarray:
        """Starts x (count, n) all over the prior: a Sobol sequence."""
        if not self.free:
            return np.zeros((count, 0))
        u = qmc.Sobol(len(self.free), seed=seed).random(1 << max(count - 1, 0).bit_length())[:count]  # pyright: ignore[reportCallIssue]
        columns = [
            to_x(prior, np.asarray(prior.quantile(np.clip(column, 1e-3, 1.0 - 1e-3))))
            if prior.constraint
            else np.arcsin(2.0 * column - 1.0)
            for prior, column in zip(self.priors.values(), u.T)
        ]
        return np.stack(columns, axis=1)

    def parameters(self, x: Array) -> dict[str, Array]:
        """The free parameters at x (n,)."""
        value = lambda prior, x: (
            jnp.clip(prior.constraint[0] + prior.constraint[1] * x, *prior.bounds)
            if prior.constraint
            else prior.quantile(0.5 * (1.0 + jnp.sin(x)))
        )
        return {name: value(prior, x[i]) for i, (name, prior) in enumerate(self.priors.items())}

    def _residuals(self, lik: Likelihood, given: dict[str, Any], data: Any, x: Array) -> Array:
        params = {**given, **self.parameters(x)}
        predictions = lik.predictions(params)
        ok = jnp.all(jnp.isfinite(predictions))
        measured = lik.with_data(data).residuals(jnp.where(jnp.isfinite(predictions), predictions, 0.0))
        constraints = [_pull(prior, x[i]) for i, prior in enumerate(self.priors.values()) if prior.constraint]
        whole = jnp.concatenate([measured, jnp.stack(constraints)]) if constraints else measured
        return jnp.where(ok, whole, WALL)


def _pull(prior: Prior, x: Array) -> Array:
    """Residual of a Gaussian prior; beyond an end that the mean is beyond too it grows again, so that leaving never pays."""
    low, high = (prior.pull(end) for end in prior.bounds)
    if low > 0.0:
        return jnp.where(x < low, 2.0 * low - x, x)
    return jnp.where(x > high, 2.0 * high - x, x) if high < 0.0 else x


def levenberg_marquardt(residuals: Callable[[Array], Array], start: Array) -> tuple[Array, Array]:
    """A minimum of Σ residual² from a start x (n,), and its value.

    Residuals and Jacobian of a trial point come from one evaluation, in the loop alone: the likelihood is compiled once.
    """
    n = start.shape[0]
    along = lambda x: jax.vmap(lambda t: jax.jvp(residuals, (x,), (t,)), out_axes=(None, 1))(jnp.eye(n))

    def body(state: _Search) -> _Search:
        r, jacobian = along(state.trial)
        chi2 = jnp.sum(r**2)
        better = chi2 < state.chi2
        choose = lambda new, old: jnp.where(better, new, old)
        x, slope = choose(state.trial, state.x), choose(jacobian.T @ r, state.slope)
        curvature = choose(jacobian.T @ jacobian, state.curvature)
        damping = jnp.clip(jnp.where(better, 0.2, 5.0) * state.damping, 1e-12, 1e12)
        scale = jnp.diag(curvature) + FLOOR * jnp.max(jnp.diag(curvature)) + 1e-300
        step = -jnp.linalg.solve(curvature + damping * jnp.diag(scale), slope)
        gain = -jnp.dot(slope, step)
        quiet = jnp.where(gain < TOLERANCE, state.quiet + 1, 0)
        return _Search(x, choose(chi2, state.chi2), slope, curvature, damping, x + step, quiet, state.count + 1)

    square = jnp.zeros((n, n))
    first = _Search(start, jnp.inf, jnp.zeros(n), square, jnp.asarray(1e-2), start, jnp.asarray(0), jnp.asarray(0))
    end: Any = jax.lax.while_loop(lambda s: (s.count < STEPS) & (s.quiet < 2), body, first)
    return end.x, end.chi2


class _Search(NamedTuple):
    """Levenberg–Marquardt under way: the best point with χ², Jᵀr and JᵀJ, damping, the next trial, how often it promised nothing, and steps so far."""

    x: Array
    chi2: Array | float
    slope: Array
    curvature: Array
    damping: Array
    trial: Array
    quiet: Array
    count: Array


def lowest(best: Best, groups: int) -> Best:
    """The lowest minimum of each of `groups` groups of equally many points, in order."""
    in_group = np.argmin(np.where(np.isfinite(best.chi2), best.chi2, np.inf).reshape(groups, -1), axis=1)
    index = np.arange(groups) * (len(best.chi2) // groups) + in_group
    return Best(best.x[index], {name: column[index] for name, column in best.values.items()}, best.chi2[index])


def to_x(prior: Prior, values: np.ndarray) -> np.ndarray:
    """The minimiser's coordinate of parameter values, a little inside the bounds."""
    if prior.constraint:
        return prior.pull(values)
    return np.arcsin(np.clip(2.0 * np.asarray(prior.cdf(values)) - 1.0, -0.999, 0.999))
