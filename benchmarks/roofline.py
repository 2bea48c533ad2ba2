"""How close a likelihood comes to what the machine can do: operations and bytes of a batch against ceilings measured in the same run.

    python benchmarks/roofline.py [--preset lmu_ltau_s1/global] [--chunk 16] [--json runs/roofline.json]

Operations and bytes are those that XLA counts for one compiled step of `chunk` points: every array written and read between two kernels counts as traffic,
also where a cache keeps it, and a logarithm or an exponential counts as one transcendental, beside the operations. Ceilings, in float64: a product of two
large matrices, the triad a = b + s c on arrays far larger than any cache and on arrays that a cache holds, and exponentials of the latter. The time a step needs at least is
the largest of operations, bytes and transcendentals over their ceilings; the fraction is that time over the measured one. What part of a step's time is there whatever
the number of its points, for starting kernels, comes from a second step with a quarter of them. All times are elapsed ones, the shortest of many.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from fits import functions
from measuring import POINTS, around, begin, markdown, on_cpu, parser, report

import darkbeauty as db
from darkbeauty.inference.sharding import TOGETHER

MATRIX, LARGE, CACHED = (1024, 2**24, 2**14) if on_cpu() else (8192, 2**28, 2**20)
REPEATED = 200
"""Sweeps over the cached arrays in one call."""
KERNEL = re.compile(r" (?:fusion|call|dot|reduce|gather|scatter|concatenate|copy|custom-call)\(")
CALLED = re.compile(r"(?:calls|to_apply)=%?([\w.-]+)")
"""What XLA runs one after the other, as the text of a compiled function names it, and the computations that are inside of these."""


def fastest(function: Callable, *arguments: Any, rounds: int) -> float:
    """Shortest elapsed time of a call: what the machine can do, whatever else it does."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - start)
    return min(times)


def ceilings(rounds: int) -> dict[str, float]:
    """Operations, bytes and exponentials per second."""
    rng = np.random.default_rng(19)
    matrix, large, cached = (jnp.asarray(rng.normal(size=n)) for n in ((MATRIX, MATRIX), LARGE, CACHED))
    product = fastest(jax.jit(lambda a: a @ a), matrix, rounds=rounds)
    triad = fastest(jax.jit(lambda b, c: b + 1.5 * c), large, large[::-1], rounds=rounds)
    swept = lambda step: jax.jit(lambda a: jax.lax.fori_loop(0, REPEATED, lambda _, a: step(a), a))
    sweep = fastest(swept(lambda a: cached + 0.5 * a), cached, rounds=rounds)
    exponential = fastest(swept(lambda a: jnp.exp(-a)), cached, rounds=rounds)
    return {
        "operations": 2.0 * MATRIX**3 / product,
        "bytes from memory": 24.0 * LARGE / triad,
        "bytes from cache": 24.0 * CACHED * REPEATED / sweep,
        "transcendentals": CACHED * REPEATED / exponential,
    }


def kernels(text: str) -> int:
    """How many kernels a compiled function starts (those in a loop counted once)."""
    inside = set(CALLED.findall(text))
    own = (part for part in text.split("\n\n") if part.strip().removeprefix("%").split(" ")[0] not in inside)
    return sum(len(KERNEL.findall(part)) for part in own)


def measure(model: str, preset: str, chunk: int, rounds: int) -> list[dict]:
    """Counts per point, the time of a point, and the part of a step's time that does not depend on how many points it has, of value and gradient."""
    arrays, every = functions(db.likelihood(model, preset))
    results = []
    for name in ("value", "gradient"):
        took = {}
        for size in (chunk // 4, chunk):
            table = around(POINTS[model], size, np.random.default_rng(23))
            many = jax.jit(jax.vmap(every[name], in_axes=(None, 0))).lower(arrays, table).compile()
            took[size] = fastest(many, arrays, table, rounds=rounds)
        cost, memory = many.cost_analysis(), many.memory_analysis()
        counts = {key: cost.get(key, 0.0) / chunk for key in ("flops", "bytes accessed", "transcendentals")}
        fixed = max(4.0 * took[chunk // 4] - took[chunk], 0.0) / 3.0
        times = {"seconds": took[chunk] / chunk, "fixed": fixed / took[chunk], "kernels": kernels(many.as_text())}
        results.append({"what": name, **times, **counts, "temporary_bytes": memory.temp_size_in_bytes / chunk})
    return results


def limits(one: dict, top: dict[str, float]) -> dict[str, float]:
    """Seconds per point that each ceiling alone would allow."""
    return {
        "operations": one["flops"] / top["operations"],
        "traffic": one["bytes accessed"] / top["bytes from cache" if on_cpu() else "bytes from memory"],
        "transcendentals": one["transcendentals"] / top["transcendentals"],
    }


def table(results: list[dict], top: dict[str, float]) -> str:
    """Markdown: the ceilings, then one row per function."""
    unit = {"operations": "Gflop/s", "transcendentals": "G exp/s"}
    lines = [[name, f"{rate / 1e9:.3g} {unit.get(name, 'GB/s')}"] for name, rate in top.items()]
    rows = []
    for one in results:
        bound = limits(one, top)
        worst = max(bound, key=lambda name: bound[name])
        counts = [f"{one[key]:.3g}" for key in ("flops", "bytes accessed", "transcendentals")]
        intensity = one["flops"] / one["bytes accessed"]
        fraction = f"{100.0 * bound[worst] / one['seconds']:.0f} % ({worst})"
        step = f"{100.0 * one['fixed']:.0f} % ({one['kernels']} kernels)"
        rows.append([one["what"], *counts, f"{intensity:.2f}", f"{1e6 * one['seconds']:.0f} µs", fraction, step])
    head = ["per point", "operations", "bytes", "transcendentals", "operations/byte", "time", "of the ceiling", "fixed"]
    return markdown(["ceiling", "measured"], lines) + "\n\n" + markdown(head, rows)


def main() -> None:
    options = parser(__doc__, "roofline")
    options.add_argument("--preset", default="lmu_ltau_s1/global", metavar="MODEL/PRESET")
    options.add_argument("--chunk", type=int, help="points of a step; default: 16 on a CPU, 16384 elsewhere")
    given = options.parse_args()
    begin(cold=False)
    chunk = given.chunk or (TOGETHER if on_cpu() else 16384)
    top = ceilings(given.rounds)
    results = measure(*given.preset.split("/"), chunk, given.rounds)
    text = table(results, top)
    report(given.json, results, text, ceilings=top, chunk=chunk, limits=[limits(one, top) for one in results])


if __name__ == "__main__":
    main()
