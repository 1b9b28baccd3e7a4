"""How far two reports agree: every number by its class, every verdict, every file; and the page that tells it."""

import csv
import hashlib
import io
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

FIELDS = ("value", "low", "high")
KINDS = {
    ".png": "pictures", ".svg": "pictures", ".csv": "tables", ".tex": "tables", ".xlsx": "tables", ".html": "pages",
    ".ipynb": "notebooks", ".json": "records",
}  # fmt: skip
UNREADABLE = (".png", ".xlsx", ".pdf")
HEAD = ("circumstance", "its kernels saw", "numbers", "same to the bit", "beyond their class", "verdicts turned")
CLASS_HEAD = ("class", "may differ by a share of", "numbers", "same to the bit", "largest difference", "seen under")


@dataclass
class Class:
    """Numbers of one class: how many there are, how many are the same to the bit, the largest relative difference."""

    count: int = 0
    equal: int = 0
    gap: float = 0.0

    def __add__(self, other):
        return Class(self.count + other.count, self.equal + other.equal, max(self.gap, other.gap))


@dataclass
class Agreement:
    """How far a report agrees with another.

    Parameters
    ----------
    classes : dict of (float, str) to Class
        Numbers of all editions by tolerance and name of their class.
    faults : list of str
        What may not be: numbers beyond their class, verdicts that turned, whatever else went wrong.
    beyond, turned : int
        Lines on numbers beyond their class, and verdicts that turned.
    files : int
        How many there are in the other report.
    apart : list of str
        Names of the files that differ, or that only one has.
    notes : list of str
        Where they differ, a line a kind of file.
    """

    classes: dict[tuple[float, str], Class] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    beyond: int = 0
    turned: int = 0
    files: int = 0
    apart: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> Class:
        """All numbers, of whatever class."""
        return sum(self.classes.values(), Class())


def gap(one: float, other: float, size: float = 0.0) -> float:
    """Difference of two numbers as a share of the largest of them, or of what is given as their size.

    Examples
    --------
    >>> gap(2.0, 1.0), gap(0.0, 0.0), gap(float("inf"), float("inf")), gap(1.0, float("inf")), gap(2.0, 1.0, 10.0)
    (0.5, 0.0, 0.0, inf, 0.1)
    """
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.inf
    return abs(one - other) / max(abs(one), abs(other), size)


def classes(found: list[dict], base: list[dict], classified: Callable) -> dict[tuple[float, str], Class]:
    """Count the numbers of two editions by the tolerance and name of their class.

    Parameters
    ----------
    found, base : list of dict
        Records of ``results.json``.
    classified : callable
        Gives the class of a method in words; it has a name and a tolerance, a share of a record's largest number.
    """
    held, counted = {record["id"]: record for record in base}, {}
    for record in found:
        other = held.get(record["id"])
        if other is None or record["value"] is None or other["value"] is None:
            continue
        kind = classified(other["method"])
        pairs = [(float(record[name]), float(other[name])) for name in FIELDS]
        size = max((abs(number) for _, number in pairs if math.isfinite(number)), default=0.0)
        equal = sum(repr(one) == repr(two) for one, two in pairs)
        mine = Class(len(pairs), equal, max(gap(*pair, size) for pair in pairs))
        counted[kind.tolerance, kind.name] = counted.get((kind.tolerance, kind.name), Class()) + mine
    return counted


def verdicts_turned(found: str, base: str) -> list[str]:
    """Say which verdicts, or whether they are robust, differ between two texts of ``verdicts.csv``."""
    one, other = ({row["claim"]: row for row in csv.DictReader(io.StringIO(text))} for text in (found, base))
    turned = []
    for claim in sorted(one.keys() | other.keys()):
        words = [
            f"{side[claim]['verdict']} (robust: {side[claim]['robust'] or '-'})" if claim in side else "missing"
            for side in (other, one)
        ]
        if words[0] != words[1]:
            turned.append(f"{claim}: {words[0]} in the base, here {words[1]}")
    return turned


