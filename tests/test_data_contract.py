"""The contract of the data as properties: what keeps its ledger's rules is read as it stands, what breaks one is named.

The strict reader of ``bench`` shares no code with ``helpers.data`` and says what a file means.
"""

import datetime
import hashlib
import itertools

import fuzz_targets
import pandas as pd
import pytest
import strict_reader
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from helpers import data, paths

PLACE = "data/raw/t.csv"
# what looks like a number, a day or a flag to somebody's reader
WORDS = """
NA N/A nan NaN NAN None null NaT inf -inf Infinity 1e5 1E5 1e-3 0x10 0b1 0o7 １２ ٣ ² ½ 1_000 +1 -0 -0.0 --1 1- 1. .5
-.5 00 01 1,5 1'000 5% $5 €5 TRUE True true yes no t f 2024-2-3 20240203 2024-02-30 02/03/2024 2024-W05-1 2024-Q1 1/2
2024-02-03T00:00 2024-02-03Z -2024-02-03 24-02-03 0000-01-01 2024Q5 2024q1 #N/A #REF! =1+1 1:30
"""
LOOK_ALIKES = WORDS.split()
BLANKS = [" 1", "1 ", "\t1", "\u00a01", "1\u2003", "\u30001", "1\n", "1\x1f", "1\x7f", "\ufeff1"]
FEW = settings().max_examples
SLOW = settings(max_examples=FEW // 2)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of one table, whose ledgers and file each example writes anew."""
    root = tmp_path_factory.mktemp("contract")
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in (("ROOT", ""), ("DATA", "data"), ("RAW", "data/raw"), ("PROCESSED", "data/processed")):
            patch.setattr(paths, name, root / folder)
        paths.RAW.mkdir(parents=True)
        (paths.DATA / "vintages").mkdir()
        (paths.DATA / "claims.csv").write_text(
            ",".join(data.CLAIM_COLUMNS) + "\nfell,01_returns,1,text,Fell,change,percent,-inf,0,direction\n"
        )
        (paths.DATA / data.PARAMETERS).write_text('notebook,name,value\n01_returns,as_of,"""2025-02-14"""\n')
        yield root


def put(columns, text, later=None, known_on="always"):
    """Write a table with its ledgers, and what became known of it later."""
    content = text.encode() if isinstance(text, str) else text
    (paths.RAW / "t.csv").write_bytes(content)
    rules = [
        [
            "t", one.name, "What it is.", one.type, "", one.minimum, one.maximum, "|".join(one.categories),
            str(int(one.key)), str(int(one.required)), "",
        ]
        for one in columns
    ]  # fmt: skip
    ledger = [data.COLUMN_COLUMNS, *rules]
    (paths.DATA / "columns.csv").write_text(lines(ledger), encoding="utf-8")
    digest = hashlib.sha256(content).hexdigest()
    row = ["t.csv", "t", "made up", "nobody", "nowhere", "none", "2024", "2026-11-23", known_on, "definition", digest]
    (paths.DATA / "sources.csv").write_text(lines([data.SOURCE_COLUMNS, row]), encoding="utf-8")
    vintages = paths.DATA / "vintages" / "t.csv"
    vintages.unlink(missing_ok=True)
    if later is not None:
        vintages.write_text(later, encoding="utf-8")


def lines(rows, marks=None):
    """Write rows as CSV; ``marks`` says of each cell whether it stands in quotation marks that it could do without."""
    marks = iter(marks or itertools.repeat(False))
    out = []
    for row in rows:
        cells = [quoted(cell, next(marks, False) or (cell == "" and len(row) == 1)) for cell in row]
        out.append(",".join(cells) + "\n")
    return "".join(out)


def quoted(cell, wished):
    needed = any(sign in cell for sign in ',"\n')
    return '"' + cell.replace('"', '""') + '"' if needed or wished else cell


# Tables that keep every rule

TEXTS = st.one_of(
    st.sampled_from(LOOK_ALIKES),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('",;|\u2028é'), min_size=1, max_size=8),
).filter(lambda text: text[:1].strip() and text[-1:].strip())
NUMBERS = st.decimals(-1000, 1000, places=3) | st.decimals(-1, 1, places=17) | st.integers(-(10**25), 10**25)
BY_TYPE = {
    "text": TEXTS,
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "number": NUMBERS.map(lambda value: f"{value:f}" if value else f"{abs(value):f}").filter(
        lambda text: len(text) < 40
    ),
    "date": st.dates(datetime.date(1, 1, 1)).map(datetime.date.isoformat),
    "flag": st.sampled_from(["0", "1"]),
    "quarter": st.tuples(st.integers(0, 9999), st.integers(1, 4)).map(lambda pair: f"{pair[0]:04d}Q{pair[1]}"),
}


