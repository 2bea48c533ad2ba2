r"""N N → Z′Z′ and N N → Z′H: exchange of Majorana states in the t and u channels, with the scalar, or the Z′, that keeps unitarity in the s channel.

Amplitudes are those of one polarisation at a time (in the plane, out of it, longitudinal) in the centre-of-mass frame, after every power of the energy that gauge
invariance cancels is taken out by hand: a sum over polarisations with −g + kk/m² has no digits left at high energy. With p² = s/4 − M² and k the final momentum,

    t − M_j² = −(G_j − 2pk cosθ),   G_j = M_j² + p² + k² − (E − E_Z′)²,   h_j = −2a_j/(G_j² − 4p²k²cos²θ),

where a_j is the product of the two couplings. As in `annihilation`, functions return w(s) = σ(s) s β_i/β_f.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.models.sectors import ZPrimePairs
from darkbeauty.numerics.quadrature import gauss_legendre, kept, total

ANGLES = 24
"""Of cosθ on [−1, 1]; half of them are used, all functions here being even."""

SMALL, TERMS = 0.04, 11
"""Where moments come from their series, and how much of it."""


class Graphs(NamedTuple):
    """p², k², cos²θ and the weights of the angles, and of every exchanged state M_j, G_j and h_j: all of one shape, angles last."""

    p2: Array
    k2: Array
    x2: Array
    weight: Array
    states: tuple[tuple[Array, Array, Array], ...]

    def sum(self, coupling: Callable[[Array, Array], ArrayLike]) -> Array:
        """Σ_j h_j · coupling(M_j, G_j)"""
        return kept(jnp.asarray(sum(h * coupling(mass, g) for mass, g, h in self.states)))

    def integral(self, *amplitudes: tuple[ArrayLike, Array]) -> Array:
        """∫₋₁¹ dcosθ Σ factor · amplitude²"""
        return total(self.weight * jnp.asarray(sum(factor * amplitude**2 for factor, amplitude in amplitudes)))


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
    s, m, pairs = _everywhere(ANGLES // 2, s, m_dm, pairs)
    m2 = pairs.mass**2
    graphs = _graphs(s, m, pairs, pairs.vector**2, 0.25 * s - m2, 0.0)
    p2, k2, x2, sine2 = graphs.p2, graphs.k2, graphs.x2, 1.0 - graphs.x2
    scalars, goldstone = 2.0 * _strength(pairs) * _background(s, pairs), partial(_goldstone, m=m, m2=m2, k2=k2)
    flat = (
        (p2, (lambda M, g: (M + m) * g - 2.0 * m * k2 * x2), scalars),
        (p2, (lambda M, g: (M - m) * g + 2.0 * m * (g - k2) * x2), scalars),
        (2.0 * k2, (lambda M, g: 2.0 * p2 * (M + m) * x2 - m * g), 0.0),
        (2.0 * p2 / m2, (lambda M, g: 2.0 * (k2 * M * (m + M) + m2 * (p2 + M**2)) * x2 - m2 * g), 0.0),
        (
            p2 / m2**2,
            lambda M, g: (m + M) * ((p2 + k2 + m**2) * g - 4.0 * p2 * k2 * x2) - 2.0 * m * goldstone(M) * x2,
            (0.5 * s - m2) * scalars,
        ),
        (2.0 * p2 / m2 * x2, (lambda M, g: 2.0 * k2 * M * (m + M) + m2 * (m2 + M**2 - m**2)), 0.0),
    )
    steep = (
        (x2, lambda M, g: k2),
        (x2, lambda M, g: g - k2),
        (2.0 * p2 * k2 / m2 * x2, lambda M, g: M + m),
        (2.0 / m2 * x2, lambda M, g: m * (p2 + M**2) + k2 * M),
        (x2 / m2**2, lambda M, g: goldstone(M)),
        (0.5, lambda M, g: g),
    )
    amplitudes = [(factor, graphs.sum(coupling) + own) for factor, coupling, own in flat]
    amplitudes += [(s * p2 * sine2 * factor, graphs.sum(coupling)) for factor, coupling in steep]
    return graphs.integral(*amplitudes) / (32.0 * jnp.pi)


def scalar_part(s: Array, m_dm: Array, pairs: ZPrimePairs, propagator: Array) -> Array:
    """What P in place of `_background` adds to N N → Z′Z′: terms linear and quadratic in the difference, in closed form.   [dimensionless]"""
    s, m, pairs = _everywhere(1, s, m_dm, pairs)
    propagator, m2 = propagator[..., None], pairs.mass**2
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
    return (p2 * (interference + quadratic) / (16.0 * jnp.pi))[..., 0]


def _everywhere(angles: int, s: Array, *inputs: Any) -> tuple[Any, ...]:
    """s and all inputs at every node and angle: a slope is then summed over them once, not once per use."""
    shape = (*jnp.shape(s), angles)

    def spread(x: ArrayLike) -> Array:
        return jnp.broadcast_to(jnp.reshape(x, jnp.shape(x) + (1,) * len(shape)), jnp.shape(x) + shape)

    return jnp.broadcast_to(s[..., None], shape), *jax.tree.map(spread, inputs)


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
    s, m, pairs, m_h = _everywhere(ANGLES // 2, s, m_dm, pairs, m_h)
    m2, e = pairs.mass**2, 0.5 * jnp.sqrt(s)
    delta = 0.25 * (m_h**2 - m2) / e
    e_z, e_h = e - delta, e + delta
    products = pairs.vector * pairs.scalar
    graphs = _graphs(s, m, pairs, products, e_z**2 - m2, delta)
    p2, k2, x2, sine2 = graphs.p2, graphs.k2, graphs.x2, 1.0 - graphs.x2
    s_channel = 2.0 * pairs.vector[0] * m2 * pairs.inverse_vacuum / (s - m2)
    growing = -2.0 * jnp.asarray(sum(products)) - s_channel * m * (1.0 - s / m2)
    flip = graphs.sum(lambda M, g: (M + m) * g)
    flipped = flip + s_channel
    along = graphs.sum(lambda M, g: g * (0.5 * (m2 + m_h**2) - M * (m + M)) - 2.0 * p2 * (2.0 * delta * e_z + m2) * x2)
    slope = 2.0 * m * k2 * graphs.sum(lambda M, g: 1.0)
    value = graphs.integral(
        (p2, flipped - slope * x2),
        (k2 / m2, along + growing),
        (4.0 * p2 * k2 * (e**2 * k2 + p2 * e_h**2) * sine2 * x2, graphs.sum(lambda M, g: 1.0)),
        (p2 * x2, flipped - slope),
        (e_z**2 * p2 / m2 * sine2, flipped),
    )
    return content**2 * value / (16.0 * jnp.pi)


def _graphs(s: Array, m: Array, pairs: ZPrimePairs, products: Array, k2: Array, delta: ArrayLike) -> Graphs:
    """Angles that gather where the lightest state is exchanged.

    cosθ = tanh(ξη)/tanh η with tanh η = 2pk/G_ℓ: the pole of the t channel is where ξη is infinite. Where nodes are changes no integral: they have no derivative.
    """
    node, weight = (jnp.broadcast_to(half[ANGLES // 2 :], s.shape) for half in gauss_legendre(ANGLES))
    p2, k2 = kept(0.25 * s - m**2), kept(k2)
    r, around = 4.0 * p2 * k2, p2 + k2 - delta**2
    steepness = jax.lax.stop_gradient(jnp.sqrt(jnp.maximum(r / (pairs.exchanged[0] ** 2 + around) ** 2, 1e-24)))
    eta = jnp.arctanh(steepness)
    rise = jnp.tanh(eta * node)
    x2 = kept((rise / steepness) ** 2)
    weight = kept(2.0 * weight * (eta / steepness) * (1.0 - rise**2))

    def exchanged(mass: Array, product: Array) -> tuple[Array, Array, Array]:
        g = mass**2 + around
        return mass, kept(g), kept(-2.0 * product / (g**2 - r * x2))

    return Graphs(p2, k2, x2, weight, tuple(exchanged(*state) for state in zip(pairs.exchanged, products)))
