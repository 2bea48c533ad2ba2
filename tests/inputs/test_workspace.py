"""Workspaces of pyhf with densities of their signal: read as they are, refused with place and reason."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inputs.histogram import Histogram
from darkbeauty.inputs.library import library
from darkbeauty.inputs.workspace import histogram_of, read_densities

EXAMPLE = Path(__file__).parents[2] / "examples" / "belle2_knunu"

WORKSPACE = {
    "channels": [
        {
            "name": "region",
            "samples": [
                {
                    "name": "signal",
                    "data": [3.0, 1.0],
                    "modifiers": [
                        {"name": "mu", "type": "normfactor", "data": None},
                        {"name": "mc", "type": "staterror", "data": [0.3, 0.4]},
                    ],
                },
                {
                    "name": "charm",
                    "data": [20.0, 10.0],
                    "modifiers": [
                        {"name": "norm", "type": "normsys", "data": {"hi": 1.2, "lo": 0.9}},
                        {
                            "name": "shape",
                            "type": "histosys",
                            "data": {"hi_data": [22.0, 10.0], "lo_data": [18.0, 11.0]},
                        },
                        {"name": "mc", "type": "staterror", "data": [0.4, 0.3]},
                    ],
                },
            ],
        }
    ],
    "observations": [{"name": "region", "data": [25.0, 9.0]}],
    "measurements": [],
    "version": "1.0.0",
}
DENSITIES = "channel,bin,fixed:0,0:2,2:4\nreference,,0,1e-6,3e-6\nregion,0,0.5,1,1.5\nregion,1,0,0.25,0.75\n"


def read(workspace=WORKSPACE, densities=DENSITIES, signals=("signal",)) -> Histogram:
    return histogram_of(workspace, read_densities(densities, "d.csv"), "w.json", signals)


def refused(*arguments, **changes) -> str:
    with pytest.raises(InputError) as caught:
        read(*arguments, **changes)
    return str(caught.value)


def changed(place: tuple, value) -> dict:
    """The workspace with another entry."""
    workspace = copy.deepcopy(WORKSPACE)
    inner = workspace
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return workspace


CHARM = ("channels", 0, "samples", 1)


def test_a_workspace_is_read_as_it_is():
    """Signals last; a staterror of two samples is one relative error √(0.3² + 0.4²)/23 and 0.5/11 of both; half the difference of a shape's two sides."""
    found = read()
    np.testing.assert_array_equal(found.nominal, [[20.0, 10.0], [3.0, 1.0]])
    np.testing.assert_array_equal((found.high, found.low), [[[1.2, 1.0]], [[0.9, 1.0]]])
    np.testing.assert_allclose(found.statistical, [[[0.5 / 23.0, 0.5 / 11.0]] * 2])
    np.testing.assert_allclose(np.sum(found.shapes**2, axis=0), [[0.1**2, 0.05**2], [0.0, 0.0]], atol=1e-20)
    np.testing.assert_array_equal(found.density, [[[1.0, 1.5], [0.25, 0.75]]])
    np.testing.assert_array_equal(found.fixed, [[0.5, 0.0]])


def test_the_response_gives_the_signal_again():
    """Under the tents of what it was generated with; a line halfway between two middles makes the mean of their efficiencies."""
    found = read()
    assert found.tents == ((-3.0, -1.0, 1.0), (-1.0, 1.0, 3.0), (1.0, 3.0, 5.0), (3.0, 5.0, 7.0))
    tents = np.array([0.125e-6, 0.75e-6 + 0.375e-6, 0.125e-6 + 2.25e-6, 0.375e-6])
    np.testing.assert_allclose(found.response() @ tents, [[2.5, 1.0]])
    efficiency = found.density / np.array([1.25e-6, 2.75e-6])
    np.testing.assert_allclose(found.response() @ np.array([0.0, 0.5, 0.5, 0.0]), efficiency.mean(-1))


def test_the_packaged_counts_are_those_of_the_example():
    """Of the published workspace, to the five digits that are kept."""
    workspace = json.loads((EXAMPLE / "workspace.json").read_text(encoding="utf-8"))
    densities = read_densities((EXAMPLE / "densities.csv").read_text(encoding="utf-8"), "densities.csv")
    found = histogram_of(workspace, densities, "workspace.json", ("signal", "sgn_1_had"))
    kept = Histogram.of_json(library().text("counts/belle_ii_bp_k_nunu.json"))
    for name in ("observed", "nominal", "high", "low", "statistical", "density", "fixed", "edges", "reference"):
        np.testing.assert_allclose(getattr(kept, name), getattr(found, name), rtol=1e-4, err_msg=name)
    covariance = lambda histogram: np.einsum("kib,kjc->ibjc", histogram.shapes, histogram.shapes)
    np.testing.assert_allclose(covariance(kept), covariance(found), atol=2e-5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signals": ("sgn",)}, ("signal 'sgn'", "no channel has this sample", "charm, signal")),
        ({"workspace": []}, ("w.json: is no pyhf workspace",)),
        ({"workspace": changed(("observations", 0, "data"), [1.0])}, ("channel 'region', sample 'charm'", "2 bins")),
        ({"workspace": changed((*CHARM, "modifiers", 0, "type"), "shapefactor")}, ("modifier 'norm'", "'shapefactor'")),
        ({"workspace": changed((*CHARM, "modifiers", 0, "type"), "normfactor")}, ("a free normalisation",)),
        ({"workspace": changed((*CHARM, "modifiers", 1, "data", "hi_data"), [1.0])}, ("modifier 'shape'", "2 bins")),
        ({"workspace": changed((*CHARM, "modifiers", 0, "data", "lo"), 0.0)}, ("modifier 'norm'", "not positive")),
        ({"densities": DENSITIES.replace("1.5", "1.6")}, ("channel 'region', bin 0", "add up to 3.1, the signal is 3")),
        ({"densities": DENSITIES.replace("region,1", "other,1")}, ("'region'", "'other'", "densities alone")),
        ({"densities": DENSITIES.replace("2:4", "3:4")}, ("d.csv", "without gaps")),
        ({"densities": DENSITIES.replace("0.75", "nan")}, ("line 'region', '1'", "3 finite numbers")),
        ({"densities": "channel,bin\n"}, ("d.csv", "reference")),
    ],
)
def test_what_is_wrong_is_named(changes, words):
    message = refused(**changes)
    for piece in words:
        assert piece in message, message
