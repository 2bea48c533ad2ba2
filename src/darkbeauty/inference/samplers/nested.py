r"""Importance nested sampling: posterior and evidence by independent runs of nautilus, without gradients and without a guess of the posterior.

Every coordinate q_i is logistic, q = ln[u/(1−u)], so that in box coordinates u is the share of the prior below a parameter and what is sampled over the cube is the
likelihood. Runs differ in their seeds alone: each finds the posterior for itself, R̂ compares their draws, and they tell the error of ln Z.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import log_expit, logit

from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.samplers.nautilus_run import BATCH, NautilusRun, Weighted
from darkbeauty.inference.samplers.sampler import Draws, Progress, Sampler, stopped
from darkbeauty.inference.sharding import Spread
from darkbeauty.inference.storage.checkpoint import Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection

LIVE, LIVE_PER_PARAMETER = 1000, 250
"""Live points of a run, the larger of the two, where the fit does not say."""
EDGE = 1e-15
"""Least distance of u from the ends of the cube: beyond, q has no digits."""
EVERY = 8
"""Batches without a new bound after which a run is stored."""
APART = 5.0
"""Errors by which ln Z of one run may differ from that of all."""
FAILED = 2000
"""Points without likelihood, of all, whose causes are looked for."""


class Evidence(NamedTuple):
    """ln Z of all runs together, its error, and ln Z of every run."""

    log_z: float
    error: float
    runs: tuple[float, ...]


def evidence(log_z: np.ndarray, ess: np.ndarray) -> Evidence:
    """The mean of Z; its error from the weights of all runs, or from the spread of the runs where that is larger."""
    runs, top = tuple(float(x) for x in log_z), float(np.max(log_z))
    if not top > -np.inf:
        return Evidence(-np.inf, float("nan"), runs)
    z = np.exp(log_z - top)
    inner = np.sqrt(np.sum((z / np.mean(z)) ** 2 / np.maximum(ess, 1.0))) / len(z)
    spread = np.std(z, ddof=1) / np.mean(z) / np.sqrt(len(z)) if len(z) > 1 else 0.0
    return Evidence(top + float(np.log(np.mean(z))), float(max(inner, spread)), runs)


def draw(posterior: Posterior, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Draws:
    """`chains` runs, each until it has `draws` effective points, and as many draws of equal weight from each."""
    density = Spread(_log_density, posterior, block=BATCH)
    evaluate = lambda u: _over_cube(density, u)
    stored, seeds = journal.arrays(), np.random.SeedSequence(seed).generate_state(settings.chains)
    live = settings.live or max(LIVE, LIVE_PER_PARAMETER * posterior.size)
    begin = lambda i: NautilusRun(evaluate, posterior.size, live, int(seeds[i]), dict(enumerate(stored)).get(i))
    runs = [begin(i) for i in range(max(len(stored), 1))]
    with journal.interruption:
        while not journal.stop:
            if not runs[-1].done(settings.draws):
                _go_on(runs, settings, progress, journal)
            elif len(runs) < settings.chains:
                runs.append(begin(len(runs)))
            else:
                break
        if journal.stop and not journal.failure:
            _store(runs, journal)
    if unfinished := stopped(journal, _how_far(runs, settings)):
        return Draws(np.zeros((len(runs), 0, posterior.size)), {}, np.zeros((0, posterior.size)), {}, unfinished)
    return _conclude(runs, settings.draws, np.random.default_rng([seed, settings.chains]))


def _go_on(runs: list[NautilusRun], settings: SamplerSection, progress: Progress, journal: Journal) -> None:
    """Some batches of the last run, until it is worth storing."""
    run = runs[-1]
    for _ in range(EVERY):
        new_bound = run.advance(settings.draws)
        progress("nested sampling", 100 * (len(runs) - 1) + run.percent(settings.draws), 0)
        if journal.stop:
            return
        if new_bound or run.done(settings.draws):
            break
    _store(runs, journal)


def _store(runs: list[NautilusRun], journal: Journal) -> None:
    if journal.store:
        journal.save([run.stored() for run in runs])


def _how_far(runs: list[NautilusRun], settings: SamplerSection) -> str:
    evaluations = sum(run.evaluations for run in runs)
    return f"{evaluations} evaluations, in run {len(runs)} of {settings.chains}, before the first draw"


def _conclude(runs: list[NautilusRun], draws: int, random: np.random.Generator) -> Draws:
    """Draws of equal weight, evidence, and what the runs say of themselves."""
    points = [run.weighted() for run in runs]
    ess = np.array([weighted.ess for weighted in points])
    rows = [_equal_weight(weighted, draws, random) for weighted in points]
    of_all = evidence(np.array([run.log_z for run in runs]), ess)
    result = {"log_evidence": of_all.log_z, "log_evidence_error": of_all.error, "log_evidence_runs": list(of_all.runs)}
    u, log_density = (
        np.stack([getattr(w, name)[row] for w, row in zip(points, rows)]) for name in ("u", "log_density")
    )
    q = _unconstrained(u)
    failed, share = _failed(runs)
    attrs = {
        "evaluations": sum(run.evaluations for run in runs),
        "surprise": float(np.max([run.surprise() for run in runs])),
        "without_likelihood": share,
        **result,
    }
    stats, missed = {"lp": log_density + _log_logistic(q)}, _missed(runs, of_all, ess)
    return Draws(q, stats, failed, attrs, missed=missed, ess=float(np.sum(ess)), evidence=result)


def _missed(runs: list[NautilusRun], of_all: Evidence, ess: np.ndarray) -> tuple[str, ...]:
    """Runs that found no likelihood to go by, and runs whose ln Z is not that of the others."""
    missed = [
        f"run {i + 1}: {run.evaluations} points of the prior, of which {run.alive} have a likelihood: narrower priors"
        for i, run in enumerate(runs)
        if run.barren
    ]
    with np.errstate(invalid="ignore"):
        apart = np.abs(np.array(of_all.runs) - of_all.log_z) * np.sqrt(ess)
    if np.any(apart > APART):
        words = ", ".join(f"{value:.2f}" for value in of_all.runs)
        missed.append(f"ln Z of the runs differs by more than chance: {words}")
    return tuple(missed)


def _equal_weight(points: Weighted, draws: int, random: np.random.Generator) -> np.ndarray:
    """Rows drawn by weight, systematically, in random order; all alike where nothing has a weight."""
    weight = np.exp(points.log_weight) if points.ess else np.full(len(points.u), 1.0 / len(points.u))
    comb = (np.arange(draws) + random.uniform()) / draws
    return random.permutation(np.minimum(np.searchsorted(np.cumsum(weight), comb), len(weight) - 1))


def _failed(runs: list[NautilusRun]) -> tuple[np.ndarray, float]:
    """Points without likelihood, and the share of them among all that were drawn outside of all bounds."""
    u, log_density = (np.concatenate(part) for part in zip(*(run.prior_points() for run in runs)))
    dead = log_density == -np.inf
    return _unconstrained(u[dead][:FAILED]), float(np.mean(dead))


def _log_density(posterior: Any, q: jax.Array) -> jax.Array:
    value = posterior.log_density(q)
    return jnp.where(jnp.isfinite(value), value, -jnp.inf)


def _over_cube(density: Spread, u: np.ndarray) -> np.ndarray:
    q = _unconstrained(u)
    return density(q) - _log_logistic(q)


def _unconstrained(u: np.ndarray) -> np.ndarray:
    return logit(np.clip(u, EDGE, 1.0 - EDGE))


def _log_logistic(q: np.ndarray) -> np.ndarray:
    return np.sum(log_expit(q) + log_expit(-q), axis=-1)


SAMPLER = Sampler(
    draw,
    settings=("chains", "draws", "live"),
    labels={"chains": "runs"},
    stages=lambda settings: {"nested sampling": 100 * settings.chains},
    no_nuisances="theory errors are sampled in a hundred dimensions, where nested sampling does not work",
    references=("arXiv:2306.16923",),
)
