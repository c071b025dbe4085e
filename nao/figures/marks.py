"""What each mark of a figure shows, and where in the picture it stands.

A drawing function says of an artist which rows of a table it shows (`shows`); once the layout
is known, `marks` tells the place of every mark, so that a reader may ask for its making.
Matplotlib keeps the former as the artist's group id, which neither PNG nor PDF writes.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import Bbox

from nao.figures.style import style

HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"


def shows(
    artist: Artist,
    label: str,
    table: str,
    rows: Iterable[Sequence[int]],
    panel: str | None = None,
    upright: bool = True,
) -> None:
    """Say that the artist shows these rows of `table`, by number: one sequence for each mark.

    A line has a mark at each of its vertices, any other artist one as large as itself. `label`
    names it as the legend does, `panel` its panel where that has no title of its own. Where an
    axis upwards measures nothing it is not `upright`.
    """
    numbers = [[int(row) for row in mark] for mark in rows]
    told = {"label": label, "table": table, "rows": numbers, "panel": panel, "upright": upright}
    artist.set_gid(json.dumps(told))


def marks(figure: Figure) -> list[dict[str, Any]]:
    """All that the artists of a figure show, as JSON holds it: an entry an artist.

    The layout is settled by this, so that whatever is saved afterwards has the marks where they
    were told.

    `panel`, `x` and `y` are the texts at its axes, `label` and `table` as given. Each of its
    `marks` has the `rows`, the values at `x` and `y` (None where an axis has no such value), and
    its place `at`: left, top, width and height as fractions of the picture's, from its top left.
    """
    with style():
        for _ in range(2):  # a layout with maps of a fixed aspect comes to rest at the second
            figure.draw_without_rendering()
        figure.set_layout_engine("none")
    tagged = figure.findobj(lambda artist: artist.get_gid() is not None)
    return [entry for artist in tagged if (entry := _entry(artist, figure))["marks"]]


def _entry(artist: Artist, figure: Figure) -> dict[str, Any]:
    content, axes = json.loads(str(artist.get_gid())), artist.axes
    assert isinstance(axes, Axes)
    titles = (axes.get_title(loc) for loc in ("left", "center"))
    shared = [axes, *axes.get_shared_y_axes().get_siblings(axes)]
    upwards = (each.get_ylabel() for each in shared if isinstance(each, Axes))
    if isinstance(artist, Line2D):
        found = _vertices(artist, content["upright"])
    elif isinstance(artist, Rectangle):  # a bar
        middle = float(artist.get_x() + artist.get_width() / 2)
        found = [(artist.get_window_extent(), middle, float(artist.get_height()))]
    else:
        found = [(artist.get_window_extent(), None, None)]
    return {
        "panel": plain(content["panel"] or next(filter(None, titles), "")),
        "x": plain(axes.get_xlabel()),
        "y": plain(next(filter(None, upwards), "")),
        "label": plain(content["label"]),
        "table": content["table"],
        "marks": [
            {"at": _place(box, figure), "x": x, "y": y, "rows": rows}
            for (whole, x, y), rows in zip(found, content["rows"], strict=True)
            if (box := _seen(whole, axes)) is not None
        ],
    }


def _vertices(line: Line2D, upright: bool) -> list[tuple[Bbox, float | None, float | None]]:
    """Place and values at each; a cross at the edge of a panel has no value there."""
    values = np.asarray(line.get_xydata(), float)
    places = line.get_transform().transform(values)
    own = line.axes is not None and line.get_transform() is line.axes.transData
    return [
        (Bbox([place, place]), float(x), float(y) if own and upright else None)
        for place, (x, y) in zip(places, values, strict=True)
    ]


def _seen(box: Bbox, axes: Axes) -> Bbox | None:
    """The part inside the panel; None where nothing is, or no place is finite."""
    finite = np.isfinite(box.get_points()).all()
    return Bbox.intersection(box, axes.bbox.padded(1)) if finite else None


def _place(box: Bbox, figure: Figure) -> list[float]:
    width, height = figure.bbox.size
    corner = (box.x0 / width, 1 - box.y1 / height, box.width / width, box.height / height)
    return [round(float(part), 5) for part in corner]


def plain(text: str) -> str:
    """A label without mathematical markup: `$\\hat w$` is ŵ, `$\\sigma_\\varepsilon$` is σ_ε."""
    text = re.sub(r"\\hat (\w)", rf"\1{HAT}", text.replace("$", ""))
    text = re.sub(r"\\([A-Za-z]+)", lambda found: _greek(found[1]), text)
    return unicodedata.normalize("NFC", " ".join(text.replace("^2", "²").split()))


def _greek(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.removeprefix('var').upper()}")
    except KeyError:
        return name
