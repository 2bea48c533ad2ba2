"""Both prior boxes: relic density, x_f, ⟨σv⟩ and their gradients, finite on 50,000 draws, on and around every threshold and the resonance, and right."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import darkbeauty as db
from darkbeauty.inputs import load_sm

pytestmark = [pytest.mark.slow, pytest.mark.optimised]

DRAWS, CHUNK, CHECKED = 25_000, 5_000, 250
NAMES = ("y", "g", "m_zp", "m_dm")
LABELS = ["Omega_h2", "x_f", "sigmav(x=20)"]
# lower and upper ends of y and g (log-uniform), m_zp and m_dm (uniform; below m_heavy = 500)
BOXES = {
    "lmu_ltau_s1": ((0.01, 2.0), (1e-4, 1e-2), (1.0, 6.0), (0.01, 2.5)),
    "le_lmu_r2": ((0.01, 2.0 * np.pi**0.5), (1e-3, 1.0), (100.0, 2000.0), (50.0, 499.9)),
}
THRESHOLDS = {
    "lmu_ltau_s1": (0.0047, 0.093, 0.1056583755, 0.13957039, 1.77686, 1.86484),
    "le_lmu_r2": (172.5,),
}


def draws(name: str) -> np.ndarray:
    """Half of the points anywhere; a quarter with m_zp at 2m_dm(1 ± 10⁻¹² … 10⁻¹), a quarter with m_dm as close to a mass of a final state; a few on top."""
    random = np.random.default_rng(20261122)
    u = random.random((DRAWS, 4))
    (y, g, m_zp, m_dm) = BOXES[name]
    points = np.stack([low * (high / low) ** u[:, i] for i, (low, high) in enumerate((y, g))], axis=1)
    points = np.column_stack([points, *(low + (high - low) * u[:, i] for i, (low, high) in ((2, m_zp), (3, m_dm)))])
    close = 1.0 + random.choice([-1.0, 0.0, 1.0], DRAWS, p=[0.45, 0.1, 0.45]) * 10.0 ** random.uniform(
        -12.0, -1.0, DRAWS
    )
    first, second = slice(0, DRAWS // 4), slice(DRAWS // 4, DRAWS // 2)
    at_threshold = random.choice(THRESHOLDS[name], DRAWS) * close
    points[second, 3] = np.clip(at_threshold, *m_dm)[second]
    points[first, 2] = np.clip(2.0 * points[:, 3] * close, *m_zp)[first]
    return points


@pytest.fixture(scope="module", params=list(BOXES))
def box(request):
    """name, points, and a function of points to values (n, 3) and slopes (n, 3, 4) in reverse mode, compiled for chunks."""
    name = request.param
    predictor = db.predictor(name, LABELS)
    function = lambda vector: predictor(dict(zip(NAMES, vector))).real
    both = lambda vector: (function(vector), jax.jacrev(function)(vector))
    chunk = jax.jit(lambda points: jax.lax.map(both, points, batch_size=50))

    def evaluate(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        padded = np.concatenate([points, np.repeat(points[:1], -len(points) % CHUNK, axis=0)])
        parts = [jax.tree.map(np.asarray, chunk(part)) for part in padded.reshape(-1, CHUNK, 4)]
        return tuple(np.concatenate(column)[: len(points)] for column in zip(*parts))

    points = draws(name)
    return name, points, evaluate, function, *evaluate(points)


def expands_faster(points: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Whether annihilation is slower than expansion at x = 20, as it always is for a particle that never was in equilibrium: it has no x_f and no Ωh²."""
    m_dm, table = points[:, 3], load_sm().thermodynamics
    g_star = np.interp(np.log(m_dm / 20.0), table.log_t, table.g_rho)
    return np.log(0.076 * 1.22089e19 * m_dm * values[:, 2] / np.sqrt(g_star * 20.0)) < 20.0


def test_finite_everywhere(box):
    name, points, _, _, values, slopes = box
    never = np.isnan(values[:, :2])
    assert np.all(never[:, 0] == never[:, 1]) and np.all(expands_faster(points, values)[never[:, 0]])
    known = np.where(np.column_stack([never, np.zeros(len(points), bool)]), 1.0, values)
    bad = ~(np.isfinite(known) & np.all(np.isfinite(slopes), axis=2))
    assert not bad.any(), (
        name,
        {LABELS[j]: points[np.argmax(bad[:, j])].tolist() for j in range(3) if bad[:, j].any()},
    )
    assert np.all(known > 0.0)
    assert not np.any(np.all(slopes == 0.0, axis=2)[values[:, 1] > 1.0])


def test_forward_is_reverse(box):
    _, points, _, function, _, slopes = box
    some = slice(0, None, DRAWS // CHECKED)
    forward = jax.jit(lambda points: jax.lax.map(jax.jacfwd(function), points, batch_size=50))(points[some])
    scale = np.abs(slopes[some]).max(axis=2, keepdims=True) + 1e-300
    assert np.max(np.abs(np.asarray(forward) - slopes[some]) / scale) < 1e-7


def test_gradients_are_differences(box):
    """Central differences at steps h and h/2: where they agree to 3e-6 the Richardson value agrees with the gradient to 1e-4."""
    _, points, evaluate, _, values, slopes = box
    some = slice(0, None, DRAWS // CHECKED)
    points, values, slopes = points[some], values[some], slopes[some]
    step = 1e-5 * points
    moves = [sign * scale * step * np.eye(4)[i] for i in range(4) for scale in (1.0, 0.5) for sign in (1.0, -1.0)]
    found = evaluate(np.concatenate([points + move for move in moves]))[0].reshape(4, 2, 2, len(points), 3)
    coarse = (found[:, 0, 0] - found[:, 0, 1]) / (2.0 * step.T[..., None])
    fine = (found[:, 1, 0] - found[:, 1, 1]) / step.T[..., None]
    best, exact = (4.0 * fine - coarse) / 3.0, slopes.transpose(2, 0, 1)
    resolved = (np.abs(fine - coarse) < 3e-6 * np.abs(best)) & (
        np.abs(best) > 1e-2 * np.abs(values) / points.T[..., None]
    )
    error = np.where(resolved, np.abs(best - exact) / np.where(resolved, np.abs(best), 1.0), 0.0)
    assert np.max(error) < 1e-4, points[np.unravel_index(np.argmax(error), error.shape)[1]]
    assert np.sum(resolved) > 0.4 * resolved.size
