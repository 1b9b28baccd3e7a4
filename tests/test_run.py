import json
import os
import signal
import subprocess
import sys
import threading
import time

import filelock
import nbformat
import pytest

from helpers import data, paths, readme, report, results, run

FIRST, LAST = "2024-06-28", "2025-12-31"
HOUSE = paths.ROOT
CLAIMS = "id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range\n"
SOURCES = "file,table,title,producer,address,licence,published,read,known_on,kind,sha256\n"
SETTINGS = "as_of = '2025-02-14'\nword = 'none'\ndraws = 100\nlevel = 0.95\nfast = False"
LEAF = "from helpers import paths\n(paths.here('01_leaf', as_of) / 'results.json').write_text('[]')"
READ = "from helpers import paths\nprint((paths.edition(as_of) / '01_leaf' / 'results.json').read_text())"

# the command line of another project, for a process of its own
DRIVE = """
import sys
from pathlib import Path
from helpers import data, paths, run

paths.ROOT = Path(sys.argv[1])
paths.NOTEBOOKS, paths.REPORT = paths.ROOT / "notebooks", paths.ROOT / sys.argv[2]
data.build = lambda: False
data.span = lambda: ("2024-06-28", "2025-12-31")
if __name__ == "__main__":
    sys.exit(run.main(sys.argv[3:]))
"""


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """Lay out an empty project with data that reach from FIRST to LAST."""
    root = tmp_path / "project"
    places = {"ROOT": "", "NOTEBOOKS": "notebooks", "DATA": "data", "REPORT": "report", "DRAFTS": "report/drafts"}
    for name, place in places.items():
        monkeypatch.setattr(paths, name, root / place)
    (root / "notebooks").mkdir(parents=True)
    (root / "data").mkdir()
    (root / "data" / "claims.csv").write_text(CLAIMS, encoding="utf-8")
    (root / "data" / "sources.csv").write_text(SOURCES, encoding="utf-8")
    monkeypatch.setattr(data, "build", lambda: False)
    monkeypatch.setattr(data, "span", lambda: (FIRST, LAST))
    monkeypatch.setattr(data, "latest", lambda: LAST)
    monkeypatch.delenv(paths.PLACE_VARIABLE, raising=False)
    handler = signal.getsignal(signal.SIGTERM)
    yield root
    signal.signal(signal.SIGTERM, handler)


def write(name, *sources, settings=SETTINGS):
    """Write a notebook of a parameters cell and some others; give its file."""
    cells = [nbformat.v4.new_code_cell(settings, metadata={"tags": ["parameters"]}, id="parameters")]
    cells += [nbformat.v4.new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources)]
    file = paths.NOTEBOOKS / f"{name}.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
    return file


def executed(*outputs, source="1", count=1):
    cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=list(outputs), id="a")
    return nbformat.v4.new_notebook(cells=[cell])


def edition(as_of, words="[]", folder=None):
    """Lay out a complete edition."""
    folder = folder or paths.REPORT / as_of
    (folder / "01_leaf").mkdir(parents=True)
    nbformat.write(executed(), folder / "01_leaf" / "notebook.ipynb")
    (folder / "01_leaf" / "results.json").write_text(words, encoding="utf-8")
    (folder / "results.json").write_text(words, encoding="utf-8")
    (folder / "verdicts.csv").write_text(",".join(results.VERDICT_COLUMNS) + "\n", encoding="utf-8")
    return folder


