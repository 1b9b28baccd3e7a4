"""Event studies with one date for all firms: abnormal returns, and tests that allow for firms that move together.

Apart from `returns`, which is arithmetic on prices: here a model of normal returns is estimated, and every answer has
an interval. All firms share the event's day, so their abnormal returns are correlated and the usual tests reject far
too often; the default is the correction of Kolari and Pynnonen (2010, doi 10.1093/rfs/hhq072).
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from helpers.inference import CLOSED_FORM, RESAMPLED, Estimate, Unanswered, resampled_counts
from helpers.rows import Rows, carry, rows_of

MARKET, ADJUSTED, TWO_FACTOR = "market model", "market-adjusted", "two-factor"
MODELS = (MARKET, TWO_FACTOR, ADJUSTED)
BENCHMARKS = ("SPY", "RSP", "ACWI")
WINDOWS = (250, 120, 500)
SECTOR = "XLK"
LEAST_DAYS = 100  # of returns in the estimation window; a firm listed too late for that is left out


# known by itself, not by what it holds, so that what follows from it can be kept
@dataclass(frozen=True, eq=False)
class NormalReturns:
    """A model of normal returns, estimated for several securities.

    Parameters
    ----------
    label : str
        Model, benchmark and window, to print.
    window : DatetimeIndex
        Days of the estimation window.
    design : DataFrame
        One row a day held, one column a parameter; no column where nothing is estimated.
    abnormal : DataFrame
        Return less normal return as a fraction: one row a day held, one column a security.
    spread : array, shape (securities, parameters, parameters)
        Inverse of the cross-products of ``design`` over the days of each security.
    coefficients : DataFrame
        One row a parameter, one column a security.
    sd, degrees : Series
        Residual standard deviation and degrees of freedom of each security.
    returns : Rows
        Of the daily returns, labelled by security and date.
    funds : tuple of str
        Securities that stand for the market and a sector.
    """

    label: str
    window: pd.DatetimeIndex
    design: pd.DataFrame
    abnormal: pd.DataFrame
    spread: np.ndarray
    coefficients: pd.DataFrame
    sd: pd.Series
    degrees: pd.Series
    returns: Rows
    funds: tuple

    def rows(self, members: list[str], start: str, end: str) -> Rows:
        """Rows on which abnormal returns of some members from one day to another rest, those of the window too."""
        days = self.abnormal.index
        spans = [(self.window[0], self.window[-1]), (pd.Timestamp(start), pd.Timestamp(end))]
        # a return needs the level of the day before, and the first day has one that is no row of the returns
        spans = [
            (days[place - 1] if (place := days.get_loc(first)) else pd.Timestamp.min, last) for first, last in spans
        ]
        held = self.returns.select(security=[*members, *self.funds])
        return held.select(date=lambda date: sum(date.between(*span) for span in spans).astype(bool))

    @cached_property
    def residuals(self) -> pd.DataFrame:
        """Abnormal returns of the estimation window."""
        return self.abnormal.loc[self.window]


def least_squares(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Regress every column of ``y`` on ``x`` by ordinary least squares, each on the rows where it is known.

    Parameters
    ----------
    x : array, shape (rows, parameters)
    y : array, shape (rows, columns)
        May have missing cells.

    Returns
    -------
    tuple of array, shape (parameters, columns), and array, shape (columns, parameters, parameters)
        Coefficients, and the inverse cross-products ``(X'X)^-1`` of each column's rows.
    """
    here = ~np.isnan(y)
    products = np.einsum("tk,tl,tn->nkl", x, x, here.astype(float), optimize=True)
    spread = np.linalg.inv(products)
    return np.einsum("nkl,nl->kn", spread, np.nan_to_num(y).T @ x), spread


def normal_returns(
    daily: pd.DataFrame,
    securities: list[str],
    end: str,
    days: int = WINDOWS[0],
    benchmark: str = BENCHMARKS[0],
    model: str = MARKET,
    sector: str = SECTOR,
) -> NormalReturns | Unanswered:
    """Estimate normal returns over a window that ends before the event.

    Market model (MacKinlay 1997, Journal of Economic Literature 35): ``R_it = a_i + b_i R_mt + e_it`` by least squares.
    Two-factor: with the sector fund's return less the benchmark's beside it. Market-adjusted: ``a = 0, b = 1``.

    Parameters
    ----------
    daily : DataFrame
        As `returns.daily_returns` gives.
    securities : list of str
        Columns of ``daily``; those with fewer than 100 returns in the window are left out.
    end : str
        Last day of the estimation window, ISO.
    days : int
        Trading days of the window.
    benchmark, sector : str
        Columns of ``daily``.
    model : str
        ``market model``, ``two-factor`` or ``market-adjusted``.

    Returns
    -------
    NormalReturns or Unanswered
        Unanswered when the window is not over, or begins before the first return held.

    Raises
    ------
    ValueError
        If the model is of no known kind, or there are no returns of the benchmark or the sector fund.
    """
    if model not in MODELS:
        raise ValueError(f"a model of normal returns is one of {', '.join(MODELS)}, not {model!r}")
    funds = (benchmark, sector) if model == TWO_FACTOR else (benchmark,)
    unknown = [name for name in funds if name not in daily]
    if unknown and len(daily):
        raise ValueError(f"no returns of {unknown[0]!r} to stand for the market or a sector")
    if daily.empty or daily.index[-1] < pd.Timestamp(end):
        return Unanswered(f"the estimation window ends on {end}, later than the last trading day known")
    window = daily.index[daily.index <= end][-days:]
    if len(window) < days:
        return Unanswered(f"only {len(window)} of the {days} days of the estimation window are held")
    market = daily[benchmark]
    factors = {"constant": np.ones(len(daily)), benchmark: market} if model != ADJUSTED else {}
    factors |= {f"{sector} less {benchmark}": daily[sector] - market} if model == TWO_FACTOR else {}
    design = pd.DataFrame(factors, index=daily.index)
    place = daily.index.get_indexer(window)
    asked = daily[[name for name in securities if name in daily]]
    target = asked.loc[:, (~np.isnan(asked.to_numpy()[place])).sum(axis=0) >= LEAST_DAYS]
    target = target.sub(market, axis=0) if model == ADJUSTED else target
    held = target.columns
    found, spread = least_squares(design.to_numpy()[place], target.to_numpy()[place])
    coefficients = pd.DataFrame(found, index=design.columns, columns=held)
    abnormal = target - design.to_numpy() @ found
    residuals = abnormal.loc[window]
    degrees = residuals.notna().sum() - design.shape[1]
    sd = np.sqrt((residuals**2).sum() / degrees)
    against = benchmark + (f" and {sector}" if model == TWO_FACTOR else "")
    label = f"{model} against {against}, {days} days to {end}"
    return NormalReturns(label, window, design, abnormal, spread, coefficients, sd, degrees, rows_of(daily), funds)


