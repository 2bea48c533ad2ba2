"""TOML files of a user: their text, and its entries."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from darkbeauty.errors import InputError, Problem


def read_text(path: str | Path) -> tuple[str, str]:
    """The text of a file, and what problems call it.

    Errors   InputError where it cannot be read
    """
    try:
        return Path(path).read_text(encoding="utf-8-sig"), str(path)
    except UnicodeDecodeError as error:
        raise InputError([Problem(str(path), f"malformed TOML: {error}")]) from error
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            [Problem(repr(path) if "\0" in str(path) else str(path), f"cannot be read: {reason}")]
        ) from error


def entries_of(text: str, path: str) -> dict[str, Any]:
    """The entries of a TOML text.

    Errors   InputError where it is malformed
    """
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InputError([Problem(path, "malformed TOML: lists or tables are nested too deeply")]) from error
    except ValueError as error:  # malformed, or an integer of more digits than Python converts
        told = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "a number has too many digits"
        raise InputError([Problem(path, f"malformed TOML: {told}")]) from error
