"""Break copies of this project in every way of bench/mutants.yml, and see that a test named there notices each.

Run by `make mutants`; writes docs/mutants.md. The changes of bench/harmless.yml are made too, and no test may fail for
them. Tests run in forks of this process, which holds the libraries, each in a copy of its own.
``make mutants ONLY=frontier`` takes only the entries that speak of it, and writes nothing.
"""

import compileall
import contextlib
import hashlib
import importlib
import json
import os
import py_compile
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "bench"
SEED = 20250127
WORKERS = 2
MOST_SECONDS = 600
LEAST_CAUGHT = 0.95
# of a mutant that does not run, which would be noticed by anything
CRASHES = {"SyntaxError", "IndentationError", "ImportError", "ModuleNotFoundError", "NameError", "UnboundLocalError"}
CRASHES |= {"AttributeError", "TypeError", "IndexError", "KeyError"}
MUTANT, HARMLESS = "mutant", "harmless"


@dataclass(frozen=True)
class Change:
    """A change of the project as it is declared.

    Parameters
    ----------
    sort : str
        ``mutant`` or ``harmless``.
    name, why : str
        What is changed; how it comes about, or why it is no error.
    tests : tuple of str
        Ids for pytest: tests that are to notice, or files of which none may fail.
    kind, file, refused : str
        Part of the project; file below its root; words with which the data are refused. Empty where there are none.
    old, new : str
        Text that stands once in the file, and what it becomes.
    swap : tuple of str
        Two texts of the file that change places.
    strip, crlf, hash : bool
        Whether outputs are taken out, line ends become those of Windows, the ledger is told the new hash.
    environment : dict
        Variables of the process that runs the tests.
    """

    sort: str
    name: str
    why: str
    tests: tuple = ()
    kind: str = ""
    file: str = ""
    refused: str = ""
    old: str = ""
    new: str = ""
    swap: tuple = ()
    strip: bool = False
    crlf: bool = False
    hash: bool = False
    environment: dict = field(default_factory=dict)

    def applied(self, text: str) -> str:
        """Make the change in the text of its file.

        Raises
        ------
        ValueError
            If a text does not stand there exactly once, or nothing changes.
        """
        for part in filter(None, (self.old, *self.swap)):
            if text.count(part) != 1:
                times = f"{text.count(part)} times, not once"
                raise ValueError(f"{self.name}: {self.file} holds {part[:60]!r} {times}; mend the entry in bench")
        changed = text.replace(self.old, self.new) if self.old else text
        if self.swap:
            one, other = self.swap
            changed = changed.replace(one, "\0").replace(other, one).replace("\0", other)
        if self.strip:
            notebook = json.loads(changed)
            for cell in notebook["cells"]:
                cell.update({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {})
            changed = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        changed = changed.replace("\n", "\r\n") if self.crlf else changed
        if self.file and changed == text:
            raise ValueError(f"{self.name}: changes nothing in {self.file}; mend the entry in bench")
        return changed


def changes() -> list[Change]:
    """Read the declared changes, mutants first.

    Raises
    ------
    TypeError
        If an entry has a field that there is not.
    """
    found = []
    for sort, file in ((MUTANT, "mutants.yml"), (HARMLESS, "harmless.yml")):
        for entry in yaml.safe_load((HERE / file).read_text(encoding="utf-8")):
            entry["why"] = entry.pop("life", None) or entry["why"]
            entry["tests"] = tuple(_id(test) for test in entry.get("tests", ()))
            found.append(Change(sort, **entry | {"swap": tuple(entry.get("swap", ()))}))
    return found


def _id(test):
    """Spell out ``returns::a_sentence`` as pytest names it."""
    module, _, sentence = test.partition("::")
    return f"tests/test_{module}.py::test_{sentence}" if sentence else test


def break_copy(change: Change, root: Path) -> None:
    """Make a change in a copy of the project, and in no file that is linked to it."""
    if not change.file:
        return
    file = root / change.file
    before = file.read_bytes()
    after = change.applied(before.decode("utf-8")).encode("utf-8")
    _rewrite(file, after)
    if change.hash:
        ledger = root / "data" / "sources.csv"
        text, stated = ledger.read_text(encoding="utf-8"), hashlib.sha256(before).hexdigest()
        if text.count(stated) != 1:
            raise ValueError(f"{change.name}: data/sources.csv does not state the hash of {change.file}")
        _rewrite(ledger, text.replace(stated, hashlib.sha256(after).hexdigest()).encode("utf-8"))


def _rewrite(file, content):
    file.unlink()
    file.write_bytes(content)


# running tests


class Recorder:
    """Plugin of pytest that remembers what passed and what went wrong, and how."""

    def __init__(self):
        self.told = {"passed": [], "failed": [], "refused": ""}

    def pytest_runtest_makereport(self, item, call):
        """Remember why a test failed: its id, the kind of error, what it said."""
        import pytest

        if call.excinfo and not call.excinfo.errisinstance((pytest.skip.Exception, pytest.xfail.Exception)):
            words = (str(call.excinfo.value).strip() or call.excinfo.typename).splitlines()[0]
            self.told["failed"].append([item.nodeid, call.excinfo.typename, words])

    def pytest_runtest_logreport(self, report):
        """Remember a test that passed."""
        if report.when == "call" and report.passed:
            self.told["passed"].append(report.nodeid)

    def pytest_collectreport(self, report):
        """Remember a file that could not be read."""
        if report.failed:
            self.told["failed"].append([report.nodeid, "ImportError", str(report.longrepr).splitlines()[-1]])

    def pytest_internalerror(self, excinfo):
        """Remember that the suite did not begin."""
        self.told["refused"] = f"{excinfo.typename}: {excinfo.value}"


def run_tests(root: Path, tests: list[str], stop: bool, answer: Path) -> int:
    """Run tests of a copy in this process, which is good for nothing else afterwards; write what came of them."""
    os.chdir(root)
    os.environ |= {"PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONNOUSERSITE": "1"}
    sys.dont_write_bytecode = True
    own = {str(HERE), str(ROOT / "src")}
    sys.path[:] = [str(root / "src"), *(place for place in sys.path if place not in own)]
    for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
        del sys.modules[name]
    import pytest

    recorder = Recorder()
    options = ["-q", "-p", "no:xdist", "--tb=short", f"--basetemp={root.parent / 'temporary'}"]
    code = pytest.main([*options, *(["-x"] if stop else []), *tests], plugins=[recorder])
    answer.write_text(json.dumps(recorder.told), encoding="utf-8")
    return int(code)


@dataclass
class Job:
    """Tests to be run in a copy of its own: of a change, or of the project as it is."""

    tests: list
    change: Change | None = None

    @property
    def is_mutant(self) -> bool:
        """Whether it ends with the first test that fails."""
        return self.change is not None and self.change.sort == MUTANT


class Copies:
    """Copies of the project as it stands here, committed or not, without what is built but the data.

    Parameters
    ----------
    scratch : Path
        Folder that holds them.
    """

    def __init__(self, scratch: Path):
        self.scratch, self.whole, self._count = scratch, scratch / "whole", 0
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit("error: mutants are made of what git lists, and this is not a git checkout: clone the repository")
        names = done.stdout.split("\0")
        names += [str(file.relative_to(ROOT)) for file in (ROOT / "data" / "processed").glob("*")]
        for name in sorted({name for name in names if name and (ROOT / name).is_file()}):
            (self.whole / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.whole / name)
        # told by content: a change within a second and of equal length would pass for the file it changes
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(self.whole / "src", quiet=2, invalidation_mode=mode)
        for words in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *words], cwd=self.whole, check=True, capture_output=True)

    def new(self) -> Path:
        """Make one more copy; its files are links."""
        self._count += 1
        root = self.scratch / f"{self._count}" / "project"
        shutil.copytree(self.whole, root, copy_function=os.link)
        return root


