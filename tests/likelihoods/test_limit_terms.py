"""Terms of limits: calibration to the confidence level, and the LEP-II Bhabha data against what is known of them."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import darkbeauty as db
from darkbeauty.inputs.limits import limit_blocks
from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.leptonic.bhabha import ratio_to_sm
from darkbeauty.leptonic.lepton_pairs import asymmetry
from darkbeauty.leptonic.lepton_pairs import ratio_to_sm as ratio
from darkbeauty.likelihoods import TERMS
from darkbeauty.likelihoods.limit_terms import limit_data, z_score
from darkbeauty.models import resolve_model
from darkbeauty.observables import leptonic, limits

LEPTONIC = ("a_mu", "a_e", "trident CCFR", "trident CHARM-II", "LEP-II Bhabha", "LEP-II mu pairs")
BHABHA = TERMS["LEP-II Bhabha"]
POINT = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}


def test_half_normal_is_calibrated():
    assert z_score(0.9) == pytest.approx(1.644854, rel=1e-6)
    assert z_score(0.95) == pytest.approx(1.959964, rel=1e-6)
    for name, block in limit_blocks().items():
        if block.use == "fit":
            data = limit_data(block)
            inside = stats.halfnorm.cdf(1.0, scale=np.sqrt(data.covariance[0, 0]))
            expected = 0.6827 if block.kind == "band" else block.cl
            assert inside == pytest.approx(expected, abs=1e-4), name
            assert data.values[0] == 0.0


def test_terms_use_observables_that_exist():
    observables = (*leptonic.OBSERVABLES, *limits.OBSERVABLES)
    names = {observable.name for observable in observables}
    assert len(names) == len(observables)
    for term in (term for name, term in TERMS.items() if name.startswith("limit ") or name in LEPTONIC):
        data = term.data()
        assert data.observables == term.observables and len(data.values) == len(term.observables)
        for label in term.observables:
            assert label.split("[")[0] in names, label
            assert " " not in label


def test_every_limit_to_be_fitted_has_a_term():
    fitted = {name for name, block in limit_blocks().items() if block.use == "fit"}
    assert {term.measurement for name, term in TERMS.items() if name.startswith("limit ")} == fitted


def test_measured_values():
    """Phys. Rev. Lett. 66 (1991) 3117; Phys. Lett. B245 (1990) 271; arXiv:2505.21476 quotes 38(63)e-11."""
    expected = {"CCFR trident": (0.82, 0.28), "CHARM-II trident": (1.58, 0.57), "Muon g-2 2025": (38e-11, 63e-11)}
    for id, (value, error) in expected.items():
        block = load_measurements()[id]
        assert block.values[0] == pytest.approx(value, rel=0.02)
        assert np.sqrt(block.covariance[0, 0]) == pytest.approx(error, rel=0.02)


# -- LEP-II Bhabha -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chi2():
    """χ² of the Bhabha term against (g, m_zp), relative to the Standard Model."""
    data, model = BHABHA.data(), resolve_model("le_lmu_r2")
    bins = np.array([[float(x) for x in label.split("[")[1][:-1].split(",")] for label in BHABHA.observables])
    inverse = np.linalg.inv(data.covariance)

    @eqx.filter_jit
    def value(model, g, m_zp):
        p = model.at(POINT | {"g": g, "m_zp": m_zp}).derive()
        residual = jax.vmap(lambda row: ratio_to_sm(p, *row))(jnp.asarray(bins)) - data.values
        return residual @ inverse @ residual

    return lambda g, m_zp: value(model, g, m_zp)


def test_standard_model_fits_the_bhabha_data(chi2):
    assert stats.chi2.sf(float(chi2(0.0, 500.0)), len(BHABHA.observables)) > 0.05
    assert np.all(np.linalg.eigvalsh(BHABHA.data().covariance) > 0.0)


def test_bhabha_limit_is_that_of_the_full_lep_analysis(chi2):
    """95 % CL in g²/m² ≥ 0 with a flat prior. LEP's own (arXiv:1302.3415) is Λ⁻_VV = 15.3 TeV, that is m/g > 15.3/√4π = 4.32 TeV; that number is
    only remembered, so this is a comparison, not a constraint."""
    m, g2 = 3000.0, np.linspace(0.0, 2.0, 201)
    values = np.asarray(jax.vmap(lambda x: chi2(jnp.sqrt(x), m))(g2 + 1e-12))
    cumulative = np.cumsum(np.exp(-0.5 * (values - values.min())))
    limit = np.interp(0.95, cumulative / cumulative[-1], g2)
    assert m / np.sqrt(limit) / 1e3 == pytest.approx(15.3 / np.sqrt(4.0 * np.pi), rel=0.02)


def test_bhabha_excludes_the_benchmark_of_the_second_model(chi2):
    assert float(chi2(0.3, 671.0) - chi2(0.0, 671.0)) > 40.0


@pytest.fixture(scope="module")
def chi2_of_muons():
    """χ² of the term of muon pairs against (g, m_zp)."""
    term = TERMS["LEP-II mu pairs"]
    data, model = term.data(), resolve_model("le_lmu_r2")
    energies = jnp.asarray([float(label.split("[")[1][:-1]) for label in term.observables[:12]])
    assert [label.split("[")[1] for label in term.observables[12:]] == [f"{energy:g}]" for energy in energies.tolist()]
    inverse = np.linalg.inv(data.covariance)

    @eqx.filter_jit
    def value(model, g, m_zp):
        p = model.at(POINT | {"g": g, "m_zp": m_zp}).derive()
        of = lambda energy: jnp.stack([ratio(p, energy, "mu"), asymmetry(p, energy, "mu")])
        residual = jax.vmap(of)(energies).T.ravel() - data.values
        return residual @ inverse @ residual

    return lambda g, m_zp: value(model, g, m_zp)


def test_muon_pairs_limit_a_heavy_vector_as_lep_does(chi2_of_muons):
    """c_ec_μ < 0 adds to the photon: Λ⁺_VV = 18.9 TeV, m/g > 5.33 TeV (as remembered, so a comparison), here without correlations."""
    m, g2 = 3000.0, np.linspace(0.0, 2.0, 201)
    values = np.asarray(jax.vmap(lambda x: chi2_of_muons(jnp.sqrt(x), m))(g2 + 1e-12))
    cumulative = np.cumsum(np.exp(-0.5 * (values - values.min())))
    limit = np.interp(0.95, cumulative / cumulative[-1], g2)
    assert m / np.sqrt(limit) / 1e3 == pytest.approx(18.9 / np.sqrt(4.0 * np.pi), rel=0.07)
    assert stats.chi2.sf(values[0], 24) > 0.05
    assert float(chi2_of_muons(0.3, 671.0)) - values[0] > 100.0


def test_limits_on_missing_energy_beside_a_vector_meson():
    """s = BR/limit at the numbers of arXiv:1702.03224 and DELPHI; dark matter counts where there is any."""
    for name, branching, limit in (
        ("Belle B0->K*nunu", "BR(B0->K*nunu)", 1.8e-5),
        ("Belle B+->K*nunu", "BR(B+->K*nunu)", 6.1e-5),
        ("DELPHI Bs->phinunu", "BR(Bs->phinunu)", 5.4e-3),
    ):
        (label,) = TERMS[f"limit {name}"].predicted(resolve_model("wet"))
        strength, rate = db.predict("wet", {}, [label, branching]).values()
        assert strength == pytest.approx(rate / limit, rel=1e-9)
        (label,) = TERMS[f"limit {name}"].predicted(resolve_model("lmu_ltau_s1"))
        assert label == f"limit({name.replace(chr(32), chr(95)).replace('nunu', 'inv')})"


def test_limits_on_the_higgs_boson_and_its_couplings():
    """BR(h → N_ℓN_ℓ) + BR(h → Z′Z′) BR(Z′ → inv)² of A-I, 5.40·10⁻⁴ + 1.18·10⁻⁴ · 0.383² (N_ℓN_ℓ is nearly all of NN), over 0.107; f²/4π and λ_φ/4π from the mass terms."""
    point = {"y": 2.0, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7, "chi": 0.0}
    names = [f"limit({name})" for name in ("ATLAS_h->inv", "perturbative_f_N", "perturbative_lambda_phi")]
    higgs, yukawa, self_coupling = db.predict("lmu_ltau_s1", point, names).values()
    assert higgs == pytest.approx((5.40e-4 + 1.18e-4 * 0.383**2) / 0.107, rel=0.01)
    heavier = 0.75 * 500.0 + 0.25 * 1.7  # of N_τ, sin β = 1/2
    assert yukawa == pytest.approx((np.sqrt(2.0) * heavier / 1000.0) ** 2 / (4.0 * np.pi), rel=1e-9)
    assert self_coupling == pytest.approx(500.0**2 / (2.0 * 1000.0**2) / (4.0 * np.pi), rel=1e-9)
