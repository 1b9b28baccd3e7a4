import json
import os
import sys
from pathlib import Path

import nbformat
import pytest
from lab_session import Lab, Page, words

from browsing import launched
from helpers import environment, fix, lab, paths
from helpers.execution import cleaned


@pytest.fixture
def settled(tmp_path, monkeypatch):
    """Settings of JupyterLab laid out in a folder with a blank in its name."""
    root = tmp_path / "a place"
    (root / ".lab").mkdir(parents=True)
    monkeypatch.setattr(paths, "ROOT", root)
    return lab.settle()


def read(*parts):
    return json.loads(parts[0].joinpath(*parts[1:]).read_text(encoding="utf-8"))


def test_the_kernel_is_this_interpreter_with_what_a_run_gives_its_kernels(settled):
    kernel = read(settled, "data", "kernels", "python3", "kernel.json")
    assert kernel["argv"][0] == sys.executable and kernel["display_name"] == "Python 3"
    # numbers do not follow from what shows a picture
    assert {name for name, value in environment.VARIABLES.items() if kernel["env"][name] != value} == {"MPLBACKEND"}
    assert kernel["env"]["PYTHONPATH"] == str(paths.ROOT / "src") and kernel["env"]["HELPERS_PLACE"] == ""


def test_helpers_are_loaded_anew_in_lab_and_in_no_run(settled):
    profile = read(settled, "ipython", "profile_default", "ipython_kernel_config.json")
    assert profile["InteractiveShellApp"] == {"extensions": ["autoreload"], "exec_lines": ["%autoreload 2"]}
    assert str(settled / "ipython") == lab.specification()["env"]["IPYTHONDIR"]
    # that of runs, see helpers.kernels
    assert not str(settled).startswith(sys.prefix)


def test_lab_reads_and_writes_in_its_own_folder_alone(settled):
    told = lab.variables()
    places = [value for name, value in told.items() if name.endswith("_DIR")] + [told["JUPYTER_PATH"]]
    assert len(places) == 6 and all(place.startswith(str(settled)) for place in places)
    server = read(settled, "config", lab.SERVER)
    assert server["ServerApp"]["root_dir"] == str(paths.ROOT) and server["LabApp"]["news_url"] is None
    assert server["LabApp"]["app_settings_dir"] == str(settled / "settings")
    assert server["KernelSpecManager"]["allowed_kernelspecs"] == ["python3"]


def test_what_was_set_in_lab_stays_when_it_is_started_again(settled):
    (settled / "user-settings").mkdir()
    (settled / "user-settings" / "mine.json").write_text("{}", encoding="utf-8")
    assert lab.settle() == settled and (settled / "user-settings" / "mine.json").is_file()


def test_every_setting_is_one_that_jupyterlab_knows():
    known = {}
    for place in ("lab/schemas", "labextensions/@jupyterlab/git/schemas"):
        folder = Path(sys.prefix) / "share" / "jupyter" / place
        for file in folder.glob("*/*/*.json"):
            known[f"{file.parts[-3]}/{file.parts[-2]}:{file.stem}"] = read(file).get("properties", {})
        for file in folder.glob("@jupyterlab/git/*.json"):
            known[f"@jupyterlab/git:{file.stem}"] = read(file).get("properties", {})
    overrides = read(lab.SETTINGS, "settings", "overrides.json")
    assert overrides.keys() <= known.keys()
    assert [(name, key) for name, held in overrides.items() for key in held if key not in known[name]] == []


