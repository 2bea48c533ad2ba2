r"""Predictions as polynomials of the b → s coefficients (POPxf) and measurements (PDFxf), in the JSON that jelli reads.

What sources give is quadratic in real and imaginary parts of the coefficients: every polynomial is exact, from one evaluation at each pair of coefficients. Observables are expressions
of polynomials. The errors of the theory are those of the Standard Model and stand in the measurements' covariance, as in our likelihoods, so that log L is the same.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.errors import InputError, Problem, raise_if_any
from darkbeauty.evaluation import Layout, lay_out, results_of
from darkbeauty.files import write
from darkbeauty.inference.reading import load_fit
from darkbeauty.likelihoods import Fit, Likelihood
from darkbeauty.models.sectors import Theory
from darkbeauty.models.wet import COEFFICIENTS, Wet
from darkbeauty.models.wilson_map import SCALE
from darkbeauty.numerics.compiled import compiled
from darkbeauty.observables import Combined
from darkbeauty.observables.b_to_v_ll import Primed
from darkbeauty.observables.combiners import Field, Ratio, RatioOfTwo, SummedRate, itself

SCHEMA = "https://json.schemastore.org/{}-1.0.json"
SECTORS = ("sb", "sbnunu")
TOLERANCE = 1e-9
"""Part of a polynomial's largest term by which it may miss what it stands for."""
Names = Sequence[Mapping[str, str]]
Part = tuple[str, str]
"""A coefficient and "R" or "I", its real or imaginary part; ("", "R") is 1."""
ONE: Part = ("", "R")


class Expression(NamedTuple):
    """An observable: arithmetic of the names of its terms, and polynomial by term."""

    arithmetic: str
    terms: dict[str, str]


class Tables(NamedTuple):
    """Polynomials: names, monomials (pairs of parts), coefficients (monomials, polynomials); observables by label; their values in the Standard Model."""

    names: tuple[str, ...]
    monomials: tuple[tuple[Part, Part], ...]
    coefficients: np.ndarray
    observables: dict[str, Expression]
    standard: dict[str, float]


def _ratio(combine: Ratio, p: Theory, arguments: Any, names: Names) -> str:
    return f"{combine.factor!r} * {names[0][combine.numerator]} / {names[0][combine.denominator]}"


def _summed(combine: SummedRate, p: Theory, arguments: Any, names: Names) -> str:
    width = arguments[1] - arguments[0] if len(arguments) == 2 else 1.0
    factor = float(p.sm.lifetime[combine.meson]) / width
    return f"{factor!r} * ({' + '.join(result[combine.name] for result in names)})"


def _primed(combine: Primed, p: Theory, arguments: Any, names: Names) -> str:
    transverse, longitudinal = (names[0][f"average.{name}"] for name in ("j2s", "j2c"))
    return f"0.5 * {names[0][combine.numerator]} / sqrt(-{transverse} * {longitudinal})"


WRITTEN: dict[type, Callable[..., str]] = {
    type(itself): lambda combine, p, arguments, names: f"1.0 * {names[0]['']}",
    Field: lambda combine, p, arguments, names: f"{combine.factor!r} * {names[0][combine.name]}",
    Ratio: _ratio,
    RatioOfTwo: lambda combine, p, arguments, names: f"{names[0][combine.name]} / {names[1][combine.name]}",
    SummedRate: _summed,
    Primed: _primed,
}
"""How combiners are written, given the names of the polynomials of their sources' fields; a function that is a combiner is `itself` or not written."""


def write_popxf(source: str | Path, out: str | Path) -> list[Path]:
    """Predictions of a fit file of `wet`, as out/NAME.popxf.json.

    Errors   InputError for what is no fit of wet, and naming observables that are no expressions of polynomials
    """
    fit, lik = _read(source)
    tables = make(lik, COEFFICIENTS)
    text = json.dumps(popxf(tables, fit.about), indent=1, ensure_ascii=False, allow_nan=False)
    return [write(Path(out) / f"{fit.name}.popxf.json", text + "\n")]


def write_pdfxf(source: str | Path, out: str | Path) -> list[Path]:
    """Measurements of a fit file of `wet` with their theory errors, as out/NAME.pdfxf.json.

    Errors   as `write_popxf`
    """
    fit, lik = _read(source)
    text = json.dumps(pdfxf(lik), indent=1, ensure_ascii=False, allow_nan=False)
    return [write(Path(out) / f"{fit.name}.pdfxf.json", text + "\n")]


