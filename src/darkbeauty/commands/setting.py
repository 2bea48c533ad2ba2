"""What a command needs before it computes: float64, a kept cache of compiled programs, a fit, a folder for its output."""

from __future__ import annotations

import glob
import re
import sys
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from darkbeauty.environment import (
    cache_folder,
    compile_quickly,
    compile_quietly,
    draw_into_files,
    limit_problems,
    read_processes,
    scarce_memory,
)
from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.files import check_folder
from darkbeauty.terminal import console

PICTURES = (".png", ".pdf", ".svg")
DAMAGED = re.compile(r"Error reading persistent compilation cache entry for '([^']+)'")
STANDARD = {"jax_enable_x64": True, "jax_numpy_dtype_promotion": "standard", "jax_numpy_rank_promotion": "allow"}
"""Settings of JAX that this code is written for, whatever the environment says."""


def prepare() -> None:
    """float64, compiled programs kept between runs, quick compilation, and no word on ArviZ's own future.

    Errors   InputError where the environment keeps JAX from starting
    """
    raise_if_any([*limit_problems(), *_folder_problems()])
    compile_quickly()
    compile_quietly()
    draw_into_files()
    try:
        import jax
    except ValueError as error:  # of a variable JAX_…
        raise InputError([Problem("environment", str(error))]) from error
    warnings.filterwarnings("ignore", r"\s*ArviZ is undergoing", FutureWarning)
    for name, value in STANDARD.items():
        jax.config.update(name, value)
    folder, reason = cache_folder()
    if folder:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
        _replace_damaged(folder)
    elif reason:
        _say_once(f"warning: compiled programs are not kept: {reason}")


def prepare_all(resumed: Path | None = None) -> None:
    """`prepare`, for a command that several processes may share; a process alone has a device per core, or as many as the run in the folder `resumed` began with."""
    problems: list[Problem] = []
    attempt(prepare, problems)
    attempt(read_processes, problems)
    raise_if_any(problems)
    from darkbeauty.inference.sharding import join_processes

    join_processes(_devices(resumed) if resumed else None)


def read_fit(file: Path, folder: Path | None = None, resume: bool = False) -> Any:
    """A validated fit, in float64, whose output can be written into a folder; to resume a run, with the devices that it began with.

    Errors   InputError listing every problem of the file and of the folder
    """
    prepare_all(folder if resume else None)
    if reason := scarce_memory():
        _say_once(f"warning: {reason}")
    from darkbeauty.inference import load_fit

    problems: list[Problem] = []
    loaded = attempt(lambda: load_fit(file), problems)
    raise_if_any([*problems, *(check_folder(folder) if folder else [])])
    return loaded


def check_picture(file: Path) -> list[Problem]:
    """What keeps a picture from being written."""
    problems = check_folder(file.parent)
    if not problems and (file.suffix.lower() not in PICTURES or file.is_dir()):
        problems.append(Problem("--out", f"{file} does not end like a picture", ", ".join(PICTURES)))
    return problems


def _devices(folder: Path) -> int | None:
    from darkbeauty.inference.storage.checkpoint import recorded_devices

    return recorded_devices(folder)


def _folder_problems() -> list[Problem]:
    """A working folder that was removed under the shell: libraries ask for it as they are imported."""
    try:
        Path.cwd()
    except OSError as error:
        return [Problem("working folder", f"cannot be used: {error.strerror}")]
    return []


@lru_cache
def _replace_damaged(folder: Path) -> None:
    """Remove compiled programs that JAX finds damaged: it warns of one, compiles it, and would never write over it."""
    show = warnings.showwarning

    def remove(message: Any, *rest: Any, **more: Any) -> None:
        if (match := DAMAGED.match(str(message))) is None:
            show(message, *rest, **more)
            return
        for path in folder.glob(f"{glob.escape(match[1])}-*"):
            path.unlink(missing_ok=True)

    warnings.filterwarnings("always", DAMAGED.pattern)
    warnings.showwarning = remove


@lru_cache
def _say_once(text: str) -> None:
    console(sys.stderr).print(text, soft_wrap=True, markup=False)
