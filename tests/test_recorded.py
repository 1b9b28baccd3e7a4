import copy as copying
import json
import math

import pytest

from helpers import data, freshness, inference, paths, readme, recorded, results, run
from helpers.execution import Fault

MEAN = {"id": "mean", "notebook": "01_returns", "role": "headline", "value": 2.0, "low": 1.0, "high": 4.0, "n": 9}
MEAN |= {"unit": "percent", "method": "exact: mean of nine", "kind": "exact", "verdict": "holds", "inputs": []}
NONE = {"id": "none", "notebook": "01_returns", "role": "headline", "value": None, "low": None, "high": None, "n": 0}
NONE |= {"unit": None, "method": None, "kind": None, "unanswered": "cannot be asked yet", "reason": "no row is known"}


@pytest.fixture
def table(tmp_path, monkeypatch):
    """Where a test records."""
    monkeypatch.setattr(recorded, "place", lambda: tmp_path / "tests" / "recorded.csv")
    return tmp_path / "tests" / "recorded.csv"


@pytest.fixture
def folder(tmp_path):
    """An edition of two notebooks, one of which records nothing."""
    (tmp_path / "01_returns").mkdir()
    (tmp_path / "99_verdicts").mkdir()
    return tmp_path


def test_both_editions_are_recorded_and_the_later_one_is_no_later_than_the_data():
    note, latest = recorded.editions()
    assert note == results.NOTE_DAY < latest <= data.latest()
    for edition in (note, latest):
        assert set(results.claims().index) <= {row["id"] for row in recorded.read(edition)}


def test_every_kind_of_estimate_has_a_class_and_no_other_has():
    assert tuple(recorded.CLASSES) == inference.KINDS


def test_what_is_recorded_is_read_as_it_was(table):
    records = [MEAN | {"high": "inf", "value": 2 / 3, "low": -math.pi}, NONE]
    recorded.write({"2026-07-31": records, "2025-02-14": [MEAN]})
    assert recorded.editions() == ["2025-02-14", "2026-07-31"]
    found = recorded.read("2026-07-31")
    assert [row["id"] for row in found] == ["mean", "none"]
    assert recorded.differences(records, found) == recorded.differences(found, records) == []
    assert found[0]["high"] == math.inf and found[1]["value"] is None and found[1]["method"] == "no row is known"
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[1] == "2025-02-14,01_returns,mean,2,1,4,9,percent,exact: mean of nine,holds"
    assert "0.666666666667,-3.14159265359,inf" in lines[2]


@pytest.mark.parametrize("kind", inference.KINDS)
def test_numbers_may_differ_by_the_tolerance_of_their_class_and_by_no_more(kind):
    stored, known = MEAN | {"kind": kind}, recorded.CLASSES[kind]
    assert recorded.tolerance(stored) == known.tolerance == (1e-9 if kind in ("exact", "closed form") else 1e-6)
    # of the largest of the three, which is 4
    for field in ("value", "low", "high"):
        for sign in (-1, 1):
            within, beyond = (stored[field] + sign * 4 * known.tolerance * share for share in (0.9, 1.1))
            assert recorded.differences([stored | {field: within}], [stored]) == []
            (line,) = recorded.differences([stored | {field: beyond}], [stored])
            assert line.startswith(f"mean: {field} is ") and f"is recorded ({known.name}, tolerance " in line


