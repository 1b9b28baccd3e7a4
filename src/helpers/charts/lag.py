"""Pictures of how far open models trail proprietary ones."""

import numpy as np
import pandas as pd

from helpers.charts.house import BLACK, BLUE, GREY, LIGHT, ORANGE, SKY, Drawing, canvas, date_axis, kept_apart
from helpers.charts.house import told_interval as told
from helpers.charts.pictures import Ruler
from helpers.inference import Estimate, Unanswered, number

MONTH = 365.25 / 12


def record_frontiers(
    models: pd.DataFrame | Unanswered,
    proprietary: pd.DataFrame,
    opened: pd.DataFrame,
    lag: Estimate | Unanswered,
    unit: str = "Elo points",
) -> Drawing | Unanswered:
    """Draw the best score so far of proprietary and of open models by release date, and the lag between them.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As ``lag.described`` gives; light points.
    proprietary, opened : DataFrame
        Records of each side, as ``lag.records`` gives.
    lag : Estimate or Unanswered
        Backward lag at the newest board, months.
    unit : str
        Of the scores.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(models, Unanswered):
        return models
    if isinstance(lag, Unanswered):
        return lag
    end, best, top = models.until.max(), opened.iloc[-1], proprietary.iloc[-1]
    behind = top.score - best.score
    title = f"On {end:%Y-%m-%d} the best open model, {best['name']}, was {abs(behind):.0f} points "
    title += "ahead of the best proprietary one" if behind <= 0 else "behind the best proprietary one"
    title += f" and {lag.value:.1f} months behind in time" if lag.value else ""
    subtitle = (
        f"Best score so far by release date, {unit} on the scale {models.scale.iloc[0]}; "
        "bars: 95% intervals of the records; light: all other models"
    )
    figure, (axis,) = canvas(title, subtitle, 4.9)
    figure.subplots_adjust(right=0.98)
    rest = models[~models.arena_key.isin([*proprietary.arena_key, *opened.arena_key])]
    low = min(opened.score.iloc[0], proprietary.score.iloc[0]) - 25
    for is_open, colour in ((False, LIGHT), (True, SKY)):
        rows = rest[(rest.open == is_open) & (rest.score > low)]
        axis.scatter(rows.release_date, rows.score, s=7, color=colour, alpha=0.6, linewidth=0, zorder=1)
    for rows, colour in ((proprietary, GREY), (opened, BLUE)):
        steps = [*rows.release_date, end], [*rows.score, rows.score.iloc[-1]]
        axis.step(*steps, where="post", color=colour, linewidth=1.6, zorder=2)
        error = 1.96 * np.sqrt(rows.error**2 + rows.link_level**2 + rows.link_tilt**2)
        axis.errorbar(rows.release_date, rows.score, yerr=error, fmt="o", color=colour, markersize=4, zorder=3)
    since = end - pd.Timedelta(days=lag.value * MONTH)
    spot = {"textcoords": "offset points", "size": 9, "weight": "semibold"}
    middle, lead = since + (end - since) / 2, {"arrowstyle": "-", "color": ORANGE, "linewidth": 0.8}
    words, back = f"{lag.value:.1f} months behind", {"facecolor": "white", "edgecolor": "none", "pad": 1}
    if lag.value:
        axis.annotate("", (since, best.score), (end, best.score), arrowprops={"arrowstyle": "<->", "color": ORANGE})
        told_lag = {"color": ORANGE, "ha": "center", "bbox": back, "arrowprops": lead, **spot}
        axis.annotate(words, (middle, best.score), (0, -120), **told_lag)
    axis.annotate("best proprietary", (top.release_date, top.score), (-6, 10), color=GREY, ha="right", **spot)
    early = opened.iloc[len(opened) // 2]
    axis.annotate("best open", (early.release_date, early.score), (10, -22), color=BLUE, ha="left", **spot)
    axis.set(ylabel=unit, ylim=(low, None))
    start = min(proprietary.release_date.iloc[0], opened.release_date.iloc[0])
    date_axis(axis, start, end, 8)
    axis.margins(x=0.03, y=0.09)
    axis.set_ylim(low, max(top.score, best.score) + 40)
    columns = ["name", "developer", "release_date", "score", "error"]
    points = pd.concat([proprietary[columns].assign(side="proprietary"), opened[columns].assign(side="open")])
    alt = (
        f"Two rising step lines of {len(proprietary)} proprietary and {len(opened)} open records. On {end:%Y-%m-%d}: "
        f"{top['name']} {top.score:.0f}, {best['name']} {best.score:.0f}; backward lag {told(lag)} months."
    )
    return Drawing(figure, title, alt, points.reset_index(drop=True))


def backward_lags(
    series: pd.DataFrame | Unanswered, alone: pd.DataFrame | Unanswered, low: float, high: float, mark: str
) -> Drawing | Unanswered:
    """Draw the backward lag and the deficit through time with their bands, and what the newest board alone would say.

    Parameters
    ----------
    series, alone : DataFrame or Unanswered
        As ``lag.lag_series`` gives, of all models and of those of the newest board alone.
    low, high : float
        Months that the note named, drawn as a band.
    mark : str
        ISO date on which R1 was released.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(series, Unanswered):
        return series
    last, widest = series.iloc[-1], series.loc[series.lag.idxmax()]
    title = (
        f"The backward lag of open models was {last.lag:.1f} months on {last.date:%Y-%m-%d}, "
        f"at most {widest.lag:.1f} (on {widest.date:%Y-%m-%d})"
    )
    subtitle = (
        "Blue: all models that ever stood on a board, with 95% bands of the scores; orange: only those of the newest "
        f"board; shaded: the note's {low:.0f} to {high:.0f} months"
    )
    figure, axes = canvas(title, subtitle, 5.2, rows=2, sharex=True, height_ratios=[1.35, 1])
    figure.subplots_adjust(hspace=0.22, right=0.96, top=figure.subplotpars.top - 0.02)
    names = {"lag": "Lag, months", "deficit": "Deficit of the best open model, Elo points"}
    axes[0].axhspan(low, high, color=SKY, alpha=0.15, linewidth=0)
    for axis, (column, words) in zip(axes, names.items(), strict=True):
        ends = (series[f"{column}_low"], series[f"{column}_high"])
        axis.fill_between(series.date, *ends, color=BLUE, alpha=0.25, linewidth=0)
        if isinstance(alone, pd.DataFrame):
            axis.plot(alone.date, alone[column], color=ORANGE, linewidth=1.2, linestyle=(0, (3, 1.5)))
        axis.plot(series.date, series[column], color=BLUE, linewidth=1.6)
        axis.plot(last.date, last[column], "o", color=BLUE, markersize=5)
        axis.set_title(words, loc="left", size=9.5)
        axis.axhline(0, color=GREY, linewidth=0.8)
        axis.margins(x=0.02, y=0.08)
        if series.date.iloc[0] <= pd.Timestamp(mark) <= last.date:
            axis.axvline(pd.Timestamp(mark), color=BLACK, linewidth=0.8, linestyle=(0, (2, 2)))
    if series.date.iloc[0] <= pd.Timestamp(mark) <= last.date:
        near = (last.date - pd.Timestamp(mark)).days < 0.2 * (last.date - series.date.iloc[0]).days
        options = {"transform": axes[0].get_xaxis_transform(), "size": 8.5, "va": "top"}
        axes[0].text(pd.Timestamp(mark), 0.99, " R1 ", ha="right" if near else "left", **options)
    date_axis(axes[1], series.date.iloc[0], last.date, 8)
    ends = pd.DataFrame({"value": last.lag, "low": last.lag_low, "high": last.lag_high}, index=[0]).iloc[0]
    gap = pd.DataFrame({"value": last.deficit, "low": last.deficit_low, "high": last.deficit_high}, index=[0]).iloc[0]
    alt = f"Lines through {len(series)} days from {series.date.iloc[0]:%Y-%m-%d}. On {last.date:%Y-%m-%d}: lag "
    alt += f"{told(ends)} months, deficit {told(gap)} points"
    points = [series.assign(models="all")]
    if isinstance(alone, pd.DataFrame):
        alt += (
            f"; by the newest board alone {alone.lag.iloc[-1]:.1f} months and {number(alone.deficit.iloc[-1])} points"
        )
        points.append(alone.assign(models="newest board"))
    return Drawing(figure, title, f"{alt}.", pd.concat(points, ignore_index=True))


