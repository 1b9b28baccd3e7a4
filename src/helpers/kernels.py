"""Kernels of a run: plain ones as Jupyter starts them, or warm ones that the zygote forks."""

import contextlib
import importlib
import os
import queue
import sys
import time
import uuid
from pathlib import Path

import nbformat
import zmq
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from helpers import environment, zygote

WARM, PLAIN = "warm", "plain"
ARGUMENTS = ("--log-level=CRITICAL", "--HistoryManager.hist_file=:memory:")


class KindError(ValueError):
    """A kind of kernel that there is not, or not here."""


class NoReplyError(RuntimeError):
    """A kernel that never answered, so that no cell was executed."""


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
    if wish == WARM and not zygote.possible():
        raise KindError(f"KERNELS: this system cannot fork, so there are no {WARM} kernels; leave KERNELS out")
    if wish == WARM and not zygote.prepared():
        raise KindError(f"KERNELS: a {WARM} kernel needs the variables that `make` sets, which this process lacks")
    return wish or (WARM if zygote.apt() else PLAIN)


def load() -> None:
    """Load what drives a run, so that the processes which do share it; call before any thread or socket is made."""
    with zygote.settled():
        for library in ("papermill", "papermill.clientwrap", "psutil"):
            importlib.import_module(library)
        # what is done at the first use of these takes a third of what driving a short run does: the schema of notebooks
        # is made into a program, the installed packages are asked for kinds of kernels
        nbformat.validate(nbformat.v4.new_notebook())
        KernelProvisionerFactory.instance()


def warm_up() -> None:
    """Load all that runs need, for a process of which those that run are forked."""
    zygote.load()
    load()


def find_fonts() -> None:
    """Have matplotlib list the machine's fonts; else each plain kernel does, and says on stderr that it takes long."""
    importlib.import_module("matplotlib.font_manager")


class WarmProvisioner(LocalProvisioner):
    """Jupyter's local provisioner with a waiting kernel in the place of a new process."""

    waiting: zygote.WaitingKernel

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
    an answer to nobody's cell, and nbclient passes it over. And it calls before the kernel listens; a socket that is
    refused calls again after a tenth of a second, these after a hundredth.
    """

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.context.setsockopt(zmq.RECONNECT_IVL, 10)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel answers on both channels.

        Raises
        ------
        NoReplyError
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
                raise NoReplyError("Kernel died before replying to kernel_info")
            if time.monotonic() > end:
                raise NoReplyError(f"Kernel didn't respond in {timeout} seconds")


def manager(place: Path, variables: dict[str, str], waiting: zygote.WaitingKernel | None):
    """Make the class of kernel manager for one run.

    Parameters
    ----------
    place : Path
        Where the run writes.
    variables : dict of str to str
        Environment variables that tell the kernel its place and what to do.
    waiting : helpers.zygote.WaitingKernel or None
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
