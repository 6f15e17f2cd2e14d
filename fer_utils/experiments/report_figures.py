"""Figures that a page holds in itself, readable on a light and on a dark ground."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

__all__ = ["Figure", "face_png", "svg_figure"]

_INK = "#010203"  # stands for "the colour of text" until the SVG is themed
# Colours of our figures -> what they are on a light and on a dark ground.
_THEME = {
    _INK: ("ink", "#1b1f24", "#e6e9ed"),
    "#333333": ("ink", "#1b1f24", "#e6e9ed"),
    "#444444": ("quiet", "#57606a", "#a5aeb8"),
    "#8c8c8c": ("quiet", "#57606a", "#a5aeb8"),
    "#dddddd": ("bars", "#d5dae0", "#3a414a"),
    "#ffffff": ("ground", "#ffffff", "#14171b"),
    "#0072b2": ("blue", "#0072b2", "#56b4e9"),
    "#d55e00": ("orange", "#d55e00", "#f08a3c"),
}
_FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
_PIXELS_PER_POINT = 4 / 3
# What a data URI may hold as it is; the page's quotes and brackets are not among it.
_SAFE = " !$()*+,-./:;=?@[]^_`{|}~"


@dataclass(frozen=True)
class Figure:
    """A figure that a page can hold in itself.

    Attributes:
        name: what it shows, for the caption.
        source: the image as a data URI.
        alt: the image in words.
        width, height: int, in CSS pixels.
    """

    name: str
    source: str
    alt: str
    width: int
    height: int

    @property
    def ratio(self) -> float:
        """Width over height."""
        return round(self.width / self.height, 3)


def svg_figure(name: str, plot: Callable, alt: str) -> Figure:
    """Draw a figure as SVG that follows the reader's light or dark ground.

    Args:
        name: what it shows.
        plot: called without arguments; returns matplotlib Axes or a Figure.
        alt: the figure in words.
    """
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor")
    inks += ("xtick.color", "ytick.color")
    settings = dict.fromkeys(inks, _INK) | {
        "figure.facecolor": "none",
        "axes.facecolor": "none",
        "svg.fonttype": "none",
        "svg.hashsalt": name,  # the same records give the same page
    }
    raw = io.StringIO()
    with mpl.rc_context(settings):
        drawn = plot()
        figure = getattr(drawn, "figure", None) or drawn
        figure.savefig(
            raw,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            pad_inches=0.08,
            metadata={"Date": None, "Creator": None},
        )
        plt.close(figure)
    text = _themed(raw.getvalue())
    source = "data:image/svg+xml," + quote(text, safe=_SAFE)
    return Figure(name, source, alt, *_size(text))


def _themed(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(font: [^;\"]*?px) [^;\"]*", rf"\1 {_FONT}", svg)
    for colour, (name, _, _) in _THEME.items():
        svg = re.sub(rf": {colour}\b", f": var(--{name})", svg, flags=re.IGNORECASE)
    svg = re.sub(r"\s*\n\s*", "\n", svg)
    return re.sub(r"(<svg[^>]*>)", rf"\1<style>{_rules()}</style>", svg, count=1)


def _rules() -> str:
    light = "".join(f"--{name}:{a};" for name, a, _ in _THEME.values())
    dark = "".join(f"--{name}:{b};" for name, _, b in _THEME.values())
    return f"svg{{{light}}}@media (prefers-color-scheme:dark){{svg{{{dark}}}}}"


def _size(svg: str) -> tuple[int, int]:
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()
    return tuple(round(float(side) * _PIXELS_PER_POINT) for side in (width, height))


def face_png(pixels_u8) -> str:
    """Return one face, uint8 (H, W) or (H, W, C), as a data URI."""
    import base64

    import numpy as np
    from PIL import Image

    pixels_u8 = np.asarray(pixels_u8)
    if pixels_u8.ndim == 3 and pixels_u8.shape[-1] == 1:
        pixels_u8 = pixels_u8[..., 0]
    file = io.BytesIO()
    Image.fromarray(pixels_u8).save(file, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
