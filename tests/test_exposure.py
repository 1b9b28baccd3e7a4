import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats

from helpers import data, exposure
from helpers.inference import Estimate, Unanswered
from helpers.rows import rows_of

# leaf blotch on barley, percent of the leaf, ten varieties by nine sites (Wedderburn 1974)
BLOTCH = """
0.05 0.00 1.25 2.50 5.50 1.00 5.00 5.00 17.50
0.00 0.05 1.25 0.50 1.00 5.00 0.10 10.00 25.00
0.00 0.05 2.50 0.01 6.00 5.00 5.00 5.00 42.50
0.10 0.30 16.60 3.00 1.10 5.00 5.00 5.00 50.00
0.25 0.75 2.50 2.50 2.50 5.00 50.00 25.00 37.50
0.05 0.30 2.50 0.01 8.00 5.00 10.00 75.00 95.00
0.50 3.00 0.00 25.00 16.50 10.00 50.00 50.00 62.50
1.30 7.50 20.00 55.00 29.50 5.00 25.00 75.00 95.00
1.50 1.00 37.50 5.00 20.00 50.00 50.00 75.00 95.00
1.50 12.70 26.25 40.00 43.50 75.00 75.00 75.00 95.00
"""
# Webb weights of the first two draws of wildboottest 0.3.2, seed 3, for the data of `clustered`
DRAWN = np.sign(
    [[1, 1, -1, -2, -3, -3, 1, 3, 2, -1, 3, 1, 3, 3, 3, 1], [-2, 2, -3, 1, -3, 3, 2, 3, -2, -2, 3, -3, -3, 3, 3, -1]]
)
SIZES = np.array([[1, 1, 1, 2, 3, 3, 1, 3, 2, 1, 3, 1, 3, 3, 3, 1], [2, 2, 3, 1, 3, 3, 2, 3, 2, 2, 3, 3, 3, 3, 3, 1]])
WEBB = DRAWN * np.sqrt(np.array([1.0, 1.5, 0.5])[SIZES - 1])


def clustered():
    """Sixteen clusters of unequal size with a skewed regressor, as in the oracle's script."""
    rng = np.random.default_rng(np.random.SeedSequence(4))
    cluster = np.repeat(np.arange(16), np.tile([1, 2, 3, 8], 4))
    x = rng.lognormal(0, 1, 16)[cluster] + 0.5 * rng.standard_normal(len(cluster))
    y = 0.3 * x + rng.standard_normal(16)[cluster] + rng.standard_normal(len(cluster))
    return y.round(4), x.round(4), cluster


def made(rng, clusters=16, effect=0.0, sizes=(1, 2, 3, 8)):
    cluster = np.repeat(np.arange(clusters), np.resize(sizes, clusters))
    n = len(cluster)
    x = rng.lognormal(0, 1, clusters)[cluster] + 0.5 * rng.lognormal(0, 1, n)
    x = (x - x.mean()) / x.std()
    use = special.expit(-2.5 + effect * x + 0.5 * rng.standard_normal(clusters)[cluster] + 0.5 * rng.standard_normal(n))
    names = tuple(str(place) for place in range(n))
    return exposure.Sample(use, x, cluster, np.ones(n), tuple(str(10 + g) for g in range(clusters)), names)


def cells(wording="old", **rates):
    rows = [(f"20240{k}", wording, s, r) for s, column in rates.items() for k, r in enumerate(column, start=1)]
    return pd.DataFrame(rows, columns=["cycle", "wording", "subsector", "use_rate"]).assign(
        subsector=lambda t: t.subsector.str[1:]
    )


@pytest.fixture(scope="module")
def known():
    rows = data.load("btos_subsectors", "2025-02-14")
    return rows, exposure.subsector_exposures(data.load("industry_exposures", "2025-02-14"))


def test_the_published_quasi_binomial_fit_of_leaf_blotch_is_reproduced_to_its_printed_digits():
    # statsmodels' documented example "Quasi-binomial regression" prints a scale of 0.088778 on 72 degrees of freedom
    share = np.array([line.split() for line in BLOTCH.strip().splitlines()], float) / 100
    variety, site = np.indices(share.shape)
    columns = [np.ones(90)] + [(variety.ravel() == k) * 1.0 for k in range(1, 10)]
    regressors = np.column_stack(columns + [(site.ravel() == k) * 1.0 for k in range(1, 9)])
    mean = special.expit(regressors @ exposure.fractional_logit(share.ravel(), regressors))
    assert round(((share.ravel() - mean) ** 2 / (mean * (1 - mean))).sum() / 72, 6) == 0.088778


