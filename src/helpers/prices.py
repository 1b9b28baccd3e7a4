"""Prices of language models: list prices by tier, the cheapest price at a level of quality, hedonic index, demand."""

import functools
from collections.abc import Iterable
from functools import partial
from zlib import crc32

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.tools import add_constant

from helpers.inference import CLOSED_FORM, NOT_CHECKABLE, RESAMPLED, Estimate, Unanswered, exact
from helpers.rows import Rows, carry, joined, rows_of

YEAR = 365.25
UNIT = "percent a year"
# three tokens read for each one written, the blend of Artificial Analysis and Epoch
_READ = 0.75
_HALF = stats.norm.ppf(0.975)


def yearly_percent(logs: float | np.ndarray) -> float | np.ndarray:
    """Turn a change in log points a year into percent a year.

    Examples
    --------
    >>> round(float(yearly_percent(np.log(0.25))), 6)
    -75.0
    """
    return 100 * np.expm1(logs)


def decline_factor(percent: float) -> float:
    """Turn a change in percent a year into the factor by which a price falls in a year.

    Examples
    --------
    >>> decline_factor(-75.0), decline_factor(0.0)
    (4.0, 1.0)
    """
    return 1 / (1 + percent / 100) if percent > -100 else float("inf")


def usd_per_mtok(prices: pd.DataFrame, kind: str = "output") -> pd.Series:
    """Price of a kind of token: ``output``, ``input``, or ``blended``, three read for each one written.

    Parameters
    ----------
    prices : DataFrame
        One row a price: input_usd_per_mtok, output_usd_per_mtok.
    kind : str

    Returns
    -------
    Series
        USD per million tokens.
    """
    if kind not in ("output", "input", "blended"):
        raise ValueError(f"a price is that of 'output', 'input' or 'blended' tokens, not {kind!r}")
    if kind == "blended":
        return _READ * prices.input_usd_per_mtok + (1 - _READ) * prices.output_usd_per_mtok
    return prices[f"{kind}_usd_per_mtok"]


def tier_path(listed: pd.DataFrame, tier: str, kind: str = "output") -> pd.DataFrame:
    """Price of a seller's tier over time: that of the model of the tier which was priced last.

    Parameters
    ----------
    listed : DataFrame
        One row a model and day from which a price holds: effective_date, model, tier, input_usd_per_mtok,
        output_usd_per_mtok, date_basis.
    tier : str
    kind : str
        As for `usd_per_mtok`.

    Returns
    -------
    DataFrame
        One row a price: date, price_usd, model, how (the day is known: launch, cut, ...); sorted by date.
    """
    rows = listed[listed.tier == tier].sort_values("effective_date", kind="stable")
    out = pd.DataFrame({"date": rows.effective_date, "price_usd": usd_per_mtok(rows, kind), "model": rows.model})
    return carry(out.assign(how=rows.date_basis).reset_index(drop=True), rows.assign(row=range(len(rows))))


def since(path: pd.DataFrame | Unanswered, day: str) -> pd.DataFrame | Unanswered:
    """Begin a step path of prices on a day, at the price then in force.

    Parameters
    ----------
    path : DataFrame or Unanswered
        One row a price: date, and what else there is; sorted by date.
    day : str
        ISO date; a path that begins later stays as it is.

    Returns
    -------
    DataFrame or Unanswered

    Examples
    --------
    >>> steps = pd.DataFrame({"date": pd.to_datetime(["2023-01-01", "2024-01-01"]), "price_usd": [60.0, 30.0]})
    >>> since(steps, "2023-07-01").date.dt.strftime("%Y-%m-%d").tolist()
    ['2023-07-01', '2024-01-01']
    """
    if isinstance(path, Unanswered):
        return path
    first = pd.Timestamp(day)
    in_force = path[path.date <= first].tail(1).assign(date=first)
    return carry(pd.concat([in_force, path[path.date > first]], ignore_index=True), rows_of(path).unlabel("row"))


def new_prices(listed: pd.DataFrame, marked: str) -> pd.DataFrame:
    """List the new prices that a seller gave to models in place, which is rarer than a new model at a new price.

    Parameters
    ----------
    listed : DataFrame
        As for `tier_path`.
    marked : str
        ISO date from which days are counted.

    Returns
    -------
    DataFrame
        One row a new price: date, model, tier, before_usd, after_usd (per million output tokens), how, days_since
        the marked day (negative before it).
    """
    rows = listed.sort_values("effective_date", kind="stable")
    rows = rows.assign(before_usd=rows.groupby("model").output_usd_per_mtok.shift(), how=rows.date_basis)
    rows = rows.rename(columns={"effective_date": "date", "output_usd_per_mtok": "after_usd"})
    rows = rows[rows.before_usd.notna() & (rows.before_usd != rows.after_usd)]
    rows = rows.assign(days_since=(rows.date - pd.Timestamp(marked)).dt.days)
    return rows[["date", "model", "tier", "before_usd", "after_usd", "how", "days_since"]].reset_index(drop=True)


