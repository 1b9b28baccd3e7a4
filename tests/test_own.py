"""Cases of one's own: the commands of docs/own-cases.md are read out of the page and run in a copy."""

import csv
import itertools
import json
import re
import shlex
import shutil

import nbformat
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from helpers import adoption, cache, data, events, gate, own, parameters, paths, returns
from helpers.inference import Estimate
from helpers.rows import rows_of
from recompute import Trace

PAGE = (paths.ROOT / "docs" / "own-cases.md").read_text(encoding="utf-8")
IMPORTERS = ["AAPL", "AMZN", "DELL", "SMCI", "TSLA"]
QUIET = {paths.OWN_VARIABLE: "1", paths.PICTURES_VARIABLE: "0"}


def written():
    """Files that the page shows, by their place."""
    return dict(re.findall(r"`(data/own/[a-z_]+\.csv)`[^`]*?\n\n```\n(.*?)```", PAGE, flags=re.DOTALL))


def commands():
    """Commands that the page shows, as arguments, each with the error that it shows below."""
    shown = re.findall(r"^make run (.*)\n(error: .*)?", PAGE, flags=re.MULTILINE)
    parts = [(dict(word.partition("=")[::2] for word in shlex.split(line)), error) for line, error in shown]
    return [(part["NOTEBOOK"], part.get("SET", ""), error) for part, error in parts]


class Ran:
    """What a command left."""

    def __init__(self, code, said, folder):
        self.code, self.said, self.folder = code, said, folder
        self.results, self.notebook = {}, None
        if code == 0:
            found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            self.results = {entry["id"]: entry for entry in found}
            self.notebook = nbformat.read(folder / "notebook.ipynb", as_version=4)

    def shown(self):
        """Words of every output, cell by cell."""
        cells = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        return [
            [output.get("text") or output.get("data", {}).get("text/plain") for output in cell.outputs]
            for cell in cells
        ]

    def table(self, slug):
        return pd.read_csv(self.folder / f"{slug}.csv")


