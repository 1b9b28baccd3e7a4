"""What no file of the repository may hold: secrets, and calls by which data become code."""

import ast
import csv
import io
import json
import re
import string
import subprocess

import pytest
import yaml
from detect_secrets.core.scan import get_plugins
from detect_secrets.settings import default_settings

from helpers import paths

# what looks like a secret, where, and why it is none: taken out before the rest of the file is looked at
EXPLAINED = [
    ("requirements.lock", r"--hash=sha256:[0-9a-f]{64}", "hashes by which pip holds what it installs"),
    ("requirements.lock", r"^detect-secrets==", "the name of a package, not a secret and its value"),
    ("environment.yml", r"- detect-secrets==", "the same"),
    ("data/sources.csv", r",[0-9a-f]{64}\b", "hashes of the raw files, which a test compares with them"),
    (".ipynb", r'"image/png": "[A-Za-z0-9+/=\\n]+"', "pictures, which a test compares with what is drawn"),
    ("tests/test_data.py", r'CLAIMS_SHA256 = "[0-9a-f]{64}"', "the hash of the ledger of claims"),
    ("tests/test_sources.py", r"https://user:" + r"word@example\.org", "credentials that must not be told on"),
]
BINARY = (".png", ".ttf")
# lines of nothing but short words and numbers hold no secret, unless the line calls something one
CALLED = re.compile(r"key|pass|pwd|secret|token|contrase", re.IGNORECASE)
RUN = re.compile(rf"[{re.escape(string.ascii_letters + string.digits)}+/=_:.@-]{{12,}}")

# calls by which text or a file becomes code, and what to take instead
CALLS = {name: "ast.literal_eval reads literals" for name in ("eval", "exec", "compile", "__import__")}
CALLS |= {name: "subprocess.run with a list" for name in ("os.system", "os.popen", "subprocess.getoutput")}
CALLS |= {"subprocess.getstatusoutput": "subprocess.run with a list"}
CALLS |= {f"yaml.{name}": "yaml.safe_load" for name in ("load", "load_all", "full_load", "unsafe_load", "FullLoader")}
CALLS |= {name: "CSV, JSON or parquet" for name in ("pd.read_pickle", "pandas.read_pickle")}
MODULES = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
OPTIONS = {"shell", "allow_pickle"}
# by file and call, why it may stand there
EXCEPTIONS = {
    ("bench/bench.py", "exec"): "runs the cells of our own notebook in a plain loop, as a peer to be timed",
}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=paths.ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so there is no list of files to look at")
    names = [name for name in listed.stdout.decode().split("\0") if name and not name.endswith(BINARY)]
    return [name for name in names if (paths.ROOT / name).is_file()]


@pytest.fixture(scope="module")
def scanners():
    """Every scanner of detect-secrets but that for addresses, which are no secrets; no way to excuse a line."""
    with default_settings() as settings:
        settings.disable_plugins("IPPublicDetector")
        yield get_plugins()


def secrets(scanners, name, text):
    """Places in a file that look like a secret, and what kind of one: never what it is."""
    for suffix, pattern, _ in EXPLAINED:
        if name.endswith(suffix):
            text = re.sub(pattern, "", text, flags=re.MULTILINE)
    lines = text.split("\n")
    if name.endswith(".csv"):
        # each distinct cell, in the quotes that a scanner of random text asks for
        lines = [f'"{cell}"' for cell in dict.fromkeys(cell for row in csv.reader(io.StringIO(text)) for cell in row)]
    # of another line the one that goes by words would find nothing
    quick = [scanner for scanner in scanners if type(scanner).__name__ != "KeywordDetector"]
    return [
        f"{name}{'' if name.endswith('.csv') else f':{number}'}: {found.type}"
        for number, line in enumerate(lines, start=1)
        if CALLED.search(line) or RUN.search(line)
        for scanner in (scanners if CALLED.search(line) else quick)
        for found in scanner.analyze_line(filename=name, line=line, line_number=number)
    ]


def test_no_file_holds_a_secret(scanners):
    found = []
    for name in tracked():
        found += secrets(scanners, name, (paths.ROOT / name).read_text(encoding="utf-8"))
    # a key that is found here is no longer secret: take it back where it was given out, then out of the history.
    # What is no secret gets a line in EXPLAINED
    assert found == []


# in pieces, so that this file does not find itself; those that have one are the examples of their makers
RANDOM = "q7Zk2vX9" + "bT4mW8sL" + "1cR6yH3n" + "J5pD0fGa"
HASH = ("0123" + "4567" + "89ab" + "cdef") * 4
PLANTED = {
    "a cloud's key": "AKIA" + "IOSFODNN7" + "EXAMPLE",
    "a private key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "a token of GitHub": "gh" + "p_" + "a1B2" * 9,
    "a login in an address": "https://me:" + "hunter2" + "@example.org/data.csv",
    "a word that is called one": "pass" + "word" + ' = "hunter2"',
    "a random word": f'"{RANDOM}"',
    "one that is said to be allowed": "pass" + "word" + ' = "hunter2"  # pragma: allowlist ' + "secret",
}


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_secret_is_found(scanners, kind):
    line = PLANTED[kind]
    for name, text in (("src/helpers/data.py", f"import re\n{line}\n"), ("README.md", f"words\n{line}\n")):
        assert secrets(scanners, name, "import re\nwords\n") == []
        found = secrets(scanners, name, text)
        assert found and all(each.startswith(f"{name}:2: ") for each in found)
        # the test must not itself print what it finds
        assert not any(part in "".join(found) for part in ("hunter2", RANDOM, "IOSFODNN7"))


