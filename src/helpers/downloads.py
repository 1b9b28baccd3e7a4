"""Downloads: one workbook for an edition, a LaTeX table beside each table's CSV, and the bibliography."""

import csv
import json
import math
import re
import shutil
from datetime import datetime
from pathlib import Path

import xlsxwriter

from helpers import cache, content, paths, references, results

WORKBOOK = "edition.xlsx"
# a spreadsheet holds fifteen digits of a number
NUMBER = r"-?(?!\d{16})(0|[1-9]\d*)(\.\d+)?(e[-+]\d+)?"
DAY = r"(19|2\d)\d\d-\d\d-\d\d"
WIDEST, LONGEST_NAME, LONG_TEXT, LONG_TABLE = 60, 31, 30, 40
LATEX = {sign: f"\\{sign}" for sign in "&%$#_{}"}
LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {"<": r"\textless{}", ">": r"\textgreater{}", "−": "$-$", "\n": " "}


def write(edition: Path, as_of: str, sections: list[dict] | None = None) -> None:
    """Write ``edition.xlsx``, ``references.bib`` and beside each table's CSV the table as LaTeX.

    Parameters
    ----------
    edition : Path
        Folder of the edition: ``results.json``, ``verdicts.csv`` and a folder for each notebook.
    as_of : str
        Day of the edition, an ISO date; the workbook says that it was made on it.
    sections : list of dict, optional
        Its notebooks, as `content.sections` gives them, where they have been read.

    Raises
    ------
    ValueError
        If a notebook is not fit to publish, as for `content.section`.
    OSError
        If the bibliography is missing.
    """
    tables = list(_tables(sections or content.sections(edition)))
    for table in tables:
        words = f"% AI after DeepSeek, reproduced: edition of {as_of}, {table['files']}.csv\n"
        text = latex(table["caption"], f"tab:{table['slug']}", table["head"][-1], table["body"])
        (edition / f"{table['files']}.tex").write_text(words + text, encoding="utf-8")
    shutil.copyfile(paths.ROOT / references.NAME, edition / references.NAME)
    try:
        _workbook(edition, as_of, tables)
    except xlsxwriter.exceptions.FileCreateError as error:
        # an error of the disk in a dress of its own
        raise error.args[0] from None


def _tables(sections):
    """Give the published tables of an edition, each with the name of its sheet and what its notebook loads."""
    taken = {"contents", "verdicts", "results", "lineage"}
    for section in sections:
        # without the cell of values as run: this code was read when the run was begun, and is remembered
        code = [cell["source"] for cell in section["cells"] if cell["kind"] in ("code", "parameters")]
        loads = cache.loads("\n".join(code))
        for table in [out for cell in section["cells"] for out in cell["outputs"] if out["kind"] == "table"]:
            slug = table["files"].partition("/")[2]
            sheet = sheet_name(slug, taken)
            taken.add(sheet)
            yield table | {"notebook": section["name"], "slug": slug, "sheet": sheet, "loads": loads}


def sheet_name(slug: str, taken: set[str]) -> str:
    """Name the sheet of a table: its slug, cut to what a spreadsheet allows and kept apart from those that are taken.

    Examples
    --------
    >>> sheet_name("a-very-long-name-of-a-table-of-numbers", {"a-very-long-name-of-a-table-of-"})
    'a-very-long-name-of-a-table-o~2'
    """
    name, count = slug[:LONGEST_NAME], 1
    while name in taken:
        count += 1
        name = f"{slug[: LONGEST_NAME - len(f'~{count}')]}~{count}"
    return name


def latex(caption: str, label: str, head: list[dict], body: list[list[dict]]) -> str:
    """Write a table as LaTeX with booktabs; a long one with longtable.

    Parameters
    ----------
    caption, label : str
    head : list of dict
        Cells of the last heading row, each with ``text``.
    body : list of list of dict
        Rows of cells with ``text`` and ``number``.

    Returns
    -------
    str
        Numbers stand to the right; long texts wrap; every sign that means something to TeX is escaped.
    """
    columns = "".join(_column([row[place] for row in body]) for place in range(len(head)))
    lines = [r"\toprule", _row(head), r"\midrule"]
    rows = [_row(row) for row in body]
    title = rf"\caption{{{escaped(caption)}}}\label{{{label}}}"
    if len(body) > LONG_TABLE:
        lines = ["% needs the packages booktabs and longtable", rf"\begin{{longtable}}{{{columns}}}", rf"{title} \\"]
        lines += [r"\toprule", _row(head), r"\midrule", r"\endhead", r"\bottomrule", r"\endfoot", *rows]
        lines.append(r"\end{longtable}")
    else:
        start = ["% needs the package booktabs", r"\begin{table}", r"\centering", title]
        lines = [*start, rf"\begin{{tabular}}{{{columns}}}", *lines, *rows, r"\bottomrule"]
        lines += [r"\end{tabular}", r"\end{table}"]
    return "\n".join([*lines, ""])


def _column(cells):
    texts = [cell["text"] for cell in cells]
    if any(texts) and all(cell["number"] or not cell["text"] for cell in cells):
        return "r"
    return r"p{0.3\linewidth}" if max(map(len, texts), default=0) > LONG_TEXT else "l"


