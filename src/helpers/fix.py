"""What can be repaired in a stored notebook without judgement: traces of editors, ids of cells that were put in.

Never touched: prose, code but for its layout, parameters, outputs. `helpers.run` stores outputs, by executing; what
it asks first is here too: which tests the changed modules have, and which outputs of a person's would be lost.
"""

import copy
import re
import subprocess
import sys

import nbformat

from helpers import cache, check, gate, parameters, paths
from helpers.execution import cleaned

EXPLORE = "explore"
# a widget is nothing without the kernel that drew it; what it showed stands beside it
_VIEW = "application/vnd.jupyter.widget-view+json"


def style() -> list[str]:
    """Have ruff repair what is safe to repair, and lay out code in the house format; say of what."""
    before = {finding for finding in check.style() if finding.repair}
    for words in (["check", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--quiet", "."]
        subprocess.run(command, cwd=paths.ROOT, capture_output=True, check=False)
    left = set(check.style()) if before else set()
    repaired = [gate.Finding(each.message, each.path, each.cell) for each in before - left]
    return sorted(map(str, repaired))


def notebooks() -> list[str]:
    """Repair what editors left in the notebooks of the collection; say what was repaired. Others stay as they are."""
    lines = []
    for name in [*parameters.notebooks(), *parameters.own_cases(), EXPLORE]:
        file = check.notebook_file(name)
        try:
            stored = nbformat.reads(file.read_text(encoding="utf-8"), as_version=4)
            nbformat.validate(stored)
        except (OSError, ValueError, LookupError, AttributeError, nbformat.ValidationError):
            # the check says so
            continue
        mended, said = repaired(name, stored)
        if said:
            draft = file.with_suffix(".part")
            nbformat.write(mended, draft)
            draft.replace(file)
            lines += [f"notebooks/{name}.ipynb: {words}" for words in said]
    return lines


def repaired(name: str, notebook: nbformat.NotebookNode) -> tuple[nbformat.NotebookNode, list[str]]:
    """Repair a notebook that was read.

    Parameters
    ----------
    name : str
        Such as ``01_returns``.
    notebook : NotebookNode
        Not changed.

    Returns
    -------
    NotebookNode
        The repaired one.
    list of str
        What was repaired; empty when nothing had to be.
    """
    mended, said = copy.deepcopy(notebook), []
    for number, cell in enumerate(notebook.cells, start=1):
        if not cell.source.strip():
            said += [f"cell {number}, which is empty, showed {shown}: removed" for shown in _lost(cell, None)]
    kept = [cell for cell in mended.cells if cell.source.strip()]
    if len(kept) < len(mended.cells):
        said.append(f"{len(mended.cells) - len(kept)} empty cells are taken out")
        mended.cells = kept
    before = copy.deepcopy(mended)
    mended = cleaned(mended)
    if before.metadata != mended.metadata or _metadata(before) != _metadata(mended):
        said.append("metadata that an editor left are taken out")
    elif before != mended:
        said.append("pieces of printed text are joined")
    views = [output.get("data", {}).pop(_VIEW, None) for cell in mended.cells for output in cell.get("outputs", [])]
    if any(views):
        said.append("views of widgets are taken out")
    if _put_in(name, mended):
        for number, cell in enumerate(mended.cells):
            cell.id = f"{gate.mark(name)}-{number:02d}"
        mended.nbformat_minor = max(5, mended.nbformat_minor)
        said.append("the ids of its cells are numbered on")
    return mended, said


def lost_outputs(name: str, stored: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> list[str]:
    """Name the outputs that a person made and that an executed notebook does not show: a plot in a cell, a table.

    Parameters
    ----------
    name : str
        Such as ``01_returns``.
    stored, executed : NotebookNode
        The same cells, as they are stored and as they were executed.

    Returns
    -------
    list of str
        A line an output, with notebook and cell. What the collection publishes is made by code and not among them.
    """
    return [
        f"notebooks/{name}.ipynb, {gate.cell_name(stored, number)}: {shown}"
        for number, (old, new) in enumerate(zip(stored.cells, executed.cells, strict=False), start=1)
        for shown in _lost(old, new)
    ]


def _lost(old, new):
    """Kinds of the pictures and tables that a cell stores, that are no exhibits, and that it does not show any more."""
    lost, kept = [], [output.get("data", {}) for output in (new or {}).get("outputs", [])]
    for output in old.get("outputs", []):
        if output.get("metadata", {}).get("exhibit"):
            continue
        kinds = [kind for kind in output.get("data", {}) if kind.startswith("image/") or kind == "text/html"]
        if kinds and not any(all(data.get(kind) == output.data[kind] for kind in kinds) for data in kept):
            lost.append(f"{'a picture' if kinds[0].startswith('image/') else 'a table'} ({', '.join(kinds)})")
    return lost


def tests_of_change() -> list[str]:
    """Name the test files of the changed modules that notebooks follow from.

    What differs from the last commit is changed; where nothing does, what differs from the commit that last recorded
    results; outside of git, every module. The tests of these modules need no stored output, so that they can be asked
    before any is stored.

    Returns
    -------
    list of str
        Such as ``tests/test_returns.py``, in order; a module without a test file adds none.
    """
    names = [*parameters.notebooks(), *parameters.own_cases()]
    followed = set().union(*(cache.modules(name) for name in names))
    last = (_git("rev-list", "-1", "HEAD", "--", "tests/recorded.csv") or [""])[0].strip()
    changed = _changed("HEAD")
    if changed == [] and last:
        changed = _changed(last)
    if changed is not None:
        files = [file.removesuffix(".py").split("/")[2:] for file in changed if file.endswith(".py")]
        followed &= {".".join(parts) for parts in files}
    tests = sorted({f"tests/test_{module.partition('.')[0]}.py" for module in followed})
    return [test for test in tests if (paths.ROOT / test).is_file()]


def run_tests(files: list[str]) -> str:
    """Run test files; give what pytest says of those that fail, a line each, or nothing where all pass."""
    command = [sys.executable, "-m", "pytest", "--quiet", "--no-header", "--tb=no", "-rfE", *files]
    done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).strip()


def _changed(commit):
    """Files of the package that differ from a commit, untracked ones too; None outside of git."""
    listed = _git("diff", "--name-only", "--relative", "-z", commit, "--", "src/helpers")
    fresh = _git("ls-files", "--others", "--exclude-standard", "-z", "--", "src/helpers")
    return None if listed is None or fresh is None else listed + fresh


def _git(*arguments):
    """Give the names that git lists, or None where it cannot."""
    try:
        done = subprocess.run(["git", *arguments], cwd=paths.ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else None


def _metadata(notebook):
    return [cell.metadata for cell in notebook.cells]


def _put_in(name, notebook):
    """Whether cells were put in and nothing else was done: those with an id of the house are whole and in order."""
    ids = [cell.get("id") or "" for cell in notebook.cells]
    mark = gate.mark(name)
    own = [each for each in ids if re.fullmatch(rf"{mark}-\d\d", each)]
    return len(own) < len(ids) and own == [f"{mark}-{number:02d}" for number in range(len(own))]
