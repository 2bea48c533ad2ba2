"""What commands say while they compute: on terminals, in pipes, with the time of the last time; and what `list` finds."""

from __future__ import annotations

import io
import json
import time

import pytest
from rich.console import Console
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.commands import waiting as module
from darkbeauty.commands.waiting import Waiting, duration, waiting


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    """Words after a twentieth of a second, times in a folder of the test."""
    monkeypatch.setattr(module, "SILENT", 0.05)
    monkeypatch.setenv("DARKBEAUTY_CACHE", str(tmp_path / "cache"))


def test_what_is_quick_says_nothing(capsys):
    with waiting("quick"):
        pass
    assert capsys.readouterr().err == ""


def test_in_a_pipe_every_stage_is_a_line(capsys):
    with waiting("work") as work:
        time.sleep(0.2)
        work.stage("second stage")
        time.sleep(1.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("work: compiling and computing, 0 s")
    assert lines[1].startswith("work: second stage, 1 s") and len(lines) == 2


def test_the_last_time_is_told(capsys):
    for _ in range(2):
        with waiting("again"):
            time.sleep(0.2)
    first, second = capsys.readouterr().err.splitlines()
    assert "last time" not in first and second.endswith(", 0 s the last time")


def test_a_damaged_memory_is_none(capsys, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "seconds.json").write_text("{ no json")
    with waiting("work"):
        time.sleep(0.2)
    assert "work" in capsys.readouterr().err
    assert "work" in json.loads((tmp_path / "cache" / "seconds.json").read_text())


def test_what_fails_is_not_remembered(tmp_path):
    with pytest.raises(ZeroDivisionError), waiting("wrong"):
        time.sleep(0.1)
        raise ZeroDivisionError
    assert not (tmp_path / "cache" / "seconds.json").exists()


def test_a_share_tells_how_long_it_takes(monkeypatch):
    work = Waiting("scan", 200, 1000.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: work.began + 30.0)
    work.done(50)
    assert work.words == "scan: compiling and computing, 30 s, 50 of 200, about 90 s left"
    work.done(0)
    assert work.words.endswith("30 s, 17 min the last time")


def test_on_a_terminal_one_line_changes(monkeypatch):
    stream = io.StringIO()
    to = Console(file=stream, force_terminal=True, width=100)
    monkeypatch.setattr(module, "console", lambda _: to)
    with waiting("work"):
        time.sleep(0.4)
    assert "work: compiling and computing" in stream.getvalue()


def test_durations():
    assert [duration(x) for x in (0.4, 99.0, 130.0, 7200.0)] == ["0 s", "99 s", "2 min", "2.0 h"]


def run(*args: str):
    return CliRunner().invoke(cli.app, list(args))


def test_list_filter():
    told = json.loads(run("list", "observables", "--filter", "omega_H2(KIN", "--json").stdout)["observables"]
    assert [row["name"] for row in told] == ["Omega_h2(kinetic)"]
    refused = run("list", "terms", "--filter", "no such thing")
    assert refused.exit_code == 2 and "has 'no such thing' in it" in refused.stderr


def test_list_models_tells_defaults_and_domains():
    models = {row["name"]: row for row in json.loads(run("list", "models", "--json").stdout)["models"]}
    known = {row["name"]: row for row in models["lmu_ltau_s1"]["parameters"]}
    assert known["m_lq"]["default"] == "1200" and known["m_lq"]["unit"] == "GeV"
    assert known["m_zp"]["domain"] == "0.001 to 10000" and known["m_zp"]["default"] == ""
    assert "domain" not in run("list", "models").stdout


def test_shells_complete():
    assert "--install-completion" in run("--help").output
