"""The sampler on densities with known answers, and the coordinates' Jacobians."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from darkbeauty.inference.coordinates import BoxCoordinates
from darkbeauty.inference.samplers import chains
from darkbeauty.inference.samplers.nuts import NutsKernel
from darkbeauty.likelihoods.priors import LogUniform, Normal, Uniform


def run(log_density, size, **settings):
    options = {"warmup": 200, "draws": 500, "block": 50, "global_moves": 0} | settings
    start = 0.1 * jax.random.normal(jax.random.key(0), (4, size))
    posterior = SimpleNamespace(log_density=log_density, nuisances=SimpleNamespace(size=0))
    shape = chains.Shape(options["block"], options["global_moves"], *start.shape)
    of_nuts = {"target_accept_prob": 0.8, "max_tree_depth": 6}
    kernel = NutsKernel(posterior, shape, options["warmup"], of_nuts)  # pyright: ignore[reportArgumentType]
    return chains.run(kernel, start, jax.random.key(1), warmup=options["warmup"], draws=options["draws"])


def test_nuts_reproduces_a_correlated_gaussian():
    covariance = np.array([[2.0, 0.9], [0.9, 0.5]])
    precision = jnp.asarray(np.linalg.inv(covariance))
    draws = run(lambda q: -0.5 * q @ precision @ q, 2)
    flat = draws.q.reshape(-1, 2)
    assert draws.q.shape == (4, 500, 2)
    assert np.allclose(np.cov(flat.T), covariance, atol=0.35)
    assert draws.stats["diverging"].sum() == 0


def test_global_moves_cross_between_modes_and_keep_their_weights():
    """Two narrow modes, 1:3, eleven widths apart: NUTS alone stays where it starts."""

    def log_density(q):
        modes = jnp.array(
            [jnp.log(0.25) - 0.5 * ((q[0] + 1.5) / 0.27) ** 2, jnp.log(0.75) - 0.5 * ((q[0] - 1.5) / 0.27) ** 2]
        )
        return jax.scipy.special.logsumexp(modes)

    draws = run(log_density, 1, global_moves=3, draws=1000)
    assert np.mean(draws.q > 0.0) == pytest.approx(0.75, abs=0.05)
    assert 0.02 < draws.attrs["global_accept"] < 0.9


def test_same_seed_same_draws():
    density = lambda q: -0.5 * q @ q
    first, second = (run(density, 2, draws=40, warmup=40, block=20) for _ in range(2))
    assert np.array_equal(first.q, second.q)


@pytest.mark.parametrize(
    ("prior", "reference"),
    [
        (Uniform(-1.0, 3.0), stats.uniform(-1.0, 4.0)),
        (LogUniform(0.01, 2.0), stats.loguniform(0.01, 2.0)),
        (Normal(1.0, 0.3), stats.norm(1.0, 0.3)),
    ],
)
def test_priors_agree_with_scipy(prior, reference):
    u = np.linspace(0.01, 0.99, 25)
    value = np.asarray(prior.quantile(u))
    assert np.allclose(value, reference.ppf(u), rtol=1e-12)
    assert np.allclose(prior.cdf(value), u, rtol=1e-9)
    assert np.allclose(prior.log_density(value), reference.logpdf(value), rtol=1e-10, atol=1e-12)


def test_box_coordinates_carry_prior_and_jacobian():
    coordinates = BoxCoordinates(("a", "b"), (LogUniform(0.1, 5.0), Uniform(0.0, 2.0)))
    q = jnp.array([0.3, -1.1])
    values, log_density = coordinates.to_parameters(q)
    jacobian = jax.jacfwd(lambda x: jnp.stack(list(coordinates.to_parameters(x)[0].values())))(q)
    priors = sum(float(prior.log_density(values[name])) for name, prior in zip(coordinates.names, coordinates.priors))
    assert float(log_density) == pytest.approx(priors + np.log(np.linalg.det(np.asarray(jacobian))), rel=1e-12)
    assert np.allclose(coordinates.from_parameters(values), q, atol=1e-12)
