"""The ledger of faults, the tests that provoke each, and docs/faults.md, which `make faults` writes from both."""

import ast
import csv
import html
import sys
from pathlib import Path

TESTS = Path(__file__).parent
LEDGER = TESTS / "faults.csv"
PAGE = TESTS.parent / "docs" / "faults.md"
HEAD = """# Faults

What can go wrong, what it must give, and the tests that provoke it. In general: an error of one line that names the
place and the remedy, an exit code other than 0, and the last good result as it was.

Written by `make faults` from [tests/faults.csv](../tests/faults.csv) and the marks `@pytest.mark.fault` of the tests.
A test fails where a fault is not provoked by any test, or this page is not up to date.
"""


def ledger() -> list[dict]:
    """Read the faults, one a row: number, group, fault and what it must give."""
    with LEDGER.open(encoding="utf-8", newline="") as lines:
        return [row | {"number": int(row["number"])} for row in csv.DictReader(lines)]


def provoked() -> dict[int, list[tuple[str, str]]]:
    """Find the tests that are marked with each number: the file and the name of each, in their order there."""
    found = {}
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            for number in _numbers(node) if isinstance(node, ast.FunctionDef) else ():
                found.setdefault(number, []).append((file.name, node.name))
    return found


def _numbers(node):
    """Numbers of the marks on a test, be they on one of its parameters."""
    calls = [each for decorator in node.decorator_list for each in ast.walk(decorator) if isinstance(each, ast.Call)]
    marks = [call for call in calls if ast.unparse(call.func) == "pytest.mark.fault"]
    return sorted({ast.literal_eval(argument) for mark in marks for argument in mark.args})


def page() -> str:
    """Write docs/faults.md."""
    tests, lines, group = provoked(), [HEAD.strip()], ""
    for row in ledger():
        if row["group"] != group:
            group = row["group"]
            lines += ["", f"## {group}", "", "| number | fault | what it gives | tests |", "|--:|---|---|---|"]
        named = [f"{_sentence(name)} ([{file}](../tests/{file}))" for file, name in tests.get(row["number"], ())]
        cells = [html.escape(row[name], quote=False) for name in ("fault", "gives")]
        lines.append(f"| {row['number']} | {cells[0]} | {cells[1]} | {'<br>'.join(named) or '**none yet**'} |")
    return "\n".join(lines) + "\n"


def _sentence(name):
    return name.removeprefix("test_").replace("_", " ")


def main(words: list[str]) -> int:
    """Write the page; say how many faults have a test, and fail where one has none; with --check, where it is old."""
    if words == ["--check"]:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    tests = provoked()
    without = [row["number"] for row in ledger() if row["number"] not in tests]
    print(f"docs/faults.md: {len(ledger()) - len(without)} of {len(ledger())} faults are provoked by a test")
    if without:
        print(f"error: no test is marked with {', '.join(map(str, without))}", file=sys.stderr)
    return 1 if without else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
