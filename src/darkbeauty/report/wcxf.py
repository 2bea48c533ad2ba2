"""Points of an effective theory in the Wilson coefficient exchange format (arXiv:1712.05298), as points of the `wet` model."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any, unknown
from darkbeauty.files import unwritable, write_atomically
from darkbeauty.inputs import load_sm
from darkbeauty.models.wet import COEFFICIENTS
from darkbeauty.models.wilson_map import (
    SCALE,
    Origin,
    coefficient_problems,
    coefficients,
    origin_problems,
    translated,
)
from darkbeauty.report.unique_names import load

EFT, BASIS = "WET", "flavio"
"""What the coefficients of `wet` are: new-physics shifts in flavio's basis at 4.8 GeV."""

NOISE = 1e-10
"""Part of the largest coefficient that is rounding."""
SIZEABLE = 1e-4
"""Size of a b → s coefficient from which on it cannot be passed over: a tenth of a percent of C10 in B_s → μμ, for scalar ones."""
MIXING = 1e-14
"""The same for B_s mixing, in GeV⁻²."""
LARGEST = 1e100
"""No scale and no coefficient that makes sense is so large."""
OPERATORS = frozenset(
    name
    for names in (
        "C7 C7p C8 C8p C9 C9p C10 C10p CS CSp CP CPp CL CR CG CGtilde Cgamma CVL CVR CSL CSR CT",
        "CVLL CVLR CVRL CVRR CSLL CSLR CSRL CSRR CTLL CTRR CVLLt CVLRt CVRLt CVRRt CSLLt CSLRt CSRLt CSRRt CTLLt CTRRt",
        "CV1LL CV1LR CV1RR CV8LL CV8LR CV8RR CS1RR CS8RR",
    )
    for name in names.split()
)
"""What a coefficient's name begins with in flavio's WET basis."""
LOG = logging.getLogger("darkbeauty")
_FLAVOUR = re.compile(r"nu(?:e|mu|tau)|mu|tau|e|[udscb]")
_LEGS = {"CG": (0,), "CGtilde": (0,)}
_KEYS = ("eft", "basis", "scale", "values", "metadata")


def write_wcxf(point: Mapping[str, complex], path: str | Path) -> None:
    """Write a point of the `wet` model as WCxf JSON; names are the same there and here, complex values become {"Re", "Im"}.

    Errors   InputError listing every unknown coefficient and every value that is not a finite number
    """
    values, problems = {}, []
    for name, value in point.items():
        problem, number = _read_value(value, f"point.{name}")
        problems += [problem] if problem else []
        problems += [] if name in COEFFICIENTS else [unknown(f"point.{name}", "parameter", name, COEFFICIENTS)]
        values[name] = number.real if number.imag == 0.0 else {"Re": number.real, "Im": number.imag}
    raise_if_any(problems)
    data = {"eft": EFT, "basis": BASIS, "scale": SCALE, "metadata": {"generator": "darkbeauty"}, "values": values}
    try:
        write_atomically(Path(path), (json.dumps(data, indent=2) + "\n").encode())
    except OSError as error:
        raise InputError([unwritable(path, error)]) from error


def read_wcxf(path: str | Path) -> dict[str, float | complex]:
    """The point of `wet` that a WCxf file is, JSON or YAML: {name: float, or complex if its imaginary part is given}.

    WET in any basis and SMEFT in the Warsaw basis, at any scale, come to 4.8 GeV by the linear maps of `wilson_map`. What no observable here uses is passed over and
    counted in one line of the log, and so is what other b → s coefficients have below SIZEABLE; parts below NOISE of the largest coefficient are rounding of the program that
    ran them, and 0.
    Errors   InputError listing every problem of the file: unreadable, names given twice, a theory, basis or scale that cannot be translated, names that the basis does not have,
             values that are no numbers, complex ones of real coefficients; then b → s coefficients of size that `wet` does not have
    """
    data = load(Path(path))
    if not isinstance(data, dict):
        raise InputError([Problem(str(path), "is not an object of entries by name", ", ".join(_KEYS))])
    origin, problems = _read_head(data)
    given, more = _read_values(data.get("values"))
    problems += [*more, *(_check_names(origin, given) if origin and not more else [])]
    raise_if_any([_of_file(path, problem) for problem in problems])
    assert origin is not None
    values = given if origin.is_here else without_noise(translated(origin, given, load_sm()))
    others = {name: abs(value) for name, value in values.items() if value != 0.0 and name not in COEFFICIENTS}
    raise_if_any([_of_file(path, p) for name, size in others.items() if (p := _check_other(str(name), size))])
    if others:
        words = "%s: %d coefficients that no observable here uses, or that are tiny, are passed over"
        LOG.warning(words, path, len(others))
    return without_noise({name: value for name, value in values.items() if name in COEFFICIENTS})


