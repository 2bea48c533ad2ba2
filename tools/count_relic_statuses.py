"""How relic densities end on draws from the prior boxes of both models: statuses, and values and gradients that are no numbers.

Half of the draws are anywhere (couplings log-uniform, masses uniform), a quarter has m_zp within 10⁻¹² to 10⁻¹ of 2m_dm, a quarter m_dm as close to the mass of a final state.

    python tools/count_relic_statuses.py [--draws 25000] [--model le_lmu_r2] [--method kinetic] [--json runs/relic_statuses.json]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

from darkbeauty.dark import boltzmann, freeze_out, kinetic  # noqa: E402
from darkbeauty.models import resolve_model  # noqa: E402
from darkbeauty.status import Status  # noqa: E402

METHODS = {"freeze_out": freeze_out.freeze_out, "boltzmann": boltzmann.boltzmann, "kinetic": kinetic.kinetic}
NAMES = ("y", "g", "m_zp", "m_dm")
BOXES = {
    "lmu_ltau_s1": ((0.01, 2.0), (1e-4, 1e-2), (1.0, 6.0), (0.01, 2.5)),
    "le_lmu_r2": ((0.01, 3.5449), (1e-3, 1.0), (100.0, 2000.0), (50.0, 499.9)),
}
"""Ends of y and g, m_zp and m_dm [GeV], the last one below m_heavy."""
THRESHOLDS = {
    "lmu_ltau_s1": (0.0047, 0.093, 0.1056583755, 0.13957039, 1.77686, 1.86484),
    "le_lmu_r2": (172.5,),
}
CHUNK, TOGETHER = 1000, 50
"""Points of a call, and of those at a time."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--draws", type=int, default=25_000, help="of each model")
    options.add_argument("--model", choices=BOXES, action="append", help="both unless given")
    options.add_argument("--method", choices=METHODS, action="append", help="all unless given")
    options.add_argument("--json", type=Path)
    given = options.parse_args()
    results = [
        {"model": model, "method": method} | count(model, method, given.draws)
        for model in given.model or BOXES
        for method in given.method or METHODS
    ]
    for row in results:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(results, indent=1), "utf-8")


def draws(model: str, size: int) -> np.ndarray:
    """Points, shape (size, 4)."""
    random = np.random.default_rng(20261128)
    low, high = np.array(BOXES[model]).T
    u = random.random((size, 4))
    points = np.concatenate([(low * (high / low) ** u)[:, :2], (low + (high - low) * u)[:, 2:]], axis=1)
    signs = random.choice([-1.0, 0.0, 1.0], size, p=[0.45, 0.1, 0.45])
    close = 1.0 + signs * 10.0 ** random.uniform(-12.0, -1.0, size)
    resonant, threshold = slice(0, size // 4), slice(size // 4, size // 2)
    points[threshold, 3] = (random.choice(THRESHOLDS[model], size) * close)[threshold]
    points[resonant, 2] = (2.0 * points[:, 3] * close)[resonant]
    return np.clip(points, low, high)


def count(model: str, method: str, size: int) -> dict:
    """Draws by status, values and gradients that are not finite, and up to three points of each kind but success."""
    template, solve = resolve_model(model), METHODS[method]

    def log_omega(values: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        result = solve(template.at(dict(zip(NAMES, values))).derive())
        return jnp.log(result.omega_h2), (result.status, getattr(result, "error_status", jnp.asarray(0)))

    both = jax.value_and_grad(log_omega, has_aux=True)
    chunk = jax.jit(lambda points: jax.lax.map(both, points, batch_size=TOGETHER))
    points = draws(model, size)
    padded = np.concatenate([points, np.repeat(points[:1], -size % CHUNK, axis=0)])
    parts = [jax.tree.map(np.asarray, chunk(part)) for part in padded.reshape(-1, CHUNK, len(NAMES))]
    ((value, (status, of_error)), gradient) = jax.tree.map(lambda *x: np.concatenate(x)[:size], *parts)
    bad = {"values": ~np.isfinite(value), "gradients": ~np.all(np.isfinite(gradient), axis=1)}
    kinds = {**{Status(k).name: status == k for k in np.unique(status) if k}, **bad}
    return {
        "draws": size,
        "statuses": {Status(k).name: n for k, n in sorted(Counter(status.tolist()).items())},
        "of the error": {Status(k).name: n for k, n in sorted(Counter(of_error.tolist()).items())},
        "not finite": {name: int(np.sum(is_bad)) for name, is_bad in bad.items()},
        "points": {name: points[is_kind][:3].tolist() for name, is_kind in kinds.items() if is_kind.any()},
    }


if __name__ == "__main__":
    main()