@pytest.fixture(scope="module")
def project(copied, tmp_path_factory):
    """A copy with the two notebooks and, as own files, those of the page; SPY again stands for a licensed series."""
    copy = copied(tmp_path_factory.mktemp("own") / "copy")
    for name in parameters.own_cases():
        shutil.copy(paths.NOTEBOOKS / f"{name}.ipynb", copy.notebooks)
    shutil.rmtree(copy.root / "data" / "own", ignore_errors=True)
    (copy.root / "data" / "own").mkdir()
    for place, text in written().items():
        (copy.root / place).write_text(text, encoding="utf-8")
    with (copy.root / "data" / "own" / "sources.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{table},a vendor,https://example.org,own,2026-11-29\n" for table in LICENSED)
    for table, (head, rows) in LICENSED.items():
        lines = [head, *(rows or _again())]
        (copy.root / "data" / "own" / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return copy


LICENSED = {
    "securities": ("security,name,kind", ["SPXT,S&P 500 Total Return,fund"]),
    "return_indices": ("security,date,total_return_index", None),
}


def _again():
    lines = (paths.RAW / "return_indices.csv").read_text(encoding="utf-8").splitlines()
    return [line.replace("SPY,", "SPXT,") for line in lines if line.startswith("SPY,")]


@pytest.fixture(scope="module")
def ran(project):
    """What each command of the page left, by its notebook and settings."""
    found = {}
    for notebook, settings, _ in commands():
        # a picture is drawn of one of them
        drawn = {paths.PICTURES_VARIABLE: "1"} if settings == "groups=importers,hardware,utilities" else {}
        arguments = ("notebook", f"--set={settings}", notebook)
        code, said = project.run(*arguments, variables=QUIET | drawn)
        place = re.search(r"(\S+/drafts/\S+|report/drafts/\S+)", said)
        kept = project.root / "kept" / str(len(found))
        if place:
            shutil.copytree(project.root / place[1], kept)
        found[notebook, settings] = Ran(code, said, kept)
    return found


def first(ran, part):
    return next(one for (_, settings), one in ran.items() if part in settings)


# the page


def test_every_command_of_the_page_does_what_the_page_says(ran):
    assert len(commands()) == 8
    for notebook, settings, error in commands():
        one = ran[notebook, settings]
        assert (one.code, "Traceback" in one.said) == (2 if error else 0, False), one.said
        assert not error or error in one.said.splitlines()


@pytest.mark.parametrize("name", parameters.own_cases())
def test_the_stored_notebook_shows_what_its_defaults_give(name, ran):
    stored = nbformat.read(paths.NOTEBOOKS / f"{name}.ipynb", as_version=4)
    kept = Ran(1, "", None)
    kept.notebook = stored
    assert kept.shown() == ran[name, ""].shown()


@pytest.mark.parametrize("name", parameters.own_cases())
def test_a_notebook_of_ones_own_passes_the_gate(name):
    assert gate.findings(paths.NOTEBOOKS / f"{name}.ipynb") == []


def test_another_event_is_told_in_its_own_words_and_judges_no_claim(ran):
    one = first(ran, "importers,hardware")
    told = "\n".join(text for cell in one.shown() for text in cell)
    assert "The tariff announcement of 2 April 2025: abnormal return of importers on 2025-04-03" in told
    assert not re.search(r"DeepSeek|\bR1\b|2025-01-2\d|27 January|the note", told)
    assert {entry["role"] for entry in one.results.values()} == {"context"}
    assert "The pause of the tariffs: abnormal return of software on 2025-04-09" in str(first(ran, "pause").shown())


def test_the_mean_abnormal_return_is_that_of_a_regression_a_firm_written_out(ran):
    with (paths.RAW / "return_indices.csv").open(encoding="utf-8", newline="") as file:
        levels = {(row["security"], row["date"]): float(row["total_return_index"]) for row in csv.DictReader(file)}
    days = sorted(date for security, date in levels if security == "SPY" and date <= "2025-06-30")
    event, found = days.index("2025-04-03"), []
    for firm in IMPORTERS:
        change = {}
        for security in (firm, "SPY"):
            series = [levels[security, date] for date in days[event - 260 : event + 11]]
            change[security] = [after / before - 1 for before, after in itertools.pairwise(series)]
        fit = sm.OLS(change[firm][:250], sm.add_constant(change["SPY"][:250])).fit()
        normal = [fit.params[0] + fit.params[1] * market for market in change["SPY"]]
        found.append([own - usual for own, usual in zip(change[firm], normal, strict=True)][259:])
    entries = first(ran, "importers,hardware").results
    assert entries["event-importers-day"]["value"] == pytest.approx(100 * np.mean(found, axis=0)[0], abs=1e-9)
    assert entries["event-importers-window"]["value"] == pytest.approx(100 * np.sum(found) / 5, abs=1e-9)
    assert entries["event-importers-day"]["n"] == 5


def test_a_group_of_two_has_the_prediction_error_of_its_portfolio(ran):
    entry = first(ran, "importers,hardware").results["event-hardware-day"]
    indices = data.load("return_indices", "2025-06-30")
    daily = returns.daily_returns(indices)
    pair = daily[["DELL", "SMCI"]].mean(axis=1)
    place = daily.index.get_loc("2025-04-03")
    x = sm.add_constant(daily[["SPY"]])
    fit = sm.OLS(pair.iloc[place - 259 : place - 9], x.iloc[place - 259 : place - 9]).fit()
    ahead = fit.get_prediction(x.iloc[[place]]).summary_frame(alpha=0.05)
    gap = pair.iloc[place] - ahead[["obs_ci_upper", "mean", "obs_ci_lower"]].iloc[0].to_numpy()
    assert [entry[key] for key in ("low", "value", "high")] == pytest.approx(100 * gap, abs=1e-9)


def test_a_licensed_series_as_the_market_gives_what_the_same_public_series_gives(ran):
    own_market, public = first(ran, "SPXT"), first(ran, "importers,hardware")
    for identity in ("event-importers-day", "event-importers-window"):
        for key in ("value", "low", "high"):
            assert own_market.results[identity][key] == pytest.approx(public.results[identity][key], abs=1e-9)
    assert "against SPXT" in own_market.results["event-importers-day"]["method"]


def test_what_rests_on_own_files_says_so_and_nothing_else_does(ran):
    assert "Includes own data." in str(_sources(first(ran, "importers,hardware")))
    assert any(
        source.get("includes_own_data") for source in first(ran, "SPXT").results["event-importers-day"]["inputs"]
    )
    assert "Includes own data." in str(_sources(first(ran, "Canada")))


def _sources(one):
    outputs = [output for cell in one.notebook.cells for output in cell.get("outputs", [])]
    return [output.metadata.get("exhibit", {}).get("source") for output in outputs if "metadata" in output]


def test_a_picture_is_drawn_of_the_example(ran):
    drawn = sorted(file.stem for file in first(ran, "importers,hardware").folder.glob("*.png"))
    assert drawn == ["event-abnormal", "event-curve", "event-days", "event-earlier-days", "event-wealth"]
    assert not list(ran["own_event", ""].folder.glob("*.png"))


def test_a_survey_without_standard_errors_gets_no_interval_and_says_so(ran):
    one = first(ran, "Canada")
    assert [one.results[f"survey-{name}"]["value"] for name in ("rate", "change")] == [
        19.2,
        pytest.approx(np.log((19.2 / 80.8) / (6.1 / 93.9)) / (730 / 365.25), rel=1e-9),
    ]
    for name in ("rate", "change"):
        entry = one.results[f"survey-{name}"]
        assert entry["low"] == entry["value"] == entry["high"] and "without" in entry["method"]
    assert one.results["survey-trend"]["value"] is None
    assert "Canadian businesses that use AI: 19.2%" in str(one.shown())


# what is refused before anything runs

GOOD = {name: parameters.parameters(name) for name in parameters.own_cases()}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"day": "2025-04-05"}, r"day 2025-04-05 is no trading day; the nearest are 2025-04-04 and 2025-04-07"),
        ({"day": "2031-01-02"}, r"day 2031-01-02 is outside of the trading days known: 2023-01-04 to 2025-06-30"),
        ({"day": "2022-01-03"}, "day 2022-01-03 is outside"),
        ({"window": "0-10"}, "window takes two whole numbers of trading days, such as 0,10, not '0-10'"),
        ({"window": "10,0"}, "window 10,0 ends before it begins"),
        ({"window": "0,90"}, r"window 0,90 leaves the trading days known, which are -564 to 59 from 2025-04-03"),
        ({"estimation": "-900,-10"}, "estimation -900,-10 leaves the trading days known"),
        ({"estimation": "-259,-1", "window": "-2,2"}, "overlaps the event: it has to end by -3"),
        ({"estimation": "-60,-10"}, "estimation -60,-10 has 51 days; at least 100 are needed"),
        ({"groups": "semis"}, "groups: no group 'semis'; did you mean semiconductors?"),
        ({"groups": "software,software"}, "groups: 'software' is asked for twice"),
        ({"groups": ""}, "groups: no group ''"),
        ({"benchmark": "SPYY"}, "benchmark 'SPYY' is no security with returns; did you mean SPY?"),
        ({"benchmark": "NVDA"}, "benchmark 'NVDA' is a member of semiconductors"),
        ({"event": "x" * 61}, "event takes words for a title, 1 to 60 signs"),
        ({"groups_file": "../claims.csv"}, "groups_file: '../claims.csv' is no CSV file in data/own"),
    ],
)
def test_a_wish_that_the_data_cannot_serve_is_refused_in_a_line(settings, said):
    with pytest.raises(parameters.ParameterError) as error:
        own.check("own_event", GOOD["own_event"] | settings)
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"measure": "Eurostat"}, "measure: no 'Eurostat' known on that day; did you mean 'Eurostat isoc_eb_ai"),
        ({"measure": "zzz"}, "measure: no 'zzz' known on that day; adoption_figures lists them"),
        ({"entity": "Germany"}, "entity: no 'Germany' in"),
        ({"since": "2026-01-01"}, "since 2026-01-01: no period begins then or later; they begin 2020-01-01 to"),
        ({"who": ""}, "who takes words for a title"),
        (
            {"measure": "McKinsey survey: organisations using AI in at least 1 function", "entity": "World"},
            "the periods 2024-01-01 to 2024-06-30 and 2024-01-01 to 2024-12-31 overlap",
        ),
    ],
)
def test_a_survey_that_is_not_there_or_no_series_is_refused_in_a_line(settings, said):
    with pytest.raises(parameters.ParameterError, match=re.escape(said)):
        own.check("own_survey", GOOD["own_survey"] | settings)


