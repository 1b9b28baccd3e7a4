"""Open-source lag: how far open models trail proprietary ones, in time and in price."""

import itertools
import math
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from helpers import frontier
from helpers.inference import (
    CLOSED_FORM,
    NOT_CHECKABLE,
    RESAMPLED,
    Estimate,
    Unanswered,
    number,
    resampled_counts,
    running,
)
from helpers.linking import arranged
from helpers.rows import NO_ROWS, Rows, carry, joined, rows_of
from helpers.survival import DAYS_A_MONTH

READINGS = ("score as high", "not significantly worse")
LICENCES = ("any open weights", "open-permissive", "licence printed")
CHOICES = ["scale", "matched", "open", "dates"]
_Z = stats.norm.ppf(0.975)
_HEADLINE = (READINGS[0], LICENCES[0], "all")


def chosen(
    models: pd.DataFrame | Unanswered,
    licence: str = "any open weights",
    known_dates: bool = False,
    survivors: bool = False,
) -> pd.DataFrame | Unanswered:
    """Keep the models that a declared choice compares.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `described` gives.
    licence : str
        What counts as open: ``any open weights``; ``open-permissive`` alone, restricted ones being left out; or
        ``licence printed``, what the board says.
    known_dates : bool
        Leave out models whose release date is only the day they were first seen on the Arena.
    survivors : bool
        Keep only models that stand on the reference board, and end on its day, as a site that deletes retired names.

    Raises
    ------
    ValueError
        If the licence is none of the three.
    """
    if licence not in LICENCES:
        raise ValueError(f"open is one of {', '.join(LICENCES)}, not {licence!r}")
    if isinstance(models, Unanswered):
        return models
    kept = models
    if licence == "open-permissive":
        kept = kept[~kept.open | (kept.licence_class == "open-permissive")]
    if licence == "licence printed":
        kept = kept[kept.open_as_printed.notna()]
        kept = kept.assign(open=kept.open_as_printed.astype(bool))
    kept = kept[~kept.release_is_proxy] if known_dates else kept
    if survivors:
        kept = kept[kept.on_reference]
        kept = kept.assign(until=kept.board_date)
        kept = kept[kept.release_date <= kept.until]
    return kept


def licensed(models: pd.DataFrame | Unanswered, catalogue: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Say of the models of a board whether their weights are open as the catalogue does, not as the board prints it.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As ``frontier.board`` gives.
    catalogue : DataFrame
        One row a model: arena_key, open_weights.

    Returns
    -------
    DataFrame or Unanswered
        Rows of ``models``; open_weights is missing where the catalogue has no such model or does not know.
    """
    if isinstance(models, Unanswered):
        return models
    out = models.drop(columns="open_weights").merge(catalogue[["arena_key", "open_weights"]], how="left")
    return joined(out, "arena_key", models, catalogue)


def _comparable(models):
    """Refuse scores of more than one scale, and put models in a total order."""
    scales = sorted(models.scale.unique())
    if len(scales) > 1:
        raise ValueError(f"scores of {len(scales)} scales ({'; '.join(scales)}) do not compare: link the boards first")
    return arranged(models)


def drawn_scores(models: pd.DataFrame, draws: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Draw scores from their intervals: each model's own error, and the error of a link, shared by all it carries.

    Parameters
    ----------
    models : DataFrame
        One row a model: score, error, link_level, link_tilt (points), board_date where any link is not zero.
    draws : int
    seed : SeedSequence

    Returns
    -------
    array, shape (draws, models)
    """
    own, shared = _children(seed)
    scores = frontier.drawn_scores(models, draws, own)
    moved = ((models.link_level != 0) | (models.link_tilt != 0)).to_numpy()
    if moved.any():
        _, board = np.unique(models.board_date[moved], return_inverse=True)
        level, tilt = np.random.default_rng(shared).standard_normal((2, draws, board.max() + 1))
        errors = models.loc[moved, ["link_level", "link_tilt"]].to_numpy()
        for model, of, (high, steep) in zip(np.flatnonzero(moved), board, errors, strict=True):
            scores[:, model] += level[:, of] * high + tilt[:, of] * steep
    return scores


def _children(seed):
    """Give the same two streams however often a seed is used: spawning counts its calls."""
    return [
        np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, key), pool_size=seed.pool_size)
        for key in (0, 1)
    ]