def path_change(path: pd.DataFrame, start: str, end: str, as_of: str, what: str, how: str = "ends") -> Estimate:
    """Yearly change of a known step path of prices over a period.

    Parameters
    ----------
    path : DataFrame
        One row a price: date, price_usd.
    start, end : str
        ISO dates. A path that begins later than ``start`` counts from its own first day.
    as_of : str
        Edition; a period that is not over by then is not answered.
    what : str
        Whose price, to print.
    how : str
        ``ends``: ``(p_end / p_start)^(1 / years) - 1``. ``slope``: least squares of the log price on time over all
        days. ``fit``: the same over the listed prices alone, with Student's interval, as if they were a sample.

    Returns
    -------
    Estimate or Unanswered
        Percent a year; n is the number of prices in the period. A price list carries no sampling error, so ``ends``
        and ``slope`` are exact.

    Examples
    --------
    >>> steps = pd.DataFrame({"date": pd.to_datetime(["2023-01-01", "2024-01-01"]), "price_usd": [60.0, 30.0]})
    >>> round(path_change(steps, "2023-01-01", "2024-12-31", "2025-01-01", "a list price").value, 2)
    -29.31
    """
    if how not in ("ends", "slope", "fit"):
        raise ValueError(f"a change is had from the 'ends', the 'slope' or the 'fit', not {how!r}")
    if as_of < end:
        return Unanswered(f"the period to {end} is not over by the as-of date")
    if start >= end:
        return Unanswered(f"the period from {start} has not begun")
    last = pd.Timestamp(end)
    held = path[path.date <= last].sort_values("date", kind="stable")
    first = max(pd.Timestamp(start), held.date.min()) if len(held) else last
    if first >= last:
        return Unanswered(f"{what}: no price is known before {end}", NOT_CHECKABLE)
    before = held[held.date <= first].tail(1).assign(date=first)
    held = pd.concat([before, held[held.date > first]]).drop_duplicates("date", keep="last")
    span, logs, days = f"{first:%Y-%m-%d} to {end}", np.log(held.price_usd.to_numpy(float)), held.date.to_numpy()
    entered = partial(rows_of, path.loc[held.index])
    if how == "fit":
        return _line(days, logs, f"{what}, least squares over the listed prices, {span}", entered)
    # from the first price on: an unmoved price must give exactly nothing
    slope = float(_weights(days, last, how) @ (logs - logs[0]))
    words = {"ends": "first to last day", "slope": "least squares over all days"}[how]
    return exact(yearly_percent(slope), UNIT, len(held), f"{what}, {words}, {span}", entered)


def _line(days, logs, method, entered):
    """Percent a year from least squares on few points, with Student's interval."""
    if len(logs) < 3:
        return Unanswered(f"{len(logs)} prices give a line no error", NOT_CHECKABLE)
    fitted = OLS(logs, add_constant(_years(days, days[0]))).fit()
    low, high = yearly_percent(fitted.conf_int()[1])
    return Estimate(yearly_percent(fitted.params[1]), low, high, UNIT, len(logs), method, CLOSED_FORM, entered)


def _years(days, origin):
    return (np.asarray(days, "datetime64[D]") - np.datetime64(origin, "D")).astype(float) / YEAR


def _weights(days, last, how):
    """Weights that turn the log prices which hold from each day on into a change in log points a year."""
    span = (np.datetime64(last, "D") - np.asarray(days, "datetime64[D]")).astype(int)
    if how == "ends":
        ends = np.zeros(len(span))
        ends[0] -= 1
        ends[-1] += 1
        return ends / (span[0] / YEAR)
    # every day counts once: sum the weights t - mean(t) of the days on which a price held
    time = np.arange(span[0] + 1) / YEAR
    time = time - time.mean()
    holds = np.searchsorted(-span, np.arange(-span[0], 1), side="right") - 1
    return np.bincount(holds, weights=time, minlength=len(span)) / (time**2).sum()


def on_board(board: pd.DataFrame | Unanswered, anchor: str, threshold: float | None = None) -> pd.DataFrame:
    """Margin of every model of a board over a level: that of a named model, or a score near it.

    Parameters
    ----------
    board : DataFrame or Unanswered
        One row a model: arena_key, score, error (points).
    anchor : str
        Arena key of the model that sets the level.
    threshold : float, optional
        Score of the level where it was stated; else the anchor's own.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: arena_key, margin (points above the level), error. Unanswered when the anchor is not there.
    """
    if isinstance(board, Unanswered):
        return board
    own = board[board.arena_key == anchor]
    if own.empty:
        return Unanswered(f"the board does not hold {anchor}", NOT_CHECKABLE)
    level = own.score.iloc[0] if threshold is None else threshold
    # every margin rests on the anchor's row too
    return carry(board[["arena_key", "error"]].assign(margin=board.score - level), board, rows_of(own).unlabel("row"))


