import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import environment, paths, terminal

# says far more than a pipe or a buffer holds, and leaves a mark when it has ended
SPEAKER = """
import sys
from pathlib import Path
from helpers import terminal

def main():
    for _ in range(int(sys.argv[2])):
        print("word " * 1000)
    Path(sys.argv[1]).touch()
    return 3

sys.exit(terminal.run(main))
"""


def spoken(mark, count, **streams):
    command = [sys.executable, "-S", "-c", SPEAKER, str(mark), str(count)]
    variables = {"PYTHONPATH": str(paths.ROOT / "src"), "PATH": os.environ["PATH"]}
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables, **streams)


def full():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    return Path("/dev/full").open("w")


def test_a_reader_who_leaves_stops_no_work_and_hears_no_complaint(tmp_path):
    with spoken(tmp_path / "ended", 100, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline().startswith("word word")
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (3, "") and (tmp_path / "ended").exists()


# little is only written out at the end, much at once
@pytest.mark.fault(13)
@pytest.mark.parametrize("count", [1, 100])
def test_what_cannot_be_written_is_an_error_of_one_line(tmp_path, count):
    with full() as nowhere, spoken(tmp_path / "ended", count, stdout=nowhere) as process:
        said = process.stderr.read()
    line = "error: standard output cannot be written: No space left on device; send it elsewhere\n"
    assert (process.returncode, said) == (1, line)
    assert (tmp_path / "ended").exists() == (count == 1)


def test_every_command_line_of_the_makefile_speaks_so():
    text = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    modules = set(re.findall(r"-m helpers[.](\w+)", text))
    # what start hands over to
    for module in modules | {"run"}:
        file = paths.ROOT / "src" / "helpers" / f"{module}.py"
        file = file if file.is_file() else file.with_suffix("") / "__main__.py"
        assert "sys.exit(terminal.run(main" in file.read_text(encoding="utf-8"), module


def test_an_unchanged_report_that_cannot_be_told_is_an_error_of_one_line(copy):
    (copy.root / ".venv").mkdir()
    (copy.root / ".venv" / "pyvenv.cfg").write_text(f"version = {sys.version.split()[0]}\n", encoding="utf-8")
    driver = copy.root / "remember.py"
    driver.write_text("from helpers import freshness\nfreshness.remember('', [], ['It is there'])\n", encoding="utf-8")
    copy.report.mkdir()
    assert copy.run(kernels=None, command=[driver])[0] == 0
    variables = {"PYTHONPATH": str(copy.root / "src"), "PATH": os.environ["PATH"]}
    with full() as nowhere:
        told = {"stdout": nowhere, "stderr": subprocess.PIPE, "text": True, "env": variables, "cwd": copy.root}
        done = subprocess.run([sys.executable, "-S", "-m", "helpers.start", "report"], check=False, **told)
    assert done.returncode == 1 and done.stderr.startswith("error: standard output cannot be written: ")
    assert done.stderr.count("\n") == 1


def test_an_environment_whose_setting_up_cannot_be_told_is_an_error_of_one_line(tmp_path):
    (tmp_path / "src" / "helpers").mkdir(parents=True)
    script = tmp_path / "src" / "helpers" / "environment.py"
    script.write_bytes((paths.ROOT / "src" / "helpers" / "environment.py").read_bytes())
    (tmp_path / "requirements.lock").write_text("numpy==2.0\n", encoding="utf-8")
    with full() as nowhere:
        command = [sys.executable, "-S", script, "ensure"]
        done = subprocess.run(command, stdout=nowhere, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: [Errno 28] No space left on device\n")
    assert not (tmp_path / ".venv").exists() and environment.ROOT == paths.ROOT


def test_ctrl_c_ends_a_command_line_in_a_word(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))

    def stopped():
        raise KeyboardInterrupt

    assert terminal.run(stopped) == 130
    assert capsys.readouterr().err == "stopped\n"


def test_a_terminal_of_another_encoding_gets_what_it_can_draw_and_arguments_are_passed_on(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert terminal.run(lambda word: print(word) or 0, "−5") == 0
    assert raw.getvalue() == b"?5\n"


def test_a_command_line_without_standard_output_runs(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    assert terminal.run(lambda: 0) == 0
