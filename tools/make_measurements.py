"""Regenerate inputs/measurements_collected.json: every measured b → s observable that the registry predicts.

    python tools/make_measurements.py MEASUREMENTS.yaml            writes the file
    python tools/make_measurements.py MEASUREMENTS.yaml --check    compares it with the file, exit code 1 if they differ

The YAML is the collection of restated facts described in its own header (929 entries from flavio 2.7.1's measurements.yml, MIT; LHCb 2025
from HEPData, CC0; supplements): values, errors, correlations as printed there. What happens on the way:

- entries the `wet` model cannot predict are dropped, with their rows of the correlation matrix;
- <S2c> becomes <FL> = −S2c (errors swapped, correlations change sign), <AFB_CP> becomes <AFBCP>, ps⁻¹ becomes GeV;
- the blocks of one LHCb 2025 configuration become one block with the correlation across bins (the CSV files beside the YAML);
- what must not enter a fit says why in `fit`: limits, values only remembered, suspect ones, parts of a combination that is here too;
- blocks that measurements.toml has already, written by hand, are left out.
"""

from __future__ import annotations

import csv
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import yaml

jax.config.update("jax_enable_x64", True)

from darkbeauty.models import resolve_model  # noqa: E402
from darkbeauty.predict import check_observable  # noqa: E402

INPUTS = Path(__file__).parents[1] / "src/darkbeauty/inputs"
TARGET = INPUTS / "measurements_collected.json"
HBAR_GEV_PS = 6.582119569e-13
KINEMATIC_END = 22.9  # GeV², for B → K, where the source gives no upper edge
RENAMED = {"<S2c>": "<FL>", "<AFB_CP>": "<AFBCP>"}
CSV_NAMES = {"dBR/dq2": "dBF/dq2"}
HEAD = {
    "about": "made by tools/make_measurements.py, do not edit. errors: [up, down], added in quadrature, a pair as sqrt(up*down); "
    "correlation: rows right of the diagonal, of the total errors; fit: why an entry must not be fitted; natural units",
    "caveat": "arXiv numbers of blocks from flavio were added from memory (the inspire keys are flavio's own)",
}
NOT_FITTED = {
    "SUPP_Bsmumu_summary": "overlaps with 'GSSS combination Bs->mumu 2022'",
    "SUPP_BKstnunu_Belle2017_summary": "summary of 'Belle B->hnunu SL 2017'",
}
HAND_WRITTEN_AS = {"SUPP_BelleII_BKnunu_2023": "Belle II B->Knunu 2023"}


def convert(path: Path) -> dict[str, Any]:
    """The whole file as a mapping."""
    with (INPUTS / "measurements.toml").open("rb") as file:
        by_hand = {block["id"] for block in tomllib.load(file)["block"]}
    source = yaml.safe_load(path.read_text(encoding="utf-8"))["blocks"]
    blocks = [block for raw in merged(source, path.parent) if raw["id"] not in by_hand for block in converted(raw)]
    return {**HEAD, "blocks": blocks}


def merged(blocks: list[dict], folder: Path) -> list[dict]:
    """The blocks with those of one configuration of LHCb 2025 joined, and its correlation across bins."""
    result: dict[str, dict] = {}
    for block in blocks:
        name = f"LHCb2025_B0Kstmumu_{block['basis']}" if "basis" in block else block["id"]
        if name not in result:
            result[name] = {**block, "id": name}
        else:
            result[name]["entries"] = result[name]["entries"] + block["entries"]
    for block in result.values():
        if "basis" in block:
            block["correlation"] = correlation_across_bins(block, folder / block["correlation_full"])
    return list(result.values())


def correlation_across_bins(block: dict, path: Path) -> list[list[float]]:
    """The matrix of the CSV file, in the order of the block's entries."""
    with path.open(encoding="utf-8") as file:
        bins = {tuple(json.loads(text)): key for key, text in re.findall(r"(\d+):(\[[^]]*\])", file.readline())}
        rows = list(csv.reader(file))
    column = {name: i for i, name in enumerate(rows[0][1:])}
    table = np.array([[float(x) for x in row[1:]] for row in rows[1:]])
    place = []
    for entry in block["entries"]:
        short = re.match(r"<(.*?)>", entry["obs"])[1]
        place.append(column[f"{CSV_NAMES.get(short, short)}_bin{bins[tuple(entry['q2_bin'])]}"])
    return table[np.ix_(place, place)].tolist()


def converted(raw: dict) -> list[dict]:
    """The block in the form of the file; nothing if no entry of it is predicted."""
    entries = [(i, convert_entry(raw, entry)) for i, entry in enumerate(raw["entries"])]
    kept = [(i, entry) for i, entry in entries if entry is not None]
    if not kept:
        return []
    block = {"id": raw["id"], "references": references(raw), "found": found(raw), "status": raw["status"]}
    block |= {new: raw[old] for old, new in (("superseded_by",) * 2, ("basis", "config"), ("note",) * 2) if old in raw}
    block["entries"] = [entry for _, entry in kept]
    if "correlation" in raw and len(kept) > 1:
        sign = [-1.0 if raw["entries"][i]["obs"].startswith("<S2c>") else 1.0 for i, _ in kept]
        index = [i for i, _ in kept]
        block["correlation"] = upper(np.array(raw["correlation"])[np.ix_(index, index)] * np.outer(sign, sign))
    return [block]