def on_newest_boards(scores: pd.DataFrame, anchor: str) -> pd.DataFrame:
    """Margin of every model over a named one, on the newest board on which both stand.

    Scores are never compared across boards, whose scales differ; and a model that later boards dropped keeps the
    margin of its last one, so that survivors are not favoured.

    Parameters
    ----------
    scores : DataFrame
        One row a board and model, all with or all without style control: board_date, arena_key, score, score_low,
        score_high.
    anchor : str
        Arena key of the model that sets the level.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: arena_key, margin, error (points; missing where that board has no interval).
    """
    anchors = scores[scores.arena_key == anchor]
    if anchors.empty:
        return Unanswered(f"no board known holds {anchor}")
    joint = scores[scores.board_date.isin(anchors.board_date)].sort_values("board_date", kind="stable")
    newest = joint.drop_duplicates("arena_key", keep="last")
    newest = newest.assign(row=range(len(newest)))
    beside = anchors.loc[newest.board_date.map(dict(zip(anchors.board_date, anchors.index, strict=True)))]
    margin, error = (
        newest.score.to_numpy() - beside.score.to_numpy(),
        (newest.score_high - newest.score_low) / (2 * _HALF),
    )
    out = newest[["arena_key"]].assign(error=error, margin=margin).reset_index(drop=True)
    return carry(out, newest, beside.assign(row=range(len(newest))))


def offers(
    levels: pd.DataFrame | Unanswered,
    prices: pd.DataFrame,
    catalogue: pd.DataFrame,
    bases: Iterable[str],
    kind: str = "output",
    carried_back: bool = False,
    developer: str | None = None,
) -> pd.DataFrame | Unanswered:
    """Offers to sell: which model could be had at which price from which day.

    Parameters
    ----------
    levels : DataFrame or Unanswered
        One row a model: arena_key, margin, error, as `on_board` gives.
    prices : DataFrame
        One row a model and day from which a price is known to hold: arena_key, effective_date, input_usd_per_mtok,
        output_usd_per_mtok, price_basis.
    catalogue : DataFrame
        One row a model: arena_key, name, developer, release_date.
    bases : iterable of str
        Price bases that are accepted.
    kind : str
        As for `usd_per_mtok`.
    carried_back : bool
        Whether the first price known counts from the model's release. Else a price counts from the later of release
        and the first day on which it was seen, which may be months after the launch.
    developer : str, optional
        Only this maker's models.

    Returns
    -------
    DataFrame or Unanswered
        One row an offer: arena_key, name, developer, released, since, price_usd, margin, error; sorted by since and
        arena_key.
    """
    if isinstance(levels, Unanswered):
        return levels
    known = prices[prices.price_basis.isin(list(bases))]
    known = known[["arena_key", "effective_date"]].assign(price_usd=usd_per_mtok(known, kind))
    known = known.sort_values("effective_date", kind="stable")
    about = catalogue[["arena_key", "name", "developer", "release_date"]].rename(columns={"release_date": "released"})
    about = about if developer is None else about[about.developer == developer]
    for table in (about, levels):
        known = known.join(table.set_index("arena_key"), on="arena_key", how="inner", validate="m:1")
    if known.empty:
        return Unanswered("no model at the level has a known price yet")
    since = known[["released", "effective_date"]].max(axis=1)
    if carried_back:
        since = since.where(known.duplicated("arena_key"), known.released)
    # a model of unknown maker is a maker of its own
    known = known.assign(since=since, developer=known.developer.fillna(known.name))
    known = known.drop_duplicates(["arena_key", "since"], keep="last")
    names = ["arena_key", "name", "developer", "released", "since", "price_usd", "margin", "error"]
    known = known.sort_values(["since", "arena_key"], kind="stable")[names]
    sold, out = prices.loc[known.index, []].assign(row=range(len(known))), known.reset_index(drop=True)
    return carry(out, sold, joined(out, "arena_key", about, levels))


