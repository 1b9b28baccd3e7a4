"""Make the report: execute what is not fresh, each run in a place of its own, and move in whole what succeeded.

A report is a set of jobs, one a notebook and edition. All notebooks of an edition but the last are leaves and run in
any order; the verdicts follow when the leaves of their edition are done. An edition is published whole, in place of the
last good one, or not at all.
"""

import argparse
import contextlib
import os
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import filelock
import nbformat
from tqdm import tqdm

from helpers import (
    cache,
    check,
    cluster,
    data,
    fix,
    freshness,
    gate,
    kernels,
    paths,
    readme,
    recorded,
    sweep,
    terminal,
    zygote,
)
from helpers.binding import Binding
from helpers.exchange import exchange
from helpers.execution import Fault, Job, first_line
from helpers.parameters import (
    ParameterError,
    accepted,
    check_stored,
    notebooks,
    own_cases,
    parameters,
    undeclared,
    undeclared_sentence,
    wished,
    within_span,
)
from helpers.runs import ProcessError, Runs, Workers
from helpers.zygote import signals_held_back

VERDICTS = "99_verdicts"
# changed results that `make fix` lists, and refresh-outputs too; git shows the rest
LISTED_CHANGES = 20
# as the seal of an edition names it
PDF = "/edition.pdf"
# rule of a finding: a notebook that cannot be executed
EXECUTION = "execution"
# a thread of its own for the bar would keep this process from forking
tqdm.monitor_interval = 0


def run_jobs(
    editions: dict[str, Path],
    settings: dict[str, dict],
    words: str,
    workers: Workers,
    force: bool = False,
    binding: Binding | None = None,
) -> tuple[list[Fault], list[str]]:
    """Have all notebooks of some editions, executing those that are not kept, with a progress bar.

    Parameters
    ----------
    editions : dict of str to Path
        Place of each edition by its as-of date.
    settings : dict of str to dict
        Parameters to set in every notebook, by edition; empty leaves the defaults.
    words : str
        What is being done, for the bar.
    workers : Workers
    force : bool
        Execute all of them.
    binding : Binding, optional
        To be prepared once the first runs are on, and told what has been executed.

    Returns
    -------
    list of Fault
        What went wrong; empty when all went well.
    list of str
        Names of the jobs that had to run.
    """
    leaves = [name for name in notebooks() if name != VERDICTS]
    # the largest are the longest: begun last, one would be waited for alone
    leaves.sort(key=lambda name: -(paths.NOTEBOOKS / f"{name}.ipynb").stat().st_size)
    faults, ran, left = [], [], {as_of: len(leaves) for as_of in editions}
    runs = Runs(workers, force)

    def add(notebook, as_of):
        source = paths.NOTEBOOKS / f"{notebook}.ipynb"
        runs.add(Job(source, as_of, editions[as_of], settings[as_of], kernels=workers.kernels))

    with tqdm(total=len(editions) * (len(leaves) + 1), desc=words, unit="notebook", disable=None) as bar:
        # one edition after the other, so that the first is bound while the next is executed
        for as_of in editions:
            for notebook in leaves:
                add(notebook, as_of)
        if binding:
            binding.prepare()
        for job, fault, executed in runs.outcomes():
            bar.update()
            left[job.as_of] -= 1
            if executed:
                ran.append(job.name)
            if fault:
                faults.append(Fault(job.name, fault, job.as_of, job.notebook))
            if any(each.as_of == job.as_of for each in faults):
                continue
            if left[job.as_of] == 0:
                add(VERDICTS, job.as_of)
                if binding:
                    binding.leaves_done(runs, job.as_of)
            elif binding and job.notebook == VERDICTS:
                binding.whole(runs, job.as_of)
    return faults, ran


