import pandas as pd
import pytest

from helpers import compare, comparison


def number(value, low, high, method="mean", name="leaf", kind="closed form"):
    held = {"id": name, "notebook": "01_leaf", "role": "headline", "value": value, "low": low, "high": high}
    return held | {"unit": "percent", "n": 9, "method": method, "kind": kind, "inputs": []}


def worded(a, b, *alone):
    """Words for the one number that differs, where commits differ in data alone if its records are given."""
    table = compare.attribution([a], [b], {"data": list(alone)}) if alone else compare.numbers([a], [b])
    return comparison._number(table.iloc[0].to_dict(), ["data"] if alone else [])


def test_a_number_is_told_with_its_interval_its_change_and_that_in_standard_errors():
    words = worded(number(6.5, 6.11, 6.89), number(8.0, 7.8, 8.2))
    assert words["sides"] == ["6.50 (6.11 to 6.89)", "8.00 (7.80 to 8.20)"]
    assert (words["change"], words["errors"]) == ("+1.50", ["+7.5", "+14.7"])


@pytest.mark.parametrize(
    ("a", "b", "sides", "change", "errors"),
    [
        (
            number(9.0, 0.0, "inf"),
            number(7.0, 0.0, "inf"),
            "9 (0 to infinity) → 7 (0 to infinity)",
            "−2.00",
            "unbounded",
        ),
        (number(-2.0, -2.0, -2.0, kind="exact"), number(1.0, 1.0, 1.0, kind="exact"), "−2 → 1", "+3.00", "exact"),
        (number(None, None, None, None), number(1.0, 0.0, 2.0), "not answered → 1.0 (0.0 to 2.0)", "answered", ""),
        (
            number(2.0, 1.0, 3.0),
            number(2.0, 1.0, 4.0),
            "2.0 (1.0 to 3.0) → 2.0 (1.0 to 4.0)",
            "its interval alone",
            "0",
        ),
    ],
)
def test_what_has_no_standard_error_or_no_number_is_said_in_words(a, b, sides, change, errors):
    words = worded(a, b)
    assert (" → ".join(words["sides"]), words["change"], words["errors"][0]) == (sides, change, errors)


def test_a_number_that_one_side_does_not_know_is_not_called_unanswered():
    (row,) = compare.numbers([], [number(1.0, 0.0, 2.0)]).to_dict("records")
    assert comparison._number(row, [])["sides"] == ["not there", "1.0 (0.0 to 2.0)"]


def test_the_shares_of_a_change_have_as_many_decimals_as_it():
    words = worded(number(80, 80, 80), number(92.4, 92.4, 92.4), number(84, 84, 84))
    assert (words["change"], words["shares"]) == ("+12.4", {"data": "+4.0", "together": "+8.4"})
    words = worded(number(1.0, 0.0, 2.0), number(1.0642, 0.0, 2.0), number(1.0642, 0.0, 2.0))
    assert (words["change"], words["shares"]) == ("+0.0642", {"data": "+0.0642", "together": "0"})


@pytest.mark.fault(63)
@pytest.mark.parametrize(
    ("text", "written"), [("=1+1", "'=1+1"), ("@a", "'@a"), ("-a", "'-a"), ("-1.5", "-1.5"), (-2.5, "-2.5")]
)
def test_text_that_a_spreadsheet_would_run_is_neutral_and_numbers_are_left_alone(tmp_path, text, written):
    comparison._write_csv(tmp_path / "a.csv", pd.DataFrame({"value": [text]}))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == f"value\n{written}\n"


def test_no_line_is_longer_than_a_terminal_and_none_loses_a_word():
    left, right = "a number with a long name " * 3, "09_notebook_of_a_long_name, headline"
    assert comparison._spread(left.strip(), right) == [left.strip(), f"{right:>{comparison.WIDTH}}"]
    words = "  Note: " + "word " * 60
    lines = comparison._wrapped(words)
    assert max(map(len, lines)) <= comparison.WIDTH and " ".join(lines).split() == words.split()
    assert all(line.startswith("  ") for line in lines)