def test_counts_words_and_verdicts_are_compared_exactly():
    changes = {"n": 10, "unit": "points", "method": "exact: median", "verdict": "fails", "notebook": "02_frontier"}
    for field, value in changes.items():
        (line,) = recorded.differences([MEAN | {field: value}], [MEAN])
        assert line == f"mean: {field} is {value!r} where {MEAN[field]!r} is recorded"


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([], "mean: recorded, but not found"),
        ([MEAN, NONE], "none: found, but not recorded"),
        ([MEAN | {"high": "inf"}], "mean: high is inf where 4 is recorded (closed form, tolerance 1e-09 of 4)"),
        ([MEAN | {"value": 0.0}], "mean: value is 0 where 2 is recorded (closed form, tolerance 1e-09 of 4)"),
        ([MEAN | {"value": -2.0}], "mean: value is -2 where 2 is recorded (closed form, tolerance 1e-09 of 4)"),
    ],
    ids=["gone", "new", "unbounded", "nothing", "sign"],
)
def test_what_came_went_or_turned_is_named(found, told):
    assert recorded.differences(found, [MEAN]) == [told]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ([MEAN | {"value": 3.0, "low": 1.5}], ["mean: 2 (1 to 4) -> 3 (1.5 to 4)"]),
        ([MEAN | {"verdict": "fails", "n": 8}], ["mean: n 9 -> 8; verdict holds -> fails"]),
        ([MEAN | {"value": 2.0 + 1e-12}], []),
        ([], ["mean: 2 (1 to 4) -> not recorded"]),
        ([MEAN, NONE], ["none: not recorded -> no answer"]),
    ],
)
def test_a_change_names_the_record_and_its_old_and_new_value(found, told):
    assert [*map(str, recorded.changes(found, [MEAN]))] == told


def test_an_answer_in_place_of_none_is_a_difference_and_so_is_another_reason():
    answer = NONE | dict.fromkeys(("value", "low", "high"), 0.0)
    answer |= {"method": "exact: a sum", "kind": "exact", "unit": "percent", "n": 1}
    for one, other in ((answer, NONE), (NONE, answer)):
        assert any(line.startswith("none: value is ") for line in recorded.differences([one], [other]))
    assert recorded.tolerance(NONE) == 0
    (line,) = recorded.differences([NONE | {"reason": "too short"}], [NONE])
    assert line == "none: method is 'too short' where 'no row is known' is recorded"


def test_nothing_may_be_rounding_but_not_more():
    nothing = MEAN | {"value": 0.0, "low": 0.0, "high": 0.0}
    assert recorded.differences([nothing | {"value": 1e-17}], [nothing]) == []
    assert len(recorded.differences([nothing | {"value": 1e-9}], [nothing])) == 1


def test_rounding_changes_no_recorded_digit_and_a_change_does(table):
    recorded.write({"2025-02-14": [MEAN, NONE]})
    before = table.read_bytes()
    recorded.write({"2025-02-14": [MEAN | {"value": 2.0 * (1 + 1e-10)}, NONE]})
    assert table.read_bytes() == before
    recorded.write({"2025-02-14": [MEAN | {"value": 2.0 * (1 + 1e-8)}, NONE]})
    assert b",2.00000002," in table.read_bytes()


def test_a_file_that_is_no_table_of_results_names_its_line_and_is_written_anew(table, folder):
    recorded.write({"2025-02-14": [MEAN]})
    good = table.read_text(encoding="utf-8")
    bad = {good + "<<<<<<< HEAD\n": 3, good + ",,,\n": 3, good.replace(",9,", ",nine,"): 2}
    bad |= {good.replace(",1,4,", ",4,"): 2, good.replace(",holds", ""): 2, good.replace("unit,", ""): 2}
    for text, line in bad.items():
        table.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=rf"tests/recorded.csv, line {line}: not a recorded result; `make refresh"):
            recorded.read("2025-02-14")
        told = recorded.moved("2025-02-14", folder)
        assert told.startswith(f"Not compared with what is recorded: tests/recorded.csv, line {line}")
        recorded.write({"2025-02-14": [MEAN]})
        assert table.read_text(encoding="utf-8") == good


