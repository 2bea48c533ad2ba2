"""What a likelihood costs in darkbeauty and in smelli: everything of a preset here, smelli's b → s part there, taking turns in one run.

    python benchmarks/against_smelli.py [--smelli-python PYTHON] [--preset lmu_ltau_s1/global] [--batch 1024] [--rounds 5] [--json runs/against_smelli.json]

smelli (pip install smelli "particle<1", in an environment of its own) evaluates its fast likelihood of quark observables, mostly b → sℓℓ, and that of lepton
universality in b → sℓℓ, for C₉ and C₁₀ in the weak effective theory at 4.8 GeV, with CKM elements fixed, what is fastest; its covariances are ready
and its caches warm. A point of darkbeauty has new values of all four model parameters. Both run on the same core; medians of CPU time.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

from other_code import OtherCode, serve

if "--serve" not in sys.argv:  # smelli's interpreter need not have these
    import jax
    import numpy as np
    from fits import functions
    from measuring import POINTS, around, begin, in_chunks, markdown, on_cpu, on_one_core, parser, report, seconds

    import darkbeauty as db
    from darkbeauty.inference.sharding import TOGETHER

PARTS = ("fast_likelihood_quarks_fixckm.yaml", "likelihood_lfu_fcnc.yaml")


def prepare(parts: list[str]) -> tuple[dict[str, Any], Callable[[dict[str, float]], float]]:
    """smelli's version and number of observables, and ln L over that of the Standard Model at a point {coefficient: value}."""
    from importlib.metadata import version

    from smelli import GlobalLikelihood

    whole = GlobalLikelihood(eft="WET", basis="flavio", include_likelihoods=parts, fix_ckm=True)
    every = [*whole.fast_likelihoods.values(), *whole.likelihoods.values()]
    greeting = {"smelli": version("smelli"), "observables": sum(len(one.observables) for one in every)}
    return greeting, lambda point: float(whole.parameter_point(point, scale=4.8).log_likelihood_global())


def compare(model: str, preset: str, python: str, batch: int, rounds: int) -> dict[str, Any]:
    """Median CPU seconds per point of each."""
    rng = np.random.default_rng(29)
    smelli = OtherCode(python, __file__, list(PARTS))
    lik = db.likelihood(model, preset)
    arrays, every = functions(lik)
    chunk = TOGETHER if on_cpu() else batch
    run = {
        "one point": (jax.jit(every["value"]), 1),
        f"per point of {batch}": (jax.jit(in_chunks(every["value"], chunk)), batch),
        f"with gradient, per point of {batch}": (jax.jit(in_chunks(every["gradient"], chunk)), batch),
    }
    times: dict[str, list[float]] = {name: [] for name in ("smelli, one point", *run)}
    draw = lambda: dict(zip(("C9_bsmumu", "C10_bsmumu"), rng.uniform(-1.0, 1.0, 2)))
    smelli.ask({"C9_bsmumu": 0.0})  # fills its caches
    for function, size in run.values():
        seconds(function, arrays, around(POINTS[model], size, rng))
    for _ in range(rounds):
        times["smelli, one point"].append(smelli.ask(draw())[0])
        for name, (function, size) in run.items():
            times[name].append(seconds(function, arrays, around(POINTS[model], size, rng)) / size)
    smelli.end()
    medians = {name: median(column) for name, column in times.items()}
    head = {"preset": f"{model}/{preset}", "observables": len(lik.requests), "other": smelli.greeting}
    return head | {"seconds": medians}


def table(result: dict[str, Any]) -> str:
    """Markdown: times, and how many times faster than smelli."""
    other, rows = result["seconds"]["smelli, one point"], []
    for name, took in result["seconds"].items():
        rows.append([name, f"{1e3 * took:.3g} ms", "" if name.startswith("smelli") else f"{other / took:.3g} ×"])
    counts = (
        f"{result['observables']} observables; smelli {result['other']['smelli']}: {result['other']['observables']}"
    )
    return markdown([f"{result['preset']}, {counts}", "time", "faster"], rows)


def main() -> None:
    if "--serve" in sys.argv:
        serve(prepare)
        return
    options = parser(__doc__, "against_smelli")
    options.add_argument("--smelli-python", default=sys.executable, help="interpreter that has smelli")
    options.add_argument("--preset", default="lmu_ltau_s1/global", metavar="MODEL/PRESET")
    options.add_argument("--batch", type=int, default=1024)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    on_one_core()
    begin()
    result = compare(*given.preset.split("/"), given.smelli_python, given.batch, given.rounds)
    report(given.json, result, table(result))


if __name__ == "__main__":
    main()
