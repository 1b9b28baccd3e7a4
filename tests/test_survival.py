import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from helpers import survival
from helpers.inference import Estimate, Unanswered
from helpers.rows import rows_of

MONTH = survival.DAYS_A_MONTH
# Freireich's leukaemia trial (Gehan 1965): weeks in remission under 6-MP, the first nine relapsed, and under placebo
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
# Rossi, Berk and Lenihan (1980): week of arrest of 216 men without and 216 with financial aid, all watched 52 weeks
NO_AID = (
    "1 2 3 4 5 6 8 8 10 11 13 14 14 16 17 17 17 18 18 19 20 21 21 23 24 24 25 25 25 26 26 26 27 27 28 28 30 31 32 33 "
    "33 35 37 37 38 39 40 40 40 43 43 43 43 44 44 45 46 47 48 49 49 50 52 52 52 52"
)
AID = (
    "7 8 8 8 9 9 11 12 12 14 15 15 16 18 19 20 20 20 20 22 24 24 30 32 34 34 35 35 35 36 36 36 37 37 39 40 42 42 45 46 "
    "46 46 48 49 49 49 50 50"
)
# Epoch AI, How far behind are open models? (November 2024): months on MMLU, GPQA, GSM1k and BBH
BENCHMARKS = [[25.4, 14.6, 16.6, 19.0, 16.3], [4.6, 4.6], [10.2, 9.3, 5.9], [20.4, 18.2, 5.6]]
EPOCH = list(itertools.chain(*BENCHMARKS))


def stream(seed):
    return np.random.SeedSequence(seed)


def rossi():
    arrests = [[int(week) for week in weeks.split()] for weeks in (NO_AID, AID)]
    days = np.concatenate([weeks + [52] * (216 - len(weeks)) for weeks in arrests])
    closed = np.concatenate([np.arange(216) < len(weeks) for weeks in arrests])
    return days, closed, np.repeat([False, True], 216)


def spell_table(days, closed=None, start="2023-01-01"):
    closed = np.ones(len(days), bool) if closed is None else closed
    return pd.DataFrame({"set_on": pd.Timestamp(start), "days": np.asarray(days, float), "closed": closed})


def test_rossis_survival_after_a_year_is_the_published_one():
    days, closed, _ = rossi()
    curve = survival.kaplan_meier(days, closed).set_index("time")
    assert curve.survival[52] == pytest.approx(0.736111, abs=5e-7)
    # KaplanMeierFitter of lifelines 0.30.3
    assert curve.loc[52, ["low", "high"]].tolist() == pytest.approx([0.6918597157964872, 0.7750631833746743], abs=1e-12)
    assert curve.loc[26, ["low", "high"]].tolist() == pytest.approx([0.8399754058428119, 0.9028037956610087], abs=1e-12)


def test_kaplan_meier_agrees_with_lifelines_on_censored_data():
    curve = survival.kaplan_meier(TREATED, RELAPSED)
    # lifelines 0.30.3, at the weeks of relapse
    assert curve.survival.tolist() == pytest.approx(
        [0.85714286, 0.80672269, 0.75294118, 0.69019608, 0.62745098, 0.53781513, 0.44817927], abs=1e-8
    )
    assert curve.low.tolist() == pytest.approx(
        [0.61971796, 0.56314656, 0.50319951, 0.43161022, 0.36751086, 0.26777894, 0.18805201], abs=1e-8
    )
    assert curve.high.tolist() == pytest.approx(
        [0.95155175, 0.92280902, 0.88936184, 0.84906596, 0.80491219, 0.74679072, 0.68014263], abs=1e-8
    )


def test_the_median_and_its_interval_agree_with_lifelines_and_statsmodels():
    # lifelines 0.30.3 (median_survival_times) and statsmodels 0.15.0 (SurvfuncRight.quantile_ci, cloglog) give both
    for days, closed, expected in ((TREATED, RELAPSED, (23, 13, math.inf)), (PLACEBO, [True] * 21, (8, 4, 11))):
        found = survival.median_time(spell_table(np.array(days) * MONTH, np.array(closed)))
        assert (found.value, found.low, found.high) == pytest.approx(expected)


def test_the_log_rank_test_agrees_with_lifelines():
    # logrank_test of lifelines 0.30.3
    found = survival.log_rank(*rossi())
    assert (found.statistic, found.p_value) == pytest.approx((3.8375695765490505, 0.050116117409005755), rel=1e-10)
    days, closed = [*TREATED, *PLACEBO], [*RELAPSED, *[True] * 21]
    trial = survival.log_rank(days, closed, np.repeat([True, False], 21))
    assert (trial.statistic, trial.p_value) == pytest.approx((16.792940989216547, 4.168809109334511e-05), rel=1e-10)


