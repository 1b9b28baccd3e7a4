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
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from helpers import paths
from helpers.inference import Estimate, Unanswered, in_words, number

# Okabe and Ito's colours, safe for colour-blind readers
BLUE, ORANGE, GREEN, SKY, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#1A1A1A"
GREY, LIGHT = "#767676", "#D9D9D9"
COLOURS = {"OpenAI": ORANGE, "DeepSeek": BLUE, "Google": GREEN}
SHARE_METHODS = {
    "members_full_cap": ("full cap over that of all members", "s"),
    "published_total_full_cap": ("full cap over S&P's printed total", "D"),
    "published_by_others": ("printed by others", "x"),
}
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
        ends = table.iloc[-1]
        heights = pd.Series(_apart(ends.to_numpy(), 0.25 * (high - low) / share), index=ends.index)
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
    return in_words(row.value, row.low, row.high)


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
    subtitle = (
        "Blue points: official fund weights, percent; thin line: carried on by returns. Grey: other methods, "
        "and below how far each lies from the thin line on the same day"
    )
    figure, (axis, strip) = canvas(title, subtitle, 5.9, rows=2, height_ratios=[3.2, 1])
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
        strip.plot(rows.gap_points, np.full(len(rows), -place), **style)
        strip.text(-0.4, -place, name, transform=strip.get_yaxis_transform(), ha="left", va="center", size=9)
        strip.plot(-0.42, -place, transform=strip.get_yaxis_transform(), clip_on=False, **style)
    axis.set(ylabel="percent of the index")
    axis.margins(x=0.06, y=0.12)
    strip.axvline(0, color=BLUE, linewidth=1)
    strip.set(ylim=(0.6 - len(SHARE_METHODS), 0.6), yticks=[], xlabel="percentage points above the official share")
    strip.spines["left"].set_visible(False)
    if others.gap_points.isna().all():
        strip.set_xlim(-1, 1)
        strip.text(0.02, 0, "no same-day comparison yet", color=GREY, size=9)
    told = [f"{date:%Y-%m-%d} {value:.1f}" for date, value in official.items()]
    spans = others.dropna(subset="gap_points").groupby("method", sort=False).gap_points.agg(["min", "max", "size"])
    far = [
        f"{SHARE_METHODS[row.Index][0]} {_signed(row.min)} to {_signed(row.max)} points (n = {row.size})"
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
        _date_axis(axis, first.date, last.date, 5)
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
        else f"{_signed(own[n])} of {_signed(totals[n])} points in {n}"
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
            axis.text(max(start, start + size), place, f" {_signed(size)}", va="center", size=9)
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
        f"{name}: " + ", ".join(f"{row.firm} {_signed(row.contribution_points)}" for row in table.itertuples())
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
    told = {b: ", ".join(f"{n} {_signed(v - 100)}%" for n, v in ends[b].items()) for b in answered}
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
        _date_axis(axis, table.date.min(), table.date.max(), 4)
        axis.margins(x=0.02, y=0.1)
        low, high = axis.get_ylim()
        places = _apart(ends[base].to_numpy(), 0.11 * (high - low))
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


def _date_axis(axis, start, end, ticks):
    """Few dates, written as briefly as the span allows."""
    locator = AutoDateLocator(minticks=2, maxticks=ticks)
    brief = (end - start).days < 120
    formatter = DateFormatter("%d %b") if brief else ConciseDateFormatter(locator, show_offset=False)
    axis.xaxis.set(major_locator=locator, major_formatter=formatter)
    axis.tick_params(labelsize=8.5)
    if start == end:
        axis.set_xlim(start - pd.Timedelta(days=20), end + pd.Timedelta(days=20))


def _apart(values, gap):
    """Places as near to their values as labels of a height ``gap`` allow, in the order of the values."""
    order = np.argsort(values, kind="stable")
    ranks = gap * np.arange(len(values))
    # labels apart means that place less rank never falls: the nearest such places are an isotonic regression
    places = isotonic_regression(values[order] - ranks).x + ranks
    return places[np.argsort(order, kind="stable")]


def _source_line(tables):
    if isinstance(tables, str):
        return f"Source: {tables}."
    ledger = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str).set_index("table")
    producers = dict.fromkeys(ledger.producer[table.attrs["table"]] for table in tables)
    return "Source: " + "; ".join(producers) + ". Own calculation."


def _write_csv(path, table):
    # eight digits: enough to draw again, few enough to be the same on every processor
    text = table.map(_neutral).to_csv(index=False, float_format="%.8g", lineterminator="\n")
    path.write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _neutral(value):
    """Keep a spreadsheet from running text as a formula; numbers are left alone."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


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
