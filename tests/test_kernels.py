import json
import os
import subprocess
import sys
import threading

import pytest

from helpers import environment, kernels, paths, run, zygote

# what a cell can see of its process, but for the address of its socket and its parent
PROBE = """
import json, os, signal, sys
seen = {
    "path": sys.path,
    "argv": [word for word in sys.argv if "kernel-" not in word],
    "folder": os.getcwd(),
    "variables": {name: value for name, value in os.environ.items() if name != "JPY_PARENT_PID"},
    "helpers": sorted(name for name in sys.modules if name.startswith("helpers")),
    "umask": os.umask(0o022),
    "signals": [str(signal.getsignal(number)).split(" at ")[0] for number in (signal.SIGINT, signal.SIGTERM)],
    "flags": list(sys.flags),
    "hash": hash("text"),
    "leader": os.getsid(0) == os.getpid(),
}
print(json.dumps(seen))
"""
WORK = """
import matplotlib.pyplot as plt, numpy as np, pandas as pd, statsmodels.api as sm
from helpers import charts
from helpers.notebook import Notebook
notebook = Notebook("02_work", as_of)
table = pd.DataFrame({"x": np.arange(9.0), "y": np.random.default_rng(1).normal(size=9)})
figure, (axis,) = charts.canvas("A line of 9 points", "What is drawn", 2)
axis.plot(table.x, table.y)
notebook.figure("work-line", charts.Drawing(figure, "A line of 9 points", "9 points.", table), "made up")
print(sm.OLS(table.y, sm.add_constant(table.x)).fit().params.to_list(), {"b", "a", "c"}, dir())
"""
DRAWS = """
import random, secrets, tempfile, uuid
import numpy as np
print(random.random(), np.random.rand(), tempfile.mkdtemp(), uuid.uuid4(), np.random.default_rng().random())
"""
MEMORY = """
import pathlib
text = pathlib.Path("/proc/self/smaps_rollup").read_text()
print(sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")))
"""


@pytest.fixture
def ran(copy):
    """The same notebooks with both kinds of kernels."""
    written = {"01_probe": PROBE, "02_work": WORK, "03_draws": DRAWS, "04_draws": DRAWS, "05_memory": MEMORY}
    for name, source in written.items():
        copy.write(name, source, settings="as_of = '2025-02-14'")
    for kind, names in (("warm", list(written)), ("plain", list(written)[:2])):
        # the same folder, for a run names it in its variables
        faults, words = copy.execute(kind, *names)
        assert set(faults.values()) == {None} and words == [], faults
        (copy.root / "runs").rename(copy.root / kind)
    return copy


@pytest.mark.fault(65)
def test_a_warm_kernel_is_a_plain_one_but_for_its_libraries(ran):
    # alike to the byte: notebook, pictures, points
    assert ran.files("warm/02_work") == ran.files("plain/02_work")
    assert {"notebook.ipynb", "work-line.png", "work-line.svg", "work-line.csv"} == set(ran.files("warm/02_work"))
    warm, plain = (json.loads(ran.printed("01_probe", kind)) for kind in ("warm", "plain"))
    for seen in (warm, plain):  # the environment's own package, which the copy's hides
        seen["path"] = [place for place in seen["path"] if place != str(paths.ROOT / "src")]
    assert warm == plain
    assert warm["helpers"] == [] and warm["folder"] == str(ran.notebooks) and warm["leader"]
    # no state of chance is inherited, and none of it is the same twice
    first, second = (ran.printed(name, "warm").split() for name in ("03_draws", "04_draws"))
    assert not set(first) & set(second) and len(first) == 5
    # memory is shared: what a further run costs, in kilobytes
    assert int(ran.printed("05_memory", "warm")) < 120_000


@pytest.mark.parametrize("name", environment.VARIABLES)
def test_without_what_every_kernel_has_kernels_are_plain_and_warm_ones_refused(monkeypatch, name):
    for variable, value in environment.VARIABLES.items():
        monkeypatch.setenv(variable, value)
    assert zygote.prepared()
    monkeypatch.delenv(name)
    assert kernels.kind() == "plain"
    with pytest.raises(kernels.KindError, match="needs the variables that `make` sets"):
        kernels.kind("warm")


def test_a_process_with_threads_is_not_forked_unless_that_is_wished(monkeypatch):
    for variable, value in environment.VARIABLES.items():
        monkeypatch.setenv(variable, value)
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert kernels.kind() == "plain" and kernels.kind("warm") == "warm" and kernels.kind("plain") == "plain"
    finally:
        done.set()
        thread.join()


def test_a_system_that_cannot_fork_has_plain_kernels_only(monkeypatch):
    monkeypatch.delattr(os, "fork")
    monkeypatch.setattr(sys, "platform", "win32")
    assert kernels.kind() == "plain"
    with pytest.raises(kernels.KindError, match="cannot fork, so there are no warm kernels"):
        kernels.kind("warm")


def test_a_container_that_lets_no_process_be_held_has_plain_kernels(monkeypatch):
    for variable, value in environment.VARIABLES.items():
        monkeypatch.setenv(variable, value)

    def forbidden(_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", forbidden)
    assert kernels.kind() == "plain"


def test_a_kind_that_there_is_not_is_refused_in_one_line(place, capsys):
    from helpers import run

    place.write("01_leaf")
    assert run.main(["report", "--kernels=nonsense"]) == 2
    assert capsys.readouterr().err == "error: KERNELS takes warm or plain, not 'nonsense'\n"


def test_fonts_are_listed_before_plain_kernels_need_them(tmp_path, monkeypatch):
    code = "from helpers import kernels; kernels.find_fonts()"
    variables = os.environ | {"MPLCONFIGDIR": str(tmp_path), "PYTHONPATH": str(paths.ROOT / "src")}
    subprocess.run([sys.executable, "-c", code], env=variables, check=True)
    assert len(list(tmp_path.glob("fontlist-*.json"))) == 1
    listed = []
    monkeypatch.setattr(kernels, "find_fonts", lambda: listed.append(True))
    with run._workers("plain", int, "7") as (workers, value):
        assert workers.kernels == "plain" and listed == [True] and value == 7
