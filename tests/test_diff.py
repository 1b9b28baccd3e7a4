import hashlib
import json
import re
import struct
import sys
from itertools import pairwise

import nbformat
import pandas as pd
import pytest

from helpers import comparison, data, diff, environment, paths, report, results, trees
from reading import Page

A, B = "2024-06-28", "2025-02-14"
EVIL = "<script>alert(1)</script>"
FIGURE = {"kind": "figure", "slug": "after", "title": f"They fell {EVIL}", "alt": "Down 4%.", "source": "made up"}
GATHER = """
from helpers.notebook import Notebook
notebook = Notebook("99_verdicts", as_of)
notebook.gather()
"""
LEAF = """
from helpers import adoption
from helpers.notebook import Notebook
notebook = Notebook("01_leaf", as_of)
mentions = notebook.load("earnings_mentions")
notebook.record("mentions-rise", adoption.yearly_change(mentions, "2023Q1", "2024Q4"), {})
"""


PRICES = f"day,p\n{A},1\n{B},2\n2025-12-31,3\n"
SHA256 = hashlib.sha256(PRICES.encode()).hexdigest()
BUILD = data.build


def record(name, value, half=None, role="context"):
    ends = {"low": value, "high": value} if half is None else {"low": value - half, "high": value + half}
    method = "exact: arithmetic" if half is None else "mean"
    answer = {
        "value": value,
        **ends,
        "unit": "percent",
        "n": 9,
        "method": method,
        "kind": "exact" if half is None else "closed form",
    }
    source = [{"table": "prices", "rows": 1, "sha256": SHA256}]
    return {"id": name, "notebook": "01_leaf", "role": role, **answer, "inputs": source}


