import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from helpers import data, frontier, prices
from helpers.inference import CANNOT_BE_ASKED_YET, NOT_CHECKABLE, Estimate, Unanswered
from helpers.rows import rows_of

NOTE, LATE, GPT4 = "2025-02-14", "2026-10-02", "gpt-4-0314"
DAYS = ["2022-12-30", "2024-10-31", NOTE, "2025-06-30", "2025-12-31", "2026-07-31", LATE]


def seed(number=1):
    return np.random.SeedSequence(number)


def steps(*pairs):
    return pd.DataFrame(pairs, columns=["date", "price_usd"]).assign(date=lambda rows: pd.to_datetime(rows.date))


def offers(*rows):
    """Offers as (model, developer, since, price, margin, error)."""
    table = pd.DataFrame(rows, columns=["arena_key", "developer", "since", "price_usd", "margin", "error"])
    since = pd.to_datetime(table.since).astype("datetime64[ms]")
    table = table.assign(name=table.arena_key, since=since, released=since)
    return table.sort_values(["since", "arena_key"], kind="stable").reset_index(drop=True)


ANCHOR = ("anchor", "A", "2023-01-01", 60.0, 0.0, 3.0)
FEW = offers(
    ANCHOR,
    ("dear", "B", "2023-06-01", 90.0, 50.0, 3.0),
    ("weak", "C", "2023-07-01", 1.0, -80.0, 3.0),
    ("cheap", "B", "2024-01-01", 6.0, 40.0, 3.0),
    ("promo", "D", "2024-06-01", 0.6, 40.0, 3.0),
    ("promo", "D", "2024-09-01", 12.0, 40.0, 3.0),
)


def change(table, end="2024-12-31", draws=200, **options):
    return prices.lowest_change(table, "anchor", end, draws, seed(), "test", **options)


def cut(rows, table):
    """Rows as though loaded, so that what is made of them lists them."""
    rows = rows.reset_index(drop=True)
    rows.attrs = {"table": table}
    return rows


def test_a_change_of_a_price_list_lists_the_prices_of_its_period_and_tier():
    days = pd.to_datetime(["2024-06-01", "2023-01-01", "2024-01-01", "2024-03-01", "2025-01-01"])
    listed = pd.DataFrame({"effective_date": days, "model": "m", "tier": ["big", "big", "big", "small", "big"],
                           "output_usd_per_mtok": [2.0, 8.0, 4.0, 1.0, 1.0], "date_basis": "launch"})  # fmt: skip
    path = prices.tier_path(cut(listed, "openai_prices"), "big")
    for how in ("ends", "slope", "fit"):
        whole = prices.path_change(path, "2023-02-01", "2024-12-31", LATE, "a price", how)
        assert whole.rows().positions()["openai_prices"].tolist() == [0, 1, 2], how
    short = prices.path_change(path, "2024-02-01", "2024-12-31", LATE, "a price")
    assert short.rows().positions()["openai_prices"].tolist() == [0, 2]


@pytest.mark.parametrize("back, sold", [(False, [1]), (True, [0, 1])])
def test_an_offer_lists_its_price_its_model_and_the_scores_of_its_level(back, sold):
    board = cut(pd.DataFrame({"arena_key": ["x", "y", "z"], "score": [9.0, 8.0, 7.0], "error": 1.0}), "arena_scores")
    days = pd.to_datetime(["2024-01-01", "2024-06-01", "2024-01-01"])
    listed = pd.DataFrame({"arena_key": ["y", "y", "z"], "effective_date": days, "price_basis": "vendor list",
                           "output_usd_per_mtok": [2.0, 1.0, 3.0]})  # fmt: skip
    about = pd.DataFrame({"arena_key": ["z", "y"], "name": ["Z", "Y"], "developer": "d",
                          "release_date": pd.Timestamp("2023-12-01")})  # fmt: skip
    levels = prices.on_board(board, "x")
    tables = levels, cut(listed, "model_prices"), cut(about, "models"), ["vendor list"]
    table = prices.offers(*tables, carried_back=back)
    last = table[(table.arena_key == "y") & (table.price_usd == 1)]
    found = {name: rows.tolist() for name, rows in rows_of(last).positions().items()}
    assert found == {"arena_scores": [0, 1], "model_prices": sold, "models": [1]}
    stated = prices.offers(prices.on_board(board, "x", 8.5), *tables[1:], carried_back=back)
    assert rows_of(stated[stated.arena_key == "y"]).positions()["arena_scores"].tolist() == [1]


