"""Checks before a commit: that files end with one line feed, that TOML can be read.

python tools/check_files.py end-of-file|toml FILE …
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def end_of_file(path: Path) -> str:
    """What is wrong with the end of a file; empty where it ends with one line feed, or is empty."""
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        return "does not end with a line feed"
    return "ends with empty lines" if data.endswith(b"\n\n") else ""


def toml(path: Path) -> str:
    """Why a file is no TOML; empty where it is."""
    try:
        tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        return str(error)
    return ""


CHECKS = {"end-of-file": end_of_file, "toml": toml}


def main(check: str, *files: str) -> int:
    """Say what is wrong with each file; how many are wrong."""
    wrong = {file: words for file in files if (words := CHECKS[check](Path(file)))}
    for file, words in wrong.items():
        print(f"{file}: {words}")
    return len(wrong) and 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