def test_a_group_with_no_member_priced_at_the_time_is_refused_and_a_single_one_left_out_by_name():
    daily = returns.daily_returns(data.load("return_indices", "2025-06-30"))
    times = own.timing(daily, "2024-04-03", "0,0", "-259,-10")
    table = pd.DataFrame({"group": "late", "security": ["GEV", "IBM"], "weight": 0.5})
    weights, left = own.chosen(daily, times, table, "SPY")
    assert weights["late"].to_dict() == {"IBM": 1.0} and len(left) == 1 and left[0].startswith("GEV of late")
    with pytest.raises(parameters.ParameterError, match=r"no member of late \(GEV\) has 100 returns"):
        own.chosen(daily, times, table.iloc[:1], "SPY")


# groups of one's own


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """Read a file of groups."""
    monkeypatch.setenv(paths.OWN_VARIABLE, "1")
    monkeypatch.setattr(paths, "DATA", tmp_path)
    (tmp_path / "own").mkdir()

    def read(content):
        (tmp_path / "own" / "groups.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return data.own_groups()

    return read


def test_weights_are_shares_of_their_group_of_any_scale(groups):
    table = groups("group,security,weight\na,AAPL,3\na,DELL,1\nb,IBM,0.2\n")
    assert table.weight.tolist() == [0.75, 0.25, 1.0]
    assert groups("group,security\na,AAPL\na,DELL\n").weight.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("group,security\nmine,APPL\n", "line 2, column security: 'APPL' is not held; did you mean AAPL?"),
        ("group,security\nmine,AAPL\nmine,AAPL\n", "line 3, column group, security: 'mine, AAPL' stands already on"),
        ("group,security\nsoftware,AAPL\n", "line 2, column group: 'software' is a group of the collection"),
        ("group,security\nMy Firms,AAPL\n", "line 2, column group: 'My Firms' is no name of up to 24 small letters"),
        ("group,security\nmine,\n", "line 2, column security: '' is empty, but the column is required"),
        ("group,security,weight\nmine,AAPL,0\n", "line 2, column weight: '0' is not above 0"),
        ("group,security,weight\nmine,AAPL,-1\n", "line 2, column weight: '-1' is below the minimum 0"),
        ("group,security,weight\nmine,AAPL,5%\n", "line 2, column weight: '5%' is not of type number"),
        ("group,security,weight\nmine,AAPL\n", "line 2: 2 cells, but the header has 3"),
        ("security,group\nAAPL,mine\n", "line 1, columns: in another order than group, security"),
        ("group,security\n", "has a header but no rows"),
        ("", "is empty"),
        (b"\xef\xbb\xbfgroup,security\nmine,AAPL\n", "starts with a byte order mark; save it as plain UTF-8"),
        ("group,security\nmine,AAPL\n".encode("utf-16"), "is UTF-16"),
        (b"group,security\nm\xe9,AAPL\n", "is not UTF-8 on line 2"),
        ("<html></html>", "is an HTML or XML page, not a table"),
    ],
)
def test_a_fault_in_the_file_of_groups_is_told_with_its_place(content, said, groups):
    with pytest.raises(data.DataError) as error:
        groups(content)
    assert str(error.value).startswith("data/own/groups.csv") and said in str(error.value)


