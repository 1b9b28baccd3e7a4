"""Execute notebooks: each in a place of its own, moved in only when it succeeded.

A report is a set of jobs, one a notebook and edition, executed by papermill in parallel processes. All notebooks of an
edition but the last are leaves and run in any order; the verdicts follow when the leaves of their edition are done. An
edition is published whole, in place of the last good one, or not at all.
"""

import argparse
import ast
import concurrent.futures
import contextlib
import difflib
import math
import multiprocessing
import os
import shlex
import shutil
import signal
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import filelock
import nbformat
from nbconvert.preprocessors.coalescestreams import CoalesceStreamsPreprocessor
from tqdm import tqdm

from helpers import data, paths, readme, report, results

VERDICTS = "99_verdicts"
CELL_SECONDS = 600
# what a result may not depend on is the same for every kernel
KERNEL_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "PYTHONWARNINGS": "default",
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "agg",
}


class ParameterError(ValueError):
    """A parameter that the notebook does not know, or a value that it cannot take."""


@dataclass(frozen=True)
class Job:
    """One notebook to be executed; holds all that a worker process needs to know.

    Parameters
    ----------
    source : Path
        File of the notebook.
    as_of : str
        Edition, an ISO date.
    place : Path
        Folder of the edition; the notebook writes to the one in it that has its name.
    parameters : dict
        To set; empty leaves the defaults.
    seconds : int
        Longest time that a cell may take.
    """

    source: Path
    as_of: str
    place: Path
    parameters: dict = field(default_factory=dict)
    seconds: int = CELL_SECONDS

    @property
    def notebook(self) -> str:
        """Name of the notebook."""
        return self.source.stem

    @property
    def target(self) -> Path:
        """File of the executed notebook."""
        return self.place / self.notebook / "notebook.ipynb"

    @property
    def name(self) -> str:
        """Notebook and edition, to print."""
        return f"{self.notebook} as of {self.as_of}"


def notebooks() -> list[str]:
    """Names of the collection's notebooks, in order."""
    return sorted(path.stem for path in paths.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))


def parameters(notebook: str) -> dict:
    """Read a notebook's parameters and their defaults from its one cell tagged ``parameters``.

    Raises
    ------
    ParameterError
        If there is no such notebook or cell, there are two, or the cell holds more than names and literals, or no
        as-of date.
    """
    if notebook not in notebooks():
        raise ParameterError(f"no notebook {notebook!r}; {_hint(notebook, notebooks())}")
    path = paths.NOTEBOOKS / f"{notebook}.ipynb"
    try:
        content = nbformat.read(path, as_version=4)
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        raise ParameterError(f"notebooks/{path.name} is not a notebook: {_first_line(error)}") from None
    cells = [cell for cell in content.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ParameterError(f"notebooks/{path.name} needs one cell tagged 'parameters', it has {len(cells)}")
    found = {}
    try:
        statements = ast.parse(cells[0].source).body
    except SyntaxError as error:
        raise ParameterError(f"notebooks/{path.name}: the parameters cell is not Python: {error.msg}") from None
    for statement in statements:
        try:
            (target,) = statement.targets
            found[target.id] = ast.literal_eval(statement.value)
        except (AttributeError, ValueError, TypeError):
            code = ast.unparse(statement)
            raise ParameterError(
                f"notebooks/{path.name}: the parameters cell holds literals only, not {code}"
            ) from None
    try:
        data.parse_day(found.get("as_of"))
    except ValueError:
        raise ParameterError(f"notebooks/{path.name} needs a parameter as_of that is a date") from None
    return found


def _hint(name, known):
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160]


def accepted(notebook: str, wishes: dict[str, str]) -> dict:
    """Check wished parameters against a notebook's own and give them their types; values are data, never code.

    Parameters
    ----------
    notebook : str
    wishes : dict of str to str
        Values as written on the command line.

    Raises
    ------
    ParameterError
        Naming the parameter, the value and what was expected.
    """
    known, out = parameters(notebook), {}
    for name, text in wishes.items():
        if name not in known:
            raise ParameterError(f"{notebook} has no parameter {name!r}; {_hint(name, known)}")
        out[name] = _converted(name, text, known[name])
    return out


def _converted(name, text, default):
    kind = type(default)
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind is int:
            return int(text)
        if kind is float:
            value = float(text)
            if not math.isfinite(value):
                raise ValueError
            return value
    except (ValueError, KeyError):
        raise ParameterError(f"{name} takes a value of type {kind.__name__}, not {text!r}") from None
    if kind is not str:
        raise ParameterError(f"{name} is of type {kind.__name__}: change it in the notebook")
    try:
        data.parse_day(default)
    except ValueError:
        return text
    try:
        data.parse_day(text)
    except ValueError as error:
        raise ParameterError(f"{name}: {error}") from None
    if name == "as_of":
        _within_span(text)
    return text


