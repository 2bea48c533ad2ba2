"""Models: from parameters to couplings, spectrum, widths and Wilson coefficients."""

from darkbeauty.models.base import Model, Parameter
from darkbeauty.models.catalogue import MODELS, resolve_model

__all__ = ["MODELS", "Model", "Parameter", "resolve_model"]
