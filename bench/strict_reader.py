"""An independent reader of raw files: sign by sign, with no library of tables, no pattern, and no benefit of the doubt.

What `make fuzz` and the property tests hold ``helpers.data`` against. It shares no code with it, and says no more than
the rules that the README and the ledgers promise: UTF-8, lines that end with a line feed, cells parted by commas or in
quotation marks, every cell in the one form of its type, in its range, and every key once.
"""

import datetime
from dataclasses import dataclass, field
from fractions import Fraction

MOST_CELL = 131_072
MOST_INTEGER = 2**63 - 1
_DIGITS = "0123456789"
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True)
class Column:
    """Rules of one column, as a row of data/columns.csv states them."""

    name: str
    type: str
    minimum: str = ""
    maximum: str = ""
    categories: tuple = ()
    key: bool = False
    required: bool = False


@dataclass
class Read:
    """What was read, or what kept it from being read.

    Parameters
    ----------
    rows : list of list
        Values of each row; None where a cell is empty.
    faults : set of (int or None, str or None)
        Line and column of every fault; None where it is the whole file's, or the whole line's.
    """

    rows: list = field(default_factory=list)
    faults: set = field(default_factory=set)


def read(content: bytes, columns: list[Column]) -> Read:
    """Read a file, or find every fault in it."""
    text = _text(content)
    if text is None:
        return Read(faults={(None, None)})
    records, cut = records_of(text)
    header = [column.name for column in columns]
    if not records or records[0][1] != header:
        return Read(faults={(1 if records else cut, None)})
    out, seen = Read(), {}
    if cut is not None:
        out.faults.add((cut, None))
    for line, cells in records[1:]:
        if len(cells) != len(header):
            out.faults.add((line, None))
            continue
        values = []
        for column, cell in zip(columns, cells, strict=True):
            try:
                values.append(value_of(column, cell))
            except ValueError:
                out.faults.add((line, column.name))
                # two cells that cannot be read are one key where they are written alike
                values.append((cell,))
        key = tuple(value for column, value in zip(columns, values, strict=True) if column.key)
        if key and key in seen:
            out.faults.add((line, ", ".join(column.name for column in columns if column.key)))
        seen.setdefault(key, line)
        out.rows.append(values)
    if not out.rows and not out.faults:
        out.faults.add((None, None))
    return out


def _text(content):
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
    if not content or content[-1:] != b"\n" or content.startswith(marks) or b"\r" in content or b"\x00" in content:
        return None
    try:
        text = str(content, "utf-8")
    except UnicodeDecodeError:
        return None
    for sign in text:
        if not sign.isspace():
            return None if sign == "<" else text
    return text


def records_of(text: str) -> tuple[list[tuple[int, list[str]]], int | None]:
    """Cut text into records: the line on which each ends and its cells; and the line on which no sense can be made.

    A blank line is a record without cells. A mark that does not begin a cell is a sign like any other.
    """
    records, cells, cell, line, place, end = [], [], [], 1, 0, len(text)
    quoted = begun = False
    while place < end:
        sign = text[place]
        place += 1
        if quoted:
            if sign == '"':
                following = text[place : place + 1]
                if following == '"':
                    cell.append('"')
                    place += 1
                elif following in (",", "\n"):
                    quoted = False
                else:
                    return records, line
            else:
                cell.append(sign)
                line += sign == "\n"
        elif sign in ",\n":
            if sign == "," or cells or begun:
                cells.append("".join(cell))
            cell, begun = [], False
            if sign == "\n":
                records.append((line, cells))
                cells, line = [], line + 1
        elif sign == '"' and not begun:
            quoted = begun = True
        else:
            cell.append(sign)
            begun = True
        if len(cell) > MOST_CELL:
            return records, line
    # the text ends with a line feed, which an open quotation mark has swallowed
    return records, line - 1 if quoted else None


def value_of(column: Column, cell: str):
    """Value of a cell, or None where it is empty.

    Raises
    ------
    ValueError
        If it breaks a rule of its column.
    """
    if cell == "":
        if column.required:
            raise ValueError("empty")
        return None
    value = _READERS[column.type](cell)
    if column.categories and cell not in column.categories:
        raise ValueError("unknown category")
    exact = _exact(cell) if column.type in ("integer", "number") else cell
    for bound, sign in ((column.minimum, -1), (column.maximum, 1)):
        if bound:
            edge = _exact(bound) if column.type in ("integer", "number") else bound
            if exact > edge if sign > 0 else exact < edge:
                raise ValueError("out of range")
    return value


def _exact(cell):
    """Read a number as a fraction, whatever its length."""
    body = cell.removeprefix("-")
    whole, _, rest = body.partition(".")
    value = 0
    for start in range(0, len(whole + rest), 1000):
        part = (whole + rest)[start : start + 1000]
        value = value * 10 ** len(part) + int(part)
    return Fraction(-value if cell.startswith("-") else value, 10 ** len(rest))


def _digits(text):
    if text == "" or any(sign not in _DIGITS for sign in text):
        raise ValueError("not digits")


def _whole(text):
    """Digits without a zero before others; a minus before them, but not before nothing at all."""
    body = text.removeprefix("-")
    _digits(body)
    if body[0] == "0" and len(body) > 1:
        raise ValueError("a zero too many")


def _number(cell):
    whole, point, rest = cell.partition(".")
    _whole(whole)
    if point:
        _digits(rest)
    exact = _exact(cell)
    if cell.startswith("-") and exact == 0:
        raise ValueError("nothing has no sign")
    try:
        # the quotient of two integers is the nearest number there is
        return exact.numerator / exact.denominator
    except OverflowError:
        raise ValueError("too large") from None


def _integer(cell):
    _whole(cell)
    exact = _exact(cell)
    if (cell.startswith("-") and exact == 0) or not -MOST_INTEGER - 1 <= exact <= MOST_INTEGER:
        raise ValueError("no integer of 64 bits")
    return int(exact)


def _date(cell):
    parts = cell.split("-")
    if [len(part) for part in parts] != [4, 2, 2]:
        raise ValueError("not yyyy-mm-dd")
    for part in parts:
        _digits(part)
    year, month, day = map(int, parts)
    if year < 1 or not 1 <= month <= 12:
        raise ValueError("no month")
    leap = month == 2 and (year % 400 == 0 or (year % 4 == 0 and year % 100 != 0))
    if not 1 <= day <= _LENGTHS[month - 1] + leap:
        raise ValueError("no day")
    return datetime.date(year, month, day)


def _flag(cell):
    if cell not in ("0", "1"):
        raise ValueError("neither 0 nor 1")
    return cell == "1"


def _quarter(cell):
    if len(cell) != 6 or cell[4] != "Q" or cell[5] not in "1234":
        raise ValueError("not yyyyQn")
    _digits(cell[:4])
    return cell


def _plain_text(cell):
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in cell) or cell[0].isspace() or cell[-1].isspace():
        raise ValueError("no plain text")
    return cell


_READERS = {
    "text": _plain_text,
    "integer": _integer,
    "number": _number,
    "date": _date,
    "flag": _flag,
    "quarter": _quarter,
}
