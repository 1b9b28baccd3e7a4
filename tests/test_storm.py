"""What the storm of tests/storm.py did to the runs of a small project; it ends with an error where something broke."""

import json
import shutil
import signal

import pandas as pd
import pytest

from helpers import data, paths, readme

KILLS = 101
LEAF = """
from helpers import adoption
from helpers.notebook import Notebook
notebook = Notebook("01_leaf", as_of)
found = adoption.yearly_change(notebook.load("earnings_mentions"), "2023Q1", "2024Q4")
notebook.record("mentions-rise", found, {"again": found})
print('one')
"""
READ = """
import os, pathlib
print('one', pathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/results.json').stat().st_size)
"""
TABLES = ["btos_national", "earnings_mentions"]
STOPPED = {130, 143, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT}


@pytest.fixture(scope="module")
def told(copied, tmp_path_factory):
    """What came of each kind of work: its exit codes."""
    copy = copied(tmp_path_factory.mktemp("storm") / "a {copy}", shutil.copy2)
    folder = copy.root
    (folder / "references.bib").write_text("", encoding="utf-8")
    for name in ("sources", "columns"):
        file = folder / "data" / f"{name}.csv"
        rows = pd.read_csv(file, dtype=str, keep_default_na=False)
        rows[rows.table.isin(TABLES)].to_csv(file, index=False, lineterminator="\n")
    for file in [*(folder / "data" / "raw").iterdir(), *(folder / "data" / "processed").iterdir()]:
        if file.stem not in TABLES or file.suffix != ".csv":
            file.unlink()
    (folder / "sweeps" / "small.yml").write_text(
        "title: Small\nnotebooks: [01_leaf]\nclaims: []\nparameters:\n  draws: [100, 101]\n", encoding="utf-8"
    )
    (folder / "README.md").write_text(f"# Small\n\nA project.\n\n{readme.BEGIN}\n{readme.END}\n", encoding="utf-8")
    copy.write("01_leaf", LEAF)
    copy.write("99_verdicts", READ)
    script = paths.ROOT / "tests" / "storm.py"
    code, said = copy.run(20250127, KILLS, kernels=None, command=[script])
    assert code == 0, said
    return json.loads(said.splitlines()[-1])


@pytest.mark.fault(10, 11, 12)
def test_a_report_killed_a_hundred_times_is_whole_each_time_and_the_next_run_sweeps_and_succeeds(told):
    codes = told["report"][:KILLS]
    assert len(codes) == KILLS > 100 and set(codes) <= STOPPED | {0}
    # most were stopped at work, each in its own way
    assert codes.count(0) < KILLS / 2 and {130, 143, -signal.SIGKILL} <= set(codes)
    assert codes.count(-signal.SIGKILL) > KILLS / 5


@pytest.mark.fault(12)
@pytest.mark.parametrize("kind", ["refresh-outputs", "sweep", "pdf", "data"])
def test_other_work_that_is_killed_leaves_old_or_new_and_nothing_half(told, kind):
    assert set(told[kind]) & STOPPED and set(told[kind]) <= STOPPED | {0, 1}


@pytest.mark.fault(13)
@pytest.mark.parametrize("kind", ["report", "refresh-outputs", "sweep", "pdf", "data"])
def test_a_disk_that_is_full_from_some_write_on_leaves_the_last_good_result(told, kind):
    assert told[kind].count(1) >= 1


@pytest.mark.fault(14)
def test_of_two_runs_at_once_the_second_waits_and_takes_over_where_the_first_is_killed(told):
    assert told["together"] == [[0, 0], [-signal.SIGKILL, 0]]


def test_the_small_project_of_the_storm_reads_tables_that_are_there():
    assert set(TABLES) <= set(data.sources().index)
