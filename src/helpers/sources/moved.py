"""Say which verdicts moved between two builds of the report: ``python -m helpers.sources.moved before report``."""

import sys
from pathlib import Path

import pandas as pd

SHOWN = ["value", "low", "high", "verdict", "robust"]


def editions(folder: Path) -> list[pd.DataFrame]:
    """Read the verdicts of the editions in a folder, oldest first, by claim."""
    return [
        pd.read_csv(file, dtype=str, keep_default_na=False).set_index("claim").rename_axis(file.parent.name)
        for file in sorted(folder.glob("????-??-??/verdicts.csv"))
    ]


def moved(before: list[pd.DataFrame], after: list[pd.DataFrame]) -> str:
    """Say in Markdown which verdicts of the first and of the last edition are others than before.

    Parameters
    ----------
    before, after : list of DataFrame
        As `editions` gives.
    """
    lines = ["## Verdicts that moved", ""]
    for old, new in zip((before[0], before[-1]), (after[0], after[-1]), strict=True):
        name, was = new.index.name, old.index.name
        lines += [f"Edition of {name}" + (f", was {was}" if was != name else "") + ":", ""]
        changed = [
            f"- `{claim}`: {_said(old, claim)} → {_said(new, claim)}"
            for claim in new.index
            if claim not in old.index or list(old.loc[claim, SHOWN]) != list(new.loc[claim, SHOWN])
        ]
        lines += [*(changed or ["none"]), ""]
    return "\n".join(lines)


def _said(table, claim):
    if claim not in table.index:
        return "not asked"
    row = table.loc[claim]
    robust = ", not robust" if row.robust == "no" else ""
    return f"{row.verdict}{robust} ({row.value or 'no value'})"


if __name__ == "__main__":
    print(moved(*(editions(Path(folder)) for folder in sys.argv[1:3])))
