import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats

from helpers import adoption, data
from helpers.inference import Estimate, Unanswered
from helpers.rows import rows_of

NOTE, LATE = "2025-02-14", "2026-07-31"
CYCLES = ["202501", "202502", "202503"]


@pytest.fixture(scope="module")
def national():
    return data.load("btos_national", LATE)


@pytest.fixture(scope="module")
def old(national):
    return adoption.series(national, "old")


def made(rates, wording="old", se=0.1, start="2023-08-28", expected=None):
    days = pd.date_range(start, periods=len(rates), freq="14D")
    out = pd.DataFrame({"reference_start": days, "reference_end": days + pd.Timedelta(days=13), "use_rate": rates})
    collected = days + pd.Timedelta(days=14)
    out["cycle"] = [f"{day:%Y}{(day.day_of_year - 1) // 14 + 1:02d}" for day in collected]
    out["expected_rate"] = expected if expected is not None else out.use_rate + 2
    return adoption.series(out.assign(wording=wording, use_se=se, expected_se=se), wording)


def line(n, slope=0.5, level=-3.0, noise=None):
    odds = level + slope * np.arange(n) * 14 / 365.25 + (0 if noise is None else noise)
    return 100 * special.expit(odds)


def test_the_survey_is_what_the_bureau_published(national):
    # Bonney and others (2024): 3.7% in September 2023, 5.4% in February 2024, 5.02 on average over the first supplement
    rates = national.set_index("cycle").use_rate
    assert (rates["202319"], rates["202404"]) == (3.7, 5.4)
    first = national[adoption.in_supplement(national.cycle) & (national.wording == "old")]
    assert first.use_rate.mean() == pytest.approx(5.02, abs=0.005) and len(first) == 6
    assert adoption.as_printed(national, CYCLES).value == pytest.approx(6.5, abs=1e-12)


def test_the_second_supplement_is_the_18_percent_of_firms_that_was_printed(national):
    # NBER working paper 35141: 18% of firms, 32% weighted by employment, at the turn of 2026
    second = national[adoption.in_supplement(national.cycle) & (national.wording == "new")]
    assert round(second.use_rate.mean()) == 18
    printed = data.load("adoption_figures", "2026-11-23")
    pair = printed[printed.measure.str.contains("35141")]
    found = dict(zip(pair.measure.str.rsplit(", ").str[-1], pair.value, strict=True))
    assert found == {"firm-weighted": 18, "employment-weighted": 32}


def test_a_mean_of_cycles_carries_the_errors_of_independent_panels(national):
    found = adoption.mean_rate(national, CYCLES)
    half = stats.norm.ppf(0.975) * np.sqrt(0.19**2 + 0.18**2 + 0.19**2) / 3
    assert found.value == pytest.approx(6.5) and found.high - found.value == pytest.approx(half, rel=1e-9)
    same = adoption.mean_rate(national.assign(use_se=0.2), CYCLES, "precision")
    assert same.value == pytest.approx(6.5)
    with pytest.raises(ValueError, match="beyond six"):
        adoption.mean_rate(national, [f"2024{k:02d}" for k in range(1, 8)])


def test_a_mean_of_cycles_covers_the_true_rate():
    # 500 samples: Monte Carlo error of a 95% coverage 1 point
    rng, hits = np.random.default_rng(np.random.SeedSequence(1)), 0
    for drawn in 6 + rng.normal(0, [0.1, 0.2, 0.3], (500, 3)):
        rows = pd.DataFrame({"cycle": CYCLES, "wording": "old", "use_rate": drawn, "use_se": [0.1, 0.2, 0.3]})
        found = adoption.mean_rate(rows, CYCLES)
        hits += found.low <= 6 <= found.high
    assert hits / 500 == pytest.approx(0.95, abs=0.03)


SPLICED = {
    "trend": adoption.trend,
    "break": lambda rows: adoption.trend_break(rows, NOTE),
    "drift": adoption.mean_change,
    "forecasts": adoption.forecasts,
    "diffusion": lambda rows: adoption.diffusion(rows, [50.0], "2022-11-30", "2030-01-01"),
    "mean": lambda rows: adoption.mean_rate(rows, ["202520", "202524"]),
    "strata": lambda rows: adoption.strata_means(rows, "wording", ["202520", "202524"]),
}


