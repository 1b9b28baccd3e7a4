"""Bind editions beside the runs that are still on: each part as soon as what it follows from is there.

The pages of an edition's numbers follow from its leaves, its other pages from all of its notebooks, the docs from every
edition that they tell of. The libraries of the pages are loaded once the first runs are on, which need none of them.
"""

import importlib
import shutil
from collections.abc import Callable
from pathlib import Path

from helpers import freshness, paths, zygote
from helpers.execution import Fault, first_line
from helpers.runs import Runs


class Binding:
    """The parts of a report on their way, told by `helpers.run.run_jobs` what has been executed.

    Parameters
    ----------
    stages : dict of str to Path
        Places of the editions to be bound, by day.
    told_of : dict of str to Path
        Folders of the editions that the docs are to tell of, by day, the oldest first.
    docs : Path
        Place of the docs.
    printed : set of str
        Days of the editions to be printed as PDF too.

    Attributes
    ----------
    seals : dict of str to dict
        Seals of the editions that are bound, by day.
    faults : list of Fault
        What went wrong.
    """

    def __init__(self, stages: dict[str, Path], told_of: dict[str, Path], docs: Path, printed: set[str]):
        self.stages, self.told_of, self.docs, self.printed = stages, told_of, docs, printed
        self.seals, self.faults = {}, []
        self._numbered, self._executed = set(), set()
        # None once they could not be written
        self._documented = False

    def prepare(self) -> None:
        """Load what all parts use, for the processes that are forked to make them."""
        with zygote.settled():
            for module in ("docs", "downloads", "lineage", "numbers", "report", "results"):
                importlib.import_module(f"helpers.{module}")
            from helpers import pages, references

            pages.prepare()
            references.read()

    def leaves_done(self, runs: Runs, day: str) -> None:
        """Have the results of an edition and the pages of its numbers written."""

        def take(_):
            self._numbered.add(day)
            self._go_on(runs, day)

        self._beside(runs, take, self._miss_edition(day), _write_numbers, self.stages[day], day)

    def whole(self, runs: Runs, day: str) -> None:
        """Have an edition's other pages written once its numbers have theirs; when it is the last, the docs too."""
        self._executed.add(day)
        self._go_on(runs, day)

    def _go_on(self, runs, day):
        ready = self._numbered & self._executed
        if day in ready:
            place, take = self.stages[day], lambda seal: self.seals.update({day: seal})
            self._beside(runs, take, self._miss_edition(day), _write_edition, place, day, day in self.printed)
        if ready == self.stages.keys():
            self._beside(runs, self._take_docs, self._miss_docs, _write_docs, self.docs, self.told_of)

    def _take_docs(self, _):
        self._documented = True

    def _miss_edition(self, day):
        return lambda message: self.faults.append(Fault(f"binding the edition of {day}", message, day))

    def _miss_docs(self, message):
        self._documented = None
        self.faults.append(Fault("binding the docs", message))

    def _beside(self, runs, take, miss, work, *arguments):
        def taken(value, error):
            if not error:
                take(value)
            elif isinstance(error, (ValueError, OSError)):
                # of the content or the disk; anything else is a fault of ours
                miss(first_line(error))
            else:
                raise error

        runs.beside(taken, work, *arguments)

    def publish_docs(self, publish: Callable, held: list[str]) -> None:
        """Put the docs in place; written anew if they are to tell of other editions than was thought.

        Parameters
        ----------
        publish : callable
            Puts a finished folder in place of another.
        held : list of str
            Days of the editions that are published and to be told of.
        """
        if self._documented is None:
            return
        # that of an edition which could not be bound must not be told of: the last good one stands
        as_thought = self._documented and held == list(self.told_of) and self.seals.keys() == self.stages.keys()
        if not as_thought:
            shutil.rmtree(self.docs, ignore_errors=True)
            _write_docs(self.docs, {day: paths.REPORT / day for day in held})
        if self.docs.is_dir():  # else there is no Markdown
            publish(self.docs, paths.REPORT / "docs")


def _write_numbers(place, day):
    from helpers import lineage, numbers, results

    results.write_edition(place, day)
    lineage.remember_build(place)
    numbers.write(place, day)


def _write_edition(place, day, printed):
    """Put together what else is to be published of an edition; give its seal."""
    from helpers import content, downloads, report

    sections = content.sections(place)
    downloads.write(place, day, sections)
    if printed:
        from helpers import pdf

        pdf.write(place, day)
    # last, for the page links what lies there
    report.edition_page(place, day, sections)
    return freshness.seal(place)


def _write_docs(place, told_of):
    from helpers import docs

    docs.write(place, told_of)
