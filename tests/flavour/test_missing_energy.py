"""B → K, K*, φ and missing energy or an on-shell Z′, against adaptive quadrature over helicity amplitudes and limits that need no reference."""

from __future__ import annotations

import warnings
from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import IntegrationWarning, quad

import darkbeauty as db
from darkbeauty.flavour import b_to_invisible, spectrum
from darkbeauty.models import resolve_model

MODEL = resolve_model("lmu_ltau_s1")
SM = MODEL.sm
NAMES = ("y", "g", "m_zp", "m_dm", "chi", "sin_mix")
MESONS = {
    "B+->K": ("B+", "K+"),
    "B0->K": ("B0", "K0"),
    "B0->K*": ("B0", "K*0"),
    "B+->K*": ("B+", "K*+"),
    "Bs->phi": ("Bs", "phi"),
}
ONE_OF_EACH = ("B+->K", "B0->K*", "Bs->phi")
LABELS = (
    *(f"BR({mode}{final})" for mode in MESONS for final in ("NN", "nunu", "inv", "Zp")),
    *(f"<{name}>(B0->K*{final})[6,12]" for name in ("dBR/dq2", "FL") for final in ("NN", "nunu", "inv")),
    "FL(B0->K*NN)[10]",
    "dBR/dq2(B0->K*NN)[10]",
    "dBR/dq2(B0->K*inv)[10]",
    *(f"BR(Zp->{final})" for final in ("NN", "nunu", "mumu", "tautau")),
    "Gamma_Zp",
    "V_sb",
)


def evaluate(vector, labels=LABELS):
    return db.predictor(MODEL, labels)(dict(zip(NAMES, vector)))


SLOPED = (
    "BR(B0->K*inv)",
    "<dBR/dq2>(B0->K*NN)[6,12]",
    "<FL>(B0->K*NN)[6,12]",
    "BR(B0->K*Zp)",
    "BR(Bs->phiNN)",
    "BR(Bs->phiZp)",
)
VALUES = jax.jit(evaluate)
SLOPES = jax.jit(jax.jacfwd(lambda vector: evaluate(vector, SLOPED)))


def vector(point: dict) -> jax.Array:
    return jnp.array([float({"chi": 0.0, "sin_mix": 0.5, **point}[name]) for name in NAMES])


def predict(**point) -> dict[str, float]:
    return dict(zip(LABELS, np.asarray(VALUES(vector(point)))))


# -- helicity amplitudes for scipy ------------------------------------------------------------------------------------------------------


def form_factors(transition: str, q2: float) -> dict[str, float]:
    """V, A₀, A₁, A₁₂ of arXiv:1503.05534, eqs. 15 and 16, f₊, f₀ of arXiv:2305.06301."""
    m_b, m = (
        SM.mass[name] for name in {"B->K": ("B0", "K0"), "B->K*": ("B0", "K*0"), "Bs->phi": ("Bs", "phi")}[transition]
    )
    a, t_plus, t_minus = np.asarray(SM.form_factor[transition]), (m_b + m) ** 2, (m_b - m) ** 2
    t_0 = t_plus * (1.0 - np.sqrt(1.0 - t_minus / t_plus))
    z = lambda t: (np.sqrt(t_plus - t) - np.sqrt(t_plus - t_0)) / (np.sqrt(t_plus - t) + np.sqrt(t_plus - t_0))
    series = lambda c, spin: (
        sum(x * (z(q2) - z(0.0)) ** k for k, x in enumerate(c)) / (1 - q2 / SM.form_factor_pole[spin] ** 2)
    )
    if transition == "B->K":
        return {"+": series(a[0:3], "1-"), "0": series((a[0], a[3], a[4]), "0+")}
    a12 = (a[0] * (m_b**2 - m**2) / (8.0 * m_b * m), a[6], a[7])
    return {
        "V": series(a[8:11], "1-"),
        "A0": series(a[0:3], "0-"),
        "A1": series(a[3:6], "1+"),
        "A12": series(a12, "1+"),
    }


