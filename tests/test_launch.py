import os
import subprocess
import sys

import pytest

from helpers import environment, launch, run, zygote


@pytest.mark.parametrize(
    ("wish", "begun"),
    [
        (["report", "--force=1", "--kernels="], True),
        (["sweep", "--kernels=warm", "--", "a.yml"], True),
        (["report", "--kernels=plain"], False),
        (["report", "--kernels=nonsense"], False),
        (["why", "--", "01_returns"], False),
    ],
)
def test_the_libraries_are_loaded_beside_what_needs_them_and_nothing_else(monkeypatch, wish, begun):
    done = []
    monkeypatch.setattr(zygote, "apt", lambda: True)
    monkeypatch.setattr(zygote, "begin", lambda: done.append("begun"))
    monkeypatch.setattr(run, "main", lambda arguments: done.append(arguments) or 3)
    assert launch.main(wish) == 3 and done == ["begun"] * begun + [wish]


def test_what_is_refused_is_refused_in_one_line_though_the_libraries_are_loaded_already():
    # warnings are shown, as in every run
    command = [sys.executable, "-m", "helpers.launch", "report", "--as-of=2025-02-30"]
    done = subprocess.run(command, env=os.environ | environment.VARIABLES, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "error: AS_OF: '2025-02-30' is no date of the calendar\n"


def test_where_no_process_can_be_forked_nothing_is_begun(monkeypatch):
    monkeypatch.setattr(zygote, "apt", lambda: False)
    monkeypatch.setattr(zygote, "begin", lambda: pytest.fail("begun"))
    monkeypatch.setattr(run, "main", lambda _: 0)
    assert launch.main(["report"]) == 0
