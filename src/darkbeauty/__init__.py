"""Differentiable flavour and dark-matter observables, fits and posteriors in JAX."""

from darkbeauty.errors import InputError
from darkbeauty.models import MODELS
from darkbeauty.predict import gradient, list_observables, predict, predictor

__all__ = ["InputError", "gradient", "list_models", "list_observables", "predict", "predictor"]


def list_models() -> list[str]:
    """Names of all models."""
    return list(MODELS)
