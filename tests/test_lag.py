import math
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import data, frontier, lag, linking, survival
from helpers.inference import CLOSED_FORM, Estimate, Unanswered
from helpers.rows import rows_of

NOTE, LATE = "2025-02-14", "2026-10-02"
MONTH = survival.DAYS_A_MONTH


def stream(seed):
    return np.random.SeedSequence(seed)


def models(*rows, until="2025-01-01", error=0.0):
    """Rows of (name, day, open, score)."""
    table = pd.DataFrame(rows, columns=["arena_key", "release_date", "open", "score"])
    table["release_date"] = pd.to_datetime(table.release_date).astype("datetime64[ms]")
    plain = {"release_is_proxy": False, "on_reference": True, "scale": "R1", "link_level": 0.0, "link_tilt": 0.0}
    names = {"name": table.arena_key, "developer": "x", "licence_class": "open-permissive", "board_date": pd.NaT}
    return table.assign(error=error, until=pd.Timestamp(until), open_as_printed=table.open, **plain, **names)


RACE = [
    ("p1", "2023-01-01", False, 100.0),
    ("o1", "2023-07-01", True, 90.0),
    ("p2", "2023-10-01", False, 120.0),
    ("o2", "2024-01-01", True, 100.0),
    ("p3", "2024-04-01", False, 140.0),
    ("o3", "2024-10-01", True, 130.0),
]


def drawn_race(seed, n=60):
    """Two sides that climb together, with errors as large as the steps."""
    rng = np.random.default_rng(stream(seed))
    days = pd.Timestamp("2023-01-01") + pd.to_timedelta(np.append([0, 0], rng.integers(0, 700, n - 2)), unit="D")
    score = 1000 + rng.normal(0, 15, n) + 0.3 * (days - days.min()).days
    opened = np.append([True, False], rng.random(n - 2) < 0.5)
    rows = zip([f"m{k}" for k in range(n)], days, opened, score, strict=True)
    return models(*rows, error=rng.uniform(2, 10, n))


def tables(as_of):
    return [data.load(name, as_of) for name in ("arena_scores", "arena_boards", "models")]


def arena(as_of, **options):
    scores, boards, catalogue = tables(as_of)
    return linking.described(linking.linked(scores, boards, **options), catalogue)


@pytest.fixture(scope="module")
def note():
    return arena(NOTE)


@pytest.fixture(scope="module")
def late():
    return arena(LATE)


def test_each_record_opens_a_spell_that_the_first_open_match_closes():
    table = lag.spells(models(*RACE)).set_index("record")
    assert table.matched_by.to_dict() == {"p1": "o2", "p2": "o3", "p3": ""}
    assert table.days.to_dict() == {"p1": 365.0, "p2": 366.0, "p3": 275.0}
    assert table.closed.tolist() == [True, True, False]


def test_a_record_that_an_open_model_had_already_reached_is_matched_at_once():
    table = lag.spells(models(("o", "2023-01-01", True, 110.0), ("p", "2023-06-01", False, 100.0)))
    assert table.days.tolist() == [0.0] and table.closed.tolist() == [True]


def test_not_significantly_worse_matches_sooner():
    close = models(*RACE, error=10.0)
    # o1 is 10 points below p1, and 1.96 * sqrt(200) = 27.7
    table = lag.spells(close, "not significantly worse").set_index("record")
    assert table.matched_by["p1"] == "o1" and table.matched_by["p3"] == "o3"
    point, loose = (lag.backward_lag(close, 0, stream(1), reading).value for reading in lag.READINGS)
    assert loose == 0 and point == pytest.approx(275 / MONTH)


def test_the_backward_lag_counts_from_the_first_proprietary_model_that_stood_as_high():
    for day, since in (("2023-08-01", "2023-01-01"), ("2024-02-01", "2023-01-01"), ("2024-12-01", "2024-04-01")):
        found = lag.backward_lag(models(*RACE), 0, stream(1), day=day)
        assert found.value == pytest.approx((pd.Timestamp(day) - pd.Timestamp(since)).days / MONTH)


