"""The house style: canvas, colours, words for numbers; and the only place that writes figures and tables."""

import base64
import functools
import hashlib
import html
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import seaborn as sns
from IPython.display import display
from matplotlib import font_manager
from matplotlib.dates import MONTHLY, AutoDateLocator, ConciseDateFormatter, DateFormatter
from matplotlib.figure import Figure
from scipy.optimize import isotonic_regression

from helpers import paths
from helpers.charts import pictures
from helpers.inference import Unanswered, in_words, number

# Okabe and Ito's colours, safe for colour-blind readers
BLUE, ORANGE, GREEN, SKY, PURPLE, BLACK = "#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#1A1A1A"
GREY, LIGHT = "#767676", "#D9D9D9"
COLOURS = {"OpenAI": ORANGE, "DeepSeek": BLUE, "Google": GREEN}
WIDTH, DPI = 8.0, 200
# inches from the upper edge to the title, and of each of its lines; characters of a line
TITLE_MARGIN, TITLE_LINE, TITLE_SIGNS = 0.14, 0.25, 82


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
    for file in sorted((Path(__file__).parents[1] / "fonts").glob("*.ttf")):
        font_manager.fontManager.addfont(file)
    # whatever a matplotlibrc of the user's says
    matplotlib.rcdefaults()
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
            # where it stands anyhow; else every draw measures all tick labels to see whether it has to rise
            "axes.titley": 1.0,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "xtick.labelsize": 9,
            "ytick.labelsize": 9,
            "text.color": BLACK,
            "text.parse_math": False,
            "figure.dpi": 100,
            "savefig.dpi": DPI,
            # no shifting of outlines to pixels, of which there are plenty: letters stand as in the SVG
            "text.hinting": "no_hinting",
            "svg.fonttype": "path",
            "svg.hashsalt": "ai-after-deepseek",
        },
    )


# fonts and seaborn take a while, and a run that draws nothing needs neither
_set_style_once = functools.cache(set_style)


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
    _set_style_once()
    lines, under = textwrap.wrap(title, TITLE_SIGNS), textwrap.wrap(subtitle, 112)
    if not 1 <= len(lines) <= 2 or not 1 <= len(under) <= 2:
        raise ValueError(f"title and subtitle have one or two lines each: {title!r}, {subtitle!r}")
    head = 0.2 + TITLE_LINE * len(lines)
    top = head + 0.2 * len(under) + 0.15
    figure = Figure(figsize=(WIDTH, height + top))
    whole = figure.get_figheight()
    words, high = "\n".join(lines), 1 - TITLE_MARGIN / whole
    # kept where `retitled` and `write` look for it
    figure.heading = figure.text(0.015, high, words, weight="semibold", size=13, va="top", linespacing=1.25)
    figure.text(0.015, 1 - head / whole, "\n".join(under), size=10, color=GREY, va="top", linespacing=1.3)
    axes = figure.subplots(rows, columns, squeeze=False, **options).ravel()
    figure.subplots_adjust(left=0.09, right=0.97, top=1 - top / whole, bottom=0.95 / whole)
    return figure, axes


def publish(
    output_dir: Path,
    slug: str,
    drawing: Drawing | Unanswered,
    sources: list[pd.DataFrame] | str,
    title: str = "",
    pictures: bool = True,
) -> None:
    """Write a figure as PNG, SVG and CSV of its points, and show it with its alternative text.

    Parameters
    ----------
    output_dir : Path
        Folder of the notebook.
    slug : str
        File name without ending: the notebook's word, then what is drawn.
    drawing : Drawing or Unanswered
        An unanswered question is reported in words.
    sources : list of DataFrame, or str
        Tables that ``data.load`` gave, whose producers stand in the source line; or the source in words.
    title : str
        To stand in place of the drawing's own.
    pictures : bool
        Whether the figure is drawn; else the CSV alone is written.

    Raises
    ------
    ValueError
        If the alternative text is missing or holds no number, the title is empty, is not the one that is drawn or
        holds a number that is not in the alternative text, there is no point, or the slug is no name for a file.
    """
    if isinstance(drawing, Unanswered):
        print(f"No figure: {drawing.reason}.")
        return
    exhibit, words = write(output_dir, slug, retitled(drawing, title) if title else drawing, sources, pictures)
    content = {"text/plain": words}
    if pictures:
        # as text: not every front end encodes bytes
        content["image/png"] = base64.b64encode((output_dir / f"{slug}.png").read_bytes()).decode("ascii")
    display(content, raw=True, metadata={"exhibit": exhibit})


def write(
    output_dir: Path, slug: str, drawing: Drawing, sources: list[pd.DataFrame] | str, pictures: bool = True
) -> tuple[dict, str]:
    """Write a figure as PNG, SVG and CSV of its points without showing it; the CSV alone in a run without pictures.

    Parameters
    ----------
    output_dir, slug, drawing, sources, pictures
        As for `publish`.

    Returns
    -------
    dict
        What the report needs of the exhibit: kind, slug, title, alt, source.
    str
        Its title, its alternative text and a digest of its points.

    Raises
    ------
    ValueError
        As for `publish`.
    """
    if not drawing.title or not any(sign.isdigit() for sign in drawing.alt):
        raise ValueError(f"figure {slug} needs a title, and an alt sentence that holds its numbers")
    if drawing.points.empty:
        raise ValueError(f"figure {slug} has no point")
    _check_slug(slug)
    # a figure made without `canvas` has no heading
    heading = getattr(drawing.figure, "heading", None)
    if heading and heading.get_text() != "\n".join(textwrap.wrap(drawing.title, TITLE_SIGNS)):
        remedy = "pass title= to notebook.figure, which draws it too"
        raise ValueError(f"figure {slug} shows the title {heading.get_text()!r}, not {drawing.title!r}: {remedy}")
    figure, source = drawing.figure, _source_line(sources)
    if pictures:
        _draw(figure, output_dir / slug, source)
    digest = _write_csv(output_dir / f"{slug}.csv", drawing.points)
    words = f"{drawing.title}\n{drawing.alt}\n{len(drawing.points)} points, digest {digest}"
    return {"kind": "figure", "slug": slug, "title": drawing.title, "alt": drawing.alt, "source": source}, words