def _within_span(as_of):
    first, last = data.span()
    if not first <= as_of <= last:
        raise ParameterError(f"as_of {as_of} is outside of what the data know: {first} to {last}")


def execute(job: Job) -> str | None:
    """Execute a job in this process.

    Returns
    -------
    str or None
        What went wrong, in one line, or None. The executed notebook lies in the job's place in either case.
    """
    import nbclient.exceptions
    import papermill

    job.target.parent.mkdir(parents=True, exist_ok=True)
    fault = None
    try:
        papermill.execute_notebook(
            job.source,
            job.target,
            parameters=job.parameters,
            kernel_name="python3",
            language="python",
            kernel_manager_class=_own_kernel(KERNEL_ENVIRONMENT | {paths.PLACE_VARIABLE: str(job.place)}),
            progress_bar=False,
            cwd=job.source.parent,
            execution_timeout=job.seconds,
            extra_arguments=["--log-level=CRITICAL"],
        )
    except papermill.PapermillExecutionError as error:
        fault = f"{error.ename}: {_first_line(error.evalue)}"
    except nbclient.exceptions.CellTimeoutError:
        fault = f"was stopped after {job.seconds} seconds"
    except nbclient.exceptions.DeadKernelError:
        fault = "the kernel died; is there enough memory?"
    except Exception as error:
        fault = f"{type(error).__name__}: {_first_line(error)}"
    if not job.target.exists():
        return fault
    executed = nbformat.read(job.target, as_version=4)
    if fault:
        begun = [cell for cell in _code_cells(executed) if cell.metadata.get("papermill", {}).get("start_time")]
        fault = f"cell {len(begun)}: {fault}"
    nbformat.write(cleaned(executed), job.target)
    return fault or trouble(executed)


def _own_kernel(environment):
    """Kernel manager that starts this very interpreter, whatever kernels the machine has by name."""
    from jupyter_client import AsyncKernelManager
    from jupyter_client.kernelspec import KernelSpecManager

    class OwnKernelManager(AsyncKernelManager):
        def __init__(self, **options):
            super().__init__(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), **options)

        async def start_kernel(self, **options):
            await super().start_kernel(env=os.environ | environment, **options)

    return OwnKernelManager


def cleaned(notebook):
    """Take out of an executed notebook what differs from run to run: times, papermill's notes, generated ids."""
    notebook.metadata = nbformat.NotebookNode(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
        }
    )
    # a busy machine cuts a stream where it likes
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    for place, cell in enumerate(notebook.cells):
        tags = [tag for tag in cell.metadata.get("tags", []) if not tag.startswith("papermill-error")]
        cell.metadata = nbformat.NotebookNode({"tags": tags} if tags else {})
        if "injected-parameters" in tags:
            cell.id = f"injected-{place}"
    return notebook


def trouble(notebook) -> str | None:
    """Tell what is wrong with an executed notebook that raised nothing: an output that nobody answers for is a failure.

    Returns
    -------
    str or None
        The first cell that left early, was not run, wrote to stderr or is more than Python, or None.
    """
    for number, cell in enumerate(_code_cells(notebook), 1):
        for output in cell.outputs:
            # papermill lets sys.exit(0) pass
            if output.output_type == "error":
                return f"cell {number}: {output.ename}: {_first_line(output.evalue)}"
            if output.get("name") == "stderr":
                return f"cell {number} wrote to stderr: {_first_line(output.text.strip() or 'a blank line')}"
        if cell.execution_count is None:
            return f"cell {number} was not run"
        try:
            ast.parse(cell.source)
        except SyntaxError:
            return f"cell {number} is not plain Python: a shell escape that fails would pass unseen"
    return None


