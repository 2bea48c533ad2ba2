"""How pictures look, as files, whole or not at all, and the numbers that they show."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection, QuadMesh
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from darkbeauty.files import write

COLUMN, PAGE = 3.4, 7.0
"""Width of a column and of a page of a paper with two columns.   [inch]"""
INK, FILL, LIGHT, THEORY = "#1b4f72", "#5dade2", "#c3e0f4", "#b9770e"
STYLE: dict[str, Any] = {
    **{"font.size": 8.0, "axes.labelsize": 8.0, "axes.titlesize": 8.0, "figure.titlesize": 8.0},
    **{"xtick.labelsize": 7.0, "ytick.labelsize": 7.0, "legend.fontsize": 7.0, "legend.frameon": False},
    **{"font.family": ["STIXGeneral", "DejaVu Sans"], "mathtext.fontset": "stix", "pdf.fonttype": 42},
    **{"axes.linewidth": 0.6, "lines.linewidth": 1.0, "xtick.direction": "in", "ytick.direction": "in"},
    **{"xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.top": True, "ytick.right": True},
}
UNLISTED = "unlisted"
"""gid of artists whose numbers are elsewhere: draws, which are in posterior.nc, and what another artist repeats."""
P = ParamSpec("P")
R = TypeVar("R")


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Draw in the style of a paper with two columns, whatever else is drawn in the same process."""

    @wraps(draw)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(STYLE):  # pyright: ignore[reportArgumentType]
            return draw(*args, **kwargs)

    return within


@styled
def save(figure: Figure, path: Path, dpi: int) -> bytes:
    """Draw a figure into a file, PNG, PDF or SVG by its ending; returns what is in the file.

    Errors   InputError if it cannot be written
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=dpi, bbox_inches="tight")
    write(path, buffer.getvalue())
    return buffer.getvalue()


def numbers(figure: Figure) -> str:
    """What a figure shows as CSV: panel, series, x, y, z (height of a contour, colour of a cell), but for draws and marks without a place in the data."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("panel", "series", "x", "y", "z"))
    for place, axis in enumerate(figure.axes, start=1):
        panel = " | ".join(filter(None, (str(place), axis.get_title(), axis.get_xlabel(), axis.get_ylabel())))
        for series, x, y, z in _series(axis):
            rows.writerows((panel, series, f"{a:.6g}", f"{b:.6g}", z) for a, b in zip(x, y))
    return text.getvalue()


def _series(axis: Axes) -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """Name (label, or gid of what has no label, as contours in a legend), x, y and z of everything drawn in data coordinates."""
    together = {part: container.get_label() for container in axis.containers for part in container.get_children()}
    for number, artist in enumerate([*axis.lines, *axis.collections, *axis.patches]):
        label = str(together.get(artist) or artist.get_label())
        name = (artist.get_gid() or f"{type(artist).__name__} {number}") if label[:1] in ("", "_") else label
        if artist.get_gid() != UNLISTED:
            for points, z in _points(axis, artist):
                points = points[np.all(np.isfinite(points), axis=1)]
                yield name, points[:, 0], points[:, 1], z


def _points(axis: Axes, artist: Artist) -> Iterator[tuple[np.ndarray, str]]:
    """Points (n, 2) of an artist, with z."""
    if isinstance(artist, Line2D):
        if artist.get_transform() == axis.transData:
            yield np.asarray(artist.get_xydata(), float), ""
    elif isinstance(artist, ContourSet):
        for level, path in zip(artist.levels, artist.get_paths()):
            yield np.asarray(path.vertices, float), f"{level:.6g}"
    elif isinstance(artist, QuadMesh):
        corners, colours = np.asarray(artist.get_coordinates(), float), np.ma.asarray(artist.get_array()).ravel()
        centres = 0.25 * (corners[1:, 1:] + corners[:-1, 1:] + corners[1:, :-1] + corners[:-1, :-1])
        cells = centres if colours.size == centres[..., 0].size else corners
        for centre, colour in zip(cells.reshape(-1, 2), colours):
            yield centre[None], f"{colour:.6g}"
    elif isinstance(artist, PathCollection):
        yield np.asarray(artist.get_offsets(), float), ""
    elif isinstance(artist, Collection):
        for path in artist.get_paths():
            yield np.asarray(path.vertices, float), ""
    elif isinstance(artist, Patch):
        path = artist.get_patch_transform().transform_path(artist.get_path())
        yield np.asarray(path.vertices, float), ""
