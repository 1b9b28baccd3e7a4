"""The PDF of an edition: what `content` says of it, set in type by typst, offline and the same on every machine.

All text goes to typst as data, in JSON, which its template ``edition.typ`` reads: nothing that a notebook or a table
holds is ever markup. Only formulas are evaluated, as `mathematics` tells them.
"""

import functools
import json
import math
import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import matplotlib
import mistune
import numpy as np
import pandas as pd
import typst
from matplotlib.ft2font import FT2Font
from matplotlib.image import imread

from helpers import content, mathematics, paths, references
from helpers.inference import day_in_words

NAME = "edition.pdf"
HERE = Path(__file__).parent
TITLE = "AI after DeepSeek, reproduced"
# rows of a table that a reader follows on paper
MOST_ROWS = 80
# height over width: of the room that a page has for a picture, and of a picture that would become too small in it
ROOM, TALL = 22 / 17, 1.6
ABOUT = "A market note of February 2025 on AI after DeepSeek, rebuilt from public data: every claim with its value, "
ABOUT += "its interval and its verdict, by what was known on {day}."
RULE = "A claim holds when the whole 95% interval lies inside the range that would make it true, fails when the whole "
RULE += "interval lies outside, and is left at cannot tell when the interval crosses an edge. It is robust when every "
RULE += "declared alternative agrees. The ranges were written down before any estimate was made."
RIGHTS = "Code under BSD-3-Clause; text and figures under CC BY 4.0; each table of data under its producer’s licence. "
RIGHTS += "An independent examination: the note’s publisher had no part in it, and nothing here is advice to invest."
SOURCING = "Each table of data with its producer and licence, and the day of its newest material. An edition reads "
SOURCING += "only the rows that were known on its day."


def write(edition: Path, as_of: str) -> None:
    """Print an edition as ``edition.pdf`` in its folder.

    Parameters
    ----------
    edition : Path
        Folder of the edition: ``results.json``, ``verdicts.csv`` and a folder for each notebook.
    as_of : str
        Day of the edition, an ISO date.

    Raises
    ------
    ValueError
        If a notebook is not fit to publish, cites an unknown work, or the PDF cannot be set.
    """
    draft = edition / f"{NAME}.part"
    draft.write_bytes(bound(told(edition, as_of), edition))
    draft.replace(edition / NAME)


def bound(words: dict, root: Path, form: str = "pdf", **options):
    """Set an edition in type.

    Parameters
    ----------
    words : dict
        As `told` gives.
    root : Path
        Folder of the edition, which holds the pictures.
    form : {"pdf", "png", "svg"}
    **options
        Passed on to typst.

    Returns
    -------
    bytes, or list of bytes one a page
        A PDF is tagged, and checked by typst against PDF/UA-1.

    Raises
    ------
    ValueError
        If it cannot be set.
    """
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True, font_paths=[str(HERE / "fonts")])
    compiler = typst.Compiler(
        input=(HERE / "templates" / "edition.typ").read_bytes(),
        root=str(root),
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"told": json.dumps(_drawable(words), sort_keys=True)},
    )
    if form == "pdf":
        options = {"pdf_standards": "ua-1", "timestamp": datetime(*words["date"], tzinfo=UTC)} | options
    try:
        return compiler.compile(format=form, **options)
    except typst.TypstError as error:
        raise ValueError(f"the PDF cannot be set: {str(error).splitlines()[0]}") from None


def _drawable(words):
    """Put its number for every sign that no font of the PDF can draw; typst would refuse the whole of it."""
    if isinstance(words, dict):
        return {key: _drawable(value) for key, value in words.items()}
    if isinstance(words, (list, tuple)):
        return [_drawable(value) for value in words]
    if not isinstance(words, str) or (words.isascii() and words.isprintable()):
        return words
    return "".join(sign if ord(sign) in signs() else f"[U+{ord(sign):04X}]" for sign in words)


