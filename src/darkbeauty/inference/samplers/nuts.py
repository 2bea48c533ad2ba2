"""The No-U-Turn sampler (numpyro), chains vectorised, with global moves where the coordinates allow.

A transition is GLOBAL_MOVES independence-Metropolis steps, each proposing a draw of the standard logistic distribution of the coordinates, followed by one
NUTS transition. The first jump between modes that NUTS cannot connect, the second explores each. Nuisances beside parameters with global moves
are sampled apart (`darkbeauty.inference.samplers.gibbs`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.relic_map.coordinates import relic_coordinates
from darkbeauty.inference.samplers.chains import KEPT, Kernel, Shape, accepted, alive_start, choose, run, seeds
from darkbeauty.inference.samplers.gibbs import GibbsKernel
from darkbeauty.inference.samplers.sampler import Draws, Progress, Sampler
from darkbeauty.inference.sharding import Spread, collect
from darkbeauty.inference.storage.checkpoint import Arrays, Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection

BLOCK = 20
"""Transitions between two calls of progress, and between two entries in the journal."""
GLOBAL_MOVES = 3
"""Independence proposals before every transition, where the coordinates follow the posterior."""


class Proposals(NamedTuple):
    """Independence proposals with their potential, its gradient, and uniform numbers; leading shape (block, moves, chains)."""

    q: Any
    potential: Any
    slope: Any
    uniform: Any


class NutsKernel(Kernel):
    """Potential with gradient, of all proposals of a block together, and a block of transitions."""

    def __init__(self, posterior: Posterior, shape: Shape, warmup: int, settings: dict[str, Any]):
        super().__init__(shape)
        settings = settings | {"dense_mass": not posterior.nuisances.size}
        self._evaluate = Spread(lambda at, q: jax.value_and_grad(lambda x: -at.log_density(x))(q), posterior)
        init, transition = hmc(lambda q: -posterior.log_density(q), algo="NUTS")

        @jax.numpy_dtype_promotion("standard")  # numpyro mixes integers and floats
        def begin(q: Array, potential: Array, slope: Array, seeds: Array) -> Any:
            begin_chain = lambda q, v, dv, k: init(ParamInfo(q, v, dv), warmup, rng_key=k, **settings)
            return jax.vmap(begin_chain)(q, potential, slope, jax.random.wrap_key_data(seeds))

        self._begin = jax.jit(begin, out_shardings=self.rows)
        self._advance = self.blocks(lambda state, proposals: _step(transition, state, proposals))
        per_chain, point = (
            jax.ShapeDtypeStruct(shape[2:3], float),
            jax.ShapeDtypeStruct((shape.chains, shape.size), float),
        )
        words = jax.eval_shape(lambda: jax.random.key_data(jax.random.split(jax.random.key(0), shape.chains)))
        self.like = jax.eval_shape(self._begin, point, per_chain, point, words)

    def compile(self) -> None:
        vector, scalar = (jax.ShapeDtypeStruct(shape, float) for shape in (self.shape, self.shape[:3]))
        state, proposals = self.shapes(Proposals(vector, scalar, vector, scalar))
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(lambda: self._some(np.zeros((1, self.shape.size))))
            second = pool.submit(lambda: self._advance.lower(state, proposals).compile())
            first.result()
            self._advance = second.result()

    def begin(self, start: Array, key: Array) -> Any:
        return self._begin(*alive_start(start, key, self._some), seeds(key, len(start)))

    def advance(self, state: Any, key: Array) -> tuple[Any, Arrays]:
        proposals = self._propose(key)
        state, record = self._advance(state, self.on_devices(proposals))
        record, jumped = collect(record)
        return state, record | {"jumped": jumped, "failed": proposals.q[~np.isfinite(proposals.potential)]}

    def step_size(self, state: Any) -> np.ndarray:
        return collect(state.adapt_state.step_size)

    def _some(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Potential and gradient of a few points with a function compiled for a block of proposals, or for one point per chain."""
        block, moves, chains, size = self.shape
        potential, slope = self._evaluate(np.resize(q, (max(block * moves, 1) * chains, size)))
        return potential[: len(q)], slope[: len(q)]

    def _propose(self, key: Array) -> Proposals:
        """Draws of the reference with potential and gradient; a proposal where either is not finite is never accepted."""
        q_key, u_key = jax.random.split(key)
        q = np.asarray(jax.random.logistic(q_key, self.shape, float))
        uniform = np.asarray(jax.random.uniform(u_key, self.shape[:3], float))
        if not self.shape.moves:
            return Proposals(q, np.zeros(self.shape[:3]), q, uniform)
        potential, slope = self._evaluate(q.reshape(-1, self.shape.size))
        fine = np.isfinite(potential) & np.all(np.isfinite(slope), axis=-1)
        potential = np.where(fine, potential, np.inf)
        slope = np.where(fine[:, None], slope, 0.0)
        return Proposals(q, potential.reshape(self.shape[:3]), slope.reshape(self.shape), uniform)


@jax.numpy_dtype_promotion("standard")
def _step(transition: Callable, state, proposals: Proposals):
    state, jumped = jax.lax.scan(_jump, state, proposals)
    new = jax.vmap(transition)(state)
    return new, ({"z": new.z} | {name: getattr(new, name) for name in KEPT}, jumped)


def _jump(state, proposal: Proposals):
    """One independence-Metropolis move of every chain."""
    take = accepted((proposal.q, proposal.potential), (state.z, state.potential_energy), proposal.uniform)
    moved = state._replace(
        z=choose(take, proposal.q, state.z),
        z_grad=choose(take, proposal.slope, state.z_grad),
        potential_energy=choose(take, proposal.potential, state.potential_energy),
    )
    return moved, take


def draw(posterior: Posterior, settings: SamplerSection, seed: int, progress: Progress, journal: Journal) -> Draws:
    """`chains` chains of NUTS, of `draws` draws each."""
    start_key, chain_key = jax.random.split(jax.random.key(seed))
    start = 0.5 * jax.random.logistic(start_key, (settings.chains, posterior.size), float)
    shape = Shape(BLOCK, GLOBAL_MOVES if posterior.follows else 0, *start.shape)
    options = {"target_accept_prob": settings.target_accept, "max_tree_depth": settings.max_depth}
    apart = shape.moves and posterior.nuisances.size
    kernel = (GibbsKernel if apart else NutsKernel)(posterior, shape, settings.warmup, options)
    length = {"warmup": settings.warmup, "draws": settings.draws}
    draws = run(kernel, start, chain_key, **length, progress=progress, journal=journal)
    longest = int(np.sum(draws.stats["n_steps"] >= 2**settings.max_depth - 1))
    return replace(draws, attrs=draws.attrs | {"longest_trees": longest})


SAMPLER = Sampler(
    draw,
    settings=("chains", "warmup", "draws", "target_accept", "max_depth"),
    stages=lambda settings: {"warm-up": settings.warmup, "sampling": settings.draws},
    extends=("draws",),
    coordinates=relic_coordinates,
    references=("arXiv:1912.11554", "arXiv:1111.4246"),
)
