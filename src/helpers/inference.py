"""Estimates: a number with its interval, its sample and its method."""

import functools
import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from helpers.rows import NO_ROWS, Rows

EXACT, CLOSED_FORM, ITERATIVE, RESAMPLED, SIMULATED = "exact", "closed form", "iterative", "resampled", "simulated"
KINDS = (EXACT, CLOSED_FORM, ITERATIVE, RESAMPLED, SIMULATED)
"""How a number is made. ``simulated`` is a share of draws, whose interval is the error of the simulation alone."""

CANNOT_BE_ASKED_YET = "cannot be asked yet"
NOT_CHECKABLE = "not checkable"


class Origin(NamedTuple):
    """Where an answer was made.

    Parameters
    ----------
    function : str
        Qualified name of the helper that the notebook called, such as ``helpers.returns.excess``; empty where the
        notebook made the answer itself.
    cell : int or None
        Count of the cell's execution, as Jupyter shows it; None outside of a notebook.
    call : tuple of int or None
        Place of the call in the cell: first and last line from 1, first and last column from 0 in bytes of UTF-8.
    """

    function: str
    cell: int | None
    call: tuple[int, int, int, int] | None


def _origin():
    """Walk up from an answer that is being made to the notebook's cell, if there is one."""
    frame, function = sys._getframe(3), ""  # above this, __post_init__ and __init__
    while frame:
        name = frame.f_globals.get("__name__", "")
        if name == "__main__":
            break
        # what executes notebooks is a helper too, but never between an answer and its cell
        if name.startswith("helpers."):
            function = f"{name}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    # the list of inputs that IPython keeps
    if frame is None or "In" not in frame.f_globals:
        return Origin(function, None, None)
    place = next(itertools.islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    return Origin(function, len(frame.f_globals["In"]) - 1, None if None in place else place)


@dataclass(frozen=True)
class Estimate:
    """A quantity as it was estimated.

    Parameters
    ----------
    value, low, high : float
        Point and 95% interval in ``unit``; an end may be infinite. A figure of a whole population has
        ``low == value == high`` and says "exact" in its method.
    unit : str
        Unit in the words of ``data/claims.csv``, such as ``percent``.
    n : int
        Number of observations that the estimate rests on, at least 1.
    method : str
        How value and interval were had, in a few words.
    kind : str
        One of `KINDS`: ``exact``, ``closed form``, ``iterative``, ``resampled`` or ``simulated``. It decides how far
        two runs may differ and what the interval is called.
    rows : Rows or callable
        The rows of tables that entered; a function that gives them is called when they are asked for.

    Attributes
    ----------
    origin : Origin
        Where it was made; no part of what it says, so two estimates may be equal that were made apart.

    Raises
    ------
    ValueError
        If a number is missing, the interval does not hold its point, ``n`` is below 1, a word is missing, the kind is
        none of `KINDS`, or an exact figure has an interval.

    Examples
    --------
    >>> print(Estimate(6.5, 6.1, 6.9, "percent of firms", 3, "mean of three cycles", CLOSED_FORM))
    6.50 percent of firms (95% interval 6.10 to 6.90; n = 3; mean of three cycles)
    >>> print(exact(-4.0, "percent", 5, "buy and hold"))
    −4 percent (n = 5; exact: buy and hold)
    """

    value: float
    low: float
    high: float
    unit: str
    n: int
    method: str
    kind: str
    rows: Rows | Callable[[], Rows] = field(default=NO_ROWS, repr=False, compare=False)
    origin: Origin = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "origin", _origin())
        if self.kind not in KINDS:
            raise ValueError(f"the kind of an estimate is one of {', '.join(KINDS)}, not {self.kind!r}")
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "n", int(self.n))
        if not math.isfinite(self.value):
            raise ValueError(f"an estimate needs a finite value, not {self.value}")
        if math.isnan(self.low) or math.isnan(self.high) or not self.low <= self.value <= self.high:
            raise ValueError(f"the interval {self.low} to {self.high} does not hold its point {self.value}")
        if self.n < 1:
            raise ValueError(f"an estimate rests on at least one observation, not {self.n}")
        if not self.unit or not self.method:
            raise ValueError("an estimate names its unit and its method")
        if self.is_exact and self.low < self.high:
            raise ValueError(f"an exact figure has no interval, not {self.low} to {self.high}")

    @property
    def is_exact(self) -> bool:
        """Whether the figure carries no sampling error."""
        return self.kind == EXACT

    def __str__(self):
        value, low, high = numbers(self.value, self.low, self.high)
        bounds = "" if self.is_exact else f"95% interval {low} to {high}; "
        return f"{value} {self.unit} ({bounds}n = {self.n:,}; {self.method})"


