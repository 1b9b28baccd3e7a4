"""Start a run: do nothing when nothing changed, else make sure of the environment and hand over to it.

Runs before anything is installed and has to answer within a tenth of a second, so it uses the standard library only.
"""

from __future__ import annotations  # older Pythons get as far as being told that they are too old

import os
import sys

from helpers import freshness, terminal


def main(arguments: list[str]) -> int:
    """Answer ``report`` and ``pdf`` at once when fresh; else replace this process by the run in the locked environment.

    Parameters
    ----------
    arguments : list of str
        Those of ``python -m helpers.run``.
    """
    options = dict(argument.partition("=")[::2] for argument in arguments)
    if arguments[0] in ("report", "pdf") and options.get("--force", "") in ("", "0"):
        wish = options.get("--as-of", "")
        words = freshness.fresh(wish if arguments[0] == "report" else freshness.printed(wish))
        if words:
            print("Nothing changed since the report was built.", *words, sep="\n")
            return 0
    from helpers import environment

    # Dask is in the larger environment only
    extra = bool(options.get("--scheduler"))
    environment.ensure(extra)
    command = [str(environment.executable(environment.EXTRA if extra else None)), "-m", "helpers.launch", *arguments]
    os.execve(command[0], command, os.environ | environment.VARIABLES)


if __name__ == "__main__":
    sys.exit(terminal.run(main, sys.argv[1:]))
