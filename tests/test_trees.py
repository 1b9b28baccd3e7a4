import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from helpers import environment, paths, trees

DAY = "2025-02-14"


def test_a_state_is_found_by_any_name_that_git_knows(repository):
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "published")
    second = repository.commit("Second")
    found = {wish: trees.state(wish).commit for wish in ("HEAD", "main", "HEAD~1", "published", first[:12], ".")}
    assert found == {
        "HEAD": second,
        "main": second,
        "HEAD~1": first,
        "published": first,
        first[:12]: first,
        ".": "",
    }
    assert str(trees.state("HEAD~1")) == f"HEAD~1 ({first[:10]})" and str(trees.state(first)) == first[:10]
    assert (str(trees.state(".")), trees.state(".").name) == ("the working tree", "working-tree")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("mian", "no commit 'mian'; did you mean main?"),
        ("HEDA", "no commit 'HEDA'; did you mean HEAD?"),
        ("0000000", "no commit '0000000'; `git log --oneline` lists them"),
        ("--upload-pack=touch x", "no commit '--upload-pack=touch x'; `git log"),
    ],
)
def test_a_commit_that_is_not_there_is_refused_with_the_nearest(repository, wish, words):
    with pytest.raises(trees.TreeError) as error:
        trees.state(wish)
    assert str(error.value).startswith(words) and "\n" not in str(error.value)


def test_a_commit_from_before_the_command_that_runs_it_is_named(repository):
    repository.git("mv", "src/helpers/run.py", "src/helpers/runner.py")
    old = repository.commit("Old")
    with pytest.raises(trees.TreeError, match=rf"HEAD \({old[:10]}\) cannot be run: it is from before .*run\.py"):
        trees.state("HEAD")


def test_without_git_or_outside_of_a_checkout_it_is_said_what_is_needed(place, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(place.root.parent))
    with pytest.raises(trees.TreeError, match="needs a git checkout"):
        trees.state("HEAD")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(trees.TreeError, match="needs git, which is not installed"):
        trees.state("HEAD")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("data/raw/prices.csv", ["data"]),
        ("data/raw/new.csv", ["data"]),
        ("src/factor.txt", ["code"]),
        ("notebooks/02_new.ipynb", ["code"]),
        ("requirements.lock", ["environment"]),
        ("README.md", []),
        ("report/index.html", []),
    ],
)
def test_it_is_told_which_parts_differ_between_commits_and_to_the_working_tree(repository, name, parts):
    before = trees.state("HEAD")
    (repository.root / name).parent.mkdir(exist_ok=True)
    (repository.root / name).write_text("new", encoding="utf-8")
    here = trees.state(".")
    assert trees.differing(before, here) == trees.differing(here, before) == parts
    repository.commit("Second")
    after = trees.state("HEAD")
    assert trees.differing(before, after) == trees.differing(after, before) == parts
    assert trees.differing(after, here) == []


def test_a_tree_takes_each_part_from_its_own_state_and_nothing_that_is_built(repository):
    first = trees.state("HEAD")
    (repository.root / "data" / "processed").mkdir()
    (repository.root / "data" / "processed" / "a.parquet").write_text("a", encoding="utf-8")
    for name in ("data/raw/prices.csv", "src/factor.txt", "requirements.lock", "README.md", "report/index.html"):
        (repository.root / name).parent.mkdir(exist_ok=True)
        (repository.root / name).write_text("new", encoding="utf-8")
    here = trees.state(".")
    parts = {trees.DATA: here, trees.CODE: first, trees.ENVIRONMENT: here}
    tree = trees.lay(paths.REPORT / "tree", parts)
    files = {str(file.relative_to(tree)): file.read_text() for file in tree.rglob("*") if file.is_file()}
    assert files.pop("data/processed/a.parquet") == "a"  # spares building it anew, where it is of the same data
    assert set(files) == set(repository.git("ls-files").splitlines())
    assert (files["data/raw/prices.csv"], files["requirements.lock"]) == ("new", "new")
    assert (files["src/factor.txt"], files["README.md"]) == ("3", "read")
    # what is kept of a run outlives the tree
    assert (tree / "report" / ".runs").resolve() == (paths.REPORT / ".runs").resolve()


def test_a_tree_is_run_by_its_own_code_and_a_failure_is_one_line_without_its_place(repository, monkeypatch):
    here = dict.fromkeys(trees.PARTS, trees.state("HEAD"))
    tree = trees.lay(paths.REPORT / "tree", here)
    python = trees.interpreter(trees.state("HEAD"), paths.REPORT / "environment")
    assert python == Path(sys.executable)
    assert trees.run(tree, python, DAY, []) == (tree / "report" / DAY, "Executed 1 of 1 notebooks")
    monkeypatch.setenv("UNLUCKY", "[[2, 3]]")
    assert trees.run(tree, python, DAY, []) == (None, f"01_leaf as of {DAY}: notebooks is unlucky")
    (tree / "src" / "helpers" / "run.py").write_text("raise SystemExit(3)", encoding="utf-8")
    assert trees.run(tree, python, DAY, []) == (None, "ended with code 3")


def test_another_lock_has_another_environment_and_one_that_cannot_be_made_is_said(repository, monkeypatch):
    first, built = trees.state("HEAD"), []
    (repository.root / "requirements.lock").write_text("new==1\n", encoding="utf-8")
    monkeypatch.setattr(environment, "build", lambda venv, lock: built.append((venv.name, lock.read_text())))
    assert trees.interpreter(first, paths.REPORT / "old") == environment.executable(paths.REPORT / "old")
    assert built == [("old", "")]
    monkeypatch.setattr(environment, "build", lambda venv, lock: sys.exit("error: no network"))
    with pytest.raises(trees.TreeError, match=r"the packages of the lock of HEAD \(.*\) cannot be installed here"):
        trees.interpreter(first, paths.REPORT / "older")


def test_a_run_that_is_interrupted_ends_with_what_it_started(repository):
    code = "import os, pathlib, time\npathlib.Path('begun').write_text(str(os.getpid()))\ntime.sleep(60)"
    (repository.root / "src" / "helpers" / "run.py").write_text(code, encoding="utf-8")
    repository.commit("Slow")
    tree = trees.lay(paths.REPORT / "tree", dict.fromkeys(trees.PARTS, trees.state("HEAD")))

    def interrupt():
        while not (tree / "begun").is_file() or not (tree / "begun").read_text():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        trees.run(tree, Path(sys.executable), DAY, [])
    with pytest.raises(ProcessLookupError):
        os.kill(int((tree / "begun").read_text()), 0)
