"""Use of AI against exposure to it, across industries: fractional response regressions with few clusters.

Everything is descriptive: industries differ in more than their exposure.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import special, stats
from statsmodels.regression.linear_model import OLS

from helpers.inference import CLOSED_FORM, ITERATIVE, RESAMPLED, SIMULATED, Estimate, Unanswered, share

PER_SD = "log odds per standard deviation"
# two-digit codes that the survey counts as one sector
SECTORS = {"32": "31", "33": "31", "45": "44", "49": "48"}
ESTIMATORS = ("fractional logit", "empirical logit")
_LEAST_CLUSTERS = 8
_TENTHS = {"tenth_percent": 0.1, "median_percent": 0.5, "ninetieth_percent": 0.9}
_WEBB = np.sqrt([0.5, 1.0, 1.5])


def sector_of(industry: pd.Series) -> pd.Series:
    """Two-digit sector of industry codes, as the survey groups them.

    Examples
    --------
    >>> sector_of(pd.Series(["541", "332", "4521"])).tolist()
    ['54', '31', '44']
    """
    return industry.str[:2].replace(SECTORS)


def subsector_exposures(exposures: pd.DataFrame, how: str = "mean") -> pd.Series:
    """Exposure of three-digit subsectors: the simple mean of their four-digit industries.

    Weights by employment would be better; no employment by four-digit industry is held.

    Parameters
    ----------
    exposures : DataFrame
        One row an industry: industry (four digits), exposure (standard deviations over industries).
    how : str
        ``mean``, or ``median``, which a single industry sways less.

    Returns
    -------
    Series
        By subsector.
    """
    return exposures.groupby(exposures.industry.str[:3].rename("subsector")).exposure.agg(how)


def filled(rows: pd.DataFrame, by: str, window: int, rule: str | float, without: str = "") -> pd.DataFrame | Unanswered:
    """Mean use rate of each stratum over the last cycles known, under a rule for cells that the survey suppressed.

    Parameters
    ----------
    rows : DataFrame
        One row a cycle and stratum of one wording: cycle, wording, ``by``, use_rate (percent of firms; missing where
        suppressed).
    by : str
        ``subsector`` or ``sector``; codes with an X (firms in several of them) are left out.
    window : int
        Cycles.
    rule : str or float
        ``printed`` averages the cells printed and leaves out strata with none; ``all printed`` keeps strata printed in
        every cycle alone; ``own mean`` gives a suppressed cell the mean of its stratum's cells in all cycles known; a
        number gives every suppressed cell that rate.
    without : str
        Sector to leave out.

    Returns
    -------
    DataFrame or Unanswered
        One row a stratum: ``by``, sector, use_rate, printed (cells).

    Raises
    ------
    ValueError
        If the rows hold both wordings, or the rule is unknown.
    """
    if rows.wording.nunique() > 1:
        raise ValueError("these cycles hold both wordings of the question; they are two series and never one")
    if not isinstance(rule, (int, float)) and rule not in ("printed", "all printed", "own mean"):
        raise ValueError(f"no rule {rule!r} for suppressed cells")
    whole = rows[~rows[by].str.contains("X")].pivot(index=by, columns="cycle", values="use_rate")
    if whole.shape[1] < window:
        return Unanswered(f"only {whole.shape[1]} of {window} survey cycles of this wording are known")
    whole = whole.sort_index(axis=1)
    cells = whole.iloc[:, -window:]
    printed = cells.notna().sum(axis=1)
    if isinstance(rule, (int, float)):
        cells = cells.fillna(float(rule))
    elif rule == "own mean":
        own = whole.mean(axis=1)
        cells = cells.apply(lambda column: column.fillna(own))
    elif rule == "all printed":
        cells = cells[printed == window]
    means = cells.mean(axis=1).dropna()
    table = pd.DataFrame({"use_rate": means, "printed": printed[means.index]}).reset_index()
    table = table.assign(sector=sector_of(table[by]))
    return table[table.sector != without].reset_index(drop=True)


def worst_case(
    rows: pd.DataFrame, by: str, window: int, covariate: pd.Series, low: float, high: float
) -> pd.DataFrame | Unanswered:
    """As `filled`, with each suppressed cell at the end of a range that speaks most against a positive slope.

    Strata of a covariate above the mean get the low end, the others the high end. That all but minimises the slope over
    every way to fill the cells within the range: bounds in the spirit of Manski (2003, doi 10.1007/b97478).

    Parameters
    ----------
    rows, by, window
        As for `filled`.
    covariate : Series
        By stratum.
    low, high : float
        Percent of firms.
    """
    ends = [filled(rows, by, window, end) for end in (low, high)]
    if isinstance(ends[0], Unanswered):
        return ends[0]
    exposed = ends[0][by].map(covariate)
    above = (exposed > exposed.mean()).to_numpy()
    return ends[0].assign(use_rate=np.where(above, ends[0].use_rate, ends[1].use_rate))


def suppression(rows: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Compare what the survey printed of subsectors that it mostly prints and of those that it mostly suppresses.

    Cells are suppressed for being imprecise, which few firms cause as well as low rates do: this asks whether a
    suppressed cell may be taken for a low one.

    Parameters
    ----------
    rows : DataFrame
        As for `filled`, by subsector.

    Returns
    -------
    DataFrame or Unanswered
        One row a group: printed (in at least half of the cycles, in fewer, never), subsectors (count), tenth_percent,
        median_percent, ninetieth_percent (percentiles of the mean of each subsector's printed cells, percent of firms).
    """
    if rows.empty:
        return Unanswered("no survey cycle of this wording is known yet")
    own = rows[~rows.subsector.str.contains("X")].groupby("subsector").use_rate.agg(["mean", "count", "size"])
    kind = np.select([own["count"] == 0, 2 * own["count"] < own["size"]], ["never", "in fewer"], "in at least half")
    groups = own["mean"].groupby(pd.Series(kind, own.index, name="printed"))
    table = pd.DataFrame({"subsectors": groups.size(), **{n: groups.quantile(q) for n, q in _TENTHS.items()}})
    return table.reindex(["in at least half", "in fewer", "never"]).dropna(subset="subsectors").reset_index()


