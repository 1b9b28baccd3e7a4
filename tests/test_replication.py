import csv
import importlib
import tomllib

import pytest

from helpers import data, parameters, paths, replication, results

DAY = results.NOTE_DAY
SETUP = "from helpers import charts, data, events, lag\nimport pandas as pd\n"


def words(cell):
    return cell if isinstance(cell, str) else cell["text"]


def rows(tables):
    return [[words(cell) for cell in row] for table in tables for row in table["rows"]]


def ledger(name):
    with (paths.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def listed(stored):
    return replication.exhibits({DAY: stored / DAY})


def test_every_row_has_a_cell_for_each_heading(stored):
    for name, table in replication.tables({DAY: stored / DAY}).items():
        # exhibits are looked at below
        for each in table() if name != "exhibits" else []:
            assert each["rows"] and {len(row) for row in each["rows"]} == {len(each["head"])}, name


def test_every_exhibit_of_the_stored_notebooks_is_listed_with_functions_that_are_there(stored, listed):
    figures, tables = listed
    told = {(row[2][:2], row[0]) for row in rows([figures, tables])}
    made = {(file.parent.name[:2], file.stem) for file in (stored / DAY).glob("*/*.csv")}
    assert told == made and len(made) > 60
    assert {len(row) for row in rows(listed)} == {len(figures["head"])}
    for shown in (figures, tables):
        for row in rows([shown]):
            if row[-1] == "rows of the data as they are":
                assert shown is tables
                continue
            functions = row[-1].split(", ")
            assert shown is tables or functions[0].startswith("charts."), row
            for function in functions:
                module, _, name = function.partition(".")
                assert hasattr(importlib.import_module(f"helpers.{module}"), name), row


def test_an_exhibit_of_two_editions_stands_once_as_the_older_makes_it(stored, listed):
    assert replication.exhibits({DAY: stored / DAY, "2026-07-31": stored / DAY}) == listed


@pytest.mark.parametrize(
    ("code", "slug", "made"),
    [
        (
            "notebook.figure('a', charts.one(lag.spells(notebook.load('x'))), [])",
            "a",
            ["charts.one", "lag.spells"],
        ),
        # what a computing function is given is its own affair
        ("t = events.mean(lag.spells(x))\nnotebook.table('a', t[['b']], 'c')", "a", ["events.mean"]),
        (
            "t = {}\nfor k in (1, 2):\n    t[k] = lag.spells(k)\nnotebook.figure('a', charts.one(t), [])",
            "a",
            ["charts.one", "lag.spells"],
        ),
        ("for k in 'ab':\n    notebook.figure(f'x-{k}', charts.one(k, charts.BLUE), [])", "x-b", ["charts.one"]),
        ("t = pd.concat([lag.spells(d) for d in days])\nnotebook.table('a', t, 'c')", "a", ["lag.spells"]),
        ("t = t.assign(b=t.c) if t else lag.spells(t)\nnotebook.table('a', t, 'c')", "a", ["lag.spells"]),
        ("notebook.figure('b', charts.one(1), [])", "a", []),
    ],
)
def test_the_functions_of_an_exhibit_are_found_through_the_names_of_the_notebook(code, slug, made):
    assert replication.Program(SETUP + code).makers(slug) == made


def test_the_dictionary_holds_every_column_of_every_table(stored):
    found = replication.dictionary({DAY: stored / DAY})
    listed = {(table["title"], row[0]) for table in found for row in rows([table])}
    assert listed == {(row["table"], row["column"]) for row in ledger("columns")}
    assert {table["title"] for table in found} == set(data.sources().index)
    prices = next(dict(table["facts"]) for table in found if table["title"] == "return_indices")
    assert prices["rows"].endswith("in the edition of 2025-02-14, which became known from 2022-12-30 to 2025-02-14")
    assert prices["known"] == "a row counts from the day in its column date"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"categories": "old|new"}, "old, new"),
        ({"minimum": "0", "maximum": "80"}, "0 to 80"),
        ({"minimum": "0.01"}, "at least 0.01"),
        ({"maximum": "5"}, "at most 5"),
        ({}, "any"),
    ],
)
def test_what_a_column_may_hold_is_told_in_words(given, told):
    assert replication._allowed(dict.fromkeys(("categories", "minimum", "maximum"), "") | given) == told


def test_sources_and_files_are_those_of_the_ledger_with_the_rows_of_each_file():
    (listed,), (provided,) = replication.sources(), replication.datasets()
    assert [row[:3] for row in rows([listed])] == [
        [row["table"], row["producer"], row["licence"]] for row in ledger("sources")
    ]
    for row, source in zip(rows([provided]), ledger("sources"), strict=True):
        with (paths.ROOT / row[0]).open(encoding="utf-8", newline="") as file:
            assert int(row[2].replace(",", "")) == sum(1 for _ in csv.reader(file)) - 1
        assert source["sha256"].startswith(row[3]) and len(row[3]) == replication.SHORT


def test_an_address_that_is_no_address_is_no_link():
    row = {"producer": "A", "address": "javascript:alert(1)"}
    assert replication._producer(row) == "A, javascript:alert(1)"
    assert replication._producer(row | {"address": "https://e.org"}) == {"text": "A", "address": "https://e.org"}


def test_every_package_that_the_project_asks_for_has_its_locked_version_and_its_reason():
    ((python, *found),) = [rows(replication.software())]
    project = tomllib.loads((paths.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert python == ["Python", project["requires-python"], ""]
    assert [row for row in found if not row[1]] == [] and len(found) > 30
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    held = {line.partition(" ")[0].replace("-", "_") for line in lock}
    assert {f"{name}=={version}".replace("-", "_") for name, version, _ in found} <= held
    assert ["mistune", "notebook markdown to HTML"] in [[row[0], row[2]] for row in found]


def test_seeds_and_draws_are_those_of_the_notebooks(stored):
    listed = [
        (name.removesuffix(".ipynb"), key, value)
        for name, key, value, _ in rows(replication.seeds({DAY: stored / DAY}))
    ]
    held = [
        (name, key, value)
        for name in parameters.notebooks()
        for key, value in parameters.parameters(name).items()
        if key in ("seed", "draws")
    ]
    assert [(name, key, int(value.replace("_", ""))) for name, key, value in listed] == held and len(held) > 8


def test_every_program_says_what_it_does():
    found = rows(replication.programs())
    place = paths.ROOT / "src" / "helpers"
    assert {row[0] for row in found} == {str(file.relative_to(place)) for file in place.rglob("*.py")}
    assert [row for row in found if not row[1].strip()] == []


def test_every_claim_has_a_number_with_its_page_and_function(stored):
    (table,) = replication.numbers({DAY: stored / DAY})
    assert [row[0]["address"] for row in table["rows"]] == [
        f"../{DAY}/numbers/{claim}.html" for claim in results.claims().index
    ]
    assert {row[-1] for row in rows([table])} == {"returns.holding_period_return"}


def test_works_behind_the_data_are_those_that_the_bibliography_marks():
    found = rows(replication.works())
    assert "btos2026" in {row[0] for row in found} and "hill1973" not in {row[0] for row in found}
