"""What is missing before a change can be kept, in plain words: a line a finding, with its place and its remedy.

Changes nothing. What follows from looking at files is here; `helpers.run` adds what only a run can tell.
"""

import base64
import io
import json
import subprocess
import sys
from pathlib import Path

import nbformat

from helpers import data, environment, gate, parameters, paths, readme

FIX = gate.Remedy("`make fix` repairs it", gate.Repair.WRITE, "mend it by hand")
FILL_IN = gate.Remedy(
    FIX.text, gate.Repair.WRITE, "`make refresh-outputs` fills them in once the notebooks are in order"
)
# of all pixels, how many another processor's rounding of a line may turn, and by how much of a colour
MOST_TURNED, A_SHADE = 0.001, 0.1
# of a notebook whose every output is old, the first ones tell enough
MOST_CELLS = 3


def findings() -> tuple[list[gate.Finding], bool]:
    """Say what is missing, as far as it can be told without a run.

    Returns
    -------
    list of Finding
        Of the notebooks and their parameters by the gate, of style, of files that are written by commands. Where the
        ledger of the parameters breaks a rule, its faults alone.
    bool
        Whether the notebooks can be executed as they are, and what they give be kept: each can be read, and its
        parameters are those that the claims rest on.
    """
    whole = [*parameters.notebooks(), *parameters.own_cases()]
    try:
        listed = [gate.Finding(fault) for fault in data.unknown_notebooks()]
        examined = {name: gate.examine(notebook_file(name)) for name in whole}
    except data.DataError as error:
        return [gate.Finding(fault) for fault in error.faults], False
    listed += [finding for found in examined.values() for finding in found]
    rules = {name: {each.rule for each in found} for name, found in examined.items()}
    broken = {name for name in whole if rules[name] & {"notebook", "declarations"}}
    if not broken:
        listed += gate.unexamined({name: nbformat.read(notebook_file(name), as_version=4) for name in whole})
    listed += style() + written(whole=not broken)
    return listed, not broken and not any("specification" in each for each in rules.values())


def notebook_file(name: str) -> Path:
    """File of a notebook of the collection."""
    return paths.NOTEBOOKS / f"{name}.ipynb"


