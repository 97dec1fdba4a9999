"""Text as an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def picture(text: str) -> NDArray[np.uint8]:
    """Black monospaced text on white, shape (height, width, 3); needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = text.split("\n")
    width, height = 0.1 * max(map(len, lines)) + 0.4, 0.22 * len(lines) + 0.4
    figure = Figure(figsize=(width, height), dpi=100)
    canvas = FigureCanvasAgg(figure)
    figure.text(0.2 / width, 0.5, text, family="monospace", fontsize=11, va="center")
    canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return pixels[..., :3].copy()
