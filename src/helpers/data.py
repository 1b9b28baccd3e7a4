"""Raw to processed, checked against the ledgers; and reading as of a day.

``data/sources.csv`` has a row for each file of ``data/raw``, ``data/columns.csv`` a row for each of its columns. Every
rule they state is enforced on every cell: nothing is dropped, coerced or filled on the way to ``data/processed``.
``data/parameters.csv`` has a row for each parameter of a notebook: the declared value, at which claims are judged.

What became known later of a row that is held stands in ``data/vintages``, one file a table: the columns of the table
and ``known_from``, the day from which the row is in force. Your own rows stand in ``data/own``, out of git, by the same
rules. What of all this was known on a day, and in which vintage, is decided here alone: by `load`, and by `lines` and
`cells`, which say where the same rows stand in the files and what is written there.
"""

import csv
import datetime
import difflib
import functools
import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import filelock
import numpy as np
import pandas as pd

from helpers import journal, paths

# tables of thousands of rows: Arrow takes longer over each call than it saves over the rows
pd.set_option("mode.string_storage", "python")

SOURCE_COLUMNS = [
    "file",
    "table",
    "title",
    "producer",
    "address",
    "licence",
    "published",
    "read",
    "known_on",
    "kind",
    "sha256",
]
COLUMN_COLUMNS = [
    "table",
    "column",
    "meaning",
    "type",
    "unit",
    "minimum",
    "maximum",
    "categories",
    "key",
    "required",
    "refers_to",
]
CLAIM_COLUMNS = [
    "id",
    "notebook",
    "note_section",
    "kind",
    "claim",
    "quantity",
    "unit",
    "low",
    "high",
    "reason_for_range",
]
# a claim that is not the note's has no section of the note, and is no chart, text or forecast of it
ADDED_COLUMNS = [name for name in CLAIM_COLUMNS if name not in ("note_section", "kind")]
PARAMETERS = "parameters.csv"
PARAMETER_COLUMNS = ["notebook", "name", "value"]
OWN_COLUMNS = ["table", "producer", "address", "licence", "read"]
OWN_GROUPS = "groups.csv"
CLAIM_KINDS = ("chart", "text", "forecast")
KINDS = ("series", "snapshots", "record", "definition")
ALWAYS = "always"
KNOWN_FROM = "known_from"
REPLICATION = "2025-02-14"
SHOWN = 20
_PARTS = ("raw", "vintages", "own")

