import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from helpers import data, frontier
from helpers.inference import Unanswered
from helpers.rows import rows_of

SEED = np.random.SeedSequence(1)
POINTS = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12)


def beaten(price, score):
    """Whether another model is as cheap and as strong, and better in one of the two: the definition, in a loop."""
    return [
        any(q <= p and t >= s and (q < p or t > s) for q, t in zip(price, score, strict=True))
        for p, s in zip(price, score, strict=True)
    ]


def models(**columns):
    count = len(columns["score"])
    about = {"arena_key": [f"m{k}" for k in range(count)], "developer": "Other", "error": 5.0, "name": "m"}
    return pd.DataFrame({**about, **columns})


def probability(rows, names, draws):
    """Probability that one of some models is on the frontier."""
    return frontier.frontier_probabilities(rows, {"": names}, frontier.drawn_scores(rows, draws, SEED))[""]


@given(POINTS)
def test_the_frontier_agrees_with_a_brute_force_loop(points):
    price, score = np.array(points, float).T
    assert frontier.on_frontier(price, score).tolist() == [not lost for lost in beaten(price, score)]


@given(POINTS)
def test_a_beaten_model_added_changes_nothing(points):
    price, score = np.array(points, float).T
    more = frontier.on_frontier(np.append(price, price[0] + 1), np.append(score, score[0] - 1))
    assert not more[-1]
    assert more[:-1].tolist() == frontier.on_frontier(price, score).tolist()


@given(POINTS, st.randoms(use_true_random=False))
def test_order_scale_and_shift_change_nothing(points, random):
    price, score = np.array(points, float).T
    order = list(range(len(price)))
    random.shuffle(order)
    moved = frontier.on_frontier(3 * price[order], score[order] + 1000)
    assert moved.tolist() == frontier.on_frontier(price, score)[order].tolist()


def test_draws_are_judged_each_by_itself():
    price = np.array([2.0, 1.0, 1.0, 3.0])
    score = np.random.default_rng(0).normal(size=(50, 4)).round(1)
    together = frontier.on_frontier(price, score)
    assert together.tolist() == [[not lost for lost in beaten(price, row)] for row in score]


@pytest.mark.parametrize("price, score", [([1.0, np.nan], [1.0, 2.0]), ([1.0, 2.0], [np.inf, 1.0])])
def test_a_model_without_price_or_score_is_refused(price, score):
    with pytest.raises(ValueError, match="needs a price and a score"):
        frontier.on_frontier(np.array(price), np.array(score))


def test_the_probability_agrees_with_its_closed_form():
    # two models: the dear one is on the frontier when it scores higher, P = Phi(d / (error * sqrt 2))
    rows = models(score=[100.0, 105.0], output_usd_per_mtok=[1.0, 2.0])
    found = probability(rows, ["m1"], 20_000)
    assert found.low < 0.76025 < found.high
    assert probability(rows, ["m0"], 100).value == 1.0


def test_membership_of_one_model_is_its_frontier_probability():
    rows = models(score=[100.0, 105.0, 103.0], output_usd_per_mtok=[1.0, 2.0, 2.0])
    table = frontier.membership(rows, frontier.drawn_scores(rows, 2_000, SEED))
    assert table.probability[2] == probability(rows, ["m2"], 2_000).value


