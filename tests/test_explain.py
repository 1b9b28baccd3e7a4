import io
import os
import re
import runpy
import subprocess
import sys

import pytest

from helpers import data, explain, lineage, paths, results

HOUSE, DAY, LATEST = paths.ROOT, "2025-02-14", "2026-07-31"


@pytest.fixture
def said(folder, capsys):
    """Command line in this process: gives its exit code and what it said."""

    def called(*arguments):
        code = explain.main([*arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return called


def test_the_text_fits_a_terminal_and_holds_nothing_that_would_drive_it(explained, lay_out):
    for identity in ("fell", f"fell/{lay_out.evil}", "fell/half, of all", "returns-beside"):
        text = explain.text(explained(identity))
        assert [line for line in text.split("\n") if len(line) > 100 or not line.isprintable()] == []
    assert "prices, 8 rows, known from" in explain.text(explained("fell/half, of all"))
    assert "THE ROWS\n  none: it was not answered" in explain.text(explained("returns-beside"))
    assert f"make explain AS_OF={DAY} ID=fell/none\n" in explain.text(explained("fell"))


def test_rows_of_a_file_that_changed_since_are_not_shown(folder, lay_out):
    (paths.RAW / "prices.csv").write_text(lay_out.prices.replace("A,1", "A,11"), encoding="utf-8")
    text = " ".join(explain.text(lineage.Edition(folder, DAY).explanation("fell")).split())
    assert "it has changed since, so its rows are not shown" in text and "line 2:" not in text


def test_a_number_is_explained_in_the_editions_that_stand(said, tmp_path, monkeypatch, lay_out):
    for day in ("2025-01-31", LATEST):
        lay_out(day)
    monkeypatch.setattr(explain.cache, "why", lambda name, day: [f"nothing: {name}"])
    code, out, err = said("fell")
    assert (code, err) == (0, "") and "since then    nothing: 01_returns" in out
    assert re.findall(r"^fell · edition of (\S+)", out, flags=re.MULTILINE) == [DAY, LATEST]
    assert said("fell", "--as-of", "2025-01-31")[1].startswith("fell · edition of 2025-01-31 · headline\n")


def test_without_an_id_the_numbers_are_listed_by_notebook(said, folder):
    assert said("") == (
        0,
        "The numbers of the edition of 2025-02-14: make explain ID=...\n"
        "01_returns\n  fell, 3 alternatives\n  returns-beside\n",
        "",
    )


def test_a_number_of_one_edition_alone_is_explained_there(said, tmp_path, monkeypatch, lay_out):
    lay_out(LATEST, lay_out.cell.replace("returns-beside", "returns-later"))
    monkeypatch.setattr(explain.cache, "why", lambda name, day: [])
    code, out, _ = said("returns-later")
    assert code == 0 and f"returns-later · edition of {LATEST}" in out
    assert f"no number 'returns-later' in the edition of {DAY}" in out


def test_what_cannot_be_explained_is_said_in_a_line_and_told_by_the_code(said, folder, monkeypatch):
    for wish, words in {
        ("fel",): "error: no number 'fel' in the edition",
        ("fell", "--as-of", "2025-06-30"): "error: no edition of 2025-06-30 is built",
        ("fell", "--as-of", "../2025"): "error: AS_OF takes a date written yyyy-mm-dd",
    }.items():
        code, out, err = said(*wish)
        assert (code, out) == (2, "") and err.startswith(words) and err.count("\n") == 1
    (folder / "01_returns" / "notebook.ipynb").unlink()
    code, _, err = said("fell")
    assert code == 1 and f"run `make report AS_OF={DAY} FORCE=1`" in err
    monkeypatch.setattr(paths, "REPORT", folder / "absent")
    assert said("fell") == (1, "", "error: there is no report yet: run `make report`\n")


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("results.json", "3"),
        ("results.json", "[1]"),
        ("edition.json", "null"),
        ("01_returns/notebook.ipynb", "[]"),
        ("verdicts.csv", "claim,verdict\n"),
    ],
)
def test_a_file_of_another_form_is_no_edition_that_can_be_read(said, folder, file, content):
    (folder / file).write_text(content, encoding="utf-8")
    code, out, err = said("fell")
    assert (code, out) == (1, "") and err.startswith(f"error: the edition of {DAY} cannot be read")
    assert err.count("\n") == 1


def test_make_passes_an_id_on_as_it_is_written(tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "-C", HOUSE, "-n", "explain", f"ID=a'b $(shell touch {tmp_path}/ran) `touch {tmp_path}/ran`"]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    assert '-m helpers.explain --as-of="$AS_OF" -- "$ID"\n' in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_of_another_encoding_gets_what_it_can_draw(folder, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    monkeypatch.setattr(sys, "argv", ["explain", "fell"])
    monkeypatch.delitem(sys.modules, "helpers.explain")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("helpers.explain", run_name="__main__")
    assert ended.value.code == 0 and raw.getvalue().startswith(b"fell ? edition of ")


def test_explaining_loads_no_table_library():
    code = "import sys\nfrom helpers import explain\nprint({'pandas', 'scipy', 'statsmodels'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_day_of_the_note_is_the_same_everywhere():
    assert explain.NOTE_DAY == results.NOTE_DAY == data.REPLICATION
