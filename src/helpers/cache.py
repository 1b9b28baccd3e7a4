"""What a run follows from, told by content, and the runs that need not be repeated. Standard library only.

A run is known by its key: a hash over the notebook's cells and parameters, the helper modules that it imports, one
through another, the raw tables that it loads with their rows of the ledgers, the claims, its declared parameters, the
lock, the Python, and for the verdicts the results of the other notebooks. Runs are kept under ``report/.runs`` by their
key; an edition is put together from them.
"""

import ast
import csv
import functools
import json
import os
import shutil
from pathlib import Path

from helpers import paths
from helpers.freshness import digest, hashed, python

KEPT_BYTES = 2_000_000_000
RECORD = "run.json"
# folders of files that a module reads beside its own code
BESIDE = {"charts.house": "fonts", "report": "templates"}
# what executes a notebook shapes its outputs too
EXECUTES = ("execution", "kernels")
# what reads tables by its method ``load``, and what else may be asked of it that reads none
READERS = {
    "data": {"REPLICATION", "parse_day", "DataError"},
    "notebook": {"figure", "table", "record", "note", "gather", "name", "as_of", "output_dir"},
}


def parts(notebook: str, settings: dict, folder: Path | None = None, pictures: bool = True) -> dict:
    """Tell what a run of a notebook follows from.

    Parameters
    ----------
    notebook : str
    settings : dict
        Parameters to set; empty leaves the defaults.
    folder : Path, optional
        Edition whose results the notebook gathers, if it gathers them.
    pictures : bool
        Whether its figures are drawn.

    Returns
    -------
    dict
        A hash or value by part: cells, parameters, declared parameters, claims, added claims of its own where it has
        some (of all, where it gathers results), lock, python, pictures where none are drawn, and by name
        ``module x``, ``table y`` and ``results of z``.
    """
    cells, code = _cells(notebook)
    imports, tables, gathers = _reads(code)
    found = {
        "cells": hashed(cells),
        "parameters": json.dumps(settings, sort_keys=True),
        "claims": digest(paths.DATA / "claims.csv"),
        "lock": digest(paths.ROOT / "requirements.lock"),
        "python": python(),
    }
    if added := _added(notebook, gathers):
        found["added claims"] = hashed(added)
    if declared := _ledger("parameters.csv", "notebook").get(notebook):
        # the run says which of its parameters are others
        found["declared parameters"] = hashed(declared)
    if not pictures:
        found["pictures"] = "none"
    for module in sorted(_closure(imports | {*EXECUTES, "__init__"})):
        found[f"module {module}"] = _module(module)
    found |= {f"table {table}": value for table, value in _tables(tables).items()}
    if "own" in imports:
        # files that are no table, such as groups of securities
        folder_of_own = paths.DATA / "own"
        held = sorted(folder_of_own.rglob("*.csv")) if os.environ.get(paths.OWN_VARIABLE) != "0" else []
        found["own files"] = hashed([[str(file.relative_to(folder_of_own)), digest(file)] for file in held])
    if folder is not None and gathers:
        for file in sorted(folder.glob("[0-9][0-9]_*/results.json")):
            if file.parent.name != notebook:
                found[f"results of {file.parent.name}"] = digest(file)
    return found


def gathers(notebook: str) -> bool:
    """Tell whether a notebook gathers the results of the others."""
    return _reads(_cells(notebook)[1])[2]


def loads(code: str) -> list[str] | None:
    """Name the tables that a notebook's code loads, in order; None where it cannot be told and may be all of them."""
    tables = _reads(code)[1]
    return None if tables is None else sorted(tables)


def key(found: dict) -> str:
    """Hash the parts of a run into the name under which it is kept."""
    return hashed(found)[:32]


def shared_key(names: list[str]) -> str:
    """Hash what runs of some notebooks follow from, whatever their parameters."""
    return hashed([parts(name, {}) for name in names])


