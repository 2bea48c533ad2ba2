"""What every b → s mode with a pair has: rate and angular observables in bins and at points, lepton ratios."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from darkbeauty.flavour.modes import MODES, Mode
from darkbeauty.models import symbols
from darkbeauty.observables.combiners import RatioOfTwo, SummedRate
from darkbeauty.observables.domains import bin_in, near_charmonia
from darkbeauty.observables.observable import BIN, FRACTION, POINT, Observable, Source, source

LEPTON_TEX = {"e": "e^+e^-", "mu": r"\mu^+\mu^-", "tau": r"\tau^+\tau^-", "l": r"\ell^+\ell^-"}
MODE_TEX = {
    "B+->K": r"B^+ \to K^+",
    "B0->K": r"B^0 \to K^0",
    "B0->K*": r"B^0 \to K^{*0}",
    "B+->K*": r"B^+ \to K^{*+}",
    "Bs->phi": r"B_s \to \phi ",
    "B+->pi": r"B^+ \to \pi^+",
    "B0->pi": r"B^0 \to \pi^0",
    "B+->rho": r"B^+ \to \rho^+",
    "B0->rho": r"B^0 \to \rho^0",
}
RATIOS = (("mu", "e"), ("tau", "mu"))

Symbols = Mapping[str, tuple[str, str, Callable[..., Any]]]
"""Name of an observable → its TeX symbol, what it is, how it combines the results."""


def mode_of(mode: str) -> Mode:
    """Mesons of a mode of any spin."""
    return MODES[mode]


@dataclass(frozen=True)
class Process:
    """A mode with a pair: its name in flavio's notation, TeX, mesons, the field of a result that is its rate, and what all of its observables share."""

    name: str
    tex: str
    mode: Mode
    rate: str
    shared: Mapping[str, Any]

    @property
    def average(self) -> str:
        return "time-integrated, CP-averaged" if self.mode.b == "Bs" else "CP-averaged"

    def in_bins_and_at_points(
        self, bins: tuple[Source, ...], points: tuple[Source, ...], angular: Symbols
    ) -> list[Observable]:
        """Rate and angular observables."""
        binned, point = (partial(Observable, arguments=arguments, **self.shared) for arguments in (BIN, POINT))
        name, tex, combine = self.name, self.tex, SummedRate(self.mode.b, self.rate)
        observables = [
            binned(
                f"<dBR/dq2>({name})",
                bins,
                combine,
                unit="GeV^-2",
                tex=rf"\langle dB/dq^2\rangle({tex})",
                about=f"{self.average} branching fraction in the bin over its width",
            ),
            point(
                f"dBR/dq2({name})",
                points,
                combine,
                unit="GeV^-2",
                tex=rf"dB/dq^2({tex})",
                about=f"{self.average} differential branching fraction",
            ),
        ]
        for what, (symbol, about, combine) in angular.items():
            in_bin = rf"\langle {symbol}\rangle({tex})"
            observables.append(binned(f"<{what}>({name})", bins, combine, tex=in_bin, about=about))
            observables.append(point(f"{what}({name})", points, combine, tex=rf"{symbol}({tex})", about=about))
        return observables

    def over_all(self, sources: tuple[Source, ...], about: str, **more: Any) -> Observable:
        """Branching fraction over all of phase space."""
        shared = {name: value for name, value in self.shared.items() if name not in ("domain", "remark")}
        combine = SummedRate(self.mode.b, self.rate)
        return Observable(
            f"BR({self.name})",
            sources,
            combine,
            tex=f"B({self.tex})",
            about=about,
            range=FRACTION,
            **{**shared, **more},
        )


@dataclass(frozen=True)
class LeptonModes:
    """The modes of one spin with ℓ⁺ℓ⁻: amplitude code, the field of its results that is the rate, functions that explain it."""

    code: ModuleType
    rate: str
    formulas: tuple[Any, ...]

    def observables(self, mode: str, lepton: str, references: tuple[str, ...], angular: Symbols) -> list[Observable]:
        """One mode with one lepton; for τ also over all of phase space."""
        process = Process(
            f"{mode}{lepton}{lepton}",
            MODE_TEX[mode] + LEPTON_TEX[lepton],
            mode_of(mode),
            self.rate,
            {"references": references, "formulas": self.formulas, **_limits(mode, (lepton,))},
        )
        of = lambda function: (source(function, of=("wilson",), mode=mode, lepton=lepton),)
        observables = process.in_bins_and_at_points(of(self.code.binned), of(self.code.differential), angular)
        if lepton == "tau":
            about = "branching fraction over all of phase space, without charmonia"
            observables.append(process.over_all(of(self.code.total), about))
        return observables

    def ratios(self, mode: str, first: str, second: str, references: tuple[str, ...]) -> list[Observable]:
        """Ratio of the branching fractions to two leptons, in bins and at points."""
        name, tex = f"R{first}{second}", MODE_TEX[mode] + LEPTON_TEX["l"]
        pair = (first, second)
        make = lambda function: tuple(source(function, of=("wilson",), mode=mode, lepton=lepton) for lepton in pair)
        ratio = partial(
            Observable,
            combine=RatioOfTwo(self.rate),
            references=references,
            formulas=self.formulas,
            about="ratio of branching fractions",
            **_limits(mode, pair),
        )
        symbol = f"R_{{{symbols.particles(first)}/{symbols.particles(second)}}}"
        in_bin = rf"\langle {symbol}\rangle({tex})"
        return [
            ratio(f"<{name}>({mode}ll)", make(self.code.binned), arguments=BIN, tex=in_bin),
            ratio(f"{name}({mode}ll)", make(self.code.differential), arguments=POINT, tex=rf"{symbol}({tex})"),
        ]


def _limits(mode: str, leptons: tuple[str, ...]) -> dict[str, Any]:
    """Where the observables of a mode are defined, and what is said of them."""
    m = mode_of(mode)
    return {
        "domain": partial(bin_in, b=m.b, final=m.final, leptons=leptons),
        "remark": partial(near_charmonia, leptons=leptons),
    }