def upper(matrix: np.ndarray) -> list[list[float]]:
    """Rows right of the diagonal, with the digits of the source."""
    assert np.allclose(matrix, matrix.T) and np.allclose(np.diag(matrix), 1.0)
    return [[float(f"{x:.10g}") + 0.0 for x in row[i + 1 :]] for i, row in enumerate(matrix)][:-1]


def convert_entry(block: dict, raw: dict) -> dict | None:
    """One entry, or None if the registry does not predict it."""
    name = label(raw)
    problem = check_observable(resolve_model("wet"), name, block["id"])
    if problem is not None:
        if "unknown observable" not in problem.message:
            print(f"left out: {block['id']}: {name}: {problem.message}", file=sys.stderr)
        return None
    flip = raw["obs"].startswith("<S2c>")
    unit = HBAR_GEV_PS if raw.get("units") == "ps^-1" else 1.0
    scale = lambda x: float(f"{x * unit:.10g}")
    entry: dict[str, Any] = {"obs": name}
    if raw.get("value") is not None:
        entry["value"] = -raw["value"] if flip else scale(raw["value"])
    if "upper_limit" in raw:
        entry["limit"] = [raw["upper_limit"], raw["cl"]]
    pairs = [raw["total"]] if "total" in raw else [raw[key] for key in ("stat", "syst") if key in raw]
    pairs += [] if "total" in raw else raw.get("other", [])
    if pairs:
        entry["errors"] = [[scale(x) for x in (reversed(pair) if flip else pair)] for pair in pairs]
    if "label" in raw:
        entry["label"] = raw["label"]
    if why := why_not_fitted(block, raw):
        entry["fit"] = why
    return entry


def label(raw: dict) -> str:
    """Name and bin as the registry writes them."""
    name = raw["obs"]
    for old, new in RENAMED.items():
        name = name.replace(old, new)
    if "q2_bin" not in raw:
        return name
    low, high = raw["q2_bin"]
    return f"{name}[{low:g},{KINEMATIC_END if high is None else high:g}]"


def why_not_fitted(block: dict, raw: dict) -> str:
    """Why an entry must not enter a fit, or ""."""
    if "upper_limit" in raw:
        return "upper limit"
    if raw.get("value") is None:
        mode = f", mode {raw['mode']:g}" if "mode" in raw else ""
        return f"only a numerical likelihood in the source{mode}, no Gaussian value"
    if not any(key in raw for key in ("total", "stat", "syst")):
        return "only a numerical likelihood in the source, no Gaussian error"
    if "suspect" in raw:
        return f"suspect: {raw['suspect']}"
    if block["id"] in HAND_WRITTEN_AS:
        return f"in the fits as '{HAND_WRITTEN_AS[block['id']]}', which is the combination of all of these"
    if "memory" in raw.get("label", "") or (block["id"] not in NOT_FITTED and "memory" in found(block).lower()):
        return "known from memory, not checked"
    if block["id"].startswith("CMS B->K*mumu 2024") and raw["obs"].startswith("<P6p>"):
        return "suspect: sign convention of CMS not checked, opposite to LHCb in every bin"
    if raw["obs"].startswith("<ACP>(B0->K*"):
        return "the registry has flavio's half asymmetry; normalisation and sign of the source not checked"
    return NOT_FITTED.get(block["id"], "")


def found(raw: dict) -> str:
    """Where the numbers were read."""
    if "basis" in raw:
        return f"{raw['origin']}, verbatim; {raw['found'].split('; ', 1)[1]}"
    return raw.get("found") or raw["origin"].replace("measurements.yml", "measurements")


def references(raw: dict) -> list[str]:
    """arXiv number and inspire key, as far as there are any; the first names the analysis."""
    number = re.match(r"\d{4}\.\d{4,5}", raw.get("arxiv") or "")
    keys = [f"arXiv:{number[0]}"] if number else []
    inspire = (raw.get("inspire") or "").removesuffix(" (key from memory)")
    keys += [inspire] if inspire else []
    return keys or [raw.get("arxiv") or raw["id"]]


def text(data: dict[str, Any]) -> str:
    """JSON with one line per entry and per row of a matrix."""
    short = lambda value: json.dumps(value, ensure_ascii=False)
    lines = [f'"{key}": {short(data[key])},' for key in HEAD] + ['"blocks": [']
    for n, block in enumerate(data["blocks"]):
        rest = [f'"{key}": {short(value)}' for key, value in block.items() if key not in ("entries", "correlation")]
        rows = [
            f'"{key}": [\n' + ",\n".join(short(row).replace(".0,", ",").replace(".0]", "]") for row in block[key]) + "]"
            for key in ("entries", "correlation")
            if key in block
        ]
        lines.append("{" + ",\n".join(rest + rows) + "}" + ("," if n + 1 < len(data["blocks"]) else ""))
    return "{\n" + "\n".join(lines) + "\n]}\n"


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
