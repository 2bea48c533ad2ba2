"""Every model, by name."""

from __future__ import annotations

from darkbeauty.errors import InputError, Problem, unknown
from darkbeauty.models.base import Model
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1
from darkbeauty.models.wet import Wet

MODELS: dict[str, type[Model]] = {model.name: model for model in (LmuLtauS1, LeLmuR2, Wet)}


def resolve_model(model: str | Model) -> Model:
    """A model object from its name, or itself.

    Errors   InputError for an unknown name
    """
    if isinstance(model, Model):
        return model
    if not isinstance(model, str):
        raise InputError(
            [Problem("model", f"expected a name or a model object, got {type(model).__name__}", ", ".join(MODELS))]
        )
    if model not in MODELS:
        raise InputError([unknown("model", "model", model, MODELS)])
    return MODELS[model]()
