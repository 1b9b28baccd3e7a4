"""Training compute: how one model's compares with another's, and how fast the record grows."""

from functools import lru_cache, partial

import numpy as np
import pandas as pd
from scipy import stats

from helpers.inference import (
    CLOSED_FORM,
    NOT_CHECKABLE,
    RESAMPLED,
    Estimate,
    Unanswered,
    exact,
    resampled_counts,
    running,
)
from helpers.rows import carry, joined, rows_of

FACTORS = {"Confident": 3.0, "Likely": 10.0, "Speculative": 31.0}
"""Epoch AI's classes of confidence: the true figure lies within this factor of the printed one, either way (AI models
documentation, Estimation, section Estimating confidence)."""
LEVEL = 0.9
"""Probability that Epoch AI gives to those ranges, in the same section."""
LABS = {
    "DeepMind": "Google",
    "Google Brain": "Google",
    "Google DeepMind": "Google",
    "Google Research": "Google",
    "Facebook": "Meta",
    "Facebook AI": "Meta",
    "Facebook AI Research": "Meta",
    "Meta AI": "Meta",
    "Microsoft Research": "Microsoft",
    "Microsoft Research Asia": "Microsoft",
    "Salesforce Research": "Salesforce",
}
"""Laboratories that belong to one firm."""
_YEAR = 365.25


def with_errors(
    models: pd.DataFrame, factors: dict = FACTORS, level: float = LEVEL, labs: dict = LABS
) -> pd.DataFrame | Unanswered:
    r"""Put compute on a log scale, with the standard error that Epoch's class of confidence implies.

    Within a factor :math:`f` with probability :math:`p` is, on the scale of log10 and under a normal law, a standard
    error of :math:`\log_{10} f / z_{(1+p)/2}`. A model without a class gets the widest factor.

    Parameters
    ----------
    models : DataFrame
        One row a model: model, organization (several joined by commas), published (day), training_compute_flop,
        confidence, known_on (day of the file).
    factors : dict of str to float
        Factor by class of confidence; 1 takes the printed figures for exact.
    level : float
        Probability that the truth lies within the factor.
    labs : dict of str to str
        Firm by laboratory.

    Returns
    -------
    DataFrame or Unanswered
        ``models`` in order of publication, with developer (the first one named, laboratories given to their firm),
        log10_flop, factor and error (log10 points). Unanswered when there is no row.
    """
    if models.empty:
        return Unanswered("no estimate of training compute is known yet")
    rows = models.sort_values(["published", "model"], kind="stable").reset_index(drop=True)
    factor = rows.confidence.map(factors).fillna(max(factors.values())).astype(float)
    first = rows.organization.str.split(",").str[0]
    out = rows.assign(
        developer=first.replace(labs),
        log10_flop=np.log10(rows.training_compute_flop),
        factor=factor,
        error=np.log10(factor) / stats.norm.ppf((1 + level) / 2),
    )
    return joined(out, "model", models)


def ratio(models: pd.DataFrame | Unanswered, one: str, other: str, base: str | None = None) -> Estimate | Unanswered:
    """Training compute of one model over that of another, with a log-normal interval of independent errors.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `with_errors` gives.
    one, other : str
        Models.
    base : str, optional
        Model on which the first one is built: what its figure adds to that of the base is compared, with the error of
        its own class.

    Returns
    -------
    Estimate or Unanswered
        Ratio; n is the number of estimates that enter. Exact where both errors are zero.
    """
    if isinstance(models, Unanswered):
        return models
    rows = models.set_index("model")
    named = [name for name in (one, other, base) if name]
    for name in named:
        if name not in rows.index:
            return Unanswered(f"the file holds no training compute of {name}", NOT_CHECKABLE)
    flop = rows.training_compute_flop
    spent = flop[one] - (flop[base] if base else 0.0)
    if spent <= 0:
        return Unanswered(f"{one} adds no compute to that of {base}", NOT_CHECKABLE)
    value, error = spent / flop[other], float(np.hypot(rows.at[one, "error"], rows.at[other, "error"]))
    spread = 10 ** (stats.norm.ppf(0.975) * error)
    words, entered = f"{one}{f' less {base}' if base else ''} over {other}", models[models.model.isin(named)]
    if error == 0:
        return exact(value, "ratio", len(named), f"{words}, as printed", partial(rows_of, entered))
    ends, method = (value / spread, value * spread), f"{words}, independent errors by Epoch's classes of confidence"
    return Estimate(value, *ends, "ratio", len(named), method, CLOSED_FORM, partial(rows_of, entered))


def records(models: pd.DataFrame | Unanswered) -> pd.DataFrame | Unanswered:
    """Find the models that set a record of training compute when they came out, among those of the file.

    Returns
    -------
    DataFrame or Unanswered
        Rows of ``models``, in order of publication.
    """
    if isinstance(models, Unanswered):
        return models
    before = models.log10_flop.cummax().shift(fill_value=-np.inf)
    return joined(models[models.log10_flop > before].reset_index(drop=True), "model", models)


