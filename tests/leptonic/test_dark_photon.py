"""Strengths of dark-photon searches: 1 for a dark photon on the published limits, rescaled by what else the Z′ couples to."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.inputs import load_sm
from darkbeauty.inputs.limits import limit_records, searches
from darkbeauty.leptonic.dark_photon import mixed_z_prime
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Theory, ZPrime

SM = load_sm()
E2 = 4.0 * np.pi * float(SM.coupling["alpha_e_4.8"])
LEPTONS = {"ee": 0.51099895e-3, "mumu": 0.1056583755, "tautau": 1.77686}
PION, D0, B0 = 0.13957039, 1.86484, 5.27972
SEARCHES = tuple(search for search in searches() if search.quantity == "epsilon")
POINT = {"y": 0.3, "g": 0.002, "m_zp": 3.0, "m_dm": 1.4}


def widths(m: float) -> dict[str, float]:
    """Γ/ε² of a dark photon: α m/3 √(1−4r)(1+2r) for leptons, R α m/3 for hadrons."""
    unit, r = E2 * m / (12.0 * np.pi), {pair: (mass / m) ** 2 for pair, mass in LEPTONS.items()}
    partial = {pair: unit * np.sqrt(max(1.0 - 4.0 * x, 0.0)) * (1.0 + 2.0 * x) for pair, x in r.items()}
    ratio = sum(rise for mass, rise in ((PION, 2.0), (D0, 4.0 / 3.0), (B0, 1.0 / 3.0)) if m > 2.0 * mass)
    return partial | {"hadrons": ratio * unit}


def dark_photon(m: float, epsilon: float, invisible: float = 0.0) -> Theory:
    """A pure dark photon, with a further invisible width relative to its visible one."""
    partial = {final: jnp.asarray(epsilon**2 * width) for final, width in widths(m).items()}
    partial["NN"] = invisible * sum(partial.values())
    couplings = epsilon * np.sqrt(E2) * jnp.ones(3)
    return Theory(SM, z_prime=ZPrime(jnp.asarray(m), partial, couplings, jnp.zeros(3)))


@eqx.filter_jit
def strengths(p: Theory):
    return jnp.stack([mixed_z_prime(p, search.name, search.production, search.final) for search in SEARCHES])


def strength(name: str, p: Theory) -> float:
    return float(strengths(p)[[search.name for search in SEARCHES].index(name)])


@pytest.mark.parametrize("search", SEARCHES, ids=lambda search: search.name)
def test_strength_is_one_on_the_published_curve(search):
    """Where nothing is invisible, or (for searches of that) where nothing else is; 4 for twice the limit; none in a gap."""
    record = limit_records()[search.name]
    windows = np.reshape(record.get("windows", (record["mass"][0], record["mass"][-1])), (-1, 2))
    well_inside = [
        i for i, m in enumerate(record["mass"]) if np.any((1.05 * windows[:, 0] < m) & (m < 0.95 * windows[:, 1]))
    ]
    invisible = 1e12 if search.final == "inv" else 0.0
    for i in [place for place in well_inside if record["mass"][place] > 0.3 or search.production == "ee"][::12]:
        mass, limit = record["mass"][i], record["value"][i]
        for factor in (1.0, 2.0):
            assert strength(search.name, dark_photon(mass, factor * limit, invisible)) == pytest.approx(
                factor**2, rel=1e-6
            )
    gaps = [0.9 * windows[0, 0], *np.sqrt(windows[:-1, 1] * windows[1:, 0]), 1.1 * windows[-1, 1]]
    assert [strength(search.name, dark_photon(mass, 1e-3, invisible)) for mass in gaps] == len(gaps) * [0.0]


def test_visible_and_invisible_share():
    """An invisible width as large as the visible one halves what visible searches see; the invisible one sees the other half."""
    for name, m in (("BaBar gamma ll", 3.0), ("LHCb pp->mumu", 2.0)):
        alone, shared = (dark_photon(m, 1e-3, invisible) for invisible in (0.0, 1.0))
        assert strength(name, shared) == pytest.approx(0.5 * strength(name, alone), rel=1e-12)
    assert strength("BaBar gamma inv", dark_photon(3.0, 1e-3)) == 0.0
    all_of_it, half = (strength("BaBar gamma inv", dark_photon(3.0, 1e-3, x)) for x in (1e12, 1.0))
    assert half == pytest.approx(0.5 * all_of_it, rel=1e-9)


def test_the_slides_mixing_at_a_published_point():
    """χ = 10⁻³ is ε/e = 8.768·10⁻⁴; arXiv:1702.03327 has 7.6916·10⁻⁴ at 3.1 GeV."""
    p = resolve_model("lmu_ltau_s1").at(POINT | {"m_zp": 3.1}).derive()
    assert float(p.z_prime.lepton[0].real) / np.sqrt(E2) == pytest.approx(8.768e-4, rel=1e-4)
    expected = (8.768e-4 / 7.6916e-4) ** 2 * float(p.z_prime.branching("inv"))
    assert strength("BaBar gamma inv", p) == pytest.approx(expected, rel=1e-3)


def test_gauge_coupling_of_muons_counts_in_decays_only():
    """With Lμ−Lτ charges, more Z′ → μμ than ee: s = (ε/ε_limit)² [B(ee) + B(μμ)]/[B(ee) + B(μμ)]_A′, production by ε alone."""
    p, record = resolve_model("lmu_ltau_s1").at(POINT).derive(), limit_records()["BaBar gamma ll"]
    m, partial = 3.0, widths(3.0)
    share = (partial["ee"] + partial["mumu"]) / sum(partial.values())
    limit = np.exp(np.interp(np.log(m), np.log(record["mass"]), np.log(record["value"])))
    ours = float(p.z_prime.branching("ee") + p.z_prime.branching("mumu"))
    assert strength("BaBar gamma ll", p) == pytest.approx((8.768e-4 / limit) ** 2 * ours / share, rel=0.02)
    assert np.all(np.asarray(strengths(resolve_model("lmu_ltau_s1").at(POINT | {"chi": 0.0}).derive())) == 0.0)


def test_binned_curve_against_a_coarser_reduction():
    """Geometric means over 16 % of the mass of the same 5638 points, reduced independently."""
    coarse = {
        2.01: 8.151e-4,
        2.349: 8.394e-4,
        2.745: 8.116e-4,
        4.382: 9.352e-4,
        5.123: 8.988e-4,
        5.989: 8.64e-4,
        8.178: 7.178e-4,
    }
    record = limit_records()["BaBar gamma ll"]
    logs = np.log(record["mass"]), np.log(record["value"])
    for mass, value in coarse.items():
        near = np.abs(logs[0] - np.log(mass)) < 0.08
        assert np.exp(np.mean(logs[1][near])) == pytest.approx(value, rel=0.03), mass


@pytest.mark.parametrize("loop", [False, True])
def test_gradients_are_finite_everywhere(loop):
    model = resolve_model("lmu_ltau_s1", loop_mixing=loop)
    names = ("g", "chi", "m_zp")

    def of(x):
        p = model.with_values(POINT | {"m_dm": 0.4} | dict(zip(names, x))).derive()
        return jnp.stack([mixed_z_prime(p, search.name, search.production, search.final) for search in SEARCHES])

    slopes = jax.jit(jax.vmap(jax.jacfwd(of)))
    masses = [0.0015, 0.21, 0.2791, 0.8, 1.0592, 2.7, 3.0799, 3.1, 3.5536, 3.7297, 5.0, 10.5, 69.0, 700.0]
    points = np.array([(g, chi, m) for g in (0.0, 2e-3) for chi in (0.0, 1e-3) for m in masses])
    assert np.all(np.isfinite(slopes(points)))
