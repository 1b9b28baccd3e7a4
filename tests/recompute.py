"""Compute a recorded number again from its own rows alone: trace the calls of a notebook, then repeat those it needs.

While a notebook runs, every call of an analysis function from its cells is kept with its arguments. A number is then
computed again by the same calls, each table cut down to the rows that the number lists.
"""

import copy
import functools
import inspect
import sys
from dataclasses import dataclass

import nbformat
import numpy as np
import pandas as pd

from helpers import charts, data, notebook, parameters, paths, results
from helpers.inference import Estimate, Unanswered
from helpers.rows import rows_of

MODULES = ["adoption", "compute", "concentration", "events", "exposure", "frontier", "lag", "linking", "makers"]
MODULES += ["own", "prices", "returns", "survival"]
PLAIN = (str, bytes, int, float, bool, type(None), pd.Timestamp, np.generic)


class UntracedError(Exception):
    """An argument was made in the notebook's cells, so that nobody knows from which rows."""


@dataclass(frozen=True, eq=False)
class Call:
    """Call of an analysis function from a cell."""

    function: object
    args: object
    kwargs: object


@dataclass(frozen=True, eq=False)
class Item:
    """Part of what another node gives: an entry of a mapping or sequence, or a cell of a table."""

    parent: object
    key: object

    def of(self, whole):
        return whole.at[self.key] if isinstance(whole, pd.DataFrame) else whole[self.key]


@dataclass(frozen=True, eq=False)
class Cut:
    """Rows and columns, chosen in a cell, of a table that another node gives."""

    parent: object
    labels: pd.Index
    columns: object

    def of(self, whole):
        kept = whole.loc[whole.index.isin(self.labels)]
        return kept if self.columns is None else kept[self.columns]


@dataclass(frozen=True, eq=False)
class Leaf:
    """Rows of a table as `Notebook.load` gave it, with columns that a cell may have added."""

    table: str
    rows: object


@dataclass(frozen=True, eq=False)
class Constant:
    """A value that holds no row."""

    value: object


@dataclass(frozen=True, eq=False)
class Unknown:
    """A table made in a cell, which no number that is recorded may need."""

    message: str