def test_git_leaves_remotes_alone_that_nobody_names(monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    told = lab._unasked(["origin"])
    assert told == {
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_1": "remote.origin.skipFetchAll",
        "GIT_CONFIG_VALUE_1": "true",
        "GIT_CONFIG_KEY_2": "remote.origin.skipDefaultUpdate",
        "GIT_CONFIG_VALUE_2": "true",
    }
    assert lab._unasked([]) == {}


def test_the_git_panel_fetches_nothing_by_itself(repository, monkeypatch):
    repository.git("clone", "--quiet", str(repository.root), "clone")
    repository.commit("Second")
    monkeypatch.chdir(repository.root / "clone")
    monkeypatch.setattr(paths, "ROOT", repository.root / "clone")
    for name, value in lab.variables().items():
        monkeypatch.setenv(name, value)
    # as the panel does every few seconds
    repository.git("-C", "clone", "fetch", "--all", "--prune")
    assert repository.git("-C", "clone", "log", "--format=%s", "origin/main") == "First"
    repository.git("-C", "clone", "fetch", "origin")
    assert repository.git("-C", "clone", "log", "-1", "--format=%s", "origin/main") == "Second"


def test_a_notebook_is_saved_without_traces_of_the_editor(monkeypatch):
    notebook = nbformat.read(paths.NOTEBOOKS / "07_model_makers.ipynb", as_version=4)
    left = json.loads(json.dumps(notebook))
    left["metadata"]["language_info"]["version"] = "3.12"
    left["cells"][3]["metadata"]["collapsed"] = True
    model = {"type": "notebook", "content": left}
    lab.tidied(model, "notebooks/07_model_makers.ipynb")
    assert fix.repaired("07_model_makers", model["content"])[1] == [] and model["content"].cells == notebook.cells
    # one's own, and those that hold what the collection's do not, are saved as they are
    for path in ("scratch/one.ipynb", "notebooks/explore.ipynb"):
        model = {"type": "notebook", "content": {"metadata": {"a": 1}}}
        lab.tidied(model, path)
        assert model["content"] == {"metadata": {"a": 1}}


def test_options_that_cannot_be_read_are_refused_in_one_line(capsys):
    assert lab.main(['--port="8']) == 2
    assert capsys.readouterr().err == "error: ARGS: No closing quotation\n"


def test_options_come_last_and_another_command_gets_the_same_settings(settled, monkeypatch):
    started = []
    monkeypatch.setattr(os, "execvpe", lambda name, line, variables: started.append((line, variables)))
    lab.main(["--no-browser --port=8899"])
    lab.main(["--start", "jupyter", "lab", "--ip=0.0.0.0"])
    assert started[0][0][-2:] == ["--no-browser", "--port=8899"]
    assert started[0][0][:3] == [sys.executable, "-m", "jupyterlab"]
    assert started[1][0] == ["jupyter", "lab", "--ip=0.0.0.0"]
    assert {each["JUPYTER_CONFIG_DIR"] for _, each in started} == {str(settled / "config")}


VALUE = "from helpers import labelled\nprint(labelled.word)\nimport os\nprint(os.environ['PYTHONHASHSEED'])"


def test_jupyterlab_opens_a_notebook_runs_it_and_takes_a_changed_helper(copy, tmp_path):
    helper = copy.root / "src" / "helpers" / "labelled.py"
    helper.write_text("word = 'first'\n", encoding="utf-8")
    file = copy.write("01_leaf", VALUE)
    nbformat.write(cleaned(nbformat.read(file, as_version=4)), file)
    foreign = tmp_path / "home" / ".local" / "share" / "jupyter" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    (foreign / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "Foreign"}), encoding="utf-8")
    with launched() as browser, Lab(copy.root, tmp_path / "home") as server:
        server.wait()
        (kernel,) = server.ask("api/kernelspecs")["kernelspecs"].values()
        assert kernel["spec"]["argv"][0] == sys.executable
        page = Page(browser, server)
        page.open("/tree/notebooks/01_leaf.ipynb")
        assert words(page.run_all()) == "first\n0\n"
        helper.write_text("word = 'second, and longer'\n", encoding="utf-8")
        assert words(page.run_all()) == "second, and longer\n0\n"
        assert (page.strangers(), server.strangers(), page.errors) == (set(), set(), [])
    left = {file.relative_to(tmp_path / "home").parts[0] for file in (tmp_path / "home").rglob("*")}
    assert left <= {".local", ".cache", ".config", ".pki"}
