"""What `make fuzz` throws bytes at: each target refuses them by its own error, or reads what a strict reader does.

A target raises nothing when all is well; whatever else it raises is a finding. None needs the fuzzer itself, so a test
runs each on its seeds, and shows that a planted fault is noticed.
"""

import ast
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import nbformat
import strict_reader
import yaml
from papermill.translators import PythonTranslator

from helpers import data, parameters, paths, results, sweep
from helpers.parameters import ParameterError
from helpers.sources import formats
from helpers.sources.feeds import Stopped

NOTEBOOK = "01_fuzz"
DEFAULTS = {"as_of": "2025-02-14", "word": "SPY", "draws": 100, "level": 0.95, "fast": False}
SPAN = ("2024-06-28", "2025-12-31")
# a column of every type; the last ones without a range, where nothing but the type says no
EVERY_TYPE = [
    strict_reader.Column("name", "text", key=True, required=True),
    strict_reader.Column("size", "number", key=True),
    strict_reader.Column("day", "date", "2024-01-01", "2024-12-31", required=True),
    strict_reader.Column("price", "number", "0.5", "100", required=True),
    strict_reader.Column("votes", "integer", "1", "1000"),
    strict_reader.Column("tier", "text", categories=("small", "large"), required=True),
    strict_reader.Column("open", "flag", required=True),
    strict_reader.Column("quarter", "quarter"),
    strict_reader.Column("any_number", "number"),
    strict_reader.Column("any_integer", "integer"),
    strict_reader.Column("any_day", "date"),
    strict_reader.Column("any_flag", "flag"),
]
ROWS = """\
name,size,day,price,votes,tier,open,quarter,any_number,any_integer,any_day,any_flag
NA,1,2024-01-02,1.5,10,small,1,2024Q1,-0.1,9007199254740993,0001-01-01,
NA,2.50,2024-02-29,100,,large,0,,12345678901234567890.5,-9223372036854775808,9999-12-31,1
"Zeta ""b"", c",1,2024-12-31,0.5,1000,small,1,1999Q4,0.30000000000000004,0,2000-02-29,0
"""
GRID = "title: Small\nnotebooks: [01_fuzz]\nclaims: []\nparameters:\n"
_PLACE = re.compile(r"x(?: line (\d+)(?:, column (.*?))?(?:, columns)?)?: ")


def lay_out(root: Path, put: Callable = setattr) -> None:
    """Lay out a project of one notebook whose parameters and sweeps are read; ``put`` sets where things are."""
    (root / "notebooks").mkdir(parents=True, exist_ok=True)
    (root / "sweeps").mkdir(exist_ok=True)
    settings = "\n".join(f"{name} = {value!r}" for name, value in DEFAULTS.items())
    cell = nbformat.v4.new_code_cell(settings, metadata={"tags": ["parameters"]}, id="parameters")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), root / "notebooks" / f"{NOTEBOOK}.ipynb")
    put(paths, "ROOT", root)
    put(paths, "NOTEBOOKS", root / "notebooks")
    put(data, "span", lambda: SPAN)
    # what a first use imports runs code, and is no wish's doing
    parameters.parameters(NOTEBOOK)
    results.claims()


# Raw files


def columns_of(table: str) -> list[strict_reader.Column]:
    """Read the rules of a table's columns from the ledger, without the help of ``data``."""
    records, _ = strict_reader.records_of((paths.DATA / "columns.csv").read_text(encoding="utf-8"))
    (_, header), *rows = records
    found = [dict(zip(header, cells, strict=True)) for _, cells in rows]
    return [
        strict_reader.Column(
            row["column"],
            row["type"],
            row["minimum"],
            row["maximum"],
            tuple(row["categories"].split("|")) if row["categories"] else (),
            row["key"] == "1",
            row["required"] == "1",
        )
        for row in found
        if row["table"] == table
    ]


def rule(column: strict_reader.Column):
    """Say a column's rules as ``data`` has them."""
    words = (column.name, column.type, column.minimum, column.maximum)
    return data._Rule(*words, frozenset(column.categories), column.key, column.required, "")


_TABLES = {}


def _columns_for(content):
    """Columns of the table that begins as this file does, or those of every type."""
    if not _TABLES:
        for table in data.sources().index:
            columns = columns_of(table)
            _TABLES[",".join(column.name for column in columns).encode()] = columns
    return _TABLES.get(content.partition(b"\n")[0], EVERY_TYPE)


def table(content: bytes) -> None:
    """Read a raw file: the faults that the strict reader finds, at their places, or the very values that it reads."""
    columns = _columns_for(content)
    rules = [rule(column) for column in columns]
    cells, faults = data._cells(content, rules, "x")
    truth = strict_reader.read(content, columns)
    found = {place(fault) for fault in faults}
    assert found == truth.faults, f"places of faults: {sorted(map(str, found ^ truth.faults))}"
    assert not any("\n" in fault for fault in faults), "a fault of several lines"
    if not faults:
        values = loaded(data._typed(cells, rules))
        assert same(values, truth.rows), "values differ from those of the strict reader"


