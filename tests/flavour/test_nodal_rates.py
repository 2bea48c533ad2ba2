"""Rates at moved Standard-Model inputs against the quadrature of the amplitude code itself, wherever the Z′ pole is."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.nodal_rates import nodal_rates
from darkbeauty.models import resolve_model

BINS = ((0.1, 0.98), (1.1, 6.0), (15.0, 22.0))
ROWS = (0, 2, 5)
"""Rate, J₂c and J₅."""
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
    return eqx.tree_at(lambda m: m.sm, model, sm.replace({**scale, **added})).at(point).solved()


@pytest.mark.parametrize(("code", "mode", "rows"), [(b_to_p_ll, "B+->K", (0,)), (b_to_v_ll, "Bs->phi", ROWS)])
def test_it_is_the_integral_of_the_amplitude_code(code, mode, rows):
    rates = nodal_rates(resolve_model("lmu_ltau_s1").sm, mode, "mu", BINS, rows)
    low, high = (jnp.array(edges) for edges in zip(*BINS))

    def both(point):
        p = moved(point)
        return rates(p), jax.vmap(lambda a, b: code.binned(p, a, b, mode, "mu")[jnp.array(rows)])(low, high)

    found, expected = jax.jit(lambda points: jax.lax.map(both, points))({k: jnp.array(v) for k, v in POINTS.items()})
    scale = np.abs(expected[..., :1])  # of the rate: an angular coefficient may be a difference
    assert np.max(np.abs(found - expected) / scale) < 3e-5


def test_its_gradient_is_that_of_the_integral():
    """By input, coupling and mass of the mediator, with the pole inside a bin."""
    rates = nodal_rates(resolve_model("lmu_ltau_s1").sm, "B+->K", "mu", BINS[1:], (0,))
    model = resolve_model("lmu_ltau_s1")

    def total(x, integrated):
        sm = model.sm.replace({"ckm.Vcb": x["Vcb"]})
        p = eqx.tree_at(lambda m: m.sm, model, sm).at({k: x[k] for k in POINTS}).solved()
        if not integrated:
            return jnp.log(jnp.sum(rates(p)))
        return jnp.log(sum(b_to_p_ll.binned(p, *one, "B+->K", "mu")[0] for one in BINS[1:]))

    x = {"y": 0.3, "g": 1e-3, "m_zp": 2.1, "m_dm": 0.95, "Vcb": 0.042}
    found, expected = (jax.jit(lambda x, way=way: jax.grad(total)(x, way))(x) for way in (False, True))
    for name in x:
        assert found[name] == pytest.approx(float(expected[name]), rel=1e-4, abs=1e-9), name
