"""The plan of the house: imports point one way, importing does nothing, files stay small, the registry and the docstrings are complete."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkbeauty.models.sectors import SECTORS
from darkbeauty.observables import REGISTRY, Source

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "darkbeauty"
FILES = sorted(PACKAGE.rglob("*.py"))
FLOORS = (
    ("errors", "units", "status"),
    ("files", "environment"),
    ("inputs",),
    ("numerics",),
    ("models",),
    ("flavour", "dark", "leptonic"),
    ("observables",),
    ("tables", "evaluation"),
    ("prediction",),
    ("likelihoods",),
    ("inference",),
    ("report",),
    ("terminal",),
    ("commands",),
    ("cli",),
)
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
WINGS = (
    ("sharding", "coordinates"),
    ("storage",),
    ("relic_map", "resonance"),
    ("posterior",),
    ("samplers",),
    ("fitting", "checking"),
    ("reading", "run", "scan"),
)
"""The floors of `inference`."""
WING = {wing: floor for floor, wings in enumerate(WINGS) for wing in wings}
MAX_LINES = 400


def module_name(path: Path) -> str:
    """darkbeauty.dark.thermo for …/darkbeauty/dark/thermo.py; packages by their own name."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, module: str, is_package: bool) -> Iterator[str]:
    """Every module of the package that a file imports, wherever in the file: at the top, in a function, under TYPE_CHECKING."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".") if is_package else module.split(".")[:-1]
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def violations(source: str, module: str, is_package: bool = False) -> list[str]:
    """What breaks the import rule in one file."""
    tree = ast.parse(source)
    room = module.split(".")[1]
    found = []
    for name in imported(tree, module, is_package):
        parts = name.split(".")
        if parts[0] != "darkbeauty":
            continue
        target = parts[1] if len(parts) > 1 and parts[1] in FLOOR else ""
        if target == room:
            continue
        if not target:
            found += [] if room == "cli" else [f"{module} imports the package itself ({name})"]
        elif FLOOR[target] >= FLOOR[room]:
            found.append(f"{module} imports {name}, which is not below it")
    hidden = ("import_module", "__import__")
    names = {node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in ast.walk(tree)}
    return found + [f"{module} hides imports behind {name}" for name in hidden if name in names]


def test_imports_point_one_way():
    rooms = [path for path in FILES if path != PACKAGE / "__init__.py"]
    assert len(rooms) > 20
    found = [
        problem
        for path in rooms
        for problem in violations(path.read_text(encoding="utf-8"), module_name(path), path.name == "__init__.py")
    ]
    assert not found, "\n".join(found)


def test_the_wings_of_inference_too():
    """Wings on the same floor never import each other, as rooms."""
    found = []
    for path in (PACKAGE / "inference").rglob("*.py"):
        module = module_name(path)
        own = module.removeprefix("darkbeauty.inference").strip(".").split(".")[0]
        names = imported(ast.parse(path.read_text(encoding="utf-8")), module, path.name == "__init__.py")
        inside = {name.split(".")[2] for name in names if name.startswith("darkbeauty.inference.")}
        found += [f"{module} imports {wing}" for wing in inside - {own} if own and WING[wing] >= WING[own]]
    assert not found, "\n".join(found)


def test_every_room_has_a_floor():
    rooms = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert rooms <= set(FLOOR), f"rooms without a floor: {sorted(rooms - set(FLOOR))}"


@pytest.mark.parametrize(
    ("module", "source", "allowed"),
    [
        ("darkbeauty.dark.thermo", "from darkbeauty.inputs import SMInputs", True),
        ("darkbeauty.dark.thermo", "from darkbeauty.dark.annihilation import x", True),
        ("darkbeauty.dark.thermo", "from .annihilation import x", True),
        ("darkbeauty.dark.thermo", "from darkbeauty.flavour import modes", False),
        ("darkbeauty.dark.thermo", "from ..flavour import modes", False),
        ("darkbeauty.dark.thermo", "def f():\n    import darkbeauty.prediction", False),
        ("darkbeauty.dark.thermo", "if TYPE_CHECKING:\n    from darkbeauty.likelihoods import x", False),
        ("darkbeauty.dark.thermo", "from darkbeauty import likelihoods", False),
        ("darkbeauty.dark.thermo", "import darkbeauty as db", False),
        ("darkbeauty.dark.thermo", "importlib.import_module('darkbeauty.cli')", False),
        ("darkbeauty.units", "from darkbeauty.errors import Problem", False),
        ("darkbeauty.cli", "def f():\n    import darkbeauty as db\n    from darkbeauty.report import page", True),
        ("darkbeauty.models.base", "import jax.numpy as jnp", True),
    ],
)
def test_the_rule_bites(module: str, source: str, allowed: bool):
    assert (not violations(source, module)) == allowed


# -- importing ----------------------------------------------------------------------------------------------------------------------------

IMPORT_EVERYTHING = """
import importlib, json, pkgutil, time
import jax
before = dict(jax.config.values)
start = time.process_time()
import darkbeauty
public = {name: type(getattr(darkbeauty, name)).__name__ for name in darkbeauty.__all__}
seconds = time.process_time() - start
for module in pkgutil.walk_packages(darkbeauty.__path__, "darkbeauty."):
    importlib.import_module(module.name)
