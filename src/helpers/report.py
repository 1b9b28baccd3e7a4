"""Report: bind an edition into pages, one a notebook, and the editions under a landing page. No script, no request."""

import functools
import html
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import latex2mathml.converter
import mistune

from helpers import cache, content, pages, references, specifications
from helpers.freshness import digest

# the notebook whose first picture stands for a whole edition
LEAD = "01_returns"


def edition_page(folder: Path, as_of: str, sections: list[dict] | None = None) -> None:
    """Write the pages of one edition: its contents, verdicts and downloads; one a notebook; its specifications.

    Parameters
    ----------
    folder : Path
        The edition: ``results.json``, ``verdicts.csv`` and a folder for each notebook with ``notebook.ipynb`` and
        the files of its exhibits. What else of `helpers.pages.WHOLE` and of ``numbers`` is there is linked.
    as_of : str
        Day of the edition, an ISO date.
    sections : list of dict, optional
        Its notebooks, as `content.sections` gives them, where they have been read.

    Raises
    ------
    ValueError
        If a notebook holds an error, a figure without alt text or a picture that is no exhibit, if a file of an
        exhibit is missing, if a verdict is on no claim of ``data/claims.csv``, or if a notebook cites a work that
        ``references.bib`` does not hold.
    """
    names = content.names(folder)
    if not names:
        raise ValueError(f"{folder} holds no notebooks: run `make report AS_OF={as_of}`")
    works = references.read()
    sections = [_told(section, names, works) for section in sections or content.sections(folder)]
    groups = content.ledger([folder], {section["name"]: section["question"] for section in sections})
    shared = {"as_of": as_of, "numbers": pages.numbers(folder)}
    pages.furnish(folder)
    for place, section in enumerate(sections):
        pages.publish(
            folder / section["name"] / "index.html",
            "notebook.html.j2",
            root="../",
            section=section,
            claims=[row for group in groups if group["notebook"] == section["name"] for row in group["rows"]],
            before=sections[place - 1] if place else None,
            after=sections[place + 1] if place + 1 < len(sections) else None,
            image=_image(section, "../"),
            **shared,
        )
    image = next((_image(section, "") for section in sections if section["name"] == LEAD), None)
    _specifications_page(folder, groups, image, shared)
    pages.publish(
        folder / "index.html",
        "edition.html.j2",
        sections=sections,
        groups=groups,
        tally=content.tally(groups, 0),
        downloads=pages.downloads(folder, sections),
        image=image,
        **shared,
    )


def _told(section, names, works):
    """Put a notebook's prose into HTML, and gather its headings and the titles of its figures."""
    prose = Prose(names)
    prose.citations = references.Citations(works, section["name"])
    for cell in section["cells"]:
        if cell["kind"] == "prose":
            cell["html"] = prose.to_html(cell["source"])
    findings = [out["title"] for cell in section["cells"] for out in cell["outputs"] if out["kind"] == "figure"]
    works = prose.citations.references()
    headings = [*prose.headings, *([{"id": "references", "text": "References"}] if works else [])]
    return section | {"headings": headings, "findings": findings, "references": works}


def _image(section, root):
    shown = [out for cell in section["cells"] for out in cell["outputs"] if out["kind"] == "figure"]
    return shown[0] | {"files": f"{root}{shown[0]['files']}"} if shown else None