@dataclass(frozen=True)
class Sample:
    """What a regression sees.

    Parameters
    ----------
    use : array, shape (n,)
        Share of firms that use AI, between 0 and 1.
    exposure : array, shape (n,)
        Standardised to mean 0 and standard deviation 1 over the rows.
    cluster : array of int, shape (n,)
        Place of the row's sector in ``sectors``.
    weight : array, shape (n,)
        Mean 1.
    sectors : tuple of str
    names : tuple of str
        Codes of the strata.
    """

    use: np.ndarray
    exposure: np.ndarray
    cluster: np.ndarray
    weight: np.ndarray
    sectors: tuple
    names: tuple

    @cached_property
    def regressors(self) -> np.ndarray:
        """Constant and exposure, shape (n, 2)."""
        return np.column_stack([np.ones(len(self.use)), self.exposure])


def sample(
    table: pd.DataFrame | Unanswered, by: str, covariate: pd.Series, weights: str = "equal"
) -> Sample | Unanswered:
    """Join rates and a covariate, and standardise it over the strata that have both.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `filled` gives.
    by : str
        Column of the stratum.
    covariate : Series
        By stratum, or by two-digit sector (every subsector then has its sector's).
    weights : str
        ``equal`` for each stratum, or ``sectors`` for each sector, shared among its strata.

    Returns
    -------
    Sample or Unanswered
        Unanswered when fewer than eight sectors are left.
    """
    if isinstance(table, Unanswered):
        return table
    by_sector = covariate.index.str.len().max() == 2 if len(covariate) else False
    known = table.assign(x=(table.sector if by_sector else table[by]).map(covariate)).dropna(subset="x")
    sectors, cluster = np.unique(known.sector.to_numpy(str), return_inverse=True)
    if len(sectors) < _LEAST_CLUSTERS or known.x.std() == 0:
        return Unanswered(f"only {len(sectors)} sectors have both a rate and a covariate")
    weight = np.ones(len(known)) if weights == "equal" else 1 / np.bincount(cluster)[cluster]
    x = known.x.to_numpy(float)
    return Sample(
        known.use_rate.to_numpy(float) / 100,
        (x - x.mean()) / x.std(),
        cluster,
        weight / weight.mean(),
        tuple(sectors.tolist()),
        tuple(known[by]),
    )


