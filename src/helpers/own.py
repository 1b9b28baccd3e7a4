"""Cases of one's own: another event, groups of one's own, another survey, asked for by parameters alone.

Two notebooks that are part of no edition read through this: `own_event` and `own_survey`. What they are asked is looked
at before they run, so that a wrong wish is told in one line and nothing is executed.
"""

import difflib
import textwrap

import numpy as np
import pandas as pd

from helpers import adoption, data, events, returns
from helpers.inference import Estimate, Unanswered
from helpers.parameters import ParameterError, hint

EVENT, SURVEY = "own_event", "own_survey"
MOST_WORDS = 60


def check(notebook: str, values: dict) -> None:
    """Refuse parameters that the data cannot serve, before anything is run.

    Parameters
    ----------
    notebook : str
        Notebook for a case of one's own.
    values : dict
        All its parameters.

    Raises
    ------
    ParameterError
        Naming the parameter, its value and what is expected.
    helpers.data.DataError
        If a file of one's own breaks a rule.
    """
    if notebook == EVENT:
        as_of, benchmark = values["as_of"], values["benchmark"]
        daily = returns.daily_returns(data.load("return_indices", as_of))
        if benchmark not in daily:
            raise ParameterError(f"benchmark {benchmark!r} is no security with returns; {hint(benchmark, daily)}")
        times = timing(daily, *(values[name] for name in ("day", "window", "estimation")))
        if not 0 < len(values["event"]) <= MOST_WORDS:
            raise ParameterError(f"event takes words for a title, 1 to {MOST_WORDS} signs, not {values['event']!r}")
        chosen(daily, times, groups(values["groups"], values["groups_file"], as_of), benchmark)
    elif notebook == SURVEY:
        if not 0 < len(values["who"]) <= MOST_WORDS:
            raise ParameterError(f"who takes words for a title, 1 to {MOST_WORDS} signs, not {values['who']!r}")
        rows = data.load("adoption_figures", values["as_of"])
        adoption_rows(rows, *(values[name] for name in ("measure", "entity", "since")))


def timing(daily: pd.DataFrame, day: str, window: str, estimation: str) -> events.Timing:
    """Tell the days of an event study, as `events.timing` does.

    Raises
    ------
    ParameterError
        If they cannot be had from the trading days known.
    """
    try:
        return events.timing(daily.index, day, window, estimation)
    except ValueError as error:
        raise ParameterError(str(error)) from None


def groups(names: str, file: str, as_of: str) -> pd.DataFrame:
    """Read the groups that were asked for, the collection's or one's own.

    Parameters
    ----------
    names : str
        Comma-separated, the one that matters most first.
    file : str
        File in ``data/own`` with groups of one's own, as `data.own_groups` reads it.
    as_of : str
        ISO date.

    Returns
    -------
    DataFrame
        One row a member, in the order asked for: group (in words), security, weight. Of the collection's groups shares
        alone, for a fund holds them already, and each weighs alike. ``attrs`` are those of ``security_groups``, and
        tell if a group is one's own.

    Raises
    ------
    ParameterError
        If a group is unknown, asked for twice, or none is.
    helpers.data.DataError
        If the file breaks a rule.
    """
    public, kinds = data.load("security_groups", as_of), data.load("securities", as_of).set_index("security").kind
    try:
        own = data.own_groups(file)
    except ValueError as error:
        raise ParameterError(f"groups_file: {error}") from None
    shares = public[public.security.map(kinds) == "share"]
    shares = shares.assign(weight=1 / shares.groupby("group").security.transform("size"))
    table = pd.concat([part for part in (shares, own) if len(part)], ignore_index=True)
    asked, known = [name.strip() for name in names.split(",")], sorted(set(table.group))
    for name in asked:
        if name not in known:
            raise ParameterError(f"groups: no group {name!r}; {hint(name, known)}")
        if asked.count(name) > 1:
            raise ParameterError(f"groups: {name!r} is asked for twice")
    out = pd.concat([table[table.group == name] for name in asked], ignore_index=True)
    mine = out.group.isin(own.group)
    out = out.assign(group=out.group.str.replace("_", " ").str.replace(r"^ai\b", "AI", regex=True))
    out.attrs = public.attrs | ({"own": int(mine.sum())} if mine.any() else {})
    return out