def _code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def run_jobs(editions: dict[str, Path], settings: dict[str, dict], words: str) -> dict[str, str]:
    """Execute all notebooks of some editions in parallel processes, with a progress bar.

    Parameters
    ----------
    editions : dict of str to Path
        Place of each edition by its as-of date.
    settings : dict of str to dict
        Parameters to set in every notebook, by edition; empty leaves the defaults.
    words : str
        What is being done, for the bar.

    Returns
    -------
    dict of str to str
        What went wrong, by job; empty when all went well.
    """
    leaves = [name for name in notebooks() if name != VERDICTS]
    faults, waiting = {}, {}
    context = multiprocessing.get_context("spawn")
    workers = min(os.cpu_count() or 1, len(leaves) * len(editions))
    total = len(editions) * (len(leaves) + 1)
    with (
        concurrent.futures.ProcessPoolExecutor(workers, context, _end_with_parent) as pool,
        tqdm(total=total, desc=words, unit="notebook", disable=None) as bar,
    ):

        def submit(notebook, as_of):
            job = Job(paths.NOTEBOOKS / f"{notebook}.ipynb", as_of, editions[as_of], settings[as_of])
            try:
                waiting[pool.submit(execute, job)] = job
            except concurrent.futures.process.BrokenProcessPool:
                faults[job.name] = "was not run: a process died"

        for as_of in editions:
            for notebook in leaves:
                submit(notebook, as_of)
        try:
            while waiting:
                done, _ = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    job = waiting.pop(future)
                    bar.update()
                    fault = _outcome(future)
                    if fault:
                        faults[job.name] = fault + _kept_aside(job)
                    left = [other for other in waiting.values() if other.as_of == job.as_of]
                    broken = [name for name in faults if name.endswith(job.as_of)]
                    if job.notebook != VERDICTS and not left and not broken:
                        submit(VERDICTS, job.as_of)
        except BaseException:
            _end(pool)
            raise
    return faults


def _outcome(future):
    try:
        return future.result()
    except concurrent.futures.process.BrokenProcessPool:
        return "a process died; is there enough memory?"
    except Exception as error:
        return f"{type(error).__name__}: {_first_line(error)}"


def _kept_aside(job):
    """Keep a failed run to be read, and say where."""
    if not job.target.exists():
        return ""
    aside = paths.REPORT / "failed" / job.as_of / f"{job.notebook}.ipynb"
    aside.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(job.target, aside)
    return f" (read {aside.relative_to(paths.ROOT)})"