def kallen(mode: str, q2: float) -> float:
    m_b, m = (SM.mass[name] for name in MESONS[mode])
    return ((m_b + m) ** 2 - q2) * ((m_b - m) ** 2 - q2)


def helicities(mode: str, q2: float) -> dict[str, float]:
    """ε*_μ⟨M|s̄γ^μP_Rb|B⟩ for transverse, longitudinal and timelike polarisation (arXiv:1503.05534, eqs. 1 to 4)."""
    m_b, m = (SM.mass[name] for name in MESONS[mode])
    root, lam = np.sqrt(q2), kallen(mode, q2)
    if mode.endswith("K"):
        f = form_factors("B->K", q2)
        return {"long": 0.5 * f["+"] * np.sqrt(lam) / root, "time": 0.5 * f["0"] * (m_b**2 - m**2) / root}
    f = form_factors("Bs->phi" if mode == "Bs->phi" else "B->K*", q2)
    axial, vector = (m_b + m) * f["A1"], np.sqrt(lam) * f["V"] / (m_b + m)
    return {
        "plus": 0.5 * (axial - vector),
        "minus": 0.5 * (axial + vector),
        "long": 4.0 * m_b * m * f["A12"] / root,
        "time": 0.5 * np.sqrt(lam) * f["A0"] / root,
    }


def untagged(mode: str, q2: float) -> dict[str, float]:
    """|H|² per polarisation, integrated over the decay time for B_s: |H|² (1 − η y cos φ)/(1 − y²) with CP parity η of each."""
    h = helicities(mode, q2)
    squares = {"long": h["long"] ** 2, "time": h["time"] ** 2, "perp": 0.0, "para": 0.0}
    if "plus" in h:
        squares |= {"para": 0.5 * (h["plus"] + h["minus"]) ** 2, "perp": 0.5 * (h["plus"] - h["minus"]) ** 2}
    if mode != "Bs->phi":
        return squares
    y, cosine = 0.5 * SM.lifetime["DeltaGamma/Gamma_Bs"], np.cos(2.0 * np.angle(-complex(SM.ckm.xi("t"))))
    return {
        name: x * (1.0 - (-1.0 if name == "perp" else 1.0) * y * cosine) / (1.0 - y**2) for name, x in squares.items()
    }


def majorana_rate(mode: str, q2: float, m_dm: float, m_zp: float, longitudinal: bool = False) -> float:
    """dBR/dq² of the Majorana pair over |G|² (physics.md §6): ½ √λ/(16π m_B³) (1/2π) (β/8π) {(4/3)(q²−4M²) Σ|H|² + 8M²|H_t|² (1−q²/m²)²}."""
    h, beta = untagged(mode, q2), np.sqrt(1.0 - 4.0 * m_dm**2 / q2)
    phase_space = (
        np.sqrt(kallen(mode, q2))
        / (16.0 * np.pi * SM.mass[MESONS[mode][0]] ** 3)
        / (2.0 * np.pi)
        * beta
        / (8.0 * np.pi)
    )
    spin_1 = h["long"] if longitudinal else h["long"] + h["perp"] + h["para"]
    braces = 4.0 / 3.0 * (q2 - 4.0 * m_dm**2) * spin_1 + 8.0 * m_dm**2 * h["time"] * (1.0 - q2 / m_zp**2) ** 2
    return 0.5 * SM.lifetime[MESONS[mode][0]] * phase_space * braces


