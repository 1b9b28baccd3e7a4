"""Replication: what who repeats the work must know, drawn up from the ledgers, the lock and an edition's notebooks.

Each function gives tables of text that a page shows at the mark ``<!-- table: name -->``: nothing in them is typed.
"""

import ast
import csv
import json
import re
import tomllib
from pathlib import Path

from helpers import content, lineage, paths, references

SHORT = 12
# names of `charts` and `data` that make nothing: colours, and the reading of a table
_SILENT = re.compile(r"(?:charts\.[A-Z_]+|\w+\.[A-Z]\w*|data\.\w+|paths\.\w+|results\.claims)")


def tables(report: Path, editions: list[str]) -> dict:
    """Give what draws up each table of the docs, by its name.

    Parameters
    ----------
    report : Path
        Folder of the editions.
    editions : list of str
        Days of the editions that the report shows, oldest first.

    Returns
    -------
    dict of str to callable
        Each gives a list of tables; a table has ``caption``, ``head`` and ``rows``, and where it stands under a heading
        of its own ``title`` and ``facts``, pairs of a label and a text. A cell is a text, or a dict of ``text`` and
        what it is: ``address`` of a link, ``code``, or a work with its ``html``.
    """
    return {
        "dictionary": lambda: dictionary(report, editions),
        "sources": sources,
        "datasets": datasets,
        "exhibits": lambda: exhibits(report, editions),
        "numbers": lambda: numbers(report, editions),
        "software": software,
        "seeds": lambda: seeds(report, editions),
        "programs": programs,
        "works": works,
    }


def dictionary(report: Path, editions: list[str]) -> list[dict]:
    """Describe every table of the data and each of its columns.

    Parameters
    ----------
    report, editions
        As for `tables`. Rows and days are those that the newest edition knows.
    """
    reach = _reach(report, editions)
    columns = {}
    for row in _ledger("columns"):
        columns.setdefault(row["table"], []).append(row)
    found = []
    for source in _ledger("sources"):
        table = source["table"]
        found.append(
            {
                "title": table,
                "facts": _facts(source, reach.get(table), editions),
                "caption": f"Columns of {table}",
                "head": ["Column", "Meaning", "Type", "Unit", "Allowed", "Rule"],
                "rows": [
                    [_code(row["column"]), row["meaning"], row["type"], row["unit"], _allowed(row), _rule(row)]
                    for row in columns.get(table, [])
                ],
            }
        )
    return found


def _facts(source, reach, editions):
    facts = [("one row is", source["title"]), ("from", _producer(source)), ("licence", source["licence"])]
    facts.append(("dates", f"published {source['published']}, read {source['read']}"))
    if source["known_on"] == "always":
        facts.append(("known", "always: a definition of ours"))
    else:
        facts.append(("known", f"a row counts from the day in its column {source['known_on']}"))
    facts.append(("kind", source["kind"]))
    if reach and int(reach["rows"]):
        span = f", which became known from {reach['first']} to {reach['last']}" if reach["first"] else ""
        facts.append(("rows", f"{int(reach['rows']):,} in the edition of {editions[-1]}{span}"))
    return facts


def _allowed(row):
    """Tell the values that a column may hold."""
    if row["categories"]:
        return row["categories"].replace("|", ", ")
    ends = [row["minimum"], row["maximum"]]
    if all(ends):
        return " to ".join(ends)
    words = [f"{word} {end}" for word, end in zip(("at least", "at most"), ends, strict=True) if end]
    return "".join(words) or "any"


def _rule(row):
    said = ["key"] if row["key"] == "1" else []
    said.append("required" if row["required"] == "1" else "may be empty")
    return "; ".join(said + ([f"is one of {row['refers_to']}"] if row["refers_to"] else []))


def sources() -> list[dict]:
    """State for every table who made it, where it is to be had, under what licence, and its dates."""
    rows = [
        [
            {"text": row["table"], "address": f"data-dictionary.html#{row['table']}"},
            _producer(row),
            row["licence"],
            row["published"],
            row["read"],
            row["known_on"],
        ]
        for row in _ledger("sources")
    ]
    head = ["Table", "Producer", "Licence, and what it allows", "Newest day published", "Read on", "Known on"]
    return [{"caption": "Where every table of data comes from", "head": head, "rows": rows}]


