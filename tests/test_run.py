import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time

import filelock
import nbformat
import pytest

from helpers import freshness, paths, readme, report, run
from helpers.execution import Fault

HOUSE = paths.ROOT
NOTE, LATEST = "2025-02-14", "2026-07-31"
LEAF = "import os, pathlib\npathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/results.json').write_text('[]')"
GATHER = """
from helpers.notebook import Notebook
notebook = Notebook("99_verdicts", as_of)
print(notebook.gather())
"""
READ = "import os, pathlib\nprint(pathlib.Path(os.environ['HELPERS_PLACE'], '01_leaf/results.json').read_text())"
WAIT = "import os, pathlib, time\npathlib.Path(os.environ['HELPERS_PLACE'], 'begun').touch()\ntime.sleep(60)"


# what a run may not follow from, and a cell that would show it
ODD = {"TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "de_DE", "PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error"}
ODD |= {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2", "MPLBACKEND": "svg"}
SURROUNDINGS = """
import locale, os, time
print({"b", "a", "c"}, time.strftime("%Z %H", time.gmtime(0)), time.localtime(0).tm_hour, locale.getlocale())
print(os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"])
"""


def wait_for(folder, pattern, process):
    deadline = time.monotonic() + 60
    while not list(folder.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


# what a run leaves


@pytest.mark.fault(6, 23)
def test_one_failing_notebook_fails_its_edition_only(copy):
    # 99 run beside the leaf rather than after it would not find the leaf's file
    copy.write("01_leaf", f"import time\ntime.sleep(0.5)\n{LEAF}")
    copy.write("02_other", f"assert as_of == '{NOTE}', 'this one fails'")
    copy.write("99_verdicts", f"{READ}\nassert as_of == '{NOTE}', 'ran in a broken edition'")
    copy.edition(LATEST, "[ ]")
    copy.edition(NOTE, "[ ]")
    good = copy.files(f"report/{LATEST}")
    code, said = copy.run("report")
    assert code == 1
    assert f"02_other as of {LATEST}: cell 3: AssertionError: this one fails (read report/failed/" in said
    assert said.count("error: ") == 1 and "Traceback" not in said
    assert copy.files(f"report/{LATEST}") == good
    aside = nbformat.read(copy.report / "failed" / LATEST / "02_other.ipynb", as_version=4)
    assert "this one fails" in aside.cells[-1].outputs[0].evalue
    published = copy.files(f"report/{NOTE}")
    assert published["results.json"] == b"[]\n" and "index.html" in published
    verdicts = json.loads(published["99_verdicts/notebook.ipynb"])
    assert verdicts["cells"][-1]["outputs"][0]["text"] == ["[]\n"]
    left = {path.name for path in copy.report.iterdir()} - {NOTE, LATEST, "failed", "fonts", ".lock", ".runs"}
    assert left == {"index.html", "style.css", f".sealed-{NOTE}.json"}


@pytest.mark.fault(3, 22, 65)
def test_a_wish_is_data_and_a_run_gives_the_same_bytes_from_any_folder(copy, tmp_path):
    copy.write("01_leaf", "import os, sys\nprint(word, draws, sys.executable, os.getcwd())", SURROUNDINGS)
    hostile = '\\\'; {word} """ + 1/0 #'
    wish = ["notebook", "01_leaf", "--set", f"as_of=2025-06-30 word={shlex.quote(hostile)} draws=7", "--force=1"]
    found = []
    for kernels, folder, variables in (("warm", tmp_path, {}), ("plain", copy.root, ODD)):
        code, said = copy.run(*wish, kernels=kernels, folder=folder, variables=variables)
        assert code == 0 and said.startswith("Executed into report/drafts/2025-06-30/01_leaf\nNot the declared spec")
        found.append(copy.files("report/drafts/2025-06-30"))
    assert found[0] == found[1] and list(found[0]) == ["01_leaf/notebook.ipynb", "01_leaf/run.json"]
    assert b"papermill" not in found[0]["01_leaf/notebook.ipynb"]
    cells = json.loads(found[0]["01_leaf/notebook.ipynb"])["cells"]
    (text,) = cells[2]["outputs"][0]["text"]
    assert text.startswith(f"{hostile} 7 ") and text.endswith(f" {copy.notebooks}\n")
    assert copy.run(*wish[:-1])[1].startswith("Nothing changed since it was executed")


@pytest.mark.fault(7)
def test_leaving_a_notebook_early_is_a_failure_and_the_last_draft_stays(copy):
    copy.write("01_leaf", "import sys\nsys.exit(0)", "print('never')")
    draft = copy.report / "drafts" / NOTE / "01_leaf"
    draft.mkdir(parents=True)
    (draft / "notebook.ipynb").write_text("the last good one", encoding="utf-8")
    code, said = copy.run("notebook", "01_leaf")
    assert code == 1 and "01_leaf: cell 2: SystemExit: 0 (read report/failed/2025-02-14/01_leaf.ipynb)" in said
    assert copy.files("report/drafts/2025-02-14/01_leaf") == {"notebook.ipynb": b"the last good one"}
    assert not list(copy.report.glob(".stage-*"))


def test_a_notebook_that_is_edited_is_run_again_with_those_that_gather_its_results_and_no_other(copy):
    copy.write("01_leaf", LEAF)
    copy.write("02_other", "print('other')")
    copy.write(
        "99_verdicts",
        GATHER,
    )
    assert copy.run("report", "--as-of", NOTE)[1].startswith("Executed 3 of 3 notebooks")
    copy.edit("notebooks/02_other.ipynb", "print('other')", "print('others')")
    assert copy.run("report", "--as-of", NOTE)[1].startswith("Executed 1 of 3 notebooks")
    copy.edit("notebooks/01_leaf.ipynb", "write_text('[]')", "write_text('[ ]')")
    assert copy.run("report", "--as-of", NOTE)[1].startswith("Executed 2 of 3 notebooks")
    assert "nothing: 01_leaf as of 2025-02-14 is fresh" in copy.run("why", "01_leaf")[1]
    copy.edit("notebooks/01_leaf.ipynb", "write_text('[ ]')", "write_text('[]')")
    assert copy.run("why", "01_leaf")[1] == "01_leaf as of 2025-02-14:\n  cells changed\n"


@pytest.mark.fault(61, 65)
def test_two_editions_are_built_from_one_command_and_nothing_is_run_twice(copy):
    copy.write("01_leaf", LEAF)
    copy.write("99_verdicts", READ)
    assert (
        copy.run("report")[1]
        == "Executed 4 of 4 notebooks; the others were fresh\nThe report is at report/index.html\n"
    )
    before = {name: text for name, text in copy.files().items() if not name.startswith(".")}
    code, said = copy.run("report", "--force=1")
    assert (code, said.splitlines()[0]) == (0, "Executed 4 of 4 notebooks; the others were fresh")
    assert {name: text for name, text in copy.files().items() if not name.startswith(".")} == before
    # bound in other surroundings
    for day in (NOTE, LATEST):
        shutil.rmtree(copy.report / day)
    code, said = copy.run("report", kernels="plain", variables=ODD)
    assert (code, said.splitlines()[0]) == (0, "Executed 0 of 4 notebooks; the others were fresh")
    assert {name: text for name, text in copy.files().items() if not name.startswith(".")} == before


def test_a_pdf_is_printed_with_its_edition_and_goes_when_the_edition_is_another(copy):
    copy.write("01_leaf", LEAF)
    copy.write("99_verdicts", READ)
    code, said = copy.run("pdf", "--as-of", NOTE)
    assert (code, said.splitlines()[-1]) == (0, f"A PDF is at report/{NOTE}/edition.pdf")
    files = copy.files(f"report/{NOTE}")
    assert files["edition.pdf"].startswith(b"%PDF") and files["edition.xlsx"] and files["references.bib"]
    for wish in ("pdf", "report"):
        command = ("-m", "helpers.start")
        code, said = copy.run(wish, f"--as-of={NOTE}", kernels=None, command=command)
        assert (code, said.splitlines()[0]) == (0, "Nothing changed since the report was built.")
        assert ("edition.pdf" in said) == (wish == "pdf")
    copy.edit("notebooks/01_leaf.ipynb", "write_text('[]')", "write_text('[ ]')")
    assert copy.run("report", "--as-of", NOTE)[0] == 0
    assert "edition.pdf" not in copy.files(f"report/{NOTE}")


# parameters that are not the declared ones


@pytest.fixture
def returns(place, monkeypatch):
    """A project of notebook 01 as it is stored, with an edition that was published."""
    file = place.notebooks / "01_returns.ipynb"
    shutil.copy(HOUSE / "notebooks" / file.name, file)
    cells = nbformat.read(file, as_version=4).cells
    place.declare("01_returns", next(cell for cell in cells if "parameters" in cell.metadata.get("tags", [])).source)
    monkeypatch.setattr(run, "run_jobs", succeeding(place))
    monkeypatch.setattr(readme, "write", lambda: None)
    return place


@pytest.mark.fault(66)
@pytest.mark.parametrize("command", [["report"], ["report", f"--as-of={NOTE}"], ["report", "--force=1"], ["pdf"]])
def test_verdicts_of_a_notebook_saved_at_other_parameters_are_refused_in_one_line(returns, main, monkeypatch, command):
    assert main("report") == (0, "") and freshness.fresh("") is not None
    before = returns.files()
    for old, new in (('note_day = \\"2025-02-14', 'note_day = \\"2025-02-07'), ('= \\"SPY', '= \\"RSP')):
        returns.edit("notebooks/01_returns.ipynb", old, new)
    # nothing is answered at once, nor executed
    assert freshness.fresh("") is None
    with monkeypatch.context() as patch:
        patch.setattr(run, "run_jobs", lambda *_: pytest.fail("executed"))
        code, said = main(*command)
    assert (code, said) == (
        2,
        "error: not the declared specification: notebooks/01_returns.ipynb stores note_day 2025-02-07 instead of "
        "2025-02-14; benchmark RSP instead of SPY: set them back, or run a draft with "
        '`make run NOTEBOOK=01_returns SET="note_day=2025-02-07 benchmark=RSP"`\n',
    )
    assert returns.files() == before
    # set back, it is as it was built
    returns.edit("notebooks/01_returns.ipynb", '\\"2025-02-07', '\\"2025-02-14')
    returns.edit("notebooks/01_returns.ipynb", '= \\"RSP', '= \\"SPY')
    assert freshness.fresh("") is not None


def test_verdicts_are_refused_where_the_ledger_declares_another_value(returns, main):
    assert main("report") == (0, "")
    returns.edit("data/parameters.csv", "SPY", "RSP")
    assert freshness.fresh("") is None
    code, said = main("report")
    assert code == 2 and "stores benchmark SPY instead of RSP: set it back" in said and said.count("\n") == 1
    returns.edit("data/parameters.csv", '"""RSP"""', "RSP")
    code, said = main("report")
    assert code == 1 and "data/parameters.csv line 8, column value: 'RSP' is not a value in JSON" in said


@pytest.mark.fault(66)
def test_outputs_of_a_notebook_saved_at_other_parameters_are_not_stored(returns, main):
    returns.edit("notebooks/01_returns.ipynb", '= \\"SPY', '= \\"RSP')
    before = returns.files("notebooks")
    code, said = main("refresh-outputs")
    assert code == 2 and "stores benchmark RSP instead of SPY" in said and said.count("\n") == 1
    assert returns.files("notebooks") == before


def test_a_run_says_which_parameters_are_not_the_declared_ones_be_they_set_or_stored(copy):
    copy.write("01_leaf", "print(word, draws)")
    day = ["notebook", "01_leaf", "--set"]
    assert copy.run(*day, "as_of=2025-06-30")[1] == "Executed into report/drafts/2025-06-30/01_leaf\n"
    copy.edit("notebooks/01_leaf.ipynb", "draws = 100", "draws = 7")
    code, said = copy.run(*day, "as_of=2025-06-30 word=other")
    sentence = "Not the declared specification: word other instead of none; draws 7 instead of 100"
    assert (code, said.splitlines()[1:]) == (0, [f"{sentence}. Its verdicts are not verdicts on the note."])
    # and so it does where nothing has to run
    assert copy.run(*day, "as_of=2025-06-30 word=other")[1].splitlines() == [
        "Nothing changed since it was executed: report/drafts/2025-06-30/01_leaf",
        f"{sentence}. Its verdicts are not verdicts on the note.",
    ]
    # set to what is declared, it is the declared specification, whatever is stored
    assert "declared" not in copy.run(*day, "as_of=2025-06-30 draws=100")[1]


# publishing


@pytest.mark.parametrize("at_once", [True, False])
def test_publishing_swaps_whole_folders(place, monkeypatch, at_once):
    if not at_once:  # a system that cannot exchange two folders in one move
        monkeypatch.setattr(run, "exchange", lambda one, other: False)
    target, stage = place.edition(NOTE), place.edition(NOTE, "[ ]", place.report / ".stage-1")
    (target / "07_gone").mkdir()
    (target / "07_gone" / "results.json").write_text("[]", encoding="utf-8")
    fresh = place.files("report/.stage-1")
    run.publish(stage, target)
    assert place.files(f"report/{NOTE}") == fresh
    assert [path.name for path in place.report.iterdir()] == [NOTE]


@pytest.mark.fault(12)
def test_what_a_killed_run_left_is_swept_and_what_it_had_put_aside_comes_back(place):
    place.edition(NOTE, "[]")
    place.edition("", "[ ]", place.report / ".old-2025-02-14-77")
    place.edition("", "[  ]", place.report / ".old-2025-06-30-77")
    place.edition("", "[   ]", place.report / ".old-sweeps~event-study-77")
    place.edition("", "[    ]", place.report / ".old-drafts~2025-02-14~01_leaf-77")
    place.edition("", folder=place.report / ".stage-2025-06-30-77")
    (place.report / "fonts").mkdir()
    drafts = ["report/index.html.part", "report/fonts/a.woff2.part", "notebooks/01_leaf.77.part", "README.md.part"]
    for name in [*drafts, "mine.part"]:
        (place.root / name).write_text("half", encoding="utf-8")
    with run._sole_run():
        left = {path.name for path in place.report.iterdir()}
        assert left == {NOTE, "2025-06-30", "sweeps", "drafts", "fonts", ".lock"}
        assert [path.name for path in place.root.rglob("*.part")] == ["mine.part"]
    back = [NOTE, "2025-06-30", "sweeps/event-study", "drafts/2025-02-14/01_leaf"]
    assert [(place.report / name / "results.json").read_text() for name in back] == ["[]", "[  ]", "[   ]", "[    ]"]


@pytest.mark.fault(14)
def test_a_second_run_says_that_it_waits_and_waits(place, capsys):
    place.report.mkdir()
    entered = threading.Event()

    def second():
        with run._sole_run():
            entered.set()

    with filelock.FileLock(place.report / ".lock"):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert not entered.wait(0.5)
        said = capsys.readouterr().out
    assert entered.wait(10)
    thread.join(10)
    assert "Another run is at work on report/" in said


@pytest.mark.fault(10, 11, 12)
@pytest.mark.parametrize(
    ("kernels", "stops"),
    [
        ("warm", {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}),
        ("plain", {signal.SIGINT: 130}),
    ],
)
def test_a_stopped_run_publishes_nothing_and_leaves_no_process(copy, kernels, stops):
    copy.write("01_leaf", WAIT)
    copy.edition(NOTE)
    before = copy.files(f"report/{NOTE}")
    for stop, expected in stops.items():
        with copy.start("report", "--as-of", NOTE, f"--kernels={kernels}") as process:
            wait_for(copy.report, ".stage-*/begun", process)
            # a terminal sends Ctrl-C to the whole group
            (os.killpg if stop == signal.SIGINT else os.kill)(process.pid, stop)
            # ends when the last of the workers and kernels has let go of stdout
            said, _ = process.communicate(timeout=30)
        assert process.returncode == expected, said
        assert said == ("" if stop == signal.SIGKILL else "stopped; the last good report stays\n")
        assert copy.orphans() == []
        assert copy.files(f"report/{NOTE}") == before
        # the next run sweeps what a killed one could not
        assert len(list(copy.report.glob(".stage-*"))) == (stop == signal.SIGKILL)


@pytest.mark.fault(15)
def test_a_reader_during_runs_never_sees_a_torn_file(copy):
    copy.write("01_leaf", LEAF, "print('1 ' * 200_000)")
    copy.write("99_verdicts")
    assert copy.run("report", "--as-of", NOTE)[0] == 0
    names = ["index.html", f"{NOTE}/index.html", f"{NOTE}/results.json", f"{NOTE}/01_leaf/notebook.ipynb"]
    torn, seen, done = [], set(), threading.Event()

    def read():
        while not done.is_set():
            for name in names:
                try:
                    text = (copy.report / name).read_text(encoding="utf-8")
                except FileNotFoundError:  # between the two moves of a swap, on other systems
                    torn.extend([f"no {name}"] if sys.platform == "linux" else [])
                    continue
                whole = text.endswith("</html>\n") if name.endswith("html") else json.loads(text) is not None
                torn.extend([] if whole else [name])
                seen.add((name, hash(text)))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for old, new in (("1", "2"), ("2", "3")):
            copy.edit("notebooks/01_leaf.ipynb", f"print('{old} '", f"print('{new} '")
            assert copy.run("report", "--as-of", NOTE)[0] == 0
    finally:
        done.set()
        reader.join()
    assert torn == []
    # the reader was there before, between and after
    assert len([name for name, _ in seen if name == names[-1]]) == 3


@pytest.mark.fault(13)
def test_a_full_disk_leaves_the_last_good_report(copy):
    copy.write("01_leaf", LEAF, "print('x' * 300_000)")
    copy.write("99_verdicts")
    copy.edition(NOTE)
    before = copy.files(f"report/{NOTE}")
    # writing more than this fails as it does on a full disk
    code, said = copy.run("report", "--as-of", NOTE, most_bytes=200_000)
    assert code == 1 and f"error: 01_leaf as of {NOTE}: OSError: [Errno 27] File too large" in said
    copy.edit("notebooks/01_leaf.ipynb", "300_000", "3")
    # fonts of the pages
    code, said = copy.run("report", "--as-of", NOTE, most_bytes=20_000)
    assert code == 1 and f"error: binding the edition of {NOTE}: [Errno 27] File too large" in said
    assert "Traceback" not in said and copy.files(f"report/{NOTE}") == before
    assert not list(copy.report.glob(".stage-*"))


@pytest.mark.fault(13)
def test_a_disk_that_is_full_for_the_run_itself_gives_one_line(place, main, monkeypatch):
    place.write("01_leaf")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "run_jobs", full)
    place.edition(NOTE)
    before = place.files(f"report/{NOTE}")
    code, said = main("report")
    assert code == 1 and "No space left on device" in said and said.count("\n") == 1
    assert place.files(f"report/{NOTE}") == before and not list(place.report.glob(".stage-*"))


def succeeding(place):
    """Have all notebooks of some editions without executing any."""

    class Runs:
        @staticmethod
        def beside(take, work, *arguments):
            try:
                take(work(*arguments), None)
            except Exception as error:
                take(None, error)

    def carried(editions, settings, words, workers, force, binding=None):
        for day, folder in editions.items():
            place.edition("", folder=folder)
            if binding:
                binding.leaves_done(Runs, day)
                binding.whole(Runs, day)
        return [], []

    return carried


def failing(editions, *_):
    return [Fault(f"01_leaf as of {day}", "cell 1: no", day, "01_leaf") for day in editions], []


@pytest.mark.fault(62)
def test_an_edition_that_cannot_be_bound_stays_as_it_was_and_the_other_is_published(place, main, monkeypatch):
    place.write("01_leaf")
    place.edition(NOTE, "[ ]")
    before = place.files(f"report/{NOTE}")
    bind = report.edition_page

    def unfit(folder, as_of, sections):
        if as_of == NOTE:
            raise ValueError("a figure needs alt text")
        bind(folder, as_of, sections)

    monkeypatch.setattr(report, "edition_page", unfit)
    monkeypatch.setattr(run, "run_jobs", succeeding(place))
    code, said = main("report")
    assert code == 1 and f"error: binding the edition of {NOTE}: a figure needs alt text" in said
    assert place.files(f"report/{NOTE}") == before
    assert (place.report / "2025-12-31" / "index.html").is_file()
    # what is shown of it is not passed off as new
    alarm = "<strong>The last run failed</strong> for the edition of 14 February 2025."
    assert alarm in (place.report / "index.html").read_text(encoding="utf-8")
    aside = place.report / "failed" / NOTE / "faults.txt"
    assert aside.read_text(encoding="utf-8") == f"binding the edition of {NOTE}: a figure needs alt text\n"
    monkeypatch.setattr(report, "edition_page", bind)
    assert main("report") == (0, "")
    assert alarm not in (place.report / "index.html").read_text(encoding="utf-8")


def test_a_first_run_that_fails_wholly_says_so_in_lines(place, main, monkeypatch):
    place.write("01_leaf")
    monkeypatch.setattr(run, "run_jobs", failing)
    code, said = main("report")
    assert code == 1 and said.count("error: 01_leaf as of ") == 2 and "binding" not in said
    assert not (place.report / "index.html").exists()


@pytest.mark.parametrize("harm", ["deleted", "cut", "changed", "added"])
def test_a_damaged_edition_of_another_day_is_noticed_and_built_anew(place, main, monkeypatch, capsys, harm):
    place.write("01_leaf")
    monkeypatch.setattr(run, "run_jobs", succeeding(place))
    older = "2025-06-30"
    for wish in (["report", f"--as-of={older}"], ["report"]):
        assert main(*wish) == (0, "")
    whole, file = place.files(f"report/{older}"), place.report / older / "01_leaf" / "index.html"
    assert freshness.fresh("") is not None and freshness.damaged() == {}
    status = file.stat()
    if harm == "deleted":
        file.unlink()
    elif harm == "added":
        file.with_name("more").touch()
    else:
        held = file.read_bytes()
        file.write_bytes(held[:100] if harm == "cut" else held[::-1])
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert freshness.fresh("") is None and list(freshness.damaged()) == [older]
    capsys.readouterr()
    assert run.main(["report", "--kernels=plain"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Files of a published edition were damaged; built anew: {older}\n")
    assert place.files(f"report/{older}") == whole and freshness.fresh("") is not None
    # taken away on purpose, it is no longer on the landing page, nor missed
    shutil.rmtree(place.report / older)
    assert freshness.fresh("") is None and main("report") == (0, "")
    assert older not in (place.report / "index.html").read_text(encoding="utf-8") and freshness.fresh("") is not None


@pytest.mark.fault(62)
def test_a_report_that_failed_is_not_remembered_as_built(place, main, monkeypatch):
    place.write("01_leaf")
    monkeypatch.setattr(run, "run_jobs", succeeding(place))
    assert main("report") == (0, "")
    assert freshness.fresh("") is not None
    monkeypatch.setattr(run, "run_jobs", failing)
    assert main("report")[0] == 1
    assert freshness.fresh("") is None


def test_stored_outputs_and_readme_change_only_when_all_notebooks_succeed(place, main, monkeypatch):
    place.write("01_leaf")
    before, written = place.files("notebooks"), []
    monkeypatch.setattr(readme, "write", lambda: written.append(1))
    monkeypatch.setattr(run, "run_jobs", failing)
    assert main("refresh-outputs")[0] == 1
    assert place.files("notebooks") == before and not written
    monkeypatch.setattr(run, "run_jobs", succeeding(place))
    assert main("refresh-outputs") == (0, "")
    assert place.files("notebooks") != before and written


def test_why_says_so_when_there_is_no_report_yet(place, capsys):
    place.write("01_leaf")
    assert run.main(["why", "01_leaf"]) == 0
    assert "there is no report yet" in capsys.readouterr().out


@pytest.mark.parametrize("wish", ["X=1", "as_of=2025-02-14", "AS_0F=2025-02-14"])
def test_make_refuses_a_variable_that_it_does_not_know(wish):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-C", HOUSE, wish, "help"], capture_output=True, text=True, env=clean)
    assert done.returncode != 0
    assert f"{wish.partition('=')[0]}: not a variable" in done.stderr
