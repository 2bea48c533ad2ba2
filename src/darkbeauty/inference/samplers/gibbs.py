"""Parameters by Metropolis moves, nuisances by NUTS: the sampler of fits whose theory errors are parameters.

A transition moves the parameters at fixed nuisances, several times by an independence proposal from the standard logistic distribution of their
coordinates, each followed by LOCAL steps of a random walk of all lengths; then it moves the nuisances at fixed parameters, by one transition of NUTS. The density
of the nuisances is smooth and nearly normal, whatever the parameters are, while that of the parameters has cliffs, where NUTS diverges.
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

from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.samplers.chains import KEPT, Kernel, Shape, accepted, alive_start, choose, seeds
from darkbeauty.inference.sharding import collect
from darkbeauty.inference.storage.checkpoint import Arrays

LOCAL = 4
"""Steps of the random walk after every independence proposal."""
LENGTHS = (0.05, 2.0)
"""Standard deviation of a step: log-uniform between these."""


class State(NamedTuple):
    """Of all chains: coordinates of the parameters, what the density of the nuisances needs of them, and NUTS of the nuisances."""

    q: Array
    frame: Any
    nuts: Any


class Proposals(NamedTuple):
    """Coordinates, or steps from where the chain is, and uniform numbers; leading shape (block, moves, chains)."""

    q: Any
    is_step: Any
    uniform: Any


class GibbsKernel(Kernel):
    """Frame, potential and gradient of one point per chain, and a block of transitions."""

    def __init__(self, posterior: Posterior, shape: Shape, warmup: int, settings: dict[str, Any]):
        super().__init__(shape)
        self._parameters = shape.size - posterior.nuisances.size
        potential = lambda frame, eta: -posterior.log_density_in(frame, eta)
        init, transition = hmc(potential_fn_gen=lambda frame: lambda eta: potential(frame, eta), algo="NUTS")

        def place(q: Array, eta: Array) -> tuple[Array, Array, Any]:
            """Potential, its gradient by the nuisances, frame."""
            frame = posterior.frame(q)
            return *jax.value_and_grad(potential, 1)(frame, eta), frame

        @jax.numpy_dtype_promotion("standard")  # numpyro mixes integers and floats
        def begin(point: Array, potential: Array, slope: Array, frame: Any, seeds: Array) -> State:
            q, eta = jnp.split(point, [self._parameters], axis=1)
            begin_chain = lambda eta, v, dv, frame, k: init(
                ParamInfo(eta, v, dv), warmup, rng_key=k, model_args=(frame,), **settings
            )
            return State(q, frame, jax.vmap(begin_chain)(eta, potential, slope, frame, jax.random.wrap_key_data(seeds)))

        self._place: Any = jax.jit(jax.vmap(lambda point: place(*jnp.split(point, [self._parameters]))))
        self._begin = jax.jit(begin, out_shardings=self.rows)
        self._advance = self.blocks(lambda state, proposals: _step(jax.vmap(place), transition, state, proposals))
        point = jax.ShapeDtypeStruct((shape.chains, shape.size), float)
        words = jax.eval_shape(lambda: jax.random.key_data(jax.random.split(jax.random.key(0), shape.chains)))
        self.like = jax.eval_shape(self._begin, point, *jax.eval_shape(self._place, point), words)

    def compile(self) -> None:
        proposals = jax.eval_shape(lambda: self._propose(jax.random.key(0)))
        state, proposals = self.shapes(proposals)
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(lambda: self._place.lower(jax.ShapeDtypeStruct(self.shape[2:], float)).compile())
            second = pool.submit(lambda: self._advance.lower(state, proposals).compile())
            self._place, self._advance = first.result(), second.result()

    def begin(self, start: Array, key: Array) -> State:
        flat = lambda point: (*(placed := self._place(point))[:2], *jax.tree.leaves(placed[2]))
        point, potential, slope, *leaves = alive_start(start, key, lambda point: tuple(map(np.asarray, flat(point))))
        frame = jax.tree.unflatten(jax.tree.structure(self.like.frame), leaves)
        return self._begin(point, potential, slope, frame, seeds(key, len(start)))

    def advance(self, state: State, key: Array) -> tuple[State, Arrays]:
        proposals = self._propose(key)
        state, record = self._advance(state, self.on_devices(jax.tree.map(np.asarray, proposals)))
        record, (jumped, failed) = collect(record)
        return state, record | {"jumped": jumped[:, :: 1 + LOCAL], "failed": failed[~np.isnan(failed[..., 0])]}

    def _propose(self, key: Array) -> Proposals:
        """An independence proposal, and steps, as often as there are global moves."""
        q_key, step_key, length_key, uniform_key = jax.random.split(key, 4)
        shape = self.shape.block, self.shape.moves * (1 + LOCAL), self.shape.chains
        is_step = jnp.broadcast_to((jnp.arange(shape[1]) % (1 + LOCAL) > 0)[:, None], shape)
        length = jnp.exp(jax.random.uniform(length_key, shape, float, *np.log(LENGTHS)))[..., None]
        step = length * jax.random.normal(step_key, (*shape, self._parameters), float)
        q = jnp.where(is_step[..., None], step, jax.random.logistic(q_key, step.shape, float))
        return Proposals(q, is_step, jax.random.uniform(uniform_key, shape, float))

    def step_size(self, state: State) -> np.ndarray:
        return collect(state.nuts.adapt_state.step_size)


@jax.numpy_dtype_promotion("standard")
def _step(place: Callable, transition: Callable, state: State, proposals: Proposals):
    """Parameters, then nuisances; the record, and of every proposal whether it was taken, and where it failed."""
    state, moves = jax.lax.scan(lambda state, proposal: _jump(place, state, proposal), state, proposals)
    new = jax.vmap(lambda nuts, frame: transition(nuts, model_args=(frame,)))(state.nuts, state.frame)
    record = {"z": jnp.concatenate([state.q, new.z], axis=1)} | {name: getattr(new, name) for name in KEPT}
    return State(state.q, state.frame, new), (record, moves)


def _jump(place: Callable, state: State, proposal: Proposals):
    """One move of the parameters of every chain; where something is not finite it is never accepted, and the place recorded (NaN elsewhere)."""
    q = proposal.q + jnp.where(proposal.is_step[:, None], state.q, 0.0)
    potential, slope, frame = place(q, state.nuts.z)
    fine = jnp.isfinite(potential) & jnp.all(jnp.isfinite(slope), axis=-1)
    potential = jnp.where(fine, potential, jnp.inf)
    old = state.nuts.potential_energy
    walked = jnp.log(proposal.uniform) < old - potential
    take = jnp.where(proposal.is_step, walked, accepted((q, potential), (state.q, old), proposal.uniform))
    nuts = state.nuts._replace(
        z_grad=choose(take, slope, state.nuts.z_grad), potential_energy=choose(take, potential, old)
    )
    frame = jax.tree.map(lambda new, old: choose(take, new, old), frame, state.frame)
    failed = jnp.where(fine[:, None], jnp.nan, jnp.concatenate([q, state.nuts.z], axis=1))
    return State(choose(take, q, state.q), frame, nuts), (take, failed)
