"""Refresh the data: each source by itself, so that one that stops stops no other, and each as one change or none."""

import contextlib
import datetime
import functools
import importlib
import os
import sys
from dataclasses import dataclass, field

import filelock

from helpers import data, journal, paths
from helpers.sources import feeds, fetch, keep
from helpers.sources.feeds import Missing, Stopped


class Wish(Exception):
    """A wish that cannot be met; says what can."""


@dataclass
class Ask:
    """What a source is given to get its files by: ``ask("National")``, ``ask("facts", cik="0000320193")``.

    Parameters
    ----------
    files : dict of str to Feed
        Files of the source, by name.
    fetcher : Fetcher
    today : str
        ISO date.
    now : callable
        Gives the time.
    closed : callable
        Gives what `keep.closed` told before anything was changed.
    """

    files: dict
    fetcher: fetch.Fetcher
    today: str
    now: object
    closed: object
    received: list = field(default_factory=list)

    def __call__(self, name: str, **blanks: str) -> bytes:
        """Get a file of the source; ``blanks`` fill those of its address."""
        feed = self.files[name]
        address = feed.address.format(**blanks)
        content = self.fetcher.get(feed, address)
        self.received.append((feed, address, content, self.now().strftime("%Y-%m-%dT%H:%M:%SZ")))
        return content

    def contact(self, words: str) -> None:
        """Stop where the user left no address for a host that asks for one."""
        if not self.fetcher.contact:
            raise Missing(f"{words}; say `make refresh CONTACT=name@example.org`")


def refresh(
    source: str = "", dry: bool = False, contact: str = "", local: frozenset = frozenset(), now=None, wait=None
) -> int:
    """Refresh one source, or all, and say what changed.

    Parameters
    ----------
    source : str
        Name in data/feeds.csv; empty for all.
    dry : bool
        Say what would change and write nothing.
    contact : str
        Mail address for hosts that ask for one.
    local, wait
        As for `fetch.Fetcher`; for tests.
    now : callable, optional
        Gives the time, in UTC.

    Returns
    -------
    int
        0 when every source was read, 1 when one stopped.

    Raises
    ------
    Wish
        If there is no such source.
    """
    now = now or (lambda: datetime.datetime.now(datetime.UTC))
    listed = feeds.feeds()
    if source and source not in listed:
        raise Wish(f"SOURCE: no source {source!r}; there are {', '.join(listed)}")
    fetcher = fetch.Fetcher(contact, local, **({"wait": wait} if wait else {}))
    (paths.DATA / ".refresh").mkdir(exist_ok=True)
    lock = filelock.FileLock(paths.DATA / ".refresh" / "lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print("another refresh is at work; this one waits for it", file=sys.stderr, flush=True)
        lock.acquire()
    with contextlib.ExitStack() as held:
        held.callback(lock.release)
        journal.recover()
        # asked for before the first change, if there is one
        stopped, closed = {}, functools.cache(keep.closed)
        for name in [source] if source else listed:
            ask = Ask(listed[name], fetcher, f"{now():%Y-%m-%d}", now, closed)
            try:
                words = _one(name, ask, dry)
            except Missing as error:
                if source:
                    stopped[name] = error
                words = [] if source else [f"left out: {error}"]
            # whatever is wrong with one source, the others are read
            except Exception as error:
                stopped[name], words = error, []
            for line in words:
                print(f"{name}: {_printable(line)}", flush=True)
    for name, error in stopped.items():
        text = str(error) if isinstance(error, (Stopped, data.DataError)) else f"{type(error).__name__}: {error}"
        # faults of the data have a line each, and quote what they name
        text = text if isinstance(error, data.DataError) else _printable(text)
        print(f"error: {name}: {text}", file=sys.stderr)
    if stopped:
        print("What is held of the sources that stopped stays as it was.", file=sys.stderr)
    return 1 if stopped else 0


def _printable(text):
    """One line without what a terminal or the weekly run might take for a command."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _one(name, ask, dry):
    """Pull, compare and keep one source; say what changed."""
    try:
        module = importlib.import_module(f"helpers.sources.{name}")
    except ModuleNotFoundError as error:
        raise Stopped(f"no module {error.name} for this row of data/feeds.csv") from None
    try:
        pulled = module.pull(ask, data.cells, ask.today)
    finally:
        if not dry:
            for received in ask.received:
                keep.archive(*received)
    changes = [keep.compare(name, one, ask.today, ask.closed()[one.table]) for one in pulled]
    changes = [change for change in changes if change or change.words]
    keep.references(changes)
    words = [line for change in changes for line in change.words]
    files = keep.written(changes, ask.today)
    if not files:
        return [*words, "nothing new"]
    told = ", ".join(str(place.relative_to(paths.ROOT)) for place in sorted(files))
    if dry:
        return [*words, f"would write {told}; nothing is written"]
    journal.commit(files)
    return [*words, f"wrote {told}"]


def main(arguments: dict | None = None) -> int:
    """Command line, its wishes in SOURCE, DRY and CONTACT: 0 done, 1 a source stopped, 2 a wrong wish, 130 stopped."""
    wish = os.environ if arguments is None else arguments
    try:
        return refresh(wish.get("SOURCE", ""), wish.get("DRY", "") not in ("", "0"), wish.get("CONTACT", ""))
    except (Wish, Stopped) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except data.DataError as error:
        print(f"error: the data must be in order before they are added to:\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}; make data a folder that can be written to", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; each source is whole, as it was or as it is now", file=sys.stderr)
        return 130
