"""From names to numbers: parse observables, group what they share, evaluate them at a point, differentiate them."""

from __future__ import annotations

import dataclasses
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem, attempt, quoted, raise_if_any, text_of, unknown
from darkbeauty.evaluation import Layout, Values, evaluate, evaluate_layout, lay_out
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import Model, resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.models.sectors import SECTORS
from darkbeauty.models.wet import Wet
from darkbeauty.observables import (
    BY_NAME,
    REGISTRY,
    Expression,
    Observable,
    Request,
    combined,
    elementary,
    read_expression,
)
from darkbeauty.status import Status
from darkbeauty.tables import make_tables

_BRACKET = re.compile(r"^(?P<name>.*?)\[(?P<arguments>[^\]]*)\]$")
_AT_X = re.compile(r"^(?P<name>[\w>()-]+?)\(x=(?P<x>[^)]*)\)(?P<unit>\[[^\]]*\])?$")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.ASCII)
COMPILED = 32
"""Compiled functions that are kept, one for every list of observables, whatever their bins: the oldest one goes first."""


class PredictionWarning(UserWarning):
    """A predicted number has no value, or is not to be trusted, and why."""


class Prediction(NamedTuple):
    """A value (NaN where there is none), how its computation ended, and what a reader should know of it."""

    value: float | complex
    status: Status
    remarks: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Everything there is to say."""
        return (*((self.status.words,) if self.status != Status.SUCCESS else ()), *self.remarks)


def list_observables() -> list[str]:
    """Names of all observables with the arguments they take, e.g. "<FH>(B+->Kmumu)[q2min,q2max]"."""
    return [usage(observable) for observable in REGISTRY]


def usage(observable: Observable) -> str:
    """How an observable is written: its name and what goes in the brackets."""
    if observable.arguments == ("x",):
        name, bracket, unit = observable.name.partition("[")
        return f"{name}(x=…){bracket}{unit}"
    return observable.name + (f"[{','.join(observable.arguments)}]" if observable.arguments else "")


def predict(model: str | Model, point: Mapping[str, Any], observables: Sequence[str]) -> dict[str, float | complex]:
    """Values of observables at a point; NaN, with a `PredictionWarning` that says why, where there is none.

    Args     model: name or model object; point: parameter names of the model → numbers; observables: flavio names, bins in brackets
    Returns  {name: float, or complex for Wilson coefficients}, natural units (GeV powers) unless the name carries a unit
    Errors   InputError listing every unknown observable or parameter, bad bin, missing or out-of-domain value
    """
    predictions = predict_in_words(model, point, observables)
    _warn(predictions)
    return {label: prediction.value for label, prediction in predictions.items()}


def predict_in_words(model: str | Model, point: Mapping[str, Any], observables: Sequence[str]) -> dict[str, Prediction]:
    """`predict`, with statuses and remarks in place of warnings."""
    model = resolve_model(model)
    requests = parse(model, observables, model.check(point))
    layout, numbers = lay_out(requests)
    return _predictions(model, requests, _compiled(layout)(arrays(model.at(point)), numbers))


def _warn(predictions: Mapping[str, Prediction]) -> None:
    for label, prediction in predictions.items():
        if prediction.status != Status.SUCCESS:
            warnings.warn(f"{label}: {prediction.status.words}", PredictionWarning, stacklevel=3)


def _predictions(model: Model, requests: tuple[Request, ...], computed: Values) -> dict[str, Prediction]:
    rows = zip(requests, np.asarray(computed.value), np.asarray(computed.status))
    return {request.label: _prediction(model, request, value, Status(int(status))) for request, value, status in rows}


def _prediction(model: Model, request: Request, value: Any, status: Status) -> Prediction:
    number = _python(value, request.observable)
    return Prediction(number, status, (*remarks_on(model, request), *request.observable.out_of_range(number)))


def words_of(model: Model, request: Request, value: Any, status: Status) -> tuple[str, ...]:
    """Everything there is to say of a value and how its computation ended."""
    return _prediction(model, request, value, status).words


def remarks_on(model: Model, request: Request) -> tuple[str, ...]:
    """What a reader should know of an observable at its arguments, whatever its value."""
    sm, single = _known_inputs(model), elementary((request,))
    words = (part.observable.remark(sm, part.arguments) for part in single if part.observable.remark)
    return tuple(dict.fromkeys(filter(None, words)))


def gradient(
    model: str | Model, point: Mapping[str, Any], observables: Sequence[str]
) -> dict[str, dict[str, float | complex]]:
    """Exact derivatives of observables with respect to the parameters given in `point` (all parameters if it is empty).

    Returns  {observable: {parameter: dO/dparameter}}; for a complex parameter the derivative along its real part; NaN, with a `PredictionWarning`,
             where there is no value
    Errors   as `predict`
    """
    slopes, predictions = gradient_in_words(model, point, observables)
    _warn(predictions)
    return slopes


def gradient_in_words(
    model: str | Model, point: Mapping[str, Any], observables: Sequence[str]
) -> tuple[dict[str, dict[str, float | complex]], dict[str, Prediction]]:
    """`gradient`, with the predictions in place of warnings."""
    model = resolve_model(model)
    requests = parse(model, observables, model.check(point))
    names = tuple(point) or model.parameter_names()
    at = model.opened(names).at(point)
    values = {name: np.asarray(getattr(at, name), float_or_complex(model, name)) for name in names}
    layout, numbers = lay_out(requests)
    columns, computed = _compiled_gradient(layout, names)(arrays(at), values, numbers)
    jacobian = np.stack([np.asarray(columns[name]) for name in names], axis=1)
    slopes = {
        request.label: {name: _python(slope, request.observable) for name, slope in zip(names, row)}
        for request, row in zip(requests, jacobian)
    }
    return slopes, _predictions(model, requests, computed)


def predictor(
    model: str | Model, observables: Sequence[str], *, tables: bool = False
) -> Callable[[Mapping[str, Any]], Array]:
    """A pure function params → array (n_observables,), to jit, vmap and differentiate; params may hold tracers.

    NaN where a value does not exist, also for parameters outside of their domain once they are traced. Complex if any of the observables is. Errors as
    `predict`, in the observables at once, in the parameters when called.
    Args     tables: binned b → sℓℓ rates from quadratic forms computed here, once, at the model's Standard-Model inputs: compiles and runs much
             faster; relative accuracy 1e-5 of the rate
    """
    model = resolve_model(model)
    requests = parse(model, observables)
    known = make_tables(model, requests).results if tables else None

    def predicted(params: Mapping[str, Any]) -> Array:
        require_x64()
        return evaluate(model.at(params), requests, known).value

    return predicted


def parse(model: Model, observables: Sequence[str], problems: Sequence[Problem] = ()) -> tuple[Request, ...]:
    """Requests for a list of names.

    Errors   InputError with every problem of every name (and the `problems` found before)
    """
    require_x64()
    every: list[Any] = list(problems)
    if isinstance(observables, str | bytes):
        observables = [observables]  # pyright: ignore[reportAssignmentType]
    if not isinstance(observables, Iterable):
        raise InputError([*every, Problem("observables", f"{quoted(observables)} is no list of names")])
    requests = []
    for label in observables:
        request = _parse_one(model, label)
        (every if isinstance(request, Problem) else requests).append(request)
    raise_if_any(every)
    if not requests:
        raise InputError([Problem("observables", "at least one observable is needed")])
    return tuple(requests)


def check_observable(model: Model, label: str, path: str) -> Problem | None:
    """What is wrong with one observable name, reported under `path`."""
    request = _parse_one(model, label)
    return dataclasses.replace(request, path=path) if isinstance(request, Problem) else None


def visible(model: Model, label: str) -> str:
    """The observable that an experiment sees in place of one, in a model with dark matter."""
    return label if sectors_of(model).dark_matter is None else rewritten(label, _visible)


def _visible(label: str) -> str:
    name, _ = _split(label)
    observable = BY_NAME.get(name)
    return label.replace(name, observable.visible_as) if observable and observable.visible_as else label


def rewritten(label: str, other: Callable[[str], str]) -> str:
    """A label with another one for every observable in it."""
    try:
        expression = _expression(str(label), "")
    except InputError:
        return label
    return expression.written([other(part) for part in expression.parts]) if expression else other(str(label))


def beyond_standard_model(label: str) -> bool:
    """Whether the Standard Model alone does not predict what is asked for: parts of it take sectors that effective couplings have not."""
    try:
        expression = _expression(str(label), "")
    except InputError:
        return False
    names = [_split(part)[0] for part in (expression.parts if expression else (str(label),))]
    return any(missing_sectors(Wet(), BY_NAME[name]) for name in names if name in BY_NAME)


def has_complex_value(label: str) -> bool:
    """Whether what is asked for is a complex number; of what there is not, no."""
    try:
        expression = _expression(str(label), "")
    except InputError:
        return False
    known = [BY_NAME.get(_split(part)[0]) for part in (expression.parts if expression else (str(label),))]
    flags = [observable is not None and observable.is_complex for observable in known]
    return expression.is_complex(flags) if expression else flags[0]


def require_x64() -> None:
    """darkbeauty computes in float64 and changes no setting by itself."""
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise RuntimeError(
            'darkbeauty needs float64: call jax.config.update("jax_enable_x64", True) before anything else'
        )


def float_or_complex(model: Model, name: str) -> type:
    """Type of a parameter."""
    return next(complex if parameter.complex else float for parameter in model.parameters if parameter.name == name)


def _parse_one(model: Model, given: Any) -> Request | Problem:
    label = text_of(given)
    path = f"observables.{label}"
    problems: list[Problem] = []
    expression = attempt(lambda: _expression(label, path), problems)
    if problems:
        return dataclasses.replace(problems[0], message="; ".join(problem.message for problem in problems))
    if expression is None:
        return _parse_single(model, label, path)
    parts = [_parse_single(model, part, path) for part in expression.parts]
    wrong = [part for part in parts if isinstance(part, Problem)]
    if wrong:
        return dataclasses.replace(wrong[0], message="; ".join(dict.fromkeys(part.message for part in wrong)))
    return combined(str(label), expression, tuple(part for part in parts if isinstance(part, Request)))


def _expression(label: str, path: str) -> Expression | None:
    """The expression that a label is; None where it is a name.

    Errors   InputError
    """
    return None if _split(label)[0] in BY_NAME else read_expression(label, BY_NAME, path)


def _parse_single(model: Model, label: str, path: str) -> Request | Problem:
    """The request of one observable."""
    name, texts = _split(label)
    observable = BY_NAME.get(name)
    if observable is None:
        problem = unknown(path, "observable", name, BY_NAME)
        near = ", ".join(usage(BY_NAME[n]) for n in problem.allowed.split(", ") if n in BY_NAME)
        return dataclasses.replace(problem, allowed=near)
    if len(texts) != len(observable.arguments):
        return Problem(path, "wrong number of arguments in brackets", usage(observable))
    if not all(_NUMBER.fullmatch(text) for text in texts):
        return Problem(path, f"cannot read {', '.join(texts)} as numbers", usage(observable))
    if missing := missing_sectors(model, observable):
        return Problem(path, f"model {model.name!r} has no {' and no '.join(missing)}")
    arguments = tuple(float(text) for text in texts)
    wrong = observable.domain(_known_inputs(model), arguments) if observable.domain else ""
    return Problem(path, wrong) if wrong else Request(str(label), observable, arguments)


def missing_sectors(model: Model, observable: Observable) -> list[str]:
    """What an observable takes that a model has not, in words."""
    theory = sectors_of(model)
    return [SECTORS[name][1] for name in observable.of if getattr(theory, name) is None]


def _known_inputs(model: Model) -> SMInputs:
    """The inputs that say where phase space ends: the model's, or the default ones while the model's are being traced."""
    traced = any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(model.sm))  # pyright: ignore[reportAttributeAccessIssue]
    return load_sm() if traced else model.sm


def _split(label: str) -> tuple[str, list[str]]:
    """Name in the registry, and the texts of its arguments."""
    text = label.replace(" ", "")
    if text in BY_NAME:
        return text, []
    if match := _AT_X.match(text):
        return match["name"] + (match["unit"] or ""), [match["x"]]
    if match := _BRACKET.match(text):
        return match["name"], match["arguments"].split(",")
    return text, []


# jax.jit of a closure, not eqx.filter_jit: when the closure goes, so do its compiled programs


@lru_cache(maxsize=COMPILED)
def _compiled(layout: Layout) -> Callable[..., Any]:
    return jax.jit(lambda model, numbers: evaluate_layout(model, layout, numbers))


@lru_cache(maxsize=COMPILED)
def _compiled_gradient(layout: Layout, names: tuple[str, ...]) -> Callable:
    """Forward mode: one column per parameter, all in one compiled call; and the values."""

    def columns(model: Model, values: dict[str, Array], numbers: dict[int, Array]) -> tuple[dict[str, Array], Values]:
        at = lambda v: evaluate_layout(model.with_values(v), layout, numbers)
        along = lambda tangents: jax.jvp(lambda v: at(v).value, (values,), (tangents,))[1]
        basis = {name: jnp.zeros(len(names), values[name].dtype).at[i].set(1.0) for i, name in enumerate(names)}
        computed, derivatives = at(values), jax.vmap(along)(basis)
        there = computed.status == int(Status.SUCCESS)
        return {name: jnp.where(there, derivatives[i], jnp.nan) for i, name in enumerate(names)}, computed

    return jax.jit(columns)


def arrays(model: Model) -> Model:
    """Every number as a float64 (or complex128) array, so that one compiled function serves all points."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.result_type(np.asarray(leaf).dtype, np.float64)), model)


def _python(value: Any, observable: Observable) -> float | complex:
    return complex(value) if observable.is_complex else float(np.real(value))
