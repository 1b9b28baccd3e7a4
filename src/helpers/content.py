"""Content: what an edition says, read from its notebooks and records, for every form in which it is told."""

import json
import re
import struct
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pandas as pd

from helpers import inference, results

ORDER = [results.HOLDS, results.FAILS, results.CANNOT_TELL, results.NOT_YET_DUE]
ORDER += [inference.CANNOT_BE_ASKED_YET, inference.NOT_CHECKABLE, results.NOT_EXAMINED]


def names(edition: Path) -> list[str]:
    """Names of the notebooks that an edition holds, in order."""
    return sorted(path.parent.name for path in edition.glob("[0-9][0-9]_*/notebook.ipynb"))


def read(folder: Path) -> nbformat.NotebookNode:
    """Read the executed notebook of a folder.

    Raises
    ------
    ValueError
        If it is not a readable notebook.
    """
    try:
        return nbformat.read(folder / "notebook.ipynb", as_version=4)
    except (ValueError, KeyError, AttributeError):
        raise ValueError(f"{folder / 'notebook.ipynb'} is not a readable notebook: build the edition anew") from None


def question(notebook: nbformat.NotebookNode) -> str:
    """Read the question of a notebook from its first line, ``# NN · Question?``; empty where it has none."""
    found = re.match(r"# \d\d · (.+)", notebook.cells[0].source if notebook.cells else "")
    return found[1].strip() if found else ""


def section(edition: Path, name: str) -> dict:
    """Read one notebook of an edition.

    Parameters
    ----------
    edition : Path
        Folder of the edition, with a folder for each notebook.
    name : str
        Name of the notebook.

    Returns
    -------
    dict
        ``name``, ``question`` (its name where it asks none) and ``cells``. A cell has ``kind`` ("prose", "code",
        "parameters" or "as run in this edition"), ``place`` (from 1), ``source`` (Markdown without the question's
        line, or code) and ``outputs``. An output has ``kind`` and: "text", its ``text``; "figure", as `figure` gives;
        "table", its ``caption``, ``files`` (path in the edition without ending), ``head`` and ``body`` (rows of cells
        with tag, text, number, spans).

    Raises
    ------
    ValueError
        If a cell failed or wrote to stderr, a picture is no exhibit, an exhibit lacks a file or a figure its alt text.
    """
    folder = edition / name
    notebook = read(folder)
    asked, cells = question(notebook), []
    for place, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags", [])
        source = cell.source.partition("\n")[2] if asked and place == 0 else cell.source
        if not source.strip() or cell.cell_type not in ("markdown", "code"):
            continue
        kind, outputs = "prose", []
        if cell.cell_type == "code":
            kind = "parameters" if "parameters" in tags else "code"
            kind = "as run in this edition" if "injected-parameters" in tags else kind
            outputs = [_output(folder, output) for output in cell.outputs]
        cells.append({"kind": kind, "place": place + 1, "source": source, "outputs": outputs})
    return {"name": name, "question": asked or name, "cells": cells}


def sections(edition: Path) -> list[dict]:
    """Read all notebooks of an edition, each as `section` gives it, in the order of their names."""
    return [section(edition, name) for name in names(edition)]


def _output(folder, output):
    if output.output_type == "error" or output.get("name") == "stderr":
        raise ValueError(f"{folder.name}: a cell failed or wrote to stderr; its edition is not fit to publish")
    if output.output_type == "stream":
        return {"kind": "text", "text": output.text.strip()}
    exhibit = output.metadata.get("exhibit", {})
    files = f"{folder.name}/{exhibit.get('slug')}"
    if exhibit and not re.fullmatch(r"[a-z0-9_-]+", exhibit.get("slug", "")):
        raise ValueError(f"{folder.name}: {exhibit.get('slug')!r} is no name for an exhibit's files")
    for suffix in {"figure": (".svg", ".png", ".csv"), "table": (".csv",)}.get(exhibit.get("kind"), ()):
        if not (folder.parent / f"{files}{suffix}").is_file():
            raise ValueError(f"{files}{suffix} is missing, which an exhibit of the notebook names")
    if exhibit.get("kind") == "table":
        rows = Rows(output.data["text/html"])
        return {"kind": "table", "caption": exhibit["caption"], "files": files, "head": rows.head, "body": rows.body}
    if exhibit.get("kind") == "figure":
        return figure(folder, exhibit)
    if "image/png" in output.data or "image/svg+xml" in output.data:
        raise ValueError(f"{folder.name}: a picture that is no exhibit; publish it with alt text and source")
    return {"kind": "text", "text": output.data.get("text/plain", "")}


