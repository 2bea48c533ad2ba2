"""Dark matter that is not the lightest, negative masses and widths, tables that are not there: refused with the reason; inside a fit zero prior, not NaN."""

from __future__ import annotations

from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

import darkbeauty as db
from darkbeauty import cli
from darkbeauty.errors import InputError
from darkbeauty.models import resolve_model
from darkbeauty.models.sectors import ZPrime

A = {"y": 0.3, "g": 0.002, "m_zp": 4.0, "m_dm": 1.7}
B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
TERMS = {
    "lmu_ltau_s1": ["Omega_h2", "limit CRESST-III SDn", "limit PICO-60 SDp"],
    "le_lmu_r2": ["Omega_h2", "limit LZ SI", "limit PICO-60 SDp"],
}

# -- the command line ------------------------------------------------------------------------------------------------------------------

REFUSED = {
    "as heavy as the other state": (
        "lmu_ltau_s1",
        {**A, "m_dm": 500.0},
        [],
        ("point.m_dm", "not lighter than m_heavy"),
    ),
    "heavier than the other state": ("le_lmu_r2", {**B, "m_heavy": 200.0}, [], ("point.m_dm", "m_heavy (200)")),
    "heavier than the leptoquark": (
        "le_lmu_r2",
        {**B, "m_dm": 1300.0, "m_heavy": 2000.0},
        [],
        ("point.m_dm", "not lighter than the leptoquark (1200)"),
    ),
    "heavier than the inert doublet": (
        "le_lmu_r2",
        {**B, "y_eta": 0.5, "m_eta": 150.0},
        [],
        ("point.m_dm", "not lighter than the inert doublet (150)"),
    ),
    "negative mass of the Z′": ("lmu_ltau_s1", {**A, "m_zp": -4.0}, [], ("point.m_zp", "outside its domain")),
    "negative mass of a scalar": ("le_lmu_r2", {**B, "m_h2": -500.0}, [], ("point.m_h2", "outside its domain")),
    "a width is no parameter": ("lmu_ltau_s1", {**A, "Gamma_Zp": -1.0}, [], ("point.Gamma_Zp", "unknown parameter")),
    "table": ("lmu_ltau_s1", A, ["--gstar", "DREES2015"], ("gstar", "allowed: BORSANYI2016, SS2018")),
    "table of a model without dark matter": ("wet", {}, ["--gstar", "SS2018"], ("gstar", "no such choice")),
    "channel": ("le_lmu_r2", B, ["--channel", "higs"], ("extra_channels", "higgs")),
}


