"""Concentration of an index: shares, Herfindahl index and effective number, contributions to its return."""

import itertools
import math
from functools import partial

import numpy as np
import pandas as pd

from helpers.inference import NOT_CHECKABLE, Estimate, Unanswered, exact
from helpers.rows import Rows, carry, rows_of

# second share classes that the S&P 500 has held since 2022, and the line that stands for the firm
SHARE_CLASSES = {"GOOG": "GOOGL", "FOX": "FOXA", "NWS": "NWSA", "UA": "UAA"}
OTHERS = "Other firms"


def snapshots(weights: pd.DataFrame, rule: str = "firm") -> pd.DataFrame:
    """Spread index weights: one row a day, one column a firm or a line.

    Parameters
    ----------
    weights : DataFrame
        One row a fund, day and holding: date, fund, ticker, weight_percent.
    rule : str
        ``firm`` adds the share classes of `SHARE_CLASSES` up; ``line`` leaves every ticker alone.

    Returns
    -------
    DataFrame
        Index date, sorted; percent of the fund, missing where the fund did not hold the firm.

    Raises
    ------
    ValueError
        If the rule is unknown, or a day has more than one fund.
    """
    if rule not in ("firm", "line"):
        raise ValueError(f"share classes count as 'firm' or 'line', not {rule!r}")
    if weights.drop_duplicates(["date", "fund"]).date.duplicated().any():
        raise ValueError("a day has the weights of two funds; choose one")
    holder = weights.ticker.replace(SHARE_CLASSES) if rule == "firm" else weights.ticker
    out = weights.groupby(["date", holder]).weight_percent.sum().unstack().sort_index()
    return carry(out, rows_of(weights).relabel(row=lambda part: part.date, security=lambda part: holder[part.index]))


def as_caps(table: pd.DataFrame) -> pd.DataFrame:
    """Turn weights into rows that `returns` takes for market capitalisations; only their ratios have meaning.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.

    Returns
    -------
    DataFrame
        One row a firm and day: date, security, market_cap_usd.
    """
    out = table.rename_axis(index="date", columns="security").stack().rename("market_cap_usd").reset_index()
    keys, parts = out[["date", "security"]].assign(row=out.index), []
    for part in rows_of(table).parts:
        entered = part[["date", "security"]].assign(position=part.index).reset_index(drop=True)
        labels = entered.merge(keys, on=["date", "security"]).set_index("position").rename_axis(None)[["row"]]
        labels.attrs = {"table": part.attrs["table"]}
        parts.append(labels)
    return carry(out, Rows(parts))


def full_cap_snapshots(caps: pd.DataFrame, levels: pd.DataFrame, members: list[str], total: str) -> pd.DataFrame:
    """Weights of firms by full market capitalisation, on the days for which the index total is known.

    A cap is carried from its last date on or before the day by the firm's own return index, never interpolated: the
    next cap may lie after news that the day did not know.

    Parameters
    ----------
    caps : DataFrame
        One row an entity and date: security, date, market_cap_usd.
    levels : DataFrame
        Total return indices, as ``returns.wide`` gives: index date, one column a security.
    members : list of str
    total : str
        Entity of ``caps`` that is the index total, such as ``S&P 500``.

    Returns
    -------
    DataFrame
        Index date (last trading day on or before that of the total); percent of the total. A day on which a member's
        cap is not known, or older than its return index, is left out.
    """
    own = {member: caps[caps.security == member].sort_values("date", kind="stable") for member in members}
    rows, entered = {}, []
    for day, whole in caps[caps.security == total].set_index("date").market_cap_usd.sort_index().items():
        row = {member: _carried_cap(own[member], levels, member, day) for member in members}
        close = _close(levels, day)
        if close is not None and not any(math.isnan(cap) for cap in row.values()):
            rows[close] = {member: 100 * cap / whole for member, cap in row.items()}
            # a later total of the same trading day takes the place of an earlier one
            entered = [part for part in entered if part[0] != close] + [(close, day)]
    dates = pd.DatetimeIndex(rows, dtype=levels.index.dtype, name="date")
    out = pd.DataFrame(list(rows.values()), index=dates, columns=list(members), dtype=float)
    return carry(out, *(_cap_rows(caps, levels, own, total, close, day) for close, day in entered))


