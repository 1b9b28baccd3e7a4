"""Diff: say what moved between two editions, or between two commits of one edition and what moved it.

It is told in lines for a terminal, and whole on a page of its own, with every number that moved as CSV.
"""

import collections
import json
import math
import re
import shutil
import textwrap
from pathlib import Path

import pandas as pd

from helpers import compare, content, data, inference, paths, report, results, trees
from helpers.freshness import digest
from helpers.parameters import ParameterError, within_span
from helpers.runs import ProcessError

WIDTH = 100
SHOWN = 9
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
        Lines for a terminal, none longer than ``WIDTH``.

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
            raise ParameterError(f"A={a} B={b}: give two editions, or two commits and their edition as AS_OF")
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
    told |= {
        "figures": _figures(folders, [f"../../{day}/" for day in (a, b)]),
        "results": {folder.name: digest(folder / "results.json") for folder in folders},
    }
    tables, revised = _known_rows(a, b)
    numbers, turned = compare.numbers(*records), compare.verdicts(*ledgers)
    return _tell(told, records, ledgers, numbers, turned.assign(laid_to=""), tables, revised, place / "page")


def _commits(a, b, as_of, place, options):
    _check_day("AS_OF", as_of)
    one, other = trees.state(a), trees.state(b)
    if one.commit == other.commit:
        raise ParameterError(f"A and B are the same: {one}")
    parts = trees.differing(one, other)
    if not parts:
        return "", [f"No notebook, helper, table or lock differs between {one} and {other}: no number can have moved."]
    print(f"A is {one}, B is {other}; they differ in {_listed(parts)}.", flush=True)
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
    tables, revised = _changed_rows([place / "A", place / "B"], as_of) if trees.DATA in parts else ([], pd.DataFrame())
    return _tell(told, records, ledgers, numbers, turned, tables, revised, page)


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
    records = [json.loads((folder / "results.json").read_text(encoding="utf-8")) for folder in folders]
    ledgers = [pd.read_csv(folder / "verdicts.csv", keep_default_na=False, dtype=str) for folder in folders]
    return records, ledgers


def _digests(folders):
    return {folder.name: digest(folder / "results.json") for folder in folders}


def _stale(day, records):
    held = data.sources().sha256
    used = {(entry["table"], entry["sha256"]) for record in records for entry in record["inputs"]}
    other = sorted({table for table, value in used if held.get(table) != value})
    if not other:
        return ""
    return f"The edition of {day} was built from other files of {_listed(other)}: `make report AS_OF={day}`."


def _known_rows(a, b):
    """Rows of each table that were known on two days."""
    tables, revised = [], []
    described = data.columns().query("key == '1'").groupby("table").column.agg(list)
    for source in data.sources().itertuples():
        newest = data.load(source.table, max(a, b))
        sides = [data.known(newest, source.known_on, data.parse_day(day)) for day in (a, b)]
        counts, values = compare.rows(*sides, described.get(source.table, []))
        tables.append({"table": source.table} | counts)
        revised.append(values.assign(table=source.table))
    return tables, pd.concat(revised, ignore_index=True)


def _changed_rows(folders, as_of):
    """Rows of each table that two trees knew on a day."""
    tables, revised, ledgers = [], [], []
    for folder in folders:
        sources, columns = (_text(folder / "data" / name) for name in ("sources.csv", "columns.csv"))
        ledgers.append((sources.set_index("table"), columns[columns.key == "1"].groupby("table").column.agg(list)))
    for table in sorted({*ledgers[0][0].index, *ledgers[1][0].index}):
        sides, keys = [], []
        for folder, (sources, columns) in zip(folders, ledgers, strict=True):
            if table not in sources.index:
                sides.append(pd.DataFrame())
                continue
            rows = _text(folder / "data" / "raw" / sources.file[table])
            column = sources.known_on[table]
            sides.append(rows if column == data.ALWAYS else rows[rows[column] <= as_of])
            keys.append(columns.get(table, []))
        counts, values = compare.rows(*sides, keys[-1])
        tables.append({"table": table} | counts)
        revised.append(values.assign(table=table))
    return tables, pd.concat(revised, ignore_index=True)


def _text(file):
    return pd.read_csv(file, dtype=str, keep_default_na=False)


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
    return {row.claim: _mark(row.verdict, row.robust) for row in ledger.itertuples()}


def _mark(verdict, robust):
    return verdict + {"yes": ", robust", "no": ", not robust"}.get(robust, "")


