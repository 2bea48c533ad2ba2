"""What a model is: named parameters with domains, conditions between them, and `derive`, which gives its `Theory`."""

from __future__ import annotations

import abc
import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, NamedTuple, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem, quoted, raise_if_any, text_of, unknown
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Theory
from darkbeauty.units import on_axis

Value = Any
"""A parameter of a model: a number or array, a tracer while JAX compiles, None in a template until `at` fills it in."""


@dataclass(frozen=True)
class Parameter:
    """A number of a model: its name, meaning, unit, default (None: must be given), domain lower ≤ value ≤ upper, and symbol in TeX (none: its name)."""

    name: str
    meaning: str
    unit: str = ""
    default: float | None = None
    lower: float = -np.inf
    upper: float = np.inf
    complex: bool = False
    tex: str = ""

    @property
    def axis(self) -> str:
        """Symbol and unit."""
        return on_axis(f"${self.tex}$" if self.tex else self.name, self.unit)

    @property
    def free(self) -> bool:
        return self.default is None

    def contains(self, value: Any) -> Any:
        """Whether a value is in the domain, elementwise; never NaN."""
        if self.complex:
            return np.isfinite(value) if is_constant(value) else jnp.isfinite(value)
        return (value >= self.lower) & (value <= self.upper)

    @property
    def domain(self) -> str:
        """What is allowed, in words."""
        if self.complex:
            return "any complex number, e.g. 0.3+0.1j"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.lower:g} to {self.upper:g}{unit}"


@dataclass(frozen=True)
class Below:
    """A condition between parameters: one mass is below another (unless the parameter `unless` is 0)."""

    smaller: str
    larger: str
    message: str
    """With {smaller} and {larger} where the values go."""
    unless: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Parameters it involves."""
        return (self.smaller, self.larger, *((self.unless,) if self.unless else ()))

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it does; elementwise, and never at NaN."""
        below = values[self.smaller] < values[self.larger]
        return below | (values[self.unless] == 0.0) if self.unless else below

    def problem(self, values: Mapping[str, Any], path: str) -> Problem:
        """What to say where it does not hold."""
        words = self.message.format(smaller=f"{values[self.smaller]:g}", larger=f"{values[self.larger]:g}")
        return Problem(f"{path}.{self.smaller}", words)


@dataclass(frozen=True)
class AtMost:
    """A condition between parameters: a function of them is at most so large."""

    names: tuple[str, ...]
    value: Callable[..., Any]
    limit: float
    message: str
    """With {value} and {limit} where the numbers go."""

    def holds(self, values: Mapping[str, Any]) -> Any:
        """Whether it does; elementwise, and never at NaN."""
        return self.value(*(values[name] for name in self.names)) <= self.limit

    def problem(self, values: Mapping[str, Any], path: str) -> Problem:
        """What to say where it does not hold."""
        value = float(self.value(*(values[name] for name in self.names)))
        return Problem(f"{path}.{self.names[0]}", self.message.format(value=f"{value:.3g}", limit=f"{self.limit:.3g}"))


class Resonance(NamedTuple):
    """Parameters between which the relic density is resonant: the mass of the mediator is twice that of the dark matter."""

    mediator: str
    dark: str


