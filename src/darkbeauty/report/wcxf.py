"""Points of the `wet` model in the Wilson coefficient exchange format, for flavio, wilson and smelli (arXiv:1712.05298)."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown
from darkbeauty.models.wet import COEFFICIENTS

EFT, BASIS, SCALE = "WET", "flavio", 4.8
"""What the coefficients of `wet` are: new-physics shifts in flavio's basis at 4.8 GeV."""

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
    Path(path).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def read_wcxf(path: str | Path) -> dict[str, float | complex]:
    """The point in a WCxf file: {name: float, or complex if its imaginary part is given}.

    Errors   InputError listing every problem of the file: unreadable, another theory, basis or scale, coefficients `wet` does not have
             (those that are zero are passed over), values that are no numbers
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError([Problem(str(path), f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:
        raise InputError([Problem(str(path), f"malformed JSON: {error}")]) from error
    if not isinstance(data, dict):
        raise InputError([Problem(str(path), "is not a JSON object", ", ".join(_KEYS))])
    point, problems = _read_values(data.get("values"))
    found = [*_check_head(data), *problems]
    raise_if_any([dataclasses.replace(problem, path=f"{path}: {problem.path}") for problem in found])
    return point


def _check_head(data: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with theory, basis and scale."""
    problems = [unknown(key, "entry", key, _KEYS) for key in data if key not in _KEYS]
    for key, allowed in (("eft", EFT), ("basis", BASIS)):
        if data.get(key) != allowed:
            problems.append(Problem(key, f"unknown {key} {data[key]!r}" if key in data else "is missing", allowed))
    scale = data.get("scale")
    if not isinstance(scale, int | float) or not math.isclose(scale, SCALE, rel_tol=1e-9):
        message = f"scale {scale!r} GeV, and darkbeauty does not run coefficients" if "scale" in data else "is missing"
        problems.append(Problem("scale", message, f"{SCALE} (wilson's match_run takes a file there)"))
    return problems


def _read_values(values: Any) -> tuple[dict[str, float | complex], list[Problem]]:
    """The coefficients, and what is wrong with them."""
    if not isinstance(values, dict):
        return {}, [Problem("values", "is missing or not an object", '{"C9_bsmumu": -1.0, …}')]
    point: dict[str, float | complex] = {}
    problems = []
    for name, value in values.items():
        problem, number = _read_value(value, f"values.{name}")
        if problem:
            problems.append(problem)
        elif name in COEFFICIENTS:
            point[name] = number if isinstance(value, dict) and number.imag != 0.0 else number.real
        elif number != 0.0:
            problems.append(unknown(f"values.{name}", "coefficient", name, COEFFICIENTS))
    return point, problems


def _read_value(value: Any, where: str) -> tuple[Problem | None, complex]:
    """A number, or {"Re", "Im"} with either left out, as a complex number."""
    parts = (value.get("Re", 0.0), value.get("Im", 0.0)) if isinstance(value, Mapping) else (value, 0.0)
    known = not isinstance(value, Mapping) or (value and set(value) <= {"Re", "Im"})
    try:
        number = complex(parts[0]) + 1j * complex(parts[1])
    except (TypeError, ValueError):
        number = complex(math.nan)
    text = any(isinstance(part, str | bool) for part in parts)
    if not known or text or not (math.isfinite(number.real) and math.isfinite(number.imag)):
        return Problem(where, f"{value!r} is not a finite number", '-1.0 or {"Re": -1.0, "Im": 0.2}'), 0j
    return None, number
