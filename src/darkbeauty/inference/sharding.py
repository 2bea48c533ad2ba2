"""A function of one point over many points, spread over all devices of all processes by JAX itself.

A process belongs to a larger run once `jax.distributed.initialize` has been called in it (docs/scaling.md). Every process then does the same steps
on the host and the same share of the points on its devices, and holds all results.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from darkbeauty.environment import Processes, cores, read_processes, says_how_many_devices
from darkbeauty.errors import InputError, Problem

AXIS = "points"
PATIENCE = 90.0
"""Seconds that the processes of a run wait for each other."""
TOGETHER = 16
"""Points that one device evaluates in one vectorised step; every share is a whole number of steps, so that a point's last digit does not depend on
the number of devices."""
ACCELERATED = 4096
"""The same on a GPU or TPU, which is idle with few points: as many as there are up to that."""


def join_processes(alone: int | None = None) -> None:
    """Join the processes that share the run, by `environment.read_processes`; else be alone, with a device per core or `alone` of them.

    Errors   InputError naming what is wrong with the variables that say so
    """
    shared = read_processes()
    if jax.distributed.is_initialized():
        return
    if shared is None:
        use_every_core(alone)
        return
    how = {"num_processes": shared.count, "process_id": shared.number, "coordinator_address": shared.address or None}
    with _stdout_on_stderr(), _patience(shared):
        jax.distributed.initialize(**how)
        multihost_utils.sync_global_devices("darkbeauty")


def use_every_core(count: int | None = None) -> None:
    """Every core of a CPU (or so many) as a device of its own, which waits for no other; not where XLA_FLAGS has a number or JAX has begun."""
    if not says_how_many_devices():
        with suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", count or cores())


@contextmanager
def _patience(shared: Processes) -> Iterator[None]:
    """For a while wait for the other processes of a run; then end this one with words (JAX would abort it, much later, without any)."""
    where = shared.address or "where Slurm says"

    def give_up() -> None:
        lines = f"error: {shared.count} processes were to meet at {where}, and not all came within {PATIENCE:g} s"
        os.write(2, f"{lines}\n  alone: unset COORDINATOR_ADDRESS, or srun -n 1\n".encode())
        os._exit(2)

    timer = threading.Timer(PATIENCE, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _stdout_on_stderr() -> Iterator[None]:
    """For libraries below Python that greet on stdout, where only results belong."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def is_first_process() -> bool:
    """Whether this process is the one that writes files and prints."""
    return jax.process_index() == 0


def agreed(flag: bool) -> bool:
    """Whether the flag is raised in any process."""
    if jax.process_count() == 1:
        return flag
    return bool(np.any(multihost_utils.process_allgather(np.asarray(flag))))


def devices(rows: int | None = None) -> Mesh:
    """All devices in a row; for a number of rows that must be shared evenly, as many of them as divide it.

    Errors   InputError if several processes cannot share the rows: each must have its part
    """
    everything = jax.devices()
    count = len(everything)
    if rows is not None:
        count = max(k for k in range(1, count + 1) if rows % k == 0)
        if jax.process_count() > 1 and count < len(everything):
            raise InputError([Problem("chains", f"{rows} cannot be shared by {len(everything)} devices", "a multiple")])
    return Mesh(np.asarray(everything[:count]), (AXIS,))


def split(mesh: Mesh, axis: int = 0) -> NamedSharding:
    """The sharding that divides one axis of an array among the devices."""
    return NamedSharding(mesh, PartitionSpec(*(None,) * axis, AXIS))


def place(array: np.ndarray, sharding: NamedSharding) -> jax.Array:
    """An array that every process has, on the devices."""
    return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])


def collect(tree: Any) -> Any:
    """Arrays on the devices, as NumPy arrays in every process."""
    if jax.process_count() > 1:
        return jax.tree.map(np.asarray, multihost_utils.process_allgather(tree, tiled=True))
    return jax.tree.map(np.asarray, tree)


class Spread:
    """function(tree, point) → arrays, over the rows of a table of points (arrays with a common leading axis).

    together: points that a device evaluates in one vectorised step, unless given what suits it; block: rows of one call, so that tables of any length
    share one compiled function (without it, every length is compiled for itself).
    """

    def __init__(
        self, function: Callable[[Any, Any], Any], tree: Any, together: int | None = None, block: int | None = None
    ):
        step = together or TOGETHER
        self.mesh, self.step, self.block = devices(), step * len(jax.devices()), block
        arrays, rest = eqx.partition(tree, lambda leaf: isinstance(leaf, np.ndarray | jax.Array))
        everywhere = NamedSharding(self.mesh, PartitionSpec())
        self._arrays = jax.tree.map(lambda array: place(np.asarray(array), everywhere), arrays)

        def share(arrays: Any, table: Any) -> Any:
            rows = len(jax.tree.leaves(table)[0])
            chunk = step if together or jax.default_backend() == "cpu" else min(rows, ACCELERATED)
            return jax.lax.map(lambda point: function(eqx.combine(arrays, rest), point), table, batch_size=chunk)

        specs = PartitionSpec(), PartitionSpec(AXIS)
        self._run = jax.jit(jax.shard_map(share, mesh=self.mesh, in_specs=specs, out_specs=specs[1], check_vma=False))

    def __call__(self, table: Any) -> Any:
        """Results for every row, as NumPy arrays in every process."""
        size = len(jax.tree.leaves(table)[0])
        block = -(-(self.block or size) // self.step) * self.step
        table = jax.tree.map(lambda column: _fill(np.asarray(column), block), table)
        place_rows = lambda start: jax.tree.map(
            lambda column: place(column[start : start + block], split(self.mesh)), table
        )
        under_way = [self._run(self._arrays, place_rows(start)) for start in range(0, size, block)]
        return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:size], *map(collect, under_way))


def _fill(column: np.ndarray, block: int) -> np.ndarray:
    """A column with its last row repeated to a whole number of blocks."""
    return np.concatenate([column, np.repeat(column[-1:], -len(column) % block, axis=0)])