@pytest.mark.parametrize("horizon, expected", [(52, 45.85416666666665), (40, 36.5486111111111)])
def test_the_restricted_mean_agrees_with_lifelines(horizon, expected):
    # restricted_mean_survival_time of lifelines 0.30.3
    days, closed, _ = rossi()
    found = survival.restricted_mean(spell_table(days * MONTH, closed), horizon)
    assert found.value == pytest.approx(expected, rel=1e-10)


def test_epochs_thirteen_spells_have_the_published_mean_median_and_interval():
    table = spell_table(np.array(EPOCH) * MONTH)
    mean, median = survival.restricted_mean(table, 30), survival.median_time(table)
    assert (round(mean.value), round(median.value)) == (13, 15)
    # lifelines 0.30.3
    assert (median.low, median.high) == pytest.approx((5.6, 18.2))


def test_epochs_intervals_are_percentiles_of_resampled_spells_and_of_resampled_benchmarks():
    samples = np.random.default_rng(stream(13)).choice(EPOCH, (20_000, 13)).mean(axis=1)
    # Monte Carlo error of an end in 20,000 samples: 0.03
    assert np.quantile(samples, [0.025, 0.975]) == pytest.approx([9.6, 16.7], abs=0.11)
    # all 4^4 samples of four benchmarks, so without Monte Carlo error; a benchmark drawn twice counts twice
    means = [
        survival.restricted_mean(spell_table(np.concatenate(sample) * MONTH), 30).value
        for sample in itertools.product(BENCHMARKS, repeat=4)
    ]
    assert np.quantile(means, [0.025, 0.975]).round(1).tolist() == [6.9, 17.0]


def test_without_censoring_the_restricted_mean_is_students():
    sample = np.random.default_rng(stream(3)).exponential(8, 9)
    found = survival.restricted_mean(spell_table(sample * MONTH), 1000)
    low, high = stats.t.interval(0.95, 8, sample.mean(), stats.sem(sample))
    assert (found.value, found.low, found.high) == pytest.approx((sample.mean(), low, high), rel=1e-9)


@pytest.mark.parametrize("n", [3, 12])
def test_the_intervals_of_the_median_hold_it_as_often_as_they_say_even_with_few_records(n):
    rng = np.random.default_rng(stream(n))
    hits = []
    for _ in range(250):
        life, watched = rng.exponential(10, n), rng.uniform(10, 60, n)
        found = survival.median_time(spell_table(np.minimum(life, watched) * MONTH, life <= watched))
        if isinstance(found, Estimate):
            hits.append(found.low <= 10 * math.log(2) <= found.high)
    # Monte Carlo error of a share near 95% in 250 samples: 1.4 points
    assert np.mean(hits) > 0.92


def test_below_six_records_not_even_the_shortest_spell_bounds_the_median():
    assert survival.median_time(spell_table([100, 200, 300])).low == 0
    assert survival.median_time(spell_table([100, 200, 300, 400, 500, 600])).low > 0


def test_the_log_rank_test_rejects_as_often_as_it_says():
    rng = np.random.default_rng(stream(8))
    rejected = []
    for _ in range(600):
        life, watched = rng.exponential(6, 40), rng.uniform(3, 20, 40)
        found = survival.log_rank(np.minimum(life, watched), life <= watched, np.arange(40) < 20)
        rejected.append(found.p_value < 0.05)
    # Monte Carlo error of a share of 5% in 600 samples: 0.9 points
    assert 0.025 < np.mean(rejected) < 0.08


def test_a_spell_of_no_length_counts_and_a_negative_one_is_refused():
    curve = survival.kaplan_meier([0, 0, 4, 9], [True, False, True, False])
    assert curve.time.tolist() == [0, 4] and curve.survival.tolist() == [0.75, 0.375]
    with pytest.raises(ValueError, match="not negative"):
        survival.kaplan_meier([-1.0], [True])


def test_what_spells_do_not_tell_yet_is_left_unanswered():
    table = spell_table([100, 200, 300, 400], np.array([True, False, False, False]))
    assert "fewer than half" in survival.median_time(table).reason
    assert "no record set before" in survival.median_time(table, "2022-01-01").reason
    assert "watched for 24 months" in survival.restricted_mean(table, 24).reason
    assert "single record" in survival.restricted_mean(table[:1], 2).reason
    assert isinstance(survival.compared(table, "2024-01-01"), Unanswered)
    assert isinstance(survival.curves(Unanswered("no board"), "2024-01-01"), Unanswered)


def test_a_record_of_the_day_itself_is_late_and_not_early():
    table = pd.concat([spell_table([100, 200]), spell_table([300, 400], start="2024-01-01")])
    assert survival.median_time(table, "2024-01-01").n == 2
    assert survival.compared(table, "2024-01-01").sizes == (2, 2)
    curves = survival.curves(table, "2024-01-01")
    assert curves.groupby("group", sort=False).records.first().to_dict() == {
        "before 2024-01-01": 2,
        "since 2024-01-01": 2,
    }


