import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from helpers import concentration, data, returns
from helpers.inference import NOT_CHECKABLE, Estimate, Unanswered
from helpers.returns import Portfolio

SEVEN = ["AAPL", "AMZN", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]
LATE, NOTE = "2026-07-31", "2025-02-14"
YEAR = ("2023-12-29", "2024-12-31")
DAYS = pd.to_datetime(["2025-01-02", "2025-01-03", "2025-01-06", "2025-01-07"])


@pytest.fixture(scope="module")
def weights():
    return data.load("index_weights", LATE)


@pytest.fixture(scope="module")
def firms(weights):
    return concentration.snapshots(weights)


@pytest.fixture(scope="module")
def levels():
    return returns.wide(data.load("return_indices", LATE))


def drawn(seed, n=40):
    return np.random.default_rng(np.random.SeedSequence(seed)).lognormal(0, 1.5, n)


def holdings(day="2025-01-02", fund="SPY", **percent):
    rows = [(pd.Timestamp(day), fund, ticker, weight) for ticker, weight in percent.items()]
    return pd.DataFrame(rows, columns=["date", "fund", "ticker", "weight_percent"])


def paths(**levels):
    return pd.DataFrame(levels, index=DAYS[: len(next(iter(levels.values())))], dtype=float)


@pytest.mark.parametrize("published, number", [(123, 81.3), (159, 62.9), (184, 54.3)])
def test_the_published_herfindahl_indices_are_the_published_effective_numbers(published, number):
    # weights with that very index: one firm of share x beside so many small ones that they add next to nothing
    large = math.sqrt(published / 10_000)
    weights = [large, *np.full(1_000_000, (1 - large) / 1_000_000)]
    assert concentration.herfindahl(weights) == pytest.approx(published, abs=0.01)
    assert concentration.effective_number(weights) == pytest.approx(number, abs=0.05)


def test_the_index_of_may_2024_is_that_of_s_and_p_by_firm_and_not_by_line(weights, firms):
    # S&P printed 184 for May; the snapshot is of the 10th, and float factors differ a little between fund and index
    by_line = concentration.snapshots(weights, "line").loc["2024-05-10"]
    assert concentration.herfindahl(firms.loc["2024-05-10"]) == pytest.approx(184, abs=4)
    assert concentration.herfindahl(by_line) < 184 - 10


def test_bridgeways_46_at_the_end_of_2024_is_met_once_the_seven_are_carried_there(firms, levels):
    snapshot = firms.loc["2024-12-06"].dropna()
    assert concentration.effective_number(snapshot) == pytest.approx(46, abs=2.1)
    grown = levels.loc["2024-12-31"] / levels.loc["2024-12-06"]
    moved = snapshot.copy()
    moved[SEVEN] *= grown[SEVEN] / grown["SPY"]
    others = moved.index.difference(SEVEN)
    moved[others] *= (snapshot.sum() - moved[SEVEN].sum()) / snapshot[others].sum()
    assert concentration.effective_number(moved) == pytest.approx(46, abs=0.7)


@pytest.mark.parametrize("seed", range(5))
def test_hill_numbers_agree_with_scipy_and_with_their_limits(seed):
    weights = drawn(seed)
    assert concentration.hill_number(weights, 1) == pytest.approx(math.exp(stats.entropy(weights)), rel=1e-12)
    assert concentration.hill_number(weights, 1 + 1e-7) == pytest.approx(
        concentration.hill_number(weights, 1), rel=1e-5
    )
    assert concentration.hill_number(weights, 500) == pytest.approx(
        concentration.hill_number(weights, math.inf), rel=0.01
    )
    assert concentration.hill_number(weights, 2) == pytest.approx(concentration.effective_number(weights), rel=1e-12)
    assert concentration.hill_number(weights, 0) == pytest.approx(len(weights), rel=1e-12)
    family = [concentration.hill_number(weights, order) for order in (0, 0.5, 1, 2, 5, math.inf)]
    assert family == sorted(family, reverse=True)


def test_equal_firms_count_as_many_as_they_are_by_every_order():
    for order in (0, 1, 2, 3.5, math.inf):
        assert concentration.hill_number(np.full(7, 3.0), order) == pytest.approx(7)


@pytest.mark.parametrize("seed", range(5))
def test_gini_is_half_the_mean_difference_over_the_mean(seed):
    weights = drawn(seed)
    difference = np.abs(weights[:, None] - weights[None]).mean()
    assert concentration.gini(weights) == pytest.approx(difference / (2 * weights.mean()), rel=1e-12)