def datasets() -> list[dict]:
    """List the files of data that are provided, with their rows and the first digits of their hash."""
    rows = []
    for row in _ledger("sources"):
        held = (paths.RAW / row["file"]).read_bytes()
        # no cell holds a line feed, and the first line is the heading
        count = held.count(b"\n") - 1
        rows.append([_code(f"data/raw/{row['file']}"), row["title"], f"{count:,}", _code(row["sha256"][:SHORT])])
    head = ["File", "One row is", "Rows", f"sha256, first {SHORT} digits"]
    return [{"caption": "Files of data, all provided, CSV in UTF-8", "head": head, "rows": rows}]


def exhibits(report: Path, editions: list[str]) -> list[dict]:
    """List every figure and table with the notebook, the cell and the functions that make it.

    Parameters
    ----------
    report, editions
        As for `tables`. An exhibit stands once, as the oldest edition that has it makes it.
    """
    found = {"figure": {}, "table": {}}
    for day in editions:
        for name in content.names(report / day):
            code = ""
            for cell in content.section(report / day, name)["cells"]:
                code += f"{cell['source']}\n" if cell["kind"] != "prose" else ""
                for out in [out for out in cell["outputs"] if out["kind"] in found]:
                    slug = out["files"].partition("/")[2]
                    what = out["title"] if out["kind"] == "figure" else out["caption"]
                    link = {"text": what, "address": f"../{day}/{lineage.notebook_page(name)}"}
                    made = ", ".join(makers(code, slug))
                    row = [_code(slug), link, _code(f"{name}.ipynb"), str(cell["place"]), _code(made)]
                    found[out["kind"]].setdefault((name, slug), row)
    head = ["File", "What it shows", "Notebook", "Cell", "Functions of src/helpers"]
    return [
        {"caption": f"{kind.capitalize()}s and the program that makes each", "head": head, "rows": [*rows.values()]}
        for kind, rows in found.items()
    ]


def makers(code: str, slug: str) -> list[str]:
    r"""Name the helper functions whose answers an exhibit shows, what draws it first.

    The third argument of the call that publishes it is followed through the names of the notebook, on each way to the
    first function that computes.

    Parameters
    ----------
    code : str
        All code of the notebook to the end of the cell that publishes.
    slug : str
        Name of the exhibit's files.

    Examples
    --------
    >>> code = "from helpers import charts, lag\nrows = lag.spells(x)\n"
    >>> makers(code + "charts.publish(here, 'lag-spells', charts.record_spells(rows[rows.n > 1]))", "lag-spells")
    ['charts.record_spells', 'lag.spells']
    """
    tree = ast.parse(code)
    known = {alias.asname or alias.name for node in ast.walk(tree) if _ours(node) for alias in node.names}
    given, shown = _assigned(tree), None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("publish", "publish_table"):
            # the last one counts: a cell may be set up as an earlier one was
            shown = node.args[2] if len(node.args) > 2 and _names(node.args[1], slug) else shown
    found = [] if shown is None else list(dict.fromkeys(_computing(shown, known, given, set())))
    return sorted(found, key=lambda name: not name.startswith("charts."))


def _ours(node):
    return isinstance(node, ast.ImportFrom) and node.module == "helpers"


def _names(node, slug):
    """Tell whether an argument is the slug, or text that is filled in and may be."""
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values]
        return bool(re.fullmatch("".join(parts), slug))
    return isinstance(node, ast.Constant) and node.value == slug


