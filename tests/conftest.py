"""A small project for the tests of what executes notebooks: the real code, and notebooks of a few lines."""

import ast
import base64
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from helpers import charts, content, data, environment, freshness, lineage, paths, results, run
from helpers.charts import house

# run by the tests of storms, in a process of its own
collect_ignore = ["storm.py"]
FIRST, LAST = "2024-06-28", "2025-12-31"
HOUSE = paths.ROOT
SETTINGS = "as_of = '2025-02-14'\nword = 'none'\ndraws = 100\nlevel = 0.95\nfast = False"

# notebooks in processes of their own, by the workers and kernels of a run
EXECUTE = """
import json, sys
from pathlib import Path
from helpers import kernels
from helpers.execution import Job, execute
from helpers.runs import Workers

if __name__ == "__main__":
    kind, seconds, place, *files = sys.argv[1:]
    if kernels.kind(kind) == kernels.WARM:
        kernels.warm_up()
    with Workers(kind, 2) as workers:
        for file in map(Path, files):
            workers.submit(file.stem, execute, Job(file, "2025-02-14", Path(place), {}, int(seconds), kind))
        print(json.dumps({name: fault or error and str(error) for name, fault, error in workers.outcomes()}))
"""

# a process that holds the libraries, and becomes another's command line in a moment
SERVER = """
import json, os, resource, runpy, sys, time, traceback
from helpers import kernels

kernels.warm_up()
for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
    del sys.modules[name]
for line in sys.stdin:
    wish = json.loads(line)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(os.open(wish["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            os.closerange(3, 100)
            if wish["most_bytes"]:
                resource.setrlimit(resource.RLIMIT_FSIZE, (wish["most_bytes"],) * 2)
            os.chdir(wish["folder"])
            os.environ.update(wish["variables"])
            time.tzset()
            os.environ["PYTHONPATH"] = wish["path"]
            sys.path[:] = [wish["folder"], wish["path"]] + [place for place in sys.path[1:] if place != OWN]
            sys.argv = wish["arguments"]
            if sys.argv[0] == "-m":
                del sys.argv[0]
                runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(sys.argv[0], run_name="__main__")
            code = 0
        except SystemExit as leave:
            code = leave.code
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""

# what stands for the project at a commit: a number is the table's price times the code's factor, plus the lock's digits
TREE_RUN = """
import csv, json, os, sys
from pathlib import Path

root = Path(__file__).resolve().parents[2]
(day,) = [word.removeprefix("--as-of=") for word in sys.argv if word.startswith("--as-of=")]
price = float(next(csv.DictReader((root / "data" / "raw" / "prices.csv").open()))["price"])
factor = float((root / "src" / "factor.txt").read_text())
if [price, factor] in json.loads(os.environ.get("UNLUCKY", "[]")):
    sys.exit(f"Traceback\\nerror: 01_leaf as of {day}: {root}/notebooks is unlucky (read x/01_leaf)\\nmore")
value = price * factor + len((root / "requirements.lock").read_text())
held = {"id": "leaf", "notebook": "01_leaf", "role": "headline", "value": value, "low": value - 1.96}
held |= {"high": value + 1.96, "unit": "percent", "n": 9, "method": "mean", "kind": "closed form", "inputs": []}
folder = root / "report" / day
folder.mkdir(parents=True)
(folder / "results.json").write_text(json.dumps([held]))
row = f"leaf,01_leaf,{value},{value - 1.96},{value + 1.96},percent,{'holds' if value < 10 else 'fails'},,"
(folder / "verdicts.csv").write_text(f"claim,notebook,value,low,high,unit,verdict,robust,reason\\n{row}\\n")
print("Executed 1 of 1 notebooks")
"""

TREE_DATA = """
from pathlib import Path

import pandas as pd

folder = Path(__file__).resolve().parents[2] / "data"


def sources():
    return pd.read_csv(folder / "sources.csv", index_col="table")


def load(table, as_of):
    rows = pd.read_csv(folder / "raw" / f"{table}.csv", parse_dates=["day"])
    return rows[rows.day <= as_of]
