import json
import re
import shutil
import subprocess

import nbformat
import pandas as pd
import pytest

from helpers import data, gate, new, parameters, paths, results

PAGE = (paths.ROOT / "docs" / "extend.md").read_text(encoding="utf-8")
NOTE, CLAIM = data.REPLICATION, "sizes-mean-change"
# all that the worked extension reads, so that the data are checked in a moment
TABLES = ["btos_sizes", "btos_national"]
# stands for the notebook whose figure leads the README
LEAF = """
import pandas as pd
from helpers import charts
from helpers.notebook import Notebook
notebook = Notebook("01_returns", as_of)
figure, _ = charts.canvas("All fell", "In percent", 2)
drawing = charts.Drawing(figure, "All fell", "Down by 4 percent.", pd.DataFrame({"percent": [-4]}))
notebook.figure("returns-before-after", drawing, "nobody")
"""


def blocks(language):
    """Code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


def wished(line):
    """Arguments of the command behind a line of `make new`, as the Makefile passes them on."""
    import shlex

    _, _, *parts = shlex.split(line)
    given = dict(part.split("=", 1) for part in parts)
    name = given.pop("NAME")
    return [*(f"--{key.lower()}={value}" for key, value in given.items()), "--", name]


def edit(root, block):
    """Change files as a block says: what stands after a minus is replaced by what stands after a plus."""
    for part in re.split(r"^--- ", block, flags=re.MULTILINE)[1:]:
        name, _, lines = part.partition("\n")
        file = root / name
        for old, more in re.findall(r"^-(.*)\n((?:\+.*\n)+)", lines, flags=re.MULTILINE):
            fresh = "\n".join(line[1:] for line in more.splitlines())
            if file.suffix != ".ipynb":
                text = file.read_text(encoding="utf-8")
                assert text.count(old) == 1, (name, old)
                file.write_text(text.replace(old, fresh), encoding="utf-8")
                continue
            notebook = nbformat.read(file, as_version=4)
            (cell,) = [cell for cell in notebook.cells if old in cell.source]
            assert cell.source.count(old) == 1
            cell.source = cell.source.replace(old, fresh)
            nbformat.write(notebook, file)


def few_tables(folder, tables=TABLES):
    """Lay out the data of some tables alone, and the note's claims."""
    (folder / "raw").mkdir(parents=True)
    for name in ("claims", "parameters"):
        shutil.copy(paths.DATA / f"{name}.csv", folder)
    for name in ("sources", "columns"):
        rows = pd.read_csv(paths.DATA / f"{name}.csv", dtype=str, keep_default_na=False)
        rows[rows.table.isin(tables)].to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for table in tables:
        shutil.copy(paths.RAW / f"{table}.csv", folder / "raw")


def own_files(copy):
    """Content of what is the project's own, and not built from it."""
    return {
        name: content
        for name, content in copy.files(".").items()
        if not name.startswith(("report/", "data/processed/", ".ruff_cache/")) and "__pycache__" not in name
    }


@pytest.fixture(scope="module")
def copy(copied, tmp_path_factory):
    """The project with two tables, a notebook that leads and that of the verdicts."""
    copy = copied(tmp_path_factory.mktemp("new") / "a {copy}", shutil.copy)
    shutil.rmtree(copy.root / "data")
    few_tables(copy.root / "data")
    for name in ("README.md", "pyproject.toml", "docs/methods.md", "notebooks/99_verdicts.ipynb"):
        (copy.root / name).parent.mkdir(exist_ok=True)
        shutil.copy(paths.ROOT / name, copy.root / name)
    (copy.root / "tests").mkdir()
    # whoever has done the worked extension has these already
    for name in ("sizes", "capex"):
        (copy.root / "src" / "helpers" / f"{name}.py").unlink(missing_ok=True)
    copy.write("01_returns", LEAF, settings=f"as_of = '{NOTE}'")
    return copy


