"""Price-performance frontier: which models no other one beats at their price or below."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import stats

from helpers.inference import (
    CLOSED_FORM,
    NOT_CHECKABLE,
    RESAMPLED,
    SIMULATED,
    Estimate,
    Unanswered,
    normals,
    number,
    running,
    share,
)
from helpers.rows import carry, joined, rows_of

LIST_PRICES = ("vendor list", "host price")
_HALF = stats.norm.ppf(0.975)


def board(scores: pd.DataFrame, board_date: str, style_control: bool = False) -> pd.DataFrame | Unanswered:
    """Board of one date: one row a model, with the standard error of its Bradley-Terry score.

    The error is the interval's width over twice the normal quantile. Where the board carries no interval for a model,
    that of the nearest earlier board which has one is borrowed; a model that never had one gets the board's widest.

    Parameters
    ----------
    scores : DataFrame
        One row a board and model: board_date, style_control, arena_key, score, score_low, score_high.
    board_date : str
        ISO date of the board.
    style_control : bool
        Whether the scores control for style.

    Returns
    -------
    DataFrame or Unanswered
        Columns of ``scores``, and error (points), interval_from (date of the board whose interval is used; missing
        where the model never had one). Unanswered when the rows hold no such board, or no interval up to its date.
    """
    kind, day = scores.style_control == style_control, pd.Timestamp(board_date)
    rows = scores[kind & (scores.board_date == day)]
    if rows.empty:
        return Unanswered(f"the board of {board_date} is not known yet")
    measured = kind & scores.score_low.notna() & (scores.board_date <= day)
    measured = scores.loc[measured, ["arena_key", "board_date", "score_low", "score_high"]]
    newest = measured.sort_values("board_date", kind="stable").drop_duplicates("arena_key", keep="last")
    newest = newest.assign(error=score_error(newest), interval_from=newest.board_date)
    if newest.empty:
        return Unanswered(f"no board up to {board_date} carries intervals")
    errors = newest.set_index("arena_key")[["error", "interval_from"]]
    out = rows.join(errors, on="arena_key", validate="1:1").reset_index(drop=True)
    entered, never = rows_of(joined(out, "arena_key", rows, newest)), out.error.isna()
    if never.any():
        widest = out.loc[never, ["arena_key"]].assign(arena_key=out.arena_key[out.error.idxmax()])
        entered |= rows_of(joined(widest, "arena_key", rows, newest))
    return carry(out.assign(error=out.error.fillna(out.error.max())), entered)


def names(plotted: pd.DataFrame, catalogue: pd.DataFrame) -> pd.DataFrame:
    """Give the models of the Arena's plot their developers.

    Parameters
    ----------
    plotted : DataFrame
        One row a model: arena_key, name.
    catalogue : DataFrame
        One row a model: arena_key, developer.

    Returns
    -------
    DataFrame
        One row a model of the plot, with its developer (missing where the catalogue has none).
    """
    out = plotted.merge(catalogue[["arena_key", "developer"]], on="arena_key", how="left")
    return joined(out, "arena_key", plotted, catalogue)


def score_error(rows: pd.DataFrame) -> pd.Series:
    """Give the standard errors of scores: the width of the 95% interval over twice the normal quantile, in points.

    Parameters
    ----------
    rows : DataFrame
        One row a score: score_low, score_high.
    """
    return (rows.score_high - rows.score_low) / (2 * _HALF)


def repriced(prices: pd.DataFrame, key: str, offer: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Put another offer's price in the place of a model's.

    Parameters
    ----------
    prices : DataFrame
        One row a model: arena_key, output_usd_per_mtok.
    key : str
        Arena key of the model.
    offer : DataFrame
        The offer, in at most one row: output_usd_per_mtok.

    Returns
    -------
    DataFrame or Unanswered
        ``prices`` with that price. Unanswered where there is no offer.
    """
    if offer.empty:
        return Unanswered(f"no such price of {key} is known yet")
    own = prices.arena_key == key
    out = prices.assign(output_usd_per_mtok=prices.output_usd_per_mtok.mask(own, offer.output_usd_per_mtok.item()))
    taken = [rows_of(offer).relabel(row=label) for label in out.index[own]]
    return carry(out, rows_of(joined(out, "arena_key", prices)), *taken)


