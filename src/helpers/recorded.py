"""Recorded results: the numbers of both editions as git holds them, and whether others are equal within their class.

nbval compares what notebooks print, which is rounded; here every number that is recorded is compared in full. How far
two runs may differ follows from how a number is made, which its method says in words: see `CLASSES`.
"""

import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from helpers import paths

COLUMNS = ["edition", "notebook", "id", "value", "low", "high", "n", "unit", "method", "verdict"]
NUMBERS = ("value", "low", "high")
WORDS = ("notebook", "n", "unit", "method", "verdict")
# a thousand times finer than the finest tolerance, and not so fine that every processor writes other digits
DIGITS = 12
# below this, what should be nothing is rounding
NOTHING = 1e-12
REMEDY = "`make test` names all, `make refresh-outputs` records what is found"


class Class(NamedTuple):
    """Numbers that are made in a like way.

    Parameters
    ----------
    name : str
    tolerance : float
        Share of a record's largest number by which another run's may differ.
    why : str
        Why so much and no more.
    words : tuple of str
        Pieces of `Estimate.method`, by one of which a number of this class is known.
    """

    name: str
    tolerance: float
    why: str
    words: tuple[str, ...]


CLASSES = (
    Class(
        "closed form",
        1e-9,
        "arithmetic, formulas and least squares: only the order of adding up may differ",
        (
            *("exact: ", "independent errors", "prediction error", "Kolari-Pynnonen", " earlier days", "Newey-West"),
            *("cycle 2", "cycles 2", "HC3 errors", "Wilson interval", "Newcombe interval", "Kaplan-Meier"),
            *("mean restricted to", "least squares over", "Student, ", "prints no intervals"),
        ),
    ),
    Class(
        "iterative",
        1e-6,
        "solved by steps until they are small, so the last step may be another",
        # the last is a critical value had by root finding; "board of" the interval of a maximum, by bisection
        ("fractional logit", "jackknife errors", "board of 2", ", HAC"),
    ),
    Class(
        "seeded resampling",
        1e-6,
        "the lock fixes the generator and the notebook its seed, so the draws are the same everywhere and no larger "
        "room is due; what is solved within a draw is iterative, and a draw that lies so near an edge that rounding "
        "moves it across is one in a hundred million",
        (" draws", "bootstrap", "permutation"),
    ),
)
"""Declared classes. A method that holds words of several is of the one with the largest tolerance, the last of them."""


def place() -> Path:
    """File of the recorded results."""
    return paths.ROOT / "tests" / "recorded.csv"


def classified(method: str) -> Class:
    """Tell the class of a number by the words of its method.

    Raises
    ------
    LookupError
        If no word of any class occurs; a new way of estimating is declared in `CLASSES`.

    Examples
    --------
    >>> classified("exact: buy and hold of SMH").name, classified("fractional logit, wild cluster bootstrap").name
    ('closed form', 'seeded resampling')
    """
    found = [each for each in CLASSES if any(word in method for word in each.words)]
    if not found:
        raise LookupError(f"no class of numbers for the method {method!r}: declare its words in recorded.CLASSES")
    return max(reversed(found), key=lambda each: each.tolerance)


def tolerance(record: dict) -> float:
    """Tell how much a record's numbers may differ between two runs, as a share of the largest of them.

    Parameters
    ----------
    record : dict
        One of ``results.json``, or a row that `read` gives.

    Returns
    -------
    float
        Zero for a question without an answer: its words are the same or not.
    """
    return 0.0 if record["value"] is None else classified(record["method"]).tolerance


def differences(found: list[dict], stored: list[dict]) -> list[str]:
    """Say what is not equal in the records of two runs of an edition, beyond the class of each number.

    Parameters
    ----------
    found, stored : list of dict
        Records of ``results.json``, or rows that `read` gives.

    Returns
    -------
    list of str
        A line a difference, in the order of ids; empty when the runs are equal within class. Words, verdicts and
        counts are compared exactly.
    """
    one, other = ({record["id"]: record for record in side} for side in (found, stored))
    lines = [f"{name}: recorded, but not found" for name in sorted(other.keys() - one.keys())]
    lines += [f"{name}: found, but not recorded" for name in sorted(one.keys() - other.keys())]
    for name in sorted(one.keys() & other.keys()):
        lines += _apart(name, _told(one[name]), _told(other[name]))
    return lines


@dataclass(frozen=True)
class Change:
    """A recorded result that another run does not give any more.

    Parameters
    ----------
    id : str
        Of the record.
    old, new : dict or None
        The record as it is recorded and as the run gives it; None where there is none.
    lines : tuple of str
        Its differences, as `differences` gives them.
    """

    id: str
    old: dict | None
    new: dict | None
    lines: tuple[str, ...]

    def __str__(self):
        old, new = (side and _told(side) for side in (self.old, self.new))
        answers = [_answer(side) for side in (old, new)]
        parts = [" -> ".join(answers)] if answers[0] != answers[1] else []
        if old and new:
            parts += [f"{name} {old[name]} -> {new[name]}" for name in WORDS if old[name] != new[name]]
        return f"{self.id}: {'; '.join(parts)}"


def changes(found: list[dict], stored: list[dict]) -> list[Change]:
    """Compare the records of a run with the recorded ones; one change for each record that differs beyond its class.

    Parameters
    ----------
    found, stored : list of dict
        As for `differences`.

    Returns
    -------
    list of Change
        In the order of ids.
    """
    new, old = ({record["id"]: record for record in side} for side in (found, stored))
    listed = []
    for name in sorted(new.keys() | old.keys()):
        sides = [[side[name]] if name in side else [] for side in (new, old)]
        if lines := differences(*sides):
            listed.append(Change(name, old.get(name), new.get(name), tuple(lines)))
    return listed


