import copy as copying
import json
import os
import shutil

import nbformat
import pytest

from helpers import check, fix, paths, readme, recorded, run
from helpers.execution import Fault

NAME, HOUSE = "07_model_makers", paths.ROOT


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(check.notebook_file(NAME), as_version=4)


def test_a_stored_notebook_is_left_as_it_is_to_the_byte():
    for file in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        mended, said = fix.repaired(file.stem, nbformat.read(file, as_version=4))
        assert said == [] and nbformat.writes(mended) + "\n" == file.read_text(encoding="utf-8")


def test_what_editors_and_papermill_leave_is_taken_out_and_all_else_stays(notebook):
    left = copying.deepcopy(notebook)
    left.metadata |= {"papermill": {"duration": 3}, "widgets": {}, "kernelspec": {"name": "other"}}
    left.metadata.language_info["version"] = "3.12.1"
    for cell in left.cells:
        cell.metadata |= {"collapsed": True, "papermill": {"start_time": "now"}, "execution": {}}
    mended, said = fix.repaired(NAME, left)
    assert mended == notebook and said == ["metadata that an editor left are taken out"]
    assert fix.repaired(NAME, mended)[1] == []


def test_views_of_widgets_are_taken_out_of_the_explore_notebook():
    stored = nbformat.read(check.notebook_file("explore"), as_version=4)
    saved = copying.deepcopy(stored)
    shown = [output for cell in saved.cells for output in cell.get("outputs", []) if "data" in output]
    for output in shown:
        output.data["application/vnd.jupyter.widget-view+json"] = {"model_id": "a1"}
    assert shown and fix.repaired("explore", saved) == (stored, ["views of widgets are taken out"])


def test_ids_are_numbered_on_where_a_cell_was_put_in(notebook):
    with_more = copying.deepcopy(notebook)
    with_more.cells.insert(4, nbformat.v4.new_markdown_cell("More words."))
    mended, said = fix.repaired(NAME, with_more)
    assert [cell.id for cell in mended.cells] == [f"07-{number:02d}" for number in range(len(notebook.cells) + 1)]
    assert said == ["the ids of its cells are numbered on"]
    assert [cell.source for cell in mended.cells] == [cell.source for cell in with_more.cells]


@pytest.mark.parametrize("change", ["moved", "deleted", "deleted and put in"])
def test_ids_are_left_to_judgement_where_a_cell_was_moved_or_deleted(notebook, change):
    changed = copying.deepcopy(notebook)
    gone = changed.cells.pop(4)
    if change == "moved":
        changed.cells.insert(6, gone)
    elif change == "deleted and put in":
        changed.cells.insert(2, nbformat.v4.new_markdown_cell("More words."))
    assert fix.repaired(NAME, changed) == (changed, [])


def test_empty_cells_are_taken_out(notebook):
    with_more = copying.deepcopy(notebook)
    with_more.cells += [nbformat.v4.new_code_cell(" \n"), nbformat.v4.new_code_cell("")]
    assert fix.repaired(NAME, with_more) == (notebook, ["2 empty cells are taken out"])


PICTURE = {"image/png": "aGVsbG8=", "text/plain": "<Figure size 640x480 with 1 Axes>"}
TABLE = {"text/html": "<table></table>", "text/plain": "a table"}


def shown(data, **options):
    return nbformat.v4.new_output("display_data", data, **options)


def test_outputs_of_a_persons_that_a_run_does_not_show_are_named_and_no_others(notebook):
    assert fix.lost_outputs(NAME, notebook, notebook) == []
    stored, executed = copying.deepcopy(notebook), copying.deepcopy(notebook)
    code = [(number, cell) for number, cell in enumerate(stored.cells, start=1) if cell.cell_type == "code"]
    (number, first), (other, second) = code[1], code[2]
    first.outputs += [shown(PICTURE), nbformat.v4.new_output("execute_result", TABLE, execution_count=1)]
    # one that the run shows too, words alone, and an exhibit that is published no more
    second.outputs += [shown(TABLE), shown({"text/plain": "3"})]
    second.outputs += [shown(PICTURE, metadata={"exhibit": {"kind": "figure", "slug": "model-old"}})]
    executed.cells[other - 1].outputs += [shown(TABLE)]
    place = f"notebooks/{NAME}.ipynb, cell {number} (“"
    picture, table = fix.lost_outputs(NAME, stored, executed)
    assert picture.startswith(place) and picture.endswith("): a picture (image/png)")
    assert table.startswith(place) and table.endswith("): a table (text/html)")


