"""A fit is its content: what is only written differently resumes a run, and a real difference is told by name."""

from __future__ import annotations

import numpy as np
import pytest

from darkbeauty.errors import InputError
from darkbeauty.inference.samplers.table import identity_of
from darkbeauty.inference.storage.checkpoint import Checkpoint
from darkbeauty.inference.storage.output import attributes, identity
from darkbeauty.likelihoods.fit_file import parse_fit

FILE = """
name = "toy"
model = "wet"
seed = 5
[fixed]
C7_bs = 0.01
C7p_bs = 0.02
[priors]
C9_bsmumu = { kind = "uniform", lower = -2.0, upper = 2.0 }
C10_bsmumu = { kind = "normal", mean = 0.0, sigma = 1.0 }
[likelihood]
terms = ["DeltaM_s", "BR(Bs->mumu)"]
[sampler]
method = "nuts"
chains = 2
draws = 100
"""
SAME = '''
# the same, by another hand
model = 'wet'
name = "called otherwise"
about = """a remark
of two lines"""
targets.ess = 100
seed = 0x5
sampler = { method = "nuts", starts = 3, draws = 200, chains = 2 }
likelihood.drop = ["R_K"]
likelihood.terms = ["DeltaM_s", "R_K", "BR(Bs->mumu)"]
[priors.C9_bsmumu]
upper = 2
lower = -2e0
kind = "uniform"
[priors.C10_bsmumu]
kind = "normal"
mean = -0.0
sigma = 1_0.0e-1
[fixed]
C7p_bs = 2e-2
C9_bsee = 0.0
C7_bs = 0.0100
'''


def key(text: str, **changes) -> dict[str, str]:
    fit = parse_fit(text, "toy.toml")
    settings, seed = fit.settings(**changes)
    return identity(fit, attributes(fit, seed), identity_of(settings))


def test_only_written_differently(tmp_path):
    assert key(FILE) == key(SAME)
    Checkpoint(tmp_path / "run", key(FILE), resume=False).save([np.ones(2)], None)
    assert Checkpoint(tmp_path / "run", key(SAME), resume=True).count == 1
    assert Checkpoint(tmp_path / "run", key("# a comment\n" + FILE, draws=1000), resume=True).count == 1


REAL = {
    "fixed C7_bs": ("C7_bs = 0.01", "C7_bs = 0.011"),
    "prior C9_bsmumu": ("upper = 2.0", "upper = 2.1"),
    "prior C10_bsmumu": ('"normal", mean = 0.0, sigma = 1.0', '"uniform", lower = -1, upper = 1'),
    "terms": ('"DeltaM_s", ', ""),
    "theory": ("terms =", 'theory = "correlated"\nterms ='),
    "seed": ("seed = 5", "seed = 6"),
    "chains": ("chains = 2", "chains = 3"),
    "warmup": ("chains = 2", "chains = 2\nwarmup = 99"),
    "target_accept": ("chains = 2", "chains = 2\ntarget_accept = 0.9"),
    "max_depth": ("chains = 2", "chains = 2\nmax_depth = 5"),
    "coordinates": ("chains = 2", 'chains = 2\ncoordinates = "box"'),
}


@pytest.mark.parametrize("name", REAL)
def test_a_real_difference_is_told_by_name(name, tmp_path):
    Checkpoint(tmp_path / "run", key(FILE), resume=False).save([np.ones(2)], None)
    other = FILE.replace(*REAL[name])
    assert other != FILE
    with pytest.raises(InputError) as caught:
        Checkpoint(tmp_path / "run", key(other), resume=True)
    (problem,) = caught.value.problems
    assert problem.path == f"--resume: {name}"
    assert " in the run to be resumed, " in problem.message and problem.message.endswith(" now")


def test_the_order_of_parameters_is_a_difference():
    lines = FILE.splitlines(keepends=True)
    i = next(i for i, line in enumerate(lines) if line.startswith("C9_bsmumu"))
    lines[i], lines[i + 1] = lines[i + 1], lines[i]
    old, new = key(FILE), key("".join(lines))
    assert {name for name in old if old[name] != new[name]} == {"free parameters"}


def test_settings_of_a_run_count_and_not_those_of_the_file():
    assert key(FILE, seed=6) == key(FILE.replace("seed = 5", "seed = 6"))
    assert key(FILE, chains=3) == key(FILE.replace("chains = 2", "chains = 3"))
    smc = FILE.replace('"nuts"', '"smc"')
    assert key(smc, draws=300)["particles"] == "300" and key(smc)["particles"] == "100"
    assert {name for name in key(FILE) if key(FILE)[name] != key(smc).get(name)} >= {"sampler"}