changed = [name for name, value in jax.config.values.items() if before.get(name) != value]
print(json.dumps({"seconds": seconds, "changed": changed, "x64": jax.config.jax_enable_x64,
                  "arrays": len(jax.live_arrays()), "public": public}))
"""


def run_python(code: str) -> str:
    """stdout of a fresh interpreter that sees the sources and none of this process's JAX settings."""
    env = {name: os.environ[name] for name in os.environ if not name.startswith(("JAX_", "PYTHONDONTWRITEBYTECODE"))}
    env["PYTHONPATH"] = str(PACKAGE.parent)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_creates_no_array_and_changes_no_setting():
    found = json.loads(run_python(IMPORT_EVERYTHING))
    if found["seconds"] > 5.0:  # the first time in a new environment everything is compiled to bytecode
        found = json.loads(run_python(IMPORT_EVERYTHING))
    assert found["arrays"] == 0
    assert found["changed"] == []
    assert found["x64"] is False
    assert found["seconds"] < 5.0
    assert "module" not in found["public"].values()


def test_a_public_name_stays_itself_when_its_module_is_imported_first():
    code = "import darkbeauty.prediction, darkbeauty as db; print(*(callable(getattr(db, n)) for n in db.__all__))"
    assert set(run_python(code).split()) == {"True"}


def test_the_command_line_starts_without_jax():
    code = "import sys, darkbeauty.cli; print(*sorted({'jax', 'numpy', 'equinox'} & set(sys.modules)))"
    assert run_python(code).split() == []


# -- the sources --------------------------------------------------------------------------------------------------------------------------


def test_files_stay_small():
    long = {module_name(path): n for path in FILES if (n := len(path.read_text("utf-8").splitlines())) > MAX_LINES}
    assert not long


def test_nothing_sweeps_nan_under_the_carpet():
    forbidden = {"nan_to_num", "nansum"}
    found = [
        f"{module_name(path)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in forbidden
    ]
    assert not found


def test_everything_public_has_a_docstring():
    missing = []
    for path in FILES:
        tree = ast.parse(path.read_text("utf-8"))
        if not ast.get_docstring(tree):
            missing.append(module_name(path))
        missing += [
            f"{module_name(path)}.{node.name}"
            for node in tree.body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]
    assert not missing, "\n".join(missing)


# -- the registry -------------------------------------------------------------------------------------------------------------------------


def test_observables_have_unique_names():
    names = [observable.name for observable in REGISTRY]
    assert len(names) == len(set(names))


def test_observables_say_what_they_are_and_where_from():
    for observable in REGISTRY:
        assert observable.about, observable.name
        assert observable.tex, observable.name
        assert isinstance(observable.references, tuple), f"{observable.name}: references must be a tuple"
        assert observable.references and all(observable.references), observable.name
        assert set(observable.of) <= set(SECTORS), observable.name


def test_observables_are_named_functions_that_can_be_shared():
    for observable in REGISTRY:
        assert observable.sources, observable.name
        for source in observable.sources:
            assert isinstance(source, Source)
            assert source.function.__name__ != "<lambda>", observable.name
            hash(source)