def lag_days(
    scores: np.ndarray,
    released: np.ndarray,
    is_open: np.ndarray,
    day: np.datetime64,
    errors: np.ndarray | None = None,
) -> np.ndarray:
    """Backward lag on a day: days since a proprietary model first reached the best open model's level.

    With ``S(t) = max {s_j : j open, released by t}`` the lag is ``t - min {d_p : s_p >= S(t)}`` over proprietary models
    p released on ``d_p``. The running maximum of their scores never falls, so the first that reaches the level is
    found by one search: the count of running maxima below it. Where none reaches it, open models lead and the lag is 0.

    Parameters
    ----------
    scores : array, shape (draws, models)
    released : array of datetime64, shape (models,)
        Not falling.
    is_open : array of bool, shape (models,)
    day : datetime64
    errors : array, shape (models,), optional
        Standard errors. Where given, matched means *not significantly worse*: the lag counts from the first
        proprietary model whose score is above the best open one's by more than 1.96 standard errors of the difference.

    Returns
    -------
    array of float, shape (draws,)
        Days; missing where no open or no proprietary model is released yet.

    Examples
    --------
    >>> released = np.array(["2024-01-01", "2024-03-01", "2024-06-01"], "datetime64[D]")
    >>> day = np.datetime64("2024-07-01")
    >>> lag_days(np.array([[10.0, 20.0, 15.0]]), released, np.array([False, False, True]), day).tolist()
    [122.0]
    """
    # models come first, so that every step runs along the draws
    out = released <= day
    ours, theirs = scores.T[out & is_open], scores.T[out & ~is_open]
    if not len(ours) or not len(theirs):
        return np.full(len(scores), np.nan)
    waited = (day - released[out & ~is_open]) / np.timedelta64(1, "D")
    if errors is None:
        first = (running(np.maximum, theirs) < ours.max(axis=0)).sum(axis=0)
    else:
        margin = _Z * np.hypot(errors[out & ~is_open][:, None], errors[out & is_open][ours.argmax(axis=0)])
        above = theirs - ours.max(axis=0) > margin
        first = np.where(above.any(axis=0), above.argmax(axis=0), len(waited))
    return np.append(waited, 0.0)[first]


def _contenders(rows, days):
    """Keep the models that can decide the lag on one of some days, and the best of each side.

    The others lie six errors of the difference below the best open model. They are left out before the draws, which
    makes these few, and the same whatever else stands on the board.
    """
    variance = (rows.error**2 + rows.link_level**2 + rows.link_tilt**2).to_numpy()
    score, is_open, keep = rows.score.to_numpy(), rows.open.to_numpy(), np.zeros(len(rows), bool)
    for day in days:
        out = (rows.release_date <= day).to_numpy()
        sides = [np.flatnonzero(out & side) for side in (is_open, ~is_open)]
        if all(map(len, sides)):
            best = [side[score[side].argmax()] for side in sides]
            reach = 6 * np.sqrt(variance + variance[best[0]])
            keep |= out & (score + reach >= score[best[0]])
            keep[best] = True
    return rows[keep].reset_index(drop=True)


def _drawn_lags(models, days, draws, seed, reading):
    """Point and drawn lags in days, one pair a day, from the same draws."""
    if reading not in READINGS:
        raise ValueError(f"matched is read as {' or '.join(READINGS)}, not {reading!r}")
    rows = _contenders(_comparable(models), days)
    errors = None if reading == READINGS[0] else rows.error.to_numpy()
    known = (rows.release_date.to_numpy(), rows.open.to_numpy())
    drawn = drawn_scores(rows, draws, seed) if draws and (rows.error > 0).any() else None
    pairs = []
    for day in days:
        point = lag_days(rows.score.to_numpy()[None], *known, np.datetime64(day), errors)[0]
        pairs.append((float(point), None if drawn is None else lag_days(drawn, *known, np.datetime64(day), errors)))
    return pairs


