"""What is fetched from where and how far it may differ from what is held: two ledgers, and what a source hands over."""

import csv
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pandas as pd

from helpers import data, paths

FEED_COLUMNS = ["source", "file", "address", "kind", "most_mb", "other_hosts", "terms"]
TOLERANCE_COLUMNS = ["source", "table", "column", "same", "most", "scale"]
SCALES = ("difference", "percent", "")


class Stopped(Exception):
    """A source that cannot go on; the message says where, why and what to do. The others go on."""


class Missing(Stopped):
    """A source that needs what only the user can give; left out when all are refreshed."""


@dataclass(frozen=True)
class Feed:
    """A row of data/feeds.csv: one file of a source, what it may weigh, and the hosts that may serve it."""

    source: str
    file: str
    address: str
    kind: str
    most_mb: float
    other_hosts: tuple
    terms: str

    def hosts(self):
        """Names of the hosts that this file may come from, with their ports where they are not the usual ones."""
        return {urlsplit(self.address).netloc, *self.other_hosts}


@dataclass(frozen=True)
class Tolerance:
    """A row of data/tolerances.csv: up to ``same`` a figure is as held, beyond ``most`` it contradicts what is held."""

    column: str
    same: float | None
    most: float | None
    scale: str


@dataclass(frozen=True)
class Pulled:
    """Rows of one table as a source states them today.

    Parameters
    ----------
    table : str
    rows : DataFrame
        Text cells; the columns of the table, of which optional ones may be left out.
    lists : callable, optional
        Takes the rows held; tells of each whether this source lists it, so that a list grown shorter is noticed.
    notes : list of str
        What the reader of the summary should know.
    """

    table: str
    rows: pd.DataFrame
    lists: object = None
    notes: list = field(default_factory=list)


def feeds() -> dict[str, dict[str, Feed]]:
    """Read data/feeds.csv: the files of every source, by source and name of the file, in the order of the ledger."""
    found = {}
    for line, row in _ledger("feeds.csv", FEED_COLUMNS):
        hosts = tuple(host for host in row["other_hosts"].split(";") if host)
        try:
            feed = Feed(**row | {"most_mb": float(row["most_mb"]), "other_hosts": hosts})
        except ValueError:
            raise Stopped(f"data/feeds.csv line {line}: most_mb is {row['most_mb']!r}, not a number") from None
        if not re.fullmatch(r"[a-z][a-z_]*", feed.source):
            raise Stopped(f"data/feeds.csv line {line}: {feed.source!r} is not the name of a module")
        found.setdefault(feed.source, {})[feed.file] = feed
    return found


def tolerances(source: str, table: str) -> list[Tolerance]:
    """Read the rows of data/tolerances.csv that tell which columns of a table a source may revise, and how far.

    Raises
    ------
    Stopped
        If there are none, or one is not a tolerance.
    """
    found = []
    for line, row in _ledger("tolerances.csv", TOLERANCE_COLUMNS):
        if (row["source"], row["table"]) == (source, table):
            place = f"data/tolerances.csv line {line}"
            if row["column"] not in set(data.columns().query("table == @table").column):
                raise Stopped(f"{place}: {table} has no column {row['column']!r}")
            if row["scale"] not in SCALES or (row["scale"] == "") != (row["most"] == ""):
                raise Stopped(
                    f"{place}: a figure needs same, most and scale (difference or percent), a text none of them"
                )
            try:
                ends = [float(row[name]) if row[name] else None for name in ("same", "most")]
            except ValueError:
                raise Stopped(f"{place}: same and most must be numbers") from None
            found.append(Tolerance(row["column"], *ends, row["scale"]))
    if not found:
        raise Stopped(
            f"data/tolerances.csv has no row for {source} and {table}: say how far its figures may be revised"
        )
    return found


def _ledger(name, header):
    with (paths.DATA / name).open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != header:
            raise Stopped(f"data/{name}: its columns must be {', '.join(header)}")
        return [(reader.line_num, row) for row in reader]