def abnormal_returns(
    model: NormalReturns | Unanswered, members: list[str], start: str, end: str
) -> pd.DataFrame | Unanswered:
    """Sum abnormal returns over an event window, with their prediction errors.

    ``CAR_i = sum_t (R_it - N_it)``, its error variance ``s_i^2 (H + z' (X'X)^-1 z)`` with ``H`` days and ``z`` the sum
    of the regressors over them (MacKinlay 1997): the noise of the window and the error of the parameters.

    Parameters
    ----------
    model : NormalReturns or Unanswered
    members : list of str
        Those that the model does not hold, or that lack a return in the window, are left out.
    start, end : str
        First and last day of the event window, ISO trading days.

    Returns
    -------
    DataFrame or Unanswered
        One row a security (index): abnormal_return (fraction), error (its standard deviation), standardised (their
        ratio), degrees (of freedom). Unanswered when the event window is not over, or no member is held.

    Raises
    ------
    ValueError
        If the event window begins before the estimation window ends, or an end is no trading day.
    """
    if isinstance(model, Unanswered):
        return model
    days = model.abnormal.index
    if pd.Timestamp(end) > days[-1]:
        return Unanswered(f"the event window {start} to {end} is not over by the last trading day known")
    if pd.Timestamp(start) not in days or pd.Timestamp(end) not in days or not start <= end:
        raise ValueError(f"{start} to {end} does not begin and end on trading days")
    if pd.Timestamp(start) <= model.window[-1]:
        raise ValueError(f"the event window begins on {start}, before the estimation window ends")
    span = days.slice_indexer(start, end)
    event = model.abnormal.to_numpy()[span]
    whole = set(model.abnormal.columns[~np.isnan(event).any(axis=0)])
    held = [name for name in members if name in whole]
    if not held:
        return Unanswered(f"no member has {LEAST_DAYS} returns to estimate and a return on each day from {start}")
    z = model.design.to_numpy()[span].sum(axis=0)
    place = model.abnormal.columns.get_indexer(held)
    leverage = np.einsum("k,nkl,l->n", z, model.spread[place], z)
    error = model.sd.to_numpy()[place] * np.sqrt(len(event) + leverage)
    total, degrees = event[:, place].sum(axis=0), model.degrees.to_numpy()[place]
    table = {"abnormal_return": total, "error": error, "standardised": total / error, "degrees": degrees}
    return pd.DataFrame(table, index=model.abnormal.columns[place])


def mean_correlation(residuals: pd.DataFrame) -> float:
    """Mean correlation between all pairs of columns, each over the days that both have."""
    return _off_diagonal_mean(residuals.corr().to_numpy())


def cross_correlation_factor(n: int, r: float) -> float:
    """Factor by which Kolari and Pynnonen (2010, doi 10.1093/rfs/hhq072) shrink a cross-sectional t statistic.

    ``sqrt((1 - r) / (1 + (n - 1) r))``: the cross-section understates the variance by ``1 - r``, and the mean of ``n``
    correlated firms has ``1 + (n - 1) r`` times that of independent ones.

    Examples
    --------
    >>> round(cross_correlation_factor(30, 0.1), 4), round(cross_correlation_factor(7, 0.3), 4)
    (0.4804, 0.5)
    """
    return float(np.sqrt((1 - r) / (1 + (n - 1) * r)))


def mean_abnormal_return(
    model: NormalReturns | Unanswered, members: list[str], start: str, end: str, weights: pd.Series | None = None
) -> Estimate | Unanswered:
    """Mean cumulative abnormal return of several firms, with an interval that allows for their correlation.

    Standard error ``s sqrt(w'Cw / (1 - r))``, for equal weights ``s / sqrt(n)`` over the factor of
    `cross_correlation_factor`; ``s`` is the standard deviation across firms, ``C`` the correlation of the residuals of
    the estimation window and ``r`` its mean off the diagonal. The interval takes the t distribution with n - 1 degrees
    of freedom. It is the correction of Kolari and Pynnonen (2010, doi 10.1093/rfs/hhq072) applied to abnormal returns
    as they are, not standardised, so that the answer is in percent. Assumed: the event may raise the variances of all
    firms alike, and leaves their correlation as it was; where variances differ between firms it errs on the wide side.

    Parameters
    ----------
    model, members, start, end
        As for `abnormal_returns`.
    weights : Series, optional
        By security, scaled to sum to 1 over those held; equal where left out.

    Returns
    -------
    Estimate or Unanswered
        Percent.

    Raises
    ------
    ValueError
        If fewer than three firms are held: their spread is no guide to the error of the mean.
    """
    found = abnormal_returns(model, members, start, end)
    if isinstance(found, Unanswered):
        return found
    correlation = _correlation(model, tuple(found.index))
    n, r = len(found), _off_diagonal_mean(correlation)
    if n < 3:
        raise ValueError(f"an error across firms needs three of them, not {n}; take the portfolio's abnormal return")
    shares = np.full(n, 1 / n) if weights is None else (weights[found.index] / weights[found.index].sum()).to_numpy()
    value = 100 * float(shares @ found.abnormal_return)
    error = 100 * found.abnormal_return.std() * np.sqrt(shares @ correlation @ shares / (1 - r))
    reach = float(stats.t.ppf(0.975, n - 1) * error)
    method = f"{model.label}; Kolari-Pynnonen correction of the raw mean, mean correlation {r:.2f}"
    rows = partial(model.rows, list(found.index), start, end)
    return Estimate(value, value - reach, value + reach, "percent", n, method, CLOSED_FORM, rows)


