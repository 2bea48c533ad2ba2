"""Calibration passes where the model of the errors is right and fails where it is not."""

from __future__ import annotations

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.evaluation import Values
from darkbeauty.inference.checking.calibrate import calibrate, judge_ranks
from darkbeauty.likelihoods.part import Gaussian, SumOfParts
from darkbeauty.likelihoods.priors import Normal, Uniform
from darkbeauty.models.wet import Wet

SIGMA = np.array([0.3, 0.5, 0.2])


class Toy(SumOfParts):
    """Measurements of a, b and a·b with errors SIGMA, simulated with `honest` times these."""

    def __init__(self, honest):
        measured = np.array([0.5, 1.0, 0.4])
        errors = np.diag((honest * SIGMA) ** 2), np.diag(1.0 / SIGMA), np.zeros(())
        self.parts, self.spans = (Gaussian(measured, *errors),), ((0, 3),)

    def evaluate(self, values):
        allowed = values["a"] + values["b"] < 3.5
        predictions = jnp.stack([values["a"], values["b"], values["a"] * values["b"]])
        return Values(jnp.where(allowed, predictions, jnp.nan), jnp.where(allowed, 0, jnp.ones(3, int)))

    def predictions(self, values):
        return self.evaluate(values).value

    def log_prob(self, values):
        return self.log_prob_of(self.predictions(values))


def fit_of(honest=1.0):
    toy = lambda: Toy(honest)
    priors = {"a": Uniform(-1.0, 2.0), "b": Normal(0.5, 1.0)}
    settings = {
        "model": Wet(),
        "seed": 3,
        "theory": "marginal",
        "own": {},
        "sampler": SimpleNamespace(coordinates="box"),
    }
    return SimpleNamespace(name="toy", priors=priors, terms=("toy",), likelihood=toy, **settings)


@pytest.mark.parametrize("around", ["prior", "posterior"])
def test_a_right_likelihood_is_calibrated(around):
    found = calibrate(fit_of(), 200, around, particles=100)
    assert found.around == around
    assert found.passed, found
    for name in ("a", "b"):
        assert found.counts[name].sum() == 200
        assert found.ranks[name].min() >= 0 and found.ranks[name].max() <= found.draws


def test_underestimated_errors_are_found():
    found = calibrate(fit_of(honest=2.5), 200, "prior", particles=100)
    assert not found.passed
    edges = {name: count[0] + count[-1] for name, count in found.counts.items()}
    assert max(edges.values()) > 60  # truths in the tails: 40 expected


def test_ranks_are_judged_by_chi_square():
    even = judge_ranks("prior", {"a": np.arange(500) % 50}, 49)
    assert np.all(even.counts["a"] == 50) and even.p_values["a"] == pytest.approx(1.0)
    skewed = judge_ranks("prior", {"a": np.arange(500) % 25}, 49)
    assert not skewed.passed


def test_command(monkeypatch, tmp_path):
    monkeypatch.setattr("darkbeauty.commands.inference.read_fit", lambda *_: fit_of())
    args = ["calibrate", "toy.toml", "-n", "100", "--particles", "80", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(cli.app, args)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("toy: calibrated; 100 simulations around the prior")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"calibration.parquet", "calibration.png"}