class Trace:
    """Calls of one run of a notebook, and the estimates that it recorded.

    Parameters
    ----------
    name : str
        Notebook, such as ``01_returns``.
    as_of : str
    settings : dict
        Further parameters to set.
    """

    def __init__(self, name: str, as_of: str, **settings):
        self.name, self.as_of, self.settings = name, as_of, settings
        self.recorded, self.depth = {}, 0
        self.nodes, self.tables, self.kept, self.answers = {}, {}, [], {}

    def run(self, monkeypatch) -> "Trace":
        """Run the notebook's cells without drawing or writing."""
        for module in MODULES:
            held = sys.modules.get(f"helpers.{module}") or __import__(f"helpers.{module}", fromlist=["*"])
            for name, function in inspect.getmembers(held, inspect.isfunction):
                if function.__module__ == held.__name__ and not name.startswith("_"):
                    monkeypatch.setattr(held, name, self._traced(function))
        monkeypatch.setattr(notebook, "Notebook", functools.partial(_Recorder, self))
        cells = nbformat.read(paths.NOTEBOOKS / f"{self.name}.ipynb", as_version=4).cells
        names, seen = {"__name__": "__main__"}, vars(sys.modules["__main__"])
        for cell in [cell for cell in cells if cell.cell_type == "code"]:
            if isinstance(names.get("charts"), type(charts)):
                names["charts"] = _NoCharts()
            exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
            if parameters.TAG in cell.metadata.get("tags", []):
                names |= {"as_of": self.as_of} | self.settings
        assert seen is vars(sys.modules["__main__"])
        monkeypatch.undo()
        return self

    def again(self, identity: str) -> Estimate | Unanswered:
        """Compute a recorded estimate once more from the rows that it lists and no others."""
        estimate = self.recorded[identity]
        node = self.nodes.get(id(estimate))
        if node is None:
            raise UntracedError(f"{identity} was made in a cell, not by an analysis function")
        return self._evaluate(node, rows_of(estimate).positions())

    def _traced(self, function):
        @functools.wraps(function)
        def traced(*args, **kwargs):
            if self.depth:
                return function(*args, **kwargs)
            node = Call(function, self._encoded(list(args)), self._encoded(kwargs))
            self.depth += 1
            try:
                result = function(*args, **kwargs)
            finally:
                self.depth -= 1
            self._keep(result, node)
            return result

        return traced

    def _keep(self, result, node):
        if isinstance(result, PLAIN) or id(result) in self.nodes:
            return
        # an id may be used again once its object is gone
        self.kept.append(result)
        self.nodes[id(result)] = node
        if isinstance(result, dict):
            for key, value in result.items():
                self._keep(value, Item(node, key))
        elif isinstance(result, list | tuple):
            for place, value in enumerate(result):
                self._keep(value, Item(node, place))
        elif isinstance(result, pd.DataFrame):
            for column in [
                name for name, kind in result.dtypes.items() if isinstance(kind, np.dtype) and kind.hasobject
            ]:
                for label, value in result[column].items():
                    if isinstance(value, Estimate | Unanswered):
                        self._keep(value, Item(node, (label, column)))
        if isinstance(result, pd.DataFrame | pd.Series) and "made_from" in result.attrs:
            self.tables.setdefault(id(result.attrs["made_from"]), (result, node))

    def _encoded(self, value):
        if id(value) in self.nodes:
            return self.nodes[id(value)]
        if isinstance(value, pd.DataFrame | pd.Series):
            return self._table(value)
        if isinstance(value, dict):
            return {key: self._encoded(one) for key, one in value.items()}
        if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
            return [type(value), *(self._encoded(one) for one in value)]
        if isinstance(value, functools.partial):
            args = self._encoded([_plain(value.func), *value.args])
            return Call(functools.partial, args, self._encoded(value.keywords))
        # streams count how often they were split
        return Constant(copy.deepcopy(value) if isinstance(value, np.random.SeedSequence) else _plain(value))

    def _table(self, value):
        if "table" in value.attrs:
            whole = data.load(value.attrs["table"], self.as_of)
            key = [name for name in whole.attrs["key"].split() if isinstance(value, pd.DataFrame) and name in value]
            if not value.index.isin(whole.index).all() or not value[key].equals(whole.loc[value.index, key]):
                return Unknown(f"rows of {value.attrs['table']} whose index or key a cell has changed")
            return Leaf(value.attrs["table"], value)
        parent, node = self.tables.get(id(value.attrs.get("made_from")), (None, None))
        if parent is None:
            names = list(value.columns[:8]) if isinstance(value, pd.DataFrame) else value.name
            return Unknown(f"a table made in a cell: {names}")
        columns = None
        if isinstance(value, pd.Series) and isinstance(parent, pd.DataFrame):
            columns = value.name
        elif isinstance(value, pd.DataFrame) and not value.columns.equals(parent.columns):
            columns = list(value.columns)
        cut = Cut(node, value.index, columns)
        if not cut.of(parent).equals(value):
            return Unknown(f"a table that a cell has changed: {columns}")
        return cut

    def _evaluate(self, node, positions):
        """Give what a node gives when every table holds only some rows; what entered once is computed once."""
        if isinstance(node, dict):
            return {key: self._evaluate(value, positions) for key, value in node.items()}
        if isinstance(node, list):
            return node[0](self._evaluate(value, positions) for value in node[1:])
        if isinstance(node, Constant):
            return copy.deepcopy(node.value) if isinstance(node.value, np.random.SeedSequence) else node.value
        if isinstance(node, Unknown):
            raise UntracedError(node.message)
        if isinstance(node, Leaf):
            return node.rows[node.rows.index.isin(positions.get(node.table, ()))]
        entered = [(table, positions.get(table, np.empty(0)).tobytes()) for table in sorted(self._leaves(node))]
        key = id(node), *entered
        if key not in self.answers:
            if isinstance(node, Call):
                args, kwargs = self._evaluate(node.args, positions), self._evaluate(node.kwargs, positions)
                self.answers[key] = node.function(*args, **kwargs)
            else:
                self.answers[key] = node.of(self._evaluate(node.parent, positions))
        return self.answers[key]

    @functools.cache  # noqa: B019
    def _leaves(self, node):
        """Tables from which a node is made."""
        if isinstance(node, Leaf):
            return {node.table}
        if isinstance(node, Call):
            return self._leaves_of([node.args, node.kwargs])
        return self._leaves(node.parent) if isinstance(node, Item | Cut) else set()

    def _leaves_of(self, values):
        found = set()
        for value in values.values() if isinstance(values, dict) else values:
            if isinstance(value, dict | list):
                found |= self._leaves_of(value)
            elif not isinstance(value, type):
                found |= self._leaves(value)
        return found


def _plain(value):
    """Take a traced function out of its wrapping."""
    return getattr(value, "__wrapped__", value)


class _NoCharts:
    """Colours and names of charts, but no drawing."""

    def __getattr__(self, name):
        return getattr(charts, name) if name.isupper() else lambda *_, **__: None


class _Recorder(notebook.Notebook):
    """A notebook that keeps its estimates and shows nothing."""

    def __init__(self, trace, name, as_of):
        self.trace, self.name, self.as_of, self._tables = trace, name, as_of, {}

    def figure(self, *_, **__):
        pass

    def table(self, *_, **__):
        pass

    def record(self, claim, estimate, alternatives):
        self.trace.recorded[claim] = estimate
        self.trace.recorded |= {f"{claim}/{label}": each for label, each in alternatives.items()}
        return results.judge(claim, estimate, alternatives, self.as_of)

    def note(self, result, estimate):
        self.trace.recorded[result] = estimate
