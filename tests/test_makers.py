import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy import stats

from helpers import charts, data, frontier, makers
from helpers.inference import NOT_CHECKABLE, Estimate, Unanswered
from helpers.rows import rows_of

LATE, NOTE = "2026-10-02", "2025-02-14"
SIZES = [(5, 5, 0.0), (1, 20, 0.0), (20, 1, 0.0), (8, 8, 4.0), (3, 3, 60.0)]


@pytest.fixture(scope="module")
def figures():
    return data.load("ai_index_figures", LATE)


@pytest.fixture(scope="module")
def counts(figures):
    return makers.by_maker(figures)


def counted(year, report="A", known="2024-04-15", **by_maker):
    row = {"report": report, "year": year, "known_on": pd.Timestamp(known)} | dict.fromkeys(makers.MAKERS, 0.0)
    total = sum(by_maker.values())
    return row | by_maker | {"total": float(total), "n": total}


def published(metric, *rows):
    columns = ["category", "period_end", "value"]
    table = pd.DataFrame(rows, columns=columns).assign(report="A", metric=metric, known_on=pd.Timestamp("2024-04-15"))
    return table.assign(period_end=pd.to_datetime(table.period_end), period_start=pd.NaT)


def as_known(table, day):
    return table[table.known_on <= day]


def side(scores, error=5.0):
    scores = np.atleast_1d(np.asarray(scores, float))
    return scores, np.broadcast_to(np.asarray(error, float), scores.shape)


def released(*rows):
    table = pd.DataFrame(rows, columns=["arena_key", "developer", "release_date", "open_weights"])
    return table.assign(release_date=pd.to_datetime(table.release_date))


def cut(table, name):
    """A table as it comes from the data: its index holds positions, which no other numbering gives."""
    table = table.set_axis(range(100, 100 + len(table)))
    table.attrs["table"] = name
    return table


def entered(estimate, name="t"):
    """Positions of the rows from which a number was made."""
    return rows_of(estimate).positions()[name].tolist()


def test_the_ai_index_of_2024_counted_51_of_89_and_its_interval_crosses_half(figures):
    # 89 = 51 industry, 15 academia, 21 together, 2 government (AI Index 2024, chapter 1); Wilson by its formula
    found = makers.industry_share(makers.by_maker(as_known(figures, NOTE)))
    p, n, z = 51 / 89, 89, stats.norm.ppf(0.975)
    middle, half = p + z * z / 2 / n, z * np.sqrt(p * (1 - p) / n + z * z / 4 / n**2)
    assert found.n == 89 and found.value == pytest.approx(100 * p)
    ends = [100 * (middle - half) / (1 + z * z / n), 100 * (middle + half) / (1 + z * z / n)]
    assert [found.low, found.high] == pytest.approx(ends, abs=1e-9)
    assert found.low < 50 < found.high


def test_the_ai_index_of_2025_printed_90_16_percent_of_61(counts):
    found = makers.industry_share(counts)
    assert (round(found.value, 2), found.n) == (90.16, 61)


def test_epochs_yearly_totals_are_those_that_the_ai_index_of_2025_printed(figures, counts):
    printed = figures[figures.metric == "Notable AI models, total"].set_index("period_end").value
    printed.index = printed.index.year
    newest = counts.drop_duplicates("year", keep="last").set_index("year").total
    assert len(printed) == 11 and (newest[printed.index] == printed).all()


def test_the_industry_count_of_2023_moved_from_51_to_61_between_vintages(counts):
    moved = makers.drift(counts).set_index(["year", "maker"])
    assert moved.loc[(2023, "industry"), ["first", "newest", "change"]].tolist() == [51, 61, 10]
    assert moved.loc[(2023, "total"), "change"] == 16
    assert set(moved.index.get_level_values("year")) == {2023, 2024}


def test_work_of_industry_with_anyone_is_joint_and_the_rest_is_other():
    kinds = ["Industry-government", "Other mixed: Academia+Industry", "Other mixed: Academia+Government", "Unknown"]
    rows = [(kind, "2023-12-31", value) for kind, value in zip(["Industry", *kinds], [5, 1, 2, 4, 8], strict=True)]
    found = makers.by_maker(published("Notable AI models by sector", *rows)).iloc[0]
    assert (found.industry, found.joint, found.other, found.total) == (5, 3, 12, 20)


