"""Effective samples per second of fits, and where the time of a run goes.

    python benchmarks/sampling.py [FIT …] [--chains 4] [--draws 500] [--json runs/sampling.json]

Each fit is run with its own settings unless chains or draws are given; without FIT, the demonstration. The rate is the smallest bulk effective sample size of
a parameter over the elapsed seconds of sampling alone, and on a CPU over its CPU seconds too; the stages before it (likelihood, coordinates, compilation
with warm-up) are listed, elapsed. On a CPU chains are divided among its cores; on a GPU many chains pay: --chains 1024.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from measuring import begin, markdown, parser, report, write

import darkbeauty as db
from darkbeauty.inference.run import execute
from darkbeauty.inference.sharding import use_every_core

DEMONSTRATION = Path(__file__).resolve().parents[1] / "fits" / "lmu_ltau_s1_quick_nuts.toml"
BEFORE = ("likelihood", "coordinates", "compilation", "warm-up")


class Stages:
    """Elapsed and CPU seconds of each stage of a run, from the calls of its progress."""

    def __init__(self):
        self.elapsed: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self._stage, self._since = "", self._now()

    def __call__(self, stage: str, done: int, diverging: int) -> None:
        now = self._now()
        if self._stage:
            for seconds, end, start in zip((self.elapsed, self.cpu), now, self._since):
                seconds[self._stage] = seconds.get(self._stage, 0.0) + end - start
        self._stage, self._since = stage, now

    def _now(self) -> tuple[float, float]:
        return time.perf_counter(), time.process_time()


def sampling(seconds: dict[str, float]) -> float:
    """Seconds of what is not preparation."""
    return sum(value for stage, value in seconds.items() if stage not in BEFORE)


def measure(path: Path, draws: int | None, chains: int | None) -> dict[str, Any]:
    """One run."""
    stages = Stages()
    fit = db.load_fit(path)
    run = execute(fit, draws=draws, chains=chains, progress=stages)
    stages("", 0, 0)
    sampler = fit.sampler
    return {
        "fit": fit.name,
        "chains": chains or sampler.chains,
        "draws": draws or sampler.draws,
        "seconds": stages.elapsed,
        "cpu_seconds": stages.cpu,
        "ess": min(row.ess_bulk for row in run.summary),
        "r_hat": max(row.r_hat for row in run.summary),
        "divergences": run.verdict.divergences,
        "missed": list(run.verdict.missed),
    }


def table(results: list[dict]) -> str:
    rows = []
    for one in results:
        stages = [f"{one['seconds'].get(name, 0.0):.0f} s" for name in BEFORE]
        took, cpu = sampling(one["seconds"]), sampling(one["cpu_seconds"])
        numbers = [
            f"{one['ess']:.0f}",
            f"{one['r_hat']:.3f}",
            f"{one['ess'] / took:.3g}/s",
            f"{one['ess'] / cpu:.3g}/s",
        ]
        rows.append([one["fit"], f"{one['chains']} × {one['draws']}", *stages, f"{took:.0f} s", *numbers])
    head = ["fit", "chains × draws", *BEFORE, "sampling", "ESS", "R̂", "ESS per second", "per CPU second"]
    return markdown(head, rows, left=2)


def main() -> None:
    options = parser(__doc__, "sampling")
    options.add_argument("fits", nargs="*", type=Path, default=[DEMONSTRATION], metavar="FIT")
    options.add_argument("--chains", type=int)
    options.add_argument("--draws", type=int)
    given = options.parse_args()
    begin()
    use_every_core()
    results: list[dict] = []
    for path in given.fits:
        results.append(measure(path, given.draws, given.chains))
        write(given.json, results)
    report(given.json, results, table(results))


if __name__ == "__main__":
    main()
