"""What the environment says, read here and nowhere else, before any work starts."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from darkbeauty.errors import Problem, raise_if_any

BY_HAND = ("COORDINATOR_ADDRESS", "NUM_PROCESSES", "PROCESS_ID")
BY_SLURM = ("SLURM_JOB_ID", "SLURM_PROCID", "SLURM_LOCALID")
SMALLEST, STACKS = 7 * 2**28, 18 * 2**20
"""Bytes of address space without which JAX aborts before it can say why: together, and for each core (the stacks of two threads)."""
AMPLE = 6 * 2**30
"""Bytes of address space with which fits with the relic density compile (5.2 GiB on two cores)."""
QUICK, PLAIN = "--xla_llvm_disable_expensive_passes=true", "--xla_cpu_use_fusion_emitters=false"
WITHOUT_CHOICE = (0, 11)
"""The first jaxlib that may not know the second flag, and then ends the process."""
THREADS = 24
"""Threads that JAX starts, besides two for each core."""


@dataclass(frozen=True)
class Processes:
    """The processes that share a run: where they meet (empty: where Slurm says), how many they are, which one this is."""

    address: str
    count: int
    number: int


def read_processes(environ: Mapping[str, str] = os.environ) -> Processes | None:
    """The processes of COORDINATOR_ADDRESS (host:port), NUM_PROCESSES and PROCESS_ID, or those of a Slurm step; None for a process alone.

    Errors   InputError naming every variable that is missing or no number
    """
    if any(name in environ for name in BY_HAND):
        return _by_hand(environ)
    name = "SLURM_STEP_NUM_TASKS" if "SLURM_STEP_NUM_TASKS" in environ else "SLURM_NTASKS"
    if "SLURM_STEP_NODELIST" not in environ or environ.get(name, "1").strip() == "1":
        return None  # outside of a step, or its only task
    problems = _missing(
        environ, BY_SLURM, "a Slurm step of several tasks", "srun sets it; unset SLURM_NTASKS to run alone"
    )
    count = _integer(environ, name, 1, None, problems)
    number = _integer(environ, "SLURM_PROCID", 0, None if problems else count, problems)
    for other in ("SLURM_JOB_ID", "SLURM_LOCALID"):
        _integer(environ, other, 0, None, problems)
    raise_if_any(problems)
    return Processes("", count, number)


def _by_hand(environ: Mapping[str, str]) -> Processes:
    problems = _missing(
        environ, BY_HAND, "a run that several processes share", "all of them, or none: " + ", ".join(BY_HAND)
    )
    address = environ.get(BY_HAND[0], "localhost:0").strip()
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port[:6]) < 2**16):
        problems.append(Problem(BY_HAND[0], f"{address!r} is no address", "host:port"))
    count = _integer(environ, "NUM_PROCESSES", 1, None, problems)
    number = _integer(environ, "PROCESS_ID", 0, None if problems else count, problems)
    raise_if_any(problems)
    return Processes(address, count, number)


def _missing(environ: Mapping[str, str], names: tuple[str, ...], what: str, allowed: str) -> list[Problem]:
    return [Problem(name, f"is not set, as {what} needs it", allowed) for name in names if name not in environ]


def _integer(environ: Mapping[str, str], name: str, low: int, high: int | None, problems: list[Problem]) -> int:
    """An integer with low ≤ value < high; `low`, with a problem, where the variable is none."""
    text = environ.get(name, str(low)).strip()
    if text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) and (high is None or int(text) < high):
        return int(text)
    allowed = f"at least {low}" if high is None else f"{low} to {high - 1}"
    problems.append(Problem(name, f"{text!r} is not an integer that it may be", allowed))
    return low


def cores() -> int:
    """Cores that this process may use."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()) or 1


def says_how_many_devices() -> bool:
    """Whether XLA_FLAGS has a number of devices of the CPU."""
    return "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", "")


