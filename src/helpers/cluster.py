"""Runs on a Dask cluster: the same notebooks on other machines, for the same results.

A worker needs the repository at the same version and its environment with Dask; it keeps a process that holds the
libraries, and each run is a warm kernel forked from that, as at home. What a run wrote comes back whole.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from helpers import cache, environment, kernels, paths, zygote
from helpers.execution import Job, execute, first_line
from helpers.runs import Workers

_held = threading.local()


class ClusterError(ValueError):
    """A cluster that cannot be reached or used."""


def spread(jobs: list[Job], scheduler: str, force: bool = False) -> Iterator[tuple[Job, str | None]]:
    """Have jobs run by the workers of a Dask scheduler; those that are kept here are not sent.

    Parameters
    ----------
    jobs : list of Job
    scheduler : str
        Address, such as ``tcp://host:8786``.
    force : bool
        Send all of them.

    Yields
    ------
    Job, str or None
        A job and what went wrong with it, as they end.

    Raises
    ------
    ClusterError
        If Dask is not installed, or the scheduler does not answer.
    """
    try:
        import distributed
    except ImportError:
        raise ClusterError("SCHEDULER needs Dask: `make extras`, then the same again") from None
    waiting = []
    for job in jobs:
        found = cache.parts(job.notebook, job.parameters, pictures=job.pictures)
        if not force and cache.fetch(cache.key(found), job.target.parent):
            yield job, None
        else:
            waiting.append((job, found))
    try:
        client = distributed.Client(scheduler, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(f"SCHEDULER: {scheduler!r} does not answer: {first_line(error)}") from None
    with client:
        sent = {
            client.submit(
                run_here, job.notebook, job.as_of, job.parameters, found, job.pictures, pure=False, retries=1
            ): (job, found)
            for job, found in waiting
        }
        for future in distributed.as_completed(list(sent)):
            job, found = sent[future]
            try:
                files, fault = future.result()
            except Exception as error:
                files, fault = {}, f"{type(error).__name__}: {first_line(error)}"
            for name, content in files.items():
                target = job.target.parent / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            if not fault:
                cache.keep(found, job.target.parent)
            future.release()
            yield job, fault


def run_here(
    notebook: str, as_of: str, settings: dict, expected: dict, pictures: bool = True
) -> tuple[dict[str, bytes], str | None]:
    """Execute a notebook on this worker.

    Parameters
    ----------
    notebook : str
    as_of : str
    settings : dict
        Parameters to set.
    expected : dict
        Parts of the run as the sender knows them: a worker with another version of any must not answer.
    pictures : bool
        Whether to draw the figures.

    Returns
    -------
    dict of str to bytes
        What the notebook wrote, by name.
    str or None
        What went wrong.
    """
    differing = cache.changes(cache.parts(notebook, settings, pictures=pictures), expected)
    if differing:
        return {}, f"the worker's repository or environment is another version: {differing[0]}"
    with tempfile.TemporaryDirectory() as folder:
        job = Job(paths.NOTEBOOKS / f"{notebook}.ipynb", as_of, Path(folder), settings, pictures=pictures)
        fault = _nursery().run(job)
        written = [file for file in job.target.parent.rglob("*") if file.is_file()]
        return {str(file.relative_to(job.target.parent)): file.read_bytes() for file in written}, fault


class Nursery:
    """A process beside this one that holds the libraries and forks a warm kernel for each job.

    A Dask worker has threads and sockets, so it cannot be forked itself.
    """

    def __init__(self):
        command = [sys.executable, "-m", "helpers.cluster"]
        variables = dict(os.environ) | environment.VARIABLES
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, env=variables, cwd=paths.ROOT, **pipes)

    def run(self, job: Job) -> str | None:
        """Have a job executed; give what went wrong, or None."""
        wish = asdict(job) | {"source": str(job.source), "place": str(job.place)}
        print(json.dumps(wish), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else "the worker's process died; is there enough memory?"

    def alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None


def _nursery():
    if not getattr(_held, "nursery", None) or not _held.nursery.alive():
        _held.nursery = Nursery()
    return _held.nursery


def serve() -> None:
    """Execute jobs told on standard input, one a line, until it ends; answer each with a line."""
    # a worker that is gone waits for no answer, and leaves no process
    zygote.end_with_parent(os.getppid())
    kind = kernels.kind()
    if kind == kernels.WARM:
        zygote.begin()
        kernels.load()
    # what a notebook writes past Jupyter must not pass for an answer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with Workers(kind, 1) as workers, contextlib.closing(answers):
        for line in sys.stdin:
            wish = json.loads(line)
            job = Job(**wish | {"source": Path(wish["source"]), "place": Path(wish["place"]), "kernels": kind})
            workers.submit(None, execute, job)
            ((_, value, fault),) = list(workers.outcomes())
            print(json.dumps(first_line(fault) if fault else value), file=answers, flush=True)
    zygote.end()


if __name__ == "__main__":
    serve()
