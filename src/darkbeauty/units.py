"""Conversions, and how units are written, used at the edges only; inside, everything is in powers of GeV with ħ = c = 1.

Values are exact SI or CODATA 2018 (ħ, ħc).
"""

import re

HBAR_GEV_S = 6.582119569e-25
HBARC_GEV_CM = 1.973269804e-14
GEV_PER_INVERSE_PS = HBAR_GEV_S * 1e12
CM2_PER_INVERSE_GEV2 = HBARC_GEV_CM**2
CM3_S_PER_INVERSE_GEV2 = HBARC_GEV_CM**3 / HBAR_GEV_S


def percent(share: float) -> str:
    """A share in percent with two digits, those before the point whole: 0.0042 is "0.42 %", 1 is "100 %"."""
    return f"{100.0 * share:.2g} %" if abs(share) < 0.995 else f"{100.0 * share:.0f} %"


def on_axis(symbol: str, unit: str) -> str:
    """What stands at an axis: a symbol, with its unit in brackets where it has one; exponents raised."""
    raised = re.sub(r"(?<=[A-Za-z])\^?(-?[0-9]+)", r"$^{\1}$", unit)
    return f"{symbol} [{raised}]" if unit else symbol
