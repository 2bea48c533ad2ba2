"""Markov chains in blocks that can be watched, stored and resumed; the kernel that moves them is another's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.sharding import PartitionSpec

from darkbeauty.inference.coordinates import log_logistic
from darkbeauty.inference.samplers.sampler import Draws, Progress, stopped
from darkbeauty.inference.sharding import collect, devices, place, split
from darkbeauty.inference.storage.checkpoint import Arrays, Journal

KEPT = {
    "potential_energy": "lp",
    "num_steps": "n_steps",
    "accept_prob": "acceptance_rate",
    "diverging": "diverging",
    "energy": "energy",
}
"""What is recorded of every transition of NUTS, and what it is called in a run's file (the first one with the other sign)."""
STARTS = 50
"""How often a chain without likelihood at its start is given another one."""


class Shape(NamedTuple):
    """Transitions of a block, global moves before each of them, chains, coordinates."""

    block: int
    moves: int
    chains: int
    size: int


class Kernel(ABC):
    """The compiled functions of a run, for its one shape. Chains are divided among the devices.

    `like`, of every state, is set by whoever derives from this.
    """

    like: Any

    def __init__(self, shape: Shape):
        self.shape = shape
        self.mesh = devices(shape.chains)
        self.rows, self.columns = split(self.mesh), split(self.mesh, axis=2)

    @abstractmethod
    def compile(self) -> None:
        """Compile the expensive functions side by side."""

    @abstractmethod
    def begin(self, start: Array, key: Array) -> Any:
        """The state of chains that begin at `start`, or beside it where the density there is zero."""

    @abstractmethod
    def advance(self, state: Any, key: Array) -> tuple[Any, Arrays]:
        """A block of transitions: the state after it, and its record: z and KEPT, shape (block, chains, …), jumped, failed."""

    @abstractmethod
    def step_size(self, state: Any) -> np.ndarray:
        """Of every chain."""

    def blocks(self, step: Callable[[Any, Any], tuple[Any, Any]]) -> Callable:
        """step(state, proposals of a transition), over a block of them, on all devices."""
        rows, columns = self.rows.spec, self.columns.spec
        return jax.jit(
            jax.shard_map(
                lambda state, proposals: jax.lax.scan(step, state, proposals),
                mesh=self.mesh,
                in_specs=(rows, columns),
                out_specs=(rows, (PartitionSpec(None, *rows), columns)),
                check_vma=False,
            )
        )

    def on_devices(self, proposals: Any) -> Any:
        """Proposals of a block, shape (block, moves, chains, …), divided by chains."""
        return jax.tree.map(lambda array: place(array, self.columns), proposals)

    def shapes(self, proposals: Any) -> tuple[Any, Any]:
        """A state and proposals as shapes, for compilation."""
        on = lambda leaf, sharding: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding)
        return (
            jax.tree.map(lambda leaf: on(leaf, self.rows), self.like),
            jax.tree.map(lambda leaf: on(leaf, self.columns), proposals),
        )

    def arrays(self, state: Any) -> list[np.ndarray]:
        """A state as plain arrays, in every process."""
        return collect([jax.random.key_data(leaf) if _is_key(leaf) else leaf for leaf in jax.tree.leaves(state)])

    def restore(self, arrays: list[np.ndarray]) -> Any:
        """The state of such arrays."""
        leaves, structure = jax.tree.flatten(self.like)
        wrap = jax.jit(jax.random.wrap_key_data, out_shardings=self.rows)
        return jax.tree.unflatten(
            structure,
            [(wrap if _is_key(leaf) else lambda x: x)(place(a, self.rows)) for leaf, a in zip(leaves, arrays)],
        )


def run(
    kernel: Kernel,
    start: Array,
    key: Array,
    *,
    warmup: int,
    draws: int,
    progress: Progress = lambda *_: None,
    journal: Journal | None = None,
) -> Draws:
    """Draw; fewer draws than asked for if the journal says stop.

    Args     start: (chains, n); progress is called, and the journal written, after every block
    """
    journal, block = journal or Journal(), kernel.shape.block
    start_key, proposal_key = jax.random.split(key)
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
    done = min(block * len(parts), draws)
    warm = f"{min(block * journal.count, warmup)} of {warmup} transitions of the warm-up, before the first draw"
    unfinished = stopped(journal, f"{done} of {draws} draws" if done else warm)
    return _join(parts, kernel.step_size(state), draws, kernel.shape, unfinished)


def alive_start(start: Array, key: Array, evaluate: Callable[[np.ndarray], tuple[np.ndarray, ...]]) -> tuple:
    """q where the density is not zero, and what evaluate gives there: (potential, gradient, …), each (chains, …)."""
    q, values = np.asarray(start), evaluate(np.asarray(start))
    for attempt in range(STARTS):
        fine = np.isfinite(values[0]) & np.all(np.isfinite(values[1]), axis=-1)
        if np.all(fine):
            break
        other = np.asarray(0.5 * jax.random.logistic(jax.random.fold_in(key, attempt), start.shape, float))
        pick = lambda old, new, fine=fine: np.where(fine.reshape(fine.shape + (1,) * (old.ndim - 1)), old, new)
        q, *values = map(pick, (q, *values), (other, *evaluate(other)))
    return (q, *values)


def seeds(key: Array, chains: int) -> np.ndarray:
    """Random numbers to make a key of for every chain."""
    return np.asarray(jax.random.key_data(jax.random.split(key, chains)))


def _diverging(parts: list[Arrays]) -> int:
    return sum(int(np.sum(part["diverging"])) for part in parts)


def _join(parts: list[Arrays], step_size: np.ndarray, draws: int, shape: Shape, unfinished: str) -> Draws:
    """The draws of all blocks, of shape (chains, draws)."""
    nothing: Arrays = {name: np.zeros((0, shape.chains)) for name in KEPT}
    nothing |= {"z": np.zeros((0, shape.chains, shape.size)), "diverging": np.zeros((0, shape.chains), bool)}
    together = lambda name: np.concatenate([nothing[name], *(part[name] for part in parts)])[:draws]
    kept = {name: np.swapaxes(together(name), 0, 1) for name in ("z", *KEPT)}
    jumped = np.concatenate([np.zeros((0, shape.moves, shape.chains), bool), *(part["jumped"] for part in parts)])
    failed = np.concatenate([np.zeros((0, shape.size)), *(part["failed"] for part in parts)])
    attrs = {
        "step_size": [float(size) for size in step_size],
        "global_proposals": jumped.size,
        "global_accept": float(np.mean(jumped)) if jumped.size else 0.0,
        "global_failed": len(failed),
    }
    stats = {label: kept[name] for name, label in KEPT.items()}
    return Draws(kept["z"], stats | {"lp": -stats["lp"]}, failed, attrs, unfinished)


def accepted(new: tuple[Array, Array], old: tuple[Array, Array], uniform: Array) -> Array:
    """Whether (q, potential) of independence proposals are taken: with probability min(1, w(q′)/w(q)), w = posterior/standard logistic density."""
    weight = lambda q, potential: -potential - jnp.sum(log_logistic(q), axis=-1)
    return jnp.log(uniform) < weight(*new) - weight(*old)


def choose(take: Array, new: Array, old: Array) -> Array:
    """The new rows where they are taken."""
    return jnp.where(take.reshape(take.shape + (1,) * (old.ndim - 1)), new, old)


def _is_key(leaf: Any) -> bool:
    return jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.prng_key)  # pyright: ignore[reportPrivateImportUsage]
