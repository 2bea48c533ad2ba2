"""Compiled functions that are let go again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any

import equinox as eqx
import jax

KEPT = 8
"""Programs of one function that are kept, one for every structure of its arguments: the oldest one goes first."""


def compiled(function: Callable[..., Any], keep: int = KEPT) -> Callable[..., Any]:
    """A function, compiled for every structure of its arguments; what is no array among these is a constant of the program.

    `equinox.filter_jit` keeps the programs of every function that it was given for as long as Python runs. These go when the function does that is returned.
    """

    @lru_cache(maxsize=keep)
    def program(structure: Any, constants: tuple[tuple[type, Any], ...]) -> Callable[..., Any]:
        rest = jax.tree.unflatten(structure, [value for _, value in constants])

        def run(arrays: Any) -> Any:
            return function(*eqx.combine(arrays, rest))

        run.__name__ = getattr(function, "__name__", "run")  # which JAX calls it by, in its logs
        return jax.jit(run)

    @wraps(function)
    def call(*args: Any) -> Any:
        arrays, rest = eqx.partition(args, eqx.is_array)
        constants, structure = jax.tree.flatten(rest)
        return program(structure, tuple((type(value), value) for value in constants))(arrays)

    return call
