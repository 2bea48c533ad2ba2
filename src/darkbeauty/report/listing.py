"""What there is: models, observables, likelihood terms, measurements; one mapping per row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from darkbeauty.errors import InputError, Problem, quoted, raise_if_any
from darkbeauty.inputs.measurements import Measurement, load_measurements
from darkbeauty.likelihoods import TERMS
from darkbeauty.models import MODELS, Model, resolve_model
from darkbeauty.observables import REGISTRY
from darkbeauty.prediction import usage


def models() -> list[dict[str, Any]]:
    """Name, title, required and optional parameters of every model; of each parameter meaning, unit, default and domain."""
    names = lambda model, free: [parameter.name for parameter in model.parameters if parameter.free == free]
    known = parameters()
    return [
        {
            "name": name,
            "about": model.title,
            "required": names(model, True),
            "optional": names(model, False),
            "parameters": known[name],
        }
        for name, model in _templates().items()
    ]


def parameters() -> dict[str, list[dict[str, Any]]]:
    """Name, meaning, unit, default and domain of every parameter, by model."""
    return {
        name: [
            {
                "name": parameter.name,
                "about": parameter.meaning,
                "unit": parameter.unit,
                "default": "" if parameter.free else f"{parameter.default:g}",
                "domain": "complex" if parameter.complex else f"{parameter.lower:g} to {parameter.upper:g}",
            }
            for parameter in model.parameters
        ]
        for name, model in _templates().items()
    }


def _templates() -> dict[str, Model]:
    """Every model by name, without settings."""
    return {name: resolve_model(name) for name in MODELS}


def observables() -> list[dict[str, Any]]:
    """How every observable is written, its unit, meaning and references."""
    return [
        {
            "name": usage(observable),
            "unit": observable.unit,
            "about": observable.about,
            "references": observable.references,
        }
        for observable in REGISTRY
    ]


def terms() -> list[dict[str, Any]]:
    """The likelihood terms, each with its measurement and the entries of it that it uses."""
    return [
        {"name": term.name, "measurement": term.measurement, "observables": term.observables, "about": term.about}
        for term in TERMS.values()
    ]


def measurements() -> list[dict[str, Any]]:
    """Every measured observable: value and total error (NaN: not Gaussian), status, whether a fit may use it, when it last changed here and was last checked, publication,
    source."""
    return [
        {
            "measurement": block.id,
            "observable": name,
            "value": float(value),
            "error": float(variance) ** 0.5,
            "status": block.status,
            "fit": _fit(block, place),
            "changed": "" if block.changed is None else block.changed.isoformat(),
            "checked": "" if block.checked is None else block.checked.isoformat(),
            "references": block.references,
            "found": block.found,
        }
        for block in load_measurements().values()
        for place, (name, value, variance) in enumerate(
            zip(block.observables, block.values, block.covariance.diagonal())
        )
    ]


def _fit(block: Measurement, place: int) -> str:
    """ "yes", or "no" with the reason and the limit there is."""
    why, limit = block.why_not_fitted(place), block.limits[place]
    text = f" < {limit[0]:g} at {100 * limit[1]:g} %" if limit else ""
    return f"no: {why}{text}" if why else "yes"


def changed_since(kind: str, rows: list[dict[str, Any]], since: str) -> list[dict[str, Any]]:
    """The rows of a listing that changed on a day or later.

    Errors   InputError where nothing of the kind has a date, or `since` is none
    """
    problems = []
    if not all("changed" in row for row in rows):
        problems.append(Problem("--changed-since", f"{kind} have no dates", "measurements"))
    try:
        day = date.fromisoformat(since)
    except ValueError:
        raise InputError([*problems, Problem("--changed-since", f"{quoted(since)} is no date", "YYYY-MM-DD")]) from None
    raise_if_any(problems)
    return [row for row in rows if row["changed"] >= day.isoformat()]


def with_text(kind: str, rows: list[dict[str, Any]], text: str) -> list[dict[str, Any]]:
    """The rows of a listing with a text in one of their entries, in small or capital letters.

    Errors   InputError where there is none
    """
    kept = [row for row in rows if any(text.lower() in str(entry).lower() for entry in row.values())]
    if not kept:
        raise InputError([Problem("--filter", f"none of the {len(rows)} {kind} has {quoted(text)} in it")])
    return kept


LISTINGS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "models": models,
    "observables": observables,
    "terms": terms,
    "measurements": measurements,
}