@pytest.mark.fault(48)
@pytest.mark.parametrize("call", SPLICED.values(), ids=SPLICED)
def test_a_splice_of_the_two_wordings_is_refused(national, old, call):
    both = pd.concat([old, adoption.series(national, "new")], ignore_index=True)
    with pytest.raises(ValueError, match="both wordings"):
        call(both)


@pytest.mark.parametrize("supplement", ["kept", "controlled", "dropped"])
def test_a_line_of_log_odds_is_found_again(supplement):
    found = adoption.trend(made(line(40)), supplement)
    assert found.value == pytest.approx(0.5, rel=1e-9)


def test_supplement_cycles_are_controlled_or_dropped():
    rows = made(line(40))
    raised = rows.assign(use_rate=100 * special.expit(adoption.logit(rows.use_rate) + 0.3 * rows.supplement))
    assert rows.supplement.sum() == 6
    for how in ("controlled", "dropped"):
        assert adoption.trend(raised, how).value == pytest.approx(0.5, rel=1e-9)
    assert adoption.trend(raised).value < 0.45
    with pytest.raises(ValueError, match="kept"):
        adoption.trend(rows, "ignored")


def test_the_error_is_statsmodels_and_only_the_critical_value_is_ours(old):
    y, t = adoption.logit(old.use_rate), adoption._years(old.middle)
    fit = sm.OLS(y, sm.add_constant(t)).fit(cov_type="HAC", cov_kwds={"maxlags": 27, "use_correction": True})
    found = adoption.trend(old)
    assert found.value == pytest.approx(fit.params[1], rel=1e-9)
    first = fit.resid[1:] @ fit.resid[:-1] / (fit.resid @ fit.resid)
    # residuals of a line are less correlated than its errors: 54 cycles, two coefficients
    rho = (54 * first + 2) / (54 - 3)
    critical = adoption.critical_value(sm.add_constant(t), 1, 27, rho)
    assert (found.high - found.value) / fit.bse[1] == pytest.approx(critical, rel=1e-6)
    assert critical > stats.norm.ppf(0.975) and rho > first


@pytest.mark.parametrize("level", [0.1, 0.05, 0.01])
def test_the_critical_value_is_students_where_errors_are_independent_and_equal(level):
    found = adoption.critical_value(np.ones((40, 1)), 0, 0, 0.0, level)
    assert found == pytest.approx(stats.t.ppf(1 - level / 2, 39), abs=1e-5)


def test_the_critical_value_is_the_quantile_of_simulated_statistics():
    # 20,000 AR(1) samples of a trend: the simulated size has a Monte Carlo error of 0.15 points
    n, rho, lags = 30, 0.5, 15
    regressors = np.column_stack([np.ones(n), np.arange(n)])
    critical = adoption.critical_value(regressors, 1, lags, rho)
    root = np.linalg.cholesky(rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))))
    errors = np.random.default_rng(np.random.SeedSequence(2)).standard_normal((20_000, n)) @ root.T
    pinv = np.linalg.pinv(regressors)
    slopes, residual = errors @ pinv[1], errors - errors @ (regressors @ pinv).T
    scores = residual * pinv[1]
    bartlett = np.clip(1 - np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (lags + 1), 0, None)
    variance = ((scores @ bartlett) * scores).sum(axis=1) * n / (n - 2)
    assert np.mean(np.abs(slopes) / np.sqrt(variance) > critical) == pytest.approx(0.05, abs=0.005)


