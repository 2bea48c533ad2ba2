"""Fits as what can be run: with a sampler that there is, and settings that it reads."""

from __future__ import annotations

from pathlib import Path

from darkbeauty.errors import Problem
from darkbeauty.inference.samplers.table import check
from darkbeauty.likelihood import fit, fit_file
from darkbeauty.likelihood.fit_schema import FitFile


class Fit(fit.Fit):
    __doc__ = fit.Fit.__doc__

    def check_sampler(self, file: FitFile) -> list[Problem]:
        return check(vars(file.sampler), file.likelihood.theory)


def load_fit(path: str | Path) -> Fit:
    """Read and validate a fit file.

    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    return parse_fit(*fit_file.read_text(path))


def parse_fit(text: str, path: str) -> Fit:
    """The fit that a text describes; `path` is what problems and the fit call it.

    Errors   as `load_fit`
    """
    return Fit.of(fit_file.entries_of(text, path), path, text)
