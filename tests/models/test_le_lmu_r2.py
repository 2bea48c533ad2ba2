"""Le−Lμ ⊕ R̃2: check values of physics.md §§2–4 and 7, and what distinguishes it from the other model."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.models import loops, resolve_model
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1

B = {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0}
NAMES = (*B, "sin_mix", "r_s", "m_heavy")
DEFAULTS = {"sin_mix": 0.22, "r_s": 1.0, "m_heavy": 500.0}


def summary(values: dict[str, jax.Array]) -> dict[str, jax.Array]:
    model = resolve_model("le_lmu_r2").at(values)
    p = model.derive()
    w, zp = p.wilson, p.z_prime
    return {
        "width": zp.width,
        "partial": zp.partial,
        "charges": model.charge_matrix,
        "v_sb": p.leptoquark.penguin,
        **{name: w.lepton(name, slice(None), w.propagator(1.0)) for name in ("C9", "C9p", "C10", "C10p", "CL", "CR")},
        "dipoles": jnp.array([w.dipole(name) for name in ("C7", "C7p", "C8", "C8p")], complex),
        "mixing": model.meson_mixing_at_leptoquark_scale()["bs"],
        "xi_t": p.sm.ckm.xi("t"),
        "pair": zp.quark_vertex("bs") * p.dark_matter.coupling * zp.pair_factor,
        "quarks": model.derive().z_prime.vertex["bs"],
    }


@pytest.fixture(scope="module")
def at():
    compiled = jax.jit(lambda vector: summary(dict(zip(NAMES, vector))))

    def evaluate(**point: float) -> dict:
        values = {**DEFAULTS, **point}
        return jax.tree.map(np.asarray, compiled(jnp.array([float(values[name]) for name in NAMES])))

    return evaluate


def test_check_values(at):
    found = at(**B)
    assert found["width"] == pytest.approx(4.899, rel=1e-4, abs=0.0)
    assert found["v_sb"] == pytest.approx(0.45804941602961, rel=1e-10, abs=0.0)
    assert found["mixing"] == pytest.approx(3.26775e-10, rel=3e-6, abs=0.0)
    assert float(loops.box_f(0.1736, 0.05)) == pytest.approx(0.71574113, rel=1e-8, abs=0.0)
    assert float(loops.box_g(0.1736, 0.05)) == pytest.approx(0.98457315, rel=1e-8, abs=0.0)


def test_muon_coefficient_is_negative(at):
    """C₉^μ = −1.8709 V_sb = −0.857 for α = 1/132.116, |V_tbV_ts*| = 0.0411997, up to q²/m² and Γ/m."""
    found = at(**B)
    given = (found["C9"] * found["xi_t"] / (-0.0411997)).real
    assert given[1] == pytest.approx(-1.8709 * 0.45804941602961, rel=2e-4, abs=0.0)
    assert given[1] == pytest.approx(-0.857, abs=1e-3)
    assert given[0] == -given[1] and given[2] == 0.0


def test_only_left_handed_quarks(at):
    found = at(**B)
    for name in ("C9p", "C10", "C10p", "CR"):
        assert np.all(found[name] == 0.0), name
    assert found["dipoles"][1] == found["dipoles"][3] == 0.0 and found["dipoles"][0] != 0.0
    np.testing.assert_allclose(found["CL"], found["C9"] / 2.0, rtol=1e-14)


def test_charges(at):
    """Q_ℓℓ = +cos 2δ: the light state is mostly N_e; it enters b → s NN with its sign."""
    found = at(**B)
    double = 2.0 * np.arcsin(0.22)
    np.testing.assert_allclose(np.diag(found["charges"]), [np.cos(double), -np.cos(double)], rtol=1e-14)
    assert abs(found["charges"][0, 1]) == pytest.approx(np.sin(double), rel=1e-14)
    np.testing.assert_allclose(found["pair"], found["quarks"] * 0.3 * np.cos(double), rtol=1e-14)


def test_widths(at):
    """Two charged leptons and two neutrinos of charge ±1, dark matter pairs, no hadrons."""
    m, g = 671.0, 0.3
    found = at(**B)["partial"]
    unit = g**2 * m / (12.0 * np.pi)
    np.testing.assert_allclose([found["ee"], found["mumu"], found["nunu"]], unit, rtol=1e-6)
    assert found["tautau"] == found["hadrons"] == 0.0
    q = 1.0 - 2.0 * 0.22**2
    np.testing.assert_allclose(found["NN"], 0.5 * unit * q**2 * (1.0 - 4.0 * (286.0 / m) ** 2) ** 1.5, rtol=1e-12)


def test_same_loops_as_the_other_model():
    """With the same content of the light state, everything but charges and chirality agrees."""
    a = LmuLtauS1().at({**B, "chi": 0.0, "sin_mix": float(np.sqrt(1.0 - 0.22**2))}).derive()
    b = LeLmuR2().at(B).derive()
    assert float(a.leptoquark.penguin) == pytest.approx(float(b.leptoquark.penguin), rel=1e-12)
    assert float(a.wilson.meson_mixing_of("bs")) == pytest.approx(float(b.wilson.meson_mixing_of("bs")), rel=1e-12)
    assert complex(a.wilson.dipole("C7p")) == pytest.approx(complex(b.wilson.dipole("C7")), rel=1e-12)


def test_kinetic_mixing_is_refused():
    with pytest.raises(db.InputError, match="chi"):
        db.predict("le_lmu_r2", {**B, "chi": 1e-3}, ["V_sb"])


@pytest.mark.parametrize(
    ("given", "path"), [({"convention": "painted"}, "convention"), ({"extra_channels": ("ww",)}, "extra_channels")]
)
def test_unknown_choices_are_refused(given, path):
    with pytest.raises(db.InputError, match=path):
        LeLmuR2(**given)
