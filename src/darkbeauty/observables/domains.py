"""Which arguments an observable may have, and what a reader should know of a number: functions of inputs and arguments that return words, or ""."""

from __future__ import annotations

import math

from darkbeauty.inputs import SMInputs

CHARMONIA = {"J/psi": (8.68, 10.09), "psi(2S)": (12.86, 14.18)}
"""Vetoed regions of q² [GeV²] of b → sμμ and b → see, the narrowest in use (CDF, CMS, Belle): no measured bin reaches into them."""
UNRELIABLE = (6.0, CHARMONIA["psi(2S)"][1])
"""Next to and between the charmonia, where nobody's prediction is trusted [GeV²]."""
SHORT_LIVED = ("e", "mu")
"""Leptons whose pairs come from J/ψ and ψ(2S) in reach."""


def bin_in(sm: SMInputs, arguments: tuple[float, ...], b: str, final: str, leptons: tuple[str, ...] = ()) -> str:
    """What is wrong with a bin or a point of b → final + pair; leptons: of every pair it is asked for, none: neutrinos or dark matter.

    A bin may reach beyond the end point: the rate ends there, the width it is divided by does not, as in flavio.
    """
    hi = (sm.mass[b] - sm.mass[final]) ** 2
    lo = max((4.0 * float(sm.mass[lepton]) ** 2 for lepton in leptons), default=0.0)
    allowed = f"{lo:.4g} to {hi:.4g} GeV²"
    if not all(math.isfinite(q2) for q2 in arguments):
        return f"q² must be finite, {allowed}"
    if len(arguments) == 1:
        if not lo < arguments[0] < hi:
            return f"q² = {arguments[0]:g} is outside phase space, {allowed}"
        return _vetoed(f"q² = {arguments[0]:g} lies in", arguments[0], arguments[0], leptons)
    if not arguments[0] < arguments[1]:
        return f"bin [{arguments[0]:g}, {arguments[1]:g}] is not in increasing order"
    if arguments[0] < 0.0 or arguments[1] <= lo or arguments[0] >= hi:
        return f"bin [{arguments[0]:g}, {arguments[1]:g}] is outside phase space, {allowed}"
    return _vetoed(f"bin [{arguments[0]:g}, {arguments[1]:g}] reaches into", *arguments, leptons=leptons)


def tent_in(sm: SMInputs, arguments: tuple[float, ...], b: str, final: str) -> str:
    """What is wrong with the ends and the peak of a tent in q² of b → final + missing energy; it may reach beyond phase space."""
    hi = (sm.mass[b] - sm.mass[final]) ** 2
    left, peak, right = arguments
    if not all(map(math.isfinite, arguments)) or not left < peak < right:
        return f"tent [{left:g}, {peak:g}, {right:g}]: ends and peak must be finite and increase"
    return (
        ""
        if right > 0.0 and left < hi
        else f"tent [{left:g}, {peak:g}, {right:g}] is outside phase space, 0 to {hi:.4g} GeV²"
    )


def _vetoed(what: str, low: float, high: float, leptons: tuple[str, ...]) -> str:
    if not set(leptons) & set(SHORT_LIVED):
        return ""
    for resonance, (below, above) in CHARMONIA.items():
        if low < above and high > below:
            return f"{what} the vetoed {resonance} region, {below} to {above} GeV²"
    return ""


def near_charmonia(sm: SMInputs, arguments: tuple[float, ...], leptons: tuple[str, ...]) -> str:
    """That a bin or point next to or between the charmonia is not predicted reliably."""
    low, high = UNRELIABLE
    if arguments[0] < high and arguments[-1] > low and set(leptons) & set(SHORT_LIVED):
        return f"q² between {low:g} and {high:g} GeV², next to the charmonia, is not predicted reliably"
    return ""


def positive(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """q² must be positive and finite."""
    return "" if 0.0 < arguments[0] < math.inf else f"q² = {arguments[0]:g} must be positive and finite"


def at_least_one(sm: SMInputs, arguments: tuple[float, ...]) -> str:
    """x must be at least 1, and finite."""
    return "" if 1.0 <= arguments[0] < math.inf else f"x = {arguments[0]:g} must be at least 1, and finite"
