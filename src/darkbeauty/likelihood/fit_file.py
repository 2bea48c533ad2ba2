"""A fit is data: one TOML file, validated whole before anything compiles."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import equinox as eqx
from pydantic import ConfigDict

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any, unknown
from darkbeauty.likelihood.build import Likelihood, choose_terms, likelihood
from darkbeauty.likelihood.covariance import CORRELATED, MARGINAL
from darkbeauty.likelihood.fit_schema import FitFile, SamplerSection, Section, TargetSection, read
from darkbeauty.likelihood.priors import KINDS, Prior
from darkbeauty.likelihood.terms import TERMS
from darkbeauty.models import MODELS, Model, resolve_model

LISTS = ("terms", "add", "drop")
SamplerCheck = Callable[[Mapping[str, Any], Any], list[Problem]]


class Fit(Section):
    """A validated fit: model with its fixed parameters, priors of the free ones, terms, sampler settings, and the text it came from."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    file: FitFile
    text: str
    path: str
    model: Model
    priors: dict[str, Prior]
    terms: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def sampler(self) -> SamplerSection:
        """Settings of the sampler."""
        return self.file.sampler

    @property
    def targets(self) -> TargetSection:
        """What a run must reach."""
        return self.file.targets

    @property
    def seed(self) -> int:
        return self.file.seed

    @property
    def theory(self) -> str:
        """What becomes of theory errors: marginal, correlated or sampled."""
        return self.file.likelihood.theory

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the free parameters, in the order of the file."""
        return tuple(self.priors)

    def likelihood(self) -> Likelihood:
        """The likelihood of the fit's terms, theory errors in its covariance: correlated ones where the fit samples them."""
        theory = MARGINAL if self.theory == MARGINAL else CORRELATED
        return likelihood(self.model, None, terms=self.terms, theory=theory)


def load_fit(path: str | Path, check: SamplerCheck = lambda settings, theory: []) -> Fit:
    """Read and validate a fit file.

    Args     check: what is wrong with the choice of a sampler, for theory errors of a kind: samplers are known higher up
    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), f"malformed TOML: {error}")]) from error
    return parse_fit(text, str(path), check)


def parse_fit(text: str, path: str, check: SamplerCheck = lambda settings, theory: []) -> Fit:
    """The fit that a text describes; `path` is what problems and the fit call it."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError([Problem(path, f"malformed TOML: {error}")]) from error
    file, problems = read(raw)
    given = raw if file is None else file.model_dump()
    model, priors, terms, more = _check(given, problems)
    more += check(_mapping(given.get("sampler")), _mapping(given.get("likelihood")).get("theory"))
    found = [dataclasses.replace(problem, path=f"{path}: {problem.path}") for problem in [*problems, *more]]
    raise_if_any(found)
    assert file is not None and model is not None
    return Fit(file=file, text=text, path=path, model=model, priors=priors, terms=terms)


def _check(
    raw: dict[str, Any], found: list[Problem]
) -> tuple[Model | None, dict[str, Prior], tuple[str, ...], list[Problem]]:
    """What a schema cannot see; also for files that failed the schema, as far as their parts can be read."""
    name = raw.get("model")
    if not isinstance(name, str):
        return None, {}, (), []
    if name not in MODELS:
        return None, {}, (), [unknown("model", "model", name, MODELS)]
    choices = {
        "convention": raw.get("convention", "canonical"),
        "extra_channels": tuple(_texts(raw.get("extra_channels")) or ()),
        "gstar": raw.get("gstar", "BORSANYI2016"),
    }
    problems: list[Problem] = []
    model = attempt(lambda: resolve_model(name, **choices), problems) or resolve_model(name)
    fixed, given = _mapping(raw.get("fixed")), _mapping(raw.get("priors"))
    priors, more = _priors(model, given)
    if not given:
        more.append(Problem("priors", "at least one free parameter is needed"))
    problems += more + _check_fixed(model, fixed, given) + _check_corners(model, fixed, priors)
    known = {
        key: value for key, value in fixed.items() if key in model.parameter_names() and isinstance(value, int | float)
    }
    if known:
        model = eqx.tree_at(
            lambda m: [getattr(m, k) for k in known], model, list(known.values()), is_leaf=lambda leaf: leaf is None
        )
    section = _mapping(raw.get("likelihood"))
    preset, *lists = section.get("preset"), *(_texts(section.get(name)) for name in LISTS)
    if not isinstance(preset, str | None) or any(section.get(n) and not l for n, l in zip(LISTS, lists)):
        return model, priors, (), problems  # the schema has complained
    terms, more = choose_terms(model, preset, lists[0], lists[1] or (), lists[2] or ())
    problems += _check_theory(section, terms)
    return model, priors, terms, problems + more


