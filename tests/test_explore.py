import base64
import html
import io
import json
import threading

import ipywidgets as widgets
import matplotlib.image
import nbformat
import numpy as np
import pytest

from helpers import charts, data, explore, parameters, paths, recorded, results
from helpers.explore import looks, panels
from helpers.inference import Unanswered

STORED = paths.NOTEBOOKS / "explore.ipynb"


@pytest.fixture(scope="module", params=explore.TOPICS)
def panel(request):
    panel = explore.panel(request.param)
    # as it is before any control is moved
    panel.first = panel.shown[0]
    return panel


@pytest.fixture(scope="module")
def topics():
    return {name: explore.topic(name) for name in explore.TOPICS}


def told(topic, **moved):
    """Sentences by kind at the declared choice, some controls moved."""
    choice = topic.declared | moved
    return looks.sentences(topic, choice, topic.look(choice))


def steps(control):
    """Every name of a list, every step of a short slider; of a long one both ends and what lies between."""
    values = list(control.options.values())
    return [values[0], values[len(values) // 2], values[-1]] if control.ordered and len(values) > 6 else values


def test_every_slider_answers_along_its_steps(topics):
    for topic in topics.values():
        for control in [control for control in topic.controls if control.ordered]:
            for value in steps(control):
                said = told(topic, **{control.name: value})
                (line,) = said["honest"]
                same = value == control.declared or (control.name, value) == ("as_of", data.latest())
                assert line.startswith("As declared in ") is same and said["verdict"]
                assert same or f"{control.label} {control.word(value)} instead of " in line


def test_a_panel_follows_each_name_of_its_lists_and_returns_to_what_was_declared(panel, monkeypatch):
    # what is drawn is looked at below; here it is enough that it is drawn
    monkeypatch.setattr(charts, "png", lambda drawing, sources, dpi: f"{drawing.title} {sources}".encode())
    topic, before = panel.topic, panel.told
    # one list after another, each on from where the last one stands
    for control in topic.controls:
        for value in steps(control)[1:] if not control.ordered else []:
            panel.controls[control.name].value = value
            picture, words = panel.shown
            # a figure with its words, or a sentence that says why there is none
            assert bool(picture) is not words.startswith("No figure: ") and words.endswith(".")
            assert ("<img" in panel.figure.value) is bool(picture)
            assert "At work" not in panel.words.value and panel.told[0] in html.unescape(panel.words.value)
            same = value in (control.declared, *control.also)
            named = f"{control.label} {control.word(value)} instead of {control.word(control.declared)}"
            assert panel.choice[control.name] == value and (named in panel.told[0]) is not same
    assert panel.told != before
    panel.back.click()
    assert panel.choice == topic.declared and panel.told == before


def test_at_the_declared_settings_a_panel_finds_what_is_recorded(topics):
    edition = {row["id"]: row for row in recorded.read(results.NOTE_DAY)}
    seen = set()
    for name, topic in topics.items():
        choices = [topic.declared]
        # groups with claims of their own
        choices += [topic.declared | {"group": group} for group in topic.controls[1].also if name == "returns"]
        for choice in choices:
            for claim, found in topic.look(choice).found.items():
                row = edition[claim]
                seen.add(claim)
                if isinstance(found, Unanswered):
                    assert (row["value"], row["method"]) == (None, found.reason)
                    continue
                near = recorded.CLASSES[found.kind].tolerance
                for one in ("value", "low", "high"):
                    assert getattr(found, one) == pytest.approx(row[one], rel=near, abs=near)
                assert (found.unit, found.n, found.method) == (row["unit"], row["n"], row["method"])
    assert len(seen) == 15


@pytest.mark.parametrize(
    ("name", "moved", "recorded_as"),
    [
        ("returns", {"benchmark": "RSP"}, "shock-27-january/against RSP"),
        ("returns", {"estimation_days": 120}, "shock-27-january/window of 120 days"),
        ("frontier", {"prices": "plot"}, "deepseek-on-frontier/prices of the plot"),
        ("frontier", {"prices": "on sale"}, "deepseek-on-frontier/whole board on sale"),
        ("frontier", {"board_date": "2025-02-11"}, "google-on-frontier/board of 2025-02-11"),
        ("lag", {"reading": "not significantly worse"}, "open-gap-closed/not significantly worse"),
        ("lag", {"licence": "open-permissive"}, "gap-stays-closed/permissive licences"),
        ("concentration", {"cash": False}, "mag7-third/cash left out"),
        ("concentration", {"rule": "line"}, "mag7-third/Alphabet's class A alone"),
        ("adoption", {"supplements": "dropped"}, "adoption-climbs/supplements dropped"),
        ("adoption", {"information": "wide_information"}, "information-above-manual/wide information"),
    ],
)
def test_a_setting_that_is_a_declared_alternative_gives_what_is_recorded_of_it(topics, name, moved, recorded_as):
    (row,) = [row for row in recorded.read(results.NOTE_DAY) if row["id"] == recorded_as]
    found = topics[name].look(topics[name].declared | moved).found[recorded_as.partition("/")[0]]
    near = recorded.CLASSES[found.kind].tolerance
    assert [found.value, found.low, found.high] == pytest.approx([row["value"], row["low"], row["high"]], rel=near)


def test_the_later_edition_is_declared_too_and_finds_what_is_recorded_of_it(topics):
    day = recorded.editions()[-1]
    (row,) = [row for row in recorded.read(day) if row["id"] == "concentration-eases"]
    topic = topics["concentration"]
    look = topic.look(topic.declared | {"as_of": day})
    assert look.found["concentration-eases"].value == pytest.approx(row["value"], rel=1e-9)
    if day == data.latest():
        assert told(topic, as_of=day)["honest"] == [f"As declared in 05_concentration, in the edition of {day}."]


def test_the_honest_line_names_exactly_what_differs(topics):
    topic, rest = topics["returns"], looks.A_LOOK
    assert told(topic)["honest"] == ["As declared in 01_returns."]
    assert told(topic, benchmark="RSP", estimation_days=120)["honest"] == [
        f"Not the declared specification: benchmark RSP instead of SPY, window 120 instead of 250. {rest}"
    ]
    # what follows from a choice is named as well
    assert told(topic, shock_day="2025-01-22")["honest"] == [
        "Not the declared specification: shock day 2025-01-22 instead of 2025-01-27, eve of the shock 2025-01-21 "
        f"instead of 2025-01-24, end of the window 2025-01-06 instead of 2025-01-10. {rest}"
    ]
    assert told(topic, as_of="2025-03-31", group="software")["honest"] == [
        "Not the declared specification: as-of date 2025-03-31 instead of 2025-02-14, group Software instead of "
        f"AI chain. {rest}"
    ]


def test_a_changed_setting_changes_the_words_and_the_verdict_is_no_longer_called_the_claims(topics):
    before, after = told(topics["adoption"]), told(topics["adoption"], cycles=6)
    assert before["verdict"][0].startswith("“6.5% of US firms use AI”: cannot tell. Found 6.50 ")
    assert after["verdict"][0].startswith("By the range of “6.5% of US firms use AI”: cannot tell. Found 6.33 ")


def test_what_was_known_is_said_of_days_that_are_no_edition(topics):
    for topic in topics.values():
        assert told(topic)["known"] == []
        (sentence,) = told(topic, as_of="2024-03-31")["known"]
        assert "2024-03-31" in sentence
    assert "14 cycles of the old wording" in sentence


@pytest.mark.parametrize(
    ("name", "moved", "reason"),
    [
        ("returns", {"shock_day": "2025-01-25"}, "2025-01-25 is not a trading day"),
        ("returns", {"note_day": "2025-02-08"}, "2025-02-08 is not a trading day"),
        ("returns", {"note_day": "2025-01-24"}, "the last day 2025-01-24 lies before the shock of 2025-01-27"),
        ("returns", {"estimation_days": 5_000}, "of the 5000 days of the estimation window are held"),
        ("returns", {"group": "data_centre_reits"}, "an error across firms needs three of them"),
        ("frontier", {"style_control": True}, "the nearest are of 2025-01-24 and 2025-02-27"),
        ("lag", {"scale": "Epoch index"}, "no file of the Epoch Capabilities Index is known yet"),
        ("adoption", {"wording": "new"}, "no survey cycle is known yet"),
    ],
)
def test_an_impossible_choice_gives_a_sentence(topics, name, moved, reason):
    topic = topics[name]
    look = topic.look(topic.declared | moved)
    drawing = look.draw()
    assert isinstance(drawing, Unanswered) and reason in drawing.reason
    assert looks.sentences(topic, topic.declared | moved, look)["honest"]


def test_a_sentence_stands_in_place_of_the_verdict_where_the_question_is_none(topics):
    (said,) = told(topics["returns"], shock_day="2025-01-25")["verdict"]
    assert said.endswith(": not checkable. No answer: 2025-01-25 is not a trading day.")
    said = told(topics["returns"], note_day="2025-01-23", group="utilities")["verdict"]
    assert "the period 2025-01-24 to 2025-01-23 is empty" in said[0]
    assert "choose the last ones known" in told(topics["adoption"], wording="new")["verdict"][0]


def test_the_cheapest_model_at_a_threshold_costs_more_the_higher_it_is(topics):
    topic = topics["frontier"]
    looked = {level: looks.sentences(topic, topic.declared | {"threshold": level}, topic.look(
        topic.declared | {"threshold": level}))["said"][0] for level in (1186.0, 1350.0, 1500.0)}  # fmt: skip
    assert "is Yi-Lightning at $0.14 per million" in looked[1186.0]
    assert "is Gemini 2.0 Flash at $0.40 per million" in looked[1350.0]
    assert looked[1500.0].startswith("No cheapest model: the best of the models scores 1,")


def test_declared_values_are_those_of_the_notebooks_parameters(topics):
    for topic in topics.values():
        known = parameters.parameters(topic.notebook)
        shared = set(known) & set(topic.declared) - {"information", "manual"}
        assert "as_of" in shared and {name: topic.declared[name] for name in shared} == {n: known[n] for n in shared}
    with pytest.raises(ValueError, match="the declared 3 is not among what can be chosen"):
        looks.Control("k", "count", {"1": 1}, 3)


def test_what_is_declared_is_what_the_ledger_declares_whatever_a_notebook_has_stored(monkeypatch):
    ledger = data.declared_parameters()
    changed = ledger | {"01_returns": ledger["01_returns"] | {"benchmark": "RSP"}}
    monkeypatch.setattr(data, "declared_parameters", lambda: changed)
    assert explore.topic("returns").declared["benchmark"] == "RSP"
    assert parameters.parameters("01_returns")["benchmark"] == "SPY"


def test_sliders_ask_where_they_are_let_go(topics):
    for topic in topics.values():
        for control in topic.controls:
            widget = panels._widget(control)
            kind = widgets.SelectionSlider if control.ordered else widgets.Dropdown
            assert isinstance(widget, kind) and widget.value == control.declared
            assert not control.ordered or widget.continuous_update is False


def test_something_unforeseen_leaves_no_old_words_beside_new_settings(panel, monkeypatch):
    def broken(_):
        raise RuntimeError("unforeseen")

    with monkeypatch.context() as context:
        context.setattr(panel, "topic", looks.Topic(panel.topic.notebook, panel.topic.controls, broken))
        with pytest.raises(RuntimeError):
            panel.show()
    assert panel.words.value == "<p>At work …</p>" and panel.figure.value == ""


def test_controls_that_several_threads_move_end_at_the_last_choice(monkeypatch):
    monkeypatch.setattr(charts, "png", lambda *_: b"picture")
    panel = explore.panel("adoption")
    moves = [("cycles", 6), ("supplements", "dropped"), ("manual", "wide_manual"), ("information", "wide_information")]
    threads = [threading.Thread(target=setattr, args=(panel.controls[name], "value", value)) for name, value in moves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert panel.told[0] == told(panel.topic, **dict(moves))["honest"][0] and panel.told[0].count(" instead of ") == 4


def test_an_unknown_panel_is_refused():
    with pytest.raises(ValueError, match="no panel 'prices'; there are returns, frontier"):
        explore.panel("prices")


def test_explore_is_no_notebook_of_the_report():
    assert STORED.is_file() and STORED.stem not in parameters.notebooks()


def test_the_stored_notebook_holds_first_states_and_nothing_of_a_widget_or_a_run():
    raw = STORED.read_text(encoding="utf-8")
    notebook = nbformat.reads(raw, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    remedy = "`make refresh-outputs` stores it anew"
    assert "widget" not in json.dumps(notebook.metadata) and "model_id" not in raw, remedy
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), remedy
    assert [cell.id for cell in notebook.cells] == [f"explore-{k:02}" for k in range(len(notebook.cells))]
    assert all(not cell.metadata for cell in notebook.cells)
    for name, cell in zip(explore.TOPICS, code[1:], strict=True):
        assert cell.source == f'explore.panel("{name}")'
        words, figure = cell.outputs
        assert set(words.data) == {"text/plain"} and words.data["text/plain"].startswith("As declared in 0")
        assert set(figure.data) == {"text/plain", "image/png"}
        # for readers who cannot see it
        assert figure.metadata["image/png"]["alt"] == figure.data["text/plain"]
        assert any(sign.isdigit() for sign in figure.data["text/plain"])
    assert notebook.cells[-1].source.startswith("## What this cannot tell\n")


def test_a_stored_picture_is_the_first_that_its_panel_draws(panel):
    code = [cell for cell in nbformat.read(STORED, as_version=4).cells if cell.cell_type == "code"]
    place = 1 + explore.TOPICS.index(panel.topic.look.__module__.rpartition(".")[2])
    both = [
        matplotlib.image.imread(io.BytesIO(base64.b64decode(text)))
        for text in (code[place].outputs[1].data["image/png"], panel.first)
    ]
    # as for the numbered notebooks, see test_edition.py
    assert both[0].shape == both[1].shape and (np.abs(both[0] - both[1]).max(axis=-1) > 0.1).mean() <= 0.001


def test_storing_takes_views_state_and_times_away_and_leaves_the_rest():
    view = {panels.VIEW: {"model_id": "5f"}, "text/plain": "As declared."}
    cell = nbformat.v4.new_code_cell("1", metadata={"execution": {"iopub.execute_input": "now"}, "tags": ["kept"]})
    cell.outputs = [nbformat.v4.new_output("display_data", data=view), nbformat.v4.new_output("stream", text="said")]
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {"state": {}}, "title": "kept"})
    panels.plain(notebook)
    assert notebook.metadata == {"title": "kept"} and cell.metadata == {"tags": ["kept"]}
    assert cell.outputs[0].data == {"text/plain": "As declared."} and cell.outputs[1].text == "said"


def test_a_panel_shows_controls_words_and_figure_each_with_its_first_state(monkeypatch):
    shown = []
    monkeypatch.setattr(panels, "display", lambda content, raw, metadata=None: shown.append((content, metadata)))
    panel = explore.panel("adoption")
    panel._ipython_display_()
    (head, _), (figure, about) = shown
    assert head[panels.VIEW]["model_id"] == panel.head.model_id and figure[panels.VIEW]["model_id"]
    assert head["text/plain"].startswith("As declared in 04_adoption_regression.\n")
    assert about["image/png"]["alt"] == figure["text/plain"]
