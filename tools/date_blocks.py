"""Give a day to every block of inputs/data that has none: when it was checked against its source, and when it last changed.

python tools/date_blocks.py 2026-11-28           both, in every measurement, limit and counts block without them
python tools/date_blocks.py 2026-11-28 NAME …      the blocks NAME were compared with their sources that day
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

DATA = Path(__file__).parents[1] / "src" / "darkbeauty" / "inputs" / "data"
BLOCK = re.compile(
    r"^\[\[(measurement|limit|counts)\]\]\n(?:id|name) = \"(?P<name>[^\"]*)\"\n.*?(?=^\[|\Z)", re.MULTILINE | re.DOTALL
)
FOUND = re.compile(r"^found = .*\n", re.MULTILINE)


def dated(block: str, day: str, checked: bool) -> str:
    """The text of a block with both dates after the line that says where it was found."""
    if checked:
        block = re.sub(r"^checked = .*$", f"checked = {day}", block, flags=re.MULTILINE)
    lines = [f"{key} = {day}\n" for key in ("checked", "changed") if f"\n{key} = " not in block]
    return FOUND.sub(lambda line: line[0] + "".join(lines), block, count=1)


def main(day: str, *names: str) -> None:
    date.fromisoformat(day)
    for file in sorted(DATA.glob("*.toml")):
        text = file.read_text(encoding="utf-8")
        file.write_text(BLOCK.sub(lambda block: dated(block[0], day, block["name"] in names), text), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], *sys.argv[2:])
