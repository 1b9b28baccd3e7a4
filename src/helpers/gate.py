"""The gate for stored notebooks: what is wrong with one in plain words, with the cell and the remedy.

Each rule is a function of its own that yields faults; `RULES` names them. nbval executes notebooks and sees what prints
another output; these rules see what nbval cannot: what is missing, out of order, unexplained or typed by hand.
"""

import ast
import base64
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers import parameters, results

SECTIONS = ["Parameters", "Data", "Estimate", "Figure", "Robustness", "Verdict", "What this cannot tell"]
OPENING = ["The note says", "We ask", "We use", "We do", "It would change our mind if"]
LEAST_CELLS, MOST_CELLS, MOST_LINES = 14, 24, 28
WORDS_A_LINE = 4
LEAST_PARAMETERS, MOST_PARAMETERS = 1, 8
REASON = "not compared:"
LEAST_WORDS = 4

# tags and comments that keep nbval from comparing a cell, or let it fail
_IGNORING = re.compile(r"(nbval|pytest[-_]validate|raises[-_]exception)", re.IGNORECASE)
# the note's own figures are whole or stand in its words at the top; below, a decimal or a percentage is a find
_RESULT = re.compile(r"(?<![\w.-])\d+(?:\.\d+|\.?\d*%)(?![\w-])")
_PATH = re.compile(r"(^|\s)(/[a-z]+/[a-z]|[A-Z]:\\)")
_WORDS = re.compile(r"(\d+) (points|rows), digest [0-9a-f]{12}$")
_NO_EXHIBIT = re.compile(r"^No (?:figure|table): .+\.$", re.MULTILINE)
_PNG = b"\x89PNG\r\n"


class Repair(enum.Enum):
    """How `make fix` repairs a finding."""

    WRITE = "a file is laid out or written anew"
    EXECUTE = "the notebooks are executed, their outputs stored, their results recorded"


@dataclass(frozen=True)
class Remedy:
    """What repairs a finding.

    Parameters
    ----------
    text : str
        What to do, in a clause.
    repair : Repair or None
        How `make fix` does it; None where a person has to.
    left : str
        What to do where `make fix` has run and the finding is still there; the same as before where it is empty.
    """

    text: str
    repair: Repair | None = None
    left: str = ""


