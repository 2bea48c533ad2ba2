"""Output folders: files that are damaged, foreign or of the wrong kind, two runs in one folder, a run in the way of another.

Always one message that names the file, exit code 2, and nothing overwritten; damaged caches are the business of tests/numerics/test_stored.py.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import arviz as az
import h5py
import jax
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.inference.scan import scan
from darkbeauty.inference.storage.arviz_groups import plain_attributes
from darkbeauty.inference.storage.checkpoint import Checkpoint, recorded_devices
from darkbeauty.inference.storage.lock import held
from darkbeauty.report.page import write_report
from darkbeauty.report.result import read_result
from darkbeauty.report.stored_run import seed_of

pytestmark = pytest.mark.hostile
SOURCES = Path(__file__).resolve().parents[2] / "src"
TOY = """
name = "toy"
model = "wet"
seed = 5
[priors]
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
[likelihood]
terms = ["BR(Bs->mumu)"]
[sampler]
method = "nuts"
chains = 1
warmup = 20
draws = 60
[targets]
r_hat = 10.0
ess = 1.0
divergences = 1.0
bfmi = 0.0
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A finished run and a finished scan of the toy fit."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "toy.toml").write_text(TOY)
    fit = db.load_fit(folder / "toy.toml")
    db.run_fit(fit, folder / "run")
    scan(fit, 100, folder / "scan")
    return folder


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A copy of it that may be damaged."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder: Path, command: str, *options: str) -> str:
    """What a command says that must fail and leave everything as it is."""
    before = content(folder)
    target = [str(folder / "run")] if command == "report" else [str(folder / "toy.toml"), "--out"]
    target += [] if command == "report" else [str(folder / ("scan" if command == "scan" else "run"))]
    result = CliRunner().invoke(cli.app, [command, *target, *options])
    assert result.exit_code == 2, (result.output, result.exception)
    assert isinstance(result.exception, SystemExit)
    assert content(folder) == before
    return result.stderr


def array_file(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


CONTENTS = {
    "empty": b"",
    "text": b"nothing of the kind",
    "NumPy, foreign": array_file(count=np.asarray(3), leaf_0=np.ones(2)),
    "NumPy, odd header": b"\x93NUMPY\x01\x00\x10\x00{'descr': 'O'}\n",
    "zip without anything": b"PK\x05\x06" + bytes(18),
    "JSON, other type": b"[1, 2]",
    "JSON, other values": b'{"seed": 5}',
    "JSON, deep": b"[" * 100_000,
    "not UTF-8": b"\xff\xfe\xfa{}",
    "truncated": None,
    "folder": None,
}
BLOCK = "run/checkpoint/block-000002.npz"
FILES = {
    "run/checkpoint/state.npz": "fit",
    "run/checkpoint/run.json": "fit",
    BLOCK: "fit",
    "scan/_scan.json": "scan",
    "scan/part-000000.parquet": "scan",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", CONTENTS)
def test_a_damaged_file_of_a_run_is_named_and_nothing_is_overwritten(folder, name, kind):
    path, data = folder / name, CONTENTS[kind]
    if kind == "folder":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(path.read_bytes()[:-7] if data is None else data)
    text = refused(folder, FILES[name], "--resume")
    assert text.startswith("error: 1 problem") and str(path) in text


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "NumPy, foreign"])
def test_a_damaged_posterior_is_named(folder, kind):
    path, data = folder / "run" / "posterior.nc", CONTENTS[kind]
    path.write_bytes(path.read_bytes()[:3000] if data is None else data)
    assert f"{path}: cannot be read as a posterior" in refused(folder, "report")


def without(name):
    def change(file):
        del file[name]

    return change


def without_attribute(name):
    def change(file):
        del file["posterior"].attrs[name]

    return change


def attribute(name, value):
    def change(file):
        file["posterior"].attrs[name] = value

    return change


def shorter(file):
    data = np.asarray(file["posterior/C10_bsmumu"])
    del file["posterior/C10_bsmumu"]
    file["posterior/C10_bsmumu"] = data[:, :-1]