def test_groups_of_ones_own_are_left_out_where_own_data_are(groups, monkeypatch):
    assert len(groups("group,security\nmine,AAPL\n")) == 1
    monkeypatch.setenv(paths.OWN_VARIABLE, "0")
    assert data.own_groups().empty


def test_a_run_follows_from_the_file_of_groups_where_its_notebook_may_read_it(tmp_path, monkeypatch):
    def known():
        return [cache.parts(name, {}) for name in ("own_event", "01_returns")]

    monkeypatch.setenv(paths.OWN_VARIABLE, "1")
    shutil.copytree(paths.DATA, tmp_path / "data", ignore=shutil.ignore_patterns("own", "processed"))
    monkeypatch.setattr(paths, "DATA", tmp_path / "data")
    (tmp_path / "data" / "own").mkdir()
    before = known()
    (tmp_path / "data" / "own" / "groups.csv").write_text("group,security\nmine,AAPL\n", encoding="utf-8")
    after = known()
    assert [cache.changes(old, new) == [] for old, new in zip(before, after, strict=True)] == [False, True]


# arithmetic


def test_the_weights_of_a_group_count_in_its_mean_and_alike_is_the_plain_mean():
    random = np.random.default_rng(7)
    days = pd.bdate_range("2023-01-02", periods=300)
    daily = pd.DataFrame(random.normal(0, 0.01, (300, 7)), days, ["SPY", "RSP", "ACWI", "XLK", "A", "B", "C"])
    times = events.timing(days, f"{days[290]:%Y-%m-%d}", "0,2", "-259,-10")
    weights = pd.Series({"A": 0.5, "B": 0.3, "C": 0.2})
    table = own.abnormal_table(events.with_groups(daily, {"g": weights}), {"g": weights}, times, "SPY")
    model = events.normal_returns(daily, ["A", "B", "C"], times.end, times.days)
    expected = [100 * float(model.abnormal.iloc[place].sum() @ weights) for place in (slice(290, 291), slice(290, 293))]
    assert table.value.tolist() == pytest.approx(expected, abs=1e-12)
    # a portfolio that keeps its weights has the same abnormal return by its own history
    grouped = events.with_groups(daily, {"g": weights})
    found = events.group_specifications(grouped, "g", weights, times, (times.day, times.day), "SPY")
    headline, alone = (found["market model", "SPY", "250 days", kind] for kind in ("as given", "own history"))
    assert alone.value == pytest.approx(headline.value, abs=1e-12) and alone.high != headline.high
    assert next(iter(found.values())) == table.found[0]


