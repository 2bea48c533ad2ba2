"""What a command needs before it computes: float64, a kept cache of compiled programs, a fit, a folder for its output."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from darkbeauty.errors import Problem, attempt, raise_if_any

PICTURES = (".png", ".pdf", ".svg")


def prepare() -> None:
    """float64, compiled programs kept between runs, quick compilation, and no word on ArviZ's own future."""
    flags = os.environ.get("XLA_FLAGS", "")
    if "xla_llvm_disable_expensive_passes" not in flags:  # halves compilation, costs no speed in this code
        os.environ["XLA_FLAGS"] = f"{flags} --xla_llvm_disable_expensive_passes=true".strip()
    import jax

    warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
    jax.config.update("jax_enable_x64", True)
    if folder := cache_folder():
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)


def prepare_all() -> None:
    """`prepare`, for a command that several processes may share."""
    prepare()
    from darkbeauty.inference.sharding import join_processes

    join_processes()


def read_fit(file: Path, folder: Path | None = None) -> Any:
    """A validated fit, in float64, whose output can be written into a folder.

    Errors   InputError listing every problem of the file and of the folder
    """
    prepare_all()
    from darkbeauty.inference import load_fit

    problems: list[Problem] = []
    loaded = attempt(lambda: load_fit(file), problems)
    raise_if_any([*problems, *(check_folder(folder) if folder else [])])
    return loaded


def cache_folder() -> Path | None:
    """$DARKBEAUTY_CACHE, or darkbeauty/jax in the user's cache folder; None where it cannot be made."""
    user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(os.environ.get("DARKBEAUTY_CACHE") or user / "darkbeauty" / "jax").expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    except OSError:
        return None


def check_folder(folder: Path) -> list[Problem]:
    """What keeps a folder from being made or written."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        return [Problem("--out", f"{there} is a file, not a folder")]
    if not os.access(there, os.W_OK | os.X_OK):
        return [Problem("--out", f"{there} is not writable")]
    return []


def check_picture(file: Path) -> list[Problem]:
    """What keeps a picture from being written."""
    problems = check_folder(file.parent)
    if file.suffix.lower() not in PICTURES or file.is_dir():
        problems.append(Problem("--out", f"{file} does not end like a picture", ", ".join(PICTURES)))
    return problems
