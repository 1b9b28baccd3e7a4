import json
import signal
import time

import pandas as pd
import pytest

from helpers import parameters, results, sweep

CLAIM = "semiconductors-fell-after"
SETTINGS = "as_of = '2025-02-14'\nscale = 1.0\ndraws = 10"
GATHER = """
from helpers.notebook import Notebook
notebook = Notebook("99_verdicts", as_of)
notebook.gather()
"""
LEAF = f"""
from helpers import inference
from helpers.notebook import Notebook
from helpers.rows import rows_of
notebook = Notebook("01_leaf", as_of)
entered = rows_of(notebook.load("security_groups"))
found = inference.exact(-3.0 * scale, "percent", draws, "test", entered)
other = inference.exact(2.0 * scale, "percent", draws, "test", entered)
notebook.record("{CLAIM}", found, {{"other": other}})
assert scale < 9, "too much"
"""
GRID = "title: Small\nnotebooks: [01_leaf]\nclaims: []\nparameters:\n"


def grid(copy, text, name="small"):
    (copy.root / "sweeps" / f"{name}.yml").write_text(text, encoding="utf-8")
    return f"sweeps/{name}.yml"


def gathered(copy, name="small"):
    return pd.read_csv(copy.report / "sweeps" / name / "runs.csv")


def test_a_sweep_gathers_every_run_into_one_table_and_one_picture_and_is_not_run_twice(copy):
    copy.write("01_leaf", LEAF, settings=SETTINGS)
    file = grid(copy, f"{GRID}  scale: [1, 2.5]\n  draws: [10, 20]\n")
    code, said = copy.run("sweep", file)
    assert (code, said.splitlines()[-1]) == (0, "4 of 4 runs are gathered in report/sweeps/small")
    table = gathered(copy)
    assert table[["scale", "draws", "value", "n"]].to_numpy().tolist() == [
        [1.0, 10, -3.0, 10],
        [1.0, 20, -3.0, 20],
        [2.5, 10, -7.5, 10],
        [2.5, 20, -7.5, 20],
    ]
    assert set(table.claim) == {CLAIM} and set(table.verdict) == {"holds"} and set(table.robust) == {"no"}
    assert {"sweep.png", "sweep.svg", "sweep.csv"} < set(copy.files("report/sweeps/small"))
    told = json.loads((copy.report / "sweeps" / "small" / "sweep.json").read_text())
    assert told["runs"] == 4 and told["title"].startswith("3 of 3 alternatives agree") and "−7.5" in told["alt"]
    first, runs = copy.files("report/sweeps/small"), kept(copy)
    assert copy.run("sweep", file)[0] == 0
    assert copy.files("report/sweeps/small") == first and kept(copy) == runs


def test_a_sweep_sets_parameters_on_purpose_and_compares_with_the_declared_ones_whatever_is_stored(copy):
    copy.write("01_leaf", LEAF, settings=SETTINGS)
    copy.edit("notebooks/01_leaf.ipynb", "scale = 1.0", "scale = 2.5")
    code, said = copy.run("sweep", grid(copy, f"{GRID}  scale: [1, 2.5]\n"))
    assert (code, said.splitlines()[-1]) == (0, "2 of 2 runs are gathered in report/sweeps/small")
    told = json.loads((copy.report / "sweeps" / "small" / "sweep.json").read_text())
    points = pd.read_csv(copy.report / "sweeps" / "small" / "sweep.csv")
    assert told["title"].startswith("1 of 1 alternatives agree") and "−7.5" in told["alt"] and len(points) == 2
    # another parameter is stored, so that no run is at the declared ones
    copy.edit("notebooks/01_leaf.ipynb", "draws = 10", "draws = 20")
    assert copy.run("sweep", grid(copy, f"{GRID}  scale: [1, 2.5]\n"))[0] == 0
    assert "title" not in json.loads((copy.report / "sweeps" / "small" / "sweep.json").read_text())


def kept(copy):
    """Moment at which each kept run was made."""
    return {file.parent.name: file.stat().st_mtime_ns for file in copy.report.glob(".runs/*/run.json")}


