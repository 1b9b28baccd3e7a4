"""The one object that a notebook talks to: it reads tables as of a day, and shows and records what was made of them."""

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from helpers import charts, data, parameters, paths, results
from helpers.inference import Estimate, Unanswered
from helpers.results import Verdict
from helpers.rows import rows_of

PREVIEW_ROWS = 3


class _Listed(NamedTuple):
    """What is to be written of the rows of a table: the same for every number, so it is put into words once."""

    sha256: str
    lines: np.ndarray
    known: np.ndarray | None
    head: str
    texts: np.ndarray


class Notebook:
    """A run of a notebook: the day as of which it reads, and the folder into which it writes.

    Parameters
    ----------
    name : str
        Name of the notebook without its ending, such as ``01_returns``.
    as_of : str
        ISO date; only rows known on that day are read.

    Attributes
    ----------
    output_dir : Path
        The notebook's own folder: in the edition that is being made, else among the drafts.

    Raises
    ------
    ValueError
        If the name is not that of a notebook, or the day is no ISO date.
    """

    def __init__(self, name: str, as_of: str):
        self.name, self.as_of = name, as_of
        self.output_dir = paths.output_dir(name, as_of, os.environ.get(paths.PLACE_VARIABLE))
        self._pictures = os.environ.get(paths.PICTURES_VARIABLE) != "0"
        self._tables, self._entries, self._listed = {}, {}, {}

    def load(self, table: str) -> pd.DataFrame:
        """Read the rows of a table that were known on the day, as `helpers.data.load` gives them."""
        if table not in self._tables:
            self._tables[table] = data.load(table, self.as_of)
        return self._tables[table]

    def figure(self, slug: str, drawing, sources: list[pd.DataFrame] | str, title: str = "") -> None:
        """Write a figure as SVG, PNG and CSV of its points, and show it.

        Parameters
        ----------
        slug : str
            Name of its files: the notebook's word, then what is drawn.
        drawing : Drawing or Unanswered
            As a function of `helpers.charts` gives.
        sources : list of DataFrame, or str
            Tables whose producers stand in the source line; or the source in words.
        title : str
            To stand in place of the drawing's own title; its numbers must be among those of the alternative text.
        """
        charts.publish(self.output_dir, slug, drawing, sources, title, self._pictures)

    def table(self, slug: str, table, caption: str, columns: list[str] | None = None) -> None:
        """Write a table as CSV in full digits, and show it; see `helpers.charts.house.publish_table`."""
        charts.publish_table(self.output_dir, slug, table, caption, columns)

    def record(self, claim: str, estimate: Estimate | Unanswered, alternatives: dict) -> Verdict:
        """Record the answer to a claim with its declared alternatives, each with its own rows, and judge it.

        Parameters
        ----------
        claim : str
            Id of the claim; an alternative is recorded as ``<claim>/<label>``.
        estimate : Estimate or Unanswered
            The headline, in the claim's unit.
        alternatives : dict of str to Estimate or Unanswered
            By label, in the same unit.

        Returns
        -------
        Verdict
            Names the parameters that are not the declared ones, if any.
        """
        return results.record(
            self.output_dir, claim, estimate, alternatives, self.as_of, self._inputs, self._undeclared()
        )

    def note(self, result: str, estimate: Estimate | Unanswered) -> None:
        """Record an estimate that no claim rests on, with its rows, under an id of its own."""
        results.note(self.output_dir, result, estimate, self._inputs, self._undeclared())

    def gather(self) -> list[dict]:
        """Gather the records of all notebooks of the same edition, as `helpers.results.gather` gives them."""
        place = os.environ.get(paths.PLACE_VARIABLE)
        return results.gather(Path(place) if place else paths.REPORT / self.as_of)

    def _undeclared(self):
        """Sentence that names the parameters whose values in the running notebook are not the declared ones."""
        names, declared = vars(sys.modules["__main__"]), data.declared_parameters().get(self.name, {})
        values = {name: names[name] for name in declared if name in names}
        return parameters.undeclared_sentence(parameters.undeclared(self.name, values))

    def _inputs(self, estimate):
        """Entries of ``results.json`` on the rows of an estimate, one a table; an estimate without rows is refused."""
        if isinstance(estimate, Unanswered):
            return []
        positions = rows_of(estimate).positions()
        if not positions:
            raise ValueError(f"no rows are attached to “{estimate.method}”: the function that estimates states them")
        return [self._entry(table, places) for table, places in positions.items()]

    def _entry(self, table, positions):
        # alternatives often rest on the same rows
        key = table, positions.tobytes()
        if key not in self._entries:
            self._entries[key] = self._written(table, positions)
        return self._entries[key]

    def _written(self, table, positions):
        listed = self._listed_rows(table)
        lines = listed.lines[positions]
        entry = {"table": table, "rows": len(positions), "sha256": listed.sha256}
        if any(line.endswith(" of own") for line in lines):
            entry["includes_own_data"] = True
        if listed.known is not None:
            days = listed.known[positions]
            entry["known"] = [str(day.astype("datetime64[D]")) for day in (days.min(), days.max())]
        shown = slice(None) if len(lines) <= 2 * PREVIEW_ROWS else np.r_[:PREVIEW_ROWS, -PREVIEW_ROWS:0]
        entry["lines"] = list(lines[shown])
        if len(positions) == len(listed.lines):
            return entry | {"keys": "all"}
        content = "\n".join([listed.head, *listed.texts[positions], ""]).encode()
        digest = hashlib.sha256(content).hexdigest()[:12]
        results.write_once(self.output_dir / "inputs" / f"{table}-{digest}.csv", content)
        return entry | {"keys": digest}

    def _listed_rows(self, table):
        if table not in self._listed:
            rows, ledger = self.load(table), data.sources().loc[table]
            lines, names = data.lines(table, self.as_of), rows.attrs["key"].split()
            keys = rows[names].astype({name: "int8" for name in names if rows[name].dtype == bool})
            text = keys.assign(line=lines)[["line", *names]].to_csv(
                index=False, lineterminator="\n", date_format="%Y-%m-%d"
            )
            # no cell holds a line feed, and whatever else ends a line in other texts is a character here
            head, *texts = text.removesuffix("\n").split("\n")
            known = rows[ledger.known_on].to_numpy() if ledger.known_on in rows else None
            self._listed[table] = _Listed(
                ledger.sha256, lines.to_numpy(object), known, head, np.array(texts, dtype=object)
            )
        return self._listed[table]