def _of_file(path: str | Path, problem: Problem) -> Problem:
    return dataclasses.replace(problem, path=f"{path}: {problem.path}")


def without_noise(values: Mapping[str, complex]) -> dict[str, float | complex]:
    """Coefficients without rounding noise: real where the imaginary part is no more than that, and none that is no more itself."""
    least = NOISE * max(map(abs, values.values()), default=0.0)
    clean = lambda part: part if abs(part) > least else 0.0
    parts = {name: complex(clean(value.real), clean(value.imag)) for name, value in values.items()}
    return {
        name: part if part.imag != 0.0 else part.real for name, part in parts.items() if part or values[name] == 0.0
    }


def _read_head(data: Mapping[str, Any]) -> tuple[Origin | None, list[Problem]]:
    """Theory, basis and scale, and what is wrong with them."""
    problems = [unknown(str(key), "entry", str(key), _KEYS) for key in data if key not in _KEYS]
    missing = [key for key in ("eft", "basis", "scale") if key not in data]
    if missing:
        return None, [*problems, *(Problem(key, "is missing") for key in missing)]
    eft, basis, scale = data["eft"], data["basis"], data["scale"]
    number = isinstance(scale, int | float) and not isinstance(scale, bool) and 0.0 < scale < LARGEST
    if number and isinstance(eft, str) and isinstance(basis, str) and Origin(eft, basis, scale).is_here:
        return Origin(eft, basis, SCALE), problems
    wrong = origin_problems(eft, basis, scale)
    return (None, [*problems, *wrong]) if wrong else (Origin(eft, basis, float(scale)), problems)


def _check_names(origin: Origin, values: Mapping[str, complex]) -> list[Problem]:
    """Coefficients that are not in the basis, and complex ones that are real there."""
    if origin.is_here:
        return [problem for name in values if (problem := _check_name(str(name)))]
    problems: list[Problem] = []
    real = attempt(lambda: coefficients(origin.eft, origin.basis), problems) or {}
    problems += [] if problems else coefficient_problems(origin, values, "values")
    complex_ones = [name for name, value in values.items() if real.get(name) and value.imag != 0.0]
    return problems + [Problem(f"values.{name}", "is real by definition", "a real number") for name in complex_ones]


def _read_values(values: Any) -> tuple[dict[str, complex], list[Problem]]:
    """The coefficients, and what is wrong with them."""
    if not isinstance(values, dict):
        return {}, [Problem("values", "is missing or not an object", '{"C9_bsmumu": -1.0, …}')]
    point: dict[str, complex] = {}
    problems = []
    for name, value in values.items():
        problem, point[name] = _read_value(value, f"values.{name}")
        problems += [problem] if problem else []
    return point, problems


def _check_name(name: str) -> Problem | None:
    """A name that is none in flavio's basis."""
    operator, _, text = name.partition("_")
    flavours = _FLAVOUR.findall(text)
    if operator in OPERATORS and "".join(flavours) == text and len(flavours) in _LEGS.get(operator, (2, 4)):
        return None
    return unknown(f"values.{name}", "coefficient", name, COEFFICIENTS)


def _check_other(name: str, size: float) -> Problem | None:
    """What is wrong with a coefficient, not zero, that `wet` does not have."""
    flavours = _FLAVOUR.findall(name.partition("_")[2])
    changed, rest = flavours[:2], flavours[2:]
    violating = len({*rest} & {"e", "mu", "tau"}) == 2
    least = MIXING if rest == changed else SIZEABLE
    if changed != ["b", "s"] or violating or size < least:
        return None
    message = (
        f"|C| = {size:.3g} of a b → s coefficient that changes what observables here are, and that `wet` does not have"
    )
    return Problem(f"values.{name}", message, f"below {least:g}, which is passed over")


def _read_value(value: Any, where: str) -> tuple[Problem | None, complex]:
    """A number, or {"Re", "Im"} with either left out, as a complex number."""
    parts = (value.get("Re", 0.0), value.get("Im", 0.0)) if isinstance(value, Mapping) else (value, 0.0)
    known = not isinstance(value, Mapping) or (value and set(value) <= {"Re", "Im"})
    try:
        number = complex(parts[0]) + 1j * complex(parts[1])
    except (TypeError, ValueError, OverflowError):
        number = complex(math.nan)
    text = any(isinstance(part, str | bool) for part in parts)
    if not known or text or not max(abs(number.real), abs(number.imag)) < LARGEST:
        return Problem(where, f"{value!r} is not a finite number", '-1.0 or {"Re": -1.0, "Im": 0.2}'), 0j
    return None, number