def top_share(weights: np.ndarray, k: int) -> float:
    """Share of the k largest, in percent.

    Parameters
    ----------
    weights : array, shape (holders,)
        Not negative, in any unit; missing ones and zeros are no holders.
    k : int

    Examples
    --------
    >>> top_share([3, 1, 4, 2], 2)
    70.0
    """
    return float(100 * np.sort(_shares(weights))[::-1][:k].sum())


def herfindahl(weights: np.ndarray) -> float:
    """Herfindahl index, ``sum_i (100 w_i)^2``: 10,000 for one holder alone (Hirschman 1964, AER 54(5)).

    Parameters
    ----------
    weights : array, shape (holders,)
        As for `top_share`.

    Examples
    --------
    >>> herfindahl([1, 1, 1, 1])
    2500.0
    """
    return float(10_000 * (_shares(weights) ** 2).sum())


def hill_number(weights: np.ndarray, order: float) -> float:
    """Effective number of holders of an order (Hill 1973, doi 10.2307/1934352).

    ``(sum_i w_i^q)^(1 / (1 - q))``: of order 0 the count, 1 (a limit) ``exp(-sum_i w_i ln w_i)``, 2 the inverse of
    the Herfindahl index, infinity the inverse of the largest weight. It falls with the order.

    Parameters
    ----------
    weights : array, shape (holders,)
        As for `top_share`.
    order : float
        Not negative; ``inf`` is allowed.

    Examples
    --------
    >>> [round(hill_number([2, 1, 1], order), 3) for order in (0, 1, 2, math.inf)]
    [3.0, 2.828, 2.667, 2.0]
    """
    shares = _shares(weights)
    if not order >= 0:
        raise ValueError(f"an order is not negative, as {order} is")
    if order == 1:
        return float(np.exp(-(shares * np.log(shares)).sum()))
    if math.isinf(order):
        return float(1 / shares.max())
    # in logarithms and over the largest share, so that no power vanishes or grows without bound
    largest = shares.max()
    return float(np.exp((order * np.log(largest) + np.log(((shares / largest) ** order).sum())) / (1 - order)))


def effective_number(weights: np.ndarray) -> float:
    """Count the equal holders that would have the same Herfindahl index, ``1 / sum_i w_i^2``.

    Examples
    --------
    >>> effective_number([2, 1, 1]) == 10_000 / herfindahl([2, 1, 1])
    True
    """
    return 10_000 / herfindahl(weights)


def gini(weights: np.ndarray) -> float:
    """Gini coefficient: half the mean absolute difference over the mean, ``sum_ij |w_i - w_j| / (2 n^2 mean(w))``.

    By the ranks of the sorted weights: ``sum_i (2 i - n - 1) w_(i) / n`` for shares (Sen 1973, doi
    10.1093/0198281935.001.0001). 0 for equal holders, ``1 - 1 / n`` at most.

    Parameters
    ----------
    weights : array, shape (holders,)
        As for `top_share`; only holders count, so it ignores how many there might have been.

    Examples
    --------
    >>> gini([1, 1, 1]), gini([3, 1])
    (0.0, 0.25)
    """
    shares = np.sort(_shares(weights))
    n = len(shares)
    return float(((2 * np.arange(1, n + 1) - n - 1) * shares).sum() / n)


def measures(table: pd.DataFrame) -> pd.DataFrame:
    """Measure the concentration of every snapshot, over its holdings alone: the fund's cash is left out.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.

    Returns
    -------
    DataFrame
        One row a snapshot: date, holders (count), top_10_percent, herfindahl (10,000 = one holder), effective_number,
        order_1, order_inf (Hill numbers), gini.
    """
    rows = []
    for date, row in table.iterrows():
        weights = row.to_numpy()
        orders = [hill_number(weights, order) for order in (1, math.inf)]
        held, index = len(_shares(weights)), herfindahl(weights)
        count = effective_number(weights)
        rows.append((date, held, top_share(weights, 10), index, count, *orders, gini(weights)))
    names = ["date", "holders", "top_10_percent", "herfindahl", "effective_number", "order_1", "order_inf", "gini"]
    return pd.DataFrame(rows, columns=names)


