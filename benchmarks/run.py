"""Every benchmark, one after the other, each in a process of its own: tables to the screen and to runs/benchmarks.md, JSON into runs/.

    python benchmarks/run.py [--only starts devices …] [--quick] [--minutes N] [--flavio-python PYTHON] [--smelli-python PYTHON]

Two hours on two cores, most of it compilation; --quick leaves out presets other than lmu_ltau_s1/global and large batches: half an hour. On a machine with a GPU
(pip install ".[gpu]") everything runs there, and `devices` and `sampling` a second time on the CPU beside it; what only a GPU can tell comes first. --minutes ends the
whole after so long, for a machine that is lent: what was measured by then is in runs/. A code that is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CPU = {"JAX_PLATFORMS": "cpu"}
GLOBAL = "lmu_ltau_s1/global"


def has(python: str, package: str) -> bool:
    """Whether an interpreter can import a package."""
    return not subprocess.run([python, "-c", f"import {package}"], capture_output=True).returncode


def has_gpu() -> bool:
    code = "import sys, jax; sys.exit(jax.default_backend() == 'cpu')"
    return not subprocess.run([sys.executable, "-c", code], capture_output=True).returncode


Steps = dict[str, tuple[list[str], dict[str, str]]]
"""Name → (script with its arguments, changes of the environment)."""


def on_gpu(quick: bool) -> Steps:
    """What only a machine with a GPU can tell, the most important first: likelihoods and effective samples per second there and on the CPU beside it."""
    few = ["--sizes", "1", "4096", "32768", *([] if quick else ["1000000"])]
    many = ["--chunks", "1", "4096", "32768"]
    value = lambda device: [
        "devices.py",
        *few,
        "--what",
        "value",
        "--memory",
        "0",
        "--json",
        f"runs/{device}_value.json",
    ]
    return {
        "devices_value": ([*value("devices"), *many], {}),
        "devices_value_cpu": (value("devices_cpu"), CPU),
        "sampling_many": (
            ["sampling.py", "--chains", "1024", "--draws", "100", "--json", "runs/sampling_many.json"],
            {},
        ),
        "sampling_cpu": (["sampling.py", "--json", "runs/sampling_cpu.json"], CPU),
        "devices_gradient_cpu": (
            ["devices.py", "--sizes", "1", "4096", "--what", "gradient", "--json", "runs/devices_cpu_gradient.json"],
            CPU,
        ),
    }


def steps(given: argparse.Namespace) -> Steps:
    quick = given.quick
    found: Steps = on_gpu(quick or given.minutes is not None) if has_gpu() else {}
    found |= {
        "devices": (["devices.py", *(["--sizes", "1", "4096"] if quick else [])], {}),
        "roofline": (["roofline.py"], {}),
        "fits": (["fits.py", *(["--preset", GLOBAL] if quick else [])], {}),
        "starts": (["starts.py"], {}),
        "relic_density": (["relic_density.py", *(["--method", "freeze-out"] if quick else [])], {}),
        "sampling": (["sampling.py"], {}),
    }
    for code, python in (("flavio", given.flavio_python), ("smelli", given.smelli_python)):
        if has(python, code):
            short = ["--sets", "sixty"] if quick and code == "flavio" else []
            found[f"against_{code}"] = ([f"against_{code}.py", f"--{code}-python", python, *short], CPU)
        else:
            print(f"left out: {python} has no {code}")
    return found


def run(command: list[str], changes: dict[str, str], left: float | None) -> tuple[str, bool]:
    """What a script printed, and whether it did all it should within the seconds that are left."""
    script, *arguments = command
    line = [sys.executable, str(FOLDER / script), *arguments]
    kept = {"JAX_COMPILATION_CACHE_DIR": str(Path("runs/cache").absolute())}
    environment = {**os.environ, **kept, **changes}
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=left)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # and what it started
        return process.communicate()[0] + "out of time\n", False
    return printed, not process.returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of them")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--minutes", type=float, help="stop after so many")
    parser.add_argument("--flavio-python", default=sys.executable, help="interpreter that has flavio")
    parser.add_argument("--smelli-python", default=sys.executable, help="interpreter that has smelli")
    given = parser.parse_args()
    Path("runs").mkdir(exist_ok=True)
    failed, parts = [], []
    end = None if given.minutes is None else time.monotonic() + 60.0 * given.minutes
    for name, (command, changes) in steps(given).items():
        left = None if end is None else end - time.monotonic()
        if (given.only and name not in given.only) or (left is not None and left <= 0.0):
            continue
        print(f"\n## {name}\n", flush=True)
        printed, fine = run(command, changes, left)
        print(printed, flush=True)
        parts.append(f"## {name}\n\n{printed}")
        Path("runs/benchmarks.md").write_text("\n".join(parts), encoding="utf-8")
        if not fine:
            failed.append(name)
    if failed:
        sys.exit(f"failed or cut short: {', '.join(failed)}")


if __name__ == "__main__":
    main()
