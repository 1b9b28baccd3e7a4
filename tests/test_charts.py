import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation, Text
from PIL import Image

from helpers import charts, compute, data, frontier, inference, results
from helpers.charts import pictures
from helpers.inference import Unanswered

DAY = "2025-02-14"


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """What a cell would show, and the house style set as a notebook sets it."""
    out = []
    monkeypatch.setattr(
        "helpers.charts.house.display", lambda content, **options: out.append((content, options["metadata"]))
    )
    charts.set_style()
    return out


def test_the_style_is_the_houses_whatever_somebody_has_set():
    settings = {"savefig.transparent": True, "axes.formatter.use_locale": True, "lines.dashed_pattern": [9.0, 9.0]}
    with matplotlib.rc_context():
        charts.set_style()
        style = dict(matplotlib.rcParams)
    with matplotlib.rc_context(settings):
        charts.set_style()
        assert dict(matplotlib.rcParams) == style


def drawing(title="A third fell", alt="Bars: A 3.0."):
    figure, (axis,) = charts.canvas(title or "x", "What is drawn, in percent", 2)
    axis.plot([0, 1], [0, 3])
    return charts.Drawing(figure, title, alt, pd.DataFrame({"name": ["A"], "value": [3.0]}))


@pytest.mark.fault(59)
@pytest.mark.parametrize("alt", ["", "Bars going down."])
def test_a_figure_without_an_alt_sentence_that_holds_numbers_is_refused(tmp_path, alt):
    with pytest.raises(ValueError, match="alt sentence that holds its numbers"):
        charts.publish(tmp_path, "a", drawing(alt=alt), [])
    assert not list(tmp_path.iterdir())


def test_a_figure_without_points_is_refused(tmp_path):
    empty = drawing()
    empty = charts.Drawing(empty.figure, empty.title, empty.alt, empty.points.iloc[:0])
    with pytest.raises(ValueError, match="no point"):
        charts.publish(tmp_path, "a", empty, [])


@pytest.mark.fault(61)
def test_a_figure_is_published_the_same_twice(tmp_path):
    contents = []
    for _ in range(2):
        charts.publish(tmp_path, "a", drawing(), [data.load("return_indices", DAY)])
        contents.append([(tmp_path / f"a.{suffix}").read_bytes() for suffix in ("png", "svg", "csv")])
    assert contents[0] == contents[1]
    assert b"Matplotlib" not in contents[0][0] + contents[0][1]


def crowded():
    """A figure with all that can be drawn: lines, dashes, marks, patches, clips, pictures, words of every kind."""
    figure, axes = charts.canvas("Fijord, “quoted” & 10% ≥ −1", "Two lines\nof words, AVATA", 3, rows=2, columns=3)
    days = pd.date_range("2025-01-01", periods=9)
    axes[0].plot(days, np.arange(9), "o--", color=charts.BLUE, markersize=4, clip_on=False)
    axes[0].fill_between(days, 1, 3, alpha=0.3)
    axes[1].scatter(np.arange(5), np.arange(5), s=np.arange(20, 70, 10), c=["r", "g", "b", "k", "c"], alpha=0.5)
    axes[1].hlines([1, 2], 0, [3, 4], colors=["r", "b"])
    axes[2].barh([0, 1], [3, 5], hatch="//", edgecolor="k")
    axes[2].set_xlabel("with a name"), axes[2].set_ylabel("turned by a quarter")
    axes[3].imshow(np.arange(12.0).reshape(3, 4))
    axes[4].pcolormesh(np.arange(12.0).reshape(3, 4), shading="gouraud")
    axes[5].text(0.5, 0.5, "slanted", rotation=30, alpha=0.5, color="r", bbox={"facecolor": "w"})
    axes[5].text(0.1, 0.2, r"$\frac{x^2}{y}$", parse_math=True)
    axes[5].text(0, 0.9, "cut at the frame, for it is far too long", clip_on=True)
    axes[5].annotate("", (0, 0), (1, 1), arrowprops={"arrowstyle": "->"})
    axes[5].set_clip_path(axes[5].patch)
    return charts.Drawing(figure, figure.heading.get_text(), "5 kinds.", pd.DataFrame({"value": [5.0]}))


@pytest.mark.parametrize("drawn", [drawing, crowded])
def test_figures_are_drawn_as_matplotlib_draws_them(tmp_path, drawn):
    shown = drawn()
    charts.write(tmp_path, "a", shown, "A ledger")
    shown.figure.savefig(tmp_path / "theirs.svg", metadata={"Date": None, "Creator": None})
    shown.figure.savefig(tmp_path / "theirs.png")
    if drawn is drawing:  # a picture within is scaled to the pixels of its own file
        assert (tmp_path / "a.svg").read_text() == (tmp_path / "theirs.svg").read_text()
    with Image.open(tmp_path / "a.png") as ours, Image.open(tmp_path / "theirs.png") as theirs:
        assert ours.mode == "RGB" and ours.info["dpi"] == theirs.info["dpi"] == pytest.approx((200, 200), abs=0.01)
        assert np.asarray(theirs)[:, :, 3].min() == 255
        off = np.abs(np.asarray(ours).astype(int) - np.asarray(theirs.convert("RGB")).astype(int)).max(axis=2)
    # the edges of letters are another grey, and some words stand half a pixel further
    assert (off > 90).mean() < 0.002 and off.mean() < 1.5, (off > 90).mean()


def test_texts_are_as_wide_as_they_are_drawn():
    figure, (axis,) = charts.canvas("x", "x", 2)
    text = axis.text(0.5, 0.5, "AVATA, 12 months")
    ruler, theirs = pictures.Ruler(figure.dpi), FigureCanvasAgg(figure).get_renderer()
    assert text.get_window_extent(ruler).bounds == pytest.approx(text.get_window_extent(theirs).bounds, abs=1)


