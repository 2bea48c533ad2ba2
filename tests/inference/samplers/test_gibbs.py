"""Parameters by proposals and nuisances by NUTS, on a density whose draws can be made directly."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.inference.coordinates import log_logistic
from darkbeauty.inference.samplers import chains
from darkbeauty.inference.samplers.gibbs import GibbsKernel
from darkbeauty.inference.storage.checkpoint import Checkpoint, Journal

EDGE = 2.5
"""The parameters' density is zero beyond."""


def middle(q):
    """Of the nuisances: they depend on the first parameter."""
    return jnp.tanh(q[0]) * jnp.array([1.0, -0.5, 0.0])


def frame(q):
    return {"middle": middle(q), "log_prior": jnp.where(q[0] > EDGE, -jnp.inf, jnp.sum(log_logistic(q)))}


def log_density(given, eta):
    return given["log_prior"] - 0.5 * jnp.sum((eta - given["middle"]) ** 2)


def draw(draws, journal=None):
    posterior = SimpleNamespace(frame=frame, log_density_in=log_density, nuisances=SimpleNamespace(size=3))
    of_nuts = {"target_accept_prob": 0.8, "max_tree_depth": 5}
    kernel = GibbsKernel(posterior, chains.Shape(20, 2, 4, 5), 200, of_nuts)  # pyright: ignore[reportArgumentType]
    return chains.run(kernel, jnp.zeros((4, 5)), jax.random.key(3), warmup=200, draws=draws, journal=journal)


@pytest.fixture(scope="module")
def draws():
    return draw(1500)


def test_moments_are_those_of_direct_draws(draws):
    assert draws.q.shape == (4, 1500, 5)
    random = np.random.default_rng(1)
    q = random.logistic(size=(200_000, 2))
    q = q[q[:, 0] < EDGE]
    eta = np.tanh(q[:, :1]) * [1.0, -0.5, 0.0] + random.normal(size=(len(q), 3))
    direct, found = np.concatenate([q, eta], axis=1), draws.q.reshape(-1, 5)
    assert np.allclose(found.mean(axis=0), direct.mean(axis=0), atol=0.12)
    assert np.allclose(np.cov(found.T), np.cov(direct.T), atol=0.25)
    assert np.cov(direct.T)[0, 2] > 0.9  # the dependence is there to be found
    assert draws.stats["diverging"].sum() == 0
    assert 0.3 < draws.attrs["global_accept"] < 0.9


def test_proposals_without_density_are_never_taken_and_are_named(draws):
    assert np.all(draws.q[..., 0] < EDGE)
    assert draws.failed.shape[1] == 5
    assert np.all(draws.failed[:, 0] > EDGE)
    assert draws.attrs["global_proposals"] == 1500 * 4 * 2
    assert len(draws.failed) > 0.8 * draws.attrs["global_proposals"] / (
        1.0 + np.exp(EDGE)
    )  # of the independent ones; more from steps


def test_a_resumed_run_has_the_same_draws(tmp_path):
    class StopAfterThree(Journal):
        stop = property(lambda self: self.count >= 11)

    whole = draw(60)
    first = draw(60, StopAfterThree(Checkpoint(tmp_path / "run", {}, resume=True)))
    again = draw(60, Journal(Checkpoint(tmp_path / "run", {}, resume=True)))
    assert first.q.shape[1] == 20
    assert np.array_equal(again.q, whole.q) and np.array_equal(again.failed, whole.failed)
    assert all(np.array_equal(again.stats[name], values) for name, values in whole.stats.items())
    assert (again.attrs, again.unfinished) == (whole.attrs, "")
