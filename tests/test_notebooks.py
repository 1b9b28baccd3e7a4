import ast
import json
import os
import re
import subprocess
import sys

import nbformat
import pandas as pd
import pytest

from helpers import data, environment, lineage, numbers, parameters, paths, results, run

NAMES = parameters.notebooks()
SECTIONS = ["Parameters", "Data", "Estimate", "Figure", "Robustness", "Verdict", "What this cannot tell"]
OPENING = ["The note says", "We ask", "We use", "We do", "It would change our mind if"]


def read(name):
    return nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code(name):
    return [cell for cell in read(name).cells if cell.cell_type == "code"]


def prose(name):
    return [cell.source for cell in read(name).cells if cell.cell_type == "markdown"]


def outputs(name):
    return [(cell, output) for cell in code(name) for output in cell.outputs]


# what the claims are about; another value is for JupyterLab or `make run`, and makes other numbers than the claims'
DECLARED = {
    "00_data": {"as_of": "2025-02-14", "tolerance": 0.2, "draws": 10_000, "seed": 20250214},
    "01_returns": {
        "as_of": "2025-02-14",
        "shock_eve": "2025-01-24",
        "shock_day": "2025-01-27",
        "note_day": "2025-02-14",
        "estimation_end": "2025-01-10",
        "estimation_days": 250,
        "benchmark": "SPY",
        "seed": 20250127,
    },
    "02_frontier": {"as_of": "2025-02-14", "board_date": "2025-02-14", "draws": 10_000, "seed": 20250214},
    "03_open_source_lag": {
        "as_of": "2025-02-14",
        "board_date": "2025-02-14",
        "cohort_end": "2024-01-01",
        "base_day": "2024-06-30",
        "release_day": "2025-01-20",
        "window": 50,
        "draws": 10_000,
        "seed": 20250120,
    },
    "04_adoption_regression": {
        "as_of": "2025-02-14",
        "note_cycles": "202501,202502,202503",
        "information": "51,52,54",
        "manual": "23,31,48",
        "wide_information": "51,52,53,54,56,61",
        "wide_manual": "23,31,42,44,48,72",
        "draws": 9_999,
        "seed": 20250214,
    },
    "05_concentration": {
        "as_of": "2025-02-14",
        "year_start": "2023-12-29",
        "year_end": "2024-12-31",
        "next_end": "2025-12-31",
        "release_eve": "2025-01-17",
        "shock_eve": "2025-01-24",
        "note_day": "2025-02-14",
        "base_snapshot": "2025-02-07",
    },
    "06_token_prices": {
        "as_of": "2025-02-14",
        "board_date": "2025-02-14",
        "threshold": 1186.0,
        "first_day": "2023-03-14",
        "release_day": "2025-01-20",
        "draws": 10_000,
        "seed": 20250120,
    },
    "07_model_makers": {"as_of": "2025-02-14", "least_growth": 2.0, "most_growth": 3.0},
    "99_verdicts": {"as_of": "2025-02-14"},
}


@pytest.mark.parametrize("name", NAMES)
def test_stored_parameters_are_the_declared_ones(name):
    assert parameters.parameters(name) == DECLARED[name]