def test_a_lowest_price_lists_the_offers_up_to_its_end_and_an_elasticity_its_months():
    board = cut(pd.DataFrame({"arena_key": ["anchor", "late"], "score": [9.0, 9.5], "error": 1.0}), "arena_scores")
    days = pd.to_datetime(["2024-01-01", "2024-06-01", "2025-01-01"])
    listed = pd.DataFrame({"arena_key": ["anchor", "anchor", "late"], "effective_date": days,
                           "price_basis": "vendor list", "output_usd_per_mtok": [8.0, 4.0, 1.0]})  # fmt: skip
    about = pd.DataFrame({"arena_key": ["anchor", "late"], "name": ["A", "L"], "developer": ["a", "l"],
                          "release_date": pd.Timestamp("2023-12-01")})  # fmt: skip
    made = prices.on_board(board, "anchor"), cut(listed, "model_prices"), cut(about, "models"), ["vendor list"]
    table = prices.offers(*made)
    short, whole = (change(table, end) for end in ("2024-12-31", "2025-12-31"))
    assert short.rows().positions()["model_prices"].tolist() == [0, 1]
    assert whole.rows().positions()["model_prices"].tolist() == [0, 1, 2]
    ends = pd.to_datetime(["2023-06-30", "2024-01-31", "2024-07-31", "2025-01-31", "2025-02-28"])
    volumes = cut(pd.DataFrame({"period_end": ends, "tokens_per_month": [1, 2, 3, 5, 7]}), "token_volumes")
    months = prices.volumes_at_prices(volumes, prices.cheapest(table, "2025-12-31"))
    rows = prices.elasticity(months, "test").rows().positions()
    # no price is known before the first offer
    assert rows["token_volumes"].tolist() == [1, 2, 3, 4] and rows["model_prices"].tolist() == [0, 1, 2]


def test_before_any_board_carries_intervals_nothing_is_said_of_the_lowest_price():
    bare = FEW.assign(error=np.nan)
    assert isinstance(change(bare), Unanswered)
    assert isinstance(prices.lowest_band(bare, "anchor", "2024-12-31", 50, seed()), Unanswered)
    # one that was never given takes the widest
    partly = FEW.assign(error=FEW.error.where(FEW.arena_key != "cheap"))
    assert change(partly) == change(FEW)


@pytest.fixture(scope="module")
def held():
    """Offers on the note's board, and the tables behind them."""
    scores, listed, catalogue = (data.load(table, NOTE) for table in ("arena_scores", "model_prices", "models"))
    levels = prices.on_board(frontier.board(scores, NOTE), GPT4, 1186)
    return prices.offers(levels, listed, catalogue, frontier.LIST_PRICES), scores, listed, catalogue


@pytest.fixture(scope="module")
def openai():
    return data.load("openai_prices", LATE)


# List prices


def test_the_flagship_fell_from_60_to_10_dollars_before_r1(openai):
    path = prices.tier_path(openai, "flagship")
    found = prices.path_change(path, "2023-03-14", "2025-01-20", LATE, "flagship")
    years = (pd.Timestamp("2025-01-20") - pd.Timestamp("2023-03-14")).days / 365.25
    assert found.value == pytest.approx(100 * ((10 / 60) ** (1 / years) - 1), rel=1e-12)
    assert found.is_exact and found.low == found.high == found.value
    assert path.date[(path.price_usd == 10)].min() == pd.Timestamp("2024-08-06")


def test_a_price_that_halves_each_year_falls_by_half_whatever_the_line():
    year = pd.Timedelta(days=365.25)
    dates = [pd.Timestamp("2020-01-01") + k * year / 50 for k in range(151)]
    path = pd.DataFrame({"date": dates, "price_usd": 100 * 0.5 ** (np.arange(151) / 50)})
    for how in ("ends", "slope", "fit"):
        found = prices.path_change(path, "2020-01-01", "2023-01-01", LATE, "halving", how)
        assert found.value == pytest.approx(-50, abs=0.2), how


def test_the_slope_over_all_days_is_least_squares_on_the_daily_path():
    path = steps(("2024-01-01", 8.0), ("2024-03-05", 4.0), ("2024-03-06", 5.0), ("2024-11-20", 1.0))
    days = pd.date_range("2024-01-01", "2024-12-31")
    daily = np.log(path.set_index("date").price_usd.reindex(days).ffill())
    slope = np.polyfit(np.arange(len(days)) / 365.25, daily, 1)[0]
    found = prices.path_change(path, "2024-01-01", "2024-12-31", LATE, "steps", "slope")
    assert found.value == pytest.approx(100 * np.expm1(slope), rel=1e-9)


def test_a_fit_to_record_lows_is_the_regression_of_log10_that_epoch_prints_as_a_factor():
    # no error, so the factor must be that of the path: tenfold a year, here through base 10 as Epoch has it
    dates = pd.to_datetime(["2023-01-01", "2023-05-01", "2023-12-24", "2024-10-02"])
    years = (dates - dates[0]).days / 365.25
    path = pd.DataFrame({"date": dates, "price_usd": 20 * 10.0 ** (-years + np.array([0.1, -0.1, -0.1, 0.1]))})
    fitted = sm.OLS(np.log10(path.price_usd.to_numpy()), sm.add_constant(np.asarray(years))).fit()
    found = prices.path_change(path, "2023-01-01", "2024-10-02", LATE, "records", "fit")
    assert prices.decline_factor(found.value) == pytest.approx(10 ** -fitted.params[1], rel=1e-9)
    assert prices.decline_factor(found.high) == pytest.approx(10 ** -fitted.conf_int()[1, 1], rel=1e-9)


def test_a_price_that_never_moves_changes_by_exactly_nothing():
    path = steps(("2024-09-12", 60.0), ("2024-12-17", 60.0))
    for how in ("ends", "slope"):
        assert prices.path_change(path, "2023-03-14", "2025-01-20", LATE, "o1", how).value == 0


