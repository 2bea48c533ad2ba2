"""What every sampler hands over, and the call of each with the settings of a fit file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.inference.samplers import gibbs, nuts
from darkbeauty.inference.samplers.gibbs import Conditional
from darkbeauty.inference.samplers.smc import evidence, log_start, start, surprise, tempered_smc
from darkbeauty.inference.sharding import Spread
from darkbeauty.inference.storage.checkpoint import Journal
from darkbeauty.likelihood.fit_schema import SamplerSection

BLOCK = 20
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Density:
    """What is sampled: log density (tree, q) → number, of q with n = size; tree: the arrays it is made of.

    global_moves: proposals of the coordinates' reference before every transition of NUTS, 0 where that is no guess of the posterior; conditional: the
    same density where the last coordinates are nuisances.
    """

    log_density: Callable[[Any, jax.Array], jax.Array]
    tree: Any
    size: int
    global_moves: int = 0
    conditional: Conditional | None = None


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


def draw(density: Density, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Sampled:
    """Draws by the sampler of the fit file."""
    return (draw_nuts if settings.method == "nuts" else draw_smc)(density, settings, seed, progress, journal)


def draw_nuts(density: Density, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Sampled:
    """`chains` chains of NUTS, of `draws` draws each; nuisances beside parameters with global moves are sampled apart."""
    start_key, chain_key = jax.random.split(jax.random.key(seed))
    start = 0.5 * jax.random.logistic(start_key, (settings.chains, density.size), float)
    options = {name: getattr(settings, name) for name in ("warmup", "draws", "target_accept", "max_depth")}
    options |= {"block": BLOCK, "global_moves": density.global_moves, "progress": progress, "journal": journal}
    if density.conditional and density.global_moves:
        draws = gibbs.sample(density.conditional, start, chain_key, **options)
    else:
        dense = density.conditional is None
        draws = nuts.sample(density.log_density, density.tree, start, chain_key, dense=dense, **options)
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


def draw_smc(density: Density, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Sampled:
    """`chains` independent runs of tempered SMC, of `draws` particles each (one more if that is odd)."""
    key = jax.random.key(seed)
    shape = (settings.chains, settings.draws + settings.draws % 2, density.size)

    def weight(tree: Any, q: jax.Array) -> jax.Array:
        value = density.log_density(tree, q)
        return jnp.where(jnp.isfinite(value), value, -jnp.inf)

    particles = tempered_smc(Spread(weight, density.tree), shape, key, progress, journal)
    temperature = float(particles.temperature.min())
    if unfinished := stopped(journal, f"tempering to λ = {temperature:.2f} of 1, before the first draw"):
        return Sampled(np.zeros((shape[0], 0, density.size)), {}, np.zeros((0, density.size)), {}, unfinished)
    found = evidence(particles.log_z)
    result = {"log_evidence": found.log_z, "log_evidence_error": found.error, "log_evidence_runs": list(found.runs)}
    lp = particles.weight + log_start(particles.q)
    attrs = {
        "method": "smc",
        "last_acceptance": float(particles.accepted),
        "failed": int(particles.dead.sum()),
        **result,
    }
    if density.global_moves:
        attrs["surprise"] = surprise(particles)
    failed = start(shape, key)[particles.dead > 0.0]
    return Sampled(particles.q, {"lp": lp}, failed, attrs, "", float(particles.ess.sum()), result)


def stopped(journal: Journal, progress: str) -> str:
    """What a run that did not reach its end says first."""
    if not journal.stop:
        return ""
    return f"{'stopped' if journal.failure else 'interrupted'} after {progress}"
