import json
import signal
import time

import pytest

from helpers import cache, runs
from helpers.execution import Job
from helpers.runs import ProcessError, Runs, Workers

LEAF = "import os, pathlib\npathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/results.json').write_text('[]')"


class Inline(Workers):
    """Workers that do their work at once, in this process."""

    submit = Workers.submit_light


@pytest.fixture
def workers():
    return Inline("plain", 2)


def job(place, name="01_leaf"):
    return Job(place.notebooks / f"{name}.ipynb", "2025-02-14", place.report / "stage", {"as_of": "2025-02-14"})


def carried(jobs, workers, force=False):
    """Have jobs run, and give what each left to say: its notebook, its fault, whether it had to run."""
    chain = Runs(workers, force)
    for each in jobs:
        chain.add(each)
    return sorted((each.notebook, fault, executed) for each, fault, executed in chain.outcomes())


@pytest.mark.fault(8)
def test_a_piece_of_work_gives_its_value_or_its_error_and_a_death_is_told_and_does_not_hang():
    with Workers("plain", 2) as workers:
        workers.submit("sum", sum, [1, 2])
        workers.submit("fault", int, "x")
        workers.submit("shot", signal.raise_signal, signal.SIGKILL)
        outcomes = {tag: (value, error) for tag, value, error in workers.outcomes()}
    assert outcomes["sum"] == (3, None)
    assert isinstance(outcomes["fault"][1], ValueError)
    assert isinstance(outcomes["shot"][1], ProcessError) and "is there enough memory?" in str(outcomes["shot"][1])
    assert not workers.busy()


def test_work_begins_when_it_is_submitted_as_far_as_there_is_room():
    with Workers("plain", 2) as workers:
        for number in range(3):
            workers.submit(number, abs, number)
        assert len(workers._running) == 2
        assert sorted(tag for tag, _, _ in workers.outcomes()) == [0, 1, 2]


def test_work_aside_gives_its_value_and_raises_its_error(workers):
    assert workers.aside(len, "four") == 4
    with pytest.raises(ValueError, match="invalid literal"):
        workers.aside(int, "x")


def test_leaving_in_haste_ends_what_still_runs():
    with pytest.raises(KeyboardInterrupt), Workers("plain", 1) as workers:
        workers._start("long", time.sleep, (60,))
        ((process, _, _),) = workers._running.values()
        raise KeyboardInterrupt
    assert process.exitcode == -signal.SIGKILL


def test_a_run_is_kept_when_it_succeeds_and_taken_the_next_time(place, workers):
    place.write("01_leaf", LEAF)
    assert carried([job(place)], workers) == [("01_leaf", None, True)]
    first = place.files("report/stage/01_leaf")
    assert carried([job(place)], workers) == [("01_leaf", None, False)]
    record = json.loads(first["run.json"])
    assert record["key"] == cache.key(cache.parts("01_leaf", {"as_of": "2025-02-14"}))
    assert place.files("report/stage/01_leaf") == first and set(first) == {"notebook.ipynb", "results.json", "run.json"}
    assert carried([job(place)], workers, force=True) == [("01_leaf", None, True)]


def test_a_failed_run_is_kept_aside_to_be_read_and_never_taken(place, workers, monkeypatch):
    monkeypatch.setattr(runs, "execute", _failing)
    place.write("01_leaf")
    fault = "cell 2: no (read report/failed/2025-02-14/01_leaf.ipynb)"
    assert carried([job(place)], workers) == [("01_leaf", fault, True)]
    assert (place.report / "failed" / "2025-02-14" / "01_leaf.ipynb").read_text() == "what it looked like"
    assert carried([job(place)], workers) == [("01_leaf", fault, True)]


def _failing(job):
    job.target.parent.mkdir(parents=True, exist_ok=True)
    job.target.write_text("what it looked like")
    return "cell 2: no"


def test_a_run_whose_notebook_was_edited_meanwhile_is_not_kept(place, workers, monkeypatch):
    monkeypatch.setattr(runs, "execute", _editing)
    place.write("01_leaf")
    assert carried([job(place)], workers) == [("01_leaf", None, True)]
    assert not list((place.report / ".runs").glob("*"))


def _editing(job):
    job.target.parent.mkdir(parents=True, exist_ok=True)
    job.target.write_text("executed")
    job.source.write_text(job.source.read_text().replace("100", "101"))


def test_jobs_may_be_added_while_others_end(place, workers, monkeypatch):
    monkeypatch.setattr(runs, "execute", _failing)
    place.write("01_leaf")
    place.write("02_other")
    chain, seen = Runs(workers), []
    chain.add(job(place))
    for each, _, _ in chain.outcomes():
        seen.append(each.notebook)
        if len(seen) == 1:
            chain.add(job(place, "02_other"))
    assert seen == ["01_leaf", "02_other"]
