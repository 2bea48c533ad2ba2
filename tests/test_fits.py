"""Every file in fits/ is valid, and the likelihood it describes has finite values and gradients inside its prior."""

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db

FILES = sorted((Path(__file__).parents[1] / "fits").glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_loads(path):
    fit = db.load_fit(path)
    assert fit.name == path.stem
    assert fit.terms


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_likelihood_is_finite(path):
    fit = db.load_fit(path)
    lik = fit.likelihood()
    u = np.random.default_rng(8).uniform(0.02, 0.98, (12, len(fit.parameters)))
    points = {name: jnp.asarray(prior.quantile(u[:, i])) for i, (name, prior) in enumerate(fit.priors.items())}
    both = eqx.filter_jit(lambda lik, table: jax.lax.map(jax.value_and_grad(lik.log_prob), table))
    values, slopes = both(lik, points)
    assert np.all(np.isfinite(values))
    assert all(np.all(np.isfinite(slope)) for slope in slopes.values())
