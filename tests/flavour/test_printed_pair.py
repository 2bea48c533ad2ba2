"""B⁺ → K⁺NN as printed (vector current) and canonical (axial), each against scipy's quadrature of its own phase space, widths included."""

from __future__ import annotations

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad

import darkbeauty as db
from darkbeauty.models import resolve_model

NAMES = ("y", "g", "m_zp", "m_dm")
POINTS = {
    "A-I": (2.0, 0.002, 4.0, 1.7),
    "A-II": (2.0, 0.008, 4.8, 1.8),
    "pole below the pair": (0.3, 0.005, 1.5, 1.0),
    "light pair": (0.3, 0.01, 6.0, 0.2),
}
M_B, M_K, TAU = 5.27934, 0.493677, 2488800398208.06
M_MU, M_TAU = 0.1056583755, 1.77686
COS_2BETA = 0.5
CONVENTIONS = ("canonical", "printed")


def form_factor(q2: float, coefficients: tuple[float, ...], m_pole: float) -> float:
    """BSZ expansion with neutral-meson masses (arXiv:1503.05534, eq. 15)."""
    plus, minus = (5.27966 + 0.497611) ** 2, (5.27966 - 0.497611) ** 2
    t_0 = plus * (1.0 - np.sqrt(1.0 - minus / plus))
    z = lambda t: (np.sqrt(plus - t) - np.sqrt(plus - t_0)) / (np.sqrt(plus - t) + np.sqrt(plus - t_0))
    return sum(a * (z(q2) - z(0.0)) ** k for k, a in enumerate(coefficients)) / (1.0 - q2 / m_pole**2)


def width(g: float, m: float, m_dm: float, doubling: float) -> float:
    """μμ, ττ, two neutrinos ½ d g ν̄γ(1−γ₅)ν, and ½ d g cos 2β N̄γγ₅N, d = 1 canonical and 2 printed (χ = 0, N₊ closed)."""
    total = 2.0 * (doubling * g / 2.0) ** 2 * 2.0
    for mass in (M_MU, M_TAU):
        r = (mass / m) ** 2
        total += g**2 * (1.0 + 2.0 * r) * np.sqrt(1.0 - 4.0 * r) if r < 0.25 else 0.0
    r = (m_dm / m) ** 2
    total += 0.5 * (doubling * g * COS_2BETA) ** 2 * (1.0 - 4.0 * r) ** 1.5 if r < 0.25 else 0.0
    return total * m / (12.0 * np.pi)


def branching_fraction(point: tuple[float, ...], v_sb: float, printed: bool) -> float:
    """½ τ ∫ √λ/(16π m_B³) (1/2π) (β/8π) |G|²/4 {…} dq², G = y² g² cos 2β V_sb/(16π²) P(q²) in both: {…} = (4/3)(q² + 2M²)f₊²λ/q² for v̄γ_μu,
    (4/3)(q² − 4M²)f₊²λ/q² + 8M²f₀²(m_B²−m_K²)²/q² (1 − q²/m²)² for v̄γ_μγ₅u."""
    y, g, m, m_dm = point
    m_gamma = m * width(g, m, m_dm, 2.0 if printed else 1.0)
    strength = (y**2 * g**2 * COS_2BETA * v_sb / (16.0 * np.pi**2)) ** 2
    lo, hi = 4.0 * m_dm**2 - m**2, (M_B - M_K) ** 2 - m**2

    def integrand(offset: float) -> float:
        q2 = m**2 + offset
        lam = (q2 - (M_B + M_K) ** 2) * (offset - hi)
        f_plus = form_factor(q2, (0.33196382, -0.96403506, -0.30273752), 5.415)
        if printed:
            braces = 4.0 / 3.0 * (q2 + 2.0 * m_dm**2) * f_plus**2 * lam / q2
        else:
            f_zero = form_factor(q2, (0.33196382, 0.33478906, 0.00372445), 5.63)
            braces = 4.0 / 3.0 * (q2 - 4.0 * m_dm**2) * f_plus**2 * lam / q2
            braces += 8.0 * m_dm**2 * f_zero**2 * (M_B**2 - M_K**2) ** 2 / q2 * (offset / m**2) ** 2
        flux = np.sqrt(lam) / (16.0 * np.pi * M_B**3) / (2.0 * np.pi) * np.sqrt((offset - lo) / q2) / (8.0 * np.pi)
        return flux * braces / (offset**2 + m_gamma**2)

    decades = m_gamma * 10.0 ** np.arange(-1.0, 12.0)
    ends = (hi - lo) * np.array([1e-6, 1e-3, 0.03])
    cuts = [*-decades, 0.0, *decades, *(lo + ends), *(hi - ends)]
    edges = [lo, *sorted({float(cut) for cut in cuts if lo < cut < hi}), hi]
    integral = sum(quad(integrand, a, b, epsabs=0.0, epsrel=1e-9, limit=200)[0] for a, b in pairwise(edges))
    return 0.5 * TAU * strength / 4.0 * integral


@pytest.fixture(scope="module")
def predicted():
    """(convention, point) → BR(B⁺ → K⁺NN), V_sb, Γ_Z′."""
    labels = ["BR(B+->KNN)", "V_sb", "Gamma_Zp"]
    table = {}
    for convention in CONVENTIONS:
        predict = db.predictor(resolve_model("lmu_ltau_s1", convention=convention), labels)
        run = jax.jit(jax.vmap(lambda v, predict=predict: predict({**dict(zip(NAMES, v)), "chi": 0.0}).real))
        found = np.asarray(run(jnp.array(list(POINTS.values()))))
        table |= {(convention, name): values for name, values in zip(POINTS, found)}
    return table


@pytest.mark.parametrize("name", POINTS)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_rate(predicted, convention, name):
    found, v_sb, gamma = predicted[convention, name]
    printed = convention == "printed"
    _, g, m_zp, m_dm = POINTS[name]
    assert gamma == pytest.approx(width(g, m_zp, m_dm, 2.0 if printed else 1.0), rel=1e-9)
    assert found == pytest.approx(branching_fraction(POINTS[name], v_sb, printed), rel=1e-6, abs=0.0)


def test_a_vector_pair_is_polarised_like_a_massless_one():
    """(1 + 2M²/q²) is common to all helicities of the meson: F_L is that of νν̄ of the Standard Model, at the threshold of the pair, too."""
    model = resolve_model("lmu_ltau_s1", convention="printed")
    at = (13.1, 15.0, 18.5)
    labels = [f"FL(B0->K*{pair})[{q2}]" for pair in ("NN", "nunu") for q2 in at]
    point = dict(zip(NAMES, POINTS["A-II"])) | {"chi": 0.0}
    found = [float(x) for x in db.predict(model, point, labels).values()]
    standard = db.predict(model, point | {"y": 0.0}, labels[3:])
    np.testing.assert_allclose(found[:3], list(standard.values()), rtol=1e-10)


def test_light_pair_does_not_tell(predicted):
    """Vector and axial differ by M²/q²; on the pole they differ by (1 + 2r)/(1 − 4r), r = M²/m², and by the printed width."""
    ratio = lambda name: predicted["printed", name][0] / predicted["canonical", name][0]
    assert ratio("light pair") == pytest.approx(1.0, abs=0.06)
    r = (1.7 / 4.0) ** 2
    widths = predicted["canonical", "A-I"][2] / predicted["printed", "A-I"][2]
    assert ratio("A-I") == pytest.approx((1.0 + 2.0 * r) / (1.0 - 4.0 * r) * widths, rel=1e-4)
