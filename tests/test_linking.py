import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import data, linking
from helpers.rows import rows_of

NOTE, LATE = "2025-02-14", "2026-10-02"


def board(score, n=40, names="m"):
    return pd.DataFrame({"arena_key": [f"{names}{k}" for k in range(n)], "score": score, "error": 3.0})


def test_a_link_finds_the_line_between_two_scales_from_either_side():
    true = np.linspace(900, 1300, 40)
    one, other = board(true), board(50 + 1.1 * true)
    there, back = linking.link(one, other), linking.link(other, one)
    assert (there.slope, there.intercept) == pytest.approx((1.1, 50)) and there.residual == pytest.approx(0, abs=1e-9)
    assert there.slope * back.slope == pytest.approx(1)
    assert linking.link(one, other, straight=False).slope == 1


def test_a_link_of_noisy_scores_is_the_same_line_from_either_side():
    noise = np.random.default_rng(np.random.SeedSequence(3)).normal(0, 40, (2, 40))
    one, other = board(np.linspace(900, 1300, 40) + noise[0]), board(np.linspace(950, 1400, 40) + noise[1])
    there, back = linking.link(one, other), linking.link(other, one)
    # a regression would flatten both
    assert there.slope * back.slope == pytest.approx(1)
    assert there.intercept == pytest.approx(-there.slope * back.intercept)


def test_too_few_common_models_make_no_link():
    found = linking.link(board(np.arange(9.0), 9), board(np.arange(9.0), 9))
    assert "share only 9 models" in found.reason


def test_a_retired_model_comes_back_on_the_scale_of_the_newest_board():
    keys = [f"m{k}" for k in range(12)]
    rows = [(day, key, 1000.0 + 10 * k + shift) for day, shift in (("2024-08-01", 0), ("2024-09-01", 25))
            for k, key in enumerate(keys) if (day, key) != ("2024-09-01", "m11")]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["board_date", "arena_key", "score"]).assign(style_control=False)
    scores = scores.assign(score_low=scores.score - 5, score_high=scores.score + 5, open_weights=False)
    scores["board_date"] = pd.to_datetime(scores.board_date)
    boards = scores[["board_date", "style_control"]].drop_duplicates().assign(scale_regime="R1", membership="full")
    found = linking.linked(scores, boards).set_index("arena_key")
    assert found.score["m11"] == pytest.approx(1135) and not found.on_reference["m11"]
    assert found.error["m0"] == pytest.approx(5 / stats.norm.ppf(0.975))
    table = linking.links(scores, boards)
    assert table["shift"][0] == pytest.approx(25) and table.models.tolist() == [1, 11]


def test_a_score_that_is_carried_gets_the_error_of_the_line_as_a_regression_would_give_it():
    score = np.arange(12.0)
    other = board(2 * score + np.tile([1.0, -1.0], 6), 12)
    line = linking.link(board(score, 12), other)
    assert line.residual == pytest.approx(
        np.sqrt(((other.score - line.intercept - line.slope * score) ** 2).sum() / 10)
    )
    row = linking.carried(board(np.array([7.5]), 1), line).iloc[0]
    assert row.error == pytest.approx(np.hypot(3 * line.slope, line.residual))
    assert row.link_level == pytest.approx(line.residual / np.sqrt(12))
    assert row.link_tilt == pytest.approx(line.residual * 2 / np.sqrt(143))


def several(*boards):
    """Boards of (day, style control, shift, half width of the intervals, keys)."""
    rows = [
        (pd.Timestamp(day), style, key, 1000.0 + 10 * int(key[1:]) + shift, half)
        for day, style, shift, half, keys in boards
        for key in keys
    ]
    scores = pd.DataFrame(rows, columns=["board_date", "style_control", "arena_key", "score", "half"])
    scores = scores.assign(score_low=scores.score - scores.half, score_high=scores.score + scores.half)
    listed = scores[["board_date", "style_control"]].drop_duplicates()
    return scores.assign(open_weights=False), listed.assign(scale_regime="R1", membership="full")


KEYS = [f"m{k}" for k in range(12)]