def published(report: Path) -> dict[str, str]:
    """Hash every published file of a report, by its name there."""
    files = {file.relative_to(report): file for file in sorted(report.rglob("*")) if file.is_file()}
    return {
        name.as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for name, file in files.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def compare(found: Path, base: Path, recorded) -> Agreement:
    """Compare two reports: numbers, verdicts, files.

    Parameters
    ----------
    found, base : Path
        Folders of the reports.
    recorded : module
        Has ``differences(found, stored)``, a line for each number beyond its class, and ``classified(method)``.
    """
    told = Agreement()
    days = {side: {file.parent.name for file in side.glob("????-??-??/results.json")} for side in (found, base)}
    told.faults += [f"the edition of {day} is only in one of the two" for day in sorted(days[found] ^ days[base])]
    told.faults += [] if days[found] & days[base] else ["no edition is in both"]
    for day in sorted(days[found] & days[base]):
        records = [json.loads((side / day / "results.json").read_text(encoding="utf-8")) for side in (found, base)]
        verdicts = [(side / day / "verdicts.csv").read_text(encoding="utf-8") for side in (found, base)]
        beyond, turned = recorded.differences(*records), verdicts_turned(*verdicts)
        told.beyond, told.turned = told.beyond + len(beyond), told.turned + len(turned)
        told.faults += [f"{day}: {line}" for line in [*beyond, *turned]]
        for kind, counted in classes(*records, recorded.classified).items():
            told.classes[kind] = told.classes.get(kind, Class()) + counted
    one, other = published(found), published(base)
    told.files = len(other)
    told.apart = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    told.notes = list(where_apart(told.apart, found, base))
    return told


# why files differ


def by_kind(names: list[str]) -> str:
    """Count files by kind, in words.

    Examples
    --------
    >>> by_kind(["a.png", "b.svg", "c.json"])
    'pictures 2, records 1'
    """
    counted = Counter(KINDS.get(Path(name).suffix, "others") for name in names)
    return ", ".join(f"{kind} {count:,}" for kind, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])))


def alike(name: str) -> str:
    """Name the group of like files that a file of the report belongs to.

    Examples
    --------
    >>> alike("2025-02-14/numbers/a.html"), alike("2025-02-14/01_x/run.json"), alike("2025-02-14/01_x/a.csv")
    ('numbers/*.html', 'run.json', '*.csv')
    """
    path = Path(re.sub(r"^\d{4}-\d\d-\d\d/", "", name))
    if path.parts[0] == "numbers":
        return f"numbers/*{path.suffix}"
    known = path.name in ("run.json", "notebook.ipynb", "index.html", "results.json")
    return path.name if known or len(path.parts) == 1 else f"*{path.suffix}"


def cells_apart(found: str, base: str) -> tuple[int, float]:
    r"""Count the cells in which two tables of text differ, and give the largest relative difference of their numbers.

    Examples
    --------
    >>> cells_apart("a,b\n1.0,x\n", "a,b\n1.5,x\n")
    (1, 0.3333333333333333)
    >>> cells_apart("a\nx\n", "a\ny\n")
    (1, inf)
    """
    one, other = (list(csv.reader(io.StringIO(text))) for text in (found, base))
    if [len(row) for row in one] != [len(row) for row in other]:
        return max(1, abs(len(one) - len(other))), math.inf
    cells = [pair for rows in zip(one, other, strict=True) for pair in zip(*rows, strict=True)]
    apart = [_distance(a, b) for a, b in cells if a != b]
    return len(apart), max(apart, default=0.0)


def _distance(a, b):
    try:
        return gap(float(a), float(b))
    except ValueError:
        return math.inf


