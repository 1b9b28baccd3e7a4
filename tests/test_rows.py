import copy
import math
import pickle

import pandas as pd
import pytest

from helpers import data, parameters, recorded
from helpers.inference import Unanswered
from helpers.rows import NO_ROWS, carry, joined, later, rows_of
from recompute import Trace

# 99 counts what the others record
NOTEBOOKS = [name for name in parameters.notebooks() if name != "99_verdicts"]
EDITIONS = (data.REPLICATION, data.latest())


@pytest.mark.parametrize("as_of", EDITIONS)
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_recorded_number_is_computed_again_from_its_own_rows(name, as_of, monkeypatch):
    trace = Trace(name, as_of).run(monkeypatch)
    assert trace.recorded
    wrong = {}
    for identity, estimate in trace.recorded.items():
        if isinstance(estimate, Unanswered):
            continue
        try:
            wrong[identity] = difference(trace.again(identity), estimate)
        except Exception as error:
            wrong[identity] = f"{type(error).__name__}: {error}"
    wrong = {identity: why for identity, why in wrong.items() if why}
    assert wrong == {}, f"{len(wrong)} of {len(trace.recorded)}"


def difference(again, estimate):
    """Say what differs between an estimate and the same from its rows alone; nothing when they are equal."""
    if isinstance(again, Unanswered):
        return f"unanswered: {again.reason}"
    if (again.unit, again.n, again.method, again.kind) != (estimate.unit, estimate.n, estimate.method, estimate.kind):
        return f"{again} instead of {estimate}"
    share = recorded.CLASSES[estimate.kind].tolerance
    numbers = [(getattr(again, end), getattr(estimate, end)) for end in ("value", "low", "high")]
    room = share * max(abs(one) for _, one in numbers if math.isfinite(one)) + recorded.NOTHING
    same = all(a == b or abs(a - b) <= room for a, b in numbers)
    return "" if same else f"{again} instead of {estimate}"


# rows as tables carry them

CUT = pd.DataFrame(
    {"key": list("abc"), "day": pd.to_datetime(["2025-01-01", "2025-01-02", "2025-01-03"])}, index=[3, 5, 8]
)
CUT.attrs["table"] = "prices"


def listed(*sources):
    return {table: places.tolist() for table, places in rows_of(*sources).positions().items()}


def test_a_cut_stands_for_itself_and_what_is_made_by_hand_for_nothing():
    assert listed(CUT, CUT[1:]) == {"prices": [3, 5, 8]} and listed(CUT[1:2]) == {"prices": [5]}
    assert listed(pd.DataFrame({"key": ["a"]}), 3.0, None) == {}


def test_rows_are_selected_by_labels_and_those_without_one_are_kept():
    both = rows_of(CUT) | rows_of(CUT).select(key=["c"]).unlabel("key", "day")
    assert listed(both.select(key=["a"])) == {"prices": [3, 8]}
    assert listed(both.select(day=lambda day: day <= "2025-01-01", key=["b"])) == {"prices": [8]}


def test_a_join_narrows_with_its_own_rows_through_a_second_join_too():
    other = pd.DataFrame({"key": list("ab"), "size": [1, 2]}, index=[0, 1])
    other.attrs["table"] = "sizes"
    first = joined(pd.DataFrame({"key": list("ab")}, index=[10, 11]), "key", CUT, other)
    assert listed(first) == {"prices": [3, 5], "sizes": [0, 1]}
    assert listed(first[first.key == "b"]) == {"prices": [5], "sizes": [1]}
    second = joined(pd.DataFrame({"key": ["b", "a"]}), "key", first)
    assert listed(second.iloc[:1]) == {"prices": [5], "sizes": [1]}
    # of a cut of a cut, and with rows that stand behind all of it
    third = carry(second.copy(), second, rows_of(CUT.loc[[8]]).unlabel("key", "day"))
    assert listed(third.iloc[1:]) == {"prices": [3, 8], "sizes": [0]}


def test_a_join_with_rows_made_by_hand_has_only_those_of_the_other_side():
    made = joined(pd.DataFrame({"key": ["a"]}), "key", CUT, pd.DataFrame({"key": ["a"]}))
    assert listed(made) == {"prices": [3]}


def test_rows_are_worked_out_once_and_only_when_asked_for():
    asked = []
    rows = later(lambda: asked.append(1) or rows_of(CUT))
    table = carry(pd.DataFrame({"x": [1.0]}), rows)
    assert asked == [] and listed(table) == listed(table) == {"prices": [3, 5, 8]} and asked == [1]


def test_rows_survive_what_pandas_and_processes_do_to_them():
    table = carry(pd.DataFrame({"x": [1.0, 2.0]}), CUT)
    assert listed(table.assign(y=1).sort_values("x").head(1)) == {"prices": [3, 5, 8]}
    assert listed(pickle.loads(pickle.dumps(rows_of(CUT)))) == {"prices": [3, 5, 8]}
    assert copy.deepcopy(NO_ROWS) is NO_ROWS
