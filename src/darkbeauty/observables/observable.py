"""What an observable is: a name, computations it shares with others, how their results combine, and what a reader wants to know of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from types import ModuleType
from typing import Any

from jax import Array

from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import SECTORS, Theory
from darkbeauty.observables.expression import Expression
from darkbeauty.units import on_axis

BIN, TENT, POINT, PLAIN = ("q2min", "q2max"), ("q2left", "q2peak", "q2right"), ("q2",), ()
SIGN = re.compile(r"\^([+-])")
"""Charges, which matplotlib spaces like operators unless they are in braces."""
FRACTION, POSITIVE = (0.0, 1.0), (0.0, math.inf)


@dataclass(frozen=True)
class Source:
    """A computation that several observables share: function(p, *arguments, **options), p having the sectors `of` and no others.

    It returns a number, an array, or a NamedTuple; a field called `status` of the latter says how it ended.
    """

    function: Callable[..., Any]
    of: tuple[str, ...]
    options: tuple[tuple[str, Any], ...] = ()

    def __call__(self, p: Theory, *arguments: Any) -> Any:
        return self.function(p.only(self.of), *arguments, **dict(self.options))


def source(function: Callable[..., Any], of: Iterable[str], **options: Any) -> Source:
    """A Source with its options in a fixed order."""
    return Source(function, tuple(of), tuple(sorted(options.items())))


@dataclass(frozen=True)
class Observable:
    """One entry of the registry.

    sources are evaluated at the observable's arguments and handed to `combine(p, arguments, *results)`. Where a result is a NamedTuple, combine says which fields it
    `reads` and gets a mapping of these. domain(sm, arguments) returns what is wrong with the arguments, or ""; remark(sm, arguments) what a reader should
    know of a number there, or "". formulas: functions and modules whose docstrings explain it, beside those of its sources. visible_as: the observable that an
    experiment sees in its place if there is dark matter. range: what values it can have.
    """

    name: str
    sources: tuple[Source, ...]
    combine: Callable[..., Array]
    arguments: tuple[str, ...] = PLAIN
    unit: str = ""
    tex: str = ""
    references: tuple[str, ...] = ()
    is_complex: bool = False
    domain: Callable[[SMInputs, tuple[float, ...]], str] | None = None
    remark: Callable[[SMInputs, tuple[float, ...]], str] | None = None
    about: str = ""
    formulas: tuple[Callable[..., Any] | ModuleType, ...] = ()
    visible_as: str = ""
    range: tuple[float, float] = (-math.inf, math.inf)

    def out_of_range(self, value: float | complex) -> tuple[str, ...]:
        """That a value is none the quantity can have: the point is outside of what its formula describes."""
        low, high = self.range
        if self.is_complex or low <= value.real <= high or math.isnan(value.real):
            return ()
        return (f"{value:.3g} is no value it can have ({low:g} to {high:g}): the formula does not describe this point",)

    @property
    def of(self) -> tuple[str, ...]:
        """The sectors it takes."""
        return tuple(name for name in SECTORS if any(name in source.of for source in self.sources))

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the fields of its sources' results that it reads; none where a result is a plain array."""
        return getattr(self.combine, "reads", ())

    @property
    def ended(self) -> str:
        """Which of these says how this value ended, where the status of the whole result is not all there is to say."""
        return getattr(self.combine, "ended", "")


@dataclass(frozen=True)
class Request:
    """An observable at its arguments, under the label the user gave."""

    label: str
    observable: Observable
    arguments: tuple[float, ...]

    @property
    def unit(self) -> str:
        return self.observable.unit

    @property
    def tex(self) -> str:
        """Its symbol with its arguments; empty where the registry has none."""
        numbers = ",".join(f"{argument:g}" for argument in self.arguments)
        bracket = f"(x={numbers})" if self.observable.arguments == ("x",) else f"[{numbers}]"
        symbol = SIGN.sub(r"^{\1}", self.observable.tex)
        return symbol + (bracket if numbers and symbol else "")

    @property
    def axis(self) -> str:
        """Symbol and unit; the label where there is no symbol."""
        return on_axis(f"${self.tex}$" if self.tex else self.label, self.unit)


@dataclass(frozen=True)
class Combined(Request):
    """An expression of several observables; `observable` tells what it is, but computes nothing."""

    expression: Expression
    parts: tuple[Request, ...]

    @property
    def tex(self) -> str:
        """The expression of the symbols of its parts."""
        symbols = [part.tex for part in self.parts]
        return self.expression.tex(symbols) if all(symbols) else ""


def combined(label: str, expression: Expression, parts: tuple[Request, ...]) -> Combined:
    """The request of an expression."""
    references = tuple(dict.fromkeys(name for part in parts for name in part.observable.references))
    kinds = [part.observable.is_complex for part in parts]
    tells = Observable(label, (), _nothing, references=references, is_complex=expression.is_complex(kinds))
    return Combined(label, tells, (), expression, parts)


def _nothing(*_: Any) -> Array:
    raise NotImplementedError("an expression is computed from its parts")


def elementary(requests: Iterable[Request]) -> tuple[Request, ...]:
    """Requests with expressions taken apart."""
    taken = (request.parts if isinstance(request, Combined) else (request,) for request in requests)
    return tuple(part for parts in taken for part in parts)


@dataclass(frozen=True)
class Results:
    """What a source gives at several arguments: arrays with a leading axis for these; of a NamedTuple, the fields that somebody reads, by name."""

    arguments: tuple[tuple[float, ...], ...]
    values: Any


def read(result: Any, names: tuple[str, ...]) -> Any:
    """Fields of a NamedTuple by name, e.g. "average.j3"; a plain result as it is where there are no names."""
    return {name: attrgetter(name)(result) for name in names} if names else result