@pytest.mark.parametrize("command", ["predict", "gradient", "relic"])
@pytest.mark.parametrize("case", REFUSED)
def test_command_line(command, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, point, options, told = REFUSED[case]
    args = [f"{name}={value}" for name, value in point.items()]
    if command != "relic":
        options = [*options, "--obs", "Omega_h2" if model != "wet" else "BR(Bs->mumu)"]
    else:
        args = [*args[1:], "y=0.1:1"] if point else ["C9_bsmumu=0:1"]
    result = CliRunner().invoke(cli.app, [command, model, *args, *options])
    assert result.exit_code == 2
    for text in told:
        assert text in result.stderr
    assert not list(tmp_path.iterdir())


def test_both_tables_can_be_chosen():
    """Saikawa and Shirai's numbers change Ωh² by about a per cent."""
    omega = {}
    for table in ("BORSANYI2016", "SS2018"):
        model = resolve_model("lmu_ltau_s1", gstar=table)
        assert model.sm.thermodynamics.log_t.size == {"BORSANYI2016": 16, "SS2018": 150}[table]
        omega[table] = db.predict(model, {**A, "y": 2.0, "chi": 0.0}, ["Omega_h2"])["Omega_h2"]
    assert omega["BORSANYI2016"] == pytest.approx(0.41130, rel=2e-5)
    assert 0.005 < omega["SS2018"] / omega["BORSANYI2016"] - 1.0 < 0.02


# -- inside a fit ------------------------------------------------------------------------------------------------------------------------

OUTSIDE = {
    "lmu_ltau_s1": (
        {"m_dm": 500.0},
        {"m_dm": 700.0},
        {"m_dm": 1300.0},
        {"m_dm": 9000.0, "m_zp": 1.0},
        {"m_heavy": 1.0},
    ),
    "le_lmu_r2": ({"m_dm": 500.0}, {"m_dm": 1200.0}, {"m_dm": 1300.0, "m_heavy": 2000.0}, {"m_lq": 200.0}),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_zero_prior(name):
    """−inf with a gradient of finite zeros, also where t-channel poles or closed phase space are met; beside it everything is finite."""
    inside = A if name == "lmu_ltau_s1" else B
    inside = {**inside, "m_heavy": 500.0, "m_lq": 1200.0}
    likelihood = db.likelihood(name, terms=TERMS[name])
    names = tuple(inside)
    points = np.array([list({**inside, **change}.values()) for change in ({}, *OUTSIDE[name])])

    def log_prob(lik, values):
        return lik.log_prob(dict(zip(names, values)))

    both = eqx.filter_jit(lambda lik, many: jax.lax.map(lambda v: jax.value_and_grad(log_prob, 1)(lik, v), many))
    values, slopes = (np.asarray(part) for part in both(likelihood, jnp.asarray(points)))
    assert np.isfinite(values[0]) and np.all(np.isfinite(slopes[0])) and np.any(slopes[0] != 0.0)
    assert np.all(values[1:] == -np.inf)
    assert np.all(slopes[1:] == 0.0)


def test_refused_where_the_value_is_known():
    """The same likelihood with plain numbers says why."""
    likelihood = db.likelihood("le_lmu_r2", terms=["Omega_h2"])
    with pytest.raises(InputError, match="not lighter than m_heavy"):
        likelihood.log_prob({**B, "m_dm": 600.0})


FIT = """
name = "dark"
model = "le_lmu_r2"
{choices}

[fixed]
m_zp = 671.0
{fixed}

[priors]
y = {{ kind = "uniform", lower = 0.1, upper = 1.0 }}
g = {{ kind = "log_uniform", lower = 1e-3, upper = 1.0 }}
{priors}

[likelihood]
terms = ["Omega_h2"]
"""
DARK = 'm_dm = {{ kind = "uniform", lower = {}, upper = {} }}'


def load(tmp_path: Path, choices: str = "", fixed: str = "", priors: str = "") -> db.Fit:
    path = tmp_path / "fit.toml"
    path.write_text(FIT.format(choices=choices, fixed=fixed, priors=priors), encoding="utf-8")
    return db.load_fit(path)


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"fixed": "m_dm = 600.0"}, "m_dm: the lighter state"),
        ({"fixed": "m_dm = 1300.0\nm_heavy = 2000.0"}, "m_dm: dark matter"),
        ({"fixed": "m_heavy = 40.0", "priors": DARK.format(50.0, 400.0)}, "m_dm: the lighter state"),
        ({"priors": DARK.format(1250.0, 1300.0), "fixed": "m_heavy = 2000.0"}, "m_dm: dark matter"),
        ({"fixed": "m_dm = 100.0\nm_h2 = -5.0"}, "m_h2: -5.0 is outside its domain"),
        ({"choices": 'gstar = "DREES2015"', "fixed": "m_dm = 100.0"}, "gstar: unknown thermodynamic table"),
        ({"choices": "gstar = 3", "fixed": "m_dm = 100.0"}, "gstar"),
    ],
)
def test_fit_file_without_an_allowed_point(tmp_path, parts, told):
    with pytest.raises(InputError, match=told):
        load(tmp_path, **parts)


def test_fit_file_with_a_prior_that_crosses(tmp_path):
    """Part of the box is allowed: accepted, the rest has zero prior."""
    fit = load(tmp_path, choices='gstar = "SS2018"', priors=DARK.format(50.0, 700.0))
    assert fit.model.sm.thermodynamics.log_t.size == 150
    allowed = jax.vmap(lambda m: fit.model.at({**B, "m_dm": m}).is_allowed())(jnp.array([50.0, 499.9, 500.0, 700.0]))
    assert allowed.tolist() == [True, True, False, False]


# -- widths ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lmu_ltau_s1", "le_lmu_r2"])
def test_no_width_is_negative(name):
    """Anywhere in the domain of the couplings, signs of mixings included, and at vanishing coupling."""
    model, random = resolve_model(name, extra_channels=("higgs",)), np.random.default_rng(1)
    names = ("y", "g", "m_zp", "m_dm", "m_heavy", "sin_mix", "sin_zeta", "m_h2", *(["chi"] if name[1] == "m" else []))
    low = np.array([0.0, 0.0, 0.01, 0.01, 500.0, -1.0, -1.0, 1.0, -0.1])[: len(names)]
    high = np.array([3.5, 3.5, 3000.0, 499.0, 2000.0, 1.0, 1.0, 3000.0, 0.1])[: len(names)]
    points = low + (high - low) * random.random((500, len(names)))
    points[:20, 1] = 0.0

    @jax.jit
    @jax.vmap
    def widths(values):
        p = model.at(dict(zip(names, values))).derive()
        zp, scalars = p.z_prime, p.dark_matter.scalar_channels
        return jnp.stack([*zp.partial.values(), zp.width, zp.pole.m_gamma, *scalars.m_gamma])

    found = np.asarray(widths(points))
    assert np.all(np.isfinite(found)) and np.all(found >= 0.0) and np.all(found[:, -3:] > 0.0)


def test_a_negative_width_from_outside_is_not_used():
    """A Z′ made by hand: the pole stays below the real axis."""
    zp = ZPrime(jnp.array(2.0), {"mumu": jnp.array(-1e-3), "NN": jnp.array(1e-4)}, jnp.zeros(3), jnp.zeros(3))
    assert float(zp.width) == pytest.approx(-9e-4, rel=1e-12)
    assert float(zp.pole.m_gamma) > 0.0 and np.isfinite(complex(zp.pole.at(4.0)))
