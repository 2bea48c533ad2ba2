r"""Spectra of missing energy under tents at fixed Standard-Model inputs: everything but couplings, pole and mass of the dark matter done once.

For B → K and K*, with C_L = L₀ + L₁P and C_R alike, averaged over CP,

  νν̄   dΓ/dq² = Σ_flavours { a (|C_L|² + |C_R|²) + x 2Re C_L C_R* },   of which 1, Re P and |P|² are integrated exactly (`panels`)
  NN    dΓ/dq² = ½ |g c|² |P|² β {β² a_A + (M²/q²)(1 − q²/m²)² t},     the braces at NODES nodes between the ends of tents

a, x, a_A, t are known functions of q² (form factors and kinematics), found by evaluating the amplitude code itself.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.flavour import b_to_invisible
from darkbeauty.flavour.b_to_invisible import rates
from darkbeauty.flavour.common import abs2, normalisation
from darkbeauty.flavour.currents import Current
from darkbeauty.flavour.panels import Panel, Panels, joined
from darkbeauty.inputs import SMInputs
from darkbeauty.models.sectors import Pole, Theory, Wilson
from darkbeauty.numerics.compiled import compiled
from darkbeauty.numerics.quadrature import gauss_legendre
from darkbeauty.numerics.stored import stored

MODES = ("B+->K", "B0->K", "B0->K*", "B+->K*")
"""Modes whose average over CP is that of two conjugate decays: not B_s, which mixes."""
NODES = 6
"""Gauss–Legendre nodes, and Legendre polynomials, between neighbouring ends of tents."""
PROBE = 1e-2
"""Mass over √q² of the pair that finds the spin-0 part."""


class Chiralities(NamedTuple):
    """Products of couplings of νν̄, summed over flavours: those of quarks of one chirality, which multiply a, and of both, which multiply x."""

    same: Array
    cross: Array


class Products(NamedTuple):
    """What multiplies 1, Re P and |P|² in the rate of νν̄ over N², and the pole of P, None without a light Z′."""

    constant: Chiralities
    linear: Chiralities
    square: Chiralities
    pole: Pole | None


def neutrino_products(p: Theory, quarks: str = "bs") -> Products:
    """Of C_L = L₀ + L₁P and C_R alike, averaged over CP."""
    w, coupling = p.wilson.of(quarks), p.sm.coupling
    sm = -p.sm.nunu["Xt"] / coupling["s2w"] * coupling["alpha_e_MZ"] / coupling["alpha_e_4.8"]
    at = lambda group, name: jnp.broadcast_to(jnp.asarray(group.get(name, 0.0), complex), (3,))
    left, right = sm + at(w.contact, "CL"), at(w.contact, "CR")
    up, down = at(w.residue, "CL"), at(w.residue, "CR")
    mixed = lambda x, y: 2.0 * jnp.sum((x * jnp.conj(y)).real)
    size = lambda x, y: abs2(x).sum() + abs2(y).sum()
    others = [[jnp.asarray(c, complex) for c in pair] for pair in w.violating_neutrinos()]
    return Products(
        Chiralities(
            size(left, right) + sum(size(*pair) for pair in others),
            mixed(left, right) + sum(mixed(*pair) for pair in others),
        ),
        Chiralities(mixed(left, up) + mixed(right, down), mixed(left, down) + mixed(up, right)),
        Chiralities(size(up, down), mixed(up, down)),
        w.pole,
    )


def dark_matter_braces(p: Theory, q2: Array, axial: ArrayLike, timelike: ArrayLike) -> Array:
    """β {β² a_A + (M²/q²)(1 − q²/m²)² t} at q²; 0 with zero gradient below the threshold."""
    threshold = 4.0 * jnp.asarray(p.dark_matter.mass) ** 2
    above = threshold < q2
    q2 = jnp.where(above, q2, 1.0)
    beta2 = jnp.where(above, 1.0 - threshold / q2, 1.0)
    spin_0 = 0.25 * threshold / q2 * (1.0 - q2 / p.z_prime.mass**2) ** 2
    return jnp.where(above, jnp.sqrt(beta2) * (beta2 * axial + spin_0 * timelike), 0.0)


class MissingEnergyTable(eqx.Module):
    """Rates of one mode under tents: νν̄ and NN.

    plain: ∫ P_n dq², shape (panels, NODES). tents (n, 2): the panels where a tent rises and falls, one too many being none. At the nodes, shape (panels, NODES): q2; axial, timelike: a_A and t.
    sides (2, panels, NODES): tents that rise and fall there; same, cross: Legendre coefficients of a and x times these.
    """

    panels: Panels
    plain: np.ndarray
    tents: np.ndarray
    q2: np.ndarray
    sides: np.ndarray
    same: np.ndarray
    cross: np.ndarray
    axial: np.ndarray
    timelike: np.ndarray

    def neutrinos(self, p: Theory) -> Array:
        """∫ tent dΓ(νν̄), shape (tents,).   [GeV]"""
        products = neutrino_products(p)
        size, constant = normalisation(p) ** 2, self._series(products.constant)
        total = jnp.sum(constant * self.plain[None], axis=-1)
        if products.pole is None:
            return size * self._gathered(total)
        first, second = self._moments(products.pole)
        linear, square = self._series(products.linear), self._series(products.square)
        return size * self._gathered(total + jnp.sum(linear * first.real[None] + square * second[None], axis=-1))

    def dark_matter(self, p: Theory) -> Array:
        """∫ tent dΓ(NN), shape (tents,).   [GeV]"""
        zp, dark = p.z_prime, p.dark_matter
        density = dark_matter_braces(p, jnp.asarray(self.q2), self.axial, self.timelike)
        series = (self.sides * density[None]) @ _to_series().T
        _, second = self._moments(zp.pole)
        coupling = abs2(zp.quark_vertex("bs") * dark.coupling * zp.pair_factor)
        return 0.5 * coupling * self._gathered(jnp.sum(series * second[None], axis=-1))

    def _series(self, by: Chiralities) -> Array:
        """Legendre coefficients of both sides of the tents times a combination of a and x, shape (2, panels, NODES)."""
        return by.same * self.same + by.cross * self.cross

    def _moments(self, pole: Pole) -> tuple[Array, Array]:
        first, second = self.panels.moments(pole)
        return first[:, :NODES], second[:, :NODES]

    def _gathered(self, parts: Array) -> Array:
        """Both sides of every tent, from parts (2, panels)."""
        padded = jnp.concatenate([parts, jnp.zeros((2, 1))], axis=1)
        return padded[0, self.tents[:, 0]] + padded[1, self.tents[:, 1]]


def tabulate(sm: SMInputs, mode: str, tents: tuple[tuple[float, ...], ...]) -> MissingEnergyTable:
    """The table of a mode B → K or K* for tents (left, peak, right)."""
    p = Theory(sm, wilson=Wilson())
    end = float(b_to_invisible.phase_space(p, mode, "nunu")[1])
    spans = sorted({span for left, peak, right in tents for span in ((left, peak), (peak, right))})
    inside = [(low, high) for low, high in spans if max(low, 0.0) < min(high, end)]
    panels = joined([Panel(max(low, 0.0), min(high, end)) for low, high in inside])
    place = {span: i for i, span in enumerate(inside)}
    at = lambda span: place.get(span, len(inside))
    index = np.array([(at((left, peak)), at((peak, right))) for left, peak, right in tents])
    q2 = np.asarray(panels.rule(*gauss_legendre(NODES))[0])
    low, high = (np.array(column)[:, None] for column in zip(*inside))
    rising = (q2 - low) / (high - low)
    sides = np.stack([rising, 1.0 - rising])
    same, cross, axial, timelike = known_functions(sm, mode, q2)
    series = lambda f: (sides * f) @ _to_series().T
    return MissingEnergyTable(
        panels, panels.integrals()[:, :NODES], index, q2, sides, series(same), series(cross), axial, timelike
    )


def known_functions(sm: SMInputs, mode: str, q2: np.ndarray) -> np.ndarray:
    """a, x, a_A and t at q², shape (4, …), kept from process to process."""
    return stored("missing-energy", (sm, mode, q2), lambda: _by_probing(sm, mode, q2))


def _by_probing(sm: SMInputs, mode: str, q2: np.ndarray) -> np.ndarray:
    """The same from rates of pairs with simple couplings: left-handed with left-handed quarks, with quarks of both chiralities, axial, and spin 0."""

    def rates_at(p: Theory, q2: Array) -> Array:
        mass = PROBE * jnp.sqrt(q2)
        couplings = jnp.array([(1, 0, -1, 0, 0), (1, 1, -1, -1, 0), (0, 0, 1, 0, 0), (0, 0, 0, 0, 1)], complex)
        pair = lambda left, right: jnp.stack([left, right])[:, None] * jnp.ones((1, q2.size))

        def rate(c: Array, mass: Array) -> Array:
            current = lambda _, c: Current(pair(c[0], c[1]), pair(c[2], c[3]), pair(c[4], 0.0 * c[4]))
            return rates(p, mode, mass, q2, current, c).rate

        return jax.vmap(rate)(couplings, jnp.array([0.0, 0.0, 0.0, 1.0])[:, None] * mass[None])

    p = Theory(sm, wilson=Wilson())
    left, both, axial, timelike = np.asarray(compiled(rates_at)(p, q2.ravel())).reshape(4, *q2.shape)
    return np.stack([left, 0.5 * both - left, axial, timelike / (np.sqrt(1.0 - 4.0 * PROBE**2) * PROBE**2)])


def _to_series() -> np.ndarray:
    """Legendre coefficients of a function from its values at the nodes, shape (degree, node)."""
    t, weight = gauss_legendre(NODES)
    return (np.arange(NODES) + 0.5)[:, None] * np.polynomial.legendre.legvander(t, NODES - 1).T * weight
