r"""Tempered sequential Monte Carlo: posterior and evidence of a density with many modes, by independent runs of N particles.

The density of q is f(q) = ℓ(q) Π_i p(q_i), p nearly the standard logistic distribution: in box coordinates that is the prior, in relic coordinates a first
guess of the posterior; one draw in seven is wider, so that what the guess puts far into a tail has its particles too. Particles go from λ = 0 to 1 along ℓ^λ Π p, λ in steps that keep the effective sample size of the weights, and ∫ f dq is the product of the mean
weights (Del Moral, Doucet, Jasra, J. R. Stat. Soc. B 68 (2006) 411). Between two steps each half of the particles moves by differences of pairs of the
other half (ter Braak, Stat. Comput. 16 (2006) 239), which fits any linear correlation and jumps between modes, or to a fresh draw of p.

Only ℓ is computed on the devices, in one compiled function; particles, weights and random numbers live on the host, the same in every process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_expit, logsumexp

from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.relic_map.coordinates import relic_coordinates
from darkbeauty.inference.samplers.sampler import Draws, Progress, Sampler, stopped
from darkbeauty.inference.sharding import Spread
from darkbeauty.inference.storage.checkpoint import Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection

KEEP = 0.7
"""Effective sample size of the weights of a step, as a fraction of the particles."""
FRESH, LONG, JITTER = 0.2, 0.1, 1e-3
"""Fractions of moves to fresh draws of p and of full differences (γ = 1, between modes); relative noise that frees moves from a common line."""
WIDE, WIDTH = 0.15, 3.0
"""Fraction of the draws of p, coordinate by coordinate, that are wider, and how much."""
MOVES, LAST_MOVES = 4.0, 12.0
"""How often particles move, on average, before the next step, and in the last one, from which the draws are."""
MOST = 200
"""Sweeps after which a step ends in any case."""
SURPRISE = 4.0
"""How much larger than p the normalised density is, in its logarithm, where p is no good guess any more."""


class Particles(NamedTuple):
    """State of all runs: q (runs, N, n) and log ℓ (runs, N); λ, ln Z so far and the effective sample size of the last weights (runs,).

    accepted: fraction of the last moves; dead: 1 for every draw of p that had no density (runs, N).
    """

    q: np.ndarray
    weight: np.ndarray
    temperature: np.ndarray
    log_z: np.ndarray
    ess: np.ndarray
    accepted: np.ndarray
    dead: np.ndarray


@dataclass(frozen=True)
class Evidence:
    """ln Z from all runs together, its statistical error from their spread (NaN for a single run), and ln Z of every run."""

    log_z: float
    error: float
    runs: tuple[float, ...]


def tempered_smc(
    evaluate: Callable[[np.ndarray], np.ndarray],
    shape: tuple[int, int, int],
    key: jax.Array,
    progress: Progress = lambda *_: None,
    journal: Journal | None = None,
) -> Particles:
    """Run from λ = 0 to 1, or to where the journal says stop.

    Args     evaluate: q (points, n) → log f(q), −∞ where f is 0, always for runs·N/2 points; shape: (runs, N, n), N even
    """
    journal = journal or Journal()
    weigh = lambda q: evaluate(q) - log_start(q)
    runs, size, _ = shape
    if journal.count:
        state = Particles(*journal.arrays())
    else:
        q = start(shape, key)
        weight = np.empty(shape[:2])
        for half in (slice(0, None, 2), slice(1, None, 2)):
            weight[:, half] = weigh(q[:, half].reshape(-1, shape[2])).reshape(runs, -1)
        dead = 1.0 * (weight == -np.inf)
        state = Particles(q, weight, np.zeros(runs), np.zeros(runs), np.full(runs, float(size)), np.asarray(0.0), dead)
    number = journal.count
    with journal.interruption:
        while np.any(state.temperature < 1.0) and not journal.stop:
            progress("tempering", int(100.0 * state.temperature.min()), 0)
            number += 1
            random = np.random.default_rng(np.asarray(jax.random.key_data(jax.random.fold_in(key, number))))
            moved = _move(weigh, _reweight(state, random), random, journal)
            if journal.stop:
                break
            state = moved
            journal.save(state)
        progress("tempering", int(100.0 * state.temperature.min()), 0)
    return state


def start(shape: tuple[int, int, int], key: jax.Array) -> np.ndarray:
    """The draws of p that a run begins with."""
    return _draw(np.random.default_rng(np.asarray(jax.random.key_data(jax.random.fold_in(key, 0)))), shape)


def log_start(q: np.ndarray) -> np.ndarray:
    """Σ log p(q_i)."""
    logistic = lambda x: log_expit(x) + log_expit(-x)
    wide = np.log(WIDE / WIDTH) + logistic(q / WIDTH)
    return np.sum(np.logaddexp(np.log1p(-WIDE) + logistic(q), wide), axis=-1)


def _draw(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.logistic(size=shape) * np.where(random.uniform(size=shape) < WIDE, WIDTH, 1.0)


def evidence(log_z: np.ndarray) -> Evidence:
    """Combine runs: the mean of Z is unbiased, its error comes from the spread of the runs."""
    runs, top = len(log_z), float(np.max(log_z))
    if top == -np.inf:
        return Evidence(-np.inf, float("nan"), tuple(float(x) for x in log_z))
    z = np.exp(log_z - top)
    error = float(np.std(z, ddof=1) / np.mean(z) / np.sqrt(runs)) if runs > 1 else float("nan")
    return Evidence(top + float(np.log(np.mean(z))), error, tuple(float(x) for x in log_z))


def surprise(particles: Particles) -> float:
    """Share of the density where p is too small by e⁻⁴ or more: runs that all start from p can miss it together."""
    return float(np.mean(particles.weight - evidence(particles.log_z).log_z > SURPRISE))


def _reweight(state: Particles, random: np.random.Generator) -> Particles:
    """The next λ of every run, the evidence gained by it, and particles drawn by weight (systematic resampling)."""
    runs, size = state.weight.shape
    q, weight = np.empty_like(state.q), np.empty_like(state.weight)
    temperature, log_z, ess = (np.array(a) for a in (state.temperature, state.log_z, state.ess))
    for run in range(runs):
        step = _step(state.weight[run], 1.0 - temperature[run], KEEP * size)
        if step == 0.0:
            q[run], weight[run] = state.q[run], state.weight[run]
            continue
        gain = step * state.weight[run]
        total = logsumexp(gain)
        if total == -np.inf:  # no particle has a likelihood
            q[run], weight[run] = state.q[run], state.weight[run]
            log_z[run], ess[run], temperature[run] = -np.inf, 0.0, 1.0
            continue
        log_z[run] += total - np.log(size)
        w = np.exp(gain - total)
        ess[run] = 1.0 / np.sum(w**2)
        temperature[run] = 1.0 if temperature[run] + step > 1.0 - 1e-12 else temperature[run] + step
        comb = (np.arange(size) + random.uniform()) / size
        drawn = np.minimum(np.searchsorted(np.cumsum(w), comb), size - 1)
        q[run], weight[run] = state.q[run, drawn], state.weight[run, drawn]
    return state._replace(q=q, weight=weight, temperature=temperature, log_z=log_z, ess=ess)


def _step(weight: np.ndarray, left: float, target: float) -> float:
    """The largest step of λ, at most `left`, whose weights have the effective sample size `target` (of those that have any)."""
    alive = weight[weight > -np.inf]
    if left <= 0.0 or not alive.size:
        return left
    target = target * alive.size / weight.size
    size = lambda step: np.exp(2.0 * logsumexp(step * alive) - logsumexp(2.0 * step * alive))  # pyright: ignore[reportOperatorIssue]
    if size(left) >= target:
        return left
    low, high = 0.0, left
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if size(middle) >= target else (low, middle)
    return high


def _move(
    evaluate: Callable[[np.ndarray], np.ndarray], state: Particles, random: np.random.Generator, journal: Journal
) -> Particles:
    """Sweeps over both halves until the particles of every run have moved often enough, on average, to have forgotten where they came from."""
    q, weight = state.q.copy(), state.weight.copy()
    enough, sweeps = LAST_MOVES if np.all(state.temperature == 1.0) else MOVES, 0
    moves = np.where(np.all(weight == -np.inf, axis=1), enough, 0.0)  # a run without likelihood is not waited for
    while moves.min() < enough and sweeps < MOST and not journal.stop:
        for half in (0, 1):
            own, other = slice(half, None, 2), slice(1 - half, None, 2)
            new, log_ratio = _propose(q[:, own], q[:, other], random)
            proposed = evaluate(new.reshape(-1, q.shape[2])).reshape(new.shape[:2])
            alive = proposed > -np.inf
            gain = log_ratio + state.temperature[:, None] * (np.where(alive, proposed, 0.0) - weight[:, own])
            take = alive & (np.log(random.uniform(size=gain.shape)) < gain)
            q[:, own] = np.where(take[..., None], new, q[:, own])
            weight[:, own] = np.where(take, proposed, weight[:, own])
            moves += 0.5 * np.mean(take, axis=1)
        sweeps += 1
    return state._replace(q=q, weight=weight, accepted=np.asarray(moves.mean() / max(sweeps, 1)))


def _propose(own: np.ndarray, other: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Proposals for every particle, and log [p(q′)/p(q)] of the moves that are symmetric, 0 for fresh draws of p."""
    runs, size, n = own.shape
    first = random.integers(other.shape[1], size=(runs, size))
    second = (first + random.integers(1, other.shape[1], size=(runs, size))) % other.shape[1]
    pick = lambda index: np.take_along_axis(other, index[..., None], axis=1)
    kind = random.uniform(size=(runs, size, 1))
    scale = 2.38 / np.sqrt(2.0 * n) * np.exp(random.uniform(np.log(0.1), 0.3, size=(runs, size, 1)))
    scale = np.where(kind < LONG, 1.0, scale)
    step = pick(first) - pick(second)
    new = own + step * (scale + JITTER * random.normal(size=own.shape))
    fresh = kind > 1.0 - FRESH
    new = np.where(fresh, _draw(random, own.shape), new)
    ratio = log_start(new) - log_start(own)
    return new, np.where(fresh[..., 0], 0.0, ratio)