def test_a_long_source_line_stays_inside_the_figure(tmp_path):
    tables = ["ai_index_figures", "training_compute", "models", "eci_scores", "arena_scores"]
    drawn = drawing()
    charts.publish(tmp_path, "a", drawn, [data.load(table, DAY) for table in tables])
    (line,) = [text for text in drawn.figure.texts if text.get_text().startswith("Source: ")]
    box = line.get_window_extent(FigureCanvasAgg(drawn.figure).get_renderer())
    assert box.x1 <= drawn.figure.bbox.x1 and "\n" in line.get_text()


def test_the_words_shown_change_with_the_points_and_the_title(tmp_path, shown):
    charts.publish(tmp_path, "a", drawing(), [])
    moved = drawing()
    points = moved.points.assign(value=3.1)
    charts.publish(tmp_path, "a", charts.Drawing(moved.figure, moved.title, moved.alt, points), [])
    charts.publish(tmp_path, "a", drawing(title="A fourth fell"), [])
    assert len({content["text/plain"] for content, _ in shown}) == 3
    assert shown[0][1]["exhibit"]["alt"] == "Bars: A 3.0."


def test_a_change_of_one_unit_in_the_last_place_changes_no_digest(tmp_path, shown):
    for value in (0.1 + 0.2, 0.3):
        figure = drawing()
        points = figure.points.assign(value=value)
        charts.publish(tmp_path, "a", charts.Drawing(figure.figure, figure.title, figure.alt, points), [])
    assert shown[0][0]["text/plain"] == shown[1][0]["text/plain"]


def test_an_unanswered_question_is_told_in_words(tmp_path, capsys):
    charts.publish(tmp_path, "a", Unanswered("no period is over"), [])
    assert capsys.readouterr().out == "No figure: no period is over.\n"


def test_a_table_is_shown_plainly_and_written_in_full_digits(tmp_path, shown):
    table = pd.DataFrame({"name": ["<b>NA</b>"], "value": [1 / 3], "day": pd.to_datetime([DAY]), "sure": [True]})
    charts.publish_table(tmp_path, "a", table, "One row a name")
    content, metadata = shown[0]
    assert "&lt;b&gt;NA&lt;/b&gt;" in content["text/html"] and "<b>" not in content["text/html"]
    assert "0.33" in content["text/plain"] and DAY in content["text/plain"]
    assert "0.33333333" in (tmp_path / "a.csv").read_text()
    assert metadata["exhibit"] == {"kind": "table", "slug": "a", "caption": "One row a name"}


@pytest.mark.fault(63)
def test_text_that_a_spreadsheet_would_run_is_neutral_and_numbers_are_left_alone(tmp_path):
    table = pd.DataFrame({"name": ["=cmd()", "@SUM(1)", "plain"], "value": [-1.5, 2.0, 3.0]})
    charts.publish_table(tmp_path, "a", table, "One row a name")
    assert (tmp_path / "a.csv").read_text().splitlines()[1:] == ["'=cmd(),-1.5", "'@SUM(1),2", "plain,3"]


def test_a_table_whose_hidden_digits_change_shows_another_digest(tmp_path, shown):
    for value in (1 / 3, 0.3334):
        charts.publish_table(tmp_path, "a", pd.DataFrame({"value": [value]}), "One row a name")
    assert shown[0][0]["text/plain"] != shown[1][0]["text/plain"]


def test_an_empty_table_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs rows"):
        charts.publish_table(tmp_path, "a", pd.DataFrame({"value": []}), "One row a name")


def test_a_dollar_in_a_title_is_a_dollar():
    figure, _ = charts.canvas("From $0.1 to $10", "USD", 2)
    assert not figure.texts[0].get_parse_math()


def test_a_title_too_long_for_two_lines_is_refused():
    with pytest.raises(ValueError, match="one or two lines"):
        charts.canvas("word " * 60, "USD", 2)


def boxes(texts, renderer):
    return [text.get_window_extent(renderer).shrunk(0.98, 0.9) for text in texts]


def forty_models():
    """The 37 plotted models and three older ones, as a notebook would give them."""
    plotted, catalogue = data.load("plotted_models", DAY), data.load("models", DAY)
    listed = plotted.assign(output_usd_per_mtok=plotted.list_output_usd_per_mtok)
    older = frontier.prices_in_force(data.load("model_prices", DAY), DAY)
    older = older[older.arena_key.isin(["gpt-4o-2024-05-13", "gpt-4-turbo-2024-04-09", "gemini-1.5-flash-001"])]
    names = plotted.merge(catalogue[["arena_key", "developer"]], on="arena_key")
    names = pd.concat([names, catalogue[catalogue.arena_key.isin(older.arena_key)]])
    board = frontier.board(data.load("arena_scores", DAY), DAY)
    models = frontier.priced(board, pd.concat([listed, older]), names)
    return frontier.membership(models, frontier.drawn_scores(models, 100, np.random.SeedSequence(1)))


@pytest.mark.parametrize("count", [37, 40])
def test_no_two_names_in_the_price_score_figure_overlap_and_none_is_clipped(count):
    models = forty_models().iloc[:count] if count < 40 else forty_models()
    assert len(models) == count
    figure = charts.price_score(models, "Board").figure
    figure.canvas.draw()
    (axis,) = figure.axes
    renderer = FigureCanvasAgg(figure).get_renderer()
    labels = [text for text in axis.texts if text.get_text() and text.get_gid() != "digit"]
    assert len([text for text in labels if text.get_gid() is None]) == len(models)
    places, frame = boxes(labels, renderer), axis.get_window_extent(renderer)
    clashes = [
        (one.get_text(), other.get_text())
        for k, one in enumerate(labels)
        for j, other in enumerate(labels[:k])
        if places[k].overlaps(places[j])
    ]
    assert clashes == []
    assert [text.get_text() for text, box in zip(labels, places, strict=True) if not frame.overlaps(box)] == []
    marks = axis.transData.transform(models[["output_usd_per_mtok", "score"]].to_numpy())
    assert not [box for box in places for x, y in marks if box.contains(x, y)]