def chosen(
    daily: pd.DataFrame, times: events.Timing, table: pd.DataFrame, benchmark: str
) -> tuple[dict[str, pd.Series], list[str]]:
    """Weigh the members of each group that have the returns that an event study needs.

    Parameters
    ----------
    daily : DataFrame
        As `returns.daily_returns` gives.
    times : Timing
    table : DataFrame
        As `groups` gives.
    benchmark : str
        Security that stands for the market: no member of a group.

    Returns
    -------
    dict of str to Series
        Weights by security, summing to 1, by group.
    list of str
        A line for each member that is left out.

    Raises
    ------
    ParameterError
        If no member of a group has them, or the benchmark is a member.
    """
    weights, left = {}, []
    for name, rows in table.groupby("group", sort=False):
        if benchmark in set(rows.security):
            raise ParameterError(f"benchmark {benchmark!r} is a member of {name}: a group is held against another")
        held = events.priced(daily, list(rows.security), times)
        needs = f"{events.LEAST_DAYS} returns from {times.start} to {times.end} and one on each day of the event"
        if not held:
            raise ParameterError(f"groups: no member of {name} ({', '.join(rows.security)}) has {needs}")
        own = rows.set_index("security").weight.loc[held]
        weights[name] = own / own.sum()
        left += [f"{security} of {name} is left out: it has not {needs}." for security in rows.security.drop(
            rows.index[rows.security.isin(held)]
        )]  # fmt: skip
    return weights, left


def abnormal_table(
    daily: pd.DataFrame, weights: dict[str, pd.Series], times: events.Timing, benchmark: str
) -> pd.DataFrame:
    """Tabulate the abnormal return of each group on the event's day and over its window.

    Parameters
    ----------
    daily : DataFrame
        As `events.with_groups` gives.
    weights : dict of str to Series
        As `chosen` gives.
    times : Timing
    benchmark : str

    Returns
    -------
    DataFrame
        One row a group and period: group, members (count), period (``day`` or ``window``), start, end, value, low,
        high (percent), reading (as `reading` gives), found (the Estimate or Unanswered).
    """
    rows = []
    names = [*weights, *dict.fromkeys(security for own in weights.values() for security in own.index)]
    model = events.normal_returns(daily, names, times.end, times.days, benchmark)
    for period, ends in {"day": (times.day, times.day), "window": (times.first, times.last)}.items():
        for name, own in weights.items():
            found = events.group_abnormal_return(model, name, own, *ends)
            numbers = (found.value, found.low, found.high) if isinstance(found, Estimate) else (np.nan,) * 3
            rows.append((name, len(own), period, *ends, *numbers, reading(found), found))
    columns = ["group", "members", "period", "start", "end", "value", "low", "high", "reading", "found"]
    return pd.DataFrame(rows, columns=columns)


def reading(found: Estimate | Unanswered) -> str:
    """Say on which side of zero an estimate lies, as far as its interval lets one tell.

    Examples
    --------
    >>> two = (Estimate(-2, -3, high, "percent", 9, "t", "closed form") for high in (-1, 1))
    >>> tuple(reading(one) for one in two)
    ('below zero', 'cannot tell')
    """
    if isinstance(found, Unanswered):
        return found.verdict
    return "below zero" if found.high < 0 else "above zero" if found.low > 0 else "cannot tell"


def agreement(found: dict) -> str:
    """Say how many of some specifications read as the first one does.

    Parameters
    ----------
    found : dict of any to (Estimate or Unanswered)
        The headline first, such as `events.group_specifications` gives.
    """
    first, *others = found.values()
    answered = [one for one in others if isinstance(one, Estimate)]
    if isinstance(first, Unanswered) or not answered:
        return "no alternative has an answer" if isinstance(first, Estimate) else first.reason
    alike = sum(reading(one) == reading(first) for one in answered)
    return f"{alike} of {len(answered)} alternatives read the same"


def specifications(found: dict) -> pd.DataFrame:
    """Tabulate specifications as they were asked for, the headline first.

    Parameters
    ----------
    found : dict of tuple of str to (Estimate or Unanswered)
        As `events.group_specifications` gives.

    Returns
    -------
    DataFrame
        One row a specification: the columns of `events.CHOICES`, value, low, high (percent), n, reading, and why
        there is no answer, where there is none.
    """
    rows = []
    for key, one in found.items():
        answered = isinstance(one, Estimate)
        numbers = (one.value, one.low, one.high, one.n) if answered else (np.nan, np.nan, np.nan, 0)
        rows.append((*key, *numbers, reading(one), "" if answered else one.reason))
    return pd.DataFrame(rows, columns=[*events.CHOICES, "value", "low", "high", "n", "reading", "why"])


def short(words: str) -> str:
    """Break words into lines short enough to stand beside a mark in a figure."""
    return textwrap.fill(words, 24)


