"""Report: bind an edition into one HTML page, and the editions into a landing page. No script, no outside request."""

import functools
import html
import json
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import latex2mathml.converter
import mistune
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from helpers import cache, content, paths, results

HERE = Path(__file__).parent
# spelled out, because strftime follows the locale
MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")
MARKS = {results.HOLDS: "✓", results.FAILS: "✕", results.CANNOT_TELL: "?"}


def edition_page(folder: Path, as_of: str) -> None:
    """Write ``index.html``, its style and fonts for one edition: the ledger of verdicts, then every notebook.

    Parameters
    ----------
    folder : Path
        The edition: ``results.json``, ``verdicts.csv`` and a folder for each notebook with ``notebook.ipynb`` and
        the files of its exhibits.
    as_of : str
        Day of the edition, an ISO date.

    Raises
    ------
    ValueError
        If a notebook holds an error, a figure without alt text or a picture that is no exhibit, if a file of an
        exhibit is missing, or if a verdict is on no claim of ``data/claims.csv``.
    """
    names = content.names(folder)
    if not names:
        raise ValueError(f"{folder} holds no notebooks: run `make report AS_OF={as_of}`")
    markdown, sections = Prose(names), [content.section(folder, name) for name in names]
    for section in sections:
        markdown.level = 2
        for cell in section["cells"]:
            if cell["kind"] == "prose":
                cell["html"] = markdown.to_html(cell["source"])
    groups = content.ledger([folder], {section["name"]: section["question"] for section in sections})
    _publish(folder, "edition.html.j2", as_of=as_of, sections=sections, groups=groups, tally=content.tally(groups, 0))


def landing_page(report: Path, editions: list[str]) -> None:
    """Write ``index.html``, its style and fonts for the report: the claims in one or two editions, and the sources.

    Parameters
    ----------
    report : Path
        Folder of the editions. Every one that is complete is listed: named by an ISO date, with ``results.json``.
    editions : list of str
        The editions shown side by side, oldest first. The lead figure is the newest one's.

    Raises
    ------
    ValueError
        If no edition is given or one given is not complete; else as for `edition_page`.
    """
    complete = sorted(file.parent.name for file in report.glob("????-??-??/results.json"))
    missing = [edition for edition in editions if edition not in complete]
    if missing or not editions:
        raise ValueError(f"no complete edition {', '.join(missing)} in {report}: run `make report` first")
    newest = max(editions)
    questions = {
        name: content.question(content.read(report / newest / name)) for name in content.names(report / newest)
    }
    groups = content.ledger([report / edition for edition in editions], questions)
    lead = None
    if "01_returns" in questions:
        cells = content.section(report / newest, "01_returns")["cells"]
        lead = next((out for cell in cells for out in cell["outputs"] if out["kind"] == "figure"), None)
    _publish(
        report,
        "landing.html.j2",
        editions=editions,
        complete=complete,
        newest=newest,
        groups=groups,
        tallies=[content.tally(groups, place) for place in range(len(editions))],
        lead=lead,
        sweeps=_sweeps(report),
        failures=sorted({path.parent.name for path in report.glob("failed/*/*.ipynb")}),
        sources=pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str).to_dict("records"),
    )


def _sweeps(report):
    """Gathered sweeps, with their picture and whether what they follow from has changed since."""
    found = []
    for file in sorted(report.glob("sweeps/*/sweep.json")):
        told = json.loads(file.read_text(encoding="utf-8"))
        if not {"sweep", "runs", "file", "parameters", "notebooks", "key"} <= told.keys():
            continue  # gathered by an older version
        try:
            stale = told["key"] != cache.shared_key(told["notebooks"])
        except OSError:  # a notebook is gone
            stale = True
        shown = None
        if told.get("kind") == "figure":
            shown = content.figure(file.parent, told) | {"files": f"sweeps/{file.parent.name}/{told['slug']}"}
        found.append(told | {"stale": stale, "figure": shown, "folder": f"sweeps/{file.parent.name}"})
    return found


def _publish(folder, template, **values):
    (folder / "fonts").mkdir(exist_ok=True)
    for font in sorted((HERE / "fonts").iterdir()):
        _write(folder / "fonts" / font.name, font.read_bytes())
    _write(folder / "style.css", (HERE / "templates" / "style.css").read_bytes())
    publish(folder / "index.html", template, **values)


def publish(path: Path, template: str, **values) -> None:
    """Write a page whole or not at all, making its folder.

    Parameters
    ----------
    path : Path
        File of the page.
    template : str
        Name of a template that extends ``base.html.j2``.
    **values
        What the template needs; ``root``, the way from the page to the folder of its style, where that is another.
    """
    page = _site().get_template(template).render(**values)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(path, page.encode("utf-8"))


@functools.cache
def _site():
    site = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    site.filters |= {"day": _day, "whole_days": _whole_days}
    site.globals |= {"MARKS": MARKS, "NOTE_DAY": results.NOTE_DAY}
    return site


def _day(iso):
    day = date.fromisoformat(iso)
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def _whole_days(text):
    """Escape a text, and keep its ISO dates from breaking at their hyphens."""
    return re.sub(r"\d{4}-\d\d-\d\d", r'<span class="date">\g<0></span>', html.escape(text))


def _write(path, content):
    draft = path.with_name(f"{path.name}.part")
    draft.write_bytes(content)
    draft.replace(path)


class Prose(mistune.HTMLRenderer):
    """Markdown of one notebook: HTML escaped, headings one level down without gaps, pictures told by their text."""

    def __init__(self, names):
        super().__init__(escape=True)
        self.names, self.level = names, 2
        self.to_html = mistune.create_markdown(renderer=self, plugins=["table", "math"])

    def heading(self, text, level, **attrs):
        self.level = max(3, min(level + 1, self.level + 1, 6))
        return f"<h{self.level}>{text}</h{self.level}>\n"

    def link(self, text, url, title=None):
        notebook = re.fullmatch(r"(?:\./)?(\d\d_\w+)\.ipynb(?:#.*)?", url)
        if notebook and notebook[1] in self.names:
            return f'<a href="#{notebook[1]}">{text}</a>'
        return f'<a href="{html.escape(url)}">{text}</a>' if re.match(r"https?://", url) else text

    def image(self, text, url, title=None):
        return f"<em>{text}</em>"

    def table(self, text):
        return f'<div class="scroll" role="group" aria-label="table" tabindex="0"><table>{text}</table></div>\n'

    def table_cell(self, text, align=None, head=False):
        # the plugin's own cells carry a style attribute, which the content security policy forbids
        kind = ' class="number"' if align == "right" else ""
        return f'<th scope="col"{kind}>{text}</th>' if head else f"<td{kind}>{text}</td>"

    def inline_math(self, text):
        return _formula(text, "inline")

    def block_math(self, text):
        scroll = '<div class="scroll formula" role="group" aria-label="formula" tabindex="0">'
        return f"{scroll}{_formula(text, 'block')}</div>\n"


def _formula(tex, display):
    """MathML, which browsers draw without a script; what the converter cannot read stays TeX, as code."""
    try:
        found = latex2mathml.converter.convert(tex, display=display)
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(found).iter()}
    except Exception:
        # the converter has a dozen unrelated errors of its own
        tags = {"unread"}
    # it passes HTML inside a text command through
    return found if all(tag.startswith("m") for tag in tags) else f"<code>{html.escape(tex.strip())}</code>"
