"""Settings of the whole suite, made before any test imports JAX: float64, explicit ranks, a kept compilation cache, no display."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("DARKBEAUTY_CACHE", str(ROOT / ".jax_cache"))
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("XLA_FLAGS", "--xla_llvm_disable_expensive_passes=true")  # halves compilation

import jax  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_compilation_cache_dir", os.environ["DARKBEAUTY_CACHE"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.5)
jax.devices()  # JAX has begun, with one device: a command that a test runs in this process changes no other test

settings.register_profile(
    "suite", deadline=None, max_examples=25, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")


@pytest.fixture(autouse=True, scope="module")
def _memory():
    """Compiled functions of a file are of no use to the next one, and together they fill gigabytes."""
    yield
    jax.clear_caches()
