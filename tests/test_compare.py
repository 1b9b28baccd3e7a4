import math

import numpy as np
import pandas as pd
import pytest

from helpers import compare, inference


def record(
    name,
    value,
    low=None,
    high=None,
    unit="percent",
    method="mean",
    role="context",
    notebook="01_returns",
    kind="closed form",
):
    """A recorded number; one without a value is not answered."""
    ends = [value if end is None else end for end in (low, high)]
    answer = {"value": value, "low": ends[0], "high": ends[1], "unit": unit, "n": 9, "method": method, "kind": kind}
    if value is None:
        answer |= {
            "unit": None,
            "n": 0,
            "method": None,
            "kind": None,
            "unanswered": "cannot be asked yet",
            "reason": "too soon",
        }
    return {"id": name, "notebook": notebook, "role": role} | answer | {"inputs": []}


def only(a, b):
    table = compare.numbers(a, b)
    assert len(table) == 1
    return table.iloc[0]


def verdicts(**given):
    rows = [(claim, "01_returns", *words.split(", ")) for claim, words in given.items()]
    return pd.DataFrame([[*row, ""][:4] for row in rows], columns=["claim", "notebook", "verdict", "robust"])


def test_a_number_that_moved_is_told_in_its_unit_and_in_the_standard_errors_of_both_sides():
    # intervals of ±1.96 and ±3.92: standard errors of 1 and 2
    row = only([record("up", 10.0, 8.04, 11.96)], [record("up", 13.0, 9.08, 16.92)])
    assert (row.change, row.difference) == ("moved", 3.0)
    assert row.errors_a == pytest.approx(3) and row.errors_b == pytest.approx(1.5)
    assert (row.error_a, row.error_b) == ("", "")


@pytest.mark.parametrize(
    ("side", "why"),
    [
        (record("x", 2.0, kind="exact"), "exact"),
        (record("x", 2.0, 0.0, "inf"), "unbounded"),
        (record("x", 2.0, "-inf", 4.0), "unbounded"),
        (record("x", 2.0, 2.0, 2.0), "no width"),
        (record("x", 2.0, 2.0, 4.0), "one-sided"),
    ],
)
def test_where_there_is_no_standard_error_it_is_said_why(side, why):
    row = only([side], [record("x", 3.0, 1.04, 4.96)])
    assert row.error_a == why and math.isnan(row.errors_a)
    assert row.error_b == "" and row.errors_b == pytest.approx(1)


def test_numbers_that_are_answered_come_or_go_are_kept_apart_from_those_that_moved():
    a = [record("answered", None), record("unanswered", 1.0), record("went", 1.0), record("still", None)]
    b = [record("answered", 1.0), record("unanswered", None), record("came", 1.0), record("still", None)]
    table = compare.numbers(a, b).set_index("id")
    assert table.change.to_dict() == {name: name for name in ("answered", "unanswered", "came", "went")}
    assert table.difference.isna().all() and table.errors_a.isna().all() and set(table.unit) == {"percent"}


def test_an_end_another_unit_and_another_order_of_adding_up_are_changes_of_their_own():
    a = [record("end", 2.0, 1.0, 3.0), record("unit", 2.0), record("sum", 0.1 + 0.2), record("infinite", 2.0, 1.0, 3.0)]
    b = [record("end", 2.0, 1.0, 4.0), record("unit", 2.0, unit="months"), record("sum", 0.3)]
    b.append(record("infinite", 2.0, 1.0, "inf"))
    table = compare.numbers(a, b).set_index("id")
    assert table.change.to_dict() == {"end": "interval", "unit": "unit", "sum": "rounding", "infinite": "interval"}
    assert table.difference["end"] == 0 and math.isnan(table.difference["unit"])


def test_the_worst_come_first_by_standard_errors_then_exact_ones_by_size_then_the_rest():
    a = [record("small", 10.0, 8.04, 11.96), record("large", 1.0, 0.804, 1.196), record("came later", None)]
    a += [record("exact much", 1.0, kind="exact"), record("exact little", 100.0, kind="exact")]
    b = [record("small", 11.0, 9.04, 12.96), record("large", 0.0, -0.196, 0.196), record("came later", 1.0)]
    b += [record("exact much", 2.0, kind="exact"), record("exact little", 110.0, kind="exact")]
    assert compare.numbers(a, b).id.to_list() == ["large", "small", "exact much", "exact little", "came later"]


def test_the_order_of_records_is_nothing_and_to_swap_sides_turns_the_sign():
    rng = np.random.default_rng(1)
    sides = [[record(f"{n}", *np.sort(rng.normal(size=3))[[1, 0, 2]].tolist()) for n in range(20)] for _ in range(2)]
    table = compare.numbers(*sides)
    pd.testing.assert_frame_equal(table, compare.numbers(sides[0][::-1], sides[1][::-1]))
    swapped = compare.numbers(*sides[::-1]).set_index("id").loc[table.id]
    assert np.array_equal(swapped.difference, -table.difference) and np.array_equal(swapped.errors_a, -table.errors_b)
    assert compare.numbers(sides[0], sides[0]).empty and compare.numbers([], []).empty


