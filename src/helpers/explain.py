"""Explain: put the lineage of a number into words for a terminal, which is what ``make explain`` does."""

import argparse
import re
import shlex
import sys
import textwrap

from helpers import cache, lineage, paths, terminal

# that of helpers.results, which takes a second to load; a test holds the two equal
NOTE_DAY = "2025-02-14"
WIDTH = 100
COLUMN = 16


def text(told: dict) -> str:
    """Put an explanation into plain text of at most a hundred columns.

    Parameters
    ----------
    told : dict
        As `helpers.lineage.Edition.explanation` gives.
    """
    report = f"report/{told['as_of']}"
    kind = {"headline": "headline", "alternative": f"alternative to {told['headline']}", "context": "beside the claims"}
    lines = [f"{told['id']} · edition of {told['as_of']} · {kind[told['role']]}"]
    lines += _wrapped(told["title"], "") if told["title"] else []
    lines += ["", "THE NUMBER", *_facts(told["number"] | {"page": f"{report}/{told['page']}"})]
    if told["verdict"]:
        said = told["verdict"]
        mark = {"yes": ", robust", "no": ", not robust", "": ""}[said["robust"]]
        facts = {"verdict": f"{said['verdict']}{mark}", "holds at": f"{said['range']} ({said['why']})"}
        lines += ["", "THE VERDICT", *_facts(facts | {"reason": said["reason"]})]
    if told["alternatives"]:
        lines += ["", f"THE ALTERNATIVES ({len(told['alternatives'])}), in {told['unit']}"]
        rows = [(each["label"], each["found"], each["verdict"]) for each in told["alternatives"]]
        widths = [min(max(len(row[place]) for row in rows), 42) for place in (0, 1)]
        lines += [_cut_short(f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}") for a, b, c in rows]
        example = shlex.quote(min((one["id"] for one in told["alternatives"]), key=len))
        lines += ["  One of them in full:", _cut_short(f"  make explain AS_OF={told['as_of']} ID={example}")]
    rows = [line for one in told["inputs"] for line in _source(one, report)]
    lines += ["", "THE ROWS", *(rows or ["  none: it was not answered"])]
    lines += ["", "HOW IT WAS MADE", *_facts(told["made"])]
    lines += ["", "THE RUN"]
    lines += [_cut_short(f"  {name} = {value}  # {meaning}") for name, value, meaning in told["parameters"]]
    lines += _facts(told["run"] | ({"since then": told["since"]} if "since" in told else {}))
    return "\n".join(map(_printable, lines))


def _printable(line):
    return "".join(character if character.isprintable() else "�" for character in line)


def _facts(facts, margin=2):
    lines = []
    for label, fact in facts.items():
        head, *rest = _wrapped(fact, " " * COLUMN)
        # a label that leaves no room stands on a line of its own
        if len(label) >= COLUMN - margin:
            lines += [f"{' ' * margin}{label}", head, *rest]
        else:
            lines += [f"{' ' * margin}{label:<{COLUMN - margin}}{head[COLUMN:]}", *rest]
    return lines


def _wrapped(words, indent):
    """Lines of at most the width; what is broken already stays so."""
    lines = []
    for line in words.splitlines() or [""]:
        margin = indent + line[: len(line) - len(line.lstrip())]
        lines += textwrap.wrap(
            line, WIDTH, initial_indent=margin, subsequent_indent=margin, break_on_hyphens=False
        ) or [indent]
    return lines


def _cut_short(line):
    return line if len(line) <= WIDTH else line[: WIDTH - 1] + "…"


def _count(one):
    return f"{one['rows']:,} row{'s' * (one['rows'] != 1)}"


def _listed(one, report):
    if one["rows"] == 0:
        return "no row entered"
    return f"{report}/{one['list']}" if one["list"] else "every row known by then"


def _source(one, report):
    span = f", known from {one['first']} to {one['last']}" if one["first"] < one["last"] else ""
    span = f", known on {one['first']}" if one["first"] and not span else span
    lines = _wrapped(f"{one['table']}, {_count(one)}{span}", "  ")
    since = "always" if one["known_on"] == "always" else f"from the day in its column {one['known_on']}"
    facts = {
        "one row is": one["title"],
        "from": one["producer"],
        "address": one["address"],
        "licence": one["licence"],
        "dates": f"published {one['published']}, read {one['read']}; a row counts as known {since}",
        "file": one["raw"],
        "sha256": one["sha256"],
        "keys": ", ".join(one["key"]),
        "list": _listed(one, report),
        "columns": ", ".join(one["columns"]),
    }
    if one["changed"]:
        facts["sha256"] += " at the build; it has changed since, so its rows are not shown"
    lines += _facts(facts, 4)
    for place, (line, cells) in enumerate(one["shown"]):
        if one["left_out"] and place == lineage.SHOWN:
            lines.append(f"      ... {one['left_out']:,} more")
        lines.append(_cut_short(f"      line {line}: {', '.join(cells)}"))
    return lines


def listing(edition: lineage.Edition) -> str:
    """List the ids of an edition's numbers by notebook, of alternatives their count."""
    lines, notebook = [f"The numbers of the edition of {edition.as_of}: make explain ID=..."], ""
    for identity in edition.headlines():
        if edition.records[identity]["notebook"] != notebook:
            notebook = edition.records[identity]["notebook"]
            lines.append(notebook)
        others = sum(each.startswith(f"{identity}/") for each in edition.records)
        lines.append(f"  {identity}{f', {others} alternatives' if others else ''}")
    return "\n".join(map(_printable, lines))


def editions() -> list[str]:
    """Days of the editions to explain from: that of the note's day and the newest, of those that are built."""
    days = sorted(path.parent.name for path in paths.REPORT.glob("????-??-??/results.json"))
    return sorted({*(day for day in days if day == NOTE_DAY), *days[-1:]})


def main(arguments: list[str] | None = None) -> int:
    """Command line: 0 explained, or listed without an id; 1 no report or a broken one; 2 no such number or edition."""
    parser = argparse.ArgumentParser(prog="python -m helpers.explain", description=__doc__.splitlines()[0])
    parser.add_argument("id")
    parser.add_argument("--as-of", default="")
    wish = parser.parse_args(arguments)
    days = [wish.as_of] if wish.as_of else editions()
    if not days:
        print("error: there is no report yet: run `make report`", file=sys.stderr)
        return 1
    told, unknown = [], []
    for day in days:
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
                raise lineage.UnknownError(f"AS_OF takes a date written yyyy-mm-dd, not {day!r}")
            edition = lineage.Edition(paths.REPORT / day, day)
            if not wish.id:
                print(listing(edition))
                return 0
            one = edition.explanation(wish.id)
            lines = cache.why(one["notebook"], day)
            told.append(text(one | {"since": "; ".join(lines)}))
        except lineage.UnknownError as error:
            unknown.append(str(error))
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            # a damaged file may hold JSON of any form; only AS_OF reaches an edition that is not standing
            remedy = f"run `make report AS_OF={day} FORCE=1`"
            print(f"error: the edition of {day} cannot be read ({error}): {remedy}", file=sys.stderr)
            return 1
    print(f"\n\n{'─' * WIDTH}\n".join(told), end="\n" if told else "")
    for line in unknown:
        # a number of one edition only is no mistake
        print(line if told else f"error: {line}", file=sys.stdout if told else sys.stderr)
    return 0 if told else 2


if __name__ == "__main__":
    sys.exit(terminal.run(main))
