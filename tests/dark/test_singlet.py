"""The scalar singlet just below half the mass of the Higgs boson: our solvers with a cross section and a scattering rate that are not ours, against scipy and the published effect."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from singlet import Singlet

from darkbeauty.dark import kinetic, phase_space
from darkbeauty.dark.averages import averages_of, look_up
from darkbeauty.dark.boltzmann import Relic, relic_yield
from darkbeauty.dark.kinetic import GAMMA_DEGREE, GAMMA_PANELS, Problem
from darkbeauty.dark.rate_table import abscissae, to_coefficients
from darkbeauty.dark.thermal_average import Spectrum
from darkbeauty.inputs import load_sm
from darkbeauty.status import Status

SM = load_sm()
POINTS = ((57.5, 2.4e-3), (60.0, 9e-4), (62.0, 4e-4))
"""Mass [GeV] and coupling, Ωh² of the Boltzmann equation near 0.1."""


def as_ours(singlet: Singlet) -> tuple[Spectrum, jnp.ndarray]:
    """A particle of one state is half of one of two states that annihilates half as fast; coefficients of ln γ."""
    excess, weight = singlet.spectrum
    log_x = abscissae(GAMMA_PANELS, GAMMA_DEGREE)
    log_gamma = np.log(singlet.gamma(singlet.mass * np.exp(-log_x.ravel())) + kinetic.NO_RATE)
    return Spectrum(jnp.asarray(excess), jnp.asarray(0.5 * weight / (8.0 * singlet.mass**5))), jnp.asarray(
        to_coefficients(jnp.asarray(log_gamma).reshape(*log_x.shape, 1))
    )


def problem_of(nodes: Spectrum, log_gamma: jnp.ndarray, mass: jnp.ndarray) -> Problem:
    tabulated = averages_of(nodes)
    return Problem(tabulated, log_gamma, Relic(lambda log_x: look_up(tabulated, log_x)[0], 0.0, mass))


SINGLETS = [Singlet(*point) for point in POINTS]


@pytest.fixture(scope="module")
def parts():
    """Spectrum, coefficients of ln γ and mass of every singlet, the last one of all an s wave; leaves with an axis for these."""
    every = [(*as_ours(singlet), jnp.asarray(singlet.mass)) for singlet in SINGLETS]
    nodes, log_gamma, mass = every[0]
    slow = jnp.asarray(nodes.excess)
    beta = jnp.sqrt(slow * (2.0 + slow)) / (1.0 + slow)
    every.append((nodes._replace(weight=1e-9 * beta * (1.0 + slow) ** 4 * jnp.gradient(slow)), log_gamma, mass))
    size = max(nodes.excess.size for nodes, _, _ in every)
    pad = lambda a: jnp.pad(a, (0, size - a.size))
    every = [(Spectrum(pad(nodes.excess), pad(nodes.weight)), *rest) for nodes, *rest in every]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *every)


@pytest.fixture(scope="module")
def solved(parts):
    """Ωh² and status by the Boltzmann equation and with kinetic decoupling, shape (particles, 2)."""

    def one(given):
        problem = problem_of(*given)
        y, status = relic_yield(problem.relic, SM)
        log_y, ended = kinetic._solved(problem, SM, 1.0, 4)
        return 0.5 * 2.744e8 * given[2] * jnp.stack([y, jnp.exp(log_y)]), jnp.stack([status, ended])

    return jax.tree.map(np.asarray, jax.jit(lambda many: jax.lax.map(one, many))(parts))


def test_against_scipy(solved):
    omega, status = solved
    assert np.all(status == Status.SUCCESS)
    for singlet, (standard, coupled) in zip(SINGLETS, omega):
        assert coupled == pytest.approx(singlet.omega(), rel=5e-3)
        assert standard == pytest.approx(singlet.omega(1e9), rel=5e-3)


def test_published_effect(solved):
    """Early kinetic decoupling below the resonance leaves severalfold, up to an order of magnitude more (arXiv:1706.07433); nothing of the kind in an s wave."""
    ratio = solved[0][:, 1] / solved[0][:, 0]
    assert np.all(ratio[:-1] > 1.05) and np.all(ratio[:-1] < 12.0) and ratio[:-1].max() > 1.8
    assert ratio[-1] == pytest.approx(1.0, rel=1e-2)


@pytest.mark.slow
def test_momentum_distribution(solved, parts):
    """The full equation: that of Boltzmann where scattering is 10⁴ times as fast and for an s wave, near the coupled ones for the singlet; a batch is its members."""
    scales = jnp.array([1.0, 1.0, 1.0, 1.0, 1e4])
    particles = jnp.array([0, 1, 2, 3, 0])
    chosen = jax.tree.map(lambda leaf: leaf[particles], parts)
    one = lambda given, scale: phase_space.solve(SM, problem_of(*given), given[0], scale)
    together = jax.jit(jax.vmap(one))(chosen, scales)
    single = jax.jit(one)(jax.tree.map(lambda leaf: leaf[0], chosen), 1.0)
    assert set(np.asarray(together.status)) == {Status.SUCCESS}
    assert float(single.omega_h2) == pytest.approx(float(together.omega_h2[0]), rel=1e-9)
    standard, coupled = solved[0].T
    omega = 0.5 * np.asarray(together.omega_h2)
    np.testing.assert_allclose(omega[3:], [standard[3], standard[0]], rtol=1e-2)
    assert np.all((omega[:3] > standard[:3]) & (omega[:3] < 2.0 * coupled[:3]))
