"""What an entry of the registry is, and the small pieces entries are made of: combiners and domains."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.inputs import SMInputs
from darkbeauty.models.base import Model

BIN, POINT, PLAIN = ("q2min", "q2max"), ("q2",), ()


@dataclass(frozen=True)
class Source:
    """A computation that several observables share: function(p, *arguments, **options) → number, array or tuple of them."""

    function: Callable[..., Any]
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, p: Model, *arguments: Any) -> Any:
        return self.function(p, *arguments, **dict(self.options))


@dataclass(frozen=True)
class Observable:
    """One entry of the registry.

    sources are evaluated at the observable's arguments and handed to `combine(p, arguments, *results)`. needs names what a model must have:
    "" (any model), "mediator" (a Z′) or "dark" (dark matter). domain(sm, arguments) returns what is wrong with the arguments, or "".
    """

    name: str
    sources: tuple[Source, ...]
    combine: Callable[..., Array]
    arguments: tuple[str, ...] = PLAIN
    unit: str = ""
    tex: str = ""
    references: tuple[str, ...] = ()
    needs: str = ""
    is_complex: bool = False
    domain: Callable[[SMInputs, tuple[float, ...]], str] | None = None
    about: str = ""


@dataclass(frozen=True)
class Request:
    """An observable at its arguments, under the label the user gave."""

    label: str
    observable: Observable
    arguments: tuple[float, ...]


@dataclass(frozen=True)
class Results:
    """What a source gives at several arguments: arrays with a leading axis for these."""

    arguments: tuple[tuple[float, ...], ...]
    values: Any

    def at(self, wanted: Sequence[tuple[float, ...]]) -> Any:
        """Those at the wanted arguments, in that order."""
        index = [self.arguments.index(one) for one in wanted]
        first, last = index[0], index[-1] + 1
        rows = (
            slice(first, last) if index == list(range(first, last)) else np.array(index)
        )  # a slice is the cheaper one
        return jax.tree.map(lambda leaf: leaf[rows], self.values)


def source(function: Callable[..., Any], **options: Any) -> Source:
    """A Source with its options in a fixed order."""
    return Source(function, tuple(sorted(options.items())))


# -- combiners: small and named ---------------------------------------------------------------------------------------------------------


def itself(p: Model, arguments: tuple, result: Array) -> Array:
    """The result."""
    return result


def item(p: Model, arguments: tuple, result: Array, index: int) -> Array:
    """One component of the result."""
    return result[index]


def ratio(p: Model, arguments: tuple, result: Array, numerator: int, denominator: int) -> Array:
    """Ratio of two components of the result."""
    return safe_ratio(result[numerator], result[denominator])


def ratio_of_two(p: Model, arguments: tuple, first: Array, second: Array) -> Array:
    """Ratio of the first components of two results."""
    return safe_ratio(first[0], second[0])


def binned_rate(p: Model, arguments: tuple, result: Array, meson: str) -> Array:
    """Lifetime × integrated rate over the width of the bin."""
    return p.sm.lifetime[meson] * result[0] / (arguments[1] - arguments[0])


def rate(p: Model, arguments: tuple, result: Array, meson: str) -> Array:
    """Lifetime × rate."""
    return p.sm.lifetime[meson] * result[0]


def mean(p: Model, arguments: tuple, result: Array) -> Array:
    """The result over the width of the bin."""
    return result / (arguments[1] - arguments[0])


def field(p: Model, arguments: tuple, result: Any, field: str) -> Array:
    """One field of the result."""
    return getattr(result, field)


def branching(p: Model, arguments: tuple, result: Any, final: str) -> Array:
    """Branching fraction of a mediator."""
    return result.branching(final)


def zero(p: Model, arguments: tuple, result: Array) -> Array:
    """Zero, with the shape of the result."""
    return 0.0 * result[0]


def safe_ratio(numerator: Array, denominator: Array) -> Array:
    """numerator/denominator, 0 where the denominator is 0 (a closed channel)."""
    is_open = denominator != 0.0
    return jnp.where(is_open, numerator / jnp.where(is_open, denominator, 1.0), 0.0)


# -- domains ---------------------------------------------------------------------------------------------------------------------------

CHARMONIA = {"J/psi": (8.68, 10.09), "psi(2S)": (12.86, 14.18)}
"""Vetoed regions of q² [GeV²] of b → sμμ and b → see, the narrowest in use (CDF, CMS, Belle): no measured bin reaches into them."""


def bin_in(sm: SMInputs, arguments: tuple[float, ...], b: str, final: str, lepton: str | None) -> str:
    """What is wrong with a bin or a point of b → final + pair; lepton None: neutrinos or dark matter.

    A bin may reach beyond the end point: the rate ends there, the width it is divided by does not, as in flavio.
    """
    hi = (sm.mass[b] - sm.mass[final]) ** 2
    lo = 4.0 * sm.mass[lepton] ** 2 if lepton else 0.0
    allowed = f"{lo:.4g} to {hi:.4g} GeV²"
    if not all(math.isfinite(q2) for q2 in arguments):
        return f"q² must be finite, {allowed}"
    if len(arguments) == 1:
        return "" if lo < arguments[0] < hi else f"q² = {arguments[0]:g} is outside phase space, {allowed}"
    if not arguments[0] < arguments[1]:
        return f"bin [{arguments[0]:g}, {arguments[1]:g}] is not in increasing order"
    if arguments[0] < 0.0 or arguments[1] <= lo or arguments[0] >= hi:
        return f"bin [{arguments[0]:g}, {arguments[1]:g}] is outside phase space, {allowed}"
    if lepton in ("e", "mu"):
        for resonance, (below, above) in CHARMONIA.items():
            if arguments[0] < above and arguments[1] > below:
                bin = f"bin [{arguments[0]:g}, {arguments[1]:g}]"
                return f"{bin} reaches into the vetoed {resonance} region, {below} to {above} GeV²"
    return ""


def positive(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """q² must be positive."""
    return "" if arguments[0] > 0.0 else f"q² = {arguments[0]:g} must be positive"


def at_least_one(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """x must be at least 1."""
    return "" if arguments[0] >= 1.0 else f"x = {arguments[0]:g} must be at least 1"
