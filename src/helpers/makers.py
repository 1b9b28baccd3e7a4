"""Who makes the models: shares by kind of maker, by access and by country, and the gaps between the best models."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy import special, stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from helpers.inference import (
    CLOSED_FORM,
    ITERATIVE,
    NOT_CHECKABLE,
    Estimate,
    Unanswered,
    exact,
    in_words,
    number,
    share,
)
from helpers.rows import NO_ROWS, Rows, carry, joined, rows_of

MAKERS = ["industry", "joint", "academia", "government", "other"]
UNITED_STATES, CHINA = "United States", "China"
# fmt: off
# seat of the developers of the Arena; those not named here sit elsewhere, or nowhere
DEVELOPERS = {
    UNITED_STATES: [
        "Ai2", "Amazon", "Anthropic", "Arcee AI", "Databricks", "Dolphin", "Google", "HuggingFace", "IBM",
        "Inception AI", "LMSYS", "Meta", "Microsoft", "Microsoft AI", "MosaicML", "NexusFlow", "Nomic AI",
        "NousResearch", "Nvidia", "OpenAI", "Perplexity AI", "Princeton NLP", "Reka AI", "Snowflake",
        "Stanford", "Teknium", "Thinking Machines", "Together AI", "UC Berkeley", "UW", "xAI",
    ],
    CHINA: [
        "01 AI", "Alibaba", "Ant Group", "Baidu", "ByteDance", "DeepSeek", "InternLM", "Meituan", "MiniMax",
        "Moonshot", "OpenChat", "StepFun", "Tencent", "Tsinghua", "Xiaomi", "Z.ai",
    ],
}
# developers of the Arena that are no firms: universities, institutes, collectives, persons
NOT_FIRMS = [
    "Ai2", "Dolphin", "InternLM", "LMSYS", "OpenAssistant", "OpenChat", "Princeton NLP", "RWKV", "Stanford",
    "TII", "Teknium", "Tsinghua", "UC Berkeley", "UW",
]
# fmt: on
# words by which an organisation in Epoch's file is told to be no firm, and the firms that bear one of them
_NO_FIRM = (
    "Universit|Institut|College|Academy|School|Centre|Fraunhofer|National Laboratory|Peng Cheng|Shanghai AI Lab|Mila|"
    "CIFAR|INRIA|LORIA|IDIAP|HEC$|ESAT|KU Leuven|Technion|Forschungszentrum|Staatsbibliothek|BigScience|EleutherAI|"
    "CSIRO|Data61|ScaDS|Computing Center|Fast.ai"
)
_FIRMS = ["Toyota Research Institute", "Samsung R&D Institute Russia"]
_OPENNESS = "Foundation models, share by access"
_COUNTS = ["report", "year", "known_on", *MAKERS, "total", "n"]
_HALF = stats.norm.ppf(0.975)
_SCREEN = 0.005  # part of the error that tells contenders from the rest


def by_maker(figures: pd.DataFrame) -> pd.DataFrame:
    """Count notable models by kind of maker, one row a vintage and year.

    Parameters
    ----------
    figures : DataFrame
        One row a published figure: report (vintage), metric, category, period_end, value, known_on.

    Returns
    -------
    DataFrame
        report, year, known_on, the counts industry (alone), joint (industry with anyone else), academia, government
        (each alone) and other (no industry, or unknown), total (sum of these classes) and n (models), sorted by year
        and day on which it was known. Empty where none is known.
    """
    rows = figures[figures.metric == "Notable AI models by sector"]
    alone = {"Industry": "industry", "Academia": "academia", "Government": "government"}
    mixed = np.where(rows.category.str.contains("Industry"), "joint", "other")
    maker = rows.category.map(alone).fillna(pd.Series(mixed, rows.index))
    return _spread(rows.assign(maker=maker, year=rows.period_end.dt.year, weight=rows.value, models=rows.value))


def by_name(compute: pd.DataFrame, weight: str | None = None) -> pd.DataFrame:
    """Count the models of the compute file by kind of maker, told by the words in the names of organisations.

    Parameters
    ----------
    compute : DataFrame
        One row a notable model of known training compute: organization (several joined by commas), published,
        training_compute_flop, known_on.
    weight : str, optional
        Column to add up instead of counting models.

    Returns
    -------
    DataFrame
        As `by_maker` gives, without years that were not over when the file was made; academia holds all models
        without a firm. Only n counts models where there is a weight.
    """
    rows = _full_years(compute, "published", f"{compute.known_on.max():%Y-%m-%d}") if len(compute) else compute
    parts = rows.organization.str.split(",").explode()
    no_firm = parts.str.contains(_NO_FIRM) & ~parts.isin(_FIRMS)
    some, all_of = no_firm.groupby(level=0).any(), no_firm.groupby(level=0).all()
    maker = np.select([all_of, some], ["academia", "joint"], "industry")
    weights = rows[weight] if weight else 1.0
    return _spread(
        rows.assign(report="compute file", maker=maker, year=rows.published.dt.year, weight=weights, models=1)
    )


def by_developer(catalogue: pd.DataFrame, day: str) -> pd.DataFrame:
    """Count the language models of the Arena by kind of developer, one row a year of release that is over.

    Parameters
    ----------
    catalogue : DataFrame
        One row a model: developer, release_date.
    day : str
        ISO date; years not over by then are left out.

    Returns
    -------
    DataFrame
        As `by_maker` gives; other holds all that are no firms. Models without a developer are left out.
    """
    rows = _full_years(catalogue[catalogue.developer.notna()], "release_date", day)
    maker = np.where(rows.developer.isin(NOT_FIRMS), "other", "industry")
    return _spread(rows.assign(report="Arena", maker=maker, known_on=pd.Timestamp(day), weight=1.0, models=1))


def last_year(table: pd.DataFrame) -> int | None:
    """Last year that a table of counts or shares by year holds; None where it holds none.

    Parameters
    ----------
    table : DataFrame
        One row a year, or several: year.
    """
    return None if table.empty else int(table.year.max())


def industry_share(
    counts: pd.DataFrame,
    year: int | None = None,
    years: int = 1,
    first: bool = False,
    joint: bool = False,
    sampled: bool = True,
) -> Estimate | Unanswered:
    """Share of notable models that come from industry, in the last full year known.

    Parameters
    ----------
    counts : DataFrame
        As `by_maker` gives.
    year : int, optional
        Another year instead of the last one known.
    years : int
        Years pooled, up to that one.
    first : bool
        Take the first vintage that counted the year instead of the newest; there must be two.
    joint : bool
        Count joint work of industry with others as industry; else industry alone.
    sampled : bool
        Wilson's interval (1927), as if the models were drawn from all that could have been made and called notable;
        else the count is a census.

    Returns
    -------
    Estimate or Unanswered
        Percent of models; n is their number.

    Examples
    --------
    >>> row = {"report": "A", "year": 2023, "known_on": pd.Timestamp("2024-04-15"), "industry": 51, "joint": 21}
    >>> print(industry_share(pd.DataFrame([row | {"total": 89, "n": 89}])))
    57.3 percent (95% interval 46.9 to 67.1; n = 89; industry alone, 2023, A, Wilson interval)
    """
    if counts.empty:
        return Unanswered("no count by maker is known yet")
    last = last_year(counts) if year is None else year
    if first and (counts.year == last).sum() == 1:
        return Unanswered(f"only one vintage counts {last} yet")
    wanted = range(last - years + 1, last + 1)
    if missing := set(wanted) - set(counts.year):
        return Unanswered(f"no count by maker is known yet for {min(missing)}")
    vintages = counts[counts.year.isin(wanted)].sort_values("known_on", kind="stable")
    rows = vintages.drop_duplicates("year", keep="first" if first else "last").sort_values("year", kind="stable")
    # a first vintage is one only beside a later one
    entered = partial(rows_of, vintages if first else rows)
    made, total = rows.industry.sum() + joint * rows.joint.sum(), rows.total.sum()
    span = f"{last}" if years == 1 else f"{wanted[0]} to {last}"
    words = f"industry {'with others too' if joint else 'alone'}, {span}, {', '.join(dict.fromkeys(rows.report))}"
    if not sampled:
        return exact(100 * made / total, "percent", int(rows.n.sum()), words, entered)
    return _percent(share(int(made), int(total), "percent", f"{words}, Wilson interval", rows=entered))


def maker_shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Share of each kind of maker with Wilson's interval, one row a vintage, year and maker.

    Parameters
    ----------
    counts : DataFrame
        As `by_maker` gives.

    Returns
    -------
    DataFrame
        report, year, maker, count, total, percent, low, high (percent).
    """
    rows = counts.melt(["report", "year", "known_on", "total"], MAKERS, "maker", "count")
    order = rows.maker.map(MAKERS.index)
    rows = rows.assign(order=order).sort_values(["year", "known_on", "order"], kind="stable").reset_index(drop=True)
    rows = with_intervals(rows.assign(percent=100 * rows["count"] / rows.total, opened=rows["count"], n=rows.total))
    return carry(rows[["report", "year", "maker", "count", "total", "percent", "low", "high"]], counts)


