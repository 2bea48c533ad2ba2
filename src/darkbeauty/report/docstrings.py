"""What the docstrings behind an observable say: formulas, and what is left out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from darkbeauty.observables import Observable

FORMULA_SIGNS = "=∝√∫Σ"
_LABELS = "Args|Domain|Accuracy|Omits|Omitted|Returns|Errors"
_LIMITS = re.compile(rf"\b(Omits|Omitted:|Accuracy)\s+(.*?)(?=\n\s*\n|\n\s*(?:{_LABELS})\b|\Z)", re.DOTALL)


def formulas(observable: Observable) -> list[tuple[str, str]]:
    """(place, docstring) of what computes an observable and of what it names beside that, where there is a formula in it; last, how results are combined."""
    texts = [(place, text) for place, text in _behind(observable) if any(sign in text for sign in FORMULA_SIGNS)]
    combine = observable.combine
    how = inspect.getdoc(type(combine)) if not inspect.isfunction(combine) else None
    last = [(_place(type(combine)), how)] if how and any(sign in how for sign in FORMULA_SIGNS + "/") else []
    return [*texts, *last]


def left_out(observable: Observable) -> list[tuple[str, str]]:
    """("Omits" or "Accuracy", what it says) of every docstring behind an observable."""
    lines = []
    for _, text in _behind(observable):
        for label, words in _LIMITS.findall(text):
            lines.append((label.replace("Omitted:", "Omits"), " ".join(words.split())))
    return list(dict.fromkeys(lines))


def _behind(observable: Observable) -> Iterator[tuple[str, str]]:
    """Docstrings of what an observable names and of its sources' functions, each once."""
    functions = (source.function for source in observable.sources)
    for documented in dict.fromkeys((*observable.formulas, *functions)):
        if text := inspect.getdoc(documented):
            yield _place(documented), text


def _place(documented: object) -> str:
    """A function, class or module without the name of the package."""
    if inspect.ismodule(documented):
        return documented.__name__.removeprefix("darkbeauty.")
    return f"{documented.__module__}.{getattr(documented, '__qualname__', '')}".removeprefix("darkbeauty.")