@pytest.fixture(scope="module")
def worked(copy):
    """The worked extension, done as its page says; gives the copy, what was said, and its files before and after."""
    before = own_files(copy)
    (line,) = [line for block in blocks("") for line in block.splitlines() if line.startswith("make new NAME=08")]
    said = {"new": copy.run(*wished(line), kernels=None, command=("-m", "helpers.new"))}
    assert said["new"][0] == 0, said["new"][1]
    laid = own_files(copy)
    for block in blocks("diff"):
        edit(copy.root, block)
    said["refresh"] = copy.run("refresh-outputs")
    (line,) = [line for block in blocks("") for line in block.splitlines() if " -m pytest tests/test_sizes.py" in line]
    words = ["-q", "-p", "no:cacheprovider", "--import-mode=importlib", *line.split()[3:]]
    said["test"] = copy.run(*words, kernels=None, command=("-m", "pytest"), folder=copy.root)
    return copy, said, before, laid


def test_each_command_of_the_worked_extension_does_its_part(worked):
    _, said, _, _ = worked
    assert {name: code for name, (code, _) in said.items()} == {"new": 0, "refresh": 0, "test": 0}, said
    assert re.search(r"\b11 passed", said["test"][1])
    assert "To take it back: git clean -f -- notebooks/08_sizes.ipynb" in said["new"][1]


def test_the_extension_passes_the_gate_and_says_what_its_page_made_of_it(worked, monkeypatch):
    file = worked[0].root / "notebooks" / "08_sizes.ipynb"
    monkeypatch.setattr(paths, "DATA", worked[0].root / "data")
    assert gate.findings(file) == []
    notebook = nbformat.read(file, as_version=4)
    shown = [out.metadata.exhibit for cell in notebook.cells for out in cell.get("outputs", []) if "metadata" in out]
    titles = [each["title"] for each in shown if each["kind"] == "figure"]
    assert titles[0].startswith("Use of AI rose for 7 of 7; mean change ")
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    (table,) = [out.data["text/html"] for out in outputs if "text/html" in out.get("data", {})]
    assert "fewer than 100 employees" in table


def test_the_verdict_of_the_extension_is_recorded_in_both_editions_beside_the_notes_and_not_among_them(worked):
    root = worked[0].root
    recorded = pd.read_csv(root / "tests" / "recorded.csv").query("id == @CLAIM")
    rows = pd.read_csv(root / "data" / "raw" / "btos_sizes.csv")
    ends = [rows[rows.published <= day].groupby("size_class").use_rate.last() for day in ("2023-09-28", NOTE)]
    assert len(recorded) == 2 and set(recorded.verdict) == {"holds"}
    assert list(recorded.value) == pytest.approx([(ends[1] - ends[0]).mean()] * 2, rel=1e-9)
    page = (root / "README.md").read_text(encoding="utf-8")
    assert "Of the note's 35 claims, 0 could be judged" in page
    assert "Claims that are not the note's, added since and not counted above: 1, of which 1 could be judged." in page
    assert re.search(r"\| Firms use AI more, whatever their size \| .* percentage points \| holds", page)


def test_the_extension_adds_what_it_says_and_leaves_all_else_as_it_was(worked):
    _, _, before, laid = worked
    fresh = {"notebooks/08_sizes.ipynb", "src/helpers/sizes.py", "tests/test_sizes.py", "data/added_claims.csv"}
    # a project that was never refreshed has neither
    assert laid.keys() - before.keys() == {*fresh, "tests/recorded.csv", "docs/returns-before-after.png"}
    stored = {"notebooks/01_returns.ipynb", "notebooks/99_verdicts.ipynb"}
    ledgers = {"README.md", "docs/methods.md", "data/parameters.csv"}
    assert {name for name in before if before[name] != laid.get(name)} == {*ledgers, *stored}
    assert laid["docs/methods.md"].startswith(before["docs/methods.md"])


def test_a_run_that_fails_leaves_all_as_it_was(worked):
    copy, _, _, _ = worked
    leaf = copy.root / "notebooks" / "01_returns.ipynb"
    good = leaf.read_bytes()
    leaf.write_bytes(b"{}")
    before = own_files(copy)
    code, said = copy.run("--", "09_capex", kernels=None, command=("-m", "helpers.new"))
    assert own_files(copy) == before
    leaf.write_bytes(good)
    assert code == 1 and "error: the collection did not run with 09_capex in it; everything is as it was" in said


# what comes after it: the commands that judge a whole collection


KEPT = ["01_returns", "99_verdicts"]