def test_a_report_says_in_one_line_that_recorded_numbers_moved(table, folder):
    def keep(records):
        (folder / "01_returns" / "results.json").write_text(json.dumps(records), encoding="utf-8")

    keep([MEAN, NONE])
    assert recorded.moved("2025-02-14", folder) == ""
    recorded.write({"2025-02-14": recorded.gathered(folder)})
    assert recorded.moved("2025-02-14", folder) == recorded.moved("2025-06-30", folder) == ""
    moved = copying.deepcopy(MEAN) | {"value": 3.0, "low": 1.5}
    keep([moved, NONE])
    assert recorded.moved("2025-02-14", folder) == (
        "1 of 2 recorded results of 2025-02-14 moved, such as mean: value is 3 where 2 is recorded (closed form, "
        "tolerance 1e-09 of 4); `make test` names all, `make refresh-outputs` records what is found"
    )


def test_results_are_recorded_when_all_notebooks_succeed_and_only_then(place, main, monkeypatch):
    place.write("01_leaf")
    monkeypatch.setattr(readme, "write", lambda: None)

    def carrying(records, faults):
        def carried(editions, settings, *_):
            # the stored notebooks are the replication edition at its defaults
            assert settings == {"2025-02-14": {}, "2025-12-31": {"as_of": "2025-12-31"}}
            for folder in editions.values():
                place.edition("", json.dumps(records), folder)
            return faults, []

        return carried

    monkeypatch.setattr(run, "run_jobs", carrying([MEAN, NONE], []))
    assert main("refresh-outputs") == (0, "")
    assert recorded.editions() == ["2025-02-14", "2025-12-31"]
    before = recorded.place().read_bytes()
    assert recorded.place() == place.root / "tests" / "recorded.csv"
    place.write("01_leaf")
    monkeypatch.setattr(
        run, "run_jobs", carrying([], [Fault("01_leaf as of 2025-12-31", "cell 1: no", "2025-12-31", "01_leaf")])
    )
    assert main("refresh-outputs")[0] == 1
    assert recorded.place().read_bytes() == before


def test_numbers_that_your_own_data_move_are_no_news(place, main, monkeypatch):
    place.write("01_leaf")
    monkeypatch.setattr(recorded, "moved", lambda day, folder: f"{folder.name} moved")

    def carried(editions, *_):
        return [place.edition("", folder=folder) for folder in editions.values()] and ([], [])

    told = []
    for own in (None, place.root):
        monkeypatch.setattr(paths, "own", lambda own=own: own)
        monkeypatch.setattr(run, "run_jobs", carried)
        assert main("report")[0] == 0
        told.append([line for line in freshness.fresh("") if "moved" in line])
    assert told == [["2025-02-14 moved", "2025-12-31 moved"], []]


# a number and the rows that it rests on, without a picture
LEAF = """
from helpers import inference
from helpers.notebook import Notebook
from helpers.rows import rows_of
notebook = Notebook("01_leaf", as_of)
notebook.note("leaf-mean", inference.exact({}, "percent", 2, "as told", rows_of(notebook.load("securities"))))
"""


def test_a_report_tells_what_moved_and_tells_it_again_when_nothing_changed(copy, monkeypatch):
    monkeypatch.setattr(recorded, "place", lambda: copy.root / "tests" / "recorded.csv")
    copy.write("01_leaf", LEAF.format(4.25))
    copy.write("99_verdicts")
    wish = f"--as-of={results.NOTE_DAY}"
    assert "moved" not in copy.run("report", wish)[1]
    recorded.write({results.NOTE_DAY: recorded.gathered(copy.report / results.NOTE_DAY)})
    copy.edit("notebooks/01_leaf.ipynb", "4.25", "4.5")
    told = "1 of 1 recorded results of 2025-02-14 moved, such as leaf-mean: value is 4.5 where 4.25 is recorded"
    code, said = copy.run("report", wish)
    assert code == 0 and told in said
    answered = copy.run("report", wish, kernels=None, command=("-m", "helpers.start"))[1]
    assert answered.startswith("Nothing changed since the report was built.") and told in answered
    # what is recorded is an input too
    recorded.write({results.NOTE_DAY: recorded.gathered(copy.report / results.NOTE_DAY)})
    assert "moved" not in copy.run("report", wish)[1]
