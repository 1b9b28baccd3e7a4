"""Whether a report is as it was built and all that it follows from too, told by content. Standard library only.

This is all that `make report` loads when nothing changed, so it is kept small: a tenth of a second is the limit. What
is published is sealed: a file whose size and times are those of the seal is whole, of any other the content tells.
"""

from __future__ import annotations  # older Pythons get as far as being told that they are too old

import contextlib
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
        Files and folders that make up the report. An edition is held to its seal, where it has one.
    words : list of str
        Lines to be said again when nothing changed.
    """
    sealed = {str(path): (_read(_seal(path.name)) or seal(path)) for path in built}
    _write(_memory(wish), {"inputs": inputs(), "sealed": sealed, "words": words})


def fresh(wish: str) -> list[str] | None:
    """Give the lines to say when a report is as it was built and all that it follows from too, else None."""
    try:
        state = _read(_memory(wish))
        looks = {path: dict(one) for path, one in state["sealed"].items()}
        same = state["inputs"] == inputs() and all(whole(Path(path), one) for path, one in state["sealed"].items())
        if same and looks != state["sealed"]:
            with contextlib.suppress(OSError):  # it is as fresh where nothing can be written
                _write(_memory(wish), state)
        return state["words"] if same else None
    except (OSError, LookupError, TypeError):  # torn, of an older form, or its inputs are being changed
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
    # what is said of a report follows from it
    files += paths.ROOT.glob("tests/recorded.csv")
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


def seal(place: Path) -> dict[str, list]:
    """Tell size, times and content of a file, or of every file of a folder, by its name there."""
    looks = _looked(place)
    return {name: [*_status(status), digest(Path(f"{place}{name}"))] for name, status in looks.items()}


def whole(place: Path, sealed: dict[str, list]) -> bool:
    """Tell whether a file or a folder is as it was when it was sealed: no file lost, added or changed.

    A file that looks otherwise but holds the same gets its new looks into the seal: they tell sooner than its content.
    """
    try:
        looks = _looked(place)
        if looks.keys() != sealed.keys():
            return False
        for name, status in looks.items():
            *before, content = sealed[name]
            # touched, copied or linked once more is not changed
            if _status(status) != before:
                if digest(Path(f"{place}{name}")) != content:
                    return False
                sealed[name] = [*_status(status), content]
    except (OSError, ValueError):
        return False
    return True


def keep_seal(as_of: str, sealed: dict[str, list]) -> None:
    """Keep the seal of an edition that was published."""
    _write(_seal(as_of), sealed)


def damaged() -> dict[str, dict]:
    """Give the seals of the editions that are there but not whole, by day; an edition taken away loses its seal."""
    found = {}
    for file in sorted(paths.REPORT.glob(".sealed-*.json")):
        as_of, sealed = file.stem.removeprefix(".sealed-"), _read(file)
        if not (paths.REPORT / as_of).is_dir():
            file.unlink(missing_ok=True)
        elif sealed and not whole(paths.REPORT / as_of, sealed):
            found[as_of] = sealed
    return found


def _status(status):
    # the time of the last change of a file's status cannot be set, as that of its content can
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _looked(place):
    """Status of a file, under no name, or of every file of a folder, by its path from there with the sign before it."""
    if not place.is_dir():
        return {"": place.stat()}
    return {path[len(str(place)) :]: status for path, status in _looks(str(place))}


def _looks(folder):
    # without an object for each path, which would cost more than the look
    for entry in os.scandir(folder):
        if entry.is_dir():
            yield from _looks(entry.path)
        else:
            yield entry.path, entry.stat()


def _memory(wish):
    return paths.REPORT / f".built-{wish or 'both'}.json"


def _seal(as_of):
    return paths.REPORT / f".sealed-{as_of}.json"


def _read(file):
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _write(file, content):
    draft = file.with_suffix(f".{os.getpid()}.part")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(file)


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