def test_a_sweep_draws_no_picture_of_a_run_but_keeps_its_points_and_words_which_a_run_draws(copy):
    drawing = """
import pandas as pd
from helpers import charts
charts.set_style()
figure, axes = charts.canvas("Three fell", "Points.", 2)
points = pd.DataFrame({"percent": [1.0, 2.0, 3.0]})
notebook.figure("returns-points", charts.Drawing(figure, "Three fell", "They fell 1 to 3%.", points), "us")
"""
    copy.write("01_leaf", LEAF + drawing, settings=SETTINGS)
    assert copy.run("sweep", grid(copy, f"{GRID}  draws: [10]\n"))[0] == 0
    code, said = copy.run("notebook", "01_leaf", "--set", "as_of=2025-02-14 draws=10")
    assert code == 0, said
    (swept,) = (file.parent for file in copy.report.glob(".runs/*/run.json") if not list(file.parent.glob("*.png")))
    drawn = copy.report / "drafts" / "2025-02-14" / "01_leaf"
    names = {file.name for file in drawn.iterdir()} - {file.name for file in swept.iterdir()}
    assert {"returns-points.png", "returns-points.svg"} <= names
    for name in ("returns-points.csv", "results.json"):
        assert (swept / name).read_bytes() == (drawn / name).read_bytes()
    told = [json.loads((folder / "notebook.ipynb").read_text())["cells"][-1] for folder in (swept, drawn)]
    words = [cell["outputs"][-1]["data"] for cell in told]
    assert words[0]["text/plain"] == words[1]["text/plain"] and set(words[1]) - set(words[0]) == {"image/png"}


def test_a_sweep_over_days_draws_verdicts_by_date_and_names_the_runs_that_failed(copy):
    copy.write("01_leaf", LEAF, settings=SETTINGS)
    file = grid(copy, f"{GRID}  as_of: [2025-02-14, 2025-06-30]\n")
    assert copy.run("sweep", file)[0] == 0
    told = json.loads((copy.report / "sweeps" / "small" / "sweep.json").read_text())
    assert told["title"] == "0 of 1 claims judged change their verdict between 2025-02-14 and 2025-06-30"
    file = grid(copy, f"{GRID}  scale: [1, 10]\n")
    code, said = copy.run("sweep", file)
    assert code == 1 and 'error: 01_leaf {"scale": 10.0}: cell 3: AssertionError: too much' in said
    assert said.splitlines()[-1] == "1 of 2 runs are gathered in report/sweeps/small"
    assert gathered(copy).scale.to_list() == [1.0]