POSTERIORS = {
    "attribute fit_file": (without_attribute("fit_file"), "fit_file: this attribute of the posterior is missing"),
    "attribute missed_targets": (without_attribute("missed_targets"), "missed_targets: this attribute"),
    "attribute device": (without_attribute("device"), "device: this attribute"),
    "seed": (attribute("seed", "five"), "seed: 'five' is no seed"),
    "terms": (attribute("terms", "R_K\nnonsense"), "terms: unknown term 'nonsense'"),
    "other terms": (attribute("terms", "R_K"), "its terms have 2 observables, and the data 1"),
    "fit file": (attribute("fit_file", "model = "), "toy.toml: malformed TOML"),
    "parameter": (without("posterior/C10_bsmumu"), "posterior.C10_bsmumu"),
    "lengths": (shorter, "posterior"),
    "data": (without("constant_data/sigma"), "constant_data.sigma: is missing"),
    "group": (without("sample_stats"), "cannot be read as a posterior"),
    "predictions": (without("predictions/prediction"), "is of an unfinished run"),
}


@pytest.mark.parametrize("case", POSTERIORS)
def test_a_posterior_that_lacks_something_is_named(folder, case):
    change, expected = POSTERIORS[case]
    with h5py.File(folder / "run" / "posterior.nc", "r+") as file:
        change(file)
    assert expected in refused(folder, "report")


def test_what_a_netcdf_says_becomes_no_command(folder):
    """Of versions, only those of our packages, and only what looks like one, are in the line that reproduces a run."""
    with h5py.File(folder / "run" / "posterior.nc", "r+") as file:
        file["posterior"].attrs["version_numpy"] = "1.0; rm -rf ~"
        file["posterior"].attrs["version_evil"] = "6.6.6"
    text = write_report(read_result(folder / "run"), folder / "run").read_text("utf-8")
    assert "pip install darkbeauty==" in text and "jax==" in text
    assert "rm -rf" not in text and "evil" not in text.split("pip install")[1].split("</pre>")[0]


def test_attributes_are_numbers_and_texts(made, tmp_path):
    """What ArviZ and JSON can compare and write: no lists."""
    run = az.from_netcdf(str(made / "run" / "posterior.nc"))
    for name, value in run["posterior"].attrs.items():
        assert isinstance(value, str | float), name
    if hasattr(az, "concat"):  # ArviZ 0.23
        joined = az.concat(run, run, dim="chain")["posterior"]
        run.to_json(str(tmp_path / "run.json"))
    else:
        joined = xr.concat([run["posterior"].to_dataset()] * 2, "chain", combine_attrs="no_conflicts")
    assert joined["C10_bsmumu"].shape == (2, 60)
    assert read_result(made / "run").missed == ("R̂(C10_bsmumu) has no value (it needs two chains)",)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (5, 5.0),
        (2**63 - 1, "9223372036854775807"),
        (0.25, 0.25),
        (["a", "b"], "a\nb"),
        ([0.5], "0.5"),
        ([], ""),
        ("x", "x"),
    ],
)
def test_no_attribute_loses_anything(value, stored):
    kept = plain_attributes({"seed": value})["seed"]
    assert kept == stored and type(kept) is type(stored)
    if isinstance(value, int):
        assert seed_of({"seed": kept}) == value


# -- places -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "run/checkpoint"])
def test_a_file_where_a_folder_should_be(folder, name):
    shutil.rmtree(folder / "run")
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("a file")
    assert f"{folder / name} is a file" in refused(folder, "fit").replace(": is", " is")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("fit", "run/posterior.nc"),
        ("fit", "run/corner.png"),
        ("fit", "run/checkpoint/run.json"),
        ("scan", "scan/_scan.json"),
        ("report", "run/report.html"),
        ("profile", "run/profile-C10_bsmumu.png"),
        ("calibrate", "run/calibration.parquet"),
    ],
)
def test_a_folder_where_a_file_should_be(folder, command, name):
    if command != "report":
        shutil.rmtree(folder / name.split("/")[0])
    (folder / name).mkdir(parents=True)
    options = ["--param", "C10_bsmumu"] if command == "profile" else []
    assert f"{folder / name}: is a folder" in refused(folder, command, *options)


