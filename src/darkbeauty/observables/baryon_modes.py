"""How angular coefficients of Λ_b decays with leptons become observables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jax import Array

from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import Fields, safe_ratio

Part = Callable[[Any], Array]
"""A combination of angular coefficients."""


@dataclass(frozen=True)
class Normalised:
    """A part of the CP average, or of half the CP difference, over the CP-averaged rate."""

    part: Part
    rate: Part
    of: str = "average"

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.of, "average")))

    def __call__(self, p: Theory, arguments: tuple, k: Fields) -> Array:
        return safe_ratio(self.part(k[self.of]), self.rate(k["average"]))


@dataclass(frozen=True)
class Rate:
    """Lifetime × CP-averaged rate, over the width of the bin if there is one."""

    rate: Part
    reads: tuple[str, ...] = ("average",)

    def __call__(self, p: Theory, arguments: tuple, k: Fields) -> Array:
        width = arguments[1] - arguments[0] if len(arguments) == 2 else 1.0
        return p.sm.lifetime["Lambdab"] * self.rate(k["average"]) / width
