"""Predictions at many points."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from darkbeauty.models import Model
from darkbeauty.numerics.compiled import compiled
from darkbeauty.prediction import predictor

BATCH = 64


def evaluate(model: Model | str, labels: tuple[str, ...], points: Mapping[str, np.ndarray]) -> np.ndarray:
    """Predictions at many points, shape (n, observables)."""
    function = predictor(model, labels)
    batch = compiled(lambda points: jax.lax.map(function, points, batch_size=BATCH))
    return np.asarray(batch({name: jnp.asarray(values, float) for name, values in points.items()}))
