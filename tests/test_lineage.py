import ast
import csv
import functools
import json
import re
import subprocess
import sys

import pytest

from helpers import lineage, paths, results, returns
from helpers.notebook import Notebook
from helpers.returns import Portfolio

HOUSE, DAY, LATEST = paths.ROOT, "2025-02-14", "2026-07-31"


def test_a_headline_is_told_from_its_rows_to_its_function(explained, lay_out):
    told = explained("fell")
    assert told["title"] == "Shares fell <b>a lot</b>" and told["page"] == "numbers/fell.html"
    assert told["number"]["found"] == "0.80 probability"
    assert told["number"]["interval"] == "95% interval 0.49 to 0.94" and told["number"]["n"] == "10"
    assert told["verdict"]["verdict"] == "cannot tell" and told["verdict"]["range"] == "0.5 to 1 probability"
    assert [(one["label"], one["verdict"]) for one in told["alternatives"]] == [
        (lay_out.evil, "holds"),
        ("half, of all", "cannot tell"),
        ("none", "cannot be asked yet"),
    ]
    assert told["parameters"] == [
        ("as_of", f'"{DAY}"', "date, ISO: what is read"),
        ("seed", "7", 'integer: root of "all" draws'),
    ]
    assert told["run"]["seed"].startswith("7, ") and "numpy 2.0, statsmodels 0.1" in told["run"]["versions"]