def _row(cells):
    text = " & ".join(escaped(cell["text"]) for cell in cells)
    # after a line break TeX takes a bracket or a star for an option of it
    return rf"{'{}' if text.startswith(('[', '*')) else ''}{text} \\"


def escaped(text: str) -> str:
    r"""Escape what TeX would take for a command.

    Examples
    --------
    >>> print(escaped(r"50% of $R_m$ & \input{x}, −4"))
    50\% of \$R\_m\$ \& \textbackslash{}input\{x\}, $-$4
    """
    return "".join(LATEX.get(sign, sign) for sign in text)


def _workbook(edition, as_of, tables):
    # text is never looked at for formulas or addresses, numbers are told to be numbers
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(edition / WORKBOOK, options) as book:
        made = datetime.fromisoformat(as_of)
        book.set_properties({"title": f"AI after DeepSeek, reproduced: edition of {as_of}", "created": made})
        styles = {
            "title": book.add_format({"bold": True, "font_size": 14}),
            "head": book.add_format({"bold": True, "bottom": 1, "bg_color": "#EEEEEE"}),
            "day": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "text": book.add_format({"valign": "top"}),
        }
        held = {table["sheet"]: _csv(edition / f"{table['files']}.csv") for table in tables}
        own = {"verdicts": _verdicts(edition), "results": _results(edition), "lineage": _lineage(tables, as_of)}
        about = {
            "verdicts": ("", "One claim, of the note or added to them: what was found, and what follows."),
            "results": ("", "One number that a notebook recorded: headline of a claim, alternative or context."),
            "lineage": ("", "One table of data that the notebook of a sheet reads."),
        }
        about |= {table["sheet"]: (table["notebook"], table["caption"]) for table in tables}
        everything = own | held
        front = book.add_worksheet("contents")
        for name, rows in everything.items():
            _fill(book.add_worksheet(name), rows, styles)
        front.write_string(0, 0, f"AI after DeepSeek, reproduced: edition of {as_of}", styles["title"])
        front.write_string(
            1,
            0,
            "Tables to eight digits, results in full; the sheet lineage says where each comes from. CC BY 4.0.",
        )
        rows = [["sheet", "notebook", "what one row is", "rows", "columns"]]
        rows += [[name, *about[name], str(len(lines) - 1), str(len(lines[0]))] for name, lines in everything.items()]
        _fill(front, rows, styles, top=3)
        for place, name in enumerate(everything, start=4):
            front.write_url(place, 0, f"internal:'{name}'!A1", string=name)


def _fill(sheet, rows, styles, top=0):
    """Write rows, the first of them the heading, each column as numbers, days or text."""
    for place, (name, *texts) in enumerate(zip(*rows, strict=True)):
        sheet.write_string(top, place, name, styles["head"])
        kind = _kind(texts)
        for row, text in enumerate(texts, start=top + 1):
            if text == "":
                continue
            if kind == "number" and not text.endswith("inf"):
                sheet.write_number(row, place, float(text))
            elif kind == "day":
                sheet.write_datetime(row, place, datetime.fromisoformat(text), styles["day"])
            else:
                sheet.write_string(row, place, text, styles["text"])
        sheet.set_column(place, place, min(max(map(len, [name, *texts])) + 2, WIDEST))
    sheet.freeze_panes(top + 1, 0)


def _kind(texts):
    filled = [text for text in texts if text not in ("", "inf", "-inf")]
    for kind, pattern, held in (("number", NUMBER, _is_finite), ("day", DAY, _is_of_the_calendar)):
        if filled and all(re.fullmatch(pattern, text) and held(text) for text in filled):
            return kind
    return "text"


def _is_finite(text):
    return math.isfinite(float(text))


def _is_of_the_calendar(text):
    try:
        return bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _csv(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def _verdicts(edition):
    (head, *rows), claims = _csv(edition / "verdicts.csv"), results.claims()
    whose = claims.added.map({False: "the note", True: "added"})
    said = [[column.get(row[0], "") for column in (claims.claim, claims.quantity, whose)] for row in rows]
    return [
        [*head, "in words", "measured as", "claim of"],
        *([*row, *words] for row, words in zip(rows, said, strict=True)),
    ]


def _results(edition):
    records = json.loads((edition / "results.json").read_text(encoding="utf-8"))
    names = ["id", "notebook", "role", "value", "low", "high", "unit", "n", "method", "unanswered", "reason"]
    rows = [["" if record.get(name) is None else str(record[name]) for name in names] for record in records]
    inputs = ["; ".join(f"{held['table']} ({held['rows']} rows)" for held in record["inputs"]) for record in records]
    return [[*names, "inputs"], *([*row, told] for row, told in zip(rows, inputs, strict=True))]


def _lineage(tables, as_of):
    with (paths.DATA / "sources.csv").open(encoding="utf-8", newline="") as lines:
        sources = {row["table"]: row for row in csv.DictReader(lines)}
    told = ["table", "producer", "licence", "address", "published", "sha256"]
    rows = [["sheet", "notebook", "caption", "as of", *told]]
    for table in tables:
        about = [table["sheet"], table["notebook"], table["caption"], as_of]
        loads = sorted(sources) if table["loads"] is None else table["loads"]
        # the verdicts read no table: they gather what the other notebooks recorded
        rows += [[*about, *(sources[name][key] for key in told)] for name in loads] or [
            [*about, "results.json"] + [""] * 5
        ]
    return rows
