"""Exchange: have two folders change places in one move, so that nobody ever finds neither. Standard library only."""

import ctypes
import os
import sys
from pathlib import Path


def exchange(one: Path, other: Path) -> bool:
    """Have two files or folders of one file system change places in one move.

    Returns
    -------
    bool
        Whether they did; never where the system or the file system cannot.
    """
    if sys.platform != "linux":
        return False
    here, swap = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of renameat2(2)
    try:
        move = ctypes.CDLL(None).renameat2
    except AttributeError:  # a C library without it
        return False
    return move(here, os.fsencode(one), here, os.fsencode(other), swap) == 0
