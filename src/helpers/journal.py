"""Change several files as one: killed at any point, the project has all of the old ones or all of the new.

The new files are written beside the old ones. One move, that of the journal which lists them, decides; whoever reads
the data next finishes what a killed change began.
"""

import json
import os
import uuid
from pathlib import Path

from helpers import paths


def commit(changes: dict[Path, bytes]) -> None:
    """Put new contents into files of ``data``, all or none.

    Parameters
    ----------
    changes : dict of Path to bytes
        Content of each file to be.

    Raises
    ------
    ValueError
        If a file does not lie in ``data``.
    """
    place = _place()
    place.mkdir(parents=True, exist_ok=True)
    recover()
    moves = []
    for target, content in sorted(changes.items()):
        # of its own name, so that someone who finishes an older change cannot take it
        draft = place / f"{uuid.uuid4().hex}.part"
        _write(draft, content)
        moves.append([draft.name, str(target.relative_to(paths.DATA))])
    draft = place / f"{uuid.uuid4().hex}.part"
    _write(draft, json.dumps(moves).encode())
    # of its own name, so that someone late with an older one cannot take it away
    draft.replace(draft.with_suffix(".json"))
    recover()
    for left in place.glob("*.part"):
        left.unlink(missing_ok=True)


def recover() -> bool:
    """Finish a change that was killed after it was decided; tell whether there was one."""
    found = False
    # at most one, but for a reader that is late
    for journal in sorted(_place().glob("*.json")):
        try:
            moves = json.loads(journal.read_text(encoding="utf-8"))
        except FileNotFoundError:  # finished by another
            continue
        for draft, target in moves:
            place = paths.DATA / target
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                (_place() / draft).replace(place)
            except FileNotFoundError:  # moved before
                continue
        journal.unlink(missing_ok=True)
        found = True
    return found


def _place():
    return paths.DATA / ".refresh"


def _write(path, content):
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
