import re

import nbformat
import pandas as pd
import pytest

from editions import executed
from helpers import data, gate, lineage, numbers, parameters, paths, recorded, results, run

NAMES = parameters.notebooks()


def read(name):
    return nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NAMES)
def test_stored_parameters_are_the_declared_ones(name):
    # what the claims are about; another value is for JupyterLab or `make run`, and makes other numbers than the claims'
    assert parameters.differences(name, parameters.parameters(name)) == {}


def test_every_declared_parameter_is_one_of_a_stored_notebook():
    assert data.unknown_notebooks() == [] and sorted(data.declared_parameters()) == NAMES


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
            assert made["cell"] and made["call"]
            # what was not answered rests on no row
            assert bool(told["inputs"]) is (edition.records[identity]["value"] is not None)
            # every list was read, and its rows found in the raw file
            assert all(one["shown"] for one in told["inputs"] if one["rows"])
            if "place" in made:
                file, _, line = made["place"].partition(":")
                begins = f"def {made['function'].rpartition('.')[2]}("
                assert (paths.ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1].startswith(begins)
            else:
                # the notebook has no data to call a helper with
                assert made["call"].startswith("inference.Unanswered(")
