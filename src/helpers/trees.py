"""Trees: the project as it stands at a commit, or with parts of another, laid out and run in a folder of its own.

What a number follows from has three parts: the data (``data``), the code (notebooks and helpers) and the environment
(``requirements.lock``). A tree takes each of them from one commit, or from the working tree.
"""

import contextlib
import difflib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from helpers import environment, paths

DATA, CODE, ENVIRONMENT = "data", "code", "environment"
PARTS = (DATA, CODE, ENVIRONMENT)
WORKING = "."
LOCK = "requirements.lock"
# numbers follow from these
_FOLLOWS = {DATA: ["data"], CODE: ["notebooks", "src"], ENVIRONMENT: [LOCK]}
# what else a commit holds goes with its code
_TAKEN = _FOLLOWS | {CODE: [".", ":(exclude)data", f":(exclude){LOCK}"]}
_SECONDS_TO_END = 10
# parquet, which keeps the types from one version of pandas to another; every commit that can be run has `data.load`
_READ = """
import sys
from helpers import data
for table in data.sources().index:
    data.load(table, sys.argv[1]).to_parquet(f"{sys.argv[2]}/{table}.parquet", index=False)
"""


class TreeError(ValueError):
    """A state of the project that is not there, or cannot be run."""


@dataclass(frozen=True)
class State:
    """A state of the project.

    Parameters
    ----------
    wish : str
        As it was asked for, such as ``HEAD~3``; ``.`` for the working tree.
    commit : str
        Its full hash; empty for the working tree.
    """

    wish: str
    commit: str

    @property
    def name(self) -> str:
        """Short name for files."""
        return self.commit[:10] or "working-tree"

    def __str__(self):
        short = self.commit[:10]
        return (
            "the working tree"
            if not short
            else short
            if self.commit.startswith(self.wish)
            else self.wish + f" ({short})"
        )


def state(wish: str) -> State:
    """Find a state of the project: a commit by any name that git knows, or ``.`` for the working tree.

    Raises
    ------
    TreeError
        If this is no git checkout, there is no such commit, or it is from before ``helpers.run``.
    """
    if shutil.which("git") is None:
        raise TreeError("comparing commits needs git, which is not installed")
    inside = _git("rev-parse", "--is-inside-work-tree")
    if inside.returncode:
        raise TreeError("comparing commits needs a git checkout, which this folder is not: clone the repository")
    if wish == WORKING:
        return State(wish, "")
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{wish}^{{commit}}")
    commit = found.stdout.decode().strip()
    if found.returncode or not commit:
        known = _git("for-each-ref", "--format=%(refname:short)").stdout.decode().split()
        near = difflib.get_close_matches(wish, ["HEAD", *known], n=1)
        raise TreeError(
            f"no commit {wish!r}; {f'did you mean {near[0]}?' if near else '`git log --oneline` lists them'}"
        )
    if _git("cat-file", "-e", f"{commit}:./src/helpers/run.py").returncode:
        raise TreeError(f"{wish} ({commit[:10]}) cannot be run: it is from before src/helpers/run.py")
    return State(wish, commit)


def differing(a: State, b: State) -> list[str]:
    """Name the parts, in the order of ``PARTS``, in which two states differ."""
    return [part for part in PARTS if _differ(a, b, _FOLLOWS[part])]


def lay(folder: Path, parts: dict[str, State]) -> Path:
    """Lay out a tree, with each part from the state that is given for it.

    Its kept runs are the repository's: a run is known by content, so what was executed here before is not again.

    Parameters
    ----------
    folder : Path
        A new folder.
    parts : dict of str to State
        State of each of ``PARTS``.

    Raises
    ------
    TreeError
        If a state lacks a part.
    """
    folder.mkdir(parents=True)
    for part, source in parts.items():
        if source.commit:
            _unpack(source, _TAKEN[part], folder)
        else:
            _copy(_TAKEN[part], folder)
    if paths.PROCESSED.is_dir():
        shutil.copytree(paths.PROCESSED, folder / "data" / "processed", dirs_exist_ok=True)
    kept = paths.REPORT / ".runs"
    kept.mkdir(parents=True, exist_ok=True)
    (folder / "report").mkdir(exist_ok=True)
    with contextlib.suppress(OSError):  # a system without links executes all
        (folder / "report" / ".runs").symlink_to(kept.resolve(), target_is_directory=True)
    return folder


