"""Returns of securities and portfolios over a period: buy and hold, dividends reinvested."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from helpers.inference import Estimate, Unanswered, clustered_share, exact
from helpers.rows import carry, rows_of


@dataclass(frozen=True)
class Portfolio:
    """A fund, or shares held together.

    Parameters
    ----------
    name : str
        Name to print.
    members : tuple of str
        Symbols of its securities, at least one.
    weights : str
        ``market cap``, ``equal`` or ``own``, at the start of the period; of no effect for a single member. Weights of
        one's own are passed in place of the market caps.

    Raises
    ------
    ValueError
        If there is no member, one stands twice, or the weights are of no known kind.
    """

    name: str
    members: tuple
    weights: str = "equal"

    def __post_init__(self):
        object.__setattr__(self, "members", tuple(self.members))
        if not self.members or len(set(self.members)) < len(self.members):
            raise ValueError(f"{self.name} needs members, each once, not {self.members}")
        if self.weights not in ("market cap", "equal", "own"):
            raise ValueError(f"{self.name}: weights are 'market cap', 'equal' or 'own', not {self.weights!r}")

    @property
    def definition(self) -> str:
        """What is held, in words."""
        if len(self.members) == 1:
            return self.members[0]
        return f"{', '.join(self.members)}, {self.weights}-weighted".replace("market cap-", "market-cap-")


def equal_by_group(groups: dict[str, list[str]]) -> pd.Series:
    """Weights that give every group the same share, and within it every member.

    Parameters
    ----------
    groups : dict of str to list of str
        Securities by group; none is in two.

    Returns
    -------
    Series
        Index security; not scaled.

    Examples
    --------
    >>> equal_by_group({"chips": ["A", "B"], "power": ["C"]}).to_dict()
    {'A': 0.5, 'B': 0.5, 'C': 1.0}
    """
    return pd.Series({name: 1 / len(members) for members in groups.values() for name in members})


def wide(indices: pd.DataFrame) -> pd.DataFrame:
    """Spread total return indices: one row a trading day, one column a security.

    Parameters
    ----------
    indices : DataFrame
        One row a security and trading day: security, date, total_return_index (first day = 100).

    Returns
    -------
    DataFrame
        Index date, sorted; a cell is missing where a security was not yet, or no longer, held.
    """
    return carry(indices.pivot(index="date", columns="security", values="total_return_index").sort_index(), indices)


def daily_returns(indices: pd.DataFrame) -> pd.DataFrame:
    """Compute simple daily returns, ``index(t) / index(t - 1) - 1``, as fractions.

    Parameters
    ----------
    indices : DataFrame
        As for `wide`.

    Returns
    -------
    DataFrame
        Index date, from the second trading day on; one column a security. A missing day is never bridged: it leaves
        two returns missing.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-01-02", "2025-01-03"])
    >>> rows = pd.DataFrame({"security": "A", "date": days, "total_return_index": [100.0, 98.0]})
    >>> print(f"{daily_returns(rows).iloc[0, 0]:.4f}")
    -0.0200
    """
    return carry(wide(indices).pct_change(fill_method=None).iloc[1:], indices)


def last_trading_day(indices: pd.DataFrame, before: int = 0) -> str | None:
    """Newest trading day of the rows passed in, or one some trading days before it, as an ISO date; None before all."""
    days = np.unique(indices.date.to_numpy())
    return f"{pd.Timestamp(days[-1 - before]):%Y-%m-%d}" if len(days) > before else None


def trading_day(indices: pd.DataFrame, day: str, steps: int) -> str | None:
    """Trading day some steps after a day, or before it where they are negative, as an ISO date; None beyond the rows.

    Parameters
    ----------
    indices : DataFrame
        One row a security and trading day: date.
    day : str
        Trading day, ISO.
    steps : int
    """
    days = pd.DatetimeIndex(np.unique(indices.date.to_numpy()))
    place = days.get_indexer([pd.Timestamp(day)])[0] + steps
    return f"{days[place]:%Y-%m-%d}" if pd.Timestamp(day) in days and 0 <= place < len(days) else None


def start_weights(levels: pd.DataFrame, caps: pd.DataFrame, portfolio: Portfolio, start: str) -> pd.Series | Unanswered:
    """Weights of a portfolio's members at the start of a period.

    A market cap is carried from its last date on or before ``start`` to ``start`` by the member's own return index:
    ``cap(start) = cap(d) * index(start) / index(d)``.

    Parameters
    ----------
    levels : DataFrame
        As `wide` gives.
    caps : DataFrame
        One row an entity and date: security, date, market_cap_usd.
    portfolio : Portfolio
    start : str
        Trading day, ISO.

    Returns
    -------
    Series or Unanswered
        Index member, summing to 1.
    """
    members = list(portfolio.members)
    if portfolio.weights == "equal" or len(members) == 1:
        return pd.Series(1 / len(members), index=members)
    day, carried = pd.Timestamp(start), {}
    if levels.empty or day > levels.index[-1]:
        return Unanswered(f"{start} is later than the last trading day known")
    known = caps[caps.security.isin(members)].sort_values("date", kind="stable")
    columns = (known.security.to_list(), known.date.to_numpy(), known.market_cap_usd.to_list())
    # of several dates the last one stays
    newest = {name: (date, cap) for name, date, cap in zip(*columns, strict=True) if date <= day}
    for member in members:
        if member not in newest:
            return Unanswered(f"no market capitalisation of {member} is known on or before {start}")
        date, cap = newest[member]
        level = levels[member].to_numpy()
        held = level[: levels.index.searchsorted(date, side="right")]
        held = held[~np.isnan(held)]
        if not len(held):
            return Unanswered(f"the market capitalisation of {member} is older than its return index")
        carried[member] = cap * level[levels.index.get_loc(day)] / held[-1]
    weights = pd.Series(carried)
    return weights / weights.sum()


def holding_period_return(
    indices: pd.DataFrame, caps: pd.DataFrame, portfolio: Portfolio, start: str, end: str
) -> Estimate | Unanswered:
    """Total return of a portfolio, bought at the close of ``start`` and held to the close of ``end``.

    ``sum_i w_i(start) * (index_i(end) / index_i(start) - 1)``, in percent. Arithmetic on published closes: exact.

    Parameters
    ----------
    indices : DataFrame
        One row a security and trading day: security, date, total_return_index.
    caps : DataFrame
        One row an entity and date: security, date, market_cap_usd; used for market-cap weights only.
    portfolio : Portfolio
    start, end : str
        Trading days, ISO, ``start`` before ``end``.

    Returns
    -------
    Estimate or Unanswered
        Percent; n is the number of members. Unanswered when the period reaches beyond the rows passed in, or a
        member has no price on one of its ends.

    Raises
    ------
    ValueError
        If an end of the period is no trading day of the rows, the period is empty or a member is unknown.

    Examples
    --------
    >>> days = pd.to_datetime(["2025-01-02", "2025-01-03"])
    >>> rows = pd.DataFrame({"security": "A", "date": days, "total_return_index": [100.0, 97.5]})
    >>> print(holding_period_return(rows, rows.iloc[:0], Portfolio("A", ("A",)), "2025-01-02", "2025-01-03"))
    −2.5 percent (n = 1; exact: buy and hold of A, 2025-01-02 to 2025-01-03)
    """
    return _held_return(_levels(indices, portfolio.members), indices, caps, portfolio, start, end)


def excess(found: Estimate | Unanswered, benchmark: Estimate | Unanswered) -> Estimate | Unanswered:
    """Return of one portfolio less that of another over the same period, in percentage points."""
    for part in (found, benchmark):
        if isinstance(part, Unanswered):
            return part
    method = f"{found.method.removeprefix('exact: ')}, less {benchmark.method.removeprefix('exact: ')}"
    value, n = found.value - benchmark.value, found.n + benchmark.n
    return exact(value, "percentage points", n, method, partial(rows_of, found, benchmark))


def excess_since(
    indices: pd.DataFrame, caps: pd.DataFrame, portfolio: Portfolio, benchmark: Portfolio, start: str, end: str | None
) -> Estimate | Unanswered:
    """Return of a portfolio less that of a benchmark, from a day to a later one that may not be known yet.

    Parameters
    ----------
    indices, caps
        As for `holding_period_return`.
    portfolio, benchmark : Portfolio
    start : str
        Trading day, ISO.
    end : str or None
        Trading day, ISO, as `last_trading_day` gives it.

    Returns
    -------
    Estimate or Unanswered
        Percentage points. Unanswered until a day later than ``start`` is known.
    """
    if end is None or end <= start:
        return Unanswered(f"the period from {start} on is not long enough yet")
    levels = _levels(indices, [*portfolio.members, *benchmark.members])
    return excess(*(_held_return(levels, indices, caps, one, start, end) for one in (portfolio, benchmark)))


def vendor_differences(checks: pd.DataFrame) -> pd.DataFrame:
    """Compare the returns that two vendors' prices imply between one checked day and the next.

    Levels may differ, for vendors adjust for dividends and splits at different times; returns should not.

    Parameters
    ----------
    checks : DataFrame
        One row a price of a security and day from two vendors: security, date, kind, vendor, price, check_vendor,
        check_price, independent.

    Returns
    -------
    DataFrame
        One row a security, kind, pair of vendors and pair of following days: security, kind, vendor, check_vendor,
        independent, start, end, return_percent, check_return_percent, difference (percentage points, absolute).
    """
    key = ["security", "kind", "vendor", "check_vendor"]
    rows = checks.sort_values([*key, "date"], kind="stable")
    before = rows.groupby(key)[["date", "price", "check_price"]].shift()
    out = rows[[*key, "independent"]].assign(
        start=before.date,
        end=rows.date,
        return_percent=100 * (rows.price / before.price - 1),
        check_return_percent=100 * (rows.check_price / before.check_price - 1),
    )
    out = out.dropna(subset="start")
    earlier = rows.assign(place=rows.index).groupby(key).place.shift()[out.index].astype("int64")
    sources = [checks.loc[places, []].assign(row=range(len(out))) for places in (out.index, earlier)]
    out = out.reset_index(drop=True)
    return carry(out.assign(difference=(out.return_percent - out.check_return_percent).abs()), *sources)


def vendor_agreement(
    differences: pd.DataFrame, tolerance: float, draws: int, seed: np.random.SeedSequence, which: str = "independent"
) -> Estimate | Unanswered:
    """Share of checked returns on which two vendors agree, with an interval that resamples securities.

    Parameters
    ----------
    differences : DataFrame
        As `vendor_differences` gives: security, kind, independent, difference (percentage points).
    tolerance : float
        Percentage points by which two returns that agree may differ.
    draws, seed
        As for `helpers.inference.clustered_share`.
    which : str
        ``independent`` vendors alone, of these the ``closes`` alone, or ``all`` checks.

    Returns
    -------
    Estimate or Unanswered
        Share; n is the number of returns.
    """
    if which not in ("independent", "closes", "all"):
        raise ValueError(f"checks are 'independent', 'closes' or 'all', not {which!r}")
    chosen = differences if which == "all" else differences[differences.independent]
    chosen = chosen[chosen.kind == "close"] if which == "closes" else chosen
    if chosen.empty:
        return Unanswered("no price check was known yet")
    within, rows = chosen.difference <= tolerance, partial(rows_of, chosen)
    return clustered_share(within, chosen.security, "share", "bootstrap by security", draws, seed, rows)


def returns_table(
    indices: pd.DataFrame, caps: pd.DataFrame, portfolios: list[Portfolio], periods: dict[str, tuple[str, str]]
) -> pd.DataFrame:
    """Tabulate the returns of several portfolios over several periods.

    Parameters
    ----------
    indices, caps
        As for `holding_period_return`.
    portfolios : list of Portfolio
    periods : dict of str to (str, str)
        Start and end by the period's name.

    Returns
    -------
    DataFrame
        One row a portfolio and period: portfolio, definition, members (count), period, start, end, return_percent
        (missing where not answered), found (the Estimate or Unanswered).
    """
    rows, levels = [], _levels(indices, [member for portfolio in portfolios for member in portfolio.members])
    for portfolio in portfolios:
        own = levels[[member for member in portfolio.members if member in levels]]
        for period, (start, end) in periods.items():
            found = _held_return(own, indices, caps, portfolio, start, end)
            value = found.value if isinstance(found, Estimate) else np.nan
            count = len(portfolio.members)
            rows.append((portfolio.name, portfolio.definition, count, period, start, end, value, found))
    names = ["portfolio", "definition", "members", "period", "start", "end", "return_percent", "found"]
    return pd.DataFrame(rows, columns=names)


def composite_index(
    indices: pd.DataFrame, caps: pd.DataFrame, portfolio: Portfolio, start: str
) -> pd.Series | Unanswered:
    """Level of a portfolio whose weights are those of one day, the same number of shares held before and after it.

    ``sum_i w_i(start) * index_i(t) / index_i(start)``, so that the level is 1 at the close of ``start``.

    Parameters
    ----------
    indices, caps
        As for `holding_period_return`.
    portfolio : Portfolio
    start : str
        Trading day, ISO.

    Returns
    -------
    Series or Unanswered
        Index date, over all days held; missing where a member has no price. Unanswered before ``start`` is known.

    Raises
    ------
    ValueError
        If ``start`` is no trading day of the rows.
    """
    levels = _levels(indices, portfolio.members)
    if levels.empty or pd.Timestamp(start) > levels.index[-1]:
        return Unanswered(f"{start} is later than the last trading day known")
    weights = _unpriced(levels, portfolio, [start]) or start_weights(levels, caps, portfolio, start)
    if isinstance(weights, Unanswered):
        return weights
    held = levels[weights.index]
    path = (held / held.loc[start]).mul(weights).sum(axis=1, skipna=False).rename(portfolio.name)
    members = rows_of(indices).select(security=portfolio.members)
    # whatever days are selected later, the weights rest on those of the start
    return carry(path, members, _start_rows(indices, caps, portfolio, [start]).unlabel("date"))


def with_portfolios(daily: pd.DataFrame, levels: dict[str, pd.Series | Unanswered]) -> pd.DataFrame:
    """Add the daily returns of portfolios to those of securities.

    Parameters
    ----------
    daily : DataFrame
        As `daily_returns` gives.
    levels : dict of str to (Series or Unanswered)
        As `composite_index` gives, by the name of the new column; those not answered are left out.

    Returns
    -------
    DataFrame
    """
    held = {name: level for name, level in levels.items() if isinstance(level, pd.Series)}
    out = daily.assign(**{name: level.pct_change(fill_method=None).iloc[1:] for name, level in held.items()})
    return carry(out, daily, *(rows_of(level).relabel(security=name) for name, level in held.items()))


def price_weights(prices: pd.DataFrame) -> pd.DataFrame:
    """Put closing prices into the shape of market caps: with one share each, cap weights are price weights.

    Parameters
    ----------
    prices : DataFrame
        One row a security, day, kind and check: security, date, kind, price (USD).

    Returns
    -------
    DataFrame
        One row a security and day with a plain close: security, date, market_cap_usd.
    """
    closes = prices[prices.kind == "close"].drop_duplicates(["security", "date"])
    return closes[["security", "date", "price"]].rename(columns={"price": "market_cap_usd"})


def wealth_paths(
    indices: pd.DataFrame, caps: pd.DataFrame, portfolios: list[Portfolio], start: str
) -> pd.DataFrame | Unanswered:
    """Wealth of portfolios bought at the close of a day, and how far each is below its own peak since.

    ``drawdown(t) = wealth(t) / max(wealth(s), s <= t) - 1``, in percent.

    Parameters
    ----------
    indices, caps
        As for `holding_period_return`.
    portfolios : list of Portfolio
    start : str
        Trading day, ISO.

    Returns
    -------
    DataFrame or Unanswered
        One row a portfolio and day: portfolio, date, wealth (start = 100), drawdown_percent. Unanswered until a day
        later than ``start`` is known, or where a portfolio has no price or weight.
    """
    found = [composite_index(indices, caps, portfolio, start) for portfolio in portfolios]
    for path in found:
        if isinstance(path, Unanswered):
            return path
    wealth = 100 * pd.concat(found, axis=1).loc[start:]
    if len(wealth) < 2:
        return Unanswered(f"no trading day after {start} is known yet")
    long = wealth.rename_axis("portfolio", axis=1).stack().rename("wealth").reset_index()
    peak = long.groupby("portfolio").wealth.cummax()
    order = {portfolio.name: place for place, portfolio in enumerate(portfolios)}
    rows = long.assign(drawdown_percent=100 * (long.wealth / peak - 1))[
        ["portfolio", "date", "wealth", "drawdown_percent"]
    ]
    return rows.sort_values("portfolio", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def _held_return(levels, indices, caps, portfolio, start, end):
    if start >= end:
        raise ValueError(f"the period {start} to {end} is empty")
    for day in (start, end):
        if levels.empty or pd.Timestamp(day) > levels.index[-1]:
            return Unanswered(f"the period {start} to {end} is not over by the last trading day known")
    weights = _unpriced(levels, portfolio, [start, end]) or start_weights(levels, caps, portfolio, start)
    if isinstance(weights, Unanswered):
        return weights
    first, last = (levels.index.get_loc(pd.Timestamp(day)) for day in (start, end))
    held = levels[weights.index].to_numpy()
    growth = held[last] / held[first] - 1
    value = 100 * float(np.dot(weights, growth))
    method = f"buy and hold of {portfolio.definition}, {start} to {end}"
    rows = partial(_start_rows, indices, caps, portfolio, [start, end])
    return exact(value, "percent", len(weights), method, rows)


def _start_rows(indices, caps, portfolio, days):
    """Levels of the members on some days, and what their weights at the first of them rest on."""
    ends = indices[indices.date.isin(pd.to_datetime(days))]
    rows = rows_of(ends[ends.security.isin(portfolio.members)])
    if portfolio.weights == "equal" or len(portfolio.members) == 1:
        return rows
    own = indices[indices.security.isin(portfolio.members)]
    known = caps[caps.security.isin(portfolio.members) & (caps.date <= days[0])]
    last = known.sort_values("date", kind="stable").drop_duplicates("security", keep="last")
    # a cap is carried from the last level up to its date
    until = own.security.map(dict(zip(last.security, last.date, strict=True)))
    anchors = own.loc[own[own.date <= until].groupby("security").date.idxmax()]
    return rows | rows_of(anchors, last)


def _levels(indices, members):
    """Spread indices of some securities over all trading days of the rows: as `wide`, at a fraction of the cost."""
    held = indices[indices.security.isin(members)]
    return wide(held).reindex(pd.DatetimeIndex(indices.date.unique(), name="date").sort_values())


def _unpriced(levels, portfolio, days):
    """Tell of a member without a price on one of some days, none later than the last held; refuse closed days."""
    places = levels.index.get_indexer(pd.DatetimeIndex(days))
    for day, place in zip(days, places, strict=True):
        if place < 0:
            before = levels.index[levels.index < pd.Timestamp(day)]
            hint = f"; the last one before is {before[-1]:%Y-%m-%d}" if len(before) else ""
            raise ValueError(f"{day} is not a trading day of the rows held{hint}")
    priced = levels.columns[pd.notna(levels.to_numpy()[places]).all(axis=0)]
    for member in portfolio.members:
        if member not in priced:
            return Unanswered(f"{member} has no price on {' or '.join(days)}")
    return None
