"""Annihilation through H1 and H2 and co-annihilation against adaptive quadrature, and the channels that a flag adds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from oracle import M_PLANCK, Oracle
from scipy.special import kve

from darkbeauty.dark import freeze_out, thermal_average
from darkbeauty.inputs import load_sm
from darkbeauty.models.le_lmu_r2 import LeLmuR2
from darkbeauty.models.lmu_ltau_s1 import LmuLtauS1
from darkbeauty.observables import REGISTRY
from darkbeauty.status import Status

# -- H1 and H2: m_dm below, at and above m_h1/2, m_h2/2 and the thresholds of W and t; (m_dm, sin ζ, m_h1, m_h2), x ------------------------

SCALARS = [
    ((56.25, 0.1, 125.0, 500.0), 20.0),
    ((62.4375, 0.1, 125.0, 500.0), 50.0),
    ((62.5, 0.1, 125.0, 500.0), 1000.0),
    ((62.51, 0.1, 125.0, 500.0), 20.0),
    ((80.4, 0.1, 125.0, 500.0), 1000.0),
    ((172.6, 0.1, 125.0, 500.0), 5.0),
    ((249.9, 0.1, 125.0, 500.0), 20.0),
    ((250.0, 0.1, 125.0, 500.0), 1.0),
    ((250.1, 0.1, 125.0, 500.0), 1e5),
    ((130.0, 0.01, 125.0, 300.0), 20.0),
    ((60.0, 1e-3, 125.0, 126.0), 5.0),
    ((61.0, 0.05, 125.0, 125.0001), 1000.0),
]
SCALAR_NAMES = ("m_dm", "sin_zeta", "m_h1", "m_h2")
REST = {"y": 0.3, "g": 0.2, "m_zp": 1500.0}


@pytest.fixture(scope="module")
def with_scalars():
    model = LeLmuR2(extra_channels=("higgs",))

    def evaluate(values, x):
        dark = model.at({**REST, **dict(zip(SCALAR_NAMES, values))}).derive().dark_matter
        parts = thermal_average.channel_averages(dark, x)
        both = thermal_average.sigma_v_with_error(dark, x)
        return both.value, both.error, sum(parts.values()), parts["WW"]

    points, x = (np.array(column) for column in zip(*SCALARS))
    return np.stack(jax.jit(jax.vmap(evaluate))(points, x), axis=1)


@pytest.mark.parametrize("k", range(len(SCALARS)))
def test_scalars(with_scalars, k):
    values, x = SCALARS[k]
    oracle = Oracle("le_lmu_r2", **REST, m_dm=values[0], higgs=values[1:])
    expected = oracle.sigma_v(x) + oracle.scalars(x)
    value, error, parts, vectors = with_scalars[k]
    assert value == pytest.approx(expected, rel=1e-6, abs=0.0)
    assert abs(value - expected) <= error <= 1e-5 * value
    assert parts == pytest.approx(value, rel=1e-12, abs=0.0)
    assert vectors > 0.0


# -- co-annihilation ---------------------------------------------------------------------------------------------------------------------

ETA = {"y_eta": 0.0, "m_eta": 400.0}
PAIRS = {
    "le_lmu_r2": (
        {"y": 1.1, "g": 0.3, "m_zp": 671.0, "m_dm": 286.0, "m_heavy": 300.0, **ETA},
        {"y": 0.5, "g": 0.1, "m_zp": 620.0, "m_dm": 286.0, "m_heavy": 289.0, **ETA},
        {"y": 0.5, "g": 0.1, "m_zp": 620.0, "m_dm": 286.0, "m_heavy": 340.0, "y_eta": 1.5, "m_eta": 500.0},
        {"y": 1.0, "g": 0.3, "m_zp": 1400.0, "m_dm": 160.0, "m_heavy": 172.0, **ETA},
    ),
    "lmu_ltau_s1": (
        {"y": 2.0, "g": 2e-3, "m_zp": 4.0, "m_dm": 1.7, "m_heavy": 1.8, **ETA},
        {"y": 0.3, "g": 2e-3, "m_zp": 3.41, "m_dm": 1.7, "m_heavy": 1.71, **ETA},
        {"y": 2.0, "g": 2e-3, "m_zp": 3.5, "m_dm": 1.7, "m_heavy": 2.5, **ETA},
    ),
}
TEMPERATURES = (5.0, 20.0, 50.0)
LOG_EDGES = np.array([0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0, 3.0, 4.0, 5.5, 7.0, 9.0, 11.0, 13.0, 15.0, 18.0, 21.0, 25.0])
LOG_X, LOG_WEIGHT = np.polynomial.legendre.leggauss(10)
LOG_X = (0.5 * (LOG_EDGES[1:] + LOG_EDGES[:-1])[:, None] + 0.5 * np.diff(LOG_EDGES)[:, None] * LOG_X).ravel()
LOG_WEIGHT = (0.5 * np.diff(LOG_EDGES)[:, None] * LOG_WEIGHT).ravel()
CASES = [(name, k) for name, points in PAIRS.items() for k in range(len(points))]


def defaults(name: str) -> dict[str, float]:
    return {"chi": 1e-3} if name == "lmu_ltau_s1" else {}


@pytest.fixture(scope="module")
def together():
    """(name, k) → freeze-out, ⟨σv⟩ at TEMPERATURES and along the tail."""
    table = {}
    for kind in (LeLmuR2, LmuLtauS1):
        model = kind(extra_channels=("coannihilation",))
        points = PAIRS[model.name]
        names, values = tuple(points[0]), np.array([list(point.values()) for point in points])

        def evaluate(v, model=model, names=names):
            p = model.at(dict(zip(names, v))).derive()
            found = freeze_out.freeze_out(p)
            x = jnp.concatenate([jnp.array(TEMPERATURES), found.x_f[None], found.x_f * jnp.exp(LOG_X)])
            return found, jax.lax.map(lambda x: thermal_average.sigma_v(p.dark_matter, x), x)

        found, rates = jax.jit(jax.vmap(evaluate))(values)
        for k in range(len(points)):
            table[model.name, k] = jax.tree.map(lambda column, k=k: np.asarray(column[k]), (found, rates))
    return table


def population(point: dict[str, float], x: float) -> float:
    ratio = point["m_heavy"] / point["m_dm"]
    return 1.0 + ratio**2 * kve(2, ratio * x) / kve(2, x) * np.exp(-(ratio - 1.0) * x)


@pytest.mark.parametrize(("name", "k"), CASES)
def test_effective_thermal_average(together, name, k):
    """Σ_ij ⟨σ_ijv⟩n_in_j/n², each pair by adaptive quadrature."""
    point = PAIRS[name][k]
    oracle, rates = Oracle(name, **point, **defaults(name)), together[name, k][1]
    for x, value in zip(TEMPERATURES, rates):
        total = oracle.pair(0, 0, x) + 2.0 * oracle.pair(0, 1, x) + oracle.pair(1, 1, x)
        assert value == pytest.approx(total / population(point, x) ** 2, rel=1e-6, abs=0.0)


@pytest.mark.parametrize(("name", "k"), CASES)
def test_freeze_out_with_companions(together, name, k):
    """x_f with g = 2 · population, and J over the effective ⟨σv⟩."""
    found, rates = together[name, k]
    point, x_f, sm = PAIRS[name][k], float(found.x_f), load_sm().thermodynamics
    g_star = np.interp(np.log10(point["m_dm"] / x_f), sm.log_t / np.log(10.0), sm.g_rho)
    at_x_f, tail = rates[len(TEMPERATURES)], rates[len(TEMPERATURES) + 1 :]
    argument = 0.076 * population(point, x_f) * M_PLANCK * point["m_dm"] * at_x_f / np.sqrt(g_star * x_f)
    assert found.status == Status.SUCCESS and np.log(argument) == pytest.approx(x_f, rel=1e-9, abs=0.0)
    j = LOG_WEIGHT @ (tail * np.exp(-LOG_X)) / x_f
    assert float(found.j) == pytest.approx(j, rel=2e-6, abs=0.0)


def test_heavy_companions_do_not_matter():
    """With M_h = 3M the flag changes nothing; all flags together add to the rate."""
    values = {"y": 0.7, "g": 0.2, "m_zp": 500.0, "m_dm": 150.0, "m_heavy": 450.0}
    models = [
        LeLmuR2(extra_channels=extra)
        for extra in ((), ("coannihilation",), ("flavour_violating", "higgs", "coannihilation"))
    ]
    run = jax.jit(lambda v: [freeze_out.freeze_out(m.at(dict(zip(values, v))).derive()).omega_h2 for m in models])
    alone, together, everything = (float(omega) for omega in run(list(values.values())))
    assert together == pytest.approx(alone, rel=1e-12, abs=0.0)
    assert 0.1 * alone < everything < 0.99 * alone


@pytest.mark.parametrize("model", [LeLmuR2, LmuLtauS1])
def test_every_final_state_has_observables(model):
    """So that the shares BR(NN->…) add up to 1 with every flag."""
    point = {"y": 0.7, "g": 0.2, "m_zp": 500.0, "m_dm": 150.0}
    dark = model(extra_channels=("flavour_violating", "higgs", "coannihilation")).at(point).derive().dark_matter
    finals = {
        *dark.scalar_channels.finals,
        *(final for s in dark.states() for final in (*s.channels.finals, *s.exchange.finals)),
    }
    finals |= {"ZpZp", "ZpH1", "ZpH2"}
    labels = {f"BR(NN->{final})" for final in finals} | {f"sigmav(NN->{final})" for final in finals}
    assert len(finals) > 15 and labels <= {observable.name for observable in REGISTRY}