@pytest.fixture(scope="module")
def collection(copied, tmp_path_factory):
    """The project as git holds it, but with two notebooks and their claims alone, to which one was added."""
    copy = copied(tmp_path_factory.mktemp("whole") / "a {copy}", shutil.copy)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of files to copy")
    for name in filter(None, listed.stdout.decode().split("\0")):
        file = paths.ROOT / name
        if file.is_file() and (file.suffix != ".ipynb" or file.stem in [*KEPT, "explore"]):
            (copy.root / name).parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            if file.suffix == ".md":
                # a link has to lead somewhere
                content = re.sub(rb"notebooks/(?!01_|99_|explore)\w+\.ipynb", b"notebooks/01_returns.ipynb", content)
            (copy.root / name).write_bytes(content)
    for name in ("data/claims.csv", "data/parameters.csv", "tests/recorded.csv"):
        if (copy.root / name).is_file():
            rows = pd.read_csv(copy.root / name, dtype=str, keep_default_na=False)
            rows[rows.notebook.isin(KEPT)].to_csv(copy.root / name, index=False, lineterminator="\n")
    copy.git("init", "--quiet", "--initial-branch=main")
    copy.commit("Two notebooks")
    code, said = copy.run("--", "08_capex", kernels=None, command=("-m", "helpers.new"))
    assert code == 0, said
    copy.git("add", "--all")
    return copy


def test_check_and_fix_have_nothing_to_say_of_a_notebook_that_was_just_added(collection):
    before = own_files(collection)
    for command in ("check", "fix"):
        code, said = collection.run(command)
        assert (code, said.splitlines()[-1]) == (0, "All is in order. `make test` is the full proof."), said
    assert own_files(collection) == before


def test_a_report_with_a_notebook_that_was_just_added_is_published(collection):
    code, said = collection.run("report")
    assert code == 0 and "error" not in said and "moved" not in said, said
    for day in (NOTE, data.latest()):
        assert (collection.report / day / "08_capex" / "index.html").is_file()
        assert "capex-mean-change" in (collection.report / day / "verdicts.csv").read_text(encoding="utf-8")


def test_the_tests_pass_with_a_notebook_that_was_just_added(collection):
    tests = [f"tests/test_{name}.py" for name in ("capex", "house", "gate", "data_contract", "notebooks")]
    # of notebooks that are not here, of the collection as of other days, and what executes a notebook of its own
    left_out = ["answers_a_question", "notebook_of_the_plan", "stored_parameters", "nbval_or_by"]
    left_out += ["later_edition", "early_days", "has_a_page"]
    words = ["-v", "-p", "no:cacheprovider", "-k", f"capex or not ({' or '.join(left_out)})", *tests]
    run = {"kernels": None, "command": ("-m", "pytest"), "folder": collection.root}
    code, said = collection.run(*words, "notebooks/08_capex.ipynb", **run)
    assert code == 0, said
    # it is among those that are judged: by its own tests, by nbval, as a topic, by the gate
    judged = ["tests/test_capex.py::", "08_capex::ipynb::Cell 0", "that_does[capex]", "the_gate[08_capex-shown]"]
    assert [name for name in judged if name not in said] == [], said


# without a run


