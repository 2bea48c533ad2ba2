"""What the docstrings behind an observable say: formulas, and what is left out."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, ModuleType

from darkbeauty.models import Model
from darkbeauty.observables import Observable
from darkbeauty.observables.entry import field, item, itself

ROOMS = ("flavour", "dark", "leptonic", "models")
DEPTH, FORMULA_SIGNS = 3, "=∝√∫Σ"
_LABELS = "Args|Domain|Accuracy|Omits|Omitted|Returns|Errors"
_LIMITS = re.compile(rf"\b(Omits|Omitted:|Accuracy)\s+(.*?)(?=\n\s*\n|\n\s*(?:{_LABELS})\b|\Z)", re.DOTALL)


def formulas(observable: Observable, model: Model) -> list[tuple[str, str]]:
    """(place, docstring) of what computes an observable, where there is a formula in it; last, how its results are combined."""
    found = [(place, text) for place, text in _behind(observable, model) if any(sign in text for sign in FORMULA_SIGNS)]
    public = [(place, text) for place, text in found if not place.rsplit(".", 1)[-1].startswith("_")]
    combine = observable.combine.func if isinstance(observable.combine, partial) else observable.combine
    last = [] if combine in (itself, item, field) else [(_place(combine.__module__), inspect.getdoc(combine) or "")]
    return [*dict.fromkeys(public), *last]


def left_out(observable: Observable, model: Model) -> list[tuple[str, str]]:
    """("Omits" or "Accuracy", what it says) of every docstring behind an observable."""
    lines = []
    for _, text in _behind(observable, model):
        for label, words in _LIMITS.findall(text):
            lines.append((label.replace("Omitted:", "Omits"), " ".join(words.split())))
    return list(dict.fromkeys(lines))


def _behind(observable: Observable, model: Model) -> Iterator[tuple[str, str]]:
    """Docstrings of a model-independent computation and what it calls in its own file, to a depth of DEPTH, its file's first."""
    seen: set[str] = set()
    for source in observable.sources:
        for start in _entrances(source.function, model):
            module = sys.modules[start.__module__]
            if module.__name__ not in seen and module.__doc__:
                seen.add(module.__name__)
                yield _place(module.__name__), inspect.cleandoc(module.__doc__)
            for function in _calls(start, DEPTH, type(model)):
                name = f"{function.__module__}.{function.__qualname__}"
                if name not in seen and function.__doc__:
                    seen.add(name)
                    yield _place(name), inspect.getdoc(function) or ""


def _entrances(function: Callable, model: Model) -> list[Callable]:
    """The function itself, or what a row's small wrapper calls in a room of physics or as a method of the model."""
    if function.__module__.split(".")[1] in ROOMS:
        return [function]
    names = list(_names(function.__code__))
    modules = [one for one in (function.__globals__.get(name) for name in names) if isinstance(one, ModuleType)]
    found = [getattr(module, name, None) for module in modules for name in names]
    found += [getattr(type(model), name, None) for name in names]
    return [one for one in found if inspect.isfunction(one)] or [function]


def _calls(function: Callable, depth: int, model: type[Model]) -> Iterator[Callable]:
    """The function, what it calls in its own file, and from a model's methods on what they call in any file of the models."""
    yield function
    if depth:
        for name in _names(function.__code__):
            for called in _candidates(name, function, model):
                other = inspect.unwrap(called) if callable(called) else None
                if inspect.isfunction(other) and _room(other) == _room(function):
                    yield from _calls(other, depth - 1, model)


def _candidates(name: str, function: Callable, model: type[Model]) -> Iterator[object]:
    yield function.__globals__.get(name)
    if _room(function) == "darkbeauty.models":
        yield getattr(model, name, None)
        for module in function.__globals__.values():
            if isinstance(module, ModuleType) and module.__name__.startswith("darkbeauty.models"):
                yield getattr(module, name, None)


def _room(function: Callable) -> str:
    """The file of a function, all files of the models being one."""
    return "darkbeauty.models" if function.__module__.startswith("darkbeauty.models") else function.__module__


def _names(code: CodeType) -> Iterator[str]:
    """Global names and attributes that code mentions, inner functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _place(name: str) -> str:
    return name.removeprefix("darkbeauty.")
