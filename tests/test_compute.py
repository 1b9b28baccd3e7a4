import numpy as np
import pandas as pd
import pytest

from helpers import compute, data
from helpers.inference import NOT_CHECKABLE, Unanswered
from helpers.rows import rows_of

EARLY, LATE = ("2018-01-01", "2022-12-31"), ("2023-01-01", None)


def epoch(rows, known="2025-02-24"):
    table = pd.DataFrame(rows, columns=["model", "organization", "published", "training_compute_flop", "confidence"])
    return table.assign(published=pd.to_datetime(table.published), known_on=pd.Timestamp(known))


def steady(growth=10.0, months=86, firms=4, jump=1.0):
    """A model a month whose compute grows by a factor a year, ``jump`` times as fast from 2023 on; firms in turn."""
    days = pd.date_range("2018-01-31", periods=months, freq="ME")
    years = (days - days[0]).days / 365.25
    level = 20 + np.log10(growth) * (years + (jump - 1) * np.clip(years - 4.914, 0, None))
    return compute.with_errors(
        epoch([(f"m{k}", f"f{k % firms}", day, 10 ** level[k], "Confident") for k, day in enumerate(days)])
    )


def samples(models, draws=300, seed=1):
    return compute.developer_samples(models, draws, np.random.SeedSequence(seed))


def test_a_class_of_confidence_becomes_a_standard_error():
    rows = epoch([("a", "x", "2020-01-01", 1e20, "Confident"), ("b", "y", "2020-01-02", 1e21, None)])
    found = compute.with_errors(rows).set_index("model")
    # within a factor of 3 in nine cases of ten: log10(3) / 1.6449
    assert found.error["a"] == pytest.approx(0.29007, abs=1e-5)
    assert found.factor["b"] == 31
    exact = compute.with_errors(rows, factors={"Confident": 1, "Likely": 1, "Speculative": 1})
    assert (exact.error == 0).all()


def test_laboratories_are_given_to_their_firm_and_joint_models_to_the_first_named():
    rows = epoch([("a", "DeepMind,Oxford", "2020-01-01", 1e20, None), ("b", "Google Brain", "2020-01-02", 1e21, None)])
    assert compute.with_errors(rows).developer.tolist() == ["Google", "Google"]
    assert compute.with_errors(rows, labs={}).developer.tolist() == ["DeepMind", "Google Brain"]


def test_a_ratio_of_two_estimates_has_the_log_normal_interval_of_both_errors():
    rows = epoch([("a", "x", "2020-01-01", 2e24, "Confident"), ("b", "y", "2020-01-02", 4e24, "Speculative")])
    found = compute.ratio(compute.with_errors(rows, level=0.95), "a", "b")
    spread = 10 ** np.hypot(np.log10(3), np.log10(31))
    assert found.value == 0.5
    assert (found.low, found.high) == (pytest.approx(0.5 / spread, rel=1e-6), pytest.approx(0.5 * spread, rel=1e-6))


def test_a_number_carries_the_models_that_it_is_about():
    table = epoch([("c", "z", "2021-01-01", 8e24, "Confident"), ("a", "x", "2020-01-01", 2e24, "Likely"),
                   ("b", "y", "2022-01-01", 4e24, None), ("d", "x", "2020-06-01", 1e24, None)])  # fmt: skip
    table = table.set_axis([7, 3, 5, 9])
    table.attrs["table"] = "t"
    models = compute.with_errors(table)

    def entered(estimate):
        return rows_of(estimate).positions()["t"].tolist()

    assert entered(compute.ratio(models, "a", "b")) == [3, 5]
    assert entered(compute.ratio(models, "c", "b", base="a")) == [3, 5, 7]
    printed = compute.with_errors(table, factors=dict.fromkeys(compute.FACTORS, 1))
    assert entered(compute.ratio(printed, "a", "c")) == [3, 7]
    # records: a, then c; growth draws from the developers of all models
    assert entered(compute.records(models)) == [3, 7]
    growth = compute.growth(models, ("2020-01-01", "2021-12-31"), samples(models))
    assert entered(growth) == [3, 5, 7, 9]
    classed = compute.with_errors(table[table.confidence.notna()])
    assert entered(compute.growth(classed, ("2020-01-01", None), samples(classed))) == [3, 7]


