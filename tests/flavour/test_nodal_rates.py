"""Rates at moved Standard-Model inputs against the quadrature of the amplitude code itself, wherever the Z′ pole is."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.nodal_rates import nodal_rates
from darkbeauty.flavour.quadratic import stacked
from darkbeauty.models import resolve_model

BINS = ((0.1, 0.98), (1.1, 6.0), (15.0, 22.0))
RATES = ("average.rate", "average.j2c", "average.j5")
POINTS = {
    "y": [0.02, 1.5, 0.5, 0.3, 1.0, 0.3],
    "g": [2e-3, 4e-3, 1e-3, 3e-4, 1e-2, 0.0],
    "m_zp": [4.6, 4.6, 2.1, 6.0**0.5 + 1e-7, 1.0, 4.0],
    "m_dm": [1.9, 1.9, 0.95, 0.95, 0.45, 1.9],
}
"""The pole beyond phase space, in a bin, at the edge of one and between them; widths from nothing to 1e-5 of the mass."""


def moved(point):
    """A model whose form factors, CKM elements and subleading terms are not where the panels were made."""
    model = resolve_model("lmu_ltau_s1")
    sm = model.sm
    scale = {path: sm.get(path) * 1.1 for path in ("form_factor.B->K", "form_factor.Bs->phi", "ckm.Vcb")}
    added = {"subleading.B+->K+ deltaC9 c Re": 0.4, "subleading.Bs->phi delta_C7 b_- Re": 0.1}
    return eqx.tree_at(lambda m: m.sm, model, sm.replace({**scale, **added})).at(point).derive()


@pytest.fixture(scope="module")
def pseudoscalar():
    """Rates of B⁺ → K⁺μμ both ways at rows of points, compiled once."""
    return both_ways(b_to_p_ll, "B+->K", ("rate",))


def both_ways(code, mode, names):
    rates = nodal_rates(resolve_model("lmu_ltau_s1").sm, mode, "mu", BINS, names)
    low, high = (jnp.array(edges) for edges in zip(*BINS))

    def both(point):
        p = moved(point)
        return rates(p), jax.vmap(lambda a, b: stacked(code.binned(p, a, b, mode, "mu"), names))(low, high)

    return rates, jax.jit(lambda points: jax.lax.map(both, points))


def deviation(found, expected):
    """Largest, relative to the rate: an angular coefficient may be a difference."""
    return np.max(np.abs(found - expected) / np.abs(expected[..., :1]))


def test_it_is_the_integral_of_the_amplitude_code(pseudoscalar):
    points = {name: jnp.array(values) for name, values in POINTS.items()}
    assert deviation(*pseudoscalar[1](points)) < 3e-5
    assert deviation(*both_ways(b_to_v_ll, "Bs->phi", RATES)[1](points)) < 3e-5


def test_its_gradient_is_that_of_the_integral(pseudoscalar):
    """Against differences of the quadrature, with the pole inside a bin."""
    rates, both = pseudoscalar
    x = {"y": 0.3, "g": 1e-3, "m_zp": 2.1, "m_dm": 0.95}
    slope = jax.jit(jax.jacfwd(lambda x: jnp.log(rates(moved(x))[:, 0])))(x)
    for name in ("y", "g", "m_zp"):
        step = 1e-4 * x[name]
        up, down = ({**x, name: x[name] + sign * step} for sign in (1.0, -1.0))
        expected = both({key: jnp.array([up[key], down[key]] * 3) for key in x})[1][:2, :, 0]
        difference = (np.log(expected[0]) - np.log(expected[1])) / (2.0 * step)
        np.testing.assert_allclose(slope[name], difference, rtol=2e-3, atol=1e-5 / x[name])