def read(edition: str) -> list[dict]:
    """Read the recorded results of an edition.

    Returns
    -------
    list of dict
        One an estimate or unanswered question, its numbers as floats (missing: None). Empty when none are recorded.

    Raises
    ------
    ValueError
        If the file is no such table, naming the line.
    """
    return [row for row in _rows() if row["edition"] == edition]


def editions() -> list[str]:
    """Days of the editions that are recorded, in order."""
    return sorted({row["edition"] for row in _rows()})


def write(records: dict[str, list[dict]]) -> None:
    """Record the results of some editions, in place of all that were recorded.

    A number that is equal to the recorded one within its class keeps its digits, so that another machine's rounding
    changes nothing in git; what it is compared with next time stays the number that was first recorded.

    Parameters
    ----------
    records : dict of str to list of dict
        Records as in ``results.json``, by edition.

    Raises
    ------
    LookupError
        If a method is of no class; what was recorded stays.
    """
    for record in [record for edition in records.values() for record in edition]:
        tolerance(record)
    rows, before = [], _held()
    for edition in sorted(records):
        held = {row["id"]: row for row in before if row["edition"] == edition}
        for record in sorted(records[edition], key=lambda record: (record["notebook"], record["id"])):
            row, kept = _told(record), held.get(record["id"])
            same = kept is not None and not _apart(record["id"], row, kept)
            rows.append({"edition": edition, "id": record["id"]} | (_told(kept) if same else row))
    place().parent.mkdir(parents=True, exist_ok=True)
    draft = place().with_suffix(".part")
    with draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row | {name: _digits(row[name]) for name in NUMBERS})
    draft.replace(place())


def gathered(folder: Path) -> list[dict]:
    """Gather the records of all notebooks of an edition from its folder, in the order of notebooks."""
    files = sorted(folder.glob("[0-9][0-9]_*/results.json"))
    return [record for file in files for record in json.loads(file.read_text(encoding="utf-8"))]


def moved(edition: str, folder: Path) -> str:
    """Say in one line that numbers of an edition are not those recorded; empty when they are, or none are recorded.

    Parameters
    ----------
    edition : str
        As-of date.
    folder : Path
        Folder of the edition.
    """
    try:
        stored = read(edition)
        listed = changes(gathered(folder), stored) if stored else []
    except (ValueError, LookupError) as error:
        return f"Not compared with what is recorded: {error.args[0]}"
    return f"{summary(edition, listed, len(stored))}; {REMEDY}" if listed else ""


def summary(edition: str, listed: list[Change], count: int) -> str:
    """Say in a clause how many of the recorded results of an edition moved, with the first difference."""
    return f"{len(listed)} of {count} recorded results of {edition} moved, such as {listed[0].lines[0]}"


def _rows():
    if not place().is_file():
        return []
    rows = []
    with place().open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="more")
        try:
            for row in reader:
                rows.append(_parsed(row))
        except (ValueError, LookupError, TypeError):
            where = f"tests/{place().name}, line {reader.line_num}"
            raise ValueError(f"{where}: not a recorded result; `make refresh-outputs` writes the file anew") from None
    return rows


def _held():
    try:
        return _rows()
    except ValueError:
        # such as one that two branches have changed
        return []


def _parsed(row):
    if list(row) != COLUMNS or None in row.values():
        raise LookupError(row)
    numbers = {name: float(row[name]) if row[name] else None for name in NUMBERS}
    return row | numbers | {"n": int(row["n"])}


def _told(record):
    """Bring records of results.json and rows of the file into one form."""
    words = {name: record.get(name) or "" for name in WORDS} | {"n": int(record["n"])}
    if record["value"] is None:
        # why there is no answer stands where otherwise the method does
        return words | dict.fromkeys(NUMBERS) | {"method": record.get("reason") or record["method"] or ""}
    return words | {name: float(record[name]) for name in NUMBERS}


def _answer(row):
    if row is None:
        return "not recorded"
    if row["value"] is None:
        return "no answer"
    return f"{_digits(row['value'])} ({_digits(row['low'])} to {_digits(row['high'])})"


def _digits(number):
    return "" if number is None else f"{number:.{DIGITS}g}"


def _apart(name, one, other):
    """Say in which fields two records differ beyond their class."""
    lines = [
        f"{name}: {field} is {one[field]!r} where {other[field]!r} is recorded"
        for field in WORDS
        if one[field] != other[field]
    ]
    if one["value"] is None or other["value"] is None:
        answers = ["no answer" if side["value"] is None else _digits(side["value"]) for side in (one, other)]
        told = f"{name}: value is {answers[0]} where {answers[1]} is recorded"
        return lines + [told] * (answers[0] != answers[1])
    kind = classified(other["method"])
    largest = max((abs(other[field]) for field in NUMBERS if math.isfinite(other[field])), default=0.0)
    for field in NUMBERS:
        # infinite ends are equal or not
        if one[field] != other[field] and not abs(one[field] - other[field]) <= kind.tolerance * largest + NOTHING:
            values = f"{_digits(one[field])} where {_digits(other[field])} is recorded"
            lines.append(f"{name}: {field} is {values} ({kind.name}, tolerance {kind.tolerance:g} of {largest:.3g})")
    return lines
