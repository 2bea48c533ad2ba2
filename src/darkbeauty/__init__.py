"""Differentiable flavour and dark-matter observables, fits and posteriors in JAX."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkbeauty.errors import InputError
    from darkbeauty.inference import load_fit, optimise, run_fit
    from darkbeauty.inference.reading import Fit
    from darkbeauty.likelihood import likelihood
    from darkbeauty.likelihood.priors import LogUniform, Normal, Numpyro, TruncatedNormal, Uniform
    from darkbeauty.predict import gradient, list_observables, predict, predictor

__all__ = [
    "Fit",
    "InputError",
    "LogUniform",
    "Normal",
    "Numpyro",
    "TruncatedNormal",
    "Uniform",
    "gradient",
    "likelihood",
    "list_models",
    "list_observables",
    "load_fit",
    "optimise",
    "predict",
    "predictor",
    "run_fit",
]

_HOME = {
    "Fit": "darkbeauty.likelihood.fit",
    "InputError": "darkbeauty.errors",
    "LogUniform": "darkbeauty.likelihood.priors",
    "Normal": "darkbeauty.likelihood.priors",
    "Numpyro": "darkbeauty.likelihood.priors",
    "TruncatedNormal": "darkbeauty.likelihood.priors",
    "Uniform": "darkbeauty.likelihood.priors",
    "gradient": "darkbeauty.predict",
    "likelihood": "darkbeauty.likelihood",
    "list_observables": "darkbeauty.predict",
    "load_fit": "darkbeauty.inference",
    "optimise": "darkbeauty.inference",
    "predict": "darkbeauty.predict",
    "predictor": "darkbeauty.predict",
    "run_fit": "darkbeauty.inference",
}


def list_models() -> list[str]:
    """Names of all models."""
    from darkbeauty.models import MODELS

    return list(MODELS)


class _Package(ModuleType):
    """Loads a public name at its first use, so that the command line starts without JAX.

    A function keeps its name against the submodule of the same name (`predict`, `likelihood`), which Python would put in its place.
    """

    def __getattr__(self, name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'darkbeauty' has no attribute {name!r}")
        self.__dict__[name] = getattr(import_module(_HOME[name]), name)
        return self.__dict__[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *__all__})


sys.modules[__name__].__class__ = _Package
