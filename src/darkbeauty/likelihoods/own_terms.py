"""Terms of one's own: a number, a limit, correlated numbers, a table of −2 ln L, or a function; from Python, from a fit file, from files beside it."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.inputs.measurements import Measurement
from darkbeauty.likelihoods.fit_schema import LikelihoodSection, OwnSection, read_own
from darkbeauty.likelihoods.function_part import FunctionPart
from darkbeauty.likelihoods.likelihood_table import LikelihoodTable
from darkbeauty.likelihoods.limit_terms import z_score
from darkbeauty.likelihoods.own_checks import axes_of, kind_of, labels_of, problems_of, theory_problems
from darkbeauty.likelihoods.own_files import matrix_of, numbers_of, table_of
from darkbeauty.likelihoods.part import Part
from darkbeauty.likelihoods.split_normal import SplitNormal
from darkbeauty.likelihoods.term import GaussianTerm, Term
from darkbeauty.likelihoods.theory import theory_covariance
from darkbeauty.models import Model


@dataclass(frozen=True)
class OwnGaussian(GaussianTerm):
    """Numbers of one's own, one part with all other measured numbers. section: what it was made of, files read."""

    section: OwnSection = field(compare=False)

    @property
    def fingerprint(self) -> str:
        """Of its numbers."""
        return fingerprint_of(self.section)

    def with_relic(self, method: str) -> Term:
        """Of a relic density alone, as that of the package; else another observable in the same place."""
        return super().with_relic(method) if self.observables == ("Omega_h2",) else Term.with_relic(self, method)


@dataclass(frozen=True)
class OwnTerm(Term):
    """A term of one's own that is no Gaussian: make() → its part; section: as there."""

    make: Callable[[], Part] = field(compare=False)
    section: OwnSection = field(compare=False)

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(self.section.references)

    @property
    def fingerprint(self) -> str:
        """Of its numbers, or of the code of its function."""
        return fingerprint_of(self.section)

    @property
    def simulated(self) -> bool:
        return self.section.function is None or self.section.simulate is not None

    def part(self, model: Model) -> Part:
        return self.make()


def own_term(name: str, **entries: Any) -> Term:
    """A term of one's own, for `terms` and `add` of `darkbeauty.Fit` and `darkbeauty.likelihood`.

    Args     observable, or observables: names, or arithmetic of names; and of one kind
             value, error (symmetric, or [up, down]) · limit, cl · values, errors [, correlation], or covariance, or file [, correlation_file] ·
             axes, minus_two_log_l, or table_file [, interpolation "cubic" or "linear"] · function (of predictions [, data] → log L) [, data, simulate, largest];
             theory: error as a fraction of the value (if not given, from hadronic and CKM inputs); about, references, dataset, independent_of
    Errors   InputError with everything that is wrong
    """
    path = f"own_term {name!r}"
    return term_of(read_own({"name": name, **entries}, path), path)


def term_of(section: OwnSection, path: str, folder: Path = Path()) -> Term:
    """The term of a section; `path` is what its problems begin with, `folder` where its files are.

    Errors   InputError with everything that is wrong
    """
    section = with_files(section, path, folder)
    problems = problems_of(section, path) or theory_problems(section, path)
    raise_if_any(problems)
    return MAKERS[kind_of(section)](section, path)


def with_files(section: OwnSection, path: str, folder: Path) -> OwnSection:
    """A section with the numbers of its files in their place.

    Errors   InputError with the problems of every file, and entries that would be given twice
    """
    problems: list[Problem] = []
    place = lambda name: f"{path}.{name}: {getattr(section, name)}"
    at = lambda name: folder / str(getattr(section, name))
    more: dict[str, Any] = {}
    if section.file is not None:
        more |= attempt(lambda: numbers_of(at("file"), section.observable, place("file")), problems) or {}
    if section.correlation_file is not None:
        matrix = attempt(lambda: matrix_of(at("correlation_file"), place("correlation_file")), problems)
        more["correlation"] = matrix
    if section.table_file is not None:
        more |= attempt(lambda: table_of(at("table_file"), place("table_file")), problems) or {}
    twice = [name for name in more if getattr(section, name) is not None]
    problems += [Problem(f"{path}.{name}", "is given, and a file has it") for name in twice]
    raise_if_any(problems)
    gone = {"file": None, "correlation_file": None, "table_file": None}
    if section.file is not None:
        gone["observable"] = None
    return section.model_copy(update={**gone, **more})


