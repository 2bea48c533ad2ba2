"""The only registry: every observable with what computes it, unit, TeX, references. An explicit tuple, nothing registers itself."""

from darkbeauty.observables import baryon_rows, dark_rows, leptonic_rows, model_rows, pseudoscalar_rows, vector_rows
from darkbeauty.observables.entry import Observable, Request, Results, Source

REGISTRY: tuple[Observable, ...] = (
    *model_rows.ROWS,
    *pseudoscalar_rows.ROWS,
    *vector_rows.ROWS,
    *baryon_rows.ROWS,
    *dark_rows.ROWS,
    *leptonic_rows.ROWS,
    *leptonic_rows.DARK_LIMIT_ROWS,
)
BY_NAME: dict[str, Observable] = {observable.name: observable for observable in REGISTRY}

__all__ = ["BY_NAME", "REGISTRY", "Observable", "Request", "Results", "Source"]
