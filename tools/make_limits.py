"""Regenerate inputs/limits.json: every limit of the collection, under the project's names, with what may be done with it.

    python tools/make_limits.py LIMITS.yaml            writes the file
    python tools/make_limits.py LIMITS.yaml --check    compares it with the file, exit code 1 if they differ

The YAML and the CSV files in `curves/` beside it are restated facts with their sources. On the way: a best fit with a 68 % interval becomes
(best, sigma upwards); the mass–lifetime grids get the windows in which the prompt search set limits at all. `use` says what an entry is for: "fit" (a
likelihood term exists), "draw" (projections, cross-checks) or "record" (no curve, or only remembered), and `why` says why it is not "fit".
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import yaml

TARGET = Path(__file__).parents[1] / "src/darkbeauty/inputs/limits.json"
ABOUT = (
    "made by tools/make_limits.py, do not edit. kind curve: value against mass [GeV], to be read in log-log; grid: log10 of the value against mass and "
    "lifetime_ps; band: best fit and upward sigma against mass; number; none. found: where the numbers were read, or that they are only remembered"
)
GRIDS = {"LHCb_BpKX_mumu": (0.103393, 1.0, 10.0, 100.0, 904.736), "LHCb_B0KstX_mumu": (0.1, 1.0, 10.0, 100.0, 912.011)}
MEMORY, NO_CURVE = "only remembered", "no curve found"
OLDER = "an older or coarser version of another entry"

# name, entry of the collection, quantity, unit, use, why not fitted
ENTRIES: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("BaBar 4mu", "BaBar_4mu_LmuLtau", "g", "", "fit", ""),
    ("BaBar 4mu, other digitisation", "BaBar_4mu_LmuLtau_alt_digitisation", "g", "", "draw", OLDER),
    ("CMS Z->4mu", "CMS_Zto4mu_LmuLtau", "g", "", "fit", ""),
    ("CCFR trident", "CCFR_trident_LmuLtau", "g", "", "draw", "the cross-section itself is fitted: trident(CCFR)"),
    ("Belle II invisible 2019", "BelleII_invisible_2019_LmuLtau", "g", "", "fit", ""),
    ("Belle II invisible 2022", "BelleII_invisible_2022_LmuLtau", "g", "", "record", NO_CURVE),
    ("Belle II 4mu", "BelleII_4mu_2024_LmuLtau", "g", "", "record", NO_CURVE),
    ("Belle 4mu", "Belle_4mu_2021_LmuLtau", "g", "", "record", NO_CURVE),
    ("ATLAS 4mu", "ATLAS_4mu_2023_LmuLtau", "g", "", "record", NO_CURVE),
    ("BaBar monophoton", "BaBar_monophoton_recast_LmuLtau", "g", "", "draw", "assumes kinetic mixing from a loop"),
    ("NA64mu", "NA64mu_2024_LmuLtau", "g", "", "record", MEMORY),
    ("DUNE trident", "DUNE_trident_projection", "sigma/sigma_SM", "", "draw", "a projection"),
    ("a_mu", "gminus2_mu", "a_mu", "", "record", "a measurement: a_mu(NP)"),
    ("LEP-II contact", "LEP2_contact_LeLmu", "m_zp/g", "TeV", "record", MEMORY + "; measured: R(ee->ee)"),
    ("LHC multilepton", "LHC_multilepton_LeLmu", "", "", "record", NO_CURVE),
    ("LHCb B+->KX(mumu)", "LHCb_BpKX_mumu", "BR", "", "fit", ""),
    ("LHCb B0->K*X(mumu)", "LHCb_B0KstX_mumu", "BR", "", "fit", ""),
    ("Belle II B+->KX(inv)", "BelleII_BpKX_inv_2025", "BR", "", "fit", ""),
    ("Belle II B+->KX(inv) 2023", "BelleII_BpKX_inv_Altmannshofer2023", "BR", "", "draw", OLDER),
    ("BaBar B->KX(inv)", "BaBar_BKX_inv", "BR", "", "fit", ""),
    ("BaBar B->K*X(inv)", "BaBar_BKstX_inv", "BR", "", "fit", ""),
    ("B->KX(inv) combined", "BKX_inv_combined_Altmannshofer2023", "BR", "", "draw", OLDER),
    ("Belle II B+->KX(mumu)", "BelleII_BpKX_mumu_LLP", "BR", "", "draw", "one lifetime only, 8.339 ps"),
    ("Belle II B0->K*X(mumu)", "BelleII_B0KstX_mumu_LLP", "BR", "", "draw", "one lifetime only, 8.339 ps"),
    ("CRESST-III SDp", "CRESST3_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("NEWS-G SDp", "NEWSG_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("PICO-60 SDp", "PICO60_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("PICO-60 SDp, other table", "PICO60_SDp_official", "sigma_SD(p)", "cm2", "draw", "the same data as PICO-60 SDp"),
    (
        "PICASSO SDp",
        "PICASSO_SDp",
        "sigma_SD(p)",
        "cm2",
        "draw",
        "its reference is only remembered; weaker than PICO-60",
    ),
    ("CDMSlite SDp", "CDMSlite_SDp_official", "sigma_SD(p)", "cm2", "fit", ""),
    ("LZ SDp", "LZ2024_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("XENONnT SDp", "XENONnT2025_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("PandaX-4T SDp", "PandaX4T_SDp", "sigma_SD(p)", "cm2", "fit", ""),
    ("CRESST-III SDn", "CRESST3_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("CRESST-III SDn 2019", "CRESST3_2019_SDn", "sigma_SD(n)", "cm2", "draw", OLDER),
    ("CDMSlite SDn", "CDMSlite_SDn_official", "sigma_SD(n)", "cm2", "fit", ""),
    ("CDMSlite SDn, other digitisation", "CDMSlite_SDn", "sigma_SD(n)", "cm2", "draw", OLDER),
    ("XENON1T Migdal SDn", "XENON1T_Migdal_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("LZ SDn", "LZ2024_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("XENONnT SDn", "XENONnT2025_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("XENONnT light SDn", "XENONnT_lightWIMP_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("PandaX-4T SDn", "PandaX4T_SDn", "sigma_SD(n)", "cm2", "fit", ""),
    ("LZ SI", "LZ2024_SI", "sigma_SI", "cm2", "fit", ""),
    ("XENONnT SI", "XENONnT2025_SI", "sigma_SI", "cm2", "fit", ""),
    ("XENONnT light SI", "XENONnT_lightWIMP_SI", "sigma_SI", "cm2", "fit", ""),
    ("PandaX-4T SI", "PandaX4T2024_SI", "sigma_SI", "cm2", "fit", ""),
    ("PandaX-4T light SI", "PandaX4T_lowmass_SI", "sigma_SI", "cm2", "fit", ""),
    ("DarkSide-50 SI", "DarkSide50_2022_SI", "sigma_SI", "cm2", "fit", ""),
    ("CRESST-III SI", "CRESST3_2019_SI", "sigma_SI", "cm2", "fit", ""),
    ("XENON1T Migdal SI", "XENON1T_Migdal_SI", "sigma_SI", "cm2", "fit", ""),
    ("CDMSlite SI", "CDMSlite_SI", "sigma_SI", "cm2", "fit", ""),
    ("NEWS-G SI", "NEWSG_SI", "sigma_SI", "cm2", "fit", ""),
    ("LZ light", "LZ2025_lowmass", "", "", "record", NO_CURVE),
    ("Planck p_ann", "Planck_pann", "p_ann", "cm3/s/GeV", "fit", ""),
    ("ATLAS LQ->bnu", "LQ_pair_scalar_bnu_ATLAS", "m_lq", "GeV", "fit", ""),
    *(
        (name, f"LQ_pair_scalar_{id}", "m_lq", "GeV", "record", "the leptoquark has no such decay")
        for name, id in (
            ("ATLAS LQ->bmu", "bmu_ATLAS"),
            ("CMS LQ->bmu", "bmu_CMS"),
            ("ATLAS LQ->btau", "btau_ATLAS"),
            ("CMS LQ->btau", "btau_CMS"),
            ("ATLAS LQ->be", "be_ATLAS"),
            ("ATLAS LQ->tmu", "tmu_ATLAS"),
            ("ATLAS LQ->ttau", "ttau_ATLAS"),
        )
    ),
    (
        "ATLAS LQ->tnu",
        "LQ_pair_scalar_tnu_ATLAS",
        "m_lq",
        "GeV",
        "draw",
        "only in the model with up-type quarks; weaker than b nu there",
    ),
    (
        "ATLAS LQ->cnu",
        "LQ_pair_scalar_cnu_ATLAS",
        "m_lq",
        "GeV",
        "draw",
        "only in the model with up-type quarks; weaker than b nu there",
    ),
    ("CMS LQ->qnu", "LQ_pair_scalar_qnu_CMS2019", "m_lq", "GeV", "record", MEMORY),
    ("ATLAS sbottom->b chi", "sbottom_b_chi_ATLAS2021", "m_lq", "GeV", "record", MEMORY),
)


def convert(path: Path) -> dict[str, Any]:
    """The whole file as a mapping."""
    source = {entry["id"]: entry for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["limits"]}
    left = set(source) - {id for _, id, *_ in ENTRIES}
    if left:
        raise SystemExit(f"entries without a name: {sorted(left)}")
    limits = {}
    for name, id, quantity, unit, use, why in ENTRIES:
        raw = source[id]
        head = {"quantity": quantity, "unit": unit, "cl": confidence(raw.get("cl")), "use": use, "why": why}
        words = {"references": references(raw["source"]), "found": raw["found"], "note": raw.get("notes", "")}
        limits[name] = {**head, **content(raw, path.parent / "curves"), **words}
    return {"about": ABOUT, "limits": limits}


def confidence(text: float | str | None) -> float | None:
    """Confidence level as a number; one standard deviation is 68.27 %."""
    return 0.6827 if text == "1 sigma" else text


def content(raw: dict[str, Any], curves: Path) -> dict[str, Any]:
    """The numbers of an entry, by kind."""
    if raw["id"] in GRIDS:
        return grid(np.genfromtxt(curves / f"{raw['id']}.csv", delimiter=",", comments="#"), GRIDS[raw["id"]])
    mass = raw.get("mass_GeV")
    if "best_fit" in raw:
        up = [round(high - best, 12) for best, high in zip(raw["best_fit"], raw["high"])]
        return {"kind": "band", "mass": mass, "best": raw["best_fit"], "up": up}
    if mass and None not in mass:
        return {"kind": "curve", "mass": mass, "value": raw["value"]}
    if isinstance(raw.get("value"), int | float):
        return {"kind": "number", "value": raw["value"]}
    known = {key: raw[key] for key in ("value", "value_TeV", "mass_range_GeV", "value_range", "mass_GeV") if key in raw}
    return {"kind": "none", "known": known}


def grid(table: np.ndarray, lifetimes: tuple[float, ...]) -> dict[str, Any]:
    """Windows of mass where every lifetime has a limit; inside a veto the last value before it is kept, and not used."""
    mass, value = table[:, 0], table[:, 1:]
    good = ~np.isnan(value).any(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(int)))
    windows = [[float(mass[a]), float(mass[b - 1])] for a, b in zip(edges[::2], edges[1::2])]
    last = np.maximum.accumulate(np.where(good, np.arange(len(mass)), 0))
    rows = [[round(float(x), 4) for x in row] for row in value[last]]
    return {
        "kind": "grid",
        "lifetime_ps": list(lifetimes),
        "windows": windows,
        "mass": mass.tolist(),
        "log10_value": rows,
    }


def references(source: dict[str, Any]) -> list[str]:
    """arXiv numbers first, then whatever else names the source."""
    text = " ".join(str(source.get(key, "")) for key in ("arxiv", "interpretation", "wp2025", "wp2020"))
    numbers = [f"arXiv:{number}" for number in re.findall(r"\d{4}\.\d{4,5}", text)]
    return numbers + [str(source[key]) for key in ("paper", "pdg") if key in source]


def text(data: dict[str, Any]) -> str:
    """JSON with one line per limit."""
    short = lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    rows = [f"{short(name)}: {short(entry)}" for name, entry in data["limits"].items()]
    return f'{{\n"about": {short(data["about"])},\n"limits": {{\n' + ",\n".join(rows) + "\n}}\n"


def main() -> int:
    """Write or check the file."""
    arguments = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    if len(arguments) != 1:
        print(__doc__)
        return 2
    new = text(convert(Path(arguments[0])))
    json.loads(new)
    if "--check" in sys.argv:
        same = TARGET.read_text(encoding="utf-8") == new
        print("up to date" if same else f"{TARGET} differs")
        return 0 if same else 1
    TARGET.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
