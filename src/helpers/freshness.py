"""Whether a report is as it was built and all that it follows from too, told by content. Standard library only.

This is all that `make report` loads when nothing changed, so it is kept small: a tenth of a second is the limit.
"""

from __future__ import annotations  # older Pythons get as far as being told that they are too old

import hashlib
import json
import os
import sys
from pathlib import Path

from helpers import paths

# folders of the data that no report follows from by themselves
BUILT = ("processed", "archive")
# files of the top folder that become pages of the report, or that these may link
BESIDE_DOCS = ("*.md", "CITATION.cff", "LICENSE", "Makefile", "environment.yml", "pyproject.toml")


def remember(wish: str, built: list[Path], words: list[str]) -> None:
    """Remember that a report was built: from what, what lies there now, and what was said.

    Parameters
    ----------
    wish : str
        As-of date that was asked for, or empty for both editions.
    built : list of Path
        Files and folders that make up the report.
    words : list of str
        Lines to be said again when nothing changed.
    """
    state = {"inputs": inputs(), "outputs": _outputs(built), "built": [str(path) for path in built], "words": words}
    draft = _memory(wish).with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(state), encoding="utf-8")
    draft.replace(_memory(wish))


def fresh(wish: str) -> list[str] | None:
    """Give the lines to say when a report is as it was built and all that it follows from too, else None."""
    try:
        state = json.loads(_memory(wish).read_text(encoding="utf-8"))
        if state["inputs"] == inputs() and state["outputs"] == _outputs([Path(path) for path in state["built"]]):
            return state["words"]
    except (OSError, ValueError, KeyError):
        pass
    return None


def printed(wish: str) -> str:
    """Name the wish for a report with its PDFs, which is remembered apart: a report may be fresh without them."""
    return f"pdf-{wish or 'both'}"


def forget() -> None:
    """Forget what was built: the next report looks at every run."""
    for state in paths.REPORT.glob(".built-*.json"):
        state.unlink(missing_ok=True)


def inputs() -> dict[str, str]:
    """Hash every file that any part of a report may follow from, by path."""
    places = [paths.NOTEBOOKS, paths.ROOT / "src" / "helpers", paths.DATA, paths.ROOT / "sweeps", paths.ROOT / "docs"]
    files = [paths.ROOT / "requirements.lock", paths.ROOT / "references.bib", *paths.REPORT.glob("sweeps/*/runs.csv")]
    files += paths.REPORT.glob("compare/*/compare.json")
    # what the docs are made of and show, as far as it is there
    files += [file for name in BESIDE_DOCS for file in paths.ROOT.glob(name)]
    for place in places:
        for folder, below, names in os.walk(place):
            below[:] = [name for name in below if not name.startswith((".", "__")) and name not in BUILT]
            files += [Path(folder, name) for name in names if not name.startswith(".")]
    return {str(file): digest(file) for file in sorted(files)} | {
        "python": python(),
        "own data": paths.own() is not None,
    }


def _outputs(built):
    """Size and time of every built file: an edited or lost one is noticed, at the cost of a look."""
    looked = [
        look for place in map(Path, built) for look in (_looks(place) if place.is_dir() else [(place, place.stat())])
    ]
    return {str(file): [status.st_size, status.st_mtime_ns] for file, status in looked}


def _looks(folder):
    # without an object for each path, which would cost more than the look
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _looks(entry.path)
        else:
            yield entry.path, entry.stat()


def _memory(wish):
    return paths.REPORT / f".built-{wish or 'both'}.json"


def digest(path: Path) -> str:
    """Hash the content of a file (sha256), or of all files of a folder with their names."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
        return hashed([(str(file.relative_to(path)), digest(file)) for file in files])
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hashed(content) -> str:
    """Hash what can be written as JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def python() -> str:
    """Version of the environment's Python, told without starting it."""
    configuration = paths.ROOT / ".venv" / "pyvenv.cfg"
    if not configuration.is_file():
        return f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    lines = [line.partition("=") for line in configuration.read_text(encoding="utf-8").splitlines()]
    found = {name.strip(): value.strip() for name, _, value in lines}
    return found.get("version_info", found.get("version", "")).partition(".final")[0]
