"""Measure `make report` against its peers, and the statistics against plain loops and the libraries of record.

Run by `make bench` in the environment of the extras; writes docs/bench.md. Contenders take turns, so that a machine
that slows down slows them all; medians and ratios count. ``make bench ROUNDS=1`` is a quick look, written nowhere;
with ``FEW=0`` in the environment the contenders of `SELDOM` are left out.
"""

import concurrent.futures
import contextlib
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from tqdm import tqdm

from helpers import data, environment, kernels, paths, run
from helpers.execution import Job
from helpers.parameters import notebooks
from helpers.runs import Workers

ROUNDS = int(os.environ.get("ROUNDS") or 5)
# of the slow contenders that set no mark: the best loop and the best parallel one are measured in all
FEW = int(os.environ.get("FEW") or 1)
KERNEL = "bench-python"


def jobs(place: Path) -> list[Job]:
    """All notebooks of both editions, the verdicts last."""
    days = [data.REPLICATION, data.latest()]
    names = sorted(notebooks(), key=lambda name: (name == run.VERDICTS, name))
    return [Job(paths.NOTEBOOKS / f"{name}.ipynb", day, place / day, {"as_of": day}) for name in names for day in days]


def phases(place: Path) -> list[list[Job]]:
    """The leaves, then the verdicts that read them."""
    whole = jobs(place)
    return [[job for job in whole if (job.notebook == run.VERDICTS) == last] for last in (False, True)]


# the contenders; each executes all jobs into a fresh place


def ours(place: Path) -> None:
    """Cold `make report`: data checked, every notebook executed, both editions and the landing page bound."""
    _make("report", "FORCE=1")


def papermill_loop(place: Path) -> None:
    """The papermill command line, one notebook after the other."""
    for job in jobs(place):
        _papermill(job)


def papermill_parallel(place: Path) -> None:
    """The papermill command line in as many processes as there are cores."""
    for phase in phases(place):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_papermill, phase))


def nbclient_loop(place: Path) -> None:
    """The library nbclient, one notebook after the other in one process."""
    import nbclient

    for job in jobs(place):
        notebook = _parameterised(job)
        with _told(job):
            nbclient.NotebookClient(notebook, kernel_name=KERNEL, resources=_folder()).execute()


def jupyter_cache_parallel(place: Path) -> None:
    """The library jupyter-cache with its parallel executor."""
    import nbformat
    from jupyter_cache import get_cache
    from jupyter_cache.executors import load_executor

    for number, phase in enumerate(phases(place)):
        cache = get_cache(str(place / f"cache-{number}"))
        for job in phase:
            notebook = _parameterised(job)
            told = f"import os; os.environ[{paths.PLACE_VARIABLE!r}] = {str(job.place)!r}"
            notebook.cells.insert(0, nbformat.v4.new_code_cell(told))
            file = place / f"{job.as_of}-{job.notebook}.ipynb"
            nbformat.write(notebook, file)
            cache.add_nb_to_project(str(file))
        done = load_executor("local-parallel", cache=cache).run_and_cache(timeout=600)
        assert not done.errored and not done.excepted, done


def ploomber(place: Path) -> None:
    """The library ploomber-engine: no kernel, all in one process."""
    command = [sys.executable, __file__, "ploomber", str(place)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment.VARIABLES)


def limit(place: Path) -> None:
    """About the limit: forks of one process that holds the libraries run the code, without a kernel or a notebook."""
    command = [sys.executable, __file__, "limit", str(place)]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | environment.VARIABLES)


REPORTS = {
    "make report": ours,
    "papermill command line, one by one": papermill_loop,
    "jupyter-cache, in parallel": jupyter_cache_parallel,
    "forks without a kernel (about the limit)": limit,
    "papermill command line, in parallel": papermill_parallel,
    "nbclient, one by one": nbclient_loop,
    "ploomber-engine, in one process": ploomber,
}
SELDOM = {papermill_parallel, nbclient_loop, ploomber}


