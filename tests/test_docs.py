"""The pages print what the code prints, link to what exists, and build."""

from __future__ import annotations

import ast
import doctest
import importlib.util
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.likelihoods.fit_file import parse_fit
from darkbeauty.likelihoods.fit_schema import FitFile, SamplerSection, TargetSection
from test_readme import words

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
WILSON = importlib.util.find_spec("wilson") is not None
"""The page on effective theories needs the package, which the extras eft and dev have."""
WITH_PYTHON = [p for p in PAGES if ">>> " in p.read_text(encoding="utf-8") and (WILSON or p.name != "eft.md")]


def console(page: Path) -> list[tuple[str, str]]:
    """Commands of a page and what it says they print."""
    sessions = re.findall(r"^```console\n(.*?)^```$", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"^\$ darkbeauty (.*)\n((?:(?!\$ ).*\n)*)", "".join(sessions), flags=re.MULTILINE)


COMMANDS = [(page.name, *found) for page in PAGES for found in console(page)]


def test_there_is_something_to_run():
    assert {"quickstart.md", "concepts.md", "adding.md"} <= {page.name for page in WITH_PYTHON}
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python_sessions(page: Path):
    options = doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE
    results = doctest.testfile(str(page), module_relative=False, encoding="utf-8", optionflags=options)
    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize(("page", "command", "printed"), COMMANDS, ids=[f"{p}: {c[:40]}" for p, c, _ in COMMANDS])
def test_shell_sessions(page: str, command: str, printed: str):
    result = CliRunner().invoke(cli.app, shlex.split(command))
    assert words(result.output) == words(printed)


def commands_in(page: Path) -> set[str]:
    """Commands that a page shows as code."""
    return set(re.findall(r"(?:^|^\$ |`)darkbeauty ([a-z]+)\b", page.read_text(encoding="utf-8"), flags=re.MULTILINE))


def test_commands_in_the_docs_exist_and_every_command_is_told_of():
    known = set(get_command(cli.app).commands)
    for page in PAGES:
        assert commands_in(page) <= known, page.name
    assert commands_in(DOCS / "commands.md") == known


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    nav = set(re.findall(r"^\s+- .*: (\S+\.md)$", text, flags=re.MULTILINE))
    assert nav == {page.name for page in PAGES}


def test_pictures_are_small():
    large = {p.name: p.stat().st_size for p in (DOCS / "pictures").glob("*.png") if p.stat().st_size > 200_000}
    assert not large


# -- the pages made from docstrings ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("docs_hook", DOCS / "hook.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_docstrings_stand_in_the_page_with_their_formulas(hook):
    page = hook.on_page_markdown((DOCS / "api.md").read_text(encoding="utf-8"))
    assert ":::" not in page
    assert "#### darkbeauty.prediction.predict\n\n```text\npredict(model: str | Model" in page
    assert "Γ(B → MZ′) on the mass shell" in page
    assert "#### darkbeauty.models.base.Parameter\n\n```text\nname: str\nmeaning: str" in page


def test_every_public_name_is_documented():
    tree = ast.parse((ROOT / "src" / "darkbeauty" / "__init__.py").read_text(encoding="utf-8"))
    listed = next(
        ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "__all__"
    )
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    assert all(re.search(rf"^::: .*\b{name}\b", page, flags=re.MULTILINE) for name in set(listed) - {"list_models"})


def test_observables_page_lists_the_registry(hook):
    page = hook.on_page_markdown("::: observables")
    assert "| `<P5p>(B0->K*mumu)[q2min,q2max]` |  | optimised angular observable |" in page


def test_unknown_names_are_not_passed_over(hook):
    with pytest.raises(ValueError, match="no_such_name"):
        hook.on_page_markdown("::: prediction no_such_name")


@pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="needs the extra [docs]")
def test_site_builds_and_needs_no_network(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(
            r'<(?:script|img)[^>]*src="(?:https?:)?//|<link[^>]*rel="stylesheet"[^>]*href="(?:https?:)?//', text
        )


def test_example_of_a_fit_file_is_valid_and_shows_the_defaults():
    text = (DOCS / "fit_files.md").read_text(encoding="utf-8")
    fit = parse_fit(re.search(r"```toml\n(.*?)```", text, flags=re.DOTALL)[1], "fit_files.md")
    assert fit.terms == ("BR(Bs->mumu)", "R_K*")
    assert (fit.sampler, fit.targets) == (SamplerSection(), TargetSection())
    entries = tomllib.loads(fit.text)
    assert set(entries["sampler"]) == set(SamplerSection.model_fields) - {
        "live"
    }  # which goes with the number of parameters
    assert set(entries["targets"]) == set(TargetSection.model_fields)
    assert set(entries) == set(FitFile.model_fields)