# -- a run in the way ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["fit", "scan"])
@pytest.mark.parametrize("text", [TOY, TOY.replace("seed = 5", "seed = 6")])
def test_a_run_is_not_overwritten_by_another(folder, command, text):
    (folder / "toy.toml").write_text(text)
    said = refused(folder, command)
    assert "--out: " in said and "allowed: --resume, another folder" in said
    if text != TOY:
        assert "--resume: seed: 5 in the run to be resumed, 6 now" in refused(folder, command, "--resume")


def test_a_result_without_its_checkpoint_is_not_overwritten(folder):
    shutil.rmtree(folder / "run" / "checkpoint")
    assert "state.npz: is missing" in refused(folder, "fit", "--resume")
    assert "holds a run" in refused(folder, "fit")


def test_blocks_of_another_run_are_never_taken(folder):
    """Those of the same fit with another seed, and one of this run under another number."""
    own = (folder / BLOCK).read_bytes()
    (folder / BLOCK.replace("2.npz", "3.npz")).write_bytes(own)
    assert "block-000003.npz: is of another run" in refused(folder, "fit", "--resume")
    other = Checkpoint(folder / "other", {"seed": "6"}, resume=False)
    other.save([np.ones(2)], None)
    for name in ("block-000002.npz", "state.npz"):
        shutil.copy(folder / "other" / "state.npz", folder / "run" / "checkpoint" / name)
    assert "state.npz: is of another run" in refused(folder, "fit", "--resume")


def test_parts_of_another_scan_are_never_taken(folder):
    path = folder / "scan" / "part-000000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"seed": b"6"}), path)
    assert f"{path}: is no part of this scan" in refused(folder, "scan", "--resume")
    path.unlink()
    for name in ("part-x.parquet", "part-0000001.parquet"):
        pq.write_table(pa.table({"a": [1.0]}), folder / "scan" / name)
        assert f"{name}: is no part of this scan" in refused(folder, "scan", "--resume")
        (folder / "scan" / name).unlink()


# -- two at once --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["fit", "scan"])
def test_a_folder_in_use_is_refused(folder, command):
    with held(folder / ("run" if command == "fit" else "scan")):
        said = refused(folder, command, "--resume")
    assert f"is in use by process {os.getpid()} on " in said
    assert not list(folder.rglob(".lock"))


def test_only_one_of_many_has_the_lock(tmp_path):
    """Eight threads that all want the folder, again and again: never two inside."""
    inside, most, turns = [], [], []

    def work():
        while len(turns) < 40:
            try:
                with held(tmp_path):
                    inside.append(1)
                    most.append(len(inside))
                    turns.append(1)
                    inside.pop()
            except InputError:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from darkbeauty.inference.storage.lock import held\n"
        "with held(Path(sys.argv[1])): print('in', flush=True); time.sleep(600)"
    )
    env = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=env, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"in\n"
        with pytest.raises(InputError, match=f"is in use by process {process.pid} on "), held(tmp_path):
            pass
        process.kill()
    assert (tmp_path / ".lock").exists()
    with held(tmp_path):
        pass
    assert not (tmp_path / ".lock").exists()


# -- the number of devices ----------------------------------------------------------------------------------------------------------------


def test_a_run_is_resumed_with_the_devices_it_began_with(folder, monkeypatch):
    record = folder / "run" / "checkpoint" / "run.json"
    assert recorded_devices(folder / "run") == jax.device_count()
    record.write_text(json.dumps({**json.loads(record.read_text()), "devices": "7"}))
    assert recorded_devices(folder / "run") == 7
    asked = []
    monkeypatch.setattr("darkbeauty.inference.sharding.use_every_core", asked.append)
    said = refused(folder, "fit", "--resume")  # JAX has begun in this process: too late
    assert asked == [7]
    assert "devices: 7 in the run to be resumed, 1 now" in said and "xla_force_host_platform_device_count=7" in said
    for text in ("", "[]", '{"devices": "many"}', '{"devices": "1000000000"}'):
        record.write_text(text)
        assert recorded_devices(folder / "run") is None