"""

HOSTILE = """=1+1 "#panic(1) $x$ @a <b> \\\\input{c} *d* _e_ %f & 零 <script>alert(1)</script>"""


class Project:
    """Notebooks, editions and the command line of a project.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path):
        self.root, self.notebooks, self.report = root, root / "notebooks", root / "report"
        self.notebooks.mkdir(parents=True)

    def write(self, name, *sources, settings=SETTINGS):
        """Write a notebook of a parameters cell and some others; give its file."""
        cells = [nbformat.v4.new_code_cell(settings, metadata={"tags": ["parameters"]}, id="parameters")]
        cells += [nbformat.v4.new_code_cell(source, id=f"cell-{place}") for place, source in enumerate(sources)]
        file = self.notebooks / f"{name}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells), file)
        self.declare(name, settings)
        return file

    def declare(self, name, settings):
        """Declare the parameters of a notebook but those of a refused cell; drop rows of notebooks that are gone."""
        try:
            values = {each.targets[0].id: ast.literal_eval(each.value) for each in ast.parse(settings).body}
        except (SyntaxError, ValueError, AttributeError):
            values = {}
        if values.get("as_of") == data.REPLICATION:
            ledger = self.root / "data" / data.PARAMETERS
            with ledger.open(encoding="utf-8", newline="") as lines:
                head, *rows = csv.reader(lines)
            names = {file.stem for file in self.notebooks.glob("*.ipynb")} - {name}
            # in the template it is linked to those of other projects
            ledger.unlink()
            with ledger.open("w", encoding="utf-8", newline="") as lines:
                new = [[name, each, json.dumps(value)] for each, value in values.items()]
                kept = [row for row in rows if row[0] in names]
                csv.writer(lines, lineterminator="\n").writerows([head, *kept, *new])

    def edition(self, as_of, words="[]", folder=None):
        """Lay out a complete edition."""
        folder = folder or self.report / as_of
        (folder / "01_leaf").mkdir(parents=True)
        cell = nbformat.v4.new_code_cell("1", execution_count=1, id="a")
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / "01_leaf" / "notebook.ipynb")
        (folder / "01_leaf" / "results.json").write_text(words, encoding="utf-8")
        (folder / "results.json").write_text(words, encoding="utf-8")
        (folder / "verdicts.csv").write_text(",".join(results.VERDICT_COLUMNS) + "\n", encoding="utf-8")
        return folder

    def files(self, folder="report"):
        """Content of every file below a folder by its name there."""
        place = self.root / folder
        return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}

    def edit(self, name, old, new):
        """Change a file of the project, and no other file that is linked to it."""
        file = self.root / name
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.unlink()
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def git(self, *words):
        """Give what git says in the project."""
        done = subprocess.run(["git", *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, message):
        """Commit all of the project; give the commit."""
        self.git("add", "--all")
        who = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
        self.git(*who, "commit", "--quiet", "--no-gpg-sign", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def start(self, *arguments):
        """Start a command line of the project, in the folder that it lies in, as leader of a group of processes."""
        known = os.environ | environment.VARIABLES | {"PYTHONPATH": str(self.root / "src"), "PYTHONNOUSERSITE": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "helpers.run", *map(str, arguments)],
            cwd=self.root.parent,
            env=known,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments, kernels="warm", command=("-m", "helpers.run"), folder=None, most_bytes=0, variables=None):
        """Give the exit code and what was said by a command line that saves itself the import of the libraries."""
        said = self.root.parent / "said.txt"
        wish = {"folder": str(folder or self.root.parent), "path": str(self.root / "src"), "said": str(said)}
        words = [*command, *arguments, *([f"--kernels={kernels}"] if kernels else [])]
        wish |= {"arguments": [*map(str, words)], "most_bytes": most_bytes, "variables": variables or {}}
        print(json.dumps(wish), file=self.server.stdin, flush=True)
        code = int(self.server.stdout.readline())
        assert self.orphans() == []
        return code, said.read_text(encoding="utf-8")

    def execute(self, kernels, *names, seconds=60, place="runs"):
        """Execute some notebooks with a kind of kernels; give what went wrong by name, and all that was said."""
        driver = self.root / "execute.py"
        driver.write_text(EXECUTE, encoding="utf-8")
        files = [self.notebooks / f"{name}.ipynb" for name in names]
        code, said = self.run(kernels, seconds, self.root / place, *files, kernels=None, command=[driver])
        assert code == 0, said
        *words, answer = said.splitlines()
        return json.loads(answer), words

    def printed(self, name, place="runs"):
        """Text that the cells of an executed notebook printed."""
        notebook = nbformat.read(self.root / place / name / "notebook.ipynb", as_version=4)
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        return "".join(output.text for output in outputs if output.output_type == "stream")

    def orphans(self):
        """Processes that work in this project's folders and still run after three seconds."""
        deadline = time.monotonic() + 3
        while True:
            found = [file.parent.name for file in Path("/proc").glob("[0-9]*/cwd") if self._mine(file)]
            if not found or time.monotonic() > deadline:
                return found
            time.sleep(0.02)

    def _mine(self, file):
        try:
            return file.readlink().is_relative_to(self.root.parent)
        except OSError:
            return False


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty project of this process, with data that reach from FIRST to LAST."""
    place = Project(tmp_path / "a {project}")
    (place.root / "src").symlink_to(HOUSE / "src")
    (place.root / "data").mkdir()
    for name in ("claims.csv", "sources.csv", "columns.csv", data.PARAMETERS):
        head, _, _ = (HOUSE / "data" / name).read_text(encoding="utf-8").partition("\n")
        (place.root / "data" / name).write_text(head + "\n", encoding="utf-8")
    for name in ("requirements.lock", "references.bib"):
        (place.root / name).write_text("", encoding="utf-8")
    places = {"ROOT": "", "NOTEBOOKS": "notebooks", "DATA": "data", "RAW": "data/raw", "REPORT": "report"}
    for name, folder in (places | {"DRAFTS": "report/drafts"}).items():
        monkeypatch.setattr(paths, name, place.root / folder)
    monkeypatch.setattr(data, "build", lambda: False)
    monkeypatch.setattr(data, "span", lambda: (FIRST, LAST))
    monkeypatch.setattr(data, "latest", lambda: LAST)
    monkeypatch.delenv(paths.PLACE_VARIABLE, raising=False)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield place
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def repository(place, monkeypatch):
    """A git repository of one commit, whose numbers follow from a table, a factor and a lock by simple arithmetic."""
    (place.root / "src").unlink()
    (place.root / "src" / "helpers").mkdir(parents=True)
    (place.root / "data" / "raw").mkdir()
    contents = {"src/helpers/__init__.py": "", "src/helpers/run.py": TREE_RUN, "src/factor.txt": "3"}
    contents["src/helpers/data.py"] = TREE_DATA
    contents |= {"data/raw/prices.csv": "day,price\n2024-06-28,2\n2025-06-30,9\n", "notebooks/01_leaf.ipynb": "{}"}
    contents |= {".gitignore": "report/\nprocessed/\n__pycache__/\n", "README.md": "read"}
    sources = ",".join(data.SOURCE_COLUMNS) + "\nprices.csv,prices,a day,p,a,l,2025,2025,day,series,0\n"
    columns = ",".join(data.COLUMN_COLUMNS) + "\nprices,day,m,date,,,,,1,1,\nprices,price,m,number,,,,,0,1,\n"
    contents |= {"data/sources.csv": sources, "data/columns.csv": columns}
    for name, text in contents.items():
        (place.root / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(paths, "PROCESSED", place.root / "data" / "processed")
    # neither the user's settings nor a repository around this one
    for name, value in {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(place.root.parent))
    place.git("init", "--quiet", "--initial-branch=main")
    place.commit("First")
    return place


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """Code, with its bytecode, which takes longer to make than a short run does; data; sweeps; lock."""
    data.build()
    root = tmp_path_factory.mktemp("template")
    for name in ("src", "data", "sweeps"):
        shutil.copytree(HOUSE / name, root / name)
    for name in ("requirements.lock", "references.bib"):
        shutil.copy(HOUSE / name, root)
    return root


@pytest.fixture(scope="session")
def server():
    own = str(HOUSE / "src")
    variables = os.environ | environment.VARIABLES | {"PYTHONPATH": own, "PYTHONNOUSERSITE": "1"}
    command, pipes = SERVER.replace("OWN", repr(own)), {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", command], env=variables, text=True, cwd=HOUSE, **pipes) as server:
        yield server
        server.stdin.close()


@pytest.fixture(scope="session")
def copied(template, server):
    """Lay out a project for other processes: the code and the data, without notebooks."""

    def laid(folder, copy_function=os.link):
        shutil.copytree(template, folder, copy_function=copy_function)
        copy = Project(folder)
        copy.server = server
        return copy

    return laid


@pytest.fixture
def copy(copied, tmp_path):
    """A project for other processes, in which a file is changed by putting another in its place."""
    return copied(tmp_path / "a {copy}")


@pytest.fixture
def main(capsys):
    """Command line in this process: gives its exit code and what it said on stderr."""

    def called(*arguments):
        code = run.main([*arguments, "--kernels=plain"])
        return code, capsys.readouterr().err

    return called


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A report whose one edition holds the stored notebooks with the files of their exhibits, and made-up records."""
    report = tmp_path_factory.mktemp("stored") / "report"
    edition = report / results.NOTE_DAY
    for file in sorted(paths.NOTEBOOKS.glob("[0-9]*.ipynb")):
        lay_out_stored(file, edition / file.stem)
    claims, origin = results.claims(), {"function": "helpers.returns.holding_period_return"}
    common = {"role": "headline", "origin": origin}
    records = [common | {"id": row.Index, "notebook": row.notebook} for row in claims.itertuples()]
    (edition / "results.json").write_text(json.dumps(records), encoding="utf-8")
    for page in [report / "index.html", *(edition / "numbers" / f"{claim}.html" for claim in claims.index)]:
        page.parent.mkdir(exist_ok=True)
        page.touch()
    return report