def fractional_logit(
    y: np.ndarray, regressors: np.ndarray, weight: np.ndarray | float = 1.0, offset: np.ndarray | float = 0.0
) -> np.ndarray:
    """Coefficients of a fractional logit by quasi-likelihood (Papke and Wooldridge 1996).

    Maximises ``sum w (y ln m + (1 - y) ln(1 - m))`` with ``m = expit(X b + offset)`` by Newton's method; y is any
    share, not a count. doi 10.1002/(SICI)1099-1255(199611)11:6<619::AID-JAE418>3.0.CO;2-1. Own code, since an
    interval refits it hundreds of times; a test holds it to statsmodels.

    Parameters
    ----------
    y : array, shape (n,)
        Between 0 and 1.
    regressors : array, shape (n, k)
    weight, offset : array, shape (n,), or float

    Returns
    -------
    array, shape (k,)

    Raises
    ------
    ValueError
        If the fit does not settle in 100 steps, as where a line separates zeros from ones.

    Examples
    --------
    >>> fractional_logit(np.array([0.2, 0.4]), np.ones((2, 1))).round(4).tolist()
    [-0.8473]
    """
    values = np.zeros(regressors.shape[1])
    for _ in range(100):
        mean = special.expit(regressors @ values + offset)
        spread = weight * mean * (1 - mean)
        try:
            step = np.linalg.solve((regressors * spread[:, None]).T @ regressors, regressors.T @ (weight * (y - mean)))
        except np.linalg.LinAlgError:
            break
        # a step of more than two log odds overshoots; the quasi-likelihood is concave, so a shorter one is safe
        values = values + step * min(1.0, 2 / max(np.abs(step).max(), 1e-300))
        if np.abs(step).max() < 1e-12:
            return values
    raise ValueError("the fractional logit does not settle: a line separates its zeros from its ones")


