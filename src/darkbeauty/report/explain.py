"""What an observable is, and at a point: what it depends on and where its theory error comes from, all from one Jacobian."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import InputError, Problem, raise_if_any
from darkbeauty.evaluation import Layout, evaluate_layout, lay_out
from darkbeauty.inputs.sm import parameter_records
from darkbeauty.likelihoods.theory import FOLLOWS, at_inputs, correlation, nuisances
from darkbeauty.models import MODELS, Model, resolve_model
from darkbeauty.observables import Combined, Request
from darkbeauty.prediction import COMPILED, arrays, check_observable, parse, usage, words_of
from darkbeauty.report.docstrings import formulas, left_out
from darkbeauty.status import Status

FAMILIES = {
    "form_factor": "form factors",
    "form_factor_pole": "form factors",
    "form_factor_mcn": "form factors",
    "subleading": "subleading hadronic effects",
    "ckm": "CKM",
    "decay_constant": "decay constants",
    "quark": "quark masses",
    "mass": "masses",
    "lifetime": "lifetimes",
    "coupling": "couplings",
    "wilson": "Wilson coefficients",
    "wilson_2": "Wilson coefficients",
    "nunu": "Wilson coefficients",
    "mixing": "mixing matrix elements",
    "kaon": "K → πνν̄",
    "xsgamma": "B → X_sγ",
    "branching": "branching fractions",
    "decay_parameter": "decay parameters",
    "nucleon": "nucleon matrix elements",
    "cosmology": "cosmology",
    "energy_injection": "energy injection",
}


@dataclass(frozen=True)
class Slope:
    """Derivative of the observable (of its modulus, if it is complex) by a model parameter; relative: (parameter/observable) × derivative, None where
    that has no meaning."""

    parameter: str
    value: float | complex
    unit: str
    derivative: float
    relative: float | None


@dataclass(frozen=True)
class Input:
    """A Standard-Model input: value and error (None: several coefficients, or none given), source, effect of one standard deviation."""

    path: str
    value: float | None
    error: float | None
    source: str
    effect: float


@dataclass(frozen=True)
class Numbers:
    """An observable at a point: value, theory error, and what they are made of; of a complex observable the modulus is differentiated.

    warnings: why it has no value (which is NaN then, without error, slopes and inputs), or why that is not to be trusted.
    """

    point: dict[str, Any]
    value: float | complex
    error: float
    slopes: list[Slope]
    inputs: list[Input]
    budget: dict[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Everything about one observable; numbers is None where no point was given and none is natural."""

    observable: str
    usage: str
    about: str
    unit: str
    tex: str
    references: tuple[str, ...]
    needs: tuple[str, ...]
    model: str
    formulas: list[tuple[str, str]]
    left_out: list[tuple[str, str]]
    numbers: Numbers | None


def explain(label: str, model: str | Model | None = None, point: Mapping[str, Any] | None = None) -> Explanation:
    """Formula, sources and error budget of an observable.

    Args     model: default "wet", at its Standard-Model point, or for what that cannot predict the first model that can, without numbers
    Errors   InputError listing everything wrong with the name, the model and the point
    """
    template, given = _choose(label, model), dict(point or {})
    bare = model is None and not given and any(parameter.free for parameter in template.parameters)
    request = parse(template, [label], [] if bare else template.check(given))[0]
    if isinstance(request, Combined):
        parts = ", ".join(part.label for part in request.parts)
        raise InputError(
            [Problem(f"observables.{label}", "is arithmetic of observables: each has its own page", parts)]
        )
    observable = request.observable
    return Explanation(
        label,
        usage(observable),
        observable.about,
        observable.unit,
        observable.tex,
        observable.references,
        observable.of,
        template.name,
        formulas(observable),
        left_out(observable),
        None if bare else numbers(template, given, request),
    )


def _choose(label: str, model: str | Model | None) -> Model:
    if model is not None:
        return resolve_model(model)
    models = [resolve_model(name) for name in ("wet", *MODELS)]
    problems = {model.name: check_observable(model, label, f"observables.{label}") for model in models}
    able = [model for model in models if problems[model.name] is None]
    if not able:
        raise_if_any([problem for problem in problems.values() if problem is not None][:1])
    return able[0]


