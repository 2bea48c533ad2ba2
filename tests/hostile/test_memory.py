"""A long session: thousands of calls with other numbers and other observables keep a bounded number of compiled programs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.hostile
PACKAGE = Path(__file__).resolve().parents[2] / "src" / "darkbeauty"
SESSION = """
import json, sys, itertools
import jax
jax.config.update("jax_enable_x64", True)
import darkbeauty as db

names = [f"{slot}(bs{lepton})" for slot in ("C9", "C10", "C9p", "C10p", "C7", "C8") for lepton in ("ee", "mumu", "tautau")]
pairs = list(itertools.combinations(names, 2))
def used():
    return sum(1 for _ in open("/proc/self/maps")), int(open("/proc/self/statm").read().split()[1]) * 4 // 1024
levels = []
for turn in range(150):
    q2 = 1.0 + 0.01 * turn
    db.predict("wet", {"C9_bsmumu": q2}, [f"{name}[{q2}]" for name in pairs[turn]])
    if turn in (74, 149):
        levels.append(used())
print(json.dumps(levels))
"""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs Linux")
def test_memory_of_a_long_session_has_a_plateau():
    """Without it, 75 structures more would be 75 times some ten maps and megabytes more."""
    env = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "DARKBEAUTY_CACHE": ""}
    result = subprocess.run([sys.executable, "-c", SESSION], env=env, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stderr
    (maps, megabytes), (later_maps, later_megabytes) = json.loads(result.stdout.splitlines()[-1])
    assert later_maps < maps + 75
    assert later_megabytes < megabytes + 40
