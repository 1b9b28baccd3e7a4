"""Parameters of notebooks: read from their one tagged cell, and held to it. Values are data, never code."""

import ast
import difflib
import functools
import math
import re
import shlex

import nbformat

from helpers import data, paths

TAG = "parameters"
# what a parameter of that name holds would be printed into the executed notebook
_SECRET = re.compile(r"(?i)(^|_)(api_?key|key|token|secret|password|passwd|credentials?)($|_)")
# as Python writes them: no other script's digits, no blanks, and no zeros that another language would count by eight
_DIGITS = r"[0-9](?:_?[0-9])*"
_FORMS = {
    int: re.compile(r"[+-]?(?:0|[1-9](?:_?[0-9])*)"),
    float: re.compile(rf"[+-]?(?:{_DIGITS}\.?(?:{_DIGITS})?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"),
}


class ParameterError(ValueError):
    """A parameter that the notebook does not know, or a value that it cannot take."""


def notebooks() -> list[str]:
    """Names of the collection's notebooks, in order."""
    return sorted(path.stem for path in paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def own_cases() -> list[str]:
    """Names of the notebooks for cases of one's own: part of no edition, run by parameters alone."""
    return sorted(path.stem for path in paths.NOTEBOOKS.glob("own_*.ipynb"))


def parameters(notebook: str) -> dict:
    """Read a notebook's parameters and their defaults from its one cell tagged ``parameters``.

    Raises
    ------
    ParameterError
        If there is no such notebook or cell, there are two, or the cell holds more than names and literals, a name
        that looks like a secret's, or no as-of date.
    """
    known = [*notebooks(), *own_cases()]
    if notebook not in known:
        raise ParameterError(f"no notebook {notebook!r}; {hint(notebook, known)}")
    path = paths.NOTEBOOKS / f"{notebook}.ipynb"
    return dict(_read(path.name, path.read_bytes()))


# a sweep asks for the same parameters hundreds of times, and a notebook is mostly pictures
@functools.cache
def _read(name, raw):
    try:
        content = nbformat.reads(raw.decode("utf-8"), as_version=4)
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        raise ParameterError(
            f"notebooks/{name} is not a notebook: {str(error).strip().splitlines()[0][:160]}"
        ) from None
    return declared(name, content)


def declared(name: str, notebook: nbformat.NotebookNode) -> dict:
    """Give the parameters and their defaults of a notebook that was read.

    Parameters
    ----------
    name : str
        File name, to be named in errors.
    notebook : NotebookNode

    Raises
    ------
    ParameterError
        As for `parameters`.
    """
    cells = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"notebooks/{name} needs one cell tagged 'parameters', it has {len(cells)}")
    found = {}
    try:
        statements = ast.parse(cells[0].source).body
    except SyntaxError as error:
        raise ParameterError(f"notebooks/{name}: the parameters cell is not Python: {error.msg}") from None
    for statement in statements:
        try:
            (target,) = statement.targets
            found[target.id] = ast.literal_eval(statement.value)
        except (AttributeError, ValueError, TypeError):
            code = ast.unparse(statement)
            raise ParameterError(f"notebooks/{name}: the parameters cell holds literals only, not {code}") from None
    secrets = [each for each in found if _SECRET.search(each)]
    if secrets:
        raise ParameterError(f"notebooks/{name}: {secrets[0]} looks like a secret, which outputs would show")
    try:
        data.parse_day(found.get("as_of"))
    except ValueError:
        raise ParameterError(f"notebooks/{name} needs a parameter as_of that is a date") from None
    return found


def wished(settings: str) -> dict[str, str]:
    """Take wishes apart as a shell would: ``as_of=2025-06-30 word='two words'`` is a text by name.

    Raises
    ------
    ParameterError
        If a part is not name=value, a name comes twice, or a quotation mark is left open.
    """
    try:
        parts = shlex.split(settings)
    except ValueError as error:
        raise ParameterError(f"SET: {error} in {settings!r}") from None
    wishes = {}
    for part in parts:
        name, sign, text = part.partition("=")
        if not sign:
            raise ParameterError(f"SET takes name=value, not {part!r}")
        if name in wishes:
            raise ParameterError(f"SET gives {name!r} twice")
        wishes[name] = text
    return wishes


def accepted(notebook: str, wishes: dict) -> dict:
    """Check wished parameters against a notebook's own and give them their types.

    Parameters
    ----------
    notebook : str
    wishes : dict
        Values as written on the command line, or of the very type of the default.

    Raises
    ------
    ParameterError
        Naming the parameter, the value and what was expected.
    """
    known, out = parameters(notebook), {}
    for name, value in wishes.items():
        if name not in known:
            raise ParameterError(f"{notebook} has no parameter {name!r}; {hint(name, known)}")
        out[name] = _converted(name, value, known[name])
    return out


def within_span(as_of: str) -> None:
    """Refuse an as-of date before the first or after the last known one.

    Raises
    ------
    ParameterError
        Giving the range.
    """
    first, last = data.span()
    if not first <= as_of <= last:
        raise ParameterError(f"as_of {as_of} is outside of what the data know: {first} to {last}")


def hint(name: str, known) -> str:
    """Name the nearest of some known names, or all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _converted(name, value, default):
    kind = type(default)
    if kind not in (bool, int, float, str):
        raise ParameterError(f"{name} is of type {kind.__name__}: change it in the notebook")
    mistyped = ParameterError(f"{name} takes a value of type {kind.__name__}, not {value!r}")
    if kind in _FORMS and isinstance(value, str) and not _FORMS[kind].fullmatch(value):
        raise mistyped
    try:
        if kind is not str and isinstance(value, str):
            value = {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
    except (ValueError, KeyError):
        raise mistyped from None
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise mistyped
    if kind is str:
        if not value.isprintable():
            raise ParameterError(f"{name} takes printable text, not {value!r}")
        _check_day(name, value, default)
    return value


def _check_day(name, value, default):
    try:
        data.parse_day(default)
    except ValueError:
        return
    try:
        data.parse_day(value)
    except ValueError as error:
        raise ParameterError(f"{name}: {error}") from None
    if name == "as_of":
        within_span(value)


def undeclared_sentence(notebook: str, values: dict) -> str:
    """Temporary."""
    return ""
