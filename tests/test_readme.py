"""What README.md prints is what the code prints: the Python session as a doctest, the shell session command by command."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkbeauty import cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"^\$ darkbeauty (.*)\n((?:(?!\$ ).*\n)*)", "".join(SESSIONS), flags=re.MULTILINE)


def words(text: str) -> list[str]:
    """Numbers and words without the layout; numbers to the six digits that every machine reproduces."""
    return [
        f"{float(word):.6g}" if re.fullmatch(r"[+-]?\d\S*", word) and is_number(word) else word for word in text.split()
    ]


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def test_python_session():
    results = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert results.attempted >= 8
    assert results.failed == 0


def test_there_is_a_shell_session():
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize(("command", "printed"), COMMANDS, ids=[command[:40] for command, _ in COMMANDS])
def test_shell_session(command: str, printed: str):
    result = CliRunner().invoke(cli.app, shlex.split(command))
    assert words(result.output) == words(printed)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"^make (\w+)", README, flags=re.MULTILINE))))
def test_make_targets_exist(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_links_inside_the_repository_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_files_named_in_the_readme_exist():
    named = set(re.findall(r"\bfits/\w+\.toml", README))
    assert named
    assert all((ROOT / name).is_file() for name in named), named
