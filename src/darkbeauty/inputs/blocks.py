"""The grammar of the data files: what a block may say. One `[[measurement]]`, `[[limit]]`, `[[term]]`, `[[counts]]` or `[[preset]]` each;
docs/adding.md explains it by example.

Annotations are objects here, not texts: they are what a file is checked against.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Error = float | tuple[float, ...]
"""Symmetric, or (up, down)."""
Matrix = tuple[tuple[float, ...], ...]
"""Correlations: all rows, or the rows right of the diagonal."""
Presets = dict[str, tuple[str, ...]]
"""Model → its presets that a term belongs to."""


@dataclass(frozen=True)
class Number:
    """One measured number, by the observable's name.

    error: total; errors: several, added in quadrature. relative_to: value and errors are divided by it. limit, cl: an upper limit, never fitted.
    excluded: why it must not be fitted.
    """

    observable: str
    value: float | None = None
    error: Error | None = None
    errors: tuple[Error, ...] = ()
    relative_to: float = 1.0
    limit: float | None = None
    cl: float | None = None
    excluded: str = ""

    @property
    def all_errors(self) -> tuple[Error, ...]:
        return self.errors if self.error is None else (self.error,)

    @property
    def why_not(self) -> str:
        """Why it must not be fitted, or ""."""
        return "upper limit" if self.limit is not None else self.excluded


@dataclass(frozen=True)
class Correlated:
    """Correlation of the errors of some numbers of a block; the others are not correlated."""

    observables: tuple[str, ...]
    correlation: Matrix


@dataclass(frozen=True)
class Common:
    """A further error that some numbers of a block have in common."""

    error: float
    observables: tuple[str, ...]


@dataclass(frozen=True)
class MeasurementTerm:
    """A likelihood term of a block: all its numbers, or those of some observables.

    theory: error as a fraction of the measured value; if not given, from the hadronic and CKM nuisances. dataset: if it is less than the block's.
    independent_of: terms from the same data with which it may be used all the same, and why.
    """

    name: str
    about: str
    observables: tuple[str, ...] = ()
    theory: float | None = None
    dataset: tuple[str, ...] = ()
    independent_of: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=dict)


@dataclass(frozen=True)
class MeasurementBlock:
    """One publication. references: the first names the analysis; found: where the numbers were read; dataset: the events they come from.

    config: which of several fits to the same data. Correlations of the total errors (correlation, or correlation_table, a file, or some of them,
    correlated), or of each of several errors (correlations: a matrix, "none" or "full"). checked: when its numbers were last compared with the source;
    changed: when what it says last changed.
    """

    id: str
    references: tuple[str, ...]
    found: str
    dataset: tuple[str, ...]
    entries: tuple[Number, ...]
    checked: date | None = None
    changed: date | None = None
    superseded_by: str = ""
    config: str = ""
    note: str = ""
    correlation: Matrix | None = None
    correlation_table: str = ""
    correlations: tuple[Literal["none", "full"] | Matrix, ...] = ()
    correlated: tuple[Correlated, ...] = ()
    common: tuple[Common, ...] = ()
    term: tuple[MeasurementTerm, ...] = ()


@dataclass(frozen=True)
class Bins:
    """Of the bins in q² of each analysis, the narrowest below one value and the widest above another [GeV²]; none between."""

    narrow_below: float
    wide_above: float


@dataclass(frozen=True)
class TermBlock:
    """A likelihood term made of what may be fitted of several measurements."""

    name: str
    about: str
    measurements: tuple[str, ...]
    bins: Bins | None = None
    theory: float | None = None
    independent_of: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=dict)


@dataclass(frozen=True)
class LimitBlock:
    """An upper limit on `quantity` (lower, on a mass), and what may be done with it.

    kind: curve (mass, value; `windows` where it has gaps), band (mass, best, up: a best fit and its upward standard deviation), grid (log10 of the value against mass and
    lifetime_ps, inside `windows` of mass), number (value) or none. Columns are in the block or in `table`, a file. use: "fit" (it is a term, "limit NAME"),
    "draw" or "record", with the reason why. final: decay of the Z′ that was looked for; production: what makes the Z′ (none: radiated off a
    muon; "ee" or "pp": as a dark photon; or a branching fraction). checked, changed: as of a measurement.
    """

    name: str
    found: str
    use: Literal["fit", "draw", "record"]
    kind: Literal["curve", "band", "grid", "number", "none"]
    references: tuple[str, ...]
    quantity: str = ""
    unit: str = ""
    cl: float | None = None
    checked: date | None = None
    changed: date | None = None
    note: str = ""
    dataset: tuple[str, ...] = ()
    why: str = ""
    final: Literal["", "mumu", "ll", "inv"] = ""
    production: str = ""
    value: float | tuple[float, ...] | None = None
    mass: tuple[float, ...] = ()
    best: tuple[float, ...] = ()
    up: tuple[float, ...] = ()
    log10_value: tuple[tuple[float, ...], ...] = ()
    lifetime_ps: tuple[float, ...] = ()
    windows: tuple[tuple[float, ...], ...] = ()
    table: str = ""
    independent_of: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=dict)


@dataclass(frozen=True)
class CountsBlock:
    """A likelihood term of counts whose signal follows a spectrum, in `table` (a `Histogram`).

    spectrum: the observable under every tent of the table, without its brackets; whole: its sum, for reports.
    """

    name: str
    about: str
    references: tuple[str, ...]
    found: str
    dataset: tuple[str, ...]
    table: str
    spectrum: str
    whole: str
    checked: date | None = None
    changed: date | None = None
    note: str = ""
    independent_of: dict[str, str] = field(default_factory=dict)
    presets: Presets = field(default_factory=dict)


@dataclass(frozen=True)
class PresetBlock:
    """A preset of several models that is another one with terms added and dropped. Terms may also say themselves that they belong to it."""

    name: str
    about: str
    base: str
    models: tuple[str, ...]
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


COLUMNS = ("mass", "value", "best", "up", "log10_value", "lifetime_ps", "windows")
"""Where a limit has its numbers."""

KINDS = {
    "measurement": MeasurementBlock,
    "limit": LimitBlock,
    "term": TermBlock,
    "counts": CountsBlock,
    "preset": PresetBlock,
}
"""Name of a table in the files → what it may say."""
