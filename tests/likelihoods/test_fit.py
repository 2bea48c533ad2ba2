"""Fits made in Python: validated as a file is, the same as the file of the same content, also with a model of a class of one's own."""

from __future__ import annotations

import time

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inference.storage.output import attributes
from darkbeauty.inputs import load_sm
from darkbeauty.likelihoods.fit_checks import check_conditions
from darkbeauty.likelihoods.fit_file import parse_fit
from darkbeauty.models import Model, resolve_model
from darkbeauty.models.base import Below, Parameter
from darkbeauty.models.sectors import Theory, Wilson
from darkbeauty.report.result import read_result

WET = {"model": "wet", "priors": {"C9_bsmumu": db.Uniform(-2, 2)}, "terms": ["DeltaM_s"]}
PORTAL = {
    "model": "lmu_ltau_s1",
    "priors": {
        "y": db.LogUniform(0.01, 2.0),
        "g": {"kind": "log_uniform", "lower": 1e-4, "upper": 1e-2},
        "m_zp": db.Numpyro("Gamma", concentration=9.0, rate=3.0),
    },
    "fixed": {"m_dm": 1, "chi": 0.0},
    "preset": "paper",
    "add": ("DeltaM_s",),
    "drop": ["R_K*"],
    "theory": "correlated",
    "sampler": {"method": "smc", "draws": 100},
    "targets": {"ess": 50},
    "seed": 7,
    "name": "portal",
    "about": 'a "quoted" \\ remark\nof two lines',
    "gstar": "SS2018",
}
PORTAL_FILE = r"""
name = "portal"
about = "a \"quoted\" \\ remark\nof two lines"
model = "lmu_ltau_s1"
gstar = "SS2018"
seed = 7
[fixed]
m_dm = 1.0
chi = 0
[priors]
y = { kind = "log_uniform", lower = 0.01, upper = 2.0 }
g = { kind = "log_uniform", lower = 1e-4, upper = 1e-2 }
m_zp = { kind = "numpyro", distribution = "Gamma", concentration = 9.0, rate = 3.0 }
[likelihood]
preset = "paper"
add = ["DeltaM_s"]
drop = ["R_K*"]
theory = "correlated"
[sampler]
method = "smc"
draws = 100
[targets]
ess = 50
"""


class Both(Model):
    """The same C₉ for all leptons, and C₁₀: a model that is in no catalogue."""

    name = "both"
    title = "C₉ and C₁₀ of all leptons"
    parameters = (Parameter("c9", "C₉", lower=-5.0, upper=5.0), Parameter("c10", "C₁₀", default=0.0, complex=True))
    c9: object = None
    c10: object = 0.0
    sm: object = eqx.field(default_factory=load_sm)

    def derive(self) -> Theory:
        zero = jnp.zeros(3, complex)
        return Theory(self.sm, wilson=Wilson({"C9": zero + self.c9, "C10": zero + self.c10}))


OWN = {"model": Both(), "priors": {"c9": db.Normal(0.0, 1.0)}, "terms": ["BR(Bs->mumu)"]}


def problems(**entries) -> list[str]:
    with pytest.raises(InputError) as caught:
        db.Fit(**entries)
    return [str(problem) for problem in caught.value.problems]


def test_attributes():
    fit = db.Fit(**PORTAL)
    assert (fit.name, fit.theory, fit.seed, fit.gstar) == ("portal", "correlated", 7, "SS2018")
    assert fit.parameters == ("y", "g", "m_zp") and fit.terms == ("R_K", "BR(B->Xsgamma)", "Omega_h2", "DeltaM_s")
    assert (fit.sampler.method, fit.sampler.draws, fit.targets.ess) == ("smc", 100, 50.0)
    assert (fit.model.m_dm, fit.model.chi) == (1.0, 0.0)
    assert fit.model.sm.thermodynamics.log_t.size == 150
    assert fit.priors["m_zp"].ends == (0.001, 10000.0)  # the domain
    with pytest.raises(AttributeError):
        fit.seed = 3


@pytest.mark.parametrize("entries", [WET, PORTAL], ids=["wet", "portal"])
def test_the_text_gives_the_fit_again(entries):
    fit = db.Fit(**entries)
    again = parse_fit(fit.text, "again.toml")
    assert again.content() == fit.content()
    assert (again.priors, again.sampler, again.targets, again.about) == (
        fit.priors,
        fit.sampler,
        fit.targets,
        fit.about,
    )
    assert eqx.tree_equal(again.model, fit.model)


