import csv
import json
import re
import zipfile
from datetime import datetime

import openpyxl
import pytest

from helpers import downloads, paths, references


@pytest.fixture
def book(hostile):
    downloads.write(hostile, "2025-02-14")
    return openpyxl.load_workbook(hostile / downloads.WORKBOOK)


def rows(sheet):
    return [["" if value is None else value for value in row] for row in sheet.iter_rows(values_only=True)]


def as_told(value):
    return value.date().isoformat() if isinstance(value, datetime) else str(value)


def test_every_table_has_a_sheet_that_holds_what_its_csv_holds(hostile, book):
    with (hostile / "01_returns" / "returns-groups.csv").open(encoding="utf-8", newline="") as lines:
        (head, *body) = csv.reader(lines)
    (told, *found) = rows(book["returns-groups"])
    assert told == head
    assert [[as_told(value) for value in row] for row in found] == body
    # numbers are numbers and days are days
    assert [type(value) for value in found[0]] == [str, float, datetime]


@pytest.mark.fault(63)
def test_nothing_in_the_workbook_is_a_formula_or_an_address(book):
    for sheet in book:
        assert [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"] == []
    texts = [value for sheet in book for row in rows(sheet) for value in row]
    assert sum(str(value).lstrip("'").startswith("=1+1") for value in texts) >= 5
    links = [cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row if cell.hyperlink]
    links = [link.target or link.location for link in links]
    assert links == ["'verdicts'!A1", "'results'!A1", "'lineage'!A1", "'returns-groups'!A1"]


def test_the_first_sheet_lists_the_others_and_every_heading_stays_in_sight(book):
    listed = [row[0] for row in rows(book["contents"])[4:]]
    assert book.sheetnames == ["contents", *listed] == ["contents", "verdicts", "results", "lineage", "returns-groups"]
    assert {sheet.freeze_panes for sheet in book.worksheets[1:]} == {"A2"} and book["contents"].freeze_panes == "A5"


def test_every_recorded_number_and_verdict_is_there(hostile, book):
    (record,) = json.loads((hostile / "results.json").read_text(encoding="utf-8"))
    head, row = rows(book["results"])
    told = dict(zip(head, row, strict=True))
    assert {name: told[name] for name in ("id", "value", "low", "high", "n")} == {
        name: record[name] for name in ("id", "value", "low", "high", "n")
    }
    assert told["inputs"] == "prices (2 rows)"
    head, row = rows(book["verdicts"])
    assert dict(zip(head, row, strict=True))["verdict"] == "holds"


def test_the_lineage_leads_from_a_sheet_to_the_tables_that_its_notebook_reads(book):
    head, *body = rows(book["lineage"])
    (told,) = [dict(zip(head, row, strict=True)) for row in body]
    assert (told["sheet"], told["notebook"], told["table"]) == ("returns-groups", "01_returns", "prices")
    assert told["as of"] == datetime(2025, 2, 14) and told["address"] == "javascript:alert(1)" and told["sha256"]


@pytest.mark.fault(61)
def test_two_builds_are_the_same_bytes_and_hold_no_time_of_their_own(hostile, book):
    first = {file: file.read_bytes() for file in hostile.rglob("*") if file.is_file()}
    downloads.write(hostile, "2025-02-14")
    assert {file: file.read_bytes() for file in hostile.rglob("*") if file.is_file()} == first
    with zipfile.ZipFile(hostile / downloads.WORKBOOK) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert book.properties.created == datetime(2025, 2, 14)


def test_the_bibliography_lies_beside_the_workbook(hostile, book):
    assert (hostile / references.NAME).read_bytes() == (paths.ROOT / references.NAME).read_bytes()


def test_the_latex_table_has_its_columns_and_every_sign_of_tex_is_escaped(hostile, book):
    text = (hostile / "01_returns" / "returns-groups.tex").read_text(encoding="utf-8")
    (columns,) = re.findall(r"\\begin\{tabular\}\{(.*)\}", text)
    assert columns == r"p{0.3\linewidth}rr" and r"\label{tab:returns-groups}" in text
    body = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert [len(re.split(r"(?<!\\)&", line)) for line in body] == [3, 3, 3]
    # what is left when the house's own commands are gone is text without a sign that means something
    own = r"\\(textbackslash|textless|textgreater|textasciicircum|textasciitilde)\{\}|\$-\$|\\[&%$#_{}]"
    plain = [re.sub(own, "", cell) for line in body for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))]
    assert not [cell for cell in plain if re.search(r"[&%$#_{}\\^~<>]", cell)]
    assert "$-$4.1" in text and r"\textbackslash{}\textbackslash{}input\{c\}" in text


def cells(*texts):
    return [{"text": text, "number": text.isdigit()} for text in texts]


def test_a_row_that_opens_with_a_bracket_is_no_option_of_the_line_before():
    text = downloads.latex("A", "tab:a", cells("n", "x"), [cells("[1]", "a"), cells("*", "b")])
    assert "{}[1] & a" in text and "{}* & b" in text and r"\begin{tabular}{ll}" in text


def test_a_long_table_runs_over_pages_with_its_heading():
    text = downloads.latex("A", "tab:a", cells("n"), [cells(str(place)) for place in range(60)])
    assert r"\begin{longtable}{r}" in text and r"\endhead" in text and r"\begin{table}" not in text


def test_names_of_sheets_are_short_and_differ():
    taken, slug = set(), "a-very-long-name-of-a-table-of-numbers"
    for _ in range(12):
        taken.add(downloads.sheet_name(slug, taken))
    assert len(taken) == 12 and max(map(len, taken)) == 31
    assert downloads.sheet_name("results", {"results"}) == "results~2"


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-2.5", "3e-07", "inf", ""], "number"),
        (["1", "01"], "text"),
        (["1234567890123456"], "text"),
        (["2025-01-27", ""], "day"),
        (["2025-01-27", "later"], "text"),
        (["2025-02-30"], "text"),
        (["1", "1e+999"], "text"),
        (["", ""], "text"),
        (["1,234"], "text"),
    ],
)
def test_a_column_is_numbers_or_days_only_where_all_of_it_is(texts, kind):
    assert downloads._kind(texts) == kind


@pytest.mark.fault(13)
def test_a_workbook_that_cannot_be_written_is_an_error_of_the_disk(hostile):
    (hostile / downloads.WORKBOOK).mkdir()
    with pytest.raises(OSError, match=r"Is a directory: .*edition\.xlsx"):
        downloads.write(hostile, "2025-02-14")


def test_a_notebook_that_is_not_fit_to_publish_stops_the_downloads(hostile):
    (hostile / "01_returns" / "notebook.ipynb").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"notebook.ipynb is not a readable notebook"):
        downloads.write(hostile, "2025-02-14")