def interpreter(side: State, folder: Path) -> Path:
    """Find the Python of a state's lock: this one where the lock is the repository's, else a new environment's.

    Parameters
    ----------
    side : State
    folder : Path
        Where to make the environment; it need not exist.

    Raises
    ------
    TreeError
        If the environment cannot be made, as without a network.
    """
    if not _differ(side, State(WORKING, ""), [LOCK]):
        return Path(sys.executable)
    # beside the environment, whose folder is made anew
    place = folder.with_name(f"{folder.name}-lock")
    place.mkdir(parents=True)
    _unpack(side, [LOCK], place)
    try:
        environment.build(folder, place / LOCK)
    except SystemExit:
        raise TreeError(f"the packages of the lock of {side} cannot be installed here, as happens offline") from None
    return environment.executable(folder)


def run(tree: Path, python: Path, as_of: str, options: list[str]) -> tuple[Path | None, str]:
    """Build an edition in a tree, with the tree's own code.

    Parameters
    ----------
    tree, python : Path
        As `lay` and `interpreter` give.
    as_of : str
        Edition.
    options : list of str
        More of ``helpers.run report``, such as ``--force=1``.

    Returns
    -------
    Path or None
        Folder of the edition; None where it could not be built.
    str
        What the run said of it, or why it could not be built, in one line.
    """
    code, lines = _output(tree, python, "-m", "helpers.run", "report", f"--as-of={as_of}", *options)
    edition = tree / "report" / as_of
    if code == 0 and (edition / "results.json").is_file():
        return edition, next((line for line in lines if line.startswith("Executed")), "built")
    return None, _fault(lines, code, tree)


def rows(tree: Path, python: Path, as_of: str) -> dict[str, pd.DataFrame]:
    """Read every table of a tree as of a day, with the tree's own code: its rules decide what was known.

    Parameters
    ----------
    tree, python : Path
        As `lay` and `interpreter` give.
    as_of : str
        Edition.

    Returns
    -------
    dict of str to DataFrame
        Rows of each table, in the types of the tree.

    Raises
    ------
    TreeError
        If the tables cannot be read.
    """
    folder = tree / "rows"
    folder.mkdir()
    code, lines = _output(tree, python, "-c", _READ, as_of, str(folder))
    if code:
        raise TreeError(f"its tables cannot be read: {_fault(lines, code, tree)}")
    return {file.stem: pd.read_parquet(file) for file in sorted(folder.glob("*.parquet"))}


def _output(tree, python, *words):
    """Run Python with the code of a tree; give its exit code and the lines that it printed."""
    known = {name: value for name, value in os.environ.items() if name != paths.PLACE_VARIABLE}
    known |= environment.VARIABLES | {"PYTHONPATH": str(tree / "src"), "PYTHONNOUSERSITE": "1"}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    with subprocess.Popen([str(python), *words], cwd=tree, env=known, **streams) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            # it has kernels of its own to end
            process.terminate()
            try:
                process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return process.returncode, said.decode(errors="replace").splitlines()


def _fault(lines, code, tree):
    """Give the line that tells what went wrong; with the one after it, where it leads over to that."""
    # neither the tree nor the run that it kept aside will be there to be read
    lines = [
        re.sub(r" \(read [^()]*\)$", "", line.strip().replace(f"{tree}{os.sep}", "")) for line in lines if line.strip()
    ]
    for place, line in enumerate(lines):
        if line.startswith("error: "):
            more = lines[place + 1 : place + 2] if line.endswith(":") else []
            return " ".join([line.removeprefix("error: "), *more])
    return lines[-1] if lines else f"ended with code {code}"


def _differ(a, b, names):
    if a.commit == b.commit:
        return False
    if a.commit and b.commit:
        found = _git("diff", "--quiet", "--no-ext-diff", a.commit, b.commit, "--", *names)
    else:
        found = _git("diff", "--quiet", "--no-ext-diff", a.commit or b.commit, "--", *names)
        if _git("ls-files", "--others", "--exclude-standard", "--", *names).stdout:
            return True
    if found.returncode not in (0, 1):
        raise TreeError(f"git diff: {found.stderr.decode(errors='replace').strip()}")
    return found.returncode == 1


def _unpack(source, names, folder):
    packed = _git("archive", "--format=tar", source.commit, "--", *names)
    if packed.returncode:
        raise TreeError(f"{source} cannot be run: {packed.stderr.decode(errors='replace').strip().splitlines()[-1]}")
    # older versions of 3.11 know no filter
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, **safe)


def _copy(names, folder):
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *names).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (paths.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths.ROOT / name, folder / name)


def _git(*words):
    return subprocess.run(["git", *words], cwd=paths.ROOT, capture_output=True, check=False)
