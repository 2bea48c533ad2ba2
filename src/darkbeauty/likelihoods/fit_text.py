"""A fit as text: the TOML that gives it again, and what it is in a form that does not depend on how it was written."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import numpy as np

from darkbeauty.inputs.sm import GSTAR_TABLES
from darkbeauty.likelihoods.build import by_name
from darkbeauty.likelihoods.fit_schema import FitFile
from darkbeauty.likelihoods.own_terms import OwnGaussian, OwnTerm, entries_of, unnamed
from darkbeauty.likelihoods.relic_choice import depends
from darkbeauty.likelihoods.tied import texts, untied
from darkbeauty.models import MODELS, Model, resolve_model
from darkbeauty.models.base import sectors_of
from darkbeauty.models.catalogue import CHOICES
from darkbeauty.models.u1_family import U1Family

if TYPE_CHECKING:
    from darkbeauty.likelihoods.fit import Fit

Number = float | complex


@dataclass(frozen=True)
class ModelSource:
    """What tells a model from others: its name and choices where these give it again; else the qualified name of its class, and marks of what is in it.

    values: of parameters that are not free, where they are not the default; tied: those that are expressions of others.
    """

    name: str
    choices: dict[str, Any]
    values: dict[str, Number]
    marks: dict[str, str]
    tied: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def named(self) -> bool:
        """Whether name, choices and values are all there is to it."""
        return not self.marks


def source_of(model: Model, file: FitFile, free: tuple[str, ...]) -> ModelSource:
    """The source of the model of a fit; objects equal to a named model are that."""
    tied = texts(model)
    model, free = untied(model), (*free, *tied)
    values = _values(model, free)
    choices = file.choices
    if not isinstance(file.model, str):
        named = _choices_of(model) if all(isinstance(value, float) for value in values.values()) else None
        if named is None:
            return ModelSource(f"{type(model).__module__}.{type(model).__qualname__}", {}, values, _marks(model), tied)
        choices = named
    own = {name: value for name, value in choices.items() if value != CHOICES[name]}
    if isinstance(model, U1Family) and "member" in own:
        own["member"] = model.member.table
    return ModelSource(model.name, own, values, {}, tied)


def _values(model: Model, free: tuple[str, ...]) -> dict[str, Number]:
    """Parameters that are not free and not at their default."""
    fixed = [parameter for parameter in model.parameters if parameter.name not in free]
    values = {parameter.name: complex(getattr(model, parameter.name)) for parameter in fixed}
    different = {p.name: values[p.name] for p in fixed if values[p.name] != p.default}
    return {name: value if value.imag else value.real + 0.0 for name, value in different.items()}


def _choices_of(model: Model) -> dict[str, Any] | None:
    """The choices that give a model of the catalogue, but for its parameters, again; None where none do."""
    if type(model) is not MODELS.get(model.name):
        return None
    fields = {field.name for field in dataclasses.fields(model)}
    choices = {name: getattr(model, name) if name in fields else CHOICES[name] for name in CHOICES if name != "gstar"}
    for gstar in GSTAR_TABLES if sectors_of(model).dark_matter is not None else (CHOICES["gstar"],):
        if eqx.tree_equal(_blank(model), _blank(resolve_model(model.name, **choices, gstar=gstar))):
            return {**choices, "gstar": gstar}
    return None


def _blank(model: Model) -> Model:
    """A model with all parameters 0."""
    names = model.parameter_names()
    places = lambda m: [getattr(m, name) for name in names]
    return eqx.tree_at(places, model, [0.0] * len(names), is_leaf=lambda leaf: leaf is None)


def _marks(model: Model) -> dict[str, str]:
    """Of a model without a name here: its static choices, and hashes of its numbers besides parameters, and of the code of its class."""
    static = {field.name for field in dataclasses.fields(model) if field.metadata.get("static")}
    marks = {f"model {name}": str(getattr(model, name)) for name in sorted(static)}
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(_blank(model)):
        if isinstance(leaf, np.ndarray | jax.Array | float | int | complex):
            array = np.asarray(leaf)
            digest.update(f"{array.shape} {array.dtype}".encode() + array.tobytes())
    try:
        code = hashlib.sha256(inspect.getsource(type(model)).encode()).hexdigest()
    except (OSError, TypeError):  # a class typed into an interpreter has no source
        code = "unknown"
    return {**marks, "model numbers (sha256)": digest.hexdigest(), "model code (sha256)": code}


def content(fit: Fit) -> dict[str, str]:
    """What the posterior of a fit is, by name."""
    source = fit.source
    choices = {name: ", ".join(v) if isinstance(v, tuple) else str(v) for name, v in source.choices.items()}
    return {
        "model": source.name,
        **choices,
        **source.marks,
        **{f"fixed {name}": repr(value) for name, value in sorted(source.values.items())},
        **{f"tied {name}": text for name, text in sorted(source.tied.items())},
        "free parameters": ", ".join(fit.parameters),
        **{f"prior {name}": str(prior) for name, prior in fit.priors.items()},
        "terms": ", ".join(fit.terms),
        **{f"term {name} (sha256)": term.fingerprint for name, term in fit.own.items()},
        "theory": fit.theory,
        **_relic(fit),
    }


def _relic(fit: Fit) -> dict[str, str]:
    """How the relic density is computed, of a fit that has it."""
    return {"relic": fit.relic} if depends(by_name(fit.terms, fit.own)) else {}


def to_text(fit: Fit) -> str:
    """The TOML of a fit."""
    return "\n".join(_lines(fit)) + "\n"


def _lines(fit: Fit) -> Iterator[str]:
    source = fit.source
    if not source.named:
        yield "# The model is an object of a class of its own: this text says which, but does not give the fit again."
        yield from (f"# {name}: {value}" for name, value in source.marks.items())
    sections_of_own = [term.section for term in fit.own.values() if isinstance(term, OwnGaussian | OwnTerm)]
    for section in filter(unnamed, sections_of_own):
        yield f"# The function of term {section.name!r} is an object: this text says which, but does not give the fit again."
    choices = {name: list(v) if isinstance(v, tuple) else v for name, v in source.choices.items()}
    head = {"name": fit.name, "about": fit.about, "model": source.name, **choices, "seed": fit.seed}
    yield from _pairs(head)
    sections: dict[str, Mapping[str, Any]] = {
        "fixed": source.values,
        "tied": source.tied,
        "priors": {name: prior.table() for name, prior in fit.priors.items()},
        "likelihood": {
            "terms": [name for name in fit.terms if name not in fit.own],
            "theory": fit.theory,
            **_relic(fit),
        },
        "sampler": {name: value for name, value in fit.sampler if value is not None},
        "targets": dict(fit.targets),
    }
    for name, entries in sections.items():
        if entries:
            yield f"\n[{name}]"
            yield from _pairs(entries)
    for block in fit.histfactory:
        yield "\n[[likelihood.histfactory]]"
        yield from _pairs(dict(block))
    for section in sections_of_own:
        yield "\n[[likelihood.own]]"
        yield from _pairs(entries_of(section))


def _pairs(entries: Mapping[str, Any]) -> Iterator[str]:
    for name, value in entries.items():
        yield f"{_key(name)} = {_value(value)}"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(entry) for entry in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, int | float) else _quoted(str(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