def test_the_notes_groups_bear_their_numbers_once_where_marks_lie_on_each_other():
    axis = charts.price_score(forty_models(), "Board").figure.axes[0]
    digits = [text.get_text() for text in axis.texts if text.get_gid() == "digit"]
    # o1-mini and o3-mini share a price and nearly a score, and so a number
    assert sorted(digits) == ["1", "1", "2", "2", "3", "3", "3"]
    key = [text.get_text() for text in axis.texts if text.get_gid() == "key"]
    assert key == ["#3 Google", "#2 DeepSeek", "#1 OpenAI"]


def test_a_crowded_board_names_its_frontier_only():
    models = forty_models()
    axis = charts.price_score(models, "Board", named=False).figure.axes[0]
    labels = {text.get_text() for text in axis.texts if text.get_gid() is None}
    assert labels == set(models[models.on_frontier].name)
    alone = charts.price_score(models.iloc[:1].assign(on_frontier=True), "Board", named=False)
    assert "is as cheap as any of 1 models, and best" in alone.title


def test_frontiers_at_several_days_tell_what_one_score_cost():
    rows = [("2024-01-31", "a", 60.0, 1186.0, True), ("2025-02-14", "a", 60.0, 1186.0, False),
            ("2025-02-14", "b", 0.4, 1200.0, True), ("2024-01-31", "c", 2.0, 1100.0, True)]  # fmt: skip
    points = pd.DataFrame(rows, columns=["day", "name", "output_usd_per_mtok", "score", "on_frontier"])
    points = points.assign(day=pd.to_datetime(points.day), developer="OpenAI", error=3.0, carried_back=False)
    points = points.sort_values("day", kind="stable")
    drawn = charts.frontier_path(points)
    assert drawn.title == "What scored 1186 cost $60 on 2024-01-31 and $0.40 on 2025-02-14"
    assert [axis.get_title(loc="left") for axis in drawn.figure.axes if axis.get_visible()] == [
        "2024-01-31: 2 of 2 models on the frontier", "2025-02-14: 1 of 2 models on the frontier",
    ]  # fmt: skip
    kinds = [{type(one).__name__ for one in axis.collections} for axis in drawn.figure.axes if axis.get_visible()]
    assert all("LineCollection" in one for one in kinds)
    assert isinstance(charts.frontier_path(Unanswered("no day")), Unanswered)


def test_training_compute_is_titled_by_its_growth_and_names_stand_apart():
    models = compute.with_errors(data.load("training_compute", "2025-02-24"))
    windows = [("2018-01-01", "2022-12-31"), ("2023-01-01", None)]
    drawn = compute.developer_samples(models, 50, np.random.SeedSequence(1))
    growths = [compute.growth(models, window, drawn) for window in windows]
    trends = [compute.trend(models, window) for window in windows]
    shown = charts.training_compute(models, compute.records(models), trends, growths, ["DeepSeek-R1", "GPT-4o"])
    told = [inference.number(one.value) for one in growths]
    assert shown.title == (f"Record training compute grew {told[0]} times a year from 2018-01 to 2022-12 and "
                           f"{told[1]} times a year from 2023-01 to 2025-02")  # fmt: skip
    assert "DeepSeek-R1 5.2e+24 (Confident)" in shown.alt
    # the words alone: an annotation's own extent holds its leader line too
    renderer = FigureCanvasAgg(shown.figure).get_renderer()
    texts = shown.figure.axes[0].texts
    for text in texts:
        if isinstance(text, Annotation):
            text.update_positions(renderer)
    frames = [Text.get_window_extent(text, renderer).shrunk(0.98, 0.9) for text in texts]
    assert not any(one.overlaps(other) for k, one in enumerate(frames) for other in frames[:k])
    missing = Unanswered("no file")
    assert isinstance(charts.training_compute(missing, missing, [missing], [missing], []), Unanswered)


def test_ratios_that_span_decades_are_drawn_on_a_log_scale():
    claim = "r1-half-the-compute"
    wide, narrow = (inference.Estimate(0.5, low, 0.6, "ratio", 2, "test", "resampled") for low in (0.001, 0.45))
    for found, scale in ((wide, "log"), (narrow, "linear")):
        drawn = charts.alternatives({claim: found}, {claim: {}}, results.claims())
        assert drawn.figure.axes[0].get_xscale() == scale


def test_alternatives_say_how_many_agree_and_leave_out_what_is_not_known():
    claim = "semiconductors-fell-after"
    percent = {value: inference.exact(value, "percent", 1, "test") for value in (-3.0, -2.0, 1.0)}
    others = {claim: {"agrees": percent[-2.0], "differs": percent[1.0], "unknown": Unanswered("no fund")}}
    drawn = charts.alternatives({claim: percent[-3.0]}, others, results.claims())
    assert drawn.title == "1 of 2 alternatives agree with their headline; 1 of 1 claims turn with an alternative"
    other = "hyperscalers-fell-after"
    two = charts.alternatives({claim: percent[-3.0], other: percent[-2.0]}, others | {other: {}}, results.claims())
    assert two.title.endswith(f"1 of 2 claims turn with an alternative: {results.claims().claim[claim]}")
    assert drawn.points.position.tolist() == ["inside", "inside", "outside"]
    assert isinstance(charts.alternatives({claim: Unanswered("no fund")}, others, results.claims()), Unanswered)


def test_groups_are_ordered_by_the_return_after_and_counted_by_sign():
    rows = [("A", "before", 2.0), ("A", "after", -1.0), ("B", "before", 1.0), ("B", "after", 3.0), ("C", "after", -9.0)]
    table = pd.DataFrame(rows, columns=["portfolio", "period", "return_percent"])
    table = table.assign(start="2025-01-24", end=DAY, found=None)
    drawn = charts.group_returns(table, ["A", "B"])
    assert drawn.title.startswith("1 of 2 groups of the note fell after DeepSeek: A −1.0%")
    assert [label.get_text() for label in drawn.figure.axes[0].get_yticklabels()] == ["C", "A", "B"]
    table.loc[table.period == "after", "return_percent"] = np.nan
    before = charts.group_returns(table, ["A", "B"])
    assert before.title.startswith("All 2 groups of the note were up")
    assert isinstance(charts.group_returns(table.assign(return_percent=np.nan), ["A"]), Unanswered)


