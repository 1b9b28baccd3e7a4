import copy as copying
import json
import re

import nbformat
import pytest

from helpers import gate, inference, paths, recorded

NAME = "01_returns"


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(paths.NOTEBOOKS / f"{NAME}.ipynb", as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def showing(notebook, kind):
    """First cell that shows a figure or a table, with the output."""
    return next(
        (cell, output)
        for cell in code(notebook)
        for output in cell.outputs
        if output.get("metadata", {}).get("exhibit", {}).get("kind") == kind
    )


def swapped(notebook, one, other):
    cells = notebook.cells
    one, other = (cells.index(code(notebook)[each]) for each in (one, other))
    cells[one], cells[other] = cells[other], cells[one]


def renumbered(notebook):
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{NAME[:2]}-{number:02d}"


def stripped(notebook):
    for cell in code(notebook):
        cell.update(execution_count=None, outputs=[])


def unrun(notebook):
    code(notebook)[-1].update(execution_count=None, outputs=[])


def run_again(notebook):
    code(notebook)[3].execution_count = 99


def moved_code(notebook):
    swapped(notebook, 4, 5)


def moved_prose(notebook):
    notebook.cells[6:8] = notebook.cells[7:5:-1]


def deleted_code(notebook):
    notebook.cells.remove(code(notebook)[4])


def deleted_code_and_renumbered(notebook):
    deleted_code(notebook)
    renumbered(notebook)


def deleted_prose(notebook):
    del notebook.cells[-1]


def outputs_taken_out(notebook):
    showing(notebook, "figure")[0].outputs = []


def words_taken_out(notebook):
    cell = next(cell for cell in code(notebook) if "print" in gate._calls(cell.source))
    cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    return cell


def tagged(tag, *comments):
    def breaks(notebook):
        cell = code(notebook)[3]
        cell.metadata["tags"] = [tag]
        cell.source = "\n".join([*comments, cell.source])

    return breaks


def commented(*comments):
    def breaks(notebook):
        code(notebook)[3].source += "".join(f"\n{comment}" for comment in comments)

    return breaks


def typed(words):
    def breaks(notebook):
        notebook.cells[4].source += f"\n\n{words}"

    return breaks


def exhibited(kind, place, field, value):
    """Change a field of the first figure or table."""

    def breaks(notebook):
        _, output = showing(notebook, kind)
        where = output.metadata["exhibit"] if place == "exhibit" else output.data
        where[field] = value(where[field])

    return breaks


def row_added(html):
    return html.replace("<tbody>", "<tbody><tr><td>1</td></tr>")


def printing(words, name="stdout"):
    def breaks(notebook):
        code(notebook)[-1].outputs.append(nbformat.v4.new_output("stream", name=name, text=f"{words}\n"))

    return breaks


def failed(notebook):
    output = nbformat.v4.new_output("error", ename="ValueError", evalue="no", traceback=[])
    code(notebook)[-1].outputs.append(output)


def shown_otherwise(notebook):
    output = nbformat.v4.new_output("display_data", {"text/plain": "Figure(640x480)"})
    code(notebook)[-1].outputs.append(output)


def published_twice(notebook):
    cell, output = showing(notebook, "figure")
    cell.outputs.append(copying.deepcopy(output))


def without(kind):
    def breaks(notebook):
        for cell in code(notebook):
            held = [each for each in cell.outputs if each.get("metadata", {}).get("exhibit", {}).get("kind") != kind]
            cell.outputs = held

    return breaks


def replaced(old, new, kind="markdown"):
    def breaks(notebook):
        cells = [cell for cell in notebook.cells if cell.cell_type == kind and old in cell.source]
        assert cells
        for cell in cells:
            cell.source = cell.source.replace(old, new)

    return breaks


def extra_cells(notebook):
    notebook.cells.append(nbformat.v4.new_markdown_cell("More.", id=f"{NAME[:2]}-{len(notebook.cells):02d}"))


def long_cell(notebook):
    code(notebook)[-1].source += "\nlast" * 29


def wordless(notebook):
    for cell in notebook.cells[1:]:
        if cell.cell_type == "markdown":
            cell.source = cell.source.splitlines()[0]


def with_metadata(notebook):
    notebook.cells[3].metadata["execution"] = {"started": "now"}


def of_papermill(notebook):
    notebook.metadata["papermill"] = {"duration": 3.1}


def of_another_kernel(notebook):
    notebook.metadata["kernelspec"]["name"] = "my-env"


def of_a_python(notebook):
    notebook.metadata["language_info"]["version"] = "3.12.1"


def second_parameters(notebook):
    code(notebook)[1].metadata["tags"] = ["parameters"]


# by the row of the list of faults, or what is broken: the rules that find it, and words of what they say
BROKEN = {
    "25 stripped": (stripped, "counts shown exhibits", "cell 3 .*was not executed"),
    "25 unrun": (unrun, "counts shown", "cell 23 .*was not executed"),
    "25 run again alone": (run_again, "counts", "number 99, not 4"),
    "25 outputs taken out": (outputs_taken_out, "shown", "publishes 1 exhibits but stores 0"),
    "25 printed words taken out": (words_taken_out, "shown", "prints, but stores no words"),
    "26 swapped code": (moved_code, "order counts", "number 6, not 5"),
    "26 swapped prose": (moved_prose, "order", "one was moved or deleted"),
    "26 deleted code": (deleted_code, "order counts", "was executed as number 6, not 5"),
    "26 deleted code, ids made good": (deleted_code_and_renumbered, "counts", "was executed as number 6, not 5"),
    "26 deleted prose": (deleted_prose, "sections", "“What this cannot tell” is missing"),
    "27 ignored": (tagged("nbval-ignore-output"), "comparison", "nbval-ignore-output without a reason"),
    "27 skipped": (tagged("nbval-skip"), "comparison", "nbval-skip without a reason"),
    "27 may raise": (tagged("raises-exception"), "comparison", "raises-exception without a reason"),
    "27 by comment": (commented("# NBVAL_IGNORE_OUTPUT"), "comparison", "NBVAL_IGNORE_OUTPUT without a reason"),
    "27 a short reason": (tagged("nbval-skip", "# not compared: too slow"), "comparison", "in 4 words or more"),
    "27 another tag": (tagged("hide-input"), "comparison", "has the tag 'hide-input'"),
    "28 a decimal": (typed("Shares fell by 5.6 points."), "typing", "cell 5 .*5.6 is typed into prose"),
    "28 a percentage": (typed("A third, 33%, did."), "typing", "33% is typed into prose"),
    "29 title": (exhibited("figure", "exhibit", "title", lambda _: "All rose"), "exhibits", "does not say the title"),
    "29 no alt": (exhibited("figure", "exhibit", "alt", lambda _: ""), "exhibits", "does not say what it shows"),
    "29 no digest": (
        exhibited("figure", "data", "text/plain", lambda words: words.rpartition(",")[0]),
        "exhibits",
        "has no digest of its points",
    ),
    "29 no picture": (exhibited("figure", "data", "image/png", lambda _: "PHN2Zz4="), "exhibits", "holds no picture"),
    "29 no source": (exhibited("figure", "exhibit", "source", lambda _: ""), "exhibits", "names no source"),
    "32 a row more": (exhibited("table", "data", "text/html", row_added), "exhibits", "another number of rows"),
    "32 caption": (exhibited("table", "exhibit", "caption", lambda _: "Other"), "exhibits", "does not say its caption"),
    "another's slug": (exhibited("table", "exhibit", "slug", lambda _: "lag-x"), "exhibits", "begin with a word"),
    "twice the same": (published_twice, "exhibits", "is published twice"),
    "neither figure nor table": (shown_otherwise, "exhibits", "neither a figure nor a table"),
    "no figure": (without("figure"), "shown exhibits", "shows no figure"),
    "stored error": (failed, "quiet", "stores an error: ValueError"),
    "warning": (printing("FutureWarning: old", "stderr"), "quiet", "warns on stderr: FutureWarning"),
    "path": (printing("read /mnt/me/file"), "places", "shows a path of a machine: /mnt/me"),
    "path of Windows": (printing("C:\\Users\\me"), "places", "shows a path of a machine: C:"),
    "no title": (replaced("# 01 · ", "# "), "opening", "does not open with"),
    "no opening": (replaced("**We do**", "**Method**"), "opening", "the five short lines"),
    "section renamed": (replaced("## Data", "## The data"), "sections", "“The data” is no section"),
    "section twice": (replaced("## Verdict", "## Verdict\n\n## Verdict"), "sections", "stands twice"),
    "sections turned": (
        lambda notebook: (
            (replaced("## Data", "## X")(notebook), replaced("## Estimate", "## Data")(notebook))
            and replaced("## X", "## Estimate")(notebook)
        ),
        "sections",
        "“Estimate” is out of order",
    ),
    "too many cells": (extra_cells, "size", "has 25 cells"),
    "a long cell": (long_cell, "size", "lines of code; move arithmetic"),
    "few words": (wordless, "size", r"\d+ words to \d+ lines"),
    "a function": (commented("def f():", "    pass"), "definitions", "defines a function"),
    "a magic": (commented("%matplotlib inline"), "definitions", "is not Python"),
    "left by a run": (of_papermill, "tidiness", "metadata of papermill"),
    "left in a cell": (with_metadata, "tidiness", "metadata of execution"),
    "another kernel": (of_another_kernel, "tidiness", "names the kernel 'my-env'"),
    "a Python": (of_a_python, "tidiness", "names the version of a Python"),
    "two cells of parameters": (second_parameters, "declarations", "needs one cell tagged 'parameters', it has 2"),
    "another day": (
        replaced('as_of = "2025-02-14"', 'as_of = "2025-06-30"', "code"),
        "specification",
        "cell 3 .*specification: as_of 2025-06-30 instead of 2025-02-14; set it back, or run a draft with `make run",
    ),
    "another value": (
        replaced('benchmark = "SPY"', 'benchmark = "RSP"', "code"),
        "specification",
        'specification: benchmark RSP instead of SPY; .* `make run NOTEBOOK=01_returns SET="benchmark=RSP"`',
    ),
    "a value of another type": (
        replaced("days = 250 ", "days = 250.0 ", "code"),
        "specification",
        "specification: estimation_days 250.0 instead of 250; set it back",
    ),
    "a parameter renamed": (
        replaced("seed = 20250127", "root = 20250127", "code"),
        "specification",
        "root 20250127, which is not declared; declare it in data/parameters.csv: `01_returns,root,20250127`(.|\n)*"
        "specification: seed missing instead of 20250127; put back what is missing, or remove its row",
    ),
    "no meaning": (
        replaced("  # security: what stands for the market", "", "code"),
        "declarations",
        "no type and mean",
    ),
    "a computed parameter": (replaced("= 250 ", "= 50 * 5 ", "code"), "declarations", "holds literals only"),
    "nine parameters": (
        replaced("seed = 20250127", 'more = "x"  # text: of no use\nseed = 20250127', "code"),
        "declarations specification",
        "holds 9 parameters",
    ),
}


@pytest.mark.fault(25, 26, 27, 28, 29, 32)
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_notebook_is_found_by_the_rule_made_for_it(stored, case):
    breaks, rules, words = BROKEN[case]
    notebook = copying.deepcopy(stored)
    breaks(notebook)
    found = gate.faults(NAME, notebook)
    assert {finding.rule for finding in found} == set(rules.split())
    assert re.search(words, "\n".join(map(str, found)))
    # whoever has just run it is not asked to run it again
    assert not any("make fix" in finding.line(fixed=True) for finding in found)
    assert all("make fix" in str(finding) for finding in found if finding.repair)


def test_every_rule_finds_something():
    assert set(gate.RULES) == {rule for _, rules, _ in BROKEN.values() for rule in rules.split()}


@pytest.mark.parametrize(
    "harmless",
    [
        typed("In 95% of draws, `x = 1.5` and $y = 0.05$; 250 days, GPT-4.1 and Claude 3.5-Sonnet."),
        replaced("**The note says**", "**The note says** of 6.5% of firms"),
        tagged("nbval-ignore-output", "# not compared: the clock of the machine is printed"),
        commented("# NBVAL_IGNORE_OUTPUT", "# not compared: the clock of the machine is printed"),
        printing("3 of 4 firms and/or funds"),
    ],
    ids=["no results", "the note's own figure", "tag with its reason", "comment with its reason", "no path"],
)
def test_what_is_allowed_is_not_found(stored, harmless):
    notebook = copying.deepcopy(stored)
    harmless(notebook)
    assert gate.faults(NAME, notebook) == []


def test_a_finding_names_notebook_cell_and_remedy_in_one_line(stored, tmp_path):
    notebook = copying.deepcopy(stored)
    typed("A fall of 5.6 points.")(notebook)
    nbformat.write(notebook, tmp_path / f"{NAME}.ipynb")
    (line,) = gate.findings(tmp_path / f"{NAME}.ipynb")
    assert line == (
        f"notebooks/{NAME}.ipynb, cell 5 (“## Data”): 5.6 is typed into prose; "
        "have code print it, for a typed number goes stale"
    )


@pytest.mark.parametrize("content", ["", "{", "[]", '{"nbformat": 4}', '{"nbformat": 4, "nbformat_minor": 5}', None])
def test_a_file_that_is_no_notebook_is_one_finding(tmp_path, content):
    if content is not None:
        (tmp_path / f"{NAME}.ipynb").write_text(content, encoding="utf-8")
    (line,) = gate.findings(tmp_path / f"{NAME}.ipynb")
    assert line.startswith(f"notebooks/{NAME}.ipynb: is not a notebook: ") and "\n" not in line


def test_a_claim_whose_verdict_is_no_longer_printed_is_named(stored):
    claims = [each for each in gate.unexamined({NAME: stored}) if NAME in each.message]
    assert claims == []
    notebook = copying.deepcopy(stored)
    code(notebook)[-1].outputs = []
    for cell in code(notebook)[:-1]:
        cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    (first, *_) = [each for each in gate.unexamined({NAME: notebook}) if NAME in each.message]
    assert str(first).startswith(
        "data/claims.csv: hyperscalers-rose-before is not judged by notebooks/01_returns.ipynb"
    )


# a notebook whose every exhibit follows from a file beside it
CELLS = [
    "import json\n"
    "import pandas as pd\n"
    "from matplotlib.figure import Figure\n"
    "from helpers import charts, inference, paths\n"
    "from helpers.notebook import Notebook\n"
    "from helpers.rows import rows_of\n"
    'notebook = Notebook("01_returns", as_of)\n'
    'told = json.loads((paths.ROOT / "told.json").read_text())\n'
    'entered = rows_of(notebook.load("securities"))\n'
    'points = pd.DataFrame({"day": [1, 2], "change": told["points"]})\n'
    'rows = pd.DataFrame({"firm": ["A", "B"], "shown": told["shown"], "hidden": told["hidden"]})',
    'notebook.figure("returns-same", charts.Drawing(Figure(), "As it was", "Alt 1.", points[["day"]]), "us")',
    'notebook.figure("returns-titled", charts.Drawing(Figure(), told["title"], "Alt 1.", points[["day"]]), "us")',
    'notebook.figure("returns-points", charts.Drawing(Figure(), "Title", "Alt 1.", points), "us")',
    'notebook.table("returns-hidden", rows, "Firms", columns=["firm"])',
    'notebook.table("returns-shown", rows[["firm", "shown"]], "Firms")',
    'notebook.note("returns-silent", inference.exact(told["silent"], "percent", 2, "as told", entered))',
]
BEFORE = {"title": "2 fell", "points": [1.5, 2.5], "hidden": [1, 2], "shown": [10.25, 20.5], "silent": 4.2}
# what a reader of the page sees is the same in the last three: a column that is left out, a digit that is not shown
AFTER = {"title": "3 fell", "points": [1.5, 2.6], "hidden": [1, 3], "shown": [10.250001, 20.5], "silent": 4.200001}
NBVAL = """
import os, sys
from pathlib import Path
import pytest

os.environ["HELPERS_PLACE"] = str(Path("after").resolve())
words = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--nbval", "--nbval-current-env", "-rA", "--tb=no"]
sys.exit(pytest.main([*words, "--rootdir=.", "-c", os.devnull, "notebooks"]))
"""


@pytest.mark.fault(29, 30, 31, 32)
def test_what_the_rules_cannot_see_is_seen_by_nbval_or_by_the_recorded_results(copy):
    copy.write(NAME, *CELLS)
    told = copy.root / "told.json"
    told.write_text(json.dumps(BEFORE), encoding="utf-8")
    assert copy.execute("warm", NAME, place="before") == ({NAME: None}, [])
    executed = copy.root / "before" / NAME / "notebook.ipynb"
    (copy.notebooks / f"{NAME}.ipynb").write_bytes(executed.read_bytes())
    told.write_text(json.dumps(AFTER), encoding="utf-8")
    (copy.root / "under_nbval.py").write_text(NBVAL, encoding="utf-8")
    code, said = copy.run(kernels=None, command=[copy.root / "under_nbval.py"], folder=copy.root)
    assert code == 1, said
    failed, passed = (re.findall(rf"^{word} \S+Cell (\d+)", said, flags=re.MULTILINE) for word in ("FAILED", "PASSED"))
    # 29 title, 29 points, 30 a row of a column that is not shown, 32 a digit of the exported table that is not shown
    assert sorted(failed) == ["3", "4", "5", "6"], said
    # the parameters, what did not change; and 31, a value that nothing prints
    assert sorted(passed) == ["0", "1", "2", "7"], said
    found, stored = (recorded.gathered(copy.root / place) for place in ("after", "before"))
    assert recorded.differences(found, stored) == [
        "returns-silent: value is 4.200001 where 4.2 is recorded (closed form, tolerance 1e-09 of 4.2)",
        "returns-silent: low is 4.200001 where 4.2 is recorded (closed form, tolerance 1e-09 of 4.2)",
        "returns-silent: high is 4.200001 where 4.2 is recorded (closed form, tolerance 1e-09 of 4.2)",
    ]
    assert inference.number(BEFORE["silent"]) == inference.number(AFTER["silent"])
