"""Points of the `wet` model in the Wilson coefficient exchange format, for flavio, wilson and smelli (arXiv:1712.05298)."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown
from darkbeauty.files import read_bytes, unwritable, write_atomically
from darkbeauty.models.wet import COEFFICIENTS

EFT, BASIS, SCALE = "WET", "flavio", 4.8
"""What the coefficients of `wet` are: new-physics shifts in flavio's basis at 4.8 GeV."""

NOISE = 1e-10
"""Part of the largest coefficient that is rounding."""
SIZEABLE = 1e-4
"""Size of a b → s coefficient from which on it cannot be passed over: a tenth of a percent of C10 in B_s → μμ, for scalar ones."""
MIXING = 1e-14
"""The same for B_s mixing, in GeV⁻²."""
OPERATORS = frozenset(
    [
        "C7",
        "C7p",
        "C8",
        "C8p",
        "C9",
        "C9p",
        "C10",
        "C10p",
        "CS",
        "CSp",
        "CP",
        "CPp",
        "CL",
        "CR",
        "CG",
        "CGtilde",
        "Cgamma",
        "CVL",
        "CVR",
        "CSL",
        "CSR",
        "CT",
        "CVLL",
        "CVLR",
        "CVRL",
        "CVRR",
        "CSLL",
        "CSLR",
        "CSRL",
        "CSRR",
        "CTLL",
        "CTRR",
        "CVLLt",
        "CVLRt",
        "CVRLt",
        "CVRRt",
        "CSLLt",
        "CSLRt",
        "CSRLt",
        "CSRRt",
        "CTLLt",
        "CTRRt",
        "CV1LL",
        "CV1LR",
        "CV1RR",
        "CV8LL",
        "CV8LR",
        "CV8RR",
        "CS1RR",
        "CS8RR",
    ]
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
    """The point in a WCxf file, JSON or YAML: {name: float, or complex if its imaginary part is given}.

    What no observable here uses is passed over and counted in one line of the log, and so is what other b → s coefficients have below SIZEABLE; parts
    below NOISE of the largest coefficient are rounding of the program that ran them, and 0.
    Errors   InputError listing every problem of the file: unreadable, another theory, basis or scale, names that WET does not have, b → s coefficients
             of size that `wet` does not have, values that are no numbers
    """
    data = _load(Path(path))
    if not isinstance(data, dict):
        raise InputError([Problem(str(path), "is not an object of entries by name", ", ".join(_KEYS))])
    values, problems = _read_values(data.get("values"))
    all_problems = [*_check_head(data), *problems]
    raise_if_any([dataclasses.replace(problem, path=f"{path}: {problem.path}") for problem in all_problems])
    ours = {name: value for name, value in values.items() if name in COEFFICIENTS}
    if others := sum(value != 0.0 for name, value in values.items() if name not in ours):
        LOG.warning("%s: %d coefficients that no observable here uses, or that are tiny, are passed over", path, others)
    return without_noise(ours)


def without_noise(values: Mapping[str, complex]) -> dict[str, float | complex]:
    """Coefficients without rounding noise: real where the imaginary part is no more than that, and none that is no more itself."""
    least = NOISE * max(map(abs, values.values()), default=0.0)
    clean = lambda part: part if abs(part) > least else 0.0
    parts = {name: complex(clean(value.real), clean(value.imag)) for name, value in values.items()}
    return {
        name: part if part.imag != 0.0 else part.real for name, part in parts.items() if part or values[name] == 0.0
    }


def _load(path: Path) -> Any:
    """JSON or YAML, in any encoding of Unicode, with or without a byte-order mark."""
    content = read_bytes(path)
    kind = "YAML"
    try:
        text = content.decode(json.detect_encoding(content))
        kind = "JSON" if text.lstrip().startswith(("{", "[")) else kind
        return json.loads(text) if kind == "JSON" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError([Problem(str(path), f"malformed {kind}: {error}")]) from error


def _check_head(data: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with theory, basis and scale."""
    problems = [unknown(key, "entry", key, _KEYS) for key in data if key not in _KEYS]
    for key, allowed in (("eft", EFT), ("basis", BASIS)):
        if data.get(key) != allowed:
            problems.append(Problem(key, f"unknown {key} {data[key]!r}" if key in data else "is missing", allowed))
    scale, low, high = data.get("scale"), SCALE * (1.0 - 1e-9), SCALE * (1.0 + 1e-9)
    if not isinstance(scale, int | float) or not low <= scale <= high:
        message = f"scale {scale!r} GeV, and darkbeauty does not run coefficients" if "scale" in data else "is missing"
        problems.append(Problem("scale", message, f"{SCALE} (wilson's match_run takes a file there)"))
    return problems


def _read_values(values: Any) -> tuple[dict[str, complex], list[Problem]]:
    """The coefficients, and what is wrong with them."""
    if not isinstance(values, dict):
        return {}, [Problem("values", "is missing or not an object", '{"C9_bsmumu": -1.0, …}')]
    point: dict[str, complex] = {}
    problems = []
    for name, value in values.items():
        problem, point[name] = _read_value(value, f"values.{name}")
        if problem is None and point[name] != 0.0 and name not in COEFFICIENTS:
            problem = _check_other(str(name), abs(point[name]))
        problems += [problem] if problem else []
    return point, problems


def _check_other(name: str, size: float) -> Problem | None:
    """What is wrong with a coefficient, not zero, that `wet` does not have."""
    operator, _, text = name.partition("_")
    flavours = _FLAVOUR.findall(text)
    if operator not in OPERATORS or "".join(flavours) != text or len(flavours) not in _LEGS.get(operator, (2, 4)):
        return unknown(f"values.{name}", "coefficient", name, COEFFICIENTS)
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
    if not known or text or not (math.isfinite(number.real) and math.isfinite(number.imag)):
        return Problem(where, f"{value!r} is not a finite number", '-1.0 or {"Re": -1.0, "Im": 0.2}'), 0j
    return None, number