@pytest.mark.parametrize("weighted", [False, True])
def test_the_fractional_logit_is_that_of_statsmodels(weighted):
    one = made(np.random.default_rng(1), effect=0.5)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(one.use)) if weighted else np.ones(len(one.use))
    offset = 0.3 * one.exposure
    glm = sm.GLM(one.use, one.regressors, family=sm.families.Binomial(), var_weights=weight, offset=offset)
    expected = glm.fit(tol=1e-13).params
    assert exposure.fractional_logit(one.use, one.regressors, weight, offset) == pytest.approx(expected, rel=1e-8)


def test_the_level_under_a_hypothesis_is_the_fractional_logit_of_a_constant():
    one = made(np.random.default_rng(1), effect=0.5)
    for null in (-3.0, 0.0, 0.7, 12.0):
        (expected,) = exposure.fractional_logit(one.use, np.ones((len(one.use), 1)), one.weight, null * one.exposure)
        assert exposure._level(one, null) == pytest.approx(expected, rel=1e-10)


def test_the_fractional_logit_refuses_what_a_line_separates():
    with pytest.raises(ValueError, match="separates"):
        exposure.fractional_logit(np.array([0.0, 0.0, 1.0, 1.0]), np.column_stack([np.ones(4), [-2, -1, 1, 2]]))


def test_clustered_errors_are_those_of_pyfixest():
    # pyfixest 0.60.0: feols("y ~ x", vcov={"CRV1": "cluster"}), ssc(k_adj=True, G_adj=True)
    y, x, cluster = clustered()
    regressors = np.column_stack([np.ones(len(y)), x])
    residual = y - regressors @ np.linalg.lstsq(regressors, y, rcond=None)[0]
    assert exposure.crv1(residual, regressors, 1, cluster) == pytest.approx(0.1655843325937368, rel=1e-9)


def test_jackknife_errors_are_those_of_pyfixest_but_for_its_factors():
    # pyfixest 0.60.0, vcov={"CRV3": "cluster"}, ssc as above: 0.6025782544478415. It takes the sum of squares whole and
    # multiplies by G / (G - 1) (n - 1) / (n - k); we take (G - 1) / G of it, as MacKinnon, Nielsen and Webb (2023) do
    y, x, cluster = clustered()
    one = exposure.Sample(special.expit(y), x, cluster, np.ones(len(y)), tuple(map(str, range(16))), ())
    found = exposure.jackknife(one, "empirical logit")
    error = (found.high - found.value) / stats.t.ppf(0.975, 15)
    factor = (16 / 15) ** 2 * (len(y) - 1) / (len(y) - 2)
    assert error * np.sqrt(factor) == pytest.approx(0.6025782544478415, rel=1e-9)


def test_the_wild_cluster_bootstrap_gives_wildboottests_statistics_on_its_own_draws():
    # wildboottest 0.3.2, WildboottestCL, type "11", null imposed, Webb, seed 3: t of the first two draws
    y, x, cluster = clustered()
    regressors = np.column_stack([np.ones(len(y)), x])
    found = exposure.wild_t(y - y.mean(), regressors, 1, cluster, WEBB)
    assert found == pytest.approx([2.42947429, -1.70996165], abs=1e-7)


def test_the_p_value_is_wildboottests_within_monte_carlo_error():
    # wildboottest 0.3.2, 99,999 Webb draws, seed 1: t = 2.4318817818598695, p = 0.044540
    y, x, cluster = clustered()
    one = exposure.Sample(special.expit(y), x, cluster, np.ones(len(y)), tuple(map(str, range(16))), ())
    value, error = exposure._wald(one, "empirical logit")
    assert value / error == pytest.approx(2.4318817818598695, rel=1e-9)
    p = exposure.wild_p(one, 0.0, exposure.webb_weights(20_000, 16, np.random.SeedSequence(1)), "empirical logit")
    assert p == pytest.approx(0.044540, abs=3 * np.sqrt(0.0445 * 0.9555 * (1 / 20_000 + 1 / 99_999)))