NOTEBOOKS = ["00_data", "01_returns", "06_token_prices", "99_verdicts"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of a few notebooks, tables, modules and tests, in which nothing is executed."""
    few_tables(tmp_path / "data", [*TABLES, "models", "securities", "price_checks"])
    for name in ("src/helpers/charts", "tests", "docs", "notebooks"):
        (tmp_path / name).mkdir(parents=True)
    for name in [f"notebooks/{name}.ipynb" for name in NOTEBOOKS] + ["src/helpers/returns.py", "tests/test_house.py"]:
        (tmp_path / name).touch()
    for name in ("README.md", "docs/methods.md", "pyproject.toml"):
        shutil.copy(paths.ROOT / name, tmp_path / name)
    places = {"ROOT": "", "DATA": "data", "RAW": "data/raw", "PROCESSED": "data/processed", "NOTEBOOKS": "notebooks"}
    for name, place in places.items():
        monkeypatch.setattr(paths, name, tmp_path / place)
    return tmp_path


def held(folder):
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file() and "processed" not in file.parts}


def test_example_rows_keep_every_rule_of_the_ledgers_and_say_that_they_are_no_data(project):
    before = held(project)
    laid = new.Laid(new.files(new.Wish("02_capex")), [])
    laid.lay()
    table = data.check()["capex"]
    assert set(table.entity.str.split().str[0]) == {"Example"}
    source = data.sources().loc["capex"]
    assert "not data" in source.title and source.producer == "Replace: producer" and source.kind == "record"
    assert results.claims().loc["capex-mean-change", ["added", "low", "notebook"]].tolist() == [True, 0, "02_capex"]
    # the values of its notebook are declared
    assert parameters.differences("02_capex", parameters.parameters("02_capex")) == {}
    assert list(data.declared_parameters()["02_capex"]) == ["as_of", "start", "later_start", "end"]
    laid.take_back()
    assert held(project) == before


REFUSED = {
    "": "NAME is missing: make new NAME=02_capex",
    "capex": "NAME=capex is not a number and small letters: try 02_capex",
    "8_Capex": "try 02_capex",
    "08_capex2": "try 02_capex",
    "08_../x": "try 02_x",
    "01_capex": "01 is the number of 01_returns for life; 02 is free: NAME=02_capex",
    "00_capex": "00 is kept for the data; 02 is free: NAME=02_capex",
    "99_capex": "99 is kept for the verdicts; 02 is free: NAME=02_capex",
    "08_returns": "src/helpers has a module returns already",
    "08_charts": "src/helpers has a module charts already",
    "08_house": "tests/test_house.py exists already",
    "08_token_prices": "a notebook is called token_prices already",
    "08_models": "models is a table already: TABLE=models asks it",
    "08_class": "class means something in the notebook's code already",
    "08_found": "found means something in the notebook's code already",
}


@pytest.mark.parametrize(("name", "words"), REFUSED.items())
def test_a_name_that_cannot_be_is_refused_with_the_nearest_remedy(name, words, project, capsys):
    assert new.main(["--", name]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--title=Did it rise", "TITLE is a question of up to 80 letters"),
        ("--title=did it rise?", "from capital to “?”"),
        (f"--title=Did {'it ' * 30}rise?", "up to 80 letters"),
        ("--title=Did | rise?", "TITLE is plain words"),
        ("--claim=a\nb", "CLAIM is plain words"),
        ("--table=btos_size", "no table 'btos_size'; did you mean btos_sizes?"),
        ("--table=securities", "securities has no two entities with values on two days known by 2025-02-14"),
        ("--low=two", "LOW and HIGH are numbers, -inf or inf, not 'two'"),
        ("--low=nan", "is no range that a number could miss"),
        ("--low=-inf", "LOW=-inf to HIGH=inf is no range that a number could miss"),
        ("--high=-1", "LOW=0 to HIGH=-1 is no range that a number could miss"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_and_nothing_is_written(option, words, project, capsys):
    before = held(project)
    assert new.main([option, "--", "08_capex"]) == 2
    assert words in capsys.readouterr().err and held(project) == before


def test_columns_are_chosen_so_that_an_entity_is_one_series_and_two_are_there_on_the_first_day(project):
    told = new.chosen("btos_sizes")
    assert (told.entity, told.day, told.value, told.unit) == ("size_class", "published", "use_rate", "percent of firms")
    told = new.chosen("price_checks")
    rows = data.load("price_checks", NOTE)
    for column, kept in told.filters.items():
        rows = rows[rows[column] == kept]
    assert told.filters and not rows.duplicated([told.entity, told.day]).any()
    assert rows[rows[told.day] <= told.start][told.entity].nunique() > 1


def test_drafts_that_cannot_all_be_moved_leave_what_was_there(tmp_path):
    kept, fresh = tmp_path / "kept", tmp_path / "fresh"
    kept.write_bytes(b"old")
    laid = new.Laid({kept: b"new", fresh: b"new", tmp_path / "no folder" / "file": b"new"}, [])
    with pytest.raises(FileNotFoundError):
        laid.lay()
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"kept": b"old"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_changes_that_are_not_committed_are_named(count, project, monkeypatch, capsys):
    monkeypatch.setattr(new, "_changes_of_yours", lambda: count)
    monkeypatch.setattr(new, "add", lambda wish: [f"added {wish.name}"])
    assert new.main(["--", "08_capex"]) == 0
    told = capsys.readouterr()
    assert told.out == "added 08_capex\n"
    assert ("not committed" in told.err) == (count > 0) and (f"{count} changed file" in told.err) == (count > 0)


def test_json_of_a_text_is_how_it_stands_in_the_code():
    assert new._site().from_string("{{ 'a \"b\"' | literal }}").render() == json.dumps('a "b"')
