"""What a point costs in darkbeauty and in flavio: the same observables, the same machine, taking turns in one run.

    python benchmarks/against_flavio.py [--flavio-python PYTHON] [--rounds 5] [--json runs/against_flavio.json]

Two sets of observables: 60 of b → sℓℓ, and every binned one that the measurement set holds. A point is a new pair (C₉, C₁₀); flavio's caches are
warm and its parameters central, as in a scan of Wilson coefficients. darkbeauty uses its tables of quadratic forms and is compiled before; the time that took is listed. In every round
both compute once, one after the other, on the same core. The table gives medians of CPU time, which other work on the machine hardly changes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from statistics import median

from other_code import OtherCode, serve

if "--serve" not in sys.argv:  # flavio's interpreter need not have these
    import jax
    import numpy as np
    from measuring import begin, clock, markdown, on_one_core, parser, report, seconds, write

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


# -- flavio, in the other process --------------------------------------------------------------------------------------------------------


def prepare(labels: list[str]) -> tuple[str, Callable[[dict[str, float]], list[float]]]:
    """flavio's version, and what it predicts at a point {coefficient: value}."""
    import flavio

    requests = [split(label) for label in labels]

    def point(values: dict[str, float]) -> list[float]:
        coefficients = flavio.WilsonCoefficients()
        coefficients.set_initial(values, scale=4.8)
        return [float(flavio.np_prediction(name, coefficients, *bin).real) for name, *bin in requests]

    return flavio.__version__, point


def split(label: str) -> list:
    """[name, q2min, q2max] of an observable, or [name]."""
    name, _, bracket = label.partition("[")
    return [name, *(float(text) for text in bracket.rstrip("]").split(",") if bracket)]


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
        self.compilation = seconds(self.function, point())

    def time(self, point: dict | None = None) -> object:
        """Values at a point, the seconds kept."""
        start = clock()
        values = jax.block_until_ready(self.function(self.point() if point is None else point))
        self.times.append((clock() - start) / self.size)
        return values


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
    flavio, times, apart = OtherCode(python, __file__, list(observables)), [], 0.0
    flavio.ask({"C9_bsmumu": 0.0})  # fills its caches
    for _ in range(rounds):
        first, *others = timed.values()
        point = first.point()
        ours = np.asarray(first.time(point))
        took, theirs = flavio.ask({key: float(value) for key, value in point.items()})
        times.append(took)
        for part in others:
            part.time()
        absolute = np.where(["BR" in label for label in observables], 0.0, 3e-3)
        tolerance = np.maximum(5e-3 * np.abs(theirs), absolute)
        apart = max(apart, float(np.max(np.abs(ours - theirs) / tolerance)))
    flavio.end()
    medians = {"flavio, one point": median(times)} | {key: median(part.times) for key, part in timed.items()}
    compilation = {key: part.compilation for key, part in timed.items()}
    head = {"set": name, "observables": len(observables), "flavio": flavio.greeting}
    return head | {"seconds": medians, "compilation": compilation, "apart": apart}


# -- the run ------------------------------------------------------------------------------------------------------------------------------


def table(results: list[dict]) -> str:
    """Markdown: times, and how many times faster than flavio (whose gradient by central differences is 8 points)."""
    rows = []
    for key in results[0]["seconds"]:
        cells = []
        for one in results:
            flavio, took = one["seconds"]["flavio, one point"], one["seconds"][key]
            same = flavio * (8.0 if key.startswith("gradient") else 1.0)
            cells.append(f"{1e3 * took:.3g} ms" + ("" if key.startswith("flavio") else f" ({same / took:.3g} ×)"))
        rows.append([key, *cells])
    rows.append(["compilation of these", *(f"{sum(one['compilation'].values()):.0f} s" for one in results)])
    rows.append(["largest difference, of 0.5 % or 0.003", *(f"{one['apart']:.2f}" for one in results)])
    return markdown(["", *(f"{one['set']} ({one['observables']})" for one in results)], rows)


def main() -> None:
    if "--serve" in sys.argv:
        serve(prepare)
        return
    options = parser(__doc__, "against_flavio")
    options.add_argument("--flavio-python", default=sys.executable, help="interpreter that has flavio")
    options.add_argument("--sets", nargs="+", choices=("sixty", "measured"), default=["sixty", "measured"])
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    on_one_core()
    begin()
    sets = {"sixty": ("60 of b → sℓℓ", lambda: SIXTY), "measured": ("measured", measured)}
    results: list[dict] = []
    for name, labels in (sets[one] for one in given.sets):
        results.append(compare(name, labels(), given.flavio_python, given.rounds))
        write(given.json, results)
    report(given.json, results, table(results))


if __name__ == "__main__":
    main()
