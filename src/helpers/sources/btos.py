"""Census Business Trends and Outlook Survey, workbooks with the present wording: all firms, sectors, employment sizes.

The workbooks are overwritten in place every second Thursday. An estimate is text such as ``21.5%``, ``S`` is suppressed
and ``.`` not asked in that cycle. The number of the question stayed when its wording was changed: only its text tells.
"""

import re

import pandas as pd

from helpers.sources import formats
from helpers.sources.feeds import Pulled, Stopped

SIZES = dict(zip("ABCDEFG", ("1-4", "5-9", "10-19", "20-49", "50-99", "100-249", "250+"), strict=True))
STRATA = {"sector": "sector", "empsize": "size_class", "employment size": "size_class", "subsector": "subsector"}
ASKED = {
    "use": r"did this business use Artificial Intelligence \(AI\)",
    "expected": r"will be using Artificial Intelligence \(AI\)",
}
WORDINGS = {"old": r"in producing goods or services", "new": r"in any of its business functions"}
CYCLE = re.compile(r"20\d{4}")
DATES = {
    "collection_start": r"col\w*\s+start",
    "collection_end": r"col\w*\s+end",
    "reference_start": r"ref\w*\s+start",
    "reference_end": r"ref\w*\s+end",
}
SHEETS = ("Response Estimates", "Response Standard Errors")


def pull(ask, held, today):
    """Read the three workbooks into btos_national, btos_sectors and btos_sizes."""
    tables = {"National": "btos_national", "Sector": "btos_sectors", "Employment Size Class": "btos_sizes"}
    found = []
    for file, table in tables.items():
        book = formats.sheets(f"{file}.xlsx", ask(file))
        rows = read(f"{file}.xlsx", book, SHEETS, held(table))
        found.append(pulled(table, rows, held, "new", f"U.S. Census Bureau, BTOS, {file}.xlsx as of {today}"))
    return found


def pulled(table, rows, held, wording, source):
    """Hand over rows of a table: no series is spliced to one of another wording, none has lost a cycle."""
    old = held(table)
    before = dict(zip(old.cycle, old.wording, strict=True))
    last = before[max(before)]
    for row in rows.itertuples():
        due = before.get(row.cycle, last if row.cycle > max(before) else row.wording)
        if row.wording != due:
            words = f"cycle {row.cycle} has the {row.wording} wording, but follows or repeats the {due} one"
            raise Stopped(f"{table}: {words}; two series, never spliced")
    if table == "btos_sectors":
        rows = rows.assign(sector_name=rows.sector.map(dict(zip(old.sector, old.sector_name, strict=True))))
    return Pulled(table, rows.assign(source=source), lists=lambda old: old.wording == wording)


def read(place, book, names, old):
    """Read the use of AI out of a workbook: one row a cycle and stratum.

    Parameters
    ----------
    place : str
        Name of the workbook, for errors.
    book : dict of str to list of tuple
        Sheets.
    names : tuple of str
        Sheets of the estimates and of their standard errors.
    old : DataFrame
        Rows held, whose columns tell the stratum.

    Raises
    ------
    Stopped
        If sheets or columns are missing or new, the question has another wording, or a cell is no estimate.
    """
    dates = _dates(place, book)
    estimates, errors = (_sheet(f"{place}, {name}", book.get(name)) for name in names)
    rows = []
    for asks, cycle, said, stratum in estimates:
        if asks != "use":
            continue
        row = {"cycle": cycle, "wording": said} | dict(stratum)
        for role_of in ASKED:
            same = (role_of, cycle, said, stratum)
            if same not in estimates or same not in errors:
                codes = ", ".join(code for _, code in stratum)
                raise Stopped(f"{place}: cycle {cycle} {codes} has no {role_of} rate with its error")
            row |= _rate(f"{place}, cycle {cycle}", role_of, estimates[same], errors[same])
        if row["use_status"] == row["expected_status"] == "":
            continue
        if "" in (row["use_status"], row["expected_status"]):
            raise Stopped(f"{place}: cycle {cycle} asked one of the two questions on AI only")
        if cycle not in dates:
            raise Stopped(f"{place}: sheet Collection and Reference Dates has no cycle {cycle}")
        rows.append(row | dates[cycle])
    if not rows:
        raise Stopped(f"{place}: no cycle has a figure")
    return pd.DataFrame(rows).reindex(columns=[name for name in old.columns if name in {*rows[0]}])