def coverage(
    table: pd.DataFrame | Unanswered, levels: pd.DataFrame | Unanswered, prices: pd.DataFrame, catalogue: pd.DataFrame
) -> str:
    """Say how many models of a board have an accepted price, and how late their prices were first seen.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `offers` gives.
    levels, prices, catalogue
        As for `offers`.
    """
    if isinstance(table, Unanswered):
        return f"No offer to look at: {table.reason}."
    first = table.drop_duplicates("arena_key")
    other = prices.arena_key.isin(levels.arena_key) & ~prices.arena_key.isin(first.arena_key)
    late = (first.since - first.released).dt.days
    proxies = catalogue.release_is_proxy & catalogue.arena_key.isin(first.arena_key)
    return (
        f"{len(first)} of the {len(levels)} models of the board have an accepted price, of "
        f"{first.developer.nunique()} developers; {prices.arena_key[other].nunique()} more have one of another kind. "
        f"{int((first.margin >= 0).sum())} are at the level. The first price was seen a median of {late.median():.0f} "
        f"days after release; for {int(proxies.sum())} the release is only the first day on the Arena."
    )


def _grid(table, days, records):
    """Price of each model on each day, shape (models, days), infinite before its first; and one row a model."""
    models = table.drop_duplicates("arena_key").reset_index(drop=True)
    place = pd.Index(models.arena_key).get_indexer(table.arena_key)
    price = np.full((len(models), len(days)), np.inf)
    # the offers are sorted by the day on which they begin, and each holds until the next one of its model
    begins = np.searchsorted(days.to_numpy(), table.since.to_numpy())
    for model, first, usd in zip(place, begins, table.price_usd.to_numpy(), strict=True):
        price[model, first:] = np.minimum(price[model, first:], usd) if records else usd
    return price, models


def _steps(table, start, end):
    """Days from ``start`` to ``end`` on which an offer begins, and both ends."""
    inside = table.since[(table.since > start) & (table.since < end)]
    return pd.DatetimeIndex([start, *sorted(inside.unique()), end]).unique()


def cheapest(
    table: pd.DataFrame | Unanswered, end: str, start: str | None = None, records: bool = False
) -> pd.DataFrame | Unanswered:
    """Lowest price at a level or better over time, by the point scores: the threshold method.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `offers` gives.
    end : str
        ISO date; later offers are not looked at.
    start : str, optional
        ISO date; the first offer at the level where it is left out.
    records : bool
        Whether a price once offered counts for ever; else an offer ends when its model's next price begins.

    Returns
    -------
    DataFrame or Unanswered
        One row a change of price or model: date, price_usd, arena_key, name, developer; the last row is ``end``.
    """
    if isinstance(table, Unanswered):
        return table
    held = table[(table.margin >= 0) & (table.since <= pd.Timestamp(end))]
    first = pd.Timestamp(start) if start else held.since.min()
    if held.empty or not held.since.min() <= first < pd.Timestamp(end):
        return Unanswered(f"no price at the level is known from {start or 'any day'} to {end}")
    days = _steps(held, first, pd.Timestamp(end))
    price, models = _grid(held, days, records)
    best = price.argmin(axis=0)
    path = models.loc[best, ["arena_key", "name", "developer"]].reset_index(drop=True)
    path = path.assign(date=days, price_usd=price[best, np.arange(len(days))])
    same = (path.arena_key == path.arena_key.shift()) & (path.price_usd == path.price_usd.shift())
    same.iloc[-1] = False
    out = path.loc[~same, ["date", "price_usd", "arena_key", "name", "developer"]].reset_index(drop=True)

    def compared(steps):
        """Offers that had begun by the last of some steps."""
        last = out.date[out.index.isin(steps)].max()
        return rows_of(held[held.since <= last]).unlabel("row")

    return carry(out, Rows(lambda: compared(out.index).parts, compared))


def _stream(seed, key):
    """Random stream of one model: the same in every table that holds it, so that alternatives differ by data alone."""
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, crc32(key.encode()))))


@functools.lru_cache(maxsize=256)
def _noise(seed, key, draws):
    """Errors of one model's score in units of their standard error, kept for the alternatives that ask for them."""
    return _stream(seed, key).standard_normal(draws)


@functools.lru_cache(maxsize=32)
def _resampled(seed, developers, draws):
    """How often each developer is drawn, shape (developers, draws), kept as the noise is."""
    chances = np.full(developers, 1 / developers)
    return np.random.default_rng(seed).multinomial(developers, chances, size=draws).T


def _drawn_lows(table, anchor, days, records, draws, seed):
    """Log of the lowest price at the level, shape (draws, days), over resampled developers and drawn scores."""
    price, models = _grid(table, days, records)
    developers, place = np.unique(models.developer.to_numpy(str), return_inverse=True)
    counts = _resampled(seed, len(developers), draws)
    margin, error = models.margin.to_numpy(), models.error.fillna(models.error.max()).to_numpy()
    keys = models.arena_key.tolist()
    own = keys.index(anchor)
    # margins are differences: the error of the anchor's score moves them all, and its own margin not at all
    shift = error[own] * _noise(seed, anchor, draws)
    reached = {own: np.ones(draws, bool)}
    # models that six standard errors keep from the level are not drawn
    order = np.flatnonzero(margin > -6 * np.hypot(error, error[own]))
    lows = np.empty((draws, len(days)))
    for t in range(len(days)):
        # from the cheapest model upwards, until every draw has found one at the level
        left = np.arange(draws)
        for k in order[np.argsort(price[order, t], kind="stable")]:
            if k not in reached:
                noise = error[k] * _noise(seed, keys[k], draws)
                reached[k] = (margin[k] + noise >= shift) & (counts[place[k]] > 0)
            found = reached[k][left]
            lows[left[found], t] = np.log(price[k, t])
            left = left[~found]
            if not len(left):
                break
    return lows