@pytest.mark.parametrize("how", ["ends", "slope", "fit"])
def test_a_currency_twice_as_large_changes_no_rate_and_neither_does_the_order_of_rows(how, openai):
    path = prices.tier_path(openai, "flagship")
    ask = ("2023-03-14", "2025-01-20", LATE, "flagship", how)
    expected = prices.path_change(path, *ask)
    doubled = path.assign(price_usd=2 * path.price_usd).sample(frac=1, random_state=1)
    assert prices.path_change(doubled, *ask).value == pytest.approx(expected.value, rel=1e-12)


def test_a_period_that_is_not_over_or_has_no_price_is_not_answered(openai):
    path = prices.tier_path(openai, "flagship")
    assert prices.path_change(path, "2023-03-14", "2025-01-20", "2025-01-19", "x") == Unanswered(
        "the period to 2025-01-20 is not over by the as-of date"
    )
    assert prices.path_change(path, "2025-01-20", "2024-10-31", "2024-10-31", "x").verdict == CANNOT_BE_ASKED_YET
    assert isinstance(prices.path_change(path.iloc[:0], "2023-03-14", "2025-01-20", LATE, "x"), Unanswered)
    assert prices.path_change(path, "2022-01-01", "2023-03-14", LATE, "x").verdict == NOT_CHECKABLE
    assert isinstance(prices.path_change(path.iloc[:2], "2023-03-14", "2024-01-01", LATE, "x", "fit"), Unanswered)


def test_blended_prices_lie_between_and_unknown_words_are_refused(openai):
    blended = prices.usd_per_mtok(openai, "blended")
    assert blended.between(openai.input_usd_per_mtok, openai.output_usd_per_mtok).all()
    assert blended[openai.model == "o3-mini"].item() == pytest.approx(0.75 * 1.1 + 0.25 * 4.4)
    with pytest.raises(ValueError, match="'cached'"):
        prices.usd_per_mtok(openai, "cached")
    with pytest.raises(ValueError, match="'median'"):
        prices.path_change(prices.tier_path(openai, "small"), "2023-10-01", "2024-10-01", LATE, "x", "median")


def test_o1_mini_was_the_first_model_in_place_to_get_a_new_price(openai):
    cuts = prices.new_prices(openai, "2025-01-20")
    first = cuts.iloc[0]
    assert (first.model, first.before_usd, first.after_usd, first.days_since) == ("o1-mini", 12, 4.4, 11)
    assert prices.new_prices(openai.iloc[:0], "2025-01-20").empty


# Lowest price at a level


def by_hand(table, end, records):
    """Lowest price day by day, in plain loops."""
    out = {}
    for day in pd.date_range("2023-01-01", end):
        best = np.inf
        for _, rows in table[table.margin >= 0].groupby("arena_key"):
            seen = rows[rows.since <= day].price_usd
            best = min(best, (seen.min() if records else seen.iloc[-1]) if len(seen) else np.inf)
        out[day] = best
    return pd.Series(out)


@pytest.mark.parametrize("records", [False, True])
def test_the_lowest_price_is_that_of_a_plain_loop_over_days_and_models(records):
    chance = np.random.default_rng(seed(3))
    rows = [
        (f"m{chance.integers(8)}", "D", f"2023-01-{2 + chance.integers(28):02d}", float(chance.lognormal()), 0.0, 1.0)
        for _ in range(30)
    ]
    table = offers(ANCHOR, *rows).drop_duplicates(["arena_key", "since"])
    assert table.arena_key.duplicated().any()
    path = prices.cheapest(table, "2023-01-31", records=records).set_index("date").price_usd
    daily = path.reindex(pd.date_range("2023-01-01", "2023-01-31")).ffill()
    np.testing.assert_array_equal(daily, by_hand(table, "2023-01-31", records))


def test_the_path_ends_on_the_price_in_force_of_the_frontier(held):
    table, _, listed, _ = held
    at_level = table.arena_key[table.margin >= 0].unique()
    on_day = frontier.prices_in_force(listed, NOTE)
    expected = on_day[on_day.arena_key.isin(at_level)].output_usd_per_mtok.min()
    path = prices.cheapest(table, NOTE)
    assert path.price_usd.iloc[-1] == expected == 0.14
    assert path.price_usd.iloc[0] == 60 and path.arena_key.iloc[0] == GPT4


def test_a_promotion_that_ends_raises_the_lowest_price_unless_records_count():
    assert prices.cheapest(FEW, "2024-12-31").price_usd.tolist() == [60, 6, 0.6, 6, 6]
    assert prices.cheapest(FEW, "2024-12-31", records=True).price_usd.tolist() == [60, 6, 0.6, 0.6]
    assert change(FEW).value == pytest.approx(100 * (0.1 ** (365.25 / 730) - 1))
    assert change(FEW, records=True).value == pytest.approx(100 * (0.01 ** (365.25 / 730) - 1))


