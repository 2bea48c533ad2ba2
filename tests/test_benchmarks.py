"""The benchmarks: their options, what they time, their tables and JSON. Their numbers are for a quiet machine, not for a test."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SHARED = {"measuring", "other_code"}
SCRIPTS = sorted({path.stem for path in FOLDER.glob("*.py")} - SHARED)
STUB = """
import sys
sys.path.insert(0, {folder!r})
from other_code import serve

def prepare(first):
    print("noise of the other code")
    return {{"greeting": first}}, lambda number: 2 * number

serve(prepare)
"""


@pytest.fixture(scope="module", autouse=True)
def importable():
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for name in SHARED | set(SCRIPTS):
        sys.modules.pop(name, None)


def load(name: str):
    return importlib.import_module(name)


@pytest.mark.parametrize("name", SCRIPTS)
def test_help(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as stopped:
        load(name).main()
    assert stopped.value.code == 0
    assert f"benchmarks/{name}.py" in capsys.readouterr().out, "the docstring says how to run it"


def test_every_benchmark_is_in_the_readme():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert [name for name in SCRIPTS if f"benchmarks/{name}.py" not in text] == []


def test_json_says_where_and_when(tmp_path):
    load("measuring").write(tmp_path / "runs" / "x.json", [1.5], more="this")
    found = json.loads((tmp_path / "runs" / "x.json").read_text(encoding="utf-8"))
    assert found["results"] == [1.5] and found["more"] == "this"
    assert {"date", "device", "cores", "python", "jax", "darkbeauty", "load"} <= set(found)


def test_other_code_answers(tmp_path):
    script = tmp_path / "stub.py"
    script.write_text(STUB.format(folder=str(FOLDER)), encoding="utf-8")
    other = load("other_code").OtherCode(sys.executable, str(script), "hello")
    assert other.greeting == {"greeting": "hello"}
    took, answer = other.ask(21)
    assert answer == 42 and 0.0 <= took < 1.0
    other.end()
    assert other.process.returncode == 0


def test_markdown():
    assert (
        load("measuring").markdown(["", "a", "b"], [["x", "1", "2"]]) == "|  | a | b |\n|---|---:|---:|\n| x | 1 | 2 |"
    )


@pytest.fixture(scope="module")
def timed():
    """What benchmarks/fits.py times, compiled, for a small likelihood."""
    lik = db.likelihood("wet", None, terms=["BR(Bs->mumu)", "BR(B->Xsgamma)"])
    arrays, every = load("fits").functions(lik)
    return lik, arrays, {name: jax.jit(function) for name, function in every.items()}


def test_what_is_timed_is_the_likelihood(timed):
    lik, arrays, every = timed
    point = {"C10_bsmumu": jnp.asarray(0.3), "C10p_bsmumu": jnp.asarray(-0.2)}
    value, slope = every["gradient"](arrays, point)
    forward_value, forward = every["forward"](arrays, point)
    assert float(value) == pytest.approx(float(lik.log_prob(point)), rel=1e-12)
    assert float(every["value"](arrays, point)) == pytest.approx(float(value), rel=1e-12)
    assert float(forward_value) == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_allclose(forward, [slope[name] for name in point], rtol=1e-10)


def test_hessian_vector_product(timed):
    _, arrays, every = timed
    point = {"C10_bsmumu": 0.3, "C10p_bsmumu": -0.2}
    found = every["Hessian-vector"](arrays, {name: jnp.asarray(x) for name, x in point.items()})
    step = 1e-5
    ends = [
        every["gradient"](arrays, {name: jnp.asarray(x * (1.0 + 0.3 * s)) for name, x in point.items()})[1]
        for s in (step, -step)
    ]
    for name in point:
        numeric = (ends[0][name] - ends[1][name]) / (2.0 * step)
        assert float(found[name]) == pytest.approx(float(numeric), rel=1e-6)


def test_table_of_fits():
    row = lambda what, ms: {
        "model": "m", "preset": "p", "what": what, "ms_1": 2.0, "ms_64": ms, "compilation_1_s": 3.0, "compilation_64_s": 4.0
    }  # fmt: skip
    lines = load("fits").table([row("value", 0.5), row("gradient", 1.25)], 64).splitlines()
    assert lines[-1] == "| m/p | gradient | 2 ms | 1.25 ms | 2.50 | 3 s |"


def test_table_of_relic_densities_says_what_batch_was_smaller():
    row = lambda method, size: {
        "method": method, "model": "m", "what": "value", "batch": size, "per_second": 2.0 * size, "compilation_s": 3.0
    }  # fmt: skip
    lines = load("relic_density").table([row(*of) for of in (("a", 1), ("a", 4096), ("b", 1), ("b", 8))]).splitlines()
    assert lines[0].startswith("| method | model |  | batch 1 | batch 4096 |")
    assert lines[-2:] == ["| a | m | value | 2/s | 8.19e+03/s | 6 s |", "| b | m | value | 2/s | 16/s (8) | 6 s |"]


def test_table_of_devices_takes_the_best_chunk():
    row = lambda chunk, rate: {"what": "value", "size": 4096, "chunk": chunk, "per_second": rate}
    peak = {"points": 10, "peak_gb": 1.0, "before_gb": 0.5, "identical": False}
    text = load("devices").table([row(256, 1e3), row(4096, 2e3), row(32768, None)], peak)
    assert "| 4096 | 2e+03/s (by 4096) |" in text and "DIFFERENT" in text


def test_roofline_names_the_limit():
    top = {"operations": 1e9, "bytes from memory": 1e9, "bytes from cache": 1e10, "transcendentals": 1e8}
    one = {"what": "value", "seconds": 1e-3, "flops": 1e5, "bytes accessed": 1e6, "transcendentals": 2e4}
    one |= {"fixed": 0.25, "kernels": 7}
    roofline = load("roofline")
    bound = roofline.limits(one, top)
    assert bound["operations"] == pytest.approx(1e-4) and bound["transcendentals"] == pytest.approx(2e-4)
    assert "20 % (transcendentals) | 25 % (7 kernels)" in roofline.table([one], top)


def test_part_of_a_step_that_does_not_depend_on_its_points(monkeypatch):
    """Of times 3 + 0.5 n in a clock of its own: 3/(3 + 8) for 16 points."""
    roofline = load("roofline")
    monkeypatch.setitem(roofline.POINTS, "wet", {"C10_bsmumu": 0.2})
    monkeypatch.setattr(
        roofline.db, "likelihood", lambda *_, make=db.likelihood: make("wet", None, terms=["BR(Bs->mumu)"])
    )
    monkeypatch.setattr(roofline, "fastest", lambda f, arrays, table, rounds: 3.0 + 0.5 * len(table["C10_bsmumu"]))
    value, gradient = roofline.measure("wet", "small", 16, 1)
    assert value["fixed"] == pytest.approx(3.0 / 11.0) and value["seconds"] == pytest.approx(11.0 / 16.0)
    assert gradient["kernels"] >= value["kernels"] > 0


def test_ceilings_are_positive(monkeypatch):
    roofline = load("roofline")
    for name, size in (("MATRIX", 64), ("LARGE", 2**12), ("CACHED", 2**8)):
        monkeypatch.setattr(roofline, name, size)
    assert all(rate > 0.0 for rate in roofline.ceilings(2).values())


def test_memory_of_a_batch_is_measured(monkeypatch):
    devices = load("devices")
    monkeypatch.setitem(devices.POINTS, "wet", {"C9_bsmumu": -0.9})
    monkeypatch.setattr(
        devices.db, "likelihood", lambda *_, make=db.likelihood: make("wet", None, terms=["BR(Bs->mumu)"])
    )
    found = devices.child("wet", "small", 300)
    assert found["identical"] and found["peak_gb"] >= found["before_gb"] > 0.0


def test_a_benchmark_out_of_time_keeps_what_it_printed(tmp_path):
    script = tmp_path / "endless.py"
    script.write_text("import time\nprint('first row', flush=True)\ntime.sleep(600)\n", encoding="utf-8")
    printed, fine = load("run").run([str(script)], {}, 3.0)
    assert printed == "first row\nout of time\n" and not fine


def test_what_only_a_gpu_can_tell_comes_first(monkeypatch):
    """Every command of the plan for a GPU is one that its script understands."""
    run = load("run")
    monkeypatch.setattr(run, "has_gpu", lambda: True)
    monkeypatch.setattr(run, "has", lambda python, package: True)
    options = ("quick", "minutes", "flavio_python", "smelli_python")
    plan = run.steps(SimpleNamespace(**dict(zip(options, (False, 9.0, "python", "python")))))
    assert next(iter(plan)) == "devices_value" and plan["sampling_cpu"][1] == run.CPU
    for script, *arguments in (command for command, _ in plan.values()):
        monkeypatch.setattr(sys, "argv", [script, *arguments, "--help"])
        with pytest.raises(SystemExit) as stopped:
            load(script.removesuffix(".py")).main()
        assert stopped.value.code == 0


def test_rate_per_elapsed_and_per_cpu_second():
    sampling = load("sampling")
    stages = {"likelihood": 3.0, "compilation": 20.0, "warm-up": 1.0, "sampling": 4.0}
    row = {
        "fit": "f",
        "chains": 4,
        "draws": 100,
        "seconds": stages,
        "cpu_seconds": {"sampling": 8.0},
        "ess": 400.0,
        "r_hat": 1.0,
    }
    assert sampling.table([row]).splitlines()[-1].endswith("| 4 s | 400 | 1.000 | 100/s | 50/s |")


def test_batches_of_a_chunk():
    devices = load("devices")
    assert devices.belongs(1, 1) and not devices.belongs(2, 1)
    assert devices.belongs(4096, 16) and not devices.belongs(8, 16)