def webb_weights(draws: int, clusters: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Draw Webb's six-point weights: plus or minus the roots of 1/2, 1 and 3/2, each with probability 1/6.

    Webb (2023), Reworking wild bootstrap-based inference for clustered errors, doi 10.1111/caje.12661; mean 0,
    variance 1.

    Returns
    -------
    array, shape (draws, clusters)
    """
    points = np.concatenate([-_WEBB[::-1], _WEBB])
    return points[np.random.default_rng(seed).integers(6, size=(draws, clusters))]


def wild_t(
    residual: np.ndarray, regressors: np.ndarray, at: int, cluster: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Bootstrap t statistics of one coefficient under the wild cluster restricted bootstrap, all draws at once.

    A draw gives cluster g the residuals ``w_g u_g`` of the fit under the hypothesis and tests the hypothesis again with
    CRV1 errors. With ``a = X (X'X)^-1 e``, ``n_g = a_g'u_g`` and ``C = diag(n) - [a_g'X_g (X'X)^-1 X_h'u_h]``, the
    statistic is ``n'w / sqrt(m sum_g (C w)_g^2)``: work of the order of draws times clusters squared, whatever the
    rows (Roodman, Nielsen, MacKinnon and Webb 2019, doi 10.1177/1536867X19830877; MacKinnon 2023, doi
    10.1016/j.ecosta.2021.11.009).

    Parameters
    ----------
    residual : array, shape (n,)
        Of the fit under the hypothesis.
    regressors : array, shape (n, k)
    at : int
        Column of the coefficient.
    cluster : array of int, shape (n,)
        Places 0 to G - 1, each taken.
    weights : array, shape (draws, G)
        As `webb_weights` gives.

    Returns
    -------
    array, shape (draws,)
    """
    groups = weights.shape[1]
    inverse = np.linalg.inv(regressors.T @ regressors)
    pull = regressors @ inverse[:, at]
    own = np.bincount(cluster, pull * residual, groups)
    scores = _cluster_sums(regressors * residual[:, None], cluster, groups)
    reach = _cluster_sums(regressors * pull[:, None], cluster, groups)
    matrix = np.diag(own) - reach @ inverse @ scores.T
    factor = _small_sample(len(residual), regressors.shape[1], groups)
    spread = weights @ matrix.T
    return weights @ own / np.sqrt(factor * np.einsum("dg,dg->d", spread, spread))


def crv1(residual: np.ndarray, regressors: np.ndarray, at: int, cluster: np.ndarray) -> float:
    """Cluster-robust standard error of a least-squares coefficient, with the usual small-sample factor.

    ``G / (G - 1) (n - 1) / (n - k)`` times the sandwich (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13).
    """
    groups = int(cluster.max()) + 1
    inverse = np.linalg.inv(regressors.T @ regressors)
    scores = np.bincount(cluster, regressors @ inverse[:, at] * residual, groups)
    return float(np.sqrt(_small_sample(len(residual), regressors.shape[1], groups) * (scores**2).sum()))


def slope(one: Sample, estimator: str = ESTIMATORS[0]) -> float:
    """Coefficient of standardised exposure, in log odds per standard deviation."""
    return float(_coefficients(one, estimator)[1])


def wild_p(one: Sample, null: float, weights: np.ndarray, estimator: str = ESTIMATORS[0]) -> float:
    """P value of the hypothesis that the coefficient is ``null``, by the wild cluster restricted bootstrap.

    For least squares on the empirical logit this is the WCR bootstrap itself. For the fractional logit it is its
    linearised form (WCLR; MacKinnon, Nielsen and Webb 2024, arXiv 2406.00650): the statistic is that of the full fit,
    and the draws come from the artificial regression of ``(y - m) / sqrt(v)`` on ``sqrt(v) X`` at the fit under the
    hypothesis, v = m (1 - m).

    Parameters
    ----------
    one : Sample
    null : float
        Log odds per standard deviation.
    weights : array, shape (draws, clusters)
    estimator : str
        One of `ESTIMATORS`.

    Returns
    -------
    float
        Share of draws whose statistic is at least as far from zero as the one found.
    """
    found = _wald(one, estimator)
    return _wild_p(one, null, weights, estimator, *found)


def coefficient(
    one: Sample | Unanswered, weights: Callable | np.ndarray, estimator: str = ESTIMATORS[0]
) -> Estimate | Unanswered:
    """Coefficient of standardised exposure with the interval of all values that the wild cluster bootstrap keeps.

    Parameters
    ----------
    one : Sample or Unanswered
    weights : array, shape (draws, clusters), or callable of the number of clusters
        As `webb_weights` gives; the same draws at every hypothesis, so that the test can be inverted.
    estimator : str
        One of `ESTIMATORS`.

    Returns
    -------
    Estimate or Unanswered
        Log odds per standard deviation; n is the number of strata. An end that no test rejects within 64 standard
        errors is infinite.
    """
    if isinstance(one, Unanswered):
        return one
    drawn = weights(len(one.sectors)) if callable(weights) else weights
    value, error = _wald(one, estimator)
    ends = [_end(one, drawn, estimator, value, error, side) for side in (-1, 1)]
    method = f"{estimator}, {len(one.sectors)} sectors as clusters, wild cluster bootstrap of {len(drawn):,} draws"
    return Estimate(value, min(ends[0], value), max(ends[1], value), PER_SD, len(one.use), method, RESAMPLED)


def jackknife(one: Sample | Unanswered, estimator: str = ESTIMATORS[0]) -> Estimate | Unanswered:
    """Coefficient of standardised exposure with CRV3 errors: every sector is left out in turn.

    ``V = (G - 1) / G sum_g (b_(g) - b)^2``, read against t with G - 1 degrees of freedom (Bell and McCaffrey 2002;
    MacKinnon, Nielsen and Webb 2023, doi 10.1002/jae.2969).

    Returns
    -------
    Estimate or Unanswered
        As for `coefficient`.
    """
    if isinstance(one, Unanswered):
        return one
    value, groups = slope(one, estimator), len(one.sectors)
    without = leave_one_out(one, estimator).value.to_numpy()
    half = stats.t.ppf(0.975, groups - 1) * np.sqrt((groups - 1) / groups * ((without - value) ** 2).sum())
    method = f"{estimator}, {groups} sectors as clusters, jackknife errors (CRV3)"
    return Estimate(value, value - half, value + half, PER_SD, len(one.use), method, ITERATIVE)


def leave_one_out(one: Sample, estimator: str = ESTIMATORS[0]) -> pd.DataFrame:
    """Coefficient without each sector in turn; exposure keeps the scale of the whole sample.

    Returns
    -------
    DataFrame
        One row a sector: sector, strata (left out with it), value.
    """
    rows = []
    for place, sector in enumerate(one.sectors):
        out = one.cluster == place
        rest = replace(one, use=one.use[~out], exposure=one.exposure[~out], weight=one.weight[~out])
        rows.append((sector, int(out.sum()), slope(rest, estimator)))
    return pd.DataFrame(rows, columns=["sector", "strata", "value"])


def permutation(one: Sample | Unanswered, draws: int, seed: np.random.SeedSequence, within: bool = False):
    """P value of no relation by shuffling exposures over strata, one-sided for a positive slope.

    The statistic is the least-squares t on log odds with HC3 errors: studentised, so that the test keeps its size when
    strata differ in spread (DiCiccio and Romano 2017, doi 10.1080/01621459.2016.1202117).

    Parameters
    ----------
    one : Sample or Unanswered
    draws : int
    seed : SeedSequence
    within : bool
        Shuffle inside each sector only, which asks whether exposure tells more than the sector does.

    Returns
    -------
    Estimate or Unanswered
        Probability with the Wilson interval of its draws; the exposures as they are count as one draw.
    """
    if isinstance(one, Unanswered):
        return one
    keys = np.random.default_rng(seed).random((draws, len(one.use)))
    if within:
        # ranks of keys inside a sector, laid on that sector's own places
        order = np.argsort(keys + one.cluster, axis=1)
        places = np.argsort(one.cluster, kind="stable")
        shuffled = np.empty_like(order)
        shuffled[:, places] = order
    else:
        shuffled = np.argsort(keys, axis=1)
    y = special.logit(one.use)
    if within:
        y = y - (np.bincount(one.cluster, y) / np.bincount(one.cluster))[one.cluster]
    drawn = one.exposure[np.vstack([np.arange(len(y)), shuffled])]
    if within:
        means = np.stack([drawn[:, one.cluster == g].mean(axis=1) for g in range(len(one.sectors))], axis=1)
        drawn = drawn - means[:, one.cluster]
    statistic = _hc3_t(y, drawn)
    hits = int((statistic[1:] >= statistic[0] - 1e-12).sum()) + 1
    where = "within sectors" if within else "over all strata"
    return share(hits, draws + 1, "probability", f"permutation of exposures {where}, one-sided", SIMULATED)


def descriptive(one: Sample | Unanswered) -> Estimate | Unanswered:
    """Least-squares slope of log odds on standardised exposure with HC3 errors, for a handful of sectors.

    Returns
    -------
    Estimate or Unanswered
        As for `coefficient`; t with n - 2 degrees of freedom.
    """
    if isinstance(one, Unanswered):
        return one
    fit = OLS(special.logit(one.use), one.regressors).fit(cov_type="HC3", use_t=True)
    low, high = fit.conf_int()[1]
    method = "empirical logit of sectors, HC3 errors"
    return Estimate(fit.params[1], low, high, PER_SD, len(one.use), method, CLOSED_FORM)


def fitted(one: Sample, places: np.ndarray) -> np.ndarray:
    """Share of firms that the fractional logit gives to standardised exposures, in percent."""
    level, rise = _coefficients(one, ESTIMATORS[0])
    return 100 * special.expit(level + rise * places)


def specifications(
    rows: pd.DataFrame,
    covariates: dict[str, pd.Series],
    choices: dict[str, dict],
    weights: Callable,
    headline: dict[str, str],
) -> pd.DataFrame | Unanswered:
    """Estimate the coefficient under every combination of choices (Simonsohn, Simmons and Nelson 2020).

    Parameters
    ----------
    rows : DataFrame
        As for `filled`, by subsector.
    covariates : dict of str to Series
        By label, as for `sample`.
    choices : dict of str to dict
        ``window`` (label to cycles), ``suppressed`` (label to rule), ``weights`` (label to weights).
    weights : callable
        Gives the draws for a number of clusters.
    headline : dict of str to str
        The labels that make the headline.

    Returns
    -------
    DataFrame or Unanswered
        One row a specification, sorted by value: covariate, window, suppressed, weights, estimator, value, low, high,
        n, headline.
    """
    out, drawn = [], {}
    for window, cycles in choices["window"].items():
        for suppressed, rule in choices["suppressed"].items():
            table = filled(rows, "subsector", cycles, rule)
            for name, covariate in covariates.items():
                for weighting, how in choices["weights"].items():
                    one = sample(table, "subsector", covariate, how)
                    if isinstance(one, Unanswered):
                        continue
                    groups = len(one.sectors)
                    drawn[groups] = drawn[groups] if groups in drawn else weights(groups)
                    for estimator in ESTIMATORS:
                        found = coefficient(one, drawn[groups], estimator)
                        labels = (name, window, suppressed, weighting, estimator)
                        out.append((*labels, found.value, found.low, found.high, found.n))
    if not out:
        return Unanswered("too few survey cycles of this wording are known")
    names = ["covariate", "window", "suppressed", "weights", "estimator", "value", "low", "high", "n"]
    table = pd.DataFrame(out, columns=names).sort_values("value", kind="stable", ignore_index=True)
    table = table.assign(headline=(table[list(headline)] == pd.Series(headline)).all(axis=1))
    return table if table.headline.any() else Unanswered("the headline is not known yet")


def _cluster_sums(values, cluster, groups):
    return np.column_stack([np.bincount(cluster, column, groups) for column in values.T])


def _small_sample(n, k, groups):
    return groups / (groups - 1) * (n - 1) / (n - k)


def _coefficients(one, estimator):
    if estimator == "fractional logit":
        return fractional_logit(one.use, one.regressors, one.weight)
    if estimator != "empirical logit":
        raise ValueError(f"no estimator {estimator!r}; there are {', '.join(ESTIMATORS)}")
    root = np.sqrt(one.weight)
    return np.linalg.lstsq(one.regressors * root[:, None], special.logit(one.use) * root, rcond=None)[0]


def _linearised(one, values, estimator):
    """Residuals and regressors of least squares, or of the artificial regression of the fractional logit, at values."""
    line = one.regressors @ values
    if estimator == "empirical logit":
        root = np.sqrt(one.weight)
        return (special.logit(one.use) - line) * root, one.regressors * root[:, None]
    mean = special.expit(line)
    root = np.sqrt(one.weight * mean * (1 - mean))
    return one.weight * (one.use - mean) / root, one.regressors * root[:, None]


def _wald(one, estimator):
    values = _coefficients(one, estimator)
    return float(values[1]), crv1(*_linearised(one, values, estimator), 1, one.cluster)


def _wild_p(one, null, weights, estimator, value, error):
    if estimator == "fractional logit":
        level = _level(one, null)
    else:
        level = np.average(special.logit(one.use) - null * one.exposure, weights=one.weight)
    residual, regressors = _linearised(one, np.array([level, null]), estimator)
    statistics = wild_t(residual, regressors, 1, one.cluster, weights)
    return float(np.mean(np.abs(statistics) >= abs(value - null) / error))


def _level(one, null):
    """Constant of the fractional logit under a hypothesis: `fractional_logit` of one regressor, without matrices."""
    drawn, use = null * one.exposure, (one.weight * one.use).sum()
    level = special.logit(use / one.weight.sum())
    for _ in range(100):
        mean = special.expit(level + drawn)
        fitted = one.weight * mean
        step = (use - fitted.sum()) / (fitted @ (1 - mean))
        level += min(max(step, -2.0), 2.0)
        if abs(step) < 1e-12:
            return level
    raise ValueError("the fractional logit does not settle")


def _end(one, weights, estimator, value, error, side):
    """Where the p value falls to 5% on one side of the estimate: doubled until rejected, then halved."""
    inside, outside = 0.0, 2.0
    while _wild_p(one, value + side * outside * error, weights, estimator, value, error) > 0.05:
        inside, outside = outside, 2 * outside
        if outside > 64:
            return side * np.inf
    for _ in range(13):
        middle = (inside + outside) / 2
        kept = _wild_p(one, value + side * middle * error, weights, estimator, value, error) > 0.05
        inside, outside = (middle, outside) if kept else (inside, middle)
    # rounded: the last digits of a bisection differ from one processor to another
    return round(value + side * outside * error, 5)


def _hc3_t(y, drawn):
    """HC3 t statistic of the slope for every row of regressors."""
    x = drawn - drawn.mean(axis=1, keepdims=True)
    square = (x**2).sum(axis=1, keepdims=True)
    rise = (x @ (y - y.mean()))[:, None] / square
    residual = y - y.mean() - rise * x
    leverage = 1 / x.shape[1] + x**2 / square
    variance = ((x * residual / (1 - leverage)) ** 2).sum(axis=1) / square[:, 0] ** 2
    return rise[:, 0] / np.sqrt(variance)
