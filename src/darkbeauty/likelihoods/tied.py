"""Parameters that are expressions of others: a model with ties is a model again, with fewer parameters, or with others in place of its own."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from darkbeauty.errors import InputError, Problem, attempt, quoted, raise_if_any, unknown
from darkbeauty.inputs import SMInputs
from darkbeauty.models import Model, Parameter
from darkbeauty.models.base import Resonance, is_constant
from darkbeauty.models.sectors import Theory
from darkbeauty.observables import Expression, read_expression
from darkbeauty.observables.expression import FUNCTIONS

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*\b(?!\s*\()")
_CALL = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\(")
ALLOWED = f"free and fixed parameters, numbers, + - * / **, parentheses, {', '.join(FUNCTIONS)}"


@dataclass(frozen=True)
class Tie:
    """A parameter of the model within, and what it is."""

    parameter: Parameter
    expression: Expression

    def value(self, values: Mapping[str, Any]) -> Any:
        """Its value, NaN where the expression has none; constants of a compiled function stay constants."""
        parts = [values[name] for name in self.expression.parts]
        if all(map(is_constant, parts)):
            with jax.ensure_compile_time_eval():
                return self._value(parts).item()
        return self._value(parts)

    def _value(self, parts: Iterable[Any]) -> jax.Array:
        value, fine = self.expression.value([jnp.asarray(part) for part in parts])
        return jnp.where(fine, value, jnp.nan)


@dataclass(frozen=True)
class TiedDomain:
    """A condition: a tied parameter is inside of its domain."""

    tie: Tie

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters it involves."""
        return self.tie.expression.parts

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it is; elementwise, and never at NaN."""
        return _constant(self.tie.parameter.contains(self.tie.value(values)))

    def problem(self, values: Mapping[str, Any], path: str) -> Problem:
        """What to say where it is not."""
        name, words = self.tie.parameter.name, self.tie.parameter.domain
        return Problem(f"{path}.{self.names[0]}", f"{name} = {self.tie.value(values)} is outside its domain", words)


@dataclass(frozen=True)
class TiedCondition:
    """A condition between parameters some of which are tied."""

    condition: Any
    ties: tuple[Tie, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters it involves."""
        parts = {tie.parameter.name: tie.expression.parts for tie in self.ties}
        return tuple(dict.fromkeys(part for name in self.condition.names for part in parts.get(name, (name,))))

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it does; elementwise, and never at NaN."""
        return _constant(self.condition.holds(self._all(values)))

    def problem(self, values: Mapping[str, Any], path: str) -> Problem:
        """What to say where it does not hold."""
        return Problem(f"{path}.{self.names[0]}", self.condition.problem(self._all(values), path).message)

    def _all(self, values: Mapping[str, Any]) -> dict[str, Any]:
        own = {tie.parameter.name: tie.value(values) for tie in self.ties if tie.parameter.name in self.condition.names}
        return {**values, **own}


def _constant(truth: Any) -> Any:
    """A truth of constants as one."""
    return truth if isinstance(truth, jax.Array) else bool(truth)


class Tied(Model):
    """A model within, some of whose parameters are expressions of others and of `more`, parameters that only these know. The inputs of the one within are here."""

    within: Model
    ties: tuple[Tie, ...] = eqx.field(static=True)
    more: dict[str, Any]
    sm: SMInputs

    @property
    def name(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.within.name

    @property
    def title(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.within.title

    @property
    def preset_model(self) -> str:
        return self.within.preset_model

    @property
    def resonance(self) -> Resonance | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        """That of the model within, unless one of the masses is tied."""
        tied, own = {tie.parameter.name for tie in self.ties}, self.within.resonance
        return None if own is None or tied & {*own} else own

    @property
    def parameters(self) -> tuple[Parameter, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        tied = {tie.parameter.name for tie in self.ties}
        used = lambda name: ", ".join(tie.parameter.name for tie in self.ties if name in tie.expression.parts)
        own = (Parameter(name, f"gives {used(name)}") for name in self.more)
        return (*own, *(parameter for parameter in self.within.parameters if parameter.name not in tied))

    @property
    def all_conditions(self) -> tuple[Any, ...]:
        """Those of the model within, and that what is tied is inside of its domain."""
        tied = {tie.parameter.name for tie in self.ties}
        involved = lambda condition: tied & set(condition.names)
        inherited = (TiedCondition(c, self.ties) if involved(c) else c for c in self.within.all_conditions)
        return (*inherited, *map(TiedDomain, self.ties))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("within", "more", "sm"):
            raise AttributeError(name)
        return self.more[name] if name in self.more else getattr(self.within, name)

    def opened(self, names: Iterable[str]) -> Self:
        known = {*names, *(tie.parameter.name for tie in self.ties)} & set(self.within.parameter_names())
        return dataclasses.replace(self, within=self.within.opened(sorted(known)))

    def derive(self) -> Theory:
        return self.resolved().derive()

    def untied(self) -> Model:
        """The model within and its inputs, without ties."""
        return eqx.tree_at(lambda model: model.sm, self.within, self.sm, is_leaf=lambda leaf: leaf is None)

    def resolved(self) -> Model:
        """The same at the values that the ties give."""
        values = self.values()
        number = lambda tie: jnp.asarray(tie.value(values), complex if tie.parameter.complex else float)
        return self.untied().with_values({tie.parameter.name: number(tie) for tie in self.ties})


def tie(
    model: Model, given: Mapping[str, str], priors: Iterable[str], fixed: Iterable[str]
) -> tuple[Model, list[Problem]]:
    """The model with its ties, itself where there are none, and what is wrong with them: ties that can be read are made."""
    if not given:
        return model, []
    parameters = {parameter.name: parameter for parameter in model.parameters}
    fresh = lambda name: name not in parameters and name not in FUNCTIONS and name.isidentifier()
    more = [name for name in priors if fresh(name) and _used(name, given)]
    names = [*(name for name in parameters if name not in given), *more]
    problems = [unknown(f"tied.{name}", "parameter", name, parameters) for name in given if name not in parameters]
    problems += [Problem(f"tied.{name}", "is also given a prior") for name in given if name in priors]
    problems += [Problem(f"tied.{name}", "is also given a fixed value") for name in given if name in fixed]
    ties = []
    for name in given.keys() & parameters.keys():
        expression = attempt(lambda name=name: _read(given[name], names, f"tied.{name}"), problems)
        if expression is not None:
            strange = _complex_problems(parameters, name, expression)
            problems += strange
            real = dataclasses.replace(expression, arithmetic=f"real({expression.arithmetic})")
            ties.append(Tie(parameters[name], real if strange else expression))
    ordered = tuple(sorted(ties, key=lambda tie: list(given).index(tie.parameter.name)))
    within = eqx.tree_at(lambda model: model.sm, model, None)
    return Tied(within=within, ties=ordered, more=dict.fromkeys(more), sm=model.sm).opened(()), problems


def _used(name: str, given: Mapping[str, str]) -> bool:
    return any(name in _words(text) for text in given.values())


def _words(text: str) -> tuple[str, ...]:
    """Names in a text that are not called as functions."""
    return tuple(dict.fromkeys(_WORD.findall(text)))


def _read(text: str, names: list[str], path: str) -> Expression:
    """The expression of a tie.

    Errors   InputError naming what is no parameter, or is tied itself, and saying what is no arithmetic
    """
    if text.strip() in names:
        return Expression((text.strip(),), "__0__")
    strange = [unknown(path, "or tied parameter", word, names) for word in _words(text) if word not in names]
    strange += [unknown(path, "function", word, FUNCTIONS) for word in _CALL.findall(text) if word not in FUNCTIONS]
    raise_if_any(strange)
    expression = read_expression(text, names, path, (int, float, complex))
    if expression is None:
        raise InputError([Problem(path, f"{quoted(text)} is no expression of parameters", ALLOWED)])
    return expression


def _complex_problems(parameters: Mapping[str, Parameter], name: str, expression: Expression) -> list[Problem]:
    """A real parameter that is tied to a complex number."""
    flags = [part in parameters and parameters[part].complex for part in expression.parts]
    if parameters[name].complex or not expression.is_complex(flags):
        return []
    return [Problem(f"tied.{name}", "is complex, and the parameter is real", "real(…), imag(…), abs(…)")]


def untied(model: Model) -> Model:
    """The model without its ties, itself where it has none."""
    return model.untied() if isinstance(model, Tied) else model


def texts(model: Model) -> dict[str, str]:
    """What is tied, as it is written."""
    return {tie.parameter.name: str(tie.expression) for tie in model.ties} if isinstance(model, Tied) else {}