def test_the_verdicts_come_last():
    assert NAMES[-1] == run.VERDICTS
    assert [name for name in NAMES if not re.fullmatch(r"\d\d_[a-z_]+", name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_opens_with_a_question_and_five_short_lines(name):
    head, *lines = [line for line in prose(name)[0].splitlines() if line]
    assert re.fullmatch(rf"# {name[:2]} · [A-Z].+\?", head)
    assert [re.match(r"\*\*(.+?)\*\*", line)[1] for line in lines] == OPENING


@pytest.mark.parametrize("name", NAMES)
def test_sections_stand_in_the_order_of_the_house(name):
    found = [line[3:] for text in prose(name) for line in text.splitlines() if line.startswith("## ")]
    assert found == SECTIONS


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_few_and_short(name):
    assert 14 <= len(read(name).cells) <= 24
    assert [cell.execution_count for cell in code(name) if len(cell.source.splitlines()) > 28] == []


@pytest.mark.parametrize("name", NAMES)
def test_prose_outweighs_code(name):
    words = len(re.findall(r"\w+", " ".join(prose(name))))
    lines = sum(len([line for line in cell.source.splitlines() if line.strip()]) for cell in code(name))
    assert words >= 4 * lines


@pytest.mark.parametrize("name", NAMES)
def test_notebooks_orchestrate_and_define_nothing(name):
    for cell in code(name):
        kinds = {type(node) for node in ast.walk(ast.parse(cell.source))}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.Lambda}


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_a_few_literals_each_with_its_type_and_meaning(name):
    known = parameters.parameters(name)
    assert 1 <= len(known) <= 8 and known["as_of"] == results.NOTE_DAY
    (cell,) = [cell for cell in code(name) if "parameters" in cell.metadata.get("tags", [])]
    lines = cell.source.splitlines()
    assert len(lines) == len(known) and all(re.search(r"  # \w+[^:]*: \w", line) for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_stored_outputs_are_fresh_quiet_and_whole(name):
    assert [cell.execution_count for cell in code(name)] == list(range(1, len(code(name)) + 1))
    for _, output in outputs(name):
        assert output.output_type != "error" and output.get("name") != "stderr"
    assert "papermill" not in read(name).metadata
    assert all(set(cell.metadata) <= {"tags"} for cell in read(name).cells)


@pytest.mark.parametrize("name", NAMES)
def test_no_output_escapes_comparison(name):
    tags = {tag for cell in read(name).cells for tag in cell.metadata.get("tags", [])}
    assert tags == {"parameters"}
    assert not any(re.search(r"NBVAL|nbval", cell.source) for cell in code(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_output_holds_a_path_of_a_machine(name):
    for _, output in outputs(name):
        text = output.get("text", "") + output.get("data", {}).get("text/plain", "")
        assert not re.search(r"(^|\s)(/[a-z]+/[a-z]|[A-Z]:\\)", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_and_table_carries_words_and_a_digest(name):
    shown = [output for _, output in outputs(name) if output.output_type == "display_data"]
    for output in shown:
        exhibit, text = output.metadata["exhibit"], output.data["text/plain"]
        assert re.search(r"\d+ (points|rows), digest [0-9a-f]{12}$", text)
        assert exhibit["slug"].split("-")[0] in name[3:].split("_")
        if exhibit["kind"] == "figure":
            assert exhibit["alt"] in text and exhibit["title"] in text and exhibit["source"].startswith("Source: ")
    assert {output.metadata["exhibit"]["kind"] for output in shown} == {"figure", "table"}


@pytest.mark.parametrize("name", NAMES)
def test_no_number_that_was_found_is_typed_into_prose(name):
    # the note's own figures may be typed, in its words at the top; below them a decimal or a percentage is a find
    number = re.compile(r"(?<![\w.-])\d+(?:\.\d+|\.?\d*%)(?![\w-])")
    plain = [re.sub(r"`[^`]*`|\$[^$]*\$", "", text) for text in prose(name)[1:]]
    assert [found for text in plain for found in number.findall(text) if found != "95%"] == []


def test_every_claim_of_the_note_is_examined():
    recorded = set()
    for name in NAMES:
        for _, output in outputs(name):
            recorded |= set(re.findall(r"^([a-z0-9-]+): ", output.get("text", ""), flags=re.MULTILINE))
    claims = results.claims()
    assert set(claims.index) <= recorded and set(claims.notebook) < set(NAMES)


# executes the whole collection with warm kernels, in a process without threads and a report of its own
EDITIONS = """
import json, sys
from pathlib import Path
from helpers import kernels, paths, run, runs

paths.REPORT = Path(sys.argv[1])
kernels.warm_up()
with runs.Workers(kernels.kind(), 2) as workers:
    places = {day: paths.REPORT / day for day in sys.argv[2:]}
    settings = {day: {"as_of": day} for day in places}
    print(json.dumps(run.run_jobs(places, settings, "Editions", workers)[0]))
"""


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The collection executed as of the first and the last day, and one on which some questions can be asked."""
    days = [data.span()[0], "2024-02-29", data.span()[1]]
    folder = tmp_path_factory.mktemp("collection")
    command = [sys.executable, "-c", EDITIONS, folder, *days]
    variables = os.environ | environment.VARIABLES
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {}
    return [folder / day for day in days]


def test_the_collection_can_be_read_as_of_any_day_that_the_data_know(collection):
    first, _, last = (pd.read_csv(folder / "99_verdicts" / "verdicts-ledger.csv") for folder in collection)
    assert set(first.verdict) <= {"cannot be asked yet", "not yet due", "not examined", "not checkable"}
    assert set(last.verdict) & {"holds", "fails"} and "not yet due" not in set(last.verdict)


def test_every_number_has_a_page_and_leads_to_its_rows_function_and_cell(collection, monkeypatch):
    for folder in collection:
        monkeypatch.setenv(paths.PLACE_VARIABLE, str(folder))
        results.write_edition(folder.name)
        lineage.remember_build(folder)
        numbers.write(folder, folder.name)
        edition = lineage.Edition(folder, folder.name)
        written = {path.stem for path in (folder / "numbers").iterdir()}
        assert written == set(edition.headlines()) > set(results.claims().index)
        for identity in edition.records:
            told = edition.explanation(identity)
            made = told["made"]
            assert made["cell"] and made["call"] and told["inputs"]
            # every list was read, and its rows found in the raw file
            assert all(one["shown"] for one in told["inputs"] if one["rows"])
            if "place" in made:
                file, _, line = made["place"].partition(":")
                begins = f"def {made['function'].rpartition('.')[2]}("
                assert (paths.ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith(begins)
            else:
                # the notebook has no data to call a helper with
                assert made["call"].startswith("inference.Unanswered(")