@pytest.mark.parametrize("base", ["2023-08-01", "2024-02-01"])
def test_a_ratio_is_that_of_the_lags_of_its_two_days(base):
    # whatever came out between them
    now, then = (lag.backward_lag(models(*RACE), 0, stream(1), day=day).value for day in ("2024-12-01", base))
    assert lag.lag_ratio(models(*RACE), base, 0, stream(1), day="2024-12-01").value == pytest.approx(now / then)


def test_where_open_models_lead_the_lag_is_zero_and_a_ratio_to_it_is_not_asked():
    ahead = models(*RACE, ("o0", "2022-12-01", True, 500.0))
    assert lag.backward_lag(ahead, 0, stream(1)).value == 0
    assert "open models led" in lag.lag_ratio(ahead, "2024-02-01", 0, stream(1)).reason


def test_a_lead_counts_from_1_96_errors_of_the_difference_on():
    for lead, days in ((27.0, 0), (28.0, 731)):  # 1.96 * sqrt(200) = 27.7
        race = models(("p", "2023-01-01", False, 100.0 + lead), ("o", "2023-02-01", True, 100.0), error=10.0)
        found = lag.backward_lag(race, 0, stream(1), lag.READINGS[1])
        assert found.value * MONTH == pytest.approx(days)


def test_the_tilt_of_a_link_moves_models_by_their_distance_from_its_centre():
    rows = models(*RACE).assign(link_tilt=np.arange(6.0), board_date=pd.Timestamp("2024-01-01"))
    moved = lag.drawn_scores(rows, 500, stream(5)) - rows.score.to_numpy()
    assert moved == pytest.approx(moved[:, [1]] * np.arange(6.0)) and moved[:, 1].std() > 0.9


def test_an_early_model_that_may_have_stood_as_high_widens_the_interval():
    rows = ("early", "2023-01-01", False, 76.0), ("late", "2024-06-01", False, 130.0), ("o", "2024-07-01", True, 100.0)
    found = lag.backward_lag(models(*rows, error=10.0), 4_000, stream(1))
    # early is 1.70 errors of the difference below o: reached in 4.5% of the draws
    assert found.value * MONTH == pytest.approx(214) and found.high * MONTH == pytest.approx(731)


def test_a_draw_in_which_open_models_led_before_makes_the_ratio_infinite():
    rows = ("p", "2023-01-01", False, 100.0), ("o", "2023-02-01", True, 96.0)
    found = lag.lag_ratio(models(*rows, ("q", "2024-06-01", False, 200.0), error=3.0), "2023-06-01", 2_000, stream(1))
    assert found.value == pytest.approx(731 / 151) and found.high == math.inf


def plain_lags(scores, released, is_open, day):
    out = []
    for row in scores:
        best, reached = -math.inf, None
        for score, date, opened in zip(row, released, is_open, strict=True):
            if opened and date <= day and score > best:
                best = score
        for score, date, opened in zip(row, released, is_open, strict=True):
            if not opened and date <= day and score >= best:
                reached = date
                break
        out.append(0.0 if reached is None else (day - reached) / np.timedelta64(1, "D"))
    return np.array(out)


def test_the_search_agrees_with_a_plain_loop_exactly_and_is_thirty_times_as_fast(note):
    scores = lag.drawn_scores(note, 10_000, stream(4))
    known = (note.release_date.to_numpy(), note.open.to_numpy(), np.datetime64(NOTE))
    fast = math.inf
    for _ in range(5):
        start = time.perf_counter()
        found = lag.lag_days(scores, *known)
        fast = min(fast, time.perf_counter() - start)
    start = time.perf_counter()
    expected = plain_lags(scores[:500], *known)
    slow = 20 * (time.perf_counter() - start)
    assert (found[:500] == expected).all() and len(set(found)) > 2
    assert slow > 30 * fast


@pytest.mark.parametrize("seed", range(5))
def test_the_series_is_the_lag_of_each_day(seed):
    race, days = drawn_race(seed), pd.date_range("2023-06-01", "2024-12-01", freq="61D")
    series = lag.lag_series(race, days, 50, stream(seed))
    expected = [lag.backward_lag(race, 0, stream(1), day=f"{day:%Y-%m-%d}").value for day in series.date]
    assert series.lag.tolist() == pytest.approx(expected)
    assert len(series) == len(days) and (series.lag_low <= series.lag).all() and (series.lag <= series.lag_high).all()


