"""Every likelihood term and every preset, as the data files declare them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import combinations
from typing import NamedTuple

from darkbeauty.errors import Problem, raise_if_any
from darkbeauty.inputs.blocks import CountsBlock, LimitBlock, MeasurementTerm, Presets, TermBlock
from darkbeauty.inputs.histogram import Histogram
from darkbeauty.inputs.lazy import Lazy
from darkbeauty.inputs.library import Library, library
from darkbeauty.inputs.measurements import Measurement, measurements_of
from darkbeauty.inputs.selection import joined
from darkbeauty.likelihoods.limit_terms import limit_term
from darkbeauty.likelihoods.term import CountsTerm, GaussianTerm, Term, counts_term


class Declaration(NamedTuple):
    """A term as the data declare it: where, how to make it, and the presets it belongs to."""

    name: str
    path: str
    make: Callable[[], Term]
    presets: Presets


class Terms(Lazy[str, Term]):
    """The terms of a library by name, each made when it is asked for."""

    def __init__(self, data: Callable[[], Library]):
        super().__init__(lambda: {declared.name: declared.make for declared in declarations(data())})


class PresetsOf(Lazy[tuple[str, str], tuple[str, ...]]):
    """(model, preset) → names of its terms, in the order of the data."""

    def __init__(self, data: Callable[[], Library]):
        super().__init__(lambda: {key: partial(tuple, names) for key, names in memberships(data()).items()})


def declarations(data: Library) -> list[Declaration]:
    """Every term that the files declare, in their order.

    Errors   InputError with every problem of the blocks that declare terms, and every name that is declared twice
    """
    known, declared = measurements_of(data), []
    blocks = {
        "measurement": data.every("measurement", "[[measurement.term]]"),
        "limit": data.every("limit"),
        "term": data.every("term"),
        "counts": data.every("counts"),
    }
    for kind, name in data.pieces:
        block, path = blocks.get(kind, {}).get(name), data.pieces[kind, name].path
        if kind == "measurement" and block is not None:
            declared += [
                Declaration(t.name, path, partial(_of_measurement, known, name, t), t.presets) for t in block.term
            ]
        elif isinstance(block, TermBlock):
            declared.append(Declaration(name, path, partial(_of_several, known, block), block.presets))
        elif isinstance(block, CountsBlock):
            declared.append(Declaration(name, path, partial(_of_counts, data, block), block.presets))
        elif isinstance(block, LimitBlock) and block.use == "fit":
            declared.append(Declaration(f"limit {name}", path, partial(limit_term, block), block.presets))
    pairs = combinations(declared, 2)
    raise_if_any([Problem(b.path, f"term {b.name!r} is already in {a.path}") for a, b in pairs if a.name == b.name])
    return declared


def memberships(data: Library) -> dict[tuple[str, str], list[str]]:
    """(model, preset) → names of the terms: of its base but for some, of those it adds, and of those that say they belong to it."""
    presets: dict[tuple[str, str], list[str]] = {}
    for declared in declarations(data):
        for model, names in declared.presets.items():
            for preset in names:
                presets.setdefault((model, preset), []).append(declared.name)
    for block in data.every("preset").values():
        for model in block.models:
            kept = [name for name in presets[model, block.base] if name not in block.drop]
            presets[model, block.name] = [*kept, *block.add, *presets.get((model, block.name), [])]
    return presets


def _of_measurement(known: Mapping[str, Measurement], id: str, declared: MeasurementTerm) -> Term:
    """All of a measurement or some of it."""
    observables = declared.observables or known[id].observables
    return GaussianTerm(
        declared.name,
        id,
        observables,
        declared.about,
        declared.dataset or known[id].dataset,
        tuple(declared.independent_of),
        declared.theory,
        lambda: known[id].select(observables),
    )


def _of_several(known: Mapping[str, Measurement], block: TermBlock) -> Term:
    """What may be fitted together of several measurements."""
    read = lru_cache(maxsize=1)(partial(joined, block, known))
    return GaussianTerm(
        block.name,
        block.name,
        read().observables,
        block.about,
        read().dataset,
        tuple(block.independent_of),
        block.theory,
        read,
    )


def _of_counts(data: Library, block: CountsBlock) -> CountsTerm:
    """Counts, of a table that is read once."""
    read = lru_cache(maxsize=1)(lambda: Histogram.of_json(data.text(block.table)))
    return counts_term(block, read)


TERMS: Mapping[str, Term] = Terms(library)
PRESETS: Mapping[tuple[str, str], tuple[str, ...]] = PresetsOf(library)
"""(model, preset) → terms. paper: the deck's own constraints; quick: the demonstration; global: everything."""


def presets_of(model: str) -> tuple[str, ...]:
    """Names of the presets of a model."""
    return tuple(preset for name, preset in PRESETS if name == model)


def list_terms() -> list[str]:
    """Names of all likelihood terms."""
    return list(TERMS)


def shared_data(terms: list[Term], path: str) -> list[Problem]:
    """Every pair of terms that would use the same data twice, with the way out."""
    problems = []
    for first, second in combinations(terms, 2):
        if shared := first.shared_with(second):
            message = f"{first.name!r} and {second.name!r} are measured from the same data ({', '.join(shared)})"
            problems.append(
                Problem(path, message, f'one of the two: drop = ["{first.name}"] or drop = ["{second.name}"]')
            )
    return problems