# Rows


def test_a_cohort_rests_on_the_rows_of_its_own_records():
    table = pd.concat([spell_table([100, 200]), spell_table([300, 400], start="2024-01-01")], ignore_index=True)
    table.attrs = {"table": "records"}
    for call in (survival.median_time, lambda *cohort: survival.restricted_mean(cohort[0], 1, *cohort[1:])):
        assert rows_of(call(table, "2024-01-01")).positions()["records"].tolist() == [0, 1]
        assert rows_of(call(table)).positions()["records"].tolist() == [0, 1, 2, 3]


# Properties

SPELLS = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12)


def split(spells):
    days, closed = zip(*spells, strict=True)
    return np.array(days, float), np.array(closed)


def plain_survival(spells, day):
    """Share of spells that last beyond a day, by the product over the times at which some closed."""
    share = 1.0
    for time in sorted({length for length, closed in spells if closed and length <= day}):
        at_risk = sum(length >= time for length, _ in spells)
        share *= 1 - sum(closed and length == time for length, closed in spells) / at_risk
    return share


@given(SPELLS, st.randoms(use_true_random=False))
def test_the_curve_is_that_of_a_plain_loop_in_any_order_falls_and_holds_its_interval(spells, random):
    curve = survival.kaplan_meier(*split(spells))
    assert curve.survival.tolist() == pytest.approx([plain_survival(spells, day) for day in curve.time])
    assert (np.diff([1.0, *curve.survival]) < 0).all() and (curve.survival >= -1e-12).all()
    inside = curve.dropna()
    assert (inside.low <= inside.survival).all() and (inside.survival <= inside.high).all()
    random.shuffle(spells)
    pd.testing.assert_frame_equal(survival.kaplan_meier(*split(spells)), curve)


@given(SPELLS)
def test_without_censoring_the_curve_counts_and_a_censored_spell_adds_to_those_at_risk_until_it_ends(spells):
    days, closed = split(spells)
    plain = survival.kaplan_meier(days, np.ones(len(days), bool))
    assert plain.survival.tolist() == pytest.approx([(days > time).mean() for time in plain.time])
    before, after = (survival.kaplan_meier(days, closed), survival.kaplan_meier([*days, 5.0], [*closed, False]))
    assert after.time.tolist() == before.time.tolist() and after.events.tolist() == before.events.tolist()
    assert (after.at_risk - before.at_risk).tolist() == [int(time <= 5) for time in before.time]


@given(SPELLS, st.integers(1, 9))
def test_the_restricted_mean_is_the_area_under_the_curve_day_by_day(spells, horizon):
    days, closed = split(spells)
    found = survival.restricted_mean(spell_table(days * MONTH, closed), horizon)
    if isinstance(found, Estimate):
        # spells end on whole months, so the curve is level between them
        area = sum(plain_survival(spells, month) for month in range(horizon))
        assert found.value == pytest.approx(area) and found.low <= found.value <= found.high <= horizon + 1e-9


@given(SPELLS)
def test_watching_longer_and_waiting_longer_shorten_no_median(spells):
    days, closed = split(spells)
    # without censoring a longer wait is one; with it, only a longer watch is sure to be
    for before, after, seen in ((days, days + 2 * ~closed, closed), (days, days + 2 * closed, closed | True)):
        one, other = (survival.median_time(spell_table(each * MONTH, seen)) for each in (before, after))
        value, more = (getattr(each, "value", math.inf) for each in (one, other))
        assert more >= value - 1e-9
        plain = list(zip(before, seen, strict=True))
        if math.isfinite(value):
            # the first time at which no more than half are left
            assert plain_survival(plain, round(value)) <= 0.5 + 1e-12
            assert value < 0.5 or plain_survival(plain, round(value) - 1) > 0.5
        else:
            assert plain_survival(plain, 9) > 0.5


@given(SPELLS, st.lists(st.booleans(), min_size=12, max_size=12))
def test_the_log_rank_test_hangs_on_the_order_of_times_and_on_no_name_of_a_group(spells, later):
    days, closed = split(spells)
    later = np.array(later[: len(days)])
    found = survival.log_rank(days, closed, later)
    swapped, stretched = survival.log_rank(days, closed, ~later), survival.log_rank(np.exp(days), closed, later)
    if isinstance(found, Unanswered):
        assert isinstance(swapped, Unanswered) and isinstance(stretched, Unanswered)
        return
    for other in (swapped, stretched):
        assert (other.statistic, other.p_value) == pytest.approx((found.statistic, found.p_value), abs=1e-9)
    assert sum(found.observed) == pytest.approx(sum(found.expected)) and found.observed[1] == (closed & later).sum()