def test_no_offer_begins_before_its_model_is_out_and_its_price_is_seen(held):
    table, _, listed, catalogue = held
    first = listed[listed.price_basis.isin(frontier.LIST_PRICES)].groupby("arena_key").effective_date.min()
    released = catalogue.set_index("arena_key").release_date
    assert (table.since >= table.arena_key.map(first)).all() and (table.since >= table.arena_key.map(released)).all()
    assert not table.arena_key.isin(listed.arena_key[listed.price_basis == "not on sale"]).any()


def test_carried_back_a_first_price_counts_from_the_release_and_a_later_one_from_its_own_day():
    listed = pd.DataFrame(
        {
            "arena_key": "m",
            "effective_date": pd.to_datetime(["2024-10-16", "2025-01-08"]),
            "input_usd_per_mtok": [1.0, 0.5],
            "output_usd_per_mtok": [2.0, 1.0],
            "price_basis": "vendor list",
        }
    )
    about = {"arena_key": ["m"], "name": ["M"], "developer": [None], "release_date": pd.to_datetime(["2024-05-13"])}
    levels = pd.DataFrame({"arena_key": ["m"], "margin": [1.0], "error": [1.0]})
    ask = (levels, listed, pd.DataFrame(about), ["vendor list"])
    late, early = prices.offers(*ask), prices.offers(*ask, carried_back=True)
    assert late.since.dt.strftime("%Y-%m-%d").tolist() == ["2024-10-16", "2025-01-08"]
    assert early.since.dt.strftime("%Y-%m-%d").tolist() == ["2024-05-13", "2025-01-08"]
    assert early.developer.tolist() == ["M", "M"] and early.price_usd.tolist() == [2.0, 1.0]
    assert isinstance(prices.offers(*ask, developer="Z"), Unanswered)


def test_a_dearer_or_weaker_model_changes_nothing():
    more = offers(
        *FEW.drop(columns=["name", "released"]).itertuples(index=False, name=None),
        ("dearer", "B", "2023-02-01", 70.0, 500.0, 3.0),
        ("weaker", "B", "2023-02-01", 0.01, -500.0, 3.0),
    )
    for how in ("ends", "slope"):
        with_more, without = change(more, how=how), change(FEW, how=how)
        assert with_more.value == pytest.approx(without.value, rel=1e-12)
    pd.testing.assert_frame_equal(prices.cheapest(more, "2024-12-31"), prices.cheapest(FEW, "2024-12-31"))


def test_neither_the_currency_nor_the_order_of_models_changes_the_rate(held):
    table = held[0]
    ask = (GPT4, NOTE, 500, seed(), "x")
    expected = prices.lowest_change(table, *ask)
    doubled = prices.lowest_change(table.assign(price_usd=3 * table.price_usd), *ask)
    assert (doubled.value, doubled.low, doubled.high) == pytest.approx((expected.value, expected.low, expected.high))
    shuffled = table.sample(frac=1, random_state=1).sort_values("since", kind="stable")
    assert prices.lowest_change(shuffled, *ask).value == pytest.approx(expected.value, rel=1e-12)


def test_a_shift_of_all_scores_changes_nothing(held):
    _, scores, listed, catalogue = held
    board = frontier.board(scores, NOTE)
    moved = board.assign(score=board.score + 100)
    one, two = (
        prices.lowest_change(
            prices.offers(prices.on_board(rows, GPT4), listed, catalogue, frontier.LIST_PRICES),
            GPT4, NOTE, 200, seed(), "x",
        )
        for rows in (board, moved)
    )  # fmt: skip
    assert (one.value, one.n) == (two.value, two.n)


def test_the_same_seed_draws_the_same_interval_and_more_developers_narrow_it():
    assert change(FEW, draws=300) == change(FEW, draws=300)
    many = [(f"m{k}", f"X{k}", "2024-01-01", 6.0, 40.0, 3.0) for k in range(30)]
    alone = change(offers(ANCHOR, many[0]))
    crowd = change(offers(ANCHOR, *many))
    # one seller besides the anchor's own is left out of a quarter of the draws, thirty are never all left out
    assert alone.high == 0 > crowd.high and crowd.high == pytest.approx(crowd.value)
    assert alone.value == pytest.approx(crowd.value)


def test_the_chance_that_a_lone_seller_is_missed_is_that_of_the_bootstrap():
    table = offers(ANCHOR, ("only", "B", "2024-01-01", 6.0, 500.0, 3.0))
    days = pd.DatetimeIndex(pd.to_datetime(["2023-01-01", "2024-12-31"]))
    lows = prices._drawn_lows(table, "anchor", days, False, 20_000, seed())
    assert (lows[:, 0] == np.log(60)).all()
    missed = np.isclose(lows[:, 1], np.log(60)).mean()
    assert missed == pytest.approx(0.25, abs=3 * np.sqrt(0.25 * 0.75 / 20_000))


def test_a_close_score_counts_with_its_own_error_and_that_of_the_anchor():
    table = offers(ANCHOR, ("close", "A", "2024-01-01", 6.0, 5.0, 4.0))
    days = pd.DatetimeIndex(pd.to_datetime(["2024-12-31"]))
    lows = prices._drawn_lows(table, "anchor", days, False, 20_000, seed())
    # margin 5, standard error hypot(4, 3) = 5: at the level in 84 of 100 draws
    assert np.isclose(lows[:, 0], np.log(6)).mean() == pytest.approx(0.8413, abs=0.008)