def priced(
    models: pd.DataFrame | Unanswered,
    prices: pd.DataFrame | Unanswered,
    catalogue: pd.DataFrame,
    replaced: dict[str, str] | None = None,
) -> pd.DataFrame | Unanswered:
    """Give the models of a board their prices, names and developers; those without a price are left out.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `board` gives.
    prices : DataFrame or Unanswered
        One row a model: arena_key, output_usd_per_mtok.
    catalogue : DataFrame
        One row a model: arena_key, name, developer.
    replaced : dict of str to str, optional
        Arena keys of models of the board by those of the models whose prices and names they take.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: arena_key, name, developer, open_weights, output_usd_per_mtok, score, error, interval_from,
        on_frontier (by the point scores).
    """
    for one in (models, prices):
        if isinstance(one, Unanswered):
            return one
    prices, catalogue = (table.replace({"arena_key": replaced or {}}) for table in (prices, catalogue))
    listed, about = (table.set_index("arena_key") for table in (prices, catalogue))
    rows = models.join(listed.output_usd_per_mtok, on="arena_key", how="inner", validate="1:1")
    rows = rows.join(about[["name", "developer"]], on="arena_key", validate="1:1").reset_index(drop=True)
    if rows.empty:
        return Unanswered("no model of the board has a known price")
    columns = [
        "arena_key",
        "name",
        "developer",
        "open_weights",
        "output_usd_per_mtok",
        "score",
        "error",
        "interval_from",
    ]
    member = on_frontier(rows.output_usd_per_mtok.to_numpy(), rows.score.to_numpy())
    return joined(rows[columns].assign(on_frontier=member), "arena_key", models, prices, catalogue)


def prices_in_force(prices: pd.DataFrame, day: str, bases: Iterable[str] = LIST_PRICES) -> pd.DataFrame:
    """Price of each model on a day: the last one of an accepted basis that was effective by then.

    Parameters
    ----------
    prices : DataFrame
        One row a model and date from which a price holds: arena_key, effective_date, output_usd_per_mtok, price_basis.
    day : str
        ISO date.
    bases : iterable of str
        Price bases that count as a list price.

    Returns
    -------
    DataFrame
        One row a model: arena_key, effective_date, output_usd_per_mtok (USD per million output tokens), price_basis.
    """
    accepted = prices.price_basis.isin(list(bases)) & (prices.effective_date <= pd.Timestamp(day))
    known = prices[accepted].sort_values("effective_date", kind="stable")
    newest = known.drop_duplicates("arena_key", keep="last")
    columns = ["arena_key", "effective_date", "output_usd_per_mtok", "price_basis"]
    return joined(newest[columns].reset_index(drop=True), "arena_key", newest)


def lowest_so_far(
    prices: pd.DataFrame, catalogue: pd.DataFrame, day: str, bases: Iterable[str] = LIST_PRICES
) -> pd.DataFrame:
    """Lowest price at which each model released by a day was offered until then.

    A model whose first known price is later than the day has that price carried back to its release. Prices fell more
    often than they rose, so a price carried back is more likely too low than too high.

    Parameters
    ----------
    prices : DataFrame
        One row a model and date from which a price holds: arena_key, effective_date, output_usd_per_mtok, price_basis.
    catalogue : DataFrame
        One row a model: arena_key, release_date.
    day : str
        ISO date.
    bases : iterable of str
        Price bases that count as a list price.

    Returns
    -------
    DataFrame
        One row a model: arena_key, output_usd_per_mtok (USD per million output tokens), carried_back.
    """
    released = catalogue[catalogue.release_date <= pd.Timestamp(day)]
    rows = prices[prices.price_basis.isin(list(bases)) & prices.arena_key.isin(released.arena_key)]
    rows = rows.sort_values(["arena_key", "effective_date"], kind="stable")
    late = rows.effective_date > pd.Timestamp(day)
    first = rows.drop_duplicates("arena_key").index
    open_by_then = rows[~late | rows.index.isin(first)].assign(carried_back=late)
    lowest = {"output_usd_per_mtok": ("output_usd_per_mtok", "min"), "carried_back": ("carried_back", "all")}
    return joined(open_by_then.groupby("arena_key").agg(**lowest).reset_index(), "arena_key", open_by_then, released)


