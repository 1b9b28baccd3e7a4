"""Linking: scores of models that stood on different boards brought to one scale, with the error of doing so."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from helpers.inference import NOT_CHECKABLE, Unanswered
from helpers.rows import Rows, carry, joined, later, rows_of

LEAST_COMMON = 10
_Z = stats.norm.ppf(0.975)
# boards that hold whole ranges of models; the top rows alone would tilt a link, so they are linked but never linked to
_BROAD = ("full", "current models only")


@dataclass(frozen=True)
class Link:
    """Straight line that carries the scores of one board to the scale of another, had from the models they share.

    Parameters
    ----------
    slope, intercept : float
        ``score on the other scale = intercept + slope * score``.
    centre : float
        Mean score of the common models on the board that is carried.
    residual : float
        Standard deviation of the common models around the line, points of the other scale.
    spread : float
        Root of the sum of squares of the common models' scores around ``centre``.
    common : int
        Models that stand on both boards.
    """

    slope: float
    intercept: float
    centre: float
    residual: float
    spread: float
    common: int


def link(rows: pd.DataFrame, reference: pd.DataFrame, straight: bool = True) -> Link | Unanswered:
    """Link a board to another by their common models: mean and standard deviation are made equal.

    ``slope = sd(reference) / sd(board)``, ``intercept = mean(reference) - slope * mean(board)``, both over the common
    models: the mean-sigma method, the same line whichever board is carried (Kolen and Brennan 2014, doi
    10.1007/978-1-4939-0317-7). Not straight: the slope is one, and only the means are made equal.

    Parameters
    ----------
    rows, reference : DataFrame
        One row a model: arena_key, score (points).
    straight : bool

    Returns
    -------
    Link or Unanswered
        Unanswered below ten common models.

    Examples
    --------
    >>> board = pd.DataFrame({"arena_key": list("abcdefghij"), "score": range(10)})
    >>> found = link(board, board.assign(score=2 * board.score + 5))
    >>> found.slope, found.intercept, found.common, round(found.residual, 9)
    (2.0, 5.0, 10, 0.0)
    """
    place = pd.Index(reference.arena_key).get_indexer(rows.arena_key)
    common = place >= 0
    n = int(common.sum())
    if n < LEAST_COMMON:
        return Unanswered(f"two boards share only {n} models, too few to link them", NOT_CHECKABLE)
    here, there = rows.score.to_numpy(float)[common], reference.score.to_numpy(float)[place[common]]
    slope = float(there.std() / here.std()) if straight else 1.0
    intercept = float(there.mean() - slope * here.mean())
    residual = float(np.sqrt(((there - intercept - slope * here) ** 2).sum() / (n - 1 - straight)))
    return Link(slope, intercept, float(here.mean()), residual, float(np.sqrt(n) * here.std()), n)


def carried(rows: pd.DataFrame, line: Link) -> pd.DataFrame:
    """Carry scores along a link, and split the error into what is each model's own and what the link shares out.

    Own: ``sqrt((slope * error)^2 + residual^2)``, for a model may move as the common ones did. Shared by all models of
    the board: the line may lie too high (``link_level = residual / sqrt(common)``) and be tilted
    (``link_tilt = residual * (score - centre) / spread``), as in the prediction from a regression.

    Parameters
    ----------
    rows : DataFrame
        One row a model: score, error (points).
    line : Link

    Returns
    -------
    DataFrame
        ``rows`` with score and error on the other scale, and the columns link_level and link_tilt (points).
    """
    own = np.hypot(line.slope * rows.error, line.residual)
    tilt = line.residual * (rows.score - line.centre) / line.spread if line.spread else 0.0
    level = line.residual / math.sqrt(line.common)
    return rows.assign(score=line.intercept + line.slope * rows.score, error=own, link_level=level, link_tilt=tilt)


def linked(
    scores: pd.DataFrame,
    boards: pd.DataFrame,
    style_control: bool = False,
    reference: str | None = None,
    straight: bool = True,
) -> pd.DataFrame | Unanswered:
    """Score every model that ever stood on a board with intervals, on the scale of one reference board.

    A model of the reference board keeps its score there. Any other has that of the newest board which holds it,
    carried by the link between the two boards. So retired models stay in, and scales are never mixed.

    Parameters
    ----------
    scores : DataFrame
        One row a board and model: board_date, style_control, arena_key, score, score_low, score_high, open_weights.
        Only what was known on the as-of date.
    boards : DataFrame
        One row a board: board_date, style_control, scale_regime, membership.
    style_control : bool
        Which of the two kinds of boards.
    reference : str, optional
        ISO date of the reference board; the newest one that holds more than the top rows, where it is left out.
    straight : bool
        As for `link`.

    Returns
    -------
    DataFrame or Unanswered
        One row a model: arena_key, open_weights (as printed), score, error (points; the board's own interval, else the
        newest one of the model under the same kind, else under the other kind, else the widest), link_level,
        link_tilt, board_date (whose score it is), on_reference, scale, until (date of the newest board).
        Unanswered when no board with intervals is known. Boards that cannot be linked are left out.
    """
    found = _reference(scores, boards, style_control, reference)
    if isinstance(found, Unanswered):
        return found
    out = _joined(*found, straight)
    # of a copy, whose attrs are free to be written
    return carry(out, later(lambda: _linked_rows(out.copy(), found[1], scores, boards, style_control)))


def _joined(rows, base, straight=True):
    """Models of the reference board, and those that other boards bring in by their links."""
    day = base.board_date.iloc[0]
    boards_beside = {other: link(own, base, straight) for other, own in rows.groupby("board_date") if other != day}
    lines = {other: line for other, line in boards_beside.items() if isinstance(line, Link)}
    others = rows[~rows.arena_key.isin(base.arena_key) & rows.board_date.isin(list(lines))]
    others = others.sort_values("board_date", kind="stable").drop_duplicates("arena_key", keep="last")
    parts = [carried(own, lines[other]) for other, own in others.groupby("board_date")]
    parts, until = [base.assign(link_level=0.0, link_tilt=0.0), *parts], max([day, *lines])
    out = pd.concat(parts, ignore_index=True)
    scale = f"{base.scale_regime.iloc[0]}, board of {day:%Y-%m-%d}"
    out = out.assign(on_reference=out.board_date == day, scale=scale, until=until)
    columns = ["arena_key", "open_weights", "score", "error", "link_level", "link_tilt", "board_date"]
    return out[[*columns, "on_reference", "scale", "until"]]


def _linked_rows(out, base, scores, boards, style_control):
    """Rows behind linked models: their own scores and intervals, and both sides of the links that carry them.

    Those that set the day, the scale and the first board stand behind every model.
    """
    own, about = (table[table.style_control == style_control] for table in (scores, boards))
    reference, until = base.board_date.iloc[0], out.until.max()
    carrying = out.board_date[~out.on_reference].unique()
    common = own[own.arena_key.isin(base.arena_key) & own.board_date.isin([*carrying, until])]
    common = common[common.board_date != reference]
    bases = own[own.board_date == reference]
    bases = bases.iloc[pd.Index(bases.arena_key).get_indexer(common.arena_key)]
    bases = bases.assign(board_date=common.board_date.to_numpy())
    entered = _scores_of(out, scores, style_control)
    entered |= rows_of(joined(out, "board_date", common, bases, about))
    measured = own[own.score_low.notna() & own.board_date.isin(about.board_date)]
    first = measured.loc[[measured.board_date.idxmin()]]
    deciding = about[about.board_date.isin([reference, until, *first.board_date])]
    newest = [side[side.board_date == until] for side in (common, bases)]
    return entered | rows_of(*(table[[]] for table in (first, deciding, *newest)))


def _scores_of(out, scores, style_control) -> Rows:
    """Rows of the scores of some models on their boards, and of the intervals that were borrowed for them."""
    own, keys = scores[scores.style_control == style_control], ["arena_key", "board_date"]
    entered = rows_of(joined(out, keys, own))
    bare = own.loc[own.score_low.isna(), keys]
    lacking = out[keys].reset_index().merge(bare, on=keys).set_index("index")
    known = _newest_intervals(scores, style_control)
    entered |= rows_of(joined(lacking, "arena_key", known))
    never = lacking[~lacking.arena_key.isin(known.arena_key)]
    if len(never):
        widths = _widths(scores)
        widest = widths.loc[[widths.width.idxmax()]]
        entered |= rows_of(joined(never.assign(arena_key=widest.arena_key.iloc[0]), "arena_key", widest))
    return entered


def links(scores: pd.DataFrame, boards: pd.DataFrame, style_control: bool = False) -> pd.DataFrame | Unanswered:
    """Tabulate the links that `linked` makes, and how many models each board brings in.

    Parameters
    ----------
    scores, boards, style_control
        As for `linked`.

    Returns
    -------
    DataFrame or Unanswered
        One row a board that brings a model in or fails to be linked: board, scale, models (it brings in), common
        (models shared with the reference board), slope, shift (points added at the mean of the common models),
        residual (points); missing for the reference board itself and where there is no link.
    """
    found = _reference(scores, boards, style_control, None)
    if isinstance(found, Unanswered):
        return found
    rows, base = found
    brought = _joined(rows, base).board_date.value_counts()
    out = []
    for day, own in rows.groupby("board_date"):
        line = link(own, base)
        count = int(brought.get(day, 0))
        if count and isinstance(line, Link) and day != base.board_date.iloc[0]:
            shift = line.intercept + (line.slope - 1) * line.centre
            out.append((day, own.scale_regime.iloc[0], count, line.common, line.slope, shift, line.residual))
        elif count or isinstance(line, Unanswered):
            out.append((day, own.scale_regime.iloc[0], count, own.arena_key.isin(base.arena_key).sum(), *[np.nan] * 3))
    return pd.DataFrame(out, columns=["board", "scale", "models", "common", "slope", "shift", "residual"])


def _reference(scores, boards, style_control, reference):
    """Rows of the boards from the first with intervals on, and those of the reference board."""
    wanted = ["board_date", "style_control", "scale_regime", "membership"]
    rows = scores[scores.style_control == style_control].merge(boards[wanted], on=wanted[:2], validate="m:1")
    rows = _with_errors(rows, scores, style_control)
    measured = rows[rows.score_low.notna()]
    if measured.empty:
        return Unanswered("no board known by then carries intervals")
    rows = rows[rows.board_date >= measured.board_date.min()]
    broad = rows[rows.membership.isin(_BROAD)].board_date
    if broad.empty:
        return Unanswered("no board known by then holds more than the top rows")
    day = pd.Timestamp(reference) if reference else broad.max()
    base = rows[rows.board_date == day]
    return (rows, base) if len(base) else Unanswered(f"the board of {day:%Y-%m-%d} is not known with intervals")


def one_board(
    scores: pd.DataFrame, boards: pd.DataFrame, day: str, style_control: bool = False
) -> pd.DataFrame | Unanswered:
    """Score the models of the newest board on or before a day, linking nothing.

    Parameters
    ----------
    scores, boards, style_control
        As for `linked`.
    day : str
        ISO date.

    Returns
    -------
    DataFrame or Unanswered
        As `linked` gives; all models are on the reference board.
    """
    early = boards[(boards.board_date <= pd.Timestamp(day)) & (boards.style_control == style_control)]
    if early.empty or scores[scores.score_low.notna()].empty:
        return Unanswered(f"no board up to {day} is known with intervals")
    newest = early.loc[early.board_date.idxmax()]
    rows = scores[(scores.board_date == newest.board_date) & (scores.style_control == style_control)]
    out = _with_errors(rows, scores, style_control)[["arena_key", "open_weights", "score", "error", "board_date"]]
    scale = f"{newest.scale_regime}, board of {newest.board_date:%Y-%m-%d}"
    out = out.assign(link_level=0.0, link_tilt=0.0, on_reference=True, scale=scale, until=newest.board_date)
    return carry(out, _scores_of(out, scores, style_control), early.loc[[newest.name], []])


def _with_errors(rows, scores, style_control):
    error = (rows.score_high - rows.score_low) / (2 * _Z)
    newest = _newest_intervals(scores, style_control).set_index("arena_key").width
    widest = _widths(scores).width.max()
    return rows.assign(error=error.fillna(rows.arena_key.map(newest)).fillna(widest))


def _widths(scores):
    known = scores[scores.score_low.notna()]
    return known.assign(width=(known.score_high - known.score_low) / (2 * _Z))


def _newest_intervals(scores, style_control):
    """Newest interval of each model, one under the same kind of board where there is any."""
    known = _widths(scores).assign(same=lambda rows: rows.style_control == style_control)
    return known.sort_values(["same", "board_date"], kind="stable").drop_duplicates("arena_key", keep="last")


def described(models: pd.DataFrame | Unanswered, catalogue: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Give scored models their names, release dates and licences; those not released, or of unknown licence, go.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `linked` gives.
    catalogue : DataFrame
        One row a model: arena_key, name, developer, release_date, release_is_proxy, licence_class, open_weights.

    Returns
    -------
    DataFrame or Unanswered
        One row a model, by release date: the columns of ``models``, and name, developer, release_date,
        release_is_proxy, licence_class (the catalogue's), open (whether the weights can be downloaded) and
        open_as_printed (what the board's licence says).
    """
    if isinstance(models, Unanswered):
        return models
    columns = ["arena_key", "name", "developer", "release_date", "release_is_proxy", "licence_class", "open_weights"]
    known = models.rename(columns={"open_weights": "open_as_printed"}).merge(catalogue[columns], on="arena_key")
    known = known[known.open_weights.notna() & (known.release_date <= known.until)]
    # a model that was renamed stands once, under the name of the newest board that lists it
    known = known.sort_values(["on_reference", "board_date"], kind="stable").drop_duplicates("name", keep="last")
    out = arranged(known.assign(open=known.open_weights.astype(bool)).drop(columns="open_weights"))
    return joined(out.reset_index(drop=True), "arena_key", models, catalogue)