def test_a_model_has_the_same_draws_whatever_else_is_sold():
    days = pd.DatetimeIndex(pd.to_datetime(["2024-12-31"]))
    close = ("close", "A", "2024-01-01", 6.0, 5.0, 4.0)
    ask = ("anchor", days, False, 500, seed())
    alone = prices._drawn_lows(offers(ANCHOR, close), *ask)
    dear = prices._drawn_lows(offers(ANCHOR, close, ("a", "A", "2023-02-01", 70.0, 9.0, 3.0)), *ask)
    assert (alone == dear).all() and len(np.unique(alone)) == 2


def test_drawn_lows_are_those_of_a_plain_loop_over_draws_and_days():
    days = pd.DatetimeIndex(pd.to_datetime(["2023-01-01", "2024-03-01", "2024-07-01", "2024-12-31"]))
    found = prices._drawn_lows(FEW, "anchor", days, False, 40, seed())
    models = FEW.drop_duplicates("arena_key").set_index("arena_key")
    noise = {key: 3 * prices._stream(seed(), key).standard_normal(40) for key in models.index}
    makers = sorted(models.developer.unique())
    counts = np.random.default_rng(seed()).multinomial(4, np.full(4, 0.25), size=40)
    for draw, t in np.ndindex(40, 4):
        best = 60.0
        for key, rows in FEW[FEW.since <= days[t]].groupby("arena_key"):
            sold = counts[draw, makers.index(models.developer[key])]
            if sold and models.margin[key] + noise[key][draw] >= noise["anchor"][draw]:
                best = min(best, rows.price_usd.iloc[-1])
        assert found[draw, t] == np.log(best)


def test_models_barely_at_the_level_are_left_out_when_a_clear_margin_is_asked_for():
    table = offers(ANCHOR, ("close", "B", "2024-01-01", 6.0, 5.0, 4.0), ("clear", "C", "2024-01-01", 9.0, 50.0, 4.0))
    assert change(table).value < change(table, margin=1.96).value < 0


def test_what_cannot_be_asked_of_a_level_is_not_answered():
    assert change(Unanswered("no board")) == Unanswered("no board")
    assert isinstance(change(FEW, end="2022-01-01"), Unanswered)
    assert change(FEW, start="2022-06-01").verdict == NOT_CHECKABLE
    assert isinstance(prices.cheapest(FEW, "2023-01-01"), Unanswered)
    assert isinstance(prices.lowest_band(FEW, "absent", NOTE, 10, seed()), Unanswered)
    assert prices.on_board(pd.DataFrame({"arena_key": ["a"], "score": [1.0]}), "b").verdict == NOT_CHECKABLE


def test_the_band_holds_the_lowest_price_nearly_everywhere(held):
    table = held[0]
    band = prices.lowest_band(table, GPT4, NOTE, 1000, seed()).set_index("date")
    path = prices.cheapest(table, NOTE).set_index("date").price_usd.reindex(band.index).ffill()
    assert ((band.low <= path + 1e-12) & (path <= band.high + 1e-12)).all()


def test_a_margin_is_taken_on_the_newest_board_that_holds_both_and_never_across():
    rows = [
        ("2024-01-01", "gpt", 1100.0), ("2024-01-01", "gone", 1150.0),
        ("2025-01-01", "gpt", 1300.0), ("2025-01-01", "new", 1310.0),
        ("2026-01-01", "new", 2000.0), ("2026-01-01", "newer", 2001.0),
    ]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["board_date", "arena_key", "score"])
    scores = scores.assign(board_date=pd.to_datetime(scores.board_date), score_low=np.nan, score_high=np.nan)
    margins = prices.on_newest_boards(scores, "gpt").set_index("arena_key").margin.to_dict()
    assert margins == {"gpt": 0, "gone": 50, "new": 10}
    assert isinstance(prices.on_newest_boards(scores, "absent"), Unanswered)


def test_rows_known_later_change_nothing_before(held):
    scores, listed, catalogue = (data.load(table, LATE) for table in ("arena_scores", "model_prices", "models"))
    levels = prices.on_board(frontier.board(scores, NOTE), GPT4, 1186)
    late = prices.offers(levels, listed, catalogue, frontier.LIST_PRICES)
    ask = (GPT4, NOTE, 300, seed(), "x")
    assert prices.lowest_change(late, *ask) == prices.lowest_change(held[0], *ask)
    pd.testing.assert_frame_equal(prices.cheapest(late, NOTE), prices.cheapest(held[0], NOTE))


@pytest.mark.parametrize("day", DAYS)
def test_every_day_is_answered_or_told_why_not(day):
    scores, listed, catalogue = (data.load(table, day) for table in ("arena_scores", "model_prices", "models"))
    levels = prices.on_newest_boards(scores[~scores.style_control], GPT4)
    table = prices.offers(levels, listed, catalogue, frontier.LIST_PRICES)
    path = prices.cheapest(table, day)
    months = prices.volumes_at_prices(data.load("token_volumes", day), path)
    answers = [
        prices.lowest_change(table, GPT4, day, 50, seed(), "x"),
        prices.hedonic_change(prices.entries(table), 50, seed()),
        prices.hedonic_change(prices.on_sale(table, day), 50, seed(), "dummies"),
        prices.elasticity(months, "x"),
    ]
    known = [isinstance(one, Estimate) for one in answers]
    assert all(isinstance(one, (Estimate, Unanswered)) for one in answers)
    # the first board with GPT-4 is of December 2023, the third count of tokens of July 2025
    assert known[:3] == [day > "2023-12"] * 3 and known[3] == (day > "2025-08")
    assert prices.coverage(table, levels, listed, catalogue)


