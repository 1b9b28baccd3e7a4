"""Add a notebook: from templates a notebook, its module, its tests, rows of the ledgers and a claim, all or nothing.

What is laid out passes every gate as it stands, so that whoever goes on from there always has a whole collection. It is
written beside the project's files first and moved when all of it is ready; where the run that stores the outputs fails,
everything is put back.
"""

import argparse
import csv
import hashlib
import io
import json
import keyword
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import jinja2
import nbformat

from helpers import data, environment, parameters, paths, results, terminal

TEMPLATES = Path(__file__).parent / "templates" / "new"
FIRST, LAST = "00", "99"
# example rows: five firms that do not exist, their quarters, and when each would have been known
QUARTERS = [("2023-12-31", "2024-01-31"), ("2024-06-30", "2024-07-31"), ("2024-12-31", "2025-01-31")]
QUARTERS += [("2025-06-30", "2025-07-31")]
EXAMPLES = {
    "Example A": (10, 12, 15, 16),
    "Example B": (20, 21, 24, 30),
    "Example C": (5, 6, 9, 9),
    "Example D": (8, 9, 9.5, 14),
    "Example E": (14, 13, 16, 18),
}
# names that the notebook gives to its own things
TAKEN = {"as_of", "claim", "changed", "columns", "drawing", "end", "found", "here", "later_start", "listed", "measure"}
TAKEN |= {"missing", "name", "names", "others", "rest", "rows", "start", "table", "used"}
MOST_LETTERS = 80


class NewError(ValueError):
    """A wish that cannot be met; what was there before is as it was."""

    exit_code = 2


class RunError(NewError):
    """A run that failed; what was there before is as it was."""

    exit_code = 1


@dataclass(frozen=True)
class Wish:
    """What is to be added.

    Parameters
    ----------
    name : str
        Of the notebook, such as ``08_capex``; its word is that of the module, the test and the result.
    title : str
        The question, which ends in a question mark; one is made up where it is empty.
    table : str
        Table of ``data/sources.csv`` to ask; example rows are laid out as a new one where it is empty.
    claim : str
        What is claimed, in a sentence.
    unit : str
        Unit of the change.
    low, high : str
        Range that would make the claim true, ``-inf`` and ``inf`` for no end.
    reason : str
        Why this range and no other.
    """

    name: str
    title: str = ""
    table: str = ""
    claim: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    reason: str = ""

    @property
    def number(self) -> str:
        """Two digits that are the notebook's for life."""
        return self.name[:2]

    @property
    def word(self) -> str:
        """Name of module and test."""
        return self.name[3:]

    @property
    def slug(self) -> str:
        """First word of the exhibits and of the claim."""
        return self.word.replace("_", "-")


def check(wish: Wish) -> None:
    """Refuse a name that is none or is taken, a title that asks nothing, and a range that is none.

    Raises
    ------
    NewError
        Naming what is wrong and the nearest remedy.
    """
    held = parameters.notebooks()
    numbers = {name[:2] for name in held} | {FIRST, LAST}
    free = next(f"{number:02d}" for number in range(1, 99) if f"{number:02d}" not in numbers)
    if not wish.name:
        raise NewError(f'NAME is missing: make new NAME={free}_capex TITLE="Did capital spending rise?"')
    if not re.fullmatch(r"\d\d_[a-z]+(?:_[a-z]+)*", wish.name):
        raise NewError(f"NAME={wish.name} is not a number and small letters: try {free}_{_near(wish.name)}")
    if wish.number in (FIRST, LAST):
        whose = "data" if wish.number == FIRST else "verdicts"
        raise NewError(f"{wish.number} is kept for the {whose}; {free} is free: NAME={free}_{wish.word}")
    if wish.number in numbers:
        (other, *_) = [name for name in held if name[:2] == wish.number]
        raise NewError(f"{wish.number} is the number of {other} for life; {free} is free: NAME={free}_{wish.word}")
    _check_word(wish)
    for name, text in (("TITLE", wish.title), ("CLAIM", wish.claim), ("REASON", wish.reason), ("UNIT", wish.unit)):
        if not text.isprintable() or text != text.strip() or set(text) & set('|`<>\\*_[]"{}'):
            raise NewError(f"{name} is plain words, without signs that Markdown or a table would read: {text!r}")
    if wish.title and (len(wish.title) > MOST_LETTERS or not re.fullmatch(r"[A-Z].*\?", wish.title)):
        raise NewError(f"TITLE is a question of up to {MOST_LETTERS} letters, from capital to “?”, not {wish.title!r}")
    _range(wish)