def test_the_same_as_the_file_of_the_same_content():
    assert db.Fit(**PORTAL).content() == parse_fit(PORTAL_FILE, "portal.toml").content()


def test_an_object_that_a_name_gives_is_that():
    model = resolve_model("lmu_ltau_s1", gstar="SS2018").__class__(chi=0.0, m_dm=1.0, sm=load_sm("SS2018"))
    entries = {name: value for name, value in PORTAL.items() if name not in ("gstar", "fixed")}
    fit = db.Fit(**{**entries, "model": model})
    assert fit.content() == db.Fit(**PORTAL).content() and fit.text == db.Fit(**PORTAL).text
    other = eqx.tree_at(lambda m: m.sm.mass["B+"], model, 5.3)
    fit = db.Fit(**{**entries, "model": other})
    assert fit.source.name == "darkbeauty.models.lmu_ltau_s1.LmuLtauS1" and fit.gstar == ""
    assert fit.content() != db.Fit(**PORTAL).content()


def test_a_model_of_a_class_of_ones_own():
    fit = db.Fit(**OWN, fixed={"c10": 0.2})
    assert 'model = "' + __name__ + '.Both"' in fit.text and "c10 = 0.2" in fit.text
    assert attributes(fit, 3)["fit_file"] == fit.text
    exact = db.likelihood("wet", None, terms=["BR(Bs->mumu)"])
    values = {f"C10_bs{lepton * 2}": 0.2 for lepton in ("e", "mu", "tau")}
    assert float(fit.likelihood().log_prob({"c9": -1.0})) == pytest.approx(float(exact.log_prob(values)), rel=1e-12)
    with pytest.raises(InputError, match="no text gives again"):
        parse_fit(fit.text, "own.toml")


def test_a_run_of_a_model_of_ones_own(tmp_path):
    """It is sampled, its file says what it was, and it is resumed and read back with the fit at hand."""
    short = {
        "sampler": {"method": "nuts", "chains": 2, "warmup": 20, "draws": 20},
        "targets": {"ess": 1.0, "r_hat": 9.0},
    }
    fit = db.Fit(**OWN, **short)
    first = db.run_fit(fit, tmp_path)
    again = db.run_fit(db.Fit(**OWN, **short, about="the same, in other words"), tmp_path, resume=True)
    assert np.array_equal(first["posterior"]["c9"], again["posterior"]["c9"])
    with pytest.raises(InputError, match=r"--resume: prior c9: normal, mean = 0\.0, sigma = 1\.0 in the run"):
        db.run_fit(db.Fit(**{**OWN, "priors": {"c9": db.Normal(0.0, 1.1)}}, **short), tmp_path, resume=True)
    with pytest.raises(InputError, match="no text gives again"):
        read_result(tmp_path)
    result = read_result(tmp_path, fit)
    assert result.fit is fit and result.attrs["fit_file"].startswith("# The model is an object")
    assert np.array_equal(result.draws["c9"], first["posterior"]["c9"])


def test_what_tells_models_of_ones_own_apart():
    same = db.Fit(**OWN).content()
    assert db.Fit(**{**OWN, "model": Both(c9=1.0)}).content() == same  # c9 is free
    changed = {
        "fixed c10": Both(c10=0.1 + 0.2j),
        "model numbers (sha256)": eqx.tree_at(lambda m: m.sm.mass["B+"], Both(), 5.3),
    }
    for name, model in changed.items():
        other = db.Fit(**{**OWN, "model": model}).content()
        assert {key for key in {*same, *other} if same.get(key) != other.get(key)} == {name}


