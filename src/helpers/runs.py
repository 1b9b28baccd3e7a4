"""Runs side by side: pieces of work in processes of their own, and jobs that are skipped when a fresh run is kept."""

import contextlib
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator
from multiprocessing import connection

from helpers import cache, kernels, paths
from helpers.execution import Job, execute, first_line
from helpers.zygote import STOPS, end_with_parent, signals_held_back


class ProcessError(RuntimeError):
    """A process that ended without an answer."""


class Workers:
    """Processes that each do one piece of work and end; forked when kernels are warm, else new ones.

    Used as a context: leaving it in haste ends what still runs, and the kernels with it.

    Parameters
    ----------
    kernels : {"warm", "plain"}
        With warm ones this process must have no thread and no socket.
    count : int
        Most processes at a time.
    """

    def __init__(self, kernel_kind: str, count: int):
        self.kernels = kernel_kind
        self._context = multiprocessing.get_context("fork" if kernel_kind == kernels.WARM else "spawn")
        self._count, self._queue, self._running, self._done = count, [], {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, _, _ in self._running.values():
            process.kill()
            process.join()

    def submit(self, tag, work: Callable, *arguments) -> None:
        """Put a piece of work into the queue, from which it is begun as soon as may be; ``tag`` names its outcome."""
        self._queue.append((tag, work, arguments))
        self._begin()

    def submit_light(self, tag, work: Callable, *arguments) -> None:
        """Put a piece into the queue that need not be in a process of its own: it is one only to keep this one bare."""
        if self.kernels == kernels.WARM:
            self.submit(tag, work, *arguments)
        else:
            self._done.append((tag, *_outcome(work, arguments)))

    def aside(self, work: Callable, *arguments, meanwhile: Callable = lambda: None):
        """Do a light piece of work while ``meanwhile`` is done here; give what it returns, raise what it raises."""
        self.submit_light(None, work, *arguments)
        meanwhile()
        ((_, value, error),) = list(self.outcomes())
        if error:
            raise error
        return value

    def busy(self) -> bool:
        """Tell whether any piece is waiting or being done."""
        return bool(self._queue or self._running or self._done)

    def outcomes(self) -> Iterator[tuple]:
        """Give (tag, what the work returned, None) or (tag, None, the error) as pieces end, until none is left."""
        while self.busy():
            if self._done:
                yield self._done.pop(0)
                continue
            self._begin()
            for receiver in connection.wait(list(self._running)):
                process, tag, _ = self._running.pop(receiver)
                try:
                    value, error = receiver.recv()
                except EOFError:
                    value, error = None, ProcessError("a process died; is there enough memory?")
                receiver.close()
                process.join()
                self._done.append((tag, value, error))

    def _begin(self):
        while self._queue and len(self._running) < self._count:
            self._start(*self._queue.pop(0))

    def _start(self, tag, work, arguments):
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_worker, args=(sender, work, arguments))
        # a signal between the two would leave a process that nobody ends
        with signals_held_back():
            process.start()
            self._running[receiver] = (process, tag, work)
        sender.close()


def _worker(sender, work, arguments):
    # the run itself answers signals of the terminal, and ends its workers
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    end_with_parent(multiprocessing.parent_process().pid)
    outcome = _outcome(work, arguments)
    with contextlib.suppress(BrokenPipeError):
        sender.send(outcome)
    sender.close()


def _outcome(work, arguments):
    try:
        return work(*arguments), None
    except Exception as error:
        return None, error


class Runs:
    """Jobs carried out by workers, each skipped when a run of the same key is kept, and kept when it succeeds.

    Parameters
    ----------
    workers : Workers
    force : bool
        Run all of them, whatever is kept.
    """

    def __init__(self, workers: Workers, force: bool = False):
        self._workers, self._force, self._fetched = workers, force, []
        self.kernels = workers.kernels

    def add(self, job: Job) -> None:
        """Take a kept run for a job, or put it into the queue."""
        found = self._parts(job)
        if not self._force and cache.fetch(cache.key(found), job.target.parent):
            self._fetched.append(job)
        else:
            self._workers.submit((job, found), execute, job)

    def beside(self, take: Callable, work: Callable, *arguments) -> None:
        """Have a light piece of work done beside the jobs; ``take`` is called with what it returned and its error."""
        self._workers.submit_light(take, work, *arguments)

    def outcomes(self) -> Iterator[tuple[Job, str | None, bool]]:
        """Give (job, what went wrong or None, whether it had to run); jobs and pieces may be added meanwhile."""
        while self._fetched or self._workers.busy():
            while self._fetched:
                yield self._fetched.pop(0), None, False
            for tag, value, error in self._workers.outcomes():
                if callable(tag):
                    tag(value, error)
                    continue
                job, found = tag
                wrong = f"{type(error).__name__}: {first_line(error)}" if error else value
                if isinstance(error, ProcessError):
                    wrong = str(error)
                if wrong:
                    wrong += _kept_aside(job)
                elif self._parts(job) == found:  # else something was edited while it ran
                    cache.keep(found, job.target.parent)
                yield job, wrong, True
                if self._fetched:
                    break

    @staticmethod
    def _parts(job):
        return cache.parts(job.notebook, job.parameters, job.place, job.pictures)


def _kept_aside(job):
    """Keep a failed run to be read, and say where."""
    if not job.target.exists():
        return ""
    aside = paths.REPORT / "failed" / job.as_of / f"{job.notebook}.ipynb"
    aside.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(job.target, aside)
    return f" (read {aside.relative_to(paths.ROOT)})"