def test_the_fast_bootstrap_is_a_refit_of_every_draw():
    y, x, cluster = clustered()
    regressors = np.column_stack([np.ones(len(y)), x, x**2])
    nulled = np.delete(regressors, 1, axis=1)
    residual = y - nulled @ np.linalg.lstsq(nulled, y, rcond=None)[0]
    weights = exposure.webb_weights(20, 16, np.random.SeedSequence(2))
    expected = []
    for draw in weights:
        fresh = y - residual + residual * draw[cluster]
        fit = sm.OLS(fresh, regressors).fit(cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True})
        expected.append(fit.params[1] / fit.bse[1])
    assert exposure.wild_t(residual, regressors, 1, cluster, weights) == pytest.approx(expected, rel=1e-9)


def test_the_jackknife_is_the_spread_of_sixteen_refits():
    one = made(np.random.default_rng(3), effect=0.4)
    found = exposure.jackknife(one, "empirical logit")
    slopes = []
    for g in range(16):
        kept = one.cluster != g
        slopes.append(sm.OLS(special.logit(one.use[kept]), one.regressors[kept]).fit().params[1])
    error = np.sqrt(15 / 16 * ((np.array(slopes) - found.value) ** 2).sum())
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 15) * error, rel=1e-9)
    assert exposure.leave_one_out(one, "empirical logit").value.tolist() == pytest.approx(slopes, rel=1e-9)


def test_webb_weights_have_six_points_mean_nought_and_variance_one():
    drawn = exposure.webb_weights(40_000, 5, np.random.SeedSequence(1))
    assert len(np.unique(drawn)) == 6
    assert drawn.mean() == pytest.approx(0, abs=0.01) and drawn.var() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("clusters", [16, 20])
def test_the_cluster_bootstrap_keeps_its_size_where_the_usual_errors_do_not(clusters):
    # unequal clusters, skewed regressor, no effect. Monte Carlo error of a 5% rate: 0.9 points with 600 samples. A run
    # with 2,000 samples gave 4.9 and 5.1% (16 and 20 clusters), the usual clustered t 14.9 and 14.2%, CRV3 4.0 and 5.6%
    rng = np.random.default_rng(np.random.SeedSequence(clusters))
    weights = exposure.webb_weights(399, clusters, np.random.SeedSequence(1))
    wild, usual, runs = 0, 0, 600
    for _ in range(runs):
        one = made(rng, clusters)
        wild += exposure.wild_p(one, 0.0, weights) <= 0.05
        value, error = exposure._wald(one, "fractional logit")
        usual += abs(value / error) > stats.t.ppf(0.975, clusters - 1)
    assert 0.03 <= wild / runs <= 0.075
    assert usual / runs > 0.10


def test_intervals_by_test_inversion_cover_the_true_slope():
    # 150 samples: a coverage of 95% has a Monte Carlo error of 1.8 points
    rng = np.random.default_rng(np.random.SeedSequence(7))
    weights = exposure.webb_weights(199, 16, np.random.SeedSequence(1))
    found = [exposure.coefficient(made(rng, effect=0.5), weights) for _ in range(150)]
    assert 0.89 <= np.mean([one.low <= 0.5 <= one.high for one in found]) <= 1


@pytest.mark.parametrize("estimator", exposure.ESTIMATORS)
def test_the_interval_ends_where_the_test_begins_to_reject(estimator):
    one = made(np.random.default_rng(4), effect=0.6)
    weights = exposure.webb_weights(999, 16, np.random.SeedSequence(1))
    found = exposure.coefficient(one, weights, estimator)
    width = found.high - found.low
    for end, side in ((found.low, -1), (found.high, 1)):
        assert exposure.wild_p(one, end - side * 0.01 * width, weights, estimator) > 0.05
        assert exposure.wild_p(one, end + side * 0.01 * width, weights, estimator) <= 0.05


def test_neither_the_order_of_rows_nor_a_common_weight_nor_the_name_of_clusters_matters():
    one = made(np.random.default_rng(5), effect=0.4)
    weights = exposure.webb_weights(199, 16, np.random.SeedSequence(1))
    expected = exposure.coefficient(one, weights)
    order = np.random.default_rng(6).permutation(len(one.use))
    parts = (one.use[order], one.exposure[order], one.cluster[order], 7 * one.weight)
    mixed = exposure.coefficient(exposure.Sample(*parts, one.sectors, one.names), weights)
    for end in ("value", "low", "high"):
        assert getattr(mixed, end) == pytest.approx(getattr(expected, end), abs=2e-5)


