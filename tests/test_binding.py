import pytest

from helpers import binding, paths

DAYS = ("2025-02-14", "2025-12-31")


class Beside:
    """Does nothing until it is told; knows what it was asked to do, in order."""

    def __init__(self):
        self.asked = []

    def beside(self, take, work, *arguments):
        self.asked.append((work.__name__, arguments[-1] if work is binding._write_docs else arguments[1], take))

    def names(self):
        return [(name, day) for name, day, _ in self.asked]

    def end(self, name, value=None, error=None):
        (take,) = [take for asked, _, take in self.asked if asked == name]
        self.asked = [one for one in self.asked if one[0] != name]
        take(value, error)


@pytest.fixture
def bound(tmp_path):
    stages = {day: tmp_path / day for day in DAYS}
    return binding.Binding(stages, stages, tmp_path / "docs", set())


def test_each_part_waits_for_what_it_follows_from_and_for_nothing_else(bound):
    runs = Beside()
    bound.leaves_done(runs, DAYS[0])
    assert runs.names() == [("_write_numbers", DAYS[0])]
    # the verdicts may be there before or after the numbers
    bound.whole(runs, DAYS[0])
    assert runs.names() == [("_write_numbers", DAYS[0])]
    runs.end("_write_numbers")
    assert runs.names() == [("_write_edition", DAYS[0])]
    runs.end("_write_edition", {"a": 1})
    assert bound.seals == {DAYS[0]: {"a": 1}} and not runs.asked
    bound.leaves_done(runs, DAYS[1])
    runs.end("_write_numbers")
    assert not runs.asked
    bound.whole(runs, DAYS[1])
    assert runs.names() == [("_write_edition", DAYS[1]), ("_write_docs", bound.told_of)]


def test_what_cannot_be_bound_is_told_in_a_line_and_nothing_that_follows_is_begun(bound):
    runs = Beside()
    bound.leaves_done(runs, DAYS[0])
    bound.whole(runs, DAYS[0])
    runs.end("_write_numbers", error=ValueError("no alt text\nmore"))
    (fault,) = bound.faults
    assert str(fault) == f"binding the edition of {DAYS[0]}: no alt text" and fault.as_of == DAYS[0]
    assert not runs.asked and not bound.seals
    bound.leaves_done(runs, DAYS[1])
    with pytest.raises(ZeroDivisionError):  # a fault of ours is not passed off as one of the content
        runs.end("_write_numbers", error=ZeroDivisionError())


def test_docs_that_would_tell_of_other_editions_are_written_anew(bound, monkeypatch):
    written, published = [], []

    def write(place, told_of):
        written.append(told_of)
        place.mkdir()

    monkeypatch.setattr(binding, "_write_docs", write)
    bound.publish_docs(lambda place, target: published.append(target), [DAYS[0]])
    assert written == [{DAYS[0]: paths.REPORT / DAYS[0]}] and published == [paths.REPORT / "docs"]
    bound._take_docs(None)
    bound.docs.rmdir()
    # an edition of which they tell could not be bound: the last good one stands, and they are to tell of that
    bound.seals[DAYS[0]] = {}
    bound.publish_docs(lambda place, target: published.append(target), list(DAYS))
    assert written[1:] == [{day: paths.REPORT / day for day in DAYS}] and len(published) == 2
    bound.seals[DAYS[1]] = {}
    bound.publish_docs(lambda place, target: published.append(target), list(DAYS))
    assert len(written) == 2 and len(published) == 3
    bound._miss_docs("no title")
    bound.publish_docs(lambda place, target: published.append(target), list(DAYS))
    assert len(published) == 3