def files(folder):
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def wait_for(pattern, process):
    deadline = time.monotonic() + 60
    while not list(paths.REPORT.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def main(capsys, *arguments):
    """Give the exit code and what the command line said on stderr."""
    code = run.main([*arguments])
    return code, capsys.readouterr().err


def stream(text):
    return nbformat.v4.new_output("stream", name="stderr", text=text)


# wishes that a notebook cannot fulfil


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("drawz=5", ["01_leaf", "'drawz'", "did you mean draws?"]),
        ("draws=many", ["draws", "'many'", "int"]),
        ("draws=1.5", ["draws", "'1.5'", "int"]),
        ("level=nan", ["level", "'nan'", "float"]),
        ("level=inf", ["level", "'inf'", "float"]),
        ("fast=maybe", ["fast", "'maybe'", "bool"]),
        ("as_of=2025-02-30", ["as_of", "'2025-02-30'", "no date of the calendar"]),
        ("as_of=02/01/2025", ["as_of", "'02/01/2025'", "yyyy-mm-dd"]),
        ("as_of=2024-06-27", ["2024-06-27", FIRST, LAST]),
        ("as_of=2026-01-01", ["2026-01-01", FIRST, LAST]),
        ("'draws=1;import os'=5", ["draws", "int"]),
        ("__import__('os')=5", ["no parameter", "__import__"]),
        ("draws=__import__('os').getpid()", ["draws", "int"]),
        ("draws", ["name=value", "'draws'"]),
        ("draws=1 draws=2", ["draws", "twice"]),
        ("word='open", ["No closing quotation"]),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line_and_nothing_runs(capsys, wish, words):
    write("01_leaf")
    code, said = main(capsys, "notebook", "01_leaf", "--set", wish)
    assert code == 2
    assert said.startswith("error: ") and said.count("\n") == 1
    assert not [word for word in words if word not in said], said
    assert not paths.REPORT.exists()


@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2025-02-30", "no date of the calendar"),
        ("../../elsewhere", "yyyy-mm-dd"),
        ("2024-06-27", f"{FIRST} to {LAST}"),
        ("2026-01-01", f"{FIRST} to {LAST}"),
    ],
)
def test_a_report_of_an_impossible_day_is_refused_and_the_last_one_stays(capsys, as_of, words):
    write("01_leaf")
    before = files(edition("2025-02-14"))
    code, said = main(capsys, "report", "--as-of", as_of)
    assert code == 2 and as_of in said and words in said and said.count("\n") == 1
    assert files(paths.REPORT / "2025-02-14") == before


@pytest.mark.parametrize(("name", "words"), [("01_laef", "did you mean 01_leaf?"), ("../01_leaf", "no notebook")])
def test_an_unknown_notebook_is_refused_with_the_nearest_name(capsys, name, words):
    write("01_leaf")
    code, said = main(capsys, "notebook", name)
    assert code == 2 and words in said


def test_a_wished_value_takes_the_type_of_the_default():
    write("01_leaf")
    wishes = {"as_of": FIRST, "word": "1", "draws": "7", "level": "1", "fast": "true"}
    found = run.accepted("01_leaf", wishes)
    assert found == {"as_of": FIRST, "word": "1", "draws": 7, "level": 1.0, "fast": True}
    assert [type(value) for value in found.values()] == [str, str, int, float, bool]


# notebooks that cannot be run


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("as_of = '2025-02-14'\nend = as_of", "end = as_of"),
        ("as_of = '2025-02-14'\ndraws = 2 * 50", "draws = 2 * 50"),
        ("import os", "import os"),
        ("as_of = = 1", "not Python"),
        ("draws = 5", "as_of"),
        ("as_of = 'today'", "as_of"),
    ],
)
def test_a_parameters_cell_that_holds_more_than_literals_is_refused(settings, words):
    write("01_leaf", settings=settings)
    with pytest.raises(run.ParameterError, match=r"notebooks/01_leaf\.ipynb") as error:
        run.parameters("01_leaf")
    assert words in str(error.value)


@pytest.mark.parametrize("count", [0, 2])
def test_a_notebook_needs_exactly_one_parameters_cell(count):
    cells = [
        nbformat.v4.new_code_cell("as_of = '2025-02-14'", metadata={"tags": ["parameters"]}, id=f"cell-{place}")
        for place in range(count)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), paths.NOTEBOOKS / "01_leaf.ipynb")
    with pytest.raises(run.ParameterError, match=rf"notebooks/01_leaf\.ipynb needs one cell.* it has {count}"):
        run.parameters("01_leaf")


@pytest.mark.parametrize(
    "content",
    [b"", b'{"cells": [', b'{"cells": ["\xff\xfe"]}', b"[]", b"{}", b'{"nbformat": 99}', b'{"nbformat": 4}', b"<html>"],
    ids=["empty", "truncated", "not UTF-8", "list", "no version", "unknown version", "no cells", "page"],
)
def test_a_file_that_is_no_notebook_gives_one_line_that_names_it(capsys, content):
    write("02_good")
    (paths.NOTEBOOKS / "01_leaf.ipynb").write_bytes(content)
    for command in (["notebook", "01_leaf"], ["report"]):
        code, said = main(capsys, *command)
        assert code == 2 and said.startswith("error: notebooks/01_leaf.ipynb is not a notebook: ")
        assert said.count("\n") == 1 and len(said) < 250


