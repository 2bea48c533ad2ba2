"""Conversions, used at the edges only; inside, everything is in powers of GeV with ħ = c = 1.

Values are exact SI or CODATA 2018 (ħ, ħc).
"""

HBAR_GEV_S = 6.582119569e-25
HBARC_GEV_CM = 1.973269804e-14
GEV_PER_INVERSE_PS = HBAR_GEV_S * 1e12
CM2_PER_INVERSE_GEV2 = HBARC_GEV_CM**2
CM3_S_PER_INVERSE_GEV2 = HBARC_GEV_CM**3 / HBAR_GEV_S
