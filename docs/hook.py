"""Fills `::: FILE NAME …` lines of the pages with docstrings, read from the sources without importing them, and `::: observables`, `::: parameters` with what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

SOURCES = Path(__file__).resolve().parents[1] / "src" / "darkbeauty"
_LINE = re.compile(r"^::: (?P<file>\S+)(?P<names>(?: \S+)*)$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Called by MkDocs for every page."""
    return _LINE.sub(lambda match: _block(match["file"], match["names"].split()), markdown)


def _block(file: str, names: list[str]) -> str:
    tables = {"observables": _observables, "parameters": _parameters}
    return tables[file]() if file in tables else documented(SOURCES / f"{file}.py", names)


def documented(path: Path, names: list[str]) -> str:
    """Docstring of a file and of its public functions and classes (or of those named), signatures first."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    module = "darkbeauty." + ".".join(path.relative_to(SOURCES).with_suffix("").parts)
    nodes = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    found = {node.name: node for node in nodes if not node.name.startswith("_")}
    if unknown := set(names) - set(found):
        raise ValueError(f"{module} has no {', '.join(sorted(unknown))}")
    parts = [] if names else [f"### {module}\n\n{_fenced(ast.get_docstring(tree) or '')}"]
    for name in names or found:
        parts.append(
            f"#### {module}.{name}\n\n{_fenced(_signature(found[name]) + (ast.get_docstring(found[name]) or ''))}"
        )
    return "\n\n".join(parts)


def _signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """What a call looks like; the fields of a class."""
    if isinstance(node, ast.ClassDef):
        fields = [one for one in node.body if isinstance(one, ast.AnnAssign)]
        return "".join(f"{ast.unparse(one)}\n" for one in fields) + "\n" if fields else ""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(node.args)}){returns}\n\n"


def _fenced(text: str) -> str:
    return f"```text\n{text.strip()}\n```"


def _observables() -> str:
    from darkbeauty.report.listing import observables

    cell = lambda text: text.replace("|", "\\|")
    rows = (f"| `{row['name']}` | {row['unit']} | {cell(row['about'])} |" for row in observables())
    return "\n".join(("| name | unit | what it is |", "|---|---|---|", *rows))


def _parameters() -> str:
    from darkbeauty.report.listing import parameters

    parts = []
    for model, rows in parameters().items():
        lines = (
            f"| `{row['name']}` | {row['about']} | {row['unit']} | {row['default']} | {row['domain']} |" for row in rows
        )
        parts += [
            f"## {model}",
            "",
            "| name | what it is | unit | default | domain |",
            "|---|---|---|---|---|",
            *lines,
            "",
        ]
    return "\n".join(parts)