def index_models(index: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Bring Epoch's Capabilities Index into the form of scored models; it prints no intervals, so errors are zero.

    Parameters
    ----------
    index : DataFrame
        One row a model version: model_version, display_name, eci, release_date, organization, accessibility,
        access_class.

    Returns
    -------
    DataFrame or Unanswered
        As `described` gives; versions without a date or a class are left out, and ``until`` is the newest release.
    """
    if index.empty:
        return Unanswered("no file of the Epoch Capabilities Index is known yet")
    rows = index[index.release_date.notna() & index.access_class.notna()]
    opened = rows.access_class == "open"
    free = rows.accessibility == "Open weights (unrestricted)"
    out = pd.DataFrame(
        {
            "arena_key": rows.model_version,
            "name": rows.display_name.fillna(rows.model_version),
            "developer": rows.organization,
            "release_date": rows.release_date,
            "release_is_proxy": False,
            "licence_class": np.select([opened & free, opened], ["open-permissive", "open-restricted"], "proprietary"),
            "open": opened,
            "open_as_printed": opened,
            "score": rows.eci,
        }
    )
    zero = dict.fromkeys(("error", "link_level", "link_tilt"), 0.0)
    newest = rows.release_date.max()
    out = arranged(
        out.assign(**zero, board_date=newest, on_reference=True, scale="Epoch Capabilities Index", until=newest)
    )
    out = joined(out.reset_index(drop=True), "arena_key", rows.assign(arena_key=rows.model_version))
    # the newest release says until when the index is known
    return carry(out, out, rows.loc[[rows.release_date.idxmax()], []])


def coverage(models: pd.DataFrame | Unanswered, name: str) -> str:
    """Say how many models of a scale are compared, how many were linked, and which the board wrongly calls open.

    Parameters
    ----------
    models : DataFrame or Unanswered
        As `described` gives.
    name : str
        Name of the scale.
    """
    if isinstance(models, Unanswered):
        return f"{name}: {models.reason}."
    opened, brought, proxies = int(models.open.sum()), int((~models.on_reference).sum()), models.release_is_proxy.mean()
    wrongly = ", ".join(models.name[models.open_as_printed.fillna(False).astype(bool) & ~models.open])
    return (
        f"{name}: {len(models)} models to {models.until.max():%Y-%m-%d}, {opened} of them open, {brought} brought in "
        f"by links to the scale {models.scale.iloc[0]}; {100 * proxies:.0f}% of the release dates are first sightings"
        + (f"; printed as open, but without published weights: {wrongly}." if wrongly else ".")
    )


def arranged(models: pd.DataFrame) -> pd.DataFrame:
    """Put models in a total order, by release date and then by key, so that results do not hang on that of the rows."""
    return models.sort_values(["release_date", "arena_key"], kind="stable")
