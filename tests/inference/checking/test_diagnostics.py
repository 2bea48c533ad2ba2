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


QUIET = {"longest_trees": 0, "global_proposals": 7200, "global_accept": 0.85, "surprise": 0.001}


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"longest_trees": 2378}, ["99 % of the trees end at their largest depth", "85 % accepted", "max_depth"]),
        ({"longest_trees": 2378, "global_proposals": 0}, ["largest depth", "short steps"]),
        ({"global_accept": 0.02}, ["2 % of the global proposals accepted", 'method = "nested"']),
        ({"surprise": 0.02}, ["2 % of the posterior where little was expected", "live points"]),
        ({}, []),
    ],
)
def test_what_a_converged_run_should_be_read_with(changed, says):
    run = Draws(np.zeros((4, 600, 3)), {}, np.zeros((0, 3)), QUIET | changed)
    verdict = judge([], run, TargetSection(depth=1.0))
    assert verdict.converged and len(verdict.warnings) == bool(says)
    assert all(piece in verdict.warnings[0] for piece in says)


def test_little_energy_moves():
    """Energies x_i = ρ x_{i−1} + noise have E-BFMI 2(1 − ρ): 0.25 misses no target of 0.2 and is worth a word; what misses a target has no other word."""
    rng, rho = np.random.default_rng(2), 0.875
    energy = np.zeros((2, 20_000))
    for i in range(1, energy.shape[1]):
        energy[:, i] = rho * energy[:, i - 1] + rng.normal(size=2)
    run = Draws(np.zeros((*energy.shape, 1)), {"energy": energy}, np.zeros((0, 1)), QUIET)
    (text,) = judge([], run, TargetSection()).warnings
    assert text.startswith("E-BFMI = 0.2")
    assert not judge([], run, TargetSection(bfmi=0.3)).warnings
