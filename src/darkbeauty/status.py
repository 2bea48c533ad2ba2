"""Outcomes of what iterates, and of what is asked outside of its domain: a number that travels with a value, and its words."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike


class Status(IntEnum):
    """How a computation ended. Of several, the one that counts is the largest."""

    SUCCESS = 0, "success"
    NOT_RESOLVED = 1, "the answer is not resolved: too few steps or panels for this point"
    ERROR_UNKNOWN = (
        2,
        "the theory error is not known: with the scattering rate halved or doubled the temperature of the dark matter left the range that is tabulated",
    )
    NO_ROOT = 3, "no solution was found"
    NEVER_IN_EQUILIBRIUM = (
        4,
        "the dark matter never was in equilibrium, so that no relic density follows from freeze-out",
    )
    BEYOND_TABLE = 5, "the temperature of the dark matter left the range that thermal averages are tabulated for"
    BEYOND_GRID = 6, "momenta of the dark matter left the grid that its distribution is followed on"
    NO_ARITHMETIC = 7, "an expression of observables divides by 0, or takes a root or logarithm of what has none"
    NOT_ALLOWED = 8, "the point is outside the domain of the model"

    words: str

    def __new__(cls, value: int, words: str) -> Status:
        member = int.__new__(cls, value)
        member._value_, member.words = value, words
        return member


def status_if(bad: ArrayLike, status: Status) -> Array:
    """A status where something is bad, success elsewhere."""
    return jnp.where(jnp.asarray(bad), int(status), int(Status.SUCCESS))


def worst(*statuses: ArrayLike) -> Array:
    """The one of several that counts, elementwise."""
    total: Any = jnp.asarray(int(Status.SUCCESS))
    for status in statuses:
        total = jnp.maximum(total, status)
    return total
