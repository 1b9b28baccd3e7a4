"""Pictures of an event study."""

import numpy as np
import pandas as pd

from helpers.charts.house import BLACK, BLUE, GREY, LIGHT, Drawing, canvas, signed, told_interval
from helpers.inference import Estimate, Unanswered


def abnormal_path(table: pd.DataFrame | Unanswered, day: str, what: str, marks: dict[str, str]) -> Drawing | Unanswered:
    """Draw a mean abnormal return on each trading day around an event, with its intervals.

    Parameters
    ----------
    table : DataFrame or Unanswered
        One row a trading day: date, value, low, high (percent), n.
    day : str
        The event's day, ISO: blue.
    what : str
        Whose mean, for the title.
    marks : dict of str to str
        Words to write at a day, by ISO date.

    Returns
    -------
    Drawing or Unanswered
        Unanswered before the event's day is known.
    """
    if isinstance(table, Unanswered) or not (table.date == day).any():
        return table if isinstance(table, Unanswered) else Unanswered(f"{day} is not known yet")
    event = table[table.date == day].iloc[0]
    low, high = signed(event.low), signed(event.high)
    title = f"On {day} the mean abnormal return of {what} was {signed(event.value)}% (95% interval {low} to {high})"
    subtitle = (
        "Mean abnormal return in percent by trading day; bars: 95% intervals that allow for firms moving together. "
        "Blue: the event; grey: other days"
    )
    figure, (axis,) = canvas(title, subtitle, 3.9)
    for place, row in enumerate(table.itertuples()):
        colour = BLUE if row.date == event.date else GREY
        axis.plot([place, place], [row.low, row.high], color=colour, linewidth=2.2, alpha=0.75, solid_capstyle="butt")
        axis.plot(place, row.value, "o", color=colour, markersize=6)
    axis.axhline(0, color=GREY, linewidth=0.8)
    days = [f"{date:%Y-%m-%d}" for date in table.date]
    top = table.high.max() + 0.12 * (table.high.max() - table.low.min())
    for marked, words in marks.items():
        if marked in days:
            place = days.index(marked)
            axis.axvline(place, color=LIGHT, linewidth=1, zorder=0)
            axis.text(place - 0.12, top, words, size=9, color=BLACK, ha="right", va="top", linespacing=1.25)
    axis.set(ylim=(None, top), xlim=(-0.7, len(table) - 0.3), ylabel="percent")
    weeks = table.date.dt.isocalendar().week
    places = np.flatnonzero(weeks != weeks.shift(fill_value=0))
    # a week of one day leaves no room for its own words
    places = places[np.diff(places, append=len(table) + 1) > 1]
    axis.set_xticks(places, [f"{table.date.iloc[place]:%-d %b}" for place in places])
    apart = table[(table.low > 0) | (table.high < 0)]
    told = "; ".join(f"{row.date:%Y-%m-%d} {told_interval(row)}" for row in apart.itertuples()) or "none"
    alt = (
        f"Points with intervals for {len(table)} trading days. Mean abnormal return on {day}: {signed(event.value)}% "
        f"({low} to {high}). Days whose interval leaves out zero: {told}."
    )
    return Drawing(figure, title, alt, table)


