"""Strengths of collider limits: 1 on the published numbers, rescaled by what the Z′ really decays to."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.inputs import load_sm
from darkbeauty.inputs.limits import limit_records
from darkbeauty.leptonic import collider_limits as c
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Leptoquark, Theory, ZPrime
from darkbeauty.models.z_prime import fermion_width

SM = load_sm()
MUON, TAU = 0.1056583755, 1.77686
HBAR_PS = 6.582119569e-13  # GeV ps
SEARCHES = (("BaBar 4mu", "mumu"), ("CMS Z->4mu", "mumu"), ("Belle II invisible 2019", "inv"))


def minimal(m_zp, g, invisible=0.0, width=None, r=(1.0, 1.0, 1.0), m_lq=1200.0):
    """The minimal Lμ−Lτ model, with a further invisible width relative to the minimal total, or scaled to a given width."""
    partial = {
        "mumu": fermion_width(m_zp, MUON, g, 0.0),
        "tautau": fermion_width(m_zp, TAU, g, 0.0),
        "nunu": 2.0 * fermion_width(m_zp, 0.0, 0.5 * g, 0.5 * g),
    }
    total = sum(partial.values())
    partial["NN"] = invisible * total
    if width is not None:
        partial = {final: value * width / ((1.0 + invisible) * total) for final, value in partial.items()}
    charges = jnp.array([0.0, 1.0, -1.0]) * g
    contents, none = jnp.array([1.0, 0.0]), jnp.zeros(())
    leptoquark = Leptoquark(jnp.asarray(m_lq), none, jnp.array(r), contents, jnp.zeros(2), none, ())
    return Theory(SM, z_prime=ZPrime(jnp.asarray(m_zp), partial, charges, charges), leptoquark=leptoquark)


@pytest.mark.parametrize(("search", "final"), SEARCHES)
def test_strength_is_one_on_the_published_curve(search, final):
    record = limit_records()[search]
    inner = slice(3, -4)
    strengths = jax.jit(jax.vmap(lambda m, g: c.radiated_z_prime(minimal(m, g), search, final)))
    mass, g = (np.array(record[key])[inner] for key in ("mass", "value"))
    np.testing.assert_allclose(strengths(mass, g), 1.0, rtol=1e-10)
    np.testing.assert_allclose(strengths(mass, 3.0 * g), 9.0, rtol=1e-10)
    outside = np.array([0.9 * record["mass"][0], 1.1 * record["mass"][-1]])
    np.testing.assert_array_equal(strengths(outside, np.ones(2)), np.zeros(2))


def test_babar_weakens_and_belle_strengthens_with_an_invisible_channel():
    """BR/BR_minimal: an invisible width as large as the minimal total halves the visible branching fraction."""
    visible = [float(c.radiated_z_prime(minimal(2.0, 1e-3, extra), "BaBar 4mu", "mumu")) for extra in (0.0, 1.0)]
    assert visible[1] == pytest.approx(0.5 * visible[0], rel=1e-12)
    inv = [float(c.radiated_z_prime(minimal(2.0, 1e-3, x), "Belle II invisible 2019", "inv")) for x in (0.0, 1.0)]
    beta = np.sqrt(1.0 - 4.0 * (MUON / 2.0) ** 2)
    b_inv = 1.0 / (
        1.0 + beta * (1.0 + 2.0 * (MUON / 2.0) ** 2)
    )  # below the τ threshold: νν̄ of two flavours equals massless μμ
    assert inv[1] / inv[0] == pytest.approx(0.5 * (b_inv + 1.0) / b_inv, rel=1e-12)


def test_minimal_branching():
    """Massless limit: μμ : ττ : νν̄ = 1 : 1 : 1."""
    p = minimal(500.0, 0.1)
    assert float(c.minimal_branching(p, "mumu")) == pytest.approx(1.0 / 3.0, rel=1e-6)
    assert float(c.minimal_branching(p, "inv")) == pytest.approx(1.0 / 3.0, rel=1e-6)
    assert float(c.minimal_branching(minimal(0.15, 0.1), "mumu")) == 0.0


def test_lhcb_on_its_grid():
    """The limit at a tabulated mass and lifetime; prompt below the shortest one, 1/τ above the longest; nothing in a veto."""
    record = limit_records()["LHCb B+->KX(mumu)"]
    place = int(np.argmin(np.abs(np.array(record["mass"]) - 2.0)))
    mass, logs = record["mass"][place], record["log10_value"][place]

    @jax.jit
    def strength(m, tau, production):
        return c.visible_decay(minimal(m, 1e-3, width=HBAR_PS / tau), "LHCb B+->KX(mumu)", production)

    branching = float(minimal(mass, 1e-3).z_prime.branching("mumu"))
    for tau, log in zip(record["lifetime_ps"], logs):
        assert float(strength(mass, tau, 10.0**log / branching)) == pytest.approx(1.0, rel=1e-6)
    short, prompt = strength(mass, 1e-6, 1.0), strength(mass, record["lifetime_ps"][0], 1.0)
    assert float(short / prompt) == pytest.approx(1.0, rel=1e-6)
    longest = record["lifetime_ps"][-1]
    late, later = (float(strength(mass, factor * longest, 1.0)) for factor in (1.0, 10.0))
    assert later == pytest.approx(0.1 * late, rel=1e-6)
    for veto in (0.4375, 3.0969, 3.686, 5.0):
        assert float(strength(veto, 1e-6, 1.0)) == 0.0


def test_invisible_decay_counts_the_excess():
    record = limit_records()["Belle II B+->KX(inv)"]
    place = record["mass"].index(2.051)
    best, up = record["best"][place], record["up"][place]
    p = minimal(2.051, 1e-3)
    branching = float(p.z_prime.branching("inv"))
    value = jax.jit(lambda production: c.invisible_decay(p, "Belle II B+->KX(inv)", production))
    assert float(value((best + 2.0 * up) / branching)) == pytest.approx(2.0, rel=1e-12)
    assert (best, up) == (7.008e-6, pytest.approx(2.817e-6))
    assert float(value(0.9 * best / branching)) == 0.0
    assert float(value(0.0)) == 0.0


def test_leptoquark_mass():
    only_b = minimal(2.0, 1e-3, r=(0.0, 0.0, 1.0), m_lq=1230.0)
    assert float(c.leptoquark_pairs(only_b)) == pytest.approx(1.0, rel=1e-12)
    assert float(c.leptoquark_pairs(minimal(2.0, 1e-3, m_lq=1230.0))) == pytest.approx(1.0 / 9.0, rel=1e-12)
    assert float(c.leptoquark_pairs(minimal(2.0, 1e-3, r=(0.0, 0.0, 0.0)))) == 0.0
    heavier = float(c.leptoquark_pairs(minimal(2.0, 1e-3, r=(0.0, 0.0, 1.0), m_lq=1400.0)))
    assert 0.25 < heavier < 0.5


@pytest.mark.parametrize(("name", "u_light"), [("lmu_ltau_s1", np.sqrt(0.75)), ("le_lmu_r2", 0.22)])
@pytest.mark.parametrize("m_heavy", [500.0, 1000.0, 1500.0])
def test_leptoquark_decays_to_the_heavier_state(name, u_light, m_heavy):
    """Γ(LQ → b N_i) ∝ u_i²(1 − M_i²/m_lq²)², none above m_lq."""
    p = resolve_model(name).at({"y": 1.0, "g": 0.1, "m_zp": 500.0, "m_dm": 100.0, "m_heavy": m_heavy}).derive()
    light = u_light**2 * (1.0 - (100.0 / 1200.0) ** 2) ** 2
    heavy = (1.0 - u_light**2) * max(1.0 - (m_heavy / 1200.0) ** 2, 0.0) ** 2
    fraction = light / (light + heavy) / 3.0
    at_limit = minimal(2.0, 1e-3, r=(0.0, 0.0, 1.0))
    expected = float(c.leptoquark_pairs(at_limit)) * fraction**2
    assert float(c.leptoquark_pairs(p)) == pytest.approx(expected, rel=1e-12)


@eqx.filter_jit
def everything(model, params):
    """Every strength of a model, with a production that goes with g²."""
    at = model.at(params)
    p = at.derive()
    radiated = [c.radiated_z_prime(p, search, final) for search, final in SEARCHES]
    decays = [c.visible_decay(p, "LHCb B+->KX(mumu)", at.g**2), c.invisible_decay(p, "Belle II B+->KX(inv)", at.g**2)]
    return jnp.stack([*radiated, *decays, c.leptoquark_pairs(p)])


def test_gradient_is_finite_without_couplings_and_everywhere_in_mass():
    model = resolve_model("lmu_ltau_s1")
    point = {"y": 0.0, "m_dm": 1.0, "chi": 0.0}
    slopes = jax.jit(jax.vmap(jax.jacfwd(lambda x: everything(model, point | {"g": x[0], "m_zp": x[1]}))))
    masses = np.array([1e-3, 0.15, 0.21, 0.2233, 0.41, 1.0, 2.9307, 3.0, 3.1991, 4.97, 5.0, 7.4, 61.6, 700.0])
    for g in (0.0, 1e-3):
        assert np.all(np.isfinite(slopes(np.stack([0.0 * masses + g, masses], 1)))), g
