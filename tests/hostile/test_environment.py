"""Odd environments: streams, folders, disks, variables. One message, exit code 2, nothing half-written."""

from __future__ import annotations

import ast
import errno
import itertools
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli, environment, files, terminal
from darkbeauty.errors import InputError
from darkbeauty.likelihoods import Likelihood
from darkbeauty.report import deck, inference_figures, relic, relic_figures
from darkbeauty.report.deck.product import Exhibit, Product
from darkbeauty.report.pictures import save
from darkbeauty.units import percent

pytestmark = pytest.mark.hostile
PACKAGE = Path(__file__).resolve().parents[2] / "src" / "darkbeauty"
WET_FIT = PACKAGE.parents[1] / "fits" / "wet_c9_c10.toml"
MAIN = "from darkbeauty.cli import main; main()"


def process(*args: str, shell: str = "", **variables: str) -> subprocess.CompletedProcess:
    """The command line in a process of its own; shell: redirections."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    env |= {"PYTHONPATH": str(PACKAGE.parent), **variables}
    command = ["sh", "-c", f'exec "$0" "$@" {shell}', sys.executable, "-c", MAIN, *args]
    return subprocess.run(command, env=env, capture_output=True, timeout=300)


# -- streams ------------------------------------------------------------------------------------------------------------------------------


def test_what_an_encoding_lacks_is_escaped():
    result = process("list", "models", PYTHONIOENCODING="cp1252")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b"gauged L\\u03bc\\u2212L\\u03c4 with leptoquark S1" in result.stdout


def test_json_stays_json_in_every_encoding():
    result = process("list", "models", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(result.stdout)["models"][0]["about"].startswith("gauged Lμ−Lτ")


@pytest.mark.parametrize(
    ("shell", "expected"), [("> /dev/full", "No space left on device"), (">&-", "standard output: is closed")]
)
def test_output_that_goes_nowhere_is_said(shell, expected):
    result = process("list", "models", shell=shell)
    assert result.returncode == 2
    assert result.stderr.startswith(b"error: 1 problem with the system") and expected in result.stderr.decode()
    assert b"Traceback" not in result.stderr and b"Exception ignored" not in result.stderr


@pytest.mark.parametrize("shell", ["| head -n 1", "2>&-"])
def test_a_reader_that_goes_and_no_stderr_are_fine(shell):
    result = process("list", "observables", shell=shell)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"name ")


# -- disks and folders --------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(monkeypatch):
    """A disk that is full as soon as something is to stay on it."""

    def refuse(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", refuse)


PRODUCT = Product(Figure(), ("a",), (("1",),))
BOTH = np.array([1.0, 2.0])
CURVE = relic.Curve(BOTH, BOTH, np.stack([BOTH, BOTH], axis=1))
LINE = relic.Line("m_dm", BOTH, {"kinetic": CURVE}, {"mu mu": np.array([1.0, 1.0])}, {})
WRITERS = {
    "picture": lambda folder: save(Figure(), folder / "picture.png", 50),
    "relic": lambda folder: relic_figures.draw(LINE, folder / "relic.pdf", "title"),
    "figures": lambda folder: deck.write(Exhibit("one", "title", lambda: PRODUCT), folder),
    "table": lambda folder: inference_figures._write_table({"a": np.ones(2)}, folder / "table.parquet"),
    "text": lambda folder: files.write(folder / "report.html", "text"),
    "record": lambda folder: files.write_record(folder / "run.json", {"a": "b"}),
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_leaves_nothing_half_written(what, tmp_path, full):
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        WRITERS[what](tmp_path / "out")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


OUTSIDE = {".savefig(": "pictures.py", ".write_text(": "", ".write_bytes(": "stored.py", "os.environ": "environment.py"}


def test_files_and_variables_have_one_door_each():
    """Nothing is written but through files.py (or a buffer), and nothing asks the environment but environment.py."""
    for path in PACKAGE.rglob("*.py"):
        code = ast.unparse(ast.parse(path.read_text("utf-8")))
        for word, room in OUTSIDE.items():
            assert word not in code or path.name == room, (path, word)


UNWRITABLE = [
    "/proc/nothing/relic.png",
    "/dev/null/relic.png",
    "/dev/null",
    "a" * 300 + ".png",
    "relic.txt",
]


@pytest.mark.parametrize("out", UNWRITABLE)
def test_an_output_that_cannot_be_is_found_before_the_work(out, monkeypatch):
    monkeypatch.setattr(relic, "over_ranges", lambda *_: pytest.fail("began to work"))
    point = ["y=1", "g=0.001:0.01", "m_zp=4", "m_dm=1.7"]
    result = CliRunner().invoke(cli.app, ["relic", "lmu_ltau_s1", *point, "--out", out])
    assert result.exit_code == 2, result.exception
    assert result.stderr.startswith("error: 1 problem") and out.removesuffix("/relic.png")[:100] in result.stderr


def test_a_probe_leaves_nothing_behind(tmp_path):
    assert files.check_folder(tmp_path / "a" / "b") == []
    assert list(tmp_path.iterdir()) == []


# -- variables ----------------------------------------------------------------------------------------------------------------------------

STEP = {"SLURM_STEP_NODELIST": "node[1-2]", "SLURM_JOB_ID": "77", "SLURM_PROCID": "1", "SLURM_LOCALID": "0"}
HAND = {"COORDINATOR_ADDRESS": "localhost:1234", "NUM_PROCESSES": "2", "PROCESS_ID": "1"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"SLURM_NTASKS": "4"}, None),
        ({"SLURM_NTASKS": "4(x2)"}, None),  # in a batch script, outside of a step: every command runs alone
        ({**STEP, "SLURM_NTASKS": "1"}, None),
        ({**STEP, "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "1"}, None),  # srun --pty bash inside a larger job
        ({**STEP, "SLURM_NTASKS": "4"}, environment.Processes("", 4, 1)),
        ({**STEP, "SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "2"}, environment.Processes("", 2, 1)),
        (HAND, environment.Processes("localhost:1234", 2, 1)),
        ({**HAND, **STEP, "SLURM_NTASKS": "4(x2)"}, environment.Processes("localhost:1234", 2, 1)),
    ],
)
def test_processes(variables, expected):
    assert environment.read_processes(variables) == expected


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"COORDINATOR_ADDRESS": "localhost:1234"}, {"NUM_PROCESSES", "PROCESS_ID"}),
        ({"NUM_PROCESSES": "2", "PROCESS_ID": "0"}, {"COORDINATOR_ADDRESS"}),
        ({**HAND, "COORDINATOR_ADDRESS": "localhost"}, {"COORDINATOR_ADDRESS"}),
        ({**HAND, "COORDINATOR_ADDRESS": "localhost:123456"}, {"COORDINATOR_ADDRESS"}),
        ({**HAND, "NUM_PROCESSES": "two", "PROCESS_ID": "-1"}, {"NUM_PROCESSES", "PROCESS_ID"}),
        ({**HAND, "NUM_PROCESSES": "9" * 5000, "PROCESS_ID": "0"}, {"NUM_PROCESSES"}),
        ({**HAND, "PROCESS_ID": "2"}, {"PROCESS_ID"}),
        ({**STEP, "SLURM_NTASKS": "4(x2)"}, {"SLURM_NTASKS"}),
        ({**STEP, "SLURM_NTASKS": "4", "SLURM_PROCID": "4"}, {"SLURM_PROCID"}),
        ({"SLURM_STEP_NODELIST": "n", "SLURM_NTASKS": "4"}, {"SLURM_JOB_ID", "SLURM_PROCID", "SLURM_LOCALID"}),
    ],
)
def test_partial_variables_are_refused_all_at_once(variables, named):
    with pytest.raises(InputError) as caught:
        environment.read_processes(variables)
    assert {problem.path for problem in caught.value.problems} == named


def test_processes_that_do_not_come_are_not_awaited_for_ever():
    """The second of two processes, alone."""
    code = f"from darkbeauty.inference import sharding; sharding.PATIENCE = 3.0; {MAIN}"
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), **HAND}
    command = [sys.executable, "-c", code, "optimise", "none.toml"]
    result = subprocess.run(command, env=env, capture_output=True, timeout=120)
    assert result.returncode == 2
    assert b"2 processes were to meet at localhost:1234, and not all came within 3 s" in result.stderr


def test_jax_is_set_as_the_code_needs_it():
    variables = {"JAX_NUMPY_DTYPE_PROMOTION": "strict", "JAX_NUMPY_RANK_PROMOTION": "raise", "JAX_ENABLE_X64": "0"}
    args = ["predict", "wet", "C9_bsmumu=1", "--obs", "<dBR/dq2>(B+->Kmumu)[1.1,6]"]
    result = process(*args, MPLBACKEND="nonsense", **variables)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("JAX_PLATFORMS", "nonsense", "Unable to initialize backend"), ("JAX_ENABLE_X64", "maybe", "invalid truth value")],
)
def test_variables_that_keep_jax_from_starting_are_named(name, value, expected):
    result = process("predict", "wet", "--obs", "C9(bsmumu)[6]", **{name: value})
    assert result.returncode == 2 and b"Traceback" not in result.stderr
    assert name in result.stderr.decode() and expected in result.stderr.decode()


@pytest.mark.parametrize("limit", ["ulimit -v", "ulimit -d"])
def test_too_little_address_space_is_said_before_jax_aborts(limit):
    """The limit is set by the shell: one message, no core."""
    command = f'{limit} 1000000; exec "$0" "$@"'
    args = [sys.executable, "-c", MAIN, "predict", "wet", "--obs", "C9(bsmumu)[6]"]
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
    result = subprocess.run(["sh", "-c", command, *args], env=env, capture_output=True, timeout=120)
    assert result.returncode == 2
    assert result.stderr.decode().startswith(
        f"error: 1 problem with the input\n  {limit}: 976 MiB of address space are"
    )


def test_address_space_that_is_enough_for_little_is_said(monkeypatch):
    assert environment.scarce_memory() == ""
    monkeypatch.setattr(environment, "_address_space", lambda: {"ulimit -v": 4 * 2**30})
    assert environment.limit_problems() == []
    assert "with 4096 MiB (ulimit -v) it may be aborted" in environment.scarce_memory()


def test_too_few_threads_are_said_before_jax_aborts(monkeypatch):
    """Another user's limit cannot be had in a test: the sixth thread does not start, as the system would have it."""
    before, start, count = threading.active_count(), threading.Thread.start, itertools.count()

    def refuse(thread):
        if next(count) >= 5:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    (problem,) = environment.limit_problems()
    assert problem.path == "ulimit -u" and problem.message.startswith("only 5 threads can be started")
    assert threading.active_count() == before