def _interval(point, drawn, unit, n, words, rows):
    if drawn is None:
        return Estimate(point, point, point, unit, n, f"{words}; the source prints no intervals", CLOSED_FORM, rows)
    # the inverse of the distribution function, for a draw may be infinite
    low, high = np.quantile(drawn, [0.025, 0.975], method="inverted_cdf")
    words = f"{words}; 95% of {len(drawn):,} draws of the scores"
    return Estimate(point, min(low, point), max(high, point), unit, n, words, RESAMPLED, rows)


def backward_lag(
    models: pd.DataFrame | Unanswered,
    draws: int,
    seed: np.random.SeedSequence,
    reading: str = READINGS[0],
    day: str | None = None,
) -> Estimate | Unanswered:
    """Backward lag of the best open model, in months, with an interval that carries the uncertainty of the scores.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `described` gives.
    draws, seed
        As for `drawn_scores`; models that six standard errors keep from mattering are not drawn.
    reading : str
        One of `READINGS`: when a proprietary model's level counts as matched.
    day : str, optional
        ISO date; that of the newest board where it is left out.

    Returns
    -------
    Estimate or Unanswered
        Months of 30.4375 days; n is the number of models released by then. See `lag_days` for the formula.

    Raises
    ------
    ValueError
        If the models' scores are of more than one scale, or the reading is unknown.
    """
    if isinstance(models, Unanswered):
        return models
    day = pd.Timestamp(day) if day else models.until.max()
    ((point, drawn),) = _drawn_lags(models, [day], draws, seed, reading)
    if math.isnan(point):
        return Unanswered(f"no open and proprietary model to compare is known on {day:%Y-%m-%d}")
    drawn = drawn if drawn is None else drawn / DAYS_A_MONTH
    words = f"backward lag on {day:%Y-%m-%d}, matched: {reading}; {models.scale.iloc[0]}"
    out = models[models.release_date <= day]
    return _interval(point / DAYS_A_MONTH, drawn, "months", len(out), words, partial(rows_of, out))


def lag_ratio(
    models: pd.DataFrame | Unanswered,
    base_day: str,
    draws: int,
    seed: np.random.SeedSequence,
    reading: str = READINGS[0],
    day: str | None = None,
    base: pd.DataFrame | Unanswered | None = None,
) -> Estimate | Unanswered:
    """Backward lag on a day over that on an earlier one.

    Parameters
    ----------
    models, draws, seed, reading, day
        As for `backward_lag`.
    base_day : str
        ISO date of the earlier lag.
    base : DataFrame or Unanswered, optional
        Models for the earlier lag, where it is judged on another board: then its draws are its own. Where it is left
        out both lags come from the same draws of the same scores, so that their errors cancel as far as they are
        shared.

    Returns
    -------
    Estimate or Unanswered
        Ratio; n is the number of models released by ``day``. A draw in which open models led on the earlier day
        counts as infinite. Unanswered where ``base_day`` lies after the newest board, or the earlier lag is zero.
    """
    if isinstance(models, Unanswered):
        return models
    if isinstance(base, Unanswered):
        return base
    now, then = pd.Timestamp(day) if day else models.until.max(), pd.Timestamp(base_day)
    if now <= then:
        return Unanswered(f"no board after {base_day} is known yet")
    days = [now, then] if base is None else [now]
    (point, drawn), *rest = _drawn_lags(models, days, draws, seed, reading)
    if base is not None:
        rest = _drawn_lags(base, [then], draws, _children(seed)[1], reading)
    ((base_point, base_drawn),) = rest
    if math.isnan(point) or math.isnan(base_point):
        return Unanswered(f"no open and proprietary model to compare is known on {base_day}")
    if base_point == 0:
        return Unanswered(f"open models led on {base_day}, so there is no lag to compare with", NOT_CHECKABLE)
    if drawn is not None:
        drawn = np.divide(drawn, base_drawn, out=np.full(len(drawn), np.inf), where=base_drawn > 0)
    words = f"lag on {now:%Y-%m-%d} over that on {base_day}, matched: {reading}; {models.scale.iloc[0]}"
    out = [models[models.release_date <= now]]
    out += [] if base is None else [base[base.release_date <= then]]
    return _interval(point / base_point, drawn, "ratio", len(out[0]), words, partial(rows_of, *out))


