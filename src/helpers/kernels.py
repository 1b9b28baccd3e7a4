"""Kernels of a run: plain ones as Jupyter starts them, or warm ones forked from a process that holds the libraries.

Most of a short run is the start of a kernel and the import of pandas, seaborn and statsmodels. A warm kernel is a real
ipykernel all the same: a fork of a process that imported the libraries once, had no thread and no socket, and shares
their memory. It starts with the environment, arguments, folder and module search path of a plain one, draws new random
state, and imports the helpers anew, so the results are the same.
"""

import contextlib
import ctypes
import gc
import importlib
import importlib.util
import json
import multiprocessing
import os
import queue
import random
import signal
import sys
import threading
import time
import uuid
from pathlib import Path

from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning import LocalProvisioner

from helpers import environment

WARM, PLAIN = "warm", "plain"
ARGUMENTS = ("--log-level=CRITICAL", "--HistoryManager.hist_file=:memory:")
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
    "pandas.core.reshape.reshape",
    "pandas.io.formats.csvs",
    "pandas.io.formats.string",
    "PIL.BmpImagePlugin",
    "PIL.GifImagePlugin",
    "PIL.JpegImagePlugin",
    "PIL.PpmImagePlugin",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    # what a kernel loads while it starts: debugpy, through the first, is most of it
    "ipykernel.debugger",
    "IPython.core.debugger",
    "psutil",
    "tornado.platform.asyncio",
    "tornado.queues",
    "ipykernel.kernelapp",
    "matplotlib_inline.backend_inline",
    "papermill",
    "nbconvert.preprocessors",
)


class KindError(ValueError):
    """A kind of kernel that there is not, or not here."""


def kind(wish: str = "") -> str:
    """Kind of kernel to use: the wished one, else warm where forking is safe and plain elsewhere.

    Parameters
    ----------
    wish : {"", "warm", "plain"}

    Raises
    ------
    KindError
        If there is no such kind, or a warm one is wished where a process cannot be forked or would be another.
    """
    if wish not in ("", WARM, PLAIN):
        raise KindError(f"KERNELS takes {WARM} or {PLAIN}, not {wish!r}")
    if wish == WARM and not hasattr(os, "fork"):
        raise KindError(f"KERNELS: this system cannot fork, so there are no {WARM} kernels; leave KERNELS out")
    if wish == WARM and not prepared():
        raise KindError(f"KERNELS: a {WARM} kernel needs the variables that `make` sets, which this process lacks")
    # forking with the frameworks of macOS loaded is not safe, nor is forking a process with threads
    apt = sys.platform == "linux" and prepared() and len(list(Path("/proc/self/task").iterdir())) == 1
    return wish or (WARM if apt else PLAIN)


def prepared() -> bool:
    """Tell whether this process started with what every kernel has, so that a fork of it differs in nothing."""
    return all(os.environ.get(name) == value for name, value in environment.VARIABLES.items())


def warm_up() -> None:
    """Import the libraries and settle the memory, so that forks share it; call before any thread or socket is made."""
    # what an import makes stays: looking for garbage meanwhile takes a fifth of the time
    gc.disable()
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.freeze()
    gc.enable()


def find_fonts() -> None:
    """Have matplotlib list the machine's fonts; else each plain kernel does, and says on stderr that it takes long."""
    importlib.import_module("matplotlib.font_manager")


class WaitingKernel:
    """A forked process that becomes a kernel when it is told how; has what Jupyter uses of a Popen object."""

    stdin = stdout = stderr = None

    def __init__(self):
        read, self._told = os.pipe()
        self.returncode = None
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._told)
            _become_kernel(read, parent)
        os.close(read)

    def start(self, arguments: list[str], variables: dict[str, str], folder: str) -> None:
        """Tell the process its arguments, environment variables and folder."""
        with os.fdopen(self._told, "w", encoding="utf-8") as told:
            json.dump([arguments, variables, folder], told)
        self._told = None

    def poll(self) -> int | None:
        """Exit code, or None while the process runs."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        """Exit code, once the process has ended."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the process at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Jupyter's local provisioner with a waiting kernel in the place of a new process."""

    waiting: WaitingKernel

    async def launch_kernel(self, cmd, **options):
        """Start the waiting kernel with the arguments of the command that would start a plain one."""
        variables = options["env"] | {"JPY_PARENT_PID": str(os.getpid())}
        arguments = cmd[cmd.index("ipykernel_launcher") + 1 :]
        self.waiting.start(arguments, variables, str(options.get("cwd") or Path.cwd()))
        self.process, self.pid, self.pgid = self.waiting, self.waiting.pid, self.waiting.pid
        return self.connection_info


class PromptClient(AsyncKernelClient):
    """Jupyter's client, which goes on as soon as a new kernel answers.

    Its own way to wait for a kernel ends with a fifth of a second in which no message comes. Whatever still comes is
    an answer to nobody's cell, and nbclient passes it over.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel answers on both channels.

        Raises
        ------
        RuntimeError
            If it died, or did not answer in so many seconds.
        """
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            self.kernel_info()
            with contextlib.suppress(queue.Empty):
                await self.shell_channel.get_msg(timeout=1)
                await self.iopub_channel.get_msg(timeout=0.2)
                return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")


def manager(place: Path, variables: dict[str, str], waiting: WaitingKernel | None):
    """Make the class of kernel manager for one run.

    Parameters
    ----------
    place : Path
        Where the run writes.
    variables : dict of str to str
        Environment variables that tell the kernel its place and what to do.
    waiting : WaitingKernel or None
        A warm kernel, or None for a plain one of this very interpreter, whatever kernels the machine has by name.

    Returns
    -------
    type
        Subclass of jupyter_client's AsyncKernelManager.
    """

    class OwnKernelManager(AsyncKernelManager):
        client_factory = PromptClient

        def __init__(self, **options):
            # in the place of the run, so that nothing is left of it elsewhere should it be killed
            file = str(place / f".kernel-{uuid.uuid4()}.json")
            super().__init__(kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), connection_file=file, **options)
            if waiting:
                self.kernel_id = str(uuid.uuid4())
                spec = self.kernel_spec
                self.provisioner = WarmProvisioner(parent=self, kernel_id=self.kernel_id, kernel_spec=spec)
                self.provisioner.waiting = waiting

        async def start_kernel(self, **options):
            # nor does it run start-up files of a home folder: numbers could follow from them
            own = {"IPYTHONDIR": str(Path(sys.prefix) / "ipython"), "PYTHONSTARTUP": ""} | variables
            await super().start_kernel(env=os.environ | environment.VARIABLES | own, **options)

    return OwnKernelManager


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


def _become_kernel(read, parent):
    """Turn this fork into an ipykernel; never returns."""
    code = 1
    try:
        os.setsid()
        end_with_parent(parent)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with os.fdopen(read, encoding="utf-8") as told:
            wish = told.read()
        if wish:  # else whoever was to tell has ended
            arguments, variables, folder = json.loads(wish)
            _as_new(arguments, variables, folder)
            from ipykernel import kernelapp

            kernelapp.launch_new_instance()
            code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    finally:
        # a normal exit takes apart in half a second what the system drops at once
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
