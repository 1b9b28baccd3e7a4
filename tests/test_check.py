import copy as copying
import shutil

import nbformat
import pytest

from helpers import check, data, environment, gate, paths, readme, recorded, run
from helpers.execution import Fault

NAME, LAST, HOUSE = "07_model_makers", "2025-12-31", paths.ROOT
FAULT = Fault("01_leaf as of 2025-02-14", "cell 2: ValueError: no", "2025-02-14", "01_leaf")


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(check.notebook_file(NAME), as_version=4)


def output(notebook, kind):
    """First output of a kind, with the number of its cell from the top."""
    return next(
        (number, each)
        for number, cell in enumerate(notebook.cells, start=1)
        for each in cell.get("outputs", [])
        if kind in each.get("data", each)
    )


# outputs against code


def test_a_notebook_whose_outputs_are_those_of_its_code_has_nothing_outdated(notebook):
    assert check.outdated(NAME, notebook, copying.deepcopy(notebook)) == []


def test_other_printed_words_are_told_with_what_stands_and_what_is_printed_now(notebook):
    now = copying.deepcopy(notebook)
    number, printed = output(now, "text")
    printed.text = printed.text.replace("1", "2", 1)
    (line,) = map(str, check.outdated(NAME, notebook, now))
    assert line.startswith(f"notebooks/{NAME}.ipynb, cell {number} (“")
    assert "” where its code now prints “" in line and line.endswith("; run `make fix`")
    old, new = line.partition("stores “")[2].split("” where its code now prints “")
    assert old != new and len(old) < 80


def test_words_that_go_on_are_told_from_where_the_others_end(notebook):
    now = copying.deepcopy(notebook)
    _, printed = output(now, "text")
    printed.text += "one line more\n"
    assert "stores “” where its code now prints “one line more”" in str(check.outdated(NAME, notebook, now)[0])


@pytest.mark.parametrize(("kind", "word"), [("text/html", "table “"), ("image/png", "figure “")])
def test_an_exhibit_that_is_not_the_one_of_its_code_is_named(notebook, kind, word):
    now = copying.deepcopy(notebook)
    number, shown = output(now, kind)
    shown.data["text/plain"] = shown.data["text/plain"].replace("digest ", "digest 0")
    (line,) = map(str, check.outdated(NAME, notebook, now))
    assert f"cell {number} (" in line and word in line and "is not the one that its code now gives" in line


def test_a_picture_that_shows_something_else_is_named_though_its_words_are_the_same(notebook):
    now = copying.deepcopy(notebook)
    pictures = [each for cell in now.cells for each in cell.get("outputs", []) if "image/png" in each.get("data", {})]
    pictures[0].data["image/png"] = pictures[1].data["image/png"]
    (line,) = map(str, check.outdated(NAME, notebook, now))
    assert f"figure “{pictures[0].metadata.exhibit.slug}” is not the one" in line


def test_outputs_that_were_taken_out_are_counted_and_many_old_cells_are_told_in_few_lines(notebook):
    stripped = copying.deepcopy(notebook)
    for cell in stripped.cells:
        cell.update(outputs=[]) if cell.cell_type == "code" else None
    lines = [*map(str, check.outdated(NAME, stripped, notebook))]
    assert len(lines) == check.MOST_CELLS + 1 and lines[-1].endswith(" more cells show old outputs; run `make fix`")
    assert "stores no output where its code now gives " in lines[0]


# parameters


@pytest.fixture
def one(place):
    """A collection of one stored notebook whose parameters are declared, among files of one style."""
    shutil.copy(HOUSE / "notebooks" / f"{NAME}.ipynb", place.notebooks)
    shutil.copy(HOUSE / "pyproject.toml", place.root)
    place.declare(NAME, parameters_cell(check.notebook_file(NAME)).source)
    return place


def found_lines():
    listed, sound = check.findings()
    return [*map(str, listed)], sound


def parameters_cell(file):
    cells = nbformat.read(file, as_version=4).cells
    return next(cell for cell in cells if "parameters" in cell.metadata.get("tags", []))


