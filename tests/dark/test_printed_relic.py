"""convention="printed" of the first model: couplings of dark matter and neutrinos doubled, 2.14·10⁹ in freeze-out; the Boltzmann equation has no such constant."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import Oracle

import darkbeauty as db
from darkbeauty.dark import thermal_average
from darkbeauty.models import resolve_model

NAMES = ("y", "g", "m_zp", "m_dm")
BENCHMARKS = {"A-I": (2.0, 0.002, 4.0, 1.7), "A-II": (2.0, 0.008, 4.8, 1.8)}
TEMPERATURES = (5.0, 20.0, 100.0)
CONVENTIONS = ("canonical", "printed")


def printed_oracle(point: tuple[float, ...]) -> Oracle:
    """c_ij and the neutrinos' g_V, g_A doubled, and the width with them."""
    oracle = Oracle("lmu_ltau_s1", **dict(zip(NAMES, point)))
    oracle.dark = 2.0 * oracle.dark
    oracle.channels = [(m, n, 2.0 * v if a else v, 2.0 * a, low, i) for m, n, v, a, low, i in oracle.channels]
    oracle.width = sum(oracle._visible(*channel[:5]) for channel in oracle.channels)
    oracle.width += sum(oracle._dark_width(i, j) for i, j in ((0, 0), (0, 1), (1, 1)))
    return oracle


@pytest.mark.parametrize("name", BENCHMARKS)
def test_rate(name):
    model, x = resolve_model("lmu_ltau_s1", convention="printed"), np.array(TEMPERATURES)
    dark = lambda v: model.at({**dict(zip(NAMES, v)), "chi": 0.0}).derive().dark_matter
    found = jax.jit(lambda v: jax.lax.map(lambda x: thermal_average.sigma_v(dark(v), x), x))(
        jnp.array(BENCHMARKS[name])
    )
    oracle = printed_oracle(BENCHMARKS[name])
    np.testing.assert_allclose(found, [oracle.sigma_v(t) for t in TEMPERATURES], rtol=1e-6)


@pytest.fixture(scope="module")
def omega():
    """convention → Ωh² by freeze-out and by the Boltzmann equation at the benchmarks, shape (2, 2)."""
    table = {}
    for convention in CONVENTIONS:
        model = resolve_model("lmu_ltau_s1", convention=convention)
        predict = db.predictor(model, ["Omega_h2", "Omega_h2(boltzmann)"])
        run = jax.jit(lambda many, f=predict: jax.lax.map(lambda v: f({**dict(zip(NAMES, v)), "chi": 0.0}).real, many))
        table[convention] = np.asarray(run(jnp.array(list(BENCHMARKS.values()))))
    return table


def test_constant_belongs_to_freeze_out(omega):
    """With 1.07·10⁹ for 2.14·10⁹ the printed freeze-out is as far from its Boltzmann equation as the canonical one, to some per cent (x_f differs by one)."""
    ratio = {convention: values[:, 1] / values[:, 0] for convention, values in omega.items()}
    np.testing.assert_allclose(2.0 * ratio["printed"], ratio["canonical"], rtol=0.03)


def test_documented_values(omega):
    """docs/printed.md."""
    np.testing.assert_allclose(omega["printed"], [[0.3086, 0.1352], [3.248, 1.277]], rtol=5e-4)
    np.testing.assert_allclose(omega["canonical"], [[0.4113, 0.3614], [3.625, 2.846]], rtol=5e-4)
