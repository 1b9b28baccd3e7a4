"""Pages: what all pages of the report share. The templates, the files beside them, and where things lie."""

import functools
import html
import re
from datetime import date
from pathlib import Path

import jinja2
import pandas as pd

from helpers import paths, results
from helpers.inference import day_in_words

HERE = Path(__file__).parent
MARKS = {results.HOLDS: "✓", results.FAILS: "✕", results.CANNOT_TELL: "?"}
# files of a whole edition, in the order in which they are offered
WHOLE = {
    "edition.pdf": "The edition to print and send, PDF",
    "edition.xlsx": "Every table in one workbook, Excel",
    "results.json": "Every number with interval, sample, method and inputs, JSON",
    "verdicts.csv": "The verdict on every claim, CSV",
    "references.bib": "The works cited, BibTeX",
}
FORMS = {".png": "PNG", ".svg": "SVG", ".csv": "CSV", ".tex": "LaTeX"}
KINDS = ("series", "snapshots", "record", "definition")


@functools.cache
def site() -> jinja2.Environment:
    """Give the templates: everything that they are handed is escaped, and a name that is missing is an error."""
    site = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    site.filters |= {"day": day, "whole_days": whole_days, "size": size}
    site.tests["iso_day"] = lambda text: bool(re.fullmatch(r"\d{4}-\d\d-\d\d", text))
    site.globals |= {"MARKS": MARKS, "NOTE_DAY": results.NOTE_DAY}
    return site


def prepare() -> None:
    """Make the templates of pages into programs, before they are first used."""
    for name in sorted(file.name for file in (HERE / "templates").glob("*.html.j2")):
        site().get_template(name)


def publish(path: Path, template: str, **values) -> None:
    """Write a page whole or not at all, making its folder.

    Parameters
    ----------
    path : Path
        File of the page.
    template : str
        Name of a template that extends ``base.html.j2``.
    **values
        What the template needs; ``root``, the way from the page to the folder of its style, where that is another;
        ``image``, its picture in a preview, with ``files`` (path from the page without ending) and ``alt``.
    """
    page = site().get_template(template).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, page.encode("utf-8"))


def furnish(folder: Path) -> None:
    """Put the style and its fonts into a folder, for the pages there and below."""
    (folder / "fonts").mkdir(parents=True, exist_ok=True)
    for font in sorted((HERE / "fonts").iterdir()):
        _write(folder / "fonts" / font.name, font.read_bytes())
    _write(folder / "style.css", (HERE / "templates" / "style.css").read_bytes())


def _write(path, content):
    draft = path.with_name(f"{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)


def numbers(folder: Path) -> set[str]:
    """Give the ids of recorded numbers that have a page of their own in an edition."""
    return {path.stem for path in folder.glob("numbers/*.html")}


def downloads(folder: Path, sections: list[dict]) -> dict:
    """List the files of an edition that can be taken away, as far as they are there.

    Parameters
    ----------
    folder : Path
        The edition.
    sections : list of dict
        Its notebooks, as `helpers.content.section` gives them.

    Returns
    -------
    dict
        ``whole``: files of the edition. ``notebooks``: one a notebook, with ``name``, ``question``, ``files`` and
        ``exhibits``, each with ``title`` and ``files``. A file has ``path`` in the edition, ``label`` and ``bytes``.
    """
    notebooks = []
    for section in sections:
        shown = [out for cell in section["cells"] for out in cell["outputs"] if out["kind"] in ("figure", "table")]
        exhibits = [
            {
                "title": out["title"] if out["kind"] == "figure" else out["caption"],
                "files": _there(folder, {f"{out['files']}{ending}": form for ending, form in FORMS.items()}),
            }
            for out in shown
        ]
        own = _there(folder, {f"{section['name']}/notebook.ipynb": "Notebook"})
        notebooks.append({"name": section["name"], "question": section["question"], "files": own, "exhibits": exhibits})
    return {"whole": _there(folder, WHOLE), "notebooks": notebooks}


def _there(folder, wanted):
    return [
        {"path": path, "label": label, "bytes": (folder / path).stat().st_size}
        for path, label in wanted.items()
        if (folder / path).is_file()
    ]


def sources(folder: Path, as_of: str) -> list[dict]:
    """Tell how fresh each source is in an edition: the newest row that it reads, against its day and never today.

    Parameters
    ----------
    folder : Path
        The edition. Its ``00_data/data-tables.csv`` holds the newest day known of each table; without it there is none.
    as_of : str
        Day of the edition, an ISO date.

    Returns
    -------
    list of dict
        One a table of ``data/sources.csv``, series first and the oldest among them before the others: its columns;
        ``newest``, an ISO date or empty; ``days`` from it to the edition's day, None where the table does not age or
        has no row yet; ``words`` for both.
    """
    ledger = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str)
    newest, coverage = {}, folder / "00_data" / "data-tables.csv"
    if coverage.is_file():
        table = pd.read_csv(coverage, keep_default_na=False, dtype=str)
        newest = dict(zip(table["table"], table["last"], strict=True))
    rows = []
    for source in ledger.to_dict("records"):
        last, days = newest.get(source["table"], ""), None
        if source["kind"] == "definition":
            words = "a definition, does not age"
        elif source["table"] not in newest:
            words = "not told by this edition"
        elif not last:
            words = "nothing known yet on the day"
        elif source["kind"] == "record":
            words = "a closed record, does not age"
        else:
            days = (date.fromisoformat(as_of) - date.fromisoformat(last)).days
            words = {0: "the day itself", 1: "1 day before"}.get(days, f"{days:,} days before")
        rows.append(source | {"newest": last, "days": days, "words": words})
    return sorted(rows, key=lambda row: (KINDS.index(row["kind"]), -(row["days"] or 0), row["table"]))


def day(iso: str) -> str:
    """Write an ISO date as prose.

    Examples
    --------
    >>> day("2025-02-14")
    '14 February 2025'
    """
    return day_in_words(date.fromisoformat(iso).isoformat())


def whole_days(text: str) -> str:
    """Escape a text, and keep its ISO dates from breaking at their hyphens."""
    return re.sub(r"\d{4}-\d\d-\d\d", r'<span class="date">\g<0></span>', html.escape(text))


def size(count: int) -> str:
    """Write a number of bytes as prose.

    Examples
    --------
    >>> size(820), size(48_300), size(1_450_000)
    ('1 kB', '48 kB', '1.4 MB')
    """
    return f"{count / 1e6:.1f} MB" if count >= 999_500 else f"{max(1, round(count / 1e3))} kB"