def test_turning_exposure_round_turns_the_interval_round():
    one = made(np.random.default_rng(5), effect=0.4)
    weights = exposure.webb_weights(199, 16, np.random.SeedSequence(1))
    turned = exposure.Sample(one.use, -one.exposure, one.cluster, one.weight, one.sectors, one.names)
    first, second = exposure.coefficient(one, weights), exposure.coefficient(turned, weights)
    assert [second.value, second.low, second.high] == pytest.approx([-first.value, -first.high, -first.low], abs=2e-5)


def test_studentised_permutations_are_those_of_hc3():
    one = made(np.random.default_rng(8), effect=0.4)
    y = special.logit(one.use)
    fit = sm.OLS(y, one.regressors).fit(cov_type="HC3")
    assert exposure._hc3_t(y, one.exposure[None])[0] == pytest.approx(fit.tvalues[1], rel=1e-9)
    found = exposure.descriptive(one)
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, len(y) - 2) * fit.bse[1], rel=1e-9)


def test_all_shuffles_of_a_small_sample_give_the_exact_p_value():
    x = np.array([-1.5, -0.9, 0.1, 0.2, 0.8, 1.3])
    use = np.array([0.02, 0.05, 0.04, 0.09, 0.11, 0.10])
    one = exposure.Sample(use, x, np.arange(6), np.ones(6), tuple("abcdef"), tuple("abcdef"))
    y = special.logit(use)
    whole = exposure._hc3_t(y, np.array(list(itertools.permutations(x))))
    exact = np.mean(whole >= exposure._hc3_t(y, x[None])[0] - 1e-12)
    found = exposure.permutation(one, 4_000, np.random.SeedSequence(1))
    assert found.low <= exact <= found.high


def test_a_shuffle_within_sectors_leaves_what_sectors_explain_alone():
    # exposure tells of the sector alone: steep across sectors, nothing within
    rng = np.random.default_rng(9)
    cluster = np.repeat(np.arange(8), 6)
    x = cluster + 0.01 * rng.standard_normal(48)
    x = (x - x.mean()) / x.std()
    use = special.expit(-2 + 0.2 * cluster + 0.3 * rng.standard_normal(48))
    one = exposure.Sample(use, x, cluster, np.ones(48), tuple(map(str, range(8))), tuple(map(str, range(48))))
    across, within = (exposure.permutation(one, 999, np.random.SeedSequence(1), inside) for inside in (False, True))
    assert across.value == 0.001 and within.value > 0.05


def test_permutations_reject_one_in_twenty_under_no_relation():
    # 300 samples, both kinds: Monte Carlo error of 5% is 1.3 points
    rng = np.random.default_rng(10)
    hits = np.zeros(2)
    for k in range(300):
        one = made(rng, 8, sizes=(3, 4))
        hits += [exposure.permutation(one, 99, np.random.SeedSequence(k), w).value <= 0.05 for w in (False, True)]
    # clusters make the shuffle over all strata too eager, which is why it is no headline
    assert 0.02 <= hits[1] / 300 <= 0.09 and hits[0] >= hits[1]


def test_suppressed_cells_follow_their_rule():
    rows = cells(_541=[10, None, 20], _621=[None, None, None], _332=[4, 6, 8], _31X=[1, 1, 1])
    rows["use_rate"] = rows.use_rate.astype(float)
    rates = {
        rule: exposure.filled(rows, "subsector", 2, rule).set_index("subsector").use_rate.to_dict()
        for rule in ("printed", "all printed", "own mean", 1.5)
    }
    assert rates["printed"] == {"332": 7, "541": 20}
    assert rates["all printed"] == {"332": 7}
    assert rates["own mean"] == {"332": 7, "541": 17.5}
    assert rates[1.5] == {"332": 7, "541": 10.75, "621": 1.5}
    assert exposure.filled(rows, "subsector", 2, 1.5, without="31").subsector.tolist() == ["541", "621"]
    assert isinstance(exposure.filled(rows, "subsector", 6, "printed"), Unanswered)
    with pytest.raises(ValueError, match="no rule"):
        exposure.filled(rows, "subsector", 2, "guess")