# Hedonic index


def goods(*rows):
    table = pd.DataFrame(rows, columns=["developer", "period", "price_usd", "margin"])
    years = table.period.str[:4].astype(int) + (table.period.str[-1] == "2") / 2
    return table.assign(date=pd.to_datetime("2023-01-01") + pd.to_timedelta(365.25 * (years - 2023), unit="D"))


def test_the_index_is_the_one_worked_by_hand():
    # two goods a period, the same margins in both: the dummy is the difference of mean logs, here ln(1/4), and the
    # residuals are 0.1 and -0.1 in the first period, nothing in the second
    tenth = np.exp(0.1)
    sample = goods(
        ("A", "2023H1", 8 * tenth, 0), ("B", "2023H1", 8 / tenth, 0),
        ("C", "2023H1", 8.0, 100), ("A", "2023H1", 8.0, 100),
        ("A", "2023H2", 2.0, 0), ("B", "2023H2", 2.0, 0), ("C", "2023H2", 2.0, 100), ("B", "2023H2", 2.0, 100),
    )  # fmt: skip
    index = prices.hedonic_index(sample, 200, seed())
    # s^2 = 0.02 / (8 - 3); V(d) = s^2 (1/4 + 1/4), for the margins are balanced over the periods
    kennedy = 0.02 / 5 * 0.5 / 2
    assert index["index"].tolist() == pytest.approx([100, 100 * np.exp(np.log(0.25) - kennedy)], rel=1e-12)
    assert index.models.tolist() == [4, 4] and index.low[1] <= index["index"][1] <= index.high[1]


def sampled(number=40, developers=10, fall=-2.0, worlds=None):
    """Goods of some developers whose prices share an error; the price at constant quality falls at a known rate."""
    chance = np.random.default_rng(seed(7) if worlds is None else worlds)
    maker = np.arange(number) % developers
    date = np.sort(chance.uniform(0, 2, number))
    margin = 60 * date + chance.normal(0, 50, number)
    logs = 3 + 2 * margin / 100 + fall * date + chance.normal(0, 0.5, developers)[maker] + chance.normal(0, 0.5, number)
    period = [f"{2023 + int(t)}H{1 + int(2 * (t % 1))}" for t in date]
    table = pd.DataFrame(
        {"developer": maker.astype(str), "period": period, "price_usd": np.exp(logs), "margin": margin}
    )
    return table.assign(date=pd.Timestamp("2023-01-01") + pd.to_timedelta(365.25 * date, unit="D").floor("D"))


def test_coefficients_and_variances_are_those_of_statsmodels():
    sample = sampled()
    dummies = pd.get_dummies(sample.period, drop_first=True, dtype=float)
    design = sm.add_constant(pd.concat([sample[["margin"]] / 100, dummies], axis=1))
    fitted = sm.OLS(np.log(sample.price_usd), design).fit()
    expected = 100 * np.exp(fitted.params.iloc[2:] - fitted.bse.iloc[2:] ** 2 / 2)
    index = prices.hedonic_index(sample, 50, seed())
    np.testing.assert_allclose(index["index"][1:], expected, rtol=1e-9)
    time = (sample.date - sample.date.min()).dt.days / 365.25
    trend = sm.OLS(np.log(sample.price_usd), sm.add_constant(np.column_stack([sample.margin / 100, time]))).fit()
    found = prices.hedonic_change(sample, 50, seed())
    assert found.value == pytest.approx(100 * np.expm1(trend.params.iloc[2] - trend.bse.iloc[2] ** 2 / 2), rel=1e-9)


def test_resampled_coefficients_are_those_of_a_regression_on_the_resampled_rows():
    sample = sampled(24, 4)
    design, _ = prices._dummies(sample)
    logs, makers = np.log(sample.price_usd.to_numpy()), sample.developer.to_numpy(str)
    _, _, drawn = prices._regression(design, logs, makers, 5, seed())
    counts = np.random.default_rng(seed()).multinomial(4, np.full(4, 0.25), size=5)
    for draw, count in zip(drawn, counts, strict=True):
        rows = np.concatenate([np.flatnonzero(makers == str(k)) for k in range(4) for _ in range(count[k])])
        if np.linalg.matrix_rank(design[rows]) == design.shape[1]:
            np.testing.assert_allclose(draw, np.linalg.lstsq(design[rows], logs[rows], rcond=None)[0], rtol=1e-6)
        else:
            assert np.isnan(draw).all()


@pytest.mark.parametrize("how", ["trend", "dummies"])
def test_a_currency_a_shift_of_scores_and_the_order_of_rows_leave_the_hedonic_rate(how):
    sample = sampled()
    expected = prices.hedonic_change(sample, 200, seed(), how)
    other = sample.assign(price_usd=5 * sample.price_usd, margin=sample.margin + 70).sample(frac=1, random_state=2)
    found = prices.hedonic_change(other, 200, seed(), how)
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), rel=1e-6
    )