# what a run leaves


def test_one_failing_notebook_fails_its_edition_only(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    # 99 run beside the leaf rather than after it would not find the leaf's file
    write("01_leaf", f"import time\ntime.sleep(1)\n{LEAF}")
    write("02_other", "assert as_of == '2025-02-14', 'this one fails'")
    write("99_verdicts", f"{READ}\nassert as_of == '2025-02-14', 'ran in a broken edition'")
    good = files(edition(LAST, "[ ]"))
    edition("2025-02-14", "[ ]")
    code, said = main(capsys, "report")
    assert code == 1
    assert "02_other as of 2025-12-31: cell 3: AssertionError: this one fails (read report/failed/" in said
    assert said.count("error: ") == 1 and "Traceback" not in said
    assert files(paths.REPORT / LAST) == good
    aside = nbformat.read(paths.REPORT / "failed" / LAST / "02_other.ipynb", as_version=4)
    assert "this one fails" in aside.cells[-1].outputs[0].evalue
    published = files(paths.REPORT / "2025-02-14")
    assert published["results.json"] == b"[]\n" and "index.html" in published
    verdicts = json.loads(published["99_verdicts/notebook.ipynb"])
    assert verdicts["cells"][-1]["outputs"][0]["text"] == ["[]\n"]
    left = {path.name for path in paths.REPORT.iterdir()} - {"2025-02-14", LAST, "failed", "fonts", ".lock"}
    assert left == {"index.html", "style.css"}


def test_a_wish_is_data_and_a_run_gives_the_same_bytes_from_any_folder_with_any_kernels(capsys, tmp_path, monkeypatch):
    write("01_leaf", "import os, sys\nprint(word, draws, sys.executable, os.getcwd())", "print({'b', 'a', 'c'})")
    hostile = '\\\'; {word} """ + 1/0 #'
    arguments = ["notebook", "01_leaf", "--set", f"as_of=2025-06-30 word={run.shlex.quote(hostile)} draws=7"]
    assert main(capsys, *arguments) == (0, "")
    first = files(paths.DRAFTS / "2025-06-30")
    foreign = tmp_path / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "-f", "{connection_file}"], "display_name": "Python 3", "language": "python"}
    (foreign / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.chdir(tmp_path)
    assert main(capsys, *arguments) == (0, "")
    assert files(paths.DRAFTS / "2025-06-30") == first
    assert list(first) == ["01_leaf/notebook.ipynb"] and b"papermill" not in first["01_leaf/notebook.ipynb"]
    cells = json.loads(first["01_leaf/notebook.ipynb"])["cells"]
    assert cells[2]["outputs"][0]["text"] == [f"{hostile} 7 {sys.executable} {paths.NOTEBOOKS}\n"]
    assert paths.PLACE_VARIABLE not in os.environ


def test_leaving_a_notebook_early_is_a_failure_and_the_last_draft_stays(capsys):
    write("01_leaf", "import sys\nsys.exit(0)", "print('never')")
    draft = paths.DRAFTS / "2025-02-14" / "01_leaf"
    draft.mkdir(parents=True)
    (draft / "notebook.ipynb").write_text("the last good one", encoding="utf-8")
    code, said = main(capsys, "notebook", "01_leaf")
    assert code == 1 and "01_leaf: cell 2: SystemExit: 0 (read report/failed/2025-02-14/01_leaf.ipynb)" in said
    assert files(draft) == {"notebook.ipynb": b"the last good one"}
    assert not list(paths.REPORT.glob(".stage-*"))


def test_a_dead_kernel_is_told_and_does_not_hang(tmp_path):
    file = write("01_leaf", "import os\nos.kill(os.getpid(), 9)", settings="as_of = '2025-02-14'")
    fault = run.execute(run.Job(file, "2025-02-14", tmp_path / "place", seconds=30))
    assert fault == "cell 2: the kernel died; is there enough memory?"


def test_a_cell_that_takes_too_long_is_stopped(tmp_path):
    file = write("01_leaf", "import time\ntime.sleep(6)")
    fault = run.execute(run.Job(file, "2025-02-14", tmp_path / "place", seconds=2))
    assert fault == "cell 2: was stopped after 2 seconds"


def test_a_warning_fails_the_run(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    file = write("01_leaf", "import warnings\nwarnings.warn('beware')", "print('goes on')")
    fault = run.execute(run.Job(file, "2025-02-14", tmp_path / "place"))
    assert fault.startswith("cell 2 wrote to stderr: ") and "UserWarning: beware" in fault


def test_a_worker_that_dies_is_told_and_does_not_hang(tmp_path):
    write("01_leaf", "import os\nos.kill(os.getppid(), 9)")
    faults = run.run_jobs({"2025-02-14": tmp_path / "place"}, {"2025-02-14": {}}, "Testing")
    assert list(faults) == ["01_leaf as of 2025-02-14"]
    assert faults["01_leaf as of 2025-02-14"].startswith("a process died; is there enough memory?")


@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (executed(), None),
        (executed(source="await x"), None),
        (executed(stream("beware\nmore")), "cell 1 wrote to stderr: beware"),
        (executed(stream("\n")), "cell 1 wrote to stderr: a blank line"),
        (executed(nbformat.v4.new_output("error", ename="SystemExit", evalue="")), "cell 1: SystemExit: "),
        (executed(count=None), "cell 1 was not run"),
        (executed(source="!false"), "cell 1 is not plain Python"),
        (executed(source="%%bash\nfalse"), "cell 1 is not plain Python"),
    ],
)
def test_an_output_that_nobody_answers_for_is_a_failure(notebook, fault):
    found = run.trouble(notebook)
    assert found is None if fault is None else found.startswith(fault)


