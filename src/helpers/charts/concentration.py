"""Pictures of shares, effective numbers and contributions."""

import numpy as np
import pandas as pd

from helpers.charts.house import BLACK, BLUE, GREY, LIGHT, ORANGE, SKY, Drawing, canvas, date_axis, kept_apart, signed
from helpers.inference import Unanswered

SHARE_METHODS = {
    "members_full_cap": ("full cap over that of all members", "s"),
    "published_total_full_cap": ("full cap over S&P's printed total", "D"),
    "published_by_others": ("printed by others", "x"),
}


def index_shares(official: pd.Series, carried: pd.Series, others: pd.DataFrame, group: str) -> Drawing | Unanswered:
    """Draw the share of a group in an index over time, official weights as points, other methods as context.

    Parameters
    ----------
    official : Series
        Percent by date, from official weights.
    carried : Series
        Percent by trading day, the official ones carried on by returns; a thin line.
    others : DataFrame
        As ``concentration.gaps`` gives: date, method, share_percent, gap_points.
    group : str
        Name to print.

    Returns
    -------
    Drawing or Unanswered
        Unanswered when no official share is known yet.
    """
    if official.empty:
        return Unanswered("no official weights are known yet")
    ends = official.iloc[[0, -1]]
    title = f"The {group} made up {ends.iloc[-1]:.1f}% of the S&P 500 on {ends.index[-1]:%Y-%m-%d}"
    if len(official) > 1:
        title += f", {ends.iloc[0]:.1f}% on {ends.index[0]:%Y-%m-%d}"
    # of a group that changes nothing else is known
    alone = others.empty and carried.empty
    subtitle = "Blue points: official fund weights, percent"
    if not alone:
        subtitle += (
            "; thin line: carried on by returns. Grey: other methods, "
            "and below how far each lies from the thin line on the same day"
        )
    figure, (axis, *strips) = canvas(
        title, subtitle, 4.2 if alone else 5.9, rows=2 - alone, height_ratios=[3.2, 1][: 2 - alone]
    )
    if not alone:
        figure.subplots_adjust(left=0.3, hspace=0.32, bottom=1.15 / figure.get_figheight())
        axis.set_position([0.09, axis.get_position().y0, 0.88, axis.get_position().height])
    axis.plot(carried.index, carried, color=SKY, linewidth=0.9, zorder=1)
    axis.plot(official.index, official, "o", color=BLUE, markersize=6, zorder=3)
    for date, value in ends.items():
        spot = {"textcoords": "offset points", "ha": "center", "va": "top", "size": 9, "weight": "semibold"}
        back = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5}
        axis.annotate(f"{value:.1f}", (date, value), (0, -8), color=BLUE, bbox=back, zorder=4, **spot)
    for place, (method, (name, mark)) in enumerate(SHARE_METHODS.items()):
        rows = others[others.method == method]
        style = {"marker": mark, "color": GREY, "markerfacecolor": "none", "markersize": 5, "linestyle": "none"}
        axis.plot(rows.date, rows.share_percent, zorder=2, **style)
        for strip in strips:
            strip.plot(rows.gap_points, np.full(len(rows), -place), **style)
            strip.text(-0.4, -place, name, transform=strip.get_yaxis_transform(), ha="left", va="center", size=9)
            strip.plot(-0.42, -place, transform=strip.get_yaxis_transform(), clip_on=False, **style)
    axis.set(ylabel="percent of the index")
    axis.margins(x=0.06, y=0.12)
    for strip in strips:
        strip.axvline(0, color=BLUE, linewidth=1)
        strip.set(ylim=(0.6 - len(SHARE_METHODS), 0.6), yticks=[], xlabel="percentage points above the official share")
        strip.spines["left"].set_visible(False)
        if others.gap_points.isna().all():
            strip.set_xlim(-1, 1)
            strip.text(0.02, 0, "no same-day comparison", color=GREY, size=9)
    told = [f"{date:%Y-%m-%d} {value:.1f}" for date, value in official.items()]
    spans = others.dropna(subset="gap_points").groupby("method", sort=False).gap_points.agg(["min", "max", "size"])
    far = [
        f"{SHARE_METHODS[row.Index][0]} {signed(row.min)} to {signed(row.max)} points (n = {row.size})"
        for row in spans.itertuples()
    ]
    alt = f"Points of the share in percent: {'; '.join(told)}. Other methods less official, same day: "
    points = [official.rename("share_percent").rename_axis("date").reset_index().assign(method="official_weights")]
    points = pd.concat([*points, others[["date", "method", "share_percent", "gap_points"]]], ignore_index=True)
    return Drawing(figure, title, f"{alt}{'; '.join(far) or 'none yet, of 0'}.", points)


