"""Zygote: a process beside a run that holds the libraries of its kernels, and forks one whenever it is asked.

Most of a short run is the start of a kernel and the import of pandas, seaborn and statsmodels. A forked kernel is a
real ipykernel all the same: its process had no thread and no socket, and it shares the memory of the libraries. It
starts with the environment, arguments, folder and module search path of a plain one, draws new random state, and
imports the helpers anew, so the results are the same. The zygote loads while the run makes ready, so this module is
of the standard library only.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import multiprocessing
import os
import random
import select
import signal
import socket
import sys
import threading
import time
from pathlib import Path

from helpers import environment

LIBRARIES = (
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.font_manager",
    "matplotlib.dates",
    "pandas",
    "pyarrow.parquet",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
    "statsmodels.regression.linear_model",
    "statsmodels.stats.multitest",
    "statsmodels.stats.proportion",
    "statsmodels.tools",
    # what reading, writing and showing load late
    "isal.isal_zlib",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.csvs",
    "pandas.io.formats.string",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PpmImagePlugin",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    # what the helpers load, which are not held
    "filelock",
    # what a kernel loads while it starts: debugpy, through the first, is most of it
    "ipykernel.debugger",
    "IPython.core.debugger",
    "psutil",
    "tornado.platform.asyncio",
    "tornado.queues",
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
)
STOPS = {signal.SIGINT, signal.SIGTERM}
# this process's way to its zygote, which processes forked from it share; and the zygote, if it is a child of this one
_control, _child = None, None


class ZygoteError(RuntimeError):
    """A zygote that ended."""


def possible() -> bool:
    """Tell whether this system can fork a process and hold on to it: Linux can."""
    try:
        # an old container forbids it
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return hasattr(os, "fork")


def prepared() -> bool:
    """Tell whether this process started with what every kernel has, so that a fork of it differs in nothing."""
    return all(os.environ.get(name) == value for name, value in environment.VARIABLES.items())


def apt() -> bool:
    """Tell whether a zygote would do here, as a process with threads cannot be forked safely."""
    return possible() and prepared() and (_control or len(list(Path("/proc/self/task").iterdir())) == 1)


def begin() -> None:
    """Fork a zygote, unless there is one; call before this process has a thread or an open connection."""
    global _control, _child
    if _control:
        return
    _control, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    with signals_held_back():
        _child = parent, os.fork()
        if _child[1] == 0:
            _control.close()
            _serve(there, parent)
    there.close()


def end() -> None:
    """End the zygote of this process, if it has one, and the kernels with it; one that it shares is left alone."""
    global _control, _child
    if _child and _child[0] == os.getpid():
        os.kill(_child[1], signal.SIGKILL)
        os.waitpid(_child[1], 0)
    if _control:
        _control.close()
    _control = _child = None


@contextlib.contextmanager
def settled():
    """Have what is loaded meanwhile stay in the memory as it is, so that forks share it."""
    # what an import makes stays: looking for garbage meanwhile takes a fifth of the time
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        # a run is short, and most of what it makes refers to nothing that refers back
        gc.set_threshold(20_000)


def load() -> None:
    """Import the libraries of a kernel."""
    with settled():
        for library in LIBRARIES:
            importlib.import_module(library)


@contextlib.contextmanager
def signals_held_back():
    """Have a new process not take a signal for its parent's before it says what it does with it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent(parent: int) -> None:
    """Have this process end when its parent does, however that ends: nobody else would tell it.

    Parameters
    ----------
    parent : int
        Process number that the parent has while it lives.
    """
    if sys.platform == "linux":
        die_with_parent = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None, use_errno=True).prctl(die_with_parent, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    else:
        sentinel = multiprocessing.parent_process()
        threading.Thread(target=lambda: (sentinel.join(), os._exit(1)), daemon=True).start()


class WaitingKernel:
    """A process, forked by the zygote, that becomes a kernel when it is told how; has what Jupyter uses of a Popen.

    It ends when the process that asked for it does. Should the zygote have ended, as for want of memory or by a cell
    that kills what it finds, this process gets one of its own.

    Raises
    ------
    ZygoteError
        If that ends too.
    """

    stdin = stdout = stderr = None

    def __init__(self):
        self.returncode = None
        begin()
        if not self._asked():
            end()
            begin()
            if not self._asked():
                raise ZygoteError("the process that holds the libraries ended; is there enough memory?")

    def _asked(self):
        ours, theirs = socket.socketpair()
        with ours:
            try:
                with theirs:
                    socket.send_fds(_control, [b"k"], [theirs.fileno()])
                told, fds, _, _ = socket.recv_fds(ours, 32, 1)
            except OSError:
                return False
            if not told:
                return False
            # both are held until this process ends, and the kernel with it
            self.pid, (self._process,), self._line = int(told), fds, ours.detach()
        return True

    def start(self, arguments: list[str], variables: dict[str, str], folder: str) -> None:
        """Tell the process its arguments, environment variables and folder."""
        with os.fdopen(os.dup(self._line), "w", encoding="utf-8") as told:
            print(json.dumps([arguments, variables, folder]), file=told)

    def poll(self) -> int | None:
        """Zero once the process has ended, with whatever code, or None while it runs."""
        return self._ended(0)

    def wait(self) -> int:
        """Zero, once the process has ended."""
        return self._ended(None)

    def _ended(self, seconds):
        if self.returncode is None and select.select([self._process], [], [], seconds)[0]:
            self.returncode = 0
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)


