import json
import struct

import nbformat
import pandas as pd
import pytest

from helpers import content, paths

FIGURE = {"kind": "figure", "slug": "after", "title": "They fell", "alt": "Down 4%.", "source": "made up"}
TABLE = {"kind": "table", "slug": "groups", "caption": "One row a group"}
GROUPS = pd.DataFrame({"group": ["chips", "utilities"], "percent": ["−4.1", "1.2"]}).to_html(index=False)


def shown(exhibit, **data):
    return nbformat.v4.new_output("display_data", data, metadata={"exhibit": exhibit})


def edition(tmp_path, *outputs):
    """An edition with one notebook, as the run leaves it."""
    folder = tmp_path / "2025-02-14" / "01_returns"
    folder.mkdir(parents=True)
    cells = [
        nbformat.v4.new_markdown_cell("# 01 · Did they fall?\nThe note says so.", id="a"),
        nbformat.v4.new_code_cell("window = 250", metadata={"tags": ["parameters"]}, id="b"),
        nbformat.v4.new_code_cell(" ", id="c"),
        nbformat.v4.new_code_cell("print(found)", outputs=list(outputs), id="d"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebook.ipynb")
    (folder / "after.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 800, 460))
    for name in ("after.svg", "after.csv", "groups.csv"):
        (folder / name).touch()
    return folder.parent


def test_a_notebook_is_its_question_and_its_cells_with_what_they_show(tmp_path):
    outputs = [shown(FIGURE, **{"image/png": "x"}), shown(TABLE, **{"text/html": GROUPS})]
    outputs.append(nbformat.v4.new_output("stream", name="stdout", text="Found −4.1.\n"))
    found = content.section(edition(tmp_path, *outputs), "01_returns")
    assert found["question"] == "Did they fall?"
    assert [(cell["kind"], cell["place"]) for cell in found["cells"]] == [("prose", 1), ("parameters", 2), ("code", 4)]
    assert found["cells"][0]["source"] == "The note says so."
    figure, table, text = found["cells"][2]["outputs"]
    assert (figure["width"], figure["height"], figure["files"]) == (800, 460, "01_returns/after")
    assert [[cell["text"] for cell in row] for row in table["body"]] == [["chips", "−4.1"], ["utilities", "1.2"]]
    assert [cell["number"] for cell in table["head"][0]] == [False, True]
    assert text == {"kind": "text", "text": "Found −4.1."}


def test_a_ledger_sets_editions_side_by_side_and_leaves_out_no_claim(tmp_path, monkeypatch):
    (tmp_path / "claims.csv").write_text(
        "id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range\n"
        "fell,01_returns,1,text,They fell,return,percent,-inf,0,direction\n"
        "third,05_concentration,6,text,A third,share,percent,30,33.4,words\n"
    )
    monkeypatch.setattr(paths, "DATA", tmp_path)
    folders = [tmp_path / "2025-02-14", tmp_path / "2026-07-31"]
    for folder, value in zip(folders, ("-4.1", "-5.0"), strict=True):
        folder.mkdir()
        head = "claim,notebook,value,low,high,unit,verdict,robust,reason\n"
        (folder / "verdicts.csv").write_text(f"{head}fell,01_returns,{value},-6,-2,percent,holds,no,Found.\n")
        (folder / "results.json").write_text(json.dumps([{"id": "fell", "method": "market model"}]))
    groups = content.ledger(folders, {"01_returns": "Did they fall?"})
    assert [group["question"] for group in groups] == ["Did they fall?", None]
    assert [answer["value"] for answer in groups[0]["rows"][0]["answers"]] == ["−4.1", "−5.0"]
    assert content.tally(groups, 0) == {"holds": 1, "not examined": 1}
    (tmp_path / "added_claims.csv").write_text(
        "id,notebook,claim,quantity,unit,low,high,reason_for_range\nours,01_returns,Ours,change,percent,0,inf,sign\n"
    )
    groups = content.ledger(folders, {"01_returns": "Did they fall?"})
    assert [(group["notebook"][:2], group["added"]) for group in groups] == [("01", False), ("05", False), ("01", True)]
    assert groups[2]["rows"][0]["added"] and content.tally(groups, 0) == {"holds": 1, "not examined": 1}


def test_a_table_gives_up_its_text_and_no_markup():
    rows = content.Rows("<table><tbody><tr><td><b onclick=x>a</b><script>1</script></td></tr></tbody></table>")
    assert rows.body[0][0]["text"] == "a1"


@pytest.mark.fault(18, 59)
@pytest.mark.parametrize("wrong", [{"alt": " "}, {"slug": "../after"}, {"slug": "absent"}])
def test_a_figure_unfit_to_be_shown_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"alt text|no name|missing"):
        content.section(edition(tmp_path, shown(FIGURE | wrong, **{"image/png": "x"})), "01_returns")