def test_all_parameters_that_are_not_the_declared_ones_are_named_at_once_with_both_values_and_the_remedy(one):
    assert check.findings() == ([], True)
    name = f"notebooks/{NAME}.ipynb"
    for old, new in (("least_growth = 2.0", "least_growth = 2.5"), ("most_growth", "uppermost")):
        one.edit(name, old, new)
    lines, sound = found_lines()
    told = [line.partition("not the declared specification: ")[2] for line in lines if "declared specif" in line]
    assert not sound and told == [
        "least_growth 2.5 instead of 2.0; set it back, or run a draft with "
        '`make run NOTEBOOK=07_model_makers SET="least_growth=2.5"`',
        "uppermost 3.0, which is not declared; declare it in data/parameters.csv: `07_model_makers,uppermost,3.0`",
        "most_growth missing instead of 3.0; put back what is missing, or remove its row from data/parameters.csv",
    ]
    # nor is a notebook in order of which nothing is declared
    ledger = one.root / "data" / "parameters.csv"
    ledger.write_text('notebook,name,value\n99_verdicts,as_of,"""2025-02-14"""\n', encoding="utf-8")
    lines, sound = found_lines()
    assert not sound and sum("which is not declared; declare it in" in line for line in lines) == 3


def test_a_ledger_of_parameters_that_breaks_a_rule_or_names_an_unknown_notebook_is_a_finding(one):
    one.edit("data/parameters.csv", f"{NAME},least_growth", "07_model_maker,least_growth")
    lines, sound = found_lines()
    fault = "there is no notebook '07_model_maker'; did you mean 07_model_makers?"
    assert not sound and lines == ["data/parameters.csv line 3: 07_model_maker has no row for as_of; add it"]
    one.edit(
        "data/parameters.csv", "07_model_maker,least", '07_model_maker,as_of,"""2025-02-14"""\n07_model_maker,least'
    )
    lines, sound = found_lines()
    assert not sound and lines[0] == f"data/parameters.csv line 3, column notebook: {fault}"
    assert any("least_growth 2.0, which is not declared" in line for line in lines)