def record_spells(spells: pd.DataFrame | Unanswered, mark: str) -> Drawing | Unanswered:
    """Draw how long each proprietary record stood until an open model matched it.

    Parameters
    ----------
    spells : DataFrame or Unanswered
        As ``lag.spells`` gives.
    mark : str
        ISO date: records set from then on are orange.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(spells, Unanswered):
        return spells
    rows = spells.assign(months=spells.days / MONTH)
    closed = rows[rows.closed]
    title = f"{len(closed)} of {len(rows)} proprietary records have been matched by an open model"
    if len(closed):
        ends = dict.fromkeys(f"{months:.1f}" for months in (closed.months.min(), closed.months.max()))
        title += f", after {' to '.join(ends)} months"
    subtitle = (
        f"Months from a record to the first open model that scores as high; bars: 95% of draws; arrows: not matched "
        f"yet; orange: records set from {mark} on"
    )
    figure, (axis,) = canvas(title, subtitle, 1.1 + 0.23 * len(rows))
    figure.subplots_adjust(right=0.97, bottom=0.9 / figure.get_figheight())
    far = 1.1 * max(rows.months.max(), 1)
    for place, row in enumerate(rows.itertuples()):
        colour = ORANGE if row.set_on >= pd.Timestamp(mark) else BLUE
        axis.plot([0, row.months], [-place, -place], color=LIGHT, linewidth=5, solid_capstyle="butt", zorder=0)
        if row.closed:
            if not np.isnan(row.low_days):
                ends = np.clip([row.low_days / MONTH, row.high_days / MONTH], 0, far)
                axis.plot(ends, [-place, -place], color=colour, linewidth=1.5)
            axis.plot(row.months, -place, "o", color=colour, markersize=5)
            reach = np.nanmax([row.months, min(row.high_days / MONTH, far)])
            axis.text(reach + 0.02 * far, -place, row.matched_by, size=8.5, va="center", color=GREY)
        else:
            axis.plot(row.months, -place, ">", color=colour, markersize=6, markerfacecolor="white")
    labels = [f"{row.record} · {row.set_on:%b %Y}" for row in rows.itertuples()]
    axis.set_yticks(-np.arange(len(rows)), labels, color=BLACK, size=8.5)
    widths, starts = _make_room(figure, axis), np.array([text.get_position()[0] for text in axis.texts])
    edge = max([1.05 * far, *(starts / (1 - widths))])
    axis.set(xlim=(0, edge), ylim=(0.4 - len(rows), 0.6), xlabel="months")
    axis.tick_params(axis="y", left=False)
    axis.spines["left"].set_visible(False)
    told_rows = [
        f"{row.record} {row.months:.1f}{f' ({row.matched_by})' if row.closed else ' and not matched'}"
        for row in rows.itertuples()
    ]
    alt = f"Bars of {len(rows)} records in months: {'; '.join(told_rows)}."
    return Drawing(figure, title, alt, rows)


def survival_curves(curves: pd.DataFrame | Unanswered) -> Drawing | Unanswered:
    """Draw the share of proprietary records not matched yet by time since they were set, one step line a group.

    Parameters
    ----------
    curves : DataFrame or Unanswered
        As ``lag.curves`` gives; the first group is blue, the second orange.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(curves, Unanswered):
        return curves
    groups, colours = list(dict.fromkeys(curves.group)), (BLUE, ORANGE)
    words = []
    for name in groups:
        half = curves.time[(curves.group == name) & (curves.survival <= 0.5 + 1e-12)].min() / MONTH
        words.append(f"{half:.1f} months ({name})" if np.isfinite(half) else f"not reached ({name})")
    title = f"Median time until an open model matched a record: {'; '.join(words)}"
    subtitle = (
        "Kaplan-Meier share of proprietary records that no open model has matched yet, by months since they were set; "
        "95% log-log intervals"
    )
    figure, (axis,) = canvas(title, subtitle, 3.6)
    figure.subplots_adjust(right=0.72, bottom=0.95 / figure.get_figheight())
    heights, labels = [], []
    for name, colour in zip(groups, colours, strict=False):
        rows = curves[curves.group == name]
        times = np.append(rows.time, max(rows.time.iloc[-1], rows.watched.iloc[0])) / MONTH
        axis.step(times, [*rows.survival, rows.survival.iloc[-1]], where="post", color=colour, linewidth=1.8)
        band = rows[rows.low.notna()]
        if len(band):
            ends = [np.append(band[end], band[end].iloc[-1]) for end in ("low", "high")]
            after = rows.time[rows.time > band.time.iloc[-1]]
            edge = after.iloc[0] if len(after) else rows.watched.iloc[0]
            steps = np.append(band.time, edge) / MONTH
            axis.fill_between(steps, *ends, step="post", color=colour, alpha=0.15, linewidth=0)
        heights.append(rows.survival.iloc[-1])
        labels.append(f"records {name}\nn = {rows.records.iloc[0]}, {rows.events.sum()} matched")
    for label, place, colour in zip(labels, kept_apart(np.array(heights), 0.16), colours, strict=False):
        spot = {"xycoords": axis.get_yaxis_transform(), "va": "center", "annotation_clip": False, "linespacing": 1.15}
        axis.annotate(label, (1.02, place), color=colour, size=8.5, **spot)
    axis.axhline(0.5, color=LIGHT, linewidth=0.8, zorder=0)
    axis.set(xlim=(0, None), ylim=(-0.03, 1.03), xlabel="months since the record", ylabel="share not matched")
    sizes = curves.drop_duplicates("group")
    alt = f"Falling step lines. Medians: {'; '.join(words)}; records: "
    alt += ", ".join(f"{row.records} {row.group}" for row in sizes.itertuples()) + "."
    return Drawing(figure, title, alt, curves)