class Model(eqx.Module):
    """A model at a point. Built without its free parameters it is a template; `at` fills them in.

    An author names parameters, holds them as fields with their defaults, and writes `derive`. Everything else follows: which observables the model
    predicts, tables, likelihoods, fits.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]]
    conditions: ClassVar[tuple[Below, ...]] = ()
    """What must hold between parameters."""
    resonance: ClassVar[Resonance | None] = None
    """Where its relic density is resonant, for samplers."""

    sm: eqx.AbstractVar[SMInputs]

    @abc.abstractmethod
    def derive(self) -> Theory:
        """Couplings, spectrum and widths at the point, for observables."""

    @property
    def all_conditions(self) -> tuple[Below | AtMost, ...]:
        """The conditions, with those that a static choice adds; a fit gives no prior to points where one does not hold."""
        return self.conditions

    @property
    def preset_model(self) -> str:
        """Name of the model whose presets of terms are its own."""
        return self.name

    def parameter_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    def axis(self, name: str) -> str:
        """Symbol and unit of a parameter; of what is none, its name."""
        return next((parameter.axis for parameter in self.parameters if parameter.name == name), name)

    def values(self) -> dict[str, Any]:
        """Every parameter by name."""
        return {name: getattr(self, name) for name in self.parameter_names()}

    def at(self, point: Mapping[str, Any]) -> Self:
        """This model with the values of `point`; tracers pass through.

        Errors   InputError listing every unknown, missing or out-of-domain parameter
        """
        raise_if_any(self.check(point))
        values = {p.name: number(p, point[p.name]) for p in self.parameters if p.name in point}
        return self.opened(values).with_values(values)

    def opened(self, names: Iterable[str]) -> Self:
        """This model where these parameters have values: what it leaves out as long as nobody gives them is there."""
        return self

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """This model with other values of some parameters, unchecked."""
        names = tuple(values)
        return eqx.tree_at(
            lambda model: [getattr(model, name) for name in names],
            self,
            [values[name] for name in names],
            is_leaf=lambda leaf: leaf is None,
        )

    def is_allowed(self) -> Array:
        """Whether every parameter is in its domain and all conditions hold; False at NaN. For values that may be traced."""
        values = self.values()
        inside = (p.contains(values[p.name]) for p in self.parameters)
        checks = [*inside, *(condition.holds(values) for condition in self.all_conditions)]
        known = [check for check in checks if isinstance(check, bool | np.bool_)]
        others = (check for check in checks if not isinstance(check, bool | np.bool_))
        return jnp.asarray(functools.reduce(operator.and_, others, all(known)))

    def sheltered(self) -> tuple[Self, Array]:
        """This model where it is allowed, one inside its domain elsewhere, and which of the two it is: whatever is computed of it has a value and a slope.

        Numbers that are constants of a compiled function stay constants.
        """
        allowed, inside = self.is_allowed(), inner_point(self)
        values = {
            name: jnp.where(allowed, value, inside[name])
            for name, value in self.values().items()
            if not is_constant(value)
        }
        return self.with_values(values), allowed

    def check(self, point: Mapping[str, Any], path: str = "point") -> list[Problem]:
        """Every problem with a parameter point."""
        if not isinstance(point, Mapping):
            return [Problem(path, f"{quoted(point)} is no mapping of names to numbers")]
        known = {parameter.name: parameter for parameter in self.parameters}
        problems = [
            unknown(f"{path}.{text_of(name)}", "parameter", text_of(name), known) for name in point if name not in known
        ]
        for parameter in self.parameters:
            given = point.get(parameter.name, getattr(self, parameter.name))
            where = f"{path}.{parameter.name}"
            if given is None:
                problems.append(Problem(where, "required parameter is missing", parameter.domain))
            else:
                problems += _check_value(parameter, given, where)
        if not problems:
            problems = self.check_together({**self.values(), **{name: point[name] for name in point}}, path)
        return problems

    def check_together(self, values: Mapping[str, Any], path: str) -> list[Problem]:
        """Conditions between parameters that do not hold; those with a value that is not known yet are passed over."""
        problems = []
        for condition in self.all_conditions:
            numbers = {name: concrete(values.get(name)) for name in condition.names}
            if None not in numbers.values() and not condition.holds(numbers):
                problems.append(condition.problem(numbers, path))
        return problems


def sectors_of(model: Model) -> Theory:
    """The `Theory` a model gives, shapes in place of numbers: which sectors it has, which coefficients it fills.

    Errors   InputError where `derive` fails or gives something else
    """
    return _sectors_of(_Kind(model))


class _Kind:
    """A model that equals every other of its class and static choices."""

    def __init__(self, model: Model):
        self.model, self.key = model, (type(model), jax.tree.structure(model, is_leaf=lambda leaf: leaf is None))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kind) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@functools.lru_cache(maxsize=64)
@jax.numpy_dtype_promotion("standard")  # real times complex is physics; whatever else JAX is set to
def _sectors_of(kind: _Kind) -> Theory:
    model = kind.model
    where, free = (
        f"model {model.name!r}",
        {name: np.asarray(1.0) for name, value in model.values().items() if value is None},
    )
    try:
        theory = eqx.filter_eval_shape(lambda values: model.with_values(values).derive(), free)
    except TypeError as error:
        if "unexpected keyword" not in str(error):
            raise
        raise InputError([Problem(where, f"derive() names a field that does not exist: {error}")]) from error
    if not isinstance(theory, Theory):
        raise InputError([Problem(where, f"derive() gives a {type(theory).__name__}", "a Theory")])
    return theory


def inner_point(model: Model) -> dict[str, Any]:
    """Some point inside the domain of a model where its conditions hold, with the model's own constants."""
    choices = {
        p.name: [value] if is_constant(value := getattr(model, p.name)) else _inside(p) for p in model.parameters
    }
    involved = {name for condition in model.all_conditions for name in condition.names}
    columns = [column if name in involved else column[:1] for name, column in choices.items()]
    points = [dict(zip(choices, values)) for values in product(*columns)]
    return next((point for point in points if all(c.holds(point) for c in model.all_conditions)), points[0])