def integrate(f, lo: float, hi: float, m2: float, m_gamma: float) -> float:
    """∫ f(q²) |P(q²)|² dq² in the distance from the pole, in pieces of a decade."""
    lo, hi = lo - m2, hi - m2
    around = m_gamma * 10.0 ** np.arange(-1.0, 12.0)
    near_ends = (hi - lo) * np.array([1e-8, 1e-5, 1e-3, 0.03])
    cuts = [*-around, 0.0, *around, *(lo + near_ends), *(hi - near_ends), *np.linspace(lo, hi, 5)]
    edges = [lo, *sorted({float(cut) for cut in cuts if lo < cut < hi}), hi]
    integrand = lambda offset: f(m2 + offset) / (offset**2 + m_gamma**2)
    with warnings.catch_warnings():  # rounding of q² − 4M² at the ends
        warnings.simplefilter("ignore", IntegrationWarning)
        return sum(quad(integrand, a, b, epsabs=0.0, epsrel=1e-9, limit=200)[0] for a, b in pairwise(edges))


def coupling(point: dict, v_sb: float) -> float:
    """G/P of §6 at χ = 0: y² g² Q_ℓℓ V_sb/(16π²), Q_ℓℓ = cos 2β = ½."""
    return point["y"] ** 2 * point["g"] ** 2 * 0.5 * v_sb / (16.0 * np.pi**2)


# -- dark matter ------------------------------------------------------------------------------------------------------------------------

POINTS = (  # y small: B_s mixing with the phase of the Standard Model
    {"y": 0.05, "g": 0.01, "m_zp": 1.2, "m_dm": 0.9},  # pole below the pair
    {"y": 0.05, "g": 1e-4, "m_zp": 3.0, "m_dm": 1.0},  # on shell and narrow
    {"y": 0.05, "g": 0.02, "m_zp": 12.0**0.5, "m_dm": 1.2},  # on the upper edge of the bin
    {"y": 0.05, "g": 0.05, "m_zp": 3.6, "m_dm": 1.7999},  # at threshold
    {"y": 0.05, "g": 0.01, "m_zp": 5.5, "m_dm": 2.1},  # above phase space
)


@pytest.mark.parametrize("point", POINTS)
def test_majorana_pair(point):
    """Total, bin, point and F_L with the spin-0 part."""
    found = predict(**point)
    m_zp, m_dm = point["m_zp"], point["m_dm"]
    g2, pole = coupling(point, found["V_sb"]) ** 2, (m_zp**2, m_zp * found["Gamma_Zp"])
    for mode in ONE_OF_EACH:
        hi = (SM.mass[MESONS[mode][0]] - SM.mass[MESONS[mode][1]]) ** 2
        expected = g2 * integrate(lambda q2, mode=mode: majorana_rate(mode, q2, m_dm, m_zp), 4.0 * m_dm**2, hi, *pole)
        assert found[f"BR({mode}NN)"] == pytest.approx(expected, rel=1e-6, abs=0.0), mode
    lo = max(6.0, 4.0 * m_dm**2)
    whole, long = (
        integrate(lambda q2, x=x: majorana_rate("B0->K*", q2, m_dm, m_zp, x), lo, 12.0, *pole) if lo < 12.0 else 0.0
        for x in (False, True)
    )
    assert found["<dBR/dq2>(B0->K*NN)[6,12]"] == pytest.approx(g2 * whole / 6.0, rel=1e-6, abs=0.0)
    assert found["<FL>(B0->K*NN)[6,12]"] == pytest.approx(long / whole if whole else 0.0, rel=1e-6, abs=0.0)
    whole, long = (majorana_rate("B0->K*", 10.0, m_dm, m_zp, x) if 4.0 * m_dm**2 < 10.0 else 0.0 for x in (False, True))
    square = g2 / ((10.0 - pole[0]) ** 2 + pole[1] ** 2)
    assert found["dBR/dq2(B0->K*NN)[10]"] == pytest.approx(square * whole, rel=1e-9, abs=0.0)
    assert found["FL(B0->K*NN)[10]"] == pytest.approx(long / whole if whole else 0.0, rel=1e-9, abs=0.0)