def lowest_change(
    table: pd.DataFrame | Unanswered,
    anchor: str,
    end: str,
    draws: int,
    seed: np.random.SeedSequence,
    what: str,
    start: str | None = None,
    how: str = "ends",
    records: bool = False,
    margin: float = 0.0,
) -> Estimate | Unanswered:
    """Yearly change of the lowest price at a level of quality.

    The offers are a census: what is uncertain is which models are at the level, and how much hangs on one seller. So
    the interval holds the middle 95% of draws that resample developers with all their models (Field and Welsh 2007,
    doi 10.1111/j.1467-9868.2007.00593.x) and draw every score from its error, a model's the same in every alternative
    of one seed; models six standard errors below the level are not drawn, and the model that sets the level stays, for
    it is the level. For the lowest price among models truly at the level it is conservative. It is no interval for
    what other sellers might have charged: a resampled minimum lies above the observed one but hardly below (Bickel and
    Freedman 1981, doi 10.1214/aos/1176345637), so it holds a typical value over imagined markets only half the time.

    Parameters
    ----------
    table : DataFrame or Unanswered
        As `offers` gives.
    anchor : str
        Arena key of the model that sets the level.
    end : str
        ISO date.
    draws : int
    seed : SeedSequence
    what : str
        Which level, to print.
    start : str, optional
        ISO date; the anchor's first offer where it is left out.
    how : str
        ``ends`` or ``slope``, as for `path_change`.
    records : bool
        As for `cheapest`.
    margin : float
        Multiple of the standard error of the margin by which a model must exceed the level.

    Returns
    -------
    Estimate or Unanswered
        Percent a year; n is the number of models at the level that were offered by ``end``.
    """
    if isinstance(table, Unanswered):
        return table
    own = table[table.arena_key == anchor]
    last = pd.Timestamp(end)
    first = pd.Timestamp(start) if start else own.since.min()
    if own.empty or own.since.min() > first:
        return Unanswered(f"no price of {anchor} is known on the first day", NOT_CHECKABLE)
    if first >= last:
        return Unanswered(f"the period from {first:%Y-%m-%d} to {end} has not begun")
    held = _measured(table[table.since <= last])
    if isinstance(held, Unanswered):
        return held
    if margin:
        error = np.hypot(held.error, held.error[held.arena_key == anchor].iloc[0])
        held = held[(held.margin - margin * error >= 0) | (held.arena_key == anchor)].reset_index(drop=True)
    days = _steps(held, first, last) if how == "slope" else pd.DatetimeIndex([first, last])
    weights = _weights(days.to_numpy(), last, how)
    points = held[(held.margin >= 0) | (held.arena_key == anchor)]
    price, models = _grid(points, days, records)
    lows = np.log(price.min(axis=0))
    value = yearly_percent(float(weights @ (lows - lows[0])))
    lows = _drawn_lows(held, anchor, days, records, draws, seed)
    drawn = yearly_percent((lows - lows[:, :1]) @ weights)
    low, high = np.quantile(drawn, [0.025, 0.975])
    words = {"ends": "first to last day", "slope": "least squares over all days"}[how]
    makers = models.developer.nunique()
    method = f"{what}, {words}, {first:%Y-%m-%d} to {end}; bootstrap of {makers} developers and draws of scores"
    ends, entered = (min(low, value), max(high, value)), partial(rows_of, table[table.since <= last])
    return Estimate(value, *ends, UNIT, len(models), method, RESAMPLED, entered)


def _measured(table):
    """Rows with the error of each score; one that was never given takes the widest."""
    if table.error.isna().all():
        return Unanswered("no board known yet carries intervals")
    return table.assign(error=table.error.fillna(table.error.max())).reset_index(drop=True)