def _check_word(wish):
    word, listed = wish.word, data.sources()
    place = paths.ROOT / "src" / "helpers"
    if (place / f"{word}.py").exists() or (place / word).exists():
        raise NewError(f"src/helpers has a module {word} already: take another word, such as {word}_again")
    if (paths.ROOT / "tests" / f"test_{word}.py").exists():
        raise NewError(f"tests/test_{word}.py exists already: take another word")
    if any(name[3:] == word for name in parameters.notebooks()):
        raise NewError(f"a notebook is called {word} already: take another word")
    if word in listed.index and word != wish.table:
        raise NewError(f"{word} is a table already: TABLE={word} asks it, under another word for the notebook")
    if word in listed.index:
        raise NewError(f"{word} is a table: take another word for the notebook, such as {word}_change")
    if keyword.iskeyword(word) or word in TAKEN:
        raise NewError(f"{word} means something in the notebook's code already: take another word")
    if wish.table and wish.table not in listed.index:
        raise NewError(f"no table {wish.table!r}; {parameters.hint(wish.table, listed.index)}")
    if _claim(wish) in results.claims().index:
        raise NewError(f"{_claim(wish)} is a claim already: take another word")


def _near(name):
    return re.sub(r"[^a-z]+", "_", name.lower()).strip("_") or "capex"


def _claim(wish):
    return f"{wish.slug}-mean-change"


def _range(wish):
    try:
        low, high = float(wish.low or 0), float(wish.high or "inf")
    except ValueError:
        raise NewError(f"LOW and HIGH are numbers, -inf or inf, not {wish.low!r} and {wish.high!r}") from None
    if not low <= high or (math.isinf(low) and math.isinf(high)):
        raise NewError(f"LOW={wish.low or 0} to HIGH={wish.high or 'inf'} is no range that a number could miss")
    return low, high


@dataclass(frozen=True)
class Choice:
    """Which columns of a table are read, and from which rows.

    Parameters
    ----------
    entity, day, value, known_on : str
        Columns of who, when, how much and from when on a row is known.
    filters : dict of str to str
        Value to which other columns of the key are held, so that each entity is one series.
    unit : str
        Unit of the values.
    start, later_start, end : str
        Days between which the change is first asked.
    """

    entity: str
    day: str
    value: str
    known_on: str
    filters: dict
    unit: str
    start: str
    later_start: str
    end: str


