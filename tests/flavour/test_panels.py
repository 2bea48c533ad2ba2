"""Panels of q² bins: moments against mpmath, rates of tables and of nodes against adaptive quadrature, bins that miss the promise."""

from __future__ import annotations

import warnings
from functools import lru_cache
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

import darkbeauty as db
from darkbeauty.flavour import b_to_p_ll, b_to_v_ll, panels, verification
from darkbeauty.flavour.modes import LEPTON_INDEX
from darkbeauty.flavour.nodal_rates import nodal_rates
from darkbeauty.flavour.panels import DEGREES, RATIO, cut, joined
from darkbeauty.flavour.quadratic import Channel, lepton_integrand, stacked, tabulate
from darkbeauty.inputs import load_sm
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import Pole
from darkbeauty.tables import slots_of

BINS = ((0.0, 1.0), (0.0, 6.0), (1e-4, 6.0), (0.0008, 0.257))
NAMES = ("average.rate", "average.j2c")
MODES = ("B0->K*", "B+->K*", "Bs->phi")


@lru_cache(maxsize=8)
def density(mode, lepton):
    """dΓ/dq² and J₂c of the Standard Model by the amplitude code."""
    p = resolve_model("wet").at({}).derive()
    return jax.jit(lambda q2: stacked(b_to_v_ll.differential(p, q2, mode, lepton), NAMES))


@lru_cache(maxsize=64)
def integral(mode, lepton, edges):
    """∫ over a bin by adaptive quadrature in ln q², which knows nothing of panels."""
    integrand = lepton_integrand(load_sm(), mode, lepton)
    low, high = np.clip(edges, *integrand.ends)
    f = density(mode, lepton)
    values = lru_cache(maxsize=None)(lambda x: np.asarray(f(np.exp(x))) * np.exp(x))
    breaks = [np.log(q2) for q2 in (1.1 * low, 3.0 * low, *integrand.kinks, 1.0, 3.0) if low < q2 < high]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # IntegrationWarning: kinks of the tables
        piece = lambda a, b, row: quad(lambda x: values(x)[row], a, b, epsrel=1e-7, epsabs=0.0, limit=20)[0]
        spans = list(pairwise([np.log(low), *sorted(breaks), np.log(high)]))
        return np.array([sum(piece(*span, row) for span in spans) for row in range(2)])


@pytest.mark.parametrize("mode", MODES)
def test_photon_pole(mode):
    """Rate and J₂c of electrons, whose pole spans six decades of a bin."""
    sm = load_sm()
    channel = Channel(lepton_integrand(sm, mode, "e"), LEPTON_INDEX["e"], NAMES, BINS)
    wet = resolve_model("wet").at({}).derive()
    table = tabulate(sm, [channel], ("C9", "C7"))(wet.wilson, 1.0)
    nodal = nodal_rates(sm, mode, "e", BINS, channel.names)(wet)
    expected = np.array([integral(mode, "e", edges) for edges in BINS])
    for found, most in ((table, verification.TOLERANCE), (nodal, verification.NODAL_TOLERANCE)):
        assert np.max(np.abs(found - expected) / expected[:, :1]) < most


def test_observables_with_tables():
    """Through `predictor`: what was 13 % wrong for a bin from 0, and its ratios."""
    names = ("<dBR/dq2>(B0->K*ee)[0,1]", "<FL>(B0->K*ee)[0,1]", "<Rmue>(B0->K*ll)[0,6]")
    found = jax.jit(db.predictor("wet", names, tables=True))({})
    rate, j_2c = integral("B0->K*", "e", (0.0, 1.0))
    ratio = integral("B0->K*", "mu", (0.0, 6.0))[0] / integral("B0->K*", "e", (0.0, 6.0))[0]
    expected = [load_sm().lifetime["B0"] * rate, -j_2c / rate, ratio]
    np.testing.assert_allclose(found, expected, rtol=2e-5)
    assert found[0] == pytest.approx(4.7105e-7, rel=1e-3)  # flavio 2.7, integrated in ln q²


# -- moments ---------------------------------------------------------------------------------------------------------------------------

START, END = 0.0447, 19.2


@lru_cache(maxsize=1)
def moments():
    return jax.jit(lambda some, m2, m_gamma: some.moments(Pole(m2, m_gamma)))


