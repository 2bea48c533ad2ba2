"""What the schema of a fit cannot see: whether model, priors, fixed values and terms fit together."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from darkbeauty.errors import Problem, attempt, unknown
from darkbeauty.likelihoods.build import check_relic, choose_terms, with_own
from darkbeauty.likelihoods.fit_schema import FitFile, LikelihoodSection, read_own
from darkbeauty.likelihoods.histfactory import histfactory_term
from darkbeauty.likelihoods.own_sections import own_sections
from darkbeauty.likelihoods.own_terms import term_of
from darkbeauty.likelihoods.priors import Prior, read_prior
from darkbeauty.likelihoods.term import Term
from darkbeauty.models import MODELS, Model, resolve_model
from darkbeauty.models.base import concrete
from darkbeauty.models.catalogue import CHOICES

CHOOSING = ("preset", "terms", "add", "drop", "histfactory", "own", "own_files")
"""Entries that say which terms there are."""
WHOLE_LINE = (-math.inf, math.inf)


def check_model(file: FitFile) -> tuple[Model | None, list[Problem]]:
    """The model by its name with its choices, or the object itself; of a name with wrong choices the model without them."""
    choices = file.choices
    problems: list[Problem] = []
    if isinstance(file.model, str) and file.model in MODELS:
        return attempt(lambda: resolve_model(file.model, **choices), problems) or resolve_model(file.model), problems
    if isinstance(file.model, str) and "." in file.model:
        reason = "is a model object of a class outside of the catalogue, which no text gives again"
        return None, [Problem("model", f"{file.model!r} {reason}", "the fit as it was made in Python")]
    model = attempt(lambda: resolve_model(file.model), problems)
    if model is not None:
        reason = "a model object has its own: it is a choice for models by name"
        problems += [Problem(name, reason) for name, value in choices.items() if value != CHOICES[name]]
    return model, problems


def check_priors(model: Model, given: Mapping[str, Any]) -> tuple[dict[str, Prior], list[Problem]]:
    """The priors, each within the domain of its parameter."""
    parameters = {parameter.name: parameter for parameter in model.parameters}
    priors, problems = {}, []
    if not given:
        problems.append(Problem("priors", "at least one free parameter is needed"))
    for name, entry in given.items():
        place = f"priors.{name}"
        if name not in parameters:
            problems.append(unknown(place, "parameter", name, parameters))
            continue
        parameter = parameters[name]
        prior, more = read_prior(entry, place, WHOLE_LINE if parameter.complex else (parameter.lower, parameter.upper))
        problems += more
        if prior is not None and not more:
            priors[name] = prior
    return priors, problems


def check_fixed(model: Model, fixed: Mapping[str, float], priors: Mapping[str, Any]) -> list[Problem]:
    """Fixed values inside of their domains, and every parameter either fixed or free."""
    problems = [Problem(f"fixed.{name}", "is also given a prior") for name in fixed if name in priors]
    needed = {parameter.name for parameter in model.parameters if parameter.free}
    for problem in model.check(fixed, "fixed"):
        name = problem.path.removeprefix("fixed.")
        missing = name in needed and name not in fixed
        if missing and name not in priors:
            problems.append(Problem("priors", f"parameter {name!r} has neither a prior nor a fixed value"))
        elif not missing:
            problems.append(problem)
    return problems


def check_conditions(model: Model, fixed: Mapping[str, float], priors: Mapping[str, Prior]) -> list[Problem]:
    """What forbids every corner of the priors, e.g. an order of masses: then no point inside is allowed."""
    place = lambda path: ("priors" if path[1:] in priors else "fixed") + path
    problems = []
    for condition in model.all_conditions:
        ends = {name: _ends(model, name, fixed, priors) for name in condition.names}
        corners = [dict(zip(ends, corner)) for corner in product(*ends.values())]
        if all(None not in corner.values() and not condition.holds(corner) for corner in corners):
            problem = condition.problem(corners[0], "")
            problems.append(dataclasses.replace(problem, path=place(problem.path)))
    return problems


def _ends(model: Model, name: str, fixed: Mapping[str, float], priors: Mapping[str, Prior]) -> tuple[Any, ...]:
    """Both ends of a free parameter, the value of a fixed one."""
    return priors[name].bounds if name in priors else (concrete(fixed.get(name, getattr(model, name))),)


def check_terms(
    model: Model, file: FitFile, failed: frozenset[str], folder: Path
) -> tuple[tuple[str, ...], dict[str, Term], list[Problem]]:
    """Names of the fit's terms, those that are its own, and what is wrong with them or with their theory errors; nothing where the schema has complained
    about these. folder: where the fit's files are."""
    section = file.likelihood
    if failed & {"likelihood", *(f"likelihood.{name}" for name in CHOOSING)}:
        return (), {}, []
    own, problems = own_terms(section, folder)
    if section.preset is not None and section.terms is not None:
        problems.append(
            Problem(
                "likelihood.preset",
                "is given beside terms: one of the two chooses the terms, `add` and `drop` change them",
            )
        )
    brings = section.histfactory or section.own or section.own_files
    alone = section.terms is None and section.preset is None and brings
    if problems and alone and not own:
        return (), {}, problems
    listed = [] if alone else section.terms
    terms, more = choose_terms(model, section.preset, listed, [*section.add, *own], section.drop, own=own)
    known = [term for name in terms if (term := with_own(own).get(name)) is not None]
    return terms, own, problems + more + _check_theory(file, known) + check_relic(section.relic, known)


def own_terms(section: LikelihoodSection, folder: Path) -> tuple[dict[str, Term], list[Problem]]:
    """The terms that the fit brings, by name."""
    own: dict[str, Term] = {}
    problems: list[Problem] = []
    for path, name, make in _makers(section, folder, problems):
        term = attempt(make, problems)
        if name in own:
            problems.append(Problem(f"{path}.name", f"there are two terms {name!r}"))
        if term is not None:
            own[name] = term
    return own, problems


def _makers(
    section: LikelihoodSection, folder: Path, problems: list[Problem]
) -> Iterator[tuple[str, str, Callable[[], Term]]]:
    """Place, name, and how to make every term that the fit brings."""
    for place, entry in enumerate(section.histfactory):
        path = f"likelihood.histfactory.{place}"
        yield path, entry.name, partial(histfactory_term, **dict(entry), path=path)
    for place, entry in enumerate(section.own):
        path = f"likelihood.own.{place}"
        own = attempt(partial(read_own, entry, path), problems)
        if own is not None:
            yield path, own.name, partial(term_of, own, path, folder)
    for name in section.own_files:
        file = folder / name
        for place, entry in enumerate(attempt(partial(own_sections, file), problems) or ()):
            path = f"{file}: own.{place}"
            yield path, entry.name, partial(term_of, entry, path, file.parent)


def _check_theory(file: FitFile, known: Sequence[Term]) -> list[Problem]:
    """What sampled theory errors cannot be combined with."""
    if file.likelihood.theory != "sampled":
        return []
    problems = []
    if known and all(term.relative_theory is not None for term in known):
        reason = "no term of the fit has theory errors from nuisances to be sampled"
        problems.append(Problem("likelihood.theory", reason, "marginal"))
    return problems


def with_values(model: Model, values: Mapping[str, float]) -> Model:
    """The model with some of its parameters set, unchecked."""
    known = {name: float(value) for name, value in values.items() if name in model.parameter_names()}
    return model.opened(known).with_values(known) if known else model
