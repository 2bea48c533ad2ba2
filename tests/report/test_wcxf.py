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
RUNNING = EXAMPLE.with_name("wcxf_run.yaml")
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
        ({"eft": "WET-4"}, "unknown eft 'WET-4' (allowed: SMEFT, WET)"),
        ({"eft": ["WET"]}, "unknown eft ['WET'] (allowed: SMEFT, WET)"),
        ({"scale": "4.8"}, "scale '4.8' GeV (allowed: 2 to 250)"),
        ({"scale": True}, "scale True GeV"),
        ({"scale": -4.8}, "scale -4.8 GeV"),
        ({"values": {"C9_bsmumuu": 1.0}}, "unknown coefficient 'C9_bsmumuu' (allowed: C9_bsmumu"),
        ({"values": {"C9_bs_mumu": 1.0}}, "unknown coefficient 'C9_bs_mumu'"),
        ({"values": {"C8_bs": {"Im": 0.2}}}, "values.C8_bs: |C| = 0.2 of a b → s coefficient that changes"),
        ({"values": {"CVLL_bsbs": 1e-12}}, "values.CVLL_bsbs: |C| = 1e-12"),
        ({"values": {"C9_bsmumu": 10**400}}, "is not a finite number"),
        ({"scale": 10**400}, "00 GeV (allowed: 2 to 250)"),
        ({"values": {"C9_bsmumu": {"Re": -1.0, "Im": True}}}, "is not a finite number"),
        ({"values": {"C9_bsmumu": 1e300}}, "1e+300 is not a finite number"),
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
    data = {"eft": "QCD", "scale": "1 TeV", "vales": {}, "values": {"phiBox": "large", "C9_bsmumu": []}}
    (tmp_path / "point.json").write_text(json.dumps({**data, "basis": "Warsaw"}))
    assert len(refused(read_wcxf, tmp_path / "point.json").splitlines()) == 5
    (tmp_path / "point.json").write_text(json.dumps({"values": {"C9_bsmumu": []}}))
    assert len(refused(read_wcxf, tmp_path / "point.json").splitlines()) == 4


@pytest.mark.parametrize(
    "text",
    [
        '{"eft": "WET", "basis": "flavio", "scale": 4.8, "values": {"C9_bsmumu": 1, "C9_bsmumu": 2}}',
        "eft: WET\nbasis: flavio\nscale: 4.8\nvalues:\n  C9_bsmumu: 1\n  C10_bsmumu: 1\n  C9_bsmumu: 2\n",
    ],
)
def test_what_is_given_twice_is_refused(text, tmp_path):
    (tmp_path / "point").write_text(text)
    assert "'C9_bsmumu' is given more than once" in refused(read_wcxf, tmp_path / "point")


def test_files_that_are_none(tmp_path):
    assert "cannot be read" in refused(read_wcxf, tmp_path / "nothing.json")
    assert "is a directory" in refused(read_wcxf, tmp_path).lower()
    assert "cannot be written: No such file" in refused(write_wcxf, POINT, tmp_path / "no" / "folder.json")
    for content, expected in (
        (b"{eft: WET", "malformed JSON"),
        (b"eft: [WET", "malformed YAML"),
        (b"eft: \xff", "malformed YAML"),
        (b"[" * 100_000, "malformed JSON"),
        (b"[1]", "is not an object"),
        (b"", "is not an object"),
        (b"eft: WET", "values: is missing"),
    ):
        (tmp_path / "point.json").write_bytes(content)
        assert expected in refused(read_wcxf, tmp_path / "point.json")


def test_what_nothing_here_uses_is_passed_over_and_counted_once(tmp_path, caplog):
    values = {"C9_bdmumu": 1.0, "C9_cumumu": 0.0, "C9_bdmue": 1.0, "CVLL_bscc": 3e-6, "CVLL_bsbs": 1e-15, "CG": 1.0}
    data = {"eft": "WET", "basis": "flavio", "scale": 4.8, "values": {**values, "C9_bsmumu": {"Re": -1.0}}}
    (tmp_path / "point.json").write_text(json.dumps(data))
    assert read_wcxf(tmp_path / "point.json") == {"C9_bsmumu": -1.0}
    assert len(caplog.messages) == 1 and ": 5 coefficients that no observable here uses" in caplog.messages[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_running_of_the_wilson_package_is_read(encoding, tmp_path):
    """C9 = −1 and C10 = 0.5 at 160 GeV, run to 4.8 GeV by wilson 2.5.2: 84 coefficients, 74 of them of other kinds or rounding."""
    text = RUNNING.read_text("utf-8")
    (tmp_path / "point.yaml").write_text(text, encoding)
    point = read_wcxf(tmp_path / "point.yaml")
    assert set(point) == {"C9_bsee", "C9_bsmumu", "C9_bstautau", "C10_bsmumu"}
    assert all(isinstance(value, float) for value in point.values())
    assert (point["C9_bsmumu"], point["C10_bsmumu"]) == (-0.9891672501124813, 0.49071478581069833)


def test_only_points_of_the_model_are_written(tmp_path):
    message = refused(write_wcxf, {"C9_mumu": 1.0, "C9_bsmumu": float("inf")}, tmp_path / "point.json")
    assert "point.C9_mumu" in message and "point.C9_bsmumu" in message
    assert not (tmp_path / "point.json").exists()