def test_the_newest_vintage_counts_and_the_first_one_only_when_asked_for():
    old, new = counted(2023, industry=5, academia=5), counted(2023, "B", "2025-02-24", industry=9, academia=1)
    for rows in ([old, new], [new, old]):
        assert makers.industry_share(pd.DataFrame(rows)).value == 90
        assert makers.industry_share(pd.DataFrame(rows), first=True).value == 50
    assert isinstance(makers.industry_share(pd.DataFrame([new]), first=True), Unanswered)


def test_joint_work_pooled_years_and_a_census_are_other_arguments_of_the_same_share():
    rows = pd.DataFrame([counted(2022, industry=1, academia=9), counted(2023, industry=5, joint=3, academia=2)])
    assert makers.industry_share(rows, joint=True).value == 80
    assert makers.industry_share(rows, years=2).value == 30 and makers.industry_share(rows, years=2).n == 20
    assert makers.industry_share(rows, 2022).value == 10
    assert makers.industry_share(rows, sampled=False).is_exact
    assert isinstance(makers.industry_share(rows, years=3), Unanswered)
    assert isinstance(makers.industry_share(rows.iloc[:0]), Unanswered)


def test_a_share_of_industry_carries_the_figures_of_its_years_and_vintage_alone():
    cells = [("A", 2022, "Industry", 4), ("A", 2023, "Industry", 5), ("A", 2023, "Academia", 5)]
    cells += [("B", 2023, "Industry", 9), ("B", 2023, "Unknown", 1), ("B", 2022, "Academia", 6)]
    figures = pd.DataFrame(cells, columns=["report", "year", "category", "value"]).assign(
        metric="Notable AI models by sector"
    )
    days = pd.to_datetime(figures.report.map({"A": "2024-04-15", "B": "2025-04-30"}))
    figures = cut(figures.assign(period_end=pd.to_datetime(figures.year.astype(str) + "-12-31"), known_on=days), "t")
    counts = makers.by_maker(figures)
    assert entered(makers.industry_share(counts)) == [103, 104]
    assert entered(makers.industry_share(counts, joint=True)) == [103, 104]
    assert entered(makers.industry_share(counts, 2022, sampled=False)) == [105]
    assert entered(makers.industry_share(counts, years=2)) == [103, 104, 105]
    # that a vintage is the first one is known from the later one
    assert entered(makers.industry_share(counts, first=True)) == [101, 102, 103, 104]
    assert rows_of(makers.drift(counts)).positions()["t"].tolist() == list(range(100, 106))


def test_makers_by_name_and_by_developer_carry_the_models_of_the_year():
    names = {"organization": ["A", "MIT University", "B"], "training_compute_flop": [1.0, 2.0, 3.0]}
    days = pd.to_datetime(["2023-05-01", "2022-05-01", "2023-06-01"])
    compute = cut(pd.DataFrame(names | {"published": days, "known_on": pd.Timestamp("2025-02-24")}), "t")
    weighted = makers.by_name(compute, "training_compute_flop")
    for counts in (makers.by_name(compute), weighted):
        assert entered(makers.industry_share(counts, sampled=False)) == [100, 102]
        assert entered(makers.industry_share(counts, 2022, sampled=False)) == [101]
    seen = released(("a", "A", "2023-05-01", True), ("b", None, "2023-06-01", None), ("c", "C", "2022-07-01", False))
    seen = cut(seen, "t")
    assert entered(makers.industry_share(makers.by_developer(seen, NOTE))) == [100]
    opened = makers.open_by_year(seen.assign(opened=seen.open_weights), "release_date", "models", NOTE)
    assert entered(makers.open_share_change(opened)) == [100, 102]
    assert makers.last_year(opened) == 2023 and makers.last_year(opened[:0]) is None


def test_a_change_of_openness_carries_the_number_of_models_that_it_was_inferred_from():
    shares = published("Foundation models, share by access",
                       ("Open", "2021-12-31", 33.3), ("Limited", "2023-12-31", 10.0), ("Open", "2023-12-31", 65.7),
                       ("Open", "2022-12-31", 44.4))  # fmt: skip
    totals = published("Foundation models released", ("All", "2023-12-31", 149), ("All", "2018-12-31", 9))
    shares = makers.foundation_models(cut(pd.concat([shares, totals]), "t"))
    assert entered(makers.open_share_change(shares)) == [102, 103, 104]
    assert entered(makers.open_share_change(shares, sampled=False)) == [102, 103]
    assert entered(makers.open_share_change(shares, 2022, sampled=False)) == [100, 103]
    # the number of 2022 alone rests on the share and the number of the year after
    assert rows_of(shares[shares.year == 2022]).positions()["t"].tolist() == [102, 103, 104]


