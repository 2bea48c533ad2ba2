"""Files of terms of one's own: TOML with a table `[[own]]` for each."""

from __future__ import annotations

import tomllib
from pathlib import Path

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any, unknown
from darkbeauty.likelihoods.fit_schema import OwnSection, read_own


def own_sections(file: Path) -> list[OwnSection]:
    """The sections of a file.

    Errors   InputError with everything in it that does not follow the schema
    """
    try:
        entries = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError([Problem(str(file), f"cannot be read: {error.strerror or error}")]) from error
    except (ValueError, RecursionError) as error:
        raise InputError([Problem(str(file), f"malformed TOML: {error}")]) from error
    problems = [unknown(f"{file}: {name}", "entry", name, ["own"]) for name in entries if name != "own"]
    blocks = entries.get("own", [])
    if not isinstance(blocks, list) or not blocks:
        problems.append(Problem(f"{file}: own", "there is no term", "[[own]]"))
        blocks = []
    read = [attempt(lambda b=b, i=i: read_own(b, f"{file}: own.{i}"), problems) for i, b in enumerate(blocks)]
    raise_if_any(problems)
    return read
