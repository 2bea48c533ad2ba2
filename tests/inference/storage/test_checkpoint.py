"""Runs that are stopped, killed or out of disk: what is stored is whole, and the resumed run has the draws of an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import arviz as az
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inference.samplers import chains
from darkbeauty.inference.samplers.nuts import NutsKernel
from darkbeauty.inference.storage.checkpoint import Checkpoint, Journal, compare, write_atomically

SOURCES = Path(__file__).resolve().parents[3] / "src"
START = 0.1 * jnp.ones((2, 3))
WARMUP, BLOCK = 50, 20
BEFORE = 3
"""Blocks of the warm-up: 50 transitions in blocks of 20."""


def density(q):
    return -0.5 * q @ q + 0.1 * jnp.sum(jnp.cos(q))


def draw(draws, journal=None):
    posterior = SimpleNamespace(log_density=density, nuisances=SimpleNamespace(size=0))
    of_nuts = {"target_accept_prob": 0.8, "max_tree_depth": 5}
    shape = chains.Shape(BLOCK, 2, *START.shape)
    kernel = NutsKernel(posterior, shape, WARMUP, of_nuts)  # pyright: ignore[reportArgumentType]
    return chains.run(kernel, START, jax.random.key(4), warmup=WARMUP, draws=draws, journal=journal)


class StopAfter(Journal):
    """A journal that stops the sampler after a number of blocks in all."""

    def __init__(self, store, blocks):
        super().__init__(store)
        self.blocks = blocks

    @property
    def stop(self):
        return self.count >= self.blocks


@pytest.fixture(scope="module")
def whole():
    return draw(100)


def same(one, other):
    assert np.array_equal(one.q, other.q) and np.array_equal(one.failed, other.failed)
    assert all(np.array_equal(one.stats[name], values) for name, values in other.stats.items())
    assert one.attrs == other.attrs


@pytest.mark.parametrize("stops", [(1, 2), (BEFORE,), (BEFORE + 1, BEFORE + 4)])
def test_a_resumed_run_has_the_same_draws(stops, whole, tmp_path):
    for number in stops:
        part = draw(100, StopAfter(Checkpoint(tmp_path / "run", {"seed": "4"}, resume=True), number))
        assert part.q.shape == (2, max(number - BEFORE, 0) * BLOCK, 3)
    journal = Journal(Checkpoint(tmp_path / "run", {"seed": "4"}, resume=True))
    assert journal.count == stops[-1]
    same(draw(100, journal), whole)
    assert journal.count == BEFORE + 5


def test_a_finished_run_can_be_read_cut_and_extended(whole, tmp_path):
    again = lambda draws: draw(draws, Journal(Checkpoint(tmp_path / "run", {}, resume=True)))
    assert np.array_equal(again(30).q, whole.q[:, :30])
    same(again(100), whole)
    same(again(100), whole)
    assert np.array_equal(again(45).q, whole.q[:, :45])


def test_a_fresh_run_leaves_the_one_that_is_there(tmp_path):
    fresh = lambda seed: Checkpoint(tmp_path / "run", {"seed": seed}, resume=False)
    fresh("0")  # stores nothing
    fresh("1").save([np.ones(2)], None)
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(InputError, match=r"holds a run, which would be lost \(allowed: --resume"):
        fresh("2")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert json.loads(before["run.json"]) == {"seed": "1"}


def test_a_different_run_is_refused_with_every_difference():
    old = {"seed": "1", "chains": "4", "fit file": "a = 1\nb = 2\nc = 3\n", "version of jax": "0.10"}
    new = {"seed": "2", "chains": "4", "fit file": "a = 1\nb = 5\nc = 3\n", "devices": "2"}
    with pytest.raises(InputError) as caught:
        compare(old, new)
    found = {problem.path: problem.message for problem in caught.value.problems}
    assert set(found) == {f"--resume: {name}" for name in ("seed", "fit file", "version of jax", "devices")}
    assert found["--resume: seed"] == "1 in the run to be resumed, 2 now"
    assert "-b = 2" in found["--resume: fit file"] and "+b = 5" in found["--resume: fit file"]
    assert "a = 1" not in found["--resume: fit file"]
    compare(old, dict(old))


def test_a_damaged_state_is_a_problem_and_no_traceback(tmp_path):
    store = Checkpoint(tmp_path / "run", {}, resume=False)
    store.save([np.arange(50.0)], None)
    path = tmp_path / "run" / "state.npz"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"state\.npz: cannot be read"):
        Checkpoint(tmp_path / "run", {}, resume=True)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_stops_the_sampler_with_the_draws_so_far(whole, tmp_path, monkeypatch):
    journal, synced = Journal(Checkpoint(tmp_path / "run", {}, resume=False)), os.fsync
    calls = iter(range(1000))

    def full_after_the_fifth_block(descriptor):
        if next(calls) >= BEFORE + 2 * 2:  # the state of every block, and the draws of those after the warm-up
            raise OSError(28, "No space left on device")
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full_after_the_fifth_block)
    part = draw(100, journal)
    assert journal.failure.errno == 28
    assert np.array_equal(part.q, whole.q[:, : 3 * BLOCK])
    assert part.unfinished == "stopped after 60 of 100 draws"
    monkeypatch.undo()
    journal = Journal(Checkpoint(tmp_path / "run", {}, resume=True))
    assert journal.count == BEFORE + 2
    same(draw(100, journal), whole)


# -- as a user runs it --------------------------------------------------------------------------------------------------------------------

TOY = """
name = "toy"
model = "wet"
seed = 5
[priors]
C9_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C7_bs = { kind = "uniform", lower = -0.2, upper = 0.2 }
[likelihood]
terms = ["BR(Bs->mumu)", "BR(B->Xsgamma)"]
[sampler]
method = "nuts"
chains = 2
warmup = 60
draws = 2000
[targets]
r_hat = 1.5
ess = 50
"""
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
MAIN = "from darkbeauty.cli import main; main()"


def start(folder, *args, limit=None):
    """`darkbeauty fit toy.toml` in a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    (folder / "toy.toml").write_text(TOY)
    code = (LIMITED.format(limit) if limit else "") + MAIN
    command = [sys.executable, "-c", code, "fit", "toy.toml", "--out", "run", *args]
    env |= {"PYTHONPATH": str(SOURCES)}
    return subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


