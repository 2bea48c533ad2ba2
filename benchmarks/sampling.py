"""Effective samples per second of fits, and where the time of a run goes.

    python benchmarks/sampling.py [FIT …] [--chains 4] [--draws 500] [--json runs/sampling.json]

Each fit is run with its own settings unless chains or draws are given; without FIT, the demonstration. The rate is the smallest bulk effective sample size of
a parameter over the seconds of sampling alone, CPU seconds on a CPU; the stages before it (likelihood, coordinates, compilation with warm-up) are
listed. On a GPU many chains pay: --chains 1024.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from measuring import begin, clock, markdown, parser, report, write

import darkbeauty as db
from darkbeauty.inference.run import execute

DEMONSTRATION = Path(__file__).resolve().parents[1] / "fits" / "lmu_ltau_s1_quick.toml"
BEFORE = ("likelihood", "coordinates", "compilation", "warm-up")


class Stages:
    """Seconds of each stage of a run, from the calls of its progress."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._stage, self._since = "", clock()

    def __call__(self, stage: str, done: int, diverging: int) -> None:
        now = clock()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now


def measure(path: Path, draws: int | None, chains: int | None) -> dict[str, Any]:
    """One run."""
    stages = Stages()
    fit = db.load_fit(path)
    run = execute(fit, draws=draws, chains=chains, progress=stages)
    stages("", 0, 0)
    sampler = fit.file.sampler
    return {
        "fit": fit.name,
        "chains": chains or sampler.chains,
        "draws": draws or sampler.draws,
        "seconds": stages.seconds,
        "ess": min(row.ess_bulk for row in run.summary),
        "r_hat": max(row.r_hat for row in run.summary),
        "divergences": run.verdict.divergences,
        "missed": list(run.verdict.missed),
    }


def table(results: list[dict]) -> str:
    rows = []
    for one in results:
        took = {name: value for name, value in one["seconds"].items() if name not in BEFORE}
        stages = [f"{one['seconds'].get(name, 0.0):.0f} s" for name in BEFORE]
        numbers = [f"{one['ess']:.0f}", f"{one['r_hat']:.3f}", f"{one['ess'] / sum(took.values()):.3g}/s"]
        rows.append([one["fit"], f"{one['chains']} × {one['draws']}", *stages, f"{sum(took.values()):.0f} s", *numbers])
    return markdown(["fit", "chains × draws", *BEFORE, "sampling", "ESS", "R̂", "ESS per second"], rows, left=2)


def main() -> None:
    options = parser(__doc__, "sampling")
    options.add_argument("fits", nargs="*", type=Path, default=[DEMONSTRATION], metavar="FIT")
    options.add_argument("--chains", type=int)
    options.add_argument("--draws", type=int)
    given = options.parse_args()
    begin()
    results: list[dict] = []
    for path in given.fits:
        results.append(measure(path, given.draws, given.chains))
        write(given.json, results)
    report(given.json, results, table(results))


if __name__ == "__main__":
    main()
