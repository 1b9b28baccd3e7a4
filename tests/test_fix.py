import copy as copying
import json
import shutil

import nbformat
import pytest

from helpers import check, fix, paths, readme, run

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
    place.ran = []

    def carried_out(editions, *_):
        place.ran.append(list(editions))
        for folder in editions.values():
            (folder / NAME).mkdir(parents=True)
            (folder / NAME / "notebook.ipynb").write_bytes(executed)
        return {}, []

    monkeypatch.setattr(run, "run_jobs", carried_out)
    monkeypatch.setattr(readme, "write", lambda: None)

    def called(command):
        code = run.main([command, "--kernels=plain"])
        return code, capsys.readouterr().out

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


@pytest.mark.parametrize("command", ["fix", "refresh-outputs", "check"])
def test_a_notebook_whose_parameters_are_not_the_declared_ones_is_neither_executed_nor_stored(small, capsys, command):
    small.edit(f"notebooks/{NAME}.ipynb", "least_growth = 2.0", "least_growth = 2.5")
    before = small.files("notebooks")
    code = run.main([command, "--kernels=plain"])
    said = "".join(capsys.readouterr())
    assert code == (2 if command == "refresh-outputs" else 1) and "least_growth 2.5 instead of 2.0" in said
    assert small.files("notebooks") == before and small.ran == []
