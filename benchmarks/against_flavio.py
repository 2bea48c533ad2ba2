"""What a point costs in darkbeauty and in flavio: the same observables, the same machine, taking turns in one run.

    python benchmarks/against_flavio.py [--flavio-python PYTHON] [--rounds 5] [--json runs/against_flavio.json]

Two sets of observables: 60 of b → sℓℓ, and every binned one that the measurement set holds. A point is a new pair (C₉, C₁₀); flavio's caches are
warm and its parameters central, as in a scan of Wilson coefficients. darkbeauty uses its tables of quadratic forms and is compiled before; the time that took is listed. In every round
both compute once, one after the other. The table gives medians of CPU time, all threads together, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

if "--serve" not in sys.argv:  # flavio's interpreter need not have these
    import jax
    import numpy as np

    import darkbeauty as db
    from darkbeauty.inputs.measurements import load_measurements

BATCH = 1024
ANGULAR = ("FL", "S3", "S4", "S5", "AFB", "S7", "S8", "S9", "dBR/dq2")
LOW = ("0.1,0.98", "1.1,2.5", "2.5,4", "4,6")
SIXTY = (
    *(f"<{name}>(B0->K*mumu)[{q2}]" for name in ANGULAR for q2 in (*LOW, "15,19")),
    *(f"<dBR/dq2>(B+->Kmumu)[{q2}]" for q2 in (*LOW[1:], "15,19")),
    *(f"<dBR/dq2>(Bs->phimumu)[{q2}]" for q2 in (*LOW, "15,18.9")),
    *(f"{name}[1.1,6]" for name in ("<Rmue>(B+->Kll)", "<Rmue>(B0->K*ll)", "<FL>(Bs->phimumu)", "<S3>(Bs->phimumu)")),
    "BR(Bs->mumu)",
    "BR(B->Xsgamma)",
)
GRADIENTS = {
    "wet": {"C9_bsmumu": -0.9, "C10_bsmumu": 0.2, "C9p_bsmumu": 0.1, "C10p_bsmumu": -0.1},
    "lmu_ltau_s1": {"y": 0.2, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7},
}


# -- flavio: a second process that computes a point whenever it is asked ------------------------------------------------------------------


def serve() -> None:
    """First line in: list of observables. Every further line: a point {coefficient: value}; out: seconds it took, and the values."""
    import flavio

    requests = [split(label) for label in json.loads(sys.stdin.readline())]
    print(json.dumps(flavio.__version__), flush=True)
    for line in sys.stdin:
        start = time.process_time()
        coefficients = flavio.WilsonCoefficients()
        coefficients.set_initial(json.loads(line), scale=4.8)
        values = [float(flavio.np_prediction(name, coefficients, *bin).real) for name, *bin in requests]
        print(json.dumps([time.process_time() - start, values]), flush=True)


def split(label: str) -> list:
    """[name, q2min, q2max] of an observable, or [name]."""
    name, _, bracket = label.partition("[")
    return [name, *(float(text) for text in bracket.rstrip("]").split(",") if bracket)]


class Flavio:
    """The other process."""

    def __init__(self, python: str, observables: tuple[str, ...]):
        command = [python, "-W", "ignore", __file__, "--serve"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)
        self.version = self._ask(list(observables))

    def point(self, coefficients: dict[str, float]) -> tuple[float, list[float]]:
        return tuple(self._ask(coefficients))

    def _ask(self, message) -> object:
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


# -- darkbeauty ---------------------------------------------------------------------------------------------------------------------------


def measured() -> tuple[str, ...]:
    """Every binned observable of the current measurements, each once."""
    current = (block for block in load_measurements().values() if block.status == "current")
    labels = [label for block in current for label in block.observables if "[" in label]
    return tuple({tuple(split(label)): label for label in labels}.values())


class Part:
    """A compiled function with the points it is timed at, and the seconds its first call took."""

    def __init__(self, function: Callable, point: Callable[[], dict], size: int = 1):
        self.function, self.point, self.size, self.times = jax.jit(function), point, size, []
        self.compilation = self._run(point())[0]

    def time(self, point: dict | None = None) -> object:
        """Values at a point, the seconds kept."""
        seconds, values = self._run(self.point() if point is None else point)
        self.times.append(seconds / self.size)
        return values

    def _run(self, point: dict) -> tuple[float, object]:
        start = time.process_time()
        values = jax.block_until_ready(self.function(point))
        return time.process_time() - start, values


def parts(observables: tuple[str, ...], rng) -> dict[str, Part]:
    """What is timed of darkbeauty; the first is what flavio does too."""
    predict = db.predictor("wet", observables, tables=True)
    draw = lambda *shape: {name: rng.uniform(-1.0, 1.0, shape) for name in ("C9_bsmumu", "C10_bsmumu")}
    near = lambda point: lambda: {name: value * rng.uniform(0.98, 1.02) for name, value in point.items()}
    many = lambda table: jax.lax.map(predict, table, batch_size=128)
    found = {"one point": Part(predict, draw), f"per point of {BATCH}": Part(many, lambda: draw(BATCH), BATCH)}
    for model, point in GRADIENTS.items():
        gradient = jax.jacfwd(db.predictor(model, observables, tables=True))
        found[f"gradient by {len(point)} parameters, {model}"] = Part(gradient, near(point))
    return found


def compare(name: str, observables: tuple[str, ...], python: str, rounds: int) -> dict:
    """One set of observables: medians of the seconds, and how far the two codes are apart in units of 0.5 % or 0.003."""
    timed = parts(observables, np.random.default_rng(5))
    flavio, seconds, apart = Flavio(python, observables), [], 0.0
    flavio.point({"C9_bsmumu": 0.0})  # fills its caches
    for _ in range(rounds):
        first, *others = timed.values()
        point = first.point()
        ours = np.asarray(first.time(point))
        took, theirs = flavio.point({key: float(value) for key, value in point.items()})
        seconds.append(took)
        for part in others:
            part.time()
        absolute = np.where(["BR" in label for label in observables], 0.0, 3e-3)
        tolerance = np.maximum(5e-3 * np.abs(theirs), absolute)
        apart = max(apart, float(np.max(np.abs(ours - theirs) / tolerance)))
    flavio.process.communicate()  # ends it
    medians = {"flavio, one point": median(seconds)} | {key: median(part.times) for key, part in timed.items()}
    compilation = {key: part.compilation for key, part in timed.items()}
    head = {"set": name, "observables": len(observables), "flavio": flavio.version}
    return head | {"seconds": medians, "compilation": compilation, "apart": apart}


# -- the run ------------------------------------------------------------------------------------------------------------------------------


def table(results: list[dict]) -> str:
    """Markdown: times, and how many times faster than flavio (whose gradient by central differences is 8 points)."""
    row = lambda *cells: "| " + " | ".join(cells) + " |"
    lines = [row("", *(f"{one['set']} ({one['observables']})" for one in results)), "|---|" + "---:|" * len(results)]
    for key in results[0]["seconds"]:
        cells = []
        for one in results:
            flavio, took = one["seconds"]["flavio, one point"], one["seconds"][key]
            same = flavio * (8.0 if key.startswith("gradient") else 1.0)
            cells.append(f"{1e3 * took:.3g} ms" + ("" if key.startswith("flavio") else f" ({same / took:.3g} ×)"))
        lines.append(row(key, *cells))
    lines.append(row("compilation of these", *(f"{sum(one['compilation'].values()):.0f} s" for one in results)))
    lines.append(row("largest difference, of 0.5 % or 0.003", *(f"{one['apart']:.2f}" for one in results)))
    return "\n".join(lines)


def environment() -> dict[str, object]:
    """Device, versions, flags, date."""
    device = {"device": jax.devices()[0].device_kind, "flags": os.environ.get("XLA_FLAGS", ""), "cores": os.cpu_count()}
    versions = {"python": platform.python_version(), "jax": jax.__version__, "darkbeauty": version("darkbeauty")}
    return {"date": datetime.date.today().isoformat()} | device | versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flavio-python", default=sys.executable, help="interpreter that has flavio")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, default=Path("runs/against_flavio.json"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    jax.config.update("jax_enable_x64", True)
    results: list[dict] = []
    given.json.parent.mkdir(parents=True, exist_ok=True)
    print(json.dumps(environment()))
    for name, labels in {"60 of b → sℓℓ": SIXTY, "measured": measured()}.items():
        results.append(compare(name, labels, given.flavio_python, given.rounds))
        given.json.write_text(json.dumps({**environment(), "results": results}, indent=1, ensure_ascii=False), "utf-8")
    print(table(results))


if __name__ == "__main__":
    main()
