import ast
import importlib.util
import json
import os
import re
import sys
from collections import Counter

import pytest

from helpers import paths

KINDS = {"statistics", "data", "notebooks", "results", "pages", "runs", "sources", "ledgers"}
ONE = "tests/test_a.py::test_one"


@pytest.fixture(scope="module")
def mutants():
    """The script of `make mutants`, which is no module of the package."""
    spec = importlib.util.spec_from_file_location("mutants", paths.ROOT / "bench" / "mutants.py")
    module = importlib.util.module_from_spec(spec)
    # where data classes look for their module
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(sys.modules, "mutants", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def declared(mutants):
    return mutants.changes()


def test_every_declared_change_still_changes_something_that_can_be_read(declared):
    for change in declared:
        if change.file:
            changed = change.applied((paths.ROOT / change.file).read_text(encoding="utf-8"))
            if change.file.endswith(".py"):
                ast.parse(changed)
            elif change.file.endswith(".ipynb"):
                json.loads(changed)


def test_every_test_that_a_change_names_is_there(declared):
    texts = {}
    for change in declared:
        assert change.tests or change.refused, change.name
        for test in change.tests:
            file, _, sentence = test.partition("::")
            texts.setdefault(file, (paths.ROOT / file).read_text(encoding="utf-8"))
            assert not sentence or re.search(rf"^def {sentence}\(", texts[file], flags=re.MULTILINE), test


def test_every_part_of_the_project_is_broken_in_five_ways_or_more(declared):
    kinds = Counter(change.kind for change in declared if change.sort == "mutant")
    assert set(kinds) == KINDS and min(kinds.values()) >= 5 and kinds.total() >= 60
    assert sum(change.sort == "harmless" for change in declared) >= 20
    assert len({change.name for change in declared}) == len(declared)


def test_a_change_whose_text_is_gone_or_stands_twice_is_refused(mutants):
    change = mutants.Change("mutant", "a sign", "typed wrongly", file="a.py", old="x - y", new="y - x")
    assert change.applied("a = x - y\n") == "a = y - x\n"
    for text, times in (("a = x + y\n", 0), ("x - y\nx - y\n", 2)):
        with pytest.raises(ValueError, match=f"a sign: a.py holds 'x - y' {times} times, not once"):
            change.applied(text)
    with pytest.raises(ValueError, match=r"changes nothing in a.py"):
        mutants.Change("mutant", "a sign", "typed wrongly", file="a.py", crlf=False).applied("a = x\n")


def test_a_copy_is_broken_and_nothing_that_is_linked_to_it(mutants, tmp_path):
    for name in ("whole", "copy"):
        (tmp_path / name / "data" / "raw").mkdir(parents=True)
    before, after = (mutants.hashlib.sha256(text).hexdigest() for text in (b"day\n1\n", b"day\n2\n"))
    for name, text in {"data/raw/a.csv": "day\n1\n", "data/sources.csv": f"a.csv,{before}\n"}.items():
        (tmp_path / "whole" / name).write_text(text, encoding="utf-8")
        os.link(tmp_path / "whole" / name, tmp_path / "copy" / name)
    change = mutants.Change("mutant", "a day", "typed wrongly", file="data/raw/a.csv", old="1", new="2", hash=True)
    mutants.break_copy(change, tmp_path / "copy")
    for folder, day, digest in (("copy", 2, after), ("whole", 1, before)):
        assert (tmp_path / folder / "data" / "raw" / "a.csv").read_text() == f"day\n{day}\n"
        assert (tmp_path / folder / "data" / "sources.csv").read_text() == f"a.csv,{digest}\n"


@pytest.mark.parametrize(
    ("failed", "by"),
    [
        ([[f"{ONE}[2]", "AssertionError", ""]], f"{ONE}[2]"),
        ([[ONE, "ValueError", ""]], ONE),
        # another test, a longer name, a crash of the mutant, nothing
        ([["tests/test_a.py::test_two", "AssertionError", ""]], ""),
        ([[f"{ONE}_more", "AssertionError", ""]], ""),
        ([[ONE, "NameError", ""]], ""),
        ([], ""),
    ],
)
def test_only_a_named_test_that_asserts_or_refuses_catches_a_mutant(mutants, failed, by):
    change = mutants.Change("mutant", "a sign", "typed wrongly", tests=(ONE,))
    assert mutants.noticed(change, {"passed": [], "failed": failed, "refused": "DataError: other"}) == by


def test_data_that_are_refused_catch_a_mutant_by_their_words(mutants):
    change = mutants.Change("mutant", "a digit", "typed wrongly", refused="sha256 is")
    told = {"passed": [], "failed": [], "refused": "DataError: a.csv: sha256 is ab"}
    assert mutants.noticed(change, told) and not mutants.noticed(change, told | {"refused": "DataError: cut"})
    assert mutants.noticed(change, None) == ""


@pytest.mark.parametrize(
    ("passed", "failed", "fault"),
    [
        ([f"{ONE}[1]"], [], ""),
        ([f"{ONE}[1]"], [[f"{ONE}[2]", "AssertionError", "no"]], "no"),
        # it was skipped, or another of a longer name ran
        ([], [], "did not run"),
        ([f"{ONE}_more"], [], "did not run"),
    ],
)
def test_a_test_that_does_not_pass_on_the_unbroken_copy_proves_nothing(mutants, passed, failed, fault):
    assert mutants.fault_of(ONE, {"passed": passed, "failed": failed, "refused": ""}) == fault
    assert mutants.fault_of(ONE, None) == "the tests gave no answer"


@pytest.mark.parametrize(
    ("told", "quiet"),
    [
        ({"passed": [ONE], "failed": [], "refused": ""}, True),
        ({"passed": [], "failed": [], "refused": ""}, False),
        ({"passed": [ONE], "failed": [[ONE, "AssertionError", "no"]], "refused": ""}, False),
        ({"passed": [], "failed": [], "refused": "DataError: cut"}, False),
        (None, False),
    ],
)
def test_a_harmless_change_is_quiet_only_where_tests_ran_and_none_failed(mutants, told, quiet):
    change = mutants.Change("harmless", "a comment", "no code", tests=("tests/test_a.py",))
    assert (mutants.judged(change, told)[0] == "") == quiet


def test_the_page_tells_survivors_first_and_alarms(mutants):
    mutant = mutants.Change("mutant", "a sign", "typed wrongly", kind="data", file="a.py")
    other = mutants.Change("mutant", "a|b", "typed wrongly", kind="data", file="b.py")
    quiet = mutants.Change("harmless", "a comment", "no code", file="a.py", tests=("tests/test_a.py",))
    outcomes = [(mutant, "", "3 tests passed"), (other, ONE, "no"), (quiet, "a test", "AssertionError in x: y")]
    text = "\n".join(mutants.page(outcomes, 90, "two cores"))
    assert "**1 of 2 errors were caught; 1 of 1 harmless changes raised a false alarm.**" in text
    assert "| data | 2 | 1 |" in text and f"| a\\|b | typed wrongly | b.py | {ONE} |" in text
    assert text.index("- a sign (a.py): 3 tests passed") < text.index("## Caught")
    assert "| a comment | no code | a.py | test_a.py | ALARM: AssertionError in x: y |" in text
