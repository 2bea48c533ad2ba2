"""The data files: one grammar, every problem of a file at once with its file and block, nothing read that nobody asked for."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inputs.library import Library, library
from darkbeauty.inputs.measurements import measurements_of

GOOD = """
[[measurement]]
id = "A 2030"
references = ["arXiv:2212.09153"]
found = "abstract"
dataset = ["A Run 1"]
entries = [
  { observable = "x", value = 1, error = 0.5 },
  { observable = "y", value = 2.0, error = [0.2, 0.4] },
]
"""
CURVE = """
[[limit]]
name = "L"
references = ["arXiv:2212.09153"]
found = "abstract"
dataset = ["A Run 1"]
use = "fit"
kind = "curve"
quantity = "g"
cl = 0.9
mass = [1.0, 2.0]
value = [0.1, 0.2]
"""


def of(tmp_path, *texts: str) -> Library:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.toml").write_text(text, encoding="utf-8")
    return Library(tmp_path)


def problems(data: Library) -> list[str]:
    with pytest.raises(InputError) as caught:
        data.check()
    return [str(problem) for problem in caught.value.problems]


def test_the_package_data_follow_the_grammar():
    Library(library().folder).check()


def test_blocks_by_themselves_are_the_file():
    """What a scan splits, parsed piece by piece, is what a TOML parser makes of the whole file."""
    for file in files("darkbeauty.inputs").joinpath("data").iterdir():
        if file.name.endswith(".toml"):
            whole = tomllib.loads(file.read_text(encoding="utf-8"))
            pieces = [piece for piece in library().pieces.values() if piece.file == file.name]
            for kind, blocks in whole.items():
                assert [tomllib.loads(piece.text)[kind][0] for piece in pieces if piece.kind == kind] == blocks


def test_files_are_of_readable_size():
    sizes = {file.name: len(file.read_bytes()) for file in library().folder.iterdir() if file.is_file()}
    assert max(sizes.values()) < 64_000, sizes


def test_every_table_belongs_to_a_block():
    named = {block.table for block in library().every("limit").values() if block.table}
    named |= {block.correlation_table for block in library().every("measurement").values() if block.correlation_table}
    named |= {block.table for block in library().every("counts").values()}
    folders = (folder for folder in library().folder.iterdir() if folder.is_dir())
    assert {f"{folder.name}/{file.name}" for folder in folders for file in folder.iterdir()} == named


def test_one_measurement_reads_no_other(tmp_path):
    data = of(tmp_path, GOOD + GOOD.replace("A 2030", "B 2030").replace("error = 0.5", "error = -1"))
    known = measurements_of(data)
    assert list(known) == ["A 2030", "B 2030"]
    np.testing.assert_allclose(known["A 2030"].covariance, np.diag([0.25, 0.08]))
    with pytest.raises(InputError, match="an error is negative"):
        known["B 2030"]
    with pytest.raises(KeyError):
        known["C 2030"]


def test_errors_and_correlations(tmp_path):
    """Two errors of each number: √(0.3² + 0.4²) = 0.5; the first not correlated, the second completely, or all by one matrix."""
    entries = 'entries = [{ observable = "x", value = 1.0, errors = [0.3, 0.4] }, { observable = "y", value = 2.0, errors = [0.6, 0.8] }]'
    head = GOOD[: GOOD.index("entries")]
    covariance = lambda text: measurements_of(of(tmp_path, head + entries + "\n" + text))["A 2030"].covariance
    np.testing.assert_allclose(covariance(""), np.diag([0.25, 1.0]))
    np.testing.assert_allclose(covariance('correlations = ["none", "full"]'), [[0.25, 0.32], [0.32, 1.0]])
    np.testing.assert_allclose(covariance("correlation = [[0.5]]"), [[0.25, 0.25], [0.25, 1.0]])
    np.testing.assert_allclose(covariance("correlation = [[1.0, 0.5], [0.5, 1]]"), [[0.25, 0.25], [0.25, 1.0]])
    both = 'observables = ["x", "y"]'
    np.testing.assert_allclose(covariance(f"correlated = [{{ {both}, correlation = [[0.5]] }}]")[0, 1], 0.25)
    np.testing.assert_allclose(covariance(f"common = [{{ {both}, error = 0.1 }}]"), [[0.26, 0.01], [0.01, 1.01]])


def test_relative_numbers_and_limits(tmp_path):
    text = GOOD.replace("error = 0.5", "error = 0.5, relative_to = 4").replace(
        "error = [0.2, 0.4]", "limit = 3, cl = 0.9"
    )
    measured = measurements_of(of(tmp_path, text))["A 2030"]
    assert measured.values[0] == 0.25 and measured.covariance[0, 0] == 0.125**2
    assert measured.limits == (None, (3.0, 0.9)) and measured.why_not_fitted(1) == "upper limit"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('found = "abstract"', 'fuond = "abstract"', "unknown key 'fuond' (allowed: found)"),
        ('found = "abstract"\n', "", "'found' is missing"),
        ('found = "abstract"', "found = true", "found: True is not a text"),
        ("value = 1,", "value = true,", "entries[0].value: True is not a finite number"),
        ("value = 1,", "value = inf,", "inf is not a finite number"),
        ("value = 1,", 'value = "1",', "'1' is not a finite number"),
        ("value = 1,", "", "entries[0]: a value with its error, a limit, or the reason why it is `excluded` is missing"),
        ("error = 0.5", "error = 0.5, errors = [0.1]", "error and errors exclude each other"),
        ("[0.2, 0.4]", "[0.2, 0.4, 0.1]", "an asymmetric error is [up, down]"),
        ("error = 0.5", "limit = 2.0", "a limit has a confidence level cl"),
        ('"y"', '"x"', "entries: x is measured more than once"),
        ('["A Run 1"]', "[]", "dataset: is empty"),
        ("]\n", "]\ncorrelation = [[1.0, 2.0], [2.0, 1.0]]\n", "correlation: is not positive definite"),
        ("]\n", "]\ncorrelation = [[1.0, 0.2], [0.1, 1.0]]\n", "correlation: is not symmetric"),
        ("]\n", "]\ncorrelation = [[0.1, 0.2]]\n", "neither 2 rows of 2 numbers nor the 1 rows right of the diagonal"),
        ("]\n", "]\ncorrelations = ['full', 'none']\n", "one for each of the errors"),
        ("]\n", "]\ncorrelation_table = 'correlations/none.csv'\n", "cannot read its table"),
        ("]\n", "]\n[[measurement.term]]\nname = 't'\nabout = ''\nobservables = ['z']\n", "term[0].observables: 'z' is not an entry"),
        ("]\n", "]\nsuperseded_by = 'B'\n[[measurement.term]]\nname = 't'\nabout = ''\n", "is superseded by B"),
        ("entries = [", "entries = [[", "malformed TOML"),
        ('[[measurement]]\nid = "A', '[[measurment]]\nid = "A', "line 2: unknown block 'measurment' (allowed: counts, limit, measurement, preset, term)"),
        ("entries = [", "checked = 2026-11-27\nchanged = 2026-11-28\nentries = [", "checked: is before 2026-11-28, when it changed"),
        ("entries = [", "checked = 'today'\nentries = [", "checked: 'today' is not a date, like 2026-11-28"),
        ('id = "A 2030"\n', "", "line 2: the first line of a measurement must be its id or name"),
    ],
)  # fmt: skip
def test_bad_measurements(tmp_path, old, new, expected):
    at = GOOD.rindex(old) if old == "]\n" else GOOD.index(old)
    messages = problems(of(tmp_path, GOOD[:at] + new + GOOD[at + len(old) :]))
    assert len([message for message in messages if expected in message and message.startswith("0.toml: ")]) == 1


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mass = [1.0, 2.0]", "mass = [2.0, 1.0]", "mass: does not increase"),
        ("mass = [1.0, 2.0]", "mass = [1.0, 2.0, 3.0]", "value: 2 numbers at 3 masses"),
        ("value = [0.1, 0.2]", "value = [0.1, 0.0]", "value: is not positive"),
        ("value = [0.1, 0.2]", "value = 0.1", "a column of a curve, or one number"),
        ("value = [0.1, 0.2]", "up = [0.1, 0.2]", "a limit of kind 'curve' has mass, value"),
        ('kind = "curve"', 'kind = "line"', "'line' is not one of 'curve', 'band', 'grid', 'number', 'none'"),
        ("cl = 0.9\n", "", "a limit to be fitted has a confidence level"),
        ('use = "fit"', 'use = "draw"', "must say why it is not fitted"),
        ('use = "fit"', 'use = "record"\nwhy = "old"\npresets = { wet = ["global"] }', "it is not fitted but for use"),
        ('dataset = ["A Run 1"]\n', "", "dataset: is needed for a fit"),
        (
            'quantity = "g"',
            'quantity = "epsilon"\nfinal = "ll"',
            "production: '' is not what makes a Z′ in a limit on epsilon",
        ),
        (
            'quantity = "g"',
            'quantity = "g"\nfinal = "mumu"\nproduction = "pp"',
            "'pp' is not what makes a Z′ in a limit on g",
        ),
        ('quantity = "g"', 'quantity = "BR"\nfinal = "inv"', "'' is not what makes a Z′ in a limit on BR"),
        ("cl = 0.9", "cl = 0.9\nwindows = [[1.0, 1.5], [1.4, 2.0]]", "windows: are not pairs of increasing masses"),
    ],
)
def test_bad_limits(tmp_path, old, new, expected):
    assert old in CURVE
    assert [m for m in problems(of(tmp_path, CURVE.replace(old, new))) if "0.toml: limit 'L'" in m and expected in m]


def test_all_problems_of_all_files_at_once(tmp_path):
    bad = GOOD.replace("value = 1,", 'value = "1",').replace('found = "abstract"', "fonud = 1")
    messages = problems(
        of(tmp_path, bad, GOOD.replace("A 2030", "B 2030").replace("0.5", "-0.5"), CURVE.replace("0.9", "9"))
    )
    kinds = (
        "unknown key",
        "'found' is missing",
        "finite number",
        "1.toml: measurement 'B 2030'.entries[0]: an error",
        "2.toml",
    )
    assert [sum(kind in message for message in messages) for kind in kinds] == [1, 1, 1, 1, 1]


def test_a_name_stands_for_one_block(tmp_path):
    assert "measurement 'A 2030': is already in 0.toml" in problems(of(tmp_path, GOOD, GOOD))[0]
    (tmp_path / "1.toml").write_text("x = 1\n" + CURVE, encoding="utf-8")
    assert "something stands before the first block" in problems(Library(tmp_path))[0]
