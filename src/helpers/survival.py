"""Survival of records: how long until they are matched, where some are not matched yet."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from helpers.inference import CLOSED_FORM, Estimate, Unanswered
from helpers.rows import rows_of

DAYS_A_MONTH = 365.25 / 12
_Z = stats.norm.ppf(0.975)


def kaplan_meier(days: np.ndarray, closed: np.ndarray) -> pd.DataFrame:
    """Kaplan-Meier estimate of the share of spells still open, with log-log intervals.

    ``S(t) = prod_{t_i <= t} (1 - d_i / n_i)`` (Kaplan and Meier 1958, doi 10.1080/01621459.1958.10501452); the interval
    is normal for ``log(-log S)`` with Greenwood's variance ``sum d_i / (n_i (n_i - d_i)) / (log S)^2``
    (Kalbfleisch and Prentice 2002, doi 10.1002/9781118032985).

    Parameters
    ----------
    days : array, shape (spells,)
        Length of each spell, not negative.
    closed : array of bool, shape (spells,)
        False where it is right-censored at that length.

    Returns
    -------
    DataFrame
        One row a time at which a spell closed: time, at_risk, events, survival, low, high. Where no spell is left the
        interval is missing.

    Examples
    --------
    >>> kaplan_meier([2, 3, 3, 5], [True, True, False, True]).survival.tolist()
    [0.75, 0.5, 0.0]
    """
    days, closed = np.asarray(days, float), np.asarray(closed, bool)
    if len(days) != len(closed) or not (days >= 0).all():
        raise ValueError("every spell needs a length that is not negative, and whether it closed")
    time, events = np.unique(days[closed], return_counts=True)
    at_risk = len(days) - np.searchsorted(np.sort(days), time, side="left")
    survival = np.cumprod(1 - events / at_risk)
    left = at_risk > events
    logs = np.log(np.where(left, survival, np.nan))
    spread = np.sqrt(np.cumsum(events / np.where(left, at_risk * (at_risk - events), np.nan))) / np.abs(logs)
    low, high = (np.exp(-np.exp(np.log(-logs) + sign * _Z * spread)) for sign in (1, -1))
    columns = {"time": time, "at_risk": at_risk, "events": events, "survival": survival, "low": low, "high": high}
    return pd.DataFrame(columns)


def _cohort(table, before):
    if isinstance(table, Unanswered):
        return table
    rows = table if before is None else table[table.set_on < pd.Timestamp(before)]
    return rows if len(rows) else Unanswered(f"no record set before {before} is known")


def median_time(table: pd.DataFrame | Unanswered, before: str | None = None) -> Estimate | Unanswered:
    """Median time from a proprietary record to its first open match, unmatched records censored.

    The first time at which the Kaplan-Meier curve is at one half or below. Its 95% interval holds the times at which
    the log-log interval of the curve holds one half (Brookmeyer and Crowley 1982, doi 10.2307/2530286): it carries the
    small number of records, not the errors of the scores. An end is infinite where the curve's never falls that far.
    All of n spells last longer than the median with probability ``2^-n``: below six records that is more than 2.5%, so
    that not even the shortest bounds the median, and the lower end is 0.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `spells` gives.
    before : str, optional
        ISO date: only records set before it.

    Returns
    -------
    Estimate or Unanswered
        Months; n is the number of records. Unanswered while fewer than half are matched.
    """
    rows = _cohort(table, before)
    if isinstance(rows, Unanswered):
        return rows
    curve = kaplan_meier(rows.days, rows.closed)
    half = [curve.time[curve[column] <= 0.5 + 1e-12].min() for column in ("survival", "low", "high")]
    value, low, high = (np.inf if math.isnan(time) else time / DAYS_A_MONTH for time in half)
    if math.isinf(value):
        return Unanswered(f"fewer than half of {len(rows)} records are matched yet")
    low = 0.0 if 0.5 ** len(rows) > 0.025 else low
    words = f"Kaplan-Meier median, {int(rows.closed.sum())} of {len(rows)} records matched, log-log interval"
    return Estimate(value, min(low, value), high, "months", len(rows), words, CLOSED_FORM, partial(rows_of, rows))


def restricted_mean(
    table: pd.DataFrame | Unanswered, horizon: float, before: str | None = None
) -> Estimate | Unanswered:
    """Mean time from a proprietary record to its first open match, counting no more than a horizon.

    The area under the Kaplan-Meier curve up to the horizon ``h``, with the variance
    ``sum_{t_i <= h} A_i^2 d_i / (n_i (n_i - d_i))`` where ``A_i`` is the area from ``t_i`` to ``h`` (Royston and
    Parmar 2013, doi 10.1186/1471-2288-13-152). It is taken times ``n / (n - 1)``, and the interval is Student's with
    n - 1 degrees of freedom, so that without censoring both are those of a mean.

    Parameters
    ----------
    table, before
        As for `median_time`.
    horizon : float
        Months.

    Returns
    -------
    Estimate or Unanswered
        Months, the interval cut at 0 and the horizon. Unanswered with fewer than two records, and where the longest
        spell is censored short of the horizon, for there the curve is not known.
    """
    rows = _cohort(table, before)
    if isinstance(rows, Unanswered):
        return rows
    n, curve, end = len(rows), kaplan_meier(rows.days, rows.closed), horizon * DAYS_A_MONTH
    if n < 2:
        return Unanswered("a single record has no spread")
    known = rows.days.max() >= end or (len(curve) > 0 and curve.survival.iloc[-1] == 0)
    if not known:
        return Unanswered(f"no record is watched for {horizon:g} months yet")
    curve = curve[curve.time < end]
    edges = np.concatenate([[0.0], curve.time, [end]])
    areas = np.diff(edges) * np.concatenate([[1.0], curve.survival])
    beyond = areas[::-1].cumsum()[::-1][1:]
    left = (curve.at_risk - curve.events).to_numpy(float)
    terms = np.divide(curve.events, curve.at_risk * left, out=np.zeros(len(curve)), where=left > 0)
    value, half = areas.sum(), stats.t.ppf(0.975, n - 1) * math.sqrt((beyond**2 * terms).sum() * n / (n - 1))
    low, value, high = np.array([max(value - half, 0), value, min(value + half, end)]) / DAYS_A_MONTH
    words = f"mean restricted to {horizon:g} months, {int(rows.closed.sum())} of {len(rows)} records matched"
    return Estimate(
        value, min(low, value), max(high, value), "months", len(rows), words, CLOSED_FORM, partial(rows_of, rows)
    )


@dataclass(frozen=True)
class LogRank:
    """Outcome of a log-rank test: statistic, p value, and what each group saw against what was expected of it."""

    statistic: float
    p_value: float
    observed: tuple
    expected: tuple
    sizes: tuple

    def __str__(self):
        pairs = zip(self.sizes, self.observed, self.expected, strict=True)
        told = "; ".join(f"{n} records, {seen:.0f} matched, {hoped:.1f} expected" for n, seen, hoped in pairs)
        return f"chi-squared {self.statistic:.2f}, p = {self.p_value:.3f} ({told})"


def log_rank(days: np.ndarray, closed: np.ndarray, later: np.ndarray) -> LogRank | Unanswered:
    """Test whether two groups of spells close at the same rate (Mantel 1966; Peto and Peto 1972, doi 10.2307/2344317).

    ``(O - E)^2 / V`` for one group, with ``E = sum d_i m_i / n_i`` and
    ``V = sum d_i (m_i / n_i) (1 - m_i / n_i) (n_i - d_i) / (n_i - 1)`` over the times of closing, m_i of n_i at risk
    being of the group; chi-squared with one degree of freedom under no difference.

    Parameters
    ----------
    days, closed
        As for `kaplan_meier`.
    later : array of bool, shape (spells,)
        The second group.

    Returns
    -------
    LogRank or Unanswered
        Unanswered where a group has no spell, or there is nothing to compare at any time.
    """
    days, closed, later = np.asarray(days, float), np.asarray(closed, bool), np.asarray(later, bool)
    if later.all() or not later.any():
        return Unanswered("no record of one of the two groups is known")
    time, events = np.unique(days[closed], return_counts=True)
    at_risk = (days >= time[:, None]).sum(axis=1)
    share = (later & (days >= time[:, None])).sum(axis=1) / at_risk
    expected = float((events * share).sum())
    variance = float((events * share * (1 - share) * (at_risk - events) / np.maximum(at_risk - 1, 1)).sum())
    if variance == 0:
        return Unanswered("the two groups of records are at no time at risk together")
    seen = int((closed & later).sum())
    statistic = (seen - expected) ** 2 / variance
    total, second = int(closed.sum()), int(later.sum())
    return LogRank(
        statistic, float(stats.chi2.sf(statistic, 1)), (total - seen, seen), (total - expected, expected),
        (len(days) - second, second),
    )  # fmt: skip


def compared(table: pd.DataFrame | Unanswered, day: str) -> LogRank | Unanswered:
    """Compare by the log-rank test the records set before a day with those set on it or later.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `spells` gives.
    day : str
        ISO date.
    """
    if isinstance(table, Unanswered):
        return table
    return log_rank(table.days, table.closed, table.set_on >= pd.Timestamp(day))


def curves(table: pd.DataFrame | Unanswered, day: str) -> pd.DataFrame | Unanswered:
    """Kaplan-Meier curves of the records set before a day and of those set on it or later.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `spells` gives.
    day : str
        ISO date.

    Returns
    -------
    DataFrame or Unanswered
        One row a group and time: group, records (in the group), watched (days of its longest spell), and the columns
        of `kaplan_meier`; the first row of a group is time 0, where all its records are at risk.
    """
    if isinstance(table, Unanswered):
        return table
    late = table.set_on >= pd.Timestamp(day)
    parts = []
    for name, rows in ((f"before {day}", table[~late]), (f"since {day}", table[late])):
        if len(rows):
            start = {"time": 0.0, "at_risk": len(rows), "events": 0, "survival": 1.0, "low": np.nan, "high": np.nan}
            curve = kaplan_meier(rows.days, rows.closed)
            both = pd.concat([pd.DataFrame([start]), curve], ignore_index=True) if len(curve) else pd.DataFrame([start])
            parts.append(both.assign(group=name, records=len(rows), watched=rows.days.max()))
    out = pd.concat(parts, ignore_index=True)
    return out[["group", "records", "watched", "time", "at_risk", "events", "survival", "low", "high"]]