def wording(place, text):
    """Tell the wording of a question by its text.

    Raises
    ------
    Stopped
        If it is neither that of 2023 nor that of November 2025.
    """
    found = [name for name, words in WORDINGS.items() if re.search(words, text)]
    if len(found) != 1:
        raise Stopped(
            f"{place}: a wording of its own: {text[:160]!r}; a new series, which needs its name in data/columns.csv"
        )
    return found[0]


def role(text):
    """Tell which of the two questions a text asks, after making its spaces single; None for others."""
    return next((name for name, words in ASKED.items() if re.search(words, text)), None)


def single_spaced(text):
    """Make all spaces of a text single."""
    return " ".join(str(text).split())


def _sheet(place, rows):
    """Text of the cells of the two questions, answer yes, by role, cycle, wording and stratum."""
    if not rows:
        raise Stopped(f"{place}: there is no such sheet, or nothing in it")
    at = next((number for number, row in enumerate(rows) if "Question ID" in row), None)
    if at is None:
        raise Stopped(f"{place}, columns: missing Question ID")
    header = [single_spaced(cell) if cell is not None else "" for cell in rows[at]]
    strata = {number: STRATA[name.lower()] for number, name in enumerate(header) if name.lower() in STRATA}
    cycles = {number: name for number, name in enumerate(header) if CYCLE.fullmatch(name)}
    own = [header[number] for number in (*strata, *cycles)]
    expected = ("Question ID", "Question", "Answer ID", "Answer")
    formats.expect(place, [name for name in header if name], expected, own)
    question, answer = header.index("Question"), header.index("Answer")
    found = {}
    for row in rows[at + 1 :]:
        text = single_spaced(row[question])
        asks = role(text)
        if asks and str(row[answer]).strip() == "Yes":
            said, stratum = (
                wording(place, text),
                tuple((name, _code(name, row[number])) for number, name in strata.items()),
            )
            for number, cycle in cycles.items():
                if (asks, cycle, said, stratum) in found:
                    raise Stopped(f"{place}: cycle {cycle} {dict(stratum)} comes twice")
                found[asks, cycle, said, stratum] = str(row[number]).strip()
    if {asks for asks, *_ in found} != set(ASKED):
        raise Stopped(f"{place}: does not ask both questions on AI, or in other words; look for a new wording")
    return found


def _code(name, cell):
    code = str(cell).strip()
    return SIZES.get(code, code) if name == "size_class" else code


def _rate(place, role, estimate, error):
    if estimate in (".", "None", ""):
        return {f"{role}_rate": "", f"{role}_se": "", f"{role}_status": ""}
    if estimate == "S":
        return {f"{role}_rate": "", f"{role}_se": "", f"{role}_status": "suppressed"}
    if not estimate.endswith("%"):
        raise Stopped(f"{place}: {estimate!r} is no percentage, nor S nor .")
    size = "" if error in ("S", ".", "None", "") else formats.plain(formats.number(place, error))
    rate = f"{formats.number(place, estimate):.1f}"
    return {f"{role}_rate": rate, f"{role}_se": size, f"{role}_status": "ok"}


def _dates(place, book):
    """Dates of each cycle; where the day of publication is not told, four days after collection ends."""
    rows = book.get("Collection and Reference Dates")
    place = f"{place}, Collection and Reference Dates"
    pattern = re.compile(DATES["collection_start"], re.IGNORECASE)
    at = next((n for n, row in enumerate(rows or []) if any(pattern.search(str(cell)) for cell in row)), None)
    if at is None:
        raise Stopped(f"{place}, columns: missing Collection Start")
    header = [single_spaced(cell) for cell in rows[at]]
    where = {}
    for name, words in (DATES | {"published": r"publi\w*\s+date"}).items():
        fits = [number for number, cell in enumerate(header) if re.search(words, cell, re.IGNORECASE)]
        if len(fits) != 1 and name != "published":
            raise Stopped(f"{place}, columns: {len(fits)} for {name} among {', '.join(header)}")
        where[name] = fits[0] if fits else None
    found = {}
    for row in rows[at + 1 :]:
        cycle = next((str(cell).strip() for cell in row if CYCLE.fullmatch(str(cell).strip())), None)
        if cycle:
            days = {name: formats.day(place, row[number]) for name, number in where.items() if number is not None}
            found[cycle] = {"published": formats.later(days["collection_end"], 4)} | days
    return found
