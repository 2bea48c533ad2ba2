"""A narrow Z′ in binned and total rates to leptons: inside, at and outside the edges of bins, and how rates change as it passes an edge."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour import lambdab_to_lambda1520_ll as baryon
from darkbeauty.flavour.b_to_invisible import amplitude_code, on_shell
from darkbeauty.models import resolve_model

MODEL = resolve_model("lmu_ltau_s1")
LO, HI = 2.25, 9.0
POLES = {  # m_zp, fraction of the resonance in the bin
    "inside": (2.0, 1.0),
    "lower edge": (1.5, 0.5),
    "upper edge": (3.0, 0.5),
    "below": (1.2, 0.0),
    "above": (3.3, 0.0),
}


def couplings(m_zp):
    return MODEL.at({"y": 2.0, "g": 3e-4, "m_dm": 1.0, "m_zp": m_zp, "chi": 0.0}).derive()


def rate_of(rates):
    """CP-averaged rate of any mode."""
    return rates.average.rate if isinstance(rates, b_to_v_ll.VectorRates) else rates.rate


def quadratic(p, rate):
    """The part of a rate that is quadratic in what the Z′ adds: without interference with the Standard Model."""
    where = lambda p: p.wilson.residue
    scaled = lambda x: eqx.tree_at(where, p, jax.tree.map(lambda leaf: x * leaf, p.wilson.residue))
    return 0.5 * (rate(scaled(1.0)) + rate(scaled(-1.0))) - rate(scaled(0.0))


def tail(p, density) -> float:
    """∫ of the quadratic part over [LO, HI] for a pole outside: |P|² resolved by many nodes."""
    x, w = np.polynomial.legendre.leggauss(60)
    s = 0.5 * (HI + LO) + 0.5 * (HI - LO) * x
    values = quadratic(p, lambda p: density(p, s, 1.0 / (s - p.wilson.pole.m2)))
    return values @ (0.5 * (HI - LO) * w)


@pytest.mark.parametrize("mode", ["B+->K", "B0->K*", "Bs->phi"])
def test_narrow_width_in_a_bin(mode):
    """⟨dB/dq²⟩(μμ) → BR(B → MZ′) BR(Z′ → μμ) × the fraction of the resonance inside the bin."""
    code = amplitude_code(mode)

    @jax.jit
    def compute(m_zp):
        p = couplings(m_zp)
        found = quadratic(p, lambda p: rate_of(code.binned(p, LO, HI, mode, "mu")))
        outside = tail(p, lambda p, s, propagator: rate_of(code.density(p, mode, "mu", s, propagator)))
        return found, on_shell(p, mode).rate * p.z_prime.branching("mumu"), outside

    for m_zp, fraction in POLES.values():
        found, narrow, outside = (float(x) for x in compute(m_zp))
        if fraction:
            assert found == pytest.approx(fraction * narrow, rel=1e-6, abs=0.0), m_zp
        else:
            assert found == pytest.approx(outside, rel=1e-6, abs=0.0), m_zp
            assert 0.0 < found < 1e-6 * narrow


@pytest.mark.parametrize("mode", ["B+->K", "B0->K*"])
def test_narrow_width_of_taus_over_all_of_phase_space(mode):
    code = amplitude_code(mode)

    @jax.jit
    def compute(m_zp):
        p = couplings(m_zp)
        found = quadratic(p, lambda p: rate_of(code.total(p, mode, "tau")))
        return found, on_shell(p, mode).rate * p.z_prime.branching("tautau")

    for m_zp in (3.6, 4.0, 4.35):
        found, narrow = compute(m_zp)
        assert float(found) == pytest.approx(float(narrow), rel=1e-6, abs=0.0)
    assert compute(3.5)[1] == 0.0 and compute(3.5)[0] > 0.0


def test_narrow_width_of_the_baryon():
    """Λ_b → Λ*(1520)μμ: ∫ |P|² dq² = π/(mΓ) times the rate at the pole, for every one of the K."""

    @jax.jit
    def compute(m_zp):
        p = couplings(m_zp)
        pole = p.wilson.pole
        found = quadratic(p, lambda p: jnp.stack(baryon.binned(p, LO, HI, "mu", "MCN").average))
        at_pole = quadratic(p, lambda p: jnp.stack(baryon.density(p, pole.m2, jnp.ones(()), "mu", "MCN").average))
        outside = tail(p, lambda p, s, propagator: jnp.stack(baryon.density(p, s, propagator, "mu", "MCN").average))
        return found, at_pole * jnp.pi / pole.m_gamma, outside

    for m_zp, fraction in POLES.values():
        found, narrow, outside = (np.asarray(x) for x in compute(m_zp))
        expected = fraction * narrow if fraction else outside
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-6 * np.abs(expected).max())


EDGE_CASES = (-1e4, -30.0, -3.0, -1.0, -0.1, 0.0, 0.1, 1.0, 3.0, 30.0, 1e4)


@pytest.mark.parametrize("edge", [LO, HI])
@pytest.mark.parametrize(
    ("code", "mode"), [(b_to_p_ll, "B+->K"), (b_to_v_ll, "B0->K*")], ids=["pseudoscalar", "vector"]
)
def test_smooth_as_the_pole_crosses_an_edge(code, mode, edge):
    """Value: the Cauchy distribution of the resonance; slope: exact, against a difference of values a hundredth of the width apart."""
    # Γ/m = 5e-6, so that q² − m² of an edge has digits to spare
    theory = lambda m_zp: MODEL.at({"y": 2.0, "g": 0.01, "m_dm": 1.0, "m_zp": m_zp, "chi": 0.0}).derive()
    rate = lambda m_zp: rate_of(code.binned(theory(m_zp), LO, HI, mode, "mu"))

    @jax.jit
    def compute(m_zp):
        p = theory(m_zp)
        narrow = on_shell(p, mode).rate * p.z_prime.branching("mumu")
        return *jax.jvp(rate, (m_zp,), (1.0,)), narrow, p.wilson.pole.m_gamma

    m_gamma = float(compute(edge**0.5)[3])
    sign = 1.0 if edge == LO else -1.0
    for x in EDGE_CASES:
        m_zp, step = np.sqrt(edge + x * m_gamma), 0.01 * m_gamma / (2.0 * edge**0.5)
        value, slope, narrow, _ = (float(y) for y in compute(m_zp))
        up, down = (float(compute(m_zp + d)[0]) for d in (step, -step))
        assert value / narrow == pytest.approx(0.5 + np.arctan(sign * x) / np.pi, abs=3e-4)
        assert slope == pytest.approx((up - down) / (2.0 * step), rel=2e-4, abs=1e-6 * narrow / step)