def shares(table: pd.DataFrame, members: list[str], rescaled: bool = False) -> pd.Series:
    """Share of some firms in every snapshot.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    members : list of str
        Columns; one that is not held counts as nothing.
    rescaled : bool
        Whether to divide by the sum of all weights, which leaves the fund's cash out.

    Returns
    -------
    Series
        Percent by date.
    """
    held = table.reindex(columns=list(members)).sum(axis=1)
    if rescaled:
        return carry(100 * held / table.sum(axis=1), table)
    return carry(held, rows_of(table).select(security=members))


def carried_shares(table: pd.DataFrame, levels: pd.DataFrame, members: list[str], index: str) -> pd.Series:
    """Share of some firms on every trading day, carried from the last snapshot by returns relative to the index.

    ``sum_i w_i(s) (I_i(t) / I_i(s)) / (I(t) / I(s))``. It ignores what share counts and members of the index did since
    the snapshot s, and dividends, which an index weight leaves out, count as reinvested.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    levels : DataFrame
        Total return indices, as ``returns.wide`` gives.
    members : list of str
    index : str
        Security that stands for the index, a column of ``levels``.

    Returns
    -------
    Series
        Percent by trading day; empty before the first snapshot that the return indices reach.
    """
    table = _reached(table, levels)
    out, entered = [], []
    weights, prices = rows_of(table).select(security=members), rows_of(levels).select(security=[*members, index])
    for k, day in enumerate(table.index):
        until = table.index[k + 1] if k + 1 < len(table) else levels.index[-1] + pd.Timedelta(days=1)
        path = levels.loc[_close(levels, day) :]
        path = path[path.index < until]
        growth = path[list(members)] / path[list(members)].iloc[0]
        relative = growth.div(path[index] / path[index].iloc[0], axis=0)
        out.append(relative.mul(table.loc[day, list(members)]).sum(axis=1, skipna=False))
        start = weights.unlabel("row").select(date=[day]) | prices.select(date=[_close(levels, day)])
        entered += [_repeated(start, path.index), prices.select(date=path.index).relabel(row=lambda part: part.date)]
    return carry(pd.concat(out).dropna(), *entered) if out else pd.Series(dtype=float, index=levels.index[:0])


def level(series: pd.Series, start: str, end: str, as_of: str, method: str, how: str = "last") -> Estimate | Unanswered:
    """Level of a share in a period: its last observation, or the mean of all.

    Parameters
    ----------
    series : Series
        Percent by date.
    start, end : str
        ISO dates; the period begins after ``start`` and holds ``end``.
    as_of : str
        Edition; a period that is not over by then is not answered.
    method : str
        What the share is, to print.
    how : str
        ``last`` or ``mean``.

    Returns
    -------
    Estimate or Unanswered
        Percent; n is the number of dates.
    """
    if how not in ("last", "mean"):
        raise ValueError(f"a level is the 'last' or the 'mean', not {how!r}")
    if as_of < end:
        return Unanswered(f"the period {start} to {end} is not over by the as-of date")
    held = series[(series.index > pd.Timestamp(start)) & (series.index <= pd.Timestamp(end))].sort_index().dropna()
    if held.empty:
        return Unanswered(f"no observation after {start} and up to {end} is known")
    if how == "last":
        rows = partial(rows_of, held.iloc[-1:])
        return exact(held.iloc[-1], "percent", 1, f"{method}, {held.index[-1]:%Y-%m-%d}", rows)
    words = f"{method}, mean of {len(held)} days to {end}"
    return exact(held.mean(), "percent", len(held), words, partial(rows_of, held))


