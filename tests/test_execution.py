import sys

import nbformat
import pytest

from helpers import execution
from helpers.execution import Job, cleaned, execute, trouble
from helpers.kernels import NoReplyError


def executed(*outputs, source="1", count=1):
    cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=list(outputs), id="a")
    return nbformat.v4.new_notebook(cells=[cell])


def stream(text, name="stderr"):
    return nbformat.v4.new_output("stream", name=name, text=text)


@pytest.mark.parametrize(("failures", "starts", "wrong"), [(0, 1, False), (2, 3, False), (9, 3, True)])
def test_a_kernel_that_never_answered_is_started_again_a_few_times(place, monkeypatch, failures, starts, wrong):
    calls = []

    def run(source, target, **_):
        calls.append(source)
        if len(calls) <= failures:
            raise NoReplyError("Kernel died before replying to kernel_info")
        nbformat.write(executed(), target)

    monkeypatch.setattr("papermill.execute_notebook", run)
    fault = execute(Job(place.write("01_leaf", "1"), "2025-02-14", place.root / "runs"))
    assert len(calls) == starts and (fault == "Kernel died before replying to kernel_info") == wrong


def test_another_error_with_the_same_message_is_not_tried_again(place, monkeypatch):
    calls = []

    def run(*_, **__):
        calls.append(1)
        raise RuntimeError("Kernel died before replying to kernel_info")

    monkeypatch.setattr("papermill.execute_notebook", run)
    fault = execute(Job(place.write("01_leaf", "1"), "2025-02-14", place.root / "runs"))
    assert len(calls) == 1 and fault == "RuntimeError: Kernel died before replying to kernel_info"


def test_an_error_of_a_cell_is_never_tried_again(place):
    file = place.write("01_leaf", "import pathlib\nwith open('count', 'a') as count: count.write('1')",
                       "raise RuntimeError('Kernel died before replying to kernel_info')")  # fmt: skip
    fault = execute(Job(file, "2025-02-14", place.root / "runs"))
    assert fault == "cell 3: RuntimeError: Kernel died before replying to kernel_info"
    assert (place.notebooks / "count").read_text() == "1"


FAULTS = {
    "01_dies": ("import os\nos.kill(os.getpid(), 9)", "cell 2: the kernel died; is there enough memory?"),
    "02_lasts": ("print('begun')\nimport time\ntime.sleep(60)", "cell 2: was stopped after 1 seconds"),
    "03_good": ("print('good')", None),
    "04_raises": ("1 / 0", "cell 2: ZeroDivisionError: division by zero"),
    "05_leaves": ("import sys\nsys.exit(0)", "cell 2: SystemExit: 0"),
    "06_ends": ("import os\nos._exit(0)", "cell 2: the kernel died; is there enough memory?"),
    "07_warns": ("import warnings\nwarnings.warn('beware')", "cell 2 wrote to stderr: "),
    "08_speaks": ("import sys\nprint('beware', file=sys.stderr)", "cell 2 wrote to stderr: beware"),
    "09_shells": ("!false", "cell 2 is not plain Python: a shell escape that fails would pass unseen"),
}


@pytest.mark.fault(7, 8, 9, 19)
@pytest.mark.parametrize(("kernels", "names"), [("plain", list(FAULTS)[:3]), ("warm", list(FAULTS))])
def test_each_fault_of_a_cell_is_told_in_one_line_whatever_the_kernels(copy, kernels, names):
    for name in names:
        copy.write(name, FAULTS[name][0], settings="as_of = '2025-02-14'")
    found, words = copy.execute(kernels, *names, seconds=1)
    for name in names:
        fault = FAULTS[name][1]
        assert found[name] == fault or "UserWarning: beware" in found[name]
    assert words == [] and copy.printed("02_lasts") == "begun\n" and copy.printed("03_good") == "good\n"
    # no key of a dead kernel's sockets either
    left = {file.name for file in (copy.root / "runs").rglob("*") if file.is_file()}
    assert left == {"notebook.ipynb"}