def test_a_cleaned_notebook_keeps_tags_outputs_and_counts_and_nothing_of_the_run():
    notebook = executed(stream("kept"))
    notebook.metadata = nbformat.from_dict({"papermill": {"duration": 1.5}, "kernelspec": {"name": "mine"}})
    notebook.cells[0].metadata = {"papermill": {"duration": 1.5}, "tags": ["mine", "papermill-error-cell-tag"]}
    clean = run.cleaned(notebook)
    assert "papermill" not in nbformat.writes(clean) and clean.metadata["kernelspec"]["name"] == "python3"
    assert clean.cells[0].metadata == {"tags": ["mine"]}
    assert clean.cells[0].outputs == [stream("kept")] and clean.cells[0].execution_count == 1


# publishing


def test_publishing_swaps_whole_folders():
    target, place = edition("2025-02-14"), edition("2025-02-14", "[ ]", paths.REPORT / ".stage-1")
    (target / "07_gone").mkdir()
    (target / "07_gone" / "results.json").write_text("[]", encoding="utf-8")
    fresh = files(place)
    run.publish(place, target)
    assert files(target) == fresh
    assert [path.name for path in paths.REPORT.iterdir()] == ["2025-02-14"]


def test_what_a_killed_run_left_is_swept_and_an_edition_it_had_put_aside_comes_back():
    edition("2025-02-14", "[]")
    edition("", "[ ]", paths.REPORT / ".old-2025-02-14-77")
    lost = files(edition("", "[  ]", paths.REPORT / ".old-2025-06-30-77"))
    edition("", folder=paths.REPORT / ".stage-2025-06-30-77")
    with run._sole_run():
        assert {path.name for path in paths.REPORT.iterdir()} == {"2025-02-14", "2025-06-30", ".lock"}
    assert (paths.REPORT / "2025-02-14" / "results.json").read_text() == "[]"
    assert files(paths.REPORT / "2025-06-30") == lost


def test_a_second_run_says_that_it_waits_and_waits(capsys):
    paths.REPORT.mkdir()
    entered = threading.Event()

    def second():
        with run._sole_run():
            entered.set()

    with filelock.FileLock(paths.REPORT / ".lock"):
        thread = threading.Thread(target=second, daemon=True)
        thread.start()
        assert not entered.wait(0.5)
        said = capsys.readouterr().out
    assert entered.wait(10)
    thread.join(10)
    assert "Another run is at work on report/" in said