def path(
    models: pd.DataFrame | Unanswered, prices: pd.DataFrame, catalogue: pd.DataFrame, days: Iterable[str]
) -> pd.DataFrame | Unanswered:
    """Frontier at several days on the scale of one board: everything released so far, at its lowest price so far.

    Models and offers are only ever added, so the cheapest price of a given score never rises from one day to the next.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `board` gives: a board that holds old models too.
    prices, catalogue
        As for `lowest_so_far`; ``catalogue`` with name and developer.
    days : iterable of str
        ISO dates; those after the board's own are left out, and its own is added.

    Returns
    -------
    DataFrame or Unanswered
        One row a day and model: day, columns as `priced` gives, carried_back. Unanswered when no day has two models.
    """
    if isinstance(models, Unanswered):
        return models
    tables = []
    for day in dict.fromkeys([*days, f"{models.board_date.max():%Y-%m-%d}"]):
        offers = lowest_so_far(prices, catalogue, day)
        rows = priced(models, offers, catalogue)
        if pd.Timestamp(day) <= models.board_date.max() and not isinstance(rows, Unanswered) and len(rows) > 1:
            rows = rows.merge(offers[["arena_key", "carried_back"]], on="arena_key", validate="1:1")
            tables.append(rows.assign(day=pd.Timestamp(day)))
    if not tables:
        return Unanswered("on none of the days two models of the board had a list price")
    return carry(pd.concat(tables, ignore_index=True), models, prices, catalogue)


def newest(scores: pd.DataFrame, boards: pd.DataFrame, after: str = "2000-01-01") -> pd.DataFrame | Unanswered:
    """Newest known board that is not cut to its top rows; with style control where both were published that day.

    Parameters
    ----------
    scores : DataFrame
        As for `board`.
    boards : DataFrame
        One row a board: board_date, style_control, membership.
    after : str
        ISO date; only later boards count.

    Returns
    -------
    DataFrame or Unanswered
        As `board` gives, with membership.
    """
    whole = boards[boards.membership.isin(["full", "current models only"]) & (boards.board_date > pd.Timestamp(after))]
    if whole.empty:
        return Unanswered(f"no board later than {after} is known yet")
    last = whole.sort_values(["board_date", "style_control"], kind="stable").iloc[-1]
    rows = board(scores, f"{last.board_date:%Y-%m-%d}", bool(last.style_control))
    return rows if isinstance(rows, Unanswered) else rows.assign(membership=last.membership)


def told_board(rows: pd.DataFrame | Unanswered) -> str:
    """Say which board its rows, as `newest` gives them, are of."""
    if isinstance(rows, Unanswered):
        return "no board"
    first = rows.iloc[0]
    style = ", style control" if first.style_control else ""
    return f"board of {first.board_date:%Y-%m-%d}{style}, members: {first.membership}"