def test_rows_known_later_change_no_share(figures):
    early = makers.by_maker(as_known(figures, NOTE))
    assert early.year.tolist() == [2023] and early.report.tolist() == ["AI Index 2024"]
    assert makers.industry_share(makers.by_maker(data.load("ai_index_figures", NOTE))) == makers.industry_share(early)


def test_names_tell_makers_much_as_epoch_does(counts):
    # Epoch's sectors of the same day are of all notable models, these of the ones with known compute
    compute = data.load("training_compute", LATE)
    named = makers.by_name(compute).set_index("year")
    epoch = counts[counts.report.str.startswith("Epoch")].set_index("year").loc[named.index]
    assert 2025 not in named.index and named.n.sum() == (compute.published.dt.year < 2025).sum()
    apart = named.industry.sum() / named.total.sum() - epoch.industry.sum() / epoch.total.sum()
    assert abs(apart) < 0.05


@pytest.mark.parametrize(
    "names, kind",
    [
        ("Google,DeepMind", "industry"),
        ("Tsinghua University,Zhipu AI", "joint"),
        ("Massachusetts Institute of Technology (MIT),Westlake University", "academia"),
        ("Toyota Research Institute", "industry"),
    ],
)
def test_a_model_is_told_by_the_names_of_all_its_makers(names, kind):
    cells = {"organization": [names], "published": [pd.Timestamp("2023-05-01")], "training_compute_flop": [3.0]}
    compute = pd.DataFrame(cells | {"known_on": [pd.Timestamp("2025-02-24")]})
    assert makers.by_name(compute)[kind].item() == 1
    weighed = makers.by_name(compute, "training_compute_flop")
    assert weighed[kind].item() == 3 and weighed.n.item() == 1


def test_a_year_that_is_not_over_is_not_counted():
    rows = released(("a", "OpenAI", "2023-05-01", False), ("b", "LMSYS", "2024-12-31", True))
    before, on = (makers.by_developer(rows, day).year.tolist() for day in ("2024-12-30", "2024-12-31"))
    assert (before, on) == ([2023], [2023, 2024])
    opened = makers.open_by_year(rows.assign(opened=rows.open_weights), "release_date", "models", "2024-12-30")
    assert opened.year.tolist() == [2023]
    late = rows.assign(opened=rows.open_weights, known_on=pd.Timestamp("2024-06-01"))
    assert makers.open_by_year(late, "release_date", "m", LATE).year.tolist() == [2023]


def test_models_without_an_answer_are_no_closed_models():
    rows = released(("a", "A", "2023-05-01", True), ("b", "B", "2023-06-01", None), ("c", "C", "2023-07-01", False))
    rows = rows.assign(opened=rows.open_weights.astype("boolean"))
    found = makers.open_by_year(rows, "release_date", "models", LATE)
    assert (found.percent.item(), found.n.item()) == (50, 2)


