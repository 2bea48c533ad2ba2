"""Compare every measured number with a collection of them in YAML, and name those that are not in it as they are.

    python tools/review_measurements.py measurements.yaml new_measurements.yaml …

An entry of the collection has `obs`, `value` or `upper_limit`, errors `stat`, `syst`, `other`, `total` as [up, down] and perhaps `q2_bin`. What is named was changed on purpose
(units, sums, normalisation), typed wrongly, or is from elsewhere: look at it, then date its block with tools/date_blocks.py.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from darkbeauty.inputs.measurements import load_measurements
from darkbeauty.inputs.selection import Entry, entries

VALUE, ERROR = 1e-6, 1e-4
"""Relative differences of values and of errors that are none."""
PARTS = ("stat", "syst")

Key = tuple[str, tuple[float, ...]]


def collection(paths: list[str]) -> dict[Key, list[tuple[float, float]]]:
    """(observable, bin) → (value or limit, total error) of every row there is."""
    rows: dict[Key, list[tuple[float, float]]] = defaultdict(list)
    for path in paths:
        for block in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["blocks"]:
            for row in block.get("entries", ()):
                edges = tuple(float(edge) for edge in row.get("q2_bin", ()) if edge is not None)
                rows[row["obs"].split(" ")[0], edges].append((number(row), total_error(row)))
    return rows


def number(row: dict[str, Any]) -> float:
    value = row.get("upper_limit") if row.get("value") is None else row["value"]
    return float("nan" if value is None else value)


def total_error(row: dict[str, Any]) -> float:
    """The total error, or the quadratic sum of its parts; an asymmetric one counts as the geometric mean."""
    parts = (
        [row["total"]]
        if row.get("total")
        else [row[key] for key in PARTS if row.get(key)] + list(row.get("other") or ())
    )
    return float(np.sqrt(sum(up * down for up, down in parts)))


def is_there(entry: Entry, rows: dict[Key, list[tuple[float, float]]]) -> bool:
    block, place = entry.block, entry.place
    limit = block.limits[place]
    value = limit[0] if limit else float(block.values[place])
    error = 0.0 if limit else float(np.sqrt(block.covariance[place, place]))
    same = rows.get((entry.label.split("[")[0], entry.bin or ()), [])
    return any(
        (np.isnan(value) and np.isnan(a))
        or (np.isclose(value, a, rtol=VALUE, atol=0.0) and np.isclose(error, b, rtol=ERROR, atol=0.0))
        for a, b in same
    )


def main(paths: list[str]) -> None:
    rows, agree = collection(paths), []
    for block in load_measurements().values():
        missing = [
            entry for entry in entries(block) if not is_there(entry, rows) and not np.isnan(block.values[entry.place])
        ]
        if missing:
            for entry in missing:
                error = np.sqrt(block.covariance[entry.place, entry.place])
                near = rows.get((entry.label.split("[")[0], entry.bin or ()), [])
                print(f"{block.id}: {entry.label} = {block.values[entry.place]:.6g} ± {error:.4g}; there: {near}")
        else:
            agree.append(block.id)
    print(f"{len(agree)} blocks agree in every number: {', '.join(agree)}")


if __name__ == "__main__":
    main(sys.argv[1:])
