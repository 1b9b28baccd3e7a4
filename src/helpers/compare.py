"""Compare: what moved between two lists of records, two ledgers of verdicts and two tables, and what moved it."""

import math

import pandas as pd

from helpers import results
from helpers.inference import EXACT

CHANGES = ("moved", "interval", "unit", "answered", "unanswered", "came", "went", "rounding")
NUMBERS = ["value", "low", "high"]
COLUMNS = ["id", "notebook", "role", "change", "unit"]
COLUMNS += [f"{name}_{side}" for side in ("a", "b") for name in NUMBERS]
COLUMNS += ["difference", "errors_a", "errors_b", "error_a", "error_b", "method_a", "method_b"]
# less than the tolerance to which stored results are compared is another order of adding up
ROUNDING = 1e-9
TOGETHER = "together"
# of a verdict, by whether A and B decide
TURNS = {(True, True): "flipped", (False, True): "first judged", (True, False): "no longer judged"}
TURNS |= {(False, False): "put off"}
NOT_TOLD = "?"
_ROLES = {"headline": 0, "context": 1, "alternative": 2}
# a 95% interval of a normal estimate is this many standard errors wide
_WIDTH = 2 * 1.96


def standard_error(record: dict) -> float | str:
    """Tell the standard error of a record from its 95% interval, (high − low) / 3.92.

    Parameters
    ----------
    record : dict
        One of ``results.json``.

    Returns
    -------
    float or str
        In the record's unit; or why there is none: ``exact``, ``unbounded`` (an end is infinite), ``one-sided`` (the
        interval ends at its point), ``no width``, ``no number``.

    Examples
    --------
    >>> standard_error({"value": 2.0, "low": 0.04, "high": 3.96, "method": "mean"})
    1.0
    >>> standard_error({"value": 2.0, "low": 0.0, "high": "inf", "method": "median"})
    'unbounded'
    """
    if record is None or record["value"] is None:
        return "no number"
    # records of earlier commits have no kind
    if record.get("kind") == EXACT:
        return "exact"
    width = float(record["high"]) - float(record["low"])
    if not math.isfinite(width):
        return "unbounded"
    if width and float(record["value"]) in (float(record["low"]), float(record["high"])):
        return "one-sided"
    return width / _WIDTH if width else "no width"


def numbers(a: list[dict], b: list[dict]) -> pd.DataFrame:
    """Find the recorded numbers that are not the same in two lists of records.

    Parameters
    ----------
    a, b : list of dict
        Records as in ``results.json``.

    Returns
    -------
    pandas.DataFrame
        One row a number that differs, worst first: by its change in standard errors of A (of B where A has none), then
        exact ones by their change relative to their size, then those that were answered, came or went. Columns: id,
        notebook, role; change (``moved``; ``interval``, only an end; ``unit``; ``answered`` or ``unanswered`` in B
        only or A only; ``came``, ``went``; ``rounding``, by less than a billionth); unit; value, low and high of A and
        B; difference (B − A, in the unit); errors_a and errors_b (difference in standard errors of A and of B, missing
        where there is none); error_a and error_b (why it is missing); method of A and B.
    """
    before, after = ({record["id"]: record for record in side} for side in (a, b))
    rows = []
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        change = _change(one, other)
        if change:
            rows.append(_row(name, one, other, change))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.iloc[sorted(range(len(table)), key=lambda place: _worst(table.iloc[place]))].reset_index(drop=True)


