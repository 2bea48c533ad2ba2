"""What no fit is made of: enormous numbers, deep nesting, types taken for others. Each is refused in words, before anything is computed or moved."""

from __future__ import annotations

from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference.checking.calibrate import calibrate
from darkbeauty.inference.checking.stress import stress
from darkbeauty.inference.fitting.optimise import optimise
from darkbeauty.inference.fitting.profile import profile
from darkbeauty.inference.scan import scan
from darkbeauty.likelihoods.fit_file import load_fit, parse_fit

FILE = """name = "toy"
model = "wet"
seed = 1
fixed = { C7_bs = 0.0 }
[priors]
C9_bsmumu = { kind = "uniform", lower = -2, upper = 2 }
[likelihood]
terms = ["DeltaM_s"]
[sampler]
chains = 4
"""
LARGE = {"400 digits": "9" * 400, "5000 digits": "9" * 5000, "−400 digits": "-" + "9" * 400}
DEEP = 5000


def told(text: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        parse_fit(text, "toy.toml")
    assert all(problem.path.startswith("toy.toml") for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


def test_the_file_is_right():
    assert parse_fit(FILE, "toy.toml").parameters == ("C9_bsmumu",)


@pytest.mark.parametrize("number", LARGE)
@pytest.mark.parametrize("entry", ["seed = 1", "C7_bs = 0.0", "lower = -2", "upper = 2", "chains = 4"])
def test_integers_of_many_digits(entry, number):
    lines = told(FILE.replace(entry, f"{entry.split(' = ')[0]} = {LARGE[number]}"))
    assert len(lines) == 1 and len(lines[0]) < 300
    assert "too many digits" in lines[0] or entry.split(" = ")[0] in lines[0] or "sampler" in lines[0]


@pytest.mark.parametrize(
    "text",
    [
        FILE + "draws = " + "[" * DEEP + "]" * DEEP,
        FILE + "draws = " + "{a = " * DEEP + "1" + "}" * DEEP,
        FILE + "draws = " + "[" * DEEP,
        FILE + "a" + ".a" * DEEP + " = 1",
        FILE + "[priors" + ".a" * DEEP + "]",
        FILE.replace("-2", "[" * 300 + "]" * 300),
        FILE.replace('"DeltaM_s"', "[" * 300 + "]" * 300),
        FILE.replace('"wet"', "[" * 300 + "]" * 300),
    ],
    ids=["lists", "tables", "open lists", "keys", "headers", "a bound", "terms", "model"],
)
def test_deep_nesting(text):
    lines = told(text)
    assert lines and all(len(line) < 500 for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("seed = 1", "seed = true", "seed"),
        ("seed = 1", "seed = 1.0", "seed"),
        ("seed = 1", "seed = 1.5", "seed"),
        ("seed = 1", "seed = -1", "seed"),
        ("seed = 1", f"seed = {2**63}", "seed"),
        ("seed = 1", 'seed = "x"', "seed"),
        ("seed = 1", "seed = 1979-05-27", "seed"),
        ("chains = 4", "chains = true", "sampler.chains"),
        ("chains = 4", 'chains = "4"', "sampler.chains"),
        ("chains = 4", "chains = 4.0", "sampler.chains"),
        ("chains = 4", "chains = 1_000_000_000", "sampler"),
        ("chains = 4", "draws = 1e3", "sampler.draws"),
        ("chains = 4", 'draws = "100"', "sampler.draws"),
        ("chains = 4", f"draws = {10**30}", "sampler"),
        ("chains = 4", f"warmup = {10**30}", "sampler.warmup"),
        ("chains = 4", f"starts = {10**30}", "sampler.starts"),
        ("chains = 4", "target_accept = true", "sampler.target_accept"),
        ("chains = 4", 'target_accept = "0.9"', "sampler.target_accept"),
        ("chains = 4", "target_accept = nan", "sampler.target_accept"),
        ("C7_bs = 0.0", "C7_bs = true", "fixed.C7_bs"),
        ("C7_bs = 0.0", 'C7_bs = "0"', "fixed.C7_bs"),
        ("C7_bs = 0.0", "C7_bs = inf", "fixed.C7_bs"),
        ('terms = ["DeltaM_s"]', 'terms = ["DeltaM_s"]\npreset = "global"', "likelihood.preset"),
        ('terms = ["DeltaM_s"]', 'terms = { a = "DeltaM_s" }', "likelihood.terms"),
        ('"toy"', "3", "name"),
        ('"wet"', "3", "model"),
        ('"wet"', '"os.system"', "model"),
        ("seed = 1", "about = 3", "about"),
        ("seed = 1", "convention = 3", "convention"),
        ("seed = 1", 'extra_channels = "higgs"', "extra_channels"),
    ],
)
def test_types_are_not_taken_for_others_and_numbers_have_limits(old, new, place):
    lines = told(FILE.replace(old, new))
    assert lines[0].startswith(f"toy.toml: {place}: ")


def test_the_limit_of_draws_has_a_reason():
    assert "memory" in told(FILE.replace("chains = 4", "chains = 1000\ndraws = 10_001"))[0]
    assert parse_fit(FILE.replace("chains = 4", "chains = 1000\ndraws = 10_000"), "").sampler.chains == 1000


@pytest.mark.parametrize("path", ["a\0b", None, 5, "/nowhere/toy.toml", b"\xff"])
def test_paths_that_are_none(path):
    with pytest.raises(InputError, match="cannot be read"):
        load_fit(path)


# -- what is given in place of a fit's own settings ---------------------------------------------------------------------------------------

BAD_SEEDS = [-1, 2**63, 10**400, 1.5, 1.0, True, "x", float("nan"), [1]]
RUNS = {
    "run_fit": lambda fit, folder, **given: db.run_fit(fit, folder, **given),
    "optimise": lambda fit, folder, **given: optimise(fit, **given),
    "scan": lambda fit, folder, **given: scan(fit, 10, folder, **given),
    "stress": lambda fit, folder, **given: stress(fit, 10, **given),
    "calibrate": lambda fit, folder, **given: calibrate(fit, 10, **given),
}


@pytest.fixture
def fit(monkeypatch):
    """A fit that must not get as far as its likelihood."""

    def computed(self):
        raise AssertionError("something was computed")

    monkeypatch.setattr(db.Fit, "likelihood", computed)
    return parse_fit(FILE, "toy.toml")


@pytest.mark.parametrize("seed", BAD_SEEDS, ids=lambda seed: repr(seed)[:12])
@pytest.mark.parametrize("run", RUNS)
def test_seeds_that_are_none(run, seed, fit, tmp_path):
    with pytest.raises(InputError, match="seed"):
        RUNS[run](fit, tmp_path / "out", seed=seed)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "given",
    [
        {"draws": 10**30},
        {"draws": 10**400},
        {"draws": 1e3},
        {"draws": True},
        {"draws": "100"},
        {"chains": 10**9},
        {"chains": True},
        {"chains": 0},
        {"chains": 10_000, "draws": 10_000},
    ],
    ids=lambda given: str(given)[:40],
)
def test_settings_that_are_none(given, fit, tmp_path):
    with pytest.raises(InputError):
        db.run_fit(fit, tmp_path / "out", **given)
    assert not list(tmp_path.iterdir())


