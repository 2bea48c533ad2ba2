"""Linear maps to 4.8 GeV: what the package wilson gives at random points of SMEFT and of WET, what it knows by heart, and what it cannot translate."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inputs import load_sm
from darkbeauty.models.wilson_map import SECTORS, Origin, bases, coefficients, rows, translated
from darkbeauty.report.wcxf import read_wcxf

with warnings.catch_warnings():  # an extension module of it crashes where warnings are errors
    warnings.simplefilter("ignore")
    wilson = pytest.importorskip("wilson")

SM = load_sm()
CKM = {name: float(getattr(SM.ckm, name)) for name in ("Vus", "Vub", "Vcb", "gamma")}
SMEFT = Origin("SMEFT", "Warsaw", 1000.0)
NAMES = (
    "lq1_2223",
    "lq3_2223",
    "lq1_2222",
    "lq3_3323",
    "qe_2322",
    "ld_2223",
    "ed_2223",
    "phiq1_23",
    "phiq3_23",
    "phiWB",
)
RANDOM = np.random.default_rng(23)


def by_wilson(origin: Origin, values: dict[str, complex]) -> dict[str, complex]:
    """The package itself, CKM elements ours."""
    point = wilson.Wilson(values, origin.scale, origin.eft, origin.basis)
    point.set_option("parameters", CKM)
    return point.match_run(4.8, "WET", "flavio", sectors=SECTORS).dict


def random_point(origin: Origin, names: tuple[str, ...], size: float) -> dict[str, complex]:
    """Coefficients of a size, complex where they may be."""
    real = coefficients(origin.eft, origin.basis)
    parts = RANDOM.normal(size=(len(names), 2)) * size
    return {name: complex(a, 0.0 if real[name] else b) for name, (a, b) in zip(names, parts)}


def deviation(ours: dict[str, complex], theirs: dict[str, complex]) -> float:
    """Largest difference over the largest coefficient of the same unit."""
    mixing = lambda name: name.endswith("_bsbs")
    largest = {kind: max(abs(v) for n, v in theirs.items() if mixing(n) == kind) for kind in (False, True)}
    return max(abs(ours[name] - theirs.get(name, 0.0)) / largest[mixing(name)] for name in ours)


@pytest.mark.parametrize("number", range(20))
def test_linear_effects_of_smeft_are_those_of_wilson(number):
    """Half of the difference of a point and its opposite, 1/(30 TeV)² each, has no even orders, and cubic ones below 1e-8."""
    values = random_point(SMEFT, NAMES, 1e-9)
    plus, minus = (by_wilson(SMEFT, {name: sign * v for name, v in values.items()}) for sign in (1.0, -1.0))
    odd = {name: 0.5 * (plus.get(name, 0.0) - minus.get(name, 0.0)) for name in rows()}
    assert deviation(translated(SMEFT, values, SM), odd) < 1e-6


@pytest.mark.parametrize(
    ("basis", "scale", "names", "size"),
    [
        (
            "flavio",
            160.0,
            ("C9_bsmumu", "C10_bsmumu", "C7_bs", "C8_bs", "CS_bsmumu", "CL_bsnumunumu", "CVLL_bscc"),
            0.1,
        ),
        ("JMS", 91.1876, ("VedLL_2223", "VdeLR_2322", "dgamma_23", "dG_32", "VnudLL_2223", "VddLL_2323"), 1e-9),
        ("Bern", 4.8, ("1sbsb", "7gammasb", "8gsb"), 0.1),
    ],
)
def test_wet_is_run_and_translated_as_by_wilson(basis, scale, names, size):
    origin = Origin("WET", basis, scale)
    values = random_point(origin, names, size)
    theirs = by_wilson(origin, values)
    ours = translated(origin, values, SM)
    assert max(abs(ours[name] - theirs.get(name, 0.0)) for name in ours) < 1e-9 * max(map(abs, theirs.values()))


def test_tree_level_matching_by_hand():
    """C₉ = −C₁₀ = C_lq1 v² π/(α ξ_t) of left-handed quarks and leptons at M_Z, without running from there; α = 1/127.9."""
    xi = complex(SM.ckm.xi("t", "bs"))
    unit = np.sqrt(2.0) / (4.0 * SM.coupling["GF"] * xi) * (4.0 * np.pi * 127.9) / 2.0
    wet = translated(Origin("WET", "JMS", 4.8), {"VedLL_2223": 1e-9}, SM)
    assert wet["C9_bsmumu"] == pytest.approx(unit * 1e-9, rel=1e-4)
    assert wet["C10_bsmumu"] == pytest.approx(-unit * 1e-9, rel=1e-4)
    run = translated(SMEFT, {"lq1_2223": 1e-9}, SM)
    assert abs(run["C9_bsmumu"] / wet["C9_bsmumu"] - 1.0) < 0.06


def test_bases_with_a_way_to_ours():
    assert set(bases("WET")) >= {"flavio", "JMS", "Bern", "FlavorKit"}
    assert bases("SMEFT") == ("Warsaw", "Warsaw up")


# -- files --------------------------------------------------------------------------------------------------------------------------------


def written(folder, **changes):
    data = {"eft": "SMEFT", "basis": "Warsaw", "scale": 1000, "values": {"lq1_2223": 1e-9}}
    (folder / "point.json").write_text(json.dumps({**data, **changes}))
    return folder / "point.json"


def test_a_file_of_smeft_is_read(tmp_path):
    point = read_wcxf(written(tmp_path))
    theirs = by_wilson(SMEFT, {"lq1_2223": 1e-9})
    assert point["C9_bsmumu"] == pytest.approx(theirs["C9_bsmumu"], rel=1e-6)
    assert point["CL_bsnumunumu"] == pytest.approx(theirs["CL_bsnumunumu"], rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"basis": "HISZ"}, "basis 'HISZ' of SMEFT cannot be translated (allowed: Warsaw, Warsaw up)"),
        ({"eft": "WET", "basis": "EOS"}, "basis 'EOS' of WET cannot be translated (allowed: flavio, JMS, "),
        ({"eft": "WET", "basis": None}, "basis None of WET cannot be translated"),
        ({"scale": 50}, "scale 50 GeV (allowed: 91.1876 to 1e+16)"),
        ({"values": {"lq1_2232": 1e-9}}, "unknown coefficient 'lq1_2232'"),
        ({"values": {"C9_bsmumu": 1.0}}, "unknown coefficient 'C9_bsmumu'"),
        ({"values": {"lq1_2222": {"Re": 1e-9, "Im": 1e-9}}}, "values.lq1_2222: is real by definition"),
        ({"values": {"qq1_2323": 1e-8}}, "values.CVLL_bsbs: |C| = "),
    ],
)
def test_what_cannot_be_translated_is_said(changes, expected, tmp_path):
    with pytest.raises(InputError) as caught:
        read_wcxf(written(tmp_path, **changes))
    assert expected in str(caught.value) and "point.json" in str(caught.value)