def test_the_function_is_told_with_its_line_and_the_very_call_that_the_cell_made(explained):
    made = explained("fell")["made"]
    assert made["function"] == "helpers.inference.share"
    file, line = made["place"].split(":")
    assert (HOUSE / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith("def share(")
    assert made["cell"] == f"number 5 of report/{DAY}/01_returns/notebook.ipynb, In [3]"
    assert made["call"].startswith("inference.share(\n    8,") and made["call"].endswith(
        'interval",\n    rows=entered,\n)'
    )


def test_what_a_notebook_made_itself_is_laid_to_it(explained):
    made = explained("returns-beside")["made"]
    assert made["function"] == "none of the helpers: the notebook's own arithmetic" and "place" not in made
    assert made["call"] == 'inference.Unanswered("no row")'


def test_the_rows_are_those_that_entered_in_the_order_of_the_raw_file(explained, folder):
    (source,) = explained("fell")["inputs"]
    assert (source["rows"], source["first"], source["last"]) == (6, "2025-01-02", "2025-01-08")
    assert [line for line, _ in source["shown"]] == ["2", "3", "5", "7", "8", "9"]
    with (folder / source["list"]).open(encoding="utf-8", newline="") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["line", "day", "plain", "name"]
    assert listed[1:3] == [["2", "2025-01-02", "1", "A"], ["3", "2025-01-02", "1", 'B "b", c']]
    assert source["raw"] == "data/raw/prices.csv" and not source["changed"]


def test_all_rows_that_were_known_are_told_as_that_and_the_later_ones_left_out(explained):
    (source,) = explained("fell/half, of all")["inputs"]
    assert (source["rows"], source["list"], source["left_out"]) == (8, "", 2)
    assert [line for line, _ in source["shown"]] == ["2", "3", "4", "7", "8", "9"]


def test_a_row_that_was_revised_by_the_day_or_came_late_is_told_as_it_was_read(lay_out, tmp_path):
    later = tmp_path / "data" / "vintages" / "prices.csv"
    later.parent.mkdir(parents=True)
    lines = ("2025-01-03,1,A,4.5,2025-02-01", "2025-01-09,1,A,5,2025-02-01", "2025-01-07,1,A,7.5,2025-03-01")
    later.write_text("\n".join(["day,plain,name,price,known_from", *lines, ""]), encoding="utf-8")
    (source,) = lineage.Edition(lay_out(), DAY).explanation("fell")["inputs"]
    days = ("2025-01-03", "2025-01-07", "2025-01-09")
    told = {cells[0]: (line, cells[3]) for line, cells in source["shown"] if cells[0] in days}
    assert told == {
        "2025-01-03": ("2 of vintages", "4.5"),
        "2025-01-09": ("3 of vintages", "5"),
        # revised after the day of the edition
        "2025-01-07": ("8", "7"),
    }


def test_a_number_that_rests_on_own_rows_too_says_so_with_its_producer(folder):
    edition = lineage.Edition(folder, DAY)
    (entry,) = edition.records["fell"]["inputs"]
    assert edition.source("01_returns", entry)["producer"] == "Producer & Co"
    mixed = edition.source("01_returns", entry | {"includes_own_data": True})
    assert mixed["producer"] == "Producer & Co; includes own data"


def test_no_row_is_told_as_none(explained):
    assert explained("returns-beside")["inputs"] == []


def test_an_alternative_is_told_by_its_own_id_and_lies_on_the_page_of_its_headline(explained):
    told = explained("fell/half, of all")
    assert told["number"]["found"] == "0.20 probability" and told["alternatives"] == []
    assert told["page"] == "numbers/fell.html#alternative-2" and told["headline"] == "fell"
    assert explained("fell")["alternatives"][1]["anchor"] == "alternative-2"
    (brief,) = explained("fell")["alternatives"][1]["inputs"]
    assert brief == {"table": "prices", "rows": 8, "list": ""} and told["inputs"][0]["rows"] == 8


def test_each_alternative_has_rows_of_its_own(explained):
    first, half, none = (each["inputs"] for each in explained("fell")["alternatives"])
    assert [source["rows"] for source in (*first, *half)] == [1, 8] and none == []


def test_arithmetic_has_no_seed_and_an_unknown_answer_no_interval(explained, lay_out):
    assert explained(f"fell/{lay_out.evil}")["run"]["seed"] == "none: arithmetic, nothing is drawn"
    assert explained("fell/none")["number"] == {
        "found": "no answer, cannot be asked yet: no row",
        "headline measured as": "share of days",
    }


def test_an_unknown_id_is_refused_with_the_nearest(explained):
    with pytest.raises(lineage.UnknownError, match=r"'fel' in the edition of 2025-02-14; did you mean fell\?"):
        explained("fel")
    with pytest.raises(lineage.UnknownError, match=r"no number 'xyz' .*; `make explain` alone lists them"):
        explained("xyz")
    with pytest.raises(lineage.UnknownError, match="waits is a claim, but the edition of 2025-02-14 records no number"):
        explained("waits")


def test_a_raw_file_that_changed_since_is_said_to_have_changed(folder, lay_out):
    (paths.RAW / "prices.csv").write_text(lay_out.prices.replace("A,1", "A,11"), encoding="utf-8")
    told = lineage.Edition(folder, DAY).explanation("fell")
    assert told["inputs"][0]["changed"] and told["inputs"][0]["shown"] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2025-01-03,1,A\n", "", "not the list of 6 rows that was recorded"),
        ("2025-01-03,1,A", "2025-01-04,1,A", "not the list of 6 rows that was recorded"),
    ],
)
def test_a_list_of_rows_that_is_not_what_was_recorded_is_refused(folder, old, new, message):
    (entry,) = lineage.Edition(folder, DAY).records["fell"]["inputs"]
    file = folder / lineage.listed_in("01_returns", entry)
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        lineage.Edition(folder, DAY).explanation("fell")


def test_a_function_that_is_no_longer_there_is_said_to_be_gone(folder):
    content = (folder / "results.json").read_text(encoding="utf-8").replace("inference.share", "inference.part")
    (folder / "results.json").write_text(content, encoding="utf-8")
    made = lineage.Edition(folder, DAY).explanation("fell")["made"]
    assert made["place"] == "src/helpers/inference.py, where it no longer is"


@pytest.mark.fault(18)
def test_an_id_is_no_path():
    for identity in ("../fell", "fell/x", ".fell", "Fell", "fell\n", ""):
        with pytest.raises(ValueError, match="is no id for a page"):
            lineage.page(identity)


def test_an_edition_of_an_older_version_asks_to_be_built_anew(folder):
    records = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for name in ("origin", "kind"):
        older = [{key: value for key, value in record.items() if key != name} for record in records]
        (folder / "results.json").write_text(json.dumps(older), encoding="utf-8")
        with pytest.raises(lineage.UnknownError, match=f"run `make report AS_OF={DAY}`"):
            lineage.Edition(folder, DAY)


def test_a_line_that_is_another_row_by_now_is_refused(folder):
    edition = lineage.Edition(folder, DAY)
    (entry,) = edition.records["fell"]["inputs"]
    for line in ("4", "99"):
        listed = entry | {"lines": [line if each == "2" else each for each in entry["lines"]]}
        with pytest.raises((ValueError, KeyError)):
            edition.source("01_returns", listed)


