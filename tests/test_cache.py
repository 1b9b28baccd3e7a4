import json
import os

import pytest

from helpers import cache, freshness, parameters, paths

DAY = "2025-02-14"
ALL = {"00_data", "01_returns", "02_frontier", "03_open_source_lag", "04_adoption_regression", "05_concentration"}
ALL |= {"06_token_prices", "07_model_makers", "99_verdicts"}
CLAIMS = ("data/claims.csv", "data/added_claims.csv")
PRICED = {"02_frontier", "03_open_source_lag", "06_token_prices", "07_model_makers"}
# these look at tables by names that no reader of their code can tell, so at all
ANY = {"00_data"}


@pytest.fixture
def whole(copy, monkeypatch):
    """A copy of this whole project, as this process sees it."""
    for file in (paths.ROOT / "notebooks").glob("*.ipynb"):
        os.link(file, copy.notebooks / file.name)
    for name, folder in {
        "ROOT": "",
        "NOTEBOOKS": "notebooks",
        "DATA": "data",
        "RAW": "data/raw",
        "REPORT": "report",
    }.items():
        monkeypatch.setattr(paths, name, copy.root / folder)
    (copy.root / ".venv").mkdir()
    (copy.root / ".venv" / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
    (copy.report / DAY / "01_returns").mkdir(parents=True)
    (copy.report / DAY / "01_returns" / "results.json").write_text("[1]", encoding="utf-8")
    return copy


def keys(settings=None):
    return {name: cache.key(cache.parts(name, settings or {}, paths.REPORT / DAY)) for name in ALL}


@pytest.mark.parametrize(
    ("name", "old", "new", "touched"),
    [
        # its own cells and tags
        ("notebooks/02_frontier.ipynb", "Robustness", "Sturdiness", {"02_frontier"}),
        ("notebooks/02_frontier.ipynb", '"parameters"', '"parameters", "more"', {"02_frontier"}),
        ("notebooks/02_frontier.ipynb", '"execution_count": 1', '"execution_count": 7', set()),
        ("notebooks/02_frontier.ipynb", '"output_type": "stream",', '"output_type": "stream", "name": "x",', set()),
        # helpers: its own, one through another, everyone's, nobody's
        ("src/helpers/adoption.py", "import", "import os\nimport", {"04_adoption_regression"}),
        ("src/helpers/events.py", "import", "import os\nimport", {"01_returns"}),
        (
            "src/helpers/frontier.py",
            '"""',
            '"""New. ',
            {"02_frontier", "03_open_source_lag", "06_token_prices", "07_model_makers"},
        ),
        ("src/helpers/inference.py", '"""', '"""New. ', ALL),
        ("src/helpers/__init__.py", '"""', '"""New. ', ALL),
        ("src/helpers/kernels.py", '"""', '"""New. ', ALL),
        ("src/helpers/environment.py", '"LC_ALL": "C.UTF-8"', '"LC_ALL": "C"', ALL),
        ("src/helpers/report.py", '"""', '"""New. ', set()),
        ("src/helpers/run.py", '"""', '"""New. ', set()),
        ("src/helpers/sweep.py", '"""', '"""New. ', set()),
        ("src/helpers/templates/style.css", "{", " {", set()),
        ("sweeps/editions.yml", "title: ", "title: New ", set()),
        # pictures: of one topic, through another module, of all, none
        ("src/helpers/charts/adoption.py", '"""', '"""New. ', {"04_adoption_regression"}),
        ("src/helpers/charts/labels.py", '"""', '"""New. ', {"02_frontier"}),
        ("src/helpers/charts/house.py", '"""', '"""New. ', ALL),
        ("src/helpers/charts/sweeps.py", '"""', '"""New. ', set()),
        # data: a table, its rows of the ledgers, claims
        ("data/raw/token_volumes.csv", "\n", "\n\n", {*ANY, "06_token_prices"}),
        ("data/raw/securities.csv", "\n", "\n\n", {*ANY, "01_returns", "05_concentration"}),
        ("data/sources.csv", ",token_volumes,", ",token_volumes,New ", {*ANY, "06_token_prices"}),
        ("data/columns.csv", "\ntoken_volumes,", "\ntoken_volumes,new_", {*ANY, "06_token_prices"}),
        ("data/claims.csv", "\n", "\n\n", ALL),
        ("data/parameters.csv", "06_token_prices,draws,10000", "06_token_prices,draws,9999", {"06_token_prices"}),
        # what executes
        ("requirements.lock", "==", "==9", ALL),
        (".venv/pyvenv.cfg", "3.11.7", "3.12.0", ALL),
        # what it gathers
        (f"report/{DAY}/01_returns/results.json", "[1]", "[2]", {"99_verdicts"}),
    ],
)
def test_a_change_of_an_input_changes_the_keys_of_the_notebooks_that_read_it_and_no_other(
    whole, name, old, new, touched
):
    before = keys()
    whole.edit(name, old, new)
    after = keys()
    assert {notebook for notebook in ALL if before[notebook] != after[notebook]} == touched


def test_an_added_claim_is_an_input_of_its_own_notebook_and_of_that_which_gathers(whole):
    place = whole.root / "data" / "added_claims.csv"
    head, before = "id,notebook,claim,quantity,unit,low,high,reason_for_range\n", keys()
    for low in (0, 1):
        place.unlink(missing_ok=True)
        place.write_text(f"{head}ours,02_frontier,Ours,change,percent,{low},inf,sign\n", encoding="utf-8")
        after = keys()
        assert {name for name in ALL if before[name] != after[name]} == {"02_frontier", "99_verdicts"}
        before = after


def test_a_font_and_a_parameter_are_inputs_of_all(whole):
    before = keys()
    assert not set(before.values()) & set(keys({"seed": 1}).values())
    (whole.root / "src" / "helpers" / "fonts" / "New.ttf").write_bytes(b"new")
    assert not set(before.values()) & set(keys().values())


def test_a_run_of_another_value_has_another_key(whole):
    assert not set(keys({"seed": 1}).values()) & set(keys({"seed": 2}).values())


def test_results_of_the_verdicts_themselves_or_of_another_edition_are_no_input(whole):
    before = keys()
    for name in (f"report/{DAY}/99_verdicts", "report/2026-07-31/01_returns"):
        (whole.root / name).mkdir(parents=True)
        (whole.root / name / "results.json").write_text("[3]", encoding="utf-8")
    assert keys() == before


@pytest.mark.parametrize(
    ("code", "modules", "tables"),
    [
        ("from helpers import data\ndata.load('securities', as_of)", {"data"}, {"securities"}),
        ("from helpers import data\ndata.parse_day(as_of)", {"data"}, set()),
        ("from helpers import data\n[data.load(name, as_of) for name in names]", {"data"}, None),
        ("from helpers import data\nload = data.load\nload('securities', as_of)", {"data"}, None),
        ("from helpers.data import load\nload('securities', as_of)", {"data"}, None),
        ("from helpers import data as tables\ntables.load(name, as_of)", {"data"}, None),
        ("import helpers.data\nhelpers.data.load(name, as_of)", {"data"}, None),
        ("from helpers import charts\ncharts.coverage(table)", {"charts", "charts.ledgers"}, set()),
        ("from helpers.charts import ledgers\nledgers.coverage(table)", {"charts.ledgers"}, set()),
        ("import helpers.charts.ledgers", {"charts.ledgers", "charts.lag"}, None),
        ("from helpers import charts as drawn\ndrawn.coverage(table)", {"charts.ledgers", "charts.lag"}, set()),
    ],
)
def test_what_cannot_be_followed_counts_as_everything(code, modules, tables):
    imports, loaded, _ = cache._reads(code)
    assert modules <= imports
    assert loaded == tables if tables is None else loaded == frozenset(tables)


def test_the_tables_that_code_loads_are_named_in_order_or_not_at_all():
    assert cache.loads("data.load('b', as_of)\ndata.load('a', as_of)") == ["a", "b"]
    assert cache.loads("print(1)") == []
    assert cache.loads("data.load(name, as_of)") is None


def test_code_that_takes_a_package_as_a_whole_depends_on_all_of_it():
    held = set(cache._places("charts").values())
    for code in ("from helpers import charts\nshow(charts)", "from helpers import charts\ncharts.no_such_name()"):
        assert {f"charts.{module}" for module in held} <= cache._reads(code)[0]
    assert {"lag", "charts.lag"} <= cache._reads("import helpers\nprint(helpers)")[0]
    assert cache._reads("!ls")[0] >= {"lag", "charts.lag"} and cache._reads("!ls")[1] is None


# what notebooks read, told by Python itself
TRACE = """
import json, os, sys
from pathlib import Path
import pandas
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from helpers import parameters, paths

ROOT, place = paths.ROOT, sys.argv[1]
seen = set()

def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, os.PathLike)):
        seen.add(os.path.realpath(arguments[0]))

# what is drawn is an input of nothing, and takes long
Figure.savefig = lambda self, file, **options: Path(file).write_bytes(b"drawn")
FigureCanvasAgg.print_to_buffer = lambda self: (bytes(4), (1, 1))
read = pandas.read_parquet
# pyarrow opens files past Python
pandas.read_parquet = lambda path, *more, **options: (seen.add(os.path.realpath(path)), read(path, *more, **options))[1]
sys.addaudithook(watch)
for stem in [*parameters.notebooks(), *parameters.own_cases()]:
    notebook = paths.NOTEBOOKS / f"{stem}.ipynb"
    for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
        del sys.modules[name]
    os.environ["HELPERS_PLACE"] = place
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    names = {"display": print, "__name__": "__main__"}
    seen.clear()
    from helpers import data
    # checks all raw files, to tell that each table is what its raw file says
    data.build = lambda: False
    for cell in cells:
        exec("".join(cell["source"]), names)
        if "draws" in names:
            names["draws"] = 100
    with Path(place, "opened.txt").open("a") as told:
        print(json.dumps([notebook.stem, sorted(seen)]), file=told)
"""


def test_every_file_that_a_notebook_opens_is_part_of_its_key(whole):
    (whole.root / "trace.py").write_text(TRACE, encoding="utf-8")
    (whole.root / "edition").mkdir()
    code, said = whole.run(whole.root / "edition", kernels=None, command=[whole.root / "trace.py"])
    assert code == 0, said[-2000:]
    told = dict(json.loads(line) for line in (whole.root / "edition" / "opened.txt").read_text().splitlines())
    assert set(told) == {*parameters.notebooks(), *parameters.own_cases()}
    for notebook, opened in told.items():
        found = cache.parts(notebook, {}, whole.report / DAY)
        reads = {name.removeprefix("table ") for name in found if name.startswith("table ")}
        known = {cache._file(name.removeprefix("module ")) for name in found if name.startswith("module ")}
        for path in opened:
            if not path.startswith(f"{whole.root}/") or path.startswith(f"{whole.root}/edition"):
                continue
            name = path.removeprefix(f"{whole.root}/").replace("__pycache__/", "").replace(".cpython-311.pyc", ".py")
            folder, _, file = name.rpartition("/")
            if folder in ("data/processed", "data/raw"):
                assert file.partition(".")[0] in reads, (notebook, name)
            elif name in ("data/sources.csv", "data/columns.csv"):
                assert reads, (notebook, name)
            elif folder == "src/helpers/fonts":
                assert "module charts.house" in found, (notebook, name)
            elif name == "data/parameters.csv":
                # own cases have none that are declared
                assert "declared parameters" in found or notebook.startswith("own_"), (notebook, name)
            # an added claim is recorded by no notebook but its own
            elif name not in (*CLAIMS, "src/helpers/data.py", "src/helpers/journal.py"):
                assert whole.root / name in known, (notebook, name)


# keeping and fetching


@pytest.fixture
def kept(place):
    """A run of a leaf, kept; its parts and its folder."""
    place.write("01_leaf")
    folder = place.report / "stage" / "01_leaf"
    (folder / "more").mkdir(parents=True)
    (folder / "notebook.ipynb").write_text("executed", encoding="utf-8")
    (folder / "more" / "points.csv").write_text("1", encoding="utf-8")
    found = cache.parts("01_leaf", {"as_of": DAY})
    cache.keep(found, folder)
    return found, folder


def test_a_kept_run_comes_back_as_it_was(place, kept):
    found, folder = kept
    before = place.files("report/stage")
    (folder / "stray").write_text("of another run", encoding="utf-8")
    assert cache.fetch(cache.key(found), folder)
    assert place.files("report/stage") == before
    assert not cache.fetch("0" * 32, folder) and place.files("report/stage") == before


@pytest.mark.parametrize("harm", ["edited", "lost", "added", "no record", "torn record"])
def test_a_damaged_kept_run_is_forgotten(place, kept, harm):
    found, folder = kept
    store = place.report / ".runs" / cache.key(found)
    file = {"edited": "notebook.ipynb", "lost": "notebook.ipynb", "added": "new.csv"}.get(harm, "run.json")
    if harm != "added":
        (store / file).unlink()
    if harm in ("edited", "added"):
        (store / file).write_text("other", encoding="utf-8")
    elif harm == "torn record":
        (store / file).write_text('{"key": ', encoding="utf-8")
    before = place.files("report/stage")
    assert not cache.fetch(cache.key(found), folder)
    assert place.files("report/stage") == before
    cache.keep(found, folder)
    assert cache.fetch(cache.key(found), folder)


def test_tidying_drops_what_was_not_used_for_longest_and_what_is_half_kept(place, kept, monkeypatch):
    found, folder = kept
    store = place.report / ".runs"
    for day in ("2025-02-15", "2025-02-16"):
        cache.keep(found | {"parameters": day}, folder)
    sizes = sum(file.stat().st_size for file in (store / cache.key(found)).rglob("*") if file.is_file())
    for age, run in enumerate(sorted(store.iterdir(), key=lambda run: run.name == cache.key(found))):
        os.utime(run, (1000 + age, 1000 + age))
    (store / ".half-1").mkdir()
    monkeypatch.setattr(cache, "KEPT_BYTES", 1.5 * sizes)
    cache.tidy()
    assert [run.name for run in store.iterdir()] == [cache.key(found)]


def test_why_names_each_part_that_differs(place, kept):
    folder = kept[1]
    folder.parent.rename(place.report / DAY)
    assert cache.why("01_leaf", DAY) == [f"nothing: 01_leaf as of {DAY} is fresh"]
    assert cache.why("01_leaf", "2024-10-31") == ["01_leaf as of 2024-10-31 was never run here"]
    place.write("01_leaf", "from helpers import data\ndata.load('securities', as_of)")
    lines = cache.why("01_leaf", DAY)
    assert {"cells changed", "table securities is new", "module data is new"} <= set(lines)
    assert cache.changes({"a": 1, "b": 1}, {"b": 1}) == ["a is no longer read"]


@pytest.mark.parametrize("content", ["null", "[]", '{"key": "1", "parts": null, "files": {}}'])
def test_a_record_of_another_form_is_none(place, kept, content):
    kept[1].parent.rename(place.report / DAY)
    (place.report / DAY / "01_leaf" / cache.RECORD).write_text(content, encoding="utf-8")
    assert cache.why("01_leaf", DAY) == [f"01_leaf as of {DAY} was never run here"]


def test_a_hash_of_a_folder_is_that_of_its_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("1", encoding="utf-8")
    first = freshness.digest(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    assert freshness.digest(tmp_path) != first
