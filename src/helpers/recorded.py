"""Recorded results: the numbers of both editions as git holds them, and whether others are equal within their class.

nbval compares what notebooks print, which is rounded; here every number that is recorded is compared in full. How far
two runs may differ follows from how a number is made, which the kind of its estimate says: see `CLASSES`.
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
    """How far the numbers of two runs may differ, for estimates of one kind.

    Parameters
    ----------
    name : str
    tolerance : float
        Share of a record's largest number by which another run's may differ.
    why : str
        Why so much and no more.
    """

    name: str
    tolerance: float
    why: str


_CLOSED = Class("closed form", 1e-9, "arithmetic, formulas and least squares: only the order of adding up may differ")
_ITERATIVE = Class("iterative", 1e-6, "solved by steps until they are small, so the last step may be another")
_DRAWN = Class(
    "seeded resampling",
    1e-6,
    "the lock fixes the generator and the notebook its seed, so the draws are the same everywhere and no larger "
    "room is due; what is solved within a draw is iterative, and a draw that lies so near an edge that rounding "
    "moves it across is one in a hundred million",
)
CLASSES = {
    "exact": _CLOSED,
    "closed form": _CLOSED,
    "iterative": _ITERATIVE,
    "resampled": _DRAWN,
    "simulated": _DRAWN,
}
"""Class of numbers by the kind of their estimates, as `helpers.inference.KINDS` lists them."""


def place() -> Path:
    """File of the recorded results."""
    return paths.ROOT / "tests" / "recorded.csv"


def tolerance(record: dict) -> float:
    """Tell how much a record's numbers may differ between two runs, as a share of the largest of them.

    Parameters
    ----------
    record : dict
        One of ``results.json``.

    Returns
    -------
    float
        Zero for a question without an answer: its words are the same or not.
    """
    return 0.0 if record["value"] is None else CLASSES[record["kind"]].tolerance


def differences(found: list[dict], stored: list[dict]) -> list[str]:
    """Say what is not equal in the records of two runs of an edition, beyond the class of each number.

    Parameters
    ----------
    found, stored : list of dict
        Records of ``results.json``, or rows that `read` gives; one side at least has the kinds of ``results.json``.

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
        kind = one[name].get("kind") or other[name].get("kind")
        lines += _apart(name, _told(one[name]), _told(other[name]), kind)
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

    """
    rows, before = [], _held()
    for edition in sorted(records):
        held = {row["id"]: row for row in before if row["edition"] == edition}
        for record in sorted(records[edition], key=lambda record: (record["notebook"], record["id"])):
            row, kept = _told(record), held.get(record["id"])
            same = kept is not None and not _apart(record["id"], row, kept, record["kind"])
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


def _apart(name, one, other, kind):
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
    kind = CLASSES[kind]
    largest = max((abs(other[field]) for field in NUMBERS if math.isfinite(other[field])), default=0.0)
    for field in NUMBERS:
        # infinite ends are equal or not
        if one[field] != other[field] and not abs(one[field] - other[field]) <= kind.tolerance * largest + NOTHING:
            values = f"{_digits(one[field])} where {_digits(other[field])} is recorded"
            lines.append(f"{name}: {field} is {values} ({kind.name}, tolerance {kind.tolerance:g} of {largest:.3g})")
    return lines