def test_trends_keep_their_size_under_serial_correlation():
    # AR(1) of 0.5, 200 samples: Monte Carlo error 1.5 points. Runs of 500 gave 6.8% (18 cycles), 6.2% (37), 4.6% (54),
    # and 6.0% for a break; Newey-West with ceil(1.3 sqrt(n)) lags against fixed-b values of a constant gave 12 to 18%
    n, hits = 37, 0
    rng, steps = np.random.default_rng(np.random.SeedSequence(3)), np.arange(n)
    root = np.linalg.cholesky(0.5 ** np.abs(np.subtract.outer(steps, steps)))
    regressors = np.column_stack([np.ones(n), steps / 26])
    for draw in rng.standard_normal((200, n)):
        found = adoption.hac_estimate(root @ draw, regressors, 1, "x", "x")
        hits += not found.low <= 0 <= found.high
    assert 0.02 <= hits / 200 <= 0.11


def test_a_kink_is_found_with_and_without_a_jump():
    rows = made(line(54))
    t = np.clip(adoption._years(rows.middle, NOTE), 0, None)
    kinked = rows.assign(use_rate=100 * special.expit(adoption.logit(rows.use_rate) + 0.4 * t))
    for jump in (True, False):
        assert adoption.trend_break(kinked, NOTE, jump=jump).value == pytest.approx(0.4, rel=1e-8)
    jumped = kinked.assign(use_rate=100 * special.expit(adoption.logit(kinked.use_rate) + 0.2 * (t > 0)))
    assert adoption.trend_break(jumped, NOTE).value == pytest.approx(0.4, rel=1e-8)
    assert isinstance(adoption.trend_break(rows.iloc[:40], NOTE), Unanswered)


def test_every_day_with_enough_cycles_around_it_is_a_placebo():
    rows = made(line(30))
    found = adoption.placebo_breaks(rows, "2030-01-01", least=8)
    assert len(found) == 30 - 15 and found.value.abs().max() < 1e-8
    assert adoption.placebo_breaks(made(line(10)), "2030-01-01").empty
    # a day between two cycles parts them as the day after the earlier one does, and is no placebo for itself
    for gap in (1, 14):
        day = f"{rows.middle[15] + pd.Timedelta(days=gap):%Y-%m-%d}"
        own = rows.middle[15] + pd.Timedelta(days=1)
        other = adoption.placebo_breaks(rows, day, least=8)
        assert sorted(set(found.date) - set(other.date)) == [own]


def test_forecasts_of_a_line_are_right_and_no_change_is_late():
    rows = made(line(40))
    table = adoption.forecasts(rows)
    errors = adoption.forecast_errors(table).set_index(["method", "horizon"])
    assert errors.mean_absolute_error["trend", 13] == pytest.approx(0, abs=1e-9)
    assert errors.bias["no change", 13] < errors.bias["no change", 1] < 0
    flat = table[table.method == "no change"]
    assert flat.forecast.tolist() == rows.set_index("cycle").use_rate[flat.origin].tolist()
    assert set(table[table.method == "firms' own"].horizon) == {13}
    assert errors.n["trend", 13] == 40 - 11 - 13
    gap = adoption.forecast_gap(table, "trend", "no change")
    assert isinstance(gap, Estimate) and gap.value < 0
    assert isinstance(adoption.forecast_gap(table[:50], "trend", "no change"), Unanswered)


def test_what_firms_expected_is_what_the_projections_table_carries(old):
    own = adoption.forecasts(old).query('method == "firms\' own"').set_index("origin")
    table = data.load("published_projections", LATE)
    table = table[table.author.str.startswith("BTOS") & (table.wording == "old")].set_index("target_cycle")
    for origin, target in (("202417", "202504"), ("202503", "202516"), ("202507", "202520")):
        assert own.target[origin] == target
        assert own.forecast[origin] == table.value[target]


def test_a_forecast_uses_nothing_that_came_later(old):
    whole, early = adoption.forecasts(old), adoption.forecasts(old[old.published <= NOTE])
    keys = ["method", "origin", "horizon"]
    both = early.merge(whole, on=keys, suffixes=("", "_later"))
    assert len(both) == len(early) and (both.forecast == both.forecast_later).all()
    fans = [adoption.fan(rows, "202503").drop(columns="actual") for rows in (old, old[old.published <= NOTE])]
    pd.testing.assert_frame_equal(*fans)