def lay_out_stored(file, folder):
    """Lay out a stored notebook as a run does, as far as those look at it who bind pages."""
    folder.mkdir(parents=True)
    (folder / "index.html").touch()
    (folder / "notebook.ipynb").write_bytes(file.read_bytes())
    for cell in nbformat.read(file, as_version=4).cells:
        for output in cell.get("outputs", []):
            exhibit = output.get("metadata", {}).get("exhibit")
            if exhibit and exhibit["kind"] == "figure":
                for ending in (".svg", ".csv"):
                    (folder / f"{exhibit['slug']}{ending}").touch()
                (folder / f"{exhibit['slug']}.png").write_bytes(base64.b64decode(output.data["image/png"]))
            elif exhibit:
                rows = content.Rows(output.data["text/html"])
                # as a CSV has them, without signs between thousands
                table = pd.DataFrame([[_plain(cell) for cell in row] for row in [*rows.head, *rows.body]])
                table.to_csv(folder / f"{exhibit['slug']}.csv", index=False, header=False)


def _plain(cell):
    return cell["text"].replace(",", "") if cell["number"] else cell["text"]


@pytest.fixture(scope="module")
def browser():
    """A browser in which pages are opened."""
    # here, for most tests need none
    from browsing import launched

    with launched() as browser:
        yield browser


