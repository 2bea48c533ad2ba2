"""Loop-induced kinetic mixing against quadrature, Higgs decays and perturbativity: the check values of physics_2.md §§18 and 20."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

from darkbeauty.errors import InputError
from darkbeauty.models import resolve_model
from darkbeauty.models.kinetic_mixing import loop_mixing
from darkbeauty.observables import higgs

NAMES = ("y", "g", "m_zp", "m_dm")
A_I, A_II = (2.0, 0.002, 4.0, 1.7), (2.0, 0.008, 4.8, 1.8)
MU, TAU = 0.1056583755, 1.77686
MASSES = jnp.array([MU, TAU])
E = np.sqrt(4.0 * np.pi / 137.036)


def over_e(m: float) -> complex:
    return complex(loop_mixing(jnp.asarray(m**2), jnp.array([1.0, -1.0]), MASSES))


@pytest.mark.parametrize(("m", "size"), [(1.0, 0.0108), (3.0, 0.0081), (3.69, 0.0074), (4.0, 0.0054), (6.0, 0.0018)])
def test_loop_check_values(m, size):
    assert E * abs(over_e(m)) == pytest.approx(size, abs=6e-5)


def test_loop_at_zero():
    assert 1.0 / (E * over_e(0.0).real) == pytest.approx(69.3, rel=1e-3) and over_e(0.0).imag == 0.0


@pytest.mark.parametrize("m", [0.05, 0.066, 0.07, 0.2, 0.2114, 1.0, 3.5, 3.6, 8.0])
def test_loop_against_quadrature(m):
    def part(z: float, of) -> float:
        logs = [np.log(complex(mass**2 - z * (1.0 - z) * m**2, -1e-20)) for mass in (TAU, MU)]
        return of(z * (1.0 - z) * (logs[0] - logs[1])) / (2.0 * np.pi**2)

    roots = [0.5 * (1.0 - np.sqrt(1.0 - 4.0 * mass**2 / m**2)) for mass in (TAU, MU) if m > 2.0 * mass]
    edges = [0.0, *sorted(roots), 0.5]
    real, imag = (
        2.0 * sum(quad(part, a, b, args=(of,), epsabs=1e-13)[0] for a, b in itertools.pairwise(edges))
        for of in (np.real, np.imag)
    )
    value = over_e(m)
    assert value.real == pytest.approx(real, rel=1e-9, abs=1e-11) and value.imag == pytest.approx(imag, rel=1e-9)
    slope = jax.grad(lambda m: loop_mixing(m**2, jnp.array([1.0, -1.0]), MASSES).real)(m)
    assert float(slope) == pytest.approx((over_e(m + 1e-6) - over_e(m - 1e-6)).real / 2e-6, rel=1e-3, abs=1e-6)


def test_where_the_loop_is():
    """For χ = 0 an electron has only the loop, opposite to g at low mass, and the width knows its absorptive part."""
    point = dict(zip(NAMES, A_I)) | {"chi": 0.0}
    tree, loop = (resolve_model("lmu_ltau_s1", loop_mixing=on).at(point).derive().z_prime for on in (False, True))
    e2 = 4.0 * np.pi * 0.00756908489598792
    assert tree.partial_width("ee") == 0.0
    assert complex(loop.lepton[0]) == pytest.approx(-e2 * 0.002 * over_e(4.0), rel=1e-9)
    assert float(loop.partial_width("ee")) == pytest.approx(
        4.0 / (12.0 * np.pi) * float(abs(loop.lepton[0])) ** 2, rel=1e-6
    )


@pytest.mark.parametrize(
    ("point", "vectors", "fermions", "muons"), [(A_I, 1.18e-4, 5.40e-4, 1.67e-5), (A_II, 1.30e-3, 5.96e-3, 1.55e-4)]
)
def test_higgs_check_values(point, vectors, fermions, muons):
    p = resolve_model("lmu_ltau_s1").at(dict(zip(NAMES, point)) | {"chi": 0.0}).derive()
    assert float(higgs.br_h(p, "ZpZp")) == pytest.approx(vectors, rel=0.01)
    assert float(higgs.br_h(p, "NN")) == pytest.approx(fermions, rel=0.01)
    assert float(higgs.br_h_4mu(p)) == pytest.approx(muons, rel=0.01)
    invisible = fermions + vectors * float(p.z_prime.branching("inv")) ** 2
    assert float(higgs.br_h_inv(p)) == pytest.approx(invisible, rel=0.01)


def test_perturbativity():
    """13 % of box A have f > √(4π), 5 % λ_φ > 4π: f from the mass matrix itself, U^T diag(m) U in the basis of flavours."""
    model, random = resolve_model("lmu_ltau_s1"), np.random.default_rng(5)
    points = np.column_stack([random.uniform(low, high, 4000) for low, high in ((0, 2), (0, 0.01), (1, 6), (0, 2.5))])
    both = jax.jit(jax.vmap(lambda v: (model.with_values(dict(zip(NAMES, v))).yukawa, v[1])))
    f = np.asarray(both(points)[0])
    rotation = np.array([[np.sqrt(0.75), 0.5], [0.5, -np.sqrt(0.75)]])
    matrices = [rotation @ np.diag([m_dm, 500.0]) @ rotation.T for m_dm in points[:5, 3]]
    expected = [np.sqrt(2.0) * max(np.diag(m)) / (m_zp / (2.0 * g)) for m, (_, g, m_zp, _) in zip(matrices, points[:5])]
    np.testing.assert_allclose(f[:5], expected, rtol=1e-12)
    assert np.mean(f > np.sqrt(4.0 * np.pi)) == pytest.approx(0.13, abs=0.02)
    self_coupling = 500.0**2 / (2.0 * (points[:, 2] / (2.0 * points[:, 1])) ** 2)
    assert np.mean(self_coupling > 4.0 * np.pi) == pytest.approx(0.05, abs=0.015)


def test_refused_on_request():
    point = {"y": 1.0, "g": 0.01, "m_zp": 1.0, "m_dm": 2.0}
    assert bool(resolve_model("lmu_ltau_s1").at(point).is_allowed())
    strict = resolve_model("lmu_ltau_s1", perturbative=True)
    with pytest.raises(InputError, match=r"f_N = .* is above 3.54[\s\S]*lambda_phi = 50 is above 12.6"):
        strict.at(point)
    allowed = jax.jit(lambda g: strict.with_values(point | {"g": g}).is_allowed())
    assert not allowed(0.01) and allowed(0.001)
