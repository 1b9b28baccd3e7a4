import doctest
import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from helpers import environment, paths

# scripts are no package: they find each other in their folder
sys.path.insert(0, str(paths.ROOT / "bench"))
import agreement
import reproduce

sys.path.remove(str(paths.ROOT / "bench"))

CLASS = SimpleNamespace(name="closed form", tolerance=1e-9)
VERDICTS = "claim,verdict,robust\nfell,{verdict},{robust}\n"


def differences(found, stored):
    held = {record["id"]: record["value"] for record in stored}
    return [f"{record['id']}: value" for record in found if abs(record["value"] - held[record["id"]]) > CLASS.tolerance]


RECORDED = SimpleNamespace(differences=differences, classified=lambda method: CLASS)


def record(value, low=1.0, high="inf", name="fell"):
    return {"id": name, "value": value, "low": low, "high": high, "method": "exact: a price"}


def report(folder, value=2.0, verdict="holds", robust="yes", points="a\n1.5\n"):
    edition = folder / "2025-02-14"
    edition.mkdir(parents=True)
    (edition / "results.json").write_text(json.dumps([record(value)]), encoding="utf-8")
    (edition / "verdicts.csv").write_text(VERDICTS.format(verdict=verdict, robust=robust), encoding="utf-8")
    (edition / "points.csv").write_text(points, encoding="utf-8")
    (folder / ".runs").mkdir()
    (folder / ".runs" / "kept").write_text(str(folder), encoding="utf-8")
    return folder


@pytest.fixture
def compared(tmp_path):
    """Compare a report with one that is as `report` lays it out by itself."""

    def told(**other):
        return agreement.compare(report(tmp_path / "here", **other), report(tmp_path / "there"), RECORDED)

    return told


def variation(name):
    known = reproduce.variations("3.11", ["3.11", "3.12"], {"LC_ALL": "de_DE.UTF-8", "LOCPATH": "x"}, paths.ROOT)
    (found,) = [one for one in known if one.name == name]
    return found


@pytest.mark.parametrize("module", [agreement, reproduce])
def test_the_examples_of_the_scripts_are_true(module):
    done = doctest.testmod(module)
    assert done.attempted > 0 and done.failed == 0


def test_two_equal_reports_agree_in_every_number_verdict_and_file(compared):
    found = compared()
    assert (found.faults, found.apart, found.files) == ([], [], 3)
    assert found.classes == {(1e-9, "closed form"): agreement.Class(3, 3, 0.0)}


def test_a_number_beyond_its_class_is_a_fault(compared):
    found = compared(value=2.0 + 1e-8)
    assert found.faults == ["2025-02-14: fell: value"] and found.beyond == 1
    assert found.total.gap == pytest.approx(5e-9)


def test_the_last_bit_of_a_number_is_counted_and_no_fault(compared):
    found = compared(value=2.0 + 2**-51)
    assert found.faults == [] and (found.total.count, found.total.equal) == (3, 2)
    assert 0 < found.total.gap < 1e-15 and found.apart == ["2025-02-14/results.json"]


@pytest.mark.parametrize("turned", [{"verdict": "fails"}, {"robust": "no"}])
def test_a_verdict_that_turns_is_a_fault(compared, turned):
    found = compared(**turned)
    assert found.turned == 1 and found.faults[0].startswith("2025-02-14: fell: holds (robust: yes) in the base, here ")


def test_an_edition_that_one_of_the_two_lacks_is_a_fault(tmp_path):
    here, there = report(tmp_path / "here"), report(tmp_path / "there")
    (here / "2025-02-14").rename(here / "2026-07-31")
    faults = agreement.compare(here, there, RECORDED).faults
    assert len(faults) == 3 and faults[-1] == "no edition is in both"


def test_a_share_is_of_the_largest_number_of_a_record():
    found = agreement.classes([record(0.0, -1e-12, 100.0)], [record(0.0, 0.0, 100.0)], RECORDED.classified)
    assert found[1e-9, "closed form"].gap == pytest.approx(1e-14)


def test_the_page_says_where_files_differ_and_how_far_tables_are_apart(compared):
    found = compared(points="a\n1.8\n")
    rows = [("far away", "time zone NST -0330", found)]
    lines = agreement.page(rows, "Python 3.11.7", ["Python 3.13: not on this machine."], "Today.")
    assert "| far away | time zone NST -0330 | 3 | 3 | 0 | 0 | 1 of 3 |" in lines
    assert "- far away: tables 1. 1 × `points.csv`: 1 cells, apart by a share of up to 0.2." in lines
    assert "| closed form | 1e-09 | 3 | 3 | 0 | - |" in lines
    assert "against a base: 1, each a cold build in a clean clone; numbers within" in str(lines)
    assert lines[-1] == "- Python 3.13: not on this machine." and "## What fails" not in lines


