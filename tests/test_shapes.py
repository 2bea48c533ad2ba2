"""Shapes and types of what public functions take and give, checked when they are called: jaxtyping with beartype.

Nothing is compiled but what a function compiles itself: most of them are traced only, where shapes are as real as they are later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype import beartype
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Array, Complex, Float, Int, TypeCheckError, jaxtyped

import darkbeauty as db
from darkbeauty.dark import thermal_average
from darkbeauty.evaluation import evaluate
from darkbeauty.flavour import charm_loops
from darkbeauty.flavour.spectrum import histogram, smeared
from darkbeauty.inference.posterior import Observed, Posterior
from darkbeauty.likelihoods.theory import theory_covariance
from darkbeauty.models import resolve_model
from darkbeauty.models.loops import boxes
from darkbeauty.numerics.interpolation import monotone
from darkbeauty.numerics.quadrature import legendre_rule, pole_rule
from darkbeauty.prediction import parse

POINT = {"y": 0.2, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7}
Real = Float[Array, "..."]
Number = Float[Array, ""]


def checked(function: Callable) -> Callable:
    """The function, with its annotations enforced."""
    return jaxtyped(typechecker=beartype)(function)


def traced(function: Callable, *arguments: Any) -> Any:
    """Call it with tracers in place of arrays: annotations are checked, nothing is computed."""
    return eqx.filter_eval_shape(function, *arguments)


@pytest.fixture(scope="module")
def theory():
    return resolve_model("lmu_ltau_s1").at(POINT)


@pytest.fixture(scope="module")
def posterior():
    priors = {"y": db.Uniform(0.01, 1.0), "g": db.LogUniform(1e-4, 1e-2)}
    fixed = {"m_zp": 4.0, "m_dm": 1.7}
    return Posterior.of(db.Fit(model="lmu_ltau_s1", priors=priors, fixed=fixed, terms=["DeltaM_s"]))


def test_the_check_bites():
    @checked
    def wrong(x: Float[Array, " n"]) -> Float[Array, " n"]:
        return x[:1]

    assert wrong(jnp.zeros(1)).shape == (1,)
    with pytest.raises((TypeCheckError, BeartypeCallHintViolation)):
        wrong(jnp.zeros(3))
    with pytest.raises((TypeCheckError, BeartypeCallHintViolation)):
        wrong(jnp.zeros(1, int))


def test_predictor():
    real = db.predictor("lmu_ltau_s1", ["Gamma_Zp", "V_sb", "DeltaM_s"])
    both = db.predictor("lmu_ltau_s1", ["Gamma_Zp", "C9p(bsmumu)[6]"])

    @checked
    def numbers(y: Number) -> Float[Array, "3"]:
        return real({**POINT, "y": y})

    @checked
    def complex_numbers(y: Number) -> Complex[Array, "2"]:
        return both({**POINT, "y": y})

    @checked
    def slopes(y: Number) -> Float[Array, "3"]:
        return jax.jacfwd(numbers)(y)

    @checked
    def batch(y: Float[Array, " n"]) -> Float[Array, "n 3"]:
        return jax.vmap(lambda value: real({**POINT, "y": value}))(y)

    for function in (numbers, complex_numbers, slopes):
        traced(function, jnp.array(0.2))
    traced(batch, jnp.full(5, 0.2))


def test_evaluate(theory):
    names = ["Gamma_Zp", "<dBR/dq2>(B+->Kmumu)[1.1,6]", "<dBR/dq2>(B+->Kmumu)[15,20]"]
    requests = parse(theory, names)

    @checked
    def values(model) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
        return tuple(evaluate(model, requests))

    assert traced(values, theory)[0].shape == (3,)


@pytest.mark.parametrize("pair", ["nunu", "NN", "inv"])
def test_spectra(theory, pair):
    @checked
    def counts(model, edges: Float[Array, " n"]) -> Float[Array, " n-1"]:
        return histogram(model.derive(), edges, "B+->K", pair)

    @checked
    def resolved(model, q2: Number) -> Number:
        return smeared(model.derive(), q2, 0.5, "B+->K", pair)

    traced(counts, theory, jnp.array([1.1, 2.5, 4.0, 6.0]))
    traced(resolved, theory, jnp.array(4.0))


def test_couplings(theory):
    @checked
    def shapes(model) -> tuple[Number, Float[Array, "3"], Float[Array, "3"], Number, Complex[Array, "3"]]:
        p = model.derive()
        assert p.z_prime is not None
        z = p.z_prime
        return z.width, jnp.asarray(z.lepton), jnp.asarray(z.neutrino), z.quark_vertex("bs"), p.wilson.residue["C9p"]

    traced(shapes, theory)


def test_thermal_average(theory):
    @checked
    def average(model, x: Float[Array, " n"]) -> Float[Array, " n"]:
        dark = model.derive().dark_matter
        nodes = thermal_average.spectrum(dark, jnp.array(1.0))
        return jax.vmap(lambda value: thermal_average.average(nodes, value))(x)

    traced(average, theory, jnp.array([10.0, 20.0, 30.0]))


def test_rate_table(theory):
    from darkbeauty.dark.rate_table import DEGREE, PANELS, log_rate, rate_table

    @checked
    def table(model) -> Float[Array, f"{PANELS} {DEGREE + 1} 2"]:
        return rate_table(model.derive().dark_matter).coefficients

    @checked
    def rate(model, log_x: Float[Array, "n m"]) -> Float[Array, "n m"]:
        return log_rate(table(model), log_x)

    traced(rate, theory, jnp.ones((4, 3)))


@pytest.mark.parametrize("shape", [(), (4,), (2, 4)])
def test_charm_loops_keep_the_shape_of_q2(theory, shape):
    @checked
    def coefficients(model, q2: Float[Array, "*s"]) -> tuple[Complex[Array, "*s"], Complex[Array, "*s"]]:
        return tuple(charm_loops.effective_coefficients(model.sm, q2, 0.1j))

    with jax.numpy_dtype_promotion("standard"):
        traced(coefficients, theory, jnp.full(shape, 4.0))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_elementwise_functions_keep_shapes(shape):
    @checked
    def box(x: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
        return boxes(x, 2.0 * x)

    @checked
    def interpolated(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
        return monotone(x, np.array([0.0, 1.0, 2.0, 4.0]), np.array([1.0, 2.0, 2.5, 7.0]))

    traced(box, jnp.full(shape, 0.3))
    traced(interpolated, jnp.full(shape, 0.3))


def test_quadrature():
    @checked
    def rules(edges: Float[Array, "m"]) -> tuple[Float[Array, "8"], Float[Array, "8"], Float[Array, "8*m"]]:
        nodes, weights = legendre_rule(edges[0], edges[-1], 8)
        return nodes, weights, pole_rule(edges, 0.5, 1e-6, 8).weight

    traced(rules, jnp.array([0.0, 1.0, 2.0]))


def test_theory_covariance():
    @checked
    def covariance(labels: tuple[str, ...]) -> Float[np.ndarray, "n n"]:
        return theory_covariance(labels)

    assert covariance(("DeltaM_s", "BR(Bs->mumu)")).shape == (2, 2)


def test_likelihood_and_posterior(posterior):
    @checked
    def density(q: Float[Array, "2"]) -> Number:
        return posterior.log_density(q)

    @checked
    def slope(q: Float[Array, "2"]) -> Float[Array, "2"]:
        return jax.grad(density)(q)

    @checked
    def parameters(q: Float[Array, "2"]) -> dict[str, Number]:
        return posterior.to_parameters(q)

    @checked
    def observed(q: Float[Array, "2"]) -> Observed:
        seen = posterior.observe(q)
        shapes(seen.predictions, seen.status, seen.pulls)
        return seen

    @checked
    def shapes(predictions: Float[Array, " n"], status: Int[Array, " n"], pulls: Float[Array, "0"]) -> None: ...

    @checked
    def of_predictions(predictions: Float[Array, "*s n"]) -> Float[Array, "*s"]:
        return posterior.likelihood.log_prob_of(predictions)

    q = jnp.array([0.1, -0.3])
    for function in (density, slope, parameters, observed):
        traced(function, q)
    size = posterior.likelihood.values.size
    traced(of_predictions, jnp.zeros(size))
    traced(of_predictions, jnp.zeros((5, size)))


def test_draws(posterior):
    @checked
    def parameters(q: Float[np.ndarray, "chains draws 2"]) -> dict[str, Float[np.ndarray, "chains draws"]]:
        return posterior.parameter_draws(q)

    assert parameters(np.zeros((3, 4, 2)))["y"].shape == (3, 4)