MEASURES = {
    "top share": lambda weights: concentration.top_share(weights, 5),
    "herfindahl": concentration.herfindahl,
    "entropy": lambda weights: concentration.hill_number(weights, 1),
    "gini": concentration.gini,
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_neither_order_nor_unit_nor_empty_lines_matter(measure):
    weights = drawn(1)
    expected = measure(weights)
    assert measure(weights[::-1]) == pytest.approx(expected, rel=1e-12)
    assert measure(100 * weights) == pytest.approx(expected, rel=1e-12)
    assert measure([*weights, 0.0, np.nan]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
@pytest.mark.parametrize("weights", [[], [np.nan, 0.0], [0.6, -0.1], [np.inf, 1.0]], ids=str)
def test_what_are_no_weights_is_refused(measure, weights):
    with pytest.raises(ValueError, match="finite, not negative"):
        measure(weights)


def test_splitting_a_firm_into_share_classes_changes_nothing_under_the_firm_rule():
    whole = holdings(GOOGL=20.0, AAPL=50.0, FOXA=10.0, KO=20.0)
    split = holdings(GOOGL=12.0, GOOG=8.0, AAPL=50.0, FOXA=9.0, FOX=1.0, KO=20.0)
    one, two = (concentration.measures(concentration.snapshots(rows)) for rows in (whole, split))
    pd.testing.assert_frame_equal(one, two, rtol=1e-12)
    by_line = concentration.measures(concentration.snapshots(split, "line"))
    assert by_line.effective_number[0] > two.effective_number[0]
    assert by_line.holders[0] == two.holders[0] + 2


def test_the_share_of_the_largest_is_not_that_of_the_smallest():
    assert concentration.top_share([1, 5, 2, 2], 2) == pytest.approx(70)


def test_holders_are_counted_whole(weights, firms):
    # 2602335D is a holding of no weight
    held = weights[weights.weight_percent > 0].ticker.replace(concentration.SHARE_CLASSES)
    expected = held.groupby(weights.date).nunique()
    assert concentration.measures(firms).set_index("date").holders.to_dict() == expected.to_dict()


def test_every_second_share_class_in_the_data_stands_with_its_first(weights):
    for day, rows in weights.groupby("date"):
        held = set(rows.ticker)
        assert all(concentration.SHARE_CLASSES[name] in held for name in held & set(concentration.SHARE_CLASSES)), day


def test_a_day_with_two_funds_and_an_unknown_rule_are_refused():
    with pytest.raises(ValueError, match="two funds"):
        concentration.snapshots(pd.concat([holdings(A=1.0), holdings(fund="IVV", A=1.0)]))
    with pytest.raises(ValueError, match="'firm' or 'line'"):
        concentration.snapshots(holdings(A=1.0), "class")


def test_shares_from_the_holdings_are_those_gathered_independently(firms):
    gathered = data.load("magnificent_7_shares", LATE).query("method == 'official_weights'").set_index("date")
    own = concentration.shares(firms, SEVEN)
    both = own.index.intersection(gathered.index)
    assert len(both) == len(own)
    np.testing.assert_allclose(own[both], gathered.share_percent[both], atol=0.001)


def test_leaving_the_cash_out_raises_a_share_by_the_cash():
    table = concentration.snapshots(holdings(A=30.0, B=66.0))
    assert concentration.shares(table, ["A"]).item() == 30
    assert concentration.shares(table, ["A"], rescaled=True).item() == pytest.approx(31.25)
    assert concentration.shares(table, ["A", "not held"]).item() == 30


def test_a_share_is_carried_by_the_return_relative_to_the_index():
    table = concentration.snapshots(pd.concat([holdings(A=30.0), holdings("2025-01-07", A=35.0)]))
    path = paths(A=[100, 110, 110, 50], S=[100, 100, 110, 110])
    carried = concentration.carried_shares(table, path, ["A"], "S")
    assert carried.tolist() == pytest.approx([30, 33, 30, 35])


def test_a_carried_share_meets_the_next_snapshot_nearly(firms, levels):
    official = concentration.shares(firms, SEVEN)
    days = official.index[official.index > levels.index[0]]
    misses = {
        day: concentration.carried_shares(firms.loc[:before], levels, SEVEN, "SPY")[day] - official[day]
        for before, day in itertools.pairwise(days)
    }
    doubtful = pd.to_datetime(["2023-09-20", "2023-11-29"])  # to and from the file whose day is inferred
    rest = pd.Series(misses).drop(doubtful).abs()
    assert rest.max() < 0.2 and rest.median() < 0.06
    assert (pd.Series(misses)[doubtful].abs() > 0.4).all()


@pytest.mark.parametrize("seed", range(5))
def test_linked_contributions_add_up_to_the_compounded_return(seed):
    parts = np.random.default_rng(np.random.SeedSequence(seed)).normal(0.005, 0.04, (6, 4))
    totals = parts.sum(axis=1)
    linked = concentration.carino(parts, totals)
    whole = np.prod(1 + totals) - 1
    assert linked.sum() == pytest.approx(whole, abs=1e-14)
    # the same, written as a loop over logarithms
    logs = [sum(parts[t, i] * math.log(1 + totals[t]) / totals[t] for t in range(6)) for i in range(4)]
    np.testing.assert_allclose(linked, [one * whole / math.log(1 + whole) for one in logs], rtol=1e-12)


def test_one_period_needs_no_linking_and_a_flat_one_adds_nothing():
    assert concentration.carino([[0.02, -0.01]], [0.01]).tolist() == pytest.approx([0.02, -0.01])
    assert concentration.carino([[0.1, -0.1], [0.05, -0.05]], [0.0, 0.0]).tolist() == pytest.approx([0.15, -0.15])
    with pytest.raises(ValueError, match="add up"):
        concentration.carino([[0.02, -0.01]], [0.02])


def test_contributions_of_the_year_add_up_to_the_return_of_the_index(firms, levels):
    for relink in (True, False):
        parts = concentration.contributions(firms, levels, SEVEN, "SPY", *YEAR, relink)
        whole = 100 * (levels.SPY[YEAR[1]] / levels.SPY[YEAR[0]] - 1)
        assert parts.contribution_points.sum() == pytest.approx(whole, rel=1e-12)
        assert parts.weight_percent.sum() == pytest.approx(100)


def test_the_rows_that_contributions_rest_on_give_them_again_and_each_is_needed(weights, levels, firms):
    indices = data.load("return_indices", LATE)
    for start in (YEAR[0], "2023-12-31"):  # the second no trading day
        parts = concentration.contributions(firms, levels, SEVEN, "SPY", start, YEAR[1])
        positions = concentration.gains_share(parts).rows().positions()
        held, closes = weights.loc[positions["index_weights"]], indices.loc[positions["return_indices"]]
        again = [concentration.snapshots(held), returns.wide(closes), SEVEN, "SPY", start, YEAR[1]]
        pd.testing.assert_frame_equal(concentration.contributions(*again), parts)
        assert len(held) == 8 * len(parts.attrs["snapshots"]) and len(closes) == 8 * closes.date.nunique()
        for day in closes.date.unique():
            again[1] = returns.wide(closes[closes.date != day])
            less = concentration.contributions(*again)
            assert isinstance(less, Unanswered) or not less.equals(parts)


def cut(rows, table):
    """Rows as though loaded, so that what is made of them lists them."""
    rows = rows.reset_index(drop=True)
    rows.attrs = {"table": table}
    return rows


def test_a_share_lists_the_holdings_of_its_firms_in_its_snapshot():
    two = [holdings(A=30.0, B=40.0, GOOGL=5.0, GOOG=4.0), holdings("2025-01-07", A=35.0, B=41.0)]
    table = concentration.snapshots(cut(pd.concat(two), "index_weights"))
    places = {True: [0, 1, 2, 3], False: [0, 2, 3]}
    for rescaled, expected in places.items():
        share = concentration.shares(table, ["A", "GOOGL"], rescaled)
        level = concentration.level(share, "2025-01-01", "2025-01-03", LATE, "a share")
        assert level.rows().positions()["index_weights"].tolist() == expected
    last = concentration.level(share, "2025-01-03", "2025-01-31", LATE, "a share")
    assert last.rows().positions()["index_weights"].tolist() == [4]
    change = concentration.change(share, "2025-01-02", "a share")
    assert change.rows().positions()["index_weights"].tolist() == [0, 2, 3, 4]
    mean = concentration.level(share, "2025-01-01", "2025-01-31", LATE, "a share", "mean")
    assert mean.rows().positions()["index_weights"].tolist() == [0, 2, 3, 4]
    newest = concentration.newest_effective_number(table)
    assert newest.rows().positions()["index_weights"].tolist() == [4, 5] and newest.n == 2
    top = concentration.change(concentration.top_shares(table, 1), "2025-01-02", "largest")
    assert top.rows().positions()["index_weights"].tolist() == [0, 1, 2, 3, 4, 5]
    assert top.value == pytest.approx(100 * 41 / 76 - 100 * 40 / 79)


def test_a_carried_share_lists_its_day_and_the_day_of_its_snapshot():
    two = [holdings("2025-01-02", A=30.0, B=9.0), holdings("2025-01-07", A=35.0, B=9.0)]
    table = concentration.snapshots(cut(pd.concat(two), "index_weights"))
    long = paths(A=[100, 110, 110, 50], S=[100, 100, 110, 110]).rename_axis("date").stack().rename_axis(
        ["date", "security"]).rename("total_return_index").reset_index()  # fmt: skip
    carried = concentration.carried_shares(table, returns.wide(cut(long, "return_indices")), ["A"], "S")
    found = concentration.level(carried, "2025-01-03", "2025-01-06", LATE, "a share").rows().positions()
    # the holding of A, and A and S on the first and the third day
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "index_weights": [0],
        "return_indices": [0, 1, 4, 5],
    }


def test_published_shares_keep_the_later_of_one_trading_day_and_its_row():
    days = pd.to_datetime(["2025-01-03", "2025-01-04", "2025-01-07"])
    printed = cut(pd.DataFrame({"date": days, "method": "press", "share_percent": [30.0, 31.0, 32.0]}), "printed")
    shares = concentration.published_shares(printed, DAYS)["press"]
    assert shares.to_dict() == {DAYS[1]: 31.0, DAYS[3]: 32.0}
    level = concentration.level(shares, "2025-01-01", "2025-01-06", LATE, "press")
    assert level.rows().positions()["printed"].tolist() == [1]


def test_no_snapshot_has_no_effective_number(firms):
    assert isinstance(concentration.newest_effective_number(firms.iloc[:0]), Unanswered)


def test_contributions_agree_with_a_plain_loop_and_ignore_the_order_of_firms(firms, levels):
    parts = concentration.contributions(firms, levels, SEVEN, "SPY", *YEAR).set_index("firm").contribution_points
    days = ["2023-12-20", "2024-03-19", "2024-05-10", "2024-12-06"]
    cuts = [YEAR[0], *days[1:], YEAR[1]]
    whole = levels.SPY[YEAR[1]] / levels.SPY[YEAR[0]]
    for firm in SEVEN:
        linked = 0.0
        for day, left, right in zip(days, cuts[:-1], cuts[1:], strict=True):
            weight = firms.at[pd.Timestamp(day), firm] * (levels.at[pd.Timestamp(left), firm] / levels[firm][day])
            weight /= levels.SPY[left] / levels.SPY[day]
            market = levels.SPY[right] / levels.SPY[left]
            linked += weight * (levels[firm][right] / levels[firm][left] - 1) * math.log(market) / (market - 1)
        assert parts[firm] == pytest.approx(linked * (whole - 1) / math.log(whole), rel=1e-10)
    turned = concentration.contributions(firms, levels, SEVEN[::-1], "SPY", *YEAR).set_index("firm")
    pd.testing.assert_series_equal(turned.contribution_points[parts.index], parts, rtol=1e-12)


def test_bought_and_held_a_contribution_is_weight_times_return():
    table = concentration.snapshots(pd.concat([holdings(A=40.0), holdings("2025-01-06", A=90.0)]))
    path = paths(A=[100, 120, 110, 130], S=[100, 105, 110, 120])
    parts = concentration.contributions(table, path, ["A"], "S", "2025-01-02", "2025-01-07", relink=False)
    assert parts.contribution_points.tolist() == pytest.approx([12, 8])
    assert concentration.gains_share(parts).value == pytest.approx(60)
    assert parts.attrs["snapshots"] == ["2025-01-02"]


def test_an_end_that_is_no_trading_day_is_the_last_one_before():
    table, path = concentration.snapshots(holdings(A=40.0)), paths(A=[100, 120, 110, 130], S=[100, 105, 110, 120])
    saturday = concentration.contributions(table, path, ["A"], "S", "2025-01-02", "2025-01-04")
    friday = concentration.contributions(table, path, ["A"], "S", "2025-01-02", "2025-01-03")
    pd.testing.assert_frame_equal(saturday, friday)


def test_what_cannot_be_asked_is_not_answered(firms, levels):
    ask = concentration.contributions
    assert "not over" in ask(firms, levels, SEVEN, "SPY", "2026-01-02", "2026-12-31").reason
    assert "not begun" in ask(firms, levels, SEVEN, "SPY", "2024-12-31", "2024-10-31").reason
    assert ask(firms, levels, SEVEN, "SPY", "2022-12-30", "2023-12-29").verdict == NOT_CHECKABLE
    assert isinstance(ask(firms, levels.iloc[:0], SEVEN, "SPY", *YEAR), Unanswered)
    falling = ask(
        concentration.snapshots(holdings(A=40.0)), paths(A=[9, 8], S=[9, 8]), ["A"], "S", *DAYS[:2].astype(str)
    )
    assert concentration.gains_share(falling).verdict == NOT_CHECKABLE
    assert concentration.carried_shares(firms, levels.iloc[:0], SEVEN, "SPY").empty


def test_rows_known_later_change_no_contribution():
    tables = [
        (concentration.snapshots(data.load("index_weights", day)), returns.wide(data.load("return_indices", day)))
        for day in (NOTE, LATE)
    ]
    early, late = (concentration.contributions(*pair, SEVEN, "SPY", *YEAR) for pair in tables)
    pd.testing.assert_frame_equal(early, late, rtol=1e-12)


def test_shares_of_the_return_are_those_that_s_and_p_printed(firms, levels):
    figures, names = data.load("published_market_figures", LATE), dict(zip(SEVEN, SEVEN, strict=True))
    names |= {"AAPL": "Apple", "AMZN": "Amazon", "META": "Meta", "NVDA": "Nvidia"}
    beside = concentration.against_published(figures, firms, levels, names, "Magnificent 7", "SPY")
    theirs = beside[beside.source.str.contains("S&P DJI|First Trust")].set_index(["subject", "period_end"])
    assert len(theirs) == 6
    # theirs use daily float weights, ours a few snapshots: a point at most
    assert (theirs.printed_percent - theirs.ours_percent).abs().max() < 1
    seven = beside[(beside.subject == "Magnificent 7") & (beside.period_end == "2024-12-31")]
    assert (seven.ours_percent > 50).all()
    assert beside[beside.period_start == "2022-12-31"].ours_percent.isna().all()


def by_permutations(before, after, players):
    """Mean change by each player's move over all orders, one order after the other."""
    names = sorted({*before.index, *after.index})
    old = before.reindex(names, fill_value=0) / before.sum()
    new = after.reindex(names, fill_value=0) / after.sum()
    groups = [[player] for player in players] + [[name for name in names if name not in players]]
    parts = np.zeros(len(groups))
    orders = list(itertools.permutations(range(len(groups))))
    for order in orders:
        state = old.copy()
        for k in order:
            held = concentration.herfindahl(state)
            state[groups[k]] = new[groups[k]]
            parts[k] += concentration.herfindahl(state) - held
    return parts / len(orders)


def test_shapley_parts_are_the_mean_over_all_orders_and_add_up_to_the_change():
    names = list("ABCDEFGH")
    before, after = (pd.Series(drawn(seed, 8), index=names) for seed in (1, 2))
    after = after.drop("H")  # one leaves
    players = names[:4]
    parts = concentration.shapley(before, after, players)
    np.testing.assert_allclose(parts, by_permutations(before, after, players), rtol=1e-9)
    assert parts.sum() == pytest.approx(concentration.herfindahl(after) - concentration.herfindahl(before), rel=1e-12)
    turned = concentration.shapley(before[::-1], 7 * after, players[::-1])
    pd.testing.assert_series_equal(turned[parts.index], parts, rtol=1e-9)


def test_a_firm_that_kept_pace_has_no_part_and_twins_have_the_same():
    before = pd.Series({"A": 20.0, "B": 20.0, "C": 10.0, "D": 50.0})
    after = pd.Series({"A": 25.0, "B": 25.0, "C": 10.0, "D": 40.0})
    parts = concentration.shapley(before, after, ["A", "B", "C"])
    assert parts["C"] == pytest.approx(0, abs=1e-12)
    assert parts["A"] == pytest.approx(parts["B"])
    with pytest.raises(ValueError, match="too many"):
        concentration.shapley(before, after, list("ABCDEFGHIJKLM"))


def test_the_table_of_shapley_parts_adds_up_to_the_measured_changes(firms):
    days = ["2023-12-29", "2025-02-07", "2025-02-08", LATE]
    table = concentration.shapley_table(firms, days, SEVEN, {"AAPL": "Apple"}).set_index("firm")
    index = concentration.measures(firms).set_index("date").herfindahl
    assert list(table) == ["2023-12-20 to 2025-02-07", "2025-02-07 to 2026-04-10"]
    assert table.loc["S&P 500"].iloc[1] == pytest.approx(index["2026-04-10"] - index["2025-02-07"], rel=1e-9)
    assert "Apple" in table.index
    assert concentration.shapley_table(firms, ["2022-12-30", "2022-12-31"], SEVEN, {}).empty


def test_the_last_level_of_a_year_waits_for_its_end_and_begins_after_its_start():
    series = pd.Series([10.0, 20.0, 40.0], index=pd.to_datetime(["2023-12-29", "2024-05-01", "2024-12-06"]))
    assert isinstance(concentration.level(series, *YEAR, "2024-12-30", "share"), Unanswered)
    assert concentration.level(series, *YEAR, "2024-12-31", "share").value == 40
    mean = concentration.level(series, *YEAR, "2025-06-01", "share", "mean")
    assert (mean.value, mean.n) == (30, 2)
    assert isinstance(concentration.level(series.iloc[:1], *YEAR, "2025-01-01", "share"), Unanswered)
    with pytest.raises(ValueError, match="'last' or the 'mean'"):
        concentration.level(series, *YEAR, "2025-01-01", "share", "first")


def test_a_change_needs_a_later_observation():
    series = pd.Series([30.0, 32.0, 31.5], index=pd.to_datetime(["2024-12-06", "2025-02-07", "2025-09-05"]))
    assert concentration.change(series, "2025-02-07", "share").value == pytest.approx(-0.5)
    assert isinstance(concentration.change(series.iloc[:2], "2025-02-07", "share"), Unanswered)
    assert isinstance(concentration.change(series.iloc[2:], "2025-02-07", "share"), Unanswered)


def test_a_gap_is_taken_on_the_same_day_or_not_at_all():
    carried = pd.Series([30.0, 31.0], index=DAYS[:2])
    days = pd.to_datetime(["2025-01-04", "2025-01-02", "2024-12-31", "2025-01-09"])
    others = pd.DataFrame({"date": days, "method": "m", "share_percent": [33.0, 29.0, 1.0, 1.0]})
    found = concentration.gaps(others, carried)
    assert found.gap_points.tolist()[:2] == pytest.approx([2, -1])
    assert found.gap_points.isna().tolist() == [False, False, True, True]
    assert concentration.gaps(others, carried.iloc[:0]).gap_points.isna().all()


def test_full_caps_are_carried_and_never_taken_from_a_later_day():
    path = paths(A=[100, 110, 110, 50])
    rows = [("A", "2025-01-02", 10.0), ("A", "2025-01-07", 1.0), ("S", "2025-01-05", 44.0), ("S", "2025-01-01", 40.0)]
    caps = pd.DataFrame(rows, columns=["security", "date", "market_cap_usd"])
    table = concentration.full_cap_snapshots(caps.assign(date=pd.to_datetime(caps.date)), path, ["A"], "S")
    # the fifth is a Sunday: the third's close; the first lies before all prices
    assert table.index.tolist() == [DAYS[1]] and table.A.item() == pytest.approx(25)
    assert concentration.full_cap_snapshots(caps.iloc[:0], path, ["A"], "S").empty


def test_nvidias_cap_after_the_shock_weighs_nothing_at_the_end_of_2024(levels):
    caps = data.load("market_caps", LATE)
    without = caps[~((caps.security == "NVDA") & (caps.date == "2025-01-27"))]
    tables = [concentration.full_cap_snapshots(rows, levels, SEVEN, "S&P 500") for rows in (caps, without)]
    assert tables[0].NVDA["2024-12-31"] == tables[1].NVDA["2024-12-31"]


def test_weights_serve_as_caps():
    table = concentration.snapshots(holdings(A=30.0, B=10.0))
    path = paths(A=[100, 110], B=[100, 90])
    portfolio = Portfolio("AB", ["A", "B"], "market cap")
    weights = returns.start_weights(path, concentration.as_caps(table), portfolio, "2025-01-02")
    assert weights.to_dict() == {"A": 0.75, "B": 0.25}


def test_a_portfolio_bought_for_100_ends_at_its_holding_period_return(levels):
    indices, caps = data.load("return_indices", NOTE), data.load("market_caps", NOTE)
    seven = Portfolio("Magnificent 7", SEVEN, "market cap")
    start, end = "2025-01-24", NOTE
    bought = {"seven": returns.start_weights(levels, caps, seven, start), "none": Unanswered("no caps")}
    table = concentration.rebased(returns.wide(indices), bought, start)
    found = returns.holding_period_return(indices, caps, seven, start, end)
    assert table.value.iloc[0] == pytest.approx(100)
    assert table.value.iloc[-1] == pytest.approx(100 + found.value, rel=1e-12)
    assert set(table.portfolio) == {"seven"}
    assert isinstance(concentration.rebased(returns.wide(indices), bought, end), Unanswered)
    assert isinstance(concentration.rebased(levels, {"none": Unanswered("no caps")}, start), Unanswered)


def test_usual_moves_count_the_periods_before_and_no_later_one():
    days = pd.bdate_range("2025-01-01", periods=7)
    path = pd.DataFrame({"A": [100, 110, 100, 120, 130, 65, 200.0]}, index=days)
    start, end = (f"{day:%Y-%m-%d}" for day in days[[4, 5]])
    # one-day moves up to the start: +10, -9.1, +20, +8.3
    found = concentration.usual_moves(path, "A", start, end, 9)
    assert isinstance(found, Estimate) and (found.value, found.n) == (50, 4)
    assert concentration.usual_moves(path, "A", start, end).value == 0  # half was lost
    later = path.assign(A=path.A.where(path.index <= days[5], 1.0))
    assert concentration.usual_moves(later, "A", start, end, 9) == found
    assert concentration.usual_moves(path, "A", f"{days[0]:%Y-%m-%d}", end, 9).verdict == NOT_CHECKABLE
    assert isinstance(concentration.usual_moves(path.iloc[:3], "A", start, end, 9), Unanswered)
    assert isinstance(concentration.usual_moves(path, "B", start, end, 9), Unanswered)


def test_a_date_without_trading_is_moved_to_the_close_that_it_holds():
    levels = pd.DataFrame({"A": [1.0, 2.0]}, index=pd.to_datetime(["2024-12-30", "2024-12-31"]))
    series = pd.Series([1.0, 2.0, 3.0], index=pd.to_datetime(["2025-01-01", "2024-12-31", "2024-12-01"]))
    moved = concentration.on_trading_days(series, levels.index)
    assert {f"{day:%Y-%m-%d}": value for day, value in moved.items()} == {"2024-12-01": 3.0, "2024-12-31": 1.0}


# Properties

WEIGHTS = st.lists(st.floats(0.01, 100), min_size=1, max_size=12)
FEWER = settings(max_examples=settings().max_examples // 3)
ORDERS = (0, 0.5, 1, 2, 3.5, math.inf)


@given(WEIGHTS)
def test_the_herfindahl_index_lies_between_equal_holders_and_one_and_counts_no_more_than_there_are(weights):
    n, index = len(weights), concentration.herfindahl(weights)
    assert 10_000 / n * (1 - 1e-12) <= index <= 10_000 * (1 + 1e-12)
    assert concentration.effective_number(weights) * index == pytest.approx(10_000)
    assert concentration.effective_number(np.full(n, weights[0])) == pytest.approx(n)
    for order in ORDERS:
        assert 1 - 1e-9 <= concentration.hill_number(weights, order) <= n * (1 + 1e-9)
    assert 0 - 1e-12 <= concentration.gini(weights) <= 1 - 1 / n + 1e-12


@given(WEIGHTS, st.integers(2, 4))
def test_as_many_more_of_each_holder_count_as_many_times_more(weights, times):
    for order in ORDERS:
        one, many = (concentration.hill_number(each, order) for each in (weights, weights * times))
        assert many == pytest.approx(times * one)
    assert concentration.herfindahl(weights * times) == pytest.approx(concentration.herfindahl(weights) / times)
    assert concentration.gini(weights * times) == pytest.approx(concentration.gini(weights), abs=1e-12)
    share = concentration.top_share(weights * times, times)
    assert share == pytest.approx(concentration.top_share(weights, 1))


@given(WEIGHTS.filter(lambda weights: len(weights) > 1), st.floats(0, 0.99))
def test_a_merger_and_a_gift_to_the_larger_concentrate_by_as_much_as_the_formula_says(weights, part):
    first, second = (weight / sum(weights) for weight in weights[:2])
    merged = [weights[0] + weights[1], *weights[2:]]
    rise = concentration.herfindahl(merged) - concentration.herfindahl(weights)
    assert rise == pytest.approx(2 * 10_000 * first * second, rel=1e-6)
    large, small = max(weights[:2]), min(weights[:2])
    moved = [large + part * small, small - part * small, *weights[2:]]
    assert concentration.gini(moved) >= concentration.gini(weights) - 1e-9
    for order in ORDERS:
        assert concentration.hill_number(moved, order) <= concentration.hill_number(weights, order) * (1 + 1e-9)
        assert concentration.hill_number(merged, order) <= concentration.hill_number(weights, order) * (1 + 1e-9)


@given(WEIGHTS, st.floats(1e-6, 1e6), st.randoms(use_true_random=False))
def test_no_measure_hangs_on_order_or_unit_and_top_shares_climb_to_the_whole_by_smaller_steps(weights, unit, random):
    other = [unit * weight for weight in weights]
    random.shuffle(other)
    for measure in (*MEASURES.values(), lambda each: concentration.hill_number(each, math.inf)):
        assert measure(other) == pytest.approx(measure(weights), rel=1e-9, abs=1e-12)
    steps = np.diff([concentration.top_share(weights, k) for k in range(len(weights) + 2)])
    assert (steps >= -1e-9).all() and (np.diff(steps) <= 1e-9).all()
    assert concentration.top_share(weights, len(weights)) == pytest.approx(100)


@FEWER
@given(
    st.lists(
        st.tuples(st.sampled_from(list(DAYS)), st.sampled_from("ABCD"), st.floats(0.5, 50)),
        min_size=1,
        unique_by=lambda row: row[:2],
    )
)
def test_shares_of_all_firms_are_the_whole_and_those_of_two_groups_add_up(rows):
    table = pd.DataFrame(rows, columns=["date", "ticker", "weight_percent"]).assign(fund="SPY")
    spread = concentration.snapshots(table)
    whole = concentration.shares(spread, list("ABCD"), rescaled=True)
    np.testing.assert_allclose(whole, 100)
    for rescaled in (False, True):
        parts = [concentration.shares(spread, list(group), rescaled) for group in ("AB", "CD", "ABCD")]
        np.testing.assert_allclose(parts[0] + parts[1], parts[2])
    assert concentration.shares(spread, list("ABCD")).to_dict() == pytest.approx(
        table.groupby("date").weight_percent.sum().to_dict()
    )


@st.composite
def markets(draw):
    """Weights of three firms in one or two snapshots, and levels of the firms and an index on four days."""
    level = st.floats(20, 200)
    levels = paths(**{name: draw(st.lists(level, min_size=4, max_size=4)) for name in "ABCS"})
    days = draw(st.sampled_from([[0], [0, 1], [0, 2], [0, 1, 2]]))
    weights = [
        holdings(f"{DAYS[day]:%Y-%m-%d}", A=draw(st.floats(1, 30)), B=draw(st.floats(1, 30)), C=10.0) for day in days
    ]
    return concentration.snapshots(pd.concat(weights)), levels


PERIODS = st.sampled_from([("2025-01-02", "2025-01-07"), ("2025-01-03", "2025-01-07"), ("2025-01-03", "2025-01-05")])


@FEWER
@given(markets(), PERIODS, st.booleans())
def test_contributions_add_up_to_the_return_of_the_index_and_hang_on_no_other_firm_that_is_named(market, ends, relink):
    table, levels = market
    held = levels.loc[: ends[1]]
    parts = concentration.contributions(table, levels, list("ABC"), "S", *ends, relink).set_index("firm")
    whole = 100 * (held.S.iloc[-1] / held.S[ends[0]] - 1)
    assert parts.contribution_points.sum() == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert parts.weight_percent.sum() == pytest.approx(100)
    for name in "ABC":
        carried = concentration.carried_shares(table[table.index <= ends[0]], levels, [name], "S")
        assert parts.weight_percent[name] == pytest.approx(carried[ends[0]])
    alone = concentration.contributions(table, levels, ["B"], "S", *ends, relink).set_index("firm")
    for column in ("weight_percent", "return_percent", "contribution_points"):
        assert alone[column]["B"] == pytest.approx(parts[column]["B"], rel=1e-9, abs=1e-9)
    rest = parts.contribution_points.drop("B").sum()
    assert alone.contribution_points[concentration.OTHERS] == pytest.approx(rest, rel=1e-9, abs=1e-9)
    # levels have no unit
    scaled = concentration.contributions(table, levels * [2, 3, 5, 7], list("ABC"), "S", *ends, relink)
    np.testing.assert_allclose(scaled.contribution_points, parts.contribution_points, rtol=1e-9, atol=1e-9)


@FEWER
@given(markets())
def test_carried_shares_of_all_firms_of_an_index_stay_the_whole_and_begin_anew_at_each_snapshot(market):
    table, levels = market
    table = table.div(table.sum(axis=1), axis=0) * 100
    # the index that holds the firms as its newest snapshot does
    days, value, index = list(table.index), 100.0, []
    for day in levels.index:
        base = max(one for one in days if one <= day)
        growth = table.loc[base] @ (levels.loc[day, list("ABC")] / levels.loc[base, list("ABC")]) / 100
        if day == base and index:
            before = days[days.index(base) - 1]
            value *= table.loc[before] @ (levels.loc[day, list("ABC")] / levels.loc[before, list("ABC")]) / 100
        index.append(value * growth)
    levels = levels.assign(S=index)
    np.testing.assert_allclose(concentration.carried_shares(table, levels, list("ABC"), "S"), 100, rtol=1e-9)
    for name in "AB":
        carried = concentration.carried_shares(table, levels, [name], "S")
        assert carried[days].tolist() == pytest.approx(table[name].tolist())


@given(
    st.lists(st.lists(st.floats(-0.2, 0.2), min_size=3, max_size=3), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_linked_parts_hang_on_no_order_of_holders_and_merge_as_they_add_up(rows, random):
    parts = np.array(rows)
    totals = parts.sum(axis=1)
    linked = concentration.carino(parts, totals)
    assert linked.sum() == pytest.approx(np.prod(1 + totals) - 1, rel=1e-9, abs=1e-9)
    order = [0, 1, 2]
    random.shuffle(order)
    np.testing.assert_allclose(concentration.carino(parts[:, order], totals), linked[order], atol=1e-12)
    merged = np.column_stack([parts[:, 0] + parts[:, 1], parts[:, 2]])
    np.testing.assert_allclose(concentration.carino(merged, totals), [linked[:2].sum(), linked[2]], atol=1e-12)
    # a period in which nothing moved changes nothing
    still = concentration.carino(np.vstack([parts, np.zeros(3)]), np.append(totals, 0.0))
    np.testing.assert_allclose(still, linked, atol=1e-12)


@given(st.lists(st.floats(1, 50), min_size=4, max_size=4), st.lists(st.floats(1, 50), min_size=4, max_size=4))
def test_shapley_parts_add_up_turn_their_sign_with_time_and_hang_on_no_unit(before, after):
    before, after = (pd.Series(each, index=list("ABCD")) for each in (before, after))
    parts = concentration.shapley(before, after, ["A", "B"])
    rise = concentration.herfindahl(after) - concentration.herfindahl(before)
    assert parts.sum() == pytest.approx(rise, rel=1e-9, abs=1e-6)
    back = concentration.shapley(3 * after, before, ["B", "A"])
    np.testing.assert_allclose(back[parts.index], -parts, rtol=1e-9, atol=1e-6)