def compile_quickly() -> None:
    """Leave out LLVM's expensive passes and, where XLA has a choice, its emitters of fusions, unless XLA_FLAGS says otherwise: a third of the compilation, half of its memory."""
    flags = os.environ.get("XLA_FLAGS", "")
    quick = [QUICK, *([PLAIN] if jaxlib_version() < WITHOUT_CHOICE else [])]
    os.environ["XLA_FLAGS"] = " ".join(filter(None, [flags, *(f for f in quick if f.split("=")[0] not in flags)]))


def jaxlib_version() -> tuple[int, ...]:
    """Of the installed jaxlib, which is not imported."""
    return tuple(int(part) for part in version("jaxlib").split(".")[:2])


def compile_quietly() -> None:
    """Only what ends the process is said by XLA's own log, whose alarm of a slow compilation asks to file a bug: errors come as exceptions."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def draw_into_files() -> None:
    """No window for pictures, whatever MPLBACKEND says."""
    os.environ["MPLBACKEND"] = "Agg"


def cache_folder(environ: Mapping[str, str] = os.environ) -> tuple[Path | None, str]:
    """$DARKBEAUTY_CACHE, or darkbeauty/jax in the user's cache folder; None, and why, where it cannot be used."""
    try:
        user = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(environ.get("DARKBEAUTY_CACHE") or user / "darkbeauty" / "jax").expanduser()
    except RuntimeError:  # no HOME, and a user that the system does not know
        return None, "" if "DARKBEAUTY_CACHE" not in environ else "there is no home folder for DARKBEAUTY_CACHE"
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o755, parents=True)
            folder.chmod(folder.stat().st_mode & ~0o022)
    except (OSError, ValueError) as error:
        return None, f"{folder} cannot be made: {getattr(error, 'strerror', None) or error}"
    reason = distrust(folder)
    return (None, reason) if reason else (folder, "")


def distrust(folder: Path) -> str:
    """Why programs and numbers must not be taken from a folder: others may have put them there. Empty where all is well."""
    try:
        status = folder.stat()
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}"
    if not hasattr(os, "getuid"):
        return ""
    if status.st_uid not in (os.getuid(), 0):
        return f"{folder} belongs to another user"
    if status.st_mode & stat.S_IWOTH:
        return f"everyone can write into {folder} (chmod o-w makes it yours)"
    return ""


def limit_problems() -> list[Problem]:
    """Limits of memory and of threads under which JAX would abort without a word."""
    return [*_memory_problems(), *_thread_problems()]


def _memory_problems() -> list[Problem]:
    needed = SMALLEST + cores() * STACKS
    return [
        Problem(name, f"{limit // 2**20} MiB of address space are not enough", f"{needed // 2**20} MiB")
        for name, limit in _address_space().items()
        if limit < needed
    ]


def scarce_memory() -> str:
    """A limit that is enough to start, and not for every fit; empty where there is none."""
    low = [f"{limit // 2**20} MiB ({name})" for name, limit in _address_space().items() if limit < AMPLE]
    if not low:
        return ""
    return f"a fit with the relic density compiles in {AMPLE // 2**20} MiB of address space; with {low[0]} it may be aborted"


def _address_space() -> dict[str, int]:
    """Limits that the shell has set, in bytes."""
    try:
        import resource
    except ImportError:
        return {}
    limits = {"ulimit -v": resource.RLIMIT_AS, "ulimit -d": resource.RLIMIT_DATA}
    soft = {name: resource.getrlimit(limit)[0] for name, limit in limits.items()}
    return {name: limit for name, limit in soft.items() if limit != resource.RLIM_INFINITY}


def _thread_problems() -> list[Problem]:
    """Found by starting as many as JAX does: a user's limit counts those of other processes, a container has one of its own."""
    wanted, enough, started = THREADS + 2 * cores(), threading.Event(), []
    usual = threading.stack_size(2**16)
    try:
        for _ in range(wanted):
            thread = threading.Thread(target=enough.wait)
            thread.start()
            started.append(thread)
    except RuntimeError:
        message = f"only {len(started)} threads can be started (limit of the user, or of a container)"
        return [Problem("ulimit -u", message, f"{wanted} at least")]
    finally:
        enough.set()
        for thread in started:
            thread.join()
        threading.stack_size(usual)
    return []