def shares(*values):
    return pd.Series(
        values, index=pd.to_datetime(["2024-12-06", "2025-02-07", "2025-09-05"][: len(values)]), dtype=float
    )


def test_official_shares_are_points_and_other_methods_are_never_joined():
    others = pd.DataFrame(
        {"date": pd.to_datetime([DAY]), "method": "printed", "share_percent": 35.0, "gap_points": 3.0}
    )
    others["method"] = "published_by_others"
    drawn = charts.index_shares(shares(32.78, 32.01), shares(32.78, 32.01), others, "Magnificent 7")
    assert drawn.title == "The Magnificent 7 made up 32.0% of the S&P 500 on 2025-02-07, 32.8% on 2024-12-06"
    assert "printed by others +3.0 to +3.0 points (n = 1)" in drawn.alt
    lines = drawn.figure.axes[0].lines
    assert [line.get_linestyle() for line in lines].count("-") == 1  # the official one, carried on
    alone = charts.index_shares(shares(32.78), shares(), others.assign(gap_points=np.nan), "Magnificent 7")
    assert "none yet" in alone.alt
    assert isinstance(charts.index_shares(shares(), shares(), others, "Magnificent 7"), Unanswered)


def test_effective_numbers_tell_the_first_and_the_last():
    rows = pd.DataFrame(
        {"date": shares(1, 2).index, "effective_number": [48.0, 50.8], "order_1": 150.0, "order_inf": 14.0}
    )
    drawn = charts.effective_numbers(rows, rows)
    assert drawn.title == "On 2025-02-07 the S&P 500 was as concentrated as 51 equal firms (2024-12-06: 48)"
    assert charts.effective_numbers(rows[:1], rows[:1]).title.endswith("48 equal firms")


def contributions(*points):
    rows = pd.DataFrame({"firm": ["A", "B", "Other firms"], "contribution_points": points})
    rows.attrs = {"start": "2023-12-29", "end": "2024-12-31"}
    return rows


def test_a_waterfall_ends_at_the_whole_and_says_what_is_taken_away():
    gain, loss = contributions(1.0, 5.0, 4.0), contributions(-1.0, 0.5, -3.0)
    drawn = charts.return_contributions({"2024": gain, "2025": loss}, {"A": "Firm A", "B": "Firm B"}, "pair")
    assert drawn.title == "Of the S&P 500's return the pair made 60% in 2024 and −0.5 of −3.5 points in 2025"
    year = drawn.points[drawn.points.period == "2024"]
    assert year.firm.tolist() == ["Firm B", "Firm A", "Other firms", "S&P 500"]
    assert year.from_points.tolist() == [0, 5, 6, 0] and year.contribution_points.iloc[-1] == 10
    colours = [bar.get_facecolor() for bar in drawn.figure.axes[1].patches]
    assert colours[1] != colours[0] and colours[2] != colours[1]
    assert isinstance(charts.return_contributions({"2024": Unanswered("not over")}, {}, "pair"), Unanswered)


def test_labels_of_paths_that_end_close_together_stand_apart():
    days = pd.bdate_range("2025-01-24", "2025-02-14")
    ends = {"A": 100.1, "B": 100.2, "C": 120.0}
    table = pd.DataFrame([(n, d, 100 + (v - 100) * k / 15) for n, v in ends.items() for k, d in enumerate(days)])
    table.columns = ["portfolio", "date", "value"]
    colours = {"A": charts.BLUE, "B": charts.GREY, "C": charts.ORANGE}
    drawn = charts.rebased_paths({"2025-01-24": table, "later": Unanswered("no")}, colours, DAY, "the note")
    assert drawn.title == "Since 2025-01-24: A +0.1%, B +0.2%, C +20.0%"
    drawn.figure.canvas.draw()
    renderer = FigureCanvasAgg(drawn.figure).get_renderer()
    labels = [text for text in drawn.figure.axes[0].texts if text.get_text()]
    places = boxes(labels, renderer)
    assert not any(one.overlaps(other) for k, one in enumerate(places) for other in places[:k])
    assert isinstance(charts.rebased_paths({"later": Unanswered("no")}, colours, DAY, "the note"), Unanswered)


def test_verdicts_are_counted_robust_and_not():
    table = pd.DataFrame({"verdict": ["holds", "holds", "fails", "not examined"], "robust": ["yes", "no", "", ""]})
    drawn = charts.verdict_counts(table)
    assert drawn.title == "2 of 3 claims judged so far hold, 1 of them under every alternative asked"
    assert drawn.points.set_index("verdict").loc["holds"].tolist() == [1, 1]


def test_coverage_counts_the_tables_that_had_rows():
    drawn = charts.coverage(data.reach("2023-01-03"), "2023-01-03")
    assert drawn.title.startswith("On 2023-01-03, ")
    assert "nothing known yet" in [text.get_text() for text in drawn.figure.axes[0].texts]


def estimates(values):
    rows = [(pd.Timestamp("2025-01-23") + pd.offsets.BDay(k), value, value - 1, value + 1, 9)
            for k, value in enumerate(values)]  # fmt: skip
    return pd.DataFrame(rows, columns=["date", "value", "low", "high", "n"])


def test_days_around_an_event_name_those_whose_interval_leaves_out_zero():
    table = estimates([0.5, -0.5, -11.0, 2.0])
    drawn = charts.abnormal_path(table, "2025-01-27", "the chain", {"2025-01-24": "eve", "2025-02-28": "later"})
    assert "−11.0% (95% interval −12.0 to −10.0)" in drawn.title
    assert drawn.alt.endswith("leaves out zero.") or "2025-01-27 −11.0" in drawn.alt
    assert "2025-01-28 2.0" in drawn.alt and "2025-01-24" not in drawn.alt
    assert isinstance(charts.abnormal_path(table, "2025-02-28", "the chain", {}), Unanswered)
    assert isinstance(charts.abnormal_path(Unanswered("no day"), DAY, "the chain", {}), Unanswered)


