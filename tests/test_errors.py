"""Problems: how one reads, how they are collected, what a misspelt name suggests."""

from __future__ import annotations

import pytest

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown

OBSERVABLES = [f"BR(B+->K{final})" for final in ("mumu", "ee", "nunu", "NN", "inv", "Zp", "tautau")] + [
    f"<dBR/dq2>({mode}{lepton})" for mode in ("B+->K", "B0->K", "Bs->phi") for lepton in ("mumu", "ee")
]


def test_a_problem_reads_as_path_message_allowed():
    assert str(Problem("priors.y", "must be positive")) == "priors.y: must be positive"
    assert str(Problem("point.g", "'a' is not a real number", "0 to 3.5")).endswith("real number (allowed: 0 to 3.5)")


def test_an_error_carries_every_problem():
    problems = [Problem("a", "one"), Problem("b", "two", "x, y")]
    error = InputError(problem for problem in problems)
    assert error.problems == tuple(problems)
    assert str(error).splitlines() == ["a: one", "b: two (allowed: x, y)"]
    assert isinstance(error, ValueError)


def test_raise_if_any():
    raise_if_any([])
    with pytest.raises(InputError) as caught:
        raise_if_any([Problem("a", "one")])
    assert caught.value.problems == (Problem("a", "one"),)


def test_a_short_list_of_names_is_given_whole():
    problem = unknown("model", "model", "nonsense", ["wet", "lmu_ltau_s1"])
    assert problem == Problem("model", "unknown model 'nonsense'", "lmu_ltau_s1, wet")


def test_a_long_list_gives_the_nearest_names():
    assert len(OBSERVABLES) > 12
    problem = unknown("observables", "observable", "BR(B+->Kmunu)", OBSERVABLES)
    assert "BR(B+->Kmumu)" in problem.allowed.split(", ")
    assert len(problem.allowed.split(", ")) <= 4


def test_a_long_list_and_nothing_near_gives_no_names():
    assert unknown("observables", "observable", "zzz", OBSERVABLES).allowed == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 10**6 + "!", "x" * 600 + " … (1,000,001 characters) … " + "x" * 299 + "!"),
        ("x" * 1000, "x" * 1000),
        ("\x1b[2J\x07\r\t\x9b\u202eup", r"\x1b[2J\x07\r\t\x9b\u202eup"),
        ("B → K, two\nlines", "B → K, two\nlines"),
    ],
)
def test_what_a_user_gave_is_echoed_short_and_without_effect_on_a_terminal(text, shown):
    assert Problem(text, text) == Problem(shown, shown)


def test_what_is_allowed_is_whole():
    names = ", ".join(f"term {i}" for i in range(10**3))
    assert Problem("path", "message", names).allowed == names
    assert Problem("path", "message", "\x1b[2J").allowed == r"\x1b[2J"


def test_of_very_many_problems_the_first_are_shown_and_all_are_kept():
    error = InputError(Problem(f"priors.{i}", "wrong") for i in range(10**4))
    assert len(error.problems) == 10**4
    assert str(error).splitlines()[-2:] == ["priors.99: wrong", "and 9900 more"]
