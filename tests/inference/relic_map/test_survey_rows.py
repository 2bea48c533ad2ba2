"""Rows of m_zp where a survey needs them."""

from types import SimpleNamespace

import numpy as np

from darkbeauty.inference.relic_map.survey import MOST_PARTS, SHARE, _heavy_parts, _log_measure, _merge
from darkbeauty.inference.relic_map.survey_terms import Grid, PosteriorTables
from darkbeauty.likelihoods.priors import LogUniform, Uniform

GRID = Grid(np.array([1.0, 2.0, 3.0, 3.5, 6.0]), np.linspace(0.0, 1.0, 3), np.zeros(1))


def posterior(height):
    """A density of m_zp, the same for every r; tables that know their row."""
    rows = np.log(np.maximum(height, 1e-300))[:, None] * np.ones((1, 3))
    table = np.array(height, float)[:, None, None] * np.ones((1, 3, 2))
    return PosteriorTables(rows, np.zeros(1), table, table[:, :, None])


def test_what_holds_much_of_the_posterior_is_divided():
    found = posterior(np.array([1e-9, 1.0, 1.0, 1e-9, 1e-9]))
    more = _heavy_parts(GRID, found)
    inside = more[(more > 2.0) & (more < 3.0)]
    assert np.allclose(inside, np.linspace(2.0, 3.0, MOST_PARTS + 1)[1:-1])
    assert not np.any(more > 3.5)
    even = Grid(np.linspace(1.0, 2.0, int(1.0 / SHARE) + 2), GRID.stretched, GRID.quarks)
    assert len(_heavy_parts(even, posterior(np.ones(len(even.masses))))) == 0


def test_merged_rows_are_in_order_with_their_own_tables():
    other = GRID._replace(masses=np.array([2.5, 4.0]))
    grid, found = _merge(GRID, posterior(GRID.masses), other, posterior(other.masses))
    assert np.array_equal(grid.masses, [1.0, 2.0, 2.5, 3.0, 3.5, 4.0, 6.0])
    assert np.allclose(np.exp(found.log_density[:, 1]), grid.masses)
    assert np.allclose(found.quark_table[:, 0, 0], grid.masses)
    assert np.allclose(found.coupling_table[:, 2, 0, 1], grid.masses)


def test_the_prior_of_the_mass_counts():
    flat, falling, dark = Uniform(0.5, 8.0), LogUniform(0.5, 8.0), Uniform(0.01, 10.0)
    one, other = (
        _log_measure(SimpleNamespace(priors=SimpleNamespace(z_prime=prior, dark=dark)), GRID)
        for prior in (flat, falling)
    )
    assert np.allclose(other - one, np.log(7.5 / (np.log(16.0) * GRID.masses))[:, None], rtol=1e-10)