@pytest.mark.parametrize("value, words", [(-11.0, "None of 100"), (-0.97, "2 of 100")])
def test_placebo_days_as_low_as_the_event_are_counted(value, words):
    placebos = pd.Series(np.linspace(-1, 1, 100), index=pd.bdate_range("2024-01-01", periods=100))
    found = inference.Estimate(value, value, value, "percent", 9, "x", "resampled")
    drawn = charts.placebo_distribution(placebos, found, "2025-01-27", "a mean")
    assert drawn.title.startswith(words) and len(drawn.points) == 101
    assert isinstance(charts.placebo_distribution(placebos.iloc[:0], found, DAY, "a mean"), Unanswered)


def test_a_specification_curve_shows_every_choice_and_counts_what_leaves_out_zero():
    table = estimates([-5.0, -3.0, 0.5]).drop(columns="date").assign(headline=[False, True, False])
    table = table.assign(model=["a", "b", "a"], window=["120 days", "250 days", "no window"])
    drawn = charts.specification_curve(table, ["model", "window"], "The shock")
    assert drawn.title == "The shock is below zero in 2 of 3 specifications, −5.0% to +0.5%; 2 intervals leave out zero"
    labels = [label.get_text() for label in drawn.figure.axes[1].get_yticklabels()]
    assert labels == ["a", "b", "120 days", "250 days", "no window"]
    assert isinstance(charts.specification_curve(Unanswered("no day"), ["model"], "x"), Unanswered)


def test_wealth_is_titled_by_its_ends_and_labels_stand_apart():
    days = pd.bdate_range("2025-01-24", periods=3)
    rows = [(name, day, wealth, wealth - 110) for name, end in {"A": 110.0, "B": 110.1, "C": 90.0}.items()
            for day, wealth in zip(days, [100, 105, end], strict=True)]  # fmt: skip
    wealth = pd.DataFrame(rows, columns=["portfolio", "date", "wealth", "drawdown_percent"])
    colours = {"A": charts.BLUE, "B": charts.ORANGE, "C": charts.GREY}
    drawn = charts.wealth_drawdown(wealth, colours, ("A", "C"))
    assert drawn.title == "From 2025-01-24 to 2025-01-28: B +10.1%, A +10.0%, C −10.0%"
    renderer = FigureCanvasAgg(drawn.figure).get_renderer()
    for axis in drawn.figure.axes:
        frames = boxes(axis.texts, renderer)
        assert not any(one.overlaps(other) for k, one in enumerate(frames) for other in frames[:k])
    assert isinstance(charts.wealth_drawdown(Unanswered("not yet"), colours, ("A", "C")), Unanswered)


def test_a_tiny_value_in_a_table_is_shown_by_its_power_of_ten(tmp_path, shown):
    charts.publish_table(tmp_path, "a", pd.DataFrame({"value": [6e-88, 0.0, 0.00014]}), "One row a p value")
    assert shown[0][0]["text/plain"].split()[6:-4] == ["6e−88", "0", "0.00014"]


SPELLS = pd.DataFrame(
    {
        "record": ["a model with a very long name indeed, 01-21", "b"],
        "set_on": pd.to_datetime(["2024-03-01", "2025-02-01"]),
        "matched_by": ["c", ""],
        "days": [365.25, 30.0],
        "closed": [True, False],
        "low_days": [300.0, np.inf],
        "high_days": [np.inf, np.inf],
    }
)


def test_records_not_matched_yet_are_counted_and_their_names_are_not_clipped():
    drawn = charts.record_spells(SPELLS, "2025-01-20")
    assert drawn.title == "1 of 2 proprietary records have been matched by an open model, after 12.0 months"
    assert "b 1.0 and not matched" in drawn.alt
    assert all_inside(drawn.figure)


def all_inside(figure):
    """Whether labels and texts lie on the canvas at the resolution of saved pictures, where letters are wider."""
    figure.dpi = matplotlib.rcParams["savefig.dpi"]
    renderer, (axis,) = FigureCanvasAgg(figure).get_renderer(), figure.axes
    frames = boxes([*axis.get_yticklabels(), *axis.texts], renderer)
    return min(box.x0 for box in frames) >= 0 and max(box.x1 for box in frames) <= figure.bbox.width


def test_a_long_name_at_a_long_bar_is_not_clipped():
    long = SPELLS.assign(matched_by=["Meta-Llama-3.1-405B-Instruct-bf16", ""], high_days=[1e4, np.inf])
    assert all_inside(charts.record_spells(long, "2025-01-20").figure)


def test_a_lag_is_told_by_the_name_of_the_best_open_model():
    table = pd.DataFrame(
        {
            "arena_key": ["p", "o"],
            "name": ["P", "O"],
            "developer": ["x", "y"],
            "release_date": pd.to_datetime(["2024-01-01", "2024-06-01"]),
            "open": [False, True],
            "score": [120.0, 100.0],
            "error": 3.0,
            "link_level": 0.0,
            "link_tilt": 0.0,
            "scale": "R1",
            "until": pd.Timestamp("2024-07-01"),
        }
    )
    months = inference.Estimate(6.0, 5.0, 6.0, "months", 2, "m", "resampled")
    drawn = charts.record_frontiers(table, table[:1], table[1:], months)
    assert drawn.title.startswith("On 2024-07-01 the best open model, O, was 20 points behind the best proprietary one")
    assert isinstance(charts.record_frontiers(table, table, table, Unanswered("no board")), Unanswered)


