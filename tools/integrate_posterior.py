r"""The posterior of a fit with a relic-density term by importance sampling, sharing neither coordinates nor sampler with `darkbeauty fit`.

Population Monte Carlo (Cappé, Guillin, Marin, Robert, J. Comput. Graph. Stat. 13 (2004) 907): (m_zp, r = m_zp/2m_dm, y) come from a uniform draw, then from kernel
estimates of what was found so far, g from its distribution given Ωh² (of which a few values along g are computed at every point). Only the last stage counts.

    python tools/integrate_posterior.py fits/lmu_ltau_s1_global.toml --result runs/lmu_ltau_s1_global/posterior.nc
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import arviz as az
import jax
import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.special import logsumexp
from scipy.stats import gaussian_kde, qmc

jax.config.update("jax_enable_x64", True)

import darkbeauty as db  # noqa: E402
from darkbeauty.commands.setting import prepare  # noqa: E402
from darkbeauty.inference.sharding import Spread  # noqa: E402

LINE, FINE = 10, 4000
"""Values of ln g at which Ωh² is computed, and points of the line between them."""
WIDE = 0.7
"""g is drawn from the likelihood of Ωh² to this power."""
OPEN = 0.5
"""Relative error of Ωh² in the distribution of g, where it is another one at every point."""
NEVER = 50.0
"""ln Ωh² of what never was in equilibrium, which has no likelihood."""
NEAR = 3e-4
"""r is drawn evenly in asinh((r − 1)/NEAR)."""
CUBE = 3.0
"""y is drawn evenly in its prior fraction to the power 1/CUBE."""
UNIFORM = 0.1
"""Fraction of uniform draws in every stage."""
ENOUGH, NARROW = 300.0, 0.3
"""Effective size that a kernel estimate is made of (weights are tempered until they have it), and its width relative to Scott's, which is for one mode."""


class Points(NamedTuple):
    """Unit-cube coordinates x (n, 3), parameters by name, and log[prior · likelihood · |∂θ/∂x|/density of g]."""

    x: np.ndarray
    values: dict[str, np.ndarray]
    log_weight: np.ndarray


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    options.add_argument("--result", type=Path, help="posterior.nc to compare with")
    options.add_argument("--points", type=int, default=4096, help="points of a stage")
    options.add_argument("--stages", type=int, default=5)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    prepare()
    fit = db.load_fit(chosen.file)
    points, log_weight = population(weigher(fit), chosen.points, chosen.stages, np.random.default_rng(chosen.seed))
    report(fit.parameters, points.values, log_weight)
    if chosen.result:
        compare(az.from_netcdf(str(chosen.result)), points.values, log_weight)


def population(weigh: Callable, size: int, stages: int, rng: np.random.Generator) -> tuple[Points, np.ndarray]:
    """Points of the last stage and their log-weights: a point that helped to make a proposal must not be weighted by it."""
    kernel, found = None, []
    for stage in range(stages):
        x = qmc.Sobol(3, rng=rng).random(size)
        if kernel:
            x = np.where(rng.uniform(size=(size, 1)) < UNIFORM, x, kernel.resample(size, seed=rng).T)
        points = weigh(x, rng)
        log_weight = points.log_weight - (np.log(UNIFORM + (1.0 - UNIFORM) * kernel(x.T)) if kernel else 0.0)
        found.append((x, log_weight))
        print(f"stage {stage + 1}: effective size {effective(log_weight):.0f} of {size}", flush=True)
        kernel = _kernel(*(np.concatenate(column) for column in zip(*found)))
    return points, log_weight


def weigher(fit: Any) -> Callable[[np.ndarray, np.random.Generator], Points]:
    """x → parameters with a g that Ωh² allows, and their weights."""
    lik, prior = fit.likelihood(), fit.priors
    place, target = next((i, measured) for i, measured in lik.as_measured().items() if measured)
    known = place < len(lik.values)
    sigma = float(np.sqrt(lik.covariance[place, place])) if known else OPEN * target
    relic = db.predictor(fit.model, [lik.requests[place].label])
    omega = Spread(lambda _, point: relic(point)[0], None, block=1024)
    log_l = Spread(lambda lik, point: lik.log_prob(point), lik, block=1024)
    log_g = np.linspace(*np.log(prior["g"].bounds), LINE)
    fine = np.linspace(log_g[0], log_g[-1], FINE)
    log_prior_g = np.asarray(jax.vmap(prior["g"].log_density)(np.exp(fine))) + fine

    def weigh(x: np.ndarray, rng: np.random.Generator) -> Points:
        inside = np.all((x > 0.0) & (x < 1.0), axis=1)
        values, log_jacobian = _parameters(prior, np.clip(x, 1e-9, 1.0 - 1e-9))
        wide = {name: np.repeat(value, LINE) for name, value in values.items()}
        line = omega({**wide, "g": np.tile(np.exp(log_g), len(x))}).reshape(-1, LINE)
        log_omega = PchipInterpolator(log_g, np.where(np.isfinite(line), np.log(line), NEVER), axis=1)(fine)
        density = -0.5 * WIDE * ((np.exp(np.clip(log_omega, -50, 50)) - target) / sigma) ** 2 + log_prior_g
        density -= logsumexp(density, axis=1, keepdims=True) + np.log(fine[1] - fine[0])
        cumulative = np.cumsum(np.exp(density), axis=1)
        at = np.array([np.searchsorted(row, u * row[-1]) for row, u in zip(cumulative, rng.uniform(size=len(x)))])
        log_q = density[np.arange(len(x)), at]
        values["g"] = np.exp(fine[at])
        total = log_l(values) + log_jacobian + log_prior_g[at] - log_q
        return Points(x, values, np.where(inside & np.isfinite(total), total, -np.inf))

    return weigh