def classes(models: pd.DataFrame | Unanswered) -> pd.DataFrame | Unanswered:
    """Tabulate how sure Epoch is of the figures, of all models and of those that set a record.

    Returns
    -------
    DataFrame or Unanswered
        One row a class of confidence: confidence, factor (either way), models, records.
    """
    if isinstance(models, Unanswered):
        return models
    named, best = (rows.fillna({"confidence": "none stated"}) for rows in (models, records(models)))
    table = named.groupby("confidence").agg(factor=("factor", "first"), models=("model", "size")).reset_index()
    table["records"] = table.confidence.map(best.confidence.value_counts()).fillna(0).astype(int)
    table = table.sort_values(["factor", "models"], ascending=[True, False], kind="stable")
    return carry(table.reset_index(drop=True), models)


def developer_samples(
    models: pd.DataFrame | Unanswered, draws: int, seed: np.random.SeedSequence
) -> np.ndarray | Unanswered:
    """Draw bootstrap samples of whole developers: how often each model is in each sample.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `with_errors` gives.
    draws : int
    seed : SeedSequence

    Returns
    -------
    array, shape (draws, models), or Unanswered
    """
    if isinstance(models, Unanswered):
        return models
    _, place = np.unique(models.developer.to_numpy(), return_inverse=True)
    times = resampled_counts(int(place.max()) + 1, draws, np.random.default_rng(seed))
    # one model's samples side by side in memory, as all measures go through them
    return times.T.astype(np.float32)[place].T


def drawn_compute(
    models: pd.DataFrame | Unanswered, draws: int, seed: np.random.SeedSequence
) -> np.ndarray | Unanswered:
    """Draw log10 of each model's compute from its class of confidence: normal, independent; shape (draws, models)."""
    if isinstance(models, Unanswered):
        return models
    noise = np.random.default_rng(seed).standard_normal((len(models), draws), np.float32).T
    return models.log10_flop.to_numpy() + noise * models.error.to_numpy()


def growth(
    models: pd.DataFrame | Unanswered,
    window: tuple[str, str | None],
    samples: np.ndarray | Unanswered,
    measure: str | int = "record",
) -> Estimate | Unanswered:
    """Yearly growth factor of training compute within a window; parameters and method as for `growth_ratio`."""
    if isinstance(models, Unanswered):
        return models
    point, drawn = (_growth(models, window, measure, *data) for data in _data(models, samples, None))
    return _percentiles(10 ** point[0], 10**drawn, "times a year", models, measure)


def growth_ratio(
    models: pd.DataFrame | Unanswered,
    early: tuple[str, str],
    late: tuple[str, str | None],
    samples: np.ndarray | Unanswered,
    measure: str | int = "record",
    drawn: np.ndarray | None = None,
) -> Estimate | Unanswered:
    r"""Yearly growth factor of record training compute in a late window over that in an early one.

    The record is the running maximum over all models of the file. Its growth is :math:`10^b`, with :math:`b` the slope
    of a least squares line through log10 of the record at each month's end (and at the window's last day) on the date
    in years. A running maximum is no sample, so the line has no t value: the interval holds 95% of bootstrap samples
    that draw whole developers with replacement (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x) and find
    the record anew. A sample can miss a record but never exceed one, and the bootstrap of a maximum is not exact
    (Bickel and Freedman 1981, doi 10.1214/aos/1176345637): in simulated worlds without a change of growth, as the tests
    have them, it covers the truth some 85 times in 100. Where the file begins with the early window, its first records
    are none, and the early growth comes out too high.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `with_errors` gives.
    early, late : tuple of str
        First and last day, ISO; ``None`` stands for the day of the file, beyond which no record can be seen.
    samples : array, shape (draws, models), or Unanswered
        As `developer_samples` gives.
    measure : str or int
        ``record`` as above; ``ends``, from the record at the first month's end to that at the last day; ``all``, a
        line through all models published in the window; a number n, a line through those that were among the n largest
        when they came out (n = 10: Epoch's frontier models).
    drawn : array, shape (draws, models), optional
        As `drawn_compute` gives: each sample with compute of its own. Maxima of noisy figures are too high, all the
        more where many are close.

    Returns
    -------
    Estimate or Unanswered
        Ratio; n is the number of models. Unanswered when a window holds no two dates of the measure.
    """
    if isinstance(models, Unanswered):
        return models
    gains = [
        [_growth(models, window, measure, *data) for window in (early, late)] for data in _data(models, samples, drawn)
    ]
    (point,), ratios = (10 ** (second - first) for first, second in gains)
    return _percentiles(point, ratios, "ratio", models, measure)


def trend(models: pd.DataFrame | Unanswered, window: tuple[str, str | None]) -> pd.DataFrame | Unanswered:
    """Line of the headline measure of `growth_ratio` within a window: its two ends.

    Returns
    -------
    DataFrame or Unanswered
        Two rows: date and log10_flop.
    """
    if isinstance(models, Unanswered):
        return models
    days = _grid(models, window)
    record = np.maximum.accumulate(models.log10_flop.to_numpy())
    place = np.searchsorted(models.published.to_numpy(), days.to_numpy(), side="right") - 1
    kept = place >= 0
    slope, level = np.polyfit(_years(days[kept]), record[place[kept]], 1)
    ends = days[kept][[0, -1]]
    return carry(pd.DataFrame({"date": ends, "log10_flop": level + slope * _years(ends)}), models)


