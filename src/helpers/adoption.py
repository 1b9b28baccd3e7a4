"""Adoption of AI by firms: survey rates with their errors, trends within a wording, forecasts, diffusion curves.

The survey asked one question until October 2025 and a wider one from November 2025. Every function here that looks
along time refuses rows of both wordings: the two are separate series.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import optimize, special, stats
from statsmodels.regression.linear_model import OLS

from helpers.inference import CLOSED_FORM, ITERATIVE, Estimate, Unanswered, exact
from helpers.rows import NO_ROWS, Rows, carry, rows_of

# cycles in the field together with a supplement on AI, in which readings run high
SUPPLEMENTS = (("202325", "202404"), ("202524", "202603"))
CYCLE_DAYS, YEAR_DAYS = 14, 365.25
HALF_YEAR = 13
LOG_ODDS = "log odds a year"
PERCENT, POINTS = "percent of firms", "percentage points"
SIZE_CLASSES = ("1-4", "5-9", "10-19", "20-49", "50-99", "100-249", "250+")
_LEAST = 12
_HALF = float(special.ndtri(0.975))
_AUTOCORRELATIONS = (0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
_GRID = np.linspace(-20, 20, 801)


def series(rows: pd.DataFrame, wording: str) -> pd.DataFrame:
    """Cut the cycles of one wording whose rate was printed, in the order of time.

    Parameters
    ----------
    rows : DataFrame
        One row a survey cycle: cycle, wording, reference_start, reference_end, published, use_rate (percent of firms),
        use_se (points), expected_rate, expected_se.
    wording : str
        ``old`` or ``new``.

    Returns
    -------
    DataFrame
        The same rows with the columns middle (day halfway through the two weeks asked about) and supplement (whether
        a supplement on AI was in the field).
    """
    cut = rows[(rows.wording == wording) & rows.use_rate.notna()].sort_values("cycle", kind="stable")
    middle = cut.reference_start + (cut.reference_end - cut.reference_start) / 2
    return cut.assign(middle=middle, supplement=in_supplement(cut.cycle))


def in_supplement(cycles: pd.Series) -> pd.Series:
    """Tell which cycles were in the field together with a supplement on AI.

    Examples
    --------
    >>> in_supplement(pd.Series(["202324", "202325", "202404", "202405"])).tolist()
    [False, True, True, False]
    """
    inside = [cycles.between(first, last) for first, last in SUPPLEMENTS]
    return inside[0] | inside[1]


def one_wording(rows: pd.DataFrame) -> pd.DataFrame:
    """Pass rows of one wording on, and refuse a splice.

    Raises
    ------
    ValueError
        If the rows hold both wordings.
    """
    if rows.wording.nunique() > 1:
        raise ValueError("these cycles hold both wordings of the question; they are two series and never one")
    return rows


def mean_rate(rows: pd.DataFrame, cycles: list[str], weights: str = "equal") -> Estimate | Unanswered:
    """Mean use rate of some survey cycles, with its sampling error.

    ``sum_c w_c r_c`` with variance ``sum_c w_c^2 s_c^2``: the survey rotates six panels of firms, so cycles less than
    six apart ask different firms and their errors are independent by design.

    Parameters
    ----------
    rows : DataFrame
        One row a cycle of one wording: cycle, wording, use_rate (percent of firms), use_se (points).
    cycles : list of str
    weights : str
        ``equal``, or ``precision`` for weights of 1/s^2.

    Returns
    -------
    Estimate or Unanswered
        Percent of firms; n is the number of cycles.

    Examples
    --------
    >>> rows = pd.DataFrame({"cycle": ["1", "2"], "wording": "old", "use_rate": [6.0, 7.0], "use_se": [0.3, 0.4]})
    >>> print(mean_rate(rows, ["1", "2"]))
    6.50 percent of firms (95% interval 6.01 to 6.99; n = 2; mean of cycles 1, 2)
    """
    chosen = one_wording(rows[rows.cycle.isin(cycles)])
    chosen = chosen[chosen.use_rate.notna()]
    if missing := sorted(set(cycles) - set(chosen.cycle)):
        return Unanswered(f"survey cycle {', '.join(missing)} is not known yet")
    if len(chosen) > 6:
        raise ValueError("beyond six cycles the same firms are asked again, and errors are not independent")
    share = np.ones(len(chosen)) if weights == "equal" else chosen.use_se.to_numpy() ** -2.0
    share = share / share.sum()
    value, half = share @ chosen.use_rate, _HALF * np.sqrt(share**2 @ chosen.use_se**2)
    method = f"mean of cycles {', '.join(sorted(cycles))}" if len(cycles) > 1 else f"cycle {cycles[0]}"
    entered = partial(rows_of, chosen)
    return Estimate(value, value - half, value + half, PERCENT, len(chosen), method, CLOSED_FORM, entered)


def as_printed(rows: pd.DataFrame, cycles: list[str]) -> Estimate | Unanswered:
    """Arithmetic mean of the rates that the survey printed, as a figure without error: what a reader of them finds."""
    found = mean_rate(rows, cycles)
    if isinstance(found, Unanswered):
        return found
    return exact(found.value, PERCENT, found.n, f"mean of printed rates, {', '.join(sorted(cycles))}", found.rows)


def last_cycles(rows: pd.DataFrame, wording: str, count: int) -> list[str]:
    """Last cycles known of a wording, oldest first; none where fewer are known."""
    known = series(rows, wording).cycle.tolist()
    return known[-count:] if len(known) >= count else []


def cycles_to(rows: pd.DataFrame, last: str, count: int) -> list[str]:
    """List some cycles up to one, oldest first; fewer where fewer are known, none where that one is not.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    last : str
        Cycle.
    count : int

    Examples
    --------
    >>> rows = pd.DataFrame({"cycle": ["202501", "202502", "202503"]})
    >>> cycles_to(rows, "202502", 2), cycles_to(rows, "202504", 2)
    (['202501', '202502'], [])
    """
    known = rows.cycle.tolist()
    return known[: known.index(last) + 1][-count:] if last in known else []


def newest_rate(rows: pd.DataFrame, wordings: tuple = ("new", "old"), count: int = 1) -> Estimate | Unanswered:
    """Use rate of the newest cycles known, in the first of some wordings that has any.

    Parameters
    ----------
    rows : DataFrame
        As for `series`.
    wordings : tuple of str
        In order of preference.
    count : int
        Cycles to average, at most six.

    Returns
    -------
    Estimate or Unanswered
        Percent of firms; the method tells the wording.
    """
    for wording in wordings:
        if cycles := last_cycles(rows, wording, count):
            found = mean_rate(series(rows, wording), cycles)
            return replace(found, method=f"{found.method}, {wording} wording")
    return Unanswered(f"fewer than {count} survey cycles of the {' or '.join(wordings)} wording are known yet")


def strata_means(rows: pd.DataFrame, by: str, cycles: list[str]) -> pd.DataFrame:
    """Mean use rate of each stratum over some cycles, over those printed.

    Parameters
    ----------
    rows : DataFrame
        One row a cycle and stratum of one wording: cycle, wording, use_rate (percent of firms), use_se (points).
    by : str
        Column of the stratum, such as ``sector``.
    cycles : list of str

    Returns
    -------
    DataFrame
        Index ``by``; use_rate, use_se (of the mean, cycles independent), printed (cells that the mean rests on).
    """
    chosen = one_wording(rows[rows.cycle.isin(cycles)])
    chosen = chosen[chosen.use_rate.notna()]
    groups = chosen.assign(square=chosen.use_se**2).groupby(by)
    table = groups.agg(use_rate=("use_rate", "mean"), square=("square", "sum"), printed=("cycle", "size"))
    table = table.assign(use_se=np.sqrt(table.square) / table.printed)[["use_rate", "use_se", "printed"]]
    return carry(table, chosen.assign(row=chosen[by]))


def size_table(rows: pd.DataFrame, spans: list[list[str]]) -> pd.DataFrame:
    """Tabulate the mean use rate by size of the firm over several spans of cycles.

    Parameters
    ----------
    rows : DataFrame
        As for `strata_means`, by size_class.
    spans : list of list of str
        Cycles of each span, at least one.

    Returns
    -------
    DataFrame
        One row a size class and span, the smallest firms first: employees, cycles (first and last), use_rate, use_se,
        printed. Empty where no cycle is known.
    """
    named = {f"{span[0]} to {span[-1]}": span for span in spans}
    parts = [strata_means(rows, "size_class", span).assign(cycles=name) for name, span in named.items()]
    bands = pd.concat(parts)
    table = bands.loc[[name for name in SIZE_CLASSES if name in bands.index]].reset_index(names="employees")
    return carry(table[["employees", "cycles", "use_rate", "use_se", "printed"]], rows_of(*parts).unlabel("row"))


def sector_measure(measures: pd.DataFrame, name: str) -> pd.Series:
    """One measure by sector.

    Parameters
    ----------
    measures : DataFrame
        One row a sector and measure: sector, measure, value.
    name : str
        The measure, such as ``employment``.

    Returns
    -------
    Series
        By sector; empty where the measure is not known.

    Examples
    --------
    >>> rows = pd.DataFrame({"sector": ["51", "23"], "measure": ["employment", "aioe"], "value": [3.0, 0.5]})
    >>> sector_measure(rows, "employment").to_dict()
    {'51': 3.0}
    """
    rows = measures[measures.measure == name].sort_values("sector", kind="stable")
    return carry(rows.set_index("sector").value, rows.assign(row=rows.sector))


def slopes(rows: pd.DataFrame, wording: str, count: int = 6) -> pd.DataFrame | Unanswered:
    """Mean use rates of sectors in the first and in the last cycles known of a wording.

    Parameters
    ----------
    rows : DataFrame
        One row a cycle and sector: cycle, sector, wording, use_rate (percent of firms), use_se (points).
    wording : str
    count : int
        Cycles at either end; they do not overlap.

    Returns
    -------
    DataFrame or Unanswered
        One row a sector of which at most one cell is missing at either end: sector, start, start_se, end, end_se;
        ``attrs`` hold the first and last cycle of either end.
    """
    own = rows[(rows.wording == wording) & (rows.sector != "XX")]
    cycles = sorted(own.cycle.unique())
    if len(cycles) < 2 * count:
        return Unanswered(f"only {len(cycles)} cycles of the {wording} wording are known")
    spans = {"start": cycles[:count], "end": cycles[-count:]}
    ends = []
    for end, span in spans.items():
        means = strata_means(own, "sector", span)
        means = means[means.printed >= count - 1]
        ends.append(means[["use_rate", "use_se"]].set_axis([end, f"{end}_se"], axis=1))
    table = ends[0].join(ends[1], how="inner").reset_index()
    table.attrs = {"wording": wording, "start": (cycles[0], cycles[count - 1]), "end": (cycles[-count], cycles[-1])}
    return table


def sector_gap(
    rows: pd.DataFrame, high: list[str], low: list[str], cycles: list[str], employment: pd.Series | None = None
) -> Estimate | Unanswered:
    """Mean use rate of one list of sectors less that of another, over some cycles.

    Within a list the sectors weigh alike, or by employment; every sector and cycle has an independent error.

    Parameters
    ----------
    rows : DataFrame
        One row a cycle and sector: cycle, sector, wording, use_rate (percent of firms), use_se (points).
    high, low : list of str
        Sector codes; the lists are fixed, whoever else was printed.
    cycles : list of str
    employment : Series, optional
        Employees by sector.

    Returns
    -------
    Estimate or Unanswered
        Percentage points; n is the number of cells. Unanswered where a cell was not printed or is not known.
    """
    chosen = rows[rows.cycle.isin(cycles) & rows.sector.isin([*high, *low]) & rows.use_rate.notna()]
    if not cycles or len(chosen) < len(cycles) * (len(high) + len(low)):
        return Unanswered("the survey has not printed every one of these sectors and cycles")
    if employment is not None and not set(high + low) <= set(employment.index):
        return Unanswered("employment by sector is not known yet")
    table = strata_means(chosen, "sector", cycles)
    share = pd.Series(1.0, table.index) if employment is None else employment.reindex(table.index).astype(float)
    signs = pd.Series(0.0, table.index)
    for sign, names in ((1, high), (-1, low)):
        signs[names] = sign * share[names] / share[names].sum()
    value, half = float(signs @ table.use_rate), _HALF * float(np.sqrt(signs**2 @ table.use_se**2))
    how = "weighted by employment" if employment is not None else "simple means"
    span = cycles[0] if len(cycles) == 1 else f"{cycles[0]} to {cycles[-1]}"
    method = f"{how} of {', '.join(high)} less {', '.join(low)}, cycles {span}"
    weighed = None if employment is None else employment[employment.index.isin(table.index)]
    entered = partial(rows_of, chosen, weighed)
    return Estimate(value, value - half, value + half, POINTS, len(chosen), method, CLOSED_FORM, entered)


def employed_rate(rows: pd.DataFrame, employment: pd.Series, cycles: list[str]) -> Estimate | Unanswered:
    """Use rate of sectors weighted by their employees instead of their firms; sectors not printed are left out.

    It still counts small and large firms of a sector alike, so it lies below the share of employees in firms that use
    AI.

    Parameters
    ----------
    rows : DataFrame
        As for `sector_gap`.
    employment : Series
        Employees by sector.
    cycles : list of str

    Returns
    -------
    Estimate or Unanswered
        Percent of firms; n is the number of sectors.
    """
    if employment.empty or not cycles:
        return Unanswered("employment by sector is not known yet")
    table = strata_means(rows[rows.sector.isin(employment.index)], "sector", cycles)
    if table.empty:
        return Unanswered("no sector was printed")
    share = employment[table.index].astype(float)
    part, share = share.sum() / employment.sum(), share / share.sum()
    value, half = float(share @ table.use_rate), _HALF * float(np.sqrt(share**2 @ table.use_se**2))
    method = f"sectors weighted by employees, {100 * part:.0f}% of them covered, cycles {', '.join(cycles)}"
    entered = partial(rows_of, table, employment)
    return Estimate(value, value - half, value + half, PERCENT, len(table), method, CLOSED_FORM, entered)


def logit(rate: np.ndarray | pd.Series) -> np.ndarray:
    """Log odds of a rate in percent, ``ln(r / (100 - r))``."""
    return special.logit(np.asarray(rate, float) / 100)


def hac_estimate(
    y: np.ndarray,
    regressors: np.ndarray,
    at: int,
    unit: str,
    method: str,
    usual: bool = False,
    rows: Rows | Callable[[], Rows] = NO_ROWS,
) -> Estimate:
    """Coefficient of a least-squares regression in time order, with an interval robust to serial correlation.

    Newey-West errors (1987, doi 10.2307/1913610) with Bartlett weights over half the sample, and not against the normal
    table: in a short series such an error is itself a guess, so the critical value is the one that a t statistic of
    this very design and bandwidth exceeds in 5% of Gaussian samples (the fixed-b view of Kiefer and Vogelsang 2005, doi
    10.1017/S0266466605050565, carried to this design by `critical_value`). Those samples have AR(1) errors with the
    first autocorrelation of the residuals, corrected for their bias, at least nought and at most 0.95; it counts rows,
    so that cycles dropped in between are taken for neighbours.

    Parameters
    ----------
    y : array, shape (n,)
    regressors : array, shape (n, k)
    at : int
        Column whose coefficient is wanted.
    unit, method : str
    usual : bool
        As most papers do it instead: ``floor(4 (n / 100)^(2/9))`` lags and Student's t with n - k degrees of freedom.
        With the errors found here it rejects true hypotheses too often: in 250 simulated trends of 37 cycles with
        autocorrelations of 0.5, 0.7 and 0.85 in 24, 30 and 48% (ours in 6, 6 and 10%), in breaks of 54 cycles in 32, 39
        and 49% (6, 8 and 8%).
    rows
        As in `helpers.inference.Estimate`.

    Returns
    -------
    Estimate
    """
    n, k = regressors.shape
    lags = int(4 * (n / 100) ** (2 / 9)) if usual else n // 2
    fit = OLS(y, regressors).fit(cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True})
    first = fit.resid[1:] @ fit.resid[:-1] / (fit.resid @ fit.resid)
    # residuals of a regression look less correlated than its errors
    rho = float(np.clip((n * first + k) / (n - k - 1), 0, 0.95))
    critical = stats.t.ppf(0.975, n - k) if usual else critical_value(regressors, at, lags, rho)
    value, half = fit.params[at], critical * fit.bse[at]
    how = f"Newey-West, {lags} lags" if usual else "HAC"
    kind = CLOSED_FORM if usual else ITERATIVE
    return Estimate(value, value - half, value + half, unit, n, f"{method}, {how}", kind, rows)


def critical_value(regressors: np.ndarray, at: int, lags: int, rho: float, level: float = 0.05) -> float:
    """Value that the absolute HAC t statistic of a coefficient exceeds with a probability, for Gaussian AR(1) errors.

    ``t^2 > c^2`` says that a quadratic form of the errors, ``u'(a a' - c^2 M D K D M n / (n - k)) u``, is positive,
    with a the row of ``(X'X)^-1 X'``, D its diagonal matrix, M the residual maker and K the Bartlett weights. Its
    probability is Imhof's integral (1961, doi 10.1093/biomet/48.3-4.419); no draw is needed.

    Parameters
    ----------
    regressors : array, shape (n, k)
    at : int
        Column of the coefficient.
    lags : int
        Of the Bartlett weights ``1 - j / (lags + 1)``.
    rho : float
        First autocorrelation of the errors.
    level : float

    Examples
    --------
    >>> round(critical_value(np.ones((40, 1)), 0, 0, 0.0), 2), round(float(stats.t.ppf(0.975, 39)), 2)
    (2.02, 2.02)
    """
    n, k = regressors.shape
    inverse = np.linalg.inv(regressors.T @ regressors)
    pull = regressors @ inverse[:, at]
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    weighted = pull[:, None] * (np.eye(n) - regressors @ inverse @ regressors.T)
    bartlett = np.clip(1 - distance / (lags + 1), 0, None)
    root = np.linalg.cholesky(rho**distance)
    top = root.T @ pull
    bottom = root.T @ (weighted.T @ bartlett @ weighted) @ root * n / (n - k)

    def excess(c):
        return _positive(np.linalg.eigvalsh(np.outer(top, top) - c**2 * bottom)) - level

    return round(optimize.brentq(excess, 0.5, 200, xtol=1e-7), 6)


def trend(
    rows: pd.DataFrame,
    supplement: str = "kept",
    last: int | None = None,
    column: str = "use_rate",
    usual: bool = False,
) -> Estimate | Unanswered:
    """Slope of the log odds of a survey rate over time, within one wording.

    ``logit(r_c) = a + b t_c (+ d S_c) + u_c`` by least squares, t in years at the middle of the weeks asked about.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    supplement : str
        ``kept`` as they are, ``controlled`` by an indicator S of the cycles with a supplement, or ``dropped``.
    last : int, optional
        Only that many of the newest cycles.
    column : str
        ``use_rate`` or ``expected_rate``.
    usual : bool
        As for `hac_estimate`.

    Returns
    -------
    Estimate or Unanswered
        Log odds a year; n is the number of cycles, at least twelve.

    Raises
    ------
    ValueError
        If the rows hold both wordings.
    """
    cut = _prepared(rows, supplement).iloc[-last if last else 0 :]
    if len(cut) < max(_LEAST, last or 0):
        return Unanswered(f"only {len(cut)} cycles of this wording are known")
    columns = [np.ones(len(cut)), _years(cut.middle)]
    if supplement == "controlled" and cut.supplement.nunique() == 2:
        columns.append(cut.supplement.to_numpy(float))
    method = f"logit trend over cycles {cut.cycle.iloc[0]} to {cut.cycle.iloc[-1]}"
    entered = partial(rows_of, cut)
    return hac_estimate(logit(cut[column]), np.column_stack(columns), 1, LOG_ODDS, method, usual, entered)


def mean_change(rows: pd.DataFrame) -> Estimate | Unanswered:
    """Mean change of the log odds of the use rate from cycle to cycle, a year's worth: the slope of a random walk.

    Where the log odds wander instead of keeping to a line, this is the drift that they have; its interval is wider.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives; consecutive cycles.
    """
    cut = _prepared(rows, "kept")
    if len(cut) < _LEAST:
        return Unanswered(f"only {len(cut)} cycles of this wording are known")
    changes = np.diff(logit(cut.use_rate)) * YEAR_DAYS / CYCLE_DAYS
    constant, entered = np.ones((len(changes), 1)), partial(rows_of, cut)
    return hac_estimate(changes, constant, 0, LOG_ODDS, "mean of the changes", rows=entered)


def trend_break(
    rows: pd.DataFrame,
    day: str,
    supplement: str = "controlled",
    jump: bool = True,
    within: float = np.inf,
    column: str = "use_rate",
    least: int = 6,
    usual: bool = False,
) -> Estimate | Unanswered:
    """Slope of the log odds after a day less the slope before it, within one wording.

    ``logit(r_c) = a + b t_c + e A_c + g A_c t_c (+ d S_c) + u_c``, with A for cycles whose middle lies after the day
    and t counted from it; g is wanted. Without a jump, e is nought and the two lines meet on the day.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    day : str
        ISO date.
    supplement, column
        As for `trend`.
    jump : bool
        Whether the lines before and after may stand apart on the day.
    within : float
        Years on either side that count.
    least : int
        Cycles wanted on either side.
    usual : bool
        As for `hac_estimate`.

    Returns
    -------
    Estimate or Unanswered
        Log odds a year; n is the number of cycles.

    Raises
    ------
    ValueError
        If the rows hold both wordings.
    """
    cut = _prepared(rows, supplement)
    t = _years(cut.middle, day)
    near = np.abs(t) <= within
    cut, t = cut[near], t[near]
    after = (t > 0).astype(float)
    if min(after.sum(), len(after) - after.sum()) < least:
        return Unanswered(f"fewer than {least} cycles of this wording are known on either side of {day}")
    columns = [np.ones(len(t)), t, after * t, *([after] if jump else [])]
    if supplement == "controlled" and cut.supplement.nunique() == 2:
        columns.append(cut.supplement.to_numpy(float))
    method = f"slope of {int(after.sum())} cycles after {day} less that of {int(len(t) - after.sum())} before"
    entered = partial(rows_of, cut)
    return hac_estimate(logit(cut[column]), np.column_stack(columns), 2, LOG_ODDS, method, usual, entered)


def placebo_breaks(rows: pd.DataFrame, day: str, least: int = 8) -> pd.DataFrame:
    """Change of the slope at every other day that could have been asked about, for comparison with the one chosen.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    day : str
        ISO date that was chosen; the candidate that parts the cycles in the same way is left out.
    least : int
        Cycles wanted on either side.

    Returns
    -------
    DataFrame
        One row a candidate (the day after the middle of a cycle): date, value, low, high (log odds a year), n. Empty
        where no day has enough cycles on either side.
    """
    out = []
    chosen = rows.middle[rows.middle <= pd.Timestamp(day)].max()
    for middle in rows.middle.iloc[least - 1 : -least]:
        other = middle + pd.Timedelta(days=1)
        found = trend_break(rows, f"{other:%Y-%m-%d}", least=least)
        if isinstance(found, Estimate) and middle != chosen:
            out.append((other, found.value, found.low, found.high, found.n))
    return pd.DataFrame(out, columns=["date", "value", "low", "high", "n"])


def survey(rows: pd.DataFrame) -> pd.DataFrame:
    """Put figures that any survey printed into the shape of `series`, one row a period.

    Parameters
    ----------
    rows : DataFrame
        One row a period, of one measure, entity and unit: measure, entity, period_start, period_end, value (percent),
        unit, standard_error (points; missing where none was printed).

    Returns
    -------
    DataFrame
        In the order of time, with the index of ``rows``: cycle (the period's days), wording (the measure),
        reference_start, reference_end, middle, use_rate, use_se, expected_rate (missing), supplement (False), unit.

    Raises
    ------
    ValueError
        If the rows hold several series, or two periods overlap.
    """
    for column in ("measure", "entity", "unit"):
        if rows[column].nunique() > 1:
            raise ValueError(f"these rows hold several series, by {column}: {', '.join(sorted(set(rows[column])))}")
    cut = rows.sort_values("period_start", kind="stable")
    days = cut.period_start.dt.strftime("%Y-%m-%d") + " to " + cut.period_end.dt.strftime("%Y-%m-%d")
    over = np.flatnonzero(cut.period_end.iloc[:-1].to_numpy() >= cut.period_start.iloc[1:].to_numpy())
    if len(over):
        raise ValueError(f"the periods {days.iloc[over[0]]} and {days.iloc[over[0] + 1]} overlap; they are no series")
    table = pd.DataFrame(
        {
            "cycle": days,
            "wording": cut.measure,
            "reference_start": cut.period_start,
            "reference_end": cut.period_end,
            "middle": cut.period_start + (cut.period_end - cut.period_start) / 2,
            "use_rate": cut.value,
            "use_se": cut.standard_error.astype(float),
            "expected_rate": np.nan,
            "supplement": False,
            "unit": cut.unit,
        }
    )
    return carry(table, cut.assign(row=cut.index))


def survey_rate(rows: pd.DataFrame, place: int = -1) -> Estimate:
    """Rate of one period of a survey, as printed, with its sampling error where one was printed too.

    Parameters
    ----------
    rows : DataFrame
        As `survey` gives.
    place : int
        Row of the period.
    """
    row, entered = rows.iloc[place], partial(rows_of, rows.iloc[[place]])
    if np.isnan(row.use_se):
        return exact(row.use_rate, row.unit, 1, f"as printed for {row.cycle}, without a standard error", entered)
    half = _HALF * row.use_se
    ends = row.use_rate - half, row.use_rate + half
    return Estimate(row.use_rate, *ends, row.unit, 1, f"printed for {row.cycle}", CLOSED_FORM, entered)


def survey_change(rows: pd.DataFrame, first: int = 0, last: int = -1) -> Estimate | Unanswered:
    """Change of the log odds of a rate between two periods of a survey, a year's worth.

    ``(logit(r_1) - logit(r_0)) / (t_1 - t_0)``. Where both standard errors were printed the interval is that of
    independent samples, ``Var logit(r) = (100 s / (r (100 - r)))^2``; else there is none, and it is not made up.

    Parameters
    ----------
    rows : DataFrame
        As `survey` gives.
    first, last : int
        Rows of the two periods.

    Returns
    -------
    Estimate or Unanswered
        Log odds a year.

    Examples
    --------
    >>> days = pd.to_datetime(["2023-01-01", "2024-01-01"])
    >>> rows = pd.DataFrame({"cycle": ["a", "b"], "middle": days, "use_rate": [10.0, 20.0], "use_se": np.nan})
    >>> print(survey_change(rows))
    0.81 log odds a year (n = 2; exact: printed rates of a and b, without standard errors)
    """
    if len(rows) < 2:
        return Unanswered("only one period of this survey is known")
    ends = rows.iloc[[first, last]]
    if not ends.use_rate.between(0, 100, inclusive="neither").all():
        return Unanswered("a rate of none or of all has no log odds")
    years = float(np.diff(_years(ends.middle))[0])
    value = float(np.diff(logit(ends.use_rate))[0]) / years
    method = f"printed rates of {ends.cycle.iloc[0]} and {ends.cycle.iloc[1]}"
    errors = 100 * ends.use_se / (ends.use_rate * (100 - ends.use_rate))
    if errors.isna().any():
        return exact(value, LOG_ODDS, 2, f"{method}, without standard errors", partial(rows_of, ends))
    half = _HALF * float(np.sqrt((errors**2).sum())) / years
    method, entered = f"{method}, independent samples", partial(rows_of, ends)
    return Estimate(value, value - half, value + half, LOG_ODDS, 2, method, CLOSED_FORM, entered)


def step(rows: pd.DataFrame) -> float:
    """Days from one period to the next, the median; not a number where there is one period."""
    return float((rows.middle.diff().dropna() / pd.Timedelta(days=1)).median())


def forecasts(
    rows: pd.DataFrame, horizons: int = HALF_YEAR, least: int = _LEAST, every: float = CYCLE_DAYS
) -> pd.DataFrame:
    """Forecast every cycle from every earlier one by what was known then, each line within one wording.

    From an origin, with at least twelve cycles known: *trend* extends the line of the log odds through all cycles
    known, *recent trend* that through the last twelve, *no change* keeps the last rate, and *firms' own* is the rate
    that firms said to expect in six months, for the thirteenth cycle ahead alone.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives; consecutive cycles.
    horizons : int
        Cycles ahead, from one on.
    least : int
        Cycles known at the first origin.
    every : float
        Days from one cycle to the next; months and quarters are not all of one length, by up to a twentieth.

    Returns
    -------
    DataFrame
        One row a method, origin and horizon: method, origin, target (cycle, empty where it is not known yet), horizon,
        middle (day), forecast, actual, error (forecast less actual, points; missing where it did not come yet).

    Raises
    ------
    ValueError
        If the rows hold both wordings, or cycles are missing in between.
    """
    known, rows = rows, one_wording(rows).reset_index(drop=True)
    if ((rows.middle.diff().dt.days.dropna() - every).abs() > every / 20).any():
        raise ValueError("a cycle is missing in between; forecasts count ahead by cycles")
    t, odds, out = _years(rows.middle), logit(rows.use_rate), []
    ahead = np.arange(1, horizons + 1)
    for k in range(least - 1, len(rows)):
        later = t[k] + ahead * every / YEAR_DAYS
        lines = {
            "trend": _extended(t[: k + 1], odds[: k + 1], later),
            "recent trend": _extended(t[k + 1 - least : k + 1], odds[k + 1 - least : k + 1], later),
            "no change": np.full(horizons, rows.use_rate[k]),
            "firms' own": np.where(ahead == HALF_YEAR, rows.expected_rate[k], np.nan),
        }
        out += [(method, k, h, value) for method, line in lines.items() for h, value in zip(ahead, line, strict=True)]
    table = pd.DataFrame(out, columns=["method", "place", "horizon", "forecast"]).dropna(subset="forecast")
    place, target = table.place.astype(int), (table.place + table.horizon).astype(int)
    ahead_of = pd.to_timedelta(every * table.horizon.astype(int), unit="D")
    table = table.assign(
        origin=rows.cycle.reindex(place).to_numpy(),
        target=rows.cycle.reindex(target).to_numpy(),
        middle=(rows.middle.reindex(place).to_numpy() + ahead_of),
        actual=rows.use_rate.reindex(target).to_numpy(),
    )
    table = table.assign(error=table.forecast - table.actual).reset_index(drop=True)
    columns = ["method", "origin", "target", "horizon", "middle", "forecast", "actual", "error"]
    return carry(table[columns], known)


def forecast_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Error of forecasts by method and horizon, over those whose cycle came.

    Parameters
    ----------
    table : DataFrame
        As `forecasts` gives.

    Returns
    -------
    DataFrame
        One row a method and horizon: method, horizon (cycles), mean_absolute_error, bias (mean forecast less actual;
        points), n.
    """
    came = table[table.error.notna()].assign(size=table.error.abs())
    groups = came.groupby(["method", "horizon"], sort=False)
    return groups.agg(mean_absolute_error=("size", "mean"), bias=("error", "mean"), n=("error", "size")).reset_index()


def forecast_gap(table: pd.DataFrame, one: str, other: str, horizon: int = HALF_YEAR) -> Estimate | Unanswered:
    """Mean absolute error of one method less that of another, from the same origins (Diebold and Mariano 1995).

    doi 10.1080/07350015.1995.10524599; errors of overlapping horizons hang together, so the interval is that of
    `hac_estimate`. Below nought the first is better.

    Parameters
    ----------
    table : DataFrame
        As `forecasts` gives.
    one, other : str
        Methods.
    horizon : int
        Cycles ahead.

    Returns
    -------
    Estimate or Unanswered
        Percentage points; n is the number of origins, at least eight.
    """
    came = table[(table.horizon == horizon) & table.error.notna()]
    sizes = came.assign(size=came.error.abs()).pivot(index="origin", columns="method", values="size")
    if not {one, other} <= set(sizes) or len(both := sizes[[one, other]].dropna()) < 8:
        return Unanswered(f"fewer than eight forecasts {horizon} cycles ahead have been met yet")
    gap = (both[one] - both[other]).to_numpy()
    # a forecast rests on every cycle before it, and the first one on how many there were
    constant, entered = np.ones((len(gap), 1)), partial(rows_of, table)
    return hac_estimate(gap, constant, 0, POINTS, f"absolute error of {one} less {other}", rows=entered)


def fan(
    rows: pd.DataFrame, origin: str, method: str = "trend", horizons: int = HALF_YEAR, every: float = CYCLE_DAYS
) -> pd.DataFrame | Unanswered:
    """Forecast from one origin with an interval from the errors that the same method had made by then.

    ``expit(logit(f_h) -/+ 1.96 s_h)`` with s_h the root mean square of the past errors in log odds at the same horizon,
    over forecasts whose cycle was known at the origin; at least five.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    origin : str
        Cycle.
    method : str
        As `forecasts` names them.
    horizons : int
    every : float
        As for `forecasts`.

    Returns
    -------
    DataFrame or Unanswered
        One row a horizon: horizon, middle, forecast, low, high, actual (missing where it did not come yet), past
        (errors that the width rests on).
    """
    if origin not in set(rows.cycle):
        return Unanswered(f"cycle {origin} is not known yet")
    table = forecasts(rows, horizons, every=every)
    table = table[table.method == method]
    drawn = table[table.origin == origin].drop(columns="error")
    past = table[table.target.notna() & (table.target <= origin)]
    gaps = pd.Series(logit(past.forecast) - logit(past.actual), past.index)
    spread = gaps.pow(2).groupby(past.horizon).agg(["mean", "size"])
    spread = spread[spread["size"] >= 5].rename(columns={"mean": "square", "size": "past"})
    drawn = drawn.merge(spread, left_on="horizon", right_index=True)
    if drawn.empty:
        return Unanswered(f"too few forecasts were judged by cycle {origin} to give an interval")
    odds, half = logit(drawn.forecast), _HALF * np.sqrt(drawn.square)
    drawn = drawn.assign(low=100 * special.expit(odds - half), high=100 * special.expit(odds + half))
    return drawn[["horizon", "middle", "forecast", "low", "high", "actual", "past"]].reset_index(drop=True)


def diffusion(rows: pd.DataFrame, ceilings: list[float], launch: str, at: str) -> pd.DataFrame | Unanswered:
    """Fit logistic, Gompertz and Bass curves for every ceiling asked about: the profile of the ceiling.

    With K the ceiling in percent and t in years, the logistic curve is ``K / (1 + exp(-(a + b t)))``, the Gompertz
    curve ``K exp(-exp(-(a + b t)))``, and that of Bass (1969, doi 10.1287/mnsc.15.5.215)
    ``K (1 - exp(-(p + q) s)) / (1 + (q / p) exp(-(p + q) s))`` with s counted from a launch, where it
    begins at nought. The errors are AR(1), since neighbouring cycles err alike: for each K the two other parameters and
    the autocorrelation r (0, 0.3, 0.5 or 0.6 to 0.9 by tenths) maximise the Gaussian likelihood, that is minimise
    ``((1 - r^2) e_1^2 + sum_c (e_c - r e_(c-1))^2) / (1 - r^2)^(1/n)``, here called squares. A ceiling of a curve is
    *not ruled out* when its squares are at most ``1 + 2 F(0.95; 2, n - 4) / (n - 4)`` times the least ones of all
    curves, two since shape and ceiling are both asked about; so a curve of the wrong shape is ruled out as a whole.

    Parameters
    ----------
    rows : DataFrame
        As `series` gives.
    ceilings : list of float
        Percent of firms; those not above every rate seen are left out.
    launch : str
        ISO date from which Bass' curve counts.
    at : str
        ISO date at which the curves are compared.

    Returns
    -------
    DataFrame or Unanswered
        One row a curve and ceiling: curve, ceiling, ratio (squares over the least of all curves), allowed,
        bound, rate_at (percent of firms at the day).

    Raises
    ------
    ValueError
        If the rows hold both wordings.
    """
    one_wording(rows)
    if len(rows) < _LEAST:
        return Unanswered(f"only {len(rows)} cycles of this wording are known")
    rate, t = rows.use_rate.to_numpy(), _years(rows.middle, launch)
    then = _years(pd.Series([pd.Timestamp(at)]), launch)
    bound = 1 + 2 * stats.f.ppf(0.95, 2, len(rows) - 4) / (len(rows) - 4)
    out = []
    for curve, shape in _CURVES.items():
        starts = {}
        for ceiling in sorted((top for top in ceilings if top > rate.max()), reverse=True):
            fits = []
            # one climb an autocorrelation: a strong one and a good curve are rival peaks
            for r in _AUTOCORRELATIONS:
                start = starts[r] if r in starts else _first_guess(curve, rate / ceiling, t)
                args = (shape, ceiling, t, rate, r)
                starts[r], _, told, *_ = optimize.leastsq(_residuals, start, args, _slopes, True, **_TO_THE_END)
                fits.append((told["fvec"] @ told["fvec"], starts[r]))
            squares, best = min(fits, key=lambda fit: fit[0])
            out.append((curve, ceiling, squares, (ceiling * shape(best, then))[0]))
    if not out:
        return Unanswered("no ceiling lies above every rate seen")
    table = pd.DataFrame(out, columns=["curve", "ceiling", "squares", "rate_at"])
    # below that is rounding: a curve through every point is not infinitely better than another
    squares = table.squares.clip(lower=len(rows) * (np.finfo(float).eps * rate.max()) ** 2)
    ratio = squares / squares.min()
    # rounded: an optimiser's last digits differ from one processor to another
    table = table.assign(ratio=ratio.round(4), allowed=ratio <= bound, bound=bound, rate_at=table.rate_at.round(3))
    return table.sort_values(["curve", "ceiling"], kind="stable", ignore_index=True).drop(columns="squares")


def yearly_change(
    mentions: pd.DataFrame, first: str, latest: str, vintages: tuple = ("first print",), how: str = "ends"
) -> Estimate | Unanswered:
    """Yearly change of the count of firms that cite AI, between the first and the last quarter known of a span.

    Parameters
    ----------
    mentions : DataFrame
        One row a quarter, series and vintage: quarter, series, vintage, value (firms).
    first, latest : str
        Quarters such as ``2023Q1``; the span's first must be known, its last is the last one known.
    vintages : tuple of str
        Printings to count; the later of two rows for a quarter is taken.
    how : str
        ``ends`` (last less first, over the years between) or ``slope`` (least squares over all quarters known).

    Returns
    -------
    Estimate or Unanswered
        Firms a year; a count of all firms of the index, so exact. n is the number of quarters.
    """
    wanted = (mentions.series == "firms citing AI") & mentions.vintage.isin(vintages)
    chosen = mentions[wanted & mentions.quarter.between(first, latest)].drop_duplicates("quarter", keep="last")
    counts = chosen.set_index("quarter").value.sort_index()
    if first not in counts.index or len(counts) < 2:
        return Unanswered(f"no count of a quarter after {first} is known yet")
    years = np.array([int(quarter[:4]) + (int(quarter[-1]) - 1) / 4 for quarter in counts.index])
    values = counts.to_numpy(float)
    change = (values[-1] - values[0]) / (years[-1] - years[0]) if how == "ends" else np.polyfit(years, values, 1)[0]
    words = "last less first" if how == "ends" else "least-squares slope"
    method = f"{words}, {counts.index[0]} to {counts.index[-1]}"
    return exact(change, "firms a year", len(counts), method, partial(rows_of, chosen))


def _positive(weights):
    """Probability that a weighted sum of squared standard normals is positive (Imhof 1961), by the trapezoidal rule."""
    # in the logarithm of Imhof's variable the integrand is smooth and dies out on both sides
    turned = np.outer(np.exp(_GRID), weights / np.abs(weights).max())
    angle, size = 0.5 * np.arctan(turned).sum(axis=1), 0.25 * np.log1p(turned**2).sum(axis=1)
    return 0.5 + np.trapezoid(np.sin(angle) * np.exp(-size), _GRID) / np.pi


def _prepared(rows, supplement):
    if supplement not in ("kept", "controlled", "dropped"):
        raise ValueError(f"supplement cycles are 'kept', 'controlled' or 'dropped', not {supplement!r}")
    one_wording(rows)
    return rows[~rows.supplement] if supplement == "dropped" else rows


def _years(days, since="2024-01-01"):
    return ((days - pd.Timestamp(since)) / pd.Timedelta(days=YEAR_DAYS)).to_numpy(float)


def _extended(t, odds, later):
    slope, level = np.polyfit(t, odds, 1)
    return 100 * special.expit(level + slope * later)


def _logistic(values, t):
    return special.expit(values[0] + values[1] * t)


def _gompertz(values, t):
    return np.exp(-np.exp(-np.clip(values[0] + values[1] * t, -50, 50)))


def _bass(values, t):
    p, q = np.exp(np.clip(values, -20, 5))
    fall = np.exp(-(p + q) * t)
    return (1 - fall) / (1 + q / p * fall)


# the valley of the Bass curve is flat: a fit that stops early stops elsewhere on every processor
_TO_THE_END = {"ftol": 1e-14, "xtol": 1e-14, "gtol": 1e-14, "maxfev": 200}
_STEP = np.sqrt(np.finfo(float).eps)
_CURVES = {"logistic": _logistic, "Gompertz": _gompertz, "Bass": _bass}


def _first_guess(curve, share, t):
    if curve == "Bass":
        return np.log([0.01, 0.5])
    line = special.logit(share) if curve == "logistic" else -np.log(-np.log(share))
    return np.polyfit(t, line, 1)[::-1]


def _residuals(values, shape, ceiling, t, rate, r):
    """Errors with their autocorrelation taken out, scaled so that least squares is maximum likelihood."""
    error = ceiling * shape(values, t) - rate
    own = np.append(np.sqrt(1 - r**2) * error[0], error[1:] - r * error[:-1])
    return own * (1 - r**2) ** (-0.5 / len(error))


def _slopes(values, *args):
    """Slopes of `_residuals` by forward differences, as scipy takes them, without its checks at each of many fits."""
    ahead = values + np.diag(np.copysign(_STEP * np.maximum(1, np.abs(values)), values))
    here = _residuals(values, *args)
    return np.column_stack([_residuals(each, *args) - here for each in ahead]) / (np.diag(ahead) - values)