@pytest.mark.fault(21)
def test_a_cell_that_puts_out_too_much_is_told_with_the_limit(place, monkeypatch):
    assert execution.OUTPUT_BYTES == 30_000_000
    much = executed(stream("x" * 31_000_000, "stdout"))
    assert trouble(much) == "cell 1 put out 31 MB; the limit is 30 MB"
    assert trouble(executed(stream("x" * 29_000_000, "stdout"))) is None
    monkeypatch.setattr(execution, "OUTPUT_BYTES", 2_000_000)
    file = place.write("01_leaf", "print('x' * 3_000_000)", settings="as_of = '2025-02-14'")
    assert execute(Job(file, "2025-02-14", place.root / "runs")) == "cell 2 put out 3 MB; the limit is 2 MB"


@pytest.mark.fault(16)
def test_a_kernel_is_this_interpreter_whatever_kernels_the_machine_has_by_name(place, monkeypatch):
    foreign = place.root / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = '{"argv": ["/no/such/python", "-f", "{connection_file}"], "display_name": "Python 3", "language": "python"}'
    (foreign / "kernel.json").write_text(spec, encoding="utf-8")
    monkeypatch.setenv("JUPYTER_PATH", str(place.root / "jupyter"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    file = place.write("01_leaf", "import os, sys, warnings\nprint(sys.executable, os.getcwd())\nwarnings.warn('seen')")
    assert "UserWarning: seen" in execute(Job(file, "2025-02-14", place.root / "runs"))
    assert f"{sys.executable} {place.notebooks}\n" in place.printed("01_leaf")


@pytest.mark.fault(13)
def test_a_disk_that_is_full_before_the_notebook_is_written_is_told(place):
    file = place.write("01_leaf")
    (place.root / "runs").write_text("no folder can be made here", encoding="utf-8")
    with pytest.raises(OSError, match="Not a directory"):
        execute(Job(file, "2025-02-14", place.root / "runs"))


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    ("notebook", "fault"),
    [
        (executed(), None),
        (executed(source="await x"), None),
        (executed(stream("beware\nmore")), "cell 1 wrote to stderr: beware"),
        (executed(stream("\n")), "cell 1 wrote to stderr: a blank line"),
        (executed(nbformat.v4.new_output("error", ename="SystemExit", evalue="")), "cell 1: SystemExit"),
        (executed(count=None), "cell 1 was not run"),
        (executed(source="!false"), "cell 1 is not plain Python"),
        (executed(source="%%bash\nfalse"), "cell 1 is not plain Python"),
    ],
)
def test_an_output_that_nobody_answers_for_is_a_failure(notebook, fault):
    found = trouble(notebook)
    assert found is None if fault is None else str(found).startswith(fault) and not str(found).endswith("str")


def test_a_cleaned_notebook_keeps_tags_outputs_and_counts_and_nothing_of_the_run():
    notebook = executed(stream("kept"))
    notebook.metadata = nbformat.from_dict({"papermill": {"duration": 1.5}, "kernelspec": {"name": "mine"}})
    notebook.cells[0].metadata = {"papermill": {"duration": 1.5}, "tags": ["mine", "papermill-error-cell-tag"]}
    clean = cleaned(notebook)
    assert "papermill" not in nbformat.writes(clean) and clean.metadata["kernelspec"]["name"] == "python3"
    assert clean.cells[0].metadata == {"tags": ["mine"]}
    assert clean.cells[0].outputs == [stream("kept")] and clean.cells[0].execution_count == 1


def test_a_stream_that_a_busy_machine_cut_in_two_is_one_again():
    clean = cleaned(executed(stream("one ", "stdout"), stream("two", "stdout")))
    assert clean.cells[0].outputs == [stream("one two", "stdout")]