def test_the_page_names_what_fails(compared):
    lines = agreement.page([("far away", "x", compared(verdict="fails"))], "x", [], "Today.")
    assert "**1 fail**: far away" in str(lines) and "## What fails" in lines


def test_every_variation_has_to_be_seen_by_a_kernel():
    known = reproduce.variations("3.11", ["3.11", "3.12"], {"LC_ALL": "de_DE.UTF-8"}, paths.ROOT)
    assert len({one.name for one in known}) == len(known) and set(reproduce.QUICK) <= {one.name for one in known}
    for one in known:
        assert one.shows or one.differs, one.name
        assert reproduce.unproven(one, {}, {}), one.name
    # a pin is either lifted or given against, and every pin that a number could follow from is one or the other
    assert set().union(*(one.lifted for one in known)) <= set(environment.VARIABLES)
    free = {"PYTHONWARNINGS", "MPLBACKEND", "JE_ARROW_MALLOC_CONF", "PYDEVD_DISABLE_FILE_VALIDATION"}
    assert set(environment.VARIABLES) - free <= set().union(*(one.lifted for one in known))


def test_the_base_has_nothing_of_what_is_varied(monkeypatch):
    for one in reproduce.variations("3.11", [], {"LC_ALL": "de_DE.UTF-8", "LOCPATH": "x"}, paths.ROOT):
        for name in {*one.given, *one.lifted} - {"HOME"}:
            monkeypatch.setenv(name, "1")
    left = reproduce.clean()
    assert left.get("HOME") == os.environ.get("HOME") and "PATH" in left
    assert not {name for name, value in left.items() if value == "1" and name in {"TZ", "LC_ALL", "LOCPATH"}}
    assert not any(name.startswith(("PYTHON", "OMP_", "OPENBLAS_", "NPY_", "REPRODUCE_")) for name in left)


