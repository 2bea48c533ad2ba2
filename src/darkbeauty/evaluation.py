"""Many observables at a point: each shared source once, over all its bins or points in one vmap; each observable the same; every status kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.models import Model
from darkbeauty.models.sectors import Theory
from darkbeauty.observables import Combined, Expression, Observable, Request, Results, Source, elementary, read
from darkbeauty.status import Status, status_if, worst

Numbers = Mapping[int, Array]
"""Arguments of observables: {how many an observable takes: array of shape (n, that many)}."""
Known = Mapping[Source, Results]


class Values(NamedTuple):
    """Values of observables, NaN where there is none, and a `Status` each; shape (n,)."""

    value: Array
    status: Array


@dataclass(frozen=True)
class Layout:
    """Observables, each with the place of its arguments among the numbers: what one compiled function serves, whatever the numbers are."""

    items: tuple[tuple[Observable, int], ...]
    outcomes: tuple[int | tuple[Expression, tuple[int, ...]], ...] | None = None
    """What is asked for: items by their places, and expressions of some; None: the items."""


def lay_out(requests: tuple[Request, ...]) -> tuple[Layout, dict[int, np.ndarray]]:
    """Requests, taken apart into what is static and the numbers; equal arguments are one."""
    places: dict[int, dict[tuple[float, ...], int]] = {}
    items = []
    single, outcomes = _outcomes(requests)
    for request in single:
        same_length = places.setdefault(len(request.arguments), {})
        items.append((request.observable, same_length.setdefault(request.arguments, len(same_length))))
    numbers = {length: np.array(list(rows), float).reshape(len(rows), length) for length, rows in places.items()}
    return Layout(tuple(items), outcomes), numbers


def _outcomes(requests: tuple[Request, ...]) -> tuple[tuple[Request, ...], tuple[Any, ...] | None]:
    """What has to be computed where there are expressions, each of it once, and how it becomes what is asked for."""
    if not any(isinstance(request, Combined) for request in requests):
        return requests, None
    places: dict[tuple[Observable, tuple[float, ...]], int] = {}
    single: list[Request] = []
    for request in elementary(requests):
        key = request.observable, request.arguments
        if places.setdefault(key, len(places)) == len(single):
            single.append(request)
    at = lambda request: places[request.observable, request.arguments]
    outcomes = (
        (request.expression, tuple(map(at, request.parts))) if isinstance(request, Combined) else at(request)
        for request in requests
    )
    return tuple(single), tuple(outcomes)


def evaluate(model: Model, requests: tuple[Request, ...], known: Callable[[Theory], Known] | None = None) -> Values:
    """Values of requests at a model, shape (n,).

    Args     known: results of sources that are had more cheaply
    """
    layout, numbers = lay_out(requests)
    return evaluate_layout(model, layout, numbers, known)


@jax.numpy_dtype_promotion("standard")  # real times complex is physics; whatever else JAX is set to
def evaluate_layout(
    model: Model, layout: Layout, numbers: Mapping[int, Any], known: Callable[[Theory], Known] | None = None
) -> Values:
    """The same for arguments that may be traced (not those of known results)."""
    items = _evaluate_items(model, layout, numbers, known)
    return items if layout.outcomes is None else _evaluate_outcomes(layout, items)


def _evaluate_items(
    model: Model, layout: Layout, numbers: Mapping[int, Any], known: Callable[[Theory], Known] | None
) -> Values:
    """Values of every item by itself."""
    inside, allowed = model.sheltered()
    p = inside.derive()
    results = _evaluate_sources(p, layout, numbers, known(p) if known else {})
    kind = complex if any(observable.is_complex for observable, _ in layout.items) else float
    groups: dict[Observable, list[int]] = {}
    for i, (observable, _) in enumerate(layout.items):
        groups.setdefault(observable, []).append(i)
    values, statuses = [], []
    for observable, members in groups.items():
        places = [layout.items[i][1] for i in members]
        value, status = _combine(p, observable, places, numbers, results)
        values.append(jnp.asarray(value, kind))
        statuses.append(status)
    order = np.argsort(np.concatenate(list(groups.values())))
    status = worst(jnp.concatenate(statuses)[order], jnp.where(allowed, 0, int(Status.NOT_ALLOWED)))
    return Values(jnp.where(status == int(Status.SUCCESS), jnp.concatenate(values)[order], jnp.nan), status)


def _evaluate_outcomes(layout: Layout, items: Values) -> Values:
    """What is asked for, from the items."""
    assert layout.outcomes is not None
    flags = [observable.is_complex for observable, _ in layout.items]
    item = lambda i: items.value[i] if flags[i] or not any(flags) else jnp.real(items.value[i])
    values, statuses, complex_too = [], [], False
    for outcome in layout.outcomes:
        expression, places = (None, (outcome,)) if isinstance(outcome, int) else outcome
        parts, status = [item(i) for i in places], worst(*(items.status[i] for i in places))
        value = parts[0]
        if expression is not None:
            there = status == int(Status.SUCCESS)
            value, fine = expression.value([jnp.where(there, part, 1.0) for part in parts])
            status = worst(status, status_if(~fine, Status.NO_ARITHMETIC))
        complex_too |= jnp.iscomplexobj(value)
        values.append(value)
        statuses.append(status)
    status = jnp.stack(statuses)
    stacked = jnp.stack([jnp.asarray(value, complex if complex_too else float) for value in values])
    return Values(jnp.where(status == int(Status.SUCCESS), stacked, jnp.nan), status)


class _Evaluated(NamedTuple):
    """Results of a source: where those of each place are, what is read of them, how they ended."""

    rows: dict[int, int]
    values: Any
    status: Array

    def at(self, places: list[int], names: tuple[str, ...]) -> Any:
        """Those at some places, in that order; of fields, these."""
        rows = _slice([self.rows[place] for place in places])
        values = {name: self.values[name] for name in names} if names else self.values
        return jax.tree.map(lambda leaf: leaf[rows], values), self.status[rows]


def results_of(
    p: Theory, layout: Layout, numbers: Mapping[int, Any], known: Known
) -> tuple[tuple[Mapping[str, Array], ...], ...]:
    """What every item combines: of each of its sources the fields that it reads, "" being a result without fields."""
    results = _evaluate_sources(p, layout, numbers, known)
    whole = lambda value: value if isinstance(value, dict) else {"": value}
    at = lambda observable, source, place: results[source, len(observable.arguments)].at([place], observable.reads)[0]
    return tuple(
        tuple(
            {name: value[0] for name, value in whole(at(observable, source, place)).items()}
            for source in observable.sources
        )
        for observable, place in layout.items
    )


def _slice(rows: list[int]) -> Any:
    """Rows of an array; a slice is the cheaper one."""
    return slice(rows[0], rows[-1] + 1) if rows == list(range(rows[0], rows[-1] + 1)) else np.array(rows)


def _evaluate_sources(
    p: Theory, layout: Layout, numbers: Mapping[int, Any], known: Known
) -> dict[tuple[Source, int], _Evaluated]:
    """Results of every source with so many arguments, at all that observables have, and those that are known."""
    wanted: dict[tuple[Source, int], dict[int, None]] = {}
    names: dict[tuple[Source, int], dict[str, None]] = {}
    for observable, place in layout.items:
        for source in observable.sources:
            called = source, len(observable.arguments)
            wanted.setdefault(called, {})[place] = None
            names.setdefault(called, {}).update(dict.fromkeys(observable.reads))
    return {
        (source, length): _evaluate_source(
            p, source, list(places), numbers[length], tuple(names[source, length]), known
        )
        for (source, length), places in wanted.items()
    }


def _evaluate_source(
    p: Theory, source: Source, places: list[int], numbers: Any, names: tuple[str, ...], known: Known
) -> _Evaluated:
    rows, given = {}, known.get(source)
    if given is not None:
        where = {arguments: row for row, arguments in enumerate(given.arguments)}
        rows = {place: where[a] for place in places if (a := tuple(map(float, numbers[place]))) in where}
        names = tuple(given.values)
    missing = [place for place in places if place not in rows]
    if not missing:
        assert given is not None
        return _Evaluated(rows, given.values, jnp.zeros(len(given.arguments), int))
    values, status = _directly(p, source, jnp.asarray(numbers)[_slice(missing)], names)
    if given is not None:
        values = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), given.values, values)
        status = jnp.concatenate([jnp.zeros(len(given.arguments), int), status])
    start = 0 if given is None else len(given.arguments)
    return _Evaluated({**rows, **{place: start + i for i, place in enumerate(missing)}}, values, status)


def _directly(p: Theory, source: Source, numbers: Array, names: tuple[str, ...]) -> tuple[Any, Array]:
    """What is read of the results at several arguments, shape (n, arguments), and how they ended."""

    def results_at(arguments: Array) -> tuple[Any, Array]:
        result = source(p, *arguments)
        status = getattr(result, "status", jnp.zeros((), int))
        return jax.tree.map(jnp.asarray, read(result, names)), status

    if len(numbers) == 1:
        return jax.tree.map(lambda leaf: leaf[None], results_at(numbers[0]))
    return jax.vmap(results_at)(numbers)


def _combine(
    p: Theory,
    observable: Observable,
    places: list[int],
    numbers: Mapping[int, Any],
    results: Mapping[tuple[Source, int], _Evaluated],
) -> tuple[Array, Array]:
    """Values of an observable at several arguments, and how they ended, shape (n,) each."""
    length = len(observable.arguments)
    given, statuses = zip(*(results[source, length].at(places, observable.reads) for source in observable.sources))
    own = [result[observable.ended] for result in given if observable.ended]
    visible, status = p.only(observable.of), worst(*statuses, *own)
    arguments = jnp.asarray(numbers[length])[_slice(places)]
    combine = lambda arguments, *values: jnp.asarray(observable.combine(visible, tuple(arguments), *values))
    if len(places) == 1:
        first = jax.tree.map(lambda leaf: leaf[0], given)
        return combine(arguments[0], *first)[None], status
    return jax.vmap(combine)(arguments, *given), status
