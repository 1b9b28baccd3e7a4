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


def tables(editions: dict[str, Path]) -> dict:
    """Give what draws up each table of the docs, by its name.

    Parameters
    ----------
    editions : dict of str to Path
        Folders of the editions that the report shows, by day, oldest first.

    Returns
    -------
    dict of str to callable
        Each gives a list of tables; a table has ``caption``, ``head`` and ``rows``, and where it stands under a heading
        of its own ``title`` and ``facts``, pairs of a label and a text. A cell is a text, or a dict of ``text`` and
        what it is: ``address`` of a link, ``code``, or a work with its ``html``.
    """
    return {
        "dictionary": lambda: dictionary(editions),
        "sources": sources,
        "datasets": datasets,
        "exhibits": lambda: exhibits(editions),
        "numbers": lambda: numbers(editions),
        "software": software,
        "seeds": lambda: seeds(editions),
        "programs": programs,
        "works": works,
    }


def dictionary(editions: dict[str, Path]) -> list[dict]:
    """Describe every table of the data and each of its columns.

    Parameters
    ----------
    editions
        As for `tables`. Rows and days are those that the newest edition knows.
    """
    reach = _reach(editions)
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
    facts.append(("dates", f"newest day published {source['published']}, read {source['read']}"))
    if source["known_on"] == "always":
        facts.append(("known", "always: a definition of ours"))
    else:
        facts.append(("known", f"a row counts from the day in its column {source['known_on']}"))
    facts.append(("kind", source["kind"]))
    if reach and int(reach["rows"]):
        span = f", which became known from {reach['first']} to {reach['last']}" if reach["first"] else ""
        facts.append(("rows", f"{int(reach['rows']):,} in the edition of {max(editions)}{span}"))
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


def exhibits(editions: dict[str, Path]) -> list[dict]:
    """List every figure and table with the notebook, the cell and the functions that make it.

    Parameters
    ----------
    editions
        As for `tables`. An exhibit stands once, as the oldest edition that has it makes it.
    """
    found = {"figure": {}, "table": {}}
    for day, folder in editions.items():
        for name in content.names(folder):
            cells = list(enumerate(content.read(folder / name).cells, start=1))
            program = Program("\n".join(cell.source for _, cell in cells if cell.cell_type == "code"))
            outputs = [(place, output) for place, cell in cells for output in cell.get("outputs", [])]
            for place, output in outputs:
                # without reading the rows of tables, of which there are thousands
                exhibit = output.get("metadata", {}).get("exhibit", {})
                kind, slug = exhibit.get("kind"), exhibit.get("slug")
                if kind in found and (name, slug) not in found[kind]:
                    what = exhibit["title"] if kind == "figure" else exhibit["caption"]
                    link = {"text": what, "address": f"../{day}/{lineage.notebook_page(name)}"}
                    made = _code(", ".join(program.makers(slug))) or "rows of the data as they are"
                    found[kind][name, slug] = [_code(slug), link, f"{name[:2]}, cell {place}", made]
    head = ["File", "What it shows", "Notebook", "Functions of src/helpers"]
    return [
        {
            "caption": f"{kind.capitalize()}s and the program that makes each",
            "head": head,
            # those of a notebook together, in its order
            "rows": [rows[key] for key in sorted(rows, key=lambda key: key[0])],
        }
        for kind, rows in found.items()
    ]


class Program:
    r"""Code of a notebook, asked which helper functions make what it publishes.

    Parameters
    ----------
    code : str
        Of all its cells, in their order.

    Examples
    --------
    >>> code = "from helpers import charts, lag\nrows = lag.spells(x)\n"
    >>> code += "notebook.figure('lag-spells', charts.record_spells(rows[rows.n > 1]))"
    >>> Program(code).makers("lag-spells")
    ['charts.record_spells', 'lag.spells']
    """

    def __init__(self, code: str):
        self.helpers, self.given, self.published = set(), {}, []
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.ImportFrom) and node.module == "helpers":
                self.helpers |= {alias.name for alias in node.names}
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    self._give(target, node.value, node.lineno, isinstance(target, ast.Name | ast.Tuple))
            elif isinstance(node, ast.AugAssign):
                self._give(node.target, node.value, node.lineno, False)
            elif isinstance(node, ast.For):
                self._give(node.target, node.iter, node.lineno, True)
            elif isinstance(node, ast.Call) and _is_helper(node.func, {"notebook"}):
                self.published += [node] if node.func.attr in ("figure", "table") and len(node.args) > 1 else []
        for values in self.given.values():
            values.sort(key=lambda value: value[0])

    def _give(self, target, value, line, anew):
        """Keep what a name gets at a line, and whether that is all it holds from there on."""
        for part in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            while isinstance(part, ast.Subscript | ast.Attribute | ast.Starred):
                part = part.value
            if isinstance(part, ast.Name):
                self.given.setdefault(part.id, []).append((line, value, anew))

    def makers(self, slug: str) -> list[str]:
        """Name the helper functions whose answers an exhibit shows, what draws it first.

        The second argument of the call that shows it is followed through the names of the notebook, on each way to
        the first function that computes.

        Parameters
        ----------
        slug : str
            Name of the exhibit's files.

        Returns
        -------
        list of str
            Such as ``lag.spells``; empty where the notebook shows a table of data as it is.
        """
        calls = [call for call in self.published if _names(call.args[0], slug)]
        found = [name for call in calls for name in self._computing(call.args[1], call.lineno, set())]
        return sorted(dict.fromkeys(found), key=lambda name: not name.startswith("charts."))

    def _computing(self, node, line, seen):
        if _is_helper(node, self.helpers):
            name = f"{node.value.id}.{node.attr}"
            return [] if _SILENT.fullmatch(name) else [name]
        if isinstance(node, ast.Call) and _is_helper(node.func, self.helpers):
            own = self._computing(node.func, line, seen)
            # what is given to a function that computes is its own affair
            if own and not own[0].startswith("charts."):
                return own
        if isinstance(node, ast.Name):
            # each value once, for the ways through names are more than can be walked
            values = [(place, value) for place, value in self._held(node.id, line) if id(value) not in seen]
            seen |= {id(value) for _, value in values}
            return [name for place, value in values for name in self._computing(value, place, seen)]
        return [name for part in ast.iter_child_nodes(node) for name in self._computing(part, line, seen)]

    def _held(self, name, line):
        """Give what a name holds at a line: the last value that replaced it, and what was added since."""
        before = [value for value in self.given.get(name, []) if value[0] < line]
        anew = [place for place, value in enumerate(before) if value[2]]
        return [(place, value) for place, value, _ in before[anew[-1] if anew else 0 :]]