def test_the_worst_day_of_a_series_and_what_the_newest_board_alone_would_say_are_told():
    days = pd.date_range("2024-11-30", periods=4, freq="MS")
    values = {name: [3.0, 9.0, 2.0, 4.0] for name in ("lag", "lag_low", "lag_high")}
    values |= {name: [30.0, 20.0, 10.0, 5.0] for name in ("deficit", "deficit_low", "deficit_high")}
    series = pd.DataFrame({"date": days} | values)
    alone = series.assign(lag=0.0, deficit=-7.0)
    drawn = charts.backward_lags(series, alone, 12, 18, "2025-01-20")
    assert drawn.title.endswith(f"4.0 months on {days[3]:%Y-%m-%d}, at most 9.0 (on {days[1]:%Y-%m-%d})")
    assert "by the newest board alone 0.0 months and −7 points" in drawn.alt and len(drawn.points) == 8


def test_a_median_that_no_group_reaches_is_said_so():
    rows = [("before x", 2, 400.0, 0.0, 2, 0, 1.0, np.nan, np.nan), ("before x", 2, 400.0, 365.25, 2, 1, 0.5, 0.1, 0.9)]
    rows.append(("since x", 1, 90.0, 0.0, 1, 0, 1.0, np.nan, np.nan))
    columns = ["group", "records", "watched", "time", "at_risk", "events", "survival", "low", "high"]
    drawn = charts.survival_curves(pd.DataFrame(rows, columns=columns))
    assert drawn.title.endswith("12.0 months (before x); not reached (since x)")


def test_published_lags_span_their_points_and_not_the_middles_of_ranges():
    table = pd.DataFrame(
        {
            "label": ["a range", "a point", "mine"],
            "source": ["x", "y", "this notebook"],
            "interval": ["range", "", "95 percent"],
            "ours": [False, False, True],
            "value": [np.nan, 12.0, 3.0],
            "low": [5.0, np.nan, 0.0],
            "high": [22.0, np.nan, np.inf],
        }
    )
    long = table.assign(label="lag of the best open model, benchmarks and training compute, 2018 to 2024")
    assert all_inside(charts.published_lags(long, 12, 18).figure)
    drawn = charts.published_lags(table, 12, 18)
    assert drawn.title == "Lag of open models in months: published estimates 12.0; ours 3.0"
    assert "a range, x: range (5 to 22)" in drawn.alt and "3 (0 to infinity)" in drawn.alt


def test_a_specification_curve_may_be_held_to_another_edge_than_zero():
    table = pd.DataFrame({"scale": ["a", "b"], "value": [7.0, 8.0], "low": [5.0, 7.5], "high": [7.5, 9.0]})
    drawn = charts.specification_curve(
        table.assign(headline=[True, False]), ["scale"], "The lag", edge=6, unit="months"
    )
    assert drawn.title.startswith("The lag is below 6 months in none of 2 specifications, 7 to 8; 1 interval leaves")


def survey(wording, rates, start="2024-12-30"):
    days = pd.date_range(start, periods=len(rates), freq="14D")
    rows = pd.DataFrame({"middle": days, "reference_end": days + pd.Timedelta(days=7), "use_rate": rates})
    more = {"use_se": 0.2, "expected_rate": rows.use_rate + 2, "supplement": False, "wording": wording}
    return rows.assign(cycle=[f"{k:06d}" for k in range(len(rates))], **more)


def test_use_rates_are_one_line_a_wording_never_joined():
    parts = {"old": survey("old", [6.0, 7.0]), "new": survey("new", [17.0], "2025-11-10")}
    drawn = charts.use_rates(parts, DAY)
    assert drawn.title.endswith(
        "7.0% to 2025-01-20 (6.0% to 2025-01-06), old wording; 17.0% to 2025-11-17, new wording"
    )
    solid = [line for line in drawn.figure.axes[0].lines if line.get_linestyle() == "-"]
    assert [len(line.get_xdata()) for line in solid] == [2, 1] and len(drawn.points) == 3
    before = charts.use_rates({"old": survey("old", [3.7, 3.8], "2023-09-11")}, DAY)
    early = charts.use_rates(parts, "")
    for picture, marked in ((drawn, True), (before, False), (early, False)):
        assert ("the note " in [text.get_text() for text in picture.figure.axes[0].texts]) == marked
    assert isinstance(charts.use_rates({"old": parts["old"].iloc[:0]}, DAY), Unanswered)


def test_names_of_lines_stand_clear_of_the_line_of_the_note():
    # a series that ends on 2025-01-13: its name would run across a line on DAY
    drawn = charts.use_rates({"old": survey("old", [6.0, 7.0])}, DAY)
    names = [text for text in drawn.figure.axes[0].texts if text.get_text() in ("old wording", "expected")]
    assert [text.xy[0] for text in names] == [pd.Timestamp(DAY)] * 2
    later = charts.use_rates({"old": survey("old", [6.0] * 12)}, DAY)
    assert max(text.xy[0] for text in later.figure.axes[0].texts if "wording" in text.get_text()) > pd.Timestamp(DAY)


def slopes(wording, *sectors):
    rows = [(s, float(k + 1), 0.1, float(k + 3), 0.1) for k, s in enumerate(sectors)]
    table = pd.DataFrame(rows, columns=["sector", "start", "start_se", "end", "end_se"])
    table.attrs = {"wording": wording, "start": ("a", "b"), "end": ("c", "d")}
    return table


def test_sector_slopes_average_fixed_lists_or_none():
    drawn = charts.sector_slopes([slopes("old", "23", "51"), Unanswered("no cycle")], ["51"], ["23"])
    assert drawn.title == "Mean of the sectors: information 2.0 to 4.0%, manual 1.0 to 3.0% (old wording)"
    short = charts.sector_slopes([slopes("old", "23", "51")], ["51", "54"], ["23"])
    assert short.title.endswith("2 sectors, not all of the lists (old wording)")
    assert isinstance(charts.sector_slopes([Unanswered("no cycle")], ["51"], ["23"]), Unanswered)


