"""JupyterLab in the locked environment: one kernel, that of the runs, and settings that lie in the repository.

What Jupyter writes goes into ``.lab``, nothing into the home folder; nothing of a home folder is read.
``python -m helpers.lab "--no-browser --port=8899"`` passes its words on to JupyterLab; after ``--start`` comes a whole
command, such as that by which Binder starts Jupyter, which gets the same settings.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from ipykernel.kernelspec import RESOURCES

from helpers import environment, paths, terminal
from helpers.execution import cleaned

SETTINGS = Path(__file__).parent / "jupyter"
FONTS = Path(__file__).parent / "fonts"
# what the gate holds to its rules
OURS = re.compile(r"notebooks/\d\d_\w+\.ipynb")
KERNEL, SERVER = "python3", "jupyter_server_config.json"
# drawn as in a run by the same code, and shown where a cell ends with a plot of one's own
BACKEND = "module://matplotlib_inline.backend_inline"


def place() -> Path:
    """Folder that holds all that JupyterLab reads and writes beside the notebooks; out of git."""
    return paths.ROOT / ".lab"


def settle() -> Path:
    """Lay out the settings of the repository for JupyterLab, with a kernel like those of runs; give their folder."""
    folder = place()
    shutil.copytree(SETTINGS, folder, dirs_exist_ok=True)
    shutil.copytree(FONTS, folder / "config" / "custom" / "fonts", dirs_exist_ok=True)
    kernel = folder / "data" / "kernels" / KERNEL
    shutil.copytree(RESOURCES, kernel, dirs_exist_ok=True)  # its pictures
    server = json.loads((SETTINGS / "config" / SERVER).read_text(encoding="utf-8"))
    server["ServerApp"] |= {"root_dir": str(paths.ROOT)}
    server["LabApp"] |= {
        "app_settings_dir": str(folder / "settings"),
        "labextensions_path": [str(Path(sys.prefix) / "share" / "jupyter" / "labextensions")],
    }
    for file, content in {folder / "config" / SERVER: server, kernel / "kernel.json": specification()}.items():
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return folder


def specification() -> dict:
    """Kernel specification: this interpreter, what a run gives its kernels, helpers loaded anew when they change."""
    variables = environment.VARIABLES | {
        "IPYTHONDIR": str(place() / "ipython"),
        "MPLBACKEND": BACKEND,
        "PYTHONPATH": str(paths.ROOT / "src"),
        "PYTHONNOUSERSITE": "1",
        "PYTHONSTARTUP": "",
        # a notebook that is opened writes among the drafts
        paths.PLACE_VARIABLE: "",
    }
    return {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3",
        "language": "python",
        "env": variables,
        "metadata": {"debugger": True},
    }


def variables() -> dict[str, str]:
    """Environment variables of the server: where Jupyter reads and writes, and which git remotes it leaves alone."""
    folder = place()
    found = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "user-settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    found = {name: str(folder / below) for name, below in found.items()}
    # before what a home folder or the machine has by the same name
    found |= {"JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_PATH": found["JUPYTER_DATA_DIR"], "JUPYTER_CONFIG_PATH": ""}
    # the helpers of this folder, for the server's own hook too
    return (
        found
        | {"IPYTHONDIR": str(folder / "ipython")}
        | {"PYTHONPATH": str(paths.ROOT / "src"), "PYTHONNOUSERSITE": "1"}
        | _unasked(_remotes())
    )


def command(words: list[str]) -> list[str]:
    """Command line of JupyterLab, with options that come last, so that they win."""
    # in a container one is root; the token stays on
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [sys.executable, "-m", "jupyterlab", *root, *words]


def tidied(model: dict, path: str, **_) -> None:
    """Take out of a notebook that is being saved what Lab puts in: versions, folds and times; a hook of Jupyter's.

    Parameters
    ----------
    model : dict
        Jupyter's model of the file; changed in place.
    path : str
        Its place below the folder that is served.
    """
    if model["type"] == "notebook" and OURS.fullmatch(path.strip("/")):
        model["content"] = cleaned(nbformat.from_dict(model["content"]))


def _remotes():
    listed = subprocess.run(["git", "remote"], cwd=paths.ROOT, capture_output=True, text=True, check=False)
    return listed.stdout.split()


def _unasked(remotes):
    """Tell git to leave remotes alone unless they are named: the git panel fetches all of them every few seconds."""
    wishes = [f"remote.{remote}.{wish}" for remote in remotes for wish in ("skipFetchAll", "skipDefaultUpdate")]
    held = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
    found = {"GIT_CONFIG_COUNT": str(held + len(wishes))} if wishes else {}
    for number, wish in enumerate(wishes, start=held):
        found |= {f"GIT_CONFIG_KEY_{number}": wish, f"GIT_CONFIG_VALUE_{number}": "true"}
    return found


def main(arguments: list[str]) -> int:
    """Command line: become JupyterLab, with its options in one string, or another command that starts a Jupyter."""
    if arguments[:1] == ["--start"]:
        line = arguments[1:]
    else:
        try:
            line = command(shlex.split(" ".join(arguments)))
        except ValueError as error:
            print(f"error: ARGS: {error}", file=sys.stderr)
            return 2
    settle()
    sys.stdout.flush()
    os.execvpe(line[0], line, os.environ | variables())


if __name__ == "__main__":
    sys.exit(terminal.run(main, sys.argv[1:]))
