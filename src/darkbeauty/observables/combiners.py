"""How the results of sources become an observable: small, named, and each says which fields of a result it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from darkbeauty.models.sectors import Theory

Fields = Mapping[str, Any]


def itself(p: Theory, arguments: tuple, result: Array) -> Array:
    """The result."""
    return result


@dataclass(frozen=True)
class Field:
    """One field of the result, times a number; ended: the field that says how it alone ended, beside the status of the whole."""

    name: str
    factor: float = 1.0
    ended: str = ""

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name, self.ended) if self.ended else (self.name,)

    def __call__(self, p: Theory, arguments: tuple, result: Fields) -> Array:
        return self.factor * result[self.name]


@dataclass(frozen=True)
class Final:
    """One final state of a field that maps these to numbers, times a number; 0 where the model does not have it."""

    final: str
    name: str = "by_final"
    factor: float = 1.0

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def __call__(self, p: Theory, arguments: tuple, result: Fields) -> Array:
        return self.factor * result[self.name].get(self.final, jnp.zeros(()))


@dataclass(frozen=True)
class Ratio:
    """factor × one field over another, 0 where that is 0 (a closed channel)."""

    numerator: str
    denominator: str
    factor: float = 1.0

    @property
    def reads(self) -> tuple[str, ...]:
        return self.numerator, self.denominator

    def __call__(self, p: Theory, arguments: tuple, result: Fields) -> Array:
        return self.factor * safe_ratio(result[self.numerator], result[self.denominator])


@dataclass(frozen=True)
class RatioOfTwo:
    """The same field of two results, over each other."""

    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def __call__(self, p: Theory, arguments: tuple, first: Fields, second: Fields) -> Array:
        return safe_ratio(first[self.name], second[self.name])


@dataclass(frozen=True)
class SummedRate:
    """Lifetime of a meson × the sum of one field of several results, over the width of the bin if there is one."""

    meson: str
    name: str

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    def __call__(self, p: Theory, arguments: tuple, *results: Fields) -> Array:
        width = arguments[1] - arguments[0] if len(arguments) == 2 else 1.0
        return p.sm.lifetime[self.meson] * sum(result[self.name] for result in results) / width


def safe_ratio(numerator: Array, denominator: Array) -> Array:
    """numerator/denominator, 0 where the denominator is 0 (a closed channel)."""
    is_open = denominator != 0.0
    return jnp.where(is_open, numerator / jnp.where(is_open, denominator, 1.0), 0.0)
