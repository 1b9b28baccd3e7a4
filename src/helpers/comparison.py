"""Comparison: what moved in words, as lines for a terminal and as a page with every number that moved as CSV."""

import collections
import json
import math
import re
import textwrap
from pathlib import Path

import pandas as pd

from helpers import compare, inference, report, results

WIDTH = 100
# how many verdicts, numbers and tables a terminal is told of; the page has all
MOST, SHOWN = 15, 9
NO_NUMBER = "no number"
MOVED = ("moved", "interval", "unit")
ROLES = ("headline", "context", "alternative")


def mark(verdict: str, robust: str) -> str:
    """Say a verdict with its mark of robustness."""
    return verdict + {"yes": ", robust", "no": ", not robust"}.get(robust, "")


def write(
    page: Path,
    told: dict,
    records: list[list[dict]],
    ledgers: list[pd.DataFrame],
    numbers: pd.DataFrame,
    turned: pd.DataFrame,
    tables: list[dict],
    revised: pd.DataFrame,
) -> list[str]:
    """Write the page of a comparison, ``moved.csv``, ``revised.csv`` where rows were, and ``compare.json``.

    Parameters
    ----------
    page : Path
        Folder to write to.
    told : dict
        name; labels of A and B; as_of, the edition of two commits, else empty; parts in which commits differ; runs and
        notes, lines to be said; folders of editions; figures (pairs that differ with place, sides and bases; all, how
        many both have; only, places that one has; fault); results, the hash of each edition's records.
    records : list of list of dict
        Records of A and B.
    ledgers : list of DataFrame
        Verdicts of A and B, as text.
    numbers : DataFrame
        As `helpers.compare.numbers` or `attribution` give.
    turned : DataFrame
        As `helpers.compare.verdicts` gives, for commits with a column laid_to.
    tables : list of dict
        One a table: its name and the counts of `helpers.compare.rows`.
    revised : DataFrame
        One row a revised value: table, row, column, a, b.

    Returns
    -------
    list of str
        Lines for a terminal, none longer than ``WIDTH``: counts, then what is worst first, then where things lie.
    """
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
            "marks": [mark(row.verdict_a, row.robust_a), mark(row.verdict_b, row.robust_b)],
            "sides": [side.get(row.claim, NO_NUMBER) for side in values],
            "unit": units.get(row.claim, ""),
            "laid_to": getattr(row, "laid_to", ""),
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
    return _lines(told)


def _write_csv(path, table):
    table.map(_neutral).to_csv(path, index=False, lineterminator="\n")


def _neutral(value):
    """Keep a spreadsheet from running text as a formula; numbers are left alone, as text too."""
    formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if formula and not re.fullmatch(r"-\d+(\.\d+)?", value) else value


def _kinds(numbers):
    """How many numbers changed in each way, and of those that moved how many have which role."""
    kinds = numbers.change.value_counts()
    roles = numbers.role[numbers.change.isin(MOVED)].value_counts()
    found = {kind: int(kinds[kind]) for kind in compare.CHANGES if kind in kinds}
    return found | {role: int(roles[role]) for role in ROLES if role in roles}


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
    return inference.in_words(*map(float, numbers)) if row.value else NO_NUMBER


def listed(words) -> str:
    """Join words by commas and a last "and"."""
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
    for row in told["verdicts"][:MOST]:
        laid = f"laid to {row['laid_to']}" if row["laid_to"] else row["notebook"]
        lines += _spread(f"  {row['claim']}: {' → '.join(row['marks'])}", laid)
        if set(row["sides"]) != {NO_NUMBER}:
            lines.append(f"    {_arrow(row['sides'])} {row['unit']}")
    lines += [f"  and {len(told['verdicts']) - MOST} more, on the page"] * (len(told["verdicts"]) > MOST)
    moved = [row for row in told["numbers"] if row["kind"] in MOVED]
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
    moved = sum(kinds.get(kind, 0) for kind in MOVED)
    roles = [f"{kinds[role]} {role}" for role in ROLES if role in kinds]
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
        if parts and row["errors"][0]:
            words += f" ({row['errors'][0]}{' s.e.' if row['errors'][0][-1].isdigit() else ''})"
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