def headline(race):
    return (
        lag.backward_lag(race, 300, stream(2)),
        lag.lag_ratio(race, "2024-01-01", 300, stream(2)),
        survival.median_time(lag.spells(race)),
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_dominated_model_and_the_order_of_rows_change_nothing(seed):
    race = drawn_race(seed)
    weak = models(("weak", "2024-06-01", True, 500.0), ("meek", "2024-06-01", False, 500.0), error=5.0)
    assert headline(race.sample(frac=1, random_state=seed)) == headline(race)
    for one, other in zip(headline(race), headline(pd.concat([race, weak])), strict=True):
        assert getattr(one, "n", 0) <= getattr(other, "n", 0)
        if isinstance(one, Estimate):
            assert (one.value, one.low, one.high) == (other.value, other.low, other.high)


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_of_all_scores_changes_nothing(seed):
    race = drawn_race(seed)
    shifted = race.assign(score=race.score + 512.0)
    for one, other in zip(headline(race), headline(shifted), strict=True):
        assert getattr(one, "value", one) == getattr(other, "value", other)
        assert getattr(one, "high", None) == getattr(other, "high", None)


@pytest.mark.parametrize("error, day", [(3.0, "2023-08-01"), (8.0, "2024-11-01")])
def test_the_interval_of_the_backward_lag_holds_the_true_lag_as_often_as_it_says(error, day):
    rng, hits = np.random.default_rng(stream(11)), []
    for draw in range(100):
        true = drawn_race(100 + draw, 40).assign(error=error)
        expected = lag.backward_lag(true, 0, stream(0), day=day).value
        seen = true.assign(score=true.score + error * rng.standard_normal(len(true)))
        found = lag.backward_lag(seen, 200, stream(draw), day=day)
        hits.append(found.low - 1e-9 <= expected <= found.high + 1e-9)
    # Monte Carlo error of a share near 95% in 100 samples: 2.2 points; dates jump, so it is rather above than below
    assert np.mean(hits) > 0.9


def test_a_ratio_of_a_day_before_the_base_is_not_asked(note):
    assert "no board after" in lag.lag_ratio(note, "2025-03-01", 100, stream(1)).reason


def test_unknown_readings_and_licences_are_refused(note):
    for call in (lag.backward_lag, lag.spells):
        with pytest.raises(ValueError, match="matched is read as"):
            call(note, reading="better", draws=0, seed=stream(1))
    with pytest.raises(ValueError, match="open is one of"):
        lag.chosen(note, "free")


def test_scores_of_two_scales_are_refused_without_a_link():
    mixed = pd.concat([models(*RACE), models(("q", "2024-11-01", False, 1500.0)).assign(scale="R3")])
    for call in (lambda: lag.backward_lag(mixed, 0, stream(1)), lambda: lag.spells(mixed)):
        with pytest.raises(ValueError, match="do not compare: link the boards first"):
            call()


def test_the_error_of_a_link_holds_a_retired_score_as_often_as_it_says():
    rng, hits = np.random.default_rng(stream(21)), []
    for draw in range(120):
        true = rng.uniform(1000, 1400, 31)
        old = pd.DataFrame({"arena_key": range(31), "score": true + rng.normal(0, 4, 31), "error": 4.0})
        new = pd.DataFrame({"arena_key": range(30), "score": 30 + 0.96 * true[:30] + rng.normal(0, 4, 30)})
        moved = linking.carried(old.iloc[30:], linking.link(old, new)).assign(board_date=pd.Timestamp("2024-01-01"))
        drawn = lag.drawn_scores(moved, 400, stream(draw))[:, 0]
        low, high = np.quantile(drawn, [0.025, 0.975])
        hits.append(low <= 30 + 0.96 * true[30] <= high)
    # its own error counts twice, once in the residual of the common models: the interval is wide rather than narrow
    assert np.mean(hits) > 0.92


def test_the_error_of_a_link_is_shared_by_the_models_it_carries():
    rows = models(*RACE).assign(link_level=10.0, board_date=pd.Timestamp("2024-01-01"))
    drawn = lag.drawn_scores(rows, 2_000, stream(5)) - rows.score.to_numpy()
    assert np.ptp(drawn, axis=1).max() == pytest.approx(0, abs=1e-9)
    # Monte Carlo error of a standard deviation of 10 in 2,000 draws: 0.16
    assert drawn[:, 0].std() == pytest.approx(10, abs=0.6)


def test_lags_are_those_reckoned_by_hand_from_the_board_of_the_note(note):
    printed = data.load("published_lags", NOTE)
    own = printed[printed.measure == "backward lag, Arena score, full membership, scores of 2025-02-14"]
    found = [round(lag.backward_lag(note, 0, stream(1), day=f"{d:%Y-%m-%d}").value * MONTH) for d in own.period_end]
    assert found == own.value.tolist() == [292, 237, 119, 86]


def test_the_survivors_turn_a_deficit_into_a_lead():
    scores, boards, catalogue = tables(LATE)
    whole = linking.described(linking.one_board(scores, boards, NOTE), catalogue)
    standing = scores[(scores.board_date == LATE) & scores.style_control].arena_key
    days = pd.DatetimeIndex([NOTE])
    rows = [lag.lag_series(m, days, 50, stream(1)) for m in (whole, whole[whole.arena_key.isin(standing)])]
    assert rows[0].deficit[0] == pytest.approx(23.2, abs=0.05) and rows[1].deficit[0] < 0
    assert rows[1].lag[0] == 0 and rows[0].lag[0] > 2


def test_every_model_that_left_a_board_is_still_compared(note, late):
    assert set(note.name) <= set(late.name) | {"Gemini-2.0-Flash-001"}
    assert not late.name.duplicated().any() and late.scale.nunique() == 1


@pytest.mark.parametrize("style", [False, True])
def test_choosing_another_reference_board_hardly_moves_the_lag(style):
    # the boards of 2025-08-28 and of the newest day have different members; the link must make up for it
    first = lag.backward_lag(arena(LATE, style_control=style), 500, stream(1), day="2025-08-28")
    other = lag.backward_lag(arena(LATE, style_control=style, reference="2025-08-28"), 500, stream(1), day="2025-08-28")
    assert first.low <= other.high and other.low <= first.high


@pytest.mark.parametrize(
    "as_of", ["2022-12-30", "2024-06-30", "2024-10-31", NOTE, "2025-06-30", "2025-12-31", "2026-07-31", LATE]
)
def test_every_edition_runs_and_uses_only_what_was_known(as_of):
    scores, boards, catalogue = tables(as_of)
    for style, licence in ((False, lag.LICENCES[0]), (False, lag.LICENCES[1]), (True, lag.LICENCES[2])):
        rows = lag.chosen(linking.described(linking.linked(scores, boards, style), catalogue), licence)
        found = [lag.backward_lag(rows, 20, stream(1)), lag.lag_ratio(rows, "2024-06-30", 20, stream(1))]
        found += [survival.median_time(lag.spells(rows), "2024-01-01"), survival.restricted_mean(lag.spells(rows), 24)]
        assert all(isinstance(one, (Estimate, Unanswered)) for one in found)
        if isinstance(rows, pd.DataFrame):
            assert max(rows.until.max(), rows.release_date.max(), rows.board_date.max()) <= pd.Timestamp(as_of)


def test_the_epoch_index_is_known_from_april_2026_on_and_has_no_interval():
    assert isinstance(linking.index_models(data.load("eci_scores", "2026-04-09")), Unanswered)
    index = linking.index_models(data.load("eci_scores", "2026-04-10"))
    found = lag.backward_lag(index, 1_000, stream(1), day=NOTE)
    # own calculation of published_lags
    assert round(found.value * MONTH) == 59 and found.low == found.value == found.high
    assert "no intervals" in found.method


def test_specifications_repeat_nothing_and_name_one_headline(note):
    index = linking.index_models(data.load("eci_scores", LATE))
    table = lag.lag_specifications({"Arena": note, "Epoch index": index, "none": Unanswered("x")}, 100, stream(1))
    assert table.headline.sum() == 1 and not table[lag.CHOICES].duplicated().any()
    assert table.groupby("scale").size().to_dict() == {"Arena": 8, "Epoch index": 2}
    own = table[table.headline].iloc[0]
    assert own.value == pytest.approx(lag.backward_lag(note, 0, stream(1)).value)
    assert isinstance(lag.lag_specifications({"Arena": Unanswered("x")}, 10, stream(1)), Unanswered)


def test_published_lags_leave_out_our_own_and_turn_days_into_months():
    printed = data.load("published_lags", LATE)
    ours = {"a": Estimate(3, 2, 5, "months", 1, "m", CLOSED_FORM), "b": Unanswered("no")}
    table = lag.published(printed, ours)
    assert not table.source.str.contains("Own calculation").any() and table.ours.sum() == 1
    assert table[table.source.str.contains("How far behind")].value.dropna().tolist() == [12.0]
    assert isinstance(lag.published(printed[:0], {"b": Unanswered("no")}), Unanswered)


def priced(*rows):
    columns = ["developer", "open_weights", "output_usd_per_mtok", "score"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(arena_key=[f"m{k}" for k in range(len(table))])


PRICED = priced(("a", True, 1.0, 100), ("b", True, 6.0, 160), ("c", False, 2.0, 110), ("d", False, 4.0, 140),
                ("d", False, 8.0, 190), ("e", True, 9.0, 900))  # fmt: skip


def test_open_prices_are_set_against_neighbours_in_score():
    # a: 1 over the median of 2 and 4; b: 6 over that of 2, 4 and 8; e has no neighbour
    found = lag.price_ratio(PRICED, 50, 200, stream(1))
    assert found.value == pytest.approx((1 / 3 + 6 / 4) / 2) and found.n == 2
    assert lag.price_ratio(PRICED, 50, 200, stream(1), pooled=True).value == pytest.approx(3.5 / 4)


@pytest.mark.parametrize("pooled", [False, True])
def test_the_bootstrap_of_prices_agrees_with_one_that_copies_rows(pooled):
    rng = np.random.default_rng(stream(6))
    rows = [(f"d{k % 6}", bool(rng.random() < 0.5), rng.lognormal(), rng.uniform(0, 200)) for k in range(30)]
    table, draws = priced(*rows), 100
    found = lag.price_ratio(table, 50, draws, stream(9), pooled)
    picks, values = np.random.default_rng(stream(9)).integers(6, size=(draws, 6)), []
    for pick in picks:
        sample = pd.concat([table[table.developer == f"d{k}"] for k in pick])
        ours, theirs = sample[sample.open_weights], sample[~sample.open_weights]
        near = np.abs(ours.score.to_numpy()[:, None] - theirs.score.to_numpy()) <= 50
        if not near.any():
            continue
        own, other = ours.output_usd_per_mtok.to_numpy(), theirs.output_usd_per_mtok.to_numpy()
        ratios = [p / np.median(other[row]) for p, row in zip(own, near, strict=True) if row.any()]
        both = np.median(own[near.any(axis=1)]) / np.median(other[near.any(axis=0)])
        values.append(both if pooled else np.median(ratios))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), rel=1e-12)


