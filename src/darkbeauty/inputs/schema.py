"""Plain data against frozen dataclasses: unknown and missing keys, wrong types and numbers that are none, all of them at once.

Strict as pydantic is where a fit is read; written out because importing pydantic takes longer than reading all the data at the start of every prediction.
"""

from __future__ import annotations

import dataclasses
import math
import types
from datetime import date
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin

from darkbeauty.errors import Problem, unknown

WORDS = {
    float: "a finite number",
    int: "an integer",
    str: "a text",
    bool: "true or false",
    date: "a date, like 2026-11-28",
}


def checked(kind: Any, raw: Any, path: str, problems: list[Problem]) -> Any:
    """`raw` as `kind`: a dataclass, tuple[X, …], dict[str, X], X | Y, Literal, float, int, str, bool or date; None, with problems added, where it is not."""
    if dataclasses.is_dataclass(kind):
        return _block(kind, raw, path, problems)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _either(inner, raw, path, problems)
    if origin is tuple and isinstance(raw, list):
        return tuple(checked(inner[0], item, f"{path}[{i}]", problems) for i, item in enumerate(raw))
    if origin is dict and isinstance(raw, dict):
        return {key: checked(inner[1], item, f"{path}.{key}", problems) for key, item in raw.items()}
    if origin is Literal and raw in inner:
        return raw
    if kind is float and type(raw) in (int, float) and math.isfinite(raw):
        return float(raw)
    if kind in (int, str, bool, date) and type(raw) is kind:
        return raw
    problems.append(Problem(path, f"{_short(raw)} is not {describe(kind)}"))
    return None


def describe(kind: Any) -> str:
    """A type in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(describe, inner))
    if origin is Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin is tuple:
        return f"a list, each {describe(inner[0])}"
    return "a table" if origin is dict or dataclasses.is_dataclass(kind) else WORDS[kind]


@lru_cache(maxsize=32)
def _fields(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Field → (type, whether it must be given)."""
    needed = lambda field: field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return {field.name: (field.type, needed(field)) for field in dataclasses.fields(kind)}


def _block(kind: Any, raw: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(raw, dict):
        problems.append(Problem(path, f"{_short(raw)} is not a table"))
        return None
    fields, before = _fields(kind), len(problems)
    problems += [unknown(f"{path}.{key}", "key", key, fields) for key in raw if key not in fields]
    problems += [
        Problem(path, f"{name!r} is missing") for name, (_, needed) in fields.items() if needed and name not in raw
    ]
    values = {
        name: checked(fields[name][0], value, f"{path}.{name}", problems)
        for name, value in raw.items()
        if name in fields
    }
    return kind(**values) if len(problems) == before else None


def _either(kinds: tuple[Any, ...], raw: Any, path: str, problems: list[Problem]) -> Any:
    """The first of several types that fits; None is what stands for a key that is not given, nothing that a file can say."""
    kinds = tuple(kind for kind in kinds if kind is not types.NoneType)
    if len(kinds) == 1:
        return checked(kinds[0], raw, path, problems)
    for kind in kinds:
        trouble: list[Problem] = []
        value = checked(kind, raw, path, trouble)
        if not trouble:
            return value
    problems.append(Problem(path, f"{_short(raw)} is not {' or '.join(map(describe, kinds))}"))
    return None


def _short(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}…"
