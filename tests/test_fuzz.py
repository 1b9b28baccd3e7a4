"""The fuzzer's targets on their seeds, the faults they must notice, and what `make fuzz` says of its work."""

import re
import subprocess
import types

import fuzz
import fuzz_targets
import pytest
import yaml

from helpers import data, parameters, sweep
from helpers.parameters import ParameterError
from helpers.sources import formats


@pytest.fixture
def laid(tmp_path, monkeypatch):
    """A project of one notebook, and a place for findings."""
    monkeypatch.setattr(fuzz, "PLACE", tmp_path / ".fuzz")
    fuzz_targets.lay_out(tmp_path, monkeypatch.setattr)
    return tmp_path


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_a_target_has_nothing_to_say_of_its_seeds(name, laid):
    found = list(fuzz_targets.seeds(name))
    assert len(found) > 5 and len(found) == len(set(found))
    for content in found:
        fuzz_targets.TARGETS[name](content)


def test_some_seeds_are_read_and_some_refused_so_that_both_ways_are_gone(laid):
    for name in ("wishes", "grid"):
        read = 0
        for content in fuzz_targets.seeds(name):
            try:
                if name == "wishes":
                    parameters.accepted(fuzz_targets.NOTEBOOK, parameters.wished(content.decode()))
                else:
                    (laid / "sweeps" / "one.yml").write_bytes(content)
                    sweep.read("sweeps/one.yml")
                read += 1
            except ParameterError:
                pass
        assert 0 < read < len(list(fuzz_targets.seeds(name)))
    rules = [fuzz_targets.rule(column) for column in fuzz_targets.EVERY_TYPE]
    assert data._cells(fuzz_targets.ROWS.encode(), rules, "x")[1] == []


def rounded(cells, rules, whole=data._typed):
    rows = whole(cells, rules)
    return rows.round(6)


def evaluated(notebook, wishes):
    return {name: eval(value) if name == "draws" else value for name, value in wishes.items()}


LAX = {
    "numbers in any form": ("table", data._FORMS, "number", re.compile(r"\S+")),
    "integers with a sign": ("table", data._FORMS, "integer", re.compile(r"[+-]?\d+")),
    "numbers that are rounded": ("table", data, "_typed", rounded),
    "ranges to sixteen digits": ("table", data, "Decimal", float),
    "keys by their looks": ("table", data._Rule, "meant", lambda rule, cell: cell),
    "counts in any script": ("wishes", parameters._FORMS, int, re.compile(r"\w+")),
    "numbers without end": ("wishes", parameters.math, "isfinite", lambda value: True),
    "values that are run": ("wishes", parameters, "accepted", evaluated),
    "a sweep as YAML has it": ("grid", sweep, "_AsWritten", yaml.SafeLoader),
    "a tree without a limit": ("sent", formats, "RecursionError", ValueError),
    "marks of any number": ("sent", formats, "_NUMBER", re.compile(r".*")),
    "quotation marks left open": (
        "sent",
        formats.csv,
        "reader",
        lambda lines, strict, reader=formats.csv.reader: reader(lines),
    ),
}


@pytest.mark.parametrize("fault", LAX.values(), ids=LAX)
def test_a_planted_fault_is_noticed(fault, laid, monkeypatch):
    name, owner, what, planted = fault
    if isinstance(owner, dict):
        monkeypatch.setitem(owner, what, planted)
    else:
        monkeypatch.setattr(owner, what, planted, raising=what != "RecursionError")
    noticed = []
    for content in fuzz_targets.seeds(name):
        try:
            fuzz_targets.TARGETS[name](content)
        except Exception as error:
            noticed.append(fuzz_targets.signature(error))
    assert noticed and all(re.fullmatch(r"\w+ at [a-z_]+\.py:\d+", line) for line in noticed)


def test_a_program_started_by_a_wish_is_noticed(laid, monkeypatch):
    monkeypatch.setattr(parameters, "accepted", lambda *_: subprocess.run(["true"], check=True))
    with pytest.raises(AssertionError, match=r"subprocess\.Popen"):
        fuzz_targets.wishes(b"draws=5")