def test_prices_without_a_neighbour_are_not_compared():
    assert "within 5 points" in lag.price_ratio(PRICED, 5, 100, stream(1)).reason
    assert lag.price_ratio(Unanswered("no board"), 50, 100, stream(1)) == Unanswered("no board")


def test_a_priced_model_of_unknown_licence_is_left_out():
    unknown = pd.concat([PRICED.astype({"open_weights": object}), priced(("f", None, 0.1, 120))], ignore_index=True)
    assert lag.price_ratio(unknown, 50, 100, stream(1)) == lag.price_ratio(PRICED, 50, 100, stream(1))


def test_prices_do_not_hang_on_their_unit():
    cents = PRICED.assign(output_usd_per_mtok=100 * PRICED.output_usd_per_mtok)
    one, other = (lag.price_ratio(table, 50, 300, stream(2)) for table in (PRICED, cents))
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_the_board_of_the_note_has_sixteen_open_models_with_a_neighbour():
    scores, _, catalogue = tables(NOTE)
    plotted = data.load("plotted_models", NOTE)
    names = plotted.merge(catalogue[["arena_key", "developer"]], on="arena_key", how="left")
    listed = plotted.assign(output_usd_per_mtok=plotted.list_output_usd_per_mtok)
    found = lag.price_ratio(frontier.priced(frontier.board(scores, NOTE), listed, names), 50, 200, stream(1))
    assert found.n == plotted.open_weights.sum() == 16 and found.low < 1 < found.high