def portfolio_abnormal_return(
    model: NormalReturns | Unanswered, portfolio: str, start: str, end: str
) -> Estimate | Unanswered:
    """Cumulative abnormal return of one security or portfolio, with its prediction error.

    A portfolio's own history carries the correlation of its members, so no cross-section is needed; assumed are
    normal residuals without serial correlation and a variance that the event leaves as it was (Brown and Warner 1985,
    doi 10.1016/0304-405X(85)90042-X, crude dependence adjustment).

    Parameters
    ----------
    model, start, end
        As for `abnormal_returns`.
    portfolio : str
        Column of the model.

    Returns
    -------
    Estimate or Unanswered
        Percent; n counts the days of the estimation window.
    """
    found = abnormal_returns(model, [portfolio], start, end)
    if isinstance(found, Unanswered):
        return found
    row = found.iloc[0]
    value, reach = 100 * row.abnormal_return, 100 * row.error * stats.t.ppf(0.975, row.degrees)
    n = int(model.residuals[portfolio].notna().sum())
    method, rows = f"{model.label}; prediction error", partial(model.rows, [portfolio], start, end)
    return Estimate(value, value - reach, value + reach, "percent", n, method, CLOSED_FORM, rows)


def bootstrap_abnormal_return(
    model: NormalReturns | Unanswered,
    portfolio: str,
    start: str,
    end: str,
    draws: int,
    seed: np.random.SeedSequence,
    block: int = 5,
) -> Estimate | Unanswered:
    """Cumulative abnormal return of a portfolio with an interval by a circular block bootstrap of days.

    Each draw puts residuals in blocks of consecutive days into the estimation window and into the event window and
    computes the error of prediction, ``sum e*_event - z' (X'X)^-1 X' e*_window``; the interval is the point less the
    quantiles of that error. Holds under short serial correlation and without normality (Politis and Romano 1992;
    Kunsch 1989, doi 10.1214/aos/1176347265).

    Parameters
    ----------
    model, portfolio, start, end
        As for `portfolio_abnormal_return`; the portfolio has a return on every day of the estimation window.
    draws : int
    seed : SeedSequence
    block : int
        Days of a block.

    Returns
    -------
    Estimate or Unanswered
        Percent.
    """
    found = abnormal_returns(model, [portfolio], start, end)
    if isinstance(found, Unanswered):
        return found
    residuals = model.residuals[portfolio].to_numpy()
    n, ahead = len(residuals), len(model.abnormal.loc[start:end])
    scaled = residuals * np.sqrt(n / found.degrees.iloc[0])
    random = np.random.default_rng(seed)
    place = model.abnormal.columns.get_loc(portfolio)
    z = model.design.loc[start:end].sum().to_numpy()
    pull = model.design.loc[model.window].to_numpy() @ model.spread[place] @ z
    past = resampled_sums(scaled, pull, block, draws, random)
    errors = resampled_sums(scaled, np.ones(ahead), block, draws, random) - past
    low, high = np.quantile(errors, [0.025, 0.975])
    value = found.abnormal_return.iloc[0]
    method = f"{model.label}; {draws:,} draws of blocks of {block} days"
    ends = 100 * (value - high), 100 * (value - low)
    return Estimate(100 * value, *ends, "percent", n, method, RESAMPLED, partial(model.rows, [portfolio], start, end))