def _data(models, samples, drawn):
    """Weights and log10 of compute, of the models as they are, then of the samples; shapes (models, samples or 1)."""
    value = models.log10_flop.to_numpy()[:, None]
    return (np.ones((len(models), 1), np.float32), value), (samples.T, value if drawn is None else drawn.T)


def _growth(models, window, measure, weight, value):
    """Slope of log10 of compute in a year, one a column of ``weight``; missing where it has no two dates."""
    days = _grid(models, window)
    if measure in ("record", "ends"):
        days = days[days >= models.published.iloc[0]]
        if measure == "ends":
            days = days[[0, -1]] if len(days) > 1 else days
        return _slopes(_years(days), *_record(models, days, weight, value))
    inside = ((models.published >= days[0]) & (models.published <= days[-1])).to_numpy()
    share = weight[inside]
    if measure != "all":
        share = share * _among_largest(models, weight, inside, int(measure))
    return _slopes(_years(models.published[inside]), value[inside], share)


def _record(models, days, weight, value):
    """Record of each sample on some days, and whether it has one; both of shape (days, samples)."""
    if not len(days):
        return np.zeros((0, weight.shape[1])), np.zeros((0, weight.shape[1]))
    cell = np.searchsorted(days.to_numpy(), models.published.to_numpy())
    kept = cell < len(days)
    if value.shape[1] == 1:
        # a developer comes into a sample whole: only its own records, and of those between two days the last, matter
        best = {}
        for row, (maker, flop) in enumerate(zip(models.developer.tolist(), value[:, 0].tolist(), strict=True)):
            before = best.get(maker)
            if before is not None and flop < value[before, 0]:
                kept[row] = False
                continue
            if before is not None and cell[before] == cell[row]:
                kept[before] = False
            best[maker] = row
    record = np.full((len(days), weight.shape[1]), -np.inf)
    for row, place in zip(np.flatnonzero(kept), cell[kept], strict=True):
        np.maximum(record[place], np.where(weight[row] > 0, value[row], -np.inf), out=record[place])
    record = running(np.maximum, record)
    known = np.isfinite(record)
    return np.where(known, record, 0), known


def _among_largest(models, weight, inside, n):
    """Whether each model of a window was among the n largest of a sample when it came out, shape (inside, samples)."""
    value, day = models.log10_flop.to_numpy(), models.published.to_numpy()
    larger = (value > value[inside, None]) & (day <= day[inside, None])
    # a developer comes into a sample whole, so its models are counted together
    makers, first, place = np.unique(models.developer.to_numpy(), return_index=True, return_inverse=True)
    counts = larger.astype(np.float32) @ np.eye(len(makers), dtype=np.float32)[place]
    return counts @ (weight[first] > 0).astype(np.float32) < n


def _grid(models, window):
    return _month_ends(pd.Timestamp(window[0]), pd.Timestamp(window[1]) if window[1] else models.known_on.max())


@lru_cache(maxsize=32)
def _month_ends(start, end):
    """Month ends of a window and its last day, kept for all measures that look at it."""
    return pd.date_range(start, end, freq="ME").union([end]).as_unit("ns")


def _years(days):
    return ((pd.DatetimeIndex(days) - pd.Timestamp("2018-01-01")) / pd.Timedelta(days=_YEAR)).to_numpy(float)


def _slopes(x, y, weight):
    """Weighted least squares slopes of the columns of ``y`` on ``x``; missing where a column has no two dates."""
    x = x - x.mean() if len(x) else x
    powers, weight = np.stack([np.ones_like(x), x, x**2]), weight.astype(float)
    total, first, second = powers @ weight
    mean, product = (powers[:2] * y.T) @ weight if y.shape[1] == 1 else powers[:2] @ (weight * y)
    some = np.where(total > 0, total, 1)
    spread = second - first**2 / some
    return (product - first * mean / some) / np.where(spread > 1e-4, spread, np.nan)


def _percentiles(point, drawn, unit, models, measure):
    drawn = drawn[np.isfinite(drawn)]
    if not np.isfinite(point) or not len(drawn):
        return Unanswered("a window holds no two dates to draw a line through", NOT_CHECKABLE)
    low, high = np.quantile(drawn, [0.025, 0.975])
    what = {"record": "record at each month's end", "ends": "record, from end to end", "all": "all models"}
    what = what.get(measure, f"the {measure} largest at release")
    method = f"{what}, 95% of {len(drawn):,} bootstrap samples of developers"
    ends = min(low, point), max(high, point)
    # samples are drawn from the developers of all models, whatever the window
    return Estimate(point, *ends, unit, len(models), method, RESAMPLED, partial(rows_of, models))