@functools.cache
def signs() -> frozenset[int]:
    """Give the numbers of all signs that the PDF can draw: those of its own font, and of the one that stands in for it.

    typst brings DejaVu Sans Mono with it, and so does matplotlib, which can be asked what is in it.
    """
    files = [HERE / "fonts" / "IBMPlexSans-Regular.ttf"]
    files.append(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSansMono.ttf"))
    held = {number for file in files for number in FT2Font(str(file)).get_charmap() if chr(number).isprintable()}
    return frozenset(held | {ord("\n")})


def told(edition: Path, as_of: str) -> dict:
    """Gather what the PDF of an edition says, as data for its template.

    Parameters
    ----------
    edition, as_of
        As for `write`.

    Returns
    -------
    dict
        ``title``, ``day`` and other words of the front; ``ledger``, one group of claims a notebook; ``chapters``, one
        a notebook with ``blocks`` of prose (Markdown as a tree), figures, tables and printed lines, exhibits numbered
        by notebook; ``sources``; ``references``, those cited; ``formulas``, how many are set as mathematics.

    Raises
    ------
    ValueError
        As for `write`.
    """
    names = content.names(edition)
    citations, day = references.Citations(references.read(), edition.name), day_in_words(as_of)
    prose = Prose(names, citations)
    chapters = [_chapter(edition, content.section(edition, name), prose) for name in names]
    groups = content.ledger([edition], {chapter["name"]: chapter["question"] for chapter in chapters})
    return {
        "title": TITLE,
        "authors": f"The authors of “{TITLE}”",
        "about": ABOUT.format(day=day),
        "keywords": ["replication", "artificial intelligence", "DeepSeek"],
        "day": day,
        "date": [int(part) for part in as_of.split("-")],
        "rule": RULE,
        "rights": RIGHTS,
        "tally": [[count, word] for word, count in content.tally(groups, 0).items()],
        "ledger": [_group(group) for group in groups if group["question"] is not None],
        "chapters": chapters,
        "formulas": prose.count(),
        "sourcing": SOURCING,
        "sources": _sources(),
        "references": [{"key": one["key"], "parts": one["work"].parts} for one in citations.references()],
    }


def _group(group):
    rows = [row | {"answer": row["answers"][0]} for row in group["rows"]]
    question = group["question"] + (" (added, not the note’s)" if group["added"] else "")
    return {"number": group["notebook"][:2], "question": question, "rows": rows}


def _sources():
    table = pd.read_csv(paths.DATA / "sources.csv", keep_default_na=False, dtype=str)
    rows = table[["table", "producer", "licence", "published", "address"]].to_dict("records")
    return [row | ({"url": row["address"]} if _is_address(row["address"]) else {}) for row in rows]


def _is_address(text):
    return bool(re.match(r"https?://", text))


def _chapter(edition, section, prose):
    number, blocks, exhibits = section["name"][:2], [], 0
    prose.level = 1
    for cell in section["cells"]:
        if cell["kind"] == "prose":
            blocks.append({"type": "prose", "children": prose.tree(cell["source"])})
        for out in cell["outputs"]:
            if out["kind"] == "text":
                lines = [line for line in out["text"].splitlines() if line.strip()]
                blocks += [{"type": "lines", "lines": lines}] if lines else []
                continue
            exhibits += 1
            about = {"type": out["kind"], "number": f"{int(number)}.{exhibits}", "files": out["files"]}
            blocks.append(about | (_figure(edition, out) if out["kind"] == "figure" else _table(out)))
    return {"name": section["name"], "number": number, "question": section["question"], "blocks": blocks}


def _figure(edition, out):
    ratio = out["height"] / out["width"]
    parts = _parts(edition / f"{out['files']}.png", math.ceil(ratio / TALL)) if ratio > TALL else [[0, 1]]
    return {"name": out["title"] or out["files"], "alt": out["alt"], "ratio": ratio, "room": ROOM, "parts": parts}


def _parts(picture, count):
    """Cut a tall picture into parts of about the same height, where a row of it is blank, as shares of its height."""
    blank = (imread(picture)[..., :3] == 1).all(axis=(1, 2))
    rows = np.flatnonzero(blank)
    # the middle of a blank band, and not its edge
    bands = [band for band in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1) if len(band) > 10]
    middles = np.array([band.mean() for band in bands[1:-1]])
    if not len(middles):
        return [[0, 1]]
    cuts = {round(middles[np.abs(middles - len(blank) * place / count).argmin()]) for place in range(1, count)}
    ends = [0, *(cut / len(blank) for cut in sorted(cuts)), 1]
    return [list(part) for part in pairwise(ends)]


def _table(out):
    rows = [[cell["text"] for cell in row] for row in out["body"]]
    head = [cell["text"] for cell in (out["head"] or out["body"])[-1]]
    columns = list(zip(*out["body"], strict=True))
    numbers = [all(cell["number"] or not cell["text"] for cell in column) for column in columns]
    shown = rows[:MOST_ROWS]
    words = {"name": out["caption"], "caption": out["caption"], "head": head, "body": shown}
    return words | {"numbers": numbers, "left": len(rows) - len(shown)}


class Prose:
    """Markdown as a tree for the template: citations told, formulas translated, headings without gaps.

    Parameters
    ----------
    names : list of str
        Notebooks of the edition: a link to one of them leads to its chapter.
    citations : references.Citations
    """

    def __init__(self, names: list[str], citations: references.Citations):
        self.names, self.citations, self.level = names, citations, 1
        self.formulas, self.unread = 0, []
        self._parse = mistune.create_markdown(renderer=None, plugins=["table", "math", references.plugin])

    def tree(self, source: str) -> list[dict]:
        """Read Markdown."""
        return [self._node(token) for token in self._parse(source)]

    def count(self) -> str:
        """Say how many formulas there are, and how many of them could not be translated."""
        left = f", of which shown as TeX: {len(self.unread)}" if self.unread else ", all set as mathematics"
        return f"Formulas: {self.formulas}{left}."

    def _node(self, token):
        kind, attributes = token["type"], token.get("attrs", {})
        node = {"type": kind, "raw": token.get("raw", "")}
        node["children"] = [self._node(child) for child in token.get("children", [])]
        if kind == "heading":
            # below that of the chapter, and never two steps down
            self.level = node["level"] = max(2, min(attributes["level"], self.level + 1))
        elif kind == "list":
            node["ordered"] = attributes["ordered"]
        elif kind == "citation":
            node["works"] = self.citations.told(attributes["cited"])
        elif kind in ("inline_math", "block_math"):
            node["code"] = mathematics.typst(node["raw"])
            self.formulas += 1
            self.unread += [node["raw"]] if node["code"] is None else []
        elif kind == "link":
            node |= self._target(attributes["url"])
        return node

    def _target(self, url):
        notebook = re.fullmatch(r"(?:\./)?(\d\d_\w+)\.ipynb(?:#.*)?", url)
        if notebook and notebook[1] in self.names:
            return {"chapter": notebook[1]}
        return {"url": url} if _is_address(url) else {}