def published_lags(table: pd.DataFrame | Unanswered, low: float, high: float) -> Drawing | Unanswered:
    """Draw our estimates of the lag beside those that others published.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As ``lag.published`` gives.
    low, high : float
        Months that the note named.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(table, Unanswered):
        return table
    parts = []
    for name, rows in (("published estimates", table.value[~table.ours]), ("ours", table.value[table.ours])):
        ends = dict.fromkeys(f"{value:.1f}" for value in (rows.min(), rows.max()) if not np.isnan(value))
        parts += [f"{name} {' to '.join(ends)}"] if ends else []
    title = f"Lag of open models in months: {'; '.join(parts)}"
    subtitle = (
        "Points: estimates; bars: the interval or range that goes with each (its kind is named); "
        f"shaded: the note's {low:.0f} to {high:.0f} months. Measures differ"
    )
    figure, (axis,) = canvas(title, subtitle, 1.05 + 0.4 * len(table))
    figure.subplots_adjust(right=0.97, bottom=0.95 / figure.get_figheight())
    far = 1.08 * np.nanmax([*table.value, *table.high[np.isfinite(table.high)], high])
    axis.axvspan(low, high, color=SKY, alpha=0.2, linewidth=0)
    for place, row in enumerate(table.itertuples()):
        colour = BLUE if row.ours else GREY
        if not np.isnan(row.low):
            axis.plot([row.low, min(row.high, far)], [-place, -place], color=colour, linewidth=1.8)
            if row.high > far:
                axis.plot(far, -place, ">", color=colour, markersize=5, clip_on=False)
        if not np.isnan(row.value):
            axis.plot(row.value, -place, "o", color=colour, markersize=5.5)
    kinds = [f" ({kind})" if kind else "" for kind in table.interval]
    labels = [f"{row.label}\n{row.source}{kind}" for row, kind in zip(table.itertuples(), kinds, strict=True)]
    axis.set_yticks(-np.arange(len(table)), labels, color=BLACK, size=7.5, linespacing=1.1)
    for label, own in zip(axis.get_yticklabels(), table.ours, strict=True):
        label.set_color(BLUE if own else BLACK)
    _make_room(figure, axis)
    axis.set(xlim=(0, far), ylim=(0.5 - len(table), 0.5), xlabel="months")
    axis.tick_params(axis="y", left=False)
    axis.spines["left"].set_visible(False)
    words = [
        f"{row.label}, {row.source}: {number(row.value) if not np.isnan(row.value) else 'range'}"
        + (f" ({number(row.low)} to {number(row.high)})" if not np.isnan(row.low) else "")
        for row in table.itertuples()
    ]
    return Drawing(figure, title, f"Forest plot in months. {'; '.join(words)}.", table)


def _make_room(figure, axis):
    """Move the left edge of an axis so that its longest label fits; give its texts' widths as shares of its own."""
    ruler, whole = Ruler(figure.dpi), figure.bbox.width
    labels, texts = (
        np.array([text.get_window_extent(ruler).width for text in group]) / whole
        for group in (axis.get_yticklabels(), axis.texts)
    )
    figure.subplots_adjust(left=labels.max() + 0.03)
    return texts / axis.get_position().width
