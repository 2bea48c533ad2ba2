"""Likelihoods per second over batch sizes from 1 to a million, and how much memory a large batch takes.

    python benchmarks/devices.py [--preset lmu_ltau_s1/global] [--sizes 1 16 256 4096 65536] [--what value gradient] [--memory 65536] [--json runs/devices.json]

Float64, on whatever device JAX finds; on a machine with a GPU a second run with JAX_PLATFORMS=cpu gives the other column, where every core is a device. Batches go the way of
scans (`darkbeauty.inference.sharding.Spread`): a chunk of points in one vectorised step, 16 on a core, on a GPU the best of several. Times are elapsed ones, with
all transfers. Peak memory is that of a process that evaluates one batch of that many points.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

import jax
import numpy as np
from fits import functions
from measuring import POINTS, around, begin, markdown, on_cpu, parser, peak_memory, report, write

import darkbeauty as db
from darkbeauty.inference.sharding import ACCELERATED, TOGETHER, Spread, use_every_core

SIZES = (1, 16, 256, 4096, 32768, 10**6)
GPU_CHUNKS = (1, 16, 256, ACCELERATED, 16384, 65536)
CPU_LARGEST, CPU_BLOCK = 32768, 256
"""Beyond that a CPU's rate is known; points that its cores are given at once."""


def measure(
    model: str, preset: str, what: list[str], sizes: list[int], chunks: Sequence[int], rounds: int
) -> Iterator[list[dict]]:
    """Points per second by kind, size and chunk, more after every chunk; each is compiled once. A chunk for which there is no memory is left out."""
    rng, results = np.random.default_rng(13), []
    arrays, every = functions(db.likelihood(model, preset))
    cores = len(jax.devices())
    for name in what:
        for chunk in chunks:
            block = chunk if chunk == 1 or not on_cpu() else max(CPU_BLOCK, chunk * cores)
            run = Spread(every[name], arrays, chunk, block)
            for size in (size for size in sizes if belongs(size, chunk)):
                found = rate(run, POINTS[model], size, rounds, rng)
                results.append({"what": name, "size": size, "chunk": chunk, "per_second": found})
            yield results


def belongs(size: int, chunk: int) -> bool:
    """Whether a batch is worth taking by chunks of this size: one point alone, or, on a GPU, 300 chunks at most."""
    return size == chunk if chunk == 1 else chunk <= size <= (10**9 if on_cpu() else 300 * chunk)


def rate(run: Spread, point: dict, size: int, rounds: int, rng: np.random.Generator) -> float | None:
    """Points per elapsed second, or None where memory runs out."""
    try:
        times = []
        for _ in range(rounds + 1):  # the first one compiles
            table = {name: np.atleast_1d(column) for name, column in around(point, size, rng).items()}
            start = time.perf_counter()
            run(table)
            times.append(time.perf_counter() - start)
        return size / median(times[1:])
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return None


def memory(model: str, preset: str, points: int) -> dict:
    """Peak memory of a process, without and with one batch of likelihoods, in GB (of 1e9 bytes), and whether chunks change a result."""
    command = [sys.executable, __file__, "--preset", f"{model}/{preset}", "--child", str(points)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def child(model: str, preset: str, points: int) -> dict:
    """`memory`, in the process itself."""
    lik = db.likelihood(model, preset)
    spread = Spread(lambda lik, values: lik.log_prob(values), lik, block=min(points, 2048))
    table = around(POINTS[model], points, np.random.default_rng(17))
    few = spread({name: column[-100:] for name, column in table.items()})
    before, start = peak_memory(), time.perf_counter()
    every = spread(table)
    elapsed = time.perf_counter() - start
    same = bool(np.array_equal(every[-100:], few))
    return {"points": points, "before_gb": before, "peak_gb": peak_memory(), "seconds": elapsed, "identical": same}


def table(results: list[dict], peak: dict | None) -> str:
    """Markdown: points per second, the best chunk of each size."""
    names = list(dict.fromkeys(r["what"] for r in results))
    rows = []
    for size in sorted({r["size"] for r in results}):
        cells = []
        for name in names:
            fine = [r for r in results if (r["what"], r["size"]) == (name, size) and r["per_second"]]
            best = max(fine, key=lambda r: r["per_second"], default=None)
            cells.append(f"{best['per_second']:.3g}/s (by {best['chunk']})" if best else "–")
        rows.append([str(size), *cells])
    text = markdown(["batch", *names], rows)
    if peak:
        text += f"\n\n{peak['points']} points: {peak['peak_gb']:.2f} GB at most, {peak['before_gb']:.2f} GB before; "
        text += f"the same points in a small table give {'identical' if peak['identical'] else 'DIFFERENT'} numbers."
    return text


def main() -> None:
    options = parser(__doc__, "devices", rounds=3)
    options.add_argument("--preset", default="lmu_ltau_s1/global", metavar="MODEL/PRESET")
    options.add_argument("--what", nargs="+", choices=("value", "gradient", "forward"), default=["value", "gradient"])
    options.add_argument("--sizes", nargs="+", type=int, help="default: 1 … 10⁶, on a CPU up to 32768")
    options.add_argument(
        "--chunks", nargs="+", type=int, help="points in one step; default: 1 and what suits the device"
    )
    options.add_argument("--memory", type=int, default=65536, metavar="POINTS", help="0: not measured")
    options.add_argument("--child", type=int, default=0, help="measure memory here")
    given = options.parse_args()
    begin(cold=False)
    use_every_core()
    model, preset = given.preset.split("/")
    if given.child:
        print(json.dumps(child(model, preset, given.child)))
        return
    sizes = given.sizes or [size for size in SIZES if not on_cpu() or size <= CPU_LARGEST]
    results: list[dict[str, Any]] = []
    chunks = given.chunks or ((1, TOGETHER) if on_cpu() else GPU_CHUNKS)
    for results in measure(model, preset, given.what, sizes, chunks, given.rounds):
        write(given.json, results)
    peak = memory(model, preset, given.memory) if given.memory else None
    report(given.json, results, table(results, peak), memory=peak)


if __name__ == "__main__":
    main()
