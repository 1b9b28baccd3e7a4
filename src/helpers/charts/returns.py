"""Pictures of returns."""

import numpy as np
import pandas as pd
from matplotlib import dates

from helpers.charts.house import BLACK, BLUE, GREY, LIGHT, Drawing, canvas, kept_apart, signed
from helpers.inference import Unanswered


def group_returns(table: pd.DataFrame, note_groups: list[str]) -> Drawing | Unanswered:
    """Draw returns of groups before and after, ordered by the return after; the note's own groups in blue.

    Parameters
    ----------
    table : DataFrame
        As ``returns.returns_table`` gives, with the periods ``before`` and ``after``.
    note_groups : list of str
        Portfolios that the note's own exhibit shows; the rest is context in grey.

    Returns
    -------
    Drawing or Unanswered
        Unanswered when no return is known yet.
    """
    rows = table.dropna(subset="return_percent")
    if rows.empty:
        return Unanswered("no period of the exhibit is over by the as-of date")
    spread = rows.pivot(index="portfolio", columns="period", values="return_percent").reindex(
        columns=["before", "after"]
    )
    spread = spread.sort_values(["after", "before"], kind="stable")
    note = spread[spread.index.isin(note_groups)]
    if spread.after.notna().any():
        fell = note.after[note.after < 0]
        title = f"{_part(len(fell), len(note))} groups of the note fell after DeepSeek: {_listed(fell)}"
    else:
        rose = note.before[note.before > 0]
        title = f"{_part(len(rose), len(note))} groups of the note were up on the year before DeepSeek: {_listed(rose)}"
    subtitle = "Total return in percent, buy and hold. The note's groups in blue, context in grey"
    figure, axes = canvas(title, subtitle, 1.0 + 0.3 * len(spread), columns=2, sharey=True, sharex=True)
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.25, wspace=0.06, bottom=0.45 / whole, top=figure.subplotpars.top - 0.22 / whole)
    colours = [BLUE if name in note_groups else GREY for name in spread.index]
    spans = table.drop_duplicates("period").set_index("period")
    for axis, period in zip(axes, spread.columns, strict=True):
        values = spread[period]
        axis.barh(spread.index, values.fillna(0), color=colours, height=0.62)
        axis.axvline(0, color=GREY, linewidth=0.8)
        axis.tick_params(left=False, labelbottom=False, bottom=False)
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.set_title(f"{period.capitalize()}: {spans.start[period]} to {spans.end[period]}", loc="left", size=10)
        if values.isna().all():
            axis.text(0, len(values) / 2, " not over yet", size=10, color=GREY)
        for place, value in enumerate(values.dropna()):
            side = "left" if value >= 0 else "right"
            axis.text(value, place, f" {signed(value)} ", ha=side, va="center", size=9, color=colours[place])
    reach = np.nanmax(np.abs(spread.to_numpy()))
    low = min(0.0, np.nanmin(spread.to_numpy()))
    axes[0].set_xlim(low - 0.3 * reach, np.nanmax(spread.to_numpy()) + 0.25 * reach)
    for label, colour in zip(axes[0].get_yticklabels(), colours, strict=True):
        label.set(color=BLACK if colour == BLUE else GREY, size=10)
    told = [f"{name} {signed(row.before)} before, {signed(row.after)} after" for name, row in spread.iterrows()]
    alt = f"Bars of total returns in percent, before and after DeepSeek. {'; '.join(told)}."
    return Drawing(figure, title, alt, rows.drop(columns="found"))


def wealth_drawdown(
    wealths: pd.DataFrame | Unanswered, colours: dict[str, str], pair: tuple[str, str]
) -> Drawing | Unanswered:
    """Draw the wealth of groups since a day, how far each is below its own peak, and one group over another.

    Parameters
    ----------
    wealths : DataFrame or Unanswered
        One row a group and day: portfolio, date, wealth (start = 100), drawdown_percent.
    colours : dict of str to str
        Colour of this module by group; groups without one are left out.
    pair : tuple of str
        Two of the groups: the last panel shows the first over the second.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(wealths, Unanswered):
        return wealths
    wealth, drawdown = (
        wealths.pivot(index="date", columns="portfolio", values=column)[[*colours]]
        for column in ("wealth", "drawdown_percent")
    )
    ratio = 100 * wealth[[pair[0]]].div(wealth[pair[1]], axis=0)
    ends, start, last = wealth.iloc[-1].sort_values(ascending=False, kind="stable"), wealth.index[0], wealth.index[-1]
    told = ", ".join(f"{name} {signed(value - 100)}%" for name, value in ends.items())
    title = f"From {start:%Y-%m-%d} to {last:%Y-%m-%d}: {told}"
    subtitle = "Top: wealth, buy and hold, start = 100. Middle: percent below its own peak since. Bottom: " + (
        f"{pair[0]} over {pair[1]}, start = 100"
    )
    shares = [3, 1.7, 1.3]
    figure, axes = canvas(title, subtitle, 6.6, rows=3, sharex=True, height_ratios=shares)
    figure.subplots_adjust(right=0.78, hspace=0.12, bottom=0.75 / figure.get_figheight())
    for axis, table, share in zip(axes, (wealth, drawdown, ratio), shares, strict=True):
        for name in table:
            axis.plot(table.index, table[name], color=BLACK if table is ratio else colours[name], linewidth=1.4)
        low, high = axis.get_ylim()
        ends = table.iloc[-1]
        heights = pd.Series(kept_apart(ends.to_numpy(), 0.25 * (high - low) / share), index=ends.index)
        for name, height in heights.items():
            value = table[name].iloc[-1]
            told_value = f"{value:.0f}"
            if table is drawdown:
                told_value = f"{signed(value)}%" if value < -0.05 else "0"
            words, own = ("ratio", BLACK) if table is ratio else (name, colours[name])
            options = {"transform": axis.get_yaxis_transform(), "size": 9, "color": own, "va": "center"}
            axis.text(1.015, height, f"{words}: {told_value}", **options)
        axis.axhline(0 if table is drawdown else 100, color=LIGHT, linewidth=0.8, zorder=0)
        axis.set(ylim=(min(low, min(heights)), max(high, max(heights))), xlim=(start, last))
    axes[0].set_ylabel("wealth")
    axes[1].set_ylabel("drawdown, %")
    axes[2].set_ylabel("ratio")
    locator = dates.AutoDateLocator(maxticks=9)
    axes[2].xaxis.set_major_locator(locator)
    short = (last - start).days < 100
    form = dates.DateFormatter("%-d %b") if short else dates.ConciseDateFormatter(locator, show_offset=False)
    axes[2].xaxis.set_major_formatter(form)
    deepest = ", ".join(f"{name} {signed(value)}%" for name, value in drawdown.min().items())
    alt = f"Lines of wealth: {told}. Deepest fall below an own peak: {deepest}. {pair[0]} over {pair[1]}: "
    alt += f"{signed(ratio.iloc[-1, 0] - 100)}%."
    return Drawing(figure, title, alt, wealths[wealths.portfolio.isin(colours)])


def _part(part, whole):
    return f"All {whole}" if part == whole else f"{part} of {whole}"


def _listed(values):
    return ", ".join(f"{name} {signed(value)}%" for name, value in values.items())