def test_a_survey_in_any_shape_has_the_trend_and_forecast_of_the_census_survey():
    rows = adoption.series(data.load("btos_national", "2025-02-14"), "old")
    table = pd.DataFrame(
        {
            "measure": "BTOS",
            "entity": "US",
            "period_start": rows.reference_start,
            "period_end": rows.reference_end,
            "value": rows.use_rate,
            "unit": "percent of firms",
            "standard_error": rows.use_se,
        }
    )
    again = adoption.survey(table.iloc[::-1])
    found, expected = adoption.trend(again), adoption.trend(rows)
    assert (found.value, found.low, found.high) == (expected.value, expected.low, expected.high)
    columns = ["forecast", "low", "high"]
    pd.testing.assert_frame_equal(own.fan(again)[columns], adoption.fan(rows, rows.cycle.iloc[-1])[columns])
    rate, newest = adoption.survey_rate(again), adoption.newest_rate(rows)
    assert (rate.low, rate.value, rate.high) == (newest.low, newest.value, newest.high)


def test_the_error_of_a_change_covers_what_sampling_does_to_it():
    days = pd.to_datetime(["2023-01-01", "2025-01-01"])
    rows = pd.DataFrame({"cycle": ["a", "b"], "middle": days, "use_rate": [10.0, 20.0], "use_se": [0.5, 0.8]})
    found = adoption.survey_change(rows)
    drawn = np.random.default_rng(3).normal([10, 20], [0.5, 0.8], (200_000, 2))
    changes = np.diff(adoption.logit(drawn), axis=1)[:, 0] / (731 / 365.25)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * changes.std(), rel=0.01)
    assert adoption.survey_change(rows.assign(use_se=[0.5, np.nan])).is_exact