def price_conventions(plotted: pd.DataFrame, prices: pd.DataFrame, day: str) -> pd.DataFrame | Unanswered:
    """Tabulate the plotted models whose price depends on the convention: the tier, the plot's choice, the day.

    Parameters
    ----------
    plotted : DataFrame
        One row a model: arena_key, name, output_usd_per_mtok (the plot's), list_output_usd_per_mtok (used here).
    prices : DataFrame
        As for `prices_in_force`, with note.
    day : str
        ISO date.

    Returns
    -------
    DataFrame or Unanswered
        One row a model whose prices differ, USD per million output tokens: model, used here, Arena's plot, price list,
        first listed, note.
    """
    if plotted.empty:
        return Unanswered("the plot of the Arena is not known yet")
    last = prices_in_force(prices, day).set_index("arena_key").output_usd_per_mtok
    known = prices[prices.price_basis.isin(LIST_PRICES) & (prices.effective_date <= pd.Timestamp(day))]
    known = known.sort_values("effective_date", kind="stable")
    notes = known.note.str.replace(r"^cited: \S+?(; |$)", "", regex=True).where(known.note.notna(), "")
    said = notes.groupby(known.arena_key).agg(lambda cells: "; ".join(dict.fromkeys(cell for cell in cells if cell)))
    table = pd.DataFrame(
        {
            "model": plotted.name.to_numpy(),
            "used here": plotted.list_output_usd_per_mtok.to_numpy(),
            "Arena's plot": plotted.output_usd_per_mtok.to_numpy(),
            "price list": plotted.arena_key.map(last).to_numpy(),
            "first listed": plotted.arena_key.map(known.groupby("arena_key").output_usd_per_mtok.first()).to_numpy(),
            "note": plotted.arena_key.map(said).fillna("").to_numpy(),
        }
    )
    differ = table.iloc[:, 1:5].nunique(axis=1) > 1
    if not differ.any():
        return Unanswered("all conventions give the same prices", NOT_CHECKABLE)
    return table[differ].reset_index(drop=True)


