"""The measurement set: restated values, correlations, marks, and what the selection for a fit refuses.

The expected numbers were read from the sources that the blocks name: flavio 2.7.1, HEPData ins3094698, abstracts.
"""

from __future__ import annotations

import equinox as eqx
import jax
import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inputs import load_sm
from darkbeauty.inputs.blocks import Bins
from darkbeauty.inputs.library import library
from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.inputs.selection import clashes, entries, preferred_bins, select_measurements
from darkbeauty.likelihoods import TERMS
from darkbeauty.likelihoods.term import gaussian
from darkbeauty.models import resolve_model
from darkbeauty.prediction import check_observable, parse
from darkbeauty.report import bibliography
from darkbeauty.report.listing import LISTINGS, changed_since

BLOCKS = load_measurements()
BY_HAND = (
    "LHCb RK RK* 2022",
    "B->Xgamma WA 2017",
    "LHCb DeltaMs 2021",
    "Belle II B->Knunu 2023",
    "Planck 2018",
    "GSSS combination Bs->mumu 2022",
)
VALUES = [  # block, observable, value, total error
    ("LHCb B+->Kmumu BR 2014", "<dBR/dq2>(B+->Kmumu)[15,22]", 1.21e-8, np.hypot(0.04e-8, 0.06e-8)),
    ("LHCb2025_B0Kstmumu_S", "<S3>(B0->K*mumu)[0.06,0.98]", -0.002, 0.027),
    ("LHCb2025_B0Kstmumu_S", "<FL>(B0->K*mumu)[0.06,0.98]", 0.294, 0.088),
    ("LHCb2025_B0Kstmumu_S", "<FL>(B0->K*mumu)[1.1,2.5]", 0.742, np.sqrt(0.089 * 0.094)),
    ("LHCb2025_B0Kstmumu_S", "<dBR/dq2>(B0->K*mumu)[0.06,0.98]", 1.042e-7, 6.0e-9),
    ("SUPP_LHCb_RK_highq2_2025", "<Rmue>(B+->Kll)[14.3,22.9]", 1.08, np.sqrt(0.11 * 0.09 + 0.04**2)),
    ("SUPP_DeltaMs_LHCb2021", "DeltaM_s", 17.7683 * 6.582119569e-13, np.hypot(0.0051, 0.0032) * 6.582119569e-13),
    ("LHCb B->K*mumu 2020 S 0.1-0.98", "<FL>(B0->K*mumu)[0.1,0.98]", 0.255, np.hypot(0.032, 0.007)),
]