def test_the_standard_error_is_that_of_a_normal_estimate():
    found = inference.Estimate(5.0, 5 - 1.96 * 0.3, 5 + 1.96 * 0.3, "percent", 9, "mean", "closed form")
    assert compare.standard_error(record("x", found.value, found.low, found.high)) == pytest.approx(0.3)


def test_verdicts_that_flip_come_before_those_first_given_and_before_marks_alone():
    a = verdicts(d="holds, no", c="not yet due", b="cannot tell, no", a="holds, yes", e="fails, yes", f="holds, yes")
    b = verdicts(d="holds, yes", c="fails, yes", b="holds, no", a="fails, no", e="fails, yes", g="not yet due")
    table = compare.verdicts(a, b).set_index("claim")
    turns = {"a": "flipped", "b": "flipped", "c": "first judged", "f": "no longer judged"}
    assert table.turn.to_dict() == turns | {"g": "put off", "d": "robustness"}
    assert list(table.index) == ["a", "b", "c", "f", "g", "d"]
    assert table.loc["f", ["verdict_a", "verdict_b", "robust_b"]].to_list() == ["holds", "not there", ""]
    assert compare.verdicts(a, a).empty


def test_rows_are_told_apart_by_their_key():
    a = pd.DataFrame({"day": ["1", "1", "2", "3"], "firm": ["x", "y", "x", "x"], "price": [1.0, 2.0, np.nan, 4.0]})
    b = pd.DataFrame({"day": ["3", "2", "1", "4"], "firm": ["x", "x", "x", "x"], "price": [4.5, np.nan, 1.0, 9.0]})
    counts, revised = compare.rows(a, b, ["day", "firm"])
    assert counts == {"known_a": 4, "known_b": 4, "added": 1, "gone": 1, "revised": 1}
    assert revised.to_numpy().tolist() == [["3 · x", "price", 4.0, 4.5]]
    counts, revised = compare.rows(a, b.drop(columns="firm"), ["day", "firm"])
    assert counts == {"known_a": 4, "known_b": 4, "added": None, "gone": None, "revised": None} and revised.empty


def test_a_change_is_laid_to_what_each_part_does_alone_and_the_remainder():
    # a price times a factor: 2 × 3, 5 × 3, 2 × 4, 5 × 4
    table = compare.attribution(
        [record("product", 6.0), record("price", 2.0), record("factor", 3.0), record("same", 1.0)],
        [record("product", 20.0), record("price", 5.0), record("factor", 4.0), record("same", 1.0)],
        {
            "data": [record("product", 15.0), record("price", 5.0), record("factor", 3.0), record("same", 1.0)],
            "code": [record("product", 8.0), record("price", 2.0), record("factor", 4.0), record("same", 1.0)],
        },
    ).set_index("id")
    assert table.loc["product", ["data", "code", "together"]].to_list() == [9, 2, 3]
    laid = {"product": "data, code, together", "price": "data", "factor": "code"}
    assert table.laid_to.to_dict() == laid
    assert (table[["data", "code", "together"]].sum(axis="columns") == table.difference).all()


def test_the_share_of_what_could_not_be_run_is_not_guessed():
    table = compare.attribution([record("x", 1.0)], [record("x", 4.0)], {"data": [record("x", 2.0)], "code": None})
    assert table.data[0] == 1 and math.isnan(table.code[0]) and math.isnan(table.together[0])
    assert table.laid_to[0] == "data, code?"


def test_a_number_that_is_answered_is_laid_to_what_answers_it_alone():
    alone = {"data": [record("x", 4.0)], "code": [record("x", None)]}
    assert compare.attribution([record("x", None)], [record("x", 4.0)], alone).laid_to[0] == "data"
    alone = {"data": [record("x", None)], "code": [record("x", None)]}
    assert compare.attribution([record("x", None)], [record("x", 4.0)], alone).laid_to[0] == "together"
    alone = {"data": [record("x", None)], "code": []}
    assert compare.attribution([record("x", None)], [], alone).laid_to[0] == "code"


def test_rounding_is_laid_to_nothing_that_moves_more():
    part = {"data": [record("x", 2.0)], "code": [record("x", 1.0 + 1e-15)]}
    assert compare.attribution([record("x", 1.0)], [record("x", 2.0 + 1e-15)], part).laid_to[0] == "data"
    part = {"data": [record("x", 1.0)], "code": [record("x", 1.0 + 1e-15)]}
    assert compare.attribution([record("x", 1.0)], [record("x", 1.0 + 1e-15)], part).laid_to[0] == "code"


def test_a_verdict_is_laid_to_what_turns_it_alone():
    assert compare.turned_by("holds", "fails", {"data": "cannot tell", "code": "fails"}) == "data, code"
    assert compare.turned_by("holds", "fails", {"data": "holds", "code": "holds"}) == "together"