# what an edition is built from


def git(folder, *words):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)


def test_an_edition_remembers_its_commit_and_whether_all_was_committed(folder, tmp_path):
    build = lineage.Edition(folder, DAY).build
    assert (build["commit"], build["clean"]) == (None, None)
    assert lineage.Edition(folder, DAY).explanation("fell")["run"]["commit"] == "not a git checkout at the build"
    git(tmp_path, "init")
    (tmp_path / ".gitignore").write_text("report\nprocessed\n", encoding="utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "all")
    states = []
    for name in (".gitignore", "new.txt"):
        (tmp_path / name).touch()
        lineage.remember_build(folder)
        states.append(lineage.Edition(folder, DAY).explanation("fell")["run"]["commit"])
    assert re.fullmatch(r"[0-9a-f]{40} at the build, all committed", states[0])
    assert states[1].endswith("at the build, with changes that were not committed")


def test_a_folder_inside_another_repository_is_no_checkout(folder, tmp_path, monkeypatch):
    git(tmp_path, "init")
    git(tmp_path, "commit", "--allow-empty", "-m", "another's")
    monkeypatch.setattr(paths, "ROOT", tmp_path / "data")
    assert lineage._commit() == (None, None)


def test_every_library_of_the_arithmetic_is_in_the_lock_under_the_name_that_imports_it():
    edition = lineage.Edition.__new__(lineage.Edition)
    edition._tree = functools.cache(edition._tree)
    edition._libraries = functools.cache(edition._libraries)
    lock = (HOUSE / "requirements.lock").read_text(encoding="utf-8")
    tree = ast.parse((HOUSE / "tests" / "test_house.py").read_text(encoding="utf-8"))
    (listed,) = [node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "MACHINERY"]
    modules = {file.stem for file in (HOUSE / "src" / "helpers").glob("*.py")}
    topics = modules - {name.value for name in listed.keys}
    assert {"returns", "survival"} <= topics
    for module in sorted(topics):
        used = edition._libraries(module) - sys.stdlib_module_names
        assert "numpy" in used and not [name for name in used if f"\n{name}==" not in lock]


# real data


def test_the_listed_rows_alone_give_the_number_again(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.PLACE_VARIABLE, str(tmp_path))
    notebook = Notebook("01_returns", DAY)
    indices, caps = notebook.load("return_indices"), notebook.load("market_caps")
    firms, span = ("AMZN", "GOOGL", "IBM", "MSFT", "ORCL"), ("2025-01-24", DAY)
    portfolio = Portfolio("AI hyperscalers", firms, "market cap")
    found = returns.holding_period_return(indices, caps, portfolio, *span)
    notebook.record("hyperscalers-fell-after", found, {})
    (notebook.output_dir / "notebook.ipynb").write_text('{"cells": []}', encoding="utf-8")
    results.write_edition(tmp_path, DAY)
    lineage.remember_build(tmp_path)
    told = lineage.Edition(tmp_path, DAY).explanation("hyperscalers-fell-after")
    level, cap = {}, {}
    for source in told["inputs"]:
        with (tmp_path / source["list"]).open(encoding="utf-8", newline="") as file:
            wanted = {(row["security"], row["date"]) for row in csv.DictReader(file)}
        assert len(wanted) == source["rows"]
        with (HOUSE / source["raw"]).open(encoding="utf-8", newline="") as file:
            held = {(row["security"], row["date"]): row for row in csv.DictReader(file)}
        for key in wanted:
            if "total_return_index" in held[key]:
                level[key] = float(held[key]["total_return_index"])
            else:
                cap[key] = float(held[key]["market_cap_usd"])
    # a firm weighs what it was worth on the day of its capitalisation, carried by its index to the start
    start, end = dict.fromkeys(firms, 0.0), dict.fromkeys(firms, 0.0)
    for (firm, day), worth in cap.items():
        anchor = max(each for name, each in level if name == firm and each <= day)
        start[firm] = worth * level[firm, span[0]] / level[firm, anchor]
        end[firm] = worth * level[firm, span[1]] / level[firm, anchor]
    again = 100 * (sum(end.values()) / sum(start.values()) - 1)
    assert float(told["number"]["in full"]) == pytest.approx(again, rel=1e-9)