def _parameters(prior: dict[str, Any], x: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """(m_zp, m_dm, y) at x, and log of prior density times |∂θ/∂x|."""
    (low, high), (light, heavy) = prior["m_zp"].bounds, prior["m_dm"].bounds
    ends = np.arcsinh((np.array([low / (2.0 * heavy), high / (2.0 * light)]) - 1.0) / NEAR)
    stretched = ends[0] + (ends[1] - ends[0]) * x[:, 1]
    ratio = 1.0 + NEAR * np.sinh(stretched)
    mediator = np.asarray(prior["m_zp"].quantile(x[:, 0]))
    dark, fraction = mediator / (2.0 * ratio), x[:, 2] ** CUBE
    values = {"m_zp": mediator, "m_dm": dark, "y": np.asarray(prior["y"].quantile(fraction))}
    slope = (ends[1] - ends[0]) * NEAR * np.cosh(stretched) * dark / ratio
    log_dark = np.asarray(jax.vmap(prior["m_dm"].log_density)(dark))
    return values, log_dark + np.log(slope) + np.log(CUBE * x[:, 2] ** (CUBE - 1.0))


def _kernel(x: np.ndarray, log_weight: np.ndarray) -> gaussian_kde:
    """Kernel estimate of the weighted points, the weights tempered until they are of many points."""
    power = next((p for p in np.geomspace(1.0, 1e-3, 40) if effective(p * log_weight) > ENOUGH), 1e-3)
    chosen = np.isfinite(log_weight)
    weight = np.exp(power * (log_weight[chosen] - log_weight[chosen].max()))
    return gaussian_kde(x[chosen].T, lambda kernel: NARROW * kernel.scotts_factor(), weight)


def effective(log_weight: np.ndarray) -> float:
    """Effective sample size (Σw)²/Σw²."""
    return float(np.exp(2.0 * logsumexp(log_weight) - logsumexp(2.0 * log_weight)))


def quantiles(values: np.ndarray, log_weight: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Weighted quantiles."""
    order = np.argsort(values)
    weight = np.exp(log_weight[order] - log_weight.max())
    return np.interp(levels, (np.cumsum(weight) - 0.5 * weight) / weight.sum(), values[order])


def report(names: tuple[str, ...], values: dict[str, np.ndarray], log_weight: np.ndarray) -> None:
    """ln Z with its error, and the quantiles of every parameter."""
    log_z, error = logsumexp(log_weight) - np.log(len(log_weight)), effective(log_weight) ** -0.5
    print(f"ln Z = {log_z:.3f} ± {error:.3f}")
    for name in names:
        low, median, high = quantiles(values[name], log_weight, (0.05, 0.5, 0.95))
        print(f"{name:6} {low:.4g}  {median:.4g}  {high:.4g}")


def compare(data: Any, values: dict[str, np.ndarray], log_weight: np.ndarray) -> None:
    """Largest distance of the two cumulative distributions of every parameter, in units of its expected size."""
    weight = np.exp(log_weight - logsumexp(log_weight))
    for name, own in values.items():
        draws = np.sort(np.asarray(data["posterior"][name]).ravel())
        order = np.argsort(own)
        cumulative = np.interp(draws, own[order], np.cumsum(weight[order]))
        distance = np.max(np.abs(cumulative - (np.arange(len(draws)) + 0.5) / len(draws)))
        size = 1.0 / effective(log_weight) + 1.0 / float(az.ess(np.asarray(data["posterior"][name])))
        print(f"{name:6} Kolmogorov distance {distance:.4f} = {distance / np.sqrt(size):.2f} √(1/n₁ + 1/n₂)")


if __name__ == "__main__":
    main()
