"""Fits from TOML."""

from __future__ import annotations

from pathlib import Path

from darkbeauty.likelihoods.fit import Fit
from darkbeauty.likelihoods.toml_text import entries_of, read_text


def load_fit(path: str | Path) -> Fit:
    """Read and validate a fit file, but for its choice of a sampler (`darkbeauty.load_fit` has all of it).

    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    return parse_fit(*read_text(path))


def parse_fit(text: str, path: str) -> Fit:
    """The fit that a text describes; `path` is what problems and the fit call it.

    Errors   as `load_fit`
    """
    return Fit.of(entries_of(text, path), path, text)