@dataclass(frozen=True)
class Unanswered:
    """A question that the rows known on the as-of date do not answer, and why.

    Parameters
    ----------
    reason : str
        One clause, for a reader: what is missing.
    verdict : str
        ``cannot be asked yet`` when later rows will answer it, ``not checkable`` when no row held will.

    Attributes
    ----------
    origin : Origin
        Where it was made; no part of what it says.
    """

    reason: str
    verdict: str = CANNOT_BE_ASKED_YET
    origin: Origin = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "origin", _origin())
        if self.verdict not in (CANNOT_BE_ASKED_YET, NOT_CHECKABLE):
            raise ValueError(f"{self.verdict!r} is no verdict on an unanswered question")

    def __str__(self):
        return f"{self.verdict}: {self.reason}"


def exact(value: float, unit: str, n: int, method: str, rows: Rows | Callable[[], Rows] = NO_ROWS) -> Estimate:
    """Estimate of a figure that carries no sampling error: a census, or arithmetic on published prices."""
    return Estimate(value, value, value, unit, n, f"exact: {method}", EXACT, rows)


MONTHS = ("January", "February", "March", "April", "May", "June", "July")
MONTHS += ("August", "September", "October", "November", "December")
"""In English wherever the reader sits."""


def day_in_words(day: str) -> str:
    """Write an ISO date as prose does.

    Examples
    --------
    >>> day_in_words("2025-01-27")
    '27 January 2025'
    """
    year, month, number = map(int, day.split("-"))
    return f"{number} {MONTHS[month - 1]} {year}"


def number(value: float) -> str:
    """Print a number as prose: two or three significant digits, a true minus, thousands apart.

    Examples
    --------
    >>> number(-0.01234), number(1361.45), number(float("inf")), number(5.0), number(-0.0)
    ('−0.012', '1,361', 'infinity', '5', '0')
    """
    if math.isinf(value):
        return "infinity" if value > 0 else "−infinity"
    size = abs(value)
    if size >= 100 or size == round(size):
        return _decimal(value, 0)
    decimals = 1 if size >= 1 else 1 - math.floor(math.log10(size))
    return _decimal(value, decimals)


def numbers(value: float, low: float, high: float) -> tuple[str, str, str]:
    """Print a point and its interval as prose, with decimals enough to show the interval's width in two digits.

    Examples
    --------
    >>> numbers(0.8884, 0.88208, 0.89442), numbers(-3.86, -12.445, 4.725), numbers(-4.0, -4.0, -4.0)
    (('0.888', '0.882', '0.894'), ('−3.9', '−12.4', '4.7'), ('−4', '−4', '−4'))
    >>> numbers(0.1357, 0.0019, 9.56)
    ('0.14', '0.0019', '9.6')
    """
    width = high - low
    # ends that lie decades apart have no common decimals
    if width == 0 or math.isinf(width) or 0 < 100 * low < high:
        return number(value), number(low), number(high)
    largest = max(abs(low), abs(high))
    decimals = max(1 - math.floor(math.log10(width)), 1 if largest < 100 else 0)
    decimals = min(decimals, 4 if largest > 0.01 else 8)
    return _decimal(value, decimals), _decimal(low, decimals), _decimal(high, decimals)


def in_words(value: float, low: float, high: float) -> str:
    """Print a point with its interval in brackets, where it has a width.

    Examples
    --------
    >>> in_words(-3.86, -12.445, 4.725), in_words(-4.0, -4.0, -4.0)
    ('−3.9 (−12.4 to 4.7)', '−4')
    """
    point, *ends = numbers(value, low, high)
    return point if low == high else f"{point} ({ends[0]} to {ends[1]})"


def interval_in_words(value: float, low: float, high: float, kind: str) -> str:
    """Say what surrounds a point, by the kind of its estimate.

    Examples
    --------
    >>> interval_in_words(-3.86, -12.445, 4.725, CLOSED_FORM)
    '95% interval −12.4 to 4.7'
    >>> interval_in_words(-4.0, -4.0, -4.0, EXACT)
    'arithmetic, no sampling error'
    """
    if kind == EXACT:
        return "arithmetic, no sampling error"
    _, low, high = numbers(value, low, high)
    return f"{'simulation error' if kind == SIMULATED else '95% interval'} {low} to {high}"


def _decimal(value, decimals):
    text = f"{abs(value):,.{decimals}f}"
    return f"−{text}" if value < 0 and text.strip("0,.") else text


def range_in_words(low: float, high: float, unit: str) -> str:
    """Print the range of a claim as prose: its ends were written down, not estimated, so every digit counts.

    Examples
    --------
    >>> range_in_words(float("-inf"), -0.125, "percent"), range_in_words(6.45, 6.55, "percent")
    ('−0.125 percent or less', '6.45 to 6.55 percent')
    """
    left, right = (f"{end:,.10g}".replace("-", "−") for end in (low, high))
    if math.isinf(low):
        return f"{right} {unit} or less"
    return f"{left} {unit} or more" if math.isinf(high) else f"{left} to {right} {unit}"


