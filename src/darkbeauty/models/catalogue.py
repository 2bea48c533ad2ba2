"""Every model, by name."""

from __future__ import annotations

import dataclasses
from typing import Any, cast

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any, unknown
from darkbeauty.inputs import load_sm
from darkbeauty.models.base import Model, sectors_of
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1
from darkbeauty.models.smeft import SCALE, Smeft
from darkbeauty.models.u1_family import U1Family
from darkbeauty.models.u1_member import read_member
from darkbeauty.models.wet import Wet

MODELS: dict[str, type[Model]] = {model.name: model for model in (LmuLtauS1, LeLmuR2, U1Family, Wet, Smeft)}


CHOICES = {
    "convention": "canonical",
    "extra_channels": (),
    "loop_mixing": False,
    "perturbative": False,
    "gstar": "BORSANYI2016",
    "member": {},
    "coefficients": (),
    "scale": SCALE,
}
"""Static choices of a model and their defaults."""


def settings_of(model: str) -> set[str]:
    """Names of the fields of a model of the catalogue, its static choices among them; none of another one."""
    return {field.name for field in dataclasses.fields(MODELS[model])} if model in MODELS else set()


def resolve_model(model: str | Model, **choices: Any) -> Model:
    """A model object from its name, or itself.

    Args     choices: convention="printed", extra_channels=(…), loop_mixing=True, perturbative=True, gstar="SS2018" (table of degrees of freedom, see `load_sm`), member={…} (of the
             family "u1_leptoquark", see `u1_member.read_member`), coefficients=(…), scale=… (of "smeft"), for models that have them
    Errors   InputError for an unknown name or choice
    """
    if isinstance(model, Model):
        return model
    if not isinstance(model, str):
        raise InputError(
            [Problem("model", f"expected a name or a model object, got {type(model).__name__}", ", ".join(MODELS))]
        )
    if model not in MODELS:
        raise InputError([unknown("model", "model", model, MODELS)])
    asked = {name: value for name, value in choices.items() if value != CHOICES.get(name)}
    fields = settings_of(model)
    if "gstar" in asked and sectors_of(cast(Any, MODELS[model])()).dark_matter is not None:
        fields |= {"gstar"}
    problems = [Problem(name, f"model {model!r} has no such choice") for name in asked if name not in fields]
    known = {name: value for name, value in asked.items() if name in fields}
    table = known.pop("gstar", None)
    if "member" in known and (member := attempt(lambda: read_member(known.pop("member")), problems)) is not None:
        known["member"] = member
    template = attempt(lambda: MODELS[model](**known), problems)
    inputs = attempt(lambda: load_sm(str(table)), problems) if table is not None else None
    raise_if_any(problems)
    return dataclasses.replace(template, sm=inputs) if inputs else template
