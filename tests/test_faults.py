"""Every fault of the ledger is provoked by a test; and those that only a whole report can show."""

import time

import pytest

import faults

NOTE = "2025-02-14"
# the limits of a run, as small as a test can wait for
LIMITED = """
import functools, sys
from helpers import execution, run

run.Job, execution.OUTPUT_BYTES = functools.partial(execution.Job, seconds=3), 2_000_000
sys.exit(run.main(sys.argv[1:]))
"""
CELLS = {
    "01_dies": ("import os\nos.kill(os.getpid(), 9)", "the kernel died; is there enough memory?"),
    "02_lasts": ("import time\ntime.sleep(600)", "was stopped after 3 seconds"),
    "03_hoards": ("memory = bytearray(1 << 62)", "MemoryError"),
    "04_floods": ("print('x' * 3_000_000)", "put out 3 MB; the limit is 2 MB"),
}


@pytest.mark.fault(6, 8, 9, 21, 23)
def test_a_report_whose_cells_die_last_or_flood_ends_in_time_with_a_line_each(copy):
    for name, (source, _) in CELLS.items():
        copy.write(name, source)
    (copy.root / "limited.py").write_text(LIMITED, encoding="utf-8")
    copy.edition(NOTE)
    before, begun = copy.files(f"report/{NOTE}"), time.monotonic()
    code, said = copy.run("report", f"--as-of={NOTE}", command=[copy.root / "limited.py"])
    assert code == 1 and time.monotonic() - begun < 300
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert errors == [
        f"error: {name} as of {NOTE}: cell 3{' ' if words.startswith('put') else ': '}{words} "
        f"(read report/failed/{NOTE}/{name}.ipynb)"
        for name, (_, words) in CELLS.items()
    ]
    assert copy.files(f"report/{NOTE}") == before and set(copy.files(f"report/failed/{NOTE}")) == {
        "faults.txt",
        *(f"{name}.ipynb" for name in CELLS),
    }


def test_the_ledger_numbers_each_fault_once_in_order_and_says_what_it_gives():
    rows = faults.ledger()
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["group"] and row["fault"] and row["gives"] for row in rows)


def test_every_fault_is_provoked_by_a_test_and_no_test_provokes_one_that_is_not_in_the_ledger():
    known, marked = {row["number"]: row["fault"] for row in faults.ledger()}, faults.provoked()
    assert {number: tests for number, tests in marked.items() if number not in known} == {}
    assert {number: fault for number, fault in known.items() if number not in marked} == {}


def test_the_page_of_the_faults_is_up_to_date():
    assert faults.PAGE.read_text(encoding="utf-8") == faults.page(), "run `make faults`"


def test_a_mark_is_found_on_a_test_and_on_one_of_its_parameters_and_nowhere_else(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "TESTS", tmp_path)
    (tmp_path / "test_a.py").write_text(
        "@pytest.mark.fault(1, 3)\n@other(2)\ndef test_b(): ...\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.fault(3))])\ndef test_c(): fault(4)\n",
        encoding="utf-8",
    )
    assert faults.provoked() == {1: [("test_a.py", "test_b")], 3: [("test_a.py", "test_b"), ("test_a.py", "test_c")]}
