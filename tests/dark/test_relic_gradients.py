"""Gradients of the relic density by the differential equations against central differences at 40 points of each model: across thresholds and through the resonance."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.dark import boltzmann, kinetic
from darkbeauty.models import resolve_model

pytestmark = pytest.mark.slow

NAMES = ("y", "g", "m_zp", "m_dm")
RATIOS = (0.6, 0.9, 0.97, 0.995, 0.9999, 1.0001, 1.001, 1.005, 1.02, 1.05, 1.1, 1.15, 1.2, 1.3, 1.5, 1.8, 2.5)
# ends of y and g (log-uniform), of m_dm (uniform), masses of final states
BOXES = {
    "lmu_ltau_s1": ((0.1, 2.0), (1e-3, 1e-2), (0.7, 2.4), (1.77686,)),
    "le_lmu_r2": ((0.1, 2.5), (0.02, 1.0), (60.0, 480.0), (172.5,)),
}
CLOSE = (-1e-2, -1e-3, 1e-3, 1e-2)
"""Distances from a threshold, relative."""
COUNT = 40


def points(name: str) -> np.ndarray:
    """Every ratio m_Z′/2m_dm; a quarter of the points with m_dm close to a threshold."""
    random = np.random.default_rng(19)
    u = random.random((COUNT, 3))
    y, g, m_dm, thresholds = BOXES[name]
    values = [low * (high / low) ** u[:, i] for i, (low, high) in enumerate((y, g))]
    mass = m_dm[0] + (m_dm[1] - m_dm[0]) * u[:, 2]
    mass[::4] = thresholds[0] * (1.0 + np.resize(CLOSE, COUNT // 4))
    return np.stack([*values, 2.0 * np.resize(RATIOS, COUNT) * mass, mass], axis=1)


METHODS = {
    "boltzmann": lambda p: boltzmann.boltzmann(p).omega_h2,
    "kinetic": lambda p: kinetic.kinetic(p, 4).omega_h2,
}


def compiled(method: str, name: str):
    """ln Ωh² of many points, and of its gradient."""
    model = resolve_model(name)
    log_omega = lambda values: jnp.log(METHODS[method](model.at({**dict(zip(NAMES, values)), "chi": 0.0}).derive()))
    return (jax.jit(lambda many, f=f: jax.lax.map(f, many)) for f in (log_omega, jax.grad(log_omega)))


def by_differences(log_omega, values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """∂ln Ωh²/∂ln of every parameter, by differences of relative steps h and 2h, extrapolated; shape as values."""
    moves = [values * (1.0 + sign * steps * np.eye(4)[i]) for i in range(4) for sign in (-2.0, -1.0, 1.0, 2.0)]
    far, near, ahead, beyond = np.moveaxis(
        np.asarray(log_omega(jnp.asarray(np.concatenate(moves)))).reshape(4, 4, -1), 1, 0
    )
    return ((far - 8.0 * near + 8.0 * ahead - beyond) / (12.0 * steps.T)).T


@pytest.mark.parametrize("name", BOXES)
@pytest.mark.parametrize(("method", "tolerance"), [("boltzmann", 1e-3), ("kinetic", 3e-3)])
def test_gradients(method, name, tolerance):
    log_omega, gradient = compiled(method, name)
    values = points(name)
    apart = np.abs(values[:, 2] / (2.0 * values[:, 3]) - 1.0)[:, None]
    steps = np.concatenate([np.full((COUNT, 2), 1e-3), np.tile(np.minimum(1e-4, 0.01 * apart), 2)], axis=1)
    exact, difference = values * np.asarray(gradient(jnp.asarray(values))), by_differences(log_omega, values, steps)
    error = np.abs(exact - difference) / (np.abs(difference) + 1e-2)
    assert np.all(np.isfinite(exact))
    worst = np.unravel_index(np.argmax(error), error.shape)
    assert error.max() < tolerance, (values[worst[0]], NAMES[worst[1]], error.max())
