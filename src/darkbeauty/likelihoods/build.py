"""The likelihood object: predictions of all terms in one evaluation, then a sum of parts, the first of which is a Gaussian of all measured numbers."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import Problem, quoted, raise_if_any, text_of, unknown
from darkbeauty.evaluation import Values, evaluate
from darkbeauty.likelihoods.covariance import KINDS, MARGINAL, total_covariance
from darkbeauty.likelihoods.part import Gaussian, Part, SumOfParts
from darkbeauty.likelihoods.relic_choice import check_relic, default_relic
from darkbeauty.likelihoods.term import PREDICTED_ERRORS, RELIC_METHODS, Term, gaussian
from darkbeauty.likelihoods.terms import PRESETS, TERMS, presets_of, shared_data
from darkbeauty.models import Model, resolve_model
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.second_derivatives import hessian
from darkbeauty.prediction import Request, check_observable, float_or_complex, parse, require_x64, words_of
from darkbeauty.status import Status
from darkbeauty.tables import RateTables, make_tables


@dataclass(frozen=True)
class TermReport:
    """One observable of a term at a point: prediction, measurement, total error, pull, and the log-likelihood of the term alone."""

    term: str
    observable: str
    prediction: float
    measured: float
    sigma: float
    pull: float
    log_prob: float
    remarks: tuple[str, ...] = ()
    """What a reader should know of the prediction: why it has no value, or why it is not to be trusted."""


class Likelihood(SumOfParts):
    """Terms of a model: those with a Gaussian error, independent of each other or with correlated theory errors, and any others.

    parts: one `Gaussian`, then one for each other term; arrays, so that the object itself is an argument of a compiled function:
    `eqx.filter_jit(lambda lik, params: lik.log_prob(params))`. tables: the rates that are had more cheaply at the Standard-Model inputs of `model`.
    slices: places of every term among the predictions.
    """

    model: Model
    tables: RateTables
    terms: tuple[Term, ...] = eqx.field(static=True)
    requests: tuple[Request, ...] = eqx.field(static=True)
    slices: tuple[tuple[int, int], ...] = eqx.field(static=True)

    def __hash__(self) -> int:
        """Of the object, so that `jax.jit(lik.log_prob)` works."""
        return id(self)

    @property
    def gaussian(self) -> Gaussian:
        """The part of all measured numbers."""
        return cast(Gaussian, self.parts[0])

    @property
    def values(self) -> np.ndarray:
        """The measured numbers, in the places of their predictions, which come first."""
        return cast(np.ndarray, self.gaussian.data)

    @property
    def covariance(self) -> np.ndarray:
        """Of the measured numbers."""
        return self.gaussian.covariance

    @property
    def whitening(self) -> np.ndarray:
        """L⁻¹ of the covariance."""
        return self.gaussian.whitening

    def log_prob(self, params: Mapping[str, Any]) -> Array:
        """log L, normalised in the measured numbers; −inf with zero gradient where a prediction failed or masses are in an order the model does not allow.

        Pure: jit, vmap, differentiate.
        """
        return self.log_prob_of(self.predictions(params))

    def evaluate(self, params: Mapping[str, Any]) -> Values:
        """Predictions of every entry of every term, NaN where there is none, and how each ended; shape (n,)."""
        require_x64()
        return evaluate(self.model.at(params), self.requests, self.tables.results)

    def predictions(self, params: Mapping[str, Any]) -> Array:
        """Predictions of every entry of every term, shape (n,)."""
        return self.evaluate(params).value

    def hessian(self, params: Mapping[str, Any]) -> np.ndarray:
        """Second derivatives of log L by the parameters given (all if none is), in their order, shape (n, n), of complex ones along the real part; NaN
        without likelihood.
        """
        require_x64()
        point = self.arrays(params) or self.arrays(self.model.at(params).values())
        return np.asarray(_hessian(self, point, tuple(point)))

    def explain(self, params: Mapping[str, Any]) -> list[TermReport]:
        """Prediction, data and pull of every observable of every term."""
        return self.report(*self.computed(params))

    def computed(self, params: Mapping[str, Any]) -> tuple[Array, Array]:
        """Predictions at a point and how each ended, by a program that serves all points."""
        require_x64()
        return _values(self, self.arrays(params))

    def arrays(self, params: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Numbers of a point as arrays: arguments of compiled functions, not constants of them.

        Errors   InputError listing everything wrong with the point
        """
        at = self.model.at(params)
        return {name: np.asarray(getattr(at, name), float_or_complex(at, name)) for name in params}

    def report(self, predictions: Array | np.ndarray, status: Array | np.ndarray | None = None) -> list[TermReport]:
        """The same for given predictions, and how each ended."""
        predictions = np.asarray(predictions)
        ended = np.zeros(len(predictions), int) if status is None else np.asarray(status)
        log_prob, reports = self.by_term(predictions), []
        for term, span in zip(self.terms, self.slices):
            own, requests = slice(*span), self.requests[slice(*span)]
            words = [
                words_of(self.model, request, float(value), Status(int(end)))
                for request, value, end in zip(requests, predictions[own], ended[own])
            ]
            rows = self.alone(span).rows([request.label for request in requests], predictions[own])
            together = tuple(dict.fromkeys(remark for remarks in words for remark in remarks))
            for place, row in enumerate(rows):
                remarks = words[place] if len(rows) == len(words) else together
                reports.append(TermReport(term.name, *row, float(log_prob[term.name]), remarks))
        return reports

    def alone(self, span: tuple[int, int]) -> Part:
        """The part of the term that has these places."""
        of_span = lambda part: part[1][0] <= span[0] and span[1] <= part[1][1]
        part, (first, _) = next(filter(of_span, zip(self.parts, self.spans)))
        return part.alone(slice(span[0] - first, span[1] - first))

    def as_measured(self) -> dict[int, float]:
        """What predictions of the relic density and of its error would be if it were as measured, by their places."""
        of_name = dict.fromkeys(PREDICTED_ERRORS.values(), False) | dict.fromkeys(RELIC_METHODS.values(), True)
        data = np.full(len(self.requests), np.nan)
        for part, (start, stop) in zip(self.parts, self.spans):
            own = np.asarray(part.data)[: stop - start]
            data[start : start + len(own)] = own
        names = [request.observable.name for request in self.requests]
        return {i: data[i] if of_name[name] else 0.0 for i, name in enumerate(names) if name in of_name}

    def by_term(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """log L of every term alone from predictions (…, n), −∞ where one of its predictions has no value; of independent terms, log L is the sum."""
        by_name = {}
        for term, span in zip(self.terms, self.slices):
            own = predictions[..., slice(*span)]
            ok = np.all(np.isfinite(own), axis=-1)
            value = self.alone(span).log_prob_of(jnp.asarray(np.where(ok[..., None], own, 0.0)))
            by_name[term.name] = np.where(ok, np.asarray(value), -np.inf)
        return by_name


def likelihood(
    model: str | Model,
    preset: str | None = "global",
    *,
    terms: Sequence[str | Term] | None = None,
    add: Sequence[str | Term] = (),
    drop: Sequence[str] = (),
    theory: str = MARGINAL,
    relic: str | None = None,
) -> Likelihood:
    """The likelihood of a model from a preset, or from named terms.

    Args     preset: see PRESETS; terms: names, or terms of one's own, instead of a preset; add, drop: changes to either; theory: theory errors independent from term to
             term ("marginal": log L is a sum over terms), or with all that terms share ("correlated": CKM elements, form factors, decay constants);
             relic: how the relic density of the term Omega_h2 is computed, "freeze_out", "boltzmann", "kinetic" or "phase_space"; by default kinetic, freeze_out in the
             preset of the slides
    Errors   InputError listing every unknown preset or term, and terms the model cannot predict
    """
    require_x64()
    model = resolve_model(model)
    listed = [term for given in (terms, add) if isinstance(given, list | tuple) for term in given]
    own = {term.name: term for term in listed if isinstance(term, Term)}
    named = lambda given: (
        [t.name if isinstance(t, Term) else t for t in given] if isinstance(given, list | tuple) else given
    )
    names, problems = choose_terms(model, preset, named(terms), named(add), drop, own=own)
    if not isinstance(theory, str) or theory not in KINDS:
        problems.append(unknown("likelihood.theory", "kind of theory errors", text_of(theory), KINDS))
    chosen = by_name(names, own)
    problems += check_relic(relic, chosen)
    raise_if_any(problems)
    method = default_relic(model, preset if terms is None else None, chosen) if relic is None else relic
    return build(model, tuple(term.with_relic(method) for term in chosen), theory)


def with_own(own: Mapping[str, Term]) -> Mapping[str, Term]:
    """All terms there are, and those of a user's own."""
    return ChainMap(dict(own), cast("dict[str, Term]", TERMS))


def by_name(names: Iterable[str], own: Mapping[str, Term]) -> list[Term]:
    """Terms with these names, without those that do not exist."""
    known = with_own(own)
    return [known[name] for name in names if name in known]


def choose_terms(
    model: Model,
    preset: str | None,
    terms: Sequence[str] | None,
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
    path: str = "likelihood",
    own: Mapping[str, Term] = MappingProxyType({}),
) -> tuple[tuple[str, ...], list[Problem]]:
    """Names of the selected terms, and everything wrong with the choice. own: terms that are not among those of the package."""
    known, preset_name = with_own(own), text_of(preset)
    problems: list[Problem] = [
        Problem(path, f"there is already a term {name!r}")
        for name in own
        if TERMS.get(name, own[name]) is not own[name]
    ]
    terms = None if terms is None else _names(terms, f"{path}.terms", problems)
    add, drop = _names(add, f"{path}.add", problems), _names(drop, f"{path}.drop", problems)
    if terms is None and preset is None:
        problems.append(
            Problem(path, "a preset or terms are needed", ", ".join(presets_of(model.preset_model)) or "terms")
        )
    elif terms is None and preset_name not in presets_of(model.preset_model):
        problems.append(unknown(f"{path}.preset", "preset", preset_name, presets_of(model.preset_model)))
    listed = list(PRESETS.get((model.preset_model, preset_name), ())) if terms is None else list(terms)
    for where, names in (("terms", listed), ("add", add), ("drop", drop)):
        problems += [unknown(f"{path}.{where}", "term", name, known) for name in names if name not in known]
    problems += [
        Problem(f"{path}.drop", f"term {name!r} is not in the fit")
        for name in drop
        if name in known and name not in listed
    ]
    selected = [name for name in dict.fromkeys([*listed, *add]) if name not in drop]
    if not selected and not problems:
        problems.append(Problem(f"{path}.terms", "at least one term is needed", ", ".join(known)))
    for name in selected:
        if name in known:
            checked = (check_observable(model, label, f"{path}.terms.{name}") for label in known[name].predicted(model))
            problems += [problem for problem in checked if problem]
    chosen = by_name(selected, own)
    problems += shared_data(chosen, f"{path}.terms")
    first = {term.name for term in gaussian(chosen)}
    return tuple(sorted(selected, key=lambda name: name not in first)), problems


def _names(given: Any, path: str, problems: list[Problem]) -> tuple[str, ...]:
    """Names of terms, one or several; what is none is a problem."""
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else None
    if names is None or not all(isinstance(name, str) for name in names):
        problems.append(Problem(path, f"{quoted(given)} is no list of names of terms"))
        return ()
    return names


def build(model: Model, terms: tuple[Term, ...], theory: str = MARGINAL) -> Likelihood:
    """Assemble values and covariances; theory errors from the nuisances are computed once, here. Terms of measured numbers come first."""
    measured = gaussian(terms)
    others = tuple(term for term in terms if term not in measured)
    labels = [term.predicted(model) for term in (*measured, *others)]
    requests = parse(model, tuple(label for group in labels for label in group))
    values = np.concatenate([np.zeros(0), *(term.data().values for term in measured)])
    parts = (Gaussian.of(values, total_covariance(measured, theory)), *(term.part(model) for term in others))
    spans = _consecutive([len(values), *map(len, labels[len(measured) :])])
    slices = _consecutive([len(group) for group in labels])
    return Likelihood(parts, spans, model, make_tables(model, requests), (*measured, *others), requests, slices)


def _consecutive(sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """First place, and the one after the last, of each of several groups."""
    stops = np.cumsum(sizes).tolist()
    return tuple((stop - size, stop) for size, stop in zip(sizes, stops))


@compiled
def _values(lik: Likelihood, params: dict[str, Any]) -> tuple[Array, Array]:
    """Predictions, and how each ended."""
    values = lik.evaluate(params)
    return values.value, values.status


@compiled
def _hessian(lik: Likelihood, params: dict[str, Any], names: tuple[str, ...]) -> Array:
    """Second derivatives, (n, n), in the order of names: JAX sorts those of a mapping."""
    origin = jnp.zeros(len(names))
    log_prob = lambda shift: lik.log_prob({name: params[name] + shift[i] for i, name in enumerate(names)})
    return jnp.where(log_prob(origin) > -jnp.inf, hessian(log_prob, origin), jnp.nan)


def with_covariance(lik: Likelihood, covariance: np.ndarray) -> Likelihood:
    """The same data and predictions with other errors of the measured numbers."""
    return eqx.tree_at(lambda lik: lik.parts[0], lik, Gaussian.of(lik.values, covariance))
