"""Pictures of declared alternatives."""

import numpy as np
import pandas as pd

from helpers.charts.house import BLACK, BLUE, GREY, LIGHT, ORANGE, SKY, Drawing, canvas, signed, told_interval
from helpers.inference import Estimate, Unanswered, number


def specification_curve(
    table: pd.DataFrame | Unanswered,
    choices: list[str],
    what: str,
    *,
    unit: str = "percent",
    edge: float = 0.0,
    side: str = "below",
) -> Drawing | Unanswered:
    """Draw estimates of all specifications in order, above a matrix of dots that tells which choices each made.

    Simonsohn, Simmons and Nelson (2020, doi 10.1038/s41562-020-0912-z). The headline is blue; an interval that holds
    the edge is orange.

    Parameters
    ----------
    table : DataFrame or Unanswered
        One row a specification, in the order to draw: a column each choice, value, low, high, headline.
    choices : list of str
        Columns of the choices, from top to bottom.
    what : str
        What is measured, for the title.
    unit : str
        Unit of the estimates; all but percent are shown without a sign.
    edge : float
        Value to which the estimates are held.
    side : {"below", "above"}
        Side of the edge that the title counts.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(table, Unanswered):
        return table
    n, counted = len(table), int((table.value < edge).sum() if side == "below" else (table.value > edge).sum())
    apart = int(((table.low > edge) | (table.high < edge)).sum())
    leave, plural = ("leaves", "") if apart == 1 else ("leave", "s")
    told, sign, last = (signed, "%", " percent") if unit == "percent" else (number, "", f" {unit}")
    bar = f"{number(edge)}{last}" if edge else "zero"
    amount = {0: "none of", n: "all"}.get(counted, f"{counted} of")
    title = (
        f"{what} is {side} {bar} in {amount} {n} specifications, "
        f"{told(table.value.min())}{sign} to {told(table.value.max())}{sign}; "
        f"{apart} interval{plural} {leave} out {bar}"
    )
    subtitle = (
        f"Estimates in order, in {unit}, with 95% intervals; dots: the choices made. "
        f"Blue: the headline; orange: others whose interval holds {bar}"
    )
    lines = [(name, level) for name in choices for level in dict.fromkeys(sorted(table[name], key=_natural))]
    height = 0.2 * len(lines) + 0.1 * len(choices)
    figure, (axis, matrix) = canvas(
        title, subtitle, 2.6 + height + 0.7, rows=2, sharex=True, height_ratios=[2.6, height]
    )
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.27, hspace=0.04, bottom=0.45 / whole, top=figure.subplotpars.top - 0.12 / whole)
    holds = (table.low <= edge) & (table.high >= edge)
    colours = np.select([table.headline, holds], [BLUE, ORANGE], GREY)
    places = np.arange(n)
    axis.vlines(places, table.low, table.high, colors=list(colours), linewidth=1.6, alpha=0.7)
    axis.scatter(places, table.value, color=list(colours), s=np.where(table.headline, 46, 14), zorder=2)
    axis.axhline(edge, color=GREY, linewidth=0.8)
    axis.set_ylabel(unit)
    (own,) = np.flatnonzero(table.headline)
    options = {"transform": axis.get_xaxis_transform(), "color": BLUE, "size": 9, "ha": "center"}
    axis.text(own, 1.01, f"headline {told(table.value[own])}", **options)
    axis.axvline(own, color=BLUE, linewidth=0.8, alpha=0.35)
    axis.margins(y=0.1)
    y, labels = [], []
    for place, (name, level) in enumerate(lines):
        y.append(-place - 0.5 * choices.index(name))
        labels.append(level)
        made = (table[name] == level).to_numpy()
        matrix.scatter(places, np.full(n, y[-1]), s=5, color=LIGHT, linewidth=0)
        matrix.scatter(places[made], np.full(made.sum(), y[-1]), s=15, color=list(colours[made]), linewidth=0)
    for name in choices:
        inside = [at for at, (other, _) in zip(y, lines, strict=True) if other == name]
        options = {"transform": matrix.get_yaxis_transform(), "ha": "left", "va": "center", "size": 9}
        matrix.text(-0.345, np.mean(inside), name, weight="semibold", **options)
    matrix.set_yticks(y, labels, size=8.5, color=BLACK)
    matrix.set(xlim=(-1, n), ylim=(min(y) - 0.7, 0.7))
    for panel in (axis, matrix):
        panel.tick_params(axis="x", bottom=False, labelbottom=False)
        panel.spines["bottom"].set_visible(False)
    matrix.tick_params(axis="y", left=False)
    matrix.spines["left"].set_visible(False)
    median = told(table.value.median())
    head = table.iloc[own]
    alt = (
        f"Specification curve of {n} estimates from {told(table.value.min())} to {told(table.value.max())}{last}, "
        f"median {median}; headline {told_interval(head)} ({', '.join(head[choices])}); "
        f"{apart} of {n} intervals {leave} out {bar}."
    )
    return Drawing(figure, title, alt, table)


def _natural(text):
    """Key that orders words with numbers in them by the numbers."""
    digits = "".join(sign for sign in text if sign.isdigit())
    return (int(digits), text) if digits else (10**9, text)


def alternatives(found: dict, others: dict, claims: pd.DataFrame) -> Drawing | Unanswered:
    """Draw each headline above its declared alternatives, against the range that would make its claim true.

    Parameters
    ----------
    found : dict of str to (Estimate or Unanswered)
        Headlines by claim; those not answered are left out.
    others : dict of str to dict of str to (Estimate or Unanswered)
        Alternatives by claim and label; those not answered are left out and counted in the subtitle.
    claims : DataFrame
        As ``results.claims`` gives: index id; claim, low, high.

    Returns
    -------
    Drawing or Unanswered
        Unanswered when no headline is answered.
    """
    answered = [claim for claim, one in found.items() if isinstance(one, Estimate)]
    if not answered:
        return next(iter(found.values()))
    points = pd.concat([_specifications(claim, found[claim], others[claim], claims.loc[claim]) for claim in answered])
    headline = points[points.specification == "headline"].set_index("claim").position
    rest = points[points.specification != "headline"]
    agree = int((rest.position == rest.claim.map(headline)).sum())
    turned = [claim for claim in answered if (rest[rest.claim == claim].position != headline[claim]).any()]
    title = f"{agree} of {len(rest)} alternatives agree with their headline; "
    title += f"{len(turned)} of {len(answered)} claims turn with an alternative"
    title += f": {claims.claim[turned[0]]}" if len(turned) == 1 < len(answered) else ""
    subtitle = "Shaded: the range that makes the claim true. Circle: inside; cross: outside; diamond: across an edge."
    missing = sum(isinstance(one, Unanswered) for claim in answered for one in others[claim].values())
    subtitle += f" Not known yet: {missing} alternatives" if missing else ""
    counts = points.groupby("claim", sort=False).size()
    heights = 0.2 * counts + 0.62
    figure, axes = canvas(title, subtitle, 0.75 + heights.sum(), rows=len(counts))
    whole = figure.get_figheight()
    top = whole * figure.subplotpars.top - 0.15
    for axis, claim in zip(axes, counts.index, strict=True):
        axis.set_position([0.37, (top - heights[claim] + 0.32) / whole, 0.6, 0.2 * counts[claim] / whole])
        top -= heights[claim]
        _draw_specifications(axis, points[points.claim == claim], claims.loc[claim])
    told = [f"{row.claim}, {row.specification}: {told_interval(row)}" for row in points.itertuples()]
    return Drawing(figure, title, f"Dot plots, one a claim. {'; '.join(told)}.", points)


def _specifications(claim, found, others, row):
    answered = {"headline": found} | {label: other for label, other in others.items() if isinstance(other, Estimate)}
    rows = [(claim, label, one.value, one.low, one.high, one.unit, one.n) for label, one in answered.items()]
    points = pd.DataFrame(rows, columns=["claim", "specification", "value", "low", "high", "unit", "n"])
    inside, outside = (
        (points.low >= row.low) & (points.high <= row.high),
        (points.high < row.low) | (points.low > row.high),
    )
    return points.assign(position=np.select([inside, outside], ["inside", "outside"], "across an edge"))


def _draw_specifications(axis, points, claim):
    ends = points[["value", "low", "high"]].to_numpy().ravel()
    reach = [value for value in (*ends, claim.low, claim.high) if np.isfinite(value)]
    # ratios that span decades are legible on a log scale only; a bound of zero lies beyond its left end
    if claim.unit == "ratio" and min(ends) > 0 and max(ends[np.isfinite(ends)]) > 30 * min(ends):
        reach = [value for value in reach if value > 0]
        left, right = min(reach) / 1.5, max(reach) * 1.5
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: number(value))
        axis.minorticks_off()
    else:
        margin = 0.14 * ((max(reach) - min(reach)) or 1)
        left, right = min(reach) - margin, max(reach) + margin
    axis.axvspan(max(claim.low, left), min(claim.high, right), color=SKY, alpha=0.2, linewidth=0)
    marks = {"inside": ("o", BLUE), "outside": ("X", ORANGE), "across an edge": ("D", GREY)}
    places = -np.arange(len(points))
    lows, highs = (np.clip(points[end], left, right) for end in ("low", "high"))
    axis.hlines(places, lows, highs, colors=[marks[position][1] for position in points.position], linewidth=1.6)
    for position, (mark, colour) in marks.items():
        here = (points.position == position).to_numpy()
        # the headline, at the top, is larger
        for drawn, size in ((here & (places == 0), 6), (here & (places < 0), 4.5)):
            if drawn.any():
                axis.plot(points.value[drawn], places[drawn], mark, color=colour, markersize=size)
    axis.set(xlim=(left, right), ylim=(0.4 - len(points), 0.6))
    axis.set_yticks(places, points.specification, color=BLACK)
    axis.set_title(f"{claim.claim} ({claim.unit})", loc="left", x=-0.57, size=9.5, weight="semibold", pad=4)
    axis.get_yticklabels()[0].set_weight("semibold")
    axis.tick_params(axis="y", left=False, labelsize=8.5)
    axis.tick_params(axis="x", labelsize=8, length=2, pad=1)
    axis.spines["left"].set_visible(False)
