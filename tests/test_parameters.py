import json
import subprocess
import sys

import nbformat
import pytest

from conftest import SETTINGS
from helpers import parameters

# what the small project's data reach
FIRST, LAST = "2024-06-28", "2025-12-31"


# wishes that a notebook cannot fulfil


@pytest.mark.fault(1, 2, 3, 24)
@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ("drawz=5", ["01_leaf", "'drawz'", "did you mean draws?"]),
        ("draws=many", ["draws", "'many'", "int"]),
        ("draws=1.5", ["draws", "'1.5'", "int"]),
        ("draws=１２", ["draws", "'１２'", "int"]),
        ("draws=' 12'", ["draws", "' 12'", "int"]),
        ("draws=010", ["draws", "'010'", "int"]),
        ("draws=1__0", ["draws", "'1__0'", "int"]),
        ("draws=" + "9" * 5000, ["draws", "int"]),
        ("level=٣.٥", ["level", "'٣.٥'", "float"]),
        ("level='0.5 '", ["level", "'0.5 '", "float"]),
        ("word='a\nb'", ["word", "printable", "'a\\nb'"]),
        ("word='\x1b[2J'", ["word", "printable"]),
        ("level=nan", ["level", "'nan'", "float"]),
        ("level=inf", ["level", "'inf'", "float"]),
        ("level=1e999", ["level", "'1e999'", "float"]),
        ("fast=maybe", ["fast", "'maybe'", "bool"]),
        ("as_of=2025-02-30", ["as_of", "'2025-02-30'", "no date of the calendar"]),
        ("as_of=02/01/2025", ["as_of", "'02/01/2025'", "yyyy-mm-dd"]),
        ("as_of=2024-06-27", ["2024-06-27", FIRST, LAST]),
        ("as_of=2026-01-01", ["2026-01-01", FIRST, LAST]),
        ("'draws=1;import os'=5", ["draws", "int"]),
        ("__import__('os')=5", ["no parameter", "__import__"]),
        ("draws=\"__import__('os').getpid()\"", ["draws", "'os'", "int"]),
        ("draws", ["name=value", "'draws'"]),
        ("draws=1 draws=2", ["draws", "twice"]),
        ("word='open", ["No closing quotation"]),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line_and_nothing_runs(place, main, wish, words):
    place.write("01_leaf")
    code, said = main("notebook", "01_leaf", "--set", wish)
    assert code == 2
    assert said.startswith("error: ") and said.count("\n") == 1
    assert not [word for word in words if word not in said], said
    assert not list(place.report.glob("[!.]*"))


@pytest.mark.fault(2, 24)
@pytest.mark.parametrize(
    ("as_of", "words"),
    [
        ("2025-02-30", "no date of the calendar"),
        ("../../elsewhere", "yyyy-mm-dd"),
        ("2024-06-27", f"{FIRST} to {LAST}"),
        ("2026-01-01", f"{FIRST} to {LAST}"),
    ],
)
def test_a_report_of_an_impossible_day_is_refused_and_the_last_one_stays(place, main, as_of, words):
    place.write("01_leaf")
    place.edition("2025-02-14")
    before = place.files("report/2025-02-14")
    code, said = main("report", "--as-of", as_of)
    assert code == 2 and as_of in said and words in said and said.count("\n") == 1
    assert place.files("report/2025-02-14") == before


@pytest.mark.parametrize("value", ["abs(-5)", "1+1", "__import__('os').getpid()"])
def test_a_value_that_is_code_is_refused_and_never_run(place, value):
    place.write("01_leaf")
    with pytest.raises(parameters.ParameterError, match="draws takes a value of type int, not "):
        parameters.accepted("01_leaf", {"draws": value})


def test_only_days_from_the_first_to_the_last_that_the_data_know_can_be_asked_for(place):
    for day in (FIRST, LAST):
        parameters.within_span(day)
    for day in ("2024-06-27", "2026-01-01"):
        with pytest.raises(parameters.ParameterError, match=f"{day} is outside of .*: {FIRST} to {LAST}"):
            parameters.within_span(day)


@pytest.mark.parametrize(("name", "words"), [("01_laef", "did you mean 01_leaf?"), ("../01_leaf", "no notebook")])
def test_an_unknown_notebook_is_refused_with_the_nearest_name(place, main, name, words):
    place.write("01_leaf")
    for command in ("notebook", "why"):
        code, said = main(command, name)
        assert code == 2 and words in said