def test_a_sweep_that_was_stopped_goes_on_where_it_stood(copy):
    copy.write("01_leaf", f"import time\ntime.sleep(0.2 * draws)\n{LEAF}", settings=SETTINGS)
    file = grid(copy, f"{GRID}  draws: [1, 2, 300, 301]\n")
    with copy.start("sweep", file) as process:
        deadline = time.monotonic() + 60
        while len(kept(copy)) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 143 and copy.orphans() == [] and not (copy.report / "sweeps").exists(), said
    before = kept(copy)
    copy.edit("sweeps/small.yml", "300, 301", "3")
    code, said = copy.run("sweep", file)
    assert code == 0, said
    assert before.items() <= kept(copy).items() and len(kept(copy)) == 3 == len(gathered(copy))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{GRID}  drawz: [1]\n", "did you mean draws"),
        (f"{GRID}  draws: [x]\n", "draws takes a value of type int"),
        (f"{GRID}  draws: []\n", "draws needs a list of values"),
        (f"{GRID}  draws: 5\n", "draws needs a list of values"),
        (f"{GRID}  as_of: [2031-01-01]\n", "outside of what the data know"),
        (GRID, "parameters must be a dict that is not empty"),
        (GRID.replace("01_leaf", "01_laef") + "  draws: [1]\n", "no notebook '01_laef'"),
        (GRID.replace("01_leaf", "99_verdicts") + "  as_of: [2025-02-14]\n", "gathers the results of others"),
        (GRID.replace("claims: []", "claims: [no-claim]") + "  draws: [1]\n", "no claim 'no-claim'"),
        (GRID.replace("title: Small\n", "") + "  draws: [1]\n", "must hold title, notebooks, parameters, claims"),
        ("title: [", "is not YAML"),
        ("title: " + "[" * 600, "it nests too deep"),
        (f"{GRID}  draws: [1]\n  draws: [2]\n", "gives 'draws' twice"),
        (f"{GRID}  draws: [010]\n", "draws takes a value of type int, not '010'"),
        (f"{GRID}  draws: [1:30]\n", "draws takes a value of type int, not '1:30'"),
        (f"{GRID}  scale: [.nan]\n", "scale takes a value of type float, not '.nan'"),
        (f"{GRID}  as_of: [2025-02-30]\n", "as_of: '2025-02-30' is no date of the calendar"),
        (f"{GRID}  as_of: [2025-02-14 10:00:00]\n", "as_of: '2025-02-14 10:00:00' is not a date"),
        (f"{GRID}  draws: &again [*again]\n", "is not YAML: found unconstructable recursive node"),
        (f"{GRID}  draws: [[1]]\n", "draws must be a list of plain values"),
        (f"{GRID}  1: [1]\n", "01_leaf has no parameter '1'"),
        (GRID.replace("[01_leaf]", "[[01_leaf]]") + "  draws: [1]\n", "notebooks must be a list of plain values"),
        (GRID.replace("claims: []", "claims: [{}]") + "  draws: [1]\n", "claims must be a list of plain values"),
        (f"{GRID}  draws: {list(range(101))}\n  scale: {list(range(100))}\n", "asks for 10,100 runs"),
        (f"{GRID}  draws: !!int [1]\n", "is not YAML: has the tag"),
        ("!!python/object/apply:os.system ['echo run']", "is not YAML"),
    ],
)
def test_a_wrong_grid_is_refused_in_one_line(place, main, text, words):
    (place.root / "sweeps").mkdir()
    place.write("01_leaf", settings=SETTINGS)
    place.write(
        "99_verdicts",
        GATHER,
    )
    code, said = main("sweep", grid(place, text))
    assert code == 2 and words in said and said.startswith("error: ") and said.count("\n") == 1


def test_values_of_a_grid_are_taken_as_they_are_written(place):
    (place.root / "sweeps").mkdir()
    place.write("01_leaf", settings=f"{SETTINGS}\nword = 'a'\nfast = False")
    file = grid(place, f"{GRID}  word: [no, 1e3, 2025-02-14, 0x10, ~]\n  fast: [true]\n  draws: [1_000, '7']\n")
    settings = [values for _, values in sweep.points(sweep.read(file))]
    assert [one["word"] for one in settings[::2]] == ["no", "1e3", "2025-02-14", "0x10", "~"]
    found = parameters.accepted("01_leaf", settings[0])
    assert found == {"word": "no", "fast": True, "draws": 1000} and type(found["draws"]) is int


@pytest.mark.parametrize("file", ["sweeps/none.yml", "../sweeps/small.yml", "Makefile", ""])
def test_a_grid_that_is_not_there_is_refused_with_those_that_are(place, main, file):
    (place.root / "sweeps").mkdir()
    grid(place, GRID)
    code, said = main("sweep", file)
    assert code == 2 and said == f"error: GRID: no sweep {file!r}; there are sweeps/small.yml\n"


def test_a_sweep_without_its_defaults_has_a_table_and_no_picture(place, tmp_path):
    place.write("01_leaf", settings=SETTINGS)
    small = sweep.Grid("small", "Small", ["01_leaf"], {"draws": [20]}, [])
    row = {"claim": CLAIM, "notebook": "01_leaf", "value": 1.0, "low": 0.0, "high": 2.0, "unit": "percent", "n": 5}
    row |= {"kind": "resampled"}
    sweep.write(small, pd.DataFrame([row | {"draws": 20, "key": "a"}]), tmp_path)
    assert {"runs.csv", "sweep.json"} <= {file.name for file in tmp_path.iterdir()}
    assert not (tmp_path / "sweep.png").exists()


@pytest.mark.parametrize("name", ["editions", "event-study"])
def test_the_sweeps_of_the_collection_can_be_spelled_out(name):
    read = sweep.read(f"sweeps/{name}.yml")
    points = sweep.points(read)
    assert len(points) == {"editions": 7 * 31, "event-study": 27}[name]
    assert {notebook for notebook, _ in points} <= set(results.claims().notebook)
