r"""Exponentially scaled modified Bessel functions e^z K_n(z), n = 0, 1, 2, for the thermal average.

    0 < z < 2   K0 = p0(t) − ln(z/2) I0(t),  K1 = 1/z + z [p1(t) + ln(z/2) I1(t)/z],  t = z²/4    Abramowitz–Stegun 9.6.11, 9.6.13
    z ≥ 2       √z e^z K_n = P(w)/Q(w),  w = 1/z, all coefficients positive

Coefficients: tools/bessel_coefficients.py (mpmath). Derivatives are those of the expansions themselves, by plain autodiff:
K1e' = K1e (1 − 1/z) − K0e would lose all digits at large z, where the two terms cancel.

`k0e`, `k1e`, `k2e` hold for every z and evaluate both branches under vmap. `k0e_large`, `k1e_large`, `k2e_large` are the second
branch alone: two polynomials of degree 7, a division, an inverse root. An integrand with z = x√s/M ≥ 2x and x ≥ 1 needs no more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

# fmt: off
_I0 = (
    1.0,
    1.0,
    0.249999999999999,
    0.027777777777790523,
    0.0017361111110283252,
    6.944444475322255e-05,
    1.9290116449015386e-06,
    3.936858241069583e-08,
    6.142859303643914e-10,
    7.982920901751804e-12,
)
_I1_OVER_Z = (
    0.5,
    0.25,
    0.04166666666666662,
    0.0034722222222227997,
    0.00017361111110736062,
    5.787037051026832e-06,
    1.3778656436613152e-07,
    2.460519504367195e-09,
    3.413550792390404e-11,
    3.9734334770599346e-13,
)
_P0 = (
    -0.5772156649015329,
    0.4227843350984672,
    0.23069608377461445,
    0.03489215745646892,
    0.002614787618610217,
    0.00011848039436836223,
    3.612622452747443e-06,
    7.935328137352067e-08,
    1.3147877336324059e-09,
    1.8015293331696398e-11,
)
_P1 = (
    0.03860783245076643,
    -0.16819608377461678,
    -0.0453937917402138,
    -0.004795547459834027,
    -0.00027883987298262935,
    -1.0355619256757906e-05,
    -2.6788640230692813e-07,
    -5.1133219873757516e-09,
    -7.496061672679994e-11,
    -9.163035769956707e-13,
)
_K0_NUMERATOR = (
    1.2533141373155,
    16.45607911157568,
    77.14953447628102,
    161.99273385942791,
    156.64562879162634,
    64.30387747359238,
    8.823158692965569,
    0.18953062135885562,
)
_K0_DENOMINATOR = (
    1.0,
    13.255051454476494,
    63.14299136360763,
    136.2856216080985,
    138.43976683958613,
    62.39471284143255,
    10.443281368871842,
    0.4029796426912539,
)
_K1_NUMERATOR = (
    1.2533141373155008,
    16.26711931019003,
    76.34862153813384,
    164.66232999285063,
    171.93866852847358,
    83.91410371642884,
    16.616402922941877,
    0.8805132593627024,
)
_K1_DENOMINATOR = (
    1.0,
    12.604283346339184,
    56.3079676089151,
    111.64056839049239,
    100.77234981143754,
    38.01315933042335,
    4.661989992963785,
    0.07986375894502667,
)
# fmt: on


def _horner(coefficients: tuple[ArrayLike, ...], x: Array) -> Array:
    """Σ c_k x^k, lowest first, unrolled (jnp.polyval scans)."""
    total: Any = coefficients[-1] * x + coefficients[-2]
    for c in coefficients[-3::-1]:
        total = total * x + c
    return total


def _k0e_small(z: Array) -> Array:
    t = 0.25 * z * z
    return jnp.exp(z) * (_horner(_P0, t) - jnp.log(0.5 * z) * _horner(_I0, t))


def _k1e_small(z: Array) -> Array:
    t = 0.25 * z * z
    return jnp.exp(z) * (1.0 / z + z * (_horner(_P1, t) + jnp.log(0.5 * z) * _horner(_I1_OVER_Z, t)))


def k0e_large(z: ArrayLike) -> Array:
    """e^z K0(z) for z ≥ 2 (not checked), without a branch. Accuracy as `k0e`; smooth, but wrong, for 0 < z < 2."""
    z = jnp.asarray(z, dtype=float)
    w = 1.0 / z
    return lax.rsqrt(z) * _horner(_K0_NUMERATOR, w) / _horner(_K0_DENOMINATOR, w)


def k1e_large(z: ArrayLike) -> Array:
    """e^z K1(z) for z ≥ 2 (not checked), without a branch. Accuracy as `k1e`; smooth, but wrong, for 0 < z < 2."""
    z = jnp.asarray(z, dtype=float)
    w = 1.0 / z
    return lax.rsqrt(z) * _horner(_K1_NUMERATOR, w) / _horner(_K1_DENOMINATOR, w)


def k2e_large(z: ArrayLike) -> Array:
    """e^z K2(z) for z ≥ 2 (not checked), without a branch. Accuracy as `k2e`; smooth, but wrong, for 0 < z < 2."""
    z = jnp.asarray(z, dtype=float)
    columns = np.array([_K0_NUMERATOR, _K0_DENOMINATOR, _K1_NUMERATOR, _K1_DENOMINATOR])
    w = 1.0 / z
    columns = columns.T.reshape(len(columns[0]), *(1,) * z.ndim, 4)
    values = _horner(tuple(columns), w[..., None])  # four polynomials in one small graph
    return lax.rsqrt(z) * (values[..., 0] / values[..., 1] + 2.0 * w * values[..., 2] / values[..., 3])


def _both_branches(small: Callable[[Array], Array], large: Callable[[Array], Array], z: ArrayLike) -> Array:
    """small(z) below 2, large(z) from there on; neither sees an argument outside its own range, so no NaN leaks."""
    z = jnp.asarray(z, dtype=float)
    is_small = z < 2.0
    value = jnp.where(is_small, small(jnp.where(is_small & (z > 0.0), z, 1.0)), large(jnp.where(is_small, 2.0, z)))
    return jnp.where(z <= 0.0, jnp.inf, value)


def k0e(z: ArrayLike) -> Array:
    """Scaled modified Bessel function e^z K0(z), elementwise.

    Domain   z > 0; z ≤ 0 is out of domain and gives +inf with zero gradient (nothing leaks into other lanes)
    Accuracy relative 2e-15 in value, 1e-14 in the first and 5e-13 in the second derivative, on 1e-3 ≤ z ≤ 1e4 and beyond it until
             the result leaves the float64 range (z = inf gives 0)
    """
    return _both_branches(_k0e_small, k0e_large, z)


def k1e(z: ArrayLike) -> Array:
    """Scaled modified Bessel function e^z K1(z), elementwise.

    Domain   as `k0e`; the derivative −1/z² overflows to −inf below z = 1e-154
    Accuracy as `k0e`
    """
    return _both_branches(_k1e_small, k1e_large, z)


def k2e(z: ArrayLike) -> Array:
    """Scaled modified Bessel function e^z K2(z) = e^z [K0(z) + 2 K1(z)/z], elementwise.

    Domain   as `k0e`; overflows to inf below z = 1e-154
    Accuracy as `k0e`
    """
    z = jnp.asarray(z, dtype=float)
    return k0e(z) + 2.0 / jnp.where(z > 0.0, z, 1.0) * k1e(z)
