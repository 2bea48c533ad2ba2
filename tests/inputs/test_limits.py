"""The limits: every one has a source, remembered ones are not fitted, and numbers agree with what abstracts say."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest

from darkbeauty.inputs import load_sm
from darkbeauty.inputs.limits import Band, Curve, Grid, limit_records, load_limits, load_trident, searches
from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.report import bibliography

RECORDS = limit_records()
ROOT = Path(__file__).resolve().parents[2]


def test_every_entry_says_where_from_and_what_for():
    for name, record in RECORDS.items():
        assert record["found"], name
        assert record["use"] in ("fit", "draw", "record"), name
        assert bool(record["why"]) == (record["use"] != "fit"), name
        assert [one for one in record["references"] if one not in bibliography.entries()] == [], name
        assert record["kind"] in ("curve", "grid", "band", "number", "none"), name


def test_what_is_remembered_or_missing_is_not_fitted():
    remembered = {name for name, record in RECORDS.items() if "memory" in record["found"]}
    assert {"LEP-II contact", "NA64mu", "CMS LQ->qnu", "ATLAS sbottom->b chi"} <= remembered
    for name, record in RECORDS.items():
        if record["use"] == "fit":
            assert name not in remembered and record["found"] != "not found", name
            assert record["references"] and record["dataset"], name
            assert record["cl"] in (0.6827, 0.9, 0.95), name


def test_knots_increase_and_values_are_positive():
    for name, record in RECORDS.items():
        if record["kind"] in ("curve", "grid", "band"):
            assert np.all(np.diff(record["mass"]) > 0.0), name
        if record["kind"] == "curve":
            assert len(record["mass"]) == len(record["value"]) and min(record["value"]) > 0.0, name
        if record["kind"] == "band":
            assert min(record["up"]) > 0.0 and min(record["best"]) >= 0.0, name


def test_against_the_abstracts():
    """arXiv:1808.03684, 1612.07818, 1912.11276, 1807.06209; PDG for the leptoquark."""
    cms = RECORDS["CMS Z->4mu"]["value"]
    assert min(cms) == pytest.approx(0.004, rel=0.2)
    lhcb = 10.0 ** np.array(RECORDS["LHCb B+->KX(mumu)"]["log10_value"])
    assert lhcb.min() == pytest.approx(2e-10, rel=0.4)
    assert np.median(lhcb[:, -1]) == pytest.approx(1e-7, rel=1.0)
    assert RECORDS["Belle II invisible 2019"]["value"][0] == pytest.approx(0.05, rel=0.05)
    assert RECORDS["Planck p_ann"]["value"] == 3.2e-28
    assert RECORDS["ATLAS LQ->bnu"]["value"] == 1230


def test_two_digitisations_of_one_plot_agree():
    first, second = RECORDS["BaBar 4mu"], RECORDS["BaBar 4mu, other digitisation"]
    inside = [m for m in second["mass"] if first["mass"][0] < m < first["mass"][-1]]
    read = lambda record: np.interp(np.log(inside), np.log(record["mass"]), np.log(record["value"]))
    assert np.sqrt(np.mean((read(first) - read(second)) ** 2)) < 0.25


def test_windows_of_the_grids_leave_out_the_charmonia():
    for name in ("LHCb B+->KX(mumu)", "LHCb B0->K*X(mumu)"):
        windows = np.array(RECORDS[name]["windows"])
        assert np.all(windows[:, 1] > windows[:, 0]) and np.all(windows[1:, 0] > windows[:-1, 1])
        for veto in (3.0969, 3.6861):
            assert not np.any((windows[:, 0] < veto) & (veto < windows[:, 1]))
        for mass in (0.6, 1.2, 2.5):
            assert np.any((windows[:, 0] < mass) & (mass < windows[:, 1]))


def test_kinds_by_name():
    limits = load_limits()
    kinds = {"BaBar 4mu": Curve, "LHCb B+->KX(mumu)": Grid, "BaBar B->KX(inv)": Band, "Planck p_ann": float}
    for name, kind in kinds.items():
        assert isinstance(limits[name], kind)
    with pytest.raises(KeyError):
        limits["NA64mu"]
    record, curve = RECORDS["LZ SI"], limits["LZ SI"]
    np.testing.assert_allclose(np.exp(curve.log_mass[: len(record["mass"])]), record["mass"])
    np.testing.assert_allclose(np.exp(curve.log_value[: len(record["mass"])]), record["value"])
    np.testing.assert_allclose(curve.windows, [[record["mass"][0], record["mass"][-1]]])
    np.testing.assert_allclose(limits["LHCb pp->mumu"].windows, RECORDS["LHCb pp->mumu"]["windows"])
    assert np.all(np.diff(limits.log_mass, axis=1) > 0.0)


def test_tables_are_leaves_of_the_inputs():
    sm = load_sm()
    leaves = jax.tree.leaves((sm.limits, sm.trident))
    assert len(leaves) < 60
    traces = []

    @eqx.filter_jit
    def total(inputs):
        traces.append(1)
        return sum(leaf.sum() for leaf in jax.tree.leaves(eqx.filter(inputs, eqx.is_array)))

    arrays = jax.tree.map(np.asarray, (sm.limits, sm.trident))
    assert float(total(arrays)) != float(total(jax.tree.map(lambda x: 2.0 * x, arrays)))
    assert len(traces) == 1


def test_trident_table():
    """Propagators: m²F₁ → 1 and m⁴F₂ → 1 for a heavy Z′, both fall with mass, and F₂ ≥ F₁² (a variance is not negative)."""
    table = load_trident()
    assert table.names == ("CCFR", "CHARM-II", "DUNE")
    f, mass = np.exp(table.log_f), np.exp(table.log_mass)
    np.testing.assert_allclose(f[:, 0, -1] * mass[-1] ** 2, 1.0, rtol=1e-6)
    np.testing.assert_allclose(f[:, 1, -1] * mass[-1] ** 4, 1.0, rtol=1e-6)
    assert np.all(np.diff(table.log_f, axis=2) < 0.0)
    assert np.all(f[:, 1] >= f[:, 0] ** 2 * (1.0 - 1e-9))
    assert np.all(table.axial > 1.0)


def test_magnetic_moments_are_experiment_minus_theory():
    blocks = (load_measurements()[name] for name in ("Muon g-2 2025", "Electron g-2 2023"))
    value = {block.observables[0]: (block.values[0], np.sqrt(block.covariance[0, 0])) for block in blocks}
    assert value["a_mu(NP)"][0] == pytest.approx((116592071.5 - 116592033.0) * 1e-11)
    assert value["a_mu(NP)"][1] == pytest.approx(np.hypot(62.0, 14.5) * 1e-11, rel=1e-3)
    shift = lambda inverse_alpha: 1.15965218e-3 * (inverse_alpha - 137.035999166) / 137.036
    cs, rb = shift(137.035999046), shift(137.035999206)
    assert value["a_e(NP)"][0] == pytest.approx(0.5 * (cs + rb), rel=0.02)
    assert value["a_e(NP)"][1] == pytest.approx(0.5 * abs(cs - rb), rel=0.02)


def test_searches_are_fitted_and_say_what_makes_the_z_prime():
    """What each paper looked for: arXiv:1606.03501, 1808.03684, 1912.11276 radiate a Z′ off a muon, others a dark photon; the rest looks for X in B → K(*)X."""
    radiated = {search.name: search.final for search in searches() if not search.production}
    assert radiated == {"BaBar 4mu": "mumu", "CMS Z->4mu": "mumu", "Belle II invisible 2019": "inv"}
    mixed = {search.name: (search.production, search.final) for search in searches() if search.quantity == "epsilon"}
    assert mixed == {
        "BaBar gamma ll": ("ee", "ll"),
        "BaBar gamma inv": ("ee", "inv"),
        "LHCb pp->mumu": ("pp", "mumu"),
        "NA64 inv": ("ee", "inv"),
    }
    for search in searches():
        assert RECORDS[search.name]["use"] == "fit"
        assert RECORDS[search.name]["quantity"] == search.quantity
        assert (search.quantity == "g") == (not search.production)
        if search.quantity == "BR":
            assert search.production == ("BR(B0->K*Zp)" if "K*" in search.name else "BR(B+->KZp)")
            assert f"X({search.final})" in search.name


def test_gaps_of_digitised_curves_are_between_windows(tmp_path):
    """tools/make_dark_photon_curves.py: NaN parts a curve; many points become geometric means, in each part apart."""
    spec = importlib.util.spec_from_file_location("curves", ROOT / "tools" / "make_dark_photon_curves.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    file = tmp_path / "some.csv"
    file.write_text("# comment\n1.0,nan\n1.1,1e-3\n1.2,2e-3\n1.3,nan\n2.0,4e-3\n2.1,1e-3\n2.2,nan\n", encoding="utf-8")
    first, second = tool.pieces(file)
    np.testing.assert_array_equal(first, [[1.1, 1e-3], [1.2, 2e-3]])
    np.testing.assert_array_equal(second, [[2.0, 4e-3], [2.1, 1e-3]])
    masses = np.exp(np.linspace(0.0, 0.06, 601)[:-1])
    np.testing.assert_allclose(
        tool.binned(np.stack([masses, 1e-3 * masses**2], axis=1)),
        [[np.exp(0.01495), 1e-3 * np.exp(0.0299)], [np.exp(0.04495), 1e-3 * np.exp(0.0899)]],
        rtol=2e-4,
    )