def style() -> list[gate.Finding]:
    """Say what ruff finds, in plain words."""
    found = set()
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--output-format=json", "."]
        done = subprocess.run(command, cwd=paths.ROOT, capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            found.add(gate.Finding(f"ruff cannot look at the code: {(done.stderr.strip().splitlines() or [''])[-1]}"))
            continue
        for one in json.loads(done.stdout or "[]"):
            # what a file lacks to the house format is told once, not by its lines
            layout = one["code"] == "unformatted"
            safe = layout or (one["fix"] or {}).get("applicability") == "safe"
            cell = f"cell {one['cell']}, " if one["cell"] else ""
            cell = "" if layout else f"{cell}line {one['location']['row']}"
            message = "is not in the house format" if layout else f"{one['message'].rstrip('.')} ({one['code']})"
            path = str(Path(one["filename"]).relative_to(paths.ROOT.resolve()))
            found.add(gate.Finding(message, path, cell, FIX if safe else gate.Remedy("mend it by hand")))
    return sorted(found, key=str)


def written(whole: bool = True) -> list[gate.Finding]:
    """Name the files in git that a command writes and that are not as it would write them.

    Parameters
    ----------
    whole : bool
        Whether all notebooks can be read; else README, which is filled in from them, is left out.
    """
    listed = []
    page, lock, conda = (paths.ROOT / name for name in ("README.md", "requirements.lock", "environment.yml"))
    if whole and page.is_file():
        try:
            if stale_readme():
                message = "the findings are not those of the stored notebooks"
                listed.append(gate.Finding(message, page.name, "", FILL_IN))
        except (LookupError, ValueError) as error:
            listed.append(gate.Finding(f"README.md cannot be filled in: {error.args[0]}"))
    if conda.is_file() and conda.read_text(encoding="utf-8") != environment.conda(lock.read_text(encoding="utf-8")):
        remedy = gate.Remedy(FIX.text, gate.Repair.WRITE, "`make lock` writes it")
        listed.append(gate.Finding("is not written from requirements.lock as it is", conda.name, "", remedy))
    if _faults("--check"):
        remedy = gate.Remedy(FIX.text, gate.Repair.WRITE, "`make faults` writes it")
        listed.append(gate.Finding("does not name the tests that there are", "docs/faults.md", "", remedy))
    return listed


def stale_readme() -> bool:
    """Tell whether README's findings are other than those of the stored notebooks.

    Raises
    ------
    LookupError, ValueError
        If it cannot be filled in.
    """
    return (paths.ROOT / "README.md").is_file() and not readme.current()


def write() -> None:
    """Write the files in git that follow from others alone: environment.yml and docs/faults.md."""
    conda = paths.ROOT / "environment.yml"
    if conda.is_file():
        conda.write_text(environment.conda((paths.ROOT / "requirements.lock").read_text(encoding="utf-8")), "utf-8")
    _faults()


def _faults(*words):
    """Have the ledger of faults looked at or its page written; whether it was not in order."""
    file = paths.ROOT / "tests" / "faults.py"
    command = [sys.executable, str(file), *words]
    return file.is_file() and subprocess.run(command, capture_output=True, check=False).returncode != 0


def outdated(name: str, stored: nbformat.NotebookNode, executed: nbformat.NotebookNode) -> list[gate.Finding]:
    """Say which cells of a stored notebook show another output than their code now gives.

    Parameters
    ----------
    name : str
        Such as ``01_returns``.
    stored, executed : NotebookNode
        The same cells, as they are stored and as they were executed just now.

    Returns
    -------
    list of Finding
        One a cell, at most `MOST_CELLS` of them and how many more there are; empty when nothing is out of date.
    """
    listed, path = [], f"notebooks/{name}.ipynb"
    for number, (old, new) in enumerate(zip(stored.cells, executed.cells, strict=True), start=1):
        words = _apart(old, new) if new.cell_type == "code" else ""
        if words:
            listed.append(gate.Finding(words, path, gate.cell_name(stored, number), gate.AGAIN))
    more = len(listed) - MOST_CELLS
    rest = [gate.Finding(f"{more} more cells show old outputs", path, "", gate.AGAIN)] if more > 0 else []
    return listed[:MOST_CELLS] + rest


def _apart(old, new):
    """Say how the outputs of a cell differ; nothing when they do not."""
    one, other = _shown(old), _shown(new)
    for (kind, was), (now_kind, now) in zip(one, other, strict=False):
        if kind != now_kind or (was != now and not (kind.startswith("picture") and alike(was, now))):
            if kind == now_kind == "words":
                return "stores “{}” where its code now prints “{}”".format(*_difference(was, now))
            name = (kind if kind == now_kind else now_kind).removeprefix("picture of ")
            return f"{name} is not the one that its code now gives"
    if len(one) != len(other):
        return f"stores {_counted(one)} where its code now gives {_counted(other)}"
    return ""


def _counted(shown):
    return f"{len(shown)} output{'s' * (len(shown) != 1)}" if shown else "no output"


def _shown(cell):
    """Give what a cell shows, each with its kind."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            found.append(("words" if output.name == "stdout" else "stderr", output.text))
        elif output.output_type == "error":
            found.append(("the error", output.ename))
        else:
            exhibit = output.metadata.get("exhibit", {})
            name = f"{exhibit['kind']} “{exhibit['slug']}”" if exhibit else "what it shows"
            content = {kind: value for kind, value in output.data.items() if kind != "image/png"}
            found.append((name, json.dumps(content, sort_keys=True)))
            if "image/png" in output.data:
                found.append((f"picture of {name}", base64.b64decode(output.data["image/png"])))
    return found


def _difference(old, new):
    """First lines that differ between two texts, from a little before where they do."""
    lines = [text.splitlines() for text in (old, new)]
    for one, other in zip(*lines, strict=False):
        if one != other:
            start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
            start = max(0, one.rfind(" ", 0, max(0, start - 20)) + 1)
            return [_cut(text[start:], start) for text in (one, other)]
    # one goes on where the other ends
    shorter = min(map(len, lines))
    return [_cut(rest[shorter], 0) if len(rest) > shorter else "" for rest in lines]


def _cut(text, start):
    return f"{'…' * (start > 0)}{text[:60]}{'…' * (len(text) > 60)}"


def alike(stored: bytes, drawn: bytes) -> bool:
    """Tell whether two PNG pictures show the same; nearly always they are the same bytes."""
    if stored == drawn:
        return True
    # here, for it is hardly ever needed
    import numpy as np
    from matplotlib.image import imread

    one, other = (imread(io.BytesIO(content)) for content in (stored, drawn))
    return one.shape == other.shape and bool((np.abs(one - other).max(axis=-1) > A_SHADE).mean() <= MOST_TURNED)