def test_a_finding_is_repeated_by_its_file_until_it_is_mended(laid, monkeypatch, capsys):
    file = laid / "sent-0123"
    file.write_bytes(b"n1,5")
    with monkeypatch.context() as patch:
        patch.setattr(formats, "_NUMBER", re.compile(r".*"))
        assert fuzz.repeat(file) == 1
    assert capsys.readouterr().err.startswith("error: AssertionError at fuzz_targets.py:")
    assert fuzz.repeat(file) == 0 and "nothing is wrong with it any more" in capsys.readouterr().out
    # what stops the fuzzer itself is named by it, and known by its folder
    (laid / "wishes").mkdir()
    (laid / "wishes" / "timeout-77").write_bytes(b"draws=5")
    assert fuzz.repeat(laid / "wishes" / "timeout-77") == 0


@pytest.mark.parametrize("file", ["nowhere-1", "table-2"])
def test_an_input_that_is_no_finding_is_refused_in_a_line(file, laid, monkeypatch, capsys):
    monkeypatch.setenv("INPUT", str(laid / file))
    assert fuzz.main() == 2
    said = capsys.readouterr().err
    assert said.startswith("error: INPUT: no finding ") and said.count("\n") == 1


@pytest.mark.parametrize("minutes", ["ten", "-1", "0", "1e3", "１"])
def test_minutes_are_a_number_of_them(minutes, monkeypatch, capsys):
    monkeypatch.setenv("MINUTES", minutes)
    assert (
        fuzz.main() == 2 and capsys.readouterr().err == f"error: MINUTES takes a number of minutes, not {minutes!r}\n"
    )


def test_without_the_fuzzer_one_line_says_what_is_left(monkeypatch, capsys):
    monkeypatch.setitem(fuzz.sys.modules, "atheris", None)
    monkeypatch.delenv("MINUTES", raising=False)
    assert fuzz.main() == 0 and capsys.readouterr().out.startswith("atheris has no build for this Python")


def test_what_the_fuzzer_did_and_found_is_told_with_the_way_to_repeat_it(laid, monkeypatch):
    said = "#5\tNEW    cov: 40 ft: 3\nfinding table-1a: KeyError at data.py:7: 'x'\n#9\tDONE   cov: 41 ft: 9\n"

    def run(command, **_):
        place = laid / ".fuzz" / "findings" / "table"
        for name in ("table-1a", "timeout-2b"):
            (place / name).write_bytes(b"x")
        assert command[-len(fuzz.LIMITS) :] == fuzz.LIMITS and command[2:4] == [
            "table",
            str(laid / ".fuzz" / "corpus" / "table"),
        ]
        return types.SimpleNamespace(stderr=said + "stat::number_of_executed_units: 1234\n", returncode=77)

    monkeypatch.setattr(fuzz, "ROOT", laid)
    monkeypatch.setattr(fuzz.subprocess, "run", run)
    found = fuzz.fuzzed("table", 5)
    assert (found["runs"], found["edges"]) == (1234, 41)
    assert found["findings"] == [
        "table: KeyError at data.py:7: 'x'; make fuzz INPUT=.fuzz/findings/table/table-1a",
        "table: stopped the fuzzer; make fuzz INPUT=.fuzz/findings/table/timeout-2b",
    ]
    head, _, row = fuzz.table([found | {"seconds": 10.0}])
    assert row == "| table | 10 | 1,234 | 123 | 41 | 0 | 2 |" and head.count("|") == row.count("|")


def test_the_page_keeps_what_people_wrote_around_the_measurements(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "PAGE", tmp_path / "fuzz.md")
    text = fuzz.ROOT.joinpath("docs", "fuzz.md").read_text(encoding="utf-8")
    assert [text.count(mark) for mark in fuzz.MARKS] == [1, 1]
    fuzz.PAGE.write_text(text, encoding="utf-8")
    fuzz.write(["measured anew"])
    written = fuzz.PAGE.read_text(encoding="utf-8")
    assert f"{fuzz.MARKS[0]}\nmeasured anew\n{fuzz.MARKS[1]}" in written
    ends = [(one.partition(fuzz.MARKS[0])[0], one.partition(fuzz.MARKS[1])[2]) for one in (text, written)]
    assert ends[0] == ends[1]