def _specifications_page(folder, groups, image, shared):
    strips = specifications.strips(folder)
    rows = [row for group in groups if group["question"] for row in group["rows"]]
    # a forecast that is not due has numbers, but no verdict that others could agree with
    drawn = [row | strips[row["id"]] for row in rows if row["id"] in strips and row["answers"][0]["value"] is not None]
    for curve in drawn:
        curve["portion"] = curve["agree"] / curve["answered"]
    of_note = [curve for curve in drawn if not curve["added"]]
    pages.publish(
        folder / "specifications.html",
        "specifications.html.j2",
        curves=drawn,
        unanswered=[row for row in rows if row["id"] not in {curve["id"] for curve in drawn}],
        of_note=len(of_note),
        agree=sum(curve["agree"] for curve in of_note),
        answered=sum(curve["answered"] for curve in of_note),
        robust=sum(curve["agree"] == curve["answered"] for curve in of_note),
        image=image,
        **shared,
    )


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
    names = {edition: content.names(report / edition) for edition in editions}
    questions = {name: content.question(content.read(report / newest / name)) for name in names[newest]}
    groups = content.ledger([report / edition for edition in editions], questions)
    lead = _image(content.section(report / newest, LEAD), f"{newest}/") if LEAD in questions else None
    sources = pages.sources(report / newest, newest)
    pages.furnish(report)
    pages.publish(
        report / "index.html",
        "landing.html.j2",
        editions=editions,
        complete=complete,
        newest=newest,
        groups=groups,
        tallies=[content.tally(groups, place) for place in range(len(editions))],
        lead=lead,
        image=lead,
        numbers={edition: pages.numbers(report / edition) for edition in editions},
        notebooks=names,
        docs=(report / "docs" / "index.html").is_file(),
        sweeps=_sweeps(report),
        comparisons=_comparisons(report),
        failures=sorted(path.name for path in report.glob("failed/????-??-??")),
        sources=sources,
        oldest=max((source["days"] or 0 for source in sources), default=0) or 1,
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


def comparison_page(folder: Path, told: dict) -> None:
    """Write ``index.html``, its style and fonts for a comparison of two editions or commits.

    Parameters
    ----------
    folder : Path
        Folder of the page, two below that of the report.
    told : dict
        The comparison in words, as `helpers.comparison` puts it.
    """
    pages.furnish(folder)
    pages.publish(folder / "index.html", "comparison.html.j2", **told)


def _comparisons(report):
    """Pages that compare, with whether an edition was built anew since."""
    found = []
    for file in sorted(report.glob("compare/*/compare.json")):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            continue
        if not isinstance(told, dict) or not {"labels", "as_of", "results", "moved", "flipped"} <= told.keys():
            continue  # made by an older version
        held = {day: report / day / "results.json" for day in told["results"]}
        stale = any(not held[day].is_file() or digest(held[day]) != value for day, value in told["results"].items())
        found.append(told | {"folder": f"compare/{file.parent.name}", "stale": stale})
    return found


class Prose(mistune.HTMLRenderer):
    """Markdown of one notebook: HTML escaped, headings below its question without gaps, pictures told by their text."""

    def __init__(self, names):
        super().__init__(escape=True)
        self.names, self.level, self.headings = names, 1, []
        self.citations = references.Citations({}, "this text")
        self.to_html = mistune.create_markdown(renderer=self, plugins=["table", "math", references.plugin])

    def heading(self, text, level, **attrs):
        self.level = max(2, min(level, self.level + 1, 6))
        if self.level > 2:
            return f"<h{self.level}>{text}</h{self.level}>\n"
        words = html.unescape(re.sub(r"<[^>]*>", "", text))
        # numbered, for no two may be the same, and none that of an element of the template
        name = re.sub(r"[^a-z0-9]+", "-", f"{words.lower()}-{len(self.headings) + 1}").strip("-")
        self.headings.append({"id": name, "text": words})
        return f'<h2 id="{name}">{text}</h2>\n'

    def link(self, text, url, title=None):
        notebook = re.fullmatch(r"(?:\./)?(\d\d_\w+)\.ipynb(?:#.*)?", url)
        if notebook and notebook[1] in self.names:
            return f'<a href="../{notebook[1]}/index.html">{text}</a>'
        return f'<a href="{html.escape(url)}">{text}</a>' if re.match(r"https?://", url) else text

    def citation(self, cited):
        return self.citations.html(cited)

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


@functools.cache
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
