"""The notebook of examples/ runs from its first cell to its last."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.ipynb"))


def test_there_is_a_notebook_of_ten_cells():
    import json

    assert [len(json.loads(path.read_text(encoding="utf-8"))["cells"]) for path in NOTEBOOKS] == [10]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("nbclient") is None, reason="needs nbclient")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore")  # of Jupyter itself
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import nbformat
    from nbclient import NotebookClient

    monkeypatch.setenv("EXAMPLE_DRAWS", "20")
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", os.environ["DARKBEAUTY_CACHE"])
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    posterior = tmp_path / "c9_c10" / "posterior.nc"
    assert posterior.is_file() and (tmp_path / "c9_c10" / "report.html").is_file()
    printed = [cell.outputs[0]["text"] for cell in notebook.cells if cell.get("outputs") and "text" in cell.outputs[0]]
    assert any("pull" in text for text in printed)
