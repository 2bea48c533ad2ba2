"""Inputs that are none: one InputError that names them, before anything compiles; and numbers near the ends of double precision."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.commands.reading import read_number, read_range
from darkbeauty.errors import InputError

pytestmark = pytest.mark.hostile
OBS = ["C9(bsmumu)[6]"]
HUGE = 10**5000  # Python refuses to write it


def name_of(value: object) -> str:
    return "huge" if value is HUGE else str(value)[:20]


@pytest.mark.parametrize("point", [None, 5, "x", [], [("C9_bsmumu", 1.0)], np.array([1.0]), HUGE], ids=name_of)
@pytest.mark.parametrize(
    "use",
    [
        lambda point: db.predict("wet", point, OBS),
        lambda point: db.gradient("wet", point, OBS),
        lambda point: db.predictor("wet", OBS)(point),
        lambda point: db.likelihood("wet", terms=["DeltaM_s"]).log_prob(point),
        lambda point: db.likelihood("wet", terms=["DeltaM_s"]).explain(point),
    ],
    ids=["predict", "gradient", "predictor", "log_prob", "explain"],
)
def test_a_point_is_a_mapping(use, point):
    with pytest.raises(InputError, match=r"point: .* is no mapping of names to numbers"):
        use(point)


@pytest.mark.parametrize("value", [[1.0], [], [[1.0], [2.0, 3.0]], (1.0,), np.ones(1), np.ones((0, 2))], ids=str)
def test_one_parameter_is_one_number(value):
    with pytest.raises(InputError, match=r"has shape \(\d.*one number is needed"):
        db.predict("wet", {"C9_bsmumu": value}, OBS)


@pytest.mark.parametrize("name", [None, 5, 1.5, b"C9_bsmumu", ("C9_bsmumu",), HUGE], ids=name_of)
def test_names_are_texts(name):
    with pytest.raises(InputError, match="unknown parameter"):
        db.predict("wet", {name: 1.0}, OBS)
    with pytest.raises(InputError, match="unknown observable"):
        db.predict("wet", {}, [name])


def test_a_list_with_a_tracer_is_no_number():
    with pytest.raises(InputError, match=r"has shape \(1,\)"):
        jax.jit(lambda value: db.predictor("wet", OBS)({"C9_bsmumu": [value]}))(1.0)


@pytest.mark.parametrize("observables", [None, 5, 1.5, object(), HUGE], ids=name_of)
def test_observables_are_a_list_of_names(observables):
    with pytest.raises(InputError, match=r"observables: .* is no list of names"):
        db.predict("wet", {}, observables)


def test_bytes_are_one_name():
    with pytest.raises(InputError, match="unknown observable") as caught:
        db.predict("wet", {}, b"DeltaM_s")  # pyright: ignore[reportArgumentType]
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("label", ["C9(bsmumu)[1e400]", "C9(bsmumu)[inf]", "C9(bsmumu)[nan]", "C7(bsee)[-1]"])
def test_q2_of_a_coefficient_is_positive_and_finite(label):
    with pytest.raises(InputError, match="must be positive and finite"):
        db.predict("wet", {}, [label])


def test_x_is_finite():
    with pytest.raises(InputError, match="at least 1, and finite"):
        db.predictor("lmu_ltau_s1", ["sigmav(x=1e400)[cm3/s]"])


def test_random_keys_are_no_numbers():
    with pytest.raises(InputError, match="is not a complex number"):
        db.predict("wet", {"C9_bsmumu": jax.random.key(0)}, OBS)


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({"terms": 5}, "likelihood.terms"),
        ({"terms": [["DeltaM_s"]]}, "likelihood.terms"),
        ({"terms": [None]}, "likelihood.terms"),
        ({"terms": ["DeltaM_s"], "add": None}, "likelihood.add"),
        ({"terms": ["DeltaM_s"], "drop": 5}, "likelihood.drop"),
        ({"preset": ["global"]}, "likelihood.preset"),
    ],
)
def test_terms_are_names(choice, path):
    with pytest.raises(InputError) as caught:
        db.likelihood("wet", **choice)
    assert caught.value.problems[0].path == path


def test_numbers_of_the_command_line_are_plain():
    """What Python's float would read besides."""
    for text in ("1_1", "١", "1_1j", "0x10", "", "1 2"):
        assert read_number(text) == text
    assert (read_number("1e-3"), read_number("0.3+0.1j")) == (1e-3, 0.3 + 0.1j)
    for text in ("1_0:2", "1:٢", "1:2:3", "1:", ":", "1j:2"):
        assert read_range(text) is None
    assert read_range("1:2e1") == (1.0, 20.0)
    result = CliRunner().invoke(cli.app, ["predict", "wet", "C9_bsmumu=1_1", "--obs", *OBS])
    assert result.exit_code == 2 and "'1_1' is not a complex number" in result.output


@pytest.mark.parametrize("g", [1e-3, 1e-20, 1e-80, 1e-140, 1e-153, 1e-160, 0.0])
def test_branching_fractions_of_tiny_couplings_add_up_or_are_none(g):
    """Γ ∝ g²: the fractions are those of any other coupling, as long as double precision has digits for the widths."""
    finals = ("ee", "mumu", "tautau", "nunu", "NN", "NNheavy", "hadrons", "LQLQ")
    names = [f"BR(Zp->{final})" for final in finals]
    point = {"y": 0.2, "m_zp": 4.0, "m_dm": 1.9, "chi": 0.0, "g": 0.01}
    usual = db.predict("lmu_ltau_s1", point, names)
    tiny = db.predict("lmu_ltau_s1", {**point, "g": g}, names)
    if g > 1e-145:
        assert tiny == pytest.approx(usual, rel=1e-12)
        assert sum(tiny.values()) == pytest.approx(1.0, rel=1e-12)
    else:
        assert set(tiny.values()) == {0.0}
