"""README's findings: filled in from the stored notebooks, which the tests hold to their outputs."""

import base64
import collections
import sys

import nbformat

from helpers import content, paths, results

BEGIN, END = "<!-- findings: written by `make refresh-outputs` -->", "<!-- end of findings -->"
LEAD = ("01_returns", "returns-before-after")
LEDGER = ("99_verdicts", "verdicts-ledger")
ADDED = ("99_verdicts", "verdicts-added")


def exhibit(notebook: str, slug: str) -> nbformat.NotebookNode:
    """Find the stored output of a notebook that shows an exhibit.

    Raises
    ------
    LookupError
        If the notebook stores no such exhibit; ``make refresh-outputs`` makes it.
    """
    for cell in nbformat.read(paths.NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells:
        for output in cell.get("outputs", []):
            if output.get("metadata", {}).get("exhibit", {}).get("slug") == slug:
                return output
    raise LookupError(f"notebooks/{notebook}.ipynb stores no {slug}: run `make refresh-outputs`")


def findings() -> str:
    """Write the findings as Markdown: the lead figure, a row for each claim of the note that was judged, added ones.

    Returns
    -------
    str
        Text between the two marks of README.md, without them.
    """
    alt = exhibit(*LEAD).metadata["exhibit"]["alt"]
    rows = _rows(LEDGER)
    judged = _judged(rows)
    counts = collections.Counter(row["verdict"] for row in judged)
    fragile = [row for row in judged if row["robust"] == "no"]
    lines = [
        f"As known on {results.NOTE_DAY}, the day of the note:",
        "",
        f"![{alt}](docs/{LEAD[1]}.png)",
        "",
        *[line for path in _leaves() for line in (_paragraph(path), "")],
        f"Of the note's {len(rows)} claims, {len(judged)} could be judged on {results.NOTE_DAY}; the rest are "
        f"forecasts or wait for data. {counts[results.HOLDS]} hold, {counts[results.FAILS]} fail, "
        f"{counts[results.CANNOT_TELL]} cannot be told. {len(fragile)} of these verdicts turn when a declared "
        "alternative is taken instead.",
        "",
        *_table("The note says", judged),
    ]
    if results.claims().added.any():
        added = _rows(ADDED)
        words = f"Claims that are not the note's, added since and not counted above: {len(added)}, "
        lines += ["", f"{words}of which {len(_judged(added))} could be judged.", ""]
        lines += _table("Added claim", _judged(added)) if _judged(added) else []
    return "\n".join(lines).rstrip() + "\n"


def _rows(place):
    """Rows of a stored table of verdicts, as texts by column."""
    table = content.Rows(exhibit(*place).data["text/html"])
    names = [cell["text"] for cell in table.head[0]]
    return [dict(zip(names, (cell["text"] for cell in row), strict=True)) for row in table.body]


def _judged(rows):
    return [row for row in rows if row["verdict"] in (results.HOLDS, results.FAILS, results.CANNOT_TELL)]


def _table(head, rows):
    quantities = results.claims().set_index("claim").quantity
    lines = [f"| {head} | Measured as | Found | Verdict |", "|---|---|---|---|"]
    for row in rows:
        verdict = row["verdict"] + (", not robust" if row["robust"] == "no" else "")
        lines.append(f"| {row['claim']} | {quantities[row['claim']]} | {row['found']} {row['unit']} | {verdict} |")
    return lines


def _leaves():
    """List the stored notebooks that find something: all but that of the data and the verdicts."""
    files = sorted(paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    return [path for path in files if path.stem not in ("00_data", LEDGER[0])]


def _paragraph(path):
    """Put a notebook's question before the titles of its figures, which state its findings."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    exhibits = [output.get("metadata", {}).get("exhibit", {}) for output in outputs]
    figures = [exhibit for exhibit in exhibits if exhibit.get("kind") == "figure"]
    # how many alternatives agree is told once, for all claims
    titles = [f"{exhibit['title']}." for exhibit in figures if not exhibit["slug"].endswith("-specifications")]
    return f"**{content.question(notebook)}** {' '.join(titles)}"


def filled(text: str) -> str:
    """Put the findings between the marks of a README.

    Raises
    ------
    ValueError
        If the marks are missing.
    """
    before, mark, rest = text.partition(BEGIN)
    _, close, after = rest.partition(END)
    if not mark or not close:
        raise ValueError("README.md has lost the marks between which the findings stand")
    return f"{before}{BEGIN}\n{findings()}{END}{after}"


def current() -> bool:
    """Tell whether README.md and its figure are those of the stored notebooks.

    Raises
    ------
    LookupError, ValueError
        As `filled` and `exhibit`.
    """
    text = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    drawn = base64.b64decode(exhibit(*LEAD).data["image/png"])
    return text == filled(text) and picture().is_file() and picture().read_bytes() == drawn


def write() -> None:
    """Fill in README.md, and put its figure into ``docs``."""
    page = paths.ROOT / "README.md"
    text = filled(page.read_text(encoding="utf-8"))
    picture().parent.mkdir(exist_ok=True)
    written = {picture(): base64.b64decode(exhibit(*LEAD).data["image/png"]), page: text.encode("utf-8")}
    for draft, (target, held) in zip(drafts(), written.items(), strict=True):
        draft.write_bytes(held)
        draft.replace(target)


def drafts():
    """Places of README and its figure while they are written, which a killed run may leave behind."""
    return [target.with_name(f"{target.name}.part") for target in (picture(), paths.ROOT / "README.md")]


def picture():
    """Place of README's figure."""
    return paths.ROOT / "docs" / f"{LEAD[1]}.png"


if __name__ == "__main__":
    sys.exit(write())
