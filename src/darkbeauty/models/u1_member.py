"""A member of the U(1)′ ⊕ scalar-leptoquark family: charges, the leptoquark, which N couples to quarks, and what gauge invariance says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from darkbeauty.errors import InputError, Problem, quoted, raise_if_any, text_of, unknown
from darkbeauty.models.anomalies import anomalies, fermions
from darkbeauty.models.sectors import LEPTONS


@dataclass(frozen=True)
class Representation:
    """A scalar leptoquark: a colour triplet (−3: antitriplet), members of its weak multiplet, hypercharge (Q = T₃ + Y)."""

    colour: int
    weak: int
    hypercharge: Fraction

    @property
    def triplet(self) -> tuple[int, Fraction]:
        """Weak multiplet and hypercharge of the one of φ and φ* that is a colour triplet."""
        return self.weak, self.hypercharge if self.colour > 0 else -self.hypercharge

    def __str__(self) -> str:
        return f"({'3' if self.colour > 0 else '3bar'},{self.weak},{self.hypercharge})"


LEPTOQUARKS = {
    "S1": Representation(-3, 1, Fraction(1, 3)),
    "R2~": Representation(3, 2, Fraction(1, 6)),
    "S1~": Representation(-3, 1, Fraction(4, 3)),
    "R2": Representation(3, 2, Fraction(7, 6)),
    "S3": Representation(-3, 3, Fraction(1, 3)),
    "S1bar": Representation(-3, 1, Fraction(-2, 3)),
}
"""Every scalar that couples quarks to leptons or N (arXiv:1603.04993, table 1)."""
QUARKS = {(2, Fraction(1, 6)): "Q", (1, Fraction(2, 3)): "u", (1, Fraction(-1, 3)): "d"}
"""Weak multiplet and hypercharge of the quarks: N is a singlet of all three groups, so that its leptoquark has the numbers of a quark."""
DOWN = tuple((quark, quark) for quark in "dsb")
DOUBLETS = (("u", "d"), ("d", "d"), ("s", "s"), ("c", "s"), ("b", "b"), ("t", "b"))
DEFAULTS: dict[str, Any] = {
    "charges": {"mu": 1, "tau": -1},
    "leptoquark": "S1",
    "couples": "mu",
    "light": None,
    "kinetic_mixing": True,
}
SMALLEST, LARGEST = Fraction(1, 100), 100
"""Size of a charge."""
NO_N = (
    "has no gauge-invariant coupling of a quark to N, which takes the quantum numbers of a quark: (3,2,1/6) of Q, (3bar,1,1/3) of d. "
    "It couples quarks to leptons at tree level and leaves dark matter alone"
)
UP_ONLY = "couples N to right-handed up quarks alone: nothing of b → s, which is what is computed here"
QUARK_CHARGE = (
    "a Z′ that couples to quarks at tree level is not computed here: its interference with the leptoquark in N N → q q̄, charm loops in b → s Z′, "
    "scattering on nuclei by its vector current, and searches at hadron colliders are missing"
)


@dataclass(frozen=True)
class Member:
    """A member of the family, as `read_member` gives it.

    charges: Q′ of e, μ, τ and of the N of the same flavour; couples: flavour of the N_q that couples to quarks; light: flavour of N that the lighter Majorana state is
    without mixing; kinetic_mixing: whether the Z′ couples to the electromagnetic current.
    """

    charges: tuple[float, float, float]
    leptoquark: str
    couples: str
    light: str
    kinetic_mixing: bool

    @property
    def quark_flavour(self) -> int:
        """Lepton flavour (index of charges) of N_q."""
        return LEPTONS.index(self.couples)

    @property
    def partner_flavour(self) -> int:
        """That of N_p, which has the opposite charge and mixes with N_q."""
        return self.charges.index(-self.charge)

    @property
    def charge(self) -> float:
        """Q′ of N_q."""
        return self.charges[self.quark_flavour]

    @property
    def representation(self) -> Representation:
        return LEPTOQUARKS[self.leptoquark]

    @property
    def chirality(self) -> str:
        """ "L" or "R": of the quarks that couple to the leptoquark."""
        return "L" if QUARKS[self.representation.triplet] == "Q" else "R"

    @property
    def vertex_charge(self) -> float:
        """What g_eff is proportional to: Q′(N_q) for right-handed quarks, whose loop has N^c (y d̄^c_R S1 N_R), −Q′(N_q) for left-handed ones, whose loop has N (y Q̄_L R̃2 N_R)."""
        return self.charge if self.chirality == "R" else -self.charge

    @property
    def exchange_quarks(self) -> tuple[tuple[str, str], ...]:
        """(quark, generation d, s or b) of every quark that couples to the leptoquark."""
        return DOUBLETS if self.chirality == "L" else DOWN

    @property
    def leptoquark_states(self) -> int:
        """Colours times members of the weak multiplet."""
        return 3 * self.representation.weak

    @property
    def table(self) -> dict[str, Any]:
        """The settings that give it again, as a fit file has them."""
        charges = {name: _plain(charge) for name, charge in zip(LEPTONS, self.charges) if charge}
        own = {"leptoquark": self.leptoquark, "couples": self.couples, "light": self.light}
        return {"charges": charges, **own, "kinetic_mixing": self.kinetic_mixing}


def read_member(settings: Any, path: str = "member") -> Member:
    """The member of the family with these settings, others being those of Lμ−Lτ ⊕ S1.

    Args     settings: charges (of e, mu, tau and quarks, 0 where left out; numbers or fractions "1/3"), leptoquark (a name, or quantum numbers "(3bar,1,1/3)"), couples, light (default:
             that which couples), kinetic_mixing; or a Member
    Errors   InputError: everything that does not exist, is anomalous, not gauge invariant or not computed
    """
    if isinstance(settings, Member):
        return settings
    if not isinstance(settings, Mapping):
        raise InputError([Problem(path, f"{quoted(settings)} is no table of settings", ", ".join(DEFAULTS))])
    problems = [
        unknown(f"{path}.{text_of(name)}", "setting", text_of(name), DEFAULTS)
        for name in settings
        if name not in DEFAULTS
    ]
    given = {**DEFAULTS, **{name: value for name, value in settings.items() if name in DEFAULTS}}
    charges = _read_charges(given["charges"], f"{path}.charges", problems)
    leptoquark = _read_leptoquark(given["leptoquark"], f"{path}.leptoquark", problems)
    light = given["couples"] if given["light"] is None else given["light"]
    flavours = {"couples": given["couples"], "light": light}
    wrong = [
        unknown(f"{path}.{name}", "flavour", text_of(flavour), LEPTONS)
        for name, flavour in flavours.items()
        if not (isinstance(flavour, str) and flavour in LEPTONS) and (name == "couples" or given["light"] is not None)
    ]
    if not isinstance(given["kinetic_mixing"], bool):
        problems.append(
            Problem(f"{path}.kinetic_mixing", f"{quoted(given['kinetic_mixing'])} is neither true nor false")
        )
    if charges is not None and not wrong:
        wrong = _dark_problems(charges[:3], **flavours, path=path)
    raise_if_any(problems + wrong)
    assert charges is not None
    numbers = tuple(float(charge) for charge in charges[:3])
    return Member((numbers[0], numbers[1], numbers[2]), leptoquark, **flavours, kinetic_mixing=given["kinetic_mixing"])


def _read_charges(given: Any, path: str, problems: list[Problem]) -> list[Fraction] | None:
    """Charges of e, μ, τ and quarks; None where one cannot be read."""
    names = (*LEPTONS, "quarks")
    if not isinstance(given, Mapping):
        problems.append(Problem(path, f"{quoted(given)} is no table of charges", ", ".join(names)))
        return None
    before = len(problems)
    problems += [
        unknown(f"{path}.{text_of(name)}", "charge", text_of(name), names) for name in given if name not in names
    ]
    charges = [_fraction(given.get(name, 0), f"{path}.{name}", problems) for name in names]
    if len(problems) > before:
        return None
    *leptons, quarks = charges
    left = anomalies(fermions(quarks, leptons, leptons))
    problems += [
        Problem(path, f"the U(1)′ is anomalous: {name} adds up to {value}, not 0") for name, value in left.items()
    ]
    if quarks:
        problems.append(Problem(f"{path}.quarks", QUARK_CHARGE, "0"))
    return charges


def _fraction(value: Any, path: str, problems: list[Problem]) -> Fraction:
    """A charge as an exact number: 0.1 is one tenth."""
    value = value.item() if isinstance(value, np.generic) else value
    text = quoted(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    charge = (
        Fraction(text)
        if isinstance(text, str) and re.fullmatch(r"[+-]?\d{1,3}(\.\d{1,18}|/[1-9]\d{0,2})?", text)
        else None
    )
    if charge is None or (charge and not SMALLEST <= abs(charge) <= LARGEST):
        allowed = f'0, or of size {SMALLEST} to {LARGEST}, fractions as "1/3"'
        problems.append(Problem(path, f"{quoted(value)} is no charge", allowed))
        return Fraction(0)
    return charge


def _read_leptoquark(given: Any, path: str, problems: list[Problem]) -> str:
    """The name of a leptoquark that couples N to down-type quarks."""
    plain = text_of(given).replace("\u0303", "~").replace("\u0304", "bar").replace(" ", "")  # combining tilde and bar
    if "~" in plain:
        plain = plain.replace("~", "") + "~"
    numbers = {name for name, kind in LEPTOQUARKS.items() if _same(plain, kind)}
    name = next(iter(numbers), plain)
    if name not in LEPTOQUARKS:
        kinds = ", ".join(f"{name} {kind}" for name, kind in LEPTOQUARKS.items())
        problems.append(Problem(path, f"unknown leptoquark {text_of(given)!r}", kinds))
        return ""
    quark = QUARKS.get(LEPTOQUARKS[name].triplet)
    if quark in (None, "u"):
        allowed = ", ".join(n for n, kind in LEPTOQUARKS.items() if QUARKS.get(kind.triplet) in ("Q", "d"))
        reason = NO_N if quark is None else UP_ONLY
        problems.append(Problem(path, f"{name} {LEPTOQUARKS[name]} {reason}", allowed))
    return name


def _same(text: str, kind: Representation) -> bool:
    """Whether a text is the quantum numbers of a leptoquark, or of its conjugate."""
    match = re.fullmatch(r"\((3|3bar),(\d),(-?\d+(?:/\d+)?)\)", text)
    if match is None or match[3].endswith("/0"):
        return False
    return Representation(3 if match[1] == "3" else -3, int(match[2]), Fraction(match[3])).triplet == kind.triplet


def _dark_problems(charges: list[Fraction], couples: str, light: str, path: str) -> list[Problem]:
    """What is wrong with the N: two of opposite charges are needed, which a mass term mixes, and to which φ₂, of twice their charge, gives masses."""
    by_flavour: dict[str, Fraction] = dict(zip(LEPTONS, charges))
    charge = by_flavour[couples]
    if not charge:
        reason = f"N_{couples} has no charge: its loop gives no coupling to the Z′, φ₂ no mass"
        return [Problem(f"{path}.couples", reason, ", ".join(name for name, q in by_flavour.items() if q))]
    partners = [name for name, q in by_flavour.items() if q == -charge]
    if len(partners) != 1:
        reason = f"N_{couples} of charge {charge} mixes with one N of the opposite charge: there are {len(partners)}"
        return [Problem(f"{path}.charges", reason)]
    if light not in (couples, *partners):
        reason = f"the lighter state is N_{couples} or N_{partners[0]}, which mix"
        return [Problem(f"{path}.light", reason, f"{couples}, {partners[0]}")]
    return []


def _plain(charge: float) -> int | float:
    return int(charge) if charge == int(charge) else charge
