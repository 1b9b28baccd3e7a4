import math
import pickle

import numpy as np
import pytest
from scipy import stats

from helpers import inference
from helpers.inference import Estimate, Unanswered


@pytest.mark.parametrize("low, high", [(2.0, 3.0), (0.0, 0.5), (float("nan"), 2.0)])
def test_an_interval_that_does_not_hold_its_point_is_refused(low, high):
    with pytest.raises(ValueError, match="does not hold its point"):
        Estimate(1.0, low, high, "percent", 3, "mean", "closed form")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="finite"):
        Estimate(value, 0.0, math.inf, "percent", 3, "mean", "closed form")


@pytest.mark.parametrize("unit, n, method", [("", 3, "mean"), ("percent", 0, "mean"), ("percent", 3, "")])
def test_an_estimate_names_unit_sample_and_method(unit, n, method):
    with pytest.raises(ValueError):
        Estimate(1.0, 0.0, 2.0, unit, n, method, "closed form")


def test_an_exact_figure_has_no_interval_and_says_so():
    with pytest.raises(ValueError, match="an exact figure has no interval"):
        Estimate(1.0, 0.0, 2.0, "percent", 3, "a census", "exact")
    assert inference.exact(1.0, "percent", 3, "a census").is_exact
    assert "95% interval 1 to 1" in str(Estimate(1.0, 1.0, 1.0, "percent", 3, "draws that all agree", "resampled"))


def test_an_estimate_cannot_be_changed():
    with pytest.raises(AttributeError):
        inference.exact(1.0, "percent", 3, "a census").value = 2.0


def test_an_unbounded_end_is_allowed_and_printed_in_words():
    assert "2 to infinity" in str(Estimate(3.0, 2.0, math.inf, "months", 9, "restricted mean", "closed form"))


def test_an_unanswered_question_has_one_of_two_verdicts():
    assert str(Unanswered("no board")) == "cannot be asked yet: no board"
    with pytest.raises(ValueError):
        Unanswered("no board", "holds")


@pytest.mark.parametrize("value", [0.0, 1e-9, 0.00123, 0.99949, 1.0, 9.95, 99.96, 1234567.8, -3.0])
def test_a_number_in_prose_is_near_the_number(value):
    printed = float(inference.number(value).replace("−", "-").replace(",", ""))
    assert printed == pytest.approx(value, rel=0.06)


def test_printed_ends_of_a_narrow_interval_differ():
    value, low, high = inference.numbers(2.4, 2.38, 2.42)
    assert low < value < high


def test_a_rounded_negative_zero_has_no_sign():
    assert inference.numbers(-0.0001, -5.0, 5.0)[0] == "0.0"


@pytest.mark.parametrize("successes, n", [(0, 10), (10, 10), (3, 7), (473, 480)])
def test_a_share_has_the_score_interval(successes, n):
    found = inference.share(successes, n, "share", "Wilson")
    # the ends of the score interval are where the score statistic equals its critical value
    z = stats.norm.ppf(0.975)
    for end in (found.low, found.high):
        if 0 < end < 1:
            assert abs(successes / n - end) / math.sqrt(end * (1 - end) / n) == pytest.approx(z)


def test_a_clustered_share_is_wider_than_that_of_independent_trials():
    clusters = np.repeat(np.arange(20), 10)
    hits = clusters % 10 != 0
    found = inference.clustered_share(hits, clusters, "share", "bootstrap", 2_000, np.random.SeedSequence(1))
    alone = inference.share(int(hits.sum()), len(hits), "share", "Wilson")
    assert found.value == alone.value == 0.9
    assert found.high - found.low > 1.5 * (alone.high - alone.low)


def test_a_clustered_share_agrees_with_a_loop_over_clusters():
    clusters, hits = np.array([0, 0, 1, 2, 2, 2]), np.array([True, False, True, True, True, False])
    found = inference.clustered_share(hits, clusters, "share", "bootstrap", 500, np.random.SeedSequence(1))
    drawn = np.random.default_rng(np.random.SeedSequence(1)).integers(3, size=(500, 3))
    shares = [np.concatenate([hits[clusters == k] for k in row]).mean() for row in drawn]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(shares, [0.025, 0.975])))


