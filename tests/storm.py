"""Kill runs at random moments, fill the disk under them, start two at once: what is published is whole each time.

Run by a process that holds the libraries, in a small project, so that the moments fall into the work and not into the
imports: ``storm.py <seed> <kills>``. Prints what happened as JSON; ends with an error at the first thing that broke.
"""

import base64
import contextlib
import errno
import functools
import gc
import itertools
import json
import mmap
import os
import random
import resource
import signal
import sys
import time
import types
from pathlib import Path

import pandas as pd

from helpers import data, freshness, kernels, paths, readme, run, terminal

STOPS = [signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 143, signal.SIGINT: 130}
NOTE, STATES = data.REPLICATION, ("one", "two")
DAYS = [NOTE, data.latest()]
PLAIN = {file.name: file.read_text(encoding="utf-8") for file in sorted(paths.NOTEBOOKS.glob("*.ipynb"))}
MENTIONS, LEDGER = paths.RAW / "earnings_mentions.csv", paths.DATA / "sources.csv"
RAW, LISTED = MENTIONS.read_text(encoding="utf-8"), LEDGER.read_text(encoding="utf-8")
WRITES = mmap.mmap(-1, 8)
COUNT, CHANCE = itertools.count(), random.Random(int(sys.argv[1]))


# the project in two states


def turn(state):
    """Put the notebooks into a state, without outputs."""
    for name, text in PLAIN.items():
        (paths.NOTEBOOKS / name).write_text(text.replace("'one'", f"'{state}'"), encoding="utf-8")


def turn_data(state):
    """Put the raw data into a state."""
    MENTIONS.write_text(RAW if state == "one" else RAW.replace("restated", "approximate"), encoding="utf-8")
    before = freshness.hashlib.sha256(RAW.encode()).hexdigest()
    LEDGER.write_text(LISTED.replace(before, freshness.digest(MENTIONS)), encoding="utf-8")


def hashes(*places):
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    return {str(file.relative_to(paths.ROOT)): freshness.digest(file) for file in sorted(files) if file.is_file()}


def editions():
    """What is published, in pieces of which each is old or new."""
    pieces = {day: hashes(paths.REPORT / day) for day in DAYS}
    pieces["docs"] = hashes(paths.REPORT / "docs")
    return pieces | {"landing": hashes(paths.REPORT / "index.html", paths.REPORT / "style.css", paths.REPORT / "fonts")}


def printed():
    return {NOTE: hashes(paths.REPORT / NOTE)}


def swept():
    return {"sweep": hashes(paths.REPORT / "sweeps")}


def stored():
    return hashes(*paths.NOTEBOOKS.glob("*.ipynb"), paths.ROOT / "README.md", *(paths.ROOT / "docs").glob("*.png"))


def tables():
    """What is read of the data, after a look at every table that is built."""
    for file in paths.PROCESSED.glob("*.parquet"):
        pd.read_parquet(file)
    return {name: data.load(name, DAYS[1]).to_csv() for name in data.sources().index}


def left_overs():
    found = [file for file in paths.ROOT.rglob("*.part") if ".runs" not in file.parts]
    return sorted(map(str, [*found, *paths.REPORT.glob(".stage-*"), *paths.REPORT.glob(".old-*")]))


# processes


def started(work, prepare=None):
    """Begin a piece of work in a process of its own; give its number and the file of what it says."""
    said = paths.ROOT.parent / f"said-{next(COUNT)}.txt"
    # what is still held back would be said by the child again
    sys.stdout.flush()
    child = os.fork()
    if child:
        return child, said
    code = 1
    try:
        os.setsid()
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 1)
        os.dup2(1, 2)
        if prepare:
            prepare()
        code = work()
    except SystemExit as leave:
        code = leave.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        os._exit(code)


def ended(child, said):
    """Give the exit code of a process and what it said, once it and all that it started have ended."""
    code, deadline = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), time.monotonic() + 5
    while others() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert not others(), "an orphan process"
    text = said.read_text(encoding="utf-8") if said.exists() else ""
    assert "Traceback" not in text and "exception" not in text.lower(), text
    return code, text


def others():
    found = []
    for file in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            if file.parent.name != str(os.getpid()) and file.readlink().is_relative_to(paths.ROOT.parent):
                found.append(file.parent.name)
    return found


def command(*arguments):
    return functools.partial(run.main, [*arguments, "--kernels=warm"])


def whole(work, prepare=None):
    """Have a piece of work end well; give how long it took."""
    begun = time.monotonic()
    code, said = ended(*started(work, prepare))
    assert code == 0, said
    return time.monotonic() - begun


def killed(work, moment, stop):
    child, said = started(work)
    time.sleep(moment)
    # a terminal sends Ctrl-C to the whole group, which a process leads that has begun
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if stop == signal.SIGINT else os.kill)(child, stop)
    code, text = ended(child, said)
    assert code in (0, CODES[stop], -stop), (code, stop, text)
    return code


# what befalls the runs