def _make(*words):
    command = ["make", "-s", f"PYTHON={os.environ.get('PYTHON') or 'python3'}", *words]
    return subprocess.run(command, cwd=paths.ROOT, check=True, capture_output=True, text=True).stdout


def _papermill(job):
    job.target.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "papermill", job.source, job.target, "-p", "as_of", job.as_of, "-k", KERNEL]
    command += ["--cwd", job.source.parent, "--no-progress-bar", "--log-level", "CRITICAL"]
    told = {paths.PLACE_VARIABLE: str(job.place), paths.PICTURES_VARIABLE: str(int(job.pictures))}
    variables = os.environ | environment.VARIABLES | told
    subprocess.run([str(word) for word in command], check=True, capture_output=True, env=variables)


def _parameterised(job):
    import papermill.iorw
    import papermill.parameterize

    notebook = papermill.iorw.load_notebook_node(str(job.source))
    return papermill.parameterize.parameterize_notebook(
        notebook, job.parameters, kernel_name="python3", language="python"
    )


@contextlib.contextmanager
def _told(job):
    os.environ[paths.PLACE_VARIABLE] = str(job.place)
    try:
        yield
    finally:
        del os.environ[paths.PLACE_VARIABLE]


def _folder():
    return {"metadata": {"path": str(paths.NOTEBOOKS)}}


def _run_ploomber(place):
    from ploomber_engine import execute_notebook

    os.chdir(paths.NOTEBOOKS)
    for job in jobs(place):
        job.target.parent.mkdir(parents=True, exist_ok=True)
        with _told(job):
            execute_notebook(str(job.source), str(job.target), parameters=job.parameters, progress_bar=False)


def _run_limit(place):
    kernels.warm_up()
    os.chdir(paths.NOTEBOOKS)
    with Workers(kernels.WARM, os.cpu_count()) as workers:
        days = workers.aside(jobs, place)
        for last in (False, True):
            for job in days:
                if (job.notebook == run.VERDICTS) == last:
                    workers.submit(job.name, _code_alone, job)
            failed = [f"{tag}: {error}" for tag, _, error in workers.outcomes() if error]
            assert not failed, failed


def _code_alone(job):
    for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
        del sys.modules[name]
    os.environ[paths.PLACE_VARIABLE] = str(job.place)
    cells = json.loads(job.source.read_text(encoding="utf-8"))["cells"]
    names = {"__name__": "__main__"}
    with Path(os.devnull).open("w", encoding="utf-8") as null, contextlib.redirect_stdout(null):
        for cell in cells:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
                if "parameters" in cell["metadata"].get("tags", []):
                    names |= job.parameters


# small steps


def unchanged() -> float:
    """Seconds of `make report` with nothing changed."""
    return _seconds(lambda: _make("report"))


def edited() -> tuple[float, str]:
    """Seconds of `make report` after a word was added to one notebook, and what it says; the notebook is put back."""
    file = paths.NOTEBOOKS / "02_frontier.ipynb"
    before = file.read_bytes()
    content = json.loads(before)
    content["cells"][-1]["source"] = [*content["cells"][-1]["source"], f" {time.time_ns()}"]
    try:
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        start = time.perf_counter()
        said = _make("report")
        return time.perf_counter() - start, said.splitlines()[0]
    finally:
        file.write_bytes(before)
        _make("report")