@st.composite
def tables(draw):
    """Columns and rows of text cells that keep every rule."""
    columns = []
    for name in "abcd"[: draw(st.integers(1, 4))]:
        kind = draw(st.sampled_from(sorted(BY_TYPE)))
        key, required = draw(st.booleans()), draw(st.booleans())
        ends, categories = ("", ""), ()
        if kind in ("integer", "number", "date") and draw(st.booleans()):
            ends = sorted(draw(st.tuples(BY_TYPE[kind], BY_TYPE[kind])), key=order(kind))
        if kind == "text" and draw(st.booleans()):
            words = TEXTS.filter(lambda text: "|" not in text)
            categories = tuple(draw(st.lists(words, min_size=1, max_size=3, unique=True)))
        columns.append(strict_reader.Column(name, kind, *ends, categories, key, required))
    rows, seen = [], set()
    for _ in range(draw(st.integers(1, 5))):
        row = [draw(cells(column)) for column in columns]
        key = tuple(
            strict_reader.value_of(column, cell) for column, cell in zip(columns, row, strict=True) if column.key
        )
        if key not in seen or not key:
            seen.add(key)
            rows.append(row)
    return columns, rows


def cells(column):
    """Cells that a column takes."""
    kind = BY_TYPE[column.type]
    if column.categories:
        kind = st.sampled_from(column.categories)
    elif column.minimum:
        ends = [column.minimum, column.maximum]
        kind = st.sampled_from([*ends, *(end + ("0" if "." in end else ".0") for end in ends)])
        if column.type == "integer":
            kind = st.integers(*map(int, ends)).map(str)
        elif column.type == "date":
            kind = st.dates(*map(datetime.date.fromisoformat, ends)).map(datetime.date.isoformat)
    return kind if column.required else st.just("") | kind


def fits(column, cell):
    try:
        strict_reader.value_of(column, cell)
    except ValueError:
        return False
    return True


def order(kind):
    return str if kind == "date" else strict_reader._exact


def header(columns):
    return [column.name for column in columns]


@SLOW
@given(tables(), st.lists(st.booleans(), max_size=30))
def test_a_table_that_keeps_its_rules_is_read_as_the_strict_reader_reads_it_however_it_is_quoted(project, table, marks):
    columns, rows = table
    text = lines([header(columns), *rows], marks)
    put(columns, text)
    truth = strict_reader.read(text.encode(), columns)
    assert truth.faults == set() and len(truth.rows) == len(rows)
    found = data.load("t", "2024-01-01")
    assert list(found) == header(columns)
    assert fuzz_targets.same(fuzz_targets.loaded(found), truth.rows)


# Tables that break one rule


def broken(column):
    """Cells that break one rule of a column, each with what is said of it."""
    kind = column.type
    wrong = [word for word in LOOK_ALIKES if not fits(strict_reader.Column("", kind), word)] if kind != "text" else []
    no_day = [word for word in wrong if kind == "date" and word in ("2024-02-30", "0000-01-01")]
    out = [(word, f"is not of type {kind}") for word in {*wrong} - {*no_day}]
    out += [(word, "is no date of the calendar") for word in no_day]
    # a byte order mark is a sign of a text like any other
    out += [(word, f"is not of type {kind}") for word in BLANKS if kind != "text" or word[0] != "\ufeff"]
    if column.required:
        out.append(("", "is empty, but the column is required"))
    if column.categories:
        out.append(("none of them", f"is none of {' | '.join(sorted(column.categories))}"))
    if column.minimum and kind in ("integer", "number"):
        out.append((str(next_below(column.minimum)), f"is below the minimum {column.minimum}"))
        out.append((str(next_above(column.maximum)), f"is above the maximum {column.maximum}"))
    elif kind in ("integer", "number"):
        out.append((LARGE[kind], f"is too large for {'an' if kind == 'integer' else 'a'} {kind}"))
    return sorted(out)


LARGE = {"integer": str(2**63), "number": "9" * 400}


def next_below(text):
    return f"{text[:-1]}{int(text[-1]) - 1}" if text[-1] != "0" and text[0] != "-" else f"-{'9' * 27}"


