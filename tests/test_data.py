import csv
import datetime
import functools
import hashlib
import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import data, paths

READ, NOTE = "2026-11-23", '"""2025-02-14"""'
CLAIMS_SHA256 = "830dbe8790d6d6ae0456707dcd5e076e7f9456afe6fae4d485f3a9e8cbf2bb03"

PRICES = """\
model,day,price,votes,tier,open
NA,2024-01-02,1.5,10,small,1
NA,2024-01-03,1.25,,large,0
Zeta,2024-02-29,20,7,small,1
"""
MODELS = "model,maker\nNA,nobody\nZeta,null\n"
COLUMNS = """\
table,column,meaning,type,unit,minimum,maximum,categories,key,required,refers_to
models,model,Name of the model.,text,,,,,1,1,
models,maker,Who made it.,text,,,,,0,0,
prices,model,Name of the model.,text,,,,,1,1,models.model
prices,day,Day of the price.,date,,2024-01-01,2024-12-31,,1,1,
prices,price,The price.,number,USD,0.5,100,,0,1,
prices,votes,Votes for it.,integer,votes,1,1000,,0,0,
prices,tier,Place in the range.,text,,,,small|large,0,1,
prices,open,One where it is open.,flag,,0,1,,0,1,
"""
CLAIMS = """\
id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range
fell,01_returns,1,text,Prices fell,change,percent,-inf,0,direction
"""
PARAMETERS = """\
notebook,name,value
01_returns,as_of,""\"2025-02-14""\"
01_returns,benchmark,""\"SPY""\"
01_returns,days,250
"""
KINDS = {"models": ("always", "definition"), "prices": ("day", "series")}


class Project:
    """A project of two small tables: what it holds, and what `make data` says of it."""

    def __init__(self, root, monkeypatch):
        self.data, self.raw, self.processed = root / "data", root / "data/raw", root / "data/processed"
        self.raw.mkdir(parents=True)
        for name, place in (("ROOT", root), ("DATA", self.data), ("RAW", self.raw), ("PROCESSED", self.processed)):
            monkeypatch.setattr(paths, name, place)
        self.ledger("columns.csv", COLUMNS)
        self.ledger("claims.csv", CLAIMS)
        self.ledger("parameters.csv", PARAMETERS)
        self.put("models", MODELS, state=False)
        self.put("prices", PRICES)

    def ledger(self, name, text):
        (self.data / name).write_text(text, encoding="utf-8")

    def put(self, table, text, state=True):
        content = text.encode("utf-8") if isinstance(text, str) else text
        (self.raw / f"{table}.csv").write_bytes(content)
        if state:
            self.state()

    def state(self):
        rows = []
        for table, (known_on, kind) in KINDS.items():
            digest = self.sha256(table) if (self.raw / f"{table}.csv").exists() else "0"
            cells = ("made up", "nobody", "https://example.org", "none", "2024-12-31", READ, known_on, kind, digest)
            rows.append(",".join((f"{table}.csv", table, *cells)))
        self.ledger("sources.csv", "\n".join([",".join(data.SOURCE_COLUMNS), *rows]) + "\n")

    def sha256(self, table):
        return hashlib.sha256((self.raw / f"{table}.csv").read_bytes()).hexdigest()

    def built(self):
        return {path.name: path.read_bytes() for path in sorted(self.processed.glob("[!.]*"))}


@pytest.fixture
def project(tmp_path, monkeypatch):
    return Project(tmp_path, monkeypatch)


@pytest.fixture
def refused(project, capsys):
    """What `make data` says of a broken project, after seeing that it left alone what was built before."""

    def run():
        before = project.built()
        assert data.main() == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert project.built() == before
        count, *faults = err.splitlines()
        assert count == f"error: {len(faults)} fault(s) in the data:"
        return faults

    data.build()
    return run


# Faults of a raw file, row by row


def edited(old, new):
    assert PRICES.count(old) == 1
    return PRICES.replace(old, new)


def cell(column, value):
    """The prices with another cell on line 4."""
    cells = {"model": "Zeta", "day": "2024-02-29", "price": "20", "votes": "7", "tier": "small", "open": "1"}
    return edited(",".join(cells.values()), ",".join((cells | {column: value}).values()))


WHOLE_FILE = {
    "an empty file": ("", "data/raw/prices.csv: is empty"),
    "a header only": (PRICES.splitlines(True)[0], "data/raw/prices.csv: has a header but no rows"),
    "a cut last line": (PRICES[:-6], "data/raw/prices.csv: is cut: line 4 has no line end"),
    "a short row": (edited("20,7,", "20,"), "data/raw/prices.csv line 4: 5 cells, but the header has 6"),
    "a long row": (edited("20,7,", "20,7,,"), "data/raw/prices.csv line 4: 7 cells, but the header has 6"),
    "an unquoted thousands mark": (
        cell("price", "1,234.5"),
        "data/raw/prices.csv line 4: 7 cells, but the header has 6",
    ),
    "an empty line": (edited("Zeta", "\nZeta"), "data/raw/prices.csv line 4: 0 cells, but the header has 6"),
    "an open quote": (cell("tier", '"small'), "data/raw/prices.csv line 4: unexpected end of data"),
    "a missing column": (
        edited("votes,tier", "tier"),
        "data/raw/prices.csv line 1, columns: missing votes",
    ),
    "an extra column": (edited("tier,open", "tier,open,more"), "data/raw/prices.csv line 1, columns: extra more"),
    "a renamed column": (
        edited("votes,tier", "Votes,tier"),
        "data/raw/prices.csv line 1, columns: missing votes; extra Votes",
    ),
    "a column twice": (
        edited("votes,tier", "tier,tier"),
        "data/raw/prices.csv line 1, columns: twice tier; missing votes",
    ),
    "columns in another order": (
        edited("model,day", "day,model"),
        "data/raw/prices.csv line 1, columns: in another order than model, day, price, votes, tier, open",
    ),
    "no header": (
        PRICES.split("\n", 1)[1],
        "data/raw/prices.csv line 1, columns: missing model, day, price, votes, tier, open; "
        "extra NA, 2024-01-02, 1.5, 10, small, 1",
    ),
    "a byte order mark": (
        PRICES.encode("utf-8-sig"),
        "data/raw/prices.csv: starts with a byte order mark; save it as plain UTF-8",
    ),
    "UTF-16": (PRICES.encode("utf-16"), "data/raw/prices.csv: is UTF-16; save it as plain UTF-8"),
    "UTF-16 without a mark": (PRICES.encode("utf-16-le"), "data/raw/prices.csv: holds a NUL byte"),
    "a NUL": (cell("model", "Ze\0ta"), "data/raw/prices.csv: holds a NUL byte"),
    "Latin-1": (cell("model", "Zéta").encode("latin-1"), "data/raw/prices.csv: is not UTF-8 on line 4"),
    "line ends of Windows": (
        PRICES.replace("\n", "\r\n"),
        "data/raw/prices.csv: has a carriage return on line 1; lines end with a line feed",
    ),
    "an HTML page": (
        "\n<!DOCTYPE html>\n<html><body>Not found</body></html>\n",
        "data/raw/prices.csv: is an HTML or XML page, not a table",
    ),
}