def test_the_same_seed_gives_the_same_draws_and_another_one_others():
    rows = models(score=[100.0, 105.0], output_usd_per_mtok=[1.0, 2.0])
    one, same, other = (frontier.drawn_scores(rows, 10, np.random.SeedSequence(k)) for k in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_a_score_difference_has_the_interval_of_two_independent_errors():
    rows = models(score=[100.0, 90.0], error=[3.0, 4.0])
    found = frontier.score_difference(rows, "m0", "m1")
    assert found.value == 10.0
    assert found.high - found.low == pytest.approx(2 * 1.959964 * 5)


def test_the_interval_of_a_score_difference_covers_at_its_rate():
    generator, truth, hits = np.random.default_rng(20250214), 7.0, 0
    for noise in generator.normal(scale=[3.0, 4.0], size=(2_000, 2)):
        rows = models(score=[100.0 + truth + noise[0], 100.0 + noise[1]], error=[3.0, 4.0])
        found = frontier.score_difference(rows, "m0", "m1")
        hits += found.low <= truth <= found.high
    # Monte Carlo error of a rate of 95% in 2,000 trials is half a point
    assert abs(hits / 2_000 - 0.95) < 0.015


def test_a_premium_is_the_median_ratio_to_the_cheapest_model_as_good():
    rows = models(
        score=[100.0, 90.0, 95.0, 120.0], output_usd_per_mtok=[10.0, 6.0, 2.0, 50.0], error=1e-6,
        developer=["A", "A", "B", "A"],
    )  # fmt: skip
    # the three ratios are 10/10, 6/2 and 50/50; against rivals only the second is left
    assert frontier.premium(rows, "A", frontier.drawn_scores(rows, 100, SEED)).value == 1.0
    over_rivals = frontier.premium(rows, "A", frontier.drawn_scores(rows, 100, SEED), rivals_only=True)
    assert (over_rivals.value, over_rivals.n) == (3.0, 1)


def test_a_premium_over_rivals_can_be_a_discount():
    rows = models(score=[100.0, 110.0], output_usd_per_mtok=[1.0, 4.0], error=1e-6, developer=["A", "B"])
    assert frontier.premium(rows, "A", frontier.drawn_scores(rows, 100, SEED), rivals_only=True).value == 0.25


def test_a_model_stands_next_to_the_best_one_that_costs_no_more():
    rows = models(
        score=[100.0, 107.0, 103.0], output_usd_per_mtok=[1.0, 3.0, 2.0], name=["A", "B", "C"],
        on_frontier=[True, True, True], probability=[1.0, 0.7, 0.6],
    )  # fmt: skip
    assert "on the frontier by the point scores: 4 points from C, the best of the 2" in frontier.standing(rows, "m1")
    assert "cheapest" in frontier.standing(rows, "m0")
    assert frontier.standing(rows, "m9") == "m9 is not on the board."


def test_what_is_not_on_the_board_is_not_answered():
    rows = models(score=[100.0], output_usd_per_mtok=[1.0], developer=["A"])
    for found in (
        probability(rows, ["m9"], 10),
        frontier.score_difference(rows, "m0", "m9"),
        frontier.premium(rows, "B", frontier.drawn_scores(rows, 10, SEED)),
        frontier.premium(rows, "A", frontier.drawn_scores(rows, 10, SEED), rivals_only=True),
    ):
        assert isinstance(found, Unanswered)


def test_a_price_in_force_is_the_last_accepted_one_by_the_day():
    rows = [
        ("m", "2025-01-01", 5.0, "vendor list"),
        ("m", "2025-02-01", 4.0, "third-party join"),
        ("m", "2025-03-01", 3.0, "vendor list"),
    ]
    prices = pd.DataFrame(rows, columns=["arena_key", "effective_date", "output_usd_per_mtok", "price_basis"])
    prices["effective_date"] = pd.to_datetime(prices.effective_date)
    assert frontier.prices_in_force(prices, "2025-02-14").output_usd_per_mtok.tolist() == [5.0]
    assert frontier.prices_in_force(prices, "2025-03-01").output_usd_per_mtok.tolist() == [3.0]
    assert frontier.prices_in_force(prices, "2024-12-31").empty


def scores(rows):
    table = pd.DataFrame(rows, columns=["board_date", "arena_key", "score", "score_low", "score_high"])
    return table.assign(board_date=pd.to_datetime(table.board_date), style_control=False, open_weights=True)


def test_a_missing_interval_is_borrowed_from_the_nearest_earlier_board():
    nan = np.nan
    table = scores(
        [
            ("2025-01-01", "a", 1.0, 0.0, 2.0), ("2025-01-15", "a", 1.0, -1.0, 3.0), ("2025-02-01", "a", 1.0, nan, nan),
            ("2025-03-01", "a", 1.0, 0.9, 1.1), ("2025-02-01", "b", 9.0, 8.0, 10.0), ("2025-02-01", "c", 5.0, nan, nan),
        ]
    )  # fmt: skip
    found = frontier.board(table, "2025-02-01").set_index("arena_key")
    assert found.error["a"] == pytest.approx(4 / (2 * 1.959964))
    assert f"{found.interval_from['a']:%Y-%m-%d}" == "2025-01-15"
    # one that never had an interval gets the widest
    assert found.error["c"] == found.error["a"] and pd.isna(found.interval_from["c"])


def test_a_board_that_is_not_known_yet_or_has_no_interval_is_not_answered():
    table = scores([("2023-05-22", "a", 1.0, np.nan, np.nan)])
    assert isinstance(frontier.board(table, "2023-05-22"), Unanswered)
    assert isinstance(frontier.board(table, "2025-02-14"), Unanswered)
    assert isinstance(frontier.priced(Unanswered("no board"), table, table), Unanswered)


def cut(table, name, first):
    """A table as it comes from the data: its index holds positions, which no other numbering gives."""
    table = table.set_axis(range(first, first + len(table)))
    table.attrs["table"] = name
    return table


def entered(source):
    """Positions, by table, of the rows from which something was made."""
    return {table: positions.tolist() for table, positions in rows_of(source).positions().items()}


def market():
    """A board of three models, of which one borrows its interval and one never had one, with prices and names."""
    nan = np.nan
    table = scores([("2025-01-15", "a", 1.0, -1.0, 3.0), ("2025-02-01", "a", 1.0, nan, nan),
                    ("2025-02-01", "b", 9.0, 8.0, 10.0), ("2025-02-01", "c", 5.0, nan, nan),
                    ("2025-02-01", "x", 7.0, 7.0, 7.0)])  # fmt: skip
    keys = ["c", "b", "a"]
    prices = cut(pd.DataFrame({"arena_key": keys, "output_usd_per_mtok": [3.0, 2.0, 1.0]}), "prices", 20)
    catalogue = pd.DataFrame({"arena_key": keys, "name": keys, "developer": ["C", "B", "A"]})
    return frontier.board(cut(table, "scores", 10), "2025-02-01"), prices, cut(catalogue, "models", 30)


def test_a_difference_of_scores_carries_two_scores_and_the_intervals_that_they_borrow():
    board, _, _ = market()
    assert entered(frontier.score_difference(board, "b", "x")) == {"scores": [12, 14]}
    assert entered(frontier.score_difference(board, "a", "b")) == {"scores": [10, 11, 12]}
    # c never had an interval: that of a, the widest, stands for it
    assert entered(frontier.score_difference(board, "b", "c")) == {"scores": [10, 11, 12, 13]}


def test_a_frontier_carries_the_priced_models_of_its_board_and_no_others():
    board, prices, catalogue = market()
    models = frontier.priced(board, prices, catalogue)
    drawn = frontier.drawn_scores(models, 100, SEED)
    everything = {"models": [30, 31, 32], "prices": [20, 21, 22], "scores": [10, 11, 12, 13]}
    chance = frontier.frontier_probabilities(models, {"": ["b"]}, drawn)[""]
    assert entered(chance) == entered(frontier.premium(models, "B", drawn)) == everything
    some = frontier.priced(board, prices[prices.arena_key != "c"], catalogue)
    few = {"models": [31, 32], "prices": [21, 22], "scores": [10, 11, 12]}
    assert entered(frontier.premium(some, "B", frontier.drawn_scores(some, 100, SEED))) == few


def test_a_model_takes_the_price_and_name_of_another_and_carries_their_rows():
    board, prices, catalogue = market()
    found = frontier.priced(board, prices, catalogue, {"c": "x"}).set_index("arena_key")
    assert (
        found.loc["x", ["name", "output_usd_per_mtok", "score"]].tolist() == ["c", 3.0, 7.0] and "c" not in found.index
    )
    models = frontier.priced(board, prices, catalogue, {"c": "x"})
    assert entered(models[models.arena_key == "x"]) == {"models": [30], "prices": [20], "scores": [14]}


def test_another_offer_in_the_place_of_a_price_is_among_the_rows_of_that_model_alone():
    board, prices, catalogue = market()
    offers = cut(pd.DataFrame({"model": ["o", "p"], "output_usd_per_mtok": [8.0, 9.0]}), "offers", 40)
    dear = frontier.repriced(prices, "b", offers[offers.model == "p"])
    assert dear.output_usd_per_mtok.tolist() == [3.0, 9.0, 1.0]
    models = frontier.priced(board, dear, catalogue)
    assert entered(models[models.arena_key == "b"]) == {"models": [31], "offers": [41], "prices": [21], "scores": [12]}
    assert "offers" not in entered(models[models.arena_key != "b"])
    missing = frontier.repriced(prices, "b", offers[:0])
    assert isinstance(missing, Unanswered) and frontier.priced(board, missing, catalogue) is missing


def test_prices_of_a_day_carry_the_offers_that_made_them():
    columns = ["arena_key", "effective_date", "output_usd_per_mtok", "price_basis"]
    rows = [("a", "2024-06-01", 5.0), ("a", "2025-01-01", 4.0), ("a", "2025-03-01", 3.0), ("b", "2025-03-01", 2.0)]
    prices = pd.DataFrame([(*row, "vendor list") for row in rows], columns=columns)
    prices = cut(prices.assign(effective_date=pd.to_datetime(prices.effective_date)), "prices", 10)
    assert entered(frontier.prices_in_force(prices, "2025-02-14")) == {"prices": [11]}
    released = pd.DataFrame({"arena_key": ["b", "a"], "release_date": pd.Timestamp("2024-05-01")})
    lowest = frontier.lowest_so_far(prices, cut(released, "models", 20), "2025-02-14")
    assert entered(lowest) == {"models": [20, 21], "prices": [10, 11, 13]}
    assert entered(lowest[lowest.arena_key == "b"]) == {"models": [20], "prices": [13]}


def test_r1_is_on_the_note_days_frontier_by_the_point_scores():
    day = "2025-02-14"
    plotted = data.load("plotted_models", day)
    listed = plotted.assign(output_usd_per_mtok=plotted.list_output_usd_per_mtok)
    names = frontier.names(plotted, data.load("models", day))
    found = frontier.priced(frontier.board(data.load("arena_scores", day), day), listed, names)
    assert len(found) == 37
    edge = found[found.on_frontier].arena_key.tolist()
    assert {"deepseek-r1", "gemini-2.0-flash-001", "chatgpt-4o-latest-20241120"} <= set(edge)
    assert "deepseek-v3" not in edge


def on_upper_hull(price, score):
    """Vertices of the convex hull that lie up and to the left, by scipy's hull: a second implementation."""
    x, floor = np.log(price), min(score) - 1.0
    corners = np.array([*zip(x, score, strict=True), (x.min(), floor), (x.max() + 1, floor), (x.max() + 1, max(score))])
    vertices = {tuple(corners[k]) for k in ConvexHull(corners).vertices}
    return [(a, b) in vertices for a, b in zip(x, score, strict=True)]


def test_the_hull_agrees_with_a_second_implementation_in_every_draw():
    generator = np.random.default_rng(11)
    price = generator.uniform(0.1, 50, 9)
    score = generator.normal(1250 + 20 * np.log(price), 30, size=(40, 9))
    found = frontier.on_hull(price, score)
    assert found.tolist() == [on_upper_hull(price, row) for row in score]
    assert not (found & ~frontier.on_frontier(price, score)).any()


def test_probabilities_of_groups_come_from_one_set_of_draws():
    rows = models(score=[100.0, 105.0, 103.0], output_usd_per_mtok=[1.0, 2.0, 2.0])
    found = frontier.frontier_probabilities(
        rows, {"one": ["m1"], "both": ["m1", "m2"], "none": ["m9"]}, frontier.drawn_scores(rows, 2_000, SEED)
    )
    assert found["one"] == probability(rows, ["m1"], 2_000)
    assert found["both"].value >= found["one"].value and isinstance(found["none"], Unanswered)


def brute_premium(price, own, scores, rivals):
    """Median ratio of own prices to the cheapest one that reaches their score, in loops; missing where none does."""
    ratios = []
    for k in np.flatnonzero(own):
        reach = [price[j] for j in range(len(price)) if rivals[j] and scores[j] >= scores[k]]
        if reach:
            ratios.append(price[k] / min(reach))
    return np.median(ratios) if ratios else np.nan


@pytest.mark.parametrize("rivals_only", [False, True])
def test_premiums_of_draws_agree_with_a_brute_force_loop(rivals_only):
    generator = np.random.default_rng(3)
    rows = models(
        score=generator.normal(100, 5, 12).round(), output_usd_per_mtok=generator.choice([1.0, 2, 4, 8, 16], 12),
        developer=["A", "B", "C"] * 4,
    )  # fmt: skip
    own, price = (rows.developer == "A").to_numpy(), rows.output_usd_per_mtok.to_numpy()
    rivals = ~own if rivals_only else np.ones(12, bool)
    found = frontier.premium(rows, "A", frontier.drawn_scores(rows, 200, SEED), rivals_only)
    drawn = [brute_premium(price, own, draw, rivals) for draw in frontier.drawn_scores(rows, 200, SEED)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    assert found.value == brute_premium(price, own, rows.score.to_numpy(), rivals)
    assert (found.low, found.high) == (min(low, found.value), max(high, found.value))


def offers():
    rows = [
        ("old", "2023-03-01", 60.0, "vendor list"), ("late", "2024-10-16", 2.0, "vendor list"),
        ("late", "2025-01-01", 1.0, "vendor list"), ("new", "2024-12-01", 5.0, "vendor list"),
        ("new", "2025-01-15", 9.0, "vendor list"), ("guess", "2024-10-16", 0.1, "imputed from size"),
    ]  # fmt: skip
    prices = pd.DataFrame(rows, columns=["arena_key", "effective_date", "output_usd_per_mtok", "price_basis"])
    prices["effective_date"] = pd.to_datetime(prices.effective_date)
    released = {"old": "2023-03-01", "late": "2023-12-01", "new": "2024-12-01", "guess": "2023-01-01"}
    catalogue = pd.DataFrame({"arena_key": list(released), "release_date": pd.to_datetime(list(released.values()))})
    return prices, catalogue.assign(name=catalogue.arena_key, developer="Other")


def test_the_lowest_price_so_far_carries_the_first_known_one_back_to_the_release():
    found = frontier.lowest_so_far(*offers(), "2024-01-31").set_index("arena_key")
    assert found.output_usd_per_mtok.to_dict() == {"old": 60.0, "late": 2.0}
    assert found.carried_back.to_dict() == {"old": False, "late": True}
    later = frontier.lowest_so_far(*offers(), "2025-02-14").set_index("arena_key")
    assert later.output_usd_per_mtok.to_dict() == {"old": 60.0, "late": 1.0, "new": 5.0}
    assert not later.carried_back.any()


def cheapest(rows, level):
    return rows[rows.score >= level].output_usd_per_mtok.min()


def test_the_cheapest_price_of_a_score_never_rises_with_time():
    day = "2025-02-14"
    known = {name: data.load(name, day) for name in ("arena_scores", "model_prices", "models")}
    days = ["2023-06-30", "2024-01-31", "2024-06-30", "2024-12-31"]
    board = frontier.board(known["arena_scores"], day)
    found = frontier.path(board, known["model_prices"], known["models"], [*days, "2025-06-30"])
    panels = [rows for _, rows in found.groupby("day")]
    assert [f"{rows.day.iloc[0]:%Y-%m-%d}" for rows in panels] == [*days, day]
    for before, after in itertools.pairwise(panels):
        assert all(cheapest(after, level) <= cheapest(before, level) for level in before.score)
    assert isinstance(frontier.path(board, known["model_prices"].iloc[:0], known["models"], days), Unanswered)


def test_the_newest_board_is_not_one_cut_to_its_top_and_has_style_control_where_there_are_both():
    table = scores([("2025-01-01", "a", 1.0, 0.0, 2.0), ("2025-02-01", "a", 1.0, 0.0, 2.0)])
    both = pd.concat([table, table.assign(style_control=True)])
    about = pd.DataFrame({"board_date": ["2025-01-01"] * 2 + ["2025-02-01"], "style_control": [False, True, False],
                          "membership": ["full", "full", "top 150 only"]})  # fmt: skip
    about = about.assign(board_date=pd.to_datetime(about.board_date))
    found = frontier.newest(both, about)
    assert frontier.told_board(found) == "board of 2025-01-01, style control, members: full"
    assert isinstance(frontier.newest(both, about, "2025-01-01"), Unanswered)


def test_price_conventions_name_the_models_whose_prices_differ():
    plotted = pd.DataFrame({"arena_key": ["old", "new"], "name": ["Old", "New"], "output_usd_per_mtok": [60.0, 9.0],
                            "list_output_usd_per_mtok": [60.0, 9.0]})  # fmt: skip
    prices = offers()[0].assign(note="cited: somewhere; a promotion")
    found = frontier.price_conventions(plotted, prices, "2025-02-14")
    assert found.values.tolist() == [["New", 9.0, 9.0, 9.0, 5.0, "a promotion"]]
    assert isinstance(frontier.price_conventions(plotted.iloc[:0], prices, "2025-02-14"), Unanswered)


def test_a_name_stands_for_each_of_its_models_in_turn():
    rows = models(score=[100.0, 120.0], output_usd_per_mtok=[1.0, 10.0], error=1e-6)
    whole = pd.concat([rows, models(score=[90.0]).assign(arena_key="older", error=1e-6)], ignore_index=True)
    prices = {"m1": 10.0, "older": 5.0, "missing": 5.0}
    found = frontier.by_name(rows, whole, "m1", prices, "m0", (-25, 5), 50, SEED).set_index("name")
    assert found["rival's lead"].to_dict() == {"m1": -20.0, "older": 10.0}
    assert found["against the range"].to_dict() == {"m1": "inside", "older": "outside"}
    assert found["name on frontier"].to_dict() == {"m1": 1.0, "older": 0.0}
    assert isinstance(frontier.by_name(rows, whole, "m1", {"x": 1.0}, "m0", (-1, 1), 5, SEED), Unanswered)


# Properties

RISING = {
    "logarithm": np.log,
    "cube": lambda values: np.asarray(values) ** 3,
    "tiny steps": lambda values: 1 + np.asarray(values) * 1e-12,
    "ranks": lambda values: np.searchsorted(np.unique(values), values).astype(float),
}


@given(POINTS, st.sampled_from(sorted(RISING)), st.sampled_from(sorted(RISING)))
def test_the_frontier_hangs_on_the_order_of_prices_and_scores_and_on_nothing_else(points, one, other):
    price, score = np.array(points, float).T
    found = frontier.on_frontier(RISING[one](price), RISING[other](score + 1))
    assert found.tolist() == frontier.on_frontier(price, score).tolist()


@given(POINTS, st.tuples(st.integers(0, 7), st.integers(-1, 7)))
def test_a_new_model_takes_off_the_frontier_exactly_those_that_it_beats(points, new):
    price, score = np.array(points, float).T
    before = frontier.on_frontier(price, score)
    after = frontier.on_frontier(np.append(price, new[0]), np.append(score, new[1]))
    beats = [new[0] <= p and new[1] >= s and (new[0] < p or new[1] > s) for p, s in points]
    assert after[:-1].tolist() == (before & ~np.array(beats)).tolist()
    others = [p <= new[0] and s >= new[1] and (p < new[0] or s > new[1]) for p, s in points]
    assert after[-1] == (not any(others))


@given(POINTS)
def test_the_frontier_of_the_frontier_is_itself_and_beats_all_others(points):
    price, score = np.array(points, float).T
    member = frontier.on_frontier(price, score)
    assert member.any() and frontier.on_frontier(price[member], score[member]).all()
    for p, s in zip(price[~member], score[~member], strict=True):
        assert ((price[member] <= p) & (score[member] >= s)).any()
    # on it, more money always buys a better score
    steps = sorted(set(zip(price[member], score[member], strict=True)))
    assert all(cheap[1] < dear[1] for cheap, dear in itertools.pairwise(steps))


@given(POINTS)
def test_models_of_one_price_and_score_are_on_the_frontier_together(points):
    price, score = np.array(points + points[::-1], float).T
    member = frontier.on_frontier(price, score)
    assert member.tolist() == member[::-1].tolist()
    assert member[: len(points)].tolist() == frontier.on_frontier(price[: len(points)], score[: len(points)]).tolist()


BOARDS = st.integers(1, 6).flatmap(
    lambda count: st.tuples(
        st.lists(st.integers(1, 4), min_size=count, max_size=count),
        st.lists(st.lists(st.integers(0, 4), min_size=count, max_size=count), min_size=1, max_size=6),
    )
)


@given(BOARDS, st.randoms(use_true_random=False))
def test_membership_is_the_share_of_draws_that_a_brute_force_loop_counts_in_any_order_of_rows(board, random):
    price, draws = board
    rows = models(score=np.zeros(len(price)), output_usd_per_mtok=np.array(price, float))
    drawn = np.asfortranarray(np.array(draws, float))
    expected = np.mean([[not lost for lost in beaten(price, row)] for row in draws], axis=0)
    assert frontier.membership(rows, drawn).probability.tolist() == expected.tolist()
    order = list(range(len(price)))
    random.shuffle(order)
    moved = frontier.membership(rows.iloc[order], drawn[:, order])
    assert moved.set_index("arena_key").probability.to_dict() == dict(zip(rows.arena_key, expected, strict=True))
    some = rows.arena_key[: 1 + len(price) // 2].tolist()
    hits = [any(not lost for lost in beaten(price, row)[: len(some)]) for row in draws]
    assert frontier.frontier_probabilities(rows, {"": some}, drawn)[""].value == pytest.approx(np.mean(hits))


# each step dearer and better than the last, and sometimes not better
STAIRS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=3, max_size=6)


@given(STAIRS, st.floats(0.001, 1000), st.floats(0.1, 10))
def test_a_model_is_on_the_hull_when_no_line_between_two_of_the_frontier_passes_above_it_in_any_unit(
    points, unit, stretch
):
    price, score = np.array(points, float).cumsum(axis=0).T
    x, member = np.log(price), frontier.on_frontier(price, score)
    hull, expected = frontier.on_hull(price, score), member.copy()
    near = False
    for i, j, k in itertools.permutations(np.flatnonzero(member), 3):
        if x[i] < x[j] < x[k]:
            above = score[i] + (score[k] - score[i]) * (x[j] - x[i]) / (x[k] - x[i]) - score[j]
            expected[j] &= above <= 0
            # on the line itself it may fall either way in another unit
            near |= abs(above) < 1e-9
    if not near:
        assert hull.tolist() == expected.tolist()
        assert frontier.on_hull(unit * price, stretch * score).tolist() == hull.tolist()
        assert frontier.on_hull(price[hull], score[hull]).all()


OFFERS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.integers(1, 20),
        st.integers(1, 9),
        st.sampled_from(["vendor list", "host price", "x"]),
    ),
    max_size=10,
    unique_by=lambda row: row[:2],
)


@given(OFFERS, st.integers(1, 20), st.randoms(use_true_random=False))
def test_prices_in_force_are_the_last_ones_and_no_later_or_doubtful_row_matters(rows, day, random):
    def table(kept):
        told = pd.DataFrame(kept, columns=["arena_key", "effective_date", "output_usd_per_mtok", "price_basis"])
        return told.assign(effective_date=pd.Timestamp("2025-01-01") + pd.to_timedelta(told.effective_date, unit="D"))

    asked = f"{pd.Timestamp('2025-01-01') + pd.Timedelta(days=day):%Y-%m-%d}"
    expected = {}
    for key, since, price, basis in sorted(rows, key=lambda row: row[1]):
        if since <= day and basis != "x":
            expected[key] = price
    shuffled = list(rows)
    random.shuffle(shuffled)
    for kept in (rows, shuffled, [row for row in rows if row[1] <= day and row[3] != "x"]):
        found = frontier.prices_in_force(table(kept), asked).set_index("arena_key")
        assert found.output_usd_per_mtok.to_dict() == expected
