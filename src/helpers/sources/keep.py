"""Compare what a source states with what is held; keep both vintages of what was revised; archive what was received.

A new row goes into ``data/raw`` as long as it became known after every day of which an edition may have been built:
after the day of the latest edition and the newest row of its table. Rows that come later than that, and new values of
rows that are held, go into ``data/vintages`` with the day from which they are known here. So a held line is never
changed or taken away, and an edition of a day that the tables reached reads the same for good.
"""

import bisect
import csv
import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from helpers import data, paths
from helpers.sources.feeds import Feed, Pulled, Stopped, tolerances

ARCHIVE_COLUMNS = ["source", "file", "address", "time", "sha256", "bytes", "kept_as"]
SHOWN = 5


@dataclass
class Change:
    """What a source would change of one table: new rows, rows that come late, rows revised, and words on them."""

    table: str
    new: pd.DataFrame
    later: pd.DataFrame
    words: list = field(default_factory=list)

    def __bool__(self):
        return bool(len(self.new) or len(self.later))


def closed() -> dict[str, str]:
    """Tell of each table up to which day editions may have been built from it: no row that was known by then is added.

    That is the day of the latest edition, or of the newest row where the table goes further.
    """
    reach = data.reach()
    latest = reach.query("kind == 'series'")["last"].min()
    return {table: f"{max(latest, last):%Y-%m-%d}" for table, last in reach["last"].dropna().items()}


def compare(source: str, pulled: Pulled, today: str, closed: str) -> Change:
    """Tell what the rows of a source add to a table and revise in it.

    Parameters
    ----------
    source : str
    pulled : Pulled
    today : str
        ISO date from which revisions are known.
    closed : str
        Last day of which an edition may have been built from the table.

    Raises
    ------
    Stopped
        If rows break a rule of the table, contradict what is held beyond the tolerance, or are fewer than held.
    """
    table, old = pulled.table, data.cells(pulled.table)
    key, known_on = _key(table), data.sources().known_on[table]
    rows = pulled.rows.astype(object).reindex(columns=old.columns, fill_value="").fillna("").astype(str)
    # what is announced but not yet in force comes when it is
    rows = rows.loc[(rows[known_on] <= today).astype(bool)].reset_index(drop=True)
    faults = data.check_rows(table, rows)
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise Stopped(f"{table}: {faults[0]}{more}")
    twice = rows[rows.duplicated(key)]
    if len(twice):
        raise Stopped(f"{table}: {', '.join(twice.iloc[0][key])!r} comes twice")
    places = {values: place for place, values in enumerate(old[key].itertuples(index=False, name=None))}
    stands = [places.get(values) for values in rows[key].itertuples(index=False, name=None)]
    if pulled.lists is not None:
        _all_there(table, old[pulled.lists(old)], rows, key)
    changed = _revised(source, table, old, rows, stands)
    fresh = rows.loc[np.array([place is None for place in stands], dtype=bool)]
    # what is known from today on is read from today on, wherever it stands
    late = fresh.loc[((fresh[known_on] <= closed) & (fresh[known_on] < today)).astype(bool)]
    words = list(pulled.notes)
    if len(fresh):
        words.append(f"{table}: {len(fresh)} new rows, {len(late)} of them known from today on only, the first "
                     f"{', '.join(fresh.iloc[0][key])}")  # fmt: skip
    words += [f"{table}: revised: {line}" for line in changed[1][:SHOWN]]
    if len(changed[1]) > SHOWN:
        words.append(f"{table}: and {len(changed[1]) - SHOWN} more figures revised")
    later = pd.concat([late, changed[0]], ignore_index=True).assign(**{data.KNOWN_FROM: today})
    _once_a_day(table, later, key)
    return Change(table, fresh.drop(late.index), later, words)


def _all_there(table, expected, rows, key):
    stated = set(rows[key].itertuples(index=False, name=None))
    gone = [values for values in expected[key].itertuples(index=False, name=None) if values not in stated]
    if gone:
        raise Stopped(
            f"{table}: lists {len(expected) - len(gone)} of {len(expected)} rows held, without {', '.join(gone[0])!r}; "
            "what is held stays"
        )


def _revised(source, table, old, rows, stands):
    """Rows whose figures differ, as they are to be read from now on, and a line on each figure."""
    limits, revised, lines = tolerances(source, table), [], []
    held_rows, key = old.to_dict("records"), _key(table)
    for place, row in zip(stands, rows.to_dict("records"), strict=True):
        if place is None:
            continue
        before = held_rows[place]
        name = ", ".join(before[column] for column in key)
        found = [limit for limit in limits if _differs(table, name, limit, before[limit.column], row[limit.column])]
        if found:
            # the other columns stay as they were known, but for where and how the figure was read
            told = {column: row[column] for column in ("source", "note", "date_basis") if row.get(column)}
            revised.append(before | told | {limit.column: row[limit.column] for limit in limits})
            lines += [f"{name}: {one.column} {_said(before[one.column])} → {_said(row[one.column])}" for one in found]
    return pd.DataFrame(revised, columns=old.columns, dtype=str), lines


