"""Prior or Sobol points with their predictions and log-likelihoods, streamed into Parquet parts."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jax.experimental import multihost_utils
from scipy.stats import qmc

from darkbeauty.errors import InputError, Problem, attempt, raise_if_any
from darkbeauty.files import check_places, read_record, write_atomically, write_record
from darkbeauty.inference.checking.failures import name_causes
from darkbeauty.inference.coordinates import prior_points
from darkbeauty.inference.posterior import Posterior
from darkbeauty.inference.sharding import Spread, agreed, is_first_process
from darkbeauty.inference.storage.checkpoint import WAYS_OUT, compare, package_hash
from darkbeauty.inference.storage.interruption import Interruption
from darkbeauty.inference.storage.lock import held
from darkbeauty.inference.storage.output import input_hash, prepare_folder
from darkbeauty.likelihoods import Fit, Likelihood, checked_seed

RECORD, NAME = "_scan.json", re.compile(r"part-(\d{6})\.parquet")
MOST = 10**6
"""Parts that a scan can have."""
WITHOUT = "none: moved away, it is computed again"
PART = 2048
"""Points in a file: a multiple of what up to 128 devices take at once, so that a file does not depend on their number."""


@dataclass(frozen=True)
class Scan:
    """A scan: how many points of how many are in the folder, how many have no likelihood by cause, the best one, and what interrupted it (or 0)."""

    points: int
    wanted: int
    without_likelihood: dict[str, int]
    best: dict[str, float]
    log_likelihood: float
    files: tuple[str, ...]
    signal: int = 0


def scan(
    fit: Fit,
    points: int,
    out: Path,
    *,
    seed: int | None = None,
    random: bool = False,
    resume: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Scan:
    """Evaluate a fit's likelihood at points of its prior, into out/part-000000.parquet and so on.

    Columns: the parameters; log_likelihood, and log_likelihood(TERM) of each term alone, −∞ where there is none; every prediction by its name; cause,
    why there is no likelihood (empty where there is one). Points are a scrambled Sobol sequence through the prior's quantiles; a longer scan begins with the shorter
    one. Files do not depend on the number of devices or processes.
    Args     random: independent draws instead; resume: keep the complete files that are there
    Errors   InputError if the folder cannot be written or holds parts of another scan
    """
    seed = checked_seed(fit, seed, {"points": (points, 1, MOST * PART)})
    folder = prepare_folder(out)
    identity = {
        **fit.content(),
        "seed": str(seed),
        "points": "random" if random else "Sobol",
        "inputs": input_hash(),
        "code and data of darkbeauty": package_hash(),
    }
    with held(folder):
        return _scan(fit, points, folder, identity, seed, random, resume, progress)


def _scan(
    fit: Fit,
    points: int,
    folder: Path,
    identity: dict[str, str],
    seed: int,
    random: bool,
    resume: bool,
    progress: Callable[[int], None],
) -> Scan:
    """`scan` in a folder that nobody else writes into."""
    there = _begin(folder, identity, resume)
    lik = Posterior.of(fit, marginal=True).likelihood
    spread = Spread(lambda lik, values: lik.evaluate(values), lik, block=PART)
    files, tally, best, signal = [], Counter(), (-np.inf, {}), 0
    with Interruption() as interruption:
        for number, u in enumerate(_batches(len(fit.parameters), points, seed, random)):
            if agreed(interruption.signal != 0):
                signal = interruption.signal
                break
            path = folder / f"part-{number:06d}.parquet"
            if number not in there:
                table = _table(fit, lik, spread, u)
                _write(path, table, identity)
            else:
                table = _read(path, identity).slice(0, len(u))
            files.append(path.name)
            tally.update(table["cause"].to_pylist())
            best = max(best, _best(fit, table), key=lambda pair: pair[0])
            progress(min((number + 1) * PART, points))
    done = min(len(files) * PART, points)
    tally.pop("", None)
    return Scan(done, points, dict(tally.most_common()), best[1], best[0], tuple(files), signal)


def _begin(folder: Path, identity: dict[str, str], resume: bool) -> set[int]:
    """Numbers of the full parts that stay, the same in every process.

    Errors   InputError if parts of another scan would be lost or taken, or for parts that are damaged
    """
    record, parts = folder / RECORD, sorted(folder.glob("part-*.parquet"))
    raise_if_any(check_places([record]))
    if resume and record.exists():
        compare(read_record(record), identity)
    elif parts:
        what = f"{folder} holds {len(parts)} parts of a scan" + (f" without {RECORD}" if resume else "")
        raise InputError([Problem("--out", what, WAYS_OUT if resume else f"--resume, {WAYS_OUT}")])
    elif is_first_process():
        write_record(record, identity)
    problems: list[Problem] = []
    rows = {path: attempt(lambda path=path: _read(path, identity, rows=True), problems) for path in parts}
    raise_if_any(problems)
    numbers = np.zeros(MOST, bool)
    numbers[[int(NAME.fullmatch(path.name)[1]) for path, size in rows.items() if size == PART]] = True  # pyright: ignore[reportOptionalSubscript]
    return set(np.flatnonzero(multihost_utils.broadcast_one_to_all(numbers)).tolist())


def _read(path: Path, identity: dict[str, str], rows: bool = False) -> Any:
    """A part of this scan, or how many rows it has.

    Errors   InputError if it is damaged, or no part of this scan
    """
    try:
        metadata = pq.read_metadata(path)
        owner = {key.decode(): value.decode() for key, value in (metadata.metadata or {}).items()}
        content = metadata.num_rows if rows else pq.read_table(path)
    except Exception as error:  # whatever Arrow makes of it
        raise InputError([Problem(str(path), f"cannot be read, it is damaged: {error}", WITHOUT)]) from error
    if not NAME.fullmatch(path.name) or {name: owner.get(name) for name in identity} != identity:
        raise InputError([Problem(str(path), "is no part of this scan", WITHOUT)])
    return content


def _batches(size: int, points: int, seed: int, random: bool) -> Iterator[np.ndarray]:
    """Points of the unit cube, PART at a time; a batch depends on nothing but its number."""
    sobol = qmc.Sobol(size, seed=seed)  # pyright: ignore[reportCallIssue]
    for number in range(-(-points // PART)):
        generator = np.random.default_rng([seed, number])
        u = generator.uniform(size=(PART, size)) if random else sobol.random(PART)
        yield u[: points - number * PART]


def _table(fit: Fit, lik: Likelihood, spread: Spread, u: np.ndarray) -> pa.Table:
    """All columns of a batch. The unit cube's faces are left out: u = 0 is no point of a logarithm's or a Gaussian's support."""
    values = prior_points(fit.priors, np.clip(u, 1e-12, 1.0 - 1e-12))
    predictions, statuses = spread(values)
    terms = lik.by_term(predictions)
    total = np.asarray(lik.log_prob_of(predictions))
    dead = np.flatnonzero(total == -np.inf)
    cause = np.full(len(u), "", object)
    cause[dead] = name_causes(lik, predictions[dead], statuses[dead])
    columns = {**values, "log_likelihood": total}
    columns |= {f"log_likelihood({name})": column for name, column in terms.items()}
    columns |= {request.label: predictions[:, i] for i, request in enumerate(lik.requests)}
    return pa.table({**columns, "cause": pa.array(cause.tolist(), pa.string())})


def _best(fit: Fit, table: pa.Table) -> tuple[float, dict[str, float]]:
    column = table["log_likelihood"].to_numpy()
    i = int(np.argmax(column))
    return float(column[i]), {name: table[name][i].as_py() for name in fit.parameters}


def _write(path: Path, table: pa.Table, identity: dict[str, str]) -> None:
    """Write a part whole, in the first process."""
    if not is_first_process():
        return
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(identity), buffer, compression="zstd")
    try:
        write_atomically(path, buffer.getvalue())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError([Problem(str(path), f"cannot be written: {reason}; --resume goes on from here")]) from error
