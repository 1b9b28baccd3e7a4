import re

import nbformat
import pandas as pd
import pytest

from editions import executed
from helpers import data, gate, lineage, numbers, parameters, paths, recorded, results, run

NAMES = parameters.notebooks()
HERE = paths.ROOT / "tests"


def read(name):
    return nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4)


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


@pytest.mark.parametrize("name", DECLARED)
def test_stored_parameters_are_the_declared_ones(name):
    assert parameters.parameters(name) == DECLARED[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_parameters_of_every_notebook_are_declared_in_a_test(name):
    # those of an added one where its own tests are
    call = f'parameters.parameters("{name}") == {{'
    assert name in DECLARED or any(call in file.read_text(encoding="utf-8") for file in HERE.glob("test_*.py"))


def test_the_verdicts_come_last():
    assert NAMES[-1] == run.VERDICTS
    assert [name for name in NAMES if not re.fullmatch(r"\d\d_[a-z_]+", name)] == []


@pytest.fixture(scope="module", params=NAMES)
def faults(request):
    """Faults of a stored notebook by the rule that finds them."""
    told = gate.examine(paths.NOTEBOOKS / f"{request.param}.ipynb")
    return {rule: [str(finding) for finding in told if finding.rule == rule] for rule in ("notebook", *gate.RULES)}


@pytest.mark.parametrize("rule", ["notebook", *gate.RULES])
def test_a_stored_notebook_passes_the_gate(faults, rule):
    assert faults[rule] == []


def test_every_claim_of_the_note_is_examined():
    assert gate.unexamined({name: read(name) for name in NAMES}) == []


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """The collection as of the first day, one on which some questions can be asked, and that of the later edition."""
    return executed(tmp_path_factory.mktemp("collection"), data.span()[0], "2024-02-29", recorded.editions()[-1])


def test_results_of_the_later_edition_are_those_recorded(collection):
    # as of its own day, so newer data change nothing; the earlier edition is nbval's, see test_edition.py
    folder = collection[-1]
    assert recorded.differences(recorded.gathered(folder), recorded.read(folder.name)) == []


def test_the_collection_can_be_read_as_of_early_days_and_late_ones(collection):
    first, _, last = (pd.read_csv(folder / "99_verdicts" / "verdicts-ledger.csv") for folder in collection)
    assert set(first.verdict) <= {"cannot be asked yet", "not yet due", "not examined", "not checkable"}
    assert set(last.verdict) & {"holds", "fails"} and "not yet due" not in set(last.verdict)


def test_every_number_has_a_page_and_leads_to_its_rows_function_and_cell(collection):
    for folder in collection:
        results.write_edition(folder, folder.name)
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
