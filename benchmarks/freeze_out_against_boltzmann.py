"""How far freeze-out is from the Boltzmann equation: a map over r = m_zp/2m_dm and the coupling, and a table along the benchmarks' couplings.

    python benchmarks/freeze_out_against_boltzmann.py [--columns 72] [--rows 28] [--picture docs/pictures/freeze_out_against_boltzmann.png]

The mass of the dark matter is that of a benchmark point, m_zp = 2 r m_dm; y is the benchmark's for le_lmu_r2 and 0.3, the most that B_s mixing allows,
for lmu_ltau_s1 (with y = 2 leptoquark exchange, where freeze-out is good, would rule above r = 1.6). Two minutes on two cores.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

import darkbeauty as db

LABELS = ("Omega_h2", "Omega_h2(boltzmann)", "Gamma_Zp")
MODELS = {
    "lmu_ltau_s1": ({"y": 0.3, "m_dm": 1.7, "chi": 0.0}, (1e-4, 0.1), {"A-I": (1.1765, 2e-3), "A-II": (1.3333, 8e-3)}),
    "le_lmu_r2": ({"y": 1.1, "m_dm": 286.0}, (0.01, 2.0), {"B": (1.1731, 0.3)}),
}
TITLES = {
    "lmu_ltau_s1": r"$L_\mu-L_\tau$, $m_{\rm dm} = 1.7$ GeV",
    "le_lmu_r2": r"$L_e-L_\mu$, $m_{\rm dm} = 286$ GeV",
}
ROWS = (0.8, 0.9, 0.97, 0.99, 0.998, 1.0, 1.0005, 1.001, 1.005, 1.01, 1.05, 1.1, 1.2, 1.35, 1.5, 2.0, 2.5)
LOW, HIGH, LINEAR = -0.3, 1.5, 1e-3
"""Range of r − 1, and where its scale turns from logarithmic to linear."""
CONTOURS = (0.6, 0.7, 0.8, 0.9, 1.1, 1.2, 1.4, 1.7, 2.0)
SHADES = np.log(2.0) * np.linspace(-1.0, 1.0, 29)
CHUNK = 32


def compiled(name: str):
    """(r, g), shape (n, 2), → Ωh² by freeze-out, by the Boltzmann equation, and Γ/m."""
    predict, (fixed, *_) = db.predictor(name, list(LABELS)), MODELS[name]

    def one(pair: jax.Array) -> jax.Array:
        m_zp = 2.0 * pair[0] * fixed["m_dm"]
        freeze_out, boltzmann, width = predict({**fixed, "g": pair[1], "m_zp": m_zp}).real
        return jnp.stack([freeze_out, boltzmann, width / m_zp])

    batch = jax.jit(lambda pairs: jax.lax.map(one, pairs, batch_size=CHUNK // 4))

    def run(pairs: np.ndarray) -> np.ndarray:
        padded = np.concatenate([pairs, np.repeat(pairs[-1:], -len(pairs) % CHUNK, axis=0)])
        return np.concatenate([np.asarray(batch(part)) for part in padded.reshape(-1, CHUNK, 2)])[: len(pairs)]

    return run


def grid(columns: int, rows: int, couplings: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """r with points even in asinh of (r − 1)/LINEAR, and g even in its logarithm."""
    ends = np.arcsinh(np.array([LOW, HIGH]) / LINEAR)
    return 1.0 + LINEAR * np.sinh(np.linspace(*ends, columns)), np.geomspace(*couplings, rows)


def table(name: str, run) -> str:
    """Markdown: Ω by freeze-out over Ω by the Boltzmann equation, for the couplings of the benchmarks and a third of and three times them."""
    couplings = sorted({factor * g for _, g in MODELS[name][2].values() for factor in (1 / 3, 1.0, 3.0)})
    pairs = np.array([(r, g) for r in ROWS for g in couplings])
    found = run(pairs).reshape(len(ROWS), len(couplings), 3)
    lines = ["| r | " + " | ".join(f"g = {g:.2g}" for g in couplings) + " |", "|---|" + "---|" * len(couplings)]
    lines += [
        f"| {r:g} | " + " | ".join(f"{a / b:.3f}" for a, b, _ in row) + " |" for r, row in zip(ROWS, found, strict=True)
    ]
    widths = ", ".join(f"{width:.1e}" for width in found[ROWS.index(1.2), :, 2])
    return f"{name}; Γ/m at r = 1.2: {widths}\n\n" + "\n".join(lines)


def draw(maps: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], path: Path) -> None:
    figure = Figure(figsize=(9.0, 3.9), layout="constrained")
    axes = figure.subplots(1, 2)
    for axis, (name, (r, g, ratio)) in zip(axes, maps.items(), strict=True):
        image = axis.contourf(r - 1.0, g, np.log(ratio), levels=SHADES, cmap="RdBu_r", extend="both")
        lines = axis.contour(r - 1.0, g, ratio, levels=CONTOURS, colors="0.15", linewidths=0.7)
        axis.clabel(lines, fontsize=7, inline_spacing=2, fmt="%g")
        for label, (at, coupling) in MODELS[name][2].items():
            axis.plot(at - 1.0, coupling, "*", color="k", ms=9)
            axis.annotate(label, (at - 1.0, coupling), xytext=(-8, 7), textcoords="offset points", fontsize=9)
        axis.set_xscale("asinh", linear_width=LINEAR)
        axis.set_xticks([-0.1, -0.01, 0.0, 0.01, 0.1, 1.0], ["−0.1", "−0.01", "0", "0.01", "0.1", "1"])
        axis.set_yscale("log")
        axis.set(xlabel=r"$m_{Z'}/2m_{\rm dm} - 1$", ylabel="$g$", title=TITLES[name])
    bar = figure.colorbar(image, ax=axes, label=r"$\Omega$(freeze-out) / $\Omega$(Boltzmann)")
    bar.set_ticks(np.log([0.5, 0.7, 1.0, 1.4, 2.0]), labels=["0.5", "0.7", "1", "1.4", "2"])
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=72)
    parser.add_argument("--rows", type=int, default=28)
    parser.add_argument("--picture", type=Path, default=Path("docs/pictures/freeze_out_against_boltzmann.png"))
    given = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    maps = {}
    for name, (_, couplings, _) in MODELS.items():
        run = compiled(name)
        print(table(name, run), end="\n\n", flush=True)
        r, g = grid(given.columns, given.rows, couplings)
        found = run(np.stack(np.meshgrid(r, g), axis=-1).reshape(-1, 2)).reshape(len(g), len(r), 3)
        maps[name] = r, g, found[..., 0] / found[..., 1]
        print(f"{name}: from {maps[name][2].min():.2f} to {maps[name][2].max():.2f}\n", flush=True)
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    draw(maps, given.picture)


if __name__ == "__main__":
    main()