@pytest.fixture
def look(tmp_path):
    """What a plain kernel of this project sees under a variation."""

    def looked(one, name):
        place, shim = tmp_path / name, tmp_path / name / "shim"
        shim.mkdir(parents=True)
        (shim / "sitecustomize.py").write_text(reproduce.SHIM, encoding="utf-8")
        known = reproduce.variables(one, shim, paths.ROOT)
        command = [sys.executable, reproduce.__file__, "look", str(place), "plain", ""]
        done = subprocess.run(command, env=known, cwd=paths.ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads((place / "seen.json").read_text(encoding="utf-8"))

    return looked


def test_a_pin_holds_against_the_environment_and_a_lifted_one_reaches_the_kernel(look, tmp_path):
    home = reproduce.settings(tmp_path / "home")
    hostile = {"TZ": "Asia/Kathmandu", "OPENBLAS_NUM_THREADS": "2", "MPLBACKEND": "svg", "LC_ALL": "C.UTF-8"}
    hostile |= {"HOME": str(home), "PYTHONSTARTUP": str(home / "startup.py")}
    given = hostile | {reproduce.LOCALE: "1", reproduce.SHUFFLE: "1"}
    # a file of matplotlib's is read, which the house's style undoes; one that runs in a kernel is not
    pinned = {name: variation("pins hold").shows[name] for name in ("time zone", "BLAS threads", "backend")}
    shows = pinned | {"locale": "C 1.5", "own settings": "matplotlibrc"}
    lifted = {"LC_ALL": "C", "PYTHONHASHSEED": "1"}
    one = reproduce.Variation("some", shows, ("hash of 'a'", "listing"), given, lifted, make=True)
    command, fixed = [sys.executable, "-c", "print(hash('a'))"], {"PYTHONHASHSEED": "0"}
    usual = subprocess.run(command, env=fixed, capture_output=True, text=True, check=True).stdout.strip()
    base = {"hash of 'a'": usual, "listing": reproduce.listing()}
    assert reproduce.unproven(one, look(one, "looked"), base) == []


def test_listings_are_shuffled_the_same_way_for_the_same_seed(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(reproduce.SHIM, encoding="utf-8")
    for number in range(9):
        (tmp_path / "many" / str(number)).mkdir(parents=True)
    code = "import os; from pathlib import Path; names = os.listdir('many'); top, found, _ = next(os.walk('many'))\n"
    code += "print(names, sorted(names) == sorted(found), [one.name for one in Path('many').glob('*')])"

    def listed(seed):
        known = {"PYTHONPATH": str(tmp_path), reproduce.SHUFFLE: seed, "PYTHONHASHSEED": "0"}
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=known, capture_output=True, check=True
        ).stdout

    first = listed("1")
    assert first == listed("1") != listed("2") and b"True" in first


def test_a_python_that_only_has_the_name_is_not_taken(tmp_path, monkeypatch):
    stand_in = tmp_path / "python3.12"
    stand_in.write_text(f"#!{sys.executable}\nprint('3.10 /some/python3.10')\n", encoding="utf-8")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert reproduce.interpreter("3.12") == ""
    (tmp_path / "versions" / "3.12.9" / "bin").mkdir(parents=True)
    true = tmp_path / "versions" / "3.12.9" / "bin" / "python3.12"
    true.write_text(f"#!{sys.executable}\nprint('3.12 /some/python3.12')\n", encoding="utf-8")
    true.chmod(0o755)
    assert reproduce.interpreter("3.12") == "/some/python3.12"


def test_a_program_is_left_out_of_the_path_with_its_folder(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "uv").write_text("", encoding="utf-8")
    both = os.pathsep.join([str(tmp_path / "one"), str(tmp_path / "two")])
    assert reproduce.without("uv", both) == str(tmp_path / "two")


def test_words_that_no_circumstance_has_are_refused(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ONLY", "no such thing")
    monkeypatch.setattr(reproduce, "interpreter", lambda version: "")
    monkeypatch.setattr(reproduce, "_wished", lambda trees, place, chosen: ([], []))
    assert reproduce._measured(tmp_path, tmp_path, "Today.", RECORDED) == 2
    assert capsys.readouterr().err == "error: ONLY=no such thing: no circumstance has these words in its name\n"


@pytest.mark.parametrize(
    ("saw", "other", "code"), [("1", {}, 0), ("2", {}, 1), ("1", {"verdict": "fails"}, 1), ("1", {"value": 2.1}, 1)]
)
def test_what_was_not_seen_or_does_not_agree_ends_with_1_and_is_told(saw, other, code, tmp_path, monkeypatch, capsys):
    def built(one, tree, place, day):
        seen = dict.fromkeys(reproduce.TOLD, "as usual") | {"cores": saw if one.name == "far" else "2"}
        return reproduce.Build(seen, report(place, **(other if one.name == "far" else {})))

    wished = [reproduce.Variation("far", {"cores": "1"})]
    monkeypatch.setattr(reproduce, "interpreter", lambda version: "")
    monkeypatch.setattr(reproduce.Trees, "of", lambda trees, one: None)
    monkeypatch.setattr(reproduce, "_wished", lambda trees, place, chosen: (wished, []))
    monkeypatch.setattr(reproduce, "build", built)
    monkeypatch.setattr(reproduce, "PAGE", tmp_path / "reproduce.md")
    for name in ("QUICK", "ONLY"):
        monkeypatch.delenv(name, raising=False)
    assert reproduce._measured(tmp_path, tmp_path, "Today.", RECORDED) == code
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    assert ("## What fails" in text) == (code == 1) and "Today. Editions: 2025-02-14." in text
    assert text.rstrip() in capsys.readouterr().out


def test_a_circumstance_under_which_nothing_can_be_built_fails_and_the_others_go_on(tmp_path, monkeypatch):
    def built(one, tree, place, day):
        if one.name == "broken":
            raise subprocess.CalledProcessError(2, ["make"], output="words\nerror: no room\n")
        return reproduce.Build(dict.fromkeys([*reproduce.TOLD, "cores"], "1"), report(place))

    wished = [reproduce.Variation(name, {"cores": "1"}) for name in ("broken", "whole")]
    monkeypatch.setattr(reproduce, "interpreter", lambda version: "")
    monkeypatch.setattr(reproduce.Trees, "of", lambda trees, one: None)
    monkeypatch.setattr(reproduce, "_wished", lambda trees, place, chosen: (wished, []))
    monkeypatch.setattr(reproduce, "build", built)
    monkeypatch.setattr(reproduce, "PAGE", tmp_path / "reproduce.md")
    monkeypatch.delenv("ONLY", raising=False)
    monkeypatch.delenv("QUICK", raising=False)
    assert reproduce._measured(tmp_path, tmp_path, "Today.", RECORDED) == 1
    text = (tmp_path / "reproduce.md").read_text(encoding="utf-8")
    assert (
        "- broken: make ended with 2: error: no room" in text and "| whole | cores 1 | 3 | 3 | 0 | 0 | 0 of 3 |" in text
    )
