"""Relic densities per second: values and gradients by four parameters, one point at a time and in batches.

    python benchmarks/relic_density.py [--rounds 5] [--batch 4096] [--method freeze-out] [--json runs/relic_density.json]

Points are drawn around the models' benchmark points, new ones in every round; functions are compiled before, and the time that took is listed. Seconds are
CPU time of all threads on a CPU, which other work on the machine hardly changes, and elapsed time elsewhere; the table gives medians. A batch of a method of
seconds a point is smaller on a CPU, and the table says how large.
"""

from __future__ import annotations

import jax
import numpy as np
from measuring import POINTS, around, begin, compiled, in_chunks, markdown, median_seconds, on_cpu, parser, report

import darkbeauty as db

METHODS = {
    "freeze-out": "Omega_h2",
    "boltzmann": "Omega_h2(boltzmann)",
    "kinetic": "Omega_h2(kinetic)",
    "phase-space": "Omega_h2(phase_space)",
}
MODELS = ("lmu_ltau_s1", "le_lmu_r2")
CPU_CHUNK = {"freeze-out": 32, "boltzmann": 32, "kinetic": 32, "phase-space": 1}
"""Points at a time, by what a cache holds."""
LARGEST_ON_CPU = {"phase-space": 8}


def measure(methods: list[str], rounds: int, batch: int) -> list[dict]:
    """Points per second of values and gradients, by size of batch; on a CPU a batch is taken in chunks."""
    rng, results = np.random.default_rng(7), []
    for method in methods:
        for model in MODELS:
            predict = db.predictor(model, [METHODS[method]])
            value = lambda tree, p, predict=predict: predict(p)[0].real
            for what, function in (("value", value), ("gradient", jax.value_and_grad(value, argnums=1))):
                largest = LARGEST_ON_CPU.get(method, batch) if on_cpu() else batch
                for size in (1, min(batch, largest)):
                    draw = lambda model=model, size=size: ((), around(POINTS[model], size, rng))
                    many = function if size == 1 else in_chunks(function, CPU_CHUNK[method] if on_cpu() else size)
                    run, compilation = compiled(many, *draw())
                    rate = size / median_seconds(run, draw, rounds)
                    head = {"method": method, "model": model, "what": what, "batch": size}
                    results.append(head | {"per_second": rate, "compilation_s": compilation})
    return results


def table(results: list[dict]) -> str:
    """Markdown: one row per method, model and kind of result; points per second by size of batch."""
    key, largest, rows = ("method", "model", "what"), max(one["batch"] for one in results), []
    for single, many in zip(results[::2], results[1::2]):
        rates = [f"{single['per_second']:.3g}/s", f"{many['per_second']:.3g}/s"]
        if many["batch"] < largest:
            rates[1] += f" ({many['batch']})"
        seconds = single["compilation_s"] + many["compilation_s"]
        rows.append([*(single[name] for name in key), *rates, f"{seconds:.0f} s"])
    return markdown(["method", "model", "", "batch 1", f"batch {largest}", "compilation"], rows, left=3)


def main() -> None:
    options = parser(__doc__, "relic_density")
    options.add_argument("--batch", type=int, default=4096)
    options.add_argument("--method", choices=METHODS, action="append", help="all unless given")
    given = options.parse_args()
    begin()
    results = measure(given.method or list(METHODS), given.rounds, given.batch)
    report(given.json, results, table(results))


if __name__ == "__main__":
    main()