def test_every_problem_at_once():
    told = problems(
        model="lmu_ltau_s1",
        priors={"y": db.Uniform(2, 1), "h": db.Uniform(0, 1), "m_zp": {"kind": "normal", "mean": True, "sigma": 1}},
        fixed={"y": 0.1, "m_dm": "heavy"},
        terms=["R_Q"],
        theory="guessed",
        sampler={"draws": 3, "chain": 2},
        targets={"ess": -1},
        seed=-1,
        gstar="DREES2015",
        name="../fit",
    )
    places = [line.split(": ")[0] for line in told]
    needed = (
        "priors.y",
        "priors.h",
        "priors.m_zp.mean",
        "fixed.y",
        "fixed.m_dm",
        "likelihood.terms",
        "likelihood.theory",
    )
    assert {*needed, "sampler.draws", "sampler.chain", "targets.ess", "seed", "gstar", "name"} <= set(places)
    assert any("'g' has neither a prior nor a fixed value" in line for line in told)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"preset": "global"}, "likelihood.preset"),
        ({"terms": None}, "likelihood"),
        ({"terms": "DeltaM_s"}, "likelihood.terms"),
        ({"terms": [3]}, "likelihood.terms.0"),
        ({"model": "wt"}, "model"),
        ({"model": 5}, "model"),
        ({"model": Both}, "model"),
        ({"model": None}, "model"),
        ({"model": Both(), "priors": {"c9": db.Uniform(0, 1)}, "gstar": "SS2018"}, "gstar"),
        ({"priors": {}}, "priors"),
        ({"priors": None}, "priors"),
        ({"priors": [db.Uniform(0, 1)]}, "priors"),
        ({"priors": {3: db.Uniform(0, 1)}}, "priors.3"),
        ({"priors": {"C9_bsmumu": (0, 1)}}, "priors.C9_bsmumu"),
        ({"priors": {"C9_bsmumu": db.Uniform}}, "priors.C9_bsmumu"),
        ({"priors": {"C9_bsmumu": db.Uniform("a", jnp.ones(2))}}, "priors.C9_bsmumu.lower"),
        ({"fixed": {"C7_bs": 0.1j}}, "fixed.C7_bs"),
        ({"fixed": {"C7_bs": np.nan}}, "fixed.C7_bs"),
        ({"fixed": 3}, "fixed"),
        ({"sampler": 3}, "sampler"),
        ({"theory": "sampled", "sampler": {"method": "smc"}}, "sampler.method"),
    ],
)
def test_one_mistake(change, place):
    told = problems(**{**WET, **change})
    assert told[0].startswith(f"{place}: ") or any(line.startswith(f"{place}: ") for line in told)


def test_numbers_of_numpy_and_tuples_are_what_they_say():
    fit = db.Fit(
        model="wet",
        priors={"C9_bsmumu": db.Uniform(np.float32(-2), np.int64(2))},
        terms=("DeltaM_s",),
        fixed={"C7_bs": np.int64(0)},
        sampler={"draws": np.int64(100), "target_accept": np.float64(0.9)},
        seed=np.int64(3),
    )
    assert fit.priors == {"C9_bsmumu": db.Uniform(-2.0, 2.0)}
    assert (type(fit.seed), type(fit.sampler.draws)) == (int, int)


# -- conditions between parameters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("m_dm", "m_heavy", "allowed"),
    [
        ((50, 400), (40, 45), False),
        ((50, 400), (40, 60), True),
        ((10, 400), (40, 60), True),
        ((1250, 1300), (2000, 3000), False),
    ],
)
def test_an_order_of_masses_that_no_point_of_the_box_has(m_dm, m_heavy, allowed):
    entries = {
        "model": "le_lmu_r2",
        "priors": {
            "m_dm": db.Uniform(*m_dm),
            "m_heavy": db.Uniform(*m_heavy),
            "y": db.Uniform(0.1, 1.0),
            "y_eta": db.Uniform(0.0, 1.0),
            "m_eta": db.Uniform(30.0, 5000.0),
        },
        "fixed": {"g": 0.1, "m_zp": 600.0},
        "terms": ["DeltaM_s"],
    }
    if allowed:
        db.Fit(**entries)
    else:
        told = problems(**entries)
        assert any(line.startswith("priors.m_dm: ") and "not lighter than" in line for line in told)


def test_twenty_parameters_are_checked_in_no_time():
    """2²⁰ corners took two minutes: only parameters that a condition involves are looked at, so that the work grows linearly."""
    asked = []

    class Counted(Below):
        def holds(self, values):
            asked.append(1)
            return super().holds(values)

    class Ordered(Both):
        parameters = tuple(Parameter(f"p{i}", "", lower=0.0, upper=9.0) for i in range(40))
        conditions = (Counted("p3", "p7", "{smaller} is not below p7 = {larger}"),)

        def __getattr__(self, name):
            return None

    priors = {f"p{i}": db.Uniform(0.0, 1.0) for i in range(40)}
    start = time.perf_counter()
    assert not check_conditions(Ordered(), {}, priors)
    assert len(asked) < 100 and time.perf_counter() - start < 1.0
    asked.clear()
    refused = check_conditions(Ordered(), {}, {**priors, "p3": db.Uniform(2.0, 3.0)})
    assert [problem.path for problem in refused] == ["priors.p3"] and len(asked) < 100