def test_a_missing_cycle_stops_forecasts_that_count_by_cycles(old):
    with pytest.raises(ValueError, match="missing in between"):
        adoption.forecasts(old.drop(index=20))


def test_a_fan_is_as_wide_as_past_errors():
    noise = np.random.default_rng(np.random.SeedSequence(4)).normal(0, 0.05, 45)
    rows = made(line(45, noise=noise))
    drawn = adoption.fan(rows, rows.cycle.iloc[35])
    table = adoption.forecasts(rows)
    past = table[(table.method == "trend") & (table.horizon == 1) & (table.target <= rows.cycle.iloc[35])]
    gaps = adoption.logit(past.forecast) - adoption.logit(past.actual)
    half = adoption.logit(drawn.high)[0] - adoption.logit(drawn.forecast)[0]
    assert half == pytest.approx(stats.norm.ppf(0.975) * np.sqrt((gaps**2).mean()), rel=1e-9)
    assert drawn.past[0] == len(past) and drawn.actual.notna().sum() == 9
    assert isinstance(adoption.fan(rows, "209901"), Unanswered)
    assert isinstance(adoption.fan(rows, rows.cycle.iloc[12]), Unanswered)


def test_the_ceiling_of_a_finished_curve_is_found_and_that_of_a_young_one_is_not():
    noise = np.random.default_rng(np.random.SeedSequence(5)).normal(0, 0.15, 60)
    t = np.arange(60) * 14 / 365.25
    finished = made(20 * special.expit(-3 + 4 * t) + noise + 0.5)
    young = made(20 * special.expit(-3 + 0.5 * t) + noise)
    ceilings = [18, 20, 21, 23, 26, 50, 100]
    for rows, known in ((finished, True), (young, False)):
        table = adoption.diffusion(rows, ceilings, "2023-01-01", "2030-01-01").query("curve == 'logistic' and allowed")
        assert (table.ceiling.max() < 25) == known
        assert table.ceiling.min() <= 21


def test_squared_errors_of_a_curve_are_the_likelihood_of_autocorrelated_errors():
    rates = np.array([5.0, 5.4, 5.1, 5.9, 6.3])
    t, rho = np.arange(5) / 26, 0.6
    squares = (adoption._residuals([-2.0, 1.0], adoption._logistic, 20, t, rates, rho) ** 2).sum()
    spread = rho ** np.abs(np.subtract.outer(np.arange(5), np.arange(5))) / (1 - rho**2)
    error = rates - 20 * special.expit(-2 + t)
    # concentrated over the variance, the density of the errors is a function of these squares alone
    assert squares == pytest.approx(
        error @ np.linalg.solve(spread, error) * np.linalg.det(spread) ** (1 / 5), rel=1e-10
    )


def test_a_curve_of_the_wrong_shape_is_ruled_out_at_every_ceiling(old):
    # Bass' curve starts from nought at the release of ChatGPT; to October 2025 logistic curves do far better
    table = adoption.diffusion(old, [20, 35, 50, 100], "2022-11-30", "2030-01-01")
    best = table.groupby("curve").ratio.min()
    assert best.min() == best["logistic"] == 1 and best["Bass"] > table.bound[0]
    assert set(table[table.allowed].curve) == {"logistic", "Gompertz"}
    assert table.bound[0] == pytest.approx(1 + 2 * stats.f.ppf(0.95, 2, len(old) - 4) / (len(old) - 4))


def test_the_set_of_ceilings_holds_the_true_one():
    # AR(1) errors of 0.7; 10 samples only, since each takes long: a run of 60 covered in more than 86%
    rng, t, hits = np.random.default_rng(np.random.SeedSequence(8)), np.arange(50) * 14 / 365.25, 0
    root = 0.2 * np.linalg.cholesky(0.7 ** np.abs(np.subtract.outer(np.arange(50), np.arange(50))))
    for draw in rng.standard_normal((10, 50)):
        rows = made(14 * special.expit(-1.5 + 2 * t) + root @ draw)
        table = adoption.diffusion(rows, [14, 16, 20], "2023-01-01", "2030-01-01")
        hits += table.query("curve == 'logistic' and ceiling == 14").allowed.any()
    assert hits >= 8