AGAIN = Remedy(
    "run `make fix`",
    Repair.EXECUTE,
    "`make refresh-outputs` stores it once the rest is in order; an output that changes at every run needs a seed",
)
"""Remedy of what executing a notebook again repairs."""


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with a file.

    Parameters
    ----------
    message : str
        What is wrong, in a clause.
    path : str
        The file, such as ``notebooks/01_returns.ipynb``; empty where the message names it.
    cell : str
        The cell by its number from the top and how it begins, or another part; empty for the whole file.
    remedy : Remedy or None
        What repairs it; None where the message says so.
    rule : str
        Name of the rule that it breaks; empty for none of the gate.
    """

    message: str
    path: str = ""
    cell: str = ""
    remedy: Remedy | None = None
    rule: str = ""

    @property
    def repair(self) -> Repair | None:
        """How `make fix` repairs it; None where a person has to."""
        return self.remedy and self.remedy.repair

    def line(self, fixed: bool = False) -> str:
        """Write it in one line.

        Parameters
        ----------
        fixed : bool
            Whether `make fix` has run already, so that it is no remedy.
        """
        where = ", ".join(filter(None, (self.path, self.cell)))
        remedy = self.remedy and ((fixed and self.remedy.left) or self.remedy.text)
        return f"{where}{': ' * bool(where)}{self.message}{'; ' * bool(remedy)}{remedy or ''}"

    def __str__(self):
        return self.line()


def findings(path: Path) -> list[str]:
    """Say what is wrong with a stored notebook, a line a fault; empty when nothing is.

    Parameters
    ----------
    path : Path
        File of the notebook.
    """
    return [str(finding) for finding in examine(path)]


def examine(path: Path) -> list[Finding]:
    """Hold a stored notebook to every rule.

    Parameters
    ----------
    path : Path
        File of the notebook; its name without the ending is that of the notebook.

    Returns
    -------
    list of Finding
        In the order of `RULES`; a file that is no notebook breaks the rule ``notebook`` alone.
    """
    name = path.stem
    try:
        notebook = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
        # what makes it a notebook at all, and whatever older versions left out
        nbformat.validate(notebook)
    except (OSError, ValueError, LookupError, AttributeError, nbformat.ValidationError) as error:
        fault = f"is not a notebook: {(str(error).strip() or type(error).__name__).splitlines()[0][:160]}"
        remedy = Remedy(f"`git checkout notebooks/{path.name}` brings the last one back")
        return [Finding(fault, f"notebooks/{path.name}", remedy=remedy, rule="notebook")]
    return faults(name, notebook)


def faults(name: str, notebook: nbformat.NotebookNode) -> list[Finding]:
    """Hold a notebook that was read to every rule.

    Parameters
    ----------
    name : str
        Such as ``01_returns``.
    notebook : NotebookNode

    Returns
    -------
    list of Finding
        In the order of `RULES`.
    """
    return [
        Finding(
            fault,
            f"notebooks/{name}.ipynb",
            cell_name(notebook, number),
            remedy if isinstance(remedy, Remedy) else Remedy(remedy),
            rule,
        )
        for rule, breaks in RULES.items()
        for number, fault, remedy in breaks(name, notebook)
    ]


def _then_again(words):
    """Remedy for a person, whose edit is followed by `make fix`."""
    return Remedy(f"{words}, then run `make fix`", left=words)


def unexamined(notebooks: dict[str, nbformat.NotebookNode]) -> list[Finding]:
    """Name the claims that no stored notebook judges, and those whose notebook is not stored.

    Parameters
    ----------
    notebooks : dict of str to NotebookNode
        The collection by name.

    Returns
    -------
    list of Finding
        One a claim; empty when all are judged.
    """
    printed = {
        claim
        for notebook in notebooks.values()
        for _, cell in _code(notebook)
        for claim in re.findall(r"^([a-z0-9-]+): ", _printed(cell), flags=re.MULTILINE)
    }
    return [
        Finding(
            f"{row.Index} is not judged by notebooks/{row.notebook}.ipynb",
            f"data/{'added_' if row.added else ''}claims.csv",
            remedy=_then_again("record it there"),
        )
        for row in results.claims().itertuples()
        if row.Index not in printed or row.notebook not in notebooks
    ]


def opening(name: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault unless a notebook opens with its question and five short lines."""
    head, *lines = [line for line in notebook.cells[0].source.splitlines() if line] if notebook.cells else [""]
    title = f"# {mark(name).capitalize()} ·"
    if not re.fullmatch(rf"{title} [A-Z].+\?", head):
        yield 1, f"does not open with “{title} Question?”", "write the question as the title"
    found = [match[1] if (match := re.match(r"\*\*(.+?)\*\*", line)) else line[:30] for line in lines]
    if found != OPENING:
        yield 1, "does not go on with the five short lines", f"begin them, in bold, with: {'; '.join(OPENING)}"