def refused(*arguments) -> str:
    with pytest.raises(InputError) as caught:
        select_measurements(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(("block", "label", "value", "error"), VALUES)
def test_values_are_those_of_the_source(block, label, value, error):
    found = BLOCKS[block]
    place = found.observables.index(label)
    np.testing.assert_allclose(found.values[place], value, rtol=1e-9)
    np.testing.assert_allclose(np.sqrt(found.covariance[place, place]), error, rtol=1e-6)


def test_the_blocks_written_by_hand_are_unchanged():
    assert [BLOCKS[name].values[0] for name in BY_HAND] == [0.949, 3.27e-4, 1.169353e-11, 2.3e-5, 0.12, 3.360845e-9]
    assert all(not BLOCKS[name].why_not_fitted(0) for name in BY_HAND)


def test_every_block_says_where_it_is_from():
    for block in BLOCKS.values():
        assert block.found and all(block.references) and all(block.dataset), block.id
        assert [one for one in block.references if one not in bibliography.entries()] == [], block.id
        assert block.status == "current" or (block.status == "superseded" and block.superseded_by), block.id
        assert len(block.values) == len(block.observables) == len(block.excluded) == len(block.limits), block.id


def test_everything_is_predicted():
    models = [resolve_model(name) for name in ("wet", "lmu_ltau_s1", "le_lmu_r2")]
    labels = {label for block in BLOCKS.values() for label in block.observables}
    assert [label for label in sorted(labels) if all(check_observable(model, label, label) for model in models)] == []


def test_what_is_no_gaussian_is_not_fitted():
    for block in BLOCKS.values():
        for entry in entries(block):
            gaussian = np.isfinite(block.values[entry.place]) and block.covariance[entry.place, entry.place] > 0.0
            assert gaussian or entry.why_not, entry.path
            assert block.limits[entry.place] is None or entry.why_not == "upper limit", entry.path


def test_covariances_are_positive_definite():
    for block in BLOCKS.values():
        use = np.flatnonzero(np.isfinite(np.diag(block.covariance)))
        sigma = np.sqrt(np.diag(block.covariance)[use])
        correlation = block.covariance[np.ix_(use, use)] / np.outer(sigma, sigma)
        np.testing.assert_allclose(correlation, correlation.T, atol=1e-14, err_msg=block.id)
        # the Bhabha cross-sections have nearly nothing but common errors
        floor = 0.0 if block.id == "LEP-II Bhabha" else 0.05
        assert not use.size or np.linalg.eigvalsh(correlation).min() > floor, block.id


def test_correlations_across_bins_and_through_the_sign_of_s2c():
    """HEPData: ρ(S2c, S4) = 0.23 in the first bin, so ρ(F_L, S4) = −0.23; ρ(S4, S5) = 0.06; a narrow and a wide bin are listed as 0."""
    block = BLOCKS["LHCb2025_B0Kstmumu_S"]
    sigma = np.sqrt(np.diag(block.covariance))
    correlation = block.covariance / np.outer(sigma, sigma)
    at = lambda name, q2: block.observables.index(f"<{name}>(B0->K*mumu)[{q2}]")
    assert correlation[at("FL", "0.06,0.98"), at("S4", "0.06,0.98")] == pytest.approx(-0.23)
    assert correlation[at("S4", "0.06,0.98"), at("S5", "0.06,0.98")] == pytest.approx(0.06)
    assert correlation[at("FL", "1.1,2.5"), at("FL", "1.1,6")] == 0.0
    narrow = [at("dBR/dq2", q2) for q2 in ("1.1,2.5", "4,6")]
    assert correlation[narrow[0], narrow[1]] > 0.1  # common normalisation


def test_marks():
    why = lambda name, label: BLOCKS[name].why_not_fitted(BLOCKS[name].observables.index(label))
    assert "CMS convention" in why("CMS B->K*mumu 2024 4.3-6", "<P4p>(B0->K*mumu)[4.3,6]")
    assert why("CMS B->K*mumu 2024 4.3-6", "<P5p>(B0->K*mumu)[4.3,6]") == ""
    assert "memory" in why("SUPP_DeltaMs_LHCb2021", "DeltaM_s")
    assert "same data" in why("SUPP_BXsgamma_HFLAV2024", "BR(B->Xsgamma)")
    assert why("Belle B->hnunu SL 2017", "BR(B0->K*nunu)") == "upper limit"
    assert "numerical likelihood" in why("CMS Bs->mumu 2022", "BR(Bs->mumu)")
    assert "superseded by LHCb RK RK* 2022" in why("LHCb RK 2019", "<Rmue>(B+->Kll)[1.1,6]")


# -- what a fit may use ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["LHCb B+->K*mumu 2020 S 4-6", "LHCb B+->K*mumu 2020 P 4-6"], "S and P bases of one analysis"),
        (["ATLAS B->K*mumu 2017 S5", "ATLAS B->K*mumu 2017 P5p"], "S and P bases of one analysis"),
        (["LHCb2025_B0Kstmumu_S", "LHCb2025_B0Kstmumu_Shalf"], "several fits to the same data (S, Shalf)"),
        (["LHCb B+->K*mumu 2020 S 4-6", "LHCb B+->K*mumu 2020 S 1.1-6"], "bins [1.1,6] and [4,6] of one analysis overlap"),
        (["LHCb Bs->phimumu BR 2021"], "bins [15,17] and [15,19] of one analysis overlap"),
        (["LHCb B+->K*mumu 2020 S 4-6", "LHCb B+->K*mumu 2020 S 4-6"], "is selected more than once"),
        (["LHCb RK 2019"], "superseded by LHCb RK RK* 2022"),
        (["CMS B->K*mumu 2024 4.3-6"], "suspect: CMS convention"),
        (["SUPP_DeltaMs_LHCb2021"], "known from memory"),
        (["Belle B->hnunu SL 2017"], "upper limit"),
        (["LHCb RKS 2022"], "unknown measurement 'LHCb RKS 2022'"),
        ([], "nothing is selected"),
    ],
)  # fmt: skip
def test_refusals(ids, expected):
    assert expected in refused(ids)


def test_all_problems_are_listed_at_once():
    message = refused(["LHCb RK 2019", "CMS B->K*mumu 2024 4.3-6", "nothing", "LHCb Bs->phimumu BR 2021"])
    kinds = (
        "unknown",
        "superseded",
        "suspect",
        "of one analysis overlap",
    )  # P4', P6', P8'; [1.1,6] with 3 bins, [15,19] with 2
    assert [sum(kind in line for line in message.splitlines()) for kind in kinds] == [1, 1, 3, 5]
    assert len(message.splitlines()) == 10