def next_above(text):
    return f"{text[:-1]}{int(text[-1]) + 1}" if text[-1] != "9" and text[0] != "-" else "9" * 27


@given(st.data(), tables())
def test_one_cell_that_breaks_a_rule_is_refused_with_its_line_column_and_rule_and_nothing_else(project, given, table):
    columns, rows = table
    row, place = given.draw(st.integers(0, len(rows) - 1)), given.draw(st.integers(0, len(columns) - 1))
    cell, said = given.draw(st.sampled_from(broken(columns[place])))
    rows[row][place] = cell
    put(columns, lines([header(columns), *rows]))
    with pytest.raises(data.DataError) as error:
        data.check()
    # a cell that holds a line end ends a line below
    line = row + 2 + cell.count("\n")
    assert error.value.faults == [f"{PLACE} line {line}, column {columns[place].name}: {cell!r} {said}"]


@given(tables(), st.data())
def test_a_row_whose_key_stands_above_is_refused_however_its_numbers_are_written(project, table, given):
    columns, rows = table
    assume(any(column.key for column in columns))
    twin = list(given.draw(st.sampled_from(rows)))
    above = rows.index(twin) + 2
    for place, column in enumerate(columns):
        if column.type == "number" and twin[place]:
            twin[place] += "0" if "." in twin[place] else ".0"
    put(columns, lines([header(columns), *rows, twin]))
    with pytest.raises(data.DataError) as error:
        data.check()
    keys = [(column.name, cell) for column, cell in zip(columns, twin, strict=True) if column.key]
    names, values = (", ".join(part) for part in zip(*keys, strict=True))
    said = f"{PLACE} line {len(rows) + 2}, column {names}: {values!r} stands already on line {above}"
    assert error.value.faults == [said]


@given(tables(), st.randoms(use_true_random=False), st.sampled_from(["\r\n", "\r", "\n\r"]))
def test_permuted_columns_and_other_line_ends_are_refused(project, table, random, end):
    columns, rows = table
    places = list(range(len(columns)))
    random.shuffle(places)
    text = lines([header(columns), *rows])
    if places != sorted(places):
        put(columns, lines([[row[place] for place in places] for row in [header(columns), *rows]]))
        with pytest.raises(data.DataError) as error:
            data.check()
        assert error.value.faults == [f"{PLACE} line 1, columns: in another order than {', '.join(header(columns))}"]
    put(columns, text.replace("\n", end))
    with pytest.raises(data.DataError, match=r"carriage return on line [12]; lines end with a line feed"):
        data.check()


@given(tables(), st.data())
def test_a_row_a_cell_short_or_long_and_a_cut_file_are_refused_by_their_line(project, table, given):
    columns, rows = table
    row, cells = given.draw(st.integers(0, len(rows) - 1)), len(columns)
    rows[row] = [*rows[row], "x"] if given.draw(st.booleans()) or cells == 1 else rows[row][:-1]
    text = lines([header(columns), *rows])
    put(columns, text)
    with pytest.raises(data.DataError) as error:
        data.check()
    assert f"{PLACE} line {row + 2}: {len(rows[row])} cells, but the header has {cells}" in error.value.faults
    put(columns, text[:-1])
    with pytest.raises(data.DataError, match=f"is cut: line {len(rows) + 1} has no line end"):
        data.check()


# No silent coercion

SIGNS = st.text("0123456789+-._eExnaNAifTRUEQ,%:/ １²٣−\u00a0", max_size=7)
TYPED = {name: strict_reader.Column(name, name) for name in BY_TYPE}


@settings(max_examples=6 * FEW)
@given(st.sampled_from(sorted(TYPED)), st.sampled_from(LOOK_ALIKES + BLANKS) | SIGNS)
@example("integer", "-0")
@example("number", "-0.00")
@example("integer", str(2**63))
@example("integer", str(-(2**63)))
@example("number", "9" * 400)
@example("number", "1" + "0" * 5000)
def test_a_cell_is_read_as_it_is_written_or_not_at_all(kind, cell):
    text = lines([[kind, "same"], [cell, cell], ["", "other"]])
    columns = [TYPED[kind], strict_reader.Column("same", "text")]
    rules = [fuzz_targets.rule(column) for column in columns]
    found, faults = data._cells(text.encode(), rules, "x")
    truth = strict_reader.read(text.encode(), columns)
    assert {fuzz_targets.place(fault) for fault in faults} == truth.faults
    if not faults:
        rows = fuzz_targets.loaded(data._typed(found, rules))
        assert fuzz_targets.same(rows, truth.rows)
        assert rows[0][1] == (cell or None)


