"""Annihilation at rest against the cold limit of the thermal average and the textbook s wave of a Majorana particle."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from darkbeauty.dark.thermal_average import sigma_v
from darkbeauty.dark.today import p_ann, s_wave
from darkbeauty.models import resolve_model

POINTS = {
    "A": ("lmu_ltau_s1", {"y": 2.0, "g": 0.05, "m_zp": 5.0, "m_dm": 2.2, "chi": 0.0, "y_eta": 0.7}),
    "B": ("le_lmu_r2", {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0, "y_eta": 0.0}),
}


@pytest.fixture(scope="module", params=POINTS, ids=list(POINTS))
def rest(request):
    name, point = POINTS[request.param]
    model = resolve_model(name)

    @jax.jit
    def both(values):
        dark = model.at(values).derive().dark_matter
        return s_wave(dark), sigma_v(dark, 1e14)

    return name, point, *both(point)


def test_is_the_cold_limit(rest):
    _, _, parts, cold = rest
    assert float(sum(parts.values())) == pytest.approx(float(cold), rel=1e-5, abs=0.0)


def test_heavy_quark(rest):
    """σv = N_c y⁴ u⁴ m²/(32π (M_LQ² + M² − m²)²) √(1 − m²/M²), exact in m for the exchange alone; t = u = m² − M² at rest."""
    name, point, parts, _ = rest
    quark, mass, u2 = ("ss", 0.093, 0.75) if name == "lmu_ltau_s1" else ("tt", 172.5, 0.22**2)
    ratio = (mass / point["m_dm"]) ** 2
    expected = 3.0 * point["y"] ** 4 * u2**2 * mass**2 * np.sqrt(1.0 - ratio)
    expected /= 32.0 * np.pi * (1200.0**2 + point["m_dm"] ** 2 - mass**2) ** 2
    assert float(parts[quark]) == pytest.approx(expected, rel=1e-9, abs=0.0)


def test_closed_and_massless_channels_vanish(rest):
    name, _, parts, _ = rest
    assert abs(parts["nunu"]) < 1e-11 * sum(parts.values())
    if name == "lmu_ltau_s1":
        assert parts["bb"] == 0.0


def test_p_ann_bounds():
    """Between nothing and the whole energy; the helicity-suppressed models are far below Planck's 3.2e-28."""
    model, point = resolve_model("le_lmu_r2"), POINTS["B"][1]
    value = float(jax.jit(lambda values: p_ann(model.at(values).derive()))(point))
    assert 0.0 < value < 3.2e-28


def test_a_mixed_pair_counts_half_of_both_leptons():
    """Only μτ: 0.35 of the energy at 0.3 M, as for μμ and ττ; in the other model, eμ has half an electron of energy M."""
    for name, pair, shares in (("lmu_ltau_s1", "mutau", (0.0, 0.35)), ("le_lmu_r2", "emu", (0.5, 0.175))):
        model = resolve_model(name, extra_channels=("flavour_violating",))
        point = {"y": 0.0, "g": 1e-9, "m_zp": 900.0, "m_dm": 30.0, "y_eta": 1.0}
        both = jax.jit(lambda p: (s_wave(p.dark_matter), p_ann(p)))
        parts, value = both(model.at(point).derive())
        inputs = model.sm.energy_injection
        rates = {final: float(rate) for final, rate in parts.items() if final != "nunu" and rate > 0.0}
        logs = np.log10([30.0e9, 0.3 * 30.0e9])
        direct, secondary = PchipInterpolator(inputs["log10_energy"], inputs["f_electron"])(logs)
        each = {"ee": direct, "mumu": 0.35 * secondary, "tautau": 0.35 * secondary}
        each |= {pair: shares[0] * direct + shares[1] * secondary}
        assert rates[pair] > 0.1 * sum(rates.values())
        expected = sum(rate * each[final] for final, rate in rates.items()) / 30.0 * 1.166733e-17
        assert float(value) == pytest.approx(expected, rel=2e-3, abs=0.0)
