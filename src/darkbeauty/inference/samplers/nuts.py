"""The No-U-Turn sampler (numpyro), chains vectorised, with global moves where the coordinates allow.

A transition is `global_moves` independence-Metropolis steps, each proposing a draw of the standard logistic distribution of the coordinates, followed by one
NUTS transition. The first jump between modes that NUTS cannot connect, the second explores each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from darkbeauty.inference.coordinates import log_logistic
from darkbeauty.inference.samplers.chains import KEPT, Draws, Kernel, Shape, found_start, run, seeds
from darkbeauty.inference.sharding import Spread, collect
from darkbeauty.inference.storage.checkpoint import Arrays, Journal


class Proposals(NamedTuple):
    """Independence proposals with their potential, its gradient, and uniform numbers; leading shape (block, moves, chains)."""

    q: Any
    potential: Any
    slope: Any
    uniform: Any


def sample(
    log_density: Callable[[Any, Array], Array],
    tree: Any,
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
    journal: Journal | None = None,
    dense: bool = True,
) -> Draws:
    """Draw from a density of q; fewer draws than asked for if the journal says stop.

    Args     log_density: (tree, q (n,)) → log density; start: (chains, n); block: transitions between two calls of
             progress(stage, done, diverging), and between two entries in the journal; dense: whether the mass matrix is
    """
    settings = {"target_accept_prob": target_accept, "max_tree_depth": max_depth, "dense_mass": dense}
    kernel = NutsKernel(log_density, tree, Shape(block, global_moves, *start.shape), warmup, settings)
    return run(kernel, start, key, warmup=warmup, draws=draws, progress=progress, journal=journal)


class NutsKernel(Kernel):
    """Potential with gradient, of all proposals of a block together, and a block of transitions."""

    def __init__(
        self,
        log_density: Callable[[Any, Array], Array],
        tree: Any,
        shape: Shape,
        warmup: int,
        settings: dict[str, Any],
    ):
        super().__init__(shape)
        self._evaluate = Spread(lambda tree, q: jax.value_and_grad(lambda x: -log_density(tree, x))(q), tree)
        init, transition = hmc(lambda q: -log_density(tree, q), algo="NUTS")

        def begin(q: Array, potential: Array, slope: Array, seeds: Array) -> Any:
            one = lambda q, v, dv, k: init(ParamInfo(q, v, dv), warmup, rng_key=k, **settings)
            return jax.vmap(one)(q, potential, slope, jax.random.wrap_key_data(seeds))

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
        return self._begin(*found_start(start, key, self._some), seeds(key, len(start)))

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


def accepted(new: tuple[Array, Array], old: tuple[Array, Array], uniform: Array) -> Array:
    """Whether (q, potential) of independence proposals are taken: with probability min(1, w(q′)/w(q)), w = posterior/standard logistic density."""
    weight = lambda q, potential: -potential - jnp.sum(log_logistic(q), axis=-1)
    return jnp.log(uniform) < weight(*new) - weight(*old)


def choose(take: Array, new: Array, old: Array) -> Array:
    """The new rows where they are taken."""
    return jnp.where(take.reshape(take.shape + (1,) * (old.ndim - 1)), new, old)