def test_a_selection_joins_blocks():
    ids = ["LHCb Bs->phimumu 2021 1.1-4.0 GeV^2", "LHCb Bs->phimumu 2021 4.0-6.0 GeV^2"]
    joint = select_measurements(ids, lambda entry: entry.name != "S7")
    assert joint.observables == tuple(
        f"<{name}>(Bs->phimumu)[{q2}]" for q2 in ("1.1,4", "4,6") for name in ("FL", "S3", "S4")
    )
    np.testing.assert_array_equal(joint.covariance[:3, :3], BLOCKS[ids[0]].covariance[:3, :3])
    np.testing.assert_array_equal(joint.covariance[:3, 3:], 0.0)


def test_the_global_fit_uses_data_once():
    data = TERMS["b->smumu"].data()
    labels = [entry for entry in entries(data)]
    assert all(entry.bin[1] <= 6.0 or entry.bin[0] >= 14.0 for entry in labels)
    assert {entry.process for entry in labels} == {
        f"{m}mumu" for m in ("B+->K", "B0->K", "B+->K*", "B0->K*", "Bs->phi")
    }
    assert np.linalg.eigvalsh(data.covariance / np.sqrt(np.outer(*2 * [np.diag(data.covariance)]))).min() > 0.05


def test_preferred_bins():
    bins = {(1.1, 6.0), (1.1, 2.5), (4.0, 6.0), (6.0, 8.0), (15.0, 17.0), (17.0, 19.0), (15.0, 19.0), (4.3, 8.68)}
    assert preferred_bins(bins, Bins(6.0, 14.0)) == {(1.1, 2.5), (4.0, 6.0), (15.0, 19.0)}
    assert preferred_bins(bins, None) == bins


def test_terms_use_only_what_may_be_fitted():
    for term in gaussian(TERMS.values()):
        data = term.data()
        assert data.observables == term.observables
        assert not any(data.why_not_fitted(place) for place in range(len(data.values))), term.name
        assert term.measurement not in BLOCKS or clashes(list(entries(data))) == [], term.name


def test_the_listing_shows_all():
    rows = LISTINGS["measurements"]()
    assert [row["observable"] for row in rows] == [label for block in BLOCKS.values() for label in block.observables]
    assert all((row["fit"] == "yes") <= (row["status"] == "current" and row["error"] > 0.0) for row in rows)
    assert all(row["status"] in ("current", "superseded") and row["found"] for row in rows)
    assert any(row["fit"] == "no: upper limit < 1.8e-05 at 90 %" for row in rows)


def test_names_are_read_while_the_inputs_are_traced():
    def count(mass):
        model = eqx.tree_at(lambda m: m.sm, resolve_model("wet"), load_sm().replace({"mass.B0": mass, "mass.mu": mass}))
        return mass * len(parse(model, ["<P5p>(B0->K*mumu)[4,6]", "BR(B0->Knunu)"]))

    assert jax.eval_shape(count, jax.ShapeDtypeStruct((), float)).shape == ()


def test_every_block_says_when_it_was_checked():
    for kind in ("measurement", "limit", "counts"):
        for name, block in library().every(kind).items():
            assert block.checked and block.changed and block.changed <= block.checked, (kind, name)


def test_what_changed_since_a_day():
    rows = LISTINGS["measurements"]()
    recent = changed_since("measurements", rows, "2026-11-28")
    assert {row["measurement"] for row in recent} >= {"HFLAV 2024 B->K*gamma", "LHCb B+->pimumu 2015"}
    assert all(row["changed"] >= "2026-11-28" for row in recent) and len(recent) < len(rows)
    assert changed_since("measurements", rows, "2026-11-01") == rows
    assert changed_since("measurements", rows, "2999-01-01") == []


@pytest.mark.parametrize(
    ("kind", "since", "words"),
    [
        ("measurements", "yesterday", ["'yesterday' is no date"]),
        ("terms", "2026-11-28", ["terms have no dates"]),
        ("models", "28.11.2026", ["models have no dates", "'28.11.2026' is no date"]),
    ],
)
def test_since_when_is_a_day_of_something_dated(kind, since, words):
    with pytest.raises(InputError) as caught:
        changed_since(kind, LISTINGS[kind](), since)
    assert [problem.message for problem in caught.value.problems] == words