def _tell(told, records, ledgers, numbers, turned, tables, revised, page):
    """Put a comparison into words, write its page and give the lines for a terminal."""
    recorded = {record["id"] for side in records for record in side}
    values = [{row.claim: _value(row) for row in ledger.itertuples()} for ledger in ledgers]
    sentences = results.claims().claim
    units = {row.claim: row.unit for ledger in ledgers for row in ledger.itertuples()}
    told |= {"recorded": len(recorded), "claims": len({claim for side in values for claim in side})}
    told["notes"] = [note for note in [*told["notes"], told["figures"]["fault"]] if note]
    told["numbers"] = [_number(row, told["parts"]) for row in numbers.to_dict("records")]
    told["verdicts"] = [
        {
            "claim": row.claim,
            "sentence": sentences.get(row.claim, ""),
            "notebook": row.notebook,
            "turn": row.turn,
            "marks": [_mark(row.verdict_a, row.robust_a), _mark(row.verdict_b, row.robust_b)],
            "sides": [side.get(row.claim, "no number") for side in values],
            "unit": units.get(row.claim, ""),
            "laid_to": row.laid_to,
        }
        for row in turned.itertuples()
    ]
    told["tables"] = sorted(
        (each for each in tables if each["known_a"] != each["known_b"] or each["added"] or each["revised"]),
        key=lambda each: (-(each["revised"] or 0), -(each["gone"] or 0), -(each["added"] or 0), each["table"]),
    )
    told |= {"all_tables": len(tables), "kinds": _kinds(numbers), "revised": len(revised)}
    page.mkdir(parents=True, exist_ok=True)
    _write_csv(page / "moved.csv", numbers)
    if len(revised):
        _write_csv(page / "revised.csv", revised[["table", "row", "column", "a", "b"]])
    told["counts"] = _counts(told)
    report.comparison_page(page, told)
    brief = {name: told[name] for name in ("labels", "as_of", "results")} | {"moved": told["kinds"].get("moved", 0)}
    brief |= {"flipped": sum(row["turn"] == "flipped" for row in told["verdicts"])}
    (page / "compare.json").write_text(json.dumps(brief, indent=1) + "\n", encoding="utf-8")
    return told["name"], _lines(told)


def _write_csv(path, table):
    table.map(_neutral).to_csv(path, index=False, lineterminator="\n")


def _neutral(value):
    """Keep a spreadsheet from running text as a formula; numbers are left alone, as text too."""
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if formula and not re.fullmatch(r"-\d+(\.\d+)?", value) else value


def _kinds(numbers):
    """How many numbers changed in each way, and of those that moved how many have which role."""
    kinds = numbers.change.value_counts()
    roles = numbers.role[numbers.change.isin(["moved", "interval", "unit"])].value_counts()
    found = {kind: int(kinds[kind]) for kind in compare.CHANGES if kind in kinds}
    return found | {role: int(roles[role]) for role in ("headline", "context", "alternative") if role in roles}


def _number(row, parts):
    """Put a number that moved into words."""
    sides = [
        inference.in_words(*(row[f"{name}_{side}"] for name in compare.NUMBERS))
        if math.isfinite(row[f"value_{side}"])
        else "not there"
        if row["change"] == {"a": "came", "b": "went"}[side]
        else "not answered"
        for side in ("a", "b")
    ]
    change = {"interval": "its interval alone", "unit": "another unit"}.get(row["change"], row["change"])
    shares = {part: row[part] for part in [*parts, compare.TOGETHER] if parts}
    decimals = _decimals([row["difference"], *shares.values()])
    change = _signed(row["difference"], decimals) if change == "moved" else change
    words = {name: row[name] for name in ("id", "notebook", "role", "unit")} | {"kind": row["change"]}
    words |= {"sides": sides, "change": change}
    errors = [(row[f"error_{side}"], row[f"errors_{side}"]) for side in ("a", "b")]
    told = not math.isnan(row["difference"])
    words["errors"] = [(why or _signed(size, 1)) if told else "" for why, size in errors]
    words["shares"] = {part: _signed(share, decimals) for part, share in shares.items()}
    words["laid_to"] = row.get("laid_to", "")
    return words


def _signed(value, decimals):
    """Print a difference with its sign, ``?`` where there is none."""
    if math.isnan(value):
        return "?"
    size = f"{abs(value):,.{decimals}f}"
    return f"{'−' if value < 0 else '+'}{size}" if size.strip("0.") else "0"


def _decimals(values):
    """Decimals that show three digits of the largest of some differences."""
    largest = max((abs(value) for value in values if not math.isnan(value)), default=0)
    return max(0, 2 - math.floor(math.log10(largest))) if largest else 0


def _arrow(sides):
    return sides[0] if sides[0] == sides[1] else " → ".join(sides)


def _value(row):
    numbers = (row.value, row.low, row.high)
    return inference.in_words(*map(float, numbers)) if row.value else "no number"