def test_the_worst_case_is_no_better_than_any_rate_that_suppressed_cells_could_share(known):
    rows, aiie = known
    worst = exposure.slope(
        exposure.sample(exposure.worst_case(rows, "subsector", 6, aiie, 0.5, 3.0), "subsector", aiie)
    )
    for rate in (0.5, 1.0, 2.0, 3.0):
        common = exposure.slope(exposure.sample(exposure.filled(rows, "subsector", 6, rate), "subsector", aiie))
        assert worst < common + 0.01


def test_a_splice_of_the_two_wordings_is_refused():
    rows = pd.concat([cells(_541=[1.0, 2.0]), cells("new", _541=[8.0, 9.0])])
    with pytest.raises(ValueError, match="never one"):
        exposure.filled(rows, "subsector", 2, "printed")


def test_exposures_are_means_of_industries_and_sectors_are_the_surveys(known):
    industries = pd.DataFrame({"industry": ["3320", "3320", "3321", "5411"], "exposure": [1.0, 2.0, 6.0, 4.0]})
    assert exposure.subsector_exposures(industries).to_dict() == {"332": 3.0, "541": 4.0}
    assert exposure.subsector_exposures(industries, "median").to_dict() == {"332": 2.0, "541": 4.0}
    assert exposure.sector_of(pd.Series(["311", "321", "452", "491"])).tolist() == ["31", "31", "44", "48"]


def test_a_sample_is_standardised_over_the_strata_it_holds(known):
    rows, aiie = known
    one = exposure.sample(exposure.filled(rows, "subsector", 6, "printed"), "subsector", aiie, "sectors")
    assert one.exposure.mean() == pytest.approx(0, abs=1e-12) and one.exposure.std() == pytest.approx(1)
    totals = np.bincount(one.cluster, one.weight)
    assert totals == pytest.approx(np.full(len(totals), totals[0])) and one.weight.mean() == pytest.approx(1)
    assert len(one.sectors) >= 14 and "XX" not in one.sectors
    few = exposure.filled(rows[rows.subsector.str[0] == "5"], "subsector", 6, "printed")
    assert isinstance(exposure.sample(few, "subsector", aiie), Unanswered)


def test_cells_known_later_change_nothing(known):
    rows, aiie = known
    later = data.load("btos_subsectors", "2025-12-31")
    weights = exposure.webb_weights(199, 16, np.random.SeedSequence(1))
    first, second = (
        exposure.coefficient(exposure.sample(exposure.filled(t, "subsector", 6, "printed"), "subsector", aiie), weights)
        for t in (rows, later[later.published <= "2025-02-14"])
    )
    assert first == second and first.low > 0


def test_every_specification_is_the_coefficient_of_its_own_choices(known):
    rows, aiie = known
    choices = {
        "window": {"6 cycles": 6},
        "suppressed": {"left out": "printed", "at 3%": 3.0},
        "weights": {"a": "equal"},
    }
    main = {"covariate": "AIIE", "window": "6 cycles", "suppressed": "at 3%", "estimator": "empirical logit"}

    def weights(clusters):
        return exposure.webb_weights(99, clusters, np.random.SeedSequence(1))

    table = exposure.specifications(rows, {"AIIE": aiie}, choices, weights, main)
    assert len(table) == 4 and table.value.is_monotonic_increasing and table.headline.sum() == 1
    one = exposure.sample(exposure.filled(rows, "subsector", 6, 3.0), "subsector", aiie)
    own = exposure.coefficient(one, weights, "empirical logit")
    row = table[table.headline].iloc[0]
    assert (row.value, row.low, row.high, row.n) == (own.value, own.low, own.high, own.n)
    none = exposure.specifications(rows[:0], {"AIIE": aiie}, choices, weights, main)
    assert isinstance(none, Unanswered)


def test_suppression_is_told_by_how_often_a_cell_was_printed():
    rows = cells(_541=[10.0, 20.0, 30.0], _621=[None, None, 5.0], _332=[None, None, None]).astype({"use_rate": float})
    table = exposure.suppression(rows).set_index("printed")
    assert table.subsectors.to_dict() == {"in at least half": 1, "in fewer": 1, "never": 1}
    assert table.median_percent["in at least half"] == 20 and table.median_percent["in fewer"] == 5
    assert isinstance(exposure.suppression(rows[:0]), Unanswered)


