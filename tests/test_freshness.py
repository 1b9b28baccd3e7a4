import os
import shutil

import pytest

from helpers import freshness, paths

WORDS = ["The report is at report/index.html"]


@pytest.fixture
def built(place):
    """A report that was built from one notebook and remembered."""
    place.write("01_leaf")
    edition = place.edition("2025-02-14")
    for name in ("sweeps", "docs"):
        (place.root / name).mkdir()
    for name in ("docs/methods.md", "README.md", "LICENSE"):
        (place.root / name).write_text("read", encoding="utf-8")
    freshness.remember("", [edition], WORDS)
    return place


def test_a_report_is_fresh_when_nothing_changed(built):
    assert freshness.fresh("") == WORDS
    assert freshness.fresh("2025-02-14") is None


@pytest.mark.parametrize(
    "name",
    [
        "notebooks/01_leaf.ipynb",
        "data/claims.csv",
        "requirements.lock",
        "references.bib",
        "docs/methods.md",
        "README.md",
        "LICENSE",
        "report/2025-02-14/results.json",
        "report/2025-02-14/01_leaf/notebook.ipynb",
    ],
)
@pytest.mark.parametrize("change", ["edit", "delete"])
def test_an_edited_or_deleted_file_is_noticed(built, name, change):
    file = built.root / name
    if change == "delete":
        file.unlink()
    else:
        # of the same length; only what is built is told by its time
        file.write_bytes(file.read_bytes()[:0:-1] + b"x")
        os.utime(file, (1, 1))
    assert freshness.fresh("") is None


def test_a_built_file_that_was_touched_copied_or_linked_is_not_changed(built):
    file = built.report / "2025-02-14" / "results.json"
    os.utime(file, (1, 1))
    (built.report / "linked").hardlink_to(file)
    assert freshness.fresh("") == WORDS
    shutil.copytree(built.report / "2025-02-14", built.report / "other")
    shutil.rmtree(built.report / "2025-02-14")
    (built.report / "other").rename(built.report / "2025-02-14")
    assert freshness.fresh("") == WORDS


def test_the_new_looks_of_a_file_are_remembered_so_that_its_content_is_read_once(built, monkeypatch):
    os.utime(built.report / "2025-02-14" / "results.json", (1, 1))
    assert freshness.fresh("") == WORDS
    read = []
    digest = freshness.digest
    monkeypatch.setattr(freshness, "digest", lambda path: read.append(path.name) or digest(path))
    assert freshness.fresh("") == WORDS and "results.json" not in read
    # nor does it matter where they cannot be
    os.utime(built.report / "2025-02-14" / "results.json", (2, 2))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(freshness, "_write", full)
    assert freshness.fresh("") == WORDS


def test_a_built_file_changed_in_length_or_content_under_its_old_time_is_noticed(built):
    file = built.report / "2025-02-14" / "results.json"
    before, status = file.read_bytes(), file.stat()
    for content in (b"[]]", b"[[", before):
        file.write_bytes(content)
        os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert (freshness.fresh("") == WORDS) == (content == before)


def test_an_edition_is_held_to_its_seal_and_not_to_what_lies_there_when_it_is_remembered(built):
    edition = built.report / "2025-02-14"
    freshness.keep_seal(edition.name, freshness.seal(edition))
    assert freshness.damaged() == {}
    (edition / "results.json").write_text("[ ]", encoding="utf-8")
    freshness.remember("", [edition], WORDS)
    assert freshness.fresh("") is None and "/results.json" in freshness.damaged()["2025-02-14"]
    # without a seal, an edition is taken as it is
    (built.report / ".sealed-2025-02-14.json").write_text("{", encoding="utf-8")
    assert freshness.damaged() == {}
    shutil.rmtree(edition)
    assert freshness.damaged() == {} and not list(built.report.glob(".sealed-*"))


@pytest.mark.parametrize(
    "name",
    [
        "notebooks/02_new.ipynb",
        "data/raw/new.csv",
        "sweeps/new.yml",
        "docs/new.md",
        "SECURITY.md",
        "report/2025-02-14/x",
        "report/compare/2025-02-14--2025-06-30/compare.json",
    ],
)
def test_an_added_file_is_noticed(built, name):
    (built.root / name).parent.mkdir(parents=True, exist_ok=True)
    (built.root / name).write_text("new", encoding="utf-8")
    assert freshness.fresh("") is None


def test_bytecode_processed_tables_and_hidden_files_are_no_input(built):
    for name in ("data/processed/a.parquet", "notebooks/.ipynb_checkpoints/01_leaf.ipynb", "data/__pycache__/a.pyc"):
        (built.root / name).parent.mkdir(exist_ok=True)
        (built.root / name).write_text("new", encoding="utf-8")
    assert freshness.fresh("") == WORDS


def test_a_lost_or_torn_memory_is_no_memory(built):
    (built.report / ".built-both.json").write_text('{"inputs": ', encoding="utf-8")
    assert freshness.fresh("") is None
    freshness.remember("", [], WORDS)
    freshness.forget()
    assert freshness.fresh("") is None


def test_the_version_of_python_is_that_of_the_environment(place):
    folder = paths.ROOT / ".venv"
    folder.mkdir()
    for line in ("version = 3.12.1", "version_info = 3.12.1.final.0"):
        (folder / "pyvenv.cfg").write_text(f"home = somewhere\n{line}\n", encoding="utf-8")
        assert freshness.python() == "3.12.1"


def test_a_report_with_its_pdfs_is_remembered_apart(built):
    assert freshness.fresh(freshness.printed("")) is None
    freshness.remember(freshness.printed(""), [], ["A PDF"])
    assert freshness.fresh(freshness.printed("")) == ["A PDF"] and freshness.fresh("") == WORDS
    assert freshness.printed("2025-02-14") not in ("2025-02-14", freshness.printed(""))
    freshness.forget()
    assert freshness.fresh(freshness.printed("")) is None