def _assigned(tree):
    """Expressions from which each name gets what it holds; all of them, for the order in loops is not told."""
    given = {}

    def give(target, value):
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            while isinstance(part, ast.Subscript | ast.Attribute | ast.Starred):
                part = part.value
            if isinstance(part, ast.Name):
                given.setdefault(part.id, []).append(value)

    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                give(target, node.value)
        elif isinstance(node, ast.AugAssign | ast.NamedExpr):
            give(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            give(node.target, node.iter)
    return given


def _computing(node, known, given, seen):
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
        name = f"{node.value.id}.{node.attr}"
        return [] if _SILENT.fullmatch(name) else [name]
    if isinstance(node, ast.Call):
        own = _computing(node.func, known, given, seen)
        if own and not own[0].startswith("charts."):
            return own
    if isinstance(node, ast.Name):
        if node.id in seen:
            return []
        return [name for value in given.get(node.id, []) for name in _computing(value, known, given, seen | {node.id})]
    return [name for part in ast.iter_child_nodes(node) for name in _computing(part, known, given, seen)]


def numbers(report: Path, editions: list[str]) -> list[dict]:
    """List the headline number of every claim with the notebook and the function that make it.

    Parameters
    ----------
    report, editions
        As for `tables`. The numbers are those of the oldest edition; each leads to its page.
    """
    records = json.loads((report / editions[0] / "results.json").read_text(encoding="utf-8"))
    claims, rows = {row["id"]: row for row in _ledger("claims")}, []
    for record in [record for record in records if record["role"] == "headline"]:
        claim, made = claims[record["id"]], record.get("origin", {}).get("function", "")
        link = {"text": record["id"], "address": f"../{editions[0]}/{lineage.page(record['id'])}"}
        program = [_code(f"{record['notebook']}.ipynb"), _code(made.removeprefix("helpers."))]
        rows.append([link, claim["claim"], claim["note_section"], *program])
    head = ["Number", "Claim of the note, in our words", "The note's section", "Notebook", "Function of src/helpers"]
    return [{"caption": "Numbers on which the verdicts rest", "head": head, "rows": rows}]


def software() -> list[dict]:
    """List the packages that the project asks for, with what each is for and its version in the lock."""
    project = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    rows = [["Python", tomllib.loads(project)["project"]["requires-python"], ""]]
    for name in tomllib.loads(project)["project"]["dependencies"]:
        found = re.findall(rf"^{re.escape(name)}==([^\s;]+)", lock, flags=re.MULTILINE)
        reason = re.search(rf'^ *"{re.escape(name)}", *# (.+)$', project, flags=re.MULTILINE)
        rows.append([name, " or ".join(sorted(set(found))), reason[1] if reason else ""])
    total = len(set(re.findall(r"^(\S+)==", lock, flags=re.MULTILINE)))
    caption = f"What the project asks for; the lock holds {total} packages in all, each with its hashes"
    return [{"caption": caption, "head": ["Package", "Version", "For"], "rows": rows}]


def seeds(report: Path, editions: list[str]) -> list[dict]:
    """List where random numbers enter: the seed and the number of draws of each notebook.

    Parameters
    ----------
    report, editions
        As for `tables`; the values are those of the oldest edition.
    """
    rows = []
    for name in content.names(report / editions[0]):
        for cell in content.section(report / editions[0], name)["cells"]:
            for found in re.finditer(r"^(seed|draws) = (\S+)  # (.+)$", cell["source"], flags=re.MULTILINE):
                if cell["kind"] == "parameters":
                    rows.append([_code(f"{name}.ipynb"), _code(found[1]), found[2], found[3]])
    head = ["Notebook", "Parameter", "Value", "Meaning"]
    return [{"caption": "Seeds and draws; a notebook that is not listed draws nothing", "head": head, "rows": rows}]


def programs() -> list[dict]:
    """Describe every program of ``src/helpers`` in the first line that it says of itself."""
    place, rows = paths.ROOT / "src" / "helpers", []
    for file in sorted(place.rglob("*.py")):
        words = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        rows.append([_code(str(file.relative_to(place))), words.partition("\n")[0]])
    return [{"caption": "Programs in src/helpers", "head": ["File", "What it does"], "rows": rows}]


def works() -> list[dict]:
    """List the works behind the data, as a list of references has them."""
    held = {key: work for key, work in references.read().items() if work.is_data}
    rows = [[_code(key), {"text": work.plain(), "html": work.html()}] for key, work in held.items()]
    return [{"caption": "Works behind the data", "head": ["Key", "Reference"], "rows": rows}]


def _producer(row):
    if row["address"].startswith("https://"):
        return {"text": row["producer"], "address": row["address"]}
    return f"{row['producer']}, {row['address']}"


def _code(text):
    return {"text": text, "code": True} if text else ""


def _ledger(name):
    with (paths.DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _reach(report, editions):
    """Rows and days of each table in the newest edition, where its notebook of the data tells them."""
    file = report / editions[-1] / "00_data" / "data-tables.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["table"]: row for row in csv.DictReader(lines)}