def test_a_retired_model_keeps_its_newest_score_and_borrows_its_own_newest_interval():
    old, newer, last = "2024-08-01", "2024-09-01", "2024-10-01"
    first = (old, False, 7.0, 2.0, KEYS)
    boards = several(first, (newer, False, 25.0, np.nan, KEYS), (newer, True, 0.0, 9.0, KEYS),
                     (last, False, 0.0, 4.0, KEYS[:-1]))  # fmt: skip
    found = linking.linked(*boards).set_index("arena_key")
    assert found.board_date["m11"] == pd.Timestamp(newer) and found.score["m11"] == pytest.approx(1110)
    # the interval of the older board without style control, not that of the newer one with it
    assert found.error["m11"] == pytest.approx(2 / stats.norm.ppf(0.975))


def catalogue(**columns):
    table = pd.DataFrame({"arena_key": KEYS, "name": KEYS, "open_weights": False, "release_is_proxy": False})
    table = table.assign(developer="x", licence_class="proprietary", release_date=pd.Timestamp("2024-01-01"))
    return table.assign(**columns)


def test_a_renamed_model_stands_once_as_the_newest_board_has_it():
    scores, boards = several(("2024-08-01", False, 0.0, 2.0, KEYS), ("2024-09-01", False, 25.0, 2.0, KEYS[:-1]))
    models = linking.linked(scores, boards)
    found = linking.described(models, catalogue(name=[*KEYS[:-1], "m0"]))
    assert len(found) == 11 and found.set_index("name").arena_key["m0"] == "m0"


def test_what_the_board_wrongly_calls_open_is_named_and_what_is_not_out_yet_or_of_no_licence_is_left_out():
    scores, boards = several(("2024-08-01", False, 0.0, 2.0, KEYS))
    models = linking.linked(scores.assign(open_weights=scores.arena_key == "m3"), boards)
    days = [pd.Timestamp("2024-09-01"), *[pd.Timestamp("2024-01-01")] * 11]
    found = linking.described(models, catalogue(release_date=days, open_weights=[False] * 11 + [None]))
    assert set(found.name) == set(KEYS[1:-1]) and not found.open.any()
    assert linking.coverage(found, "x").endswith("but without published weights: m3.")


# Properties

SCORES = st.lists(st.tuples(st.integers(900, 1300), st.integers(900, 1300)), min_size=10, max_size=14).filter(
    lambda pairs: all(len(set(side)) > 2 for side in zip(*pairs, strict=True))
)


