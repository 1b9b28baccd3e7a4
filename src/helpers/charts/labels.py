"""Names beside the points of a scatter, without overlaps."""

import numpy as np
import pandas as pd

from helpers.charts.house import LIGHT
from helpers.charts.pictures import Ruler


def label_points(
    axis, points: pd.DataFrame, x: str, y: str, colours, weights, path: np.ndarray, reach=6.0, taken=()
) -> list:
    """Name every point of a scatter beside it, clear of the other names, of all marks and of a line.

    Each name takes the cheapest of some hundred places around its point, given where the others are, in three rounds;
    a place costs its distance and, far more, what it covers. (adjustText and textalloc both left overlaps here.)

    Parameters
    ----------
    axis : matplotlib Axes
        With its limits set.
    points : DataFrame
        One row a point: name, error (half of the drawn bar is 1.96 of it), and the columns ``x`` and ``y``.
    x, y : str
        Columns of the place, in data units.
    colours, weights : sequence of str
        One of each a point.
    path : array, shape (corners, 2)
        Corners of the line, in data units, its pieces upright or level.
    reach : float or array, shape (points,)
        Half the width of the marks, in pixels.
    taken : sequence of matplotlib Text
        What is written on the axis already. A point whose name is empty gets no label but is kept clear.

    Returns
    -------
    list of matplotlib Text
    """
    figure = axis.figure
    ruler = Ruler(figure.dpi)
    at = axis.transData.transform(points[[x, y]].to_numpy(float))
    tips = axis.transData.transform(np.column_stack([points[x], points[y] + 1.96 * points.error]))
    bars = np.column_stack([at[:, 0] - 2, 2 * at[:, 1] - tips[:, 1], at[:, 0] + 2, tips[:, 1]])
    corners = axis.transData.transform(path)
    pieces = np.hstack([np.minimum(corners[:-1], corners[1:]) - 2, np.maximum(corners[:-1], corners[1:]) + 2])
    wide = np.broadcast_to(np.reshape(reach, (-1, 1)), at.shape)
    marks = np.hstack([at - wide, at + wide])
    written = [text.get_window_extent(ruler).extents for text in taken]
    pieces = np.vstack([pieces, *written])
    frame = axis.get_window_extent(ruler)
    options = {"size": 8, "ha": "left", "va": "bottom", "transform": axis.transAxes}
    names = zip(points.name, colours, weights, strict=True)
    texts = [axis.text(0, 0, name, color=colour, weight=weight, **options) for name, colour, weight in names if name]
    held = np.flatnonzero(points.name != "")
    sizes = np.array([(box.width, box.height) for box in (text.get_window_extent(ruler) for text in texts)])
    angles = np.deg2rad(np.arange(0, 360, 15))
    steps = np.array([(d * np.cos(a), d * np.sin(a), d) for d in (8, 11, 15, 21, 29, 40, 54) for a in angles])
    boxes = np.full((len(texts), 4), np.nan)
    crowd = (np.hypot(*(at[:, None] - at[None]).T) < 60).sum(axis=0)
    lean = np.where(np.abs(steps[:, :2]) < 0.3 * steps[:, 2:], -0.5, np.where(steps[:, :2] > 0, 0.0, -1.0))
    led = steps[:, 2] > 12
    tried = []
    for own, size in zip(held, sizes, strict=True):
        low = at[own] + steps[:, :2] + lean * size
        places = np.hstack([low, low + size])
        middle = at[own] + 0.6 * steps[:, :2]
        lead = np.hstack([middle - 3, middle + 3])
        hard = _covered(places, np.vstack([marks, pieces])) + led * _covered(lead, np.delete(marks, own, axis=0))
        # a name belongs to the mark it is nearest to
        gaps = np.clip(at, low[:, None], low[:, None] + size) - at
        gaps = np.hypot(*gaps.T).T
        strange = np.delete(gaps, own, axis=1).min(axis=1, initial=np.inf) < gaps[:, own]
        outside = (places[:, :2] < [frame.x0, frame.y0]).any(axis=1) | (places[:, 2:] > [frame.x1, frame.y1]).any(
            axis=1
        )
        cost = 50 * hard + 30 * strange + 2 * _covered(places, bars) + 1e6 * outside
        tried.append((places, lead, cost + steps[:, 2] - 2 * np.cos(np.tile(angles, 7))))
    # only the other names move from round to round
    for _ in range(3):
        for k in np.argsort(-crowd[held], kind="stable"):
            places, lead, cost = tried[k]
            others = np.delete(boxes, k, axis=0)
            hard = _covered(places, others - [2, 1, -2, -1]) + led * _covered(lead, others)
            boxes[k] = places[np.argmin(cost + 50 * hard)]
    for text, box, point in zip(texts, boxes, at[held], strict=True):
        text.set_position(axis.transAxes.inverted().transform(box[:2]))
        nearest = np.clip(point, box[:2], box[2:])
        if np.hypot(*(nearest - point)) > 12:
            ends = axis.transData.inverted().transform([point, nearest])
            axis.plot(*ends.T, color=LIGHT, linewidth=0.7, zorder=0)
    return texts


def _covered(places, obstacles):
    """Area that each place, shape (places, 4), shares with all obstacles, shape (obstacles, 4), in square pixels."""
    obstacles = obstacles[~np.isnan(obstacles).any(axis=1)]
    left, low, right, high = obstacles.T
    wide = np.minimum(places[:, [2]], right) - np.maximum(places[:, [0]], left)
    tall = np.minimum(places[:, [3]], high) - np.maximum(places[:, [1]], low)
    return (np.maximum(wide, 0) * np.maximum(tall, 0)).sum(axis=1)