def limited(most=10**9):
    """Have the disk be full after some writes: of the work, its workers and its kernels."""

    def look(event, arguments):
        write = event in ("os.mkdir", "os.link") or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if write and str(arguments[0]).startswith(str(paths.ROOT)) and not str(arguments[0]).endswith("lock"):
            WRITES[:] = (written() + 1).to_bytes(8, "little")
            if written() > most:
                raise OSError(errno.ENOSPC, "No space left on device", str(arguments[0]))

    WRITES[:] = bytes(8)
    return lambda: sys.addaudithook(look)


def written():
    return int.from_bytes(WRITES[:], "little")


def befallen(kills, fills, observe, *ways, change=turn):
    """Kill work again and again, then fill the disk under it: each piece of what is observed is the old or the new.

    Parameters
    ----------
    kills : int
        Their moments cover the work.
    fills : int
        How often the disk is full, from writes on that cover the work.
    observe : callable
        Gives pieces of what there is to be read.
    *ways : callable
        The work, and longer ways of it that are taken less often; all but the first reach all pieces.
    change : callable
        Puts the project into the state that the work is to reach.

    Returns
    -------
    list of int
        Exit codes.
    """
    good, spans, writes, codes = {}, [], [], []
    for state in STATES:
        change(state)
        whole(ways[-1])
        good[state] = observe()
    assert good["one"] != good["two"]
    for way in ways:
        spans.append(whole(way, limited()))
        writes.append(written())
    for n in range(kills + fills):
        state, share = STATES[n % 2], CHANCE.random()
        place = ((0, 0, 0, 0, 1, 0, 0, 0, 0, 2)[n % 10] if n < kills else n) % len(ways)
        change(state)
        last = observe()
        if n < kills:
            moment = share * spans[place]
            codes.append(killed(ways[place], moment, CHANCE.choice(STOPS)))
            # a machine that is less busy than it was has done sooner
            spans[place] *= 0.8 if codes[-1] == 0 else 1.02
            told = f"killed {moment:.3f} s from the start"
        else:
            most = int((n - kills + share) / fills * writes[place])
            code, said = ended(*started(ways[place], limited(most)))
            assert code in (0, 1) and (code == 0) == ("error: " not in said), said
            assert not list(paths.REPORT.glob(".stage-*")), left_overs()
            codes.append(code)
            told = f"the disk full after {most} writes: {said}"
        found = observe()
        assert found.keys() == good[state].keys(), told
        torn = [name for name in found if found[name] not in (last.get(name), good[state][name])]
        assert not torn, f"{torn} neither old nor new, {told}"
        if n % 25 == 24 or n == kills + fills - 1:
            whole(ways[min(1, len(ways) - 1)])
            assert observe() == good[state] and not left_overs(), left_overs()
    return codes


def data_filled():
    """Have files of the data not become longer than some bytes, as on a full disk."""
    codes = []
    for n, most in enumerate((1, 500, 3000, 6000)):
        turn_data(STATES[n % 2])
        limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
        code, said = ended(*started(functools.partial(terminal.run, data.main), limit))
        # what it says goes into a file too
        assert (code == 0) == ("data/processed is" in said) and said.count("\n") <= 1, said
        codes.append(code)
        tables()
    return codes


def together():
    """Start two at once: the second waits for the first, and does the work when that was killed."""
    codes = []
    for state, stop in (("one", None), ("two", signal.SIGKILL)):
        turn(state)
        first = started(command("report", "--force=1"))
        while not list(paths.REPORT.glob(".stage-*/*")):
            time.sleep(0.002)
        second = started(command("report"))
        while "Another run is at work on report/; waiting" not in _read(second[1]):
            time.sleep(0.002)
        if stop:
            os.kill(first[0], stop)
        codes.append([os.waitstatus_to_exitcode(os.waitpid(first[0], 0)[1]), ended(*second)[0]])
        found = editions()
        whole(command("report"))
        assert editions() == found and not left_overs(), left_overs()
    return codes


def _read(file):
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main():
    """Let it storm."""
    # README of a project that has no such exhibits
    readme.findings = lambda: "".join(f"{name} {value}\n" for name, value in hashes(paths.NOTEBOOKS).items())
    readme.exhibit = lambda *_: types.SimpleNamespace(data={"image/png": base64.b64encode(readme.findings().encode())})
    kernels.warm_up()
    both, forced, one = command("report"), command("report", "--force=1"), command("report", f"--as-of={NOTE}")
    whole(both)
    # here too, so that each process begins with templates read and modules loaded
    freshness.forget()
    assert run.main(["report", "--kernels=plain"]) == 0
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, signal.SIG_DFL)
    gc.freeze()
    build = functools.partial(terminal.run, data.main)
    told = {
        "report": befallen(int(sys.argv[2]), 6, editions, one, both, forced),
        "together": together(),
        "refresh-outputs": befallen(5, 2, stored, command("refresh-outputs")),
        "sweep": befallen(3, 2, swept, command("sweep", "sweeps/small.yml")),
        "pdf": befallen(3, 2, printed, command("pdf", f"--as-of={NOTE}")),
        "data": befallen(6, 0, tables, build, change=turn_data) + data_filled(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