def drift(counts: pd.DataFrame) -> pd.DataFrame:
    """Tell how the counts of a year moved from its first vintage to its newest.

    Parameters
    ----------
    counts : DataFrame
        As `by_maker` gives.

    Returns
    -------
    DataFrame
        One row a year with more than one vintage and a maker that either counts, and their total: year, maker,
        first_vintage, first, newest_vintage, newest, change. Empty where no year has two.
    """
    rows = counts.sort_values("known_on", kind="stable").groupby("year", sort=True)
    columns = ["year", "maker", "first_vintage", "first", "newest_vintage", "newest", "change"]
    out = []
    for year, own in rows:
        one, other = own.iloc[0], own.iloc[-1]
        for maker in [*MAKERS, "total"]:
            if len(own) > 1 and one[maker] + other[maker] > 0:
                change = int(other[maker] - one[maker])
                out.append((year, maker, one.report, int(one[maker]), other.report, int(other[maker]), change))
    return carry(pd.DataFrame(out, columns=columns), counts)


def possible_totals(percent: float, later: int, growth: tuple[float, float]) -> list[int]:
    """Numbers of models of a year of which only a share and the growth to the next year, in words, were printed.

    A number fits if some whole part of it is ``percent`` when printed, rounded or cut, with one decimal, and if the
    next year's number is more than ``growth[0]`` and less than ``growth[1]`` times it.

    Parameters
    ----------
    percent : float
        Share that was printed.
    later : int
        Number of models of the next year.
    growth : tuple of two float
        "More than double" is two to three.

    Raises
    ------
    ValueError
        If the percentage is not between 0 and 100.

    Examples
    --------
    >>> possible_totals(44.4, 149, (2, 3))
    [54, 63, 72]
    """
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is no percentage")
    totals = np.arange(1, math.ceil(later / growth[0]))
    totals = totals[growth[1] * totals > later]
    parts = np.arange(totals.max(initial=0) + 1)
    values = np.where(parts <= totals[:, None], 1000 * parts / totals[:, None], np.nan)
    target, tiny = round(10 * percent), 1e-9
    printed = (np.floor(values + tiny) == target) | (np.floor(values + 0.5 + tiny) == target)
    return totals[printed.any(axis=1)].tolist()