def test_a_plot_in_an_empty_cell_is_named_when_the_cell_is_taken_out(notebook):
    with_more = copying.deepcopy(notebook)
    with_more.cells.append(nbformat.v4.new_code_cell("", outputs=[shown(PICTURE)]))
    said = [f"cell {len(with_more.cells)}, which is empty, showed a picture (image/png): removed"]
    assert fix.repaired(NAME, with_more) == (notebook, [*said, "1 empty cells are taken out"])


def test_a_file_that_is_no_notebook_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path)
    (tmp_path / "01_returns.ipynb").write_text("<<<<<<< HEAD", encoding="utf-8")
    assert fix.notebooks() == [] and (tmp_path / "01_returns.ipynb").read_text(encoding="utf-8") == "<<<<<<< HEAD"


def test_only_what_is_safe_is_repaired_in_code(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    (tmp_path / "one.py").write_text('"""One."""\n\nimport os\n\nx=1\nif x == None:\n    x = 2\n', encoding="utf-8")
    assert fix.style() == [
        "one.py, line 3: `os` imported but unused (F401)",
        "one.py: is not in the house format",
    ]
    assert (tmp_path / "one.py").read_text(encoding="utf-8") == '"""One."""\n\nx = 1\nif x == None:\n    x = 2\n'
    assert fix.style() == []


# a collection of one notebook, which is checked and mended by the commands; what executing it gives is what is stored


@pytest.fixture
def small(place, monkeypatch, capsys):
    shutil.copy(HOUSE / "notebooks" / f"{NAME}.ipynb", place.notebooks)
    shutil.copy(HOUSE / "pyproject.toml", place.root)
    claims = (HOUSE / "data" / "claims.csv").read_text(encoding="utf-8").splitlines()
    kept = [line for line in claims if line.startswith("id,") or f",{NAME}," in line]
    (place.root / "data" / "claims.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    executed = (place.notebooks / f"{NAME}.ipynb").read_bytes()
    cells = nbformat.reads(executed.decode(), as_version=4).cells
    (cell,) = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    place.declare(NAME, cell.source)
    # what it records
    place.ran, place.records = [], []

    def carried_out(editions, *_):
        place.ran.append(list(editions))
        for folder in editions.values():
            (folder / NAME).mkdir(parents=True)
            (folder / NAME / "notebook.ipynb").write_bytes(executed)
            (folder / NAME / "results.json").write_text(json.dumps(place.records), encoding="utf-8")
        return [], []

    monkeypatch.setattr(run, "run_jobs", carried_out)
    monkeypatch.setattr(readme, "write", lambda: None)

    def called(command):
        code = run.main([command, "--kernels=plain"])
        said = capsys.readouterr()
        place.err = said.err
        return code, said.out

    place.call = called
    return place


def tampered(file, change):
    notebook = json.loads(file.read_text(encoding="utf-8"))
    change(notebook["cells"])
    file.write_text(json.dumps(notebook), encoding="utf-8")


def test_what_is_missing_is_told_and_mended_but_for_what_needs_judgement(small):
    file = small.notebooks / f"{NAME}.ipynb"
    stored = file.read_bytes()
    assert small.call("check") == (0, "All is in order. `make test` is the full proof.\n")

    def change(cells):
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        next(cell for cell in code if cell["outputs"])["outputs"] = []
        code[0]["metadata"]["scrolled"] = True
        code[-1]["execution_count"] = 40

    tampered(file, change)
    broken = file.read_bytes()
    code, said = small.call("check")
    assert code == 1 and file.read_bytes() == broken
    assert "stores no output where its code now gives" in said and "holds metadata of scrolled" in said
    assert "was executed as number 40" in said and "`make fix` repairs what needs no judgement" in said
    code, said = small.call("fix")
    assert code == 0 and f"Repaired: notebooks/{NAME}.ipynb: metadata that an editor left are taken out" in said
    assert file.read_bytes() == stored
    # and where nothing is left to do, nothing is done
    assert small.call("fix") == (0, "All is in order. `make test` is the full proof.\n")

    def typed(cells):
        prose = [cell for cell in cells if cell["cell_type"] == "markdown"]
        prose[3]["source"] = [*prose[3]["source"], "\n\nWe found 12.5 percent."]

    tampered(file, typed)
    code, said = small.call("fix")
    assert code == 1 and "12.5 is typed into prose; have code print it" in said
    assert "We found 12.5 percent." in file.read_text(encoding="utf-8")


def records(*values):
    """Records of a notebook, one a value, all made in one way."""
    made = {"notebook": NAME, "role": "note", "unit": "percent", "n": 2, "method": "exact: as told", "kind": "exact"}
    return [
        made | {"id": f"model-{number:02d}"} | dict.fromkeys(("value", "low", "high"), value)
        for number, value in enumerate(values)
    ]


DAYS = ("2025-02-14", "2025-12-31")


def test_results_that_moved_are_listed_and_recorded_and_not_called_in_order(small):
    recorded.write({day: records(*range(1, 13)) for day in DAYS})
    small.records = records(1, *range(102, 113))
    before = recorded.place().read_bytes()
    code, said = small.call("check")
    assert code == 1 and recorded.place().read_bytes() == before
    assert "11 of 12 recorded results of 2025-02-14 moved, such as model-01: value is 102 where 2 is recorded" in said
    assert "`make fix` lists and records them" in said
    code, said = small.call("fix")
    lines = said.splitlines()
    assert code == 0 and "All is in order" not in said and "make fix" not in said
    first = lines.index("Results that moved, as they were recorded -> as they are now:") + 1
    assert lines[first] == "  2025-02-14  model-01: 2 (2 to 2) -> 102 (102 to 102)"
    assert lines[first + 19] == "  2025-12-31  model-09: 10 (10 to 10) -> 110 (110 to 110)"
    assert lines[first + 20] == "  and 2 more" and len([line for line in lines if " -> " in line]) == 21
    assert lines[-1].startswith("Recorded 22 results that moved; `git diff tests/recorded.csv` shows all.")
    assert [row["value"] for row in recorded.read(DAYS[1])] == [1, *range(102, 113)]
    assert small.call("fix")[1] == "All is in order. `make test` is the full proof.\n"


def test_results_are_recorded_for_the_first_time_where_none_are(small):
    small.records = records(4.25)
    tampered(small.notebooks / f"{NAME}.ipynb", lambda cells: cells[-2].update(outputs=[], execution_count=None))
    code, said = small.call("fix")
    assert code == 0 and "  2025-02-14  model-00: not recorded -> 4.25 (4.25 to 4.25)" in said
    assert said.splitlines()[-1].startswith("Recorded 2 results that moved")


@pytest.fixture
def versioned(small, monkeypatch):
    """The small collection as a git repository with a module that its notebook follows from, and a test of that."""
    (small.root / "src").unlink()
    (small.root / "src" / "helpers").mkdir(parents=True)
    (small.root / "tests").mkdir(exist_ok=True)
    for name in ("makers", "unused"):
        (small.root / "src" / "helpers" / f"{name}.py").write_text(f'"""Of {name}."""\n\nONE = 1\n', encoding="utf-8")
        test = f"from pathlib import Path\n\nCODE = Path(__file__).parents[1] / 'src' / 'helpers' / '{name}.py'\n\n\n"
        test += "def test_one_is_one():\n    assert 'ONE = 1\\n' in CODE.read_text()\n"
        (small.root / "tests" / f"test_{name}.py").write_text(test.replace("'", '"'), encoding="utf-8")
    recorded.write({day: records(1.5) for day in DAYS})
    (small.root / ".gitignore").write_text("report/\n__pycache__/\n", encoding="utf-8")
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)
    small.records = records(1.5)
    small.git("init", "--quiet", "--initial-branch=main")
    small.commit("First")
    small.change = lambda name: small.edit(f"src/helpers/{name}.py", "ONE = 1", "ONE = 2")
    return small


def test_nothing_is_stored_or_recorded_where_a_test_of_changed_code_fails(versioned):
    versioned.change("makers")
    versioned.records = records(3)
    tampered(versioned.notebooks / f"{NAME}.ipynb", lambda cells: cells[-2].update(outputs=[]))
    before = versioned.files("notebooks") | versioned.files("tests")
    code, said = versioned.call("fix")
    assert code == 1 and "Testing what changed: tests/test_makers.py ..." in said and "make fix" not in said
    assert "model-00: value is 3 where 1.5 is recorded" in said and "Recorded" not in said
    assert "nothing was stored or recorded" in versioned.err
    assert "FAILED tests/test_makers.py::test_one_is_one" in versioned.err
    after = versioned.files("notebooks") | versioned.files("tests")
    assert {name: after[name] for name in before} == before
    # in a commit of its own it is no more in order
    versioned.commit("Two")
    assert versioned.call("fix")[0] == 1 and recorded.read(DAYS[0])[0]["value"] == 1.5
    # and once the test is of the code as it is, what the code gives is recorded
    versioned.edit("tests/test_makers.py", "ONE = 1", "ONE = 2")
    code, said = versioned.call("fix")
    assert code == 0 and said.splitlines()[-1].startswith("Recorded 2 results that moved")


def test_only_modules_that_notebooks_follow_from_are_tested_and_only_where_outputs_differ(versioned):
    assert fix.tests_of_change() == []
    versioned.change("unused")
    assert fix.tests_of_change() == []
    versioned.records = records(3)
    code, said = versioned.call("fix")
    assert code == 0 and "Testing" not in said and "Recorded 2 results" in said
    versioned.change("makers")
    assert fix.tests_of_change() == ["tests/test_makers.py"]
    # nothing that is stored follows from it so far
    code, said = versioned.call("fix")
    assert code == 0 and said == "All is in order. `make test` is the full proof.\n"


def test_outside_of_git_every_module_that_a_notebook_follows_from_is_tested(versioned):
    shutil.rmtree(versioned.root / ".git")
    assert fix.tests_of_change() == ["tests/test_makers.py"]


def test_a_plot_of_a_persons_own_is_named_when_the_outputs_are_stored_anew(small):
    file = small.notebooks / f"{NAME}.ipynb"

    def plotted(cells):
        cell = [cell for cell in cells if cell["cell_type"] == "code"][1]
        cell["outputs"].append({"output_type": "display_data", "metadata": {}, "data": PICTURE})

    tampered(file, plotted)
    code, said = small.call("fix")
    (line,) = [line for line in said.splitlines() if line.startswith("Removed")]
    assert f"notebooks/{NAME}.ipynb, cell " in line and "a picture (image/png)" in line
    assert code == 0 and b"aGVsbG8=" not in file.read_bytes()


def test_a_notebook_that_raises_is_left_as_it_is_stored(small, monkeypatch):
    file = small.notebooks / f"{NAME}.ipynb"
    tampered(file, lambda cells: cells[-2].update(outputs=[]))
    before = file.read_bytes()
    fault = Fault(f"{NAME} as of {DAYS[0]}", "cell 2: ValueError: no", DAYS[0], NAME)
    monkeypatch.setattr(run, "run_jobs", lambda *_: ([fault], []))
    code, said = small.call("fix")
    assert code == 1 and file.read_bytes() == before and small.err == ""
    assert f"{fault}; mend what raises it" in said and said.splitlines()[-1] == "2 findings left."


@pytest.mark.parametrize("command", ["fix", "refresh-outputs", "check"])
def test_a_notebook_whose_parameters_are_not_the_declared_ones_is_neither_executed_nor_stored(small, capsys, command):
    small.edit(f"notebooks/{NAME}.ipynb", "least_growth = 2.0", "least_growth = 2.5")
    before = small.files("notebooks")
    code = run.main([command, "--kernels=plain"])
    said = "".join(capsys.readouterr())
    assert code == (2 if command == "refresh-outputs" else 1) and "least_growth 2.5 instead of 2.0" in said
    assert small.files("notebooks") == before and small.ran == []
