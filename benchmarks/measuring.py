"""What the benchmarks share: points, clocks, compiled functions, Markdown tables, and JSON with device, versions and date."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import jax
import numpy as np

POINTS = {
    "lmu_ltau_s1": {"y": 0.2, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7},
    "le_lmu_r2": {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0},
    "wet": {"C9_bsmumu": -0.9, "C10_bsmumu": 0.2, "C9p_bsmumu": 0.1, "C10p_bsmumu": -0.1},
}
SPREAD = 0.1


def parser(description: str | None, name: str, rounds: int = 5) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--rounds", type=int, default=rounds, help="measurements; the table has their median")
    found.add_argument("--json", type=Path, default=Path(f"runs/{name}.json"))
    return found


def on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def clock() -> float:
    """CPU seconds of all threads on a CPU, which other work on the machine hardly changes; elapsed seconds elsewhere."""
    return time.process_time() if on_cpu() else time.perf_counter()


def seconds(function: Callable, *arguments: Any) -> float:
    """What one call takes."""
    start = clock()
    jax.block_until_ready(function(*arguments))
    return clock() - start


def median_seconds(function: Callable, draw: Callable[[], tuple], rounds: int) -> float:
    """Median of calls at new arguments; the first call is not counted."""
    seconds(function, *draw())
    return median(seconds(function, *draw()) for _ in range(rounds))


def compiled(function: Callable, *arguments: Any) -> tuple[Any, float]:
    """A function compiled for arguments like these, and the seconds that tracing and compiling took."""
    start = clock()
    return jax.jit(function).lower(*arguments).compile(), clock() - start


def around(point: dict[str, float], size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Points within 10 % of one: numbers for size 1, else arrays."""
    shape = (size,) if size > 1 else ()
    return {name: value * rng.uniform(1.0 - SPREAD, 1.0 + SPREAD, shape) for name, value in point.items()}


def in_chunks(function: Callable, chunk: int) -> Callable:
    """A function (tree, point) over a table of points, so many at a time."""
    return lambda tree, table: jax.lax.map(lambda point: function(tree, point), table, batch_size=chunk)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; all columns but the first `left` are aligned right."""
    line = lambda cells: "| " + " | ".join(cells) + " |"
    return "\n".join([line(head), "|" + "---|" * left + "---:|" * (len(head) - left), *map(line, rows)])


def environment() -> dict[str, Any]:
    """Device, versions, flags, date, and how busy the machine was."""
    device = {"device": jax.devices()[0].device_kind, "machine": platform.machine(), "cores": os.cpu_count()}
    versions = {"python": platform.python_version(), "jax": jax.__version__, "darkbeauty": version("darkbeauty")}
    setting = {"flags": os.environ.get("XLA_FLAGS", ""), "load": round(os.getloadavg()[0], 1)}
    return {"date": datetime.date.today().isoformat()} | device | versions | setting


def write(path: Path, results: Any, **more: Any) -> None:
    """JSON with the environment beside the results."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**environment(), **more, "results": results}, indent=1, ensure_ascii=False), "utf-8")


def report(path: Path, results: Any, table: str, **more: Any) -> None:
    """Write the JSON; print the environment and the table."""
    write(path, results, **more)
    print(json.dumps(environment(), ensure_ascii=False), table, sep="\n\n", flush=True)


def on_one_core() -> None:
    """Keep this process and those it starts on one core, where the system can: another code uses no more. Before JAX starts its threads."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def peak_memory() -> float:
    """Largest resident size of this process so far, in GB of 1e9 bytes. What getrusage says begins with that of the process that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1024e-9 * int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1e-9 * (size if sys.platform == "darwin" else 1024 * size)


def begin(cold: bool = True) -> None:
    """What every benchmark sets before anything is computed: float64, and where compilation is part of the result no compiled function from an earlier run."""
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_enable_compilation_cache", not cold)
    sys.stdout.reconfigure(line_buffering=True)