# Rows


def cut(table, name="models", columns="arena_key"):
    """Table as `data.load` names it, and a function that gives the keys of its rows that entered a number."""
    table.attrs = {"table": name}
    return table, lambda found: table[columns].loc[rows_of(found).positions()[name]].tolist()


def test_a_backward_lag_rests_on_the_models_released_by_its_day():
    race, entered = cut(models(*RACE))
    assert entered(lag.backward_lag(race, 0, stream(1), day="2024-02-01")) == ["p1", "o1", "p2", "o2"]
    assert entered(lag.backward_lag(race, 0, stream(1))) == list(race.arena_key)
    assert entered(lag.lag_ratio(race, "2024-02-01", 0, stream(1), day="2024-05-01")) == ["p1", "o1", "p2", "o2", "p3"]


def test_a_ratio_to_a_day_on_its_own_board_rests_on_the_models_of_that_board_too():
    (race, _), (base, entered) = cut(models(*RACE)), cut(models(*RACE), "others")
    found = lag.lag_ratio(race, "2023-12-01", 0, stream(1), base=base)
    assert entered(found) == ["p1", "o1", "p2"] and len(rows_of(found).positions()["models"]) == 6


def test_a_spell_rests_on_what_came_before_its_record_and_on_open_models_up_to_the_match():
    race, entered = cut(models(*RACE))
    table = lag.spells(race)
    spells = {spell.record: entered(table[table.record == spell.record]) for spell in table.itertuples()}
    assert spells == {"p1": ["p1", "o1", "o2"], "p2": ["p1", "o1", "p2", "o2", "o3"], "p3": list(race.arena_key)}
    assert entered(survival.median_time(table, "2023-06-01")) == spells["p1"]
    assert entered(survival.median_time(table, "2024-01-01")) == spells["p2"]
    assert entered(survival.restricted_mean(table, 12, "2024-01-01")) == spells["p2"]


