"""Parameters of notebooks: those of their one tagged cell, and the declared ones. Values are data, never code.

The declared values stand in ``data/parameters.csv``; the claims are judged at these and no others.
"""

import ast
import difflib
import functools
import json
import math
import re
import shlex
import typing

from helpers import data, paths

if typing.TYPE_CHECKING:
    import nbformat

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
    # here, for a kernel that asks for the declared values reads no notebook
    import nbformat

    try:
        content = nbformat.reads(raw.decode("utf-8"), as_version=4)
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        raise ParameterError(
            f"notebooks/{name} is not a notebook: {str(error).strip().splitlines()[0][:160]}"
        ) from None
    return defaults(name, content)


def defaults(name: str, notebook: "nbformat.NotebookNode") -> dict:
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


def undeclared(notebook: str, values: dict) -> dict[str, dict]:
    """Give the parameters of a run that differ from the declared ones.

    Parameters
    ----------
    notebook : str
        Such as ``01_returns``.
    values : dict
        Values of the run by parameter: all of them, or those that may differ.

    Returns
    -------
    dict of str to dict
        By parameter, ``declared`` (None where it is not in ``data/parameters.csv``) and ``actual``, as can be written
        to JSON. Empty for the declared specification, and for own cases, which judge no claim. The as-of date never
        counts: another one makes another edition.

    Raises
    ------
    helpers.data.DataError
        If the ledger breaks a rule.
    """
    if notebook in own_cases():
        return {}
    differing = differences(notebook, values)
    return {name: differing[name] for name in values if name in differing and name != "as_of"}


def undeclared_sentence(differing: dict[str, dict]) -> str:
    """Write what `undeclared` gives as a sentence without its full stop; empty where nothing differs."""
    words = "; ".join(difference(name, **each) for name, each in differing.items())
    return f"Not the declared specification: {words}" if words else ""


def differences(notebook: str, values: dict) -> dict[str, dict]:
    """Compare all parameters of a notebook with the declared ones, the as-of date too.

    Parameters
    ----------
    notebook : str
    values : dict
        By parameter.

    Returns
    -------
    dict of str to dict
        As of `undeclared`; of a declared parameter that is missing ``actual`` is None.

    Raises
    ------
    helpers.data.DataError
        If the ledger breaks a rule.
    """
    declared = data.declared_parameters().get(notebook, {})
    return {
        name: {"declared": declared.get(name), "actual": values.get(name)}
        for name in [*values, *sorted(declared.keys() - values.keys())]
        # by what is written, for 1, 1.0 and True are equal
        if not (name in values and name in declared and repr(values[name]) == repr(declared[name]))
    }


def difference(name: str, declared, actual) -> str:
    """Say how a parameter differs: ``benchmark RSP instead of SPY``."""
    if declared is None:
        return f"{name} {_word(actual)}, which is not declared"
    if actual is None:
        return f"{name} missing instead of {_word(declared)}"
    return f"{name} {_word(actual)} instead of {_word(declared)}"


def remedy(notebook: str, differing: dict[str, dict]) -> str:
    """Say what to do about stored parameters that differ, with the command that runs a notebook with other ones."""
    words = []
    settings = [f"{name}={_word(each['actual'])}" for name, each in differing.items() if None not in each.values()]
    if settings:
        text = shlex.join(settings)
        text = shlex.quote(text) if re.search(r'["$`\\!]', text) else f'"{text}"'
        back = f"set {'it' if len(settings) == 1 else 'them'} back"
        words.append(f"{back}, or run a draft with `make run NOTEBOOK={notebook} SET={text}`")
    if any(each["actual"] is None for each in differing.values()):
        words.append(f"put back what is missing, or remove its row from data/{data.PARAMETERS}")
    new = {name: each["actual"] for name, each in differing.items() if each["declared"] is None}
    if new:
        rows = ", ".join(f"`{notebook},{name},{_cell(value)}`" for name, value in new.items())
        words.append(f"declare it in data/{data.PARAMETERS}: {rows}")
    return "; ".join(words)


def check_stored() -> None:
    """Refuse stored notebooks whose parameters are not the declared ones: what they give is no verdict on a claim.

    Raises
    ------
    ParameterError
        In one line, naming each notebook and parameter, its value, the declared value and the remedy.
    helpers.data.DataError
        If the ledger breaks a rule.
    """
    lines = []
    for notebook in notebooks():
        if differing := differences(notebook, parameters(notebook)):
            words = "; ".join(difference(name, **each) for name, each in differing.items())
            lines.append(f"notebooks/{notebook}.ipynb stores {words}: {remedy(notebook, differing)}")
    if lines:
        raise ParameterError(f"not the declared specification: {'. '.join(lines)}")


def _word(value):
    return value if isinstance(value, str) and value and value.isprintable() else repr(value)


def _cell(value):
    text = json.dumps(value, ensure_ascii=False, default=repr)
    # as a cell of CSV
    return '"{}"'.format(text.replace('"', '""')) if re.search('[",]', text) else text


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
