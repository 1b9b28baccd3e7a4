"""Rows of tables that entered a number: carried by what is computed from them, so that nobody states them twice.

A *cut* is a DataFrame whose index holds the positions of its rows in the table as `helpers.data.load` gave it; its
``attrs`` name the table. What is computed from cuts carries a `Rows` in ``attrs["made_from"]``.

Rows are worked out when somebody asks for them: of hundreds of estimates most are drawn and never recorded.
"""

import functools
from collections.abc import Callable, Iterable

import numpy as np


class Rows:
    """Rows of one or several tables, selected by what they stand for.

    Parameters
    ----------
    parts : iterable of DataFrame, or callable that gives one
        Cuts. Their columns are labels by which `select` selects; the column ``row`` names rows of a derived table.
    chosen : callable, optional
        Gives the `Rows` of some rows of a derived table, by their labels, where labels on every part would be many
        times the rows themselves.

    Examples
    --------
    >>> import pandas as pd
    >>> cut = pd.DataFrame({"security": ["A", "B"]}, index=[4, 7])
    >>> cut.attrs["table"] = "return_indices"
    >>> Rows([cut]).select(security=["B"]).positions()["return_indices"].tolist()
    [7]
    """

    def __init__(self, parts: Iterable | Callable[[], Iterable] = (), chosen: Callable | None = None):
        self._asked, self._chosen = parts if callable(parts) else lambda: parts, chosen
        self._parts = None

    @property
    def parts(self) -> tuple:
        """The cuts that hold a row."""
        if self._parts is None:
            self._parts, self._asked = tuple(part for part in self._asked() if len(part)), None
        return self._parts

    # pandas copies attrs with every cut; these never change
    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return Rows, (self.parts,)

    def __or__(self, other: "Rows") -> "Rows":
        return _union([self, other])

    def select(self, **labels) -> "Rows":
        """Keep the rows whose labels are among those given; parts without such a label are kept whole.

        Parameters
        ----------
        **labels : collection or callable
            Values by label, or a function of the column of labels that gives a mask.
        """
        if self._chosen and "row" in labels:
            of, wanted = self._chosen, labels.pop("row")
            # what is chosen keeps its labels, so that a cut of a cut narrows further
            rows = Rows(lambda: of(wanted).parts, lambda fewer: of(_both(fewer, wanted)))
            return rows.select(**labels) if labels else rows

        return Rows(lambda: [_selected(part, labels) for part in self.parts])

    def relabel(self, **labels) -> "Rows":
        """Give rows the labels of what is made of them, such as the name of a portfolio in place of its members'."""
        return Rows(lambda: [part.assign(**labels) for part in self.parts])

    def unlabel(self, *labels: str) -> "Rows":
        """Drop some labels: the rows enter whichever of their values is selected."""
        return Rows(lambda: [part.drop(columns=[name for name in labels if name in part]) for part in self.parts])

    def positions(self) -> dict[str, np.ndarray]:
        """Positions of the rows in each table, in order and each once."""
        found = {}
        for part in self.parts:
            found.setdefault(part.attrs["table"], []).append(part.index.to_numpy())
        return {table: np.unique(np.concatenate(found[table])) for table in sorted(found)}


NO_ROWS = Rows()


def _both(labels, others):
    known = set(others)
    return [label for label in labels if label in known]


def _selected(part, labels):
    # words are slow to compare, so days and numbers go first
    for label in sorted(set(labels) & set(part.columns), key=lambda label: (part[label].dtype.kind == "O", label)):
        values = labels[label]
        part = part[values(part[label]) if callable(values) else part[label].isin(values)]
    return part


def rows_of(*sources) -> Rows:
    """Collect the rows that some tables, estimates or other sources were made from.

    Parameters
    ----------
    *sources : DataFrame, Series, Estimate or Rows
        A cut stands for itself; a derived table for the rows in its ``attrs``, those labelled ``row`` only where its
        index still has the label; an estimate for its own. Anything else, such as rows made by hand, has none.
    """
    return _union([_taken(source) for source in sources])


def _union(members):
    if len(members) == 1:
        return members[0]

    def chosen(labels):
        return _union([rows.select(row=labels) for rows in members])

    return Rows(lambda: [part for rows in members for part in rows.parts], chosen)


def _taken(source):
    """Rows of one source as it is now: its ``attrs`` may be written anew before anybody asks."""
    if isinstance(source, Rows):
        return source
    attrs = getattr(source, "attrs", None)
    if attrs is None:
        rows = getattr(source, "rows", NO_ROWS)
        return Rows(lambda: rows().parts) if callable(rows) else rows
    if "made_from" in attrs:
        return attrs["made_from"].select(row=source.index)
    return Rows([source]) if "table" in attrs and source.ndim == 2 else NO_ROWS


def later(function: Callable[[], Rows]) -> Rows:
    """Rows that a function gives, called once and only when somebody asks."""
    once = functools.cache(function)
    return Rows(lambda: once().parts, lambda labels: once().select(row=labels))


def carry(out, *sources):
    """Write into a derived table from which rows it was made, and give it back.

    Parameters
    ----------
    out : DataFrame or Series
    *sources
        As for `rows_of`. Labels ``row`` of a source are kept, so its index has to be that of ``out``.
    """
    out.attrs = {"made_from": rows_of(*sources)}
    return out


def joined(out, on: str | list[str], *sources):
    """Write into a join from which rows of each source each of its own rows was made, and give it back.

    Parameters
    ----------
    out : DataFrame
        With unique labels in its index.
    on : str or list of str
        Columns, of ``out`` and of each source, whose equality says that a row of a source entered.
    *sources : DataFrame
        Cuts, or derived tables labelled row by row.
    """
    on = [on] if isinstance(on, str) else list(on)
    keys, tables = out[on], [(source[on], source.attrs.get("made_from")) for source in sources]
    keyed = functools.cache(lambda: dict(_keyed(keys)))
    sides = [(table, functools.cache(functools.partial(_by_key, table)), rows) for table, rows in tables]

    def chosen(labels):
        wanted = dict.fromkeys(keyed()[label] for label in labels if label in keyed())
        return _union([_matching(*side, wanted) for side in sides])

    out.attrs = {"made_from": Rows(lambda: chosen(keys.index).parts, chosen)}
    return out


def _matching(table, by_key, rows, wanted):
    """Rows of a source whose keys are wanted; ``rows`` are those of a derived table, and None for a cut."""
    labels = [label for key in wanted for label in by_key().get(key, ())]
    if rows is not None:
        return rows.select(row=labels)
    return Rows([table.loc[labels, []]]) if "table" in table.attrs else NO_ROWS


def _by_key(table):
    # by hand, for joins of a few hundred rows cost pandas ten times as much
    labels = {}
    for label, key in _keyed(table):
        labels.setdefault(key, []).append(label)
    return labels


def _keyed(table):
    """Label and key of each row."""
    return zip(table.index.tolist(), zip(*(table[name].tolist() for name in table), strict=True), strict=True)
