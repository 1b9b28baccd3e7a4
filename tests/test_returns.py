import numpy as np
import pandas as pd
import pytest

from helpers import data, returns
from helpers.inference import Estimate, Unanswered
from helpers.returns import Portfolio

DAYS = ["2025-01-02", "2025-01-03", "2025-01-06"]
NO_CAPS = pd.DataFrame({"security": [], "date": pd.to_datetime([]), "market_cap_usd": []})


def indices(**levels):
    rows = [(name, day, level) for name, path in levels.items() for day, level in zip(DAYS, path, strict=False)]
    table = pd.DataFrame(rows, columns=["security", "date", "total_return_index"])
    return table.assign(date=pd.to_datetime(table.date)).dropna()


def caps(**held):
    rows = [(name, day, cap) for name, (day, cap) in held.items()]
    table = pd.DataFrame(rows, columns=["security", "date", "market_cap_usd"])
    return table.assign(date=pd.to_datetime(table.date))


def test_weights_are_caps_carried_to_the_start_by_the_return_index():
    rows = indices(A=[100, 200, 220], B=[100, 100, 90])
    held = caps(A=("2025-01-02", 1.0), B=("2025-01-02", 2.0))
    # A's cap doubles to 2 by the start, so both weigh a half: (10% - 10%) / 2
    found = returns.holding_period_return(rows, held, Portfolio("AB", "AB", "market cap"), DAYS[1], DAYS[2])
    assert found.value == pytest.approx(0.0, abs=1e-12)
    assert found.n == 2


def test_a_cap_dated_after_the_start_is_not_used():
    rows = indices(A=[100, 100, 110], B=[100, 100, 100])
    held = caps(A=("2025-01-02", 1.0), B=("2025-01-02", 1.0))
    later = pd.concat([held, caps(A=("2025-01-06", 1e9))])
    portfolio = Portfolio("AB", "AB", "market cap")
    expected = returns.holding_period_return(rows, held, portfolio, DAYS[1], DAYS[2])
    assert returns.holding_period_return(rows, later, portfolio, DAYS[1], DAYS[2]) == expected


def test_a_cap_of_a_closed_day_is_carried_from_the_last_trading_day_before():
    rows = indices(A=[100, 200, 200], B=[100, 100, 100])
    held = caps(A=("2025-01-04", 3.0), B=("2025-01-02", 1.0))
    weights = returns.start_weights(returns.wide(rows), held, Portfolio("AB", "AB", "market cap"), DAYS[2])
    assert weights["A"] == pytest.approx(0.75)


def test_buy_and_hold_over_two_days_is_not_the_sum_of_rebalanced_days():
    rows = indices(A=[100, 200, 400], B=[100, 50, 25])
    found = returns.holding_period_return(rows, NO_CAPS, Portfolio("AB", "AB"), DAYS[0], DAYS[2])
    assert found.value == pytest.approx(100 * (0.5 * 3 + 0.5 * -0.75))


@pytest.mark.parametrize("factor", [0.01, 7.0])
def test_the_scale_of_an_index_changes_nothing(factor):
    rows = indices(A=[100, 110, 121])
    scaled = rows.assign(total_return_index=factor * rows.total_return_index)
    one, other = (
        returns.holding_period_return(table, NO_CAPS, Portfolio("A", "A"), DAYS[0], DAYS[2]) for table in (rows, scaled)
    )
    assert one.value == pytest.approx(other.value)


def test_the_order_of_rows_and_members_changes_nothing():
    rows = indices(A=[100, 110, 121], B=[100, 90, 95])
    mixed = rows.sample(frac=1, random_state=1)
    one = returns.holding_period_return(rows, NO_CAPS, Portfolio("x", "AB"), DAYS[0], DAYS[2])
    other = returns.holding_period_return(mixed, NO_CAPS, Portfolio("x", "BA"), DAYS[0], DAYS[2])
    assert one.value == pytest.approx(other.value, rel=1e-14)