@settings(max_examples=settings().max_examples // 3)
@given(SCORES, st.integers(-50, 50), st.sampled_from([0.5, 2.0]), st.randoms(use_true_random=False))
def test_a_link_gives_common_models_the_mean_and_spread_of_the_other_board_in_any_unit_and_order(
    pairs, up, unit, random
):
    one, other = (board(np.array(side, float), len(pairs)) for side in zip(*pairs, strict=True))
    line = linking.link(one, other)
    moved = linking.carried(one, line)
    assert (moved.score.mean(), moved.score.std()) == pytest.approx((other.score.mean(), other.score.std()))
    back = linking.link(other, one)
    assert (line.slope * back.slope, line.intercept + line.slope * back.intercept) == pytest.approx((1, 0), abs=1e-6)
    # the board carried may be in another unit, and its rows and models that stand on it alone do not matter
    order = list(range(len(pairs)))
    random.shuffle(order)
    alone = board(np.array([2000.0]), 1, "x")
    rescaled = one.assign(score=unit * one.score + up, error=unit * one.error).iloc[order]
    again = linking.carried(rescaled, linking.link(pd.concat([rescaled, alone]), other)).sort_index()
    for column in ("score", "error", "link_level", "link_tilt"):
        np.testing.assert_allclose(again[column], moved[column], rtol=1e-9, atol=1e-6)


# Rows


def cuts(scores, boards, about):
    """Tables as `data.load` names them."""
    for table, name in ((scores, "arena_scores"), (boards, "arena_boards"), (about, "models")):
        table.attrs = {"table": name}
    return scores, boards, about


def listed(table, source):
    """Rows of a table that entered, without the names."""
    return source.loc[rows_of(table).positions()[source.attrs["table"]]]


def retired():
    """Two boards: the newest lacks the model m11."""
    one = several(("2024-08-01", False, 0.0, 2.0, KEYS), ("2024-09-01", False, 25.0, 2.0, KEYS[:-1]))
    return cuts(*one, catalogue())


def test_a_model_of_the_reference_board_rests_on_its_own_score_and_one_brought_in_on_both_sides_of_its_link():
    scores, boards, about = retired()
    found = linking.described(linking.linked(scores, boards), about).set_index("arena_key", drop=False)
    own = linking.described(linking.linked(scores, boards), about)
    alone = listed(own[own.arena_key == "m3"], scores)
    # the first score with an interval says from which board on scores count
    assert alone[["board_date", "arena_key"]].astype(str).to_numpy().tolist() == [
        ["2024-08-01", "m0"],
        ["2024-09-01", "m3"],
    ]
    assert len(listed(own[own.arena_key == "m11"], scores)) == len(scores) and not found.on_reference["m11"]
    assert listed(own[own.arena_key == "m3"], about).arena_key.tolist() == ["m3"]


def test_a_borrowed_interval_is_listed_with_the_score_that_borrows_it():
    old, last = "2024-08-01", "2024-10-01"
    boards = several((old, False, 7.0, 2.0, KEYS), (last, True, 0.0, 9.0, ["m11"]), (last, False, 0.0, np.nan, KEYS))
    scores, boards, _ = cuts(*boards, catalogue())
    models = linking.linked(scores, boards)
    alone = listed(models[models.arena_key == "m5"], scores)
    assert alone.arena_key.tolist() == ["m0", "m5", "m5"] and alone.half.tolist()[:2] == [2.0, 2.0]
    # a model that never had an interval gets the widest of all
    never = scores[(scores.arena_key != "m5") | scores.score_low.isna()]
    models = linking.linked(never, boards)
    alone = listed(models[models.arena_key == "m5"], never)
    assert alone[["arena_key", "style_control"]].to_numpy().tolist() == [["m0", False], ["m11", True], ["m5", False]]


def test_one_board_rests_on_its_own_rows_alone():
    scores, boards, about = retired()
    models = linking.described(linking.one_board(scores, boards, "2024-08-15"), about)
    assert set(listed(models, scores).board_date) == {pd.Timestamp("2024-08-01")} and len(models) == 12
    assert len(listed(models, boards)) == 1
    assert listed(models[models.arena_key == "m7"], scores).arena_key.tolist() == ["m7"]


def test_the_index_rests_on_its_versions_and_on_the_newest_that_says_until_when_it_is_known():
    days = pd.to_datetime(["2024-05-01", "2024-03-01", "2024-04-01"])
    index = pd.DataFrame({"model_version": list("abc"), "eci": [1.0, 2.0, 3.0], "release_date": days})
    index = index.assign(display_name=None, organization="x", accessibility="API access", access_class="closed")
    index.attrs = {"table": "eci_scores"}
    models = linking.index_models(index)
    assert listed(models[models.arena_key == "c"], index).model_version.tolist() == ["a", "c"]


@pytest.mark.parametrize("as_of", [NOTE, LATE])
@pytest.mark.parametrize("style", [False, True])
def test_any_few_models_have_the_same_scores_from_their_listed_rows_alone(as_of, style):
    tables = {name: data.load(name, as_of) for name in ("arena_scores", "arena_boards", "models")}

    def models(scores, boards, about):
        return linking.described(linking.linked(scores, boards, style), about)

    whole, drawn = models(*tables.values()), np.random.default_rng(np.random.SeedSequence(5))
    for size in (1, 1, 2, 3, len(whole) // 2):
        few = whole.iloc[np.sort(drawn.choice(len(whole), size, replace=False))]
        positions = rows_of(few).positions()
        again = models(*(table.loc[positions[name]] for name, table in tables.items()))
        kept = again[again.arena_key.isin(few.arena_key)].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept, few.reset_index(drop=True), check_dtype=False, rtol=1e-12)
        assert len(again) == len(few)