def foundation_models(
    figures: pd.DataFrame, growth: tuple[float, float] = (2, 3), cautious: bool = True
) -> pd.DataFrame:
    """Share of foundation models released with open access, one row a year.

    The report prints the number of models of one year and says by words how it grew. For the year before, the number
    is one of those that fit these words and the share printed of that year, as `possible_totals` finds them.

    Parameters
    ----------
    figures : DataFrame
        As for `by_maker`.
    growth : tuple of two float
        More than how many times the year before, and less than how many ("more than double": two to three).
    cautious : bool
        Take the smallest number that fits, which makes the widest interval; else the largest.

    Returns
    -------
    DataFrame
        population, year, percent, opened, n (models; missing where it cannot be told), fits (all numbers that fit,
        empty where the number was printed or nothing is known of it), sorted by year.
    """
    rows = figures[(figures.metric == _OPENNESS) & (figures.category == "Open")]
    rows = rows.sort_values("period_end", kind="stable").assign(row=range(len(rows)))
    totals = figures[figures.metric == "Foundation models released"]
    totals = totals.assign(row=totals.period_end.map(rows.set_index("period_end").row))
    known = rows.period_end.map(totals.set_index("period_end").value).to_numpy(float, copy=True)
    percent, fits, sources = rows.value.to_numpy(float), [[] for _ in known], [rows, totals]
    for k in np.flatnonzero(np.isnan(known[:-1]) & ~np.isnan(known[1:])):
        fits[k] = possible_totals(percent[k], int(known[k + 1]), growth)
        known[k] = (min if cautious else max)(fits[k], default=np.nan)
        sources += [table[table.row == k + 1].assign(row=k) for table in (rows, totals)]
    cells = {"population": "foundation models", "year": rows.period_end.dt.year.to_numpy("int64"), "percent": percent}
    return carry(pd.DataFrame(cells | {"opened": percent * known / 100, "n": known, "fits": fits}), *sources)