def test_days_outside_of_the_period_change_nothing():
    rows = indices(A=[100, 110, 121])
    found = returns.holding_period_return(rows, NO_CAPS, Portfolio("A", "A"), DAYS[0], DAYS[1])
    rows.loc[rows.date == DAYS[2], "total_return_index"] = 1.0
    assert returns.holding_period_return(rows, NO_CAPS, Portfolio("A", "A"), DAYS[0], DAYS[1]) == found


def test_a_period_that_is_not_over_cannot_be_asked_yet():
    rows = indices(A=[100, 110])
    assert isinstance(returns.holding_period_return(rows, NO_CAPS, Portfolio("A", "A"), DAYS[0], DAYS[2]), Unanswered)
    empty = rows.iloc[:0]
    assert isinstance(returns.holding_period_return(empty, NO_CAPS, Portfolio("A", "A"), *DAYS[:2]), Unanswered)


def test_a_day_without_trading_is_refused_with_the_last_trading_day_before():
    rows = indices(A=[100, 110, 121])
    with pytest.raises(ValueError, match=r"2025-01-05 is not a trading day.*2025-01-03"):
        returns.holding_period_return(rows, NO_CAPS, Portfolio("A", "A"), "2025-01-05", DAYS[2])
    with pytest.raises(ValueError, match=r"2025-01-05 is not a trading day.*2025-01-03"):
        returns.composite_index(rows, NO_CAPS, Portfolio("A", "A"), "2025-01-05")


def test_an_empty_period_is_refused():
    with pytest.raises(ValueError, match="empty"):
        returns.holding_period_return(indices(A=[100, 110]), NO_CAPS, Portfolio("A", "A"), DAYS[1], DAYS[1])


@pytest.mark.parametrize("levels", [{"A": [100, 110, 121]}, {"A": [100, 110, 121], "B": [100, 110, np.nan]}])
def test_a_member_without_a_price_leaves_the_question_open(levels):
    found = returns.holding_period_return(indices(**levels), NO_CAPS, Portfolio("x", "AB"), DAYS[0], DAYS[2])
    assert isinstance(found, Unanswered) and "B has no price" in found.reason


def test_a_member_without_a_cap_leaves_the_question_open():
    rows, held = indices(A=[100, 110], B=[100, 90]), caps(A=("2025-01-02", 1.0))
    found = returns.holding_period_return(rows, held, Portfolio("x", "AB", "market cap"), *DAYS[:2])
    assert isinstance(found, Unanswered) and "capitalisation of B" in found.reason


@pytest.mark.parametrize("members, weights", [((), "equal"), (("A", "A"), "equal"), (("A",), "by feeling")])
def test_a_portfolio_without_sense_is_refused(members, weights):
    with pytest.raises(ValueError):
        Portfolio("x", members, weights)


def test_an_excess_is_the_difference_of_two_returns():
    rows = indices(A=[100, 110, 121], B=[100, 100, 101])
    found = returns.excess_since(rows, NO_CAPS, Portfolio("A", "A"), Portfolio("B", "B"), DAYS[0])
    assert (found.unit, found.n) == ("percentage points", 2)
    assert found.value == pytest.approx(20.0)


def test_an_excess_since_the_last_day_known_cannot_be_asked_yet():
    rows = indices(A=[100, 110], B=[100, 100])
    for table in (rows, rows.iloc[:0]):
        assert isinstance(
            returns.excess_since(table, NO_CAPS, Portfolio("A", "A"), Portfolio("B", "B"), DAYS[1]), Unanswered
        )


def test_rows_used_are_the_ends_of_the_period_and_the_last_caps_before():
    rows = indices(A=[100, 110, 121], B=[100, 100, 101], C=[1, 2, 3])
    held = pd.concat([caps(A=(DAYS[0], 1.0), B=(DAYS[0], 1.0)), caps(A=(DAYS[1], 2.0)), caps(A=(DAYS[2], 3.0))])
    levels, weights = returns.rows_used(rows, held, [Portfolio("x", "AB", "market cap")], DAYS[1], DAYS[2])
    # both ends of A and B, and B's level on the day of its cap
    assert len(levels) == 5 and set(levels.security) == {"A", "B"}
    assert weights.set_index("security").market_cap_usd.to_dict() == {"A": 2.0, "B": 1.0}