def first_apart(found: str, base: str, around: int = 30) -> str:
    """Show where two texts part: some letters of both.

    Examples
    --------
    >>> first_apart("made with 3.12", "made with 3.11", 3)
    '`.11` there, `.12` here'
    """
    place = next((at for at, (a, b) in enumerate(zip(found, base, strict=False)) if a != b), min(len(found), len(base)))
    # a bar would end the cell of a table, a tick the letters
    shown = [text[max(0, place - around) + 1 : place + around] for text in (base, found)]
    there, here = (" ".join(text.replace("|", "¦").replace("`", "'").split()) for text in shown)
    return f"`{there}` there, `{here}` here"


def where_apart(names: list[str], found: Path, base: Path):
    """Say of each group of files where the first of them parts; of tables, how far their numbers are off."""
    groups = {}
    for name in names:
        groups.setdefault(alike(name), []).append(name)
    for group, members in sorted(groups.items()):
        both = [name for name in members if (found / name).is_file() and (base / name).is_file()]
        line = f"{len(members):,} × `{group}`"
        if len(both) < len(members):
            line += f", {len(members) - len(both):,} only in one"
        texts = [[(side / name).read_bytes().decode(errors="replace") for side in (found, base)] for name in both]
        if group.endswith(".csv") and texts:
            apart = [cells_apart(*pair) for pair in texts]
            count, far = sum(count for count, _ in apart), max(far for _, far in apart)
            line += f": {count:,} cells, apart by a share of up to {far:.1g}"
        elif texts and not group.endswith(UNREADABLE):
            line += f": {first_apart(*texts[0])}"
        yield line


# the page


def page(rows: list[tuple[str, str, Agreement]], base: str, absent: list[str], told: str) -> list[str]:
    """Write what was found, in Markdown.

    Parameters
    ----------
    rows : list of (str, str, Agreement)
        Name of a circumstance, what its kernels saw, how its report agrees with the base's.
    base : str
        What the base's kernels saw.
    absent : list of str
        What could not be varied here.
    told : str
        When, where and what of.
    """
    failed = [name for name, _, one in rows if one.faults]
    word = f"**{len(failed)} fail**: {', '.join(failed)}" if failed else "numbers within their class, verdicts the same"
    lines = ["# The same numbers everywhere", "", f"Written by `make reproduce`. {told}", ""]
    lines += [f"Circumstances against a base: {len(rows)}, each a cold build in a clean clone; {word}.", ""]
    lines += [f"The base: {base}.", "", *_head(*HEAD, "files that differ")]
    for name, saw, one in rows:
        cells = [f"{one.total.count:,}", f"{one.total.equal:,}", one.beyond, one.turned]
        cells = [name, saw, *cells, f"{len(one.apart):,} of {one.files:,}"]
        lines.append(_line(*cells))
    lines += ["", "## By class of number", "", *_head(*CLASS_HEAD), *_by_class(rows), ""]
    lines += ["A share is of the largest number of a record: its value or an end of its interval.", ""]
    lines += ["## Where files differ", ""]
    lines += [f"- {name}: {by_kind(one.apart)}. {'; '.join(one.notes)}." for name, _, one in rows if one.apart]
    lines += [] if any(one.apart for _, _, one in rows) else ["Nowhere: all are the same to the byte."]
    if failed:
        lines += [
            "",
            "## What fails",
            "",
            *(f"- {name}: {fault}" for name, _, one in rows for fault in one.faults[:20]),
        ]
    if absent:
        lines += ["", "## Not tried here", "", *(f"- {line}" for line in absent)]
    return lines


def _by_class(rows):
    for kind in sorted({kind for _, _, one in rows for kind in one.classes}):
        found = [(one.classes[kind], name) for name, _, one in rows if kind in one.classes]
        total = sum((counted for counted, _ in found), Class())
        where = max(found, key=lambda pair: pair[0].gap)[1] if total.gap else "-"
        yield _line(kind[1], f"{kind[0]:g}", f"{total.count:,}", f"{total.equal:,}", f"{total.gap:.2g}", where)


def _head(*names):
    return [_line(*names), "|" + "---|" * len(names)]


def _line(*cells):
    return f"| {' | '.join(map(str, cells))} |"
