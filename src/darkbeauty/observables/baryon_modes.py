"""How angular coefficients of Λ_b decays with leptons become observables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from jax import Array

from darkbeauty.models.sectors import Theory
from darkbeauty.observables.combiners import Fields, safe_ratio
from darkbeauty.observables.observable import BIN, POINT, Observable

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


def in_bins_and_at_points(
    decay: Any, parts: Mapping[str, tuple[str, str, Callable]], process: str, tex: str, about: str = "{}", **shared: Any
) -> list[Observable]:
    """Every part of a decay in a bin of q² and at a point of it.

    Args     decay: module with `binned` and `differential`; parts: symbol, meaning and combination by name; about: with {} where the meaning goes; shared: `of`, a function
             that makes the sources, and what all observables have
    """
    of, observables = shared.pop("of"), []
    for name, (symbol, meaning, combine) in parts.items():
        unit = "GeV^-2" if name == "dBR/dq2" else ""
        row = partial(Observable, combine=combine, unit=unit, about=about.format(meaning), **shared)
        in_bin = rf"\langle {symbol}\rangle({tex})"
        observables.append(row(f"<{name}>({process})", of(decay.binned), arguments=BIN, tex=in_bin))
        observables.append(row(f"{name}({process})", of(decay.differential), arguments=POINT, tex=f"{symbol}({tex})"))
    return observables