def lag_series(
    models: pd.DataFrame | Unanswered, days: pd.DatetimeIndex, draws: int, seed: np.random.SeedSequence
) -> pd.DataFrame | Unanswered:
    """Backward lag and deficit on many days, from one set of draws: what is known now of what was out then.

    Parameters
    ----------
    models, draws, seed
        As for `backward_lag`.
    days : DatetimeIndex

    Returns
    -------
    DataFrame or Unanswered
        One row a day on which open and proprietary models were out: date, lag, lag_low, lag_high (months), deficit,
        deficit_low, deficit_high (points by which the best proprietary model leads the best open one).
    """
    if isinstance(models, Unanswered):
        return models
    rows = _comparable(models)
    drawn = drawn_scores(rows, draws, seed)
    (theirs, came), (ours, opened) = (_running(rows, drawn, side) for side in (~rows.open, rows.open))
    out, told = [], {}
    for day in days[days <= rows.until.max()]:
        p, o = (int(np.searchsorted(released, np.datetime64(day), side="right")) for released in (came, opened))
        if p and o:
            if (p, o) not in told:
                best = ours[o - 1]
                told[p, o] = (theirs[:p] < best).sum(axis=0), _middle_band(theirs[p - 1] - best)
            first, deficit = told[p, o]
            waited = np.append((np.datetime64(day) - came[:p]) / np.timedelta64(1, "D"), 0.0) / DAYS_A_MONTH
            out.append((day, *_middle_band(waited[first]), *deficit))
    columns = ["date", "lag", "lag_low", "lag_high", "deficit", "deficit_low", "deficit_high"]
    return (
        pd.DataFrame(out, columns=columns) if out else Unanswered("no day has open and proprietary models to compare")
    )


def _running(rows, drawn, side):
    """Best score of a side up to each of its models, point and draws, shape (models, 1 + draws), and their dates.

    Models that no draw makes a record change nothing and are left out.
    """
    best = running(np.maximum, np.vstack([rows.score[side], drawn[:, side]]).T)
    kept = np.diff(best, axis=0, prepend=-np.inf).any(axis=1)
    return best[kept], rows.release_date[side].to_numpy()[kept]


