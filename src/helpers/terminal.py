"""Command lines: a reader who leaves stops no work, and what cannot be said is an error of one line.

Standard library only, for the no-op of `make report` loads it too.
"""

from __future__ import annotations  # older Pythons get as far as being told that they are too old

import io
import os
import sys


class Voice(io.TextIOWrapper):
    """Standard output that goes on in silence when its reader has left, and ends the command where it cannot write."""

    def write(self, text: str) -> int:
        """Write, or be silent."""
        self._tried(super().write, text)
        return len(text)

    def flush(self) -> None:
        """Send on what was written, or be silent."""
        self._tried(super().flush)

    def _tried(self, act, *arguments):
        try:
            act(*arguments)
        except OSError as error:
            # what is still held back would fail again when Python ends
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            if not isinstance(error, BrokenPipeError):
                sys.exit(f"error: standard output cannot be written: {error.strerror}; send it elsewhere")


def run(main, *arguments) -> int:
    """Run a command line.

    Parameters
    ----------
    main : callable
        The command line, which gives its exit code.
    *arguments
        What it is called with.

    Returns
    -------
    int
        The exit code; 130 where Ctrl-C stopped a command that has no word of its own for it.

    Raises
    ------
    SystemExit
        With one line, where standard output cannot be written, as on a full disk.
    """
    if sys.stdout is not None:
        _give_voice()
    try:
        code = main(*arguments)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        code = 130
    finally:
        if sys.stdout is not None:
            sys.stdout.flush()
    return code


def _give_voice():
    plain = sys.stdout
    how = {"line_buffering": plain.line_buffering, "write_through": plain.write_through}
    # a terminal of another encoding gets what it can draw
    sys.stdout = Voice(plain.detach(), encoding=plain.encoding, errors="replace", **how)
    if plain is sys.__stdout__:
        sys.__stdout__ = sys.stdout
