"""The stress run counts what a likelihood does wrong, by cause, and the command's exit code says so."""

from __future__ import annotations

import json
from types import SimpleNamespace

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from darkbeauty import cli
from darkbeauty.evaluation import Values
from darkbeauty.inference.checking.failures import name_causes
from darkbeauty.inference.checking.stress import stress
from darkbeauty.likelihoods.priors import Uniform
from darkbeauty.status import Status

OUTSIDE, LATE = Status.NOT_ALLOWED, Status.ERROR_UNKNOWN


class Bad(eqx.Module):
    """log L = −a², but: −∞ for a < −1 (masses) and for a > 1 (no value of the second term), infinite slope for b > 1.5, NaN for b < −1.8."""

    slices: tuple = eqx.field(static=True, default=((0, 1), (1, 3)))
    terms: tuple = eqx.field(static=True, default=(SimpleNamespace(name="one"), SimpleNamespace(name="two")))
    requests: tuple = eqx.field(static=True, default=tuple(SimpleNamespace(label=x) for x in ("u", "v", "w")))

    def evaluate(self, values):
        predictions = jnp.stack([values["a"], values["b"], jnp.where(values["a"] > 1.0, jnp.nan, 0.0)])
        return Values(predictions, jnp.where(values["a"] < -1.0, int(OUTSIDE), jnp.zeros(3, int)))

    def log_prob(self, values):
        a, b = values["a"], values["b"]
        kink = jnp.sqrt(jnp.where(b > 1.5, 0.0 * b, 1.0))  # slope ∞ · 0 above 1.5
        value = -(jnp.where(jnp.abs(a) > 1.0, 0.0, a) ** 2) + kink
        return jnp.where(jnp.abs(a) > 1.0, -jnp.inf, jnp.where(b < -1.8, jnp.nan, value))

    def by_term(self, predictions):
        """Of numbers that all have a value; the table of the first term ends at 2."""
        return {"one": np.where(predictions[0] > 2.0, -np.inf, 0.0), "two": np.zeros(())}


def fit_of(low, high):
    priors = {"a": Uniform(-2.0, 2.0), "b": Uniform(low, high)}
    return SimpleNamespace(name="bad", priors=priors, seed=3, theory="marginal", likelihood=Bad)


def test_failures_are_counted_by_cause():
    found = stress(fit_of(0.0, 1.0), 400)
    assert found.passed
    assert set(found.without_likelihood) == {OUTSIDE.words, "two: no value of w"}
    assert all(count == pytest.approx(100, abs=35) for count in found.without_likelihood.values())
    assert found.milliseconds[0] > 0.0


def test_values_and_gradients_that_are_not_finite_are_found():
    found = stress(fit_of(-2.0, 2.0), 400)
    assert not found.passed
    assert sum(found.not_finite.values()) == pytest.approx(400 * (0.5 / 4 + 0.5 * 0.2 / 4), abs=30)
    assert all(values["b"] > 1.5 or values["b"] < -1.8 for values in found.worst)


def test_causes_name_the_first_observable_without_value():
    rows = np.array([[1.0, np.nan, np.nan], [np.inf, 1.0, 1.0], [1.0, 1.0, 1.0], [np.nan, 1.0, 1.0]])
    rows = np.concatenate([rows, [[1.0, 1.0, 1.0], [3.0, 1.0, 1.0]]])
    statuses = np.zeros((6, 3), int)
    statuses[3], statuses[4, 1] = OUTSIDE, LATE
    causes = name_causes(Bad(), rows, statuses)
    expected = ["two: no value of v", "one: no value of u", "no finite gradient", OUTSIDE.words]
    assert causes == [*expected, f"two: no value of v: {LATE.words}", "one: no likelihood there"]


def test_command_exits_with_3_where_something_is_not_finite(monkeypatch):
    monkeypatch.setattr("darkbeauty.commands.inference.read_fit", lambda *_: fit_of(-2.0, 2.0))
    result = CliRunner().invoke(cli.app, ["stress", "any.toml", "-n", "60"])
    assert result.exit_code == 3
    assert result.stdout.startswith("bad: NOT FINITE at ")
    monkeypatch.setattr("darkbeauty.commands.inference.read_fit", lambda *_: fit_of(0.0, 1.0))
    result = CliRunner().invoke(cli.app, ["stress", "any.toml", "-n", "60", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["points"] == 60
