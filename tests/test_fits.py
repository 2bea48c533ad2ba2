"""Every file in fits/ is valid, and the likelihood it describes has finite values, and gradients where it is sampled by them, inside its prior."""

import importlib.util
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db

WITH_GRADIENTS = ("lmu_ltau_s1_global_dsb", "le_lmu_r2_global_dsb")
"""Fits without a sampler by gradients whose gradients are looked at: the largest of each model; the others have some of their terms."""
WILSON = importlib.util.find_spec("wilson") is not None
"""Fits of SMEFT need the package, which the extras eft and dev have."""
EVERY = sorted((Path(__file__).parents[1] / "fits").glob("*.toml"))
FILES = [path for path in EVERY if WILSON or not path.stem.startswith("smeft")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_loads(path):
    fit = db.load_fit(path)
    assert fit.name == path.stem
    assert fit.terms


def test_loops_mix_the_z_prime_with_the_photon_where_everything_is_asked_and_not_on_the_slides():
    """physics_2.md §18; Le−Lμ has no kinetic mixing."""
    on = {path.stem for path in FILES if getattr(db.load_fit(path).model, "loop_mixing", False)}
    assert {path.stem for path in FILES if path.stem.startswith("lmu_ltau_s1_global")} <= on
    assert not on & {"lmu_ltau_s1_paper", "lmu_ltau_s1_quick", "lmu_ltau_s1_quick_nuts"}


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_its_likelihood_is_finite(path):
    fit = db.load_fit(path)
    lik = fit.likelihood()
    u = np.random.default_rng(8).uniform(0.02, 0.98, (12, len(fit.parameters)))
    points = {name: jnp.asarray(prior.quantile(u[:, i])) for i, (name, prior) in enumerate(fit.priors.items())}
    if fit.sampler.method == "nuts" or path.stem in WITH_GRADIENTS:
        both = eqx.filter_jit(lambda lik, table: jax.lax.map(jax.value_and_grad(lik.log_prob), table))
        values, slopes = both(lik, points)
        assert all(np.all(np.isfinite(slope)) for slope in slopes.values())
    else:
        values = eqx.filter_jit(lambda lik, table: jax.lax.map(lik.log_prob, table))(lik, points)
    assert np.all(np.isfinite(values))
