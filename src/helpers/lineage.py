"""Lineage: what stands behind a recorded number, from the rows that entered to the function that made it.

Loads neither pandas nor statsmodels, so that whoever asks is answered in half a second.
"""

import ast
import csv
import difflib
import functools
import hashlib
import io
import itertools
import json
import re
import subprocess
from pathlib import Path

from helpers import freshness, inference, paths

BUILD = "edition.json"
# rows shown from either end of a list
SHOWN = 3


class UnknownError(LookupError):
    """A number that no edition records, or an edition that is not built; says which there are."""


def remember_build(folder: Path) -> None:
    """Write into an edition from what it is built: ``edition.json`` with commit, Python and the locked versions.

    The commit is that of the build. A later one that changes nothing here leaves the edition as it is.

    Parameters
    ----------
    folder : Path
        The edition.
    """
    lock = (paths.ROOT / "requirements.lock").read_text(encoding="utf-8")
    versions = dict(re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", lock, flags=re.MULTILINE))
    commit, clean = _commit()
    told = {"commit": commit, "clean": clean, "python": freshness.python()}
    told |= {"lock": freshness.digest(paths.ROOT / "requirements.lock"), "versions": versions}
    (folder / BUILD).write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _commit():
    """Commit of this repository and whether all is committed; None where it is not a git checkout."""
    try:
        top, commit = _git("rev-parse", "--show-toplevel", "HEAD").splitlines()
        if Path(top).resolve() != paths.ROOT.resolve():
            return None, None
        return commit, not _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None, None


def _git(*words):
    command = ["git", "--no-optional-locks", *words]
    return subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout


def page(identity: str) -> str:
    """Address of the page of a headline or context result, in its edition.

    Raises
    ------
    ValueError
        If the id is more than a word, for it becomes part of a path.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", identity):
        raise ValueError(f"{identity!r} is no id for a page: lower case, digits and hyphens only")
    return f"numbers/{identity}.html"


def listed_in(notebook: str, entry: dict) -> str:
    """Address of the list of a number's rows of one table, in its edition; empty where all known rows entered."""
    return "" if entry["keys"] == "all" else f"{notebook}/inputs/{entry['table']}-{entry['keys']}.csv"


def notebook_page(name: str) -> str:
    """Address of a notebook's page, in its edition."""
    return f"{name}/index.html"


class Edition:
    """What an edition records, and the ledgers beside it, read once for many explanations.

    Parameters
    ----------
    folder : Path
        With ``results.json``, ``verdicts.csv``, ``edition.json`` and a folder for each notebook.
    as_of : str
        Its day, an ISO date.

    Raises
    ------
    UnknownError
        If it has no records, or an older version of this code wrote them.
    """

    def __init__(self, folder: Path, as_of: str):
        self.folder, self.as_of = folder, as_of
        try:
            records = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            self.build = json.loads((folder / BUILD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            records, self.build = None, {}
        if records is None or any(not {"origin", "kind"} <= record.keys() for record in records):
            wish = f"make report AS_OF={as_of}"
            raise UnknownError(f"no edition of {as_of} is built by this version of the code: run `{wish}`")
        self.records = {record["id"]: record for record in records}
        self.verdicts = {row["claim"]: row for row in _table(folder / "verdicts.csv")}
        added = _table(paths.added_claims()) if paths.added_claims().is_file() else []
        self.claims = {row["id"]: row for row in [*_table(paths.DATA / "claims.csv"), *added]}
        self.sources = {row["table"]: row for row in _table(paths.DATA / "sources.csv")}
        self.columns = {}
        for row in _table(paths.DATA / "columns.csv"):
            self.columns.setdefault(row["table"], []).append(row)
        for reader in ("_file", "_notebook", "_tree", "_place", "_libraries"):
            setattr(self, reader, functools.cache(getattr(self, reader)))

    def headlines(self) -> list[str]:
        """Ids of the headlines and context results: each has a page; alternatives stand on their headline's."""
        return [each for each, record in self.records.items() if record["role"] != "alternative"]

    def explanation(self, identity: str) -> dict:
        """Tell what stands behind a number.

        Parameters
        ----------
        identity : str
            Id of a claim, of an alternative (``<claim>/<label>``) or of a context result.

        Returns
        -------
        dict
            ``id``, ``as_of``, ``role``, ``notebook``, ``headline`` (whose alternative it is), ``title`` (the claim,
            in our words), ``unit``, ``page`` and ``notebook_page`` (addresses in the edition). ``number``, ``made``
            and ``run`` are facts by their label. ``verdict`` (None for a context result) holds verdict, robust,
            range, why and reason; ``alternatives`` a dict each with id, label, anchor, found, n, verdict, method,
            function, place and inputs (table, rows and list); ``inputs`` one each table as `source` gives;
            ``parameters`` name, value and meaning.

        Raises
        ------
        UnknownError
            If the edition does not record it; names the nearest.
        ValueError
            If the record and the files that it names disagree.
        """
        record = self.records.get(identity)
        if record is None:
            raise UnknownError(self._unknown(identity))
        headline = identity.split("/")[0] if record["role"] == "alternative" else identity
        claim = self.claims.get(headline)
        others = [each for name, each in self.records.items() if name.startswith(f"{headline}/")]
        alternatives = [self._alternative(each, headline, place) for place, each in enumerate(others, start=1)]
        anchor = next((f"#{each['anchor']}" for each in alternatives if each["id"] == identity), "")
        told = {
            "id": identity,
            "as_of": self.as_of,
            "role": record["role"],
            "notebook": record["notebook"],
            "headline": headline,
            "title": claim["claim"] if claim else "",
            "unit": claim["unit"] if claim else record["unit"],
            "page": f"{page(headline)}{anchor}",
            "notebook_page": notebook_page(record["notebook"]),
            "number": self._number(record, claim),
            "verdict": self._verdict(record, claim),
            "alternatives": alternatives if record["role"] == "headline" else [],
            "inputs": [self.source(record["notebook"], each) for each in record["inputs"]],
        }
        return told | self._making(record) | self._running(record)

    def _unknown(self, identity):
        if identity in self.claims:
            return f"{identity} is a claim, but the edition of {self.as_of} records no number for it"
        names = self.headlines() if "/" not in identity else list(self.records)
        near = difflib.get_close_matches(identity, names, n=3, cutoff=0.5)
        near += [name for name in names if identity in name and name not in near][:3]
        hint = f"did you mean {'; '.join(near)}?" if near else "`make explain` alone lists them"
        return f"no number {identity!r} in the edition of {self.as_of}; {hint}"

    def _number(self, record, claim):
        if record["value"] is None:
            facts = {"found": f"no answer, {record['unanswered']}: {record['reason']}"}
        else:
            value, low, high = _ends(record)
            facts = {
                "found": f"{inference.numbers(value, low, high)[0]} {record['unit']}",
                "interval": inference.interval_in_words(value, low, high, record["kind"]),
                "in full": f"{value!r}" if low == value == high else f"{value!r} ({low!r} to {high!r})",
                "n": f"{record['n']:,}",
                "method": record["method"],
            }
        label = "measured as" if record["role"] == "headline" else "headline measured as"
        return facts | ({label: claim["quantity"]} if claim else {})

    def _verdict(self, record, claim):
        if claim is None:
            return None
        told = self.verdicts.get(record["id"], {})
        if not told and record["role"] == "headline":
            raise ValueError(f"verdicts.csv holds no verdict on {record['id']}")
        span = inference.range_in_words(float(claim["low"]), float(claim["high"]), claim["unit"])
        reason = told.get("reason", "What the verdict would be if this stood in the headline's place.")
        said = {"verdict": record["verdict"], "robust": told.get("robust", ""), "reason": reason}
        return said | {"range": span, "why": claim["reason_for_range"]}

    def _alternative(self, record, headline, place):
        found = record["unanswered"] if record["value"] is None else inference.in_words(*_ends(record))
        return {
            "id": record["id"],
            "label": record["id"].removeprefix(f"{headline}/"),
            "anchor": f"alternative-{place}",
            "found": found,
            "n": f"{record['n']:,}" if record["n"] else "",
            "verdict": record.get("verdict", ""),
            "method": record["method"] or record["reason"],
            "function": record["origin"]["function"],
            "place": self._place(record["origin"]["function"]),
            "inputs": [
                {"table": each["table"], "rows": each["rows"], "list": listed_in(record["notebook"], each)}
                for each in record["inputs"]
            ],
        }

    def source(self, notebook: str, entry: dict) -> dict:
        """Describe the rows of one table that entered a number.

        Parameters
        ----------
        notebook : str
            Who recorded them.
        entry : dict
            As in ``results.json``: table, rows (count), sha256, known (first and last day), lines (of the first and
            last rows) and keys: "all", or the digest of the list of their keys.

        Returns
        -------
        dict
            ``table``, ``title``, ``producer``, ``address``, ``licence``, ``published``, ``read``, ``known_on``,
            ``sha256``, ``rows`` (count), ``raw`` (file), ``changed`` (since the build), ``key`` (columns that
            identify a row, with their meaning), ``first`` and ``last`` (day on which a row became known), ``list``
            (file of all keys, in the edition; empty where the rows are all that were known), ``columns`` and
            ``shown``: for the first and last rows, their line in the raw file (or in that of the
            vintages or of your own rows) and their cells; ``left_out`` (count).

        Raises
        ------
        ValueError
            If the list of keys is not what was recorded, or its lines are other rows by now.
        """
        table, ledger = entry["table"], self.sources[entry["table"]]
        columns, _, digest = self._file(table, "raw")
        copied = ("table", "title", "producer", "address", "licence", "published", "read", "known_on")
        about = {name: ledger[name] for name in copied} | {"rows": entry["rows"], "sha256": entry["sha256"]}
        if entry.get("includes_own_data"):
            about["producer"] += "; includes own data"
        about |= {"raw": f"data/raw/{ledger['file']}", "changed": digest != entry["sha256"], "columns": columns}
        about["key"] = {row["column"]: row["meaning"] for row in self.columns[table] if row["key"] == "1"}
        about["first"], about["last"] = entry.get("known", ("", ""))
        about |= {"list": listed_in(notebook, entry), "shown": [], "left_out": 0}
        listed = self._listed(about["list"], entry) if about["list"] else {}
        if about["changed"]:
            return about
        for line in entry["lines"]:
            cells = self._cells(table, line)
            if cells is None or (listed and listed[line] != tuple(cells[columns.index(name)] for name in about["key"])):
                raise ValueError(f"line {line} of {table} is another row than the one recorded")
            about["shown"].append((line, cells))
        return about | {"left_out": entry["rows"] - len(about["shown"])}

    def _cells(self, table, line):
        """Cells of a row by its line, which names the folder where it is not the raw file's; None where it is gone."""
        number, _, folder = line.partition(" of ")
        columns, rows, _ = self._file(table, folder or "raw")
        # the first line of the file holds the names of the columns
        place = int(number) - 2
        return rows[place][: len(columns)] if place < len(rows) else None

    def _file(self, table, folder):
        """Columns of a table, the rows of its file in a folder of the data, and the hash of that file."""
        file = (paths.RAW if folder == "raw" else paths.DATA / folder) / f"{table}.csv"
        content = file.read_bytes() if file.is_file() else b""
        # the garbage collector lets tuples of text be, lists never
        rows = list(map(tuple, _csv_rows(content)))
        columns = tuple(row["column"] for row in self.columns[table])
        return columns, rows[1:], hashlib.sha256(content).hexdigest()

    def _listed(self, file, entry):
        """Keys of the first and last rows of a list, by their line."""
        content = (self.folder / file).read_bytes()
        if hashlib.sha256(content).hexdigest()[:12] != entry["keys"] or content.count(b"\n") != entry["rows"] + 1:
            raise ValueError(f"{file}: not the list of {entry['rows']} rows that was recorded")
        lines = content.splitlines(keepends=True)[1:]
        ends = lines[:SHOWN] + lines[max(SHOWN, len(lines) - SHOWN) :]
        return {line: tuple(key) for line, *key in _csv_rows(b"".join(ends))}

    def _making(self, record):
        origin, name = record["origin"], record["notebook"]
        run = f"report/{self.as_of}/{name}/notebook.ipynb"
        place, source = self._notebook(name)[0].get(origin["cell"], (None, ""))
        call = _cut(source, origin["call"])
        made = {
            "function": origin["function"] or "none of the helpers: the notebook's own arithmetic",
            "place": self._place(origin["function"]),
            "notebook": f"notebooks/{name}.ipynb",
            "cell": f"number {place} of {run}, In [{origin['cell']}]" if place else "",
            "call": call,
        }
        return {"made": {label: fact for label, fact in made.items() if fact}}

    def _running(self, record):
        parameters = self._notebook(record["notebook"])[1]
        values = {name: value for name, value, _ in parameters}
        if record["kind"] == inference.EXACT:
            seed = "none: arithmetic, nothing is drawn"
        elif "seed" in values:
            seed = f"{values['seed']}, root of the notebook's random draws, if this number draws any"
        else:
            seed = "none: the notebook draws nothing at random"
        module = record["origin"]["function"].removeprefix("helpers.").partition(".")[0]
        versions = self.build["versions"]
        used = [f"{name} {versions[name]}" for name in sorted(self._libraries(module)) if name in versions]
        commit = self.build["commit"]
        state = {True: "all committed", False: "with changes that were not committed", None: ""}[self.build["clean"]]
        run = {
            "seed": seed,
            "versions": ", ".join([f"Python {self.build['python']}", *used]),
            "lock": f"requirements.lock, sha256 {self.build['lock']}",
            "commit": f"{commit} at the build, {state}" if commit else "not a git checkout at the build",
        }
        return {"run": run, "parameters": parameters}

    def _notebook(self, name):
        """Cells of an executed notebook by their count: place and source; and its parameters as run."""
        content = json.loads((self.folder / name / "notebook.ipynb").read_text(encoding="utf-8"))
        cells, values, meanings = {}, {}, {}
        for place, cell in enumerate(content["cells"], start=1):
            source, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
            if cell["cell_type"] == "code":
                cells[cell["execution_count"]] = (place, source)
            if {"parameters", "injected-parameters"} & set(tags):
                for node in ast.parse(source).body:
                    values[node.targets[0].id] = ast.literal_eval(node.value)
            if "parameters" in tags:
                meanings = dict(re.findall(r"^(\w+) = .*?  # (.*)$", source, flags=re.MULTILINE))
        return cells, [(each, json.dumps(value), meanings.get(each, "")) for each, value in values.items()]

    def _tree(self, module):
        """Source of a helper module as a tree; None where there is no such module."""
        file = (paths.ROOT / "src" / "helpers").joinpath(*module.split(".")).with_suffix(".py")
        return ast.parse(file.read_bytes()) if file.is_file() else None

    def _place(self, function):
        """File and line of a helper by its qualified name, as the source stands now."""
        parts = function.split(".")[1:]
        for cut in range(len(parts), 0, -1):
            node, file = self._tree(".".join(parts[:cut])), f"src/helpers/{'/'.join(parts[:cut])}.py"
            if node:
                for part in itertools.takewhile(lambda part: part != "<locals>", parts[cut:]):
                    node = next((each for each in node.body if getattr(each, "name", None) == part), None)
                    if node is None:
                        return f"{file}, where it no longer is"
                return f"{file}:{node.lineno}"
        return ""

    def _libraries(self, module):
        """Name the packages that a helper module imports, itself or through another."""
        found = set()
        for node in _statements(self._tree(module)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                root, _, rest = node.module.partition(".")
                own = [rest] if rest else [alias.name for alias in node.names]
                found |= set().union(*map(self._libraries, own)) if root == "helpers" else {root}
        return found


def _statements(node):
    """Statements of a tree, those inside others too; expressions, which are most of it, hold no import."""
    for branch in ("body", "orelse", "finalbody", "handlers"):
        for child in getattr(node, branch, []):
            yield child
            yield from _statements(child)


def _csv_rows(content):
    return csv.reader(io.StringIO(content.decode("utf-8"), newline=""))


def _table(file):
    with file.open(encoding="utf-8", newline="") as content:
        return list(csv.DictReader(content))


def _ends(record):
    return [float(record[end]) for end in ("value", "low", "high")]


def _cut(source, place):
    """Cut a call out of a cell: columns count bytes."""
    if not place:
        return ""
    first, last, start, end = place
    lines = source.split("\n")[first - 1 : last]
    if not lines:
        return ""
    lines[-1] = lines[-1].encode()[:end].decode()
    indent = len(lines[0]) - len(lines[0].lstrip())
    lines[0] = lines[0].encode()[start:].decode()
    return "\n".join([lines[0], *(line[min(indent, len(line) - len(line.lstrip())) :] for line in lines[1:])])
