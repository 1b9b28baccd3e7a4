"""Open what was fetched, with care: workbooks and archives are weighed before they are opened, columns are checked."""

import csv
import datetime
import io
import json
import math
import re
import warnings
import zipfile

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
from openpyxl.utils.datetime import from_excel

from helpers.sources.feeds import Stopped

MOST_UNPACKED = 400_000_000
MOST_RATIO = 200
MOST_PARTS = 2000
# the largest of the sources has a tenth of it
MOST_CELLS = 20_000_000
# marks between thousands and nowhere else, for elsewhere 1,5 is one and a half
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)


def weigh(place: str, content: bytes) -> zipfile.ZipFile:
    """Open a zip archive, such as a workbook, when what it says of itself is not out of proportion.

    Raises
    ------
    Stopped
        If it is no archive, or would unpack to too much, too many times its size, or too many parts.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        raise Stopped(f"{place}: is cut or no archive") from None
    unpacked = sum(part.file_size for part in archive.infolist())
    # small files of many equal cells pack well
    dense = unpacked > 10_000_000 and unpacked > MOST_RATIO * len(content)
    if unpacked > MOST_UNPACKED or dense or len(archive.infolist()) > MOST_PARTS:
        raise Stopped(f"{place}: would unpack from {len(content):,} to {unpacked:,} bytes, and is not opened")
    return archive


def sheets(place: str, content: bytes) -> dict[str, list[tuple]]:
    """Read a workbook: the rows of every sheet, as tuples of values, without empty rows."""
    weigh(place, content).close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles, which we do not read
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        found = {sheet.title: _rows(place, sheet) for sheet in book.worksheets}
        book.close()
    return found


def _rows(place, sheet):
    """Rows that are not empty, all as wide as the widest; few bytes may claim rows and columns without end."""
    sheet.reset_dimensions()
    rows, cells = [], 0
    for row in sheet.iter_rows(values_only=True):
        # an empty row counts too
        cells += len(row) + 1
        _few(place, cells)
        if any(cell is not None for cell in row):
            rows.append(row)
    width = max(map(len, rows), default=0)
    _few(place, width * len(rows))
    return [row + (None,) * (width - len(row)) for row in rows]


def _few(place, cells):
    if cells > MOST_CELLS:
        raise Stopped(f"{place}: has more than {MOST_CELLS:,} cells, and is not read")


def table(place: str, content: bytes, below: str = "") -> pd.DataFrame:
    """Read CSV as text cells, empty ones as ''; ``below`` is a column that tells the header, where it is not first.

    Rows after a blank line, such as a disclaimer, are left out where the header is not first.
    """
    try:
        # what follows a table need not be one
        rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=not below))
    except (UnicodeDecodeError, csv.Error):
        raise Stopped(f"{place}: is no CSV in UTF-8") from None
    at = next((number for number, row in enumerate(rows) if row and (not below or below in row)), None)
    if at is None:
        raise Stopped(f"{place}: has no row of columns" + (f" with {below!r}" if below else ""))
    header, body = rows[at], rows[at + 1 :]
    if below:
        end = next((number for number, row in enumerate(body) if len(row) < 2 or not any(map(str.strip, row))), None)
        body = body[:end]
    short = next((number for number, row in enumerate(body) if row and len(row) != len(header)), None)
    if short is not None:
        raise Stopped(f"{place}: {len(body[short])} cells on line {at + short + 2}, but {len(header)} columns")
    return pd.DataFrame([row for row in body if row], columns=header, dtype=str)


def parquet(place: str, content: bytes) -> pd.DataFrame:
    """Read a parquet file, when it does not unpack to too much."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
    except (OSError, ValueError):
        raise Stopped(f"{place}: is cut or no parquet file") from None
    size = sum(file.metadata.row_group(group).total_byte_size for group in range(file.metadata.num_row_groups))
    if size > MOST_UNPACKED:
        raise Stopped(f"{place}: would unpack to {size:,} bytes, and is not opened")
    # equal rows take next to no room
    _few(place, file.metadata.num_rows * file.metadata.num_columns)
    return file.read().to_pandas()


def part(place: str, content: bytes, name: str) -> bytes:
    """Take one file out of a zip archive."""
    with weigh(place, content) as archive:
        if name not in archive.namelist():
            raise Stopped(f"{place}: holds no {name}, but {', '.join(sorted(archive.namelist())[:8])}")
        return archive.read(name)


def tree(place: str, content: bytes, kind: type | tuple) -> object:
    """Read JSON that is a list or a dict."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise Stopped(f"{place}: is cut or no JSON") from None
    if not isinstance(found, kind):
        raise Stopped(f"{place}: the JSON is a {type(found).__name__}, which it was not before")
    return found


def expect(place: str, found, needed, known=()) -> None:
    """Check columns: all needed ones are there, and none that is neither needed nor known.

    Raises
    ------
    Stopped
        Naming the columns that are missing, and those that are new.
    """
    missing = [name for name in needed if name not in found]
    new = [str(name) for name in found if name not in {*needed, *known}]
    parts = [f"{word} {', '.join(names)}" for word, names in (("missing", missing), ("new", new)) if names]
    if parts:
        raise Stopped(f"{place}, columns: {'; '.join(parts)}; look at the file and change its module to match")


def day(place: str, value) -> str:
    """Say a day as yyyy-mm-dd: from a date, an Excel number, mm/dd/yyyy, yyyy-mm-dd, or a name of a month in words.

    >>> day("a file", "02/14/2025"), day("a file", 45702), day("a file", "As of 14-Feb-2025")
    ('2025-02-14', '2025-02-14', '2025-02-14')
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 30000 < value < 70000:
        value = from_excel(value)
    if isinstance(value, datetime.date):
        return f"{value:%Y-%m-%d}"
    text = re.sub(r"^As of\s+", "", str(value).strip().strip('"'))
    forms = ("%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%y %I.%M.%S.%f %p", "%d-%b-%y")
    # it would read the digits of any script
    for form in forms if text.isascii() else ():
        try:
            return datetime.datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    raise Stopped(f"{place}: {value!r} is not a day")


def number(place: str, value) -> float:
    """Read a number that may have thousands marks or a percent sign.

    >>> number("a file", "1,234.5"), number("a file", "24.1%")
    (1234.5, 24.1)
    """
    text = str(value).strip().removesuffix("%")
    try:
        found = float(text.replace(",", "")) if _NUMBER.fullmatch(text) else math.nan
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Stopped(f"{place}: {value!r} is not a number")
    return found


def plain(value: float, digits: int = 10) -> str:
    """Write a number without an exponent and without zeros at its end.

    >>> plain(0.14), plain(2.0), plain(1e-05), plain(-1e-15)
    ('0.14', '2', '0.00001', '0')
    """
    text = f"{value:z.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def later(text: str, days: int) -> str:
    """Say the day some days after another."""
    return f"{datetime.date.fromisoformat(text) + datetime.timedelta(days=days):%Y-%m-%d}"