def _seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measured(contenders: dict, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender, taking turns; those of `SELDOM` in the first rounds only."""
    found = {name: [] for name in contenders}
    with tqdm(total=rounds * len(contenders), unit="run", disable=None) as bar:
        for turn in range(rounds):
            for name, contender in contenders.items():
                if contender in SELDOM and turn >= FEW:
                    continue
                place = Path(tempfile.mkdtemp())
                bar.set_description(name)
                found[name].append(_seconds(lambda c=contender, p=place: c(p)))
                bar.write(f"{name}: {found[name][-1]:.1f} s", file=sys.stderr)
                shutil.rmtree(place, ignore_errors=True)
                bar.update()
    return found


def table(found: dict[str, list[float]], first: str) -> list[str]:
    """Medians, ranges and ratios to the first contender, in Markdown."""
    base = statistics.median(found[first])
    lines = ["| what | rounds | median, s | range, s | times ours |", "|---|---|---|---|---|"]
    for name, seconds in ((name, seconds) for name, seconds in found.items() if seconds):
        middle = statistics.median(seconds)
        span = f"{min(seconds):.3g} to {max(seconds):.3g}"
        lines.append(f"| {name} | {len(seconds)} | {middle:.3g} | {span} | {middle / base:.3g} |")
    return lines


def machine() -> str:
    """Say on what machine this ran."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = names[0].partition(": ")[2] if names else platform.processor()
    return f"{os.cpu_count()} cores ({processor}), Python {platform.python_version()}, {platform.system()}"


def main() -> None:
    """Measure everything, print it, and write docs/bench.md when the rounds are five or more."""
    import statistics_bench
    import sweep_bench

    kernel = Path(tempfile.mkdtemp())
    folder = kernel / "kernels" / KERNEL
    folder.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    os.environ |= {"JUPYTER_PATH": str(kernel), "PLOOMBER_STATS_ENABLED": "false"} | environment.VARIABLES
    os.environ["PYTHONWARNINGS"] = "ignore"
    data.build()
    only = os.environ.get("ONLY", "")
    lines = [
        "# Speed",
        "",
        "Written by `make bench`: contenders take turns in one session; seconds are medians of "
        f"{ROUNDS} rounds, of {FEW} where the table says so. {machine()}, {date.today():%Y-%m-%d}.",
        "",
    ]
    if only in ("", "report"):
        lines += report_lines()
    if only in ("", "sweep"):
        lines += sweep_lines(sweep_bench)
    if only in ("", "statistics"):
        lines += ["## The statistics", "", *statistics_bench.report(ROUNDS)]
    print(*lines, sep="\n")
    if ROUNDS >= 5 and not only:
        (paths.ROOT / "docs" / "bench.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def report_lines() -> list[str]:
    """Measure the report and its peers; tell it in Markdown."""
    found = measured(REPORTS, ROUNDS)
    seconds, said = edited()
    idle = [unchanged() for _ in range(max(ROUNDS, 5))]
    return [
        f"## The report: {len(notebooks())} notebooks, two editions",
        "",
        "`make report` also checks the data and binds the pages, which the peers do not.",
        "",
        *table(found, "make report"),
        "",
        f"Nothing changed: {statistics.median(idle):.3f} s (median of {len(idle)}). "
        f"One notebook edited: {seconds:.1f} s; it says: *{said}*.",
        "",
    ]


def sweep_lines(bench) -> list[str]:
    """Measure a sweep of 50 runs, here and on Dask, against the papermill loop; tell it in Markdown."""
    with bench.Sweep() as fifty:

        def loop(place: Path) -> None:
            for job in fifty.sample(place):
                _papermill(job)

        contenders = {
            "make sweep": lambda place: _make("sweep", f"GRID={fifty.file}", "FORCE=1"),
            "make sweep, two local Dask workers": lambda place: _make(
                "sweep", f"GRID={fifty.file}", "FORCE=1", f"SCHEDULER={fifty.scheduler}"
            ),
            "papermill command line, one by one": loop,
        }
        with fifty.memory() as megabytes:
            _make("sweep", f"GRID={fifty.file}", "FORCE=1")
        found = measured(contenders, ROUNDS)
    alone = "papermill command line, one by one"
    found[alone] = [seconds * fifty.runs / fifty.sampled for seconds in found[alone]]
    return [
        f"## A sweep of {fifty.runs} runs",
        "",
        f"No run draws its figures. Papermill makes {fifty.sampled} of the runs, two a notebook, and is scaled up.",
        "",
        *table(found, "make sweep"),
        "",
        "Private memory of a further run, its kernel and the process that drives it, at its peak: "
        f"median {statistics.median(megabytes):.0f} MB, most {max(megabytes):.0f} MB.",
        "",
    ]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"ploomber": _run_ploomber, "limit": _run_limit}[sys.argv[1]](Path(sys.argv[2]))
    else:
        multiprocessing.set_start_method("spawn")
        main()