def test_to_resume_asks_for_the_devices_of_a_run_after_the_environment(tmp_path):
    """What a run began with is read by code that imports JAX and ArviZ: problems of the first and words of the second come before."""
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "run.json").write_text('{"devices": "2"}', encoding="utf-8")
    result = process("fit", str(WET_FIT), "--out", str(tmp_path), "--resume", JAX_ENABLE_X64="maybe")
    assert result.returncode == 2
    assert b"invalid truth value" in result.stderr and b"Traceback" not in result.stderr


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8 bytes")])
def test_little_memory_is_said(error, capsys):
    with pytest.raises(terminal.typer.Exit) as caught, terminal.reporting():
        raise error
    assert caught.value.exit_code == 2
    assert "memory: there is not enough" in capsys.readouterr().err


def test_a_mistake_of_the_program_is_no_problem_of_the_system():
    with pytest.raises(RuntimeError, match="a bug"), terminal.reporting():
        raise RuntimeError("a bug")


# -- caches -------------------------------------------------------------------------------------------------------------------------------


def test_no_home_and_an_unknown_user(monkeypatch):
    def unknown(*_):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    monkeypatch.setattr(Path, "expanduser", unknown)
    assert environment.cache_folder({}) == (None, "")
    assert environment.cache_folder({"DARKBEAUTY_CACHE": "~/cache"})[0] is None