def has_files(section: LikelihoodSection) -> bool:
    """Whether terms of a fit's own are in files."""
    names = ("file", "correlation_file", "table_file")
    tables = [own if isinstance(own, Mapping) else vars(own) for own in section.own]
    return bool(section.own_files) or any(own.get(name) is not None for own in tables for name in names)


def with_terms_in_place(section: dict[str, Any]) -> dict[str, Any]:
    """The likelihood of a fit with the terms that stand among names as sections of its own.

    Errors   InputError for terms that a fit takes otherwise
    """
    given = [term for name in ("terms", "add") for term in _listed(section[name]) if isinstance(term, Term)]
    foreign = [term.name for term in given if not isinstance(term, OwnGaussian | OwnTerm)]
    words = "is no term of one's own: a fit takes it by its name, and counts by `histfactory`"
    raise_if_any([Problem("likelihood.terms", f"{name!r} {words}") for name in foreign])
    without = lambda names: [name for name in names if not isinstance(name, Term)]
    places = {name: without(section[name]) for name in ("terms", "add") if _listed(section[name])}
    own = [term.section for term in given if isinstance(term, OwnGaussian | OwnTerm)]
    return {**section, **places, "own": [*section["own"], *own]}


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else []


def entries_of(section: OwnSection) -> dict[str, Any]:
    """What a fit file says of a term: entries that were given; functions by their names."""
    given = {name: value for name, value in section if value is not None and value != []}
    return {name: _plain(value) for name, value in given.items() if value != ""}


def unnamed(section: OwnSection) -> bool:
    """Whether a text cannot give it again: its function has no module that others can import."""
    return any(callable(f) and not _is_importable(f) for f in (section.function, section.simulate))


def fingerprint_of(section: OwnSection) -> str:
    """Of everything that log L depends on."""
    entries = {name: value for name, value in entries_of(section).items() if name not in ("about", "references")}
    code = [_code(f) for f in (section.function, section.simulate) if f is not None]
    return hashlib.sha256(json.dumps([entries, code], sort_keys=True).encode()).hexdigest()


def _measured(section: OwnSection, values: np.ndarray, covariance: np.ndarray, theory: float | None) -> OwnGaussian:
    """Numbers with a covariance."""
    labels, size = labels_of(section), len(values)
    references, dataset = tuple(section.references), tuple(section.dataset)
    blank = {"excluded": ("",) * size, "limits": (None,) * size, "dataset": dataset}
    data = Measurement(section.name, references, "", "current", labels, values, covariance, **blank)
    own = (section.about or _about(section), dataset, tuple(section.independent_of), theory)
    return OwnGaussian(section.name, section.name, labels, *own, lambda: data, section)


def _about(section: OwnSection) -> str:
    return f"own term: {', '.join(labels_of(section))}"


def _own(section: OwnSection, make: Callable[[], Part]) -> OwnTerm:
    own = (section.about or _about(section), tuple(section.dataset), tuple(section.independent_of), 0.0)
    return OwnTerm(section.name, section.name, labels_of(section), *own, make, section)


def _value(section: OwnSection, path: str) -> Term:
    assert section.value is not None
    if not isinstance(section.error, list | tuple) or len(section.error) == 1:
        error = float(np.ravel(section.error)[0])
        return _measured(section, np.array([section.value]), np.array([[error**2]]), section.theory)
    value, (up, down) = section.value, map(float, section.error)

    def make() -> SplitNormal:
        if section.theory is None:
            theory = float(np.sqrt(theory_covariance(labels_of(section))[0, 0]))
        else:
            theory = section.theory * abs(value)
        return SplitNormal.of(value, up, down, theory)

    return _own(section, make)


