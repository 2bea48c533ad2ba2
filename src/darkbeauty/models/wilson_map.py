r"""What Wilson coefficients of other theories, bases and scales are at 4.8 GeV: linear maps from the package `wilson` (arXiv:1804.05033), column by column.

SMEFT (Warsaw) is run down, matched at tree level at M_Z and run on to 4.8 GeV; WET is run. CKM elements are those of the inputs, everything else is wilson's, α_e = 1/127.9 of its
normalisation of C₉ too: flavio does the same. A column is the central difference around the Standard Model, so all even orders drop out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from darkbeauty.errors import InputError, Problem, attempt, quoted, unknown
from darkbeauty.inputs import SMInputs
from darkbeauty.numerics.stored import stored

SCALE = 4.8
STEP = {"SMEFT": 1e-8, "WET": 1.0}
"""Step of a coefficient in its own unit: of SMEFT [GeV⁻²] v² C = 6e-4, so that what is cubic is 4e-7 of what is linear and rounding 1e-9; the running of WET is linear."""
SCALES = {"SMEFT": (91.1876, 1e16), "WET": (2.0, 250.0)}
"""Scales [GeV] at which coefficients of a theory may be given."""
VIA = {"SMEFT": ("Warsaw", "Warsaw up"), "WET": ("flavio", "JMS")}
"""Bases of a theory that wilson runs or matches, or whose translation into these has coefficients of one unit."""
SECTORS = ("sb", "sbsb", "sbnunu", "sbemu", "sbmue", "sbetau", "sbtaue", "sbmutau", "sbtaumu")
"""Sectors of WET that hold b → s coefficients."""
CKM = ("Vus", "Vub", "Vcb", "gamma")


@dataclass(frozen=True)
class Origin:
    """Where coefficients are given: theory, basis, and scale [GeV]."""

    eft: str
    basis: str
    scale: float

    @property
    def is_here(self) -> bool:
        """Whether that is what `wet` has."""
        return (self.eft, self.basis) == ("WET", "flavio") and math.isclose(self.scale, SCALE, rel_tol=1e-9)

    def __str__(self) -> str:
        return f"{self.eft} {self.basis} at {self.scale:g} GeV"


@cache
def _wilson() -> Any:
    """The package, with warnings off while it is imported: an extension module of it crashes where they are errors.

    Errors   InputError where it is not installed
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import wilson  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        words = 'the package wilson is needed: pip install "darkbeauty[eft]"'
        raise InputError([Problem("wilson", words, "WET, basis flavio, 4.8 GeV, which needs no running")]) from error
    return wilson


def bases(eft: str) -> tuple[str, ...]:
    """Bases of a theory from which there is a way to 4.8 GeV."""
    ways = {(a, b) for theory, a, b in _wilson().wcxf.Translator.instances if theory == eft}
    others = sorted({a for a, b in ways if b in VIA[eft]} - set(VIA[eft])) if eft == "WET" else ()
    return (*VIA[eft], *others)


def origin_problems(eft: Any, basis: Any, scale: Any) -> list[Problem]:
    """What keeps coefficients from being translated; the names of theory, basis and scale are their paths."""
    if not isinstance(eft, str) or eft not in SCALES:
        return [Problem("eft", f"unknown eft {quoted(eft)}", ", ".join(SCALES)), *_scale_problems(scale, None)]
    problems = _scale_problems(scale, SCALES[eft])
    known = attempt(lambda: bases(eft), problems)
    if known is not None and (not isinstance(basis, str) or basis not in known):
        problems.append(Problem("basis", f"basis {quoted(basis)} of {eft} cannot be translated", ", ".join(known)))
    return problems


def _scale_problems(scale: Any, ends: tuple[float, float] | None) -> list[Problem]:
    low, high = ends or (0.0, math.inf)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not low <= scale <= high:
        return [Problem("scale", f"scale {quoted(scale)} GeV", f"{low:g} to {high:g}" if ends else "a number of GeV")]
    return []


@cache
def coefficients(eft: str, basis: str) -> Mapping[str, bool]:
    """Every coefficient of a basis, and whether it is real by definition."""
    sectors = _wilson().wcxf.Basis[eft, basis].sectors
    return {name: bool((entry or {}).get("real", False)) for names in sectors.values() for name, entry in names.items()}


def coefficient_problems(origin: Origin, names: Iterable[str], path: str) -> list[Problem]:
    """Names that a basis does not have."""
    known = coefficients(origin.eft, origin.basis)
    return [unknown(f"{path}.{name}", "coefficient", str(name), known) for name in names if name not in known]


@cache
def rows() -> tuple[str, ...]:
    """The b → s coefficients of flavio's basis that a map ends in."""
    sectors = _wilson().wcxf.Basis["WET", "flavio"].sectors
    return tuple(name for sector in SECTORS for name in sectors[sector])


def linear_map(origin: Origin, names: Sequence[str], sm: SMInputs) -> np.ndarray:
    """Derivatives of the coefficients `rows()` at 4.8 GeV by real and imaginary parts of others, shape (rows, names, 2); of real ones the second is 0.

    Half a second for each number, once: columns are kept in the cache.
    """
    ckm = tuple(float(getattr(sm.ckm, name)) for name in CKM)
    real = coefficients(origin.eft, origin.basis)
    none = np.zeros(len(rows()), complex)
    parts = [
        [_column(origin, name, 1.0, ckm), none if real[name] else _column(origin, name, 1j, ckm)] for name in names
    ]
    return np.array(parts, complex).reshape(len(names), 2, len(rows())).transpose(2, 0, 1)


def translated(origin: Origin, values: Mapping[str, complex], sm: SMInputs) -> dict[str, complex]:
    """Coefficients `rows()` at 4.8 GeV of a point, to linear order."""
    parts = np.array([(complex(value).real, complex(value).imag) for value in values.values()]).reshape(-1, 2)
    total = np.einsum("rnp,np->r", linear_map(origin, tuple(values), sm), parts)
    return dict(zip(rows(), total.tolist()))


@cache
def _column(origin: Origin, name: str, unit: complex, ckm: tuple[float, ...]) -> np.ndarray:
    """One column, from the cache or by a central difference."""
    place = (origin.eft, origin.basis, str(origin.scale), name, str(unit))
    key = (*place, ckm, rows(), _wilson().__version__)
    return stored("wilson", key, lambda: _difference(origin, name, unit, dict(zip(CKM, ckm))))


def _difference(origin: Origin, name: str, unit: complex, ckm: dict[str, float]) -> np.ndarray:
    step = STEP[origin.eft] * unit
    up, down = (_at_low_scale(origin, {name: sign * step}, ckm) for sign in (1.0, -1.0))
    return (up - down) / (2.0 * abs(step))


def _at_low_scale(origin: Origin, values: dict[str, complex], ckm: dict[str, float]) -> np.ndarray:
    """What wilson gives at 4.8 GeV."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        point = _wilson().Wilson(values, origin.scale, origin.eft, origin.basis)
        point.set_option("parameters", ckm)
        found = point.match_run(SCALE, "WET", "flavio", sectors=SECTORS).dict
    return np.array([found.get(name, 0.0) for name in rows()], complex)