def _end_with_parent():
    """Let a worker end, and its kernel with it, when the run is killed: nobody else would tell them."""
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _end(pool):
    """End the workers at once; their kernels notice and end too."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.kill()
    pool.shutdown(wait=False, cancel_futures=True)


def publish(place: Path, target: Path) -> None:
    """Put a finished folder in place of the last good one."""
    old = paths.REPORT / f".old-{target.name}-{os.getpid()}"
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
        lock.release()


def _sweep():
    for old in paths.REPORT.glob(".old-????-??-??-*"):
        target = paths.REPORT / old.name.removeprefix(".old-")[:10]
        # killed between the two moves of publish: the last good edition is the old one
        if not target.exists():
            old.replace(target)
    for left in [*paths.REPORT.glob(".stage-*"), *paths.REPORT.glob(".old-*")]:
        shutil.rmtree(left, ignore_errors=True)


def make_report(as_of: str = "") -> int:
    """Build the report: both editions, or the one of a date.

    Parameters
    ----------
    as_of : str
        ISO date, or empty for the replication edition and the latest.

    Returns
    -------
    int
        0 when all editions were published, 1 when a notebook failed.

    Raises
    ------
    ParameterError
        If the date is impossible or outside of the data.
    helpers.data.DataError
        If the raw data break a rule.
    """
    if as_of:
        try:
            data.parse_day(as_of)
        except ValueError as error:
            raise ParameterError(f"AS_OF: {error}") from None
    data.build()
    if as_of:
        _within_span(as_of)
    wanted = [as_of] if as_of else [data.REPLICATION, data.latest()]
    for notebook in notebooks():
        parameters(notebook)
    with _sole_run():
        stages = {day: paths.REPORT / f".stage-{day}-{os.getpid()}" for day in wanted}
        try:
            shutil.rmtree(paths.REPORT / "failed", ignore_errors=True)
            faults = run_jobs(stages, {day: {"as_of": day} for day in wanted}, "Building the report")
            for day, place in stages.items():
                if not any(name.endswith(day) for name in faults):
                    faults |= _bound(f"binding the edition of {day}", _finish, day, place)
            # the two standing editions stay side by side, whatever was built
            standing = [day for day in (data.REPLICATION, data.latest()) if _complete(day)]
            held = standing or [day for day in wanted if _complete(day)]
            if held:
                faults |= _bound("binding the landing page", report.landing_page, paths.REPORT, held)
        finally:
            for place in stages.values():
                shutil.rmtree(place, ignore_errors=True)
    for name, fault in sorted(faults.items()):
        print(f"error: {name}: {fault}", file=sys.stderr)
    if faults:
        print("The editions that failed were not published; the last good ones stay as they were.", file=sys.stderr)
        return 1
    for day in set(wanted) - set(held):
        print(f"The edition is at {(paths.REPORT / day / 'index.html').relative_to(paths.ROOT)}")
    print(f"The report is at {(paths.REPORT / 'index.html').relative_to(paths.ROOT)}")
    return 0


def _complete(as_of):
    return (paths.REPORT / as_of / "results.json").is_file()


def _bound(name, work, *arguments):
    try:
        work(*arguments)
    except (ValueError, OSError) as error:
        return {name: _first_line(error)}
    return {}


def _finish(as_of, place):
    os.environ[paths.PLACE_VARIABLE] = str(place)
    try:
        results.write_edition(as_of)
    finally:
        del os.environ[paths.PLACE_VARIABLE]
    report.edition_page(place, as_of)
    publish(place, paths.REPORT / as_of)


def run_one(notebook: str, settings: str) -> int:
    """Execute one notebook with other parameters, and put it among the drafts if it succeeds.

    Parameters
    ----------
    notebook : str
        Name of the notebook.
    settings : str
        Such as ``as_of=2025-06-30 draws=1000``.

    Returns
    -------
    int
        0, or 1 when the notebook failed.
    """
    data.build()
    wishes = {}
    for part in _words(settings):
        name, sign, text = part.partition("=")
        if not sign:
            raise ParameterError(f"SET takes name=value, not {part!r}")
        if name in wishes:
            raise ParameterError(f"SET gives {name} twice")
        wishes[name] = text
    values = accepted(notebook, wishes)
    as_of = (parameters(notebook) | values)["as_of"]
    drafts = paths.DRAFTS / as_of
    with _sole_run():
        place = paths.REPORT / f".stage-draft-{os.getpid()}"
        job = Job(paths.NOTEBOOKS / f"{notebook}.ipynb", as_of, place, values)
        if drafts.is_dir():
            # the verdicts read the other drafts
            shutil.copytree(drafts, place, ignore=shutil.ignore_patterns(notebook))
        try:
            fault = execute(job)
            if fault:
                print(f"error: {notebook}: {fault}{_kept_aside(job)}", file=sys.stderr)
                return 1
            publish(place / notebook, drafts / notebook)
        finally:
            shutil.rmtree(place, ignore_errors=True)
    print(f"Executed into {(drafts / notebook).relative_to(paths.ROOT)}")
    return 0


def _words(settings):
    try:
        return shlex.split(settings)
    except ValueError as error:
        raise ParameterError(f"SET: {error} in {settings!r}") from None


def refresh_outputs() -> int:
    """Execute every notebook at its defaults and store it with its outputs, if all succeed."""
    data.build()
    with _sole_run():
        place = paths.REPORT / f".stage-outputs-{os.getpid()}"
        try:
            faults = run_jobs({data.REPLICATION: place}, {data.REPLICATION: {}}, "Refreshing the stored outputs")
            for name, fault in sorted(faults.items()):
                print(f"error: {name}: {fault}", file=sys.stderr)
            if faults:
                return 1
            for notebook in notebooks():
                (place / notebook / "notebook.ipynb").replace(paths.NOTEBOOKS / f"{notebook}.ipynb")
        finally:
            shutil.rmtree(place, ignore_errors=True)
    try:
        readme.write()
    except (LookupError, ValueError) as error:
        print(f"error: the outputs are stored, but README.md could not be filled in: {error}", file=sys.stderr)
        return 1
    print(f"Stored the outputs of {len(notebooks())} notebooks")
    return 0


def _terminated(*_):
    print("stopped; the last good report stays", file=sys.stderr)
    sys.exit(143)


def main(arguments: list[str] | None = None) -> int:
    """Command line: 0 done, 1 something failed, 2 a wrong wish, 130 or 143 stopped by a signal."""
    parser = argparse.ArgumentParser(prog="python -m helpers.run", description="Execute notebooks and bind the report.")
    commands = parser.add_subparsers(dest="command", required=True)
    whole = commands.add_parser("report")
    whole.add_argument("--as-of", default="")
    one = commands.add_parser("notebook")
    one.add_argument("name")
    one.add_argument("--set", default="")
    commands.add_parser("refresh-outputs")
    wish = parser.parse_args(arguments)
    # a shell that starts a run in the background has its Ctrl-C ignored otherwise
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminated)
    try:
        if wish.command == "report":
            return make_report(wish.as_of)
        if wish.command == "notebook":
            return run_one(wish.name, wish.set)
        return refresh_outputs()
    except ParameterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except data.DataError as error:
        print(f"error: {len(error.faults)} fault(s) in the data; the last good report stays:\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {_first_line(error)}; the last good report stays", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the last good report stays", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