def sections(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault unless the sections are those of the house, in its order."""
    found = [
        (number, line[3:])
        for number, cell in _prose(notebook)
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    titles = [title for _, title in found]
    remedy = f"the sections are, in this order: {'; '.join(SECTIONS)}"
    for title in SECTIONS:
        if title not in titles:
            yield None, f"the section “{title}” is missing", remedy
    for number, title in found:
        if title not in SECTIONS:
            yield number, f"“{title}” is no section of the house", remedy
    if sorted(titles) == sorted(SECTIONS) and titles != SECTIONS:
        number, title = next(each for each, wanted in zip(found, SECTIONS, strict=True) if each[1] != wanted)
        yield number, f"the section “{title}” is out of order", remedy
    elif len(set(titles)) < len(titles):
        yield None, "a section stands twice", remedy


def order(name: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault at the first cell whose id does not number on: a cell was moved, deleted or put in."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.get("id") != f"{mark(name)}-{number - 1:02d}":
            fault = f"has the id {cell.get('id')!r} where {mark(name)}-{number - 1:02d} follows"
            remedy = "where a cell was put in, run `make fix`; where one was moved or deleted, take that back"
            yield number, fault, Remedy(remedy, Repair.WRITE, "a cell was moved or deleted: take that back")
            return


def size(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield faults unless cells are few and short, and prose outweighs code."""
    cells = len(notebook.cells)
    if not LEAST_CELLS <= cells <= MOST_CELLS:
        yield None, f"has {cells} cells", f"{LEAST_CELLS} to {MOST_CELLS} can be read in one sitting"
    for number, cell in _code(notebook):
        lines = len(cell.source.splitlines())
        if lines > MOST_LINES:
            yield number, f"has {lines} lines of code", f"move arithmetic into a helper: at most {MOST_LINES}"
    words = sum(len(re.findall(r"\w+", cell.source)) for _, cell in _prose(notebook))
    lines = sum(len([line for line in cell.source.splitlines() if line.strip()]) for _, cell in _code(notebook))
    if words < WORDS_A_LINE * lines:
        yield None, f"has {words} words to {lines} lines of code", f"explain more: {WORDS_A_LINE} words a line at least"


def definitions(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every cell that is not Python, or defines what belongs into a helper."""
    for number, cell in _code(notebook):
        try:
            kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        except SyntaxError as error:
            yield number, f"is not Python: {error.msg}", "notebooks hold plain Python, without magics"
            continue
        if kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}:
            yield number, "defines a function or a class", "move it into a module of src/helpers, where it is tested"


def declarations(name: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield faults unless one tagged cell holds a few literals, each with its type and meaning."""
    try:
        known = parameters.defaults(f"{name}.ipynb", notebook)
    except parameters.ParameterError as error:
        yield None, str(error).removeprefix(f"notebooks/{name}.ipynb").lstrip(": "), "see the parameters of 01_returns"
        return
    ((number, cell),) = [each for each in _code(notebook) if parameters.TAG in _tags(each[1])]
    if not LEAST_PARAMETERS <= len(known) <= MOST_PARAMETERS:
        yield number, f"holds {len(known)} parameters", f"{LEAST_PARAMETERS} to {MOST_PARAMETERS} can be overseen"
    lines = cell.source.splitlines()
    for line in lines:
        if not re.search(r"  # \w+[^:]*: \w", line):
            yield number, f"“{line[:40]}” says no type and meaning", "end the line with “  # type, unit: meaning”"
    if len(lines) > len(known):
        yield number, "holds more lines than parameters", "one line a parameter, each name once"


def specification(name: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every parameter that is not the declared one, the as-of date too."""
    try:
        known = parameters.defaults(f"{name}.ipynb", notebook)
    except parameters.ParameterError:
        # said by the rule above
        return
    # a case of one's own is part of no edition and judges no claim
    if name in parameters.own_cases():
        return
    ((number, _),) = [each for each in _code(notebook) if parameters.TAG in _tags(each[1])]
    for parameter, differing in parameters.differences(name, known).items():
        words = parameters.difference(parameter, **differing)
        yield number, f"not the declared specification: {words}", parameters.remedy(name, {parameter: differing})


def counts(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for the first cell that is not executed in its turn: stripped, unrun, moved, or one deleted."""
    for wanted, (number, cell) in enumerate(_code(notebook), start=1):
        if cell.execution_count is None:
            yield number, "was not executed, or stripped of its outputs", AGAIN
            return
        if cell.execution_count != wanted:
            yield number, f"was executed as number {cell.execution_count}, not {wanted}", AGAIN
            return


def quiet(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every stored error and every word on stderr."""
    for number, output in _outputs(notebook):
        if output.output_type == "error":
            yield number, f"stores an error: {output.get('ename', '')}", _then_again("mend what raises it")
        elif output.get("name") == "stderr":
            first = (output.get("text", "").strip().splitlines() or [""])[0]
            yield number, f"warns on stderr: {first[:80]}", _then_again("mend what it warns of")


def tidiness(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for metadata that a machine, an editor or a run has left."""
    remedy = Remedy("run `make fix`", Repair.WRITE, "take it out by hand")
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        chosen = "choose “Python 3”"
        yield None, f"names the kernel {kernel!r}", Remedy(f"{chosen}, or run `make fix`", Repair.WRITE, chosen)
    left = sorted(set(notebook.metadata) - {"kernelspec", "language_info"})
    if left:
        yield None, f"holds metadata of {', '.join(left)}", remedy
    if "version" in notebook.metadata.get("language_info", {}):
        yield None, "names the version of a Python", remedy
    for number, cell in enumerate(notebook.cells, start=1):
        left = sorted(set(cell.metadata) - {"tags"})
        if left:
            yield number, f"holds metadata of {', '.join(left)}", remedy


def comparison(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every unknown tag, and for everything that keeps outputs from comparison without a reason."""
    for number, cell in enumerate(notebook.cells, start=1):
        for tag in sorted(_tags(cell) - {parameters.TAG}):
            if not _IGNORING.match(tag):
                yield number, f"has the tag {tag!r}", f"the only tag is {parameters.TAG!r}"
        comments = [line.strip().lstrip("# ") for line in cell.source.splitlines() if line.strip().startswith("#")]
        asked = {tag for tag in _tags(cell) if _IGNORING.match(tag)}
        if cell.cell_type == "code":
            asked |= {comment for comment in comments if _IGNORING.match(comment)}
        reasons = [each.removeprefix(REASON).split() for each in comments if each.startswith(REASON)]
        if asked and not any(len(reason) >= LEAST_WORDS for reason in reasons):
            fault = f"is kept from comparison by {', '.join(sorted(asked))} without a reason"
            yield number, fault, f"take it away, or add “# {REASON} why” in {LEAST_WORDS} words or more"


def places(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every output that shows a folder of somebody's machine."""
    for number, output in _outputs(notebook):
        text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        if match := _PATH.search(text):
            shown = text[match.start() :].split()[0][:40]
            yield number, f"shows a path of a machine: {shown}", _then_again("print the name alone")


def shown(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every cell that shows less than its code says: its outputs were taken out or are old."""
    for number, cell in _code(notebook):
        calls = _calls(cell.source)
        exhibits = sum(output.output_type == "display_data" for output in cell.outputs)
        exhibits += len(_NO_EXHIBIT.findall(_printed(cell)))
        published = sum(call in ("notebook.figure", "notebook.table") for call in calls)
        if exhibits < published:
            yield number, f"publishes {published} exhibits but stores {exhibits}", AGAIN
        if "print" in calls and not _printed(cell):
            yield number, "prints, but stores no words", AGAIN


def exhibits(name: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every figure and table without its words, digest, source or name."""
    seen = set()
    for number, output in _outputs(notebook):
        if output.output_type != "display_data":
            continue
        exhibit, words = output.metadata.get("exhibit", {}), output.data.get("text/plain", "")
        slug, kind = exhibit.get("slug", ""), exhibit.get("kind")
        remedy = _then_again("show it by notebook.figure or notebook.table")
        if kind not in ("figure", "table"):
            yield number, "shows what is neither a figure nor a table of the house", remedy
            continue
        if slug.split("-")[0] not in name[3:].split("_"):
            yield number, f"{kind} {slug!r} does not begin with a word of its notebook", "rename it"
        if slug in seen:
            yield number, f"{kind} {slug!r} is published twice, the second over the first", "rename one"
        seen.add(slug)
        told = _WORDS.search(words)
        if not told or told[2] != {"figure": "points", "table": "rows"}[kind]:
            yield number, f"{kind} {slug!r} has no digest of its {'points' if kind == 'figure' else 'rows'}", remedy
        elif kind == "table" and output.data.get("text/html", "").count("<tr>") != int(told[1]) + 1:
            yield number, f"table {slug!r} shows another number of rows than it says", remedy
        if kind == "figure":
            yield from ((number, fault, remedy) for fault in _figure(slug, exhibit, words, output.data))
        elif not exhibit.get("caption") or not words.startswith(exhibit["caption"]):
            yield number, f"table {slug!r} does not say its caption", remedy
    for kind in ("figure", "table"):
        if not any(output.metadata.get("exhibit", {}).get("kind") == kind for _, output in _shown(notebook)):
            yield None, f"shows no {kind}", "a notebook has at least one figure and one table"


def typing(_: str, notebook: nbformat.NotebookNode) -> Iterator[tuple]:
    """Yield a fault for every number that was found and typed into prose, where it goes stale."""
    for number, cell in _prose(notebook):
        plain = re.sub(r"`[^`]*`|\$[^$]*\$", "", cell.source)
        for found in _RESULT.findall(plain) if number > 1 else []:
            if found != "95%":
                yield number, f"{found} is typed into prose", "have code print it, for a typed number goes stale"


RULES = {
    rule.__name__: rule
    for rule in (
        *(opening, sections, order, size, definitions, declarations, specification, counts, quiet, tidiness),
        *(comparison, places, shown, exhibits, typing),
    )
}
"""Every rule by its name, in the order in which faults are told."""


def _figure(slug, exhibit, words, content):
    """Say what a figure lacks."""
    title, alt = exhibit.get("title"), exhibit.get("alt")
    if not title or title not in words:
        yield f"figure {slug!r} does not say the title that it has"
    if not alt or alt not in words:
        yield f"figure {slug!r} does not say what it shows in words"
    if not exhibit.get("source", "").startswith("Source: "):
        yield f"figure {slug!r} names no source"
    try:
        picture = base64.b64decode(content.get("image/png", ""), validate=False)
    except ValueError:
        picture = b""
    if not picture.startswith(_PNG):
        yield f"figure {slug!r} holds no picture"


def _calls(source):
    """Names of the functions that a cell calls in statements of their own and under no condition."""
    try:
        waiting = ast.parse(source).body
    except SyntaxError:
        return []
    found = []
    for node in waiting:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.append(ast.unparse(node.value.func))
        elif isinstance(node, ast.For | ast.With):
            # what is stored went through each loop
            waiting += node.body
    return found


def mark(name: str) -> str:
    """Give what the ids of a notebook's cells begin with: its number, or the first word of its name."""
    return name.partition("_")[0]


def cell_name(notebook: nbformat.NotebookNode, number: int | None) -> str:
    """Name a cell by its number from the top and how it begins; empty where no number is given."""
    if number is None or not notebook.cells:
        return ""
    begins = (notebook.cells[number - 1].source.strip().splitlines() or [""])[0]
    return f"cell {number} (“{begins[:40]}{'…' * (len(begins) > 40)}”)"


def _tags(cell):
    return set(cell.metadata.get("tags", []))


def _prose(notebook):
    return [each for each in enumerate(notebook.cells, start=1) if each[1].cell_type == "markdown"]


def _code(notebook):
    return [each for each in enumerate(notebook.cells, start=1) if each[1].cell_type == "code"]


def _outputs(notebook):
    return [(number, output) for number, cell in _code(notebook) for output in cell.outputs]


def _shown(notebook):
    return [each for each in _outputs(notebook) if each[1].output_type == "display_data"]


def _printed(cell):
    return "".join(output.get("text", "") for output in cell.outputs if output.get("name") == "stdout")