WRITERS: dict[str, Callable[[Path, Path], list[Path]]] = {"popxf": write_popxf, "pdfxf": write_pdfxf}
"""By format: function(fit file, folder), which returns what it wrote."""


def _read(source: str | Path) -> tuple[Fit, Likelihood]:
    fit = load_fit(source)
    if fit.model.name != Wet.name:
        raise InputError([Problem(str(source), f"is a fit of {fit.model.name!r}", "a fit of wet")])
    lik = fit.likelihood(Wet().opened(COEFFICIENTS))
    others = [term.name for term, (start, _) in zip(lik.terms, lik.slices) if start >= len(lik.values)]
    raise_if_any([Problem(f"{source}: {name}", "is no number with a Gaussian error") for name in others])
    return fit, lik


def make(lik: Likelihood, names: Sequence[str]) -> Tables:
    """Polynomials of all that a likelihood predicts, in these coefficients.

    Errors   InputError naming what is no expression of polynomials
    """
    layout, numbers = lay_out(lik.requests)
    labels = labels_of(lik)
    problems = [
        Problem(f"observables.{r.label}", "is arithmetic of observables")
        for r in lik.requests
        if isinstance(r, Combined)
    ]
    problems += [
        Problem(f"observables.{r.label}", "is no expression of polynomials")
        for r in lik.requests
        if not isinstance(r, Combined) and not _is_written(r.observable.combine)
    ]
    raise_if_any(problems)
    theory = lik.model.derive()
    places, expressions = {}, {}
    shapes = jax.eval_shape(lambda: results_of(theory, layout, numbers, lik.tables.results(theory)))
    for label, request, item, results in zip(labels, lik.requests, layout.items, shapes):
        combine = request.observable.combine
        fields = [
            {field: (source, item[1], field) for field in r} for source, r in zip(request.observable.sources, results)
        ]
        keys = [key for result in fields for key in result.values()]
        numbered = {key: f"p{places.setdefault(key, len(places)):04d}" for key in keys}
        terms = [{field: f"{numbered[key]}" for field, key in result.items()} for result in fields]
        arithmetic = WRITTEN[type(combine)](combine, theory, request.arguments, terms)
        expressions[label] = Expression(arithmetic, {n: n for n in numbered.values() if n in arithmetic})
    monomials, coefficients = _polynomials(lik, layout, numbers, tuple(places), tuple(names))
    standard = dict(zip(labels, np.asarray(lik.predictions({})).tolist()))
    return Tables(tuple(f"p{i:04d}" for i in range(len(places))), monomials, coefficients, expressions, standard)


def labels_of(lik: Likelihood) -> list[str]:
    """Observables of a likelihood, those measured again with a number: jelli takes no observable twice in one distribution."""
    seen: Counter[str] = Counter()
    labels = []
    for request in lik.requests:
        seen[request.label] += 1
        again = f" #{seen[request.label]}" if seen[request.label] > 1 else ""
        labels.append(request.label + again)
    return labels


def _is_written(combine: Callable[..., Any]) -> bool:
    return type(combine) in WRITTEN and (not isinstance(combine, type(itself)) or combine is itself)


def _polynomials(
    lik: Likelihood, layout: Layout, numbers: Mapping[int, Any], keys: tuple[Any, ...], names: tuple[str, ...]
) -> tuple[tuple[tuple[Part, Part], ...], np.ndarray]:
    """Monomials of the parts that matter, and coefficients (monomials, keys), checked at two points."""
    at = _evaluator(lik, layout, numbers, keys, names)
    parts = [(name, part) for name in names for part in "RI"]
    single = np.eye(len(parts))
    origin, plus, minus = at(np.zeros((1, len(parts))))[0], at(single), at(-single)
    floor = TOLERANCE * np.abs(origin)
    matters = np.any((np.abs(plus - origin) > floor) | (np.abs(minus - origin) > floor), axis=1)
    kept = np.flatnonzero(matters)
    pairs = list(combinations(kept.tolist(), 2))
    both = at(np.array([single[i] + single[j] for i, j in pairs]).reshape(-1, len(parts)))
    linear, square = 0.5 * (plus - minus), 0.5 * (plus + minus) - origin
    cross = [value - plus[i] - plus[j] + origin for (i, j), value in zip(pairs, both)]
    monomials = [(ONE, ONE), *((ONE, parts[i]) for i in kept), *((parts[i], parts[i]) for i in kept)]
    monomials += [(parts[i], parts[j]) for i, j in pairs]
    table = np.stack([origin, *linear[kept], *square[kept], *cross])
    _check(at, parts, monomials, table)
    return tuple(monomials), table


