"""Tables of quadratic forms: propagator moments against mpmath, rates against the amplitude code at every kind of model."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest

from darkbeauty.flavour import b_to_p_ll, b_to_v_ll
from darkbeauty.flavour.panels import DEGREES, Panel, cut, joined
from darkbeauty.flavour.quadratic import SLOTS, Channel, lepton_integrand, stacked, tabulate
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Pole
from darkbeauty.tables import slots_of

BINS = ((0.04, 0.98), (1.1, 2.5), (15.0, 19.0))
POINTS = {
    "lmu_ltau_s1": {"y": 0.3, "g": 0.002, "m_zp": 1.35, "m_dm": 0.6},  # Z′ inside the second bin, Γ/m ~ 1e-7
    "le_lmu_r2": {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0},
    "wet": {
        "C9_bsmumu": -1.0 + 0.3j,
        "C10_bsmumu": 0.4 + 0.1j,
        "C9p_bsmumu": 0.3j,
        "C10p_bsmumu": -0.2,
        "C7_bs": 0.02 - 0.1j,
        "C7p_bs": 0.05,
    },
}
PAIR_RATES = b_to_p_ll.PairRates._fields
VECTOR_RATES = tuple(
    f"{of}.{name}" for of in b_to_v_ll.VectorRates._fields for name in b_to_v_ll.AngularCoefficients._fields
)
CASES = [(b_to_p_ll, "B+->K", PAIR_RATES), (b_to_v_ll, "B0->K*", VECTOR_RATES), (b_to_v_ll, "Bs->phi", VECTOR_RATES)]


@pytest.fixture(scope="module")
def moments():
    def of_one(low, high, m2, m_gamma):
        first, second = joined([Panel(low, high)]).moments(Pole(m2, m_gamma))
        return first[0], second[0]

    return jax.jit(of_one, static_argnums=(0, 1))


def exact_moment(n: int, low: float, high: float, m2: float, m_gamma: float) -> tuple[complex, float]:
    """−2Q_n(τ) from its two terms, which cancel for distant poles, at 160 digits."""
    with mpmath.workdps(160):
        half, middle = (mpmath.mpf(high) - low) / 2, (mpmath.mpf(high) + low) / 2
        tau = (mpmath.mpf(m2) - middle - 1j * mpmath.mpf(m_gamma)) / half
        first, second = [mpmath.mpf(1), tau], [mpmath.mpf(0), mpmath.mpf(1)]
        for k in range(1, n):
            for sequence in (first, second):
                sequence.append(((2 * k + 1) * tau * sequence[k] - k * sequence[k - 1]) / (k + 1))
        value = first[n] * mpmath.log((1 - tau) / (-1 - tau)) + 2 * second[n]
        return complex(value), float(-value.imag / mpmath.mpf(m_gamma))


@pytest.mark.parametrize("m_gamma", [1e-9, 1e-4, 1.0])
@pytest.mark.parametrize("m2", [0.3, 1.0999, 1.100001, 1.7, 2.5, 2.6, 4.0, 40.0, 4e5])
def test_moments(moments, m2, m_gamma):
    linear, square = moments(1.1, 2.5, m2, m_gamma)
    for n in (0, 4, DEGREES - 1):
        expected, expected_square = exact_moment(n, 1.1, 2.5, m2, m_gamma)
        scale = abs(exact_moment(0, 1.1, 2.5, m2, m_gamma)[0]), exact_moment(0, 1.1, 2.5, m2, m_gamma)[1]
        assert complex(linear[n]) == pytest.approx(expected, rel=1e-8, abs=1e-12 * scale[0])
        assert float(square[n]) == pytest.approx(expected_square, rel=1e-8, abs=1e-12 * scale[1])


def test_moments_have_the_right_slope(moments):
    slope = jax.jit(jax.jacfwd(lambda m2: joined([Panel(1.1, 2.5)]).moments(Pole(m2, jnp.array(1e-2)))[0][0]))
    for m2 in (1.3, 2.53, 9.0):
        step = 1e-5
        numeric = (moments(1.1, 2.5, m2 + step, 1e-2)[0] - moments(1.1, 2.5, m2 - step, 1e-2)[0]) / (2.0 * step)
        np.testing.assert_allclose(slope(m2), numeric, rtol=1e-5, atol=1e-7 * np.max(np.abs(numeric)))


@pytest.fixture(scope="module", params=CASES, ids=[case[1] for case in CASES])
def process(request):
    """Amplitude code, mode, names of its rates, and what it integrates."""
    code, mode, names = request.param
    return code, mode, names, lepton_integrand(load_sm(), mode, "mu")


@pytest.mark.parametrize("name", POINTS)
def test_rates(process, name):
    code, mode, names, integrand = process
    p = resolve_model(name).at(POINTS[name]).derive()
    table = tabulate(p.sm, [Channel(integrand, 1, names, BINS)], *slots_of(p.wilson))
    found = jax.jit(lambda table, p: table(p.wilson, b_to_v_ll.meson_mixing_phase(p)))(table, p)
    direct = jax.jit(
        lambda p, bins: jax.vmap(lambda one: stacked(code.binned(p, one[0], one[1], mode, "mu"), names))(bins)
    )
    expected = np.asarray(direct(p, jnp.array(BINS)))
    np.testing.assert_allclose(found / expected[:, :1], expected / expected[:, :1], atol=1e-5)


def edges_of(panel):
    """In q²."""
    edges = [panel.low, panel.high] if panel.sign == 0 else [panel.origin + panel.sign * v**2 for v in panel[:2]]
    return sorted(edges)


def test_panels_cover_the_bin_inside_phase_space(process):
    *_, integrand = process
    for bin_ in BINS:
        panels = [edges_of(panel) for panel in cut(*bin_, integrand.ends, integrand.kinks)]
        assert panels[0][0] == max(bin_[0], integrand.ends[0]) and panels[-1][1] == min(bin_[1], integrand.ends[1])
        assert all(a[1] == pytest.approx(b[0], rel=1e-14) for a, b in pairwise(panels))
        assert all(high > low for low, high in panels)


def test_models_fill_no_other_slot():
    """What `slots_of` a model leaves out is zero."""
    for name in ("lmu_ltau_s1", "le_lmu_r2"):
        w = resolve_model(name).at(POINTS[name]).derive().wilson
        slots, resonant = slots_of(w)
        assert set(resonant) < set(slots) < set(SLOTS)
        for slot in set(SLOTS) - set(slots):
            value = w.dipole(slot) if slot in ("C7", "C7p") else w.lepton(slot, slice(None), w.propagator(2.0))
            assert np.all(np.asarray(value) == 0.0), (name, slot)
