"""Gauss–Legendre rules and the rule for a pole on a line, against exact values."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from darkbeauty.numerics.quadrature import gauss_legendre, inserted, kept, legendre_rule, pole_rule, total


def test_nodes_are_inside_and_distances_exact():
    edges = jnp.array([0.0, 1.0, 3.0])
    rule = pole_rule(edges, 1.7, 1e-9, 12)
    assert rule.node.shape == rule.weight.shape == (36,)
    assert jnp.all((rule.node >= 0.0) & (rule.node <= 3.0)) and jnp.all(rule.weight > 0.0)
    np.testing.assert_allclose(rule.node - 1.7, rule.offset, atol=1e-15)
    assert jnp.min(jnp.abs(rule.offset)) < 1e-9


def test_gauss_legendre():
    for n in (1, 2, 5):
        x, w = gauss_legendre(n)
        for power in range(2 * n):
            assert x**power @ w == pytest.approx((1.0 + (-1.0) ** power) / (power + 1.0), abs=1e-15)


def test_legendre_rule():
    s, weight = legendre_rule(1.1, 6.0, 16)
    np.testing.assert_allclose(jnp.exp(-s) @ weight, np.exp(-1.1) - np.exp(-6.0), rtol=1e-13)


@pytest.mark.parametrize("width", [1e-9, 1e-5, 1e-2])
@pytest.mark.parametrize("centre", [-3.0, 0.0, 1.0, 1.7, 3.0, 7.0])
def test_lorentzian(width, centre):
    """∫ dv/((v − c)² + w²) over [0, 3]"""
    rule = pole_rule(jnp.array([0.0, 1.0, 3.0]), centre, width, 24)
    exact = np.arctan2(3.0 * width, width**2 + centre * (centre - 3.0)) / width
    np.testing.assert_allclose(rule.weight @ (1.0 / (rule.offset**2 + width**2)), exact, rtol=5e-8)


def test_inserted_is_sorted():
    edges = jnp.array([0.0, 0.5, 0.5, 2.0])
    for value in (-1.0, 0.0, 0.3, 0.5, 1.9, 2.0, 7.0):
        np.testing.assert_array_equal(inserted(edges, value), np.sort([*np.asarray(edges), value]))


def test_kept_changes_no_bit():
    values = jnp.array([0.1, -1e-310, 5e-324, 1e308, -0.0, jnp.inf, jnp.nan])
    np.testing.assert_array_equal(jax.jit(kept)(values).view(np.int64), values.view(np.int64))
    slope = jax.grad(lambda x: total(x**3))(jnp.array([2.0, 3.0]))
    np.testing.assert_array_equal(slope, [12.0, 27.0])


def test_total():
    terms = np.random.default_rng(3).normal(size=(3, 1000))
    np.testing.assert_allclose(jax.jit(total)(terms), [math.fsum(row) for row in terms], rtol=1e-12, atol=1e-12)
