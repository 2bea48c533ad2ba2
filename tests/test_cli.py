"""The command line: what it prints, that bad input is one block and exit code 2, and that nothing ends in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import darkbeauty as db
from darkbeauty import cli, environment, inference, terminal
from darkbeauty.commands import setting
from darkbeauty.inference.checking.diagnostics import Verdict, summarise
from darkbeauty.inference.fitting.optimise import Optimum
from darkbeauty.likelihoods import TermReport
from darkbeauty.report import figures, progress

A_I = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
POINT = [f"{name}={value}" for name, value in A_I.items()]
SOURCES = Path(__file__).resolve().parents[1] / "src"


def run(*args: str) -> Result:
    return CliRunner().invoke(cli.app, list(args))


def run_json(*args: str) -> dict:
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return json.loads(result.stdout)


def problems(*args: str) -> list[str]:
    """The lines on stderr of a command that must fail."""
    result = run(*args)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return [line.strip() for line in result.stderr.splitlines()]


# -- predict and gradient -----------------------------------------------------------------------------------------------------------------


def test_predict_prints_name_value_unit():
    result = run("predict", "lmu_ltau_s1", *POINT, "--obs", "Gamma_Zp")
    assert result.exit_code == 0
    header, row = result.stdout.splitlines()
    assert header.split() == ["observable", "value", "unit"]
    name, value, unit = row.split()
    assert (name, unit) == ("Gamma_Zp", "GeV")
    assert float(value) == pytest.approx(1.128274e-6, rel=1e-6)  # width of benchmark A-I without kinetic mixing


def test_predict_json_is_what_python_returns():
    names = ["Gamma_Zp", "V_sb"]
    assert run_json("predict", "lmu_ltau_s1", *POINT, "--obs", *names) == db.predict("lmu_ltau_s1", A_I, names)


@pytest.mark.parametrize(
    "args",
    [
        [*POINT, "--obs", "Gamma_Zp", "V_sb"],
        [*POINT, "--obs", "Gamma_Zp", "--obs", "V_sb"],
        [*POINT, "--obs=Gamma_Zp", "V_sb"],
        ["--obs", "Gamma_Zp", "V_sb", *POINT],
        [*POINT[:2], "--obs", "Gamma_Zp", *POINT[2:], "--obs", "V_sb"],
    ],
)
def test_obs_takes_one_or_more_names(args: list[str]):
    assert list(run_json("predict", "lmu_ltau_s1", *args)) == ["Gamma_Zp", "V_sb"]


def test_complex_values_in_and_out():
    args = ("predict", "wet", "C9_bsmumu=0.3+0.1j", "C10_bsmumu=-0.5", "--obs", "C9(bsmumu)[6]", "C10(bsmumu)[6]")
    assert run_json(*args) == {"C9(bsmumu)[6]": {"re": 0.3, "im": 0.1}, "C10(bsmumu)[6]": {"re": -0.5, "im": 0.0}}
    assert "0.3 + 0.1j" in run(*args).stdout


def test_gradient_by_the_given_parameters():
    slopes = run_json("gradient", "lmu_ltau_s1", *POINT, "--obs", "Gamma_Zp")
    assert list(slopes) == ["Gamma_Zp"]
    assert list(slopes["Gamma_Zp"]) == list(A_I)
    # without kinetic mixing the width is proportional to g²; the coupling y does not enter
    width = db.predict("lmu_ltau_s1", A_I, ["Gamma_Zp"])["Gamma_Zp"]
    assert slopes["Gamma_Zp"]["g"] == pytest.approx(2.0 * width / A_I["g"], rel=1e-10)
    assert slopes["Gamma_Zp"]["y"] == 0.0


def test_gradient_table_has_one_row_per_parameter():
    lines = run("gradient", "lmu_ltau_s1", *POINT, "--obs", "Gamma_Zp").stdout.splitlines()
    assert [line.split()[1] for line in lines[1:]] == list(A_I)


def test_names_with_brackets_are_printed_as_they_are():
    name = "C9p(bsmumu)[6]"
    assert name in run("predict", "lmu_ltau_s1", *POINT, "--obs", name).stdout


# -- listings -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind.value for kind in cli.Kind])
def test_listings_in_both_forms(kind: str):
    rows = run_json("list", kind)[kind]
    table = run("list", kind).stdout
    assert len(rows) >= 2
    for row in rows:
        assert str(next(iter(row.values()))) in table


def test_list_observables_is_complete():
    assert [row["name"] for row in run_json("list", "observables")["observables"]] == db.list_observables()


def test_list_models_names_what_is_required():
    models = {row["name"]: row for row in run_json("list", "models")["models"]}
    assert list(models) == db.list_models()
    assert models["lmu_ltau_s1"]["required"] == ["y", "g", "m_zp", "m_dm"]
    assert models["wet"]["required"] == []


def test_list_what_changed_since_a_day():
    rows = run_json("list", "measurements", "--changed-since", "2026-11-28")["measurements"]
    assert (
        {"HFLAV 2024 Bs->phigamma"}
        <= {row["measurement"] for row in rows}
        < {row["measurement"] for row in run_json("list", "measurements")["measurements"]}
    )
    assert run_json("list", "measurements", "--changed-since", "2999-01-01")["measurements"] == []
    assert "DATE" not in run("list", "measurements", "--changed-since", "2999-01-01").stdout
    assert "no date" in " ".join(problems("list", "measurements", "--changed-since", "soon"))
    assert "have no dates" in " ".join(problems("list", "terms", "--changed-since", "2026-11-28"))


def test_an_unknown_listing_names_the_known_ones():
    text = " ".join(problems("list", "everything"))
    assert all(kind.value in text for kind in cli.Kind)


# -- bad input ----------------------------------------------------------------------------------------------------------------------------

ONE_PROBLEM = {
    "unknown parameter": (["zeta=1", *POINT], ["Gamma_Zp"], "point.zeta", "unknown parameter"),
    "missing parameter": (POINT[1:], ["Gamma_Zp"], "point.y", "missing"),
    "out of domain": ([*POINT, "sin_mix=1.5"], ["Gamma_Zp"], "point.sin_mix", "outside its domain"),
    "not a number": ([*POINT, "m_lq=heavy"], ["Gamma_Zp"], "point.m_lq", "not a real number"),
    "complex for real": ([*POINT, "m_lq=1+2j"], ["Gamma_Zp"], "point.m_lq", "not a real number"),
    "not finite": ([*POINT, "m_lq=nan"], ["Gamma_Zp"], "point.m_lq", "not finite"),
    "no value": ([*POINT, "m_lq="], ["Gamma_Zp"], "point.m_lq", "not a real number"),
    "given twice": ([*POINT, "y=1"], ["Gamma_Zp"], "point.y", "more than once"),
    "malformed": ([*POINT, "m_lq:1000"], ["Gamma_Zp"], "point.m_lq:1000", "cannot read"),
    "order of masses": ([*POINT, "m_heavy=1"], ["Gamma_Zp"], "point.m_dm", "not lighter"),
    "unknown observable": (POINT, ["BR(B+->Kmunu)"], "observables.BR(B+->Kmunu)", "unknown observable"),
    "no observable": (POINT, [], "--obs", "at least one"),
    "no bin": (POINT, ["<dBR/dq2>(B+->Kmumu)"], "observables.<dBR/dq2>(B+->Kmumu)", "arguments in brackets"),
    "bin is text": (POINT, ["<FH>(B+->Kmumu)[a,b]"], "observables.<FH>(B+->Kmumu)[a,b]", "cannot read"),
    "wrong order": (POINT, ["<FH>(B+->Kmumu)[6,1.1]"], "observables.<FH>(B+->Kmumu)[6,1.1]", "increasing order"),
    "charmonium": (POINT, ["<FH>(B+->Kmumu)[6,12]"], "observables.<FH>(B+->Kmumu)[6,12]", "J/psi"),
    "phase space": (POINT, ["FH(B+->Kmumu)[30]"], "observables.FH(B+->Kmumu)[30]", "phase space"),
    "x below one": (POINT, ["sigmav(x=0.5)"], "observables.sigmav(x=0.5)", "at least 1"),
}


@pytest.mark.parametrize("command", ["predict", "gradient"])
@pytest.mark.parametrize("case", ONE_PROBLEM)
def test_one_problem(command: str, case: str):
    point, names, path, message = ONE_PROBLEM[case]
    lines = problems(command, "lmu_ltau_s1", *point, *(text for name in names for text in ("--obs", name)))
    assert lines[0] == "error: 1 problem with the input"
    assert lines[1].startswith(f"{path}: ")
    assert message in lines[1]


def test_every_problem_at_once():
    lines = problems(
        *("predict", "lmu_ltau_s1", "y=2", "y=3", "g=abc", "m_zp=-1", "zeta=1", "oops"),
        *("--obs", "Gamma_Z", "<FH>(B+->Kmumu)[6,12]", "V_sb"),
    )
    assert lines[0] == "error: 8 problems with the input"
    paths = ["point.y", "point.oops", "point.zeta", "point.g", "point.m_zp", "point.m_dm"]
    paths += ["observables.Gamma_Z", "observables.<FH>(B+->Kmumu)[6,12]"]
    assert [line.split(": ")[0] for line in lines[1:] if not line.startswith(("allowed:", "see:"))] == paths


def test_allowed_values_are_named():
    lines = problems("predict", "lmu_ltau_s1", *POINT, "m_lq=1", "--obs", "Gamma_Z")
    assert "allowed: 100 to 100000 GeV" in lines
    assert any(line.startswith("allowed:") and "Gamma_Zp" in line for line in lines)


def test_an_unknown_model_does_not_hide_the_rest():
    lines = problems("predict", "wett", "oops", "--obs", "nonsense", "Omega_h2")
    assert [line.split(": ")[0] for line in lines[1:]][::2] == ["model", "point.oops", "observables.nonsense"]
    assert "allowed: le_lmu_r2, lmu_ltau_s1, smeft, u1_leptoquark, wet" in lines


def test_an_observable_the_model_lacks():
    assert "no dark matter" in problems("predict", "wet", "--obs", "Omega_h2")[1]


@pytest.mark.parametrize("args", [["predict"], ["frobnicate"], ["predict", "wet", "--nonsense"], ["list"]])
def test_usage_errors_exit_with_2(args: list[str]):
    assert problems(*args)


# -- fits: what goes to the library and what is printed ------------------------------------------------------------------------------------


class Recorded:
    """Stands for the sampler and the plotter: returns a tiny run with one divergence, keeps what it was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, missed: tuple[str, ...] = (), signal: int = 0):
        self.asked: dict = {}
        self.missed, self.signal = missed, signal
        monkeypatch.setattr(inference, "load_fit", lambda path: SimpleNamespace(name=f"fit of {path}"))
        monkeypatch.setattr(progress, "watch", self.run)
        monkeypatch.setattr(figures, "write_figures", lambda run, folder: [folder / "corner.png"])
        row = TermReport("T", "obs", 1.0, 2.0, 0.5, -2.0, -3.0)
        best = Optimum({"y": 0.25, "g": 1e-3}, -3.0, (-3.0, -4.0), (row,), {"y": 0.1, "g": float("inf")}, (), -5.25)
        monkeypatch.setattr(db, "optimise", lambda fit: best, raising=False)

    def run(self, fit: SimpleNamespace, folder: Path, overrides: dict, console: object) -> SimpleNamespace:
        self.asked = {"fit": fit.name, "out": folder, **overrides}
        verdict = Verdict(0.025, self.missed)
        found = {"verdict": verdict, "summary": summarise(TINY), "signal": self.signal, "evidence": {}}
        return SimpleNamespace(netcdf=folder / "posterior.nc", nuisances=[], **found)