@pytest.mark.parametrize("point", POINTS)
def test_missing_energy_is_the_sum(point):
    found = predict(**point)
    for mode in MESONS:
        assert found[f"BR({mode}inv)"] == pytest.approx(found[f"BR({mode}nunu)"] + found[f"BR({mode}NN)"], rel=1e-13)
    rates = [found[f"<dBR/dq2>(B0->K*{final})[6,12]"] for final in ("nunu", "NN", "inv")]
    long = [found[f"<FL>(B0->K*{final})[6,12]"] for final in ("nunu", "NN", "inv")]
    assert rates[2] == pytest.approx(rates[0] + rates[1], rel=1e-13)
    assert long[2] == pytest.approx((long[0] * rates[0] + long[1] * rates[1]) / rates[2], rel=1e-12)


@pytest.mark.parametrize(
    ("name", "m_zp", "charge"), [("lmu_ltau_s1", 3.0, 0.5), ("lmu_ltau_s1", 100.0, 0.5), ("le_lmu_r2", 1000.0, 0.9032)]
)
def test_massless_majorana_pair_is_a_neutrino(name, m_zp, charge):
    """L = −½ c N̄γγ₅N with M → 0 is one left-handed neutrino of coupling c = g Q_ℓℓ; νν̄ has two flavours of coupling ±g (interference cancels)."""
    model = resolve_model(name)

    @jax.jit
    def compute(point):
        p = model.at({**point, "m_dm": 1e-3, "chi": 0.0}).derive()
        without = eqx.tree_at(lambda p: p.wilson.residue, p, jax.tree.map(jnp.zeros_like, p.wilson.residue))
        rate = lambda p, mode, pair: b_to_invisible.total(p, mode, pair).rate
        return jnp.array([(rate(p, m, "NN"), rate(p, m, "nunu") - rate(without, m, "nunu")) for m in ONE_OF_EACH])

    pair, neutrinos = np.asarray(compute({"y": 2.0, "g": 1e-3 if m_zp < 10.0 else 1.0, "m_zp": m_zp})).T
    assert np.all(pair > 0.0)
    np.testing.assert_allclose(pair, 0.5 * charge**2 * neutrinos, rtol=3e-6)


def test_heavy_z_prime_is_a_contact_interaction():
    """P → −1/m² and the spin-0 part of a contact axial current; the rest of the model as a point of `wet`."""
    point = {"y": 3.5, "g": 0.1, "m_zp": 3000.0, "m_dm": 1.5}  # Γ/m = 1e-3
    found = predict(**point)
    g2 = coupling(point, found["V_sb"]) ** 2 / point["m_zp"] ** 4
    for mode in ONE_OF_EACH:
        hi = (SM.mass[MESONS[mode][0]] - SM.mass[MESONS[mode][1]]) ** 2
        expected = g2 * quad(lambda q2, mode=mode: majorana_rate(mode, q2, 1.5, np.inf), 9.0, hi, epsrel=1e-10)[0]
        assert found[f"BR({mode}NN)"] == pytest.approx(expected, rel=1e-5)
        assert found[f"BR({mode}Zp)"] == 0.0
    w = MODEL.at({**point, "chi": 0.0}).derive().wilson
    at_zero = {name: -np.asarray(w.residue[name]) / 9e6 for name in ("C9p", "CR")}
    wet = {"C7p_bs": complex(w.dipole("C7p")), "C9p_bsmumu": at_zero["C9p"][1], "C9p_bstautau": at_zero["C9p"][2]}
    wet |= {"CR_bsnumunumu": at_zero["CR"][1], "CR_bsnutaunutau": at_zero["CR"][2]}
    labels = [f"<dBR/dq2>({m})[1.1,6]" for m in ("B+->Kmumu", "B0->K*mumu")] + ["BR(B0->K*nunu)"]
    light = db.predict(MODEL, {**point, "chi": 0.0}, labels)
    contact = db.predict("wet", wet, labels)
    standard = db.predict("wet", {}, labels)
    for label in labels:
        assert light[label] == pytest.approx(contact[label], rel=1e-5), label
        assert "nunu" in label or abs(light[label] / standard[label] - 1.0) > 1e-3, label


