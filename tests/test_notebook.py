import json
import sys

import pandas as pd
import pytest

from helpers import charts, data, inference, paths
from helpers.inference import Unanswered
from helpers.notebook import Notebook
from helpers.rows import rows_of

DAY = "2025-02-14"
CLAIM = "semiconductors-fell-after"


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.PLACE_VARIABLE, str(tmp_path))
    return Notebook("01_returns", DAY)


def percent(*sources, value=-1.0):
    return inference.exact(value, "percent", 5, "test", rows_of(*sources))


def inputs(notebook):
    records = json.loads((notebook.output_dir / "results.json").read_text(encoding="utf-8"))
    return {record["id"]: record["inputs"] for record in records}


def test_a_notebook_writes_into_the_edition_that_is_made_and_else_among_the_drafts(notebook, tmp_path, monkeypatch):
    assert notebook.output_dir == tmp_path / "01_returns"
    monkeypatch.delenv(paths.PLACE_VARIABLE)
    monkeypatch.setattr(paths, "DRAFTS", tmp_path / "drafts")
    assert Notebook("01_returns", DAY).output_dir == tmp_path / "drafts" / DAY / "01_returns"


@pytest.mark.parametrize(("name", "day"), [("returns", DAY), ("01_returns", "yesterday")])
def test_a_name_that_is_no_notebooks_or_a_day_that_is_none_is_refused(name, day):
    with pytest.raises(ValueError, match="is not"):
        Notebook(name, day)


def test_a_table_is_read_as_of_the_day_and_once(notebook):
    table = notebook.load("market_caps")
    assert notebook.load("market_caps") is table and table.equals(data.load("market_caps", DAY))


def test_each_number_names_its_own_rows_by_line_and_key(notebook):
    caps = notebook.load("market_caps")
    one, other = caps[caps.security == "IBM"], caps[caps.security == "ORCL"]
    notebook.record(CLAIM, percent(one), {"another": percent(other), "both": percent(one, other)})
    entries = {name: entries[0] for name, entries in inputs(notebook).items()}
    assert [entries[name]["rows"] for name in entries] == [len(one), len(other), len(one) + len(other)]
    assert len({entry["keys"] for entry in entries.values()}) == 3
    listed = pd.read_csv(notebook.output_dir / "inputs" / f"market_caps-{entries[CLAIM]['keys']}.csv", dtype=str)
    assert list(listed.columns) == ["line", "security", "date"] and set(listed.security) == {"IBM"}
    raw = (paths.RAW / "market_caps.csv").read_text(encoding="utf-8").splitlines()
    for row in listed.itertuples():
        assert raw[int(row.line) - 1].startswith(f"{row.security},{row.date},")
    assert entries[CLAIM]["lines"] == [*listed.line[:3], *listed.line[-3:]][: len(listed)]


def test_rows_that_are_all_that_were_known_need_no_list(notebook):
    notebook.note("returns-all", percent(notebook.load("market_caps")))
    ((entry,),) = inputs(notebook).values()
    assert entry["keys"] == "all" and entry["rows"] == len(notebook.load("market_caps"))
    assert entry["known"][1] <= DAY and not (notebook.output_dir / "inputs").exists()


def test_rows_in_any_order_and_twice_are_listed_once_in_the_order_of_the_file(notebook):
    caps = notebook.load("market_caps")
    notebook.note("returns-some", percent(caps.iloc[[7, 3]], caps.iloc[[3]]))
    ((entry,),) = inputs(notebook).values()
    assert entry["rows"] == 2 and entry["lines"] == sorted(entry["lines"], key=int)


def test_an_estimate_without_rows_is_refused_and_a_question_without_answer_needs_none(notebook):
    with pytest.raises(ValueError, match="no rows are attached to “exact: test”"):
        notebook.record(CLAIM, percent(), {})
    notebook.record(CLAIM, Unanswered("no day is known"), {})
    assert inputs(notebook) == {CLAIM: []}


def test_undeclared_parameters_are_named_in_verdict_and_record(notebook, monkeypatch):
    for current in ("SPY", "RSP"):
        monkeypatch.setattr(sys.modules["__main__"], "benchmark", current, raising=False)
        verdict = str(notebook.record(CLAIM, percent(notebook.load("securities")), {}))
        assert ("Not the declared specification: benchmark RSP instead of SPY." in verdict) is (current == "RSP")


# figures


def drawing(title="All fell by 4%", alt="Down by 4 percent."):
    figure, _ = charts.canvas(title, "In percent", 2)
    return charts.Drawing(figure, title, alt, pd.DataFrame({"percent": [-4.0]}))


def test_a_title_given_in_a_cell_is_drawn_and_stands_in_every_word_of_the_figure(notebook, monkeypatch):
    seen = []
    monkeypatch.setattr(charts.house, "display", lambda content, **more: seen.append((content, more["metadata"])))
    drawn = drawing()
    notebook.figure("returns-x", drawn, "nobody", title="Everything lost 4% that week")
    ((content, metadata),) = seen
    assert metadata["exhibit"]["title"] == "Everything lost 4% that week"
    assert content["text/plain"].startswith("Everything lost 4% that week\nDown by 4 percent.")
    assert drawn.figure.heading.get_text() == "Everything lost 4% that week"


def test_a_title_of_two_lines_moves_nothing_below_it():
    short, long = (
        drawing(),
        "All fell by 4%, and so did each of the others that anybody had thought of on the day before",
    )
    inches = {}
    for name, title in (("short", ""), ("long", long)):
        figure = (charts.house.retitled(drawing(), title) if title else short).figure
        height = figure.get_figheight()
        inches[name] = [
            place * height for axes in figure.axes for place in (axes.get_position().y0, axes.get_position().y1)
        ]
        inches[name] += [figure.texts[1].get_position()[1] * height]
    assert inches["short"] == pytest.approx(inches["long"])


def test_a_title_whose_number_the_figure_does_not_report_is_refused(notebook):
    with pytest.raises(ValueError, match="the title says 5, but the figure reports 4"):
        notebook.figure("returns-x", drawing(), "nobody", title="All fell by 5%")


def test_a_title_that_is_not_the_one_drawn_is_refused(notebook):
    mismatch = charts.Drawing(drawing().figure, "Another", "Down by 4 percent.", pd.DataFrame({"percent": [-4.0]}))
    with pytest.raises(
        ValueError, match=r"shows the title 'All fell by 4%', not 'Another': pass title= to notebook.figure"
    ):
        notebook.figure("returns-x", mismatch, "nobody")


def test_without_pictures_the_points_alone_are_written(tmp_path, monkeypatch):
    monkeypatch.setenv(paths.PLACE_VARIABLE, str(tmp_path))
    monkeypatch.setenv(paths.PICTURES_VARIABLE, "0")
    Notebook("01_returns", DAY).figure("returns-x", drawing(), "nobody")
    assert [file.name for file in (tmp_path / "01_returns").iterdir()] == ["returns-x.csv"]
