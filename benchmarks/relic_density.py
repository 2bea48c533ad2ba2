"""Relic densities per second: values and gradients by four parameters, one point at a time and in batches.

    python benchmarks/relic_density.py [--rounds 5] [--batch 4096] [--method freeze-out] [--json runs/relic_density.json]

Points are drawn around the models' benchmark points, new ones in every round; functions are compiled before, and the time that took is listed. Seconds are
CPU time of all threads on a CPU, which other work on the machine hardly changes, and elapsed time elsewhere; the table gives medians. The Boltzmann equation
takes about a minute per batch of 4096 on a CPU, its gradient two.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import jax
import numpy as np

import darkbeauty as db

METHODS = {"freeze-out": "Omega_h2", "boltzmann": "Omega_h2(boltzmann)"}
POINTS = {
    "lmu_ltau_s1": {"y": 0.3, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7},
    "le_lmu_r2": {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0},
}
SPREAD = 0.1
CPU_CHUNK = {"freeze-out": 32, "boltzmann": 4}
"""Points at a time, by what a cache holds."""


def clock() -> float:
    return time.process_time() if jax.default_backend() == "cpu" else time.perf_counter()


def timed(function: Callable, points: dict) -> float:
    start = clock()
    jax.block_until_ready(function(points))
    return clock() - start


def draw(point: dict[str, float], size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    shape = (size,) if size > 1 else ()
    return {name: value * rng.uniform(1.0 - SPREAD, 1.0 + SPREAD, shape) for name, value in point.items()}


def rate(
    function: Callable, point: dict[str, float], size: int, chunk: int, rounds: int, rng: np.random.Generator
) -> dict:
    """Points per second of a function of one point, mapped over `size` of them, on a CPU in chunks."""
    chunk = chunk if jax.default_backend() == "cpu" else size
    many = lambda points: jax.lax.map(function, points, batch_size=chunk)
    start = clock()
    compiled = jax.jit(function if size == 1 else many).lower(draw(point, size, rng)).compile()
    compilation = clock() - start
    seconds = median(timed(compiled, draw(point, size, rng)) for _ in range(rounds))
    return {"per_second": size / seconds, "compilation_s": compilation}


def measure(methods: list[str], rounds: int, batch: int) -> list[dict]:
    rng, results = np.random.default_rng(7), []
    for method in methods:
        label = METHODS[method]
        for name, point in POINTS.items():
            predict = db.predictor(name, [label])
            value = lambda p, predict=predict: predict(p)[0].real
            for what, function in (("value", value), ("gradient", jax.value_and_grad(value))):
                for size in (1, batch):
                    head = {"method": method, "model": name, "what": what, "batch": size}
                    results.append(head | rate(function, point, size, CPU_CHUNK[method], rounds, rng))
    return results


def table(results: list[dict]) -> str:
    """Markdown: one row per method, model and kind of result; points per second by size of batch."""
    sizes = sorted({one["batch"] for one in results})
    row = lambda *cells: "| " + " | ".join(cells) + " |"
    lines = [row("method", "model", "", *(f"batch {size}" for size in sizes), "compilation")]
    lines.append("|---|---|---|" + "---:|" * (len(sizes) + 1))
    for one in results[:: len(sizes)]:
        same = [r for r in results if all(r[key] == one[key] for key in ("method", "model", "what"))]
        rates = [f"{r['per_second']:.3g}/s" for r in same]
        lines.append(
            row(one["method"], one["model"], one["what"], *rates, f"{sum(r['compilation_s'] for r in same):.0f} s")
        )
    return "\n".join(lines)


def environment() -> dict[str, object]:
    """Device, versions, date."""
    device = {"device": jax.devices()[0].device_kind, "machine": platform.machine(), "cores": os.cpu_count()}
    versions = {"python": platform.python_version(), "jax": jax.__version__, "darkbeauty": version("darkbeauty")}
    return {"date": datetime.date.today().isoformat()} | device | versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--method", choices=METHODS, action="append", help="both unless given")
    parser.add_argument("--json", type=Path, default=Path("runs/relic_density.json"))
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    results = measure(given.method or list(METHODS), given.rounds, given.batch)
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps({**environment(), "results": results}, indent=1, ensure_ascii=False), "utf-8")
    print(json.dumps(environment()), table(results), sep="\n\n")


if __name__ == "__main__":
    main()