def test_an_excess_can_end_some_trading_days_sooner():
    rows = indices(A=[100, 110, 121], B=[100, 100, 100])
    pair = Portfolio("A", "A"), Portfolio("B", "B")
    assert returns.excess_since(rows, NO_CAPS, *pair, DAYS[0], sooner=1).value == pytest.approx(10.0)
    assert isinstance(returns.excess_since(rows, NO_CAPS, *pair, DAYS[0], sooner=9), Unanswered)


def test_vendors_are_compared_by_returns_so_that_a_split_adjusted_level_is_no_difference():
    rows = [("A", day, price, other) for day, price, other in zip(DAYS, [10, 11, 12], [5, 5.5, 6.6], strict=True)]
    checks = pd.DataFrame(rows, columns=["security", "date", "price", "check_price"])
    checks = checks.assign(kind="close", vendor="x", check_vendor="y", independent=True)
    found = returns.vendor_differences(checks.sample(frac=1, random_state=1))
    assert found.difference.tolist() == pytest.approx([0.0, 100 * (0.2 - 1 / 11)])
    assert found.start.tolist() == DAYS[:2] and found.end.tolist() == DAYS[1:]


def test_an_agreement_of_vendors_lists_both_prices_of_each_return_and_no_others():
    checks = pd.DataFrame({"security": ["A", "B", "A", "B"], "date": np.repeat(DAYS[:2], 2), "kind": "close",
                           "vendor": "x", "check_vendor": "y", "independent": True,
                           "price": [10.0, 5.0, 11.0, 6.0], "check_price": [10.0, 5.0, 11.0, 5.0]})  # fmt: skip
    checks.attrs["table"] = "price_checks"
    differences, seed = returns.vendor_differences(checks), np.random.SeedSequence(1)
    both = returns.vendor_agreement(differences, 0.2, 50, seed)
    assert (both.value, both.n) == (0.5, 2) and both.rows().positions()["price_checks"].tolist() == [0, 1, 2, 3]
    one = returns.vendor_agreement(differences[differences.security == "B"], 0.2, 50, seed)
    assert one.value == 0 and one.rows().positions()["price_checks"].tolist() == [1, 3]
    assert isinstance(returns.vendor_agreement(differences.iloc[:0], 0.2, 50, seed), Unanswered)


def test_the_hyperscaler_composite_agrees_with_a_plain_loop():
    table, held = data.load("return_indices", "2025-02-14"), data.load("market_caps", "2025-02-14")
    names, start, end = ["ORCL", "MSFT", "GOOGL", "IBM", "AMZN"], "2025-01-24", "2025-02-14"
    value = weight = 0.0
    for name in names:
        path = {f"{row.date:%Y-%m-%d}": row.total_return_index for row in table[table.security == name].itertuples()}
        cap = max((f"{row.date:%Y-%m-%d}", row.market_cap_usd) for row in held[held.security == name].itertuples()
                  if f"{row.date:%Y-%m-%d}" <= start)  # fmt: skip
        anchor = max(day for day in path if day <= cap[0])
        carried = cap[1] * path[start] / path[anchor]
        value += carried * (path[end] / path[start] - 1)
        weight += carried
    found = returns.holding_period_return(table, held, Portfolio("AI hyperscalers", names, "market cap"), start, end)
    assert found.value == pytest.approx(100 * value / weight, rel=1e-12)