def test_without_the_quality_term_the_fall_would_be_missed():
    # quality rises with time and costs more: the mean price hardly moves while the price of quality falls
    sample = sampled(200, 20)
    raw = np.polyfit((sample.date - sample.date.min()).dt.days / 365.25, np.log(sample.price_usd), 1)[0]
    assert prices.hedonic_change(sample, 50, seed()).value < 100 * np.expm1(raw) - 20


def test_the_hedonic_interval_covers_the_truth_nearly_as_often_as_it_says():
    # 400 worlds of 16 developers: Monte Carlo error of the share is 1.3 points; few clusters cost some coverage
    truth = 100 * np.expm1(-2.0)
    worlds = [prices.hedonic_change(sampled(96, 16, worlds=one), 300, seed()) for one in seed(11).spawn(400)]
    covered = np.mean([one.low <= truth <= one.high for one in worlds])
    assert 0.88 <= covered <= 0.96


def test_kennedys_term_takes_the_bias_off_the_exponential():
    # 1,000 worlds of independent errors: Monte Carlo error of the means below 0.02
    chance = np.random.default_rng(seed(5))
    design = np.column_stack([np.ones(12), np.tile([-1.0, 1.0], 6), np.repeat([0.0, 1.0], 6)])
    logs = design @ np.array([1.0, 0.5, -1.0]) + chance.normal(0, 0.8, (1000, 12))
    makers = np.arange(12).astype(str)
    parts = [prices._regression(design, one, makers, 1, seed())[:2] for one in logs]
    plain = np.mean([np.exp(point[2]) for point, _ in parts])
    corrected = np.mean([np.exp(point[2] - variance[2] / 2) for point, variance in parts])
    assert plain / np.exp(-1) == pytest.approx(np.exp(0.8**2 / 6), abs=0.04)  # V(d) = 0.64 (1/6 + 1/6), half of it
    assert corrected / np.exp(-1) == pytest.approx(1, abs=0.04)


def test_a_sample_too_small_for_a_hedonic_regression_is_not_answered():
    few = goods(("A", "2023H1", 8.0, 0), ("B", "2023H2", 4.0, 10), ("C", "2023H2", 3.0, 20))
    assert isinstance(prices.hedonic_index(few, 10, seed()), Unanswered)
    assert isinstance(prices.hedonic_change(few, 10, seed()), Unanswered)
    assert prices.hedonic_change(Unanswered("none"), 10, seed()) == Unanswered("none")
    with pytest.raises(ValueError, match="'matched'"):
        prices.hedonic_change(few, 10, seed(), "matched")


def test_the_panel_holds_every_price_in_force_at_each_half_years_end():
    panel = prices.on_sale(FEW, "2024-12-31")
    held = panel.groupby(panel.date.dt.strftime("%Y-%m-%d")).price_usd.apply(sorted).to_dict()
    assert held == {
        "2023-06-30": [60, 90], "2023-12-31": [1, 60, 90],
        "2024-06-30": [0.6, 1, 6, 60, 90], "2024-12-31": [1, 6, 12, 60, 90],
    }  # fmt: skip


def test_each_model_enters_once_in_the_half_year_of_its_first_offer():
    entered = prices.entries(FEW).set_index("arena_key")
    assert entered.period.to_dict() == {
        "anchor": "2023H1", "dear": "2023H1", "weak": "2023H2", "cheap": "2024H1", "promo": "2024H1",
    }  # fmt: skip
    assert entered.price_usd["promo"] == 0.6


def test_the_interval_of_the_lowest_price_covers_the_lowest_true_price_but_no_imagined_market():
    # 60 worlds, Monte Carlo error of a share of 95% 3 points. The census: scores carry errors, the target is the
    # lowest price among models truly at the level. The typical value over worlds is what a resampled minimum misses.
    def world(stream):
        chance = np.random.default_rng(stream)
        maker, true = np.repeat(np.arange(12), 5), chance.normal(0, 15, 60)
        date = chance.uniform(0, 1, 60)
        logs = 2 - 5 * date + chance.normal(0, 0.6, 12)[maker] + chance.normal(0, 0.5, 60)
        since = pd.Timestamp("2023-01-01") + pd.to_timedelta(1 + 728 * date, unit="D").floor("D")
        margin = true + 8 * chance.standard_normal(60) - 3 * chance.standard_normal()
        names = np.arange(60).astype(str), maker.astype(str), since, np.exp(logs)
        seen, real = (offers(ANCHOR, *zip(*names, level, np.full(60, 8.0), strict=True)) for level in (margin, true))
        return change(seen, draws=300), prices.cheapest(real, "2024-12-31").price_usd.iloc[-1]

    found, lowest = zip(*(world(stream) for stream in seed(13).spawn(60)), strict=True)
    target = 100 * ((np.array(lowest) / 60) ** (365.25 / 730) - 1)
    assert np.mean([one.low <= true <= one.high for one, true in zip(found, target, strict=True)]) >= 0.95
    typical = np.median(target)
    assert 0.3 <= np.mean([one.low <= typical <= one.high for one in found]) <= 0.75