def _listed(words):
    words = list(words)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _lines(told):
    """Say a comparison in the width of a terminal: counts, verdicts, numbers, rows, places."""
    (one, other), place = told["labels"], f"report/compare/{told['name']}"
    lines = [f"A: {one} → B: {other}" + (f", edition of {told['as_of']}" if told["as_of"] else ""), ""]
    lines += [f"  {name:<9} {words}" for name, words in told["counts"]]
    lines += [f"  {run}" for run in told["runs"]] + [f"  Note: {note}" for note in told["notes"]]
    if told["verdicts"]:
        lines += ["", "Verdicts, worst first"]
    for row in told["verdicts"]:
        laid = f"laid to {row['laid_to']}" if row["laid_to"] else row["notebook"]
        lines += _spread(f"  {row['claim']}: {' → '.join(row['marks'])}", laid)
        lines.append(f"    {_arrow(row['sides'])} {row['unit']}")
    moved = [row for row in told["numbers"] if row["kind"] in ("moved", "interval", "unit")]
    main = [row for row in moved if row["role"] != "alternative"]
    lines += _section("Numbers that moved, worst first", main, SHOWN, told["parts"])
    # of each claim the alternative that moved most
    others = {row["id"].partition("/")[0]: row for row in reversed(moved) if row["role"] == "alternative"}
    others = [row for row in moved if others.get(row["id"].partition("/")[0]) is row]
    lines += _section("Alternatives that moved, the worst of each claim", others, SHOWN // 3, told["parts"])
    if told["tables"]:
        lines += ["", f"  {'Rows known':<28}{'A':>9}{'B':>9}{'added':>9}{'gone':>9}{'revised':>9}"]
    for each in told["tables"][:SHOWN]:
        counts = ["?" if each[name] is None else f"{each[name]:,}" for name in list(each)[1:]]
        lines.append(f"  {each['table']:<28}" + "".join(f"{count:>9}" for count in counts))
    if len(told["tables"]) > SHOWN:
        lines.append(f"  and {len(told['tables']) - SHOWN} more tables, on the page")
    lines += ["", f"The page       {place}/index.html", f"Every number   {place}/moved.csv"]
    lines += [f"Every revised value   {place}/revised.csv"] if told["revised"] else []
    if told["folders"]:
        lines.append(f"Records        {' and '.join(f'{folder}/results.json' for folder in told['folders'])}")
    return [piece for line in lines for piece in _wrapped(line)]


def _counts(told):
    """Count what differs, each count with its name."""
    kinds, turns = told["kinds"], collections.Counter(row["turn"] for row in told["verdicts"])
    more = [f"{turns[turn]} {turn}" for turn in [*compare.TURNS.values()][1:] if turns[turn]]
    more += [f"{turns['robustness']} turned in robustness alone"] if turns["robustness"] else []
    counts = [("Verdicts", "; ".join([f"{turns['flipped']} of {told['claims']} flipped", *more]))]
    moved = sum(kinds.get(kind, 0) for kind in ("moved", "interval", "unit"))
    roles = [f"{kinds[role]} {role}" for role in ("headline", "context", "alternative") if role in kinds]
    names = {"answered": "first answered", "unanswered": "no longer answered", "came": "came", "went": "went"}
    names["rounding"] = "moved by rounding alone"
    more = [f"{kinds[kind]} {name}" for kind, name in names.items() if kind in kinds]
    words = f"{moved} of {told['recorded']} moved" + (f" ({', '.join(roles)})" if roles else "")
    counts.append(("Numbers", "; ".join([words, *more])))
    figures = told["figures"]
    words = f"{len(figures['pairs'])} of {figures['all']} differ"
    words += "".join(
        f"; {len(places)} only in {side}"
        for side, places in zip(told["labels"], figures["only"], strict=True)
        if places
    )
    counts.append(("Figures", words))
    if told["all_tables"]:
        total = {name: sum(each[name] or 0 for each in told["tables"]) for name in ("added", "gone", "revised")}
        words = f"{len(told['tables'])} of {told['all_tables']} tables differ: "
        counts.append(("Rows", words + ", ".join(f"{count:,} {name}" for name, count in total.items())))
    return counts


def _section(title, rows, most, parts):
    if not rows:
        return []
    note = "laid to" if parts else "in standard errors of A and of B"
    lines = ["", *_spread(title, note)]
    for row in rows[:most]:
        errors = " · ".join(row["errors"])
        lines += _spread(f"  {row['id']}", row["laid_to"] if parts else errors)
        words = f"    {_arrow(row['sides'])} {row['unit']}: {row['change']}"
        shares = ", ".join(f"{part} {share}" for part, share in row["shares"].items() if share != "0")
        lines += _spread(words, shares if parts else row["notebook"])
    return lines + ([f"  and {len(rows) - most} more, in moved.csv"] if len(rows) > most else [])


def _spread(left, right):
    """Set words to the left and to the right of a line, or of two."""
    if len(left) + 2 + len(right) <= WIDTH:
        return [f"{left}{right:>{WIDTH - len(left)}}"]
    return [left, f"{right:>{WIDTH}}"]


def _wrapped(line):
    if len(line) <= WIDTH:
        return [line.rstrip()]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line.strip(), WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")