def lowest_band(
    table: pd.DataFrame | Unanswered, anchor: str, end: str, draws: int, seed: np.random.SeedSequence
) -> pd.DataFrame | Unanswered:
    """Band of the lowest price at a level over time, by the draws of `lowest_change`.

    Returns
    -------
    DataFrame or Unanswered
        One row a day on which an offer begins: date, low, high (USD per million tokens, middle 95% of draws).
    """
    if isinstance(table, Unanswered):
        return table
    own = table.since[table.arena_key == anchor]
    if own.empty or own.min() >= pd.Timestamp(end):
        return Unanswered(f"no price of {anchor} is known before {end}")
    held = _measured(table[table.since <= pd.Timestamp(end)])
    if isinstance(held, Unanswered):
        return held
    days = _steps(held, own.min(), pd.Timestamp(end))
    low, high = np.exp(np.quantile(_drawn_lows(held, anchor, days, False, draws, seed), [0.025, 0.975], axis=0))
    return pd.DataFrame({"date": days, "low": low, "high": high})


def entries(table: pd.DataFrame | Unanswered) -> pd.DataFrame | Unanswered:
    """First offer of each model, with the half-year in which it began: a sample for the hedonic regression.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: arena_key, developer, date, period (such as ``2024H1``), price_usd, margin.
    """
    if isinstance(table, Unanswered):
        return table
    offered = table.drop_duplicates("arena_key")
    first = offered.rename(columns={"since": "date"}).reset_index(drop=True)
    out = first[["arena_key", "developer", "date", "price_usd", "margin"]].assign(period=_halves(first.date))
    return carry(out, rows_of(offered).unlabel("row"))


def on_sale(table: pd.DataFrame | Unanswered, end: str) -> pd.DataFrame | Unanswered:
    """All offers in force at the end of each half-year, and on the last day: a panel for the hedonic regression.

    Returns
    -------
    DataFrame or Unanswered
        One row a model and day: as `entries` gives.
    """
    if isinstance(table, Unanswered):
        return table
    quarters = pd.date_range(table.since.min(), end, freq="QE")
    days = quarters[quarters.month % 6 == 0].union([pd.Timestamp(end)])
    price, models = _grid(table, days, False)
    rows = [models.assign(date=day, price_usd=price[:, t])[np.isfinite(price[:, t])] for t, day in enumerate(days)]
    panel = pd.concat(rows, ignore_index=True)
    out = panel[["arena_key", "developer", "date", "price_usd", "margin"]].assign(period=_halves(panel.date))
    return carry(out, rows_of(table[table.since <= end]).unlabel("row"))


def _halves(dates):
    return dates.dt.year.astype(str) + "H" + ((dates.dt.month + 5) // 6).astype(str)


def _regression(design, logs, clusters, draws, seed):
    """Least squares: coefficients, their variances (equal independent errors), and coefficients by resampled clusters.

    A draw without full rank, such as one that misses a period, is missing.
    """
    fitted = OLS(logs, design).fit()
    # with as many coefficients as rows there is no residual to tell a variance from
    variances = fitted.bse**2 if fitted.df_resid > 0 else np.zeros(design.shape[1])
    names, place = np.unique(clusters, return_inverse=True)
    squares, products = np.zeros((len(names), *[design.shape[1]] * 2)), np.zeros((len(names), design.shape[1]))
    np.add.at(squares, place, design[:, :, None] * design[:, None, :])
    np.add.at(products, place, design * logs[:, None])
    chance = np.random.default_rng(seed)
    counts = chance.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws).astype(float)
    left, right = np.einsum("dg,gij->dij", counts, squares), counts @ products
    drawn = np.full((draws, design.shape[1]), np.nan)
    scale = np.sqrt(np.einsum("dii->di", left))
    whole = (scale > 0).all(axis=1)
    scaled = left[whole] / (scale[whole, :, None] * scale[whole, None, :])
    solvable = np.linalg.eigvalsh(scaled)[:, 0] > 1e-9
    kept = np.flatnonzero(whole)[solvable]
    drawn[kept] = np.linalg.solve(left[kept], right[kept, :, None])[:, :, 0]
    return fitted.params, variances, drawn


def _dummies(sample):
    """Design of the time-dummy regression: constant, margin, one dummy a period after the first; and the periods."""
    periods = sorted(sample.period.unique())
    dummies = [(sample.period == period).to_numpy(float) for period in periods[1:]]
    return np.column_stack([np.ones(len(sample)), sample.margin.to_numpy(float) / 100, *dummies]), periods


def _enough(sample):
    """Say why a sample is too small for a hedonic regression, or None."""
    if isinstance(sample, Unanswered):
        return sample
    if sample.period.nunique() < 2 or len(sample) < sample.period.nunique() + 4 or sample.developer.nunique() < 3:
        return Unanswered("too few models of too few developers for a hedonic regression")
    return None