def effective_numbers(firms: pd.DataFrame, lines: pd.DataFrame) -> Drawing:
    """Draw the effective number of firms over time, by three orders of Hill's family.

    Parameters
    ----------
    firms, lines : DataFrame
        As ``concentration.measures`` gives, with share classes added up and with every line alone; drawn in blue and,
        for the Herfindahl order, in grey.

    Returns
    -------
    Drawing
    """
    first, last = firms.iloc[0], firms.iloc[-1]
    title = f"On {last.date:%Y-%m-%d} the S&P 500 was as concentrated as {last.effective_number:.0f} equal firms"
    if len(firms) > 1:
        title += f" ({first.date:%Y-%m-%d}: {first.effective_number:.0f})"
    subtitle = "Effective number of firms, official fund weights, share classes added up; each panel has its own scale"
    orders = {
        "effective_number": "Order 2: inverse of Herfindahl",
        "order_1": "Order 1: exponential of entropy",
        "order_inf": "Order ∞: inverse of the largest",
    }
    figure, axes = canvas(title, subtitle, 3.6, columns=3)
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.05, wspace=0.24, top=figure.subplotpars.top - 0.25 / whole, bottom=0.75 / whole)
    for axis, (column, name) in zip(axes, orders.items(), strict=True):
        spot = {"textcoords": "offset points", "va": "center"}
        if column == "effective_number":
            axis.plot(lines.date, lines[column], "o", color=GREY, markerfacecolor="none", markersize=4)
            label = (lines.date.iloc[0], lines[column].iloc[0])
            axis.annotate("each share class alone", label, (7, 0), color=GREY, size=8.5, **spot)
        axis.plot(firms.date, firms[column], "o", color=BLUE, markersize=5)
        for row in (first, last):
            axis.annotate(f"{row[column]:.1f}", (row.date, row[column]), (7, 0), color=BLUE, size=9, **spot)
        axis.set_title(name, loc="left", size=9.5)
        date_axis(axis, first.date, last.date, 5)
        axis.margins(x=0.25, y=0.1)
    told = [
        f"{row.date:%Y-%m-%d} {row.effective_number:.1f}, {row.order_1:.0f} and {row.order_inf:.1f}"
        for row in firms.itertuples()
    ]
    alt = f"Points of the effective number of firms of order 2, 1 and infinity: {'; '.join(told)}."
    points = pd.concat([firms.assign(rule="firm"), lines.assign(rule="line")], ignore_index=True)
    return Drawing(figure, title, alt, points)


def return_contributions(periods: dict, names: dict, group: str) -> Drawing | Unanswered:
    """Draw how firms add up to the return of an index, as a waterfall for each period.

    Parameters
    ----------
    periods : dict of str to (DataFrame or Unanswered)
        As ``concentration.contributions`` gives, by the name of the period; those not answered are left out.
    names : dict of str to str
        Firm's name by its symbol; the firms not named here are the rest of the index.
    group : str
        Name of the named firms together.

    Returns
    -------
    Drawing or Unanswered
        Unanswered when no period is.
    """
    answered = {name: parts for name, parts in periods.items() if isinstance(parts, pd.DataFrame)}
    if not answered:
        return next(iter(periods.values()))
    own = {n: parts[parts.firm.isin(list(names))].contribution_points.sum() for n, parts in answered.items()}
    totals = {name: parts.contribution_points.sum() for name, parts in answered.items()}
    shares = [
        f"{100 * own[n] / totals[n]:.0f}% in {n}"
        if totals[n] > 0
        else f"{signed(own[n])} of {signed(totals[n])} points in {n}"
        for n in answered
    ]
    title = f"Of the S&P 500's return the {group} made {' and '.join(shares)}"
    subtitle = (
        "Contribution to the total return in percentage points, from the largest firm down to the whole index. "
        "Orange: took away from it; light: all other firms"
    )
    figure, axes = canvas(title, subtitle, 3.5, columns=len(answered), sharex=True)
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.12, wspace=0.34, top=figure.subplotpars.top - 0.25 / whole, bottom=0.45 / whole)
    points = []
    for axis, (name, parts) in zip(axes, answered.items(), strict=True):
        firms = parts[parts.firm.isin(list(names))].sort_values("contribution_points", ascending=False, kind="stable")
        rows = pd.concat([firms, parts[~parts.firm.isin(list(names))]])
        sizes = [*rows.contribution_points, totals[name]]
        starts = [*(np.cumsum(rows.contribution_points) - rows.contribution_points), 0.0]
        labels = [*rows.firm.replace(names), "S&P 500"]
        colours = [BLUE if size >= 0 else ORANGE for size in sizes[:-2]] + [LIGHT, GREY]
        axis.barh(range(len(sizes)), sizes, left=starts, color=colours, height=0.66, linewidth=0)
        for place, (size, start) in enumerate(zip(sizes, starts, strict=True)):
            axis.text(max(start, start + size), place, f" {signed(size)}", va="center", size=9)
        axis.axvline(0, color=GREY, linewidth=0.8)
        axis.set_yticks(range(len(labels)), labels, color=BLACK, size=9.5)
        axis.invert_yaxis()
        axis.set_title(f"{name}: {parts.attrs['start']} to {parts.attrs['end']}", loc="left", size=10)
        axis.tick_params(left=False, bottom=False, labelbottom=False)
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.margins(x=0.16)
        cells = {"period": name, "firm": labels, "contribution_points": sizes, "from_points": starts}
        points.append(pd.DataFrame(cells))
    told = [
        f"{name}: " + ", ".join(f"{row.firm} {signed(row.contribution_points)}" for row in table.itertuples())
        for name, table in zip(answered, points, strict=True)
    ]
    alt = f"Waterfalls of percentage points. {'. '.join(told)}."
    return Drawing(figure, title, alt, pd.concat(points, ignore_index=True))


