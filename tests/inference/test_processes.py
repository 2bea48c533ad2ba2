"""A fit shared by two processes is the fit of one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import arviz as az
import numpy as np
import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src"
TOY = """
name = "toy"
model = "wet"
seed = 5
[priors]
C10_bsmumu = {{ kind = "uniform", lower = -2.0, upper = 2.0 }}
C7_bs = {{ kind = "uniform", lower = -0.2, upper = 0.2 }}
[likelihood]
terms = ["BR(Bs->mumu)", "BR(B->Xsgamma)"]
[sampler]
method = "{method}"
chains = 4
draws = 200
{more}
[targets]
r_hat = 2.0
ess = 10
"""


def start(folder, out, **variables):
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    code = "from darkbeauty.cli import main; main()"
    command = [sys.executable, "-c", code, "fit", "toy.toml", "--out", out]
    env |= {"PYTHONPATH": str(SOURCES), **variables}
    return subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.parametrize(("method", "more", "tolerance"), [("smc", "", 0.0), ("nuts", "warmup = 60", 1e-6)])
def test_two_processes_give_the_posterior_of_one(method, more, tolerance, tmp_path):
    """SMC to the last bit; NUTS has other chains beside each other on a device, which moves the last digit, and short chains keep it small."""
    (tmp_path / "toy.toml").write_text(TOY.format(method=method, more=more))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        address = f"localhost:{free.getsockname()[1]}"
    shared = {"COORDINATOR_ADDRESS": address, "NUM_PROCESSES": "2"}
    processes = [start(tmp_path, "one"), *(start(tmp_path, "two", PROCESS_ID=str(i), **shared) for i in range(2))]
    outputs = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert outputs[0][0].replace("one/", "two/") == outputs[1][0] or method == "nuts"
    assert outputs[2][0] == ""
    one, two = (az.from_netcdf(str(tmp_path / name / "posterior.nc"))["posterior"] for name in ("one", "two"))
    for name in ("C10_bsmumu", "C7_bs"):
        assert np.max(np.abs(np.asarray(one[name]) - np.asarray(two[name]))) <= tolerance


@pytest.mark.parametrize(("flags", "expected"), [("", None), ("--xla_force_host_platform_device_count=3", 3)])
def test_a_process_alone_uses_every_core(flags, expected):
    """As many devices as cores, unless somebody says how many."""
    code = (
        "import jax; from darkbeauty.inference.sharding import join_processes as j; j(); print(jax.device_count(), j())"
    )
    env = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags, "PYTHONPATH": str(SOURCES)}
    printed = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True).stdout
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert printed.split() == [str(expected or cores), "None"]