def told_totals(shares: pd.DataFrame) -> str:
    """Say which numbers of models fit, where the number of a year was not printed.

    Parameters
    ----------
    shares : DataFrame
        As `foundation_models` gives.
    """
    rows = [row for row in shares.itertuples() if row.fits]
    return (
        " ".join(
            f"{row.percent:.1f}% of {row.year} can be "
            + " or ".join(f"{row.percent * n / 100:.0f} of {n}" for n in row.fits)
            + f" models; we take {row.n:.0f}."
            for row in rows
        )
        or "No number of models needs to be inferred."
    )


def open_by_year(models: pd.DataFrame, date: str, population: str, day: str) -> pd.DataFrame:
    """Share of the models of each full year whose weights can be downloaded.

    Parameters
    ----------
    models : DataFrame
        One row a model: opened (whether it is open; models without an answer are left out).
    date : str
        Column of its release.
    population : str
        Name of the models.
    day : str
        ISO date; years not over by then are left out, nor by the row's known_on, where it has one.

    Returns
    -------
    DataFrame
        As `foundation_models` gives.
    """
    rows = _full_years(models[models.opened.notna()], date, day).astype({"opened": float})
    table = rows.groupby("year").opened.agg(["sum", "size"]).reset_index()
    cells = {"population": population, "year": table.year, "percent": 100 * table["sum"] / table["size"]}
    shares = pd.DataFrame(cells | {"opened": table["sum"].astype(float), "n": table["size"].astype(float)})
    return joined(shares, "year", rows)


def share_difference(
    one: tuple[float, float], other: tuple[float, float], unit: str, method: str, rows: Rows = NO_ROWS
) -> Estimate:
    """Difference of two independent shares with Newcombe's hybrid score interval.

    With Wilson's limits l, u of each share p: from d - sqrt((p1 - l1)^2 + (u2 - p2)^2) to
    d + sqrt((u1 - p1)^2 + (p2 - l2)^2), method 10 of Newcombe (1998, doi
    10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I).

    Parameters
    ----------
    one, other : tuple of two float
        Successes and trials; successes need not be whole where only a rounded share was printed.
    unit, method, rows
        As in `Estimate`.

    Returns
    -------
    Estimate
        ``one`` less ``other``, in percentage points; n is the sum of the trials.

    Examples
    --------
    >>> print(share_difference((56, 70), (48, 80), "percentage points", "Newcombe's table II"))
    20.0 percentage points (95% interval 5.2 to 33.4; n = 150; Newcombe's table II)
    """
    value = 100 * (one[0] / one[1] - other[0] / other[1])
    low, high = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff", alpha=0.05)
    ends = min(100 * low, value), max(100 * high, value)
    return Estimate(value, *ends, unit, round(one[1] + other[1]), method, CLOSED_FORM, rows)


def open_share_change(shares: pd.DataFrame, year: int | None = None, sampled: bool = True) -> Estimate | Unanswered:
    """Share of models released with open access in the last year known less that of the year before.

    Parameters
    ----------
    shares : DataFrame
        One population, as `foundation_models` or `open_by_year` gives.
    year : int, optional
        Another year instead of the last one known.
    sampled : bool
        Newcombe's interval; else the shares are those of a census.

    Returns
    -------
    Estimate or Unanswered
        Percentage points; n is the number of models of both years.
    """
    if shares.empty:
        return Unanswered("no share by access is known yet")
    known = shares.set_index("year")
    last = last_year(shares) if year is None else year
    if not {last, last - 1} <= set(known.index):
        return Unanswered(f"no share by access is known yet for {last if last not in known.index else last - 1}")
    now, before = known.loc[last], known.loc[last - 1]
    words, entered = f"{now.population}, {last} less {last - 1}", shares[shares.year.isin([last - 1, last])]
    if not sampled:
        # the printed shares alone, without the numbers of models
        labels = {"metric": [_OPENNESS], "period_end": lambda days: days.dt.year.isin([last - 1, last])}
        printed = rows_of(entered).select(**labels)
        return exact(now.percent - before.percent, "percentage points", 2, f"{words}, shares as printed", printed)
    if np.isnan(now.n) or np.isnan(before.n):
        return Unanswered(f"the number of {now.population} of {last} or {last - 1} was not printed", NOT_CHECKABLE)
    words += ", Newcombe interval"
    rows = partial(rows_of, entered)
    return share_difference((now.opened, now.n), (before.opened, before.n), "percentage points", words, rows)