def hedonic_index(sample: pd.DataFrame | Unanswered, draws: int, seed: np.random.SeedSequence) -> pd.DataFrame:
    """Constant-quality price index from a regression of log price on quality and time dummies.

    ``ln p_it = a + b m_i + sum_t d_t D_it + e_it``; the index of a period is ``100 exp(d_t - V(d_t) / 2)``. The term
    with the variance is Kennedy's (1981, AER 71(4), p. 801): the exponential of an unbiased estimate lies too high on
    average. (Aizcorbe 2003, The stability of dummy variable price measures obtained from hedonic regressions; de Haan,
    Hendriks and Scholz 2021, doi 10.1111/roiw.12468.) No weights, for sales are not known: a model that nobody buys
    counts like one that everybody does.

    Parameters
    ----------
    sample : DataFrame or Unanswered
        One row a model (and period): developer, period, price_usd, margin (points, the measure of quality).
    draws, seed
        As for `lowest_change`; developers are resampled whole.

    Returns
    -------
    DataFrame or Unanswered
        One row a period: period, models, index, low, high (first period = 100; 95% percentile interval).
    """
    if (few := _enough(sample)) is not None:
        return few
    design, periods = _dummies(sample)
    logs = np.log(sample.price_usd.to_numpy(float))
    point, variance, drawn = _regression(design, logs, sample.developer.to_numpy(str), draws, seed)
    low, high = np.nanquantile(drawn[:, 2:], [0.025, 0.975], axis=0)
    steps = {"index": point[2:], "low": np.minimum(low, point[2:]), "high": np.maximum(high, point[2:])}
    columns = {name: 100 * np.exp([0.0, *(logs - variance[2:] / 2)]) for name, logs in steps.items()}
    counts = sample.groupby("period").size()
    return pd.DataFrame({"period": periods, "models": counts.reindex(periods).to_numpy(), **columns})


def hedonic_change(
    sample: pd.DataFrame | Unanswered, draws: int, seed: np.random.SeedSequence, how: str = "trend"
) -> Estimate | Unanswered:
    """Yearly change of the price at constant quality, by hedonic regression.

    Parameters
    ----------
    sample : DataFrame or Unanswered
        As for `hedonic_index`, and date.
    draws, seed
        As for `hedonic_index`.
    how : str
        ``trend``: the dummies give way to time in years, ``ln p = a + b m + g t + e``, and the change is
        ``exp(g - V(g) / 2) - 1``. ``dummies``: ``exp((d_T - V(d_T) / 2) / years) - 1`` for the last period T, the
        years between the mean dates of the first and the last period.

    Returns
    -------
    Estimate or Unanswered
        Percent a year; n is the number of rows.
    """
    if how not in ("trend", "dummies"):
        raise ValueError(f"a hedonic change is had from the 'trend' or the 'dummies', not {how!r}")
    if (few := _enough(sample)) is not None:
        return few
    logs, makers = np.log(sample.price_usd.to_numpy(float)), sample.developer.to_numpy(str)
    design, periods = _dummies(sample)
    time, years = _years(sample.date, sample.date.min()), 1.0
    if how == "trend":
        design = np.column_stack([design[:, :2], time])
    else:
        means = pd.Series(time).groupby(sample.period.to_numpy()).mean()
        years = means[periods[-1]] - means[periods[0]]
    point, variance, drawn = _regression(design, logs, makers, draws, seed)
    shift = variance[-1] / 2
    value = yearly_percent((point[-1] - shift) / years)
    low, high = yearly_percent((np.nanquantile(drawn[:, -1], [0.025, 0.975]) - shift) / years)
    words = {"trend": "linear in time", "dummies": f"dummies of {periods[0]} and {periods[-1]}"}[how]
    method = f"hedonic regression on score, {words}; bootstrap of {sample.developer.nunique()} developers"
    ends, entered = (min(low, value), max(high, value)), partial(rows_of, sample)
    return Estimate(value, *ends, UNIT, len(sample), method, RESAMPLED, entered)


def volumes_at_prices(volumes: pd.DataFrame, path: pd.DataFrame | Unanswered) -> pd.DataFrame | Unanswered:
    """Set tokens served beside the price in force at the end of their month.

    Parameters
    ----------
    volumes : DataFrame
        One row a month: period_end, tokens_per_month.
    path : DataFrame or Unanswered
        As `cheapest` gives.

    Returns
    -------
    DataFrame or Unanswered
        One row a month with a price: month (its last day), tokens (per month), price_usd, spending_usd (a month, had
        every token been written at that price).
    """
    if isinstance(path, Unanswered):
        return path
    months = volumes[["period_end", "tokens_per_month"]].sort_values("period_end", kind="stable")
    steps = path[["date", "price_usd"]].astype({"date": months.period_end.dtype}).assign(step=path.index)
    both = pd.merge_asof(months, steps, left_on="period_end", right_on="date").dropna(subset="price_usd")
    if both.empty:
        return Unanswered("no count of tokens is known for a month with a price")
    out = pd.DataFrame({"month": both.period_end, "tokens": both.tokens_per_month.astype(float)})
    out = out.assign(price_usd=both.price_usd, spending_usd=out.tokens * both.price_usd / 1e6).reset_index(drop=True)
    counted = volumes.loc[months.index[both.index]].assign(row=range(len(out)))
    # the prices in force in these months; later steps moved none of them
    return carry(out, counted, rows_of(path.loc[both.step.astype("int64").unique()]).unlabel("row"))