def _differs(table, name, limit, before, after):
    if limit.scale == "" or not (before and after):
        return before != after
    size = abs(float(after) - float(before))
    if limit.scale == "percent":
        size = 100 * size / abs(float(before)) if float(before) else float("inf") if size else 0
    if size > limit.most:
        unit = "%" if limit.scale == "percent" else ""
        raise Stopped(
            f"{table}: {name}: {limit.column} is {before} as held but {after} here, more than {limit.most:g}{unit} "
            "apart; find out which is right, and widen data/tolerances.csv if both are"
        )
    # a row held with fewer digits is not revised by one with more
    return size > limit.same + 1e-9


def _said(value):
    return value or "(empty)"


def _once_a_day(table, later, key):
    revised, faults = data.vintages(table)
    if faults:
        raise data.DataError(faults)
    if revised is not None and len(later):
        again = pd.concat([revised, later])[[*key, data.KNOWN_FROM]].duplicated().tail(len(later))
        if again.any():
            name = ", ".join(later[again.to_numpy()].iloc[0][key])
            raise Stopped(f"{table}: {name!r} was revised today already; try tomorrow")


def references(changes: list[Change]) -> None:
    """Check that the rows of some changes refer to rows that are held or come with them.

    Raises
    ------
    Stopped
        Naming the first row that does not.
    """
    coming = {change.table: pd.concat([change.new, change.later]) for change in changes}
    described = data.columns()
    for change in changes:
        for rule in described[(described.table == change.table) & (described.refers_to != "")].itertuples():
            other, column = rule.refers_to.split(".")
            targets = {"", *data.cells(other)[column], *(coming[other][column] if other in coming else ())}
            lost = sorted(set(coming[change.table][rule.column]) - targets)
            if lost:
                raise Stopped(f"{change.table}: {lost[0]!r} of column {rule.column} is not in {rule.refers_to}")


def written(changes: list[Change], today: str) -> dict:
    """Give the content of every file that some changes of tables change, by its place: tables, vintages, the ledger."""
    files, stated = {}, {}
    for change in changes:
        if len(change.new):
            place = paths.RAW / f"{change.table}.csv"
            files[place] = _inserted(place.read_bytes(), change.table, change.new)
            newest = change.new[data.sources().known_on[change.table]].max()
            stated[change.table] = (hashlib.sha256(files[place]).hexdigest(), newest)
        if len(change.later):
            place = paths.DATA / "vintages" / f"{change.table}.csv"
            old = place.read_bytes() if place.is_file() else _text([change.later.columns]).encode()
            files[place] = _inserted(old, change.table, change.later, data.KNOWN_FROM)
            stated.setdefault(change.table, (None, ""))
    if stated:
        files[paths.DATA / "sources.csv"] = _restated(stated, today)
    return files


def _inserted(content, table, rows, *more):
    """Put rows among the lines of a file, which stay as they are, in the order of the key where they are in it."""
    head, *lines = content.decode("utf-8").splitlines(keepends=True)
    names = next(csv.reader([head]))
    at = [names.index(name) for name in [*_key(table), *more]]

    def keyed(line):
        cells = next(csv.reader([line]))
        return [cells[place] for place in at]

    keys = [keyed(line) for line in lines]
    fits = keys == sorted(keys)
    for row in rows[names].itertuples(index=False, name=None):
        line = _text([row])
        place = bisect.bisect(keys, keyed(line)) if fits else len(lines)
        keys.insert(place, keyed(line))
        lines.insert(place, line)
    return "".join([head, *lines]).encode("utf-8")


def _restated(stated, today):
    """Ledger of the raw files with the hash, the newest day and the day of reading of those that were added to."""
    head, *lines = (paths.DATA / "sources.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    names = next(csv.reader([head]))
    for number, line in enumerate(lines):
        row = dict(zip(names, next(csv.reader([line])), strict=True))
        if row["table"] in stated:
            digest, newest = stated[row["table"]]
            row |= {"read": today, "published": max(row["published"], newest), "sha256": digest or row["sha256"]}
            lines[number] = _text([row.values()])
    return "".join([head, *lines]).encode("utf-8")


def archive(feed: Feed, address: str, content: bytes, time: str) -> None:
    """Keep a file as received under ``data/archive``, once however often it comes, and write it into the ledger there.

    Parameters
    ----------
    feed : Feed
    address : str
    content : bytes
    time : str
        When it was received, an ISO time.
    """
    digest = hashlib.sha256(content).hexdigest()
    place, ledger = paths.DATA / "archive" / feed.source, paths.DATA / "archive" / "ledger.csv"
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"{digest[:16]}.{feed.kind}"
    if not file.is_file():
        _replace(file, content)
    old = ledger.read_bytes() if ledger.is_file() else _text([ARCHIVE_COLUMNS]).encode()
    row = (feed.source, feed.file, address, time, digest, len(content), str(file.relative_to(ledger.parent)))
    _replace(ledger, old + _text([row]).encode())


def _replace(file, content):
    draft = file.with_name(f".{file.name}.part")
    draft.write_bytes(content)
    draft.replace(file)


def _key(table):
    described = data.columns()
    return list(described[(described.table == table) & (described.key == "1")].column)


def _text(rows):
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