def test_a_stopped_run_publishes_nothing_and_leaves_no_process(project, tmp_path, monkeypatch):
    write("01_leaf", "import os, time\nopen(f'{os.environ[\"HELPERS_PLACE\"]}/begun', 'w').close()\ntime.sleep(60)")
    (tmp_path / "drive.py").write_text(DRIVE, encoding="utf-8")
    stops, runs = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}, {}
    for stop in stops:
        monkeypatch.setattr(paths, "REPORT", project / stop.name)
        command = [sys.executable, tmp_path / "drive.py", project, stop.name, "report", "--as-of", "2025-02-14"]
        before = files(edition("2025-02-14"))
        runs[stop] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
    for stop, process in runs.items():
        monkeypatch.setattr(paths, "REPORT", project / stop.name)
        with process:
            wait_for(".stage-*/begun", process)
            # a terminal sends Ctrl-C to the whole group
            (os.killpg if stop == signal.SIGINT else os.kill)(process.pid, stop)
            # ends when the last of the workers and kernels has let go of stdout
            said, _ = process.communicate(timeout=30)
        assert process.returncode == stops[stop], said
        assert "Traceback" not in said
        assert files(paths.REPORT / "2025-02-14") == before
        with run._sole_run():
            assert {path.name for path in paths.REPORT.iterdir()} == {"2025-02-14", ".lock"}


def test_an_edition_that_cannot_be_bound_stays_as_it_was_and_the_other_is_published(capsys, monkeypatch):
    write("01_leaf")
    before = files(edition("2025-02-14", "[ ]"))
    bind = report.edition_page

    def unfit(folder, as_of):
        if as_of == "2025-02-14":
            raise ValueError("a figure needs alt text")
        bind(folder, as_of)

    monkeypatch.setattr(report, "edition_page", unfit)
    monkeypatch.setattr(run, "run_jobs", lambda stages, *_: [edition("", folder=p) for p in stages.values()] and {})
    code, said = main(capsys, "report")
    assert code == 1 and "error: binding the edition of 2025-02-14: a figure needs alt text" in said
    assert files(paths.REPORT / "2025-02-14") == before
    assert (paths.REPORT / LAST / "index.html").is_file()


def test_a_first_run_that_fails_wholly_says_so_in_lines(capsys, monkeypatch):
    write("01_leaf")
    monkeypatch.setattr(run, "run_jobs", lambda stages, *_: {f"01_leaf as of {day}": "cell 1: no" for day in stages})
    code, said = main(capsys, "report")
    assert code == 1 and said.count("error: 01_leaf as of ") == 2 and "binding" not in said
    assert not (paths.REPORT / "index.html").exists()


def test_stored_outputs_and_readme_change_only_when_all_notebooks_succeed(capsys, monkeypatch):
    write("01_leaf")
    before, written = files(paths.NOTEBOOKS), []
    monkeypatch.setattr(readme, "write", lambda: written.append(1))
    monkeypatch.setattr(run, "run_jobs", lambda stages, *_: {"01_leaf as of 2025-02-14": "cell 1: no"})
    assert main(capsys, "refresh-outputs")[0] == 1
    assert files(paths.NOTEBOOKS) == before and not written
    monkeypatch.setattr(run, "run_jobs", lambda stages, *_: [edition("", folder=p) for p in stages.values()] and {})
    assert main(capsys, "refresh-outputs") == (0, "")
    assert files(paths.NOTEBOOKS) != before and written


def test_a_full_disk_gives_one_line(capsys, monkeypatch):
    write("01_leaf")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run, "run_jobs", full)
    before = files(edition("2025-02-14"))
    code, said = main(capsys, "report")
    assert code == 1 and "No space left on device" in said and said.count("\n") == 1
    assert files(paths.REPORT / "2025-02-14") == before and not list(paths.REPORT.glob(".stage-*"))


@pytest.mark.parametrize("wish", ["X=1", "as_of=2025-02-14", "AS_0F=2025-02-14"])
def test_make_refuses_a_variable_that_it_does_not_know(wish):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-C", HOUSE, wish, "help"], capture_output=True, text=True, env=clean)
    assert done.returncode != 0
    assert f"{wish.partition('=')[0]}: not a variable" in done.stderr