def test_what_a_choice_leaves_out_does_not_enter():
    race, entered = cut(models(*RACE).assign(licence_class=["open-permissive"] * 3 + ["open-restricted"] * 3))
    assert entered(lag.backward_lag(lag.chosen(race, "open-permissive"), 0, stream(1))) == ["p1", "o1", "p2", "p3"]
    assert entered(lag.records(race, is_open=True)) == ["o1", "o2", "o3"]


def test_the_catalogue_says_which_models_of_a_board_are_open():
    scores, entered = cut(priced(("a", True, 1.0, 100), ("b", False, 2.0, 110), ("c", False, 2.0, 110)), "scores")
    catalogue, known = cut(pd.DataFrame({"arena_key": ["m1", "m0", "m7"], "open_weights": [True, False, True]}))
    found = lag.licensed(scores, catalogue)
    assert found.open_weights[:2].tolist() == [False, True] and found.open_weights[2:].isna().all()
    assert entered(found) == ["m0", "m1", "m2"] and known(found) == ["m1", "m0"]
    assert known(found[found.arena_key == "m1"]) == ["m1"]
    assert lag.licensed(Unanswered("no board"), catalogue) == Unanswered("no board")


def test_a_ratio_of_prices_rests_on_the_models_of_known_licence():
    unknown = pd.concat([PRICED.astype({"open_weights": object}), priced(("f", None, 0.1, 120))], ignore_index=True)
    table, entered = cut(unknown.assign(arena_key=list("abcdefg")))
    assert entered(lag.price_ratio(table, 50, 100, stream(1))) == list("abcdef")