TINY = {name: np.random.default_rng(1).normal(size=(2, 20)) for name in ("y", "g")}


def test_fit_passes_settings_on_and_prints_the_summary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    recorded = Recorded(monkeypatch)
    out = tmp_path / "runs" / "one"
    args = ["fit", "some/name.toml", "--out", str(out), "--draws", "20", "--chains", "2", "--seed", "7", "--resume"]
    result = run(*args)
    assert result.exit_code == 0, result.output
    settings = {"draws": 20, "chains": 2, "seed": 7, "resume": True}
    assert recorded.asked == {"fit": "fit of some/name.toml", "out": out, **settings}
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0][-1] == "converged"
    assert lines[1] == ["divergent", "transitions:", "2.50", "%"]
    assert lines[3][:3] == ["parameter", "mean", "sd"]
    assert [line[0] for line in lines[4:6]] == ["y", "g"]
    assert lines[-2:] == [[str(out / "posterior.nc")], [str(out / "corner.png")]]


def test_a_fit_that_misses_its_targets_says_so_first_and_exits_with_3(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    Recorded(monkeypatch, missed=("ESS(y) = 12 < 400",))
    result = run("fit", "some/name.toml", "--out", str(tmp_path / "one"))
    assert result.exit_code == 3
    assert result.stdout.splitlines()[0].endswith("NOT converged: ESS(y) = 12 < 400")


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_an_interrupted_fit_says_so_first_and_draws_no_pictures(
    signal: int, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    Recorded(monkeypatch, missed=("interrupted after 40 of 600 draws",), signal=signal)
    result = run("fit", "some/name.toml", "--out", str(tmp_path / "one"))
    assert result.exit_code == code
    assert result.stdout.splitlines()[0].endswith("NOT finished: interrupted after 40 of 600 draws")
    assert "posterior.nc" in result.stdout and "corner.png" not in result.stdout


def test_fit_json_and_default_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    recorded = Recorded(monkeypatch)
    monkeypatch.chdir(tmp_path)
    result = run_json("fit", "some/name.toml")
    assert recorded.asked["out"] == Path("runs/name")
    assert [recorded.asked[name] for name in ("draws", "chains", "seed")] == [None, None, None]
    assert recorded.asked["resume"] is False
    assert result["converged"] is True
    assert result["divergences"] == 0.025
    assert result["files"] == ["runs/name/posterior.nc", "runs/name/corner.png"]
    assert result["summary"]["y"]["mean"] == pytest.approx(float(TINY["y"].mean()), rel=1e-12)
    assert {"r_hat", "ess_bulk", "ess_tail"} <= set(result["summary"]["y"])


def test_optimise_prints_the_best_fit(monkeypatch: pytest.MonkeyPatch):
    Recorded(monkeypatch)
    result = run_json("optimise", "name.toml")
    assert result["parameters"] == {"y": 0.25, "g": 1e-3}
    assert result["pulls"][0]["pull"] == -2.0
    lines = [line.split() for line in run("optimise", "name.toml").stdout.splitlines()]
    assert ["y", "0.25", "0.1"] in lines
    assert ["g", "0.001", "none", "inside", "its", "prior"] in lines
    assert ["evidence", "by", "Laplace:", "ln", "Z", "=", "-5.250"] in lines
    assert ["T", "obs", "1", "2", "-2.00"] in lines


BAD_FIT = """
name = "bad"
model = "lmu_ltau_s1"
sampller = 1

[priors]
y = { kind = "uniform", lower = 2.0, upper = 1.0 }
g = { kind = "log_uniform", lower = 1e-4, upper = 1e-2 }
mass = { kind = "uniform", lower = 1.0, upper = 6.0 }

[likelihood]
terms = ["Omega_h2", "R_L"]
"""


@pytest.mark.parametrize("command", ["fit", "optimise"])
def test_every_problem_of_a_fit_file_and_nothing_written(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.toml").write_text(BAD_FIT, encoding="utf-8")
    text = "\n".join(problems(command, "bad.toml"))
    assert text.startswith("error: 6 problems with the input")
    for place in ("sampller", "priors.y", "priors.mass", "likelihood.terms", "'m_zp'", "'m_dm'"):
        assert place in text
    assert [path.name for path in tmp_path.iterdir()] == ["bad.toml"]


@pytest.mark.parametrize("content", [None, "model = ", "\x00"])
def test_an_unreadable_fit_file(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "fit.toml").write_text(content, encoding="utf-8")
    lines = problems("fit", "fit.toml")
    assert lines[0] == "error: 1 problem with the input"
    assert lines[1].startswith("fit.toml: ")
    assert not (tmp_path / "runs").exists()


def test_an_output_folder_that_cannot_be_is_reported_with_the_rest(tmp_path: Path):
    (tmp_path / "bad.toml").write_text(BAD_FIT, encoding="utf-8")
    out = tmp_path / "bad.toml" / "below"
    lines = problems("fit", str(tmp_path / "bad.toml"), "--out", str(out))
    assert lines[0] == "error: 7 problems with the input"
    assert lines[-1].startswith("--out: ") and lines[-1].endswith("is a file, not a folder")


def test_a_folder_to_be_made_is_fine(tmp_path: Path):
    assert setting.check_folder(tmp_path) == setting.check_folder(tmp_path / "a" / "b") == []


@pytest.mark.parametrize("option", ["--draws=0", "--chains=0", "--seed=-1", "--draws=many"])
def test_fit_settings_out_of_range(option: str):
    assert problems("fit", "name.toml", option)


# -- small pieces -------------------------------------------------------------------------------------------------------------------------


def test_json_has_no_nan():
    assert terminal.plain({"a": (float("nan"), 1.0, complex(0.0, float("inf")))}) == {
        "a": [None, 1.0, {"re": 0.0, "im": None}]
    }


@pytest.mark.parametrize(
    ("value", "text"), [(1.0 / 3.0, "0.33333333"), (1.5e-30, "1.5e-30"), (0.3 - 0.1j, "0.3 - 0.1j"), (0j, "0 + 0j")]
)
def test_numbers(value: complex, text: str):
    assert terminal.number(value) == text


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("DARKBEAUTY_CACHE", str(tmp_path / "own"))
    assert environment.cache_folder() == (tmp_path / "own", "")
    monkeypatch.delenv("DARKBEAUTY_CACHE")
    assert environment.cache_folder() == (tmp_path / "user" / "darkbeauty" / "jax", "")
    (tmp_path / "file").touch()
    monkeypatch.setenv("DARKBEAUTY_CACHE", str(tmp_path / "file" / "below"))
    folder, reason = environment.cache_folder()
    assert folder is None and "cannot be made: Not a directory" in reason


def test_an_interrupt_is_quiet(monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "read_request", interrupt)
    result = run("predict", "wet", "--obs", "V_sb")
    assert (result.exit_code, result.output) == (130, "")


# -- as a user runs it --------------------------------------------------------------------------------------------------------------------

MAIN = "from darkbeauty.cli import main; main()"
INTERRUPTED = """
import signal
from darkbeauty import cli
from darkbeauty.commands import reading
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell ignores it
reading.prepare = lambda: signal.raise_signal(signal.SIGINT)
cli.main()
"""


def variables() -> dict[str, str]:
    """This environment with the sources on the path and none of this process's JAX settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}
    return env | {"PYTHONPATH": str(SOURCES)}


def process(code: str, *args: str) -> subprocess.CompletedProcess:
    """A fresh interpreter that runs code as the command line."""
    command = [sys.executable, "-c", code, *args]
    return subprocess.run(command, env=variables(), capture_output=True, text=True, timeout=300)


def test_process_predicts_in_float64_without_being_told():
    done = process(MAIN, "predict", "lmu_ltau_s1", *POINT, "--obs", "Gamma_Zp", "--json")
    said = [line for line in done.stderr.splitlines() if "compiling and computing" not in line]  # on a slow machine
    assert (done.returncode, said) == (0, [])
    assert json.loads(done.stdout) == db.predict("lmu_ltau_s1", A_I, ["Gamma_Zp"])


def test_process_reports_bad_input_without_colours():
    done = process(MAIN, "predict", "lmu_ltau_s1", "y=-1", "--obs", "nonsense")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: 5 problems with the input\n")
    assert "\x1b" not in done.stderr
    assert "Traceback" not in done.stderr


def test_process_help_says_what_there_is():
    done = process(MAIN, "--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("predict", "gradient", "list", "fit", "optimise"))


def test_process_interrupted_while_it_works_is_quiet():
    done = process(INTERRUPTED, "predict", "wet", "--obs", "DeltaM_s")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
