"""The b → sμμ data set of the global fit: which publications, in which basis, and which of their bins."""

from __future__ import annotations

from functools import lru_cache

from darkbeauty.inputs.measurements import Measurement, load_measurements
from darkbeauty.inputs.selection import Entry, entries, select_measurements

LOW, HIGH = 6.0, 14.0
"""Bins between these q² [GeV²], next to and between the charmonium resonances, are not predicted reliably and stay out."""

CDF = tuple(f"CDF {name} 2012" for name in ("B+>Kmumu", "B0->Kmumu", "B+->K*mumu", "B0->K*mumu BR", "Bs->phimumu"))
ATLAS = tuple(f"ATLAS B->K*mumu 2017 {name}" for name in ("FL", "S3", "S4", "S5", "S7", "S8"))
CMS = (
    "CMS B->K*mumu 2013 combined with 2015",
    "CMS B->K*mumu 2013 combined with 2015 BR",
    "CMS B->K*mumu 2015 4.3-6",
    "CMS B->K*mumu 2015 4.3-6 BR",
    *(f"CMS B->K*mumu 2017 {q2}" for q2 in ("1-2", "2-4.3", "4.3-6", "14.18-16", "16-19")),
    *(f"CMS B->K*mumu 2024 {q2}" for q2 in ("1.1-2", "2-4.3", "4.3-6", "14.18-16")),
    "CMS B+->Kmumu BR 2024",
)
LHCB = (
    "LHCb2025_B0Kstmumu_S",
    *(f"LHCb B+->K*mumu 2020 S {q2}" for q2 in ("0.1-0.98", "1.1-2.5", "2.5-4", "4-6", "15-19")),
    "LHCb B+->K*mumu BR 2014",
    "LHCb B+->Kmumu BR 2014",
    "LHCb B0->Kmumu BR 2014",
    "LHCb Bs->phimumu BR 2021",
    *(f"LHCb Bs->phimumu 2021 {q2} GeV^2" for q2 in ("0.1-0.98", "1.1-4.0", "4.0-6.0", "15.0-18.9")),
)
PUBLICATIONS = (*LHCB, *CMS, *ATLAS, *CDF, "CDF B0->K*mumu FL 2012", "CDF B0->K*mumu AFB 2012")
"""S basis wherever an analysis gives it (LHCb, ATLAS; CDF has F_L and A_FB), P basis for CMS 2017 and 2024, which published only that."""


@lru_cache(maxsize=1)
def smumu_data() -> Measurement:
    """All current branching ratios and CP-averaged angular observables of B → K(*)μμ and B_s → φμμ that may be fitted together.

    Below 6 GeV² the narrow bins of an analysis, above 14 GeV² its widest ones (a sum over resonances is what quark–hadron duality predicts).
    Left out: F_H and A_FB of B → Kμμ, which no coefficient of the `wet` model moves, and the CP asymmetries (another fit to the same data).
    """
    blocks = load_measurements()
    bins: dict[tuple[str, str], set[tuple[float, float]]] = {}
    for one in PUBLICATIONS:
        for entry in entries(blocks[one]):
            if entry.bin and not entry.why_not:
                bins.setdefault((entry.block.analysis, entry.process), set()).add(entry.bin)

    def keep(entry: Entry) -> bool:
        return not entry.why_not and entry.bin in preferred(bins[entry.block.analysis, entry.process])

    return select_measurements(PUBLICATIONS, keep, "b->smumu")


def preferred(bins: set[tuple[float, float]]) -> set[tuple[float, float]]:
    """Bins below LOW that contain no other, and bins above HIGH that are contained in no other."""
    inside = lambda a, b: a != b and b[0] <= a[0] and a[1] <= b[1]
    low = {b for b in bins if b[1] <= LOW and not any(inside(a, b) for a in bins)}
    return low | {b for b in bins if b[0] >= HIGH and not any(inside(b, a) for a in bins)}
