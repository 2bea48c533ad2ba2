"""Arrays that take seconds to compute and do not depend on a fit's parameters, kept beside JAX's cache of compiled functions."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from darkbeauty.environment import distrust
from darkbeauty.errors import InputError
from darkbeauty.files import content_hash, read_signed, signed

ROOMS = (
    *("inputs", "numerics", "models", "flavour", "dark", "leptonic", "observables"),
    *("evaluation.py", "prediction.py", "status.py", "tables.py", "likelihoods/theory.py"),
)
"""Code and data that stored arrays may come from."""


def stored(name: str, key: Any, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """compute(), or what it was in an earlier process with the same key and the same code.

    Only where JAX has a cache folder (jax_compilation_cache_dir), as on the command line, into which nobody else can write; what is damaged or
    cannot be read is computed again, what cannot be written is not kept.
    Args     key: a pytree of arrays, numbers and strings that determines the result
    """
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    if not folder or not jax.config.jax_enable_compilation_cache or not _trusted(folder):  # pyright: ignore[reportAttributeAccessIssue]
        return np.asarray(compute())
    path = Path(folder) / f"{name}-{_digest(key)}.npy"
    with contextlib.suppress(InputError):
        return np.load(io.BytesIO(read_signed(path, path.name)), allow_pickle=False)
    value, buffer = np.asarray(compute()), io.BytesIO()
    np.save(buffer, value, allow_pickle=False)
    part = path.with_suffix(f".{os.getpid()}.npy")
    with contextlib.suppress(OSError):
        part.write_bytes(signed(buffer.getvalue(), path.name))
        os.replace(part, path)  # whole or not at all, whoever else writes
    return value


@lru_cache
def _trusted(folder: str) -> bool:
    """Whether a folder is safe to read numbers from; a warning, once, where it is not."""
    reason = distrust(Path(folder)) if Path(folder).is_dir() else ""
    if reason:
        warnings.warn(f"{reason}: nothing is read from this cache or kept in it", stacklevel=3)
    return not reason


def _digest(key: Any) -> str:
    leaves, structure = jax.tree.flatten(key)
    digest = hashlib.sha256(f"{content_hash(ROOMS)} {jax.__version__} {structure}".encode())
    for leaf in leaves:
        array = np.asarray(leaf)
        digest.update(f"{array.dtype.str} {array.shape} ".encode() + array.tobytes())
    return digest.hexdigest()[:40]
