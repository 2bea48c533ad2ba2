"""The deck's whole prior box: every light observable of Lμ−Lτ ⊕ S1 and its gradient, finite on 20,000 draws and right where differences can tell."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.inputs import load_sm
from darkbeauty.observables import REGISTRY
from darkbeauty.prediction import usage

pytestmark = [pytest.mark.slow, pytest.mark.optimised]

DRAWS, CHUNK, CHECKED = 20_000, 2_000, 100
NAMES = ("y", "g", "m_zp", "m_dm")
AT = {"[q2min,q2max]": "[1.1,6]", "[q2]": "[4.3]", "[q2left,q2peak,q2right]": "[1.1,4,6]"}
HIGH = {"[q2min,q2max]": "[15,20]", "[q2]": "[15.5]", "[q2left,q2peak,q2right]": "[15,17,20]"}
LEP = {"[E,cosmin,cosmax]": "[200,-0.5,0.5]", "[E]": "[200]"}
HEAVY = ("K*", "phi", "Lambda", "rho", "B0->K", "B+->pi", "B0->pi", "boltzmann", "kinetic", "phase_space", "_kd")


def labels() -> list[str]:
    """Every registered observable but B → V and Λ_b decays (and B⁰ → K, B → π, the code of B⁺ → K) and relic densities by differential equations with kinetic decoupling, which may never be, at one bin or q², ττ at high q²."""
    chosen = []
    for observable in REGISTRY:
        if any(name in observable.name for name in HEAVY):
            continue
        label = usage(observable).replace("x=…", "x=20")
        for pattern, numbers in (LEP | (HIGH if "tau" in label else AT)).items():
            label = label.replace(pattern, numbers)
        chosen.append(label)
    return chosen


LABELS = labels()
FROZEN = np.array([label in ("Omega_h2", "x_f") or label.startswith("BR(NN->") for label in LABELS])
"""What freeze-out gives."""


def draws() -> np.ndarray:
    """y and g log-uniform, masses uniform; shape (DRAWS, 4)."""
    u = np.random.default_rng(20261122).random((DRAWS, 4))
    y, g = (low * (high / low) ** u[:, i] for i, (low, high) in enumerate(((0.01, 2.0), (1e-4, 1e-2))))
    return np.stack([y, g, 1.0 + 5.0 * u[:, 2], 0.1 + 2.4 * u[:, 3]], axis=1)


@pytest.fixture(scope="module")
def evaluate():
    """(n, 4) → values (n, observables) and slopes (n, 4, observables), complex; one function compiled for chunks."""
    predictor = db.predictor("lmu_ltau_s1", LABELS)
    function = lambda vector: predictor(dict(zip(NAMES, vector)))
    along = lambda vector: jax.vmap(lambda t: jax.jvp(function, (vector,), (t,)), out_axes=(None, 0))(jnp.eye(4))
    chunk = jax.jit(lambda points: jax.lax.map(along, points, batch_size=50))

    def all_chunks(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padding = -len(points) % CHUNK
        padded = np.concatenate([points, np.repeat(points[:1], padding, axis=0)])
        parts = [jax.tree.map(np.asarray, chunk(part)) for part in padded.reshape(-1, CHUNK, 4)]
        values, slopes = (np.concatenate(column)[: len(points)] for column in zip(*parts))
        return values, slopes

    return all_chunks


@pytest.fixture(scope="module")
def table(evaluate):
    points = draws()
    return points, *evaluate(points)


def test_what_never_was_in_equilibrium(table):
    """It has no x_f, no Ωh² and no shares: its annihilation is slower than expansion at x = 20, too."""
    points, values, _ = table
    missing = np.isnan(values[:, FROZEN])
    never, m_dm, thermodynamics = missing[:, 0], points[:, 3], load_sm().thermodynamics
    g_star = np.interp(np.log(m_dm / 20.0), thermodynamics.log_t, thermodynamics.g_rho)
    rate = 0.076 * 1.22089e19 * m_dm * values[:, LABELS.index("sigmav(x=20)")].real / np.sqrt(g_star * 20.0)
    assert np.all(missing == never[:, None]) and np.all(np.log(rate[never]) < 20.0)
    assert 0 < never.sum() < 0.25 * len(never)


def test_finite_everywhere(table):
    points, values, slopes = table
    never = np.isnan(values[:, LABELS.index("x_f")])
    values = np.where(never[:, None] & FROZEN, 0.0, values)
    bad = ~(np.isfinite(values) & np.all(np.isfinite(slopes), axis=1))
    found = {LABELS[j]: points[np.argmax(bad[:, j])].tolist() for j in np.flatnonzero(bad.any(axis=0))}
    assert not found


def test_gradients_are_differences(table, evaluate):
    """Central differences at steps h and h/2: where they agree to 3e-6 the Richardson value agrees with the gradient to 1e-5."""
    points, values, slopes = (array[:CHECKED] for array in table)
    step = 1e-4 * points
    shifted = [
        points + sign * scale * step * np.eye(4)[i] for i in range(4) for scale in (1.0, 0.5) for sign in (1.0, -1.0)
    ]
    found = evaluate(np.concatenate(shifted))[0].reshape(4, 2, 2, CHECKED, -1)
    coarse = (found[:, 0, 0] - found[:, 0, 1]) / (2.0 * step.T[..., None])
    fine = (found[:, 1, 0] - found[:, 1, 1]) / step.T[..., None]
    best, exact = (4.0 * fine - coarse) / 3.0, slopes.transpose(1, 0, 2)
    size = np.abs(values) / points.T[..., None]
    resolved = (np.abs(fine - coarse) < 3e-6 * np.abs(best)) & (np.abs(best) > 1e-2 * size)
    # the difference of two quadratures: a bound, and rounding where they agree
    resolved[..., ["sigmav_error" in label for label in LABELS]] = False
    error = np.where(resolved, np.abs(best - exact) / np.where(resolved, np.abs(best), 1.0), 0.0)
    report = [(LABELS[j], NAMES[i], points[n].tolist()) for i, n, j in zip(*np.nonzero(error > 1e-4))]
    assert not report, report[:10]
    # a step that carries a node across a knot of the tables in q² or T sees the mean of two slopes
    assert np.sum(error > 1e-5) <= 1e-3 * resolved.sum()
    depends = np.abs(exact) > 1e-2 * size
    assert resolved.sum() > 0.8 * depends.sum()
