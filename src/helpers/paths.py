"""Places of the project, told from the package itself and never from the working directory."""

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
DATA = ROOT / "data"
RAW = DATA / "raw"
PROCESSED = DATA / "processed"
REPORT = ROOT / "report"
DRAFTS = REPORT / "drafts"

PLACE_VARIABLE = "HELPERS_PLACE"
"""Environment variable by which a run tells its kernels where to write."""

PICTURES_VARIABLE = "HELPERS_PICTURES"
"""Environment variable that leaves pictures undrawn, where it is 0: a sweep wants the numbers alone."""

OWN_VARIABLE = "HELPERS_OWN"
"""Environment variable that leaves your own data out, where it is 0."""


def own() -> Path | None:
    """Folder of your own data, kept out of git; None where there is none or it is left out."""
    folder = DATA / "own"
    return folder if os.environ.get(OWN_VARIABLE) != "0" and (folder / "sources.csv").is_file() else None


def added_claims() -> Path:
    """File of the claims that are not the note's; it need not exist."""
    return DATA / "added_claims.csv"


def output_dir(notebook: str, as_of: str, edition: str | None = None) -> Path:
    """Folder to which a notebook writes, made if need be: its own in the edition being made, else among the drafts.

    Parameters
    ----------
    notebook : str
        Name of the notebook without its ending, such as ``01_returns``.
    as_of : str
        Day of the edition, an ISO date.
    edition : str, optional
        Folder of the edition being made; empty or None for a draft.

    Raises
    ------
    ValueError
        If the name is not that of a notebook, or the edition is not an ISO date.
    """
    if not re.fullmatch(r"(\d\d|own)_[a-z0-9_]+", notebook):
        raise ValueError(f"{notebook!r} is not the name of a notebook, such as '01_returns'")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", as_of):
        raise ValueError(f"{as_of!r} is not an ISO date, such as '2025-02-14'")
    folder = (Path(edition) if edition else DRAFTS / as_of) / notebook
    folder.mkdir(parents=True, exist_ok=True)
    return folder
