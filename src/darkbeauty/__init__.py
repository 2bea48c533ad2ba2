"""Differentiable flavour and dark-matter observables, fits and posteriors in JAX."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from darkbeauty.errors import InputError
    from darkbeauty.inference import load_fit, optimise, run_fit
    from darkbeauty.inference.fitting.improved import fisher, reweighted
    from darkbeauty.inference.reading import Fit
    from darkbeauty.likelihoods import density, histfactory_term, likelihood, own_term
    from darkbeauty.likelihoods.priors import LogUniform, Normal, Numpyro, TruncatedNormal, Uniform
    from darkbeauty.prediction import gradient, list_observables, predict, predictor

__all__ = [
    "Fit",
    "InputError",
    "LogUniform",
    "Normal",
    "Numpyro",
    "TruncatedNormal",
    "Uniform",
    "density",
    "fisher",
    "gradient",
    "histfactory_term",
    "likelihood",
    "list_models",
    "list_observables",
    "load_fit",
    "optimise",
    "own_term",
    "predict",
    "predictor",
    "reweighted",
    "run_fit",
]

_HOME = {
    "Fit": "darkbeauty.inference.reading",
    "InputError": "darkbeauty.errors",
    "LogUniform": "darkbeauty.likelihoods.priors",
    "Normal": "darkbeauty.likelihoods.priors",
    "Numpyro": "darkbeauty.likelihoods.priors",
    "TruncatedNormal": "darkbeauty.likelihoods.priors",
    "Uniform": "darkbeauty.likelihoods.priors",
    "density": "darkbeauty.likelihoods",
    "fisher": "darkbeauty.inference.fitting.improved",
    "gradient": "darkbeauty.prediction",
    "histfactory_term": "darkbeauty.likelihoods",
    "likelihood": "darkbeauty.likelihoods",
    "list_observables": "darkbeauty.prediction",
    "load_fit": "darkbeauty.inference",
    "optimise": "darkbeauty.inference",
    "own_term": "darkbeauty.likelihoods",
    "predict": "darkbeauty.prediction",
    "predictor": "darkbeauty.prediction",
    "reweighted": "darkbeauty.inference.fitting.improved",
    "run_fit": "darkbeauty.inference",
}


def list_models() -> list[str]:
    """Names of all models."""
    from darkbeauty.models import MODELS

    return list(MODELS)


def __getattr__(name: str) -> Any:
    """A public name is loaded at its first use, so that the command line starts without JAX."""
    if name not in _HOME:
        raise AttributeError(f"module 'darkbeauty' has no attribute {name!r}")
    globals()[name] = getattr(import_module(_HOME[name]), name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
