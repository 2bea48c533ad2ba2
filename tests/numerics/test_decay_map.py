"""The q² variable of decay_map against integrals in closed form."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from darkbeauty.numerics.decay_map import decay_map

END = 16.8


def test_there_and_back():
    q2 = np.array([1e-6, 0.04, 3.0, 16.0, 16.7999, END])
    for pole in (None, 4.0 - 1e-6j, 30.0 - 1.0j):
        variable = decay_map(END, pole)
        np.testing.assert_allclose(variable.at(variable.xi(q2)).s, q2, rtol=1e-9)


@pytest.mark.parametrize(("lo", "hi"), [(1e-6, 1.0), (0.1, END), (1e-6, END), (16.0, END), (1.1, 6.0)])
def test_ends_of_phase_space(lo: float, hi: float):
    """∫ √(1 − s) ds/s and ∫ (1 − s)^{3/2} ds, s = q²/q²_max: the photon pole and the square root at the end."""
    rule = decay_map(END).rule(lo, hi, 32)
    s = np.asarray(rule.s) / END
    photon = lambda x: 2 * np.sqrt(1 - x) - 2 * np.log1p(np.sqrt(1 - x)) + np.log(x)
    assert np.sqrt(1 - s) / s @ rule.weight / END == pytest.approx(photon(hi / END) - photon(lo / END), rel=1e-10)
    exact = 0.4 * ((1 - lo / END) ** 2.5 - (1 - hi / END) ** 2.5)
    assert (1 - s) ** 1.5 @ rule.weight / END == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("m_gamma", [1e-8, 1e-4, 0.3])
@pytest.mark.parametrize("m2", [0.09, 1.1, 4.0, 6.0, 16.7999, 16.8, 16.9, 36.0, 1e4])
def test_a_pole_anywhere(m2: float, m_gamma: float):
    """∫ |P|² dq² = [arctan((q² − m²)/mΓ)]/mΓ and the complex logarithm of ∫ P dq², inside, at the edges and outside."""
    variable = decay_map(END, m2 - 1j * m_gamma)
    for lo, hi in ((1.1, 6.0), (0.1, END)):
        rule = variable.rule(lo, hi, 32)
        direct = 1.0 / (rule.s - m2 + 1j * m_gamma)
        far = np.abs(rule.s - m2) > 1e-3
        np.testing.assert_allclose(np.asarray(rule.propagator)[far], np.asarray(direct)[far], rtol=1e-9)
        near = complex(lo - m2, m_gamma), complex(hi - m2, m_gamma)
        square = np.angle(near[0] * near[1].conjugate()) / m_gamma
        assert np.abs(rule.propagator) ** 2 @ rule.weight == pytest.approx(
            square, rel=1e-6 if m2 in (1.1, 6.0) else 1e-7
        )
        logarithm = np.log(near[1]) - np.log(near[0])
        assert np.abs(rule.propagator @ rule.weight - logarithm) < 1e-7 * (1 + abs(logarithm))


def test_gradient_is_finite_at_the_end():
    integral = lambda end: decay_map(end, 4.0 - 1e-6j).rule(15.0, end, 24).weight.sum()
    value, slope = jax.value_and_grad(integral)(END)
    assert value == pytest.approx(END - 15.0, rel=1e-10)
    assert slope == pytest.approx(1.0, rel=1e-9)
