"""A fit file, read with all that running it will ask for."""

from __future__ import annotations

from pathlib import Path

from darkbeauty.inference.samplers.table import check
from darkbeauty.likelihood import Fit, fit_file


def load_fit(path: str | Path) -> Fit:
    """Read and validate a fit file, its sampler included.

    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    return fit_file.load_fit(path, check)