def draw(posterior: Posterior, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Draws:
    """`chains` independent runs of tempered SMC, of `draws` particles each (one more if that is odd)."""
    key = jax.random.key(seed)
    shape = (settings.chains, settings.draws + settings.draws % 2, posterior.size)
    particles = tempered_smc(Spread(_weight, posterior), shape, key, progress, journal)
    temperature = float(particles.temperature.min())
    if unfinished := stopped(journal, f"tempering to λ = {temperature:.2f} of 1, before the first draw"):
        return Draws(np.zeros((shape[0], 0, posterior.size)), {}, np.zeros((0, posterior.size)), {}, unfinished)
    of_all = evidence(particles.log_z)
    result = {"log_evidence": of_all.log_z, "log_evidence_error": of_all.error, "log_evidence_runs": list(of_all.runs)}
    lp = particles.weight + log_start(particles.q)
    attrs = {"last_acceptance": float(particles.accepted), "failed": int(particles.dead.sum()), **result}
    if posterior.follows:
        attrs["surprise"] = surprise(particles)
    failed = start(shape, key)[particles.dead > 0.0]
    return Draws(particles.q, {"lp": lp}, failed, attrs, "", float(particles.ess.sum()), result)


def _weight(posterior: Any, q: jax.Array) -> jax.Array:
    value = posterior.log_density(q)
    return jnp.where(jnp.isfinite(value), value, -jnp.inf)


SAMPLER = Sampler(
    draw,
    settings=("chains", "draws"),
    labels={"draws": "particles"},
    stages=lambda settings: {"tempering": 100},
    coordinates=relic_coordinates,
    no_nuisances="theory errors are sampled in a hundred dimensions, where tempered SMC does not work",
)