def test_the_interval_of_a_ratio_covers_at_its_rate():
    generator, hits = np.random.default_rng(20250224), 0
    errors = np.log10([3, 31]) / 1.6448536
    for noise in generator.normal(scale=errors, size=(300, 2)):
        rows = epoch([("a", "x", "2020-01-01", 10 ** (24 + noise[0]), "Confident"),
                      ("b", "y", "2020-01-02", 10 ** (25 + noise[1]), "Speculative")])  # fmt: skip
        found = compute.ratio(compute.with_errors(rows), "a", "b")
        hits += found.low <= 0.1 <= found.high
    # Monte Carlo error of a rate of 95% in 300 trials is 1.3 points
    assert abs(hits / 300 - 0.95) < 0.035


def test_what_is_added_to_a_base_is_compared_alone():
    rows = epoch([("base", "x", "2020-01-01", 3e24, None), ("built", "x", "2020-02-01", 4e24, None),
                  ("other", "y", "2020-03-01", 2e24, None)])  # fmt: skip
    models = compute.with_errors(rows)
    assert compute.ratio(models, "built", "other", base="base").value == pytest.approx(0.5)
    assert compute.ratio(models, "base", "other", base="built").verdict == NOT_CHECKABLE
    assert compute.ratio(models, "nobody", "other").verdict == NOT_CHECKABLE


def test_figures_taken_for_exact_give_an_exact_ratio():
    rows = epoch([("a", "x", "2020-01-01", 2e24, "Likely"), ("b", "y", "2020-01-02", 4e24, "Likely")])
    assert compute.ratio(compute.with_errors(rows, factors={"Likely": 1}), "a", "b").is_exact


def test_records_are_the_models_that_exceed_all_before():
    rows = epoch([(name, "x", day, flop, None) for name, day, flop in
                  [("c", "2020-03-01", 3e20), ("a", "2020-01-01", 1e20), ("b", "2020-02-01", 9e19)]])  # fmt: skip
    assert compute.records(compute.with_errors(rows)).model.tolist() == ["a", "c"]
    assert compute.classes(compute.with_errors(rows)).values.tolist() == [["none stated", 31.0, 3, 2]]


@pytest.mark.parametrize("measure", ["record", "ends", "all", 1, 3])
def test_steady_growth_is_found_by_every_measure(measure):
    models = steady(growth=5.0)
    assert compute.growth(models, EARLY, samples(models), measure).value == pytest.approx(5.0, rel=0.02)
    found = compute.growth_ratio(models, EARLY, LATE, samples(models), measure)
    assert found.value == pytest.approx(1.0, rel=0.05) and found.low <= 1.02 and found.high >= 0.98


@pytest.mark.parametrize("jump", [0.5, 2.0])
def test_growth_that_halves_or_doubles_is_told_apart(jump):
    models = steady(growth=10.0, jump=jump, firms=12)
    found = compute.growth_ratio(models, EARLY, LATE, samples(models))
    assert found.value == pytest.approx(10 ** (jump - 1), rel=0.1)
    assert (found.high < 1) == (jump < 1) and (found.low > 1) == (jump > 1)


def brute_slope(models, window, kept):
    """Growth of the record among the kept models, the definition in loops."""
    start, end = pd.Timestamp(window[0]), pd.Timestamp(window[1] or models.known_on.max())
    days = sorted({*pd.date_range(start, end, freq="ME"), end})
    points = []
    for day in days:
        before = [row.log10_flop for row in models[kept].itertuples() if row.published <= day]
        if before:
            points.append(((day - start).days / 365.25, max(before)))
    return np.polyfit(*np.array(points).T, 1)[0]


def test_samples_agree_with_a_brute_force_loop():
    generator = np.random.default_rng(7)
    rows = [(f"m{k}", f"f{generator.integers(5)}", pd.Timestamp("2018-01-01") + pd.Timedelta(days=40 * k),
             10 ** (20 + 0.05 * k + generator.normal()), None) for k in range(60)]  # fmt: skip
    models = compute.with_errors(epoch(rows))
    drawn = samples(models, 6)
    for weight in drawn:
        kept = weight > 0
        alone = compute._growth(models, LATE, "record", weight[:, None], models.log10_flop.to_numpy()[:, None])[0]
        assert alone == pytest.approx(brute_slope(models, LATE, kept), rel=1e-9)
    # and where each sample has compute of its own, which no record of a developer may then leave out
    noisy = compute.drawn_compute(models, 6, np.random.SeedSequence(2))
    together = compute._growth(models, LATE, "record", drawn.T, noisy.T)
    for weight, value, slope in zip(drawn, noisy, together, strict=True):
        assert slope == pytest.approx(brute_slope(models.assign(log10_flop=value), LATE, weight > 0), rel=1e-9)