def keep(found: dict, folder: Path) -> None:
    """Keep the folder of a finished run under its key, with a record of its parts and of every file's hash.

    Parameters
    ----------
    found : dict
        As `parts` gives.
    folder : Path
        What the notebook wrote; the record is put there too, as ``run.json``.
    """
    files = {name: digest(folder / name) for name in _names(folder) if name != RECORD}
    record = {"key": key(found), "parts": found, "files": files}
    (folder / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    target = _store() / record["key"]
    draft = _store() / f".{record['key']}-{os.getpid()}"
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(folder, draft, copy_function=_linked)
    shutil.rmtree(target, ignore_errors=True)
    draft.replace(target)


def modules(notebook: str) -> set[str]:
    """Name the helper modules that a notebook follows from, such as ``returns`` and ``charts.returns``."""
    _, code = _cells(notebook)
    imports, _, _ = _reads(code)
    return _closure(imports | {*EXECUTES, "__init__"})


def fetch(wanted: str, folder: Path) -> bool:
    """Put a kept run into a folder, if there is one whose files are all as they were; forget it if they are not."""
    kept = _store() / wanted
    record = _record(kept)
    if record is None:
        return False
    names = [name for name in _names(kept) if name != RECORD]
    if names != sorted(record["files"]) or any(digest(kept / name) != record["files"][name] for name in names):
        shutil.rmtree(kept, ignore_errors=True)
        return False
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(kept, folder, copy_function=_linked)
    os.utime(kept)
    return True


def tidy() -> None:
    """Drop the runs that were not used for longest, beyond two gigabytes, and what a killed run left half kept."""
    held = 0
    runs = [path for path in _store().glob("*") if path.is_dir()]
    for run in sorted(runs, key=lambda path: path.stat().st_mtime, reverse=True):
        held += sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        if held > KEPT_BYTES or run.name.startswith("."):
            shutil.rmtree(run, ignore_errors=True)


def changes(old: dict, new: dict) -> list[str]:
    """Name the parts that differ between two runs, in words."""
    lines = [f"{name} changed" for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    lines += [f"{name} is new" for name in sorted(new.keys() - old.keys())]
    lines += [f"{name} is no longer read" for name in sorted(old.keys() - new.keys())]
    return lines


def why(notebook: str, as_of: str) -> list[str]:
    """Say in lines why a notebook of a published edition would be run again, or that it would not."""
    folder = paths.REPORT / as_of
    record = _record(folder / notebook)
    if record is None:
        return [f"{notebook} as of {as_of} was never run here"]
    lines = changes(record["parts"], parts(notebook, {"as_of": as_of}, folder))
    return lines or [f"nothing: {notebook} as of {as_of} is fresh"]


def _store():
    place = paths.REPORT / ".runs"
    place.mkdir(parents=True, exist_ok=True)
    return place


def _record(folder):
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        return record if all(isinstance(record[name], dict) for name in ("parts", "files")) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _names(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def _linked(source, target):
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _cells(notebook):
    """Cells of a notebook without their outputs, and its code."""
    return _parsed((paths.NOTEBOOKS / f"{notebook}.ipynb").read_bytes())


# a sweep asks the same of a notebook hundreds of times, and most of its file are pictures
@functools.cache
def _parsed(content):
    cells = [
        [cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", []), cell.get("id")]
        for cell in json.loads(content)["cells"]
    ]
    return cells, "\n".join(source for kind, source, _, _ in cells if kind == "code")


def _file(module):
    """File of a helper module or package, which need not exist."""
    root = paths.ROOT / "src" / "helpers" / Path(*module.split("."))
    return root.with_suffix(".py") if root.with_suffix(".py").is_file() else root / "__init__.py"


def _module(module):
    beside = BESIDE.get(module)
    content = [digest(_file(module))]
    return hashed(content + ([digest(paths.ROOT / "src" / "helpers" / beside)] if beside else []))


def _closure(names):
    """All modules that some modules import, one through another, and these themselves."""
    found, waiting = set(), set(names)
    while waiting:
        module = waiting.pop()
        if module not in found and _file(module).is_file():
            found.add(module)
            # a package loads what it holds when it is asked for, which is counted where it is asked
            waiting |= _imports(_file(module).read_text(encoding="utf-8"), module)
            waiting |= {module.rpartition(".")[0]} - {""}
    return found


@functools.cache
def _imports(code, own):
    """Tell which helper modules code imports; all of them where it is not Python."""
    package = paths.ROOT / "src" / "helpers"
    whole = {".".join(file.relative_to(package).with_suffix("").parts) for file in package.rglob("*.py")}
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return whole
    found = set()
    for node in _statements(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "helpers":
            module = node.module.partition(".")[2]
            for alias in node.names:
                name = f"{module}.{alias.name}" if module else alias.name
                found |= {name} if _file(name).is_file() else {module}
        elif isinstance(node, ast.Import):
            # all of the package may be had through its name
            found |= whole if any(alias.name.partition(".")[0] == "helpers" for alias in node.names) else set()
    packages = [name for name in found if _file(name).name == "__init__.py" and _file(name).is_file()]
    for name in [name for name in packages if name != own]:
        found |= _held(list(ast.walk(tree)), name)
    return found


def _statements(tree):
    """Give the statements of code at every depth: a tenth of its nodes, and nothing else imports."""
    waiting = [tree]
    for node in waiting:
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            waiting += getattr(node, part, [])
    return waiting


def _held(nodes, package):
    """Modules of a package that code asks for by ``package.name``; all, where it uses the package otherwise."""
    places = _places(package)
    whole = {f"{package}.{module}" for module in set(places.values())}
    named = [node for node in nodes if isinstance(node, ast.Name) and node.id == package]
    asked = _asked(nodes, package)
    if _renamed(nodes, package) or len(asked) < len(named) or not set(asked) <= set(places):
        return whole
    return {f"{package}.{places[name]}" for name in asked}


def _places(package):
    """Table of a package's names and the modules that hold them: the literal ``PLACES`` of its ``__init__``."""
    for node in ast.parse(_file(package).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PLACES":
            return {name: module for module, names in ast.literal_eval(node.value).items() for name in names.split()}
    return {}


def _renamed(nodes, module):
    """Tell whether code knows a helper module by another name than its own, so that its uses cannot be followed."""
    return any(
        (isinstance(node, ast.ImportFrom) and node.module == "helpers" and alias.name == module and alias.asname)
        or (isinstance(node, ast.Import) and alias.name.partition(".")[0] == "helpers")
        for node in nodes
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    )


def _asked(nodes, module):
    """Names that code asks a module for, as in ``module.name``."""
    return [
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module
    ]


@functools.cache
def _reads(code):
    """Tell which helper modules a notebook imports, tables it loads (None: all), if it gathers results."""
    imports = _imports(code, "")
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except SyntaxError:
        return imports, None, True
    # names taken out of these modules cannot be followed
    taken = {node.module for node in nodes if isinstance(node, ast.ImportFrom)} & {"helpers.data", "helpers.results"}
    taken |= {module for module in ("data", "results") if _renamed(nodes, module)}
    loads = [
        node.args[0].value
        for node in nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "load"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in READERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    names = [node for node in nodes if isinstance(node, ast.Name) and node.id in READERS]
    # a notebook makes its object once
    made = sum(isinstance(node.ctx, ast.Store) for node in names)
    asked = sum(name in known for reader, known in READERS.items() for name in _asked(nodes, reader))
    tables = frozenset(loads) if len(loads) + asked + made == len(names) and made <= 1 and not taken else None
    gathers = "gather" in [*_asked(nodes, "results"), *_asked(nodes, "notebook")]
    return imports, tables, bool(taken) or gathers


def _tables(names):
    """Hash of each table: its raw file, its rows of the ledgers, what was revised of it and what is your own."""
    listed, described = _ledger("sources.csv"), _ledger("columns.csv")
    found = {}
    for table in sorted(set(listed) if names is None else names):
        file = paths.RAW / f"{table}.csv"
        content = digest(file) if file.is_file() else "missing"
        found[table] = hashed([content, listed.get(table), described.get(table), *_beside(table)])
    return found


def _added(notebook, every):
    """List the added claims of a notebook, or of every one; `results.record` takes no others of it."""
    if not paths.added_claims().is_file():
        return []
    with paths.added_claims().open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if every or row.get("notebook") == notebook]


def _beside(table):
    places = [paths.DATA / "vintages", *([paths.own()] if paths.own() else [])]
    files = [place / f"{table}.csv" for place in places]
    return [[file.parent.name, digest(file)] for file in files if file.is_file()]


def _ledger(name, by="table"):
    """Rows of a ledger by table, or by another of its columns."""
    rows = {}
    with (paths.DATA / name).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row.get(by), []).append(row)
    return rows
