import ast
import json
import re
import subprocess

import pytest

from helpers import paths, results

SOURCE = paths.ROOT / "src" / "helpers"
# who may import whom inside the package; what is not listed is a topic, and held to the strictest rules
MACHINERY = {
    "__init__": set(),
    "paths": set(),
    "environment": set(),
    "audit": {"environment", "terminal"},
    "rows": set(),
    "inference": {"rows"},
    "freshness": {"paths"},
    "terminal": set(),
    "exchange": set(),
    "start": {"freshness", "environment", "terminal"},
    "cache": {"paths", "freshness"},
    "journal": {"paths"},
    "data": {"paths", "journal", "terminal"},
    "sources": {"paths", "data", "journal", "terminal"},
    "parameters": {"paths", "data"},
    "own": {"data", "parameters", "adoption", "events", "returns", "inference"},
    "gate": {"parameters", "results"},
    "new": {"paths", "environment", "data", "parameters", "results", "terminal"},
    "check": {"environment", "gate", "parameters", "paths", "readme"},
    "fix": {"check", "gate", "parameters", "paths", "execution"},
    "lab": {"environment", "paths", "execution", "terminal"},
    "recorded": {"paths"},
    "zygote": {"environment"},
    "kernels": {"environment", "zygote"},
    "execution": {"paths", "kernels", "zygote"},
    "runs": {"paths", "cache", "kernels", "execution", "zygote"},
    "binding": {"paths", "freshness", "execution", "runs", "results", "lineage", "numbers", "downloads", "docs", "pdf"}
    | {"zygote", "content", "pages", "references", "report"},
    "charts": {"paths", "inference"},
    "results": {"paths", "inference"},
    "content": {"inference", "results"},
    "references": {"paths"},
    "pages": {"paths", "results"},
    "specifications": {"inference", "results"},
    "report": {"cache", "content", "pages", "specifications", "references", "freshness"},
    "replication": {"paths", "content", "lineage", "references"},
    "docs": {"paths", "freshness", "pages", "references", "replication", "report", "results"},
    "downloads": {"paths", "cache", "content", "references", "results"},
    "mathematics": set(),
    "pdf": {"paths", "results", "content", "references", "mathematics"},
    "lineage": {"paths", "inference", "freshness"},
    "explain": {"paths", "cache", "lineage", "terminal"},
    "numbers": {"lineage", "pages"},
    "compare": {"results"},
    "trees": {"paths", "environment"},
    "comparison": {"inference", "results", "report", "compare"},
    "diff": {"paths", "freshness", "data", "content", "parameters", "runs", "compare", "comparison", "trees"},
    "readme": {"paths", "results", "content"},
    "cluster": {"paths", "environment", "cache", "kernels", "execution", "runs", "zygote"},
    "sweep": {"paths", "inference", "cache", "charts", "results", "parameters", "execution", "runs", "cluster"},
    "run": {"paths", "data", "report", "pdf", "readme", "freshness", "cache", "kernels", "zygote", "binding"}
    | {"parameters", "execution", "runs", "cluster", "sweep", "diff", "recorded"}
    | {"terminal", "exchange", "own", "gate", "check", "fix"},
    "launch": {"terminal", "zygote", "run"},
    # panels of sliders, where numbers and pictures meet as they do in a notebook, so all topics too
    "explore": {"paths", "terminal", "data", "parameters", "inference", "results", "charts"},
}
# a topic of many pictures may be a folder: one module to all others
MODULES = sorted({path.relative_to(SOURCE).parts[0].removesuffix(".py") for path in SOURCE.rglob("*.py")})
TOPICS = sorted(set(MODULES) - set(MACHINERY))
# a topic may import this and no more, but for one that is built on others
TOPIC_MAY = {topic: {"inference", "rows"} for topic in TOPICS}
TOPIC_MAY |= {"lag": {"inference", "rows", "frontier", "linking", "survival"}}
ALLOWED = MACHINERY | TOPIC_MAY | {"explore": MACHINERY["explore"] | set(TOPICS)}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of files to look at")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [paths.ROOT / name for name in names if (paths.ROOT / name).is_file()]


def files(module):
    return sorted((SOURCE / module).glob("*.py")) or [SOURCE / f"{module}.py"]


def source(module):
    return "\n".join(path.read_text(encoding="utf-8") for path in files(module))


def imported(module):
    """Modules of the package and of others that a module imports, anywhere in it."""
    own, foreign = set(), set()
    for node in ast.walk(ast.parse(source(module))):
        if isinstance(node, ast.ImportFrom):
            root, _, rest = node.module.partition(".")
            if root == "helpers":
                own |= {rest.partition(".")[0]} if rest else {alias.name for alias in node.names}
            else:
                foreign.add(root)
        elif isinstance(node, ast.Import):
            foreign |= {alias.name.partition(".")[0] for alias in node.names}
    return own - {module}, foreign


