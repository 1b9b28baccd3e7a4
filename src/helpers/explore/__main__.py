"""Execute the explore notebook and store its first states, as ``make refresh-outputs`` does for the others."""

import sys

import nbformat
from nbclient import NotebookClient

from helpers import paths, terminal
from helpers.explore.panels import plain


def main() -> int:
    """Execute ``notebooks/explore.ipynb`` and keep the outputs that need no kernel."""
    path = paths.NOTEBOOKS / "explore.ipynb"
    notebook = nbformat.read(path, as_version=4)
    where, quiet = {"metadata": {"path": str(path.parent)}}, ["--log-level=CRITICAL"]
    options = {"resources": where, "record_timing": False, "extra_arguments": quiet}
    NotebookClient(notebook, kernel_name="python3", **options).execute()
    plain(notebook)
    notebook.metadata["language_info"] = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}
    draft = path.with_suffix(".part")
    nbformat.write(notebook, draft)
    draft.replace(path)
    return 0


if __name__ == "__main__":
    sys.exit(terminal.run(main))