_FORMS = {
    "text": re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?"),
    # nothing has no sign: an integer would lose it
    "integer": re.compile(r"(?!-0$)-?(?:0|[1-9]\d*)", re.ASCII),
    "number": re.compile(r"(?!-0(?:\.0+)?$)-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII),
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "flag": re.compile(r"[01]"),
    "quarter": re.compile(r"\d{4}Q[1-4]", re.ASCII),
}
_PROCESSED_TYPES = {"text": "str", "quarter": "str", "number": "float64", "date": "datetime64[ms]"}
# cells of a column by the kind of its type
_WRITTEN = {
    "M": "{:%Y-%m-%d}".format,
    "f": functools.partial(np.format_float_positional, trim="-"),
    "b": "{:d}".format,
}


class DataError(Exception):
    """Raw data or a ledger that breaks a rule; says every place, the first twenty in full."""

    def __init__(self, faults):
        self.faults = list(faults)
        more = len(self.faults) - SHOWN
        lines = self.faults[:SHOWN] + ([f"and {more} more"] if more > 0 else [])
        super().__init__("\n".join(lines))

    def __reduce__(self):
        return type(self), (self.faults,)


@dataclass(frozen=True)
class _Rule:
    """A row of data/columns.csv, ready to be applied to cells."""

    column: str
    type: str
    minimum: str
    maximum: str
    categories: frozenset
    key: bool
    required: bool
    refers_to: str

    def fault(self, value):
        """Say which rule a cell breaks, or None."""
        if value == "":
            return "is empty, but the column is required" if self.required else None
        if not _FORMS[self.type].fullmatch(value):
            return f"is not of type {self.type}"
        if self.type == "date":
            try:
                datetime.date.fromisoformat(value)
            except ValueError:
                return "is no date of the calendar"
        if self.categories and value not in self.categories:
            return f"is none of {' | '.join(sorted(self.categories))}"
        if self.minimum and self.orderly(value) < self.orderly(self.minimum):
            return f"is below the minimum {self.minimum}"
        if self.maximum and self.orderly(value) > self.orderly(self.maximum):
            return f"is above the maximum {self.maximum}"
        if self.type == "number" and math.isinf(float(value)):
            return "is too large for a number"
        if self.type == "integer" and not -(2**63) <= self.orderly(value) < 2**63:
            return "is too large for an integer"
        return None

    def orderly(self, value):
        # to the last digit, which a float may not hold
        return Decimal(value) if self.type in ("number", "integer") else value

    def meant(self, value):
        """Say what a cell means as a key: a number whatever its zeros, if it is one, or else the text."""
        return value if value == "" or self.fault(value) else self.orderly(value)


_SINCE = _Rule(KNOWN_FROM, "date", "", "", frozenset(), True, True, "")
_GROUP_RULES = [
    _Rule("group", "text", "", "", frozenset(), True, True, ""),
    _Rule("security", "text", "", "", frozenset(), True, True, ""),
    _Rule("weight", "number", "0", "", frozenset(), False, True, ""),
]
# they become names of files and words of titles
_GROUP, _LONGEST_GROUP = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"), 24


def sources() -> pd.DataFrame:
    """Read the ledger of raw files: one row a file.

    Returns
    -------
    pandas.DataFrame
        Index ``table``; columns file, title, producer, address, licence, published, read, known_on (the column
        that tells when a row was known, or ``always``), kind (series, snapshots, record, definition), sha256.
    """
    return _ledger("sources.csv", SOURCE_COLUMNS).set_index("table", drop=False)


def columns() -> pd.DataFrame:
    """Read the ledger of columns: one row a column of a raw file, with its meaning, type, unit and rules."""
    return _ledger("columns.csv", COLUMN_COLUMNS)


def declared_parameters() -> dict[str, dict]:
    """Read the ledger of declared parameters: the values at which each notebook judges its claims.

    Returns
    -------
    dict of str to dict
        By notebook, the declared value of each parameter by its name. Text, integers, numbers and flags are Python's
        str, int, float and bool.

    Raises
    ------
    DataError
        Naming line, column and value of every fault of ``data/parameters.csv``.
    """
    declared = _declared(_ledger_content(PARAMETERS))
    return {notebook: dict(values) for notebook, values in declared.items()}


# every load asks whether the ledger is in order
@functools.lru_cache(maxsize=4)
def _declared(content):
    rows, found = _ledger_rows(PARAMETERS, tuple(PARAMETER_COLUMNS), content), {}
    if faults := _parameter_faults(rows):
        raise DataError(faults)
    for row in rows.itertuples():
        found.setdefault(row.notebook, {})[row.name] = json.loads(row.value)
    return found


def unknown_notebooks() -> list[str]:
    """Name the rows of ``data/parameters.csv`` whose notebook does not exist, a line a row.

    Raises
    ------
    DataError
        As for `declared_parameters`.
    """
    declared_parameters()
    names = sorted(path.stem for path in paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    rows = _ledger(PARAMETERS, PARAMETER_COLUMNS)
    return [
        f"data/{PARAMETERS} line {line}, column notebook: there is no notebook {name!r}; {_nearest(name, names)}"
        for line, name in rows.notebook[~rows.notebook.isin(names)].items()
    ]


def _nearest(name, names):
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else "remove the row"


def check() -> dict[str, pd.DataFrame]:
    """Check every raw file against every rule of the ledgers.

    Returns
    -------
    dict of str to DataFrame
        Each table with its columns in their processed types.

    Raises
    ------
    DataError
        Naming file, line, column, value and rule of every fault.
    """
    return {table: typed(table, cells) for (part, table), cells in _checked().items() if part == "raw"}


def _checked():
    """Cells of every raw file and vintages file, by part and table, when none breaks a rule."""
    faults = _ledger_faults()
    if faults:
        raise DataError(faults)
    listed = sources()
    on_disk = {str(path.relative_to(paths.RAW)) for path in paths.RAW.rglob("*") if not path.is_dir()}
    for name in sorted(on_disk - set(listed.file)):
        faults.append(f"data/raw/{name}: not listed in data/sources.csv; add its row or take the file away")
    for path in sorted((paths.DATA / "vintages").glob("*")):
        if path.name not in set(listed.file):
            faults.append(f"data/vintages/{path.name}: no table of data/sources.csv has that name; take the file away")
    texts = {}
    for table in listed.index:
        texts["raw", table], found = read(table)
        faults += found
        revised, found = vintages(table)
        faults += found
        if revised is not None:
            texts["vintages", table] = revised
    for (part, table), cells in texts.items():
        faults += _reference_faults(part, table, cells, texts)
    if faults:
        raise DataError(faults)
    return texts


def read(table: str) -> tuple[pd.DataFrame, list[str]]:
    """Read a raw file cell by cell against the rules of its columns.

    Parameters
    ----------
    table : str
        Name in ``data/sources.csv``.

    Returns
    -------
    tuple of DataFrame and list of str
        The cells as text, indexed by their line in the file, and the faults found.
    """
    source = sources().loc[table]
    rules, place = _rules(table), f"data/raw/{source.file}"
    names = [rule.column for rule in rules]
    path = paths.RAW / source.file
    if not path.is_file():
        return pd.DataFrame(columns=names), [f"{place}: missing; {_restored(path, place, 'put it back')}"]
    content = path.read_bytes()
    faults = []
    digest = hashlib.sha256(content).hexdigest()
    if digest != source.sha256:
        instead = "state the new hash in data/sources.csv, column sha256"
        remedy = _restored(path, place, instead, ", or state the new hash if the change is meant")
        faults.append(f"{place}: sha256 is {digest}, but data/sources.csv says {source.sha256}; {remedy}")
    cells, found = _cells(content, rules, place)
    return cells, found + faults


def _restored(path, place, instead, otherwise=""):
    """Say how a raw file is restored: by git, unless this is a checkout that does not track it."""
    command = ["git", "ls-files", "--error-unmatch", "--", path.name]
    try:
        # outside of any checkout the code is another
        untracked = subprocess.run(command, cwd=paths.RAW, capture_output=True, check=False).returncode == 1
    except OSError:
        untracked = False
    if untracked:
        return f"git does not track it, so there is nothing to restore: {instead}"
    return f"restore it with `git checkout {place}`{otherwise}"


def vintages(table: str) -> tuple[pd.DataFrame | None, list[str]]:
    """Read what became known later of a table: rows to be read instead of held ones, or beside them, from a day on.

    Parameters
    ----------
    table : str
        Name in ``data/sources.csv``.

    Returns
    -------
    tuple of DataFrame and list of str
        The cells as text with the column ``known_from``, None where nothing was ever revised, and the faults found.
    """
    path = paths.DATA / "vintages" / f"{table}.csv"
    if not path.is_file():
        return None, []
    return _cells(path.read_bytes(), [*_rules(table), _SINCE], f"data/vintages/{path.name}")


def check_rows(table: str, rows: pd.DataFrame) -> list[str]:
    """Tell which rules of their table some rows of text cells break, each with the number of the row."""
    found = []
    for rule in _rules(table):
        for number, value in enumerate(rows[rule.column], start=1):
            fault = rule.fault(value)
            if fault:
                found.append(f"row {number}, column {rule.column}: {value!r} {fault}")
    return found


def _cells(content, rules, place):
    """Cells of a file by its lines, and the faults that its rules find."""
    names = [rule.column for rule in rules]
    text, fault = _decoded(content)
    if fault:
        return pd.DataFrame(columns=names), [f"{place}: {fault}"]
    rows, lines, found = _rows(text, names)
    cells = pd.DataFrame(rows, columns=names, index=lines, dtype=str)
    for rule in rules:
        for line, value in zip(lines, cells[rule.column], strict=True):
            fault = rule.fault(value)
            if fault:
                found.append(f"line {line}, column {rule.column}: {value!r} {fault}")
    found += _key_faults(cells, [rule.column for rule in rules if rule.key], rules)
    return cells, _placed(place, found)


def typed(table: str, cells: pd.DataFrame) -> pd.DataFrame:
    """Give checked text cells their types: dates as days, numbers as float64, flags as booleans."""
    return _typed(cells, [*_rules(table), *([_SINCE] if KNOWN_FROM in cells else [])])


def _typed(cells, rules):
    out = {}
    for rule in rules:
        column = cells[rule.column].where(cells[rule.column] != "")
        if rule.type == "integer":
            column = column.astype("int64" if rule.required else "Int64")
        elif rule.type == "flag":
            column = column.map({"1": True, "0": False}).astype("bool" if rule.required else "boolean")
        elif rule.type == "date":
            column = pd.to_datetime(column, format="%Y-%m-%d").astype("datetime64[ms]")
        else:
            column = column.astype(_PROCESSED_TYPES[rule.type])
        out[rule.column] = column.reset_index(drop=True)
    return pd.DataFrame(out)


def build() -> bool:
    """Check the raw data and write ``data/processed``, one parquet a table, unless it is up to date.

    Returns
    -------
    bool
        Whether anything had to be written.

    Raises
    ------
    DataError
        If a rule is broken; what was built before stays.
    """
    journal.recover()
    built = _build()
    # no table follows from it, so that another value builds none anew
    declared_parameters()
    _own()
    return built


def _build():
    if _is_built():
        return False
    paths.PROCESSED.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(paths.PROCESSED / ".lock"):
        # by another meanwhile
        return False if _is_built() else _write_processed()


def _stamp():
    return paths.PROCESSED / "built.json"


def _is_built():
    try:
        return _stamp().read_text(encoding="utf-8") == _state()
    except FileNotFoundError:
        return False


def _write_processed():
    tables, stamp = _checked(), _stamp()
    for left in paths.PROCESSED.glob("*.part"):  # of a build that was killed
        left.unlink()
    stamp.unlink(missing_ok=True)  # tables half written must not count as built, should this be killed
    for (part, table), cells in tables.items():
        draft = paths.PROCESSED / f"{table}.{os.getpid()}.part"
        typed(table, cells).to_parquet(draft, index=False)
        draft.replace(_processed(part, table))
    for file in set(paths.PROCESSED.glob("*.vintages.parquet")) - {_processed(*name) for name in tables}:
        file.unlink()
    draft = stamp.with_suffix(f".{os.getpid()}.part")
    draft.write_text(_state(), encoding="utf-8")
    draft.replace(stamp)
    return True


def load(table: str, as_of: str) -> pd.DataFrame:
    """Read the rows of a table that were known on a day.

    Parameters
    ----------
    table : str
        Name in ``data/sources.csv``.
    as_of : str
        ISO date; a row enters when its ``known_on`` column is not later.

    Returns
    -------
    pandas.DataFrame
        Rows in the order of the raw file, as they were in force on the day: a value that was revised since is read
        as it stood. ``attrs`` hold the table's name, the sha256 of its raw file, the names of its key columns (one
        text, for it is copied with every cut of the table), the number of rows, and how many are your own, where some
        are.

    Raises
    ------
    ValueError
        If there is no such table, or the date is impossible.
    DataError
        If the raw data had to be checked anew and break a rule.
    """
    rows, source, own = _read_as_of(table, as_of)
    rows.index = pd.RangeIndex(len(rows))
    rows.attrs = {"table": table, "sha256": source.sha256, "key": " ".join(_key(table)), "rows": len(rows)}
    rows.attrs |= {"own": own} if own else {}
    return rows


def lines(table: str, as_of: str) -> pd.Series:
    """Give the file and line in which each row of a table stands, as the table is read on a day.

    Parameters
    ----------
    table : str
        Name in ``data/sources.csv``.
    as_of : str
        ISO date.

    Returns
    -------
    pandas.Series
        Text, one a row of ``load(table, as_of)`` and indexed as that is: ``17`` for line 17 of
        ``data/raw/<table>.csv``, ``3 of vintages`` for line 3 of ``data/vintages/<table>.csv``, ``2 of own`` for line 2
        of ``data/own/<table>.csv``. The names of the columns are line 1.

    Raises
    ------
    ValueError, DataError
        As `load`.
    """
    rows, _, _ = _read_as_of(table, as_of)
    return pd.Series([_line_text(number) for number in rows.index], name="line", dtype="str")


def cells(table: str) -> pd.DataFrame:
    """Give the public rows of a table as text cells, as they stand now: all of them, each in its latest vintage.

    Parameters
    ----------
    table : str
        Name in ``data/sources.csv``.

    Returns
    -------
    pandas.DataFrame
        The cells as written in the files, in the order in which `load` gives the rows.

    Raises
    ------
    DataError
        If the raw data had to be checked anew and break a rule.
    """
    build()
    written, revised = _at_lines(read(table)[0], "raw"), vintages(table)[0]
    if revised is not None:
        written = pd.concat([written, _at_lines(revised, "vintages").drop(columns=KNOWN_FROM)])
    return written.loc[_in_force(table).index].reset_index(drop=True)


def untyped(rows: pd.DataFrame) -> pd.DataFrame:
    """Write typed rows as text cells, the same value always the same: the inverse of `typed`.

    Returns
    -------
    pandas.DataFrame
        Days as yyyy-mm-dd, numbers in the fewest digits that tell them apart, flags as 1 and 0, a missing value as an
        empty cell.
    """
    out = {}
    for name, column in rows.items():
        write = _WRITTEN.get(column.dtype.kind, str)
        out[name] = pd.Series(["" if pd.isna(value) else write(value) for value in column], rows.index, dtype="str")
    return pd.DataFrame(out)


def _read_as_of(table, as_of):
    """Rows of a table known on a day, by the lines in which they stand; the table's source, and how many are own."""
    journal.recover()
    ledger = sources()
    if table not in ledger.index:
        raise ValueError(f"no table {table!r}; there are {', '.join(ledger.index)}")
    day = parse_day(as_of)
    build()
    source = ledger.loc[table]
    rows = known(_in_force(table, day), source.known_on, day)
    own = _own().get(table)
    if own is None:
        return rows, source, 0
    own = known(own, source.known_on, day)
    return _ordered(table, [rows, own]) if len(own) else rows, source, len(own)


def own_groups(file: str = OWN_GROUPS) -> pd.DataFrame:
    """Read groups of securities of one's own, checked as every table is.

    Parameters
    ----------
    file : str
        Name of the file in ``data/own``, with the columns group, security and, if members are not to count alike,
        weight.

    Returns
    -------
    pandas.DataFrame
        One row a member: group, security, weight (a share of its group, the shares sum to 1). Empty where there is no
        such file, or own data are left out.

    Raises
    ------
    DataError
        Naming file, line, column, value and rule of every fault: a security that is not held with the nearest that is,
        a group that is one of the collection's, a member that stands twice, a weight that is not above nought.
    ValueError
        If the file does not lie in ``data/own``.
    """
    path, empty = (paths.DATA / "own" / file).resolve(), pd.DataFrame(columns=["group", "security", "weight"])
    if not path.is_relative_to((paths.DATA / "own").resolve()) or path.suffix != ".csv":
        raise ValueError(f"{file!r} is no CSV file in data/own")
    if os.environ.get(paths.OWN_VARIABLE) == "0" or (file == OWN_GROUPS and not path.is_file()):
        return empty
    place = f"data/own/{file}"
    if not path.is_file():
        raise DataError([f"{place}: missing"])
    content = path.read_bytes()
    rules = _GROUP_RULES if content.partition(b"\n")[0].count(b",") > 1 else _GROUP_RULES[:2]
    cells, faults = _cells(content, rules, place)
    if not faults:
        faults = [f"{place} {fault}" for fault in _group_faults(cells)]
    if faults:
        raise DataError(faults)
    weight = cells.weight.astype(float) if "weight" in cells else pd.Series(1.0, cells.index)
    return cells.assign(weight=weight / weight.groupby(cells.group).transform("sum")).reset_index(drop=True)


def _group_faults(cells):
    known = sorted({*_in_force("securities").security, *_own().get("securities", {"security": ()})["security"]})
    taken = set(_in_force("security_groups").group)
    for line, row in cells.iterrows():
        if not _GROUP.fullmatch(row.group) or len(row.group) > _LONGEST_GROUP:
            rule = f"up to {_LONGEST_GROUP} small letters, digits and single underscores"
            yield f"line {line}, column group: {row.group!r} is no name of {rule}"
        if row.group in taken:
            yield f"line {line}, column group: {row.group!r} is a group of the collection; give yours another name"
        if row.security not in known:
            near = difflib.get_close_matches(row.security, known, n=1, cutoff=0.3)
            told = f"did you mean {near[0]}?" if near else "data/own/securities.csv takes your own"
            yield f"line {line}, column security: {row.security!r} is not held; {told}"
        if "weight" in cells and float(row.weight) == 0:
            yield f"line {line}, column weight: {row.weight!r} is not above 0; leave the member out"


def _in_force(table, day=None):
    """Rows of a table by their lines, as they stood on a day or as they stand now, whatever was revised since."""
    rows = _at_lines(pd.read_parquet(_processed("raw", table)), "raw")
    if not _processed("vintages", table).is_file():
        return rows
    later = _at_lines(pd.read_parquet(_processed("vintages", table)), "vintages")
    later = later if day is None else later[later[KNOWN_FROM] <= pd.Timestamp(day)]
    later = later.sort_values(KNOWN_FROM, kind="stable").drop(columns=KNOWN_FROM)
    return _ordered(table, [rows, later]) if len(later) else rows


def _at_lines(rows, part):
    """Index the rows of a file by part and line: the first line names the columns, and no cell may span two."""
    count, place = len(_PARTS), _PARTS.index(part)
    # whole numbers, which take a load no longer, and in place
    rows.index = pd.RangeIndex(2 * count + place, (len(rows) + 2) * count + place, count)
    return rows


def _line_text(number):
    line, place = divmod(number, len(_PARTS))
    return f"{line} of {_PARTS[place]}" if place else f"{line}"


def _ordered(table, parts):
    """Rows of several parts in the order of the key, by their lines; of two with one key the later."""
    key = _key(table)
    rows = pd.concat([part for part in parts if len(part)] or parts[:1])
    return rows.drop_duplicates(key, keep="last").sort_values(key, kind="stable", na_position="first")


def _processed(part, table):
    return paths.PROCESSED / (f"{table}.parquet" if part == "raw" else f"{table}.{part}.parquet")


def known(rows: pd.DataFrame, column: str, day: datetime.date) -> pd.DataFrame:
    """Keep the rows known on a day: those whose ``column`` is not later; all of them where it is ``always``."""
    return rows if column == ALWAYS else rows[rows[column] <= pd.Timestamp(day)]


def parse_day(text: str) -> datetime.date:
    """Read an ISO date strictly.

    Raises
    ------
    ValueError
        If the text is not a date of the calendar written yyyy-mm-dd.
    """
    if not isinstance(text, str) or not _FORMS["date"].fullmatch(text):
        raise ValueError(f"{text!r} is not a date written yyyy-mm-dd")
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date of the calendar") from None


def reach(as_of: str | None = None) -> pd.DataFrame:
    """Tell how far each table reaches, one row a table.

    Parameters
    ----------
    as_of : str, optional
        ISO date; only rows known by then count. All rows, where it is left out.

    Returns
    -------
    pandas.DataFrame
        Index ``table``; columns kind, rows, first and last (day on which a row became known; missing for definitions).
    """
    build()
    out = []
    for source in sources().itertuples():
        day = parse_day(as_of) if as_of else None
        rows = _in_force(source.table, day)
        rows = known(rows, source.known_on, day) if as_of else rows
        days = rows[source.known_on] if source.known_on != ALWAYS else pd.Series(pd.NaT, dtype="datetime64[ms]")
        out.append((source.table, source.kind, len(rows), days.min(), days.max()))
    return pd.DataFrame(out, columns=["table", "kind", "rows", "first", "last"]).set_index("table")


def span() -> tuple[str, str]:
    """First and last as-of date that can be asked for: when the first and the last row of a series was known."""
    series = reach().query("kind == 'series'")
    return f"{series['first'].min():%Y-%m-%d}", f"{series['last'].max():%Y-%m-%d}"


def latest() -> str:
    """Newest date that all series reach: the as-of date of the latest edition."""
    series = reach().query("kind == 'series'")
    return f"{series['last'].min():%Y-%m-%d}"


def _ledger(name, header):
    return _ledger_rows(name, tuple(header), _ledger_content(name)).copy()


def _ledger_content(name):
    path = paths.DATA / name
    if not path.is_file():
        raise DataError([f"data/{name}: missing; restore it with `git checkout data/{name}`"])
    return path.read_bytes()


# read over and over, once a table
@functools.lru_cache(maxsize=16)
def _ledger_rows(name, header, content):
    text, fault = _decoded(content)
    if fault:
        raise DataError([f"data/{name}: {fault}"])
    rows, lines, faults = _rows(text, list(header))
    if faults:
        raise DataError(_placed(f"data/{name}", faults))
    return pd.DataFrame(rows, columns=header, index=pd.Index(lines, name="line"), dtype=str)


def _ledger_faults():
    listed, described = _ledger("sources.csv", SOURCE_COLUMNS), columns()
    faults = [f"data/sources.csv {fault}" for fault in _key_faults(listed, ["table"]) + _key_faults(listed, ["file"])]
    faults += [f"data/columns.csv {fault}" for fault in _key_faults(described, ["table", "column"])]
    for line, row in listed.iterrows():
        place = f"data/sources.csv line {line}"
        faults += [f"{place}, column {name}: is empty" for name in SOURCE_COLUMNS if row[name] == ""]
        if row.kind not in KINDS:
            faults.append(f"{place}, column kind: {row.kind!r} is none of {' | '.join(KINDS)}")
        if row.file != f"{row.table}.csv":
            faults.append(f"{place}, column file: {row.file!r} is not {row.table}.csv")
        own = described[described.table == row.table]
        if own.empty:
            faults.append(f"{place}: no column of {row.table} is described in data/columns.csv")
        elif row.known_on != ALWAYS:
            rule = own[own.column == row.known_on]
            if rule.empty or rule.iloc[0].type != "date" or rule.iloc[0].required != "1":
                faults.append(f"{place}, column known_on: {row.known_on!r} is no required date column of {row.table}")
    for line, row in described.iterrows():
        place = f"data/columns.csv line {line}"
        if row.table not in set(listed.table):
            faults.append(f"{place}, column table: {row.table!r} is not in data/sources.csv")
        if row.type not in _FORMS:
            faults.append(f"{place}, column type: {row.type!r} is none of {' | '.join(_FORMS)}")
        if row.type in _FORMS:
            bound = _Rule(row.column, row.type, "", "", frozenset(), False, False, "")
            wrong = [name for name in ("minimum", "maximum") if bound.fault(row[name])]
            faults += [f"{place}, column {name}: {row[name]!r} is not of type {row.type}" for name in wrong]
            if row.minimum and row.maximum and not wrong and bound.orderly(row.minimum) > bound.orderly(row.maximum):
                faults.append(f"{place}: the minimum {row.minimum} is above the maximum {row.maximum}")
        for name in ("key", "required"):
            if row[name] not in ("0", "1"):
                faults.append(f"{place}, column {name}: {row[name]!r} is neither 0 nor 1")
        if row.meaning == "":
            faults.append(f"{place}, column meaning: is empty")
        if row.refers_to and row.refers_to not in set(described.table + "." + described.column):
            faults.append(f"{place}, column refers_to: {row.refers_to!r} is no table.column")
    return faults + _claim_faults() + _parameter_faults(_ledger(PARAMETERS, PARAMETER_COLUMNS))


def _claim_faults():
    claims, added = _ledger("claims.csv", CLAIM_COLUMNS), pd.DataFrame(columns=ADDED_COLUMNS)
    if paths.added_claims().is_file():
        added = _ledger("added_claims.csv", ADDED_COLUMNS)
    faults = []
    for name, rows in (("claims.csv", claims), ("added_claims.csv", added)):
        faults += [f"data/{name} {fault}" for fault in _key_faults(rows, ["id"])]
        for line, row in rows.iterrows():
            faults += _faults_of_claim(f"data/{name} line {line}", row)
    for line, row in added[added.id.isin(claims.id)].iterrows():
        faults.append(f"data/added_claims.csv line {line}, column id: {row.id!r} is a claim of the note")
    return faults


def _faults_of_claim(place, row):
    faults = [f"{place}, column {name}: is empty" for name in row.index if row[name] == ""]
    if "kind" in row and row.kind not in CLAIM_KINDS:
        faults.append(f"{place}, column kind: {row.kind!r} is none of {' | '.join(CLAIM_KINDS)}")
    if not re.fullmatch(r"\d\d_[a-z0-9_]+", row.notebook):
        faults.append(f"{place}, column notebook: {row.notebook!r} is not the name of a notebook")
    try:
        orderly = float(row.low) <= float(row.high)
    except ValueError:
        orderly = False
    if not orderly:
        faults.append(f"{place}: {row.low!r} to {row.high!r} is no range")
    return faults


def _parameter_faults(rows):
    faults = [f"data/{PARAMETERS} {fault}" for fault in _key_faults(rows, ["notebook", "name"])]
    for line, row in rows.iterrows():
        place = f"data/{PARAMETERS} line {line}"
        if not re.fullmatch(r"\d\d_[a-z0-9_]+", row.notebook):
            faults.append(f"{place}, column notebook: {row.notebook!r} is not the name of a notebook")
        if not row["name"].isidentifier():
            faults.append(f"{place}, column name: {row['name']!r} is not the name of a parameter")
        if fault := _fault_of_value(row["name"], row.value):
            faults.append(f"{place}, column value: {row.value!r} {fault}")
    for notebook, names in rows.groupby("notebook")["name"]:
        if "as_of" not in set(names):
            faults.append(f"data/{PARAMETERS} line {names.index[0]}: {notebook} has no row for as_of; add it")
    return faults


def _fault_of_value(name, text):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return 'is not a value in JSON, such as 10000, 0.95, true or "SPY"'
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "is not text, a finite number, true or false"
    if name == "as_of" and value != REPLICATION:
        return f"is not the day of the stored notebooks, {json.dumps(REPLICATION)}"
    return None


def _key(table):
    return [rule.column for rule in _rules(table) if rule.key]


def _rules(table):
    return _rules_by_table((paths.DATA / "columns.csv").read_bytes()).get(table, [])


@functools.lru_cache(maxsize=16)
def _rules_by_table(_):
    found = {}
    for row in columns().itertuples():
        categories = frozenset(row.categories.split("|")) if row.categories else frozenset()
        bounds, marks = (row.minimum, row.maximum), (row.key == "1", row.required == "1")
        found.setdefault(row.table, []).append(_Rule(row.column, row.type, *bounds, categories, *marks, row.refers_to))
    return found


def _placed(place, faults):
    return [f"{place} {fault}" if fault.startswith("line") else f"{place}: {fault}" for fault in faults]


def _decoded(content):
    """Text of a file, or what kept it from being read."""
    if not content:
        return "", "is empty"
    if content.startswith(b"\xef\xbb\xbf"):
        return "", "starts with a byte order mark; save it as plain UTF-8"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "", "is UTF-16; save it as plain UTF-8"
    if b"\x00" in content:
        return "", "holds a NUL byte"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        return "", f"is not UTF-8 on line {line}"
    if text.lstrip()[:1] == "<":
        return "", "is an HTML or XML page, not a table"
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        return "", f"has a carriage return on line {line}; lines end with a line feed"
    if not text.endswith("\n"):
        line = text.count("\n") + 1
        return "", f"is cut: line {line} has no line end"
    return text, None


def _rows(text, header):
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, lines, faults = [], [], []
    try:
        found = next(reader)
        if found != header:
            return [], [], [_header_fault(found, header)]
        for row in reader:
            if len(row) != len(header):
                faults.append(f"line {reader.line_num}: {len(row)} cells, but the header has {len(header)}")
            else:
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        faults.append(f"line {reader.line_num}: {error}")
    if not rows and not faults:
        faults.append("has a header but no rows")
    return rows, lines, faults


def _header_fault(found, header):
    counts, most = Counter(found), 20
    twice = sorted(name for name, count in counts.items() if count > 1)
    missing = [name for name in header if name not in counts]
    extra = [name for name in found if name not in header]
    kinds = (("twice", twice), ("missing", missing), ("extra", extra))
    parts = [
        # what a terminal might take for a command or a line is spelled out
        f"{word} {', '.join(name if name.isprintable() else repr(name) for name in names[:most])}"
        + (f" and {len(names) - most} more" if len(names) > most else "")
        for word, names in kinds
        if names
    ]
    return f"line 1, columns: {'; '.join(parts) or 'in another order than ' + ', '.join(header)}"


def _key_faults(cells, key, rules=()):
    """Rows whose key stands above them; 1.0 is the key 1, however it is written."""
    numbers = [rule for rule in rules if rule.key and rule.type == "number"]
    meant = cells.assign(**{rule.column: [rule.meant(cell) for cell in cells[rule.column]] for rule in numbers})
    if not key or not meant.duplicated(key).any():
        return []
    faults, first = [], {}
    rows = (table[key].itertuples(index=False, name=None) for table in (meant, cells))
    for line, values, texts in zip(cells.index, *rows, strict=True):
        earlier = first.setdefault(values, line)
        if earlier != line:
            told = f"{', '.join(texts)!r} stands already on line {earlier}"
            faults.append(f"line {line}, column {', '.join(key)}: {told}")
    return faults


def _reference_faults(part, table, cells, texts):
    faults, place = [], f"data/{part}/{table}.csv"
    for rule in _rules(table):
        if not rule.refers_to:
            continue
        other, column = rule.refers_to.split(".")
        if texts["raw", other].empty:  # could not be read, which is a fault of its own
            continue
        targets = {value for of in ("raw", "vintages") if (of, other) in texts for value in texts[of, other][column]}
        for line, value in cells[rule.column].items():
            if value and value not in targets:
                faults.append(f"{place} line {line}, column {rule.column}: {value!r} is not in {rule.refers_to}")
    return faults


def _own():
    """Your own rows by table, checked by the rules of their tables and against what is public."""
    folder = paths.own()
    if folder is None:
        return {}
    return _own_tables(tuple((path.stem, path.read_bytes()) for path in sorted(folder.glob("*.csv"))))


@functools.lru_cache(maxsize=2)
def _own_tables(files):
    files = dict(files)
    ledger, faults = _listed_own(files.pop("sources"))
    texts = {}
    for table in ledger.table if not faults else ():
        place = f"data/own/{table}.csv"
        if table not in sources().index:
            faults.append(f"data/own/sources.csv: no table {table!r} in data/sources.csv")
        elif table not in files:
            faults.append(f"{place}: missing, but data/own/sources.csv lists it")
        else:
            texts[table], found = _cells(files[table], _rules(table), place)
            faults += found
    # groups are no series: nobody has licensed them
    for name in sorted(set(files) - {*ledger.table, Path(OWN_GROUPS).stem}):
        faults.append(f"data/own/{name}.csv: not listed in data/own/sources.csv; add its row")
    if faults:
        raise DataError(faults)
    tables = {table: _at_lines(typed(table, cells), "own") for table, cells in texts.items()}
    for table, rows in tables.items():
        key = _key(table)
        public = _in_force(table)
        again = pd.concat([public[key], rows[key]], ignore_index=True).duplicated(key).tail(len(rows))
        for line in texts[table].index[again.to_numpy()]:
            faults.append(f"data/own/{table}.csv line {line}: its {', '.join(key)} stands in the public rows already")
        for rule in _rules(table):
            if rule.refers_to:
                other, column = rule.refers_to.split(".")
                targets = {*_in_force(other)[column].astype(str), *texts.get(other, {column: ()})[column]}
                for line, value in texts[table][rule.column].items():
                    if value and value not in targets:
                        faults.append(f"data/own/{table}.csv line {line}: {value!r} is not in {rule.refers_to}")
    if faults:
        raise DataError(faults)
    return tables


def _listed_own(content):
    text, fault = _decoded(content)
    rows, _, faults = _rows(text, OWN_COLUMNS) if not fault else ([], [], [fault])
    ledger = pd.DataFrame(rows, columns=OWN_COLUMNS, dtype=str)
    if not faults:
        empty = ledger.eq("").any(axis=1) | ledger.table.duplicated()
        faults = [f"line {place + 2}: has an empty cell, or its table twice" for place in ledger.index[empty]]
    return ledger, _placed("data/own/sources.csv", faults)


def _state():
    """Hash what the processed tables follow from, ledgers, raw files and this module, and the tables themselves."""
    files = [paths.DATA / name for name in ("sources.csv", "columns.csv", "claims.csv", "added_claims.csv")]
    later = [(f"vintages/{file.name}", file) for file in sorted((paths.DATA / "vintages").glob("*"))]
    files += [*sorted(paths.RAW.glob("*")), *sorted(paths.PROCESSED.glob("*.parquet")), Path(__file__)]
    named = [*((file.name, file) for file in files), *later]
    state = {name: _digest(file, *_look(file)) for name, file in named if file.is_file()}
    return json.dumps(state, indent=1)


def _look(file):
    status = file.stat()
    # the time of the last change of a file's status cannot be set, as that of its content can
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


# every load asks whether the tables are built
@functools.lru_cache(maxsize=1024)
def _digest(file, *_):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def main() -> int:
    """Build ``data/processed`` and say what was done; 1 if a rule is broken or the disk is full."""
    try:
        fresh = build()
        if faults := unknown_notebooks():
            raise DataError(faults)
    except DataError as error:
        print(f"error: {len(error.faults)} fault(s) in the data:\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}; what is not built whole is built anew the next time", file=sys.stderr)
        return 1
    tables = reach()
    word = "built" if fresh else "up to date"
    print(f"data/processed is {word}: {len(tables)} tables, {tables.rows.sum():,} rows, editions {' to '.join(span())}")
    if _own():
        print(f"data/own adds rows to {', '.join(_own())}")
    return 0


if __name__ == "__main__":
    # no notebook that reads data needs it
    from helpers import terminal

    sys.exit(terminal.run(main))
