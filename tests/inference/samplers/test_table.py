"""The table of samplers: a new one is a function and a line, and what a method cannot do is refused before anything compiles."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.inference.samplers.sampler import Draws, Sampler, stopped
from darkbeauty.inference.samplers.table import SAMPLERS, identity_of
from darkbeauty.inference.sharding import Spread
from darkbeauty.inference.storage.output import identity
from darkbeauty.likelihoods.fit_schema import SamplerSection

PACKAGE = Path(db.__file__).parent
FIT = """
name = "toy"
model = "wet"
seed = 5
[priors]
C10_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
[likelihood]
terms = ["BR(Bs->mumu)"]
[sampler]
method = "walk"
chains = 4
draws = 1000
[targets]
r_hat = 1.1
ess = 100
"""
BLOCK, STEP = 50, 2.0


def walk(posterior, settings, seed, progress, journal):
    """Random-walk Metropolis of all chains side by side, in blocks that are stored."""
    evaluate = Spread(lambda posterior, q: posterior.log_density(q), posterior)
    q = np.zeros((settings.chains, posterior.size))
    q, lp = journal.arrays() if journal.count else (q, evaluate(q))
    parts, blocks = journal.parts(0, journal.count), -(-settings.draws // BLOCK)
    with journal.interruption:
        for number in range(journal.count, blocks):
            if journal.stop:
                break
            random, rows = np.random.default_rng([seed, number]), []
            for _ in range(BLOCK):
                new = q + STEP * random.normal(size=q.shape)
                value = evaluate(new)
                take = np.log(random.uniform(size=len(q))) < value - lp
                q, lp = np.where(take[:, None], new, q), np.where(take, value, lp)
                rows.append((q, lp))
            part = {"q": np.stack([row[0] for row in rows], 1), "lp": np.stack([row[1] for row in rows], 1)}
            journal.save([q, lp], part)
            parts.append(part)
            progress("walking", BLOCK * (number + 1), 0)
    q, lp = (np.concatenate([part[name] for part in parts], 1)[:, : settings.draws] for name in ("q", "lp"))
    unfinished = stopped(journal, f"{q.shape[1]} of {settings.draws} draws")
    return Draws(q, {"lp": lp}, np.zeros((0, posterior.size)), {"step": STEP}, unfinished)


WALK = Sampler(
    walk,
    settings=("chains", "draws"),
    stages=lambda settings: {"walking": settings.draws},
    extends=("draws",),
    no_nuisances="a random walk is lost in a hundred dimensions",
    references=("arXiv:1804.06788",),
)


@pytest.fixture
def with_walk(monkeypatch):
    monkeypatch.setitem(SAMPLERS, "walk", WALK)


def fit_of(folder, *changes):
    text = FIT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "toy.toml").write_text(text, encoding="utf-8")
    return folder / "toy.toml"


def problems(path):
    with pytest.raises(db.InputError) as caught:
        db.load_fit(path)
    return [str(problem).removeprefix(f"{path}: ") for problem in caught.value.problems]


# -- a new sampler --------------------------------------------------------------------------------------------------------------------------


def test_a_new_sampler_is_a_function_and_a_line(with_walk, tmp_path):
    """The posterior of one coefficient, against the likelihood on a grid; file, command line, report and resume know nothing of it."""
    path, out = fit_of(tmp_path), tmp_path / "out"
    result = CliRunner().invoke(cli.app, ["fit", str(path), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "walking" in result.stderr
    fit = db.load_fit(path)
    data = db.run_fit(fit)
    draws = np.asarray(data["posterior"]["C10_bsmumu"])
    lik, grid = fit.likelihood(), np.linspace(-2.0, 2.0, 81)
    log_l = np.array([float(lik.log_prob_of(lik.predictions({"C10_bsmumu": x}))) for x in grid[::4]])
    density = np.exp(np.polynomial.Polynomial.fit(grid[::4], log_l, 8)(grid) - log_l.max())
    mean = np.sum(density * grid) / np.sum(density)
    sd = np.sqrt(np.sum(density * (grid - mean) ** 2) / np.sum(density))
    assert draws.shape == (4, 1000)
    assert np.mean(draws) == pytest.approx(mean, abs=0.2 * sd)
    assert np.std(draws) == pytest.approx(sd, rel=0.15)
    attrs = data["posterior"].attrs
    assert (attrs["method"], attrs["step"]) == ("walk", STEP)
    page = CliRunner().invoke(cli.app, ["report", str(out)])
    assert page.exit_code == 0, page.output
    assert "1804.06788" in (out / "report.html").read_text(encoding="utf-8")


def test_it_is_resumed_by_what_it_declares(with_walk, tmp_path):
    fit, out = db.load_fit(fit_of(tmp_path)), tmp_path / "out"
    short = db.run_fit(fit, out, draws=200)
    longer = db.run_fit(fit, out, draws=400, resume=True)
    whole = db.run_fit(fit, draws=400)
    one, other = (np.asarray(data["posterior"]["C10_bsmumu"]) for data in (longer, whole))
    assert np.array_equal(one, other)
    assert np.array_equal(one[:, :200], np.asarray(short["posterior"]["C10_bsmumu"]))
    with pytest.raises(db.InputError, match="--resume: chains: 4 in the run to be resumed, 2 now"):
        db.run_fit(fit, out, chains=2, resume=True)


def test_what_identifies_a_run_is_what_its_sampler_says(with_walk):
    """All that it reads, but for what may grow; the draws of SMC, its particles, may not."""
    settings = SamplerSection(method="walk", chains=3, draws=50)
    assert identity_of(settings) == {"sampler": "walk", "coordinates": "auto", "chains": "3"}
    assert {"particles": "50"}.items() <= identity_of(settings.changed(method="smc")).items()
    assert set(identity_of(settings.changed(method="nuts"))) >= {"warmup", "target_accept", "max_depth"}
    attrs = {"seed": 1, "input_sha256": "", "device": "cpu"}
    fit = db.Fit(model="wet", priors={"C10_bsmumu": db.Uniform(-1.0, 1.0)}, terms=["BR(Bs->mumu)"])
    assert {"a": "b"}.items() <= identity(fit, attrs, {"a": "b"}).items()


# -- what is refused ------------------------------------------------------------------------------------------------------------------------


def test_a_method_that_is_not_in_the_table(tmp_path):
    assert problems(fit_of(tmp_path)) == ["sampler.method: unknown sampler 'walk' (allowed: nested, nuts, smc)"]
    found = problems(fit_of(tmp_path, ('"BR(Bs->mumu)"', '"BR(Bs->mumi)"'), ("seed = 5", "seed = -5")))
    assert {line.split(":")[0] for line in found} == {"sampler.method", "likelihood.terms", "seed"}
    found = problems(fit_of(tmp_path, ('method = "walk"', "method = 5")))
    assert len(found) == 1 and found[0].startswith("sampler.method")


def test_a_fit_is_checked_again_where_it_is_run(with_walk, tmp_path, monkeypatch):
    fit = db.load_fit(fit_of(tmp_path))
    monkeypatch.delitem(SAMPLERS, "walk")
    with pytest.raises(db.InputError, match=r"^sampler\.method: unknown sampler 'walk'"):
        db.run_fit(fit, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_theory_errors_that_it_cannot_sample(with_walk, tmp_path):
    sampled = ("[sampler]", 'theory = "sampled"\n[sampler]')
    lost = "sampler.method: a random walk is lost in a hundred dimensions (allowed: nuts)"
    assert problems(fit_of(tmp_path, sampled)) == [lost]


def test_no_method_is_known_by_name_outside_of_the_table():
    """But for those that a fit file has without saying so."""
    outside = [path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE / "inference" / "samplers"]
    named = [
        (path.name, node.value)
        for path in outside
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in SAMPLERS
    ]
    assert sorted(named) == [("fit_schema.py", "nested"), ("fit_schema.py", "nuts")]


def test_theory_errors_are_sampled_by_what_can():
    """Where the fit does not name a sampler."""
    terms = {"model": "wet", "priors": {"C9_bsmumu": db.Uniform(-3, 3)}, "terms": ["R_K", "R_K*"]}
    assert db.Fit(**terms).sampler.method == "nested"
    assert db.Fit(**terms, theory="sampled").sampler.method == "nuts"
    with pytest.raises(db.InputError, match="hundred dimensions"):
        db.Fit(**terms, theory="sampled", sampler={"method": "nested"})
