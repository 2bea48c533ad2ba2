"""Settings of the whole suite, made before any test imports JAX: float64, explicit ranks, a kept compilation cache, no display."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("DARKBEAUTY_CACHE", str(ROOT / ".jax_cache"))
os.environ.setdefault("MPLBACKEND", "Agg")

from darkbeauty.environment import compile_quickly  # noqa: E402

compile_quickly()

import jax  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

from darkbeauty.commands import waiting  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ["DARKBEAUTY_CACHE"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
jax.devices()  # JAX has begun, with one device: a command that a test runs in this process changes no other test

ENOUGH = 1.0e9
"""Bytes above which a file leaves nothing compiled behind."""

settings.register_profile(
    "suite", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Ranks are explicit, also after a command that a test ran; commands do not say how long they take, which machines differ in; compiled in a hurry, unless marked `optimised`: compilation is most of what the suite costs."""
    jax.config.update("jax_numpy_rank_promotion", "raise")
    waiting.SILENT = 1e6
    jax.config.update("jax_disable_most_optimizations", item.get_closest_marker("optimised") is None)


@pytest.fixture(autouse=True, scope="module")
def _memory(request):
    """Compiled functions of a file are of little use to the next one, small ones aside, and together they fill gigabytes; those of a changed module are of none."""
    yield
    tests = (item for item in request.session.items if item.path == request.path)
    if resident() > ENOUGH or any("monkeypatch" in test.fixturenames for test in tests):
        jax.clear_caches()


def resident() -> float:
    """Bytes of memory of this process; infinite where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return float("inf")
