"""The likelihood object: predictions of all terms in one evaluation, then a Gaussian of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import Array

from darkbeauty.errors import Problem, raise_if_any, unknown
from darkbeauty.evaluation import Values, evaluate
from darkbeauty.likelihoods.covariance import KINDS, MARGINAL, total_covariance, whiten
from darkbeauty.likelihoods.term import FREEZE_OUT, RELIC_METHODS, Term
from darkbeauty.likelihoods.terms import PRESETS, TERMS, presets_of, shared_data
from darkbeauty.models import Model, resolve_model
from darkbeauty.numerics.compiled import compiled
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


class Likelihood(eqx.Module):
    """Gaussian terms of a model, independent of each other or with correlated theory errors.

    values and whitening (L⁻¹ of the covariance) are arrays, so that the object itself is an argument of a compiled
    function: `eqx.filter_jit(lambda lik, params: lik.log_prob(params))`. tables: the binned rates at the Standard-Model inputs of `model`.
    """

    model: Model
    values: np.ndarray
    covariance: np.ndarray
    whitening: np.ndarray
    log_normalisation: np.ndarray
    tables: RateTables
    terms: tuple[Term, ...] = eqx.field(static=True)
    requests: tuple[Request, ...] = eqx.field(static=True)
    slices: tuple[tuple[int, int], ...] = eqx.field(static=True)

    def __hash__(self) -> int:
        """Of the object, so that `jax.jit(lik.log_prob)` works."""
        return id(self)

    def log_prob(self, params: Mapping[str, Any]) -> Array:
        """log L, normalised in the data; −inf with zero gradient where a prediction failed or masses are in an order the model does not allow.

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

    def log_prob_of(self, predictions: Array | np.ndarray) -> Array:
        """log L of given predictions, shape (…, n); −inf where one of them has no value."""
        ok = jnp.all(jnp.isfinite(predictions), axis=-1)
        data = self.values.reshape((1,) * (jnp.ndim(predictions) - 1) + (-1,))
        residual = (jnp.where(ok[..., None], predictions, 0.0) - data) @ self.whitening.T
        return jnp.where(ok, -0.5 * jnp.sum(residual**2, axis=-1) + self.log_normalisation, -jnp.inf)

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
        sigma, log_prob = np.sqrt(np.diag(self.covariance)), self.by_term(predictions)
        reports = []
        for term, (start, stop) in zip(self.terms, self.slices):
            for j in range(start, stop):
                pull = (predictions[j] - self.values[j]) / sigma[j]
                label = self.requests[j].label
                reports.append(
                    TermReport(
                        term.name,
                        label,
                        float(predictions[j]),
                        float(self.values[j]),
                        float(sigma[j]),
                        float(pull),
                        float(log_prob[term.name]),
                        words_of(self.model, self.requests[j], float(predictions[j]), Status(int(ended[j]))),
                    )
                )
        return reports

    def by_term(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """log L of every term alone from predictions (…, n), −∞ where one of its predictions has no value; of independent terms, log L is the sum."""
        by_name = {}
        for term, span in zip(self.terms, self.slices):
            own = slice(*span)
            alone = eqx.tree_at(_gaussian, self, (self.values[own], *_errors(self.covariance[own, own])))
            by_name[term.name] = np.asarray(alone.log_prob_of(predictions[..., own]))
        return by_name


def likelihood(
    model: str | Model,
    preset: str | None = "global",
    *,
    terms: Sequence[str] | None = None,
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
    theory: str = MARGINAL,
    relic: str = FREEZE_OUT,
) -> Likelihood:
    """The likelihood of a model from a preset, or from named terms.

    Args     preset: see PRESETS; terms: names instead of a preset; add, drop: changes to either; theory: theory errors independent from term to
             term ("marginal": log L is a sum over terms), or with all that terms share ("correlated": CKM elements, form factors, decay constants);
             relic: how the relic density of the term Omega_h2 is computed, "freeze_out", "boltzmann" or "kinetic"
    Errors   InputError listing every unknown preset or term, and terms the model cannot predict
    """
    require_x64()
    model = resolve_model(model)
    names, problems = choose_terms(model, preset, terms, add, drop)
    if theory not in KINDS:
        problems.append(unknown("likelihood.theory", "kind of theory errors", theory, KINDS))
    problems += check_relic(relic, names)
    raise_if_any(problems)
    return build(model, tuple(TERMS[name].with_relic(relic) for name in names), theory)


def check_relic(method: str, terms: Sequence[str], path: str = "likelihood") -> list[Problem]:
    """What is wrong with a choice of how to compute the relic density."""
    if method not in RELIC_METHODS:
        return [unknown(f"{path}.relic", "way to compute the relic density", method, RELIC_METHODS)]
    if method == FREEZE_OUT or any("Omega_h2" in TERMS[name].observables for name in terms if name in TERMS):
        return []
    return [Problem(f"{path}.relic", f"{method!r} is for the term 'Omega_h2', which is not among the terms")]


def choose_terms(
    model: Model,
    preset: str | None,
    terms: Sequence[str] | None,
    add: Sequence[str] = (),
    drop: Sequence[str] = (),
    path: str = "likelihood",
) -> tuple[tuple[str, ...], list[Problem]]:
    """Names of the selected terms, and everything wrong with the choice."""
    problems: list[Problem] = []
    terms = None if terms is None else _names(terms, f"{path}.terms", problems)
    add, drop = _names(add, f"{path}.add", problems), _names(drop, f"{path}.drop", problems)
    if terms is None and preset is None:
        problems.append(Problem(path, "a preset or terms are needed", ", ".join(presets_of(model.name)) or "terms"))
    elif terms is None and preset not in presets_of(model.name):
        problems.append(unknown(f"{path}.preset", "preset", str(preset), presets_of(model.name)))
    listed = list(PRESETS.get((model.name, str(preset)), ())) if terms is None else list(terms)
    for where, names in (("terms", listed), ("add", add), ("drop", drop)):
        problems += [unknown(f"{path}.{where}", "term", name, TERMS) for name in names if name not in TERMS]
    problems += [
        Problem(f"{path}.drop", f"term {name!r} is not in the fit")
        for name in drop
        if name in TERMS and name not in listed
    ]
    selected = [name for name in dict.fromkeys([*listed, *add]) if name not in drop]
    if not selected and not problems:
        problems.append(Problem(f"{path}.terms", "at least one term is needed", ", ".join(TERMS)))
    for name in selected:
        if name in TERMS:
            checked = (check_observable(model, label, f"{path}.terms.{name}") for label in TERMS[name].predicted(model))
            problems += [problem for problem in checked if problem]
    problems += shared_data([TERMS[name] for name in selected if name in TERMS], f"{path}.terms")
    return tuple(selected), problems


def _names(given: Any, path: str, problems: list[Problem]) -> tuple[str, ...]:
    """Names of terms, one or several; what is none is a problem."""
    names = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else None
    if names is None or not all(isinstance(name, str) for name in names):
        problems.append(Problem(path, f"{given!r} is no list of names of terms"))
        return ()
    return names


def build(model: Model, terms: tuple[Term, ...], theory: str = MARGINAL) -> Likelihood:
    """Assemble values and covariances; theory errors from the nuisances are computed once, here."""
    values = [term.data().values for term in terms]
    stops = np.cumsum([len(block) for block in values])
    slices = tuple((int(stop) - len(block), int(stop)) for stop, block in zip(stops, values))
    requests = parse(model, tuple(label for term in terms for label in term.predicted(model)))
    errors = _errors(total_covariance(terms, theory))
    return Likelihood(model, np.concatenate(values), *errors, make_tables(model, requests), terms, requests, slices)


@compiled
def _values(lik: Likelihood, params: dict[str, Any]) -> tuple[Array, Array]:
    """Predictions, and how each ended."""
    values = lik.evaluate(params)
    return values.value, values.status


def with_covariance(lik: Likelihood, covariance: np.ndarray) -> Likelihood:
    """The same data and predictions with other errors."""
    return eqx.tree_at(_gaussian, lik, (lik.values, *_errors(covariance)))


def _gaussian(lik: Likelihood) -> tuple[np.ndarray, ...]:
    return lik.values, lik.covariance, lik.whitening, lik.log_normalisation


def _errors(covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Covariance, whitening and normalisation."""
    whitening, log_normalisation = whiten(covariance)
    return covariance, whitening, np.asarray(log_normalisation)