def pytest_terminal_summary(terminalreporter):
    """Say in so many words that the pages went unseen, where there was no browser."""
    for report in terminalreporter.stats.get("skipped", []):
        words = str(report.longrepr[-1]) if isinstance(report.longrepr, tuple) else ""
        if "NO BROWSER" in words:
            terminalreporter.write_line(words.removeprefix("Skipped: "), red=True, bold=True)
            return


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """An edition of one notebook whose every name holds what a spreadsheet, TeX, typst or a browser might run."""
    monkeypatch.setattr(paths, "DATA", tmp_path / "data")
    paths.DATA.mkdir()
    claims = pd.read_csv(HOUSE / "data" / "claims.csv", nrows=1, dtype=str)
    claims.assign(id="fell", notebook="01_returns", claim=HOSTILE).to_csv(paths.DATA / "claims.csv", index=False)
    sources = pd.read_csv(HOUSE / "data" / "sources.csv", nrows=1, dtype=str)
    told = {"table": "prices", "producer": HOSTILE, "address": "javascript:alert(1)"}
    sources.assign(**told).to_csv(paths.DATA / "sources.csv", index=False)
    folder = tmp_path / "report" / "2025-02-14" / "01_returns"
    folder.mkdir(parents=True)
    points = pd.DataFrame({"group": [HOSTILE, "utilities"], "percent": [-4.125, 1.25], "day": ["2025-01-27"] * 2})
    drawing = charts.Drawing(Figure(figsize=(8, 4)), f"They fell {HOSTILE}", f"Down 4%: {HOSTILE}", points)
    outputs = [nbformat.v4.new_output("stream", name="stdout", text=f"Found −4.1 percent. {HOSTILE}\n")]
    monkeypatch.setattr(house, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    shown = []
    charts.publish(folder, "returns-after", drawing, "a producer")
    charts.publish_table(folder, "returns-groups", points, f"Groups {HOSTILE}")
    for words, metadata in shown:
        words |= {"image/png": "x"} if "image/png" in words else {}
        outputs.append(nbformat.v4.new_output("display_data", words, metadata=metadata))
    code = f"data.load('prices', as_of)\nprint({HOSTILE!r})"
    cells = [
        nbformat.v4.new_markdown_cell(f"# 01 · Did they fall {HOSTILE}?\n\nThe note says {HOSTILE}", id="a"),
        nbformat.v4.new_markdown_cell("## Data\n\nAfter Hill [-@hill1973]: $D = \\frac{1}{s^2}$, `code`.", id="b"),
        nbformat.v4.new_code_cell(code, outputs=outputs, id="c"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "notebook.ipynb")
    found = {
        "value": -4.125,
        "low": "-inf",
        "high": -2.0,
        "unit": HOSTILE,
        "n": 5,
        "method": HOSTILE,
        "kind": "resampled",
    }
    inputs = [{"table": "prices", "rows": 2, "sha256": "0"}]
    record = {"id": "fell", "notebook": "01_returns", "role": "headline"} | found | {"inputs": inputs}
    (folder.parent / "results.json").write_text(json.dumps([record]), encoding="utf-8")
    row = ["fell", "01_returns", -4.125, "-inf", -2.0, HOSTILE, "holds", "no", HOSTILE]
    pd.DataFrame([row], columns=results.VERDICT_COLUMNS).to_csv(folder.parent / "verdicts.csv", index=False)
    return folder.parent


# a small edition, and what stands behind its numbers

EVIL = "<script>alert(1)</script>\x1b[2J"
CLAIMS = """id,notebook,note_section,kind,claim,quantity,unit,low,high,reason_for_range
fell,01_returns,1,text,Shares fell <b>a lot</b>,share of days,probability,0.5,1,words
waits,01_returns,1,forecast,Winners remain,return,percent,0,inf,direction
"""
SOURCES = """file,table,title,producer,address,licence,published,read,known_on,kind,sha256
prices.csv,prices,One price.,Producer & Co,https://example.org/a,facts only,2025-10-30,2025-11-23,day,series,{sha256}
"""
COLUMNS = """table,column,meaning,type,unit,minimum,maximum,categories,key,required,refers_to
prices,day,The day.,date,,,,,1,1,
prices,plain,One where it is plain.,flag,,0,1,,1,1,
prices,name,Whose.,text,,,,,1,1,
prices,price,The price.,number,usd,,,,0,1,
"""
PRICES = """day,plain,name,price
2025-01-02,1,A,1
2025-01-02,1,"B ""b"", c",2
2025-01-02,0,A,3
2025-01-03,1,A,4
2025-01-03,0,A\u2028A,5
2025-01-06,1,A,6
2025-01-07,1,A,7
2025-01-08,1,A,8
2025-03-01,1,A,9
"""
DECLARED = f'notebook,name,value\n01_returns,as_of,"""{results.NOTE_DAY}"""\n01_returns,seed,7\n'
PARAMETERS = 'as_of = "2025-01-31"  # date, ISO: what is read\nseed = 7  # integer: root of "all" draws'
# as a cell of a notebook, with a call that starts behind letters of more than a byte and ends lines below
CELL = f"""from helpers import inference
from helpers.notebook import Notebook
from helpers.rows import rows_of
notebook = Notebook("01_returns", as_of)
prices = notebook.load("prices")
entered = rows_of(prices[prices.plain].sort_values("price", ascending=False))
é, found = "é", inference.share(
    8,
    10,  # of ten
    "probability",
    "share of days, Wilson interval",
    rows=entered,
)
half = inference.share(2, 10, "probability", "the same", rows=rows_of(prices))
others = {{"half, of all": half, "none": inference.Unanswered("no row")}}
others[{EVIL!r}] = inference.exact(0.75, "probability", 4, {EVIL!r}, rows_of(prices[:1]))
print(notebook.record("fell", found, others))
notebook.note("returns-beside", others["none"])
"""


class Kernel:
    """A cell after another, with what IPython would have put beside them."""

    def __init__(self):
        self.names = {"__name__": "__main__", "In": [""]}

    def run(self, source):
        self.names["In"].append(source)
        exec(compile(source, "cell", "exec"), self.names)

    def notebook(self):
        """The executed notebook, a cell of prose between any two of code."""
        cells = [
            {"cell_type": "code", "execution_count": count, "source": source.splitlines(keepends=True), "metadata": {}}
            for count, source in enumerate(self.names["In"][1:], start=1)
        ]
        cells[0]["metadata"]["tags"], cells[1]["metadata"]["tags"] = ["parameters"], ["injected-parameters"]
        prose = {"cell_type": "markdown", "source": ["words"], "metadata": {}}
        return {"cells": [each for cell in cells for each in (cell, prose)]}


@pytest.fixture
def lay_out(tmp_path, monkeypatch):
    """Lay out a small project with an edition of one notebook, as the run leaves it; gives the edition's folder."""

    def laid(as_of=results.NOTE_DAY, cell=CELL, folder=tmp_path):
        for name, place in {"ROOT": "", "DATA": "data", "RAW": "data/raw", "PROCESSED": "data/processed"}.items():
            monkeypatch.setattr(paths, name, folder / place)
        monkeypatch.setattr(paths, "REPORT", folder / "report")
        paths.RAW.mkdir(parents=True, exist_ok=True)
        (paths.RAW / "prices.csv").write_text(PRICES, encoding="utf-8")
        ledgers = {"claims": CLAIMS, "columns": COLUMNS, "parameters": DECLARED}
        ledgers["sources"] = SOURCES.format(sha256=freshness.digest(paths.RAW / "prices.csv"))
        for name, text in ledgers.items():
            (paths.DATA / f"{name}.csv").write_text(text, encoding="utf-8")
        if not (folder / "src").exists():
            (folder / "src").symlink_to(HOUSE / "src")
        lock = "numpy==2.0 \\\n --hash=sha256:ab\nstatsmodels[x]==0.1 ; a\n"
        (folder / "requirements.lock").write_text(lock, encoding="utf-8")
        edition = paths.REPORT / as_of
        monkeypatch.setenv(paths.PLACE_VARIABLE, str(edition))
        kernel = Kernel()
        for source in (PARAMETERS, f'as_of = "{as_of}"', cell):
            kernel.run(source)
        (edition / "01_returns" / "notebook.ipynb").write_text(json.dumps(kernel.notebook()), encoding="utf-8")
        results.write_edition(edition, as_of)
        lineage.remember_build(edition)
        monkeypatch.delenv(paths.PLACE_VARIABLE)
        return edition

    laid.cell, laid.prices, laid.evil = CELL, PRICES, EVIL
    return laid


@pytest.fixture
def folder(lay_out):
    """The small edition, as of the day of the note."""
    return lay_out()


@pytest.fixture
def explained(folder):
    """What stands behind a number of the small edition, by its id."""
    return lineage.Edition(folder, results.NOTE_DAY).explanation
