"""Fits from TOML."""

from __future__ import annotations

import tomllib
from pathlib import Path

from darkbeauty.errors import InputError, Problem
from darkbeauty.likelihood.fit import Fit


def load_fit(path: str | Path) -> Fit:
    """Read and validate a fit file.

    Errors   InputError with every problem of the file, each with its place in it and the allowed values
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), f"malformed TOML: {error}")]) from error
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            [Problem(repr(path) if "\0" in str(path) else str(path), f"cannot be read: {reason}")]
        ) from error
    return parse_fit(text, str(path))


def parse_fit(text: str, path: str) -> Fit:
    """The fit that a text describes; `path` is what problems and the fit call it.

    Errors   as `load_fit`
    """
    try:
        entries = tomllib.loads(text)
    except RecursionError as error:
        raise InputError([Problem(path, "malformed TOML: lists or tables are nested too deeply")]) from error
    except ValueError as error:  # malformed, or an integer of more digits than Python converts
        told = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number has too many digits"
        raise InputError([Problem(path, f"malformed TOML: {told}")]) from error
    return Fit.of(entries, path, text)