def change(series: pd.Series, base: str, method: str) -> Estimate | Unanswered:
    """Newest observation of a share less its last one by a base day, in percentage points.

    Parameters
    ----------
    series : Series
        Percent by date.
    base : str
        ISO date.
    method : str
        What the share is, to print.

    Returns
    -------
    Estimate or Unanswered
        Unanswered until an observation later than ``base`` is known.
    """
    held = series.sort_index().dropna()
    before, after = held.loc[:base], held[held.index > pd.Timestamp(base)]
    if before.empty or after.empty:
        return Unanswered(f"no observation after {base} is known yet")
    words = f"{method}, {before.index[-1]:%Y-%m-%d} to {after.index[-1]:%Y-%m-%d}"
    rows = partial(rows_of, before.iloc[-1:], after.iloc[-1:])
    return exact(after.iloc[-1] - before.iloc[-1], "percentage points", 2, words, rows)


def snapshot_before(table: pd.DataFrame, day: str) -> str | None:
    """Day of the snapshot before the last one of a day, as an ISO date; None where there is none.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    day : str
        ISO date.

    Examples
    --------
    >>> days = pd.DatetimeIndex(["2023-11-29", "2023-12-20", "2024-03-27"])
    >>> snapshot_before(pd.DataFrame(index=days), "2023-12-29")
    '2023-11-29'
    """
    known = table.index[table.index <= pd.Timestamp(day)]
    return f"{known[-2]:%Y-%m-%d}" if len(known) > 1 else None


def on_trading_days(series: pd.Series, trading: pd.DatetimeIndex) -> pd.Series:
    """Move a series to the last trading day on or before each of its dates: that day's closes are what it can hold.

    Parameters
    ----------
    series : Series
        By date.
    trading : DatetimeIndex
        Trading days in order; dates before the first are left as they are.

    Returns
    -------
    Series
        By date, sorted; of two that fall on one day the later stays.
    """
    ordered = series.sort_index()
    places = trading.searchsorted(ordered.index, side="right")
    days = [trading[place - 1] if place else day for place, day in zip(places, ordered.index, strict=True)]
    moved = ordered.set_axis(pd.DatetimeIndex(days, dtype=series.index.dtype, name=series.index.name))
    return moved[~moved.index.duplicated(keep="last")]


def published_shares(printed: pd.DataFrame, trading: pd.DatetimeIndex) -> dict[str, pd.Series]:
    """Move published shares of firms in an index to trading days, each method by itself.

    Parameters
    ----------
    printed : DataFrame
        One row a date and method: date, method, share_percent.
    trading : DatetimeIndex
        As for `on_trading_days`.

    Returns
    -------
    dict of str to Series
        Percent by date, by method.
    """
    out = {}
    for method, table in printed.groupby("method"):
        moved = on_trading_days(table.set_index("date").share_percent, trading)
        kept = on_trading_days(table.assign(row=table.index).set_index("date").row, trading)
        days = pd.Series(kept.index, kept.to_numpy())
        entered = table.loc[kept.to_numpy()]
        out[method] = carry(moved, rows_of(entered).relabel(row=lambda part, days=days: days[part.index]))
    return out


def top_shares(table: pd.DataFrame, k: int) -> pd.Series:
    """Compute the share of the k largest firms in every snapshot, over its holdings alone, as `top_share` does.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    k : int

    Returns
    -------
    Series
        Percent by date.
    """
    return carry(pd.Series([top_share(row, k) for row in table.to_numpy()], table.index, dtype=float), table)


def newest_effective_number(table: pd.DataFrame) -> Estimate | Unanswered:
    """Compute the effective number of firms in the newest snapshot, as `effective_number` does.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives, by firm.

    Returns
    -------
    Estimate or Unanswered
        Equal firms; n is the number of firms in the fund.
    """
    newest = table.iloc[-1:]
    if newest.empty:
        return Unanswered("no weights of the index are known yet")
    weights = newest.to_numpy()[0]
    words = f"inverse Herfindahl index, official fund weights by firm, {newest.index[0]:%Y-%m-%d}"
    count = len(_shares(weights))
    return exact(effective_number(weights), "equal firms", count, words, partial(rows_of, newest))