def test_all_settings_at_once(fit):
    with pytest.raises(InputError) as caught:
        db.run_fit(fit, draws=1.5, chains="4", seed=-1)
    assert {problem.path for problem in caught.value.problems} == {"draws", "chains", "seed"}


# -- from Python --------------------------------------------------------------------------------------------------------------------------

GOOD = {"model": "wet", "priors": {"C10_bsmumu": db.Uniform(-1, 1)}, "terms": ["BR(Bs->mumu)"]}
NONE_OF_THESE = [
    1.5,
    True,
    b"x",
    float("nan"),
    10**5000,
    1j,
    np.ones(2),
    jnp.ones(2),
    {None: None},
    {1: 2},
    {(1, 2): 3},
    {b"x": 1},
    [None],
    [["x"]],
    {1},
    object(),
    db.Uniform,
    print,
]
FIELDS = [
    "model",
    "priors",
    "terms",
    "preset",
    "add",
    "drop",
    "theory",
    "fixed",
    "sampler",
    "targets",
    "seed",
    "name",
    "about",
    "convention",
    "extra_channels",
    "gstar",
    "member",
]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("value", NONE_OF_THESE, ids=lambda value: type(value).__name__)
def test_no_field_of_a_fit_takes_another_type(field, value):
    """Keys that are no texts once kept the validation from ending."""
    with pytest.raises(InputError) as caught:
        db.Fit(**{**GOOD, field: value})
    assert field in {part for problem in caught.value.problems for part in problem.path.split(".")}