def on_frontier(price: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Tell which models are on the frontier: not beaten in score by a model as cheap, nor matched by a cheaper one.

    From one price to the next dearer one, a model is on the frontier when its score exceeds the best of all cheaper
    models and is not below that of any model at its own price.

    Parameters
    ----------
    price : array, shape (models,)
        USD per million tokens.
    score : array, shape (models,) or (draws, models)
        Scores; each draw is judged by itself.

    Returns
    -------
    array of bool, shape of ``score``

    Raises
    ------
    ValueError
        If a price or score is missing or infinite.

    Examples
    --------
    >>> on_frontier(np.array([1.0, 2.0, 3.0]), np.array([10, 9, 11])).tolist()
    [True, False, True]
    """
    price, score = np.asarray(price, float), np.asarray(score, float)
    if not (np.isfinite(price).all() and np.isfinite(score).all()):
        raise ValueError("every model needs a price and a score")
    # models come first, so that every step runs along the draws
    order, score = np.argsort(price, kind="stable"), np.moveaxis(score, -1, 0)
    member, below, done = np.empty(score.shape, bool), np.full(score.shape[1:], -np.inf), 0
    for size in np.unique(price, return_counts=True)[1]:
        level = order[done : done + size]
        best = np.maximum(below, score[level].max(axis=0))
        member[level] = (score[level] > below) & (score[level] >= best)
        below, done = best, done + size
    return np.moveaxis(member, 0, -1)


def on_hull(price: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Tell which models are on the convex hull of the frontier in log price and score: a stricter frontier.

    A model of the frontier is on its hull when the line to it from every cheaper member is at least as steep as the
    line from it to every dearer one: points bought by a doubling of the price never become cheaper on the way up.

    Parameters
    ----------
    price, score
        As for `on_frontier`.

    Returns
    -------
    array of bool, shape of ``score``

    Examples
    --------
    >>> on_hull(np.array([1.0, 2.0, 4.0]), np.array([10, 11, 20])).tolist()
    [True, False, True]
    """
    member, score = on_frontier(price, score), np.asarray(score, float)
    some = np.flatnonzero(member.reshape(-1, member.shape[-1]).any(axis=0))
    place, out = np.log(np.asarray(price, float)[some]), np.zeros(member.shape, bool)
    points, inside = score[..., some], member[..., some]
    for k, column in enumerate(some):
        cheaper, dearer = place < place[k], place > place[k]
        rise = np.where(inside[..., cheaper], points[..., [k]] - points[..., cheaper], np.inf)
        climb = np.where(inside[..., dearer], points[..., dearer] - points[..., [k]], -np.inf)
        before = (rise / (place[k] - place[cheaper])).min(axis=-1, initial=np.inf)
        after = (climb / (place[dearer] - place[k])).max(axis=-1, initial=-np.inf)
        out[..., column] = inside[..., k] & (before >= after)
    return out


def drawn_scores(
    models: pd.DataFrame | Unanswered, draws: int, seed: np.random.SeedSequence
) -> np.ndarray | Unanswered:
    """Draw scores from their intervals: normal, independent between models.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, score, error (points).
    draws : int
    seed : SeedSequence

    Returns
    -------
    array, shape (draws, models), or Unanswered
    """
    if isinstance(models, Unanswered):
        return models
    # one model's draws side by side in memory, as `on_frontier` goes through them
    scores = np.array(normals(seed, draws, len(models)), order="F")
    scores *= models.error.to_numpy()
    scores += models.score.to_numpy()
    return scores


def membership(models: pd.DataFrame | Unanswered, drawn: np.ndarray | Unanswered) -> pd.DataFrame | Unanswered:
    """Estimate the probability of each model to be on the frontier, by draws of the scores.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, output_usd_per_mtok, score, error.
    drawn : array, shape (draws, models), or Unanswered
        As `drawn_scores` gives for these models.

    Returns
    -------
    DataFrame or Unanswered
        ``models`` with the column probability (share of draws).
    """
    if isinstance(models, Unanswered):
        return models
    members = on_frontier(models.output_usd_per_mtok.to_numpy(), drawn)
    return models.assign(probability=members.mean(axis=0))


def coverage(models: pd.DataFrame | Unanswered, whole: pd.DataFrame | Unanswered, board_date: str) -> str:
    """Say how much of a board is looked at, and for which models the interval was borrowed or never known.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `priced` gives.
    whole : DataFrame or Unanswered
        As `board` gives.
    board_date : str
        ISO date of the board.
    """
    if isinstance(models, Unanswered):
        return f"No board to look at: {models.reason}."
    part = f"{len(models)} of the {len(whole)} models of the board have a price here."
    others = models[models.interval_from != pd.Timestamp(board_date)]
    if others.empty:
        return f"{part} Each has an interval on the board of {board_date}."
    known = [
        name + (" (never had one)" if pd.isna(day) else f" (board of {day:%Y-%m-%d})")
        for name, day in zip(others.name, others.interval_from, strict=True)
    ]
    return f"{part} Interval borrowed for {len(others)}: {', '.join(known)}."


def standing(models: pd.DataFrame | Unanswered, name: str) -> str:
    """Say in a sentence where a model stands: on the frontier by the point scores or not, and next to whom.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `membership` gives.
    name : str
        Arena key.
    """
    if isinstance(models, Unanswered) or name not in set(models.arena_key):
        return f"{name} is not on the board."
    row = models.set_index("arena_key").loc[name]
    cheaper = models[(models.output_usd_per_mtok <= row.output_usd_per_mtok) & (models.arena_key != name)]
    by_points = "on" if row.on_frontier else "off"
    if cheaper.empty:
        return f"{row['name']} is the cheapest model, and so on the frontier."
    rival = cheaper.loc[cheaper.score.idxmax()]
    return (
        f"{row['name']} is {by_points} the frontier by the point scores: {number(row.score - rival.score)} points from "
        f"{rival['name']}, the best of the {len(cheaper)} models that cost no more; it stays on it in "
        f"{100 * row.probability:.0f} of 100 draws."
    )


def cheapest(models: pd.DataFrame | Unanswered, level: float) -> pd.Series | Unanswered:
    """Pick the cheapest model that scores at least so much; of several at its price the one that scores highest.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `priced` gives.
    level : float
        Points.

    Returns
    -------
    Series or Unanswered
        Row of the model.
    """
    if isinstance(models, Unanswered):
        return models
    reached = models[models.score >= level]
    if reached.empty:
        return Unanswered(f"the best of the models scores {number(models.score.max())}, below {number(level)}")
    return reached.sort_values(["output_usd_per_mtok", "score"], ascending=[True, False], kind="stable").iloc[0]


def likely(models: pd.DataFrame | Unanswered, least: float = 0.01) -> pd.DataFrame | Unanswered:
    """Tabulate the models that are on the frontier with at least some probability, cheapest first.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: model, developer, USD per million output tokens, score, probability.
    """
    if isinstance(models, Unanswered):
        return models
    rows = models[models.probability >= least].sort_values(["output_usd_per_mtok", "score"], kind="stable")
    table = rows[["name", "developer", "output_usd_per_mtok", "score", "probability"]]
    return table.rename(columns={"name": "model", "output_usd_per_mtok": "USD per million output tokens"})


def frontier_probabilities(
    models: pd.DataFrame | Unanswered,
    groups: dict[str, Iterable[str]],
    drawn: np.ndarray | Unanswered,
    rule: Callable = on_frontier,
) -> dict[str, Estimate | Unanswered]:
    """Probability for each group of models that at least one of them is on the frontier, from one set of draws.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, output_usd_per_mtok, score, error.
    groups : dict of str to iterable of str
        Arena keys by the name of the group; those that are not on the board cannot be on its frontier.
    drawn : array, shape (draws, models), or Unanswered
        As `drawn_scores` gives for these models.
    rule : callable
        `on_frontier` or `on_hull`.

    Returns
    -------
    dict of str to (Estimate or Unanswered)
        Probability; n is the number of models. The probability itself says how uncertain the scores leave the answer;
        its interval is no more than the Monte Carlo error of the draws (Wilson).
    """
    if isinstance(models, Unanswered):
        return dict.fromkeys(groups, models)
    members, draws = rule(models.output_usd_per_mtok.to_numpy(), drawn), len(drawn)
    method = f"share of {draws:,} draws of the scores, Wilson interval of the Monte Carlo error alone"
    out = {}
    for group, names in groups.items():
        wanted = models.arena_key.isin(list(names)).to_numpy()
        if wanted.any():
            hits = int(members[:, wanted].any(axis=1).sum())
            found = share(hits, draws, "probability", method, SIMULATED, partial(rows_of, models))
            out[group] = replace(found, n=len(models))
        else:
            out[group] = Unanswered(f"the board holds none of {', '.join(names)} with a price", NOT_CHECKABLE)
    return out


def score_difference(models: pd.DataFrame | Unanswered, one: str, other: str) -> Estimate | Unanswered:
    """Score of one model less that of another on the same board, with a normal interval of independent errors.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, score, error (points).
    one, other : str
        Arena keys.

    Returns
    -------
    Estimate or Unanswered
        Elo points; n = 2 scores. The errors are taken as independent.
    """
    if isinstance(models, Unanswered):
        return models
    rows = models.set_index("arena_key")
    for key in (one, other):
        if key not in rows.index:
            return Unanswered(f"this board does not hold {key}", NOT_CHECKABLE)
    value = rows.at[one, "score"] - rows.at[other, "score"]
    half = _HALF * float(np.hypot(rows.at[one, "error"], rows.at[other, "error"]))
    method, entered = f"{one} less {other}, independent errors", models[models.arena_key.isin([one, other])]
    return Estimate(value, value - half, value + half, "Elo points", 2, method, CLOSED_FORM, partial(rows_of, entered))


def by_name(
    models: pd.DataFrame | Unanswered,
    whole: pd.DataFrame | Unanswered,
    plotted: str,
    prices: dict[str, float],
    rival: str,
    within: tuple[float, float],
    draws: int,
    seed: np.random.SeedSequence,
) -> pd.DataFrame | Unanswered:
    """Tabulate what the answers are when one name stands for another model: one model's place taken by each in turn.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `priced` gives.
    whole : DataFrame or Unanswered
        As `board` gives: the board on which the others stand.
    plotted : str
        Arena key of the model whose place is taken.
    prices : dict of str to float
        USD per million output tokens by the Arena keys that may take it.
    rival : str
        Arena key of the model that the name is compared with.
    within : tuple of float
        Range of the score difference, Elo points, that makes the claim true.
    draws, seed
        As for `drawn_scores`.

    Returns
    -------
    DataFrame or Unanswered
        One row a name on the board: name, USD per million output tokens, score, rival's lead (Elo points), low, high,
        against the range (inside, outside, across an edge), name on frontier, rival on frontier (probabilities).
    """
    if isinstance(models, Unanswered):
        return models
    others, rows = models[models.arena_key != plotted], []
    taken = models[models.arena_key == plotted]
    for key, price in prices.items():
        lead = score_difference(whole, rival, key)
        if isinstance(lead, Unanswered) or taken.empty:
            continue
        own = whole[whole.arena_key == key].iloc[0]
        swapped = taken.assign(arena_key=key, score=own.score, error=own.error, output_usd_per_mtok=price)
        universe = pd.concat([others, swapped], ignore_index=True)
        drawn = drawn_scores(universe, draws, seed)
        chance = frontier_probabilities(universe, {"name": [key], "rival": [rival]}, drawn)
        inside, outside = (
            within[0] <= lead.low and lead.high <= within[1],
            lead.high < within[0] or lead.low > within[1],
        )
        place = "inside" if inside else "outside" if outside else "across an edge"
        rows.append(
            (
                key,
                price,
                own.score,
                lead.value,
                lead.low,
                lead.high,
                place,
                *(getattr(one, "value", np.nan) for one in chance.values()),
            )
        )
    columns = ["name", "USD per million output tokens", "score", "rival's lead", "low", "high", "against the range"]
    if not rows:
        return Unanswered("none of the names is on the board", NOT_CHECKABLE)
    return pd.DataFrame(rows, columns=[*columns, "name on frontier", "rival on frontier"])


def premium(
    models: pd.DataFrame | Unanswered,
    developer: str,
    drawn: np.ndarray | Unanswered,
    rivals_only: bool = False,
) -> Estimate | Unanswered:
    """Median ratio of a developer's prices to the cheapest price of any model of at least the same score.

    Parameters
    ----------
    models : DataFrame or Unanswered
        One row a model: arena_key, developer, output_usd_per_mtok, score, error.
    developer : str
        Whose models are compared.
    drawn : array, shape (draws, models), or Unanswered
        As `drawn_scores` gives for these models; the interval holds 95% of the draws.
    rivals_only : bool
        Compare with other developers' models only; a model that no rival reaches has no ratio, and a draw without
        any is left out. Else the model itself counts, so that no ratio can be below 1.

    Returns
    -------
    Estimate or Unanswered
        Ratio; n is the number of the developer's models that have one.
    """
    if isinstance(models, Unanswered):
        return models
    own = (models.developer == developer).to_numpy()
    if not own.any():
        return Unanswered(f"the board holds no model of {developer} with a price", NOT_CHECKABLE)
    price = models.output_usd_per_mtok.to_numpy()
    rivals = ~own if rivals_only else np.ones(len(models), bool)

    def median_ratios(scores):
        # by price, the running maximum of the rivals' scores says from which price on a score is reached
        order = np.flatnonzero(rivals)[np.argsort(price[rivals], kind="stable")]
        ladder = np.append(price[order], np.inf)
        best = running(np.maximum, scores.T[order])
        steps = [(best < scores.T[k]).sum(axis=0, dtype=np.int16) for k in np.flatnonzero(own)]
        ratios = price[own] / ladder[np.stack(steps, axis=1)]
        ratios = np.where(ratios > 0, ratios, np.nan)
        found = np.isfinite(ratios)
        kept = ratios[found.any(axis=1)]
        return np.median(kept, axis=1) if found.all() else np.nanmedian(kept, axis=1), found.sum(axis=1)

    points, counts = median_ratios(models.score.to_numpy()[None])
    if not len(points):
        return Unanswered(f"no rival reaches a model of {developer}", NOT_CHECKABLE)
    value, (ratios, _) = points[0], median_ratios(drawn)
    low, high = np.quantile(ratios, [0.025, 0.975])
    against = "other developers' models" if rivals_only else "all models"
    method = f"median over {developer}'s models against {against}, 95% of {len(drawn):,} draws of the scores"
    return Estimate(
        value, min(low, value), max(high, value), "ratio", int(counts[0]), method, RESAMPLED, partial(rows_of, models)
    )