def gaps(others: pd.DataFrame, carried: pd.Series) -> pd.DataFrame:
    """Difference of other measures of a share from the carried official one on the same day.

    Parameters
    ----------
    others : DataFrame
        One row a date and method: date, method, share_percent.
    carried : Series
        As `carried_shares` gives.

    Returns
    -------
    DataFrame
        Columns of ``others``, and carried_percent (last trading day on or before the date, at most four days back) and
        gap_points; both missing where ``carried`` does not reach.
    """
    days = others[["date"]].sort_values("date", kind="stable")
    known = carried.rename("carried_percent").rename_axis("date").reset_index().astype({"date": days.date.dtype})
    near = pd.merge_asof(days, known, on="date", tolerance=pd.Timedelta(days=4)).set_axis(days.index)
    return others.assign(carried_percent=near.carried_percent, gap_points=others.share_percent - near.carried_percent)


def carino(parts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Link contributions of consecutive periods so that they add up to the compounded return (Carino 1999).

    ``sum_t k_t c_it / K`` with ``k_t = ln(1 + R_t) / R_t`` and K the same of the compounded R; both are 1 where the
    return is 0. (Combining Attribution Effects over Time, Journal of Performance Measurement 3(4), 5-14.)

    Parameters
    ----------
    parts : array, shape (periods, holders)
        Contribution of each holder to each period's return; a row adds up to the period's total.
    totals : array, shape (periods,)
        Returns of the periods, as fractions above -1.

    Returns
    -------
    array, shape (holders,)

    Examples
    --------
    >>> carino([[0.1, 0.0], [0.0, 0.2]], [0.1, 0.2]).round(4)  # 1.1 * 1.2 - 1 = 0.32
    array([0.1099, 0.2101])
    """
    parts, totals = np.asarray(parts, float), np.asarray(totals, float)
    if not np.allclose(parts.sum(axis=1), totals, rtol=0, atol=1e-12) or (totals <= -1).any():
        raise ValueError("contributions add up to their period's return, which is above -1")
    whole = np.prod(1 + totals) - 1
    return (_log_ratio(totals)[:, None] * parts).sum(axis=0) / _log_ratio(np.array([whole]))[0]


def contributions(
    table: pd.DataFrame,
    levels: pd.DataFrame,
    members: list[str],
    index: str,
    start: str,
    end: str,
    relink: bool = True,
) -> pd.DataFrame | Unanswered:
    """Contribution of firms to the total return of an index, weight times return, linked over the snapshots.

    The weights of the last snapshot before the period are carried to its start, as in `carried_shares`; at each
    snapshot within the period a new weight begins. The sub-periods are linked by `carino`; the rest of the index takes
    what the firms leave, so that all add up to the return of the index.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    levels : DataFrame
        Total return indices, as ``returns.wide`` gives.
    members : list of str
    index : str
        Security that stands for the index.
    start, end : str
        ISO dates; the last trading day on or before each is meant.
    relink : bool
        Whether the snapshots within the period count; else the weights at its start are bought and held.

    Returns
    -------
    DataFrame or Unanswered
        One row a firm, and one for all others: firm, weight_percent (at the start), return_percent (missing for the
        others), contribution_points; ``attrs`` hold start, end and snapshots, the days of the weights. Unanswered when
        the period is not over, or no snapshot before it can be carried to its start.
    """
    if start >= end:
        return Unanswered(f"the period from {start} has not begun by the last trading day known")
    if levels.empty or pd.Timestamp(end) > levels.index[-1]:
        return Unanswered(f"the period {start} to {end} is not over by the last trading day known")
    begin, close = _close(levels, start), _close(levels, end)
    table = _reached(table, levels)
    before = table.index[table.index <= begin]
    if begin is None or before.empty:
        return Unanswered(f"no weights on or before {start} can be carried there by the return indices", NOT_CHECKABLE)
    within = table.index[(table.index > begin) & (table.index < close)] if relink else table.index[:0]
    days = [before[-1], *within]
    cuts = [begin, *(_close(levels, day) for day in within), close]
    held, weights = levels[[*members, index]], table[list(members)]
    parts, totals, first = [], [], None
    for day, left, right in zip(days, cuts[:-1], cuts[1:], strict=True):
        carried = held.loc[left] / held.loc[_close(levels, day)]
        growth = held.loc[right] / held.loc[left] - 1
        weight = weights.loc[day] / 100 * carried[list(members)] / carried[index]
        first = weight if first is None else first
        own = (weight * growth[list(members)]).to_numpy(float)
        parts.append([*own, growth[index] - own.sum()])
        totals.append(growth[index])
    if not np.isfinite(parts).all():
        return Unanswered(f"a firm has no price or no weight between {start} and {end}", NOT_CHECKABLE)
    whole = levels.loc[close, list(members)] / levels.loc[begin, list(members)] - 1
    out = pd.DataFrame(
        {
            "firm": [*members, OTHERS],
            "weight_percent": [*(100 * first), 100 * (1 - first.sum())],
            "return_percent": [*(100 * whole), np.nan],
            "contribution_points": 100 * carino(parts, totals),
        }
    )
    entered = rows_of(table).unlabel("row").select(security=members, date=days)
    closes = [*cuts, *(_close(levels, day) for day in days)]
    carry(out, entered, rows_of(levels).select(security=[*members, index], date=closes))
    out.attrs |= {"start": start, "end": end, "snapshots": [f"{day:%Y-%m-%d}" for day in days]}
    return out


def gains_share(parts: pd.DataFrame | Unanswered) -> Estimate | Unanswered:
    """Contribution of the named firms over the return of the index, in percent.

    Parameters
    ----------
    parts : DataFrame or Unanswered
        As `contributions` gives.

    Returns
    -------
    Estimate or Unanswered
        Percent; n is the number of firms. Unanswered when the index did not gain: a share of a loss is no share of
        gains.
    """
    if isinstance(parts, Unanswered):
        return parts
    total = parts.contribution_points.sum()
    if total <= 0:
        return Unanswered("the index did not gain over the period", NOT_CHECKABLE)
    own = parts[parts.firm != OTHERS]
    words = f"contributions linked after Carino, weights of {', '.join(parts.attrs['snapshots'])}"
    return exact(100 * own.contribution_points.sum() / total, "percent", len(own), words, partial(rows_of, parts))


def against_published(
    figures: pd.DataFrame,
    table: pd.DataFrame,
    levels: pd.DataFrame,
    names: dict[str, str],
    group: str,
    index: str,
) -> pd.DataFrame:
    """Set printed shares of an index return beside our own contributions over the same period.

    Parameters
    ----------
    figures : DataFrame
        One row a printed figure: metric, period_start, period_end, value, unit, source.
    table, levels, index
        As for `contributions`.
    names : dict of str to str
        Firm's name by its symbol.
    group : str
        Name of all these firms together in ``metric``.

    Returns
    -------
    DataFrame
        One row a printed figure: subject, period_start, period_end, printed_percent, ours_percent (missing where the
        period cannot be asked for), source.
    """
    metric = figures.metric.str.extract(r"^(?P<subject>.+) share of S&P 500 (?:total )?return$")
    printed = figures.assign(subject=metric.subject)[metric.subject.isin([group, *names.values()])]
    ours = []
    for row in printed.itertuples():
        period = f"{row.period_start:%Y-%m-%d}", f"{row.period_end:%Y-%m-%d}"
        parts = contributions(table, levels, list(names), index, *period)
        if isinstance(parts, Unanswered):
            ours.append(np.nan)
            continue
        own = parts[parts.firm.map(names).eq(row.subject) | ((parts.firm != OTHERS) & (row.subject == group))]
        ours.append(100 * own.contribution_points.sum() / parts.contribution_points.sum())
    out = printed.rename(columns={"value": "printed_percent"}).assign(ours_percent=np.array(ours, float))
    names = ["subject", "period_start", "period_end", "printed_percent", "ours_percent", "source"]
    return out[names].reset_index(drop=True)


def shapley(before: pd.Series, after: pd.Series, players: list[str]) -> pd.Series:
    """Split the change of the Herfindahl index among firms and the rest.

    Exact, as proposed by Shorrocks (2013, doi 10.1007/s10888-011-9214-z). A player moves when its weight goes from
    before to after; all weights are then scaled to add up to one again. Its part is the mean of what its move changes,
    over all orders in which the players may move: the Shapley value, had from all coalitions S as
    ``sum_S |S|! (n - |S| - 1)! / n! (H(S + i) - H(S))``. A firm that kept pace with the index has no part. Without
    the scaling the parts would be mere differences of squared weights, blind to whom a firm gained its weight from.

    Parameters
    ----------
    before, after : Series
        Weights by firm in any unit; missing ones count as nothing.
    players : list of str
        Firms that move alone, at most 12; the others move together.

    Returns
    -------
    Series
        Points of the index on the 10,000 scale, by player and `OTHERS`; they add up to the change.

    Examples
    --------
    >>> parts = shapley(pd.Series({"A": 50, "B": 50}), pd.Series({"A": 60, "B": 40}), ["A"])
    >>> parts.round(1).to_dict()  # from 5,000 to 5,200
    {'A': 89.8, 'Other firms': 110.2}
    """
    if len(players) > 12:
        raise ValueError(f"{len(players)} players are too many for an exact answer")
    moves = pd.DataFrame({"before": before, "after": after}).fillna(0.0)
    moves = moves / moves.sum()
    rest = moves.drop(index=players)
    own = moves.loc[list(players)].to_numpy()
    sums = np.vstack([own, rest.sum()])
    squares = np.vstack([own**2, (rest**2).sum()])
    n = len(sums)
    moved = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    total = sums[:, 0].sum() + moved @ (sums[:, 1] - sums[:, 0])
    value = 10_000 * (squares[:, 0].sum() + moved @ (squares[:, 1] - squares[:, 0])) / total**2
    parts = []
    for player in range(n):
        without = np.flatnonzero(moved[:, player] == 0)
        size = moved[without].sum(axis=1)
        chance = np.array([math.factorial(s) * math.factorial(n - s - 1) / math.factorial(n) for s in range(n)])
        parts.append(float(chance[size] @ (value[without + 2**player] - value[without])))
    return pd.Series(parts, index=[*players, OTHERS])


def shapley_table(table: pd.DataFrame, days: list[str], members: list[str], names: dict[str, str]) -> pd.DataFrame:
    """Tabulate `shapley` between the snapshots of some days.

    Parameters
    ----------
    table : DataFrame
        As `snapshots` gives.
    days : list of str
        ISO dates in order; the last snapshot on or before each is meant, and one that comes twice counts once.
    members : list of str
    names : dict of str to str
        Firm's name by its symbol.

    Returns
    -------
    DataFrame
        One row a firm, then the others and the whole: firm, and points of the Herfindahl index for each step, named by
        its ends. Empty where there are not two snapshots.
    """
    stops = [table.index[table.index <= pd.Timestamp(day)] for day in days]
    stops = list(dict.fromkeys(held[-1] for held in stops if len(held)))
    steps = {
        f"{left:%Y-%m-%d} to {right:%Y-%m-%d}": shapley(table.loc[left], table.loc[right], members)
        for left, right in itertools.pairwise(stops)
    }
    if not steps:
        return pd.DataFrame(columns=["firm"])
    parts = pd.DataFrame(steps)
    parts.loc["S&P 500"] = parts.sum()
    return parts.rename(index=names).rename_axis("firm").reset_index()


def rebased(levels: pd.DataFrame, holdings: dict, base: str) -> pd.DataFrame | Unanswered:
    """Value of portfolios bought for 100 at the close of a day and held.

    Parameters
    ----------
    levels : DataFrame
        Total return indices, as ``returns.wide`` gives.
    holdings : dict of str to (Series or Unanswered)
        By the portfolio's name, weights by security at the base, adding up to 1; unanswered ones are left out.
    base : str
        Trading day, ISO.

    Returns
    -------
    DataFrame or Unanswered
        One row a portfolio and trading day: portfolio, date, value. Unanswered until a later day is known.
    """
    path = levels.loc[base:]
    if len(path) < 2:
        return Unanswered(f"no trading day after {base} is known yet")
    values = {
        name: 100 * (path[list(weights.index)] / path[list(weights.index)].iloc[0]) @ weights
        for name, weights in holdings.items()
        if isinstance(weights, pd.Series)
    }
    if not values:
        return Unanswered(f"no portfolio has weights on {base}")
    table = pd.DataFrame(values).rename_axis(columns="portfolio").unstack().rename("value").dropna()
    return table.reset_index()


def usual_moves(
    levels: pd.DataFrame, security: str, start: str, end: str, bar: float | None = None
) -> Estimate | Unanswered:
    """Share of earlier periods of the same length in which a security returned less than a bar.

    All overlapping periods of as many trading days that end by ``start``. They overlap, so they are far fewer
    independent ones; the figure describes and tests nothing.

    Parameters
    ----------
    levels : DataFrame
        Total return indices, as ``returns.wide`` gives.
    security : str
    start, end : str
        Trading days, ISO, of the period whose move is judged.
    bar : float, optional
        Return in percent; the security's own over the period, where it is left out.

    Returns
    -------
    Estimate or Unanswered
        Percent of periods.
    """
    path = levels[security].dropna() if security in levels else pd.Series(dtype=float)
    if path.empty or pd.Timestamp(end) > path.index[-1]:
        return Unanswered(f"the period {start} to {end} is not over by the last trading day known")
    length = len(path.loc[start:end]) - 1
    earlier = 100 * path.loc[:start].pct_change(length).dropna()
    if earlier.empty:
        return Unanswered(f"no period of {length} trading days ends by {start}", NOT_CHECKABLE)
    bar = 100 * (path.loc[end] / path.loc[start] - 1) if bar is None else bar
    words = f"overlapping periods of {length} trading days to {start} in which {security} returned less than {bar:.3g}%"
    rows = rows_of(levels).select(security=[security], date=lambda date: date <= end)
    return exact(100 * float((earlier < bar).mean()), "percent", len(earlier), words, rows)


def _shares(weights):
    values = np.asarray(weights, float)
    values = values[~np.isnan(values) & (values != 0)]
    if not len(values) or (values < 0).any() or np.isinf(values).any():
        raise ValueError("weights are finite, not negative, and at least one is positive")
    return values / values.sum()


def _carried_cap(caps, levels, member, day):
    own = caps[caps.date <= day]
    if own.empty or member not in levels:
        return math.nan
    then = levels[member].loc[: own.date.iloc[-1]].dropna()
    return own.market_cap_usd.iloc[-1] * levels[member].loc[:day].iloc[-1] / then.iloc[-1] if len(then) else math.nan


def _cap_rows(caps, levels, own, total, close, day):
    """Rows behind the weights of one day: the total, each member's last cap, and the levels that carry it."""
    rows = rows_of(caps[(caps.security == total) & (caps.date == day)]).unlabel("security")
    for member, known in own.items():
        last = known[known.date <= day].iloc[-1:]
        then = levels[member].loc[: last.date.iloc[-1]].dropna().index[-1]
        rows |= rows_of(last, rows_of(levels).select(security=[member], date=[then, close]))
    return rows.relabel(row=close, date=close)


def _repeated(rows, labels):
    """Rows that enter every one of some rows of a derived table."""
    parts = []
    for part in rows.parts:
        repeated = part[[]].loc[part.index.repeat(len(labels))].assign(row=np.tile(labels, len(part)))
        repeated.attrs = {"table": part.attrs["table"]}
        parts.append(repeated)
    return Rows(parts)


def _reached(table, levels):
    """Snapshots that the return indices can carry forward."""
    return table[table.index >= levels.index[0]] if len(levels) else table.iloc[:0]


def _close(levels, day):
    """Last trading day on or before a day; None before the first."""
    place = levels.index.searchsorted(pd.Timestamp(day), side="right")
    return levels.index[place - 1] if place else None


def _log_ratio(returns):
    """``ln(1 + r) / r``, and its limit 1 where r is 0."""
    safe = np.where(returns == 0, 1.0, returns)
    return np.where(returns == 0, 1.0, np.log1p(returns) / safe)
