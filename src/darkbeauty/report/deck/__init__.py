"""Every figure and table of the slides behind the models, recomputed; docs/deck.md shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from darkbeauty.errors import raise_if_any, unknown
from darkbeauty.files import write as write_file
from darkbeauty.inference.storage.output import prepare_folder
from darkbeauty.report.deck import allowed_a, allowed_b, detection, lambda_b, relic_a, spectra_a
from darkbeauty.report.deck.product import Exhibit, Product
from darkbeauty.report.pictures import save

DPI = 90
EXHIBITS: tuple[Exhibit, ...] = (
    Exhibit("a_allowed", "Lμ−Lτ: allowed regions and ranges", allowed_a.make),
    Exhibit("a_spectra", "Lμ−Lτ: b → s and missing energy at the benchmarks", spectra_a.make),
    Exhibit("a_relic", "Lμ−Lτ: relic density", relic_a.make),
    Exhibit("spin_dependent", "both models: spin-dependent cross sections", detection.spin_dependent),
    Exhibit("b_spin_independent", "Le−Lμ: spin-independent cross section", detection.spin_independent),
    Exhibit("b_allowed", "Le−Lμ: allowed regions", allowed_b.make),
    Exhibit("b_lambda", "Le−Lμ: Λ_b → Λ*(1520) μ⁺μ⁻", lambda_b.make),
)

__all__ = ["EXHIBITS", "Exhibit", "Product", "choose", "places", "table", "write"]


def choose(names: Sequence[str]) -> tuple[Exhibit, ...]:
    """Exhibits by name; all if none is given.

    Errors   InputError naming every unknown one
    """
    known = {exhibit.name: exhibit for exhibit in EXHIBITS}
    raise_if_any([unknown("--only", "figure", name, known) for name in names if name not in known])
    return tuple(exhibit for exhibit in EXHIBITS if not names or exhibit.name in names)


def places(exhibit: Exhibit, folder: Path) -> list[Path]:
    """Where an exhibit is written."""
    return [folder / f"{exhibit.name}.{ending}" for ending in ("png", "pdf", "md")]


def write(exhibit: Exhibit, folder: Path) -> list[Path]:
    """Make an exhibit: NAME.png, NAME.pdf and its table NAME.md in a folder.

    Errors   InputError if the folder cannot be written
    """
    product = exhibit.make()
    paths = places(exhibit, prepare_folder(folder))
    for path in paths[:2]:
        save(product.figure, path, dpi=DPI)
    write_file(paths[2], table(product))
    return paths


def table(product: Product) -> str:
    """The numbers of a figure as a Markdown table."""
    rows = (product.columns, ("---",) * len(product.columns), *product.rows)
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