def place(fault: str) -> tuple[int | None, str | None]:
    """Line and column that a fault of a file named x tells."""
    line, column = _PLACE.match(fault).groups()
    return int(line) if line else None, column


def loaded(rows) -> list[list]:
    """Values of a typed table row by row, as Python has them; None where one is missing."""
    columns = []
    for name in rows:
        column = rows[name]
        missing = column.isna().tolist()
        values = column.dt.date if column.dtype.kind == "M" else column.tolist()
        columns.append([None if gone else value for gone, value in zip(missing, values, strict=True)])
    return [list(row) for row in zip(*columns, strict=True)]


def same(one: list[list], other: list[list]) -> bool:
    """Whether two lists of rows hold the same values of the same types, to the last bit."""
    return [[(type(value), repr(value)) for value in row] for row in one] == [
        [(type(value), repr(value)) for value in row] for row in other
    ]


# Parameters


def wishes(content: bytes) -> None:
    """Take SET=... apart and give it types: refused in a line, or literals that mean what was written; nothing runs."""
    text = content.decode("utf-8", "surrogateescape")
    try:
        with Unmoved():
            written = parameters.wished(text)
            values = parameters.accepted(NOTEBOOK, written)
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1, "an error of several lines"
        return
    for name, value in values.items():
        assert literal(name, written[name]) == (type(value), value), f"{name}: {written[name]!r} became {value!r}"
    injected(values)


def injected(values: dict) -> None:
    """Hold the cell that papermill would write of some values to them: assignments of these literals and no more."""
    statements = ast.parse(PythonTranslator.codify(values, "Parameters")).body
    told = {statement.targets[0].id: ast.literal_eval(statement.value) for statement in statements}
    assert told == values and list(map(type, told.values())) == list(map(type, values.values()))


def literal(name: str, text: str):
    """Read what a person means by a value, sign by sign: its type and value; None where that is unclear."""
    kind = type(DEFAULTS[name])
    if kind is bool:
        return bool, {"true": True, "false": False}[text.lower()] if text.isascii() else None
    if kind is str:
        if name == "as_of":
            assert strict_reader._date(text) and SPAN[0] <= text <= SPAN[1]
        return str, text if text.isprintable() else None
    assert set(text) <= set("+-0123456789._eE"), "signs that are no number's"
    mantissa, _, power = text.lower().partition("e")
    negative, body = mantissa.startswith("-"), mantissa[mantissa[:1] in "+-" :] if mantissa else ""
    whole, _, rest = body.partition(".")
    for part in (whole, rest, power[power[:1] in "+-" :] if power else ""):
        assert part.replace("_", "").isdigit() or not part, "a sign out of place"
        assert not part.startswith("_") and not part.endswith("_") and "__" not in part, "an underscore out of place"
    digits = (whole + rest).replace("_", "")
    if kind is int:
        assert "." not in text and "e" not in text.lower() and (whole == "0" or whole[0] != "0")
        return int, int(f"{'-' * negative}{digits}")
    exponent = int(power.replace("_", "")) if power else 0
    exponent -= len(rest.replace("_", ""))
    if int(digits) == 0 or exponent + len(digits) < -400:
        return float, math.copysign(0.0, -1 if negative else 1)
    exact = Fraction(int(digits)) * Fraction(10) ** exponent
    return float, float(-exact if negative else exact)


