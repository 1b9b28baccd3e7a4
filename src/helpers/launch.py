"""Launch a run: first the process that holds the libraries of its kernels, which loads while all else is made ready."""

import sys

from helpers import terminal, zygote

WITH_KERNELS = {"report", "pdf", "notebook", "sweep", "refresh-outputs"}


def main(arguments: list[str]) -> int:
    """Carry out a command of `helpers.run`.

    Parameters
    ----------
    arguments : list of str
        Those of ``python -m helpers.run``.
    """
    wish = dict(argument.partition("=")[::2] for argument in arguments).get("--kernels", "")
    if arguments[0] in WITH_KERNELS and wish in ("", "warm") and zygote.apt():
        zygote.begin()
    from helpers import run

    try:
        return run.main(arguments)
    finally:
        # a command that was refused has used none
        zygote.end()


if __name__ == "__main__":
    sys.exit(terminal.run(main, sys.argv[1:]))