DATES = ("02/01/2024", "2024-2-3", "20240203", "2024-02-03T00:00", "29 February", "NaT", "٢٠٢٤-٠١-٠٢")
NUMBERS = (
    "5%",
    "$5",
    "inf",
    "-inf",
    "nan",
    "NA",
    "1e999",
    "1e1",
    "+5",
    "05",
    ".5",
    "5.",
    "1_0",
    "−5",
    "٥",
    "0x5",
    " 5",
    "-0",
    "-0.0",
)
ONE_CELL = [
    *(("day", day, "is not of type date") for day in DATES),
    *(("day", day, "is no date of the calendar") for day in ("2024-02-30", "2023-02-29", "2024-13-01", "2024-00-10")),
    ("day", "2023-12-31", "is below the minimum 2024-01-01"),
    ("day", "2025-01-01", "is above the maximum 2024-12-31"),
    ("day", "", "is empty, but the column is required"),
    *(("price", price, "is not of type number") for price in NUMBERS),
    ("price", '"1,234.5"', "is not of type number"),
    ("price", "0.4999", "is below the minimum 0.5"),
    ("price", "-20", "is below the minimum 0.5"),
    ("price", "100.01", "is above the maximum 100"),
    ("price", "9" * 400, "is above the maximum 100"),
    ("price", "", "is empty, but the column is required"),
    ("votes", "7.0", "is not of type integer"),
    ("votes", "-0", "is not of type integer"),
    ("votes", "7.5", "is not of type integer"),
    ("votes", "0", "is below the minimum 1"),
    ("votes", "9" * 30, "is above the maximum 1000"),
    ("tier", "huge", "is none of large | small"),
    ("tier", "Small", "is none of large | small"),
    ("tier", "small ", "is not of type text"),
    ("tier", "sma\tll", "is not of type text"),
    ("tier", "", "is empty, but the column is required"),
    ("open", "yes", "is not of type flag"),
    ("open", "2", "is not of type flag"),
    ("model", "Eta", "is not in models.model"),
    ("model", "zeta", "is not in models.model"),
]


@pytest.mark.fault(33, 34, 35, 36, 38, 42, 43)
@pytest.mark.parametrize(("text", "fault"), WHOLE_FILE.values(), ids=WHOLE_FILE)
def test_a_file_that_is_no_table_is_refused(text, fault, project, refused):
    project.put("prices", text)
    assert refused() == [fault]


@pytest.mark.fault(37, 38, 39)
@pytest.mark.parametrize(("column", "value", "rule"), ONE_CELL, ids=lambda part: ascii(part)[:30])
def test_a_cell_that_breaks_a_rule_is_named_with_its_place(column, value, rule, project, refused):
    project.put("prices", cell(column, value))
    assert refused() == [f"data/raw/prices.csv line 4, column {column}: {value.strip(chr(34))!r} {rule}"]


@pytest.mark.parametrize("value", ["0.5", "100", "100.0"])
def test_a_value_on_the_edge_of_its_range_is_allowed(value, project):
    project.put("prices", cell("price", value))
    assert data.load("prices", READ).price[2] == float(value)


@pytest.mark.fault(41)
def test_a_key_that_stands_twice_cites_the_earlier_line(project, refused):
    project.put("prices", PRICES + "NA,2024-01-03,1.25,,large,0\n")
    fault = "data/raw/prices.csv line 5, column model, day: 'NA, 2024-01-03' stands already on line 3"
    assert refused() == [fault]


@pytest.mark.fault(41)
def test_a_key_of_one_column_that_stands_thrice_cites_the_first_line_each_time(project, refused):
    project.put("models", MODELS + "NA,a\nNA,b\n")
    place = "data/raw/models.csv line {}, column model: 'NA' stands already on line 2"
    assert refused() == [place.format(4), place.format(5)]


def test_lines_are_counted_as_an_editor_counts_them_after_a_quoted_line_end(project, refused):
    project.put("models", 'model,maker\nNA,"no\nbody"\nZeta,\nZeta,\n')
    assert refused() == [
        "data/raw/models.csv line 3, column maker: 'no\\nbody' is not of type text",
        "data/raw/models.csv line 5, column model: 'Zeta' stands already on line 4",
    ]


# Several faults


@pytest.mark.fault(44)
def test_faults_of_several_files_are_all_told(project, refused):
    project.put("models", MODELS + "Eta,\tx\n")
    project.put("prices", edited("1.5,10,small", "x,0,huge"))
    assert refused() == [
        "data/raw/models.csv line 4, column maker: '\\tx' is not of type text",
        "data/raw/prices.csv line 2, column price: 'x' is not of type number",
        "data/raw/prices.csv line 2, column votes: '0' is below the minimum 1",
        "data/raw/prices.csv line 2, column tier: 'huge' is none of large | small",
    ]


@pytest.mark.fault(44)
@pytest.mark.parametrize(("count", "last"), [(20, "line 24, "), (21, "and 1 more"), (45, "and 25 more")])
def test_all_faults_are_counted_and_the_first_twenty_shown(count, last, project, capsys):
    days = pd.date_range("2024-03-01", periods=count).strftime("%Y-%m-%d")
    project.put("prices", PRICES + "".join(f"NA,{day},x,,large,0\n" for day in days))
    assert data.main() == 1
    first, *lines = capsys.readouterr().err.splitlines()
    assert first == f"error: {count} fault(s) in the data:"
    assert all(f"prices.csv line {number}, column price: 'x'" in line for number, line in enumerate(lines[:20], 5))
    assert len(lines) == min(count, 21)
    assert last in lines[-1]


# Raw files that changed, are missing or unlisted