def _check_theory(section: dict[str, Any], terms: tuple[str, ...]) -> list[Problem]:
    """Terms that have no theory errors to be sampled."""
    known = [TERMS[name] for name in terms if name in TERMS]
    if section.get("theory") != "sampled" or not known or any(term.relative_theory is None for term in known):
        return []
    reason = "no term of the fit has theory errors from nuisances to be sampled"
    return [Problem("likelihood.theory", reason, "marginal")]


def _check_corners(model: Model, fixed: dict[str, Any], priors: dict[str, Prior]) -> list[Problem]:
    """What forbids every corner of the priors, e.g. an order of masses: then no point inside is allowed."""
    names = model.parameter_names()
    values = {name: fixed.get(name, getattr(model, name)) for name in names if name not in priors}
    ends = {name: priors[name].bounds for name in names if name in priors}
    corners = (dict(zip(ends, corner)) for corner in product(*ends.values()))
    found = [model.check_together({**dict.fromkeys(names), **values, **corner}, "") for corner in corners]
    if not all(found):
        return []
    place = lambda path: ("priors" if path[1:] in priors else "fixed") + path
    return [dataclasses.replace(problem, path=place(problem.path)) for problem in found[0]]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str] | None:
    """A list of texts, None for anything else."""
    return value if isinstance(value, list) and all(isinstance(entry, str) for entry in value) else None


def _priors(model: Model, given: dict[str, Any]) -> tuple[dict[str, Prior], list[Problem]]:
    domains = {parameter.name: parameter for parameter in model.parameters}
    priors, problems = {}, []
    for name, entry in given.items():
        place = f"priors.{name}"
        if name not in domains:
            problems.append(unknown(place, "parameter", name, domains))
            continue
        prior = _prior(entry)
        if prior is None:
            continue
        domain = domains[name]
        if prior.kind == "normal" and not domain.complex:
            prior = dataclasses.replace(prior, lower=domain.lower, upper=domain.upper)
        priors[name] = prior
        lower, upper = (prior.first, prior.first) if prior.kind == "normal" else prior.bounds
        if not prior.first < prior.second and prior.kind != "normal":
            problems.append(Problem(place, f"lower ({lower:g}) must be below upper ({upper:g})"))
        if prior.kind == "log_uniform" and lower <= 0.0:
            problems.append(Problem(f"{place}.lower", "a log_uniform prior needs a positive lower bound"))
        if not domain.complex and (lower < domain.lower or upper > domain.upper):
            what = f"mean {lower:g}" if prior.kind == "normal" else f"[{lower:g}, {upper:g}]"
            problems.append(Problem(place, f"{what} leaves the domain", f"{domain.lower:g} to {domain.upper:g}"))
    return priors, problems


def _prior(entry: Any) -> Prior | None:
    """A Prior from its table; None where the schema has already complained."""
    entry = _mapping(entry)
    keys = ("mean", "sigma") if entry.get("kind") == "normal" else ("lower", "upper")
    numbers = [entry.get(key) for key in keys]
    if entry.get("kind") not in KINDS or not all(isinstance(x, int | float) and math.isfinite(x) for x in numbers):
        return None
    if keys[1] == "sigma" and numbers[1] <= 0.0:
        return None
    return Prior(entry["kind"], *(float(x) for x in numbers))


def _check_fixed(model: Model, fixed: dict[str, Any], priors: dict[str, Any]) -> list[Problem]:
    problems = [Problem(f"fixed.{name}", "is also given a prior") for name in fixed if name in priors]
    numbers = {name: value for name, value in fixed.items() if isinstance(value, int | float)}
    free = {parameter.name for parameter in model.parameters if parameter.free}
    for problem in model.check(numbers, "fixed"):
        name = problem.path.removeprefix("fixed.")
        missing = name in free and name not in fixed
        if missing and name not in priors:
            problems.append(Problem("priors", f"parameter {name!r} has neither a prior nor a fixed value"))
        elif not missing:
            problems.append(problem)
    return problems
