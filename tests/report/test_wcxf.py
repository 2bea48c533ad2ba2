"""WCxf files: what the community's own package wrote is read, what we write is what it wrote, other theories are refused.

That wilson 2.5.2 reads our files (wcxf.WC.load with validation, wilson.Wilson.load_wc: same names, same values) was checked by hand; here the
check runs where that package is installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from darkbeauty.errors import InputError
from darkbeauty.models.wet import COEFFICIENTS
from darkbeauty.report.wcxf import read_wcxf, write_wcxf

EXAMPLE = Path(__file__).parents[1] / "reference" / "wcxf_example.json"
POINT = {
    "C7_bs": 0.01 - 0.02j,
    "C9_bsmumu": -1.05,
    "C9p_bsmumu": 0.1 + 0.25j,
    "C10_bsee": 0.3,
    "C10p_bstautau": -0.4,
    "CL_bsnumunumu": 1.5,
    "CR_bsnutaunutau": -0.7j,
}


def test_a_file_of_the_wilson_package_is_read():
    assert read_wcxf(EXAMPLE) == POINT


def test_we_write_what_the_wilson_package_writes(tmp_path):
    write_wcxf(POINT, tmp_path / "point.json")
    ours, theirs = (json.loads(path.read_text("utf-8")) for path in (tmp_path / "point.json", EXAMPLE))
    assert ours.pop("metadata") and theirs.pop("metadata")
    assert ours == theirs


def test_every_coefficient_survives_the_way_there_and_back(tmp_path):
    point = {name: 0.1 * i - 1.0 + (0.01j * i if i % 2 else 0.0) for i, name in enumerate(COEFFICIENTS)}
    write_wcxf(point, tmp_path / "point.json")
    assert read_wcxf(tmp_path / "point.json") == point


def refused(call, *arguments) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"eft": "SMEFT"}, "unknown eft 'SMEFT' (allowed: WET)"),
        ({"basis": "JMS"}, "unknown basis 'JMS' (allowed: flavio)"),
        ({"basis": None}, "unknown basis None (allowed: flavio)"),
        ({"scale": 91.1876}, "scale 91.1876 GeV"),
        ({"scale": "4.8"}, "scale '4.8' GeV"),
        ({"values": {"C9_bdmumu": 1.0}}, "unknown coefficient 'C9_bdmumu' (allowed: C9_bsmumu"),
        ({"values": {"C9_bsmumu": "-1"}}, "'-1' is not a finite number"),
        ({"values": {"C9_bsmumu": {"re": 1.0}}}, "is not a finite number"),
        ({"values": {"C9_bsmumu": float("nan")}}, "nan is not a finite number"),
        ({"values": [1.0]}, "values: is missing or not an object"),
        ({"vales": {}}, "unknown entry 'vales'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, change, expected):
    data = {"eft": "WET", "basis": "flavio", "scale": 4.8, "values": {"C9_bsmumu": -1.0}}
    (tmp_path / "point.json").write_text(json.dumps({**data, **change}))
    message = refused(read_wcxf, tmp_path / "point.json")
    assert expected in message and "point.json" in message


def test_all_problems_are_listed_at_once(tmp_path):
    data = {"eft": "SMEFT", "basis": "Warsaw", "scale": 1000, "values": {"phiBox": 1e-6, "C9_bsmumu": []}}
    (tmp_path / "point.json").write_text(json.dumps(data))
    assert len(refused(read_wcxf, tmp_path / "point.json").splitlines()) == 5


def test_files_that_are_none(tmp_path):
    assert "cannot be read" in refused(read_wcxf, tmp_path / "nothing.json")
    for text, expected in (("eft: WET", "malformed JSON"), ("[1]", "is not a JSON object")):
        (tmp_path / "point.json").write_text(text)
        assert expected in refused(read_wcxf, tmp_path / "point.json")


def test_coefficients_that_are_zero_are_passed_over(tmp_path):
    data = {"eft": "WET", "basis": "flavio", "scale": 4.8, "values": {"C9_bdmumu": 0.0, "C9_bsmumu": {"Re": -1.0}}}
    (tmp_path / "point.json").write_text(json.dumps(data))
    assert read_wcxf(tmp_path / "point.json") == {"C9_bsmumu": -1.0}


def test_only_points_of_the_model_are_written(tmp_path):
    message = refused(write_wcxf, {"C9_mumu": 1.0, "C9_bsmumu": float("inf")}, tmp_path / "point.json")
    assert "point.C9_mumu" in message and "point.C9_bsmumu" in message
    assert not (tmp_path / "point.json").exists()
