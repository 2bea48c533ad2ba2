"""Every benchmark, one after the other, each in a process of its own: tables to the screen and to runs/benchmarks.md, JSON into runs/.

    python benchmarks/run.py [--only starts devices …] [--quick] [--flavio-python PYTHON] [--smelli-python PYTHON]

Two hours on two cores, most of it compilation; --quick leaves out presets other than lmu_ltau_s1/global and large batches: half an hour. On a machine with a GPU
(pip install ".[gpu]") everything runs there, and `devices` a second time on the CPU beside it. A code that is not installed is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
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


def steps(given: argparse.Namespace) -> dict[str, tuple[list[str], dict[str, str]]]:
    """Name → (script with its arguments, changes of the environment)."""
    quick = given.quick
    found: dict[str, tuple[list[str], dict[str, str]]] = {
        "starts": (["starts.py"], {}),
        "fits": (["fits.py", *(["--preset", GLOBAL] if quick else [])], {}),
        "devices": (["devices.py", *(["--sizes", "1", "256", "4096"] if quick else [])], {}),
        "roofline": (["roofline.py"], {}),
        "relic_density": (["relic_density.py", *(["--method", "freeze-out"] if quick else [])], {}),
        "sampling": (["sampling.py"], {}),
    }
    if has_gpu():
        sizes = ["--sizes", "1", "256", "4096", "--json", "runs/devices_cpu.json"]
        found["devices_cpu"] = (["devices.py", *sizes], CPU)
        found["sampling_many"] = (["sampling.py", "--chains", "1024", "--json", "runs/sampling_many.json"], {})
    for code, python in (("flavio", given.flavio_python), ("smelli", given.smelli_python)):
        if has(python, code):
            short = ["--sets", "sixty"] if quick and code == "flavio" else []
            found[f"against_{code}"] = ([f"against_{code}.py", f"--{code}-python", python, *short], CPU)
        else:
            print(f"left out: {python} has no {code}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="some of them")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--flavio-python", default=sys.executable, help="interpreter that has flavio")
    parser.add_argument("--smelli-python", default=sys.executable, help="interpreter that has smelli")
    given = parser.parse_args()
    Path("runs").mkdir(exist_ok=True)
    failed, parts = [], []
    for name, (command, changes) in steps(given).items():
        if given.only and name not in given.only:
            continue
        print(f"\n## {name}\n", flush=True)
        script, *arguments = command
        line = [sys.executable, str(FOLDER / script), *arguments]
        process = subprocess.run(line, stdout=subprocess.PIPE, text=True, env={**os.environ, **changes})
        print(process.stdout, flush=True)
        parts.append(f"## {name}\n\n{process.stdout}")
        Path("runs/benchmarks.md").write_text("\n".join(parts), encoding="utf-8")
        if process.returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