def _limit(section: OwnSection, path: str) -> Term:
    """The half-normal of a strength (`limit_terms`): 0 ± limit/Φ⁻¹((1 + CL)/2)."""
    assert section.limit is not None and section.cl is not None
    sigma = section.limit / z_score(section.cl)
    return _measured(section, np.zeros(1), np.array([[sigma**2]]), 0.0)


def _values(section: OwnSection, path: str) -> Term:
    assert section.values is not None
    if section.covariance is not None:
        covariance = np.array(section.covariance)
    else:
        errors = np.array(section.errors)
        correlation = np.eye(len(errors)) if section.correlation is None else np.array(section.correlation)
        covariance = correlation * np.outer(errors, errors)
    return _measured(section, np.array(section.values), 0.5 * (covariance + covariance.T), section.theory)


def _table(section: OwnSection, path: str) -> Term:
    size = len(labels_of(section))
    axes = [np.array(axis, float) for axis in axes_of(section.axes, size)]
    table, method = np.array(section.minus_two_log_l, float), section.interpolation or "cubic"
    return _own(section, lambda: LikelihoodTable.of(axes, table, method))


def _function(section: OwnSection, path: str) -> Term:
    problems: list[Problem] = []
    function = attempt(lambda: imported(section.function, f"{path}.function"), problems)
    simulate = attempt(lambda: imported(section.simulate, f"{path}.simulate"), problems)
    raise_if_any(problems)
    data, size = np.array(section.data or [], float), len(labels_of(section))
    part = FunctionPart(data, np.asarray(section.largest or 0.0), function, simulate)
    try:
        slope = jax.eval_shape(jax.grad(part.log_prob_at), jnp.ones(size))
        assert slope.shape == (size,)
    except Exception as error:  # of any class: it is the user's code
        words = f"cannot be traced by JAX on {size} predictions: {type(error).__name__}: {error}"
        raise InputError([Problem(f"{path}.function", words, "(predictions[, data]) → log L")]) from error
    return _own(section, lambda: part)


MAKERS: dict[str, Callable[[OwnSection, str], Term]] = {
    "value": _value,
    "limit": _limit,
    "values": _values,
    "minus_two_log_l": _table,
    "function": _function,
}


def imported(function: Any, path: str) -> Any:
    """A function, or the one that "module:name" says.

    Errors   InputError where there is none
    """
    if function is None or callable(function):
        return function
    module, colon, name = str(function).partition(":")
    if not (isinstance(function, str) and colon and module != "__main__" and "<" not in name):
        reason = "is no function that can be imported" if isinstance(function, str) else "is no function"
        raise InputError(
            [Problem(path, f"{function!r} {reason}", "'module:function', or the fit as it was made in Python")]
        )
    try:
        value = resolve_name(function)
    except Exception as error:  # whatever the module raises
        raise InputError([Problem(path, f"{function!r} cannot be imported: {error}")]) from error
    if not callable(value):
        raise InputError([Problem(path, f"{function!r} is no function")])
    return value


def _is_importable(function: Callable) -> bool:
    try:
        return imported(_name_of(function), "") is function
    except InputError:
        return False


def _name_of(function: Any) -> str:
    return f"{getattr(function, '__module__', '__main__')}:{getattr(function, '__qualname__', type(function).__name__)}"


def _code(function: Any) -> str:
    try:
        return inspect.getsource(imported(function, ""))
    except (OSError, TypeError):  # typed into an interpreter, or an object that can be called
        return "unknown"


def _plain(value: Any) -> Any:
    """Numbers and lists as a text has them."""
    if callable(value):
        return _name_of(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value