def test_a_secret_beside_what_is_explained_is_found(scanners):
    lock = f"    --hash=sha256:{HASH}"
    assert secrets(scanners, "requirements.lock", f"numpy==2.4.6 \\\n{lock}\n") == []
    assert secrets(scanners, "requirements.lock", f"{lock}\n# {PLANTED['a private key']}\n")
    picture = json.dumps({"image/png": RANDOM * 20}, indent=1)
    assert secrets(scanners, "notebooks/01_returns.ipynb", picture) == []
    assert secrets(scanners, "notebooks/01_returns.ipynb", picture.replace("image/png", "text/plain"))
    assert secrets(scanners, "data/raw/prices.csv", f"day,price\n2025-01-02,{RANDOM}\n")
    # a hash in another place than where hashes are explained
    assert secrets(scanners, "src/helpers/data.py", f'SHA = "{HASH}"')


def test_every_explanation_is_needed():
    for suffix, pattern, why in EXPLAINED:
        texts = [(paths.ROOT / name).read_text(encoding="utf-8") for name in tracked() if name.endswith(suffix)]
        assert why and any(re.search(pattern, text, flags=re.MULTILINE) for text in texts), pattern


def python_files():
    """Code that users run, by name: the package, the measurements, the set-up of the tests, the notebooks' cells."""
    names = [name for name in tracked() if re.match(r"(src|bench)/.+\.py$|conftest\.py$", name)]
    found = {name: (paths.ROOT / name).read_text(encoding="utf-8") for name in names}
    for path in sorted(paths.NOTEBOOKS.glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[f"notebooks/{path.name}"] = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    return found


def dangers(code):
    """Calls, imports and options of code by which data may become code, by name."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} & MODULES
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & set(CALLS)
        elif isinstance(node, ast.Call):
            found |= {ast.unparse(node.func)} & set(CALLS)
            # off is off, and all else may be on
            on = [word for word in node.keywords if not (isinstance(word.value, ast.Constant) and not word.value.value)]
            found |= {f"{word.arg}=" for word in on if word.arg in OPTIONS}
    return found


def test_no_code_makes_code_of_data():
    found = {(name, danger) for name, code in python_files().items() for danger in dangers(code)}
    # what may stand for a reason, and no exception that nothing needs
    assert found == set(EXCEPTIONS)


@pytest.mark.parametrize(
    ("code", "danger"),
    [
        ("import pickle", "pickle"),
        ("from joblib import load", "joblib"),
        ("def f():\n    import marshal as m", "marshal"),
        ("value = eval(text)", "eval"),
        ("exec(compile(text, '', 'exec'))", "exec compile"),
        ("import yaml\nyaml.load(text, Loader=yaml.Loader)", "yaml.load"),
        ("from yaml import unsafe_load", "yaml.unsafe_load"),
        ("subprocess.run(text, shell=True)", "shell="),
        ("subprocess.run(text, shell=wished)", "shell="),
        ("os.system(text)", "os.system"),
        ("from os import system", "os.system"),
        ("np.load(path, allow_pickle=True)", "allow_pickle="),
        ("pd.read_pickle(path)", "pd.read_pickle"),
        ("ast.literal_eval(text), yaml.safe_load(text), subprocess.run([text], shell=False), re.compile(text)", ""),
    ],
)
def test_a_planted_danger_is_found(code, danger):
    assert dangers(code) == set(danger.split())


def test_no_workflow_has_more_rights_than_it_says_or_runs_what_strangers_send():
    for path in sorted((paths.ROOT / ".github" / "workflows").glob("*.yml")):
        text = path.read_text(encoding="utf-8")
        told = yaml.safe_load(text)
        assert told["permissions"]["contents"] in ("read", "write") and "pull_request_target" not in text
        # words that strangers write, put into a shell
        assert not re.search(r"\$\{\{\s*github\.(event|head_ref)", text)


def test_what_the_security_page_promises_is_tested():
    page = (paths.ROOT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 12
    known = {
        node.name
        for path in (paths.ROOT / "tests").glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert set(named) <= known


def test_the_security_page_names_every_command_that_runs_notebooks_or_asks_the_network():
    page = (paths.ROOT / "SECURITY.md").read_text(encoding="utf-8")
    makefile = (paths.ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, flags=re.MULTILINE))
    told = set(re.findall(r"`make ([a-z-]+)`", page))
    runs = {
        "report",
        "pdf",
        "run",
        "sweep",
        "diff",
        "lab",
        "refresh-outputs",
        "test",
        "check",
        "fix",
        "try-lab",
        "bench",
    }
    assert runs | {"bench", "refresh", "audit", "env", "lock", "extras"} <= told <= targets
