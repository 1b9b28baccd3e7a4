import json
import math

import numpy as np
import pytest

from helpers import paths, specifications

INFINITE = math.inf
CLAIMS = """id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range
fell,01_returns,1,text,They fell,return,percent,-inf,0,direction
half,02_frontier,2,text,Half as much,cost,ratio,0.4,0.6,words
alone,02_frontier,2,text,Alone,cost,percent,0,inf,words
later,02_frontier,2,text,Later,cost,percent,0,inf,words
"""


def record(name, value, low, high, unit="percent"):
    role = "alternative" if "/" in name else "headline"
    told = {"unanswered": "cannot be asked yet", "reason": "not known"} if value is None else {}
    return {
        "id": name,
        "role": role,
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "n": 3,
        "method": "m",
        "kind": "closed form",
    } | told


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw strips from records."""
    (tmp_path / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    monkeypatch.setattr(paths, "DATA", tmp_path)

    def draw(*records):
        (tmp_path / "results.json").write_text(json.dumps(records), encoding="utf-8")
        return specifications.strips(tmp_path)

    return draw


def test_a_strip_holds_the_headline_then_the_alternatives_by_value_and_counts_who_agrees(drawn):
    strip = drawn(
        record("fell", -4, -6, -2),
        record("fell/up", 3, 1, 5),
        record("fell/down", -5, -6, -4),
        record("fell/unknown", None, None, None),
    )["fell"]
    assert [(row["label"], row["agrees"], row["headline"]) for row in strip["rows"]] == [
        ("headline", True, True),
        ("down", True, False),
        ("up", False, False),
    ]
    assert (strip["agree"], strip["answered"]) == (1, 2)
    assert strip["unanswered"] == [{"label": "unknown", "reason": "not known"}]
    assert strip["rows"][2]["found"] == "3.0 (1.0 to 5.0)" and strip["rows"][2]["verdict"] == "fails"


def test_values_that_differ_by_rounding_alone_stand_in_the_order_of_their_labels(drawn):
    orders = []
    for b, c in ((1.0, 1.0 + 2**-52), (1.0 + 2**-52, 1.0)):
        records = [record("fell", 2, 1, 3), record("fell/c", c, 0, 2), record("fell/b", b, 0, 2)]
        orders.append([row["label"] for row in drawn(*records)["fell"]["rows"]])
    assert orders[0] == orders[1]


def test_only_claims_with_an_answer_and_an_alternative_are_drawn(drawn):
    found = drawn(
        record("fell", -4, -6, -2),
        record("fell/down", -5, -6, -4),
        record("alone", 1, 1, 1),
        record("later", None, None, None),
        record("later/sooner", 1, 1, 1),
    )
    assert list(found) == ["fell"]


def test_places_follow_the_values_and_stay_inside_of_the_strip(drawn):
    strip = drawn(record("fell", -4, -6, -2), record("fell/a", -5, -9, -1), record("fell/b", 1, 0, 2))["fell"]
    for row in strip["rows"]:
        assert specifications.FIRST <= row["left"] <= row["at"] <= row["right"] <= specifications.LAST
        assert not (row["off"] or row["off_left"] or row["off_right"])
    # -9 to 2 with room at both ends: the edge at 0 lies where 0 lies
    (zero,) = [tick["at"] for tick in strip["ticks"] if tick["label"] == "0"]
    assert strip["band"] == {"left": 0.0, "right": zero}
    assert "−5" in [tick["label"] for tick in strip["ticks"]]


def test_an_infinite_end_is_cut_and_says_so(drawn):
    strip = drawn(record("fell", -4, "-inf", -2), record("fell/a", -5, -6, "inf"))["fell"]
    assert [(row["off_left"], row["off_right"]) for row in strip["rows"]] == [(True, False), (False, True)]
    assert strip["rows"][0]["left"] == specifications.FIRST and strip["rows"][1]["right"] == specifications.LAST


def test_a_far_outlier_does_not_squeeze_the_others_but_is_told(drawn):
    beside = [record(f"fell/{value}", value, value, value) for value in (-3, -5, -6, -7, 900)]
    rows = drawn(record("fell", -4, -6, -2), *beside)["fell"]["rows"]
    assert [row["off"] for row in rows] == ["", "", "", "", "", "right"]
    assert max(row["at"] for row in rows[:-1]) - min(row["at"] for row in rows[:-1]) > 25


def test_a_headline_is_never_off_the_axis(drawn):
    beside = [record(f"fell/{value}", value, value, value) for value in (-3, -5, -6, -7)]
    headline = drawn(record("fell", -900, -950, -2), *beside)["fell"]["rows"][0]
    assert not (headline["off"] or headline["off_left"] or headline["off_right"])


def test_ratios_over_two_orders_of_size_are_drawn_on_a_log_axis_and_judged_as_they_are(drawn):
    strip = drawn(record("half", 0.1, 0.01, 10, "ratio"), record("half/a", 0.5, 0.4, 0.6, "ratio"))["half"]
    assert strip["log"] and [tick["label"] for tick in strip["ticks"]] == ["0.01", "0.1", "1", "10"]
    gaps = np.diff([tick["at"] for tick in strip["ticks"]])
    assert np.allclose(gaps, gaps[0], atol=0.02)
    # 0.4 to 0.6 is the claim's whole range: rounding must not turn it out
    assert [row["verdict"] for row in strip["rows"]] == ["cannot tell", "holds"]
    assert not drawn(record("half", 1, 0, 10, "ratio"), record("half/a", 9, 8, 99, "ratio"))["half"]["log"]


@pytest.mark.parametrize("value", [0.0, 5.0, -1e-9])
def test_specifications_that_all_agree_to_the_digit_still_have_an_axis(drawn, value):
    strip = drawn(record("fell", value, value, value), record("fell/a", value, value, value))["fell"]
    assert all(math.isfinite(row["at"]) for row in strip["rows"]) and len(strip["ticks"]) >= 2


def test_the_edges_of_a_range_are_on_the_axis():
    first, last = specifications.limits(np.array([[2.0, 1.0, 3.0], [2.5, 1.5, 3.5]]), -10.0, 20.0)
    assert first < -10 and last > 20