def test_what_is_not_known_passes_through():
    unknown = Unanswered("no cycle")
    for call in (exposure.jackknife, exposure.descriptive):
        assert call(unknown) is unknown
    assert exposure.coefficient(unknown, np.ones((1, 1))) is unknown
    assert exposure.permutation(unknown, 9, np.random.SeedSequence(1)) is unknown


def test_the_regression_of_the_replication_edition_is_pinned(known):
    # own run of 2026-11, 9,999 draws; a change here is a change of the finding
    rows, aiie = known
    one = exposure.sample(exposure.filled(rows, "subsector", 6, "printed"), "subsector", aiie)
    assert (len(one.use), len(one.sectors)) == (54, 16)
    assert exposure.slope(one) == pytest.approx(0.61, abs=0.005)
    assert isinstance(exposure.jackknife(one), Estimate)


def cut(rows, table):
    rows.attrs["table"] = table
    return rows


@pytest.mark.parametrize(
    ("rule", "listed"),
    [
        ("printed", [2, 4, 5, 8]),
        ("all printed", [4, 5]),
        ("own mean", [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (0.5, [1, 2, 4, 5, 7, 8, 10, 11]),
    ],
)
def test_rates_list_the_cells_that_entered_under_their_rule(rule, listed):
    rates = {"s511": [5.0, np.nan, 6.0], "s512": [7.0, 8.0, 9.0], "s521": [1.0, np.nan, 2.0], "s541": [np.nan] * 3}
    rows = cut(cells(**rates), "btos_subsectors")
    table = exposure.filled(rows, "subsector", 2, rule)
    assert rows_of(table).positions()["btos_subsectors"].tolist() == listed
    # a stratum's cells are its own
    alone = rows_of(table[table.subsector == "512"]).positions()["btos_subsectors"]
    assert alone.tolist() == [place for place in listed if place in (3, 4, 5)]


@pytest.fixture(scope="module")
def traced():
    """Twelve subsectors of as many sectors, one never printed and one without an exposure; two industries in each."""
    codes = ["111", "211", "221", "236", "311", "423", "441", "511", "522", "531", "541", "561"]
    rates = [1.0, 2.0, 3.0, 4.0, 3.0, 6.0, 7.0, 9.0, 8.0, 10.0, np.nan, 11.0]
    rows = cells(**{f"s{code}": [rate] for code, rate in zip(codes, rates, strict=True)})
    industries = [f"{code}{digit}" for code in codes[:-1] for digit in (1, 2)]
    exposures = pd.DataFrame({"industry": industries, "exposure": np.arange(float(len(industries)))})
    return cut(rows, "btos_subsectors"), cut(exposures, "industry_exposures")


def test_a_coefficient_lists_the_strata_that_have_both_a_rate_and_an_exposure(traced):
    rows, exposures = traced
    table, covariate = exposure.filled(rows, "subsector", 1, "printed"), exposure.subsector_exposures(exposures)
    sample = exposure.sample(table, "subsector", covariate)
    # neither the subsector never printed nor the one of unknown exposure
    expected = {"btos_subsectors": list(range(10)), "industry_exposures": list(range(20))}
    weights = exposure.webb_weights(49, 10, np.random.SeedSequence(1))
    found = [exposure.coefficient(sample, weights), exposure.jackknife(sample), exposure.descriptive(sample)]
    found += [exposure.permutation(sample, 9, np.random.SeedSequence(1)), sample]
    for one in found:
        assert {name: places.tolist() for name, places in rows_of(one).positions().items()} == expected
    fewer = exposure.sample(table[table.subsector != "236"], "subsector", covariate)
    assert {name: len(places) for name, places in rows_of(fewer).positions().items()} == {
        "btos_subsectors": 9,
        "industry_exposures": 18,
    }


def test_a_coefficient_is_computed_again_from_the_rows_that_it_lists(traced):
    def found(rows, exposures):
        covariate = exposure.subsector_exposures(exposures)
        tables = {rule: exposure.filled(rows, "subsector", 1, rule) for rule in ("printed", 0.5)}
        tables["worst"] = exposure.worst_case(rows, "subsector", 1, covariate, 0.5, 3.0)
        return {
            key: exposure.jackknife(exposure.sample(table, "subsector", covariate)) for key, table in tables.items()
        }

    for key, estimate in found(*traced).items():
        places = rows_of(estimate).positions()
        assert found(*(one.loc[places[one.attrs["table"]]] for one in traced))[key] == estimate