def rebased_paths(panels: dict, colours: dict, marked: str, mark: str) -> Drawing | Unanswered:
    """Draw the value of portfolios since each of some base days.

    Parameters
    ----------
    panels : dict of str to (DataFrame or Unanswered)
        As ``concentration.rebased`` gives, by base day; those not answered are left out. The last one makes the title.
    colours : dict of str to str
        Colour by portfolio; the order of the labels.
    marked, mark : str
        Day to mark, ISO, and what it is.

    Returns
    -------
    Drawing or Unanswered
        Unanswered when no panel is.
    """
    answered = {base: table for base, table in panels.items() if isinstance(table, pd.DataFrame)}
    if not answered:
        return next(iter(panels.values()))
    ends = {b: table.groupby("portfolio").value.last().reindex(list(colours)).dropna() for b, table in answered.items()}
    last = {base: f"{table.date.max():%Y-%m-%d}" for base, table in answered.items()}
    told = {b: ", ".join(f"{n} {signed(v - 100)}%" for n, v in ends[b].items()) for b in answered}
    *_, base = answered
    title = f"Since {base}: {told[base]}"
    subtitle = f"Value of 100 invested at the close of a panel's first day, dividends reinvested, to {last[base]}; "
    subtitle += "own scales"
    figure, axes = canvas(title, subtitle, 3.9, columns=len(answered))
    whole = figure.get_figheight()
    figure.subplots_adjust(
        left=0.06, right=0.83, wspace=0.55, top=figure.subplotpars.top - 0.25 / whole, bottom=0.75 / whole
    )
    for axis, (base, table) in zip(axes, answered.items(), strict=True):
        axis.axhline(100, color=LIGHT, linewidth=0.8, zorder=0)
        for name in reversed(list(ends[base].index)):
            rows = table[table.portfolio == name]
            axis.plot(rows.date, rows.value, color=colours[name], linewidth=1.5)
        axis.set_title(f"{base} = 100", loc="left", size=10)
        date_axis(axis, table.date.min(), table.date.max(), 4)
        axis.margins(x=0.02, y=0.1)
        low, high = axis.get_ylim()
        places = kept_apart(ends[base].to_numpy(), 0.11 * (high - low))
        for (name, value), place in zip(ends[base].items(), places, strict=True):
            text = f"{name}\n{value:.1f}"
            spot = {
                "xycoords": axis.get_yaxis_transform(),
                "va": "center",
                "annotation_clip": False,
                "linespacing": 1.1,
            }
            axis.annotate(text, (1.02, place), color=colours[name], size=8.5, **spot)
        day, first, final = pd.Timestamp(marked), table.date.min(), table.date.max()
        if first <= day <= final:
            axis.axvline(day, color=BLACK, linewidth=0.8, linestyle=(0, (2, 2)))
            side = "left" if day - first < final - day else "right"
            axis.text(day, 0.01, f" {mark} ", size=8.5, ha=side, transform=axis.get_xaxis_transform())
    alt = "Lines of the value of 100. " + ". ".join(f"From {b} to {last[b]}: {told[b]}" for b in answered) + "."
    points = pd.concat([table.assign(base=base) for base, table in answered.items()], ignore_index=True)
    return Drawing(figure, title, alt, points)