def test_firms_citing_ai_leave_room_for_quarters_never_printed():
    drawn = charts.citing_firms(pd.DataFrame({"quarter": ["2023Q1", "2023Q4"], "value": [110, 179]}))
    assert drawn.title == "179 firms of the S&P 500 cited AI on the calls of 2023Q4, 110 on those of 2023Q1"
    axis = drawn.figure.axes[0]
    assert len(axis.patches) == 2 and len(axis.get_xticks()) == 4
    assert isinstance(charts.citing_firms(drawn.points.iloc[:0]), Unanswered)


def test_exposure_is_told_as_a_ratio_of_odds():
    x = np.linspace(-1, 1, 6)
    points = pd.DataFrame({"name": ["541", "511", "332", "236", "722", "999"], "exposure": x, "use_rate": 5 + x})
    without = pd.DataFrame({"sector": ["54", "31"], "strata": [1, 2], "value": [np.log(2), np.log(3)]})
    found = inference.Estimate(np.log(2), -np.inf, 1.5, "log odds per standard deviation", 6, "x", "resampled")
    drawn = charts.exposure_use(points, points[["exposure", "use_rate"]], without, found)
    assert "2.0 times the odds" in drawn.title and "2.0 to 3.0 times" in drawn.title
    assert "industry 999" in [text.get_text() for text in drawn.figure.axes[0].texts]


def fan(actual):
    days = pd.date_range("2025-02-03", periods=2, freq="14D")
    values = {"forecast": [7.0, 7.2], "low": [6.5, 6.6], "high": [7.5, 7.9], "actual": actual, "past": [5, 5]}
    return pd.DataFrame({"horizon": [1, 2], "middle": days, **values})


def test_a_fan_counts_what_fell_inside_and_says_nothing_before_it_came():
    errors = pd.DataFrame(
        {"method": ["trend", "firms' own"], "horizon": [2, 13], "mean_absolute_error": [0.4, 0.3], "n": 5}
    )
    own = pd.DataFrame({"middle": [pd.Timestamp("2025-02-17")], "forecast": [7.6]})
    known = survey("old", [6.0, 7.0])
    came = charts.forecast_fan(fan([7.1, 8.3]), known, own, errors, "000001")
    assert "1 of 2 later cycles fell inside" in came.title and "8.3% against 7.2% (6.6 to 7.9)" in came.title
    waiting = charts.forecast_fan(fan([np.nan, np.nan]), known, own, errors, "000001")
    assert waiting.title == "From cycle 000001 the trend leads to 7.2% of firms by 2025-02-17 (6.6 to 7.9)"
    assert "firms' own 0.30 at 13 cycles (n = 5)" in waiting.alt
    assert isinstance(charts.forecast_fan(Unanswered("no"), known, own, errors, "1"), Unanswered)


def test_ceilings_that_are_ruled_out_stay_out_of_the_title():
    rows = [(curve, ceiling, ratio, ratio < 1.2, 1.2, ceiling / 2) for curve in ("logistic", "Gompertz", "Bass")
            for ceiling, ratio in ((10, 1.5), (20, 1.1), (50, 1.0))]  # fmt: skip
    table = pd.DataFrame(rows, columns=["curve", "ceiling", "ratio", "allowed", "bound", "rate_at"])
    drawn = charts.ceiling_profile(table, "2030-01-01")
    assert drawn.title == "Ceilings from 20% to 50% of firms are not ruled out; by 2030-01-01 they mean 10% to 25%"
    assert isinstance(charts.ceiling_profile(Unanswered("no"), "2030-01-01"), Unanswered)


def test_other_days_with_as_large_a_break_are_counted():
    days = estimates([0.5, 0.1, 0.3])
    found = inference.Estimate(0.3, 0.1, 0.5, "log odds a year", 9, "x", "resampled")
    drawn = charts.slope_breaks(days, found, DAY)
    assert "2 of 3 other days" in drawn.title and drawn.points.asked.sum() == 1
    assert isinstance(charts.slope_breaks(days.iloc[:0], found, DAY), Unanswered)
    assert isinstance(charts.slope_breaks(days, Unanswered("no"), DAY), Unanswered)


def test_a_specification_curve_of_log_odds_counts_what_lies_above_zero():
    table = estimates([0.25, 0.5]).drop(columns="date").assign(headline=[False, True], model=["a", "b"])
    drawn = charts.specification_curve(table, ["model"], "The slope", unit="log odds", side="above")
    assert drawn.title == "The slope is above zero in all 2 specifications, 0.25 to 0.50; 0 intervals leave out zero"
    assert drawn.figure.axes[0].get_ylabel() == "log odds"


def priced(*rows):
    table = pd.DataFrame(rows, columns=["date", "price_usd", "model"]).assign(how="launch")
    return table.assign(date=pd.to_datetime(table.date))


def test_the_title_of_list_prices_names_the_price_on_each_day_it_can():
    tiers = {"flagship": priced(("2024-01-01", 60.0, "a"), ("2024-06-01", 10.0, "b"), ("2025-03-01", 30.0, "b"))}
    ask = ("A seller", "2025-01-20", "when R1 appeared")
    late = charts.list_prices(tiers, *ask, "2025-06-30")
    assert late.title == "A seller's flagship cost $60 on 2024-01-01, $10 when R1 appeared and $30 on 2025-06-30"
    early = charts.list_prices({"flagship": tiers["flagship"][:2]}, *ask, "2024-10-31")
    assert "R1" not in early.title and "$10 on 2024-10-31" in early.title
    assert isinstance(charts.list_prices({"flagship": tiers["flagship"][:0]}, *ask, "2023-01-01"), Unanswered)


def test_labels_at_the_end_of_lines_stay_in_the_panel_even_where_all_prices_end_alike():
    path = priced(("2024-01-01", 60.0, "a"), ("2025-01-01", 0.1, "b")).rename(columns={"model": "name"})
    drawing = charts.constant_quality({name: path for name in "ABCD"}, Unanswered("none"), Unanswered("none"), "score")
    panel = drawing.figure.axes[0]
    heights = sorted(text.xy[1] for text in panel.texts)
    assert len(heights) == 4 and panel.get_ylim()[0] <= heights[0]
    assert min(np.diff(np.log(heights))) > 0.05 * np.diff(np.log(panel.get_ylim())).item()