def retitled(drawing: Drawing, title: str) -> Drawing:
    """Give a drawing another title, drawn in the place of its own.

    Parameters
    ----------
    drawing : Drawing
        Made on a `canvas`.
    title : str
        At most two lines.

    Raises
    ------
    ValueError
        If it takes more lines, or holds a number that neither the alternative text nor the drawing's own title has.
    """
    lines = textwrap.wrap(title, TITLE_SIGNS)
    if not 1 <= len(lines) <= 2:
        raise ValueError(f"a title has one or two lines of {TITLE_SIGNS} characters: {title!r}")
    reported = _numbers(drawing.alt) | _numbers(drawing.title)
    if strange := sorted(_numbers(title) - reported):
        raise ValueError(f"the title says {', '.join(strange)}, but the figure reports {', '.join(sorted(reported))}")
    figure, heading = drawing.figure, drawing.figure.heading
    more = TITLE_LINE * (len(lines) - len(heading.get_text().splitlines()))
    before, after = figure.get_figheight(), figure.get_figheight() + more
    # everything below the title keeps its distance from the lower edge
    figure.set_figheight(after)
    for text in [text for text in figure.texts if text is not heading]:
        text.set_y(text.get_position()[1] * before / after)
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_position([place.x0, place.y0 * before / after, place.width, place.height * before / after])
    heading.set(text="\n".join(lines), y=1 - TITLE_MARGIN / after)
    return Drawing(figure, title, drawing.alt, drawing.points)


def _numbers(text):
    return set(re.findall(r"\d+(?:[.,]\d+)*", text))


def png(drawing: Drawing, sources: list[pd.DataFrame] | str, dpi: int) -> bytes:
    """Draw a figure as PNG in memory, with its source line; nothing is written.

    Parameters
    ----------
    drawing, sources
        As for `publish`.
    dpi : int
        Dots an inch.
    """
    _write_source(drawing.figure, _source_line(sources))
    _, picture = pictures.draw(drawing.figure, dpi)
    return picture


def _write_source(figure, source):
    low = 0.09 / figure.get_figheight()
    figure.text(0.015, low, textwrap.fill(source, 145), size=7.5, color=GREY, va="bottom", linespacing=1.3)


def _draw(figure, path, source):
    _write_source(figure, source)
    svg, png = pictures.draw(figure, DPI)
    path.with_name(f"{path.name}.svg").write_text(svg, encoding="utf-8")
    path.with_name(f"{path.name}.png").write_bytes(png)


def publish_table(
    output_dir: Path, slug: str, table: pd.DataFrame, caption: str, columns: list[str] | None = None
) -> None:
    """Write a table as CSV in full digits, and show it plainly.

    Parameters
    ----------
    output_dir, slug
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
        If the table is empty, the caption is missing, or the slug is no name for a file.
    """
    if isinstance(table, Unanswered):
        print(f"No table: {table.reason}.")
        return
    if table.empty or not caption:
        raise ValueError(f"table {slug} needs rows and a caption")
    _check_slug(slug)
    digest = _write_csv(output_dir / f"{slug}.csv", table)
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


def _check_slug(slug):
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise ValueError(f"{slug!r} is no name for an exhibit's files: small letters, digits and single hyphens")


def _source_line(tables):
    if isinstance(tables, str):
        return f"Source: {tables}."
    ledger = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str).set_index("table")
    producers = dict.fromkeys(ledger.producer[table.attrs["table"]] for table in tables)
    own = " Includes own data." if any("own" in table.attrs for table in tables) else ""
    return "Source: " + "; ".join(producers) + ". Own calculation." + own


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


def signed(value: float) -> str:
    """Two characters of sign and one digit after the point, as in charts of returns."""
    return f"{value:+.1f}".replace("-", "−") if np.isfinite(value) else "not known"


def usd(price: float) -> str:
    """Dollars, with cents only where there are any."""
    return f"${price:.0f}" if price == round(price) else f"${price:.2f}"


def date_axis(axis, start: pd.Timestamp, end: pd.Timestamp, ticks: int) -> None:
    """Put few dates on an axis, written as briefly as the span allows."""
    locator = AutoDateLocator(minticks=2, maxticks=ticks)
    # twenty months are too many for steps of six, too few for years
    locator.intervald[MONTHLY] = [1, 2, 3, 4, 6, 12]
    brief = (end - start).days < 120
    formatter = DateFormatter("%d %b") if brief else ConciseDateFormatter(locator, show_offset=False)
    axis.xaxis.set(major_locator=locator, major_formatter=formatter)
    axis.tick_params(labelsize=8.5)
    if start == end:
        axis.set_xlim(start - pd.Timedelta(days=20), end + pd.Timedelta(days=20))


def kept_apart(values: np.ndarray, gap: float) -> np.ndarray:
    """Places as near to their values as labels of a height ``gap`` allow, in the order of the values."""
    order = np.argsort(values, kind="stable")
    ranks = gap * np.arange(len(values))
    # labels apart means that place less rank never falls: the nearest such places are an isotonic regression
    places = isotonic_regression(values[order] - ranks).x + ranks
    return places[np.argsort(order, kind="stable")]


def told_interval(row) -> str:
    """Put a row's value, low and high in words."""
    return in_words(row.value, row.low, row.high)
