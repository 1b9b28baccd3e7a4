"""Rows of tables that entered a number: carried by what is computed from them, so that nobody states them twice.

A *cut* is a DataFrame whose index holds the positions of its rows in the table as `helpers.data.load` gave it; its
``attrs`` name the table. What is computed from cuts carries a `Rows` in ``attrs["made_from"]``.

Rows are worked out when somebody asks for them: of hundreds of estimates most are drawn and never recorded.
"""

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

    def __or__(self, other: "Rows") -> "Rows":
        return Rows(lambda: (*self.parts, *other.parts))

    def select(self, **labels) -> "Rows":
        """Keep the rows whose labels are among those given; parts without such a label are kept whole.

        Parameters
        ----------
        **labels : collection or callable
            Values by label, or a function of the column of labels that gives a mask.
        """
        if self._chosen and "row" in labels:
            chosen = self._chosen(labels.pop("row"))
            return chosen.select(**labels) if labels else chosen

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


def _used(part, pairs):
    if "row" not in part:
        return part[[]]
    # one use each, or none: a look-up is ten times as fast as a join
    if pairs.source.is_unique:
        place = pairs.set_index("source").index.get_indexer(part.row)
        labelled = part.loc[place >= 0, []].assign(row=pairs.row.to_numpy()[place[place >= 0]])
    else:
        placed = part[["row"]].assign(position=part.index).rename(columns={"row": "source"}).reset_index(drop=True)
        labelled = placed.merge(pairs, on="source").set_index("position").rename_axis(None)[["row"]]
    labelled.attrs = {"table": part.attrs["table"]}
    return labelled


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
    taken = [_taken(source) for source in sources]
    if len(taken) == 1:
        return taken[0]
    return Rows(lambda: [part for rows in taken for part in rows.parts])


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


def _own(source):
    """Rows of a table, labelled by its index."""
    return Rows(lambda: [source[[]].assign(row=source.index)]) if "table" in source.attrs else _taken(source)


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
    keys, taken = out[on], [(source[on], _own(source)) for source in sources]
    out.attrs = {"made_from": Rows(lambda: [part for source in taken for part in _matched(keys, on, *source)])}
    return out


def _matched(keys, on, labels, rows):
    """Parts of one source, labelled by the rows of the join that they entered."""
    keys = keys.assign(row=keys.index).reset_index(drop=True)
    labels = labels.assign(source=labels.index).reset_index(drop=True)
    if len(on) == 1 and keys[on[0]].is_unique:
        place = keys.set_index(on).index.get_indexer(labels[on[0]])
        matches = labels.loc[place >= 0, ["source"]].assign(row=keys.row.to_numpy()[place[place >= 0]])
    else:
        matches = labels.merge(keys, on=on)[["source", "row"]]
    return [_used(part, matches) for part in rows.parts]