def carry_out(jobs: list[Job], copies: Copies) -> Iterator[tuple[Job, dict | None, float]]:
    """Run jobs side by side; give each with what its tests told, None where they told nothing, and its seconds."""
    waiting, running = list(jobs), {}
    try:
        while waiting or running:
            while waiting and len(running) < WORKERS:
                job, root = waiting.pop(0), copies.new()
                if job.change:
                    break_copy(job.change, root)
                running[_forked(job, root)] = (job, root, time.monotonic())
            pid, _ = os.waitpid(-1, os.WNOHANG)
            for slow, (_, _, begun) in running.items():
                if time.monotonic() - begun > MOST_SECONDS:
                    _end(slow)
            if not pid:
                time.sleep(0.02)
                continue
            job, root, begun = running.pop(pid)
            # whatever the tests left running
            _end(pid)
            answer = root.parent / "answer.json"
            told = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else None
            if told is None:
                print((root.parent / "said.txt").read_text(encoding="utf-8", errors="replace")[-800:], file=sys.stderr)
            shutil.rmtree(root.parent, ignore_errors=True)
            yield job, told, time.monotonic() - begun
    finally:
        for pid in running:
            _end(pid)


def _end(group):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _forked(job, root):
    """Start the tests of a job in a fork, or in a new process where it wants other variables."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(root.parent / "said.txt", os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        arguments = (root, job.tests, job.is_mutant, root.parent / "answer.json")
        wanted = job.change.environment if job.change else {}
        if wanted:
            (root / wanted.get("TMPDIR", ".")).mkdir(exist_ok=True)
            words = [sys.executable, __file__, "tests", *map(str, (root, int(arguments[2]), arguments[3])), *job.tests]
            os.chdir(root)
            os.execve(sys.executable, words, os.environ | {"PYTHONPATH": str(root / "src")} | wanted)
        code = run_tests(*arguments)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


# what came of it


def belongs(nodeid: str, test: str) -> bool:
    """Tell whether what ran is a case of a named test, or a cell of a named notebook."""
    return nodeid == test or nodeid.startswith((f"{test}[", f"{test}::"))


def noticed(change: Change, told: dict | None) -> str:
    """Name the test that noticed a mutant, by an assertion or a refusal; empty where none did."""
    if told is None:
        return ""
    if change.refused:
        return "the data are refused" if change.refused in told["refused"] else ""
    for nodeid, kind, _ in told["failed"]:
        if kind not in CRASHES and any(belongs(nodeid, test) for test in change.tests):
            return nodeid
    return ""


def how_it_went(change: Change, told: dict | None) -> str:
    """Say in a line why a mutant was not noticed, or a harmless change was."""
    if told is None:
        return "the tests gave no answer in time"
    if told["failed"]:
        nodeid, kind, words = told["failed"][0]
        return f"{kind} in {nodeid}: {words[:120]}"
    return told["refused"].splitlines()[0][:160] if told["refused"] else f"{len(told['passed'])} tests passed"


def page(outcomes: list[tuple[Change, str, str]], seconds: float, machine: str) -> list[str]:
    """Tell what came of all changes in Markdown.

    Parameters
    ----------
    outcomes : list of tuple
        For each change what noticed it (empty where nothing did) and how it went, in words.
    seconds : float
        How long all took.
    machine : str
        On what.
    """
    mutants = [each for each in outcomes if each[0].sort == MUTANT]
    harmless = [each for each in outcomes if each[0].sort == HARMLESS]
    caught = [each for each in mutants if each[1]]
    alarms = sum(bool(by) for _, by, _ in harmless)
    lines = [
        "# Mutants",
        "",
        f"Written by `make mutants` in {seconds / 60:.0f} minutes: {machine}, {date.today():%Y-%m-%d}. Each row is an "
        "error that this project might hold. It was made in a copy, and the tests that are named beforehand in "
        "bench/mutants.yml were run there: the error counts as caught when one of them, which passes on the unbroken "
        "copy, fails by an assertion or a refusal and not by a crash.",
        "",
        f"**{len(caught)} of {len(mutants)} errors were caught; {alarms} of {len(harmless)} harmless changes raised a "
        "false alarm.**",
        "",
    ]
    counts, held = (Counter(change.kind for change, *_ in some) for some in (mutants, caught))
    lines += _table(["part", "errors", "caught"], [(kind, counts[kind], held[kind]) for kind in counts])
    lines += ["", "## Survivors", ""]
    lines += [f"- {change.name} ({change.file}): {words}" for change, by, words in mutants if not by] or ["None."]
    lines += ["", "## Caught", ""]
    rows = [(change.name, change.why, change.file, by) for change, by, _ in caught]
    lines += _table(["error", "as in life", "file", "caught by"], rows)
    lines += ["", "## Harmless changes", ""]
    rows = [
        (
            change.name,
            change.why,
            change.file or " ".join(f"{name}={value}" for name, value in change.environment.items()),
            ", ".join(Path(test).name for test in change.tests),
            f"ALARM: {words}" if by else words,
        )
        for change, by, words in harmless
    ]
    return lines + _table(["change", "why it is none", "where", "tests", "outcome"], rows)


def _table(head, rows):
    body = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    return [f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body]]


def main() -> int:
    """Carry out all changes and write docs/mutants.md; 1 where too many survive or a harmless one is noticed."""
    from bench import machine

    from helpers import data, kernels

    begun, only = time.monotonic(), os.environ.get("ONLY", "")
    wanted = [change for change in changes() if only in f"{change.name} {change.kind} {change.file} {change.tests}"]
    if not wanted:
        print(f"error: ONLY: no entry of bench/mutants.yml or bench/harmless.yml speaks of {only!r}", file=sys.stderr)
        return 2
    data.build()
    kernels.warm_up()
    for library in ("pytest", "yaml", "openpyxl", "requests", "nbformat", "jinja2", "xlsxwriter"):
        importlib.import_module(library)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        copies = Copies(Path(scratch))
        broken = unfit(wanted, copies)
        for test, words in broken.items():
            print(f"error: {test} does not pass on the unbroken copy: {words}", file=sys.stderr)
        found, jobs = {}, []
        for change in wanted:
            tests = [test for test in change.tests if test not in broken]
            if tests or change.refused:
                jobs.append(Job(tests, change))
            else:
                found[change.name] = ("", "no named test passes on the unbroken copy")
        random.Random(SEED).shuffle(jobs)
        # the longest first, else they are waited for at the end
        jobs.sort(key=lambda job: job.is_mutant)
        for place, (job, told, seconds) in enumerate(carry_out(jobs, copies), start=1):
            *found[job.change.name], line = judged(job.change, told)
            print(f"{place:4} of {len(jobs)}  {seconds:5.1f} s  {line}", flush=True)
    outcomes = [(change, *found[change.name]) for change in wanted]
    lines = page(outcomes, time.monotonic() - begun, machine())
    print(*lines[4:], sep="\n")
    if not only:
        (ROOT / "docs" / "mutants.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    mutants = [by for change, by, _ in outcomes if change.sort == MUTANT]
    alarms = [by for change, by, _ in outcomes if change.sort == HARMLESS and by]
    return int(bool(broken or alarms) or sum(map(bool, mutants)) < LEAST_CAUGHT * len(mutants))


def judged(change: Change, told: dict | None) -> tuple[str, str, str]:
    """Give what noticed a change (empty where nothing did), how that went, and a line to print."""
    words = how_it_went(change, told)
    if change.sort == MUTANT:
        by = noticed(change, told)
        return by, words, f"caught    {change.name}" if by else f"SURVIVED  {change.name}: {words}"
    quiet = told is not None and not told["failed"] and not told["refused"] and told["passed"]
    return "" if quiet else "a test", words, f"{'no alarm ' if quiet else 'ALARM    '} {change.name}: {words}"


def unfit(wanted: list[Change], copies: Copies) -> dict[str, str]:
    """Run every test that is to notice a mutant on the unbroken copy; give those that do not pass there, and why."""
    files = {}
    for test in sorted({test for change in wanted if change.sort == MUTANT for test in change.tests}):
        files.setdefault(test.partition("::")[0], []).append(test)
    wrong = {}
    for job, told, seconds in carry_out([Job(tests) for tests in files.values()], copies):
        for test in job.tests:
            fault = fault_of(test, told)
            wrong |= {test: fault} if fault else {}
        print(f"unbroken    {seconds:5.1f} s  {job.tests[0].partition('::')[0]}", flush=True)
    return wrong


def fault_of(test: str, told: dict | None) -> str:
    """Say why a named test did not pass wholly; empty where it did."""
    if told is None or told["refused"]:
        return "the tests gave no answer" if told is None else told["refused"].splitlines()[0]
    failed = [words for nodeid, _, words in told["failed"] if belongs(nodeid, test)]
    ran = any(belongs(nodeid, test) for nodeid in told["passed"])
    return failed[0] if failed else "" if ran else "did not run"


if __name__ == "__main__":
    if sys.argv[1:2] == ["tests"]:
        root, stop, answer, *tests = sys.argv[2:]
        sys.exit(run_tests(Path(root), tests, stop == "1", Path(answer)))
    from helpers import environment

    if any(os.environ.get(name) != value for name, value in environment.VARIABLES.items()):
        # what every kernel has, and this process forks
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | environment.VARIABLES)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; docs/mutants.md stays as it was")