def wealth(indices: pd.DataFrame, weights: dict[str, pd.Series], benchmark: str, times: events.Timing) -> pd.DataFrame:
    """Wealth of groups and a benchmark bought at the close of the event's eve, to the end of its window.

    Ten trading days are shown at least, as far as they are known: a path of one day is none.

    Parameters
    ----------
    indices : DataFrame
        As for `returns.wealth_paths`.
    weights : dict of str to Series
        As `chosen` gives; held on the eve, then left alone.
    benchmark : str
    times : Timing

    Returns
    -------
    DataFrame or Unanswered
        As `returns.wealth_paths` gives.
    """
    days = indices.date[indices.date > times.eve].drop_duplicates().sort_values(kind="stable")
    last = max(days.iloc[:11].max(), pd.Timestamp(times.last))
    parts, seen = [], indices[indices.date <= last]
    for name, own in {**weights, benchmark: pd.Series({benchmark: 1.0})}.items():
        caps = pd.DataFrame({"security": own.index, "date": pd.Timestamp(times.eve), "market_cap_usd": own.to_numpy()})
        found = returns.wealth_paths(seen, caps, [returns.Portfolio(name, own.index, "own")], times.eve)
        if isinstance(found, Unanswered):
            return found
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def adoption_rows(rows: pd.DataFrame, measure: str, entity: str, since: str) -> pd.DataFrame:
    """Cut one series of a survey out of the published figures.

    Parameters
    ----------
    rows : DataFrame
        One row a figure, as ``adoption_figures`` holds them.
    measure, entity : str
        Survey and what was measured; region, size class or answer.
    since : str
        First day of the first period wanted, ISO.

    Returns
    -------
    DataFrame
        The rows, in the order of the file.

    Raises
    ------
    ParameterError
        If the measure or the entity is unknown, no period is left, or the rows are no series.
    """
    known = sorted(set(rows.measure))
    if measure not in known:
        near = [name for name in known if measure and measure.lower() in name.lower()]
        near += difflib.get_close_matches(measure, known, n=1)
        told = f"did you mean {near[0]!r}?" if near else "adoption_figures lists them"
        raise ParameterError(f"measure: no {measure!r} known on that day; {told}")
    own = rows[rows.measure == measure]
    if entity not in set(own.entity):
        raise ParameterError(f"entity: no {entity!r} in {measure!r}; there are {'; '.join(sorted(set(own.entity)))}")
    own = own[own.entity == entity]
    cut = own[own.period_start >= pd.Timestamp(since)]
    if cut.empty:
        span = f"{own.period_start.min():%Y-%m-%d} to {own.period_start.max():%Y-%m-%d}"
        raise ParameterError(f"since {since}: no period begins then or later; they begin {span}")
    try:
        adoption.survey(cut)
    except ValueError as error:
        raise ParameterError(f"measure {measure!r}: {error}") from None
    return cut


def fan(rows: pd.DataFrame) -> pd.DataFrame | Unanswered:
    """Forecast half a year from the last period of a survey, at whatever steps it is asked.

    Parameters
    ----------
    rows : DataFrame
        As `adoption.survey` gives.

    Returns
    -------
    DataFrame or Unanswered
        As `adoption.fan` gives. Unanswered where periods are too few, or at uneven steps.
    """
    if len(rows) < 2:
        return Unanswered("only one period is known")
    every = adoption.step(rows)
    try:
        return adoption.fan(rows, rows.cycle.iloc[-1], horizons=max(1, round(182 / every)), every=every)
    except ValueError:
        return Unanswered("periods stand at uneven steps")


def survey_alternatives(rows: pd.DataFrame) -> dict[str, dict[str, Estimate | Unanswered]]:
    """Change and trend of a survey's rate by the declared alternatives, where they differ from the headline.

    Parameters
    ----------
    rows : DataFrame
        As `adoption.survey` gives.

    Returns
    -------
    dict of str to dict of str to (Estimate or Unanswered)
        By ``change`` and ``trend``, then by label; log odds a year.
    """
    change = {
        "without the first period": adoption.survey_change(rows.iloc[1:]),
        "without the last period": adoption.survey_change(rows.iloc[:-1]),
        "the last step alone": adoption.survey_change(rows.iloc[-2:]),
    }
    trend = {
        "last twelve periods": adoption.trend(rows, last=12),
        "without the last period": adoption.trend(rows.iloc[:-1]),
        "with the usual errors": adoption.trend(rows, usual=True),
    }
    # of two periods the last step is the whole change, and of twelve the last twelve are all
    same = {"the last step alone": 2, "last twelve periods": 12}
    parts = {"change": change, "trend": trend}
    return {
        name: {label: one for label, one in part.items() if same.get(label) != len(rows)}
        for name, part in parts.items()
    }


def source(rows: pd.DataFrame) -> str:
    """Name the series of a survey as the source of a figure, and own data where the table holds some.

    Parameters
    ----------
    rows : DataFrame
        As `adoption_rows` gives.
    """
    own = ". Includes own data" if "own" in rows.attrs else ""
    return f"{rows.measure.iloc[0]}, {rows.entity.iloc[0]}. Own calculation{own}"
