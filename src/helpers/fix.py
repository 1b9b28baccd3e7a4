"""What can be repaired in a stored notebook without judgement: traces of editors, ids of cells that were put in.

Never touched: prose, code but for its layout, parameters, outputs. `helpers.run` stores outputs, by executing.
"""

import copy
import re
import subprocess
import sys

import nbformat

from helpers import check, gate, parameters, paths
from helpers.execution import cleaned

EXPLORE = "explore"
# a widget is nothing without the kernel that drew it; what it showed stands beside it
_VIEW = "application/vnd.jupyter.widget-view+json"


def style() -> list[str]:
    """Have ruff repair what is safe to repair, and lay out code in the house format; say of what."""
    before = {words for words, safe in check.style() if safe}
    for words in (["check", "--fix"], ["format"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--quiet", "."]
        subprocess.run(command, cwd=paths.ROOT, capture_output=True, check=False)
    left = {words for words, _ in check.style()} if before else set()
    return [words.removesuffix(f"; {check.FIX}") for words in sorted(before - left)]


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


def _metadata(notebook):
    return [cell.metadata for cell in notebook.cells]


def _put_in(name, notebook):
    """Whether cells were put in and nothing else was done: those with an id of the house are whole and in order."""
    ids = [cell.get("id") or "" for cell in notebook.cells]
    mark = gate.mark(name)
    own = [each for each in ids if re.fullmatch(rf"{mark}-\d\d", each)]
    return len(own) < len(ids) and own == [f"{mark}-{number:02d}" for number in range(len(own))]