@given(st.text(st.sampled_from('a,"\n\r <\ufeff\x00é'), max_size=12).map(str.encode) | st.binary(max_size=12))
def test_any_bytes_are_refused_where_the_strict_reader_refuses_them_or_read_alike(content):
    fuzz_targets.table(content)
    fuzz_targets.table(fuzz_targets.ROWS.encode() + content)


@given(st.text(st.sampled_from('ab,"\n'), max_size=20))
def test_quotation_marks_part_cells_as_the_strict_reader_parts_them(text):
    names = ["a", "b"]
    columns = [strict_reader.Column(name, "text") for name in names]
    content = ("a,b\nx,y\n" + text).encode()
    found, faults = data._cells(content, [fuzz_targets.rule(column) for column in columns], "x")
    truth = strict_reader.read(content, columns)
    assert {fuzz_targets.place(fault) for fault in faults} == truth.faults
    assert truth.faults or found.to_numpy().tolist() == [[cell or "" for cell in row] for row in truth.rows]


def test_a_range_is_held_to_the_last_digit():
    most = strict_reader.Column("a", "integer", "0", "9007199254740992")
    near = strict_reader.Column("b", "number", "0", "100")
    assert fuzz_targets.rule(most).fault("9007199254740993") == "is above the maximum 9007199254740992"
    assert fuzz_targets.rule(near).fault("100.00000000000000000001") == "is above the maximum 100"
    assert fuzz_targets.rule(most).fault("9007199254740992") is fuzz_targets.rule(near).fault("100.0") is None


def test_a_header_without_end_is_refused_at_once_and_in_one_short_line():
    content = b'"c\x1b[2J\n"' + b"," * 300_000 + b"\n1\n"
    _, (fault,) = data._cells(content, [fuzz_targets.rule(TYPED["text"])], "x")
    assert fault.startswith("x line 1, columns: ") and len(fault) < 300 and "\n" not in fault and "\x1b" not in fault


def test_the_key_of_a_column_named_line_is_checked_like_any_other(project):
    columns = [strict_reader.Column("line", "text", key=True)]
    put(columns, "line\na\na\n")
    with pytest.raises(data.DataError, match="line 3, column line: 'a' stands already on line 2"):
        data.check()


# As of a day

DATED = [
    strict_reader.Column("id", "text", key=True, required=True),
    strict_reader.Column("day", "date", required=True),
    strict_reader.Column("value", "integer"),
]
DAYS = st.integers(1, 9).map(lambda day: f"2024-01-{day:02d}")
ROWS = st.lists(st.tuples(st.sampled_from("cab"), DAYS, st.sampled_from(["", "1", "2"])), unique_by=lambda row: row[0])
LATER = st.lists(
    st.tuples(st.sampled_from("cabd"), DAYS, st.sampled_from(["", "3", "4"]), DAYS),
    unique_by=lambda row: (row[0], row[3]),
    max_size=6,
)


def in_force(rows, later, day):
    """What was known of a table on a day, one row after the other: the definition."""
    held = {row[0]: row for row in rows}
    for *row, since in sorted(later, key=lambda row: row[3]):
        if since <= day:
            held[row[0]] = tuple(row)
    order = sorted(held) if any(row[3] <= day for row in later) else list(held)
    return [held[name] for name in order if held[name][1] <= day]


@settings(max_examples=FEW // 2)
@given(ROWS.filter(len), LATER.filter(len), DAYS)
@example([("a", "2024-01-01", "1")], [("a", "2024-01-01", "3", "2024-01-05"), ("a", "2024-01-01", "4", "2024-01-03")],
         "2024-01-05")  # fmt: skip
@example([("b", "2024-01-01", "1"), ("a", "2024-01-01", "1")], [("a", "2024-01-04", "3", "2024-01-02")], "2024-01-03")
def test_what_is_read_on_a_day_is_what_was_in_force_on_it_row_by_row(project, rows, later, day):
    names = header(DATED)
    put(DATED, lines([names, *rows]), lines([[*names, data.KNOWN_FROM], *later]), known_on="day")
    found = data.load("t", day)
    read = [(row.id, f"{row.day:%Y-%m-%d}", "" if pd.isna(row.value) else str(row.value)) for row in found.itertuples()]
    assert read == in_force(rows, later, day)