def share(
    successes: int, n: int, unit: str, method: str, kind: str = CLOSED_FORM, rows: Rows | Callable[[], Rows] = NO_ROWS
) -> Estimate:
    """Estimate of a share with its score interval (Wilson 1927, doi 10.1080/01621459.1927.10502953).

    Parameters
    ----------
    successes, n : int
        Count of successes among ``n`` trials.
    unit : str
        Unit of the share, between 0 and 1, such as ``probability``.
    method : str
        What a trial is.
    kind, rows
        As in `Estimate`; ``simulated`` where the trials are draws.

    Examples
    --------
    >>> print(share(8, 10, "probability", "share of draws, Wilson interval"))
    0.80 probability (95% interval 0.49 to 0.94; n = 10; share of draws, Wilson interval)
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"{successes} successes of {n} trials is no share")
    point = successes / n
    low, high = _wilson(successes, n)
    # rounding must not push the interval off its point at the shares 0 and 1
    return Estimate(point, min(low, point), max(high, point), unit, n, method, kind, rows)


def _wilson(successes, n):
    # a second to load, which whoever only prints numbers need not wait for
    from statsmodels.stats.proportion import proportion_confint

    return proportion_confint(successes, n, alpha=0.05, method="wilson")


def clustered_share(
    hits: np.ndarray,
    clusters: np.ndarray,
    unit: str,
    method: str,
    draws: int,
    seed: np.random.SeedSequence,
    rows: Rows | Callable[[], Rows] = NO_ROWS,
) -> Estimate:
    """Estimate a share whose trials hang together, with a percentile interval that resamples whole clusters.

    Parameters
    ----------
    hits : array of bool, shape (trials,)
    clusters : array, shape (trials,)
        Cluster of each trial.
    unit, method : str
        As in `Estimate`; the method is completed by the number of clusters.
    draws : int
        Bootstrap samples.
    seed : SeedSequence
    rows
        As in `Estimate`.

    Returns
    -------
    Estimate
        Between 0 and 1; n is the number of trials. Where all clusters agree the bootstrap has no width, and the
        interval is Wilson's with the clusters as trials.

    References
    ----------
    Field and Welsh (2007), Bootstrapping clustered data, doi 10.1111/j.1467-9868.2007.00593.x.
    """
    _, place = np.unique(clusters, return_inverse=True)
    sizes, good = np.bincount(place), np.bincount(place, weights=np.asarray(hits, float))
    point, count = good.sum() / sizes.sum(), len(sizes)
    drawn = np.random.default_rng(seed).integers(count, size=(draws, count))
    low, high = np.quantile(good[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    if low == high:
        low, high = _wilson(round(point * count), count)
    method = f"{method}, {count} clusters"
    return Estimate(point, min(low, point), max(high, point), unit, int(sizes.sum()), method, RESAMPLED, rows)


def resampled_counts(units: int, draws: int, random: np.random.Generator) -> np.ndarray:
    """Draw bootstrap samples of some units: how often each is in each sample.

    Parameters
    ----------
    units, draws : int
    random : Generator

    Returns
    -------
    array of int, shape (draws, units)
        Every row sums to ``units``.
    """
    drawn = random.integers(units, size=(draws, units)) + units * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * units).reshape(draws, units)


def normals(seed: np.random.SeedSequence, draws: int, columns: int) -> np.ndarray:
    """Draw standard normals: ``default_rng(seed).standard_normal((draws, columns))``.

    Alternatives of one seed begin with the same draws, so those of the last two seeds are kept.

    Parameters
    ----------
    seed : SeedSequence
    draws, columns : int

    Returns
    -------
    array, shape (draws, columns)
        Not to be written to.
    """
    entropy = tuple(seed.entropy) if np.ndim(seed.entropy) else seed.entropy
    return _stream(entropy, seed.spawn_key, seed.pool_size).first(draws * columns).reshape(draws, columns)


class _Stream:
    def __init__(self, entropy, spawn_key, pool_size):
        self.random = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=spawn_key, pool_size=pool_size))
        self.drawn = np.empty(0)

    def first(self, count):
        if count > len(self.drawn):
            self.drawn = np.append(self.drawn, self.random.standard_normal(count - len(self.drawn)))
            self.drawn.setflags(write=False)
        return self.drawn[:count]


_stream = functools.lru_cache(maxsize=2)(_Stream)


def running(function: np.ufunc, rows: np.ndarray) -> np.ndarray:
    """Accumulate rows from the first to the last: ``function.accumulate(rows)``, whole rows at a time.

    Parameters
    ----------
    function : ufunc
        Such as ``np.maximum`` or ``np.add``.
    rows : array, shape (steps, draws)

    Returns
    -------
    array, shape (steps, draws)

    Examples
    --------
    >>> running(np.add, np.array([[1, 2], [3, 4]])).tolist()
    [[1, 2], [4, 6]]
    """
    out = rows.copy()
    for before, row in itertools.pairwise(out):
        function(before, row, out=row)
    return out