def _serve(control, parent):
    """Load, then fork a waiting kernel for each line that comes, and end one whose line is hung up; never returns."""
    try:
        # the run itself answers signals of the terminal, and ends its zygote
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        end_with_parent(parent)
        load()
        # kernels compute: longer turns on a core spare it from filling its caches anew
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        _fork_kernels(control)
    finally:
        # a normal exit takes apart in half a second what the system drops at once
        os._exit(1)


def _fork_kernels(control):
    zygote, events, kernels = os.getpid(), select.poll(), {}
    events.register(control, select.POLLIN)
    while True:
        # the control stands first among them: no number that is closed below is another's before all are looked at
        for fd, _ in events.poll():
            if fd == control.fileno():
                word, fds, _, _ = socket.recv_fds(control, 1, 1)
                if not word:
                    return
                line = socket.socket(fileno=fds[0])
                pid = os.fork()
                if pid == 0:
                    _become_kernel(line, zygote)
                process = os.pidfd_open(pid)
                with contextlib.suppress(OSError):  # who asked has ended, which is seen below
                    socket.send_fds(line, [str(pid).encode()], [process])
                # what is said on the line is for the kernel; here it only matters that it holds
                events.register(line, select.POLLRDHUP)
                events.register(process, select.POLLIN)
                kernels[line.fileno()] = kernels[process] = line, process, pid
            elif fd in kernels:
                line, process, pid = kernels[fd]
                signal.pidfd_send_signal(process, signal.SIGKILL)
                os.waitpid(pid, 0)
                for held in (line.fileno(), process):
                    events.unregister(held)
                    del kernels[held]
                line.close()
                os.close(process)


def _become_kernel(line, zygote):
    """Turn this fork into an ipykernel; never returns."""
    code = 1
    try:
        os.setsid()
        end_with_parent(zygote)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with line.makefile(encoding="utf-8") as told:
            wish = told.readline()
        if wish:  # else whoever was to tell has ended
            arguments, variables, folder = json.loads(wish)
            _as_new(arguments, variables, folder)
            from ipykernel import kernelapp

            kernelapp.launch_new_instance()
            code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    finally:
        os._exit(code)


def _as_new(arguments, variables, folder):
    """Have nothing of the parent but its libraries: no file, no helper module, no random state, no search path."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    # locks and pipes of the run live as long as someone holds them open
    os.closerange(3, os.sysconf("SC_OPEN_MAX") if os.sysconf("SC_OPEN_MAX") > 0 else 65536)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.chdir(folder)
    sys.argv = [importlib.util.find_spec("ipykernel_launcher").origin, *arguments]
    search = variables.get("PYTHONPATH", "").split(os.pathsep) if variables.get("PYTHONPATH") else []
    # what stands first is the folder of whoever ran the run, unless Python was told to leave it out
    standard = [entry for entry in sys.path[0 if sys.flags.safe_path else 1 :] if entry not in search]
    sys.path[:] = search + standard
    for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
        del sys.modules[name]
    random.seed()
    sys.modules["numpy"].random.seed()