@pytest.mark.fault(45)
def test_a_changed_raw_file_is_named_with_both_hashes(project, refused):
    stated = project.sha256("prices")
    project.put("prices", cell("price", "21"), state=False)
    assert refused() == [
        f"data/raw/prices.csv: sha256 is {project.sha256('prices')}, but data/sources.csv says {stated}; restore it "
        "with `git checkout data/raw/prices.csv`, or state the new hash if the change is meant"
    ]


@pytest.mark.fault(34, 45)
def test_a_file_cut_at_the_end_of_a_line_is_caught_by_its_hash(project, refused):
    project.put("prices", PRICES.rsplit("\n", 2)[0] + "\n", state=False)
    (fault,) = refused()
    assert fault.startswith("data/raw/prices.csv: sha256 is ")


@pytest.mark.fault(43)
def test_a_page_saved_over_a_raw_file_is_told_before_its_hash(project, refused):
    project.put("prices", "<html></html>\n", state=False)
    first, second = refused()
    assert first == "data/raw/prices.csv: is an HTML or XML page, not a table"
    assert second.startswith("data/raw/prices.csv: sha256 is ")


@pytest.mark.fault(45)
def test_a_missing_raw_file_is_named_with_the_remedy_and_nothing_else(project, refused):
    (project.raw / "models.csv").unlink()
    assert refused() == ["data/raw/models.csv: missing; restore it with `git checkout data/raw/models.csv`"]


@pytest.mark.fault(45)
def test_a_raw_file_that_git_does_not_track_is_not_to_be_restored_by_git(project, refused, monkeypatch):
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)
    for words in (["init", "--quiet"], ["add", "data/raw/models.csv"]):
        subprocess.run(["git", *words], cwd=paths.ROOT, check=True)
    stated = {table: project.sha256(table) for table in ("prices", "models")}
    project.put("prices", cell("price", "21"), state=False)
    (project.raw / "models.csv").write_text("model,maker\nNA,nobody\n", encoding="utf-8")
    models, prices = sorted(line for line in refused() if ": sha256 is " in line)
    assert prices == (
        f"data/raw/prices.csv: sha256 is {project.sha256('prices')}, but data/sources.csv says {stated['prices']}; git "
        "does not track it, so there is nothing to restore: state the new hash in data/sources.csv, column sha256"
    )
    assert "restore it with `git checkout data/raw/models.csv`, or state the new hash" in models
    (project.raw / "prices.csv").unlink()
    assert [line for line in refused() if "prices" in line and "missing" in line] == [
        "data/raw/prices.csv: missing; git does not track it, so there is nothing to restore: put it back"
    ]


@pytest.mark.fault(45)
def test_a_missing_folder_of_raw_files_names_each_of_them(project, refused):
    for path in project.raw.iterdir():
        path.unlink()
    project.raw.rmdir()
    assert refused() == [
        f"data/raw/{table}.csv: missing; restore it with `git checkout data/raw/{table}.csv`" for table in KINDS
    ]


@pytest.mark.fault(45)
def test_an_unlisted_raw_file_is_named(project, refused):
    (project.raw / "stray.csv").write_text("a\n1\n", encoding="utf-8")
    assert refused() == [
        "data/raw/stray.csv: not listed in data/sources.csv; add its row or take the file away",
    ]


# Ledgers that are wrong themselves

