"""What a likelihood costs, for every preset: value, gradient and Hessian-vector product, at one point and per point of a batch, and their compilation.

    python benchmarks/fits.py [--preset lmu_ltau_s1/global …] [--what value gradient] [--batch 1024] [--json runs/fits.json]

Gradients are by all parameters of `measuring.POINTS`, in reverse mode ("gradient") and in forward mode ("forward"); a Hessian-vector product is the derivative
of the gradient along a random direction. On a CPU a batch is taken 16 points at a time, as fits and scans do. Compilation is cold, from tracing to machine code,
in CPU seconds; it is most of the time that this benchmark takes: an hour for everything on two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from measuring import (
    POINTS,
    around,
    begin,
    compiled,
    in_chunks,
    markdown,
    median_seconds,
    on_cpu,
    parser,
    report,
    write,
)

import darkbeauty as db
from darkbeauty.inference.sharding import TOGETHER
from darkbeauty.likelihoods.terms import PRESETS


def functions(lik: Any) -> tuple[Any, dict[str, Callable]]:
    """The arrays of a likelihood, and functions (arrays, point) → what is timed."""
    arrays, rest = eqx.partition(lik, eqx.is_array)
    value = lambda tree, point: eqx.combine(tree, rest).log_prob(point)
    gradient = jax.value_and_grad(value, argnums=1)

    def forward(tree: Any, point: dict) -> tuple[Any, dict]:
        basis = {name: jnp.zeros(len(point)).at[i].set(1.0) for i, name in enumerate(point)}
        along = lambda tangent: jax.jvp(lambda p: value(tree, p), (point,), (tangent,))
        return jax.vmap(along, out_axes=(None, 0))(basis)

    def hessian_vector(tree: Any, point: dict) -> dict:
        direction = {name: 0.3 * value for name, value in point.items()}
        return jax.jvp(lambda p: gradient(tree, p)[1], (point,), (direction,))[1]

    return arrays, {"value": value, "gradient": gradient, "forward": forward, "Hessian-vector": hessian_vector}


def measure(model: str, preset: str, what: list[str], batch: int, rounds: int) -> Iterator[dict]:
    """Milliseconds and seconds of compilation of each function, single and in a batch, one after the other."""
    rng = np.random.default_rng(11)
    arrays, every = functions(db.likelihood(model, preset))
    for name in what:
        row: dict[str, Any] = {"model": model, "preset": preset, "what": name}
        for size in (1, batch):
            many = every[name] if size == 1 else in_chunks(every[name], TOGETHER if on_cpu() else size)
            draw = lambda size=size: (arrays, around(POINTS[model], size, rng))
            run, compilation = compiled(many, *draw())
            count = 4 * rounds if size == 1 else rounds
            row |= {f"ms_{size}": 1e3 * median_seconds(run, draw, count) / size, f"compilation_{size}_s": compilation}
        yield row


def table(results: list[dict], batch: int) -> str:
    """Markdown: one row per preset and function; the ratio is to the value in a batch."""
    values = {(r["model"], r["preset"]): r[f"ms_{batch}"] for r in results if r["what"] == "value"}
    rows = []
    for r in results:
        ratio = r[f"ms_{batch}"] / values.get((r["model"], r["preset"]), float("nan"))
        times = [f"{r['ms_1']:.3g} ms", f"{r[f'ms_{batch}']:.3g} ms", f"{ratio:.2f}", f"{r['compilation_1_s']:.0f} s"]
        rows.append([f"{r['model']}/{r['preset']}", r["what"], *times])
    return markdown(["preset", "", "one point", f"per point of {batch}", "over value", "compilation"], rows, left=2)


def main() -> None:
    names = [f"{model}/{preset}" for model, preset in PRESETS]
    kinds = ("value", "gradient", "forward", "Hessian-vector")
    options = parser(__doc__, "fits")
    options.add_argument("--preset", nargs="+", choices=names, default=names, metavar="MODEL/PRESET")
    options.add_argument("--what", nargs="+", choices=kinds, default=["value", "gradient", "Hessian-vector"])
    options.add_argument("--batch", type=int, default=1024)
    given = options.parse_args()
    begin()
    results: list[dict] = []
    for name in given.preset:
        for row in measure(*name.split("/"), given.what, given.batch, given.rounds):
            results.append(row)
            write(given.json, results)
    report(given.json, results, table(results, given.batch))


if __name__ == "__main__":
    main()