# style and written files


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A tree of one module and one notebook, with the settings of style."""
    shutil.copy(paths.ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    return tmp_path


def test_what_ruff_finds_is_said_in_plain_words_with_place_and_remedy(tree):
    assert check.style() == []
    (tree / "one.py").write_text('"""One."""\n\nimport os\n\nx=1\nif x == None:\n    x = 2\n', encoding="utf-8")
    cell = nbformat.v4.new_code_cell("import sys")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tree / "two.ipynb")
    assert [(str(finding), finding.repair is not None) for finding in check.style()] == [
        ("one.py, line 3: `os` imported but unused (F401); `make fix` repairs it", True),
        ("one.py, line 6: Comparison to `None` should be `cond is None` (E711); mend it by hand", False),
        ("one.py: is not in the house format; `make fix` repairs it", True),
        ("two.ipynb, cell 1, line 1: `sys` imported but unused (F401); `make fix` repairs it", True),
    ]


def test_code_that_is_no_python_is_said_too(tree):
    (tree / "one.py").write_text("def (\n", encoding="utf-8")
    assert any(finding.cell == "line 1" and not finding.repair for finding in check.style())


def test_files_that_are_written_from_others_are_held_to_them(tree, monkeypatch):
    (tree / "requirements.lock").write_text("numpy==2.0 \\\n    --hash=sha256:ab\n", encoding="utf-8")
    (tree / "README.md").write_text("old", encoding="utf-8")
    (tree / "environment.yml").write_text("old", encoding="utf-8")
    (tree / "tests").mkdir()
    (tree / "tests" / "faults.py").write_text("import sys\nsys.exit(sys.argv[1:] == ['--check'])\n", encoding="utf-8")
    monkeypatch.setattr(readme, "current", lambda: False)
    told = ["README.md: the findings", "environment.yml: is not written from", "docs/faults.md: does not name"]
    assert [str(one).startswith(words) for one, words in zip(check.written(), told, strict=True)] == [True] * 3
    lefts = ["README.md: the findings", "`make lock` writes it", "`make faults` writes it"]
    assert all(left in each.line(fixed=True) for each, left in zip(check.written(), lefts, strict=True))
    assert not any("make fix" in each.line(fixed=True) for each in check.written())
    # of notebooks that cannot be read nothing is filled in
    assert len(check.written(whole=False)) == 2
    check.write()
    text = (tree / "environment.yml").read_text(encoding="utf-8")
    assert text == environment.conda((tree / "requirements.lock").read_text(encoding="utf-8"))

    def without():
        raise LookupError("no figure")

    monkeypatch.setattr(readme, "current", without)
    assert str(check.written()[0]) == "README.md cannot be filled in: no figure"


def test_what_is_written_in_this_tree_is_as_it_would_be_written():
    assert check.written() == []


# the command


@pytest.fixture
def told(place, main, monkeypatch, capsys):
    """Give the exit code and the lines of a command of a place whose files have nothing missing."""

    def called(*arguments, lines=(), sound=True):
        monkeypatch.setattr(check, "findings", lambda: ([*map(gate.Finding, lines)], sound))
        code = run.main([*arguments, "--kernels=plain"])
        return code, capsys.readouterr().out.splitlines()

    return called


def test_a_broken_notebook_keeps_outputs_from_being_compared(told, monkeypatch):
    monkeypatch.setattr(run, "run_jobs", lambda *_: pytest.fail("executed"))
    code, lines = told("check", lines=["notebooks/01_leaf.ipynb: is not a notebook; x"], sound=False)
    assert code == 1 and lines[0] == "notebooks/01_leaf.ipynb: is not a notebook; x"
    assert lines[1].startswith("Outputs are compared with their code once") and lines[2].startswith("1 finding. ")


def test_a_notebook_that_raises_and_data_that_break_a_rule_are_findings(told, monkeypatch, place):
    place.write("01_leaf")
    monkeypatch.setattr(run, "run_jobs", lambda *_: ([FAULT], []))
    code, lines = told("check")
    assert code == 1 and lines[0] == "01_leaf as of 2025-02-14: cell 2: ValueError: no; mend what raises it"

    def broken():
        raise data.DataError(["data/raw/a.csv, line 3: no"])

    monkeypatch.setattr(data, "build", broken)
    assert told("check") == (1, ["data/raw/a.csv, line 3: no", lines[-1]])
    assert not list(place.report.glob(".stage-*"))


def test_a_case_of_your_own_that_fails_is_one_finding_whatever_its_day(told, monkeypatch, place):
    place.write("01_leaf")
    place.write("own_case", "print('old')", settings=f"as_of = '{LAST}'")
    monkeypatch.setattr(run, "run_jobs", lambda *_: ([], []))

    def fails(folder, *_):
        # it printed something else before it failed
        place.edition("", folder=folder)
        (folder / "01_leaf").rename(folder / "own_case")
        return [Fault(f"own_case as of {LAST}", "cell 2: ValueError: no", LAST, "own_case")]

    monkeypatch.setattr(run, "_run_own_cases", fails)
    recorded.write({LAST: []})
    monkeypatch.setattr(recorded, "editions", lambda: [LAST])
    code, lines = told("check")
    assert code == 1 and lines == [f"own_case as of {LAST}: cell 2: ValueError: no; mend what raises it", lines[-1]]


def test_a_table_of_recorded_results_that_cannot_be_read_is_a_finding(told, place):
    (place.root / "tests").mkdir()
    recorded.place().write_text("edition\n1,2\n", encoding="utf-8")
    code, lines = told("check")
    assert code == 1 and lines[0].startswith("tests/recorded.csv, line 2: not a recorded result")


def test_every_rule_of_the_gate_is_told_by_check(monkeypatch, tmp_path):
    broken = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("def f(): pass")])
    nbformat.write(broken, tmp_path / "01_returns.ipynb")
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    lines, sound = check.findings()
    assert set(gate.findings(tmp_path / "01_returns.ipynb")) <= {*map(str, lines)} and not sound
