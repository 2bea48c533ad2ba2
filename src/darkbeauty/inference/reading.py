"""Fits as what can be run: with a sampler that there is, and settings that it reads."""

from __future__ import annotations

from pathlib import Path

from darkbeauty.errors import Problem
from darkbeauty.inference.samplers.table import check
from darkbeauty.likelihoods import fit, toml_text
from darkbeauty.likelihoods.fit_schema import FitFile


class Fit(fit.Fit):
    """A validated fit: model with its fixed parameters, priors of the free ones, terms, settings of a sampler that there is.

    Args     model: a name or a model object, also of a class of your own; priors: `Uniform(0, 2)` and the like, or tables as in a fit file, by
             parameter; terms or preset, add, drop, theory, relic: the likelihood; fixed: values of other parameters; sampler, targets: tables as in a fit
             file; convention, extra_channels, gstar: choices of a model by name. Everything means what it means in a fit file (docs: Fit files)
    Errors   InputError with every problem, each with its place as it were in a file
    """

    def check_sampler(self, file: FitFile) -> list[Problem]:
        """What is wrong with the choice of a sampler and with its settings."""
        return check(vars(file.sampler), file.likelihood.theory)


def load_fit(path: str | Path) -> Fit:
    """Read and validate a fit file.

    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    return parse_fit(*toml_text.read_text(path))


def parse_fit(text: str, path: str) -> Fit:
    """The fit that a text describes; `path` is what problems and the fit call it.

    Errors   as `load_fit`
    """
    return Fit.of(toml_text.entries_of(text, path), path, text)
