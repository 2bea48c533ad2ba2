"""Targets of a run, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from darkbeauty.commands.runs import divergent
from darkbeauty.inference.checking.diagnostics import judge
from darkbeauty.inference.samplers.sampler import Draws
from darkbeauty.likelihoods.fit_schema import TargetSection


def draws(longest: int) -> Draws:
    return Draws(np.zeros((4, 600, 3)), {}, np.zeros((0, 3)), {"longest_trees": longest})


@pytest.mark.parametrize(("longest", "share"), [(0, 0.0), (240, 0.1), (241, 241 / 2400), (2378, 2378 / 2400)])
def test_trees_that_are_cut_off_miss_a_target(longest, share):
    verdict = judge([], draws(longest), TargetSection())
    assert verdict.cut_off == pytest.approx(share)
    assert verdict.converged == (longest <= 240)
    if longest == 2378:
        assert verdict.missed[0].startswith("99 % of the trees cut off at their largest depth > 10 %")


def test_a_fit_may_allow_for_them_and_still_says_so():
    verdict = judge([], draws(2378), TargetSection(depth=1.0))
    assert verdict.converged
    assert divergent(verdict) == "divergent transitions: 0.00 %; trees cut off at their largest depth: 99 %"
    assert divergent(judge([], draws(0), TargetSection())) == "divergent transitions: 0.00 %"