def verdicts(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """Find the claims whose verdict flipped or whose robustness mark turned.

    Parameters
    ----------
    a, b : DataFrame
        One row a claim, as ``verdicts.csv``, read as text: claim, notebook, verdict, robust.

    Returns
    -------
    pandas.DataFrame
        One row a claim that differs, worst first: claim, notebook, verdict and robust of A and B, and turn: ``flipped``
        (between holds and fails first, then to or from cannot tell), ``first judged`` (only B decides), ``no longer
        judged``, ``put off`` (neither does) or ``robustness`` (the mark alone). A claim that one side does not know is
        ``not there`` on it.
    """
    columns = ["claim", "notebook", "verdict", "robust"]
    both = a[columns].merge(b[columns], on="claim", how="outer", suffixes=("_a", "_b"))
    both["notebook"] = both.notebook_b.fillna(both.notebook_a)
    for side in ("a", "b"):
        both[f"verdict_{side}"] = both[f"verdict_{side}"].fillna("not there")
        both[f"robust_{side}"] = both[f"robust_{side}"].fillna("")
    known = [results.HOLDS, results.FAILS, results.CANNOT_TELL]
    both["turn"] = [
        "robustness" if one == other else TURNS[(one in known, other in known)]
        for one, other in zip(both.verdict_a, both.verdict_b, strict=True)
    ]
    both = both[(both.verdict_a != both.verdict_b) | (both.robust_a != both.robust_b)]
    turns = [*TURNS.values(), "robustness"]
    both["rank"] = [turns.index(turn) for turn in both.turn]
    both["undecided"] = both.verdict_a.eq(results.CANNOT_TELL) | both.verdict_b.eq(results.CANNOT_TELL)
    columns = ["claim", "notebook", "verdict_a", "robust_a", "verdict_b", "robust_b", "turn"]
    return both.sort_values(["rank", "undecided", "notebook", "claim"])[columns].reset_index(drop=True)


def rows(a: pd.DataFrame, b: pd.DataFrame, key: list[str]) -> tuple[dict, pd.DataFrame]:
    """Compare the rows of a table as it was known in two states.

    Parameters
    ----------
    a, b : DataFrame
        Rows; where the columns differ, only those of both are compared.
    key : list of str
        Columns that tell a row from all others.

    Returns
    -------
    dict
        Counts: ``known_a``, ``known_b``, ``added``, ``gone``, ``revised`` (rows of both with another value); the last
        three are None where a side does not have the key, so that its rows cannot be told apart.
    pandas.DataFrame
        One row a revised value: row (its key in words), column, a, b.
    """
    counts = {"known_a": len(a), "known_b": len(b), "added": None, "gone": None, "revised": None}
    revised = []
    if key and set(key) <= set(a.columns) & set(b.columns):
        shared = [name for name in a.columns if name in b.columns and name not in key]
        common = a.merge(b, on=key, suffixes=("", "\0"))
        before = common[shared].astype(object)
        after = common[[name + "\0" for name in shared]].astype(object).set_axis(shared, axis="columns")
        differs = ((before != after) & ~(before.isna() & after.isna())).to_numpy()
        revised = [
            (
                " · ".join(map(str, common.loc[row, key])),
                shared[column],
                before.iat[row, column],
                after.iat[row, column],
            )
            for row, column in zip(*differs.nonzero(), strict=True)
        ]
        counts |= {"added": len(b) - len(common), "gone": len(a) - len(common)}
        counts["revised"] = int(differs.any(axis=1).sum())
    return counts, pd.DataFrame(revised, columns=["row", "column", "a", "b"])


def attribution(a: list[dict], b: list[dict], alone: dict[str, list[dict] | None]) -> pd.DataFrame:
    """Lay each change of a number to what changed: what each part does alone, and the remainder.

    With values v and one part c of B put into A, the share of c is v(A with c) − v(A), and ``together`` is
    v(B) − v(A) less all shares: what the parts do only in company.

    Parameters
    ----------
    a, b : list of dict
        Records of A and B.
    alone : dict of str to (list of dict or None)
        Records of A with one part of B, by the part's name; None where that could not be run.

    Returns
    -------
    pandas.DataFrame
        Rows as `numbers` gives, with a column for each part and ``together`` (in the unit; missing where a side has no
        number or a run is missing), and ``laid_to``: the parts that change the record alone, then ``together`` where
        there is a remainder; a part that could not be run is followed by a question mark.
    """
    table = numbers(a, b)
    before, after = ({record["id"]: record for record in side} for side in (a, b))
    partly = {part: None if found is None else {each["id"]: each for each in found} for part, found in alone.items()}
    shares = []
    for name in table.id:
        states = {part: NOT_TOLD if found is None else found.get(name) for part, found in partly.items()}
        shares.append(_shares(before.get(name), after.get(name), states))
    return table.join(pd.DataFrame(shares, columns=[*alone, TOGETHER, "laid_to"], index=table.index))


def turned_by(before: str, after: str, alone: dict[str, str | None]) -> str:
    """Name what turns a word, such as a verdict, alone; ``together`` where nothing does.

    Examples
    --------
    >>> turned_by("holds", "fails", {"data": "fails", "code": "holds"})
    'data'
    >>> turned_by("holds", "fails", {"data": "holds", "code": None})
    'code?'
    """
    parts = [part if word is not None else f"{part}?" for part, word in alone.items() if word != before]
    return ", ".join(parts) if parts or before == after else TOGETHER


def _shares(one, other, states):
    told = {part: state for part, state in states.items() if state is not NOT_TOLD}
    start, end = _value(one), _value(other)
    shares = [math.nan if state is NOT_TOLD else _value(state) - start for state in states.values()]
    rest = end - start - sum(shares)
    # another order of adding up moves a number only where nothing else did
    none = (None,) if _change(one, other) == "rounding" else (None, "rounding")
    moving = [part for part, state in told.items() if _change(one, state) not in none]
    names = [part if part in told else f"{part}?" for part in states if part in moving or part not in told]
    sizes = [abs(size) for size in (start, end) if math.isfinite(size)]
    if len(told) == len(states) and (not names or abs(rest) > ROUNDING * max(sizes, default=0)):
        names.append(TOGETHER)
    return [*shares, rest, ", ".join(names)]


def _value(record):
    return math.nan if record is None or record["value"] is None else record["value"]


def _change(one, other):
    """Kind of change between two records of an id, or None."""
    if one is None or other is None:
        return ("came" if one is None else "went") if one is not other else None
    if one["value"] is None or other["value"] is None:
        if one["value"] is other["value"]:
            return None
        return "answered" if one["value"] is None else "unanswered"
    if one["unit"] != other["unit"]:
        return "unit"
    pairs = {name: (float(one[name]), float(other[name])) for name in NUMBERS}
    if all(x == y for x, y in pairs.values()):
        return None
    same = {name: math.isclose(x, y, rel_tol=ROUNDING, abs_tol=1e-12) for name, (x, y) in pairs.items()}
    if all(same.values()):
        return "rounding"
    return "interval" if same["value"] else "moved"


def _row(name, one, other, change):
    known = other or one
    errors = [standard_error(side) for side in (one, other)]
    comparable = change in ("moved", "interval", "rounding")
    difference = _value(other) - _value(one) if comparable else math.nan
    ends = [float(side[key]) if _value(side) == _value(side) else math.nan for side in (one, other) for key in NUMBERS]
    return [
        name, known["notebook"], known["role"], change, known["unit"] or (one or other)["unit"], *ends, difference,
        *(difference / error if isinstance(error, float) else math.nan for error in errors),
        *("" if isinstance(error, float) else error for error in errors),
        *(side["method"] or "" if side else "" for side in (one, other)),
    ]  # fmt: skip


def _worst(row):
    """Place of a change among all: the larger in standard errors the earlier, exact ones by relative size after."""
    errors = row.errors_a if not math.isnan(row.errors_a) else row.errors_b
    size = max(abs(row.value_a), abs(row.value_b)) or 1
    relative = abs(row.difference) / size if not math.isnan(row.difference) else 0
    kind = 0 if row.change in ("moved", "interval") else CHANGES.index(row.change)
    measured = math.isnan(errors)
    return (kind, measured, -(relative if measured else abs(errors)), _ROLES[row.role], row.id)