def _evaluator(
    lik: Likelihood, layout: Layout, numbers: Mapping[int, Any], keys: tuple[Any, ...], names: tuple[str, ...]
) -> Callable[[np.ndarray], np.ndarray]:
    """Values of the polynomials at rows of parts, (n, 2 names) → (n, keys)."""

    @compiled
    def run(lik: Likelihood, rows: Any) -> Any:
        def values(row: Any) -> Any:
            complex_values = row[0::2] + 1j * row[1::2]
            p = lik.model.with_values({name: complex_values[i] for i, name in enumerate(names)}).derive()
            by_key: dict[Any, Any] = {}
            results = results_of(p, layout, numbers, lik.tables.results(p))
            for (observable, place), of_sources in zip(layout.items, results):
                for source, fields in zip(observable.sources, of_sources):
                    by_key.update({(source, place, field): value for field, value in fields.items()})
            return jnp.stack([jnp.real(by_key[key]) for key in keys])

        return jax.lax.map(values, rows, batch_size=64)

    return lambda rows: np.asarray(run(lik, jnp.asarray(rows)))


def _check(at: Any, parts: Sequence[Part], monomials: Sequence[tuple[Part, Part]], table: np.ndarray) -> None:
    """That the polynomials are what they stand for, at two points.

    Errors   InputError
    """
    points = np.random.default_rng(1).normal(size=(2, len(parts)))
    for row, exact in zip(points, at(points)):
        value_of = {ONE: 1.0, **dict(zip(parts, row))}
        terms = np.array([value_of[a] * value_of[b] for a, b in monomials])[:, None] * table
        missed = np.abs(np.sum(terms, axis=0) - exact) > TOLERANCE * np.max(np.abs(terms), axis=0)
        if np.any(missed):
            raise InputError(
                [Problem("observables", f"{np.sum(missed)} results are not quadratic in the coefficients")]
            )


def popxf(tables: Tables, about: str = "") -> dict[str, Any]:
    """The POPxf file of polynomials."""
    used = [name for pair in tables.monomials for name, _ in pair if name]
    zero = np.all(tables.coefficients == 0.0, axis=1)
    key = lambda pair: str((pair[0][0], pair[1][0], pair[0][1] + pair[1][1]))
    polynomials = {
        key(pair): row.tolist() for pair, row, none in zip(tables.monomials, tables.coefficients, zero) if not none
    }
    return {
        "$schema": SCHEMA.format("popxf"),
        "metadata": {
            "observable_names": list(tables.observables),
            "parameters": list(dict.fromkeys(used)),
            "basis": {"wcxf": {"eft": "WET", "basis": "flavio", "sectors": list(SECTORS)}},
            "scale": SCALE,
            "polynomial_names": list(tables.names),
            "observable_expressions": [
                {"terms": observable.terms, "expression": observable.arithmetic}
                for observable in tables.observables.values()
            ],
            "misc": {"description": about, "generator": "darkbeauty"},
        },
        "data": {
            "observable_central": {key((ONE, ONE)): [tables.standard[label] for label in tables.observables]},
            "polynomial_central": polynomials,
        },
    }


def pdfxf(lik: Likelihood) -> dict[str, Any]:
    """The PDFxf file of the measured numbers, errors of theory in it: one entry for each term, or for all where theory errors correlate them."""
    covariance, labels = lik.covariance, labels_of(lik)
    spans = {term.name: slice(*span) for term, span in zip(lik.terms, lik.slices)}
    inside = np.zeros_like(covariance, bool)
    for span in spans.values():
        inside[span, span] = True
    if np.any(covariance[~inside] != 0.0):
        spans = {"all terms": slice(0, len(labels))}
    entry = lambda span: _normal(labels[span], lik.values[span], covariance[span, span])
    return {"$schema": SCHEMA.format("pdfxf"), **{f"darkbeauty {name}": [entry(span)] for name, span in spans.items()}}


def _normal(labels: Sequence[str], values: np.ndarray, covariance: np.ndarray) -> dict[str, Any]:
    sigma = np.sqrt(np.diag(covariance))
    if len(labels) == 1:
        numbers = {"central_value": float(values[0]), "standard_deviation": float(sigma[0])}
        return {"observables": list(labels), "distribution_type": "NormalDistribution", **numbers}
    return {
        "observables": list(labels),
        "distribution_type": "MultivariateNormalDistribution",
        "central_value": values.tolist(),
        "standard_deviation": sigma.tolist(),
        "correlation": (covariance / np.outer(sigma, sigma)).tolist(),
    }