def test_demand_says_how_many_months_it_has_and_draws_no_line_through_two():
    months = pd.DataFrame({"month": pd.to_datetime(["2024-05-31", "2025-05-31"]), "tokens": [1e13, 5e14]})
    months = months.assign(price_usd=[15.0, 0.5])
    drawing = charts.demand(months, Unanswered("2 months are known"), "A seller", "GPT-4")
    assert drawing.title.endswith("went from $15 to $0.50: 2 months give no slope")
    assert len(drawing.figure.axes[0].lines) == 2 and not drawing.figure.axes[0].collections
    assert "No elasticity: 2 months are known" in drawing.alt
    assert isinstance(charts.demand(Unanswered("none"), Unanswered("none"), "A seller", "GPT-4"), Unanswered)


@pytest.mark.parametrize(
    "ends, words",
    [((-2.0, -0.5), "cannot tell more spending from less"), ((-2.0, -1.1), "faster"), ((-0.9, -0.5), "more slowly")],
)
def test_demand_says_what_its_slope_tells_and_shades_its_interval(ends, words):
    months = pd.DataFrame({"month": pd.to_datetime(["2024-05-31", "2025-05-31", "2025-07-31"])})
    months = months.assign(tokens=[1e13, 5e14, 9e14], price_usd=[15.0, 0.5, 0.1])
    slope = inference.Estimate(np.mean(ends), *ends, "elasticity", 3, "x", "resampled")
    drawing = charts.demand(months, slope, "A seller", "GPT-4")
    assert words in drawing.title and "3 months" in drawing.title and drawing.figure.axes[0].collections


def test_yearly_declines_show_intervals_ranges_and_points():
    rows = [("a level", "ours", 10.0, 5.0, 20.0), ("Others: a test", "printed", np.nan, 5.0, 10.0)]
    rows.append(("More: two prices", "implied", 40.0, np.nan, np.nan))
    drawing = charts.yearly_declines(pd.DataFrame(rows, columns=["label", "kind", "factor", "low", "high"]), DAY)
    assert "a level: 10.0 (5.0 to 20.0); Others: a test: 5 to 10; More: two prices: 40" in drawing.alt
    assert drawing.title == "a level: the price fell 10-fold a year"
    assert charts.yearly_declines(Unanswered("not yet"), DAY) == Unanswered("not yet")


@pytest.mark.fault(18)
@pytest.mark.parametrize("slug", ["../a", "a/b", "a-{as_of}", "a.b", "A", "", "-a", "a--b"])
def test_a_name_that_leads_elsewhere_or_holds_braces_is_refused(tmp_path, slug):
    (tmp_path / "here").mkdir()
    with pytest.raises(ValueError, match="no name for an exhibit's files"):
        charts.publish(tmp_path / "here", slug, drawing(), [])
    with pytest.raises(ValueError, match="no name for an exhibit's files"):
        charts.publish_table(tmp_path / "here", slug, pd.DataFrame({"value": [1]}), "One row a value")
    assert [file.name for file in tmp_path.rglob("*")] == ["here"]


def swept(verdicts):
    rows = [(claim, day, verdict, "yes") for claim, told in verdicts.items() for day, verdict in told.items()]
    return pd.DataFrame(rows, columns=["claim", "as_of", "verdict", "robust"])


def test_changes_say_how_many_rose_and_put_the_largest_rise_on_top():
    table = pd.DataFrame({"entity": ["a", "b", "c"], "start": [1.0, 5, 4], "end": [2.0, 9, 3], "change": [1.0, 4, -1]})
    mean = inference.Estimate(4 / 3, -5.0, 7.0, "points", 3, "test", "resampled")
    drawn = charts.changes(table, mean, "Use", "points")
    assert drawn.title == "Use rose for 2 of 3; mean change 1.3 points (−5.0 to 7.0)"
    assert drawn.alt == "Arrows of 3 in points. b 5 to 9; a 1 to 2; c 4 to 3."
    axis = drawn.figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["c", "a", "b"]
    arrows = [text.arrow_patch.get_edgecolor() for text in axis.texts if isinstance(text, Annotation)]
    assert [matplotlib.colors.to_hex(colour).upper() for colour in arrows] == [charts.ORANGE, charts.BLUE, charts.BLUE]
    assert charts.changes(table, Unanswered("no row"), "Use", "points") == Unanswered("no row")


def test_verdicts_by_date_count_the_claims_that_change_and_leave_out_those_not_judged():
    claims = list(results.claims().index[:3])
    told = {
        claims[0]: {"2024-01-31": "holds", DAY: "fails"},
        claims[1]: {DAY: "holds"},
        claims[2]: {DAY: "not yet due"},
    }
    drawn = charts.verdicts_by_date(swept(told), results.claims())
    assert drawn.title == f"1 of 2 claims judged change their verdict between 2024-01-31 and {DAY}"
    assert f"On {DAY}: 1 holds, 1 fails, 0 cannot tell." in drawn.alt and claims[0] in drawn.alt
    assert len(drawn.points) == 3 and set(drawn.points.claim) == set(claims[:2])


def test_verdicts_by_date_without_a_judged_claim_are_unanswered():
    claim = results.claims().index[0]
    table = swept({claim: {DAY: "not yet due"}})
    assert isinstance(charts.verdicts_by_date(table, results.claims()), Unanswered)


@pytest.mark.parametrize("months", [0, 1, 4, 11, 18, 20, 23, 30, 60])
def test_an_axis_of_dates_finds_ticks_whatever_it_spans(months):
    figure, (axis,) = charts.canvas("A line", "What is drawn", 2)
    start = pd.Timestamp("2023-12-29")
    end = start + pd.DateOffset(months=months)
    axis.plot([start, end], [1, 2])
    charts.house.date_axis(axis, start, end, 4)
    FigureCanvasAgg(figure).draw()
    assert 1 <= len([tick for tick in axis.get_xticklabels() if tick.get_text()]) <= 6
