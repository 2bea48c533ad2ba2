"""The No-U-Turn sampler (numpyro), chains vectorised, in blocks that can be watched, with global moves where the coordinates allow.

A transition is `global_moves` independence-Metropolis steps, each proposing a draw of the standard logistic distribution of the coordinates (the standard
normal one of sampled nuisances), followed by one NUTS transition. The first jump between modes that NUTS cannot connect, the second explores each.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec
from numpyro.infer.hmc import hmc
from numpyro.infer.util import ParamInfo

from darkbeauty.inference.checkpoint import Arrays, Journal
from darkbeauty.inference.coordinates import log_logistic
from darkbeauty.inference.sharding import Spread, collect, devices, place, split

KEPT = ("z", "potential_energy", "num_steps", "accept_prob", "diverging", "energy")
STARTS = 50
"""How often a chain without likelihood at its start is given another one."""


class Draws(NamedTuple):
    """Samples of q and what the sampler says of them; leading shape (chains, draws).

    step_size: per chain; global_accept: accepted fraction of the global `proposals`; failed: those of them without likelihood, shape (k, n).
    """

    q: np.ndarray
    potential: np.ndarray
    steps: np.ndarray
    accept: np.ndarray
    diverging: np.ndarray
    energy: np.ndarray
    step_size: np.ndarray
    global_accept: float
    proposals: int
    failed: np.ndarray


class Proposals(NamedTuple):
    """Independence proposals with their potential, its gradient, and uniform numbers; leading shape (block, moves, chains)."""

    q: np.ndarray
    potential: np.ndarray
    slope: np.ndarray
    uniform: np.ndarray


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
    normals: int = 0,
) -> Draws:
    """Draw from a density of q; fewer draws than asked for if the journal says stop.

    Args     log_density: (tree, q (n,)) → log density; start: (chains, n); block: transitions between two calls of
             progress(stage, done, diverging), and between two entries in the journal; normals: how many coordinates, the last ones, are nearly
             standard normal whatever the others are: the mass matrix is then diagonal
    """
    journal = journal or Journal()
    shape = (block, global_moves, *start.shape)
    settings = {"target_accept_prob": target_accept, "max_tree_depth": max_depth, "dense_mass": not normals}
    start_key, proposal_key = jax.random.split(key)
    kernel = _Kernel(log_density, tree, shape, warmup, settings, normals)
    warmup_blocks, total = -(-warmup // block), -(-warmup // block) - (-draws // block)
    count = min(journal.count, total)
    parts = journal.parts(warmup_blocks, count)
    if count < total:
        kernel.compile()
    state = kernel.restore(journal.arrays()) if count else kernel.begin(start, start_key)
    with journal.interruption:
        for number in range(count, total):
            sampling = number >= warmup_blocks
            stage, size, done = ("sampling", draws, number - warmup_blocks) if sampling else ("warm-up", warmup, number)
            progress(stage, block * done, _diverging(parts))
            if journal.stop:
                break
            state, part = kernel.advance(state, jax.random.fold_in(proposal_key, number + 1))
            journal.save(kernel.arrays(state), part if sampling else None)
            parts += [part] if sampling else []
            progress(stage, min(block * (done + 1), size), _diverging(parts))
    return _join(parts, state, draws, shape)


def _diverging(parts: list[Arrays]) -> int:
    return sum(int(np.sum(part["diverging"])) for part in parts)


def _join(parts: list[Arrays], state: Any, draws: int, shape: tuple[int, int, int, int]) -> Draws:
    """The draws of all blocks, of shape (chains, draws)."""
    _, moves, chains, size = shape
    nothing: Arrays = {name: np.zeros((0, chains)) for name in KEPT}
    nothing |= {"z": np.zeros((0, chains, size)), "diverging": np.zeros((0, chains), bool)}
    joined = {name: np.concatenate([nothing[name], *(part[name] for part in parts)])[:draws] for name in KEPT}
    jumped = np.concatenate([np.zeros((0, moves, chains), bool), *(part["jumped"] for part in parts)])
    return Draws(
        *(np.swapaxes(joined[name], 0, 1) for name in KEPT),
        collect(state.adapt_state.step_size),
        float(np.mean(jumped)) if jumped.size else 0.0,
        jumped.size,
        np.concatenate([np.zeros((0, size)), *(part["failed"] for part in parts)]),
    )


class _Kernel:
    """The compiled functions of a run, each for its one shape (block, moves, chains, n): potential with gradient, and a block of transitions.

    Chains are divided among the devices, and so are the points of a batch of proposals.
    """

    def __init__(
        self,
        log_density: Callable,
        tree: Any,
        shape: tuple[int, int, int, int],
        warmup: int,
        settings: dict[str, Any],
        normals: int,
    ):
        self.shape, self.normals = shape, normals
        mesh = devices(shape[2])
        self._rows, self._columns = split(mesh), split(mesh, axis=2)
        self._evaluate = Spread(lambda tree, q: jax.value_and_grad(lambda x: -log_density(tree, x))(q), tree)
        init, transition = hmc(lambda q: -log_density(tree, q), algo="NUTS")

        def begin(q: Array, potential: Array, slope: Array, seeds: Array) -> Any:
            one = lambda q, v, dv, k: init(ParamInfo(q, v, dv), warmup, rng_key=k, **settings)
            return jax.vmap(one)(q, potential, slope, jax.random.wrap_key_data(seeds))

        self._begin = jax.jit(begin, out_shardings=self._rows)
        share = lambda state, proposals: jax.lax.scan(lambda s, p: _step(transition, s, p, normals), state, proposals)
        rows, columns = self._rows.spec, self._columns.spec
        self._advance = jax.jit(
            jax.shard_map(
                share,
                mesh=mesh,
                in_specs=(rows, columns),
                out_specs=(rows, (PartitionSpec(None, *rows), columns)),
                check_vma=False,
            )
        )
        chains, size = shape[2:]
        per_chain, point = jax.ShapeDtypeStruct((chains,), float), jax.ShapeDtypeStruct((chains, size), float)
        seeds = jax.eval_shape(lambda: jax.random.key_data(jax.random.split(jax.random.key(0), chains)))
        self._like = jax.eval_shape(self._begin, point, per_chain, point, seeds)

    def compile(self) -> None:
        """Compile the two expensive functions side by side."""
        on = lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)
        state = jax.tree.map(lambda leaf: on(leaf, self._rows), self._like)
        vector, scalar = (jax.ShapeDtypeStruct(shape, float) for shape in (self.shape, self.shape[:3]))
        proposals = jax.tree.map(lambda leaf: on(leaf, self._columns), Proposals(vector, scalar, vector, scalar))
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(lambda: self._some(np.zeros((1, self.shape[3]))))
            second = pool.submit(lambda: self._advance.lower(state, proposals).compile())
            first.result()
            self._advance = second.result()

    def begin(self, start: Array, key: Array) -> Any:
        """The state of chains that begin at `start`, or beside it where the density there is zero."""
        q, potential, slope = np.asarray(start), *self._some(start)
        for attempt in range(STARTS):
            fine = np.isfinite(potential) & np.all(np.isfinite(slope), axis=-1)
            if np.all(fine):
                break
            other = np.asarray(0.5 * jax.random.logistic(jax.random.fold_in(key, attempt), start.shape, float))
            new_potential, new_slope = self._some(other)
            q, slope = (np.where(fine[:, None], *pair) for pair in ((q, other), (slope, new_slope)))
            potential = np.where(fine, potential, new_potential)
        seeds = np.asarray(jax.random.key_data(jax.random.split(key, len(start))))
        return self._begin(q, potential, slope, seeds)

    def arrays(self, state: Any) -> list[np.ndarray]:
        """A state as plain arrays, in every process."""
        return collect([jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(state)])

    def restore(self, arrays: list[np.ndarray]) -> Any:
        """The state of such arrays."""
        leaves, structure = jax.tree.flatten(self._like)
        wrap = jax.jit(jax.random.wrap_key_data, out_shardings=self._rows)
        return jax.tree.unflatten(
            structure,
            [(wrap if _is_key(leaf) else lambda x: x)(place(a, self._rows)) for leaf, a in zip(leaves, arrays)],
        )

    def advance(self, state: Any, key: Array) -> tuple[Any, Arrays]:
        """A block of transitions: the state after it, and its record, leading shape (block, chains)."""
        proposals = self._propose(key)
        state, record = self._advance(state, jax.tree.map(lambda array: place(array, self._columns), proposals))
        record, jumped = collect(record)
        return state, record | {"jumped": jumped, "failed": proposals.q[~np.isfinite(proposals.potential)]}

    def _some(self, q: Array) -> tuple[np.ndarray, np.ndarray]:
        """Potential and gradient of a few points with a function compiled for a block of proposals, or for one point per chain."""
        block, moves, chains, size = self.shape
        potential, slope = self._evaluate(np.resize(q, (max(block * moves, 1) * chains, size)))
        return potential[: len(q)], slope[: len(q)]

    def _propose(self, key: Array) -> Proposals:
        """Draws of the reference with potential and gradient; a proposal where either is not finite is never accepted."""
        q_key, u_key = jax.random.split(key)
        q = np.asarray(_reference(q_key, self.shape, self.normals))
        uniform = np.asarray(jax.random.uniform(u_key, self.shape[:3], float))
        if not self.shape[1]:
            return Proposals(q, np.zeros(self.shape[:3]), q, uniform)
        potential, slope = self._evaluate(q.reshape(-1, self.shape[3]))
        fine = np.isfinite(potential) & np.all(np.isfinite(slope), axis=-1)
        potential = np.where(fine, potential, np.inf)
        slope = np.where(fine[:, None], slope, 0.0)
        return Proposals(q, potential.reshape(self.shape[:3]), slope.reshape(self.shape), uniform)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _step(transition: Callable, state, proposals: Proposals, normals: int):
    state, jumped = jax.lax.scan(lambda s, p: _jump(s, p, normals), state, proposals)
    new = jax.vmap(transition)(state)
    return new, ({name: getattr(new, name) for name in KEPT}, jumped)


def _jump(state, proposal: Proposals, normals: int):
    """One independence-Metropolis move of every chain: accept with min(1, w(q′)/w(q)), w = posterior/reference."""
    weight = lambda q, potential: -potential - _log_reference(q, normals)
    log_ratio = weight(proposal.q, proposal.potential) - weight(state.z, state.potential_energy)
    take = jnp.log(proposal.uniform) < log_ratio
    choose = lambda new, old: jnp.where(take.reshape(take.shape + (1,) * (old.ndim - 1)), new, old)
    moved = state._replace(
        z=choose(proposal.q, state.z),
        z_grad=choose(proposal.slope, state.z_grad),
        potential_energy=choose(proposal.potential, state.potential_energy),
    )
    return moved, take


def _reference(key: Array, shape: tuple[int, ...], normals: int) -> Array:
    """Draws of standard logistic numbers, the last `normals` of them standard normal."""
    q = jax.random.logistic(key, shape, float)
    if not normals:
        return q
    return q.at[..., -normals:].set(jax.random.normal(jax.random.fold_in(key, 1), (*shape[:-1], normals), float))


def _log_reference(q: Array, normals: int) -> Array:
    """log of their density, up to a constant."""
    first, last = jnp.split(q, [q.shape[-1] - normals], axis=-1)
    return jnp.sum(log_logistic(first), axis=-1) - 0.5 * jnp.sum(last**2, axis=-1)
