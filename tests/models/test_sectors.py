"""What a model hands to observables: refused where it is not what it should be, nothing but what is asked for, and always with a value inside of compiled code."""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.errors import InputError
from darkbeauty.inputs import SMInputs, load_sm
from darkbeauty.models import MODELS, resolve_model
from darkbeauty.models.base import Model, Parameter, Value, inner_point, sectors_of
from darkbeauty.models.sectors import SECTORS, Pole, Theory, Wilson, ZPrime

SM = load_sm()
A = {"y": 0.3, "g": 2e-3, "m_zp": 4.0, "m_dm": 1.7}
B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}


def problems(function, *args, **options) -> dict[str, str]:
    with pytest.raises(InputError) as caught:
        function(*args, **options)
    return {problem.path: str(problem) for problem in caught.value.problems}


# -- what an author gets wrong -----------------------------------------------------------------------------------------------------------


class Simple(Model):
    """A Z′ that couples to muons, as an author would write it."""

    name: ClassVar[str] = "simple"
    title: ClassVar[str] = "a Z′ and muons"
    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("m", "mass", "GeV", lower=1.0, upper=10.0),)

    m: Value = None
    sm: SMInputs = eqx.field(default_factory=load_sm)

    def derive(self):
        return Theory(self.sm, z_prime=ZPrime(jnp.asarray(self.m, float), {}, jnp.zeros(3), jnp.zeros(3)))


class MisspeltField(Simple):
    def derive(self):
        return Theory(self.sm, z_prime=ZPrime(mass=self.m, partial={}, lepton=jnp.zeros(3), neutrinos=jnp.zeros(3)))


class MisspeltSector(Simple):
    def derive(self):
        return Theory(self.sm, zprime=None)


class NoTheory(Simple):
    def derive(self):
        return {"z_prime": None}


def test_a_model_of_an_author():
    theory = sectors_of(Simple())
    assert theory.sectors == ("wilson", "z_prime") and theory.wilson.contact == {}
    assert db.predict(Simple(), {"m": 2.0}, ["Gamma_Zp", "BR(Zp->mumu)"]) == {"Gamma_Zp": 0.0, "BR(Zp->mumu)": 0.0}


@pytest.mark.parametrize(
    ("model", "told"), [(MisspeltField, "neutrinos"), (MisspeltSector, "zprime"), (NoTheory, "gives a dict")]
)
def test_what_derive_gets_wrong(model, told):
    """Named at the first question asked of the model, before any number."""
    for ask in (lambda: sectors_of(model()), lambda: db.predict(model(), {"m": 2.0}, ["Gamma_Zp"])):
        (found,) = problems(ask).values()
        assert told in found


def test_every_wrong_sector_at_once():
    assert "wilson, z_prime" in problems(Theory, SM, photon=None)["theory.photon"]
    zp = ZPrime(jnp.ones(()), {}, jnp.zeros(3), jnp.zeros(3))
    found = problems(Theory, SM, wilson=zp, dark_matter=3.0, z_prime=zp)
    assert set(found) == {"theory.wilson", "theory.dark_matter"}
    assert "ZPrime" in found["theory.wilson"] and "DarkMatter or None" in found["theory.dark_matter"]


def test_every_wrong_coefficient_at_once():
    found = problems(Wilson, {"C7": 0.1, "C7pp": 0.1, "c9": jnp.zeros(3)})
    assert set(found) == {"wilson.contact.C7pp", "wilson.contact.c9"} and "C7p" in found["wilson.contact.C7pp"]
    pole = Pole(jnp.ones(()), jnp.ones(()))
    assert set(problems(Wilson, {}, {"C7": 1.0}, pole)) == {"wilson.residue.C7"}
    assert set(problems(Wilson, meson_mixing={"bq": 0.0})) == {"wilson.meson_mixing.bq"}
    assert "pole" in problems(Wilson, {}, {"C9": jnp.ones(3)})["wilson.pole"]


# -- what observables see ----------------------------------------------------------------------------------------------------------------


def test_only_what_is_asked_for():
    theory = resolve_model("lmu_ltau_s1", convention="printed").at(A).derive()
    assert theory.sectors == tuple(SECTORS)
    for names in ((), ("wilson",), ("z_prime", "dark_matter")):
        kept = theory.only(names)
        assert kept.sectors == names and kept.convention == "printed"
        assert all(getattr(kept, name) is None for name in SECTORS if name not in names)
        assert all(getattr(kept, name) is getattr(theory, name) for name in names)


@pytest.mark.parametrize(
    ("name", "sectors"), [("wet", ("wilson",)), ("lmu_ltau_s1", tuple(SECTORS)), ("le_lmu_r2", tuple(SECTORS))]
)
def test_sectors_of_a_model(name, sectors):
    """Without numbers, the same for every point, and once."""
    template = resolve_model(name)
    assert sectors_of(template).sectors == sectors
    at = template.at({"lmu_ltau_s1": A, "le_lmu_r2": B}.get(name, {}))
    shapes = jax.tree.map(lambda leaf: jnp.shape(leaf), eqx.filter(at.derive().wilson, eqx.is_array))
    assert shapes == jax.tree.map(
        lambda leaf: leaf.shape, eqx.filter(sectors_of(template).wilson, lambda x: hasattr(x, "shape"))
    )
    assert sectors_of(template) is sectors_of(resolve_model(name))


def test_static_choices_are_other_kinds():
    plain, more = (resolve_model("le_lmu_r2", extra_channels=extra) for extra in ((), ("higgs",)))
    assert sectors_of(plain).dark_matter.scalar_channels is None
    assert sectors_of(more).dark_matter.scalar_channels is not None