# Demand and published figures


def served(*pairs, first="2024-05-31"):
    months = pd.date_range(first, periods=len(pairs), freq="QE-FEB")
    table = pd.DataFrame(pairs, columns=["price_usd", "tokens"]).assign(month=months)
    return table.assign(spending_usd=table.price_usd * table.tokens / 1e6)


def test_the_slope_and_its_interval_are_those_of_the_textbook():
    # scipy 1.17.1: linregress(log(p), log(q)) and t.ppf(0.975, 2) give the same four numbers
    months = served((8.0, 1.0), (4.0, 2.5), (2.0, 3.5), (1.0, 9.0))
    x, y = np.log(months.price_usd), np.log(months.tokens)
    sxx = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * y).sum() / sxx
    rest = y - y.mean() - slope * (x - x.mean())
    half = 4.302652729911275 * np.sqrt((rest**2).sum() / 2 / sxx)
    found = prices.elasticity(months, "x")
    assert (found.value, found.low, found.high) == pytest.approx((slope, slope - half, slope + half), rel=1e-9)
    assert found.n == 4 and "2 degrees of freedom" in found.method


def test_spending_that_stays_the_same_is_an_elasticity_of_minus_one():
    months = served((8.0, 1.0), (4.0, 2.0), (2.0, 4.0), (1.0, 8.0))
    assert prices.elasticity(months, "x").value == pytest.approx(-1)
    assert months.spending_usd.nunique() == 1
    scaled = months.assign(tokens=1e12 * months.tokens, price_usd=7 * months.price_usd)
    assert prices.elasticity(scaled, "x").value == pytest.approx(-1)


def test_two_months_or_an_unmoved_price_give_no_elasticity():
    assert "2 months" in prices.elasticity(served((8.0, 1.0), (4.0, 2.0)), "x").reason
    assert "not move" in prices.elasticity(served((8.0, 1.0), (8.0, 2.0), (8.0, 3.0)), "x").reason
    assert "needs 4" in prices.elasticity(served((8.0, 1.0), (4.0, 2.0), (2.0, 3.0)), "x", trend=True).reason
    assert prices.elasticity(Unanswered("no price"), "x") == Unanswered("no price")


def test_students_interval_holds_the_slope_95_times_in_100():
    # 500 worlds of five months with independent errors: Monte Carlo error one point
    chance = np.random.default_rng(seed(17))
    price = np.array([15.0, 0.6, 0.3, 0.14, 0.1])
    logs = 5 - 0.8 * np.log(price) + chance.normal(0, 0.5, (500, 5))
    found = [prices.elasticity(served(*zip(price, np.exp(one), strict=True)), "x") for one in logs]
    assert np.mean([one.low <= -0.8 <= one.high for one in found]) == pytest.approx(0.95, abs=0.03)


def test_tokens_stand_beside_the_price_in_force_at_the_end_of_their_month():
    volumes = pd.DataFrame(
        {"period_end": pd.to_datetime(["2022-12-31", "2023-12-31", "2024-06-01"]), "tokens_per_month": [1, 10, 100]}
    )
    months = prices.volumes_at_prices(volumes, prices.cheapest(FEW, "2024-12-31"))
    assert months.price_usd.tolist() == [60, 0.6] and months.tokens.tolist() == [10, 100]
    assert months.spending_usd.tolist() == pytest.approx([600e-6, 60e-6])
    assert isinstance(prices.volumes_at_prices(volumes.iloc[:0], prices.cheapest(FEW, "2024-12-31")), Unanswered)


def test_stanfords_20_dollars_to_7_cents_is_a_nineteenfold_fall_a_year():
    figures, declines = data.load("ai_index_figures", LATE), data.load("published_price_declines", LATE)
    table = prices.published_declines(figures, declines).set_index("measure")
    stanford = table.loc["GPT-3.5-equivalent MMLU 64.8, Nov 2022 to Oct 2024"]
    assert stanford.factor == pytest.approx((20 / 0.07) ** (365.25 / 701), rel=1e-12)
    assert stanford.factor == pytest.approx(19, abs=0.1) and stanford.basis == "implied"
    assert table.loc["frontier models on several benchmarks", ["low", "high"]].tolist() == [5, 10]
    assert prices.published_declines(figures.iloc[:0], declines.iloc[:0]).empty


def test_percent_a_year_become_factors_with_their_ends_in_order_above_the_published():
    own = {
        "a level": Estimate(-90.0, -95.0, -80.0, prices.UNIT, 5, "x", "resampled"),
        "asked later": Unanswered("not yet"),
    }
    cells = {"source": ["Others (2025)"], "measure": ["a test"], "factor": [np.nan], "low": [5.0], "high": [10.0]}
    published = pd.DataFrame(cells).assign(basis="printed")
    table = prices.yearly_factors(own, published)
    assert table.label.tolist() == ["a level", "Others: a test"]
    assert table.iloc[0, 2:].tolist() == pytest.approx([10, 5, 20]) and table.low[1] == 5
    assert prices.yearly_factors({"later": Unanswered("not yet")}, published) == Unanswered("not yet")
