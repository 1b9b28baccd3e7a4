"""Whether every parameter of every notebook is obeyed by all that the notebook shows."""

import re

import nbformat
import pytest

from helpers import charts, data, notebook, parameters, paths, results
from helpers.inference import Estimate, day_in_words
from helpers.rows import rows_of

# a value that each parameter can have beside its declared one; small numbers of draws are quick
OTHERWISE = {
    "00_data": {"tolerance": 0.3, "draws": 200, "seed": 7},
    "01_returns": {
        "shock_eve": "2025-01-23",
        "shock_day": "2025-01-28",
        "note_day": "2025-02-07",
        "estimation_end": "2025-01-08",
        "estimation_days": 240,
        "benchmark": "RSP",
        "seed": 7,
    },
    "02_frontier": {"board_date": "2025-02-11", "draws": 200, "seed": 7},
    "03_open_source_lag": {
        "board_date": "2025-02-11",
        "cohort_end": "2024-02-01",
        "base_day": "2024-05-31",
        "release_day": "2025-01-21",
        "window": 40,
        "draws": 200,
        "seed": 7,
    },
    "04_adoption_regression": {
        "note_cycles": "202426,202501,202502",
        "information": "51,54",
        "manual": "31,48",
        "wide_information": "51,52,54,56",
        "wide_manual": "23,31,48,72",
        "draws": 200,
        "seed": 7,
    },
    "05_concentration": {
        "year_start": "2023-12-28",
        "year_end": "2024-12-30",
        "next_end": "2025-12-30",
        "release_eve": "2025-01-16",
        "shock_eve": "2025-01-23",
        "note_day": "2025-02-07",
        "base_snapshot": "2024-12-31",
    },
    "06_token_prices": {
        "board_date": "2025-02-11",
        "threshold": 1190.0,
        "first_day": "2023-03-20",
        "release_day": "2025-01-27",
        "draws": 200,
        "seed": 7,
    },
    "07_model_makers": {"least_growth": 2.5, "most_growth": 2.6},
    "own_event": {
        "event": "the pause of the tariffs",
        "day": "2025-04-09",
        "window": "0,5",
        "estimation": "-200,-10",
        "groups": "utilities,software",
        "benchmark": "RSP",
    },
    "own_survey": {
        "entity": "EU27, 50-249",
        "who": "EU enterprises of 50 to 249 that use AI",
        "since": "2023-01-01",
    },
}


class Shown(notebook.Notebook):
    """A notebook that keeps the words of what it shows, and its estimates."""

    def __init__(self, name, as_of):
        self.name, self.as_of, self._tables, self.words, self.estimates = name, as_of, {}, set(), {}
        runs.append(self)

    def figure(self, slug, drawing, sources, title=""):
        if isinstance(drawing, charts.Drawing):
            self.words |= {drawing.title, *(text.get_text().replace("\n", " ") for text in drawing.figure.texts)}

    def table(self, slug, table, caption, columns=None):
        self.words.add(caption)

    def record(self, claim, estimate, alternatives):
        self.estimates[claim] = (estimate, alternatives)
        self.words |= set(alternatives)
        return results.judge(claim, estimate, alternatives, self.as_of)

    def note(self, result, estimate):
        self.words.add(result)


runs = []
QUICK = {"draws": 300}
AS_A_WORD = r"(?<![\w.,-]){}(?![\w-]|[.,]\d)"


def shown(name, monkeypatch, **settings):
    """Run a notebook's cells as of the latest edition, without writing a file."""
    monkeypatch.setattr(notebook, "Notebook", Shown)
    names = {"__name__": "__main__"}
    for cell in nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
            if parameters.TAG in cell.metadata.get("tags", []):
                names |= {"as_of": data.latest()} | {key: value for key, value in settings.items() if key in names}
    return runs.pop()


def test_a_value_beside_the_declared_one_is_tried_for_every_parameter():
    for name, values in OTHERWISE.items():
        declared = parameters.parameters(name)
        # another survey is another entity too, and a file of groups has to lie in data/own
        assert set(values) == set(declared) - {"as_of", "measure", "groups_file"}
        assert all(values[parameter] != (declared | QUICK)[parameter] for parameter in values)
    assert set(OTHERWISE) == {*parameters.notebooks(), *parameters.own_cases()} - {"99_verdicts"}


@pytest.mark.parametrize("name", OTHERWISE)
def test_a_parameter_is_obeyed_by_titles_captions_alternatives_and_curves(name, monkeypatch):
    usual = parameters.parameters(name) | QUICK
    before = shown(name, monkeypatch, **QUICK)
    faults = []
    for parameter, value in OTHERWISE[name].items():
        after = shown(name, monkeypatch, **QUICK | {parameter: value})
        same = before.words & after.words
        faults += [
            f"{parameter} is {value}, but there is still “{words}”"
            for words in sorted(same)
            if any(
                re.search(rf"(?<![\w.,-]){re.escape(form)}(?![\w-]|[.,]\d)", words) for form in forms(usual[parameter])
            )
        ]
        faults += [
            f"{parameter} is {value}, and {claim} has the alternative “{label}”, which is the headline itself"
            for claim, label in sorted(idle(after) - idle(before))
        ]
    assert faults == [], "\n".join(faults)


def idle(run):
    """Alternatives that are the same number of the same rows as their headline."""
    return {
        (claim, label)
        for claim, (headline, alternatives) in run.estimates.items()
        for label, alternative in alternatives.items()
        if isinstance(headline, Estimate) and alternative == headline and places(alternative) == places(headline)
    }


def places(estimate):
    return {table: positions.tolist() for table, positions in rows_of(estimate).positions().items()}


def forms(value):
    """How a value may stand in words: a date as ISO and in English, a number of two digits or more, a list never."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        words = day_in_words(value)
        return [value, words, words.rpartition(" ")[0]]
    if isinstance(value, str):
        return [value] if "," not in value else []
    return [form for form in (f"{value:,}", f"{value}", f"{value:g}") if len(form) > 1]


def test_the_words_of_a_value_are_found_in_every_form():
    assert forms("2025-01-27") == ["2025-01-27", "27 January 2025", "27 January"]
    assert forms(10_000) == ["10,000", "10000", "10000"] and forms("51,52") == [] and forms(3.0) == ["3.0", "3.0"]
