"""What a model gives to observables: a `Theory`, gathered from sectors that each are there or not.

A sector is a plain container of numbers at one parameter point. An observable says which sectors it takes and sees no others, so it works for every
model that has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from darkbeauty.errors import InputError, Problem, unknown
from darkbeauty.inputs import SMInputs

LEPTONS = ("e", "mu", "tau")
LEPTON_PAIRS = {f"{first}{second}": (first, second) for first in LEPTONS for second in LEPTONS if first != second}
"""Pairs of two different leptons."""
E, MU, TAU = range(3)
"""Places of the flavours in an array of couplings."""
DOWN, STRANGE, BOTTOM = range(3)
"""Places of the generations in an array of quark couplings."""
GENERATION = {"d": DOWN, "s": STRANGE, "b": BOTTOM}
LIGHT, HEAVY = range(2)
"""Places of the two Majorana states in an array of theirs."""
DIPOLES = ("C7", "C7p", "C8", "C8p")
LEPTONIC = ("C9", "C9p", "C10", "C10p")
SCALAR = ("CS", "CSp", "CP", "CPp")
TENSOR = ("CT", "CT5")
NEUTRINO = ("CL", "CR")
SLOTS = (*DIPOLES, *LEPTONIC, *SCALAR, *TENSOR, *NEUTRINO)
"""Every coefficient of b → s there can be: dipoles are one number, the others one per lepton flavour."""
LEAST_WIDTH = 1e-290
"""Width [GeV] of a Z′ below which it decays to nothing: parts of it have no digits left."""
MESON_MIXING = ("bs", "bd", "sd", "cu")
"""Pairs of quarks whose mesons mix: coefficients of (s̄γ^μP b)², (d̄γ^μP b)², (d̄γ^μP s)², (ūγ^μP c)²."""

TRANSITIONS = ("bd", "sd")
"""Pairs of quarks beside "bs" between which there are coefficients."""


class Pole(eqx.Module):
    """A propagator P(q²) = 1/(q² − m² + i m Γ)."""

    m2: Array
    m_gamma: Array

    def at(self, q2: Array | float) -> Array:
        return 1.0 / (jnp.asarray(q2 - self.m2, complex) + 1j * jnp.asarray(self.m_gamma, complex))


class Wilson(eqx.Module):
    """New-physics shifts of the b → s Wilson coefficients at 4.8 GeV (flavio's WET basis and normalisation), and of meson mixing.

    contact and residue map slots to numbers (dipoles) or arrays of shape (3,), flavours e, μ, τ; a slot that is not there is 0. C(q²) = contact + residue · P(q²),
    where residue is what a light Z′ puts on its pole P. Weak phases sit in contact and residue, the strong phase in P: CP conjugates the first two only.
    meson_mixing: C of H = C (q̄γ^μP q′)², of either chirality, by pair of quarks: B mesons at 4.2 GeV, K and D at 2 GeV [GeV⁻²].
    transitions: coefficients of b → d ("bd") and s → d ("sd"), each in units of its own ξ_t.
    violating: numbers by pair of two different leptons, "emu" of e⁺μ⁻ or of ν_eν_μ as flavio has them, and by slot; what is not there is 0.
    """

    contact: dict[str, Array]
    residue: dict[str, Array]
    pole: Pole | None
    meson_mixing: dict[str, ArrayLike]
    transitions: dict[str, Wilson]
    violating: dict[str, dict[str, Array]]

    def __init__(
        self,
        contact: dict[str, Any] | None = None,
        residue: dict[str, Any] | None = None,
        pole: Pole | None = None,
        meson_mixing: Mapping[str, ArrayLike] | None = None,
        transitions: Mapping[str, Wilson] | None = None,
        violating: Mapping[str, dict[str, Any]] | None = None,
    ):
        self.contact, self.residue, self.pole = dict(contact or {}), dict(residue or {}), pole
        self.meson_mixing, self.transitions = dict(meson_mixing or {}), dict(transitions or {})
        self.violating = dict(violating or {})
        refuse_unknown("wilson.contact", "coefficient", self.contact, SLOTS)
        refuse_unknown(
            "wilson.residue", "coefficient on a pole", self.residue, (*LEPTONIC, *SCALAR, *TENSOR, *NEUTRINO)
        )
        refuse_unknown("wilson.meson_mixing", "pair of quarks", self.meson_mixing, MESON_MIXING)
        refuse_unknown("wilson.transitions", "pair of quarks", self.transitions, TRANSITIONS)
        refuse_unknown("wilson.violating", "pair of leptons", self.violating, LEPTON_PAIRS)
        for pair, slots in self.violating.items():
            refuse_unknown(f"wilson.violating.{pair}", "coefficient", slots, (*LEPTONIC, *SCALAR, *NEUTRINO))
        if self.residue and pole is None:
            raise InputError([Problem("wilson.pole", "coefficients with a residue need the pole they sit on")])

    def fills(self, *names: str) -> bool:
        """Whether the model has any of these coefficients."""
        return any(name in self.contact or name in self.residue for name in names)

    def dipole(self, name: str) -> ArrayLike:
        """C₇, C₇′, C₈ or C₈′."""
        return self.contact.get(name, 0.0)

    def lepton(self, name: str, flavour: int | slice | Array, propagator: ArrayLike) -> ArrayLike:
        """C(q²) of a slot with lepton flavours, given P(q²)."""
        value = self.contact[name][flavour] if name in self.contact else 0.0
        return value + self.residue[name][flavour] * propagator if name in self.residue else value

    def propagator(self, q2: Array | float) -> Array | float:
        """P(q²), or 0 where the model has no light Z′."""
        return 0.0 if self.pole is None else self.pole.at(q2)

    def meson_mixing_of(self, pair: str) -> ArrayLike:
        """C of (q̄γ^μP q′)² for a pair of quarks.   [GeV⁻²]"""
        return self.meson_mixing.get(pair, 0.0)

    def violating_neutrinos(self) -> list[tuple[ArrayLike, ArrayLike]]:
        """C_L and C_R of every pair of two different neutrinos that the model makes."""
        slots = (slots for slots in self.violating.values() if set(slots) & set(NEUTRINO))
        return [(slots.get("CL", 0.0), slots.get("CR", 0.0)) for slots in slots]

    def of(self, pair: str) -> Wilson:
        """The coefficients between a pair of quarks: "bs" these, the others empty where there are none."""
        return self if pair == "bs" else self.transitions.get(pair, Wilson())

    def conjugate(self) -> Wilson:
        """The coefficients of the CP-conjugate process."""
        flip = lambda group: {name: jnp.conj(jnp.asarray(value)) for name, value in group.items()}
        others = {pair: w.conjugate() for pair, w in self.transitions.items()}
        violating = {pair: flip(slots) for pair, slots in self.violating.items()}
        return Wilson(flip(self.contact), flip(self.residue), self.pole, flip(self.meson_mixing), others, violating)


class ZPrime(eqx.Module):
    """A Z′: mass, partial widths by final state (one that is not there is 0), couplings.

    lepton, neutrino: vector couplings c of L = −c ℓ̄γ^μℓ Z′_μ (on its pole, complex where a loop is) and c of L = −c ν̄_Lγ^μν_L Z′_μ, flavours e, μ, τ, shape (3,); dark: c_ij of L = −½ c_ij N̄_iγ^μγ₅N_j Z′_μ,
    lightest first; vertex: g_eff of L = −g_eff q̄γ^μP q′ Z′_μ by pair of quarks ("bs", "bd", "sd"), all of one chirality; mixing_angle: with the Z [rad];
    pair_factor: of the amplitude of b → s N N over vertex times dark coupling, 1 but where slides print something else.
    """

    mass: Array
    partial: dict[str, Array]
    lepton: Array
    neutrino: Array
    dark: Array | None = None
    vertex: dict[str, Array] = eqx.field(default_factory=dict)
    mixing_angle: ArrayLike = 0.0
    pair_factor: ArrayLike = 1.0
    chirality: str = eqx.field(static=True, default="L")

    @property
    def width(self) -> Array:
        """Of all final states together.   [GeV]"""
        return jnp.asarray(sum(self.partial.values()), float)

    def partial_width(self, final: str) -> ArrayLike:
        """Γ(Z′ → final), "inv" being neutrinos and the lightest dark matter.   [GeV]"""
        if final == "inv":
            return self.partial_width("nunu") + self.partial_width("NN")
        return self.partial.get(final, jnp.zeros(()))

    def branching(self, final: str) -> Array:
        """Γ(Z′ → final)/Γ; 0 of a Z′ without couplings, or with so small ones that double precision loses digits of its widths."""
        decays = self.width > LEAST_WIDTH
        return jnp.where(decays, self.partial_width(final) / jnp.where(decays, self.width, 1.0), 0.0)

    def quark_vertex(self, pair: str) -> ArrayLike:
        """g_eff of a pair of generations, e.g. "bs"."""
        return self.vertex.get(pair, jnp.zeros(()))

    @property
    def pole(self) -> Pole:
        return Pole(self.mass**2, self.mass * self._positive_width)

    @property
    def _positive_width(self) -> Array:
        """The width, never exactly 0: P has a value on the pole of a Z′ without couplings, too."""
        return jnp.maximum(self.width, 1e-30)


class Leptoquark(eqx.Module):
    """A scalar leptoquark that couples down-type quarks of one chirality to one flavour of N.

    coupling, ratios: y and (y_d, y_s, y_b)/y; contents: u = (u_ℓ, u_h), how much of that flavour the light and the heavy Majorana state have; mass_ratios: their
    χ = M²/M_LQ²; penguin: V_sb of the Z′ penguin it makes; quarks: (quark, generation d, s or b) of every quark it couples to.
    """

    mass: Array
    coupling: Array
    ratios: Array
    contents: Array
    mass_ratios: Array
    penguin: Array
    quarks: tuple[tuple[str, str], ...] = eqx.field(static=True)

    @property
    def couplings(self) -> Array:
        """y_d, y_s, y_b."""
        return self.coupling * self.ratios


class Channels(eqx.Module):
    """Final states f f̄ of a vector resonance: mass, colours, g_V, g_A, lowest s, product of the couplings of f_L to the two N and a scalar η; shape (n,)."""

    mass: Array
    colours: Array
    g_v: Array
    g_a: Array
    s_min: Array
    eta_coupling2: Array
    finals: tuple[str, ...] = eqx.field(static=True)


class Exchange(eqx.Module):
    """Final states f₁ f̄₂ of a scalar exchanged in the t and u channels: masses, colours, product of the two couplings, mass of the scalar; shape (n,).

    Colours count f₁ f̄₂ and f₂ f̄₁ where the two differ.
    """

    mass_1: Array
    mass_2: Array
    colours: Array
    coupling2: Array
    scalar_mass: Array
    finals: tuple[str, ...] = eqx.field(static=True)


class Scalars(eqx.Module):
    """Two scalars H1, H2 mixed from the Higgs boson and a singlet φ₂ with L = −½ λ N̄N φ₂: masses, shape (2,), and κ = λ sin ζ cos ζ/v [1/GeV].

    width: of H1 and H2, shape (2,); partial: what of H1's width φ₂ leads to, by final state, "NN" being all pairs of Majorana states and "NNlight" that of the lightest;
    yukawa: largest f of f N̄^cNφ₂ that gives N its mass; self_coupling: λ_φ.
    """

    mass: Array
    coupling: Array
    width: Array
    partial: dict[str, Array]
    yukawa: Array
    self_coupling: Array

    @property
    def m_gamma(self) -> Array:
        """mΓ, never exactly 0."""
        return self.mass * jnp.maximum(self.width, 1e-30)


class ScalarChannels(eqx.Module):
    r"""Final states X of N N → H1, H2 → X, with couplings of h to X as in the Standard Model.

    scalars: masses, widths and κ; mass, c0, c1, c2, shape (n,), of √s Γ(h → X) = β_X (c₀ + c₁s + c₂s²)/(32π v²).
    """

    scalars: Scalars
    mass: Array
    c0: Array
    c1: Array
    c2: Array
    finals: tuple[str, ...] = eqx.field(static=True)

    @property
    def m2(self) -> Array:
        return self.scalars.mass**2

    @property
    def m_gamma(self) -> Array:
        return self.scalars.m_gamma


class ZPrimePairs(eqx.Module):
    r"""N N → Z′Z′, Z′H1 and Z′H2: mass of the Z′; masses of the N_j exchanged (the lightest, which annihilates, first), their c_ℓj of −½ c_ij N̄_iγγ₅N_j Z′ and
    λ_ℓj of −½ λ_ij N̄_iN_j φ₂, shape (n,); 1/v₂ of the coupling 2m²/v₂ of φ₂ to Z′Z′ [1/GeV]; masses of H1 and H2, their mΓ, the content f of φ₂ in them, shape (2,).
    """

    mass: Array
    exchanged: Array
    vector: Array
    scalar: Array
    inverse_vacuum: Array
    scalar_mass: Array
    scalar_m_gamma: Array
    contents: Array


class InitialState(eqx.Module):
    """A pair N_a N_b that annihilates: masses, c_ab of −½ c_ij N̄_iγγ₅N_j Z′, its channels, and how often it counts in a sum over a and b."""

    mass_a: Array
    mass_b: Array
    coupling: Array
    channels: Channels
    exchange: Exchange | None = None
    count: float = eqx.field(static=True, default=1.0)
    identical: bool = eqx.field(static=True, default=True)

    @property
    def masses(self) -> tuple[Array, Array]:
        return self.mass_a, self.mass_b


class DarkMatter(eqx.Module):
    """A Majorana particle of mass m, the Z′ it annihilates through with axial coupling c, its channels.

    exchange: of a scalar in the t and u channels, None without one; eta_mass: of a doublet that couples to leptons, None if there certainly is none;
    z_prime_pairs: of two particles lightest states annihilate into beyond those, None without; scalar_channels, and heavy_mass with companions (pairs with a
    heavier state that co-annihilates, in which Z′Z′ and Z′H are left out): absent unless asked for; omega_constant: of Ωh² = constant/(√g_* M_Pl J) [1/GeV].
    """

    mass: Array
    coupling: Array
    z_prime: ZPrime
    channels: Channels
    exchange: Exchange | None = None
    eta_mass: Array | None = None
    omega_constant: ArrayLike = 1.07e9
    scalar_channels: ScalarChannels | None = None
    z_prime_pairs: ZPrimePairs | None = None
    heavy_mass: Array | None = None
    companions: tuple[InitialState, ...] = ()

    def states(self) -> tuple[InitialState, ...]:
        """Every pair that annihilates, two light particles first."""
        light = InitialState(self.mass, self.mass, self.coupling, self.channels, self.exchange)
        return (light, *self.companions)


SECTORS: dict[str, tuple[type, str]] = {
    "wilson": (Wilson, "Wilson coefficients"),
    "z_prime": (ZPrime, "Z′"),
    "leptoquark": (Leptoquark, "leptoquark"),
    "scalars": (Scalars, "scalars H1 and H2"),
    "dark_matter": (DarkMatter, "dark matter"),
}
"""Every sector: its class, and what a message calls it."""


class Theory(eqx.Module):
    """A model at a point, as observables see it: Standard-Model inputs, and its sectors, each or None (Wilson coefficients without an entry are the Standard Model).

    convention: "canonical", or "printed" for the formulas as slides print them.
    """

    sm: SMInputs
    wilson: Any
    z_prime: Any
    leptoquark: Any
    scalars: Any
    dark_matter: Any
    convention: str = eqx.field(static=True)

    def __init__(self, sm: SMInputs, *, convention: str = "canonical", **sectors: Any):
        refuse_unknown("theory", "sector", sectors, SECTORS)
        problems = [
            Problem(f"theory.{name}", f"is a {type(value).__name__}", f"{SECTORS[name][0].__name__} or None")
            for name, value in sectors.items()
            if value is not None and not isinstance(value, SECTORS[name][0])
        ]
        if problems:
            raise InputError(problems)
        self.sm, self.convention = sm, convention
        for name in SECTORS:
            setattr(self, name, sectors.get(name))
        if "wilson" not in sectors:
            self.wilson = Wilson()

    def only(self, names: Iterable[str]) -> Theory:
        """With no other sectors than these."""
        kept = {name: getattr(self, name) if name in names else None for name in SECTORS}
        return Theory(self.sm, convention=self.convention, **kept)

    @property
    def sectors(self) -> tuple[str, ...]:
        """Names of the sectors there are."""
        return tuple(name for name in SECTORS if getattr(self, name) is not None)


def refuse_unknown(path: str, kind: str, given: Iterable[str], known: Iterable[str]) -> None:
    """InputError naming every one that does not exist."""
    problems = [unknown(f"{path}.{name}", kind, name, known) for name in given if name not in tuple(known)]
    if problems:
        raise InputError(problems)
