"""What every sampler hands over, and the call of each with the settings of a fit file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.inference.checkpoint import Journal
from darkbeauty.inference.nuts import sample
from darkbeauty.inference.sharding import Spread
from darkbeauty.inference.smc import evidence, log_start, start, tempered_smc
from darkbeauty.likelihood.fit_file import SamplerSection

BLOCK = 20
Progress = Callable[[str, int, int], None]
Target = Callable[[Any, jax.Array], jax.Array]
"""log density of q, given what it is made of: (tree, q) → number."""


@dataclass(frozen=True)
class Sampled:
    """Draws q of shape (chains, draws, n), and what the sampler says of them.

    stats: (chains, draws) by name; failed: points without likelihood that were tried, (k, n); attrs: for the output file; unfinished: how far it
    came, if it did not reach its end; ess: an upper limit of the effective sample size; evidence: ln Z, if the sampler gives it.
    """

    q: np.ndarray
    stats: dict[str, np.ndarray]
    failed: np.ndarray
    attrs: dict[str, Any]
    unfinished: str = ""
    ess: float = float("inf")
    evidence: dict[str, Any] = field(default_factory=dict)


def draw(
    target: Target,
    tree: Any,
    size: int,
    global_moves: int,
    settings: SamplerSection,
    seed: int,
    progress: Progress,
    journal: Journal,
    normals: int = 0,
) -> Sampled:
    """Draws of a density of q (n = size,) by the sampler of the fit file.

    Args     normals: how many coordinates, the last ones, are sampled nuisances, nearly standard normal; for NUTS only
    """
    if settings.method == "nuts":
        return draw_nuts(target, tree, size, global_moves, settings, seed, progress, journal, normals)
    return draw_smc(target, tree, size, settings, seed, progress, journal)


def draw_nuts(
    target: Target,
    tree: Any,
    size: int,
    global_moves: int,
    settings: SamplerSection,
    seed: int,
    progress: Progress,
    journal: Journal,
    normals: int = 0,
) -> Sampled:
    """`chains` chains of NUTS, of `draws` draws each."""
    start_key, chain_key = jax.random.split(jax.random.key(seed))
    draws = sample(
        target,
        tree,
        0.5 * jax.random.logistic(start_key, (settings.chains, size), float),
        chain_key,
        warmup=settings.warmup,
        draws=settings.draws,
        block=BLOCK,
        target_accept=settings.target_accept,
        max_depth=settings.max_depth,
        global_moves=global_moves,
        progress=progress,
        journal=journal,
        normals=normals,
    )
    stats = {
        "lp": -draws.potential,
        "n_steps": draws.steps,
        "acceptance_rate": draws.accept,
        "diverging": draws.diverging,
        "energy": draws.energy,
    }
    attrs = {
        "method": "nuts",
        "step_size": [float(size) for size in draws.step_size],
        "global_proposals": draws.proposals,
        "global_accept": draws.global_accept,
        "global_failed": len(draws.failed),
        "longest_trees": int(np.sum(draws.steps >= 2**settings.max_depth - 1)),
    }
    done, warm = draws.q.shape[1], min(BLOCK * journal.count, settings.warmup)
    before = f"{warm} of {settings.warmup} transitions of the warm-up, before the first draw"
    return Sampled(
        draws.q, stats, draws.failed, attrs, stopped(journal, f"{done} of {settings.draws} draws" if done else before)
    )


def draw_smc(
    target: Target,
    tree: Any,
    size: int,
    settings: SamplerSection,
    seed: int,
    progress: Progress,
    journal: Journal,
) -> Sampled:
    """`chains` independent runs of tempered SMC, of `draws` particles each (one more if that is odd)."""
    key = jax.random.key(seed)
    shape = (settings.chains, settings.draws + settings.draws % 2, size)

    def weight(tree: Any, q: jax.Array) -> jax.Array:
        value = target(tree, q)
        return jnp.where(jnp.isfinite(value), value, -jnp.inf)

    particles = tempered_smc(Spread(weight, tree), shape, key, progress, journal)
    temperature = float(particles.temperature.min())
    if unfinished := stopped(journal, f"tempering to λ = {temperature:.2f} of 1, before the first draw"):
        return Sampled(np.zeros((shape[0], 0, size)), {}, np.zeros((0, size)), {}, unfinished)
    found = evidence(particles.log_z)
    result = {"log_evidence": found.log_z, "log_evidence_error": found.error, "log_evidence_runs": list(found.runs)}
    lp = particles.weight + log_start(particles.q)
    attrs = {
        "method": "smc",
        "last_acceptance": float(particles.accepted),
        "failed": int(particles.dead.sum()),
        **result,
    }
    failed = start(shape, key)[particles.dead > 0.0]
    return Sampled(particles.q, {"lp": lp}, failed, attrs, "", float(particles.ess.sum()), result)


def stopped(journal: Journal, progress: str) -> str:
    """What a run that did not reach its end says first."""
    if not journal.stop:
        return ""
    return f"{'stopped' if journal.failure else 'interrupted'} after {progress}"