def test_every_module_of_the_machinery_exists():
    assert set(MACHINERY) <= set(MODULES)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_answers_a_question_of_a_notebook_or_serves_one_that_does(topic):
    # else it is machinery, and says in the list above what it may import
    code = [
        "".join(cell["source"])
        for file in sorted(paths.NOTEBOOKS.glob("*.ipynb"))
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]
        if cell["cell_type"] == "code"
    ]
    serves = [other for other in TOPICS if topic in imported(other)[0]]
    assert serves or any(re.search(rf"\b{topic}\.\w+\(", source) for source in code)


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_direction_of_the_house(module):
    assert imported(module)[0] <= ALLOWED[module]


def test_nothing_imports_the_panels():
    assert [module for module in MODULES if "explore" in imported(module)[0] - {module}] == []


@pytest.mark.parametrize("module", [*TOPICS, "inference"])
def test_arithmetic_reads_no_file_no_clock_and_no_hidden_randomness(module):
    text = source(module)
    assert not imported(module)[1] & {"os", "pathlib", "io", "time", "datetime", "random", "requests", "urllib"}
    assert not re.search(r"\bopen\(|read_csv|read_parquet|np\.random\.(seed|rand|normal|choice)|default_rng\(\)", text)


@pytest.mark.fault(47)
def test_rows_that_tie_keep_one_order_on_every_processor():
    unstable = []
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "sort_values":
                # by several keys pandas sorts in a stable way; days of an index are sorted as values, which cannot tie
                several = node.args and isinstance(node.args[0], ast.List) and len(node.args[0].elts) > 1
                index = ast.unparse(node.func.value).startswith("pd.DatetimeIndex(")
                stable = any(word.arg == "kind" and ast.unparse(word.value) == "'stable'" for word in node.keywords)
                unstable += [] if several or index or stable else [f"{path.name}:{node.lineno}"]
    assert unstable == []


@pytest.mark.parametrize("module", MODULES)
def test_only_sources_may_reach_the_network(module):
    network = {"requests", "urllib", "httpx", "http", "socket", "pooch", "aiohttp"}
    # a pair of sockets between processes of one run is no network
    network -= {"socket"} if module == "zygote" and "INET" not in source(module) else set()
    assert module == "sources" or not imported(module)[1] & network


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_tells_what_it_does(module):
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files(module)]
    kinds = (ast.FunctionDef, ast.ClassDef)
    silent = [
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, kinds) and not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == [] and all(ast.get_docstring(tree) for tree in trees)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"__init__"}))
def test_every_module_has_its_tests(module):
    # the places of the project are exercised by every other test
    assert module == "paths" or (paths.ROOT / "tests" / f"test_{module}.py").is_file()


def test_nothing_names_a_machine_a_registry_or_a_folder_that_users_do_not_have():
    # spelled in pieces, so that this file does not find itself
    index, machine = r"https?://[a-z0-9.-]+/(?:simple|packages)/", r"(?:^|[^a-z0-9_.~-])/(?:root|work|home)/[a-z.]"
    forbidden = re.compile("|".join([index, machine, r"[.]{2}/" + "shared"]))
    found = []
    for path in tracked():
        if path.suffix not in (".ttf", ".png"):
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if forbidden.search(line):
                    found.append(f"{path.relative_to(paths.ROOT)}:{number}")
    assert found == []


def test_no_built_thing_is_tracked():
    built = [path for path in tracked() if path.suffix in (".parquet", ".html", ".pdf") or "report" in path.parts[:-1]]
    assert built == []


def test_every_target_of_the_makefile_is_listed_and_explained():
    text = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", text, flags=re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \S", text, flags=re.MULTILINE)
    assert sorted(phony.split()) == sorted(explained)
    listed = subprocess.run(["make"], cwd=paths.ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target} " in listed for target in explained)


def test_ci_does_what_the_readme_says_and_nothing_else():
    script = (paths.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = [line for line in script.splitlines() if line and not line.startswith("#")]
    assert commands == ["set -eu", 'cd "$(dirname "$0")/.."', "make test"]
    assert "make test" in (paths.ROOT / "README.md").read_text(encoding="utf-8")
    assert "bash .ci/run" in (paths.ROOT / ".github" / "workflows" / "check.yml").read_text(encoding="utf-8")


def test_every_claim_names_a_notebook_of_the_plan():
    names = {"01_returns", "02_frontier", "03_open_source_lag", "04_adoption_regression"}
    names |= {"05_concentration", "06_token_prices", "07_model_makers"}
    assert set(results.claims().query("not added").notebook) == names


def test_every_added_claim_names_a_notebook_that_is_there():
    added = set(results.claims().query("added").notebook)
    assert added <= {file.stem for file in paths.NOTEBOOKS.glob("*.ipynb")}