def test_the_usual_errors_are_newey_and_wests_with_few_lags(old):
    y, t = adoption.logit(old.use_rate), adoption._years(old.middle)
    keywords = {"maxlags": 3, "use_correction": True}
    fit = sm.OLS(y, sm.add_constant(t)).fit(cov_type="HAC", cov_kwds=keywords, use_t=True)
    found, ours = adoption.trend(old, usual=True), adoption.trend(old)
    assert [found.low, found.high] == pytest.approx(fit.conf_int()[1].tolist(), rel=1e-9)
    assert found.value == ours.value and found.high < ours.high and "3 lags" in found.method
    breaks = [adoption.trend_break(old, NOTE, usual=usual) for usual in (True, False)]
    assert breaks[0].value == breaks[1].value and breaks[0].high < breaks[1].high


def test_curves_reproduce_themselves():
    t = adoption._years(made(line(40)).middle, "2022-11-30")
    for name, values in (("logistic", [-3, 0.6]), ("Gompertz", [-1.2, 0.2]), ("Bass", [np.log(0.02), np.log(0.4)])):
        rows = made(60 * adoption._CURVES[name](values, t))
        table = adoption.diffusion(rows, [30, 60, 90], "2022-11-30", "2027-01-01").query("curve == @name")
        best = table.loc[table.ratio.idxmin()]
        then = adoption._years(pd.Series([pd.Timestamp("2027-01-01")]), "2022-11-30")
        assert best.ceiling == 60
        assert best.rate_at == pytest.approx(60 * adoption._CURVES[name](values, then)[0], abs=0.01)
    assert isinstance(adoption.diffusion(rows, [1], "2022-11-30", "2027-01-01"), Unanswered)


def sectors(**rates):
    rows = [(c, s[1:], "old", r, 0.5) for s, column in rates.items() for c, r in zip("123456789", column, strict=False)]
    return pd.DataFrame(rows, columns=["cycle", "sector", "wording", "use_rate", "use_se"])


def test_a_gap_is_the_difference_of_simple_means_with_independent_errors():
    rows = sectors(_51=[20, 22], _54=[10, 12], _23=[2, 4])
    found = adoption.sector_gap(rows, ["51", "54"], ["23"], ["1", "2"])
    assert found.value == 13 and found.n == 6
    assert found.high - 13 == pytest.approx(stats.norm.ppf(0.975) * np.sqrt(0.25 / 2 * (2 / 4 + 1)))
    weighted = adoption.sector_gap(rows, ["51", "54"], ["23"], ["1", "2"], pd.Series({"51": 3, "54": 1, "23": 9}))
    assert weighted.value == pytest.approx(0.75 * 21 + 0.25 * 11 - 3)


def test_a_gap_without_all_its_sectors_is_not_answered():
    rows = sectors(_51=[20, 22], _23=[2, None])
    assert isinstance(adoption.sector_gap(rows, ["51"], ["23"], ["1", "2"]), Unanswered)
    assert isinstance(adoption.sector_gap(rows, ["51"], ["23"], []), Unanswered)
    assert isinstance(adoption.sector_gap(rows, ["51"], ["23"], ["1"], pd.Series(dtype=float)), Unanswered)


def test_the_rate_by_employees_leaves_out_what_was_not_printed_and_says_so():
    rows = sectors(_51=[20.0], _23=[2.0], _22=[None])
    found = adoption.employed_rate(rows, pd.Series({"51": 10, "23": 30, "22": 10}), ["1"])
    assert found.value == pytest.approx(6.5) and "80%" in found.method
    assert isinstance(adoption.employed_rate(rows, pd.Series(dtype=float), ["1"]), Unanswered)


def test_slopes_compare_ends_that_do_not_overlap():
    table = adoption.slopes(sectors(_51=[1, 2, 3, 4, 5, 6], _23=[1, None, None, 1, 1, 1]), "old", 3)
    assert table.sector.tolist() == ["51"]
    assert (table.start[0], table.end[0]) == (2, 5) and table.attrs["start"] == ("1", "3")
    assert isinstance(adoption.slopes(sectors(_51=[1, 2, 3, 4]), "old", 3), Unanswered)