def _middle_band(values):
    """Point, which stands first, and the ends of the middle 95% of the draws, widened to hold it."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return values[0], min(low, values[0]), max(high, values[0])


def bias(series: pd.DataFrame | Unanswered, alone: pd.DataFrame | Unanswered, day: str) -> str:
    """Say what the newest board alone would make of a day: the survivor bias.

    Parameters
    ----------
    series, alone : DataFrame or Unanswered
        As `lag_series` gives, of all models and of those that stand on the newest board.
    day : str
        ISO date among those of the series.
    """
    told = []
    for label, table in (("all models", series), ("those of the newest board alone", alone)):
        rows = None if isinstance(table, Unanswered) else table[table.date == pd.Timestamp(day)]
        if rows is None or rows.empty:
            return f"What the newest board alone would say of {day} cannot be asked yet."
        row = rows.iloc[0]
        side = "behind" if row.deficit > 0 else "ahead"
        points, months = number(round(abs(row.deficit), 1)), number(round(row.lag, 1))
        told.append(f"by {label} the best open model was {points} points {side}, its lag {months} months")
    return f"On {day}, {'; '.join(told)}."


def records(models: pd.DataFrame, is_open: bool) -> pd.DataFrame:
    """Models of one side that scored higher than all of their side before them, by release date.

    Parameters
    ----------
    models : DataFrame
        As `described` gives.
    is_open : bool
        Which side.

    Returns
    -------
    DataFrame
        Rows of ``models``; of several released on one day the best alone.
    """
    side = _comparable(models)
    side = side[side.open == is_open].sort_values(["release_date", "score"], ascending=[True, False], kind="stable")
    before = side.score.cummax().shift(fill_value=-np.inf)
    return side[side.score > before]


def spells(
    models: pd.DataFrame | Unanswered,
    reading: str = READINGS[0],
    draws: int = 0,
    seed: np.random.SeedSequence | None = None,
) -> pd.DataFrame | Unanswered:
    """Forward lag by record: each proprietary record opens a spell, the first open model that matches it closes it.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `described` gives.
    reading : str
        One of `READINGS`.
    draws, seed
        As for `drawn_scores`; without draws there are no intervals.

    Returns
    -------
    DataFrame or Unanswered
        One row a record, by date: record (name), developer, set_on, score, matched_by, matched_on (missing while it is
        open), days (to the match, 0 where an open model was there before; else to the newest board), closed,
        low_days and high_days (95% of the draws of all scores, the list of records held fixed; infinite where the
        record stays unmatched; missing without draws).
    """
    if reading not in READINGS:
        raise ValueError(f"matched is read as {' or '.join(READINGS)}, not {reading!r}")
    if isinstance(models, Unanswered):
        return models
    rows = _comparable(models)
    opens, released = np.flatnonzero(rows.open), rows.release_date[rows.open].to_numpy()
    marks = records(rows, is_open=False)
    if marks.empty or not len(opens):
        return Unanswered("no proprietary record and open model to compare is known yet")
    place = pd.Index(rows.arena_key).get_indexer(marks.arena_key)
    errors, until = rows.error.to_numpy(), rows.until.max()
    drawn = drawn_scores(rows, draws, seed) if draws and (errors > 0).any() else np.empty((0, len(rows)))
    # models come first, the point before the draws
    ours, theirs = (np.vstack([rows.score.to_numpy()[side], drawn[:, side]]).T for side in (opens, place))
    highest, out = ours.max(axis=1), []
    for at, level, mark in zip(place, theirs, marks.itertuples(), strict=True):
        slack = np.zeros(len(opens)) if reading == READINGS[0] else _Z * np.hypot(errors[opens], errors[at])
        # from the first open model on that any draw takes so high, until every draw has found one
        first, left = np.full(len(level), len(opens)), np.arange(len(level))
        for k in np.flatnonzero(highest >= level.min() - slack):
            found = ours[k, left] >= level[left] - slack[k]
            first[left[found]] = k
            left = left[~found]
            if not len(left):
                break
        waited = np.maximum((released - mark.release_date.to_datetime64()) / np.timedelta64(1, "D"), 0)
        lags = np.append(waited, np.inf)[first]
        ends = np.quantile(lags[1:], [0.025, 0.975], method="inverted_cdf") if len(lags) > 1 else [np.nan] * 2
        closed = math.isfinite(lags[0])
        by, on = (rows[c].iat[opens[first[0]]] for c in ("name", "release_date")) if closed else ("", pd.NaT)
        days = lags[0] if closed else (until - mark.release_date).days
        ends = [min(ends[0], lags[0]), max(ends[1], lags[0])]
        out.append((mark.name, mark.developer, mark.release_date, mark.score, by, on, days, closed, *ends))
    columns = ["record", "developer", "set_on", "score", "matched_by", "matched_on", "days", "closed"]
    table = pd.DataFrame(out, columns=[*columns, "low_days", "high_days"])
    table = table.astype({"matched_on": "datetime64[ms]", "days": float})
    return carry(table, _spell_rows(table, rows))


def _spell_rows(table, models) -> Rows:
    """Rows of spells: what was proprietary by the day of a record, and open by that of its match."""

    def chosen(labels):
        spells = table.loc[labels]
        if spells.empty:
            return NO_ROWS
        last = spells.matched_on.where(spells.closed, models.until.max()).max()
        return rows_of(models[models.release_date <= np.where(models.open, last, spells.set_on.max())]).unlabel("row")

    return Rows(lambda: chosen(table.index).parts, chosen)


def _middle(values, counts):
    """Take by draw the median of values that each stand ``counts`` times, shape (k, draws); missing ones do not count.

    Values are of the same shape, or of shape (k,), and none missing, where they are those of every draw. The median is
    missing where nothing is left.
    """
    order = np.argsort(values, axis=0, kind="stable")
    if values.ndim == 1:
        values, counts = np.broadcast_to(values[order, None], counts.shape), counts[order]
    else:
        counts = np.take_along_axis(np.where(np.isnan(values), 0, counts), order, 0)
        values = np.take_along_axis(values, order, 0)
    sums = running(np.add, counts)
    total, draws = sums[-1], np.arange(values.shape[1])
    places = [(sums <= (total - 1 + step) // 2).sum(axis=0) for step in (0, 1)]
    low, high = (values[np.minimum(place, len(values) - 1), draws] for place in places)
    return np.where(total > 0, (low + high) / 2, np.nan)


def price_ratio(
    models: pd.DataFrame | Unanswered,
    window: float,
    draws: int,
    seed: np.random.SeedSequence,
    pooled: bool = False,
) -> Estimate | Unanswered:
    """Price of open models over that of proprietary models of nearly the same score.

    For each open model the ratio of its output price to the median price of the proprietary models within ``window``
    points of it; then the median of these ratios. Pooled: the median price of open models over that of all proprietary
    models that are within the window of any of them. An open model without such a neighbour has no ratio.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As ``frontier.priced`` gives: developer, open_weights, output_usd_per_mtok, score; those of unknown licence go.
    window : float
        Points.
    draws, seed
        Bootstrap samples of whole developers (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x), and their
        stream; samples in which nothing can be compared are left out.
    pooled : bool

    Returns
    -------
    Estimate or Unanswered
        Ratio; n is the number of open models that have one.
    """
    if isinstance(models, Unanswered):
        return models
    models = models[models.open_weights.notna()]
    is_open, price = models.open_weights.to_numpy(bool), models.output_usd_per_mtok.to_numpy(float)
    score = models.score.to_numpy(float)
    near = np.abs(score[is_open][:, None] - score[~is_open]) <= window
    if not near.any():
        return Unanswered(f"no open model has a proprietary one within {window:g} points", NOT_CHECKABLE)
    owner = models.developer.fillna(models.arena_key).to_numpy()
    _, cluster = np.unique(owner, return_inverse=True)
    size = cluster.max() + 1
    counts = resampled_counts(size, draws, np.random.default_rng(seed))
    times = np.vstack([np.ones(size, int), counts]).T[cluster].astype(np.int32)
    ours, theirs = times[is_open], times[~is_open]
    if pooled:
        beside = (near.T @ ours > 0) * theirs
        has = (near @ theirs > 0) * ours
        with np.errstate(invalid="ignore"):
            ratios = _middle(price[is_open], has) / _middle(price[~is_open], beside)
    else:
        peers = np.full(ours.shape, np.nan)
        for k in np.flatnonzero(near.any(axis=1)):
            peers[k] = _middle(price[~is_open][near[k]], theirs[near[k]])
        ratios = _middle(price[is_open][:, None] / peers, ours)
    drawn = ratios[1:][~np.isnan(ratios[1:])]
    low, high = np.quantile(drawn, [0.025, 0.975])
    kind = "median price of open over that of proprietary neighbours" if pooled else "median of the open models' ratios"
    words = f"{kind} within {window:g} points, {draws:,} bootstrap samples of {size} developers"
    n = int(near.any(axis=1).sum())
    low, high, rows = min(low, ratios[0]), max(high, ratios[0]), partial(rows_of, models)
    return Estimate(ratios[0], low, high, "ratio", n, words, RESAMPLED, rows)


def lag_specifications(tables: dict, draws: int, seed: np.random.SeedSequence) -> pd.DataFrame | Unanswered:
    """Estimate the backward lag under every combination of the declared choices.

    Parameters
    ----------
    tables : dict of str to (DataFrame or Unanswered)
        Models as `described` gives, by the name of their scale; the first is the headline's.
    draws, seed
        As for `backward_lag`.

    Returns
    -------
    DataFrame or Unanswered
        One row a specification, from the shortest lag: scale, matched, open, dates, value, low, high (months), n,
        headline. A choice that changes nothing on a scale, for want of intervals or proxies, is not repeated.
    """
    answered = {name: table for name, table in tables.items() if isinstance(table, pd.DataFrame)}
    if not answered:
        return next(iter(tables.values()))
    out = []
    for name, table in answered.items():
        readings = READINGS if (table.error > 0).any() else READINGS[:1]
        dates = (False, True) if table.release_is_proxy.any() else (False,)
        for reading, licence, known in itertools.product(readings, LICENCES[:2], dates):
            found = backward_lag(chosen(table, licence, known), draws, seed, reading, f"{table.until.max():%Y-%m-%d}")
            if isinstance(found, Estimate):
                kind = (name, reading, licence, "stated alone" if known else "all")
                out.append((*kind, found.value, found.low, found.high, found.n, kind == (name, *_HEADLINE)))
    table = pd.DataFrame(out, columns=[*CHOICES, "value", "low", "high", "n", "headline"])
    table["headline"] &= table.scale == next(iter(tables))
    if not table.headline.any():
        return Unanswered("the headline cannot be asked yet")
    return table.sort_values(["value", "high"], kind="stable").reset_index(drop=True)


def published(lags: pd.DataFrame, ours: dict) -> pd.DataFrame | Unanswered:
    """Put estimates of the lag made by others beside ours, in months.

    Parameters
    ----------
    lags : DataFrame
        One row a published estimate: author, measure, period_start, period_end, value, low, high, interval, unit.
        Those of our own calculation and those in points are left out.
    ours : dict of str to (Estimate or Unanswered)
        Our estimates in months, by label.

    Returns
    -------
    DataFrame or Unanswered
        One row an estimate, others' first: label, source, value, low, high (months; missing where not printed),
        interval (what low and high are), ours.
    """
    rows = lags[lags.unit.isin(["months", "days"]) & (lags.author != "Own calculation")]
    rows = rows.sort_values(["period_end", "measure"], kind="stable")
    scale = np.where(rows.unit == "days", 1 / DAYS_A_MONTH, 1.0)
    years = [dict.fromkeys([f"{a:%Y}", f"{b:%Y}"]) for a, b in zip(rows.period_start, rows.period_end, strict=True)]
    label = rows.measure + ", " + pd.Series([" to ".join(pair) for pair in years], rows.index, str)
    theirs = pd.DataFrame(
        {"label": label, "source": rows.author, "interval": rows.interval.fillna("").astype(str), "ours": False}
    ).assign(**{name: rows[name] * scale for name in ("value", "low", "high")})
    own = [
        (label, "this notebook", "95 percent" if one.low < one.high else "", True, one.value, one.low, one.high)
        for label, one in ours.items()
        if isinstance(one, Estimate)
    ]
    if not own and theirs.empty:
        return Unanswered("neither ours nor a published estimate is known yet")
    mine = pd.DataFrame(own, columns=list(theirs.columns))
    return pd.concat([part for part in (theirs, mine) if len(part)], ignore_index=True)