def resampled_sums(
    values: np.ndarray, weights: np.ndarray, block: int, draws: int, random: np.random.Generator
) -> np.ndarray:
    """Draw weighted sums of a series resampled in circular blocks.

    A draw strings blocks of consecutive values together, each from a random place, to the length of the weights ``w``,
    and sums ``w_t x*_t``. What a block at place k adds when it starts at s, ``sum_j w_(kb+j) x_(s+j)``, is one of k
    times n numbers, so these are computed once and each draw adds up one of every k.

    Parameters
    ----------
    values : array, shape (n,)
    weights : array, shape (length,)
    block : int
        Values of a block; the last one is cut to fit.
    draws : int
    random : Generator

    Returns
    -------
    array, shape (draws,)
    """
    n, count = len(values), -(-len(weights) // block)
    parts = np.append(weights, np.zeros(count * block - len(weights))).reshape(count, block)
    added = parts @ values[(np.arange(n) + np.arange(block)[:, None]) % n]
    return added[np.arange(count)[:, None], random.integers(n, size=(count, draws))].sum(axis=0)


def resampled_models(
    returns: np.ndarray, market: np.ndarray, draws: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Fit the market model of every security to resampled days, all draws at once.

    A draw takes n of the n days with replacement, the same for all securities. Least squares needs the sums of
    ``1, m, m^2, y`` and ``m y`` only, over the days on which a security has a return, and these are the counts of the
    days times those moments: one product of matrices, (draws, n) by (n, 5 securities).

    Parameters
    ----------
    returns : array, shape (n, securities)
        Missing where a security has none.
    market : array, shape (n,)
    draws : int
    random : Generator

    Returns
    -------
    arrays, each of shape (draws, securities)
        Intercepts and slopes.
    """
    n, width = returns.shape
    counts = resampled_counts(n, draws, random).astype(float)
    known, m, y = ~np.isnan(returns), market[:, None], np.nan_to_num(returns)
    if known.all():  # the same market for all
        known = known[:, :1]
    sums = counts @ np.hstack([known, m * known, m**2 * known, y, m * y])
    days, sm, smm, sy, smy = np.split(sums, np.cumsum([known.shape[1]] * 3 + [width]), axis=1)
    slopes = (smy - sm * sy / days) / (smm - sm**2 / days)
    return (sy - slopes * sm) / days, slopes


def resampled_mean(
    model: NormalReturns | Unanswered,
    daily: pd.DataFrame,
    members: list[str],
    day: str,
    draws: int,
    seed: np.random.SeedSequence,
) -> Estimate | Unanswered:
    """Mean abnormal return of several firms on a day, with an interval from resampled days of the estimation window.

    A draw fits the market models to resampled days, which tells the error of the fit, and takes the mean residual of
    one more day of the window, which tells what a day may bring; firms stay together, so their correlation is kept.
    The interval is the point less the quantiles of the sum of both (Stine 1985, doi 10.1080/01621459.1985.10478220).
    It takes the event's day to be as variable as a day of the window.

    Parameters
    ----------
    model : NormalReturns or Unanswered
        Of the market model; its label names the benchmark.
    daily : DataFrame
        As `returns.daily_returns` gives.
    members : list of str
    day : str
        The event's day, ISO.
    draws, seed
        Number and stream of the draws.

    Returns
    -------
    Estimate or Unanswered
        Percent; n is the number of firms.
    """
    if isinstance(model, Unanswered):
        return model
    if daily.index[-1] < pd.Timestamp(day):
        return Unanswered(f"{day} is later than the last trading day known")
    window = daily.loc[model.window, [name for name in members if name in model.abnormal]]
    market = model.design.iloc[:, 1]
    random = np.random.default_rng(seed)
    intercepts, slopes = resampled_models(window.to_numpy(), market[model.window].to_numpy(), draws, random)
    event = daily.loc[day, window.columns].to_numpy() - intercepts - slopes * market[day]
    degrees = model.degrees[window.columns].to_numpy()
    scale = np.sqrt((degrees + 2) / degrees)
    usual = np.nanmean(model.residuals[window.columns].to_numpy() * scale, axis=1)
    point = float(model.abnormal.loc[day, window.columns].mean())
    errors = event.mean(axis=1) - point + usual[random.integers(len(usual), size=draws)]
    low, high = np.quantile(errors, [0.025, 0.975])
    method = f"{model.label}; {draws:,} draws of the window's days"
    ends = 100 * (point - high), 100 * (point - low)
    rows = partial(model.rows, list(window.columns), day, day)
    return Estimate(100 * point, *ends, "percent", window.shape[1], method, RESAMPLED, rows)


def mean_tests(
    model: NormalReturns | Unanswered, members: list[str], start: str, end: str
) -> pd.DataFrame | Unanswered:
    """Test in six ways that the mean abnormal return of an event window is zero.

    Cross-sectional t; Patell (1976, doi 10.2307/2490543); BMP: Boehmer, Musumeci and Poulsen (1991, doi
    10.1016/0304-405X(91)90032-F); Kolari and Pynnonen (2010, doi 10.1093/rfs/hhq072); rank: Corrado (1989, doi
    10.1016/0304-405X(89)90064-0), ranks scaled for missing days as in Corrado and Zivney (1992, doi 10.2307/2331331);
    GRANK: Kolari and Pynnonen (2011, doi 10.1016/j.jempfin.2011.08.003).

    Parameters
    ----------
    model, members, start, end
        As for `abnormal_returns`.

    Returns
    -------
    DataFrame or Unanswered
        One row a test: test, statistic, p_value (two-sided), correlated_firms (whether it keeps its size where
        firms move together: no, nearly, yes).
    """
    found = abnormal_returns(model, members, start, end)
    if isinstance(found, Unanswered):
        return found
    n, t = len(found), cross_sectional_t(found.standardised)
    estimation = model.residuals[found.index]
    kolari = t * cross_correlation_factor(n, mean_correlation(estimation))
    corrado = rank_statistic(estimation, model.abnormal.loc[start:end, found.index])
    grank, days = generalised_rank_statistic(estimation / model.sd[found.index], found.standardised), len(estimation)
    rows = [
        ("cross-sectional t", cross_sectional_t(found.abnormal_return), n - 1, "no"),
        ("Patell", patell_statistic(found.standardised, found.degrees), np.inf, "no"),
        ("BMP", t, n - 1, "no"),
        ("Kolari-Pynnonen (default)", kolari, n - 1, "yes"),
        ("Corrado rank", corrado, np.inf, "yes"),
        ("GRANK", grank, days - 1, "nearly"),
    ]
    table = pd.DataFrame(rows, columns=["test", "statistic", "degrees", "correlated_firms"])
    table = table.assign(p_value=2 * stats.t.sf(table.statistic.abs(), table.degrees))
    return table[["test", "statistic", "p_value", "correlated_firms"]]


def cross_sectional_t(values: np.ndarray) -> float:
    """Mean over its standard error, as if the values were independent; of standardised returns this is BMP."""
    return float(np.mean(values) / (np.std(values, ddof=1) / np.sqrt(len(values))))


def patell_statistic(standardised: np.ndarray, degrees: np.ndarray) -> float:
    """Sum of standardised abnormal returns over its standard deviation, each a t variable (Patell 1976)."""
    degrees = np.asarray(degrees, float)
    return float(np.sum(standardised) / np.sqrt(np.sum(degrees / (degrees - 2))))


def rank_statistic(estimation: pd.DataFrame, event: pd.DataFrame) -> float:
    """Rank test of Corrado (1989, doi 10.1016/0304-405X(89)90064-0), ranks scaled by the days that a firm has.

    ``U_it = rank_it / (1 + T_i) - 1/2`` over both windows, ``S^2`` the mean over days of ``(sum_i U_it)^2 / n_t``; the
    statistic is the sum of ``sum_i U_it / sqrt(n_t)`` over the event window over ``S sqrt(H)``. The spread of the
    daily mean carries the correlation of the firms.

    Parameters
    ----------
    estimation, event : DataFrame
        Abnormal returns: one row a day, one column a security.

    Returns
    -------
    float
        Standard normal where nothing happened.
    """
    both = pd.concat([estimation, event])
    ranks = both.rank() / (1 + both.notna().sum()) - 0.5
    daily = (ranks.sum(axis=1) / np.sqrt(ranks.notna().sum(axis=1))).to_numpy()
    return float(daily[-len(event) :].sum() / (np.sqrt(np.mean(daily**2)) * np.sqrt(len(event))))


def generalised_rank_statistic(estimation: pd.DataFrame, standardised: pd.Series) -> float:
    """Generalised rank test of Kolari and Pynnonen (2011, doi 10.1016/j.jempfin.2011.08.003), the t form.

    The event window is one more day, its value the standardised cumulative abnormal return scaled to unit variance
    across firms. With ``U`` the demeaned scaled ranks, ``Z`` is their mean on that day over ``S``,
    ``S^2 = mean_t (n_t / n) mean_i(U_it)^2``, and the statistic ``Z sqrt((T - 2) / (T - 1 - Z^2))``, T days in all.

    Parameters
    ----------
    estimation : DataFrame
        Standardised abnormal returns of the estimation window: one row a day, one column a security.
    standardised : Series
        Standardised cumulative abnormal return of each security.

    Returns
    -------
    float
        t with T - 2 degrees of freedom where nothing happened. With firms correlated by a fifth a 5% test rejects 7 to
        8% of the time (simulated in the tests): their correlation shrinks the spread by which the event is scaled.
    """
    event = (standardised / standardised.std()).to_frame().T
    both = pd.concat([estimation, event], ignore_index=True)
    ranks = both.rank() / (1 + both.notna().sum()) - 0.5
    mean, share = ranks.mean(axis=1).to_numpy(), ranks.notna().mean(axis=1).to_numpy()
    z, days = mean[-1] / np.sqrt(np.mean(share * mean**2)), len(both)
    return float(z * np.sqrt((days - 2) / (days - 1 - z**2)))


def quantile_p_value(residuals: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Two-sided p value of a single firm's abnormal return among its own residuals.

    The sample-quantile test of Gelbach, Helland and Klick (2013, doi 10.1093/aler/aht009): twice the smaller share of
    days at least as low or as high, the event counted among them. Needs no normality; with T days it is at least
    2 / (T + 1).

    Parameters
    ----------
    residuals : array, shape (days, ...)
        May have missing cells.
    value : array, shape (...)

    Returns
    -------
    array, shape (...)
    """
    days = 1 + (~np.isnan(residuals)).sum(axis=0)
    tail = 1 + np.minimum((residuals <= value).sum(axis=0), (residuals >= value).sum(axis=0))
    return np.minimum(1, 2 * tail / days)


def firms_table(
    model: NormalReturns | Unanswered, roles: pd.Series, day: str, end: str, level: float = 0.05
) -> pd.DataFrame | Unanswered:
    """Tabulate every firm's abnormal return on a day, its own test, and what stands after many tests.

    Discoveries by Benjamini and Hochberg (1995, doi 10.1111/j.2517-6161.1995.tb02031.x) over all firms of the table:
    among them a share of at most ``level`` is expected to be false.

    Parameters
    ----------
    model : NormalReturns or Unanswered
    roles : Series
        Role of each security, by symbol.
    day, end : str
        The event's day and the end of the cumulative window, ISO trading days.
    level : float
        False discovery rate.

    Returns
    -------
    DataFrame or Unanswered
        One row a firm, lowest abnormal return first: security, role, abnormal_percent, low, high (95% interval by the
        prediction error), p_value (sample quantile), discovery (yes or no), cumulative_percent (``day`` to ``end``;
        missing where not over).
    """
    columns = ["security", "role", "abnormal_percent", "low", "high", "p_value", "discovery", "cumulative_percent"]
    found, later = (abnormal_returns(model, list(roles.index), day, last) for last in (day, end))
    if isinstance(found, Unanswered):
        return found
    reach = found.error * stats.t.ppf(0.975, found.degrees)
    p_value = quantile_p_value(model.residuals[found.index].to_numpy(), found.abnormal_return.to_numpy())
    total = later.abnormal_return if isinstance(later, pd.DataFrame) else pd.Series(dtype=float)
    table = found.assign(
        security=found.index,
        role=roles[found.index],
        abnormal_percent=100 * found.abnormal_return,
        low=100 * (found.abnormal_return - reach),
        high=100 * (found.abnormal_return + reach),
        p_value=p_value,
        discovery=multipletests(p_value, alpha=level, method="fdr_bh")[0],
        cumulative_percent=100 * total.reindex(found.index),
    )
    table = table[columns].reset_index(drop=True)
    return table.sort_values(["abnormal_percent", "security"], kind="stable", ignore_index=True)


def placebo_means(
    daily: pd.DataFrame,
    members: list[str],
    end: str,
    day: str,
    last: str,
    days: int = WINDOWS[0],
    benchmark: str = BENCHMARKS[0],
) -> pd.Series:
    """Mean abnormal return on every earlier day, each with a market model estimated as for the event.

    Parameters
    ----------
    daily : DataFrame
        As `returns.daily_returns` gives.
    members : list of str
    end, day : str
        End of the event's estimation window and the event's day, ISO: every placebo day has the same distance.
    last : str
        Last day that may serve as a placebo, ISO.
    days : int
        Trading days of a window.
    benchmark : str
        Column of ``daily``.

    Returns
    -------
    Series
        Percent by date; empty where the event is not known yet.
    """
    if daily.empty or daily.index[-1] < pd.Timestamp(day):
        return pd.Series(dtype=float)
    out, index = {}, daily.index
    gap = int(((index > end) & (index <= day)).sum())
    x = np.column_stack([np.ones(len(daily)), daily[benchmark]])
    y = daily[[name for name in members if name in daily]].to_numpy()
    for place in range(days + gap - 1, int((index <= last).sum())):
        window = slice(place - gap - days + 1, place - gap + 1)
        held = (~np.isnan(y[window])).sum(axis=0) >= LEAST_DAYS
        coefficients, _ = least_squares(x[window], y[window, held])
        out[index[place]] = 100 * np.nanmean(y[place, held] - x[place] @ coefficients)
    rows = rows_of(daily).select(security=[*members, benchmark], date=lambda date: date <= day)
    return carry(pd.Series(out, dtype=float), rows.unlabel("date", "security"))


def against_placebos(found: Estimate | Unanswered, placebos: pd.Series) -> Estimate | Unanswered:
    """Give an estimate the interval of the placebo days: the point less the quantiles of what other days had.

    Parameters
    ----------
    found : Estimate or Unanswered
    placebos : Series
        In the unit of ``found``.

    Returns
    -------
    Estimate or Unanswered
        n counts the placebo days; the method tells how many of them were at least as low.
    """
    if isinstance(found, Unanswered) or placebos.empty:
        return found if isinstance(found, Unanswered) else Unanswered("no earlier day has an estimation window")
    low, high = np.quantile(placebos, [0.025, 0.975])
    lower, n = int((placebos <= found.value).sum()), len(placebos)
    method = f"quantiles of {n} earlier days, {lower} of them as low"
    ends, rows = (found.value - high, found.value - low), partial(rows_of, found, placebos)
    return Estimate(found.value, *ends, found.unit, n, method, CLOSED_FORM, rows)


def cross_section(
    model: NormalReturns | Unanswered, groups: dict[str, list[str]], day: str, before: str
) -> pd.DataFrame | Unanswered:
    """Regress abnormal returns of a day on group membership, and judge each coefficient by its own earlier days.

    The cross-section of every earlier day, from the start of the estimation window to ``before``, is regressed on
    the same memberships; their coefficients are the distribution to judge by, since firms of a group move together on
    any day (Cohn, Johnson, Liu and Wardlaw, "Past is Prologue: Inference from the Cross Section of Returns Around an
    Event").

    Parameters
    ----------
    model : NormalReturns or Unanswered
    groups : dict of str to list of str
        Firms by group, no firm in two; all other firms of the model are the base.
    day, before : str
        The event's day, and the last day before it that counts as quiet, ISO.

    Returns
    -------
    DataFrame or Unanswered
        One row a group: group, firms (count), difference (mean abnormal return of the group less that of the base, in
        percentage points), low, high (difference less the quantiles of earlier days), p_value (share of days, the event
        among them, at least as far from zero), naive_p_value (of least squares across firms), days (earlier ones).
    """
    columns = ["group", "firms", "difference", "low", "high", "p_value", "naive_p_value", "days"]
    found = abnormal_returns(model, [] if isinstance(model, Unanswered) else list(model.abnormal), day, day)
    if isinstance(found, Unanswered):
        return found
    dummies = pd.DataFrame({name: found.index.isin(members) for name, members in groups.items()}, index=found.index)
    dummies = dummies.loc[:, dummies.any()].astype(float)
    x = np.column_stack([np.ones(len(found)), dummies])
    quiet = model.abnormal.loc[model.window[0] : before, found.index]
    earlier, _ = least_squares(x, 100 * quiet.to_numpy().T)
    event = 100 * found[["abnormal_return"]].to_numpy()
    now, spread = least_squares(x, event)
    degrees = len(found) - x.shape[1]
    error = np.sqrt(np.sum((event - x @ now) ** 2) / degrees * np.diag(spread[0]))
    difference, earlier = now[1:, 0], earlier[1:]
    low, high = np.quantile(earlier, [0.025, 0.975], axis=1)
    p_value = (1 + (np.abs(earlier) >= np.abs(difference)[:, None]).sum(axis=1)) / (1 + earlier.shape[1])
    naive = 2 * stats.t.sf(np.abs(difference) / error[1:], degrees)
    count = dummies.sum().astype(int).to_numpy()
    columns_held = (dummies.columns, count, difference, difference - high, difference - low, p_value, naive)
    return pd.DataFrame(dict(zip(columns, (*columns_held, earlier.shape[1]), strict=True)))


def around(model: NormalReturns | Unanswered, members: list[str], first: str, last: str) -> pd.DataFrame | Unanswered:
    """Mean abnormal return of several firms on each day around an event.

    Parameters
    ----------
    model : NormalReturns or Unanswered
    members : list of str
    first, last : str
        Days between which to look, ISO.

    Returns
    -------
    DataFrame or Unanswered
        One row a trading day: date, value, low, high (percent, as `mean_abnormal_return` gives), n.
    """
    if isinstance(model, Unanswered):
        return model
    days = model.abnormal.loc[first:last].index
    if days.empty:
        return Unanswered(f"no trading day from {first} on is known yet")
    found = [mean_abnormal_return(model, members, f"{day:%Y-%m-%d}", f"{day:%Y-%m-%d}") for day in days]
    return pd.DataFrame([(day, e.value, e.low, e.high, e.n) for day, e in zip(days, found, strict=True)],
                        columns=["date", "value", "low", "high", "n"])  # fmt: skip


CHOICES = ["model", "benchmark", "window", "weights"]


def mean_specification(
    daily: pd.DataFrame,
    members: list[str],
    end: str,
    event: tuple[str, str],
    days: int = WINDOWS[0],
    benchmark: str = BENCHMARKS[0],
    model: str = MARKET,
    weights: pd.Series | None = None,
) -> Estimate | Unanswered:
    """Mean abnormal return of several firms by one model, benchmark, window and weighting.

    Parameters
    ----------
    daily, members, end, days, benchmark, model
        As for `normal_returns`.
    event : tuple of str
        First and last day of the event window, ISO.
    weights : Series, optional
        As for `mean_abnormal_return`.

    Returns
    -------
    Estimate or Unanswered
        Percent.
    """
    return mean_abnormal_return(normal_returns(daily, members, end, days, benchmark, model), members, *event, weights)


def mean_specifications(
    daily: pd.DataFrame,
    members: list[str],
    end: str,
    event: tuple[str, str],
    weightings: dict[str, pd.Series | None],
    days: int = WINDOWS[0],
    benchmark: str = BENCHMARKS[0],
) -> dict[tuple, Estimate | Unanswered]:
    """Mean abnormal return of several firms by every declared model, benchmark, window and weighting.

    A market-adjusted return estimates nothing, so no window applies to it.

    Parameters
    ----------
    daily, members, end
        As for `normal_returns`.
    event : tuple of str
        First and last day of the event window, ISO.
    weightings : dict of str to (Series or None)
        Weights by their name, as for `mean_abnormal_return`.
    days, benchmark
        Window and benchmark of the headline, which come first.

    Returns
    -------
    dict of tuple of str to (Estimate or Unanswered)
        By the choices named in `CHOICES`; the first is the headline's.
    """
    grid = _models(daily, members, end, days, benchmark)
    return {
        (*key, label): mean_abnormal_return(model, members, *event, weights)
        for label, weights in weightings.items()
        for key, model in grid.items()
    }


def portfolio_specifications(
    daily: pd.DataFrame,
    portfolios: list[str],
    end: str,
    event: tuple[str, str],
    days: int = WINDOWS[0],
    benchmark: str = BENCHMARKS[0],
) -> dict[tuple, Estimate | Unanswered]:
    """Abnormal return of portfolios that differ in their weights, by every declared model, benchmark and window.

    Parameters
    ----------
    daily, end, event, days, benchmark
        As for `mean_specifications`.
    portfolios : list of str
        Columns of ``daily``, named by their weights.

    Returns
    -------
    dict of tuple of str to (Estimate or Unanswered)
        As `mean_specifications` gives.
    """
    grid = _models(daily, portfolios, end, days, benchmark)
    return {
        (*key, name): portfolio_abnormal_return(model, name, *event)
        for name in portfolios
        for key, model in grid.items()
    }


@lru_cache(maxsize=32)
def _correlation(model, names):
    return model.residuals[list(names)].corr().to_numpy()


def _off_diagonal_mean(correlation):
    n = len(correlation)
    return float((correlation.sum() - n) / (n * (n - 1)))


def _models(daily, names, end, days, benchmark):
    lengths = tuple(dict.fromkeys((days, *WINDOWS)))
    windows = {MARKET: lengths, TWO_FACTOR: lengths, ADJUSTED: lengths[:1]}
    funds = dict.fromkeys((benchmark, *BENCHMARKS))
    return {
        (model, fund, "no window" if model == ADJUSTED else f"{length} days"):
            normal_returns(daily, names, end, length, fund, model)
        for model in MODELS
        for fund in funds
        for length in windows[model]
    }  # fmt: skip


def specification_curve(found: dict[tuple, Estimate | Unanswered]) -> pd.DataFrame | Unanswered:
    """Sort the estimates of all specifications (Simonsohn, Simmons and Nelson 2020, doi 10.1038/s41562-020-0912-z).

    Parameters
    ----------
    found : dict of tuple of str to (Estimate or Unanswered)
        As `mean_specifications` gives; the first is the headline.

    Returns
    -------
    DataFrame or Unanswered
        One row a specification, lowest first: the columns of `CHOICES`, value, low, high, n, headline. Those not
        answered are left out; Unanswered where the headline is.
    """
    first, headline = next(iter(found.items()))
    if isinstance(headline, Unanswered):
        return headline
    rows = [
        (*chosen, one.value, one.low, one.high, one.n, chosen == first)
        for chosen, one in found.items()
        if isinstance(one, Estimate)
    ]
    table = pd.DataFrame(rows, columns=[*CHOICES, "value", "low", "high", "n", "headline"])
    return table.sort_values("value", kind="stable", ignore_index=True)


class Timing(NamedTuple):
    """The days of an event study.

    Parameters
    ----------
    eve, day : str
        Last trading day before the event, and the event's own, ISO.
    first, last : str
        Ends of the event window.
    start, end : str
        Ends of the estimation window.
    days : int
        Trading days of the estimation window.
    """

    eve: str
    day: str
    first: str
    last: str
    start: str
    end: str
    days: int


def timing(trading: pd.DatetimeIndex, day: str, window: str, estimation: str) -> Timing:
    """Tell the days of an event study from the event's day and two windows in trading days around it.

    Parameters
    ----------
    trading : DatetimeIndex
        Days with a return, in order.
    day : str
        The event's day, ISO: the first on which it could be traded upon.
    window, estimation : str
        First and last day, counted from the event's day, such as ``0,10`` and ``-259,-10``.

    Returns
    -------
    Timing

    Raises
    ------
    ValueError
        Naming the parameter, its value and what is expected: a day that is no trading day or lies outside of those
        held, a window that is not two whole numbers in order or leaves the days held, an estimation window that is too
        short or overlaps the event.

    Examples
    --------
    >>> days = pd.bdate_range("2025-01-01", periods=200)
    >>> timing(days, "2025-07-01", "0,2", "-110,-10")[:4]
    ('2025-06-30', '2025-07-01', '2025-07-01', '2025-07-03')
    """
    written = [f"{one:%Y-%m-%d}" for one in trading]
    if not written or not written[0] < day <= written[-1]:
        span = f"{written[1]} to {written[-1]}" if len(written) > 1 else "none"
        raise ValueError(f"day {day} is outside of the trading days known: {span}")
    place = int(trading.searchsorted(pd.Timestamp(day)))
    if written[place] != day:
        raise ValueError(f"day {day} is no trading day; the nearest are {written[place - 1]} and {written[place]}")
    ends = {}
    for name, value in (("window", window), ("estimation", estimation)):
        if not re.fullmatch(r"[+-]?\d{1,4},[+-]?\d{1,4}", value, re.ASCII):
            raise ValueError(f"{name} takes two whole numbers of trading days, such as 0,10, not {value!r}")
        first, last = ends[name] = tuple(map(int, value.split(",")))
        if first > last:
            raise ValueError(f"{name} {value} ends before it begins")
        if place + first < 0 or place + last >= len(written):
            least, most = -place, len(written) - 1 - place
            raise ValueError(f"{name} {value} leaves the trading days known, which are {least} to {most} from {day}")
    (first, last), (start, end) = ends["window"], ends["estimation"]
    if end >= min(first, 0):
        raise ValueError(f"estimation {estimation} overlaps the event: it has to end by {min(first, 0) - 1}")
    if end - start + 1 < LEAST_DAYS:
        raise ValueError(f"estimation {estimation} has {end - start + 1} days; at least {LEAST_DAYS} are needed")
    marks = (written[place + step] for step in (-1, 0, first, last, start, end))
    return Timing(*marks, end - start + 1)


def priced(daily: pd.DataFrame, members: list[str], times: Timing) -> list[str]:
    """Name the members with at least 100 returns in the estimation window and one on every day of the event.

    Parameters
    ----------
    daily : DataFrame
        As `returns.daily_returns` gives.
    members : list of str
    times : Timing
    """
    held = daily[[name for name in members if name in daily]]
    event = held.loc[min(times.first, times.day) : max(times.last, times.day)].notna().all()
    enough = held.loc[times.start : times.end].notna().sum() >= LEAST_DAYS
    return list(held.columns[event & enough])


def with_groups(daily: pd.DataFrame, groups: dict[str, pd.Series]) -> pd.DataFrame:
    """Add the daily returns of groups whose members keep their weights from day to day.

    Parameters
    ----------
    daily : DataFrame
        As `returns.daily_returns` gives.
    groups : dict of str to Series
        Weights of the members by security, by the name of the new column. On a day on which a member has no return
        the others' weights count.
    """
    columns = {}
    for name, weights in groups.items():
        held = daily[list(weights.index)]
        columns[name] = (held * weights).sum(axis=1, min_count=1) / (held.notna() * weights).sum(axis=1)
    parts = (rows_of(daily).select(security=list(own.index)).relabel(security=name) for name, own in groups.items())
    return carry(daily.assign(**columns), daily, *parts)


def group_abnormal_return(
    model: NormalReturns | Unanswered, group: str, weights: pd.Series, start: str, end: str, alone: bool = False
) -> Estimate | Unanswered:
    """Abnormal return of a group: across its members where they are three or more, else by its own history.

    Parameters
    ----------
    model : NormalReturns or Unanswered
        Of the members and, by its name, of the group.
    group : str
    weights : Series
        By member.
    start, end : str
        As for `abnormal_returns`.
    alone : bool
        By the group's own history, however many they are.

    Returns
    -------
    Estimate or Unanswered
        As `mean_abnormal_return` and `portfolio_abnormal_return` give.
    """
    if len(weights) < 3 or alone:
        return portfolio_abnormal_return(model, group, start, end)
    return mean_abnormal_return(model, list(weights.index), start, end, weights)


def group_path(
    model: NormalReturns | Unanswered, group: str, weights: pd.Series, times: Timing, before: int = 5
) -> pd.DataFrame | Unanswered:
    """Abnormal return of a group on each day from some days before an event to the end of its window.

    Parameters
    ----------
    model, group, weights
        As for `group_abnormal_return`.
    times : Timing
    before : int
        Trading days before the event or its window, as far as they lie after the estimation window.

    Returns
    -------
    DataFrame or Unanswered
        As `around` gives.
    """
    if isinstance(model, Unanswered):
        return model
    days = model.abnormal.index
    first = days.get_loc(min(times.first, times.day)) - before
    first = max(first, days.get_loc(times.end) + 1)
    out = []
    for day in days[first : days.get_loc(max(times.last, times.day)) + 1]:
        found = group_abnormal_return(model, group, weights, *(2 * [f"{day:%Y-%m-%d}"]))
        if isinstance(found, Estimate):
            out.append((day, found.value, found.low, found.high, found.n))
    return pd.DataFrame(out, columns=["date", "value", "low", "high", "n"])


def group_specifications(
    daily: pd.DataFrame, group: str, weights: pd.Series, times: Timing, event: tuple[str, str], benchmark: str
) -> dict[tuple, Estimate | Unanswered]:
    """Abnormal return of a group by model, benchmark, window, and by how its members weigh and its error is had.

    Parameters
    ----------
    daily : DataFrame
        As `with_groups` gives, with the group under its name.
    group : str
    weights : Series
        By member.
    times : Timing
        Its estimation window comes first.
    event : tuple of str
        First and last day, ISO.
    benchmark : str
        Comes first; those of `BENCHMARKS` follow.

    Returns
    -------
    dict of tuple of str to (Estimate or Unanswered)
        By the choices named in `CHOICES`; the first is the headline's.
    """
    alike, out = pd.Series(1 / len(weights), weights.index), {}
    daily = with_groups(daily, {f"{group}, alike": alike})
    kinds = {"as given": (weights, group, False), "own history": (weights, group, True)}
    if len(weights) < 3:
        del kinds["own history"]
    if not np.allclose(weights, alike):
        kinds["equal"] = (alike, f"{group}, alike", False)
    for model in (MARKET, ADJUSTED):
        for fund in dict.fromkeys((benchmark, *BENCHMARKS)):
            for days in dict.fromkeys((times.days, *WINDOWS)) if model == MARKET else [times.days]:
                label = "no window" if model == ADJUSTED else f"{days} days"
                names = [*weights.index, group, f"{group}, alike"]
                fitted = normal_returns(daily, names, times.end, days, fund, model)
                # a member listed too late for a shorter window is not in its mean, nor its weight
                if isinstance(fitted, NormalReturns) and not set(names) <= set(fitted.abnormal):
                    fitted = Unanswered(f"not every member has {LEAST_DAYS} returns in {days} days")
                for kind, (shares, name, alone) in kinds.items():
                    out[model, fund, label, kind] = group_abnormal_return(fitted, name, shares, *event, alone)
    return out