def _inside(parameter: Parameter) -> list[Any]:
    """Values inside the domain of a parameter, its default or middle first."""
    if parameter.complex:
        return [0.0]
    low, high = max(parameter.lower, -1e6), min(parameter.upper, 1e6)
    middle = float(np.sqrt(low * high)) if low > 0.0 else 0.5 * (low + high)
    return [middle if parameter.default is None else parameter.default, low, high]


def is_constant(value: Any) -> bool:
    """Whether it is a plain number, which a compiled function holds as a constant."""
    return isinstance(value, int | float | complex)


def concrete(value: Any) -> float | None:
    """A concrete scalar as float; None for what is missing, tracers and arrays, which are not compared."""
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def number(parameter: Parameter, value: Any) -> Any:
    """A value as it is used: a plain number, or an array or tracer without dimensions, in double precision.

    Errors   ValueError saying what it is instead
    """
    kind = "a complex number" if parameter.complex else "a real number"
    target = complex if parameter.complex else float
    if isinstance(value, bool | np.bool_ | str | bytes | np.ma.MaskedArray) or value is None:
        raise ValueError(f"{quoted(value)} is not {kind}")
    dtype = getattr(value, "dtype", None)
    if dtype is not None and dtype != np.dtype("O") and not jnp.issubdtype(dtype, jnp.number):
        raise ValueError(f"{quoted(value)} is not {kind}")
    if shape := _shape(value):
        raise ValueError(f"has shape {shape}: one number is needed, many go through jax.vmap")
    if not parameter.complex and (
        isinstance(value, complex) or (dtype is not None and jnp.issubdtype(dtype, jnp.complexfloating))
    ):
        raise ValueError(f"{quoted(value)} is not {kind}")
    if isinstance(value, jax.Array):
        return value.astype(target)
    try:
        return np.asarray(value, target) if isinstance(value, np.ndarray) else target(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{quoted(value)} is not {kind}") from None


def _shape(value: Any) -> tuple[int, ...]:
    """Of a list its length: NumPy would ask for the values in it, and a tracer has none."""
    return (len(value),) if isinstance(value, list | tuple) else getattr(value, "shape", ())


def _check_value(parameter: Parameter, value: Any, where: str) -> list[Problem]:
    try:
        used = number(parameter, value)
    except ValueError as error:
        return [Problem(where, str(error), parameter.domain)]
    if isinstance(used, jax.core.Tracer):  # pyright: ignore[reportAttributeAccessIssue]
        return []  # a value to be: it has no number yet
    used = np.asarray(used)  # under jit, what jnp makes of a number is no number
    if not np.isfinite(used):
        return [Problem(where, f"{quoted(value)} is not finite", parameter.domain)]
    if not (parameter.complex or parameter.contains(used)):
        return [Problem(where, f"{quoted(value)} is outside its domain", parameter.domain)]
    return []
