"""Files of terms of one's own: TOML with a table `[[own]]` for each."""

from __future__ import annotations

from pathlib import Path

from darkbeauty.errors import Problem, attempt, raise_if_any, unknown
from darkbeauty.likelihoods.fit_schema import OwnSection, read_own
from darkbeauty.likelihoods.toml_text import entries_of, read_text


def own_sections(file: Path) -> list[OwnSection]:
    """The sections of a file.

    Errors   InputError with everything in it that does not follow the schema
    """
    entries = entries_of(*read_text(file))
    problems = [unknown(f"{file}: {name}", "entry", name, ["own"]) for name in entries if name != "own"]
    blocks = entries.get("own", [])
    if not isinstance(blocks, list) or not blocks:
        problems.append(Problem(f"{file}: own", "there is no term", "[[own]]"))
        blocks = []
    read = [attempt(lambda b=b, i=i: read_own(b, f"{file}: own.{i}"), problems) for i, b in enumerate(blocks)]
    raise_if_any(problems)
    return read
