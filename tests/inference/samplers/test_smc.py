"""Evidence and posterior of tempered SMC for densities whose integral is known, and interrupted runs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from darkbeauty.inference.checking.diagnostics import judge
from darkbeauty.inference.samplers.smc import SAMPLER, WIDE, WIDTH, evidence, log_start, tempered_smc
from darkbeauty.inference.storage.checkpoint import Checkpoint, Journal
from darkbeauty.likelihoods.fit_schema import SamplerSection, TargetSection

SHAPE = (4, 1000, 3)
KEY = jax.random.key(11)


COVARIANCE = np.array([[0.3, 0.2, 0.0], [0.2, 0.4, 0.05], [0.0, 0.05, 0.05]])
GAUSSIAN = lambda q: 3.7 + stats.multivariate_normal([1.0, -2.0, 0.5], COVARIANCE).logpdf(q)
CENTRES, SHARES, NARROW = np.array([[-3.0, -3.0, 0.0], [3.0, 2.0, 1.0]]), np.array([0.3, 0.7]), 0.15


def two_modes(q):
    """Two Gaussians, 55 widths apart."""
    parts = [np.log(s) + stats.norm.logpdf(q, c, NARROW).sum(axis=-1) for s, c in zip(SHARES, CENTRES)]
    return logsumexp(parts, axis=0) - 12.0


def test_evidence_and_moments_of_a_gaussian():
    found = tempered_smc(GAUSSIAN, SHAPE, KEY)
    result = evidence(found.log_z)
    assert result.log_z == pytest.approx(3.7, abs=0.1)
    assert result.error < 0.06
    assert abs(result.log_z - 3.7) < 4.0 * result.error
    flat = found.q.reshape(-1, 3)
    assert np.allclose(flat.mean(axis=0), [1.0, -2.0, 0.5], atol=0.06)
    assert np.allclose(np.cov(flat.T), COVARIANCE, atol=0.05)


def test_evidence_and_shares_of_two_modes():
    found = tempered_smc(two_modes, SHAPE, KEY)
    result = evidence(found.log_z)
    assert result.log_z == pytest.approx(-12.0, abs=0.1)
    assert np.mean(found.q[..., 0] > 0.0) == pytest.approx(0.7, abs=0.06)
    near = found.q[found.q[..., 0] > 0.0]
    assert np.allclose(near.std(axis=0), NARROW, rtol=0.15)


def test_a_density_that_is_zero_in_most_places():
    """Half of space without density: ln Z of a logistic distribution cut at 2 in every coordinate."""
    cut = lambda q: np.where(np.all(q > 2.0, axis=-1), np.sum(stats.logistic.logpdf(q), axis=-1), -np.inf)
    found = tempered_smc(cut, (4, 4000, 2), KEY)
    assert evidence(found.log_z).log_z == pytest.approx(2.0 * stats.logistic.logsf(2.0), abs=0.1)
    assert np.all(found.q > 2.0)
    alive = (1.0 - WIDE) * stats.logistic.sf(2.0) + WIDE * stats.logistic.sf(2.0 / WIDTH)
    assert np.mean(found.dead) == pytest.approx(1.0 - alive**2, abs=0.01)


def test_a_run_without_likelihood_says_so():
    """Every particle of one run is dead: it counts as Z = 0, has no effective draws, and its points are no draws."""

    def cut(q):
        part = np.split(GAUSSIAN(q), 4)
        part[0] = np.full_like(part[0], -np.inf)
        return np.concatenate(part)

    found = tempered_smc(cut, (4, 200, 3), KEY)
    assert found.log_z[0] == -np.inf and np.all(np.isfinite(found.log_z[1:]))
    assert found.ess[0] == 0.0
    assert evidence(found.log_z).log_z == pytest.approx(3.7 + np.log(0.75), abs=0.3)
    assert evidence(np.full(4, -np.inf)).log_z == -np.inf


def test_a_mode_in_the_tail_of_the_first_guess():
    """A mode eight widths out, of which a logistic distribution would draw one particle in three thousand."""
    modes = lambda q: np.logaddexp(
        np.log(0.4) + stats.norm.logpdf(q, [0.0, 0.0], 0.5).sum(axis=-1),
        np.log(0.6) + stats.norm.logpdf(q, [8.0, 0.0], 0.5).sum(axis=-1),
    )
    found = tempered_smc(modes, (4, 1000, 2), KEY)
    assert evidence(found.log_z).log_z == pytest.approx(0.0, abs=0.15)
    assert np.mean(found.q[..., 0] > 4.0) == pytest.approx(0.6, abs=0.08)


def test_what_the_first_guess_did_not_expect_misses_a_target():
    """A fifth of the density in a narrow mode far out, where p has e⁻⁵ of it; then none. Only where p is a guess of the posterior."""
    for share in (0.2, 0.0):

        def log_density(q, share=share):
            near = jnp.sum(jax.scipy.stats.logistic.logpdf(q)) + jnp.log1p(-share)
            far = jnp.sum(jax.scipy.stats.norm.logpdf(q, jnp.array([10.0, 0.0]), 0.3)) + jnp.log(share)
            return jnp.logaddexp(near, far)

        for follows in (False, True):
            settings = SamplerSection(method="smc", chains=4, draws=1000)
            posterior: Any = SimpleNamespace(log_density=log_density, size=2, follows=follows)
            found = SAMPLER.draw(posterior, settings, 3, lambda *_: None, Journal())
            assert found.evidence["log_evidence"] == pytest.approx(0.0, abs=0.1)
            missed = judge([], found, TargetSection()).missed
            if share and follows:
                assert found.attrs["surprise"] == pytest.approx(share, abs=0.06)
                assert len(missed) == 1 and missed[0].startswith("surprise = ")
            else:
                assert not missed and found.attrs.get("surprise", 0.0) < 0.01


def test_the_first_guess_is_normalised():
    x = np.linspace(-150.0, 150.0, 30001)
    assert np.trapezoid(np.exp(log_start(x[:, None])), x) == pytest.approx(1.0, abs=1e-9)


def test_the_error_is_honest():
    """Spread of ln Z over repetitions against the error that each claims."""
    claims, values = [], []
    for seed in range(12):
        result = evidence(tempered_smc(GAUSSIAN, (4, 100, 3), jax.random.key(seed)).log_z)
        claims.append(result.error)
        values.append(result.log_z)
    assert np.std(values) == pytest.approx(np.sqrt(np.mean(np.square(claims))), rel=0.6)
    assert np.isnan(evidence(np.array([1.0])).error)


class StopAfter(Journal):
    """A journal that stops after a number of steps."""

    def __init__(self, store, steps):
        super().__init__(store)
        self.steps = steps

    @property
    def stop(self):
        return self.count >= self.steps


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path):
    whole = tempered_smc(GAUSSIAN, SHAPE, KEY)
    part = tempered_smc(GAUSSIAN, SHAPE, KEY, journal=StopAfter(Checkpoint(tmp_path / "run", {}, False), 2))
    assert np.all((part.temperature > 0.0) & (part.temperature < 1.0))
    again = tempered_smc(GAUSSIAN, SHAPE, KEY, journal=Journal(Checkpoint(tmp_path / "run", {}, True)))
    assert all(np.array_equal(a, b) for a, b in zip(again, whole))
    done = Journal(Checkpoint(tmp_path / "run", {}, True))
    assert np.array_equal(tempered_smc(GAUSSIAN, SHAPE, KEY, journal=done).q, whole.q)