# Properties

START = pd.Timestamp("2023-01-01")
RACES = st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 6)), min_size=2, max_size=12).filter(
    lambda rows: {row[1] for row in rows} == {True, False}
)
ERRORS = st.sampled_from([0.0, 0.6])
FEWER = settings(max_examples=settings().max_examples // 3)


def race(rows, error=0.0, until=50, since=0):
    """Models of (days since the start, open, score), in the order of their keys."""
    days = [START + pd.Timedelta(days=day + since) for day, _, _ in rows]
    listed = [(f"m{k:02d}", day, row[1], float(row[2])) for k, (day, row) in enumerate(zip(days, rows, strict=True))]
    return models(*listed, until=START + pd.Timedelta(days=until + since), error=error)


def lagged(table, reading=lag.READINGS[0], day=None):
    found = lag.backward_lag(table, 0, stream(1), reading, day)
    return found.value * MONTH if isinstance(found, Estimate) else None


def matched(table, reading=lag.READINGS[0]):
    """Spells by record: set on, matched by, matched on, days, closed."""
    found = lag.spells(table, reading)
    columns = ["record", "set_on", "matched_by", "matched_on", "days", "closed"]
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in found[columns].to_numpy(object)]


def slack(error, reading):
    return 0.0 if reading == lag.READINGS[0] else 1.959963984540054 * math.hypot(error, error)


def plain_spells(rows, error, reading, until=50):
    """Spells from the definition, one model after the other."""
    order = sorted((day, f"m{k:02d}", opened, score) for k, (day, opened, score) in enumerate(rows))
    out, best = [], -math.inf
    for day in sorted({row[0] for row in order}):
        # of several the first by its key
        top = max((row for row in order if row[0] == day and not row[2]), key=lambda row: row[3], default=None)
        if top and top[3] > best:
            best, set_on = top[3], START + pd.Timedelta(days=day)
            match = next((row for row in order if row[2] and row[3] >= best - slack(error, reading)), None)
            if match:
                out.append(
                    (top[1], set_on, match[1], START + pd.Timedelta(days=match[0]), max(match[0] - day, 0), True)
                )
            else:
                out.append((top[1], set_on, "", None, until - day, False))
    return out


@FEWER
@given(RACES, ERRORS, st.sampled_from(lag.READINGS))
def test_spells_are_those_of_a_plain_loop_matched_or_else_watched_to_the_end(rows, error, reading):
    assert matched(race(rows, error), reading) == plain_spells(rows, error, reading)


@given(RACES, ERRORS, st.sampled_from(lag.READINGS), st.integers(0, 45))
@example([(0, False, 3), (5, True, 3)], 0.0, lag.READINGS[0], 9)
def test_the_backward_lag_is_that_of_a_plain_loop_on_any_day_under_either_reading(rows, error, reading, day):
    table, asked = race(rows, error), START + pd.Timedelta(days=day)
    out = sorted((row[0], f"m{k:02d}", *row[1:]) for k, row in enumerate(rows) if row[0] <= day)
    ours, theirs = ([row for row in out if row[2] == side] for side in (True, False))
    if not ours or not theirs:
        assert lagged(table, reading, f"{asked:%Y-%m-%d}") is None
        return
    best, margin = max(row[3] for row in ours), slack(error, reading)
    ahead = [row[3] >= best if not margin else row[3] - best > margin for row in theirs]
    expected = next((day - row[0] for row, reaches in zip(theirs, ahead, strict=True) if reaches), 0)
    if reading == lag.READINGS[1] and not error:
        expected = next((day - row[0] for row in theirs if row[3] > best), 0)
    assert lagged(table, reading, f"{asked:%Y-%m-%d}") == pytest.approx(expected)