def test_a_wished_value_takes_the_type_of_the_default(place):
    place.write("01_leaf")
    wishes = {"as_of": FIRST, "word": "1", "draws": "7", "level": "1", "fast": "true"}
    found = parameters.accepted("01_leaf", wishes)
    assert found == {"as_of": FIRST, "word": "1", "draws": 7, "level": 1.0, "fast": True}
    assert [type(value) for value in found.values()] == [str, str, int, float, bool]


@pytest.mark.parametrize(
    ("text", "value"),
    [("10_000", 10_000), ("+7", 7), ("-7", -7), ("0", 0), (".5", 0.5), ("1.", 1.0), ("1_0.5e-1_0", 1_0.5e-1_0)],
)
def test_a_number_may_be_written_as_python_writes_it(place, text, value):
    place.write("01_leaf")
    name = "level" if type(value) is float else "draws"
    found = parameters.accepted("01_leaf", parameters.wished(f"{name}={text}"))[name]
    assert (type(found), found) == (type(value), value)


def test_a_typed_value_stays_as_it_is_and_another_type_is_refused(place):
    place.write("01_leaf")
    assert parameters.accepted("01_leaf", {"draws": 7, "level": 1}) == {"draws": 7, "level": 1.0}
    with pytest.raises(parameters.ParameterError, match="draws takes a value of type int, not True"):
        parameters.accepted("01_leaf", {"draws": True})


def test_a_parameter_of_a_type_that_no_command_line_can_write_is_left_to_the_notebook(place):
    place.write("01_leaf", settings="as_of = '2025-02-14'\nwidths = [1, 2]")
    with pytest.raises(parameters.ParameterError, match="widths is of type list: change it in the notebook"):
        parameters.accepted("01_leaf", {"widths": "[1]"})


# runs and stored notebooks at other parameters than the declared ones


def test_each_parameter_of_a_run_that_is_not_the_declared_one_is_named_with_both_values():
    values = parameters.parameters("01_returns")
    assert parameters.undeclared("01_returns", values) == {} and parameters.undeclared_sentence({}) == ""
    # another as-of date is another edition
    changed = values | {"as_of": "2025-06-30", "benchmark": "RSP", "note_day": "2025-02-07"}
    differing = parameters.undeclared("01_returns", changed)
    assert json.loads(json.dumps(differing)) == {
        "note_day": {"declared": "2025-02-14", "actual": "2025-02-07"},
        "benchmark": {"declared": "SPY", "actual": "RSP"},
    }
    sentence = "Not the declared specification: note_day 2025-02-07 instead of 2025-02-14; benchmark RSP instead of SPY"
    assert parameters.undeclared_sentence(differing) == sentence
    # the same of some values alone
    some = {name: changed[name] for name in ("as_of", "seed", "benchmark")}
    assert parameters.undeclared("01_returns", some) == {"benchmark": {"declared": "SPY", "actual": "RSP"}}
    assert parameters.undeclared("own_event", {"day": "2025-04-09"}) == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"draws": 100.0}, "draws 100.0 instead of 100"),
        ({"draws": True}, "draws True instead of 100"),
        ({"word": ""}, "word '' instead of none"),
        ({"word": "a\x1b[2J\nb"}, r"word 'a\x1b[2J\nb' instead of none"),
        ({"more": None}, "more None, which is not declared"),
    ],
)
def test_values_are_compared_with_their_type_and_shown_in_one_line(place, values, words):
    place.write("01_leaf")
    found = parameters.undeclared_sentence(parameters.undeclared("01_leaf", values))
    assert found == f"Not the declared specification: {words}"


def test_a_notebook_of_which_nothing_is_declared_is_at_no_declared_specification(place):
    place.write("01_leaf")
    found = parameters.undeclared("02_new", {"as_of": "2025-02-14", "draws": 5})
    assert found == {"draws": {"declared": None, "actual": 5}}