def posterior(folder):
    data = az.from_netcdf(str(folder / "run" / "posterior.nc"))
    return {name: np.asarray(values) for name, values in data["posterior"].data_vars.items()}, data["posterior"].attrs


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    finish(start(folder))
    return posterior(folder)


@pytest.mark.slow
def test_killed_five_times_at_random_moments(uninterrupted, tmp_path):
    """Each time at work: while it reads and compiles, or when one to three more blocks are on disk, in the middle of whatever follows."""
    expected, attrs = uninterrupted
    moments = random.Random(7)
    for blocks in (0, 1, 2, 1, 3):
        process = start(tmp_path, "--resume")
        stored = tmp_path / "run" / "checkpoint"
        last = len(list(stored.glob("block-*.npz"))) + blocks
        while blocks and len(list(stored.glob("block-*.npz"))) < last:
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 0.2) if blocks else 1.5)
        assert process.poll() is None
        process.kill()
        process.communicate()
    process = start(tmp_path, "--resume")
    finish(process)
    draws, again = posterior(tmp_path)
    assert all(np.array_equal(draws[name], expected[name]) for name in expected)
    assert again["global_accept"] == attrs["global_accept"]
    assert json.loads(again["failures"]) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_readable_file_that_says_so(number, code, uninterrupted, tmp_path):
    expected, _ = uninterrupted
    process = start(tmp_path)
    wait_for(tmp_path / "run" / "checkpoint" / "block-000008.npz", process)
    process.send_signal(number)
    output, errors = process.communicate()
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    draws, attrs = posterior(tmp_path)
    done = draws["C7_bs"].shape[1]
    assert 100 <= done < 2000
    missed = attrs["missed_targets"]
    assert f"interrupted after {done} of 2000 draws" in ([missed] if isinstance(missed, str) else list(missed))
    assert output.splitlines()[0].startswith(f"toy: NOT finished: interrupted after {done} of 2000 draws")
    assert attrs["converged"] == 0
    assert all(np.array_equal(draws[name], expected[name][:, :done]) for name in expected)
    process = start(tmp_path, "--resume")
    finish(process)
    assert all(np.array_equal(posterior(tmp_path)[0][name], expected[name]) for name in expected)


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_one_problem_and_loses_nothing(uninterrupted, tmp_path):
    expected, _ = uninterrupted
    process = start(tmp_path, limit=100_000)  # room for blocks, none for the result
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "error: 1 problem with the input" in errors and "posterior.nc: cannot be written" in errors
    assert "Traceback" not in errors
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint"]
    process = start(tmp_path, "--resume", "--seed", "6")
    _, errors = process.communicate()
    assert process.returncode == 2 and "--resume: seed: 5 in the run to be resumed, 6 now" in errors
    process = start(tmp_path, "--resume")
    finish(process)
    assert all(np.array_equal(posterior(tmp_path)[0][name], expected[name]) for name in expected)
