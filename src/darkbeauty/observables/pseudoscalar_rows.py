"""B → K with leptons, neutrinos or dark matter; inclusive and leptonic decays; mixing."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from darkbeauty.flavour import b_to_invisible, b_to_p_ll, b_to_xs_gamma, bs_mixing, bs_to_ll
from darkbeauty.flavour.modes import PSEUDOSCALAR
from darkbeauty.models.base import LEPTONS
from darkbeauty.observables.entry import (
    BIN,
    PLAIN,
    POINT,
    Observable,
    bin_in,
    binned_rate,
    itself,
    mean,
    rate,
    ratio,
    ratio_of_two,
    source,
    zero,
)

_LEPTON_TEX = {"e": "e^+e^-", "mu": r"\mu^+\mu^-", "tau": r"\tau^+\tau^-"}
_B_TO_P = ("arXiv:0709.4174", "arXiv:2305.06301", "arXiv:0810.4077")


def _b_to_p_ll(mode: str, lepton: str) -> tuple[Observable, ...]:
    m = PSEUDOSCALAR[mode]
    process, tex = f"{mode}{lepton}{lepton}", rf"{mode[:-3]} \to K{_LEPTON_TEX[lepton]}"
    domain = partial(bin_in, b=m.b, final=m.final, lepton=lepton)
    bins = (source(b_to_p_ll.binned, mode=mode, lepton=lepton),)
    points = (source(b_to_p_ll.differential, mode=mode, lepton=lepton),)
    binned = partial(Observable, arguments=BIN, references=_B_TO_P, domain=domain)
    point = partial(Observable, arguments=POINT, references=_B_TO_P, domain=domain)
    ratios = {
        "FH": ("flat term F_H", partial(ratio, numerator=1, denominator=0)),
        "ACP": ("direct CP asymmetry", partial(ratio, numerator=2, denominator=0)),
        "AFB": ("forward–backward asymmetry (0 without scalar operators)", zero),
    }
    rows = [
        binned(
            f"<dBR/dq2>({process})",
            bins,
            partial(binned_rate, meson=m.b),
            unit="GeV^-2",
            tex=rf"\langle dB/dq^2\rangle({tex})",
            about="CP-averaged branching fraction in the bin over its width",
        ),
        point(
            f"dBR/dq2({process})",
            points,
            partial(rate, meson=m.b),
            unit="GeV^-2",
            tex=rf"dB/dq^2({tex})",
            about="CP-averaged differential branching fraction",
        ),
    ]
    for name, (about, combine) in ratios.items():
        rows.append(binned(f"<{name}>({process})", bins, combine, tex=rf"\langle {name}\rangle({tex})", about=about))
        rows.append(point(f"{name}({process})", points, combine, tex=rf"{name}({tex})", about=about))
    return tuple(rows)


def _b_to_p_ratio(mode: str, first: str, second: str) -> tuple[Observable, ...]:
    m = PSEUDOSCALAR[mode]
    domain = partial(bin_in, b=m.b, final=m.final, lepton=first)
    label = f"R{first}{second}"
    make = lambda function: tuple(source(function, mode=mode, lepton=lepton) for lepton in (first, second))
    common = partial(
        Observable, combine=ratio_of_two, references=_B_TO_P, domain=domain, about="ratio of branching fractions"
    )
    return (
        common(
            f"<{label}>({mode}ll)",
            make(b_to_p_ll.binned),
            arguments=BIN,
            tex=rf"\langle {label}\rangle({mode}\ell\ell)",
        ),
        common(f"{label}({mode}ll)", make(b_to_p_ll.differential), arguments=POINT, tex=rf"{label}({mode}\ell\ell)"),
    )


def _b_to_p_invisible(mode: str) -> tuple[Observable, ...]:
    m = PSEUDOSCALAR[mode]
    domain = partial(bin_in, b=m.b, final=m.final, lepton=None)
    refs = ("arXiv:1409.4557",)

    def row(
        name: str,
        function: Callable,
        about: str,
        needs: str = "",
        arguments: tuple = PLAIN,
        combine: Callable = itself,
    ) -> Observable:
        unit = "GeV^-2" if arguments else ""
        return Observable(
            name,
            (source(function, mode=mode),),
            combine,
            arguments,
            unit,
            name,
            refs,
            needs,
            domain=domain if arguments else None,
            about=about,
        )

    b = b_to_invisible
    return (
        row(f"BR({mode}nunu)", b.br_nunu, "νν̄, all flavours"),
        row(f"<dBR/dq2>({mode}nunu)", b.br_nunu_binned, "νν̄ in the bin over its width", arguments=BIN, combine=mean),
        row(f"dBR/dq2({mode}nunu)", b.dbr_nunu, "νν̄, all flavours", arguments=POINT),
        row(f"BR({mode}NN)", b.br_majorana, "pair of dark-matter particles through the Z′ penguin", "dark"),
        row(f"dBR/dq2({mode}NN)", b.dbr_majorana, "pair of dark-matter particles", "dark", POINT),
        row(f"BR({mode}inv)", b.br_invisible, "missing energy: νν̄ ⊕ NN", "dark"),
        row(f"dBR/dq2({mode}inv)", b.dbr_invisible, "missing energy: νν̄ ⊕ NN", "dark", POINT),
        row(f"BR({mode}Zp)", b.br_zp, "Z′ on its mass shell", "mediator"),
    )


_MISIAK, _BLL = ("hep-ph/0609241", "arXiv:1503.01789"), ("arXiv:1204.1737",)

ROWS: tuple[Observable, ...] = (
    *(row for mode in PSEUDOSCALAR for lepton in LEPTONS for row in _b_to_p_ll(mode, lepton)),
    *(row for mode in PSEUDOSCALAR for pair in (("mu", "e"), ("tau", "mu")) for row in _b_to_p_ratio(mode, *pair)),
    *(row for mode in PSEUDOSCALAR for row in _b_to_p_invisible(mode)),
    Observable(
        "BR(B->Xsgamma)",
        (source(b_to_xs_gamma.br_xs_gamma),),
        itself,
        tex=r"B(B\to X_s\gamma)",
        references=_MISIAK,
        about="CP-averaged, E_γ > 1.6 GeV",
    ),
    *(
        Observable(
            f"BR(Bs->{lepton}{lepton})",
            (source(bs_to_ll.br_bs_ll, lepton=lepton),),
            itself,
            tex=rf"B(B_s\to {_LEPTON_TEX[lepton]})",
            references=_BLL,
            about="time-integrated branching fraction",
        )
        for lepton in LEPTONS
    ),
    Observable(
        "DeltaM_s",
        (source(bs_mixing.delta_m_s),),
        itself,
        unit="GeV",
        tex=r"\Delta M_s",
        references=("hep-ph/9512380",),
        about="mass difference of the B_s mesons",
    ),
)