@pytest.mark.parametrize("m_gamma", [1e-8, 1e-3])
@pytest.mark.parametrize("edges", [(START, 0.07), (0.05, 0.2), (17.5, 19.19), (17.5, END)])
def test_moments_where_the_root_is_the_variable(edges, m_gamma):
    """Pole outside of phase space, at its end, in the panel and far away."""
    panel = panels._panel(edges[0], edges[1], START, END)
    assert panel.sign
    for m2 in (0.01, START - 1e-3, START + 1e-7, 0.06, 0.3, 18.0, END - 1e-6, END + 0.01, 25.0):
        first, second = moments()(joined([panel]), m2, m_gamma)
        size = np.abs(first[0, 0]), float(second[0, 0])
        for n in (0, 3, DEGREES - 1):
            exact = exact_moment(panel, n, m2, m_gamma)
            assert abs(complex(first[0, n]) - exact) < 1e-8 * size[0]
            assert float(second[0, n]) == pytest.approx(-exact.imag / m_gamma, rel=1e-6, abs=1e-6 * size[1])


def exact_moment(panel, n, m2, m_gamma):
    """∫ P_n(t) P(q²) dq² by adaptive quadrature with 30 digits."""
    with mpmath.workdps(30):
        z = mpmath.mpf(m2) - 1j * mpmath.mpf(m_gamma)
        low, high = mpmath.mpf(panel.low), mpmath.mpf(panel.high)
        middle, half = (low + high) / 2, (high - low) / 2
        w = mpmath.sqrt(panel.sign * (z - mpmath.mpf(panel.origin)))
        q2 = lambda v: panel.origin + panel.sign * v**2
        f = lambda v: mpmath.legendre(n, (v - middle) / half) * 2 * v / (q2(v) - z)
        near = sorted(mpmath.re(w) + k * abs(mpmath.im(w)) for k in (-1e4, -1e2, -10, -1, 0, 1, 10, 1e2, 1e4))
        value: Any = mpmath.quad(f, [low, *(v for v in near if low < v < high), high])
        return complex(value)


def test_panels_are_as_many_as_needed():
    """Far from the ends of phase space a bin is hardly cut; towards 4m² of electrons every panel is RATIO times as far as the one before."""
    electron, muon = (load_sm().mass[lepton] ** 2 * 4.0 for lepton in ("e", "mu"))
    assert len(cut(1.1, 6.0, (muon, END))) == 2
    assert len(cut(0.0, 1.0, (muon, END))) < 6 < len(cut(0.0, 1.0, (electron, END))) < 18
    assert len(cut(1e-3, 1.0, (electron, END))) < 9
    for panel in cut(1e-3, 6.0, (electron, END)):
        assert panel.sign == 0 and (panel.high - electron) / (panel.low - electron) < RATIO * 1.01


# -- promises --------------------------------------------------------------------------------------------------------------------------


def test_a_bin_that_misses_the_promise_stays_with_the_amplitude_code(monkeypatch):
    """One panel for all of a bin is too coarse: its table is refused, with a warning, and the value is right nevertheless."""
    names = ("<dBR/dq2>(B+->Kmumu)[0,2]", "<dBR/dq2>(B+->Kmumu)[2,2.5]")
    monkeypatch.setattr(panels, "RATIO", 1e9)
    monkeypatch.setattr(panels, "_panel", lambda low, high, start, end: panels.Panel(low, high))
    with pytest.warns(UserWarning, match=r"B\+->K mumu in \[0, 2\]: tables miss 1e-05"):
        predictor = db.predictor("wet", names, tables=True)
    monkeypatch.undo()
    exact = jax.jit(db.predictor("wet", names))({})
    np.testing.assert_allclose(jax.jit(predictor)({}), exact, rtol=1e-5)


def test_pole_next_to_the_threshold():
    """m_zp = 0.213 GeV, 0.5 % above two muons: β varies over the pole's panel."""
    p = resolve_model("lmu_ltau_s1").at({"y": 0.3, "g": 0.002, "m_zp": 0.213, "m_dm": 0.09}).derive()
    integrand = lepton_integrand(p.sm, "B+->K", "mu")
    table = tabulate(p.sm, [Channel(integrand, 1, ("rate",), ((0.0, 2.0),))], *slots_of(p.wilson))
    edges = jnp.linspace(integrand.ends[0], 2.0, 9)
    exact = jax.jit(jax.vmap(lambda p, low, high: b_to_p_ll.binned(p, low, high, "B+->K", "mu").rate, (None, 0, 0)))(
        p, edges[:-1], edges[1:]
    )
    assert float(table(p.wilson, 1.0)[0, 0]) == pytest.approx(float(exact.sum()), rel=1e-5)


@pytest.mark.parametrize("use_tables", [False, True])
def test_a_bin_without_width_is_the_differential_rate(use_tables):
    edge = np.nextafter(np.nextafter(1.1, 2.0), 2.0)
    names = [f"<dBR/dq2>({process})[1.1,{float(edge)!r}]" for process in ("B+->Kmumu",)]
    found = jax.jit(db.predictor("wet", names, tables=use_tables))({})
    np.testing.assert_allclose(found, jax.jit(db.predictor("wet", ["dBR/dq2(B+->Kmumu)[1.1]"]))({}), rtol=1e-9)