@pytest.mark.parametrize(("periods", "label"), [(2, "the last step alone"), (12, "last twelve periods")])
def test_an_alternative_that_is_the_headline_itself_is_not_shown(periods, label):
    labels = [
        {name for part in own.survey_alternatives(survey_of(count)).values() for name in part}
        for count in (periods, periods + 1)
    ]
    assert labels[1] - labels[0] == {label}
    rows = survey_of(periods)
    headlines = {"change": adoption.survey_change(rows), "trend": adoption.trend(rows)}
    for name, part in own.survey_alternatives(rows).items():
        same = [one for one in part.values() if one == headlines[name]]
        assert not [one for one in same if isinstance(one, Estimate)]


def survey_of(count):
    """A monthly survey whose log odds waver about a line."""
    starts = pd.date_range("2022-01-01", periods=count, freq="MS")
    rates = 100 / (1 + np.exp(3 - 0.03 * np.arange(count) - np.random.default_rng(1).normal(0, 0.02, count)))
    columns = {"measure": "m", "entity": "e", "unit": "percent", "standard_error": np.nan, "value": rates}
    return adoption.survey(
        pd.DataFrame({"period_start": starts, "period_end": starts + pd.offsets.MonthEnd(), **columns})
    )


@pytest.mark.parametrize("settings", [{}, {"since": "2023-01-01"}])
def test_a_survey_is_computed_again_from_the_periods_that_each_number_lists(settings, monkeypatch):
    trace = Trace("own_survey", "2026-07-31", **settings).run(monkeypatch)
    answered = {name: one for name, one in trace.recorded.items() if isinstance(one, Estimate)}
    assert set(answered) == {"survey-rate", "survey-change"}
    assert {name: trace.again(name) for name in answered} == answered
    listed = {name: len(rows_of(one).positions()["adoption_figures"]) for name, one in answered.items()}
    assert listed == {"survey-rate": 1, "survey-change": 2}


def test_a_monthly_survey_is_forecast_in_months_and_uneven_steps_are_refused():
    starts = pd.date_range("2022-01-01", periods=40, freq="MS")
    ends = starts + pd.offsets.MonthEnd()
    rate = 100 / (1 + np.exp(3 - 0.03 * np.arange(40) - np.random.default_rng(1).normal(0, 0.02, 40)))
    told = {"measure": "m", "entity": "e", "unit": "percent", "standard_error": np.nan}
    rows = adoption.survey(pd.DataFrame({"period_start": starts, "period_end": ends, "value": rate, **told}))
    fan = own.fan(rows)
    assert list(fan.horizon) == [1, 2, 3, 4, 5, 6]
    assert fan.forecast.iloc[-1] == pytest.approx(100 / (1 + np.exp(3 - 0.03 * 45)), rel=0.03)
    assert own.fan(rows.drop(index=20)).reason == "periods stand at uneven steps"
