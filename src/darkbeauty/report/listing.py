"""What there is: models, observables, likelihood terms, measurements; one mapping per row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.likelihood import TERMS
from darkbeauty.models import MODELS
from darkbeauty.observables import REGISTRY
from darkbeauty.predict import usage


def models() -> list[dict[str, Any]]:
    """Name, title, required and optional parameters of every model."""
    names = lambda model, free: [parameter.name for parameter in model.parameters if parameter.free == free]
    return [
        {"name": name, "about": model.title, "required": names(model, True), "optional": names(model, False)}
        for name, model in MODELS.items()
    ]


def observables() -> list[dict[str, Any]]:
    """How every observable is written, its unit, meaning and references."""
    return [
        {"name": usage(entry), "unit": entry.unit, "about": entry.about, "references": entry.references}
        for entry in REGISTRY
    ]


def terms() -> list[dict[str, Any]]:
    """The likelihood terms, each with its measurement and the entries of it that it uses."""
    return [
        {"name": term.name, "measurement": term.measurement, "observables": term.observables, "about": term.about}
        for term in TERMS.values()
    ]


def measurements() -> list[dict[str, Any]]:
    """Every measured observable: value and total error (NaN: not Gaussian), limit, status, whether fits may use it, publication, source."""
    return [
        {
            "measurement": block.id,
            "observable": name,
            "value": float(value),
            "error": float(variance) ** 0.5,
            "limit": f"< {limit[0]:g} ({100 * limit[1]:g} %)" if limit else "",
            "status": block.status,
            "fit": f"no: {why}" if (why := block.why_not_fitted(place)) else "yes",
            "references": block.references,
            "found": block.found,
        }
        for block in load_measurements().values()
        for place, (name, value, variance, limit) in enumerate(
            zip(block.observables, block.values, block.covariance.diagonal(), block.limits)
        )
    ]


LISTINGS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "models": models,
    "observables": observables,
    "terms": terms,
    "measurements": measurements,
}
