import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import journal, paths

OLD = {"raw/a.csv": b"old a", "sources.csv": b"old ledger"}
NEW = {"raw/a.csv": b"new a", "sources.csv": b"new ledger", "vintages/a.csv": b"a later value"}

# changes three files to one number after another, until it is killed
CHANGING = """
import itertools, sys
from pathlib import Path
from helpers import journal, paths

paths.DATA = Path(sys.argv[1])
print("begun", flush=True)
for number in itertools.count():
    journal.commit({paths.DATA / name: str(number).encode() * 20000 for name in ("a", "b", "c")})
"""


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "DATA", tmp_path)
    (tmp_path / "raw").mkdir()
    for name, content in OLD.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def held(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and ".refresh" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def changes(folder):
    return {folder / name: content for name, content in NEW.items()}


def test_a_change_puts_all_files_in_their_places_and_leaves_no_drafts(folder):
    journal.commit(changes(folder))
    assert held(folder) == NEW
    assert list((folder / ".refresh").iterdir()) == []
    assert not journal.recover()


def killed_at(step, monkeypatch):
    """End the process at the given one of its writes and moves."""
    count = iter(range(1000))

    def counted(act):
        def acted(*arguments, **words):
            if next(count) == step:
                raise Killed
            return act(*arguments, **words)

        return acted

    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(Path, "replace", counted(Path.replace))
    monkeypatch.setattr(Path, "unlink", counted(Path.unlink))


@pytest.mark.fault(56)
def test_a_change_killed_at_any_step_leaves_all_old_or_all_new(folder, monkeypatch):
    seen = []
    for step in range(50):
        shutil.rmtree(folder / ".refresh", ignore_errors=True)
        for name in {*OLD, *NEW}:
            (folder / name).unlink(missing_ok=True)
        for name, content in OLD.items():
            (folder / name).write_bytes(content)
        with monkeypatch.context() as patched:
            killed_at(step, patched)
            try:
                journal.commit(changes(folder))
            except Killed:
                pass
            else:
                break
        journal.recover()
        seen.append(held(folder) == NEW)
        assert held(folder) in (OLD, NEW), f"half a change after step {step}"
    # four drafts and the move that decides; then three moves and the end of the journal
    assert seen == [False] * 5 + [True] * 4


@pytest.mark.fault(56)
def test_processes_killed_at_any_time_leave_all_files_of_one_change(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "DATA", tmp_path)
    chance, found = random.Random(7), set()
    for count in range(100):
        # a busy machine may kill some before their first change
        if count >= 5 and found:
            break
        command = [sys.executable, "-c", CHANGING, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "begun\n"
            time.sleep(chance.uniform(0.01, 0.06))
            process.send_signal(signal.SIGKILL)
        journal.recover()
        contents = {path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
        assert len(contents) <= 1
        found |= contents
    assert found


def test_the_next_change_clears_the_drafts_of_one_that_was_killed_before_it_was_decided(folder, monkeypatch):
    with monkeypatch.context() as patched:
        killed_at(2, patched)
        with pytest.raises(Killed):
            journal.commit(changes(folder))
    assert len(list((folder / ".refresh").glob("*.part"))) == 3
    journal.commit({folder / "sources.csv": b"newest"})
    assert list((folder / ".refresh").iterdir()) == []
    assert held(folder) == OLD | {"sources.csv": b"newest"}


def test_a_reader_that_finishes_late_takes_no_later_change_with_it(folder, monkeypatch):
    def killed(step, change):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_at(step, patched)
            journal.commit(change)

    killed(5, changes(folder))
    unlink = Path.unlink

    def meanwhile(path, **words):
        monkeypatch.setattr(Path, "unlink", unlink)
        journal.recover()
        # decided, and killed before its first move
        killed(3, {folder / "sources.csv": b"newest"})
        unlink(path, **words)

    monkeypatch.setattr(Path, "unlink", meanwhile)
    journal.recover()
    journal.recover()
    assert held(folder) == NEW | {"sources.csv": b"newest"}


def test_a_file_outside_the_data_is_refused_and_nothing_is_changed(folder):
    with pytest.raises(ValueError, match="not in the subpath"):
        journal.commit(changes(folder) | {folder.parent / "elsewhere.csv": b""})
    journal.recover()
    assert held(folder) == OLD
