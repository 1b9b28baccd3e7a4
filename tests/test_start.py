import ast
import os
import subprocess
import sys

import pytest

from helpers import environment, freshness, paths, start

LOOK = """
import sys
from helpers import start
code = start.main(sys.argv[1:])
names = {name.partition(".")[0] for name, module in sys.modules.items() if module}
print(code, sorted(names - sys.stdlib_module_names - {"__main__", "helpers"}))
"""


@pytest.fixture
def handed(place, monkeypatch):
    """A report that is fresh, and the commands that a run would be handed over to."""
    commands = []
    monkeypatch.setattr(environment, "ensure", lambda extra: commands.append(extra))
    monkeypatch.setattr(os, "execve", lambda name, command, variables: commands.append((command[1:], variables)))
    place.report.mkdir()
    freshness.remember("", [], ["The report is at report/index.html"])
    return commands


def test_an_unchanged_report_is_answered_at_once(handed, capsys):
    assert start.main(["report", "--as-of=", "--force=", "--kernels="]) == 0
    assert handed == []
    assert capsys.readouterr().out.splitlines() == [
        "Nothing changed since the report was built.",
        "The report is at report/index.html",
    ]


@pytest.mark.fault(65)
@pytest.mark.parametrize(
    "wish",
    [
        ["report", "--force=1"],
        ["report", "--as-of=2025-06-30"],
        ["pdf", "--as-of="],  # the report is fresh, but has no PDF
        ["refresh-outputs"],
        ["diff", "--as-of=", "--force=", "--kernels=", "--", "HEAD~1", ""],
        ["sweep", "--scheduler=", "--", "sweeps/a.yml"],
        ["sweep", "--scheduler=tcp://here:8786", "--", "sweeps/a.yml"],
    ],
)
def test_all_else_is_handed_to_the_environment_with_what_every_kernel_has(handed, wish):
    start.main(wish)
    extra, (command, variables) = handed
    # Dask is in the larger environment only
    assert extra == ("--scheduler=tcp://here:8786" in wish) and command == ["-m", "helpers.launch", *wish]
    assert environment.VARIABLES.items() <= variables.items()


def test_an_unchanged_report_needs_the_standard_library_only(copy):
    (copy.root / ".venv").mkdir()
    (copy.root / ".venv" / "pyvenv.cfg").write_text(f"version = {sys.version.split()[0]}\n", encoding="utf-8")
    copy.write(
        "01_leaf",
        "import os, pathlib\npathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/results.json').write_text('[]')",
    )
    copy.write("99_verdicts")
    assert copy.run("report", "--as-of=2025-02-14")[0] == 0
    command = [sys.executable, "-S", "-c", LOOK, "report", "--as-of=2025-02-14", "--force="]
    variables = {"PYTHONPATH": str(copy.root / "src"), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, env=variables, cwd=copy.root)
    *words, last = done.stdout.splitlines()
    assert words[0] == "Nothing changed since the report was built.", done
    assert last == "0 []"


@pytest.mark.parametrize("module", ["start", "freshness", "paths", "environment", "terminal"])
def test_an_unfit_interpreter_can_still_read_what_starts(module):
    text = (paths.ROOT / "src" / "helpers" / f"{module}.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 8))
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules <= sys.stdlib_module_names | {"helpers", "helpers.paths"}