@pytest.mark.parametrize("value", NONE_OF_THESE[1:], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize(
    "prior", [db.Uniform, db.LogUniform, db.Normal, lambda low, _: db.TruncatedNormal(0.0, 1.0, low, 2.0), db.Numpyro]
)
def test_no_prior_takes_another_type(prior, value):
    made = prior(value) if prior is db.Numpyro else prior(value, 1.0)
    for entry in (made, value):
        with pytest.raises(InputError, match=r"priors\.C10_bsmumu"):
            db.Fit(**{**GOOD, "priors": {"C10_bsmumu": entry}})


@pytest.mark.parametrize("value", [np.ones(2), np.array(["marginal", "x"]), None, 5], ids=repr)
def test_kinds_of_theory_errors_and_presets_are_names(value):
    with pytest.raises(InputError, match=r"likelihood\.theory"):
        db.likelihood("wet", terms=["DeltaM_s"], theory=value)
    with pytest.raises(InputError, match="likelihood"):
        db.likelihood("wet", value)


CALLS = {
    "run_fit": db.run_fit,
    "optimise": optimise,
    "profile": lambda fit: profile(fit, ["C9_bsmumu"]),
    "stress": lambda fit: stress(fit, 10),
    "calibrate": lambda fit: calibrate(fit, 20),
    "scan": lambda fit: scan(fit, 10, Path("/nowhere/scan")),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "value", [None, "toy.toml", Path("toy.toml"), 10**5000, {}, db.Fit], ids=lambda v: type(v).__name__
)
def test_what_is_no_fit_is_said(call, value):
    with pytest.raises(InputError, match=r"fit: expected a fit, got \w+ \(allowed: darkbeauty.load_fit"):
        CALLS[call](value)


@pytest.mark.parametrize(
    "count",
    [0, -1, 1.5, True, "7", None, float("nan"), 10**30, 10**5000],
    ids=lambda v: repr(v)[:8] if v != 10**5000 else "huge",
)
@pytest.mark.parametrize(
    "run",
    [
        lambda fit, count, out: stress(fit, count),
        lambda fit, count, out: calibrate(fit, count),
        lambda fit, count, out: scan(fit, count, out),
        lambda fit, count, out: profile(fit, ["C9_bsmumu"], count),
        lambda fit, count, out: profile(fit, ["C9_bsmumu"], 9, count or 0),
    ],
    ids=["stress", "calibrate", "scan", "profile", "starts"],
)
def test_counts_that_are_none(run, count, fit, tmp_path):
    with pytest.raises(InputError, match="is not an integer from "):
        run(fit, count, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_calibration_is_around_something(fit):
    with pytest.raises(InputError, match="around: unknown origin of truths 'nothing'"):
        calibrate(fit, 20, "nothing")  # pyright: ignore[reportArgumentType]
