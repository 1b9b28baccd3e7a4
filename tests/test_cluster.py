import json
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from helpers import cluster, environment, paths
from helpers.execution import Job

LEAF = """
from helpers import inference
from helpers.notebook import Notebook
from helpers.rows import rows_of
notebook = Notebook("01_leaf", as_of)
entered = rows_of(notebook.load("security_groups"))
found = inference.exact(-3.0 * scale, "percent", 10, "test", entered)
notebook.record("semiconductors-fell-after", found, {"other": found})
"""
GRID = "title: Small\nnotebooks: [01_leaf]\nclaims: []\nparameters:\n  scale: [1, 2, 3]\n"
DASK = """
import sys, distributed
from helpers import run
if __name__ == "__main__":
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as hosts:
        sys.exit(run.main(["sweep", "sweeps/small.yml", f"--scheduler={hosts.scheduler_address}", "--force=1"]))
"""


class Client:
    """A scheduler of this process, whose one worker runs what it is given at once."""

    def __init__(self, address, **options):
        if address != "tcp://here:8786":
            raise OSError("Timed out trying to connect\nmore")
        self.sent = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def submit(self, work, *arguments, pure, retries):
        future = SimpleNamespace(result=lambda: work(*arguments), release=lambda: None)
        return Future(future.result)


class Future:
    def __init__(self, result):
        self.result, self.release = result, lambda: None


@pytest.fixture
def dask(place, monkeypatch):
    """A stand-in for Dask, and a nursery of this test's own."""
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client, as_completed=list))
    monkeypatch.setattr(cluster, "_held", threading.local())
    yield place
    if getattr(cluster._held, "nursery", None):
        cluster._held.nursery._process.stdin.close()
        assert cluster._held.nursery._process.wait(10) == 0
        cluster._held.nursery._process.stdout.close()


def jobs(place, *names):
    return [Job(paths.NOTEBOOKS / f"{name}.ipynb", "2025-02-14", place.report / "stage" / name) for name in names]


def spread(jobs, **options):
    return {job.notebook: fault for job, fault in cluster.spread(jobs, "tcp://here:8786", **options)}


def test_runs_of_a_cluster_come_back_whole_with_their_faults_and_are_kept(dask):
    write = "import os, pathlib\npathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/points.csv').write_text('1')"
    # words past Jupyter and a death must not pass for answers of the worker
    dask.write("01_leaf", write, "import os\n_ = os.system('echo words 1>&2; echo words >/proc/1/fd/none 2>/dev/null')")
    dask.write("02_raises", "1 / 0")
    dask.write("03_dies", "import os\nos.kill(int(os.environ['JPY_PARENT_PID']), 9)")
    dask.write("04_good", "print('good')")
    wanted = jobs(dask, "02_raises", "03_dies", "04_good", "01_leaf")
    found = spread(wanted)
    assert found["02_raises"] == "cell 2: ZeroDivisionError: division by zero"
    assert "died" in found["03_dies"] and found["04_good"] is None
    assert set(dask.files("report/stage/04_good/04_good")) == {"notebook.ipynb", "run.json"}
    # taken from here the next time, without a worker
    cluster._held.nursery.run = None
    assert spread(wanted[2:3]) == {"04_good": None}


def test_a_worker_of_another_version_does_not_answer(dask):
    dask.write("01_leaf")
    files, fault = cluster.run_here("01_leaf", "2025-02-14", {}, {"lock": "another"})
    assert files == {} and fault.startswith("the worker's repository or environment is another version: ")


def test_a_scheduler_that_does_not_answer_is_told_in_one_line(dask):
    dask.write("01_leaf")
    with pytest.raises(cluster.ClusterError, match=r"'tcp://none:1' does not answer: Timed out trying to connect$"):
        list(cluster.spread(jobs(dask, "01_leaf"), "tcp://none:1"))


def test_without_dask_the_remedy_is_told(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(cluster.ClusterError, match="`make extras`"):
        list(cluster.spread([], "tcp://here:8786"))


def test_a_nursery_answers_each_line_with_a_line_and_ends_with_its_input(copy):
    copy.write("01_leaf", "import os\nos.write(2, b'past Jupyter')")
    copy.write("02_good", "print('good')")
    variables = environment.VARIABLES | {"PYTHONPATH": str(copy.root / "src")}
    wishes = [
        {"source": str(copy.notebooks / f"{name}.ipynb"), "as_of": "2025-02-14", "place": str(copy.root / "runs")}
        for name in ("02_good", "02_good")
    ]
    done = subprocess.run(
        [sys.executable, "-m", "helpers.cluster"],
        input="".join(json.dumps(wish) + "\n" for wish in wishes),
        capture_output=True,
        text=True,
        env=variables,
        cwd=copy.root,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "null\nnull\n"), done.stderr
    assert copy.printed("02_good") == "good\n" and copy.orphans() == []


def test_a_real_cluster_of_dask_gives_the_same_bytes(copy):
    pytest.importorskip("distributed", reason="Dask is not here: `make extras` has it, and `make bench` uses it")
    copy.write("01_leaf", LEAF, settings="as_of = '2025-02-14'\nscale = 1.0")
    (copy.root / "sweeps" / "small.yml").write_text(GRID, encoding="utf-8")
    assert copy.run("sweep", "sweeps/small.yml")[0] == 0
    here = copy.files("report/sweeps/small")
    script = copy.root / "dask.py"
    script.write_text(DASK, encoding="utf-8")
    assert copy.run(kernels=None, command=[script])[0] == 0
    assert copy.files("report/sweeps/small") == here