def test_the_largest_at_release_agree_with_a_brute_force_loop():
    models = steady(firms=5, months=40)
    models = models.assign(log10_flop=np.random.default_rng(3).normal(21, 1, len(models)))
    weight, inside = samples(models, 8), np.ones(len(models), bool)
    found = compute._among_largest(models, weight.T, inside, 3).T
    value, day = models.log10_flop.to_numpy(), models.published.to_numpy()
    for row, taken in zip(found, weight > 0, strict=True):
        assert row.tolist() == [sum(taken & (day <= day[k]) & (value > value[k])) < 3 for k in range(len(models))]


def test_the_order_of_rows_and_a_model_that_sets_no_record_change_nothing():
    table = steady(jump=0.7).drop(columns=["developer", "log10_flop", "factor", "error"])
    small = epoch([("small", "f1", "2021-05-05", 1e15, None)])
    models, shuffled = compute.with_errors(table), compute.with_errors(table.sample(frac=1, random_state=1))
    more = compute.with_errors(pd.concat([table, small]))
    first, *rest = [compute.growth_ratio(rows, EARLY, LATE, samples(rows)) for rows in (models, shuffled, more)]
    assert [(one.value, one.low, one.high) for one in rest] == 2 * [(first.value, first.low, first.high)]


def test_the_late_window_ends_with_the_file_and_not_with_the_edition():
    models = steady()
    late = compute.trend(models, LATE)
    assert f"{late.date.iloc[-1]:%Y-%m-%d}" == "2025-02-24"


def test_the_interval_of_a_growth_ratio_covers_less_often_than_it_says():
    # no change of growth: log10 of compute rises by 0.6 a year; developers and models differ by 0.7; 100 worlds
    generator, hits, logs = np.random.default_rng(5), 0, []
    for _ in range(100):
        count = generator.poisson(320)
        when, firm = np.sort(generator.uniform(0, 7.15, count)), generator.integers(60, size=count)
        level = 20 + 0.6 * when + generator.normal(0, 0.7, 60)[firm] + generator.normal(0, 0.7, count)
        days = pd.Timestamp("2018-01-01") + pd.to_timedelta((365.25 * when).round(), unit="D")
        rows = zip([f"m{k}" for k in range(count)], [f"f{k}" for k in firm], days, 10**level, strict=True)
        models = compute.with_errors(epoch([(*row, "Confident") for row in rows]))
        found = compute.growth_ratio(models, EARLY, LATE, samples(models, 200))
        hits += found.low <= 1 <= found.high
        logs.append(np.log(found.value))
    # 300 worlds gave 86 of 100; the Monte Carlo error of 100 is 3.5 points
    assert 76 <= hits <= 96
    # a record that begins with the file grows too fast at first, so that growth seems to slow
    assert np.mean(logs) < -0.08


def test_what_is_not_known_is_not_answered():
    nothing = compute.with_errors(epoch([]))
    for found in (compute.ratio(nothing, "a", "b"), compute.growth_ratio(nothing, EARLY, LATE, samples(nothing)),
                  compute.records(nothing), compute.classes(nothing), compute.trend(nothing, LATE),
                  compute.growth(nothing, LATE, samples(nothing)),
                  compute.drawn_compute(nothing, 1, np.random.SeedSequence(1))):  # fmt: skip
        assert isinstance(found, Unanswered)
    alone = compute.with_errors(epoch([("a", "x", "2024-01-01", 1e24, None)]))
    assert isinstance(compute.growth_ratio(alone, EARLY, LATE, samples(alone)), Unanswered)


def test_r1_holds_its_base_and_the_file_is_unknown_on_the_day_of_the_note():
    assert data.load("training_compute", "2025-02-14").empty
    models = compute.with_errors(data.load("training_compute", "2025-02-24"))
    flop = models.set_index("model").training_compute_flop
    assert flop["DeepSeek-R1"] > flop["DeepSeek-V3"]
    assert compute.ratio(models, "DeepSeek-R1", "GPT-4o").value == pytest.approx(5.17e24 / 3.810001e25)
