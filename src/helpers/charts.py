"""Charts and tables in the house style, and the only place that writes them."""

import hashlib
import html
import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib import dates, font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from helpers import paths
from helpers.inference import Estimate, Unanswered, number, numbers

# Okabe and Ito's colours, safe for colour-blind readers
BLUE, ORANGE, GREEN, SKY, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#1A1A1A"
GREY, LIGHT = "#767676", "#D9D9D9"
COLOURS = {"OpenAI": ORANGE, "DeepSeek": BLUE, "Google": GREEN}
WIDTH = 8.0


@dataclass(frozen=True)
class Drawing:
    """A figure with the words that go with it.

    Parameters
    ----------
    figure : matplotlib Figure
    title : str
        The finding, with its number.
    alt : str
        One or two sentences for who cannot see the figure; they hold its numbers.
    points : DataFrame
        What is drawn, one row a mark.
    """

    figure: Figure
    title: str
    alt: str
    points: pd.DataFrame


def set_style() -> None:
    """Set the house style: bundled font, fixed size, no marks of software or time."""
    for file in sorted((Path(__file__).parent / "fonts").glob("*.ttf")):
        font_manager.fontManager.addfont(file)
    sns.set_theme(
        style="ticks",
        font="IBM Plex Sans",
        rc={
            "font.size": 10,
            "axes.labelsize": 10,
            "axes.labelcolor": GREY,
            "axes.edgecolor": LIGHT,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "text.color": BLACK,
            "text.parse_math": False,
            "figure.dpi": 100,
            "savefig.dpi": 200,
            "svg.fonttype": "path",
            "svg.hashsalt": "ai-after-deepseek",
        },
    )


def canvas(
    title: str, subtitle: str, height: float, rows: int = 1, columns: int = 1, **options
) -> tuple[Figure, np.ndarray]:
    """Make a figure of the house's width, its title and subtitle written, with room for the source line.

    Parameters
    ----------
    title, subtitle : str
        As in `Drawing`; a title has at most two lines.
    height : float
        Inches for everything below the title.
    rows, columns : int
        Panels below each other and side by side.
    **options
        Passed on to ``Figure.subplots``.

    Returns
    -------
    tuple of Figure and array of Axes, shape (rows * columns,)
    """
    lines, under = textwrap.wrap(title, 82), textwrap.wrap(subtitle, 112)
    if not 1 <= len(lines) <= 2 or not 1 <= len(under) <= 2:
        raise ValueError(f"title and subtitle have one or two lines each: {title!r}, {subtitle!r}")
    head = 0.2 + 0.25 * len(lines)
    top = head + 0.2 * len(under) + 0.15
    figure = Figure(figsize=(WIDTH, height + top))
    whole = figure.get_figheight()
    figure.text(0.015, 1 - 0.14 / whole, "\n".join(lines), weight="semibold", size=13, va="top", linespacing=1.25)
    figure.text(0.015, 1 - head / whole, "\n".join(under), size=10, color=GREY, va="top", linespacing=1.3)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    figure.subplots_adjust(left=0.09, right=0.97, top=1 - top / whole, bottom=0.95 / whole)
    return figure, axes


def publish(here: Path, slug: str, drawing: Drawing | Unanswered, sources: list[pd.DataFrame] | str) -> None:
    """Write a figure as PNG, SVG and CSV of its points, and show it with its alt sentence.

    Parameters
    ----------
    here : Path
        Folder of the notebook, from ``paths.here``.
    slug : str
        File name without ending: the notebook's word, then what is drawn.
    drawing : Drawing or Unanswered
        An unanswered question is told in words.
    sources : list of DataFrame, or str
        Tables that ``data.load`` gave, whose producers stand in the source line; or the source in words.

    Raises
    ------
    ValueError
        If the alt sentence is missing or holds no number, the title is empty, or there is no point.
    """
    if isinstance(drawing, Unanswered):
        print(f"No figure: {drawing.reason}.")
        return
    if not drawing.title or not any(sign.isdigit() for sign in drawing.alt):
        raise ValueError(f"figure {slug} needs a title, and an alt sentence that holds its numbers")
    if drawing.points.empty:
        raise ValueError(f"figure {slug} has no point")
    figure, source = drawing.figure, _source_line(sources)
    low = 0.09 / figure.get_figheight()
    figure.text(0.015, low, textwrap.fill(source, 165), size=7.5, color=GREY, va="bottom", linespacing=1.3)
    figure.savefig(here / f"{slug}.svg", metadata={"Date": None, "Creator": None})
    figure.savefig(here / f"{slug}.png", metadata={"Software": None})
    digest = _write_csv(here / f"{slug}.csv", drawing.points)
    words = f"{drawing.title}\n{drawing.alt}\n{len(drawing.points)} points, digest {digest}"
    exhibit = {"kind": "figure", "slug": slug, "title": drawing.title, "alt": drawing.alt, "source": source}
    content = {"image/png": (here / f"{slug}.png").read_bytes(), "text/plain": words}
    display(content, raw=True, metadata={"exhibit": exhibit})


