"""The No-U-Turn sampler (numpyro), chains vectorised, in blocks that can be watched, with global moves where the coordinates allow.

A transition is `global_moves` independence-Metropolis steps, each proposing a draw of the standard logistic distribution of the coordinates,
followed by one NUTS transition. The first jump between modes that NUTS cannot connect, the second explores each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from darkbeauty.inference.coordinates import log_logistic

KEPT = ("z", "potential_energy", "num_steps", "accept_prob", "diverging", "energy")


class Draws(NamedTuple):
    """Samples of q and what the sampler says of them; leading shape (chains, draws)."""

    q: np.ndarray
    potential: np.ndarray
    steps: np.ndarray
    accept: np.ndarray
    diverging: np.ndarray
    energy: np.ndarray
    step_size: np.ndarray
    global_accept: float


class Proposals(NamedTuple):
    """Independence proposals with their potential, its gradient, and uniform numbers; leading shape (block, moves, chains)."""

    q: Array
    potential: Array
    slope: Array
    uniform: Array


def sample(
    log_density: Callable[[Array], Array],
    start: Array,
    key: Array,
    *,
    warmup: int,
    draws: int,
    block: int,
    target_accept: float,
    max_depth: int,
    global_moves: int,
    progress: Callable[[str, int, int], None],
) -> Draws:
    """Draw from a density of q.

    Args     log_density: q (n,) → log density; start: (chains, n); block: transitions between two calls of
             progress(stage, done, diverging)
    """
    chains, size = start.shape
    shape = (block, global_moves, chains, size)
    init, transition = hmc(lambda q: -log_density(q), algo="NUTS")
    settings = {"target_accept_prob": target_accept, "max_tree_depth": max_depth, "dense_mass": True}
    start_key, proposal_key = jax.random.split(key)
    begin = jax.jit(
        jax.vmap(lambda q, potential, slope, k: init(ParamInfo(q, potential, slope), warmup, rng_key=k, **settings))
    )
    evaluate, advance = _compile(log_density, begin, transition, shape)
    potential, slope = _evaluate_some(evaluate, start, _batch(shape))
    state = begin(start, potential, slope, jax.random.split(start_key, chains))
    kept, accepted, diverging, count = [], [], 0, 0
    for stage, total in (("warm-up", warmup), ("sampling", draws)):
        progress(stage, 0, diverging)
        for done in range(0, total, block):
            count += 1
            proposals = _propose(evaluate, jax.random.fold_in(proposal_key, count), shape)
            state, (record, jumped) = advance(state, proposals)
            if stage == "sampling":
                kept.append(jax.tree.map(np.asarray, record))
                accepted.append(float(jnp.mean(jumped)) if global_moves else 0.0)
                diverging += int(np.sum(kept[-1]["diverging"]))
            jax.block_until_ready(state)
            progress(stage, min(done + block, total), diverging)
    joined = {name: np.swapaxes(np.concatenate([part[name] for part in kept])[:draws], 0, 1) for name in KEPT}
    return Draws(*(joined[name] for name in KEPT), np.asarray(state.adapt_state.step_size), float(np.mean(accepted)))


def _batch(shape: tuple[int, int, int, int]) -> int:
    """Number of points that are evaluated together: the proposals of a block, or one per chain."""
    block, moves, chains, _ = shape
    return max(block * moves, 1) * chains


def _compile(
    log_density: Callable, begin: Callable, transition: Callable, shape: tuple[int, int, int, int]
) -> tuple[Callable, Callable]:
    """The two expensive functions, each for its one shape, side by side: potential with gradient, and a block of transitions."""
    *_, chains, size = shape
    evaluate = jax.jit(lambda q: jax.lax.map(jax.value_and_grad(lambda x: -log_density(x)), q))
    advance = jax.jit(lambda state, proposals: jax.lax.scan(lambda s, p: _step(transition, s, p), state, proposals))
    per_chain, point = jax.ShapeDtypeStruct((chains,), float), jax.ShapeDtypeStruct((chains, size), float)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), chains))
    state = jax.eval_shape(begin, point, per_chain, point, keys)
    vector, scalar = jax.ShapeDtypeStruct(shape, float), jax.ShapeDtypeStruct(shape[:3], float)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(lambda: evaluate.lower(jax.ShapeDtypeStruct((_batch(shape), size), float)).compile())
        second = pool.submit(lambda: advance.lower(state, Proposals(vector, scalar, vector, scalar)).compile())
        return first.result(), second.result()


def _evaluate_some(evaluate: Callable, q: Array, batch: int) -> tuple[Array, Array]:
    """Potential and gradient of a few points with a function compiled for more."""
    potential, slope = evaluate(jnp.resize(q, (batch, q.shape[1])))
    return potential[: len(q)], slope[: len(q)]


def _step(transition: Callable, state, proposals: Proposals):
    state, jumped = jax.lax.scan(_jump, state, proposals)
    new = jax.vmap(transition)(state)
    return new, ({name: getattr(new, name) for name in KEPT}, jumped)


def _jump(state, proposal: Proposals):
    """One independence-Metropolis move of every chain: accept with min(1, w(q′)/w(q)), w = posterior/logistic."""
    weight = lambda q, potential: -potential - jnp.sum(log_logistic(q), axis=-1)
    log_ratio = weight(proposal.q, proposal.potential) - weight(state.z, state.potential_energy)
    take = jnp.log(proposal.uniform) < log_ratio
    choose = lambda new, old: jnp.where(take.reshape(take.shape + (1,) * (old.ndim - 1)), new, old)
    moved = state._replace(
        z=choose(proposal.q, state.z),
        z_grad=choose(proposal.slope, state.z_grad),
        potential_energy=choose(proposal.potential, state.potential_energy),
    )
    return moved, take


def _propose(evaluate: Callable, key: Array, shape: tuple[int, int, int, int]) -> Proposals:
    """Logistic draws with potential and gradient; a proposal where either is not finite is never accepted."""
    q_key, u_key = jax.random.split(key)
    q = jax.random.logistic(q_key, shape, float)
    uniform = jax.random.uniform(u_key, shape[:3], float)
    if not shape[1]:
        return Proposals(q, jnp.zeros(shape[:3]), q, uniform)
    potential, slope = evaluate(q.reshape(-1, shape[3]))
    fine = jnp.isfinite(potential) & jnp.all(jnp.isfinite(slope), axis=-1)
    potential = jnp.where(fine, potential, jnp.inf)
    slope = jnp.where(fine[:, None], slope, 0.0)
    return Proposals(q, potential.reshape(shape[:3]), slope.reshape(shape), uniform)