@pytest.mark.parametrize("name, published", [("NVDA", -16.97), ("AVGO", -17.4), ("VST", -28.3), ("SPY", -1.46)])
def test_published_moves_of_27_january_are_met_within_rounding(name, published):
    table = data.load("return_indices", "2025-02-14")
    found = returns.holding_period_return(table, NO_CAPS, Portfolio(name, [name]), "2025-01-24", "2025-01-27")
    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(published, abs=0.06)


def test_daily_returns_bridge_no_missing_day():
    daily = returns.daily_returns(indices(A=[100, np.nan, 121], B=[100, 90, 99]))
    assert daily.B.tolist() == pytest.approx([-0.1, 0.1]) and daily.A.isna().all()


def test_a_composite_moves_as_its_holding_period_return_says():
    rows = indices(A=[100, 110, 132], B=[100, 80, 100])
    held = caps(A=("2025-01-02", 3.0), B=("2025-01-02", 1.0))
    pair = Portfolio("AB", "AB", "market cap")
    level = returns.composite_index(rows, held, pair, DAYS[1])
    found = returns.holding_period_return(rows, held, pair, DAYS[1], DAYS[2])
    assert level[DAYS[1]] == pytest.approx(1) and 100 * (level[DAYS[2]] - 1) == pytest.approx(found.value)
    # the same shares before as after
    assert level[DAYS[0]] == pytest.approx((3.3 / 1.1 + 0.8 / 0.8) / (3.3 + 0.8))


@pytest.mark.parametrize("start", ["2025-01-07", "2025-01-03"])
def test_a_composite_without_its_day_or_price_leaves_the_question_open(start):
    rows = indices(A=[100, 110, 121], B=[100, np.nan, 99])
    assert isinstance(returns.composite_index(rows, NO_CAPS, Portfolio("AB", "AB"), start), Unanswered)
    late = returns.start_weights(returns.wide(rows), NO_CAPS, Portfolio("AB", "AB", "market cap"), "2025-01-07")
    assert isinstance(late, Unanswered)


def test_portfolios_stand_beside_securities_and_those_not_known_are_left_out():
    rows = indices(A=[100, 110, 121], B=[100, 100, 110])
    level = returns.composite_index(rows, NO_CAPS, Portfolio("AB", "AB"), DAYS[0])
    wide = returns.with_portfolios(returns.daily_returns(rows), {"AB": level, "C": Unanswered("not yet")})
    assert list(wide) == ["A", "B", "AB"] and wide.AB.iloc[0] == pytest.approx(0.05)


def test_price_weights_are_the_plain_closes_each_once():
    rows = [("A", DAYS[0], "close", 30.0), ("A", DAYS[0], "close", 30.0), ("A", DAYS[0], "adjusted close", 29.0)]
    rows += [("B", DAYS[0], "close", 10.0)]
    prices = pd.DataFrame(rows, columns=["security", "date", "kind", "price"]).assign(date=pd.Timestamp(DAYS[0]))
    level = indices(A=[100, 110], B=[100, 100])
    held = returns.price_weights(prices)
    weights = returns.start_weights(returns.wide(level), held, Portfolio("AB", "AB", "market cap"), DAYS[0])
    assert len(held) == 2 and weights.to_dict() == pytest.approx({"A": 0.75, "B": 0.25})


def test_wealth_starts_at_100_and_its_drawdown_is_measured_from_its_own_peak():
    rows = indices(A=[100, 120, 90], B=[50, 50, 60])
    paths = returns.wealth_paths(rows, NO_CAPS, [Portfolio("B", "B"), Portfolio("A", "A")], DAYS[0])
    assert paths.portfolio.tolist() == ["B"] * 3 + ["A"] * 3
    own = paths[paths.portfolio == "A"]
    assert own.wealth.tolist() == pytest.approx([100, 120, 90])
    assert own.drawdown_percent.tolist() == pytest.approx([0, 0, -25])


def test_wealth_cannot_be_told_on_its_first_day():
    found = returns.wealth_paths(indices(A=[100, 120]), NO_CAPS, [Portfolio("A", "A")], DAYS[1])
    assert isinstance(found, Unanswered)