def test_coefficients_that_are_not_there_are_zero():
    w = Wilson(
        {"C7": 0.1 + 0.2j, "C9": jnp.array([0.0, 1j, 0.0])}, {"C9": jnp.ones(3)}, Pole(jnp.array(4.0), jnp.array(0.5))
    )
    assert w.dipole("C7p") == 0.0 and w.meson_mixing_of("bs") == 0.0 and w.lepton("C10", 1, 3.0) == 0.0
    assert complex(w.lepton("C9", 1, 2.0)) == 2.0 + 1j
    assert complex(w.propagator(4.0)) == pytest.approx(-2j) and Wilson().propagator(4.0) == 0.0
    mirror = w.conjugate()
    assert complex(mirror.dipole("C7")) == 0.1 - 0.2j and complex(mirror.lepton("C9", 1, 2.0)) == 2.0 - 1j
    assert complex(mirror.propagator(5.0)) == complex(w.propagator(5.0))


def test_branching_fractions_of_a_z_prime():
    partial = {"mumu": jnp.array(3.0), "nunu": jnp.array(1.0), "NN": jnp.array(0.0)}
    zp = ZPrime(jnp.array(2.0), partial, jnp.zeros(3), jnp.zeros(3), vertex={"bs": jnp.array(0.3)})
    assert zp.width == 4.0 and zp.branching("mumu") == 0.75 and zp.branching("inv") == 0.25
    assert zp.branching("ee") == 0.0 and zp.quark_vertex("bs") == 0.3 and zp.quark_vertex("bd") == 0.0
    none = ZPrime(jnp.array(2.0), {}, jnp.zeros(3), jnp.zeros(3))
    assert none.width == 0.0 and none.branching("mumu") == 0.0
    assert np.isfinite(complex(none.pole.at(4.0)))


# -- parameters that are nowhere -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_inner_point(name):
    """In the domain, with all conditions, and with the model's own constants."""
    for fixed in ({}, {"m_heavy": 40.0}, {"m_lq": 100.0, "m_heavy": 1e5}, {"y_eta": 0.5, "m_eta": 1.0}):
        if not set(fixed) <= set(resolve_model(name).parameter_names()):
            continue
        model = resolve_model(name).with_values(fixed)
        point = inner_point(model)
        assert set(point) == set(model.parameter_names()) and {key: point[key] for key in fixed} == fixed
        assert bool(model.with_values(point).is_allowed())


NOWHERE = {
    "not a number": {"y": np.nan},
    "infinite": {"m_zp": np.inf},
    "below the domain": {"g": -1e-3},
    "above the domain": {"y": 4.0},
    "massless": {"m_zp": 0.0},
    "negative mass": {"m_dm": -1.7},
    "not the lighter state": {"m_dm": 500.0},
    "far above it": {"m_dm": 5000.0},
}
LABELS = ["DeltaM_s", "Gamma_Zp", "BR(Bs->mumu)", "sigma_SD(n)"]
POINTS = {name: np.array([A[name], *(change.get(name, A[name]) for change in NOWHERE.values())]) for name in A}


def test_predictions_where_the_model_is_not():
    """NaN, in the company of points that are not disturbed, by predictor and in reverse mode."""
    predict = db.predictor("lmu_ltau_s1", LABELS)
    total = lambda point: jnp.sum(jnp.log(predict(point)))
    values, (_, slopes) = jax.jit(
        lambda points: (jax.vmap(predict)(points), jax.vmap(jax.value_and_grad(total))(points))
    )({name: jnp.asarray(column) for name, column in POINTS.items()})
    np.testing.assert_allclose(values[0], list(db.predict("lmu_ltau_s1", A, LABELS).values()), rtol=1e-12)
    assert np.all(np.isnan(values[1:]))
    for name, slope in slopes.items():
        assert np.isfinite(slope[0]) and slope[0] != 0.0, name
        assert np.all(np.isfinite(slope[1:])), name


def test_likelihood_where_the_model_is_not():
    """−∞ with a gradient of finite, exact zeros."""
    lik = db.likelihood("lmu_ltau_s1", None, terms=["DeltaM_s", "BR(Bs->mumu)"])
    both = jax.jit(jax.vmap(jax.value_and_grad(lik.log_prob)))
    values, slopes = both({name: jnp.asarray(column) for name, column in POINTS.items()})
    assert np.isfinite(values[0]) and any(slope[0] != 0.0 for slope in slopes.values())
    assert np.all(values[1:] == -np.inf)
    for name, slope in slopes.items():
        np.testing.assert_array_equal(slope[1:], np.zeros(len(NOWHERE)), err_msg=name)


def test_complex_parameters_that_are_no_numbers():
    predict = jax.jit(jax.vmap(lambda c: db.predictor("wet", ["BR(Bs->mumu)"])({"C10_bsmumu": c})[0]))
    values = predict(jnp.array([0.3 + 0.1j, complex(np.nan, 0.0), complex(0.0, np.inf)]))
    assert values[0] > 0.0 and np.all(np.isnan(values[1:]))


def test_known_numbers_are_refused_by_name():
    """Also inside of compiled code, where the others are traced."""
    predict = db.predictor("lmu_ltau_s1", LABELS)
    for change in NOWHERE.values():
        (name,) = change
        assert set(problems(predict, A | change)) == {f"point.{name}"}
        traced = jax.jit(lambda chi, change=change: predict(A | change | {"chi": chi}))
        assert set(problems(traced, 1e-3)) == {f"point.{name}"}