def lay(place, as_of, records, verdict, picture, robust="yes"):
    """Lay out an edition with one notebook that shows one figure."""
    folder = place.edition(as_of, json.dumps(records))
    row = f"fell,01_leaf,{records[0]['value']},{records[0]['low']},{records[0]['high']},percent,{verdict},{robust},"
    (folder / "verdicts.csv").write_text(",".join(results.VERDICT_COLUMNS) + f"\n{row}\n", encoding="utf-8")
    output = nbformat.v4.new_output("display_data", {"image/png": "x"}, metadata={"exhibit": FIGURE})
    cell = nbformat.v4.new_code_cell("1", execution_count=1, id="a", outputs=[output])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "01_leaf" / "notebook.ipynb")
    (folder / "01_leaf" / "after.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 800, 460))
    for suffix in ("svg", "csv"):
        (folder / "01_leaf" / f"after.{suffix}").write_text(picture, encoding="utf-8")


@pytest.fixture
def editions(place, monkeypatch):
    """Two editions in which one claim's number moved by three standard errors, and one exact number by a half."""
    head = ",".join(data.CLAIM_COLUMNS)
    (place.root / "data" / "claims.csv").write_text(
        f"{head}\nfell,01_leaf,1,text,They fell {EVIL},q,percent,-inf,0,r\n"
    )
    head = ",".join(data.SOURCE_COLUMNS)
    (place.root / "data" / "sources.csv").write_text(
        f"{head}\nprices.csv,prices,a day,p,a,l,2025,2025,day,series,{SHA256}\n"
    )
    head = ",".join(data.COLUMN_COLUMNS)
    (place.root / "data" / "columns.csv").write_text(
        f"{head}\nprices,day,m,date,,,,,1,1,\nprices,p,m,number,,,,,0,1,\n"
    )
    head = ",".join(data.PARAMETER_COLUMNS)
    (place.root / "data" / "parameters.csv").write_text(f'{head}\n01_leaf,as_of,"""{B}"""\n')
    (place.root / "data" / "raw").mkdir()
    (place.root / "data" / "raw" / "prices.csv").write_text(PRICES)
    monkeypatch.setattr(paths, "PROCESSED", place.root / "data" / "processed")
    monkeypatch.setattr(data, "build", BUILD)
    lay(place, A, [record("fell", -4.0, 1.96, "headline"), record("leaf-share", 2.0)], "holds", "one")
    lay(place, B, [record("fell", -1.0, 1.96, "headline"), record(f"leaf-{EVIL}", 3.0)], "cannot tell", "other", "no")
    return place


def test_two_editions_are_told_with_counts_on_top_and_where_each_thing_lies(editions, main, capsys):
    name, lines = diff.carry_out(A, B, "", paths.REPORT / "stage", [])
    assert name == f"{A}--{B}"
    said = "\n".join(lines)
    assert lines[0] == f"A: {A} → B: {B}" and lines[2].split() == ["Verdicts", "1", "of", "1", "flipped"]
    assert "1 of 3 moved (1 headline); 1 came; 1 went" in lines[3] and "1 of 1 differ" in lines[4]
    assert "1 of 1 tables differ: 1 added, 0 gone, 0 revised" in lines[5]
    assert "  fell: holds, robust → cannot tell, not robust" in said
    assert re.search(r"fell +\+3\.0 · \+3\.0\n +−4\.0 \(−6\.0 to −2\.0\) → −1\.0 .* percent: \+3\.00 +01_leaf", said)
    assert re.search(r"prices +1 +2 +1 +0 +0\n", said)
    assert f"report/compare/{name}/moved.csv" in said and f"report/{A}/results.json" in said
    assert max(map(len, lines)) <= comparison.WIDTH
    moved = pd.read_csv(paths.REPORT / "stage" / "page" / "moved.csv")
    assert moved[["id", "change"]].to_numpy().tolist() == [
        ["fell", "moved"],
        [f"leaf-{EVIL}", "came"],
        ["leaf-share", "went"],
    ]


def test_the_page_shows_figures_side_by_side_escapes_all_and_links_only_what_is_there(editions, main):
    assert main("diff", A, B)[0] == 0
    page = Page(paths.REPORT / "compare" / f"{A}--{B}" / "index.html")
    assert EVIL in page.text and not page.all("script")
    assert [(picture["src"], picture["alt"]) for picture in page.all("img")] == [
        (f"../../{day}/01_leaf/after.svg", "Down 4%.") for day in (A, B)
    ]
    for attrs in page.all("a", "img", "link"):
        target, _, anchor = (attrs.get("href") or attrs["src"]).partition("#")
        target = (page.path.parent / target).resolve() if target else page.path
        # the pages of editions and the landing page are not made in this test
        assert attrs.get("href", "").startswith("data:") or target.is_file() or target.name == "index.html"
        assert not anchor or anchor in [each.get("id") for _, each in page.elements]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and all(later <= earlier + 1 for earlier, later in pairwise(levels))
    assert page.all("main") and page.all("nav") and page.all("title") and page.all("html")[0]["lang"] == "en"


def test_comparing_again_gives_the_same_bytes_and_leaves_nothing_behind(editions, main):
    found = []
    for _ in range(2):
        assert main("diff", A, B)[0] == 0
        found.append(editions.files("report/compare"))
    assert found[0] == found[1] and not list(paths.REPORT.glob(".stage-*"))


def test_a_comparison_is_on_the_landing_page_and_told_when_an_edition_changed_since(editions, main):
    assert main("diff", A, B)[0] == 0
    report.landing_page(paths.REPORT, [A, B])
    page = Page(paths.REPORT / "index.html")
    assert f"compare/{A}--{B}/index.html" in [attrs["href"] for attrs in page.all("a")]
    assert "(numbers moved: 1, verdicts flipped: 1)" in page.text
    editions.edit(f"report/{B}/results.json", "-1.0", "-1.5")
    report.landing_page(paths.REPORT, [A, B])
    assert "made before the last change" in Page(paths.REPORT / "index.html").text


@pytest.mark.parametrize("content", ['{"resu', "{}", "[]"])
def test_a_comparison_that_cannot_be_read_is_left_out_and_stops_no_report(editions, content):
    file = paths.REPORT / "compare" / "old--new" / "compare.json"
    file.parent.mkdir(parents=True)
    file.write_text(content, encoding="utf-8")
    report.landing_page(paths.REPORT, [A, B])
    assert "old--new" not in (paths.REPORT / "index.html").read_text(encoding="utf-8")


def test_many_verdicts_are_cut_in_the_terminal_and_not_on_the_page(editions, main):
    for day, verdict in ((A, "not yet due"), (B, "cannot be asked yet")):
        rows = "".join(f"claim-{n},01_leaf,,,,percent,{verdict},,\n" for n in range(20))
        ledger = paths.REPORT / day / "verdicts.csv"
        ledger.write_text(ledger.read_text(encoding="utf-8") + rows, encoding="utf-8")
    _, lines = diff.carry_out(A, B, "", paths.REPORT / "stage", [])
    assert sum("not yet due → cannot be asked yet" in line for line in lines) == comparison.MOST - 1
    assert "  and 6 more, on the page" in lines and "    not judged percent" not in lines
    assert Page(paths.REPORT / "stage" / "page" / "index.html").text.count("cannot be asked yet") == 20


def test_a_value_revised_between_two_editions_is_one_revision_from_what_each_read(editions):
    vintages = editions.root / "data" / "vintages"
    vintages.mkdir()
    # of the price of A's day: in force between the two, and after both
    lines = (f"{A},1.5,2024-12-01", f"{A},1.75,2025-03-01")
    (vintages / "prices.csv").write_text("\n".join(["day,p,known_from", *lines, ""]), encoding="utf-8")
    _, lines = diff.carry_out(A, B, "", paths.REPORT / "stage", [])
    assert "1 of 1 tables differ: 1 added, 0 gone, 1 revised" in "\n".join(lines)
    revised = (paths.REPORT / "stage" / "page" / "revised.csv").read_text(encoding="utf-8")
    assert revised == f"table,row,column,a,b\nprices,{A},p,1,1.5\n"


def test_an_edition_of_other_files_than_lie_here_is_told(editions):
    editions.edit(f"report/{A}/results.json", SHA256, "0" * 64)
    said = " ".join(" ".join(diff.carry_out(A, B, "", paths.REPORT / "stage", [])[1]).split())
    assert f"The edition of {A} was built from other files of prices: `make report AS_OF={A}`." in said


@pytest.mark.parametrize(
    ("a", "b", "as_of", "words"),
    [
        ("", "", "", "A is missing: such as A=2025-02-14"),
        (A, A, "", f"A and B are the same edition, {A}"),
        (A, B, B, "AS_OF goes with two commits"),
        (A, "HEAD", "", "give two editions, or two commits"),
        (A, "", "", "give two editions, or two commits"),
        (A, "HEAD\nnot a line", "", "give two editions, or two commits"),
        (A, "2025-02-30", "", "B: '2025-02-30' is no date of the calendar"),
        (A, "2031-01-01", "", "as_of 2031-01-01 is outside of what the data know"),
        (A, "2025-06-30", "", f"run `make report AS_OF=2025-06-30`; there are {A}, {B}"),
        ("HEAD", "", "", "needs a git checkout"),
        ("HEAD", "", "2025-13-01", "AS_OF: '2025-13-01' is no date"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_one_line(editions, main, monkeypatch, a, b, as_of, words):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(editions.root.parent))
    code, said = main("diff", f"--as-of={as_of}", a, b)
    assert code == 2 and words in said and said.startswith("error: ") and said.count("\n") == 1
    assert not (paths.REPORT / "compare").exists()


@pytest.mark.parametrize(
    ("file", "content"), [("results.json", "[{"), ("results.json", "[1]"), ("verdicts.csv", ""), ("results.json", "{}")]
)
def test_an_edition_that_cannot_be_read_is_told_in_a_line_with_its_remedy(editions, main, file, content):
    (paths.REPORT / B / file).write_text(content, encoding="utf-8")
    code, said = main("diff", A, B)
    assert code == 1 and said.startswith(f"error: the edition of {B} cannot be read") and said.count("\n") == 1
    assert f"`make report AS_OF={B} FORCE=1`" in said and not (paths.REPORT / "compare").exists()


# commits: the price 2 and the factor 3 of the repository give 6


def change(repository, price="2", factor="3", lock=""):
    repository.edit("data/raw/prices.csv", "2024-06-28,2", f"2024-06-28,{price}")
    repository.edit("src/factor.txt", "3", factor)
    (repository.root / "requirements.lock").write_text(lock, encoding="utf-8")


def shares(name):
    return pd.read_csv(paths.REPORT / "compare" / name / "moved.csv").iloc[0]


def test_a_change_between_commits_is_laid_to_data_code_and_environment(repository, main, monkeypatch, capsys):
    def build(venv, lock):
        (venv / "bin").mkdir(parents=True)
        # a link would be to the Python that the environment was made from
        python = venv / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)

    monkeypatch.setattr(environment, "build", build)
    first = repository.git("rev-parse", "HEAD")[:10]
    change(repository, price="5", factor="4", lock="seven..")
    second = repository.commit("Second")[:10]
    code = main("diff", "--as-of", B, "HEAD~1", "HEAD")[0]
    row = shares(f"{first}--{second}--{B}")
    assert code == 0 and (row.value_a, row.value_b, row.difference) == (6, 27, 21)
    assert (row.data, row.code, row.environment, row.together) == (9, 2, 7, 3)
    assert row.laid_to == "data, code, environment, together"
    assert not list(paths.REPORT.glob(".stage-*"))


def test_the_working_tree_is_compared_with_a_commit_and_one_part_takes_all_change(repository, main, monkeypatch):
    lines = []
    monkeypatch.setattr("builtins.print", lambda *words, **_: lines.extend(words))
    change(repository, price="7")
    assert main("diff", "HEAD")[0] == 0
    said = "\n".join(lines)
    assert re.search(r"leaf: holds → fails +laid to data\n", said) and "they differ in data." in said
    assert re.search(r"6\.0 \(4\.0 to 8\.0\) → 21\.0 .* percent: \+15\.0 \(\+15\.0 s\.e\.\) +data \+15\.0", said)
    # the second row is of a later day than the edition
    assert re.search(r"prices +1 +1 +0 +0 +1\n", said) and "Building" in said and "A with B's" not in said
    revised = next(paths.REPORT.glob("compare/*/revised.csv")).read_text(encoding="utf-8")
    assert revised == "table,row,column,a,b\nprices,2024-06-28,price,2,7\n"
    assert max(len(line) for line in lines) <= comparison.WIDTH


def test_a_mixture_that_cannot_be_run_is_told_and_its_share_is_not_guessed(repository, monkeypatch):
    monkeypatch.setenv("UNLUCKY", "[[5, 3]]")
    change(repository, price="5", factor="4")
    name, lines = diff.carry_out("HEAD", ".", B, paths.REPORT / "stage", [])
    assert name.endswith(f"--working-tree--{B}")
    said = " ".join(" ".join(lines).split())
    assert f"A with B's data cannot run: 01_leaf as of {B}: notebooks is unlucky; its share is not told" in said
    row = pd.read_csv(paths.REPORT / "stage" / "page" / "moved.csv").iloc[0]
    assert pd.isna(row.data) and row.code == 2 and pd.isna(row.together) and row.laid_to == "data?, code"


def test_a_commit_that_cannot_be_run_is_a_failure_and_nothing_is_published(repository, main, monkeypatch):
    monkeypatch.setenv("UNLUCKY", "[[5, 3]]")
    change(repository, price="5")
    code, said = main("diff", "HEAD", ".")
    assert (code, said.count("\n")) == (1, 1) and "error: B, the working tree, cannot run: 01_leaf as of" in said
    assert not list(paths.REPORT.glob("compare")) and not list(paths.REPORT.glob(".stage-*"))


def test_an_environment_that_cannot_be_made_is_told_and_the_other_stands_in(repository, main, monkeypatch):
    monkeypatch.setattr(environment, "build", lambda venv, lock: sys.exit("error: offline"))
    change(repository, factor="4", lock="seven..")
    _, lines = diff.carry_out("HEAD", ".", B, paths.REPORT / "stage", [])
    said = " ".join(" ".join(lines).split())
    assert "cannot be installed here, as happens offline." in said and "what the lock changed is not told" in said
    row = pd.read_csv(paths.REPORT / "stage" / "page" / "moved.csv").iloc[0]
    assert (row.value_a, row.value_b, row.code, row.laid_to) == (13, 15, 2, "code") and "environment" not in row
    repository.edit("src/factor.txt", "4", "3")
    code, said = main("diff", "HEAD", ".")
    assert code == 1 and "Nothing else differs, so there is nothing to compare" in said


def test_commits_that_differ_in_nothing_that_numbers_follow_from_need_no_run(repository, monkeypatch):
    (repository.root / "README.md").write_text("new", encoding="utf-8")
    repository.commit("Words")
    monkeypatch.delattr("helpers.trees.run")
    name, (line,) = diff.carry_out("HEAD~1", "HEAD", "", paths.REPORT / "stage", [])
    assert name == "" and line.startswith("No notebook, helper, table or lock differs between HEAD~1 (")


def commit_two_tables(copy, monkeypatch):
    """Make a repository of the real code and two small tables, whose check takes no time."""
    kept = ["earnings_mentions", "btos_national"]
    for ledger in ("sources.csv", "columns.csv"):
        table = pd.read_csv(copy.root / "data" / ledger, dtype=str, keep_default_na=False)
        (copy.root / "data" / ledger).unlink()
        table[table.table.isin(kept)].to_csv(copy.root / "data" / ledger, index=False, lineterminator="\n")
    for file in (copy.root / "data" / "raw").glob("*.csv"):
        if file.stem not in kept:
            file.unlink()
    (copy.root / ".gitignore").write_text("report/\nprocessed/\n__pycache__/\n", encoding="utf-8")
    copy.git("init", "--quiet")
    copy.commit("First")
    places = {"ROOT": "", "DATA": "data", "PROCESSED": "data/processed", "REPORT": "report"}
    for name, folder in places.items():
        monkeypatch.setattr(paths, name, copy.root / folder)
    (copy.report / "stage").mkdir(parents=True)


def test_a_vintage_row_between_two_commits_is_one_revision_from_its_day_on(copy, monkeypatch):
    commit_two_tables(copy, monkeypatch)
    head, *rows = (copy.root / "data/raw/earnings_mentions.csv").read_text(encoding="utf-8").splitlines()
    (old,) = [line for line in rows if line.startswith("2024Q2,firms citing AI,first print,210,")]
    in_force, later = (f"{old.replace(',210,', value)},{day}" for value, day in ((",215,", B), (",220,", "2025-03-01")))
    (copy.root / "data" / "vintages").mkdir()
    vintages = "\n".join([f"{head},known_from", later, in_force, ""])
    (copy.root / "data/vintages/earnings_mentions.csv").write_text(vintages, encoding="utf-8")
    copy.commit("Second")

    def run(tree, python, as_of, options):
        edition = tree / "report" / as_of
        edition.mkdir()
        (edition / "results.json").write_text("[]", encoding="utf-8")
        (edition / "verdicts.csv").write_text(",".join(results.VERDICT_COLUMNS) + "\n", encoding="utf-8")
        return edition, "built"

    monkeypatch.setattr(trees, "run", run)
    summaries = {}
    for day in ("2025-02-13", B):
        _, lines = diff.carry_out("HEAD~1", "HEAD", day, copy.report / "stage" / day, [])
        summaries[day] = "\n".join(lines)
    assert "0 of 2 tables differ" in summaries["2025-02-13"]
    assert re.search(r"earnings_mentions +10 +10 +0 +0 +1\n", summaries[B])
    revised = (copy.report / "stage" / B / "page" / "revised.csv").read_text(encoding="utf-8")
    known_on = old.split(",")[-3]
    row = f"earnings_mentions,2024Q2 · firms citing AI · {known_on},value,210,215"
    assert revised == f"table,row,column,a,b\n{row}\n"


def test_the_real_project_lays_a_revised_value_to_data_and_a_changed_function_to_code(copy, monkeypatch):
    copy.write("01_leaf", LEAF)
    copy.write("99_verdicts", GATHER)
    commit_two_tables(copy, monkeypatch)
    # firms on calls: 110 in 2023Q1 and 210 in 2024Q2, so 80 more a year; 84 with 215
    raw, row = "data/raw/earnings_mentions.csv", "2024Q2,firms citing AI,first print,"
    copy.edit(raw, f"{row}210,", f"{row}215,")
    copy.edit("data/sources.csv", data.sources().sha256["earnings_mentions"], diff.digest(copy.root / raw))
    copy.edit("src/helpers/adoption.py", "change = (values[-1]", "change = 1.1 * (values[-1]")
    copy.commit("Second")

    def run(tree, python, as_of, options):
        # each tree's own code, in a process that need not load the libraries again
        inside = object.__new__(type(copy))
        inside.root, inside.server = tree, copy.server
        code, said = inside.run("report", f"--as-of={as_of}")
        return (tree / "report" / as_of if code == 0 else None), said.splitlines()[0]

    monkeypatch.setattr(trees, "run", run)
    _, lines = diff.carry_out("HEAD~1", "HEAD", B, copy.report / "stage", [])
    said = "\n".join(lines)
    assert re.search(r"mentions-rise +data, code, together\n +80 → 92\.4 firms a year: \+12\.4 \(exact\) ", said)
    assert re.search(r" data \+4\.0, code \+8\.0, together \+0\.4\n", said)
    assert "\n  A with B's code: Executed 2 of 2 notebooks" in said
    assert re.search(r"earnings_mentions +10 +10 +0 +0 +1\n", said)