def figure(folder: Path, exhibit: dict) -> dict:
    """Say what a page needs to show a figure.

    Parameters
    ----------
    folder : Path
        Folder of the figure's files, inside that of the edition.
    exhibit : dict
        slug, title, alt and source, as `helpers.charts` records them.

    Returns
    -------
    dict
        ``kind``, ``files`` (path in the edition without ending), ``width``, ``height`` (pixels), ``title``, ``alt``,
        ``source``.

    Raises
    ------
    ValueError
        If the alt text is missing.
    """
    files = f"{folder.name}/{exhibit['slug']}"
    if not exhibit.get("alt", "").strip():
        raise ValueError(f"{files}: a figure needs alt text that tells its finding")
    # the size of a PNG stands in its first chunk
    width, height = struct.unpack(">II", (folder.parent / f"{files}.png").read_bytes()[16:24])
    words = {key: exhibit.get(key, "") for key in ("title", "alt", "source")}
    return {"kind": "figure", "files": files, "width": width, "height": height, **words}


def ledger(folders: list[Path], questions: dict[str, str]) -> list[dict]:
    """Set the answers of some editions beside each claim: the note's first, then those that were added.

    Parameters
    ----------
    folders : list of Path
        Editions, each with ``verdicts.csv`` and ``results.json``.
    questions : dict of str to str
        Question of each notebook by name.

    Returns
    -------
    list of dict
        One a notebook and kind: ``notebook``, ``question`` (None where it is not there), ``added`` (whether the claims
        are not the note's), ``rows``: one a claim with ``id``, ``added``, ``claim``, ``quantity``, ``range`` (that
        makes it true) and ``answers``, one an edition, each with ``verdict``, ``robust``, ``reason``, ``method`` and
        ``value`` (None where there is none), ``unit``, ``interval`` in words.

    Raises
    ------
    ValueError
        If a verdict is on no claim of ``data/claims.csv``.
    """
    claims, answers = results.claims(), []
    for folder in folders:
        table = pd.read_csv(folder / "verdicts.csv", keep_default_na=False, dtype=str).set_index("claim")
        records = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        methods = {record["id"]: record["method"] or "" for record in records}
        unknown = table.index.difference(claims.index)
        if len(unknown):
            raise ValueError(f"{folder / 'verdicts.csv'} judges {', '.join(unknown)}, not in data/claims.csv")
        answers.append({row.Index: _answer(row, methods.get(row.Index, "")) for row in table.itertuples()})
    unasked = {"verdict": results.NOT_EXAMINED, "robust": "", "reason": "", "value": None, "method": ""}
    return [
        {
            "notebook": notebook,
            "question": questions.get(notebook),
            "added": bool(added),
            "rows": [
                {
                    "id": row.Index,
                    "added": bool(added),
                    "claim": row.claim,
                    "quantity": row.quantity,
                    "range": inference.range_in_words(row.low, row.high, row.unit),
                    "answers": [held.get(row.Index, unasked) for held in answers],
                }
                for row in rows.itertuples()
            ],
        }
        for (added, notebook), rows in claims.groupby(["added", "notebook"])
    ]


def _answer(row, method):
    answer = {"verdict": row.verdict, "robust": row.robust, "reason": row.reason, "value": None, "method": method}
    if row.value:
        found = [float(row.value), float(row.low), float(row.high)]
        interval = inference.interval_in_words(*found, method)
        answer |= {"value": inference.numbers(*found)[0], "unit": row.unit, "interval": interval}
    return answer


def tally(groups: list[dict], place: int) -> dict[str, int]:
    """Count the verdicts on the note's claims of the edition at a place of a ledger, in the order of `ORDER`."""
    words = [row["answers"][place]["verdict"] for group in groups if not group["added"] for row in group["rows"]]
    return {word: words.count(word) for word in ORDER if word in words}


NUMBER = r"[−+-]?(\d[\d,.]*|infinity)( \(.*\d.*\))?|\d{4}-\d\d-\d\d"


class Rows(HTMLParser):
    """The rows of an HTML table as plain text: a template builds the table anew, so no markup passes through."""

    def __init__(self, source):
        super().__init__()
        self.head, self.body = [], []
        self._rows, self._cell = self.body, None
        self.feed(source)
        self.close()
        if not self.body:
            raise ValueError("a table without rows; say in prose that there are none")
        for heading, cell in zip(self.head[-1] if self.head else [], self.body[0], strict=False):
            heading["number"] = cell["number"]

    def handle_starttag(self, tag, attrs):
        if tag in ("thead", "tbody"):
            self._rows = self.head if tag == "thead" else self.body
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td") and self._rows:
            spans = {key: int(value) for key, value in attrs if key in ("colspan", "rowspan") and value.isdigit()}
            self._cell = {"tag": tag, "text": "", "number": False, "spans": spans}
            self._rows[-1].append(self._cell)

    def handle_endtag(self, tag):
        if tag in ("th", "td") and self._cell:
            self._cell["text"] = self._cell["text"].strip()
            self._cell["number"] = bool(re.fullmatch(NUMBER, self._cell["text"])) and tag == "td"
            self._cell = None

    def handle_data(self, data):
        if self._cell:
            self._cell["text"] += data