# -- the Z′ on its mass shell -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("m_zp", [1.0, 2.5, 4.0])
def test_on_shell_rate(m_zp):
    """g_eff² Σ_λ|H_λ|² √λ/(16π m_B³); y is small, so that B_s mixing has the phase of the Standard Model."""
    found = predict(y=1e-3, g=1e-3, m_zp=m_zp, m_dm=1.0)
    g_eff = 1e-9 * found["V_sb"] / (16.0 * np.pi**2)
    for mode, (meson, _) in MESONS.items():
        h = untagged(mode, m_zp**2)
        width = (
            g_eff**2
            * (h["long"] + h["perp"] + h["para"])
            * np.sqrt(kallen(mode, m_zp**2))
            / (16.0 * np.pi * SM.mass[meson] ** 3)
        )
        assert found[f"BR({mode}Zp)"] == pytest.approx(SM.lifetime[meson] * width, rel=1e-6), mode


@pytest.mark.parametrize(("m_zp", "m_dm"), [(1.5, 0.3), (3.0, 1.0), (4.2, 1.2)])
def test_narrow_width(m_zp, m_dm):
    """BR(NN) → BR(MZ′) BR(Z′→NN) for every mode, and in a bin; νν̄ without the Standard Model likewise (mixing is the same for m_zp → ∞)."""
    point = {"y": 2.0, "g": 1e-4, "m_dm": m_dm}
    found, off = predict(**point, m_zp=m_zp), predict(**point, m_zp=9000.0)
    assert found["Gamma_Zp"] < 1e-8 * m_zp
    for mode in MESONS:
        on_shell = found[f"BR({mode}Zp)"]
        assert found[f"BR({mode}NN)"] == pytest.approx(on_shell * found["BR(Zp->NN)"], rel=1e-6, abs=0.0)
        excess = found[f"BR({mode}nunu)"] - off[f"BR({mode}nunu)"]
        assert excess == pytest.approx(on_shell * found["BR(Zp->nunu)"], rel=1e-6, abs=0.0)
    inside = found["BR(B0->K*Zp)"] * found["BR(Zp->NN)"] if 6.0 < m_zp**2 < 12.0 else 0.0
    assert 6.0 * found["<dBR/dq2>(B0->K*NN)[6,12]"] == pytest.approx(inside, rel=1e-6, abs=1e-7 * found["BR(B0->K*NN)"])


def test_closed_channels_are_zero_with_zero_slope():
    point = {"y": 1.0, "g": 1e-3, "m_zp": 5.5, "m_dm": 2.45}
    found, slopes = predict(**point), dict(zip(SLOPED, np.asarray(SLOPES(vector(point)))))
    for label in SLOPED[1:]:
        assert found[label] == 0.0 and np.all(slopes[label] == 0.0), label


def test_finite_in_the_prior_box():
    """Values and exact derivatives, also without couplings and with everything at threshold."""
    rng = np.random.default_rng(7)
    draws = rng.uniform(size=(40, 6)) * [2.0, 0.01, 5.0, 2.5, 1e-3, 1.0] + [0.0, 0.0, 1.0, 1e-3, 0.0, 0.0]
    edges = [
        [0.0, 0.0, 2.0, 1.0, 0.0, 0.5],
        [1.0, 0.0, 2.0, 1.0, 1e-3, 0.5],
        [1.0, 0.01, SM.mass["B0"] - SM.mass["K*0"], 1.0, 0.0, 0.5],
    ]
    for point in np.array([*draws, *edges]):
        value, slope = VALUES(point), SLOPES(point)
        assert np.all(np.isfinite(value)) and np.all(np.isfinite(slope)), point
        assert np.all(np.asarray(value) >= 0.0)


