"""How a likelihood computes the relic density."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from darkbeauty.errors import Problem, text_of, unknown
from darkbeauty.likelihoods.term import FREEZE_OUT, KINETIC, RELIC_METHODS, Term
from darkbeauty.models import Model
from darkbeauty.prediction import check_observable

OF_THE_SLIDES = ("paper",)
"""Presets that keep the slides' own relic density, freeze-out."""


def check_relic(method: Any, terms: Iterable[Term], path: str = "likelihood") -> list[Problem]:
    """What is wrong with a choice of how to compute the relic density; None is the default."""
    if method is None:
        return []
    if not isinstance(method, str) or method not in RELIC_METHODS:
        return [unknown(f"{path}.relic", "way to compute the relic density", text_of(method), RELIC_METHODS)]
    if method == FREEZE_OUT or depends(terms, method):
        return []
    return [Problem(f"{path}.relic", f"{method!r} is for the term 'Omega_h2', which is not among the terms")]


def default_relic(model: Model, preset: str | None, terms: Iterable[Term]) -> str:
    """Kinetic, but freeze-out for the slides' own preset, without a term of the relic density, and where a model does not say how its dark matter scatters."""
    if preset in OF_THE_SLIDES or not depends(terms, KINETIC) or check_observable(model, RELIC_METHODS[KINETIC], ""):
        return FREEZE_OUT
    return KINETIC


def depends(terms: Iterable[Term], method: str = KINETIC) -> bool:
    """Whether terms are others with the relic density by this method."""
    return any(term.with_relic(method) != term for term in terms)