class Unmoved:
    """While it lasts, nothing is run, no other program is started, and nobody is spoken to."""

    forbidden = frozenset({"exec", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect"})
    watching = hooked = False

    def __enter__(self):
        if not Unmoved.hooked:
            # stays for the life of the process
            sys.addaudithook(Unmoved._hear)
            Unmoved.hooked = True
        Unmoved.watching = True

    def __exit__(self, *_):
        Unmoved.watching = False

    @staticmethod
    def _hear(event, arguments):
        # a library may import another one late; what is run of a text has no file
        imported = event == "exec" and arguments[0].co_filename not in ("<string>", "<unknown>")
        if Unmoved.watching and event in Unmoved.forbidden and not imported:
            Unmoved.watching = False
            raise AssertionError(f"{event} of {arguments!r:.200}")


# Sweeps


def grid(content: bytes) -> None:
    """Read the file of a sweep: refused in a line, or every word of it as it was written, each once."""
    (paths.ROOT / "sweeps" / "fuzz.yml").write_bytes(content)
    try:
        with Unmoved():
            found = sweep.read("sweeps/fuzz.yml")
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1, "an error of several lines"
        return
    told = [*sweep.FORM, found.title, *found.notebooks, *found.claims]
    for name, values in found.parameters.items():
        told += [name, *values]
    events = list(yaml.parse(content.decode("utf-8"), Loader=yaml.BaseLoader))
    if not any(isinstance(event, yaml.AliasEvent) for event in events):
        words = [event.value for event in events if isinstance(event, yaml.ScalarEvent)]
        assert sorted(words) == sorted(told), "words of the file that are not in the grid, or otherwise"
    try:
        points = sweep.points(found)
        for notebook, settings in points[:20]:
            values = parameters.accepted(notebook, settings)
            assert all(literal(name, settings[name]) == (type(value), value) for name, value in values.items())
    except ParameterError as error:
        assert len(str(error).splitlines()) == 1, "an error of several lines"


# What sources send


def sent(content: bytes) -> None:
    """Open what a source sent, by its first letter: a table, a day, a number or a tree."""
    kind, body = content[:1], content[1:]
    try:
        if kind == b"d":
            text = body.decode("utf-8", "replace")
            day = formats.day("x", text)
            assert text.isascii() and strict_reader._date(day)
        elif kind == b"n":
            number_sent(body.decode("utf-8", "replace"))
        elif kind == b"j":
            assert isinstance(formats.tree("x", body, (list, dict)), (list, dict))
        else:
            table_sent(body)
    except Stopped as stop:
        assert str(stop).startswith("x: "), "the place is not told"


def number_sent(text: str) -> None:
    """Read a number: finite, of plain digits, and with marks between thousands alone."""
    found = formats.number("x", text)
    plain = text.strip().removesuffix("%")
    assert math.isfinite(found) and set(plain) <= set("+-0123456789.,eE"), "signs that are no number's"
    whole = re.split(r"[.eE]", plain.lstrip("+-"))[0]
    first, *groups = whole.split(",")
    assert not groups or (1 <= len(first) <= 3 and all(len(group) == 3 for group in groups)), "marks out of place"
    assert found == float(plain.replace(",", ""))


def table_sent(content: bytes) -> None:
    """Read a CSV file: all its cells, as the strict reader cuts them, or nothing."""
    rows = formats.table("x", content)
    text = content.decode("utf-8-sig")
    if "\r" in text or "\x00" in text:
        return
    records, cut = strict_reader.records_of(text if text.endswith("\n") else text + "\n")
    header, *body = [cells for _, cells in records if cells]
    assert cut is None and rows.columns.tolist() == header and rows.to_numpy().tolist() == body


# All of them

TARGETS = {"table": table, "wishes": wishes, "grid": grid, "sent": sent}


def seeds(name: str) -> Iterator[bytes]:
    """Give inputs to begin with: real rows, and what people write wrongly."""
    if name == "table":
        yield ROWS.encode()
        for cell in ("1e5", "0x10", "１２", "1_000", '" 1"', "+1", "-0", "1.", ".5", "nan", "TRUE", "010"):
            for old, new in (("2.50,", f"{cell},"), ("1000,small", f"{cell},small"), ("2024-02-29,", f"{cell},")):
                yield ROWS.replace(old, new, 1).encode()
        # keys that are written otherwise, and a range that only the last digit leaves
        yield ROWS.replace("NA,2.50", "NA,1.0").encode()
        yield ROWS.replace("0.5,1000", "0.49999999999999999999,1000").encode()
        for file in sorted(paths.RAW.glob("*.csv")):
            lines = file.read_bytes().splitlines(keepends=True)
            yield b"".join([*lines[:4], *lines[-2:]])
    elif name == "wishes":
        words = (
            "as_of=2025-06-30 draws=1_000",
            "level=.5 fast=TRUE",
            "word='a \"b\" \\\\ c'",
            "draws=１２",
            "level=1e999",
        )
        yield from (text.encode() for text in (*words, "draws=__import__('os').getpid()", "word='open", "draws"))
    elif name == "grid":
        texts = (
            "  draws: [10, 010, 1:30]\n",
            "  as_of: [2025-02-14, 2025-02-30]\n",
            "  draws: &a [*a]\n",
            "  fast: [no]\n",
        )
        yield from (f"{GRID}{text}".encode() for text in texts)
        yield b"title: " + b"[" * 600
        yield f"{GRID}  draws: !!python/object/apply:os.getpid []\n  draws: [1]\n".encode()
        for file in sorted((Path(__file__).parents[1] / "sweeps").glob("*.yml")):
            yield file.read_bytes()
    else:
        yield from (b"d02/14/2025", b"dAs of 14-Feb-2025", b"n1,234.5%", b"n1,5", b"nnan", "n１２".encode())
        yield b"j" + json.dumps({"prices": [{"id": "a", "input": 1.5}]}).encode()
        yield b"j" + b"[" * 100_000
        yield b't\xef\xbb\xbfa,b\n1,"x, ""y"""\n\n2,3\n'
        yield b'ta,b\n1,"open\n2,3\n'


def signature(error: BaseException) -> str:
    """Say in a line what a finding is and where: the same for the same fault, whatever the input."""
    trace, where = error.__traceback__, []
    while trace:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.parent.name == "bench" or "helpers" in file.parts:
            where.append(f"{file.name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {where[-1] if where else 'an unknown place'}"