def test_a_cache_that_everyone_can_write_is_not_used(tmp_path):
    folder = tmp_path / "cache"
    variables = {"DARKBEAUTY_CACHE": str(folder)}
    before = os.umask(0)
    try:
        assert environment.cache_folder(variables) == (folder, "")
    finally:
        os.umask(before)
    assert not stat.S_IMODE(folder.stat().st_mode) & 0o022
    folder.chmod(0o777)
    used, reason = environment.cache_folder(variables)
    assert used is None and f"everyone can write into {folder}" in reason


def test_damaged_programs_are_compiled_again_without_a_word(tmp_path):
    """JAX itself warns every time and never writes over one."""
    args = ["predict", "wet", "C9_bsmumu=1", "--obs", "BR(Bs->mumu)", "<dBR/dq2>(B+->Kmumu)[1.1,6]"]
    run = lambda: process(*args, DARKBEAUTY_CACHE=str(tmp_path))
    first = run()
    sizes = {path.name: path.stat().st_size for path in tmp_path.glob("jit_*")}
    assert sizes and first.returncode == 0
    for name in sizes:
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:100])
    second = run()
    assert (second.returncode, second.stdout, second.stderr) == (0, first.stdout, b"")
    assert {path.name: path.stat().st_size for path in tmp_path.glob("jit_*")} == pytest.approx(sizes, rel=0.05)


def test_a_cache_of_another_user_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(environment.os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    if tmp_path.stat().st_uid:  # what root owns is trusted
        assert "belongs to another user" in environment.distrust(tmp_path)
    else:
        assert environment.distrust(tmp_path) == ""


# -- a likelihood that is nowhere, and percent ----------------------------------------------------------------------------------------------

NOWHERE = """
name = "nowhere"
model = "wet"
[priors]
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
[likelihood]
terms = ["BR(Bs->mumu)"]
[sampler]
starts = 2
"""


def test_no_best_fit_where_there_is_no_likelihood(tmp_path, monkeypatch):
    (tmp_path / "fit.toml").write_text(NOWHERE)
    monkeypatch.setattr(Likelihood, "log_prob", lambda self, values: jnp.full((), -jnp.inf))
    best = db.optimise(db.load_fit(tmp_path / "fit.toml"))
    assert best.log_likelihood == -float("inf") and best.starts == (-float("inf"),) * 2 and not best.errors
    result = CliRunner().invoke(cli.app, ["optimise", str(tmp_path / "fit.toml")])
    assert result.exit_code == 3
    assert "NO best fit: log L = −∞ at all 2 starts" in result.stdout
    result = CliRunner().invoke(cli.app, ["optimise", str(tmp_path / "fit.toml"), "--json"])
    assert result.exit_code == 3 and json.loads(result.stdout)["log_likelihood"] is None


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100 %"),
        (0.996, "100 %"),
        (0.994, "99 %"),
        (0.0042, "0.42 %"),
        (12.34, "1234 %"),
        (0.0, "0 %"),
        (-1.5, "-150 %"),
    ],
)
def test_percent(share, text):
    assert percent(share) == text