LEDGERS = {
    "a missing column of a ledger": (
        "columns.csv", ",unit,", ",",
        ["data/columns.csv line 1, columns: missing unit"],
    ),
    "an unknown type": (
        "columns.csv", "The price.,number", "The price.,float",
        ["data/columns.csv line 6, column type: 'float' is none of text | integer | number | date | flag | quarter"],
    ),
    "a bound that is no number": (
        "columns.csv", "0.5,100", "half,100",
        ["data/columns.csv line 6, column minimum: 'half' is not of type number"],
    ),
    "a key that is no flag": (
        "columns.csv", "votes,1,1000,,0,0", "votes,1,1000,,no,0",
        ["data/columns.csv line 7, column key: 'no' is neither 0 nor 1"],
    ),
    "a column without a meaning": (
        "columns.csv", "Votes for it.", "",
        ["data/columns.csv line 7, column meaning: is empty"],
    ),
    "a column described twice": (
        "columns.csv", "prices,open,", "prices,tier,",
        ["data/columns.csv line 9, column table, column: 'prices, tier' stands already on line 8"],
    ),
    "a reference to nowhere": (
        "columns.csv", "models.model", "models.name",
        ["data/columns.csv line 4, column refers_to: 'models.name' is no table.column"],
    ),
    "an unknown kind": (
        "sources.csv", ",series,", ",serial,",
        ["data/sources.csv line 3, column kind: 'serial' is none of series | snapshots | record | definition"],
    ),
    "a known_on that is no date": (
        "sources.csv", f"{READ},day,", f"{READ},price,",
        ["data/sources.csv line 3, column known_on: 'price' is no required date column of prices"],
    ),
    "a file of another name": (
        "sources.csv", "prices.csv,", "../prices.csv,",
        ["data/sources.csv line 3, column file: '../prices.csv' is not prices.csv"],
    ),
    "a table without columns": (
        "sources.csv", "models.csv,models,", "model.csv,model,",
        [
            "data/sources.csv line 2: no column of model is described in data/columns.csv",
            "data/columns.csv line 2, column table: 'models' is not in data/sources.csv",
            "data/columns.csv line 3, column table: 'models' is not in data/sources.csv",
        ],
    ),
    "a range upside down": (
        "claims.csv", "-inf,0", "0,-inf",
        ["data/claims.csv line 2: '0' to '-inf' is no range"],
    ),
    "a kind of claim that is none": (
        "claims.csv", "1,text,", "1,chrt,",
        ["data/claims.csv line 2, column kind: 'chrt' is none of chart | text | forecast"],
    ),
    "a claim of no notebook": (
        "claims.csv", "01_returns", "returns",
        ["data/claims.csv line 2, column notebook: 'returns' is not the name of a notebook"],
    ),
    "a bound that is no date": (
        "columns.csv", "2024-01-01,2024-12-31", "2024-01-41,2024-12-31",
        ["data/columns.csv line 5, column minimum: '2024-01-41' is not of type date"],
    ),
    "bounds upside down": (
        "columns.csv", "0.5,100", "100,0.5",
        ["data/columns.csv line 6: the minimum 100 is above the maximum 0.5"],
    ),
    "a parameter declared twice": (
        "parameters.csv", "01_returns,days", "01_returns,benchmark",
        ["data/parameters.csv line 4, column notebook, name: '01_returns, benchmark' stands already on line 3"],
    ),
    "a parameter of no notebook": (
        "parameters.csv", "01_returns,days", "returns,days",
        [
            "data/parameters.csv line 4, column notebook: 'returns' is not the name of a notebook",
            "data/parameters.csv line 4: returns has no row for as_of; add it",
        ],
    ),
    "a parameter of a notebook that does not exist": (
        "parameters.csv", "250\n", '250\n01_retruns,as_of,"""2025-02-14"""\n',
        ["data/parameters.csv line 5, column notebook: there is no notebook '01_retruns'; did you mean 01_returns?"],
    ),
    "a parameter that is no name": (
        "parameters.csv", "01_returns,days", "01_returns,2 days",
        ["data/parameters.csv line 4, column name: '2 days' is not the name of a parameter"],
    ),
    "a text that is not in JSON": (
        "parameters.csv", '"""SPY"""', "SPY",
        [
            "data/parameters.csv line 3, column value: 'SPY' is not a value in JSON, such as 10000, 0.95, true or "
            '"SPY"'
        ],
    ),
    "an empty value": (
        "parameters.csv", "days,250", "days,",
        ["data/parameters.csv line 4, column value: '' is not a value in JSON, such as 10000, 0.95, true or \"SPY\""],
    ),
    "a value that is no finite number": (
        "parameters.csv", "days,250", "days,1e999",
        ["data/parameters.csv line 4, column value: '1e999' is not text, a finite number, true or false"],
    ),
    "no value": (
        "parameters.csv", "days,250", "days,null",
        ["data/parameters.csv line 4, column value: 'null' is not text, a finite number, true or false"],
    ),
    "a declared day that is not that of the stored notebooks": (
        "parameters.csv", "2025-02-14", "2025-02-07",
        [
            "data/parameters.csv line 2, column value: '\"2025-02-07\"' is not the day of the stored notebooks, "
            '"2025-02-14"'
        ],
    ),
    "no declared day": (
        "parameters.csv", '01_returns,as_of,"""2025-02-14"""\n', "",
        ["data/parameters.csv line 2: 01_returns has no row for as_of; add it"],
    ),
    "a parameters ledger with another column": (
        "parameters.csv", "name,value", "name,worth",
        ["data/parameters.csv line 1, columns: missing value; extra worth"],
    ),
    "a range that is no number": (
        "claims.csv", "-inf,0", "nan,0",
        ["data/claims.csv line 2: 'nan' to '0' is no range"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "faults"), LEDGERS.values(), ids=LEDGERS)
def test_a_wrong_ledger_is_refused(name, old, new, faults, project, refused):
    text = (project.data / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    project.ledger(name, text.replace(old, new))
    assert refused() == faults


ADDED = "id,notebook,claim,quantity,unit,low,high,reason_for_range\nours,08_capex,Ours,change,percent,0,inf,sign\n"


@pytest.mark.parametrize(
    ("old", "new", "faults"),
    [
        ("0,inf", "0,-inf", ["line 2: '0' to '-inf' is no range"]),
        ("sign", "", ["line 2, column reason_for_range: is empty"]),
        ("08_capex", "capex", ["line 2, column notebook: 'capex' is not the name of a notebook"]),
        ("ours,", "fell,", ["line 2, column id: 'fell' is a claim of the note"]),
        ("sign\n", "sign\nours,08_capex,O,c,percent,0,1,s\n", ["line 3, column id: 'ours' stands already on line 2"]),
    ],
)
def test_a_wrong_added_claim_is_refused_as_one_of_the_note_is(old, new, faults, project, refused):
    project.ledger("added_claims.csv", ADDED)
    assert data.build()
    project.ledger("added_claims.csv", ADDED.replace(old, new))
    assert refused() == [f"data/added_claims.csv {fault}" for fault in faults]


@pytest.mark.parametrize("name", ["sources.csv", "columns.csv", "claims.csv", "parameters.csv"])
def test_a_missing_ledger_is_named_with_the_remedy(name, project, refused):
    (project.data / name).unlink()
    assert refused() == [f"data/{name}: missing; restore it with `git checkout data/{name}`"]


def test_declared_parameters_have_the_types_in_which_they_are_written(project):
    project.ledger("parameters.csv", f"{PARAMETERS}01_returns,level,2.0\n01_returns,fast,true\n07_next,as_of,{NOTE}\n")
    declared = data.declared_parameters()
    assert declared["07_next"] == {"as_of": data.REPLICATION} and [*map(repr, declared["01_returns"].values())] == [
        "'2025-02-14'", "'SPY'", "250", "2.0", "True",
    ]  # fmt: skip
    # what a caller does with it is its own affair
    declared["01_returns"]["days"] = 5
    assert data.declared_parameters()["01_returns"]["days"] == 250


def test_another_declared_value_builds_no_table_anew(project):
    assert data.build()
    project.ledger("parameters.csv", PARAMETERS.replace("250", "120"))
    assert not data.build() and data.declared_parameters()["01_returns"]["days"] == 120


# What is built


@pytest.mark.fault(40)
def test_text_that_looks_like_nothing_stays_text(project):
    assert list(data.load("prices", READ).model) == ["NA", "NA", "Zeta"]
    assert list(data.load("models", READ).maker) == ["nobody", "null"]


def test_cells_get_their_types_and_an_empty_cell_stays_unknown(project):
    rows = data.load("prices", READ)
    assert list(map(str, rows.dtypes)) == ["str", "datetime64[ms]", "float64", "Int64", "str", "bool"]
    assert rows.votes.isna().tolist() == [False, True, False]
    assert rows.open.tolist() == [True, False, True]


def test_a_broken_project_never_built_leaves_nothing_behind(project, capsys):
    project.put("prices", cell("price", "x"))
    assert data.main() == 1
    assert project.built() == {}
    assert "is not of type number" in capsys.readouterr().err


def test_load_refuses_broken_data_rather_than_read_what_was_built_before(project):
    data.build()
    project.put("prices", cell("price", "x"))
    with pytest.raises(data.DataError, match="line 4, column price: 'x' is not of type number"):
        data.load("models", READ)


def test_the_data_are_built_once_and_again_after_a_change(project):
    assert [data.build(), data.build()] == [True, False]
    project.put("prices", cell("price", "21"))
    assert [data.build(), data.build()] == [True, False]
    assert data.load("prices", READ).price[2] == 21


def test_a_built_table_that_was_deleted_is_built_anew(project):
    data.build()
    (project.processed / "prices.parquet").unlink()
    assert len(data.load("prices", READ)) == 3


@pytest.mark.parametrize("harm", ["changed", "torn"])
def test_a_built_table_that_was_touched_is_built_anew(harm, project):
    data.build()
    path = sorted(paths.PROCESSED.glob("*.parquet"))[0]
    before = path.read_bytes()
    if harm == "torn":
        path.write_bytes(before[:100])
    else:
        rows = pd.read_parquet(path)
        pd.concat([rows, rows]).to_parquet(path, index=False)
    assert data.build()
    assert path.read_bytes() == before


def interrupted(*args, **kwargs):
    raise KeyboardInterrupt


@pytest.mark.fault(12)
def test_a_build_killed_midway_never_counts_as_built(project, monkeypatch):
    data.build()
    project.put("models", MODELS.replace("nobody", "somebody"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(project.data), "write_text", interrupted)
        data.build()
    project.put("models", MODELS)
    assert data.load("models", READ).maker[0] == "nobody"


@pytest.mark.fault(14)
def test_of_two_builds_at_once_the_second_waits_and_has_nothing_left_to_do(project, monkeypatch):
    built, checked = [], data._checked

    def slow():
        time.sleep(0.2)
        return checked()

    monkeypatch.setattr(data, "_checked", slow)
    builders = [threading.Thread(target=lambda: built.append(data.build())) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert sorted(built) == [False, True] and len(data.load("prices", READ)) == 3


@pytest.mark.fault(12)
def test_drafts_of_a_build_that_was_killed_are_swept_by_the_next(project):
    project.processed.mkdir()
    (project.processed / "prices.77.part").write_bytes(b"half")
    data.build()
    assert not list(project.processed.glob("*.part"))


@pytest.mark.fault(13)
def test_a_build_for_which_the_disk_is_full_is_told_in_a_line_and_is_built_anew_the_next_time(
    project, monkeypatch, capsys
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(pd.DataFrame, "to_parquet", full)
        assert data.main() == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1) and err.startswith("error: [Errno 28] No space left on device")
    assert data.build() and len(data.load("prices", READ)) == 3


@pytest.mark.fault(61)
def test_two_builds_write_the_same_bytes(project):
    data.build()
    first = project.built()
    (project.processed / "built.json").unlink()
    data.build()
    assert project.built() == first


@pytest.mark.fault(47)
def test_rows_of_one_day_keep_the_order_of_the_raw_file(project):
    tied = [f"NA{i * 7919 % 500}" for i in range(500)]
    project.put("models", "model,maker\n" + "".join(f"{name},\n" for name in tied))
    project.put("prices", "model,day,price,votes,tier,open\n" + "".join(f"{m},2024-01-02,1,,small,1\n" for m in tied))
    assert data.load("prices", READ).model.tolist() == tied


def test_main_says_what_was_built(project, capsys):
    assert [data.main(), data.main()] == [0, 0]
    tail = "2 tables, 5 rows, editions 2024-01-02 to 2024-02-29\n"
    assert capsys.readouterr().out == f"data/processed is built: {tail}data/processed is up to date: {tail}"


# As of a day


@pytest.mark.parametrize(
    ("as_of", "rows"), [("2024-01-01", 0), ("2024-01-02", 1), ("2024-01-03", 2), ("2024-02-28", 2), ("2024-02-29", 3)]
)
def test_a_row_is_read_from_the_very_day_it_was_known_and_not_before(as_of, rows, project):
    assert len(data.load("prices", as_of)) == rows


def test_a_definition_is_always_read(project):
    assert len(data.load("models", "1900-01-01")) == 2


@pytest.mark.parametrize("as_of", ["2024-02-30", "02/01/2024", "2024-1-2", "today", "", "20240102", None, 20240102])
def test_an_impossible_date_is_refused(as_of, project):
    with pytest.raises(ValueError, match=r"is not a date written yyyy-mm-dd|is no date of the calendar"):
        data.load("prices", as_of)


def test_an_unknown_table_is_refused_with_those_there_are(project):
    with pytest.raises(ValueError, match="no table 'price'; there are models, prices"):
        data.load("price", READ)


def test_what_is_read_tells_its_table_its_key_and_the_hash_of_its_raw_file(project):
    told = {"table": "prices", "sha256": project.sha256("prices"), "key": "model day", "rows": 3}
    assert data.load("prices", READ).attrs == told


def test_changing_later_lines_of_a_raw_file_changes_nothing_read_before(project):
    before = data.load("prices", "2024-01-03")
    project.put("prices", cell("price", "99").replace("2024-02-29", "2024-01-04"))
    after = data.load("prices", "2024-01-03")
    assert before.attrs.pop("sha256") != after.attrs.pop("sha256")
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    project.put("prices", PRICES.rsplit("\n", 2)[0] + "\n")
    pd.testing.assert_frame_equal(before, data.load("prices", "2024-01-03"), check_exact=True)


@pytest.mark.fault(46)
def test_a_load_that_leaks_the_future_would_be_noticed(project, monkeypatch):
    monkeypatch.setattr(data, "known", lambda rows, column, day: rows)
    before = data.load("prices", "2024-01-03")
    project.put("prices", cell("price", "99"))
    assert not before.equals(data.load("prices", "2024-01-03"))


@functools.cache
def raw(table):
    return data.read(table)[0]


@functools.cache
def dated():
    known_on = data.sources().known_on
    return known_on[known_on != data.ALWAYS].to_dict()


@st.composite
def past_and_future(draw):
    table = draw(st.sampled_from(sorted(dated())))
    days = sorted(set(raw(table)[dated()[table]]))
    eve = datetime.date.fromisoformat(days[0]) - datetime.timedelta(days=1)
    return table, draw(st.sampled_from([eve.isoformat(), *days[:-1]])), draw(st.integers(0, 2**32 - 1))


def otherwise(cells, known_on, as_of, seed):
    """The same table had the future come otherwise: later rows lost, moved, and given each other's cells."""
    chance = np.random.default_rng(seed)
    later = (cells[known_on] > as_of).to_numpy()
    past, future = cells[~later], cells[later]
    future = pd.DataFrame({name: chance.permutation(future[name].to_numpy(object)) for name in cells}, dtype="str")
    future = future[chance.random(len(future)) < chance.random()]
    slots = chance.permutation(len(past) + len(future))
    order = np.concatenate([np.sort(slots[: len(past)]), slots[len(past) :]])
    return pd.concat([past, future], ignore_index=True).iloc[np.argsort(order)]


def blind_to_the_future(reader, table, as_of, seed):
    known_on, day = dated()[table], datetime.date.fromisoformat(as_of)
    readings = [
        reader(data.typed(table, cells), known_on, day).reset_index(drop=True)
        for cells in (raw(table), otherwise(raw(table), known_on, as_of, seed))
    ]
    return readings[0].equals(readings[1]) and readings[0].dtypes.equals(readings[1].dtypes)


@pytest.mark.fault(46)
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(past_and_future())
@example(("return_indices", data.REPLICATION, 1))
@example(("arena_scores", data.REPLICATION, 2))
@example(("btos_national", data.REPLICATION, 3))
@example(("model_prices", data.REPLICATION, 4))
def test_nothing_read_on_a_day_depends_on_rows_known_later(case):
    assert blind_to_the_future(data.known, *case)


LEAKS = {
    "reads a day too far": lambda rows, column, day: data.known(rows, column, day + datetime.timedelta(days=14)),
    "reads all": lambda rows, column, day: rows,
    "keeps later rows without their values": lambda rows, column, day: rows.where(rows[column] <= pd.Timestamp(day)),
    "fills gaps with what comes next": lambda rows, column, day: data.known(rows.bfill(), column, day),
    "measures against the mean of all": lambda rows, column, day: data.known(
        rows.assign(use_rate=rows.use_rate - rows.use_rate.mean()), column, day
    ),
}


@pytest.mark.fault(46)
@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_the_property_notices_a_reader_that(leak):
    assert not blind_to_the_future(leak, "btos_sectors", data.REPLICATION, 5)


# The tables we hold


@functools.cache
def checked():
    return data.check()


def held(table):
    return checked()[table]


def test_the_raw_data_follow_every_rule_of_their_ledgers():
    assert set(checked()) == set(data.sources().index)


def test_every_number_and_date_has_a_range_it_must_lie_in():
    columns = data.columns()
    open_ended = columns[
        columns.type.isin(["number", "integer", "date"]) & columns[["minimum", "maximum"]].eq("").any(axis=1)
    ]
    assert open_ended.empty


def test_every_table_has_a_key():
    columns = data.columns()
    assert set(columns.table[columns.key == "1"]) == set(data.sources().index)


def revised(table, as_of):
    """Whether a refresh has brought a later vintage of some rows that is in force on a day."""
    later, _ = data.vintages(table)
    return later is not None and later.known_from.min() <= as_of


@pytest.mark.parametrize("which", ["replication", "first", "last", "latest"])
def test_every_table_loads_and_holds_all_that_was_known_and_no_more(which):
    as_of = {"replication": data.REPLICATION, "latest": data.latest()} | dict(
        zip(("first", "last"), data.span(), strict=True)
    )
    for table, known_on in data.sources().known_on.items():
        rows, day = held(table), pd.Timestamp(as_of[which])
        if revised(table, as_of[which]):
            continue
        due = rows if known_on == data.ALWAYS else rows[rows[known_on] <= day].reset_index(drop=True)
        pd.testing.assert_frame_equal(data.load(table, as_of[which]), due, check_exact=True)


def test_no_row_was_known_after_the_day_the_figures_were_read():
    assert {
        table: held(table)[column].max()
        for table, column in dated().items()
        if held(table)[column].max() > pd.Timestamp(data.sources().read[table])
    } == {}


def test_the_span_is_from_the_first_row_of_a_series_to_the_last():
    series = [held(table)[row.known_on] for table, row in data.sources().iterrows() if row.kind == "series"]
    days = [f"{min(days.min() for days in series):%Y-%m-%d}", f"{max(days.max() for days in series):%Y-%m-%d}"]
    assert list(data.span()) == days


def test_the_latest_edition_is_the_newest_day_that_all_series_reach():
    series = {
        table: held(table)[row.known_on].max() for table, row in data.sources().iterrows() if row.kind == "series"
    }
    assert data.latest() == f"{min(series.values()):%Y-%m-%d}"
    assert data.span()[0] < data.REPLICATION < data.latest() <= data.span()[1] <= data.sources().read.max()


def test_reach_as_of_a_day_counts_only_what_was_known():
    now, then = data.reach(), data.reach(data.REPLICATION)
    assert (then.rows <= now.rows).all()
    assert then["last"].max() <= pd.Timestamp(data.REPLICATION)
    held_now = {table: len(rows) for table, rows in checked().items()}
    assert all(now.rows[table] == count for table, count in held_now.items() if not revised(table, "2999-12-31"))


def test_the_ranges_of_the_claims_stand_as_they_did_before_anyone_looked():
    claims = paths.DATA / "claims.csv"
    assert hashlib.sha256(claims.read_bytes()).hexdigest() == CLAIMS_SHA256


def test_each_of_the_35_claims_has_its_own_id_and_a_range():
    claims = pd.read_csv(paths.DATA / "claims.csv")
    assert (len(claims), claims.id.nunique()) == (35, 35)
    assert (claims.low <= claims.high).all()
    assert not (np.isinf(claims.low) & np.isinf(claims.high)).any()


# Where each row stands


def at_lines(table, lines):
    """Rows that stand at some lines of the files, found without the reader of the helpers."""
    places = [line.partition(" of ")[::2] for line in lines]
    files = {part: paths.DATA / (part or "raw") / f"{table}.csv" for part in {"", *(part for _, part in places)}}
    texts = {part: file.read_text(encoding="utf-8").split("\n") for part, file in files.items()}
    names, *rows = csv.reader([texts[""][0], *(texts[part][int(number) - 1] for number, part in places)])
    # a vintage ends in the day from which it is known
    return data.typed(table, pd.DataFrame([row[: len(names)] for row in rows], columns=names, dtype=str))


@pytest.mark.parametrize("which", ["replication", "latest"])
def test_the_lines_of_every_table_lead_to_the_rows_that_were_read(which):
    as_of = {"replication": data.REPLICATION, "latest": data.latest()}[which]
    for table in data.sources().index:
        rows, lines = data.load(table, as_of), data.lines(table, as_of)
        assert lines.index.equals(rows.index) and lines.is_unique
        pd.testing.assert_frame_equal(at_lines(table, lines), rows, check_exact=True)


DAYS = ["2024-01-02", "2024-01-03", "2024-02-29", "2024-03-01"]
PRICE = st.sampled_from(["2", "2.50", "7.125"])
LATER = st.dictionaries(
    st.tuples(st.sampled_from(["NA", "Zeta"]), st.sampled_from(DAYS), st.sampled_from(DAYS)), PRICE, max_size=8
)
OWN = st.dictionaries(st.tuples(st.sampled_from(["NA", "Zeta"]), st.sampled_from(["2024-01-10", "2024-03-02"])), PRICE)


def expected_lines(later, own, as_of):
    """Line of each row by its key, by the rule in words: the newest vintage by the day, of rows known by the day."""
    lines = {}
    for number, (model, day) in enumerate([row.split(",")[:2] for row in PRICES.splitlines()[1:]], start=2):
        lines[model, day] = f"{number}"
    numbered = sorted((key[2], number, key) for number, key in enumerate(later, start=2))
    lines |= {key[:2]: f"{number} of vintages" for known_from, number, key in numbered if known_from <= as_of}
    lines |= {key: f"{number} of own" for number, key in enumerate(own, start=2)}
    return {key: line for key, line in lines.items() if key[1] <= as_of}


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(LATER, OWN, st.sampled_from([*DAYS, "2024-02-01", READ]))
def test_the_lines_of_revised_late_and_own_rows_lead_to_them(later, own, as_of):
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        project = Project(Path(folder), monkeypatch)
        monkeypatch.delenv(paths.OWN_VARIABLE, raising=False)
        head = PRICES.splitlines()[0]
        if later:
            rows = [f"{model},{day},{price},,small,1,{since}" for (model, day, since), price in later.items()]
            lay(project, "vintages/prices.csv", f"{head},known_from", *rows)
        if own:
            lay(project, "own/sources.csv", "table,producer,address,licence,read", "prices,a,b,c,2024-01-01")
            rows = [f"{model},{day},{price},,small,1" for (model, day), price in own.items()]
            lay(project, "own/prices.csv", head, *rows)
        rows, lines = data.load("prices", as_of), data.lines("prices", as_of)
        assert lines.index.equals(rows.index) and lines.dtype == "str"
        keys = zip(rows.model, rows.day.dt.strftime("%Y-%m-%d"), strict=True)
        assert dict(zip(keys, lines, strict=True)) == expected_lines(later, own, as_of)
        pd.testing.assert_frame_equal(at_lines("prices", lines), rows, check_exact=True)


def lay(project, name, *lines):
    (project.data / name).parent.mkdir(exist_ok=True)
    project.ledger(name, "\n".join([*lines, ""]))


def test_the_lines_of_an_unknown_table_or_day_are_refused_as_its_rows_are(project):
    with pytest.raises(ValueError, match="no table 'price'; there are models, prices"):
        data.lines("price", READ)
    with pytest.raises(ValueError, match="is not a date written yyyy-mm-dd"):
        data.lines("prices", "today")


def test_a_cell_of_two_lines_which_would_shift_all_below_it_is_refused(project, refused):
    project.put("models", 'model,maker\n"N\nA",nobody\nZeta,null\n')
    assert "data/raw/models.csv line 3, column model: 'N\\nA' is not of type text" in refused()


def test_text_cells_are_those_of_the_files_each_in_its_latest_vintage(project):
    lines = ("NA,2024-01-02,2.50,,small,1,2024-02-01", "NA,2024-03-01,3.0,,small,0,2025-01-01")
    lay(project, "vintages/prices.csv", f"{PRICES.splitlines()[0]},known_from", *lines)
    assert data.cells("prices").to_numpy().tolist() == [
        ["NA", "2024-01-02", "2.50", "", "small", "1"],
        ["NA", "2024-01-03", "1.25", "", "large", "0"],
        ["NA", "2024-03-01", "3.0", "", "small", "0"],
        ["Zeta", "2024-02-29", "20", "7", "small", "1"],
    ]
    assert data.cells("models").to_numpy().tolist() == [["NA", "nobody"], ["Zeta", "null"]]


def test_a_revision_whose_key_is_written_with_more_digits_takes_the_place_of_the_row(project):
    # prices.price as the key in the place of the day
    columns = COLUMNS.replace("100,,0,1,", "100,,1,1,").replace("2024-12-31,,1,1,", "2024-12-31,,0,1,")
    project.ledger("columns.csv", columns)
    head = PRICES.splitlines()[0]
    lay(project, "vintages/prices.csv", f"{head},known_from", "NA,2024-01-02,1.50,11,small,1,2024-02-01")
    assert data.load("prices", READ).votes.tolist()[1:] == [11, 7]
    assert data.cells("prices").votes.tolist() == ["", "11", "7"]


@pytest.mark.parametrize("table", ["prices", "models"])
def test_typed_rows_written_as_text_are_typed_the_same_again(table, project):
    rows = data.load(table, READ)
    pd.testing.assert_frame_equal(data.typed(table, data.untyped(rows)), rows, check_exact=True)


def test_a_value_has_one_text_however_it_was_written(project):
    project.put("prices", PRICES.replace(",1.5,", ",1.500,").replace(",20,", ",20.0,"))
    assert data.untyped(data.load("prices", READ)).to_numpy().tolist() == [
        line.split(",") for line in PRICES.splitlines()[1:]
    ]
    extremes = pd.DataFrame({"p": [0.00001, 1e16, -2.5, float("nan")], "flag": pd.array([True, False, None, True])})
    assert data.untyped(extremes).to_numpy().tolist() == [
        ["0.00001", "1"], ["10000000000000000", "0"], ["-2.5", ""], ["", "1"],
    ]  # fmt: skip


# Facts that a wrong cell would break

SURVEYS = ("btos_national", "btos_sectors", "btos_sizes", "btos_subsectors")


def index(security):
    rows = held("return_indices")
    return rows[rows.security == security].set_index("date").total_return_index


@pytest.mark.parametrize(
    ("security", "percent", "digits"), [("NVDA", -16.97, 2), ("AVGO", -17.4, 1), ("VST", -28.3, 1), ("SPY", -1.4, 1)]
)
def test_the_returns_of_27_january_2025_are_those_printed(security, percent, digits):
    day, before = index(security)["2025-01-27"], index(security)["2025-01-24"]
    assert round(100 * (day / before - 1), digits) == percent


def test_new_york_was_closed_on_9_january_2025_and_at_weekends():
    days = held("return_indices").date
    assert not (days == "2025-01-09").any()
    assert (days.dt.day_of_week < 5).all()


def test_every_return_index_starts_at_one_hundred():
    assert set(held("return_indices").groupby("security").total_return_index.first()) == {100.0}


@pytest.mark.parametrize(
    ("security", "first"), [("GEV", "2024-03-27"), ("ARM", "2023-09-14"), ("MAGS", "2023-04-11"), ("SPY", "2022-12-30")]
)
def test_a_security_starts_when_it_was_listed(security, first):
    assert index(security).index[0] == pd.Timestamp(first)


def test_tencent_ends_where_its_dividend_basis_breaks():
    assert index("TCEHY").index[-1] == pd.Timestamp("2025-07-08")


def test_the_hyperscalers_of_the_note_are_five():
    groups = held("security_groups")
    assert groups.security[groups.group == "ai_hyperscalers"].tolist() == ["AMZN", "GOOGL", "IBM", "MSFT", "ORCL"]


def test_the_weights_of_each_index_snapshot_sum_to_its_control_total():
    totals = held("index_weights").groupby(["date", "fund"]).weight_percent.agg(["size", "sum"])
    control = held("index_snapshots").set_index(["date", "fund"]).sort_index()
    assert totals["size"].tolist() == control.holdings.tolist()
    assert totals["sum"].tolist() == pytest.approx(control.weight_sum_percent.tolist(), abs=0.0006)


def test_the_official_share_of_the_magnificent_7_is_the_sum_of_their_weights():
    seven = ["AAPL", "AMZN", "GOOG", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]
    weights, shares = held("index_weights"), held("magnificent_7_shares")
    weights = weights[weights.ticker.isin(seven)].groupby("date").weight_percent.sum()
    shares = shares[shares.method == "official_weights"].set_index("date").share_percent
    both = pd.concat([weights, shares], axis=1, join="inner")
    assert len(both) >= 10
    assert both.weight_percent.tolist() == pytest.approx(both.share_percent.tolist(), abs=0.0006)


def board(as_of):
    scores = held("arena_scores")
    return scores[(scores.board_date == as_of) & ~scores.style_control].set_index("arena_key")


def test_deepseek_r1_stands_on_the_board_of_the_note_at_1361():
    assert board(data.REPLICATION).score["deepseek-r1"] == 1361.45


def test_the_board_of_the_note_holds_retired_models_too():
    boards = held("arena_boards")
    boards = boards[(boards.board_date == data.REPLICATION) & ~boards.style_control]
    assert boards.membership.tolist() == ["full"]
    assert len(board(data.REPLICATION)) > 150


def test_a_score_lies_within_its_interval():
    scores = held("arena_scores").dropna(subset=["score_low", "score_high"])
    assert (scores.score_low <= scores.score_high).all()


def test_the_price_plot_of_the_arena_shows_37_models_scored_as_on_its_board():
    plotted = held("plotted_models").set_index("arena_key")
    assert len(plotted) == 37
    assert (plotted.score - board(data.REPLICATION).score.reindex(plotted.index)).abs().max() < 0.01


def test_the_plot_pairs_the_chat_model_with_the_price_of_gpt_4o():
    plotted = held("plotted_models").set_index("name")
    assert plotted.arena_key["GPT-4o"] == "chatgpt-4o-latest-20241120"
    assert plotted.output_usd_per_mtok["GPT-4o"] == 10


def test_the_plot_and_the_list_differ_for_gemini_above_128k_tokens():
    prices = held("plotted_models").set_index("name")[["output_usd_per_mtok", "list_output_usd_per_mtok"]]
    assert prices.loc["Gemini 1.5 Flash-8B"].tolist() == [0.30, 0.15]
    assert prices.loc["Gemini 1.5 Pro"].tolist() == [10, 5]


def test_o1_mini_fell_from_12_to_4_dollars_40_on_31_january_2025():
    prices = held("openai_prices")
    prices = prices[prices.model == "o1-mini"]
    assert prices.output_usd_per_mtok.tolist() == [12, 4.4]
    assert prices.effective_date.iloc[-1] == pd.Timestamp("2025-01-31")


def test_no_listed_price_is_a_guess_that_calls_itself_a_list_price():
    priced = held("model_prices").merge(held("models"), on="arena_key")
    assert (priced.price_basis[priced.price_match == "fuzzy"] != "vendor list").all()


def test_the_printed_6_and_a_half_percent_is_the_mean_of_three_cycles():
    cycles = held("btos_national")
    cycles = cycles[cycles.cycle.isin(["202501", "202502", "202503"])]
    assert round(cycles.use_rate.mean(), 2) == 6.50
    assert cycles.reference_end.max() == pd.Timestamp("2025-01-26")
    assert cycles.published.max() <= pd.Timestamp(data.REPLICATION)


def test_the_survey_starts_at_3_point_7_percent_in_september_2023():
    first = held("btos_national").iloc[0]
    assert (first.cycle, first.use_rate) == ("202319", 3.7)


def test_the_national_rate_jumps_where_the_question_widens():
    rates = held("btos_national").set_index("wording").use_rate
    assert (rates["old"].iloc[-1], rates["new"].iloc[0]) == (10.0, 17.3)


@pytest.mark.parametrize("table", SURVEYS)
def test_no_survey_cycle_mixes_the_two_wordings(table):
    rows = held(table)
    change = pd.Timestamp("2025-11-01")
    assert (rows.wording == "old").equals(rows.collection_start < change)
    assert (rows.groupby("cycle").wording.nunique() == 1).all()


@pytest.mark.parametrize("table", SURVEYS)
@pytest.mark.parametrize("question", ["use", "expected"])
def test_a_suppressed_cell_has_no_rate_and_every_other_has_one(table, question):
    rows = held(table)
    assert (rows[f"{question}_status"] == "suppressed").equals(rows[f"{question}_rate"].isna())


@pytest.mark.parametrize("table", SURVEYS)
def test_a_survey_is_published_after_it_was_collected(table):
    rows = held(table)
    assert (rows.reference_start < rows.reference_end).all()
    assert (rows.collection_start < rows.collection_end).all()
    assert (rows.collection_end < rows.published).all()


def test_expected_use_includes_present_users():
    rates = held("btos_national").dropna(subset=["use_rate", "expected_rate"])
    assert (rates.expected_rate >= rates.use_rate).all()


def test_one_scale_regime_holds_on_each_board_and_style_control_has_its_own():
    boards = held("arena_boards")
    assert (boards.scale_regime.str.startswith("SC") == boards.style_control).all()