def chosen(table: str) -> Choice:
    """Choose columns of a table, by its ledgers, so that some entities have values on two days known by the note's day.

    Raises
    ------
    NewError
        If the table has no such columns.
    """
    rows, described = data.load(table, data.REPLICATION), data.columns().query("table == @table")
    known_on, key = data.sources().known_on[table], described[described.key == "1"]
    days = [*key.column[key.type == "date"], *([known_on] if known_on != data.ALWAYS else [])]
    texts = list(key.column[key.type == "text"])
    values = described[(described.key == "0") & described.type.isin(["number", "integer"])]
    if known_on != data.ALWAYS and len(values):
        for day in dict.fromkeys(days):
            for entity in texts:
                found = _series(rows, entity, day, values.column.iloc[0], [name for name in texts if name != entity])
                if found is not None:
                    filters, held, start = found
                    between = held[day][(held[day] > start) & (held[day] < held[day].max())].drop_duplicates()
                    later = between.sort_values(kind="stable").iloc[len(between) // 2] if len(between) else start
                    dates = [f"{start:%Y-%m-%d}", f"{later:%Y-%m-%d}", data.REPLICATION]
                    value = values.iloc[0]
                    return Choice(entity, day, value.column, known_on, filters, value.unit or "units", *dates)
    remedy = "leave TABLE out, and put rows of your own into the table of example rows"
    raise NewError(f"{table} has no two entities with values on two days known by {data.REPLICATION}: {remedy}")


def _series(rows, entity, day, value, others):
    """Find rows in which an entity has one value a day, by holding other columns to a value; and their first day."""
    held = rows[rows[value].notna()]
    tried = [({}, held)]
    if others and len(held):
        for kept in held[others].value_counts(sort=True).index[:50]:
            filters = dict(zip(others, kept, strict=True))
            tried.append((filters, held[(held[others] == list(kept)).all(axis=1)]))
    for filters, cut in tried:
        reach = cut.groupby(entity)[day].agg(["min", "max"]).sort_values("min", kind="stable")
        if len(reach) < 2 or cut.duplicated([entity, day]).any():
            continue
        # the day by which two are there, so that a change of both can be told
        start = reach["min"].iloc[1]
        if ((reach["min"] <= start) & (reach["max"] > start)).sum() > 1:
            return filters, cut, start
    return None


def files(wish: Wish) -> dict[Path, bytes]:
    """Write all that is added and all that changes with it, in memory.

    Parameters
    ----------
    wish : Wish

    Returns
    -------
    dict of Path to bytes
        Content of each file: new ones, and ledgers and pages with rows added.

    Raises
    ------
    NewError
        As for `check` and `chosen`.
    """
    check(wish)
    site = _site()
    found = {}
    if wish.table:
        table, choice = wish.table, chosen(wish.table)
    else:
        table, choice = wish.word, _example()
        told = {"rows": EXAMPLES, "quarters": QUARTERS}
        raw = site.get_template("table.csv.j2").render(told).encode()
        found[paths.RAW / f"{table}.csv"] = raw
        found |= _described(table, hashlib.sha256(raw).hexdigest())
    low, high = _range(wish)
    unit = wish.unit or ("percentage points" if choice.unit.startswith("percent") else choice.unit)
    names = {"charts", "results", wish.word}
    cut = " & ".join(f"(table.{column} == {column})" for column in choice.filters)
    told = {
        **vars(choice),
        "name": wish.name,
        "number": wish.number,
        "word": wish.word,
        "slug": wish.slug,
        "title": wish.title or f"How much did {wish.word.replace('_', ' ')} change?",
        "table": table,
        "claim": _claim(wish),
        "unit": unit,
        "value_unit": choice.unit,
        "what": choice.value.replace("_", " ").capitalize(),
        "imports": ", ".join(sorted(names)),
        "test_imports": ", ".join(sorted({"data", wish.word})),
        "cut": f"table[{cut}]" if cut else "table",
    }
    notebook = paths.NOTEBOOKS / f"{wish.name}.ipynb"
    found[notebook] = _notebook(wish, site.get_template("notebook.txt.j2").render(told))
    code = {"module.py.j2": f"src/helpers/{wish.word}.py", "test.py.j2": f"tests/test_{wish.word}.py"}
    found |= {paths.ROOT / file: site.get_template(name).render(told).encode() for name, file in code.items()}
    methods = paths.ROOT / "docs" / "methods.md"
    found[methods] = methods.read_bytes() + site.get_template("methods.md.j2").render(told).encode()
    found[paths.ROOT / "README.md"] = _listed(wish, told["title"])
    quantity = f"mean change of {choice.value} by {choice.entity} in {table}, {choice.start} to {choice.end}"
    said = wish.claim or f"Replace: {told['what'].lower()} rose on average"
    why = wish.reason or "Replace: why this range; direction"
    row = [_claim(wish), wish.name, said, quantity, unit, f"{low:.10g}", f"{high:.10g}", why]
    found[paths.added_claims()] = _with_rows(paths.added_claims(), data.ADDED_COLUMNS, [row])
    stored = nbformat.reads(found[notebook].decode(), as_version=4)
    values = parameters.defaults(notebook.name, stored).items()
    declared = [[wish.name, name, json.dumps(value, ensure_ascii=False)] for name, value in values]
    found[paths.DATA / data.PARAMETERS] = _with_rows(paths.DATA / data.PARAMETERS, data.PARAMETER_COLUMNS, declared)
    return {path: _formatted(path, content) for path, content in found.items()}


def _site():
    site = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    site.filters |= {"literal": lambda text: json.dumps(text, ensure_ascii=False), "zip": zip}
    return site


def _example():
    days = [ended for ended, _ in QUARTERS]
    return Choice("entity", "period_end", "value", "known_on", {}, "units", *days[:2], data.REPLICATION)


def _described(table, sha256):
    """Both ledgers with the rows of a table of example rows."""
    read = data.sources().read.max()
    source = [f"{table}.csv", table, "Replace: what one row is. These are example rows, not data.", "Replace: producer"]
    source += ["https://example.org/replace", "Replace: licence", read, read, "known_on", "record", sha256]
    days = ("2000-01-01", "2031-12-31")
    columns = [
        [table, "entity", "Replace: whose value it is.", "text", "", "", "", "", "1", "1", ""],
        [table, "period_end", "Replace: last day of the period.", "date", "", *days, "", "1", "1", ""],
        [table, "value", "Replace: what was measured.", "number", "units", "0", "1000000", "", "0", "0", ""],
        [table, "known_on", "Replace: day from which the row counts as known.", "date", "", *days, "", "0", "1", ""],
    ]
    places = (("sources.csv", data.SOURCE_COLUMNS, [source]), ("columns.csv", data.COLUMN_COLUMNS, columns))
    return {paths.DATA / name: _with_rows(paths.DATA / name, head, rows) for name, head, rows in places}


def _with_rows(path, head, rows):
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    if not path.is_file():
        writer.writerow(head)
    writer.writerows(rows)
    return (path.read_bytes() if path.is_file() else b"") + text.getvalue().encode()


def _notebook(wish, text):
    cells = []
    for place, part in enumerate(re.split(r"^=== ", text, flags=re.MULTILINE)[1:]):
        kind, _, source = part.partition("\n")
        made = nbformat.v4.new_markdown_cell if kind == "prose" else nbformat.v4.new_code_cell
        cell = made(source.strip(), id=f"{wish.number}-{place:02d}")
        cell.metadata.update({"tags": [parameters.TAG]} if kind == "parameters" else {})
        cells.append(cell)
    known = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    known |= {"language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=known)
    return (nbformat.writes(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _listed(wish, title):
    """README with a row for the notebook, before that of the verdicts."""
    page = (paths.ROOT / "README.md").read_text(encoding="utf-8")
    last = f"| [{LAST}_verdicts](notebooks/{LAST}_verdicts.ipynb) |"
    if page.count(last) != 1:
        raise NewError(f"README.md has lost the row of {LAST}_verdicts in its table of notebooks: restore it")
    row = f"| [{wish.name}](notebooks/{wish.name}.ipynb) | {title} | none: added |"
    return page.replace(last, f"{row}\n{last}").encode()


def _formatted(path, content):
    """Put code into the house style, for how a line breaks hangs on the words that were filled in."""
    if path.suffix not in (".py", ".ipynb"):
        return content
    name = str(path.relative_to(paths.ROOT))
    command = [sys.executable, "-m", "ruff", "format", "--quiet", "--stdin-filename", name, "-"]
    done = subprocess.run(command, input=content, cwd=paths.ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        raise NewError(f"{name} could not be formatted: {done.stderr.decode().strip().splitlines()[-1]}")
    return done.stdout


class Laid:
    """Files that were put in place, and what stood there before; all of it can be taken back.

    Parameters
    ----------
    content : dict of Path to bytes
    also : list of Path
        Files that a run may change; they are put back too.
    """

    def __init__(self, content: dict[Path, bytes], also: list[Path]):
        self.content = content
        kept = [*content, *also]
        self.before = {path: path.read_bytes() if path.is_file() else None for path in kept}

    def lay(self) -> None:
        """Write all drafts, then move each into its place; what fails leaves everything as it was."""
        drafts = {path: path.with_name(f".{path.name}.{os.getpid()}.part") for path in self.content}
        try:
            for path, draft in drafts.items():
                draft.write_bytes(self.content[path])
            for path, draft in drafts.items():
                draft.replace(path)
        except BaseException:
            self.take_back()
            raise
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)

    def take_back(self) -> None:
        """Put back what stood there before."""
        for path, content in self.before.items():
            if content is None:
                path.unlink(missing_ok=True)
            elif not path.is_file() or path.read_bytes() != content:
                path.write_bytes(content)


def add(wish: Wish) -> list[str]:
    """Add a notebook with all that belongs to it, execute it and store its outputs.

    Parameters
    ----------
    wish : Wish

    Returns
    -------
    list of str
        Lines for whoever asked: what was added, what to edit, how to take it back.

    Raises
    ------
    NewError
        As for `files`; a `RunError` if the run fails. Everything is as it was then.
    """
    content = files(wish)
    changed = [*paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"), paths.ROOT / "tests" / "recorded.csv"]
    changed += [path for path in (paths.ROOT / "docs").glob("*.png")]
    laid = Laid(content, changed)
    laid.lay()
    try:
        command = [sys.executable, "-m", "helpers.run", "refresh-outputs"]
        code = subprocess.run(command, env=os.environ | environment.VARIABLES, check=False).returncode
        if code != 0:
            raise RunError(f"the collection did not run with {wish.name} in it; everything is as it was")
    except BaseException:
        laid.take_back()
        raise
    return _told(wish, laid)


def _told(wish, laid):
    names = {path: path.relative_to(paths.ROOT).as_posix() for path in laid.before}
    fresh = [names[path] for path, before in laid.before.items() if before is None]
    edited = [names[path] for path in laid.content if laid.before[path] is not None]
    table = results.claims().loc[_claim(wish)]
    low, high = table.low, table.high
    return [
        f"Added {', '.join(fresh)}",
        f"and rows in {', '.join(edited)}. Everything passes as it is: `make check`.",
        f"The claim {_claim(wish)} is true at {low:g} to {high:g} {table.unit}; commit its row before you change what "
        "is estimated.",
        f"Now replace what begins with “Replace:”: `grep -rn Replace: {' '.join(fresh)} data/*.csv`,",
        "then `make refresh-outputs`. docs/extend.md shows it from the raw file to the verdict.",
        f"To take it back: git clean -f -- {' '.join(fresh)}; git checkout -- data docs notebooks tests README.md",
    ]


def _changes_of_yours():
    """How many files differ from the last commit; none where there is no git."""
    command = ["git", "-C", str(paths.ROOT), "status", "--porcelain"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return 0
    return len(done.stdout.splitlines()) if done.returncode == 0 else 0


def _wish(arguments):
    parser = argparse.ArgumentParser(prog="python -m helpers.new", description="Add a notebook to the collection.")
    for name in ("title", "table", "claim", "unit", "low", "high", "reason"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("name", nargs="?", default="")
    return Wish(**vars(parser.parse_args(arguments)))


def main(arguments: list[str] | None = None) -> int:
    """Command line: 0 added, 1 the run failed or the data break a rule, 2 a wrong wish, 130 stopped."""
    wish = _wish(arguments)
    try:
        check(wish)
        count = _changes_of_yours()
        if count:
            words = "are not committed: what is taken back later with `git checkout` would take them too"
            print(f"warning: {count} changed file{'s' if count > 1 else ''} of yours {words}", file=sys.stderr)
        print(*add(wish), sep="\n")
    except NewError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except data.DataError as error:
        print(f"error: {len(error.faults)} fault(s) in the data:\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run(main))
