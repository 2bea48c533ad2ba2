r"""Simulation-based calibration: are the posteriors of a fit file what they claim to be?

Truths are drawn, data are simulated from each as the parts of the likelihood say, every data set is fitted, and the rank of the truth among the
draws must be uniform (arXiv:1804.06788). Limits are Gaussian terms of the signal strength and are simulated as such, negative strengths included.

around = "prior": truths from the prior, each fit sees only its simulated data. around = "posterior": truths from the posterior of the real data,
each fit sees real and simulated data (arXiv:2502.03279). The second tests the fit where it is used, and alone makes sense for a relic density, which
over a prior box spans ten orders of magnitude.
All fits are runs of one tempered SMC (`darkbeauty.inference.samplers.smc`), side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.inference.posterior import Posterior, in_box
from darkbeauty.inference.relic_map.coordinates import relic_coordinates
from darkbeauty.inference.samplers.smc import tempered_smc
from darkbeauty.inference.sharding import Spread
from darkbeauty.likelihoods import Fit, checked_seed

Around = Literal["auto", "prior", "posterior"]
PARTICLES, THIN, BINS = 400, 4, 10
BLOCK, ATTEMPTS, MOST = 2048, 100, 10**6
LEVEL = 0.01
"""p-value of uniform ranks below which a parameter is not calibrated."""


@dataclass(frozen=True)
class Calibration:
    """Rank of every truth among `draws` draws (0 … draws), by parameter, the histogram over BINS bins, and the p-value of its χ² for uniform ranks."""

    around: str
    draws: int
    ranks: dict[str, np.ndarray]
    counts: dict[str, np.ndarray]
    p_values: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether no parameter's ranks are incompatible with uniform ones."""
        return min(self.p_values.values()) > LEVEL


def calibrate(
    fit: Fit,
    simulations: int,
    around: Around = "auto",
    seed: int | None = None,
    particles: int = PARTICLES,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Calibration:
    """Ranks of `simulations` truths; around = "auto": the posterior for fits in relic coordinates, else the prior.

    Theory errors that the fit samples count as correlated ones.
    """
    counts = {"simulations": (simulations, 1, MOST), "particles": (particles, 4, MOST)}
    key = jax.random.key(checked_seed(fit, seed, counts))
    raise_if_any(
        [] if around in get_args(Around) else [unknown("around", "origin of truths", str(around), get_args(Around))]
    )
    silent = [name for name, term in fit.own.items() if not term.simulated]
    reason = "says nothing of what else might have been measured"
    raise_if_any([Problem(f"term {name!r}", reason, "a function with data and simulate") for name in silent])
    posterior = Posterior.of(fit, coordinates=in_box if around == "prior" else relic_coordinates, marginal=True)
    if around == "auto":
        around = "posterior" if posterior.follows else "prior"
    weight = posterior_weight if around == "posterior" else prior_weight
    truth_key, data_key, fit_key = jax.random.split(key, 3)
    draw = draw_from_posterior if around == "posterior" else draw_from_prior
    truth, predictions = draw(posterior, simulations, truth_key, particles)
    data = posterior.likelihood.simulate(data_key, predictions)
    spread = Spread(weight, posterior, block=BLOCK)
    repeated = lambda count: tuple(np.repeat(column, count, axis=0) for column in data)
    evaluate = lambda q: spread({"q": q, "data": repeated(len(q) // simulations)})
    ends = tempered_smc(evaluate, (simulations, particles, posterior.size), fit_key, progress)
    values, true = (posterior.parameter_draws(q) for q in (ends.q, truth[:, None]))
    draws = particles // THIN // BINS * BINS - 1
    ranks = {name: np.sum(values[name][:, ::THIN][:, :draws] < true[name], axis=1) for name in posterior.names}
    return judge_ranks(around, ranks, draws)


def judge_ranks(around: str, ranks: dict[str, np.ndarray], draws: int) -> Calibration:
    """Histograms of ranks 0 … draws, and χ² for a uniform distribution."""
    counts = {name: np.bincount(rank * BINS // (draws + 1), minlength=BINS) for name, rank in ranks.items()}
    return Calibration(
        around, draws, ranks, counts, {name: float(stats.chisquare(count).pvalue) for name, count in counts.items()}
    )


def prior_weight(posterior: Posterior, point: dict[str, Any]) -> jax.Array:
    """log f of q for simulated data alone."""
    return _or_nothing(posterior.with_data(point["data"]).log_density(point["q"]))


def posterior_weight(posterior: Posterior, point: dict[str, Any]) -> jax.Array:
    """The same for real and simulated data."""
    values, log_prior = posterior.coordinates.to_parameters(point["q"])
    real, simulated = posterior.likelihood, posterior.with_data(point["data"]).likelihood
    predictions = real.predictions(values)
    both = real.log_prob_of(predictions) + simulated.log_prob_of(predictions)
    return _or_nothing(both + log_prior)


def _or_nothing(value: jax.Array) -> jax.Array:
    return jnp.where(jnp.isfinite(value), value, -jnp.inf)


def draw_from_prior(posterior: Posterior, count: int, key: jax.Array, particles: int) -> tuple[np.ndarray, np.ndarray]:
    """Prior draws q that have a likelihood, and their predictions."""
    spread = Spread(_predict, posterior)
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for attempt in range(ATTEMPTS):
        q = np.asarray(jax.random.logistic(jax.random.fold_in(key, attempt), (count, posterior.size), float))
        predictions = spread(q)
        fine = np.all(np.isfinite(predictions), axis=1)
        kept.append((q[fine], predictions[fine]))
        if sum(len(q) for q, _ in kept) >= count:
            break
    return tuple(np.concatenate(column)[:count] for column in zip(*kept))  # pyright: ignore[reportReturnType]


def draw_from_posterior(
    posterior: Posterior, count: int, key: jax.Array, particles: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws q of the posterior of the real data, far apart in four runs of SMC, and their predictions."""
    alone = lambda posterior, q: _or_nothing(posterior.log_density(q))
    runs, each = 4, 2 * (-(-count * THIN // 4) // 2 + 1)
    ends = tempered_smc(Spread(alone, posterior), (runs, max(each, particles), posterior.size), key)
    flat = ends.q.reshape(-1, posterior.size)
    truth = flat[np.linspace(0, len(flat) - 1, count).astype(int)]
    return truth, Spread(_predict, posterior)(truth)


def _predict(posterior: Posterior, q: jax.Array) -> jax.Array:
    return posterior.observe(q).predictions
