"""Symbols in TeX of what names are made of: particles and Wilson coefficients."""

from __future__ import annotations

import re

PARTICLES = {
    **{"tau": r"\tau", "mu": r"\mu", "e": "e", "nu": r"\nu", "Zp": "Z'", "Z": "Z", "W": "W", "N": "N", "LQ": "S"},
    **{
        "H1": "H_1",
        "H2": "H_2",
        "inv": r"E_\mathrm{miss}",
        "hadrons": r"\mathrm{hadrons}",
        "heavy": r"_\mathrm{heavy}",
    },
    **{quark: quark for quark in "udscbt"},
}
_PARTICLE = re.compile("|".join(sorted(PARTICLES, key=len, reverse=True)))


def particles(name: str) -> str:
    """A final state such as "mumu"."""
    symbols = (PARTICLES[name] for name in _PARTICLE.findall(name))
    return "".join(symbol + " " * symbol.startswith("\\") for symbol in symbols).rstrip()


def coefficient(name: str, sector: str = "") -> str:
    """A Wilson coefficient such as "C9p" of "bsmumu": primes with the number."""
    number, prime = name[1:].rstrip("p"), "'" * name.endswith("p")
    return f"C_{{{number}{prime}}}" + (f"^{{{particles(sector)}}}" if sector else "")
