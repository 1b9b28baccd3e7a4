import json

import pytest

from helpers import audit, environment

CLEAN = {"name": "numpy", "version": "2.4.6", "vulns": []}
FLAW = {"id": "PYSEC-2021-1", "fix_versions": ["2.11.3"], "aliases": ["CVE-2020-28493"], "description": "slow"}
SPOILT = {"name": "jinja2", "version": "2.11.2", "vulns": [FLAW, FLAW | {"id": "GHSA-1", "fix_versions": []}]}
SKIPPED = {"name": "left-pad", "skip_reason": "could not be found on the index"}


def said(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_lock_against_which_nothing_is_known_passes():
    told = "Nothing is known against the 2 packages of requirements.lock that this Python installs"
    assert audit.judged(0, said(CLEAN, CLEAN), "No known vulnerabilities found\n") == (0, [told])


def test_a_flaw_names_package_version_and_the_version_that_mends_it():
    code, lines = audit.judged(1, said(CLEAN, SPOILT), "Found 2 known vulnerabilities in 1 package\n")
    assert code == 1 and lines[-1].startswith("`make lock UPGRADE=1` takes newer versions")
    assert lines[:-1] == ["jinja2 2.11.2: PYSEC-2021-1, mended in 2.11.3", "jinja2 2.11.2: GHSA-1, not mended yet"]


@pytest.mark.parametrize(
    ("code", "out", "err", "words"),
    [
        (
            1,
            "",
            "ERROR:pip_audit._cli:Could not connect to the service\n\n",
            "is there a network? ERROR:pip",
        ),
        (1, "", "", "is there a network? pip-audit said nothing, exit code 1"),
        (0, "<html>", "", "is there a network?"),
        (0, "[]", "", "is there a network?"),
        (0, said(), "", "nothing was judged: no package was looked at"),
        (1, said(CLEAN), "it broke\n", "nothing was judged: it broke"),
    ],
    ids=["offline", "silence", "a page", "a list", "no package", "failed"],
)
def test_no_answer_is_an_error_and_never_a_pass(code, out, err, words):
    code, (line,) = audit.judged(code, out, err)
    assert code == 2 and line.startswith("error: nothing was judged") and words in line


def test_a_package_that_was_not_judged_is_named_beside_what_was_found():
    code, lines = audit.judged(1, said(SKIPPED, SPOILT), "")
    assert code == 2
    assert "error: left-pad was not judged: could not be found on the index" in lines
    assert "jinja2 2.11.2: PYSEC-2021-1, mended in 2.11.3" in lines
    assert audit.judged(0, said(CLEAN, SKIPPED), "")[0] == 2


def test_the_command_line_asks_by_the_lock_and_says_errors_on_stderr(tmp_path, monkeypatch, capsys):
    # what stands for pip-audit says what it was asked
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\necho \"$@\" >> '{tmp_path}/asked'\ncat '{tmp_path}/answer'\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(environment, "executable", lambda venv: python if venv == environment.EXTRA else None)
    (tmp_path / "answer").write_text(said(SPOILT), encoding="utf-8")
    assert audit.main() == 1
    asked = (tmp_path / "asked").read_text()
    assert "-m pip_audit" in asked and "--require-hashes --disable-pip" in asked and str(environment.LOCK) in asked
    assert "PYSEC-2021-1" in capsys.readouterr().out
    (tmp_path / "answer").write_text("", encoding="utf-8")
    assert audit.main() == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("error: nothing was judged, for no answer came")