@pytest.mark.parametrize(
    "one, other, low, high",
    [
        # Newcombe (1998), Statistics in Medicine 17, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_of_shares_has_newcombes_printed_limits(one, other, low, high):
    found = makers.share_difference(one, other, "percentage points", "table II")
    assert [found.low / 100, found.high / 100] == pytest.approx([low, high], abs=5.1e-5)


def test_intervals_of_shares_and_differences_cover_what_they_say():
    # 20,000 draws: Monte Carlo error 0.15 points; Newcombe (1998) has the method's mean coverage at 95.2%
    rng = np.random.default_rng(np.random.SeedSequence(7))
    p, m, q, n = 0.657, 149, 0.444, 54
    one, other = rng.binomial(m, p, 20_000), rng.binomial(n, q, 20_000)

    def wilson(k, trials):
        table = makers.with_intervals(pd.DataFrame({"opened": k, "n": trials}))
        return table.low.to_numpy() / 100, table.high.to_numpy() / 100

    (l1, u1), (l2, u2) = wilson(one, m), wilson(other, n)
    assert 0.94 < ((l1 <= p) & (p <= u1)).mean() < 0.96
    d = one / m - other / n
    low = d - np.hypot(one / m - l1, u2 - other / n)
    high = d + np.hypot(u1 - one / m, other / n - l2)
    assert 0.94 < ((low <= p - q) & (p - q <= high)).mean() < 0.965
    few = makers.share_difference((one[0], m), (other[0], n), "percentage points", "m")
    assert [few.low, few.high] == pytest.approx([100 * low[0], 100 * high[0]], abs=1e-9)


@pytest.mark.parametrize("growth", [(2, 3), (1, 50), (2.5, 2.9)])
@pytest.mark.parametrize("percent", [44.4, 33.3, 65.7, 0.0, 100.0])
def test_possible_totals_are_those_that_a_search_finds(percent, growth):
    def prints(k, n):
        value = 100 * k / n
        return f"{value:.1f}" == f"{percent:.1f}" or int(value * 10 + 1e-9) == round(percent * 10)

    brute = [n for n in range(1, 60) if any(prints(k, n) for k in range(n + 1)) and growth[0] < 60 / n < growth[1]]
    assert makers.possible_totals(percent, 60, growth) == brute


def test_a_share_beyond_a_hundred_is_refused():
    with pytest.raises(ValueError, match="no percentage"):
        makers.possible_totals(100.1, 10, (2, 3))


def test_the_number_of_foundation_models_of_2022_agrees_with_its_share_and_with_more_than_double(figures):
    found, most = makers.foundation_models(figures), makers.foundation_models(figures, cautious=False)
    assert found.n.tolist()[1:] == [54, 149] and np.isnan(found.n[0])
    assert most.n.tolist()[1:] == [72, 149] and found.fits.tolist() == [[], [54, 63, 72], []]
    told = makers.told_totals(found)
    assert told == "44.4% of 2022 can be 24 of 54 or 28 of 63 or 32 of 72 models; we take 54."
    assert makers.told_totals(found[:0]) == "No number of models needs to be inferred."
    change = makers.open_share_change(found)
    assert change.value == pytest.approx(65.7 - 44.4) and change.low > 0
    assert makers.open_share_change(most).high - makers.open_share_change(most).low < change.high - change.low


def test_a_change_whose_numbers_were_not_printed_is_only_known_as_a_census(figures):
    found = makers.foundation_models(figures)
    assert makers.open_share_change(found, 2022).verdict == NOT_CHECKABLE
    assert makers.open_share_change(found, 2022, sampled=False).value == pytest.approx(44.4 - 33.3)
    assert isinstance(makers.open_share_change(found, 2021), Unanswered)
    assert isinstance(makers.open_share_change(found.iloc[:0]), Unanswered)


def test_the_mean_of_a_maximum_is_that_of_draws():
    score, error = np.array([0.0, 3.0, 4.0]), np.array([5.0, 2.0, 1.0])
    noise = np.random.default_rng(np.random.SeedSequence(1)).standard_normal((400_000, 3))
    assert makers.expected_maximum(score, error) == pytest.approx((score + noise * error).max(axis=1).mean(), abs=0.02)
    # three standard normals: 3 / (2 sqrt(pi)); and one model has no winner's bias
    assert makers.expected_maximum(np.zeros(3), np.ones(3)) == pytest.approx(1.5 / np.sqrt(np.pi), abs=1e-4)
    assert makers.expected_maximum(np.array([7.0]), np.array([3.0])) == pytest.approx(7, abs=1e-6)
    assert makers.expected_maximum(np.array([7.0, 2.0]), np.zeros(2)) == pytest.approx(7)


def test_two_lone_models_have_almost_the_plain_interval_of_a_difference():
    found = makers.best_gap(side(1400, 3), side(1380, 4), "gap")
    plain = stats.norm.ppf(0.98) * 5  # half a percent of each end is spent on telling contenders from the rest
    assert [found.value, found.low, found.high] == pytest.approx([20, 20 - plain, 20 + plain], abs=1e-6)


def test_a_gap_turns_its_sign_with_its_sides_and_does_not_mind_the_scale():
    ours, theirs = side([1400, 1398, 1300], [3, 6, 2]), side([1380, 1379], [4, 5])
    one, other = makers.best_gap(ours, theirs, "gap"), makers.best_gap(theirs, ours, "gap")
    assert [one.value, one.low, one.high] == pytest.approx([-other.value, -other.high, -other.low])
    moved = makers.best_gap((ours[0] + 60, ours[1]), (theirs[0] + 60, theirs[1]), "gap")
    assert [moved.low, moved.high] == pytest.approx([one.low, one.high])


def test_models_far_behind_do_not_widen_the_gap():
    ours, theirs = side([1400, 1395]), side([1380, 1378])
    field = np.linspace(900, 1000, 100)
    near = makers.best_gap(ours, theirs, "gap")
    far = makers.best_gap(side([*ours[0], *field]), side([*theirs[0], *field]), "gap")
    assert [far.low, far.high] == pytest.approx([near.low, near.high], abs=1e-6)


def test_the_upper_end_is_what_a_plain_loop_finds():
    ours, theirs = side([1400, 1396, 1350], [3, 8, 4]), side([1390, 1388, 1330], [4, 6, 9])
    z, ends = stats.norm.ppf(0.005 / 6), []
    trail = [
        max(0.0, *(b2 - b + z * np.hypot(e, e2) for b2, e2 in zip(*theirs, strict=True)))
        for b, e in zip(*theirs, strict=True)
    ]
    for a, noise in zip(*ours, strict=True):
        spread = [np.hypot(noise, e) for e in theirs[1]]
        grid = np.linspace(1, 5, 400_001)
        held = np.prod([stats.norm.cdf(grid + t / h) for t, h in zip(trail, spread, strict=True)], axis=0)
        c = grid[np.argmax(held >= 0.98)]
        ends.append(min(a - b + c * h for b, h in zip(theirs[0], spread, strict=True)))
    assert makers.best_gap(ours, theirs, "gap").high == pytest.approx(max(ends), abs=1e-3)


@pytest.mark.parametrize("k, m, step", SIZES)
def test_the_interval_of_a_gap_holds_the_true_one_whoever_is_best(k, m, step):
    # 600 boards: Monte Carlo error of a coverage of 95% is 0.9 points
    rng = np.random.default_rng(np.random.SeedSequence([7, k, m]))
    ours, theirs = 20 - step * np.arange(k), -step * np.arange(m)
    errors = rng.uniform(3, 8, k), rng.uniform(3, 8, m)
    held = []
    for one, other in zip(rng.normal(ours, errors[0], (600, k)), rng.normal(theirs, errors[1], (600, m)), strict=True):
        found = makers.best_gap((one, errors[0]), (other, errors[1]), "gap")
        held.append(found.low <= 20 <= found.high)
    assert np.mean(held) > 0.95 - 2 * 0.009


def test_taking_the_leader_for_the_best_misses_more_often_than_it_says():
    # one model against twenty that are equally good: the leader of the twenty is lucky
    rng = np.random.default_rng(np.random.SeedSequence(3))
    one, many = rng.normal(0, 5, 4000), rng.normal(0, 5, (4000, 20)).max(axis=1)
    assert (np.abs(one - many) <= stats.norm.ppf(0.975) * np.hypot(5, 5)).mean() < 0.85


def boards_of(*rows):
    columns = ["board_date", "scale_regime", "membership"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(board_date=pd.to_datetime(table.board_date))


def scored(day, scores, error=5.0):
    cells = {"board_date": pd.Timestamp(day), "arena_key": list(scores), "score": list(scores.values()), "error": error}
    return pd.DataFrame(cells)


def test_gaps_stay_on_one_board_and_miss_an_interval_where_an_error_is_missing():
    sides = pd.Series({"a": "us", "b": "them", "c": "us"})
    table = pd.concat([
        scored("2024-01-01", {"a": 1100.0, "b": 1000.0, "x": 9000.0}, np.nan),
        scored("2024-06-01", {"c": 1250.0, "a": 1200.0, "b": 1000.0}),
        scored("2024-07-01", {"c": 1250.0}),
    ])  # fmt: skip
    boards = boards_of(*[(day, "R1", "full") for day in ("2024-01-01", "2024-06-01", "2024-07-01")])
    found = makers.gaps(table, boards, sides, "us", "them")
    assert found.gap.tolist() == [100, 250] and found.percent.tolist() == [10, 25]
    assert found.ours.tolist() == ["a", "c"] and np.isnan(found.low[0]) and found.low[1] < 250 < found.high[1]
    assert found.odds[0] == pytest.approx(100 / (1 + 10 ** (-100 / 400)))
    assert found.bias[1] == pytest.approx(0, abs=1e-6)
    newest = makers.newest_gap(found, "us less them")
    assert newest.value == 250 and isinstance(makers.newest_gap(found[:1], "x"), Unanswered)
    assert isinstance(makers.newest_gap(found.assign(membership="current models only"), "x"), Unanswered)


def test_our_gap_of_february_2025_is_the_one_that_the_ai_index_printed(figures):
    # printed 1.70 percent, 1385 against 1362, for both gaps (AI Index 2025, chapter 2)
    catalogue, scores = data.load("models", LATE), data.load("arena_scores", LATE)
    board = frontier.board(scores, NOTE)
    boards = boards_of((NOTE, "R1", "full"))
    found = makers.gaps(board, boards, makers.seats(catalogue), makers.UNITED_STATES, makers.CHINA)
    other = makers.gaps(board, boards, makers.access(catalogue), "closed", "open")
    assert round(found.percent[0], 1) == round(other.percent[0], 1) == 1.7
    assert [round(found.ours_score[0]), round(found.theirs_score[0])] == pytest.approx([1385, 1362], abs=1)
    beside = makers.beside_published(makers.published_gaps(figures), {"US-China": found, "closed-open": other})
    assert set(beside.month) >= {"2025-02"} and (abs(beside.printed_percent - beside.ours_percent) < 0.05).all()


def test_the_luck_of_the_second_side_takes_from_the_gap():
    sides = pd.Series({"a": "us", "b": "them", "c": "them"})
    boards = boards_of(("2024-06-01", "R1", "full"))
    found = makers.gaps(scored("2024-06-01", {"a": 1010.0, "b": 1000.0, "c": 1000.0}), boards, sides, "us", "them")
    assert found.bias[0] == pytest.approx(-5 / np.sqrt(np.pi), abs=1e-3)  # the mean of the higher of two, turned round


def test_scores_get_the_errors_of_their_own_scale_and_none_before_the_first_interval():
    rows = [
        ("2024-01-01", False, "a"),
        ("2024-06-01", False, "a"),
        ("2024-06-01", True, "a"),
        ("2024-07-01", True, "a"),
    ]
    scores = pd.DataFrame(rows, columns=["board_date", "style_control", "arena_key"])
    scores = scores.assign(board_date=pd.to_datetime(scores.board_date), score=[1.0, 2.0, 3.0, 4.0])
    half = stats.norm.ppf(0.975) * np.array([np.nan, 5.0, 7.0, 9.0])
    scores = scores.assign(score_low=scores.score - half, score_high=scores.score + half)
    boards = scores[["board_date", "style_control"]][:3]
    plain = makers.with_errors(scores, boards, frontier.score_error)
    assert plain.score.tolist() == [1, 2] and np.isnan(plain.error[0]) and plain.error[1] == pytest.approx(5)
    styled = makers.with_errors(scores, boards, frontier.score_error, True)
    assert styled.score.tolist() == [3] and styled.error.tolist() == pytest.approx([7])
    assert makers.with_errors(scores, boards[:0], frontier.score_error).empty


def test_a_gap_carries_its_boards_models_with_the_intervals_they_borrow_and_no_other_board():
    rows = [
        ("2024-01-01", "a", 1010.0, 5.0),
        ("2024-01-01", "x", 1000.0, 5.0),
        ("2024-06-01", "a", 1020.0, np.nan),
        ("2024-06-01", "b", 1000.0, 9.0),
        ("2024-06-01", "c", 990.0, np.nan),
        ("2024-06-01", "x", 1200.0, 30.0),
        ("2024-07-01", "a", 1030.0, 5.0),
    ]
    scores = pd.DataFrame(rows, columns=["board_date", "arena_key", "score", "half"])
    scores = scores.assign(board_date=pd.to_datetime(scores.board_date), style_control=False)
    scores = cut(scores.assign(score_low=scores.score - scores.half, score_high=scores.score + scores.half), "scores")
    boards = cut(boards_of(*[(day, "R1", "full") for day in sorted(set(scores.board_date))]), "boards")
    boards = boards.assign(style_control=False)
    catalogue = cut(released(("a", "OpenAI", NOTE, False), ("z", "OpenAI", NOTE, False), ("b", "Z.ai", NOTE, True),
                             ("c", "Z.ai", NOTE, True), ("x", None, NOTE, None)), "models")  # fmt: skip
    measured = makers.with_errors(scores, boards, frontier.score_error)
    assert measured.score.tolist() == scores.score.tolist()
    halves = [5, 5, 5, 9, 30, 30, 5]  # c never had an interval and gets the board's widest
    assert measured.error.tolist() == pytest.approx([half / stats.norm.ppf(0.975) for half in halves])
    for sides, side in (
        (makers.seats(catalogue), (makers.UNITED_STATES, makers.CHINA)),
        (makers.access(catalogue), ("closed", "open")),
    ):
        newest = makers.newest_gap(makers.gaps(measured, boards, sides, *side), "gap")
        assert newest.value == 20
        # board of June: a with its interval of January, b, and c with that of x
        assert entered(newest, "scores") == [100, 102, 103, 104, 105]
        assert entered(newest, "boards") == [101] and entered(newest, "models") == [100, 102, 103]


def test_gaps_with_and_without_style_control_meet_on_one_day_and_one_membership():
    sides = pd.Series({"a": "us", "b": "them"})
    boards = boards_of(("2025-01-24", "R1", "full"), ("2025-02-14", "R1", "full"), ("2025-08-28", "R3", "full"))
    wide = [scored(day, {"a": 1100.0, "b": 1000.0}, np.nan) for day in ("2025-01-24", "2025-02-14", "2025-08-28")]
    plain = makers.gaps(pd.concat(wide), boards, sides, "us", "them")
    other = boards.iloc[[0, 2]].assign(membership=["full", "current models only"])
    narrow = pd.concat([scored(day, {"a": 1010.0, "b": 1000.0}) for day in ("2025-01-24", "2025-08-28")])
    styled = makers.gaps(narrow, other, sides, "us", "them")
    found = makers.beside_controlled({"us": plain}, {"us": styled})
    assert len(found) == 1 and found.board_date[0] == pd.Timestamp("2025-01-24") and found.plain[0] == "100"
    assert found.controlled[0].startswith("10.0 (")


def test_a_printed_gap_meets_the_boards_of_its_month_or_else_the_one_before():
    sides = pd.Series({"a": "us", "b": "them"})
    days = ["2023-12-20", "2024-01-05", "2024-01-25", "2024-02-10"]
    table = pd.concat([scored(day, {"a": 1100.0, "b": 1000.0}) for day in days])
    found = makers.gaps(table, boards_of(*[(day, "R1", "full") for day in days]), sides, "us", "them")
    rows = published("US lead over China, Chatbot Arena top model", ("US-China", "2024-01-31", 9.3))
    printed = makers.published_gaps(rows.assign(period_start=pd.Timestamp("2024-01-01")))
    inside = makers.beside_published(printed, {"US-China": found})
    assert inside.board_date.dt.strftime("%Y-%m-%d").tolist() == days[1:3]
    before = makers.beside_published(printed, {"US-China": found.iloc[[0, 3]]})
    assert before.board_date.dt.strftime("%Y-%m-%d").tolist() == days[:1]


def test_the_countries_of_developers_do_not_overlap_and_are_developers_of_the_arena():
    known = set(data.load("models", LATE).developer.dropna())
    american, chinese = (set(names) for names in makers.DEVELOPERS.values())
    assert not american & chinese and american | chinese | set(makers.NOT_FIRMS) <= known
    # those who led a board, or could have, have a seat; the rest sit elsewhere
    elsewhere = {"AI21 Labs", "Cohere", "Mistral", "OpenAssistant", "RWKV", "Stability AI", "TII", "Upstage AI"}
    assert known - american - chinese == elsewhere


def test_leaders_are_told_in_a_sentence():
    sides = pd.Series({"a": "us", "b": "them"})
    found = makers.gaps(scored("2024-01-01", {"a": 1100.0, "b": 1000.0}), boards_of(("2024-01-01", "R1", "full")),
                        sides, "us", "them")  # fmt: skip
    told = makers.leaders(found)
    assert "a 1,100, b 1,000, a gap of 100 points; the first would win 64 of 100 games." in told
    assert told.endswith("Winner's bias is put at 0 points of it.")
    assert makers.leaders(found.assign(bias=np.nan)).endswith("64 of 100 games.")
    assert makers.leaders(found[:0]) == "No board holds both sides."


@pytest.mark.parametrize("day", ["2022-12-30", "2024-04-14", "2024-10-31", NOTE, "2025-02-24", "2025-12-31", LATE])
def test_every_question_has_an_answer_or_a_reason_on_every_day(day):
    catalogue, compute = data.load("models", day), data.load("training_compute", day)
    figures = data.load("ai_index_figures", day)
    opened = compute.accessibility.str.startswith("Open weights").where(compute.accessibility.notna())
    openness = makers.open_by_year(compute.assign(opened=opened), "published", "notable models", day)
    found = [
        makers.industry_share(makers.by_maker(figures)),
        makers.industry_share(makers.by_name(compute)),
        makers.industry_share(makers.by_name(compute, "training_compute_flop"), sampled=False),
        makers.industry_share(makers.by_developer(catalogue, day)),
        makers.open_share_change(makers.foundation_models(figures)),
        makers.open_share_change(openness),
    ]
    assert all(isinstance(one, Estimate | Unanswered) for one in found)
    assert isinstance(found[0], Estimate) == (day >= "2024-04-15")
    assert isinstance(found[-1], Estimate) == (day >= "2025-02-24")


def drawings(figures):
    shares = makers.maker_shares(makers.by_maker(figures))
    foundation = makers.with_intervals(makers.foundation_models(figures))
    by_country = makers.countries(figures, "Notable AI models by country")
    invested = makers.countries(figures, "Private AI investment")
    return {
        "vintages": charts.maker_vintages(shares),
        "makers": charts.makers_through_time(shares),
        "access": charts.open_shares(foundation, {"foundation models": charts.BLUE}),
        "countries": charts.country_figures(by_country, invested),
    }


def test_the_pictures_say_what_was_known_on_the_day(figures):
    charts.set_style()
    early, late = drawings(as_known(figures, NOTE)), drawings(figures)
    assert early["vintages"].title == "Industry alone made 51 of the 89 notable models of 2023, 57%"
    assert "from 51 to 61 for 2023 and from 49 to 55 for 2024" in late["vintages"].title
    assert isinstance(early["makers"], Unanswered) and "90% of the notable models of 2024" in late["makers"].title
    assert "up by 21.3 points" in early["access"].title
    assert "United States 61, EU 21, China 15" in early["countries"].title
    assert "United States 40" in late["countries"].title and "World $151bn" in late["countries"].title
    assert all(isinstance(one.figure, Figure) and not one.points.empty for one in late.values())
    assert all(isinstance(one, Unanswered) for one in drawings(figures[:0]).values())


def test_the_picture_of_gaps_says_who_leads_and_leaves_the_scale_of_2023_out():
    charts.set_style()
    sides, names = pd.Series({"a": "us", "b": "them"}), {"US-China": ("American", "Chinese")}
    table = pd.concat(
        [scored("2023-05-01", {"a": 1300.0, "b": 1000.0}), scored("2024-02-01", {"a": 990.0, "b": 1000.0})]
    )
    boards = boards_of(("2023-05-01", "A", "full"), ("2024-02-01", "R1", "full"))
    found = makers.gaps(table, boards, sides, "us", "them")
    printed = published("Chatbot Arena top model", ("US-China", "2024-01-31", 9.3))
    printed = makers.published_gaps(printed.assign(period_start=pd.Timestamp("2024-01-01")))
    drawn = charts.best_model_gaps({"US-China": found}, printed, names)
    assert drawn.title == "On 2024-02-01 the best American model trailed the best Chinese one by 10 points (1.0%)"
    assert len(drawn.points) == 2 and "printed: 2024-01 9.3" in drawn.alt
    styled = charts.best_model_gaps({"US-China": found}, printed, names, {"US-China": found.iloc[1:]})
    assert len(styled.points) == 3 and styled.points.style_control[:2].tolist() == [False, True]
    assert "with style control: 2024-02-01 −1.0" in styled.alt and "with style control: none known" in drawn.alt
    alone = charts.best_model_gaps({"US-China": found[:1]}, printed[:0], names)
    assert "led the best Chinese one by 300 points (30.0%)" in alone.title and "none known" in alone.alt
    assert isinstance(charts.best_model_gaps({"US-China": found[:0]}, printed, names), Unanswered)