def test_the_newest_rate_says_its_wording(national):
    late, last = adoption.newest_rate(national), adoption.newest_rate(national, ("old",))
    assert "new wording" in late.method and "202520, old wording" in last.method
    assert late.low > 16 > last.high
    assert isinstance(adoption.newest_rate(national[:0]), Unanswered)


def test_mentions_change_from_the_first_to_the_last_first_print():
    mentions = data.load("earnings_mentions", NOTE)
    found = adoption.yearly_change(mentions, "2023Q1", "2024Q4")
    assert found.value == (210 - 110) / 1.25 and found.is_exact and found.n == 5
    # 2023Q1 was restated to 117; the later printing of a quarter counts
    restated = adoption.yearly_change(mentions, "2023Q1", "2024Q4", ("first print", "restated"))
    assert restated.value == (210 - 117) / 1.25
    fitted = adoption.yearly_change(mentions, "2023Q1", "2024Q4", how="slope")
    expected = np.polyfit([2023, 2023.25, 2023.75, 2024, 2024.25], [110, 177, 179, 199, 210], 1)[0]
    assert fitted.value == pytest.approx(expected)
    assert isinstance(adoption.yearly_change(mentions[:0], "2023Q1", "2024Q4"), Unanswered)


@pytest.mark.parametrize("as_of", ["2022-12-30", "2024-10-31", NOTE, "2025-06-30", "2025-12-31"])
def test_rows_published_later_change_nothing(national, as_of):
    known = data.load("btos_national", as_of)
    cut = national[national.published <= as_of]
    for call in (adoption.trend, adoption.mean_change, lambda rows: adoption.trend_break(rows, NOTE)):
        assert call(adoption.series(known, "old")) == call(adoption.series(cut, "old"))
    assert adoption.newest_rate(known) == adoption.newest_rate(cut)


def test_questions_asked_too_early_are_not_answered():
    none = data.load("btos_national", "2022-12-30")
    rows = adoption.series(none, "old")
    answers = [adoption.mean_rate(none, CYCLES), adoption.trend(rows), adoption.mean_change(rows)]
    answers += [adoption.trend_break(rows, NOTE), adoption.diffusion(rows, [50], "2022-11-30", "2030-01-01")]
    answers += [adoption.as_printed(none, CYCLES), adoption.fan(rows, "202503")]
    assert all(isinstance(answer, Unanswered) for answer in answers)
    assert adoption.forecasts(rows).empty and adoption.forecast_errors(adoption.forecasts(rows)).empty


def cut(table="btos_national", start=4, **columns):
    """A few rows of a table with the positions that they have in it."""
    rows = pd.DataFrame(columns)
    rows.index += start
    rows.attrs["table"] = table
    return rows


def positions(*estimates):
    return [{table: rows.tolist() for table, rows in rows_of(one).positions().items()} for one in estimates]


def test_a_mean_of_cycles_lists_the_cycles_averaged_and_no_others():
    rows = cut(cycle=[*CYCLES, "202504"], wording="old", use_rate=[6.0, 7.0, np.nan, 8.0], use_se=0.2)
    rows = rows.assign(reference_start=pd.date_range("2025-01-01", periods=4, freq="14D"))
    rows = rows.assign(reference_end=rows.reference_start)
    found = [adoption.mean_rate(rows, CYCLES[:2]), adoption.as_printed(rows, CYCLES[:1])]
    found += [adoption.newest_rate(rows), adoption.newest_rate(rows, count=3)]
    assert positions(*found) == [{"btos_national": places} for places in ([4, 5], [4], [7], [4, 5, 7])]
    assert positions(adoption.newest_rate(rows.iloc[:2])) == [{"btos_national": [5]}]