def test_a_clustered_share_where_all_agree_still_has_an_interval():
    found = inference.clustered_share(np.ones(6, bool), np.arange(6), "share", "b", 50, np.random.SeedSequence(1))
    assert found.value == found.high == 1.0 and 0.5 < found.low < 1.0


def test_a_share_of_nothing_is_refused():
    with pytest.raises(ValueError):
        inference.share(0, 0, "share", "Wilson")


def test_resampled_counts_are_those_of_the_units_drawn():
    counts = inference.resampled_counts(7, 50, np.random.default_rng(3))
    drawn = np.random.default_rng(3).integers(7, size=(50, 7))
    assert (counts == [[(row == unit).sum() for unit in range(7)] for row in drawn]).all()


def test_normals_of_a_seed_do_not_hang_on_what_was_drawn_before():
    seeds = [*np.random.SeedSequence(5).spawn(3), np.random.SeedSequence([5, 6])]
    for draws, columns in ((4, 3), (9, 7), (2, 5)):
        for seed in seeds:
            plain = np.random.default_rng(seed).standard_normal((draws, columns))
            assert (inference.normals(seed, draws, columns) == plain).all()


def test_rows_are_accumulated_as_numpy_does_and_left_as_they_were():
    rows = np.random.default_rng(4).standard_normal((5, 30))
    before = rows.copy()
    for function in (np.add, np.maximum):
        assert (inference.running(function, rows) == function.accumulate(rows, axis=0)).all()
    assert (rows == before).all()


def cell(source, **names):
    """Names of a notebook after one of its cells, as IPython leaves them."""
    names |= {"__name__": "__main__", "In": ["", "first", source]}
    exec(compile(source, "cell", "exec"), names)
    return names


def test_an_answer_knows_the_helper_that_the_notebook_called_and_where():
    source = "\n\nfound = [\n    share(8, 10, 'probability', 'trials') for _ in range(2)\n]"
    (origin, _) = [one.origin for one in cell(source, share=inference.share)["found"]]
    assert origin == ("helpers.inference.share", 2, (4, 4, 4, 41))
    assert source.splitlines()[3][4:41] == "share(8, 10, 'probability', 'trials')"


def test_an_answer_made_by_the_notebook_itself_has_no_helper():
    names = cell("a, b = Unanswered('no row'), Estimate(1, 1, 1, 'percent', 1, 'x', 'exact')", **vars(inference))
    assert [one.origin.function for one in (names["a"], names["b"])] == ["", ""]
    assert names["a"].origin.cell == 2


def test_where_an_answer_was_made_is_no_part_of_what_it_says():
    here = inference.exact(3.0, "percent", 1, "one price")
    there = cell("found = exact(3.0, 'percent', 1, 'one price')", exact=inference.exact)["found"]
    assert here == there and hash(here) == hash(there) and repr(here) == repr(there)
    assert here.origin != there.origin and pickle.loads(pickle.dumps(there)).origin == there.origin


def test_outside_of_a_notebook_an_answer_knows_its_function_alone():
    assert inference.exact(3.0, "percent", 1, "one price").origin == ("helpers.inference.exact", None, None)


def test_a_kind_that_is_none_is_refused():
    with pytest.raises(ValueError, match="exact, closed form, iterative, resampled, simulated, not 'guess'"):
        Estimate(1.0, 0.0, 2.0, "percent", 3, "mean", "guess")


def test_the_kind_names_the_interval_whatever_the_method_says():
    ends = (0.5, 0.25, 0.75)
    assert inference.interval_in_words(*ends, "simulated").startswith("simulation error")
    assert inference.interval_in_words(*ends, "resampled").startswith("95% interval")