def elasticity(months: pd.DataFrame | Unanswered, what: str, trend: bool = False) -> Estimate | Unanswered:
    """Elasticity of tokens served with respect to a price: slope of log tokens on log price.

    ``ln q_t = a + e ln p_t (+ g t) + u_t`` by least squares, with Student's interval of n - 2 (or n - 3) degrees of
    freedom. It describes: nothing holds demand still while the price moves, so all growth of demand is laid to the
    price, and the errors of neighbouring months are taken as independent.

    Parameters
    ----------
    months : DataFrame or Unanswered
        As `volumes_at_prices` gives.
    what : str
        Which price, to print.
    trend : bool
        Whether demand may also grow with time by itself.

    Returns
    -------
    Estimate or Unanswered
        n is the number of months. Unanswered below three months (four with a trend), for a line through two points
        has no error; and where the price never moves.
    """
    if isinstance(months, Unanswered):
        return months
    least = 4 if trend else 3
    if len(months) < least:
        return Unanswered(f"{len(months)} months with tokens and a price are known, and an interval needs {least}")
    columns = [np.ones(len(months)), np.log(months.price_usd.to_numpy(float))]
    columns += [_years(months.month, months.month.min())] if trend else []
    design = np.column_stack(columns)
    if np.linalg.matrix_rank(design - design.mean(axis=0)) < len(columns) - 1:
        return Unanswered("the price does not move over the months known")
    fitted = OLS(np.log(months.tokens.to_numpy(float)), design).fit()
    low, high = fitted.conf_int()[1]
    freedom = int(fitted.df_resid)
    method = f"log tokens on log price{' and time' if trend else ''}, {what}; Student, {freedom} degrees of freedom"
    return Estimate(
        fitted.params[1], low, high, "elasticity", len(months), method, CLOSED_FORM, partial(rows_of, months)
    )


def yearly_factors(own: dict, published: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Set our yearly factors of decline above the published ones.

    Parameters
    ----------
    own : dict of str to (Estimate or Unanswered)
        Changes in percent a year by label; those not answered are left out.
    published : DataFrame
        As `published_declines` gives.

    Returns
    -------
    DataFrame or Unanswered
        One row an estimate: label, kind (ours, printed or implied), factor (missing where only a range was printed),
        low, high (missing where there is none). Unanswered when none of ours is answered.
    """
    rows = []
    for label, one in own.items():
        if isinstance(one, Estimate):
            rows.append((label, "ours", *(decline_factor(end) for end in (one.value, one.high, one.low))))
    if not rows:
        return next(iter(own.values()))
    for row in published.itertuples():
        who = row.source.split(" (")[0].split(",")[0]
        rows.append((f"{who}: {row.measure}", row.basis, row.factor, row.low, row.high))
    return pd.DataFrame(rows, columns=["label", "kind", "factor", "low", "high"])


def published_declines(figures: pd.DataFrame, declines: pd.DataFrame) -> pd.DataFrame:
    """Tabulate published yearly factors of decline: as printed, or implied by two printed prices.

    Parameters
    ----------
    figures : DataFrame
        Printed prices at a level: metric (``Inference price, <level>``), category (``start`` for the first),
        period_end, value, report.
    declines : DataFrame
        Printed factors: author, measure, value, low, high (factor a year; value or ends may be missing).

    Returns
    -------
    DataFrame
        One row an estimate: source, measure, factor (missing where only a range was printed), low, high (missing where
        none was), basis (printed or implied).
    """
    rows = []
    priced = figures[figures.metric.str.startswith("Inference price")]
    for metric, pair in priced.groupby("metric", sort=True):
        first, last = pair[pair.category == "start"], pair[pair.category != "start"]
        if len(first) == 1 and len(last) == 1:
            years = (last.period_end.iloc[0] - first.period_end.iloc[0]).days / YEAR
            factor = (first.value.iloc[0] / last.value.iloc[0]) ** (1 / years)
            span = f"{first.period_end.iloc[0]:%b %Y} to {last.period_end.iloc[0]:%b %Y}"
            measure = f"{metric.removeprefix('Inference price, ')}, {span}"
            rows.append((first.report.iloc[0], measure, factor, np.nan, np.nan, "implied"))
    for row in declines.itertuples():
        rows.append((row.author, row.measure, row.value, row.low, row.high, "printed"))
    names = ["source", "measure", "factor", "low", "high", "basis"]
    return pd.DataFrame(rows, columns=names).astype({"factor": float, "low": float, "high": float})
