"""A sweep of fifty runs: its grid, the Dask cluster beside it, and the memory that its runs take for themselves."""

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import psutil

from helpers import paths, sweep
from helpers.execution import Job

GRID = """title: Ten editions of five notebooks
notebooks: [01_returns, 02_frontier, 03_open_source_lag, 05_concentration, 07_model_makers]
claims: []
parameters:
  as_of: [2024-09-30, 2024-10-31, 2024-11-29, 2024-12-31, 2025-01-31, 2025-02-28, 2025-03-31, 2025-06-30, 2025-12-31, 2026-06-30]
"""  # noqa: E501


class Sweep:
    """The grid of fifty runs and a local Dask cluster of two workers, while it is entered."""

    def __enter__(self):
        self._path = paths.ROOT / "sweeps" / "bench-fifty.yml"
        self._path.write_text(GRID, encoding="utf-8")
        self.file = f"sweeps/{self._path.name}"
        self._points = sweep.points(sweep.read(self.file))
        self.runs, self.sampled = len(self._points), len(self.sample(Path()))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.scheduler = f"tcp://127.0.0.1:{port}"
        dask = Path(sys.executable).with_name("dask")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        scheduler = [dask, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        workers = [dask, "worker", self.scheduler, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
        known = os.environ | {"PYTHONPATH": str(paths.ROOT / "src")}
        self._started = [subprocess.Popen(each, env=known, cwd=paths.ROOT, **quiet) for each in (scheduler, workers)]
        return self

    def __exit__(self, *_):
        self._path.unlink()
        for process in reversed(self._started):
            process.terminate()
            process.wait(30)

    def sample(self, place: Path) -> list[Job]:
        """Give a peer a fifth of the runs: those of two editions, the same for every notebook."""
        days = sorted({settings["as_of"] for _, settings in self._points})[2::5]
        return [
            Job(paths.NOTEBOOKS / f"{name}.ipynb", day, place / day, settings, pictures=False)
            for name, settings in self._points
            if (day := settings["as_of"]) in days
        ]

    @contextlib.contextmanager
    def memory(self):
        """Watch the runs of this process's children; the list it gives fills with the megabytes of each at its peak.

        A run is a kernel and the process that drives it. All of these are alike, so each kernel is given their median.
        """
        kernels, drivers, found, done = {}, {}, [], threading.Event()

        def watch():
            while not done.wait(0.2):
                for peaks, processes in zip((kernels, drivers), _runs(), strict=True):
                    for process in processes:
                        with contextlib.suppress(psutil.Error):
                            own = process.memory_full_info().uss / 1e6
                            peaks[process.pid] = max(peaks.get(process.pid, 0), own)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield found
        finally:
            done.set()
            watcher.join()
            found += [peak + statistics.median(drivers.values()) for peak in kernels.values()]


def _runs():
    """Kernels at work, which the zygote forked, and the processes that drive them, which its parent did."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error, ValueError):
            if process.cmdline()[1:3] == ["-m", "helpers.launch"]:
                # begun before all others
                zygote, *drivers = sorted(process.children(), key=lambda child: child.create_time())
                return zygote.children(), drivers
    return [], []
