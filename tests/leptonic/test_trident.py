"""Neutrino tridents: heavy-Z′ formula, the published CCFR contour, and the table's ingredients against QED textbooks."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.inputs.limits import limit_records
from darkbeauty.leptonic.trident import ratio_to_sm
from darkbeauty.models import resolve_model

TOOL = Path(__file__).parents[2] / "tools" / "make_trident_table.py"
POINT = {"y": 0.3, "m_dm": 1.0, "chi": 0.0}
S2W, VACUUM, MUON = 0.23121, 246.21964, 0.1056583755


@eqx.filter_jit
def ratios(model, g, m_zp):
    p = model.at(POINT | {"g": g, "m_zp": m_zp}).derive()
    return jnp.stack([ratio_to_sm(p, experiment) for experiment in ("CCFR", "CHARM-II", "DUNE")])


@pytest.fixture(scope="module")
def model():
    return resolve_model("lmu_ltau_s1")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_trident_table", TOOL)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_heavy_z_prime(model):
    """[1 + (1 + 4s² + 2v²g²/m²)²]/[1 + (1 + 4s²)²] with the axial part enhanced by the phase space of massive muons."""
    for g, axial in zip((0.2, 0.5, 1.0), (1.0988, 1.0988, 1.0988)):
        shift = 2.0 * VACUUM**2 * g**2 / 300.0**2
        expected = (axial + (1.0 + 4.0 * S2W + shift) ** 2) / (axial + (1.0 + 4.0 * S2W) ** 2)
        assert float(ratios(model, g, 300.0)[0]) == pytest.approx(expected, rel=2e-4)
        plain = (1.0 + (1.0 + 4.0 * S2W + shift) ** 2) / (1.0 + (1.0 + 4.0 * S2W) ** 2)
        assert float(ratios(model, g, 300.0)[0] - 1.0) == pytest.approx(plain - 1.0, rel=0.03)


def test_published_ccfr_contour(model):
    """σ/σ_SM = 0.82 + 2·0.28 along the contour of arXiv:1406.2332, digitised to a few per cent."""
    record = limit_records()["CCFR trident"]
    mass, g = np.array(record["mass"]), np.array(record["value"])
    trial = np.geomspace(0.5, 2.0, 400)
    along = jax.vmap(jax.vmap(lambda x, m, g: ratios(model, x * g, m)[0], (0, None, None)), (None, 0, 0))(
        trial, mass, g
    )
    found = np.array([np.interp(1.38, row, trial) for row in np.asarray(along)])
    assert np.all(np.abs(found - 1.0) < 0.18), found
    above = mass > 0.3
    assert np.all(np.abs(found[above] - 1.0) < 0.08), found[above]


def test_no_coupling_is_the_standard_model_with_finite_slope(model):
    np.testing.assert_allclose(ratios(model, 0.0, 2.0), 1.0, rtol=1e-14)
    slope = jax.jacfwd(lambda g: ratios(model, g, 2.0))(0.0)
    np.testing.assert_array_equal(slope, np.zeros(3))


def test_quadratic_in_the_coupling_product(model):
    g2 = np.array([1e-6, 2e-6, 3e-6, 4e-6])
    values = jax.vmap(lambda g: ratios(model, g, 3.0)[0])(np.sqrt(g2))
    assert np.polyfit(g2 * 1e6, values, 3)[0] == pytest.approx(0.0, abs=1e-10)


def test_sign_does_not_depend_on_the_sign_of_the_muon_charge():
    """Muon and its neutrino have equal charges in both models: constructive interference."""
    second = resolve_model("le_lmu_r2")
    point = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
    value = float(ratio_to_sm(second.at(point).derive(), "CCFR"))
    delta = 2.0 * VACUUM**2 * 0.09 / 671.0**2
    assert value - 1.0 == pytest.approx(2.0 * (1.0 + 4.0 * S2W) * delta / (1.0988 + (1.0 + 4.0 * S2W) ** 2), rel=0.01)


def test_tensor_of_real_photons_is_breit_wheeler(tool):
    s = np.array([0.1, 1.0, 30.0])
    beta = np.sqrt(1.0 - 4.0 * MUON**2 / s)
    bracket = (3.0 - beta**4) * np.log((1.0 + beta) / (1.0 - beta)) - 2.0 * beta * (2.0 - beta**2)
    sigma = 0.5 * np.pi * (1.0 - beta**2) * bracket / MUON**2  # in units of α²
    transverse, _ = tool.tensors(s, 1e-9 + 0.0 * s)["V"]
    np.testing.assert_allclose(transverse * (4.0 * np.pi) ** 2 / (2.0 * s), sigma, rtol=1e-6)


def test_tensor_of_virtual_photons_is_the_photon_structure_function(tool):
    """F_L/F_2 = 4x(1−x)/([x² + (1−x)²] ln(W²/m²) − 1 + 8x(1−x)) for W² ≫ m², vector and axial alike."""
    x = np.array([0.2, 0.5, 0.8])
    q2 = 1e4 + 0.0 * x
    w2 = q2 * (1.0 - x) / x
    expected = 4.0 * x * (1.0 - x) / ((x**2 + (1.0 - x) ** 2) * np.log(w2 / MUON**2) - 1.0 + 8.0 * x * (1.0 - x))
    for transverse, longitudinal in tool.tensors(w2, q2, 64).values():
        np.testing.assert_allclose(longitudinal / (transverse + longitudinal), expected, rtol=3e-4)


def test_form_factor_is_the_transform_of_woods_saxon(tool):
    a, r_0 = 0.523 / tool.HBARC, 1.126 * 55.85 ** (1.0 / 3.0) / tool.HBARC
    r = np.linspace(0.0, r_0 + 40.0 * a, 200_001)
    density = r**2 / (1.0 + np.exp((r - r_0) / a))
    for q in (0.01, 0.08, 0.17):
        direct = np.trapezoid(density * np.sinc(q * r / np.pi), r) / np.trapezoid(density, r)
        assert float(tool.form_factor(np.array(q**2), 55.85)) == pytest.approx(direct, abs=2e-5)


@pytest.mark.slow
def test_the_table_is_what_the_tool_makes():
    subprocess.run([sys.executable, str(TOOL), "--check"], check=True)