def test_a_gap_lists_its_cells_and_the_employees_of_its_sectors_alone():
    sectors = ["51", "52", "23", "72"]
    rows = cut(
        "btos_sectors", cycle="202501", sector=sectors, wording="old", use_rate=[20.0, 12.0, 4.0, 5.0], use_se=1.0
    )
    measures = cut("sector_measures", 9, sector=sectors, measure="employment", value=[3.0, 1.0, 5.0, 7.0])
    employment = adoption.sector_measure(measures, "employment")
    found = [adoption.sector_gap(rows, high, ["23"], ["202501"]) for high in (["51", "52"], ["51"])]
    found.append(adoption.sector_gap(rows, ["51"], ["72"], ["202501"], employment))
    assert positions(*found) == [
        {"btos_sectors": [4, 5, 6]},
        {"btos_sectors": [4, 6]},
        {"btos_sectors": [4, 7], "sector_measures": [9, 12]},
    ]
    # the share of employees covered rests on all of them, the rate on the sectors printed
    covered = adoption.employed_rate(rows.iloc[:2], employment, ["202501"])
    assert positions(covered) == [{"btos_sectors": [4, 5], "sector_measures": [9, 10, 11, 12]}]


def test_a_trend_and_a_break_list_the_cycles_that_entered(old):
    answers = {
        "all": adoption.trend(old),
        "newest": adoption.trend(old, last=20),
        "no supplement": adoption.trend(old, "dropped"),
        "near": adoption.trend_break(old, NOTE, within=1),
        "drift": adoption.mean_change(old),
    }
    listed = {name: rows["btos_national"] for name, rows in zip(answers, positions(*answers.values()), strict=True)}
    assert listed["all"] == listed["drift"] == sorted(old.index)
    assert listed["newest"] == sorted(old.index[-20:])
    assert listed["no supplement"] == sorted(old.index[~old.supplement])
    assert len(listed["near"]) == answers["near"].n < len(old)


def test_calls_list_one_printing_a_quarter_of_the_span():
    rows = cut(
        "earnings_mentions",
        0,
        quarter=["2022Q4", "2023Q1", "2023Q1", "2023Q2", "2023Q3"],
        series=["firms citing AI"] * 4 + ["mentions"],
        vintage=["first print", "first print", "restated", "first print", "first print"],
        value=[10, 20, 22, 30, 40],
    )
    printings = ("first print", "restated")
    found = [
        adoption.yearly_change(rows, "2023Q1", "2024Q4"),
        adoption.yearly_change(rows, "2023Q1", "2024Q4", printings),
    ]
    assert positions(*found) == [{"earnings_mentions": [1, 3]}, {"earnings_mentions": [2, 3]}]


def test_a_survey_lists_the_periods_that_were_compared():
    days = pd.to_datetime(["2024-01-01", "2022-01-01", "2023-01-01"])
    periods = {
        "period_start": days,
        "period_end": days,
        "value": [30.0, 10.0, 20.0],
        "standard_error": [np.nan, 1.0, 1.0],
    }
    rows = adoption.survey(cut("adoption_figures", measure="m", entity="e", unit="percent", **periods))
    found = [adoption.survey_rate(rows), adoption.survey_rate(rows, 0), adoption.survey_change(rows)]
    found.append(adoption.survey_change(rows.iloc[:-1]))
    assert positions(*found) == [{"adoption_figures": places} for places in ([4], [5], [4, 5], [5, 6])]


def test_the_table_by_size_has_a_row_a_class_and_span_the_smallest_firms_first():
    rows = cut("btos_sizes", cycle=["a", "b"] * 2, wording="old", size_class=["250+", "250+", "1-4", "1-4"], use_se=0.3)
    rows = rows.assign(use_rate=[10.0, 20.0, 2.0, 4.0])
    table = adoption.size_table(rows, [["a", "b"], ["b"], ["b"]])
    assert table.employees.tolist() == ["1-4", "1-4", "250+", "250+"]
    assert table.cycles.tolist() == ["a to b", "b to b"] * 2 and table.use_rate.tolist() == [3, 4, 15, 20]
    assert adoption.size_table(rows, [["c"]]).empty
    assert positions(table) == [{"btos_sizes": [4, 5, 6, 7]}]