# -- spectra ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def curves():
    """(point, σ) → q² and smeared dBR/dq² of B⁰ → K*⁰ for several pairs, and the branching fractions, compiled once."""
    q2 = jnp.linspace(-9.0, 28.0, 1481)

    @jax.jit
    def compute(vector, slope):
        p = MODEL.at(dict(zip(NAMES, vector))).derive()
        resolution = lambda q2: 0.2 + slope * q2
        smear = lambda pair: jax.vmap(lambda x: spectrum.smeared(p, x, resolution, "B0->K*", pair))(q2)
        bins = spectrum.histogram(p, jnp.linspace(0.0, 20.0, 41), "B0->K*", "inv")
        totals = [p.sm.lifetime["B0"] * b_to_invisible.total(p, "B0->K*", pair).rate for pair in ("nunu", "NN")]
        return {pair: smear(pair) for pair in ("nunu", "NN", "inv")}, bins, jnp.stack(totals)

    return lambda slope=0.0, **point: (np.asarray(q2), *compute(vector(point), slope))


@pytest.mark.parametrize("slope", [0.0, 0.02])
def test_smearing_and_binning_keep_the_branching_fraction(curves, slope):
    q2, smeared, bins, totals = curves(slope, y=2.0, g=1e-4, m_zp=3.0, m_dm=1.0)
    step = q2[1] - q2[0]
    for pair, expected in (("nunu", totals[0]), ("NN", totals[1]), ("inv", totals.sum())):
        assert np.sum(smeared[pair]) * step == pytest.approx(float(expected), rel=1e-7)
    assert np.sum(bins) * 0.5 == pytest.approx(float(totals.sum()), rel=1e-7)
    assert np.argmax(bins) == 17 or np.argmax(bins) == 18  # m_zp² = 9 is an edge


def test_a_narrow_resonance_becomes_a_gaussian(curves):
    """Missing energy with the pole at q² = 9 minus the same without, against BR(K*Z′) BR(Z′→inv) times a normal density of width σ(9)."""
    point = {"y": 2.0, "g": 1e-4, "m_dm": 1.0}
    q2, with_pole, *_ = curves(0.02, m_zp=3.0, **point)
    _, without, *_ = curves(0.02, m_zp=9000.0, **point)
    found = predict(m_zp=3.0, **point)
    peak = found["BR(B0->K*Zp)"] * (found["BR(Zp->nunu)"] + found["BR(Zp->NN)"])
    sigma = 0.2 + 0.02 * 9.0
    expected = peak * np.exp(-0.5 * ((q2 - 9.0) / sigma) ** 2) / (np.sqrt(2.0 * np.pi) * sigma)
    excess = np.asarray(with_pole["inv"]) - np.asarray(without["inv"])
    np.testing.assert_allclose(excess, expected, rtol=1e-5, atol=1e-7 * expected.max())


def test_smearing_of_a_smooth_spectrum(curves):
    """Against scipy's convolution of the unsmeared rate, ends of phase space included."""
    point = {"y": 0.5, "g": 1e-3, "m_zp": 5.5, "m_dm": 1.5}
    q2, smeared, *_ = curves(0.02, **point)
    found = predict(**point)
    g2, pole = coupling(point, found["V_sb"]) ** 2, 5.5**2
    hi = (SM.mass["B0"] - SM.mass["K*0"]) ** 2
    for i in (720, 780, 900, 1100, 1130):  # 9.0, 10.5, 13.5, 18.5, 19.25
        kernel = lambda s, i=i: (
            np.exp(-0.5 * ((q2[i] - s) / (0.2 + 0.02 * s)) ** 2) / np.sqrt(2 * np.pi) / (0.2 + 0.02 * s)
        )
        f = lambda s, kernel=kernel: g2 * majorana_rate("B0->K*", s, 1.5, 5.5) / (s - pole) ** 2 * kernel(s)
        ends = np.clip([q2[i] - 8.0, q2[i] - 1.0, q2[i], q2[i] + 1.0, q2[i] + 8.0], 9.0, hi)
        expected = sum(quad(f, a, b, epsabs=0.0, epsrel=1e-9, limit=200)[0] for a, b in pairwise(ends) if b > a)
        assert smeared["NN"][i] == pytest.approx(expected, rel=1e-6)