def _is_helper(node, helpers):
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in helpers


def _names(node, slug):
    """Tell whether an argument is the slug, or text that is filled in and may be."""
    if isinstance(node, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else ".+" for part in node.values]
        return bool(re.fullmatch("".join(parts), slug))
    return isinstance(node, ast.Constant) and node.value == slug


def numbers(editions: dict[str, Path]) -> list[dict]:
    """List the headline number of every claim with the notebook and the function that make it.

    Parameters
    ----------
    editions
        As for `tables`. The numbers are those of the oldest edition; each leads to its page.
    """
    day, folder = next(iter(editions.items()))
    records = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    added = [row | {"note_section": "added, not the note's"} for row in _ledger("added_claims")]
    claims, rows = {row["id"]: row for row in [*_ledger("claims"), *added]}, []
    for record in [record for record in records if record["role"] == "headline"]:
        claim, made = claims[record["id"]], record.get("origin", {}).get("function", "")
        link = {"text": record["id"], "address": f"../{day}/{lineage.page(record['id'])}"}
        program = [record["notebook"][:2], _code(made.removeprefix("helpers."))]
        rows.append([link, claim["claim"], claim["note_section"], *program])
    head = ["Number", "Claim, in our words", "The note's section", "Notebook", "Function of src/helpers"]
    return [{"caption": "Numbers on which the verdicts rest", "head": head, "rows": rows}]


def software() -> list[dict]:
    """List the packages that the project asks for, with what each is for and its version in the lock."""
    project = (paths.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked, reasons = {}, dict(re.findall(r'^ *"([\w.-]+)", *# (.+)$', project, flags=re.MULTILINE))
    for name, version in re.findall(r"^([\w.-]+)(?:\[.*\])?==([^\s;]+)", lock, flags=re.MULTILINE):
        locked.setdefault(name.replace("_", "-"), set()).add(version)
    told = tomllib.loads(project)["project"]
    rows = [["Python", told["requires-python"], ""]]
    for name in told["dependencies"]:
        versions = sorted(locked.get(name.replace("_", "-"), []))
        rows.append([name, " or ".join(versions), reasons.get(name, "")])
    total = len(locked)
    caption = f"What the project asks for; the lock holds {total} packages in all, each with its hashes"
    return [{"caption": caption, "head": ["Package", "Version", "For"], "rows": rows}]


def seeds(editions: dict[str, Path]) -> list[dict]:
    """List where random numbers enter: the seed and the number of draws of each notebook.

    Parameters
    ----------
    editions
        As for `tables`; the values are those of the oldest edition.
    """
    folder, rows = next(iter(editions.values())), []
    for name in content.names(folder):
        told = [
            cell.source for cell in content.read(folder / name).cells if "parameters" in cell.metadata.get("tags", [])
        ]
        for found in re.finditer(r"^(seed|draws) = (\S+)  # (.+)$", "\n".join(told), flags=re.MULTILINE):
            rows.append([_code(f"{name}.ipynb"), _code(found[1]), found[2], found[3]])
    head = ["Notebook", "Parameter", "Value", "Meaning"]
    return [{"caption": "Seeds and draws; a notebook that is not listed draws nothing", "head": head, "rows": rows}]


def programs() -> list[dict]:
    """Describe every program of ``src/helpers`` in the first line that it says of itself."""
    place, rows = paths.ROOT / "src" / "helpers", []
    for file in sorted(place.rglob("*.py")):
        words = re.match(r'r?"""(.*?)(?:"""|$)', file.read_text(encoding="utf-8"), flags=re.MULTILINE)
        rows.append([_code(str(file.relative_to(place))), words[1].replace("`", "") if words else ""])
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
    place = paths.DATA / f"{name}.csv"
    # nobody need have added a claim
    if place == paths.added_claims() and not place.is_file():
        return []
    with place.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _reach(editions):
    """Rows and days of each table in the newest edition, where its notebook of the data tells them."""
    *_, newest = editions.values()
    file = newest / "00_data" / "data-tables.csv"
    if not file.is_file():
        return {}
    with file.open(encoding="utf-8", newline="") as lines:
        return {row["table"]: row for row in csv.DictReader(lines)}
