"""How long it takes to begin: import, --help, the likelihood, the first value and gradient, cold and from the cache of compiled functions.

    python benchmarks/starts.py [--preset lmu_ltau_s1/global] [--rounds 5] [--json runs/starts.json]

Every start is a process of its own; "cold" has an empty cache, "second" the one that the cold start filled. Elapsed seconds are what a user waits,
CPU seconds what other work on the machine hardly changes. "first value" counts from the start of the process.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from measuring import POINTS, markdown, parser, report

COMMANDS = {
    "import darkbeauty": [sys.executable, "-c", "import darkbeauty"],
    "import of everything a fit needs": [sys.executable, "-c", "from darkbeauty.inference import run_fit"],
    "darkbeauty --help": [str(Path(sys.executable).with_name("darkbeauty")), "--help"],
}
START = """
import json, sys, time
import jax
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_compilation_cache_dir", sys.argv[1])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
import equinox as eqx
import jax.numpy as jnp
import darkbeauty as db
model, preset, point = sys.argv[2], sys.argv[3], {k: jnp.asarray(v) for k, v in json.loads(sys.argv[4]).items()}
found = {}
def stamp(name, wall=[time.perf_counter()], cpu=[0.0]):
    now = time.perf_counter(), time.process_time()
    found[name] = now[0] - wall[0], now[1] - cpu[0]
    wall[0], cpu[0] = now
lik = db.likelihood(model, preset)
stamp("likelihood")
jax.block_until_ready(eqx.filter_jit(lambda lik, p: lik.log_prob(p))(lik, point))
stamp("compilation of the value")
jax.block_until_ready(eqx.filter_jit(lambda lik, p: jax.value_and_grad(lik.log_prob)(p))(lik, point))
stamp("compilation of value and gradient")
print(json.dumps(found))
"""


def run(command: list[str]) -> tuple[float, float, str]:
    """Elapsed and CPU seconds of a process, and what it printed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ}).stdout
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return elapsed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, printed


def commands(rounds: int) -> list[dict]:
    """Short commands, medians."""
    results = []
    for name, command in COMMANDS.items():
        run(command)  # fills the cache of the file system
        times = [run(command)[:2] for _ in range(rounds)]
        results.append({"what": name, "elapsed_s": median(t[0] for t in times), "cpu_s": median(t[1] for t in times)})
    return results


def starts(model: str, preset: str) -> list[dict]:
    """A cold and a second start, each in its parts."""
    cache, results = Path(tempfile.mkdtemp(prefix="starts-")), []
    for which in ("cold", "second"):
        command = [sys.executable, "-c", START, str(cache), model, preset, json.dumps(POINTS[model])]
        elapsed, cpu, printed = run(command)
        for name, (wall, processor) in json.loads(printed.splitlines()[-1]).items():
            results.append({"what": f"{which}: {name}", "elapsed_s": wall, "cpu_s": processor})
        gradient = results[-1]
        first = {"elapsed_s": elapsed - gradient["elapsed_s"], "cpu_s": cpu - gradient["cpu_s"]}
        results.append({"what": f"{which}: first value, everything included", **first})
    shutil.rmtree(cache)
    return results


def table(results: list[dict]) -> str:
    rows = [[r["what"], f"{r['elapsed_s']:.2f} s", f"{r['cpu_s']:.2f} s"] for r in results]
    return markdown(["", "elapsed", "CPU"], rows)


def main() -> None:
    options = parser(__doc__, "starts")
    options.add_argument("--preset", default="lmu_ltau_s1/global", metavar="MODEL/PRESET", help="or none")
    given = options.parse_args()
    results = commands(given.rounds)
    if given.preset != "none":
        results += starts(*given.preset.split("/"))
    report(given.json, results, table(results))


if __name__ == "__main__":
    main()