def test_a_kernel_that_asks_for_the_declared_values_reads_no_notebook():
    code = "import sys\nfrom helpers import parameters\nprint(parameters.undeclared('01_returns', {'seed': 1}))\n"
    command = [sys.executable, "-c", f"{code}print('nbformat' in sys.modules)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["{'seed': {'declared': 20250127, 'actual': 1}}", "False"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("draws = 7", "stores draws 7 instead of 100: set it back, or run a draft with "
         '`make run NOTEBOOK=01_leaf SET="draws=7"`'),
        ("word = 'two $words'", "stores word two $words instead of none: set it back, or run a draft with "
         """`make run NOTEBOOK=01_leaf SET=''"'"'word=two $words'"'"''`"""),
        ("as_of = '2025-06-30'\nfast = True", "stores as_of 2025-06-30 instead of 2025-02-14; fast True instead of "
         'False: set them back, or run a draft with `make run NOTEBOOK=01_leaf SET="as_of=2025-06-30 fast=True"`'),
        ('more = "a, b"', "stores more a, b, which is not declared: "
         'declare it in data/parameters.csv: `01_leaf,more,"""a, b"""`'),
        ("del", "stores level missing instead of 0.95: "
         "put back what is missing, or remove its row from data/parameters.csv"),
    ],
)  # fmt: skip
def test_a_stored_notebook_at_other_parameters_is_refused_with_the_remedy(place, settings, words):
    place.write("01_leaf")
    parameters.check_stored()
    rows = (place.root / "data" / "parameters.csv").read_text(encoding="utf-8")
    stored = SETTINGS.replace("level = 0.95\n", "") if settings == "del" else f"{SETTINGS}\n{settings}"
    place.write("01_leaf", settings=stored)
    (place.root / "data" / "parameters.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(parameters.ParameterError) as error:
        parameters.check_stored()
    assert str(error.value) == f"not the declared specification: notebooks/01_leaf.ipynb {words}"


# notebooks that cannot be run


@pytest.mark.fault(5, 20)
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("as_of = '2025-02-14'\nend = as_of", "end = as_of"),
        ("as_of = '2025-02-14'\ndraws = 2 * 50", "draws = 2 * 50"),
        ("import os", "import os"),
        ("as_of = = 1", "not Python"),
        ("draws = 5", "as_of"),
        ("as_of = 'today'", "as_of"),
        ("as_of = '2025-02-14'\napi_key = ''", "api_key looks like a secret"),
        ("as_of = '2025-02-14'\nGITHUB_TOKEN = ''", "GITHUB_TOKEN looks like a secret"),
        ("as_of = '2025-02-14'\ndb_password = ''", "db_password looks like a secret"),
    ],
)
def test_a_parameters_cell_that_holds_more_than_literals_or_a_secret_is_refused(place, main, settings, words):
    place.write("01_leaf", settings=settings)
    with pytest.raises(parameters.ParameterError, match=r"notebooks/01_leaf\.ipynb") as error:
        parameters.parameters("01_leaf")
    assert words in str(error.value)
    assert main("report")[0] == 2


def test_a_word_that_only_holds_a_secrets_name_is_no_secret(place):
    place.write("01_leaf", settings="as_of = '2025-02-14'\ntokens = 5\nmonkey = 1\nkeyword = 'a'\nsecretary = 0")
    assert list(parameters.parameters("01_leaf")) == ["as_of", "tokens", "monkey", "keyword", "secretary"]


@pytest.mark.fault(4)
@pytest.mark.parametrize("count", [0, 2])
def test_a_notebook_needs_exactly_one_parameters_cell(place, main, count):
    cells = [
        nbformat.v4.new_code_cell("as_of = '2025-02-14'", metadata={"tags": ["parameters"]}, id=f"cell-{number}")
        for number in range(count)
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), place.notebooks / "01_leaf.ipynb")
    code, said = main("report")
    assert code == 2 and said.startswith("error: notebooks/01_leaf.ipynb needs one cell") and said.count("\n") == 1
    assert f"it has {count}" in said


@pytest.mark.fault(17)
@pytest.mark.parametrize(
    "content",
    [b"", b'{"cells": [', b'{"cells": ["\xff\xfe"]}', b"[]", b"{}", b'{"nbformat": 99}', b'{"nbformat": 4}', b"<html>"],
    ids=["empty", "truncated", "not UTF-8", "list", "no version", "unknown version", "no cells", "page"],
)
def test_a_file_that_is_no_notebook_gives_one_line_that_names_it(place, main, content):
    place.write("02_good")
    (place.notebooks / "01_leaf.ipynb").write_bytes(content)
    for command in (["notebook", "01_leaf"], ["report"], ["refresh-outputs"]):
        code, said = main(*command)
        assert code == 2 and said.startswith("error: notebooks/01_leaf.ipynb is not a notebook: ")
        assert said.count("\n") == 1 and len(said) < 250
