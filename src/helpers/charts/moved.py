"""Pictures of what changed from one day to another, whoever it is: the first picture of an added notebook."""

import numpy as np
import pandas as pd

from helpers.charts.house import BLACK, BLUE, LIGHT, ORANGE, Drawing, canvas
from helpers.inference import Estimate, Unanswered, number, numbers


def changes(
    table: pd.DataFrame | Unanswered, mean: Estimate | Unanswered, what: str, unit: str
) -> Drawing | Unanswered:
    """Draw where each entity stood at the start and where at the end, the largest rise on top.

    Parameters
    ----------
    table : DataFrame or Unanswered
        One row an entity: entity, start, end (its values), change.
    mean : Estimate or Unanswered
        Mean change, for the title.
    what : str
        What is measured, for the title; it begins the sentence.
    unit : str
        Unit of the values.

    Returns
    -------
    Drawing or Unanswered
        A rise is blue and points to the right, a fall orange and to the left.
    """
    for answer in (table, mean):
        if isinstance(answer, Unanswered):
            return answer
    rows = table.sort_values(["change", "entity"], ignore_index=True)
    rose = int((rows.change > 0).sum())
    value, low, high = numbers(mean.value, mean.low, mean.high)
    title = f"{what} rose for {rose} of {len(rows)}; mean change {value} {mean.unit} ({low} to {high})"
    subtitle = f"From the start (bar) to the end (arrow), in {unit}. Blue: rose; orange: did not"
    figure, (axis,) = canvas(title, subtitle, 1.0 + 0.3 * len(rows))
    figure.subplots_adjust(left=0.22)
    places = np.arange(len(rows))
    reach = np.concatenate([rows.start, rows.end])
    margin = 0.14 * ((reach.max() - reach.min()) or 1)
    for place, row in zip(places, rows.itertuples(), strict=True):
        colour = BLUE if row.change > 0 else ORANGE
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 2, "shrinkA": 0, "shrinkB": 0}
        axis.annotate("", (row.end, place), (row.start, place), arrowprops=arrow)
        axis.plot(row.start, place, "|", color=colour, markersize=9, markeredgewidth=2)
        side = 1 if row.change > 0 else -1
        spot = {"va": "center", "ha": "left" if side > 0 else "right", "size": 9, "color": colour}
        axis.text(row.end + side * 0.12 * margin, place, number(row.end), **spot)
    axis.set_yticks(places, rows.entity, color=BLACK, size=9)
    axis.set(xlim=(reach.min() - margin, reach.max() + margin), ylim=(-0.7, len(rows) - 0.3), xlabel=unit)
    axis.tick_params(axis="y", left=False)
    axis.grid(axis="y", color=LIGHT, linewidth=0.5)
    axis.spines["left"].set_visible(False)
    told = [f"{row.entity} {number(row.start)} to {number(row.end)}" for row in rows[::-1].itertuples()]
    return Drawing(figure, title, f"Arrows of {len(rows)} in {unit}. {'; '.join(told)}.", rows)
