"""Files for Binder, devcontainers and Docker, held to the lock and the Makefile; the services are not run here."""

import fnmatch
import json
import re

import yaml
from packaging.specifiers import SpecifierSet

from helpers import environment, paths

ROOT = paths.ROOT
SUPPORTED = SpecifierSet(re.search(r'requires-python = "(.+)"', (ROOT / "pyproject.toml").read_text())[1])
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
BINDER = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text(encoding="utf-8"))
CONTAINER = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
DOCKER = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_container_has_a_python_that_the_lock_is_for():
    (conda,) = [each for each in BINDER["dependencies"] if str(each).startswith("python=")]
    (image,) = re.findall(r"^FROM python:(\d\.\d+)-slim AS base$", DOCKER, flags=re.MULTILINE)
    assert SUPPORTED.contains(conda.partition("=")[2]) and SUPPORTED.contains(image)


def test_binder_installs_the_lock_itself_with_its_hashes():
    (packages,) = [each["pip"] for each in BINDER["dependencies"] if isinstance(each, dict)]
    ((option, name),) = [line.split() for line in packages]
    assert option == "-r" and (ROOT / ".binder" / name).resolve() == environment.LOCK


def test_binder_has_what_the_conda_environment_has_beside_python():
    whole = yaml.safe_load(environment.CONDA.read_text(encoding="utf-8"))
    plain = [each for each in whole["dependencies"] if isinstance(each, str) and not each.startswith("python ")]
    assert [each for each in BINDER["dependencies"][1:] if isinstance(each, str)] == plain
    assert BINDER["channels"] == whole["channels"]


def test_scripts_of_binder_can_be_started_and_stop_at_the_first_fault():
    for name in ("postBuild", "start"):
        file = ROOT / ".binder" / name
        text = file.read_text(encoding="utf-8")
        assert file.stat().st_mode & 0o111 and text.startswith("#!/bin/bash\n")
        modules = re.findall(r"-m helpers\.(\w+)", text)
        assert modules and all((ROOT / "src" / "helpers" / f"{module}.py").is_file() for module in modules)
    assert "\nset -eu\n" in (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
    assert (ROOT / ".binder" / "start").read_text(encoding="utf-8").rstrip().endswith('--start "$@"')


def test_containers_make_the_locked_environment_by_the_makefile():
    commands = re.findall(r"^RUN make (.+)$", DOCKER, flags=re.MULTILINE)
    assert commands == ["env data"] and CONTAINER["postCreateCommand"] == "make env data"
    assert {"env", "data", "lab", "report"} <= TARGETS


def test_a_container_starts_lab_so_that_it_is_reached_from_outside_with_its_token():
    (entry, told) = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.+\])$", DOCKER, flags=re.MULTILINE)
    assert json.loads(entry) == ["make"] and json.loads(told) == ["lab", "ARGS=--ip=0.0.0.0 --no-browser"]
    assert f"EXPOSE {CONTAINER['forwardPorts'][0]}" in DOCKER and "token" not in DOCKER


def test_the_devcontainer_is_built_from_a_stage_that_there_is_and_has_the_variables_of_a_run():
    build = CONTAINER["build"]
    assert f" AS {build['target']}\n" in DOCKER
    assert (ROOT / ".devcontainer" / build["dockerfile"]).resolve() == ROOT / "Dockerfile"
    assert (ROOT / ".devcontainer" / build["context"]).resolve() == ROOT
    # what draws is left to the editor, which shows plots beside the code
    wanted = {name: value for name, value in environment.VARIABLES.items() if name != "MPLBACKEND"}
    assert CONTAINER["containerEnv"] == wanted
    interpreter = CONTAINER["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == f"${{containerWorkspaceFolder}}/{environment.executable().relative_to(ROOT)}"


def test_your_own_data_and_what_is_built_stay_out_of_an_image():
    left = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    for name in ("data/own", "data/archive", "report", ".venv", ".lab", "data/processed/a.parquet"):
        assert any(fnmatch.fnmatch(name, pattern) for pattern in left), name
    # and what the image needs goes in
    for name in ("requirements.lock", "src/helpers/lab.py", "data/raw/prices.csv", "notebooks/01_returns.ipynb"):
        assert not any(fnmatch.fnmatch(name, pattern) for pattern in left if pattern), name