def placebo_distribution(
    placebos: pd.Series, found: Estimate | Unanswered, day: str, what: str
) -> Drawing | Unanswered:
    """Draw the distribution of an estimate over other days, with the event's own value marked.

    Parameters
    ----------
    placebos : Series
        Percent by date.
    found : Estimate or Unanswered
        The event's value.
    day, what : str
        The event's day, and what is measured, for the title.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(found, Unanswered) or placebos.empty:
        return found if isinstance(found, Unanswered) else Unanswered("no earlier day has an estimation window")
    rose = found.value > 0
    beyond = int((placebos >= found.value).sum() if rose else (placebos <= found.value).sum())
    worst, worst_day = (placebos.max(), placebos.idxmax()) if rose else (placebos.min(), placebos.idxmin())
    side, most = ("high", "best") if rose else ("low", "worst")
    title = (
        f"{beyond or 'None'} of {len(placebos)} earlier days had {what} as {side} as {day}: "
        f"{signed(found.value)}% against {signed(worst)}% at {most}"
    )
    subtitle = (
        "Days by mean abnormal return in percent, each with a model estimated on the days before it. Blue: the event"
    )
    figure, (axis,) = canvas(title, subtitle, 3.2)
    low, high = np.floor(min(found.value, placebos.min())), np.ceil(max(found.value, placebos.max()))
    counts, _, _ = axis.hist(placebos, bins=np.arange(low, high + 0.5, 0.5), color=LIGHT, edgecolor="white")
    # for the words beside the outermost day
    room = max(1.5, 0.09 * (high - low))
    # amid ordinary days the words stand above the bars
    middle = placebos.quantile(0.025) < found.value < placebos.quantile(0.975)
    reach = (1.05 if middle else 0.55) * counts.max()
    axis.vlines(found.value, 0, reach, color=BLUE, linewidth=2.5)
    words = f"{day}\n{signed(found.value)}%"
    spot = {"color": BLUE, "size": 10, "weight": "semibold", "ha": "center", "va": "bottom"}
    axis.text(found.value, reach + 0.03 * counts.max(), words, **spot)
    axis.annotate(
        f"{most} earlier day\n{worst_day:%Y-%m-%d}, {signed(worst)}%", (worst, 1.2), xytext=(0, 26),
        textcoords="offset points", ha="center", size=9, color=GREY, arrowprops={"arrowstyle": "-", "color": LIGHT},
    )  # fmt: skip
    axis.set(
        xlabel="mean abnormal return, percent",
        ylabel="days",
        xlim=(low - (0.5 if rose else room), high + (room if rose else 0.5)),
    )
    if middle:
        axis.set_ylim(0, 1.35 * counts.max())
    quantiles = np.quantile(placebos, [0.025, 0.5, 0.975])
    spread = ", ".join(signed(value) for value in quantiles)
    alt = f"Histogram of {len(placebos)} days, 2.5%, 50% and 97.5% quantiles {spread}; {day} at {signed(found.value)}%."
    points = placebos.rename("value").rename_axis("date").reset_index().assign(event=False)
    event = pd.DataFrame({"date": [pd.Timestamp(day)], "value": [found.value], "event": [True]})
    return Drawing(figure, title, alt, pd.concat([points, event], ignore_index=True))


def group_intervals(table: pd.DataFrame, event: str) -> Drawing | Unanswered:
    """Draw the abnormal return of groups on an event's day and over its window, with intervals.

    Parameters
    ----------
    table : DataFrame
        One row a group and period: group, members, period (``day`` or ``window``), start, end, value, low, high
        (percent). The first group is blue.
    event : str
        The event in words, for the title.

    Returns
    -------
    Drawing or Unanswered
    """
    rows = table.dropna(subset="value")
    if rows.empty:
        return Unanswered("no abnormal return is known")
    lead = rows.iloc[0]
    title = f"{event[0].upper()}{event[1:]}: abnormal return of {lead.group} on {lead.start} {signed(lead.value)}%"
    title += f" (95% interval {signed(lead.low)} to {signed(lead.high)})"
    subtitle = "Abnormal return in percent, with 95% intervals; the window is added up. Blue: the group asked for first"
    names = list(dict.fromkeys(table.group))[::-1]
    figure, axes = canvas(title, subtitle, 1.2 + 0.42 * len(names), columns=2, sharey=True)
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.27, wspace=0.1, bottom=0.72 / whole, top=figure.subplotpars.top - 0.24 / whole)
    for axis, (_, part) in zip(axes, table.groupby("period", sort=False), strict=True):
        for row in part.dropna(subset="value").itertuples():
            place, colour = names.index(row.group), BLUE if row.group == lead.group else GREY
            axis.plot([row.low, row.high], [place, place], color=colour, linewidth=2.2, alpha=0.75)
            axis.plot(row.value, place, "o", color=colour, markersize=6)
            axis.text(row.value, place + 0.16, signed(row.value), size=9, color=colour, ha="center", va="bottom")
        first = part.iloc[0]
        span = first.start if first.start == first.end else f"{first.start} to {first.end}"
        axis.set_title(f"The {first.period}: {span}", loc="left", size=10)
        axis.axvline(0, color=GREY, linewidth=0.8)
        axis.set_ylim(-0.5, len(names) - 0.3)
        axis.tick_params(axis="y", left=False)
        axis.spines["left"].set_visible(False)
    counts = table.drop_duplicates("group").set_index("group").members
    axes[0].set_yticks(range(len(names)), [f"{name} ({counts[name]})" for name in names], color=BLACK, size=9.5)
    told = "; ".join(f"{row.group}, {row.period}: {told_interval(row)}" for row in rows.itertuples())
    return Drawing(figure, title, f"Points with intervals, percent. {told}.", rows.drop(columns="found"))