def numbers(model: Model, point: Mapping[str, Any], request: Request) -> Numbers:
    """Value, slopes and error budget at a point."""
    value, status, by_parameter, by_input = _jacobian(model, point, request)
    number = complex(value) if request.observable.is_complex else float(np.real(value))
    warnings = words_of(model, request, number, status)
    if status != Status.SUCCESS:
        return Numbers(dict(point), number, math.nan, [], [], {}, warnings)
    along, p = _component(value, request.observable.is_complex), model.at(point)
    size = abs(value) if request.observable.is_complex else float(np.real(value))
    slopes = [_slope(p, parameter, along(by_parameter[parameter.name]), size) for parameter in p.parameters]
    paths, roots = nuisances()
    whitened = [np.array([along(j) for j in np.atleast_1d(by_input[path]) @ root]) for path, root in zip(paths, roots)]
    inputs = [_input(path, float(np.linalg.norm(row))) for path, row in zip(paths, whitened)]
    budget, total = _budget(paths, roots, whitened)
    return Numbers(
        dict(point),
        number,
        total,
        sorted(
            (slope for slope in slopes if slope.derivative), key=lambda slope: -abs(slope.relative or slope.derivative)
        ),
        sorted(
            (nuisance for nuisance in inputs if nuisance.effect > 1e-9 * max(abs(value), total)),
            key=lambda nuisance: -nuisance.effect,
        ),
        budget,
        warnings,
    )


def _component(value: complex, is_complex: bool) -> Callable[[complex], float]:
    """Derivatives as real numbers: those of a complex observable along its value, that is of its modulus."""
    if is_complex and not value:
        return lambda j: float(abs(j))
    phase = np.conj(value) / abs(value) if is_complex else 1.0
    return lambda j: float(np.real(phase * j))


def _budget(
    paths: tuple[str, ...], roots: tuple[np.ndarray, ...], whitened: list[np.ndarray]
) -> tuple[dict[str, float], float]:
    """Standard deviation by family, largest first, and of all together."""
    matrix, row = correlation(paths, roots), np.concatenate(whitened)
    family = np.concatenate([np.full(len(part), _family(path)) for path, part in zip(paths, whitened)])
    spread = lambda part: float(np.sqrt((row * part) @ matrix @ (row * part)))
    by_family = {name: spread(family == name) for name in dict.fromkeys(family.tolist())}
    total = spread(np.ones(len(row)))
    ordered = sorted(by_family.items(), key=lambda item: -item[1])
    return {name: size for name, size in ordered if size > 1e-6 * total}, total


def _family(path: str) -> str:
    return FAMILIES[path.split(".", 1)[0]]


def _slope(p: Model, parameter: Any, derivative: float, size: float) -> Slope:
    here = complex(getattr(p, parameter.name))
    at = here if here.imag else here.real
    relative = here.real * derivative / size if size and here.real else None
    return Slope(parameter.name, at, parameter.unit, derivative, relative)


def _input(path: str, effect: float) -> Input:
    record = parameter_records()[path]
    is_number = not isinstance(record["value"], list)
    return Input(path, record["value"] if is_number else None, record.get("error"), record["source"], effect)


def _jacobian(
    model: Model, point: Mapping[str, Any], request: Request
) -> tuple[complex, Status, dict[str, complex], dict[str, np.ndarray]]:
    """Value and how it ended, derivatives by every model parameter (real part of a complex one) and by every uncertain input."""
    start = arrays(model.opened(model.parameter_names()).at(point))
    values = {name: np.asarray(value) for name, value in start.values().items()}
    inputs = {path: np.asarray(model.sm.get(path), float) for path in nuisances()[0] if path not in FOLLOWS}
    layout, numbers = lay_out((request,))
    jacobian, (value, status) = _compiled(layout)(
        {name: np.real(at) for name, at in values.items()},
        inputs,
        {name: np.imag(at) for name, at in values.items() if np.iscomplexobj(at)},
        start,
        numbers,
    )
    joined = jax.tree.map(lambda j: np.asarray(j[0]) + 1j * np.asarray(j[1]), jacobian)
    return complex(*np.asarray(value)), Status(int(status)), joined[0], joined[1]


@lru_cache(maxsize=COMPILED)
def _compiled(layout: Layout) -> Callable[..., Any]:
    """(free, inputs, imaginary, model, numbers) → derivatives of (real, imaginary part) by the first two in reverse mode, and these with the status."""

    def parts(free: dict, inputs: dict, imaginary: dict, model: Model, numbers: dict) -> tuple[Array, Any]:
        values = {name: free[name] + 1j * imaginary[name] if name in imaginary else free[name] for name in free}
        p = at_inputs(model, inputs).with_values(values)
        result = evaluate_layout(p, layout, numbers)
        pair = jnp.stack([jnp.real(result.value[0]), jnp.imag(result.value[0])])
        return pair, (pair, result.status[0])

    return jax.jit(jax.jacrev(parts, (0, 1), has_aux=True))