def publish_table(here: Path, slug: str, table: pd.DataFrame, caption: str, columns: list[str] | None = None) -> None:
    """Write a table as CSV in full digits, and show it plainly.

    Parameters
    ----------
    here, slug
        As for `publish`.
    table : DataFrame or Unanswered
        Plain columns; numbers are shown as prose, everything else as text. An unanswered question is told in words.
    caption : str
        What one row is.
    columns : list of str, optional
        Columns to show, where the table has more than a page can hold; the CSV has all.

    Raises
    ------
    ValueError
        If the table is empty or the caption is missing.
    """
    if isinstance(table, Unanswered):
        print(f"No table: {table.reason}.")
        return
    if table.empty or not caption:
        raise ValueError(f"table {slug} needs rows and a caption")
    digest = _write_csv(here / f"{slug}.csv", table)
    shown = pd.DataFrame({name: [_cell(value) for value in table[name]] for name in columns or table})
    head = "".join(f'<th scope="col">{html.escape(str(name))}</th>' for name in shown)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(value)}</td>" for value in row) + "</tr>"
        for row in shown.itertuples(index=False)
    )
    page = (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    words = f"{caption}\n{shown.to_string(index=False)}\n{len(table)} rows, digest {digest}"
    exhibit = {"kind": "table", "slug": slug, "caption": caption}
    display({"text/html": page, "text/plain": words}, raw=True, metadata={"exhibit": exhibit})


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
            axis.text(value, place, f" {_signed(value)} ", ha=side, va="center", size=9, color=colours[place])
    reach = np.nanmax(np.abs(spread.to_numpy()))
    low = min(0.0, np.nanmin(spread.to_numpy()))
    axes[0].set_xlim(low - 0.3 * reach, np.nanmax(spread.to_numpy()) + 0.25 * reach)
    for label, colour in zip(axes[0].get_yticklabels(), colours, strict=True):
        label.set(color=BLACK if colour == BLUE else GREY, size=10)
    told = [f"{name} {_signed(row.before)} before, {_signed(row.after)} after" for name, row in spread.iterrows()]
    alt = f"Bars of total returns in percent, before and after DeepSeek. {'; '.join(told)}."
    return Drawing(figure, title, alt, rows.drop(columns="found"))


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
    low, high = _signed(event.low), _signed(event.high)
    title = f"On {day} the mean abnormal return of {what} was {_signed(event.value)}% (95% interval {low} to {high})"
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
    axis.set_xticks(places, [f"{table.date.iloc[place]:%-d %b}" for place in places])
    apart = table[(table.low > 0) | (table.high < 0)]
    told = "; ".join(f"{row.date:%Y-%m-%d} {_interval(row)}" for row in apart.itertuples()) or "none"
    alt = (
        f"Points with intervals for {len(table)} trading days. Mean abnormal return on {day}: {_signed(event.value)}% "
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
    lower = int((placebos <= found.value).sum())
    worst, worst_day = placebos.min(), placebos.idxmin()
    title = (
        f"{lower or 'None'} of {len(placebos)} earlier days had {what} as low as {day}: "
        f"{_signed(found.value)}% against {_signed(worst)}% at worst"
    )
    subtitle = (
        "Days by mean abnormal return in percent, each with a model estimated on the days before it. Blue: the event"
    )
    figure, (axis,) = canvas(title, subtitle, 3.2)
    low, high = np.floor(min(found.value, worst)), np.ceil(placebos.max())
    counts, _, _ = axis.hist(placebos, bins=np.arange(low, high + 0.5, 0.5), color=LIGHT, edgecolor="white")
    axis.vlines(found.value, 0, 0.55 * counts.max(), color=BLUE, linewidth=2.5)
    words = f"{day}\n{_signed(found.value)}%"
    axis.text(found.value, 0.58 * counts.max(), words, color=BLUE, size=10, weight="semibold", ha="center", va="bottom")
    axis.annotate(
        f"worst earlier day\n{worst_day:%Y-%m-%d}, {_signed(worst)}%", (worst, 1.2), xytext=(0, 26),
        textcoords="offset points", ha="center", size=9, color=GREY, arrowprops={"arrowstyle": "-", "color": LIGHT},
    )  # fmt: skip
    axis.set(xlabel="mean abnormal return, percent", ylabel="days", xlim=(low - 1.5, high + 0.5))
    quantiles = np.quantile(placebos, [0.025, 0.5, 0.975])
    spread = ", ".join(_signed(value) for value in quantiles)
    alt = (
        f"Histogram of {len(placebos)} days, 2.5%, 50% and 97.5% quantiles {spread}; {day} at {_signed(found.value)}%."
    )
    points = placebos.rename("value").rename_axis("date").reset_index().assign(event=False)
    event = pd.DataFrame({"date": [pd.Timestamp(day)], "value": [found.value], "event": [True]})
    return Drawing(figure, title, alt, pd.concat([points, event], ignore_index=True))


def specification_curve(table: pd.DataFrame | Unanswered, choices: list[str], what: str) -> Drawing | Unanswered:
    """Draw estimates of all specifications in order, above a matrix of dots that tells which choices each made.

    Simonsohn, Simmons and Nelson (2020, doi 10.1038/s41562-020-0912-z). The headline is blue; an interval that holds
    zero is orange.

    Parameters
    ----------
    table : DataFrame or Unanswered
        One row a specification, in the order to draw: a column each choice, value, low, high (percent), headline.
    choices : list of str
        Columns of the choices, from top to bottom.
    what : str
        What is measured, for the title.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(table, Unanswered):
        return table
    n, below = len(table), int((table.value < 0).sum())
    apart = int(((table.low > 0) | (table.high < 0)).sum())
    title = (
        f"{what} is below zero in {'all' if below == n else f'{below} of'} {n} specifications, "
        f"{_signed(table.value.min())}% to {_signed(table.value.max())}%; {apart} intervals leave out zero"
    )
    subtitle = (
        "Estimates in order, in percent, with 95% intervals; dots: the choices made. "
        "Blue: the headline; orange: others whose interval holds zero"
    )
    lines = [(name, level) for name in choices for level in dict.fromkeys(sorted(table[name], key=_natural))]
    height = 0.2 * len(lines) + 0.1 * len(choices)
    figure, (axis, matrix) = canvas(
        title, subtitle, 2.6 + height + 0.7, rows=2, sharex=True, height_ratios=[2.6, height]
    )
    whole = figure.get_figheight()
    figure.subplots_adjust(left=0.27, hspace=0.04, bottom=0.45 / whole, top=figure.subplotpars.top - 0.12 / whole)
    holds = (table.low <= 0) & (table.high >= 0)
    colours = np.select([table.headline, holds], [BLUE, ORANGE], GREY)
    places = np.arange(n)
    axis.vlines(places, table.low, table.high, colors=list(colours), linewidth=1.6, alpha=0.7)
    axis.scatter(places, table.value, color=list(colours), s=np.where(table.headline, 46, 14), zorder=2)
    axis.axhline(0, color=GREY, linewidth=0.8)
    axis.set_ylabel("percent")
    (own,) = np.flatnonzero(table.headline)
    options = {"transform": axis.get_xaxis_transform(), "color": BLUE, "size": 9, "ha": "center"}
    axis.text(own, 1.01, f"headline {_signed(table.value[own])}", **options)
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
    median = _signed(table.value.median())
    head = table.iloc[own]
    alt = (
        f"Specification curve of {n} estimates from {_signed(table.value.min())} to {_signed(table.value.max())} "
        f"percent, median {median}; headline {_interval(head)} ({', '.join(head[choices])}); "
        f"{apart} of {n} intervals leave out zero."
    )
    return Drawing(figure, title, alt, table)


def _natural(text):
    """Key that orders words with numbers in them by the numbers."""
    digits = "".join(sign for sign in text if sign.isdigit())
    return (int(digits), text) if digits else (10**9, text)


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
    ends, start, last = wealth.iloc[-1].sort_values(ascending=False), wealth.index[0], wealth.index[-1]
    told = ", ".join(f"{name} {_signed(value - 100)}%" for name, value in ends.items())
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
        heights = _apart(table.iloc[-1], 0.25 * (high - low) / share)
        for name, height in heights.items():
            value = table[name].iloc[-1]
            told_value = f"{value:.0f}"
            if table is drawdown:
                told_value = f"{_signed(value)}%" if value < -0.05 else "0"
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
    deepest = ", ".join(f"{name} {_signed(value)}%" for name, value in drawdown.min().items())
    alt = f"Lines of wealth: {told}. Deepest fall below an own peak: {deepest}. {pair[0]} over {pair[1]}: "
    alt += f"{_signed(ratio.iloc[-1, 0] - 100)}%."
    return Drawing(figure, title, alt, wealths[wealths.portfolio.isin(colours)])


def _apart(values, gap):
    """Heights of labels at the ends of lines: near their values, in their order, at least a gap apart."""
    order = values.sort_values(kind="stable")
    heights = order.to_numpy().copy()
    for _ in range(200):
        short = np.clip(gap - np.diff(heights), 0, None) / 2
        heights[:-1] -= short
        heights[1:] += short
    return pd.Series(heights, index=order.index)


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
    title += f"{len(turned)} of {len(answered)} claims are disputed" + (f": {turned[0]}" if len(turned) == 1 else "")
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
    told = [f"{row.claim}, {row.specification}: {_interval(row)}" for row in points.itertuples()]
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
    margin = 0.14 * ((max(reach) - min(reach)) or 1)
    left, right = min(reach) - margin, max(reach) + margin
    axis.axvspan(max(claim.low, left), min(claim.high, right), color=SKY, alpha=0.2, linewidth=0)
    marks = {"inside": ("o", BLUE), "outside": ("X", ORANGE), "across an edge": ("D", GREY)}
    for place, row in enumerate(points.itertuples()):
        mark, colour = marks[row.position]
        axis.plot(np.clip([row.low, row.high], left, right), [-place, -place], color=colour, linewidth=1.6)
        axis.plot(row.value, -place, mark, color=colour, markersize=6 if place == 0 else 4.5)
    axis.set(xlim=(left, right), ylim=(0.4 - len(points), 0.6))
    axis.set_yticks(-np.arange(len(points)), points.specification, color=BLACK)
    axis.set_title(f"{claim.claim} ({claim.unit})", loc="left", x=-0.57, size=9.5, weight="semibold", pad=4)
    axis.get_yticklabels()[0].set_weight("semibold")
    axis.tick_params(axis="y", left=False, labelsize=8.5)
    axis.tick_params(axis="x", labelsize=8, length=2, pad=1)
    axis.spines["left"].set_visible(False)


def _interval(row):
    value, low, high = numbers(row.value, row.low, row.high)
    return f"{value} ({low} to {high})" if row.low < row.high else value


def coverage(reach: pd.DataFrame, as_of: str) -> Drawing:
    """Draw from when to when the rows of each table became known, up to the as-of date.

    Parameters
    ----------
    reach : DataFrame
        As ``data.reach`` gives: index table; kind, rows, first, last.
    as_of : str
        ISO date.

    Returns
    -------
    Drawing
    """
    day, start = pd.Timestamp(as_of), pd.Timestamp("2020-01-01")
    dated = reach[reach.kind != "definition"].sort_values(["first", "last"], kind="stable", ascending=False)
    silent = int(dated["first"].isna().sum())
    title = f"On {as_of}, {len(dated) - silent} of {len(dated)} dated tables had rows, {dated.rows.sum():,} in all"
    subtitle = "Days on which the rows of each table became known; a table that begins before 2020 is cut there"
    figure, (axis,) = canvas(title, subtitle, 1.2 + 0.2 * len(dated))
    figure.subplots_adjust(left=0.26)
    for place, row in enumerate(dated.itertuples()):
        if row.rows == 0:
            axis.text(start, place, "nothing known yet", color=GREY, size=8.5, va="center")
            continue
        begin, end = max(row.first, start), max(row.last, start)
        axis.plot([begin, end], [place, place], color=BLUE, linewidth=5, solid_capstyle="butt")
        axis.plot(end, place, "|", markersize=8, markeredgewidth=2, color=BLUE)
    axis.axvline(day, color=ORANGE, linewidth=1)
    axis.text(day, len(dated) - 0.1, f"{as_of} ", color=ORANGE, size=9, ha="right", va="center")
    axis.set_yticks(np.arange(len(dated)), dated.index, color=BLACK, size=9)
    axis.set(xlim=(start - pd.Timedelta(days=40), day + pd.Timedelta(days=60)), ylim=(-0.8, len(dated) + 0.3))
    axis.tick_params(axis="y", left=False)
    axis.spines["left"].set_visible(False)
    known = dated[dated.rows > 0]
    told = [f"{name} {row['first']:%Y-%m-%d} to {row['last']:%Y-%m-%d}" for name, row in known.iterrows()]
    return Drawing(figure, title, f"Timeline of {len(dated)} tables. {'; '.join(told)}.", dated.reset_index())


def verdict_counts(verdicts: pd.DataFrame) -> Drawing:
    """Draw how many claims have each verdict, robust and not.

    Parameters
    ----------
    verdicts : DataFrame
        One row a claim: verdict, robust.

    Returns
    -------
    Drawing
    """
    words = ["not examined", "not checkable", "cannot be asked yet", "not yet due", "fails", "cannot tell", "holds"]
    order = [word for word in words if (verdicts.verdict == word).any()]
    sure = verdicts[verdicts.robust != "no"].verdict.value_counts().reindex(order, fill_value=0)
    frail = verdicts[verdicts.robust == "no"].verdict.value_counts().reindex(order, fill_value=0)
    judged = verdicts[verdicts.verdict.isin(words[-3:])]
    holding = judged[judged.verdict == "holds"]
    sturdy = int((holding.robust == "yes").sum())
    title = f"{len(holding)} of {len(judged)} claims judged so far hold, {sturdy} of them under every alternative asked"
    title = title if len(judged) else f"None of {len(verdicts)} claims can be judged yet"
    subtitle = "Claims of the note by verdict. Blue: robust or untested; orange: not robust; grey: not judged"
    figure, (axis,) = canvas(title, subtitle, 0.7 + 0.34 * len(order))
    figure.subplots_adjust(left=0.22, bottom=0.45 / figure.get_figheight())
    axis.barh(order, sure, color=[BLUE if word in words[-3:] else LIGHT for word in order], height=0.6)
    axis.barh(order, frail, left=sure, color=ORANGE, height=0.6)
    for place, (solid, weak) in enumerate(zip(sure, frail, strict=True)):
        told = f" {solid + weak}" + (f", {weak} not robust" if weak else "")
        axis.text(solid + weak, place, told, va="center", size=9)
    axis.set_xlim(0, 1.25 * (sure + frail).max())
    axis.tick_params(left=False, bottom=False, labelbottom=False)
    axis.tick_params(axis="y", labelcolor=BLACK, labelsize=10)
    axis.spines[["left", "bottom"]].set_visible(False)
    points = pd.DataFrame({"verdict": order, "robust_or_untested": sure.to_numpy(), "not_robust": frail.to_numpy()})
    told = [f"{row.verdict} {row.robust_or_untested + row.not_robust}" for row in points.itertuples()]
    return Drawing(figure, title, f"Bars of the number of claims by verdict: {'; '.join(told)}.", points)


def price_score(models: pd.DataFrame | Unanswered, board: str) -> Drawing | Unanswered:
    """Draw output price against Arena score, with the Pareto frontier and the note's three developers in colour.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, name, developer, open_weights, output_usd_per_mtok, score, error, on_frontier and
        probability (of being on it).
    board : str
        Which board and which prices, for the subtitle.

    Returns
    -------
    Drawing or Unanswered
    """
    if isinstance(models, Unanswered):
        return models
    models = models.sort_values(["output_usd_per_mtok", "score"], kind="stable").reset_index(drop=True)
    edge = models[models.on_frontier]
    cheapest, best = edge.iloc[0], edge.iloc[-1]
    title = (
        f"{len(edge)} of {len(models)} models are on the frontier by their point scores, from {cheapest['name']} "
        f"at {_usd(cheapest.output_usd_per_mtok)} to {best['name']} at {_usd(best.output_usd_per_mtok)}"
    )
    subtitle = (
        f"{board}. Squares: proprietary; circles: open weights; bars: score ± 1.96 standard errors. "
        "Line and bold names: the frontier"
    )
    figure, (axis,) = canvas(title, subtitle, 6.9)
    axis.step(edge.output_usd_per_mtok, edge.score, where="post", color=BLACK, linewidth=1, zorder=1)
    colours = models.developer.map(COLOURS).fillna(GREY)
    bars = {"fmt": "none", "ecolor": LIGHT, "elinewidth": 2, "zorder": 0}
    axis.errorbar(models.output_usd_per_mtok, models.score, yerr=1.96 * models.error, **bars)
    for opened, marker in ((True, "o"), (False, "s")):
        rows, colour = models[models.open_weights == opened], colours[models.open_weights == opened]
        fill = "white" if opened else list(colour)
        marks = {"marker": marker, "s": 46, "linewidth": 1.4, "zorder": 2, "facecolor": fill, "edgecolor": list(colour)}
        sns.scatterplot(x=rows.output_usd_per_mtok, y=rows.score, ax=axis, legend=False, **marks)
    ticks = [0.1, 0.3, 1, 3, 10, 30, 100]
    axis.set(xscale="log", xlim=(0.55 * models.output_usd_per_mtok.min(), 1.9 * models.output_usd_per_mtok.max()))
    axis.set_xticks(ticks, [_usd(tick) for tick in ticks])
    axis.minorticks_off()
    axis.margins(y=0.06)
    axis.set(xlabel="USD per million output tokens, log scale", ylabel="Arena score, Elo points")
    weights = ["semibold" if on else "normal" for on in models.on_frontier]
    path = np.column_stack([np.repeat(edge.output_usd_per_mtok, 2)[1:], np.repeat(edge.score, 2)[:-1]])
    label_points(axis, models, "output_usd_per_mtok", "score", colours, weights, path)
    told = [
        f"{n} at {_usd(p)}, {s:.0f}" for n, p, s in zip(edge.name, edge.output_usd_per_mtok, edge.score, strict=True)
    ]
    alt = f"Scatter of {len(models)} models, output price against Arena score. On the frontier: {'; '.join(told)}."
    return Drawing(figure, title, alt, models)


def label_points(axis, points: pd.DataFrame, x: str, y: str, colours, weights, path: np.ndarray) -> list:
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

    Returns
    -------
    list of matplotlib Text
    """
    figure = axis.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    at = axis.transData.transform(points[[x, y]].to_numpy(float))
    tips = axis.transData.transform(np.column_stack([points[x], points[y] + 1.96 * points.error]))
    bars = np.column_stack([at[:, 0] - 2, 2 * at[:, 1] - tips[:, 1], at[:, 0] + 2, tips[:, 1]])
    corners = axis.transData.transform(path)
    pieces = np.hstack([np.minimum(corners[:-1], corners[1:]) - 2, np.maximum(corners[:-1], corners[1:]) + 2])
    marks = np.hstack([at - 6, at + 6])
    frame = axis.get_window_extent(renderer)
    options = {"size": 8, "ha": "left", "va": "bottom", "transform": axis.transAxes}
    names = zip(points.name, colours, weights, strict=True)
    texts = [axis.text(0, 0, name, color=colour, weight=weight, **options) for name, colour, weight in names]
    sizes = np.array([(box.width, box.height) for box in (text.get_window_extent(renderer) for text in texts)])
    angles = np.deg2rad(np.arange(0, 360, 15))
    steps = np.array([(d * np.cos(a), d * np.sin(a), d) for d in (8, 11, 15, 21, 29, 40, 54) for a in angles])
    boxes = np.full((len(texts), 4), np.nan)
    crowd = (np.hypot(*(at[:, None] - at[None]).T) < 60).sum(axis=0)
    for _ in range(3):
        for k in np.argsort(-crowd, kind="stable"):
            lean = np.where(np.abs(steps[:, :2]) < 0.3 * steps[:, 2:], -0.5, np.where(steps[:, :2] > 0, 0.0, -1.0))
            low = at[k] + steps[:, :2] + lean * sizes[k]
            places = np.hstack([low, low + sizes[k]])
            others = np.delete(boxes, k, axis=0)
            middle = at[k] + 0.6 * steps[:, :2]
            lead = np.hstack([middle - 3, middle + 3])
            hard = _covered(places, np.vstack([marks, pieces, others - [2, 1, -2, -1]]))
            hard += (steps[:, 2] > 12) * _covered(lead, np.vstack([others, np.delete(marks, k, axis=0)]))
            outside = (places[:, :2] < [frame.x0, frame.y0]).any(axis=1) | (places[:, 2:] > [frame.x1, frame.y1]).any(
                axis=1
            )
            cost = 50 * hard + 2 * _covered(places, bars) + 1e6 * outside + steps[:, 2] - 2 * np.cos(np.tile(angles, 7))
            boxes[k] = places[np.argmin(cost)]
    for text, box, point in zip(texts, boxes, at, strict=True):
        text.set_position(axis.transAxes.inverted().transform(box[:2]))
        nearest = np.clip(point, box[:2], box[2:])
        if np.hypot(*(nearest - point)) > 12:
            ends = axis.transData.inverted().transform([point, nearest])
            axis.plot(*ends.T, color=LIGHT, linewidth=0.7, zorder=0)
    return texts


def _covered(places, obstacles):
    """Area that each place, shape (places, 4), shares with all obstacles, shape (obstacles, 4), in square pixels."""
    obstacles = obstacles[~np.isnan(obstacles).any(axis=1)]
    overlap = np.minimum(places[:, None, 2:], obstacles[None, :, 2:]) - np.maximum(
        places[:, None, :2], obstacles[None, :, :2]
    )
    return np.clip(overlap, 0, None).prod(axis=2).sum(axis=1)


def _source_line(tables):
    if isinstance(tables, str):
        return f"Source: {tables}."
    ledger = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str).set_index("table")
    producers = dict.fromkeys(ledger.producer[table.attrs["table"]] for table in tables)
    return "Source: " + "; ".join(producers) + ". Own calculation."


def _write_csv(path, table):
    # eight digits: enough to draw again, few enough to be the same on every processor
    text = table.to_csv(index=False, float_format="%.8g", lineterminator="\n")
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _cell(value):
    if isinstance(value, (float, np.floating)):
        if 0 < abs(value) < 1e-4:  # p values of tests that reject without doubt
            return f"{value:.0e}".replace("-", "−")
        return "" if np.isnan(value) else number(value)
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, (int, np.integer)):
        return f"{value:,}"
    return "" if value is None or value is pd.NaT or value is pd.NA else str(value)


def _signed(value):
    """Two characters of sign and one digit after the point, as in charts of returns."""
    return f"{value:+.1f}".replace("-", "−") if np.isfinite(value) else "not known"


def _usd(price):
    return f"${price:.0f}" if price == round(price) else f"${price:.2f}"


def _part(part, whole):
    return f"All {whole}" if part == whole else f"{part} of {whole}"


def _listed(values):
    return ", ".join(f"{name} {_signed(value)}%" for name, value in values.items())
