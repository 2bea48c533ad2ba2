"""Draws of a run as tables of other programs: GetDist, Parquet, CSV."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from darkbeauty.files import write
from darkbeauty.report.result import Result

LOG_LIKELIHOOD = "log_likelihood"


def table(result: Result) -> pa.Table:
    """One row a draw: chain, draw, log-likelihood (ln L, up to the constant of its Gaussian parts), parameters, sampled inputs, predictions; TeX and unit of each as metadata."""
    chains, draws = result.total_chi2.shape
    place = {"chain": np.repeat(np.arange(chains), draws), "draw": np.tile(np.arange(draws), chains)}
    columns = {**place, LOG_LIKELIHOOD: -0.5 * result.total_chi2.ravel(), **_numbers(result)}
    signs = _signs(result)
    fields = [pa.field(name, pa.array(column).type, metadata=signs.get(name)) for name, column in columns.items()]
    about = {name: str(value) for name, value in result.attrs.items()}
    return pa.table(list(columns.values()), schema=pa.schema(fields, metadata=about))


def _numbers(result: Result) -> dict[str, np.ndarray]:
    """Parameters, sampled inputs and predictions by name, each (chains · draws,)."""
    predictions = result.predictions.reshape(-1, len(result.labels))
    columns = {name: values.ravel() for name, values in (result.draws | result.inputs).items()}
    return columns | dict(zip(result.labels, predictions.T))


def _signs(result: Result) -> dict[str, dict[str, str]]:
    """TeX and unit of parameters and observables, by name."""
    parameters = {parameter.name: parameter for parameter in result.fit.model.parameters}
    known = {name: parameters[name] for name in result.draws} | {request.label: request for request in result.requests}
    return {name: {"tex": sign.tex, "unit": sign.unit} for name, sign in known.items()}


def to_parquet(result: Result, folder: Path) -> list[Path]:
    """NAME.parquet.

    Errors   InputError if it cannot be written
    """
    buffer = io.BytesIO()
    pq.write_table(table(result), buffer, compression="zstd")
    return [write(folder / f"{result.fit.name}.parquet", buffer.getvalue())]


def to_csv(result: Result, folder: Path) -> list[Path]:
    """NAME.csv with a header.

    Errors   InputError if it cannot be written
    """
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table(result), buffer)
    return [write(folder / f"{result.fit.name}.csv", buffer.getvalue())]


def to_getdist(result: Result, folder: Path) -> list[Path]:
    """NAME_1.txt, … (weight 1, −ln L, columns), NAME.paramnames, NAME.ranges: what getdist.loadMCSamples(folder/NAME) reads; predictions are derived parameters.

    Errors   InputError if they cannot be written
    """
    root, numbers = result.fit.name, _numbers(result)
    chains, draws = result.total_chi2.shape
    block = np.column_stack([np.ones(chains * draws), 0.5 * result.total_chi2.ravel(), *numbers.values()])
    files = []
    for number, rows in enumerate(np.split(block, chains), start=1):
        text = io.StringIO()
        np.savetxt(text, rows, fmt="%.10g")
        files.append(write(folder / f"{root}_{number}.txt", text.getvalue()))
    files.append(write(folder / f"{root}.paramnames", "".join(_paramnames(result))))
    return [*files, write(folder / f"{root}.ranges", "".join(_ranges(result)))]


def _paramnames(result: Result) -> Iterator[str]:
    signs = _signs(result)
    for name in _numbers(result):
        derived = "*" if name in result.labels else ""
        yield f"{''.join(name.split())}{derived}\t{signs[name]['tex'] or name if name in signs else name}\n"


def _ranges(result: Result) -> Iterator[str]:
    """Where priors end; N where they do not."""
    for name, prior in result.fit.priors.items():
        low, high = (f"{end:.10g}" if np.isfinite(end) else "N" for end in prior.bounds)
        yield f"{name}\t{low}\t{high}\n"


WRITERS: Mapping[str, Callable[[Result, Path], list[Path]]] = {
    "getdist": to_getdist,
    "parquet": to_parquet,
    "csv": to_csv,
}
