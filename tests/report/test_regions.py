"""Credible regions of draws from densities that are known: they hold what they say, also of draws they never saw, without islands of noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.ndimage import label

from darkbeauty.report.regions import SHARES, Regions, regions

INF = (-math.inf, math.inf)
FRESH = 40_000


def sheared(random, n):
    """A Gaussian with a correlation of 0.999."""
    x, y = random.normal(size=(2, n))
    return x, 0.999 * x + math.sqrt(1.0 - 0.999**2) * y


def curved_sheet(random, n):
    """A parabola, at its ends the ends of a prior, with a thickness of 0.4 % of its length."""
    x = random.uniform(size=n)
    return x, x**2 + 0.004 * random.normal(size=n)


def at_an_edge(random, n):
    """Largest at the edge of the prior in x, flat between two edges in y."""
    return 0.2 * random.exponential(size=n), random.uniform(size=n)


def two_modes(random, n):
    """A wide and a narrow one."""
    of_first = random.random(n) < 0.7
    narrow = 0.3 * random.normal(size=(2, n))
    x, y = np.where(of_first, random.normal(size=(2, n)), np.array([[6.0], [3.0]]) + narrow)
    return x, y


TOYS = {
    "sheared": (sheared, INF, INF, 1, 0),
    "curved sheet": (curved_sheet, (0.0, 1.0), INF, 1, 1),
    "at an edge": (at_an_edge, (0.0, math.inf), (0.0, 1.0), 1, 0),
    "two modes": (two_modes, INF, INF, 2, 0),
}


def contents(made: Regions, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.array([made.inside(share, x, y).mean() for share in SHARES])


@pytest.fixture(scope="module", params=TOYS, ids=lambda name: name.replace(" ", "_"))
def made(request):
    """By number of draws: contents of the draws themselves, and of fresh ones, for several samples; number of pieces of the 95 % region; and what these should be."""
    draw, x_bounds, y_bounds, pieces, breaks = TOYS[request.param]
    results = {}
    for n in (1000, 4000):
        own, fresh, count = [], [], []
        for seed in range(4):
            random = np.random.default_rng([seed, n])
            x, y = draw(random, n)
            of_sample = regions(x, y, x_bounds, y_bounds)
            assert of_sample is not None
            own.append(contents(of_sample, x, y))
            fresh.append(contents(of_sample, *draw(random, FRESH)))
            count.append(label(of_sample.fields[0.95] > 0.0)[1])
        results[n] = np.array(own), np.array(fresh), count
    return results, pieces, breaks


def test_content_is_what_it_is_called(made):
    """What the density itself has in the region: within 2 % of every sample of 4000 draws; of 1000 on average over samples, and of each within two binomial errors more."""
    shares = np.array(SHARES)
    _, fresh, _ = made[0][4000]
    assert np.all(np.abs(fresh - shares) < 0.02), fresh
    _, fresh, _ = made[0][1000]
    assert np.all(np.abs(fresh.mean(axis=0) - shares) < 0.02), fresh
    assert np.all(np.abs(fresh - shares) < 0.02 + 2.0 * np.sqrt(shares * (1.0 - shares) / 1000)), fresh


def test_content_of_the_draws_themselves(made):
    own, _, _ = made[0][4000]
    assert np.all(np.abs(own.mean(axis=0) - SHARES) < 0.02), own


def test_no_islands_of_noise(made):
    """As many pieces as the density has; a sheet as thin as a cell of the grid may break once."""
    results, pieces, breaks = made
    assert all(pieces <= count <= pieces + breaks for _, _, counts in results.values() for count in counts)


def test_few_draws_make_no_region():
    x, y = np.random.default_rng(1).normal(size=(2, 999))
    assert regions(x, y, INF, INF) is None
    x, y = np.random.default_rng(1).normal(size=(2, 1000))
    assert regions(x, y, INF, INF) is not None
    assert regions(x, y, INF, INF, effective=399.0) is None
    assert regions(x, 0.0 * y, INF, INF) is None


def test_area_of_a_gaussian():
    """Smallest areas of 68 and 95 %: π χ²(p), χ² = −2 ln(1 − p) of two degrees of freedom; smoothing makes them larger by a few percent."""
    made = regions(*np.random.default_rng(2).normal(size=(2, 4000)), INF, INF)
    assert made is not None
    cell = (made.x[1] - made.x[0]) * (made.y[1] - made.y[0])
    for share, field in made.fields.items():
        expected = -2.0 * math.pi * math.log(1.0 - share)
        assert 0.97 < np.sum(field > 0.0) * cell / expected < 1.1


def test_equal_draws_count_once_for_the_shape():
    """Draws that a chain repeats are no structure: each one four times gives what a quarter of them gives."""
    x, y = np.random.default_rng(3).normal(size=(2, 1500))
    once = regions(x, y, INF, INF)
    often = regions(np.repeat(x, 4), np.repeat(y, 4), INF, INF, effective=1500.0)
    assert once is not None and often is not None
    fresh = np.random.default_rng(4).normal(size=(2, FRESH))
    np.testing.assert_allclose(contents(often, *fresh), contents(once, *fresh), atol=0.02)
