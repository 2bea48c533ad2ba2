"""From names to numbers: parse observables, group what they share, evaluate them at a point, differentiate them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import Model, resolve_model
from darkbeauty.observables import BY_NAME, REGISTRY, Observable, Request, Results, Source
from darkbeauty.tables import make_tables

_BRACKET = re.compile(r"^(?P<name>.*?)\[(?P<arguments>[^\]]*)\]$")
_AT_X = re.compile(r"^(?P<name>[\w>()-]+?)\(x=(?P<x>[^)]*)\)(?P<unit>\[[^\]]*\])?$")


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
    """Values of observables at a point.

    Args     model: name or model object; point: parameter names of the model → numbers; observables: flavio names, bins in brackets
    Returns  {name: float, or complex for Wilson coefficients}, natural units (GeV powers) unless the name carries a unit
    Errors   InputError listing every unknown observable or parameter, bad bin, missing or out-of-domain value
    """
    model = resolve_model(model)
    requests = parse(model, observables, model.check(point))
    values = np.asarray(_compiled(requests)(_arrays(model.at(point))))
    return {request.label: _python(value, request.observable) for request, value in zip(requests, values)}


def gradient(
    model: str | Model, point: Mapping[str, Any], observables: Sequence[str]
) -> dict[str, dict[str, float | complex]]:
    """Exact derivatives of observables with respect to the parameters given in `point` (all parameters if it is empty).

    Returns  {observable: {parameter: dO/dparameter}}; for a complex parameter the derivative along its real part
    Errors   as `predict`
    """
    model = resolve_model(model)
    requests = parse(model, observables, model.check(point))
    names = tuple(point) or model.parameter_names()
    values = {name: np.asarray(point.get(name, getattr(model, name)), float_or_complex(model, name)) for name in names}
    columns = _compiled_gradient(requests, names)(
        _arrays(model.at(values)), {name: jnp.asarray(v) for name, v in values.items()}
    )
    jacobian = np.stack([np.asarray(columns[name]) for name in names], axis=1)
    return {
        request.label: {name: _python(entry, request.observable) for name, entry in zip(names, row)}
        for request, row in zip(requests, jacobian)
    }


def predictor(
    model: str | Model, observables: Sequence[str], *, tables: bool = False
) -> Callable[[Mapping[str, Any]], Array]:
    """A pure function params → array (n_observables,), to jit, vmap and differentiate; params may hold tracers.

    Complex if any of the observables is. Errors as `predict`, in the observables at once, in the parameters when called.
    Args     tables: binned b → sℓℓ rates from quadratic forms computed here, once, at the model's Standard-Model inputs: compiles and runs much
             faster; relative accuracy 1e-5 of the rate
    """
    model = resolve_model(model)
    requests = parse(model, observables)
    known = make_tables(model, requests).results if tables else None
    return lambda params: evaluate(model.at(params), requests, known)


def evaluate(
    p: Model, requests: tuple[Request, ...], known: Callable[[Model], dict[Source, Results]] | None = None
) -> Array:
    """Values of requests at p, shape (n,): each shared source once, over all its bins or points in one vmap; each observable the same.

    Args     known: results of sources that are had more cheaply, from the solved model
    """
    p = p.solved()
    results = _evaluate_sources(p, requests, known(p) if known else {})
    kind = complex if any(request.observable.is_complex for request in requests) else float
    groups: dict[Observable, list[int]] = {}
    for i, request in enumerate(requests):
        groups.setdefault(request.observable, []).append(i)
    values = [
        jnp.asarray(_combine(p, observable, [requests[i].arguments for i in places], results), kind)
        for observable, places in groups.items()
    ]
    order = np.argsort(np.concatenate(list(groups.values())))
    return jnp.concatenate(values)[order]


def parse(model: Model, observables: Sequence[str], problems: Sequence[Problem] = ()) -> tuple[Request, ...]:
    """Requests for a list of names.

    Errors   InputError with every problem of every name (and the `problems` found before)
    """
    require_x64()
    found: list[Any] = list(problems)
    if isinstance(observables, str):
        observables = [observables]
    requests = []
    for label in observables:
        request = _parse_one(model, label)
        (found if isinstance(request, Problem) else requests).append(request)
    raise_if_any(found)
    if not requests:
        raise InputError([Problem("observables", "at least one observable is needed")])
    return tuple(requests)


def check_observable(model: Model, label: str, path: str) -> Problem | None:
    """What is wrong with one observable name, reported under `path`."""
    request = _parse_one(model, label)
    return dataclasses.replace(request, path=path) if isinstance(request, Problem) else None


def require_x64() -> None:
    """darkbeauty computes in float64 and changes no setting by itself."""
    if not jax.config.jax_enable_x64:  # pyright: ignore[reportAttributeAccessIssue]
        raise RuntimeError(
            'darkbeauty needs float64: call jax.config.update("jax_enable_x64", True) before anything else'
        )


def float_or_complex(model: Model, name: str) -> type:
    """Type of a parameter."""
    return next(complex if parameter.complex else float for parameter in model.parameters if parameter.name == name)


def _parse_one(model: Model, label: str) -> Request | Problem:
    path = f"observables.{label}"
    name, texts = _split(str(label))
    observable = BY_NAME.get(name)
    if observable is None:
        problem = unknown(path, "observable", name, BY_NAME)
        near = ", ".join(usage(BY_NAME[n]) for n in problem.allowed.split(", ") if n in BY_NAME)
        return dataclasses.replace(problem, allowed=near)
    if len(texts) != len(observable.arguments):
        return Problem(path, "wrong number of arguments in brackets", usage(observable))
    try:
        arguments = tuple(float(text) for text in texts)
    except ValueError:
        return Problem(path, f"cannot read {', '.join(texts)} as numbers", usage(observable))
    if (observable.needs == "mediator" and not model.has_mediator) or (
        observable.needs == "dark" and not model.has_dark_matter
    ):
        return Problem(path, f"model {model.name!r} has no {'Z′' if observable.needs == 'mediator' else 'dark matter'}")
    wrong = observable.domain(_known_inputs(model), arguments) if observable.domain else ""
    return Problem(path, wrong) if wrong else Request(str(label), observable, arguments)


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


def _evaluate_sources(p: Model, requests: tuple[Request, ...], known: dict[Source, Results]) -> dict[Source, Results]:
    """Results of every source at all arguments that the requests have, and those that are known."""
    wanted: dict[Source, dict[tuple[float, ...], None]] = {}
    for request in requests:
        for one in request.observable.sources:
            if one not in known or request.arguments not in known[one].arguments:
                wanted.setdefault(one, {})[request.arguments] = None
    found = dict(known)
    for one, arguments in wanted.items():
        points = tuple(arguments)
        if len(points) == 1:
            values = one(p, *(jnp.asarray(value) for value in points[0]))
            values = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], values)
        else:
            values = jax.vmap(lambda *a, one=one: one(p, *a))(*(jnp.array(column) for column in zip(*points)))
        if one in known:
            points = (*known[one].arguments, *points)
            values = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), known[one].values, values)
        found[one] = Results(points, values)
    return found


def _combine(
    p: Model, observable: Observable, points: list[tuple[float, ...]], results: dict[Source, Results]
) -> Array:
    """Values of an observable at several arguments, shape (n,)."""
    given = [results[one].at(points) for one in observable.sources]
    if len(points) == 1:
        return jnp.asarray(observable.combine(p, points[0], *jax.tree.map(lambda leaf: leaf[0], given)))[None]
    columns = tuple(jnp.array(column) for column in zip(*points))
    return jax.vmap(lambda arguments, *values: observable.combine(p, arguments, *values))(columns, *given)


@lru_cache(maxsize=256)
def _compiled(requests: tuple[Request, ...]) -> Callable[[Model], Array]:
    return eqx.filter_jit(lambda p: evaluate(p, requests))


@lru_cache(maxsize=256)
def _compiled_gradient(requests: tuple[Request, ...], names: tuple[str, ...]) -> Callable:
    """Forward mode: one column per parameter, all in one compiled call."""

    def columns(p: Model, values: dict[str, Array]) -> dict[str, Array]:
        along = lambda tangents: jax.jvp(lambda v: evaluate(p.at(v), requests), (values,), (tangents,))[1]
        basis = {name: jnp.zeros(len(names), values[name].dtype).at[i].set(1.0) for i, name in enumerate(names)}
        derivatives = jax.vmap(along)(basis)
        return {name: derivatives[i] for i, name in enumerate(names)}

    return eqx.filter_jit(columns)


def _arrays(p: Model) -> Model:
    """Every number as a float64 (or complex128) array, so that one compiled function serves all points."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.result_type(np.asarray(leaf).dtype, np.float64)), p)


def _python(value: Any, observable: Observable) -> float | complex:
    return complex(value) if observable.is_complex else float(np.real(value))
