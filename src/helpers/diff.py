"""Diff: compare two editions; or two commits in one edition, by running each with one part of the other at a time."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd

from helpers import compare, comparison, content, data, paths, trees
from helpers.freshness import digest
from helpers.parameters import ParameterError, within_span
from helpers.runs import ProcessError

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def carry_out(a: str, b: str, as_of: str, place: Path, options: list[str]) -> tuple[str, list[str]]:
    """Compare two editions, or two commits, and write the page.

    Parameters
    ----------
    a, b : str
        Two ISO dates; or two commits by any name that git knows, where ``.`` or nothing is the working tree.
    as_of : str
        Edition in which commits are compared, that of the note's day if empty. Editions take none.
    place : Path
        Folder to work in, inside that of the report. The page is left in its folder ``page``.
    options : list of str
        More of ``helpers.run report``, for commits.

    Returns
    -------
    str
        Name of the comparison; empty where there is no page, because nothing can have moved.
    list of str
        Lines for a terminal, none longer than ``comparison.WIDTH``.

    Raises
    ------
    ParameterError
        If the wish cannot be met, naming the nearest that can.
    ProcessError
        If A or B cannot be run.
    """
    if not a:
        raise ParameterError("A is missing: such as A=2025-02-14 B=2026-07-31 for editions, A=HEAD~1 for commits")
    dated = [bool(DAY.fullmatch(wish)) for wish in (a, b)]
    try:
        if all(dated):
            return _editions(a, b, as_of, place)
        if any(dated):
            raise ParameterError(f"A={a!r} B={b!r}: give two editions, or two commits and their edition as AS_OF")
        return _commits(a, b or trees.WORKING, as_of or data.REPLICATION, place, options)
    except trees.TreeError as error:
        raise ParameterError(str(error)) from None


def _editions(a, b, as_of, place):
    if as_of:
        raise ParameterError("AS_OF goes with two commits; two editions are told by A and B alone")
    if a == b:
        raise ParameterError(f"A and B are the same edition, {a}")
    for name, day in (("A", a), ("B", b)):
        _check_day(name, day)
        if not (paths.REPORT / day / "results.json").is_file():
            within_span(day)
            held = ", ".join(sorted(file.parent.name for file in paths.REPORT.glob("????-??-??/results.json")))
            raise ParameterError(f"no edition of {day} yet: run `make report AS_OF={day}`; there are {held or 'none'}")
    folders = [paths.REPORT / day for day in (a, b)]
    records, ledgers = _read(folders)
    told = {"name": f"{a}--{b}", "labels": [a, b], "as_of": "", "parts": [], "runs": []}
    told |= {"folders": [str(folder.relative_to(paths.ROOT)) for folder in folders]}
    told |= {"notes": [_stale(day, side) for day, side in zip((a, b), records, strict=True)]}
    told |= {"figures": _figures(folders, [f"../../{day}/" for day in (a, b)])}
    told["results"] = {folder.name: digest(folder / "results.json") for folder in folders}
    # each as of its own day: a value revised between the two stands in both of its vintages
    sides = [{table: data.load(table, day) for table in data.sources().index} for day in (a, b)]
    tables, revised = _compare_tables(*sides, _keys(paths.DATA))
    numbers, turned = compare.numbers(*records), compare.verdicts(*ledgers)
    found = {"numbers": numbers, "turned": turned, "tables": tables, "revised": revised}
    return told["name"], comparison.write(place / "page", told, records, ledgers, **found)


def _commits(a, b, as_of, place, options):
    _check_day("AS_OF", as_of)
    one, other = trees.state(a), trees.state(b)
    if one.commit == other.commit:
        raise ParameterError(f"A and B are the same: {one}")
    parts = trees.differing(one, other)
    if not parts:
        return "", [f"No notebook, helper, table or lock differs between {one} and {other}: no number can have moved."]
    print(f"A is {one}, B is {other}; they differ in {comparison.listed(parts)}.", flush=True)
    parts, locks, pythons, notes = _environments(one, other, parts, place)
    wanted = {"A": dict.fromkeys(trees.PARTS, one) | {trees.ENVIRONMENT: locks[0]}}
    wanted |= {"B": dict.fromkeys(trees.PARTS, other) | {trees.ENVIRONMENT: locks[1]}}
    if len(parts) > 1:
        wanted |= {part: wanted["A"] | {part: wanted["B"][part]} for part in parts}
    folders, runs = {}, []
    for name, sides in wanted.items():
        words = name if name in ("A", "B") else f"A with B's {name}"
        print(f"Building the edition of {as_of} of {words} ...", flush=True)
        tree = trees.lay(place / name, sides)
        folders[name], said = trees.run(tree, pythons[sides[trees.ENVIRONMENT]], as_of, options)
        if folders[name] is None and name in ("A", "B"):
            raise ProcessError(f"{name}, {wanted[name][trees.CODE]}, cannot run: {said}")
        runs.append(f"{words}: {said}" if folders[name] else f"{words} cannot run: {said}; its share is not told")
    # where one part differs, all is laid to it
    alone = {part: folders[part if len(parts) > 1 else "B"] for part in parts}
    records, ledgers = _read([folders["A"], folders["B"]])
    found = {part: folder and _read([folder]) for part, folder in alone.items()}
    numbers = compare.attribution(*records, {part: each and each[0][0] for part, each in found.items()})
    turned = compare.verdicts(*ledgers)
    marks = {part: each and _marks(each[1][0]) for part, each in found.items()}
    before, after = (_marks(ledger) for ledger in ledgers)
    turned["laid_to"] = [
        compare.turned_by(
            before.get(claim, ""),
            after.get(claim, ""),
            {part: each and each.get(claim, "") for part, each in marks.items()},
        )
        for claim in turned.claim
    ]
    page = place / "page"
    figures = _figures([folders["A"], folders["B"]], ["a/", "b/"])
    _copy_figures(figures["pairs"], [folders["A"], folders["B"]], page)
    told = {"name": f"{one.name}--{other.name}--{as_of}", "labels": [str(one), str(other)], "as_of": as_of}
    told |= {"parts": parts, "runs": runs, "folders": [], "notes": notes, "figures": figures, "results": {}}
    tables, revised = [], pd.DataFrame()
    if trees.DATA in parts:
        sides = [_tree_rows(name, place / name, pythons[wanted[name][trees.ENVIRONMENT]], as_of) for name in ("A", "B")]
        tables, revised = _compare_tables(*sides, _keys(place / "A" / "data") | _keys(place / "B" / "data"))
    found = {"numbers": numbers, "turned": turned, "tables": tables, "revised": revised}
    return told["name"], comparison.write(page, told, records, ledgers, **found)


def _tree_rows(name, tree, python, as_of):
    try:
        return trees.rows(tree, python, as_of)
    except trees.TreeError as error:
        raise ProcessError(f"{name}: {error}") from None


def _check_day(name, day):
    try:
        data.parse_day(day)
    except ValueError as error:
        raise ParameterError(f"{name}: {error}") from None


def _environments(one, other, parts, place):
    """Have the environments of both locks; where one cannot be made all is run in the other, which is said."""
    pythons, faults = {}, []
    for side in (one, other) if trees.ENVIRONMENT in parts else (other,):
        try:
            pythons[side] = trees.interpreter(side, place / f"environment-{side.name}")
        except trees.TreeError as error:
            fault = str(error)
            faults.append(f"{fault[0].upper()}{fault[1:]}.")
    if not faults:
        return parts, (one if trees.ENVIRONMENT in parts else other, other), pythons, []
    here = trees.state(trees.WORKING)
    held = next(iter(pythons), here)
    rest = [part for part in parts if part != trees.ENVIRONMENT]
    if not rest:
        raise ProcessError(" ".join([*faults, "Nothing else differs, so there is nothing to compare."]))
    notes = [*faults, f"All was run in the environment of {held}; what the lock changed is not told."]
    return rest, (held, held), pythons or {here: trees.interpreter(here, place)}, notes


def _read(folders):
    """Read the records and verdicts of some editions."""
    records, ledgers = [], []
    for folder in folders:
        try:
            found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            if not (isinstance(found, list) and all(isinstance(each, dict) and "id" in each for each in found)):
                raise ValueError("results.json is no list of records")
            ledgers.append(pd.read_csv(folder / "verdicts.csv", keep_default_na=False, dtype=str))
        except (OSError, ValueError) as error:
            # the remedy first, for a long line is cut
            remedy = f"run `make report AS_OF={folder.name} FORCE=1`"
            raise ProcessError(f"the edition of {folder.name} cannot be read, {remedy}: {error}") from None
        records.append(found)
    return records, ledgers


def _stale(day, records):
    held = data.sources().sha256
    used = {(entry["table"], entry["sha256"]) for record in records for entry in record["inputs"]}
    other = sorted({table for table, value in used if held.get(table) != value})
    if not other:
        return ""
    return f"The edition of {day} was built from other files of {comparison.listed(other)}: `make report AS_OF={day}`."


def _compare_tables(a, b, keys):
    """Compare the tables of two states: counts, and revised values; a table that is not there has no rows."""
    tables, revised = [], []
    for table in sorted({*a, *b}):
        sides = [data.untyped(side[table]) if table in side else None for side in (a, b)]
        one, other = (sides[1 - place].iloc[:0] if side is None else side for place, side in enumerate(sides))
        counts, values = compare.rows(one, other, keys.get(table, []))
        tables.append({"table": table} | counts)
        revised.append(values.assign(table=table))
    return tables, pd.concat(revised, ignore_index=True)


def _keys(folder):
    """Key columns of each table, by the ledger of a folder, which may be older than its rules here."""
    columns = pd.read_csv(folder / "columns.csv", dtype=str, keep_default_na=False)
    return columns[columns.key == "1"].groupby("table").column.agg(list).to_dict()


def _figures(folders, bases):
    """Figures of two editions by their place in both: pairs that differ, how many are the same, what only one has."""
    try:
        sides = [
            {
                shown["files"]: shown
                for name in content.names(folder)
                for cell in content.section(folder, name)["cells"]
                for shown in cell["outputs"]
                if shown["kind"] == "figure"
            }
            for folder in folders
        ]
    except ValueError as error:
        return {"pairs": [], "all": 0, "only": [[], []], "fault": f"The figures cannot be set side by side: {error}."}
    both = [place for place in sides[0] if place in sides[1]]
    drawn = [place for place in both if len({(folder / f"{place}.svg").read_bytes() for folder in folders}) > 1]
    pairs = [{"place": place, "sides": [side[place] for side in sides], "bases": bases} for place in drawn]
    only = [[place for place in side if place not in both] for side in sides]
    return {"pairs": pairs, "all": len(both), "only": only, "fault": ""}


def _copy_figures(pairs, folders, page):
    """Keep the pictures of trees, which are removed."""
    for pair in pairs:
        for folder, base in zip(folders, pair["bases"], strict=True):
            for suffix in (".svg", ".png", ".csv"):
                target = page / base / f"{pair['place']}{suffix}"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(folder / f"{pair['place']}{suffix}", target)


def _marks(ledger):
    """Verdict and mark of each claim, in words."""
    return {row.claim: comparison.mark(row.verdict, row.robust) for row in ledger.itertuples()}
