"""Pictures as files, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from darkbeauty.files import write


def save(figure: Figure, path: Path, dpi: int) -> bytes:
    """Draw a figure into a file, PNG, PDF or SVG by its ending; returns what is in the file.

    Errors   InputError if it cannot be written
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format=path.suffix[1:].lower(), dpi=dpi, bbox_inches="tight")
    write(path, buffer.getvalue())
    return buffer.getvalue()