@FEWER
@given(RACES, ERRORS, st.integers(1, 800), st.integers(-7, 7))
def test_a_shift_in_time_or_of_all_scores_and_the_order_of_rows_change_no_lag(rows, error, days, points):
    table, later = race(rows, error), race(rows, error, since=days).assign(score=lambda one: one.score + points)
    reading = lag.READINGS[points % 2]
    spells, moved = matched(table, reading), matched(later.sample(frac=1, random_state=days), reading)
    assert [(row[0], row[2], *row[4:]) for row in moved] == [(row[0], row[2], *row[4:]) for row in spells]
    assert {(one[1] - other[1]).days for one, other in zip(moved, spells, strict=True)} == {days}
    assert lagged(later[::-1], reading) == lagged(table, reading)
    drawn = [lag.backward_lag(one, 20, stream(3)) for one in (table, later)]
    assert [(one.value, one.low, one.high) for one in drawn[:1]] == [
        (one.value, one.low, one.high) for one in drawn[1:]
    ]


@FEWER
@given(RACES, st.data())
def test_an_open_model_that_comes_earlier_or_scores_higher_lengthens_no_lag(rows, given_data):
    place = given_data.draw(st.sampled_from([k for k, row in enumerate(rows) if row[1]]))
    day, _, score = rows[place]
    better = list(rows)
    better[place] = (given_data.draw(st.integers(0, day)), True, score + given_data.draw(st.integers(0, 2)))
    before, after = matched(race(rows)), matched(race(better))
    assert [row[0] for row in after] == [row[0] for row in before]
    assert all(one[5] >= other[5] and one[4] <= other[4] for one, other in zip(after, before, strict=True))
    assert lagged(race(better)) <= lagged(race(rows))
    # and one more of them can do no harm, as one more of the others can do no good
    open_one, other = ([*rows, (day, side, score)] for side in (True, False))
    assert lagged(race(open_one)) <= lagged(race(rows)) <= lagged(race(other))


@FEWER
@given(RACES, st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=4))
def test_models_worse_than_all_change_no_spell_and_no_lag(rows, worse):
    # after both sides have begun, or a worse model would begin one
    begun = max(min(row[0] for row in rows if row[1] == side) for side in (True, False))
    more = rows + [(max(day, begun), opened, -1) for day, opened in worse]
    assert matched(race(more)) == matched(race(rows)) and lagged(race(more)) == lagged(race(rows))


@FEWER
@given(RACES, st.integers(1, 400))
def test_watching_longer_lengthens_open_spells_by_as_much_and_closed_ones_not_at_all(rows, days):
    for one, other in zip(matched(race(rows)), matched(race(rows, until=50 + days)), strict=True):
        assert other == (*one[:4], one[4] + (0 if one[5] else days), one[5])
        assert one[5] == (one[2] != "") == (one[3] is not None)
        assert one[4] <= 50 and (one[5] or one[4] == 50 - (one[1] - START).days)


@FEWER
@given(RACES)
def test_records_climb_and_every_other_model_stands_no_higher_than_one_before_it(rows):
    table = race(rows)
    for side in (True, False):
        held = lag.records(table, side)
        assert held.score.is_monotonic_increasing and held.score.is_unique and held.release_date.is_monotonic_increasing
        rest = table[(table.open == side) & ~table.arena_key.isin(held.arena_key)]
        for model in rest.itertuples():
            assert (held.score[held.release_date <= model.release_date] >= model.score).any()


@FEWER
@given(RACES, ERRORS, st.sampled_from(lag.READINGS), st.integers(0, 45))
def test_every_number_is_the_same_from_its_listed_rows_alone(rows, error, reading, day):
    table, asked = race(rows, error), f"{START + pd.Timedelta(days=day):%Y-%m-%d}"
    table.attrs = {"table": "models"}

    def numbers(known):
        spells = lag.spells(known, reading)
        yield lag.backward_lag(known, 40, stream(1), reading, asked)
        yield lag.lag_ratio(known, f"{START:%Y-%m-%d}", 40, stream(1), reading, asked)
        yield survival.median_time(spells, asked)
        yield survival.restricted_mean(spells, 1, asked)

    for place, found in enumerate(numbers(table)):
        if isinstance(found, Estimate):
            alone = table.loc[rows_of(found).positions()["models"]]
            assert list(numbers(alone))[place] == found