def publish(place: Path, target: Path) -> None:
    """Put a finished folder in place of the last good one: in one move, where the system can."""
    if target.exists() and exchange(place, target):
        shutil.rmtree(place, ignore_errors=True)
        return
    # named so that `_sweep` knows where it was
    old = paths.REPORT / f".old-{'~'.join(target.relative_to(paths.REPORT).parts)}-{os.getpid()}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.replace(old)
    place.replace(target)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _sole_run():
    """Let one run at a time change the report; sweep what a killed one left."""
    paths.REPORT.mkdir(exist_ok=True)
    lock = filelock.FileLock(paths.REPORT / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print("Another run is at work on report/; waiting for it ...", flush=True)
        lock.acquire()
    try:
        _sweep()
        yield
    finally:
        # a stop amid what the lock does when it goes would be noise
        with signals_held_back():
            lock.release()
            del lock


def _sweep():
    for old in paths.REPORT.glob(".old-*"):
        name, _, _ = old.name.removeprefix(".old-").rpartition("-")
        target = paths.REPORT.joinpath(*name.split("~"))
        # killed between the two moves of publish: the last good one is the old one
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            old.replace(target)
    for left in [*paths.REPORT.glob(".stage-*"), *paths.REPORT.glob(".old-*")]:
        shutil.rmtree(left, ignore_errors=True)
    drafts = [*paths.REPORT.glob("*.part"), *paths.REPORT.glob("fonts/*.part"), *paths.NOTEBOOKS.glob("*.part")]
    for left in [*drafts, *readme.drafts()]:
        left.unlink(missing_ok=True)


def make_report(as_of: str = "", force: bool = False, wish: str = "", with_pdf: bool = False) -> int:
    """Build the report: both editions, or the one of a date.

    Parameters
    ----------
    as_of : str
        ISO date, or empty for the replication edition and the latest.
    force : bool
        Execute every notebook, whatever is kept.
    wish : {"", "warm", "plain"}
        Kind of kernels.
    with_pdf : bool
        Print each edition built as a PDF too.

    Returns
    -------
    int
        0 when all editions were published, 1 when a notebook failed.

    Raises
    ------
    ParameterError
        If the date is impossible or outside of the data, or a stored parameter is not the declared one.
    helpers.data.DataError
        If the raw data break a rule.
    """
    if as_of:
        try:
            data.parse_day(as_of)
        except ValueError as error:
            raise ParameterError(f"AS_OF: {error}") from None
    check_stored()
    with _sole_run(), _workers(wish, _standing, as_of) as (workers, standing):
        asked, damaged = [as_of] if as_of else standing, freshness.damaged()
        wanted = [*asked, *sorted(set(damaged) - set(asked))]
        stages = {day: paths.REPORT / f".stage-{day}-{os.getpid()}" for day in wanted}
        docs = paths.REPORT / f".stage-docs-{os.getpid()}"
        printed = {day for day in wanted if with_pdf or PDF in damaged.get(day, ())}
        # the two standing editions stay side by side, whatever is built
        to_be_held = [day for day in standing if day in stages or _complete(day)] or wanted
        told_of = {day: stages.get(day, paths.REPORT / day) for day in to_be_held}
        binding = Binding(stages, told_of, docs, printed)
        try:
            shutil.rmtree(paths.REPORT / "failed", ignore_errors=True)
            freshness.forget()
            settings = {day: {"as_of": day} for day in wanted}
            faults, ran = run_jobs(stages, settings, "Building the report", workers, force, binding)
            # here, as in `_diff`: most commands and all first runs need none of its libraries
            from helpers import report

            for day, sealed in sorted(binding.seals.items()):
                publish(stages[day], paths.REPORT / day)
                freshness.keep_seal(day, sealed)
            held = [day for day in standing if _complete(day)] or [day for day in wanted if _complete(day)]
            faults = [*faults, *binding.faults]
            steps = {"list of faults": lambda: _remember_failed(wanted, faults)}
            if held:  # the docs before the landing page, which links them
                steps["docs"] = lambda: binding.publish_docs(publish, held)
                steps["landing page"] = lambda: report.landing_page(paths.REPORT, held)
            for name, step in steps.items():
                try:
                    step()
                except (ValueError, OSError) as error:
                    faults.append(Fault(f"binding the {name}", first_line(error)))
        finally:
            for place in (*stages.values(), docs):
                shutil.rmtree(place, ignore_errors=True)
        if damaged and not faults:
            print(f"Files of a published edition were damaged; built anew: {', '.join(sorted({*damaged} & {*wanted}))}")
        return _told(as_of, asked, held, faults, f"{len(ran)} of {len(wanted) * len(notebooks())}", with_pdf)


def _remember_failed(wanted, faults):
    """Keep what went wrong beside the failed notebooks: the landing page says so until a run succeeds."""
    for day in wanted:
        lines = [str(fault) for fault in sorted(faults) if fault.as_of == day]
        if lines:
            aside = paths.REPORT / "failed" / day
            aside.mkdir(parents=True, exist_ok=True)
            (aside / "faults.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _told(as_of, wanted, held, faults, ran, with_pdf):
    """Say how it went, and remember it if it went well."""
    for fault in sorted(faults):
        print(f"error: {fault}", file=sys.stderr)
    if faults:
        print("The editions that failed were not published; the last good ones stay as they were.", file=sys.stderr)
        return 1
    words = [
        f"The edition is at {(paths.REPORT / day / 'index.html').relative_to(paths.ROOT)}"
        for day in sorted(set(wanted) - set(held))
    ]
    words.append(f"The report is at {(paths.REPORT / 'index.html').relative_to(paths.ROOT)}")
    # with your own data beside the public ones, other numbers are no news
    if not paths.own():
        words += [line for day in sorted(wanted) if (line := recorded.moved(day, paths.REPORT / day))]
    pages = [path for path in paths.REPORT.iterdir() if path.is_file() and not path.name.startswith(".")]
    editions = sorted(file.parent for file in paths.REPORT.glob("????-??-??/results.json"))
    folders = [paths.REPORT / name for name in ("fonts", "docs")]
    built = [*pages, *filter(Path.is_dir, folders), *editions]
    freshness.remember(as_of, built, words)
    if with_pdf:
        from helpers import pdf

        words += [f"A PDF is at {(paths.REPORT / day / pdf.NAME).relative_to(paths.ROOT)}" for day in sorted(wanted)]
        freshness.remember(freshness.printed(as_of), built, words)
    cache.tidy()
    print(f"Executed {ran} notebooks; the others were fresh")
    print(*words, sep="\n")
    return 0


def _standing(as_of):
    """Check and build the data; give the days of the two standing editions."""
    data.build()
    if as_of:
        within_span(as_of)
    return [data.REPLICATION, data.latest()]


@contextlib.contextmanager
def _workers(wish, work, *arguments):
    """Give workers, and what a light piece of work gives that is done while the libraries are loaded."""
    kind = kernels.kind(wish)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # one more, for a run waits a tenth of its time for its kernel and one may use the core meanwhile
    with Workers(kind, cores + 1) as workers:
        if kind == kernels.WARM:
            zygote.begin()
        load = kernels.load if kind == kernels.WARM else kernels.find_fonts
        try:
            yield workers, workers.aside(work, *arguments, meanwhile=load)
        finally:
            zygote.end()


def _complete(as_of):
    return (paths.REPORT / as_of / "results.json").is_file()


def run_one(notebook: str, settings: str, force: bool = False, wish: str = "") -> int:
    """Execute one notebook with other parameters, and put it among the drafts if it succeeds.

    Parameters
    ----------
    notebook : str
        Name of the notebook.
    settings : str
        Such as ``as_of=2025-06-30 draws=1000``.
    force, wish
        As for `make_report`.

    Returns
    -------
    int
        0, or 1 when the notebook failed.
    """
    wishes = wished(settings)
    with _sole_run(), _workers(wish, _accepted, notebook, wishes) as (workers, values):
        as_of = (parameters(notebook) | values)["as_of"]
        drafts = paths.DRAFTS / as_of
        place = paths.REPORT / f".stage-draft-{os.getpid()}"
        if drafts.is_dir():
            # the verdicts read the other drafts
            shutil.copytree(drafts, place, ignore=shutil.ignore_patterns(notebook))
        try:
            runs = Runs(workers, force)
            drawn = os.environ.get(paths.PICTURES_VARIABLE) != "0"
            file = paths.NOTEBOOKS / f"{notebook}.ipynb"
            runs.add(Job(file, as_of, place, values, kernels=workers.kernels, pictures=drawn))
            ((_, fault, executed),) = list(runs.outcomes())
            if fault:
                print(f"error: {notebook}: {fault}", file=sys.stderr)
                return 1
            publish(place / notebook, drafts / notebook)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    how = "Executed into" if executed else "Nothing changed since it was executed:"
    print(f"{how} {(drafts / notebook).relative_to(paths.ROOT)}")
    # the stored ones may be edited too
    if sentence := undeclared_sentence(undeclared(notebook, parameters(notebook) | values)):
        print(f"{sentence}. Its verdicts are not verdicts on the note.")
    return 0


def _accepted(notebook, wishes):
    data.build()
    values = accepted(notebook, wishes)
    if notebook in own_cases():
        # here, for it brings libraries that no other run needs before its kernels
        from helpers import own

        own.check(notebook, parameters(notebook) | values)
    return values


@dataclass(frozen=True)
class Stored:
    """What was stored and recorded.

    Parameters
    ----------
    notebooks, results, editions : int
        How many.
    lost : list of str
        Outputs of a person's that the stored notebooks showed and show no more.
    changes : list of (str, helpers.recorded.Change)
        Results that were recorded otherwise, or not, or are recorded no more, each with its edition.
    """

    notebooks: int
    results: int
    editions: int
    lost: list[str]
    changes: list[tuple[str, recorded.Change]]

    def lines(self) -> list[str]:
        """Name what was lost and what moved, the first `LISTED_CHANGES` of it."""
        lines = [f"Removed an output that is no exhibit: {line}; notebook.figure keeps one" for line in self.lost]
        listed = [f"  {edition}  {change}" for edition, change in self.changes[:LISTED_CHANGES]]
        more = len(self.changes) - len(listed)
        if listed:
            lines += ["Results that moved, as they were recorded -> as they are now:", *listed]
        return lines + [f"  and {more} more"] * (more > 0)


def refresh_outputs(force: bool = False, wish: str = "") -> int:
    """Execute every notebook at its defaults and store it with its outputs, if all succeed; record both editions.

    Raises
    ------
    ParameterError
        If a stored parameter is not the declared one.
    """
    stored = _store(force, wish)
    if not stored:
        return 1
    counts = f"{stored.notebooks} notebooks, recorded {stored.results} results of {stored.editions} editions"
    print(*stored.lines(), f"Stored the outputs of {counts}", sep="\n")
    return 0


def _store(force, wish):
    """Store and record what the notebooks give; None, and a line on stderr, where that cannot be."""
    check_stored()
    with _sole_run(), _workers(wish, _standing, "") as (workers, standing):
        places = {day: paths.REPORT / f".stage-outputs-{day}-{os.getpid()}" for day in standing}
        own = paths.REPORT / f".stage-outputs-own-{os.getpid()}"
        # the stored notebooks are the replication edition, at their defaults
        settings = {day: {} if day == data.REPLICATION else {"as_of": day} for day in standing}
        try:
            faults, _ = run_jobs(places, settings, "Refreshing the stored outputs", workers, force)
            faults = [*faults, *_run_own_cases(own, workers, force)]
            for fault in sorted(faults):
                print(f"error: {fault}", file=sys.stderr)
            if faults:
                return None
            stored = {name: places[data.REPLICATION] for name in notebooks()} | dict.fromkeys(own_cases(), own)
            lost = []
            for notebook, place in stored.items():
                target = paths.NOTEBOOKS / f"{notebook}.ipynb"
                lost += fix.lost_outputs(notebook, *_notebooks(target, place / notebook / "notebook.ipynb"))
                draft = target.with_suffix(f".{os.getpid()}.part")
                # a copy, for the kept run is linked to the same file
                shutil.copyfile(place / notebook / "notebook.ipynb", draft)
                draft.replace(target)
            found = {day: recorded.gathered(place) for day, place in places.items()}
        finally:
            for place in [*places.values(), own]:
                shutil.rmtree(place, ignore_errors=True)
        changes = _changes(found)
        recorded.write(found)
        try:
            readme.write()
        except (LookupError, ValueError) as error:
            print(f"error: the outputs are stored, but README.md could not be filled in: {error}", file=sys.stderr)
            return None
    return Stored(len(stored), sum(map(len, found.values())), len(found), lost, changes)


def _notebooks(*files):
    return [nbformat.read(file, as_version=4) for file in files]


def _changes(found):
    """Compare the records of some editions with the recorded ones, which they replace; each change with its edition."""
    try:
        before = {edition: recorded.read(edition) for edition in recorded.editions()}
    except ValueError:
        # such as a file that two branches have changed: all of it is written anew
        before = {}
    return [
        (edition, change)
        for edition in sorted(found.keys() | before.keys())
        for change in recorded.changes(found.get(edition, []), before.get(edition, []))
    ]


def _run_own_cases(place, workers, force):
    """Have the notebooks for cases of one's own at their defaults, each as of its own day."""
    runs = Runs(workers, force)
    for notebook in own_cases():
        file, as_of = paths.NOTEBOOKS / f"{notebook}.ipynb", parameters(notebook)["as_of"]
        runs.add(Job(file, as_of, place, {}, kernels=workers.kernels))
    return [Fault(job.name, fault, job.as_of, job.notebook) for job, fault, _ in runs.outcomes() if fault]


def check_change(force: bool = False, wish: str = "") -> int:
    """Say what is missing before a change can be kept, a line a finding; change nothing.

    What can be told from the files is said at once; then notebooks that are not kept as they are now are executed.

    Returns
    -------
    int
        0 when all is in order, else 1.
    """
    count = _print_findings(force, wish)
    if count:
        said = f"{count} finding{'s' * (count > 1)}"
        print(f"{said}. `make fix` repairs what needs no judgement; `make test` is the full proof.")
        return 1
    print("All is in order. `make test` is the full proof.")
    return 0


def fix_change(force: bool = False, wish: str = "") -> int:
    """Repair what needs no judgement, storing outputs anew where they are old; then say what is left.

    Where code of the package changed, its tests are run before outputs are stored or results recorded; where one fails
    neither is.

    Returns
    -------
    int
        0 when nothing is left, else 1.
    """
    said, stored = fix.style() + fix.notebooks(), None
    check.write()
    findings, sound = check.findings()
    if sound:
        old = _outdated(force, wish)
        fails = any(finding.rule == EXECUTION for finding in old)
        differs, unrun = (any(each.repair == gate.Repair.EXECUTE for each in listed) for listed in (old, findings))
        if differs and not fails and (failing := _failing_tests()):
            # the remedy is to correct the code, and not to store what it gives
            lines = [f"Repaired: {line}" for line in said] + [str(replace(finding, remedy=None)) for finding in old]
            print(*lines, sep="\n", flush=True)
            print(f"error: tests of what changed fail, so nothing was stored or recorded:\n{failing}", file=sys.stderr)
            return 1
        if (differs or unrun) and not fails:
            stored = _store(False, wish)
        elif any(finding.remedy == check.FILL_IN for finding in findings):
            readme.write()
            said.append("README.md: the findings are filled in anew")
    lines = [f"Repaired: {line}" for line in said] + (stored.lines() if stored else [])
    print(*lines, sep="\n", end="\n" * bool(lines), flush=True)
    count = _print_findings(False, wish, fixed=True)
    if count:
        print(f"{count} finding{'s' * (count > 1)} left.")
    if stored and stored.changes:
        moved = f"{len(stored.changes)} result{'s' * (len(stored.changes) > 1)} that moved"
        print(f"Recorded {moved}; `git diff tests/recorded.csv` shows all. `make test` is the full proof.")
    elif not count:
        print("All is in order. `make test` is the full proof.")
    return 1 if count else 0


def _failing_tests():
    """Run the tests of the changed modules; what pytest says where one fails, and how to see why."""
    files = fix.tests_of_change()
    if not files:
        return ""
    print(f"Testing what changed: {', '.join(files)} ...", flush=True)
    said = fix.run_tests(files)
    return said and f"{said}\n`.venv/bin/python -m pytest {' '.join(files)}` shows why"


def _print_findings(force, wish, fixed=False):
    """Print what is missing, as soon as it is known; give how many findings that are."""
    findings, sound = check.findings()
    print(*(each.line(fixed) for each in findings), sep="\n", end="\n" * bool(findings), flush=True)
    if not sound:
        print("Outputs are compared with their code once the parameters and the form of the notebooks are in order.")
        return len(findings)
    more = _outdated(force, wish)
    print(*(each.line(fixed) for each in more), sep="\n", end="\n" * bool(more))
    return len(findings) + len(more)


def _outdated(force, wish):
    """List what the stored outputs and the recorded results have that the code does not give any more."""
    try:
        days = sorted({data.REPLICATION, *recorded.editions()})
    except ValueError as error:
        return [gate.Finding(str(error))]
    settings = {day: {} if day == data.REPLICATION else {"as_of": day} for day in days}
    places = {day: paths.REPORT / f".stage-check-{day}-{os.getpid()}" for day in days}
    # a place for each kind of stored notebook: those of the edition, those for own cases
    own = paths.REPORT / f".stage-check-own-{os.getpid()}"
    stored = dict.fromkeys(notebooks(), places[data.REPLICATION]) | dict.fromkeys(own_cases(), own)
    with _sole_run():
        try:
            faults, own_faults = [], []
            if not force and _all_kept(places, settings, own):
                data.build()
            else:
                with _workers(wish, data.build) as (workers, _):
                    faults, _ = run_jobs(places, settings, "Executing what is not kept", workers, force)
                    own_faults = _run_own_cases(own, workers, force)
            # what is stored of the collection is the replication edition
            failed = {fault.notebook for fault in faults if fault.as_of == data.REPLICATION}
            failed |= {fault.notebook for fault in own_faults}
            faults = sorted([*faults, *own_faults])
            remedy = gate.Remedy("mend what raises it")
            findings = [gate.Finding(fault.message, fault.part, "", remedy, EXECUTION) for fault in faults]
            for notebook, place in stored.items():
                executed = place / notebook / "notebook.ipynb"
                if notebook not in failed and executed.is_file():
                    pair = _notebooks(check.notebook_file(notebook), executed)
                    findings += check.outdated(notebook, *pair)
            return findings if faults else findings + _moved(places)
        except data.DataError as error:
            return [gate.Finding(fault) for fault in error.faults]
        finally:
            for place in (*places.values(), own):
                shutil.rmtree(place, ignore_errors=True)


def _moved(places):
    """Say of each edition that its results are not the recorded ones."""
    remedy = gate.Remedy(
        "`make fix` lists and records them",
        gate.Repair.EXECUTE,
        "`make refresh-outputs` records them once the rest is in order; a result that moves at every run needs a seed",
    )
    findings = []
    for day, place in places.items():
        try:
            stored = recorded.read(day)
            changes = recorded.changes(recorded.gathered(place), stored) if stored else []
        except (ValueError, LookupError) as error:
            findings.append(gate.Finding(f"Not compared with what is recorded: {error.args[0]}"))
            continue
        if changes:
            message = recorded.summary(day, changes, len(stored))
            findings.append(gate.Finding(message, "tests/recorded.csv", "", remedy))
    return findings


def _all_kept(places, settings, own):
    """Fetch the runs of all stored notebooks; whether every one was kept, so that no kernel is needed."""
    wanted = [(name, settings[day], place) for day, place in places.items() for name in notebooks()]
    wanted += [(name, {}, own) for name in own_cases()]
    return all(cache.fetch(cache.key(cache.parts(name, values, place)), place / name) for name, values, place in wanted)


def _why(notebook, as_of):
    """Say what changed since a notebook of the report was executed."""
    parameters(notebook)
    days = [as_of] if as_of else sorted(path.parent.name for path in paths.REPORT.glob("????-??-??/results.json"))
    if not days:
        print("there is no report yet: run `make report`")
    for day in days:
        print(f"{notebook} as of {day}:", *(f"  {line}" for line in cache.why(notebook, day)), sep="\n")
    return 0


def _grid(file, scheduler, force, wish):
    """Carry out a sweep and put its table and picture into the report."""
    grid = sweep.read(file)
    target = paths.REPORT / "sweeps" / grid.name
    with _sole_run(), _workers(wish, _jobs, grid) as (workers, jobs):
        place = paths.REPORT / f".stage-sweep-{os.getpid()}"
        try:
            table, faults = sweep.carry_out(grid, jobs, place, Runs(workers, force), scheduler, force)
            if not table.empty:
                (place / "gathered").mkdir()
                sweep.write(grid, table, place / "gathered")
                publish(place / "gathered", target)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    for name, fault in sorted(faults.items()):
        print(f"error: {name}: {fault}", file=sys.stderr)
    print(f"{len(jobs) - len(faults)} of {len(jobs)} runs are gathered in {target.relative_to(paths.ROOT)}")
    return 1 if faults else 0


def _jobs(grid):
    data.build()
    return [(notebook, accepted(notebook, settings)) for notebook, settings in sweep.points(grid)]


def _diff(a, b, as_of, options):
    """Compare two editions or commits and put the page into the report."""
    from helpers import diff

    place = paths.REPORT / f".stage-diff-{os.getpid()}"
    with _sole_run():
        try:
            name, lines = diff.carry_out(a, b, as_of, place, options)
            if name:
                publish(place / "page", paths.REPORT / "compare" / name)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    print(*lines, sep="\n")
    return 0


def _wish(arguments):
    parser = argparse.ArgumentParser(prog="python -m helpers.run", description="Execute notebooks and bind the report.")
    commands = parser.add_subparsers(dest="command", required=True)
    helped = {
        "report": "build the editions",
        "pdf": "build the editions, each with a PDF",
        "notebook": "execute one notebook into the drafts",
        "refresh-outputs": "execute the stored notebooks and record the results of both editions",
        "check": "say what is missing before a change can be kept",
        "fix": "repair what needs no judgement",
        "why": "say what changed since a notebook was executed",
        "sweep": "execute a notebook over a grid",
        "diff": "say what moved between two editions or commits",
    }
    command = {name: commands.add_parser(name, help=words) for name, words in helped.items()}
    for name in ("report", "pdf", "why", "diff"):
        command[name].add_argument("--as-of", default="")
    command["notebook"].add_argument("name")
    command["notebook"].add_argument("--set", default="")
    command["why"].add_argument("name")
    command["diff"].add_argument("a")
    command["diff"].add_argument("b", nargs="?", default="")
    command["sweep"].add_argument("grid")
    command["sweep"].add_argument("--scheduler", default="")
    for one in command.values():
        one.add_argument("--force", default="")
        one.add_argument("--kernels", default="")
    return parser.parse_args(arguments)


def _terminated(*_):
    print("stopped; the last good report stays", file=sys.stderr)
    sys.exit(143)


def main(arguments: list[str] | None = None) -> int:
    """Command line: 0 done, 1 something failed, 2 a wrong wish, 130 or 143 stopped by a signal."""
    wish = _wish(arguments)
    # a shell that starts a run in the background has its Ctrl-C ignored otherwise
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        options = {"force": wish.force not in ("", "0"), "wish": wish.kernels}
        if wish.command in ("report", "pdf"):
            return make_report(wish.as_of, **options, with_pdf=wish.command == "pdf")
        if wish.command == "notebook":
            return run_one(wish.name, wish.set, **options)
        if wish.command == "why":
            return _why(wish.name, wish.as_of)
        if wish.command == "sweep":
            return _grid(wish.grid, wish.scheduler, **options)
        if wish.command == "diff":
            # older commits know neither
            given = {"force": wish.force, "kernels": wish.kernels}
            return _diff(wish.a, wish.b, wish.as_of, [f"--{name}={value}" for name, value in given.items() if value])
        if wish.command == "check":
            return check_change(**options)
        if wish.command == "fix":
            return fix_change(**options)
        return refresh_outputs(**options)
    except (ParameterError, kernels.KindError, cluster.ClusterError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except data.DataError as error:
        print(f"error: {len(error.faults)} fault(s) in the data; the last good report stays:\n{error}", file=sys.stderr)
        return 1
    except (OSError, ProcessError) as error:
        print(f"error: {first_line(error)}; the last good report stays", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the last good report stays", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(terminal.run(main))