def with_intervals(shares: pd.DataFrame) -> pd.DataFrame:
    """Give shares their Wilson intervals.

    Parameters
    ----------
    shares : DataFrame
        opened (successes), n (trials; missing where they are not known), and other columns.

    Returns
    -------
    DataFrame
        ``shares`` with low and high, percent; missing where n is.
    """
    low, high = proportion_confint(shares.opened.to_numpy(), shares.n.to_numpy(), alpha=0.05, method="wilson")
    return shares.assign(low=100 * low, high=100 * high)


def countries(figures: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Tabulate published figures by country, one row a vintage, year and place, the newest year first.

    Parameters
    ----------
    figures : DataFrame
        As for `by_maker`.
    metric : str
        ``Notable AI models by country`` or ``Private AI investment``.

    Returns
    -------
    DataFrame
        report, year, place, value, unit.
    """
    rows = figures[figures.metric == metric].assign(year=figures.period_end.dt.year)
    rows = rows.sort_values(["year", "known_on", "value"], ascending=False, kind="stable")
    table = rows.rename(columns={"category": "place"})[["report", "year", "place", "value", "unit"]]
    return carry(table.reset_index(drop=True), rows)


def seats(catalogue: pd.DataFrame) -> pd.Series:
    """Country of each model's developer, the United States or China; missing for all others.

    Parameters
    ----------
    catalogue : DataFrame
        One row a model: arena_key, developer.

    Returns
    -------
    Series
        By arena_key.
    """
    seat = {developer: country for country, developers in DEVELOPERS.items() for developer in developers}
    return _by_key(catalogue.developer.map(seat), catalogue)


def access(catalogue: pd.DataFrame) -> pd.Series:
    """Whether each model's weights are open or closed, in these words; missing where it is not known.

    Parameters
    ----------
    catalogue : DataFrame
        One row a model: arena_key, open_weights.

    Returns
    -------
    Series
        By arena_key.
    """
    return _by_key(catalogue.open_weights.map({True: "open", False: "closed"}), catalogue)


def expected_maximum(score: np.ndarray, error: np.ndarray) -> float:
    """Mean of the highest of independent normal scores.

    With F the product of the scores' distribution functions and m any point, E = m + int_m (1 - F) - int^m F.

    Parameters
    ----------
    score, error : array, shape (models,)
        Means and standard errors.

    Examples
    --------
    >>> round(expected_maximum(np.array([0.0, 0.0]), np.array([1.0, 1.0])), 4)  # 1 / sqrt(pi)
    0.5642
    """
    score, error = np.asarray(score, float), np.maximum(error, 1e-9)  # a step function where there is no error
    top, reach = score.max(), 9 * error.max()
    above, below = np.linspace(top, top + reach, 400), np.linspace(top - reach, top, 400)
    rest, low = (special.ndtr((x[:, None] - score) / error).prod(axis=1) for x in (above, below))
    return float(top + np.trapezoid(1 - rest, above) - np.trapezoid(low, below))


def best_gap(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray], method: str
) -> Estimate | Unanswered:
    """Gap between the best true scores of two sides, with an interval that does not take the leader for the best.

    The point is the highest score less the highest score. A maximum of noisy scores is too high on average (the
    winner's bias), and the leader need not be the best. The upper end is, over each of ours taken as the truly best,
    the highest of min_b (s_a - s_b + c h_ab), with h the error of the difference: whoever is best, the gap is no
    more than its lead over each of theirs. The lower end is the same with the sides exchanged. c is the critical
    value at which prod_b Phi(c + g_b / h_ab) = 0.98: each rival counts the less, the further (g_b, a lower bound,
    simultaneous over the rivals at half a percent) it is known to trail its own side's best. At least 95% of such
    intervals hold the true gap, whatever the scores (Romano, Shaikh and Wolf 2014, doi 10.3982/ECTA9011, applied
    to a maximum of differences).

    Parameters
    ----------
    ours, theirs : tuple of two arrays, shape (models,)
        Scores and their standard errors, independent and normal.
    method : str
        As in `Estimate`.

    Returns
    -------
    Estimate or Unanswered
        Elo points; n is the number of models of both sides.
    """
    if not len(ours[0]) or not len(theirs[0]):
        return Unanswered("one side has no model on this board")
    value = float(np.max(ours[0]) - np.max(theirs[0]))
    low, high = -_upper_gap(theirs, ours), _upper_gap(ours, theirs)
    count = len(ours[0]) + len(theirs[0])
    return Estimate(value, min(low, value), max(high, value), "Elo points", count, method, ITERATIVE)


def with_errors(scores: pd.DataFrame, boards: pd.DataFrame, error, style_control: bool = False) -> pd.DataFrame:
    """Scores of boards with the standard error that each model has on the day, as ``frontier.board`` finds it.

    It is that of the model's newest interval up to then; a model that never had one gets the board's largest.

    Parameters
    ----------
    scores : DataFrame
        One row a board and model: board_date, style_control, arena_key, score, score_low, score_high.
    boards : DataFrame
        One row a board: board_date, style_control; boards not named are left out.
    error : callable
        ``frontier.score_error``.
    style_control : bool
        Whether to take the scores that control for style.

    Returns
    -------
    DataFrame
        Rows of ``scores`` with error; missing on boards before the first that has an interval.
    """
    rows = scores[scores.style_control == style_control].sort_values("board_date", kind="stable")
    measured = pd.DataFrame({"error": error(rows), "interval_at": rows.index}).where(rows.score_low.notna())
    newest = measured.groupby(rows.arena_key).ffill()
    # on each board the model whose error stands for those that never had one
    widest = rows.board_date.map(newest.error.dropna().groupby(rows.board_date).idxmax())
    lent = widest.where(newest.error.isna())
    rows = rows.assign(error=newest.error.fillna(lent.map(newest.error)))
    rows = rows[rows.board_date.isin(boards[boards.style_control == style_control].board_date)]
    out = rows.reset_index(drop=True)
    entered = [rows.index.to_series(), newest.interval_at, lent, lent.map(newest.interval_at)]
    entered = [positions[rows.index].set_axis(out.index).dropna() for positions in entered]
    return carry(out, *(scores.loc[one.astype("int64"), []].assign(row=one.index) for one in entered))


def gaps(scores: pd.DataFrame, boards: pd.DataFrame, sides: pd.Series, ours, theirs) -> pd.DataFrame:
    """Gap between the best model of two sides on each board, never across boards.

    Parameters
    ----------
    scores : DataFrame
        One row a board and model: board_date, arena_key, score, error (missing where the board has no interval).
        One board a day.
    boards : DataFrame
        One row a board: board_date, scale_regime, membership; boards not named are left out.
    sides : Series
        Side by arena_key; models of no side are left out.
    ours, theirs
        The sides.

    Returns
    -------
    DataFrame
        One row a board that holds both sides: board_date, scale_regime, membership, ours and theirs (names of the
        leaders), ours_score, theirs_score, gap, low, high (points; ends missing where the board has no intervals),
        bias (points by which winners' bias is expected to have moved the gap), percent, percent_low, percent_high
        (gap over the score of theirs, as the AI Index prints it: it rests on where the scale begins), odds (percent
        of games that ours would win, Bradley-Terry).
    """
    rows = []
    known = scores[["board_date", "arena_key", "score", "error"]].assign(side=scores.arena_key.map(sides))
    sided = known[known.side.isin([ours, theirs])]
    known = dict(list(sided.groupby(["board_date", "side"])))
    for board in boards.sort_values("board_date", kind="stable").itertuples():
        places = [(board.board_date, side) for side in (ours, theirs)]
        if any(place not in known for place in places):
            continue
        arrays = [(known[place].score.to_numpy(), known[place].error.to_numpy()) for place in places]
        tops = [np.nanargmax(score) for score, _ in arrays]
        names = [known[place].arena_key.iloc[top] for place, top in zip(places, tops, strict=True)]
        levels = [score[top] for (score, _), top in zip(arrays, tops, strict=True)]
        gap, low, high, bias = levels[0] - levels[1], np.nan, np.nan, np.nan
        if not any(np.isnan(error).any() for _, error in arrays):
            found = best_gap(*arrays, "best of either side")
            low, high = found.low, found.high
            excess = [expected_maximum(*one) - one[0].max() for one in arrays]
            bias = excess[0] - excess[1]
        over = 100 / levels[1]
        odds = 100 / (1 + 10 ** (-gap / 400))
        place = (board.board_date, board.scale_regime, board.membership)
        rows.append((*place, *names, *levels, gap, low, high, bias, gap * over, low * over, high * over, odds))
    columns = ["board_date", "scale_regime", "membership", "ours", "theirs", "ours_score", "theirs_score"]
    columns += ["gap", "low", "high", "bias", "percent", "percent_low", "percent_high", "odds"]
    out = pd.DataFrame(rows, columns=columns).astype({"board_date": boards.board_date.dtype})
    # the side of each model of a board, labelled as in ``sides``
    seated = sided[["board_date"]].set_axis(sided.arena_key)
    seated.attrs = sides.attrs
    return joined(out, "board_date", sided, boards, seated)


def newest_gap(table: pd.DataFrame, what: str) -> Estimate | Unanswered:
    """Gap on the newest board that holds all models and intervals.

    Parameters
    ----------
    table : DataFrame
        As `gaps` gives.
    what : str
        Which gap, for the method.

    Returns
    -------
    Estimate or Unanswered
        Elo points; n = 2 leaders.
    """
    whole = table[(table.membership == "full") & table.low.notna()]
    if whole.empty:
        return Unanswered("no whole board with intervals is known yet")
    row, entered = whole.iloc[-1], partial(rows_of, whole.iloc[-1:])
    words = f"{what}, {row.ours} less {row.theirs}, board of {row.board_date:%Y-%m-%d}"
    return Estimate(row.gap, row.low, row.high, "Elo points", 2, words, ITERATIVE, entered)


def published_gaps(figures: pd.DataFrame) -> pd.DataFrame:
    """Gaps on the Arena as the AI Index printed them.

    Returns
    -------
    DataFrame
        which (``US-China`` or ``closed-open``), date (middle of the period), period_start, period_end, percent,
        report, known_on.
    """
    names = ["US-China", "closed-open"]
    rows = figures[figures.metric.str.contains("Chatbot Arena top model") & figures.category.isin(names)]
    middle = rows.period_start + (rows.period_end - rows.period_start) / 2
    table = rows.assign(date=middle.dt.floor("D")).rename(columns={"category": "which", "value": "percent"})
    columns = ["which", "date", "period_start", "period_end", "percent", "report", "known_on"]
    return carry(table.sort_values(["which", "date"], kind="stable")[columns].reset_index(drop=True), rows)


def beside_controlled(plain: dict, controlled: dict) -> pd.DataFrame:
    """Set the gaps without and with style control side by side, on the days that have both boards.

    Parameters
    ----------
    plain, controlled : dict of str to DataFrame
        As `gaps` gives, by which gap.

    Returns
    -------
    DataFrame
        which, board_date, membership, plain and controlled (gaps in points, with intervals, in words).
    """
    rows = []
    for which, table in plain.items():
        both = table.merge(controlled[which], on=["board_date", "membership"], suffixes=("", "_c"))
        for row in both.itertuples():
            told = [
                number(gap) if np.isnan(low) else in_words(gap, low, high)
                for gap, low, high in ((row.gap, row.low, row.high), (row.gap_c, row.low_c, row.high_c))
            ]
            rows.append((which, row.board_date, row.membership, *told))
    out = pd.DataFrame(rows, columns=["which", "board_date", "membership", "plain", "controlled"])
    return carry(out, *plain.values(), *controlled.values())


def beside_published(published: pd.DataFrame, ours: dict) -> pd.DataFrame:
    """Set our gaps beside the printed ones: on all boards of the printed month, or else the last one before it.

    Parameters
    ----------
    published : DataFrame
        As `published_gaps` gives.
    ours : dict of str to DataFrame
        As `gaps` gives, by ``which``.

    Returns
    -------
    DataFrame
        which, month, printed_percent, board_date, ours_percent, gap (Elo points); one row a printed figure and board.
    """
    rows = []
    for one in published.itertuples():
        table = ours[one.which]
        inside = table[table.board_date.between(one.period_start, one.period_end)]
        chosen = inside if len(inside) else table[table.board_date < one.period_start].tail(1)
        for board in chosen.itertuples():
            rows.append((one.which, f"{one.period_end:%Y-%m}", one.percent, board.board_date, board.percent, board.gap))
    columns = ["which", "month", "printed_percent", "board_date", "ours_percent", "gap"]
    return carry(pd.DataFrame(rows, columns=columns), published, *ours.values())


def leaders(table: pd.DataFrame) -> str:
    """Say who leads on the newest board, by how much, and how much of it is expected to be luck.

    Parameters
    ----------
    table : DataFrame
        As `gaps` gives.
    """
    if table.empty:
        return "No board holds both sides."
    row = table.iloc[-1]
    moved = f" Winner's bias is put at {number(round(row.bias, 1))} points of it." if np.isfinite(row.bias) else ""
    return (
        f"Board of {row.board_date:%Y-%m-%d} ({row.membership}): {row.ours} {number(row.ours_score)}, "
        f"{row.theirs} {number(row.theirs_score)}, a gap of {number(row.gap)} points; the first would win "
        f"{row.odds:.0f} of 100 games.{moved}"
    )


def _by_key(values, catalogue):
    """Give one value a model its Arena key, and the row of the catalogue from which it was made."""
    return carry(values.set_axis(catalogue.arena_key), catalogue[["arena_key"]].rename(columns={"arena_key": "row"}))


def _upper_gap(ours, theirs):
    score, error = (np.asarray(part, float) for part in ours)
    rival, noise = (np.asarray(part, float) for part in theirs)
    apart = np.hypot(noise[:, None], noise)
    # each pair of rivals at a level that makes all of them hold together
    pairs = max(len(rival) * (len(rival) - 1), 1)
    trail = np.max(rival[None, :] - rival[:, None] + stats.norm.ppf(_SCREEN / pairs) * apart, axis=1).clip(0)
    spread, ahead = np.hypot(error[:, None], noise), score[:, None] - rival
    high = -stats.norm.ppf(0.02 / len(rival)) + 1.0
    # with any critical value up to the highest, the others cannot give the maximum below
    able = (ahead + high * spread).min(axis=1) >= ahead.min(axis=1).max()
    spread, ahead = spread[able], ahead[able]
    with np.errstate(divide="ignore", invalid="ignore"):
        behind = np.where(trail > 0, trail / spread, 0.0)
    low, high = np.zeros(len(ahead)), np.full(len(ahead), high)
    for _ in range(40):  # bisection: far below the last digit of any score
        middle = (low + high) / 2
        enough = special.ndtr(middle[:, None] + behind).prod(axis=1) >= 1 - (0.025 - _SCREEN)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    leads = ahead + high[:, None] * spread
    return float(leads.min(axis=1).max())


def _spread(rows):
    table = rows.pivot_table(index=["report", "year", "known_on"], columns="maker", values="weight", aggfunc="sum")
    table = table.reindex(columns=MAKERS).fillna(0.0)
    models = rows.groupby(["report", "year", "known_on"]).models.sum()
    table = table.assign(total=table.sum(axis=1), n=models.reindex(table.index)).reset_index()
    table.columns.name = None
    counts = table.sort_values(["year", "known_on"], kind="stable")[_COUNTS].reset_index(drop=True)
    return joined(counts, ["report", "year", "known_on"], rows)


def _full_years(rows, column, day):
    # the last day of a year ends it; a file cannot hold a year that was not over when it was made
    over = pd.Series(pd.Timestamp(day), rows.index) if "known_on" not in rows else rows.known_on
    ended = (over.clip(upper=pd.Timestamp(day)) + pd.Timedelta(days=1)).dt.year
    rows = rows[rows[column].dt.year < ended]
    return rows.assign(year=rows[column].dt.year.astype("int64"))


def _percent(one):
    return replace(one, value=100 * one.value, low=100 * one.low, high=100 * one.high)
