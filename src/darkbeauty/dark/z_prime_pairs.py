r"""N N → Z′Z′ and N N → Z′H: exchange of Majorana states in the t and u channels, with the scalar, or the Z′, that keeps unitarity in the s channel.

Amplitudes are those of one polarisation at a time (in the plane, out of it, longitudinal) in the centre-of-mass frame, after every power of the energy that gauge
invariance cancels is taken out by hand: a sum over polarisations with −g + kk/m² has no digits left at high energy. With p² = s/4 − M² and k the final momentum,

    t − M_j² = −(G_j − 2pk cosθ),   G_j = M_j² + p² + k² − (E − E_Z′)²,   h_j = −2a_j/(G_j² − 4p²k²cos²θ),

where a_j is the product of the two couplings. As in `annihilation`, functions return w(s) = σ(s) s β_i/β_f.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import ZPrimePairs
from darkbeauty.numerics.quadrature import gauss_legendre, kept

ANGLES = 24
"""Of cosθ on [−1, 1]; half of them are used, all functions here being even."""

SMALL, TERMS = 0.04, 11
"""Where moments come from their series, and how much of it."""


class Graphs(NamedTuple):
    """p², k², and of every exchanged state M_j and G_j, shape (states, nodes); moments: ∫₋₁¹ dcosθ f y_a y_b with y = (h_1, …, 1) and f of FACTORS."""

    p2: Array
    k2: Array
    mass: Array
    g: Array
    moments: dict[str, Array]


class Amplitudes(NamedTuple):
    """Σ |A|² = Σ_i weight_i f (Σ_j h_j (constant_ij + slope_ij cos²θ) + by_itself_i)², f a name of FACTORS: one row per amplitude; slope only where f is 1."""

    factor: str
    weight: tuple[Array, ...]
    constant: tuple[Array, ...]
    slope: tuple[Array, ...] = ()
    by_itself: tuple[ArrayLike, ...] = ()


FACTORS = {"1": lambda x2: 1.0 + 0.0 * x2, "x2": lambda x2: x2, "x4": lambda x2: x2**2}
"""Functions of cos²θ, with sin²θ and sin²θ cos²θ."""
FACTORS |= {"sine2": lambda x2: 1.0 - x2, "sine2 x2": lambda x2: (1.0 - x2) * x2}


def z_prime_pair(s: Array, m_dm: Array, pairs: ZPrimePairs, propagator: Array) -> Array:
    r"""N N → Z′Z′ through N_ℓ and N_h, H1 and H2.   [dimensionless]

    1/(256π) ∫₋₁¹ dcosθ Σ|M|² with vertices −c_ℓj γ^μγ₅ and, in the s channel, 2λ(m²/v₂) ε₁·ε₂ P, P = Σ_k f_k²/(s − m_k² + im_kΓ_k), f_k the content of φ₂ in H_k.
    Checked against explicit spinors and polarisation vectors; derived for this package.

    Args     propagator: P(s), complex
    """
    return smooth_part(s, m_dm, pairs) + scalar_part(s, m_dm, pairs, propagator)


def smooth_part(s: Array, m_dm: Array, pairs: ZPrimePairs) -> Array:
    """N N → Z′Z′ with the real `_background` in place of P.   [dimensionless]

    Accuracy 24-point Gauss–Legendre in a variable in which the t channel is flat: 1e-8 for √s up to 4 times the threshold, 1e-5 up to 30 times
    """
    s, m, m2 = s[None], jnp.asarray(m_dm), pairs.mass**2
    graphs = _graphs(s, m, pairs, pairs.vector**2, 0.25 * s - m2, 0.0)
    p2, k2, mass, g = graphs.p2, graphs.k2, graphs.mass, graphs.g
    sigma, goldstone = _strength(pairs) * _background(s, pairs), _goldstone(mass, m, m2, k2)
    along = 2.0 * k2 * mass * (m + mass) + m2 * (m2 + mass**2 - m**2)
    plane = Amplitudes(
        "1",
        (4.0 * p2, 4.0 * p2, 8.0 * k2, 8.0 * p2 / m2, 4.0 * p2 / m2**2),
        ((mass + m) * g, (mass - m) * g, -m * g, -m2 * g, (m + mass) * (p2 + k2 + m**2) * g),
        (
            -2.0 * m * k2 + 0.0 * g,
            2.0 * m * (g - k2),
            2.0 * p2 * (mass + m),
            2.0 * (k2 * mass * (m + mass) + m2 * (p2 + mass**2)),
            -2.0 * m * goldstone - 4.0 * p2 * k2 * (m + mass),
        ),
        (2.0 * sigma, 2.0 * sigma, 0.0, 0.0, 2.0 * (0.5 * s - m2) * sigma),
    )
    steep = 16.0 * (p2 + m**2) * p2
    across = Amplitudes(
        "sine2 x2",
        (steep, steep, 2.0 * steep * p2 * k2 / m2, 2.0 * steep / m2, steep / m2**2),
        (k2 + 0.0 * g, g - k2, mass + m + 0.0 * g, m * (p2 + mass**2) + k2 * mass, goldstone),
    )
    mixed = Amplitudes("sine2", (0.5 * steep,), (g,)), Amplitudes("x2", (8.0 * p2 / m2,), (along,))
    return jnp.asarray(sum(_total(graphs, rows) for rows in (plane, across, *mixed))) / (128.0 * jnp.pi)


def scalar_part(s: Array, m_dm: Array, pairs: ZPrimePairs, propagator: Array) -> Array:
    """What P in place of `_background` adds to N N → Z′Z′: terms linear and quadratic in the difference, in closed form.   [dimensionless]"""
    m, m2 = jnp.asarray(m_dm), pairs.mass**2
    background, strength = _background(s, pairs), _strength(pairs)
    p2, k2, both = 0.25 * s - m**2, 0.25 * s - m2, 0.5 * s - m2
    linear, along = 4.0 * strength * background, 2.0 * both * strength * background
    for mass, coupling in zip(pairs.exchanged, pairs.vector):
        g = mass**2 + p2 + k2
        plain, square = (-2.0 * (coupling / g) ** 2 * kept(moment) for moment in _moments(4.0 * p2 * k2 / g**2))
        linear = linear + 2.0 * mass * g * plain + m * (2.0 * g - 4.0 * k2) * square
        along = along + (m + mass) * ((p2 + k2 + m**2) * g * plain - 4.0 * p2 * k2 * square)
        along = along - 2.0 * m * _goldstone(mass, m, m2, k2) * square
    tau = -strength * (propagator - background)
    interference = -4.0 * (linear + both * along / m2**2) * tau.real
    quadratic = (8.0 + 4.0 * (both / m2) ** 2) * (tau.real**2 + tau.imag**2)
    return p2 * (interference + quadratic) / (16.0 * jnp.pi)


def _strength(pairs: ZPrimePairs) -> Array:
    """λ m²/v₂"""
    return pairs.scalar[0] * pairs.mass**2 * pairs.inverse_vacuum


def _background(s: Array, pairs: ZPrimePairs) -> Array:
    """P with widths as large as the masses, its real part: near P below and above the poles, so that nothing cancels, and as smooth as the rest."""
    gaps = [(share**2, s - m_h**2, m_h**4) for share, m_h in zip(pairs.contents, pairs.scalar_mass)]
    return jnp.asarray(sum(share * gap / (gap**2 + square) for share, gap, square in gaps))


def _goldstone(mass: Array, m: Array, m2: Array, k2: Array) -> Array:
    return k2 * (m + mass) ** 2 + m2 * (m2 + mass**2 - m**2)


def _moments(r: Array) -> tuple[Array, Array]:
    """∫₀¹ dx/(1 − rx²) and ∫₀¹ x² dx/(1 − rx²) for 0 ≤ r < 1."""
    is_small = r < SMALL
    root = jnp.sqrt(jnp.where(is_small, SMALL, r))
    plain = jnp.arctanh(root) / root
    tail = jnp.polyval(
        jnp.asarray([1.0 / (2.0 * n + 3.0) for n in reversed(range(TERMS))]), jnp.where(is_small, r, 0.0)
    )
    square = jnp.where(is_small, tail, (plain - 1.0) / root**2)
    return 1.0 + r * square, square


def z_prime_and_scalar(s: Array, m_dm: Array, pairs: ZPrimePairs, m_h: Array, content: Array) -> Array:
    r"""N N → Z′H through N_ℓ and N_h, and Z′ in the s channel (far from its pole, without its width).   [dimensionless]

    1/(128π) ∫₋₁¹ dcosθ Σ|M|² with vertices −c_ℓj γ^μγ₅, −λ_ℓj f and 2(m²/v₂) f, f the content of φ₂ in H. Checked against explicit spinors; derived for this package.

    Args     m_h, content: mass of H and f
    Accuracy as of `smooth_part`
    """
    m, m2, e = jnp.asarray(m_dm), pairs.mass**2, 0.5 * jnp.sqrt(s[None])
    delta = 0.25 * (m_h**2 - m2) / e
    e_z, e_h = e - delta, e + delta
    products = pairs.vector * pairs.scalar
    graphs = _graphs(s[None], m, pairs, products, e_z**2 - m2, delta)
    p2, k2, mass, g = graphs.p2, graphs.k2, graphs.mass, graphs.g
    s_channel = 2.0 * pairs.vector[0] * m2 * pairs.inverse_vacuum / (4.0 * e**2 - m2)
    growing = -2.0 * jnp.sum(products) - s_channel * m * (1.0 - 4.0 * e**2 / m2)
    flip = (mass + m) * g
    plane = Amplitudes(
        "1",
        (4.0 * p2, 4.0 * k2 / m2),
        (flip, g * (0.5 * (m2 + m_h**2) - mass * (m + mass))),
        (-2.0 * m * k2 + 0.0 * g, -2.0 * p2 * (2.0 * delta * e_z + m2) + 0.0 * g),
        (s_channel, growing),
    )
    across = Amplitudes("sine2 x2", (16.0 * p2 * k2 * (e**2 * k2 + p2 * e_h**2),), (1.0 + 0.0 * g,))
    within = Amplitudes("x2", (4.0 * p2,), (flip - 2.0 * m * k2,), (), (s_channel,))
    along = Amplitudes("sine2", (4.0 * e_z**2 * p2 / m2,), (flip,), (), (s_channel,))
    return content**2 * sum(_total(graphs, rows) for rows in (plane, across, within, along)) / (64.0 * jnp.pi)


def _graphs(s: Array, m: Array, pairs: ZPrimePairs, products: Array, k2: Array, delta: ArrayLike) -> Graphs:
    """Moments by a rule whose angles gather where the lightest state is exchanged.

    cosθ = tanh(ξη)/tanh η with tanh η = 2pk/G_ℓ: the pole of the t channel is where ξη is infinite. Where nodes are changes no integral: they have no derivative.
    """
    node, weight = (half[ANGLES // 2 :].reshape((1,) * (s.ndim - 1) + (-1,)) for half in gauss_legendre(ANGLES))
    p2 = 0.25 * s - m**2
    mass, product = (x.reshape((-1,) + (1,) * (s.ndim - 1)) for x in (pairs.exchanged, products))
    g = mass**2 + p2 + k2 - delta**2
    r = 4.0 * p2 * k2
    steepness = jax.lax.stop_gradient(jnp.sqrt(jnp.maximum(r[0] / g[0] ** 2, 1e-24)))[..., None]
    eta = jnp.arctanh(steepness)
    rise = jnp.tanh(eta * node)
    x2, weight = (rise / steepness) ** 2, 2.0 * weight * (eta / steepness) * (1.0 - rise**2)
    h = -2.0 * product[..., None] / ((g**2)[..., None] - r[..., None] * x2[None])
    y = kept(jnp.concatenate([h, jnp.ones_like(h[:1])]))
    moment = lambda f: jnp.einsum("a...q,b...q->ab...", y, y * (weight * f(x2))[None])
    return Graphs(p2, k2, mass, g, {name: moment(f) for name, f in FACTORS.items()})


def _total(graphs: Graphs, rows: Amplitudes) -> Array:
    """Σ_i ∫₋₁¹ dcosθ |A_i|²."""
    weight = jnp.concatenate(rows.weight)
    by_itself = rows.by_itself or (0.0,) * len(rows.weight)
    last = lambda value: jnp.broadcast_to(value, graphs.p2.shape)
    constant = jnp.stack([jnp.concatenate([row, last(own)]) for row, own in zip(rows.constant, by_itself)])
    value = jnp.einsum("i...,ia...,ib...,ab...->...", weight, constant, constant, graphs.moments[rows.factor])
    if not rows.slope:
        return value
    slope = jnp.stack([jnp.concatenate([row, last(0.0)]) for row in rows.slope])
    value = value + 2.0 * jnp.einsum("i...,ia...,ib...,ab...->...", weight, constant, slope, graphs.moments["x2"])
    return value + jnp.einsum("i...,ia...,ib...,ab...->...", weight, slope, slope, graphs.moments["x4"])
